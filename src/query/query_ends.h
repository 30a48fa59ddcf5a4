/* Price bars without their extremes, for an executor that reduces these by itself: where the bars'
 * rows lie, and the opening and closing values, which are two reads each.
 */
#ifndef GCH_QUERY_ENDS_H
#define GCH_QUERY_ENDS_H

#include "query_state.h"

#define GCH__BAR_IS_NEW UINT32_MAX

typedef struct gch__bar_ends {
    gch_bar its;        /* high and low are GAP: nobody has looked */
    uint64_t first_row; /* of its.row_count */
    uint32_t before;    /* its number in the last answer, or GCH__BAR_IS_NEW */
} gch__bar_ends;

/* The bars of gch_query_bars for the view's times, in *out until the query's next call of this
 * kind; what the last one had as well is not looked for again. Sets query->scales for the view.
 * *out_number counts these answers: the last one is the last of *out_number - 1. Between
 * gch__query_begin and gch__query_end. Statuses of gch_query_bars. */
GCH_CHECKED gch_status gch__query_bar_ends(gch_query *query, uint32_t column, const gch_view *view,
                                           gch_bar_width width, const gch_time_zone *zone,
                                           uint32_t bar_cap, const gch__bar_ends **out,
                                           uint32_t *out_count, uint64_t *out_number,
                                           gch_error *err);

#endif
