/* The Range header field (RFC 9110, section 14.2): a parser, and what it means for a size.
 *
 * Thread rule: pure functions.
 */
#ifndef GCH_SERVE_RANGE_H
#define GCH_SERVE_RANGE_H

#include "base.h"

#define GCH__RANGES_MAX 64u

typedef struct gch__range {
    uint64_t first, count; /* count > 0, first + count <= size */
} gch__range;

typedef enum gch__ranges_result {
    GCH__RANGES_NONE,          /* not of the form bytes=...: to be ignored */
    GCH__RANGES_SOME,          /* at least one */
    GCH__RANGES_UNSATISFIABLE, /* none lies within the size, or there are too many */
} gch__ranges_result;

/* Ranges in the order asked for, those beyond the size left out, and those that overlap or touch an
 * earlier one joined with it. `out` holds GCH__RANGES_MAX. */
gch__ranges_result gch__ranges_parse(gch__span text, uint64_t size, gch__range *out,
                                     size_t *out_count);

#endif
