/* From columns to paths: what a stroke follows when the points are too many to be drawn one by one.
 * Pieces of an outline (query_edges.h), whose extents somebody else has and draws, are left out;
 * the edge of an area does not need extents where a line passes.
 *
 * A piece knows where its run crosses the column's edges and how far it reaches between them. The
 * path goes from crossing to crossing and visits the extremes that lie beyond them on the way; a
 * run that begins or ends within the column does so at the column's middle.
 *
 * Invariants:
 *  1. x never decreases within a run, and between runs by at most half a column.
 *  2. Every piece's extent [y_top, y_bottom] is reached, and nothing beyond it.
 */
#include "query_edges.h"
#include "raster_stroke.h"

#include <math.h>

/* Up to this height a column between two crossings is drawn as a slanted zigzag, which keeps the
 * direction of a smooth but noisy line; above, as one upright stroke, which is all that can be seen
 * and costs a constant a pixel. */
#define ZIGZAG_PX 8.0f

typedef struct path {
    gch_point *points;
    size_t count;
} path;

/* Begins a run, or goes on with the one that ended at this very point. */
static void path_begin(path *p, float x, float y)
{
    if (p->count > 0 && p->points[p->count - 1].x == x && p->points[p->count - 1].y == y)
        return;
    p->points[p->count++] = (gch_point){.x = x, .y = y, .starts_run = true};
}

static void path_to(path *p, float x, float y)
{
    p->points[p->count++] = (gch_point){.x = x, .y = y};
}

/* A run that crosses neither edge: a dot or an upright stroke. */
static void path_inner(path *p, float middle, const gch_piece *piece)
{
    path_begin(p, middle, piece->y_top);
    if (piece->y_bottom > piece->y_top)
        path_to(p, middle, piece->y_bottom);
}

static void path_across(path *p, float x, const gch_piece *piece)
{
    float left = piece->y_left, right = piece->y_right;
    float top = piece->y_top, bottom = piece->y_bottom;
    bool rises = top<GCH_MIN(left, right), sinks = bottom> GCH_MAX(left, right);
    if (rises && sinks && bottom - top > ZIGZAG_PX) {
        path_inner(p, x + 0.5f, piece); /* contains both crossings: nothing else would show */
        return;
    }
    path_begin(p, x, left);
    if (rises && sinks) {
        path_to(p, x + 0.25f, left <= right ? top : bottom);
        path_to(p, x + 0.75f, left <= right ? bottom : top);
    } else if (rises || sinks) {
        path_to(p, x + 0.5f, rises ? top : bottom);
    }
    path_to(p, x + 1, right);
}

/* One crossing at (edge, y); the rest of the run lies in the column's middle. */
static void path_half(path *p, float edge, float middle, float y, const gch_piece *piece)
{
    bool top_is_near = y - piece->y_top <= piece->y_bottom - y;
    float near_y = top_is_near ? piece->y_top : piece->y_bottom;
    float far_y = top_is_near ? piece->y_bottom : piece->y_top;
    if (edge < middle) {
        path_begin(p, edge, y);
        path_to(p, middle, near_y);
        path_to(p, middle, far_y);
    } else {
        path_begin(p, middle, far_y);
        path_to(p, middle, near_y);
        path_to(p, edge, y);
    }
}

size_t gch__path_line(const gch_columns *columns, gch_point *out)
{
    path p = {.points = out};
    for (uint32_t c = 0; c < columns->width_px; c++) {
        float x = (float)c, middle = x + 0.5f;
        for (uint32_t i = columns->first[c]; i < columns->first[c + 1]; i++) {
            const gch_piece *piece = &columns->pieces[i];
            bool enters = !isnan(piece->y_left), leaves = !isnan(piece->y_right);
            if (gch__piece_is_outline(piece))
                continue;
            if (enters && leaves)
                path_across(&p, x, piece);
            else if (enters)
                path_half(&p, x, middle, piece->y_left, piece);
            else if (leaves)
                path_half(&p, x + 1, middle, piece->y_right, piece);
            else
                path_inner(&p, middle, piece);
        }
    }
    return p.count;
}

size_t gch__path_step(const gch_columns *columns, gch_point *out)
{
    path p = {.points = out};
    for (uint32_t c = 0; c < columns->width_px; c++) {
        float x = (float)c, middle = x + 0.5f;
        for (uint32_t i = columns->first[c]; i < columns->first[c + 1]; i++) {
            const gch_piece *piece = &columns->pieces[i];
            bool enters = !isnan(piece->y_left), leaves = !isnan(piece->y_right);
            if (gch__piece_is_outline(piece))
                continue;
            if (enters) {
                path_begin(&p, x, piece->y_left);
                if (leaves && piece->y_top == piece->y_bottom) {
                    path_to(&p, x + 1, piece->y_right);
                    continue;
                }
                path_to(&p, middle, piece->y_left);
                path_to(&p, middle, piece->y_top);
                path_to(&p, middle, piece->y_bottom);
            } else {
                path_inner(&p, middle, piece);
            }
            if (leaves) {
                path_to(&p, middle, piece->y_right);
                path_to(&p, x + 1, piece->y_right);
            }
        }
    }
    return p.count;
}

size_t gch__path_edge(const gch_columns *columns, gch_point *out)
{
    path p = {.points = out};
    for (uint32_t c = 0; c < columns->width_px; c++) {
        float x = (float)c, middle = x + 0.5f;
        for (uint32_t i = columns->first[c]; i < columns->first[c + 1]; i++) {
            const gch_piece *piece = &columns->pieces[i];
            float centre = (piece->y_top + piece->y_bottom) * 0.5f;
            bool enters = !isnan(piece->y_left), leaves = !isnan(piece->y_right);
            if (!enters && !leaves)
                continue; /* no width to fill */
            path_begin(&p, enters ? x : middle, enters ? piece->y_left : centre);
            path_to(&p, leaves ? x + 1 : middle, leaves ? piece->y_right : centre);
        }
    }
    return p.count;
}

size_t gch__path_lit(const gch_columns *columns, gch_point *out)
{
    path p = {.points = out};
    for (uint32_t c = 0; c < columns->width_px; c++) {
        float middle = (float)c + 0.5f;
        for (uint32_t i = columns->first[c]; i < columns->first[c + 1]; i++) {
            const gch_piece *piece = &columns->pieces[i];
            bool is_outside = piece->row_top > piece->row_bottom;
            float top = is_outside ? piece->y_top : (float)piece->row_top + 0.5f;
            float bottom = is_outside ? piece->y_bottom : (float)piece->row_bottom + 0.5f;
            p.points[p.count++] = (gch_point){.x = middle, .y = top, .starts_run = true};
            if (bottom > top)
                path_to(&p, middle, bottom);
        }
    }
    return p.count;
}

size_t gch__path_stairs(const gch_point *points, size_t count, gch_point *out)
{
    path p = {.points = out};
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || points[i].starts_run) {
            p.points[p.count++] = points[i];
            continue;
        }
        path_to(&p, points[i].x, points[i - 1].y);
        path_to(&p, points[i].x, points[i].y);
    }
    return p.count;
}

/* The places of the least and the largest y of points[first, end). */
static void find_extremes(const gch_point *points, size_t first, size_t end, size_t out[2])
{
    out[0] = out[1] = first;
    for (size_t i = first; i < end; i++) {
        out[0] = points[i].y < points[out[0]].y ? i : out[0];
        out[1] = points[i].y > points[out[1]].y ? i : out[1];
    }
}

size_t gch__path_thin(gch_point *points, gch_point *others, size_t count)
{
    size_t used = 0;
    for (size_t i = 0, end; i < count; i = end) {
        float column = floorf(points[i].x);
        for (end = i + 1; end < count && !points[end].starts_run; end++)
            if (floorf(points[end].x) != column)
                break;
        size_t kept[GCH__PATH_THIN_POINTS] = {i, end - 1};
        find_extremes(points, i, end, kept + 2);
        find_extremes(others != NULL ? others : points, i, end, kept + 4);
        for (size_t next = i; next < end;) { /* in order, each once */
            size_t after = end;
            points[used] = points[next];
            if (others != NULL)
                others[used] = others[next];
            used++;
            for (size_t k = 0; k < GCH_COUNT_OF(kept); k++)
                after = kept[k] > next ? GCH_MIN(after, kept[k]) : after;
            next = after;
        }
    }
    return used;
}
