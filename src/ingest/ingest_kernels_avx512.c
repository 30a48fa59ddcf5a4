/* The kernels for AVX-512 (F, BW, DQ, VL, VBMI2).
 *
 * A mask register holds a bit a byte, so four numbers, each at the right end of a lane of 16 bytes,
 * are 64 bits of an ordinary register, and what is asked of every lane (where it begins, whether it
 * has one point) is answered by arithmetic on four fields of 16 bits.
 */
#include "ingest_kernels_strip.h"

#include <immintrin.h>
#include <string.h>

#define LANES_FIRST UINT64_C(0x0001000100010001) /* the first byte of each lane */
#define LANES_LAST (LANES_FIRST << 15)
#define LANES_BUT_LAST (~LANES_LAST)

static inline block_masks block_find(const uint8_t *bytes, uint8_t delimiter)
{
    const __m512i block = _mm512_loadu_si512(bytes);
    const uint64_t line_feeds = _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8('\n'));
    return (block_masks){
        .separators = _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8((char)delimiter)) | line_feeds,
        .line_feeds = line_feeds,
        .quotes = _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8('"')),
    };
}

/* The places of the bits are moved together as bytes; 16 are written whatever there is. */
static inline size_t block_list(uint64_t separators, uint64_t line_feeds, uint32_t first,
                                uint32_t *out, uint64_t *out_kinds)
{
    static const uint8_t places[64] = {
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
        22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
        44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
    const size_t count = (size_t)__builtin_popcountll(separators);
    const __m512i base = _mm512_set1_epi32((int)first);
    __m512i found = _mm512_maskz_compress_epi8(separators, _mm512_loadu_si512(places));
    *out_kinds = _pext_u64(line_feeds, separators);
    for (size_t at = 0;; at += 16) {
        _mm512_storeu_si512(
            out + at, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(found))));
        if (at + 16 >= count)
            return count;
        found = _mm512_shuffle_i64x2(found, found, 0x39); /* the next 16 */
    }
}

/* Four numbers, one a lane. */
typedef struct four_numbers {
    __m512i digits;                /* the point closed, zeros before the first digit */
    uint64_t negative, point, odd; /* bits in the lanes where it is so; odd: not to be read here */
} four_numbers;

/* `lengths` has each lane's in all its bytes; 17 and more are the caller's to decline. */
static inline four_numbers four_read(__m512i bytes, __m512i lengths)
{
    const __m512i from_end =
        _mm512_broadcast_i32x4(_mm_setr_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
    const uint64_t field = _mm512_cmpgt_epu8_mask(lengths, from_end);
    const uint64_t first = field & ~(field << 1 & ~LANES_FIRST);
    const uint64_t negative = _mm512_mask_cmpeq_epi8_mask(first, bytes, _mm512_set1_epi8('-'));
    const uint64_t number = field & ~negative;
    const __m512i digits = _mm512_maskz_sub_epi8(number, bytes, _mm512_set1_epi8('0'));
    const uint64_t others = _mm512_cmpgt_epu8_mask(digits, _mm512_set1_epi8(9));
    const uint64_t points = _mm512_cmpeq_epi8_mask(digits, _mm512_set1_epi8('.' - '0'));
    /* A lane with a point less 1; one without stays 0. A point at the end is odd anyway. */
    const uint64_t point = points & LANES_BUT_LAST;
    const uint64_t has_point = (point + LANES_BUT_LAST) >> 15 & LANES_FIRST;
    const uint64_t up_to_point = (point << 1) - has_point;
    return (four_numbers){
        .digits = _mm512_mask_mov_epi8(digits, up_to_point, _mm512_bslli_epi128(digits, 1)),
        .negative = negative,
        .point = point,
        .odd =
            (others ^ points) | (point & (point - has_point)) | ((~number | points) & LANES_LAST),
    };
}

/* Pairs and fours of digits, joined by multiply-add: four sums a lane. */
static inline __m512i four_join(__m512i digits)
{
    __m512i pairs = _mm512_maddubs_epi16(digits, _mm512_set1_epi16(0x010A));
    return _mm512_madd_epi16(pairs, _mm512_set1_epi32(0x00010064));
}

/* A bit for each of eight numbers whose lane is not 0: those of `even` are numbers 0, 2, 4, 6. */
static inline uint32_t eight_any(uint64_t even, uint64_t odd)
{
    even = (((even & LANES_BUT_LAST) + LANES_BUT_LAST) | even) & LANES_LAST;
    odd = (((odd & LANES_BUT_LAST) + LANES_BUT_LAST) | odd) & LANES_LAST;
    return (uint32_t)(_pdep_u64(_pext_u64(even, LANES_LAST), 0x55) |
                      _pdep_u64(_pext_u64(odd, LANES_LAST), 0xAA));
}

/* Digits behind the points, a byte a number. The exponent of 2^p as a float is p. */
static inline __m128i eight_scales(uint64_t even, uint64_t odd)
{
    const __m128i points =
        _mm_unpacklo_epi16(_mm_cvtsi64_si128((int64_t)even), _mm_cvtsi64_si128((int64_t)odd));
    const __m256i bits = _mm256_cvtepu16_epi32(points);
    const __m256i exponents = _mm256_srli_epi32(_mm256_castps_si256(_mm256_cvtepi32_ps(bits)), 23);
    return _mm256_cvtepi32_epi8(_mm256_maskz_sub_epi32(_mm256_test_epi32_mask(bits, bits),
                                                       _mm256_set1_epi32(127 + 15), exponents));
}

static inline __m128i load128(const void *from)
{
    return _mm_loadu_si128((const __m128i *)from);
}

/* Where numbers lie: behind ends[2 * i] and before ends[2 * i + 1]. The last 16 letters of four. */
static inline __m512i four_load(const uint8_t *bytes, const uint32_t *ends)
{
    const uint8_t *to = bytes - 16;
    __m512i four = _mm512_castsi128_si512(load128(to + ends[1]));
    four = _mm512_inserti32x4(four, load128(to + ends[5]), 1);
    four = _mm512_inserti32x4(four, load128(to + ends[9]), 2);
    return _mm512_inserti32x4(four, load128(to + ends[13]), 3);
}

/* Eight numbers; returns a bit for each that is declined. */
static inline uint32_t eight_read(const uint8_t *bytes, const uint32_t *ends, bool is_last,
                                  __m512i *out_digits, __m128i *out_scales)
{
    const __m512i places = _mm512_loadu_si512(ends);
    __m512i lengths = _mm512_maskz_sub_epi32(0x5555, _mm512_srli_epi64(places, 32),
                                             _mm512_add_epi32(places, _mm512_set1_epi32(1)));
    uint32_t declined = _mm512_cmpgt_epu64_mask(lengths, _mm512_set1_epi64(16));
    __m512i even = four_load(bytes, ends), odd = four_load(bytes, ends + 2);
    if (is_last) {
        const __m512i returns = _mm512_set1_epi8('\r');
        const uint64_t even_returns = _mm512_cmpeq_epi8_mask(even, returns) & LANES_LAST;
        const uint64_t odd_returns = _mm512_cmpeq_epi8_mask(odd, returns) & LANES_LAST;
        /* Where that loses a letter, or the text is empty, a 0 comes in that is no digit. */
        if ((even_returns | odd_returns) != 0) {
            even = _mm512_mask_mov_epi8(even, (even_returns >> 15) * 0xFFFF,
                                        _mm512_bslli_epi128(even, 1));
            odd = _mm512_mask_mov_epi8(odd, (odd_returns >> 15) * 0xFFFF,
                                       _mm512_bslli_epi128(odd, 1));
            lengths = _mm512_mask_sub_epi64(lengths, (__mmask8)eight_any(even_returns, odd_returns),
                                            lengths, _mm512_set1_epi64(1));
        }
    }
    const four_numbers a = four_read(even, _mm512_shuffle_epi8(lengths, _mm512_setzero_si512()));
    const four_numbers b = four_read(odd, _mm512_shuffle_epi8(lengths, _mm512_set1_epi8(8)));
    const __m512i fours = _mm512_packus_epi32(four_join(a.digits), four_join(b.digits));
    const __m512i eights = _mm512_madd_epi16(fours, _mm512_set1_epi32(0x00012710));
    __m512i values = _mm512_add_epi64(_mm512_mul_epu32(eights, _mm512_set1_epi64(100000000)),
                                      _mm512_srli_epi64(eights, 32));
    if ((a.negative | b.negative) != 0) {
        const __mmask8 negative = (__mmask8)eight_any(a.negative, b.negative);
        declined |= _mm512_mask_testn_epi64_mask(negative, values, values); /* -0 */
        values = _mm512_mask_sub_epi64(values, negative, _mm512_setzero_si512(), values);
    }
    if ((a.odd | b.odd) != 0)
        declined |= eight_any(a.odd, b.odd);
    *out_digits = values;
    *out_scales = eight_scales(a.point, b.point);
    return declined;
}

static __attribute__((noinline)) void decline(uint32_t numbers, uint8_t *io_declined)
{
    for (; numbers != 0; numbers &= numbers - 1)
        io_declined[__builtin_ctz(numbers)] = 1;
}

/* Numbers side by side, up to a multiple of eight of them; `count` are stored. */
static inline void eights_read(const uint8_t *bytes, const uint32_t *ends, size_t count,
                               bool is_last, int64_t *out_digits, int8_t *out_scales,
                               uint8_t *io_declined)
{
    for (size_t row = 0; row < count; row += 8) {
        const __mmask8 rows = (__mmask8)(0xFF >> (8 - GCH_MIN(count - row, (size_t)8)));
        __m512i digits;
        __m128i scales;
        uint32_t declined = eight_read(bytes, ends + 2 * row, is_last, &digits, &scales) & rows;
        _mm512_mask_storeu_epi64(out_digits + row, rows, digits);
        _mm_mask_storeu_epi8(out_scales + row, rows, scales);
        if (declined != 0)
            decline(declined, io_declined + row);
    }
}

/* With two fields a row the list of separators has each number's ends side by side already;
 * otherwise, and for the last few, they are copied, all before the first is loaded: a load of 64
 * bytes waits for small stores just before it. */
static inline void decimals_read(const uint8_t *bytes, const field_ends *column,
                                 int64_t *out_digits, int8_t *out_scales, uint8_t *io_declined)
{
    uint32_t copied[2 * STRIP_SEPARATORS + 16];
    const size_t done = column->stride == 2 ? column->count / 8 * 8 : 0;
    const size_t left = column->count - done;
    if (done > 0)
        eights_read(bytes, column->ends - 1, done, column->is_last, out_digits, out_scales,
                    io_declined);
    if (left == 0)
        return;
    const uint32_t *from = column->ends + done * column->stride - 1;
    for (size_t i = 0; i < left; i++)
        memcpy(copied + 2 * i, from + i * column->stride, 8);
    for (size_t i = left; i % 8 != 0; i++)
        memcpy(copied + 2 * i, copied, 8);
    eights_read(bytes, copied, left, column->is_last, out_digits + done, out_scales + done,
                io_declined + done);
}

#include "ingest_kernels_rows.h"

static size_t count_lines(const uint8_t *bytes, size_t count)
{
    const __m512i line_feeds = _mm512_set1_epi8('\n');
    size_t lines = 0, i = 0;
    for (; count - i >= 64; i += 64)
        lines += (size_t)__builtin_popcountll(
            _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(bytes + i), line_feeds));
    const __mmask64 rest = (UINT64_C(1) << (count - i)) - 1;
    return lines + (size_t)__builtin_popcountll(_mm512_mask_cmpeq_epi8_mask(
                       rest, _mm512_maskz_loadu_epi8(rest, bytes + i), line_feeds));
}

void gch__ingest_kernels_fill_avx512(gch__ingest_kernels *table)
{
    table->csv_rows = rows_take;
    table->count_lines = count_lines;
}
