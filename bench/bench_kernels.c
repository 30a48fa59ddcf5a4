/* How much faster are the SIMD kernels than the scalar ones, and how do they compare with memcpy?
 *
 * "cache": the blocks of one call fit the first-level cache. "memory": packed blocks that no cache
 * holds are read once, decoded into a buffer that stays in cache, as a consumer would. A ratio is
 * the scalar level's median time over the SIMD level's. `of_memcpy` is the rate of 32-bit values
 * decoded, in bytes, over the rate at which memcpy copies bytes in the same place.
 */
#include "base.h"
#include "bench.h"
#include "bench_kernels_cases.h"

#define REPEATS 7
#define SAMPLE_NS 2000000
#define MEMORY_BYTES ((size_t)96 << 20)
#define CACHE_BYTES ((size_t)8 << 10) /* as many as eight decoded blocks */

typedef struct report {
    cJSON *results;
    double cache_memcpy, memory_memcpy; /* bytes a second */
} report;

static void measure(void *context, const kernel_case *c, kernel_job *job)
{
    const report *r = context;
    cJSON *result = cJSON_CreateObject();
    cJSON_AddStringToObject(result, "kernel", c->kernel);
    if (c->variant != NULL)
        cJSON_AddStringToObject(result, "variant", c->variant);
    if (c->bits != 0)
        cJSON_AddNumberToObject(result, "bits", c->bits);
    cJSON_AddStringToObject(result, "place", c->from_memory ? "memory" : "cache");

    double memcpy_bytes_per_s = c->from_memory ? r->memory_memcpy : r->cache_memcpy;
    double scalar_ns = 0;
    for (int level = GCH__CPU_SCALAR; level < GCH__CPU_LEVEL_COUNT; level++) {
        if (gch__kernels_get_level(level) == NULL)
            continue;
        kernel_job_use(job, gch__kernels_get_level(level));
        bench_stats stats = bench_time(c->body, job, REPEATS, SAMPLE_NS);
        cJSON *times = cJSON_AddObjectToObject(result, gch__cpu_level_name((gch__cpu_level)level));
        cJSON_AddNumberToObject(times, "gvalues_per_s", c->values / stats.median);
        cJSON_AddNumberToObject(times, "gvalues_per_s_best", c->values / stats.min);
        cJSON_AddNumberToObject(times, "ns_per_value", stats.median / c->values);
        if (c->makes_words)
            cJSON_AddNumberToObject(times, "of_memcpy",
                                    c->values * sizeof(uint32_t) * 1e9 / stats.median /
                                        memcpy_bytes_per_s);
        if (level == GCH__CPU_SCALAR)
            scalar_ns = stats.median;
        else
            cJSON_AddNumberToObject(times, "ratio", scalar_ns / stats.median);
    }
    cJSON_AddItemToArray(r->results, result);
}

int main(void)
{
    cJSON *json = bench_report_make("how much faster are the SIMD kernels than the scalar ones, "
                                    "and how do they compare with memcpy?");
    report r = {.cache_memcpy = bench_memcpy_bytes_per_s(CACHE_BYTES),
                .memory_memcpy = bench_memcpy_bytes_per_s(MEMORY_BYTES)};
    cJSON *copies = cJSON_AddObjectToObject(json, "memcpy_gbytes_per_s");
    cJSON_AddNumberToObject(copies, "cache", r.cache_memcpy / 1e9);
    cJSON_AddNumberToObject(copies, "memory", r.memory_memcpy / 1e9);
    r.results = cJSON_AddArrayToObject(json, "kernels");
    if (!kernel_cases_visit(MEMORY_BYTES, measure, &r))
        bench_fail("out of memory");
    return bench_report_print(json);
}
