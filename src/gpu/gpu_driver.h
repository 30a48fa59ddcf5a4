/* What a driver does: one struct of functions, called with checked arguments only.
 *
 * Natives (void *) are the driver's own objects. Recording functions give no status: what goes
 * wrong in them is told by the submit that follows. Everything that was submitted is finished in
 * order.
 */
#ifndef GCH_GPU_DRIVER_H
#define GCH_GPU_DRIVER_H

#include "gpu.h"

/* What the host can do with a buffer, beside gch__gpu_usage. */
typedef enum gch__gpu_host {
    GCH__GPU_HOST_NONE = 0,
    GCH__GPU_HOST_WRITES = 1, /* an upload buffer: made mapped */
    GCH__GPU_HOST_READS = 2,  /* a download buffer: made unmapped */
} gch__gpu_host;

/* A texture's rows in a download buffer start at multiples of this. */
#define GCH__GPU_ROW_BYTES 256u

typedef struct gch__gpu_context gch__gpu_context;

struct gch__gpu_driver {
    const char *name;
    /* Fills *out_info but for what it cannot know. GCH_UNSUPPORTED, GCH_NO_MEMORY. */
    gch_status (*open)(const gch__gpu_desc *desc, gch__gpu_context **out, gch__gpu_info *out_info,
                       gch_error *err);
    void (*close)(gch__gpu_context *context); /* every native is gone, the queue empty */

    gch_status (*buffer_make)(gch__gpu_context *context, uint64_t bytes, uint32_t usage,
                              gch__gpu_host host, const char *label, void **out, gch_error *err);
    void (*buffer_destroy)(gch__gpu_context *context, void *buffer);
    /* Asks for an unmapped buffer to be mapped once the queue has passed what was submitted. */
    gch_status (*buffer_map)(gch__gpu_context *context, void *buffer, gch_error *err);
    void *(*buffer_mapped)(gch__gpu_context *context, void *buffer); /* NULL: not (yet) mapped */
    void (*buffer_unmap)(gch__gpu_context *context, void *buffer);

    gch_status (*texture_make)(gch__gpu_context *context, uint32_t width_px, uint32_t height_px,
                               const char *label, void **out, gch_error *err);
    void (*texture_destroy)(gch__gpu_context *context, void *texture);
    void *(*texture_shared)(gch__gpu_context *context, void *texture);
    gch_status (*shader_make)(gch__gpu_context *context, const char *wgsl, size_t bytes,
                              const char *label, void **out, gch_error *err);
    void (*shader_destroy)(gch__gpu_context *context, void *shader);
    gch_status (*pipeline_make)(gch__gpu_context *context, const gch__gpu_pipeline_desc *desc,
                                void *shader, uint32_t kind_count, void **out, gch_error *err);
    void (*pipeline_destroy)(gch__gpu_context *context, void *pipeline);
    gch_status (*bindings_make)(gch__gpu_context *context, void *pipeline, void *const *buffers,
                                const uint64_t *bytes, uint32_t count, const char *label,
                                void **out, gch_error *err);
    void (*bindings_destroy)(gch__gpu_context *context, void *bindings);

    gch_status (*begin)(gch__gpu_context *context, const char *label, gch_error *err);
    void (*copy)(gch__gpu_context *context, void *from, uint64_t from_offset, void *to,
                 uint64_t to_offset, uint64_t count);
    void (*copy_texture)(gch__gpu_context *context, void *texture, uint32_t width_px,
                         uint32_t height_px, void *to);
    void (*clear)(gch__gpu_context *context, void *buffer, uint64_t offset, uint64_t count);
    /* timer: the pass's number among the timed ones of this submission, or -1. */
    void (*compute_begin)(gch__gpu_context *context, const char *label, int32_t timer);
    void (*dispatch)(gch__gpu_context *context, void *pipeline, void *bindings, uint32_t x,
                     uint32_t y, uint32_t z);
    void (*dispatch_indirect)(gch__gpu_context *context, void *pipeline, void *bindings, void *from,
                              uint64_t offset);
    void (*render_begin)(gch__gpu_context *context, void *target, const char *label, int32_t timer);
    void (*draw)(gch__gpu_context *context, void *pipeline, void *bindings, uint32_t vertex_count,
                 uint32_t instance_count);
    void (*draw_indirect)(gch__gpu_context *context, void *pipeline, void *bindings, void *from,
                          uint64_t offset);
    void (*run_bundle)(gch__gpu_context *context, void *bundle);
    void (*pass_end)(gch__gpu_context *context);
    gch_status (*bundle_begin)(gch__gpu_context *context, const char *label, gch_error *err);
    gch_status (*bundle_end)(gch__gpu_context *context, void **out, gch_error *err);
    void (*bundle_destroy)(gch__gpu_context *context, void *bundle);
    void (*abandon)(gch__gpu_context *context);
    /* GCH_PENDING: a pipeline that was used is still being made. Nothing is submitted, the serial
     * counts as passed, and the recording stands, to go on or to be abandoned. */
    gch_status (*submit)(gch__gpu_context *context, uint64_t serial, uint32_t timer_count,
                         gch_error *err);

    /* Notes what has finished, once submission `until` has; 0: without waiting. GCH_DEVICE_LOST.
     * One that never waits has passed what it was given: its objects may be used again or end.
     * With 0, GCH_PENDING: what the last submit lacked is still being made. */
    gch_status (*poll)(gch__gpu_context *context, uint64_t until, gch_error *err);
    uint64_t (*passed)(gch__gpu_context *context); /* the last submission known to be finished */
    /* Of the last submission with timers, finished. */
    gch_status (*timings)(gch__gpu_context *context, uint32_t count, uint64_t *out_ns,
                          gch_error *err);
};

#endif
