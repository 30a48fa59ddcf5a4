/* Wide blocks at every width, at every level: round trip, single reads, extremes of ranges. */
#include "base.h"
#include "codec.h"
#include "test.h"

static uint64_t low_bits(uint64_t value, uint32_t bits)
{
    return bits == 0 ? 0 : value & (UINT64_MAX >> (64 - bits));
}

static const gch__kernels *level_at(int index)
{
    return gch__kernels_get_level(index);
}

static void wide_blocks_come_back_at_every_width(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int level = 0; level_at(level) != NULL; level++)
        for (uint32_t bits = 0; bits <= 64; bits++)
            for (int is_extreme = 0; is_extreme < 2; is_extreme++) {
                uint64_t residuals[GCH_BLOCK_ROWS], out[GCH_BLOCK_ROWS];
                uint32_t words = gch__block_words(bits);
                /* On the heap at its exact size: a sanitizer sees a read or write beyond it. */
                uint32_t *packed = malloc(words * sizeof *packed + 1);
                assert_non_null(packed);
                for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++)
                    residuals[i] = is_extreme ? low_bits(UINT64_MAX, bits)
                                              : low_bits(test_random(&seed), bits);
                gch__pack64(level_at(level), residuals, bits, packed);
                gch__unpack64(level_at(level), packed, bits, out);
                assert_memory_equal(out, residuals, sizeof out);
                for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++)
                    assert_true(gch__packed_get64(packed, bits, i) == residuals[i]);
                free(packed);
            }
}

static void wide_min_max_is_right_for_any_range(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (int level = 0; level_at(level) != NULL; level++)
        for (uint32_t bits = 0; bits <= 64; bits++) {
            uint64_t residuals[GCH_BLOCK_ROWS];
            uint32_t packed[8 * 64];
            /* Few distinct high words, so that the low plane decides often. */
            for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++)
                residuals[i] = low_bits(
                    test_random(&seed) & (i % 2 == 0 ? UINT64_MAX : 0x80000001FFFFFFFFu), bits);
            gch__pack64(level_at(level), residuals, bits, packed);
            for (uint32_t round = 0; round < 400; round++) {
                uint32_t first = (uint32_t)(test_random(&seed) % GCH_BLOCK_ROWS);
                uint32_t room = GCH_BLOCK_ROWS - first;
                uint32_t last = first + 1 + (uint32_t)(test_random(&seed) % room);
                uint64_t least = UINT64_MAX, greatest = 0, min, max;
                for (uint32_t i = first; i < last; i++) {
                    least = GCH_MIN(least, residuals[i]);
                    greatest = GCH_MAX(greatest, residuals[i]);
                }
                gch__min_max64(level_at(level), packed, bits, first, last, &min, &max);
                assert_true(min == least && max == greatest);
            }
        }
}

static void widths_are_those_of_the_largest_residual(void **state)
{
    (void)state;
    assert_int_equal(gch__bits_u32(0), 0);
    assert_int_equal(gch__bits_u64(0), 0);
    for (uint32_t bits = 1; bits <= 64; bits++) {
        uint64_t least = UINT64_C(1) << (bits - 1), greatest = low_bits(UINT64_MAX, bits);
        assert_int_equal(gch__bits_u64(least), bits);
        assert_int_equal(gch__bits_u64(greatest), bits);
        if (bits <= 32) {
            assert_int_equal(gch__bits_u32((uint32_t)least), bits);
            assert_int_equal(gch__bits_u32((uint32_t)greatest), bits);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wide_blocks_come_back_at_every_width),
        cmocka_unit_test(wide_min_max_is_right_for_any_range),
        cmocka_unit_test(widths_are_those_of_the_largest_residual),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
