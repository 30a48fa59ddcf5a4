/* Values compared and reduced across the segments of a file. */
#ifndef GCH_QUERY_VALUES_H
#define GCH_QUERY_VALUES_H

#include "query_lit.h"

/* -1, 0 or 1 for two drawn values, exactly. */
int gch__compare_values(gch_value a, gch_value b);

/* Widens a range, which is GAP as long as nothing is in it, by another. */
void gch__widen_range(gch_value *io_min, gch_value *io_max, gch_value min, gch_value max);

/* Smallest and largest drawn value of rows [first, last) of the file; GAP if there are none. */
GCH_CHECKED gch_status gch__range_of_rows(const gch_query *query, uint32_t column, uint64_t first,
                                          uint64_t last, gch_value *out_min, gch_value *out_max,
                                          gch__touch *touch, gch_error *err);

#endif
