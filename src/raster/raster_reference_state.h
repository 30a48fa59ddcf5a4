/* What the files of the reference executor share: the pen and its exact rows. */
#ifndef GCH_RASTER_REFERENCE_STATE_H
#define GCH_RASTER_REFERENCE_STATE_H

#include "raster_reference.h"

#include <gmp.h>

typedef struct gch__reference_point {
    int64_t time;
    gch_value value;
    long double real;    /* the value to 64 bits */
    int32_t column, row; /* clamped; a line's row is only known within the columns of the view */
} gch__reference_point;

/* Numbers as num / den, den > 0; not reduced. */
typedef struct gch__ratio {
    mpz_t num, den;
} gch__ratio;

/* Rows met so far. */
typedef struct gch__reference_rows {
    bool is_open; /* there are any */
    int32_t top, bottom, open, close;
} gch__reference_rows;

/* Marks made of bars: the bar at hand, and what the bars of single columns have come to. */
typedef struct gch__reference_bars {
    bool has_bar, is_seen; /* is_seen: it overlaps the view */
    int64_t index, t0, t1; /* the bar's number and its borders; an t1 of INT64_MAX is none */
    gch__reference_rows rows;
    gch__reference_rows *columns; /* width of them */
} gch__reference_bars;

struct gch__reference {
    const gch_allocator *allocator;
    gch_view view;
    int32_t width, height;
    uint64_t duration; /* t1 - t0 */

    /* Bit y & 63 of lit[(y >> 6) * width + x]. */
    uint64_t *lit;
    uint32_t *counts; /* y * width + x; NULL until there is a density */

    /* The run being drawn. */
    bool has_previous, is_alone;
    gch__reference_point previous;

    /* The series being drawn. */
    gch__reference_series series;
    bool is_filled; /* lights everything down or up to `baseline` as well */
    int32_t baseline;
    gch__reference_bars bars;

    /* The column of the last point and the ticks [from, last] that share it. */
    int64_t column_from, column_last;
    int32_t column;

    /* The filter's view. */
    long double top, rows_per_value, error_per_value;

    /* The exact view: top = top_scaled / pow10, top - bottom = span_scaled / pow10. */
    mpz_t top_scaled, span_scaled, pow10;
    gch__ratio value, from, to;
    mpz_t scratch[3];
    uint64_t exact_count;
};

/* floor((top - v) * H / (top - bottom)), clamped, for a point's value. */
int32_t gch__reference_row(gch__reference *reference, const gch__reference_point *p);

/* Lights the rows between two rows of a column of the view, given in any order and not yet clipped,
 * and with is_filled those between them and the baseline. */
void gch__reference_light(gch__reference *reference, int32_t column, int32_t row_a, int32_t row_b);

/* raster_reference_marks.c: a drawn point of a mark that is no line; the end of its series. */
void gch__reference_add_mark(gch__reference *reference, gch__reference_point *p);
void gch__reference_end_marks(gch__reference *reference);

#endif
