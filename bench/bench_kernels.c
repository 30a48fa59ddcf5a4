/* How much faster are the SIMD kernels than the scalar ones, and how do they compare with memcpy?
 *
 * "cache": the blocks of one call fit the first-level cache. "memory": packed blocks that no cache
 * holds are read once, decoded into a buffer that stays in cache, as a consumer would. A ratio is
 * the scalar level's median time over the SIMD level's. `of_memcpy` is the rate of 32-bit values
 * decoded, in bytes, over the rate at which memcpy copies bytes in the same place.
 */
#include "base.h"
#include "bench.h"
#include "codec.h"

#include <math.h>
#include <string.h>

#define REPEATS 7
#define SAMPLE_NS 2000000
#define CACHE_BLOCKS 8u
#define MEMORY_BYTES ((size_t)96 << 20)
#define COUNT 4096u /* elements of the kernels that take arrays */

static const uint32_t widths[] = {1, 4, 8, 12, 16, 20, 24, 32};

typedef struct job {
    const gch__kernels *kernels;
    uint32_t bits, block_count;
    const uint32_t *packed;
    uint32_t *out;      /* CACHE_BLOCKS blocks */
    uint32_t *repacked; /* the same, packed */
    uint64_t *words;    /* 2 * COUNT */
    double *doubles;    /* COUNT decimals of scale 2 */
    float *floats;      /* COUNT decimals of scale 2 */
    int64_t *digits;    /* COUNT */
    uint32_t pair_count;
    const uint64_t *units; /* a time block */
    uint64_t sum;          /* keeps results alive */
} job;

static uint64_t random_state = 1;

static uint64_t next_random(void)
{
    uint64_t z = (random_state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* ---- bodies: one call works on all blocks or on all COUNT elements ---- */

static void run_unpack(void *context)
{
    job *j = context;
    size_t words = gch__block_words(j->bits);
    for (uint32_t b = 0; b < j->block_count; b++)
        j->kernels->unpack(j->packed + words * b, j->bits,
                           j->out + (size_t)(b % CACHE_BLOCKS) * GCH_BLOCK_ROWS);
}

static void run_pack(void *context)
{
    job *j = context;
    size_t words = gch__block_words(j->bits);
    for (uint32_t b = 0; b < j->block_count; b++)
        j->kernels->pack(j->out + (size_t)(b % CACHE_BLOCKS) * GCH_BLOCK_ROWS, j->bits,
                         j->repacked + words * (b % CACHE_BLOCKS));
}

static void run_min_max(void *context)
{
    job *j = context;
    size_t words = gch__block_words(j->bits);
    for (uint32_t b = 0; b < j->block_count; b++) {
        uint32_t min, max;
        j->kernels->min_max(j->packed + words * b, j->bits, 0, GCH_BLOCK_ROWS, &min, &max);
        j->sum += min + max;
    }
}

/* The ends of a pixel column: a block cut in two at a place that nobody can predict. */
static void run_min_max_cut(void *context)
{
    job *j = context;
    size_t words = gch__block_words(j->bits);
    uint32_t cut = (uint32_t)j->sum;
    for (uint32_t b = 0; b < j->block_count; b++) {
        uint32_t min, max;
        cut = cut * 1664525u + 1013904223u;
        uint32_t at = 1 + (cut >> 24) % (GCH_BLOCK_ROWS - 1);
        j->kernels->min_max(j->packed + words * b, j->bits, 0, at, &min, &max);
        j->sum += min + max;
        j->kernels->min_max(j->packed + words * b, j->bits, at, GCH_BLOCK_ROWS, &min, &max);
        j->sum += min + max;
    }
}

static void run_reduce_pairs(void *context)
{
    job *j = context;
    const uint32_t *pairs = (const uint32_t *)j->words;
    for (uint32_t at = 0; at + j->pair_count <= COUNT; at += j->pair_count) {
        uint32_t min = UINT32_MAX, max = 0;
        j->kernels->reduce_pairs(pairs + (size_t)2 * at, j->pair_count, &min, &max);
        j->sum += min + max;
    }
}

static void run_reduce_pairs64(void *context)
{
    job *j = context;
    for (uint32_t at = 0; at + j->pair_count <= COUNT; at += j->pair_count) {
        uint64_t min = UINT64_MAX, max = 0;
        j->kernels->reduce_pairs64(j->words + (size_t)2 * at, j->pair_count, &min, &max);
        j->sum += min + max;
    }
}

static void run_min_max_i64(void *context)
{
    job *j = context;
    int64_t min, max;
    j->kernels->min_max_i64((const int64_t *)j->words, COUNT, &min, &max);
    j->sum += (uint64_t)min + (uint64_t)max;
}

static void run_subtract_narrow(void *context)
{
    job *j = context;
    /* `out` holds half of COUNT. */
    j->kernels->subtract_narrow((const int64_t *)j->words, 12345, COUNT / 2, j->out);
    j->kernels->subtract_narrow((const int64_t *)j->words + COUNT / 2, 12345, COUNT / 2, j->out);
}

static void run_decimals_f64(void *context)
{
    job *j = context;
    j->sum += j->kernels->decimals_from_f64(j->doubles, COUNT, 2, j->digits);
}

static void run_decimals_f32(void *context)
{
    job *j = context;
    j->sum += j->kernels->decimals_from_f32(j->floats, COUNT, 2, j->digits);
}

static void run_time_line_fit(void *context)
{
    job *j = context;
    j->sum += gch__time_line_fit(j->kernels, j->units, j->repacked).bits;
}

/* ---- measuring ---- */

typedef struct entry {
    const char *kernel, *place, *variant;
    bench_body *body;
    uint32_t bits;             /* 0: the kernel has none */
    double values;             /* that one call works on */
    double memcpy_bytes_per_s; /* 0: not compared */
} entry;

static void measure(cJSON *results, job *j, entry e)
{
    cJSON *result = cJSON_CreateObject();
    cJSON_AddStringToObject(result, "kernel", e.kernel);
    if (e.variant != NULL)
        cJSON_AddStringToObject(result, "variant", e.variant);
    if (e.bits != 0)
        cJSON_AddNumberToObject(result, "bits", e.bits);
    cJSON_AddStringToObject(result, "place", e.place);

    double scalar_ns = 0;
    for (int level = GCH__CPU_SCALAR; level <= GCH__CPU_AVX2; level++) {
        j->kernels = gch__kernels_get_level(level);
        if (j->kernels == NULL)
            continue;
        bench_stats stats = bench_time(e.body, j, REPEATS, SAMPLE_NS);
        cJSON *times = cJSON_AddObjectToObject(result, gch__cpu_level_name((gch__cpu_level)level));
        cJSON_AddNumberToObject(times, "gvalues_per_s", e.values / stats.median);
        cJSON_AddNumberToObject(times, "gvalues_per_s_best", e.values / stats.min);
        cJSON_AddNumberToObject(times, "ns_per_value", stats.median / e.values);
        if (e.memcpy_bytes_per_s > 0)
            cJSON_AddNumberToObject(times, "of_memcpy",
                                    e.values * sizeof(uint32_t) * 1e9 / stats.median /
                                        e.memcpy_bytes_per_s);
        if (level == GCH__CPU_SCALAR)
            scalar_ns = stats.median;
        else
            cJSON_AddNumberToObject(times, "ratio", scalar_ns / stats.median);
    }
    cJSON_AddItemToArray(results, result);
}

static void measure_blocks(cJSON *results, job *j, double cache_memcpy, double memory_memcpy)
{
    uint32_t *packed = bench_alloc(MEMORY_BYTES);
    for (size_t i = 0; i < MEMORY_BYTES / sizeof *packed; i++)
        packed[i] = (uint32_t)(i * 2654435761u) ^ (uint32_t)(i >> 7);
    j->packed = packed;
    for (size_t w = 0; w < GCH_COUNT_OF(widths); w++) {
        uint32_t bits = widths[w];
        j->bits = bits;
        j->block_count = CACHE_BLOCKS;
        double values = (double)CACHE_BLOCKS * GCH_BLOCK_ROWS;
        measure(results, j,
                (entry){"unpack", "cache", NULL, run_unpack, bits, values, cache_memcpy});
        measure(results, j,
                (entry){"min_max", "cache", NULL, run_min_max, bits, values, cache_memcpy});
        measure(
            results, j,
            (entry){"min_max", "cache", "two parts of a block", run_min_max_cut, bits, values, 0});
        /* Packs what the last width left in `out`, cut down to this one. */
        j->kernels = gch__kernels_get();
        run_unpack(j);
        measure(results, j, (entry){"pack", "cache", NULL, run_pack, bits, values, 0});
    }
    for (size_t w = 0; w < GCH_COUNT_OF(widths); w++) {
        uint32_t bits = widths[w];
        if (bits < 4)
            continue; /* less than the other widths say, and it takes long */
        j->bits = bits;
        j->block_count = (uint32_t)(MEMORY_BYTES / (gch__block_words(bits) * sizeof *packed));
        double values = (double)j->block_count * GCH_BLOCK_ROWS;
        measure(results, j,
                (entry){"unpack", "memory", NULL, run_unpack, bits, values, memory_memcpy});
        measure(results, j,
                (entry){"min_max", "memory", NULL, run_min_max, bits, values, memory_memcpy});
    }
    bench_free(packed);
}

static void measure_arrays(cJSON *results, job *j)
{
    static const struct {
        uint32_t count;
        const char *name;
    } pair_counts[] = {{3, "3 pairs a call"}, {15, "15 pairs a call"}, {4096, "4096 pairs a call"}};
    for (size_t p = 0; p < GCH_COUNT_OF(pair_counts); p++) {
        j->pair_count = pair_counts[p].count;
        double pairs = COUNT - COUNT % j->pair_count;
        measure(
            results, j,
            (entry){"reduce_pairs", "cache", pair_counts[p].name, run_reduce_pairs, 0, pairs, 0});
        measure(results, j,
                (entry){"reduce_pairs64", "cache", pair_counts[p].name, run_reduce_pairs64, 0,
                        pairs, 0});
    }
    measure(results, j, (entry){"min_max_i64", "cache", NULL, run_min_max_i64, 0, COUNT, 0});
    measure(results, j,
            (entry){"subtract_narrow", "cache", NULL, run_subtract_narrow, 0, COUNT, 0});
    measure(results, j, (entry){"decimals_from_f64", "cache", NULL, run_decimals_f64, 0, COUNT, 0});
    measure(results, j, (entry){"decimals_from_f32", "cache", NULL, run_decimals_f32, 0, COUNT, 0});
}

static void measure_time_lines(cJSON *results, job *j)
{
    static uint64_t regular[GCH_BLOCK_ROWS], fractional[GCH_BLOCK_ROWS], irregular[GCH_BLOCK_ROWS];
    double time = 0;
    for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++) {
        regular[i] = UINT64_C(1000) * i;
        fractional[i] = (uint64_t)(20.0 * i + 5.0 / 6 * i);
        irregular[i] = (uint64_t)time;
        time -= log(((double)(next_random() >> 11) + 0.5) / 9007199254740992.0) * 1000;
    }
    j->units = regular;
    measure(results, j,
            (entry){"time_line_fit", "cache", "regular", run_time_line_fit, 0, GCH_BLOCK_ROWS, 0});
    j->units = fractional;
    measure(results, j,
            (entry){"time_line_fit", "cache", "a period of 20 5/6", run_time_line_fit, 0,
                    GCH_BLOCK_ROWS, 0});
    j->units = irregular;
    measure(results, j,
            (entry){"time_line_fit", "cache", "Poisson arrivals", run_time_line_fit, 0,
                    GCH_BLOCK_ROWS, 0});
}

int main(void)
{
    cJSON *report = bench_report_make("how much faster are the SIMD kernels than the scalar ones, "
                                      "and how do they compare with memcpy?");
    job j = {.out = bench_alloc(CACHE_BLOCKS * GCH_BLOCK_ROWS * sizeof *j.out),
             .repacked = bench_alloc(CACHE_BLOCKS * GCH_BLOCK_ROWS * sizeof *j.repacked),
             .words = bench_alloc(2 * COUNT * sizeof *j.words),
             .doubles = bench_alloc(COUNT * sizeof *j.doubles),
             .floats = bench_alloc(COUNT * sizeof *j.floats),
             .digits = bench_alloc(COUNT * sizeof *j.digits)};
    for (size_t i = 0; i < 2 * COUNT; i++)
        j.words[i] = next_random();
    for (size_t i = 0; i < COUNT; i++) {
        j.digits[i] = (int64_t)(next_random() % 2000000) - 1000000;
        j.doubles[i] = (double)j.digits[i] / 100;
        j.floats[i] = (float)j.doubles[i];
    }

    /* As many bytes as the blocks that are decoded: eight blocks, or those from memory. */
    double cache_memcpy =
        bench_memcpy_bytes_per_s(CACHE_BLOCKS * GCH_BLOCK_ROWS * sizeof(uint32_t));
    double memory_memcpy = bench_memcpy_bytes_per_s(MEMORY_BYTES);
    cJSON *copies = cJSON_AddObjectToObject(report, "memcpy_gbytes_per_s");
    cJSON_AddNumberToObject(copies, "cache", cache_memcpy / 1e9);
    cJSON_AddNumberToObject(copies, "memory", memory_memcpy / 1e9);

    cJSON *results = cJSON_AddArrayToObject(report, "kernels");
    measure_blocks(results, &j, cache_memcpy, memory_memcpy);
    measure_arrays(results, &j);
    measure_time_lines(results, &j);
    if (j.sum == 1)
        bench_fail("unlikely"); /* the sum is used */

    bench_free(j.out);
    bench_free(j.repacked);
    bench_free(j.words);
    bench_free(j.doubles);
    bench_free(j.floats);
    bench_free(j.digits);
    return bench_report_print(report);
}
