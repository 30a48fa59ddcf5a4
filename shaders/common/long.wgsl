// 128-bit numbers as four words, the lowest first; 64-bit ones as in wide.wgsl.

fn multiply_words(a: u32, b: u32) -> vec2u {
    let low = (a & 0xFFFFu) * (b & 0xFFFFu);
    let middle = (a >> 16u) * (b & 0xFFFFu) + (low >> 16u);
    let other = (a & 0xFFFFu) * (b >> 16u) + (middle & 0xFFFFu);
    let high = (a >> 16u) * (b >> 16u) + (middle >> 16u) + (other >> 16u);
    return vec2u((other << 16u) | (low & 0xFFFFu), high);
}

fn add_long(a: vec4u, b: vec4u) -> vec4u {
    let low = add_wide(a.xy, b.xy);
    let carry = select(0u, 1u, is_less(low, a.xy));
    return vec4u(low, add_wide(add_wide(a.zw, b.zw), vec2u(carry, 0u)));
}

fn subtract_long(a: vec4u, b: vec4u) -> vec4u {
    let borrow = select(0u, 1u, is_less(a.xy, b.xy));
    let high = subtract_wide(subtract_wide(a.zw, b.zw), vec2u(borrow, 0u));
    return vec4u(subtract_wide(a.xy, b.xy), high);
}

fn is_less_long(a: vec4u, b: vec4u) -> bool {
    return is_less(a.zw, b.zw) || (all(a.zw == b.zw) && is_less(a.xy, b.xy));
}

fn multiply_wide(a: vec2u, b: vec2u) -> vec4u {
    let outer = vec4u(multiply_words(a.x, b.x), multiply_words(a.y, b.y));
    let inner = vec4u(0u, multiply_words(a.x, b.y), 0u);
    return add_long(add_long(outer, inner), vec4u(0u, multiply_words(a.y, b.x), 0u));
}

// By fewer than 128 bits.
fn right_long(a: vec4u, count: u32) -> vec4u {
    var value = a;
    if ((count & 64u) != 0u) {
        value = vec4u(value.zw, 0u, 0u);
    }
    if ((count & 32u) != 0u) {
        value = vec4u(value.yzw, 0u);
    }
    let bits = count & 31u;
    if (bits != 0u) {
        value = (value >> vec4u(bits)) | (vec4u(value.yzw, 0u) << vec4u(32u - bits));
    }
    return value;
}

fn left_long(a: vec4u, count: u32) -> vec4u {
    var value = a;
    if ((count & 64u) != 0u) {
        value = vec4u(0u, 0u, value.xy);
    }
    if ((count & 32u) != 0u) {
        value = vec4u(0u, value.xyz);
    }
    let bits = count & 31u;
    if (bits != 0u) {
        value = (value << vec4u(bits)) | (vec4u(0u, value.xyz) >> vec4u(32u - bits));
    }
    return value;
}

fn bits_of_long(a: vec4u) -> u32 {
    return select(bits_of(a.xy), 64u + bits_of(a.zw), (a.z | a.w) != 0u);
}

// a / 2^count, 1 <= count < 128, to the nearest integer, half to even. a + 2^count < 2^128.
fn round_long(a: vec4u, count: u32) -> vec4u {
    let odd = right_long(a, count).x & 1u;
    let half = subtract_long(left_long(vec4u(1u, 0u, 0u, 0u), count - 1u), vec4u(1u, 0u, 0u, 0u));
    return right_long(add_long(add_long(a, half), vec4u(odd, 0u, 0u, 0u)), count);
}
