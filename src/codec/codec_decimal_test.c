/* Powers of ten, float keys, single decimals and the scale search. */
#include "base.h"
#include "codec.h"
#include "test.h"

#include <math.h>

static void powers_of_ten_are_exact(void **state)
{
    (void)state;
    int64_t integer = 1;
    for (uint32_t i = 0; i < 19; i++) {
        assert_true(gch__pow10_i64[i] == integer);
        if (i < 18)
            integer *= 10;
    }
    for (uint32_t i = 0; i < 23; i++) {
        __int128 power = 1;
        for (uint32_t k = 0; k < i; k++)
            power *= 10;
        assert_true((__int128)gch__pow10_f64[i] == power);
    }
}

static void f64_keys_order_as_the_floats_and_come_back(void **state)
{
    (void)state;
    uint64_t seed = 1;
    assert_true(gch__key_from_f64(-0.0) + 1 == gch__key_from_f64(0.0));
    assert_true(gch__key_from_f64(-INFINITY) < gch__key_from_f64(-1e308));
    assert_true(gch__key_from_f64(INFINITY) > gch__key_from_f64(1e308));
    for (uint32_t round = 0; round < 200000; round++) {
        uint64_t a_bits = test_random(&seed), b_bits = test_random(&seed), back_bits;
        double a, b, back;
        memcpy(&a, &a_bits, sizeof a);
        memcpy(&b, &b_bits, sizeof b);
        back = gch__f64_from_key(gch__key_from_f64(a));
        memcpy(&back_bits, &back, sizeof back_bits);
        assert_true(back_bits == a_bits);
        if (a < b)
            assert_true(gch__key_from_f64(a) < gch__key_from_f64(b));
    }
}

static void f32_keys_order_as_the_floats_and_come_back(void **state)
{
    (void)state;
    uint64_t seed = 2;
    assert_true(gch__key_from_f32(-0.0f) + 1 == gch__key_from_f32(0.0f));
    for (uint32_t round = 0; round < 200000; round++) {
        uint32_t a_bits = (uint32_t)test_random(&seed), b_bits = (uint32_t)test_random(&seed);
        uint32_t back_bits;
        float a, b, back;
        memcpy(&a, &a_bits, sizeof a);
        memcpy(&b, &b_bits, sizeof b);
        back = gch__f32_from_key(gch__key_from_f32(a));
        memcpy(&back_bits, &back, sizeof back_bits);
        assert_true(back_bits == a_bits);
        if (a < b)
            assert_true(gch__key_from_f32(a) < gch__key_from_f32(b));
    }
}

static void single_decimals_keep_their_digits(void **state)
{
    (void)state;
    int64_t digits = 0;
    assert_true(gch__decimal_from_f64(12.34, 2, &digits) && digits == 1234);
    assert_true(gch__decimal_from_f64(-12.34, 4, &digits) && digits == -123400);
    assert_true(gch__decimal_from_f64(0.0, 18, &digits) && digits == 0);
    assert_true(gch__decimal_from_f64(2251799813685248.0, 0, &digits) && digits == 1LL << 51);
    assert_true(gch__decimal_from_f64(-2251799813685248.0, 0, &digits) && digits == -(1LL << 51));
    assert_false(gch__decimal_from_f64(2251799813685249.0, 0, &digits));
    assert_false(gch__decimal_from_f64(12.345, 2, &digits));
    assert_false(gch__decimal_from_f64(0.1 + 0.2, 1, &digits)); /* one bit off 0.3 */
    assert_false(gch__decimal_from_f64(-0.0, 2, &digits));
    assert_false(gch__decimal_from_f64(NAN, 2, &digits));
    assert_false(gch__decimal_from_f64(INFINITY, 2, &digits));
    assert_true(gch__decimal_from_f32(12.34f, 2, &digits) && digits == 1234);
    assert_false(gch__decimal_from_f32(12.34f, 1, &digits));
    assert_false(gch__decimal_from_f32(-0.0f, 1, &digits));
}

static void a_scale_beyond_eighteen_is_refused(void **state)
{
    (void)state;
    int64_t digits;
    assert_false(gch__decimal_from_f64(1.0, 19, &digits));
    assert_false(gch__decimal_from_f32(1.0f, UINT32_MAX, &digits));
    /* 1e-19 is a decimal at scale 19, which a bound above 18 does not bring. */
    assert_int_equal(gch__decimal_scale_f64(&(double){1e-19}, 1, 40), UINT32_MAX);
    assert_int_equal(gch__decimal_scale_f64(&(double){1e-18}, 1, UINT32_MAX), 18);
}

static void the_scale_is_the_smallest_that_fits_every_value(void **state)
{
    (void)state;
    const double prices[] = {101.5, 101.25, 99, 100.125, -3.5};
    assert_int_equal(gch__decimal_scale_f64(prices, 5, 18), 3);
    assert_int_equal(gch__decimal_scale_f64(prices, 3, 18), 2);
    assert_int_equal(gch__decimal_scale_f64(prices, 5, 2), UINT32_MAX);
    assert_int_equal(gch__decimal_scale_f64(prices, 0, 18), 0);
    const float floats[] = {0.1f, 7.25f, 1e6f};
    assert_int_equal(gch__decimal_scale_f32(floats, 3, 18), 2);
    assert_int_equal(gch__decimal_scale_f32(floats, 1, 18), 1);
    assert_int_equal(gch__decimal_scale_f32(floats, 3, 1), UINT32_MAX);
}

static void values_with_no_decimal_by_nature_are_passed_over(void **state)
{
    (void)state;
    const double odd[] = {NAN, -0.0, INFINITY, 2.5, -INFINITY, -NAN};
    assert_int_equal(gch__decimal_scale_f64(odd, 6, 18), 1);
    assert_int_equal(gch__decimal_scale_f64(odd, 3, 18), 0);
    const float odd_floats[] = {NAN, -0.0f, INFINITY, 2.5f, -INFINITY};
    assert_int_equal(gch__decimal_scale_f32(odd_floats, 5, 18), 1);
    assert_int_equal(gch__decimal_scale_f32(odd_floats, 3, 18), 0);
}

static void a_sample_whose_digits_do_not_fit_together_has_no_scale(void **state)
{
    (void)state;
    const double far[] = {1125899906842624.0, 0.001}; /* 2^50 has no room for three decimals */
    assert_int_equal(gch__decimal_scale_f64(far, 1, 18), 0);
    assert_int_equal(gch__decimal_scale_f64(far + 1, 1, 18), 3);
    assert_int_equal(gch__decimal_scale_f64(far, 2, 18), UINT32_MAX);
    const double binary[] = {M_PI, M_E};
    assert_int_equal(gch__decimal_scale_f64(binary, 2, 18), UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(powers_of_ten_are_exact),
        cmocka_unit_test(f64_keys_order_as_the_floats_and_come_back),
        cmocka_unit_test(f32_keys_order_as_the_floats_and_come_back),
        cmocka_unit_test(single_decimals_keep_their_digits),
        cmocka_unit_test(a_scale_beyond_eighteen_is_refused),
        cmocka_unit_test(the_scale_is_the_smallest_that_fits_every_value),
        cmocka_unit_test(values_with_no_decimal_by_nature_are_passed_over),
        cmocka_unit_test(a_sample_whose_digits_do_not_fit_together_has_no_scale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
