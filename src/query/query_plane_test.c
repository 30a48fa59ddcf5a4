/* Points of a plane: whose pixel is an edge's, what is settled without a look at points, what is
 * refused. Random cases stand in render_points_test.c. */
#include "base.h"
#include "gch/plane.h"
#include "test_series.h"

#include <math.h>

static gch_error err;

/* [0, 4) x (0, 4], four pixels a side. */
static gch_plane four_by_four(void)
{
    return (gch_plane){.x_column = 0,
                       .y_column = 1,
                       .view = {.left = {0, 0},
                                .right = {4, 0},
                                .bottom = {0, 0},
                                .top = {4, 0},
                                .width_px = 4,
                                .height_px = 4},
                       .value_column = 2,
                       .low = {0, 0},
                       .high = {1024, 0}};
}

static void edges_belong_to_the_pixel_on_their_right_and_below_them(void **state)
{
    (void)state;
    static const double x[] = {0,   1, 4,      -0.0,   3.9999999999999996, 0.5, 0.5,
                               0.5, 2, 1e-300, -1e-300};
    static const double y[] = {4, 3, 2, 1, 0, 0, 4.000000000000001, 1e-300, NAN, 2, 2};
    test_series f = test_points_make(GCH_TYPE_F64, x, y, x, 11);
    gch_query *query;
    gch_grid grid;
    gch_plane plane = four_by_four();
    assert_ok(gch_query_make(f.file, NULL, &query, &err));
    assert_ok(gch_query_grid(query, &plane, GCH_GRID_COUNTS, &grid, &err));
    uint32_t expected[16] = {0};
    expected[0 * 4 + 0] = 1; /* (0, 4): column 0, row 0 */
    expected[1 * 4 + 1] = 1; /* (1, 3) */
    expected[0 * 4 + 3] = 2; /* (-0, 1) and (0.5, 1e-300) */
    expected[0 * 4 + 2] = 1; /* (1e-300, 2) */
    assert_memory_equal(grid.cells, expected, sizeof expected);
    gch_query_destroy(query);
    test_series_free(&f);
}

static void levels_are_the_largest_of_a_pixel(void **state)
{
    (void)state;
    static const double x[] = {0.5, 0.6, 1.5, 1.6, 2.5, 3.5, 3.6};
    static const double v[] = {1, 1.0000001, -7, NAN, 1024, 5000, 3};
    static const double y[] = {3.5, 3.5, 3.5, 3.5, 3.5, 3.5, 3.5};
    test_series f = test_points_make(GCH_TYPE_F64, x, y, v, 7);
    gch_query *query;
    gch_grid grid;
    gch_plane plane = four_by_four();
    assert_ok(gch_query_make(f.file, NULL, &query, &err));
    assert_ok(gch_query_grid(query, &plane, GCH_GRID_LEVELS, &grid, &err));
    assert_int_equal(grid.cells[0], 2); /* a step holds its upper end: 1 is in the first */
    assert_int_equal(grid.cells[4], 1);
    assert_int_equal(grid.cells[8], GCH_LEVELS);
    assert_int_equal(grid.cells[12], GCH_LEVELS);
    const gch_plane_point *points;
    uint32_t count;
    gch_value values[7];
    assert_ok(gch_query_plane_points(query, &plane, 0, 7, &points, &count, &err));
    assert_int_equal(count, 7);
    assert_ok(gch_query_plane_values(query, 2, points, count, values, &err));
    assert_int_equal(values[3].kind, GCH_VALUE_GAP);
    assert_true(gch_value_to_double(values[5]) == 5000);
    assert_status(gch_query_plane_values(query, 3, points, count, values, &err), GCH_INVALID);
    gch_query_destroy(query);
    test_series_free(&f);
}

enum { ROWS = 200000 };

static test_series make_large(void)
{
    static double x[ROWS], y[ROWS];
    for (int i = 0; i < ROWS; i++) {
        x[i] = (double)(i / 400) / 125;      /* 0 to 4, 500 steps */
        y[i] = 3.5 + (double)(i % 7) / 1000; /* in the uppermost row */
    }
    return test_points_make(GCH_TYPE_F64, x, y, x, ROWS);
}

static void boxes_within_a_pixel_are_not_decoded(void **state)
{
    (void)state;
    test_series f = make_large();
    gch_query *query;
    gch_grid grid;
    gch_plane plane = four_by_four();
    assert_ok(gch_query_make(f.file, NULL, &query, &err));
    for (gch_grid_kind kind = GCH_GRID_LIT; kind <= GCH_GRID_LEVELS; kind++) {
        gch_query_stats before = gch_query_get_stats(query);
        assert_ok(gch_query_grid(query, &plane, kind, &grid, &err));
        gch_query_stats after = gch_query_get_stats(query);
        /* Three edges between columns, in at most a block each: x, and values. */
        assert_true(after.blocks_decoded - before.blocks_decoded <= 6);
        assert_true(after.nodes_read - before.nodes_read < 400);
        assert_int_equal(after.rows_visible - before.rows_visible, ROWS);
        if (kind == GCH_GRID_COUNTS)
            for (uint32_t c = 0; c < 4; c++)
                assert_int_equal(grid.cells[c * 4], ROWS / 4);
    }
    plane.view.left = (gch_decimal){5, 0}; /* all lies outside */
    plane.view.right = (gch_decimal){6, 0};
    gch_query_stats before = gch_query_get_stats(query);
    assert_ok(gch_query_grid(query, &plane, GCH_GRID_COUNTS, &grid, &err));
    assert_true(gch_query_get_stats(query).nodes_read - before.nodes_read <= 8);
    gch_query_destroy(query);
    test_series_free(&f);
}

static void warm_calls_allocate_nothing(void **state)
{
    (void)state;
    test_series f = make_large();
    test_counter counter = {0};
    gch_allocator allocator = {.resize = test_counter_resize, .context = &counter};
    gch_query *query;
    gch_plane plane = four_by_four();
    assert_ok(gch_query_make(f.file, &(gch_query_desc){.allocator = &allocator}, &query, &err));
    size_t warm = 0;
    for (int round = 0; round < 3; round++) {
        gch_grid grid;
        const gch_plane_point *points;
        uint32_t count;
        for (gch_grid_kind kind = GCH_GRID_LIT; kind <= GCH_GRID_LEVELS; kind++)
            assert_ok(gch_query_grid(query, &plane, kind, &grid, &err));
        assert_ok(gch_query_plane_points(query, &plane, 2, ROWS, &points, &count, &err));
        warm = round == 0 ? counter.allocations : warm;
    }
    assert_int_equal(counter.allocations, warm);
    gch_query_destroy(query);
    test_series_free(&f);
}

static void wrong_planes_are_refused(void **state)
{
    (void)state;
    static const double one[] = {1};
    test_series f = test_points_make(GCH_TYPE_F64, one, one, one, 1);
    gch_query *query;
    gch_grid grid;
    assert_ok(gch_query_make(f.file, NULL, &query, &err));
    gch_plane planes[9];
    for (size_t i = 0; i < GCH_COUNT_OF(planes); i++)
        planes[i] = four_by_four();
    planes[0].view.left = planes[0].view.right;
    planes[1].view.top.digits = -1;
    planes[2].view.width_px = 0;
    planes[3].view.height_px = GCH_VIEW_PX_MAX + 1;
    planes[4].x_column = 3;
    planes[5].y_column = 3;
    planes[6].value_column = 3;
    planes[7].high = planes[7].low;
    planes[8].view.right.exp10 = GCH_DECIMAL_EXP10_MAX + 1;
    for (size_t i = 0; i < GCH_COUNT_OF(planes); i++)
        assert_status(gch_query_grid(query, &planes[i], GCH_GRID_LEVELS, &grid, &err), GCH_INVALID);
    gch_plane plane = four_by_four();
    assert_status(gch_query_grid(query, &plane, (gch_grid_kind)3, &grid, &err), GCH_INVALID);
    /* The range of values is nobody's business where they are not asked for. */
    assert_ok(gch_query_grid(query, &planes[6], GCH_GRID_COUNTS, &grid, &err));
    gch_query_destroy(query);
    test_series_free(&f);
}

static void a_file_without_rows_has_an_empty_grid(void **state)
{
    (void)state;
    test_series f = test_points_make(GCH_TYPE_F64, NULL, NULL, NULL, 0);
    gch_query *query;
    gch_grid grid;
    const gch_plane_point *points;
    uint32_t count = 1;
    gch_plane plane = four_by_four();
    assert_ok(gch_query_make(f.file, NULL, &query, &err));
    assert_ok(gch_query_grid(query, &plane, GCH_GRID_LEVELS, &grid, &err));
    for (int i = 0; i < 16; i++)
        assert_int_equal(grid.cells[i], 0);
    assert_ok(gch_query_plane_points(query, &plane, 0, 10, &points, &count, &err));
    assert_int_equal(count, 0);
    gch_query_destroy(query);
    test_series_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edges_belong_to_the_pixel_on_their_right_and_below_them),
        cmocka_unit_test(levels_are_the_largest_of_a_pixel),
        cmocka_unit_test(boxes_within_a_pixel_are_not_decoded),
        cmocka_unit_test(warm_calls_allocate_nothing),
        cmocka_unit_test(wrong_planes_are_refused),
        cmocka_unit_test(a_file_without_rows_has_an_empty_grid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
