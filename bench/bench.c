/* Timing, order statistics and JSON reports for the benchmark programs. */
#include "bench.h"
#include "base.h"
#include "gch/version.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SAMPLES_CAP 1000u

_Noreturn void bench_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

void *bench_alloc(size_t bytes)
{
    void *memory = gch__alloc(NULL, bytes, "benchmark");
    if (memory == NULL)
        bench_fail("out of memory: %zu bytes", bytes);
    return memory;
}

void bench_free(void *memory)
{
    gch__free(NULL, memory, "benchmark");
}

/* ---- statistics ---- */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The smallest sample that at least `percent` % of the samples do not exceed. */
static double percentile(const double *sorted, size_t count, size_t percent)
{
    size_t rank = (count * percent + 99) / 100;
    return sorted[rank == 0 ? 0 : rank - 1];
}

bench_stats bench_stats_from(double *samples, size_t count)
{
    qsort(samples, count, sizeof *samples, compare_doubles);
    return (bench_stats){.count = count,
                         .min = samples[0],
                         .median = percentile(samples, count, 50),
                         .p90 = percentile(samples, count, 90),
                         .p99 = percentile(samples, count, 99),
                         .max = samples[count - 1]};
}

cJSON *bench_stats_json(const bench_stats *stats)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "min", stats->min);
    cJSON_AddNumberToObject(json, "median", stats->median);
    cJSON_AddNumberToObject(json, "p90", stats->p90);
    cJSON_AddNumberToObject(json, "p99", stats->p99);
    cJSON_AddNumberToObject(json, "max", stats->max);
    cJSON_AddNumberToObject(json, "count", (double)stats->count);
    return json;
}

/* ---- timing ---- */

static double time_calls(bench_body *body, void *context, uint64_t calls)
{
    int64_t start = gch__clock_ns();
    for (uint64_t i = 0; i < calls; i++)
        body(context);
    return (double)(gch__clock_ns() - start) / (double)calls;
}

bench_stats bench_time(bench_body *body, void *context, uint32_t repeats, int64_t sample_ns)
{
    double samples[SAMPLES_CAP];
    if (repeats == 0 || repeats > SAMPLES_CAP)
        bench_fail("%u repeats: 1 to %u are possible", repeats, SAMPLES_CAP);
    uint64_t calls = 1;
    body(context);
    while (time_calls(body, context, calls) * (double)calls < (double)sample_ns)
        calls *= 2;
    for (uint32_t i = 0; i < repeats; i++)
        samples[i] = time_calls(body, context, calls);
    return bench_stats_from(samples, repeats);
}

typedef struct copy {
    void *to;
    const void *from;
    size_t bytes;
} copy;

static void copy_once(void *context)
{
    copy *c = context;
    memcpy(c->to, c->from, c->bytes);
    /* The copy is read, as far as the compiler can tell. */
    __asm__ volatile("" : : "r"(c->to) : "memory");
}

double bench_memcpy_bytes_per_s(size_t bytes)
{
    char *from = bench_alloc(bytes), *to = bench_alloc(bytes);
    memset(from, 1, bytes);
    memset(to, 2, bytes);
    copy c = {.to = to, .from = from, .bytes = bytes};
    bench_stats stats = bench_time(copy_once, &c, 7, 3000000);
    bench_free(from);
    bench_free(to);
    return (double)bytes * 1e9 / stats.median;
}

/* ---- reports ---- */

/* The text behind "name ... :" on the first line of a /proc file that starts so; "" if none. */
static void read_field(const char *path, const char *name, char *out, size_t cap)
{
    out[0] = '\0';
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return;
    char line[1024];
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, name, strlen(name)) != 0)
            continue;
        const char *text = strchr(line, ':');
        if (text == NULL)
            continue;
        text += 1 + strspn(text + 1, " \t");
        snprintf(out, cap, "%.*s", (int)strcspn(text, "\n"), text);
        break;
    }
    fclose(file);
}

static double read_kib(const char *path, const char *name)
{
    char text[64];
    read_field(path, name, text, sizeof text);
    return strtod(text, NULL) * 1024;
}

cJSON *bench_report_make(const char *question)
{
    char cpu[128];
    read_field("/proc/cpuinfo", "model name", cpu, sizeof cpu);
    cJSON *report = cJSON_CreateObject();
    cJSON_AddStringToObject(report, "question", question);
    cJSON_AddStringToObject(report, "version", GCH_VERSION_TEXT);
    cJSON *machine = cJSON_AddObjectToObject(report, "machine");
    cJSON_AddStringToObject(machine, "cpu", cpu);
    cJSON_AddNumberToObject(machine, "threads", (double)sysconf(_SC_NPROCESSORS_ONLN));
    cJSON_AddNumberToObject(machine, "memory_bytes", read_kib("/proc/meminfo", "MemTotal"));
    cJSON_AddStringToObject(machine, "simd", gch__cpu_level_name(gch__cpu_get_level()));
    cJSON_AddStringToObject(machine, "compiler", __VERSION__);
    return report;
}

cJSON *bench_memory_json(void)
{
    static const char status[] = "/proc/self/status";
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "peak_rss_bytes", read_kib(status, "VmHWM"));
    cJSON_AddNumberToObject(json, "rss_bytes", read_kib(status, "VmRSS"));
    cJSON_AddNumberToObject(json, "anonymous_bytes", read_kib(status, "RssAnon"));
    return json;
}

int bench_report_print(cJSON *report)
{
    cJSON_AddItemToObject(report, "memory", bench_memory_json());
    char *text = cJSON_Print(report);
    cJSON_Delete(report);
    if (text == NULL || puts(text) < 0 || fflush(stdout) != 0)
        bench_fail("the report could not be written");
    cJSON_free(text);
    return 0;
}
