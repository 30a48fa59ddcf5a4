/* The binary answer of a data server, as bytes. */
#ifndef GCH_NET_COLUMNS_H
#define GCH_NET_COLUMNS_H

#include "base.h"
#include "gch/columns.h"
#include "gch/query.h"

/* Checks an answer of `count` bytes, 8-byte aligned, against its layout and the question; on
 * success *out leads into it (out->bytes is not set). GCH_CORRUPT. */
GCH_CHECKED gch_status gch__columns_parse(const uint8_t *bytes, size_t count,
                                          const gch_columns_ask *ask, gch_columns_answer *out,
                                          gch_error *err);
/* Writes the URL of a question. GCH_INVALID (naming the field), GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__columns_write_url(const gch_columns_ask *ask, gch__buffer *out,
                                              gch_error *err);

/* The same of the smallest and largest value in [ask->t0, ask->t1). */
GCH_CHECKED gch_status gch__range_parse(const uint8_t *bytes, size_t count,
                                        const gch_columns_ask *ask, gch_value *out_min,
                                        gch_value *out_max, gch_error *err);
GCH_CHECKED gch_status gch__range_write_url(const gch_columns_ask *ask, gch__buffer *out,
                                            gch_error *err);

/* The same of the bars that overlap [ask->t0, ask->t1), up to `cap`; zone "": UTC. */
GCH_CHECKED gch_status gch__bars_parse(const uint8_t *bytes, size_t count,
                                       const gch_columns_ask *ask, gch_bar_width width,
                                       uint32_t cap, const gch_bar **out, uint32_t *out_count,
                                       gch_error *err);
GCH_CHECKED gch_status gch__bars_write_url(const gch_columns_ask *ask, gch_bar_width width,
                                           const char *zone, uint32_t cap, gch__buffer *out,
                                           gch_error *err);

#define GCH__ANSWER_CAP (64u << 20)

#endif
