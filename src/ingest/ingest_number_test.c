/* Fields of text to decimals and doubles, and fields in messages. */
#include "ingest_field.h"

#include "gch/writer.h"

#include <locale.h>
#include <math.h>

#include "test.h"

static gch__number_kind parse(const char *text, int64_t *digits, int8_t *scale)
{
    return gch__number_parse((const uint8_t *)text, strlen(text), digits, scale);
}

static void decimals_equal_their_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t digits;
        int8_t scale;
    } table[] = {
        {"0", 0, 0},
        {"7", 7, 0},
        {"+7", 7, 0},
        {"-7", -7, 0},
        {"12.50", 1250, 2},
        {".5", 5, 1},
        {"5.", 5, 0},
        {"-.25", -25, 2},
        {"  42\t", 42, 0},
        {"0.00", 0, 2},
        {"0e99", 0, 0},
        {"0e-99999999999", 0, 18},
        {"000000000000000000000012", 12, 0},
        {"1e5", 100000, 0},
        {"1E+5", 100000, 0},
        {"1e-3", 1, 3},
        {"12.5e-3", 125, 4},
        {"12.5e1", 125, 0},
        {"123456789012345678", 123456789012345678, 0},
        {"0.123456789012345678", 123456789012345678, 18},
        {"9223372036854775807", INT64_MAX, 0},
        {"-9223372036854775808", INT64_MIN, 0},
        {"9.223372036854775807", INT64_MAX, 18},
        {"1e18", 1000000000000000000, 0},
        {"9e18", 9000000000000000000, 0},
        {"1.50000000000000000000000000000000", 1500000000000000000, 18},
        {"9.500000000000000000", 950000000000000000, 17},
        {"0.0000000000000000010", 1, 18},
        {"1.7000000000000000000e+09", 1700000000000000000, 9},
        {"100000000000000000000e-5", 1000000000000000000, 3},
    };
    for (size_t i = 0; i < GCH_COUNT_OF(table); i++) {
        int64_t digits = -1;
        int8_t scale = -1;
        if (parse(table[i].text, &digits, &scale) != GCH__NUMBER_VALUE ||
            digits != table[i].digits || scale != table[i].scale)
            fail_msg("%s: %lld / 10^%d", table[i].text, (long long)digits, scale);
    }
}

static void assert_double(const char *text, double expected)
{
    int64_t digits = -1;
    int8_t scale = -1;
    double value;
    if (parse(text, &digits, &scale) != GCH__NUMBER_VALUE || scale != GCH_SCALE_F64)
        fail_msg("%.40s: scale %d", text, scale);
    memcpy(&value, &digits, sizeof value);
    if (memcmp(&value, &expected, sizeof value) != 0)
        fail_msg("%.40s: %.17g, expected %.17g", text, value, expected);
}

static void what_no_decimal_holds_is_the_nearest_double(void **state)
{
    (void)state;
    assert_double("-0", -0.0);
    assert_double("-0.000", -0.0);
    assert_double("-0e5", -0.0);
    assert_double("inf", INFINITY);
    assert_double("-Inf", -INFINITY);
    assert_double("+INFINITY", INFINITY);
    assert_double("1e300", 1e300);
    assert_double("-1.5e-300", -1.5e-300);
    assert_double("5e-324", 5e-324);
    assert_double("1.7976931348623157e308", 1.7976931348623157e308);
    assert_double("1e400", INFINITY);
    assert_double("1e-400", 0.0);
    assert_double("-1e-400", -0.0);
    assert_double("1e99999999999999999999", INFINITY);
    assert_double("9223372036854775808", 9223372036854775808.0);
    assert_double("0.1234567890123456789", 0.1234567890123456789);
    assert_double("1e19", 1e19);
    assert_double("3.14159265358979323846264338327950288", 3.14159265358979323846);
    /* Half way between two doubles but for the last digit. */
    assert_double("9007199254740993.0000000000000000000000000000000000001", 9007199254740994.0);
    assert_double("9007199254740993.00000000000000000000000000000000000001e0", 9007199254740994.0);
}

static void a_digit_beyond_the_kept_ones_still_decides_the_rounding(void **state)
{
    (void)state;
    enum { LENGTH = 5000 };
    static char text[LENGTH + 1];
    memset(text, '0', LENGTH);
    memcpy(text, "9007199254740993.", 17);
    text[LENGTH - 1] = '1';
    assert_double(text, 9007199254740994.0);
    memset(text, '7', LENGTH);
    assert_double(text, INFINITY);
    text[0] = '.';
    assert_double(text, 0.7777777777777777777777);
}

static void gaps_are_known_in_any_case(void **state)
{
    (void)state;
    static const char *const gaps[] = {"",     " \t",  "nan", "NaN", "NAN", "-nan", "+nan",
                                       "null", "NULL", "na",  "N/A", "n/a", "-",    " - "};
    for (size_t i = 0; i < GCH_COUNT_OF(gaps); i++) {
        int64_t digits;
        int8_t scale;
        if (parse(gaps[i], &digits, &scale) != GCH__NUMBER_GAP)
            fail_msg("\"%s\" is no gap", gaps[i]);
    }
}

static void what_is_no_number_is_told(void **state)
{
    (void)state;
    static const char *const bad[] = {"abc",  "1.2.3", "--1",  "+",    ".",     "-.",    "1e",
                                      "1e+",  "e5",    "1 2",  "1,5",  "0x10",  "1f",    "1_000",
                                      "nan1", "nulls", "infi", "1e5x", "-null", "1e5.5", "\xFF",
                                      "+-1",  "1-",    "n",    "i",    "- 5",   "+inf1", "-n/a"};
    for (size_t i = 0; i < GCH_COUNT_OF(bad); i++) {
        int64_t digits;
        int8_t scale;
        if (parse(bad[i], &digits, &scale) != GCH__NUMBER_BAD)
            fail_msg("\"%s\" is taken for a number", bad[i]);
    }
}

static void printed_doubles_come_back_bit_for_bit(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (int i = 0; i < 200000; i++) {
        uint64_t bits = test_random(&random);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        if (i % 2 == 0)
            value = (double)(int64_t)(bits >> 20) / 1e6;
        char text[40];
        snprintf(text, sizeof text, "%.17g", value);
        int64_t digits;
        int8_t scale;
        assert_int_equal(parse(text, &digits, &scale), GCH__NUMBER_VALUE);
        double back;
        if (scale == GCH_SCALE_F64) {
            memcpy(&back, &digits, sizeof back);
        } else {
            char decimal[40];
            snprintf(decimal, sizeof decimal, "%llde-%d", (long long)digits, scale);
            back = strtod(decimal, NULL);
        }
        if (back != value)
            fail_msg("%s came back as %.17g", text, back);
    }
}

static void a_locale_with_decimal_commas_changes_nothing(void **state)
{
    (void)state;
    const char *changed = setlocale(LC_ALL, "de_DE.UTF-8");
    assert_double("1.5e300", 1.5e300);
    if (changed != NULL)
        setlocale(LC_ALL, "C");
}

static void quotes_cut_and_escape(void **state)
{
    (void)state;
    char out[GCH__QUOTED_CAP];
    static const struct {
        const char *text;
        size_t length;
        const char *expected;
    } table[] = {
        {"abc", 3, "\"abc\""},
        {"", 0, "\"\""},
        {"a\nb\tc\r", 6, "\"a\\nb\\tc\\r\""},
        {"a\0b\x1b", 4, "\"a\\x00b\\x1b\""},
        {"\xC3\xA9", 2, "\"\xC3\xA9\""},
        {"\xC3", 1, "\"\\xc3\""},
        {"\xFF\xC0\x80", 3, "\"\\xff\\xc0\\x80\""},
        {"\xED\xA0\x80", 3, "\"\\xed\\xa0\\x80\""},
        {"\xC2\x85", 2, "\"\\xc2\\x85\""},
        {"0123456789012345678901234567890123456789", 40,
         "\"0123456789012345678901234567890123456789\""},
        {"0123456789012345678901234567890123456789x", 41,
         "\"0123456789012345678901234567890123456789...\""},
    };
    for (size_t i = 0; i < GCH_COUNT_OF(table); i++)
        assert_string_equal(gch__field_quote((const uint8_t *)table[i].text, table[i].length, out),
                            table[i].expected);
    uint8_t worst[60];
    memset(worst, 1, sizeof worst);
    assert_int_equal(strlen(gch__field_quote(worst, sizeof worst, out)), 40 * 4 + 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals_equal_their_text),
        cmocka_unit_test(what_no_decimal_holds_is_the_nearest_double),
        cmocka_unit_test(a_digit_beyond_the_kept_ones_still_decides_the_rounding),
        cmocka_unit_test(gaps_are_known_in_any_case),
        cmocka_unit_test(what_is_no_number_is_told),
        cmocka_unit_test(printed_doubles_come_back_bit_for_bit),
        cmocka_unit_test(a_locale_with_decimal_commas_changes_nothing),
        cmocka_unit_test(quotes_cut_and_escape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
