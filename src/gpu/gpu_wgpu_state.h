/* The wgpu driver's own objects and context, shared by its files. */
#ifndef GCH_GPU_WGPU_STATE_H
#define GCH_GPU_WGPU_STATE_H

#include "gpu_driver.h"
#include "gpu_wgpu_library.h"

#include <string.h>

#define GCH__WGPU_INDICES 16u /* submissions that can be waited for one by one */
#define GCH__WGPU_PURPOSE "gpu wgpu"

typedef struct gch__wgpu_buffer {
    WGPUBuffer buffer;
    uint64_t bytes;
    gch__gpu_host host;
    bool is_mapped;
} gch__wgpu_buffer;

typedef struct gch__wgpu_texture {
    WGPUTexture texture;
    WGPUTextureView view;
} gch__wgpu_texture;

typedef struct gch__wgpu_pipeline {
    WGPUBindGroupLayout layout;
    WGPUComputePipeline compute; /* one of the two */
    WGPURenderPipeline render;
} gch__wgpu_pipeline;

struct gch__gpu_context {
    const gch_allocator *allocator;
    const gch__wgpu_library *wgpu;
    WGPUInstance instance; /* the library's */
    WGPUAdapter adapter;
    WGPUDevice device;
    WGPUQueue queue;
    gch_error error; /* the first one that was not told yet; status GCH_OK: none */
    bool is_lost;
    uint64_t submitted, passed;
    WGPUSubmissionIndex indices[GCH__WGPU_INDICES]; /* of the last submissions, by serial */

    WGPUCommandEncoder encoder;
    WGPUComputePassEncoder compute;
    WGPURenderPassEncoder render;
    WGPURenderBundleEncoder bundle;
    const void *pipeline, *bindings; /* of the pass */

    WGPUQuerySet queries; /* NULL: passes are not timed */
    WGPUBuffer resolved;
    gch__wgpu_buffer ticks;
    double ns_per_tick;
};

static inline WGPUStringView gch__wgpu_view(const char *text)
{
    return (WGPUStringView){text, text != NULL ? strlen(text) : 0};
}

/* What went wrong since the last time this was asked. */
gch_status gch__wgpu_tell(gch__gpu_context *context, gch_error *err);

/* gpu_wgpu_objects.c: entries of the driver (gpu_driver.h). */
gch_status gch__wgpu_buffer_make(gch__gpu_context *context, uint64_t bytes, uint32_t usage,
                                 gch__gpu_host host, const char *label, void **out, gch_error *err);
void gch__wgpu_buffer_destroy(gch__gpu_context *context, void *native);
gch_status gch__wgpu_buffer_map(gch__gpu_context *context, void *native, gch_error *err);
void *gch__wgpu_buffer_mapped(gch__gpu_context *context, void *native);
void gch__wgpu_buffer_unmap(gch__gpu_context *context, void *native);
gch_status gch__wgpu_texture_make(gch__gpu_context *context, uint32_t width_px, uint32_t height_px,
                                  const char *label, void **out, gch_error *err);
void gch__wgpu_texture_destroy(gch__gpu_context *context, void *native);
void *gch__wgpu_texture_shared(gch__gpu_context *context, void *native);
gch_status gch__wgpu_shader_make(gch__gpu_context *context, const char *wgsl, size_t bytes,
                                 const char *label, void **out, gch_error *err);
void gch__wgpu_shader_destroy(gch__gpu_context *context, void *native);
gch_status gch__wgpu_pipeline_make(gch__gpu_context *context, const gch__gpu_pipeline_desc *desc,
                                   void *shader, uint32_t kind_count, void **out, gch_error *err);
void gch__wgpu_pipeline_destroy(gch__gpu_context *context, void *native);
gch_status gch__wgpu_bindings_make(gch__gpu_context *context, void *pipeline, void *const *buffers,
                                   const uint64_t *bytes, uint32_t count, const char *label,
                                   void **out, gch_error *err);
void gch__wgpu_bindings_destroy(gch__gpu_context *context, void *native);

#endif
