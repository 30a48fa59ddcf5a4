/* Row search, ranges, nearest points and bars against loops over the plain arrays. */
#include "query_values.h"
#include "test_series.h"

#include <math.h>

#define ROWS 5000u

static int64_t times[ROWS];
static double values[ROWS];
static uint8_t validity[ROWS / 8 + 1];

typedef enum time_shape { REGULAR, IRREGULAR, BURSTS, TIME_SHAPES } time_shape;
typedef enum gap_shape { NO_GAPS, SCATTERED, LONG, ALTERNATE, ALL, GAP_SHAPES } gap_shape;

static bool is_drawn(size_t row)
{
    return (validity[row / 8] >> (row % 8) & 1) != 0;
}

static test_series make(time_shape shape, gap_shape gaps, bool is_float, uint64_t *seed)
{
    int64_t t = 1000;
    double walk = 0;
    memset(validity, 0xFF, sizeof validity);
    for (size_t i = 0; i < ROWS; i++) {
        uint64_t random = test_random(seed);
        t += shape == REGULAR     ? 10
             : shape == IRREGULAR ? (int64_t)(random % 20)
                                  : (random % 8 == 0 ? 100 : 0);
        times[i] = t;
        walk += (double)(int64_t)(test_random(seed) % 21) - 10;
        values[i] = is_float ? walk * 0.1234567890123 + 1e-9 * (double)i : walk / 100;
        uint64_t g = test_random(seed);
        bool gap = gaps == SCATTERED   ? g % 50 == 0
                   : gaps == LONG      ? i % 1700 > 300 && i % 1700 < 1650
                   : gaps == ALTERNATE ? i % 2 == 0
                                       : gaps == ALL;
        if (gap)
            validity[i / 8] &= (uint8_t) ~(1u << (i % 8));
    }
    return test_series_make(GCH_TIME_S, times, values, GCH_TYPE_F64, validity, ROWS);
}

static uint64_t first_row_at(int64_t t)
{
    uint64_t row = 0;
    while (row < ROWS && times[row] < t)
        row++;
    return row;
}

typedef void check_fn(gch_query *query, uint64_t *seed);

static void for_all_shapes(check_fn *check)
{
    gch_error err;
    uint64_t seed = 11;
    for (int shape = 0; shape < TIME_SHAPES; shape++) {
        for (int gaps = 0; gaps < GAP_SHAPES; gaps++) {
            for (int is_float = 0; is_float < 2; is_float++) {
                test_series series = make((time_shape)shape, (gap_shape)gaps, is_float != 0, &seed);
                gch_query *query = NULL;
                assert_ok(gch_query_make(series.file, NULL, &query, &err));
                check(query, &seed);
                gch_query_destroy(query);
                test_series_free(&series);
            }
        }
    }
}

static void check_row_at(gch_query *query, uint64_t *seed)
{
    gch_error err;
    for (int i = 0; i < 300; i++) {
        int64_t t = times[test_random(seed) % ROWS] + (int64_t)(test_random(seed) % 3) - 1;
        t = i == 0 ? INT64_MIN : i == 1 ? INT64_MAX : t;
        uint64_t row;
        assert_ok(gch_query_row_at(query, t, &row, &err));
        assert_int_equal(row, first_row_at(t));
    }
}

static void row_at_is_the_first_row_not_before(void **state)
{
    (void)state;
    for_all_shapes(check_row_at);
}

/* Of the line, or of the steps, at a time; NaN where there is none. */
static double joined_at(int64_t t, gch_join join)
{
    size_t row = first_row_at(t);
    if (row == 0 || row == ROWS || !is_drawn(row - 1) || !is_drawn(row))
        return NAN;
    if (join == GCH_JOIN_STEP)
        return values[row - 1];
    double part = (double)(t - times[row - 1]) / (double)(times[row] - times[row - 1]);
    return values[row - 1] * (1 - part) + values[row] * part;
}

static void check_range_of(gch_query *query, int64_t t0, int64_t t1, gch_join join)
{
    gch_error err;
    double min = INFINITY, max = -INFINITY;
    for (uint64_t row = first_row_at(t0); row < first_row_at(t1); row++) {
        if (is_drawn(row)) {
            min = fmin(min, values[row]);
            max = fmax(max, values[row]);
        }
    }
    if (join != GCH_JOIN_NONE) { /* fmin and fmax leave NaN out */
        min = fmin(fmin(min, joined_at(t0, join)), joined_at(t1, join));
        max = fmax(fmax(max, joined_at(t0, join)), joined_at(t1, join));
    }
    gch_value low, high;
    assert_ok(gch_query_range(query, 0, t0, t1, join, &low, &high, &err));
    if (min > max) {
        assert_int_equal(low.kind, GCH_VALUE_GAP);
        assert_int_equal(high.kind, GCH_VALUE_GAP);
    } else {
        assert_true(gch_value_to_double(low) == min);
        assert_true(gch_value_to_double(high) == max);
    }
}

static void check_range(gch_query *query, uint64_t *seed)
{
    for (int i = 0; i < 60; i++) {
        uint64_t a = test_random(seed) % ROWS, b = test_random(seed) % ROWS;
        if (i % 3 == 0)
            b = (a + b % 300) % ROWS;
        int64_t t0 = times[GCH_MIN(a, b)], t1 = times[GCH_MAX(a, b)] + (i % 2);
        for (int join = GCH_JOIN_LINE; join <= GCH_JOIN_NONE; join++)
            check_range_of(query, t0, t1, (gch_join)join);
        if (t1 - t0 > 2)
            check_range_of(query, t0 + 1, t1 - 1, GCH_JOIN_LINE);
    }
}

static void range_is_that_of_the_drawn_rows_and_what_joins_them(void **state)
{
    (void)state;
    for_all_shapes(check_range);
}

static void check_nearest(gch_query *query, uint64_t *seed)
{
    gch_error err;
    for (int i = 0; i < 60; i++) {
        int64_t t = times[test_random(seed) % ROWS] + (int64_t)(test_random(seed) % 41) - 20;
        size_t best = ROWS;
        for (size_t row = 0; row < ROWS; row++)
            if (is_drawn(row) && (best == ROWS || llabs(times[row] - t) < llabs(times[best] - t)))
                best = row;
        gch_sample sample;
        gch_status status = gch_query_nearest(query, 0, t, &sample, &err);
        if (best == ROWS) {
            assert_int_equal(status, GCH_NOT_FOUND);
            continue;
        }
        assert_int_equal(status, GCH_OK);
        assert_int_equal(sample.row, best);
        assert_int_equal(sample.time, times[best]);
        assert_true(gch_value_to_double(sample.value) == values[best]);
    }
}

static void nearest_is_the_first_of_the_closest(void **state)
{
    (void)state;
    for_all_shapes(check_nearest);
}

static void check_bars(gch_query *query, uint64_t *seed)
{
    gch_error err;
    static const int64_t widths[] = {1, 7, 60, 1000, 100000};
    for (size_t w = 0; w < GCH_COUNT_OF(widths); w++) {
        uint64_t a = test_random(seed) % ROWS;
        int64_t t0 = times[a], t1 = t0 + widths[w] * 50;
        gch_bar_width width = {.unit = GCH_BAR_TICKS, .count = widths[w]};
        const gch_bar *bars;
        uint32_t count, at = 0;
        assert_ok(gch_query_bars(query, 0, width, NULL, t0, t1, 1000, &bars, &count, &err));
        for (int64_t start = t0 / widths[w] * widths[w]; start < t1; start += widths[w]) {
            double open = NAN, close = NAN, low = INFINITY, high = -INFINITY;
            for (uint64_t row = first_row_at(start); row < first_row_at(start + widths[w]); row++) {
                if (!is_drawn(row))
                    continue;
                open = isnan(open) ? values[row] : open;
                close = values[row];
                low = fmin(low, values[row]);
                high = fmax(high, values[row]);
            }
            if (isnan(open))
                continue;
            assert_true(at < count);
            assert_int_equal(bars[at].t0, start);
            assert_int_equal(bars[at].t1, start + widths[w]);
            assert_true(gch_value_to_double(bars[at].open) == open);
            assert_true(gch_value_to_double(bars[at].close) == close);
            assert_true(gch_value_to_double(bars[at].low) == low);
            assert_true(gch_value_to_double(bars[at].high) == high);
            at++;
        }
        assert_int_equal(at, count);
    }
}

static void bars_equal_a_loop_over_the_rows(void **state)
{
    (void)state;
    for_all_shapes(check_bars);
}

static void calendar_bars_follow_the_zone(void **state)
{
    (void)state;
    gch_error err;
    /* Hourly over the change to summer time in Berlin, 2024-03-31 at 01:00 UTC. */
    enum { HOURS = 24 * 5 };
    static int64_t t[HOURS];
    static double v[HOURS];
    for (int i = 0; i < HOURS; i++) {
        t[i] = 1711666800 + i * 3600; /* 2024-03-29T00:00 local */
        v[i] = i;
    }
    test_series series = test_series_make(GCH_TIME_S, t, v, GCH_TYPE_F64, NULL, HOURS);
    gch_query *query = NULL;
    gch_time_zone *zone = NULL;
    assert_ok(gch_query_make(series.file, NULL, &query, &err));
    assert_ok(gch_time_zone_open("Europe/Berlin", NULL, &zone, &err));
    const gch_bar *bars;
    uint32_t count;
    gch_bar_width day = {.unit = GCH_BAR_DAY, .count = 1};
    assert_ok(gch_query_bars(query, 0, day, zone, t[0], t[HOURS - 1] + 1, 10, &bars, &count, &err));
    assert_int_equal(count, 6);
    assert_int_equal(bars[0].row_count, 24);
    assert_int_equal(bars[2].row_count, 23);
    assert_int_equal(bars[2].t1 - bars[2].t0, 23 * 3600);
    assert_int_equal(bars[3].row_count, 24);
    gch_bar_width month = {.unit = GCH_BAR_MONTH, .count = 1};
    assert_ok(gch_query_bars(query, 0, month, zone, t[0], t[HOURS - 1], 10, &bars, &count, &err));
    assert_int_equal(count, 2);
    assert_int_equal(bars[1].t0, 1711922400); /* 2024-04-01T00:00 local */
    gch_bar_width week = {.unit = GCH_BAR_WEEK, .count = 1};
    assert_ok(gch_query_bars(query, 0, week, zone, t[0], t[HOURS - 1], 10, &bars, &count, &err));
    assert_int_equal(count, 2);
    assert_int_equal(bars[1].t0, 1711922400); /* a Monday */
    gch_bar_width year = {.unit = GCH_BAR_YEAR, .count = 1};
    assert_ok(gch_query_bars(query, 0, year, zone, t[0], t[HOURS - 1], 10, &bars, &count, &err));
    assert_int_equal(count, 1);
    assert_int_equal(bars[0].t0, 1704063600); /* 2024-01-01T00:00 local */
    assert_status(gch_query_bars(query, 0, day, zone, t[0], t[HOURS - 1], 3, &bars, &count, &err),
                  GCH_LIMIT);
    gch_time_zone_close(zone);
    gch_query_destroy(query);
    test_series_free(&series);
}

static void days_do_not_repeat_where_the_clock_is_put_back_over_midnight(void **state)
{
    (void)state;
    gch_error err;
    /* St. John's, 2010-11-07: at 00:01 local time it was 23:01 of the day before once more. */
    enum { MINUTES = 3 * 24 * 60 };
    static int64_t t[MINUTES];
    static double v[MINUTES];
    for (int i = 0; i < MINUTES; i++) {
        t[i] = 1289010600 + i * 60; /* 2010-11-06T00:00 local */
        v[i] = i;
    }
    test_series series = test_series_make(GCH_TIME_S, t, v, GCH_TYPE_F64, NULL, MINUTES);
    gch_query *query = NULL;
    gch_time_zone *zone = NULL;
    assert_ok(gch_query_make(series.file, NULL, &query, &err));
    assert_ok(gch_time_zone_open("America/St_Johns", NULL, &zone, &err));
    const gch_bar *bars;
    uint32_t count;
    gch_bar_width day = {.unit = GCH_BAR_DAY, .count = 1};
    assert_ok(gch_query_bars(query, 0, day, zone, t[0], t[MINUTES - 1], 10, &bars, &count, &err));
    assert_int_equal(count, 3);
    assert_int_equal(bars[0].row_count, 24 * 60);
    assert_int_equal(bars[1].row_count, 25 * 60);
    assert_int_equal(bars[1].t0, t[24 * 60]);
    assert_int_equal(bars[2].t0, t[49 * 60]);
    /* A bar that reaches into the view shows, though its rows lie before or after it. */
    assert_ok(gch_query_bars(query, 0, day, zone, t[MINUTES - 1] + 1, t[MINUTES - 1] + 2, 10, &bars,
                             &count, &err));
    assert_int_equal(count, 1);
    assert_ok(
        gch_query_bars(query, 0, day, zone, bars[0].t1, bars[0].t1 + 9, 10, &bars, &count, &err));
    assert_int_equal(count, 0);
    gch_time_zone_close(zone);
    gch_query_destroy(query);
    test_series_free(&series);
}

static void bar_widths_are_parsed(void **state)
{
    (void)state;
    gch_error err;
    gch_bar_width width;
    static const struct {
        const char *text;
        gch_time_unit unit;
        gch_bar_unit bar_unit;
        int64_t count;
    } good[] = {
        {"1m", GCH_TIME_MS, GCH_BAR_TICKS, 60000},   {"15m", GCH_TIME_S, GCH_BAR_TICKS, 900},
        {"4h", GCH_TIME_S, GCH_BAR_TICKS, 14400},    {"250ms", GCH_TIME_US, GCH_BAR_TICKS, 250000},
        {"1d", GCH_TIME_S, GCH_BAR_DAY, 1},          {"2w", GCH_TIME_NS, GCH_BAR_WEEK, 2},
        {"3mo", GCH_TIME_S, GCH_BAR_MONTH, 3},       {"1y", GCH_TIME_S, GCH_BAR_YEAR, 1},
        {"100", GCH_TIME_INDEX, GCH_BAR_TICKS, 100},
    };
    for (size_t i = 0; i < GCH_COUNT_OF(good); i++) {
        assert_ok(gch_bar_width_parse(good[i].text, good[i].unit, &width, &err));
        assert_int_equal(width.unit, good[i].bar_unit);
        assert_int_equal(width.count, good[i].count);
    }
    static const char *const bad[] = {
        "", "m", "0m", "-1m", "1x", "1 m", "99999999999999999999", "9999999999999999h", "1000000d"};
    for (size_t i = 0; i < GCH_COUNT_OF(bad); i++)
        assert_status(gch_bar_width_parse(bad[i], GCH_TIME_S, &width, &err), GCH_PARSE);
    assert_status(gch_bar_width_parse("250ms", GCH_TIME_S, &width, &err), GCH_LIMIT);
    assert_status(gch_bar_width_parse("1m", GCH_TIME_INDEX, &width, &err), GCH_INVALID);
}

static void values_of_different_kinds_compare_exactly(void **state)
{
    (void)state;
    gch_value tenth = {.as.digits = 1, .kind = GCH_VALUE_DECIMAL, .scale = 1};
    gch_value ten_hundredths = {.as.digits = 10, .kind = GCH_VALUE_DECIMAL, .scale = 2};
    gch_value binary_tenth = {.as.f64 = 0.1, .kind = GCH_VALUE_F64};
    assert_int_equal(gch__compare_values(tenth, ten_hundredths), 0);
    assert_int_equal(gch__compare_values(tenth, binary_tenth), -1);
    assert_int_equal(gch__compare_values(binary_tenth, ten_hundredths), 1);
    gch_value big = {.as.digits = 9007199254740993, .kind = GCH_VALUE_DECIMAL};
    gch_value rounded = {.as.f64 = 9007199254740992.0, .kind = GCH_VALUE_F64};
    assert_int_equal(gch__compare_values(big, rounded), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_at_is_the_first_row_not_before),
        cmocka_unit_test(range_is_that_of_the_drawn_rows_and_what_joins_them),
        cmocka_unit_test(nearest_is_the_first_of_the_closest),
        cmocka_unit_test(bars_equal_a_loop_over_the_rows),
        cmocka_unit_test(calendar_bars_follow_the_zone),
        cmocka_unit_test(days_do_not_repeat_where_the_clock_is_put_back_over_midnight),
        cmocka_unit_test(bar_widths_are_parsed),
        cmocka_unit_test(values_of_different_kinds_compare_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
