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

/* Keeps the range of a view, which is known. */
void gch__earlier_keep_range(gch_query *query, uint32_t column, gch_join join, int64_t t0,
                             int64_t t1, gch_value min, gch_value max);

/* Takes a range that has come for a view before this one (GAP: none). */
void gch__earlier_take_range(gch_query *query, uint32_t column, gch_join join, int64_t t0,
                             int64_t t1, gch_value min, gch_value max);
/* The range to show a view with whose own is not known but for what covers it, given in io_min and
 * io_max; is_near: that reaches little beyond it. */
void gch__earlier_give_range(gch_query *query, uint32_t column, gch_join join, int64_t t0,
                             int64_t t1, bool is_near, gch_value *io_min, gch_value *io_max);

void gch__earlier_reset(gch_query *query);

#endif
