/* Anti-aliased strokes and discs by distance, column by column.
 *
 * A stroke is the union of one body a segment (the pixels whose nearest point of the infinite line
 * lies within the segment) and one disc a vertex. Within a pixel column the distance to a line is
 * linear in y, so a body costs one multiply-add a pixel and no square root, and a vertical body is
 * a constant; only the few pixels of a disc take a root.
 *
 * Invariants:
 *  1. A mask byte only grows: coverage is the maximum over all parts, so overlaps, joins and the
 *     order of drawing do not show (discs with an opacity below 1 are the exception).
 *  2. Only bytes of the mask's columns and rows are written; a segment is cut to the band widened
 *     by more than the stroke's reach before any conversion to integers.
 */
#include "raster_stroke.h"

#include <math.h>

/* Directions closer to an axis than this are taken as on it: less than 1e-4 px over a plot. */
#define AXIS_EPSILON 1e-9

size_t gch__path_first(const gch_point *points, size_t count, float x)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (points[middle].x < x - GCH__PATH_SLACK_PX)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? low - 1 : 0;
}

static void raise_constant(uint8_t *bytes, uint32_t count, uint8_t cover)
{
    for (uint32_t i = 0; i < count; i++)
        bytes[i] = GCH_MAX(bytes[i], cover);
}

/* bytes[i] becomes at least clamp(reach - |distance + i * step|, 0, 1). */
static void raise_linear(uint8_t *restrict bytes, uint32_t count, float distance, float step,
                         float reach)
{
    for (uint32_t i = 0; i < count; i++) {
        float cover = (reach - fabsf(distance + (float)(int32_t)i * step)) * 255.0f + 0.5f;
        cover = cover < 0.0f ? 0.0f : cover;
        cover = cover > 255.0f ? 255.0f : cover;
        uint8_t byte = (uint8_t)(int32_t)cover;
        bytes[i] = bytes[i] > byte ? bytes[i] : byte;
    }
}

static uint8_t cover_byte(double cover)
{
    return (uint8_t)(GCH_MIN(GCH_MAX(cover, 0.0), 1.0) * 255.0 + 0.5);
}

/* Whole numbers [first, last] of pixels with centres in [low, high], within [0, count). Returns
 * false if there are none. */
static bool centres_within(double low, double high, double origin, uint32_t count, uint32_t *first,
                           uint32_t *last)
{
    double a = ceil(low - origin - 0.5), b = floor(high - origin - 0.5);
    a = a < 0 ? 0 : a;
    b = b > (double)count - 1 ? (double)count - 1 : b;
    if (!(a <= b))
        return false;
    *first = (uint32_t)a;
    *last = (uint32_t)b;
    return true;
}

/* bytes[i] becomes at least clamp(reach - |(sqrt(square), dy + i)|, 0, 1). */
static void raise_disc(uint8_t *restrict bytes, uint32_t count, float square, float dy, float reach)
{
    for (uint32_t i = 0; i < count; i++) {
        float y = dy + (float)(int32_t)i;
        float cover = (reach - sqrtf(square + y * y)) * 255.0f + 0.5f;
        cover = cover < 0.0f ? 0.0f : cover;
        cover = cover > 255.0f ? 255.0f : cover;
        uint8_t byte = (uint8_t)(int32_t)cover;
        bytes[i] = bytes[i] > byte ? bytes[i] : byte;
    }
}

/* The same, but what is there already shows through: 1 - (1 - old) * (1 - opacity * cover). */
static void add_disc(uint8_t *bytes, uint32_t count, float square, float dy, float reach,
                     float opacity)
{
    for (uint32_t i = 0; i < count; i++) {
        float y = dy + (float)i, cover = reach - sqrtf(square + y * y);
        float clamped = GCH_MIN(GCH_MAX(cover, 0.0f), 1.0f);
        uint32_t byte = (uint32_t)(clamped * opacity * 255.0f + 0.5f);
        bytes[i] = (uint8_t)(bytes[i] + gch__mul_255(255u - bytes[i], byte));
    }
}

static void draw_disc(gch__mask *mask, double x, double y, double reach, float opacity)
{
    uint32_t first, last, first_row, last_row;
    if (!centres_within(x - reach, x + reach, mask->x0, mask->columns, &first, &last) ||
        !centres_within(y - reach, y + reach, 0, mask->rows, &first_row, &last_row))
        return;
    gch__mask_touch(mask, first_row, last_row + 1);
    uint32_t count = last_row - first_row + 1;
    float dx = (float)((double)mask->x0 + first + 0.5 - x), dy = (float)(first_row + 0.5 - y);
    uint8_t *bytes = mask->bytes + first * mask->stride + first_row;
    for (uint32_t column = first; column <= last; column++, dx += 1, bytes += mask->stride) {
        if (opacity < 1.0f)
            add_disc(bytes, count, dx * dx, dy, (float)reach, opacity);
        else
            raise_disc(bytes, count, dx * dx, dy, (float)reach);
    }
}

/* Cuts one axis of a segment to [low, high] (Liang, Barsky: "A new concept and method for line
 * clipping", 1984). */
static bool clip_axis(double start, double delta, double low, double high, double *from, double *to)
{
    if (delta == 0)
        return start >= low && start <= high;
    double a = (low - start) / delta, b = (high - start) / delta;
    *from = GCH_MAX(*from, GCH_MIN(a, b));
    *to = GCH_MIN(*to, GCH_MAX(a, b));
    return *from <= *to;
}

bool gch__stretch_clip(gch__stretch *s, double left, double top, double right, double bottom)
{
    double dx = s->x1 - s->x0, dy = s->y1 - s->y0, from = 0, to = 1;
    if (!clip_axis(s->x0, dx, left, right, &from, &to) ||
        !clip_axis(s->y0, dy, top, bottom, &from, &to))
        return false;
    double x0 = s->x0, y0 = s->y0;
    if (from > 0) {
        s->x0 = x0 + from * dx;
        s->y0 = y0 + from * dy;
    }
    if (to < 1) {
        s->x1 = x0 + to * dx;
        s->y1 = y0 + to * dy;
    }
    return true;
}

static void draw_body(gch__mask *mask, gch__stretch s, double reach)
{
    double margin = reach + 2;
    /* Beyond the margin no pixel of the band is within reach of the cut. */
    if (!gch__stretch_clip(&s, mask->x0 - margin, -margin,
                           (double)mask->x0 + mask->columns + margin, mask->rows + margin))
        return;
    double dx = s.x1 - s.x0, dy = s.y1 - s.y0, length = sqrt(dx * dx + dy * dy);
    if (length == 0)
        return;
    double ux = dx / length, uy = dy / length;
    ux = fabs(ux) < AXIS_EPSILON ? 0 : ux;
    uy = fabs(uy) < AXIS_EPSILON ? 0 : uy;
    double side = reach * fabs(uy);
    uint32_t column, last_column;
    if (!centres_within(GCH_MIN(s.x0, s.x1) - side, GCH_MAX(s.x0, s.x1) + side, mask->x0,
                        mask->columns, &column, &last_column))
        return;
    for (; column <= last_column; column++) {
        double px = (double)mask->x0 + column + 0.5 - s.x0; /* from the segment's start */
        double low = -1e9, high = 1e9;                      /* rows from the segment's start */
        if (uy != 0) {
            double a = -px * ux / uy, b = (length - px * ux) / uy;
            low = GCH_MIN(a, b);
            high = GCH_MAX(a, b);
        } else if (px * ux < 0 || px * ux > length) {
            continue;
        }
        if (ux != 0) {
            double middle = px * uy / ux, half = reach / fabs(ux);
            low = GCH_MAX(low, middle - half);
            high = GCH_MIN(high, middle + half);
        } else if (fabs(px) >= reach) {
            continue;
        }
        uint32_t row, last_row;
        if (!centres_within(s.y0 + low, s.y0 + high, 0, mask->rows, &row, &last_row))
            continue;
        uint8_t *bytes = mask->bytes + column * mask->stride + row;
        uint32_t count = last_row - row + 1;
        gch__mask_touch(mask, row, last_row + 1);
        double distance = (row + 0.5 - s.y0) * ux - px * uy;
        if (ux == 0)
            raise_constant(bytes, count, cover_byte(reach - fabs(distance)));
        else
            raise_linear(bytes, count, (float)distance, (float)ux, (float)reach);
    }
}

static bool is_finite(gch_point p)
{
    return isfinite(p.x) && isfinite(p.y);
}

void gch__mask_stroke(gch__mask *mask, const gch_point *points, size_t count, float width)
{
    double reach = width * 0.5 + 0.5, dot_reach = GCH_MAX(width, 2.0f) * 0.5 + 0.5;
    float left = (float)(mask->x0 - dot_reach);
    float right = (float)(mask->x0 + mask->columns + dot_reach) + GCH__PATH_SLACK_PX;
    for (size_t i = gch__path_first(points, count, left); i < count; i++) {
        gch_point p = points[i];
        bool is_joined = i > 0 && !p.starts_run && is_finite(points[i - 1]);
        bool goes_on = i + 1 < count && !points[i + 1].starts_run && is_finite(points[i + 1]);
        if (is_finite(p)) {
            if (is_joined)
                draw_body(mask, (gch__stretch){points[i - 1].x, points[i - 1].y, p.x, p.y}, reach);
            draw_disc(mask, p.x, p.y, is_joined || goes_on ? reach : dot_reach, 1.0f);
        }
        if (p.x > right)
            break;
    }
}

void gch__mask_discs(gch__mask *mask, const gch_point *points, size_t count, float diameter,
                     float opacity)
{
    double reach = diameter * 0.5 + 0.5;
    float left = (float)(mask->x0 - reach), right = (float)(mask->x0 + mask->columns + reach);
    for (size_t i = gch__path_first(points, count, left); i < count; i++) {
        if (points[i].x > right)
            break;
        if (is_finite(points[i]))
            draw_disc(mask, points[i].x, points[i].y, reach, opacity);
    }
}
