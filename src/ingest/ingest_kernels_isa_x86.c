/* The kernel levels of an x86-64 build. This file itself is compiled for any x86-64. */
#include "ingest_kernels.h"

bool gch__ingest_kernels_fill_isa(gch__ingest_kernels *table, int cpu_level)
{
    if (cpu_level != GCH__CPU_AVX2)
        return false;
    gch__ingest_kernels_fill_avx2(table);
    return true;
}
