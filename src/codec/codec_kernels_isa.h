/* What the processor family of this build adds to the scalar table. CMake compiles one of
 * codec_kernels_isa_*.c. */
#ifndef GCH_CODEC_KERNELS_ISA_H
#define GCH_CODEC_KERNELS_ISA_H

#include "codec_kernels.h"

/* Overwrites in a scalar table what `cpu_level` (gch__cpu_level, above scalar) improves; false if
 * this build has no such level. The caller has checked that the processor has it. */
bool gch__kernels_fill_isa(gch__kernels *table, int cpu_level);

#endif
