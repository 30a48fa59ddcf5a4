/* The kernel levels of an AArch64 build. */
#include "ingest_kernels.h"

bool gch__ingest_kernels_fill_isa(gch__ingest_kernels *table, int cpu_level)
{
    if (cpu_level != GCH__CPU_NEON)
        return false;
    gch__ingest_kernels_fill_neon(table);
    return true;
}
