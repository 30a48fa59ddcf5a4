/* Candles, OHLC bars, bars and volume: upright boxes on whole pixels.
 *
 * Invariants:
 *  1. Every box has whole-pixel edges: bodies are crisp, and all bodies of a frame have one width.
 *  2. Nothing is blended twice within a series: wicks stop at the body, bars do not overlap.
 *  3. When bars get narrower than two pixels the columns' extents are drawn instead.
 */
#include "query_edges.h"
#include "query_spans.h"
#include "raster_state.h"
#include "raster_stroke.h"
#include "raster_view.h"

#include <math.h>
#include <string.h>

static double value_y(const gch__value_map *map, gch_value value)
{
    return gch__value_y(map, gch_value_to_double(value));
}

static double time_x(const gch_view *view, int64_t time)
{
    return fmin(fmax(gch__time_x(view, time), -1e6), 1e6);
}

static int64_t whole(double value)
{
    return (int64_t)floor(value + 0.5);
}

/* Widths in whole pixels for bars that come `spacing` px apart. */
typedef struct bar_sizes {
    int64_t body, wick;
} bar_sizes;

static bar_sizes choose_sizes(double spacing, double scale)
{
    int64_t wick = GCH_MAX(whole(scale), 1);
    int64_t body = GCH_MIN((int64_t)(spacing * 0.8), whole(spacing) - 1);
    if (body <= wick)
        return (bar_sizes){GCH_MAX(GCH_MIN(body, wick), 1), GCH_MAX(GCH_MIN(body, wick), 1)};
    body -= (body - wick) & 1; /* so that the wick has its middle */
    return (bar_sizes){body, wick};
}

static double width_of(const gch_view *view, int64_t t0, int64_t t1)
{
    return time_x(view, t1) - time_x(view, t0);
}

static double narrowest_spacing(const gch_view *view, const gch_bar *bars, uint32_t count)
{
    double spacing = view->width_px;
    for (uint32_t i = 0; i < count; i++)
        spacing = fmin(spacing, width_of(view, bars[i].t0, bars[i].t1));
    return fmax(spacing, 1);
}

static double bar_centre(const gch_view *view, int64_t t0, int64_t t1)
{
    return (time_x(view, t0) + time_x(view, t1)) * 0.5;
}

typedef struct candle {
    double open, high, low, close; /* y */
    int64_t left;                  /* of the body */
    uint32_t color;
} candle;

static candle make_candle(const gch__mark_job *job, const gch__value_map *map, const gch_bar *bar,
                          bar_sizes sizes)
{
    candle c = {.open = value_y(map, bar->open),
                .high = value_y(map, bar->high),
                .low = value_y(map, bar->low),
                .close = value_y(map, bar->close)};
    c.left = whole(bar_centre(job->view, bar->t0, bar->t1) - (double)sizes.body * 0.5);
    c.color = c.close <= c.open ? job->series->up_color : job->series->down_color;
    return c;
}

static gch__bar_shape candle_shape(candle c, bar_sizes sizes)
{
    double upper = fmin(c.open, c.close), lower = fmax(c.open, c.close);
    int64_t top = whole(upper), bottom = whole(lower);
    if (bottom - top < sizes.wick) {
        top = whole((upper + lower - (double)sizes.wick) * 0.5);
        bottom = top + sizes.wick;
    }
    int64_t wick = c.left + (sizes.body - sizes.wick) / 2;
    return (gch__bar_shape){.color = c.color,
                            .box_count = 1,
                            .boxes = {{c.left, top, c.left + sizes.body, bottom}},
                            .stem_left = wick,
                            .stem_right = wick + sizes.wick,
                            .upper = top,
                            .upper_end = top,
                            .lower_start = bottom,
                            .lower = bottom};
}

static gch__bar_shape ohlc_shape(candle c, bar_sizes sizes)
{
    int64_t stem = c.left + (sizes.body - sizes.wick) / 2;
    double half = (double)sizes.wick * 0.5;
    int64_t open = whole(c.open - half), close = whole(c.close - half);
    int64_t right = stem + sizes.wick, bottom = GCH_MAX(open, close) + sizes.wick;
    return (gch__bar_shape){.color = c.color,
                            .box_count = 2,
                            .boxes = {{c.left, open, stem, open + sizes.wick},
                                      {right, close, c.left + sizes.body, close + sizes.wick}},
                            .stem_left = stem,
                            .stem_right = right,
                            .upper = GCH_MIN(open, close),
                            .upper_end = bottom,
                            .lower_start = bottom,
                            .lower = bottom};
}

static void draw_shape(const gch__mark_job *job, const gch__bar_shape *shape, double high,
                       double low)
{
    uint32_t color = shape->color;
    gch__mark_box(job, shape->stem_left, GCH_MIN(whole(high), shape->upper), shape->stem_right,
                  shape->upper_end, color);
    for (uint32_t i = 0; i < shape->box_count; i++)
        gch__mark_box(job, shape->boxes[i].x0, shape->boxes[i].y0, shape->boxes[i].x1,
                      shape->boxes[i].y1, color);
    gch__mark_box(job, shape->stem_left, shape->lower_start, shape->stem_right,
                  GCH_MAX(whole(low), shape->lower), color);
}

static size_t add_upright(gch_point *path, size_t at, float x, float top, float bottom)
{
    path[at] = (gch_point){.x = x, .y = top, .starts_run = true};
    path[at + 1] = (gch_point){.x = x, .y = bottom};
    return at + 2;
}

/* High to low of each column that rose (or fell), but of those of an outline. */
static size_t path_candle_columns(const gch_columns *columns, bool is_up, gch_point *path)
{
    size_t count = 0;
    for (uint32_t c = 0; c < columns->width_px; c++) {
        for (uint32_t i = columns->first[c]; i < columns->first[c + 1]; i++) {
            const gch_piece *piece = &columns->pieces[i];
            if (!gch__piece_is_outline(piece) && !(piece->y_right > piece->y_left) == is_up)
                count = add_upright(path, count, (float)c + 0.5f, piece->y_top, piece->y_bottom);
        }
    }
    return count;
}

static gch_status draw_candle_columns(const gch__mark_job *job, gch_error *err)
{
    gch_columns columns;
    uint32_t reduced;
    GCH_TRY(gch__mark_reduce(job, GCH_JOIN_LINE, &columns, &reduced, err));
    GCH_TRY(gch__mark_reserve_path(job, columns.first[columns.width_px], 2, err));
    gch_point *path = job->raster->path;
    for (uint32_t is_up = 2; is_up-- > 0;)
        gch__mark_pass(
            job, &(gch__band_pass){
                     .kind = GCH__BAND_STROKE,
                     .points = path,
                     .count = path_candle_columns(&columns, is_up != 0, path),
                     .width = 1,
                     .row_colors = is_up != 0 ? &job->series->up_color : &job->series->down_color,
                     .reduced = reduced,
                     .shape = is_up != 0 ? GCH__REDUCED_RISING : GCH__REDUCED_FALLING});
    return GCH_OK;
}

/* gch__mark_bars, without high and low if a painter has these. */
static gch_status find_bars(const gch__mark_job *job, uint32_t cap, const gch_bar **out_bars,
                            uint32_t *out_count, bool *out_is_reduced, gch_error *err)
{
    *out_is_reduced = false;
    if (job->painter != NULL && job->painter->bars != NULL)
        GCH_TRY(job->painter->bars(job->painter->context, job, cap, out_bars, out_count,
                                   out_is_reduced, err));
    return *out_is_reduced ? GCH_OK : gch__mark_bars(job, cap, out_bars, out_count, err);
}

gch_status gch__mark_draw_candles(const gch__mark_job *job, gch_error *err)
{
    const gch_bar *bars = NULL;
    uint32_t count = 0, cap = job->plot.width_px / 2;
    bool is_reduced;
    GCH_TRY(find_bars(job, cap, &bars, &count, &is_reduced, err));
    if (bars == NULL)
        return draw_candle_columns(job, err);
    double spacing = narrowest_spacing(job->view, bars, count);
    bar_sizes sizes = choose_sizes(spacing, job->scale);
    if (job->series->mark == GCH_MARK_OHLC && sizes.body >= 9 * sizes.wick) {
        sizes.wick = GCH_MIN(sizes.body / 8, 3 * sizes.wick);
        sizes.body -= (sizes.body - sizes.wick) & 1;
    }
    gch__value_map map = gch__value_map_make(job->view);
    for (uint32_t i = 0; i < count; i++) {
        candle c = make_candle(job, &map, &bars[i], sizes);
        gch__bar_shape shape =
            job->series->mark == GCH_MARK_OHLC ? ohlc_shape(c, sizes) : candle_shape(c, sizes);
        if (is_reduced)
            job->painter->bar(job->painter->context, i, &shape);
        else
            draw_shape(job, &shape, c.high, c.low);
    }
    return GCH_OK;
}

/* ---- bars ---- */

/* A bar that begins at the baseline, not further left than *io_right, where the one before it ends.
 */
static gch__bar_shape bar_shape(const gch__mark_job *job, double centre, int64_t width,
                                uint32_t color, int64_t *io_right)
{
    int64_t base = whole(job->baseline_y), left = whole(centre - (double)width * 0.5);
    gch__bar_shape shape = {.color = color,
                            .stem_left = GCH_MAX(left, *io_right),
                            .stem_right = left + width,
                            .upper = base,
                            .upper_end = base,
                            .lower_start = base,
                            .lower = base};
    *io_right = GCH_MAX(left + width, *io_right);
    return shape;
}

/* Up to `top` and down to `bottom`. */
static void draw_bar(const gch__mark_job *job, double centre, int64_t width, double top,
                     double bottom, uint32_t color, int64_t *io_right)
{
    gch__bar_shape shape = bar_shape(job, centre, width, color, io_right);
    draw_shape(job, &shape, top, bottom);
}

static int64_t bar_body(double spacing)
{
    int64_t body = whole(spacing * 0.8);
    return GCH_MAX(spacing >= 2 ? GCH_MIN(body, (int64_t)spacing - 1) : body, 1);
}

/* The k-th smallest of values[0, count), k < count; reorders them (Hoare's quickselect). */
static float select_kth(float *values, size_t count, size_t k)
{
    size_t low = 0, high = count - 1;
    while (low < high) {
        float pivot = values[low + (high - low) / 2];
        size_t i = low, j = high;
        for (;;) {
            while (values[i] < pivot)
                i++;
            while (values[j] > pivot)
                j--;
            if (i >= j)
                break;
            float kept = values[i];
            values[i++] = values[j];
            values[j--] = kept;
        }
        if (k <= j)
            high = j;
        else
            low = j + 1;
    }
    return values[k];
}

/* The median distance between neighbouring points at different places. */
static gch_status typical_spacing(const gch__mark_job *job, const gch_point *points, uint32_t count,
                                  double *out, gch_error *err)
{
    gch__raster *raster = job->raster;
    GCH_TRY(gch__ensure(raster->allocator, (void **)&raster->spacings, &raster->spacing_cap, count,
                        sizeof *raster->spacings, "spacings", err));
    size_t used = 0;
    for (uint32_t i = 1; i < count; i++) {
        float spacing = points[i].x - points[i - 1].x;
        if (spacing > 0 && isfinite(spacing))
            raster->spacings[used++] = spacing;
    }
    *out = used > 0 ? fmin((double)select_kth(raster->spacings, used, used / 2), job->plot.width_px)
                    : 30.0 * job->scale;
    return GCH_OK;
}

static gch_status draw_point_bars(const gch__mark_job *job, const gch_point *points, uint32_t count,
                                  gch_error *err)
{
    double spacing;
    GCH_TRY(typical_spacing(job, points, count, &spacing, err));
    int64_t body = bar_body(spacing), right = INT64_MIN;
    for (uint32_t i = 0; i < count; i++) {
        double x = points[i].x, y = fmin(fmax((double)points[i].y, -1e6), 1e6);
        if (fabs(x) < 1e6)
            draw_bar(job, x, body, y, y, job->series->color, &right);
    }
    return GCH_OK;
}

/* The columns' bars, from the baseline to the middles of the pixels of their extremes. */
static gch_status path_bar_columns(const gch__mark_job *job, size_t *out_count, gch_error *err)
{
    const gch__hull *hulls;
    uint32_t width = job->view->width_px;
    int64_t start = gch__clock_ns();
    gch_status status = gch__query_column_hulls(job->query, job->series->column, job->view,
                                                GCH_JOIN_NONE, &hulls, err);
    job->raster->query_ns += gch__clock_ns() - start;
    GCH_TRY(status);
    GCH_TRY(gch__mark_reserve_path(job, width, 2, err));
    for (uint32_t c = 0; c < width; c++) {
        if (hulls[c].top > hulls[c].bottom)
            continue;
        float top = fminf(job->baseline_y, (float)hulls[c].top + 0.5f);
        float bottom = fmaxf(job->baseline_y, (float)hulls[c].bottom + 0.5f);
        if (top < bottom)
            *out_count = add_upright(job->raster->path, *out_count, (float)c + 0.5f, top, bottom);
    }
    return GCH_OK;
}

static gch_status draw_bar_columns(const gch__mark_job *job, gch_error *err)
{
    size_t count = 0;
    uint32_t reduced = 0;
    if (job->painter != NULL && job->painter->hulls != NULL)
        GCH_TRY(job->painter->hulls(job->painter->context, job, &reduced, err));
    if (reduced == 0)
        GCH_TRY(path_bar_columns(job, &count, err));
    gch__mark_pass(job, &(gch__band_pass){.kind = GCH__BAND_STROKE,
                                          .points = job->raster->path,
                                          .count = count,
                                          .width = 1,
                                          .row_colors = &job->series->color,
                                          .reduced = reduced,
                                          .shape = GCH__REDUCED_HULLS});
    return GCH_OK;
}

gch_status gch__mark_draw_bars(const gch__mark_job *job, gch_error *err)
{
    uint32_t count = 0, cap = job->plot.width_px / 2;
    if (job->series->bar_width.count < 1) {
        const gch_point *points = NULL;
        GCH_TRY(gch__mark_points(job, cap, &points, &count, err));
        return points != NULL ? draw_point_bars(job, points, count, err)
                              : draw_bar_columns(job, err);
    }
    const gch_bar *bars = NULL;
    bool is_reduced;
    GCH_TRY(find_bars(job, cap, &bars, &count, &is_reduced, err));
    if (bars == NULL)
        return draw_bar_columns(job, err);
    gch__value_map map = gch__value_map_make(job->view);
    int64_t body = bar_body(narrowest_spacing(job->view, bars, count)), right = INT64_MIN;
    for (uint32_t i = 0; i < count; i++) {
        double centre = bar_centre(job->view, bars[i].t0, bars[i].t1);
        gch__bar_shape shape = bar_shape(job, centre, body, job->series->color, &right);
        if (is_reduced)
            job->painter->bar(job->painter->context, i, &shape);
        else
            draw_shape(job, &shape, value_y(&map, bars[i].high), value_y(&map, bars[i].low));
    }
    return GCH_OK;
}

/* ---- volume ---- */

/* Whether the bar that starts at t0 fell: later bars are asked about later. */
static bool has_fallen(const gch_bar *bars, uint32_t count, int64_t t0, uint32_t *io_at)
{
    while (*io_at < count && bars[*io_at].t0 < t0)
        ++*io_at;
    return *io_at < count && bars[*io_at].t0 == t0 &&
           gch_value_to_double(bars[*io_at].close) < gch_value_to_double(bars[*io_at].open);
}

/* The candles of the price, copied; none if there is no such column, or pages are missing. */
static gch_status copy_prices(const gch__mark_job *job, uint32_t *out_count, gch_error *err)
{
    gch__raster *raster = job->raster;
    const gch_bar *bars = NULL;
    *out_count = 0;
    if (!job->series->has_price)
        return GCH_OK;
    gch__plot_series price = *job->series;
    gch__mark_job price_job = *job;
    price.column = price.column_price;
    price_job.series = &price;
    GCH_TRY(gch__mark_bars(&price_job, 2 * job->plot.width_px, &bars, out_count, err));
    if (bars == NULL || *out_count == 0) {
        *out_count = 0;
        return GCH_OK;
    }
    GCH_TRY(gch__ensure(raster->allocator, (void **)&raster->bars, &raster->bar_cap, *out_count,
                        sizeof *raster->bars, "bars", err));
    memcpy(raster->bars, bars, *out_count * sizeof *bars);
    return GCH_OK;
}

/* *out_sums is NULL if they are too many, or where bars begin and end awaits pages. */
static gch_status find_sums(const gch__mark_job *job, const gch_bar_sum **out_sums,
                            uint32_t *out_count, gch_error *err)
{
    gch_error detail;
    int64_t start = gch__clock_ns();
    gch_status status = gch_query_sums(job->query, job->series->column, job->series->bar_width,
                                       job->zone, job->view->t0, job->view->t1,
                                       2 * job->plot.width_px, out_sums, out_count, &detail);
    job->raster->query_ns += gch__clock_ns() - start;
    if (status == GCH_LIMIT || status == GCH_PENDING) {
        *out_sums = NULL;
        return GCH_OK;
    }
    if (status != GCH_OK && err != NULL)
        *err = detail;
    return status;
}

gch_status gch__mark_draw_volume(const gch__mark_job *job, gch_error *err)
{
    const gch_bar_sum *sums = NULL;
    uint32_t count = 0, price_count, price = 0;
    GCH_TRY(copy_prices(job, &price_count, err));
    GCH_TRY(find_sums(job, &sums, &count, err));
    if (sums == NULL)
        return GCH_OK;
    gch__value_map map = gch__value_map_make(job->view);
    double spacing = job->view->width_px;
    for (uint32_t i = 0; i < count; i++)
        spacing = fmin(spacing, width_of(job->view, sums[i].t0, sums[i].t1));
    int64_t body = choose_sizes(fmax(spacing, 1), job->scale).body, right = INT64_MIN;
    for (uint32_t i = 0; i < count; i++) {
        bool fell = has_fallen(job->raster->bars, price_count, sums[i].t0, &price);
        uint32_t color = !job->series->has_price ? job->series->color
                         : fell                  ? job->series->down_color
                                                 : job->series->up_color;
        double y = value_y(&map, (gch_value){.kind = GCH_VALUE_F64, .as.f64 = sums[i].sum});
        if (!sums[i].is_pending)
            draw_bar(job, bar_centre(job->view, sums[i].t0, sums[i].t1), body, y, y, color, &right);
    }
    return GCH_OK;
}

gch_status gch__mark_draw_histogram(const gch__mark_job *job, gch_error *err)
{
    const gch_plane_view *plane = &job->plane->view;
    gch_histogram histogram;
    int64_t start = gch__clock_ns();
    gch_status status =
        gch_query_histogram(job->query, job->series->column, job->view->t0, job->view->t1,
                            plane->left, plane->right, job->series->bin_count, &histogram, err);
    job->raster->query_ns += gch__clock_ns() - start;
    GCH_TRY(status);
    gch__value_map map = gch__value_map_make(job->view);
    double width = (double)job->view->width_px / histogram.bin_count;
    int64_t gap = width >= 4 * job->scale ? whole(job->scale) : 0, base = whole(job->baseline_y);
    for (uint32_t i = 0; i < histogram.bin_count; i++) {
        if (histogram.counts[i] == 0)
            continue;
        int64_t left = whole(width * i), right = whole(width * (i + 1)) - gap;
        int64_t top = whole(gch__value_y(&map, (double)histogram.counts[i]));
        top = GCH_MIN(top, base - 1); /* what is there is seen */
        gch__mark_box(job, left, top, GCH_MAX(right, left + 1), base, job->series->color);
    }
    return GCH_OK;
}
