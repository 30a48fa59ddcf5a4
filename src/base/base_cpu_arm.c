/* The levels of an AArch64 processor: NEON is part of the architecture. */
#include "base.h"

bool gch__cpu_has(gch__cpu_level level)
{
    return level == GCH__CPU_SCALAR || level == GCH__CPU_NEON;
}
