// 64-bit keys as (low, high).

fn is_less(a: vec2u, b: vec2u) -> bool {
    return a.y < b.y || (a.y == b.y && a.x < b.x);
}

fn add_wide(a: vec2u, b: vec2u) -> vec2u {
    let low = a.x + b.x;
    return vec2u(low, a.y + b.y + select(0u, 1u, low < a.x));
}

fn subtract_wide(a: vec2u, b: vec2u) -> vec2u {
    return vec2u(a.x - b.x, a.y - b.y - select(0u, 1u, a.x < b.x));
}

fn smaller(a: vec2u, b: vec2u) -> vec2u {
    return select(a, b, is_less(b, a));
}

fn larger(a: vec2u, b: vec2u) -> vec2u {
    return select(a, b, is_less(a, b));
}

// Bits that hold a range: 0 for 0.
fn bits_of(range: vec2u) -> u32 {
    return select(32u - countLeadingZeros(range.x), 64u - countLeadingZeros(range.y), range.y != 0u);
}
