/* The table of inner loops, one entry per kernel, filled once at start for the best instruction
 * set.
 *
 * codec_kernels_scalar.c fills every entry and is the specification; an ISA file overwrites what it
 * improves and equals the scalar entry bit for bit. Packed layout "FL8x32": 256 values of b bits
 * in 8 interleaved lanes x 32 rows. Value i is row r = i >> 3 of lane l = i & 7; a lane is a stream
 * of 32-bit words filled from the least significant bit, its r-th value at bits [r*b, r*b + b);
 * word w of lane l lies at p[8*w + l]. A block is 8*b words. Pointers need 4-byte alignment only.
 */
#ifndef GCH_CODEC_KERNELS_H
#define GCH_CODEC_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

#define GCH_BLOCK_ROWS 256u
#define GCH_SUPER_BLOCKS 4u
#define GCH_SUPER_ROWS (GCH_BLOCK_ROWS * GCH_SUPER_BLOCKS)
#define GCH_TREE_FANOUT 16u

typedef struct gch__kernels {
    /* out[i] = value i of the block, i < 256. 0 <= bits <= 32. */
    void (*unpack)(const uint32_t *packed, uint32_t bits, uint32_t *out);

    /* Packs 256 values, each < 2^bits, into 8*bits words. */
    void (*pack)(const uint32_t *values, uint32_t bits, uint32_t *packed);

    /* Smallest and largest of the packed values [first, last), first < last <= 256. */
    void (*min_max)(const uint32_t *packed, uint32_t bits, uint32_t first, uint32_t last,
                    uint32_t *out_min, uint32_t *out_max);

    /* Reduces `count` >= 1 (min, max) pairs into *io_min, *io_max, which start as the running
     * result. Pairs with min > max (empty blocks) change nothing. */
    void (*reduce_pairs)(const uint32_t *pairs, uint32_t count, uint32_t *io_min, uint32_t *io_max);
    void (*reduce_pairs64)(const uint64_t *pairs, uint32_t count, uint64_t *io_min,
                           uint64_t *io_max);

    /* The same as min_max over the values whose bit in `drawn` is set: bit i & 31 of word i >> 5.
     * UINT32_MAX and 0 if there are none. */
    void (*min_max_drawn)(const uint32_t *packed, uint32_t bits, const uint32_t drawn[8],
                          uint32_t *out_min, uint32_t *out_max);

    /* Smallest and largest of `count` >= 1 values. */
    void (*min_max_i64)(const int64_t *values, uint32_t count, int64_t *out_min, int64_t *out_max);
    /* Of the drawn ones among 256; INT64_MAX and INT64_MIN if there are none. */
    void (*min_max_i64_drawn)(const int64_t *values, const uint32_t drawn[8], int64_t *out_min,
                              int64_t *out_max);

    /* Two planes into 64-bit values and back: out[i] = base + (low[i] | high[i] << 32), and
     * low[i] and high[i] are the halves of values[i] - base; i < 256. All wraps. `high` is NULL in
     * join if it is all zeros. */
    void (*join)(const uint32_t *low, const uint32_t *high, uint64_t base, uint64_t *out);
    void (*split)(const int64_t *values, int64_t base, uint32_t *low, uint32_t *high);

    /* out[i] = (uint32_t)(values[i] - base), i < count; wraps. */
    void (*subtract_narrow)(const int64_t *values, int64_t base, uint32_t count, uint32_t *out);

    /* A line is slope(i) = slope * i >> 16 with slope < 2^48. Residuals of 256 times:
     * out[i] = units[i] - units[0] - slope(i), wrapping, and the extremes of that as signed. */
    void (*line_subtract)(const uint64_t *units, uint64_t slope, int64_t *out, int64_t *out_min,
                          int64_t *out_max);
    /* And back: what join does, plus slope(i). */
    void (*join_line)(const uint32_t *low, const uint32_t *high, uint64_t base, uint64_t slope,
                      uint64_t *out);
    /* How many of the times behind the first, up to one that does not, lie `step` behind their
     * predecessor (wrapping): less than count, and 0 for count 0. */
    uint32_t (*count_steps)(const int64_t *times, uint32_t count, uint64_t step);

    /* keys[i] = the key of the float as a signed integer in float order: gch__key_from_f32(), and
     * gch__key_from_f64() - 2^63. Returns true if all are finite; keys is unspecified on false. */
    bool (*keys_from_f32)(const float *values, uint32_t count, int64_t *keys);
    bool (*keys_from_f64)(const double *values, uint32_t count, int64_t *keys);
    /* Bit i of `drawn` is set if values[i] is finite; bit i of `odd` if it is a NaN other than
     * the plain one (0x7FC00000 or 0x7FF8000000000000), an infinity or -0.0. i < count <= 256; the
     * other bits are cleared. */
    void (*classify_f32)(const float *values, uint32_t count, uint32_t drawn[8], uint32_t odd[8]);
    void (*classify_f64)(const double *values, uint32_t count, uint32_t drawn[8], uint32_t odd[8]);

    /* Decimal detection: digits[i] = the integer d with (double)d / 10^scale == values[i] bit for
     * bit and |d| <= 2^51, i < count. Returns true if there is one for every value; -0.0, NaN and
     * infinities have none. digits is unspecified on false. 0 <= scale <= 18. */
    bool (*decimals_from_f64)(const double *values, uint32_t count, uint32_t scale,
                              int64_t *digits);
    /* The same for floats: (float)((double)d / 10^scale) == values[i] bit for bit. */
    bool (*decimals_from_f32)(const float *values, uint32_t count, uint32_t scale, int64_t *digits);
} gch__kernels;

/* The table for this processor (gch__cpu_get_level); the same pointer at every call, from any
 * thread. */
const gch__kernels *gch__kernels_get(void);
/* The table of a given level, for tests and benchmarks; NULL if this build or processor lacks it.
 */
const gch__kernels *gch__kernels_get_level(int cpu_level);

void gch__kernels_fill_scalar(gch__kernels *table);

#endif
