/* Names, escapes and query strings, sound and hostile. */
#include "serve_url.h"
#include "test.h"

static char name[GCH__NAME_CAP];

static bool decode_name(const char *text)
{
    return gch__url_decode_name((gch__span){(const uint8_t *)text, strlen(text)}, name);
}

static void names_are_decoded_part_by_part(void **state)
{
    (void)state;
    assert_true(decode_name("a"));
    assert_true(decode_name("market/2024%20a/b.c"));
    assert_string_equal(name, "market/2024 a/b.c");
    assert_true(decode_name("%C3%A4%e2%82%AC"));
    assert_string_equal(name, "\xC3\xA4\xE2\x82\xAC");
}

static void names_that_lead_elsewhere_are_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",     "/",      "/a",       "a/",           "a//b",      ".",       "..",
        "../a", "a/../b", "%2e%2e/a", "a/%2e%2e/b",   "a%2Fb",     "a%2fb",   ".a",
        "a/.b", "a%00b",  "a%0ab",    "a%7f",         "a\\b",      "a%5Cb",   "%",
        "%1",   "%zz",    "%c3",      "%c0%ae%c0%ae", "%ed%a0%80", "a%c2%85", "..%2f"};
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        if (decode_name(cases[i]))
            fail_msg("taken: %s", cases[i]);
    }
    char text[GCH__NAME_CAP + 1];
    memset(text, 'a', GCH__NAME_CAP);
    text[GCH__NAME_CAP] = '\0';
    assert_false(decode_name(text));
    text[GCH__NAME_CAP - 1] = '\0';
    assert_true(decode_name(text));
}

static void a_name_written_into_a_url_is_read_back(void **state)
{
    (void)state;
    static const char *const cases[] = {"a/b", "a b?c#d&e=f%", "\xC3\xA4\xE2\x82\xAC/x", "~a-b._"};
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        gch__buffer out = {.purpose = "test"};
        assert_true(gch__url_append_name(&out, cases[i]));
        assert_true(gch__url_decode_name((gch__span){out.bytes, out.count}, name));
        assert_string_equal(name, cases[i]);
        for (size_t b = 0; b < out.count; b++)
            assert_true(out.bytes[b] > ' ' && out.bytes[b] < 0x7F &&
                        strchr("?#&", out.bytes[b]) == NULL);
        gch__buffer_reset(&out);
    }
}

static int view_of(const char *path)
{
    return gch__path_view((gch__span){(const uint8_t *)path, strlen(path)});
}

static void the_view_of_a_path_is_its_last_part_alone(void **state)
{
    (void)state;
    assert_int_equal(view_of("a/columns"), 0);
    assert_int_equal(view_of("a/b c/nearest"), 4);
    static const char *const cases[] = {"",           "columns", "/columns", "a/column",
                                        "a/points/b", "apoints", "a/points/"};
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++)
        assert_int_equal(view_of(cases[i]), -1);
}

static gch__parameters parameters;
static char room[256];

static bool parse(const char *text)
{
    return gch__parameters_parse((gch__span){(const uint8_t *)text, strlen(text)}, room,
                                 strlen(text) + 1, &parameters);
}

static void query_strings_are_split_and_decoded(void **state)
{
    (void)state;
    assert_true(parse(""));
    assert_int_equal(parameters.count, 0);
    assert_true(parse("a=b&c=%20d+e&f&g=&h==i"));
    assert_int_equal(parameters.count, 5);
    assert_string_equal(gch__parameters_get(&parameters, "a"), "b");
    assert_string_equal(gch__parameters_get(&parameters, "c"), " d+e");
    assert_string_equal(gch__parameters_get(&parameters, "f"), "");
    assert_string_equal(gch__parameters_get(&parameters, "g"), "");
    assert_string_equal(gch__parameters_get(&parameters, "h"), "=i");
    assert_null(gch__parameters_get(&parameters, "b"));
}

static void malformed_query_strings_are_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {"&",    "a&&b",  "=a",    "a=%",
                                        "a=%1", "a=%00", "a=%ff", "%0a=b"};
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        if (parse(cases[i]))
            fail_msg("taken: %s", cases[i]);
    }
    char text[2 * GCH__PARAMETERS_MAX + 8] = "";
    for (uint32_t i = 0; i < GCH__PARAMETERS_MAX; i++)
        strcat(text, i > 0 ? "&a" : "a");
    assert_true(parse(text));
    strcat(text, "&a");
    assert_false(parse(text));
}

static void unknown_and_repeated_keys_are_named(void **state)
{
    (void)state;
    static const char *const known[] = {"a", "b"};
    assert_true(parse("a=1&b=2"));
    assert_null(gch__parameters_check(&parameters, known, 2, NULL));
    assert_true(parse("a=1&c=2"));
    assert_string_equal(gch__parameters_check(&parameters, known, 2, NULL), "c");
    assert_true(parse("a=1&a=1"));
    assert_string_equal(gch__parameters_check(&parameters, known, 2, NULL), "a");
    assert_null(gch__parameters_check(&parameters, known, 2, "a"));
}

static void counts_stay_within_their_bounds(void **state)
{
    (void)state;
    uint64_t value;
    assert_true(gch__text_count("18446744073709551615", 0, UINT64_MAX, &value));
    assert_true(value == UINT64_MAX);
    assert_false(gch__text_count("18446744073709551616", 0, UINT64_MAX, &value));
    assert_false(gch__text_count("-1", 0, 10, &value));
    assert_false(gch__text_count("", 0, 10, &value));
    assert_false(gch__text_count("11", 0, 10, &value));
    assert_false(gch__text_count("1e1", 0, 10, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_decoded_part_by_part),
        cmocka_unit_test(names_that_lead_elsewhere_are_refused),
        cmocka_unit_test(a_name_written_into_a_url_is_read_back),
        cmocka_unit_test(the_view_of_a_path_is_its_last_part_alone),
        cmocka_unit_test(query_strings_are_split_and_decoded),
        cmocka_unit_test(malformed_query_strings_are_refused),
        cmocka_unit_test(unknown_and_repeated_keys_are_named),
        cmocka_unit_test(counts_stay_within_their_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
