/* Numbers from people, numbers for people, and guesses at mistyped words. */
#include "cli_text.h"

#include "cli.h"
#include "test.h"
static uint64_t count_of(const char *text)
{
    uint64_t value = 0;
    if (!cli_parse_count(text, &value))
        fail_msg("'%s' was refused", text);
    return value;
}

static void counts_are_read_in_every_notation(void **state)
{
    (void)state;
    assert_int_equal(count_of("0"), 0);
    assert_int_equal(count_of("1000"), 1000);
    assert_int_equal(count_of("1e9"), 1000000000);
    assert_int_equal(count_of("1.5e3"), 1500);
    assert_int_equal(count_of("100M"), 100000000);
    assert_int_equal(count_of("1.25k"), 1250);
    assert_int_equal(count_of("2G"), 2000000000);
    assert_int_equal(count_of("3T"), 3000000000000);
    assert_int_equal(count_of("1_000_000"), 1000000);
    assert_int_equal(count_of("10.0"), 10);
    assert_true(count_of("18446744073709551615") == UINT64_MAX);
}

static void counts_that_are_not_whole_or_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",     "-1",        "1.5", "1e-3", "1.0005k", "18446744073709551616",
        "1e20", "20000000T", "M",   "1__0", "_1",      "1_",
        "0x10", "1 000",     "1MM", "abc",  "1e",      "+",
        "inf",  "nan",       "1,0",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint64_t value;
        if (cli_parse_count(bad[i], &value))
            fail_msg("'%s' was taken as %llu", bad[i], (unsigned long long)value);
    }
}

static void reals_are_finite_decimals(void **state)
{
    (void)state;
    double value = 0;
    assert_true(cli_parse_real("0.5", &value));
    assert_true(value == 0.5);
    assert_true(cli_parse_real("-2e3", &value));
    assert_true(value == -2000);
    assert_false(cli_parse_real("1e399", &value));
    assert_false(cli_parse_real("nan", &value));
    assert_false(cli_parse_real("1,5", &value));
    assert_false(cli_parse_real("", &value));
    double values[3];
    assert_int_equal(cli_parse_reals("4,0.5,-1", values, 3), 3);
    assert_true(values[0] == 4 && values[1] == 0.5 && values[2] == -1);
    assert_int_equal(cli_parse_reals("4", values, 3), 1);
    static const char *const refused[] = {"", "4,", ",4", "1,2,3,4", "1,x"};
    for (size_t i = 0; i < CLI_COUNT_OF(refused); i++)
        assert_int_equal(cli_parse_reals(refused[i], values, 3), 0);
}

static void counts_are_grouped_by_thousands(void **state)
{
    (void)state;
    char text[CLI_NUMBER_CAP];
    assert_string_equal(cli_format_count(0, text), "0");
    assert_string_equal(cli_format_count(999, text), "999");
    assert_string_equal(cli_format_count(1000, text), "1,000");
    assert_string_equal(cli_format_count(1234567, text), "1,234,567");
    assert_string_equal(cli_format_count(UINT64_MAX, text), "18,446,744,073,709,551,615");
}

static void sizes_and_durations_have_three_digits_and_a_unit(void **state)
{
    (void)state;
    char text[CLI_NUMBER_CAP];
    assert_string_equal(cli_format_bytes(0, text), "0 bytes");
    assert_string_equal(cli_format_bytes(1, text), "1 byte");
    assert_string_equal(cli_format_bytes(999, text), "999 bytes");
    assert_string_equal(cli_format_bytes(1000, text), "1.00 kB");
    assert_string_equal(cli_format_bytes(9999, text), "10.0 kB");
    assert_string_equal(cli_format_bytes(999999, text), "1.00 MB");
    assert_string_equal(cli_format_bytes(123400000000, text), "123 GB");
    assert_string_equal(cli_format_duration(0, text), "0:00");
    assert_string_equal(cli_format_duration(59.6, text), "1:00");
    assert_string_equal(cli_format_duration(3723, text), "1:02:03");
    assert_string_equal(cli_format_duration(-1, text), "0:00");
}

static void yield_is_told_only_where_it_says_something(void **state)
{
    (void)state;
    char text[CLI_YIELD_CAP];
    assert_string_equal(cli_format_yield(3, 6, 33000, 0.0016, text), "2 ms");
    assert_string_equal(cli_format_yield(20000000, 40000000, 50000000, 0.5, text),
                        "1.25 bytes a point, 500 ms, 40.0 Mrows/s");
    assert_string_equal(cli_format_yield(1000000000, 1000000000, 800000000, 12.345, text),
                        "0.80 bytes a point, 12.35 s, 81.0 Mrows/s");
    assert_string_equal(cli_format_yield(1000000, 1000000, 1000000, 0, text), "0 ms");
}

static void cleaned_text_is_valid_utf8_without_controls(void **state)
{
    (void)state;
    char out[64];
    assert_int_equal(cli_clean_text("temp \xC2\xB0"
                                    "C",
                                    out, sizeof out),
                     8);
    assert_string_equal(out, "temp \xC2\xB0"
                             "C");
    cli_clean_text("a\033[31mb\nc\x7F", out, sizeof out);
    assert_string_equal(out, "a?[31mb?c?");
    cli_clean_text("\xC2\x9B"
                   "x",
                   out, sizeof out); /* CSI as a C1 control */
    assert_string_equal(out, "?x");
    cli_clean_text("\xFF\xC0\xAF\xED\xA0\x80", out, sizeof out);
    for (const char *p = out; *p != '\0'; p += 3)
        assert_memory_equal(p, "\xEF\xBF\xBD", 3);
    assert_int_equal(strlen(out), 18);
}

static void cleaned_text_is_cut_between_characters(void **state)
{
    (void)state;
    char out[6];
    assert_int_equal(cli_clean_text("\xE2\x94\x81\xE2\x94\x81", out, sizeof out), 3);
    assert_string_equal(out, "\xE2\x94\x81");
}

static void width_counts_characters_not_bytes(void **state)
{
    (void)state;
    assert_int_equal(cli_text_width("\xC2\xB0"
                                    "C"),
                     2);
    assert_int_equal(cli_text_width(""), 0);
}

static void distance_counts_edits_and_swaps_once(void **state)
{
    (void)state;
    assert_int_equal(cli_edit_distance("column", "column"), 0);
    assert_int_equal(cli_edit_distance("colum", "column"), 1);
    assert_int_equal(cli_edit_distance("colunm", "column"), 1);
    assert_int_equal(cli_edit_distance("COLUMN", "column"), 0);
    assert_int_equal(cli_edit_distance("", "abc"), 3);
    assert_int_equal(cli_edit_distance("kitten", "sitting"), 3);
    char endless[200];
    memset(endless, 'a', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    assert_true(cli_edit_distance(endless, "abc") == SIZE_MAX);
}

static const char *guess_among_commands(const char *word)
{
    cli_guess guess = {.word = word};
    cli_guess_offer(&guess, "ingest");
    cli_guess_offer(&guess, "render");
    cli_guess_offer(&guess, "info");
    return guess.best;
}

static void guess_takes_the_nearest_word_and_nothing_far(void **state)
{
    (void)state;
    assert_string_equal(guess_among_commands("rendr"), "render");
    assert_string_equal(guess_among_commands("igest"), "ingest");
    assert_string_equal(guess_among_commands("inof"), "info");
    assert_string_equal(guess_among_commands("ing"), "ingest");
    assert_null(guess_among_commands("frobnicate"));
    assert_null(guess_among_commands("x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_read_in_every_notation),
        cmocka_unit_test(counts_that_are_not_whole_or_do_not_fit_are_refused),
        cmocka_unit_test(reals_are_finite_decimals),
        cmocka_unit_test(counts_are_grouped_by_thousands),
        cmocka_unit_test(sizes_and_durations_have_three_digits_and_a_unit),
        cmocka_unit_test(yield_is_told_only_where_it_says_something),
        cmocka_unit_test(cleaned_text_is_valid_utf8_without_controls),
        cmocka_unit_test(cleaned_text_is_cut_between_characters),
        cmocka_unit_test(width_counts_characters_not_bytes),
        cmocka_unit_test(distance_counts_edits_and_swaps_once),
        cmocka_unit_test(guess_takes_the_nearest_word_and_nothing_far),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
