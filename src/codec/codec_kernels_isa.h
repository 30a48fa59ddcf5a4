/* What the processor family of this build adds to the scalar table. CMake compiles one of
 * codec_kernels_isa_*.c. */
#ifndef GCH_CODEC_KERNELS_ISA_H
#define GCH_CODEC_KERNELS_ISA_H

#include "codec_kernels.h"

/* Overwrites in a scalar table what `cpu_level` (gch__cpu_level, above scalar) improves; false if
 * this build has no such level. The caller has checked that the processor has it. */
bool gch__kernels_fill_isa(gch__kernels *table, int cpu_level);

/* Each is there only in a build for its family. */
void gch__kernels_fill_avx2(gch__kernels *table);
void gch__kernels_fill_avx2_rows(gch__kernels *table); /* the part of it that walks plain arrays */
void gch__kernels_fill_avx512(gch__kernels *table);    /* over a table of AVX2 */
void gch__kernels_fill_neon(gch__kernels *table);
void gch__kernels_fill_wasm(gch__kernels *table);

#endif
