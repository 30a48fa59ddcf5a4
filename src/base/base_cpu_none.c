/* The levels of a processor that no kernels are written for. */
#include "base.h"

bool gch__cpu_has(gch__cpu_level level)
{
    return level == GCH__CPU_SCALAR;
}
