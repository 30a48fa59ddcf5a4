/* The walk from bar to bar that bars and sums share. */
#ifndef GCH_QUERY_BARS_H
#define GCH_QUERY_BARS_H

#include "query_state.h"

typedef struct gch__bar_walk {
    gch_query *query;
    gch_bar_width width;
    const gch_time_zone *zone;
    gch_time_unit unit;
    int64_t t0, t1;
    uint64_t row, row_count; /* the next bar's first row; the file's */
    int64_t awaited;         /* after GCH_PENDING: a time of the bar that begins with that row */
} gch__bar_walk;

/* For bars that overlap [t0, t1). Checks column and width: GCH_INVALID, GCH_LIMIT. */
GCH_CHECKED gch_status gch__bar_walk_start(gch__bar_walk *walk, gch_query *query, uint32_t column,
                                           gch_bar_width width, const gch_time_zone *zone,
                                           int64_t t0, int64_t t1, gch__touch *touch,
                                           gch_error *err);
/* The next bar that holds rows: its bounds and row_count, and its first row; row_count 0 behind the
 * last. */
GCH_CHECKED gch_status gch__bar_walk_next(gch__bar_walk *walk, gch_bar *out, uint64_t *out_first,
                                          gch__touch *touch, gch_error *err);

#endif
