/* What the kernel benchmarks measure: each kernel on inputs such as its callers give it.
 *
 * The cases need the codec alone, so that the same ones run in an emulator and in a WebAssembly
 * engine (bench_kernels_lean.c).
 */
#ifndef GCH_BENCH_KERNELS_CASES_H
#define GCH_BENCH_KERNELS_CASES_H

#include "codec.h"

typedef struct kernel_job kernel_job;

typedef struct kernel_case {
    const char *kernel, *variant; /* variant: NULL if there is one alone */
    bool from_memory;             /* reads packed blocks that no cache holds */
    bool makes_words;             /* decodes 32-bit words, as memcpy would copy them */
    uint32_t bits;                /* 0: the kernel has none */
    double values;                /* that one call of body works on */
    void (*body)(void *job);
} kernel_case;

/* Calls visit for every case, with the job prepared for it. Blocks from memory are cut out of
 * `memory_bytes` bytes; 0: no such cases. False if there is no memory for the inputs. */
typedef void kernel_visit(void *context, const kernel_case *c, kernel_job *job);
bool kernel_cases_visit(size_t memory_bytes, kernel_visit *visit, void *context);

/* The table that the bodies use from now on. */
void kernel_job_use(kernel_job *job, const gch__kernels *kernels);

#endif
