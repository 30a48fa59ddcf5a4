/* Bars that somebody else has computed (gch_answers), for a stretch of time around the view. */
#ifndef GCH_QUERY_FAR_H
#define GCH_QUERY_FAR_H

#include "query_state.h"

/* gch_query_bars of bars that came before, without a look at pages; false in *is_answered: they are
 * not all there. GCH_LIMIT. */
GCH_CHECKED gch_status gch__far_bars_take(gch_query *query, uint32_t column, gch_bar_width width,
                                          const gch_time_zone *zone, int64_t t0, int64_t t1,
                                          uint32_t bar_cap, const gch_bar **out_bars,
                                          uint32_t *out_count, bool *is_answered, gch_error *err);

/* Asks for bars for which pages are missing; the arguments are sound. GCH_OK also with earlier ones
 * while the answer is on its way (counted in the statistics), GCH_PENDING without any; false in
 * *is_answered: there is no answer, and pages are to be asked for. GCH_LIMIT, GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__far_bars_ask(gch_query *query, uint32_t column, gch_bar_width width,
                                         const gch_time_zone *zone, int64_t t0, int64_t t1,
                                         uint32_t bar_cap, uint32_t looks_back,
                                         const gch_bar **out_bars, uint32_t *out_count,
                                         bool *is_answered, gch_error *err);

#endif
