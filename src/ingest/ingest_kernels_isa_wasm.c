/* The kernel levels of a WebAssembly build. */
#include "ingest_kernels.h"

bool gch__ingest_kernels_fill_isa(gch__ingest_kernels *table, int cpu_level)
{
    if (cpu_level != GCH__CPU_WASM)
        return false;
    gch__ingest_kernels_fill_wasm(table);
    return true;
}
