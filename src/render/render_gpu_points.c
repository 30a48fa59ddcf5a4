/* Points of a plane on the GPU: see render_gpu_points.h.
 *
 * Invariants:
 *  1. A slice is added once all that the kernels read of its nodes is resident:
 *     nodes, headers, directory, payload and bitmaps of both columns.
 *  2. Segment entries come in pairs, x and then y, or in threes, the values last; all have the page
 *     table of their segment.
 *  3. A node goes to one tile. Marks are added to, so that tiles may come in any order.
 */
#include "render_gpu_points.h"
#include "query_plane.h"
#include "render_gpu_planes.h"

#define PURPOSE "gpu points"
#define BINDINGS 9u
#define SLICE_NODES 64u
#define TILE_SLICES 1024u /* at most: a million blocks, whose records take 75 MB */
#define GROUP_NODES 4u    /* of a workgroup of sort_blocks */
#define NODE_BLOCKS GCH_TREE_FANOUT
#define SLICE_LEVEL 2u /* of the tree whose nodes the walk stops at: 16 of the shader's */
/* Of super-blocks that one look at the directory covers: a chunk as writers lay them out. */
#define RUN_SUPERS 256u

extern const char gch__shader_points_start[], gch__shader_points_end[];

/* In the order in which a tile takes them. */
typedef enum kernel { CULL, SORT, PLAN, COUNT_NEAR, COUNT_FAR, KERNEL_COUNT } kernel;

static const char *const kernel_names[KERNEL_COUNT] = {"cull_points", "sort_blocks", "plan_counts",
                                                       "count_near_edges", "count_far_edges"};

struct gch__gpu_points {
    const gch_allocator *allocator;
    gch__gpu *gpu;
    gch__gpu_pipeline kernels[KERNEL_COUNT];
    uint32_t slab_shift;
    gch__gpu_buffer frame;
    gch__gpu_stream slices;
    gch__gpu_buffer work;
    uint64_t work_bytes;
    gch__gpu_buffer blocks;
    uint64_t blocks_bytes;
    struct {
        gch__gpu_bindings kernels[KERNEL_COUNT];
        gch__gpu_buffer marks;
        uint64_t version, pages_version;
    } bound[GCH__GPU_POOLS]; /* a pool */
    gch__gpu_buffer counts;
    uint64_t counts_bytes;

    gch__gpu_points_slice *tile;
    size_t tile_count, tile_cap;
    uint32_t *numbers; /* of a segment's first in executor->segments, + 1 */
    uint32_t *sources;
    size_t number_cap, source_cap;
    gch__points_stretch *survey;
    size_t survey_count, survey_cap;
};

/* The points of a file being added. */
typedef struct points_job {
    gch__gpu_executor *executor;
    gch__gpu_points *points;
    gch_query *query;
    const gch_plane *plane;
    const gch__gpu_points_marks *marks;
    gch__gpu_points_part *part; /* NULL: everything is counted */
    bool is_survey;
    uint32_t pool_shift;
} points_job;

/* ---- objects ---- */

static gch_status make_points(gch__gpu_executor *executor, gch__gpu_points **out, gch_error *err)
{
    gch__gpu_points *points = gch__alloc_zero(executor->allocator, 1, sizeof *points, PURPOSE);
    if (points == NULL)
        return gch__no_memory(err, PURPOSE);
    points->allocator = executor->allocator;
    points->gpu = executor->gpu;
    points->slices =
        (gch__gpu_stream){.label = PURPOSE, .entry_bytes = sizeof(gch__gpu_points_slice)};
    gch_status status = gch__gpu_buffer_make(executor->gpu, sizeof(gch__gpu_points_frame),
                                             GCH__GPU_UNIFORM, "points frame", &points->frame, err);
    if (status != GCH_OK) {
        gch__gpu_points_destroy(points);
        return status;
    }
    *out = points;
    return GCH_OK;
}

void gch__gpu_points_unbind(gch__gpu_points *points, uint32_t pool)
{
    for (kernel k = CULL; points != NULL && k < KERNEL_COUNT; k++) {
        gch__gpu_bindings_release(points->gpu, points->bound[pool].kernels[k]);
        points->bound[pool].kernels[k] = (gch__gpu_bindings){0};
        points->bound[pool].version = 0;
    }
}

void gch__gpu_points_destroy(gch__gpu_points *points)
{
    if (points == NULL)
        return;
    for (uint32_t i = 0; i < GCH__GPU_POOLS; i++)
        gch__gpu_points_unbind(points, i);
    gch__gpu_buffer_release(points->gpu, points->frame);
    gch__gpu_buffer_release(points->gpu, points->work);
    gch__gpu_buffer_release(points->gpu, points->blocks);
    gch__gpu_buffer_release(points->gpu, points->counts);
    gch__gpu_buffer_release(points->gpu, points->slices.buffer);
    gch__free(points->allocator, points->slices.entries, points->slices.label);
    gch__free(points->allocator, points->tile, PURPOSE);
    gch__free(points->allocator, points->survey, PURPOSE);
    gch__free(points->allocator, points->numbers, PURPOSE);
    gch__free(points->allocator, points->sources, PURPOSE);
    gch__free(points->allocator, points, PURPOSE);
}

static gch_status make_kernels(gch__gpu_executor *executor, uint32_t slab_shift, gch_error *err)
{
    gch__gpu_points *points = executor->points;
    gch__gpu_shader shader;
    GCH_TRY(gch__gpu_shader_make(executor->gpu, gch__shader_points_start,
                                 (size_t)(gch__shader_points_end - gch__shader_points_start),
                                 "points", &shader, err));
    gch__gpu_pipeline_desc desc = {
        .shader = shader,
        .kinds = {GCH__GPU_BIND_UNIFORM, GCH__GPU_BIND_READ, GCH__GPU_BIND_READ, GCH__GPU_BIND_READ,
                  GCH__GPU_BIND_READ, GCH__GPU_BIND_WRITE, GCH__GPU_BIND_READ, GCH__GPU_BIND_READ,
                  GCH__GPU_BIND_READ},
        .constants = {{"SLAB_SHIFT", slab_shift}, {"BY_BLOCKS", executor->desc.by_blocks ? 1 : 0}}};
    for (kernel k = CULL; k < KERNEL_COUNT; k++) {
        desc.label = desc.compute = kernel_names[k];
        desc.kinds[BINDINGS - 1] = k == CULL ? GCH__GPU_BIND_WRITE : GCH__GPU_BIND_READ;
        GCH_TRY(gch__gpu_pipeline_get(executor->gpu, &desc, &points->kernels[k], err));
    }
    points->slab_shift = slab_shift;
    return GCH_OK;
}

static gch_status bind_kernel(const points_job *job, kernel k, gch_error *err)
{
    gch__gpu_executor *executor = job->executor;
    gch__gpu_points *points = job->points;
    gch__gpu_pages_buffers pages = gch__gpu_pages_get_buffers(executor->pages);
    bool sorts = k == SORT || k == PLAN;
    gch__gpu_buffer buffers[BINDINGS] = {points->frame,
                                         executor->segments.buffer,
                                         points->slices.buffer,
                                         executor->edges.buffer,
                                         pages.table,
                                         sorts ? points->blocks : job->marks->buffer,
                                         pages.slabs[0],
                                         pages.slabs[1],
                                         k < COUNT_NEAR ? points->work : points->blocks};
    gch__gpu_bindings made;
    GCH_TRY(gch__gpu_bindings_make(executor->gpu, points->kernels[k], buffers, BINDINGS,
                                   kernel_names[k], &made, err));
    gch__gpu_bindings_release(executor->gpu, points->bound[executor->pool].kernels[k]);
    points->bound[executor->pool].kernels[k] = made;
    return GCH_OK;
}

/* Bindings follow the buffers; the kernels, the slabs' size. */
static gch_status bind(const points_job *job, gch_error *err)
{
    gch__gpu_executor *executor = job->executor;
    gch__gpu_points *points = job->points;
    gch__gpu_pages_buffers pages = gch__gpu_pages_get_buffers(executor->pages);
    if (points->slab_shift != pages.slab_shift)
        GCH_TRY(make_kernels(executor, pages.slab_shift, err));
    if (points->bound[executor->pool].version == executor->version &&
        points->bound[executor->pool].pages_version == pages.version &&
        points->bound[executor->pool].marks.id == job->marks->buffer.id)
        return GCH_OK;
    points->bound[executor->pool].version = 0; /* until all are bound */
    for (kernel k = CULL; k < KERNEL_COUNT; k++)
        GCH_TRY(bind_kernel(job, k, err));
    points->bound[executor->pool].marks = job->marks->buffer;
    points->bound[executor->pool].version = executor->version;
    points->bound[executor->pool].pages_version = pages.version;
    return GCH_OK;
}

/* ---- tiles ---- */

/* A buffer that is written anew with each tile; grows. */
static gch_status reserve(const points_job *job, const char *label, uint64_t bytes,
                          gch__gpu_buffer *io_buffer, uint64_t *io_bytes, gch_error *err)
{
    if (bytes <= *io_bytes)
        return GCH_OK;
    uint64_t cap = GCH_MAX(bytes, *io_bytes * 2);
    gch__gpu_buffer larger;
    GCH_TRY(gch__gpu_buffer_make(job->points->gpu, cap, GCH__GPU_STORAGE | GCH__GPU_INDIRECT, label,
                                 &larger, err));
    gch__gpu_buffer_release(job->points->gpu, *io_buffer);
    *io_buffer = larger;
    *io_bytes = cap;
    job->executor->version++;
    return GCH_OK;
}

/* Empty lists, with room for all nodes and all blocks of the tile. */
static gch_status send_work(const points_job *job, gch_error *err)
{
    static const gch__gpu_work no_nodes = {.groups = {0, 1, 1}};
    static const gch__gpu_blocks no_blocks = {.counts = {0}};
    gch__gpu_points *points = job->points;
    uint64_t nodes = (uint64_t)points->tile_count * SLICE_NODES;
    GCH_TRY(reserve(job, "points work", sizeof no_nodes + nodes * sizeof(uint32_t), &points->work,
                    &points->work_bytes, err));
    GCH_TRY(
        reserve(job, "points blocks",
                sizeof no_blocks + nodes * NODE_BLOCKS * GCH__GPU_BLOCK_WORDS * sizeof(uint32_t),
                &points->blocks, &points->blocks_bytes, err));
    GCH_TRY(gch__gpu_upload(points->gpu, points->blocks, 0, &no_blocks, sizeof no_blocks, err));
    return gch__gpu_upload(points->gpu, points->work, 0, &no_nodes, sizeof no_nodes, err);
}

static gch_status send_slices(const points_job *job, gch__gpu_points_frame *frame, gch_error *err)
{
    gch__gpu_points *points = job->points;
    void *room;
    GCH_TRY(
        gch__gpu_stream_reserve(job->executor, &points->slices, points->tile_count, &room, err));
    memcpy(room, points->tile, points->tile_count * sizeof *points->tile);
    frame->first_slice = (uint32_t)points->slices.count;
    frame->slice_count = (uint32_t)points->tile_count;
    points->slices.count += points->tile_count;
    GCH_TRY(gch__gpu_stream_flush(job->executor, &points->slices, err));
    GCH_TRY(gch__gpu_stream_flush(job->executor, &job->executor->segments, err));
    GCH_TRY(gch__gpu_stream_flush(job->executor, &job->executor->edges, err));
    return gch__gpu_pages_flush(job->executor->pages, err);
}

/* Workgroups of which groups_x make a row. */
static gch_status run_rows(const points_job *job, const gch__gpu_points_frame *frame, kernel k,
                           uint32_t groups, gch_error *err)
{
    uint32_t rows = (groups + frame->groups_x - 1) / frame->groups_x;
    return gch__gpu_dispatch(job->points->gpu, job->points->kernels[k],
                             job->points->bound[job->executor->pool].kernels[k], frame->groups_x,
                             rows, 1, err);
}

static gch_status run_listed(const points_job *job, kernel k, gch__gpu_buffer from, uint64_t offset,
                             gch_error *err)
{
    return gch__gpu_dispatch_indirect(job->points->gpu, job->points->kernels[k],
                                      job->points->bound[job->executor->pool].kernels[k], from,
                                      offset, err);
}

static gch_status dispatch(const points_job *job, const gch__gpu_points_frame *frame,
                           uint32_t groups, gch_error *err)
{
    gch__gpu_points *points = job->points;
    if (job->executor->desc.by_blocks) {
        GCH_TRY(run_rows(job, frame, SORT, groups, err));
    } else {
        GCH_TRY(run_rows(job, frame, CULL, groups, err));
        GCH_TRY(run_listed(job, SORT, points->work, 0, err));
    }
    GCH_TRY(gch__gpu_dispatch(points->gpu, points->kernels[PLAN],
                              points->bound[job->executor->pool].kernels[PLAN], 1, 1, 1, err));
    GCH_TRY(
        run_listed(job, COUNT_NEAR, points->blocks, offsetof(gch__gpu_blocks, near_groups), err));
    return run_listed(job, COUNT_FAR, points->blocks, offsetof(gch__gpu_blocks, far_groups), err);
}

static gch__points_pass pass_of(const points_job *job)
{
    return job->part != NULL ? job->part->pass : GCH__POINTS_COUNT;
}

static gch_status run_tile(const points_job *job, gch_error *err)
{
    gch__gpu_points *points = job->points;
    const gch_plane_view *view = &job->plane->view;
    if (points->tile_count == 0)
        return GCH_OK;
    bool by_blocks = job->executor->desc.by_blocks;
    bool counts = pass_of(job) == GCH__POINTS_COUNT;
    uint32_t nodes = (uint32_t)points->tile_count * SLICE_NODES;
    uint32_t groups = (uint32_t)points->tile_count; /* of a workgroup a slice */
    if (counts && by_blocks)
        groups = nodes / GROUP_NODES;
    else if (pass_of(job) == GCH__POINTS_LEVEL)
        groups = nodes;
    gch__gpu_points_frame frame = {
        .width = view->width_px,
        .height = view->height_px,
        .groups_x = GCH_MIN(groups, gch__gpu_get_info(points->gpu)->group_count_max),
        .counts = job->marks->counts ? 1 : 0,
        .cells = job->marks->cells,
        .stride = job->marks->stride,
        .capacity = nodes * NODE_BLOCKS};
    if (counts)
        GCH_TRY(send_work(job, err));
    GCH_TRY(send_slices(job, &frame, err));
    GCH_TRY(gch__gpu_upload(points->gpu, points->frame, 0, &frame, sizeof frame, err));
    if (!counts) {
        const gch__gpu_planes_tile tile = {.frame = points->frame,
                                           .slices = points->slices.buffer,
                                           .marks = job->marks->buffer,
                                           .groups_x = frame.groups_x,
                                           .groups = groups};
        points->tile_count = 0;
        job->executor->stats.tiles++;
        return gch__gpu_planes_run(job->executor, pass_of(job), &tile, err);
    }
    GCH_TRY(bind(job, err));
    GCH_TRY(gch__gpu_compute_begin(points->gpu, "points", err));
    GCH_TRY(dispatch(job, &frame, groups, err));
    points->tile_count = 0;
    job->executor->stats.tiles++;
    return gch__gpu_pass_end(points->gpu, err);
}

/* The pool of a row, for the slices from here on. */
static gch_status enter_pool(const points_job *job, uint64_t row, gch_error *err)
{
    gch__gpu_executor *executor = job->executor;
    uint64_t wanted = row >> job->pool_shift;
    if (wanted % executor->pool_limit == executor->pool)
        return GCH_OK;
    GCH_TRY(run_tile(job, err));
    gch_status status;
    do {
        GCH_TRY(gch__gpu_use_pool(executor, wanted, err));
        memset(job->points->numbers, 0, job->query->segment_count * sizeof *job->points->numbers);
        status = gch__gpu_pages_begin_tile(job->executor->pages, err);
    } while ((status == GCH_LIMIT || status == GCH_NO_MEMORY) && gch__gpu_leave_pool(executor));
    return status;
}

/* ---- segments ---- */

static gch__plane_axis last_axis(const points_job *job)
{
    bool has_part = job->part != NULL && job->part->pass != GCH__POINTS_COUNT;
    return has_part && job->part->has_values ? GCH__PLANE_VALUE : GCH__PLANE_Y;
}

static uint32_t column_of(const points_job *job, gch__plane_axis axis)
{
    return axis == GCH__PLANE_X   ? job->plane->x_column
           : axis == GCH__PLANE_Y ? job->plane->y_column
                                  : job->plane->value_column;
}

static gch_status add_segment(const points_job *job, uint32_t index, gch_error *err)
{
    gch__gpu_executor *executor = job->executor;
    gch__gpu_points *points = job->points;
    if (points->numbers[index] != 0)
        return GCH_OK;
    const uint32_t number = (uint32_t)executor->segments.count + 1;
    for (gch__plane_axis axis = GCH__PLANE_X; axis <= last_axis(job); axis++) {
        gch__gpu_column column = {.file = job->query->file,
                                  .segment = gch__query_segment(job->query, index),
                                  .column = column_of(job, axis),
                                  .scale = &job->query->plane->scales[axis][index]};
        GCH_TRY(gch__gpu_add_segment(executor, &column, &points->sources[index], err));
    }
    points->numbers[index] = number;
    return GCH_OK;
}

/* ---- touching ---- */

/* A stretch of blocks of a column. */
typedef struct stretch {
    const points_job *job;
    const gch__segment *segment;
    const gch__value_column *column;
    uint32_t number; /* of the column */
    uint32_t source;
    uint32_t first, last; /* blocks */
} stretch;

static gch_status touch(const stretch *s, const void *bytes, size_t count, bool *io_is_full,
                        gch_error *err)
{
    if (*io_is_full || count == 0)
        return GCH_OK;
    return gch__gpu_pages_touch(s->job->executor->pages, s->source, s->segment, bytes, count,
                                io_is_full, err);
}

static gch_status touch_pairs(const stretch *s, uint32_t level, uint32_t first, uint32_t last,
                              bool *io_is_full, gch_error *err)
{
    size_t bytes = s->column->map.is_wide ? sizeof(gch__pair64) : sizeof(gch__pair32);
    return touch(s, (const uint8_t *)s->column->levels[level] + first * bytes,
                 (last - first) * bytes, io_is_full, err);
}

/* The payload of super-blocks [first, last): in one piece if it lies in about one, as writers have
 * it, so that most of it need not be looked at. */
static gch_status touch_payload(const stretch *s, uint32_t first, uint32_t last, bool *io_is_full,
                                gch_error *err)
{
    const uint32_t *directory = s->column->directory;
    GCH_TRY(
        gch__segment_check(s->segment, directory + first, (last - first) * sizeof *directory, err));
    uint32_t lowest = first, highest = first;
    for (uint32_t super = first + 1; super < last; super++) {
        lowest = directory[super] < directory[lowest] ? super : lowest;
        highest = directory[super] > directory[highest] ? super : highest;
    }
    uint64_t apart = (uint64_t)(directory[highest] - directory[lowest]) * 32;
    bool is_dense = apart <= (uint64_t)(last - first) * GCH_SUPER_ROWS * sizeof(uint32_t);
    const uint32_t *start = NULL;
    for (uint32_t super = first; super < last && !*io_is_full; super++) {
        if (is_dense && super != lowest && super != highest)
            continue;
        uint32_t block = super * GCH_SUPER_BLOCKS;
        uint32_t end = GCH_MIN(block + GCH_SUPER_BLOCKS, s->segment->block_count) - 1;
        const uint32_t *packed, *packed_last;
        uint32_t bits, bits_last;
        uint64_t min;
        GCH_TRY(gch__column_block(s->segment, s->column, block, &packed, &bits, &min, err));
        GCH_TRY(gch__column_block(s->segment, s->column, end, &packed_last, &bits_last, &min, err));
        const uint32_t *stop = packed_last + gch__block_words(bits_last);
        if (is_dense && super == lowest)
            start = packed;
        if (!is_dense)
            GCH_TRY(touch(s, packed, (size_t)(stop - packed) * sizeof *packed, io_is_full, err));
        if (is_dense && super == highest && start == NULL) { /* the lowest comes later */
            GCH_TRY(gch__column_block(s->segment, s->column, lowest * GCH_SUPER_BLOCKS, &start,
                                      &bits, &min, err));
        }
        if (is_dense && super == highest)
            GCH_TRY(touch(s, start, (size_t)(stop - start) * sizeof *start, io_is_full, err));
    }
    return GCH_OK;
}

static gch_status touch_blocks(const stretch *s, bool *io_is_full, gch_error *err)
{
    gch__gpu_pages *pages = s->job->executor->pages;
    gch__gpu_run run = {s->number, s->first, s->last};
    if (*io_is_full || gch__gpu_pages_has_run(pages, s->source, run))
        return GCH_OK;
    uint32_t first = s->first / GCH_SUPER_BLOCKS;
    uint32_t last = (s->last + GCH_SUPER_BLOCKS - 1) / GCH_SUPER_BLOCKS;
    GCH_TRY(touch_pairs(s, 0, s->first, s->last, io_is_full, err));
    GCH_TRY(touch(s, s->column->directory + first, (last - first) * sizeof *s->column->directory,
                  io_is_full, err));
    for (uint32_t super = first; super < last && !*io_is_full; super += RUN_SUPERS)
        GCH_TRY(touch_payload(s, super, GCH_MIN(super + RUN_SUPERS, last), io_is_full, err));
    if (!*io_is_full)
        gch__gpu_pages_note_run(pages, s->source, run);
    return GCH_OK;
}

/* The lists of gaps; fills their part of the slice. */
static gch_status touch_gaps(const stretch *s, uint32_t *out_first, uint32_t *out_last,
                             bool *io_is_full, gch_error *err)
{
    const gch__value_column *column = s->column;
    *out_first = gch__gap_at(column, s->first / GCH_SUPER_BLOCKS);
    *out_last = gch__gap_at(column, (s->last - 1) / GCH_SUPER_BLOCKS + 1);
    size_t count = *out_last - *out_first, words = GCH_SUPER_ROWS / 32;
    if (count == 0)
        return GCH_OK;
    GCH_TRY(touch(s, column->gap_supers + *out_first, count * sizeof *column->gap_supers,
                  io_is_full, err));
    return touch(s, column->gap_bitmaps + *out_first * words,
                 count * words * sizeof *column->gap_bitmaps, io_is_full, err);
}

static gch_status touch_column(const points_job *job, uint32_t index, uint32_t number,
                               const gch__gpu_points_slice *slice, uint32_t out_gaps[2],
                               bool *io_is_full, gch_error *err)
{
    const gch__segment *segment = gch__query_segment(job->query, index);
    uint32_t end = slice->first_node + slice->node_count;
    stretch s = {.job = job,
                 .segment = segment,
                 .column = &segment->columns[number],
                 .number = number,
                 .source = job->points->sources[index],
                 .first = slice->first_node * NODE_BLOCKS,
                 .last = GCH_MIN(end * NODE_BLOCKS, segment->block_count)};
    if (s.column->level_count > 1)
        GCH_TRY(touch_pairs(&s, 1, slice->first_node, end, io_is_full, err));
    if (pass_of(job) == GCH__POINTS_SPREAD) /* boxes are all it reads */
        return s.column->level_count > 1 ? GCH_OK
                                         : touch_pairs(&s, 0, s.first, s.last, io_is_full, err);
    GCH_TRY(touch_blocks(&s, io_is_full, err));
    return touch_gaps(&s, &out_gaps[0], &out_gaps[1], io_is_full, err);
}

/* ---- slices ---- */

/* *out_is_full: it did not fit beside the tile. */
static gch_status try_slice(const points_job *job, uint32_t index, gch__gpu_points_slice *slice,
                            bool *out_is_full, gch_error *err)
{
    gch__gpu_points *points = job->points;
    uint32_t gaps[2 * GCH__PLANE_AXES] = {0};
    *out_is_full = false;
    GCH_TRY(add_segment(job, index, err));
    slice->segment = points->numbers[index] - 1;
    for (gch__plane_axis axis = GCH__PLANE_X; axis <= last_axis(job); axis++)
        GCH_TRY(touch_column(job, index, column_of(job, axis), slice, &gaps[2 * axis], out_is_full,
                             err));
    if (*out_is_full)
        return GCH_OK;
    slice->gaps_x_first = gaps[0];
    slice->gaps_x_last = gaps[1];
    slice->gaps_y_first = gaps[2];
    slice->gaps_y_last = gaps[3];
    slice->gaps_value_first = gaps[4];
    slice->gaps_value_last = gaps[5];
    GCH_TRY(gch__ensure(job->executor->allocator, (void **)&points->tile, &points->tile_cap,
                        points->tile_count + 1, sizeof *points->tile, PURPOSE, err));
    points->tile[points->tile_count++] = *slice;
    const gch__points_stretch added = {.segment_rows =
                                           gch__query_segment(job->query, index)->row_count,
                                       .first_node = slice->first_node,
                                       .last_node = slice->first_node + slice->node_count};
    uint32_t first = slice->strata % 65536, last = slice->strata / 65536;
    uint64_t rows = gch__points_rows(&added, first, slice->strata != 0 ? last : GCH__PLANE_STRATA);
    if (pass_of(job) != GCH__POINTS_SPREAD)
        job->query->stats.rows_visible += rows;
    if (job->part != NULL)
        job->part->rows += rows;
    return GCH_OK;
}

/* Where the SLICE_NODES aligned nodes begin that a node belongs to: all of them are counted as far,
 * whatever part of them a view shows. */
static uint64_t position_of(uint64_t first_row, uint32_t node)
{
    return first_row + (uint64_t)(node & ~(SLICE_NODES - 1)) * NODE_BLOCKS * GCH_BLOCK_ROWS;
}

/* gch__gpu_points_slice.strata; false: none of its nodes is in the part. */
static bool choose_strata(const points_job *job, uint64_t position, uint32_t *out)
{
    *out = 0;
    if (job->part == NULL)
        return true;
    uint32_t first = gch__points_reached(&job->part->from, position);
    uint32_t last = gch__points_reached(&job->part->to, position);
    if (first != 0 || last != GCH__PLANE_STRATA)
        *out = first | last << 16;
    return first < last;
}

static gch_status note_slice(const points_job *job, uint32_t index, uint32_t first, uint32_t last,
                             gch_error *err)
{
    gch__gpu_points *points = job->points;
    const gch__segment *segment = gch__query_segment(job->query, index);
    GCH_TRY(gch__ensure(points->allocator, (void **)&points->survey, &points->survey_cap,
                        points->survey_count + 1, sizeof *points->survey, PURPOSE, err));
    points->survey[points->survey_count++] =
        (gch__points_stretch){.position = position_of(segment->first_row, first),
                              .segment_rows = segment->row_count,
                              .first_node = first,
                              .last_node = last};
    return GCH_OK;
}

/* Nodes [first, last) of a segment, at most SLICE_NODES, in as many tiles as it takes. */
static gch_status add_slice(const points_job *job, uint32_t index, uint32_t first, uint32_t last,
                            gch_error *err)
{
    uint64_t row = gch__query_segment(job->query, index)->first_row;
    uint32_t end = last, strata = 0;
    if (!choose_strata(job, position_of(row, first), &strata))
        return GCH_OK;
    GCH_TRY(enter_pool(job, row + (uint64_t)first * NODE_BLOCKS * GCH_BLOCK_ROWS, err));
    while (first < last) {
        if (job->points->tile_count == TILE_SLICES)
            GCH_TRY(run_tile(job, err));
        gch__gpu_points_slice slice = {
            .first_node = first, .node_count = end - first, .strata = strata};
        bool is_full;
        GCH_TRY(try_slice(job, index, &slice, &is_full, err));
        if (!is_full) {
            first = end;
            end = last;
            continue;
        }
        if (job->points->tile_count > 0) {
            GCH_TRY(run_tile(job, err));
        } else if (!gch__gpu_pages_may_fit(job->executor->pages)) {
            if (end - first == 1)
                return gch_fail(err, GCH_LIMIT, "16 blocks do not fit into the device's pages");
            end = first + (end - first) / 2;
        }
        GCH_TRY(gch__gpu_pages_begin_tile(job->executor->pages, err));
    }
    return GCH_OK;
}

/* The nodes that the walk has come to and that are not in a slice yet: neighbours share one, which
 * begins and ends at most at multiples of SLICE_NODES. */
typedef struct pending_nodes {
    const points_job *job;
    uint32_t segment, first, last;
} pending_nodes;

static gch_status flush_nodes(pending_nodes *p, gch_error *err)
{
    uint32_t first = p->first, last = p->last;
    p->first = p->last = 0;
    if (first == last)
        return GCH_OK;
    return (p->job->is_survey ? note_slice : add_slice)(p->job, p->segment, first, last, err);
}

static gch_status push_nodes(pending_nodes *p, uint32_t first, uint32_t last, gch_error *err)
{
    while (first < last) {
        if (p->last != first || first % SLICE_NODES == 0)
            GCH_TRY(flush_nodes(p, err));
        uint32_t end = GCH_MIN(last, (first / SLICE_NODES + 1) * SLICE_NODES);
        if (p->first == p->last)
            p->first = first;
        p->last = first = end;
    }
    return GCH_OK;
}

/* ---- the walk ---- */

/* How a box lies to the view. */
typedef enum meeting { OUTSIDE, MEETS, INSIDE } meeting;

static gch_status look_at(const points_job *job, uint32_t index, uint32_t level, uint32_t node,
                          meeting *out, gch_error *err)
{
    const gch__segment *segment = gch__query_segment(job->query, index);
    const gch_plane_view *view = &job->plane->view;
    const uint32_t columns[] = {job->plane->x_column, job->plane->y_column};
    const uint32_t px[] = {view->width_px, view->height_px};
    *out = INSIDE;
    for (gch__plane_axis axis = GCH__PLANE_X; axis <= GCH__PLANE_Y; axis++) {
        const gch__value_column *column = &segment->columns[columns[axis]];
        size_t bytes = column->map.is_wide ? sizeof(gch__pair64) : sizeof(gch__pair32);
        GCH_TRY(gch__segment_check(segment, (const uint8_t *)column->levels[level] + node * bytes,
                                   bytes, err));
        gch__pair64 pair = gch__tree_pair(column, level, node);
        if (pair.min > pair.max) {
            *out = OUTSIDE;
            return GCH_OK;
        }
        gch__pixel_span span =
            gch__span_of_keys(&job->query->plane->scales[axis][index], pair.min, pair.max);
        if (span.last < 0 || span.first >= (int32_t)px[axis]) {
            *out = OUTSIDE;
            return GCH_OK;
        }
        if (span.first < 0 || span.last >= (int32_t)px[axis])
            *out = MEETS;
    }
    return GCH_OK;
}

static gch_status walk(pending_nodes *p, uint32_t level, uint32_t node, gch_error *err)
{
    const gch__segment *segment = gch__query_segment(p->job->query, p->segment);
    meeting how = INSIDE;
    if (!p->job->executor->desc.by_blocks)
        GCH_TRY(look_at(p->job, p->segment, level, node, &how, err));
    if (how == OUTSIDE)
        return GCH_OK;
    if (level <= SLICE_LEVEL || how == INSIDE) {
        uint64_t blocks = (uint64_t)1 << 4 * level;
        uint64_t first = node * blocks, last = GCH_MIN(first + blocks, segment->block_count);
        return push_nodes(p, (uint32_t)(first / NODE_BLOCKS),
                          (uint32_t)((last + NODE_BLOCKS - 1) / NODE_BLOCKS), err);
    }
    uint32_t first = node * GCH_TREE_FANOUT;
    uint32_t last = GCH_MIN(first + GCH_TREE_FANOUT,
                            segment->columns[p->job->plane->x_column].level_counts[level - 1]);
    for (uint32_t child = first; child < last; child++)
        GCH_TRY(walk(p, level - 1, child, err));
    return GCH_OK;
}

/* Rows a pool: as many as two slabs hold of both columns, with room for what shares their pages. */
static uint32_t choose_pool_shift(const gch__gpu_executor *executor, const gch_query *query,
                                  const gch_plane *plane)
{
    if (executor->desc.pool_shift > 0)
        return executor->desc.pool_shift;
    const gch_file_info *info = gch_file_get_info(query->file);
    const gch_column_bytes *x = &info->columns[plane->x_column].bytes;
    const gch_column_bytes *y = &info->columns[plane->y_column].bytes;
    double bytes = (double)(x->payload + x->headers + x->tree + x->directory + x->validity) +
                   (double)(y->payload + y->headers + y->tree + y->directory + y->validity);
    double room = 0.9 * (double)gch__gpu_pages_get_budget(executor->pages);
    uint32_t shift = 31;
    while (shift > 20 &&
           bytes / (double)(info->row_count + 1) * (double)((uint64_t)1 << shift) > room &&
           ((uint64_t)1 << (shift - 1)) >= info->row_count / GCH__GPU_POOLS)
        shift--;
    return shift;
}

static gch_status add_all(points_job *job, gch_error *err)
{
    gch_query *query = job->query;
    gch__gpu_points *points = job->points;
    GCH_TRY(gch__query_prepare_plane(query, job->plane, last_axis(job) == GCH__PLANE_VALUE, err));
    GCH_TRY(gch__ensure(job->executor->allocator, (void **)&points->numbers, &points->number_cap,
                        query->segment_count, sizeof *points->numbers, PURPOSE, err));
    GCH_TRY(gch__ensure(job->executor->allocator, (void **)&points->sources, &points->source_cap,
                        query->segment_count, sizeof *points->sources, PURPOSE, err));
    memset(points->numbers, 0, query->segment_count * sizeof *points->numbers);
    for (uint32_t i = 0; i < query->segment_count; i++)
        if (gch__segment_body(gch__query_segment(query, i), &(uint64_t){0}) == NULL)
            return gch_fail(err, GCH_UNSUPPORTED, "a segment that grows is not kept by the GPU");
    job->pool_shift = choose_pool_shift(job->executor, query, job->plane);
    job->executor->row_tables.count = 0;
    if (!job->is_survey)
        GCH_TRY(gch__gpu_pages_begin_tile(job->executor->pages, err));
    for (uint32_t i = 0; i < query->segment_count; i++) {
        pending_nodes nodes = {.job = job, .segment = i};
        const gch__value_column *x = &gch__query_segment(query, i)->columns[job->plane->x_column];
        GCH_TRY(walk(&nodes, x->level_count - 1, 0, err));
        GCH_TRY(flush_nodes(&nodes, err));
    }
    return run_tile(job, err);
}

static gch_status go_through(points_job *job, gch_error *err)
{
    gch__gpu_executor *executor = job->executor;
    if (executor->points == NULL)
        GCH_TRY(make_points(executor, &executor->points, err));
    job->points = executor->points;
    job->points->tile_count = job->points->survey_count = 0;
    GCH_TRY(gch__query_begin(job->query, err));
    gch_status status = add_all(job, err);
    (void)!gch__query_end(job->query, GCH_OK); /* what it hands on is ours */
    return status;
}

gch_status gch__gpu_points_add(gch__gpu_executor *executor, gch_query *query,
                               const gch_plane *plane, const gch__gpu_points_marks *marks,
                               gch__gpu_points_part *part, gch_error *err)
{
    return go_through(
        &(points_job){
            .executor = executor, .query = query, .plane = plane, .marks = marks, .part = part},
        err);
}

gch_status gch__gpu_points_survey(gch__gpu_executor *executor, gch_query *query,
                                  const gch_plane *plane, const gch__points_stretch **out,
                                  size_t *out_count, gch_error *err)
{
    GCH_TRY(go_through(
        &(points_job){.executor = executor, .query = query, .plane = plane, .is_survey = true},
        err));
    *out = executor->points->survey;
    *out_count = executor->points->survey_count;
    return GCH_OK;
}

void gch__gpu_points_begin_frame(gch__gpu_points *points)
{
    if (points != NULL)
        points->slices.count = points->slices.sent = 0;
}

/* ---- counts ---- */

static gch_status count(gch__gpu_executor *executor, gch_query *query, const gch_plane *plane,
                        uint32_t *out_cells, gch_error *err)
{
    uint64_t bytes = (uint64_t)plane->view.width_px * plane->view.height_px * sizeof *out_cells;
    if (executor->points == NULL)
        GCH_TRY(make_points(executor, &executor->points, err));
    gch__gpu_points *points = executor->points;
    if (bytes > points->counts_bytes) {
        gch__gpu_buffer larger;
        GCH_TRY(
            gch__gpu_buffer_make(executor->gpu, bytes, GCH__GPU_STORAGE, "counts", &larger, err));
        gch__gpu_buffer_release(executor->gpu, points->counts);
        points->counts = larger;
        points->counts_bytes = bytes;
        executor->version++;
    }
    gch__gpu_points_marks marks = {
        .buffer = points->counts, .counts = true, .stride = plane->view.height_px};
    GCH_TRY(gch__gpu_begin(executor->gpu, "counts", err));
    GCH_TRY(gch__gpu_clear(executor->gpu, points->counts, 0, bytes, err));
    GCH_TRY(gch__gpu_points_add(executor, query, plane, &marks, NULL, err));
    return gch__gpu_download(executor->gpu, points->counts, 0, out_cells, bytes, err);
}

gch_status gch__gpu_points_count(gch__gpu_executor *executor, gch_query *query,
                                 const gch_plane *plane, uint32_t *out_cells, gch_error *err)
{
    executor->shown.is_valid = false;
    executor->stats = (gch__gpu_frame_stats){0};
    GCH_TRY(gch__gpu_begin_pages(executor, err));
    gch_status status = count(executor, query, plane, out_cells, err);
    gch__gpu_end_pages(executor, status);
    return status;
}
