/* The kernel levels of a build for a processor that has the scalar kernels alone. */
#include "ingest_kernels.h"

bool gch__ingest_kernels_fill_isa(gch__ingest_kernels *table, int cpu_level)
{
    (void)table;
    (void)cpu_level;
    return false;
}
