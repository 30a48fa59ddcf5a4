/* Lines, steps, areas and scatters: from query answers to passes over the plot's bands.
 *
 * While a series has few points a column, the true polyline is drawn; beyond, the path through its
 * columns, which looks the same and whose cost does not depend on the number of points.
 *
 * Invariants:
 *  1. A series is blended once a pass (a fill and a stroke are two passes).
 *  2. Each band's mask belongs to one worker during a pass and is all zero between passes.
 */
#include "raster_dash.h"
#include "raster_state.h"
#include "raster_stroke.h"

#include <math.h>

#define SCATTER_POINT_CAP 200000u
#define DASH_POINT_CAP ((size_t)1 << 20)

gch_status gch__mark_points(const gch__mark_job *job, uint32_t cap, const gch_point **out_points,
                            uint32_t *out_count, gch_error *err)
{
    gch_error detail;
    int64_t start = gch__clock_ns();
    gch_status status = gch_query_points(job->query, job->series->column, job->view, cap,
                                         out_points, out_count, &detail);
    job->raster->query_ns += gch__clock_ns() - start;
    if (status == GCH_LIMIT || status == GCH_PENDING) { /* columns will do */
        *out_points = NULL;
        return GCH_OK;
    }
    if (status != GCH_OK && err != NULL)
        *err = detail;
    return status;
}

gch_status gch__mark_columns(const gch__mark_job *job, gch_join join, gch_columns *out,
                             gch_error *err)
{
    int64_t start = gch__clock_ns();
    gch_status status =
        gch_query_columns(job->query, job->series->column, job->view, join, out, err);
    job->raster->query_ns += gch__clock_ns() - start;
    return status;
}

gch_status gch__mark_reduce(const gch__mark_job *job, gch_join join, gch_columns *out,
                            uint32_t *out_reduced, gch_error *err)
{
    *out_reduced = 0;
    if (job->painter != NULL && job->painter->reduce != NULL)
        GCH_TRY(job->painter->reduce(job->painter->context, job, join, out, out_reduced, err));
    return *out_reduced != 0 ? GCH_OK : gch__mark_columns(job, join, out, err);
}

gch_status gch__mark_bars(const gch__mark_job *job, uint32_t cap, const gch_bar **out_bars,
                          uint32_t *out_count, gch_error *err)
{
    gch_error detail;
    int64_t start = gch__clock_ns();
    gch_status status =
        gch_query_bars(job->query, job->series->column, job->series->bar_width, job->zone,
                       job->view->t0, job->view->t1, cap, out_bars, out_count, &detail);
    job->raster->query_ns += gch__clock_ns() - start;
    if (status == GCH_LIMIT || status == GCH_PENDING) {
        *out_bars = NULL;
        return GCH_OK;
    }
    if (status != GCH_OK && err != NULL)
        *err = detail;
    return status;
}

gch_status gch__mark_reserve_path(const gch__mark_job *job, size_t pieces, size_t per_piece,
                                  gch_error *err)
{
    size_t count;
    gch__raster *raster = job->raster;
    if (!gch__mul_size(pieces, per_piece, &count))
        return gch__no_memory(err, "path");
    return gch__ensure(raster->allocator, (void **)&raster->path, &raster->path_cap, count,
                       sizeof *raster->path, "path", err);
}

typedef struct pass_context {
    const gch__mark_job *job;
    const gch__band_pass *pass;
} pass_context;

static void draw_band(void *context, size_t task, uint32_t worker)
{
    const pass_context *c = context;
    const gch__band_pass *pass = c->pass;
    gch__target plot = c->job->plot;
    gch__raster *raster = c->job->raster;
    uint32_t x0 = (uint32_t)task * GCH__BAND_PX;
    size_t mask_bytes = GCH__BAND_PX * gch__mask_stride(plot.height_px);
    gch__mask mask = gch__mask_make(raster->masks + worker * mask_bytes, x0,
                                    GCH_MIN(plot.width_px - x0, GCH__BAND_PX), plot.height_px);
    switch (pass->kind) {
    case GCH__BAND_STROKE:
        gch__mask_stroke(&mask, pass->points, pass->count, pass->width);
        break;
    case GCH__BAND_DISCS:
        gch__mask_discs(&mask, pass->points, pass->count, pass->width, pass->opacity);
        break;
    case GCH__BAND_AREA:
        gch__mask_area(&mask, pass->points, pass->count, c->job->baseline_y,
                       raster->sums + worker * (plot.height_px + (size_t)2));
        break;
    case GCH__BAND_BETWEEN:
        gch__mask_between(&mask, pass->points, pass->lower, pass->count,
                          raster->sums + worker * (plot.height_px + (size_t)2));
        break;
    }
    gch__mask_blend(&mask, plot, pass->row_colors, pass->color_step);
}

void gch__mark_pass(const gch__mark_job *job, const gch__band_pass *pass)
{
    pass_context context = {.job = job, .pass = pass};
    size_t bands = (job->plot.width_px + (size_t)GCH__BAND_PX - 1) / GCH__BAND_PX;
    if (pass->count == 0 && pass->reduced == 0)
        return;
    if (job->painter != NULL)
        job->painter->pass(job->painter->context, pass);
    else
        gch__parallel_for(job->workers, bands, draw_band, &context);
}

void gch__mark_box(const gch__mark_job *job, int64_t x0, int64_t y0, int64_t x1, int64_t y1,
                   uint32_t rgba)
{
    if (job->painter != NULL)
        job->painter->box(job->painter->context, x0, y0, x1, y1, rgba);
    else
        gch__fill_pixels(job->plot, x0, y0, x1, y1, rgba);
}

static void stroke_solid(const gch__mark_job *job, const gch_point *points, size_t count)
{
    gch__mark_pass(job, &(gch__band_pass){.kind = GCH__BAND_STROKE,
                                          .points = points,
                                          .count = count,
                                          .width = job->series->width,
                                          .row_colors = &job->series->color});
}

/* The pattern laid on a path. Dashes along y are many in a high plot; beyond a bound all are
 * measured along x. */
static gch_status stroke_dashed(const gch__mark_job *job, const gch_point *points, size_t count,
                                bool is_sparse, gch_error *err)
{
    gch__raster *raster = job->raster;
    gch__dash dash = gch__dash_make(job->series, job->view);
    size_t dash_count =
        gch__path_dash(points, count, &dash, is_sparse, raster->dashes, raster->dash_cap);
    if (dash_count > DASH_POINT_CAP) {
        dash.is_flat = true;
        dash_count =
            gch__path_dash(points, count, &dash, is_sparse, raster->dashes, raster->dash_cap);
    }
    if (dash_count > raster->dash_cap) {
        GCH_TRY(gch__ensure(raster->allocator, (void **)&raster->dashes, &raster->dash_cap,
                            dash_count, sizeof *raster->dashes, "dashes", err));
        (void)gch__path_dash(points, count, &dash, is_sparse, raster->dashes, raster->dash_cap);
    }
    stroke_solid(job, raster->dashes, dash_count);
    return GCH_OK;
}

gch_status gch__mark_stroke(const gch__mark_job *job, const gch_point *points, size_t count,
                            bool is_sparse, gch_error *err)
{
    if (job->series->dash_count > 0)
        return stroke_dashed(job, points, count, is_sparse, err);
    stroke_solid(job, points, count);
    return GCH_OK;
}

/* ---- areas ---- */

static uint32_t mix_colors(uint32_t from, uint32_t to, float share)
{
    uint32_t mixed = 0;
    for (uint32_t shift = 0; shift < 32; shift += 8) {
        float a = (float)(from >> shift & 255), b = (float)(to >> shift & 255);
        mixed |= (uint32_t)(a + (b - a) * share + 0.5f) << shift;
    }
    return mixed;
}

/* How far the path goes from the baseline within the plot. */
static float farthest_from_baseline(const gch__mark_job *job, const gch_point *points, size_t count)
{
    double width = job->plot.width_px, height = job->plot.height_px, farthest = 1;
    for (size_t i = 1; i < count; i++) {
        gch_point a = points[i - 1], b = points[i];
        if (b.starts_run || !(b.x > a.x) || b.x < 0 || a.x > width)
            continue;
        double slope = ((double)b.y - a.y) / ((double)b.x - a.x);
        double left = a.y + slope * (fmax(a.x, 0) - a.x);
        double right = a.y + slope * (fmin(b.x, width) - a.x);
        farthest = fmax(farthest, fabs(fmin(fmax(left, 0), height) - job->baseline_y));
        farthest = fmax(farthest, fabs(fmin(fmax(right, 0), height) - job->baseline_y));
    }
    return (float)farthest;
}

/* The fill's colour in each row: fill_color where the path is farthest from the baseline, fading to
 * fill_base_color at the baseline. */
static gch_status set_row_colors(const gch__mark_job *job, const gch_point *points, size_t count,
                                 gch_error *err)
{
    gch__raster *raster = job->raster;
    uint32_t rows = job->plot.height_px;
    GCH_TRY(gch__ensure(raster->allocator, (void **)&raster->row_colors, &raster->row_color_cap,
                        rows, sizeof *raster->row_colors, "row colours", err));
    float farthest = farthest_from_baseline(job, points, count);
    for (uint32_t row = 0; row < rows; row++) {
        float share = fabsf((float)row + 0.5f - job->baseline_y) / farthest;
        raster->row_colors[row] =
            mix_colors(job->series->fill_base_color, job->series->fill_color, fminf(share, 1));
    }
    return GCH_OK;
}

static gch_status fill(const gch__mark_job *job, const gch_point *points, size_t count,
                       gch_error *err)
{
    GCH_TRY(set_row_colors(job, points, count, err));
    gch__mark_pass(job, &(gch__band_pass){.kind = GCH__BAND_AREA,
                                          .points = points,
                                          .count = count,
                                          .row_colors = job->raster->row_colors,
                                          .color_step = 1});
    return GCH_OK;
}

/* ---- lines ---- */

static gch_status draw_points_path(const gch__mark_job *job, const gch_point *points,
                                   uint32_t count, gch_error *err)
{
    bool is_sparse = count <= job->plot.width_px;
    if (job->series->mark == GCH_MARK_AREA)
        GCH_TRY(fill(job, points, count, err));
    if (job->series->mark == GCH_MARK_STEP) {
        GCH_TRY(gch__mark_reserve_path(job, count, GCH__PATH_STAIR_POINTS, err));
        gch_point *path = job->raster->path;
        return gch__mark_stroke(job, path, gch__path_stairs(points, count, path), is_sparse, err);
    }
    return gch__mark_stroke(job, points, count, is_sparse, err);
}

static gch_status draw_line(const gch__mark_job *job, gch_error *err)
{
    const gch_point *points = NULL;
    uint32_t count = 0;
    bool is_step = job->series->mark == GCH_MARK_STEP;
    GCH_TRY(
        gch__mark_points(job, job->plot.width_px * GCH__POINTS_PER_COLUMN, &points, &count, err));
    if (points != NULL)
        return draw_points_path(job, points, count, err);
    gch_columns columns;
    uint32_t reduced = 0;
    gch_join join = is_step ? GCH_JOIN_STEP : GCH_JOIN_LINE;
    if (job->series->dash_count > 0) /* dashes are measured along the whole path */
        GCH_TRY(gch__mark_columns(job, join, &columns, err));
    else
        GCH_TRY(gch__mark_reduce(job, join, &columns, &reduced, err));
    size_t pieces = columns.first[columns.width_px];
    GCH_TRY(gch__mark_reserve_path(job, pieces, GCH__PATH_STEP_POINTS, err));
    gch_point *path = job->raster->path;
    if (job->series->mark == GCH_MARK_AREA)
        GCH_TRY(fill(job, path, gch__path_edge(&columns, path), err));
    size_t length = is_step ? gch__path_step(&columns, path) : gch__path_line(&columns, path);
    if (reduced == 0)
        return gch__mark_stroke(job, path, length, false, err);
    gch__mark_pass(job,
                   &(gch__band_pass){.kind = GCH__BAND_STROKE,
                                     .points = path,
                                     .count = length,
                                     .width = job->series->width,
                                     .row_colors = &job->series->color,
                                     .reduced = reduced,
                                     .shape = is_step ? GCH__REDUCED_STEP : GCH__REDUCED_LINE});
    return GCH_OK;
}

/* ---- scatter ---- */

/* Few discs let those below show through; as they fill the plot they unite, so that a dense cloud
 * has one colour. */
float gch__mark_disc_opacity(const gch__mark_job *job, size_t count)
{
    double diameter = job->series->width;
    double plot_area = (double)job->plot.width_px * job->plot.height_px;
    double share = (double)count * diameter * diameter * 0.785 / plot_area;
    return (float)fmin(fmax(0.72 + share * 1.4, 0.72), 1.0);
}

static gch_status draw_scatter(const gch__mark_job *job, gch_error *err)
{
    const gch_point *points = NULL;
    uint32_t count = 0;
    GCH_TRY(gch__mark_points(job, SCATTER_POINT_CAP, &points, &count, err));
    if (points != NULL) {
        gch__mark_pass(job, &(gch__band_pass){.kind = GCH__BAND_DISCS,
                                              .points = points,
                                              .count = count,
                                              .width = job->series->width,
                                              .opacity = gch__mark_disc_opacity(job, count),
                                              .row_colors = &job->series->color});
        return GCH_OK;
    }
    gch_columns columns;
    GCH_TRY(gch__mark_columns(job, GCH_JOIN_NONE, &columns, err));
    GCH_TRY(
        gch__mark_reserve_path(job, columns.first[columns.width_px], GCH__PATH_LIT_POINTS, err));
    stroke_solid(job, job->raster->path, gch__path_lit(&columns, job->raster->path));
    return GCH_OK;
}

gch_status gch__mark_draw(const gch__mark_job *job, gch_error *err)
{
    if (job->series->study.kind != GCH_STUDY_NONE)
        return gch__mark_draw_study(job, err);
    switch (job->series->mark) {
    case GCH_MARK_DEFAULT:
    case GCH_MARK_LINE:
    case GCH_MARK_STEP:
    case GCH_MARK_AREA:
        return draw_line(job, err);
    case GCH_MARK_CANDLES:
    case GCH_MARK_OHLC:
        return gch__mark_draw_candles(job, err);
    case GCH_MARK_SCATTER:
        return draw_scatter(job, err);
    case GCH_MARK_BARS:
        return gch__mark_draw_bars(job, err);
    case GCH_MARK_BAND:
        return gch__mark_draw_band(job, err);
    case GCH_MARK_DENSITY:
        return gch__mark_draw_density(job, err);
    case GCH_MARK_POINTS:
        return gch__mark_draw_points(job, err);
    case GCH_MARK_VOLUME:
        return gch__mark_draw_volume(job, err);
    case GCH_MARK_HISTOGRAM:
        return gch__mark_draw_histogram(job, err);
    }
    return gch_fail(err, GCH_INVALID, "mark %d does not exist", (int)job->series->mark);
}
