/* What the files of the gpu room share: objects and their lives, the ring, the recording. */
#ifndef GCH_GPU_STATE_H
#define GCH_GPU_STATE_H

#include "base_pool.h"
#include "gpu_driver.h"

#include <stdio.h>
#include <string.h>

#define GCH__GPU_RING_CHUNKS 4u
#define GCH__GPU_RING_CHUNK_BYTES ((uint64_t)4 << 20)
#define GCH__GPU_RING_CHUNK_BYTES_SHARED ((uint64_t)1 << 20) /* of gch__gpu_info.is_shared */

typedef enum gch__gpu_object_kind {
    GCH__GPU_OBJECT_BUFFER,
    GCH__GPU_OBJECT_TEXTURE,
    GCH__GPU_OBJECT_SHADER,
    GCH__GPU_OBJECT_PIPELINE,
    GCH__GPU_OBJECT_BINDINGS,
    GCH__GPU_OBJECT_BUNDLE,
} gch__gpu_object_kind;

/* A handle's object: counted by its handle and by the objects made of it. When the count is 0 it
 * waits in `dying` until the queue has passed its last use. */
typedef struct gch__gpu_object {
    gch__gpu_object_kind kind;
    uint32_t refs;
    uint64_t last_use; /* the submission, or the one being recorded; 0: none */
    void *native;
    char label[GCH__GPU_LABEL_CAP];
    struct gch__gpu_object *next; /* in `dying` or in the pool */

    uint64_t bytes, native_bytes; /* asked for, and of its size class (textures: both the same) */
    uint32_t usage;
    uint32_t width_px, height_px;

    /* What it is made of, counted: buffers of bindings, bindings of a bundle. */
    struct gch__gpu_object **parts;
    size_t part_count, part_cap;

    const struct gch__gpu_pipeline_state *pipeline; /* of a pipeline or of bindings */
} gch__gpu_object;

/* A cached pipeline; texts are copied here. */
typedef struct gch__gpu_pipeline_state {
    gch__gpu_pipeline_desc desc;
    char texts[3 + GCH__GPU_CONSTANTS_MAX][GCH__GPU_LABEL_CAP];
    uint32_t kind_count;
    gch__gpu_object object;
    gch__gpu_pipeline handle;
    struct gch__gpu_pipeline_state *next;
} gch__gpu_pipeline_state;

typedef enum gch__gpu_recording {
    GCH__GPU_IDLE,
    GCH__GPU_RECORDING,
    GCH__GPU_COMPUTE_PASS,
    GCH__GPU_RENDER_PASS,
} gch__gpu_recording;

/* A part of the ring: filled by the recording under way, or waiting to be mapped again. */
typedef struct gch__gpu_chunk {
    void *native;
    uint8_t *bytes;    /* while mapped */
    uint64_t used;     /* by the recording */
    uint64_t last_use; /* the submission that it went with last */
} gch__gpu_chunk;

struct gch__gpu {
    const gch_allocator *allocator;
    gch_workers *workers;
    const gch__gpu_driver *driver;
    gch__gpu_context *context;
    gch__gpu_info info;
    gch__gpu_stats stats;
    bool is_lost, times_passes;

    gch__pool handles;
    gch__gpu_object *dying, *pooled;
    gch__gpu_pipeline_state *pipelines;

    gch__gpu_recording recording;
    char label[GCH__GPU_LABEL_CAP];
    uint64_t submitted;      /* the last submission's serial */
    gch__gpu_object *bundle; /* being recorded */
    char timer_labels[GCH__GPU_TIMERS_MAX][GCH__GPU_LABEL_CAP];
    uint32_t timer_count, timed_count; /* of the recording, of the last submission */

    gch__gpu_chunk ring[GCH__GPU_RING_CHUNKS];
    uint64_t chunk_bytes;
    void *download; /* grows */
    uint64_t download_bytes;
};

/* GCH_DEVICE_LOST, and remembers it. Hands other statuses on. */
gch_status gch__gpu_note(gch__gpu *gpu, gch_status status);
GCH_CHECKED gch_status gch__gpu_check_alive(const gch__gpu *gpu, gch_error *err);

/* The object of a handle; GCH_INVALID says what it was wanted for. */
GCH_CHECKED gch_status gch__gpu_find(const gch__gpu *gpu, uint32_t id, gch__gpu_object_kind kind,
                                     const char *wanted_for, gch__gpu_object **out, gch_error *err);
/* A new object of count 1, named by a handle. Not yet native. */
GCH_CHECKED gch_status gch__gpu_object_make(gch__gpu *gpu, gch__gpu_object_kind kind,
                                            const char *label, gch__gpu_object **out,
                                            uint32_t *out_id, gch_error *err);
/* Takes back an object that did not become native. */
void gch__gpu_object_fail(gch__gpu *gpu, uint32_t id);
void gch__gpu_object_release(gch__gpu *gpu, gch__gpu_object *object);
/* Ends the objects whose last use the queue has passed. */
void gch__gpu_reap(gch__gpu *gpu);
void gch__gpu_set_label(char label[GCH__GPU_LABEL_CAP], const char *text);

/* gpu_buffer.c: for a dying buffer, whose native goes to the pool or ends; for all that is left. */
void gch__gpu_buffer_end(gch__gpu *gpu, gch__gpu_object *buffer);
void gch__gpu_buffers_reset(gch__gpu *gpu);
/* Around a submission: chunks in use are unmapped, and asked for again. */
void gch__gpu_ring_close(gch__gpu *gpu);
GCH_CHECKED gch_status gch__gpu_ring_submitted(gch__gpu *gpu, gch_error *err);
/* Frees what the abandoned recording had put into the ring. */
void gch__gpu_ring_rewind(gch__gpu *gpu);

/* gpu_commands.c: submits what is recorded so far; `goes_on`: and records on under the same label.
 */
GCH_CHECKED gch_status gch__gpu_flush(gch__gpu *gpu, bool goes_on, gch_error *err);
/* As the driver's: waits until submission `until` has finished; 0: does not wait. */
GCH_CHECKED gch_status gch__gpu_poll(gch__gpu *gpu, uint64_t until, gch_error *err);

#endif
