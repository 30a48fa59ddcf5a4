/* Decimals in floats: powers of ten, single values, and the scale of a sample.
 *
 * 1. A power of ten up to 10^22 is exact as a double (10^22 = 2^22 * 5^22 and 5^22 < 2^53).
 * 2. gch__decimal_from_* say the same as the kernels, value by value.
 */
#include "base.h"
#include "codec.h"
#include "codec_decimal_round.h"

const int64_t gch__pow10_i64[19] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
    1000000000000000000,
};

const double gch__pow10_f64[23] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

bool gch__decimal_from_f64(double value, uint32_t scale, int64_t *out_digits)
{
    return scale <= GCH__DECIMAL_SCALE_MAX &&
           gch__digits_from_f64(value, gch__pow10_f64[scale], out_digits);
}

bool gch__decimal_from_f32(float value, uint32_t scale, int64_t *out_digits)
{
    return scale <= GCH__DECIMAL_SCALE_MAX &&
           gch__digits_from_f32(value, gch__pow10_f64[scale], out_digits);
}

/* -0.0, NaN and infinities: a decimal at no scale. */
static bool has_no_decimal_f64(double value)
{
    return !__builtin_isfinite(value) || (value == 0 && __builtin_signbit(value));
}

static bool has_no_decimal_f32(float value)
{
    return !__builtin_isfinite(value) || (value == 0 && __builtin_signbit(value));
}

/* Scale by scale and not value by value: a large value may be a decimal at scale 2 and, for want of
 * digits, not at scale 5 that a small one needs. */
uint32_t gch__decimal_scale_f64(const double *values, size_t count, uint32_t max_scale)
{
    for (uint32_t scale = 0; scale <= GCH_MIN(max_scale, GCH__DECIMAL_SCALE_MAX); scale++) {
        double power = gch__pow10_f64[scale];
        int64_t digits;
        size_t i = 0;
        while (i < count &&
               (gch__digits_from_f64(values[i], power, &digits) || has_no_decimal_f64(values[i])))
            i++;
        if (i == count)
            return scale;
    }
    return UINT32_MAX;
}

uint32_t gch__decimal_scale_f32(const float *values, size_t count, uint32_t max_scale)
{
    for (uint32_t scale = 0; scale <= GCH_MIN(max_scale, GCH__DECIMAL_SCALE_MAX); scale++) {
        double power = gch__pow10_f64[scale];
        int64_t digits;
        size_t i = 0;
        while (i < count &&
               (gch__digits_from_f32(values[i], power, &digits) || has_no_decimal_f32(values[i])))
            i++;
        if (i == count)
            return scale;
    }
    return UINT32_MAX;
}
