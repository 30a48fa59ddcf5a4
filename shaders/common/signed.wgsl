// 64-bit two's complement as (low, high), and what lines of times need of it.

fn negate_wide(a: vec2u) -> vec2u {
    return subtract_wide(vec2u(0u, 0u), a);
}

fn is_negative(a: vec2u) -> bool {
    return (a.y >> 31u) != 0u;
}

fn is_less_signed(a: vec2u, b: vec2u) -> bool {
    return is_less(vec2u(a.x, a.y ^ 0x80000000u), vec2u(b.x, b.y ^ 0x80000000u));
}

// The low 64 bits.
fn multiply_low(a: vec2u, b: vec2u) -> vec2u {
    let product = multiply_words(a.x, b.x);
    return vec2u(product.x, product.y + a.x * b.y + a.y * b.x);
}

// By fewer than 64 bits.
fn right_wide(a: vec2u, count: u32) -> vec2u {
    var value = a;
    if (count >= 32u) {
        value = vec2u(value.y, 0u);
    }
    let bits = count & 31u;
    if (bits != 0u) {
        value = vec2u((value.x >> bits) | (value.y << (32u - bits)), value.y >> bits);
    }
    return value;
}

// By 1 to 31 bits.
fn left_wide(a: vec2u, bits: u32) -> vec2u {
    return vec2u(a.x << bits, (a.y << bits) | (a.x >> (32u - bits)));
}

// By 1 to 65535, digit by digit of 16 bits.
fn divide_wide(a: vec2u, divisor: u32) -> vec2u {
    let third = a.y >> 16u;
    let second = ((third % divisor) << 16u) | (a.y & 0xFFFFu);
    let first = ((second % divisor) << 16u) | (a.x >> 16u);
    let last = ((first % divisor) << 16u) | (a.x & 0xFFFFu);
    return vec2u(((first / divisor) << 16u) | (last / divisor),
                 ((third / divisor) << 16u) | (second / divisor));
}

// Toward 0, as C does.
fn divide_signed(a: vec2u, divisor: u32) -> vec2u {
    if (is_negative(a)) {
        return negate_wide(divide_wide(negate_wide(a), divisor));
    }
    return divide_wide(a, divisor);
}
