/* Does a frame's cost depend on the number of points?
 *
 * Opens a small and a large file of the same kind (making those that do not exist), draws the same
 * 600-frame pan and zoom over both at 1920 x 1080 - exact columns and bare raster, the value range
 * fitted anew in each frame - and reports the distribution of frame times, the time from opening to
 * the first exact frame, and memory. Baselines in the same run: the reference executor, which draws
 * every segment, over all of the large file; and memcpy of the picture.
 *
 *     bench_frames --folder build --points 1000000000 --small 10000000 [--threads 2] [--kind walk]
 */
#include "bench.h"
#include "bench_file.h"
#include "gch/gch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FRAMES 600
#define WIDTH 1920u
#define HEIGHT 1080u
#define POINTS_MIN 2000.0

static gch_error err;

static void check(gch_status status)
{
    if (status != GCH_OK)
        bench_fail("%s", err.message);
}

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

typedef struct setup {
    gch_workers *workers;
    gch_data *data;
    gch_source source;
    gch_chart *chart;
    const gch_file *file;
    gch_chart_series series;
    gch_chart_desc desc;
} setup;

static void open_file(setup *s, const char *path, gch_workers *workers)
{
    *s = (setup){.workers = workers};
    check(gch_data_make(NULL, &s->data, &err));
    check(gch_source_open_file(s->data, path, NULL, &s->source, &err));
    check(gch_source_get_file(s->data, s->source, &s->file, &err));
    check(gch_chart_make(NULL, &s->chart, &err));
    s->series = (gch_chart_series){.file = s->file};
    s->desc = (gch_chart_desc){.series = &s->series,
                               .series_count = 1,
                               .width_px = WIDTH,
                               .height_px = HEIGHT,
                               .is_bare = true,
                               .has_time_range = true,
                               .workers = workers};
}

static void close_file(setup *s)
{
    gch_chart_destroy(s->chart);
    check(gch_source_close(s->data, s->source, &err));
    check(gch_data_destroy(s->data, &err));
}

/* Frame i of the script: three sweeps between the whole range and POINTS_MIN points, geometric in
 * the span, while the centre wanders over the data. */
static void place_view(setup *s, int i, double points_min)
{
    const gch_file_info *info = gch_file_get_info(s->file);
    double whole = (double)(info->last_time - info->first_time) + 1;
    double least = whole * points_min / (double)info->row_count;
    double phase = (double)i / FRAMES;
    double depth = 0.5 - 0.5 * cos(phase * 6 * 3.14159265358979);
    double span = whole * pow(least / whole, depth);
    double centre = 0.5 + 0.49 * sin(phase * 22.0) * depth;
    double from = (double)info->first_time + centre * whole - span / 2;
    s->desc.from = (int64_t)from;
    s->desc.to = s->desc.from + (int64_t)span + 1;
}

static void draw(setup *s, gch_chart_stats *stats)
{
    const gch_image *image;
    check(gch_chart_frame(s->chart, &s->desc, &image, stats, &err));
}

static cJSON *run_script(const char *path, gch_workers *workers, double *out_median)
{
    setup s;
    double started = now_ms();
    open_file(&s, path, workers);
    double opened = now_ms();
    gch_chart_stats stats;
    const gch_file_info *info = gch_file_get_info(s.file);
    s.desc.from = info->first_time;
    s.desc.to = info->last_time + 1;
    draw(&s, &stats);
    double first_frame = now_ms();

    double total[FRAMES], query[FRAMES], raster[FRAMES], blocks = 0, nodes = 0, bytes = 0;
    for (int i = 0; i < FRAMES; i++) {
        place_view(&s, i, POINTS_MIN);
        double before = now_ms();
        draw(&s, &stats);
        total[i] = now_ms() - before;
        query[i] = stats.query_ms;
        raster[i] = stats.raster_ms;
        blocks += (double)stats.blocks_decoded / FRAMES;
        nodes += (double)stats.nodes_read / FRAMES;
        bytes += (double)stats.bytes_read / FRAMES;
    }
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "points", (double)info->row_count);
    cJSON_AddNumberToObject(json, "file_bytes", (double)info->file_bytes);
    cJSON_AddNumberToObject(json, "bytes_per_point",
                            (double)info->file_bytes / (double)info->row_count);
    cJSON_AddNumberToObject(json, "open_ms", opened - started);
    cJSON_AddNumberToObject(json, "open_to_first_frame_ms", first_frame - started);
    bench_stats frame = bench_stats_from(total, FRAMES);
    *out_median = frame.median;
    cJSON_AddItemToObject(json, "frame_ms", bench_stats_json(&frame));
    frame = bench_stats_from(query, FRAMES);
    cJSON_AddItemToObject(json, "query_ms", bench_stats_json(&frame));
    frame = bench_stats_from(raster, FRAMES);
    cJSON_AddItemToObject(json, "raster_ms", bench_stats_json(&frame));
    cJSON_AddNumberToObject(json, "blocks_decoded_per_frame", blocks);
    cJSON_AddNumberToObject(json, "nodes_read_per_frame", nodes);
    cJSON_AddNumberToObject(json, "bytes_read_per_frame", bytes);
    cJSON_AddItemToObject(json, "memory", bench_memory_json());
    close_file(&s);
    return json;
}

/* The same view drawn by both executors: times, and pixels that differ. */
static cJSON *run_baseline(const char *path, gch_workers *workers)
{
    setup s;
    open_file(&s, path, workers);
    const gch_file_info *info = gch_file_get_info(s.file);
    s.desc.from = info->first_time;
    s.desc.to = info->last_time + 1;
    gch_chart_stats stats;
    draw(&s, &stats);
    double samples[20];
    for (int i = 0; i < 20; i++) {
        double before = now_ms();
        draw(&s, &stats);
        samples[i] = now_ms() - before;
    }
    bench_stats cpu = bench_stats_from(samples, 20);
    const gch_image *picture;
    check(gch_chart_frame(s.chart, &s.desc, &picture, &stats, &err));
    uint32_t *pixels = bench_alloc((size_t)WIDTH * HEIGHT * sizeof *pixels);
    memcpy(pixels, picture->pixels, (size_t)WIDTH * HEIGHT * sizeof *pixels);
    s.desc.backend = GCH_BACKEND_REFERENCE;
    s.desc.has_bottom = s.desc.has_top = true;
    s.desc.bottom = stats.view.bottom;
    s.desc.top = stats.view.top;
    double before = now_ms();
    check(gch_chart_frame(s.chart, &s.desc, &picture, NULL, &err));
    double reference_ms = now_ms() - before;
    size_t different = 0;
    for (size_t i = 0; i < (size_t)WIDTH * HEIGHT; i++)
        different += pixels[i] != picture->pixels[i];
    bench_free(pixels);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "points_in_view", (double)stats.rows_visible);
    cJSON_AddNumberToObject(json, "cpu_ms", cpu.median);
    cJSON_AddNumberToObject(json, "reference_ms", reference_ms);
    cJSON_AddNumberToObject(json, "reference_over_cpu", reference_ms / cpu.median);
    cJSON_AddNumberToObject(json, "different_pixels", (double)different);
    close_file(&s);
    return json;
}

/* Reads the file once, so that it lies in the page cache as far as memory allows. */
static void read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *bytes = bench_alloc((size_t)1 << 22);
    while (file != NULL && fread(bytes, 1, (size_t)1 << 22, file) > 0) {
    }
    if (file != NULL)
        fclose(file);
    bench_free(bytes);
}

int main(int argument_count, char **arguments)
{
    const char *folder = "build", *kind = "walk";
    double points = 1e9, small = 1e7;
    uint32_t threads = 2;
    for (int i = 1; i + 1 < argument_count; i += 2) {
        if (strcmp(arguments[i], "--folder") == 0)
            folder = arguments[i + 1];
        else if (strcmp(arguments[i], "--kind") == 0)
            kind = arguments[i + 1];
        else if (strcmp(arguments[i], "--points") == 0)
            points = strtod(arguments[i + 1], NULL);
        else if (strcmp(arguments[i], "--small") == 0)
            small = strtod(arguments[i + 1], NULL);
        else if (strcmp(arguments[i], "--threads") == 0)
            threads = (uint32_t)strtoul(arguments[i + 1], NULL, 10);
        else
            bench_fail("unknown option %s", arguments[i]);
    }
    gch_workers *workers = NULL;
    check(gch_workers_make(threads, NULL, &workers, &err));
    char small_path[4096], large_path[4096];
    bench_file_make(small_path, sizeof small_path, folder, kind, small, workers);
    bench_file_make(large_path, sizeof large_path, folder, kind, points, workers);
    read_file(small_path);
    read_file(large_path);

    cJSON *report = bench_report_make("does a frame's cost depend on the number of points?");
    cJSON_AddNumberToObject(report, "threads", threads);
    cJSON_AddStringToObject(report, "kind", kind);
    double small_median, large_median;
    cJSON_AddItemToObject(report, "large", run_script(large_path, workers, &large_median));
    cJSON_AddItemToObject(report, "small", run_script(small_path, workers, &small_median));
    cJSON_AddNumberToObject(report, "large_over_small", large_median / small_median);
    cJSON_AddItemToObject(report, "baseline", run_baseline(large_path, workers));
    double picture_bytes = (double)WIDTH * HEIGHT * 4;
    cJSON_AddNumberToObject(report, "picture_memcpy_ms",
                            picture_bytes / bench_memcpy_bytes_per_s((size_t)picture_bytes) * 1e3);
    gch_workers_destroy(workers);
    return bench_report_print(report);
}
