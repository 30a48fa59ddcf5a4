/* Bars over a file whose pages come and go, or that somebody else has. */
#include "gch/time.h"
#include "query_paged.h"
#include "query_spans.h"
#include "query_values.h"

static void assert_same_bars(const gch_bar *a, uint32_t count, const gch_bar *b, uint32_t expected)
{
    assert_int_equal(count, expected);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(a[i].t0 == b[i].t0 && a[i].t1 == b[i].t1 && a[i].row_count == b[i].row_count);
        assert_int_equal(gch__compare_values(a[i].open, b[i].open), 0);
        assert_int_equal(gch__compare_values(a[i].high, b[i].high), 0);
        assert_int_equal(gch__compare_values(a[i].low, b[i].low), 0);
        assert_int_equal(gch__compare_values(a[i].close, b[i].close), 0);
    }
}

static void bars_ask_for_all_their_pages_and_are_exact_or_pending(void **state)
{
    (void)state;
    gch_error err;
    uint64_t seed = 14;
    for (int kind = 0; kind < 8; kind++) {
        paged_series series;
        make(&series, (kind & 1) != 0, (kind & 2) != 0);
        int64_t last = gch_file_get_info(series.file)->last_time;
        gch_query *query = NULL, *exact = NULL;
        assert_ok(gch_query_make(series.file, &(gch_query_desc){.no_wait = true}, &query, &err));
        assert_ok(gch_query_make(series.whole.file, NULL, &exact, &err));
        const gch_bar *bars, *expected;
        uint32_t count, expected_count, rounds = 0, share = kind < 4 ? 1 : 3;
        gch_bar_width width = {.count = 30011};
        assert_ok(gch_query_bars(exact, 0, width, NULL, last / 3, last / 3 * 2, 1000, &expected,
                                 &expected_count, &err));
        gch_status status;
        while ((status = gch_query_bars(query, 0, width, NULL, last / 3, last / 3 * 2, 1000, &bars,
                                        &count, &err)) == GCH_PENDING) {
            (void)load_some(&series.pager, share, &seed);
            assert_true(++rounds < (share == 1 ? 8 : 200));
        }
        assert_int_equal(status, GCH_OK);
        assert_true(rounds > 0);
        assert_int_equal(gch_query_get_stats(query).answers_pending, rounds);
        assert_same_bars(bars, count, expected, expected_count);
        gch_query_destroy(query);
        gch_query_destroy(exact);
        reset(&series);
    }
}

/* Answers as a test says, from a query over all of the file. */
typedef struct helper {
    gch_answers answers;
    gch_query *exact;
    gch_status status;
    uint32_t column_count, bar_count;
    gch_bars_ask bars; /* asked for last */
    bool moves_bars;   /* off the grid */
    gch_bar moved;
} helper;

static gch_status help_columns(void *context, const gch_answers_ask *ask, gch_columns *out,
                               gch_view *out_view, gch_error *err)
{
    helper *h = context;
    (void)ask, (void)out, (void)out_view, (void)err;
    h->column_count++;
    return GCH_PENDING;
}

static gch_status help_bars(void *context, const gch_bars_ask *ask, const gch_bar **out_bars,
                            uint32_t *out_count, gch_error *err)
{
    helper *h = context;
    gch_time_zone *zone = NULL;
    h->bar_count++;
    h->bars = *ask;
    if (h->status != GCH_OK)
        return h->status;
    GCH_TRY(gch_time_zone_open(ask->zone, NULL, &zone, err));
    gch_status status = gch_query_bars(h->exact, ask->column, ask->width, zone, ask->t0, ask->t1,
                                       ask->bar_cap, out_bars, out_count, err);
    gch_time_zone_close(zone);
    if (status == GCH_OK && h->moves_bars) {
        h->moved = (*out_bars)[0];
        h->moved.t0++;
        *out_bars = &h->moved;
        *out_count = 1;
    }
    return status;
}

typedef struct bars_stage {
    paged_series series;
    helper h;
    gch_query *query, *exact;
    int64_t last;
} bars_stage;

static void set_bars_up(bars_stage *s)
{
    gch_error err;
    make(&s->series, false, true);
    s->last = gch_file_get_info(s->series.file)->last_time;
    s->h = (helper){.answers = {help_columns, NULL, &s->h, help_bars}, .status = GCH_PENDING};
    gch_query_desc desc = {.no_wait = true, .answers = &s->h.answers};
    assert_ok(gch_query_make(s->series.file, &desc, &s->query, &err));
    assert_ok(gch_query_make(s->series.whole.file, NULL, &s->exact, &err));
    assert_ok(gch_query_make(s->series.whole.file, NULL, &s->h.exact, &err));
}

static void tear_bars_down(bars_stage *s)
{
    gch_query_destroy(s->query);
    gch_query_destroy(s->exact);
    gch_query_destroy(s->h.exact);
    reset(&s->series);
}

static void assert_exact_bars(bars_stage *s, gch_bar_width width, const gch_time_zone *zone,
                              int64_t t0, int64_t t1)
{
    gch_error err;
    const gch_bar *bars, *expected;
    uint32_t count, expected_count;
    gch_query_stats before = gch_query_get_stats(s->query);
    assert_ok(gch_query_bars(s->query, 0, width, zone, t0, t1, 300, &bars, &count, &err));
    assert_ok(
        gch_query_bars(s->exact, 0, width, zone, t0, t1, 300, &expected, &expected_count, &err));
    assert_same_bars(bars, count, expected, expected_count);
    gch_query_stats after = gch_query_get_stats(s->query);
    assert_int_equal(after.answers_pending, before.answers_pending);
    uint64_t rows = 0;
    for (uint32_t i = 0; i < count; i++)
        rows += bars[i].row_count;
    assert_int_equal(after.rows_visible - before.rows_visible, rows);
}

static void bars_that_somebody_else_has_stand_in_for_pages(void **state)
{
    (void)state;
    gch_error err;
    bars_stage s;
    set_bars_up(&s);
    const gch_bar_width width = {.count = 10007};
    const int64_t t0 = s.last / 2, t1 = t0 + 400000;
    const gch_bar *bars;
    uint32_t count;
    gch_view view = {.t0 = t0,
                     .t1 = t1,
                     .bottom = {-20000, 0},
                     .top = {20000, 0},
                     .width_px = 200,
                     .height_px = 100};
    gch_columns columns;
    const gch__hull *hulls;

    /* On their way: pending, and what stands in for them asks for nothing. */
    assert_status(gch_query_bars(s.query, 0, width, NULL, t0, t1, 300, &bars, &count, &err),
                  GCH_PENDING);
    assert_int_equal(gch_query_get_stats(s.query).answers_pending, 1);
    assert_ok(gch_query_columns(s.query, 0, &view, GCH_JOIN_LINE, &columns, &err));
    assert_true(columns.pending_count > 0);
    assert_int_equal(s.h.column_count, 0);
    assert_status(gch_query_bars(s.query, 0, width, NULL, t0, t1, 300, &bars, &count, &err),
                  GCH_PENDING);
    assert_ok(gch__query_column_hulls(s.query, 0, &view, GCH_JOIN_NONE, &hulls, &err));
    assert_false(is_any_asked(&s.series.pager));
    assert_true(s.h.bars.t0 < t0 && s.h.bars.t1 > t1 && s.h.bars.bar_cap >= 300);
    gch_bars_ask first = s.h.bars;
    /* A hand moves the view meanwhile: the question is the same. */
    assert_status(
        gch_query_bars(s.query, 0, width, NULL, t0 + 90000, t1 + 90000, 300, &bars, &count, &err),
        GCH_PENDING);
    assert_true(s.h.bars.t0 == first.t0 && s.h.bars.t1 == first.t1);
    /* Columns for their own sake do ask. */
    assert_ok(gch_query_columns(s.query, 0, &view, GCH_JOIN_LINE, &columns, &err));
    assert_int_equal(s.h.column_count, 0);
    assert_ok(gch_query_columns(s.query, 0, &view, GCH_JOIN_LINE, &columns, &err));
    assert_int_equal(s.h.column_count, 1);

    /* There: exact, and around the view without another question. */
    s.h.status = GCH_OK;
    assert_exact_bars(&s, width, NULL, t0, t1);
    uint32_t asked = s.h.bar_count;
    for (int64_t by = -190000; by <= 190000; by += 9001)
        assert_exact_bars(&s, width, NULL, t0 + by, t1 + by);
    assert_exact_bars(&s, width, NULL, t0 + 150000, t0 + 150001);
    assert_int_equal(s.h.bar_count, asked);

    /* Further off they are asked for again; those of before are shown as far as they reach. */
    s.h.status = GCH_PENDING;
    assert_ok(gch_query_bars(s.query, 0, width, NULL, t1, t1 + 400000, 300, &bars, &count, &err));
    assert_true(count > 15 && bars[0].t0 <= t1 && bars[0].t1 > t1 &&
                bars[count - 1].t0 < t1 + 330000);
    assert_int_equal(gch_query_get_stats(s.query).answers_pending, 4);
    assert_status(gch_query_bars(s.query, 0, width, NULL, 0, 400000, 300, &bars, &count, &err),
                  GCH_PENDING);
    s.h.status = GCH_OK;
    assert_exact_bars(&s, width, NULL, t1, t1 + 400000);
    assert_exact_bars(&s, width, NULL, INT64_MIN, 400000);
    assert_exact_bars(&s, width, NULL, s.last - 5, INT64_MAX);
    assert_exact_bars(&s, (gch_bar_width){.count = INT64_MAX}, NULL, t0, t1);
    assert_false(is_any_asked(&s.series.pager));
    tear_bars_down(&s);
}

static void bars_from_elsewhere_may_be_too_many_refused_or_of_another_calendar(void **state)
{
    (void)state;
    gch_error err;
    bars_stage s;
    set_bars_up(&s);
    s.h.status = GCH_OK;
    const gch_bar *bars;
    uint32_t count;
    /* More than the question's cap, and more than the caller's. */
    for (int64_t width = 100; width <= 2000; width += 1900)
        assert_status(gch_query_bars(s.query, 0, (gch_bar_width){.count = width}, NULL, 0, s.last,
                                     300, &bars, &count, &err),
                      GCH_LIMIT);
    assert_false(is_any_asked(&s.series.pager));
    /* Of a part of such a view they are few again. */
    assert_exact_bars(&s, (gch_bar_width){.count = 100}, NULL, 1000, 20000);
    /* Days of a zone; a calendar that differs from this side's is not taken. */
    gch_time_zone *zone = NULL;
    assert_ok(gch_time_zone_open("Asia/Kolkata", NULL, &zone, &err));
    gch_bar_width days = {.unit = GCH_BAR_DAY, .count = 1};
    assert_exact_bars(&s, days, zone, 0, s.last);
    assert_string_equal(s.h.bars.zone, "Asia/Kolkata");
    assert_false(is_any_asked(&s.series.pager));
    s.h.moves_bars = true;
    assert_status(gch_query_bars(s.query, 0, (gch_bar_width){.count = 10007}, NULL, s.last / 2,
                                 s.last / 2 + 400000, 300, &bars, &count, &err),
                  GCH_PENDING);
    assert_true(is_any_asked(&s.series.pager));
    s.h.status = GCH_UNSUPPORTED;
    uint64_t seed = 3;
    for (uint32_t rounds = 0;
         gch_query_bars(s.query, 0, (gch_bar_width){.count = 10007}, NULL, s.last / 2,
                        s.last / 2 + 400000, 300, &bars, &count, &err) == GCH_PENDING;
         rounds++) {
        (void)load_some(&s.series.pager, 1, &seed);
        assert_true(rounds < 20);
    }
    assert_exact_bars(&s, (gch_bar_width){.count = 10007}, NULL, s.last / 2, s.last / 2 + 400000);
    gch_time_zone_close(zone);
    tear_bars_down(&s);
}

static void studies_are_made_of_bars_that_somebody_else_has(void **state)
{
    (void)state;
    gch_error err;
    for (int kind = GCH_STUDY_SMA; kind <= GCH_STUDY_RANGE; kind++) {
        bars_stage s;
        set_bars_up(&s);
        const int64_t starts[] = {s.last / 2, 0, s.last - 40000, INT64_MIN};
        /* Of the narrow ones two thirds hold no point: what is needed reaches further back. */
        for (int64_t width = 3; width <= 10007; width *= 15) {
            gch_study_desc study = {
                .kind = (gch_study_kind)kind, .length = 20, .width = {GCH_BAR_TICKS, width}};
            for (size_t i = 0; i < GCH_COUNT_OF(starts); i++) {
                const gch_study_point *points, *expected;
                uint32_t count, expected_count, asked = s.h.bar_count;
                int64_t t0 = starts[i], t1 = t0 == INT64_MIN ? width * 300 : t0 + width * 300;
                gch_query_stats before = gch_query_get_stats(s.query);
                s.h.status = GCH_PENDING;
                assert_status(
                    gch_query_study(s.query, 0, &study, t0, t1, 1000, &points, &count, &err),
                    GCH_PENDING);
                assert_int_equal(gch_query_get_stats(s.query).answers_pending,
                                 before.answers_pending + 1);
                s.h.status = GCH_OK;
                assert_ok(gch_query_study(s.query, 0, &study, t0, t1, 1000, &points, &count, &err));
                assert_ok(gch_query_study(s.exact, 0, &study, t0, t1, 1000, &expected,
                                          &expected_count, &err));
                assert_int_equal(count, expected_count);
                assert_true(count > 10);
                assert_memory_equal(points, expected, count * sizeof *points);
                assert_true(s.h.bar_count - asked <= (width == 3 ? 6 : 3));
                assert_int_equal(gch_query_get_stats(s.query).rows_visible, before.rows_visible);
            }
        }
        assert_true(s.h.bars.looks_back >= 20);
        assert_false(is_any_asked(&s.series.pager));

        /* Too many to come from there, and not from there at all: by pages. */
        gch_study_desc study = {
            .kind = (gch_study_kind)kind, .length = 9, .width = {GCH_BAR_TICKS, 7001}};
        const gch_study_point *points, *expected;
        uint32_t count, expected_count, rounds = 0;
        uint64_t seed = 5;
        s.h.status = kind == GCH_STUDY_SMA ? GCH_LIMIT : GCH_UNSUPPORTED;
        while (gch_query_study(s.query, 0, &study, s.last / 3, s.last / 3 * 2, 1000, &points,
                               &count, &err) == GCH_PENDING) {
            (void)load_some(&s.series.pager, 1, &seed);
            assert_true(++rounds < 12);
        }
        assert_ok(gch_query_study(s.exact, 0, &study, s.last / 3, s.last / 3 * 2, 1000, &expected,
                                  &expected_count, &err));
        assert_true(rounds > 0 && count == expected_count);
        assert_memory_equal(points, expected, count * sizeof *points);
        tear_bars_down(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bars_ask_for_all_their_pages_and_are_exact_or_pending),
        cmocka_unit_test(bars_that_somebody_else_has_stand_in_for_pages),
        cmocka_unit_test(studies_are_made_of_bars_that_somebody_else_has),
        cmocka_unit_test(bars_from_elsewhere_may_be_too_many_refused_or_of_another_calendar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
