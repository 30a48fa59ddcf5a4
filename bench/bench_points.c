/* What do points of a plane cost on the GPU, and how far is that from reading their bytes?
 *
 * Draws a point set in Morton order (made if it does not exist) at 1920 x 1080 with the GPU
 * executor, as a picture of lit pixels and as counts, and reports the time of the passes by the
 * adapter's own clock
 *  - over all points: by the tree of boxes, and decoding every point; the latter as a ratio to the
 *    time that only reading as many bytes takes;
 *  - over a tenth of each side, panned;
 * and what the processor does for such a frame, with everything uploaded anew each frame as the
 * baseline. The processor's own time for the counts stands beside it; they must be the same.
 *
 *     bench_points --folder build --points 10000000 [--frames 20]
 */
#include "bench.h"
#include "bench_file.h"
#include "bench_gpu_floor.h"
#include "gch/gch.h"
#include "render_gpu_points.h"

#include <stdlib.h>
#include <string.h>

#define WIDTH 1920u
#define HEIGHT 1080u
#define FRAMES_MAX 1000u
#define CELLS ((size_t)WIDTH * HEIGHT)

static gch_error err;

static void check(gch_status status)
{
    if (status != GCH_OK)
        bench_fail("%s: %s", gch_status_name(status), err.message);
}

static double now_ms(void)
{
    return (double)gch__clock_ns() * 1e-6;
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

typedef struct setup {
    gch_data *data;
    gch_source source;
    const gch_file *file;
    const gch_file_info *info;
    gch_workers *workers;
    gch_query *query;
    gch__scene scene;
    gch_image image;
    uint32_t *counts, *expected;
    uint32_t frames;
} setup;

static void open_file(setup *s, const char *path)
{
    check(
        gch_data_make(&(gch_data_desc){.device_budget_bytes = (uint64_t)64 << 30}, &s->data, &err));
    check(gch_source_open_file(s->data, path, NULL, &s->source, &err));
    check(gch_source_get_file(s->data, s->source, &s->file, &err));
    s->info = gch_file_get_info(s->file);
    if (!s->info->is_point_set || s->info->row_count == 0)
        bench_fail("%s is no point set, or empty", path);
    check(gch_query_make(s->file, &(gch_query_desc){.workers = s->workers}, &s->query, &err));
    check(gch_image_make(WIDTH, HEIGHT, NULL, &s->image, &err));
    s->counts = bench_alloc(CELLS * sizeof *s->counts);
    s->expected = bench_alloc(CELLS * sizeof *s->expected);
}

static void close_file(setup *s)
{
    bench_free(s->expected);
    bench_free(s->counts);
    gch_image_destroy(&s->image, NULL);
    gch__scene_reset(&s->scene);
    gch_query_destroy(s->query);
    check(gch_source_close(s->data, s->source, &err));
    check(gch_data_destroy(s->data, &err));
}

/* A side of the view: a share of the data's, moved by a little each step. */
static void choose_side(const gch_column_info *column, double share, uint32_t step,
                        gch_decimal *low, gch_decimal *high)
{
    double min = gch_value_to_double(column->min), max = gch_value_to_double(column->max);
    double span = (max - min) * share * 1.0001, middle = (min + max) / 2;
    double from = middle - span / 2 + span * 0.004 * step;
    *low = gch_decimal_from_double(from);
    *high = gch_decimal_from_double(from + span);
}

static gch_plane plane_of(const setup *s, double share, uint32_t step)
{
    gch_plane plane = {.x_column = s->info->x_column,
                       .y_column = s->info->y_column,
                       .view = {.width_px = WIDTH, .height_px = HEIGHT}};
    choose_side(&s->info->columns[plane.x_column], share, step, &plane.view.left,
                &plane.view.right);
    choose_side(&s->info->columns[plane.y_column], share, step, &plane.view.bottom,
                &plane.view.top);
    return plane;
}

static gch__gpu_frame_stats draw(setup *s, gch__gpu_executor *executor, const gch_plane *plane)
{
    gch_chart_series series = {.file = s->file};
    gch_chart_desc desc = {.series = &series,
                           .series_count = 1,
                           .width_px = WIDTH,
                           .height_px = HEIGHT,
                           .is_bare = true,
                           .has_left = true,
                           .has_right = true,
                           .has_bottom = true,
                           .has_top = true,
                           .left = plane->view.left,
                           .right = plane->view.right,
                           .bottom = plane->view.bottom,
                           .top = plane->view.top};
    gch__extent extent = {0};
    gch__gpu_frame_stats stats;
    int64_t query_ns;
    check(gch__scene_layout(&s->scene, &desc, 0, 1, &extent, &err));
    gch__gpu_executor_forget(executor);
    check(
        gch__gpu_executor_draw(executor, &s->scene, &s->query, &s->image, &stats, &query_ns, &err));
    return stats;
}

static void add_stats(cJSON *json, const char *name, double *samples, uint32_t count)
{
    bench_stats stats = bench_stats_from(samples, count);
    cJSON_AddItemToObject(json, name, bench_stats_json(&stats));
}

/* Frames of a share of each side: lit pixels, then counts. Passes are timed in a frame's last
 * submission only, so GPU times are given if no frame took more than one. */
static cJSON *run_frames(setup *s, const gch__gpu_executor_desc *desc, double share)
{
    static double host[FRAMES_MAX], record[FRAMES_MAX], lit[FRAMES_MAX], picture[FRAMES_MAX],
        counted[FRAMES_MAX], counting[FRAMES_MAX];
    gch__gpu_executor *executor = NULL;
    check(gch__gpu_executor_make(desc, &executor, &err));
    gch__gpu *gpu = gch__gpu_executor_get_gpu(executor);
    double before = now_ms();
    gch_plane plane = plane_of(s, share, 0);
    gch__gpu_frame_stats stats = draw(s, executor, &plane);
    double first_ms = now_ms() - before;
    uint64_t pages_first = stats.pages_loaded, pages = 0, tiles = 0;
    for (uint32_t i = 0; i < s->frames; i++) { /* what the pan shows is resident afterwards */
        plane = plane_of(s, share, i);
        draw(s, executor, &plane);
    }
    gch__gpu_stats start = gch__gpu_get_stats(gpu);
    for (uint32_t i = 0; i < s->frames; i++) {
        plane = plane_of(s, share, i);
        before = now_ms();
        stats = draw(s, executor, &plane);
        host[i] = now_ms() - before;
        record[i] = (double)stats.record_ns * 1e-6;
        lit[i] = pass_ms(gpu, "points");
        picture[i] = pass_ms(gpu, "picture");
        pages += stats.pages_loaded;
        tiles += stats.tiles;
    }
    gch__gpu_stats end = gch__gpu_get_stats(gpu);
    bool is_timed =
        gch__gpu_get_info(gpu)->has_timestamps && end.submits - start.submits == s->frames;
    for (uint32_t i = 0; i < s->frames; i++) {
        plane = plane_of(s, share, i);
        before = now_ms();
        check(gch__gpu_points_count(executor, s->query, &plane, s->counts, &err));
        counting[i] = now_ms() - before;
        counted[i] = pass_ms(gpu, "points");
    }
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "first_frame_ms", first_ms);
    add_stats(json, "frame_ms", host, s->frames);
    add_stats(json, "record_ms", record, s->frames);
    add_stats(json, "counts_ms", counting, s->frames); /* their way back included */
    if (is_timed) {
        add_stats(json, "gpu_lit_ms", lit, s->frames);
        add_stats(json, "gpu_counts_ms", counted, s->frames);
        add_stats(json, "gpu_picture_ms", picture, s->frames);
    }
    cJSON_AddNumberToObject(json, "pages_loaded_first", (double)pages_first);
    cJSON_AddNumberToObject(json, "pages_loaded_per_frame", (double)pages / s->frames);
    cJSON_AddNumberToObject(json, "tiles_per_frame", (double)tiles / s->frames);
    cJSON_AddNumberToObject(json, "device_bytes", (double)end.device_bytes);
    gch__gpu_executor_destroy(executor);
    return json;
}

/* Milliseconds of the processor's counts over all points; they are kept. */
static double run_cpu(setup *s, double share)
{
    double samples[5];
    for (int i = 0; i < 5; i++) {
        gch_plane plane = plane_of(s, share, s->frames - 1);
        gch_grid grid;
        double before = now_ms();
        check(gch_query_grid(s->query, &plane, GCH_GRID_COUNTS, &grid, &err));
        samples[i] = now_ms() - before;
        memcpy(s->expected, grid.cells, CELLS * sizeof *s->expected);
    }
    return bench_stats_from(samples, 5).median;
}

/* The last frame's counts against the processor's. */
static void compare_counts(const setup *s, const char *what)
{
    if (memcmp(s->counts, s->expected, CELLS * sizeof *s->counts) != 0)
        bench_fail("%s: counts differ from the processor's", what);
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

static double median_at(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(cJSON_GetObjectItem(object, name), "median");
    return item != NULL ? item->valuedouble : 0;
}

static void run_all(setup *s, cJSON *report)
{
    gch__gpu_executor_desc desc = {.data = s->data, .time_passes = true};
    cJSON_AddNumberToObject(report, "cpu_counts_ms", run_cpu(s, 1));
    cJSON_AddItemToObject(report, "tree", run_frames(s, &desc, 1));
    compare_counts(s, "tree");
    desc.by_blocks = true;
    cJSON *blocks = run_frames(s, &desc, 1);
    cJSON_AddItemToObject(report, "every_point", blocks);
    compare_counts(s, "every point");
    uint64_t bytes = (uint64_t)cJSON_GetObjectItem(blocks, "pages_loaded_first")->valuedouble << 14;
    double floor = bench_gpu_floor_ms(bytes);
    cJSON_AddNumberToObject(report, "read_floor_bytes", (double)bytes);
    cJSON_AddNumberToObject(report, "read_floor_ms", floor);
    if (floor > 0 && cJSON_HasObjectItem(blocks, "gpu_lit_ms")) {
        cJSON_AddNumberToObject(report, "lit_over_floor", median_at(blocks, "gpu_lit_ms") / floor);
        cJSON_AddNumberToObject(report, "counts_over_floor",
                                median_at(blocks, "gpu_counts_ms") / floor);
    }
    desc.by_blocks = false;
    cJSON_AddNumberToObject(report, "pan_cpu_counts_ms", run_cpu(s, 0.1));
    cJSON *pan = run_frames(s, &desc, 0.1);
    cJSON_AddItemToObject(report, "pan", pan);
    compare_counts(s, "pan");
    desc.keeps_nothing = true;
    cJSON *anew = run_frames(s, &desc, 0.1);
    cJSON_AddItemToObject(report, "pan_baseline_everything_anew", anew);
    cJSON_AddNumberToObject(report, "pan_baseline_over_pan",
                            median_at(anew, "frame_ms") / median_at(pan, "frame_ms"));
}

int main(int argument_count, char **arguments)
{
    const char *folder = "build";
    double points = 1e7;
    setup s = {.frames = 20};
    for (int i = 1; i + 1 < argument_count; i += 2) {
        if (strcmp(arguments[i], "--folder") == 0)
            folder = arguments[i + 1];
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
    bench_file_make(path, sizeof path, folder, "points", points, s.workers);
    open_file(&s, path);
    cJSON *report = bench_report_make("what do points of a plane cost on the GPU?");
    add_adapter(report);
    cJSON_AddNumberToObject(report, "points", (double)s.info->row_count);
    cJSON_AddNumberToObject(report, "file_bytes", (double)s.info->file_bytes);
    run_all(&s, report);
    int code = bench_report_print(report);
    close_file(&s);
    gch_workers_destroy(s.workers);
    return code;
}
