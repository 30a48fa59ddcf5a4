/* The kernels for AVX2 and BMI2. */
#include "ingest_kernels_place.h"

#include <immintrin.h>

static inline uint64_t join(__m256i low, __m256i high)
{
    return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high)
                                                     << 32;
}

static inline block_masks block_find(const uint8_t *bytes, uint8_t delimiter)
{
    const __m256i delimiters = _mm256_set1_epi8((char)delimiter);
    const __m256i line_feeds = _mm256_set1_epi8('\n'), quotes = _mm256_set1_epi8('"');
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)bytes);
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(bytes + 32));
    block_masks masks = {
        .separators = join(_mm256_cmpeq_epi8(low, delimiters), _mm256_cmpeq_epi8(high, delimiters)),
        .line_feeds = join(_mm256_cmpeq_epi8(low, line_feeds), _mm256_cmpeq_epi8(high, line_feeds)),
        .quotes = join(_mm256_cmpeq_epi8(low, quotes), _mm256_cmpeq_epi8(high, quotes)),
    };
    masks.separators |= masks.line_feeds;
    return masks;
}

/* Eight places are written whatever there is, so that most blocks need no loop. */
static inline size_t block_list(uint64_t separators, uint64_t line_feeds, uint32_t first,
                                uint32_t *out, uint64_t *out_kinds)
{
    const size_t count = (size_t)__builtin_popcountll(separators);
    size_t at = 0;
    *out_kinds = _pext_u64(line_feeds, separators);
    do {
        for (size_t i = 0; i < 8; i++) {
            out[at + i] = first + (uint32_t)_tzcnt_u64(separators);
            separators &= separators - 1;
        }
        at += 8;
    } while (at < count);
    return count;
}

static inline __m128i load128(const void *from)
{
    return _mm_loadu_si128((const __m128i *)from);
}

static inline __m256i load_pair(const void *low, const void *high)
{
    return _mm256_inserti128_si256(_mm256_castsi128_si256(load128(low)), load128(high), 1);
}

/* Two numbers at a time, each at the right end of 16 letters, zeros before it; then pairs, fours
 * and eights of digits are joined by multiply-add. */
static inline void decimals_read_pairs(const uint8_t *bytes, const field_ends *column, bool is_last,
                                       int64_t *out_digits, int8_t *out_scales,
                                       uint8_t *io_declined)
{
    const size_t count = column->count, stride = column->stride;
    const uint32_t *end = column->ends;
    const __m256i zeros = _mm256_set1_epi8('0'), nines = _mm256_set1_epi8(9);
    const __m256i points = _mm256_set1_epi8('.' - '0');
    for (size_t row = 0; row < count; row += 2) {
        const size_t second = row + (row + 1 < count);
        const decimal_place a = place_of(bytes, end, is_last);
        end += stride & (0 - (second - row));
        const decimal_place b = place_of(bytes, end, is_last);
        end += stride;
        __m256i digits =
            _mm256_and_si256(_mm256_sub_epi8(load_pair(a.end - 16, b.end - 16), zeros),
                             load_pair(last_letters + 1 + a.length, last_letters + 1 + b.length));
        const uint64_t found = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(digits, points));
        const size_t point_a = _tzcnt_u32((uint32_t)found | 1u << 16);
        const size_t point_b = (size_t)_tzcnt_u64(found >> 16 | 1u << 16);
        digits = _mm256_shuffle_epi8(digits, load_pair(close_point[point_a], close_point[point_b]));
        const uint32_t plain = (uint32_t)_mm256_movemask_epi8(
            _mm256_cmpeq_epi8(_mm256_max_epu8(digits, nines), nines));
        __m256i pairs = _mm256_maddubs_epi16(digits, _mm256_set1_epi16(0x010A));
        __m256i fours = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00010064));
        __m256i eights =
            _mm256_madd_epi16(_mm256_packus_epi32(fours, fours), _mm256_set1_epi32(0x00012710));
        __m256i values = _mm256_add_epi64(_mm256_mul_epu32(eights, _mm256_set1_epi64x(100000000)),
                                          _mm256_srli_epi64(eights, 32));
        const int64_t value_a = _mm_cvtsi128_si64(_mm256_castsi256_si128(values));
        const int64_t value_b = _mm_cvtsi128_si64(_mm256_extracti128_si256(values, 1));
        out_digits[row] = (value_a ^ a.sign) - a.sign;
        out_digits[second] = (value_b ^ b.sign) - b.sign;
        out_scales[row] = scale_of_point[point_a];
        out_scales[second] = scale_of_point[point_b];
        /* No digit before the end, too long, other letters, or -0. */
        const bool is_odd_a = (a.length - 1 > 15) | (point_a == 15) | ((uint16_t)plain != 0xFFFF) |
                              ((a.sign & 1) > value_a);
        const bool is_odd_b = (b.length - 1 > 15) | (point_b == 15) | (plain < 0xFFFF0000u) |
                              ((b.sign & 1) > value_b);
        if (__builtin_expect(is_odd_a | is_odd_b, 0)) {
            io_declined[row] |= is_odd_a;
            io_declined[second] |= is_odd_b;
        }
    }
}

static inline void decimals_read(const uint8_t *bytes, const field_ends *column,
                                 int64_t *out_digits, int8_t *out_scales, uint8_t *io_declined)
{
    if (column->is_last)
        decimals_read_pairs(bytes, column, true, out_digits, out_scales, io_declined);
    else
        decimals_read_pairs(bytes, column, false, out_digits, out_scales, io_declined);
}

#include "ingest_kernels_rows.h"

static size_t count_lines(const uint8_t *bytes, size_t count)
{
    const __m256i line_feeds = _mm256_set1_epi8('\n');
    __m256i sums = _mm256_setzero_si256();
    size_t i = 0;
    while (count - i >= 32) {
        /* A byte counts to 255 at most. */
        size_t end = i + GCH_MIN((count - i) / 32, (size_t)255) * 32;
        __m256i counts = _mm256_setzero_si256();
        for (; i < end; i += 32) {
            __m256i block = _mm256_loadu_si256((const __m256i *)(const void *)(bytes + i));
            counts = _mm256_sub_epi8(counts, _mm256_cmpeq_epi8(block, line_feeds));
        }
        sums = _mm256_add_epi64(sums, _mm256_sad_epu8(counts, _mm256_setzero_si256()));
    }
    uint64_t parts[4];
    _mm256_storeu_si256((__m256i *)(void *)parts, sums);
    size_t lines = (size_t)(parts[0] + parts[1] + parts[2] + parts[3]);
    for (; i < count; i++)
        lines += bytes[i] == '\n';
    return lines;
}

void gch__ingest_kernels_fill_avx2(gch__ingest_kernels *table)
{
    table->csv_rows = rows_take;
    table->count_lines = count_lines;
}
