/* Which instruction set to use: the best that the processor has, or the one that GCH_CPU names. */
#include "base.h"

#include <stdlib.h>
#include <string.h>

static const char *const level_names[] = {
    [GCH__CPU_SCALAR] = "scalar", [GCH__CPU_AVX2] = "avx2", [GCH__CPU_AVX512] = "avx512",
    [GCH__CPU_NEON] = "neon",     [GCH__CPU_WASM] = "wasm",
};
_Static_assert(GCH_COUNT_OF(level_names) == GCH__CPU_LEVEL_COUNT, "a name a level");

gch__cpu_level gch__cpu_get_level(void)
{
    gch__cpu_level best = GCH__CPU_SCALAR;
    const char *wanted = getenv("GCH_CPU");
    for (int i = 0; i < GCH__CPU_LEVEL_COUNT; i++) {
        gch__cpu_level level = (gch__cpu_level)i;
        if (!gch__cpu_has(level))
            continue;
        if (wanted != NULL && strcmp(wanted, level_names[level]) == 0)
            return level;
        best = level;
    }
    return best;
}

const char *gch__cpu_level_name(gch__cpu_level level)
{
    return level_names[level];
}
