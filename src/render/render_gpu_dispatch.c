/* From the slices of a tile to dispatches: kernels, their bindings, and lists of work that the GPU
 * writes itself.
 *
 * Invariant: a pool's bindings are those of its pages and of the executor's buffers; either
 * changing counts a version up, and they are made anew with the next tile.
 */
#include "render_gpu_points.h"
#include "render_gpu_state.h"

#include <string.h>

#define KERNEL_BINDINGS 9u
#define GROUPS_A_SLICE_MAX 8u
#define CHUNK_BLOCKS 64u /* shaders/common/chunk.wgsl */

extern const char gch__shader_reduce_start[], gch__shader_reduce_end[];
extern const char gch__shader_bars_start[], gch__shader_bars_end[];
extern const char gch__shader_heights_start[], gch__shader_heights_end[];

/* ---- kernels and bindings ---- */

static const char *kernel_entry(const gch__gpu_executor *executor, gch__gpu_kernel kernel)
{
    static const char *const names[] = {[GCH__GPU_LIGHT_RUNS] = "light_runs",
                                        [GCH__GPU_LIGHT_PIECES] = "light_pieces",
                                        [GCH__GPU_REDUCE_DRAWN] = "reduce_drawn",
                                        [GCH__GPU_READ_ENDS] = "read_ends",
                                        [GCH__GPU_DRAW_BARS] = "draw_bars",
                                        [GCH__GPU_REDUCE_HEIGHTS] = "reduce_heights",
                                        [GCH__GPU_REDUCE_WHOLES] = "reduce_wholes",
                                        [GCH__GPU_REDUCE_DRAWN_WHOLES] = "reduce_drawn_wholes"};
    if (kernel == GCH__GPU_REDUCE)
        return executor->desc.by_blocks ? "reduce_blocks" : "reduce_tree";
    return names[kernel];
}

static const char *const cull_entries[GCH__GPU_CULLED] = {
    [GCH__GPU_REDUCE] = "cull", [GCH__GPU_LIGHT_RUNS] = "cull_runs"};

/* The shader that has a kernel, made once. */
static gch_status find_shader(gch__gpu_executor *executor, gch__gpu_kernel kernel,
                              gch__gpu_shader *out, gch_error *err)
{
    const struct {
        const char *name, *start, *end;
    } texts[GCH__GPU_SHADERS] = {{"reduce", gch__shader_reduce_start, gch__shader_reduce_end},
                                 {"bars", gch__shader_bars_start, gch__shader_bars_end},
                                 {"heights", gch__shader_heights_start, gch__shader_heights_end}};
    uint32_t i = (GCH__GPU_BAR_KERNELS >> kernel & 1) != 0      ? 1
                 : (GCH__GPU_HEIGHT_KERNELS >> kernel & 1) != 0 ? 2
                                                                : 0;
    if (executor->shaders[i].id == 0)
        GCH_TRY(gch__gpu_shader_make(executor->gpu, texts[i].start,
                                     (size_t)(texts[i].end - texts[i].start), texts[i].name,
                                     &executor->shaders[i], err));
    *out = executor->shaders[i];
    return GCH_OK;
}

static bool is_used(const gch__gpu_executor *executor, uint32_t kernel)
{
    return (executor->kernels_used >> kernel & 1) != 0;
}

void gch__gpu_use_kernels(gch__gpu_executor *executor, uint32_t mask)
{
    if ((executor->kernels_used & mask) == mask)
        return;
    executor->kernels_used |= mask;
    executor->bound_slab_shift = 0;
    executor->version++;
}

static gch_status make_kernels(gch__gpu_executor *executor, uint32_t slab_shift, gch_error *err)
{
    gch__gpu_pipeline_desc desc = {
        .kinds = {GCH__GPU_BIND_UNIFORM, GCH__GPU_BIND_READ, GCH__GPU_BIND_READ, GCH__GPU_BIND_READ,
                  GCH__GPU_BIND_READ, GCH__GPU_BIND_WRITE, GCH__GPU_BIND_READ, GCH__GPU_BIND_READ,
                  GCH__GPU_BIND_READ},
        .constants = {{"SLAB_SHIFT", slab_shift}}};
    for (uint32_t i = 0; i < GCH__GPU_KERNEL_COUNT; i++) {
        if (!is_used(executor, i))
            continue;
        GCH_TRY(find_shader(executor, i, &desc.shader, err));
        desc.label = desc.compute = kernel_entry(executor, i);
        GCH_TRY(gch__gpu_pipeline_get(executor->gpu, &desc, &executor->kernels[i], err));
    }
    desc.kinds[KERNEL_BINDINGS - 1] = GCH__GPU_BIND_WRITE;
    for (uint32_t i = 0; i < GCH__GPU_CULLED; i++) {
        if (!is_used(executor, i))
            continue;
        GCH_TRY(find_shader(executor, i, &desc.shader, err));
        desc.label = desc.compute = cull_entries[i];
        GCH_TRY(gch__gpu_pipeline_get(executor->gpu, &desc, &executor->cull[i], err));
    }
    return GCH_OK;
}

/* Bindings follow the buffers; the kernels, the slabs' size. */
static gch_status bind(gch__gpu_executor *executor, gch_error *err)
{
    gch__gpu_pool *pool = &executor->pools[executor->pool];
    gch__gpu_pages_buffers pages = gch__gpu_pages_get_buffers(pool->pages);
    if (pool->bound_version == executor->version && pool->bound_pages_version == pages.version)
        return GCH_OK;
    if (executor->bound_slab_shift != pages.slab_shift) {
        GCH_TRY(make_kernels(executor, pages.slab_shift, err));
        executor->bound_slab_shift = pages.slab_shift;
    }
    gch__gpu_buffer buffers[KERNEL_BINDINGS] = {
        {0},         executor->segments.buffer, executor->slices.buffer, executor->edges.buffer,
        pages.table, executor->marks,           pages.slabs[0],          pages.slabs[1],
        {0}};
    for (uint32_t i = 0; i < GCH__GPU_KERNEL_COUNT; i++) {
        if (!is_used(executor, i))
            continue;
        bool is_culled = i < GCH__GPU_CULLED;
        buffers[0] = executor->kernel_frames[i];
        buffers[KERNEL_BINDINGS - 1] = executor->work[is_culled ? i : 0];
        gch__gpu_bindings_release(executor->gpu, pool->kernels[i]);
        pool->kernels[i] = (gch__gpu_bindings){0};
        GCH_TRY(gch__gpu_bindings_make(executor->gpu, executor->kernels[i], buffers,
                                       KERNEL_BINDINGS, kernel_entry(executor, i),
                                       &pool->kernels[i], err));
        if (!is_culled)
            continue;
        gch__gpu_bindings_release(executor->gpu, pool->cull[i]);
        pool->cull[i] = (gch__gpu_bindings){0};
        GCH_TRY(gch__gpu_bindings_make(executor->gpu, executor->cull[i], buffers, KERNEL_BINDINGS,
                                       cull_entries[i], &pool->cull[i], err));
    }
    pool->bound_version = executor->version;
    pool->bound_pages_version = pages.version;
    return GCH_OK;
}

/* ---- tiles ---- */

/* Groups of reduce_blocks that share a slice: for the longest, so that each has a chunk. */
static uint32_t groups_for(const gch__gpu_slices *slices)
{
    uint32_t rows = 0;
    for (size_t i = 0; i < slices->count; i++)
        rows = GCH_MAX(rows, slices->items[i].last - slices->items[i].first);
    uint32_t chunks = rows / (CHUNK_BLOCKS * GCH_BLOCK_ROWS) + 1;
    return GCH_MIN(chunks, GROUPS_A_SLICE_MAX);
}

/* Groups that a kernel runs for its slices: one each, or one for 64 of a thread each. */
static uint32_t groups_of(gch__gpu_kernel kernel, uint32_t slice_count)
{
    bool is_thread_each = kernel == GCH__GPU_LIGHT_PIECES || kernel == GCH__GPU_READ_ENDS;
    return is_thread_each ? (slice_count + 63) / 64 : slice_count;
}

static gch_status send_kernel_frame(gch__gpu_executor *executor, gch__gpu_kernel kernel,
                                    gch__gpu_frame *out, gch_error *err)
{
    gch__gpu_slices *slices = &executor->tile[kernel];
    void *room;
    *out = executor->frame;
    if (slices->count == 0)
        return GCH_OK; /* and groups_x is 0 */
    GCH_TRY(gch__gpu_stream_reserve(executor, &executor->slices, slices->count, &room, err));
    memcpy(room, slices->items, slices->count * sizeof *slices->items);
    out->first_slice = (uint32_t)executor->slices.count;
    out->slice_count = (uint32_t)slices->count;
    executor->slices.count += slices->count;
    if (kernel == GCH__GPU_REDUCE)
        executor->groups_a_slice = groups_for(slices);
    slices->count = 0;
    out->groups_x = GCH_MIN(groups_of(kernel, out->slice_count),
                            gch__gpu_get_info(executor->gpu)->group_count_max);
    return gch__gpu_upload(executor->gpu, executor->kernel_frames[kernel], 0, out, sizeof *out,
                           err);
}

/* An empty list of a kernel's work, with room for all its slices of the tile. */
static gch_status send_work(gch__gpu_executor *executor, uint32_t kernel, uint32_t slice_count,
                            gch_error *err)
{
    static const gch__gpu_work empty = {.groups = {0, 1, 1}};
    uint64_t bytes = sizeof empty + (uint64_t)slice_count * sizeof(uint32_t);
    if (bytes > executor->work_bytes[kernel]) {
        uint64_t cap = GCH_MAX(bytes, executor->work_bytes[kernel] * 2);
        gch__gpu_buffer larger;
        GCH_TRY(gch__gpu_buffer_make(executor->gpu, cap, GCH__GPU_STORAGE | GCH__GPU_INDIRECT,
                                     "work", &larger, err));
        gch__gpu_buffer_release(executor->gpu, executor->work[kernel]);
        executor->work[kernel] = larger;
        executor->work_bytes[kernel] = cap;
        executor->version++;
    }
    return gch__gpu_upload(executor->gpu, executor->work[kernel], 0, &empty, sizeof empty, err);
}

/* The GPU says itself how much of it there is to do. */
static gch_status dispatch_culled(gch__gpu_executor *executor, gch__gpu_kernel kernel,
                                  const gch__gpu_frame *frame, gch_error *err)
{
    const gch__gpu_pool *pool = &executor->pools[executor->pool];
    GCH_TRY(gch__gpu_dispatch(executor->gpu, executor->cull[kernel], pool->cull[kernel],
                              (frame->slice_count + 63) / 64, 1, 1, err));
    return gch__gpu_dispatch_indirect(executor->gpu, executor->kernels[kernel],
                                      pool->kernels[kernel], executor->work[kernel], 0, err);
}

static gch_status dispatch(gch__gpu_executor *executor, gch__gpu_kernel kernel,
                           const gch__gpu_frame *frame, gch_error *err)
{
    if (frame->slice_count == 0)
        return GCH_OK;
    bool is_by_blocks = kernel == GCH__GPU_REDUCE && executor->desc.by_blocks;
    if (kernel < GCH__GPU_CULLED && !is_by_blocks)
        return dispatch_culled(executor, kernel, frame, err);
    uint32_t groups = groups_of(kernel, frame->slice_count);
    return gch__gpu_dispatch(executor->gpu, executor->kernels[kernel],
                             executor->pools[executor->pool].kernels[kernel], frame->groups_x,
                             (groups + frame->groups_x - 1) / frame->groups_x,
                             kernel == GCH__GPU_REDUCE ? executor->groups_a_slice : 1, err);
}

/* Kernels [first, last), if they have anything to do. */
static gch_status run_pass(gch__gpu_executor *executor, const char *label,
                           const gch__gpu_frame *frames, uint32_t first, uint32_t last,
                           gch_error *err)
{
    uint32_t slice_count = 0;
    for (uint32_t i = first; i < last; i++)
        slice_count += frames[i].slice_count;
    if (slice_count == 0)
        return GCH_OK;
    GCH_TRY(gch__gpu_compute_begin(executor->gpu, label, err));
    for (uint32_t i = first; i < last; i++)
        GCH_TRY(dispatch(executor, i, &frames[i], err));
    return gch__gpu_pass_end(executor->gpu, err);
}

gch_status gch__gpu_run_tile(gch__gpu_executor *executor, gch_error *err)
{
    gch__gpu_frame frames[GCH__GPU_KERNEL_COUNT];
    gch__gpu_counting counting[GCH__GPU_COUNTERS];
    size_t before = executor->slices.count;
    for (uint32_t i = 0; i < GCH__GPU_KERNEL_COUNT; i++)
        GCH_TRY(send_kernel_frame(executor, i, &frames[i], err));
    bool has_columns = executor->slices.count > before;
    GCH_TRY(gch__gpu_counts_send(executor, counting, err));
    if (executor->slices.count == before)
        return GCH_OK;
    executor->stats.tiles++;
    for (uint32_t i = 0; has_columns && i < GCH__GPU_CULLED; i++)
        GCH_TRY(send_work(executor, i, frames[i].slice_count, err));
    GCH_TRY(gch__gpu_stream_flush(executor, &executor->segments, err));
    GCH_TRY(gch__gpu_stream_flush(executor, &executor->slices, err));
    GCH_TRY(gch__gpu_stream_flush(executor, &executor->edges, err));
    GCH_TRY(gch__gpu_pages_flush(executor->pages, err));
    GCH_TRY(gch__gpu_counts_dispatch(executor, counting, err));
    if (!has_columns)
        return GCH_OK;
    GCH_TRY(bind(executor, err));
    GCH_TRY(run_pass(executor, "columns", frames, 0, GCH__GPU_REDUCE_DRAWN, err));
    GCH_TRY(
        run_pass(executor, "bars", frames, GCH__GPU_REDUCE_DRAWN, GCH__GPU_REDUCE_HEIGHTS, err));
    return run_pass(executor, "heights", frames, GCH__GPU_REDUCE_HEIGHTS, GCH__GPU_KERNEL_COUNT,
                    err);
}
