/* The null driver, for tests of what stands above it: it records every call as a line of text,
 * keeps buffers in host memory, carries out copies and clears in order, and runs no shader.
 *
 *     gch__gpu_make(&(gch__gpu_desc){.driver = &gch__gpu_null}, &gpu, &err);
 *     ...
 *     assert_string_equal(gch__gpu_null_log(gpu), "begin frame\n...");
 */
#ifndef GCH_GPU_NULL_H
#define GCH_GPU_NULL_H

#include "gpu.h"

/* What was recorded and made since the last call of _clear_log, a line each. */
const char *gch__gpu_null_log(gch__gpu *gpu);
void gch__gpu_null_clear_log(gch__gpu *gpu);
/* While held, nothing that is submitted finishes unless it is waited for. */
void gch__gpu_null_hold(gch__gpu *gpu, bool is_held);
/* While held, pipelines are still being made, and what uses them is GCH_PENDING. */
void gch__gpu_null_hold_pipelines(gch__gpu *gpu, bool is_held);
/* From the next call that can tell, the device is lost. */
void gch__gpu_null_lose(gch__gpu *gpu);
/* The next submission fails with GCH_NO_MEMORY; the device stays. */
void gch__gpu_null_fail_submit(gch__gpu *gpu);
/* What an adapter with less would say; before anything is made. */
void gch__gpu_null_limit(gch__gpu *gpu, uint64_t buffer_bytes_max, uint64_t binding_bytes_max);
/* Natives of all kinds that exist. */
uint32_t gch__gpu_null_live(gch__gpu *gpu);

#endif
