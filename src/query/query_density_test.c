/* Densities: which points count where, by hand; what is settled without decoding; mistakes. The
 * counts of random series are held to the reference executor in tests/exactness_test.c, those of
 * files whose pages come late in query_pending_test.c. */
#include "query_state.h"
#include "test_series.h"

#include <math.h>

static gch_error err;

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

static void every_drawn_point_of_the_view_adds_one_to_its_pixel(void **state)
{
    (void)state;
    /* Left of the view; twice one pixel; a gap; on the top edge; on the bottom edge, which lies
     * outside; above; at the end, which lies outside. */
    const int64_t t[] = {-1, 0, 1, 1, 2, 3, 4, 10};
    const double v[] = {5, 0.5, 0.9, NAN, 10, 0, 11, 5};
    test_series series = test_series_make(GCH_TIME_S, t, v, GCH_TYPE_F64, NULL, 8);
    gch_query *query = NULL;
    gch_density density;
    assert_ok(gch_query_make(series.file, NULL, &query, &err));
    gch_view view = view_of(0, 10, 0, 10, 5, 10);
    assert_ok(gch_query_density(query, 0, &view, &density, &err));
    assert_int_equal(density.width_px, 5);
    assert_int_equal(density.height_px, 10);
    assert_int_equal(density.row_count, 6);
    assert_int_equal(density.pending_count, 0);
    for (uint32_t c = 0; c < 5; c++)
        for (uint32_t r = 0; r < 10; r++)
            assert_int_equal(density.counts[c * 10 + r], c == 0 && r == 9   ? 2
                                                         : c == 1 && r == 0 ? 1
                                                                            : 0);
    gch_query_destroy(query);
    test_series_free(&series);
}

/* Steps of 2^18 rows, each at one height. */
static void what_lies_in_one_pixel_is_counted_without_being_decoded(void **state)
{
    (void)state;
    enum { STEP = 1 << 18, ROWS = 4 * STEP };
    int64_t *t = malloc(ROWS * sizeof *t);
    int32_t *v = malloc(ROWS * sizeof *v);
    uint64_t seed = 4;
    assert_true(t != NULL && v != NULL);
    for (int i = 0; i < ROWS; i++) {
        t[i] = i;
        v[i] = i / STEP * 100 + (int32_t)(test_random(&seed) % 50);
    }
    test_series series = test_series_make(GCH_TIME_NS, t, v, GCH_TYPE_I32, NULL, ROWS);
    gch_query *query = NULL;
    gch_density density;
    assert_ok(gch_query_make(series.file, NULL, &query, &err));
    gch_view view = view_of(0, ROWS, -1, 399, 4, 4);
    assert_ok(gch_query_density(query, 0, &view, &density, &err));
    for (uint32_t c = 0; c < 4; c++)
        for (uint32_t r = 0; r < 4; r++)
            assert_int_equal(density.counts[c * 4 + r], r == 3 - c ? STEP : 0);
    gch_query_stats stats = gch_query_get_stats(query);
    assert_int_equal(stats.blocks_decoded, 0);
    assert_true(stats.nodes_read < 400);
    assert_int_equal(stats.rows_visible, ROWS);
    assert_int_equal(stats.columns_asked, 4);
    gch_query_destroy(query);
    test_series_free(&series);
    free(t);
    free(v);
}

static void gaps_do_not_count_wherever_they_lie(void **state)
{
    (void)state;
    enum { ROWS = 20000 };
    static int64_t t[ROWS];
    static float v[ROWS];
    uint32_t drawn[20] = {0};
    uint64_t seed = 8;
    for (int i = 0; i < ROWS; i++) {
        bool is_gap = (i > 3000 && i < 9000) || test_random(&seed) % 700 == 0;
        t[i] = i;
        v[i] = is_gap ? NAN : 1.25f; /* one row: blocks with gaps are settled by their bitmaps */
        drawn[i / 1000] += !is_gap;
    }
    test_series series = test_series_make(GCH_TIME_MS, t, v, GCH_TYPE_F32, NULL, ROWS);
    gch_query *query = NULL;
    gch_density density;
    assert_ok(gch_query_make(series.file, NULL, &query, &err));
    gch_view view = view_of(0, ROWS, 0, 3, 20, 3);
    assert_ok(gch_query_density(query, 0, &view, &density, &err));
    for (uint32_t c = 0; c < 20; c++) {
        assert_int_equal(density.counts[c * 3 + 0], 0);
        assert_int_equal(density.counts[c * 3 + 1], drawn[c]);
        assert_int_equal(density.counts[c * 3 + 2], 0);
    }
    assert_int_equal(gch_query_get_stats(query).blocks_decoded, 0);
    gch_query_destroy(query);
    test_series_free(&series);
}

static void mistakes_are_named_and_a_warm_call_allocates_nothing(void **state)
{
    (void)state;
    const int64_t t[] = {0, 1, 2};
    const double v[] = {1, 2, 3};
    test_series series = test_series_make(GCH_TIME_S, t, v, GCH_TYPE_F64, NULL, 3);
    test_counter counter = {0};
    gch_allocator allocator = {.resize = test_counter_resize, .context = &counter};
    gch_query *query = NULL;
    gch_density density;
    assert_ok(
        gch_query_make(series.file, &(gch_query_desc){.allocator = &allocator}, &query, &err));
    gch_view view = view_of(0, 4, 0, 4, 40, 30);
    assert_status(gch_query_density(query, 1, &view, &density, &err), GCH_INVALID);
    assert_non_null(strstr(err.message, "column 1"));
    gch_view empty = view_of(4, 4, 0, 4, 40, 30);
    assert_status(gch_query_density(query, 0, &empty, &density, &err), GCH_INVALID);
    gch_view upside_down = view_of(0, 4, 4, 0, 40, 30);
    assert_status(gch_query_density(query, 0, &upside_down, &density, &err), GCH_INVALID);
    gch_view wide = view_of(0, 4, 0, 4, GCH_VIEW_PX_MAX + 1, 30);
    assert_status(gch_query_density(query, 0, &wide, &density, &err), GCH_INVALID);
    assert_ok(gch_query_density(query, 0, &view, &density, &err));
    size_t before = counter.allocations;
    assert_ok(gch_query_density(query, 0, &view, &density, &err));
    assert_int_equal(counter.allocations, before);
    gch_query_destroy(query);
    test_series_free(&series);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_drawn_point_of_the_view_adds_one_to_its_pixel),
        cmocka_unit_test(what_lies_in_one_pixel_is_counted_without_being_decoded),
        cmocka_unit_test(gaps_do_not_count_wherever_they_lie),
        cmocka_unit_test(mistakes_are_named_and_a_warm_call_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
