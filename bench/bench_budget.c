/* Does a file larger than the memory budget stay within it, without a frame that waits or a wrong
 * pixel?
 *
 * Opens a file (made if it does not exist) under a budget a fraction of its size and draws 600
 * views at 1920 x 1080: pans, zooms and random jumps. Each view is drawn without waiting until it
 * is complete; reported are the times of all frames, how many frames and milliseconds completion
 * took, the largest memory in use, and, for every 10th view, the pixels that differ from those of
 * the same view over the whole file in memory, which is the baseline for the times too.
 *
 *     bench_budget --folder build --points 1000000000 --budget 268435456 [--threads 2] [--kind
 * walk]
 */
#include "bench.h"
#include "bench_file.h"
#include "gch/gch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define VIEWS 600
#define FRAMES_MAX 100000
#define WIDTH 1920u
#define HEIGHT 1080u
#define POINTS_MIN 2000.0
#define COMPARE_EVERY 10

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

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

typedef struct viewer {
    gch_data *data;
    gch_source source;
    gch_chart *chart;
    gch_chart_series series;
    gch_chart_desc desc;
} viewer;

static void open_viewer(viewer *v, const char *path, uint64_t budget, gch_io io,
                        gch_workers *workers)
{
    *v = (viewer){0};
    check(gch_data_make(&(gch_data_desc){.host_budget_bytes = budget}, &v->data, &err));
    check(gch_source_open_file(v->data, path, &(gch_source_desc){.io = io}, &v->source, &err));
    check(gch_source_get_file(v->data, v->source, &v->series.file, &err));
    check(gch_chart_make(NULL, &v->chart, &err));
    v->desc = (gch_chart_desc){.series_count = 1,
                               .width_px = WIDTH,
                               .height_px = HEIGHT,
                               .is_bare = true,
                               .has_time_range = true,
                               .workers = workers};
}

static void close_viewer(viewer *v)
{
    gch_chart_destroy(v->chart);
    check(gch_source_close(v->data, v->source, &err));
    check(gch_data_destroy(v->data, &err));
}

static const gch_image *draw(viewer *v, gch_chart_stats *stats)
{
    const gch_image *image;
    v->desc.series = &v->series;
    check(gch_chart_frame(v->chart, &v->desc, &image, stats, &err));
    return image;
}

/* Pans, zooms, and every 7th view a jump to anywhere. */
static void place_view(const gch_file_info *info, int i, uint64_t *state, double *centre,
                       double *depth, int64_t *out_from, int64_t *out_to)
{
    double whole = (double)(info->last_time - info->first_time) + 1;
    double least = whole * POINTS_MIN / (double)info->row_count;
    double random = (double)(next_random(state) >> 11) * 0x1p-53;
    if (i % 7 == 0) {
        *centre = random;
        *depth = (double)(next_random(state) >> 11) * 0x1p-53;
    } else if (i % 3 == 0) {
        *depth = fmin(1, fmax(0, *depth + (random - 0.5) * 0.2));
    }
    double span = whole * pow(least / whole, *depth);
    if (i % 7 != 0 && i % 3 != 0)
        *centre = fmin(1, fmax(0, *centre + (random - 0.5) * 0.5 * span / whole));
    *out_from = info->first_time + (int64_t)(*centre * whole - span / 2);
    *out_to = *out_from + (int64_t)span + 1;
}

static cJSON *run(const char *path, uint64_t budget, gch_workers *workers)
{
    static double frame_ms[FRAMES_MAX], complete_ms[VIEWS], whole_ms[VIEWS / COMPARE_EVERY + 1];
    viewer tight, whole;
    open_viewer(&tight, path, budget, GCH_IO_READ, workers);
    open_viewer(&whole, path, UINT64_MAX / 4, GCH_IO_MAP, workers);
    tight.desc.no_wait = true;
    const gch_file_info *info = gch_file_get_info(whole.series.file);
    uint64_t state = 3, different = 0, over_budget = 0, peak = 0;
    double centre = 0.5, depth = 0;
    size_t frames = 0, compared = 0;
    for (int i = 0; i < VIEWS; i++) {
        place_view(info, i, &state, &centre, &depth, &tight.desc.from, &tight.desc.to);
        gch_chart_stats stats;
        const gch_image *picture;
        double started = now_ms();
        do {
            double before = now_ms();
            picture = draw(&tight, &stats);
            if (frames == FRAMES_MAX)
                bench_fail("view %d is not complete after %d frames in all", i, FRAMES_MAX);
            frame_ms[frames++] = now_ms() - before;
            gch_data_stats data;
            gch_data_get_stats(tight.data, &data);
            peak = data.host_used_bytes > peak ? data.host_used_bytes : peak;
            over_budget += data.host_used_bytes > budget;
        } while (stats.complete < 1);
        complete_ms[i] = now_ms() - started;
        if (i % COMPARE_EVERY != 0)
            continue;
        whole.desc.from = tight.desc.from;
        whole.desc.to = tight.desc.to;
        double before = now_ms();
        const gch_image *expected = draw(&whole, &stats);
        whole_ms[compared++] = now_ms() - before;
        for (size_t p = 0; p < (size_t)WIDTH * HEIGHT; p++)
            different += picture->pixels[p] != expected->pixels[p];
    }
    gch_data_stats data;
    gch_data_get_stats(tight.data, &data);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "points", (double)info->row_count);
    cJSON_AddNumberToObject(json, "file_bytes", (double)info->file_bytes);
    cJSON_AddNumberToObject(json, "budget_bytes", (double)budget);
    cJSON_AddNumberToObject(json, "peak_bytes", (double)peak);
    cJSON_AddNumberToObject(json, "samples_over_budget", (double)over_budget);
    cJSON_AddNumberToObject(json, "views", VIEWS);
    cJSON_AddNumberToObject(json, "frames_per_view", (double)frames / VIEWS);
    bench_stats stats = bench_stats_from(frame_ms, frames);
    cJSON_AddItemToObject(json, "frame_ms", bench_stats_json(&stats));
    double p99 = stats.p99;
    stats = bench_stats_from(complete_ms, VIEWS);
    cJSON_AddItemToObject(json, "complete_ms", bench_stats_json(&stats));
    stats = bench_stats_from(whole_ms, compared);
    cJSON_AddItemToObject(json, "whole_file_in_memory_ms", bench_stats_json(&stats));
    cJSON_AddNumberToObject(json, "p99_over_whole_median", p99 / stats.median);
    cJSON_AddNumberToObject(json, "compared_views", (double)compared);
    cJSON_AddNumberToObject(json, "different_pixels", (double)different);
    char text[8192];
    (void)gch_data_stats_json(&data, text, sizeof text);
    cJSON_AddItemToObject(json, "data", cJSON_Parse(text));
    close_viewer(&tight);
    close_viewer(&whole);
    return json;
}

int main(int argument_count, char **arguments)
{
    const char *folder = "build", *kind = "walk";
    double points = 1e9, budget = 256 << 20;
    uint32_t threads = 2;
    for (int i = 1; i + 1 < argument_count; i += 2) {
        if (strcmp(arguments[i], "--folder") == 0)
            folder = arguments[i + 1];
        else if (strcmp(arguments[i], "--kind") == 0)
            kind = arguments[i + 1];
        else if (strcmp(arguments[i], "--points") == 0)
            points = strtod(arguments[i + 1], NULL);
        else if (strcmp(arguments[i], "--budget") == 0)
            budget = strtod(arguments[i + 1], NULL);
        else if (strcmp(arguments[i], "--threads") == 0)
            threads = (uint32_t)strtoul(arguments[i + 1], NULL, 10);
        else
            bench_fail("unknown option %s", arguments[i]);
    }
    gch_workers *workers = NULL;
    check(gch_workers_make(threads, NULL, &workers, &err));
    char path[4096];
    bench_file_make(path, sizeof path, folder, kind, points, workers);
    cJSON *report = bench_report_make(
        "does a file larger than the budget stay within it, without waiting or a wrong pixel?");
    cJSON_AddNumberToObject(report, "threads", threads);
    cJSON_AddItemToObject(report, "run", run(path, (uint64_t)budget, workers));
    gch_workers_destroy(workers);
    return bench_report_print(report);
}
