/* Time: units, the calendar, ISO 8601 text, and zones against the C library's own conversion. */
#include "test.h"

#include "base_time_zone.h"

#include <time.h>

static gch_time_zone *open_zone(const char *name)
{
    gch_error err;
    gch_time_zone *zone = NULL;
    assert_ok(gch_time_zone_open(name, NULL, &zone, &err));
    return zone;
}

static int64_t utc(int64_t year, uint32_t month, uint32_t day, int hour, int minute)
{
    return gch_days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60;
}

/* ---- units and the calendar ---- */

static void units_have_names_and_sizes(void **state)
{
    (void)state;
    for (gch_time_unit unit = GCH_TIME_INDEX; unit <= GCH_TIME_NS; unit++) {
        gch_time_unit back;
        assert_true(gch_time_unit_parse(gch_time_unit_name(unit), &back));
        assert_int_equal(back, unit);
    }
    gch_time_unit unit;
    assert_false(gch_time_unit_parse("default", &unit));
    assert_false(gch_time_unit_parse("m", &unit));
    assert_int_equal(gch_time_unit_per_second(GCH_TIME_US), 1000000);
    assert_int_equal(gch_time_unit_per_second(GCH_TIME_INDEX), 0);
}

static void guess_goes_by_magnitude(void **state)
{
    (void)state;
    assert_int_equal(gch_time_unit_guess(1709294400), GCH_TIME_S);
    assert_int_equal(gch_time_unit_guess(1709294400000), GCH_TIME_MS);
    assert_int_equal(gch_time_unit_guess(1709294400000000), GCH_TIME_US);
    assert_int_equal(gch_time_unit_guess(1709294400000000000), GCH_TIME_NS);
    assert_int_equal(gch_time_unit_guess(-99999999999), GCH_TIME_S);
    assert_int_equal(gch_time_unit_guess(100000000000), GCH_TIME_MS);
    assert_int_equal(gch_time_unit_guess(INT64_MIN), GCH_TIME_NS);
}

static void days_count_every_date_of_eight_centuries(void **state)
{
    (void)state;
    static const uint32_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t days = gch_days_from_civil(1600, 1, 1);
    assert_int_equal(days, -135140);
    assert_int_equal(gch_weekday_from_days(days), 5); /* a Saturday */
    uint32_t weekday = 5;
    for (int64_t year = 1600; year < 2400; year++) {
        bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        for (uint32_t month = 1; month <= 12; month++) {
            uint32_t length = lengths[month - 1] + (month == 2 && is_leap ? 1u : 0u);
            for (uint32_t day = 1; day <= length; day++, days++, weekday = (weekday + 1) % 7) {
                int64_t y;
                uint32_t m, d;
                gch_civil_from_days(days, &y, &m, &d);
                if (y != year || m != month || d != day ||
                    gch_days_from_civil(year, month, day) != days ||
                    gch_weekday_from_days(days) != weekday)
                    fail_msg("%lld-%u-%u", (long long)year, month, day);
            }
        }
    }
}

static void the_calendar_holds_at_the_ends_of_int64(void **state)
{
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        int64_t days = sign * (INT64_MAX / 86400);
        int64_t year;
        uint32_t month, day;
        gch_civil_from_days(days, &year, &month, &day);
        assert_int_equal(gch_days_from_civil(year, month, day), days);
    }
    int64_t year;
    uint32_t month, day;
    gch_civil_from_days(INT64_MAX, &year, &month, &day);
    assert_true(year > 0);
    gch_civil_from_days(INT64_MIN, &year, &month, &day);
    assert_true(year < 0);
    assert_true(gch_days_from_civil(INT64_MAX, 12, 31) > 0);
    assert_true(gch_days_from_civil(INT64_MIN, 1, 1) < 0);
}

/* ---- text ---- */

static void assert_parse(const char *text, gch_time_unit unit, const gch_time_zone *zone,
                         int64_t expected)
{
    gch_error err;
    int64_t ticks = 0;
    assert_ok(gch_time_parse(text, strlen(text), unit, zone, &ticks, &err));
    if (ticks != expected)
        fail_msg("'%s': %lld, expected %lld", text, (long long)ticks, (long long)expected);
}

static void parse_reads_iso_8601(void **state)
{
    (void)state;
    const int64_t noon = 1709296200; /* 2024-03-01T12:30:00Z */
    assert_parse("2024-03-01", GCH_TIME_S, NULL, noon - 45000);
    assert_parse("2024-03-01T12:30", GCH_TIME_S, NULL, noon);
    assert_parse("2024-03-01 12:30:00.125", GCH_TIME_MS, NULL, noon * 1000 + 125);
    assert_parse("2024/03/01 12:30:00.125", GCH_TIME_MS, NULL, noon * 1000 + 125);
    assert_parse("2024-03-01t12:30:00,5z", GCH_TIME_MS, NULL, noon * 1000 + 500);
    assert_parse("2024-03-01T12:30:00.000000001Z", GCH_TIME_NS, NULL, noon * 1000000000 + 1);
    assert_parse("2024-03-01T12:30:00.1250000000000", GCH_TIME_MS, NULL, noon * 1000 + 125);
    assert_parse("2024-03-01T14:30:00+02:00", GCH_TIME_S, NULL, noon);
    assert_parse("2024-03-01T14:30:00+0200", GCH_TIME_S, NULL, noon);
    assert_parse("2024-03-01T10:30:00-02", GCH_TIME_S, NULL, noon);
    assert_parse("2024-02-29T24:00", GCH_TIME_S, NULL, noon - 45000);
    assert_parse("2016-12-31T23:59:60Z", GCH_TIME_S, NULL, 1483228800); /* a leap second */
    assert_parse("-0001-01-01", GCH_TIME_S, NULL, utc(-1, 1, 1, 0, 0));
    assert_parse("0000-01-01", GCH_TIME_S, NULL, -62167219200);
    assert_parse("+12024-01-01", GCH_TIME_S, NULL, utc(12024, 1, 1, 0, 0));

    gch_time_zone *berlin = open_zone("Europe/Berlin");
    assert_parse("2024-07-01T12:00", GCH_TIME_S, berlin, utc(2024, 7, 1, 10, 0));
    assert_parse("2024-07-01T12:00Z", GCH_TIME_S, berlin, utc(2024, 7, 1, 12, 0));
    assert_parse("2024-07-01T12:00+05:30", GCH_TIME_MS, berlin, utc(2024, 7, 1, 6, 30) * 1000);
    gch_time_zone_close(berlin);
}

static void parse_rejects_other_text(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "2024",
        "2024-3-1",
        "2024-03",
        "24-03-01",
        "2024-13-01",
        "2024-00-01",
        "2024-02-30",
        "2023-02-29",
        "2024-03-01T",
        "2024-03-01T25:00",
        "2024-03-01T24:01",
        "2024-03-01T12:60",
        "2024-03-01T12:30:60",
        "2024-03-01T12:30:",
        "2024-03-01T12:30:00.",
        "2024-03-01T12:30:00.5x",
        "2024-03-01T12:30+",
        "2024-03-01T12:30+2",
        "2024-03-01T12:30+27",
        "2024-03-01T12:30+02:",
        "2024-03-01T12:30ZZ",
        " 2024-03-01",
        "2024-03-01 ",
        "12024-01-01",
        "-12-01-01",
        "+1234567890123-01-01",
        "1709294400",
    };
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        gch_error err;
        int64_t ticks;
        if (gch_time_parse(cases[i], strlen(cases[i]), GCH_TIME_NS, NULL, &ticks, &err) !=
            GCH_PARSE)
            fail_msg("'%s'", cases[i]);
    }
    gch_error err;
    int64_t ticks;
    assert_status(gch_time_parse("2024-03-01", 10, GCH_TIME_INDEX, NULL, &ticks, &err), GCH_PARSE);
    assert_status(gch_time_parse("2024-03-01\0", 11, GCH_TIME_S, NULL, &ticks, &err), GCH_PARSE);
}

static void parse_says_limit_when_the_unit_cannot_hold_it(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        gch_time_unit unit;
    } cases[] = {
        {"2024-03-01T12:30:00.5", GCH_TIME_S},
        {"2024-03-01T12:30:00.0001", GCH_TIME_MS},
        {"2024-03-01T12:30:00.0000000001", GCH_TIME_NS},
        {"2262-04-11T23:47:16.854775808Z", GCH_TIME_NS}, /* one tick past INT64_MAX */
        {"1677-09-21T00:12:43.145224191Z", GCH_TIME_NS}, /* one tick before INT64_MIN */
        {"+999999999999-01-01", GCH_TIME_S},
        {"-999999999999-01-01", GCH_TIME_US},
    };
    gch_time_zone *berlin = open_zone("Europe/Berlin");
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        gch_error err;
        int64_t ticks;
        size_t length = strlen(cases[i].text);
        assert_status(gch_time_parse(cases[i].text, length, cases[i].unit, NULL, &ticks, &err),
                      GCH_LIMIT);
        assert_status(gch_time_parse(cases[i].text, length, cases[i].unit, berlin, &ticks, &err),
                      GCH_LIMIT);
    }
    gch_time_zone_close(berlin);
}

static void format_writes_the_units_digits(void **state)
{
    (void)state;
    gch_time_zone *berlin = open_zone("Europe/Berlin"), *london = open_zone("Europe/London");
    const struct {
        int64_t ticks;
        gch_time_unit unit;
        const gch_time_zone *zone;
        const char *expected;
    } cases[] = {
        {1709294400, GCH_TIME_S, NULL, "2024-03-01T12:00:00Z"},
        {1709296200125, GCH_TIME_MS, NULL, "2024-03-01T12:30:00.125Z"},
        {-1, GCH_TIME_US, NULL, "1969-12-31T23:59:59.999999Z"},
        {1, GCH_TIME_NS, NULL, "1970-01-01T00:00:00.000000001Z"},
        {1709294400, GCH_TIME_S, berlin, "2024-03-01T13:00:00+01:00"},
        {1709294400, GCH_TIME_S, london, "2024-03-01T12:00:00+00:00"},
        {-4000000000, GCH_TIME_S, berlin, "1843-03-31T17:46:48+00:53:28"},
        {-62198755200, GCH_TIME_S, NULL, "-0001-01-01T00:00:00Z"},
        {253402300800, GCH_TIME_S, NULL, "+10000-01-01T00:00:00Z"},
        {-42, GCH_TIME_INDEX, NULL, "-42"},
    };
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        char text[64];
        size_t length =
            gch_time_format(cases[i].ticks, cases[i].unit, cases[i].zone, text, sizeof text);
        assert_string_equal(text, cases[i].expected);
        assert_int_equal(length, strlen(cases[i].expected));
    }
    gch_time_zone_close(london);
    gch_time_zone_close(berlin);
}

static void text_reads_back_for_any_ticks_in_any_zone(void **state)
{
    (void)state;
    static const char *const names[] = {"UTC", "Europe/Berlin", "Australia/Lord_Howe",
                                        "America/New_York"};
    uint64_t seed = 5;
    for (size_t z = 0; z < GCH_COUNT_OF(names); z++) {
        gch_time_zone *zone = open_zone(names[z]);
        for (int i = 0; i < 4000; i++) {
            gch_time_unit unit = (gch_time_unit)(GCH_TIME_S + i % 4);
            int64_t ticks = (int64_t)test_random(&seed) >> (test_random(&seed) % 40);
            if (i < 4)
                ticks = INT64_MAX;
            else if (i < 8)
                ticks = INT64_MIN;
            gch_error err;
            char text[64];
            int64_t back = 0;
            size_t length = gch_time_format(ticks, unit, zone, text, sizeof text);
            assert_true(length < sizeof text - 1);
            assert_ok(gch_time_parse(text, length, unit, zone, &back, &err));
            if (back != ticks)
                fail_msg("%s: %lld, expected %lld", text, (long long)back, (long long)ticks);
        }
        gch_time_zone_close(zone);
    }
}

/* ---- zones ---- */

static void compare_with_the_c_library(const gch_time_zone *zone, const char *name, int64_t utc_s)
{
    time_t time = (time_t)utc_s;
    struct tm expected;
    assert_non_null(localtime_r(&time, &expected));
    const char *abbreviation = NULL;
    int32_t offset;
    int32_t got = gch_time_zone_offset(zone, utc_s, &abbreviation);
    gch_civil civil = gch_civil_from_ticks(utc_s, GCH_TIME_S, zone, &offset);
    if (got != (int32_t)expected.tm_gmtoff || strcmp(abbreviation, expected.tm_zone) != 0)
        fail_msg("%s at %lld: %d %s, expected %ld %s", name, (long long)utc_s, got, abbreviation,
                 expected.tm_gmtoff, expected.tm_zone);
    if (offset != got || civil.year != expected.tm_year + 1900 ||
        civil.month != (uint32_t)expected.tm_mon + 1 || civil.day != (uint32_t)expected.tm_mday ||
        civil.hour != (uint32_t)expected.tm_hour || civil.minute != (uint32_t)expected.tm_min ||
        civil.second != (uint32_t)expected.tm_sec)
        fail_msg("%s at %lld", name, (long long)utc_s);
}

static void zones_agree_with_the_c_library(void **state)
{
    (void)state;
    static const char *const names[] = {
        "Europe/Berlin",    "America/New_York",  "Australia/Lord_Howe", /* 30 minutes of DST */
        "Asia/Kathmandu",   "Africa/Casablanca", /* DST below standard time */
        "Europe/Dublin",                         /* the same, by a footer's rule */
        "America/Nuuk",                          /* a rule's time before midnight */
        "Asia/Jerusalem",                        /* and one past 24 h */
        "America/Santiago", "Asia/Tokyo",        "Africa/Cairo",
        "Pacific/Apia",     "Antarctica/Troll",  "America/St_Johns",
    };
    uint64_t seed = 6;
    for (size_t z = 0; z < GCH_COUNT_OF(names); z++) {
        gch_time_zone *zone = open_zone(names[z]);
        assert_string_equal(gch_time_zone_name(zone), names[z]);
        setenv("TZ", names[z], 1);
        tzset();
        for (int i = 0; i < 2000; i++) {
            /* Years 1653 to 2286 mostly, some from -1200 to 5100. */
            int64_t range = i % 4 == 0 ? 100000000000 : 10000000000;
            compare_with_the_c_library(
                zone, names[z], (int64_t)(test_random(&seed) % (uint64_t)(2 * range)) - range);
        }
        /* About every change: the table's, then the footer's. */
        int64_t change = -10000000000;
        int change_count = 0;
        for (; gch__time_zone_next_change(zone, change, &change) && change_count < 1500;
             change_count++) {
            compare_with_the_c_library(zone, names[z], change - 1);
            compare_with_the_c_library(zone, names[z], change);
        }
        assert_true(change_count > 0);
        gch_time_zone_close(zone);
    }
    unsetenv("TZ");
    tzset();
}

static void the_footers_rule_holds_in_the_far_future(void **state)
{
    (void)state;
    gch_time_zone *berlin = open_zone("Europe/Berlin");
    const char *abbreviation;
    assert_int_equal(gch_time_zone_offset(berlin, utc(9999, 7, 1, 0, 0), &abbreviation), 7200);
    assert_string_equal(abbreviation, "CEST");
    /* 400 years and any number of them later the calendar is the same. */
    for (int64_t year = 2100; year < 1000000000000 / 40; year *= 7) {
        int64_t change =
            utc(year, 3, 31, 1, 0) -
            (int64_t)((gch_weekday_from_days(gch_days_from_civil(year, 3, 31)) + 1) % 7) * 86400;
        assert_int_equal(gch_time_zone_offset(berlin, change - 1, NULL), 3600);
        assert_int_equal(gch_time_zone_offset(berlin, change, NULL), 7200);
        int64_t next = 0;
        assert_true(gch__time_zone_next_change(berlin, change - 1, &next));
        assert_int_equal(next, change);
    }
    /* At the ends of int64 nothing overflows. */
    (void)gch_time_zone_offset(berlin, INT64_MAX, NULL);
    assert_int_equal(gch_time_zone_offset(berlin, INT64_MIN, NULL), 3208);
    int64_t next;
    assert_false(gch__time_zone_next_change(berlin, INT64_MAX, &next));
    gch_time_zone_close(berlin);
}

static void local_times_map_to_their_first_instant(void **state)
{
    (void)state;
    gch_time_zone *berlin = open_zone("Europe/Berlin");
    /* 2024-03-31: 02:00 becomes 03:00 at 01:00 UTC. */
    int64_t spring = utc(2024, 3, 31, 1, 0);
    assert_int_equal(gch_time_zone_to_utc(berlin, utc(2024, 3, 31, 1, 59)), spring - 60);
    assert_int_equal(gch_time_zone_to_utc(berlin, utc(2024, 3, 31, 2, 0)), spring);
    assert_int_equal(gch_time_zone_to_utc(berlin, utc(2024, 3, 31, 2, 30)), spring);
    assert_int_equal(gch_time_zone_to_utc(berlin, utc(2024, 3, 31, 3, 0)), spring);
    assert_int_equal(gch_time_zone_to_utc(berlin, utc(2024, 3, 31, 3, 1)), spring + 60);
    /* 2024-10-27: 03:00 becomes 02:00 at 01:00 UTC. */
    int64_t autumn = utc(2024, 10, 27, 1, 0);
    assert_int_equal(gch_time_zone_to_utc(berlin, utc(2024, 10, 27, 2, 30)), autumn - 1800);
    assert_int_equal(gch_time_zone_to_utc(berlin, utc(2024, 10, 27, 3, 0)), autumn + 3600);
    /* In the footer's years too. */
    assert_int_equal(gch_time_zone_to_utc(berlin, utc(2424, 3, 31, 2, 30)), utc(2424, 3, 31, 1, 0));
    assert_int_equal(gch_time_zone_to_utc(NULL, 12345), 12345);
    (void)gch_time_zone_to_utc(berlin, INT64_MIN);
    (void)gch_time_zone_to_utc(berlin, INT64_MAX);
    gch_time_zone_close(berlin);
}

static void to_utc_undoes_the_offset(void **state)
{
    (void)state;
    static const char *const names[] = {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
                                        "Pacific/Apia", "Africa/Casablanca"};
    uint64_t seed = 7;
    for (size_t z = 0; z < GCH_COUNT_OF(names); z++) {
        gch_time_zone *zone = open_zone(names[z]);
        int repeated_count = 0;
        int64_t change = -5000000000;
        for (int i = 0; i < 6000; i++) {
            /* Half at random, half within two hours of a change. */
            int64_t instant = (int64_t)(test_random(&seed) % 20000000000) - 10000000000;
            if (i % 2 == 0 && gch__time_zone_next_change(zone, change, &change))
                instant = change - 7200 + (int64_t)(test_random(&seed) % 14400);
            int64_t local = instant + gch_time_zone_offset(zone, instant, NULL);
            int64_t got = gch_time_zone_to_utc(zone, local);
            assert_int_equal(got + gch_time_zone_offset(zone, got, NULL), local);
            assert_true(got <= instant);
            repeated_count += got < instant;
        }
        assert_true(repeated_count > 0);
        gch_time_zone_close(zone);
    }
}

static void open_refuses_names_that_are_no_zones(void **state)
{
    (void)state;
    static const char *const names[] = {
        "Europe/Nowhere",
        "../../../etc/passwd",
        "/etc/localtime",
        "Europe/",
        "Europe",
        "Europe/../UTC",
        "a b",
        "Europe/Berlin\n",
        "tzdata.zi",
    };
    for (size_t i = 0; i < GCH_COUNT_OF(names); i++) {
        gch_error err;
        gch_time_zone *zone = NULL;
        assert_status(gch_time_zone_open(names[i], NULL, &zone, &err), GCH_NOT_FOUND);
        assert_null(zone);
    }
    char long_name[400];
    memset(long_name, 'a', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    gch_time_zone *zone = NULL;
    assert_status(gch_time_zone_open(long_name, NULL, &zone, NULL), GCH_NOT_FOUND);
}

static void no_name_is_utc_without_a_file(void **state)
{
    (void)state;
    setenv("TZDIR", "/nowhere", 1);
    gch_time_zone *none = open_zone(NULL), *empty = open_zone(""), *named = open_zone("UTC");
    unsetenv("TZDIR");
    const char *abbreviation;
    assert_int_equal(gch_time_zone_offset(none, 1709294400, &abbreviation), 0);
    assert_string_equal(abbreviation, "UTC");
    assert_string_equal(gch_time_zone_name(empty), "UTC");
    assert_int_equal(gch_time_zone_to_utc(named, 42), 42);
    assert_string_equal(gch_time_zone_name(NULL), "UTC");
    gch_time_zone_close(none);
    gch_time_zone_close(empty);
    gch_time_zone_close(named);
    gch_time_zone_close(NULL);
}

/* ---- hostile zone files ---- */

static void store_be32(uint8_t *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (24 - 8 * i));
}

static size_t put_header(uint8_t *out, uint32_t change_count, uint32_t type_count,
                         uint32_t char_count)
{
    memset(out, 0, 44);
    memcpy(out, "TZif3", 5);
    store_be32(out + 32, change_count);
    store_be32(out + 36, type_count);
    store_be32(out + 40, char_count);
    return 44;
}

/* A zone without changes: type 0 is "LMT" at 0, and all else stands in the footer. */
static size_t make_footer_file(uint8_t *out, const char *footer)
{
    size_t at = put_header(out, 0, 1, 4);
    memcpy(out + at, "\0\0\0\0\0\0LMT", 10);
    at += 10;
    at += put_header(out + at, 0, 1, 4);
    memcpy(out + at, "\0\0\0\0\0\0LMT", 10);
    at += 10;
    at += (size_t)sprintf((char *)out + at, "\n%s\n", footer);
    return at;
}

static gch_status parse_footer_file(const char *footer, gch_time_zone **out)
{
    uint8_t bytes[512];
    size_t count = make_footer_file(bytes, footer);
    return gch__time_zone_parse(bytes, count, "Test/Zone", NULL, out, NULL);
}

static gch_time_zone *zone_of_footer(const char *footer)
{
    gch_time_zone *zone = NULL;
    if (parse_footer_file(footer, &zone) != GCH_OK)
        fail_msg("'%s' was refused", footer);
    return zone;
}

static void footers_of_every_form_are_understood(void **state)
{
    (void)state;
    const char *abbreviation;
    gch_time_zone *zone = zone_of_footer("");
    assert_int_equal(gch_time_zone_offset(zone, 0, &abbreviation), 0);
    assert_string_equal(abbreviation, "LMT");
    gch_time_zone_close(zone);

    zone = zone_of_footer("<+0545>-5:45");
    assert_int_equal(gch_time_zone_offset(zone, 0, &abbreviation), 20700);
    assert_string_equal(abbreviation, "+0545");
    gch_time_zone_close(zone);

    /* Daylight-saving time all year (RFC 8536, 3.3.1). */
    zone = zone_of_footer("EST5EDT,0/0,J365/25");
    for (int64_t day = -1000; day < 1000; day++) {
        assert_int_equal(gch_time_zone_offset(zone, day * 86400 + 5 * 3600, NULL), -4 * 3600);
        assert_int_equal(gch_time_zone_offset(zone, day * 86400 + 5 * 3600 - 1, NULL), -4 * 3600);
    }
    gch_time_zone_close(zone);

    zone = zone_of_footer("EST5EDT,M3.2.0,M11.1.0");
    for (int sign = -1; sign <= 1; sign += 2) {
        int64_t far = sign < 0 ? INT64_MIN : INT64_MAX;
        int32_t offset = gch_time_zone_offset(zone, far, NULL);
        assert_true(offset == -5 * 3600 || offset == -4 * 3600);
        (void)gch_time_zone_to_utc(zone, far);
    }
    gch_time_zone_close(zone);

    /* Jn never counts 29 February, n does; the South has its summer over the new year. */
    zone = zone_of_footer("AAA0BBB-1,J300/0,60/0");
    assert_int_equal(gch_time_zone_offset(zone, utc(2023, 10, 26, 23, 59), NULL), 0);
    assert_int_equal(gch_time_zone_offset(zone, utc(2023, 10, 27, 0, 0), NULL), 3600);
    assert_int_equal(gch_time_zone_offset(zone, utc(2024, 10, 26, 23, 59), NULL), 0);
    assert_int_equal(gch_time_zone_offset(zone, utc(2024, 10, 27, 0, 0), NULL), 3600);
    assert_int_equal(gch_time_zone_offset(zone, utc(2025, 1, 1, 0, 0), NULL), 3600);
    assert_int_equal(gch_time_zone_offset(zone, utc(2024, 2, 29, 22, 59), NULL), 3600);
    assert_int_equal(gch_time_zone_offset(zone, utc(2024, 2, 29, 23, 0), NULL), 0);
    assert_int_equal(gch_time_zone_offset(zone, utc(2023, 3, 1, 22, 59), NULL), 3600);
    assert_int_equal(gch_time_zone_offset(zone, utc(2023, 3, 1, 23, 0), NULL), 0);
    gch_time_zone_close(zone);

    /* J60 is 1 March in every year. */
    zone = zone_of_footer("AAA0BBB,J60/0,J200/0");
    assert_int_equal(gch_time_zone_offset(zone, utc(2024, 2, 29, 23, 59), NULL), 0);
    assert_int_equal(gch_time_zone_offset(zone, utc(2024, 3, 1, 0, 0), NULL), 3600);
    assert_int_equal(gch_time_zone_offset(zone, utc(2023, 2, 28, 23, 59), NULL), 0);
    assert_int_equal(gch_time_zone_offset(zone, utc(2023, 3, 1, 0, 0), NULL), 3600);
    gch_time_zone_close(zone);

    /* A time a week before its date: 2024-03-31 less 167 h. */
    zone = zone_of_footer("AAA0BBB,M3.5.0/-167,M10.5.0/+167:59:59");
    assert_int_equal(gch_time_zone_offset(zone, utc(2024, 3, 24, 0, 59), NULL), 0);
    assert_int_equal(gch_time_zone_offset(zone, utc(2024, 3, 24, 1, 0), NULL), 3600);
    gch_time_zone_close(zone);
}

static void malformed_footers_are_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "A",
        "AB1",
        "ABC",
        "ABC25",
        "ABC1:60",
        "<ABC1",
        "<A>1",
        "ABC1DEF",
        "ABC1DEF,M3.2.0",
        "ABC1DEF,M3.2.0,",
        "ABC1DEF,M13.2.0,M11.1.0",
        "ABC1DEF,M0.2.0,M11.1.0",
        "ABC1DEF,M3.6.0,M11.1.0",
        "ABC1DEF,M3.0.0,M11.1.0",
        "ABC1DEF,M3.2.7,M11.1.0",
        "ABC1DEF,J0,J365",
        "ABC1DEF,J366,J365",
        "ABC1DEF,366,J365",
        "ABC1DEF,M3.2.0/168,M11.1.0",
        "ABC1DEF,M3.2.0,M11.1.0x",
        "ABC99999999999999999999",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJ1",
        ":Europe/Berlin",
    };
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        gch_time_zone *zone = NULL;
        if (parse_footer_file(cases[i], &zone) != GCH_CORRUPT)
            fail_msg("'%s'", cases[i]);
        assert_null(zone);
    }
}

static size_t read_zone_file(const char *path, uint8_t *out, size_t cap)
{
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    size_t count = fread(out, 1, cap, in);
    fclose(in);
    assert_true(count > 100 && count < cap);
    return count;
}

static void every_truncation_of_a_zone_file_is_refused(void **state)
{
    (void)state;
    static uint8_t bytes[16384];
    size_t count = read_zone_file("/usr/share/zoneinfo/Europe/Berlin", bytes, sizeof bytes);
    for (size_t cut = 0; cut < count; cut++) {
        /* A block of exactly that size, so that a read past its end is seen. */
        uint8_t *copy = malloc(cut + 1);
        assert_non_null(copy);
        memcpy(copy + 1, bytes, cut);
        gch_time_zone *zone = NULL;
        gch_error err;
        assert_status(gch__time_zone_parse(copy + 1, cut, "x", NULL, &zone, &err), GCH_CORRUPT);
        assert_null(zone);
        free(copy);
    }
}

static void damaged_zone_files_never_give_wild_offsets(void **state)
{
    (void)state;
    static uint8_t bytes[16384], damaged[16384];
    size_t count = read_zone_file("/usr/share/zoneinfo/Europe/Berlin", bytes, sizeof bytes);
    uint64_t seed = 8;
    int refused_count = 0;
    for (int i = 0; i < 20000; i++) {
        memcpy(damaged, bytes, count);
        for (uint64_t flips = 1 + test_random(&seed) % 3; flips > 0; flips--) {
            uint64_t at = test_random(&seed) % count;
            if (i % 3 == 0)
                at %= 44; /* the counts of the first header */
            damaged[at] = (uint8_t)test_random(&seed);
        }
        gch_time_zone *zone = NULL;
        gch_status status = gch__time_zone_parse(damaged, count, "x", NULL, &zone, NULL);
        if (status != GCH_OK) {
            assert_true(status == GCH_CORRUPT || status == GCH_NOT_FOUND);
            refused_count++;
            continue;
        }
        int64_t instant = (int64_t)test_random(&seed) >> (test_random(&seed) % 40);
        const char *abbreviation;
        int32_t offset = gch_time_zone_offset(zone, instant, &abbreviation);
        assert_true(offset >= -93599 && offset <= 93599);
        assert_true(strlen(abbreviation) < 256);
        (void)gch_time_zone_to_utc(zone, instant);
        gch_time_zone_close(zone);
    }
    assert_true(refused_count > 1000);
}

static void leap_second_zones_are_refused_by_name(void **state)
{
    (void)state;
    uint8_t bytes[512];
    size_t count = put_header(bytes, 0, 1, 4);
    bytes[4] = 0;              /* version 1 */
    store_be32(bytes + 28, 1); /* one leap second */
    memcpy(bytes + count, "\0\0\0\0\0\0LMT\0\0\0\0\0\0\0\0", 18);
    gch_time_zone *zone = NULL;
    gch_error err;
    assert_status(gch__time_zone_parse(bytes, count + 18, "right/X", NULL, &zone, &err),
                  GCH_NOT_FOUND);
    assert_non_null(strstr(err.message, "leap"));
}

static void version_1_files_are_read(void **state)
{
    (void)state;
    uint8_t bytes[512];
    size_t count = put_header(bytes, 1, 2, 8);
    bytes[4] = 0;
    store_be32(bytes + count, (uint32_t)-1000000);
    memcpy(bytes + count + 4,
           "\1"
           "\0\0\0\0\0\0"
           "\0\0\x0e\x10\1\4"
           "AAA\0BBB",
           21);
    gch_time_zone *zone = NULL;
    gch_error err;
    assert_ok(gch__time_zone_parse(bytes, count + 25, "v1", NULL, &zone, &err));
    const char *abbreviation;
    assert_int_equal(gch_time_zone_offset(zone, -1000001, &abbreviation), 0);
    assert_string_equal(abbreviation, "AAA");
    assert_int_equal(gch_time_zone_offset(zone, -1000000, &abbreviation), 3600);
    assert_string_equal(abbreviation, "BBB");
    gch_time_zone_close(zone);
}

typedef struct failing_heap {
    int left, live;
} failing_heap;

static void *resize_until_it_fails(void *context, void *old, size_t bytes, const char *purpose)
{
    (void)purpose;
    failing_heap *heap = context;
    if (bytes == 0) {
        heap->live -= old != NULL;
        free(old);
        return NULL;
    }
    if (heap->left-- <= 0)
        return NULL;
    heap->live += old == NULL;
    return realloc(old, bytes);
}

static void open_survives_the_failure_of_any_allocation(void **state)
{
    (void)state;
    for (int n = 0;; n++) {
        failing_heap heap = {.left = n};
        gch_allocator allocator = {.resize = resize_until_it_fails, .context = &heap};
        gch_time_zone *zone = NULL;
        gch_error err;
        gch_status status = gch_time_zone_open("Europe/Berlin", &allocator, &zone, &err);
        if (status == GCH_OK) {
            assert_true(n > 5);
            gch_time_zone_close(zone);
            assert_int_equal(heap.live, 0);
            return;
        }
        assert_int_equal(status, GCH_NO_MEMORY);
        assert_int_equal(heap.live, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_have_names_and_sizes),
        cmocka_unit_test(guess_goes_by_magnitude),
        cmocka_unit_test(days_count_every_date_of_eight_centuries),
        cmocka_unit_test(the_calendar_holds_at_the_ends_of_int64),
        cmocka_unit_test(parse_reads_iso_8601),
        cmocka_unit_test(parse_rejects_other_text),
        cmocka_unit_test(parse_says_limit_when_the_unit_cannot_hold_it),
        cmocka_unit_test(format_writes_the_units_digits),
        cmocka_unit_test(text_reads_back_for_any_ticks_in_any_zone),
        cmocka_unit_test(zones_agree_with_the_c_library),
        cmocka_unit_test(the_footers_rule_holds_in_the_far_future),
        cmocka_unit_test(local_times_map_to_their_first_instant),
        cmocka_unit_test(to_utc_undoes_the_offset),
        cmocka_unit_test(open_refuses_names_that_are_no_zones),
        cmocka_unit_test(no_name_is_utc_without_a_file),
        cmocka_unit_test(footers_of_every_form_are_understood),
        cmocka_unit_test(malformed_footers_are_refused),
        cmocka_unit_test(every_truncation_of_a_zone_file_is_refused),
        cmocka_unit_test(damaged_zone_files_never_give_wild_offsets),
        cmocka_unit_test(leap_second_zones_are_refused_by_name),
        cmocka_unit_test(version_1_files_are_read),
        cmocka_unit_test(open_survives_the_failure_of_any_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
