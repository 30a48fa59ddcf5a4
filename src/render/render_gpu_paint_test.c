/* Charts in the default look on the GPU against the CPU executor: no channel of a pixel differs by
 * more than 1, whatever the mark, the series, their widths and colours, the theme and the scale.
 *
 * Also what an unchanged and a panned chart cost, and memory that runs out.
 *
 * 240 random cases (GCH_PAINT_CASES for more, GCH_PAINT_FIRST to begin with another), drawn by one
 * chart on either side, as a viewer would keep it. */
#include "gch/chart.h"
#include "gpu_null.h"
#include "paint_cases.h"
#include "render_gpu_stage_test.h"
#include "test_memory.h"
#include "test_series.h"

#include <inttypes.h>
#include <math.h>

#define DEFAULT_CASE_COUNT 240u

static gch_error err;

static uint64_t number_from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static void no_channel_differs_by_more_than_one_from_the_processors(void **state)
{
    (void)state;
    uint64_t first = number_from_environment("GCH_PAINT_FIRST", 0), drawn_marks = 0,
             drawn_studies = 0;
    uint64_t count = number_from_environment("GCH_PAINT_CASES", DEFAULT_CASE_COUNT);
    gch_chart *gpu = NULL, *cpu = NULL;
    assert_ok(gch_chart_make(NULL, &gpu, &err));
    assert_ok(gch_chart_make(NULL, &cpu, &err));
    uint64_t equal = 0, frames = 0;
    for (uint64_t number = first; number < first + count; number++) {
        const gch_image *drawn, *expected;
        gch_chart_stats stats;
        paint_case c;
        size_t at = 0;
        paint_case_make(&c, number);
        gch_status status = gch_chart_frame(cpu, &c.desc, &expected, NULL, &err);
        c.desc.backend = GCH_BACKEND_GPU;
        gch_status on_gpu = gch_chart_frame(gpu, &c.desc, &drawn, &stats, &err);
        if (on_gpu != status)
            fail_msg("case %" PRIu64 ": %s, %s", number, gch_status_name(on_gpu), err.message);
        if (status != GCH_OK)
            continue; /* a view that no executor draws */
        frames++;
        if (stats.backend != GCH_BACKEND_GPU)
            fail_msg("case %" PRIu64 ": the GPU did not draw: %s", number, stats.fallback);
        uint32_t difference = paint_largest_difference(drawn, expected, &at);
        equal += difference == 0;
        if (difference > 1)
            fail_msg(
                "case %" PRIu64 ", %u x %u, %u series, marks %d %d %d %d: x %zu, y %zu is %08x, "
                "not %08x",
                number, drawn->width_px, drawn->height_px, c.desc.series_count, c.series[0].mark,
                c.series[1].mark, c.series[2].mark, c.series[3].mark, at % drawn->width_px,
                at / drawn->width_px, drawn->pixels[at], expected->pixels[at]);
        for (uint32_t i = 0; i < c.desc.series_count; i++) {
            drawn_marks |= 1u << c.series[i].mark;
            drawn_studies |= 1u << c.series[i].study.kind;
        }
    }
    print_message("%" PRIu64 " of %" PRIu64 " pictures are the same to the last pixel\n", equal,
                  frames);
    if (count >= DEFAULT_CASE_COUNT) {
        assert_true(frames > 200);
        assert_int_equal(drawn_marks, 0x13FE); /* all of them */
        assert_int_equal(drawn_studies, 0x1F);
    }
    gch_chart_destroy(gpu);
    gch_chart_destroy(cpu);
}

/* More in a tile than the rounds that a software adapter lets a loop go. */
static void a_hundred_thousand_points_in_one_tile_are_all_drawn(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    int64_t *times = malloc(COUNT * sizeof *times);
    double *values = malloc(COUNT * sizeof *values);
    assert_true(times != NULL && values != NULL);
    for (int i = 0; i < COUNT; i++) {
        times[i] = i;
        values[i] = i;
    }
    test_series series = test_series_make(GCH_TIME_MS, times, values, GCH_TYPE_F64, NULL, COUNT);
    gch_chart_series its = {.file = series.file, .mark = GCH_MARK_SCATTER, .width_px = 1.5f};
    gch_chart_desc desc = {.series = &its, .series_count = 1, .width_px = 36, .height_px = 36};
    gch_image images[2] = {{0}};
    for (int i = 0; i < 2; i++) {
        gch_chart_stats stats;
        desc.backend = i == 0 ? GCH_BACKEND_CPU : GCH_BACKEND_GPU;
        assert_ok(gch_chart_render(&desc, &images[i], &stats, &err));
        assert_int_equal(stats.backend, desc.backend);
    }
    size_t at;
    assert_true(paint_largest_difference(&images[0], &images[1], &at) <= 1);
    gch_image_destroy(&images[0], NULL);
    gch_image_destroy(&images[1], NULL);
    test_series_free(&series);
    free(times);
    free(values);
}

/* ---- below the chart ---- */

static gch_status make_stage(const gch__gpu_executor_desc *executor, stage *out)
{
    const gch_chart_series series = {.file = paint_files[0], .mark = GCH_MARK_AREA};
    const gch_chart_desc chart = {.series = &series,
                                  .series_count = 1,
                                  .width_px = 400,
                                  .height_px = 240,
                                  .allocator = executor->allocator,
                                  .has_bottom = true,
                                  .has_top = true,
                                  .bottom = {-9000, 0},
                                  .top = {9000, 0}};
    return stage_make(out, executor, &chart, true, &err);
}

static gch_status draw(stage *s, const char *title, uint32_t color, int64_t from)
{
    s->series[0].color_rgba = color;
    s->desc.title = title;
    s->desc.from = from;
    s->desc.to = from + 100000000;
    GCH_TRY(stage_lay_out(s, &err));
    return stage_draw(s, &err);
}

static void an_unchanged_chart_submits_nothing_and_any_change_is_one_bundle(void **state)
{
    (void)state;
    stage s;
    assert_ok(make_stage(&(gch__gpu_executor_desc){.way = GCH__GPU_BY_DRAW}, &s));
    for (int64_t from = 2000; from >= 0; from -= 1000) { /* until buffers have their size */
        assert_ok(draw(&s, "A tilte", 0x102030FF, from));
        assert_ok(draw(&s, "A title", 0, from));
        assert_false(s.stats.is_unchanged);
    }
    gch__gpu_stats before = gch__gpu_get_stats(s.executor->gpu);
    assert_ok(draw(&s, "A title", 0, 0));
    assert_true(s.stats.is_unchanged);
    gch__gpu_stats after = gch__gpu_get_stats(s.executor->gpu);
    assert_memory_equal(&before, &after, sizeof after);

    static const struct {
        const char *title;
        uint32_t color;
        int64_t from;
    } changes[] = {{"A tilte", 0, 0}, {"A tilte", 0x102030FF, 0}, {"A tilte", 0x102030FF, 1000}};
    for (size_t i = 0; i < GCH_COUNT_OF(changes); i++) {
        assert_ok(draw(&s, changes[i].title, changes[i].color, changes[i].from));
        assert_false(s.stats.is_unchanged);
        after = gch__gpu_get_stats(s.executor->gpu);
        assert_int_equal(after.submits, before.submits + i + 1);
        assert_int_equal(after.bundles_run, before.bundles_run + i + 1);
        assert_int_equal(after.draws, before.draws); /* the one that was recorded */
    }
    gch__gpu_executor_forget(s.executor);
    assert_ok(draw(&s, "A tilte", 0x102030FF, 1000));
    assert_false(s.stats.is_unchanged);
    stage_free(&s);
}

static void a_histogram_has_the_processors_pixels(void **state)
{
    (void)state;
    gch_chart *charts[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++)
        assert_ok(gch_chart_make(NULL, &charts[i], &err));
    for (uint32_t bins = 1; bins < 3000; bins = bins * 3 + 1) {
        gch_chart_series its[] = {
            {.file = paint_files[0], .mark = GCH_MARK_HISTOGRAM, .bin_count = bins},
            {.file = paint_files[1], .mark = GCH_MARK_HISTOGRAM, .color_rgba = 0x40608080}};
        const gch_image *pictures[2];
        size_t at = 0;
        for (int i = 0; i < 2; i++) {
            gch_chart_desc desc = {.series = its,
                                   .series_count = 1 + bins % 2,
                                   .width_px = 700,
                                   .height_px = 300,
                                   .backend = i == 0 ? GCH_BACKEND_CPU : GCH_BACKEND_GPU};
            gch_chart_stats stats;
            assert_ok(gch_chart_frame(charts[i], &desc, &pictures[i], &stats, &err));
            assert_string_equal(stats.fallback, "");
        }
        assert_true(paint_largest_difference(pictures[0], pictures[1], &at) <= 1);
        uint32_t colored = 0;
        for (size_t px = 0; px < 700 * 300; px++)
            colored += pictures[0]->pixels[px] != pictures[0]->pixels[0];
        assert_true(colored > 5000); /* there is something to see */
    }
    for (int i = 0; i < 2; i++)
        gch_chart_destroy(charts[i]);
}

static void a_draw_and_a_dispatch_give_the_same_picture(void **state)
{
    (void)state;
    stage drawn, dispatched;
    assert_ok(make_stage(&(gch__gpu_executor_desc){.way = GCH__GPU_BY_DRAW}, &drawn));
    assert_ok(make_stage(&(gch__gpu_executor_desc){.way = GCH__GPU_BY_DISPATCH}, &dispatched));
    for (int64_t from = 0; from < 5000000; from += 1000000) {
        assert_ok(draw(&drawn, "A title", 0, from));
        assert_ok(draw(&dispatched, "A title", 0, from));
        assert_memory_equal(drawn.image.pixels, dispatched.image.pixels, 400 * 240 * 4);
    }
    assert_int_equal(gch__gpu_get_stats(dispatched.executor->gpu).bundles_run, 0);
    stage_free(&drawn);
    stage_free(&dispatched);
}

static void a_warm_chart_allocates_nothing(void **state)
{
    (void)state;
    test_memory m = {.left = UINT64_MAX};
    gch_allocator allocator = {.resize = test_memory_resize, .context = &m};
    stage s;
    assert_ok(make_stage(&(gch__gpu_executor_desc){.allocator = &allocator}, &s));
    uint64_t before = 0;
    for (int round = 0; round < 3; round++) {
        before = m.served;
        for (int64_t pan = 0; pan < 5; pan++)
            assert_ok(draw(&s, "A title", 0, pan * 1000000));
    }
    assert_true(before > 0);
    assert_int_equal(m.served, before);
    stage_free(&s);
    assert_int_equal(m.live, 0);
}

static void memory_that_runs_out_while_painting_is_told_and_leaks_nothing(void **state)
{
    (void)state;
    gch_status status = GCH_NO_MEMORY;
    uint64_t n = 0;
    for (; status != GCH_OK && n < 2000; n++) {
        test_memory m = {.left = n};
        gch_allocator allocator = {.resize = test_memory_resize, .context = &m};
        gch__gpu_executor_desc desc = {.allocator = &allocator, .driver = &gch__gpu_null};
        stage s;
        status = make_stage(&desc, &s);
        if (status == GCH_OK)
            status = draw(&s, "A title", 0, 0);
        if (status != GCH_OK) {
            assert_status(status, GCH_NO_MEMORY);
            m.left = UINT64_MAX; /* and then there is some: the executor goes on */
            if (s.executor != NULL) {
                assert_ok(draw(&s, "A title", 0, 0));
                assert_false(s.stats.is_unchanged);
            }
        }
        stage_free(&s);
        assert_int_equal(m.live, 0);
    }
    assert_ok(status);
    assert_true(n > 60);
}

/* Pictures beyond the largest texture are drawn part by part. */
static void a_chart_wider_than_a_texture_is_drawn_in_parts(void **state)
{
    (void)state;
    gch_chart_series its = {.file = paint_files[1]};
    gch_chart_desc desc = {.series = &its, .series_count = 1, .width_px = 4500, .height_px = 120};
    gch_image expected = {0}, drawn = {0};
    gch_chart_stats stats;
    size_t at = 0;
    assert_ok(gch_chart_render(&desc, &expected, NULL, &err));
    desc.backend = GCH_BACKEND_GPU;
    assert_ok(gch_chart_render(&desc, &drawn, &stats, &err));
    assert_int_equal(stats.backend, GCH_BACKEND_GPU);
    assert_true(paint_largest_difference(&expected, &drawn, &at) <= 1);
    gch_image_destroy(&expected, NULL);
    gch_image_destroy(&drawn, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_channel_differs_by_more_than_one_from_the_processors),
        cmocka_unit_test(a_hundred_thousand_points_in_one_tile_are_all_drawn),
        cmocka_unit_test(an_unchanged_chart_submits_nothing_and_any_change_is_one_bundle),
        cmocka_unit_test(a_histogram_has_the_processors_pixels),
        cmocka_unit_test(a_draw_and_a_dispatch_give_the_same_picture),
        cmocka_unit_test(a_warm_chart_allocates_nothing),
        cmocka_unit_test(memory_that_runs_out_while_painting_is_told_and_leaks_nothing),
        cmocka_unit_test(a_chart_wider_than_a_texture_is_drawn_in_parts),
    };
    return cmocka_run_group_tests(tests, paint_cases_open, paint_cases_close);
}
