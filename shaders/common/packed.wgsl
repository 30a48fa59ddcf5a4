// Packed blocks, 8 interleaved lanes of 32 (docs/format.md, "Packed blocks"). `load(word)` gives a
// word of the segment; whoever includes this declares it.

// Value i of a plane of `bits` bits that starts at word `at`.
fn packed_get(at: u32, bits: u32, i: u32) -> u32 {
    if (bits == 0u) {
        return 0u;
    }
    let bit = (i >> 3u) * bits;
    let word = at + (bit >> 5u) * 8u + (i & 7u);
    let shift = bit & 31u;
    var value = load(word) >> shift;
    if (shift + bits > 32u) {
        value |= load(word + 8u) << (32u - shift);
    }
    return select(value & ((1u << (bits & 31u)) - 1u), value, bits == 32u);
}

// Residual i of a block of 0 to 64 bits.
fn packed_get_wide(at: u32, bits: u32, i: u32) -> vec2u {
    if (bits <= 32u) {
        return vec2u(packed_get(at, bits, i), 0u);
    }
    return vec2u(packed_get(at, 32u, i), packed_get(at + 256u, bits - 32u, i));
}

// One lane of a plane, read from its first value to its last, each word loaded once.
struct Lane {
    at: u32, // of the next word
    left: u32, // words behind that
    word: u32,
    shift: u32,
    bits: u32,
}

fn lane_start(at: u32, bits: u32, lane: u32) -> Lane {
    if (bits == 0u) {
        return Lane(0u, 0u, 0u, 0u, 0u);
    }
    return Lane(at + lane + 8u, bits - 1u, load(at + lane), 0u, bits);
}

fn lane_next(lane: ptr<function, Lane>) -> u32 {
    let bits = (*lane).bits;
    let shift = (*lane).shift;
    var value = (*lane).word >> shift;
    let end = shift + bits;
    if (end >= 32u && (*lane).left > 0u) {
        (*lane).word = load((*lane).at);
        (*lane).at += 8u;
        (*lane).left -= 1u;
        if (end > 32u) {
            value |= (*lane).word << (32u - shift);
        }
    }
    (*lane).shift = end & 31u;
    return select(value & ((1u << (bits & 31u)) - 1u), value, bits == 32u);
}
