/* How fast does the GPU turn raw columns into blocks and a tree?
 *
 * A column goes to the device in batches, is encoded there and comes back: the upload, the passes
 * by the adapter's own clock (by the host's where it has none) and the download are timed apart,
 * the passes also as a ratio to reading as many bytes on the device. The baseline is what the
 * processor's encoder takes for the same blocks, from values in memory to packed words, in the same
 * run; blocks and files are compared, and a difference ends the program. Then whole files: a writer
 * with the GPU as its encoder, and one without.
 *
 *     bench_gpu_encode [--rows 4000000] [--threads 0] [--batch 4194304]
 */
#include "bench.h"
#include "bench_gpu_floor.h"
#include "gch/encoder.h"
#include "gch/workers.h"
#include "render_gpu_encode.h"
#include "store_encoder.h"

#include <stdlib.h>
#include <string.h>

#define REPEATS 5u

static gch_error err;

static void check(gch_status status)
{
    if (status != GCH_OK)
        bench_fail("%s: %s", gch_status_name(status), err.message);
}

static uint64_t random_state = 1;

static uint32_t next_random(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 32);
}

typedef struct column {
    const char *name;
    gch_type type;
    size_t row_count;
    uint8_t *values;
    int64_t *times;
    gch__key_kind kind;
    bool is_time; /* values are times, in whole ticks */
} column;

/* ---- columns ---- */

static void fill_prices(column *c)
{
    double *values = (double *)(void *)c->values;
    int64_t level = 5000000;
    for (size_t i = 0; i < c->row_count; i++) {
        level += (int64_t)(next_random() % 7) - 3;
        values[i] = (double)level / 100;
    }
}

static void fill_double_noise(column *c)
{
    double *values = (double *)(void *)c->values;
    for (size_t i = 0; i < c->row_count; i++)
        values[i] = (double)next_random() / 3.0 + (double)next_random() * 0x1p-40;
}

static void fill_float_noise(column *c)
{
    float *values = (float *)(void *)c->values;
    for (size_t i = 0; i < c->row_count; i++)
        values[i] = (float)(next_random() >> 8) * 0x1p-24f;
}

static void fill_gaps(column *c)
{
    float *values = (float *)(void *)c->values;
    int64_t level = 2000;
    for (size_t i = 0; i < c->row_count; i++) {
        level += (int64_t)(next_random() % 5) - 2;
        values[i] = next_random() % 100 == 0 ? __builtin_nanf("") : (float)level / 10.0f;
    }
}

static void fill_counts(column *c)
{
    int32_t *values = (int32_t *)(void *)c->values;
    int32_t level = 2048;
    for (size_t i = 0; i < c->row_count; i++) {
        level += (int32_t)(next_random() % 33) - 16;
        values[i] = level;
    }
}

/* Ticks at random milliseconds, several in one now and then. */
static void fill_ticks(column *c)
{
    int64_t *times = (int64_t *)(void *)c->values, time = 1700000000000;
    for (size_t i = 0; i < c->row_count; i++) {
        times[i] = time;
        uint32_t random = next_random();
        time += random % 4 == 0 ? 0 : (int64_t)((random >> 8) % 200);
    }
}

/* ---- the processor ---- */

typedef struct pack_job {
    const column *column;
    gch__column_input input;
    uint8_t *packed;  /* a group's words, one group behind the other */
    uint32_t *widths; /* a block */
    int64_t *bounds;
    gch__time_line *lines;
} pack_job;

static void fit_group(void *context, size_t task, uint32_t worker)
{
    (void)worker;
    pack_job *job = context;
    const int64_t *times = (const int64_t *)(const void *)job->column->values;
    uint8_t *to = job->packed + task * GCH__GROUP_BYTES;
    size_t first = task * GCH__GROUP_ROWS;
    size_t end = GCH_MIN(first + GCH__GROUP_ROWS, job->column->row_count);
    for (size_t row = first; row < end; row += GCH_BLOCK_ROWS) {
        gch__time_line line = gch__time_encode_block(
            gch__kernels_get(), times + row, (uint32_t)GCH_MIN(end - row, (size_t)GCH_BLOCK_ROWS),
            (uint64_t)times[row / GCH_SUPER_ROWS * GCH_SUPER_ROWS], 1, (uint32_t *)(void *)to);
        job->lines[row / GCH_BLOCK_ROWS] = line;
        to += (size_t)line.bits * GCH__PAYLOAD_UNIT;
    }
}

static void pack_group(void *context, size_t task, uint32_t worker)
{
    (void)worker;
    pack_job *job = context;
    const gch__kernels *kernels = gch__kernels_get();
    uint8_t *to = job->packed + task * GCH__GROUP_BYTES;
    size_t first = task * GCH__GROUP_ROWS;
    size_t end = GCH_MIN(first + GCH__GROUP_ROWS, job->column->row_count);
    gch__block_keys block;
    for (size_t row = first; row < end; row += GCH_BLOCK_ROWS) {
        uint32_t count = (uint32_t)GCH_MIN(end - row, (size_t)GCH_BLOCK_ROWS);
        size_t number = row / GCH_BLOCK_ROWS;
        if (!gch__block_keys_make(kernels, &job->input, job->column->kind, row, count, &block))
            bench_fail("%s: a value does not fit its kind", job->column->name);
        job->widths[number] = gch__block_pack(kernels, &block, (uint32_t *)(void *)to);
        job->bounds[2 * number] = block.min;
        job->bounds[2 * number + 1] = block.max;
        to += (size_t)job->widths[number] * GCH__PAYLOAD_UNIT;
    }
}

static size_t count_groups(const column *c)
{
    return (c->row_count + GCH__GROUP_ROWS - 1) / GCH__GROUP_ROWS;
}

/* Bytes of values a second, the median of several runs. */
static double pack_rate(pack_job *job, gch_workers *workers)
{
    double samples[REPEATS];
    for (int i = -1; i < (int)REPEATS; i++) {
        int64_t start = gch__clock_ns();
        gch__parallel_for(workers, count_groups(job->column),
                          job->column->is_time ? fit_group : pack_group, job);
        samples[i < 0 ? 0 : i] = (double)(gch__clock_ns() - start);
    }
    double bytes = (double)job->column->row_count * (double)gch_type_bytes(job->column->type);
    return bytes / bench_stats_from(samples, REPEATS).median * 1e9;
}

/* ---- the device ---- */

typedef struct spans {
    double load, run, fetch; /* nanoseconds of all batches */
    double passes[GCH__GPU_TIMERS_MAX];
    char labels[GCH__GPU_TIMERS_MAX][GCH__GPU_LABEL_CAP];
    uint32_t pass_count;
    double result_bytes;
} spans;

static void wait_all(gch__gpu *gpu)
{
    check(gch__gpu_wait(gpu, gch__gpu_get_stats(gpu).submits, &err));
}

static void add_passes(gch__gpu *gpu, spans *s)
{
    gch__gpu_timing timings[GCH__GPU_TIMERS_MAX];
    uint32_t count;
    check(gch__gpu_get_timings(gpu, timings, GCH__GPU_TIMERS_MAX, &count, &err));
    s->pass_count = count;
    for (uint32_t i = 0; i < count; i++) {
        s->passes[i] += (double)timings[i].ns;
        memcpy(s->labels[i], timings[i].label, sizeof s->labels[i]);
    }
}

/* What came back against what the processor made of the same rows. */
static void compare_batch(const pack_job *job, const gch__gpu_encoded *encoded, size_t first_row)
{
    const uint8_t *payload = (const uint8_t *)encoded->payload;
    size_t first = first_row / GCH_BLOCK_ROWS;
    const uint8_t *own = NULL;
    for (uint32_t b = 0; b < encoded->block_count; b++) {
        size_t block = first + b, group = block / (GCH__GROUP_ROWS / GCH_BLOCK_ROWS);
        if (block % (GCH__GROUP_ROWS / GCH_BLOCK_ROWS) == 0)
            own = job->packed + group * GCH__GROUP_BYTES;
        size_t bytes = (size_t)job->widths[block] * GCH__PAYLOAD_UNIT;
        const gch__pair64 *wide = encoded->levels[0];
        const gch__pair32 *narrow = encoded->levels[0];
        uint64_t min = encoded->is_wide ? wide[b].min : narrow[b].min;
        uint64_t max = encoded->is_wide ? wide[b].max : narrow[b].max;
        if (encoded->base + min != (uint64_t)job->bounds[2 * block] ||
            encoded->base + max != (uint64_t)job->bounds[2 * block + 1] ||
            memcmp(payload, own, bytes) != 0)
            bench_fail("%s: block %zu differs on the GPU", job->column->name, block);
        own += bytes;
        payload += bytes;
    }
}

static void compare_times(const pack_job *job, const gch__gpu_encoded_times *encoded,
                          size_t first_row)
{
    const uint8_t *payload = (const uint8_t *)encoded->payload, *own = NULL;
    for (uint32_t b = 0; b < encoded->block_count; b++) {
        size_t block = first_row / GCH_BLOCK_ROWS + b;
        size_t bytes = (size_t)job->lines[block].bits * GCH__PAYLOAD_UNIT;
        if (block % (GCH__GROUP_ROWS / GCH_BLOCK_ROWS) == 0)
            own = job->packed + block / (GCH__GROUP_ROWS / GCH_BLOCK_ROWS) * GCH__GROUP_BYTES;
        if (memcmp(&encoded->lines[b], &job->lines[block], sizeof *job->lines) != 0 ||
            memcmp(payload, own, bytes) != 0)
            bench_fail("%s: block %zu differs on the GPU", job->column->name, block);
        own += bytes;
        payload += bytes;
    }
}

/* What a batch comes back as. */
typedef struct results {
    gch__gpu_encoded values;
    gch__gpu_encoded_times times;
} results;

static void run_passes(gch__gpu_encode *encode, const column *c)
{
    if (c->is_time)
        check(gch__gpu_encode_run_times(encode, ((const int64_t *)(const void *)c->values)[0], 1,
                                        &err));
    else
        check(gch__gpu_encode_run(encode, c->kind, &err));
}

/* Returns the bytes of packed words. */
static uint64_t fetch(gch__gpu_encode *encode, const column *c, results *io)
{
    if (c->is_time) {
        check(gch__gpu_encode_fetch_times(encode, &io->times, &err));
        return io->times.payload_bytes;
    }
    check(gch__gpu_encode_fetch(encode, &io->values, &err));
    return io->values.payload_bytes;
}

static void run_batches(gch__gpu *gpu, gch__gpu_encode *encode, const pack_job *job,
                        size_t batch_rows, results *io, bool compares, spans *out)
{
    const column *c = job->column;
    *out = (spans){0};
    for (size_t first = 0; first < c->row_count; first += batch_rows) {
        size_t rows = GCH_MIN(batch_rows, c->row_count - first);
        int64_t start = gch__clock_ns();
        check(gch__gpu_encode_load(encode, c->type, c->values + first * gch_type_bytes(c->type),
                                   (uint32_t)rows, &err));
        wait_all(gpu);
        int64_t loaded = gch__clock_ns();
        run_passes(encode, c);
        wait_all(gpu);
        int64_t ran = gch__clock_ns();
        add_passes(gpu, out);
        int64_t fetching = gch__clock_ns();
        out->result_bytes += (double)fetch(encode, c, io);
        out->fetch += (double)(gch__clock_ns() - fetching);
        out->load += (double)(loaded - start);
        out->run += (double)(ran - loaded);
        if (compares && c->is_time)
            compare_times(job, &io->times, first);
        else if (compares)
            compare_batch(job, &io->values, first);
    }
}

static double sum_passes(const spans *s)
{
    double ns = 0;
    for (uint32_t i = 0; i < s->pass_count; i++)
        ns += s->passes[i];
    return ns > 0 ? ns : s->run;
}

static cJSON *measure_device(gch__gpu *gpu, gch__gpu_encode *encode, const pack_job *job,
                             size_t batch_rows)
{
    static spans all[REPEATS];
    double load[REPEATS], passes[REPEATS], fetch[REPEATS], whole[REPEATS];
    results io = {0};
    double bytes = (double)job->column->row_count * (double)gch_type_bytes(job->column->type);
    run_batches(gpu, encode, job, batch_rows, &io, true, &all[0]);
    for (uint32_t i = 0; i < REPEATS; i++) {
        run_batches(gpu, encode, job, batch_rows, &io, false, &all[i]);
        load[i] = all[i].load;
        fetch[i] = all[i].fetch;
        passes[i] = sum_passes(&all[i]);
        whole[i] = all[i].load + all[i].run + all[i].fetch;
    }
    gch__gpu_encoded_reset(&io.values);
    gch__gpu_encoded_times_reset(&io.times);
    cJSON *json = cJSON_CreateObject();
    double ns = bench_stats_from(passes, REPEATS).median;
    cJSON_AddNumberToObject(json, "upload_bytes_per_s",
                            bytes / bench_stats_from(load, REPEATS).median * 1e9);
    cJSON_AddNumberToObject(json, "passes_bytes_per_s", bytes / ns * 1e9);
    cJSON_AddNumberToObject(json, "passes_rows_per_s", (double)job->column->row_count / ns * 1e9);
    cJSON_AddStringToObject(json, "passes_clock", all[0].pass_count > 0 ? "device" : "host");
    double floor = bench_gpu_floor_ms((uint64_t)bytes);
    if (floor > 0)
        cJSON_AddNumberToObject(json, "passes_to_reading", ns * 1e-6 / floor);
    cJSON *split = cJSON_AddObjectToObject(json, "pass_ms");
    for (uint32_t i = 0; i < all[REPEATS - 1].pass_count; i++)
        cJSON_AddNumberToObject(split, all[REPEATS - 1].labels[i],
                                all[REPEATS - 1].passes[i] * 1e-6);
    cJSON_AddNumberToObject(json, "download_bytes", all[0].result_bytes);
    cJSON_AddNumberToObject(json, "download_ms", bench_stats_from(fetch, REPEATS).median * 1e-6);
    cJSON_AddNumberToObject(json, "whole_bytes_per_s",
                            bytes / bench_stats_from(whole, REPEATS).median * 1e9);
    return json;
}

/* ---- files ---- */

typedef struct image {
    void *bytes;
    size_t count;
} image;

static double write_file(const column *c, gch_workers *workers, gch_encoder *encoder, image *out)
{
    gch_column_desc desc = {.name = "v", .type = c->type};
    gch_column_data data = {.values = c->values};
    gch_writer *writer = NULL;
    int64_t start = gch__clock_ns();
    check(gch_writer_create_memory(&(gch_writer_desc){.time_unit = GCH_TIME_MS,
                                                      .columns = &desc,
                                                      .column_count = 1,
                                                      .workers = workers,
                                                      .encoder = encoder},
                                   &writer, &err));
    const int64_t *times = c->is_time ? (const int64_t *)(const void *)c->values : c->times;
    check(gch_writer_append(writer, times, &data, c->row_count, &err));
    check(gch_writer_finish_memory(writer, &out->bytes, &out->count, &err));
    return (double)(gch__clock_ns() - start);
}

static cJSON *measure_files(const column *c, gch_workers *workers)
{
    double own[REPEATS], gpu[REPEATS];
    gch_encoder *encoder = NULL;
    check(gch_encoder_make_gpu(&(gch_encoder_desc){.workers = workers}, &encoder, &err));
    for (int i = -1; i < (int)REPEATS; i++) {
        image a, b;
        own[i < 0 ? 0 : i] = write_file(c, workers, NULL, &a);
        gpu[i < 0 ? 0 : i] = write_file(c, workers, encoder, &b);
        if (a.count != b.count || memcmp(a.bytes, b.bytes, a.count) != 0)
            bench_fail("%s: the file that the GPU encoded differs", c->name);
        gch_writer_free_memory(a.bytes, NULL);
        gch_writer_free_memory(b.bytes, NULL);
    }
    gch_encoder_stats stats = gch_encoder_get_stats(encoder);
    if (stats.failure[0] != 0)
        bench_fail("%s: the GPU gave up: %s", c->name, stats.failure);
    gch_encoder_destroy(encoder);
    double bytes = (double)c->row_count * (double)(8 + gch_type_bytes(c->type));
    double own_ns = bench_stats_from(own, REPEATS).median;
    double gpu_ns = bench_stats_from(gpu, REPEATS).median;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "cpu_input_bytes_per_s", bytes / own_ns * 1e9);
    cJSON_AddNumberToObject(json, "gpu_input_bytes_per_s", bytes / gpu_ns * 1e9);
    cJSON_AddNumberToObject(json, "gpu_to_cpu_time", gpu_ns / own_ns);
    cJSON_AddBoolToObject(json, "same_bytes", true);
    return json;
}

static cJSON *measure(column *c, void (*fill)(column *c), gch__gpu *gpu, gch__gpu_encode *encode,
                      gch_workers *workers, size_t batch_rows)
{
    const gch__column_input input = {.type = c->type, .values = c->values};
    size_t blocks = (c->row_count + GCH_BLOCK_ROWS - 1) / GCH_BLOCK_ROWS;
    fill(c);
    c->is_time = fill == fill_ticks;
    c->kind = gch__kind_guess(gch__kernels_get(), &input, (gch__key_kind){0}, c->row_count,
                              GCH__SAMPLE_BLOCKS);
    pack_job job = {.column = c,
                    .input = input,
                    .packed = bench_alloc(count_groups(c) * GCH__GROUP_BYTES),
                    .widths = bench_alloc(blocks * sizeof *job.widths),
                    .bounds = bench_alloc(2 * blocks * sizeof *job.bounds),
                    .lines = bench_alloc(blocks * sizeof *job.lines)};
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "name", c->name);
    cJSON_AddNumberToObject(json, "rows", (double)c->row_count);
    cJSON_AddNumberToObject(json, "input_bytes",
                            (double)c->row_count * (double)gch_type_bytes(c->type));
    cJSON_AddNumberToObject(json, "cpu_one_thread_bytes_per_s", pack_rate(&job, NULL));
    cJSON_AddNumberToObject(json, "cpu_bytes_per_s", pack_rate(&job, workers));
    cJSON_AddItemToObject(json, "gpu", measure_device(gpu, encode, &job, batch_rows));
    cJSON_AddItemToObject(json, "file", measure_files(c, workers));
    bench_free(job.packed);
    bench_free(job.widths);
    bench_free(job.bounds);
    bench_free(job.lines);
    return json;
}

static size_t read_count(const char *text, size_t max)
{
    char *end;
    unsigned long long count = strtoull(text, &end, 10);
    if (*end != 0 || count > max)
        bench_fail("usage: bench_gpu_encode [--rows N] [--threads N] [--batch N]");
    return (size_t)count;
}

int main(int argument_count, char **arguments)
{
    size_t row_count = 4000000, threads = 0, batch_rows = 1u << 22;
    for (int i = 1; i + 1 < argument_count; i += 2) {
        if (strcmp(arguments[i], "--rows") == 0)
            row_count = read_count(arguments[i + 1], (size_t)1 << 31);
        else if (strcmp(arguments[i], "--threads") == 0)
            threads = read_count(arguments[i + 1], 1024);
        else if (strcmp(arguments[i], "--batch") == 0)
            batch_rows = read_count(arguments[i + 1], GCH__GPU_ENCODE_ROWS_MAX);
    }
    batch_rows = batch_rows / GCH__GROUP_ROWS * GCH__GROUP_ROWS;
    if (row_count == 0 || batch_rows == 0)
        bench_fail("rows and batches of %u rows at least", GCH__GROUP_ROWS);
    gch__gpu *gpu = NULL;
    gch__gpu_encode *encode = NULL;
    gch_workers *workers = NULL;
    check(gch_workers_make((uint32_t)threads, NULL, &workers, &err));
    check(gch__gpu_make(&(gch__gpu_desc){.workers = workers}, &gpu, &err));
    check(gch__gpu_encode_make(gpu, NULL, &encode, &err));
    gch__gpu_set_timing(gpu, true);
    column c = {.row_count = row_count,
                .values = bench_alloc(row_count * 8),
                .times = bench_alloc(row_count * sizeof *c.times)};
    for (size_t i = 0; i < row_count; i++)
        c.times[i] = 1000 * (int64_t)i;
    cJSON *report = bench_report_make("how fast does the GPU turn raw columns into blocks?");
    cJSON_AddStringToObject(report, "adapter", gch__gpu_get_info(gpu)->adapter);
    cJSON_AddNumberToObject(report, "workers", gch_workers_count(workers));
    cJSON_AddNumberToObject(report, "batch_rows", (double)batch_rows);
    cJSON_AddNumberToObject(report, "memcpy_bytes_per_s", bench_memcpy_bytes_per_s(row_count * 8));
    cJSON *cases = cJSON_AddArrayToObject(report, "cases");
    static const struct {
        const char *name;
        gch_type type;
        void (*fill)(column *c);
    } all[] = {{"f64 prices in 0.01", GCH_TYPE_F64, fill_prices},
               {"f64 noise", GCH_TYPE_F64, fill_double_noise},
               {"f32 noise", GCH_TYPE_F32, fill_float_noise},
               {"f32 in 0.1, one row in 100 NaN", GCH_TYPE_F32, fill_gaps},
               {"i32 counts", GCH_TYPE_I32, fill_counts},
               {"i64 irregular times", GCH_TYPE_I64, fill_ticks}};
    for (size_t i = 0; i < GCH_COUNT_OF(all); i++) {
        c.name = all[i].name;
        c.type = all[i].type;
        cJSON_AddItemToArray(cases, measure(&c, all[i].fill, gpu, encode, workers, batch_rows));
    }
    gch__gpu_encode_destroy(encode);
    gch__gpu_destroy(gpu);
    gch_workers_destroy(workers);
    bench_free(c.values);
    bench_free(c.times);
    return bench_report_print(report);
}
