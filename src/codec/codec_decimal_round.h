/* Rounding to decimal digits: the one scalar definition, for the kernels and for single values.
 *
 * x = value * 10^scale is rounded to an integer by adding 1.5 * 2^52: the sum of that constant and
 * any |x| <= 2^51 has a unit in the last place of 1, and its bits less those of the constant are
 * the integer. Beyond 2^51, and for NaN and infinities, the same subtraction gives a number beyond
 * +-2^51, because the bits of doubles grow with their values; so one comparison rejects them all.
 *
 * For doubles no decimal is missed: if value is the double nearest to d / 10^scale, the product
 * before rounding differs from d by at most |d| * 2^-53 <= 1/4; d +- 1/4 are doubles, so the
 * rounded product is within 1/4 of d too. And d is the only one: d and d + 1 lie at least two units
 * in the last place apart once divided. For floats several d may give the same value when 10^-scale
 * is finer than the float; the integer nearest to the product is the one taken.
 *
 * Needs IEEE 754 binary64, round to nearest, no excess precision, no contraction.
 */
#ifndef GCH_CODEC_DECIMAL_ROUND_H
#define GCH_CODEC_DECIMAL_ROUND_H

#include <float.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

_Static_assert(FLT_EVAL_METHOD == 0, "decimal detection compares bits");

#define GCH__ROUNDER 6755399441055744.0 /* 1.5 * 2^52 */
#define GCH__ROUNDER_BITS INT64_C(0x4338000000000000)
#define GCH__DIGITS_MAX (INT64_C(1) << 51)
#define GCH__DECIMAL_SCALE_MAX 18u

static inline bool gch__same_bits_f64(double a, double b)
{
    uint64_t a_bits, b_bits;
    memcpy(&a_bits, &a, sizeof a);
    memcpy(&b_bits, &b, sizeof b);
    return a_bits == b_bits;
}

static inline bool gch__same_bits_f32(float a, float b)
{
    uint32_t a_bits, b_bits;
    memcpy(&a_bits, &a, sizeof a);
    memcpy(&b_bits, &b, sizeof b);
    return a_bits == b_bits;
}

static inline bool gch__round_to_digits(double x, int64_t *out_digits)
{
    double sum = x + GCH__ROUNDER;
    uint64_t bits;
    memcpy(&bits, &sum, sizeof bits);
    int64_t digits = (int64_t)(bits - (uint64_t)GCH__ROUNDER_BITS);
    *out_digits = digits;
    return digits >= -GCH__DIGITS_MAX && digits <= GCH__DIGITS_MAX;
}

/* power is 10^scale. */
static inline bool gch__digits_from_f64(double value, double power, int64_t *out_digits)
{
    if (!gch__round_to_digits(value * power, out_digits))
        return false;
    return gch__same_bits_f64((double)*out_digits / power, value);
}

static inline bool gch__digits_from_f32(float value, double power, int64_t *out_digits)
{
    if (!gch__round_to_digits((double)value * power, out_digits))
        return false;
    return gch__same_bits_f32((float)((double)*out_digits / power), value);
}

#endif
