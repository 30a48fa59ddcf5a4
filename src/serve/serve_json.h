/* JSON out: appended piece by piece to a buffer, numbers with all their digits.
 *
 * A failed append is remembered by the buffer's user: each function returns whether there was room.
 */
#ifndef GCH_SERVE_JSON_H
#define GCH_SERVE_JSON_H

#include "base.h"

#include "gch/value.h"

struct gch__dataset;

/* A string with its quotes; bytes that are no UTF-8 become U+FFFD. */
bool gch__json_text(gch__buffer *out, const char *text);
/* As printf, at most 511 bytes; the caller's format gives the JSON. */
GCH_PRINTF(2, 3) bool gch__json_print(gch__buffer *out, const char *format, ...);
/* null for a gap, text for what JSON has no number for. */
bool gch__json_value(gch__buffer *out, gch_value value);

/* The metadata of a data set as one object: to be freed with purpose "metadata". GCH_NO_MEMORY. */
gch_status gch__json_dataset(const struct gch__dataset *dataset, char **out, size_t *out_length,
                             gch_error *err);

#endif
