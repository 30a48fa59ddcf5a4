// Columns of raw values become packed blocks and a tree, as store_keys.c, store_encode.c and
// store_seal.c make them: `measure` finds each block's smallest and largest key, `place` gives every
// super-block its place, `pack` writes the payload, `head` and `rise` the headers and the tree.
//
// A key is here the store's ordered key plus 2^63, so that it compares as unsigned.

override TYPE: u32 = 0u; // gch_type
override KIND: u32 = 0u; // gch_value_kind

//!include common/encode.wgsl

@group(0) @binding(0) var<uniform> batch: Batch;
@group(0) @binding(1) var<storage, read> raw: array<u32>;
@group(0) @binding(2) var<storage, read_write> bounds: array<vec4u>; // a block's min and max key
@group(0) @binding(3) var<storage, read_write> bitmaps: array<u32>; // 8 words a block: its drawn rows
@group(0) @binding(4) var<storage, read_write> arrays: array<u32>;
@group(0) @binding(5) var<storage, read_write> payload: array<u32>;

//!include common/wide.wgsl
//!include common/long.wgsl
//!include common/digits.wgsl

// ---- rows ----

fn is_float() -> bool {
    return TYPE == TYPE_F32 || TYPE == TYPE_F64;
}

const DRAWN: u32 = 1u;

// A row's key, and in z what it is: DRAWN and notes.
fn float32_row(bits: u32) -> vec3u {
    if ((bits & 0x7F800000u) == 0x7F800000u) {
        return vec3u(0u, 0u, select(BLOCK_IS_ODD, 0u, bits == 0x7FC00000u));
    }
    if (KIND == KIND_DECIMAL) {
        let digits = digits_from_f32(bits, vec2u(batch.power_low, batch.power_high));
        let zero = select(0u, BLOCK_IS_ODD | BLOCK_ZERO, bits == 0x80000000u);
        return vec3u(digits, DRAWN | zero | select(0u, BLOCK_IS_MISFIT, digits.y == NO_DIGITS));
    }
    let key = select(bits | 0x80000000u, ~bits, (bits >> 31u) != 0u);
    return vec3u(key, 0x80000000u, DRAWN);
}

fn float64_row(bits: vec2u) -> vec3u {
    if ((bits.y & 0x7FF00000u) == 0x7FF00000u) {
        let is_plain = bits.y == 0x7FF80000u && bits.x == 0u;
        return vec3u(0u, 0u, select(BLOCK_IS_ODD, 0u, is_plain));
    }
    if (KIND == KIND_DECIMAL) {
        let digits = digits_from_f64(bits, vec2u(batch.power_low, batch.power_high));
        let is_zero = bits.y == 0x80000000u && bits.x == 0u;
        let zero = select(0u, BLOCK_IS_ODD | BLOCK_ZERO, is_zero);
        return vec3u(digits, DRAWN | zero | select(0u, BLOCK_IS_MISFIT, digits.y == NO_DIGITS));
    }
    if ((bits.y >> 31u) != 0u) {
        return vec3u(~bits, DRAWN);
    }
    return vec3u(bits.x, bits.y | 0x80000000u, DRAWN);
}

fn signed_row(value: i32) -> vec3u {
    return vec3u(u32(value), select(0x80000000u, 0x7FFFFFFFu, value < 0), DRAWN);
}

fn read_row(row: u32) -> vec3u {
    if (TYPE == TYPE_F32) {
        return float32_row(raw[row]);
    }
    if (TYPE == TYPE_F64) {
        return float64_row(vec2u(raw[2u * row], raw[2u * row + 1u]));
    }
    if (TYPE == TYPE_I64) {
        return vec3u(raw[2u * row], raw[2u * row + 1u] ^ 0x80000000u, DRAWN);
    }
    if (TYPE == TYPE_I32) {
        return signed_row(i32(raw[row]));
    }
    if (TYPE == TYPE_U32) {
        return vec3u(raw[row], 0x80000000u, DRAWN);
    }
    if (TYPE == TYPE_I16) {
        return signed_row(extractBits(i32(raw[row / 2u]), 16u * (row % 2u), 16u));
    }
    if (TYPE == TYPE_U16) {
        return vec3u(extractBits(raw[row / 2u], 16u * (row % 2u), 16u), 0x80000000u, DRAWN);
    }
    if (TYPE == TYPE_I8) {
        return signed_row(extractBits(i32(raw[row / 4u]), 8u * (row % 4u), 8u));
    }
    return vec3u(extractBits(raw[row / 4u], 8u * (row % 4u), 8u), 0x80000000u, DRAWN);
}

// ---- blocks ----

//!include common/blocks.wgsl

var<workgroup> drawn: array<atomic<u32>, 8>;
var<workgroup> notes: atomic<u32>;

// The block's keys into low and high; returns the thread's own (min, max).
fn load_block(block: u32, thread: u32) -> vec4u {
    let count = count_rows(block);
    if (thread < 8u) { // all rows there are; those that are not drawn are the rare ones
        let rows = min(max(count, thread * 32u) - thread * 32u, 32u);
        atomicStore(&drawn[thread], select(0u, 0xFFFFFFFFu >> ((32u - rows) & 31u), rows > 0u));
    }
    if (thread == 0u) {
        atomicStore(&notes, 0u);
    }
    workgroupBarrier();
    var own = EMPTY;
    var found = 0u;
    var zeros = 0u;
    for (var i = thread; i < count; i += THREADS) {
        let row = read_row(block * 256u + i);
        low[i] = row.x;
        high[i] = row.y;
        found |= row.z;
        zeros += row.z & BLOCK_ZERO;
        if ((row.z & DRAWN) != 0u) {
            own = include_pair(own, vec4u(row.xy, row.xy));
        } else {
            found |= BLOCK_HAS_GAPS;
            atomicAnd(&drawn[i / 32u], ~(1u << (i % 32u)));
        }
    }
    if (found > DRAWN) {
        atomicOr(&notes, found & (BLOCK_HAS_GAPS | BLOCK_IS_ODD | BLOCK_IS_MISFIT));
        atomicAdd(&notes, zeros);
    }
    workgroupBarrier();
    return own;
}

// Whose key stands in a row's slot: its own, a drawn row's before it, or the block's first one's.
fn slot_source(at: u32) -> u32 {
    var word = at / 32u;
    var bits = atomicLoad(&drawn[word]) & (0xFFFFFFFFu >> (31u - at % 32u));
    while (bits == 0u && word > 0u) {
        word -= 1u;
        bits = atomicLoad(&drawn[word]);
    }
    if (bits != 0u) {
        return word * 32u + firstLeadingBit(bits);
    }
    word = at / 32u;
    bits = atomicLoad(&drawn[word]);
    while (bits == 0u && word < 7u) {
        word += 1u;
        bits = atomicLoad(&drawn[word]);
    }
    return word * 32u + firstTrailingBit(bits);
}

var<workgroup> reduced: array<vec4u, 64>;

@compute @workgroup_size(64)
fn measure(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
    let block = block_of(group);
    if (block >= batch.block_count) {
        return;
    }
    reduced[thread] = load_block(block, thread);
    workgroupBarrier();
    for (var half = THREADS / 2u; half > 0u; half /= 2u) {
        if (thread < half) {
            reduced[thread] = include_pair(reduced[thread], reduced[thread + half]);
        }
        workgroupBarrier();
    }
    if (is_float() && thread < 8u) {
        bitmaps[block * 8u + thread] = atomicLoad(&drawn[thread]);
    }
    if (thread == 0u) {
        var pair = reduced[0];
        let noted = atomicLoad(&notes);
        if ((noted & BLOCK_IS_MISFIT) != 0u) {
            pair = EMPTY;
        }
        bounds[block] = pair;
        let is_empty = is_less(pair.zw, pair.xy);
        let bits = select(bits_of(subtract_wide(pair.zw, pair.xy)), 0u, is_empty);
        arrays[batch.blocks + block] = noted | bits;
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
    _ = load_block(block, thread);
    let base = bounds[block].xy;
    let count = count_rows(block);
    var residuals: array<vec2u, 4>;
    let has_gaps = is_float() && (atomicLoad(&notes) & BLOCK_HAS_GAPS) != 0u;
    for (var j = 0u; j < 4u; j++) {
        var source = min(thread + THREADS * j, count - 1u);
        if (has_gaps) {
            source = slot_source(source);
        }
        residuals[j] = subtract_wide(vec2u(low[source], high[source]), base);
    }
    workgroupBarrier();
    for (var j = 0u; j < 4u; j++) {
        low[thread + THREADS * j] = residuals[j].x;
        high[thread + THREADS * j] = residuals[j].y;
    }
    workgroupBarrier();
    pack_block(block, bits, thread);
}

// ---- places ----

//!include common/place.wgsl

// ---- the tree ----

fn load_pair(at: u32, is_wide: bool) -> vec4u {
    if (is_wide) {
        return vec4u(arrays[at], arrays[at + 1u], arrays[at + 2u], arrays[at + 3u]);
    }
    return vec4u(arrays[at], 0u, arrays[at + 1u], 0u);
}

fn store_pair(at: u32, is_wide: bool, pair: vec4u) {
    if (is_wide) {
        arrays[at] = pair.x;
        arrays[at + 1u] = pair.y;
        arrays[at + 2u] = pair.z;
        arrays[at + 3u] = pair.w;
    } else {
        arrays[at] = pair.x;
        arrays[at + 1u] = pair.z;
    }
}

// Headers, and the level above them: a workgroup has four of its nodes.
@compute @workgroup_size(64)
fn head(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
    let first = block_of(group) * THREADS;
    let block = first + thread;
    let is_wide = arrays[SUMMARY_IS_WIDE] != 0u;
    let words = select(2u, 4u, is_wide);
    let base = vec2u(arrays[SUMMARY_BASE], arrays[SUMMARY_BASE + 1u]);
    reduced[thread] = EMPTY;
    if (block < batch.block_count) {
        var pair = bounds[block];
        if (!is_less(pair.zw, pair.xy)) {
            pair = vec4u(subtract_wide(pair.xy, base), subtract_wide(pair.zw, base));
        }
        reduced[thread] = pair;
        store_pair(batch.tree + block * words, is_wide, pair);
    }
    workgroupBarrier();
    if (batch.block_count == 1u || thread >= 4u || first + thread * 16u >= batch.block_count) {
        return;
    }
    var node = reduced[thread * 16u];
    for (var child = 1u; child < 16u; child++) {
        node = include_pair(node, reduced[thread * 16u + child]);
    }
    let above = batch.tree + batch.block_count * words;
    store_pair(above + (first / 16u + thread) * words, is_wide, node);
}

// The levels from the second on, one workgroup, level by level.
@compute @workgroup_size(256)
fn rise(@builtin(local_invocation_index) thread: u32) {
    let is_wide = arrays[SUMMARY_IS_WIDE] != 0u;
    let words = select(2u, 4u, is_wide);
    var at = batch.tree + batch.block_count * words;
    for (var count = (batch.block_count + 15u) / 16u; count > 1u; count = (count + 15u) / 16u) {
        let above = at + count * words;
        for (var i = thread; i < (count + 15u) / 16u; i += 256u) {
            var node = load_pair(at + i * 16u * words, is_wide);
            for (var child = i * 16u + 1u; child < min(i * 16u + 16u, count); child++) {
                node = include_pair(node, load_pair(at + child * words, is_wide));
            }
            store_pair(above + i * words, is_wide, node);
        }
        storageBarrier();
        at = above;
    }
}
