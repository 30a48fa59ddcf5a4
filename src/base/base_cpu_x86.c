/* The levels of an x86-64 processor. The compiler's check covers the operating system's part too:
 * that it saves the wide registers. */
#include "base.h"

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
}

static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vbmi2");
}

bool gch__cpu_has(gch__cpu_level level)
{
    switch (level) {
    case GCH__CPU_SCALAR:
        return true;
    case GCH__CPU_AVX2:
        return has_avx2();
    case GCH__CPU_AVX512:
        return has_avx512();
    default:
        return false;
    }
}
