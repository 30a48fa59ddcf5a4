/* How much less do the SIMD kernels cost than the scalar ones, on a processor that is emulated or
 * in a WebAssembly engine?
 *
 *     bench_kernels_lean [LEAST]
 *
 * Prints JSON; the ratios are the scalar level's cost over the SIMD level's. The exit code is 1 if
 * their geometric mean is below LEAST.
 */
#include "base.h"
#include "bench_kernels_cases.h"
#include "bench_lean.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct report {
    const gch__kernels *simd;
    uint32_t count;
    bool is_measured;
    double sum_of_logs;
} report;

static void measure(void *context, const kernel_case *c, kernel_job *job)
{
    report *r = context;
    kernel_job_use(job, gch__kernels_get_level(GCH__CPU_SCALAR));
    double scalar = bench_lean_cost(c->body, job) / c->values;
    kernel_job_use(job, r->simd);
    double simd = bench_lean_cost(c->body, job) / c->values;
    double ratio = scalar / simd;
    r->is_measured &= scalar > 0 && simd > 0;
    printf("%s\n    {\"kernel\": \"%s\"", r->count == 0 ? "" : ",", c->kernel);
    if (c->variant != NULL)
        printf(", \"variant\": \"%s\"", c->variant);
    if (c->bits != 0)
        printf(", \"bits\": %u", c->bits);
    printf(", \"scalar\": %.3f, \"simd\": %.3f, \"ratio\": %.2f}", scalar, simd, ratio);
    r->count++;
    r->sum_of_logs += log(ratio);
}

int main(int argc, char **argv)
{
    report r = {.simd = gch__kernels_get(), .is_measured = true};
    printf("{\n  \"question\": \"how much less do the SIMD kernels cost than the scalar ones?\",\n"
           "  \"simd\": \"%s\",\n  \"unit\": \"%s a value\",\n  \"kernels\": [",
           gch__cpu_level_name(gch__cpu_get_level()), bench_lean_unit());
    bool is_done = kernel_cases_visit(0, measure, &r);
    double mean = exp(r.sum_of_logs / r.count);
    printf("\n  ],\n  \"geometric_mean_ratio\": %.2f\n}\n", mean);
    if (!is_done || !r.is_measured) {
        fputs("bench_kernels_lean: the cost could not be measured\n", stderr);
        return 1;
    }
    return argc > 1 && mean < strtod(argv[1], NULL) ? 1 : 0;
}
