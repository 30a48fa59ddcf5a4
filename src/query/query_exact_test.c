/* The exact predicate against 128-bit arithmetic where that suffices, and against known cases where
 * it does not. */
#include "query_exact.h"
#include "test.h"

#include <float.h>

static gch__exact decimal(int64_t digits, int32_t exp10)
{
    return (gch__exact){.m = digits, .exp10 = exp10};
}

static gch__exact from_f64(double value)
{
    return gch__exact_from_value((gch_value){.as.f64 = value, .kind = GCH_VALUE_F64});
}

static void comparison_equals_128_bit_arithmetic(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 200000; i++) {
        int64_t numbers[4];
        for (int k = 0; k < 4; k++)
            numbers[k] = (int64_t)(test_random(&seed) % 2001) - 1000;
        uint32_t height = 1 + (uint32_t)(test_random(&seed) % 50);
        uint32_t row = (uint32_t)(test_random(&seed) % (height + 1));
        int64_t whole = 1 + (int64_t)(test_random(&seed) % 1000);
        int64_t part = (int64_t)(test_random(&seed) % (uint64_t)(whole + 1));
        __int128 left = ((__int128)numbers[0] * (whole - part) + numbers[1] * part) * height;
        __int128 right = ((__int128)numbers[2] * (height - row) + numbers[3] * row) * whole;
        gch__exact_line line = {.a = decimal(numbers[0], -3),
                                .b = decimal(numbers[1], -3),
                                .part = (unsigned __int128)part,
                                .whole = (unsigned __int128)whole};
        int expected = left < right ? -1 : left > right;
        assert_int_equal(gch__exact_compare_edge(&line, row, height, decimal(numbers[2], -3),
                                                 decimal(numbers[3], -3)),
                         expected);
    }
}

static void mixed_exponents_compare_as_real_numbers(void **state)
{
    (void)state;
    /* 0.5 as a float, 5e-1 and 50e-2 are one number; 0.1 as a float is above 1e-1. */
    gch__exact_line half = {.a = from_f64(0.5), .b = from_f64(0.5), .part = 0, .whole = 1};
    assert_int_equal(gch__exact_compare_edge(&half, 0, 1, decimal(5, -1), decimal(50, -2)), 0);
    gch__exact_line tenth = {.a = from_f64(0.1), .b = from_f64(0.1), .part = 0, .whole = 1};
    assert_int_equal(gch__exact_compare_edge(&tenth, 0, 1, decimal(1, -1), decimal(1, -1)), 1);
    /* The middle of -0.3 .. 0.3 is exactly 0. */
    gch__exact_line middle = {.a = decimal(-3, -1), .b = decimal(30, -2), .part = 7, .whole = 14};
    assert_int_equal(gch__exact_compare_edge(&middle, 1, 2, decimal(9, 0), decimal(-9, 0)), 0);
    assert_int_equal(gch__exact_compare_edge(&middle, 3, 4, decimal(9, 0), decimal(-9, 0)), 1);
}

static void the_largest_exponents_fit(void **state)
{
    (void)state;
    unsigned __int128 whole = (unsigned __int128)1 << 95;
    gch__exact_line line = {
        .a = from_f64(DBL_MAX), .b = from_f64(-DBL_MAX), .part = whole / 2, .whole = whole};
    gch__exact top = decimal(INT64_MAX, 400), bottom = decimal(INT64_MIN, 400);
    /* Both middles are at 0 or half a digit from it. */
    assert_int_equal(gch__exact_compare_edge(&line, 8192, 16384, top, bottom), 1);
    line.part++;
    assert_int_equal(gch__exact_compare_edge(&line, 0, 16384, decimal(0, 0), bottom), -1);
    gch__exact_line tiny = {
        .a = from_f64(DBL_TRUE_MIN), .b = from_f64(-DBL_TRUE_MIN), .part = 1, .whole = whole};
    assert_int_equal(gch__exact_compare_edge(&tiny, 1, 1, top, decimal(1, -400)), 1);
    assert_int_equal(gch__exact_compare_edge(&tiny, 0, 1, from_f64(DBL_TRUE_MIN), bottom), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparison_equals_128_bit_arithmetic),
        cmocka_unit_test(mixed_exponents_compare_as_real_numbers),
        cmocka_unit_test(the_largest_exponents_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
