/* One table of kernels a CPU level, filled once.
 *
 * 1. Every table starts as the scalar one, so that no entry is ever NULL.
 * 2. The tables are written by the thread that takes `state` from UNFILLED to FILLING; afterwards
 *    they are constant.
 * 3. GCH_CPU lowers the level for the whole process: a level above it has no table.
 */
#include "codec_kernels.h"
#include "base.h"
#include "codec_kernels_isa.h"

#include <sched.h>
#include <stdatomic.h>

enum { UNFILLED, FILLING, FILLED };

static atomic_int state = UNFILLED;
static gch__kernels tables[GCH__CPU_LEVEL_COUNT];
static bool has_table[GCH__CPU_LEVEL_COUNT];
static gch__cpu_level best_level;

static void fill(void)
{
    best_level = gch__cpu_get_level();
    for (int level = 0; level <= (int)best_level; level++) {
        gch__kernels_fill_scalar(&tables[level]);
        has_table[level] =
            level == GCH__CPU_SCALAR ||
            (gch__cpu_has((gch__cpu_level)level) && gch__kernels_fill_isa(&tables[level], level));
    }
}

/* Not pthread_once, which not every platform has. Filling takes about a microsecond, so whoever
 * comes second may as well wait for it like this. */
static void fill_once(void)
{
    if (atomic_load_explicit(&state, memory_order_acquire) == FILLED)
        return;
    int expected = UNFILLED;
    if (atomic_compare_exchange_strong(&state, &expected, FILLING)) {
        fill();
        atomic_store_explicit(&state, FILLED, memory_order_release);
        return;
    }
    while (atomic_load_explicit(&state, memory_order_acquire) != FILLED)
        sched_yield();
}

const gch__kernels *gch__kernels_get(void)
{
    fill_once();
    return &tables[best_level];
}

const gch__kernels *gch__kernels_get_level(int cpu_level)
{
    fill_once();
    if (cpu_level < 0 || cpu_level >= GCH__CPU_LEVEL_COUNT || !has_table[cpu_level])
        return NULL;
    return &tables[cpu_level];
}
