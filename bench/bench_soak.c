/* Does a chart that is used for days stay as it was on the first: no failure, no leak?
 *
 * Draws --frames frames of what users do, at random: pan, zoom, jump; types, sizes, scales, themes,
 * axes; series shown and hidden, one of them growing with every few frames; files under a host
 * budget far below their size, with other memory charged and given back, pages invalidated, frames
 * that do not wait; charts made anew; on the GPU under a device budget that does not hold a view
 * either, and with the device lost now and then. Every frame must succeed on the executor that was
 * asked for, and one in 200 is drawn by the processor as well and compared.
 *
 * Memory is looked at a hundred times: the resident set, what of it the data manager does not
 * account for (its pages come and go within their budget), what of the heap is in use, and the
 * device's. The first tenth, and the first 1,000 frames, are warm-up: caches only grow to what the
 * largest picture needs, and drivers compile. Of what follows, the last third must not hold more
 * than the first on the average, but for 5 % and the room that stands at `rooms`. Printed are
 * frames a second, memory at the first look, the last one and at most, and what went wrong; the
 * exit code is 1 if anything did.
 *
 *     bench_soak --folder build --backend gpu --frames 1000000 --px 512 --seconds 0 --seed 1
 *
 * --seconds N ends it sooner, with memory looked at for as long as it ran. The linker wraps
 * gch__gpu_executor_draw, to reach the device of a chart (bench/CMakeLists.txt).
 */
#include "bench_file.h"
#include "bench_view.h"
#include "gpu_state.h"
#include "render_gpu.h"

#include <malloc.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_COUNT 3u
#define SERIES_COUNT (FILE_COUNT + 2u) /* the second file has two columns; one is live */
#define LOOKS 100u
#define WARM_SHARE 0.1
#define WARM_FRAMES 1000u

/* A sanitizer keeps what was freed for a while, and the driver's memory with it: residency tells
 * nothing then, and leaks are the sanitizer's to find. */
#ifdef SOAK_IS_SANITIZED
static const bool is_sanitized = true;
#else
static const bool is_sanitized = false;
#endif
#define HOST_BUDGET (32u << 20)  /* less than the files; one query may hold all pages of one */
#define DEVICE_BUDGET (3u << 20) /* above the 2 MB below which the processor draws */
#define LIVE_ROWS 200000u
#define LIVE_BATCH 400u
#define COMPARED_EVERY 200u
#define LOST_EVERY 5000u
#define TELLS_MAX 40u

typedef struct options {
    const char *folder, *backend;
    double frames, px, seconds, seed;
} options;

/* Bytes. */
typedef enum place { RSS = 0, RSS_UNMANAGED = 1, HEAP = 2, DEVICE = 3, PLACE_COUNT = 4 } place;

/* How much more may be held late than early: of the heap what a driver in software keeps, which has
 * the device's memory there; of what is resident the heap's free parts too, which grow with every
 * new peak, and of all of it as much as the budget lets pages take; of the device, a step of its
 * pools. */
static const double rooms[PLACE_COUNT] = {[RSS] = (8u << 20) + HOST_BUDGET,
                                          [RSS_UNMANAGED] = 8u << 20,
                                          [HEAP] = 16u << 20,
                                          [DEVICE] = 8u << 20};

typedef struct look {
    double bytes[PLACE_COUNT];
} look;

typedef struct soak {
    options options;
    uint64_t random;
    gch_workers *workers;
    gch_data *data;
    gch_source sources[FILE_COUNT], live_source;
    const gch_file *files[FILE_COUNT];
    gch_file *live;
    int64_t live_time, live_price;
    uint64_t charged; /* of the host's budget */

    gch_chart *chart, *compared;
    gch_chart_series all[SERIES_COUNT], series[SERIES_COUNT];
    gch_chart_desc desc;
    bool is_shown[SERIES_COUNT];
    double centre, depth; /* of the view: 0 to 1, and halvings of all there is */

    look looks[LOOKS];
    uint32_t look_count, warm_count; /* the first of them, while it warms up */
    uint64_t frames, failures, fallbacks, compared_count, different_pictures, losses, complete;
    uint64_t told;
} soak;

/* ---- the device ---- */

static gch__gpu_executor *last_executor; /* that drew, for its figures; NULL: none alive */
static bool loses_device;                /* at the next draw */

gch_status __real_gch__gpu_executor_draw(gch__gpu_executor *executor, const gch__scene *scene,
                                         gch_query *const *queries, gch_image *image,
                                         gch__gpu_frame_stats *stats, int64_t *out_query_ns,
                                         gch_error *err);
gch_status __wrap_gch__gpu_executor_draw(gch__gpu_executor *executor, const gch__scene *scene,
                                         gch_query *const *queries, gch_image *image,
                                         gch__gpu_frame_stats *stats, int64_t *out_query_ns,
                                         gch_error *err);

gch_status __wrap_gch__gpu_executor_draw(gch__gpu_executor *executor, const gch__scene *scene,
                                         gch_query *const *queries, gch_image *image,
                                         gch__gpu_frame_stats *stats, int64_t *out_query_ns,
                                         gch_error *err)
{
    if (loses_device)
        gch__gpu_executor_get_gpu(executor)->is_lost = true;
    loses_device = false;
    last_executor = executor;
    return __real_gch__gpu_executor_draw(executor, scene, queries, image, stats, out_query_ns, err);
}

/* ---- what goes wrong ---- */

GCH_PRINTF(2, 3) static void tell(soak *s, const char *format, ...)
{
    va_list arguments;
    if (s->told++ >= TELLS_MAX)
        return;
    va_start(arguments, format);
    fprintf(stderr, "frame %llu: ", (unsigned long long)s->frames);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

/* ---- chance ---- */

static bool happens(soak *s, uint32_t once_in)
{
    return bench_random(&s->random) % once_in == 0;
}

static uint32_t below(soak *s, uint32_t count)
{
    return (uint32_t)(bench_random(&s->random) % count);
}

/* ---- the data ---- */

static void append_live(soak *s, uint32_t count)
{
    static int64_t times[LIVE_BATCH];
    static double values[LIVE_BATCH];
    gch_error err = {0};
    for (uint32_t i = 0; i < count; i++) {
        times[i] = s->live_time += 1 + below(s, 2000);
        s->live_price += (int64_t)below(s, 21) - 10;
        values[i] = happens(s, 1000) ? (double)NAN : (double)s->live_price / 100;
    }
    bench_check(gch_live_append(s->data, s->live_source, times,
                                &(gch_column_data){.values = values}, count, &err),
                &err);
    bench_check(gch_live_refresh_file(s->live, NULL, &err), &err);
}

static void open_data(soak *s)
{
    static const struct {
        const char *kind;
        double points;
    } kinds[FILE_COUNT] = {{"walk", 20e6}, {"ticks", 4e6}, {"sensor", 8e6}};
    gch_error err = {0};
    bench_check(gch_data_make(&(gch_data_desc){.host_budget_bytes = HOST_BUDGET,
                                               .device_budget_bytes = DEVICE_BUDGET},
                              &s->data, &err),
                &err);
    for (uint32_t i = 0; i < FILE_COUNT; i++) {
        char path[4096];
        bench_file_make(path, sizeof path, s->options.folder, kinds[i].kind, kinds[i].points,
                        s->workers);
        bench_check(gch_source_open_file(s->data, path, &(gch_source_desc){.io = GCH_IO_READ},
                                         &s->sources[i], &err),
                    &err);
        bench_check(gch_source_get_file(s->data, s->sources[i], &s->files[i], &err), &err);
    }
    gch_column_desc column = {.name = "live", .type = GCH_TYPE_F64};
    gch_writer_desc rows = {.time_unit = GCH_TIME_MS, .columns = &column, .column_count = 1};
    bench_check(gch_live_open(s->data, &(gch_live_desc){.rows = &rows, .keep_rows = LIVE_ROWS},
                              &s->live_source, &err),
                &err);
    bench_check(gch_live_acquire_file(s->data, s->live_source, &s->live, &err), &err);
    s->live_time = 1700000000000;
    append_live(s, LIVE_BATCH);
    s->all[0] = (gch_chart_series){.file = s->files[0]};
    s->all[1] = (gch_chart_series){.file = s->files[1]};
    s->all[2] = (gch_chart_series){.file = s->files[1], .column = 1};
    s->all[3] = (gch_chart_series){.file = s->files[2], .label = "sensor, millivolts"};
    s->all[4] = (gch_chart_series){.file = s->live, .color_rgba = 0x2090C0A0};
}

static void close_data(soak *s)
{
    gch_error err = {0};
    bench_check(gch_data_discharge(s->data, GCH_MEMORY_HOST, s->charged, &err), &err);
    for (uint32_t i = 0; i < FILE_COUNT; i++)
        bench_check(gch_source_close(s->data, s->sources[i], &err), &err);
    gch_live_release_file(s->data, s->live);
    bench_check(gch_live_close(s->data, s->live_source, &err), &err);
    bench_check(gch_data_destroy(s->data, &err), &err);
}

/* Others take from the budget, and give back. */
static void press_budget(soak *s)
{
    gch_error err = {0};
    if (s->charged > 0) {
        bench_check(gch_data_discharge(s->data, GCH_MEMORY_HOST, s->charged, &err), &err);
        s->charged = 0;
        return;
    }
    uint64_t bytes = (uint64_t)below(s, HOST_BUDGET / 4);
    if (gch_data_charge(s->data, GCH_MEMORY_HOST, bytes, &err) == GCH_OK)
        s->charged = bytes;
}

/* ---- what users do ---- */

/* The series that are shown: of one time unit, so the walk alone (seconds) or the others (ms). */
static void choose_series(soak *s)
{
    bool is_walk = happens(s, 3);
    uint32_t count = 0;
    for (uint32_t i = 0; i < SERIES_COUNT; i++)
        s->is_shown[i] = is_walk ? i == 0 : i > 0 && happens(s, 2);
    for (uint32_t i = 0; i < SERIES_COUNT; i++)
        count += s->is_shown[i];
    if (count == 0)
        s->is_shown[SERIES_COUNT - 1] = true;
}

static void choose_marks(soak *s)
{
    static const gch_mark marks[] = {GCH_MARK_LINE,    GCH_MARK_STEP,   GCH_MARK_AREA,
                                     GCH_MARK_CANDLES, GCH_MARK_OHLC,   GCH_MARK_SCATTER,
                                     GCH_MARK_BARS,    GCH_MARK_DENSITY};
    static const gch_study_kind studies[] = {GCH_STUDY_SMA, GCH_STUDY_EMA, GCH_STUDY_RANGE};
    for (uint32_t i = 0; i < SERIES_COUNT; i++) {
        s->all[i].mark = marks[below(s, sizeof marks / sizeof marks[0])];
        s->all[i].study = (gch_series_study){.kind = GCH_STUDY_NONE};
        if (happens(s, 6))
            s->all[i].study =
                (gch_series_study){.kind = studies[below(s, 3)], .length = 1 + below(s, 40)};
    }
}

static void choose_look(soak *s)
{
    static const float scales[] = {0.5f, 1, 1.5f, 2};
    gch_chart_desc *desc = &s->desc;
    switch (below(s, 9)) {
    case 0: {
        uint32_t room = (uint32_t)s->options.px - 63;
        desc->width_px = 64 + below(s, room);
        desc->height_px = 64 + below(s, room);
        break;
    }
    case 1:
        desc->scale = scales[below(s, 4)];
        break;
    case 2:
        desc->theme = happens(s, 2) ? GCH_THEME_DARK : GCH_THEME_LIGHT;
        break;
    case 3:
        choose_marks(s);
        break;
    case 4:
        s->all[below(s, SERIES_COUNT)].width_px = (float)below(s, 12) / 2;
        break;
    case 5:
        desc->axis = happens(s, 3) ? GCH_AXIS_LOG : GCH_AXIS_LINEAR;
        desc->has_bottom = desc->has_top = happens(s, 3);
        desc->bottom = (gch_decimal){1 + below(s, 50), 0};
        desc->top = (gch_decimal){desc->bottom.digits + 1 + below(s, 5000), 0};
        break;
    case 6:
        desc->title = happens(s, 2) ? "A long day at the screen" : NULL;
        desc->hide_legend = happens(s, 4);
        break;
    case 7:
        desc->is_bare = happens(s, 3);
        break;
    default:
        choose_series(s);
        break;
    }
}

/* A study is a line, and none in a bare chart. */
static void collect_series(soak *s)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < SERIES_COUNT; i++) {
        if (!s->is_shown[i])
            continue;
        gch_chart_series *series = &s->series[count++];
        *series = s->all[i];
        if (s->desc.is_bare)
            series->study = (gch_series_study){.kind = GCH_STUDY_NONE};
        else if (series->study.kind != GCH_STUDY_NONE)
            series->mark = GCH_MARK_LINE;
    }
    s->desc.series = s->series;
    s->desc.series_count = count;
}

static void choose_view(soak *s)
{
    double random = bench_random_part(&s->random);
    switch (below(s, 8)) {
    case 0:
        s->centre = random;
        s->depth = 14 * bench_random_part(&s->random);
        break;
    case 1:
    case 2:
        s->depth = fmin(fmax(s->depth + random - 0.5, -1), 16);
        break;
    case 3:
        return; /* the same again: a frame that has nothing to do */
    default:
        s->centre = fmin(fmax(s->centre + (random - 0.5) * exp2(-s->depth), 0), 1);
        break;
    }
    int64_t first = INT64_MAX, last = INT64_MIN;
    for (uint32_t i = 0; i < s->desc.series_count; i++) {
        const gch_file_info *info = gch_file_get_info(s->series[i].file);
        first = info->first_time < first ? info->first_time : first;
        last = info->last_time > last ? info->last_time : last;
    }
    double whole = (double)(last - first) + 1, span = fmax(whole * exp2(-s->depth), 2);
    s->desc.has_time_range = s->depth > 0;
    s->desc.from = first + (int64_t)(s->centre * whole - span / 2);
    s->desc.to = s->desc.from + (int64_t)span;
}

static void use_chart(soak *s)
{
    gch_error err = {0};
    if (happens(s, 3))
        append_live(s, 1 + below(s, LIVE_BATCH));
    if (happens(s, 10))
        choose_look(s);
    collect_series(s);
    choose_view(s);
    s->desc.no_wait = happens(s, 4);
    s->desc.workers = happens(s, 50) ? NULL : s->workers;
    if (happens(s, 40))
        press_budget(s);
    if (happens(s, 300))
        bench_check(gch_source_invalidate(s->data, s->sources[below(s, FILE_COUNT)], &err), &err);
    if (happens(s, 2000)) {
        gch_chart_destroy(s->chart);
        last_executor = NULL;
        bench_check(gch_chart_make(NULL, &s->chart, &err), &err);
    }
    if (s->desc.backend == GCH_BACKEND_GPU && happens(s, LOST_EVERY)) {
        loses_device = true;
        s->losses++;
    }
}

/* ---- frames ---- */

/* All that it takes to draw it again. */
static void tell_chart(soak *s)
{
    const gch_chart_desc *d = &s->desc;
    tell(s, "%u x %u, scale %g, bare %d, theme %d, axis %d, no_wait %d, [%lld, %lld) %d",
         d->width_px, d->height_px, (double)d->scale, d->is_bare, (int)d->theme, (int)d->axis,
         d->no_wait, (long long)d->from, (long long)d->to, d->has_time_range);
    if (d->has_bottom)
        tell(s, "values from %lld to %lld", (long long)d->bottom.digits, (long long)d->top.digits);
    for (uint32_t i = 0; i < d->series_count; i++)
        tell(s, "series %s: mark %d, study %d of %u, width %g",
             gch_file_get_info(d->series[i].file)->path, (int)d->series[i].mark,
             (int)d->series[i].study.kind, d->series[i].study.length,
             (double)d->series[i].width_px);
}

/* The same picture from the processor: bare ones have the same pixels, others channels that differ
 * by 1 at most. */
static void compare(soak *s, const gch_image *image)
{
    gch_error err = {0};
    gch_chart_desc desc = s->desc;
    const gch_image *expected;
    desc.backend = GCH_BACKEND_CPU;
    desc.no_wait = false;
    if (gch_chart_frame(s->compared, &desc, &expected, NULL, &err) != GCH_OK) {
        tell(s, "compared: %s", err.message);
        s->failures++;
        return;
    }
    uint32_t tolerance = desc.is_bare ? 0 : 1, largest = 0;
    for (size_t i = 0; i < (size_t)image->width_px * image->height_px; i++) {
        for (uint32_t shift = 0; shift < 32; shift += 8) {
            int a = (int)(image->pixels[i] >> shift & 255);
            int b = (int)(expected->pixels[i] >> shift & 255);
            uint32_t apart = (uint32_t)abs(a - b);
            largest = apart > largest ? apart : largest;
        }
    }
    s->compared_count++;
    if (largest <= tolerance)
        return;
    s->different_pictures++;
    tell(s, "a channel differs by %u", largest);
    tell_chart(s);
}

static void draw(soak *s)
{
    gch_error err = {0};
    gch_chart_stats stats;
    const gch_image *image;
    gch_status status = gch_chart_frame(s->chart, &s->desc, &image, &stats, &err);
    if (status != GCH_OK) {
        s->failures++;
        tell(s, "%s: %s", gch_status_name(status), err.message);
    } else {
        if (stats.backend != s->desc.backend) {
            s->fallbacks++;
            tell(s, "drawn on the processor: %s", stats.fallback);
        }
        s->complete += stats.complete == 1;
        bool is_chosen = happens(s, COMPARED_EVERY); /* whatever has come, so that a seed repeats */
        if (is_chosen && s->desc.backend == GCH_BACKEND_GPU && stats.complete == 1)
            compare(s, image);
    }
    loses_device = false;
    s->frames++;
}

/* ---- memory ---- */

static void take_look(soak *s)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1)
        bench_fail("/proc/self/statm: cannot be read");
    fclose(file);
    gch_data_stats data;
    gch_data_get_stats(s->data, &data);
    look *l = &s->looks[s->look_count++];
    l->bytes[RSS] = (double)pages * (double)sysconf(_SC_PAGESIZE);
    l->bytes[RSS_UNMANAGED] = l->bytes[RSS] - (double)(data.host_used_bytes - s->charged);
    struct mallinfo2 heap = mallinfo2();
    l->bytes[HEAP] = (double)heap.uordblks + (double)heap.hblkhd;
    if (last_executor != NULL)
        l->bytes[DEVICE] =
            (double)gch__gpu_get_stats(gch__gpu_executor_get_gpu(last_executor)).device_bytes;
}

static double mean(const soak *s, uint32_t first, uint32_t count, place of)
{
    double sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += s->looks[first + i].bytes[of];
    return sum / count;
}

static cJSON *memory_json(const soak *s, place of, bool *out_is_flat)
{
    cJSON *json = cJSON_CreateObject();
    uint32_t warm = s->warm_count, count = s->look_count - warm, third = count / 3;
    double most = 0;
    if (third == 0)
        bench_fail("too few frames to tell whether memory grows");
    for (uint32_t i = warm; i < s->look_count; i++)
        most = fmax(most, s->looks[i].bytes[of]);
    double begin = mean(s, warm, third, of), end = mean(s, s->look_count - third, third, of);
    bool is_own_heap = of == HEAP && s->desc.backend == GCH_BACKEND_CPU; /* no driver's */
    *out_is_flat = end <= begin * 1.05 + (is_own_heap ? 2u << 20 : rooms[of]);
    cJSON_AddNumberToObject(json, "first", s->looks[warm].bytes[of]);
    cJSON_AddNumberToObject(json, "last", s->looks[s->look_count - 1].bytes[of]);
    cJSON_AddNumberToObject(json, "max", most);
    cJSON_AddNumberToObject(json, "mean_of_first_third", begin);
    cJSON_AddNumberToObject(json, "mean_of_last_third", end);
    cJSON_AddBoolToObject(json, "is_flat", *out_is_flat);
    return json;
}

/* ---- the run ---- */

static options read_options(int argument_count, char **arguments)
{
    options o = {.folder = "build", .backend = "gpu", .frames = 1e6, .px = 512, .seed = 1};
    const struct {
        const char *name;
        double *number;
        const char **text;
    } known[] = {{"--folder", NULL, &o.folder},   {"--backend", NULL, &o.backend},
                 {"--frames", &o.frames, NULL},   {"--px", &o.px, NULL},
                 {"--seconds", &o.seconds, NULL}, {"--seed", &o.seed, NULL}};
    for (int i = 1; i < argument_count; i += 2) {
        size_t k = 0;
        while (k < sizeof known / sizeof known[0] && strcmp(arguments[i], known[k].name) != 0)
            k++;
        if (k == sizeof known / sizeof known[0] || i + 1 == argument_count)
            bench_fail("unknown option %s, or one without a value", arguments[i]);
        if (known[k].text != NULL)
            *known[k].text = arguments[i + 1];
        else
            *known[k].number = strtod(arguments[i + 1], NULL);
    }
    if (!(o.frames >= LOOKS) || !(o.px >= 64) || !(o.px <= 4096))
        bench_fail("--frames from %u on, --px from 64 to 4096", LOOKS);
    return o;
}

/* Looks are at every hundredth of the frames, or of the time if that ends first. */
static bool is_look_due(const soak *s, double share)
{
    return s->look_count < LOOKS && share * LOOKS >= s->look_count + 1;
}

static double run(soak *s)
{
    double started = bench_now_ms(), share = 0;
    while (share < 1) {
        use_chart(s);
        draw(s);
        share = (double)s->frames / s->options.frames;
        if (s->options.seconds > 0)
            share = fmax(share, (bench_now_ms() - started) / 1e3 / s->options.seconds);
        while (is_look_due(s, share)) {
            take_look(s);
            if (share <= WARM_SHARE || s->frames <= WARM_FRAMES)
                s->warm_count = s->look_count;
        }
        if (s->frames % 1000 == 0)
            fprintf(stderr, "\r%3.0f %%", 100 * share);
    }
    fputs("\r     \r", stderr);
    return (bench_now_ms() - started) / 1e3;
}

int main(int argument_count, char **arguments)
{
    static soak s;
    gch_error err = {0};
    gch_backend backend;
    s.options = read_options(argument_count, arguments);
    if (!gch_backend_parse(s.options.backend, &backend) || backend == GCH_BACKEND_REFERENCE)
        bench_fail("--backend: cpu or gpu");
    s.random = (uint64_t)s.options.seed;
    bench_check(gch_workers_make(2, NULL, &s.workers, &err), &err);
    open_data(&s);
    bench_check(gch_chart_make(NULL, &s.chart, &err), &err);
    bench_check(gch_chart_make(NULL, &s.compared, &err), &err);
    s.desc = (gch_chart_desc){.width_px = (uint32_t)s.options.px,
                              .height_px = (uint32_t)s.options.px,
                              .backend = backend,
                              .workers = s.workers,
                              .data = s.data};
    s.is_shown[0] = true;
    double seconds = run(&s);

    bool is_rss_flat, is_flat, is_heap_flat, is_device_flat;
    cJSON *report = bench_report_make("does a chart used for days stay as it was?");
    cJSON_AddStringToObject(report, "backend", s.options.backend);
    if (last_executor != NULL)
        cJSON_AddStringToObject(
            report, "adapter",
            gch__gpu_get_info(gch__gpu_executor_get_gpu(last_executor))->adapter);
    cJSON_AddNumberToObject(report, "frames", (double)s.frames);
    cJSON_AddNumberToObject(report, "seconds", seconds);
    cJSON_AddNumberToObject(report, "frames_per_s", (double)s.frames / seconds);
    cJSON_AddNumberToObject(report, "complete_frames", (double)s.complete);
    cJSON_AddItemToObject(report, "rss_bytes", memory_json(&s, RSS, &is_rss_flat));
    cJSON_AddItemToObject(report, "rss_unmanaged_bytes", memory_json(&s, RSS_UNMANAGED, &is_flat));
    cJSON_AddItemToObject(report, "heap_bytes", memory_json(&s, HEAP, &is_heap_flat));
    cJSON_AddItemToObject(report, "device_bytes", memory_json(&s, DEVICE, &is_device_flat));
    cJSON_AddNumberToObject(report, "failures", (double)s.failures);
    cJSON_AddNumberToObject(report, "fallbacks", (double)s.fallbacks);
    cJSON_AddNumberToObject(report, "devices_lost", (double)s.losses);
    cJSON_AddNumberToObject(report, "pictures_compared", (double)s.compared_count);
    cJSON_AddNumberToObject(report, "pictures_different", (double)s.different_pictures);

    gch_chart_destroy(s.chart);
    gch_chart_destroy(s.compared);
    close_data(&s);
    gch_workers_destroy(s.workers);
    bool is_fine = s.failures == 0 && s.fallbacks == 0 && s.different_pictures == 0 &&
                   ((is_rss_flat && is_flat) || is_sanitized) && is_heap_flat && is_device_flat;
    int code = bench_report_print(report);
    return is_fine ? code : 1;
}
