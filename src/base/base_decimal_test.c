/* Decimals and values: text in, text out, doubles both ways, against the C library's own reading.
 */
#include "test.h"

#include "base.h"
#include "gch/decimal.h"
#include "gch/value.h"

#include <math.h>

static double double_from_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static bool parse(const char *text, gch_decimal *out)
{
    return gch_decimal_parse(text, strlen(text), out);
}

static void parse_reads_exactly_what_is_written(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t digits;
        int32_t exp10;
    } cases[] = {
        {"0", 0, 0},
        {"-12.50", -1250, -2},
        {".5", 5, -1},
        {"5.", 5, 0},
        {"+1e-3", 1, -3},
        {"1E+20", 1, 20},
        {"0.000", 0, -3},
        {"00012", 12, 0},
        {"999999999999999999", 999999999999999999, 0},
        {"-999999999999999999e-400", -999999999999999999, -400},
        {"1000000000000000000000", 100000000000000000, 4}, /* zeros past the 18th digit */
        {"0.10000000000000000000", 100000000000000000, -18},
    };
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        gch_decimal got = {0};
        if (!parse(cases[i].text, &got) || got.digits != cases[i].digits ||
            got.exp10 != cases[i].exp10)
            fail_msg("'%s': %lld e %d", cases[i].text, (long long)got.digits, got.exp10);
    }
}

static void parse_rejects_what_is_no_number_or_does_not_fit(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "-",
        "+",
        ".",
        "-.",
        "e5",
        "1e",
        "1e+",
        "1e5.",
        "1.2.3",
        "1,5",
        " 1",
        "1 ",
        "0x10",
        "inf",
        "nan",
        "--1",
        "1e401",
        "1e-401",
        "1e99999999999999999999",
        "1e4-",
        "1.0e400x",
        "1234567890123456789",
        "0.1234567890123456789",
    };
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        gch_decimal got;
        if (parse(cases[i], &got))
            fail_msg("'%s' was read", cases[i]);
    }
    gch_decimal got;
    assert_true(gch_decimal_parse("12x", 2, &got)); /* only the given length is looked at */
    assert_int_equal(got.digits, 12);
    assert_false(gch_decimal_parse("1\0"
                                   "2",
                                   3, &got));
}

static void to_double_rounds_as_strtod_does(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 20000; i++) {
        uint64_t r = test_random(&seed);
        gch_decimal value = {.digits = (int64_t)test_random(&seed) >> (r % 63),
                             .exp10 = (int32_t)(test_random(&seed) % 801) - 400};
        if (i % 2 == 0)
            value.exp10 %= 24; /* about the exact powers of ten */
        char text[48];
        snprintf(text, sizeof text, "%llde%d", (long long)value.digits, value.exp10);
        double expected = strtod(text, NULL), got = gch_decimal_to_double(value);
        if (got != expected)
            fail_msg("%s: %a, expected %a", text, got, expected);
    }
    assert_true(gch_decimal_to_double((gch_decimal){.digits = 1, .exp10 = 400}) == INFINITY);
    assert_true(gch_decimal_to_double((gch_decimal){.digits = -1, .exp10 = 400}) == -INFINITY);
    assert_true(gch_decimal_to_double((gch_decimal){.digits = 0, .exp10 = 400}) == 0);
    assert_true(gch_decimal_to_double((gch_decimal){.digits = INT64_MIN, .exp10 = 0}) == -0x1p63);
}

/* Digits of the shortest %.{p}e that reads back; the plain search, without neighbours. */
static int shortest_by_search(double value)
{
    for (int p = 1; p < 17; p++) {
        char text[40];
        snprintf(text, sizeof text, "%.*e", p - 1, value);
        if (strtod(text, NULL) == value)
            return p;
    }
    return 17;
}

static int count_digits(int64_t digits)
{
    int count = 0;
    for (; digits != 0; digits /= 10)
        count++;
    return count;
}

static void check_from_double(double value)
{
    gch_decimal got = gch_decimal_from_double(value);
    if (gch_decimal_to_double(got) != value)
        fail_msg("%.17g: %lld e %d does not read back", value, (long long)got.digits, got.exp10);
    if (count_digits(got.digits) > shortest_by_search(value))
        fail_msg("%.17g: %lld e %d is not the shortest", value, (long long)got.digits, got.exp10);
}

static void from_double_is_the_shortest_that_reads_back(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (int i = 0; i < 20000; i++) {
        double value = double_from_bits(test_random(&seed));
        if (isfinite(value) && value != 0)
            check_from_double(value);
        /* Short decimals and their next doubles. */
        double plain = (double)((int64_t)test_random(&seed) >> 30) / 1e6;
        if (plain != 0) {
            check_from_double(plain);
            check_from_double(nextafter(plain, INFINITY));
        }
    }
    for (int exponent = -1074; exponent < 1024; exponent++)
        check_from_double(ldexp(1, exponent));
    check_from_double(-1.7976931348623157e308);

    gch_decimal got = gch_decimal_from_double(5e-324);
    assert_true(got.digits == 5 && got.exp10 == -324);
    got = gch_decimal_from_double(0.1);
    assert_true(got.digits == 1 && got.exp10 == -1);
    got = gch_decimal_from_double(-1e23);
    assert_true(got.digits == -1 && got.exp10 == 23);
    got = gch_decimal_from_double(0x1p-44); /* the nearest 16 digits fall short of it */
    assert_true(got.digits == 5684341886080802 && got.exp10 == -29);
    got = gch_decimal_from_double(-0.0);
    assert_true(got.digits == 0 && got.exp10 == 0);
}

static void assert_format(int64_t digits, int32_t exp10, const char *expected)
{
    char text[48];
    gch_decimal value = {.digits = digits, .exp10 = exp10};
    size_t length = gch_decimal_format(value, text, sizeof text);
    assert_string_equal(text, expected);
    assert_int_equal(length, strlen(expected));
}

static void format_is_plain_when_short_and_scientific_otherwise(void **state)
{
    (void)state;
    assert_format(0, 300, "0");
    assert_format(-125, -1, "-12.5");
    assert_format(12500, -3, "12.5");
    assert_format(5, -1, "0.5");
    assert_format(-5, -6, "-0.000005");
    assert_format(5, -7, "5e-7");
    assert_format(1, 300, "1e+300");
    assert_format(-123, 298, "-1.23e+300");
    assert_format(12, 3, "12000");
    assert_format(1, 20, "100000000000000000000");
    assert_format(1, 21, "1e+21");
    assert_format(INT64_MIN, 0, "-9223372036854775808");
    assert_format(INT64_MAX, -19, "0.9223372036854775807");
}

static void format_reads_back_and_keeps_to_its_room(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (int i = 0; i < 20000; i++) {
        gch_decimal value = {
            .digits = (int64_t)(test_random(&seed) % 999999999999999999) >> (i % 60),
            .exp10 = (int32_t)(test_random(&seed) % 61) - 30,
        };
        char text[48];
        size_t length = gch_decimal_format(value, text, sizeof text);
        gch_decimal back;
        assert_true(gch_decimal_parse(text, length, &back));
        while (value.digits != 0 && value.digits % 10 == 0) {
            value.digits /= 10;
            value.exp10++;
        }
        while (back.digits != 0 && back.digits % 10 == 0) {
            back.digits /= 10;
            back.exp10++;
        }
        assert_int_equal(back.digits, value.digits);
        assert_true(value.digits == 0 || back.exp10 == value.exp10);
    }
    char small[4] = {'x', 'x', 'x', 'x'};
    assert_int_equal(gch_decimal_format((gch_decimal){.digits = 12345}, small, 3), 2);
    assert_string_equal(small, "12");
    assert_int_equal(small[3], 'x');
}

static void assert_value(gch_value value, uint32_t min_decimals, const char *expected)
{
    char text[64];
    size_t length = gch_value_format(value, min_decimals, text, sizeof text);
    assert_string_equal(text, expected);
    assert_int_equal(length, strlen(expected));
}

static gch_value decimal(int64_t digits, uint8_t scale)
{
    return (gch_value){.as.digits = digits, .kind = GCH_VALUE_DECIMAL, .scale = scale};
}

static gch_value f64(double value)
{
    return (gch_value){.as.f64 = value, .kind = GCH_VALUE_F64};
}

static gch_value f32(float value)
{
    return (gch_value){.as.f32 = value, .kind = GCH_VALUE_F32};
}

static void values_format_as_they_were_given(void **state)
{
    (void)state;
    assert_value((gch_value){0}, 2, "");
    assert_value(decimal(1250, 2), 0, "12.5");
    assert_value(decimal(1250, 2), 2, "12.50");
    assert_value(decimal(1250, 2), 3, "12.500");
    assert_value(decimal(-5, 3), 0, "-0.005");
    assert_value(decimal(0, 3), 0, "0");
    assert_value(decimal(-100, 0), 0, "-100");
    assert_value(decimal(7, 0), 2, "7.00");
    assert_value(decimal(INT64_MIN, 18), 18, "-9.223372036854775808");
    assert_value(decimal(INT64_MIN, 0), 18, "-9223372036854775808.000000000000000000");
    assert_value(f64(0.1), 0, "0.1");
    assert_value(f64(-0.0), 0, "-0");
    assert_value(f64(0.0), 0, "0");
    assert_value(f64(1e300), 0, "1e+300");
    assert_value(f64((double)INFINITY), 0, "inf");
    assert_value(f32(-INFINITY), 0, "-inf");
    assert_value(f32(NAN), 0, "nan");
    assert_value(f32(0.1f), 0, "0.1");
    assert_value(f32(16777216.0f), 0, "16777216");
    assert_value(f32(1e-45f), 0, "1e-45");
    assert_value(f32(-3.4028235e38f), 0, "-3.4028235e+38");
}

static void float_values_read_back_bit_for_bit(void **state)
{
    (void)state;
    uint64_t seed = 4;
    for (int i = 0; i < 20000; i++) {
        uint32_t bits = (uint32_t)test_random(&seed);
        float value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        char text[64];
        gch_value_format(f32(value), 0, text, sizeof text);
        float back = strtof(text, NULL);
        if (memcmp(&back, &value, sizeof value) != 0)
            fail_msg("%a: '%s'", (double)value, text);
    }
}

static void only_decimals_and_finite_floats_are_drawn(void **state)
{
    (void)state;
    assert_true(gch_value_is_drawn(decimal(0, 0)));
    assert_true(gch_value_is_drawn(f32(-0.0f)));
    assert_true(gch_value_is_drawn(f64(1e300)));
    assert_false(gch_value_is_drawn((gch_value){0}));
    assert_false(gch_value_is_drawn(f32(NAN)));
    assert_false(gch_value_is_drawn(f64((double)-INFINITY)));
    assert_true(isnan(gch_value_to_double((gch_value){0})));
    assert_true(gch_value_to_double(decimal(-1250, 2)) == -12.5);
    assert_true(gch_value_to_double(f32(0.1f)) == (double)0.1f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_reads_exactly_what_is_written),
        cmocka_unit_test(parse_rejects_what_is_no_number_or_does_not_fit),
        cmocka_unit_test(to_double_rounds_as_strtod_does),
        cmocka_unit_test(from_double_is_the_shortest_that_reads_back),
        cmocka_unit_test(format_is_plain_when_short_and_scientific_otherwise),
        cmocka_unit_test(format_reads_back_and_keeps_to_its_room),
        cmocka_unit_test(values_format_as_they_were_given),
        cmocka_unit_test(float_values_read_back_bit_for_bit),
        cmocka_unit_test(only_decimals_and_finite_floats_are_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
