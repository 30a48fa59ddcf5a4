/* Rounding within a tolerance: see store_tolerance.h.
 *
 * The proof, for a float v, the power p = 10^s (a double, exactly), d = v * p rounded to an integer
 * of at most 2^51, and q = d / p as a double:
 *  1. q differs from the decimal d / p by at most |q| * 2^-53, and |q - v| computed differs from
 *     the true one by a factor of 1 + 2^-53. So the decimal is within |q - v| * (1 + 2^-52) +
 *     |q| * 2^-53 * (1 + 2^-52) of v, and q within less.
 *  2. What is compared is |q - v| * (1 + 2^-50) + |q| * 2^-52. Its own three roundings lower it by
 *     less than a factor of 1 - 2^-51, which leaves it above the bound of 1; and `most` is not
 *     above the tolerance.
 *  3. For f32, the float nearest to q takes the place of q in the difference if it is farther off.
 *     It is only taken if the encoder finds d, and no other integer, in it (codec_decimal_round.h);
 *     a double always gives its d back.
 * A value that fails may be one whose tie lies at the tolerance itself: 0.125 with 0.005 is 5e-3
 * from 0.12, but more from the double next to 0.12. Hence the tenth of a step.
 */
#include "store_tolerance.h"

#include "codec.h"
#include "codec_decimal_round.h"
#include "gch/writer.h"

#include <math.h>

#define SCALE_MAX 18u
#define PART 256u

static bool is_at_most_twice(uint32_t scale, gch_decimal tolerance)
{
    /* 10^-scale <= 2 * digits * 10^exp10 */
    int64_t exponent = (int64_t)tolerance.exp10 + scale;
    if (exponent >= 0)
        return true;
    return exponent >= -18 && 2 * (__int128)tolerance.digits >= gch__pow10_i64[-exponent];
}

gch__step gch__step_choose(gch_decimal tolerance, gch_type type)
{
    gch__step step = {0};
    bool is_fraction = type == GCH_TYPE_F32 || type == GCH_TYPE_F64 || type == GCH_TYPE_DECIMAL;
    if (tolerance.digits <= 0 || !is_fraction)
        return step;
    while (step.scale <= SCALE_MAX && !is_at_most_twice(step.scale, tolerance))
        step.scale++;
    step.is_set = step.scale <= SCALE_MAX;
    step.most = nextafter(gch_decimal_to_double(tolerance), 0);
    return step;
}

/* ---- floats ---- */

/* Whether the result is known to be within `most`. Without a branch, so that loops over it
 * vectorize. */
static inline bool round_f64(double v, double power, double most, double *out)
{
    double x = v * power;
    double d = x + GCH__ROUNDER - GCH__ROUNDER;
    double q = d / power;
    *out = q;
    return (fabs(x) <= (double)GCH__DIGITS_MAX) &
           (fabs(q - v) * (1 + 0x1p-50) + fabs(q) * 0x1p-52 <= most);
}

static inline bool round_f32(float v, double power, double most, float *out)
{
    double x = (double)v * power;
    double d = x + GCH__ROUNDER - GCH__ROUNDER;
    double q = d / power;
    float near = (float)q;
    double off = fabs(q - (double)v), near_off = fabs((double)near - (double)v);
    double back = (double)near * power + GCH__ROUNDER - GCH__ROUNDER;
    *out = near;
    return (fabs(x) <= (double)GCH__DIGITS_MAX) & (back == d) &
           ((off > near_off ? off : near_off) * (1 + 0x1p-50) + fabs(q) * 0x1p-52 <= most);
}

/* One that the first step did not suit; the scale it has then, or UINT32_MAX if it stays. */
static uint32_t round_again_f64(const gch__step *step, double v, double *out)
{
    for (uint32_t scale = step->scale; scale <= GCH_MIN(step->scale + 1, SCALE_MAX); scale++) {
        if (round_f64(v, gch__pow10_f64[scale], step->most, out))
            return scale;
    }
    *out = v;
    return UINT32_MAX;
}

static void round_again_f32(const gch__step *step, float v, float *out)
{
    for (uint32_t scale = step->scale; scale <= GCH_MIN(step->scale + 1, SCALE_MAX); scale++) {
        if (round_f32(v, gch__pow10_f64[scale], step->most, out))
            return;
    }
    *out = v;
}

static void apply_f64(const gch__step *step, const double *values, uint32_t count, double *out)
{
    const double power = gch__pow10_f64[step->scale], most = step->most;
    uint32_t failed = 0;
    for (uint32_t i = 0; i < count; i++)
        failed |= !round_f64(values[i], power, most, &out[i]);
    for (uint32_t i = 0; failed != 0 && i < count; i++)
        round_again_f64(step, values[i], &out[i]);
}

static void apply_f32(const gch__step *step, const float *values, uint32_t count, float *out)
{
    const double power = gch__pow10_f64[step->scale], most = step->most;
    uint32_t failed = 0;
    for (uint32_t i = 0; i < count; i++)
        failed |= !round_f32(values[i], power, most, &out[i]);
    for (uint32_t i = 0; failed != 0 && i < count; i++)
        round_again_f32(step, values[i], &out[i]);
}

/* ---- numbers of text ---- */

/* digits / 10^fall, ties to even. */
static int64_t divide(int64_t digits, uint32_t fall)
{
    int64_t unit = gch__pow10_i64[fall], quotient = digits / unit, rest = digits % unit;
    uint64_t off = (uint64_t)(rest < 0 ? -rest : rest), other = (uint64_t)unit - off;
    if (off > other || (off == other && (quotient & 1) != 0))
        quotient += digits < 0 ? -1 : 1;
    return quotient;
}

static void round_text(const gch__step *step, int64_t digits, int8_t scale, int64_t *out,
                       int8_t *out_scale)
{
    *out = digits;
    *out_scale = scale;
    if (scale == GCH_SCALE_F64) {
        double v, q;
        memcpy(&v, &digits, sizeof v);
        uint32_t found = round_again_f64(step, v, &q);
        if (found != UINT32_MAX) {
            *out = (int64_t)(q * gch__pow10_f64[found] + GCH__ROUNDER - GCH__ROUNDER);
            *out_scale = (int8_t)found;
        }
    } else if (scale > (int32_t)step->scale) {
        *out = divide(digits, (uint32_t)scale - step->scale);
        *out_scale = (int8_t)step->scale;
    }
}

static void apply_text(const gch__step *step, const uint8_t *from, const int8_t *from_scales,
                       size_t count, uint8_t *to, int8_t *to_scales)
{
    for (size_t i = 0; i < count; i++) {
        int64_t digits;
        memcpy(&digits, from + i * sizeof digits, sizeof digits);
        round_text(step, digits, from_scales[i], &digits, &to_scales[i]);
        memcpy(to + i * sizeof digits, &digits, sizeof digits);
    }
}

void gch__step_apply(const gch__step *step, gch_type type, const void *from,
                     const int8_t *from_scales, size_t count, void *to, int8_t *to_scales)
{
    _Alignas(64) uint8_t values[PART * 8], rounded[PART * 8];
    const size_t size = gch_type_bytes(type);
    if (type == GCH_TYPE_DECIMAL && from_scales != NULL) {
        apply_text(step, from, from_scales, count, to, to_scales);
        return;
    }
    for (size_t row = 0; row < count; row += PART) {
        uint32_t part = (uint32_t)GCH_MIN(count - row, (size_t)PART);
        memcpy(values, (const uint8_t *)from + row * size, part * size);
        const void *result = rounded;
        if (type == GCH_TYPE_F64)
            apply_f64(step, (const double *)(const void *)values, part, (double *)(void *)rounded);
        else if (type == GCH_TYPE_F32)
            apply_f32(step, (const float *)(const void *)values, part, (float *)(void *)rounded);
        else
            result = values; /* whole numbers of text are multiples of any step */
        memcpy((uint8_t *)to + row * size, result, part * size);
    }
}
