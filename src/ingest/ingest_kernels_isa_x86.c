/* The kernel levels of an x86-64 build. This file itself is compiled for any x86-64. */
#include "ingest_kernels.h"

bool gch__ingest_kernels_fill_isa(gch__ingest_kernels *table, int cpu_level)
{
    switch (cpu_level) {
    case GCH__CPU_AVX2:
        gch__ingest_kernels_fill_avx2(table);
        return true;
    case GCH__CPU_AVX512:
        gch__ingest_kernels_fill_avx512(table);
        return true;
    default:
        return false;
    }
}
