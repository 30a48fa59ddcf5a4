// Decimals in floats, in integers: the same answers as codec_decimal_round.h gives in doubles.
//
// A float is value = m * 2^-e with an integer m, and P = 10^scale. The digits d are value * P rounded
// to an integer, |d| <= 2^51, and they count if d / P rounds back to value. With X = m * P and
// R = X - d * 2^e, which are integers of fewer than 116 bits, the distance of d / P from value in
// units of m is R / P: whether that rounds to m is a comparison of integers.

const NO_DIGITS: u32 = 0xFFFFFFFFu; // as the high word: no decimal

// 2^63 + d or 2^63 - d.
fn biased_digits(digits: vec2u, is_negative: bool) -> vec2u {
    let zero = vec2u(0u, 0x80000000u);
    if (is_negative) {
        return subtract_wide(zero, digits);
    }
    return add_wide(zero, digits);
}

fn is_beyond_digits(a: vec4u) -> bool {
    return is_less_long(vec4u(0u, 0x80000u, 0u, 0u), a);
}

// One d at most gives a double back, and it is the integer nearest to X / 2^e: rounding the product
// to a double first, as the processor does, makes no difference (codec_decimal_round.h).
fn digits_from_f64(bits: vec2u, power: vec2u) -> vec2u {
    let none = vec2u(0u, NO_DIGITS);
    let exponent = (bits.y >> 20u) & 0x7FFu;
    if ((bits.x | (bits.y << 1u)) == 0u) {
        return vec2u(0u, 0x80000000u);
    }
    if (exponent > 1074u || exponent < 962u) { // beyond 2^51, or less than half of 10^-18
        return none;
    }
    let e = 1075u - exponent;
    let m = vec2u(bits.x, (bits.y & 0xFFFFFu) | 0x100000u);
    let x = multiply_wide(m, power);
    let digits = right_long(add_long(x, left_long(vec4u(1u, 0u, 0u, 0u), e - 1u)), e);
    if (is_beyond_digits(digits) || (digits.x | digits.y) == 0u) {
        return none;
    }
    let back = left_long(digits, e);
    let is_below = is_less_long(back, x); // d / P lies below value
    let rest = select(subtract_long(back, x), subtract_long(x, back), is_below);
    // Half a unit away is the end, a quarter below a power of two; just there the even m wins.
    let is_power = is_below && m.x == 0u && m.y == 0x100000u;
    let scaled = left_long(rest, select(1u, 2u, is_power));
    let limit = vec4u(power, 0u, 0u);
    if (is_less_long(scaled, limit) || (all(scaled == limit) && (m.x & 1u) == 0u)) {
        return biased_digits(digits.xy, (bits.y >> 31u) != 0u);
    }
    return none;
}

// Several d may give a float back; the one taken is the integer nearest to the product rounded to a
// double. d / P is rounded to a double before it is rounded to a float, which moves the ends by half
// a unit of the double: 2^-30 units of m, half of that below a power of two.
fn digits_from_f32(bits: u32, power: vec2u) -> vec2u {
    let none = vec2u(0u, NO_DIGITS);
    let exponent = (bits >> 23u) & 0xFFu;
    let is_negative = (bits >> 31u) != 0u;
    if ((bits << 1u) == 0u) {
        return vec2u(0u, 0x80000000u);
    }
    if (exponent > 178u || exponent < 65u) {
        return none;
    }
    let m = (bits & 0x7FFFFFu) | 0x800000u;
    let x = multiply_wide(vec2u(m, 0u), power);
    if (exponent >= 150u) { // an integer, and so is the product
        let whole = left_long(x, exponent - 150u);
        if (is_beyond_digits(whole)) {
            return none;
        }
        return biased_digits(whole.xy, is_negative);
    }
    let e = 150u - exponent;
    var product = x;
    let length = bits_of_long(x);
    if (length > 53u) {
        product = left_long(round_long(x, length - 53u), length - 53u);
    }
    var digits = round_long(product, e);
    // What the sum with 1.5 * 2^52 makes of a product just beyond 2^51 depends on its sign.
    let top = vec4u(0u, 0x80000u, 0u, 0u);
    if (e < 64u && is_less_long(left_long(top, e), product)) {
        let next = left_long(add_long(top, vec4u(1u, 0u, 0u, 0u)), e);
        if (is_negative || is_less_long(next, product)) {
            return none;
        }
        digits = top;
    }
    if (is_beyond_digits(digits) || (digits.x | digits.y) == 0u) {
        return none;
    }
    let back = left_long(digits, e);
    let is_below = is_less_long(back, x);
    let rest = select(subtract_long(back, x), subtract_long(x, back), is_below);
    let scaled = left_long(rest, select(30u, 31u, is_below && m == 0x800000u));
    let limit = left_long(vec4u(power, 0u, 0u), 29u);
    if ((m & 1u) == 0u) {
        if (is_less_long(add_long(limit, vec4u(power, 0u, 0u)), scaled)) {
            return none;
        }
    } else if (!is_less_long(scaled, subtract_long(limit, vec4u(power, 0u, 0u)))) {
        return none;
    }
    return biased_digits(digits.xy, is_negative);
}
