/* The GPU executor: see render_gpu.h.
 *
 * A frame is one recording: extents and tables up, a compute pass a tile (render_gpu_tiles.c), then
 * the picture (render_gpu_picture.c). Everything is made by the first frame that needs it
 * and kept.
 *
 * Invariants:
 *  1. marks = a table of panels, then of each: extents of its series (row + 1 of top and bottom a
 *     column), and a bitmap of its rows, column by column; a pixel is white if any of them says so.
 *     Behind them lies what is known of the bars of the series at hand.
 *  2. After a failed frame nothing is known to be resident: pages are made anew.
 *  3. `shown` describes the picture that `image` holds, or is not valid.
 */
#include "render_gpu.h"
#include "render_gpu_points.h"
#include "render_gpu_state.h"

#include <stdio.h>
#include <string.h>

#define PURPOSE "gpu executor"
#define KERNEL_BINDINGS 9u
#define GROUPS_A_SLICE_MAX 8u
#define CHUNK_BLOCKS 64u /* shaders/common/chunk.wgsl */

extern const char gch__shader_reduce_start[], gch__shader_reduce_end[];
extern const char gch__shader_bars_start[], gch__shader_bars_end[];
extern const char gch__shader_light_start[], gch__shader_light_end[];

/* ---- streams ---- */

gch_status gch__gpu_stream_reserve(gch__gpu_executor *executor, gch__gpu_stream *stream,
                                   size_t count, void **out, gch_error *err)
{
    GCH_TRY(gch__ensure(executor->allocator, (void **)&stream->entries, &stream->cap,
                        stream->count + count, stream->entry_bytes, stream->label, err));
    *out = stream->entries + stream->count * stream->entry_bytes;
    return GCH_OK;
}

gch_status gch__gpu_stream_flush(gch__gpu_executor *executor, gch__gpu_stream *stream,
                                 gch_error *err)
{
    uint64_t bytes = GCH_MAX(stream->count, 1) * stream->entry_bytes;
    if (bytes > stream->buffer_bytes) {
        uint64_t cap = GCH_MAX(bytes, stream->buffer_bytes * 2);
        gch__gpu_buffer larger;
        GCH_TRY(gch__gpu_buffer_make(executor->gpu, cap, GCH__GPU_STORAGE, stream->label, &larger,
                                     err));
        gch__gpu_buffer_release(executor->gpu, stream->buffer);
        stream->buffer = larger;
        stream->buffer_bytes = cap;
        stream->sent = 0;
        executor->version++;
    }
    if (stream->sent == stream->count)
        return GCH_OK;
    GCH_TRY(gch__gpu_upload(executor->gpu, stream->buffer, stream->sent * stream->entry_bytes,
                            stream->entries + stream->sent * stream->entry_bytes,
                            (stream->count - stream->sent) * stream->entry_bytes, err));
    stream->sent = stream->count;
    return GCH_OK;
}

/* ---- kernels and bindings ---- */

static const char *kernel_entry(const gch__gpu_executor *executor, gch__gpu_kernel kernel)
{
    static const char *const names[] = {[GCH__GPU_LIGHT_RUNS] = "light_runs",
                                        [GCH__GPU_LIGHT_PIECES] = "light_pieces",
                                        [GCH__GPU_REDUCE_DRAWN] = "reduce_drawn",
                                        [GCH__GPU_READ_ENDS] = "read_ends",
                                        [GCH__GPU_DRAW_BARS] = "draw_bars"};
    if (kernel == GCH__GPU_REDUCE)
        return executor->desc.by_blocks ? "reduce_blocks" : "reduce_tree";
    return names[kernel];
}

static const char *const cull_entries[GCH__GPU_CULLED] = {
    [GCH__GPU_REDUCE] = "cull", [GCH__GPU_LIGHT_RUNS] = "cull_runs"};

static gch_status make_kernels(gch__gpu_executor *executor, uint32_t slab_shift, gch_error *err)
{
    gch__gpu_shader shader;
    GCH_TRY(gch__gpu_shader_make(executor->gpu, gch__shader_reduce_start,
                                 (size_t)(gch__shader_reduce_end - gch__shader_reduce_start),
                                 "reduce", &shader, err));
    gch__gpu_pipeline_desc desc = {
        .shader = shader,
        .kinds = {GCH__GPU_BIND_UNIFORM, GCH__GPU_BIND_READ, GCH__GPU_BIND_READ, GCH__GPU_BIND_READ,
                  GCH__GPU_BIND_READ, GCH__GPU_BIND_WRITE, GCH__GPU_BIND_READ, GCH__GPU_BIND_READ,
                  GCH__GPU_BIND_READ},
        .constants = {{"SLAB_SHIFT", slab_shift}}};
    for (uint32_t i = 0; i < executor->kernel_count; i++) {
        if (i == GCH__GPU_REDUCE_DRAWN)
            GCH_TRY(gch__gpu_shader_make(executor->gpu, gch__shader_bars_start,
                                         (size_t)(gch__shader_bars_end - gch__shader_bars_start),
                                         "bars", &desc.shader, err));
        desc.label = desc.compute = kernel_entry(executor, i);
        GCH_TRY(gch__gpu_pipeline_get(executor->gpu, &desc, &executor->kernels[i], err));
    }
    desc.shader = shader;
    desc.kinds[KERNEL_BINDINGS - 1] = GCH__GPU_BIND_WRITE;
    for (uint32_t i = 0; i < GCH__GPU_CULLED; i++) {
        desc.label = desc.compute = cull_entries[i];
        GCH_TRY(gch__gpu_pipeline_get(executor->gpu, &desc, &executor->cull[i], err));
    }
    return GCH_OK;
}

static gch_status make_light(gch__gpu_executor *executor, gch_error *err)
{
    static const gch__gpu_brush_desc desc = {
        .label = "light",
        .kinds = {GCH__GPU_BIND_UNIFORM, GCH__GPU_BIND_READ, GCH__GPU_BIND_READ},
        .count = 3};
    return gch__gpu_brush_make(executor, gch__shader_light_start,
                               (size_t)(gch__shader_light_end - gch__shader_light_start), &desc,
                               &executor->light, err);
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
    for (uint32_t i = 0; i < executor->kernel_count; i++) {
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

/* ---- pools ---- */

static gch_status make_pool(gch__gpu_executor *executor, gch__gpu_pool *pool, gch_error *err)
{
    const gch__gpu_executor_desc *desc = &executor->desc;
    uint64_t taken = 0;
    for (uint32_t i = 0; i < executor->pool_limit; i++)
        if (executor->pools[i].pages != NULL)
            taken += gch__gpu_pages_get_budget(executor->pools[i].pages);
    if (desc->budget_bytes != 0 && taken >= desc->budget_bytes)
        return gch_fail(err, GCH_LIMIT, "the budget has no room for another pool");
    GCH_TRY(gch__gpu_pages_make(
        &(gch__gpu_pages_desc){.allocator = executor->allocator,
                               .gpu = executor->gpu,
                               .data = desc->data,
                               .budget_bytes =
                                   desc->budget_bytes > 0 ? desc->budget_bytes - taken : 0,
                               .slab_bytes = desc->slab_bytes},
        &pool->pages, err));
    executor->version++; /* all that was bound to other pages is bound anew */
    gch__gpu_pages_begin_frame(pool->pages);
    return GCH_OK;
}

gch_status gch__gpu_use_pool(gch__gpu_executor *executor, uint64_t wanted, gch_error *err)
{
    uint32_t index = (uint32_t)(wanted % executor->pool_limit);
    if (executor->pools[index].pages == NULL) {
        gch_status status = make_pool(executor, &executor->pools[index], err);
        if ((status == GCH_LIMIT || status == GCH_NO_MEMORY) && index > 0) {
            executor->pool_limit = index;
            return gch__gpu_use_pool(executor, wanted, err);
        }
        GCH_TRY(status);
    }
    executor->pool = index;
    executor->pages = executor->pools[index].pages;
    return GCH_OK;
}

bool gch__gpu_leave_pool(gch__gpu_executor *executor)
{
    if (executor->pool == 0)
        return false;
    executor->pool_limit = executor->pool;
    for (uint32_t i = executor->pool; i < GCH__GPU_POOLS; i++) {
        gch__gpu_pages_destroy(executor->pools[i].pages);
        executor->pools[i].pages = NULL;
    }
    return true;
}

/* Gives how many pages have been loaded so far. */
static uint64_t begin_pools(gch__gpu_executor *executor)
{
    uint64_t loaded = 0;
    for (uint32_t i = 0; i < GCH__GPU_POOLS; i++) {
        if (executor->pools[i].pages == NULL)
            continue;
        gch__gpu_pages_begin_frame(executor->pools[i].pages);
        loaded += gch__gpu_pages_get_stats(executor->pools[i].pages).loaded;
    }
    return loaded;
}

/* What the file has there stays, though only some columns are drawn anew. */
static void keep_in_pools(gch__gpu_executor *executor, const gch_file *file)
{
    for (uint32_t i = 0; i < GCH__GPU_POOLS; i++)
        if (executor->pools[i].pages != NULL)
            gch__gpu_pages_keep(executor->pools[i].pages, file);
}

static uint64_t end_pools(gch__gpu_executor *executor)
{
    uint64_t loaded = 0;
    for (uint32_t i = 0; i < GCH__GPU_POOLS; i++) {
        if (executor->pools[i].pages == NULL)
            continue;
        gch__gpu_pages_end_frame(executor->pools[i].pages);
        loaded += gch__gpu_pages_get_stats(executor->pools[i].pages).loaded;
    }
    return loaded;
}

static void drop_pools(gch__gpu_executor *executor)
{
    for (uint32_t i = 0; i < GCH__GPU_POOLS; i++) {
        gch__gpu_pages_destroy(executor->pools[i].pages);
        executor->pools[i].pages = NULL;
    }
    executor->pages = NULL;
    executor->pool = 0;
    executor->pool_limit = GCH__GPU_POOLS;
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
    return run_pass(executor, "bars", frames, GCH__GPU_REDUCE_DRAWN, GCH__GPU_KERNEL_COUNT, err);
}

/* ---- series ---- */

static gch_status draw_by_query(const gch__gpu_series *series, gch_error *err)
{
    gch_columns columns;
    series->executor->stats.series_by_query++;
    series->executor->stats.is_pending = true;
    GCH_TRY(gch__bare_columns(&series->executor->bare, series->executor->allocator, series->query,
                              series->its, series->view, series->zone, &columns, err));
    GCH_TRY(gch__gpu_pages_begin_tile(series->executor->pages, err));
    return gch__gpu_light_columns(series, &columns, err);
}

static gch_status reduce_line(const gch__gpu_series *series, gch_error *err)
{
    const gch__edge *edges;
    int64_t start_ns = gch__clock_ns();
    gch_status status =
        gch__query_edges(series->query, series->column, series->view, series->join, &edges, err);
    series->executor->query_ns += gch__clock_ns() - start_ns;
    GCH_TRY(status);
    return gch__gpu_reduce_series(series, edges, err);
}

static void empty_extents(gch__gpu_executor *executor)
{
    for (uint32_t c = executor->fresh_first; c < executor->fresh_last; c++) {
        uint32_t *extents = &executor->extents[(size_t)gch__gpu_slot(executor, c) * 2];
        extents[0] = GCH__GPU_NO_ROW;
        extents[1] = 0;
    }
}

static gch_status draw_series(const gch__gpu_series *series, gch_error *err)
{
    empty_extents(series->executor);
    GCH_TRY(gch__query_begin(series->query, err));
    gch_status status = gch__bare_is_filled(series->its->mark) ? gch__gpu_reduce_filled(series, err)
                                                               : reduce_line(series, err);
    (void)!gch__query_end(series->query, GCH_OK); /* what it hands on is ours */
    if (status == GCH_PENDING || status == GCH_UNSUPPORTED)
        return draw_by_query(series, err);
    return status;
}

/* ---- points of a plane ---- */

/* Pixels that the query room has found, a piece each stretch of a column. */
static gch_status light_grid(const gch__gpu_series *series, const gch_grid *grid, gch_error *err)
{
    const gch_allocator *allocator = series->executor->allocator;
    size_t piece_cap = ((size_t)grid->height_px / 2 + 1) * grid->width_px;
    gch_status status = GCH_OK;
    gch_piece *pieces = gch__alloc_array(allocator, piece_cap, sizeof *pieces, PURPOSE);
    uint32_t *first =
        gch__alloc_array(allocator, (size_t)grid->width_px + 1, sizeof *first, PURPOSE);
    uint32_t count = 0;
    if (pieces == NULL || first == NULL) {
        status = gch__no_memory(err, PURPOSE);
        goto cleanup;
    }
    for (uint32_t x = 0; x < grid->width_px; x++) {
        first[x] = count;
        for (uint32_t y = 0; y < grid->height_px; y++) {
            if (grid->cells[(size_t)x * grid->height_px + y] == 0)
                continue;
            bool goes_on = count > first[x] && pieces[count - 1].row_bottom == (int32_t)y - 1;
            if (!goes_on)
                pieces[count++].row_top = (int32_t)y;
            pieces[count - 1].row_bottom = (int32_t)y;
        }
    }
    first[grid->width_px] = count;
    gch_columns columns = {.width_px = grid->width_px, .first = first, .pieces = pieces};
    GCH_TRY_GOTO(gch__gpu_pages_begin_tile(series->executor->pages, err), cleanup);
    status = gch__gpu_light_columns(series, &columns, err);
cleanup:
    gch__free(allocator, first, PURPOSE);
    gch__free(allocator, pieces, PURPOSE);
    return status;
}

/* Columns of a plane stand alone: their extents are empty, all is in the bitmap. */
static gch_status draw_points(const gch__gpu_series *series, const gch_plane *plane, gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    gch__gpu_points_marks marks = {.buffer = executor->marks,
                                   .cells = executor->frame.lit,
                                   .stride = executor->frame.lit_words};
    empty_extents(executor);
    GCH_TRY(gch__gpu_send_extents(series, err));
    gch_status status = gch__gpu_points_add(executor, series->query, plane, &marks, err);
    if (status != GCH_PENDING && status != GCH_UNSUPPORTED)
        return status;
    gch_grid grid;
    executor->stats.series_by_query++;
    executor->stats.is_pending = true;
    GCH_TRY(gch_query_grid(series->query, plane, GCH_GRID_LIT, &grid, err));
    return light_grid(series, &grid, err);
}

/* Points of a plane into the frame's counts, where a grid of them starts. */
static gch_status count_points(const gch__gpu_series *series, const gch_plane *plane,
                               uint32_t cells, gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    gch__gpu_points_marks marks = {.buffer = executor->counts.grids,
                                   .counts = true,
                                   .cells = cells,
                                   .stride = plane->view.height_px};
    gch_status status = gch__gpu_points_add(executor, series->query, plane, &marks, err);
    if (status != GCH_PENDING && status != GCH_UNSUPPORTED)
        return status;
    gch_grid grid;
    executor->stats.series_by_query++;
    executor->stats.is_pending = true;
    GCH_TRY(gch_query_grid(series->query, plane, GCH_GRID_COUNTS, &grid, err));
    return gch__gpu_upload(executor->gpu, marks.buffer, (uint64_t)cells * 4, grid.cells,
                           (uint64_t)grid.width_px * grid.height_px * 4, err);
}

/* ---- frames ---- */

static bool is_same_plane(const gch_plane_view *a, const gch_plane_view *b)
{
    return a->left.digits == b->left.digits && a->left.exp10 == b->left.exp10 &&
           a->right.digits == b->right.digits && a->right.exp10 == b->right.exp10;
}

static bool is_same_view(const gch_view *a, const gch_view *b)
{
    return a->t0 == b->t0 && a->t1 == b->t1 && a->bottom.digits == b->bottom.digits &&
           a->bottom.exp10 == b->bottom.exp10 && a->top.digits == b->top.digits &&
           a->top.exp10 == b->top.exp10 && a->width_px == b->width_px &&
           a->height_px == b->height_px && a->axis == b->axis;
}

/* All but the view. */
static bool is_same_place(const gch__plot *a, const gch__plot *b)
{
    return a->panel == b->panel && a->x_px == b->x_px && a->y_px == b->y_px &&
           a->baseline_y == b->baseline_y;
}

static bool is_same_series(const gch__plot_series *a, const gch__plot_series *b)
{
    return a->plot == b->plot && a->file == b->file && a->column == b->column &&
           a->column_high == b->column_high && a->has_price == b->has_price &&
           a->column_price == b->column_price && a->mark == b->mark && a->color == b->color &&
           a->up_color == b->up_color && a->down_color == b->down_color &&
           a->fill_color == b->fill_color && a->fill_base_color == b->fill_base_color &&
           a->size_by == b->size_by && a->color_by == b->color_by &&
           a->category_by == b->category_by && a->width == b->width &&
           a->bar_width.unit == b->bar_width.unit && a->bar_width.count == b->bar_width.count &&
           a->dash_count == b->dash_count &&
           memcmp(a->dash, b->dash, a->dash_count * sizeof *a->dash) == 0 &&
           a->density_scale == b->density_scale && a->palette == b->palette &&
           a->is_palette_reversed == b->is_palette_reversed && a->study.kind == b->study.kind &&
           a->study.length == b->study.length && a->study.with_file == b->study.with_file &&
           a->study.with_column == b->study.with_column;
}

static const char *zone_name(const gch__scene *scene)
{
    return scene->zone != NULL ? gch_time_zone_name(scene->zone) : "";
}

static uint64_t with_generation(const gch__plot_series *series)
{
    return series->study.kind == GCH_STUDY_SPREAD ? gch__file_generation(series->study.with_file)
                                                  : 0;
}

static void describe(const gch__scene *scene, const gch_image *image, gch__gpu_shown *out)
{
    out->is_valid = false;
    out->pixels = image != NULL ? image->pixels : NULL;
    out->is_bare = scene->is_bare;
    out->scale = scene->scale;
    snprintf(out->zone, sizeof out->zone, "%s", zone_name(scene));
    out->plot_count = scene->plot_count;
    for (uint32_t i = 0; i < scene->plot_count; i++)
        out->plots[i] = scene->plots[i];
    out->series_count = scene->series_count;
    for (uint32_t i = 0; i < scene->series_count; i++)
        out->series[i] = (struct gch__gpu_shown_series){
            .its = scene->series[i],
            .generation = gch__file_generation(scene->series[i].file),
            .with_generation = with_generation(&scene->series[i])};
}

/* All but the views and where it was drawn. */
static bool has_shown(const gch__gpu_shown *shown, const gch__scene *scene)
{
    if (!shown->is_valid || shown->is_bare != scene->is_bare || shown->scale != scene->scale ||
        strcmp(shown->zone, zone_name(scene)) != 0 || shown->plot_count != scene->plot_count ||
        shown->series_count != scene->series_count)
        return false;
    for (uint32_t i = 0; i < scene->plot_count; i++)
        if (!is_same_place(&shown->plots[i], &scene->plots[i]))
            return false;
    for (uint32_t i = 0; i < scene->series_count; i++)
        if (!is_same_series(&shown->series[i].its, &scene->series[i]) ||
            shown->series[i].generation != gch__file_generation(scene->series[i].file) ||
            shown->series[i].with_generation != with_generation(&scene->series[i]))
            return false;
    return true;
}

static bool is_shown(const gch__gpu_shown *shown, const gch__scene *scene, const gch_image *image)
{
    const uint32_t *pixels = image != NULL ? image->pixels : NULL;
    if (!has_shown(shown, scene) || shown->pixels != pixels)
        return false;
    for (uint32_t i = 0; i < scene->plot_count; i++)
        if (!is_same_view(&shown->plots[i].view, &scene->plots[i].view) ||
            !is_same_plane(&shown->plots[i].plane, &scene->plots[i].plane))
            return false;
    return true;
}

/* Which columns are not in the marks and counts of the last frame: all, or those that a pan by
 * whole columns has uncovered. */
static void find_fresh(gch__gpu_executor *executor, const gch__scene *scene)
{
    const gch_view *view = &scene->plots[0].view;
    int64_t shift = 0;
    bool is_panned = !scene->is_plane && has_shown(&executor->shown, scene);
    for (uint32_t i = 0; is_panned && i < scene->plot_count; i++) /* all by as much */
        is_panned = gch__view_shift(&executor->shown.plots[i].view, &scene->plots[i].view, &shift);
    executor->plot_width = view->width_px;
    executor->fresh_first = 0;
    executor->fresh_last = view->width_px;
    if (!is_panned) {
        executor->origin = 0;
        return;
    }
    executor->origin = (uint32_t)((executor->origin + view->width_px + shift) % view->width_px);
    if (shift >= 0)
        executor->fresh_first = view->width_px - (uint32_t)shift;
    else
        executor->fresh_last = (uint32_t)-shift;
}

void gch__gpu_fresh_slots(const gch__gpu_executor *executor, uint32_t out[3])
{
    uint32_t width = executor->plot_width;
    uint32_t count = executor->fresh_last - executor->fresh_first;
    out[0] = gch__gpu_slot(executor, executor->fresh_first % width);
    out[1] = GCH_MIN(count, width - out[0]);
    out[2] = count - out[1];
}

static gch_status clear_fresh(gch__gpu_executor *executor, gch_error *err)
{
    const gch__gpu_frame *frame = &executor->frame;
    uint64_t slot_bytes = (uint64_t)frame->lit_words * 4;
    uint32_t slots[3];
    gch__gpu_fresh_slots(executor, slots);
    GCH_TRY(gch__gpu_clear(executor->gpu, executor->marks,
                           (uint64_t)frame->lit * 4 + slots[0] * slot_bytes, slots[1] * slot_bytes,
                           err));
    return gch__gpu_clear(executor->gpu, executor->marks, (uint64_t)frame->lit * 4,
                          slots[2] * slot_bytes, err);
}

static void empty_tables(gch__gpu_executor *executor)
{
    executor->segments.count = executor->segments.sent = 0;
    executor->slices.count = executor->slices.sent = 0;
    executor->edges.count = executor->edges.sent = 0;
    for (uint32_t i = 0; i < GCH__GPU_LIST_COUNT; i++)
        executor->tile[i].count = 0;
    gch__gpu_points_begin_frame(executor->points);
}

/* Where each panel's marks lie. Returns how many words all take. */
static uint64_t place_panels(gch__gpu_executor *executor, const gch__scene *scene)
{
    uint64_t at = GCH__GPU_PANELS_WORDS;
    executor->panel_count = 0;
    for (uint32_t i = 0; i < scene->plot_count; i++) {
        const gch__plot *plot = &scene->plots[i];
        if (i > 0 && plot->panel == scene->plots[i - 1].panel)
            continue;
        uint32_t count = 0;
        for (uint32_t k = 0; k < scene->series_count; k++)
            count += scene->plots[scene->series[k].plot].panel == plot->panel;
        gch__gpu_panel *panel = &executor->panels[executor->panel_count++];
        *panel = (gch__gpu_panel){.first_row = plot->y_px,
                                  .height = plot->view.height_px,
                                  .extents = (uint32_t)at,
                                  .series_count = count,
                                  .lit_words = (plot->view.height_px + 31) / 32};
        at += (uint64_t)count * plot->view.width_px * 2;
        panel->lit = (uint32_t)at;
        at += (uint64_t)panel->lit_words * plot->view.width_px;
    }
    return at;
}

static gch_status prepare(gch__gpu_executor *executor, const gch__scene *scene, gch_error *err)
{
    uint64_t bars_at = place_panels(executor, scene);
    uint64_t bytes = (bars_at + gch__gpu_bar_words(scene->width_px)) * 4;
    executor->bars_at = (uint32_t)bars_at;
    if (bytes > executor->marks_bytes) {
        gch__gpu_buffer larger;
        GCH_TRY(
            gch__gpu_buffer_make(executor->gpu, bytes, GCH__GPU_STORAGE, "marks", &larger, err));
        gch__gpu_buffer_release(executor->gpu, executor->marks);
        executor->marks = larger;
        executor->marks_bytes = bytes;
        executor->version++;
    }
    GCH_TRY(gch__ensure(executor->allocator, (void **)&executor->extents, &executor->extents_cap,
                        (size_t)scene->width_px * 2, sizeof *executor->extents, PURPOSE, err));
    empty_tables(executor);
    return GCH_OK;
}

static gch__gpu_series make_series(gch__gpu_executor *executor, const gch__scene *scene,
                                   uint32_t index, gch_query *query)
{
    const gch__plot_series *its = &scene->series[index];
    return (gch__gpu_series){.executor = executor,
                             .query = query,
                             .file = its->file,
                             .column = its->column,
                             .join = gch__bare_join(its->mark),
                             .view = &scene->plots[its->plot].view,
                             .its = its,
                             .zone = scene->zone};
}

/* The fresh columns of a panel's series. */
static gch_status draw_panel(gch__gpu_executor *executor, const gch__scene *scene, uint32_t index,
                             gch_query *const *queries, gch_error *err)
{
    const gch__gpu_panel *panel = &executor->panels[index];
    uint32_t extents = panel->extents, grid = 0;
    executor->frame = (gch__gpu_frame){.width = scene->width_px,
                                       .height = panel->height,
                                       .first_extents = panel->extents,
                                       .lit = panel->lit,
                                       .lit_words = panel->lit_words,
                                       .origin = executor->origin};
    GCH_TRY(clear_fresh(executor, err));
    for (uint32_t i = 0; i < scene->series_count; i++) {
        if (scene->plots[scene->series[i].plot].panel != index)
            continue;
        gch__gpu_series series = make_series(executor, scene, i, queries[i]);
        keep_in_pools(executor, series.file);
        executor->frame.extents = extents;
        executor->frame.join = series.join;
        extents += scene->width_px * 2;
        if (scene->series[i].mark == GCH_MARK_DENSITY) {
            empty_extents(executor);
            GCH_TRY(gch__gpu_send_extents(&series, err));
            GCH_TRY(gch__gpu_counts_add(&series, index, grid++, err));
        } else if (scene->is_plane) {
            gch_plane plane = gch__plane_of(scene, i);
            GCH_TRY(draw_points(&series, &plane, err));
        } else {
            GCH_TRY(draw_series(&series, err));
        }
        executor->frame.series_count++;
    }
    return GCH_OK;
}

static gch_status draw_frame(gch__gpu_executor *executor, const gch__scene *scene,
                             gch_query *const *queries, gch_image *image, gch_error *err)
{
    uint32_t grids;
    GCH_TRY(prepare(executor, scene, err));
    executor->stats.columns_kept = scene->width_px - (executor->fresh_last - executor->fresh_first);
    GCH_TRY(gch__gpu_use_pool(executor, executor->pool, err));
    uint64_t loaded = begin_pools(executor);
    executor->frame = (gch__gpu_frame){.width = scene->width_px, .origin = executor->origin};
    GCH_TRY(gch__gpu_begin(executor->gpu, "frame", err));
    GCH_TRY(gch__gpu_counts_begin(executor, scene, &grids, err));
    GCH_TRY(gch__gpu_upload(executor->gpu, executor->marks, 0, executor->panels,
                            executor->panel_count * sizeof *executor->panels, err));
    for (uint32_t i = 0; i < executor->panel_count; i++)
        GCH_TRY(draw_panel(executor, scene, i, queries, err));
    executor->frame = (gch__gpu_frame){.width = scene->width_px,
                                       .height = scene->height_px,
                                       .panel_count = executor->panel_count,
                                       .origin = executor->origin};
    gch__gpu_counts_tell(executor);
    executor->light.buffers[1] = executor->marks;
    executor->light.buffers[2] = executor->counts.grids;
    GCH_TRY(gch__gpu_picture_draw(executor, &executor->light, image, err));
    executor->stats.pages_loaded = end_pools(executor) - loaded;
    return GCH_OK;
}

/* Answers of the query room that were not exact, as pages had not come. */
static uint64_t count_pending(const gch__scene *scene, gch_query *const *queries)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < scene->series_count; i++) {
        gch_query_stats stats = gch_query_get_stats(queries[i]);
        count += stats.columns_pending + stats.answers_pending;
    }
    return count;
}

/* Counts the densities of a painted frame, with what their colours depend on. */
static gch_status count_densities(gch__gpu_executor *executor, const gch__scene *scene,
                                  gch_query *const *queries, gch_error *err)
{
    uint32_t grids[GCH_PANEL_CAP] = {0};
    empty_tables(executor);
    GCH_TRY(gch__gpu_use_pool(executor, executor->pool, err));
    uint64_t loaded = begin_pools(executor);
    for (uint32_t i = 0; i < scene->series_count; i++) {
        gch__gpu_series series = make_series(executor, scene, i, queries[i]);
        if (!gch__gpu_has_grid(scene, i)) {
            executor->stats.series_by_query++;
            continue;
        }
        uint32_t panel = scene->plots[scene->series[i].plot].panel, index = grids[panel]++;
        keep_in_pools(executor, series.file);
        if (scene->is_plane && !gch__gpu_painter_has_counts(executor->painter, i)) {
            executor->stats.series_by_query++; /* drawn one by one */
            continue;
        }
        if (scene->is_plane) {
            gch_plane plane = gch__plane_of(scene, i);
            GCH_TRY(
                count_points(&series, &plane, gch__gpu_counts_grid(executor, panel, index), err));
        } else {
            GCH_TRY(gch__gpu_counts_add(&series, panel, index, err));
        }
        GCH_TRY(gch__gpu_counts_tone(executor, panel, index, err));
    }
    executor->stats.pages_loaded = end_pools(executor) - loaded;
    return GCH_OK;
}

/* Everything but the marks was recorded by gch__gpu_painter_begin. */
static gch_status paint_frame(gch__gpu_executor *executor, const gch__scene *scene,
                              gch_query *const *queries, gch_image *image, gch_error *err)
{
    gch__gpu_brush *brush;
    uint32_t grids;
    uint64_t pending = count_pending(scene, queries);
    executor->frame = (gch__gpu_frame){
        .width = scene->width_px, .height = scene->height_px, .origin = executor->origin};
    GCH_TRY(gch__gpu_begin(executor->gpu, "chart", err));
    (void)place_panels(executor, scene);
    GCH_TRY(gch__gpu_counts_begin(executor, scene, &grids, err));
    gch__gpu_counts_tell(executor);
    GCH_TRY(
        gch__gpu_painter_add_marks(executor->painter, scene, queries, &executor->query_ns, err));
    if (grids > 0)
        GCH_TRY(count_densities(executor, scene, queries, err));
    else
        executor->stats.series_by_query = scene->series_count;
    GCH_TRY(gch__gpu_painter_send(executor->painter, &brush, err));
    GCH_TRY(gch__gpu_picture_draw(executor, brush, image, err));
    if (count_pending(scene, queries) != pending)
        executor->stats.is_pending = true;
    return GCH_OK;
}

static gch_status begin_painting(gch__gpu_executor *executor, const gch__scene *scene,
                                 bool *out_is_same, gch_error *err)
{
    if (executor->painter == NULL)
        GCH_TRY(gch__gpu_painter_make(executor, &executor->painter, err));
    return gch__gpu_painter_begin(executor->painter, scene, out_is_same, err);
}

/* Pages, and the draws that were recorded. */
static void drop_kept(gch__gpu_executor *executor)
{
    drop_pools(executor);
    gch__gpu_brush_drop(executor, &executor->light);
    gch__gpu_painter_drop(executor->painter);
    gch__gpu_counts_drop(executor);
    executor->shown.is_valid = false;
}

gch_status gch__gpu_begin_pages(gch__gpu_executor *executor, gch_error *err)
{
    empty_tables(executor);
    GCH_TRY(gch__gpu_use_pool(executor, executor->pool, err));
    (void)begin_pools(executor);
    return GCH_OK;
}

void gch__gpu_end_pages(gch__gpu_executor *executor, gch_status status)
{
    if (status == GCH_OK) {
        (void)end_pools(executor);
        return;
    }
    gch__gpu_abandon(executor->gpu);
    drop_kept(executor);
}

/* Bare panels divide the picture between them; their numbers are their order. */
static gch_status check_bare(const gch__scene *scene, gch_error *err)
{
    uint32_t rows = 0, panels = 0;
    for (uint32_t i = 0; scene->is_bare && i < scene->plot_count; i++) {
        const gch__plot *plot = &scene->plots[i];
        bool is_new = i == 0 || plot->panel != plot[-1].panel;
        bool is_sound = plot->view.width_px == scene->width_px && plot->panel + 1 <= GCH_PANEL_CAP;
        if (is_new)
            is_sound = is_sound && plot->y_px == rows && plot->panel == panels;
        else
            is_sound = is_sound && plot->view.height_px == plot[-1].view.height_px;
        if (!is_sound)
            return gch_fail(err, GCH_INVALID, "plot %u of a bare picture lies at row %u", i,
                            plot->y_px);
        rows += is_new ? plot->view.height_px : 0;
        panels += is_new ? 1 : 0;
    }
    if (scene->is_bare && rows != scene->height_px)
        return gch_fail(err, GCH_INVALID, "bare plots of %u rows for a picture of %u x %u px", rows,
                        scene->width_px, scene->height_px);
    return GCH_OK;
}

gch_status gch__gpu_executor_draw(gch__gpu_executor *executor, const gch__scene *scene,
                                  gch_query *const *queries, gch_image *image,
                                  gch__gpu_frame_stats *stats, int64_t *out_query_ns,
                                  gch_error *err)
{
    if (image != NULL &&
        (image->width_px != scene->width_px || image->height_px != scene->height_px))
        return gch_fail(err, GCH_INVALID, "the image is %u x %u, the scene %u x %u",
                        image->width_px, image->height_px, scene->width_px, scene->height_px);
    GCH_TRY(check_bare(scene, err));
    *out_query_ns = 0;
    executor->stats = (gch__gpu_frame_stats){.adapter = gch__gpu_get_info(executor->gpu)->adapter};
    executor->query_ns = 0;
    executor->start_ns = gch__clock_ns();
    bool was_valid = executor->shown.is_valid, are_fixed_same = true;
    executor->shown.is_valid = false;
    if (!scene->is_bare)
        GCH_TRY(begin_painting(executor, scene, &are_fixed_same, err));
    executor->shown.is_valid = was_valid;
    if (are_fixed_same && is_shown(&executor->shown, scene, image) &&
        (scene->is_plane ||
         gch__strata_is_settled(&executor->counts.strata, &executor->counts.quality_desc))) {
        gch__gpu_counts_report(executor);
        *stats = executor->stats;
        stats->is_unchanged = true;
        return GCH_OK;
    }
    find_fresh(executor, scene);
    describe(scene, image, &executor->shown);
    gch_status status = scene->is_bare ? draw_frame(executor, scene, queries, image, err)
                                       : paint_frame(executor, scene, queries, image, err);
    if (status != GCH_OK) {
        gch__gpu_abandon(executor->gpu);
        drop_kept(executor);
        return status;
    }
    gch__gpu_counts_end(executor, (double)(gch__clock_ns() - executor->start_ns) / 1e6);
    /* A picture of columns that await pages is drawn again until they have come. */
    executor->shown.is_valid = !executor->stats.is_pending;
    if (executor->desc.keeps_nothing)
        drop_kept(executor);
    *stats = executor->stats;
    *out_query_ns = executor->query_ns;
    return GCH_OK;
}

void gch__gpu_executor_set_quality(gch__gpu_executor *executor, const gch__quality_desc *desc)
{
    executor->counts.quality_desc = *desc;
}

void gch__gpu_executor_forget(gch__gpu_executor *executor)
{
    gch__gpu_counts_drop(executor);
    executor->shown.is_valid = false;
}

gch__gpu *gch__gpu_executor_get_gpu(gch__gpu_executor *executor)
{
    return executor->gpu;
}

/* ---- life ---- */

static gch_status make_objects(gch__gpu_executor *executor, gch_error *err)
{
    GCH_TRY(gch__gpu_make(
        &(gch__gpu_desc){.driver = executor->desc.driver, .allocator = executor->allocator},
        &executor->gpu, err));
    gch__gpu_set_timing(executor->gpu, executor->desc.time_passes);
    for (uint32_t i = 0; i < GCH__GPU_KERNEL_COUNT; i++)
        GCH_TRY(gch__gpu_buffer_make(executor->gpu, sizeof(gch__gpu_frame), GCH__GPU_UNIFORM,
                                     "kernel frame", &executor->kernel_frames[i], err));
    GCH_TRY(gch__gpu_buffer_make(executor->gpu, sizeof(gch__gpu_frame), GCH__GPU_UNIFORM,
                                 "picture frame", &executor->picture.frame, err));
    GCH_TRY(gch__gpu_counts_make(executor, err));
    return make_light(executor, err);
}

gch_status gch__gpu_executor_make(const gch__gpu_executor_desc *desc, gch__gpu_executor **out,
                                  gch_error *err)
{
    gch__gpu_executor *executor = gch__alloc_zero(desc->allocator, 1, sizeof *executor, PURPOSE);
    if (executor == NULL)
        return gch__no_memory(err, PURPOSE);
    executor->allocator = desc->allocator;
    executor->desc = *desc;
    executor->version = 1;
    executor->counts.strata.allocator = desc->allocator;
    executor->pool_limit = GCH__GPU_POOLS;
    executor->kernel_count = GCH__GPU_REDUCE_DRAWN;
    executor->segments =
        (gch__gpu_stream){.label = "gpu segments", .entry_bytes = sizeof(gch__gpu_segment)};
    executor->slices =
        (gch__gpu_stream){.label = "gpu slices", .entry_bytes = sizeof(gch__gpu_slice)};
    executor->edges = (gch__gpu_stream){.label = "gpu edges", .entry_bytes = sizeof(uint64_t)};
    gch_status status = make_objects(executor, err);
    if (status != GCH_OK) {
        gch__gpu_executor_destroy(executor);
        return status;
    }
    *out = executor;
    return GCH_OK;
}

void gch__gpu_executor_destroy(gch__gpu_executor *executor)
{
    if (executor == NULL)
        return;
    const gch_allocator *allocator = executor->allocator;
    drop_pools(executor);
    gch__gpu_points_destroy(executor->points);
    gch__gpu_painter_destroy(executor->painter);
    gch__gpu_destroy(executor->gpu);
    gch__free(allocator, executor->segments.entries, executor->segments.label);
    gch__free(allocator, executor->slices.entries, executor->slices.label);
    gch__free(allocator, executor->edges.entries, executor->edges.label);
    for (uint32_t i = 0; i < GCH__GPU_LIST_COUNT; i++)
        gch__free(allocator, executor->tile[i].items, "gpu slices");
    gch__free(allocator, executor->extents, PURPOSE);
    gch__free(allocator, executor->bar_marks, PURPOSE);
    gch__bare_room_reset(&executor->bare, allocator);
    gch__gpu_counts_free(executor);
    gch__free(allocator, executor->segment_numbers, "gpu segments");
    gch__free(allocator, executor->segment_sources, "gpu segments");
    gch__free(allocator, executor, PURPOSE);
}
