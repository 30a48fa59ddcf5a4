/* Paths through columns: where they go, and that they never leave a piece's extent. */
#include "raster_stroke.h"
#include "test.h"

#include <math.h>

static gch_columns one_column(const gch_piece *piece)
{
    static const uint32_t first[] = {0, 1};
    return (gch_columns){.width_px = 1, .first = first, .pieces = piece};
}

static void assert_path(const gch_point *points, size_t count, const gch_point *expected,
                        size_t expected_count)
{
    assert_int_equal(count, expected_count);
    for (size_t i = 0; i < count && i < expected_count; i++)
        if (points[i].x != expected[i].x || points[i].y != expected[i].y ||
            points[i].starts_run != expected[i].starts_run)
            fail_msg("point %zu: (%g, %g, %d), expected (%g, %g, %d)", i, points[i].x, points[i].y,
                     points[i].starts_run, expected[i].x, expected[i].y, expected[i].starts_run);
}

#define ASSERT_PATH(walk, piece, ...)                                                              \
    do {                                                                                           \
        gch_columns columns = one_column(&(piece));                                                \
        gch_point out[GCH__PATH_STEP_POINTS] = {0}, expected[] = {__VA_ARGS__};                    \
        assert_path(out, walk(&columns, out), expected, GCH_COUNT_OF(expected));                   \
    } while (0)

static void a_straight_column_is_one_segment(void **state)
{
    (void)state;
    gch_piece piece = {.y_top = 10, .y_bottom = 12, .y_left = 12, .y_right = 10};
    ASSERT_PATH(gch__path_line, piece, {0, 12, true}, {1, 10, false});
}

static void a_peak_is_visited_in_the_middle(void **state)
{
    (void)state;
    gch_piece peak = {.y_top = 3, .y_bottom = 12, .y_left = 12, .y_right = 10};
    gch_piece pit = {.y_top = 10, .y_bottom = 90, .y_left = 12, .y_right = 10};
    ASSERT_PATH(gch__path_line, peak, {0, 12, true}, {0.5f, 3, false}, {1, 10, false});
    ASSERT_PATH(gch__path_line, pit, {0, 12, true}, {0.5f, 90, false}, {1, 10, false});
}

static void low_noise_zigzags_the_shorter_way(void **state)
{
    (void)state;
    gch_piece sinking = {.y_top = 9, .y_bottom = 15, .y_left = 10, .y_right = 14};
    gch_piece rising = {.y_top = 9, .y_bottom = 15, .y_left = 14, .y_right = 10};
    ASSERT_PATH(gch__path_line, sinking, {0, 10, true}, {0.25f, 9, false}, {0.75f, 15, false},
                {1, 14, false});
    ASSERT_PATH(gch__path_line, rising, {0, 14, true}, {0.25f, 15, false}, {0.75f, 9, false},
                {1, 10, false});
}

static void tall_noise_is_one_upright_stroke(void **state)
{
    (void)state;
    gch_piece tall = {.y_top = 9, .y_bottom = 400, .y_left = 10, .y_right = 14};
    ASSERT_PATH(gch__path_line, tall, {0.5f, 9, true}, {0.5f, 400, false});
}

static void runs_that_end_within_a_column_end_in_its_middle(void **state)
{
    (void)state;
    gch_piece enters = {.y_top = 5, .y_bottom = 20, .y_left = 6, .y_right = NAN};
    gch_piece leaves = {.y_top = 5, .y_bottom = 20, .y_left = NAN, .y_right = 19};
    gch_piece upright = {.y_top = 5, .y_bottom = 20, .y_left = NAN, .y_right = NAN};
    gch_piece dot = {.y_top = 5, .y_bottom = 5, .y_left = NAN, .y_right = NAN};
    ASSERT_PATH(gch__path_line, enters, {0, 6, true}, {0.5f, 5, false}, {0.5f, 20, false});
    ASSERT_PATH(gch__path_line, leaves, {0.5f, 5, true}, {0.5f, 20, false}, {1, 19, false});
    ASSERT_PATH(gch__path_line, upright, {0.5f, 5, true}, {0.5f, 20, false});
    ASSERT_PATH(gch__path_line, dot, {0.5f, 5, true});
}

static void neighbouring_columns_share_a_run(void **state)
{
    (void)state;
    gch_piece pieces[] = {{.y_top = 5, .y_bottom = 6, .y_left = 5, .y_right = 6},
                          {.y_top = 6, .y_bottom = 9, .y_left = 6, .y_right = 9},
                          {.y_top = 2, .y_bottom = 3, .y_left = 2, .y_right = 3}};
    uint32_t first[] = {0, 1, 2, 3};
    gch_columns columns = {.width_px = 3, .first = first, .pieces = pieces};
    gch_point out[3 * GCH__PATH_LINE_POINTS] = {0};
    gch_point expected[] = {
        {0, 5, true}, {1, 6, false}, {2, 9, false}, {2, 2, true}, {3, 3, false}};
    assert_path(out, gch__path_line(&columns, out), expected, GCH_COUNT_OF(expected));
}

static void steps_are_level_and_upright(void **state)
{
    (void)state;
    gch_piece flat = {.y_top = 7, .y_bottom = 7, .y_left = 7, .y_right = 7};
    gch_piece jump = {.y_top = 2, .y_bottom = 7, .y_left = 7, .y_right = 2};
    ASSERT_PATH(gch__path_step, flat, {0, 7, true}, {1, 7, false});
    ASSERT_PATH(gch__path_step, jump, {0, 7, true}, {0.5f, 7, false}, {0.5f, 2, false},
                {0.5f, 7, false}, {0.5f, 2, false}, {1, 2, false});
    gch_point points[] = {{0, 5, true}, {4, 9, false}, {6, 1, true}}, out[6];
    gch_point expected[] = {{0, 5, true}, {4, 5, false}, {4, 9, false}, {6, 1, true}};
    assert_path(out, gch__path_stairs(points, 3, out), expected, GCH_COUNT_OF(expected));
}

static void the_edge_of_an_area_spans_the_column(void **state)
{
    (void)state;
    gch_piece tall = {.y_top = 9, .y_bottom = 400, .y_left = 10, .y_right = 14};
    gch_piece leaves = {.y_top = 5, .y_bottom = 20, .y_left = NAN, .y_right = 19};
    ASSERT_PATH(gch__path_edge, tall, {0, 10, true}, {1, 14, false});
    ASSERT_PATH(gch__path_edge, leaves, {0.5f, 12.5f, true}, {1, 19, false});
}

static void lit_rows_become_upright_runs_through_their_centres(void **state)
{
    (void)state;
    gch_piece rows = {.row_top = 3, .row_bottom = 5, .y_top = 3.1f, .y_bottom = 5.9f};
    gch_piece row = {.row_top = 3, .row_bottom = 3, .y_top = 3.1f, .y_bottom = 3.9f};
    gch_piece outside = {.row_top = 1, .row_bottom = 0, .y_top = -9, .y_bottom = -2};
    ASSERT_PATH(gch__path_lit, rows, {0.5f, 3.5f, true}, {0.5f, 5.5f, false});
    ASSERT_PATH(gch__path_lit, row, {0.5f, 3.5f, true});
    ASSERT_PATH(gch__path_lit, outside, {0.5f, -9, true}, {0.5f, -2, false});
}

static void thinning_leaves_a_columns_ends_and_extremes(void **state)
{
    (void)state;
    gch_point few[] = {{0, 5, true}, {0.5f, 9, false}, {1, 2, false}};
    gch_point many[] = {{3.0f, 5, true},  {3.1f, 6, false}, {3.2f, 9, false}, {3.3f, 1, false},
                        {3.9f, 4, false}, {4.0f, 4, false}, {4.5f, 7, false}, {4.9f, 8, false},
                        {-0.5f, 3, true}, {-0.2f, 3, false}};
    gch_point expected[] = {{3.0f, 5, true},  {3.2f, 9, false}, {3.3f, 1, false},
                            {3.9f, 4, false}, {4.0f, 4, false}, {4.9f, 8, false},
                            {-0.5f, 3, true}, {-0.2f, 3, false}};
    gch_point kept[3];
    memcpy(kept, few, sizeof few);
    assert_path(few, gch__path_thin(few, NULL, 3), kept, 3);
    assert_path(many, gch__path_thin(many, NULL, GCH_COUNT_OF(many)), expected,
                GCH_COUNT_OF(expected));
    /* Of two paths, the extremes of both. */
    gch_point upper[] = {{3.0f, 5, true}, {3.1f, 1, false}, {3.2f, 5, false}, {3.3f, 5, false}};
    gch_point lower[] = {{3.0f, 6, true}, {3.1f, 7, false}, {3.2f, 9, false}, {3.3f, 6, false}};
    gch_point all[4];
    memcpy(all, lower, sizeof all);
    assert_path(lower, gch__path_thin(upper, lower, 4), all, 4);
}

/* Random extents: every path stays within its piece and reaches both ends of it. */
static void paths_reach_the_whole_extent_and_nothing_beyond(void **state)
{
    (void)state;
    uint64_t random = 11;
    for (int round = 0; round < 2000; round++) {
        float top = (float)(test_random(&random) % 100);
        float height = (float)(test_random(&random) % (round % 2 == 0 ? 8 : 200));
        gch_piece piece = {.y_top = top, .y_bottom = top + height};
        float shares[2];
        for (int i = 0; i < 2; i++)
            shares[i] = (float)(test_random(&random) % 5) / 4;
        uint64_t ends = test_random(&random) % 4;
        piece.y_left = (ends & 1) != 0 ? top + height * shares[0] : NAN;
        piece.y_right = (ends & 2) != 0 ? top + height * shares[1] : NAN;
        gch_columns columns = one_column(&piece);
        gch_point out[GCH__PATH_STEP_POINTS] = {0};
        for (int walk = 0; walk < 2; walk++) {
            size_t count =
                walk == 0 ? gch__path_line(&columns, out) : gch__path_step(&columns, out);
            float low = INFINITY, high = -INFINITY, x = 0;
            assert_true(count <= (walk == 0 ? GCH__PATH_LINE_POINTS : GCH__PATH_STEP_POINTS));
            for (size_t i = 0; i < count; i++) {
                low = fminf(low, out[i].y);
                high = fmaxf(high, out[i].y);
                assert_true(out[i].x >= x && out[i].x <= 1);
                x = out[i].x;
            }
            if (low != piece.y_top || high != piece.y_bottom)
                fail_msg("[%g, %g] instead of [%g, %g]", low, high, piece.y_top, piece.y_bottom);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_straight_column_is_one_segment),
        cmocka_unit_test(a_peak_is_visited_in_the_middle),
        cmocka_unit_test(low_noise_zigzags_the_shorter_way),
        cmocka_unit_test(tall_noise_is_one_upright_stroke),
        cmocka_unit_test(runs_that_end_within_a_column_end_in_its_middle),
        cmocka_unit_test(neighbouring_columns_share_a_run),
        cmocka_unit_test(steps_are_level_and_upright),
        cmocka_unit_test(the_edge_of_an_area_spans_the_column),
        cmocka_unit_test(lit_rows_become_upright_runs_through_their_centres),
        cmocka_unit_test(thinning_leaves_a_columns_ends_and_extremes),
        cmocka_unit_test(paths_reach_the_whole_extent_and_nothing_beyond),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
