/* Marks of bare pictures: from bars and hulls of the query room to the rows of each column.
 *
 * Invariant: pieces are added column by column. Spans come in the order of their columns and share
 * at most the first column of one with the only column of the one before.
 */
#include "raster_bare_marks.h"

#include "query_spans.h"

#include <string.h>

void gch__bare_room_reset(gch__bare_room *room, const gch_allocator *allocator)
{
    gch__free(allocator, room->pieces, "columns");
    gch__free(allocator, room->first, "columns");
    *room = (gch__bare_room){0};
}

gch_join gch__bare_join(gch_mark mark)
{
    return mark == GCH_MARK_STEP                               ? GCH_JOIN_STEP
           : mark == GCH_MARK_SCATTER || mark == GCH_MARK_BARS ? GCH_JOIN_NONE
                                                               : GCH_JOIN_LINE;
}

bool gch__bare_is_filled(gch_mark mark)
{
    return mark == GCH_MARK_AREA || mark == GCH_MARK_CANDLES || mark == GCH_MARK_OHLC ||
           mark == GCH_MARK_BARS;
}

bool gch__bare_is_by_bars(const gch__plot_series *series)
{
    return gch__bare_is_filled(series->mark) && series->mark != GCH_MARK_AREA &&
           (series->mark != GCH_MARK_BARS || series->bar_width.count > 0);
}

/* The columns of one series under way. */
typedef struct painting {
    gch__bare_room *room;
    const gch_allocator *allocator;
    int32_t height;
    int32_t baseline;
    gch_error *err;
} painting;

static gch_status begin(painting *p, const gch_view *view)
{
    gch__bare_room *room = p->room;
    size_t count = (size_t)view->width_px + 1;
    GCH_TRY(gch__ensure(p->allocator, (void **)&room->first, &room->first_cap, count,
                        sizeof *room->first, "columns", p->err));
    memset(room->first, 0, count * sizeof *room->first);
    room->piece_count = 0;
    return GCH_OK;
}

static gch_status add(painting *p, int32_t column, int32_t row_a, int32_t row_b)
{
    gch__bare_room *room = p->room;
    gch_piece piece = {.row_top = GCH_MAX(GCH_MIN(row_a, row_b), 0),
                       .row_bottom = GCH_MIN(GCH_MAX(row_a, row_b), p->height - 1)};
    if (piece.row_top > piece.row_bottom)
        return GCH_OK;
    GCH_TRY(gch__ensure(p->allocator, (void **)&room->pieces, &room->piece_cap,
                        room->piece_count + 1, sizeof piece, "columns", p->err));
    room->pieces[room->piece_count++] = piece;
    room->first[column + 1]++;
    return GCH_OK;
}

static gch_columns end(painting *p, const gch_view *view)
{
    gch__bare_room *room = p->room;
    for (uint32_t c = 0; c < view->width_px; c++)
        room->first[c + 1] += room->first[c];
    return (gch_columns){.width_px = view->width_px, .first = room->first, .pieces = room->pieces};
}

/* From a hull to the baseline. */
static gch_status add_filled(painting *p, int32_t column, const gch__hull *hull)
{
    return add(p, column, GCH_MIN(hull->top, p->baseline), GCH_MAX(hull->bottom, p->baseline));
}

static gch_status add_bar(painting *p, gch_mark mark, const gch__bar_span *span,
                          const gch__hull *hull)
{
    for (int32_t c = span->left; c <= span->right; c++) {
        int32_t end = c < span->middle ? hull->open : hull->close;
        if (mark == GCH_MARK_BARS)
            GCH_TRY(add_filled(p, c, hull));
        else if (c == span->middle)
            GCH_TRY(add(p, c, hull->top, hull->bottom));
        else if (hull->has_ends)
            GCH_TRY(add(p, c, mark == GCH_MARK_OHLC ? end : hull->open,
                        mark == GCH_MARK_OHLC ? end : hull->close));
    }
    return GCH_OK;
}

static gch_status add_bars(painting *p, gch_query *query, const gch__plot_series *series,
                           const gch_view *view, const gch_time_zone *zone)
{
    const gch__bar_span *spans;
    const gch__hull *hulls;
    uint32_t count;
    GCH_TRY(gch__query_span_hulls(query, series->column, view, series->bar_width, zone, &spans,
                                  &hulls, &count, p->err));
    p->baseline = gch__baseline_row(view); /* the query has checked it */
    for (uint32_t i = 0; i < count; i++)
        if (hulls[i].top <= hulls[i].bottom)
            GCH_TRY(add_bar(p, series->mark, &spans[i], &hulls[i]));
    return GCH_OK;
}

static gch_status add_columns(painting *p, gch_query *query, const gch__plot_series *series,
                              const gch_view *view)
{
    const gch__hull *hulls;
    GCH_TRY(gch__query_column_hulls(query, series->column, view, gch__bare_join(series->mark),
                                    &hulls, p->err));
    p->baseline = gch__baseline_row(view); /* the query has checked it */
    for (uint32_t c = 0; c < view->width_px; c++)
        if (hulls[c].top <= hulls[c].bottom)
            GCH_TRY(add_filled(p, (int32_t)c, &hulls[c]));
    return GCH_OK;
}

gch_status gch__bare_columns(gch__bare_room *room, const gch_allocator *allocator, gch_query *query,
                             const gch__plot_series *series, const gch_view *view,
                             const gch_time_zone *zone, gch_columns *out, gch_error *err)
{
    if (!gch__bare_is_filled(series->mark))
        return gch_query_columns(query, series->column, view, gch__bare_join(series->mark), out,
                                 err);
    painting p = {
        .room = room, .allocator = allocator, .height = (int32_t)view->height_px, .err = err};
    GCH_TRY(begin(&p, view));
    if (gch__bare_is_by_bars(series))
        GCH_TRY(add_bars(&p, query, series, view, zone));
    else
        GCH_TRY(add_columns(&p, query, series, view));
    *out = end(&p, view);
    return GCH_OK;
}
