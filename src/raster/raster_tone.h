/* From counts to the 256 levels of a palette, in integers, so that all executors agree to the bit
 * (docs/pixel-rule.md, "Density"; shaders/common/tone.wgsl has the same functions).
 */
#ifndef GCH_RASTER_TONE_H
#define GCH_RASTER_TONE_H

#include "gch/chart.h"

#define GCH__TONE_BINS 464u /* of counts: 1 to 15 alone, then 16 an octave */

/* What a picture's pixels decide about the levels. */
typedef struct gch__tone {
    uint32_t max; /* the largest count */
    uint32_t
        below[GCH__TONE_BINS]; /* pixels with counts in lower bins, pixels without points not */
} gch__tone;

/* log2(n) in units of 1/256, n >= 1: the bits of the fraction by repeated squaring, which keeps the
 * order of its arguments whatever is cut off. */
static inline uint32_t gch__tone_log(uint32_t n)
{
    uint32_t whole = 31 - (uint32_t)__builtin_clz(n), x = n << (31 - whole) >> 16, bits = whole;
    for (uint32_t i = 0; i < 8; i++) {
        x = x * x >> 15;
        bits = bits << 1 | x >> 16;
        x >>= x >> 16;
    }
    return bits;
}

/* n >= 1; rises with n. */
static inline uint32_t gch__tone_bin(uint32_t n)
{
    uint32_t whole = 31 - (uint32_t)__builtin_clz(n);
    return whole < 4 ? n : (whole - 3) * 16 + (n >> (whole - 4) & 15);
}

/* floor(256 * part / whole), at most 255; 255 for whole 0. */
static inline uint32_t gch__tone_share(uint32_t part, uint32_t whole)
{
    return part >= whole ? 255 : (uint32_t)(((uint64_t)part << 8) / whole);
}

/* Level of a count, 1 <= n <= tone->max. */
static inline uint32_t gch__tone_level(const gch__tone *tone, gch_density_scale scale, uint32_t n)
{
    switch (scale) {
    case GCH_DENSITY_LINEAR:
        return gch__tone_share(n, tone->max);
    case GCH_DENSITY_EQUAL:
        return gch__tone_share(tone->below[gch__tone_bin(n)],
                               tone->below[gch__tone_bin(tone->max)]);
    case GCH_DENSITY_DEFAULT:
    case GCH_DENSITY_LOG:
        break;
    }
    return gch__tone_share(gch__tone_log(n), gch__tone_log(tone->max));
}

#endif
