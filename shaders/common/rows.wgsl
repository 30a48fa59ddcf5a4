// From keys to pixel rows, and from rows to marks.

@group(0) @binding(0) var<uniform> frame: Frame;
@group(0) @binding(3) var<storage, read> edges: array<vec2u>;
@group(0) @binding(5) var<storage, read_write> marks: array<atomic<u32>>;

// row + 1 of a key: how many of the row edges, from the top, lie above it. Bisection.
fn row_of(key: vec2u) -> u32 {
    let counted = add_wide(key, vec2u(segment.offset_low, segment.offset_high));
    var low = segment.unbounded;
    var high = frame.height + 1u;
    while (low < high) {
        let middle = (low + high) / 2u;
        if (is_less(counted, edges[segment.edges + middle])) {
            low = middle + 1u;
        } else {
            high = middle;
        }
    }
    return low;
}

// The bits of a word of the bitmap that the pixel rows from rows.x to rows.y of a column have.
fn mask_of(word: u32, rows: vec2u) -> u32 {
    var mask = 0xFFFFFFFFu;
    if (word == rows.x / 32u) {
        mask &= 0xFFFFFFFFu << (rows.x % 32u);
    }
    if (word == rows.y / 32u) {
        mask &= 0xFFFFFFFFu >> (31u - rows.y % 32u);
    }
    return mask;
}

// Lights the pixel rows from rows.x to rows.y of a column that lie in one word of the bitmap.
fn light_word(column: u32, word: u32, rows: vec2u) {
    let mask = mask_of(word, rows);
    let at = frame.lit + column * frame.lit_words + word;
    if ((atomicLoad(&marks[at]) & mask) != mask) {
        atomicOr(&marks[at], mask);
    }
}

// Whether the bitmap has the pixel rows top to bottom, both + 1, of a column, as far as they are in
// the picture.
fn is_lit(column: u32, top: u32, bottom: u32) -> bool {
    if (top > bottom || bottom == 0u || top > frame.height) {
        return true;
    }
    let rows = vec2u(max(top, 1u) - 1u, min(bottom, frame.height) - 1u);
    for (var word = rows.x / 32u; word <= rows.y / 32u; word++) {
        let mask = mask_of(word, rows);
        if ((atomicLoad(&marks[frame.lit + column * frame.lit_words + word]) & mask) != mask) {
            return false;
        }
    }
    return true;
}

// Lights the pixel rows top to bottom, both + 1, of a column as far as they are in the picture.
fn light(column: u32, top: u32, bottom: u32) {
    if (bottom == 0u || top > frame.height) {
        return;
    }
    let rows = vec2u(max(top, 1u) - 1u, min(bottom, frame.height) - 1u);
    for (var word = rows.x / 32u; word <= rows.y / 32u; word++) {
        light_word(column, word, rows);
    }
}
