/* The kernel levels of an x86-64 build. This file itself is compiled for any x86-64. */
#include "base.h"
#include "codec_kernels_isa.h"

bool gch__kernels_fill_isa(gch__kernels *table, int cpu_level)
{
    if (cpu_level != GCH__CPU_AVX2 && cpu_level != GCH__CPU_AVX512)
        return false;
    gch__kernels_fill_avx2(table);
    gch__kernels_fill_avx2_rows(table);
    if (cpu_level == GCH__CPU_AVX512)
        gch__kernels_fill_avx512(table);
    return true;
}
