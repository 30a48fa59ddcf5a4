/* Densities on the GPU: rows into counts a pixel (shaders/count.wgsl), and what their colours
 * depend on (shaders/tone.wgsl). Counts never come back to the processor.
 *
 * Invariants:
 *  1. grids = for each density of the frame, panel by panel, a head of GCH__GPU_TONE_HEAD words,
 *     then a word a cell, column by column, then a scale a column; all of it starts as zeros. A
 *     cell is a pixel, or a square of pixels where the quality controller lowers the resolution.
 *  2. counts.strata says what of it is counted; after a failed frame it is not valid.
 *  3. A series that the query room has to count replaces whatever was counted of it.
 */
#include "query_lit.h"
#include "raster_tone.h"
#include "render_gpu_planes.h"
#include "render_gpu_state.h"

#include <string.h>

#define COUNTER_BINDINGS 8u
#define PART_ROWS 131072u /* of a slice, for one workgroup: 4 super-blocks a team */
#define PARTS_MAX 64u
#define SCAN_PIXELS 4096u /* for one workgroup, up to ... */
#define SCAN_GROUPS 1024u

static_assert(GCH__TONE_BINS + 1 <= GCH__GPU_TONE_HEAD && GCH__TONE_BINS % 2 == 0 &&
                  GCH__TONE_BINS <= 512,
              "shaders/tone.wgsl");

extern const char gch__shader_count_start[], gch__shader_count_end[];
extern const char gch__shader_tone_start[], gch__shader_tone_end[];

/* ---- kernels and bindings ---- */

static gch_status make_counters(gch__gpu_executor *executor, uint32_t slab_shift, gch_error *err)
{
    static const char *const entries[] = {"count_rows", "count_wide_rows"};
    gch__gpu_shader shader;
    GCH_TRY(gch__gpu_shader_make(executor->gpu, gch__shader_count_start,
                                 (size_t)(gch__shader_count_end - gch__shader_count_start), "count",
                                 &shader, err));
    gch__gpu_pipeline_desc desc = {
        .shader = shader,
        .kinds = {GCH__GPU_BIND_UNIFORM, GCH__GPU_BIND_READ, GCH__GPU_BIND_READ, GCH__GPU_BIND_READ,
                  GCH__GPU_BIND_READ, GCH__GPU_BIND_WRITE, GCH__GPU_BIND_READ, GCH__GPU_BIND_READ},
        .constants = {{"SLAB_SHIFT", slab_shift}, {"BY_BLOCKS", executor->desc.by_blocks ? 1 : 0}}};
    for (uint32_t i = 0; i < GCH__GPU_COUNTERS; i++) {
        desc.label = desc.compute = entries[i];
        GCH_TRY(gch__gpu_pipeline_get(executor->gpu, &desc, &executor->counts.counters[i], err));
    }
    return GCH_OK;
}

static gch_status make_tone(gch__gpu_executor *executor, gch_error *err)
{
    gch__gpu_shader shader;
    GCH_TRY(gch__gpu_shader_make(executor->gpu, gch__shader_tone_start,
                                 (size_t)(gch__shader_tone_end - gch__shader_tone_start), "tone",
                                 &shader, err));
    gch__gpu_pipeline_desc desc = {.label = "scan",
                                   .shader = shader,
                                   .compute = "scan",
                                   .kinds = {GCH__GPU_BIND_UNIFORM, GCH__GPU_BIND_WRITE}};
    GCH_TRY(gch__gpu_pipeline_get(executor->gpu, &desc, &executor->counts.scan, err));
    desc.label = desc.compute = "sum_up";
    return gch__gpu_pipeline_get(executor->gpu, &desc, &executor->counts.sum_up, err);
}

static gch_status rebind(gch__gpu_executor *executor, gch__gpu_pipeline pipeline,
                         const gch__gpu_buffer *buffers, uint32_t count, const char *label,
                         gch__gpu_bindings *io_bindings, gch_error *err)
{
    gch__gpu_bindings_release(executor->gpu, *io_bindings);
    *io_bindings = (gch__gpu_bindings){0};
    return gch__gpu_bindings_make(executor->gpu, pipeline, buffers, count, label, io_bindings, err);
}

/* Bindings follow the buffers; the kernels, the slabs' size. */
static gch_status bind(gch__gpu_executor *executor, gch_error *err)
{
    gch__gpu_counts *counts = &executor->counts;
    gch__gpu_pool *pool = &executor->pools[executor->pool];
    gch__gpu_pages_buffers pages = gch__gpu_pages_get_buffers(pool->pages);
    if (pool->counters_version == executor->version &&
        pool->counters_pages_version == pages.version)
        return GCH_OK;
    pool->counters_version = 0;
    if (counts->bound_slab_shift != pages.slab_shift)
        GCH_TRY(make_counters(executor, pages.slab_shift, err));
    counts->bound_slab_shift = pages.slab_shift;
    gch__gpu_buffer buffers[COUNTER_BINDINGS] = {{0},
                                                 executor->segments.buffer,
                                                 executor->slices.buffer,
                                                 executor->edges.buffer,
                                                 pages.table,
                                                 counts->grids,
                                                 pages.slabs[0],
                                                 pages.slabs[1]};
    for (uint32_t i = 0; i < GCH__GPU_COUNTERS; i++) {
        buffers[0] = counts->counter_frames[i];
        GCH_TRY(rebind(executor, counts->counters[i], buffers, COUNTER_BINDINGS, "count",
                       &pool->counters[i], err));
    }
    pool->counters_version = executor->version;
    pool->counters_pages_version = pages.version;
    return GCH_OK;
}

/* ---- frames ---- */

static gch_status ensure_grids(gch__gpu_executor *executor, uint64_t bytes, gch_error *err)
{
    gch__gpu_counts *counts = &executor->counts;
    if (bytes <= counts->grids_bytes)
        return GCH_OK;
    gch__gpu_buffer larger;
    GCH_TRY(gch__gpu_buffer_make(executor->gpu, bytes, GCH__GPU_STORAGE, "counts", &larger, err));
    gch__gpu_buffer_release(executor->gpu, counts->grids);
    counts->grids = larger;
    counts->grids_bytes = 0; /* until it is bound */
    counts->strata.is_valid = false;
    executor->version++;
    const gch__gpu_buffer buffers[] = {counts->tone_frame, larger};
    GCH_TRY(rebind(executor, counts->scan, buffers, 2, "scan", &counts->scan_bindings, err));
    GCH_TRY(rebind(executor, counts->sum_up, buffers, 2, "sum up", &counts->sum_bindings, err));
    counts->grids_bytes = bytes;
    return GCH_OK;
}

gch_status gch__gpu_counts_make(gch__gpu_executor *executor, gch_error *err)
{
    gch__gpu_counts *counts = &executor->counts;
    for (uint32_t i = 0; i < GCH__GPU_COUNTERS; i++)
        GCH_TRY(gch__gpu_buffer_make(executor->gpu, sizeof(gch__gpu_counting), GCH__GPU_UNIFORM,
                                     "count frame", &counts->counter_frames[i], err));
    GCH_TRY(gch__gpu_buffer_make(executor->gpu, sizeof(gch__gpu_counting), GCH__GPU_UNIFORM,
                                 "tone frame", &counts->tone_frame, err));
    GCH_TRY(make_tone(executor, err));
    return ensure_grids(executor, GCH__GPU_TONE_HEAD * sizeof(uint32_t), err);
}

uint32_t gch__gpu_counts_grid(const gch__gpu_executor *executor, uint32_t panel, uint32_t index)
{
    const gch__gpu_panel *its = &executor->panels[panel];
    return its->grid + index * its->grid_words + GCH__GPU_TONE_HEAD;
}

static uint32_t count_cells(uint32_t pixels, uint32_t step)
{
    return (pixels + step - 1) / step;
}

/* What kernels are told of a grid. */
static gch__gpu_counting counting_of(const gch__gpu_executor *executor, uint32_t panel,
                                     uint32_t index)
{
    const gch__gpu_panel *its = &executor->panels[panel];
    const gch__strata *strata = &executor->counts.strata;
    uint32_t height = count_cells(its->height, strata->plan.step);
    return (gch__gpu_counting){.height = height,
                               .pixels = strata->width * height,
                               .grid = gch__gpu_counts_grid(executor, panel, index),
                               .step = strata->plan.step,
                               .plot_width = executor->plot_width,
                               .plot_height = its->height,
                               .strata = strata->count};
}

/* The head of a grid, its fresh columns and its scales. */
static gch_status clear_fresh(gch__gpu_executor *executor, uint32_t grid,
                              const gch__gpu_counting *frame, gch_error *err)
{
    gch__gpu_buffer grids = executor->counts.grids;
    const gch__strata *strata = &executor->counts.strata;
    uint64_t column_bytes = (uint64_t)frame->height * sizeof(uint32_t);
    uint64_t at = (uint64_t)frame->grid * sizeof(uint32_t);
    uint64_t head = GCH__GPU_TONE_HEAD * sizeof(uint32_t);
    uint64_t scale_bytes = strata->width * sizeof(uint32_t);
    if (!strata->grids[grid].is_kept)
        return gch__gpu_clear(executor->gpu, grids, at - head,
                              head + strata->width * column_bytes + scale_bytes, err);
    uint32_t fresh = strata->fresh_last - strata->fresh_first;
    uint32_t slot = gch__strata_slot(strata, strata->fresh_first);
    uint32_t first = GCH_MIN(fresh, strata->width - slot);
    GCH_TRY(gch__gpu_clear(executor->gpu, grids, at - head, head + (fresh - first) * column_bytes,
                           err));
    GCH_TRY(
        gch__gpu_clear(executor->gpu, grids, at + slot * column_bytes, first * column_bytes, err));
    return gch__gpu_clear(executor->gpu, grids, at + strata->width * column_bytes, scale_bytes,
                          err);
}

/* The densities panel by panel, and where their grids lie; how many words those take. */
static uint64_t place_grids(gch__gpu_executor *executor, const gch__scene *scene, uint32_t step,
                            gch__strata_item *items)
{
    uint64_t words = 0;
    uint32_t width = count_cells(executor->plot_width, step), count = 0;
    for (uint32_t i = 0; i < executor->panel_count; i++) {
        gch__gpu_panel *panel = &executor->panels[i];
        panel->grid = (uint32_t)GCH_MIN(words, UINT32_MAX);
        panel->grid_count = 0;
        panel->grid_words = GCH__GPU_TONE_HEAD + width * count_cells(panel->height, step) + width;
        for (uint32_t k = 0; k < scene->series_count; k++) {
            const gch__plot_series *series = &scene->series[k];
            if (!gch__gpu_has_grid(scene, k) || scene->plots[series->plot].panel != i)
                continue;
            items[count++] = (gch__strata_item){.file = series->file,
                                                .column = series->column,
                                                .view = scene->plots[series->plot].view,
                                                .at = words};
            words += panel->grid_words;
            panel->grid_count++;
        }
    }
    return words;
}

/* Points of a plane have a plan of their own (render_gpu_planes.c), and grids of pixels. */
static gch__quality_plan plan_frame(gch__gpu_counts *counts, const gch__scene *scene,
                                    const gch__strata_item *items, uint32_t count)
{
    if (scene->is_plane)
        return gch__quality_target(&(gch__quality_desc){.quality = GCH_QUALITY_EXACT});
    gch__motion motion = gch__strata_motion(&counts->strata, items, count);
    if (motion == GCH__MOTION_JUMP)
        counts->is_streamed = false;
    return gch__quality_begin(&counts->quality, &counts->quality_desc, motion);
}

bool gch__gpu_has_grid(const gch__scene *scene, uint32_t series)
{
    gch_mark mark = scene->series[series].mark;
    return mark == GCH_MARK_DENSITY || (mark == GCH_MARK_POINTS && !scene->is_bare);
}

gch_status gch__gpu_counts_begin(gch__gpu_executor *executor, const gch__scene *scene,
                                 uint32_t *out_grids, gch_error *err)
{
    gch__gpu_counts *counts = &executor->counts;
    gch__strata_item items[GCH_SERIES_CAP];
    uint32_t grids = 0;
    /* Where grids lie depends on the resolution, and that on whether any of them stays. */
    (void)place_grids(executor, scene, GCH_MAX(counts->strata.plan.step, 1), items);
    for (uint32_t i = 0; i < executor->panel_count; i++)
        grids += executor->panels[i].grid_count;
    *out_grids = grids;
    executor->shows_plane = scene->is_plane;
    counts->costs = (gch__quality_costs){0};
    if (scene->is_plane)
        GCH_TRY(gch__gpu_planes_begin(executor, scene, err));
    gch__quality_plan plan = plan_frame(counts, scene, items, grids);
    uint64_t words = place_grids(executor, scene, plan.step, items);
    if (words * sizeof(uint32_t) > gch__gpu_get_info(executor->gpu)->binding_bytes_max)
        return gch_fail(err, GCH_LIMIT, "the counts of %u densities are more than the device binds",
                        grids);
    if (grids > 0)
        GCH_TRY(ensure_grids(executor, words * sizeof(uint32_t), err));
    counts->strata.is_valid = counts->strata.is_valid && !scene->is_plane;
    GCH_TRY(gch__strata_begin(&counts->strata, items, grids, &plan, err));
    for (uint32_t i = 0; scene->is_plane && i < grids; i++)
        gch__strata_finish_all(&counts->strata, i);
    for (uint32_t i = 0, grid = 0; i < executor->panel_count; i++)
        for (uint32_t k = 0; k < executor->panels[i].grid_count; k++) {
            gch__gpu_counting frame = counting_of(executor, i, k);
            GCH_TRY(clear_fresh(executor, grid++, &frame, err));
        }
    return GCH_OK;
}

/* What is to be counted now of a column of cells. */
static gch_status count_column(const gch__gpu_series *series, const gch__strata_job *job,
                               uint32_t column, gch_error *err)
{
    const gch__strata *strata = &series->executor->counts.strata;
    gch__strata_range range;
    if (!gch__strata_find(strata, job->grid, column, &range))
        return GCH_OK;
    uint32_t step = strata->plan.step;
    uint64_t last = job->edges[GCH_MIN((column + 1) * step, series->view->width_px)].row;
    gch__slice slice;
    for (uint64_t row = job->edges[column * step].row; row < last;
         row += slice.last - slice.first) {
        slice = gch__slice_at(series->query, row, last);
        const gch__segment *segment = gch__query_segment(series->query, slice.segment);
        bool is_wide = segment->columns[series->column].map.is_wide;
        gch__gpu_slice out = {
            .column = gch__strata_slot(strata, column), .first = slice.first, .last = slice.last};
        if (!range.is_all)
            out.lead = gch__strata_code(strata, slice.first, slice.last, range.first, range.last);
        GCH_TRY(gch__gpu_add_slice(series, is_wide ? GCH__GPU_COUNT_WIDE : GCH__GPU_COUNT,
                                   slice.segment, &out, err));
    }
    return GCH_OK;
}

/* For the controller: until the device has counted what is recorded. */
static gch_status wait_for_counts(gch__gpu_executor *executor, gch_error *err)
{
    uint64_t serial;
    GCH_TRY(gch__gpu_submit(executor->gpu, &serial, err));
    GCH_TRY(gch__gpu_wait(executor->gpu, serial, err));
    return gch__gpu_begin(executor->gpu, "counted", err);
}

gch_status gch__gpu_counts_spent(gch__gpu_executor *executor, uint64_t rows, uint64_t least_rows,
                                 int64_t start_ns, gch_error *err)
{
    gch__gpu_counts *counts = &executor->counts;
    if (rows == 0 || counts->quality_desc.quality != GCH_QUALITY_AUTO)
        return GCH_OK;
    GCH_TRY(wait_for_counts(executor, err));
    counts->costs.units += rows;
    counts->costs.least_units += least_rows;
    counts->costs.work_ms += (double)(gch__clock_ns() - start_ns) / 1e6;
    return GCH_OK;
}

static gch_status count_chosen(const gch__gpu_series *series, const gch__strata_job *job,
                               gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    gch__gpu_counts *counts = &executor->counts;
    const gch__strata *strata = &counts->strata;
    uint64_t evicted = gch__gpu_pools_evicted(executor);
    GCH_TRY(gch__gpu_begin_slices(series, err));
    for (uint32_t column = 0; column < strata->width; column++)
        GCH_TRY(count_column(series, job, column, err));
    GCH_TRY(gch__gpu_run_tile(executor, err));
    counts->is_streamed = counts->is_streamed || gch__gpu_pools_evicted(executor) != evicted;
    uint64_t scales = (uint64_t)counts->frame.grid + counts->frame.pixels;
    return gch__gpu_upload(executor->gpu, counts->grids, scales * sizeof(uint32_t), strata->scales,
                           strata->width * sizeof *strata->scales, err);
}

static gch_status count_rows(const gch__gpu_series *series, uint32_t grid, const gch__edge *edges,
                             gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    gch__gpu_counts *counts = &executor->counts;
    const gch__strata_job job = {.query = series->query, .edges = edges, .grid = grid};
    gch__strata_spent spent;
    int64_t start_ns = gch__clock_ns();
    for (uint32_t c = 0; c <= series->view->width_px; c++)
        if (!edges[c].is_known)
            return gch_fail(err, GCH_PENDING, "a column's edge awaits pages");
    GCH_TRY(gch__strata_choose(&counts->strata, &job, counts->is_streamed, &spent, err));
    GCH_TRY(count_chosen(series, &job, err));
    gch__strata_finish(&counts->strata, grid);
    return gch__gpu_counts_spent(executor, spent.rows, spent.least_rows, start_ns, err);
}

/* Sums of the counts of a density's pixels, a cell each. */
static gch_status add_up_cells(gch__gpu_executor *executor, gch_density *density, gch_error *err)
{
    gch__gpu_counts *counts = &executor->counts;
    const gch__strata *strata = &counts->strata;
    uint32_t step = strata->plan.step;
    uint32_t height = counts->frame.height;
    size_t cell_count = (size_t)strata->width * height;
    if (step == 1)
        return GCH_OK;
    GCH_TRY(gch__ensure(executor->allocator, (void **)&counts->cells, &counts->cell_cap, cell_count,
                        sizeof *counts->cells, "gpu cells", err));
    memset(counts->cells, 0, cell_count * sizeof *counts->cells);
    for (uint32_t x = 0; x < density->width_px; x++)
        for (uint32_t y = 0; y < density->height_px; y++)
            counts->cells[(size_t)(x / step) * height + y / step] +=
                density->counts[(size_t)x * density->height_px + y];
    *density =
        (gch_density){.width_px = strata->width, .height_px = height, .counts = counts->cells};
    return GCH_OK;
}

static gch_status count_by_query(const gch__gpu_series *series, uint64_t grid, gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    gch_density density;
    executor->stats.series_by_query++;
    executor->stats.is_pending = true;
    int64_t start_ns = gch__clock_ns();
    GCH_TRY(gch_query_density(series->query, series->column, series->view, &density, err));
    executor->query_ns += gch__clock_ns() - start_ns;
    GCH_TRY(add_up_cells(executor, &density, err));
    uint64_t column_bytes = (uint64_t)density.height_px * sizeof(uint32_t);
    uint32_t first = executor->counts.strata.origin; /* the slot of column 0 */
    uint32_t count = density.width_px - first;
    GCH_TRY(gch__gpu_upload(executor->gpu, executor->counts.grids,
                            grid * sizeof(uint32_t) + first * column_bytes, density.counts,
                            count * column_bytes, err));
    return gch__gpu_upload(executor->gpu, executor->counts.grids, grid * sizeof(uint32_t),
                           density.counts + (size_t)count * density.height_px, first * column_bytes,
                           err);
}

gch_status gch__gpu_counts_add(const gch__gpu_series *series, uint32_t panel, uint32_t index,
                               gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    const gch__edge *edges;
    uint32_t grid = index;
    for (uint32_t i = 0; i < panel; i++)
        grid += executor->panels[i].grid_count;
    executor->counts.frame = counting_of(executor, panel, index);
    int64_t start_ns = gch__clock_ns();
    GCH_TRY(gch__query_begin(series->query, err));
    gch_status status =
        gch__query_edges(series->query, series->column, series->view, GCH_JOIN_NONE, &edges, err);
    executor->query_ns += gch__clock_ns() - start_ns;
    if (status == GCH_OK)
        status = count_rows(series, grid, edges, err);
    (void)!gch__query_end(series->query, GCH_OK); /* what it hands on is ours */
    if (status != GCH_PENDING && status != GCH_UNSUPPORTED)
        return status;
    for (uint32_t i = GCH__GPU_COUNT; i < GCH__GPU_LIST_COUNT; i++)
        executor->tile[i].count = 0;
    gch__strata_finish_all(&executor->counts.strata, grid);
    return count_by_query(series, executor->counts.frame.grid, err);
}

void gch__gpu_counts_tell(gch__gpu_executor *executor)
{
    executor->frame.grid_origin = executor->counts.strata.origin;
    executor->frame.grid_step = executor->counts.strata.plan.step;
}

void gch__gpu_counts_report(gch__gpu_executor *executor)
{
    if (executor->shows_plane) {
        gch__gpu_planes_report(executor);
        return;
    }
    executor->stats.counted = gch__strata_complete(&executor->counts.strata);
    executor->stats.quality_level = gch__strata_level(&executor->counts.strata);
}

void gch__gpu_counts_end(gch__gpu_executor *executor, double frame_ms)
{
    gch__gpu_counts *counts = &executor->counts;
    counts->strata.is_valid = true;
    gch__gpu_counts_report(executor);
    counts->costs.rest_ms = GCH_MAX(frame_ms - counts->costs.work_ms, 0);
    gch__quality_end(&counts->quality, &counts->quality_desc, &counts->costs);
}

void gch__gpu_counts_drop(gch__gpu_executor *executor)
{
    executor->counts.strata.is_valid = false;
}

void gch__gpu_counts_free(gch__gpu_executor *executor)
{
    gch__strata_reset(&executor->counts.strata);
    gch__free(executor->allocator, executor->counts.cells, "gpu cells");
}

gch_status gch__gpu_counts_tone(gch__gpu_executor *executor, uint32_t panel, uint32_t index,
                                gch_error *err)
{
    gch__gpu *gpu = executor->gpu;
    gch__gpu_counts *counts = &executor->counts;
    gch__gpu_counting frame = counting_of(executor, panel, index);
    GCH_TRY(gch__gpu_upload(gpu, counts->tone_frame, 0, &frame, sizeof frame, err));
    GCH_TRY(gch__gpu_compute_begin(gpu, "tone", err));
    GCH_TRY(gch__gpu_dispatch(gpu, counts->scan, counts->scan_bindings,
                              GCH_MIN(frame.pixels / SCAN_PIXELS + 1, SCAN_GROUPS), 1, 1, err));
    GCH_TRY(gch__gpu_dispatch(gpu, counts->sum_up, counts->sum_bindings, 1, 1, 1, err));
    return gch__gpu_pass_end(gpu, err);
}

/* ---- tiles ---- */

static uint32_t rows_counted(const gch__strata *strata, const gch__gpu_slice *slice)
{
    uint32_t rows = slice->last - slice->first;
    if (slice->lead == 0)
        return rows;
    uint32_t chosen = (slice->lead >> 20) - (slice->lead >> 10) % 1024;
    return (uint32_t)((uint64_t)rows * chosen / strata->count);
}

gch_status gch__gpu_counts_send(gch__gpu_executor *executor,
                                gch__gpu_counting frames[GCH__GPU_COUNTERS], gch_error *err)
{
    gch__gpu_counts *counts = &executor->counts;
    for (uint32_t i = 0; i < GCH__GPU_COUNTERS; i++) {
        gch__gpu_slices *slices = &executor->tile[GCH__GPU_COUNT + i];
        gch__gpu_counting *frame = &frames[i];
        void *room;
        *frame = counts->frame;
        if (slices->count == 0)
            continue; /* and slice_count is 0 */
        uint32_t rows = 0;
        for (size_t s = 0; s < slices->count; s++)
            rows = GCH_MAX(rows, rows_counted(&counts->strata, &slices->items[s]));
        GCH_TRY(gch__gpu_stream_reserve(executor, &executor->slices, slices->count, &room, err));
        memcpy(room, slices->items, slices->count * sizeof *slices->items);
        frame->first_slice = (uint32_t)executor->slices.count;
        frame->slice_count = (uint32_t)slices->count;
        frame->groups_x =
            GCH_MIN(frame->slice_count, gch__gpu_get_info(executor->gpu)->group_count_max);
        frame->parts = GCH_MIN(rows / PART_ROWS + 1, PARTS_MAX);
        executor->slices.count += slices->count;
        slices->count = 0;
        GCH_TRY(gch__gpu_upload(executor->gpu, counts->counter_frames[i], 0, frame, sizeof *frame,
                                err));
    }
    return GCH_OK;
}

gch_status gch__gpu_counts_dispatch(gch__gpu_executor *executor,
                                    const gch__gpu_counting frames[GCH__GPU_COUNTERS],
                                    gch_error *err)
{
    gch__gpu *gpu = executor->gpu;
    gch__gpu_counts *counts = &executor->counts;
    bool is_empty = true;
    for (uint32_t i = 0; i < GCH__GPU_COUNTERS; i++)
        is_empty = is_empty && frames[i].slice_count == 0;
    if (is_empty)
        return GCH_OK;
    GCH_TRY(bind(executor, err));
    GCH_TRY(gch__gpu_compute_begin(gpu, "counts", err));
    for (uint32_t i = 0; i < GCH__GPU_COUNTERS; i++) {
        const gch__gpu_counting *frame = &frames[i];
        uint32_t bands = (frame->height + GCH__GPU_BAND - 1) / GCH__GPU_BAND;
        if (frame->slice_count > 0)
            GCH_TRY(gch__gpu_dispatch(gpu, counts->counters[i],
                                      executor->pools[executor->pool].counters[i], frame->groups_x,
                                      (frame->slice_count + frame->groups_x - 1) / frame->groups_x,
                                      frame->parts * bands, err));
    }
    return gch__gpu_pass_end(gpu, err);
}
