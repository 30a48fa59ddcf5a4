/* The CPU executor: one scene into one image, in the scene's order.
 *
 * Invariants:
 *  1. Every pixel of the image is written: bare pictures row band by row band, others by the
 *     background first.
 *  2. Once scratch has the size of the largest frame, a frame allocates nothing.
 *  3. All scratch is reserved before the first parallel loop; workers never allocate.
 */
#include "raster.h"

#include "raster_bare.h"
#include "raster_state.h"

#include <string.h>

#define PURPOSE "raster"
#define BACKGROUND_ROWS 64u

gch_status gch__raster_make(const gch_allocator *allocator, gch__raster **out, gch_error *err)
{
    gch__raster *raster = gch__alloc_zero(allocator, 1, sizeof *raster, PURPOSE);
    if (raster == NULL)
        return gch__no_memory(err, PURPOSE);
    raster->allocator = allocator;
    gch__text_curves_fill(&raster->curves);
    gch_status status = gch__glyph_cache_make(allocator, &raster->glyphs, err);
    if (status != GCH_OK) {
        gch__raster_destroy(raster);
        return status;
    }
    *out = raster;
    return GCH_OK;
}

void gch__raster_destroy(gch__raster *raster)
{
    if (raster == NULL)
        return;
    const gch_allocator *allocator = raster->allocator;
    if (raster->glyphs != NULL)
        gch__glyph_cache_destroy(raster->glyphs);
    gch__free(allocator, raster->path, "path");
    gch__free(allocator, raster->dashes, "dashes");
    gch__free(allocator, raster->upper, "band");
    gch__free(allocator, raster->lower, "band");
    gch__free(allocator, raster->column_edges, "band");
    gch__free(allocator, raster->masks, "masks");
    gch__free(allocator, raster->sums, "sums");
    gch__free(allocator, raster->bare_masks, "masks");
    gch__free(allocator, raster->strips, "strips");
    gch__free(allocator, raster->row_colors, "row colours");
    gch__free(allocator, raster->bars, "bars");
    gch__free(allocator, raster->spacings, "spacings");
    gch__free(allocator, raster->tones, "tones");
    gch__free(allocator, raster->discs, "discs");
    gch__free(allocator, raster->disc_values, "discs");
    for (uint32_t i = 0; i < GCH_SERIES_CAP; i++)
        gch__bare_room_reset(&raster->bare_rooms[i], allocator);
    gch__free(allocator, raster, PURPOSE);
}

/* ---- bare pictures ---- */

/* Whether a panel begins with this plot. */
static bool begins_panel(const gch__scene *scene, uint32_t plot)
{
    return plot == 0 || scene->plots[plot].panel != scene->plots[plot - 1].panel;
}

/* A plot's pixels. */
static gch__target target_of(gch__target picture, const gch__plot *plot)
{
    picture.pixels += (size_t)plot->y_px * picture.stride_px + plot->x_px;
    picture.width_px = plot->view.width_px;
    picture.height_px = plot->view.height_px;
    return picture;
}

typedef struct bare_context {
    gch__raster *raster;
    gch__target plot;
    uint32_t series_count;
} bare_context;

static void draw_bare_band(void *context, size_t task, uint32_t worker)
{
    const bare_context *c = context;
    uint16_t *scratch = c->raster->bare_masks + worker * gch__bare_scratch(c->plot.width_px);
    gch__bare_draw_band(c->plot, c->raster->bare_columns, c->series_count, (uint32_t)task, scratch);
}

/* The columns of a panel's series but for densities: raster->bare_columns. */
static gch_status find_bare_columns(gch__raster *raster, const gch__scene *scene, uint32_t panel,
                                    gch_query *const *queries, uint32_t *out_count, gch_error *err)
{
    uint32_t count = 0;
    int64_t start = gch__clock_ns();
    for (uint32_t i = 0; i < scene->series_count; i++) {
        const gch__plot_series *series = &scene->series[i];
        const gch__plot *plot = &scene->plots[series->plot];
        if (plot->panel == panel && series->mark != GCH_MARK_DENSITY)
            GCH_TRY(gch__bare_columns(&raster->bare_rooms[i], raster->allocator, queries[i], series,
                                      &plot->view, scene->zone, &raster->bare_columns[count++],
                                      err));
    }
    raster->query_ns += gch__clock_ns() - start;
    *out_count = count;
    return GCH_OK;
}

/* The series of all plots of a panel, which have one rectangle. */
static gch_status draw_bare_panel(gch__raster *raster, const gch__scene *scene, uint32_t panel,
                                  gch__target target, gch_query *const *queries,
                                  gch_workers *workers, gch_error *err)
{
    uint32_t count;
    GCH_TRY(find_bare_columns(raster, scene, panel, queries, &count, err));
    bare_context context = {raster, target, count};
    gch__parallel_for(workers, gch__bare_bands(target.height_px), draw_bare_band, &context);
    for (uint32_t i = 0; i < scene->series_count; i++) {
        const gch__plot_series *series = &scene->series[i];
        const gch__plot *plot = &scene->plots[series->plot];
        if (plot->panel == panel && series->mark == GCH_MARK_DENSITY)
            GCH_TRY(gch__bare_add_density(raster, target, series, &plot->view, queries[i], err));
    }
    return GCH_OK;
}

typedef struct plane_context {
    const gch_grid *grids;
    gch__target plot;
    uint32_t series_count;
} plane_context;

static void draw_plane_band(void *context, size_t task, uint32_t worker)
{
    (void)worker;
    const plane_context *c = context;
    size_t first = task * BACKGROUND_ROWS, height = c->plot.height_px;
    size_t end = GCH_MIN(first + BACKGROUND_ROWS, height);
    for (size_t y = first; y < end; y++) {
        for (size_t x = 0; x < c->plot.width_px; x++) {
            uint32_t lit = 0;
            for (uint32_t i = 0; i < c->series_count; i++)
                lit |= c->grids[i].cells[x * height + y];
            c->plot.pixels[y * c->plot.stride_px + x] = lit != 0 ? GCH__BARE_LIT : GCH__BARE_DARK;
        }
    }
}

/* The pixels that a panel's points of a plane lie in. */
static gch_status draw_bare_plane(gch__raster *raster, const gch__scene *scene, uint32_t panel,
                                  gch__target target, gch_query *const *queries,
                                  gch_workers *workers, gch_error *err)
{
    gch_grid grids[GCH_SERIES_CAP];
    uint32_t count = 0;
    int64_t start = gch__clock_ns();
    for (uint32_t i = 0; i < scene->series_count; i++) {
        if (scene->plots[scene->series[i].plot].panel != panel)
            continue;
        gch_plane plane = gch__plane_of(scene, i);
        GCH_TRY(gch_query_grid(queries[i], &plane, GCH_GRID_LIT, &grids[count++], err));
    }
    raster->query_ns += gch__clock_ns() - start;
    plane_context context = {grids, target, count};
    gch__parallel_for(workers, (target.height_px + BACKGROUND_ROWS - 1) / BACKGROUND_ROWS,
                      draw_plane_band, &context);
    return GCH_OK;
}

static gch_status draw_bare(gch__raster *raster, const gch__scene *scene, gch__target picture,
                            gch_query *const *queries, gch_workers *workers, gch_error *err)
{
    size_t count = gch_workers_count(workers) * gch__bare_scratch(picture.width_px);
    GCH_TRY(gch__ensure(raster->allocator, (void **)&raster->bare_masks, &raster->bare_mask_cap,
                        count, sizeof *raster->bare_masks, "masks", err));
    for (uint32_t i = 0; i < scene->plot_count; i++) {
        const gch__plot *plot = &scene->plots[i];
        if (begins_panel(scene, i))
            GCH_TRY((scene->is_plane ? draw_bare_plane : draw_bare_panel)(
                raster, scene, plot->panel, target_of(picture, plot), queries, workers, err));
    }
    return GCH_OK;
}

/* ---- bare pictures for others to draw ---- */

static gch_status add_strips(gch__raster *raster, const gch_columns *columns, uint32_t first_row,
                             uint32_t height, size_t *io_count, gch_error *err)
{
    size_t pieces = columns->first[columns->width_px];
    GCH_TRY(gch__ensure(raster->allocator, (void **)&raster->strips, &raster->strip_cap,
                        *io_count + pieces, sizeof *raster->strips, "strips", err));
    for (uint32_t c = 0; c < columns->width_px; c++) {
        for (uint32_t i = columns->first[c]; i < columns->first[c + 1]; i++) {
            int32_t top = GCH_MAX(columns->pieces[i].row_top, 0);
            int32_t bottom = GCH_MIN(columns->pieces[i].row_bottom, (int32_t)height - 1);
            if (top <= bottom)
                raster->strips[(*io_count)++] =
                    (gch__strip){.x = c,
                                 .top = (uint16_t)(first_row + (uint32_t)top),
                                 .bottom = (uint16_t)(first_row + (uint32_t)bottom)};
        }
    }
    return GCH_OK;
}

gch_status gch__raster_strips(gch__raster *raster, const gch__scene *scene,
                              gch_query *const *queries, const gch__strip **out, size_t *out_count,
                              int64_t *out_query_ns, gch_error *err)
{
    size_t count = 0;
    raster->query_ns = 0;
    static_assert(GCH_IMAGE_PX_MAX - 1 <= UINT16_MAX, "rows of strips");
    if (scene->is_plane)
        return gch_fail(err, GCH_LIMIT, "points of a plane are no strips");
    for (uint32_t i = 0; i < scene->series_count; i++)
        if (scene->series[i].mark == GCH_MARK_DENSITY)
            return gch_fail(err, GCH_LIMIT, "densities are no strips");
    for (uint32_t i = 0; i < scene->plot_count; i++) {
        const gch__plot *plot = &scene->plots[i];
        uint32_t series_count;
        if (!begins_panel(scene, i))
            continue;
        GCH_TRY(find_bare_columns(raster, scene, plot->panel, queries, &series_count, err));
        for (uint32_t k = 0; k < series_count; k++)
            GCH_TRY(add_strips(raster, &raster->bare_columns[k], plot->y_px, plot->view.height_px,
                               &count, err));
    }
    *out = raster->strips;
    *out_count = count;
    *out_query_ns = raster->query_ns;
    return GCH_OK;
}

/* ---- everything else ---- */

typedef struct ground_context {
    gch__target target;
    uint32_t color;
} ground_context;

static void fill_ground(void *context, size_t task, uint32_t worker)
{
    (void)worker;
    const ground_context *c = context;
    size_t first = task * BACKGROUND_ROWS;
    size_t end = GCH_MIN(first + BACKGROUND_ROWS, (size_t)c->target.height_px);
    if (first >= end)
        return;
    uint32_t *top = c->target.pixels + first * c->target.stride_px;
    for (size_t x = 0; x < c->target.width_px; x++)
        top[x] = c->color;
    /* The C library, and in a browser the host, copies a row faster than a loop here writes it. */
    for (size_t y = first + 1; y < end; y++)
        memcpy(c->target.pixels + y * c->target.stride_px, top, c->target.width_px * sizeof *top);
}

/* Masks must be zero between series: what is new is zeroed here, what was used by its user. */
static gch_status reserve_scratch(gch__raster *raster, uint32_t rows, uint32_t worker_count,
                                  gch_error *err)
{
    size_t mask_bytes = worker_count * GCH__BAND_PX * gch__mask_stride(rows);
    size_t old_cap = raster->mask_cap;
    GCH_TRY(gch__ensure(raster->allocator, (void **)&raster->masks, &raster->mask_cap, mask_bytes,
                        sizeof *raster->masks, "masks", err));
    memset(raster->masks + old_cap, 0, raster->mask_cap - old_cap);
    return gch__ensure(raster->allocator, (void **)&raster->sums, &raster->sum_cap,
                       worker_count * ((size_t)rows + 2), sizeof *raster->sums, "sums", err);
}

static gch_status draw_chart(gch__raster *raster, const gch__scene *scene, gch__target picture,
                             gch_query *const *queries, gch_workers *workers, gch_error *err)
{
    uint32_t rows = 0;
    for (uint32_t i = 0; i < scene->plot_count; i++)
        rows = GCH_MAX(rows, scene->plots[i].view.height_px);
    GCH_TRY(reserve_scratch(raster, rows, gch_workers_count(workers), err));
    ground_context ground = {picture, gch__pixel_from_rgba(scene->background)};
    gch__parallel_for(workers, (picture.height_px + BACKGROUND_ROWS - 1) / BACKGROUND_ROWS,
                      fill_ground, &ground);
    GCH_TRY(gch__prims_draw(picture, &scene->under, raster->glyphs, &raster->curves, err));
    for (uint32_t i = 0; i < scene->series_count; i++) {
        const gch__plot *plot = &scene->plots[scene->series[i].plot];
        gch_plane plane =
            scene->is_plane ? gch__plane_of(scene, i) : (gch_plane){.view = plot->plane};
        gch__mark_job job = {.raster = raster,
                             .workers = workers,
                             .plot = target_of(picture, plot),
                             .view = &plot->view,
                             .plane = &plane,
                             .series = &scene->series[i],
                             .zone = scene->zone,
                             .query = queries[i],
                             .baseline_y = plot->baseline_y,
                             .scale = scene->scale};
        GCH_TRY(gch__mark_draw(&job, err));
    }
    return gch__prims_draw(picture, &scene->over, raster->glyphs, &raster->curves, err);
}

static gch_status check_scene(const gch__scene *scene, const gch_image *image, gch_error *err)
{
    uint64_t rows = 0; /* of bare panels */
    if (image->width_px != scene->width_px || image->height_px != scene->height_px)
        return gch_fail(err, GCH_INVALID, "the image is %u x %u, the scene %u x %u",
                        image->width_px, image->height_px, scene->width_px, scene->height_px);
    if (scene->plot_count > GCH__PLOT_CAP || scene->series_count > GCH_SERIES_CAP)
        return gch_fail(err, GCH_INVALID, "%u plots and %u series: at most %u and %u",
                        scene->plot_count, scene->series_count, GCH__PLOT_CAP, GCH_SERIES_CAP);
    for (uint32_t i = 0; i < scene->plot_count; i++) {
        const gch__plot *plot = &scene->plots[i];
        if ((uint64_t)plot->x_px + plot->view.width_px > image->width_px ||
            (uint64_t)plot->y_px + plot->view.height_px > image->height_px)
            return gch_fail(err, GCH_INVALID, "plot %u does not fit into the picture", i);
        if (!scene->is_bare || !begins_panel(scene, i))
            continue;
        if (plot->view.width_px != image->width_px || plot->y_px != rows)
            return gch_fail(err, GCH_INVALID, "bare panels fill the picture");
        rows += plot->view.height_px;
    }
    if (scene->is_bare && rows != image->height_px)
        return gch_fail(err, GCH_INVALID, "bare panels fill the picture");
    for (uint32_t i = 0; i < scene->series_count; i++)
        if (scene->series[i].plot >= scene->plot_count)
            return gch_fail(err, GCH_INVALID, "series %u: there is no plot %u", i,
                            scene->series[i].plot);
    return GCH_OK;
}

gch_status gch__raster_draw(gch__raster *raster, const gch__scene *scene, gch_query *const *queries,
                            gch_workers *workers, gch_image *image, int64_t *out_query_ns,
                            gch_error *err)
{
    *out_query_ns = 0;
    raster->query_ns = 0;
    GCH_TRY(check_scene(scene, image, err));
    gch__target picture = {.pixels = image->pixels,
                           .stride_px = image->width_px,
                           .width_px = image->width_px,
                           .height_px = image->height_px};
    GCH_TRY(scene->is_bare ? draw_bare(raster, scene, picture, queries, workers, err)
                           : draw_chart(raster, scene, picture, queries, workers, err));
    *out_query_ns = raster->query_ns;
    return GCH_OK;
}
