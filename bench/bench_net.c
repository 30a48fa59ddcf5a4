/* What does the network client cost, and what does it save?
 *
 * 1. A large file from a static host on loopback (TLS): our client, as one stream and as ranges of
 *    4 MiB, against a plain libcurl download of the same URL; runs interleaved, medians.
 * 2. A file at the far end of a long line: round trips and time to the open file, to the first
 *    picture, and to the exact one, by ranges; and, from a data server, by columns.
 * 3. A chart of a file at a data server, over that line and without it: opening, first picture,
 * exact picture, with finished answers where they are quicker.
 * 4. A script of pans and zooms over the same line: mean time from asking to the exact columns,
 * our client against one request for each range over HTTP/1.1, six at a time, each on a connection
 *    of its own.
 *
 * 5. Ranges of 16 KiB at random places of a file on loopback, 32 at a time over one connection
 * (TLS, HTTP/2): requests a second of our client, from a static host and from a data server.
 *
 *     bench_net --ca FILE [--large URL] [--far URL] [--columns URL] [--chart URL] [--near URL]
 *               [--small-static URL] [--small-ours URL]
 *
 * bench/bench_net.py starts the hosts, the line and this.
 */
#include "base.h"
#include "bench.h"
#include "gch/columns.h"
#include "gch/gch.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RUNS 7
#define PART (4u << 20)
#define PARTS_AT_ONCE 8u
#define WIDTH 960u
#define HEIGHT 540u

static gch_error err;
static const char *ca_file;

static void check(gch_status status)
{
    if (status != GCH_OK)
        bench_fail("%s", err.message);
}

static double seconds_since(int64_t start_ns)
{
    return (double)(gch__clock_ns() - start_ns) / 1e9;
}

static gch_http *make_http(void)
{
    gch_http *http = NULL;
    check(gch_http_make(&(gch_http_desc){.ca_file = ca_file}, &http, &err));
    return http;
}

/* ---- a large file ---- */

static size_t count_bytes(char *bytes, size_t size, size_t count, void *context)
{
    uint64_t *total = context;
    (void)bytes;
    *total += size * count;
    return size * count;
}

static CURL *make_plain(const char *url, uint64_t *total)
{
    CURL *easy = curl_easy_init();
    if (easy == NULL)
        bench_fail("no curl handle");
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, count_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, total);
    return easy;
}

static uint64_t download_plain(const char *url)
{
    uint64_t total = 0;
    CURL *easy = make_plain(url, &total);
    CURLcode result = curl_easy_perform(easy);
    if (result != CURLE_OK)
        bench_fail("%s: %s", url, curl_easy_strerror(result));
    curl_easy_cleanup(easy);
    return total;
}

static gch_status take_bytes(void *context, const uint8_t *bytes, size_t count, gch_error *take_err)
{
    uint64_t *total = context;
    (void)bytes, (void)take_err;
    *total += count;
    return GCH_OK;
}

static uint64_t download_stream(const char *url)
{
    uint64_t total = 0;
    gch_http_response response;
    gch_http *http = make_http();
    gch_http_request request = {.url = url, .on_bytes = take_bytes, .context = &total};
    check(gch_http_fetch(http, &request, NULL, &response, &err));
    gch_http_destroy(http);
    return total;
}

typedef struct parts {
    gch_http *http;
    const char *url;
    uint64_t size, next;
    _Atomic uint32_t left;
    pthread_mutex_t lock;
    pthread_cond_t done;
} parts;

typedef struct part {
    parts *of;
    uint8_t *bytes;
} part;

static void start_part(part *p);

static void end_part(void *context, const gch_http_response *response)
{
    part *p = context;
    if (response->status != GCH_OK)
        bench_fail("%s", response->error.message);
    start_part(p);
}

/* All callbacks run on one thread, and so does this but for the first parts. */
static void start_part(part *p)
{
    parts *all = p->of;
    pthread_mutex_lock(&all->lock);
    uint64_t offset = all->next;
    size_t count = (size_t)GCH_MIN((uint64_t)PART, all->size - offset);
    all->next += count;
    if (count == 0 && --all->left == 0)
        pthread_cond_signal(&all->done);
    pthread_mutex_unlock(&all->lock);
    gch_http_request request = {.url = all->url,
                                .offset = offset,
                                .byte_count = count,
                                .out_bytes = p->bytes,
                                .on_done = end_part,
                                .context = p};
    if (count > 0)
        check(gch_http_start(all->http, &request, NULL, &err));
}

static uint64_t download_parts(const char *url)
{
    parts all = {.http = make_http(),
                 .url = url,
                 .left = PARTS_AT_ONCE,
                 .lock = PTHREAD_MUTEX_INITIALIZER,
                 .done = PTHREAD_COND_INITIALIZER};
    part each[PARTS_AT_ONCE];
    gch_http_response response;
    gch_http_request head = {.url = url, .method = GCH_HTTP_HEAD};
    check(gch_http_fetch(all.http, &head, NULL, &response, &err));
    all.size = response.total_bytes;
    for (uint32_t i = 0; i < PARTS_AT_ONCE; i++) {
        each[i] = (part){.of = &all, .bytes = bench_alloc(PART)};
        start_part(&each[i]);
    }
    pthread_mutex_lock(&all.lock);
    while (all.left > 0)
        pthread_cond_wait(&all.done, &all.lock);
    pthread_mutex_unlock(&all.lock);
    gch_http_destroy(all.http);
    for (uint32_t i = 0; i < PARTS_AT_ONCE; i++)
        bench_free(each[i].bytes);
    return all.size;
}

static void measure_large(cJSON *report, const char *url)
{
    static uint64_t (*const ways[])(const char *) = {download_plain, download_stream,
                                                     download_parts};
    static const char *const names[] = {"plain_libcurl", "stream", "ranges_4_mib"};
    double rates[3][RUNS], medians[3];
    cJSON *object = cJSON_AddObjectToObject(report, "large_file_bytes_per_s");
    for (int run = 0; run < RUNS; run++) {
        for (int way = 0; way < 3; way++) {
            int64_t start = gch__clock_ns();
            uint64_t count = ways[way](url);
            rates[way][run] = (double)count / seconds_since(start);
        }
    }
    for (int way = 0; way < 3; way++) {
        bench_stats stats = bench_stats_from(rates[way], RUNS);
        medians[way] = stats.median;
        cJSON_AddItemToObject(object, names[way], bench_stats_json(&stats));
    }
    cJSON_AddNumberToObject(report, "stream_to_plain", medians[1] / medians[0]);
    cJSON_AddNumberToObject(report, "ranges_to_plain", medians[2] / medians[0]);
}

/* ---- many small ranges ---- */

#define SMALL_BYTES 16384u
#define SMALL_AT_ONCE 32u
#define SMALL_COUNT 20000u

typedef struct small {
    gch_http *http;
    const char *url;
    uint64_t pages, random;
    uint32_t next, left;
    pthread_mutex_t lock;
    pthread_cond_t done;
    struct small_slot {
        struct small *of;
        uint8_t bytes[SMALL_BYTES];
    } slots[SMALL_AT_ONCE];
} small;

static void start_small(struct small_slot *slot);

static void end_small(void *context, const gch_http_response *response)
{
    if (response->status != GCH_OK)
        bench_fail("%s", response->error.message);
    start_small(context);
}

static void start_small(struct small_slot *slot)
{
    small *all = slot->of;
    pthread_mutex_lock(&all->lock);
    bool is_any = all->next < SMALL_COUNT;
    all->next += is_any;
    all->random = all->random * 6364136223846793005u + 1442695040888963407u;
    uint64_t page = (all->random >> 33) % all->pages;
    if (!is_any && --all->left == 0)
        pthread_cond_signal(&all->done);
    pthread_mutex_unlock(&all->lock);
    gch_http_request request = {.url = all->url,
                                .offset = page * SMALL_BYTES,
                                .byte_count = SMALL_BYTES,
                                .out_bytes = slot->bytes,
                                .on_done = end_small,
                                .context = slot};
    if (is_any)
        check(gch_http_start(all->http, &request, NULL, &err));
}

static void measure_small(cJSON *report, const char *name, const char *url)
{
    double rates[RUNS];
    gch_http_stats line = {0};
    small *all = bench_alloc(sizeof *all);
    for (int run = 0; run < RUNS; run++) {
        gch_http_response response;
        gch_http_request head = {.url = url, .method = GCH_HTTP_HEAD};
        *all = (small){.http = make_http(),
                       .url = url,
                       .random = 1,
                       .left = SMALL_AT_ONCE,
                       .lock = PTHREAD_MUTEX_INITIALIZER,
                       .done = PTHREAD_COND_INITIALIZER};
        check(gch_http_fetch(all->http, &head, NULL, &response, &err));
        all->pages = response.total_bytes / SMALL_BYTES;
        int64_t start = gch__clock_ns();
        for (uint32_t i = 0; i < SMALL_AT_ONCE; i++) {
            all->slots[i].of = all;
            start_small(&all->slots[i]);
        }
        pthread_mutex_lock(&all->lock);
        while (all->left > 0)
            pthread_cond_wait(&all->done, &all->lock);
        pthread_mutex_unlock(&all->lock);
        rates[run] = SMALL_COUNT / seconds_since(start);
        gch_http_get_stats(all->http, &line);
        gch_http_destroy(all->http);
    }
    bench_free(all);
    bench_stats stats = bench_stats_from(rates, RUNS);
    cJSON *item = bench_stats_json(&stats);
    cJSON_AddNumberToObject(item, "connections", (double)line.connections);
    cJSON_AddNumberToObject(item, "exchanges", (double)line.exchanges);
    cJSON_AddItemToObject(report, name, item);
}

/* ---- a file far away ---- */

/* A remote file with all that draws it. */
typedef struct far_file {
    gch_http *http;
    gch_data *data;
    gch_source source;
    const gch_file *file;
    gch_query *query;
} far_file;

static void close_far(far_file *f)
{
    gch_query_destroy(f->query);
    check(gch_data_destroy(f->data, &err));
    gch_http_destroy(f->http);
}

static void make_query(far_file *f)
{
    check(gch_source_get_file(f->data, f->source, &f->file, &err));
    check(gch_query_make(f->file, &(gch_query_desc){.no_wait = true}, &f->query, &err));
}

static gch_data *make_data(uint32_t loaders)
{
    gch_data *data = NULL;
    gch_data_desc desc = {.host_budget_bytes = 256u << 20, .loader_count = loaders};
    check(gch_data_make(&desc, &data, &err));
    return data;
}

static void open_far(far_file *f, const char *url)
{
    f->data = make_data(64);
    f->http = make_http();
    check(gch_source_open_url(f->data, f->http, url, NULL, &f->source, &err));
    make_query(f);
}

/* Columns still pending. */
static uint32_t draw(far_file *f, int64_t t0, int64_t t1)
{
    const gch_file_info *info = gch_file_get_info(f->file);
    gch_view view = {.t0 = t0,
                     .t1 = t1,
                     .bottom = gch_decimal_from_double(gch_value_to_double(info->columns[0].min)),
                     .top = gch_decimal_from_double(gch_value_to_double(info->columns[0].max) + 1),
                     .width_px = WIDTH,
                     .height_px = HEIGHT};
    gch_columns columns;
    check(gch_query_columns(f->query, 0, &view, GCH_JOIN_LINE, &columns, &err));
    return columns.pending_count;
}

static void draw_exact(far_file *f, int64_t t0, int64_t t1)
{
    while (draw(f, t0, t1) > 0)
        usleep(1000);
}

static double milliseconds_since(int64_t start_ns)
{
    return seconds_since(start_ns) * 1e3;
}

static void measure_first(cJSON *report, const char *url)
{
    cJSON *object = cJSON_AddObjectToObject(report, "first_view_by_ranges");
    far_file f;
    gch_http_stats stats;
    int64_t start = gch__clock_ns();
    open_far(&f, url);
    cJSON_AddNumberToObject(object, "open_ms", milliseconds_since(start));
    gch_http_get_stats(f.http, &stats);
    cJSON_AddNumberToObject(object, "latency_ms", (double)stats.latency_ns / 1e6);
    cJSON_AddNumberToObject(object, "exchanges_to_open", (double)stats.exchanges);
    cJSON_AddNumberToObject(object, "bytes_to_open", (double)stats.wire_bytes);
    const gch_file_info *info = gch_file_get_info(f.file);
    uint32_t pending = draw(&f, info->first_time, info->last_time + 1);
    cJSON_AddNumberToObject(object, "first_picture_ms", milliseconds_since(start));
    cJSON_AddNumberToObject(object, "columns_pending_in_it", pending);
    draw_exact(&f, info->first_time, info->last_time + 1);
    cJSON_AddNumberToObject(object, "exact_ms", milliseconds_since(start));
    gch_http_get_stats(f.http, &stats);
    cJSON_AddNumberToObject(object, "exchanges", (double)stats.exchanges);
    cJSON_AddNumberToObject(object, "coalesced", (double)stats.coalesced);
    cJSON_AddNumberToObject(object, "connections", (double)stats.connections);
    cJSON_AddNumberToObject(object, "wire_bytes", (double)stats.wire_bytes);
    cJSON_AddNumberToObject(object, "measured_bytes_per_s", (double)stats.bytes_per_s);
    close_far(&f);
}

static void measure_columns(cJSON *report, const char *url)
{
    cJSON *object = cJSON_AddObjectToObject(report, "first_view_by_columns");
    gch_columns_answer answer;
    gch_columns_ask ask = {.url = url, .width_px = 1920, .height_px = 1080};
    for (int i = 0; i < 2; i++) { /* the second time over a connection that stands */
        gch_http_stats stats;
        static gch_http *http;
        if (http == NULL)
            http = make_http();
        int64_t start = gch__clock_ns();
        check(gch_columns_fetch(http, &ask, NULL, &answer, &err));
        cJSON_AddNumberToObject(object, i == 0 ? "exact_ms" : "next_ms", milliseconds_since(start));
        gch_columns_answer_reset(http, &answer);
        gch_http_get_stats(http, &stats);
        if (i == 1) {
            cJSON_AddNumberToObject(object, "wire_bytes", (double)stats.wire_bytes / 2);
            cJSON_AddNumberToObject(object, "body_bytes", (double)stats.body_bytes / 2);
            gch_http_destroy(http);
        }
    }
}

/* ---- a chart ---- */

static void measure_chart(cJSON *report, const char *name, const char *url)
{
    cJSON *object = cJSON_AddObjectToObject(report, name);
    far_file f = {.data = make_data(64), .http = make_http()};
    gch_remote_answers *answers = NULL;
    gch_chart *chart = NULL;
    const gch_image *image;
    gch_http_stats line;
    int64_t start = gch__clock_ns();
    check(gch_source_open_url(f.data, f.http, url, NULL, &f.source, &err));
    check(gch_source_get_file(f.data, f.source, &f.file, &err));
    check(gch_remote_answers_make(f.data, f.http, f.source, &answers, &err));
    double open_ms = milliseconds_since(start);
    check(gch_chart_make(NULL, &chart, &err));
    gch_chart_series series = {.file = f.file, .answers = gch_remote_answers_get(answers)};
    const gch_file_info *info = gch_file_get_info(f.file);
    gch_chart_desc desc = {
        .series = &series, .series_count = 1, .width_px = 1920, .height_px = 1080, .no_wait = true};
    static const char *const steps[] = {"all", "then_a_third", "then_a_hundredth"};
    for (size_t step = 0; step < GCH_COUNT_OF(steps); step++) {
        int64_t span = info->last_time - info->first_time, begin = start;
        gch_chart_stats stats = {0};
        double first_ms = 0;
        if (step > 0) {
            begin = gch__clock_ns();
            desc.has_time_range = true;
            desc.from = info->first_time + span / 3 + 12345;
            desc.to = desc.from + span / (step == 1 ? 3 : 100);
        }
        while (stats.complete < 1) {
            check(gch_chart_frame(chart, &desc, &image, &stats, &err));
            if (first_ms == 0)
                first_ms = milliseconds_since(begin);
            if (stats.complete < 1)
                usleep(1000);
        }
        cJSON *item = cJSON_AddObjectToObject(object, steps[step]);
        cJSON_AddNumberToObject(item, "first_picture_ms", first_ms);
        cJSON_AddNumberToObject(item, "exact_ms", milliseconds_since(begin));
        gch_http_get_stats(f.http, &line);
        cJSON_AddNumberToObject(item, "exchanges", (double)line.exchanges);
        cJSON_AddNumberToObject(item, "wire_bytes", (double)line.wire_bytes);
    }
    cJSON_AddNumberToObject(object, "open_ms", open_ms);
    cJSON_AddNumberToObject(object, "round_trip_ms", (double)line.latency_ns / 1e6);
    gch_chart_destroy(chart);
    gch_remote_answers_destroy(answers);
    close_far(&f);
}

/* ---- the script ---- */

/* A range on a connection of its own. */
typedef struct plain_source {
    const char *url;
} plain_source;

static size_t fill_bytes(char *bytes, size_t size, size_t count, void *context)
{
    uint8_t **next = context;
    memcpy(*next, bytes, size * count);
    *next += size * count;
    return size * count;
}

static gch_status read_plain(void *context, uint64_t offset, size_t byte_count,
                             gch_priority priority, void *out_bytes, const gch_cancel *cancel,
                             gch_error *read_err)
{
    const plain_source *source = context;
    uint8_t *next = out_bytes;
    uint64_t unused;
    char range[64];
    (void)priority, (void)cancel;
    CURL *easy = make_plain(source->url, &unused);
    snprintf(range, sizeof range, "%llu-%llu", (unsigned long long)offset,
             (unsigned long long)(offset + byte_count - 1));
    curl_easy_setopt(easy, CURLOPT_RANGE, range);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, fill_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &next);
    CURLcode result = curl_easy_perform(easy);
    curl_easy_cleanup(easy);
    if (result != CURLE_OK || next != (uint8_t *)out_bytes + byte_count)
        return gch_fail(read_err, GCH_IO, "%s", curl_easy_strerror(result));
    return GCH_OK;
}

static void open_plain(far_file *f, plain_source *source, const char *url)
{
    uint64_t unused = 0;
    curl_off_t size = 0;
    *source = (plain_source){.url = url};
    CURL *easy = make_plain(url, &unused);
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    if (curl_easy_perform(easy) != CURLE_OK ||
        curl_easy_getinfo(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &size) != CURLE_OK || size <= 0)
        bench_fail("%s: not there", url);
    curl_easy_cleanup(easy);
    f->http = NULL;
    f->data = make_data(6); /* as many connections as browsers make */
    gch_source_ops ops = {.read = read_plain, .context = source};
    check(gch_source_open_ops(f->data, &ops, (uint64_t)size, NULL, &f->source, &err));
    make_query(f);
}

/* Milliseconds from asking to exact columns: pans by a view, zooms out, jumps and pans there. */
static const struct {
    double centre, span; /* of all times */
} views[] = {{0.30, 1.0 / 64},   {0.316, 1.0 / 64},  {0.332, 1.0 / 64},   {0.348, 1.0 / 64},
             {0.348, 1.0 / 32},  {0.348, 1.0 / 16},  {0.70, 1.0 / 256},   {0.704, 1.0 / 256},
             {0.708, 1.0 / 256}, {0.10, 1.0 / 1024}, {0.101, 1.0 / 1024}, {0.102, 1.0 / 512}};
#define VIEWS GCH_COUNT_OF(views)

static void run_script(far_file *f, double samples[VIEWS])
{
    const gch_file_info *info = gch_file_get_info(f->file);
    double first = (double)info->first_time;
    double all = (double)(info->last_time - info->first_time);
    for (size_t i = 0; i < VIEWS; i++) {
        double half = views[i].span / 2;
        int64_t start = gch__clock_ns();
        draw_exact(f, (int64_t)(first + (views[i].centre - half) * all),
                   (int64_t)(first + (views[i].centre + half) * all));
        samples[i] = milliseconds_since(start);
    }
}

/* Returns the mean. */
static double add_samples(cJSON *object, const char *name, double samples[VIEWS])
{
    double sum = 0;
    for (size_t i = 0; i < VIEWS; i++)
        sum += samples[i];
    bench_stats stats = bench_stats_from(samples, VIEWS);
    cJSON *item = bench_stats_json(&stats);
    cJSON_AddNumberToObject(item, "mean", sum / (double)VIEWS);
    cJSON_AddItemToObject(object, name, item);
    return sum / (double)VIEWS;
}

static void measure_script(cJSON *report, const char *url)
{
    cJSON *object = cJSON_AddObjectToObject(report, "pan_and_zoom_ms_to_exact");
    far_file ours, plain;
    plain_source source;
    double samples[2][VIEWS];
    open_far(&ours, url);
    run_script(&ours, samples[0]);
    close_far(&ours);
    open_plain(&plain, &source, url);
    run_script(&plain, samples[1]);
    close_far(&plain);
    double mean = add_samples(object, "ours", samples[0]);
    double plain_mean = add_samples(object, "a_request_a_range", samples[1]);
    cJSON_AddNumberToObject(object, "ratio_of_means", mean / plain_mean);
}

int main(int argc, char **argv)
{
    const char *large = NULL, *far_url = NULL, *columns = NULL;
    const char *chart = NULL, *near_url = NULL, *small_static = NULL, *small_ours = NULL;
    const struct {
        const char *name;
        const char **value;
    } options[] = {{"--ca", &ca_file},
                   {"--large", &large},
                   {"--far", &far_url},
                   {"--columns", &columns},
                   {"--chart", &chart},
                   {"--near", &near_url},
                   {"--small-static", &small_static},
                   {"--small-ours", &small_ours}};
    for (int i = 1; i < argc; i += 2) {
        size_t o = 0;
        while (o < GCH_COUNT_OF(options) && strcmp(argv[i], options[o].name) != 0)
            o++;
        if (o == GCH_COUNT_OF(options) || i + 1 == argc)
            bench_fail("usage: bench_net --ca FILE [--large URL] [--far URL] [--columns URL] "
                       "[--chart URL] [--near URL] [--small-static URL] [--small-ours URL]");
        *options[o].value = argv[i + 1];
    }
    curl_global_init(CURL_GLOBAL_ALL);
    cJSON *report = bench_report_make("what does the network client cost, and what does it save?");
    if (large != NULL)
        measure_large(report, large);
    if (small_static != NULL)
        measure_small(report, "small_ranges_per_s_from_static_host", small_static);
    if (small_ours != NULL)
        measure_small(report, "small_ranges_per_s_from_data_server", small_ours);
    if (far_url != NULL)
        measure_first(report, far_url);
    if (columns != NULL)
        measure_columns(report, columns);
    if (chart != NULL)
        measure_chart(report, "chart_far_away", chart);
    if (near_url != NULL)
        measure_chart(report, "chart_on_loopback", near_url);
    if (far_url != NULL)
        measure_script(report, far_url);
    return bench_report_print(report);
}
