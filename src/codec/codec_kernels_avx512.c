/* The AVX-512 kernels (F, BW, DQ, VL, VBMI2): those that measure better than the AVX2 ones, which
 * fill the rest of the table. Nothing here runs before the processor was asked.
 *
 * 1. Each entry equals the scalar one bit for bit; codec_kernels_test.c and
 *    codec_kernels_rows_test.c compare them.
 * 2. Packed blocks are the AVX2 kernels' alone. With two rows a register every other load crosses a
 *    cache line: unpacking 20 bits took 2.7 times as long, and widths without such loads gained
 *    nothing, because storing is what takes the time.
 * 3. Tails are masked loads, which never touch the bytes beyond.
 */
#include "base.h"
#include "codec.h"
#include "codec_decimal_round.h"
#include "codec_float_bits.h"
#include "codec_kernels_isa.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

INLINE __m512i load(const void *from)
{
    return _mm512_loadu_si512(from);
}

INLINE void store(void *to, __m512i value)
{
    _mm512_storeu_si512(to, value);
}

/* ---- pairs ---- */

/* Pairs stay as they lie. A min is complemented, so that one maximum serves for both ends, and an
 * empty pair (min > max) is masked away. */
INLINE __m512i fold_pairs(__m512i pairs, __mmask16 there, __m512i ends)
{
    const __m512i flip = _mm512_set1_epi64(UINT32_MAX);
    __m512i low = _mm512_shuffle_epi32(pairs, _MM_PERM_CCAA);
    __m512i high = _mm512_shuffle_epi32(pairs, _MM_PERM_DDBB);
    __mmask16 is_pair = _mm512_mask_cmple_epu32_mask(there, low, high);
    return _mm512_mask_max_epu32(ends, is_pair, ends, _mm512_xor_si512(pairs, flip));
}

static void reduce_pairs(const uint32_t *pairs, uint32_t count, uint32_t *io_min, uint32_t *io_max)
{
    __m512i a = _mm512_set1_epi64((int64_t)((uint64_t)*io_max << 32 | (uint32_t) ~*io_min)), b = a;
    for (; count >= 16; count -= 16, pairs += 32) {
        a = fold_pairs(load(pairs), 0xFFFF, a);
        b = fold_pairs(load(pairs + 16), 0xFFFF, b);
    }
    if (count >= 8) {
        b = fold_pairs(load(pairs), 0xFFFF, b);
        count -= 8;
        pairs += 16;
    }
    __mmask16 there = (__mmask16)((1u << 2 * count) - 1u);
    a = fold_pairs(_mm512_maskz_loadu_epi32(there, pairs), there, a);
    a = _mm512_max_epu32(a, b);
    __m256i m = _mm256_max_epu32(_mm512_castsi512_si256(a), _mm512_extracti64x4_epi64(a, 1));
    __m128i n = _mm_max_epu32(_mm256_castsi256_si128(m), _mm256_extracti128_si256(m, 1));
    n = _mm_max_epu32(n, _mm_shuffle_epi32(n, 0x4E));
    uint64_t ends = (uint64_t)_mm_cvtsi128_si64(n);
    *io_min = ~(uint32_t)ends;
    *io_max = (uint32_t)(ends >> 32);
}

INLINE __m512i fold_pairs64(__m512i pairs, __mmask8 there, __m512i ends)
{
    const __m512i flip = _mm512_setr_epi64(-1, 0, -1, 0, -1, 0, -1, 0);
    __m512i low = _mm512_unpacklo_epi64(pairs, pairs), high = _mm512_unpackhi_epi64(pairs, pairs);
    __mmask8 is_pair = _mm512_mask_cmple_epu64_mask(there, low, high);
    return _mm512_mask_max_epu64(ends, is_pair, ends, _mm512_xor_si512(pairs, flip));
}

static void reduce_pairs64(const uint64_t *pairs, uint32_t count, uint64_t *io_min,
                           uint64_t *io_max)
{
    __m512i a =
        _mm512_mask_set1_epi64(_mm512_set1_epi64((int64_t) ~*io_min), 0xAA, (int64_t)*io_max);
    __m512i b = a;
    for (; count >= 8; count -= 8, pairs += 16) {
        a = fold_pairs64(load(pairs), 0xFF, a);
        b = fold_pairs64(load(pairs + 8), 0xFF, b);
    }
    if (count >= 4) {
        b = fold_pairs64(load(pairs), 0xFF, b);
        count -= 4;
        pairs += 8;
    }
    __mmask8 there = (__mmask8)((1u << 2 * count) - 1u);
    a = fold_pairs64(_mm512_maskz_loadu_epi64(there, pairs), there, a);
    a = _mm512_max_epu64(a, b);
    __m256i m = _mm256_max_epu64(_mm512_castsi512_si256(a), _mm512_extracti64x4_epi64(a, 1));
    __m128i n = _mm_max_epu64(_mm256_castsi256_si128(m), _mm256_extracti128_si256(m, 1));
    *io_min = ~(uint64_t)_mm_cvtsi128_si64(n);
    *io_max = (uint64_t)_mm_extract_epi64(n, 1);
}

/* ---- 64-bit values ---- */

/* The last full register is read at the end, some of it for the second time. */
static void min_max_i64(const int64_t *values, uint32_t count, int64_t *out_min, int64_t *out_max)
{
    __m512i min_a, max_a;
    if (count < 16) {
        __mmask8 low = (__mmask8)(count >= 8 ? 0xFFu : (1u << count) - 1u);
        __mmask8 high = (__mmask8)(count > 8 ? (1u << (count - 8)) - 1u : 0);
        __m512i first = _mm512_set1_epi64(values[0]);
        __m512i a = _mm512_mask_loadu_epi64(first, low, values);
        __m512i b = high != 0 ? _mm512_mask_loadu_epi64(first, high, values + 8) : a;
        min_a = _mm512_min_epi64(a, b);
        max_a = _mm512_max_epi64(a, b);
    } else {
        const int64_t *end = values + count - 16;
        __m512i min_b, max_b;
        min_a = max_a = load(end);
        min_b = max_b = load(end + 8);
        for (; values < end; values += 16) {
            __m512i a = load(values), b = load(values + 8);
            min_a = _mm512_min_epi64(min_a, a);
            max_a = _mm512_max_epi64(max_a, a);
            min_b = _mm512_min_epi64(min_b, b);
            max_b = _mm512_max_epi64(max_b, b);
        }
        min_a = _mm512_min_epi64(min_a, min_b);
        max_a = _mm512_max_epi64(max_a, max_b);
    }
    *out_min = _mm512_reduce_min_epi64(min_a);
    *out_max = _mm512_reduce_max_epi64(max_a);
}

static void min_max_i64_drawn(const int64_t *values, const uint32_t drawn[8], int64_t *out_min,
                              int64_t *out_max)
{
    __m512i min = _mm512_set1_epi64(INT64_MAX), max = _mm512_set1_epi64(INT64_MIN);
    for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i += 8) {
        __mmask8 lanes = (__mmask8)(drawn[i / 32] >> i % 32);
        __m512i value = load(values + i);
        min = _mm512_mask_min_epi64(min, lanes, min, value);
        max = _mm512_mask_max_epi64(max, lanes, max, value);
    }
    *out_min = _mm512_reduce_min_epi64(min);
    *out_max = _mm512_reduce_max_epi64(max);
}

/* ---- two planes ---- */

INLINE __m512i widen(const uint32_t *from)
{
    return _mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)from));
}

static void join(const uint32_t *low, const uint32_t *high, uint64_t base, uint64_t *out)
{
    const __m512i bases = _mm512_set1_epi64((int64_t)base);
    if (high == NULL) {
        for (size_t i = 0; i < GCH_BLOCK_ROWS; i += 8)
            store(out + i, _mm512_add_epi64(bases, widen(low + i)));
        return;
    }
    for (size_t i = 0; i < GCH_BLOCK_ROWS; i += 8) {
        __m512i value = _mm512_or_si512(widen(low + i), _mm512_slli_epi64(widen(high + i), 32));
        store(out + i, _mm512_add_epi64(bases, value));
    }
}

INLINE __m512i low_halves(__m512i a, __m512i b)
{
    const __m512i even =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    return _mm512_permutex2var_epi32(a, even, b);
}

INLINE __m512i high_halves(__m512i a, __m512i b)
{
    const __m512i odd =
        _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    return _mm512_permutex2var_epi32(a, odd, b);
}

static void split(const int64_t *values, int64_t base, uint32_t *low, uint32_t *high)
{
    const __m512i bases = _mm512_set1_epi64(base);
    for (size_t i = 0; i < GCH_BLOCK_ROWS; i += 16) {
        __m512i a = _mm512_sub_epi64(load(values + i), bases);
        __m512i b = _mm512_sub_epi64(load(values + i + 8), bases);
        store(low + i, low_halves(a, b));
        store(high + i, high_halves(a, b));
    }
}

static void subtract_narrow(const int64_t *values, int64_t base, uint32_t count, uint32_t *out)
{
    const __m512i bases = _mm512_set1_epi64(base);
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        __m512i a = _mm512_sub_epi64(load(values + i), bases);
        __m512i b = _mm512_sub_epi64(load(values + i + 8), bases);
        store(out + i, low_halves(a, b));
    }
    for (; i < count; i++)
        out[i] = (uint32_t)((uint64_t)values[i] - (uint64_t)base);
}

/* ---- time lines ---- */

INLINE __m512i first_slopes(uint64_t slope)
{
    const __m512i rows = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm512_mullo_epi64(rows, _mm512_set1_epi64((int64_t)slope));
}

static void line_subtract(const uint64_t *units, uint64_t slope, int64_t *out, int64_t *out_min,
                          int64_t *out_max)
{
    const __m512i start = _mm512_set1_epi64((int64_t)units[0]);
    const __m512i eight = _mm512_set1_epi64((int64_t)(8 * slope));
    const __m512i sixteen = _mm512_set1_epi64((int64_t)(16 * slope));
    __m512i line_a = first_slopes(slope), line_b = _mm512_add_epi64(line_a, eight);
    __m512i min_a = _mm512_set1_epi64(INT64_MAX), max_a = _mm512_set1_epi64(INT64_MIN);
    __m512i min_b = min_a, max_b = max_a;
    for (size_t i = 0; i < GCH_BLOCK_ROWS; i += 16) {
        __m512i at_a = _mm512_add_epi64(start, _mm512_srli_epi64(line_a, 16));
        __m512i at_b = _mm512_add_epi64(start, _mm512_srli_epi64(line_b, 16));
        __m512i a = _mm512_sub_epi64(load(units + i), at_a);
        __m512i b = _mm512_sub_epi64(load(units + i + 8), at_b);
        store(out + i, a);
        store(out + i + 8, b);
        min_a = _mm512_min_epi64(min_a, a);
        max_a = _mm512_max_epi64(max_a, a);
        min_b = _mm512_min_epi64(min_b, b);
        max_b = _mm512_max_epi64(max_b, b);
        line_a = _mm512_add_epi64(line_a, sixteen);
        line_b = _mm512_add_epi64(line_b, sixteen);
    }
    *out_min = _mm512_reduce_min_epi64(_mm512_min_epi64(min_a, min_b));
    *out_max = _mm512_reduce_max_epi64(_mm512_max_epi64(max_a, max_b));
}

static void join_line(const uint32_t *low, const uint32_t *high, uint64_t base, uint64_t slope,
                      uint64_t *out)
{
    const __m512i bases = _mm512_set1_epi64((int64_t)base);
    const __m512i eight = _mm512_set1_epi64((int64_t)(8 * slope));
    __m512i line = first_slopes(slope);
    for (size_t i = 0; i < GCH_BLOCK_ROWS; i += 8) {
        __m512i value = widen(low + i);
        if (high != NULL)
            value = _mm512_or_si512(value, _mm512_slli_epi64(widen(high + i), 32));
        __m512i at = _mm512_add_epi64(bases, _mm512_srli_epi64(line, 16));
        store(out + i, _mm512_add_epi64(value, at));
        line = _mm512_add_epi64(line, eight);
    }
}

INLINE __mmask8 off_step(const int64_t *times, __m512i step)
{
    return _mm512_cmpneq_epi64_mask(_mm512_sub_epi64(load(times), load(times - 1)), step);
}

/* Irregular times, a call a row, mostly end at the first question. */
static uint32_t count_steps(const int64_t *times, uint32_t count, uint64_t step)
{
    const __m512i steps = _mm512_set1_epi64((int64_t)step);
    size_t i = 1;
    if (count < 2 || (uint64_t)times[1] - (uint64_t)times[0] != step)
        return 0;
    for (; i + 32 <= count; i += 32)
        if ((off_step(times + i, steps) | off_step(times + i + 8, steps) |
             off_step(times + i + 16, steps) | off_step(times + i + 24, steps)) != 0)
            break;
    while (i < count && (uint64_t)times[i] - (uint64_t)times[i - 1] == step)
        i++;
    return (uint32_t)(i - 1);
}

/* ---- floats ---- */

#define CLASS_SPECIAL 0x99 /* both kinds of NaN, both infinities */

static bool keys_from_f32(const float *values, uint32_t count, int64_t *keys)
{
    const __m512i top = _mm512_set1_epi32(INT32_MIN);
    uint32_t special = 0;
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        __m512i bits = load(values + i);
        special |= _mm512_fpclass_ps_mask(_mm512_castsi512_ps(bits), CLASS_SPECIAL);
        __m512i flip = _mm512_or_si512(_mm512_srai_epi32(bits, 31), top);
        __m512i key = _mm512_xor_si512(bits, flip);
        store(keys + i, _mm512_cvtepu32_epi64(_mm512_castsi512_si256(key)));
        store(keys + i + 8, _mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64(key, 1)));
    }
    bool all_finite = special == 0;
    for (; i < count; i++) {
        all_finite &= gch__f32_is_finite(gch__f32_bits(values[i]));
        keys[i] = gch__key_from_f32(values[i]);
    }
    return all_finite;
}

INLINE __m512i order_f64(__m512i bits)
{
    return _mm512_xor_si512(bits, _mm512_srli_epi64(_mm512_srai_epi64(bits, 63), 1));
}

INLINE uint32_t is_special_f64(__m512i bits)
{
    return _mm512_fpclass_pd_mask(_mm512_castsi512_pd(bits), CLASS_SPECIAL);
}

static bool keys_from_f64(const double *values, uint32_t count, int64_t *keys)
{
    uint32_t special = 0;
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        __m512i bits = load(values + i);
        special |= is_special_f64(bits);
        store(keys + i, order_f64(bits));
    }
    __mmask8 there = (__mmask8)((1u << (count - i)) - 1u);
    __m512i bits = _mm512_maskz_loadu_epi64(there, values + i);
    special |= is_special_f64(bits);
    _mm512_mask_storeu_epi64(keys + i, there, order_f64(bits));
    return special == 0;
}

/* ---- decimals: the reasoning is in codec_decimal_round.h ---- */

/* Eight candidates; the mask says where |digits| > 2^51. Returns digits / power. */
INLINE __m512d candidates(__m512d value, __m512d power, __m512i *out_digits, __mmask8 *out_bad)
{
    const __m512d rounder = _mm512_set1_pd(GCH__ROUNDER);
    __m512d sum = _mm512_add_pd(_mm512_mul_pd(value, power), rounder);
    __m512i digits =
        _mm512_sub_epi64(_mm512_castpd_si512(sum), _mm512_set1_epi64(GCH__ROUNDER_BITS));
    *out_digits = digits;
    *out_bad = _mm512_cmpgt_epu64_mask(_mm512_add_epi64(digits, _mm512_set1_epi64(GCH__DIGITS_MAX)),
                                       _mm512_set1_epi64(2 * GCH__DIGITS_MAX));
    return _mm512_div_pd(_mm512_sub_pd(sum, rounder), power);
}

/* True if `value` is a decimal in every lane. */
INLINE bool eight_f64(__m512d value, __m512d power, __m512i *out_digits)
{
    __mmask8 bad;
    __m512d back = candidates(value, power, out_digits, &bad);
    return (bad |
            _mm512_cmpneq_epi64_mask(_mm512_castpd_si512(back), _mm512_castpd_si512(value))) == 0;
}

INLINE bool eight_f32(__m256 value, __m512d power, __m512i *out_digits)
{
    __mmask8 bad;
    __m256 back = _mm512_cvtpd_ps(candidates(_mm512_cvtps_pd(value), power, out_digits, &bad));
    return (bad |
            _mm256_cmpneq_epi32_mask(_mm256_castps_si256(back), _mm256_castps_si256(value))) == 0;
}

/* Lanes of a tail that are not there are zeros, which are decimals at every scale. */
static bool decimals_from_f64(const double *values, uint32_t count, uint32_t scale, int64_t *digits)
{
    const __m512d power = _mm512_set1_pd(gch__pow10_f64[scale]);
    __m512i d;
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        if (!eight_f64(_mm512_loadu_pd(values + i), power, &d))
            return false;
        store(digits + i, d);
    }
    __mmask8 there = (__mmask8)((1u << (count - i)) - 1u);
    bool are_decimals = eight_f64(_mm512_maskz_loadu_pd(there, values + i), power, &d);
    _mm512_mask_storeu_epi64(digits + i, there, d);
    return are_decimals;
}

static bool decimals_from_f32(const float *values, uint32_t count, uint32_t scale, int64_t *digits)
{
    const __m512d power = _mm512_set1_pd(gch__pow10_f64[scale]);
    __m512i d;
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        if (!eight_f32(_mm256_loadu_ps(values + i), power, &d))
            return false;
        store(digits + i, d);
    }
    __mmask8 there = (__mmask8)((1u << (count - i)) - 1u);
    bool are_decimals = eight_f32(_mm256_maskz_loadu_ps(there, values + i), power, &d);
    _mm512_mask_storeu_epi64(digits + i, there, d);
    return are_decimals;
}

void gch__kernels_fill_avx512(gch__kernels *table)
{
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
    table->decimals_from_f64 = decimals_from_f64;
    table->decimals_from_f32 = decimals_from_f32;
}
