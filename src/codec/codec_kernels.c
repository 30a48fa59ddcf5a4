/* One table of kernels a CPU level, filled once.
 *
 * 1. Every table starts as the scalar one, so that no entry is ever NULL.
 * 2. Tables are written inside pthread_once only; afterwards they are constant.
 * 3. GCH_CPU lowers the level for the whole process: a level above it has no table.
 */
#include "codec_kernels.h"
#include "base.h"
#include "codec_kernels_isa.h"

#include <pthread.h>

#define LEVEL_COUNT (GCH__CPU_AVX2 + 1)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static gch__kernels tables[LEVEL_COUNT];
static bool has_table[LEVEL_COUNT];
static int best_level;

static void fill(void)
{
    int cpu_level = (int)gch__cpu_get_level();
    for (int level = 0; level <= cpu_level && level < LEVEL_COUNT; level++) {
        gch__kernels_fill_scalar(&tables[level]);
        has_table[level] = level == GCH__CPU_SCALAR || gch__kernels_fill_isa(&tables[level], level);
        if (has_table[level])
            best_level = level;
    }
}

const gch__kernels *gch__kernels_get(void)
{
    pthread_once(&once, fill);
    return &tables[best_level];
}

const gch__kernels *gch__kernels_get_level(int cpu_level)
{
    pthread_once(&once, fill);
    if (cpu_level < 0 || cpu_level >= LEVEL_COUNT || !has_table[cpu_level])
        return NULL;
    return &tables[cpu_level];
}
