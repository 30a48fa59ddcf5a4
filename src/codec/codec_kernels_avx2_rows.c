/* The AVX2 kernels that walk plain arrays: 64-bit values, floats, times. Compiled with -mavx2; run
 * only where the processor was asked.
 *
 * 1. Each entry equals the scalar one bit for bit; codec_kernels_rows_test.c compares them.
 * 2. Minimum and maximum may see a value twice, so that a tail is read as the last full register.
 */
#include "codec.h"
#include "codec_decimal_round.h"
#include "codec_float_bits.h"
#include "codec_kernels_avx2.h"
#include "codec_kernels_isa.h"

/* ---- 64-bit values ---- */

/* Two registers are compared with each other first: three comparisons for eight values, not four.
 */
INLINE void fold_i64(const int64_t *values, __m256i *io_min, __m256i *io_max)
{
    __m256i a = load(values), b = load(values + 4), is_more = _mm256_cmpgt_epi64(a, b);
    *io_min = min_i64(*io_min, _mm256_blendv_epi8(a, b, is_more));
    *io_max = max_i64(*io_max, _mm256_blendv_epi8(b, a, is_more));
}

static void min_max_i64(const int64_t *values, uint32_t count, int64_t *out_min, int64_t *out_max)
{
    if (count < 16) {
        int64_t min = values[0], max = values[0];
        for (uint32_t i = 1; i < count; i++) {
            min = values[i] < min ? values[i] : min;
            max = values[i] > max ? values[i] : max;
        }
        *out_min = min;
        *out_max = max;
        return;
    }
    const int64_t *end = values + count - 16;
    __m256i min_a = load(end), max_a = min_a, min_b = min_a, max_b = min_a;
    for (; values < end; values += 16) {
        fold_i64(values, &min_a, &max_a);
        fold_i64(values + 8, &min_b, &max_b);
    }
    fold_i64(end, &min_a, &max_a);
    fold_i64(end + 8, &min_b, &max_b);
    *out_min = least_i64(min_i64(min_a, min_b));
    *out_max = greatest_i64(max_i64(max_a, max_b));
}

/* Every row that is not drawn becomes the first that is, so that the rest is as without gaps. */
static void min_max_i64_drawn(const int64_t *values, const uint32_t drawn[8], int64_t *out_min,
                              int64_t *out_max)
{
    uint32_t word = 0;
    while (word < 8 && drawn[word] == 0)
        word++;
    if (word == 8) {
        *out_min = INT64_MAX;
        *out_max = INT64_MIN;
        return;
    }
    const __m256i other =
        _mm256_set1_epi64x(values[word * 32 + (uint32_t)__builtin_ctz(drawn[word])]);
    const __m256i bits_a = _mm256_setr_epi64x(1, 2, 4, 8), bits_b = _mm256_slli_epi64(bits_a, 4);
    __m256i min_a = other, max_a = other, min_b = other, max_b = other;
    for (; word < 8; word++) {
        __m256i in_all = _mm256_set1_epi64x(drawn[word]);
        for (uint32_t i = 0; i < 32; i += 8) {
            const int64_t *from = values + word * 32 + i;
            __m256i is_a = _mm256_cmpeq_epi64(_mm256_and_si256(in_all, bits_a), bits_a);
            __m256i is_b = _mm256_cmpeq_epi64(_mm256_and_si256(in_all, bits_b), bits_b);
            __m256i a = _mm256_blendv_epi8(other, load(from), is_a);
            __m256i b = _mm256_blendv_epi8(other, load(from + 4), is_b);
            min_a = min_i64(min_a, a);
            max_a = max_i64(max_a, a);
            min_b = min_i64(min_b, b);
            max_b = max_i64(max_b, b);
            in_all = _mm256_srli_epi64(in_all, 8);
        }
    }
    *out_min = least_i64(min_i64(min_a, min_b));
    *out_max = greatest_i64(max_i64(max_a, max_b));
}

/* ---- two planes ---- */

INLINE __m256i widen(const uint32_t *from)
{
    return _mm256_cvtepu32_epi64(_mm_loadu_si128((const __m128i *)from));
}

static void join(const uint32_t *low, const uint32_t *high, uint64_t base, uint64_t *out)
{
    const __m256i bases = _mm256_set1_epi64x((int64_t)base);
    if (high == NULL) {
        for (size_t i = 0; i < GCH_BLOCK_ROWS; i += 4)
            store(out + i, _mm256_add_epi64(bases, widen(low + i)));
        return;
    }
    for (size_t i = 0; i < GCH_BLOCK_ROWS; i += 4) {
        __m256i value = _mm256_or_si256(widen(low + i), _mm256_slli_epi64(widen(high + i), 32));
        store(out + i, _mm256_add_epi64(bases, value));
    }
}

/* The low or the high halves of eight 64-bit values, in order. */
#define HALVES(a, b, which)                                                                        \
    _mm256_permute4x64_epi64(_mm256_castps_si256(_mm256_shuffle_ps(                                \
                                 _mm256_castsi256_ps(a), _mm256_castsi256_ps(b), which)),          \
                             0xD8)
#define LOW_HALVES 0x88
#define HIGH_HALVES 0xDD

static void split(const int64_t *values, int64_t base, uint32_t *low, uint32_t *high)
{
    const __m256i bases = _mm256_set1_epi64x(base);
    for (size_t i = 0; i < GCH_BLOCK_ROWS; i += 8) {
        __m256i a = _mm256_sub_epi64(load(values + i), bases);
        __m256i b = _mm256_sub_epi64(load(values + i + 4), bases);
        store(low + i, HALVES(a, b, LOW_HALVES));
        store(high + i, HALVES(a, b, HIGH_HALVES));
    }
}

INLINE void subtract_eight(const int64_t *values, __m256i bases, uint32_t *out)
{
    __m256i a = _mm256_sub_epi64(load(values), bases);
    __m256i b = _mm256_sub_epi64(load(values + 4), bases);
    store(out, HALVES(a, b, LOW_HALVES));
}

static void subtract_narrow(const int64_t *values, int64_t base, uint32_t count, uint32_t *out)
{
    const __m256i bases = _mm256_set1_epi64x(base);
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        subtract_eight(values + i, bases, out + i);
        subtract_eight(values + i + 8, bases, out + i + 8);
    }
    for (; i < count; i++)
        out[i] = (uint32_t)((uint64_t)values[i] - (uint64_t)base);
}

/* ---- time lines ---- */

/* slope * i for four rows; the next four lie 4 * slope above. */
INLINE __m256i first_slopes(uint64_t slope)
{
    return _mm256_setr_epi64x(0, (int64_t)slope, (int64_t)(2 * slope), (int64_t)(3 * slope));
}

static void line_subtract(const uint64_t *units, uint64_t slope, int64_t *out, int64_t *out_min,
                          int64_t *out_max)
{
    const __m256i start = _mm256_set1_epi64x((int64_t)units[0]);
    const __m256i four = _mm256_set1_epi64x((int64_t)(4 * slope));
    const __m256i eight = _mm256_set1_epi64x((int64_t)(8 * slope));
    __m256i line_a = first_slopes(slope), line_b = _mm256_add_epi64(line_a, four);
    __m256i min_a = _mm256_set1_epi64x(INT64_MAX), max_a = _mm256_set1_epi64x(INT64_MIN);
    __m256i min_b = min_a, max_b = max_a;
    for (size_t i = 0; i < GCH_BLOCK_ROWS; i += 8) {
        __m256i at_a = _mm256_add_epi64(start, _mm256_srli_epi64(line_a, 16));
        __m256i at_b = _mm256_add_epi64(start, _mm256_srli_epi64(line_b, 16));
        __m256i a = _mm256_sub_epi64(load(units + i), at_a);
        __m256i b = _mm256_sub_epi64(load(units + i + 4), at_b);
        store(out + i, a);
        store(out + i + 4, b);
        min_a = min_i64(min_a, a);
        max_a = max_i64(max_a, a);
        min_b = min_i64(min_b, b);
        max_b = max_i64(max_b, b);
        line_a = _mm256_add_epi64(line_a, eight);
        line_b = _mm256_add_epi64(line_b, eight);
    }
    *out_min = least_i64(min_i64(min_a, min_b));
    *out_max = greatest_i64(max_i64(max_a, max_b));
}

static void join_line(const uint32_t *low, const uint32_t *high, uint64_t base, uint64_t slope,
                      uint64_t *out)
{
    const __m256i bases = _mm256_set1_epi64x((int64_t)base);
    const __m256i four = _mm256_set1_epi64x((int64_t)(4 * slope));
    const __m256i eight = _mm256_set1_epi64x((int64_t)(8 * slope));
    __m256i line_a = first_slopes(slope), line_b = _mm256_add_epi64(line_a, four);
    for (size_t i = 0; i < GCH_BLOCK_ROWS; i += 8) {
        __m256i a = widen(low + i), b = widen(low + i + 4);
        if (high != NULL) {
            a = _mm256_or_si256(a, _mm256_slli_epi64(widen(high + i), 32));
            b = _mm256_or_si256(b, _mm256_slli_epi64(widen(high + i + 4), 32));
        }
        __m256i at_a = _mm256_add_epi64(bases, _mm256_srli_epi64(line_a, 16));
        __m256i at_b = _mm256_add_epi64(bases, _mm256_srli_epi64(line_b, 16));
        store(out + i, _mm256_add_epi64(a, at_a));
        store(out + i + 4, _mm256_add_epi64(b, at_b));
        line_a = _mm256_add_epi64(line_a, eight);
        line_b = _mm256_add_epi64(line_b, eight);
    }
}

INLINE __m256i off_step(const int64_t *times, __m256i step)
{
    return _mm256_xor_si256(_mm256_sub_epi64(load(times), load(times - 1)), step);
}

/* Irregular times, a call a row, mostly end at the first question. */
static uint32_t count_steps(const int64_t *times, uint32_t count, uint64_t step)
{
    const __m256i steps = _mm256_set1_epi64x((int64_t)step);
    size_t i = 1;
    if (count < 2 || (uint64_t)times[1] - (uint64_t)times[0] != step)
        return 0;
    for (; i + 16 <= count; i += 16) {
        __m256i a = _mm256_or_si256(off_step(times + i, steps), off_step(times + i + 4, steps));
        __m256i b =
            _mm256_or_si256(off_step(times + i + 8, steps), off_step(times + i + 12, steps));
        a = _mm256_or_si256(a, b);
        if (!_mm256_testz_si256(a, a))
            break;
    }
    while (i < count && (uint64_t)times[i] - (uint64_t)times[i - 1] == step)
        i++;
    return (uint32_t)(i - 1);
}

/* ---- floats ---- */

INLINE __m256i is_special_f32(__m256i bits)
{
    const __m256i exponent = _mm256_set1_epi32((int)GCH__F32_EXPONENT);
    return _mm256_cmpeq_epi32(_mm256_and_si256(bits, exponent), exponent);
}

INLINE __m256i is_special_f64(__m256i bits)
{
    const __m256i exponent = _mm256_set1_epi64x((int64_t)GCH__F64_EXPONENT);
    return _mm256_cmpeq_epi64(_mm256_and_si256(bits, exponent), exponent);
}

static bool keys_from_f32(const float *values, uint32_t count, int64_t *keys)
{
    const __m256i top = _mm256_set1_epi32(INT32_MIN);
    __m256i special = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        __m256i bits = load(values + i);
        special = _mm256_or_si256(special, is_special_f32(bits));
        __m256i flip = _mm256_or_si256(_mm256_srai_epi32(bits, 31), top);
        __m256i key = _mm256_xor_si256(bits, flip);
        store(keys + i, _mm256_cvtepu32_epi64(_mm256_castsi256_si128(key)));
        store(keys + i + 4, _mm256_cvtepu32_epi64(_mm256_extracti128_si256(key, 1)));
    }
    bool all_finite = _mm256_testz_si256(special, special) != 0;
    for (; i < count; i++) {
        all_finite &= gch__f32_is_finite(gch__f32_bits(values[i]));
        keys[i] = gch__key_from_f32(values[i]);
    }
    return all_finite;
}

static bool keys_from_f64(const double *values, uint32_t count, int64_t *keys)
{
    __m256i special = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        __m256i bits = load(values + i);
        special = _mm256_or_si256(special, is_special_f64(bits));
        __m256i is_negative = _mm256_cmpgt_epi64(_mm256_setzero_si256(), bits);
        store(keys + i, _mm256_xor_si256(bits, _mm256_srli_epi64(is_negative, 1)));
    }
    bool all_finite = _mm256_testz_si256(special, special) != 0;
    for (; i < count; i++) {
        all_finite &= gch__f64_is_finite(gch__f64_bits(values[i]));
        keys[i] = (int64_t)(gch__key_from_f64(values[i]) ^ (UINT64_C(1) << 63));
    }
    return all_finite;
}

/* Eight values, a byte of each bitmap. */
INLINE void classify_eight_f32(const float *values, uint8_t *drawn, uint8_t *odd)
{
    __m256i bits = load(values), special = is_special_f32(bits);
    __m256i is_plain = _mm256_cmpeq_epi32(bits, _mm256_set1_epi32((int)GCH__F32_PLAIN_NAN));
    __m256i is_minus = _mm256_cmpeq_epi32(bits, _mm256_set1_epi32((int)GCH__F32_MINUS_ZERO));
    __m256i is_odd = _mm256_or_si256(_mm256_andnot_si256(is_plain, special), is_minus);
    *drawn = (uint8_t)~_mm256_movemask_ps(_mm256_castsi256_ps(special));
    *odd = (uint8_t)_mm256_movemask_ps(_mm256_castsi256_ps(is_odd));
}

INLINE void classify_four_f64(const double *values, uint32_t *special, uint32_t *odd)
{
    __m256i bits = load(values), is_special = is_special_f64(bits);
    __m256i is_plain = _mm256_cmpeq_epi64(bits, _mm256_set1_epi64x((int64_t)GCH__F64_PLAIN_NAN));
    __m256i is_minus = _mm256_cmpeq_epi64(bits, _mm256_set1_epi64x((int64_t)GCH__F64_MINUS_ZERO));
    __m256i is_odd = _mm256_or_si256(_mm256_andnot_si256(is_plain, is_special), is_minus);
    *special = (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(is_special));
    *odd = (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(is_odd));
}

INLINE void classify_eight_f64(const double *values, uint8_t *drawn, uint8_t *odd)
{
    uint32_t special_a, special_b, odd_a, odd_b;
    classify_four_f64(values, &special_a, &odd_a);
    classify_four_f64(values + 4, &special_b, &odd_b);
    *drawn = (uint8_t) ~(special_a | special_b << 4);
    *odd = (uint8_t)(odd_a | odd_b << 4);
}

/* The last, partial eight are filled up with zeros, and their bits cleared. */
#define DEFINE_CLASSIFY(name, type, eight)                                                         \
    static void name(const type *values, uint32_t count, uint32_t drawn[8], uint32_t odd[8])       \
    {                                                                                              \
        uint8_t drawn_bytes[32] = {0}, odd_bytes[32] = {0};                                        \
        uint32_t whole = count / 8, rest = count % 8;                                              \
        for (uint32_t i = 0; i < whole; i++)                                                       \
            eight(values + (size_t)8 * i, &drawn_bytes[i], &odd_bytes[i]);                         \
        if (rest != 0) {                                                                           \
            type last[8] = {0};                                                                    \
            memcpy(last, values + (size_t)8 * whole, rest * sizeof *last);                         \
            eight(last, &drawn_bytes[whole], &odd_bytes[whole]);                                   \
            drawn_bytes[whole] &= (uint8_t)((1u << rest) - 1u);                                    \
        }                                                                                          \
        memcpy(drawn, drawn_bytes, sizeof drawn_bytes);                                            \
        memcpy(odd, odd_bytes, sizeof odd_bytes);                                                  \
    }
DEFINE_CLASSIFY(classify_f32, float, classify_eight_f32)
DEFINE_CLASSIFY(classify_f64, double, classify_eight_f64)
#undef DEFINE_CLASSIFY

/* ---- decimals: the reasoning is in codec_decimal_round.h ---- */

/* Four candidates; lanes of *io_bad become all ones where |digits| > 2^51. Returns
 * digits / power. */
INLINE __m256d candidates(__m256d value, __m256d power, int64_t *digits, __m256i *io_bad)
{
    const __m256d rounder = _mm256_set1_pd(GCH__ROUNDER);
    __m256d sum = _mm256_add_pd(_mm256_mul_pd(value, power), rounder);
    __m256i d = _mm256_sub_epi64(_mm256_castpd_si256(sum), _mm256_set1_epi64x(GCH__ROUNDER_BITS));
    store(digits, d);
    __m256i above = _mm256_cmpgt_epi64(d, _mm256_set1_epi64x(GCH__DIGITS_MAX));
    __m256i below = _mm256_cmpgt_epi64(_mm256_set1_epi64x(-GCH__DIGITS_MAX), d);
    *io_bad = _mm256_or_si256(*io_bad, _mm256_or_si256(above, below));
    return _mm256_div_pd(_mm256_sub_pd(sum, rounder), power);
}

INLINE __m256i bad_f64(const double *values, __m256d power, int64_t *digits)
{
    __m256d value = _mm256_loadu_pd(values);
    __m256i bad = _mm256_setzero_si256();
    __m256d back = candidates(value, power, digits, &bad);
    return _mm256_or_si256(bad,
                           _mm256_xor_si256(_mm256_castpd_si256(back), _mm256_castpd_si256(value)));
}

INLINE __m256i bad_f32(const float *values, __m256d power, int64_t *digits)
{
    __m128 value = _mm_loadu_ps(values);
    __m256i bad = _mm256_setzero_si256();
    __m128 back = _mm256_cvtpd_ps(candidates(_mm256_cvtps_pd(value), power, digits, &bad));
    __m128i differs = _mm_xor_si128(_mm_castps_si128(back), _mm_castps_si128(value));
    return _mm256_or_si256(bad, _mm256_castsi128_si256(differs));
}

/* Asked once for sixteen values; the last, partial sixteen are filled up with zeros, which are
 * decimals at every scale. */
#define DEFINE_DECIMALS(name, type, bad_four)                                                      \
    INLINE bool sixteen_##name(const type *values, __m256d power, int64_t *digits)                 \
    {                                                                                              \
        __m256i bad = bad_four(values, power, digits);                                             \
        bad = _mm256_or_si256(bad, bad_four(values + 4, power, digits + 4));                       \
        bad = _mm256_or_si256(bad, bad_four(values + 8, power, digits + 8));                       \
        bad = _mm256_or_si256(bad, bad_four(values + 12, power, digits + 12));                     \
        return _mm256_testz_si256(bad, bad) != 0;                                                  \
    }                                                                                              \
                                                                                                   \
    static bool name(const type *values, uint32_t count, uint32_t scale, int64_t *digits)          \
    {                                                                                              \
        const __m256d power = _mm256_set1_pd(gch__pow10_f64[scale]);                               \
        size_t i = 0;                                                                              \
        for (; i + 16 <= count; i += 16)                                                           \
            if (!sixteen_##name(values + i, power, digits + i))                                    \
                return false;                                                                      \
        if (i == count)                                                                            \
            return true;                                                                           \
        type last[16] = {0};                                                                       \
        int64_t last_digits[16];                                                                   \
        memcpy(last, values + i, (count - i) * sizeof *last);                                      \
        bool are_decimals = sixteen_##name(last, power, last_digits);                              \
        memcpy(digits + i, last_digits, (count - i) * sizeof *digits);                             \
        return are_decimals;                                                                       \
    }
DEFINE_DECIMALS(decimals_from_f64, double, bad_f64)
DEFINE_DECIMALS(decimals_from_f32, float, bad_f32)
#undef DEFINE_DECIMALS

void gch__kernels_fill_avx2_rows(gch__kernels *table)
{
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
