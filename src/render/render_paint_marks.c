/* Marks of a painted picture: strokes, areas, discs and boxes, as the raster room gives them, into
 * tables of shapes.
 *
 * Invariants:
 *  1. Whatever has no bounds in the description has some here: strokes and areas are cut to the
 * plot and a margin, in doubles, so that floats are exact enough.
 *  2. Shapes of a pass are in the order of its points; a column's or tile's are a stretch of them.
 */
#include "raster_stroke.h"
#include "render_paint.h"
#include "scene_palette.h"

#include <math.h>

void gch__paint_add_plot_command(gch__paint *paint, gch__gpu_command command, double top,
                                 double bottom)
{
    const gch__plot *plot = paint->plot;
    command.f = plot->x_px | plot->y_px << 16;
    gch__paint_add_command(paint, command, plot->x_px, plot->y_px + fmax(floor(top), 0),
                           (double)plot->x_px + plot->view.width_px,
                           plot->y_px + fmin(ceil(bottom), plot->view.height_px));
}

bool gch__paint_add_table(gch__paint *paint, uint32_t *out_at)
{
    uint32_t *table = gch__paint_add_words(paint, (size_t)paint->plot->view.width_px * 2, out_at);
    if (table != NULL)
        memset(table, 0, (size_t)paint->plot->view.width_px * 2 * sizeof *table);
    return table != NULL;
}

void gch__paint_include_in_table(gch__paint *paint, uint32_t table, uint32_t index, double low,
                                 double high)
{
    uint32_t width = paint->plot->view.width_px;
    uint32_t *words = (uint32_t *)paint->data.entries + table;
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
    gch__paint *paint;
    uint32_t table, shapes, count;
} stroke_shapes;

/* The stroke's command in parts, one for each tile of the picture across: most of a plot is above
 * or below. */
static void add_stroke_commands(const stroke_shapes *out, uint32_t rgba)
{
    const gch__plot *plot = out->paint->plot;
    gch__gpu_command command = gch__paint_command_of(GCH__GPU_PAINT_STROKE, rgba);
    command.a = out->table;
    command.b = out->shapes;
    command.f = plot->x_px | plot->y_px << 16;
    for (uint32_t first = 0, end; first < plot->view.width_px; first = end) {
        end = GCH__GPU_TILE_PX - (plot->x_px + first) % GCH__GPU_TILE_PX;
        end = GCH_MIN(first + end, plot->view.width_px);
        gch__paint_height height = gch__paint_heights_of(out->paint, first, end);
        gch__paint_add_command(out->paint, command, plot->x_px + first,
                               (double)plot->y_px + height.top, plot->x_px + end,
                               (double)plot->y_px + height.bottom);
    }
}

/* A capsule; of no length, a disc. */
static void add_capsule(stroke_shapes *out, gch__stretch s, double reach)
{
    gch__paint *paint = out->paint;
    const gch_view *view = &paint->plot->view;
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
    uint32_t at, *room = gch__paint_add_words(paint, GCH_COUNT_OF(words), &at);
    if (room == NULL)
        return;
    memcpy(room, words, sizeof words);
    gch__paint_include_in_table(paint, out->table, out->count++, fmin(s.x0, s.x1) - reach,
                                fmax(s.x0, s.x1) + reach);
    if (s.x0 > s.x1)
        s = (gch__stretch){s.x1, s.y1, s.x0, s.y0};
    gch__paint_heights_include(paint, s.x0, s.y0, s.x1, s.y1, reach);
}

static bool is_finite(gch_point p)
{
    return isfinite(p.x) && isfinite(p.y);
}

/* What gch__mask_stroke draws. */
static void add_stroke(gch__paint *paint, const gch__band_pass *pass)
{
    double reach = pass->width * 0.5 + 0.5, dot_reach = GCH_MAX(pass->width, 2.0f) * 0.5 + 0.5;
    stroke_shapes out = {.paint = paint};
    if (!gch__paint_heights_begin(paint) || !gch__paint_add_table(paint, &out.table))
        return;
    out.shapes = (uint32_t)paint->data.count;
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
    add_stroke_commands(&out, pass->row_colors[0]);
    gch__paint_heights_mark(paint);
}

typedef struct area_shapes {
    gch__paint *paint;
    uint32_t table, count;
    double baseline; /* of AREA */
} area_shapes;

static void add_edge(area_shapes *out, double x0, double y0, double x1, double y1)
{
    if (!(x1 > x0))
        return;
    float words[4] = {(float)x0, (float)y0, (float)x1, (float)y1};
    uint32_t at, *room = gch__paint_add_words(out->paint, GCH_COUNT_OF(words), &at);
    if (room == NULL)
        return;
    memcpy(room, words, sizeof words);
    gch__paint_include_in_table(out->paint, out->table, out->count++, x0, x1);
    gch__paint_heights_include(out->paint, x0, y0, x1, y1, 0);
    gch__paint_heights_include(out->paint, x0, out->baseline, x1, out->baseline, 0);
}

/* One straight part of the edge, cut to the plot's columns; what lies above or below the plot's
 * rows covers them all or none, and becomes level there. */
static void add_area_part(area_shapes *out, gch_point a, gch_point b)
{
    const gch_view *view = &out->paint->plot->view;
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
static void add_area(gch__paint *paint, const gch__band_pass *pass, float baseline)
{
    uint32_t height = paint->plot->view.height_px;
    area_shapes out = {.paint = paint};
    gch__gpu_command command = {.kind = GCH__GPU_PAINT_AREA};
    uint32_t *colors = gch__paint_add_words(paint, height, &command.d);
    if (colors == NULL)
        return;
    for (uint32_t row = 0; row < height; row++)
        colors[row] = gch__pixel_from_rgba(pass->row_colors[row * pass->color_step]);
    if (!gch__paint_heights_begin(paint) || !gch__paint_add_table(paint, &out.table))
        return;
    command.a = out.table;
    command.b = (uint32_t)paint->data.count;
    baseline = GCH_MIN(GCH_MAX(baseline, 0.0f), (float)height);
    out.baseline = (double)baseline;
    command.c = gch__paint_bits_of(baseline);
    for (size_t i = 1; i < pass->count; i++) {
        gch_point a = pass->points[i - 1], b = pass->points[i];
        if (!b.starts_run && is_finite(a) && is_finite(b))
            add_area_part(&out, a, b);
    }
    gch__paint_add_plot_command(paint, command, 0, height);
    gch__paint_heights_mark(paint);
}

/* Both edges of a band between two x. */
typedef struct between_part {
    double x0, x1, upper0, upper1, lower0, lower1;
} between_part;

static void add_between_shape(area_shapes *out, between_part p)
{
    const double low = -1, high = out->paint->plot->view.height_px + 1.0;
    if (!(p.x1 > p.x0))
        return;
    float words[6] = {(float)p.x0,
                      (float)p.x1,
                      (float)fmin(fmax(p.upper0, low), high),
                      (float)fmin(fmax(p.upper1, low), high),
                      (float)fmin(fmax(p.lower0, low), high),
                      (float)fmin(fmax(p.lower1, low), high)};
    uint32_t at, *room = gch__paint_add_words(out->paint, GCH_COUNT_OF(words), &at);
    if (room == NULL)
        return;
    memcpy(room, words, sizeof words);
    gch__paint_include_in_table(out->paint, out->table, out->count++, p.x0, p.x1);
    gch__paint_heights_include(out->paint, p.x0, p.upper0, p.x1, p.upper1, 0);
    gch__paint_heights_include(out->paint, p.x0, p.lower0, p.x1, p.lower1, 0);
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
    const gch_view *view = &out->paint->plot->view;
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
static void add_between(gch__paint *paint, const gch__band_pass *pass)
{
    area_shapes out = {.paint = paint};
    gch__gpu_command command = gch__paint_command_of(GCH__GPU_PAINT_BETWEEN, pass->row_colors[0]);
    if (!gch__paint_heights_begin(paint) || !gch__paint_add_table(paint, &out.table))
        return;
    command.a = out.table;
    command.b = (uint32_t)paint->data.count;
    for (size_t i = 1; i < pass->count; i++) {
        gch_point a = pass->points[i - 1], b = pass->points[i];
        gch_point c = pass->lower[i - 1], d = pass->lower[i];
        if (!b.starts_run && b.x > a.x && is_finite(a) && is_finite(b) && is_finite(c) &&
            is_finite(d))
            add_between_part(&out, (between_part){a.x, b.x, a.y, b.y, c.y, d.y});
    }
    gch__paint_add_plot_command(paint, command, 0, paint->plot->view.height_px);
    gch__paint_heights_mark(paint);
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

/* Those that have any disc. */
static void mark_tiles(gch__paint *paint, const uint32_t *firsts, uint32_t across)
{
    const gch__plot *plot = paint->plot;
    uint32_t width = plot->view.width_px, height = plot->view.height_px;
    for (uint32_t y = 0; y < height; y += GCH__GPU_TILE_PX) {
        for (uint32_t x = 0; x < width; x += GCH__GPU_TILE_PX) {
            uint32_t tile = y / GCH__GPU_TILE_PX * across + x / GCH__GPU_TILE_PX;
            if (firsts[tile] < firsts[tile + 1])
                gch__paint_add_marked(paint, plot->x_px + x, plot->y_px + y,
                                      plot->x_px + GCH_MIN(x + GCH__GPU_TILE_PX, width),
                                      plot->y_px + GCH_MIN(y + GCH__GPU_TILE_PX, height));
        }
    }
}

/* What gch__mask_discs draws; each tile of the plot has a list of its discs, in their order. */
static void add_discs(gch__paint *paint, const gch__band_pass *pass)
{
    const gch_view *view = &paint->plot->view;
    double reach = pass->width * 0.5 + 0.5;
    uint32_t across = gch__paint_tiles_of(view->width_px),
             tiles = across * gch__paint_tiles_of(view->height_px);
    gch__gpu_command command = gch__paint_command_of(GCH__GPU_PAINT_DISCS, pass->row_colors[0]);
    uint32_t *firsts = gch__paint_add_words(paint, (size_t)tiles + 1, &command.a);
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
    float *centres = (float *)gch__paint_add_words(
        paint, (size_t)GCH_MIN(total, UINT32_MAX / 2) * 2, &command.b);
    if (centres == NULL)
        return;
    firsts = (uint32_t *)paint->data.entries + command.a; /* may have moved */
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
    mark_tiles(paint, firsts, across);
    command.c = gch__paint_bits_of((float)reach);
    command.d = gch__paint_bits_of(pass->opacity);
    command.e = across;
    gch__paint_add_plot_command(paint, command, 0, view->height_px);
}

static void take_pass(void *context, const gch__band_pass *pass)
{
    gch__paint *paint = context;
    if (paint->status != GCH_OK)
        return;
    switch (pass->kind) {
    case GCH__BAND_STROKE:
        add_stroke(paint, pass);
        break;
    case GCH__BAND_DISCS:
        add_discs(paint, pass);
        break;
    case GCH__BAND_BETWEEN:
        add_between(paint, pass);
        break;
    case GCH__BAND_AREA:
        add_area(paint, pass, paint->plot->baseline_y);
        break;
    }
}

static void take_box(void *context, int64_t x0, int64_t y0, int64_t x1, int64_t y1, uint32_t rgba)
{
    gch__paint *paint = context;
    const gch__plot *plot = paint->plot;
    x0 = GCH_MAX(x0, 0);
    y0 = GCH_MAX(y0, 0);
    x1 = GCH_MIN(x1, (int64_t)plot->view.width_px);
    y1 = GCH_MIN(y1, (int64_t)plot->view.height_px);
    gch__paint_add_command(paint, gch__paint_command_of(GCH__GPU_PAINT_FILL, rgba),
                           (double)(x0 + plot->x_px), (double)(y0 + plot->y_px),
                           (double)(x1 + plot->x_px), (double)(y1 + plot->y_px));
}

/* Density `index` of the frame: it is counted by the executor. */
static void add_grid(gch__paint *paint, const gch__plot_series *series, uint32_t index)
{
    const gch__paint_hooks *hooks = paint->hooks;
    if (hooks == NULL) {
        paint->status = gch_fail(&paint->failure, GCH_LIMIT, "densities are no shapes");
        return;
    }
    gch__gpu_command command = {.kind = GCH__GPU_PAINT_GRID,
                                .a = hooks->grid(hooks->context, paint->plot->panel, index),
                                .b = series->density_scale,
                                .d = paint->plot->view.height_px,
                                .e = paint->plot->view.width_px};
    uint32_t *colors = gch__paint_add_words(paint, 256, &command.c);
    if (colors == NULL)
        return;
    for (uint32_t i = 0; i < 256; i++)
        colors[i] = gch__pixel_from_rgba(
            gch__palette_color(series->palette, series->is_palette_reversed, i));
    gch__paint_add_plot_command(paint, command, 0, paint->plot->view.height_px);
}

/* Points of a plane that are many: the series at hand has a grid. */
static void take_counts(void *context)
{
    gch__paint *paint = context;
    paint->has_counts[paint->series] = true;
    add_grid(paint, paint->its, paint->grid);
}

gch_status gch__paint_add_marks(gch__paint *paint, const gch__scene *scene,
                                gch_query *const *queries, int64_t *out_query_ns, gch_error *err)
{
    const gch__mark_painter sink = {
        .context = paint, .pass = take_pass, .box = take_box, .counts = take_counts};
    uint32_t grids[GCH_PANEL_CAP] = {0};
    paint->raster->query_ns = 0;
    for (uint32_t i = 0; i < scene->series_count; i++) {
        const gch__plot *plot = &scene->plots[scene->series[i].plot];
        paint->plot = plot;
        paint->series = i;
        paint->its = &scene->series[i];
        paint->grid = grids[plot->panel];
        paint->has_counts[i] = false;
        bool is_density = paint->its->mark == GCH_MARK_DENSITY;
        grids[plot->panel] += is_density || paint->its->mark == GCH_MARK_POINTS ? 1 : 0;
        if (is_density) {
            add_grid(paint, paint->its, paint->grid);
            GCH_TRY(gch__paint_tell(paint, err));
            continue;
        }
        gch_plane plane =
            scene->is_plane ? gch__plane_of(scene, i) : (gch_plane){.view = plot->plane};
        gch__mark_job job = {
            .raster = paint->raster,
            .plot = {.width_px = plot->view.width_px, .height_px = plot->view.height_px},
            .view = &plot->view,
            .plane = &plane,
            .series = paint->its,
            .zone = scene->zone,
            .query = queries[i],
            .baseline_y = plot->baseline_y,
            .scale = scene->scale,
            .painter = &sink};
        bool is_added = false;
        if (job.series->study.kind != GCH_STUDY_NONE && paint->hooks != NULL)
            GCH_TRY(paint->hooks->study(paint->hooks->context, &job, &is_added, err));
        if (!is_added)
            GCH_TRY(gch__mark_draw(&job, err));
        GCH_TRY(gch__paint_tell(paint, err));
    }
    *out_query_ns = paint->raster->query_ns;
    return GCH_OK;
}
