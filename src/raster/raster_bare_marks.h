/* What each mark lights in a bare picture, as columns (docs/pixel-rule.md). */
#ifndef GCH_RASTER_BARE_MARKS_H
#define GCH_RASTER_BARE_MARKS_H

#include "scene.h"

/* Scratch of one series, all zero at first; it only grows. */
typedef struct gch__bare_room {
    gch_piece *pieces;
    size_t piece_cap, piece_count;
    uint32_t *first;
    size_t first_cap;
} gch__bare_room;

void gch__bare_room_reset(gch__bare_room *room, const gch_allocator *allocator);

/* How a mark's points are connected; areas and bars are made of hulls besides. */
gch_join gch__bare_join(gch_mark mark);

/* True for marks that light more than their line or points: areas, bars, candles, OHLC. */
bool gch__bare_is_filled(gch_mark mark);

/* Of those: true for bars of a width, false for what is one hull a column. */
bool gch__bare_is_by_bars(const gch__plot_series *series);

/* The rows that a series lights in each column of the view, clipped to it; y_* of the pieces are of
 * no meaning for filled marks. Borrowed from `room` and `query` until their next calls. Statuses of
 * gch_query_columns and gch_query_bars. */
GCH_CHECKED gch_status gch__bare_columns(gch__bare_room *room, const gch_allocator *allocator,
                                         gch_query *query, const gch__plot_series *series,
                                         const gch_view *view, const gch_time_zone *zone,
                                         gch_columns *out, gch_error *err);

#endif
