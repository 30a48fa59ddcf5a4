/* What the benchmark programs share: timing, order statistics, and a report in JSON.
 *
 * A program is named by the question it answers, measures its baseline in the same run, and prints
 * one JSON object:
 *
 *     cJSON *report = bench_report_make("how fast is a frame?");
 *     bench_stats stats = bench_time(draw, &frame, 20, 5000000);
 *     cJSON_AddItemToObject(report, "frame_ns", bench_stats_json(&stats));
 *     return bench_report_print(report);
 *
 * These programs end at the first failure: bench_fail prints one line and exits with 1.
 */
#ifndef GCH_BENCH_H
#define GCH_BENCH_H

#include "gch/status.h"

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bench_stats {
    size_t count;
    double min, median, p90, p99, max;
} bench_stats;

/* Sorts the samples in place; count >= 1. Percentiles are the nearest rank's. */
bench_stats bench_stats_from(double *samples, size_t count);
/* {"min": …, "median": …, "p90": …, "p99": …, "max": …, "count": …} */
cJSON *bench_stats_json(const bench_stats *stats);

/* Nanoseconds a call of body(context): after one call to warm up, `repeats` (1-1000) samples, each
 * the mean of as many calls as fill sample_ns, at least one. */
typedef void bench_body(void *context);
bench_stats bench_time(bench_body *body, void *context, uint32_t repeats, int64_t sample_ns);

/* Bytes a second that memcpy copies from one block of `bytes` to another, by the median of 7: the
 * baseline for everything that moves data. */
double bench_memcpy_bytes_per_s(size_t bytes);

/* {"question": …, "version": …, "machine": {"cpu", "threads", "memory_bytes", "simd",
 * "compiler"}} */
cJSON *bench_report_make(const char *question);
/* Of this process: {"peak_rss_bytes", "rss_bytes", "anonymous_bytes"}, from /proc/self/status. */
cJSON *bench_memory_json(void);
/* Adds "memory", prints the report to stdout and frees it. Returns main's exit code. */
int bench_report_print(cJSON *report);

/* Bytes from the process heap; ends the program when there are none. */
void *bench_alloc(size_t bytes);
void bench_free(void *memory);

GCH_PRINTF(1, 2)
_Noreturn void bench_fail(const char *format, ...);

#endif
