/* What do frames of points of a plane cost while the view pans, jumps and rests?
 *
 * Draws a point set in Morton order (made if it does not exist) at 1920 x 1080 with the GPU
 * executor, bare and as counts in the default look, and reports milliseconds of whole frames,
 * picture included,
 *  - panned by four pixels to the right and three downward, and with the same views drawn anew
 *    as the baseline;
 *  - of views that all differ in their scale: exact, and within the budget, with the share of the
 *    points that is counted then;
 *  - of one view at rest until it is exact, and how many those are.
 * The last picture of each is compared with one that another executor has drawn at once.
 *
 *     bench_points_frames --folder build --points 10000000 [--frames 20] [--budget-ms 16]
 */
#include "bench.h"
#include "bench_file.h"
#include "gch/gch.h"
#include "render_gpu.h"

#include <stdlib.h>
#include <string.h>

#define WIDTH 1920u
#define HEIGHT 1080u
#define FRAMES_MAX 1000u
#define WARM_FRAMES 4u

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

/* A side of a view in units of its pixels, of `unit` digits of the column each. */
typedef struct side {
    int64_t low, unit;
    int32_t exp10;
} side;

typedef struct setup {
    gch_data *data;
    gch_source source;
    const gch_file *file;
    gch_workers *workers;
    gch_query *query;
    gch__scene scene;
    gch_image image, expected;
    side x, y;
    bool is_bare;
    double budget_ms;
    uint32_t frames;
} setup;

/* All of a column's values in `pixels`. */
static side side_of(const gch_column_info *column, uint32_t pixels)
{
    side s = {.exp10 = -3};
    int64_t low = (int64_t)(gch_value_to_double(column->min) * 1000);
    int64_t high = (int64_t)(gch_value_to_double(column->max) * 1000);
    if (column->min.kind == GCH_VALUE_DECIMAL && column->min.scale == column->max.scale) {
        low = column->min.as.digits;
        high = column->max.as.digits;
        s.exp10 = -(int32_t)column->min.scale;
    }
    s.low = low;
    s.unit = (high - low) / pixels + 1;
    return s;
}

static void open_file(setup *s, const char *path)
{
    check(
        gch_data_make(&(gch_data_desc){.device_budget_bytes = (uint64_t)64 << 30}, &s->data, &err));
    check(gch_source_open_file(s->data, path, NULL, &s->source, &err));
    check(gch_source_get_file(s->data, s->source, &s->file, &err));
    const gch_file_info *info = gch_file_get_info(s->file);
    if (!info->is_point_set || info->row_count == 0)
        bench_fail("%s is no point set, or empty", path);
    s->x = side_of(&info->columns[info->x_column], WIDTH);
    s->y = side_of(&info->columns[info->y_column], HEIGHT);
    check(gch_query_make(s->file, &(gch_query_desc){.workers = s->workers}, &s->query, &err));
    check(gch_image_make(WIDTH, HEIGHT, NULL, &s->image, &err));
    check(gch_image_make(WIDTH, HEIGHT, NULL, &s->expected, &err));
}

static void close_file(setup *s)
{
    gch_image_destroy(&s->image, NULL);
    gch_image_destroy(&s->expected, NULL);
    gch__scene_reset(&s->scene);
    gch_query_destroy(s->query);
    check(gch_source_close(s->data, s->source, &err));
    check(gch_data_destroy(s->data, &err));
}

/* A view moved by pixels, whose pixels are `part` of those that show everything. */
typedef struct look {
    int64_t x_px, y_px;
    double part;
} look;

static gch__gpu_frame_stats draw(setup *s, gch__gpu_executor *executor, look at, gch_image *out)
{
    gch_chart_series series = {.file = s->file};
    gch_chart_desc desc = {.series = &series,
                           .series_count = 1,
                           .width_px = WIDTH,
                           .height_px = HEIGHT,
                           .is_bare = s->is_bare,
                           .has_left = true,
                           .has_right = true,
                           .has_bottom = true,
                           .has_top = true};
    gch__gpu_frame_stats stats;
    gch__extent extent = {0};
    int64_t query_ns, x_unit = (int64_t)((double)s->x.unit * at.part) + 1;
    int64_t y_unit = (int64_t)((double)s->y.unit * at.part) + 1;
    for (int i = 0; i < 2; i++) { /* the plot's size is known after the first */
        const gch_view *plot = &s->scene.plots[0].view;
        bool is_known = s->scene.plot_count > 0;
        int64_t left = s->x.low + at.x_px * x_unit, bottom = s->y.low - at.y_px * y_unit;
        desc.left = (gch_decimal){left, s->x.exp10};
        desc.right = (gch_decimal){left + (is_known ? plot->width_px : WIDTH) * x_unit, s->x.exp10};
        desc.bottom = (gch_decimal){bottom, s->y.exp10};
        desc.top =
            (gch_decimal){bottom + (is_known ? plot->height_px : HEIGHT) * y_unit, s->y.exp10};
        check(gch__scene_layout(&s->scene, &desc, 0, 1, &extent, &err));
    }
    check(gch__gpu_executor_draw(executor, &s->scene, &s->query, out, &stats, &query_ns, &err));
    return stats;
}

static void add_stats(cJSON *json, const char *name, double *samples, uint32_t count)
{
    bench_stats stats = bench_stats_from(samples, count);
    cJSON_AddItemToObject(json, name, bench_stats_json(&stats));
}

/* The picture against one that nothing was kept for. */
static void compare(setup *s, look at, const char *what)
{
    gch__gpu_executor *other = NULL;
    check(gch__gpu_executor_make(&(gch__gpu_executor_desc){.data = s->data}, &other, &err));
    (void)draw(s, other, at, &s->expected);
    gch__gpu_executor_destroy(other);
    if (memcmp(s->image.pixels, s->expected.pixels, (size_t)WIDTH * HEIGHT * 4) != 0)
        bench_fail("%s: another picture than at once", what);
}

static double run_pan(setup *s, gch__gpu_executor *executor, bool is_anew, cJSON *json)
{
    static double host[FRAMES_MAX];
    const char *name = is_anew ? "anew_ms" : "pan_ms";
    look at = {.part = 1};
    for (uint32_t i = 0; i < WARM_FRAMES + s->frames; i++) {
        at.x_px += 4;
        at.y_px += 3;
        if (is_anew)
            gch__gpu_executor_forget(executor);
        double before = now_ms();
        (void)draw(s, executor, at, &s->image);
        if (i >= WARM_FRAMES)
            host[i - WARM_FRAMES] = now_ms() - before;
    }
    compare(s, at, name);
    add_stats(json, name, host, s->frames);
    return bench_stats_from(host, s->frames).median;
}

static void run_jumps(setup *s, gch__gpu_executor *executor, cJSON *json)
{
    static double host[FRAMES_MAX];
    gch__gpu_frame_stats stats = {0};
    for (uint32_t i = 0; i < WARM_FRAMES + s->frames; i++) {
        double before = now_ms();
        stats =
            draw(s, executor, (look){.part = 1 - 0.5 * i / (WARM_FRAMES + s->frames)}, &s->image);
        if (i >= WARM_FRAMES)
            host[i - WARM_FRAMES] = now_ms() - before;
    }
    add_stats(json, "frame_ms", host, s->frames);
    cJSON_AddNumberToObject(json, "level", stats.quality_level);
    cJSON_AddNumberToObject(json, "counted", stats.counted);
}

static void run_rest(setup *s, gch__gpu_executor *executor, cJSON *json)
{
    static double host[FRAMES_MAX];
    const look at = {.part = 0.9};
    gch__gpu_frame_stats stats = {0};
    uint32_t frames = 0;
    while (stats.counted < 1 && frames < FRAMES_MAX) {
        double before = now_ms();
        stats = draw(s, executor, at, &s->image);
        host[frames++] = now_ms() - before;
    }
    compare(s, at, "at rest");
    add_stats(json, "frame_ms", host, frames);
    cJSON_AddNumberToObject(json, "frames", frames);
}

static cJSON *run_look(setup *s)
{
    const gch__gpu_executor_desc desc = {.data = s->data};
    const gch__quality_desc automatic = {.quality = GCH_QUALITY_AUTO, .budget_ms = s->budget_ms};
    gch__gpu_executor *executor = NULL;
    cJSON *json = cJSON_CreateObject();
    check(gch__gpu_executor_make(&desc, &executor, &err));
    double anew = run_pan(s, executor, true, json), pan = run_pan(s, executor, false, json);
    cJSON_AddNumberToObject(json, "anew_over_pan", anew / pan);
    run_jumps(s, executor, cJSON_AddObjectToObject(json, "jumping_exact"));
    gch__gpu_executor_set_quality(executor, &automatic);
    run_jumps(s, executor, cJSON_AddObjectToObject(json, "jumping_auto"));
    run_rest(s, executor, cJSON_AddObjectToObject(json, "resting_auto"));
    gch__gpu_executor_destroy(executor);
    return json;
}

int main(int argument_count, char **arguments)
{
    const char *folder = "build";
    double points = 1e7;
    setup s = {.frames = 20, .budget_ms = 16};
    for (int i = 1; i + 1 < argument_count; i += 2) {
        if (strcmp(arguments[i], "--folder") == 0)
            folder = arguments[i + 1];
        else if (strcmp(arguments[i], "--points") == 0)
            points = strtod(arguments[i + 1], NULL);
        else if (strcmp(arguments[i], "--frames") == 0)
            s.frames = (uint32_t)strtoul(arguments[i + 1], NULL, 10);
        else if (strcmp(arguments[i], "--budget-ms") == 0)
            s.budget_ms = strtod(arguments[i + 1], NULL);
        else
            bench_fail("unknown option %s", arguments[i]);
    }
    if (s.frames == 0 || s.frames > FRAMES_MAX || !(s.budget_ms > 0))
        bench_fail("--frames: 1 to %u; --budget-ms: above 0", FRAMES_MAX);
    check(gch_workers_make(0, NULL, &s.workers, &err));
    char path[4096];
    bench_file_make(path, sizeof path, folder, "points", points, s.workers);
    open_file(&s, path);
    cJSON *report = bench_report_make("what do frames of points of a plane cost?");
    gch__gpu_executor *executor = NULL;
    check(gch__gpu_executor_make(&(gch__gpu_executor_desc){0}, &executor, &err));
    cJSON_AddStringToObject(report, "adapter",
                            gch__gpu_get_info(gch__gpu_executor_get_gpu(executor))->adapter);
    gch__gpu_executor_destroy(executor);
    cJSON_AddNumberToObject(report, "points", (double)gch_file_get_info(s.file)->row_count);
    cJSON_AddNumberToObject(report, "budget_ms", s.budget_ms);
    for (int is_bare = 0; is_bare < 2; is_bare++) {
        s.is_bare = is_bare != 0;
        gch__scene_reset(&s.scene);
        s.scene = (gch__scene){0};
        cJSON_AddItemToObject(report, is_bare ? "bare" : "counts", run_look(&s));
    }
    int code = bench_report_print(report);
    close_file(&s);
    gch_workers_destroy(s.workers);
    return code;
}
