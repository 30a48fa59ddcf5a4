/* The scalar kernels: the specification of every entry of the table, and the baseline.
 *
 * 1. Plain C without vector types, compiled with the vectorizers off (CMakeLists.txt):
 * GCH_CPU=scalar means scalar, and a speed-up over it is not a speed-up over half of itself.
 * 2. A block is walked row by row. All 8 lanes of a row have the same shift, so the branches are
 * one a row and none a value.
 * 3. A row's bits end in word `(row * bits + bits - 1) / 32`. Reading from that word, not from the
 *    next one, keeps the last row of a block inside the block.
 */
#include "codec.h"
#include "codec_decimal_round.h"
#include "codec_float_bits.h"
#include "codec_kernels.h"

#include <assert.h>

#define LANES 8u
#define ROWS (GCH_BLOCK_ROWS / LANES)

static uint32_t mask_of(uint32_t bits)
{
    return bits == 32 ? UINT32_MAX : (1u << bits) - 1u;
}

/* Where the values of a row lie: their low bits in `low` from bit `shift` on, the rest in `high`,
 * which is the same word if nothing spills (what `high` then adds is masked away). */
typedef struct row_view {
    const uint32_t *low, *high;
    uint32_t shift;
} row_view;

static inline row_view row_at(const uint32_t *packed, uint32_t bits, uint32_t row)
{
    uint32_t bit = row * bits;
    return (row_view){.low = packed + (size_t)(bit >> 5) * LANES,
                      .high = packed + (size_t)((bit + bits - 1) >> 5) * LANES,
                      .shift = bit & 31u};
}

static inline uint32_t row_get(row_view row, uint32_t lane, uint32_t mask)
{
    uint64_t pair = row.low[lane] | (uint64_t)row.high[lane] << 32;
    return (uint32_t)(pair >> row.shift) & mask;
}

static void unpack(const uint32_t *packed, uint32_t bits, uint32_t *out)
{
    assert(bits <= 32);
    if (bits == 0) {
        memset(out, 0, GCH_BLOCK_ROWS * sizeof *out);
        return;
    }
    uint32_t mask = mask_of(bits);
    for (uint32_t r = 0; r < ROWS; r++) {
        row_view row = row_at(packed, bits, r);
        for (uint32_t lane = 0; lane < LANES; lane++)
            out[r * LANES + lane] = row_get(row, lane, mask);
    }
}

static void pack(const uint32_t *values, uint32_t bits, uint32_t *packed)
{
    if (bits == 0)
        return;
    uint32_t word[LANES] = {0}; /* the unfinished word of each lane */
    uint32_t used = 0;          /* its bits in use, < 32 */
    for (uint32_t r = 0; r < ROWS; r++, values += LANES) {
        for (uint32_t lane = 0; lane < LANES; lane++)
            word[lane] |= values[lane] << used;
        uint32_t left = 32 - used;
        used += bits;
        if (used < 32)
            continue;
        memcpy(packed, word, sizeof word);
        packed += LANES;
        used -= 32;
        for (uint32_t lane = 0; lane < LANES; lane++)
            word[lane] = (uint32_t)((uint64_t)values[lane] >> left);
    }
}

static inline void fold_row(row_view row, uint32_t mask, uint32_t from, uint32_t to,
                            uint32_t *io_min, uint32_t *io_max)
{
    uint32_t min = *io_min, max = *io_max;
    for (uint32_t lane = from; lane < to; lane++) {
        uint32_t value = row_get(row, lane, mask);
        min = value < min ? value : min;
        max = value > max ? value : max;
    }
    *io_min = min;
    *io_max = max;
}

static void min_max(const uint32_t *packed, uint32_t bits, uint32_t first, uint32_t last,
                    uint32_t *out_min, uint32_t *out_max)
{
    assert(bits <= 32 && first < last && last <= GCH_BLOCK_ROWS);
    if (bits == 0) {
        *out_min = *out_max = 0;
        return;
    }
    uint32_t mask = mask_of(bits), min = UINT32_MAX, max = 0;
    uint32_t r = first / LANES, end = last / LANES, from = first % LANES, to = last % LANES;
    if (r == end) {
        fold_row(row_at(packed, bits, r), mask, from, to, &min, &max);
    } else {
        if (from != 0)
            fold_row(row_at(packed, bits, r++), mask, from, LANES, &min, &max);
        for (; r < end; r++)
            fold_row(row_at(packed, bits, r), mask, 0, LANES, &min, &max);
        if (to != 0)
            fold_row(row_at(packed, bits, end), mask, 0, to, &min, &max);
    }
    *out_min = min;
    *out_max = max;
}

static void reduce_pairs(const uint32_t *pairs, uint32_t count, uint32_t *io_min, uint32_t *io_max)
{
    uint32_t min = *io_min, max = *io_max;
    for (size_t i = 0; i < count; i++) {
        uint32_t low = pairs[2 * i], high = pairs[2 * i + 1];
        uint32_t low_or_none = low <= high ? low : UINT32_MAX;
        uint32_t high_or_none = low <= high ? high : 0;
        min = low_or_none < min ? low_or_none : min;
        max = high_or_none > max ? high_or_none : max;
    }
    *io_min = min;
    *io_max = max;
}

static void reduce_pairs64(const uint64_t *pairs, uint32_t count, uint64_t *io_min,
                           uint64_t *io_max)
{
    uint64_t min = *io_min, max = *io_max;
    for (size_t i = 0; i < count; i++) {
        uint64_t low = pairs[2 * i], high = pairs[2 * i + 1];
        uint64_t low_or_none = low <= high ? low : UINT64_MAX;
        uint64_t high_or_none = low <= high ? high : 0;
        min = low_or_none < min ? low_or_none : min;
        max = high_or_none > max ? high_or_none : max;
    }
    *io_min = min;
    *io_max = max;
}

static bool is_drawn(const uint32_t drawn[8], uint32_t i)
{
    return (drawn[i >> 5] >> (i & 31u) & 1u) != 0;
}

static void min_max_drawn(const uint32_t *packed, uint32_t bits, const uint32_t drawn[8],
                          uint32_t *out_min, uint32_t *out_max)
{
    uint32_t min = UINT32_MAX, max = 0;
    for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++) {
        if (!is_drawn(drawn, i))
            continue;
        uint32_t value = gch__packed_get(packed, bits, i);
        min = value < min ? value : min;
        max = value > max ? value : max;
    }
    *out_min = min;
    *out_max = max;
}

static void min_max_i64(const int64_t *values, uint32_t count, int64_t *out_min, int64_t *out_max)
{
    int64_t min = values[0], max = values[0];
    for (size_t i = 1; i < count; i++) {
        min = values[i] < min ? values[i] : min;
        max = values[i] > max ? values[i] : max;
    }
    *out_min = min;
    *out_max = max;
}

static void min_max_i64_drawn(const int64_t *values, const uint32_t drawn[8], int64_t *out_min,
                              int64_t *out_max)
{
    int64_t min = INT64_MAX, max = INT64_MIN;
    for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++) {
        if (!is_drawn(drawn, i))
            continue;
        min = values[i] < min ? values[i] : min;
        max = values[i] > max ? values[i] : max;
    }
    *out_min = min;
    *out_max = max;
}

static void join(const uint32_t *low, const uint32_t *high, uint64_t base, uint64_t *out)
{
    if (high == NULL) {
        for (size_t i = 0; i < GCH_BLOCK_ROWS; i++)
            out[i] = base + low[i];
        return;
    }
    for (size_t i = 0; i < GCH_BLOCK_ROWS; i++)
        out[i] = base + (low[i] | (uint64_t)high[i] << 32);
}

static void split(const int64_t *values, int64_t base, uint32_t *low, uint32_t *high)
{
    for (size_t i = 0; i < GCH_BLOCK_ROWS; i++) {
        uint64_t difference = (uint64_t)values[i] - (uint64_t)base;
        low[i] = (uint32_t)difference;
        high[i] = (uint32_t)(difference >> 32);
    }
}

static void subtract_narrow(const int64_t *values, int64_t base, uint32_t count, uint32_t *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = (uint32_t)((uint64_t)values[i] - (uint64_t)base);
}

static void line_subtract(const uint64_t *units, uint64_t slope, int64_t *out, int64_t *out_min,
                          int64_t *out_max)
{
    int64_t min = INT64_MAX, max = INT64_MIN;
    for (size_t i = 0; i < GCH_BLOCK_ROWS; i++) {
        int64_t residual = (int64_t)(units[i] - units[0] - (slope * i >> 16));
        out[i] = residual;
        min = residual < min ? residual : min;
        max = residual > max ? residual : max;
    }
    *out_min = min;
    *out_max = max;
}

static void join_line(const uint32_t *low, const uint32_t *high, uint64_t base, uint64_t slope,
                      uint64_t *out)
{
    for (size_t i = 0; i < GCH_BLOCK_ROWS; i++) {
        uint64_t value = high == NULL ? low[i] : low[i] | (uint64_t)high[i] << 32;
        out[i] = base + value + (slope * i >> 16);
    }
}

static uint32_t count_steps(const int64_t *times, uint32_t count, uint64_t step)
{
    uint32_t i = 1;
    while (i < count && (uint64_t)times[i] - (uint64_t)times[i - 1] == step)
        i++;
    return i - 1;
}

/* ---- floats ---- */

static bool keys_from_f32(const float *values, uint32_t count, int64_t *keys)
{
    bool all_finite = true;
    for (size_t i = 0; i < count; i++) {
        all_finite &= gch__f32_is_finite(gch__f32_bits(values[i]));
        keys[i] = gch__key_from_f32(values[i]);
    }
    return all_finite;
}

static bool keys_from_f64(const double *values, uint32_t count, int64_t *keys)
{
    bool all_finite = true;
    for (size_t i = 0; i < count; i++) {
        all_finite &= gch__f64_is_finite(gch__f64_bits(values[i]));
        keys[i] = (int64_t)(gch__key_from_f64(values[i]) ^ (UINT64_C(1) << 63));
    }
    return all_finite;
}

static void classify_f32(const float *values, uint32_t count, uint32_t drawn[8], uint32_t odd[8])
{
    memset(drawn, 0, 8 * sizeof *drawn);
    memset(odd, 0, 8 * sizeof *odd);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t bits = gch__f32_bits(values[i]);
        bool is_finite = gch__f32_is_finite(bits);
        bool is_odd = is_finite ? bits == GCH__F32_MINUS_ZERO : bits != GCH__F32_PLAIN_NAN;
        drawn[i >> 5] |= (uint32_t)is_finite << (i & 31u);
        odd[i >> 5] |= (uint32_t)is_odd << (i & 31u);
    }
}

static void classify_f64(const double *values, uint32_t count, uint32_t drawn[8], uint32_t odd[8])
{
    memset(drawn, 0, 8 * sizeof *drawn);
    memset(odd, 0, 8 * sizeof *odd);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t bits = gch__f64_bits(values[i]);
        bool is_finite = gch__f64_is_finite(bits);
        bool is_odd = is_finite ? bits == GCH__F64_MINUS_ZERO : bits != GCH__F64_PLAIN_NAN;
        drawn[i >> 5] |= (uint32_t)is_finite << (i & 31u);
        odd[i >> 5] |= (uint32_t)is_odd << (i & 31u);
    }
}

static bool decimals_from_f64(const double *values, uint32_t count, uint32_t scale, int64_t *digits)
{
    double power = gch__pow10_f64[scale];
    for (size_t i = 0; i < count; i++)
        if (!gch__digits_from_f64(values[i], power, &digits[i]))
            return false;
    return true;
}

static bool decimals_from_f32(const float *values, uint32_t count, uint32_t scale, int64_t *digits)
{
    double power = gch__pow10_f64[scale];
    for (size_t i = 0; i < count; i++)
        if (!gch__digits_from_f32(values[i], power, &digits[i]))
            return false;
    return true;
}

void gch__kernels_fill_scalar(gch__kernels *table)
{
    *table = (gch__kernels){
        .unpack = unpack,
        .pack = pack,
        .min_max = min_max,
        .reduce_pairs = reduce_pairs,
        .reduce_pairs64 = reduce_pairs64,
        .min_max_i64 = min_max_i64,
        .min_max_drawn = min_max_drawn,
        .min_max_i64_drawn = min_max_i64_drawn,
        .join = join,
        .split = split,
        .subtract_narrow = subtract_narrow,
        .line_subtract = line_subtract,
        .join_line = join_line,
        .count_steps = count_steps,
        .keys_from_f32 = keys_from_f32,
        .keys_from_f64 = keys_from_f64,
        .classify_f32 = classify_f32,
        .classify_f64 = classify_f64,
        .decimals_from_f64 = decimals_from_f64,
        .decimals_from_f32 = decimals_from_f32,
    };
}
