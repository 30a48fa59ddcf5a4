/* Panels and second axes: a bare panel is, pixel for pixel, the picture that its series would make
 * alone, on every executor; and what is told of each. */
#include "base.h"
#include "gch/chart.h"
#include "test_series.h"

#include <math.h>

#define ROWS 20000

static gch_error err;
static test_series file;

/* A walk with a gap now and then. */
static int make_file(void **state)
{
    (void)state;
    static int64_t times[ROWS];
    static double values[ROWS];
    uint64_t seed = 11;
    double walk = 0;
    for (int i = 0; i < ROWS; i++) {
        walk += (double)(test_random(&seed) % 201) - 100;
        times[i] = i * 10;
        values[i] = test_random(&seed) % 700 == 0 ? (double)NAN : walk / 10;
    }
    file = test_series_make(GCH_TIME_MS, times, values, GCH_TYPE_F64, NULL, ROWS);
    return 0;
}

static int free_file(void **state)
{
    (void)state;
    test_series_free(&file);
    return 0;
}

/* The bare picture of one line in a range, `rows` high. */
static gch_image draw_alone(const gch_chart_desc *like, const gch_chart_series *series,
                            const gch_view *view)
{
    gch_chart_desc desc = *like;
    gch_chart_series alone = *series;
    gch_image image = {0};
    alone.panel = 0;
    alone.axis = GCH_AXIS_LEFT;
    desc.panels = NULL;
    desc.panel_count = 0;
    desc.series = &alone;
    desc.series_count = 1;
    desc.height_px = view->height_px;
    desc.has_bottom = desc.has_top = true;
    desc.bottom = view->bottom;
    desc.top = view->top;
    desc.backend = GCH_BACKEND_CPU;
    assert_ok(gch_chart_render(&desc, &image, NULL, &err));
    return image;
}

static void each_bare_panel_is_the_picture_of_its_series_alone(void **state)
{
    (void)state;
    const gch_panel_desc panels[] = {
        {.height = 3, .left = {.has_top = true, .top = {4000, -1}}}, {0}, {.height = 1.5f}};
    const gch_chart_series series[] = {
        {.file = file.file},
        {.file = file.file, .panel = 2},
        {.file = file.file, .panel = 1, .axis = GCH_AXIS_RIGHT},
        {.file = file.file, .axis = GCH_AXIS_RIGHT},
    };
    static const gch_backend backends[] = {GCH_BACKEND_CPU, GCH_BACKEND_REFERENCE, GCH_BACKEND_GPU};
    for (size_t b = 0; b < GCH_COUNT_OF(backends); b++) {
        gch_chart_desc desc = {.series = series,
                               .series_count = GCH_COUNT_OF(series),
                               .panels = panels,
                               .panel_count = GCH_COUNT_OF(panels),
                               .width_px = 301,
                               .height_px = 157,
                               .is_bare = true,
                               .has_time_range = true,
                               .from = 500,
                               .to = 90001,
                               .backend = backends[b]};
        gch_image image = {0};
        gch_chart_stats stats;
        assert_ok(gch_chart_render(&desc, &image, &stats, &err));
        assert_int_equal(stats.panel_count, 3);
        uint32_t *expected = calloc((size_t)301 * 157, sizeof *expected);
        assert_non_null(expected);
        for (size_t i = 0; i < GCH_COUNT_OF(series); i++) {
            const gch_panel_stats *panel = &stats.panels[series[i].panel];
            const gch_view *view = series[i].axis == GCH_AXIS_LEFT ? &panel->left : &panel->right;
            gch_image alone = draw_alone(&desc, &series[i], view);
            for (size_t k = 0; k < (size_t)301 * view->height_px; k++)
                expected[(size_t)panel->y_px * 301 + k] |= alone.pixels[k];
            gch_image_destroy(&alone, NULL);
        }
        assert_memory_equal(expected, image.pixels, (size_t)301 * 157 * 4);
        free(expected);
        gch_image_destroy(&image, NULL);
    }
}

/* The GPU keeps the columns that a pan by whole columns still shows, of every panel. */
static void panned_panels_have_no_other_pixels_on_the_gpu(void **state)
{
    (void)state;
    const gch_axis_desc range = {
        .has_bottom = true, .has_top = true, .bottom = {-600, 0}, .top = {600, 0}};
    const gch_panel_desc panels[] = {{.height = 2, .left = range, .right = range}, {.left = range}};
    const gch_chart_series series[] = {
        {.file = file.file},
        {.file = file.file, .mark = GCH_MARK_STEP, .panel = 1},
        {.file = file.file, .axis = GCH_AXIS_RIGHT, .mark = GCH_MARK_SCATTER},
    };
    static const int64_t pans[] = {0, 300, 300, -900, 60, 7, 0, 90000, -60000};
    gch_chart *charts[2] = {NULL, NULL};
    gch_chart_desc desc = {.series = series,
                           .series_count = GCH_COUNT_OF(series),
                           .panels = panels,
                           .panel_count = GCH_COUNT_OF(panels),
                           .width_px = 200,
                           .height_px = 91,
                           .is_bare = true,
                           .has_time_range = true,
                           .from = 20000,
                           .to = 20000 + 200 * 30};
    for (size_t i = 0; i < GCH_COUNT_OF(charts); i++)
        assert_ok(gch_chart_make(NULL, &charts[i], &err));
    for (size_t i = 0; i < GCH_COUNT_OF(pans); i++) {
        const gch_image *images[2];
        desc.from += pans[i];
        desc.to += pans[i];
        for (size_t k = 0; k < GCH_COUNT_OF(charts); k++) {
            desc.backend = k == 0 ? GCH_BACKEND_CPU : GCH_BACKEND_GPU;
            assert_ok(gch_chart_frame(charts[k], &desc, &images[k], NULL, &err));
        }
        assert_memory_equal(images[0]->pixels, images[1]->pixels, 200 * 91 * 4);
    }
    for (size_t i = 0; i < GCH_COUNT_OF(charts); i++)
        gch_chart_destroy(charts[i]);
}

static void figures_tell_of_each_panel(void **state)
{
    (void)state;
    const gch_panel_desc panels[] = {
        {.left = {.has_bottom = true, .bottom = {-12345, -1}}},
        {.right = {.axis = GCH_AXIS_LOG}},
        {0},
    };
    const gch_chart_series series[] = {
        {.file = file.file},
        {.file = file.file, .panel = 1, .axis = GCH_AXIS_RIGHT},
    };
    gch_chart_desc desc = {.series = series, .series_count = 2, .panels = panels, .panel_count = 3};
    gch_image image = {0};
    gch_chart_stats stats;
    assert_ok(gch_chart_render(&desc, &image, &stats, &err));
    const gch_panel_stats *p = stats.panels;
    assert_int_equal(stats.panel_count, 3);
    assert_true(p[0].has_left && !p[0].has_right && !p[1].has_left && p[1].has_right);
    assert_true(p[2].has_left && !p[2].has_right); /* empty, but it has an axis */
    assert_int_equal(p[0].left.bottom.digits, -12345);
    assert_int_equal(p[1].right.axis, GCH_AXIS_LOG);
    assert_true(p[0].y_px < p[1].y_px && p[1].y_px < p[2].y_px);
    assert_int_equal(stats.view.bottom.digits, -12345);
    assert_int_equal(stats.plot_y_px, p[0].y_px);
    gch_image_destroy(&image, NULL);
}

/* The file's values are made positive by a fixed bottom of 0: what counts is the top. */
static void an_axis_of_volume_fits_the_sums_of_its_bars(void **state)
{
    (void)state;
    gch_chart_series series = {.file = file.file, .mark = GCH_MARK_VOLUME};
    gch_chart_desc desc = {.series = &series,
                           .series_count = 1,
                           .width_px = 600,
                           .height_px = 300,
                           .has_time_range = true,
                           .to = 200000,
                           .bar_width = {.count = 5000}};
    gch_query *query = NULL;
    const gch_bar_sum *sums;
    uint32_t count;
    gch_chart *chart = NULL;
    const gch_image *image;
    gch_chart_stats first, second;
    assert_ok(gch_query_make(file.file, NULL, &query, &err));
    assert_ok(gch_query_sums(query, 0, desc.bar_width, NULL, 0, 200000, 1000, &sums, &count, &err));
    double low = 0, high = 0;
    for (uint32_t i = 0; i < count; i++) {
        low = fmin(low, sums[i].sum);
        high = fmax(high, sums[i].sum);
    }
    assert_ok(gch_chart_make(NULL, &chart, &err));
    assert_ok(gch_chart_frame(chart, &desc, &image, &first, &err));
    assert_true(gch_decimal_to_double(first.view.bottom) <= low);
    assert_true(gch_decimal_to_double(first.view.top) >= high);
    assert_true(gch_decimal_to_double(first.view.top) - gch_decimal_to_double(first.view.bottom) <
                1.2 * (high - low) + 1);
    assert_int_equal(first.blocks_decoded, (ROWS + 255) / 256 + count - 1); /* some by two bars */
    assert_ok(gch_chart_frame(chart, &desc, &image, &second, &err));
    assert_int_equal(second.blocks_decoded, 0); /* all known */
    gch_chart_destroy(chart);
    gch_query_destroy(query);
}

static void *count_requests(void *context, void *old, size_t bytes, const char *purpose)
{
    (void)purpose;
    if (bytes == 0) {
        free(old);
        return NULL;
    }
    ++*(size_t *)context;
    return realloc(old, bytes);
}

static void warm_frames_with_panels_allocate_nothing(void **state)
{
    (void)state;
    size_t requests = 0, before = 0;
    gch_allocator allocator = {.resize = count_requests, .context = &requests};
    const gch_panel_desc panels[] = {{.height = 2, .title = "Flow"}, {0}};
    const gch_chart_series series[] = {
        {.file = file.file},
        {.file = file.file, .axis = GCH_AXIS_RIGHT, .mark = GCH_MARK_AREA},
        {.file = file.file, .panel = 1, .mark = GCH_MARK_BARS},
        {.file = file.file, .panel = 1, .mark = GCH_MARK_BAND, .width_px = 1},
        {.file = file.file, .dash_px = {4, 2}, .dash_count = 2},
        {.file = file.file, .panel = 1, .mark = GCH_MARK_VOLUME, .has_price = true},
    };
    gch_chart_desc desc = {.series = series,
                           .series_count = GCH_COUNT_OF(series),
                           .panels = panels,
                           .panel_count = GCH_COUNT_OF(panels),
                           .width_px = 500,
                           .height_px = 300,
                           .has_time_range = true,
                           .allocator = &allocator};
    for (int bare = 0; bare < 2; bare++) {
        gch_chart *chart = NULL;
        const gch_image *image;
        desc.is_bare = bare == 1;
        assert_ok(gch_chart_make(&allocator, &chart, &err));
        for (int64_t round = 0; round < 3; round++) {
            before = requests;
            for (int64_t pan = 0; pan < 6; pan++) {
                desc.from = pan * 5000;
                desc.to = desc.from + 100000;
                assert_ok(gch_chart_frame(chart, &desc, &image, NULL, &err));
            }
        }
        assert_true(before > 0);
        assert_int_equal(requests, before);
        gch_chart_destroy(chart);
    }
}

static void faulty_panels_are_refused_by_field(void **state)
{
    (void)state;
    gch_panel_desc panels[2] = {{0}};
    gch_chart_series series = {.file = file.file};
    const gch_chart_desc sound = {
        .series = &series, .series_count = 1, .panels = panels, .panel_count = 2};
    gch_image image = {0};
    for (int fault = 0; fault < 9; fault++) {
        static const char *const fields[] = {
            "panel_count", "panels:",          "series[0].panel",     "series[0].axis",
            "bottom, top", "panels[1].height", "panels[0].left.axis", "panels[1].right.bottom",
            "height_px"};
        gch_chart_desc desc = sound;
        panels[0] = panels[1] = (gch_panel_desc){0};
        series = (gch_chart_series){.file = file.file};
        switch (fault) {
        case 0:
            desc.panel_count = GCH_PANEL_CAP + 1;
            break;
        case 1:
            desc.panels = NULL;
            break;
        case 2:
            series.panel = 2;
            break;
        case 3:
            series.axis = (gch_axis_side)2;
            break;
        case 4:
            desc.has_top = true;
            break;
        case 5:
            panels[1].height = -1;
            break;
        case 6:
            panels[0].left.axis = (gch_value_axis)2;
            break;
        case 7:
            panels[1].right = (gch_axis_desc){
                .has_bottom = true, .has_top = true, .bottom = {1, 0}, .top = {10, -1}};
            break;
        default:
            desc.height_px = 1;
            break;
        }
        assert_status(gch_chart_render(&desc, &image, NULL, &err), GCH_INVALID);
        if (strstr(err.message, fields[fault]) == NULL)
            fail_msg("%s is not named by: %s", fields[fault], err.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_bare_panel_is_the_picture_of_its_series_alone),
        cmocka_unit_test(panned_panels_have_no_other_pixels_on_the_gpu),
        cmocka_unit_test(figures_tell_of_each_panel),
        cmocka_unit_test(an_axis_of_volume_fits_the_sums_of_its_bars),
        cmocka_unit_test(warm_frames_with_panels_allocate_nothing),
        cmocka_unit_test(faulty_panels_are_refused_by_field),
    };
    return cmocka_run_group_tests(tests, make_file, free_file);
}
