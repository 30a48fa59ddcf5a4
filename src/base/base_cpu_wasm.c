/* The levels of a WebAssembly engine. A module is validated whole before it runs, so an engine that
 * came this far has the SIMD that the module was compiled with. */
#include "base.h"

bool gch__cpu_has(gch__cpu_level level)
{
    return level == GCH__CPU_SCALAR || level == GCH__CPU_WASM;
}
