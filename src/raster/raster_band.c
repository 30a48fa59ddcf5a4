/* Bands: what lies between two columns of a file, with strokes along its edges if wanted.
 *
 * Few points: between the two polylines, wherever both are. Many: column by column from the larger
 * column's top to the smaller one's bottom; where nothing but a passing line is in a pixel column,
 * the fill's edge passes with it.
 *
 * Invariants:
 *  1. The two edges that are drawn have the same x and runs, and the upper one is nowhere below the
 *     other: where the columns cross, they change places.
 *  2. The fill is one pass, the strokes another each.
 */
#include "raster_state.h"
#include "raster_stroke.h"

#include <math.h>
#include <string.h>

typedef struct edges {
    gch_point *upper, *lower;
    size_t count;
} edges;

/* Room for `count` stretches of the band. */
static gch_status reserve_edges(gch__raster *raster, size_t count, edges *out, gch_error *err)
{
    size_t points;
    if (!gch__mul_size(count, 2, &points))
        return gch__no_memory(err, "band");
    GCH_TRY(gch__ensure(raster->allocator, (void **)&raster->upper, &raster->upper_cap, points,
                        sizeof *raster->upper, "band", err));
    GCH_TRY(gch__ensure(raster->allocator, (void **)&raster->lower, &raster->lower_cap, points,
                        sizeof *raster->lower, "band", err));
    *out = (edges){.upper = raster->upper, .lower = raster->lower};
    return GCH_OK;
}

/* Two edges from x0 to x1 that do not cross. */
static void add_stretch(edges *out, double x0, double x1, const double a[2], const double b[2])
{
    bool is_swapped = a[0] + a[1] > b[0] + b[1];
    const double *upper = is_swapped ? b : a, *lower = is_swapped ? a : b;
    const double x[2] = {x0, x1};
    for (size_t i = 0; i < 2; i++) {
        out->upper[out->count] =
            (gch_point){.x = (float)x[i], .y = (float)upper[i], .starts_run = i == 0};
        out->lower[out->count] =
            (gch_point){.x = (float)x[i], .y = (float)lower[i], .starts_run = i == 0};
        out->count++;
    }
}

static void add_crossing(edges *out, double x0, double x1, const double a[2], const double b[2])
{
    double before = a[0] - b[0], after = a[1] - b[1];
    if (!(before * after < 0)) {
        add_stretch(out, x0, x1, a, b);
        return;
    }
    double share = before / (before - after);
    double x = x0 + (x1 - x0) * share, y = a[0] + (a[1] - a[0]) * share;
    add_stretch(out, x0, x, (const double[]){a[0], y}, (const double[]){b[0], y});
    add_stretch(out, x, x1, (const double[]){y, a[1]}, (const double[]){y, b[1]});
}

/* Whether points[at] is joined to the one before. */
static bool is_joined(const gch_point *points, size_t at)
{
    return !points[at].starts_run && isfinite(points[at].y) && isfinite(points[at - 1].y);
}

static double y_at(const gch_point *end, double x)
{
    double x0 = end[-1].x, x1 = end[0].x, y0 = end[-1].y, y1 = end[0].y;
    return x >= x1 ? y1 : x <= x0 ? y0 : y0 + (y1 - y0) * (x - x0) / (x1 - x0);
}

/* Both polylines from left to right; at most two stretches a point of either. */
static void walk_points(const gch_point *a, size_t a_count, const gch_point *b, size_t b_count,
                        edges *out)
{
    size_t i = 1, k = 1;
    while (i < a_count && k < b_count) {
        double x0 = fmax((double)a[i - 1].x, (double)b[k - 1].x);
        double x1 = fmin((double)a[i].x, (double)b[k].x);
        if (x1 > x0 && is_joined(a, i) && is_joined(b, k))
            add_crossing(out, x0, x1, (const double[]){y_at(&a[i], x0), y_at(&a[i], x1)},
                         (const double[]){y_at(&b[k], x0), y_at(&b[k], x1)});
        bool is_a_first = a[i].x <= b[k].x, is_b_first = b[k].x <= a[i].x;
        i += is_a_first ? 1 : 0;
        k += is_b_first ? 1 : 0;
    }
}

static void fill(const gch__mark_job *job, const edges *e)
{
    gch__mark_pass(job, &(gch__band_pass){.kind = GCH__BAND_BETWEEN,
                                          .points = e->upper,
                                          .lower = e->lower,
                                          .count = e->count,
                                          .row_colors = &job->series->fill_color});
}

/* The job of one edge's line; `series` is its own. */
static gch__mark_job edge_job(const gch__mark_job *job, gch__plot_series *series, uint32_t column)
{
    gch__mark_job edge = *job;
    *series = *job->series;
    series->column = column;
    edge.series = series;
    return edge;
}

/* *out_is_drawn is false if there are too many points. */
static gch_status draw_points(const gch__mark_job *low, const gch__mark_job *high,
                              bool *out_is_drawn, gch_error *err)
{
    gch__raster *raster = low->raster;
    uint32_t cap = low->plot.width_px * GCH__POINTS_PER_COLUMN, low_count = 0, high_count = 0;
    const gch_point *points = NULL, *high_points = NULL;
    GCH_TRY(gch__mark_points(low, cap, &points, &low_count, err));
    *out_is_drawn = points != NULL;
    if (points == NULL)
        return GCH_OK;
    /* The next query takes their place. */
    GCH_TRY(gch__mark_reserve_path(low, low_count, 1, err));
    if (low_count > 0)
        memcpy(raster->path, points, low_count * sizeof *points);
    GCH_TRY(gch__mark_points(high, cap, &high_points, &high_count, err));
    *out_is_drawn = high_points != NULL;
    if (high_points == NULL)
        return GCH_OK;
    edges e;
    GCH_TRY(reserve_edges(raster, 2 * ((size_t)low_count + high_count), &e, err));
    walk_points(raster->path, low_count, high_points, high_count, &e);
    fill(low, &e);
    if (low->series->width > 0) {
        bool is_sparse = low_count <= low->plot.width_px;
        GCH_TRY(gch__mark_stroke(low, raster->path, low_count, is_sparse, err));
        GCH_TRY(gch__mark_stroke(high, high_points, high_count, is_sparse, err));
    }
    return GCH_OK;
}

/* A pixel column of one edge: its extent, and where it enters and leaves if that is all. */
typedef struct column_edge {
    float top, bottom; /* top > bottom: nothing is there */
    float left, right; /* NAN: more than a passing line */
} column_edge;

static column_edge column_edge_of(const gch_columns *columns, uint32_t c)
{
    column_edge out = {.top = INFINITY, .bottom = -INFINITY, .left = NAN, .right = NAN};
    for (uint32_t i = columns->first[c]; i < columns->first[c + 1]; i++) {
        out.top = fminf(out.top, columns->pieces[i].y_top);
        out.bottom = fmaxf(out.bottom, columns->pieces[i].y_bottom);
    }
    if (columns->first[c + 1] - columns->first[c] != 1)
        return out;
    const gch_piece *piece = &columns->pieces[columns->first[c]];
    bool passes = !isnan(piece->y_left) && !isnan(piece->y_right) &&
                  fminf(piece->y_left, piece->y_right) <= piece->y_top &&
                  fmaxf(piece->y_left, piece->y_right) >= piece->y_bottom;
    if (passes) {
        out.left = piece->y_left;
        out.right = piece->y_right;
    }
    return out;
}

/* The fill of a pixel column; passing lines keep their way unless the edges overlap. */
static void add_column(edges *out, uint32_t c, column_edge low, column_edge high)
{
    if (low.top > low.bottom || high.top > high.bottom)
        return;
    double top = fmin((double)low.top, (double)high.top);
    double bottom = fmax((double)low.bottom, (double)high.bottom);
    double upper[2] = {top, top}, lower[2] = {bottom, bottom};
    if (high.bottom <= low.top && !isnan(high.left)) {
        upper[0] = (double)high.left;
        upper[1] = (double)high.right;
    }
    if (high.bottom <= low.top && !isnan(low.left)) {
        lower[0] = (double)low.left;
        lower[1] = (double)low.right;
    }
    add_stretch(out, c, c + 1.0, upper, lower);
}

static gch_status stroke_columns(const gch__mark_job *job, const gch_columns *columns,
                                 gch_error *err)
{
    GCH_TRY(
        gch__mark_reserve_path(job, columns->first[columns->width_px], GCH__PATH_LINE_POINTS, err));
    gch_point *path = job->raster->path;
    return gch__mark_stroke(job, path, gch__path_line(columns, path), false, err);
}

/* Whether somebody else has the column's extent: see gch__query_outline. */
static bool is_outline(column_edge edge)
{
    return edge.top > edge.bottom && !isnan(edge.left);
}

/* The path of the pieces whose extents are known, behind the first *io_count points. */
static gch_status add_path(const gch__mark_job *job, const gch_columns *columns, size_t *io_count,
                           gch_error *err)
{
    size_t pieces = columns->first[columns->width_px];
    GCH_TRY(gch__mark_reserve_path(job, *io_count + pieces, GCH__PATH_LINE_POINTS, err));
    *io_count += gch__path_line(columns, job->raster->path + *io_count);
    return GCH_OK;
}

static void stroke_reduced(const gch__mark_job *job, const gch_point *points, size_t count,
                           uint32_t reduced)
{
    gch__mark_pass(job, &(gch__band_pass){.kind = GCH__BAND_STROKE,
                                          .points = points,
                                          .count = count,
                                          .width = job->series->width,
                                          .row_colors = &job->series->color,
                                          .reduced = reduced});
}

/* With a painter that reduces both edges, where it leaves out the same columns of both. */
static gch_status draw_reduced(const gch__mark_job *low, const gch__mark_job *high,
                               bool *out_is_drawn, gch_error *err)
{
    gch__raster *raster = low->raster;
    const gch__mark_painter *painter = low->painter;
    uint32_t width = low->plot.width_px, low_name, high_name;
    size_t low_count = 0, count;
    gch_columns columns;
    edges e;
    *out_is_drawn = false;
    if (painter == NULL || painter->reduce == NULL || low->series->dash_count > 0)
        return GCH_OK;
    GCH_TRY(painter->reduce(painter->context, low, GCH_JOIN_LINE, &columns, &low_name, err));
    if (low_name == 0)
        return GCH_OK;
    GCH_TRY(gch__ensure(raster->allocator, &raster->column_edges, &raster->column_edge_cap, width,
                        sizeof(column_edge), "band", err));
    column_edge *kept = raster->column_edges;
    for (uint32_t c = 0; c < width; c++)
        kept[c] = column_edge_of(&columns, c);
    GCH_TRY(add_path(low, &columns, &low_count, err));
    GCH_TRY(painter->reduce(painter->context, high, GCH_JOIN_LINE, &columns, &high_name, err));
    if (high_name == 0)
        return GCH_OK;
    GCH_TRY(reserve_edges(raster, width, &e, err));
    for (uint32_t c = 0; c < width; c++) {
        column_edge its = column_edge_of(&columns, c);
        if (is_outline(its) != is_outline(kept[c]))
            return GCH_OK;
        if (!is_outline(its))
            add_column(&e, c, kept[c], its);
    }
    count = low_count;
    GCH_TRY(add_path(high, &columns, &count, err));
    gch__mark_pass(low, &(gch__band_pass){.kind = GCH__BAND_BETWEEN,
                                          .points = e.upper,
                                          .lower = e.lower,
                                          .count = e.count,
                                          .row_colors = &low->series->fill_color,
                                          .reduced = low_name,
                                          .reduced_upper = high_name});
    if (low->series->width > 0) {
        stroke_reduced(high, raster->path + low_count, count - low_count, high_name);
        stroke_reduced(low, raster->path, low_count, low_name);
    }
    *out_is_drawn = true;
    return GCH_OK;
}

static gch_status draw_columns(const gch__mark_job *low, const gch__mark_job *high, gch_error *err)
{
    gch__raster *raster = low->raster;
    uint32_t width = low->plot.width_px;
    gch_columns columns;
    edges e;
    GCH_TRY(gch__mark_columns(low, GCH_JOIN_LINE, &columns, err));
    GCH_TRY(gch__ensure(raster->allocator, &raster->column_edges, &raster->column_edge_cap, width,
                        sizeof(column_edge), "band", err));
    column_edge *kept = raster->column_edges;
    for (uint32_t c = 0; c < width; c++)
        kept[c] = column_edge_of(&columns, c);
    GCH_TRY(gch__mark_columns(high, GCH_JOIN_LINE, &columns, err));
    GCH_TRY(reserve_edges(raster, width, &e, err));
    for (uint32_t c = 0; c < width; c++)
        add_column(&e, c, kept[c], column_edge_of(&columns, c));
    fill(low, &e);
    if (!(low->series->width > 0))
        return GCH_OK;
    GCH_TRY(stroke_columns(high, &columns, err));
    GCH_TRY(gch__mark_columns(low, GCH_JOIN_LINE, &columns, err));
    return stroke_columns(low, &columns, err);
}

gch_status gch__mark_draw_band(const gch__mark_job *job, gch_error *err)
{
    gch__plot_series series[2];
    gch__mark_job low = edge_job(job, &series[0], job->series->column);
    gch__mark_job high = edge_job(job, &series[1], job->series->column_high);
    bool is_drawn;
    GCH_TRY(draw_points(&low, &high, &is_drawn, err));
    if (!is_drawn)
        GCH_TRY(draw_reduced(&low, &high, &is_drawn, err));
    return is_drawn ? GCH_OK : draw_columns(&low, &high, err);
}
