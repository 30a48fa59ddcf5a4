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
#include "render_gpu_planes.h"
#include "render_gpu_state.h"

#include <stdio.h>
#include <string.h>

#define PURPOSE "gpu executor"

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

static gch_status make_light(gch__gpu_executor *executor, gch_error *err)
{
    static const gch__gpu_brush_desc desc = {
        .label = "light",
        .kinds = {GCH__GPU_BIND_UNIFORM, GCH__GPU_BIND_READ, GCH__GPU_BIND_READ},
        .count = 3,
        .lists_spans = true};
    return gch__gpu_brush_make(executor, gch__shader_light_start,
                               (size_t)(gch__shader_light_end - gch__shader_light_start), &desc,
                               &executor->light, err);
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
static gch_status draw_points(const gch__gpu_series *series, uint32_t index, const gch_plane *plane,
                              gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    empty_extents(executor);
    GCH_TRY(gch__gpu_send_extents(series, err));
    gch_status status = gch__gpu_planes_light(series, index, plane, err);
    if (status != GCH_PENDING && status != GCH_UNSUPPORTED)
        return status;
    gch_grid grid;
    executor->stats.series_by_query++;
    executor->stats.is_pending = true;
    GCH_TRY(gch_query_grid(series->query, plane, GCH_GRID_LIT, &grid, err));
    return light_grid(series, &grid, err);
}

/* ---- frames ---- */

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

gch_status gch__gpu_reserve_marks(gch__gpu_executor *executor, uint64_t bytes, gch_error *err)
{
    if (bytes <= executor->marks_bytes)
        return GCH_OK;
    gch__gpu_buffer larger;
    GCH_TRY(gch__gpu_buffer_make(executor->gpu, bytes, GCH__GPU_STORAGE, "marks", &larger, err));
    gch__gpu_buffer_release(executor->gpu, executor->marks);
    executor->marks = larger;
    executor->marks_bytes = bytes;
    executor->version++;
    return GCH_OK;
}

static gch_status prepare(gch__gpu_executor *executor, const gch__scene *scene, gch_error *err)
{
    uint64_t bars_at = place_panels(executor, scene);
    executor->bars_at = (uint32_t)bars_at;
    GCH_TRY(
        gch__gpu_reserve_marks(executor, (bars_at + gch__gpu_bar_words(scene->width_px)) * 4, err));
    gch__gpu_use_kernels(executor, GCH__GPU_LINE_KERNELS);
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
        gch__gpu_keep_in_pools(executor, series.file);
        executor->frame.extents = extents;
        executor->frame.join = series.join;
        extents += scene->width_px * 2;
        if (scene->series[i].mark == GCH_MARK_DENSITY) {
            empty_extents(executor);
            GCH_TRY(gch__gpu_send_extents(&series, err));
            GCH_TRY(gch__gpu_counts_add(&series, index, grid++, err));
        } else if (scene->is_plane) {
            gch_plane plane = gch__plane_of(scene, i);
            GCH_TRY(draw_points(&series, i, &plane, err));
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
    uint64_t loaded = gch__gpu_begin_pools(executor);
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
    executor->stats.pages_loaded = gch__gpu_end_pools(executor) - loaded;
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
    GCH_TRY(gch__gpu_heights_use_pages(executor, err));
    for (uint32_t i = 0; i < scene->series_count; i++) {
        gch__gpu_series series = make_series(executor, scene, i, queries[i]);
        if (!gch__gpu_has_grid(scene, i))
            continue;
        uint32_t panel = scene->plots[scene->series[i].plot].panel, index = grids[panel]++;
        if (scene->is_plane && !gch__gpu_painter_has_counts(executor->painter, i)) {
            executor->stats.series_by_query++; /* drawn one by one */
            continue;
        }
        bool has_colors = false;
        if (scene->is_plane) {
            gch_plane plane = gch__plane_of(scene, i);
            GCH_TRY(gch__gpu_planes_show(&series, i, &plane,
                                         gch__gpu_counts_grid(executor, panel, index), &has_colors,
                                         err));
        } else {
            GCH_TRY(gch__gpu_counts_add(&series, panel, index, err));
        }
        if (!has_colors)
            GCH_TRY(gch__gpu_counts_tone(executor, panel, index, err));
    }
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
    GCH_TRY(gch__gpu_heights_begin(executor, scene, err));
    gch__gpu_counts_tell(executor);
    empty_tables(executor);
    GCH_TRY(gch__gpu_painter_add_marks(executor->painter, scene, queries, err));
    if (grids > 0)
        GCH_TRY(count_densities(executor, scene, queries, err));
    gch__gpu_heights_end(executor, scene);
    GCH_TRY(gch__gpu_painter_send(executor->painter, &brush, err));
    if (count_pending(scene, queries) != pending)
        executor->stats.is_pending = true;
    return gch__gpu_picture_draw(executor, brush, image, err);
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
    gch__gpu_drop_pools(executor);
    gch__gpu_brush_drop(executor, &executor->light);
    gch__gpu_painter_drop(executor->painter);
    gch__gpu_counts_drop(executor);
    gch__gpu_planes_drop(executor->planes);
    executor->shown.is_valid = false;
}

gch_status gch__gpu_begin_pages(gch__gpu_executor *executor, gch_error *err)
{
    empty_tables(executor);
    GCH_TRY(gch__gpu_use_pool(executor, executor->pool, err));
    (void)gch__gpu_begin_pools(executor);
    return GCH_OK;
}

void gch__gpu_end_pages(gch__gpu_executor *executor, gch_status status)
{
    if (status == GCH_OK) {
        (void)gch__gpu_end_pools(executor);
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
    if (executor->awaits_pipelines)
        GCH_TRY(gch__gpu_check(executor->gpu, err));
    executor->stats = (gch__gpu_frame_stats){.adapter = gch__gpu_get_info(executor->gpu)->adapter};
    executor->query_ns = 0;
    executor->start_ns = gch__clock_ns();
    bool was_valid = executor->shown.is_valid, are_fixed_same = true;
    executor->shown.is_valid = false;
    if (!scene->is_bare)
        GCH_TRY(begin_painting(executor, scene, &are_fixed_same, err));
    executor->shown.is_valid = was_valid;
    if (are_fixed_same && gch__gpu_is_shown(&executor->shown, scene, image) &&
        (scene->is_plane
             ? gch__gpu_planes_is_settled(executor)
             : gch__strata_is_settled(&executor->counts.strata, &executor->counts.quality_desc))) {
        if (image == NULL) /* it is to be there still */
            GCH_TRY(gch__gpu_check(executor->gpu, err));
        gch__gpu_counts_report(executor);
        *stats = executor->stats;
        stats->is_unchanged = true;
        return GCH_OK;
    }
    gch__gpu_find_fresh(executor, scene);
    gch__gpu_describe(scene, image, &executor->shown);
    gch_status status = scene->is_bare ? draw_frame(executor, scene, queries, image, err)
                                       : paint_frame(executor, scene, queries, image, err);
    /* One with pages on their way will use others when they have come. */
    executor->awaits_pipelines = status == GCH_PENDING && !executor->stats.is_pending;
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
    gch__gpu_planes_drop(executor->planes);
    executor->shown.is_valid = false;
}

const char *gch__gpu_executor_get_software(const gch__gpu_executor *executor)
{
    const gch__gpu_info *info = gch__gpu_get_info(executor->gpu);
    return info->kind == GCH__GPU_SOFTWARE ? info->adapter : NULL;
}

void *gch__gpu_executor_get_texture(const gch__gpu_executor *executor)
{
    if (executor->picture.way != GCH__GPU_BY_DRAW)
        return NULL;
    return gch__gpu_texture_get_shared(executor->gpu, executor->picture.target);
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
    gch__gpu_drop_pools(executor);
    gch__gpu_points_destroy(executor->points);
    gch__gpu_planes_destroy(executor->planes);
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
    gch__free(allocator, executor->heights.words, "gpu heights");
    gch__free(allocator, executor->heights.bars, "gpu heights");
    gch__free(allocator, executor->segment_numbers, "gpu segments");
    gch__free(allocator, executor->segment_sources, "gpu segments");
    gch__free(allocator, executor, PURPOSE);
}
