/* Time blocks: a straight line and non-negative residuals; and the unit that times are counted in.
 *
 * 1. A slope is a 48-bit fixed-point number with 16 bits of fraction, m = step * 2^16 + frac, and
 *    slope(i) = floor(m * i / 2^16): the floor of the fraction's share alone is the same number.
 * 2. Whatever slope is chosen, base + slope(i) + residual(i) is the time exactly, mod 2^64: the
 *    choice decides the width of the residuals only.
 * 3. Residuals are compared as signed numbers. That is sound while the block spans less than 2^62
 *    units; above, no slope of 48 bits matters, and the line is level.
 */
#include "base.h"
#include "codec.h"

#define FRACTION_BITS 16
#define SLOPE_MAX ((UINT64_C(1) << 48) - 1)
#define LAST (GCH_BLOCK_ROWS - 1)
#define LEVEL_SPAN (UINT64_C(1) << 62)

/* ---- fitting ---- */

typedef struct fit {
    uint64_t slope;
    int64_t min, max; /* of the residuals */
    int64_t residuals[GCH_BLOCK_ROWS];
} fit;

static uint32_t fit_bits(const fit *f)
{
    return gch__bits_u64((uint64_t)f->max - (uint64_t)f->min);
}

static void evaluate(const gch__kernels *kernels, const uint64_t *units, uint64_t slope, fit *out)
{
    out->slope = slope;
    kernels->line_subtract(units, slope, out->residuals, &out->min, &out->max);
}

/* The slope from the first time to the last. */
static uint64_t chord(uint64_t span)
{
    if (span >= SLOPE_MAX * LAST >> FRACTION_BITS)
        return SLOPE_MAX;
    return ((span << FRACTION_BITS) + LAST / 2) / LAST;
}

/* The best correction of a slope, found from its residuals.
 *
 * The width of the strip that holds the residuals, as a function of the correction c, is
 *     width(c) = max over rows i, j of (residual(i) - residual(j)) - c * (i - j),
 * convex and piecewise linear, so cutting planes find its minimum: two lines below it, one falling
 * and one rising, meet where the next evaluation is made, and that yields a better line for one of
 * the sides. To evaluate it in a few dozen steps, rows are taken in groups, each with its extremes
 * as if at its middle row; that is off by a sixteenth of the correction's effect at most. The
 * result is a guess in any case: the caller measures what it is worth.
 *
 * Numbers have 16 bits of fraction, as slopes do; GROUP_BITS more hold the number of the group that
 * they come from, so that the maximum of the numbers tells where it is. */
#define GROUP_BITS 3
#define GROUP_COUNT (1 << GROUP_BITS)
#define GROUP_ROWS ((int)GCH_BLOCK_ROWS / GROUP_COUNT)
/* Residuals below 2^40 keep all of this in 63 bits: 2^56 with the fraction, corrections below 2^51,
 * their effect on 256 rows below 2^59. */
#define CORRECTED_BITS_MAX 40u
#define ROUNDS_MAX 6

/* A line below width(c): at - c * run. */
typedef struct plane {
    int64_t at, run;
} plane;

static plane widest(const int64_t *low, const int64_t *high, int64_t correction)
{
    int64_t top = INT64_MIN, bottom = INT64_MAX;
    for (int64_t g = 0; g < GROUP_COUNT; g++) {
        int64_t shift = correction * g * GROUP_ROWS;
        int64_t high_here = (high[g] - shift) * GROUP_COUNT + g;
        int64_t low_here = (low[g] - shift) * GROUP_COUNT + g;
        top = high_here > top ? high_here : top;
        bottom = low_here < bottom ? low_here : bottom;
    }
    int64_t top_group = top & (GROUP_COUNT - 1), bottom_group = bottom & (GROUP_COUNT - 1);
    return (plane){.at = high[top_group] - low[bottom_group],
                   .run = (top_group - bottom_group) * GROUP_ROWS};
}

static int64_t best_correction(const gch__kernels *kernels, const fit *f)
{
    int64_t low[GROUP_COUNT], high[GROUP_COUNT];
    for (int g = 0; g < GROUP_COUNT; g++) {
        kernels->min_max_i64(f->residuals + g * GROUP_ROWS, (uint32_t)GROUP_ROWS, &low[g],
                             &high[g]);
        low[g] *= 1 << FRACTION_BITS;
        high[g] *= 1 << FRACTION_BITS;
    }
    const int64_t whole = (GROUP_COUNT - 1) * GROUP_ROWS;
    plane falling = {.at = high[GROUP_COUNT - 1] - low[0], .run = whole};
    plane rising = {.at = high[0] - low[GROUP_COUNT - 1], .run = -whole};
    int64_t correction = 0;
    for (int round = 0; round < ROUNDS_MAX; round++) {
        correction = (falling.at - rising.at) / (falling.run - rising.run);
        int64_t bound = falling.at - correction * falling.run;
        plane p = widest(low, high, correction);
        if (p.run == 0 || p.at - correction * p.run <= bound + bound / 64)
            break;
        if (p.run > 0)
            falling = p;
        else
            rising = p;
    }
    return correction;
}

static uint64_t corrected(uint64_t slope, int64_t correction)
{
    int64_t wanted = (int64_t)slope + correction; /* below 2^48 and 2^52 */
    return wanted < 0 ? 0 : GCH_MIN((uint64_t)wanted, SLOPE_MAX);
}

/* A block too long for any slope: its times from the first one on, unsigned. */
static void evaluate_level(const uint64_t *units, fit *out)
{
    out->slope = 0;
    out->min = 0;
    out->max = (int64_t)(units[LAST] - units[0]);
    for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++)
        out->residuals[i] = (int64_t)(units[i] - units[0]);
}

gch__time_line gch__time_line_fit(const gch__kernels *kernels, const uint64_t units[GCH_BLOCK_ROWS],
                                  uint32_t *packed)
{
    fit first, second;
    const fit *best = &first;
    uint64_t span = units[LAST] - units[0];
    if (span < LEVEL_SPAN) {
        evaluate(kernels, units, chord(span), &first);
        if (fit_bits(&first) > 0 && fit_bits(&first) <= CORRECTED_BITS_MAX) {
            int64_t correction = best_correction(kernels, &first);
            evaluate(kernels, units, corrected(first.slope, correction), &second);
            if (fit_bits(&second) < fit_bits(&first))
                best = &second;
        }
    } else {
        evaluate_level(units, &first);
    }
    uint32_t bits = fit_bits(best);
    gch__pack64_from(kernels, best->residuals, best->min, bits, packed);
    return (gch__time_line){.base = (int64_t)(units[0] + (uint64_t)best->min),
                            .step = (uint32_t)(best->slope >> FRACTION_BITS),
                            .frac = (uint16_t)best->slope,
                            .bits = (uint8_t)bits};
}

void gch__time_line_unpack(const gch__kernels *kernels, const gch__time_line *line,
                           const uint32_t *packed, uint64_t out[GCH_BLOCK_ROWS])
{
    uint64_t slope = (uint64_t)line->step << FRACTION_BITS | line->frac;
    _Alignas(64) uint32_t unpacked[GCH_BLOCK_ROWS];
    const uint32_t *high, *low = gch__unpack_planes(kernels, packed, line->bits, unpacked, &high);
    kernels->join_line(low, high, (uint64_t)line->base, slope, out);
}

/* ---- the unit ---- */

/* Exact division by a constant without dividing (Granlund and Montgomery, "Division by Invariant
 * Integers using Multiplication", PLDI 1994, section 9): x is a multiple of odd * 2^shift iff
 * x * odd^-1 mod 2^64, turned right by shift, is no more than the largest quotient there is. */
typedef struct divisor {
    uint64_t inverse, quotient_max;
    uint32_t shift;
} divisor;

static divisor divisor_from(uint64_t value)
{
    uint32_t shift = (uint32_t)__builtin_ctzll(value);
    uint64_t odd = value >> shift;
    uint64_t inverse = odd; /* right in its 3 low bits; each Newton step doubles that */
    for (int step = 0; step < 5; step++)
        inverse *= 2 - odd * inverse;
    return (divisor){.inverse = inverse, .quotient_max = UINT64_MAX / value, .shift = shift};
}

static inline bool divides(const divisor *d, uint64_t x)
{
    uint64_t q = x * d->inverse;
    return (q >> d->shift | q << (-d->shift & 63u)) <= d->quotient_max;
}

static uint64_t greatest_common(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

void gch__time_gcd(const int64_t *times, size_t count, uint64_t *io_gcd)
{
    uint64_t gcd = *io_gcd;
    size_t i = 1;
    while (i < count && gcd == 0) {
        gcd = (uint64_t)times[i] - (uint64_t)times[i - 1];
        i++;
    }
    /* Most deltas are multiples of what is known; 1 divides all. */
    while (i < count && gcd > 1) {
        divisor d = divisor_from(gcd);
        while (i < count && divides(&d, (uint64_t)times[i] - (uint64_t)times[i - 1]))
            i++;
        if (i < count)
            gcd = greatest_common(gcd, (uint64_t)times[i] - (uint64_t)times[i - 1]);
    }
    *io_gcd = gcd;
}
