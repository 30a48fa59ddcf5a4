/* The cost of a call in nanoseconds: the median of a few samples. */
#include "base.h"
#include "bench_lean.h"

#include <stdlib.h>

#define SAMPLE_NS 1000000
#define REPEATS 7

const char *bench_lean_unit(void)
{
    return "ns";
}

static double time_calls(bench_lean_body *body, void *context, uint32_t calls)
{
    int64_t start = gch__clock_ns();
    for (uint32_t i = 0; i < calls; i++)
        body(context);
    return (double)(gch__clock_ns() - start) / calls;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The first samples run what an engine's first, fast compiler made; its better one comes after. */
double bench_lean_cost(bench_lean_body *body, void *context)
{
    uint32_t calls = 1;
    while (calls < 1u << 30 && time_calls(body, context, calls) * calls < SAMPLE_NS)
        calls *= 2;
    double samples[REPEATS];
    for (int i = 0; i < REPEATS; i++)
        samples[i] = time_calls(body, context, calls);
    qsort(samples, REPEATS, sizeof *samples, compare);
    return samples[REPEATS / 2];
}
