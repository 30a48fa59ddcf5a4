/* How fast do rows become a queryable series?
 *
 * Inputs of 100 MB (or as many as given) are made in a folder, read once so that they lie in the
 * page cache, and ingested by gch_ingest into a .gch file in the same folder: CSV ticks with times
 * as integers and as ISO text, and binary columns, one file a column; the columns also from memory,
 * as an Arrow stream of batches of 65,536 rows, by gch_ingest_arrow. Beside them, of the same bytes
 * in the same run:
 *   - floors: memcpy, and read() into a buffer of 1 MiB;
 *   - baselines for CSV: getline with strtoll and strtod into growing arrays, and the same with
 *     every row first split into strings of its own, as general CSV readers give them.
 * Each input is ingested with each compression preset, by turns, so that `of_lossless` (by the
 * clock) and `cpu_of_lossless` compare runs of the same minutes, with the bytes of the file a row.
 * Allocations are counted by an allocator handed to gch_ingest, and by hand in the baselines.
 *
 *     bench_ingest [megabytes] [folder]      (default 100, /dev/shm)
 */
#include "base.h"
#include "bench.h"

#include "gch/arrow.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define REPEATS 7u
#define WORKERS_MAX 2u
#define READ_BYTES ((size_t)1 << 20)
#define PATH_CAP 512u

typedef struct input {
    const char *name, *layout;
    char paths[2][PATH_CAP];
    uint32_t path_count;
    uint64_t bytes, rows;
    bool is_csv, is_iso;
    int64_t *times; /* Arrow: the rows are here, owned */
    double *values;
} input;

static char output_path[PATH_CAP];

/* ---- data ---- */

static uint64_t random_state = 1;

static uint32_t next_random(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 32);
}

typedef struct tick {
    int64_t time_ms, price_hundredths;
} tick;

/* Trades: several in one millisecond now and then, prices in 0.01. */
static void next_tick(tick *t)
{
    uint32_t noise = next_random();
    t->price_hundredths += (int64_t)(noise % 5) - 2;
    t->time_ms += (noise >> 8) % 4 == 0 ? 0 : (int64_t)((noise >> 16) % 200);
}

static FILE *create(const char *path)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        bench_fail("%s: cannot be written", path);
    return file;
}

static void finish_file(FILE *file, const char *path)
{
    if (ferror(file) != 0 || fclose(file) != 0)
        bench_fail("%s: cannot be written", path);
}

static void make_csv(input *in, const char *folder, uint64_t bytes)
{
    snprintf(in->paths[0], PATH_CAP, "%s/bench_ingest_%s.csv", folder, in->is_iso ? "iso" : "int");
    in->path_count = 1;
    FILE *file = create(in->paths[0]);
    tick t = {1700000000000, 5000000};
    in->bytes = (uint64_t)fprintf(file, "time,price\n");
    while (in->bytes < bytes) {
        next_tick(&t);
        if (in->is_iso) {
            time_t seconds = (time_t)(t.time_ms / 1000);
            struct tm parts;
            char text[32];
            strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &parts));
            in->bytes += (uint64_t)fprintf(file, "%s.%03dZ,", text, (int)(t.time_ms % 1000));
        } else {
            in->bytes += (uint64_t)fprintf(file, "%lld,", (long long)t.time_ms);
        }
        in->bytes += (uint64_t)fprintf(file, "%lld.%02d\n", (long long)(t.price_hundredths / 100),
                                       (int)(t.price_hundredths % 100));
        in->rows++;
    }
    finish_file(file, in->paths[0]);
}

/* A file of times and one of values; 64-bit ones, or both 32-bit. */
static void make_columns(input *in, const char *folder, uint64_t bytes, bool is_wide)
{
    FILE *files[2];
    for (int i = 0; i < 2; i++) {
        snprintf(in->paths[i], PATH_CAP, "%s/bench_ingest_%s%s.bin", folder,
                 i == 0 ? "time" : "value", is_wide ? "64" : "32");
        files[i] = create(in->paths[i]);
    }
    in->path_count = 2;
    tick t = {is_wide ? 1700000000000 : 0, 5000000};
    const size_t size = is_wide ? 8 : 4;
    in->rows = bytes / (2 * size);
    in->bytes = in->rows * 2 * size;
    for (uint64_t row = 0; row < in->rows; row++) {
        next_tick(&t);
        uint32_t narrow_time = (uint32_t)t.time_ms;
        double wide = (double)t.price_hundredths / 100;
        float narrow = (float)wide;
        fwrite(is_wide ? (const void *)&t.time_ms : &narrow_time, size, 1, files[0]);
        fwrite(is_wide ? (const void *)&wide : &narrow, size, 1, files[1]);
    }
    finish_file(files[0], in->paths[0]);
    finish_file(files[1], in->paths[1]);
}

/* ---- Arrow ---- */

#define BATCH_ROWS 65536u

/* The rows of an input as a stream; all of it lives in the input and here. */
typedef struct arrow_rows {
    const input *in;
    uint64_t next;
    struct ArrowSchema fields[2], *field_list[2];
    struct ArrowArray columns[2], *column_list[2];
    const void *buffers[2][2], *no_buffers[1];
} arrow_rows;

static void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void release_array(struct ArrowArray *array)
{
    array->release = NULL;
}

static void release_stream(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    static const char *const names[] = {"time", "price"}, *const formats[] = {"tsm:", "g"};
    arrow_rows *rows = stream->private_data;
    for (int i = 0; i < 2; i++) {
        rows->fields[i] =
            (struct ArrowSchema){.format = formats[i], .name = names[i], .release = release_schema};
        rows->field_list[i] = &rows->fields[i];
    }
    *out = (struct ArrowSchema){.format = "+s",
                                .name = "",
                                .n_children = 2,
                                .children = rows->field_list,
                                .release = release_schema};
    return 0;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    arrow_rows *rows = stream->private_data;
    const int64_t count = (int64_t)GCH_MIN(rows->in->rows - rows->next, (uint64_t)BATCH_ROWS);
    *out = (struct ArrowArray){0};
    if (count == 0)
        return 0;
    rows->buffers[0][1] = rows->in->times + rows->next;
    rows->buffers[1][1] = rows->in->values + rows->next;
    for (int i = 0; i < 2; i++) {
        rows->columns[i] = (struct ArrowArray){
            .length = count, .n_buffers = 2, .buffers = rows->buffers[i], .release = release_array};
        rows->column_list[i] = &rows->columns[i];
    }
    *out = (struct ArrowArray){.length = count,
                               .n_buffers = 1,
                               .buffers = rows->no_buffers,
                               .n_children = 2,
                               .children = rows->column_list,
                               .release = release_array};
    rows->next += (uint64_t)count;
    return 0;
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return NULL;
}

static void make_arrow(input *in, uint64_t bytes)
{
    tick t = {1700000000000, 5000000};
    in->rows = bytes / 16;
    in->bytes = in->rows * 16;
    in->times = bench_alloc((size_t)in->rows * sizeof *in->times);
    in->values = bench_alloc((size_t)in->rows * sizeof *in->values);
    for (uint64_t row = 0; row < in->rows; row++) {
        next_tick(&t);
        in->times[row] = t.time_ms;
        in->values[row] = (double)t.price_hundredths / 100;
    }
}

/* ---- floors ---- */

static void read_once(void *context)
{
    const input *in = context;
    char *buffer = bench_alloc(READ_BYTES);
    for (uint32_t i = 0; i < in->path_count; i++) {
        int fd = open(in->paths[i], O_RDONLY | O_CLOEXEC);
        ssize_t got = 1;
        while (fd >= 0 && got > 0)
            got = read(fd, buffer, READ_BYTES);
        if (fd < 0 || got < 0)
            bench_fail("%s: cannot be read", in->paths[i]);
        close(fd);
    }
    bench_free(buffer);
}

/* ---- baselines ---- */

typedef struct rows {
    int64_t *times;
    double *prices;
    size_t count, cap;
    uint64_t allocations;
} rows;

static void push_row(rows *r, int64_t time, double price)
{
    if (r->count == r->cap) {
        r->cap = r->cap == 0 ? 1024 : 2 * r->cap;
        r->times = realloc(r->times, r->cap * sizeof *r->times);
        r->prices = realloc(r->prices, r->cap * sizeof *r->prices);
        r->allocations += 2;
        if (r->times == NULL || r->prices == NULL)
            bench_fail("out of memory");
    }
    r->times[r->count] = time;
    r->prices[r->count++] = price;
}

static char *copy_field(rows *r, const char *text, size_t length)
{
    char *copy = malloc(length + 1);
    if (copy == NULL)
        bench_fail("out of memory");
    memcpy(copy, text, length);
    copy[length] = '\0';
    r->allocations++;
    return copy;
}

static int64_t time_of(const char *text, bool is_iso)
{
    if (!is_iso)
        return strtoll(text, NULL, 10);
    struct tm parts = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
    double fraction = rest != NULL && *rest == '.' ? strtod(rest, NULL) : 0;
    return (int64_t)timegm(&parts) * 1000 + (int64_t)(fraction * 1000 + 0.5);
}

static int64_t parse_by_rows(const input *in, bool makes_strings, rows *r)
{
    int64_t start = gch__clock_ns();
    FILE *file = fopen(in->paths[0], "rb");
    char *line = NULL;
    size_t cap = 0;
    *r = (rows){0};
    if (file == NULL || getline(&line, &cap, file) < 0)
        bench_fail("%s: cannot be read", in->paths[0]);
    while (getline(&line, &cap, file) > 0) {
        char *comma = strchr(line, ',');
        if (comma == NULL)
            bench_fail("%s: a line without a comma", in->paths[0]);
        if (makes_strings) {
            char *fields[2] = {copy_field(r, line, (size_t)(comma - line)),
                               copy_field(r, comma + 1, strlen(comma + 1))};
            push_row(r, time_of(fields[0], in->is_iso), strtod(fields[1], NULL));
            free(fields[0]);
            free(fields[1]);
        } else {
            push_row(r, time_of(line, in->is_iso), strtod(comma + 1, NULL));
        }
    }
    r->allocations += 2; /* the line and the stream's buffer */
    free(line);
    fclose(file);
    return gch__clock_ns() - start;
}

static cJSON *measure_baseline(const input *in, bool makes_strings, uint64_t *out_allocations)
{
    double samples[3];
    uint64_t allocations = 0;
    for (uint32_t i = 0; i < GCH_COUNT_OF(samples); i++) {
        rows r;
        samples[i] = (double)parse_by_rows(in, makes_strings, &r);
        if (r.count != in->rows)
            bench_fail("%s: the baseline found %zu rows", in->name, r.count);
        allocations = r.allocations;
        free(r.times);
        free(r.prices);
    }
    bench_stats stats = bench_stats_from(samples, GCH_COUNT_OF(samples));
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "bytes_per_s", (double)in->bytes * 1e9 / stats.median);
    cJSON_AddNumberToObject(json, "allocations", (double)allocations);
    cJSON_AddItemToObject(json, "ns", bench_stats_json(&stats));
    *out_allocations = allocations;
    return json;
}

/* ---- ours ---- */

static void *count_resize(void *context, void *old, size_t bytes, const char *purpose)
{
    (void)purpose;
    if (bytes == 0) {
        free(old);
        return NULL;
    }
    __atomic_fetch_add((uint64_t *)context, 1, __ATOMIC_RELAXED);
    return realloc(old, bytes);
}

static const gch_preset presets[] = {GCH_PRESET_LOSSLESS, GCH_PRESET_FAST, GCH_PRESET_TOLERANCE};

static int64_t ingest(const input *in, gch_preset preset, gch_workers *workers,
                      uint64_t *allocations)
{
    gch_error err;
    gch_ingest_report report;
    const char *paths[2] = {in->paths[0], in->paths[1]};
    gch_allocator allocator = {.context = allocations, .resize = count_resize};
    const gch_ingest_desc desc = {.inputs = paths,
                                  .input_count = in->path_count,
                                  .layout = in->layout,
                                  .time_unit = GCH_TIME_MS,
                                  .output = output_path,
                                  .preset = preset,
                                  .tolerance = {preset == GCH_PRESET_TOLERANCE ? 6 : 0, -2},
                                  .workers = workers,
                                  .allocator = &allocator};
    arrow_rows source = {.in = in};
    struct ArrowArrayStream stream = {.get_schema = get_schema,
                                      .get_next = get_next,
                                      .get_last_error = get_last_error,
                                      .release = release_stream,
                                      .private_data = &source};
    *allocations = 0;
    int64_t start = gch__clock_ns();
    gch_status status = in->times != NULL ? gch_ingest_arrow(&stream, &desc, &report, &err)
                                          : gch_ingest(&desc, &report, &err);
    if (status != GCH_OK)
        bench_fail("%s", err.message);
    int64_t spent = gch__clock_ns() - start;
    if (report.row_count != in->rows)
        bench_fail("%s: %llu rows of %llu", in->name, (unsigned long long)report.row_count,
                   (unsigned long long)in->rows);
    return spent;
}

/* Of all threads of the process, so that other work on the machine counts less. */
static double cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double output_bytes(void)
{
    struct stat status;
    if (stat(output_path, &status) != 0)
        bench_fail("%s: cannot be read", output_path);
    return (double)status.st_size;
}

static cJSON *measure_ours(const input *in, uint32_t thread_count, double read_rate,
                           uint64_t *out_allocations)
{
    gch_error err;
    gch_workers *workers = NULL;
    double samples[GCH_COUNT_OF(presets)][REPEATS], cpu[GCH_COUNT_OF(presets)][REPEATS];
    double bytes[GCH_COUNT_OF(presets)];
    uint64_t allocations;
    if (gch_workers_make(thread_count, NULL, &workers, &err) != GCH_OK)
        bench_fail("%s", err.message);
    (void)ingest(in, presets[0], workers, &allocations);
    for (uint32_t i = 0; i < REPEATS; i++) {
        for (size_t p = 0; p < GCH_COUNT_OF(presets); p++) {
            double before = cpu_ns();
            samples[p][i] = (double)ingest(in, presets[p], workers, &allocations);
            cpu[p][i] = cpu_ns() - before;
            bytes[p] = output_bytes();
            *out_allocations = p == 0 ? allocations : *out_allocations;
        }
    }
    gch_workers_destroy(workers);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "workers", thread_count);
    double lossless = 0, lossless_cpu = 0;
    for (size_t p = 0; p < GCH_COUNT_OF(presets); p++) {
        bench_stats stats = bench_stats_from(samples[p], REPEATS);
        double cpu_median = bench_stats_from(cpu[p], REPEATS).median;
        double rate = (double)in->bytes * 1e9 / stats.median;
        lossless = p == 0 ? stats.median : lossless;
        lossless_cpu = p == 0 ? cpu_median : lossless_cpu;
        cJSON *to = p == 0 ? json : cJSON_AddObjectToObject(json, gch_preset_name(presets[p]));
        cJSON_AddNumberToObject(to, "ms_for_100_mb", 1e11 / rate);
        cJSON_AddNumberToObject(to, "bytes_per_s", rate);
        cJSON_AddNumberToObject(to, "rows_per_s", (double)in->rows * 1e9 / stats.median);
        cJSON_AddNumberToObject(to, "of_read", rate / read_rate);
        cJSON_AddNumberToObject(to, "of_lossless", lossless / stats.median);
        cJSON_AddNumberToObject(to, "cpu_of_lossless", lossless_cpu / cpu_median);
        cJSON_AddNumberToObject(to, "file_bytes_per_row", bytes[p] / (double)in->rows);
        cJSON_AddItemToObject(to, "ns", bench_stats_json(&stats));
    }
    cJSON_AddNumberToObject(json, "allocations", (double)*out_allocations);
    return json;
}

static cJSON *measure(input *in)
{
    uint64_t allocations = 0, lean_allocations = 0, string_allocations = 0;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "name", in->name);
    cJSON_AddNumberToObject(json, "input_bytes", (double)in->bytes);
    cJSON_AddNumberToObject(json, "rows", (double)in->rows);
    const double copy_rate = bench_memcpy_bytes_per_s(in->bytes);
    double read_rate = copy_rate; /* of what lies in memory already */
    cJSON_AddNumberToObject(json, "memcpy_bytes_per_s", copy_rate);
    if (in->path_count > 0) {
        bench_stats read_stats = bench_time(read_once, in, 5, 1);
        read_rate = (double)in->bytes * 1e9 / read_stats.median;
        cJSON_AddNumberToObject(json, "read_bytes_per_s", read_rate);
    }
    cJSON *runs = cJSON_AddArrayToObject(json, "runs");
    for (uint32_t threads = 1; threads <= WORKERS_MAX; threads++)
        cJSON_AddItemToArray(runs, measure_ours(in, threads, read_rate, &allocations));
    if (in->is_csv) {
        cJSON_AddItemToObject(json, "by_rows", measure_baseline(in, false, &lean_allocations));
        cJSON_AddItemToObject(json, "by_rows_of_strings",
                              measure_baseline(in, true, &string_allocations));
        cJSON_AddNumberToObject(json, "allocations_of_rows_of_strings",
                                (double)allocations / (double)string_allocations);
    }
    for (uint32_t i = 0; i < in->path_count; i++)
        unlink(in->paths[i]);
    unlink(output_path);
    bench_free(in->times);
    bench_free(in->values);
    return json;
}

int main(int argument_count, char **arguments)
{
    uint64_t bytes = 100;
    const char *folder = argument_count > 2 ? arguments[2] : "/dev/shm";
    if (argument_count > 1)
        bytes = strtoull(arguments[1], NULL, 10);
    if (bytes == 0 || bytes > 100000 || argument_count > 3 || strlen(folder) > PATH_CAP / 2)
        bench_fail("usage: bench_ingest [megabytes] [folder]");
    bytes *= 1000000;
    snprintf(output_path, sizeof output_path, "%s/bench_ingest.gch", folder);
    cJSON *report = bench_report_make("how fast do rows become a queryable series?");
    cJSON_AddStringToObject(report, "folder", folder);
    cJSON *cases = cJSON_AddArrayToObject(report, "cases");
    input int_csv = {.name = "CSV, integer ms", .is_csv = true};
    make_csv(&int_csv, folder, bytes);
    cJSON_AddItemToArray(cases, measure(&int_csv));
    input iso_csv = {.name = "CSV, ISO times", .is_csv = true, .is_iso = true};
    make_csv(&iso_csv, folder, bytes);
    cJSON_AddItemToArray(cases, measure(&iso_csv));
    input wide = {.name = "binary columns, i64 times, f64 values", .layout = "time:i64,price:f64"};
    make_columns(&wide, folder, bytes, true);
    cJSON_AddItemToArray(cases, measure(&wide));
    input narrow = {.name = "binary columns, u32 times, f32 values",
                    .layout = "time:u32,price:f32"};
    make_columns(&narrow, folder, bytes, false);
    cJSON_AddItemToArray(cases, measure(&narrow));
    input arrow = {.name = "Arrow stream, timestamp[ms], double"};
    make_arrow(&arrow, bytes);
    cJSON_AddItemToArray(cases, measure(&arrow));
    return bench_report_print(report);
}
