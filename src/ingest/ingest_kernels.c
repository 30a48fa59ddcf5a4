/* One table of kernels a CPU level, filled once.
 *
 * 1. Every table starts as the scalar one, so that no entry is ever NULL.
 * 2. Tables are written by the thread that takes `state` from UNFILLED to FILLING; afterwards they
 *    are constant. Not by pthread_once, which not every platform has.
 */
#include "ingest_kernels.h"

#include <sched.h>
#include <stdatomic.h>

enum { UNFILLED, FILLING, FILLED };

static atomic_int state = UNFILLED;
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

static void fill_once(void)
{
    int expected = UNFILLED;
    if (atomic_load_explicit(&state, memory_order_acquire) == FILLED)
        return;
    if (atomic_compare_exchange_strong(&state, &expected, FILLING)) {
        fill();
        atomic_store_explicit(&state, FILLED, memory_order_release);
        return;
    }
    while (atomic_load_explicit(&state, memory_order_acquire) != FILLED)
        sched_yield();
}

const gch__ingest_kernels *gch__ingest_kernels_get(void)
{
    fill_once();
    return &tables[best_level];
}

const gch__ingest_kernels *gch__ingest_kernels_get_level(int cpu_level)
{
    fill_once();
    if (cpu_level < 0 || cpu_level >= GCH__CPU_LEVEL_COUNT || !has_table[cpu_level])
        return NULL;
    return &tables[cpu_level];
}
