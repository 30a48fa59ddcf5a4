/* Fields of text to ticks: the fast path against gch_time_parse, units, refusals. */
#include "ingest_field.h"

#include "test.h"

static gch__time_result read_text(gch__time_field *field, const char *text, int64_t *ticks)
{
    return gch__time_field_read(field, (const uint8_t *)text, strlen(text), ticks);
}

static void times_are_read_in_every_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        gch__time_mode mode;
        gch_time_unit unit;
        gch__time_result result;
        int64_t ticks;
    } table[] = {
        {"1970-01-01T00:00:00Z", GCH__TIME_TEXT, GCH_TIME_S, GCH__TIME_OK, 0},
        {"2024/02/29 12:30:15", GCH__TIME_TEXT, GCH_TIME_S, GCH__TIME_OK, 1709209815},
        {"2024/02-29 12:30:15", GCH__TIME_TEXT, GCH_TIME_S, GCH__TIME_BAD, 0},
        {"2024-02-29 12:30:15", GCH__TIME_TEXT, GCH_TIME_S, GCH__TIME_OK, 1709209815},
        {" 2024-02-29T12:30:15Z ", GCH__TIME_TEXT, GCH_TIME_S, GCH__TIME_OK, 1709209815},
        {"2024-02-29T12:30:15+01:00", GCH__TIME_TEXT, GCH_TIME_S, GCH__TIME_OK, 1709206215},
        {"2024-02-29T12:30:15-05:30", GCH__TIME_TEXT, GCH_TIME_S, GCH__TIME_OK, 1709229615},
        {"2024-02-29T12:30:15+0100", GCH__TIME_TEXT, GCH_TIME_S, GCH__TIME_OK, 1709206215},
        {"2024-02-29", GCH__TIME_TEXT, GCH_TIME_S, GCH__TIME_OK, 1709164800},
        {"2024-02-29T12:30", GCH__TIME_TEXT, GCH_TIME_S, GCH__TIME_OK, 1709209800},
        {"2024-02-29T12:30:15.125Z", GCH__TIME_TEXT, GCH_TIME_MS, GCH__TIME_OK, 1709209815125},
        {"2024-02-29T12:30:15.125000", GCH__TIME_TEXT, GCH_TIME_MS, GCH__TIME_OK, 1709209815125},
        {"2024-02-29T12:30:15.5", GCH__TIME_TEXT, GCH_TIME_US, GCH__TIME_OK, 1709209815500000},
        {"2024-02-29T12:30:15.123456789Z", GCH__TIME_TEXT, GCH_TIME_NS, GCH__TIME_OK,
         1709209815123456789},
        {"1969-12-31T23:59:59.999Z", GCH__TIME_TEXT, GCH_TIME_MS, GCH__TIME_OK, -1},
        {"1677-09-21T00:12:43.145224192Z", GCH__TIME_TEXT, GCH_TIME_NS, GCH__TIME_OK, INT64_MIN},
        {"2262-04-11T23:47:16.854775807Z", GCH__TIME_TEXT, GCH_TIME_NS, GCH__TIME_OK, INT64_MAX},
        {"2262-04-11T23:47:16.854775808Z", GCH__TIME_TEXT, GCH_TIME_NS, GCH__TIME_RANGE, 0},
        {"2024-02-29T12:30:15.1234Z", GCH__TIME_TEXT, GCH_TIME_MS, GCH__TIME_FINER, 0},
        {"2024-02-29T12:30:15.1234567891Z", GCH__TIME_TEXT, GCH_TIME_NS, GCH__TIME_RANGE, 0},
        {"2023-02-29T12:30:15Z", GCH__TIME_TEXT, GCH_TIME_S, GCH__TIME_BAD, 0},
        {"2024-13-01T12:30:15Z", GCH__TIME_TEXT, GCH_TIME_S, GCH__TIME_BAD, 0},
        {"2024-01-01T25:30:15Z", GCH__TIME_TEXT, GCH_TIME_S, GCH__TIME_BAD, 0},
        {"2024-01-01T12:30:15X", GCH__TIME_TEXT, GCH_TIME_S, GCH__TIME_BAD, 0},
        {"2024-01-01T12:30:15.", GCH__TIME_TEXT, GCH_TIME_S, GCH__TIME_BAD, 0},
        {"1709209815", GCH__TIME_TEXT, GCH_TIME_S, GCH__TIME_BAD, 0},
        {"", GCH__TIME_TEXT, GCH_TIME_S, GCH__TIME_MISSING, 0},
        {"NaN", GCH__TIME_TICKS, GCH_TIME_S, GCH__TIME_MISSING, 0},
        {"AAPL", GCH__TIME_TICKS, GCH_TIME_S, GCH__TIME_BAD, 0},
        {"2024-02-29", GCH__TIME_TICKS, GCH_TIME_S, GCH__TIME_BAD, 0},
        {"1709209815", GCH__TIME_TICKS, GCH_TIME_S, GCH__TIME_OK, 1709209815},
        {"-5", GCH__TIME_TICKS, GCH_TIME_MS, GCH__TIME_OK, -5},
        {"+5", GCH__TIME_TICKS, GCH_TIME_MS, GCH__TIME_OK, 5},
        {" 5 ", GCH__TIME_TICKS, GCH_TIME_MS, GCH__TIME_OK, 5},
        {"9223372036854775807", GCH__TIME_TICKS, GCH_TIME_NS, GCH__TIME_OK, INT64_MAX},
        {"-9223372036854775808", GCH__TIME_TICKS, GCH_TIME_NS, GCH__TIME_OK, INT64_MIN},
        {"9223372036854775808", GCH__TIME_TICKS, GCH_TIME_NS, GCH__TIME_RANGE, 0},
        {"1.7000000000000000000e+09", GCH__TIME_TICKS, GCH_TIME_S, GCH__TIME_OK, 1700000000},
        {"1700000000.0", GCH__TIME_TICKS, GCH_TIME_S, GCH__TIME_OK, 1700000000},
        {"1700000000.5", GCH__TIME_TICKS, GCH_TIME_S, GCH__TIME_FINER, 0},
        {"7", GCH__TIME_TICKS, GCH_TIME_INDEX, GCH__TIME_OK, 7},
        {"1700000000.125", GCH__TIME_SECONDS, GCH_TIME_MS, GCH__TIME_OK, 1700000000125},
        {"1700000000", GCH__TIME_SECONDS, GCH_TIME_MS, GCH__TIME_OK, 1700000000000},
        {"-0.5", GCH__TIME_SECONDS, GCH_TIME_MS, GCH__TIME_OK, -500},
        {"-1.25", GCH__TIME_SECONDS, GCH_TIME_MS, GCH__TIME_OK, -1250},
        {"0.0001", GCH__TIME_SECONDS, GCH_TIME_MS, GCH__TIME_FINER, 0},
        {"0.000000001", GCH__TIME_SECONDS, GCH_TIME_NS, GCH__TIME_OK, 1},
        {"0.0000000001", GCH__TIME_SECONDS, GCH_TIME_NS, GCH__TIME_RANGE, 0},
        {"1700000000125.5", GCH__TIME_SECONDS, GCH_TIME_MS, GCH__TIME_RANGE, 0},
        {"9223372037", GCH__TIME_SECONDS, GCH_TIME_NS, GCH__TIME_RANGE, 0},
    };
    for (size_t i = 0; i < GCH_COUNT_OF(table); i++) {
        gch__time_field field = {0};
        int64_t ticks = 0;
        gch__time_field_set(&field, table[i].mode, table[i].unit);
        gch__time_result result = read_text(&field, table[i].text, &ticks);
        if (result != table[i].result || (result == GCH__TIME_OK && ticks != table[i].ticks))
            fail_msg("%s in %s: result %d, ticks %lld", table[i].text,
                     gch_time_unit_name(table[i].unit), (int)result, (long long)ticks);
    }
}

static void the_unit_needed_follows_the_digits_written(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        gch_time_unit unit;
    } table[] = {
        {"2024-02-29T12:30:15Z", GCH_TIME_S},
        {"2024-02-29T12:30:15.0Z", GCH_TIME_MS},
        {"2024-02-29T12:30:15.000Z", GCH_TIME_MS},
        {"2024-02-29T12:30:15.0000Z", GCH_TIME_US},
        {"2024-02-29T12:30:15.000000", GCH_TIME_US},
        {"2024-02-29T12:30:15.0000000", GCH_TIME_NS},
        {"2024-02-29T12:30:15.125+0100", GCH_TIME_MS},
        {"2024-02-29", GCH_TIME_S},
        {"1700000000.000", GCH_TIME_S},
        {"1700000000.120", GCH_TIME_MS},
        {"1700000000.1201", GCH_TIME_US},
        {"1700000000.1200001", GCH_TIME_NS},
    };
    for (size_t i = 0; i < GCH_COUNT_OF(table); i++) {
        gch__time_field field = {0};
        gch__moment moment = {0};
        const char *text = table[i].text;
        assert_int_equal(
            gch__time_field_moment(&field, (const uint8_t *)text, strlen(text), &moment),
            GCH__TIME_OK);
        if (moment.unit_needed != table[i].unit)
            fail_msg("%s needs %s", text, gch_time_unit_name(moment.unit_needed));
    }
}

/* Texts near the fixed layout: whatever the fast path takes, gch_time_parse takes alike. */
static void the_fast_path_agrees_with_the_parser(void **state)
{
    (void)state;
    gch_error err;
    gch_time_zone *zone = NULL;
    if (gch_time_zone_open("Europe/Berlin", NULL, &zone, &err) != GCH_OK)
        zone = NULL; /* a system without zone files: UTC only */
    uint64_t random = 7;
    int accepted = 0;
    for (int i = 0; i < 100000; i++) {
        char text[64];
        uint64_t r = test_random(&random);
        static const char *const tails[] = {"",   "Z",     "+02:00",        "-11:45",     "+0200",
                                            ".5", ".125Z", ".000001+01:00", ".123456789", "z"};
        int length = snprintf(text, sizeof text, "%04u-%02u-%02u%c%02u:%02u:%02u%s",
                              (unsigned)(1900 + r % 200), (unsigned)(r >> 8) % 14,
                              (unsigned)(r >> 16) % 33, (r >> 24 & 7) == 0 ? ' ' : 'T',
                              (unsigned)(r >> 27) % 25, (unsigned)(r >> 32) % 61,
                              (unsigned)(r >> 40) % 61, tails[(r >> 48) % GCH_COUNT_OF(tails)]);
        if ((r >> 61) == 1)
            text[4] = text[7] = '/';
        if ((r >> 60) == 0)
            text[(r >> 52) % (unsigned)length] = "0:-T.Z+9x/"[(r >> 56) % 10];
        const gch_time_zone *used = i % 2 == 0 ? zone : NULL;
        gch__time_field field = {.zone = used};
        gch__time_field_set(&field, GCH__TIME_TEXT, GCH_TIME_NS);
        int64_t ticks = 0, expected = 0;
        gch__time_result result = read_text(&field, text, &ticks);
        gch_status status =
            gch_time_parse(text, (size_t)length, GCH_TIME_NS, used, &expected, &err);
        if ((result == GCH__TIME_OK) != (status == GCH_OK) ||
            (status == GCH_OK && ticks != expected))
            fail_msg("%s: result %d and %lld, parser %s and %lld", text, (int)result,
                     (long long)ticks, gch_status_name(status), (long long)expected);
        accepted += status == GCH_OK;
    }
    assert_in_range(accepted, 50000, 100000);
    gch_time_zone_close(zone);
}

static void the_remembered_day_is_not_taken_for_another(void **state)
{
    (void)state;
    gch__time_field field = {0};
    int64_t ticks;
    gch__time_field_set(&field, GCH__TIME_TEXT, GCH_TIME_S);
    assert_int_equal(read_text(&field, "2024-03-01T00:00:00Z", &ticks), GCH__TIME_OK);
    assert_int_equal(ticks, 1709251200);
    assert_int_equal(read_text(&field, "2024-03-02T00:00:00Z", &ticks), GCH__TIME_OK);
    assert_int_equal(ticks, 1709251200 + 86400);
    assert_int_equal(read_text(&field, "2024-02-30T00:00:00Z", &ticks), GCH__TIME_BAD);
    assert_int_equal(read_text(&field, "2024-03-02T00:00:01Z", &ticks), GCH__TIME_OK);
    assert_int_equal(ticks, 1709251200 + 86401);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read_in_every_unit),
        cmocka_unit_test(the_unit_needed_follows_the_digits_written),
        cmocka_unit_test(the_fast_path_agrees_with_the_parser),
        cmocka_unit_test(the_remembered_day_is_not_taken_for_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
