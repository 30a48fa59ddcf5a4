/* A column of raw values on the GPU: packed blocks, headers and tree out of it, in five dispatches
 * (shaders/encode.wgsl), the same bits as the store's own encoder makes; and times.
 *
 *     GCH_TRY(gch__gpu_encode_load(encode, GCH_TYPE_F64, values, row_count, err));
 *     GCH_TRY(gch__gpu_encode_run(encode, (gch__key_kind){GCH_VALUE_DECIMAL, 2}, err));
 *     GCH_TRY(gch__gpu_encode_fetch(encode, &encoded, err));
 *
 * What a kind is, and which one suits, the store says (store_keys.h); the GPU checks every value
 * against it. A run may follow a run on the same rows. The arrays stay on the device until the next
 * run. Statuses besides those named: what the device returns.
 * Thread rule: that of the device.
 */
#ifndef GCH_RENDER_GPU_ENCODE_H
#define GCH_RENDER_GPU_ENCODE_H

#include "gpu.h"
#include "store_keys.h"

#define GCH__GPU_ENCODE_ROWS_MAX (1u << 24) /* 128 MiB of eight bytes, what every device binds */

/* The uniform of shaders/common/encode.wgsl. */
typedef struct gch__gpu_batch {
    uint32_t row_count, block_count, super_count;
    uint32_t groups_x;
    uint32_t power_low, power_high;
    uint32_t blocks, directory, tree;
    uint32_t origin_low, origin_high;
    uint32_t inverse_low, inverse_high, shift;
    uint32_t reserved, reserved_too;
} gch__gpu_batch;
static_assert(sizeof(gch__gpu_batch) == 64, "shaders/common/encode.wgsl");

/* What an entry of `blocks` says. */
#define GCH__GPU_BLOCK_BITS 0x7Fu
#define GCH__GPU_BLOCK_HAS_GAPS 0x100u
#define GCH__GPU_BLOCK_IS_ODD 0x200u    /* a row's key does not give its bits back */
#define GCH__GPU_BLOCK_IS_MISFIT 0x400u /* a value does not fit the kind; there is no payload */
#define GCH__GPU_BLOCK_ZERO 0x10000u    /* for each -0.0 that is a decimal's 0 */

/* A batch on the host; arrays are owned and grow. Zeros but for the allocator to begin with. */
typedef struct gch__gpu_encoded {
    const gch_allocator *allocator;
    uint32_t row_count, block_count, super_count;
    uint32_t notes; /* GCH__GPU_BLOCK_* of any block */
    bool is_wide;   /* the pairs are gch__pair64 */
    uint64_t base;  /* the smallest ordered key (store_keys.h); pairs are relative to it */
    uint64_t payload_bytes;
    uint32_t *arrays;
    const uint32_t *blocks;    /* width and notes, a block */
    const uint32_t *directory; /* a super-block: where its payload starts, in GCH__PAYLOAD_UNIT */
    uint32_t level_count, level_counts[GCH_TREE_LEVELS_CAP];
    const void *levels[GCH_TREE_LEVELS_CAP]; /* level 0 is the block headers */
    uint32_t *bitmaps;                       /* a block 8 words; set if notes have gaps */
    uint32_t *payload;
    size_t arrays_cap, bitmaps_cap, payload_cap;
} gch__gpu_encoded;

typedef struct gch__gpu_encode gch__gpu_encode;

/* `gpu` is borrowed. */
GCH_CHECKED gch_status gch__gpu_encode_make(gch__gpu *gpu, const gch_allocator *allocator,
                                            gch__gpu_encode **out, gch_error *err);
void gch__gpu_encode_destroy(gch__gpu_encode *encode); /* NULL is allowed */

/* Uploads and submits: 1 to GCH__GPU_ENCODE_ROWS_MAX values of an integer or float type. The values
 * are copied before the call returns. GCH_LIMIT: more than the device binds. */
GCH_CHECKED gch_status gch__gpu_encode_load(gch__gpu_encode *encode, gch_type type,
                                            const void *values, uint32_t row_count, gch_error *err);
/* Records the passes over what is loaded, and submits. The kind is one that the type may have. */
GCH_CHECKED gch_status gch__gpu_encode_run(gch__gpu_encode *encode, gch__key_kind kind,
                                           gch_error *err);
/* Waits and downloads the last run. GCH_DEVICE_LOST if what came back is impossible. */
GCH_CHECKED gch_status gch__gpu_encode_fetch(gch__gpu_encode *encode, gch__gpu_encoded *io,
                                             gch_error *err);

/* ---- times: I64, I32 or U32, not decreasing, loaded as values are (shaders/encode_time.wgsl) ----
 */

/* Lines and packed residuals on the host; zeros but for the allocator to begin with. */
typedef struct gch__gpu_encoded_times {
    const gch_allocator *allocator;
    uint32_t row_count, block_count, super_count;
    uint64_t payload_bytes;
    const uint32_t *directory; /* as gch__gpu_encoded.directory */
    gch__time_line *lines;
    uint64_t *supers; /* units of each super-block's first row */
    uint32_t *arrays, *payload;
    size_t lines_cap, supers_cap, arrays_cap, payload_cap;
} gch__gpu_encoded_times;

/* Records the passes over the times that are loaded, and submits: `unit` >= 1 divides the
 * difference of each from `origin`, which is no later than any. */
GCH_CHECKED gch_status gch__gpu_encode_run_times(gch__gpu_encode *encode, int64_t origin,
                                                 uint64_t unit, gch_error *err);
GCH_CHECKED gch_status gch__gpu_encode_fetch_times(gch__gpu_encode *encode,
                                                   gch__gpu_encoded_times *io, gch_error *err);
void gch__gpu_encoded_times_reset(gch__gpu_encoded_times *encoded);

#define GCH__GPU_STEP_ROWS 8192u
/* A group of GCH__GPU_STEP_ROWS rows: the difference of its first two, and whether it has two and
 * all others are that far apart. */
typedef struct gch__gpu_step {
    uint64_t step;
    uint32_t is_regular;
    uint32_t reserved;
} gch__gpu_step;
/* One entry a group of what is loaded, the last one shorter; waits. */
GCH_CHECKED gch_status gch__gpu_encode_steps(gch__gpu_encode *encode, gch__gpu_step *out,
                                             gch_error *err);
void gch__gpu_encoded_reset(gch__gpu_encoded *encoded);

#endif
