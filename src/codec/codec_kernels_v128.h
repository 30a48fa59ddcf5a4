/* The kernels for processors with registers of 128 bits, written once: codec_kernels_neon.c and
 * codec_kernels_wasm.c define the few operations that differ (listed in codec_v128.h), include this
 * file and hand out fill_v128.
 *
 * 1. Each entry equals the scalar one bit for bit; codec_kernels_test.c and
 *    codec_kernels_rows_test.c compare them.
 * 2. A row of the packed layout is two registers. A block is unpacked as two columns of four lanes:
 *    the code for one column runs twice, which halves its size.
 * 3. Unpacking has one noinline function a width, with constant shifts; the other kernels read what
 *    it leaves on their stack. A set of 33 for each kernel would make a WebAssembly module twice as
 *    large.
 * 4. Minimum and maximum may see a value twice, so that a tail is read as the last full registers.
 */
#ifndef GCH_CODEC_KERNELS_V128_H
#define GCH_CODEC_KERNELS_V128_H

#include "base.h"
#include "codec.h"
#include "codec_decimal_round.h"
#include "codec_float_bits.h"
#include "codec_kernels.h"
#include "codec_v128.h"

#include <assert.h>

#define LANES 8u
#define ROWS (GCH_BLOCK_ROWS / LANES)
#define COLUMN_LANES 4u
/* gcc unrolls only loops that it is told to. */
#define UNROLL _Pragma("GCC unroll 4")

/* ---- packed blocks ---- */

/* Four lanes of row `row`; with both numbers constant, one to five instructions. */
INLINE u32x4 get_row(const uint32_t *packed, uint32_t bits, uint32_t row)
{
    if (bits == 0)
        return all32(0);
    uint32_t bit = row * bits, shift = bit & 31u;
    const uint32_t *word = packed + (size_t)(bit >> 5) * LANES;
    u32x4 value = load32(word);
    if (shift != 0)
        value >>= shift;
    if (shift + bits > 32)
        value |= load32(word + LANES) << (32 - shift);
    if (shift + bits != 32)
        value &= all32(UINT32_MAX >> (32 - bits));
    return value;
}

/* clang-format off */
#define REPEAT_32(X)                                                                               \
    X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16)    \
    X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31)
/* clang-format on */

INLINE void unpack_rows(const uint32_t *restrict packed, uint32_t bits, uint32_t *restrict out)
{
    for (uint32_t column = 0; column < LANES; column += COLUMN_LANES) {
#define ROW(row) store32(out + column + (row)*LANES, get_row(packed + column, bits, row));
        REPEAT_32(ROW)
#undef ROW
    }
}

#define DEFINE_UNPACK(bits)                                                                        \
    static __attribute__((noinline)) void unpack_##bits(const uint32_t *packed, uint32_t *out)     \
    {                                                                                              \
        unpack_rows(packed, bits, out);                                                            \
    }
REPEAT_32(DEFINE_UNPACK)
#undef DEFINE_UNPACK

/* A word a value, in order. */
static void unpack_32(const uint32_t *packed, uint32_t *out)
{
    memcpy(out, packed, GCH_BLOCK_ROWS * sizeof *out);
}

static void (*const unpack_by_bits[33])(const uint32_t *packed, uint32_t *out) = {
#define NAME(bits) unpack_##bits,
    REPEAT_32(NAME) unpack_32
#undef NAME
};

static void unpack(const uint32_t *packed, uint32_t bits, uint32_t *out)
{
    assert(bits <= 32);
    unpack_by_bits[bits](packed, out);
}

/* The values of a block: in `room`, or where they lie if they are not packed at all. */
INLINE const uint32_t *unpacked(const uint32_t *packed, uint32_t bits, uint32_t *room)
{
    if (bits == 32)
        return packed;
    unpack_by_bits[bits](packed, room);
    return room;
}

/* Below 32 bits no shift reaches 32: a word is full only after more than one row. */
static void pack(const uint32_t *values, uint32_t bits, uint32_t *packed)
{
    if (bits == 0)
        return;
    if (bits == 32) {
        memcpy(packed, values, GCH_BLOCK_ROWS * sizeof *values);
        return;
    }
    u32x4 word_a = all32(0), word_b = all32(0);
    uint32_t used = 0;
    for (uint32_t row = 0; row < ROWS; row++, values += LANES) {
        u32x4 a = load32(values), b = load32(values + COLUMN_LANES);
        word_a |= a << used;
        word_b |= b << used;
        used += bits;
        if (used < 32)
            continue;
        store32(packed, word_a);
        store32(packed + COLUMN_LANES, word_b);
        packed += LANES;
        used -= 32;
        word_a = a >> (bits - used);
        word_b = b >> (bits - used);
    }
}

static void min_max(const uint32_t *packed, uint32_t bits, uint32_t first, uint32_t last,
                    uint32_t *out_min, uint32_t *out_max)
{
    assert(bits <= 32 && first < last && last <= GCH_BLOCK_ROWS);
    _Alignas(16) uint32_t room[GCH_BLOCK_ROWS];
    const uint32_t *rows = unpacked(packed, bits, room);
    const uint32_t *value = rows + first, *end = rows + last;
    if (last - first < 8) {
        uint32_t min = *value, max = *value;
        for (; value < end; value++) {
            min = GCH_MIN(min, *value);
            max = GCH_MAX(max, *value);
        }
        *out_min = min;
        *out_max = max;
        return;
    }
    u32x4 min_a = load32(end - 8), max_a = min_a, min_b = load32(end - 4), max_b = min_b;
    UNROLL for (; value + 8 < end; value += 8)
    {
        u32x4 a = load32(value), b = load32(value + 4);
        min_a = v_min_u32(min_a, a);
        max_a = v_max_u32(max_a, a);
        min_b = v_min_u32(min_b, b);
        max_b = v_max_u32(max_b, b);
    }
    *out_min = v_least_u32(v_min_u32(min_a, min_b));
    *out_max = v_greatest_u32(v_max_u32(max_a, max_b));
}

static void min_max_drawn(const uint32_t *packed, uint32_t bits, const uint32_t drawn[8],
                          uint32_t *out_min, uint32_t *out_max)
{
    assert(bits <= 32);
    _Alignas(16) uint32_t room[GCH_BLOCK_ROWS];
    const uint32_t *rows = unpacked(packed, bits, room);
    const u32x4 first_bits = {1, 2, 4, 8};
    u32x4 min[2] = {all32(UINT32_MAX), all32(UINT32_MAX)}, max[2] = {all32(0), all32(0)};
    for (uint32_t word = 0; word < 8; word++) {
        u32x4 in_all = all32(drawn[word]);
        for (uint32_t part = 0; part < 8; part++) { /* unrolled: the shift becomes a constant */
            u32x4 is_drawn = (u32x4)((in_all & (first_bits << (4 * part))) != 0);
            u32x4 value = load32(rows + (size_t)word * 32 + (size_t)part * 4);
            min[part % 2] = v_min_u32(min[part % 2], value | ~is_drawn);
            max[part % 2] = v_max_u32(max[part % 2], value & is_drawn);
        }
    }
    *out_min = v_least_u32(v_min_u32(min[0], min[1]));
    *out_max = v_greatest_u32(v_max_u32(max[0], max[1]));
}

/* ---- pairs ---- */

/* A pair with min > max becomes (all ones, 0). */
INLINE void fold_pairs(const uint32_t *pairs, u32x4 *io_min, u32x4 *io_max)
{
    u32x4 low, high;
    v_load_pairs32(pairs, &low, &high);
    u32x4 is_empty = (u32x4)(low > high);
    *io_min = v_min_u32(*io_min, low | is_empty);
    *io_max = v_max_u32(*io_max, high & ~is_empty);
}

static void reduce_pairs(const uint32_t *pairs, uint32_t count, uint32_t *io_min, uint32_t *io_max)
{
    if (count < 4) {
        uint32_t least = *io_min, greatest = *io_max;
        for (uint32_t i = 0; i < count; i++) {
            bool is_pair = pairs[2 * i] <= pairs[2 * i + 1];
            uint32_t low = is_pair ? pairs[2 * i] : UINT32_MAX;
            uint32_t high = is_pair ? pairs[2 * i + 1] : 0;
            least = low < least ? low : least;
            greatest = high > greatest ? high : greatest;
        }
        *io_min = least;
        *io_max = greatest;
        return;
    }
    u32x4 min_a = all32(*io_min), max_a = all32(*io_max), min_b = min_a, max_b = max_a;
    const uint32_t *end = pairs + 2 * (size_t)count - 8;
    UNROLL for (; pairs + 8 < end; pairs += 16)
    {
        fold_pairs(pairs, &min_a, &max_a);
        fold_pairs(pairs + 8, &min_b, &max_b);
    }
    if (pairs < end)
        fold_pairs(pairs, &min_a, &max_a);
    fold_pairs(end, &min_b, &max_b);
    *io_min = v_least_u32(v_min_u32(min_a, min_b));
    *io_max = v_greatest_u32(v_max_u32(max_a, max_b));
}

/* Pairs in the order that v_more64 compares by; those with min > max are left out. */
INLINE void fold_pairs64(const uint64_t *pairs, u64x2 *io_min, u64x2 *io_max)
{
    u64x2 low, high;
    v_load_pairs64(pairs, &low, &high);
    low ^= all64(V_ORDER64);
    high ^= all64(V_ORDER64);
    u64x2 is_empty = v_more64(low, high);
    *io_min = v_select64(v_more64(*io_min, low) & ~is_empty, low, *io_min);
    *io_max = v_select64(v_more64(high, *io_max) & ~is_empty, high, *io_max);
}

static void reduce_pairs64(const uint64_t *pairs, uint32_t count, uint64_t *io_min,
                           uint64_t *io_max)
{
    uint64_t least = *io_min, greatest = *io_max;
    if (count < 4) {
        for (uint32_t i = 0; i < count; i++) {
            bool is_pair = pairs[2 * i] <= pairs[2 * i + 1];
            uint64_t low = is_pair ? pairs[2 * i] : UINT64_MAX;
            uint64_t high = is_pair ? pairs[2 * i + 1] : 0;
            least = low < least ? low : least;
            greatest = high > greatest ? high : greatest;
        }
        *io_min = least;
        *io_max = greatest;
        return;
    }
    u64x2 min_a = all64(least ^ V_ORDER64), max_a = all64(greatest ^ V_ORDER64);
    u64x2 min_b = min_a, max_b = max_a;
    const uint64_t *end = pairs + 2 * (size_t)count - 8;
    UNROLL for (; pairs < end; pairs += 8)
    {
        fold_pairs64(pairs, &min_a, &max_a);
        fold_pairs64(pairs + 4, &min_b, &max_b);
    }
    fold_pairs64(end, &min_a, &max_a);
    fold_pairs64(end + 4, &min_b, &max_b);
    u64x2 min = v_select64(v_more64(min_a, min_b), min_b, min_a) ^ all64(V_ORDER64);
    u64x2 max = v_select64(v_more64(max_b, max_a), max_b, max_a) ^ all64(V_ORDER64);
    *io_min = GCH_MIN(min[0], min[1]);
    *io_max = GCH_MAX(max[0], max[1]);
}

/* ---- 64-bit values ---- */

INLINE i64x2 min_i64(i64x2 a, i64x2 b)
{
    return (i64x2)v_select64((u64x2)(a > b), (u64x2)b, (u64x2)a);
}

INLINE i64x2 max_i64(i64x2 a, i64x2 b)
{
    return (i64x2)v_select64((u64x2)(b > a), (u64x2)b, (u64x2)a);
}

INLINE void extremes_i64(i64x2 min, i64x2 max, int64_t *out_min, int64_t *out_max)
{
    *out_min = GCH_MIN(min[0], min[1]);
    *out_max = GCH_MAX(max[0], max[1]);
}

/* Two registers are compared with each other first: three comparisons for four values, not four. */
INLINE void fold_i64(i64x2 a, i64x2 b, i64x2 *io_min, i64x2 *io_max)
{
    u64x2 is_more = (u64x2)(a > b);
    *io_min = min_i64(*io_min, (i64x2)v_select64(is_more, (u64x2)b, (u64x2)a));
    *io_max = max_i64(*io_max, (i64x2)v_select64(is_more, (u64x2)a, (u64x2)b));
}

static void min_max_i64(const int64_t *values, uint32_t count, int64_t *out_min, int64_t *out_max)
{
    if (count < 8) {
        int64_t min = values[0], max = values[0];
        for (uint32_t i = 1; i < count; i++) {
            min = values[i] < min ? values[i] : min;
            max = values[i] > max ? values[i] : max;
        }
        *out_min = min;
        *out_max = max;
        return;
    }
    const int64_t *end = values + count - 8;
    i64x2 min_a = (i64x2)load64(end), max_a = min_a, min_b = min_a, max_b = min_a;
    UNROLL for (; values < end; values += 8)
    {
        fold_i64((i64x2)load64(values), (i64x2)load64(values + 2), &min_a, &max_a);
        fold_i64((i64x2)load64(values + 4), (i64x2)load64(values + 6), &min_b, &max_b);
    }
    fold_i64((i64x2)load64(end), (i64x2)load64(end + 2), &min_a, &max_a);
    fold_i64((i64x2)load64(end + 4), (i64x2)load64(end + 6), &min_b, &max_b);
    extremes_i64(min_i64(min_a, min_b), max_i64(max_a, max_b), out_min, out_max);
}

/* Every row that is not drawn becomes the first that is, so that the rest is as without gaps. */
static void min_max_i64_drawn(const int64_t *values, const uint32_t drawn[8], int64_t *out_min,
                              int64_t *out_max)
{
    static const uint64_t masks[4][2] = {
        {0, 0}, {UINT64_MAX, 0}, {0, UINT64_MAX}, {UINT64_MAX, UINT64_MAX}};
    uint32_t word = 0;
    while (word < 8 && drawn[word] == 0)
        word++;
    if (word == 8) {
        *out_min = INT64_MAX;
        *out_max = INT64_MIN;
        return;
    }
    u64x2 other = all64((uint64_t)values[word * 32 + (uint32_t)__builtin_ctz(drawn[word])]);
    i64x2 min = (i64x2)other, max = min;
    for (; word < 8; word++) {
        uint32_t bits = drawn[word];
        UNROLL for (uint32_t i = 0; i < 32; i += 4, bits >>= 4)
        {
            u64x2 a = load64(values + word * 32 + i), b = load64(values + word * 32 + i + 2);
            a = v_select64(load64(masks[bits & 3u]), a, other);
            b = v_select64(load64(masks[bits >> 2 & 3u]), b, other);
            fold_i64((i64x2)a, (i64x2)b, &min, &max);
        }
    }
    extremes_i64(min, max, out_min, out_max);
}

/* ---- two planes ---- */

/* Four values as two registers. */
INLINE void widen(const uint32_t *low, const uint32_t *high, u64x2 *first, u64x2 *second)
{
    u32x4 lows = load32(low), highs = high != NULL ? load32(high) : all32(0);
    *first = zip_first(lows, highs);
    *second = zip_second(lows, highs);
}

INLINE void join_all(const uint32_t *low, const uint32_t *high, uint64_t base, uint64_t *out)
{
    const u64x2 bases = all64(base);
    UNROLL for (size_t i = 0; i < GCH_BLOCK_ROWS; i += 4)
    {
        u64x2 first, second;
        widen(low + i, high != NULL ? high + i : NULL, &first, &second);
        store64(out + i, first + bases);
        store64(out + i + 2, second + bases);
    }
}

static void join(const uint32_t *low, const uint32_t *high, uint64_t base, uint64_t *out)
{
    if (high == NULL)
        join_all(low, NULL, base, out);
    else
        join_all(low, high, base, out);
}

static void split(const int64_t *values, int64_t base, uint32_t *low, uint32_t *high)
{
    const u64x2 bases = all64((uint64_t)base);
    UNROLL for (size_t i = 0; i < GCH_BLOCK_ROWS; i += 4)
    {
        u64x2 a = load64(values + i) - bases, b = load64(values + i + 2) - bases;
        store32(low + i, low_halves(a, b));
        store32(high + i, high_halves(a, b));
    }
}

static void subtract_narrow(const int64_t *values, int64_t base, uint32_t count, uint32_t *out)
{
    const u64x2 bases = all64((uint64_t)base);
    size_t i = 0;
    UNROLL for (; i + 8 <= count; i += 8)
    {
        u64x2 a = load64(values + i) - bases, b = load64(values + i + 2) - bases;
        u64x2 c = load64(values + i + 4) - bases, d = load64(values + i + 6) - bases;
        store32(out + i, low_halves(a, b));
        store32(out + i + 4, low_halves(c, d));
    }
    for (; i < count; i++)
        out[i] = (uint32_t)((uint64_t)values[i] - (uint64_t)base);
}

/* ---- time lines ---- */

static void line_subtract(const uint64_t *units, uint64_t slope, int64_t *out, int64_t *out_min,
                          int64_t *out_max)
{
    const u64x2 start = all64(units[0]), four = all64(4 * slope);
    u64x2 line_a = {0, slope}, line_b = {2 * slope, 3 * slope};
    i64x2 min_a = (i64x2)all64(INT64_MAX), max_a = (i64x2)all64((uint64_t)1 << 63);
    UNROLL for (size_t i = 0; i < GCH_BLOCK_ROWS; i += 4)
    {
        u64x2 a = load64(units + i) - (start + (line_a >> 16));
        u64x2 b = load64(units + i + 2) - (start + (line_b >> 16));
        store64(out + i, a);
        store64(out + i + 2, b);
        fold_i64((i64x2)a, (i64x2)b, &min_a, &max_a);
        line_a += four;
        line_b += four;
    }
    extremes_i64(min_a, max_a, out_min, out_max);
}

INLINE void join_line_all(const uint32_t *low, const uint32_t *high, uint64_t base, uint64_t slope,
                          uint64_t *out)
{
    const u64x2 bases = all64(base), four = all64(4 * slope);
    u64x2 line_a = {0, slope}, line_b = {2 * slope, 3 * slope};
    UNROLL for (size_t i = 0; i < GCH_BLOCK_ROWS; i += 4)
    {
        u64x2 first, second;
        widen(low + i, high != NULL ? high + i : NULL, &first, &second);
        store64(out + i, first + bases + (line_a >> 16));
        store64(out + i + 2, second + bases + (line_b >> 16));
        line_a += four;
        line_b += four;
    }
}

static void join_line(const uint32_t *low, const uint32_t *high, uint64_t base, uint64_t slope,
                      uint64_t *out)
{
    if (high == NULL)
        join_line_all(low, NULL, base, slope, out);
    else
        join_line_all(low, high, base, slope, out);
}

INLINE u64x2 off_step(const int64_t *times, u64x2 step)
{
    return (load64(times) - load64(times - 1)) ^ step;
}

/* Irregular times, a call a row, mostly end at the first question. */
static uint32_t count_steps(const int64_t *times, uint32_t count, uint64_t step)
{
    const u64x2 steps = all64(step);
    size_t i = 1;
    if (count < 2 || (uint64_t)times[1] - (uint64_t)times[0] != step)
        return 0;
    UNROLL for (; i + 8 <= count; i += 8)
    {
        u64x2 a = off_step(times + i, steps) | off_step(times + i + 2, steps);
        u64x2 b = off_step(times + i + 4, steps) | off_step(times + i + 6, steps);
        if (v_any((u32x4)(a | b)))
            break;
    }
    while (i < count && (uint64_t)times[i] - (uint64_t)times[i - 1] == step)
        i++;
    return (uint32_t)(i - 1);
}

/* ---- floats ---- */

/* Without its sign bit a float is special from here on; of a double, the upper half. */
#define F32_SPECIAL (GCH__F32_EXPONENT << 1)
#define F64_SPECIAL ((uint32_t)(GCH__F64_EXPONENT >> 31))

static bool keys_from_f32(const float *values, uint32_t count, int64_t *keys)
{
    const u32x4 top = all32(GCH__F32_MINUS_ZERO), zero = all32(0);
    u32x4 greatest = zero;
    size_t i = 0;
    UNROLL for (; i + 4 <= count; i += 4)
    {
        u32x4 bits = load32(values + i);
        greatest = v_max_u32(greatest, bits << 1);
        u32x4 key = bits ^ ((u32x4)((i32x4)bits >> 31) | top);
        store64(keys + i, zip_first(key, zero));
        store64(keys + i + 2, zip_second(key, zero));
    }
    bool all_finite = v_greatest_u32(greatest) < F32_SPECIAL;
    for (; i < count; i++) {
        all_finite &= gch__f32_is_finite(gch__f32_bits(values[i]));
        keys[i] = gch__key_from_f32(values[i]);
    }
    return all_finite;
}

INLINE u64x2 order_f64(u64x2 bits)
{
    return bits ^ ((u64x2)((i64x2)bits >> 63) >> 1);
}

static bool keys_from_f64(const double *values, uint32_t count, int64_t *keys)
{
    u32x4 greatest = all32(0);
    size_t i = 0;
    UNROLL for (; i + 4 <= count; i += 4)
    {
        u64x2 a = load64(values + i), b = load64(values + i + 2);
        greatest = v_max_u32(greatest, high_halves(a, b) << 1);
        store64(keys + i, order_f64(a));
        store64(keys + i + 2, order_f64(b));
    }
    bool all_finite = v_greatest_u32(greatest) < F64_SPECIAL;
    for (; i < count; i++) {
        all_finite &= gch__f64_is_finite(gch__f64_bits(values[i]));
        keys[i] = (int64_t)(gch__key_from_f64(values[i]) ^ (UINT64_C(1) << 63));
    }
    return all_finite;
}

INLINE void classify_four_f32(const float *values, u32x4 *special, u32x4 *odd)
{
    u32x4 bits = load32(values);
    *special = (u32x4)(bits << 1 >= all32(F32_SPECIAL));
    *odd = (*special & ~(u32x4)(bits == all32(GCH__F32_PLAIN_NAN))) |
           (u32x4)(bits == all32(GCH__F32_MINUS_ZERO));
}

INLINE void classify_sixteen_f32(const float *values, uint16_t *drawn, uint16_t *odd)
{
    u32x4 special[4], is_odd[4];
    for (size_t k = 0; k < 4; k++)
        classify_four_f32(values + 4 * k, &special[k], &is_odd[k]);
    *drawn = (uint16_t)~v_bitmask16(special[0], special[1], special[2], special[3]);
    *odd = (uint16_t)v_bitmask16(is_odd[0], is_odd[1], is_odd[2], is_odd[3]);
}

/* The upper halves tell special values; those that may be odd compare whole. */
INLINE void classify_four_f64(const double *values, u32x4 *special, u32x4 *odd)
{
    u64x2 a = load64(values), b = load64(values + 2);
    u32x4 upper = high_halves(a, b), lower = low_halves(a, b);
    u32x4 is_whole = (u32x4)(lower == 0);
    u32x4 is_plain = (u32x4)(upper == all32((uint32_t)(GCH__F64_PLAIN_NAN >> 32))) & is_whole;
    u32x4 is_minus = (u32x4)(upper == all32((uint32_t)(GCH__F64_MINUS_ZERO >> 32))) & is_whole;
    *special = (u32x4)(upper << 1 >= all32(F64_SPECIAL));
    *odd = (*special & ~is_plain) | is_minus;
}

INLINE void classify_sixteen_f64(const double *values, uint16_t *drawn, uint16_t *odd)
{
    u32x4 special[4], is_odd[4];
    for (size_t k = 0; k < 4; k++)
        classify_four_f64(values + 4 * k, &special[k], &is_odd[k]);
    *drawn = (uint16_t)~v_bitmask16(special[0], special[1], special[2], special[3]);
    *odd = (uint16_t)v_bitmask16(is_odd[0], is_odd[1], is_odd[2], is_odd[3]);
}

/* The last, partial sixteen are filled up with zeros, and their bits cleared. */
#define DEFINE_CLASSIFY(name, type, sixteen)                                                       \
    static void name(const type *values, uint32_t count, uint32_t drawn[8], uint32_t odd[8])       \
    {                                                                                              \
        uint16_t drawn_parts[16] = {0}, odd_parts[16] = {0};                                       \
        uint32_t whole = count / 16, rest = count % 16;                                            \
        for (uint32_t i = 0; i < whole; i++)                                                       \
            sixteen(values + (size_t)16 * i, &drawn_parts[i], &odd_parts[i]);                      \
        if (rest != 0) {                                                                           \
            type last[16] = {0};                                                                   \
            memcpy(last, values + (size_t)16 * whole, rest * sizeof *last);                        \
            sixteen(last, &drawn_parts[whole], &odd_parts[whole]);                                 \
            drawn_parts[whole] &= (uint16_t)((1u << rest) - 1u);                                   \
        }                                                                                          \
        memcpy(drawn, drawn_parts, sizeof drawn_parts);                                            \
        memcpy(odd, odd_parts, sizeof odd_parts);                                                  \
    }
DEFINE_CLASSIFY(classify_f32, float, classify_sixteen_f32)
DEFINE_CLASSIFY(classify_f64, double, classify_sixteen_f64)
#undef DEFINE_CLASSIFY

/* ---- decimals: the reasoning is in codec_decimal_round.h ---- */

/* Two candidates. |digits| <= 2^51 is asked of the digits as doubles, which they are exactly up to
 * there; a NaN says no. *io_good keeps the lanes that are fine. */
INLINE f64x2 candidates(f64x2 value, f64x2 power, int64_t *digits, u64x2 *io_good)
{
    const f64x2 rounder = {GCH__ROUNDER, GCH__ROUNDER};
    const f64x2 most = {(double)GCH__DIGITS_MAX, (double)GCH__DIGITS_MAX};
    f64x2 sum = value * power + rounder, rounded = sum - rounder;
    store64(digits, (u64x2)sum - all64((uint64_t)GCH__ROUNDER_BITS));
    f64x2 size = (f64x2)((u64x2)rounded & all64(~GCH__F64_MINUS_ZERO));
    *io_good &= (u64x2)(size <= most);
    return rounded / power;
}

INLINE u64x2 good_four_f64(const double *values, f64x2 power, int64_t *digits)
{
    u64x2 good = all64(UINT64_MAX);
    for (size_t i = 0; i < 4; i += 2) {
        u64x2 value = load64(values + i);
        f64x2 back = candidates((f64x2)value, power, digits + i, &good);
        good &= (u64x2)((u64x2)back == value);
    }
    return good;
}

INLINE u64x2 good_four_f32(const float *values, f64x2 power, int64_t *digits)
{
    u64x2 good = all64(UINT64_MAX);
    u32x4 value = load32(values);
    f64x2 low = candidates(v_promote_low((f32x4)value), power, digits, &good);
    f64x2 high = candidates(v_promote_high((f32x4)value), power, digits + 2, &good);
    return good & (u64x2)((u32x4)v_demote(low, high) == value);
}

/* Asked once for eight values; the last, partial eight are filled up with zeros, which are decimals
 * at every scale. */
#define DEFINE_DECIMALS(name, type, good_four)                                                     \
    INLINE bool eight_##name(const type *values, f64x2 power, int64_t *digits)                     \
    {                                                                                              \
        u64x2 good = good_four(values, power, digits);                                             \
        good &= good_four(values + 4, power, digits + 4);                                          \
        return !v_any((u32x4)~good);                                                               \
    }                                                                                              \
                                                                                                   \
    static bool name(const type *values, uint32_t count, uint32_t scale, int64_t *digits)          \
    {                                                                                              \
        const f64x2 power = {gch__pow10_f64[scale], gch__pow10_f64[scale]};                        \
        size_t i = 0;                                                                              \
        for (; i + 8 <= count; i += 8)                                                             \
            if (!eight_##name(values + i, power, digits + i))                                      \
                return false;                                                                      \
        if (i == count)                                                                            \
            return true;                                                                           \
        type last[8] = {0};                                                                        \
        int64_t last_digits[8];                                                                    \
        memcpy(last, values + i, (count - i) * sizeof *last);                                      \
        bool are_decimals = eight_##name(last, power, last_digits);                                \
        memcpy(digits + i, last_digits, (count - i) * sizeof *digits);                             \
        return are_decimals;                                                                       \
    }
DEFINE_DECIMALS(decimals_from_f64, double, good_four_f64)
DEFINE_DECIMALS(decimals_from_f32, float, good_four_f32)
#undef DEFINE_DECIMALS

static void fill_v128(gch__kernels *table)
{
    table->unpack = unpack;
    table->pack = pack;
    table->min_max = min_max;
    table->min_max_drawn = min_max_drawn;
    table->reduce_pairs = reduce_pairs;
    table->reduce_pairs64 = reduce_pairs64;
    table->min_max_i64 = min_max_i64;
    table->min_max_i64_drawn = min_max_i64_drawn;
    table->join = join;
    table->split = split;
    table->subtract_narrow = subtract_narrow;
    table->line_subtract = line_subtract;
    table->join_line = join_line;
    table->count_steps = count_steps;
    table->keys_from_f32 = keys_from_f32;
    table->keys_from_f64 = keys_from_f64;
    table->classify_f32 = classify_f32;
    table->classify_f64 = classify_f64;
    table->decimals_from_f64 = decimals_from_f64;
    table->decimals_from_f32 = decimals_from_f32;
}

#endif
