/* Studies against loops over all rows: every bar of the series, every window from its first bar. */
#include "query_study.h"
#include "test_series.h"

#include <math.h>
#include <unistd.h>

#define ROWS 3000u
#define LARGEST 20000.0 /* of the values, about */
#define PATH "query_study_test.gch"

static gch_error err;
static int64_t times[ROWS];
static int64_t digits[2][ROWS]; /* decimals: / 10^scale of the row's part */
static double floats[2][ROWS];
static uint8_t validity[2][ROWS / 8 + 1];
static int8_t scales[2][ROWS];

typedef enum number { CENTS, SCALES, DOUBLES, MIXED, NUMBERS } number;

typedef struct shape {
    number number;
    uint32_t parts;  /* segments of the file */
    uint32_t gaps;   /* one in so many rows, 0: none */
    int64_t step;    /* largest distance of two rows */
    int64_t pause;   /* of a few places: no rows for so long */
    bool has_bursts; /* equal times */
} shape;

static bool is_drawn(uint32_t column, size_t row)
{
    return (validity[column][row / 8] >> (row % 8) & 1) != 0;
}

static long double value_at(uint32_t column, size_t row)
{
    if (scales[column][row] == GCH_SCALE_F64)
        return floats[column][row];
    long double value = digits[column][row];
    for (int i = 0; i < scales[column][row]; i++)
        value /= 10;
    return value;
}

static size_t first_of_part(const shape *s, uint32_t part)
{
    return ROWS / s->parts / 8 * 8 * part;
}

static void fill(const shape *s, uint64_t *seed)
{
    int64_t t = 1711500000, walk[2] = {100000, 90000};
    memset(validity, 0xFF, sizeof validity);
    uint32_t part = 0;
    for (size_t i = 0; i < ROWS; i++) {
        part += part + 1 < s->parts && i >= first_of_part(s, part + 1);
        uint64_t random = test_random(seed);
        t += s->has_bursts && random % 4 != 0 ? 0 : (int64_t)(random >> 8) % (s->step + 1);
        t += random % 701 == 0 ? s->pause : 0;
        times[i] = t;
        for (uint32_t c = 0; c < 2; c++) {
            walk[c] += (int64_t)(test_random(seed) % 2001) - 1000;
            bool is_float = s->number == DOUBLES || (s->number == MIXED && part % 2 == 1);
            scales[c][i] = is_float              ? GCH_SCALE_F64
                           : s->number == SCALES ? (int8_t)(2 + part + c)
                                                 : 2;
            digits[c][i] = walk[c];
            floats[c][i] = (double)walk[c] * 0.123456789012345;
            int64_t raw = walk[c];
            if (is_float)
                memcpy(&raw, &floats[c][i], sizeof raw);
            digits[c][i] = raw;
            if (s->gaps != 0 && test_random(seed) % s->gaps == 0)
                validity[c][i / 8] &= (uint8_t) ~(1u << (i % 8));
        }
    }
    /* A long stretch without values in one column, and in the other. */
    for (size_t i = 400; s->gaps != 0 && i < 900; i++)
        validity[0][i / 8] &= (uint8_t) ~(1u << (i % 8));
    for (size_t i = 1400; s->gaps != 0 && i < 1700; i++)
        validity[1][i / 8] &= (uint8_t) ~(1u << (i % 8));
}

/* A file of the arrays' rows, a segment a part. */
static test_series write_file(const shape *s)
{
    static const gch_column_desc columns[] = {{.name = "a", .type = GCH_TYPE_DECIMAL},
                                              {.name = "b", .type = GCH_TYPE_DECIMAL}};
    gch_writer_desc desc = {.time_unit = GCH_TIME_S, .columns = columns, .column_count = 2};
    for (uint32_t part = 0; part < s->parts; part++) {
        size_t first = first_of_part(s, part);
        size_t end = part + 1 < s->parts ? first_of_part(s, part + 1) : ROWS;
        gch_column_data data[2];
        for (uint32_t c = 0; c < 2; c++)
            data[c] = (gch_column_data){.values = digits[c] + first,
                                        .scales = scales[c] + first,
                                        .validity = validity[c] + first / 8};
        gch_writer *writer;
        assert_ok(part == 0 ? gch_writer_create(PATH, &desc, &writer, &err)
                            : gch_writer_open_append(PATH, &desc, &writer, &err));
        assert_ok(gch_writer_append(writer, times + first, data, end - first, &err));
        assert_ok(gch_writer_finish(writer, &err));
    }
    test_series series = {0};
    FILE *file = fopen(PATH, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    series.image_bytes = (size_t)ftell(file);
    rewind(file);
    series.image = aligned_alloc(64, (series.image_bytes + 63) / 64 * 64);
    assert_non_null(series.image);
    assert_int_equal(fread(series.image, 1, series.image_bytes, file), series.image_bytes);
    fclose(file);
    unlink(PATH);
    assert_ok(
        gch__file_open_memory(series.image, series.image_bytes, "test", NULL, &series.file, &err));
    assert_int_equal(gch_file_get_info(series.file)->segment_count, s->parts);
    return series;
}

static void free_file(test_series *series)
{
    gch__file_close(series->file);
    free(series->image);
}

/* ---- every bar, by a loop ---- */

typedef struct plain_bar {
    int64_t t0, t1;
    size_t close, other;
    bool has_other;
    double low, high;
} plain_bar;

static plain_bar all_bars[ROWS];
static uint32_t bar_count;

/* Bounds of a row's bar: ticks, or days of the zone (which change their offset at night only). */
static void bounds_of(gch_bar_width width, const gch_time_zone *zone, int64_t t, int64_t *t0,
                      int64_t *t1)
{
    if (width.unit == GCH_BAR_TICKS) {
        *t0 = t / width.count * width.count;
        *t1 = *t0 + width.count;
        return;
    }
    int64_t day = (t + gch_time_zone_offset(zone, t, NULL)) / 86400;
    *t0 = gch_time_zone_to_utc(zone, day * 86400);
    *t1 = gch_time_zone_to_utc(zone, (day + 1) * 86400);
}

static void find_all_bars(gch_bar_width width, const gch_time_zone *zone)
{
    bar_count = 0;
    for (size_t row = 0; row < ROWS;) {
        plain_bar bar = {.low = INFINITY, .high = -INFINITY};
        bounds_of(width, zone, times[row], &bar.t0, &bar.t1);
        bool is_there = false;
        for (; row < ROWS && times[row] < bar.t1; row++) {
            if (is_drawn(1, row)) {
                bar.other = row;
                bar.has_other = true;
            }
            if (!is_drawn(0, row))
                continue;
            is_there = true;
            bar.close = row;
            bar.low = fmin(bar.low, (double)value_at(0, row));
            bar.high = fmax(bar.high, (double)value_at(0, row));
        }
        if (is_there)
            all_bars[bar_count++] = bar;
    }
}

/* The study at each bar, in long double; NaN where there is none. */
static long double expected_low[ROWS], expected_high[ROWS];

static void find_expected(const gch_study_desc *study)
{
    uint32_t n = study->length;
    long double ema = 0, sum = 0;
    for (uint32_t i = 0; i < bar_count; i++) {
        long double low = NAN, high = NAN, close = value_at(0, all_bars[i].close);
        sum += i < n ? close : 0;
        if (study->kind == GCH_STUDY_SPREAD && all_bars[i].has_other)
            low = high = close - value_at(1, all_bars[i].other);
        if (study->kind == GCH_STUDY_EMA && i + 1 >= n) {
            ema = i + 1 == n ? sum / n : ema + (close - ema) * 2 / (n + 1.0L);
            low = high = ema;
        }
        if (study->kind == GCH_STUDY_SMA && i + 1 >= n) {
            low = 0;
            for (uint32_t k = 0; k < n; k++)
                low += value_at(0, all_bars[i - k].close);
            low /= n;
            high = low;
        }
        if (study->kind == GCH_STUDY_RANGE && i + 1 >= n) {
            low = INFINITY;
            high = -INFINITY;
            for (uint32_t k = 0; k < n; k++) {
                low = fminl(low, all_bars[i - k].low);
                high = fmaxl(high, all_bars[i - k].high);
            }
        }
        expected_low[i] = low;
        expected_high[i] = high;
    }
}

/* Two roundings, of the sum and of the quotient, move a value by at most 1.5 units in the last
 * place; an EMA's move it by some of the largest value that it went through. */
static void assert_value(const gch_study_desc *study, double value, long double expected)
{
    double size = fabs((double)expected);
    long double allowed = study->kind == GCH_STUDY_RANGE ? 0
                          : study->kind == GCH_STUDY_EMA
                              ? (study->length + 1) * (nextafter(LARGEST, INFINITY) - LARGEST)
                              : 1.5L * (nextafter(size, INFINITY) - size) + LARGEST * 0x1p-60;
    if (!(fabsl(value - expected) <= allowed))
        fail_msg("kind %d, length %u: %.17g instead of %.17Lg", (int)study->kind, study->length,
                 value, expected);
}

/* The values seen so far, by bar: what another view says must be the same to the bit. */
static double seen_low[ROWS], seen_high[ROWS];

static void check_view(gch_query *query, const gch_study_desc *study, int64_t t0, int64_t t1)
{
    const gch_study_point *points;
    uint32_t count, at = 0;
    assert_ok(gch_query_study(query, 0, study, t0, t1, ROWS, &points, &count, &err));
    int64_t first_t0, last_t1, unused;
    bounds_of(study->width, study->zone, times[0], &first_t0, &unused);
    bounds_of(study->width, study->zone, times[ROWS - 1], &unused, &last_t1);
    if (t1 <= first_t0 || t0 >= last_t1) {
        assert_int_equal(count, 0);
        return;
    }
    int64_t before = -1, after = -1;
    for (uint32_t i = 0; i < bar_count; i++) {
        bool is_there = study->kind != GCH_STUDY_SPREAD || all_bars[i].has_other;
        if (is_there && all_bars[i].t1 <= t0)
            before = i;
        if (is_there && all_bars[i].t0 >= t1 && after < 0)
            after = i;
    }
    for (uint32_t i = 0; i < bar_count; i++) {
        bool is_wanted = (all_bars[i].t1 > t0 && all_bars[i].t0 < t1) || i == before || i == after;
        if (!is_wanted || isnan(expected_low[i]))
            continue;
        assert_true(at < count);
        assert_int_equal(points[at].t0, all_bars[i].t0);
        assert_int_equal(points[at].t1, all_bars[i].t1);
        assert_value(study, points[at].low, expected_low[i]);
        assert_value(study, points[at].high, expected_high[i]);
        if (!isnan(seen_low[i]))
            assert_true(points[at].low == seen_low[i] && points[at].high == seen_high[i]);
        seen_low[i] = points[at].low;
        seen_high[i] = points[at].high;
        at++;
    }
    assert_int_equal(at, count);
}

static void check_study(gch_query *query, const gch_study_desc *study, uint64_t *seed)
{
    find_expected(study);
    for (uint32_t i = 0; i < bar_count; i++)
        seen_low[i] = seen_high[i] = NAN;
    check_view(query, study, INT64_MIN, INT64_MAX);
    for (int i = 0; i < 12; i++) {
        int64_t a = times[test_random(seed) % ROWS], b = times[test_random(seed) % ROWS];
        if (i % 2 == 0) /* narrow, as one that pans */
            b = a + study->width.count * (int64_t)(test_random(seed) % 9);
        check_view(query, study, GCH_MIN(a, b), GCH_MAX(a, b) + 1);
    }
    check_view(query, study, times[0] - 1000, times[0]);
    check_view(query, study, times[ROWS - 1] + 1, times[ROWS - 1] + 1000);
}

static void studies_equal_loops_over_all_rows(void **state)
{
    (void)state;
    uint64_t seed = 4;
    gch_time_zone *zone = NULL;
    assert_ok(gch_time_zone_open("Europe/Berlin", NULL, &zone, &err));
    static const gch_bar_width widths[] = {
        {GCH_BAR_TICKS, 1}, {GCH_BAR_TICKS, 60}, {GCH_BAR_TICKS, 3600}, {GCH_BAR_DAY, 1}};
    static const uint32_t lengths[] = {1, 2, 3, 20, 55};
    for (uint32_t n = 0; n < 24; n++) {
        shape s = {.number = (number)(n % NUMBERS),
                   .parts = 1 + n % 3,
                   .gaps = n % 5 == 0 ? 0 : 2 + n % 7,
                   .step = n % 2 == 0 ? 30 : 5000,
                   .pause = n % 3 == 0 ? 0 : 300000,
                   .has_bursts = n % 4 == 3};
        fill(&s, &seed);
        test_series series = write_file(&s);
        gch_query *query = NULL, *with = NULL;
        assert_ok(gch_query_make(series.file, NULL, &query, &err));
        assert_ok(gch_query_make(series.file, NULL, &with, &err));
        for (size_t w = 0; w < GCH_COUNT_OF(widths); w++) {
            find_all_bars(widths[w], zone);
            for (int kind = GCH_STUDY_SMA; kind <= GCH_STUDY_SPREAD; kind++) {
                gch_study_desc study = {.kind = (gch_study_kind)kind,
                                        .length = lengths[test_random(&seed) % 5],
                                        .width = widths[w],
                                        .zone = zone,
                                        .with = n % 2 == 0 ? NULL : with,
                                        .with_column = 1};
                check_study(query, &study, &seed);
            }
        }
        gch_query_destroy(with);
        gch_query_destroy(query);
        free_file(&series);
    }
    gch_time_zone_close(zone);
}

static void decimals_are_summed_exactly(void **state)
{
    (void)state;
    /* 0.1 + 0.2 + ... + 0.9, and prices whose doubles do not cancel. */
    static int64_t t[9];
    static double v[9];
    for (int i = 0; i < 9; i++) {
        t[i] = i;
        v[i] = (i + 1) / 10.0;
    }
    test_series series = test_series_make(GCH_TIME_S, t, v, GCH_TYPE_F64, NULL, 9);
    gch_query *query = NULL;
    assert_ok(gch_query_make(series.file, NULL, &query, &err));
    const gch_study_point *points;
    uint32_t count;
    gch_study_desc study = {.kind = GCH_STUDY_SMA, .length = 9, .width = {GCH_BAR_TICKS, 1}};
    assert_ok(gch_query_study(query, 0, &study, 0, 9, 9, &points, &count, &err));
    assert_int_equal(count, 1);
    assert_true(points[0].low == 0.5);
    study.length = 3;
    assert_ok(gch_query_study(query, 0, &study, 0, 9, 9, &points, &count, &err));
    for (uint32_t i = 0; i < count; i++)
        assert_true(points[i].low == (i + 2) / 10.0);
    gch_query_destroy(query);
    test_series_free(&series);
}

static void the_largest_doubles_have_means(void **state)
{
    (void)state;
    const int64_t t[] = {0, 1, 2, 3};
    const double v[] = {1.7e308, 1.7e308, -1.7e308, 1.7e308};
    test_series series = test_series_make(GCH_TIME_S, t, v, GCH_TYPE_F64, NULL, 4);
    gch_query *query = NULL;
    assert_ok(gch_query_make(series.file, NULL, &query, &err));
    const gch_study_point *points;
    uint32_t count;
    gch_study_desc study = {.kind = GCH_STUDY_SMA, .length = 2, .width = {GCH_BAR_TICKS, 1}};
    assert_ok(gch_query_study(query, 0, &study, 0, 4, 9, &points, &count, &err));
    assert_int_equal(count, 3);
    assert_true(points[0].low == 1.7e308 && points[1].low == 0 && points[2].low == 0);
    study.kind = GCH_STUDY_EMA;
    assert_ok(gch_query_study(query, 0, &study, 0, 4, 9, &points, &count, &err));
    for (uint32_t i = 0; i < count; i++)
        assert_true(isfinite(points[i].low));
    gch_query_destroy(query);
    test_series_free(&series);
}

/* ---- docs/studies.md ---- */

/* The 20-hour average at the bars of a view, and one bar before and after it. */
static gch_status print_average(gch_query *query, int64_t t0, int64_t t1)
{
    gch_study_desc study = {
        .kind = GCH_STUDY_SMA, .length = 20, .width = {.unit = GCH_BAR_TICKS, .count = 3600}};
    const gch_study_point *points;
    uint32_t count;
    gch_status status = gch_query_study(query, 0, &study, t0, t1, 4000, &points, &count, &err);
    for (uint32_t i = 0; status == GCH_OK && i < count; i++)
        printf("%lld %.17g\n", (long long)points[i].t0, points[i].low);
    return status;
}

static void the_guide_shows_code_that_is_run(void **state)
{
    (void)state;
    static int64_t t[48];
    static double v[48];
    for (int i = 0; i < 48; i++) {
        t[i] = i * 3600;
        v[i] = i;
    }
    test_series series = test_series_make(GCH_TIME_S, t, v, GCH_TYPE_F64, NULL, 48);
    gch_query *query = NULL;
    assert_ok(gch_query_make(series.file, NULL, &query, &err));
    assert_ok(print_average(query, t[30], t[33]));
    gch_query_destroy(query);
    test_series_free(&series);

    static char guide[1 << 16], code[1 << 17];
    const char *paths[] = {GUIDE, SOURCE};
    char *texts[] = {guide, code};
    const size_t rooms[] = {sizeof guide - 1, sizeof code - 1};
    for (size_t i = 0; i < 2; i++) {
        FILE *file = fopen(paths[i], "rb");
        assert_non_null(file);
        assert_true(fread(texts[i], 1, rooms[i], file) > 0);
        fclose(file);
    }
    char *at = strstr(guide, "```c\n");
    assert_non_null(at);
    at += strlen("```c\n");
    *strstr(at, "```") = '\0';
    assert_non_null(strstr(code, at));
}

static void what_does_not_exist_is_refused(void **state)
{
    (void)state;
    static int64_t t[100];
    static double v[100];
    for (int i = 0; i < 100; i++) {
        t[i] = i * 10;
        v[i] = i;
    }
    test_series series = test_series_make(GCH_TIME_S, t, v, GCH_TYPE_F64, NULL, 100);
    test_series other = test_series_make(GCH_TIME_MS, t, v, GCH_TYPE_F64, NULL, 100);
    gch_query *query = NULL, *with = NULL;
    assert_ok(gch_query_make(series.file, NULL, &query, &err));
    assert_ok(gch_query_make(other.file, NULL, &with, &err));
    const gch_study_desc good = {.kind = GCH_STUDY_SMA, .length = 5, .width = {GCH_BAR_TICKS, 10}};
    const gch_study_point *points;
    uint32_t count;
    gch_study_desc bad[] = {good, good, good, good, good, good, good};
    bad[0].kind = GCH_STUDY_NONE;
    bad[1].kind = (gch_study_kind)5;
    bad[2].length = 0;
    bad[3].length = GCH_STUDY_LENGTH_MAX + 1;
    bad[4].width.count = 0;
    bad[5].kind = GCH_STUDY_SPREAD;
    bad[5].with_column = 1;
    bad[6].kind = GCH_STUDY_SPREAD;
    bad[6].with = with;
    for (size_t i = 0; i < GCH_COUNT_OF(bad); i++)
        assert_status(gch_query_study(query, 0, &bad[i], 0, 1000, 100, &points, &count, &err),
                      GCH_INVALID);
    assert_status(gch_query_study(query, 1, &good, 0, 1000, 100, &points, &count, &err),
                  GCH_INVALID);
    assert_status(gch_query_study(query, 0, &good, 0, 1000, 99, &points, &count, &err), GCH_LIMIT);
    assert_ok(gch_query_study(query, 0, &good, 0, 1000, 100, &points, &count, &err));
    assert_int_equal(count, 96);
    gch_query_destroy(with);
    gch_query_destroy(query);
    test_series_free(&other);
    test_series_free(&series);
}

static void warm_studies_allocate_nothing(void **state)
{
    (void)state;
    shape s = {.number = CENTS, .parts = 2, .gaps = 9, .step = 30};
    uint64_t seed = 9;
    fill(&s, &seed);
    test_series series = write_file(&s);
    test_counter counter = {0};
    gch_allocator allocator = {.resize = test_counter_resize, .context = &counter};
    gch_query *query = NULL;
    assert_ok(
        gch_query_make(series.file, &(gch_query_desc){.allocator = &allocator}, &query, &err));
    gch_study_desc study = {.length = 20, .width = {GCH_BAR_TICKS, 60}, .with_column = 1};
    size_t before = 0;
    for (int round = 0; round < 3; round++) {
        before = counter.allocations;
        for (int kind = GCH_STUDY_SMA; kind <= GCH_STUDY_SPREAD; kind++) {
            const gch_study_point *points;
            uint32_t count;
            study.kind = (gch_study_kind)kind;
            assert_ok(gch_query_study(query, 0, &study, times[1000], times[2900 - round], ROWS,
                                      &points, &count, &err));
        }
    }
    assert_int_equal(counter.allocations, before);
    gch_query_destroy(query);
    free_file(&series);
}

/* As a chart does, to fit its values and to draw them. */
static void the_same_study_asked_again_reads_nothing(void **state)
{
    (void)state;
    uint64_t seed = 12;
    shape s = {.number = CENTS, .parts = 1, .step = 30};
    fill(&s, &seed);
    test_series series = write_file(&s);
    gch_query *query = NULL;
    assert_ok(gch_query_make(series.file, NULL, &query, &err));
    static gch_study_point first[ROWS];
    for (int kind = GCH_STUDY_SMA; kind <= GCH_STUDY_SPREAD; kind++) {
        gch_study_desc study = {.kind = (gch_study_kind)kind,
                                .length = 20,
                                .width = {GCH_BAR_TICKS, 60},
                                .with_column = 1};
        const gch_study_point *points;
        uint32_t count, again;
        int64_t t0 = times[500], t1 = times[1900];
        assert_ok(gch_query_study(query, 0, &study, t0, t1, ROWS, &points, &count, &err));
        assert_true(count > 20);
        memcpy(first, points, count * sizeof *points);
        gch_query_stats before = gch_query_get_stats(query);
        assert_ok(gch_query_study(query, 0, &study, t0, t1, ROWS - 1, &points, &again, &err));
        gch_query_stats after = gch_query_get_stats(query);
        assert_memory_equal(&before, &after, sizeof before);
        assert_int_equal(again, count);
        assert_memory_equal(first, points, count * sizeof *points);
        assert_status(gch_query_study(query, 0, &study, t0, t1, 3, &points, &again, &err),
                      GCH_LIMIT);
        study.width.count = 61; /* and another is another */
        assert_ok(gch_query_study(query, 0, &study, t0, t1, ROWS, &points, &again, &err));
        assert_true(again > 20 && (points[5].t0 != first[5].t0 || points[5].low != first[5].low));
    }
    gch_query_destroy(query);
    free_file(&series);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(studies_equal_loops_over_all_rows),
        cmocka_unit_test(decimals_are_summed_exactly),
        cmocka_unit_test(the_largest_doubles_have_means),
        cmocka_unit_test(the_guide_shows_code_that_is_run),
        cmocka_unit_test(what_does_not_exist_is_refused),
        cmocka_unit_test(warm_studies_allocate_nothing),
        cmocka_unit_test(the_same_study_asked_again_reads_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
