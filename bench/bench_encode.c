/* How fast do rows become blocks and a tree?
 *
 * Rows lie in memory as a caller has them (int64 times, and doubles or floats) and are written into
 * a memory image: order check, choice of keys, packing, tree, checksums, footer. The baseline is
 * memcpy of as many bytes as the rows have, measured in the same run. Every case is written with
 * each preset, by turns (`of_lossless` by the clock, `cpu_of_lossless` by the processor's): what
 * `fast` and a tolerance of 0.06 gain over `lossless`, and what they cost in bytes. `short_series`
 * says the same of many images of few rows. Memory that was freed is used again: whether malloc
 * gives pages back and takes fresh ones depends on sizes in ways that would be compared otherwise.
 *
 *     bench_encode [rows]     (default 32 Mi)
 */
#include "base.h"
#include "bench.h"

#include "gch/writer.h"

#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REPEATS 7u
#define ROWS_DEFAULT ((size_t)32 << 20)

typedef struct rows {
    const char *name;
    size_t count;
    int64_t *times;
    void *values;
    gch_type type;
} rows;

static uint64_t random_state = 1;

static uint32_t next_random(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 32);
}

/* A sensor every second, a walk in steps of 0.01. */
static void fill_regular_decimal(rows *r)
{
    int64_t level = 100000;
    double *values = r->values;
    for (size_t i = 0; i < r->count; i++) {
        level += (int64_t)(next_random() % 7) - 3;
        r->times[i] = 1700000000000 + 1000 * (int64_t)i;
        values[i] = (double)level / 100;
    }
}

/* Ticks at irregular milliseconds, several in one now and then, prices in 0.01. */
static void fill_irregular_ticks(rows *r)
{
    int64_t level = 5000000, time = 1700000000000;
    double *values = r->values;
    for (size_t i = 0; i < r->count; i++) {
        uint32_t noise = next_random();
        level += (int64_t)(noise % 5) - 2;
        time += (noise >> 8) % 4 == 0 ? 0 : (int64_t)((noise >> 16) % 200);
        r->times[i] = time;
        values[i] = (double)level / 100;
    }
}

/* Floats of full precision at a regular rate: no decimals to be found. */
static void fill_float_noise(rows *r)
{
    float *values = r->values;
    for (size_t i = 0; i < r->count; i++) {
        r->times[i] = 100 * (int64_t)i;
        values[i] = (float)(next_random() >> 8) * 0x1p-24f;
    }
}

/* Doubles of full precision, as a sensor's calibration leaves them. */
static void fill_double_noise(rows *r)
{
    int64_t level = 100000;
    double *values = r->values;
    for (size_t i = 0; i < r->count; i++) {
        level += (int64_t)(next_random() % 7) - 3;
        r->times[i] = 100 * (int64_t)i;
        values[i] = (double)level / 100 + (double)next_random() * 0x1p-40;
    }
}

/* Of all threads of the process, so that other work on the machine counts less. */
static double cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int64_t encode(const rows *r, gch_preset preset, gch_workers *workers, size_t *out_bytes)
{
    gch_error err;
    gch_column_desc column = {.name = "v", .type = r->type};
    gch_writer_desc desc = {.time_unit = GCH_TIME_MS,
                            .columns = &column,
                            .column_count = 1,
                            .preset = preset,
                            .workers = workers};
    if (preset == GCH_PRESET_TOLERANCE)
        desc.tolerance = (gch_decimal){6, -2};
    gch_column_data data = {.values = r->values};
    gch_writer *writer = NULL;
    void *image = NULL;
    int64_t start = gch__clock_ns();
    if (gch_writer_create_memory(&desc, &writer, &err) != GCH_OK ||
        gch_writer_append(writer, r->times, &data, r->count, &err) != GCH_OK ||
        gch_writer_finish_memory(writer, &image, out_bytes, &err) != GCH_OK)
        bench_fail("%s", err.message);
    int64_t spent = gch__clock_ns() - start;
    gch_writer_free_memory(image, NULL);
    return spent;
}

static const gch_preset presets[] = {GCH_PRESET_LOSSLESS, GCH_PRESET_FAST, GCH_PRESET_TOLERANCE};

/* Times of all presets, taken by turns, so that a busy machine is busy for each. */
typedef struct timings {
    double samples[GCH_COUNT_OF(presets)][REPEATS], cpu[GCH_COUNT_OF(presets)][REPEATS];
    size_t bytes[GCH_COUNT_OF(presets)];
} timings;

static void add_presets(cJSON *result, timings *t, const rows *r, double row_count,
                        double copy_rate)
{
    size_t row_bytes = sizeof(int64_t) + gch_type_bytes(r->type);
    double lossless = 0, lossless_cpu = 0;
    for (size_t p = 0; p < GCH_COUNT_OF(presets); p++) {
        bench_stats stats = bench_stats_from(t->samples[p], REPEATS);
        bench_stats cpu = bench_stats_from(t->cpu[p], REPEATS);
        double rate = row_count / stats.median * 1e9;
        lossless = p == 0 ? stats.median : lossless;
        lossless_cpu = p == 0 ? cpu.median : lossless_cpu;
        cJSON *json = cJSON_AddObjectToObject(result, gch_preset_name(presets[p]));
        cJSON_AddNumberToObject(json, "rows_per_s", rate);
        cJSON_AddNumberToObject(json, "input_bytes_per_s", rate * (double)row_bytes);
        if (copy_rate > 0)
            cJSON_AddNumberToObject(json, "of_memcpy", rate * (double)row_bytes / copy_rate);
        cJSON_AddNumberToObject(json, "of_lossless", lossless / stats.median);
        cJSON_AddNumberToObject(json, "cpu_of_lossless", lossless_cpu / cpu.median);
        cJSON_AddNumberToObject(json, "cpu_ns_per_row", cpu.median / row_count);
        cJSON_AddNumberToObject(json, "bytes_per_row", (double)t->bytes[p] / (double)r->count);
        cJSON_AddItemToObject(json, "encode_ns", bench_stats_json(&stats));
    }
}

static cJSON *measure_workers(const rows *r, uint32_t thread_count, double copy_rate)
{
    gch_error err;
    gch_workers *workers = NULL;
    timings t;
    if (gch_workers_make(thread_count, NULL, &workers, &err) != GCH_OK)
        bench_fail("%s", err.message);
    (void)encode(r, presets[0], workers, &t.bytes[0]);
    for (uint32_t i = 0; i < REPEATS; i++) {
        for (size_t p = 0; p < GCH_COUNT_OF(presets); p++) {
            double before = cpu_ns();
            t.samples[p][i] = (double)encode(r, presets[p], workers, &t.bytes[p]);
            t.cpu[p][i] = cpu_ns() - before;
        }
    }
    gch_workers_destroy(workers);
    cJSON *result = cJSON_CreateObject();
    cJSON_AddNumberToObject(result, "workers", thread_count);
    add_presets(result, &t, r, (double)r->count, copy_rate);
    return result;
}

#define SHORT_ROWS ((size_t)10000)
#define SHORT_IMAGES 100u

/* Images of few rows each: making a writer and choosing what keys mean weigh more. */
static cJSON *measure_short(const rows *r)
{
    rows part = *r;
    timings t;
    part.count = GCH_MIN(r->count, SHORT_ROWS);
    for (uint32_t i = 0; i < REPEATS; i++) {
        for (size_t p = 0; p < GCH_COUNT_OF(presets); p++) {
            double before = cpu_ns();
            t.samples[p][i] = 0;
            for (uint32_t image = 0; image < SHORT_IMAGES; image++)
                t.samples[p][i] += (double)encode(&part, presets[p], NULL, &t.bytes[p]);
            t.cpu[p][i] = cpu_ns() - before;
        }
    }
    cJSON *result = cJSON_CreateObject();
    cJSON_AddNumberToObject(result, "rows_an_image", (double)part.count);
    add_presets(result, &t, &part, (double)part.count * SHORT_IMAGES, 0);
    return result;
}

static cJSON *measure(rows *r, void (*fill)(rows *r))
{
    size_t row_bytes = sizeof(int64_t) + gch_type_bytes(r->type);
    fill(r);
    double copy_rate = bench_memcpy_bytes_per_s(r->count * row_bytes);
    cJSON *result = cJSON_CreateObject();
    cJSON_AddStringToObject(result, "name", r->name);
    cJSON_AddNumberToObject(result, "rows", (double)r->count);
    cJSON_AddNumberToObject(result, "input_bytes", (double)(r->count * row_bytes));
    cJSON_AddNumberToObject(result, "memcpy_bytes_per_s", copy_rate);
    cJSON *runs = cJSON_AddArrayToObject(result, "runs");
    for (uint32_t threads = 1; threads <= 2; threads++)
        cJSON_AddItemToArray(runs, measure_workers(r, threads, copy_rate));
    cJSON_AddItemToObject(result, "short_series", measure_short(r));
    return result;
}

int main(int argument_count, char **arguments)
{
    size_t count = ROWS_DEFAULT;
    if (argument_count > 1)
        count = (size_t)strtoull(arguments[1], NULL, 10);
    if (count == 0 || count > (size_t)1 << 32)
        bench_fail("usage: bench_encode [rows]");
    if (mallopt(M_MMAP_MAX, 0) == 0 || mallopt(M_TRIM_THRESHOLD, INT_MAX) == 0)
        bench_fail("malloc cannot be told to keep its pages");
    rows r = {.count = count};
    r.times = bench_alloc(count * sizeof *r.times);
    r.values = bench_alloc(count * sizeof(double));
    cJSON *report = bench_report_make("how fast do rows become blocks and a tree?");
    cJSON *cases = cJSON_AddArrayToObject(report, "cases");
    r.name = "regular times, f64 walk of decimals";
    r.type = GCH_TYPE_F64;
    cJSON_AddItemToArray(cases, measure(&r, fill_regular_decimal));
    r.name = "irregular times, f64 prices";
    cJSON_AddItemToArray(cases, measure(&r, fill_irregular_ticks));
    r.name = "regular times, f64 noise";
    cJSON_AddItemToArray(cases, measure(&r, fill_double_noise));
    r.name = "regular times, f32 noise";
    r.type = GCH_TYPE_F32;
    cJSON_AddItemToArray(cases, measure(&r, fill_float_noise));
    bench_free(r.times);
    bench_free(r.values);
    return bench_report_print(report);
}
