/* The kernel levels of an AArch64 build. */
#include "base.h"
#include "codec_kernels_isa.h"

bool gch__kernels_fill_isa(gch__kernels *table, int cpu_level)
{
    if (cpu_level != GCH__CPU_NEON)
        return false;
    gch__kernels_fill_neon(table);
    return true;
}
