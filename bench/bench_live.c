/* Do frames stay fast and exact while a million rows a second come into a series of a billion?
 *
 * Copies a file (made if it does not exist), goes on appending to the copy at --rate rows a second
 * for --seconds, under a host budget, and draws meanwhile: every other view follows the newest
 * rows, the rest pan, zoom and jump over all of it. Each frame looks at the series anew. Reported
 * are the times of frames (the look included) and of appends, the rate that was kept, the rows
 * written to the file, memory, and the pixels that differ when views of the last moment are drawn
 * again: over the series as lent, over the closed file, and by the reference executor. The baseline
 * in the same run: the same walk over the file before a row was appended.
 *
 *     bench_live --folder build --points 1000000000 --rate 1000000 --seconds 60 --budget 268435456
 */
#include "bench_file.h"
#include "bench_view.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FRAMES_MAX 200000u
#define BASELINE_FRAMES 600
#define APPEND_ROWS 10000u
#define APPENDS_MAX 100000u
#define LAST_VIEWS 24

typedef struct producer {
    gch_data *data;
    gch_source source;
    double rate, seconds;
    int64_t time, step;
    int64_t price;
    atomic_bool is_over;
    double append_ms[APPENDS_MAX];
    size_t append_count;
    double took_s;
} producer;

/* Rows that go on where the generated walk ended, every --rate a second. */
static void *produce(void *context)
{
    producer *p = context;
    static int64_t times[APPEND_ROWS];
    static int64_t digits[APPEND_ROWS];
    static int8_t scales[APPEND_ROWS];
    gch_error err = {0};
    uint64_t state = 9;
    memset(scales, 2, sizeof scales);
    double started = bench_now_ms(), step_ms = APPEND_ROWS / p->rate * 1e3;
    while (p->append_count < APPENDS_MAX && (double)p->append_count * step_ms < p->seconds * 1e3) {
        for (uint32_t i = 0; i < APPEND_ROWS; i++) {
            times[i] = p->time += p->step;
            digits[i] = p->price += (int64_t)(bench_random(&state) % 21) - 10;
        }
        double due = started + (double)p->append_count * step_ms, now = bench_now_ms();
        if (due > now)
            usleep((useconds_t)((due - now) * 1e3));
        double before = bench_now_ms();
        bench_check(gch_live_append(p->data, p->source, times,
                                    &(gch_column_data){.values = digits, .scales = scales},
                                    APPEND_ROWS, &err),
                    &err);
        p->append_ms[p->append_count++] = bench_now_ms() - before;
    }
    p->took_s = (bench_now_ms() - started) / 1e3;
    atomic_store(&p->is_over, true);
    return NULL;
}

static void copy_file(const char *from, const char *to)
{
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    char *bytes = bench_alloc((size_t)1 << 22);
    size_t count = 0;
    while (in != NULL && out != NULL && (count = fread(bytes, 1, (size_t)1 << 22, in)) > 0) {
        if (fwrite(bytes, 1, count, out) != count)
            bench_fail("%s: cannot be written", to);
    }
    if (in == NULL || out == NULL || ferror(in) || fclose(out) != 0)
        bench_fail("%s: cannot be copied to %s", from, to);
    fclose(in);
    bench_free(bytes);
}

/* The walk over the file as it is: what frames cost without rows coming in. */
static cJSON *run_baseline(const char *path, uint64_t budget, bool no_wait, gch_workers *workers,
                           double *out_p99)
{
    static double frame_ms[BASELINE_FRAMES];
    bench_viewer viewer;
    bench_viewer_open(&viewer, path, budget, GCH_IO_DEFAULT, workers);
    viewer.desc.no_wait = no_wait;
    const gch_file_info *info = gch_file_get_info(viewer.series.file);
    bench_walk walk = {.state = 3, .centre = 0.5};
    for (int i = 0; i < BASELINE_FRAMES; i++) {
        bench_walk_next(&walk, info, &viewer.desc);
        double before = bench_now_ms();
        (void)bench_viewer_draw(&viewer, NULL);
        frame_ms[i] = bench_now_ms() - before;
    }
    bench_viewer_close(&viewer);
    bench_stats stats = bench_stats_from(frame_ms, BASELINE_FRAMES);
    *out_p99 = stats.p99;
    return bench_stats_json(&stats);
}

static void follow_tail(const gch_file_info *info, const producer *p, int i, gch_chart_desc *desc)
{
    static const int64_t rows[] = {2000, 100000, 10000000};
    desc->to = info->last_time + 1;
    desc->from = desc->to - rows[i / 2 % 3] * p->step;
    if (desc->from < info->first_time)
        desc->from = info->first_time;
}

static size_t count_different(const gch_image *a, const uint32_t *b)
{
    size_t different = 0;
    for (size_t i = 0; i < (size_t)BENCH_WIDTH * BENCH_HEIGHT; i++)
        different += a->pixels[i] != b[i];
    return different;
}

/* Views of the last moment: over the series, over its file once it is closed, and one of all rows
 * by the reference. */
static void compare(bench_viewer *live, producer *p, const char *path, gch_workers *workers,
                    cJSON *json)
{
    size_t different = 0, picture_bytes = (size_t)BENCH_WIDTH * BENCH_HEIGHT * sizeof(uint32_t);
    uint32_t *pictures[LAST_VIEWS + 1];
    gch_chart_desc descs[LAST_VIEWS + 1];
    gch_error err = {0};
    gch_chart_stats stats;
    gch_file *file = (gch_file *)(uintptr_t)live->series.file;
    live->desc.no_wait = false;
    bench_check(gch_live_refresh_file(file, NULL, &err), &err);
    const gch_file_info *info = gch_file_get_info(file);
    bench_walk walk = {.state = 5, .centre = 0.5};
    for (int i = 0; i <= LAST_VIEWS; i++) {
        if (i % 2 == 0)
            follow_tail(info, p, i, &live->desc);
        else
            bench_walk_next(&walk, info, &live->desc);
        if (i == LAST_VIEWS) {
            live->desc.from = info->first_time;
            live->desc.to = info->last_time + 1;
        }
        pictures[i] = bench_alloc(picture_bytes);
        memcpy(pictures[i], bench_viewer_draw(live, &stats)->pixels, picture_bytes);
        descs[i] = live->desc;
    }
    live->desc.backend = GCH_BACKEND_REFERENCE;
    live->desc.has_bottom = live->desc.has_top = true;
    live->desc.bottom = stats.view.bottom;
    live->desc.top = stats.view.top;
    size_t reference = count_different(bench_viewer_draw(live, NULL), pictures[LAST_VIEWS]);
    uint64_t rows = info->row_count;
    gch_chart_destroy(live->chart);
    gch_live_release_file(live->data, file);
    bench_check(gch_live_close(live->data, live->source, &err), &err);
    bench_check(gch_data_destroy(live->data, &err), &err);

    bench_viewer closed;
    bench_viewer_open(&closed, path, 0, GCH_IO_DEFAULT, workers);
    if (gch_file_get_info(closed.series.file)->row_count != rows)
        bench_fail("%s: %llu rows are missing", path,
                   (unsigned long long)(rows - gch_file_get_info(closed.series.file)->row_count));
    for (int i = 0; i <= LAST_VIEWS; i++) {
        closed.desc.from = descs[i].from;
        closed.desc.to = descs[i].to;
        different += count_different(bench_viewer_draw(&closed, NULL), pictures[i]);
        bench_free(pictures[i]);
    }
    bench_viewer_close(&closed);
    cJSON_AddNumberToObject(json, "rows_at_the_end", (double)rows);
    cJSON_AddNumberToObject(json, "compared_views", LAST_VIEWS + 1);
    cJSON_AddNumberToObject(json, "different_pixels", (double)different);
    cJSON_AddNumberToObject(json, "different_pixels_reference", (double)reference);
}

static cJSON *run(const char *path, const bench_options *options, uint64_t budget, bool no_wait,
                  gch_workers *workers, double *out_p99)
{
    static double frame_ms[FRAMES_MAX], look_ms[FRAMES_MAX];
    static producer p;
    bench_viewer live = {0};
    gch_error err = {0};
    gch_file *file = NULL;
    const gch_column_desc column = {.name = "value", .type = GCH_TYPE_DECIMAL};
    bench_check(gch_data_make(&(gch_data_desc){.host_budget_bytes = budget}, &live.data, &err),
                &err);
    double before = bench_now_ms();
    gch_writer_desc rows = {.time_unit = GCH_TIME_S, .columns = &column, .column_count = 1};
    bench_check(
        gch_live_open(live.data, &(gch_live_desc){.rows = &rows, .path = path}, &live.source, &err),
        &err);
    bench_check(gch_live_acquire_file(live.data, live.source, &file, &err), &err);
    double open_ms = bench_now_ms() - before;
    const gch_file_info *info = gch_file_get_info(file);
    live.series.file = file;
    bench_check(gch_chart_make(NULL, &live.chart, &err), &err);
    live.desc = (gch_chart_desc){.series_count = 1,
                                 .width_px = BENCH_WIDTH,
                                 .height_px = BENCH_HEIGHT,
                                 .is_bare = true,
                                 .has_time_range = true,
                                 .no_wait = no_wait,
                                 .workers = workers};
    p = (producer){.data = live.data,
                   .source = live.source,
                   .rate = options->rate,
                   .seconds = options->seconds,
                   .time = info->last_time,
                   .step = 1};
    uint64_t rows_before = info->row_count;
    pthread_t thread;
    if (pthread_create(&thread, NULL, produce, &p) != 0)
        bench_fail("no thread can be started");
    bench_walk walk = {.state = 3, .centre = 0.5};
    size_t frames = 0;
    double complete = 0;
    while (!atomic_load(&p.is_over) && frames < FRAMES_MAX) {
        before = bench_now_ms();
        bench_check(gch_live_refresh_file(file, NULL, &err), &err);
        look_ms[frames] = bench_now_ms() - before;
        if (frames % 2 == 0)
            follow_tail(info, &p, (int)frames, &live.desc);
        else
            bench_walk_next(&walk, info, &live.desc);
        gch_chart_stats stats;
        (void)bench_viewer_draw(&live, &stats);
        frame_ms[frames++] = bench_now_ms() - before;
        complete += stats.complete;
        double rest = 16.6 - (bench_now_ms() - before);
        if (rest > 0) /* 60 frames a second */
            usleep((useconds_t)(rest * 1e3));
    }
    pthread_join(thread, NULL);
    gch_data_stats data_stats;
    gch_data_get_stats(live.data, &data_stats);
    gch_live_info live_info;
    bench_check(gch_live_get_info(live.data, live.source, &live_info, &err), &err);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "points_before", (double)rows_before);
    cJSON_AddNumberToObject(json, "open_ms", open_ms);
    cJSON_AddNumberToObject(json, "rows_per_s", (double)p.append_count * APPEND_ROWS / p.took_s);
    cJSON_AddNumberToObject(json, "frames", (double)frames);
    cJSON_AddNumberToObject(json, "exact_share_of_columns", complete / (double)frames);
    bench_stats stats = bench_stats_from(frame_ms, frames);
    *out_p99 = stats.p99;
    cJSON_AddItemToObject(json, "frame_ms", bench_stats_json(&stats));
    stats = bench_stats_from(look_ms, frames);
    cJSON_AddItemToObject(json, "look_ms", bench_stats_json(&stats));
    stats = bench_stats_from(p.append_ms, p.append_count);
    cJSON_AddItemToObject(json, "append_10000_rows_ms", bench_stats_json(&stats));
    cJSON_AddNumberToObject(json, "spills", (double)live_info.spill_count);
    cJSON_AddNumberToObject(json, "rows_in_memory", (double)live_info.memory_rows);
    cJSON_AddNumberToObject(json, "memory_bytes", (double)live_info.memory_bytes);
    cJSON_AddNumberToObject(json, "budget_bytes", (double)data_stats.host_budget_bytes);
    cJSON_AddNumberToObject(json, "peak_bytes", (double)data_stats.host_peak_bytes);
    compare(&live, &p, path, workers, json);
    return json;
}

int main(int argument_count, char **arguments)
{
    bench_options options = bench_options_parse(argument_count, arguments);
    gch_error err = {0};
    gch_workers *workers = NULL;
    bench_check(gch_workers_make(options.threads, NULL, &workers, &err), &err);
    char path[4096], copy[4200];
    bench_file_make(path, sizeof path, options.folder, "walk", options.points, workers);
    snprintf(copy, sizeof copy, "%s/bench-live.gch", options.folder);
    copy_file(path, copy);
    cJSON *report = bench_report_make("do frames stay fast and exact while rows come in?");
    cJSON_AddNumberToObject(report, "threads", options.threads);
    const struct {
        const char *name;
        uint64_t budget;
        bool no_wait;
    } runs[] = {{"complete_frames", 0, false}, {"small_budget", (uint64_t)options.budget, true}};
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        double before_p99, p99;
        cJSON *baseline = run_baseline(path, runs[i].budget, runs[i].no_wait, workers, &before_p99);
        cJSON *json = run(copy, &options, runs[i].budget, runs[i].no_wait, workers, &p99);
        cJSON_AddItemToObject(json, "frame_ms_without_appends", baseline);
        cJSON_AddNumberToObject(json, "p99_over_baseline", p99 / before_p99);
        cJSON_AddItemToObject(report, runs[i].name, json);
    }
    gch_workers_destroy(workers);
    unlink(copy);
    return bench_report_print(report);
}
