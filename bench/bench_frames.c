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
#include "bench_file.h"
#include "bench_view.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define FRAMES 600

/* Frame i of the script: three sweeps between the whole range and the closest view, geometric in
 * the span, while the centre wanders over the data. */
static void place_view(bench_viewer *s, int i)
{
    const gch_file_info *info = gch_file_get_info(s->series.file);
    double whole = (double)(info->last_time - info->first_time) + 1;
    double least = whole * BENCH_POINTS_MIN / (double)info->row_count;
    double phase = (double)i / FRAMES;
    double depth = 0.5 - 0.5 * cos(phase * 6 * 3.14159265358979);
    double span = whole * pow(least / whole, depth);
    double centre = 0.5 + 0.49 * sin(phase * 22.0) * depth;
    double from = (double)info->first_time + centre * whole - span / 2;
    s->desc.from = (int64_t)from;
    s->desc.to = s->desc.from + (int64_t)span + 1;
}

static cJSON *run_script(const char *path, gch_workers *workers, double *out_median)
{
    bench_viewer s;
    double started = bench_now_ms();
    bench_viewer_open(&s, path, 0, GCH_IO_DEFAULT, workers);
    double opened = bench_now_ms();
    gch_chart_stats stats;
    const gch_file_info *info = gch_file_get_info(s.series.file);
    s.desc.from = info->first_time;
    s.desc.to = info->last_time + 1;
    (void)bench_viewer_draw(&s, &stats);
    double first_frame = bench_now_ms();

    double total[FRAMES], query[FRAMES], raster[FRAMES], blocks = 0, nodes = 0, bytes = 0;
    for (int i = 0; i < FRAMES; i++) {
        place_view(&s, i);
        double before = bench_now_ms();
        (void)bench_viewer_draw(&s, &stats);
        total[i] = bench_now_ms() - before;
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
    bench_viewer_close(&s);
    return json;
}

/* The same view drawn by both executors: times, and pixels that differ. */
static cJSON *run_baseline(const char *path, gch_workers *workers)
{
    bench_viewer s;
    bench_viewer_open(&s, path, 0, GCH_IO_DEFAULT, workers);
    const gch_file_info *info = gch_file_get_info(s.series.file);
    s.desc.from = info->first_time;
    s.desc.to = info->last_time + 1;
    gch_chart_stats stats;
    (void)bench_viewer_draw(&s, &stats);
    double samples[20];
    for (int i = 0; i < 20; i++) {
        double before = bench_now_ms();
        (void)bench_viewer_draw(&s, &stats);
        samples[i] = bench_now_ms() - before;
    }
    bench_stats cpu = bench_stats_from(samples, 20);
    const gch_image *picture = bench_viewer_draw(&s, &stats);
    uint32_t *pixels = bench_alloc((size_t)BENCH_WIDTH * BENCH_HEIGHT * sizeof *pixels);
    memcpy(pixels, picture->pixels, (size_t)BENCH_WIDTH * BENCH_HEIGHT * sizeof *pixels);
    s.desc.backend = GCH_BACKEND_REFERENCE;
    s.desc.has_bottom = s.desc.has_top = true;
    s.desc.bottom = stats.view.bottom;
    s.desc.top = stats.view.top;
    double before = bench_now_ms();
    picture = bench_viewer_draw(&s, NULL);
    double reference_ms = bench_now_ms() - before;
    size_t different = 0;
    for (size_t i = 0; i < (size_t)BENCH_WIDTH * BENCH_HEIGHT; i++)
        different += pixels[i] != picture->pixels[i];
    bench_free(pixels);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "points_in_view", (double)stats.rows_visible);
    cJSON_AddNumberToObject(json, "cpu_ms", cpu.median);
    cJSON_AddNumberToObject(json, "reference_ms", reference_ms);
    cJSON_AddNumberToObject(json, "reference_over_cpu", reference_ms / cpu.median);
    cJSON_AddNumberToObject(json, "different_pixels", (double)different);
    bench_viewer_close(&s);
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
    bench_options options = bench_options_parse(argument_count, arguments);
    gch_error err = {0};
    gch_workers *workers = NULL;
    bench_check(gch_workers_make(options.threads, NULL, &workers, &err), &err);
    char small_path[4096], large_path[4096];
    bench_file_make(small_path, sizeof small_path, options.folder, options.kind, options.small,
                    workers);
    bench_file_make(large_path, sizeof large_path, options.folder, options.kind, options.points,
                    workers);
    read_file(small_path);
    read_file(large_path);

    cJSON *report = bench_report_make("does a frame's cost depend on the number of points?");
    cJSON_AddNumberToObject(report, "threads", options.threads);
    cJSON_AddStringToObject(report, "kind", options.kind);
    double small_median, large_median;
    cJSON_AddItemToObject(report, "large", run_script(large_path, workers, &large_median));
    cJSON_AddItemToObject(report, "small", run_script(small_path, workers, &small_median));
    cJSON_AddNumberToObject(report, "large_over_small", large_median / small_median);
    cJSON_AddItemToObject(report, "baseline", run_baseline(large_path, workers));
    double picture_bytes = (double)BENCH_WIDTH * BENCH_HEIGHT * 4;
    cJSON_AddNumberToObject(report, "picture_memcpy_ms",
                            picture_bytes / bench_memcpy_bytes_per_s((size_t)picture_bytes) * 1e3);
    gch_workers_destroy(workers);
    return bench_report_print(report);
}
