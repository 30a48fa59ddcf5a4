/* Keys, blocks and time lines: the lossless integer codec under the store and the query.
 *
 * Keys are order-preserving unsigned integers. A "narrow" column has 32-bit keys, a "wide" one
 * 64-bit keys stored as two packed planes (low 32 bits of key - min, then the high bits). All
 * functions are pure and thread-safe; pointers are borrowed for the call.
 */
#ifndef GCH_CODEC_H
#define GCH_CODEC_H

#include "codec_kernels.h"
#include "gch/decimal.h"

#include <stddef.h>
#include <string.h>

/* Powers of ten that fit int64: gch__pow10_i64[0..18]. */
extern const int64_t gch__pow10_i64[19];
/* 10^0 .. 10^22, exact as doubles. */
extern const double gch__pow10_f64[23];

/* ---- float keys: integer order is float order; bijective on all bit patterns ---- */

static inline uint32_t gch__key_from_f32(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (bits >> 31) != 0 ? ~bits : bits | 0x80000000u;
}

static inline float gch__f32_from_key(uint32_t key)
{
    uint32_t bits = (key >> 31) != 0 ? key & 0x7FFFFFFFu : ~key;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint64_t gch__key_from_f64(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (bits >> 63) != 0 ? ~bits : bits | 0x8000000000000000u;
}

static inline double gch__f64_from_key(uint64_t key)
{
    uint64_t bits = (key >> 63) != 0 ? key & 0x7FFFFFFFFFFFFFFFu : ~key;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* ---- decimals ---- */

/* The smallest scale <= max_scale at which every finite, non-negative-zero value of the sample is a
 * decimal (see gch__kernels.decimals_from_f64); UINT32_MAX if none. Values with no decimal at any
 * scale by nature (NaN, infinities, -0.0) are passed over. */
uint32_t gch__decimal_scale_f64(const double *values, size_t count, uint32_t max_scale);
uint32_t gch__decimal_scale_f32(const float *values, size_t count, uint32_t max_scale);
/* One value; false if it has no such decimal. */
bool gch__decimal_from_f64(double value, uint32_t scale, int64_t *out_digits);
bool gch__decimal_from_f32(float value, uint32_t scale, int64_t *out_digits);

/* ---- blocks ---- */

static inline uint32_t gch__bits_u32(uint32_t range)
{
    return range == 0 ? 0 : 32u - (uint32_t)__builtin_clz(range);
}

static inline uint32_t gch__bits_u64(uint64_t range)
{
    return range == 0 ? 0 : 64u - (uint32_t)__builtin_clzll(range);
}

/* Value i of a packed block, O(1); the form that the shaders use. */
static inline uint32_t gch__packed_get(const uint32_t *packed, uint32_t bits, uint32_t i)
{
    if (bits == 0)
        return 0;
    uint32_t bit = (i >> 3) * bits;
    const uint32_t *word = packed + (size_t)(bit >> 5) * 8 + (i & 7u);
    uint32_t shift = bit & 31u;
    uint32_t value = word[0] >> shift;
    if (shift + bits > 32)
        value |= word[8] << (32 - shift);
    return bits == 32 ? value : value & ((1u << bits) - 1u);
}

/* Words of payload of a block of `bits` (0-64) bits: 8 * bits, low plane first. */
static inline uint32_t gch__block_words(uint32_t bits)
{
    return 8u * bits;
}

/* Wide blocks: the low plane has min(bits, 32) bits, the high plane the rest. */
static inline uint64_t gch__packed_get64(const uint32_t *packed, uint32_t bits, uint32_t i)
{
    if (bits <= 32)
        return gch__packed_get(packed, bits, i);
    return gch__packed_get(packed, 32, i) |
           (uint64_t)gch__packed_get(packed + 8u * 32u, bits - 32, i) << 32;
}

/* The planes of a block's residuals, 0 <= bits <= 64: unpacks one into `plane` and returns the low
 * one, either that or the one that lies unpacked in the block; *out_high is NULL if there is no
 * high one. */
const uint32_t *gch__unpack_planes(const gch__kernels *kernels, const uint32_t *packed,
                                   uint32_t bits, uint32_t plane[GCH_BLOCK_ROWS],
                                   const uint32_t **out_high);
/* out[i] = residual i. */
void gch__unpack64(const gch__kernels *kernels, const uint32_t *packed, uint32_t bits,
                   uint64_t out[GCH_BLOCK_ROWS]);
/* out[i] = base + residual i, wrapping: the keys themselves. */
void gch__unpack64_from(const gch__kernels *kernels, const uint32_t *packed, uint32_t bits,
                        uint64_t base, uint64_t out[GCH_BLOCK_ROWS]);
/* residuals < 2^bits; writes 8 * bits words. */
void gch__pack64(const gch__kernels *kernels, const uint64_t residuals[GCH_BLOCK_ROWS],
                 uint32_t bits, uint32_t *packed);
/* Packs values[i] - base, all < 2^bits. */
void gch__pack64_from(const gch__kernels *kernels, const int64_t values[GCH_BLOCK_ROWS],
                      int64_t base, uint32_t bits, uint32_t *packed);
/* Smallest and largest residual of [first, last). */
void gch__min_max64(const gch__kernels *kernels, const uint32_t *packed, uint32_t bits,
                    uint32_t first, uint32_t last, uint64_t *out_min, uint64_t *out_max);
/* Of those whose bit in `drawn` is set (bit i & 31 of word i >> 5). False if there are none: the
 * results are then unspecified. */
bool gch__min_max64_drawn(const gch__kernels *kernels, const uint32_t *packed, uint32_t bits,
                          const uint32_t drawn[8], uint64_t *out_min, uint64_t *out_max);

/* ---- time ---- */

/* The line of a time block: time of row i (in units from the super-block's first time) is
 *     base + slope(i) + residual(i),  slope(i) = step * i + ((frac * i) >> 16),
 * with residual(i) packed in `bits` bits, two planes above 32. All arithmetic wraps mod 2^64. */
typedef struct gch__time_line {
    int64_t base;
    uint32_t step;
    uint16_t frac;
    uint8_t bits;     /* 0-64 */
    uint8_t reserved; /* 0 */
} gch__time_line;
_Static_assert(sizeof(gch__time_line) == 16, "file format");

/* Fits a line to 256 non-decreasing times (units relative to the super-block's first, so
 * units[0] >= 0) that leaves the smallest residuals it finds, and packs them. `packed` has room for
 * 8 * 64 words; gch__block_words(line.bits) of them are written. */
gch__time_line gch__time_line_fit(const gch__kernels *kernels, const uint64_t units[GCH_BLOCK_ROWS],
                                  uint32_t *packed);

static inline uint64_t gch__time_line_get(const gch__time_line *line, const uint32_t *packed,
                                          uint32_t i)
{
    return (uint64_t)line->base + (uint64_t)line->step * i + (((uint32_t)line->frac * i) >> 16) +
           gch__packed_get64(packed, line->bits, i);
}

/* All 256 of them. */
void gch__time_line_unpack(const gch__kernels *kernels, const gch__time_line *line,
                           const uint32_t *packed, uint64_t out[GCH_BLOCK_ROWS]);

/* Greatest common divisor of all differences of consecutive non-decreasing times, folded into
 * *io_gcd (0 at the start; stays 0 while all are equal). */
void gch__time_gcd(const int64_t *times, size_t count, uint64_t *io_gcd);

#endif
