/* Frames after frames on the GPU: what an unchanged scene costs, several series, budgets, pages
 * that have not come, a device that is lost, memory that runs out. */
#include "gch/chart.h"
#include "gpu_null.h"
#include "raster.h"
#include "render_gpu_stage_test.h"
#include "test_memory.h"
#include "test_series.h"

#include <math.h>
#include <stdatomic.h>
#include <unistd.h>

static gch_error err;

#define ROWS 300000
#define WIDTH 320
#define HEIGHT 200

typedef enum shape { WALK, WALK_WITH_GAPS, FLOATS, FLAT, NOISE } shape;

static test_series make_series(shape kind, uint64_t seed, int spike_at)
{
    int64_t *times = malloc(ROWS * sizeof *times);
    double *values = malloc(ROWS * sizeof *values), walk = 0;
    assert_true(times != NULL && values != NULL);
    for (int i = 0; i < ROWS; i++) {
        walk += (double)(test_random(&seed) % 201) - 100;
        times[i] = i;
        values[i] =
            kind == FLOATS ? sin(i * 1e-4) * 1e5 + 1e-7 * (double)(test_random(&seed) % 100) : walk;
        if (kind == FLAT)
            values[i] = 1000;
        if (kind == NOISE)
            values[i] = (double)(test_random(&seed) % 400000) - 200000;
        if (kind == WALK_WITH_GAPS && test_random(&seed) % 4000 == 0)
            values[i] = (double)NAN;
    }
    if (spike_at >= 0)
        values[spike_at] = 1e6;
    test_series series = test_series_make(GCH_TIME_MS, times, values, GCH_TYPE_F64, NULL, ROWS);
    free(times);
    free(values);
    return series;
}

static gch_chart_desc bare(const gch_chart_series *series, uint32_t count, int64_t from, int64_t to,
                           gch_backend backend)
{
    return (gch_chart_desc){.series = series,
                            .series_count = count,
                            .width_px = WIDTH,
                            .height_px = HEIGHT,
                            .is_bare = true,
                            .bar_width = {.count = 700},
                            .backend = backend,
                            .has_time_range = true,
                            .from = from,
                            .to = to,
                            .has_bottom = true,
                            .has_top = true,
                            .bottom = {-200000, 0},
                            .top = {200000, 0}};
}

static size_t count_differences(const gch_image *a, const gch_image *b)
{
    size_t count = 0;
    for (size_t i = 0; i < (size_t)WIDTH * HEIGHT; i++)
        count += a->pixels[i] != b->pixels[i];
    return count;
}

/* Draws on both executors and gives how many pixels differ. */
static size_t compare(gch_chart *gpu, gch_chart *cpu, const gch_chart_series *series,
                      uint32_t count, int64_t from, int64_t to)
{
    const gch_image *drawn, *expected;
    gch_chart_stats stats;
    gch_chart_desc desc = bare(series, count, from, to, GCH_BACKEND_GPU);
    assert_ok(gch_chart_frame(gpu, &desc, &drawn, &stats, &err));
    if (stats.backend != GCH_BACKEND_GPU)
        fail_msg("the GPU did not draw: %s", stats.fallback);
    desc.backend = GCH_BACKEND_CPU;
    assert_ok(gch_chart_frame(cpu, &desc, &expected, NULL, &err));
    return count_differences(drawn, expected);
}

static void several_series_are_drawn_over_each_other(void **state)
{
    (void)state;
    test_series a = make_series(WALK, 1, -1), b = make_series(WALK_WITH_GAPS, 2, -1),
                c = make_series(FLOATS, 3, -1);
    gch_chart *gpu = NULL, *cpu = NULL;
    assert_ok(gch_chart_make(NULL, &gpu, &err));
    assert_ok(gch_chart_make(NULL, &cpu, &err));
    gch_chart_series series[] = {{.file = a.file},
                                 {.file = b.file, .mark = GCH_MARK_STEP},
                                 {.file = c.file},
                                 {.file = b.file, .mark = GCH_MARK_SCATTER},
                                 {.file = b.file, .mark = GCH_MARK_CANDLES},
                                 {.file = c.file, .mark = GCH_MARK_OHLC},
                                 {.file = a.file},
                                 {.file = a.file, .mark = GCH_MARK_AREA}};
    for (int64_t zoom = ROWS; zoom > 3; zoom /= 5)
        for (uint32_t count = 1; count <= GCH_COUNT_OF(series); count++)
            assert_int_equal(compare(gpu, cpu, series, count, ROWS / 3, ROWS / 3 + zoom), 0);
    /* Others, fewer, and the first ones again: what was dropped is loaded again. */
    assert_int_equal(compare(gpu, cpu, &series[2], 1, 0, ROWS), 0);
    assert_int_equal(compare(gpu, cpu, series, 4, 0, ROWS), 0);
    gch_chart_destroy(gpu);
    gch_chart_destroy(cpu);
    test_series_free(&a);
    test_series_free(&b);
    test_series_free(&c);
}

/* Pans by whole columns, there and back, by none and by more than the picture, and others between
 * them: what the last frame has is kept, and is right. */
static void a_panned_picture_equals_one_drawn_anew(void **state)
{
    (void)state;
    static const int pans[] = {1, 8, -3, 0, 319, 320, -320, 321, -8, 1, 1, -640, 100, 100, 100, -1};
    test_series a = make_series(WALK, 1, -1), b = make_series(WALK_WITH_GAPS, 2, -1);
    gch_chart *gpu = NULL, *cpu = NULL;
    assert_ok(gch_chart_make(NULL, &gpu, &err));
    assert_ok(gch_chart_make(NULL, &cpu, &err));
    gch_chart_series series[] = {{.file = a.file},
                                 {.file = b.file, .mark = GCH_MARK_STEP},
                                 {.file = b.file, .mark = GCH_MARK_SCATTER}};
    for (int64_t ticks = 1; ticks <= 400; ticks = ticks * 7 + 1) { /* a column */
        int64_t from = ROWS / 2;
        for (size_t i = 0; i < GCH_COUNT_OF(pans); i++) {
            from += pans[i] * ticks;
            assert_int_equal(compare(gpu, cpu, series, 3, from, from + WIDTH * ticks), 0);
        }
        from += ticks > 1; /* a part of a column */
        assert_int_equal(compare(gpu, cpu, series, 3, from, from + WIDTH * ticks), 0);
        assert_int_equal(compare(gpu, cpu, series, 2, from + ticks, from + (WIDTH + 1) * ticks), 0);
    }
    gch_chart_destroy(gpu);
    gch_chart_destroy(cpu);
    test_series_free(&a);
    test_series_free(&b);
}

static void panned_areas_and_bars_equal_those_drawn_anew(void **state)
{
    (void)state;
    static const gch_mark marks[] = {GCH_MARK_AREA, GCH_MARK_CANDLES, GCH_MARK_OHLC, GCH_MARK_BARS};
    static const int64_t columns[] = {1, 2, 3, 10, 300, 4000}; /* ticks each */
    uint64_t seed = 1;
    test_series a = make_series(WALK_WITH_GAPS, 4, -1), b = make_series(WALK, 5, -1);
    gch_chart *gpu = NULL, *cpu = NULL;
    assert_ok(gch_chart_make(NULL, &gpu, &err));
    assert_ok(gch_chart_make(NULL, &cpu, &err));
    for (size_t m = 0; m < GCH_COUNT_OF(marks); m++) {
        gch_chart_series series[] = {{.file = a.file, .mark = marks[m]}, {.file = b.file}};
        for (size_t i = 0; i < GCH_COUNT_OF(columns); i++) {
            int64_t from = ROWS / 2 - columns[i] * WIDTH / 2;
            for (int pan = 0; pan < 8; pan++) {
                int64_t by = pan == 5 ? 2 * WIDTH : (int64_t)(test_random(&seed) % 41);
                from += (pan % 3 == 1 ? -by : by) * columns[i];
                assert_int_equal(
                    compare(gpu, cpu, series, 1 + (i & 1), from, from + columns[i] * WIDTH), 0);
            }
        }
    }
    gch_chart_destroy(gpu);
    gch_chart_destroy(cpu);
    test_series_free(&a);
    test_series_free(&b);
}

static void other_bars_and_axes_are_another_picture(void **state)
{
    (void)state;
    test_series a = make_series(WALK, 1, -1);
    gch_chart *gpu = NULL, *cpu = NULL;
    assert_ok(gch_chart_make(NULL, &gpu, &err));
    assert_ok(gch_chart_make(NULL, &cpu, &err));
    gch_chart_series series = {.file = a.file, .mark = GCH_MARK_CANDLES};
    const gch_image *drawn, *expected;
    gch_chart_desc desc = bare(&series, 1, 0, ROWS, GCH_BACKEND_GPU);
    static const gch_bar_width widths[] = {
        {.count = 5000}, {.count = 50000}, {.count = 600000}, {.unit = GCH_BAR_DAY, .count = 1}};
    for (size_t i = 0; i < 2 * GCH_COUNT_OF(widths); i++) {
        desc.bar_width = widths[i / 2];
        desc.axis = i % 2 == 1 ? GCH_AXIS_LOG : GCH_AXIS_LINEAR; /* zero is nowhere there */
        desc.bottom = (gch_decimal){i % 2 == 1 ? 1 : -200000, 0};
        series.mark = i % 4 == 3 ? GCH_MARK_BARS : GCH_MARK_CANDLES;
        desc.backend = GCH_BACKEND_GPU;
        assert_ok(gch_chart_frame(gpu, &desc, &drawn, NULL, &err));
        desc.backend = GCH_BACKEND_CPU;
        assert_ok(gch_chart_frame(cpu, &desc, &expected, NULL, &err));
        assert_int_equal(count_differences(drawn, expected), 0);
    }
    gch_chart_destroy(gpu);
    gch_chart_destroy(cpu);
    test_series_free(&a);
}

/* A comparison that cannot fail would prove nothing: one value among 300,000, read from the tree.
 */
static void one_value_that_differs_is_seen(void **state)
{
    (void)state;
    test_series plain = make_series(WALK, 1, -1), spiked = make_series(WALK, 1, 123456);
    gch_chart *gpu = NULL, *cpu = NULL;
    assert_ok(gch_chart_make(NULL, &gpu, &err));
    assert_ok(gch_chart_make(NULL, &cpu, &err));
    gch_chart_series a = {.file = plain.file}, b = {.file = spiked.file};
    const gch_image *of_spiked, *of_plain;
    gch_chart_desc desc = bare(&b, 1, 0, ROWS, GCH_BACKEND_GPU);
    assert_ok(gch_chart_frame(gpu, &desc, &of_spiked, NULL, &err));
    desc = bare(&a, 1, 0, ROWS, GCH_BACKEND_CPU);
    assert_ok(gch_chart_frame(cpu, &desc, &of_plain, NULL, &err));
    size_t column = 123456 * WIDTH / ROWS;
    assert_true(count_differences(of_spiked, of_plain) > 0);
    for (size_t i = 0; i < (size_t)WIDTH * HEIGHT; i++)
        if (of_spiked->pixels[i] != of_plain->pixels[i])
            assert_int_equal(i % WIDTH, column);
    gch_chart_destroy(gpu);
    gch_chart_destroy(cpu);
    test_series_free(&plain);
    test_series_free(&spiked);
}

/* ---- below the chart ---- */

static gch_status make_stage(const test_series *series, const gch__gpu_executor_desc *executor,
                             stage *out)
{
    const gch_chart_series its = {.file = series->file};
    const gch_chart_desc chart = bare(&its, 1, 0, ROWS, GCH_BACKEND_GPU);
    return stage_make(out, executor, &chart, false, &err);
}

static gch_status draw(stage *s, int64_t from, int64_t to)
{
    s->desc.from = from;
    s->desc.to = to;
    GCH_TRY(stage_lay_out(s, &err));
    return stage_draw(s, &err);
}

static void an_unchanged_scene_submits_nothing_and_a_panned_one_loads_little(void **state)
{
    (void)state;
    test_series series = make_series(WALK, 1, -1);
    stage s;
    assert_ok(make_stage(&series, &(gch__gpu_executor_desc){.way = GCH__GPU_BY_DRAW}, &s));
    assert_ok(draw(&s, 0, ROWS / 2));
    assert_true(s.stats.pages_loaded > 0 && !s.stats.is_unchanged);
    gch__gpu_stats before = gch__gpu_get_stats(gch__gpu_executor_get_gpu(s.executor));
    assert_ok(draw(&s, 0, ROWS / 2));
    assert_true(s.stats.is_unchanged);
    gch__gpu_stats after = gch__gpu_get_stats(gch__gpu_executor_get_gpu(s.executor));
    assert_memory_equal(&before, &after, sizeof after);

    assert_ok(draw(&s, 1, ROWS / 2 + 1));
    assert_false(s.stats.is_unchanged);
    assert_int_equal(s.stats.columns_kept, 0);
    assert_int_equal(s.stats.pages_loaded, 0);
    after = gch__gpu_get_stats(gch__gpu_executor_get_gpu(s.executor));
    assert_int_equal(after.submits, before.submits + 1);
    assert_int_equal(after.draws, before.draws); /* from the bundle */
    assert_int_equal(after.bundles_run, before.bundles_run + 1);

    gch__gpu_executor_forget(s.executor);
    assert_ok(draw(&s, 1, ROWS / 2 + 1));
    assert_false(s.stats.is_unchanged);

    assert_ok(draw(&s, 0, 100 * WIDTH));
    before = gch__gpu_get_stats(gch__gpu_executor_get_gpu(s.executor));
    assert_ok(draw(&s, 300, 100 * WIDTH + 300));
    assert_int_equal(s.stats.columns_kept, WIDTH - 3);
    after = gch__gpu_get_stats(gch__gpu_executor_get_gpu(s.executor));
    assert_true(after.upload_bytes - before.upload_bytes < 4096); /* row edges above all */
    /* A pan into emptiness and back, a few columns at a time. */
    for (int64_t from = 0; from < 40000; from += 1000)
        assert_ok(draw(&s, ROWS - 20000 + from, ROWS + from));
    for (int64_t from = 40000; from >= 0; from -= 1000) {
        assert_ok(draw(&s, ROWS - 20000 + from, ROWS + from));
        if (from < 20000)
            assert_int_equal(s.stats.pages_loaded, 0);
    }
    stage_free(&s);
    test_series_free(&series);
}

static gch__gpu_work download_work(stage *s, gch__gpu_kernel kernel)
{
    gch__gpu_work work;
    gch__gpu *gpu = s->executor->gpu;
    assert_ok(gch__gpu_begin(gpu, "work", &err));
    assert_ok(gch__gpu_download(gpu, s->executor->work[kernel], 0, &work, sizeof work, &err));
    return work;
}

static gch__gpu_span_counts download_spans(stage *s)
{
    gch__gpu_span_counts counts;
    gch__gpu *gpu = s->executor->gpu;
    assert_ok(gch__gpu_begin(gpu, "spans", &err));
    assert_ok(
        gch__gpu_download(gpu, s->executor->light.spans.buffer, 0, &counts, sizeof counts, &err));
    return counts;
}

/* A line is a span or so a column; points here and there are more than there is room for. The
 * device itself says which of the two draws has vertices. */
static void the_device_draws_spans_or_the_whole_picture(void **state)
{
    (void)state;
    test_series series = make_series(NOISE, 1, -1);
    const gch_mark marks[] = {GCH_MARK_LINE, GCH_MARK_SCATTER};
    for (size_t i = 0; i < GCH_COUNT_OF(marks); i++) {
        stage s;
        assert_ok(make_stage(&series, &(gch__gpu_executor_desc){.way = GCH__GPU_BY_DRAW}, &s));
        s.series[0].mark = marks[i];
        assert_ok(draw(&s, 0, (int64_t)30 * WIDTH));
        gch__gpu_span_counts counts = download_spans(&s);
        bool is_line = marks[i] == GCH_MARK_LINE;
        if (is_line)
            assert_in_range(counts.listed, WIDTH, 2 * WIDTH);
        else
            assert_true(counts.listed > 8 * WIDTH);
        assert_int_equal(counts.spans[0], is_line ? counts.listed * 6 : 0);
        assert_int_equal(counts.cover[0], is_line ? 0 : 3);
        stage_free(&s);
    }
    test_series_free(&series);
}

/* Of a flat line all is known from where it crosses the columns' edges; of a walk it is not. */
static void columns_that_can_show_nothing_more_are_culled_by_the_gpu(void **state)
{
    (void)state;
    test_series flat = make_series(FLAT, 1, -1), walk = make_series(WALK, 1, -1);
    const test_series *both[] = {&flat, &walk};
    for (size_t i = 0; i < 2; i++) {
        stage s;
        assert_ok(make_stage(both[i], &(gch__gpu_executor_desc){0}, &s));
        assert_ok(draw(&s, 0, ROWS));
        gch__gpu_work work = download_work(&s, GCH__GPU_REDUCE);
        if (i == 0) {
            assert_int_equal(work.listed, 0);
            assert_int_equal(work.groups[0], 0);
        } else {
            assert_in_range(work.listed, WIDTH / 2, WIDTH);
            assert_int_equal(work.groups[0], work.listed);
        }
        assert_int_equal(work.groups[1], 1);
        assert_int_equal(work.groups[2], 1);
        stage_free(&s);
    }
    test_series_free(&flat);
    test_series_free(&walk);
}

/* Of the last of `count` series. */
static uint32_t count_listed(stage *s, const gch_chart_series *series, uint32_t count,
                             int64_t bottom, gch__gpu_kernel kernel)
{
    int64_t query_ns;
    gch__gpu_frame_stats stats;
    gch__extent extents[2] = {0};
    gch_query *queries[2] = {NULL};
    gch_chart_desc desc = bare(series, count, 0, ROWS, GCH_BACKEND_GPU);
    desc.bottom = (gch_decimal){bottom, 0};
    desc.top = (gch_decimal){bottom + 400000, 0};
    for (uint32_t i = 0; i < count; i++)
        assert_ok(gch_query_make(series[i].file, NULL, &queries[i], &err));
    assert_ok(gch__scene_layout(&s->scene, &desc, 0, ROWS, extents, &err));
    assert_ok(gch__gpu_executor_draw(s->executor, &s->scene, queries, &s->image, &stats, &query_ns,
                                     &err));
    gch_query_destroy(queries[0]);
    gch_query_destroy(queries[1]);
    return download_work(s, kernel).listed;
}

/* Columns with gaps and of points: those out of view, and what an earlier series has lit. */
static void runs_that_can_show_nothing_more_are_culled_by_the_gpu(void **state)
{
    (void)state;
    test_series gaps = make_series(WALK_WITH_GAPS, 1, -1), flat = make_series(FLAT, 1, -1);
    const gch_chart_series with_gaps = {.file = gaps.file};
    const gch_chart_series points[2] = {{.file = flat.file, .mark = GCH_MARK_SCATTER},
                                        {.file = flat.file, .mark = GCH_MARK_SCATTER}};
    stage s;
    assert_ok(make_stage(&gaps, &(gch__gpu_executor_desc){0}, &s));
    assert_in_range(count_listed(&s, &with_gaps, 1, -200000, GCH__GPU_LIGHT_RUNS), 10, WIDTH);
    assert_int_equal(count_listed(&s, &with_gaps, 1, 9000000, GCH__GPU_LIGHT_RUNS), 0);
    stage_free(&s);
    assert_ok(make_stage(&flat, &(gch__gpu_executor_desc){0}, &s));
    assert_int_equal(count_listed(&s, points, 1, -200000, GCH__GPU_LIGHT_RUNS), WIDTH);
    assert_int_equal(count_listed(&s, points, 2, -200000, GCH__GPU_LIGHT_RUNS), 0);
    stage_free(&s);
    test_series_free(&gaps);
    test_series_free(&flat);
}

static void what_an_earlier_series_hides_is_not_reduced(void **state)
{
    (void)state;
    test_series walk = make_series(WALK, 1, -1), wave = make_series(FLOATS, 1, -1);
    const gch_chart_series alone = {.file = walk.file};
    const gch_chart_series behind_area[] = {{.file = wave.file, .mark = GCH_MARK_AREA},
                                            {.file = walk.file}};
    stage s;
    assert_ok(make_stage(&walk, &(gch__gpu_executor_desc){0}, &s));
    uint32_t all = count_listed(&s, &alone, 1, -200000, GCH__GPU_REDUCE);
    uint32_t some = count_listed(&s, behind_area, 2, -200000, GCH__GPU_REDUCE);
    assert_in_range(all, WIDTH / 2, WIDTH);
    assert_in_range(some, 1, all * 2 / 3);
    gch_chart *gpu = NULL, *cpu = NULL;
    assert_ok(gch_chart_make(NULL, &gpu, &err));
    assert_ok(gch_chart_make(NULL, &cpu, &err));
    assert_int_equal(compare(gpu, cpu, behind_area, 2, 0, ROWS), 0);
    gch_chart_destroy(gpu);
    gch_chart_destroy(cpu);
    stage_free(&s);
    test_series_free(&walk);
    test_series_free(&wave);
}

static const gch_mark some_marks[] = {GCH_MARK_LINE, GCH_MARK_AREA, GCH_MARK_CANDLES};

static void a_warm_frame_allocates_nothing(void **state)
{
    (void)state;
    test_series series = make_series(WALK_WITH_GAPS, 1, -1);
    for (size_t i = 0; i < GCH_COUNT_OF(some_marks); i++) {
        test_memory m = {.left = UINT64_MAX};
        gch_allocator allocator = {.resize = test_memory_resize, .context = &m};
        stage s;
        assert_ok(make_stage(&series, &(gch__gpu_executor_desc){.allocator = &allocator}, &s));
        s.series[0].mark = some_marks[i];
        uint64_t before = 0;
        for (int round = 0; round < 3; round++) {
            before = m.served;
            for (int64_t pan = 0; pan < 5; pan++)
                assert_ok(draw(&s, pan * 1000, ROWS / 2 + pan * 1000));
        }
        assert_true(before > 0);
        assert_int_equal(m.served, before);
        stage_free(&s);
        assert_int_equal(m.live, 0);
    }
    test_series_free(&series);
}

static void run_out_of_memory(const test_series *series, gch_mark mark)
{
    gch_status status = GCH_NO_MEMORY;
    uint64_t n = 0;
    for (; status != GCH_OK && n < 300; n++) {
        test_memory m = {.left = n};
        gch_allocator allocator = {.resize = test_memory_resize, .context = &m};
        gch__gpu_executor_desc desc = {.allocator = &allocator, .driver = &gch__gpu_null};
        stage s;
        status = make_stage(series, &desc, &s);
        s.series[0].mark = mark;
        if (status == GCH_OK)
            status = draw(&s, 0, ROWS / 7);
        if (status != GCH_OK) {
            assert_status(status, GCH_NO_MEMORY);
            m.left = UINT64_MAX; /* and then there is some: the executor goes on */
            if (s.executor != NULL)
                assert_ok(draw(&s, 0, ROWS / 7));
        }
        stage_free(&s);
        assert_int_equal(m.live, 0);
    }
    assert_ok(status);
    assert_true(n > 30);
}

static void memory_that_runs_out_anywhere_is_told_and_leaks_nothing(void **state)
{
    (void)state;
    test_series series = make_series(WALK_WITH_GAPS, 1, -1);
    for (size_t i = 0; i < GCH_COUNT_OF(some_marks); i++)
        run_out_of_memory(&series, some_marks[i]);
    test_series_free(&series);
}

static void a_lost_device_is_told(void **state)
{
    (void)state;
    test_series series = make_series(WALK, 1, -1);
    stage s;
    assert_ok(make_stage(&series, &(gch__gpu_executor_desc){.driver = &gch__gpu_null}, &s));
    assert_ok(draw(&s, 0, ROWS / 2));
    gch__gpu_null_lose(gch__gpu_executor_get_gpu(s.executor));
    assert_status(draw(&s, 5, ROWS / 2), GCH_DEVICE_LOST);
    assert_status(draw(&s, 6, ROWS / 2), GCH_DEVICE_LOST);
    stage_free(&s);
    test_series_free(&series);
}

/* Nothing of it is drawn anew, but it went with the device. */
static void a_picture_left_on_a_lost_device_is_not_taken_for_there(void **state)
{
    (void)state;
    test_series series = make_series(WALK, 1, -1);
    stage s;
    assert_ok(make_stage(
        &series, &(gch__gpu_executor_desc){.driver = &gch__gpu_null, .way = GCH__GPU_BY_DRAW}, &s));
    s.stays = true;
    assert_null(gch__gpu_executor_get_texture(s.executor));
    assert_ok(draw(&s, 0, ROWS / 2));
    assert_ok(draw(&s, 0, ROWS / 2));
    assert_true(s.stats.is_unchanged);
    assert_non_null(gch__gpu_executor_get_texture(s.executor));
    gch__gpu_null_lose(gch__gpu_executor_get_gpu(s.executor));
    assert_status(draw(&s, 0, ROWS / 2), GCH_DEVICE_LOST);
    stage_free(&s);
    test_series_free(&series);
}

static void a_chart_leaves_its_picture_on_the_device_or_brings_it_back(void **state)
{
    (void)state;
    test_series series = make_series(WALK, 1, -1);
    gch_chart *gpu = NULL, *cpu = NULL;
    const gch_image *drawn, *expected;
    gch_image image = {0};
    gch_chart_stats stats;
    gch_chart_series its = {.file = series.file};
    assert_ok(gch_chart_make(NULL, &gpu, &err));
    assert_ok(gch_chart_make(NULL, &cpu, &err));
    gch_chart_desc desc = bare(&its, 1, 0, ROWS, GCH_BACKEND_CPU);
    assert_ok(gch_chart_frame(cpu, &desc, &expected, NULL, &err));
    desc.backend = GCH_BACKEND_GPU;
    for (int round = 0; round < 4; round++) {
        desc.stays_on_device = round % 2 == 0;
        assert_ok(gch_chart_frame(gpu, &desc, &drawn, &stats, &err));
        assert_int_equal(stats.backend, GCH_BACKEND_GPU);
        assert_int_equal(drawn->width_px, WIDTH);
        assert_int_equal(drawn->pixels == NULL, desc.stays_on_device);
        assert_int_equal(stats.texture != NULL, desc.stays_on_device);
        if (!desc.stays_on_device)
            assert_int_equal(count_differences(drawn, expected), 0);
    }
    /* What the processor draws is an image in any case. */
    desc.backend = GCH_BACKEND_CPU;
    desc.stays_on_device = true;
    assert_ok(gch_chart_frame(gpu, &desc, &drawn, &stats, &err));
    assert_null(stats.texture);
    assert_int_equal(count_differences(drawn, expected), 0);
    assert_status(gch_chart_render(&desc, &image, NULL, &err), GCH_INVALID);
    gch_chart_destroy(gpu);
    gch_chart_destroy(cpu);
    test_series_free(&series);
}

static uint64_t device_bytes(gch_data *data)
{
    gch_data_stats stats;
    gch_data_get_stats(data, &stats);
    return stats.device_used_bytes;
}

static void the_device_budget_of_the_data_manager_is_kept(void **state)
{
    (void)state;
    test_series series = make_series(WALK, 1, -1);
    gch_data *data = NULL;
    gch_chart *chart = NULL;
    const gch_image *image;
    gch_chart_stats stats;
    gch_chart_series its = {.file = series.file};
    gch_chart_desc desc = bare(&its, 1, 0, ROWS, GCH_BACKEND_GPU);

    assert_ok(gch_data_make(&(gch_data_desc){.device_budget_bytes = 64 << 20}, &data, &err));
    assert_ok(gch_chart_make(NULL, &chart, &err));
    desc.data = data;
    assert_ok(gch_chart_frame(chart, &desc, &image, &stats, &err));
    assert_int_equal(stats.backend, GCH_BACKEND_GPU);
    assert_int_equal(device_bytes(data), 16 << 20);
    gch_chart_destroy(chart);
    assert_int_equal(device_bytes(data), 0);
    assert_ok(gch_data_destroy(data, &err));

    /* A budget that nothing fits into: the processor draws, and says why. */
    assert_ok(gch_data_make(&(gch_data_desc){.device_budget_bytes = 1 << 20}, &data, &err));
    assert_ok(gch_chart_make(NULL, &chart, &err));
    desc.data = data;
    assert_ok(gch_chart_frame(chart, &desc, &image, &stats, &err));
    assert_int_equal(stats.backend, GCH_BACKEND_CPU);
    assert_true(strlen(stats.fallback) > 0);
    assert_int_equal(device_bytes(data), 0);
    gch_chart_destroy(chart);
    assert_ok(gch_data_destroy(data, &err));
    test_series_free(&series);
}

/* An adapter in software is slower than the processor's own executor: only who asks for the GPU by
 * name gets it. */
static void a_gpu_in_software_is_taken_only_by_name(void **state)
{
    (void)state;
    test_series series = make_series(WALK, 1, -1);
    gch__gpu_executor *executor = NULL;
    assert_ok(gch__gpu_executor_make(&(gch__gpu_executor_desc){0}, &executor, &err));
    bool is_software = gch__gpu_executor_get_software(executor) != NULL;
    gch__gpu_executor_destroy(executor);
    gch_chart *chart = NULL;
    const gch_image *image;
    gch_chart_stats stats;
    gch_chart_series its = {.file = series.file};
    static const gch_backend backends[] = {GCH_BACKEND_AUTO, GCH_BACKEND_AUTO, GCH_BACKEND_GPU,
                                           GCH_BACKEND_AUTO, GCH_BACKEND_GPU};
    assert_ok(gch_chart_make(NULL, &chart, &err));
    for (size_t i = 0; i < GCH_COUNT_OF(backends); i++) {
        gch_chart_desc desc = bare(&its, 1, 0, ROWS, backends[i]);
        bool is_refused = is_software && backends[i] == GCH_BACKEND_AUTO;
        assert_ok(gch_chart_frame(chart, &desc, &image, &stats, &err));
        assert_int_equal(stats.backend, is_refused ? GCH_BACKEND_CPU : GCH_BACKEND_GPU);
        if (is_refused)
            assert_non_null(strstr(stats.fallback, "in software"));
        else
            assert_string_equal(stats.fallback, "");
    }
    gch_chart_destroy(chart);
    test_series_free(&series);
}

static void pools_are_made_while_memory_lasts(void **state)
{
    (void)state;
    test_series series = make_series(WALK, 1, -1);
    uint32_t pools[2];
    for (uint32_t i = 0; i < 2; i++) {
        gch_data *data = NULL;
        stage s, plain;
        assert_ok(gch_data_make(
            &(gch_data_desc){.device_budget_bytes = i == 0 ? 40 << 20 : 1 << 30}, &data, &err));
        assert_ok(
            make_stage(&series, &(gch__gpu_executor_desc){.data = data, .pool_shift = 10}, &s));
        assert_ok(make_stage(&series, &(gch__gpu_executor_desc){0}, &plain));
        assert_ok(draw(&plain, 0, ROWS));
        for (int round = 0; round < 2; round++) {
            gch__gpu_executor_forget(s.executor);
            assert_ok(draw(&s, 0, ROWS));
            assert_memory_equal(s.image.pixels, plain.image.pixels, WIDTH * HEIGHT * 4);
        }
        assert_int_equal(s.stats.pages_loaded, 0);
        pools[i] = s.executor->pool_limit;
        stage_free(&s);
        stage_free(&plain);
        assert_int_equal(device_bytes(data), 0);
        assert_ok(gch_data_destroy(data, &err));
    }
    assert_int_equal(pools[0], 3); /* of 16, 16 and 8 MiB */
    assert_int_equal(pools[1], GCH__GPU_POOLS);
    test_series_free(&series);
}

/* A source whose reads wait while the gate is shut. */
typedef struct gated {
    const uint8_t *bytes;
    _Atomic bool is_shut;
} gated;

static gch_status read_gated(void *context, uint64_t offset, size_t byte_count,
                             gch_priority priority, void *out_bytes, const gch_cancel *cancel,
                             gch_error *read_err)
{
    gated *g = context;
    (void)priority, (void)cancel;
    (void)read_err;
    while (atomic_load(&g->is_shut))
        usleep(100);
    memcpy(out_bytes, g->bytes + offset, byte_count);
    return GCH_OK;
}

/* With no_wait the query room draws what there is until everything has come. */
static void draw_through_gate(const test_series *series, gch_mark mark)
{
    gated gate = {.bytes = series->image};
    gch_data *data = NULL;
    gch_source source;
    gch_chart_series its = {.mark = mark};
    gch_chart *gpu = NULL, *cpu = NULL;
    const gch_image *drawn, *expected;
    gch_chart_stats stats;
    assert_ok(gch_data_make(NULL, &data, &err));
    assert_ok(gch_source_open_ops(data, &(gch_source_ops){.read = read_gated, .context = &gate},
                                  series->image_bytes, NULL, &source, &err));
    assert_ok(gch_source_get_file(data, source, &its.file, &err));
    assert_ok(gch_chart_make(NULL, &gpu, &err));
    assert_ok(gch_chart_make(NULL, &cpu, &err));
    gch_chart_desc desc = bare(&its, 1, ROWS / 2, ROWS / 2 + 5000, GCH_BACKEND_GPU);
    desc.no_wait = true;
    atomic_store(&gate.is_shut, true);
    for (int i = 0; i < 2; i++) {
        assert_ok(gch_chart_frame(gpu, &desc, &drawn, &stats, &err));
        assert_int_equal(stats.backend, GCH_BACKEND_GPU);
        assert_true(stats.complete < 1);
    }
    atomic_store(&gate.is_shut, false);
    for (int i = 0; i < 5000 && stats.complete < 1; i++) {
        usleep(1000);
        assert_ok(gch_chart_frame(gpu, &desc, &drawn, &stats, &err));
    }
    assert_true(stats.complete == 1);
    desc.no_wait = false;
    desc.backend = GCH_BACKEND_CPU;
    assert_ok(gch_chart_frame(cpu, &desc, &expected, NULL, &err));
    assert_int_equal(count_differences(drawn, expected), 0);
    gch_chart_destroy(gpu);
    gch_chart_destroy(cpu);
    assert_ok(gch_source_close(data, source, &err));
    assert_ok(gch_data_destroy(data, &err));
}

static void pages_that_have_not_come_are_drawn_as_far_as_they_are_known(void **state)
{
    (void)state;
    test_series series = make_series(WALK, 1, -1);
    for (size_t i = 0; i < GCH_COUNT_OF(some_marks); i++)
        draw_through_gate(&series, some_marks[i]);
    test_series_free(&series);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_series_are_drawn_over_each_other),
        cmocka_unit_test(a_panned_picture_equals_one_drawn_anew),
        cmocka_unit_test(panned_areas_and_bars_equal_those_drawn_anew),
        cmocka_unit_test(other_bars_and_axes_are_another_picture),
        cmocka_unit_test(one_value_that_differs_is_seen),
        cmocka_unit_test(an_unchanged_scene_submits_nothing_and_a_panned_one_loads_little),
        cmocka_unit_test(the_device_draws_spans_or_the_whole_picture),
        cmocka_unit_test(columns_that_can_show_nothing_more_are_culled_by_the_gpu),
        cmocka_unit_test(runs_that_can_show_nothing_more_are_culled_by_the_gpu),
        cmocka_unit_test(what_an_earlier_series_hides_is_not_reduced),
        cmocka_unit_test(a_warm_frame_allocates_nothing),
        cmocka_unit_test(memory_that_runs_out_anywhere_is_told_and_leaks_nothing),
        cmocka_unit_test(a_lost_device_is_told),
        cmocka_unit_test(a_picture_left_on_a_lost_device_is_not_taken_for_there),
        cmocka_unit_test(a_chart_leaves_its_picture_on_the_device_or_brings_it_back),
        cmocka_unit_test(the_device_budget_of_the_data_manager_is_kept),
        cmocka_unit_test(a_gpu_in_software_is_taken_only_by_name),
        cmocka_unit_test(pools_are_made_while_memory_lasts),
        cmocka_unit_test(pages_that_have_not_come_are_drawn_as_far_as_they_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
