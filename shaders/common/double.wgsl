// Doubles in integers, rounded as the processor rounds them: to the nearest, half to even.
//
// A Real is (-1)^negative * m * 2^e with 2^52 <= m < 2^53, or m = 0. Exponents have no bounds here:
// what a double could not hold lies far beyond what these numbers are clamped to.

struct Real {
    negative: bool,
    e: i32,
    m: vec2u,
}

fn is_zero(a: Real) -> bool {
    return (a.m.x | a.m.y) == 0u;
}

// By 0 to 63 bits.
fn shift_left(a: vec2u, count: u32) -> vec2u {
    var value = a;
    if (count >= 32u) {
        value = vec2u(0u, value.x);
    }
    let bits = count & 31u;
    if (bits != 0u) {
        value = vec2u(value.x << bits, (value.y << bits) | (value.x >> (32u - bits)));
    }
    return value;
}

// By any number of bits; the lowest bit of the result is also set for what is lost.
fn shift_right_sticky(a: vec2u, count: u32) -> vec2u {
    var value = a;
    var lost = 0u;
    if (count >= 64u) {
        return vec2u(select(0u, 1u, (a.x | a.y) != 0u), 0u);
    }
    if (count >= 32u) {
        lost = value.x;
        value = vec2u(value.y, 0u);
    }
    let bits = count & 31u;
    if (bits != 0u) {
        lost |= value.x << (32u - bits);
        value = vec2u((value.x >> bits) | (value.y << (32u - bits)), value.y >> bits);
    }
    return vec2u(value.x | select(0u, 1u, lost != 0u), value.y);
}

// m * 2^e of any m, whose lowest bit may stand for what was lost of 12 bits or more.
fn round_real(negative: bool, m: vec2u, e: i32) -> Real {
    let bits = bits_of(m);
    if (bits == 0u) {
        return Real(false, 0, vec2u(0u, 0u));
    }
    let wide = shift_left(m, 64u - bits);
    let rest = wide.x & 0x7FFu;
    var kept = vec2u((wide.x >> 11u) | (wide.y << 21u), wide.y >> 11u);
    if (rest > 0x400u || (rest == 0x400u && (kept.x & 1u) != 0u)) {
        kept = add_wide(kept, vec2u(1u, 0u));
    }
    var exponent = e - i32(64u - bits) + 11;
    if (kept.y == 0x200000u) { // 2^53
        kept = vec2u(0u, 0x100000u);
        exponent += 1;
    }
    return Real(negative, exponent, kept);
}

fn real_from_signed(a: vec2u) -> Real {
    if ((a.y >> 31u) != 0u) {
        return round_real(true, subtract_wide(vec2u(0u, 0u), a), 0);
    }
    return round_real(false, a, 0);
}

// Neither infinite nor NaN.
fn real_from_f64(bits: vec2u) -> Real {
    let exponent = (bits.y >> 20u) & 0x7FFu;
    let m = vec2u(bits.x, (bits.y & 0xFFFFFu) | select(0x100000u, 0u, exponent == 0u));
    return round_real((bits.y >> 31u) != 0u, m, i32(max(exponent, 1u)) - 1075);
}

fn real_from_f32(bits: u32) -> Real {
    let exponent = (bits >> 23u) & 0xFFu;
    let m = (bits & 0x7FFFFFu) | select(0x800000u, 0u, exponent == 0u);
    return round_real((bits >> 31u) != 0u, vec2u(m, 0u), i32(max(exponent, 1u)) - 150);
}

fn subtract_reals(a: Real, b: Real) -> Real {
    if (is_zero(b)) {
        return a;
    }
    if (is_zero(a)) {
        return Real(!b.negative, b.e, b.m);
    }
    // Ten bits below, one above; of numbers far apart the smaller one only tilts the rounding.
    let e = max(a.e, b.e) - 10;
    let left = shift_right_sticky(shift_left(a.m, 10u), u32(max(a.e, b.e) - a.e));
    let right = shift_right_sticky(shift_left(b.m, 10u), u32(max(a.e, b.e) - b.e));
    if (a.negative != b.negative) {
        return round_real(a.negative, add_wide(left, right), e);
    }
    if (is_less(left, right)) {
        return round_real(!a.negative, subtract_wide(right, left), e);
    }
    return round_real(a.negative, subtract_wide(left, right), e);
}

fn multiply_reals(a: Real, b: Real) -> Real {
    let product = multiply_wide(a.m, b.m); // of 105 or 106 bits
    let lost = product.x | (product.y & 0x3FFu);
    let high = right_long(product, 42u);
    return round_real(a.negative != b.negative,
                      vec2u(high.x | select(0u, 1u, lost != 0u), high.y), a.e + b.e + 42);
}

// By a number that is not 0.
fn divide_reals(a: Real, b: Real) -> Real {
    var rest = a.m;
    var quotient = vec2u(0u, 0u);
    for (var i = 0u; i < 56u; i++) {
        quotient = shift_left(quotient, 1u);
        if (!is_less(rest, b.m)) {
            rest = subtract_wide(rest, b.m);
            quotient.x |= 1u;
        }
        rest = shift_left(rest, 1u);
    }
    let sticky = select(0u, 1u, (rest.x | rest.y) != 0u);
    let m = vec2u((quotient.x << 1u) | sticky, (quotient.y << 1u) | (quotient.x >> 31u));
    return round_real(a.negative != b.negative, m, a.e - b.e - 56);
}

const REAL_LIMIT: f32 = 1e6;

// The float next to it, clamped to +-1e6. What lies within 2^-126 of 0 is 0.
fn clamped_real(a: Real) -> f32 {
    let exponent = a.e + 52;
    var size = 0.0;
    if (!is_zero(a) && exponent >= 20) {
        size = REAL_LIMIT;
    } else if (!is_zero(a) && exponent >= -126) {
        var m = (a.m.x >> 29u) | (a.m.y << 3u);
        let rest = a.m.x & 0x1FFFFFFFu;
        if (rest > 0x10000000u || (rest == 0x10000000u && (m & 1u) != 0u)) {
            m += 1u; // which may carry into the exponent, as it should
        }
        size = min(bitcast<f32>((u32(exponent + 127) << 23u) + (m - 0x800000u)), REAL_LIMIT);
    }
    return select(size, -size, a.negative);
}
