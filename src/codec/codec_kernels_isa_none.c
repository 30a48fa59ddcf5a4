/* The kernel levels of a build for a processor that has the scalar kernels alone. */
#include "codec_kernels_isa.h"

bool gch__kernels_fill_isa(gch__kernels *table, int cpu_level)
{
    (void)table;
    (void)cpu_level;
    return false;
}
