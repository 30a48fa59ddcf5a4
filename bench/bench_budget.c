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
#include "bench_file.h"
#include "bench_view.h"

#define VIEWS 600
#define FRAMES_MAX 100000
#define COMPARE_EVERY 10

static cJSON *run(const char *path, uint64_t budget, gch_workers *workers)
{
    static double frame_ms[FRAMES_MAX], complete_ms[VIEWS], whole_ms[VIEWS / COMPARE_EVERY + 1];
    bench_viewer tight, whole;
    bench_viewer_open(&tight, path, budget, GCH_IO_READ, workers);
    bench_viewer_open(&whole, path, UINT64_MAX / 4, GCH_IO_MAP, workers);
    tight.desc.no_wait = true;
    const gch_file_info *info = gch_file_get_info(whole.series.file);
    bench_walk walk = {.state = 3, .centre = 0.5};
    uint64_t different = 0, over_budget = 0, peak = 0;
    size_t frames = 0, compared = 0;
    for (int i = 0; i < VIEWS; i++) {
        bench_walk_next(&walk, info, &tight.desc);
        gch_chart_stats stats;
        const gch_image *picture;
        double started = bench_now_ms();
        do {
            double before = bench_now_ms();
            picture = bench_viewer_draw(&tight, &stats);
            if (frames == FRAMES_MAX)
                bench_fail("view %d is not complete after %d frames in all", i, FRAMES_MAX);
            frame_ms[frames++] = bench_now_ms() - before;
            gch_data_stats data;
            gch_data_get_stats(tight.data, &data);
            peak = data.host_used_bytes > peak ? data.host_used_bytes : peak;
            over_budget += data.host_used_bytes > budget;
        } while (stats.complete < 1);
        complete_ms[i] = bench_now_ms() - started;
        if (i % COMPARE_EVERY != 0)
            continue;
        whole.desc.from = tight.desc.from;
        whole.desc.to = tight.desc.to;
        double before = bench_now_ms();
        const gch_image *expected = bench_viewer_draw(&whole, &stats);
        whole_ms[compared++] = bench_now_ms() - before;
        for (size_t p = 0; p < (size_t)BENCH_WIDTH * BENCH_HEIGHT; p++)
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
    bench_viewer_close(&tight);
    bench_viewer_close(&whole);
    return json;
}

int main(int argument_count, char **arguments)
{
    bench_options options = bench_options_parse(argument_count, arguments);
    gch_error err = {0};
    gch_workers *workers = NULL;
    bench_check(gch_workers_make(options.threads, NULL, &workers, &err), &err);
    char path[4096];
    bench_file_make(path, sizeof path, options.folder, options.kind, options.points, workers);
    cJSON *report = bench_report_make(
        "does a file larger than the budget stay within it, without waiting or a wrong pixel?");
    cJSON_AddNumberToObject(report, "threads", options.threads);
    cJSON_AddItemToObject(report, "run", run(path, (uint64_t)options.budget, workers));
    gch_workers_destroy(workers);
    return bench_report_print(report);
}
