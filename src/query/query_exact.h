/* The exact predicate behind every pixel: on which side of a row's edge a real number lies.
 *
 * Stored values and view bounds are m * 2^exp2 * 10^exp10 with small exponents. A question that
 * double arithmetic with an error bound cannot settle (query_scale.c) is settled here in integers
 * of fixed capacity, without allocation.
 */
#ifndef GCH_QUERY_EXACT_H
#define GCH_QUERY_EXACT_H

#include "gch/decimal.h"
#include "store_segment.h"

typedef struct gch__exact {
    int64_t m;
    int32_t exp2;  /* -1074 to 971 */
    int32_t exp10; /* -400 to 400 */
} gch__exact;

gch__exact gch__exact_from_decimal(gch_decimal value);
/* `value` is drawn (gch_value_is_drawn). */
gch__exact gch__exact_from_value(gch_value value);
/* `key` is the key of a drawn value. */
gch__exact gch__exact_from_key(const gch__key_map *map, uint64_t key);

/* A number on the line from a to b: a + (b - a) * part / whole, 0 <= part <= whole < 2^96. */
typedef struct gch__exact_line {
    gch__exact a, b;
    unsigned __int128 part, whole;
} gch__exact_line;

/* Sign of (number - Y(row)), Y(row) = top - row * (top - bottom) / height. row <= height. */
int gch__exact_compare_edge(const gch__exact_line *number, uint32_t row, uint32_t height,
                            gch__exact top, gch__exact bottom);

#endif
