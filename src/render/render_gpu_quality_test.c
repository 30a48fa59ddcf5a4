/* Densities that fill over frames on the GPU: every refinement ends in the exact picture, bit for
 * bit, within the stated number of frames, whatever happens on the way; what is not counted is
 * told, and made up for in the picture.
 */
#include "gch/chart.h"
#include "gch/live.h"
#include "render_gpu_stage_test.h"
#include "test_series.h"

#include <math.h>

static gch_error err;

enum { ROWS = 600000, WIDTH = 20, HEIGHT = 48 };

typedef enum kind { WALK, WIDE, GAPS, KIND_COUNT } kind;
static test_series files[KIND_COUNT];

static double value_of(kind k, uint64_t random, double walk)
{
    if (k == WIDE) /* doubles of all their digits: keys beyond 32 bits */
        return 1e4 * exp(walk * 1e-5) + (double)(random >> 11) * 0x1p-50;
    if (k == GAPS && random % 300 == 0)
        return (double)NAN;
    return 32768 + walk / 8 + (double)(random % 3000);
}

static int make_files(void **state)
{
    (void)state;
    int64_t *times = malloc(ROWS * sizeof *times);
    double *values = malloc(ROWS * sizeof *values);
    assert_true(times != NULL && values != NULL);
    for (int k = 0; k < KIND_COUNT; k++) {
        uint64_t seed = (uint64_t)k + 70;
        double walk = 0;
        for (int i = 0; i < ROWS; i++) {
            uint64_t random = test_random(&seed);
            walk += (double)(random % 201) - 100;
            times[i] = i;
            values[i] = value_of((kind)k, random, walk);
        }
        files[k] = test_series_make(GCH_TIME_MS, times, values, GCH_TYPE_F64, NULL, ROWS);
    }
    free(times);
    free(values);
    return 0;
}

static int free_files(void **state)
{
    (void)state;
    for (int k = 0; k < KIND_COUNT; k++)
        test_series_free(&files[k]);
    return 0;
}

/* ---- an executor, and what it is to draw ---- */

static void make_stage(stage *s, const gch__gpu_executor_desc *executor, bool is_bare,
                       const kind *kinds, uint32_t count)
{
    gch_chart_series series[STAGE_SERIES_MAX];
    for (uint32_t i = 0; i < count; i++)
        series[i] = (gch_chart_series){.file = files[kinds[i]].file, .mark = GCH_MARK_DENSITY};
    const gch_chart_desc chart = {.series = series,
                                  .series_count = count,
                                  .width_px = is_bare ? WIDTH : 110,
                                  .height_px = is_bare ? HEIGHT : 160,
                                  .is_bare = is_bare,
                                  .has_bottom = true,
                                  .has_top = true,
                                  .bottom = {1, 0},
                                  .top = {65536, 0},
                                  .from = 0,
                                  .to = ROWS};
    assert_ok(stage_make(s, executor, &chart, true, &err));
}

static void draw(stage *s, gch_quality quality, uint32_t level)
{
    assert_ok(stage_lay_out(s, &err));
    stage_refine(s, quality, level);
}

static bool is_exact(stage *s)
{
    assert_ok(stage_lay_out(s, &err));
    return stage_is_exact(s);
}

static uint64_t bare_sum(const gch_image *image)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < (size_t)image->width_px * image->height_px; i++)
        sum += image->pixels[i] & 0xFFFFFF;
    return sum;
}

/* Frames of a view at rest until it is complete. */
static uint32_t refine(stage *s)
{
    uint32_t frames = 0;
    while (s->stats.counted < 1) {
        double before = s->stats.counted;
        uint32_t step = s->executor->counts.strata.plan.step;
        draw(s, GCH_QUALITY_AUTO, 0);
        assert_true(s->stats.counted > before ||
                    (step > 1 && s->executor->counts.strata.plan.step == step));
        frames++;
        assert_true(frames < GCH__REST_PARTS + GCH__REST_FRAMES);
    }
    assert_int_equal(s->stats.quality_level, GCH_QUALITY_LEVELS);
    assert_true(is_exact(s));
    return frames;
}

/* ---- tests ---- */

static void a_view_at_rest_becomes_exact_and_then_nothing_is_submitted(void **state)
{
    (void)state;
    for (int k = 0; k < KIND_COUNT; k++)
        for (int is_bare = 0; is_bare < 2; is_bare++) {
            stage s;
            kind its = (kind)k;
            make_stage(&s, &(gch__gpu_executor_desc){0}, is_bare != 0, &its, 1);
            draw(&s, GCH_QUALITY_AUTO, 0);
            assert_true(s.stats.counted >= 1.0 / 32 && s.stats.counted < 0.2);
            assert_int_equal(s.stats.quality_level, 3);
            assert_int_equal(s.stats.series_by_query, 0);
            assert_false(is_exact(&s));
            uint64_t first = bare_sum(&s.image);
            uint32_t frames = refine(&s);
            assert_true(frames > 20 && frames < GCH__REST_PARTS);
            if (is_bare) /* from the first frame on it is about as bright as it will be */
                assert_true(fabs((double)first / (double)bare_sum(&s.image) - 1) < 0.05);
            gch__gpu_stats before = gch__gpu_get_stats(s.executor->gpu);
            draw(&s, GCH_QUALITY_AUTO, 0);
            assert_true(s.stats.is_unchanged && s.stats.counted == 1);
            draw(&s, GCH_QUALITY_EXACT, 0);
            assert_true(s.stats.is_unchanged && s.stats.counted == 1);
            gch__gpu_stats after = gch__gpu_get_stats(s.executor->gpu);
            assert_memory_equal(&before, &after, sizeof after);
            stage_free(&s);
        }
}

static void exact_frames_are_exact_at_once_also_in_the_middle_of_refining(void **state)
{
    (void)state;
    for (int is_bare = 0; is_bare < 2; is_bare++) {
        stage s;
        const kind kinds[] = {WIDE, WALK};
        make_stage(&s, &(gch__gpu_executor_desc){0}, is_bare != 0, kinds, 2);
        for (int i = 0; i < 7; i++)
            draw(&s, GCH_QUALITY_AUTO, 0);
        assert_true(s.stats.counted < 0.5);
        draw(&s, GCH_QUALITY_DEFAULT, 0);
        assert_true(s.stats.counted == 1 && is_exact(&s));
        s.desc.from += 12345;
        draw(&s, GCH_QUALITY_EXACT, 0);
        assert_true(s.stats.counted == 1 && is_exact(&s));
        stage_free(&s);
    }
}

static void a_pan_by_whole_columns_in_the_middle_of_refining_keeps_what_is_counted(void **state)
{
    (void)state;
    static const int64_t pans[] = {1, 3, -2, 0, 5, -6, 1};
    for (int is_bare = 0; is_bare < 2; is_bare++) {
        stage s;
        const kind kinds[] = {GAPS, WIDE};
        make_stage(&s, &(gch__gpu_executor_desc){0}, is_bare != 0, kinds, 2);
        assert_ok(stage_lay_out(&s, &err));
        uint32_t width = s.scene.plots[0].view.width_px;
        int64_t step = ROWS / 2 / width;
        s.desc.from = ROWS / 4;
        s.desc.to = s.desc.from + step * width;
        draw(&s, GCH_QUALITY_AUTO, 0);
        for (size_t i = 0; i < GCH_COUNT_OF(pans); i++) {
            for (int frame = 0; frame < 4; frame++)
                draw(&s, GCH_QUALITY_AUTO, 0);
            double before = s.stats.counted;
            s.desc.from += pans[i] * step;
            s.desc.to += pans[i] * step;
            draw(&s, GCH_QUALITY_AUTO, 0);
            double stays = 1 - (double)llabs(pans[i]) / width;
            assert_true(s.stats.counted > before * stays * 0.95);
        }
        (void)refine(&s);
        s.desc.from += 3 * step;
        s.desc.to += 3 * step;
        draw(&s, GCH_QUALITY_AUTO, 0);
        assert_true(s.stats.counted < 1 && s.stats.counted > 0.8);
        (void)refine(&s);
        stage_free(&s);
    }
}

static void other_views_and_series_begin_anew_and_other_colours_do_not(void **state)
{
    (void)state;
    stage s;
    const kind kinds[] = {WALK, GAPS};
    make_stage(&s, &(gch__gpu_executor_desc){0}, false, kinds, 2);
    s.desc.series_count = 1;
    draw(&s, GCH_QUALITY_AUTO, 0);
    double first = s.stats.counted;
    for (int i = 0; i < 10; i++)
        draw(&s, GCH_QUALITY_AUTO, 0);
    double before = s.stats.counted;
    s.series[0].palette = GCH_PALETTE_EMBER;
    s.series[0].density_scale = GCH_DENSITY_EQUAL;
    draw(&s, GCH_QUALITY_AUTO, 0);
    assert_true(s.stats.counted > before);
    s.desc.top = (gch_decimal){65000, 0};
    draw(&s, GCH_QUALITY_AUTO, 0);
    assert_true(s.stats.counted < before && s.stats.counted < first * 1.5);
    for (int i = 0; i < 10; i++)
        draw(&s, GCH_QUALITY_AUTO, 0);
    s.desc.to -= ROWS / 3;
    draw(&s, GCH_QUALITY_AUTO, 0);
    assert_true(s.stats.counted < before);
    (void)refine(&s);
    s.desc.series_count = 2; /* the first is counted again, as the counts lie elsewhere */
    draw(&s, GCH_QUALITY_AUTO, 0);
    assert_true(s.stats.counted < 0.3);
    (void)refine(&s);
    assert_ok(stage_open(&s, 0, files[WIDE].file, &err));
    draw(&s, GCH_QUALITY_AUTO, 0);
    assert_true(s.stats.counted < 0.7 && s.stats.counted > 0.5); /* the other one stays */
    (void)refine(&s);
    stage_free(&s);
}

static void pinned_pictures_are_the_same_whatever_was_there_before(void **state)
{
    (void)state;
    for (int is_bare = 0; is_bare < 2; is_bare++)
        for (uint32_t level = 1; level <= GCH_QUALITY_LEVELS; level++) {
            stage s, other;
            const kind kinds[] = {WALK, WIDE};
            gch__gpu_executor_desc drawn = {.way = GCH__GPU_BY_DRAW};
            gch__gpu_executor_desc dispatched = {.way = GCH__GPU_BY_DISPATCH};
            make_stage(&s, &drawn, is_bare != 0, kinds, 2);
            make_stage(&other, &dispatched, is_bare != 0, kinds, 2);
            draw(&s, GCH_QUALITY_PINNED, level);
            assert_int_equal(s.stats.quality_level, level);
            double counted = s.stats.counted;
            assert_true(level == GCH_QUALITY_LEVELS ? counted == 1 : counted < 0.6);
            draw(&s, GCH_QUALITY_PINNED, level);
            assert_true(s.stats.is_unchanged && s.stats.counted == counted);
            assert_int_equal(s.stats.quality_level, level);
            for (int i = 0; i < 6; i++)
                draw(&other, GCH_QUALITY_AUTO, 0);
            draw(&other, GCH_QUALITY_EXACT, 0);
            uint64_t exact = bare_sum(&other.image);
            draw(&other, GCH_QUALITY_PINNED, level);
            size_t bytes = (size_t)s.image.width_px * s.image.height_px * 4;
            assert_memory_equal(s.image.pixels, other.image.pixels, bytes);
            if (is_bare) /* cells with a point are said to have one in each pixel */
                assert_true((double)bare_sum(&s.image) > 0.9 * (double)exact &&
                            (double)bare_sum(&s.image) < 1.2 * (double)exact);
            draw(&other, GCH_QUALITY_EXACT, 0);
            assert_true(is_exact(&other));
            stage_free(&s);
            stage_free(&other);
        }
}

/* What a device does whose least share takes too long: views that move are coarse. */
static void a_coarse_picture_becomes_exact_once_the_view_rests(void **state)
{
    (void)state;
    for (int is_bare = 0; is_bare < 2; is_bare++) {
        stage s;
        const kind its = GAPS;
        make_stage(&s, &(gch__gpu_executor_desc){0}, is_bare != 0, &its, 1);
        for (int i = 0; i < 6; i++) {
            s.desc.from = i * 777;
            draw(&s, GCH_QUALITY_AUTO, 0);
        }
        assert_int_equal(s.executor->counts.strata.plan.step, GCH__STEP_MAX);
        assert_int_equal(s.stats.quality_level, 1);
        assert_true(s.stats.counted <= 1.0 / 32);
        assert_true(refine(&s) > GCH__REST_FRAMES);
        stage_free(&s);
    }
}

/* Pages that do not fit together are read once a refinement, not once a frame. */
static void data_beyond_the_device_memory_is_refined_by_columns(void **state)
{
    (void)state;
    stage s;
    const kind its = WIDE;
    gch__gpu_executor_desc desc = {.budget_bytes = 2 << 20, .slab_bytes = 1 << 20};
    make_stage(&s, &desc, true, &its, 1);
    draw(&s, GCH_QUALITY_AUTO, 0);
    assert_true(s.stats.pages_loaded > 100 && s.stats.tiles > 1);
    uint64_t whole = s.stats.pages_loaded, refined = 0;
    while (s.stats.counted < 1) {
        draw(&s, GCH_QUALITY_AUTO, 0);
        refined += s.stats.pages_loaded;
    }
    assert_true(refined < whole * 3 / 2);
    assert_true(is_exact(&s));
    stage_free(&s);
}

/* Through a chart, with a series that the query room counts anew each frame. */
static void a_static_density_beside_a_live_one_becomes_exact(void **state)
{
    (void)state;
    enum { LIVE_ROWS = 3000 };
    static int64_t times[LIVE_ROWS];
    static double values[LIVE_ROWS];
    gch_data *data = NULL;
    gch_source source;
    gch_file *file = NULL;
    gch_chart *chart = NULL, *cpu = NULL;
    const gch_column_desc column = {.name = "v", .type = GCH_TYPE_F64};
    const gch_writer_desc rows = {.time_unit = GCH_TIME_MS, .columns = &column, .column_count = 1};
    for (int64_t i = 0; i < LIVE_ROWS; i++) {
        times[i] = i * 100;
        values[i] = (double)(i % 60000);
    }
    assert_ok(gch_data_make(NULL, &data, &err));
    assert_ok(gch_live_open(data, &(gch_live_desc){.rows = &rows}, &source, &err));
    assert_ok(gch_live_acquire_file(data, source, &file, &err));
    assert_ok(gch_live_append(data, source, times, &(gch_column_data){.values = values}, LIVE_ROWS,
                              &err));
    assert_ok(gch_live_refresh_file(file, NULL, &err));
    assert_ok(gch_chart_make(NULL, &chart, &err));
    assert_ok(gch_chart_make(NULL, &cpu, &err));
    const gch_chart_series series[] = {{.file = files[WALK].file, .mark = GCH_MARK_DENSITY},
                                       {.file = file, .mark = GCH_MARK_DENSITY}};
    gch_chart_desc desc = {.series = series,
                           .series_count = 2,
                           .width_px = 300,
                           .height_px = 200,
                           .backend = GCH_BACKEND_GPU,
                           .quality = GCH_QUALITY_AUTO,
                           .frame_budget_ms = 1e-6};
    const gch_image *image, *exact;
    gch_chart_stats stats = {0};
    uint32_t frames = 0;
    while (stats.complete < 1) {
        assert_ok(gch_chart_frame(chart, &desc, &image, &stats, &err));
        assert_int_equal(stats.backend, GCH_BACKEND_GPU);
        assert_int_equal(stats.complete < 1, stats.quality_level < GCH_QUALITY_LEVELS);
        assert_true(++frames <= GCH__REST_PARTS + GCH__REST_FRAMES);
    }
    assert_true(frames > 10);
    desc.backend = GCH_BACKEND_CPU;
    assert_ok(gch_chart_frame(cpu, &desc, &exact, &stats, &err));
    assert_true(stats.complete == 1 && stats.quality_level == GCH_QUALITY_LEVELS);
    assert_memory_equal(image->pixels, exact->pixels, 300 * 200 * 4);
    gch_chart_destroy(chart);
    gch_chart_destroy(cpu);
    gch_live_release_file(data, file);
    assert_ok(gch_live_close(data, source, &err));
    assert_ok(gch_data_destroy(data, &err));
}

/* Two panels, one with two axes; then other values in one of them. */
static void panels_refine_together_and_only_the_one_that_changes_begins_anew(void **state)
{
    (void)state;
    const gch_chart_series series[] = {
        {.file = files[WALK].file, .mark = GCH_MARK_DENSITY},
        {.file = files[GAPS].file, .mark = GCH_MARK_DENSITY, .axis = GCH_AXIS_RIGHT},
        {.file = files[WIDE].file, .mark = GCH_MARK_DENSITY, .panel = 1},
        {.file = files[WALK].file, .panel = 1}};
    const gch_axis_desc axis = {
        .has_bottom = true, .has_top = true, .bottom = {1, 0}, .top = {65536, 0}};
    gch_panel_desc panels[] = {{.height = 2, .left = axis, .right = axis}, {.height = 1}};
    for (int is_bare = 0; is_bare < 2; is_bare++) {
        gch_chart *chart = NULL, *cpu = NULL;
        assert_ok(gch_chart_make(NULL, &chart, &err));
        assert_ok(gch_chart_make(NULL, &cpu, &err));
        gch_chart_desc desc = {.series = series,
                               .series_count = GCH_COUNT_OF(series),
                               .panels = panels,
                               .panel_count = GCH_COUNT_OF(panels),
                               .is_bare = is_bare != 0,
                               .width_px = is_bare ? 40 : 140,
                               .height_px = 220,
                               .quality = GCH_QUALITY_AUTO,
                               .frame_budget_ms = 1e-6};
        panels[1].left = axis;
        for (int round = 0; round < 2; round++) {
            const gch_image *image, *exact;
            gch_chart_stats stats = {0};
            desc.backend = GCH_BACKEND_GPU;
            for (uint32_t frames = 0; stats.complete < 1; frames++) {
                double before = stats.complete;
                assert_ok(gch_chart_frame(chart, &desc, &image, &stats, &err));
                assert_true(stats.complete > before);
                assert_true(frames < GCH__REST_PARTS + GCH__REST_FRAMES);
                if (is_bare && round == 1 && frames == 0)
                    assert_true(stats.complete > 0.6); /* two of three stay */
            }
            desc.backend = GCH_BACKEND_CPU;
            assert_ok(gch_chart_frame(cpu, &desc, &exact, NULL, &err));
            assert_memory_equal(image->pixels, exact->pixels,
                                (size_t)image->width_px * image->height_px * 4);
            panels[1].left.top = (gch_decimal){65000, 0};
        }
        gch_chart_destroy(chart);
        gch_chart_destroy(cpu);
    }
}

static void qualities_that_are_none_are_refused(void **state)
{
    (void)state;
    static const struct {
        gch_quality quality;
        uint32_t level;
        double budget_ms;
        const char *message;
    } cases[] = {{(gch_quality)4, 0, 0, "quality: 4"},
                 {GCH_QUALITY_PINNED, 0, 0, "quality_level: 0"},
                 {GCH_QUALITY_PINNED, 8, 0, "quality_level: 8"},
                 {GCH_QUALITY_AUTO, 0, -1, "frame_budget_ms: -1"},
                 {GCH_QUALITY_AUTO, 0, (double)NAN, "frame_budget_ms: "}};
    const gch_chart_series series = {.file = files[WALK].file, .mark = GCH_MARK_DENSITY};
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        gch_image image = {0};
        gch_chart_desc desc = {.series = &series,
                               .series_count = 1,
                               .quality = cases[i].quality,
                               .quality_level = cases[i].level,
                               .frame_budget_ms = cases[i].budget_ms};
        assert_status(gch_chart_render(&desc, &image, NULL, &err), GCH_INVALID);
        assert_non_null(strstr(err.message, cases[i].message));
    }
}

static void *count_resize(void *context, void *old, size_t bytes, const char *purpose)
{
    (void)purpose;
    if (bytes == 0) {
        free(old);
        return NULL;
    }
    ++*(uint64_t *)context;
    return realloc(old, bytes);
}

static void a_warm_refining_frame_allocates_nothing(void **state)
{
    (void)state;
    uint64_t served = 0, before = 0;
    gch_allocator allocator = {.resize = count_resize, .context = &served};
    for (int is_bare = 0; is_bare < 2; is_bare++) {
        stage s;
        const kind kinds[] = {GAPS, WIDE};
        make_stage(&s, &(gch__gpu_executor_desc){.allocator = &allocator}, is_bare != 0, kinds, 2);
        for (int round = 0; round < 3; round++) {
            before = served;
            for (int i = 0; i < 4; i++) {
                s.desc.from = i * 4321;
                for (int frame = 0; frame < 12; frame++)
                    draw(&s, GCH_QUALITY_AUTO, 0);
            }
            draw(&s, GCH_QUALITY_EXACT, 0);
        }
        assert_int_equal(served, before);
        stage_free(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_view_at_rest_becomes_exact_and_then_nothing_is_submitted),
        cmocka_unit_test(exact_frames_are_exact_at_once_also_in_the_middle_of_refining),
        cmocka_unit_test(a_pan_by_whole_columns_in_the_middle_of_refining_keeps_what_is_counted),
        cmocka_unit_test(other_views_and_series_begin_anew_and_other_colours_do_not),
        cmocka_unit_test(pinned_pictures_are_the_same_whatever_was_there_before),
        cmocka_unit_test(a_coarse_picture_becomes_exact_once_the_view_rests),
        cmocka_unit_test(data_beyond_the_device_memory_is_refined_by_columns),
        cmocka_unit_test(a_static_density_beside_a_live_one_becomes_exact),
        cmocka_unit_test(panels_refine_together_and_only_the_one_that_changes_begins_anew),
        cmocka_unit_test(qualities_that_are_none_are_refused),
        cmocka_unit_test(a_warm_refining_frame_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, make_files, free_files);
}
