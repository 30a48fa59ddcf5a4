/* What executors ask that reduce blocks by themselves: bars without their extremes, against
 * gch_query_bars, while a view pans and zooms; and outlines, against gch_query_columns. */
#include "query_edges.h"
#include "query_ends.h"
#include "test_series.h"

#include <math.h>

#define ROWS 300000u

static gch_error err;
static test_series series;

/* Seconds that are not regular, with gaps of up to 8000 rows. */
static int make_series(void **state)
{
    (void)state;
    static int64_t times[ROWS];
    static double values[ROWS];
    uint64_t seed = 3;
    uint32_t gap = 0;
    double walk = 0;
    for (size_t i = 0; i < ROWS; i++) {
        uint64_t random = test_random(&seed);
        times[i] = (i > 0 ? times[i - 1] : -40000) + (int64_t)(random % 9);
        walk += (double)(random >> 8 & 0xFF) - 127.5;
        if (gap == 0 && (random >> 20) % 3000 == 0)
            gap = 1u << (random >> 40) % 14;
        gap -= gap > 0;
        values[i] = gap > 0 ? (double)NAN : walk / 2;
    }
    series = test_series_make(GCH_TIME_S, times, values, GCH_TYPE_F64, NULL, ROWS);
    return 0;
}

static int free_series(void **state)
{
    (void)state;
    test_series_free(&series);
    return 0;
}

static gch_view view_of(int64_t t0, int64_t t1)
{
    return (gch_view){.t0 = t0,
                      .t1 = t1,
                      .bottom = {-3000, 0},
                      .top = {4000, 0},
                      .width_px = 400,
                      .height_px = 90};
}

static bool is_same_value(gch_value a, gch_value b)
{
    return a.kind == b.kind && gch_value_to_double(a) == gch_value_to_double(b);
}

static gch_status ask(gch_query *query, const gch_view *view, gch_bar_width width, uint32_t cap,
                      const gch__bar_ends **ends, uint32_t *count, uint64_t *number)
{
    assert_ok(gch__query_begin(query, &err));
    return gch__query_end(
        query, gch__query_bar_ends(query, 0, view, width, NULL, cap, ends, count, number, &err));
}

static void ends_are_those_of_bars_and_know_which_the_last_answer_had(void **state)
{
    (void)state;
    static gch__bar_ends last[ROWS];
    gch_query *query = NULL, *other = NULL;
    assert_ok(gch_query_make(series.file, NULL, &query, &err));
    assert_ok(gch_query_make(series.file, NULL, &other, &err));
    uint64_t seed = 8, last_number = 0, kept = 0, fresh = 0;
    uint32_t last_count = 0;
    int64_t from = 0, span = 100000;
    gch_bar_width width = {.count = 300};
    for (int round = 0; round < 400; round++) {
        const gch__bar_ends *ends;
        const gch_bar *bars;
        uint32_t count, bar_count;
        uint64_t number;
        if (test_random(&seed) % 10 == 0)
            width = (gch_bar_width){test_random(&seed) % 4 == 0 ? GCH_BAR_DAY : GCH_BAR_TICKS,
                                    1 + (int64_t)(test_random(&seed) % 900)};
        if (test_random(&seed) % 8 == 0)
            span = 1 + (int64_t)(test_random(&seed) % 900000);
        from += (int64_t)(test_random(&seed) % 40001) - 20000;
        from = from < -100000 || from > 1300000 ? 500000 : from;
        gch_view view = view_of(from, from + span);
        assert_ok(ask(query, &view, width, ROWS, &ends, &count, &number));
        assert_ok(
            gch_query_bars(other, 0, width, NULL, view.t0, view.t1, ROWS, &bars, &bar_count, &err));
        assert_int_equal(count, bar_count);
        assert_int_equal(number, last_number + 1);
        for (uint32_t i = 0; i < count; i++) {
            const gch_bar *its = &ends[i].its;
            assert_true(its->t0 == bars[i].t0 && its->t1 == bars[i].t1 &&
                        its->row_count == bars[i].row_count);
            assert_true(is_same_value(its->open, bars[i].open) &&
                        is_same_value(its->close, bars[i].close));
            assert_int_equal(its->high.kind, GCH_VALUE_GAP);
            if (ends[i].before == GCH__BAR_IS_NEW) {
                fresh++;
                continue;
            }
            kept++;
            assert_true(ends[i].before < last_count);
            assert_int_equal(last[ends[i].before].first_row, ends[i].first_row);
            assert_int_equal(last[ends[i].before].its.row_count, its->row_count);
        }
        memcpy(last, ends, count * sizeof *ends);
        last_count = count;
        last_number = number;
    }
    assert_true(kept > 10 * 400 && fresh > 1000);
    gch_query_destroy(query);
    gch_query_destroy(other);
}

static void too_many_bars_are_told_and_those_found_help_the_next_answer(void **state)
{
    (void)state;
    gch_query *query = NULL;
    const gch__bar_ends *ends;
    uint32_t count;
    uint64_t number;
    gch_view view = view_of(0, 60000);
    const gch_bar_width width = {.count = 60};
    assert_ok(gch_query_make(series.file, NULL, &query, &err));
    assert_status(ask(query, &view, width, 100, &ends, &count, &number), GCH_LIMIT);
    assert_int_equal(count, 100);
    view.t1 = 4000;
    assert_ok(ask(query, &view, width, 100, &ends, &count, &number));
    assert_true(count > 20);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(ends[i].before, i);
    assert_status(ask(query, &view, (gch_bar_width){0}, 100, &ends, &count, &number), GCH_INVALID);
    gch_query_destroy(query);
}

static void an_outline_leaves_out_what_both_edges_cross_and_has_the_rest(void **state)
{
    (void)state;
    gch_query *query = NULL, *other = NULL;
    const gch_query_desc desc = {.keep_outside = true};
    assert_ok(gch_query_make(series.file, &desc, &query, &err));
    assert_ok(gch_query_make(series.file, &desc, &other, &err));
    uint64_t outlined = 0, known = 0;
    for (int64_t from = -50000; from < 1300000; from += 40000) {
        for (gch_join join = GCH_JOIN_LINE; join <= GCH_JOIN_STEP; join++) {
            gch_view view = view_of(from, from + 21000);
            const gch__edge *edges;
            gch_columns outline, whole;
            assert_ok(gch__query_begin(query, &err));
            assert_ok(gch__query_edges(query, 0, &view, join, &edges, &err));
            assert_ok(gch__query_end(
                query, gch__query_outline(query, 0, &view, join, edges, &outline, &err)));
            assert_ok(gch_query_columns(other, 0, &view, join, &whole, &err));
            assert_int_equal(outline.row_count, whole.row_count);
            assert_memory_equal(outline.first, whole.first, (view.width_px + 1) * 4);
            for (uint32_t i = 0; i < outline.first[view.width_px]; i++) {
                const gch_piece *a = &outline.pieces[i], *b = &whole.pieces[i];
                assert_memory_equal(&a->y_left, &b->y_left, 2 * sizeof a->y_left);
                if (!gch__piece_is_outline(a))
                    assert_memory_equal(a, b, sizeof *a);
                outlined += gch__piece_is_outline(a);
                known += !gch__piece_is_outline(a);
            }
        }
    }
    assert_true(outlined > 5000 && known > 500);
    gch_query_destroy(query);
    gch_query_destroy(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_are_those_of_bars_and_know_which_the_last_answer_had),
        cmocka_unit_test(too_many_bars_are_told_and_those_found_help_the_next_answer),
        cmocka_unit_test(an_outline_leaves_out_what_both_edges_cross_and_has_the_rest),
    };
    return cmocka_run_group_tests(tests, make_series, free_series);
}
