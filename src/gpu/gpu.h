/* The GPU as the rooms above see it: a layer in the shape of WebGPU over one device.
 *
 *     gch__gpu *gpu = NULL;
 *     GCH_TRY(gch__gpu_make(&(gch__gpu_desc){.allocator = allocator}, &gpu, err));
 *     GCH_TRY(gch__gpu_begin(gpu, "frame", err));
 *     GCH_TRY(gch__gpu_upload(gpu, table, 0, rows, sizeof rows, err));
 *     GCH_TRY(gch__gpu_compute_begin(gpu, "reduce", err));
 *     GCH_TRY(gch__gpu_dispatch(gpu, pipeline, bindings, 30, 1, 1, err));
 *     GCH_TRY(gch__gpu_pass_end(gpu, err));
 *     GCH_TRY(gch__gpu_submit(gpu, &serial, err));
 *
 * Drivers are gpu_wgpu.c (wgpu-native; gpu_wgpu_none.c in a build without it), gpu_web.c (a
 * browser's WebGPU) and gpu_null.c, which records for tests. Every argument is checked once, above
 * the drivers: a mistake is GCH_INVALID with the labels of the things at fault, and leaves the
 * recording as it was.
 *
 * Handles: 0 is none, a stale one is GCH_INVALID. A released object lives on until what was
 * submitted with it has run; bindings hold their buffers, bundles their bindings. Pipelines and
 * shaders live as long as the device.
 * Device loss: any call may return GCH_DEVICE_LOST, and then all do; destroy the device and make
 * another. Any call may also return GCH_NO_MEMORY and GCH_INVALID, which is not repeated below.
 * Pipelines that are made while the host goes on (a browser's) may not be there when they are used
 * first: the submission is then GCH_PENDING and nothing but a request for all that it lacks. What
 * was recorded for it, bundles too, is to be released and recorded anew when they are there.
 * Memory: buffers come from a pool by size class and uploads go through a ring of mapped buffers,
 * so a frame of a kind seen before allocates nothing.
 * Thread rule: one thread at a time for a device.
 */
#ifndef GCH_GPU_H
#define GCH_GPU_H

#include "base.h"

#define GCH__GPU_BINDINGS_MAX 9u  /* a uniform and the 8 storage buffers that WebGPU grants */
#define GCH__GPU_CONSTANTS_MAX 4u /* pipeline-overridable constants */
#define GCH__GPU_TIMERS_MAX 32u   /* timed passes a submission */
#define GCH__GPU_LABEL_CAP 40u    /* labels are cut to fit */

typedef struct gch__gpu gch__gpu;
typedef struct gch__gpu_buffer {
    uint32_t id;
} gch__gpu_buffer;
typedef struct gch__gpu_texture {
    uint32_t id;
} gch__gpu_texture;
typedef struct gch__gpu_shader {
    uint32_t id;
} gch__gpu_shader;
typedef struct gch__gpu_pipeline {
    uint32_t id;
} gch__gpu_pipeline;
typedef struct gch__gpu_bindings {
    uint32_t id;
} gch__gpu_bindings;
typedef struct gch__gpu_bundle {
    uint32_t id;
} gch__gpu_bundle;

/* ---- device ---- */

typedef struct gch__gpu_driver gch__gpu_driver;
extern const gch__gpu_driver gch__gpu_native; /* this build's own driver */
extern const gch__gpu_driver gch__gpu_null;   /* gpu_null.h */

typedef struct gch__gpu_desc {
    const gch__gpu_driver *driver; /* NULL: gch__gpu_native */
    gch_workers *workers;          /* copy large uploads; borrowed */
    const gch_allocator *allocator;
} gch__gpu_desc;

typedef enum gch__gpu_kind {
    GCH__GPU_OTHER = 0,
    GCH__GPU_DISCRETE = 1,
    GCH__GPU_INTEGRATED = 2,
    GCH__GPU_SOFTWARE = 3,
} gch__gpu_kind;

typedef struct gch__gpu_info {
    char adapter[96], driver[96];
    gch__gpu_kind kind;
    uint64_t buffer_bytes_max, binding_bytes_max; /* of a buffer, of the part a shader sees */
    uint32_t texture_px_max;                      /* a side */
    uint32_t group_count_max;                     /* workgroups a dimension */
    bool has_timestamps;
    bool never_waits; /* downloads and waits are GCH_UNSUPPORTED */
    bool is_shared;   /* with other users of the same device: memory is taken in small steps */
} gch__gpu_info;

typedef struct gch__gpu_stats {
    uint64_t device_bytes; /* buffers in use, in the pool and in the ring, and textures */
    uint64_t pooled_bytes; /* of these, in the pool */
    uint64_t submits, dispatches, draws, bundles_run, upload_bytes; /* since the device was made */
} gch__gpu_stats;

/* GCH_UNSUPPORTED: the build has no driver, or the machine no adapter. */
GCH_CHECKED gch_status gch__gpu_make(const gch__gpu_desc *desc, gch__gpu **out, gch_error *err);
void gch__gpu_destroy(gch__gpu *gpu); /* waits for the queue; NULL is allowed */
/* For those who have nothing else to ask of the device: GCH_DEVICE_LOST; GCH_PENDING: pipelines
 * that the last submission lacked are still being made. */
GCH_CHECKED gch_status gch__gpu_check(gch__gpu *gpu, gch_error *err);
const gch__gpu_info *gch__gpu_get_info(const gch__gpu *gpu);
gch__gpu_stats gch__gpu_get_stats(const gch__gpu *gpu);

/* ---- objects ---- */

/* Any buffer may be uploaded to, cleared and downloaded; these are further uses, ored. */
typedef enum gch__gpu_usage {
    GCH__GPU_UNIFORM = 1,
    GCH__GPU_STORAGE = 2,
    GCH__GPU_INDIRECT = 4,
} gch__gpu_usage;

/* Contents are undefined: a buffer may come from the pool. bytes: a multiple of 4. GCH_LIMIT. */
GCH_CHECKED gch_status gch__gpu_buffer_make(gch__gpu *gpu, uint64_t bytes, uint32_t usage,
                                            const char *label, gch__gpu_buffer *out,
                                            gch_error *err);
void gch__gpu_buffer_release(gch__gpu *gpu, gch__gpu_buffer buffer); /* 0 is allowed */

/* A target of render passes: RGBA, 8 bits a channel, linear. GCH_LIMIT. */
GCH_CHECKED gch_status gch__gpu_texture_make(gch__gpu *gpu, uint32_t width_px, uint32_t height_px,
                                             const char *label, gch__gpu_texture *out,
                                             gch_error *err);
void gch__gpu_texture_release(gch__gpu *gpu, gch__gpu_texture texture);
/* What whoever shows the texture knows it by: a WGPUTexture, in a browser the host's number. Until
 * it is released; NULL for a stale handle. */
void *gch__gpu_texture_get_shared(const gch__gpu *gpu, gch__gpu_texture texture);

GCH_CHECKED gch_status gch__gpu_shader_make(gch__gpu *gpu, const char *wgsl, size_t bytes,
                                            const char *label, gch__gpu_shader *out,
                                            gch_error *err);

typedef enum gch__gpu_binding_kind {
    GCH__GPU_BIND_UNIFORM = 1,
    GCH__GPU_BIND_READ = 2,  /* storage */
    GCH__GPU_BIND_WRITE = 3, /* storage, read and written */
} gch__gpu_binding_kind;

typedef struct gch__gpu_constant {
    const char *name;
    uint32_t value;
} gch__gpu_constant;

typedef struct gch__gpu_pipeline_desc {
    const char *label;
    gch__gpu_shader shader;
    const char *compute;           /* entry point of a compute pipeline, or NULL and ... */
    const char *vertex, *fragment; /* ... those of a render pipeline: triangles into a texture */
    /* Bindings 0, 1, 2 ... of group 0; the first 0 ends the list. */
    gch__gpu_binding_kind kinds[GCH__GPU_BINDINGS_MAX];
    gch__gpu_constant constants[GCH__GPU_CONSTANTS_MAX]; /* the first without a name ends them */
} gch__gpu_pipeline_desc;

/* From the cache, or made. All texts but the label are part of what the cache compares. */
GCH_CHECKED gch_status gch__gpu_pipeline_get(gch__gpu *gpu, const gch__gpu_pipeline_desc *desc,
                                             gch__gpu_pipeline *out, gch_error *err);

/* One buffer for each of the pipeline's kinds, seen whole. */
GCH_CHECKED gch_status gch__gpu_bindings_make(gch__gpu *gpu, gch__gpu_pipeline pipeline,
                                              const gch__gpu_buffer *buffers, uint32_t count,
                                              const char *label, gch__gpu_bindings *out,
                                              gch_error *err);
void gch__gpu_bindings_release(gch__gpu *gpu, gch__gpu_bindings bindings);

/* ---- recording: begin, uploads and passes in order, submit ---- */

GCH_CHECKED gch_status gch__gpu_begin(gch__gpu *gpu, const char *label, gch_error *err);
/* Outside of passes; offset and count are multiples of 4. The bytes are copied at once. More than
 * the ring holds is submitted part by part, so that the device copies while the host does. */
GCH_CHECKED gch_status gch__gpu_upload(gch__gpu *gpu, gch__gpu_buffer buffer, uint64_t offset,
                                       const void *bytes, uint64_t count, gch_error *err);
/* From one buffer to another; rules as for an upload. */
GCH_CHECKED gch_status gch__gpu_copy(gch__gpu *gpu, gch__gpu_buffer from, uint64_t from_offset,
                                     gch__gpu_buffer to, uint64_t to_offset, uint64_t count,
                                     gch_error *err);
/* Fills with zeros; rules as for an upload. */
GCH_CHECKED gch_status gch__gpu_clear(gch__gpu *gpu, gch__gpu_buffer buffer, uint64_t offset,
                                      uint64_t count, gch_error *err);
GCH_CHECKED gch_status gch__gpu_compute_begin(gch__gpu *gpu, const char *label, gch_error *err);
/* In a compute pass. Workgroups; none of x, y, z above group_count_max, and nothing for 0. */
GCH_CHECKED gch_status gch__gpu_dispatch(gch__gpu *gpu, gch__gpu_pipeline pipeline,
                                         gch__gpu_bindings bindings, uint32_t x, uint32_t y,
                                         uint32_t z, gch_error *err);
/* The three counts are read from the buffer (INDIRECT) when the GPU comes to it. */
GCH_CHECKED gch_status gch__gpu_dispatch_indirect(gch__gpu *gpu, gch__gpu_pipeline pipeline,
                                                  gch__gpu_bindings bindings, gch__gpu_buffer from,
                                                  uint64_t offset, gch_error *err);
/* The texture starts as opaque black. */
GCH_CHECKED gch_status gch__gpu_render_begin(gch__gpu *gpu, gch__gpu_texture target,
                                             const char *label, gch_error *err);
/* In a render pass or while a bundle is recorded. */
GCH_CHECKED gch_status gch__gpu_draw(gch__gpu *gpu, gch__gpu_pipeline pipeline,
                                     gch__gpu_bindings bindings, uint32_t vertex_count,
                                     uint32_t instance_count, gch_error *err);
/* As draw, with four words read from the buffer (INDIRECT) when the GPU comes to it: how many
 * vertices, how many instances, 0 and 0. No vertices: nothing happens. */
GCH_CHECKED gch_status gch__gpu_draw_indirect(gch__gpu *gpu, gch__gpu_pipeline pipeline,
                                              gch__gpu_bindings bindings, gch__gpu_buffer from,
                                              uint64_t offset, gch_error *err);
GCH_CHECKED gch_status gch__gpu_run_bundle(gch__gpu *gpu, gch__gpu_bundle bundle, gch_error *err);
GCH_CHECKED gch_status gch__gpu_pass_end(gch__gpu *gpu, gch_error *err);
/* *out_serial counts submissions up from 1. GCH_PENDING: pipelines are still being made, and what
 * was recorded is dropped, as by gch__gpu_abandon. */
GCH_CHECKED gch_status gch__gpu_submit(gch__gpu *gpu, uint64_t *out_serial, gch_error *err);
/* Drops what was recorded since begin, as after an error; nothing if nothing is. What an upload
 * beyond the ring has submitted is not taken back. */
void gch__gpu_abandon(gch__gpu *gpu);

/* Draws recorded once, between begin and end, and run in any number of later passes. */
GCH_CHECKED gch_status gch__gpu_bundle_begin(gch__gpu *gpu, const char *label, gch_error *err);
GCH_CHECKED gch_status gch__gpu_bundle_end(gch__gpu *gpu, gch__gpu_bundle *out, gch_error *err);
void gch__gpu_bundle_release(gch__gpu *gpu, gch__gpu_bundle bundle);

/* ---- results ---- */

/* Copies to the host: within a recording, outside of passes; submits it and waits.
 * GCH_UNSUPPORTED. */
GCH_CHECKED gch_status gch__gpu_download(gch__gpu *gpu, gch__gpu_buffer buffer, uint64_t offset,
                                         void *out, uint64_t count, gch_error *err);
/* The top left width_px x height_px pixels; rows of `out` are stride_px pixels apart. */
GCH_CHECKED gch_status gch__gpu_texture_download(gch__gpu *gpu, gch__gpu_texture texture,
                                                 uint32_t width_px, uint32_t height_px,
                                                 uint32_t *out, size_t stride_px, gch_error *err);
/* Until the queue has passed a submission. GCH_UNSUPPORTED. */
GCH_CHECKED gch_status gch__gpu_wait(gch__gpu *gpu, uint64_t serial, gch_error *err);

/* Whether passes are timed from the next pass on, where the adapter can
 * (gch__gpu_info.has_timestamps); off at first. */
void gch__gpu_set_timing(gch__gpu *gpu, bool is_on);

typedef struct gch__gpu_timing {
    char label[GCH__GPU_LABEL_CAP];
    uint64_t ns;
} gch__gpu_timing;
/* The passes of the last submission, waited for, in order; count 0 without timestamps. */
GCH_CHECKED gch_status gch__gpu_get_timings(gch__gpu *gpu, gch__gpu_timing *out, uint32_t cap,
                                            uint32_t *out_count, gch_error *err);

#endif
