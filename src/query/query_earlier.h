/* What earlier views of a query showed, to stand in for what awaits pages in this one: a view that
 * is moved shows what it did, moved, until its own columns come. */
#ifndef GCH_QUERY_EARLIER_H
#define GCH_QUERY_EARLIER_H

#include "query_state.h"

/* Keeps the columns of a view for views to come. GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__earlier_keep(gch_query *query, uint32_t column, const gch_view *view,
                                         gch_join join, const gch_columns *columns, gch_error *err);

/* Puts earlier columns, stretched to this view, in the place of those that the tasks have found to
 * be pending: where not even the rows were known, and where they say more than the tree did. Lists
 * of `io` are the query's until its next call. GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__earlier_fill(gch_query *query, uint32_t column, const gch_view *view,
                                         gch_join join, gch_columns *io, gch_error *err);

/* Keeps the range of a view. */
void gch__earlier_keep_range(gch_query *query, uint32_t column, gch_join join, int64_t t0,
                             int64_t t1, gch_value min, gch_value max);

/* The range of an earlier view of about the same length that this one overlaps, which is that of
 * this one from now on; false: there is none. */
bool gch__earlier_range(gch_query *query, uint32_t column, gch_join join, int64_t t0, int64_t t1,
                        gch_value *out_min, gch_value *out_max);

void gch__earlier_reset(gch_query *query);

#endif
