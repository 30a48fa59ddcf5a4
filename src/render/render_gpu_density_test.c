/* Densities on the GPU beyond what render_gpu_test.c and render_gpu_paint_test.c draw: tall plots,
 * log axes, all kinds of keys at every zoom, several series in a picture, counts that do not fit a
 * bare pixel, series that the query room has to count, and what an unchanged or failed frame costs.
 */
#include "gch/chart.h"
#include "gch/live.h"
#include "gpu_null.h"
#include "render_gpu_stage_test.h"
#include "test_memory.h"
#include "test_series.h"

#include <math.h>

static gch_error err;

#define ROWS 150000

typedef enum kind { WALK, NOISE, WIDE, EXTREMES, GAPS, KIND_COUNT } kind;
static test_series files[KIND_COUNT];

/* Positive all, so that they have a place on a log axis. */
static double value_of(kind k, uint64_t *seed, double *io_walk)
{
    uint64_t random = test_random(seed);
    *io_walk += (double)(random % 201) - 100;
    switch (k) {
    case NOISE:
        return 1 + (double)(random % 65536);
    case WIDE: /* doubles of all their digits: keys and often residuals beyond 32 bits */
        return 1e4 * exp(*io_walk * 1e-5) + (double)(random >> 11) * 0x1p-50;
    case EXTREMES:
        return random % 50 == 0 ? 1e9 : random % 51 == 0 ? 1e-9 : 20000 + *io_walk / 100;
    case GAPS:
        return random % 300 == 0 ? (double)NAN : 32768 + *io_walk / 10;
    default:
        return 32768 + *io_walk / 10;
    }
}

static int make_files(void **state)
{
    (void)state;
    int64_t *times = malloc(ROWS * sizeof *times);
    double *values = malloc(ROWS * sizeof *values);
    assert_true(times != NULL && values != NULL);
    for (int k = 0; k < KIND_COUNT; k++) {
        uint64_t seed = (uint64_t)k + 40;
        double walk = 0;
        for (int i = 0; i < ROWS; i++) {
            times[i] = i;
            values[i] = value_of((kind)k, &seed, &walk);
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

static gch_chart_desc bare(const gch_chart_series *series, uint32_t count, uint32_t width,
                           uint32_t height)
{
    return (gch_chart_desc){.series = series,
                            .series_count = count,
                            .width_px = width,
                            .height_px = height,
                            .is_bare = true,
                            .has_time_range = true,
                            .from = 0,
                            .to = ROWS,
                            .has_bottom = true,
                            .has_top = true,
                            .bottom = {1, 0},
                            .top = {65536, 0}};
}

/* Draws on both executors; returns the sum of the bare counts. */
static uint64_t compare(gch_chart *gpu, gch_chart *cpu, gch_chart_desc desc)
{
    const gch_image *drawn, *expected;
    gch_chart_stats stats;
    uint64_t sum = 0;
    desc.backend = GCH_BACKEND_GPU;
    assert_ok(gch_chart_frame(gpu, &desc, &drawn, &stats, &err));
    if (stats.backend != GCH_BACKEND_GPU)
        fail_msg("the GPU did not draw: %s", stats.fallback);
    desc.backend = GCH_BACKEND_CPU;
    assert_ok(gch_chart_frame(cpu, &desc, &expected, NULL, &err));
    for (size_t i = 0; i < (size_t)drawn->width_px * drawn->height_px; i++) {
        sum += expected->pixels[i] & 0xFFFFFF;
        if (drawn->pixels[i] != expected->pixels[i])
            fail_msg("x %zu, y %zu: %08x, not %08x", i % drawn->width_px, i / drawn->width_px,
                     drawn->pixels[i], expected->pixels[i]);
    }
    return sum;
}

static void all_kinds_of_keys_count_alike_at_every_zoom_height_and_axis(void **state)
{
    (void)state;
    static const uint32_t heights[] = {1, 100, 2031, 2033, 5000};
    gch_chart *gpu = NULL, *cpu = NULL;
    uint64_t counted = 0;
    assert_ok(gch_chart_make(NULL, &gpu, &err));
    assert_ok(gch_chart_make(NULL, &cpu, &err));
    for (int k = 0; k < KIND_COUNT; k++)
        for (int axis = GCH_AXIS_LINEAR; axis <= GCH_AXIS_LOG; axis++)
            for (size_t h = 0; h < GCH_COUNT_OF(heights); h++)
                for (int64_t span = ROWS; span > 100; span /= 11) {
                    gch_chart_series series = {.file = files[k].file, .mark = GCH_MARK_DENSITY};
                    gch_chart_desc desc = bare(&series, 1, 40, heights[h]);
                    desc.axis = (gch_value_axis)axis;
                    desc.from = ROWS / 7;
                    desc.to = desc.from + span;
                    counted += compare(gpu, cpu, desc);
                }
    assert_true(counted > 5000000);
    gch_chart_destroy(gpu);
    gch_chart_destroy(cpu);
}

static void densities_and_lines_share_a_bare_picture(void **state)
{
    (void)state;
    gch_chart *gpu = NULL, *cpu = NULL;
    gch_chart_series series[] = {{.file = files[WALK].file, .mark = GCH_MARK_DENSITY},
                                 {.file = files[NOISE].file},
                                 {.file = files[WIDE].file, .mark = GCH_MARK_DENSITY},
                                 {.file = files[WALK].file, .mark = GCH_MARK_DENSITY}};
    const gch_image *drawn;
    gch_image reference = {0};
    assert_ok(gch_chart_make(NULL, &gpu, &err));
    assert_ok(gch_chart_make(NULL, &cpu, &err));
    for (uint32_t count = 1; count <= 4; count++) {
        gch_chart_desc desc = bare(series, count, 150, 90);
        desc.to = 3000;
        (void)compare(gpu, cpu, desc);
        desc.backend = GCH_BACKEND_REFERENCE;
        assert_ok(gch_chart_render(&desc, &reference, NULL, &err));
        desc.backend = GCH_BACKEND_CPU;
        assert_ok(gch_chart_frame(cpu, &desc, &drawn, NULL, &err));
        assert_memory_equal(drawn->pixels, reference.pixels, 150 * 90 * 4);
        gch_image_destroy(&reference, NULL);
    }
    gch_chart_destroy(gpu);
    gch_chart_destroy(cpu);
}

/* Counts of columns that a pan still shows are kept, in a ring, in both looks. */
static void a_panned_density_counts_what_it_uncovers_and_is_the_same(void **state)
{
    (void)state;
    static const int64_t steps[] = {3, 8, -5, 40, 0, -70, 1, -1, 500, 2};
    for (int is_bare = 0; is_bare < 2; is_bare++) {
        gch_chart *gpu = NULL, *cpu = NULL;
        gch_chart_series series[] = {{.file = files[GAPS].file, .mark = GCH_MARK_DENSITY},
                                     {.file = files[WIDE].file, .mark = GCH_MARK_DENSITY}};
        gch_chart_stats stats;
        const gch_image *image;
        assert_ok(gch_chart_make(NULL, &gpu, &err));
        assert_ok(gch_chart_make(NULL, &cpu, &err));
        gch_chart_desc desc = bare(series, 2, 300, 200);
        desc.is_bare = is_bare != 0;
        assert_ok(gch_chart_frame(cpu, &desc, &image, &stats, &err));
        desc.from = ROWS / 3;
        desc.to = desc.from + 60 * (int64_t)stats.view.width_px;
        for (size_t i = 0; i < GCH_COUNT_OF(steps); i++) {
            desc.from += steps[i] * 60;
            desc.to += steps[i] * 60;
            (void)compare(gpu, cpu, desc);
            if (i == 6) /* other columns in between */
                desc.series_count = 1;
        }
        gch_chart_destroy(gpu);
        gch_chart_destroy(cpu);
    }
}

/* 18 million points in one pixel, which is then as white as where a line passes. */
static void a_count_that_does_not_fit_a_bare_pixel_is_white(void **state)
{
    (void)state;
    enum { PART = 1000000, PARTS = 18 };
    int64_t *times = malloc(PART * sizeof *times);
    int32_t *values = calloc(PART, sizeof *values);
    assert_true(times != NULL && values != NULL);
    gch_column_desc column = {.name = "v", .type = GCH_TYPE_I32};
    gch_writer_desc rows = {.time_unit = GCH_TIME_NS, .columns = &column, .column_count = 1};
    gch_writer *writer = NULL;
    test_series series = {0};
    assert_ok(gch_writer_create_memory(&rows, &writer, &err));
    for (int64_t part = 0; part < PARTS; part++) {
        for (int64_t i = 0; i < PART; i++)
            times[i] = part * PART + i;
        assert_ok(
            gch_writer_append(writer, times, &(gch_column_data){.values = values}, PART, &err));
    }
    assert_ok(gch_writer_finish_memory(writer, &series.image, &series.image_bytes, &err));
    assert_ok(
        gch__file_open_memory(series.image, series.image_bytes, "flat", NULL, &series.file, &err));
    gch_chart *gpu = NULL, *cpu = NULL;
    assert_ok(gch_chart_make(NULL, &gpu, &err));
    assert_ok(gch_chart_make(NULL, &cpu, &err));
    gch_chart_series its = {.file = series.file, .mark = GCH_MARK_DENSITY};
    gch_chart_desc desc = bare(&its, 1, 1, 2);
    desc.bottom = (gch_decimal){-1, 0};
    desc.top = (gch_decimal){1, 0};
    desc.to = (int64_t)PART * PARTS;
    assert_int_equal(compare(gpu, cpu, desc), 0xFFFFFF);
    desc.to = 0x1000000 - 2;
    assert_int_equal(compare(gpu, cpu, desc), 0xFFFFFE);
    gch_chart_destroy(gpu);
    gch_chart_destroy(cpu);
    test_series_free(&series);
    free(times);
    free(values);
}

/* A segment that grows has no pages: the query room counts it, bare and in colour. */
static void a_live_series_is_counted_by_the_query_room(void **state)
{
    (void)state;
    enum { LIVE_ROWS = 3000 };
    static int64_t times[LIVE_ROWS];
    static double values[LIVE_ROWS];
    gch_data *data = NULL;
    gch_source source;
    gch_file *file = NULL;
    gch_chart *gpu = NULL, *cpu = NULL;
    const gch_column_desc column = {.name = "v", .type = GCH_TYPE_F64};
    const gch_writer_desc rows = {.time_unit = GCH_TIME_MS, .columns = &column, .column_count = 1};
    assert_ok(gch_data_make(NULL, &data, &err));
    assert_ok(gch_live_open(data, &(gch_live_desc){.rows = &rows}, &source, &err));
    assert_ok(gch_live_acquire_file(data, source, &file, &err));
    assert_ok(gch_chart_make(NULL, &gpu, &err));
    assert_ok(gch_chart_make(NULL, &cpu, &err));
    uint64_t seed = 3, before = 0;
    for (int round = 0; round < 3; round++) {
        for (int64_t i = 0; i < LIVE_ROWS; i++) {
            times[i] = round * LIVE_ROWS + i;
            values[i] = 1 + (double)(test_random(&seed) % 65000);
        }
        assert_ok(gch_live_append(data, source, times, &(gch_column_data){.values = values},
                                  LIVE_ROWS, &err));
        assert_ok(gch_live_refresh_file(file, NULL, &err));
        gch_chart_series series = {.file = file, .mark = GCH_MARK_DENSITY};
        gch_chart_desc desc = bare(&series, 1, 90, 60);
        desc.to = 20000;
        uint64_t counted = compare(gpu, cpu, desc);
        assert_int_equal(counted, before + LIVE_ROWS);
        before = counted;
        desc.is_bare = false;
        desc.width_px = 300;
        desc.height_px = 200;
        (void)compare(gpu, cpu, desc);
    }
    gch_chart_destroy(gpu);
    gch_chart_destroy(cpu);
    gch_live_release_file(data, file);
    assert_ok(gch_live_close(data, source, &err));
    assert_ok(gch_data_destroy(data, &err));
}

/* ---- below the chart ---- */

enum { WIDTH = 300, HEIGHT = 200 };

static gch_status make_stage(const gch__gpu_executor_desc *executor, stage *out)
{
    const gch_chart_series series = {.file = files[GAPS].file, .mark = GCH_MARK_DENSITY};
    const gch_chart_desc chart = bare(&series, 1, WIDTH, HEIGHT);
    return stage_make(out, executor, &chart, true, &err);
}

static gch_status draw(stage *s, bool is_bare, int64_t from, gch_palette palette)
{
    s->series[0].palette = palette;
    s->desc.is_bare = is_bare;
    s->desc.from = from;
    s->desc.to = from + ROWS / 2;
    GCH_TRY(stage_lay_out(s, &err));
    return stage_draw(s, &err);
}

static void an_unchanged_density_submits_nothing_and_a_panned_one_loads_nothing(void **state)
{
    (void)state;
    for (int is_bare = 0; is_bare < 2; is_bare++) {
        stage s;
        assert_ok(make_stage(&(gch__gpu_executor_desc){0}, &s));
        for (int64_t from = 0; from < 3; from++)
            assert_ok(draw(&s, is_bare != 0, from, GCH_PALETTE_MOSS));
        assert_int_equal(s.stats.pages_loaded, 0);
        assert_int_equal(s.stats.series_by_query, 0);
        assert_ok(draw(&s, is_bare != 0, 2 + 3 * (ROWS / 2 / WIDTH), GCH_PALETTE_MOSS));
        assert_int_equal(s.stats.columns_kept, is_bare != 0 ? WIDTH - 3 : 0);
        assert_ok(draw(&s, is_bare != 0, 2, GCH_PALETTE_MOSS));
        gch__gpu_stats before = gch__gpu_get_stats(s.executor->gpu);
        assert_ok(draw(&s, is_bare != 0, 2, GCH_PALETTE_MOSS));
        assert_true(s.stats.is_unchanged);
        gch__gpu_stats after = gch__gpu_get_stats(s.executor->gpu);
        assert_memory_equal(&before, &after, sizeof after);
        assert_ok(draw(&s, is_bare != 0, 2, GCH_PALETTE_DUSK));
        assert_int_equal(s.stats.is_unchanged, false);
        after = gch__gpu_get_stats(s.executor->gpu);
        assert_int_equal(after.submits, before.submits + 1);
        assert_int_equal(after.draws, before.draws); /* the one that was recorded */
        stage_free(&s);
    }
}

static void a_warm_density_allocates_nothing(void **state)
{
    (void)state;
    test_memory m = {.left = UINT64_MAX};
    gch_allocator allocator = {.resize = test_memory_resize, .context = &m};
    stage s;
    assert_ok(make_stage(&(gch__gpu_executor_desc){.allocator = &allocator}, &s));
    uint64_t before = 0;
    for (int round = 0; round < 3; round++) {
        before = m.served;
        for (int64_t pan = 0; pan < 4; pan++) {
            assert_ok(draw(&s, true, pan * 1000, GCH_PALETTE_MOSS));
            assert_ok(draw(&s, false, pan * 1000, GCH_PALETTE_MOSS));
        }
    }
    assert_true(before > 0);
    assert_int_equal(m.served, before);
    stage_free(&s);
    assert_int_equal(m.live, 0);
}

static void memory_that_runs_out_while_counting_is_told_and_leaks_nothing(void **state)
{
    (void)state;
    for (int is_bare = 0; is_bare < 2; is_bare++) {
        gch_status status = GCH_NO_MEMORY;
        uint64_t n = 0;
        for (; status != GCH_OK && n < 600; n++) {
            test_memory m = {.left = n};
            gch_allocator allocator = {.resize = test_memory_resize, .context = &m};
            gch__gpu_executor_desc desc = {.allocator = &allocator, .driver = &gch__gpu_null};
            stage s;
            status = make_stage(&desc, &s);
            if (status == GCH_OK)
                status = draw(&s, is_bare != 0, 0, GCH_PALETTE_MOSS);
            if (status != GCH_OK) {
                assert_status(status, GCH_NO_MEMORY);
                m.left = UINT64_MAX; /* and then there is some: the executor goes on */
                if (s.executor != NULL)
                    assert_ok(draw(&s, is_bare != 0, 0, GCH_PALETTE_MOSS));
            }
            stage_free(&s);
            assert_int_equal(m.live, 0);
        }
        assert_ok(status);
        assert_true(n > 40);
    }
}

static void more_counts_than_the_device_binds_are_refused(void **state)
{
    (void)state;
    stage s;
    assert_ok(make_stage(&(gch__gpu_executor_desc){.driver = &gch__gpu_null}, &s));
    gch__gpu_null_limit(s.executor->gpu, (uint64_t)128 << 20, 100000);
    assert_status(draw(&s, false, 0, GCH_PALETTE_MOSS), GCH_LIMIT);
    assert_non_null(strstr(err.message, "counts"));
    stage_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_kinds_of_keys_count_alike_at_every_zoom_height_and_axis),
        cmocka_unit_test(densities_and_lines_share_a_bare_picture),
        cmocka_unit_test(a_panned_density_counts_what_it_uncovers_and_is_the_same),
        cmocka_unit_test(a_count_that_does_not_fit_a_bare_pixel_is_white),
        cmocka_unit_test(a_live_series_is_counted_by_the_query_room),
        cmocka_unit_test(an_unchanged_density_submits_nothing_and_a_panned_one_loads_nothing),
        cmocka_unit_test(a_warm_density_allocates_nothing),
        cmocka_unit_test(memory_that_runs_out_while_counting_is_told_and_leaks_nothing),
        cmocka_unit_test(more_counts_than_the_device_binds_are_refused),
    };
    return cmocka_run_group_tests(tests, make_files, free_files);
}
