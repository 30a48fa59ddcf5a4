/* From counts to levels: the three scales, in integers. The pictures are held to each other by the
 * tests of the executors (render_gpu_paint_test.c, render_gpu_test.c, tests/exactness_test.c). */
#include "base.h"
#include "raster_tone.h"
#include "test.h"

#include <math.h>

static gch__tone tone;

static void set_tone(const uint32_t *counts, size_t count)
{
    memset(&tone, 0, sizeof tone);
    for (size_t i = 0; i < count; i++) {
        tone.max = counts[i] > tone.max ? counts[i] : tone.max;
        for (uint32_t bin = gch__tone_bin(counts[i]) + 1; bin < GCH__TONE_BINS; bin++)
            tone.below[bin]++;
    }
}

static void logarithms_and_bins_rise_with_their_numbers(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (uint32_t whole = 0; whole < 32; whole++)
        assert_int_equal(gch__tone_log(UINT32_C(1) << whole), whole * 256);
    for (uint32_t n = 1; n < 32; n++)
        assert_int_equal(gch__tone_bin(n), n);
    assert_int_equal(gch__tone_bin(UINT32_MAX), GCH__TONE_BINS - 1);
    for (uint32_t i = 0; i < 200000; i++) {
        uint32_t n = (uint32_t)(test_random(&seed) >> (32 + test_random(&seed) % 31));
        n = i < 70000 ? i : n;
        n = n < 1 ? 1 : n == UINT32_MAX ? n - 1 : n;
        assert_true(gch__tone_log(n) <= gch__tone_log(n + 1));
        assert_true(gch__tone_bin(n) <= gch__tone_bin(n + 1));
        assert_true(fabs(gch__tone_log(n) - 256 * log2(n)) < 2);
        assert_int_equal(gch__tone_log(n) >> 8, 31 - __builtin_clz(n));
    }
}

static void shares_are_rounded_down_and_never_overflow(void **state)
{
    (void)state;
    assert_int_equal(gch__tone_share(0, 0), 255);
    assert_int_equal(gch__tone_share(0, 1), 0);
    assert_int_equal(gch__tone_share(1, 1), 255);
    assert_int_equal(gch__tone_share(1, 2), 128);
    assert_int_equal(gch__tone_share(1, 257), 0);
    assert_int_equal(gch__tone_share(UINT32_MAX - 1, UINT32_MAX), 255);
    assert_int_equal(gch__tone_share(UINT32_MAX / 2, UINT32_MAX), 127);
}

static void the_least_is_dark_and_the_most_is_bright_on_every_scale(void **state)
{
    (void)state;
    const uint32_t counts[] = {1, 1, 1, 1, 4, 16, 256};
    set_tone(counts, GCH_COUNT_OF(counts));
    for (int scale = GCH_DENSITY_DEFAULT; scale <= GCH_DENSITY_EQUAL; scale++) {
        assert_true(gch__tone_level(&tone, (gch_density_scale)scale, 1) <= 1);
        assert_int_equal(gch__tone_level(&tone, (gch_density_scale)scale, 256), 255);
    }
    /* A quarter of the logarithm, a 64th of the size, two thirds of the pixels that are lower. */
    assert_int_equal(gch__tone_level(&tone, GCH_DENSITY_LOG, 4), 64);
    assert_int_equal(gch__tone_level(&tone, GCH_DENSITY_DEFAULT, 4), 64);
    assert_int_equal(gch__tone_level(&tone, GCH_DENSITY_LINEAR, 4), 4);
    assert_int_equal(gch__tone_level(&tone, GCH_DENSITY_EQUAL, 4), 170);
}

static void where_all_counts_are_alike_all_pixels_are_bright(void **state)
{
    (void)state;
    const uint32_t ones[] = {1, 1}, many[] = {70000, 70000, 70000};
    set_tone(ones, 2);
    for (int scale = GCH_DENSITY_LOG; scale <= GCH_DENSITY_EQUAL; scale++)
        assert_int_equal(gch__tone_level(&tone, (gch_density_scale)scale, 1), 255);
    set_tone(many, 3);
    for (int scale = GCH_DENSITY_LOG; scale <= GCH_DENSITY_EQUAL; scale++)
        assert_int_equal(gch__tone_level(&tone, (gch_density_scale)scale, 70000), 255);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logarithms_and_bins_rise_with_their_numbers),
        cmocka_unit_test(shares_are_rounded_down_and_never_overflow),
        cmocka_unit_test(the_least_is_dark_and_the_most_is_bright_on_every_scale),
        cmocka_unit_test(where_all_counts_are_alike_all_pixels_are_bright),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
