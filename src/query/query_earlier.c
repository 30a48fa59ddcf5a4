/* Earlier columns and ranges that stand in for pending ones: see query_earlier.h.
 *
 * A column of this view takes the hull of the earlier columns that it overlaps. Values go from one
 * view to the other by a line, on a log axis that of the logarithms. All of this is for the eye:
 * such columns stay counted as pending.
 *
 * The range of a view that is panned, while its own is not known, is what it was, widened by what
 * is drawn meanwhile: by earlier columns, by what the tree says of the view, by answers to
 * questions before. So nothing that is drawn is cut off, and axes do not go to and fro. When
 * nothing of the view that the range was fitted to is in view any more, it is fitted anew by what
 * is known then.
 */
#include "query_earlier.h"

#include "query_values.h"

#include <math.h>
#include <string.h>

#define PURPOSE "columns"
/* Of a column: views that are moved by whole columns have the same ones. */
#define EDGE_SLACK 1e-6
/* Of a pixel: what is within it of a range's end is rounding, and no reason to move an axis. */
#define Y_SLACK (1.0 / 16)

/* From positions in this view to those in the earlier one, and back for y. */
typedef struct mapping {
    double x_scale, x_offset; /* earlier x = x * scale + offset, in columns */
    double y_scale, y_offset; /* y = earlier y * scale + offset */
    bool keeps_rows;
} mapping;

static bool overlaps(int64_t a0, int64_t a1, int64_t b0, int64_t b1)
{
    return a0 < b1 && b0 < a1;
}

static struct gch__earlier *find(gch_query *query, uint32_t column, gch_join join)
{
    for (uint32_t i = 0; i < GCH__EARLIER_COUNT; i++) {
        struct gch__earlier *e = &query->earlier[i];
        if (e->view.width_px > 0 && e->column == column && e->join == join)
            return e;
    }
    return NULL;
}

gch_status gch__earlier_keep(gch_query *query, uint32_t column, const gch_view *view, gch_join join,
                             const gch_columns *columns, gch_error *err)
{
    struct gch__earlier *e = find(query, column, join);
    if (e == NULL) {
        query->earlier_next = (query->earlier_next + 1) % GCH__EARLIER_COUNT;
        e = &query->earlier[query->earlier_next];
    }
    uint32_t width = columns->width_px, count = columns->first[width];
    void *first = e->first, *pieces = e->pieces;
    e->view.width_px = 0;
    gch_status status = gch__ensure(query->allocator, &first, &e->first_cap, (size_t)width + 1,
                                    sizeof *e->first, PURPOSE, err);
    e->first = first;
    if (status == GCH_OK && count > 0)
        status = gch__ensure(query->allocator, &pieces, &e->piece_cap, count, sizeof *e->pieces,
                             PURPOSE, err);
    e->pieces = pieces;
    GCH_TRY(status);
    memcpy(e->first, columns->first, ((size_t)width + 1) * sizeof *e->first);
    if (count > 0)
        memcpy(e->pieces, columns->pieces, count * sizeof *e->pieces);
    e->view = *view;
    e->column = column;
    e->join = join;
    return GCH_OK;
}

/* ---- from view to view ---- */

static double on_axis(const gch_view *view, gch_decimal bound)
{
    double value = gch_decimal_to_double(bound);
    return view->axis == GCH_AXIS_LOG ? log10(value) : value;
}

static mapping map_views(const gch_view *view, const gch_view *earlier)
{
    double per_column = (double)((__int128)view->t1 - view->t0) / view->width_px;
    double per_earlier = (double)((__int128)earlier->t1 - earlier->t0) / earlier->width_px;
    double top = on_axis(view, view->top), earlier_top = on_axis(earlier, earlier->top);
    double per_px = (top - on_axis(view, view->bottom)) / view->height_px;
    double per_earlier_px = (earlier_top - on_axis(earlier, earlier->bottom)) / earlier->height_px;
    mapping m = {.x_scale = per_column / per_earlier,
                 .x_offset = (double)((__int128)view->t0 - earlier->t0) / per_earlier,
                 .y_scale = per_earlier_px / per_px,
                 .y_offset = (top - earlier_top) / per_px};
    m.keeps_rows = view->height_px == earlier->height_px && m.y_scale == 1 && m.y_offset == 0;
    return m;
}

static float map_y(const mapping *m, float y)
{
    return gch__clamp_y((double)y * m->y_scale + m->y_offset);
}

static gch_piece map_piece(const mapping *m, gch_piece piece, uint32_t height_px)
{
    if (m->keeps_rows)
        return piece;
    gch_piece out = {.y_top = map_y(m, piece.y_top),
                     .y_bottom = map_y(m, piece.y_bottom),
                     .y_left = isnan(piece.y_left) ? NAN : map_y(m, piece.y_left),
                     .y_right = isnan(piece.y_right) ? NAN : map_y(m, piece.y_right)};
    out.row_top = (int32_t)floorf(fmaxf(out.y_top, 0));
    out.row_bottom = (int32_t)floorf(fminf(out.y_bottom, (float)height_px - 1));
    return out;
}

static gch_piece hull_of(const gch_piece *pieces, uint32_t count)
{
    gch_piece hull = pieces[0];
    for (uint32_t i = 1; i < count; i++) {
        hull.row_top = GCH_MIN(hull.row_top, pieces[i].row_top);
        hull.row_bottom = GCH_MAX(hull.row_bottom, pieces[i].row_bottom);
        hull.y_top = fminf(hull.y_top, pieces[i].y_top);
        hull.y_bottom = fmaxf(hull.y_bottom, pieces[i].y_bottom);
    }
    hull.y_right = pieces[count - 1].y_right;
    return hull;
}

/* ---- filling ---- */

typedef struct filling {
    gch_query *query;
    const struct gch__earlier *from;
    mapping map;
    uint32_t width_px, height_px;
    uint32_t count; /* pieces so far */
} filling;

static gch_status add(filling *f, gch_piece piece, gch_error *err)
{
    gch_query *query = f->query;
    if (piece.row_top > piece.row_bottom && !query->keep_outside)
        return GCH_OK;
    void *pieces = query->filled_pieces;
    gch_status status =
        gch__ensure(query->allocator, &pieces, &query->filled_piece_cap, (size_t)f->count + 1,
                    sizeof *query->filled_pieces, PURPOSE, err);
    query->filled_pieces = pieces;
    GCH_TRY(status);
    query->filled_pieces[f->count++] = piece;
    return GCH_OK;
}

/* The earlier columns [*out_first, *out_end) that column c lies over; none: equal. */
static void find_overlapped(const filling *f, uint32_t c, uint32_t *out_first, uint32_t *out_end)
{
    double width = (double)f->from->view.width_px;
    double left = c * f->map.x_scale + f->map.x_offset, right = left + f->map.x_scale;
    double first = floor(fmax(left, 0) + EDGE_SLACK), end = ceil(fmin(right, width) - EDGE_SLACK);
    *out_first = *out_end = 0;
    if (!(right > EDGE_SLACK && left < width - EDGE_SLACK && first < width && end > 0))
        return;
    *out_first = (uint32_t)first;
    *out_end = GCH_MAX((uint32_t)end, *out_first + 1);
    if (f->from->join == GCH_JOIN_NONE) { /* a hull would fill what lies between points */
        *out_first = *out_first + (*out_end - *out_first) / 2;
        *out_end = *out_first + 1;
    }
}

/* Whether earlier pieces say more than those that the tree has given: for rows that are guessed
 * unless both agree. */
static bool says_more(const gch_piece *earlier, const gch_piece *pieces, uint32_t count,
                      bool is_blind)
{
    if (count == 0)
        return true;
    gch_piece hull = hull_of(pieces, count);
    if (is_blind)
        return hull.y_top < earlier->y_top - 1 || hull.y_bottom > earlier->y_bottom + 1;
    return earlier->y_bottom - earlier->y_top < hull.y_bottom - hull.y_top;
}

static gch_status fill_column(filling *f, uint32_t c, const gch_columns *columns, gch_error *err)
{
    const struct gch__earlier *from = f->from;
    const gch_piece *own = columns->pieces + columns->first[c];
    uint32_t own_count = columns->first[c + 1] - columns->first[c];
    const gch__column_task *task = &f->query->tasks[c / GCH__TASK_COLUMNS];
    uint32_t bit = 1u << (c % GCH__TASK_COLUMNS), first, end;
    find_overlapped(f, c, &first, &end);
    uint32_t count = from->first[end] - from->first[first];
    if ((task->pending & bit) != 0 && count > 0) {
        const gch_piece *pieces = from->pieces + from->first[first];
        gch_piece hull = map_piece(&f->map, hull_of(pieces, count), f->height_px);
        if (says_more(&hull, own, own_count, (task->blind & bit) != 0)) {
            if (end - first > 1)
                return add(f, hull, err);
            for (uint32_t i = 0; i < count; i++)
                GCH_TRY(add(f, map_piece(&f->map, pieces[i], f->height_px), err));
            return GCH_OK;
        }
    }
    for (uint32_t i = 0; i < own_count; i++)
        GCH_TRY(add(f, own[i], err));
    return GCH_OK;
}

gch_status gch__earlier_fill(gch_query *query, uint32_t column, const gch_view *view, gch_join join,
                             gch_columns *io, gch_error *err)
{
    filling f = {.query = query,
                 .from = find(query, column, join),
                 .width_px = view->width_px,
                 .height_px = view->height_px};
    if (f.from == NULL || f.from->view.axis != view->axis ||
        !overlaps(view->t0, view->t1, f.from->view.t0, f.from->view.t1))
        return GCH_OK;
    f.map = map_views(view, &f.from->view);
    void *firsts = query->filled_first;
    gch_status status =
        gch__ensure(query->allocator, &firsts, &query->filled_first_cap, (size_t)view->width_px + 1,
                    sizeof *query->filled_first, PURPOSE, err);
    query->filled_first = firsts;
    GCH_TRY(status);
    query->filled_first[0] = 0;
    for (uint32_t c = 0; c < view->width_px; c++) {
        GCH_TRY(fill_column(&f, c, io, err));
        query->filled_first[c + 1] = f.count;
    }
    io->first = query->filled_first;
    io->pieces = query->filled_pieces;
    return GCH_OK;
}

/* ---- ranges ---- */

static struct gch__earlier_range *find_range(gch_query *query, uint32_t column, gch_join join)
{
    for (uint32_t i = 0; i < GCH__EARLIER_COUNT; i++) {
        struct gch__earlier_range *r = &query->earlier_ranges[i];
        if (r->t0 < r->t1 && r->column == column && r->join == join)
            return r;
    }
    return NULL;
}

void gch__earlier_keep_range(gch_query *query, uint32_t column, gch_join join, int64_t t0,
                             int64_t t1, gch_value min, gch_value max)
{
    struct gch__earlier_range *r = find_range(query, column, join);
    if (r == NULL) {
        query->earlier_range_next = (query->earlier_range_next + 1) % GCH__EARLIER_COUNT;
        r = &query->earlier_ranges[query->earlier_range_next];
    }
    *r = (struct gch__earlier_range){.column = column,
                                     .join = join,
                                     .t0 = t0,
                                     .t1 = t1,
                                     .begun0 = t0,
                                     .begun1 = t1,
                                     .min = min,
                                     .max = max};
}

/* But for the rounding of a view that is panned. */
static bool has_length_of(int64_t t0, int64_t t1, const struct gch__earlier_range *r)
{
    uint64_t length = (uint64_t)t1 - (uint64_t)t0, earlier = (uint64_t)r->t1 - (uint64_t)r->t0;
    uint64_t difference = length > earlier ? length - earlier : earlier - length;
    return difference <= GCH_MAX(length / 64, 1);
}

/* The range of the view before if this is that view panned; NULL: it is not. */
static struct gch__earlier_range *find_panned(gch_query *query, uint32_t column, gch_join join,
                                              int64_t t0, int64_t t1)
{
    struct gch__earlier_range *r = find_range(query, column, join);
    bool is_panned = r != NULL && r->min.kind != GCH_VALUE_GAP && overlaps(t0, t1, r->t0, r->t1) &&
                     has_length_of(t0, t1, r);
    return is_panned ? r : NULL;
}

void gch__earlier_take_range(gch_query *query, uint32_t column, gch_join join, int64_t t0,
                             int64_t t1, gch_value min, gch_value max)
{
    struct gch__earlier_range *r = find_panned(query, column, join, t0, t1);
    if (min.kind == GCH_VALUE_GAP)
        return;
    if (r != NULL && overlaps(t0, t1, r->begun0, r->begun1))
        gch__widen_range(&r->min, &r->max, min, max);
    else
        gch__earlier_keep_range(query, column, join, t0, t1, min, max);
}

static gch_value value_at(const gch_view *view, double y)
{
    double top = on_axis(view, view->top), bottom = on_axis(view, view->bottom);
    double value = top - y * ((top - bottom) / view->height_px);
    return (gch_value){.kind = GCH_VALUE_F64,
                       .as.f64 = view->axis == GCH_AXIS_LOG ? pow(10, value) : value};
}

static double y_of(const gch_view *view, gch_value value)
{
    double top = on_axis(view, view->top), number = gch_value_to_double(value);
    double per_px = (top - on_axis(view, view->bottom)) / view->height_px;
    return (top - (view->axis == GCH_AXIS_LOG ? log10(number) : number)) / per_px;
}

/* Widens a range by what earlier columns show of these times. */
static void include_columns(gch_query *query, uint32_t column, gch_join join, int64_t t0,
                            int64_t t1, gch_value *io_min, gch_value *io_max)
{
    const struct gch__earlier *e = find(query, column, join);
    if (e == NULL || !overlaps(t0, t1, e->view.t0, e->view.t1))
        return;
    double width = e->view.width_px,
           per_column = (double)((__int128)e->view.t1 - e->view.t0) / width;
    double left = (double)((__int128)t0 - e->view.t0) / per_column;
    double right = (double)((__int128)t1 - e->view.t0) / per_column;
    uint32_t first = e->first[(uint32_t)fmax(left, 0)];
    uint32_t end = e->first[(uint32_t)ceil(fmin(right, width))];
    float top = INFINITY, bottom = -INFINITY;
    for (; first < end; first++) {
        top = fminf(top, e->pieces[first].y_top);
        bottom = fmaxf(bottom, e->pieces[first].y_bottom);
    }
    gch_value low = value_at(&e->view, bottom), high = value_at(&e->view, top);
    if (!(top <= bottom) || !isfinite(low.as.f64) || !isfinite(high.as.f64))
        return;
    if (io_min->kind != GCH_VALUE_GAP && !(bottom > y_of(&e->view, *io_min) + Y_SLACK))
        low = *io_min;
    if (io_max->kind != GCH_VALUE_GAP && !(top < y_of(&e->view, *io_max) - Y_SLACK))
        high = *io_max;
    gch__widen_range(io_min, io_max, low, high);
}

void gch__earlier_give_range(gch_query *query, uint32_t column, gch_join join, int64_t t0,
                             int64_t t1, bool is_near, gch_value *io_min, gch_value *io_max)
{
    struct gch__earlier_range *r = find_panned(query, column, join, t0, t1);
    if (r != NULL && is_near && !overlaps(t0, t1, r->begun0, r->begun1))
        r = NULL;
    if (r != NULL) {
        gch_value min = r->min, max = r->max;
        if (is_near)
            gch__widen_range(&min, &max, *io_min, *io_max);
        *io_min = min;
        *io_max = max;
    }
    include_columns(query, column, join, t0, t1, io_min, io_max);
    if (r == NULL) {
        gch__earlier_keep_range(query, column, join, t0, t1, *io_min, *io_max);
        return;
    }
    r->t0 = t0;
    r->t1 = t1;
    r->min = *io_min;
    r->max = *io_max;
}

void gch__earlier_reset(gch_query *query)
{
    for (uint32_t i = 0; i < GCH__EARLIER_COUNT; i++) {
        gch__free(query->allocator, query->earlier[i].first, PURPOSE);
        gch__free(query->allocator, query->earlier[i].pieces, PURPOSE);
    }
    gch__free(query->allocator, query->filled_first, PURPOSE);
    gch__free(query->allocator, query->filled_pieces, PURPOSE);
}
