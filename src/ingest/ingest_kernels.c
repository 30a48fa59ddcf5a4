/* One table of kernels a CPU level, filled once.
 *
 * 1. Every table starts as the scalar one, so that no entry is ever NULL.
 * 2. Tables are written inside pthread_once only; afterwards they are constant.
 */
#include "ingest_kernels.h"

#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static gch__ingest_kernels tables[GCH__CPU_LEVEL_COUNT];
static bool has_table[GCH__CPU_LEVEL_COUNT];
static int best_level;

static void fill(void)
{
    int chosen = (int)gch__cpu_get_level();
    for (int level = 0; level <= chosen; level++) {
        if (!gch__cpu_has((gch__cpu_level)level))
            continue;
        gch__ingest_kernels_fill_scalar(&tables[level]);
        has_table[level] =
            level == GCH__CPU_SCALAR || gch__ingest_kernels_fill_isa(&tables[level], level);
        if (has_table[level])
            best_level = level;
    }
}

const gch__ingest_kernels *gch__ingest_kernels_get(void)
{
    pthread_once(&once, fill);
    return &tables[best_level];
}

const gch__ingest_kernels *gch__ingest_kernels_get_level(int cpu_level)
{
    pthread_once(&once, fill);
    if (cpu_level < 0 || cpu_level >= GCH__CPU_LEVEL_COUNT || !has_table[cpu_level])
        return NULL;
    return &tables[cpu_level];
}
