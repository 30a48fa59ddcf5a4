/* The reference executor against pictures worked out by hand from docs/pixel-rule.md. */
#include "raster_reference.h"
#include "test.h"

#include <float.h>
#include <math.h>

typedef struct dot {
    int64_t time;
    gch_value value;
} dot;

/* The constructors of a dot: an integer, a decimal, the two floats, a gap. */
#define INT(t, d) DECIMAL(t, d, 0)
#define DECIMAL(t, d, s)                                                                           \
    {                                                                                              \
        .time = (t), .value = {.kind = GCH_VALUE_DECIMAL, .scale = (s), .as.digits = (d) }         \
    }
#define F32(t, x)                                                                                  \
    {                                                                                              \
        .time = (t), .value = {.kind = GCH_VALUE_F32, .as.f32 = (x) }                              \
    }
#define F64(t, x)                                                                                  \
    {                                                                                              \
        .time = (t), .value = {.kind = GCH_VALUE_F64, .as.f64 = (x) }                              \
    }
#define GAP(t)                                                                                     \
    {                                                                                              \
        .time = (t), .value = {.kind = GCH_VALUE_GAP }                                             \
    }

#define WIDE(from, to, low, high, w, h)                                                            \
    (&(gch_view){                                                                                  \
        .t0 = (from), .t1 = (to), .bottom = low, .top = high, .width_px = (w), .height_px = (h)})
#define TEN(d, e) ((gch_decimal){.digits = (d), .exp10 = (e)})
/* Times 0 to w and values 0 to h: one tick and one unit a pixel. */
#define UNIT(w, h) WIDE(0, (w), TEN(0, 0), TEN((h), 0), (w), (h))

static void add(gch__reference *reference, const dot *dots, size_t count)
{
    for (size_t i = 0; i < count; i++)
        gch__reference_add(reference, &dots[i].time, &dots[i].value, 1);
}

static void expect_picture(const gch__reference *reference, const gch_view *view, const char *art)
{
    char got[4096];
    size_t at = 0;
    for (uint32_t y = 0; y < view->height_px; y++) {
        for (uint32_t x = 0; x < view->width_px; x++)
            got[at++] = gch__reference_is_lit(reference, x, y) ? '#' : '.';
        got[at++] = '\n';
    }
    got[at] = '\0';
    if (strcmp(got, art) != 0)
        fail_msg("expected\n%sgot\n%s", art, got);
}

static void expect(const gch_view *view, const dot *dots, size_t count, const char *art)
{
    gch_error err = {0};
    gch__reference *reference = NULL;
    assert_ok(gch__reference_make(view, NULL, &reference, &err));
    add(reference, dots, count);
    gch__reference_end_series(reference);
    expect_picture(reference, view, art);
    gch__reference_destroy(reference);
}

#define EXPECT(view, art, ...)                                                                     \
    do {                                                                                           \
        const dot dots_[] = {__VA_ARGS__};                                                         \
        expect((view), dots_, sizeof dots_ / sizeof dots_[0], (art));                              \
    } while (0)

static void expect_mark(gch_mark mark, int64_t width, const gch_view *view, const dot *dots,
                        size_t count, const char *art)
{
    gch_error err = {0};
    gch__reference *reference = NULL;
    gch__reference_series series = {.mark = mark, .bar_width = {.count = width}};
    assert_ok(gch__reference_make(view, NULL, &reference, &err));
    assert_ok(gch__reference_begin_series(reference, &series, &err));
    add(reference, dots, count);
    gch__reference_end_series(reference);
    expect_picture(reference, view, art);
    gch__reference_destroy(reference);
}

#define EXPECT_MARK(mark, width, view, art, ...)                                                   \
    do {                                                                                           \
        const dot dots_[] = {__VA_ARGS__};                                                         \
        expect_mark((mark), (width), (view), dots_, sizeof dots_ / sizeof dots_[0], (art));        \
    } while (0)

static void a_point_alone_lights_its_own_pixel(void **state)
{
    (void)state;
    EXPECT(UNIT(4, 3),
           "....\n"
           ".#..\n"
           "....\n",
           INT(1, 2));
    /* A value on a row's upper edge belongs to that row. */
    EXPECT(UNIT(4, 3),
           "#...\n"
           "....\n"
           "....\n",
           INT(0, 3));
    /* Just under it to the next. */
    EXPECT(UNIT(4, 3),
           "....\n"
           "#...\n"
           "....\n",
           DECIMAL(0, 1999999999999999999, 18));
}

static void points_at_the_bottom_and_at_the_end_lie_outside(void **state)
{
    (void)state;
    EXPECT(UNIT(2, 2),
           "..\n"
           "..\n",
           INT(0, 0), GAP(0), INT(2, 1), GAP(2), INT(-1, 1), GAP(0));
    EXPECT(UNIT(2, 2),
           "..\n"
           "#.\n",
           DECIMAL(0, 1, 18));
    /* A hair above the top. */
    EXPECT(UNIT(2, 1), "..\n", DECIMAL(0, 1000000000000000001, 18));
    EXPECT(UNIT(2, 1), "#.\n", DECIMAL(0, 1000000000000000000, 18));
}

static void columns_have_rational_edges(void **state)
{
    (void)state;
    /* E = 0, 3 1/3, 6 2/3. */
    EXPECT(WIDE(0, 10, TEN(0, 0), TEN(4, 0), 3, 4),
           "#..\n"
           ".#.\n"
           ".#.\n"
           "..#\n",
           INT(3, 4), GAP(3), INT(4, 3), GAP(4), INT(6, 2), GAP(6), INT(7, 1));
}

static void a_falling_diagonal_through_corners_lights_both_sides(void **state)
{
    (void)state;
    EXPECT(UNIT(4, 4),
           "#...\n"
           "##..\n"
           ".##.\n"
           "..##\n",
           INT(0, 4), INT(4, 0));
}

static void a_rising_diagonal_through_corners_lights_both_sides(void **state)
{
    (void)state;
    EXPECT(UNIT(4, 4),
           "...#\n"
           "..##\n"
           ".##.\n"
           "##..\n",
           INT(0, 0), INT(4, 4));
}

static void a_flat_line_joins_far_points(void **state)
{
    (void)state;
    EXPECT(UNIT(5, 3),
           ".....\n"
           ".###.\n"
           ".....\n",
           INT(1, 2), INT(3, 2));
}

static void equal_times_are_a_vertical_segment(void **state)
{
    (void)state;
    EXPECT(UNIT(3, 4),
           "...\n"
           ".#.\n"
           ".#.\n"
           ".#.\n",
           INT(1, 1), INT(1, 3), INT(1, 2));
}

static void a_segment_that_ends_on_an_edge_reaches_the_column_before(void **state)
{
    (void)state;
    /* E(1) = 2. */
    EXPECT(WIDE(0, 4, TEN(0, 0), TEN(3, 0), 2, 3),
           "#.\n"
           "#.\n"
           "##\n",
           INT(0, 3), INT(2, 1));
}

static void a_segment_that_starts_on_an_edge_does_not(void **state)
{
    (void)state;
    EXPECT(WIDE(0, 4, TEN(0, 0), TEN(3, 0), 2, 3),
           ".#\n"
           "..\n"
           "..\n",
           INT(2, 3), INT(3, 3));
}

static void a_vertical_segment_on_an_edge_belongs_to_the_column_after(void **state)
{
    (void)state;
    EXPECT(WIDE(0, 4, TEN(0, 0), TEN(3, 0), 2, 3),
           "#.\n"
           "##\n"
           ".#\n",
           INT(0, 3), INT(2, 2), INT(2, 1));
}

static void gaps_break_the_line(void **state)
{
    (void)state;
    EXPECT(UNIT(6, 2),
           "##....\n"
           "...#.#\n",
           INT(0, 2), INT(1, 2), GAP(2), INT(3, 1), F64(4, (double)NAN), INT(5, 1),
           F32(6, INFINITY), F64(7, -(double)INFINITY), GAP(8));
    /* Two runs in one column are lit by themselves. */
    EXPECT(WIDE(0, 10, TEN(0, 0), TEN(6, 0), 1, 6),
           "#\n"
           "#\n"
           ".\n"
           "#\n"
           "#\n"
           ".\n",
           INT(1, 6), INT(2, 5), GAP(3), INT(4, 3), INT(5, 2));
}

static void a_run_goes_on_across_the_edges_of_the_view(void **state)
{
    (void)state;
    EXPECT(UNIT(4, 4),
           "...#\n"
           "..##\n"
           ".##.\n"
           "##..\n",
           INT(-1000, -1000), INT(1000, 1000));
    EXPECT(UNIT(3, 2),
           "#..\n"
           "###\n",
           INT(-1, 3), INT(1, 1), INT(7, 1));
}

static void a_segment_outside_lights_nothing(void **state)
{
    (void)state;
    EXPECT(UNIT(2, 2),
           "..\n"
           "..\n",
           INT(-5, 1), INT(-1, 1), GAP(0), INT(2, 1), INT(5, 2));
    EXPECT(UNIT(2, 2),
           "..\n"
           "..\n",
           INT(-5, 3), INT(5, 3), GAP(5), INT(5, 1), INT(9, 2));
}

static void a_view_can_be_finer_than_a_tick(void **state)
{
    (void)state;
    EXPECT(WIDE(7, 8, TEN(0, 0), TEN(4, 0), 4, 4),
           "...#\n"
           "..##\n"
           ".##.\n"
           "##..\n",
           INT(7, 0), INT(8, 4));
    EXPECT(WIDE(7, 8, TEN(0, 0), TEN(2, 0), 4, 2),
           "#...\n"
           "....\n",
           INT(7, 2));
}

static void times_and_values_reach_the_limits_of_int64(void **state)
{
    (void)state;
    /* v(t) = t over all of int64. */
    EXPECT(UNIT(4, 4),
           "...#\n"
           "..##\n"
           ".##.\n"
           "##..\n",
           INT(INT64_MIN, INT64_MIN), INT(INT64_MAX, INT64_MAX));
    EXPECT(WIDE(INT64_MIN, INT64_MAX, TEN(0, 0), TEN(2, 0), 2, 2),
           "##\n"
           "..\n",
           INT(INT64_MIN, 2), INT(INT64_MAX, 2));
    EXPECT(WIDE(INT64_MAX - 3, INT64_MAX, TEN(0, 0), TEN(3, 0), 3, 3),
           "..#\n"
           ".#.\n"
           "#..\n",
           INT(INT64_MAX - 3, 1), GAP(INT64_MAX - 3), INT(INT64_MAX - 2, 2), GAP(INT64_MAX - 2),
           INT(INT64_MAX - 1, 3), GAP(INT64_MAX), INT(INT64_MAX, 3));
}

static void a_row_edge_is_the_decimal_as_written(void **state)
{
    (void)state;
    /* The edge is 0.3; in doubles 0.3 lies below it and 0.1 + 0.2 above. */
    const gch_view *view = WIDE(0, 4, TEN(0, 0), TEN(6, -1), 4, 2);
    EXPECT(view,
           "..##\n"
           "##..\n",
           DECIMAL(0, 3, 1), GAP(0), F64(1, 0.3), GAP(1), F64(2, 0.1 + 0.2), GAP(2), F32(3, 0.3F));
}

static void a_crossing_is_a_real_number(void **state)
{
    (void)state;
    static const char *const on_edges = "#..\n"
                                        "##.\n"
                                        ".##\n";
    static const char *const above_edges = "##.\n"
                                           ".##\n"
                                           "..#\n";
    /* The line is at 2/3 at E(1) and at 1/3 at E(2): on the rows' edges if the view is 0 to 1. */
    EXPECT(WIDE(0, 3, TEN(0, 0), TEN(1, 0), 3, 3), on_edges, INT(0, 1), INT(3, 0));
    /* In views that differ in the 18th place the crossings lie just above the edges ... */
    EXPECT(WIDE(0, 3, TEN(0, 0), TEN(999999999999999999, -18), 3, 3), above_edges, INT(0, 1),
           INT(3, 0));
    EXPECT(WIDE(0, 3, TEN(-1, -18), TEN(1, 0), 3, 3), above_edges, INT(0, 1), INT(3, 0));
    /* ... or just below. */
    EXPECT(WIDE(0, 3, TEN(1, -18), TEN(1, 0), 3, 3), on_edges, INT(0, 1), INT(3, 0));
}

static void denormals_and_huge_values_are_exact(void **state)
{
    (void)state;
    /* The smallest double is 4.94e-324: under the edge at 5e-324. */
    const double tiny = nextafter(0.0, 1.0);
    EXPECT(WIDE(0, 3, TEN(0, 0), TEN(1, -323), 3, 2),
           ".#.\n"
           "#..\n",
           F64(0, tiny), GAP(0), F64(1, 2 * tiny), GAP(1), F64(2, 3 * tiny));
    /* From -1e300 to 1e300 in two ticks: 0 (nearly: the doubles are symmetric, so exactly) at 1. */
    EXPECT(WIDE(0, 2, TEN(-1, 0), TEN(1, 0), 2, 2),
           ".#\n"
           "##\n",
           F64(0, -1e300), F64(2, 1e300));
    EXPECT(WIDE(0, 2, TEN(-2, 300), TEN(2, 300), 2, 4),
           "..\n"
           "..\n"
           "#.\n"
           "..\n",
           F64(0, -1e299), GAP(0), F64(1, -DBL_MAX));
}

static void a_double_beside_an_edge_is_told_from_one_on_it(void **state)
{
    (void)state;
    /* 2^53 + 2 is a double; the edge is 2^53 + 1. */
    const int64_t big = (int64_t)1 << 53;
    const gch_view *view = WIDE(0, 3, TEN(big, 0), TEN(big + 2, 0), 3, 2);
    EXPECT(view,
           ".#.\n"
           "..#\n",
           F64(0, (double)big), GAP(0), F64(1, (double)(big + 2)), GAP(1), INT(2, big + 1));
}

static void series_are_united_and_not_joined(void **state)
{
    (void)state;
    gch_error err = {0};
    const gch_view *view = UNIT(4, 2);
    gch__reference *reference = NULL;
    assert_ok(gch__reference_make(view, NULL, &reference, &err));
    const dot first[] = {INT(0, 2), INT(1, 2)};
    const dot second[] = {INT(3, 1)};
    add(reference, first, 2);
    gch__reference_end_series(reference);
    add(reference, second, 1);
    gch__reference_end_series(reference);
    expect_picture(reference, view,
                   "##..\n"
                   "...#\n");
    gch__reference_destroy(reference);
}

static void tall_columns_are_lit_without_holes(void **state)
{
    (void)state;
    gch_error err = {0};
    const gch_view *view = UNIT(2, 300);
    gch__reference *reference = NULL;
    assert_ok(gch__reference_make(view, NULL, &reference, &err));
    const dot dots[] = {INT(1, 290), INT(1, 10)};
    add(reference, dots, 2);
    gch__reference_end_series(reference);
    for (uint32_t y = 0; y < 300; y++) {
        assert_false(gch__reference_is_lit(reference, 0, y));
        assert_int_equal(gch__reference_is_lit(reference, 1, y), y >= 10 && y <= 290);
    }
    gch__reference_destroy(reference);
}

static __int128 floor_div(__int128 a, __int128 b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

/* Single points whose row and column 128-bit integers give, most of them near edges. */
static void random_points_agree_with_integer_arithmetic(void **state)
{
    (void)state;
    gch_error err = {0};
    uint64_t seed = 1;
    uint64_t lit_count = 0;
    uint64_t exact_count = 0;
    for (int i = 0; i < 20000; i++) {
        uint32_t width = 1 + (uint32_t)(test_random(&seed) % 40);
        uint32_t height = 1 + (uint32_t)(test_random(&seed) % 1000);
        int shift = (int)(test_random(&seed) % 50);
        int64_t bottom = (int64_t)test_random(&seed) >> (5 + shift);
        int64_t span = 1 + (int64_t)(test_random(&seed) >> 5 >> (test_random(&seed) % 58));
        int64_t t0 = (int64_t)test_random(&seed) >> (2 + (int)(test_random(&seed) % 60));
        int64_t duration = 1 + (int64_t)(test_random(&seed) >> 2 >> (test_random(&seed) % 61));
        int64_t row = (int64_t)(test_random(&seed) % height);
        int64_t value = bottom + span - (int64_t)((__int128)row * span / height) +
                        (int64_t)(test_random(&seed) % 3) - 1;
        int64_t time = t0 + (int64_t)(test_random(&seed) % (uint64_t)duration);
        gch_view view = {.t0 = t0,
                         .t1 = t0 + duration,
                         .bottom = {bottom, -9},
                         .top = {bottom + span, -9},
                         .width_px = width,
                         .height_px = height};
        gch__reference *reference = NULL;
        assert_ok(gch__reference_make(&view, NULL, &reference, &err));
        const dot point[] = {DECIMAL(time, value, 9)};
        add(reference, point, 1);
        gch__reference_end_series(reference);
        __int128 x = floor_div(((__int128)time - t0) * width, duration);
        __int128 y = floor_div(((__int128)bottom + span - value) * height, span);
        for (uint32_t c = 0; c < width; c++) {
            for (uint32_t r = 0; r < height; r++) {
                bool is_lit = gch__reference_is_lit(reference, c, r);
                assert_int_equal(is_lit, c == x && r == y);
                lit_count += is_lit;
            }
        }
        exact_count += gch__reference_exact_count(reference);
        gch__reference_destroy(reference);
    }
    /* The cases reach both the filter and the exact path. */
    assert_true(lit_count > 10000);
    assert_true(exact_count > 1000 && exact_count < 19000);
}

static void a_candle_is_a_body_and_a_wick(void **state)
{
    (void)state;
    /* Four columns: one is the gap, of the body's three the middle one is the wick's. */
    EXPECT_MARK(GCH_MARK_CANDLES, 4, UNIT(8, 6),
                "........\n"
                ".#......\n"
                "###.....\n"
                "###.###.\n"
                "###.....\n"
                ".#......\n",
                INT(0, 2), INT(1, 5), INT(2, 1), INT(3, 4), INT(4, 3), GAP(5), INT(6, 3), GAP(7));
    /* A bar is whole where the view shows a part of it: this one opened at time 0. */
    EXPECT_MARK(GCH_MARK_CANDLES, 4, WIDE(2, 4, TEN(0, 0), TEN(6, 0), 2, 6),
                "..\n"
                "..\n"
                "#.\n"
                "#.\n"
                "#.\n"
                "..\n",
                INT(0, 2), INT(1, 5), INT(2, 1), INT(3, 4));
}

static void ohlc_opens_to_the_left_and_closes_to_the_right(void **state)
{
    (void)state;
    EXPECT_MARK(GCH_MARK_OHLC, 4, UNIT(8, 6),
                "........\n"
                ".#......\n"
                ".##.....\n"
                ".#..###.\n"
                "##......\n"
                ".#......\n",
                INT(0, 2), INT(1, 5), INT(2, 1), INT(3, 4), INT(4, 3), GAP(5), INT(6, 3));
}

static void bars_reach_the_baseline(void **state)
{
    (void)state;
    EXPECT_MARK(GCH_MARK_BARS, 4, WIDE(0, 8, TEN(-3, 0), TEN(3, 0), 8, 6),
                "........\n"
                "###.....\n"
                "###.....\n"
                "###.###.\n"
                "###.###.\n"
                "....###.\n",
                INT(0, 2), INT(1, -1), GAP(2), INT(4, -2));
    /* A bar a point. */
    EXPECT_MARK(GCH_MARK_BARS, 0, WIDE(0, 4, TEN(-2, 0), TEN(2, 0), 4, 4),
                "....\n"
                "#...\n"
                "##..\n"
                ".#..\n",
                INT(0, 1), INT(1, -1), GAP(2));
}

static void bars_within_a_column_are_one(void **state)
{
    (void)state;
    EXPECT_MARK(GCH_MARK_CANDLES, 1, WIDE(0, 4, TEN(0, 0), TEN(5, 0), 2, 5),
                "..\n"
                "#.\n"
                "##\n"
                "#.\n"
                "#.\n",
                INT(0, 1), INT(1, 4), INT(2, 3), GAP(3));
}

static void an_area_is_a_line_and_what_lies_between_it_and_zero(void **state)
{
    (void)state;
    EXPECT_MARK(GCH_MARK_AREA, 0, WIDE(0, 4, TEN(-2, 0), TEN(2, 0), 4, 4),
                "....\n"
                "##..\n"
                "##.#\n"
                "...#\n",
                INT(0, 1), INT(1, 1), GAP(2), INT(3, -1));
    /* Zero below the view, and above it. */
    EXPECT_MARK(GCH_MARK_AREA, 0, WIDE(0, 2, TEN(1, 0), TEN(5, 0), 2, 4),
                "..\n"
                "..\n"
                "#.\n"
                "#.\n",
                INT(0, 3));
    EXPECT_MARK(GCH_MARK_AREA, 0, WIDE(0, 2, TEN(-5, 0), TEN(-1, 0), 2, 4),
                ".#\n"
                ".#\n"
                ".#\n"
                "..\n",
                INT(1, -3), GAP(1));
}

static void bad_views_are_refused(void **state)
{
    (void)state;
    gch_error err = {0};
    gch__reference *reference = NULL;
    gch_view view = *UNIT(4, 4);
    view.t1 = view.t0;
    assert_status(gch__reference_make(&view, NULL, &reference, &err), GCH_INVALID);
    view = *UNIT(4, 4);
    view.bottom = TEN(40, -1);
    assert_status(gch__reference_make(&view, NULL, &reference, &err), GCH_INVALID);
    view = *UNIT(4, 4);
    view.width_px = 0;
    assert_status(gch__reference_make(&view, NULL, &reference, &err), GCH_INVALID);
    view = *UNIT(4, 4);
    view.height_px = GCH_VIEW_PX_MAX + 1;
    assert_status(gch__reference_make(&view, NULL, &reference, &err), GCH_INVALID);
    view = *UNIT(4, 4);
    view.top.exp10 = INT32_MAX;
    assert_status(gch__reference_make(&view, NULL, &reference, &err), GCH_INVALID);
    view = *UNIT(4, 4);
    view.axis = GCH_AXIS_LOG;
    assert_status(gch__reference_make(&view, NULL, &reference, &err), GCH_UNSUPPORTED);
    assert_null(reference);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_point_alone_lights_its_own_pixel),
        cmocka_unit_test(points_at_the_bottom_and_at_the_end_lie_outside),
        cmocka_unit_test(columns_have_rational_edges),
        cmocka_unit_test(a_falling_diagonal_through_corners_lights_both_sides),
        cmocka_unit_test(a_rising_diagonal_through_corners_lights_both_sides),
        cmocka_unit_test(a_flat_line_joins_far_points),
        cmocka_unit_test(equal_times_are_a_vertical_segment),
        cmocka_unit_test(a_segment_that_ends_on_an_edge_reaches_the_column_before),
        cmocka_unit_test(a_segment_that_starts_on_an_edge_does_not),
        cmocka_unit_test(a_vertical_segment_on_an_edge_belongs_to_the_column_after),
        cmocka_unit_test(gaps_break_the_line),
        cmocka_unit_test(a_run_goes_on_across_the_edges_of_the_view),
        cmocka_unit_test(a_segment_outside_lights_nothing),
        cmocka_unit_test(a_view_can_be_finer_than_a_tick),
        cmocka_unit_test(times_and_values_reach_the_limits_of_int64),
        cmocka_unit_test(a_row_edge_is_the_decimal_as_written),
        cmocka_unit_test(a_crossing_is_a_real_number),
        cmocka_unit_test(denormals_and_huge_values_are_exact),
        cmocka_unit_test(a_double_beside_an_edge_is_told_from_one_on_it),
        cmocka_unit_test(series_are_united_and_not_joined),
        cmocka_unit_test(tall_columns_are_lit_without_holes),
        cmocka_unit_test(random_points_agree_with_integer_arithmetic),
        cmocka_unit_test(a_candle_is_a_body_and_a_wick),
        cmocka_unit_test(ohlc_opens_to_the_left_and_closes_to_the_right),
        cmocka_unit_test(bars_reach_the_baseline),
        cmocka_unit_test(bars_within_a_column_are_one),
        cmocka_unit_test(an_area_is_a_line_and_what_lies_between_it_and_zero),
        cmocka_unit_test(bad_views_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
