/* Column queries: shapes of pieces, gaps, points that stand alone, warm calls. The pictures
 * themselves are held to the reference executor in tests/exactness_test.c. */
#include "query_state.h"
#include "test_series.h"

#include <math.h>

static gch_view view_of(int64_t t0, int64_t t1, int64_t bottom, int64_t top, uint32_t width,
                        uint32_t height)
{
    return (gch_view){.t0 = t0,
                      .t1 = t1,
                      .bottom = {bottom, 0},
                      .top = {top, 0},
                      .width_px = width,
                      .height_px = height};
}

static const gch_piece *piece_at(const gch_columns *columns, uint32_t c, uint32_t n)
{
    assert_true(columns->first[c] + n < columns->first[c + 1]);
    return &columns->pieces[columns->first[c] + n];
}

static uint32_t pieces_in(const gch_columns *columns, uint32_t c)
{
    return columns->first[c + 1] - columns->first[c];
}

static void a_segment_crosses_every_column_between_its_ends(void **state)
{
    (void)state;
    gch_error err;
    const int64_t t[] = {0, 10};
    const double v[] = {0.5, 9.5};
    test_series series = test_series_make(GCH_TIME_S, t, v, GCH_TYPE_F64, NULL, 2);
    gch_query *query = NULL;
    gch_columns columns;
    assert_ok(gch_query_make(series.file, NULL, &query, &err));
    gch_view view = view_of(0, 10, 0, 10, 10, 10);
    assert_ok(gch_query_columns(query, 0, &view, GCH_JOIN_LINE, &columns, &err));
    assert_int_equal(columns.row_count, 1); /* the second point lies at the end */
    for (uint32_t c = 0; c < 10; c++) {
        assert_int_equal(pieces_in(&columns, c), 1);
        const gch_piece *piece = piece_at(&columns, c, 0);
        float left = 10 - (0.5f + 0.9f * (float)c), right = left - 0.9f;
        if (c == 0)
            assert_true(isnan(piece->y_left));
        else
            assert_true(fabsf(piece->y_left - left) < 1e-4f);
        assert_true(fabsf(piece->y_right - right) < 1e-4f);
        assert_int_equal(piece->row_top, (int)floorf(right));
        assert_int_equal(piece->row_bottom, (int)floorf(left));
    }
    /* The same as steps: the value holds. */
    assert_ok(gch_query_columns(query, 0, &view, GCH_JOIN_STEP, &columns, &err));
    for (uint32_t c = 0; c < 10; c++) {
        assert_int_equal(piece_at(&columns, c, 0)->row_top, 9);
        assert_int_equal(piece_at(&columns, c, 0)->row_bottom, 9);
    }
    /* Alone: only the first point is in view. */
    assert_ok(gch_query_columns(query, 0, &view, GCH_JOIN_NONE, &columns, &err));
    assert_int_equal(pieces_in(&columns, 0), 1);
    for (uint32_t c = 1; c < 10; c++)
        assert_int_equal(pieces_in(&columns, c), 0);
    gch_query_destroy(query);
    test_series_free(&series);
}

static void runs_within_a_column_stay_apart(void **state)
{
    (void)state;
    gch_error err;
    const int64_t t[] = {0, 1, 2, 3, 4, 5};
    const double v[] = {1, 2, NAN, 7, NAN, 4};
    test_series series = test_series_make(GCH_TIME_S, t, v, GCH_TYPE_F64, NULL, 6);
    gch_query *query = NULL;
    gch_columns columns;
    assert_ok(gch_query_make(series.file, NULL, &query, &err));
    gch_view view = view_of(0, 10, 0, 10, 1, 10);
    assert_ok(gch_query_columns(query, 0, &view, GCH_JOIN_LINE, &columns, &err));
    assert_int_equal(pieces_in(&columns, 0), 3);
    assert_int_equal(piece_at(&columns, 0, 0)->row_top, 8);
    assert_int_equal(piece_at(&columns, 0, 0)->row_bottom, 9);
    assert_int_equal(piece_at(&columns, 0, 1)->row_top, 3);
    assert_int_equal(piece_at(&columns, 0, 1)->row_bottom, 3);
    assert_int_equal(piece_at(&columns, 0, 2)->row_top, 6);
    gch_query_destroy(query);
    test_series_free(&series);
}

static void outside_pieces_are_kept_on_request_only(void **state)
{
    (void)state;
    gch_error err;
    const int64_t t[] = {0, 1};
    const double v[] = {100, 100};
    test_series series = test_series_make(GCH_TIME_S, t, v, GCH_TYPE_F64, NULL, 2);
    gch_view view = view_of(0, 2, 0, 10, 2, 10);
    for (int keep = 0; keep < 2; keep++) {
        gch_query *query = NULL;
        gch_columns columns;
        gch_query_desc desc = {.keep_outside = keep != 0};
        assert_ok(gch_query_make(series.file, &desc, &query, &err));
        assert_ok(gch_query_columns(query, 0, &view, GCH_JOIN_LINE, &columns, &err));
        assert_int_equal(pieces_in(&columns, 0), keep);
        if (keep != 0) {
            assert_true(piece_at(&columns, 0, 0)->row_top > piece_at(&columns, 0, 0)->row_bottom);
            assert_true(piece_at(&columns, 0, 0)->y_top == -90.0f);
        }
        gch_query_destroy(query);
    }
    test_series_free(&series);
}

static void points_reach_one_beyond_the_view(void **state)
{
    (void)state;
    gch_error err;
    int64_t t[600];
    double v[600];
    for (int i = 0; i < 600; i++) {
        t[i] = i * 10;
        v[i] = i == 300 ? (double)NAN : i;
    }
    test_series series = test_series_make(GCH_TIME_S, t, v, GCH_TYPE_F64, NULL, 600);
    gch_query *query = NULL;
    const gch_point *points;
    uint32_t count;
    assert_ok(gch_query_make(series.file, NULL, &query, &err));
    gch_view view = view_of(2985, 3035, 290, 310, 100, 100);
    assert_ok(gch_query_points(query, 0, &view, 100, &points, &count, &err));
    /* 298 | 299, (300), 301, 302, 303 | 304 */
    assert_int_equal(count, 6);
    assert_true(points[0].starts_run);
    assert_false(points[1].starts_run);
    assert_true(points[2].starts_run);
    assert_true(fabsf(points[1].x - 10) < 1e-4f);
    assert_true(fabsf(points[1].y - 55) < 1e-4f);
    assert_status(gch_query_points(query, 0, &view, 6, &points, &count, &err), GCH_LIMIT);
    gch_query_destroy(query);
    test_series_free(&series);
}

static void far_neighbours_keep_the_slope(void **state)
{
    (void)state;
    gch_error err;
    const int64_t t[] = {-4000000000000, 0, 4000000000000};
    const double v[] = {-4000000, 0, 4000000};
    test_series series = test_series_make(GCH_TIME_NS, t, v, GCH_TYPE_F64, NULL, 3);
    gch_query *query = NULL;
    const gch_point *points;
    uint32_t count;
    assert_ok(gch_query_make(series.file, NULL, &query, &err));
    gch_view view = view_of(-1000000, 1000000, -1, 1, 100, 100);
    assert_ok(gch_query_points(query, 0, &view, 100, &points, &count, &err));
    assert_int_equal(count, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_true(fabsf(points[i].x + points[i].y - 100) < 0.01f);
    gch_query_destroy(query);
    test_series_free(&series);
}

static void impossible_views_are_refused(void **state)
{
    (void)state;
    gch_error err;
    const int64_t t[] = {0};
    const double v[] = {1};
    test_series series = test_series_make(GCH_TIME_S, t, v, GCH_TYPE_F64, NULL, 1);
    gch_query *query = NULL;
    gch_columns columns;
    assert_ok(gch_query_make(series.file, NULL, &query, &err));
    gch_view bad[] = {view_of(1, 1, 0, 1, 1, 1), view_of(0, 1, 1, 1, 1, 1),
                      view_of(0, 1, 0, 1, 0, 1), view_of(0, 1, 0, 1, 1, 16385),
                      view_of(0, 1, 0, 1, 1, 1)};
    bad[4].axis = GCH_AXIS_LOG;
    for (size_t i = 0; i < GCH_COUNT_OF(bad); i++)
        assert_status(gch_query_columns(query, 0, &bad[i], GCH_JOIN_LINE, &columns, &err),
                      GCH_INVALID);
    gch_view good = view_of(0, 1, 0, 2, 1, 1);
    assert_status(gch_query_columns(query, 1, &good, GCH_JOIN_LINE, &columns, &err), GCH_INVALID);
    assert_ok(gch_query_columns(query, 0, &good, GCH_JOIN_LINE, &columns, &err));
    gch_query_destroy(query);
    test_series_free(&series);
}

static void warm_queries_allocate_nothing(void **state)
{
    (void)state;
    gch_error err;
    enum { ROWS = 100000 };
    int64_t *t = malloc(ROWS * sizeof *t);
    double *v = malloc(ROWS * sizeof *v);
    assert_true(t != NULL && v != NULL);
    for (int i = 0; i < ROWS; i++) {
        t[i] = i;
        v[i] = i % 97 == 0 ? (double)NAN : (double)((i * 7919) % 1000);
    }
    test_series series = test_series_make(GCH_TIME_MS, t, v, GCH_TYPE_F64, NULL, ROWS);
    test_counter counter = {0};
    gch_allocator allocator = {.resize = test_counter_resize, .context = &counter};
    gch_query_desc desc = {.allocator = &allocator};
    gch_query *query = NULL;
    gch_columns columns;
    assert_ok(gch_query_make(series.file, &desc, &query, &err));
    size_t warm = 0;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 20; i++) {
            gch_view view = view_of(i * 100, ROWS - i * 2000, -i, 1000 + i, 640, 360);
            for (int join = GCH_JOIN_LINE; join <= GCH_JOIN_NONE; join++)
                assert_ok(gch_query_columns(query, 0, &view, (gch_join)join, &columns, &err));
        }
        if (round == 0)
            warm = counter.allocations;
    }
    assert_int_equal(counter.allocations, warm);
    assert_true(gch_query_get_stats(query).blocks_decoded > 0);
    gch_query_destroy(query);
    test_series_free(&series);
    free(t);
    free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_segment_crosses_every_column_between_its_ends),
        cmocka_unit_test(runs_within_a_column_stay_apart),
        cmocka_unit_test(outside_pieces_are_kept_on_request_only),
        cmocka_unit_test(points_reach_one_beyond_the_view),
        cmocka_unit_test(far_neighbours_keep_the_slope),
        cmocka_unit_test(impossible_views_are_refused),
        cmocka_unit_test(warm_queries_allocate_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
