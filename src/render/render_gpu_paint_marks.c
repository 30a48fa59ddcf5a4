/* Marks of a painted picture: strokes, areas, discs and boxes, as the raster room gives them, into
 * tables of shapes.
 *
 * Invariants:
 *  1. Whatever has no bounds in the description has some here: strokes and areas are cut to the
 * plot and a margin, in doubles, so that floats are exact enough.
 *  2. Shapes of a pass are in the order of its points; a column's or tile's are a stretch of them.
 */
#include "raster_stroke.h"
#include "render_gpu_paint_state.h"
#include "scene_palette.h"

#include <math.h>

#define BAR_WORDS 13u       /* shaders/paint.wgsl */
#define ROW_LIMIT (1 << 24) /* beyond all that heights are clamped to */

void gch__paint_add_plot_command(gch__gpu_painter *painter, gch__gpu_command command, double top,
                                 double bottom)
{
    const gch__plot *plot = painter->plot;
    command.f = plot->x_px | plot->y_px << 16;
    gch__gpu_painter_add_command(painter, command, plot->x_px, plot->y_px + fmax(floor(top), 0),
                                 (double)plot->x_px + plot->view.width_px,
                                 plot->y_px + fmin(ceil(bottom), plot->view.height_px));
}

bool gch__paint_add_table(gch__gpu_painter *painter, uint32_t *out_at)
{
    uint32_t *table =
        gch__gpu_painter_add_words(painter, (size_t)painter->plot->view.width_px * 2, out_at);
    if (table != NULL)
        memset(table, 0, (size_t)painter->plot->view.width_px * 2 * sizeof *table);
    return table != NULL;
}

void gch__paint_include_in_table(gch__gpu_painter *painter, uint32_t table, uint32_t index,
                                 double low, double high)
{
    uint32_t width = painter->plot->view.width_px;
    uint32_t *words = (uint32_t *)painter->data.entries + table;
    low = floor(low);
    high = floor(high);
    if (!(high >= 0) || !(low < width))
        return;
    uint32_t first = low > 0 ? (uint32_t)low : 0;
    uint32_t last = high < width ? (uint32_t)high : width - 1;
    for (uint32_t c = first; c <= last; c++) {
        if (words[(size_t)c * 2 + 1] == 0)
            words[(size_t)c * 2] = index;
        words[(size_t)c * 2 + 1] = index + 1;
    }
}

typedef struct stroke_shapes {
    gch__gpu_painter *painter;
    uint32_t table, shapes, count;
    double top, bottom; /* what they cover */
} stroke_shapes;

/* A capsule; of no length, a disc. */
static void add_capsule(stroke_shapes *out, gch__stretch s, double reach)
{
    gch__gpu_painter *painter = out->painter;
    const gch_view *view = &painter->plot->view;
    double margin = reach + 2;
    if (!gch__stretch_clip(&s, -margin, -margin, view->width_px + margin, view->height_px + margin))
        return;
    double dx = s.x1 - s.x0, dy = s.y1 - s.y0, length = sqrt(dx * dx + dy * dy);
    float words[6] = {(float)s.x0,
                      (float)s.y0,
                      length > 0 ? (float)(dx / length) : 1, /* any direction will do */
                      length > 0 ? (float)(dy / length) : 0,
                      (float)length,
                      (float)reach};
    uint32_t at, *room = gch__gpu_painter_add_words(painter, GCH_COUNT_OF(words), &at);
    if (room == NULL)
        return;
    memcpy(room, words, sizeof words);
    gch__paint_include_in_table(painter, out->table, out->count++, fmin(s.x0, s.x1) - reach,
                                fmax(s.x0, s.x1) + reach);
    out->top = fmin(out->top, fmin(s.y0, s.y1) - reach);
    out->bottom = fmax(out->bottom, fmax(s.y0, s.y1) + reach);
}

static bool is_finite(gch_point p)
{
    return isfinite(p.x) && isfinite(p.y);
}

/* What gch__mask_stroke draws, and what the device has reduced. */
static void add_stroke(gch__gpu_painter *painter, const gch__band_pass *pass)
{
    double reach = pass->width * 0.5 + 0.5, dot_reach = GCH_MAX(pass->width, 2.0f) * 0.5 + 0.5;
    stroke_shapes out = {.painter = painter, .top = INFINITY, .bottom = -INFINITY};
    bool has_table = pass->count > 0;
    if (has_table && !gch__paint_add_table(painter, &out.table))
        return;
    out.shapes = (uint32_t)painter->data.count;
    for (size_t i = 0; i < pass->count; i++) {
        gch_point p = pass->points[i];
        if (!is_finite(p))
            continue;
        bool is_joined = i > 0 && !p.starts_run && is_finite(pass->points[i - 1]);
        bool goes_on = i + 1 < pass->count && !pass->points[i + 1].starts_run &&
                       is_finite(pass->points[i + 1]);
        gch_point from = is_joined ? pass->points[i - 1] : p;
        if (is_joined || !goes_on) /* the first of several is the next one's end */
            add_capsule(&out, (gch__stretch){from.x, from.y, p.x, p.y},
                        is_joined ? reach : dot_reach);
    }
    gch__gpu_command command = gch__paint_command_of(GCH__GPU_PAINT_STROKE, pass->row_colors[0]);
    command.a = has_table ? out.table : GCH__GPU_NO_ROW;
    command.b = out.shapes;
    if (pass->reduced != 0) {
        painter->is_reduced = true;
        command.kind = GCH__GPU_PAINT_REDUCED;
        command.c = pass->reduced - 1;
        command.d = gch__paint_bits_of((float)reach);
        command.e = painter->plot->view.width_px | (uint32_t)pass->shape << 16;
        if (pass->shape == GCH__REDUCED_HULLS)
            command.b = gch__paint_bits_of(painter->plot->baseline_y);
        out.top = 0;
        out.bottom = painter->plot->view.height_px;
    }
    gch__paint_add_plot_command(painter, command, out.top, out.bottom);
}

typedef struct area_shapes {
    gch__gpu_painter *painter;
    uint32_t table, count;
} area_shapes;

static void add_edge(area_shapes *out, double x0, double y0, double x1, double y1)
{
    if (!(x1 > x0))
        return;
    float words[4] = {(float)x0, (float)y0, (float)x1, (float)y1};
    uint32_t at, *room = gch__gpu_painter_add_words(out->painter, GCH_COUNT_OF(words), &at);
    if (room == NULL)
        return;
    memcpy(room, words, sizeof words);
    gch__paint_include_in_table(out->painter, out->table, out->count++, x0, x1);
}

/* One straight part of the edge, cut to the plot's columns; what lies above or below the plot's
 * rows covers them all or none, and becomes level there. */
static void add_area_part(area_shapes *out, gch_point a, gch_point b)
{
    const gch_view *view = &out->painter->plot->view;
    double x0 = fmax((double)a.x, 0), x1 = fmin((double)b.x, view->width_px);
    if (!(x1 > x0))
        return;
    double slope = ((double)b.y - a.y) / ((double)b.x - a.x);
    double y0 = a.y + slope * (x0 - a.x), y1 = a.y + slope * (x1 - a.x);
    double low = -1, high = view->height_px + 1.0;
    double cuts[2] = {x1, x1};
    if (slope != 0) {
        double at_low = fmin(fmax(a.x + (low - a.y) / slope, x0), x1);
        double at_high = fmin(fmax(a.x + (high - a.y) / slope, x0), x1);
        cuts[0] = fmin(at_low, at_high);
        cuts[1] = fmax(at_low, at_high);
    }
    double ends[] = {x0, cuts[0], cuts[1], x1};
    for (size_t i = 0; i + 1 < GCH_COUNT_OF(ends); i++) {
        double from = a.y + slope * (ends[i] - a.x), to = a.y + slope * (ends[i + 1] - a.x);
        from = i == 0 ? y0 : from;
        to = i == 2 ? y1 : to;
        add_edge(out, ends[i], fmin(fmax(from, low), high), ends[i + 1], fmin(fmax(to, low), high));
    }
}

/* What gch__mask_area draws. */
static void add_area(gch__gpu_painter *painter, const gch__band_pass *pass, float baseline)
{
    uint32_t height = painter->plot->view.height_px;
    area_shapes out = {.painter = painter};
    gch__gpu_command command = {.kind = GCH__GPU_PAINT_AREA};
    uint32_t *colors = gch__gpu_painter_add_words(painter, height, &command.d);
    if (colors == NULL)
        return;
    for (uint32_t row = 0; row < height; row++)
        colors[row] = gch__pixel_from_rgba(pass->row_colors[row * pass->color_step]);
    if (!gch__paint_add_table(painter, &out.table))
        return;
    command.a = out.table;
    command.b = (uint32_t)painter->data.count;
    command.c = gch__paint_bits_of(GCH_MIN(GCH_MAX(baseline, 0.0f), (float)height));
    for (size_t i = 1; i < pass->count; i++) {
        gch_point a = pass->points[i - 1], b = pass->points[i];
        if (!b.starts_run && is_finite(a) && is_finite(b))
            add_area_part(&out, a, b);
    }
    gch__paint_add_plot_command(painter, command, 0, height);
}

/* Both edges of a band between two x. */
typedef struct between_part {
    double x0, x1, upper0, upper1, lower0, lower1;
} between_part;

static void add_between_shape(area_shapes *out, between_part p)
{
    const double low = -1, high = out->painter->plot->view.height_px + 1.0;
    if (!(p.x1 > p.x0))
        return;
    float words[6] = {(float)p.x0,
                      (float)p.x1,
                      (float)fmin(fmax(p.upper0, low), high),
                      (float)fmin(fmax(p.upper1, low), high),
                      (float)fmin(fmax(p.lower0, low), high),
                      (float)fmin(fmax(p.lower1, low), high)};
    uint32_t at, *room = gch__gpu_painter_add_words(out->painter, GCH_COUNT_OF(words), &at);
    if (room == NULL)
        return;
    memcpy(room, words, sizeof words);
    gch__paint_include_in_table(out->painter, out->table, out->count++, p.x0, p.x1);
}

/* Where the line from y0 to y1 over [0, 1] stands at y; 0 if it does not get there. */
static double share_at(double y0, double y1, double y)
{
    double share = (y - y0) / (y1 - y0);
    return share > 0 && share < 1 ? share : 0;
}

/* As add_area_part: cut to the plot's columns, and where an edge leaves its rows. */
static void add_between_part(area_shapes *out, between_part p)
{
    const gch_view *view = &out->painter->plot->view;
    const double low = -1, high = view->height_px + 1.0, width = p.x1 - p.x0;
    double first = fmax(-p.x0 / width, 0), last = fmin((view->width_px - p.x0) / width, 1);
    double cuts[] = {share_at(p.upper0, p.upper1, low), share_at(p.upper0, p.upper1, high),
                     share_at(p.lower0, p.lower1, low), share_at(p.lower0, p.lower1, high)};
    for (size_t i = 1; i < GCH_COUNT_OF(cuts); i++) { /* in order */
        double cut = cuts[i];
        size_t k = i;
        for (; k > 0 && cuts[k - 1] > cut; k--)
            cuts[k] = cuts[k - 1];
        cuts[k] = cut;
    }
    double from = first;
    for (size_t i = 0; i <= GCH_COUNT_OF(cuts); i++) {
        double to = i < GCH_COUNT_OF(cuts) ? fmin(cuts[i], last) : last;
        if (!(to > from))
            continue;
        add_between_shape(out, (between_part){p.x0 + width * from, p.x0 + width * to,
                                              p.upper0 + (p.upper1 - p.upper0) * from,
                                              p.upper0 + (p.upper1 - p.upper0) * to,
                                              p.lower0 + (p.lower1 - p.lower0) * from,
                                              p.lower0 + (p.lower1 - p.lower0) * to});
        from = to;
    }
}

/* What gch__mask_between draws. */
static void add_between(gch__gpu_painter *painter, const gch__band_pass *pass)
{
    area_shapes out = {.painter = painter};
    gch__gpu_command command = gch__paint_command_of(GCH__GPU_PAINT_BETWEEN, pass->row_colors[0]);
    bool has_table = pass->count > 0;
    if (has_table && !gch__paint_add_table(painter, &out.table))
        return;
    command.a = has_table ? out.table : GCH__GPU_NO_ROW;
    if (pass->reduced != 0) {
        painter->is_reduced = true;
        command.kind = GCH__GPU_PAINT_REDUCED_BETWEEN;
        command.c = pass->reduced - 1;
        command.d = pass->reduced_upper - 1;
        command.e = painter->plot->view.width_px;
    }
    command.b = (uint32_t)painter->data.count;
    for (size_t i = 1; i < pass->count; i++) {
        gch_point a = pass->points[i - 1], b = pass->points[i];
        gch_point c = pass->lower[i - 1], d = pass->lower[i];
        if (!b.starts_run && b.x > a.x && is_finite(a) && is_finite(b) && is_finite(c) &&
            is_finite(d))
            add_between_part(&out, (between_part){a.x, b.x, a.y, b.y, c.y, d.y});
    }
    gch__paint_add_plot_command(painter, command, 0, painter->plot->view.height_px);
}

/* The tiles of the plot that a disc reaches; false if there are none. */
static bool disc_tiles(const gch_view *view, gch_point p, double reach, gch__tile_range *out)
{
    if (!is_finite(p) || !(p.x + reach > 0) || !(p.y + reach > 0) ||
        !(p.x - reach < view->width_px) || !(p.y - reach < view->height_px))
        return false;
    out->x0 = (uint32_t)fmax(p.x - reach, 0) / GCH__GPU_TILE_PX;
    out->y0 = (uint32_t)fmax(p.y - reach, 0) / GCH__GPU_TILE_PX;
    out->x1 = (uint32_t)fmin(p.x + reach, view->width_px - 1.0) / GCH__GPU_TILE_PX;
    out->y1 = (uint32_t)fmin(p.y + reach, view->height_px - 1.0) / GCH__GPU_TILE_PX;
    return true;
}

/* What gch__mask_discs draws; each tile of the plot has a list of its discs, in their order. */
static void add_discs(gch__gpu_painter *painter, const gch__band_pass *pass)
{
    const gch_view *view = &painter->plot->view;
    double reach = pass->width * 0.5 + 0.5;
    uint32_t across = gch__paint_tiles_of(view->width_px),
             tiles = across * gch__paint_tiles_of(view->height_px);
    gch__gpu_command command = gch__paint_command_of(GCH__GPU_PAINT_DISCS, pass->row_colors[0]);
    uint32_t *firsts = gch__gpu_painter_add_words(painter, (size_t)tiles + 1, &command.a);
    gch__tile_range r;
    if (firsts == NULL)
        return;
    memset(firsts, 0, ((size_t)tiles + 1) * sizeof *firsts);
    uint64_t total = 0;
    for (size_t i = 0; i < pass->count; i++) {
        if (!disc_tiles(view, pass->points[i], reach, &r))
            continue;
        for (uint32_t y = r.y0; y <= r.y1; y++)
            for (uint32_t x = r.x0; x <= r.x1; x++)
                firsts[y * across + x + 1]++;
        total += (uint64_t)(r.x1 - r.x0 + 1) * (r.y1 - r.y0 + 1);
    }
    float *centres = (float *)gch__gpu_painter_add_words(painter, total * 2, &command.b);
    if (centres == NULL)
        return;
    firsts = (uint32_t *)painter->data.entries + command.a; /* may have moved */
    gch__paint_start_lists(firsts, tiles, 0);
    for (size_t i = 0; i < pass->count; i++) {
        gch_point p = pass->points[i];
        if (!disc_tiles(view, p, reach, &r))
            continue;
        for (uint32_t y = r.y0; y <= r.y1; y++) {
            for (uint32_t x = r.x0; x <= r.x1; x++) {
                size_t at = (size_t)firsts[y * across + x]++ * 2;
                centres[at] = p.x;
                centres[at + 1] = p.y;
            }
        }
    }
    gch__paint_restore_lists(firsts, tiles, 0);
    command.c = gch__paint_bits_of((float)reach);
    command.d = gch__paint_bits_of(pass->opacity);
    command.e = across;
    gch__paint_add_plot_command(painter, command, 0, view->height_px);
}

static void take_pass(void *context, const gch__band_pass *pass)
{
    gch__gpu_painter *painter = context;
    if (painter->status != GCH_OK)
        return;
    switch (pass->kind) {
    case GCH__BAND_STROKE:
        add_stroke(painter, pass);
        break;
    case GCH__BAND_DISCS:
        add_discs(painter, pass);
        break;
    case GCH__BAND_BETWEEN:
        add_between(painter, pass);
        break;
    case GCH__BAND_AREA:
        add_area(painter, pass, painter->plot->baseline_y);
        break;
    }
}

static void take_box(void *context, int64_t x0, int64_t y0, int64_t x1, int64_t y1, uint32_t rgba)
{
    gch__gpu_painter *painter = context;
    const gch__plot *plot = painter->plot;
    x0 = GCH_MAX(x0, 0);
    y0 = GCH_MAX(y0, 0);
    x1 = GCH_MIN(x1, (int64_t)plot->view.width_px);
    y1 = GCH_MIN(y1, (int64_t)plot->view.height_px);
    gch__gpu_painter_add_command(painter, gch__paint_command_of(GCH__GPU_PAINT_FILL, rgba),
                                 (double)(x0 + plot->x_px), (double)(y0 + plot->y_px),
                                 (double)(x1 + plot->x_px), (double)(y1 + plot->y_px));
}

/* Density `index` of the frame: it is counted by the GPU. */
static void add_grid(gch__gpu_painter *painter, const gch__plot_series *series, uint32_t index)
{
    gch__gpu_command command = {
        .kind = GCH__GPU_PAINT_GRID,
        .a = gch__gpu_counts_grid(painter->executor, painter->plot->panel, index),
        .b = series->density_scale,
        .d = painter->plot->view.height_px,
        .e = painter->plot->view.width_px};
    uint32_t *colors = gch__gpu_painter_add_words(painter, 256, &command.c);
    if (colors == NULL)
        return;
    for (uint32_t i = 0; i < 256; i++)
        colors[i] = gch__pixel_from_rgba(
            gch__palette_color(series->palette, series->is_palette_reversed, i));
    gch__paint_add_plot_command(painter, command, 0, painter->plot->view.height_px);
}

/* Points of a plane that are many: the series at hand has a grid. */
static void take_counts(void *context)
{
    gch__gpu_painter *painter = context;
    painter->has_counts[painter->series] = true;
    add_grid(painter, painter->its, painter->grid);
}

bool gch__gpu_painter_has_counts(const gch__gpu_painter *painter, uint32_t series)
{
    return painter->has_counts[series];
}

/* ---- what the device reduces ---- */

static gch__gpu_series series_of(gch__gpu_painter *painter, const gch__mark_job *job, gch_join join)
{
    return (gch__gpu_series){.executor = painter->executor,
                             .query = job->query,
                             .file = job->series->file,
                             .column = job->series->column,
                             .join = join,
                             .view = job->view,
                             .its = job->series,
                             .zone = job->zone};
}

/* A name is one more than the columns' place in marks. */
static gch_status reduce_columns(void *context, const gch__mark_job *job, gch_join join,
                                 gch_columns *out, uint32_t *out_reduced, gch_error *err)
{
    gch__gpu_painter *painter = context;
    gch__gpu_series series = series_of(painter, job, join);
    bool is_first = series.column == painter->its->column, is_reduced;
    uint32_t ring = painter->series + (is_first ? 0 : GCH_SERIES_CAP);
    GCH_TRY(gch__gpu_heights_add(&series, ring, out, &is_reduced, err));
    *out_reduced = is_reduced ? painter->executor->heights.rings[ring].at + 1 : 0;
    return GCH_OK;
}

static gch_status reduce_hulls(void *context, const gch__mark_job *job, uint32_t *out_reduced,
                               gch_error *err)
{
    gch__gpu_painter *painter = context;
    gch__gpu_series series = series_of(painter, job, GCH_JOIN_NONE);
    bool is_reduced;
    GCH_TRY(gch__gpu_heights_add_hulls(&series, painter->series, &is_reduced, err));
    *out_reduced = is_reduced ? painter->executor->heights.rings[painter->series].at + 1 : 0;
    return GCH_OK;
}

/* The command comes with the bars, their shapes one by one. */
static gch_status reduce_bars(void *context, const gch__mark_job *job, uint32_t cap,
                              const gch_bar **out_bars, uint32_t *out_count, bool *out_is_reduced,
                              gch_error *err)
{
    gch__gpu_painter *painter = context;
    gch__gpu_series series = series_of(painter, job, GCH_JOIN_LINE);
    GCH_TRY(gch__gpu_heights_add_bars(&series, painter->series, cap, out_bars, out_count,
                                      out_is_reduced, err));
    if (!*out_is_reduced || *out_bars == NULL)
        return GCH_OK;
    painter->is_reduced = true;
    gch__gpu_command command = {.kind = GCH__GPU_PAINT_BARS};
    if (!gch__paint_add_table(painter, &painter->bar_table))
        return gch__gpu_painter_tell(painter, err);
    command.a = painter->bar_table;
    command.b = (uint32_t)painter->data.count;
    gch__paint_add_plot_command(painter, command, 0, painter->plot->view.height_px);
    return gch__gpu_painter_tell(painter, err);
}

static uint32_t clip_column(const gch_view *view, int64_t x)
{
    return (uint32_t)GCH_MIN(GCH_MAX(x, 0), (int64_t)view->width_px);
}

static uint32_t clip_row(int64_t y)
{
    return (uint32_t)(int32_t)GCH_MIN(GCH_MAX(y, -ROW_LIMIT), ROW_LIMIT);
}

/* Columns [x0, x1) of the plot. */
static uint32_t columns_of(const gch_view *view, int64_t x0, int64_t x1)
{
    return clip_column(view, x0) | clip_column(view, x1) << 16;
}

static void take_bar(void *context, uint32_t index, const gch__bar_shape *shape)
{
    gch__gpu_painter *painter = context;
    const gch_view *view = &painter->plot->view;
    int64_t left = shape->stem_left, right = shape->stem_right;
    uint32_t at, *words = gch__gpu_painter_add_words(painter, BAR_WORDS, &at);
    if (words == NULL)
        return;
    memset(words, 0, BAR_WORDS * sizeof *words); /* a box of no columns */
    words[0] = gch__gpu_heights_bar_at(painter->executor, painter->series, index);
    words[1] = gch__pixel_from_rgba(shape->color);
    words[2] = columns_of(view, shape->stem_left, shape->stem_right);
    words[3] = clip_row(shape->upper);
    words[4] = clip_row(shape->upper_end);
    words[5] = clip_row(shape->lower_start);
    words[6] = clip_row(shape->lower);
    for (uint32_t i = 0; i < shape->box_count; i++) {
        words[7 + 3 * i] = columns_of(view, shape->boxes[i].x0, shape->boxes[i].x1);
        words[8 + 3 * i] = clip_row(shape->boxes[i].y0);
        words[9 + 3 * i] = clip_row(shape->boxes[i].y1);
        left = GCH_MIN(left, shape->boxes[i].x0);
        right = GCH_MAX(right, shape->boxes[i].x1);
    }
    gch__paint_include_in_table(painter, painter->bar_table, index, (double)left,
                                (double)right - 1);
}

/* ---- all marks ---- */

gch_status gch__gpu_painter_add_marks(gch__gpu_painter *painter, const gch__scene *scene,
                                      gch_query *const *queries, gch_error *err)
{
    const gch__mark_painter sink = {.context = painter,
                                    .reduce = reduce_columns,
                                    .hulls = reduce_hulls,
                                    .bars = reduce_bars,
                                    .bar = take_bar,
                                    .pass = take_pass,
                                    .box = take_box,
                                    .counts = take_counts};
    uint32_t grids[GCH_PANEL_CAP] = {0};
    painter->raster->query_ns = 0;
    for (uint32_t i = 0; i < scene->series_count; i++) {
        const gch__plot *plot = &scene->plots[scene->series[i].plot];
        painter->plot = plot;
        painter->series = i;
        painter->its = &scene->series[i];
        painter->grid = grids[plot->panel];
        painter->has_counts[i] = painter->is_reduced = false;
        grids[plot->panel] += gch__gpu_has_grid(scene, i) ? 1 : 0;
        if (scene->series[i].mark == GCH_MARK_DENSITY) {
            add_grid(painter, painter->its, painter->grid);
            continue;
        }
        gch_plane plane =
            scene->is_plane ? gch__plane_of(scene, i) : (gch_plane){.view = plot->plane};
        gch__mark_job job = {
            .raster = painter->raster,
            .plot = {.width_px = plot->view.width_px, .height_px = plot->view.height_px},
            .view = &plot->view,
            .plane = &plane,
            .series = painter->its,
            .zone = scene->zone,
            .query = queries[i],
            .baseline_y = plot->baseline_y,
            .scale = scene->scale,
            .painter = &sink};
        bool is_on_device = false;
        if (job.series->study.kind != GCH_STUDY_NONE)
            GCH_TRY(gch__gpu_studies_add(&painter->studies, painter, &job, &is_on_device, err));
        if (!is_on_device)
            GCH_TRY(gch__mark_draw(&job, err));
        GCH_TRY(gch__gpu_painter_tell(painter, err));
        if (painter->is_reduced)
            painter->executor->stats.series_reduced++;
        else if (!gch__gpu_has_grid(scene, i))
            painter->executor->stats.series_by_query++;
    }
    painter->executor->query_ns += painter->raster->query_ns;
    return GCH_OK;
}
