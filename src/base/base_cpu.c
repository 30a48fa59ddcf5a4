/* Which instruction set to use: what the processor has, lowered by GCH_CPU. */
#include "base.h"

#include <stdlib.h>
#include <string.h>

static const char *const level_names[] = {"scalar", "avx2"};

static gch__cpu_level detect(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"))
        return GCH__CPU_AVX2;
#endif
    return GCH__CPU_SCALAR;
}

gch__cpu_level gch__cpu_get_level(void)
{
    gch__cpu_level level = detect();
    const char *wanted = getenv("GCH_CPU");
    for (size_t i = 0; wanted != NULL && i < GCH_COUNT_OF(level_names); i++)
        if (strcmp(wanted, level_names[i]) == 0 && (gch__cpu_level)i < level)
            level = (gch__cpu_level)i;
    return level;
}

const char *gch__cpu_level_name(gch__cpu_level level)
{
    return level_names[level];
}
