// Columns of a chart in the default look: not pixel rows, but heights in real pixels below the plot's
// top, as query_scale.c has them, to the last bit of a float. A column's marks are four words, at
// frame.extents: its top and bottom, as integers in the same order, and where the line crosses its left
// and right edge, as floats. A bar's are two: its high and low in whole pixels.

//!include bars.wgsl
//!include common/long.wgsl
//!include common/double.wgsl

// What Segment.edges names: three doubles.
const Y_TOP: u32 = 0u;
const PX_PER_VALUE: u32 = 1u;
const POWER: u32 = 2u; // of decimals: 10^scale

fn constant(index: u32) -> Real {
    return real_from_f64(edges[segment.edges + index]);
}

fn value_of(key: vec2u) -> Real {
    let counted = add_wide(key, vec2u(segment.offset_low, segment.offset_high));
    if ((segment.flags & IS_F64) != 0u) {
        let is_positive = (counted.y >> 31u) != 0u;
        return real_from_f64(select(~counted, vec2u(counted.x, counted.y & 0x7FFFFFFFu), is_positive));
    }
    if ((segment.flags & IS_F32) != 0u) {
        let is_positive = (counted.x >> 31u) != 0u;
        return real_from_f32(select(~counted.x, counted.x & 0x7FFFFFFFu, is_positive));
    }
    let digits = vec2u(counted.x, counted.y ^ 0x80000000u);
    return divide_reals(real_from_signed(digits), constant(POWER));
}

fn pixels_below(key: vec2u) -> Real {
    let below = subtract_reals(constant(Y_TOP), value_of(key));
    return multiply_reals(below, constant(PX_PER_VALUE));
}

fn height_of(key: vec2u) -> f32 {
    return clamped_real(pixels_below(key));
}

// Integers in the order of the floats.
fn order_of(y: f32) -> u32 {
    let bits = bitcast<u32>(y);
    return select(bits | 0x80000000u, ~bits, (bits >> 31u) != 0u);
}

// ---- bars ----

const HALF: Real = Real(true, -53, vec2u(0u, 0x100000u)); // -1/2

// The whole number nearest to a height, halves up, by adding 1/2 as a double: as raster_bars.c; in the
// order of integers without a sign.
fn whole_order(key: vec2u) -> u32 {
    let y = subtract_reals(pixels_below(key), HALF);
    let exponent = y.e + 52;
    var size = 1000000; // they end at this
    var is_between = false;
    if (is_zero(y) || exponent < 0) {
        size = 0;
        is_between = !is_zero(y);
    } else if (exponent < 20) {
        let high = y.m.y; // 2^20 and below it: the whole part, and some of the rest
        let rest = 20u - u32(exponent);
        size = min(i32(high >> rest), size);
        is_between = y.m.x != 0u || (high & ((1u << rest) - 1u)) != 0u;
    }
    if (y.negative) {
        size = max(-size - select(0, 1, is_between), -1000000);
    }
    return u32(size) ^ 0x80000000u;
}

// Thread 0 and 1 widen a bar's two words.
fn widen_wholes(slice: Slice, thread: u32, pair: Pair) {
    if (thread < 2u && !is_nothing(pair)) {
        let at = frame.extents + slice.column * 2u;
        let order = whole_order(select(pair.max, pair.min, thread == 1u));
        if (thread == 0u) {
            atomicMin(&marks[at], order);
        } else {
            atomicMax(&marks[at + 1u], order);
        }
    }
}

@compute @workgroup_size(64)
fn reduce_wholes(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
    if (slice_index(group) >= frame.slice_count) {
        return;
    }
    let slice = slices[frame.first_slice + slice_index(group)];
    segment = segments[slice.segment];
    widen_wholes(slice, thread, reduce_slice(slice, thread));
}

// Of rows with gaps.
@compute @workgroup_size(64)
fn reduce_drawn_wholes(@builtin(workgroup_id) group: vec3u,
                       @builtin(local_invocation_index) thread: u32) {
    if (slice_index(group) >= frame.slice_count) {
        return;
    }
    let slice = slices[frame.first_slice + slice_index(group)];
    segment = segments[slice.segment];
    widen_wholes(slice, thread, reduce_drawn_slice(slice, thread));
}

// ---- lines ----

// A group a slice, whose rows are all drawn. One thread has the top, another the bottom.
@compute @workgroup_size(64)
fn reduce_heights(@builtin(workgroup_id) group: vec3u,
                  @builtin(local_invocation_index) thread: u32) {
    if (slice_index(group) >= frame.slice_count) {
        return;
    }
    let slice = slices[frame.first_slice + slice_index(group)];
    segment = segments[slice.segment];
    let pair = reduce_slice(slice, thread);
    if (thread < 2u && !is_nothing(pair)) {
        let at = frame.extents + slice.column * 4u;
        let order = order_of(height_of(select(pair.max, pair.min, thread == 1u)));
        if (thread == 0u) {
            atomicMin(&marks[at], order);
        } else {
            atomicMax(&marks[at + 1u], order);
        }
    }
}
