/* The reference executor's pen: points in, lit pixels out, one segment at a time.
 *
 * This is the part of raster_reference.c that knows nothing of files and images, so that tests can
 * draw small pictures with it by hand.
 */
#ifndef GCH_RASTER_REFERENCE_H
#define GCH_RASTER_REFERENCE_H

#include "base.h"
#include "gch/chart.h"
#include "gch/value.h"

typedef struct gch__reference gch__reference;

/* A dark picture of the view's size. GCH_INVALID (t0 >= t1, bottom >= top, sides, exponents),
 * GCH_UNSUPPORTED (an axis other than linear), GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__reference_make(const gch_view *view, const gch_allocator *allocator,
                                           gch__reference **out, gch_error *err);
void gch__reference_destroy(gch__reference *reference); /* NULL is allowed */

/* What the points of a series make up. */
typedef struct gch__reference_series {
    gch_mark mark;           /* LINE, AREA, CANDLES, OHLC, BARS, DENSITY */
    gch_bar_width bar_width; /* of the three before the last; BARS: a count of 0 is a bar a point */
    gch_time_unit unit;
    const gch_time_zone *zone; /* borrowed until the series ends */
} gch__reference_series;

/* Before the first point of a series that is not a line. GCH_UNSUPPORTED, GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__reference_begin_series(gch__reference *reference,
                                                   const gch__reference_series *series,
                                                   gch_error *err);
/* The next points of the series being drawn, in file order: times do not decrease. A gap, a NaN or
 * an infinity ends the run. */
void gch__reference_add(gch__reference *reference, const int64_t *times, const gch_value *values,
                        size_t count);
/* Ends the series; the next point starts another one, drawn into the same picture. */
void gch__reference_end_series(gch__reference *reference);

/* x and y within the view. Complete after gch__reference_end_series. */
bool gch__reference_is_lit(const gch__reference *reference, uint32_t x, uint32_t y);
/* The points of densities in a pixel. */
uint32_t gch__reference_get_count(const gch__reference *reference, uint32_t x, uint32_t y);
/* How many rows and crossings the floating-point filter left to exact arithmetic. */
uint64_t gch__reference_exact_count(const gch__reference *reference);

#endif
