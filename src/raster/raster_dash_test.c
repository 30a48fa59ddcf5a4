/* Dashes: where they lie, that they move with the data, and that there are not too many. */
#include "raster_dash.h"
#include "raster_stroke.h"
#include "test.h"

#include <math.h>

static gch__plot_series series_of(float width, const float *lengths, uint32_t count)
{
    gch__plot_series series = {.width = width, .dash_count = count};
    memcpy(series.dash, lengths, count * sizeof *lengths);
    return series;
}

/* A tick is a pixel wide, a value high; value 0 lies at the bottom. */
static gch_view view_from(int64_t t0)
{
    return (gch_view){.t0 = t0, .t1 = t0 + 100, .top = {100, 0}, .width_px = 100, .height_px = 100};
}

static void assert_run(const gch_point *run, double x0, double y0, double x1, double y1)
{
    if (!run[0].starts_run || run[1].starts_run || fabs(run[0].x - x0) > 1e-3 ||
        fabs(run[0].y - y0) > 1e-3 || fabs(run[1].x - x1) > 1e-3 || fabs(run[1].y - y1) > 1e-3)
        fail_msg("(%g, %g) to (%g, %g), not (%g, %g) to (%g, %g)", (double)run[0].x,
                 (double)run[0].y, (double)run[1].x, (double)run[1].y, x0, y0, x1, y1);
}

static void ends_are_round_and_part_of_a_dash(void **state)
{
    (void)state;
    static const float lengths[] = {6, 4};
    gch__plot_series series = series_of(2, lengths, 2);
    gch_view view = view_from(0);
    gch__dash dash = gch__dash_make(&series, &view);
    const gch_point line[] = {{.y = 50, .starts_run = true}, {.x = 22, .y = 50}};
    gch_point out[8];
    assert_int_equal(gch__path_dash(line, 2, &dash, true, out, 8), 6);
    assert_run(out, 1, 50, 5, 50);
    assert_run(out + 2, 11, 50, 15, 50);
    assert_run(out + 4, 21, 50, 22, 50); /* goes on beyond the end */
    series.width = 8;                    /* as long as wide: dots in the middle */
    dash = gch__dash_make(&series, &view);
    assert_int_equal(gch__path_dash(line, 2, &dash, true, out, 8), 4);
    assert_run(out, 3, 50, 3, 50);
    assert_run(out + 2, 13, 50, 13, 50);
}

static void steep_parts_are_measured_along_y(void **state)
{
    (void)state;
    static const float lengths[] = {10, 10};
    gch__plot_series series = series_of(0, lengths, 2);
    gch_view view = view_from(0);
    gch__dash dash = gch__dash_make(&series, &view);
    /* Value 0 is at y 100: values 0 to 10, 20 to 30 ... are drawn. */
    const gch_point up[] = {{.x = 40, .y = 95, .starts_run = true}, {.x = 44, .y = 55}};
    gch_point out[16];
    assert_int_equal(gch__path_dash(up, 2, &dash, true, out, 16), 6);
    assert_run(out, 40, 95, 40.5, 90);
    assert_run(out + 2, 41.5, 80, 42.5, 70);
    assert_run(out + 4, 43.5, 60, 44, 55);
    const gch_point down[] = {{.x = 40, .y = 55, .starts_run = true}, {.x = 44, .y = 95}};
    assert_int_equal(gch__path_dash(down, 2, &dash, true, out, 16), 6);
    assert_run(out, 40, 55, 40.5, 60);
    assert_run(out + 4, 43.5, 90, 44, 95);
}

static void a_pan_moves_the_pattern_with_the_data(void **state)
{
    (void)state;
    static const float lengths[] = {7.5f, 3.25f, 0, 3.25f};
    gch__plot_series series = series_of(1.5f, lengths, 4);
    static const int64_t starts[] = {0, -1234567, 1709510400000000007, INT64_MAX - 500, INT64_MIN};
    for (size_t i = 0; i < GCH_COUNT_OF(starts); i++) {
        gch_view before = view_from(starts[i]), after = view_from(starts[i] + 3);
        gch__dash a = gch__dash_make(&series, &before), b = gch__dash_make(&series, &after);
        double moved = fmod(b.x_phase - a.x_phase + 10 * a.period, a.period);
        if (fabs(moved - 3) > 1e-9)
            fail_msg("from %lld on, 3 px move the pattern by %g", (long long)starts[i], moved);
    }
    /* Half a pixel, and a tick of a thousandth of one. */
    gch_view before = {.t0 = 1709510400000000007,
                       .t1 = 1709510400000200007,
                       .top = {1, 0},
                       .width_px = 200,
                       .height_px = 10};
    gch_view after = before;
    after.t0 += 1501;
    after.t1 += 1501;
    double moved =
        gch__dash_make(&series, &after).x_phase - gch__dash_make(&series, &before).x_phase;
    moved = fmod(moved + 14, 14);
    assert_true(fabs(moved - 1.501) < 1e-9);
}

static void dashes_follow_a_path_cut_anywhere(void **state)
{
    (void)state;
    static const float lengths[] = {5, 3};
    gch__plot_series series = series_of(1, lengths, 2);
    gch_view view = view_from(12345);
    gch__dash dash = gch__dash_make(&series, &view);
    gch_point whole[2] = {{.x = 0, .y = 10, .starts_run = true}, {.x = 96, .y = 58}}, cut[97];
    for (int i = 0; i <= 96; i++)
        cut[i] = (gch_point){.x = (float)i, .y = 10 + (float)i * 0.5f, .starts_run = i == 0};
    static gch_point a[64], b[400];
    size_t a_count = gch__path_dash(whole, 2, &dash, true, a, 64);
    size_t b_count = gch__path_dash(cut, 97, &dash, false, b, 400);
    assert_true(a_count > 20 && a_count <= 64 && b_count <= 400);
    /* The same places are on. */
    for (double x = 0.05; x < 96; x += 0.1) {
        bool is_on[2] = {false, false};
        for (size_t i = 0; i < a_count; i += 2)
            is_on[0] = is_on[0] || (x >= (double)a[i].x && x <= (double)a[i + 1].x);
        for (size_t i = 0; i < b_count; i += 2)
            is_on[1] = is_on[1] || (x >= (double)b[i].x && x <= (double)b[i + 1].x);
        assert_true(is_on[0] == is_on[1]);
    }
}

static void what_lies_far_outside_makes_no_dashes(void **state)
{
    (void)state;
    static const float lengths[] = {1, 1};
    gch__plot_series series = series_of(1, lengths, 2);
    gch_view view = view_from(0);
    gch__dash dash = gch__dash_make(&series, &view);
    const gch_point line[] = {{.x = -1e6f, .y = -1e6f, .starts_run = true},
                              {.x = 1e6f, .y = 1e6f},
                              {.x = 1e6f, .y = -1e6f},
                              {.x = NAN, .y = 0},
                              {.x = 1e6f, .y = 4}};
    gch_point out[4];
    assert_in_range(gch__path_dash(line, 5, &dash, true, out, 4), 80, 120);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_are_round_and_part_of_a_dash),
        cmocka_unit_test(steep_parts_are_measured_along_y),
        cmocka_unit_test(a_pan_moves_the_pattern_with_the_data),
        cmocka_unit_test(dashes_follow_a_path_cut_anywhere),
        cmocka_unit_test(what_lies_far_outside_makes_no_dashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
