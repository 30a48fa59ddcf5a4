/* Dashed strokes: see raster_dash.h.
 *
 * The pattern is fixed to the plane, not to the path: where on the path a dash begins depends on
 * nothing to the left of it, so that a path may be cut anywhere, known by its points or by its
 * columns, and a pan shows the same dashes.
 *
 * Invariants:
 *  1. Round ends are part of a dash: the pattern's dashes are shorter by a stroke's width, and one
 *     that would have no length is a dot at its middle.
 *  2. A dash that goes on over a vertex is two runs that share it; their caps make the join.
 */
#include "raster_dash.h"
#include "raster_stroke.h"

#include <math.h>

#define GRAIN 64 /* of a px */

/* t0 * W / D in 1/GRAIN px, modulo the period. */
static double phase_of_time(const gch_view *view, int64_t period)
{
    __int128 duration = (__int128)view->t1 - view->t0;
    __int128 at = (__int128)view->t0 * view->width_px, whole = at / duration;
    __int128 rest = at - whole * duration; /* |rest| < duration */
    double within = (double)(int64_t)(whole % period * GRAIN % period);
    return within + (double)rest * GRAIN / (double)duration;
}

/* The y of value 0, of 1 on a log axis, px from the plot's top. */
static double origin_y(const gch_view *view)
{
    double bottom = gch_decimal_to_double(view->bottom), top = gch_decimal_to_double(view->top);
    if (view->axis == GCH_AXIS_LOG) {
        bottom = log(bottom);
        top = log(top);
    }
    double y = view->height_px * (top / (top - bottom));
    return isfinite(y) ? y : 0;
}

gch__dash gch__dash_make(const gch__plot_series *series, const gch_view *view)
{
    gch__dash out = {.width_px = view->width_px,
                     .height_px = view->height_px,
                     .margin = series->width * 0.5 + 2};
    int64_t period = 0;
    for (uint32_t i = 0; i + 1 < series->dash_count; i += 2) {
        int64_t length = (int64_t)lroundf(series->dash[i] * GRAIN);
        int64_t gap = (int64_t)lroundf(series->dash[i + 1] * GRAIN);
        double from = (double)period / GRAIN, to = (double)(period + length) / GRAIN;
        double inset = fmin(series->width * 0.5, (to - from) * 0.5);
        out.dashes[out.dash_count].from = from + inset;
        out.dashes[out.dash_count++].to = to - inset;
        period += length + gap;
    }
    period = GCH_MAX(period, 1);
    out.period = (double)period / GRAIN;
    out.x_phase = phase_of_time(view, period) / GRAIN;
    out.y_phase = fmod(origin_y(view), out.period);
    return out;
}

typedef struct dash_path {
    gch_point *points;
    size_t count, cap;
} dash_path;

static void add_run(dash_path *out, double x0, double y0, double x1, double y1)
{
    if (out->count + 2 <= out->cap) {
        out->points[out->count] = (gch_point){.x = (float)x0, .y = (float)y0, .starts_run = true};
        out->points[out->count + 1] = (gch_point){.x = (float)x1, .y = (float)y1};
    }
    out->count += 2;
}

/* The part of a stretch between two measures of its way from `start` to `end`. */
static void add_part(dash_path *out, const gch__stretch *s, double start, double end, double from,
                     double to)
{
    double a = (from - start) / (end - start), b = (to - start) / (end - start);
    double dx = s->x1 - s->x0, dy = s->y1 - s->y0;
    add_run(out, s->x0 + a * dx, s->y0 + a * dy, s->x0 + b * dx, s->y0 + b * dy);
}

/* Dashes of a stretch measured from `start` to `end`, in the order of its way. */
static void lay_pattern(dash_path *out, const gch__dash *dash, const gch__stretch *s, double start,
                        double end)
{
    double low = fmin(start, end), high = fmax(start, end);
    bool is_downward = end < start;
    int64_t first = (int64_t)floor(low / dash->period), last = (int64_t)floor(high / dash->period);
    int64_t count = (last - first + 1) * dash->dash_count;
    for (int64_t i = 0; i < count; i++) {
        int64_t at = is_downward ? count - 1 - i : i;
        int64_t round = first + at / dash->dash_count;
        double origin = (double)round * dash->period;
        double from = fmax(origin + dash->dashes[at % dash->dash_count].from, low);
        double to = fmin(origin + dash->dashes[at % dash->dash_count].to, high);
        if (from > to)
            continue;
        if (low == high) { /* upright, measured along x: all of it or nothing */
            add_run(out, s->x0, s->y0, s->x1, s->y1);
            return;
        }
        if (is_downward)
            add_part(out, s, start, end, to, from);
        else
            add_part(out, s, start, end, from, to);
    }
}

static bool is_finite(gch_point p)
{
    return isfinite(p.x) && isfinite(p.y);
}

size_t gch__path_dash(const gch_point *points, size_t count, const gch__dash *dash, bool is_sparse,
                      gch_point *out, size_t cap)
{
    dash_path path = {.points = out, .cap = cap};
    for (size_t i = 0; i < count; i++) {
        gch_point p = points[i];
        bool is_joined = i > 0 && !p.starts_run && is_finite(points[i - 1]);
        bool goes_on = i + 1 < count && !points[i + 1].starts_run && is_finite(points[i + 1]);
        if (!is_finite(p) || (!is_joined && goes_on))
            continue;
        if (!is_joined) { /* stands alone */
            if (path.count < cap)
                out[path.count] = (gch_point){.x = p.x, .y = p.y, .starts_run = true};
            path.count++;
            continue;
        }
        gch__stretch s = {points[i - 1].x, points[i - 1].y, p.x, p.y};
        double dx = fabs(s.x1 - s.x0), dy = fabs(s.y1 - s.y0);
        bool is_upright = dy > dx && (is_sparse || dx >= 1) && !dash->is_flat;
        if (!gch__stretch_clip(&s, -dash->margin, -dash->margin, dash->width_px + dash->margin,
                               dash->height_px + dash->margin))
            continue;
        if (is_upright)
            lay_pattern(&path, dash, &s, dash->y_phase - s.y0, dash->y_phase - s.y1);
        else
            lay_pattern(&path, dash, &s, s.x0 + dash->x_phase, s.x1 + dash->x_phase);
    }
    return path.count;
}
