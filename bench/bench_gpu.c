/* What does a frame cost on the GPU, and how far is it from reading the bytes?
 *
 * Draws a file (made if it does not exist) at 1920 x 1080 with the GPU executor, and reports
 *  - the time of each pass by the adapter's own clock, over all points: from the tree, its
 * picture by a draw and by a dispatch too, and from every block; the latter as a ratio to the time
 * that only reading as many bytes takes;
 *  - frames of a pan as the host sees them, with residency and a bundle, and with everything
 * uploaded and recorded anew each frame, which is the baseline; the CPU executor's as well;
 *  - of these frames what the processor does until they are submitted, whatever the adapter is;
 *  - the same of candles (as wide as charts choose, and one a column), areas and points;
 *  - the default look of lines, areas and candles, panned and with all columns anew, beside the
 * same frames with columns from the query room, as a ratio of the processor's times;
 *  - frames of every block that stay on the device, and what part of that time it works;
 *  - a density, counted with the headers' help and with every point decoded, the latter as a ratio
 * to the same floor;
 *  - a density within a frame's budget: views that jump, beside exact frames of the same views, and
 * the frames of a view at rest until it is exact;
 *  - bytes a point as each compression preset leaves them in the file and on the device (pages of
 *    one column and of the times, which are all that a point's vertices are made from);
 *  - an unchanged frame; draws and submissions a frame; bytes on host and device.
 *
 *     bench_gpu --folder build --points 10000000 [--frames 50] [--kind walk]
 *               [--only tree|pan|candles|area|scatter|default_look|every_block|density|quality|
 *                       presets]
 */
#include "bench.h"
#include "bench_file.h"
#include "bench_gpu_floor.h"
#include "gch/gch.h"
#include "render_gpu.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WIDTH 1920u
#define HEIGHT 1080u
#define FRAMES_MAX 1000u
#define PAN_PX 8 /* a frame */
#define FLOW_ROUNDS 10u
#define WARM_ROUNDS 5u

static gch_error err;

static void check(gch_status status)
{
    if (status != GCH_OK)
        bench_fail("%s: %s", gch_status_name(status), err.message);
}

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

typedef struct setup {
    gch_data *data;
    gch_source source;
    const gch_file *file;
    const gch_file_info *info;
    gch_workers *workers;
    gch_query *query;
    gch__scene scene;
    gch_image image;
    gch_decimal bottom, top;
    uint32_t frames, columns; /* columns: of the plot */
    bool is_bare;
    const char *only; /* a section; NULL: all */
    gch_mark mark;
    int64_t bar_columns; /* of candles; 0: as many as charts choose */
} setup;

static void open_file(setup *s, const char *path)
{
    check(
        gch_data_make(&(gch_data_desc){.device_budget_bytes = (uint64_t)16 << 30}, &s->data, &err));
    check(gch_source_open_file(s->data, path, NULL, &s->source, &err));
    check(gch_source_get_file(s->data, s->source, &s->file, &err));
    s->info = gch_file_get_info(s->file);
    check(gch_query_make(s->file, &(gch_query_desc){.workers = s->workers, .keep_outside = true},
                         &s->query, &err));
    check(gch_image_make(WIDTH, HEIGHT, NULL, &s->image, &err));
    gch_value low, high;
    check(gch_query_range(s->query, 0, s->info->first_time, s->info->last_time + 1, GCH_JOIN_NONE,
                          &low, &high, &err));
    gch__fit_range(low, high, GCH_AXIS_LINEAR, false, &s->bottom, &s->top);
}

static void close_file(setup *s)
{
    gch_image_destroy(&s->image, NULL);
    gch__scene_reset(&s->scene);
    gch_query_destroy(s->query);
    check(gch_source_close(s->data, s->source, &err));
    check(gch_data_destroy(s->data, &err));
}

static gch_chart_desc chart_desc(const setup *s, const gch_chart_series *series, double span,
                                 uint32_t step)
{
    double whole = (double)(s->info->last_time - s->info->first_time) + 1;
    int64_t ticks = (int64_t)(whole * span / s->columns) + 1; /* a column */
    int64_t width = ticks * s->columns;
    int64_t from = s->info->first_time + (int64_t)((whole - (double)width) / 2) +
                   ticks * PAN_PX * (int64_t)step;
    return (gch_chart_desc){.series = series,
                            .series_count = 1,
                            .width_px = WIDTH,
                            .height_px = HEIGHT,
                            .is_bare = s->is_bare,
                            .has_time_range = true,
                            .from = from,
                            .to = from + width,
                            .has_bottom = true,
                            .has_top = true,
                            .bottom = s->bottom,
                            .top = s->top,
                            .bar_width = {.count = ticks * s->bar_columns},
                            .workers = s->workers};
}

/* Returns the milliseconds spent in queries. */
static double draw(setup *s, gch__gpu_executor *executor, double span, uint32_t step,
                   gch__gpu_frame_stats *stats)
{
    int64_t query_ns;
    gch__extent extent = {0};
    gch_chart_series series = {.file = s->file, .mark = s->mark};
    gch_chart_desc desc = chart_desc(s, &series, span, step);
    check(gch__scene_layout(&s->scene, &desc, desc.from, desc.to, &extent, &err));
    check(
        gch__gpu_executor_draw(executor, &s->scene, &s->query, &s->image, stats, &query_ns, &err));
    return (double)query_ns * 1e-6;
}

/* Milliseconds of the passes of the last submission that have this label. */
static double pass_ms(gch__gpu *gpu, const char *label)
{
    gch__gpu_timing timings[GCH__GPU_TIMERS_MAX];
    uint32_t count;
    double ms = 0;
    check(gch__gpu_get_timings(gpu, timings, GCH__GPU_TIMERS_MAX, &count, &err));
    for (uint32_t i = 0; i < count; i++)
        ms += strcmp(timings[i].label, label) == 0 ? (double)timings[i].ns * 1e-6 : 0;
    return ms;
}

static void add_stats(cJSON *json, const char *name, double *samples, uint32_t count)
{
    bench_stats stats = bench_stats_from(samples, count);
    cJSON_AddItemToObject(json, name, bench_stats_json(&stats));
}

/* Frames over a share of the data, panned: host and GPU times. The pan is made until what it shows
 * is resident, unless nothing is kept, and then once more for the figures. Passes are timed for a
 * frame's last submission only, so GPU times are given if no frame took more than one. is_anew:
 * every column is reduced in every frame, though the last one had most of them. */
static cJSON *run_frames(setup *s, const gch__gpu_executor_desc *desc, double span, bool is_anew)
{
    static double host[FRAMES_MAX], columns[FRAMES_MAX], picture[FRAMES_MAX], record[FRAMES_MAX],
        bars[FRAMES_MAX], heights[FRAMES_MAX], counts[FRAMES_MAX], tone[FRAMES_MAX],
        queries[FRAMES_MAX];
    gch__gpu_executor *executor = NULL;
    gch__gpu_frame_stats stats;
    check(gch__gpu_executor_make(desc, &executor, &err));
    gch__gpu *gpu = gch__gpu_executor_get_gpu(executor);
    double before = now_ms();
    s->columns = WIDTH;
    draw(s, executor, span, 0, &stats);
    double first_ms = now_ms() - before;
    uint64_t pages_first = stats.pages_loaded, pages = 0, tiles = 0, kept = 0;
    s->columns = s->scene.plots[0].view.width_px;
    uint64_t loaded = 1;
    for (uint32_t round = 0; round < WARM_ROUNDS && loaded > 0 && !desc->keeps_nothing; round++) {
        loaded = 0; /* the pool has grown to its size once a round loads nothing */
        for (uint32_t i = 0; i < s->frames; i++) {
            if (is_anew)
                gch__gpu_executor_forget(executor);
            draw(s, executor, span, i + 1, &stats);
            loaded += stats.pages_loaded;
        }
    }
    gch__gpu_stats start = gch__gpu_get_stats(gpu);
    for (uint32_t i = 0; i < s->frames; i++) {
        if (is_anew)
            gch__gpu_executor_forget(executor);
        before = now_ms();
        queries[i] = draw(s, executor, span, i + 1, &stats);
        host[i] = now_ms() - before;
        record[i] = (double)stats.record_ns * 1e-6;
        columns[i] = pass_ms(gpu, "columns");
        bars[i] = pass_ms(gpu, "bars");
        heights[i] = pass_ms(gpu, "heights");
        counts[i] = pass_ms(gpu, "counts");
        tone[i] = pass_ms(gpu, "tone");
        picture[i] = pass_ms(gpu, "picture");
        pages += stats.pages_loaded;
        kept += stats.columns_kept;
        tiles += stats.tiles;
    }
    gch__gpu_stats end = gch__gpu_get_stats(gpu);
    cJSON *json = cJSON_CreateObject();
    double frames = s->frames;
    cJSON_AddNumberToObject(json, "points_in_view", (double)s->info->row_count * span);
    cJSON_AddNumberToObject(json, "first_frame_ms", first_ms);
    add_stats(json, "frame_ms", host, s->frames);
    add_stats(json, "record_ms", record, s->frames);
    add_stats(json, "record_queries_ms", queries, s->frames);
    if (gch__gpu_get_info(gpu)->has_timestamps && end.submits - start.submits == s->frames) {
        if (s->mark == GCH_MARK_DENSITY) {
            add_stats(json, "gpu_counts_ms", counts, s->frames);
            add_stats(json, "gpu_tone_ms", tone, s->frames);
        } else if (s->is_bare) {
            add_stats(json, "gpu_columns_ms", columns, s->frames);
            add_stats(json, "gpu_bars_ms", bars, s->frames);
        } else {
            add_stats(json, "gpu_heights_ms", heights, s->frames);
        }
        add_stats(json, "gpu_picture_ms", picture, s->frames);
        for (uint32_t i = 0; i < s->frames; i++)
            columns[i] += bars[i] + heights[i] + counts[i] + tone[i] + picture[i];
        add_stats(json, "gpu_ms", columns, s->frames);
    }
    cJSON_AddNumberToObject(json, "pages_loaded_first", (double)pages_first);
    cJSON_AddNumberToObject(json, "pages_loaded_per_frame", (double)pages / frames);
    cJSON_AddNumberToObject(json, "columns_kept_per_frame", (double)kept / frames);
    cJSON_AddNumberToObject(json, "series_reduced", stats.series_reduced);
    cJSON_AddNumberToObject(json, "tiles_per_frame", (double)tiles / frames);
    cJSON_AddNumberToObject(json, "submits_per_frame",
                            (double)(end.submits - start.submits) / frames);
    cJSON_AddNumberToObject(
        json, "draws_per_frame",
        (double)(end.draws - start.draws + end.bundles_run - start.bundles_run) / frames);
    cJSON_AddNumberToObject(json, "upload_bytes_per_frame",
                            (double)(end.upload_bytes - start.upload_bytes) / frames);
    cJSON_AddNumberToObject(json, "device_bytes", (double)end.device_bytes);
    gch__gpu_executor_destroy(executor);
    return json;
}

static void draw_and_leave(setup *s, gch__gpu_executor *executor, double span, uint32_t step,
                           gch__gpu_frame_stats *stats)
{
    int64_t query_ns;
    gch__extent extent = {0};
    gch_chart_series series = {.file = s->file};
    gch_chart_desc desc = chart_desc(s, &series, span, step);
    gch__gpu_executor_forget(executor); /* all columns, each frame */
    check(gch__scene_layout(&s->scene, &desc, desc.from, desc.to, &extent, &err));
    check(gch__gpu_executor_draw(executor, &s->scene, &s->query, NULL, stats, &query_ns, &err));
}

/* Frames that stay on the device, two under way at a time, as where they are shown from there. */
static cJSON *run_flow(setup *s, const gch__gpu_executor_desc *desc, double span, double gpu_ms)
{
    gch__gpu_executor *executor = NULL;
    gch__gpu_frame_stats stats;
    double start = 0, in_draw = 0;
    check(gch__gpu_executor_make(desc, &executor, &err));
    gch__gpu *gpu = gch__gpu_executor_get_gpu(executor);
    uint32_t rounds = WARM_ROUNDS + FLOW_ROUNDS;
    for (uint32_t round = 0; round < rounds; round++) {
        if (round == WARM_ROUNDS) {
            check(gch__gpu_wait(gpu, gch__gpu_get_stats(gpu).submits, &err));
            start = now_ms();
        }
        for (uint32_t i = 0; i < s->frames; i++) {
            double before = now_ms();
            draw_and_leave(s, executor, span, i, &stats);
            in_draw += round >= WARM_ROUNDS ? now_ms() - before : 0;
            uint64_t submits = gch__gpu_get_stats(gpu).submits;
            if (submits > 2)
                check(gch__gpu_wait(gpu, submits - 2, &err));
        }
    }
    check(gch__gpu_wait(gpu, gch__gpu_get_stats(gpu).submits, &err));
    double frames = FLOW_ROUNDS * s->frames, ms = (now_ms() - start) / frames;
    gch__gpu_executor_destroy(executor);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "frame_ms", ms);
    cJSON_AddNumberToObject(json, "processor_ms", in_draw / frames);
    if (gpu_ms > 0)
        cJSON_AddNumberToObject(json, "gpu_busy", gpu_ms / ms);
    return json;
}

static double run_cpu(setup *s, double span)
{
    static double samples[FRAMES_MAX];
    gch_chart *chart = NULL;
    const gch_image *image;
    gch_chart_series series = {.file = s->file};
    check(gch_chart_make(NULL, &chart, &err));
    for (uint32_t i = 0; i <= s->frames; i++) {
        gch_chart_desc desc = chart_desc(s, &series, span, i);
        double before = now_ms();
        check(gch_chart_frame(chart, &desc, &image, NULL, &err));
        samples[i > 0 ? i - 1 : 0] = now_ms() - before;
    }
    gch_chart_destroy(chart);
    return bench_stats_from(samples, s->frames).median;
}

typedef struct still {
    setup *setup;
    gch__gpu_executor *executor;
} still;

static void unchanged_frame(void *context)
{
    still *its = context;
    gch__gpu_frame_stats stats;
    draw(its->setup, its->executor, 1, 0, &stats);
}

/* Milliseconds of a frame whose description is the last one's, layout included. */
static double run_unchanged(setup *s)
{
    still its = {.setup = s};
    check(gch__gpu_executor_make(&(gch__gpu_executor_desc){.data = s->data}, &its.executor, &err));
    bench_stats stats = bench_time(unchanged_frame, &its, 20, 1000000);
    gch__gpu_executor_destroy(its.executor);
    return stats.median * 1e-6;
}

static void add_adapter(cJSON *report)
{
    gch__gpu *gpu = NULL;
    check(gch__gpu_make(&(gch__gpu_desc){0}, &gpu, &err));
    const gch__gpu_info *info = gch__gpu_get_info(gpu);
    cJSON_AddStringToObject(report, "adapter", info->adapter);
    cJSON_AddStringToObject(report, "driver", info->driver);
    cJSON_AddNumberToObject(report, "binding_bytes_max", (double)info->binding_bytes_max);
    cJSON_AddBoolToObject(report, "has_timestamps", info->has_timestamps);
    gch__gpu_destroy(gpu);
}

static double number_at(const cJSON *object, const char *name, const char *inner)
{
    const cJSON *item = cJSON_GetObjectItem(object, name);
    item = inner != NULL && item != NULL ? cJSON_GetObjectItem(item, inner) : item;
    return item != NULL ? item->valuedouble : 0;
}

static bool wants(const setup *s, const char *section)
{
    return s->only == NULL || strcmp(s->only, section) == 0;
}

static void run_pans(setup *s, cJSON *report)
{
    gch__gpu_executor_desc desc = {.data = s->data, .time_passes = true};
    cJSON *pan = run_frames(s, &desc, 0.1, false);
    cJSON_AddItemToObject(report, "pan", pan);
    desc.keeps_nothing = true;
    cJSON *anew = run_frames(s, &desc, 0.1, true);
    cJSON_AddItemToObject(report, "pan_baseline_everything_anew", anew);
    cJSON_AddNumberToObject(report, "pan_baseline_over_pan",
                            number_at(anew, "frame_ms", "median") /
                                number_at(pan, "frame_ms", "median"));
    cJSON_AddNumberToObject(report, "pan_record_baseline_over_pan",
                            number_at(anew, "record_ms", "median") /
                                number_at(pan, "record_ms", "median"));
    cJSON_AddNumberToObject(report, "pan_cpu_executor_ms", run_cpu(s, 0.1));
    desc.keeps_nothing = false;
    s->is_bare = false;
    cJSON_AddItemToObject(report, "pan_default_look", run_frames(s, &desc, 0.1, true));
    s->is_bare = true;
    cJSON_AddNumberToObject(report, "unchanged_frame_ms", run_unchanged(s));
}

static void run_mark(setup *s, const char *name, gch_mark mark, int64_t bar_columns, double span,
                     cJSON *report)
{
    gch__gpu_executor_desc desc = {.data = s->data, .time_passes = true};
    s->mark = mark;
    s->bar_columns = bar_columns;
    cJSON_AddItemToObject(report, name, run_frames(s, &desc, span, span == 1));
    s->mark = GCH_MARK_LINE;
}

/* Frames in the default look, with columns from the device and from the query room. */
static void run_look(setup *s, const char *name, double span, bool is_anew, cJSON *report)
{
    gch__gpu_executor_desc desc = {.data = s->data, .time_passes = true};
    cJSON *json = cJSON_AddObjectToObject(report, name);
    cJSON *device = run_frames(s, &desc, span, is_anew);
    cJSON_AddItemToObject(json, "device", device);
    desc.by_queries = true;
    cJSON *queries = run_frames(s, &desc, span, is_anew);
    cJSON_AddItemToObject(json, "queries", queries);
    cJSON_AddNumberToObject(json, "record_queries_over_device",
                            number_at(queries, "record_ms", "median") /
                                number_at(device, "record_ms", "median"));
    cJSON_AddNumberToObject(json, "frame_queries_over_device",
                            number_at(queries, "frame_ms", "median") /
                                number_at(device, "frame_ms", "median"));
}

static void run_default_look(setup *s, cJSON *report)
{
    static const struct {
        const char *name;
        gch_mark mark;
        int64_t bar_columns;
        double span;
        bool is_anew;
    } looks[] = {{"line_pan", GCH_MARK_LINE, 0, 0.1, false},
                 {"line_anew", GCH_MARK_LINE, 0, 0.1, true},
                 {"line_all_anew", GCH_MARK_LINE, 0, 1, true},
                 {"area_pan", GCH_MARK_AREA, 0, 0.1, false},
                 {"candles_pan", GCH_MARK_CANDLES, 0, 0.1, false},
                 {"candles_anew", GCH_MARK_CANDLES, 0, 0.1, true},
                 {"candles_a_column_pan", GCH_MARK_CANDLES, 1, 0.1, false}};
    cJSON *json = cJSON_AddObjectToObject(report, "default_look");
    s->is_bare = false;
    for (size_t i = 0; i < GCH_COUNT_OF(looks); i++) {
        s->mark = looks[i].mark;
        s->bar_columns = looks[i].bar_columns;
        run_look(s, looks[i].name, looks[i].span, looks[i].is_anew, json);
    }
    s->mark = GCH_MARK_LINE;
    s->bar_columns = 0;
    s->is_bare = true;
}

static void run_blocks(setup *s, cJSON *report)
{
    gch__gpu_executor_desc desc = {.data = s->data, .time_passes = true, .by_blocks = true};
    cJSON *blocks = run_frames(s, &desc, 1, true);
    cJSON_AddItemToObject(report, "every_block", blocks);
    desc.time_passes = false;
    cJSON_AddItemToObject(report, "every_block_flow",
                          run_flow(s, &desc, 1, number_at(blocks, "gpu_ms", "median")));
    uint64_t bytes = (uint64_t)number_at(blocks, "pages_loaded_first", NULL) << 14;
    double floor = bench_gpu_floor_ms(bytes);
    cJSON_AddNumberToObject(report, "read_floor_bytes", (double)bytes);
    cJSON_AddNumberToObject(report, "read_floor_ms", floor);
    if (floor > 0 && cJSON_HasObjectItem(blocks, "gpu_columns_ms"))
        cJSON_AddNumberToObject(report, "every_block_over_floor",
                                number_at(blocks, "gpu_columns_ms", "median") / floor);
}

static void add_over_floor(cJSON *json, const char *name, const cJSON *frames, double floor)
{
    if (floor > 0 && cJSON_HasObjectItem(frames, "gpu_counts_ms"))
        cJSON_AddNumberToObject(json, name, number_at(frames, "gpu_counts_ms", "median") / floor);
}

/* In the default look, so with the colours' passes and the axes, and a plot that is smaller than
 * the picture by these; and bare, with a plot as large. */
static void run_density(setup *s, cJSON *report)
{
    gch__gpu_executor_desc desc = {.data = s->data, .time_passes = true};
    cJSON *density = cJSON_CreateObject();
    s->mark = GCH_MARK_DENSITY;
    s->is_bare = false;
    cJSON_AddItemToObject(density, "tree", run_frames(s, &desc, 1, true));
    desc.by_blocks = true;
    cJSON *blocks = run_frames(s, &desc, 1, true);
    cJSON_AddItemToObject(density, "every_block", blocks);
    double floor =
        bench_gpu_floor_ms((uint64_t)number_at(blocks, "pages_loaded_first", NULL) << 14);
    cJSON_AddNumberToObject(density, "read_floor_ms", floor);
    add_over_floor(density, "every_block_over_floor", blocks, floor);
    s->is_bare = true;
    blocks = run_frames(s, &desc, 1, true);
    cJSON_AddItemToObject(density, "every_block_bare", blocks);
    add_over_floor(density, "every_block_bare_over_floor", blocks, floor);
    desc.by_blocks = false;
    cJSON_AddItemToObject(density, "pan_bare", run_frames(s, &desc, 0.1, false));
    s->mark = GCH_MARK_LINE;
    cJSON_AddItemToObject(report, "density", density);
}

/* Frames of views that all differ in their scale, so that nothing of the last one stays. */
static void run_jumps(setup *s, gch__gpu_executor *executor, cJSON *report)
{
    static double host[FRAMES_MAX];
    gch__gpu_frame_stats stats = {0};
    for (uint32_t i = 0; i < WARM_ROUNDS + s->frames; i++) {
        double before = now_ms();
        draw(s, executor, 1 - 0.5 * i / (WARM_ROUNDS + s->frames), 0, &stats);
        if (i >= WARM_ROUNDS)
            host[i - WARM_ROUNDS] = now_ms() - before;
    }
    add_stats(report, "host_ms", host, s->frames);
    cJSON_AddNumberToObject(report, "level", stats.quality_level);
    cJSON_AddNumberToObject(report, "counted", stats.counted);
}

/* Frames of one view until it is exact; the first may raise the resolution. */
static void run_rest(setup *s, gch__gpu_executor *executor, cJSON *report)
{
    static double host[FRAMES_MAX];
    gch__gpu_frame_stats stats = {0};
    uint32_t frames = 0;
    draw(s, executor, 0.9, 0, &stats);
    while (stats.counted < 1 && frames < FRAMES_MAX) {
        double before = now_ms();
        draw(s, executor, 0.9, 0, &stats);
        host[frames++] = now_ms() - before;
    }
    if (frames > 0)
        add_stats(report, "host_ms", host, frames);
    cJSON_AddNumberToObject(report, "frames", frames);
}

/* Every point is decoded, as where headers say little. */
static void run_quality(setup *s, cJSON *report)
{
    const gch__gpu_executor_desc desc = {.data = s->data, .by_blocks = true};
    const gch__quality_desc automatic = {.quality = GCH_QUALITY_AUTO, .budget_ms = 16};
    gch__gpu_executor *executor = NULL;
    gch__gpu_frame_stats stats;
    gch_image refined = {0};
    cJSON *quality = cJSON_AddObjectToObject(report, "quality");
    s->mark = GCH_MARK_DENSITY;
    check(gch__gpu_executor_make(&desc, &executor, &err));
    run_jumps(s, executor, cJSON_AddObjectToObject(quality, "exact"));
    gch__gpu_executor_set_quality(executor, &automatic);
    cJSON_AddNumberToObject(quality, "budget_ms", automatic.budget_ms);
    run_jumps(s, executor, cJSON_AddObjectToObject(quality, "jumping"));
    run_rest(s, executor, cJSON_AddObjectToObject(quality, "resting"));
    gch__gpu_executor_destroy(executor);
    check(gch_image_make(WIDTH, HEIGHT, NULL, &refined, &err));
    size_t bytes = (size_t)WIDTH * HEIGHT * sizeof *refined.pixels;
    memcpy(refined.pixels, s->image.pixels, bytes);
    check(gch__gpu_executor_make(&desc, &executor, &err));
    draw(s, executor, 0.9, 0, &stats);
    if (memcmp(refined.pixels, s->image.pixels, bytes) != 0)
        bench_fail("the refined picture is not the exact one");
    gch__gpu_executor_destroy(executor);
    gch_image_destroy(&refined, NULL);
    s->mark = GCH_MARK_LINE;
}

#define PRESET_POINTS 1000000u

/* A file of a kind and preset, and a frame that reads every block of its first column. */
static void run_preset(const setup *all, const char *path, gch_generator kind, gch_preset preset,
                       cJSON *json)
{
    gch_generate_desc desc = {.kind = kind,
                              .row_count = GCH_MIN(all->info->row_count, PRESET_POINTS),
                              .seed = 1,
                              .output = path,
                              .preset = preset,
                              .workers = all->workers};
    if (preset == GCH_PRESET_TOLERANCE)
        desc.tolerance = (gch_decimal){6, -2};
    check(gch_generate(&desc, &err));
    setup s = {.workers = all->workers, .frames = 1, .is_bare = true};
    gch__gpu_executor *executor = NULL;
    gch__gpu_frame_stats stats;
    open_file(&s, path);
    check(gch__gpu_executor_make(&(gch__gpu_executor_desc){.data = s.data, .by_blocks = true},
                                 &executor, &err));
    draw(&s, executor, 1, 0, &stats);
    double rows = (double)s.info->row_count;
    cJSON_AddStringToObject(json, "preset", s.info->preset);
    cJSON_AddNumberToObject(json, "file_bytes_per_value",
                            (double)s.info->file_bytes / rows / s.info->column_count);
    cJSON_AddNumberToObject(json, "device_bytes_per_point",
                            (double)(stats.pages_loaded << 14) / rows);
    gch__gpu_executor_destroy(executor);
    close_file(&s);
    remove(path);
}

static void run_presets(const setup *s, const char *folder, cJSON *report)
{
    static const char *const kinds[] = {"walk", "ticks", "sine", "ecg"};
    static const gch_preset presets[] = {GCH_PRESET_LOSSLESS, GCH_PRESET_FAST,
                                         GCH_PRESET_TOLERANCE};
    char path[4096];
    snprintf(path, sizeof path, "%s/bench_gpu_preset.gch", folder);
    cJSON *section = cJSON_AddObjectToObject(report, "presets");
    for (size_t k = 0; k < GCH_COUNT_OF(kinds); k++) {
        cJSON *list = cJSON_AddArrayToObject(section, kinds[k]);
        gch_generator kind;
        if (!gch_generator_parse(kinds[k], &kind))
            bench_fail("no generator %s", kinds[k]);
        for (size_t p = 0; p < GCH_COUNT_OF(presets); p++) {
            cJSON *json = cJSON_CreateObject();
            cJSON_AddItemToArray(list, json);
            run_preset(s, path, kind, presets[p], json);
        }
    }
}

static void run_all(setup *s, cJSON *report)
{
    gch__gpu_executor_desc desc = {.data = s->data, .time_passes = true};
    if (wants(s, "tree")) {
        static const gch__gpu_way ways[] = {GCH__GPU_BY_MEASURE, GCH__GPU_BY_DRAW,
                                            GCH__GPU_BY_DISPATCH};
        static const char *const names[] = {"tree", "tree_by_draw", "tree_by_dispatch"};
        for (size_t i = 0; i < GCH_COUNT_OF(ways); i++) {
            desc.way = ways[i];
            cJSON_AddItemToObject(report, names[i], run_frames(s, &desc, 1, true));
        }
        desc.way = GCH__GPU_BY_MEASURE;
    }
    if (wants(s, "pan"))
        run_pans(s, report);
    if (wants(s, "candles")) {
        run_mark(s, "candles", GCH_MARK_CANDLES, 0, 1, report);
        run_mark(s, "candles_a_column", GCH_MARK_CANDLES, 1, 1, report);
        run_mark(s, "candles_pan", GCH_MARK_CANDLES, 0, 0.1, report);
    }
    if (wants(s, "area"))
        run_mark(s, "area", GCH_MARK_AREA, 0, 1, report);
    if (wants(s, "scatter"))
        run_mark(s, "scatter", GCH_MARK_SCATTER, 0, 1, report);
    if (wants(s, "default_look"))
        run_default_look(s, report);
    if (wants(s, "every_block"))
        run_blocks(s, report);
    if (wants(s, "density"))
        run_density(s, report);
    if (wants(s, "quality"))
        run_quality(s, report);
}

int main(int argument_count, char **arguments)
{
    const char *folder = "build", *kind = "walk";
    double points = 1e7;
    setup s = {.frames = 50, .columns = WIDTH, .is_bare = true};
    for (int i = 1; i + 1 < argument_count; i += 2) {
        if (strcmp(arguments[i], "--folder") == 0)
            folder = arguments[i + 1];
        else if (strcmp(arguments[i], "--kind") == 0)
            kind = arguments[i + 1];
        else if (strcmp(arguments[i], "--only") == 0)
            s.only = arguments[i + 1];
        else if (strcmp(arguments[i], "--points") == 0)
            points = strtod(arguments[i + 1], NULL);
        else if (strcmp(arguments[i], "--frames") == 0)
            s.frames = (uint32_t)strtoul(arguments[i + 1], NULL, 10);
        else
            bench_fail("unknown option %s", arguments[i]);
    }
    if (s.frames == 0 || s.frames > FRAMES_MAX)
        bench_fail("--frames: 1 to %u", FRAMES_MAX);
    check(gch_workers_make(0, NULL, &s.workers, &err));
    char path[4096];
    bench_file_make(path, sizeof path, folder, kind, points, s.workers);
    open_file(&s, path);
    cJSON *report = bench_report_make("what does a frame cost on the GPU?");
    add_adapter(report);
    cJSON_AddNumberToObject(report, "points", (double)s.info->row_count);
    cJSON_AddNumberToObject(report, "file_bytes", (double)s.info->file_bytes);
    run_all(&s, report);
    if (wants(&s, "presets"))
        run_presets(&s, folder, report);
    int code = bench_report_print(report);
    close_file(&s);
    gch_workers_destroy(s.workers);
    return code;
}
