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
    gch__free(allocator, raster->masks, "masks");
    gch__free(allocator, raster->sums, "sums");
    gch__free(allocator, raster->bare_masks, "masks");
    gch__free(allocator, raster->row_colors, "row colours");
    gch__free(allocator, raster->spacings, "spacings");
    gch__free(allocator, raster->tones, "tones");
    gch__free(allocator, raster->discs, "discs");
    gch__free(allocator, raster->disc_values, "discs");
    for (uint32_t i = 0; i < GCH_SERIES_CAP; i++)
        gch__bare_room_reset(&raster->bare_rooms[i], allocator);
    gch__free(allocator, raster, PURPOSE);
}

/* ---- bare pictures ---- */

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

static gch_status draw_bare(gch__raster *raster, const gch__scene *scene, gch__target target,
                            gch_query *const *queries, gch_workers *workers, gch_error *err)
{
    const gch__plot *plot = &scene->plot;
    size_t count = gch_workers_count(workers) * gch__bare_scratch(target.width_px);
    GCH_TRY(gch__ensure(raster->allocator, (void **)&raster->bare_masks, &raster->bare_mask_cap,
                        count, sizeof *raster->bare_masks, "masks", err));
    int64_t start = gch__clock_ns();
    uint32_t lit = 0;
    for (uint32_t i = 0; i < plot->series_count; i++)
        if (plot->series[i].mark != GCH_MARK_DENSITY)
            GCH_TRY(gch__bare_columns(&raster->bare_rooms[i], raster->allocator, queries[i],
                                      &plot->series[i], &plot->view, scene->zone,
                                      &raster->bare_columns[lit++], err));
    raster->query_ns += gch__clock_ns() - start;
    bare_context context = {raster, target, lit};
    gch__parallel_for(workers, gch__bare_bands(target.height_px), draw_bare_band, &context);
    for (uint32_t i = 0; i < plot->series_count; i++)
        if (plot->series[i].mark == GCH_MARK_DENSITY)
            GCH_TRY(gch__bare_add_density(raster, target, &plot->series[i], &plot->view, queries[i],
                                          err));
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

/* The pixels that points of a plane lie in. */
static gch_status draw_bare_plane(gch__raster *raster, const gch__plot *plot, gch__target target,
                                  gch_query *const *queries, gch_workers *workers, gch_error *err)
{
    gch_grid grids[GCH_SERIES_CAP];
    int64_t start = gch__clock_ns();
    for (uint32_t i = 0; i < plot->series_count; i++) {
        gch_plane plane = gch__plane_of(plot, i);
        GCH_TRY(gch_query_grid(queries[i], &plane, GCH_GRID_LIT, &grids[i], err));
    }
    raster->query_ns += gch__clock_ns() - start;
    plane_context context = {grids, target, plot->series_count};
    gch__parallel_for(workers, (target.height_px + BACKGROUND_ROWS - 1) / BACKGROUND_ROWS,
                      draw_plane_band, &context);
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
    for (size_t y = first; y < end; y++)
        for (size_t x = 0; x < c->target.width_px; x++)
            c->target.pixels[y * c->target.stride_px + x] = c->color;
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
                             gch__target plot_target, gch_query *const *queries,
                             gch_workers *workers, gch_error *err)
{
    const gch__plot *plot = &scene->plot;
    GCH_TRY(reserve_scratch(raster, plot_target.height_px, gch_workers_count(workers), err));
    ground_context ground = {picture, gch__pixel_from_rgba(scene->background)};
    gch__parallel_for(workers, (picture.height_px + BACKGROUND_ROWS - 1) / BACKGROUND_ROWS,
                      fill_ground, &ground);
    GCH_TRY(gch__prims_draw(picture, &scene->under, raster->glyphs, &raster->curves, err));
    for (uint32_t i = 0; i < plot->series_count; i++) {
        gch_plane plane = plot->is_plane ? gch__plane_of(plot, i) : (gch_plane){0};
        gch__mark_job job = {.raster = raster,
                             .workers = workers,
                             .plot = plot_target,
                             .view = &plot->view,
                             .plane = &plane,
                             .series = &plot->series[i],
                             .zone = scene->zone,
                             .query = queries[i],
                             .baseline_y = plot->baseline_y,
                             .scale = scene->scale};
        GCH_TRY(gch__mark_draw(&job, err));
    }
    return gch__prims_draw(picture, &scene->over, raster->glyphs, &raster->curves, err);
}

gch_status gch__raster_draw(gch__raster *raster, const gch__scene *scene, gch_query *const *queries,
                            gch_workers *workers, gch_image *image, int64_t *out_query_ns,
                            gch_error *err)
{
    const gch__plot *plot = &scene->plot;
    *out_query_ns = 0;
    raster->query_ns = 0;
    if (image->width_px != scene->width_px || image->height_px != scene->height_px)
        return gch_fail(err, GCH_INVALID, "the image is %u x %u, the scene %u x %u",
                        image->width_px, image->height_px, scene->width_px, scene->height_px);
    if ((uint64_t)plot->x_px + plot->view.width_px > image->width_px ||
        (uint64_t)plot->y_px + plot->view.height_px > image->height_px)
        return gch_fail(err, GCH_INVALID, "the plot does not fit into the picture");
    if (plot->series_count > GCH_SERIES_CAP)
        return gch_fail(err, GCH_INVALID, "%u series: at most %u", plot->series_count,
                        GCH_SERIES_CAP);
    gch__target picture = {.pixels = image->pixels,
                           .stride_px = image->width_px,
                           .width_px = image->width_px,
                           .height_px = image->height_px};
    gch__target plot_target = picture;
    plot_target.pixels += (size_t)plot->y_px * image->width_px + plot->x_px;
    plot_target.width_px = plot->view.width_px;
    plot_target.height_px = plot->view.height_px;
    if (!scene->is_bare) {
        GCH_TRY(draw_chart(raster, scene, picture, plot_target, queries, workers, err));
    } else {
        if (plot_target.width_px != picture.width_px || plot_target.height_px != picture.height_px)
            return gch_fail(err, GCH_INVALID, "a bare plot fills the picture");
        GCH_TRY(plot->is_plane ? draw_bare_plane(raster, plot, plot_target, queries, workers, err)
                               : draw_bare(raster, scene, plot_target, queries, workers, err));
    }
    *out_query_ns = raster->query_ns;
    return GCH_OK;
}
