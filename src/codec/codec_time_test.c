/* Time lines: exact for every non-decreasing input, narrow for the usual ones; the unit. */
#include "base.h"
#include "codec.h"
#include "test.h"

#include <math.h>

#define LAST (GCH_BLOCK_ROWS - 1)

/* Fits, reads back in both ways, and returns the width. */
static uint32_t check_exact(const uint64_t *units)
{
    uint32_t bits = 0;
    for (int level = 0; gch__kernels_get_level(level) != NULL; level++) {
        const gch__kernels *kernels = gch__kernels_get_level(level);
        uint32_t packed[8 * 64 + 1];
        uint64_t out[GCH_BLOCK_ROWS];
        memset(packed, 0xA5, sizeof packed);
        gch__time_line line = gch__time_line_fit(kernels, units, packed);
        assert_in_range(line.bits, 0, 64);
        assert_int_equal(line.reserved, 0);
        assert_int_equal(packed[gch__block_words(line.bits)], 0xA5A5A5A5u);
        gch__time_line_unpack(kernels, &line, packed, out);
        assert_memory_equal(out, units, sizeof out);
        for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++)
            assert_true(gch__time_line_get(&line, packed, i) == units[i]);
        if (level > 0)
            assert_int_equal(line.bits, bits); /* the choice does not depend on the processor */
        bits = line.bits;
    }
    return bits;
}

/* Uniform in (0, 1). */
static double random_unit(uint64_t *seed)
{
    return ((double)(test_random(seed) >> 11) + 0.5) / 9007199254740992.0;
}

static void regular_times_need_no_bits(void **state)
{
    (void)state;
    static const uint64_t steps[] = {0,       1,          2,           7,          1000,
                                     1000000, 1000000007, 3600000000u, 0xFFFFFFFFu};
    for (size_t s = 0; s < GCH_COUNT_OF(steps); s++)
        for (uint64_t start = 0; start <= UINT64_C(1) << 62; start = start * 2 + 1) {
            uint64_t units[GCH_BLOCK_ROWS];
            for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++)
                units[i] = start + steps[s] * i;
            assert_int_equal(check_exact(units), 0);
        }
}

static void periods_with_a_fraction_need_one_bit_at_most(void **state)
{
    (void)state;
    static const double periods[] = {20.0 + 5.0 / 6,  1000.0 / 60, 1e9 / 48000, 1e6 / 44100,
                                     1e9 / 44100 / 7, 1.0 / 3,     0.0123,      2.5,
                                     1e3 / 24,        1e9 / 59.94, M_PI,        123456.789};
    for (size_t p = 0; p < GCH_COUNT_OF(periods); p++)
        for (uint32_t block = 0; block < 300; block++) {
            uint64_t units[GCH_BLOCK_ROWS];
            for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++)
                units[i] = (uint64_t)floor(periods[p] * (block * 256 + i) + (block % 2 ? 0.5 : 0));
            uint32_t bits = check_exact(units);
            if (bits > 1)
                fail_msg("period %.6f, block %u: %u bits", periods[p], block, bits);
        }
}

/* The narrowest residuals of any slope, by ternary search over the convex width. */
static uint32_t narrowest(const uint64_t *units)
{
    double low = 0, high = (double)(units[LAST] - units[0]);
    for (int round = 0; round < 150; round++) {
        double slopes[2] = {low + (high - low) / 3, high - (high - low) / 3}, widths[2];
        for (int s = 0; s < 2; s++) {
            double least = HUGE_VAL, greatest = -HUGE_VAL;
            for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++) {
                double residual = (double)(units[i] - units[0]) - slopes[s] * i;
                least = GCH_MIN(least, residual);
                greatest = GCH_MAX(greatest, residual);
            }
            widths[s] = greatest - least;
        }
        if (widths[0] < widths[1])
            high = slopes[1];
        else
            low = slopes[0];
    }
    double least = HUGE_VAL, greatest = -HUGE_VAL;
    for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++) {
        double residual = (double)(units[i] - units[0]) - low * i;
        least = GCH_MIN(least, residual);
        greatest = GCH_MAX(greatest, residual);
    }
    return gch__bits_u64((uint64_t)(greatest - least));
}

static void irregular_times_come_near_the_best_line(void **state)
{
    (void)state;
    uint64_t seed = 1;
    static const double means[] = {100, 1000, 100000};
    for (size_t m = 0; m < GCH_COUNT_OF(means); m++) {
        double time = 0;
        uint32_t bits = 0, best = 0;
        for (uint32_t block = 0; block < 200; block++) {
            uint64_t units[GCH_BLOCK_ROWS];
            for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++)
                units[i] = (uint64_t)(time -= log(random_unit(&seed)) * means[m]);
            bits += check_exact(units);
            best += narrowest(units);
        }
        /* A twentieth of a bit a row over the best possible. The search's own rounding may put
         * `best` a bit too low in a block whose width is next to a power of two. */
        if (bits > best + 200 / 20)
            fail_msg("mean %.0f: %u bits in 200 blocks, %u possible", means[m], bits, best);
    }
}

static void jitter_costs_its_own_width(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (uint32_t block = 0; block < 200; block++) {
        uint64_t units[GCH_BLOCK_ROWS];
        for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++)
            units[i] = UINT64_C(1000) * i + test_random(&seed) % 30;
        assert_in_range(check_exact(units), 4, 5);
    }
}

static void jumps_of_any_size_come_back(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (uint32_t bit = 0; bit < 64; bit++)
        for (uint32_t at = 0; at < GCH_BLOCK_ROWS; at += 17) {
            uint64_t units[GCH_BLOCK_ROWS];
            for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++)
                units[i] = (i < at ? 0 : UINT64_C(1) << bit) + i * (test_random(&seed) % 2);
            for (uint32_t i = 1; i < GCH_BLOCK_ROWS; i++)
                units[i] = GCH_MAX(units[i], units[i - 1]);
            uint32_t bits = check_exact(units);
            assert_true(bits <= GCH_MAX(bit + 1, 9));
        }
}

static void any_non_decreasing_times_come_back(void **state)
{
    (void)state;
    uint64_t seed = 4;
    for (uint32_t round = 0; round < 20000; round++) {
        uint64_t units[GCH_BLOCK_ROWS];
        uint64_t time = test_random(&seed) >> test_random(&seed) % 64;
        uint32_t narrow = (uint32_t)(test_random(&seed) % 64);
        uint32_t rows = 1 + (uint32_t)(test_random(&seed) % GCH_BLOCK_ROWS);
        for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++) {
            uint64_t step = test_random(&seed) >> narrow;
            if (test_random(&seed) % 64 == 0)
                step = test_random(&seed) >> test_random(&seed) % 64;
            /* Times end at 2^64 - 1; a short block is filled up with its last one. */
            if (i > 0 && i < rows && __builtin_add_overflow(time, step, &time))
                time = UINT64_MAX;
            units[i] = time;
        }
        check_exact(units);
    }
}

static void the_widest_block_takes_sixty_four_bits(void **state)
{
    (void)state;
    uint64_t units[GCH_BLOCK_ROWS] = {0};
    units[LAST] = UINT64_MAX;
    assert_int_equal(check_exact(units), 64);
    for (uint32_t i = 1; i < GCH_BLOCK_ROWS; i++)
        units[i] = UINT64_MAX;
    assert_int_equal(check_exact(units), 64);
}

static void slopes_beyond_thirty_two_bits_leave_the_rest_to_residuals(void **state)
{
    (void)state;
    for (uint32_t bit = 31; bit < 56; bit++) {
        uint64_t step = (UINT64_C(1) << bit) + 12345, units[GCH_BLOCK_ROWS];
        for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++)
            units[i] = step * i;
        uint64_t steepest = UINT64_C(1) << 32;
        uint32_t left = step < steepest ? 0 : gch__bits_u64((step - steepest) * LAST);
        assert_int_equal(check_exact(units), left);
    }
}

/* ---- the unit ---- */

static uint64_t plain_gcd(uint64_t a, uint64_t b)
{
    return b == 0 ? a : plain_gcd(b, a % b);
}

static void the_gcd_is_that_of_all_deltas(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (uint32_t round = 0; round < 20000; round++) {
        int64_t times[40];
        uint64_t unit = 1 + (test_random(&seed) >> (20 + test_random(&seed) % 44)), expected = 0;
        size_t count = (size_t)(test_random(&seed) % 41);
        uint64_t time = test_random(&seed) % 2 ? (uint64_t)INT64_MIN : 5;
        for (size_t i = 0; i < count; i++) {
            uint64_t delta = unit * (test_random(&seed) % 8);
            if (i > 0) {
                time += delta;
                expected = plain_gcd(delta, expected);
            }
            times[i] = (int64_t)time;
        }
        /* In two parts that share a time, as a writer feeds it. */
        uint64_t gcd = 0;
        size_t cut = count == 0 ? 0 : (size_t)(test_random(&seed) % count);
        gch__time_gcd(times, count == 0 ? 0 : cut + 1, &gcd);
        gch__time_gcd(times + cut, count - cut, &gcd);
        assert_true(gcd == expected);
    }
}

static void the_gcd_of_equal_times_is_zero_and_of_the_extremes_is_whole(void **state)
{
    (void)state;
    uint64_t gcd = 0;
    gch__time_gcd((const int64_t[]){7, 7, 7}, 3, &gcd);
    assert_true(gcd == 0);
    gch__time_gcd((const int64_t[]){INT64_MIN, INT64_MAX}, 2, &gcd);
    assert_true(gcd == UINT64_MAX);
    gch__time_gcd((const int64_t[]){0, 0, 15}, 3, &gcd);
    assert_true(gcd == 15);
    gch__time_gcd(NULL, 0, &gcd);
    assert_true(gcd == 15);
    gch__time_gcd((const int64_t[]){0, 10}, 2, &gcd);
    assert_true(gcd == 5);
    gch__time_gcd((const int64_t[]){3, 10}, 2, &gcd);
    assert_true(gcd == 1);
    gch__time_gcd((const int64_t[]){0, 5}, 2, &gcd);
    assert_true(gcd == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(regular_times_need_no_bits),
        cmocka_unit_test(periods_with_a_fraction_need_one_bit_at_most),
        cmocka_unit_test(irregular_times_come_near_the_best_line),
        cmocka_unit_test(jitter_costs_its_own_width),
        cmocka_unit_test(jumps_of_any_size_come_back),
        cmocka_unit_test(any_non_decreasing_times_come_back),
        cmocka_unit_test(the_widest_block_takes_sixty_four_bits),
        cmocka_unit_test(slopes_beyond_thirty_two_bits_leave_the_rest_to_residuals),
        cmocka_unit_test(the_gcd_is_that_of_all_deltas),
        cmocka_unit_test(the_gcd_of_equal_times_is_zero_and_of_the_extremes_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
