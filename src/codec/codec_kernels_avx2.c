/* The AVX2 kernels. Compiled with -mavx2 -mbmi2; nothing here runs before the processor was asked.
 *
 * 1. Each entry equals the scalar one bit for bit; codec_kernels_test.c compares them.
 * 2. A row of the packed layout is one register, so lanes never mix until the last reduction.
 * 3. Unpacking has one noinline function a width: with constant shifts it runs some four times
 *    faster than with shifts in registers, and 33 of them are 30 KB. min_max reads what they leave
 *    on the stack, which costs less than a second set of 33.
 * 4. Every running result is kept twice, for even and odd registers: its own latency, two cycles
 *    an instruction on some processors, is what a loop waits for otherwise.
 * 5. Minimum and maximum may see a value twice, so that a tail is read as the last full register.
 */
#include "codec_kernels_avx2.h"
#include "codec.h"
#include "codec_kernels_isa.h"

#include <assert.h>

#define LANES 8u
#define ROWS (GCH_BLOCK_ROWS / LANES)

/* ---- packed blocks ---- */

/* Row `row` of a block; with both numbers constant, one to five instructions. */
INLINE __m256i get_row(const uint32_t *packed, uint32_t bits, uint32_t row)
{
    if (bits == 0)
        return _mm256_setzero_si256();
    uint32_t bit = row * bits, shift = bit & 31u;
    const uint32_t *word = packed + (size_t)(bit >> 5) * LANES;
    __m256i value = load(word);
    if (shift != 0)
        value = _mm256_srli_epi32(value, (int)shift);
    if (shift + bits > 32)
        value = _mm256_or_si256(value, _mm256_slli_epi32(load(word + LANES), (int)(32 - shift)));
    if (shift + bits != 32)
        value = _mm256_and_si256(value, _mm256_set1_epi32((int)(UINT32_MAX >> (32 - bits))));
    return value;
}

/* clang-format off */
#define REPEAT_32(X)                                                                               \
    X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16)    \
    X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31)
/* clang-format on */

INLINE void unpack_rows(const uint32_t *restrict packed, uint32_t bits, uint32_t *restrict out)
{
#define ROW(row) store(out + (row)*LANES, get_row(packed, bits, row));
    REPEAT_32(ROW)
#undef ROW
}

#define DEFINE_UNPACK(bits)                                                                        \
    static __attribute__((noinline)) void unpack_##bits(const uint32_t *packed, uint32_t *out)     \
    {                                                                                              \
        unpack_rows(packed, bits, out);                                                            \
    }
REPEAT_32(DEFINE_UNPACK)
DEFINE_UNPACK(32)
#undef DEFINE_UNPACK

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

/* Runtime shifts here: packing is never the slow part of writing, and counts >= 32 give 0 in every
 * lane, as the layout wants. */
static void pack(const uint32_t *values, uint32_t bits, uint32_t *packed)
{
    if (bits == 0)
        return;
    __m256i word = _mm256_setzero_si256();
    uint32_t used = 0;
    for (uint32_t row = 0; row < ROWS; row++, values += LANES) {
        __m256i value = load(values);
        word = _mm256_or_si256(word, _mm256_sll_epi32(value, _mm_cvtsi32_si128((int)used)));
        used += bits;
        if (used < 32)
            continue;
        store(packed, word);
        packed += LANES;
        used -= 32;
        word = _mm256_srl_epi32(value, _mm_cvtsi32_si128((int)(bits - used)));
    }
}

/* Both ends at once: the smallest is the complement of the largest complement. */
INLINE void reduce_u32(__m256i min, __m256i max, uint32_t *out_min, uint32_t *out_max)
{
    __m256i flipped = _mm256_xor_si256(min, _mm256_set1_epi32(-1));
    __m256i both =
        _mm256_max_epu32(_mm256_unpacklo_epi32(flipped, max), _mm256_unpackhi_epi32(flipped, max));
    __m128i m = _mm_max_epu32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
    m = _mm_max_epu32(m, _mm_shuffle_epi32(m, 0x4E));
    uint64_t ends = (uint64_t)_mm_cvtsi128_si64(m);
    *out_min = ~(uint32_t)ends;
    *out_max = (uint32_t)(ends >> 32);
}

/* The rows are read back aligned as they were stored, so that each load is forwarded from its
 * store; the two outer rows are masked. */
static void min_max(const uint32_t *packed, uint32_t bits, uint32_t first, uint32_t last,
                    uint32_t *out_min, uint32_t *out_max)
{
    assert(bits <= 32 && first < last && last <= GCH_BLOCK_ROWS);
    _Alignas(32) uint32_t room[GCH_BLOCK_ROWS];
    const uint32_t *rows = unpacked(packed, bits, room);

    uint32_t row = first / LANES, end = (last - 1) / LANES;
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    __m256i before = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(first % LANES)), lane);
    __m256i after = _mm256_cmpgt_epi32(lane, _mm256_set1_epi32((int)((last - 1) % LANES)));

    /* A masked lane becomes its row's contribution of nothing: all ones for min, zero for max. */
    __m256i value = load(rows + end * LANES);
    __m256i outside = row == end ? _mm256_or_si256(before, after) : after;
    __m256i min = _mm256_or_si256(value, outside);
    __m256i max = _mm256_andnot_si256(outside, value);
    if (row != end) {
        value = load(rows + row * LANES);
        min = _mm256_min_epu32(min, _mm256_or_si256(value, before));
        max = _mm256_max_epu32(max, _mm256_andnot_si256(before, value));
    }
    __m256i min_b = min, max_b = max;
    for (row++; row + 1 < end; row += 2) {
        __m256i a = load(rows + (size_t)row * LANES), b = load(rows + (size_t)(row + 1) * LANES);
        min = _mm256_min_epu32(min, a);
        max = _mm256_max_epu32(max, a);
        min_b = _mm256_min_epu32(min_b, b);
        max_b = _mm256_max_epu32(max_b, b);
    }
    if (row < end) {
        value = load(rows + (size_t)row * LANES);
        min = _mm256_min_epu32(min, value);
        max = _mm256_max_epu32(max, value);
    }
    reduce_u32(_mm256_min_epu32(min, min_b), _mm256_max_epu32(max, max_b), out_min, out_max);
}

/* Lanes of a row whose bit is 0, from a word of the bitmap in all lanes: four rows a word. */
INLINE __m256i not_drawn(__m256i word, uint32_t row_of_four)
{
    const __m256i first = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    __m256i lane_bits = _mm256_slli_epi32(first, (int)(8 * row_of_four));
    return _mm256_cmpeq_epi32(_mm256_and_si256(word, lane_bits), _mm256_setzero_si256());
}

static void min_max_drawn(const uint32_t *packed, uint32_t bits, const uint32_t drawn[8],
                          uint32_t *out_min, uint32_t *out_max)
{
    assert(bits <= 32);
    _Alignas(32) uint32_t room[GCH_BLOCK_ROWS];
    const uint32_t *rows = unpacked(packed, bits, room);
    __m256i min[2] = {_mm256_set1_epi32(-1), _mm256_set1_epi32(-1)};
    __m256i max[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (uint32_t word = 0; word < 8; word++) {
        __m256i in_all = _mm256_set1_epi32((int)drawn[word]);
        for (uint32_t row = 0; row < 4; row++) {
            __m256i outside = not_drawn(in_all, row);
            __m256i value = load(rows + (size_t)(word * 4 + row) * LANES);
            min[row % 2] = _mm256_min_epu32(min[row % 2], _mm256_or_si256(value, outside));
            max[row % 2] = _mm256_max_epu32(max[row % 2], _mm256_andnot_si256(outside, value));
        }
    }
    reduce_u32(_mm256_min_epu32(min[0], min[1]), _mm256_max_epu32(max[0], max[1]), out_min,
               out_max);
}

/* ---- pairs ---- */

/* Folds 8 pairs, two registers of 4; a pair with min > max adds nothing. Shuffling puts the pairs
 * in another order, the same for mins and maxs. */
INLINE void fold_pairs(__m256i a, __m256i b, __m256i *io_min, __m256i *io_max)
{
    __m256 fa = _mm256_castsi256_ps(a), fb = _mm256_castsi256_ps(b);
    __m256i low = _mm256_castps_si256(_mm256_shuffle_ps(fa, fb, 0x88));
    __m256i high = _mm256_castps_si256(_mm256_shuffle_ps(fa, fb, 0xDD));
    __m256i is_pair = _mm256_cmpeq_epi32(_mm256_min_epu32(low, high), low);
    __m256i is_empty = _mm256_xor_si256(is_pair, _mm256_set1_epi32(-1));
    *io_min = _mm256_min_epu32(*io_min, _mm256_or_si256(low, is_empty));
    *io_max = _mm256_max_epu32(*io_max, _mm256_and_si256(high, is_pair));
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
    __m256i min = _mm256_set1_epi32((int)*io_min), max = _mm256_set1_epi32((int)*io_max);
    const uint32_t *end = pairs + 2 * (size_t)count - 8;
    for (; pairs + 8 < end; pairs += 16)
        fold_pairs(load(pairs), load(pairs + 8), &min, &max);
    fold_pairs(load(pairs < end ? pairs : end), load(end), &min, &max);
    reduce_u32(min, max, io_min, io_max);
}

/* Flipping the top bit makes the order unsigned. */
#define TOP_BIT (UINT64_C(1) << 63)

/* Folds 4 pairs with the top bits flipped; an empty pair becomes the two ends of the range. */
INLINE void fold_pairs64(const uint64_t *pairs, __m256i *io_min, __m256i *io_max)
{
    const __m256i flip = _mm256_set1_epi64x(INT64_MIN), most = _mm256_set1_epi64x(INT64_MAX);
    __m256i a = _mm256_xor_si256(load(pairs), flip), b = _mm256_xor_si256(load(pairs + 4), flip);
    __m256i low = _mm256_unpacklo_epi64(a, b), high = _mm256_unpackhi_epi64(a, b);
    __m256i is_empty = _mm256_cmpgt_epi64(low, high);
    *io_min = min_i64(*io_min, _mm256_blendv_epi8(low, most, is_empty));
    *io_max = max_i64(*io_max, _mm256_blendv_epi8(high, flip, is_empty));
}

static void reduce_pairs64(const uint64_t *pairs, uint32_t count, uint64_t *io_min,
                           uint64_t *io_max)
{
    if (count < 4) {
        uint64_t min = *io_min, max = *io_max;
        for (uint32_t i = 0; i < count; i++) {
            bool is_pair = pairs[2 * i] <= pairs[2 * i + 1];
            uint64_t low = is_pair ? pairs[2 * i] : UINT64_MAX;
            uint64_t high = is_pair ? pairs[2 * i + 1] : 0;
            min = low < min ? low : min;
            max = high > max ? high : max;
        }
        *io_min = min;
        *io_max = max;
        return;
    }
    __m256i min_a = _mm256_set1_epi64x((int64_t)(*io_min ^ TOP_BIT)), min_b = min_a;
    __m256i max_a = _mm256_set1_epi64x((int64_t)(*io_max ^ TOP_BIT)), max_b = max_a;
    const uint64_t *end = pairs + 2 * (size_t)count - 8;
    for (; pairs + 8 < end; pairs += 16) {
        fold_pairs64(pairs, &min_a, &max_a);
        fold_pairs64(pairs + 8, &min_b, &max_b);
    }
    if (pairs < end)
        fold_pairs64(pairs, &min_a, &max_a);
    fold_pairs64(end, &min_b, &max_b);
    *io_min = (uint64_t)least_i64(min_i64(min_a, min_b)) ^ TOP_BIT;
    *io_max = (uint64_t)greatest_i64(max_i64(max_a, max_b)) ^ TOP_BIT;
}

void gch__kernels_fill_avx2(gch__kernels *table)
{
    table->unpack = unpack;
    table->pack = pack;
    table->min_max = min_max;
    table->min_max_drawn = min_max_drawn;
    table->reduce_pairs = reduce_pairs;
    table->reduce_pairs64 = reduce_pairs64;
}
