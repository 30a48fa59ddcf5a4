/* Time ticks: round civil times in any zone, at any scale, with labels that can be told apart. */
#include "test.h"

#include "scene_ticks.h"

#include <math.h>

#define TICK_CAP 1024u
#define GAP_PX 28.0f

static gch__tick ticks[TICK_CAP];

/* Seven pixels a character. */
static float measure(void *context, const char *text)
{
    (void)context;
    float width = 0;
    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80 ? 7.0f : 0.0f;
    return width;
}

static gch_time_zone *open_zone(const char *name)
{
    gch_error err;
    gch_time_zone *zone = NULL;
    assert_ok(gch_time_zone_open(name, NULL, &zone, &err));
    return zone;
}

static int64_t instant(const char *text, gch_time_unit unit, const gch_time_zone *zone)
{
    gch_error err;
    int64_t at = 0;
    assert_ok(gch_time_parse(text, strlen(text), unit, zone, &at, &err));
    return at;
}

static uint32_t make_ticks(int64_t from, int64_t to, gch_time_unit unit, const gch_time_zone *zone,
                           float width)
{
    return gch__time_ticks(from, to, unit, zone, width, GAP_PX, measure, NULL, ticks, TICK_CAP);
}

/* The labelled ticks as "label" or "label[context]", parted by '|'. */
static const char *majors_of(uint32_t count)
{
    static char text[8192];
    size_t length = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(ticks[i].is_major, ticks[i].label[0] != '\0');
        if (!ticks[i].is_major)
            continue;
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s",
                                   length > 0 ? "|" : "", ticks[i].label);
        if (ticks[i].context[0] != '\0')
            length +=
                (size_t)snprintf(text + length, sizeof text - length, "[%s]", ticks[i].context);
    }
    return text;
}

static const char *majors(const char *zone_name, gch_time_unit unit, const char *from,
                          const char *to, float width)
{
    gch_time_zone *zone = open_zone(zone_name);
    uint32_t count =
        make_ticks(instant(from, unit, zone), instant(to, unit, zone), unit, zone, width);
    gch_time_zone_close(zone);
    return majors_of(count);
}

static const char *seconds(const char *from, const char *to, float width)
{
    return majors("UTC", GCH_TIME_S, from, to, width);
}

static void every_scale_has_its_labels_and_contexts(void **state)
{
    (void)state;
    assert_string_equal(seconds("2024-03-04T14:30:00", "2024-03-04T14:30:10", 600),
                        "14:30:00[2024 Mar 4]|14:30:02|14:30:04|14:30:06|14:30:08|14:30:10");
    assert_string_equal(seconds("2024-03-04T14:30", "2024-03-04T16:20", 400),
                        "14:30[2024 Mar 4]|15:00|15:30|16:00");
    assert_string_equal(seconds("2024-03-04T23:30", "2024-03-05T02:20", 500),
                        "23:30[2024 Mar 4]|00:00[2024 Mar 5]|00:30|01:00|01:30|02:00");
    assert_string_equal(seconds("2023-12-30", "2024-01-03", 600),
                        "00:00[2023 Dec 30]|12:00|00:00[2023 Dec 31]|12:00|00:00[2024 Jan 1]|"
                        "12:00|00:00[2024 Jan 2]|12:00|00:00[2024 Jan 3]");
    assert_string_equal(seconds("2023-12-30", "2024-01-03", 320),
                        "Dec 30[2023]|Dec 31|Jan 1[2024]|Jan 2|Jan 3");
    assert_string_equal(seconds("2024-02-28", "2024-04-02", 400),
                        "Mar 4[2024]|Mar 11|Mar 18|Mar 25|Apr 1");
    assert_string_equal(seconds("2023-11-15", "2024-04-02", 400),
                        "Dec[2023]|Jan[2024]|Feb|Mar|Apr");
    assert_string_equal(seconds("2019-05-01", "2022-05-01", 400),
                        "Jul[2019]|Jan[2020]|Jul|Jan[2021]|Jul|Jan[2022]");
    assert_string_equal(seconds("1999-05-01", "2022-05-01", 400), "2000|2005|2010|2015|2020");
}

static void fractions_of_a_second_show_enough_digits_down_to_ns(void **state)
{
    (void)state;
    assert_string_equal(
        majors("UTC", GCH_TIME_MS, "2024-03-04T14:30:05.2", "2024-03-04T14:30:06.3", 400),
        "05.2[2024 Mar 4 14:30:05]|05.4|05.6|05.8|06.0[2024 Mar 4 14:30:06]|06.2");
    assert_string_equal(
        majors("UTC", GCH_TIME_US, "2024-03-04T14:30:05.249900", "2024-03-04T14:30:05.250200", 400),
        "05.2499[2024 Mar 4 14:30:05]|05.2500|05.2501|05.2502");
    assert_string_equal(majors("UTC", GCH_TIME_NS, "2024-03-04T14:30:05.999999999",
                               "2024-03-04T14:30:06.000000002", 600),
                        "05.999999999[2024 Mar 4 14:30:05]|06.000000000[2024 Mar 4 14:30:06]|"
                        "06.000000001|06.000000002");
    /* A unit of a second has no finer ticks, however near the view. */
    assert_string_equal(seconds("2024-03-04T14:30:05", "2024-03-04T14:30:06", 2000),
                        "14:30:05[2024 Mar 4]|14:30:06");
}

static void contexts_grow_short_or_give_way_where_they_would_touch(void **state)
{
    (void)state;
    assert_string_equal(
        majors("UTC", GCH_TIME_MS, "2024-03-04T14:30:05.8", "2024-03-04T14:30:06.5", 400),
        "05.8[2024 Mar 4 14:30:05]|05.9|06.0[14:30:06]|06.1|06.2|06.3|06.4|06.5");
    assert_string_equal(
        majors("UTC", GCH_TIME_MS, "2024-03-04T14:30:05.9", "2024-03-04T14:30:06.2", 200),
        "05.9|06.0[2024 Mar 4 14:30:06]|06.1|06.2");
    assert_string_equal(seconds("2024-03-04T23:00", "2024-03-05T02:00", 200),
                        "23:00[2024 Mar 4]|00:00[Mar 5]|01:00|02:00");
}

static void years_reach_from_before_the_era_to_eons(void **state)
{
    (void)state;
    assert_string_equal(seconds("-0060-01-01", "0060-01-01", 400), "−60|−40|−20|0|20|40|60");
    assert_string_equal(seconds("-20000-01-01", "+20000-01-01", 500),
                        "−20,000|−10,000|0|10,000|20,000");
    assert_string_equal(seconds("-0044-03-15T11:00", "-0044-03-15T13:00", 300),
                        "11:00[−44 Mar 15]|11:30|12:00|12:30|13:00");
    uint32_t count = make_ticks(INT64_MIN, INT64_MAX, GCH_TIME_S, NULL, 900);
    assert_string_equal(majors_of(count), "−200,000,000,000|−100,000,000,000|0|100,000,000,000|"
                                          "200,000,000,000");
}

static void rows_are_plain_integers(void **state)
{
    (void)state;
    assert_string_equal(majors_of(make_ticks(0, 9000, GCH_TIME_INDEX, NULL, 400)),
                        "0|2000|4000|6000|8000");
    assert_string_equal(majors_of(make_ticks(0, 1000000000, GCH_TIME_INDEX, NULL, 600)),
                        "0|200,000,000|400,000,000|600,000,000|800,000,000|1,000,000,000");
    assert_string_equal(majors_of(make_ticks(3, 5, GCH_TIME_INDEX, NULL, 800)), "3|4|5");
    assert_true(make_ticks(INT64_MIN, INT64_MAX, GCH_TIME_INDEX, NULL, 800) > 0);
    assert_true(make_ticks(INT64_MAX - 1, INT64_MAX, GCH_TIME_INDEX, NULL, 800) == 2);
}

static void a_repeated_hour_is_shown_twice_with_labels_of_its_own(void **state)
{
    (void)state;
    assert_string_equal(
        majors("Europe/Berlin", GCH_TIME_S, "2024-10-26T23:00", "2024-10-27T05:00", 600),
        "23:00[2024 Oct 26]|00:00[2024 Oct 27]|01:00|02:00|02:00 CET|03:00|04:00|05:00");
    /* By half an hour, and with abbreviations that are offsets. */
    assert_string_equal(
        majors("Australia/Lord_Howe", GCH_TIME_S, "2024-04-07T01:00", "2024-04-07T03:00", 500),
        "01:00[2024 Apr 7]|01:30|01:30 +1030|02:00|02:30|03:00");
    /* Below a second the context tells. */
    assert_string_equal(majors("Europe/Berlin", GCH_TIME_MS, "2024-10-27T02:30:00+01:00",
                               "2024-10-27T02:30:00.5+01:00", 500),
                        "00.0[2024 Oct 27 02:30:00 CET]|00.1|00.2|00.3|00.4|00.5");
}

static void a_skipped_hour_has_no_ticks(void **state)
{
    (void)state;
    assert_string_equal(
        majors("Europe/Berlin", GCH_TIME_S, "2024-03-31T00:00", "2024-03-31T06:00", 500),
        "00:00[2024 Mar 31]|01:00|03:00|04:00|05:00|06:00");
    /* Longer steps stay with civil midnight; 02:00 is not there. */
    assert_string_equal(
        majors("Europe/Berlin", GCH_TIME_S, "2024-03-30T22:00", "2024-03-31T10:00", 500),
        "22:00[2024 Mar 30]|00:00[2024 Mar 31]|04:00|06:00|08:00|10:00");
    assert_string_equal(
        majors("Europe/Berlin", GCH_TIME_S, "2024-10-26T22:00", "2024-10-27T10:00", 500),
        "22:00[2024 Oct 26]|00:00[Oct 27]|02:00|04:00|06:00|08:00|10:00");
    /* A day that begins at 01:00 begins all the same. */
    assert_string_equal(
        majors("Africa/Cairo", GCH_TIME_S, "2024-04-25T12:00", "2024-04-26T12:00", 400),
        "12:00[2024 Apr 25]|16:00|20:00|01:00[2024 Apr 26]|04:00|08:00|12:00");
    assert_string_equal(majors("Africa/Cairo", GCH_TIME_S, "2024-04-25", "2024-04-28", 300),
                        "Apr 25[2024]|Apr 26|Apr 27|Apr 28");
    /* And 2011-12-30 never was. */
    assert_string_equal(majors("Pacific/Apia", GCH_TIME_S, "2011-12-28", "2012-01-02", 400),
                        "Dec 28[2011]|Dec 29|Dec 31|Jan 1[2012]|Jan 2");
    assert_string_equal(majors("Pacific/Apia", GCH_TIME_S, "2011-12-24", "2012-01-05", 460),
                        "Dec 24[2011]|Dec 26|Dec 28|Jan 1[2012]|Jan 3|Jan 5");
}

static void a_change_by_odd_minutes_leaves_no_two_ticks_close(void **state)
{
    (void)state;
    /* 1883-11-18: 12:03:58 of local mean time became 12:00. */
    assert_string_equal(
        majors("America/New_York", GCH_TIME_S, "1883-11-18T09:00", "1883-11-18T15:00", 500),
        "09:00[1883 Nov 18]|10:00|11:00|12:00|13:00|14:00|15:00");
    gch_time_zone *zone = open_zone("America/New_York");
    uint32_t count =
        make_ticks(instant("1883-11-18T09:00", GCH_TIME_S, zone),
                   instant("1883-11-18T15:00", GCH_TIME_S, zone), GCH_TIME_S, zone, 500);
    for (uint32_t i = 1; i < count; i++)
        assert_true(ticks[i].position - ticks[i - 1].position > 10); /* half of 15 minutes */
    gch_time_zone_close(zone);
}

static void days_of_23_and_25_hours_have_their_true_widths(void **state)
{
    (void)state;
    gch_time_zone *zone = open_zone("America/New_York");
    int64_t from = instant("2024-03-09", GCH_TIME_S, zone);
    int64_t to = instant("2024-03-12", GCH_TIME_S, zone);
    assert_int_equal(to - from, 71 * 3600);
    uint32_t count = make_ticks(from, to, GCH_TIME_S, zone, 284); /* 4 px an hour */
    double before = -1, widths[3] = {0};
    uint32_t days = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!ticks[i].is_major)
            continue;
        if (before >= 0 && days < 3)
            widths[days++] = ticks[i].position - before;
        before = ticks[i].position;
    }
    assert_int_equal(days, 3);
    assert_true(fabs(widths[0] - 96) < 1e-9);
    assert_true(fabs(widths[1] - 92) < 1e-9);
    assert_true(fabs(widths[2] - 96) < 1e-9);
    gch_time_zone_close(zone);
}

static void panning_does_not_change_the_step(void **state)
{
    (void)state;
    /* Across a change of clocks, a month's end and wide and narrow labels. */
    gch_time_zone *zone = open_zone("Europe/Berlin");
    static const int64_t spans[] = {3600, 6 * 3600, 86400, 10 * 86400, 100 * 86400};
    for (size_t s = 0; s < GCH_COUNT_OF(spans); s++) {
        int64_t from = instant("2024-03-01", GCH_TIME_S, zone);
        uint32_t fewest = UINT32_MAX, most = 0;
        for (int i = 0; i < 400; i++) {
            int64_t at = from + spans[s] * i / 10;
            uint32_t count = make_ticks(at, at + spans[s], GCH_TIME_S, zone, 640);
            uint32_t labelled = 0;
            for (uint32_t k = 0; k < count; k++)
                labelled += ticks[k].is_major;
            fewest = GCH_MIN(fewest, labelled);
            most = GCH_MAX(most, labelled);
        }
        /* The number in view differs by where the first falls, and by one for the clocks. */
        if (most - fewest > 2)
            fail_msg("span %lld: %u to %u labels", (long long)spans[s], fewest, most);
    }
    gch_time_zone_close(zone);
}

static void narrow_and_degenerate_views_are_served(void **state)
{
    (void)state;
    assert_string_equal(seconds("2024-03-01T13:05", "2024-03-01T14:20", 20), "14:00[2024 Mar 1]");
    gch__tick few[4];
    int64_t from = instant("2024-03-01", GCH_TIME_S, NULL);
    uint32_t count =
        gch__time_ticks(from, from + 86400, GCH_TIME_S, NULL, 1000, GAP_PX, measure, NULL, few, 4);
    assert_true(count >= 2 && count <= 4); /* a larger step, not half an axis */
    assert_true(few[count - 1].position > 400);
    assert_int_equal(make_ticks(from, from, GCH_TIME_S, NULL, 100), 0);
    assert_int_equal(make_ticks(from, from - 1, GCH_TIME_S, NULL, 100), 0);
    assert_int_equal(make_ticks(from, from + 1, GCH_TIME_S, NULL, 0), 0);
    assert_int_equal(make_ticks(from, from + 1, GCH_TIME_S, NULL, NAN), 0);
    assert_int_equal(
        gch__time_ticks(from, from + 9, GCH_TIME_S, NULL, 100, GAP_PX, measure, NULL, few, 0), 0);
}

/* What holds for any view: order, distance, and that equal labels have different contexts. */
static void check_view(int64_t from, int64_t to, gch_time_unit unit, const gch_time_zone *zone,
                       float width)
{
    uint32_t count = make_ticks(from, to, unit, zone, width);
    const gch__tick *before = NULL;
    const char *context = "";
    for (uint32_t i = 0; i < count; i++) {
        const gch__tick *tick = &ticks[i];
        bool is_good = tick->position >= 0 && tick->position <= (double)width + 1e-6 &&
                       (i == 0 || tick->position > tick[-1].position) &&
                       tick->is_major == (tick->label[0] != '\0') &&
                       (tick->is_major || tick->context[0] == '\0') && strlen(tick->label) < 47 &&
                       strlen(tick->context) < 47;
        if (tick->is_major && before != NULL) {
            double taken = (double)(measure(NULL, before->label) + measure(NULL, tick->label)) / 2;
            is_good = is_good && tick->position - before->position >= taken;
            if (strcmp(before->label, tick->label) == 0)
                is_good =
                    is_good && tick->context[0] != '\0' && strcmp(context, tick->context) != 0;
        }
        if (!is_good)
            fail_msg("%lld..%lld unit %d width %f: tick %u '%s'", (long long)from, (long long)to,
                     (int)unit, (double)width, i, tick->label);
        if (tick->context[0] != '\0')
            context = tick->context;
        if (tick->is_major)
            before = tick;
    }
}

static void any_view_has_ordered_ticks_that_can_be_told_apart(void **state)
{
    (void)state;
    static const char *const names[] = {
        "UTC",          "Europe/Berlin",    "Australia/Lord_Howe", "America/Santiago",
        "Pacific/Apia", "Africa/Casablanca"};
    uint64_t seed = 21;
    for (size_t z = 0; z < GCH_COUNT_OF(names); z++) {
        gch_time_zone *zone = open_zone(names[z]);
        for (int i = 0; i < 1500; i++) {
            gch_time_unit unit = (gch_time_unit)(GCH_TIME_INDEX + i % 5);
            int64_t from = (int64_t)test_random(&seed) >> (test_random(&seed) % 60);
            uint64_t span = 1 + (test_random(&seed) >> (test_random(&seed) % 64));
            if (i % 3 == 0 && unit != GCH_TIME_INDEX) {
                /* About the changes of clocks of our days. */
                from = (1700000000 + (int64_t)(test_random(&seed) % 100000000)) *
                       gch_time_unit_per_second(unit);
                span %= (uint64_t)gch_time_unit_per_second(unit) * 40 * 86400;
                span++;
            }
            int64_t to;
            if (__builtin_add_overflow((__int128)from, (__int128)span, &to))
                to = INT64_MAX;
            if (from < to)
                check_view(from, to, unit, zone, (float)(10 + test_random(&seed) % 3000));
        }
        check_view(INT64_MIN, INT64_MAX, GCH_TIME_NS, zone, 800);
        check_view(INT64_MIN, INT64_MIN + 1000, GCH_TIME_S, zone, 800);
        check_view(INT64_MAX - 1000, INT64_MAX, GCH_TIME_S, zone, 800);
        check_view(INT64_MAX - 100000000, INT64_MAX, GCH_TIME_S, zone, 800);
        gch_time_zone_close(zone);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scale_has_its_labels_and_contexts),
        cmocka_unit_test(fractions_of_a_second_show_enough_digits_down_to_ns),
        cmocka_unit_test(contexts_grow_short_or_give_way_where_they_would_touch),
        cmocka_unit_test(years_reach_from_before_the_era_to_eons),
        cmocka_unit_test(rows_are_plain_integers),
        cmocka_unit_test(a_repeated_hour_is_shown_twice_with_labels_of_its_own),
        cmocka_unit_test(a_skipped_hour_has_no_ticks),
        cmocka_unit_test(a_change_by_odd_minutes_leaves_no_two_ticks_close),
        cmocka_unit_test(days_of_23_and_25_hours_have_their_true_widths),
        cmocka_unit_test(panning_does_not_change_the_step),
        cmocka_unit_test(narrow_and_degenerate_views_are_served),
        cmocka_unit_test(any_view_has_ordered_ticks_that_can_be_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
