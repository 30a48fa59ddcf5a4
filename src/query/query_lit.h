/* Columns whose points do not form one run: gaps, or points that stand alone. */
#ifndef GCH_QUERY_LIT_H
#define GCH_QUERY_LIT_H

#include "query_state.h"

/* What is known at a column's edges. */
typedef struct gch__lit_ends {
    bool left_is_crossed, right_is_crossed;
    int32_t left_row, right_row;
    float left_y, right_y;
} gch__lit_ends;

/* Adds the pieces of the column that holds rows [first, last), first < last, to the task. */
GCH_CHECKED gch_status gch__lit_column(gch_query *query, uint32_t column, const gch_view *view,
                                       gch_join join, uint64_t first, uint64_t last,
                                       const gch__lit_ends *ends, gch__column_task *task,
                                       gch_error *err);

GCH_CHECKED gch_status gch__column_task_add(const gch_allocator *allocator, gch__column_task *task,
                                            gch_piece piece);

/* The part of rows [row, last) that lies in the segment of `row`. */
gch__slice gch__slice_at(const gch_query *query, uint64_t row, uint64_t last);
/* True if some of these rows may not be drawn, as gch__slice_has_gaps tells; false if there are
 * none. */
bool gch__rows_have_gaps(const gch_query *query, uint32_t column, uint64_t first, uint64_t last);

#endif
