// Times become lines and packed residuals, as codec_time.c and store_time.c make them: `fit` finds
// each block's line, `place` gives every super-block its place, `pack` writes the residuals. And
// `steps` tells which groups of 8192 rows are regular.

override TYPE: u32 = 7u; // gch_type: I64, I32 or U32

//!include common/encode.wgsl

@group(0) @binding(0) var<uniform> batch: Batch;
@group(0) @binding(1) var<storage, read> raw: array<u32>;
// A block's gch__time_line: base, step, frac and bits.
@group(0) @binding(2) var<storage, read_write> bounds: array<vec4u>;
// Two words a super-block, the units of its first row; of `steps` four a group.
@group(0) @binding(3) var<storage, read_write> bitmaps: array<u32>;
@group(0) @binding(4) var<storage, read_write> arrays: array<u32>;
@group(0) @binding(5) var<storage, read_write> payload: array<u32>;

//!include common/wide.wgsl
//!include common/long.wgsl
//!include common/signed.wgsl
//!include common/blocks.wgsl
//!include common/place.wgsl

fn read_time(row: u32) -> vec2u {
    if (TYPE == TYPE_I64) {
        return vec2u(raw[2u * row], raw[2u * row + 1u]);
    }
    if (TYPE == TYPE_I32) {
        return vec2u(raw[row], select(0u, 0xFFFFFFFFu, (raw[row] >> 31u) != 0u));
    }
    return vec2u(raw[row], 0u);
}

// A difference that the unit divides, in units.
fn in_units(difference: vec2u) -> vec2u {
    let odd = right_wide(difference, batch.shift);
    return multiply_low(odd, vec2u(batch.inverse_low, batch.inverse_high));
}

// Of slot i of a block, from its super-block's first row on; slots behind the last row repeat it.
fn read_units(block: u32, i: u32) -> vec2u {
    let time = read_time(block * 256u + min(i, count_rows(block) - 1u));
    return in_units(subtract_wide(time, read_time((block & ~3u) * 256u)));
}

// ---- regular stretches ----

const GROUP_ROWS: u32 = 8192u;

var<workgroup> is_odd: atomic<u32>;

@compute @workgroup_size(64)
fn steps(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
    let first = group.x * GROUP_ROWS;
    let end = min(first + GROUP_ROWS, batch.row_count);
    let step = subtract_wide(read_time(min(first + 1u, end - 1u)), read_time(first));
    if (thread == 0u) {
        atomicStore(&is_odd, select(0u, 1u, end - first < 2u));
    }
    workgroupBarrier();
    var differs = false;
    for (var row = first + 2u + thread; row < end; row += THREADS) {
        let difference = subtract_wide(read_time(row), read_time(row - 1u));
        differs = differs || any(difference != step);
    }
    if (differs) {
        atomicOr(&is_odd, 1u);
    }
    workgroupBarrier();
    if (thread == 0u) {
        bitmaps[group.x * 4u] = step.x;
        bitmaps[group.x * 4u + 1u] = step.y;
        bitmaps[group.x * 4u + 2u] = 1u - atomicLoad(&is_odd);
    }
}

// ---- fitting ----

const LAST: u32 = 255u;
const SLOPE_MAX: vec2u = vec2u(0xFFFFFFFFu, 0xFFFFu); // 2^48 - 1
const CHORD_MAX: vec2u = vec2u(0xFFFFFFFFu, 0xFEu); // the longest span with a slope of its own
const PARTS: u32 = 8u;
const PART_ROWS: u32 = 32u;
const CORRECTED_BITS_MAX: u32 = 40u;
const ROUNDS_MAX: u32 = 6u;

struct Range {
    min: vec2u, // signed
    max: vec2u,
}

struct Plane {
    at: vec2u, // signed
    run: i32,
}

var<workgroup> found: array<Range, 64>;
var<workgroup> parts: array<Range, 8>;
var<workgroup> slope: vec2u;

fn include_range(a: Range, b: Range) -> Range {
    var range = a;
    if (is_less_signed(b.min, a.min)) {
        range.min = b.min;
    }
    if (is_less_signed(a.max, b.max)) {
        range.max = b.max;
    }
    return range;
}

fn slope_at(its_slope: vec2u, i: u32) -> vec2u {
    return right_wide(multiply_low(its_slope, vec2u(i, 0u)), 16u);
}

fn units_at(i: u32) -> vec2u {
    return vec2u(low[i], high[i]);
}

// The extremes of the residuals in each part, under the slope in `slope`, to `parts`.
fn evaluate(thread: u32) {
    var range = Range(vec2u(0xFFFFFFFFu, 0x7FFFFFFFu), vec2u(0u, 0x80000000u));
    for (var k = 0u; k < 4u; k++) {
        let i = thread * 4u + k;
        let residual = subtract_wide(subtract_wide(units_at(i), units_at(0u)), slope_at(slope, i));
        range = include_range(range, Range(residual, residual));
    }
    found[thread] = range;
    workgroupBarrier();
    if (thread < PARTS) {
        range = found[thread * 8u];
        for (var k = 1u; k < 8u; k++) {
            range = include_range(range, found[thread * 8u + k]);
        }
        parts[thread] = range;
    }
    workgroupBarrier();
}

fn whole_range() -> Range {
    var range = parts[0];
    for (var part = 1u; part < PARTS; part++) {
        range = include_range(range, parts[part]);
    }
    return range;
}

fn bits_of_range(range: Range) -> u32 {
    return bits_of(subtract_wide(range.max, range.min));
}

fn chord(span: vec2u) -> vec2u {
    if (!is_less(span, CHORD_MAX)) {
        return SLOPE_MAX;
    }
    return divide_wide(add_wide(left_wide(span, 16u), vec2u(LAST / 2u, 0u)), LAST);
}

fn times_run(correction: vec2u, run: i32) -> vec2u {
    return multiply_low(correction, vec2u(u32(run), select(0u, 0xFFFFFFFFu, run < 0)));
}

// widest, best_correction and corrected of codec_time.c.
fn widest(correction: vec2u) -> Plane {
    var top = vec2u(0u, 0x80000000u);
    var bottom = vec2u(0xFFFFFFFFu, 0x7FFFFFFFu);
    for (var part = 0u; part < PARTS; part++) {
        let moved = times_run(correction, i32(part * PART_ROWS));
        let mark = vec2u(part, 0u);
        let above = add_wide(left_wide(subtract_wide(left_wide(parts[part].max, 16u), moved), 3u), mark);
        let below = add_wide(left_wide(subtract_wide(left_wide(parts[part].min, 16u), moved), 3u), mark);
        if (is_less_signed(top, above)) {
            top = above;
        }
        if (is_less_signed(below, bottom)) {
            bottom = below;
        }
    }
    let first = top.x & 7u;
    let second = bottom.x & 7u;
    let at = subtract_wide(left_wide(parts[first].max, 16u), left_wide(parts[second].min, 16u));
    return Plane(at, (i32(first) - i32(second)) * i32(PART_ROWS));
}

fn best_correction() -> vec2u {
    let whole = i32((PARTS - 1u) * PART_ROWS);
    let last = PARTS - 1u;
    var falling = Plane(
        subtract_wide(left_wide(parts[last].max, 16u), left_wide(parts[0].min, 16u)), whole);
    var rising = Plane(
        subtract_wide(left_wide(parts[0].max, 16u), left_wide(parts[last].min, 16u)), -whole);
    var correction = vec2u(0u, 0u);
    for (var round = 0u; round < ROUNDS_MAX; round++) {
        correction = divide_signed(subtract_wide(falling.at, rising.at), u32(falling.run - rising.run));
        let bound = subtract_wide(falling.at, times_run(correction, falling.run));
        let plane = widest(correction);
        let reached = subtract_wide(plane.at, times_run(correction, plane.run));
        let enough = add_wide(bound, divide_signed(bound, 64u));
        if (plane.run == 0 || !is_less_signed(enough, reached)) {
            break;
        }
        if (plane.run > 0) {
            falling = plane;
        } else {
            rising = plane;
        }
    }
    return correction;
}

fn corrected(its_slope: vec2u, correction: vec2u) -> vec2u {
    let wanted = add_wide(its_slope, correction);
    if (is_negative(wanted)) {
        return vec2u(0u, 0u);
    }
    return smaller(wanted, SLOPE_MAX);
}

@compute @workgroup_size(64)
fn fit(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
    let block = block_of(group);
    if (block >= batch.block_count) {
        return;
    }
    for (var i = thread; i < 256u; i += THREADS) {
        let units = read_units(block, i);
        low[i] = units.x;
        high[i] = units.y;
    }
    workgroupBarrier();
    let span = subtract_wide(units_at(LAST), units_at(0u));
    let is_level = span.y >= 0x40000000u;
    if (thread == 0u) {
        slope = select(chord(span), vec2u(0u, 0u), is_level);
    }
    workgroupBarrier();
    evaluate(thread);
    var best = whole_range();
    var best_slope = slope;
    workgroupBarrier();
    if (thread == 0u && !is_level) {
        let bits = bits_of_range(best);
        if (bits > 0u && bits <= CORRECTED_BITS_MAX) {
            slope = corrected(slope, best_correction());
        }
    }
    workgroupBarrier();
    evaluate(thread);
    let second = whole_range();
    if (bits_of_range(second) < bits_of_range(best)) {
        best = second;
        best_slope = slope;
    }
    if (is_level) {
        best = Range(vec2u(0u, 0u), span);
    }
    if (thread != 0u) {
        return;
    }
    let bits = bits_of_range(best);
    let step = right_wide(best_slope, 16u).x;
    bounds[block] = vec4u(add_wide(units_at(0u), best.min), step, (best_slope.x & 0xFFFFu) | (bits << 16u));
    arrays[batch.blocks + block] = bits;
    if (block % 4u == 0u) {
        let origin = vec2u(batch.origin_low, batch.origin_high);
        let units = in_units(subtract_wide(read_time(block * 256u), origin));
        bitmaps[block / 2u] = units.x;
        bitmaps[block / 2u + 1u] = units.y;
    }
}

@compute @workgroup_size(64)
fn pack(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
    let block = block_of(group);
    if (block >= batch.block_count) {
        return;
    }
    let bits = load_width(block, thread);
    if (bits == 0u) {
        return;
    }
    let line = bounds[block];
    let its_slope = vec2u((line.z << 16u) | (line.w & 0xFFFFu), line.z >> 16u);
    for (var i = thread; i < 256u; i += THREADS) {
        let rest = subtract_wide(subtract_wide(read_units(block, i), line.xy), slope_at(its_slope, i));
        low[i] = rest.x;
        high[i] = rest.y;
    }
    workgroupBarrier();
    pack_block(block, bits, thread);
}
