// From one grid of pixels to another: words, bits, or words by a table. A grid lies column by column.

//!include common/layouts.wgsl

@group(0) @binding(0) var<uniform> paste: Paste;
@group(0) @binding(1) var<storage, read> source: array<u32>;
@group(0) @binding(2) var<storage, read_write> result: array<u32>;
@group(0) @binding(3) var<storage, read> table: array<u32>;

// Whether a pixel of the source is there in the other grid, and its word there.
struct Place {
    is_there: bool,
    at: u32,
}

fn place_in_result(row: u32, column: u32) -> Place {
    let x = i32(column) + i32(paste.x);
    let y = i32(row) + i32(paste.y);
    let is_there = row < paste.height && column < paste.width && x >= 0 && y >= 0 &&
        x < i32(paste.to_width) && y < i32(paste.to_height);
    return Place(is_there, paste.to + u32(x) * paste.to_stride + u32(y));
}

@compute @workgroup_size(64)
fn paste_words(@builtin(global_invocation_id) id: vec3u) {
    let place = place_in_result(id.x, id.y);
    if (place.is_there) {
        result[place.at] = source[paste.first + id.y * paste.stride + id.x];
    }
}

@compute @workgroup_size(64)
fn paste_ranks(@builtin(global_invocation_id) id: vec3u) {
    let place = place_in_result(id.x, id.y);
    if (place.is_there) {
        result[place.at] = table[source[paste.first + id.y * paste.stride + id.x]];
    }
}

// A word of a column of bits; zeros beside it.
fn source_word(column: u32, word: i32) -> u32 {
    if (word < 0 || word >= i32(paste.stride)) {
        return 0u;
    }
    return source[paste.first + column * paste.stride + u32(word)];
}

// A thread a word of the result, to which bits are added.
@compute @workgroup_size(64)
fn paste_bits(@builtin(global_invocation_id) id: vec3u) {
    let column = i32(id.y) - i32(paste.x);
    let first_row = i32(id.x * 32u);
    if (id.x >= paste.to_stride || id.y >= paste.to_width || column < 0 || column >= i32(paste.width)) {
        return;
    }
    let row = first_row - i32(paste.y); // of the source; may be negative
    let word = row >> 5u;
    let shift = u32(row) & 31u;
    var bits = source_word(u32(column), word) >> shift;
    if (shift != 0u) {
        bits |= source_word(u32(column), word + 1) << (32u - shift);
    }
    let rows = min(paste.to_height - u32(first_row), 32u);
    bits &= 0xFFFFFFFFu >> (32u - rows);
    if (bits != 0u) {
        result[paste.to + id.y * paste.to_stride + id.x] |= bits;
    }
}
