/* The writer's other doors: for live series, and knobs for the store's tests and benchmarks. */
#ifndef GCH_STORE_WRITER_H
#define GCH_STORE_WRITER_H

#include "gch/writer.h"
#include "store_live_segment.h"

/* Adds the rows of a sealed live segment of the same columns, whose times do not lie before the
 * last row's, as a segment of their own. Statuses as gch_writer_append. */
GCH_CHECKED gch_status gch__writer_adopt(gch_writer *writer, const gch__live_view *view,
                                         gch_error *err);
/* Takes over how many decimals the numbers of text columns were written with. */
void gch__writer_take_decimals(gch_writer *writer, const gch__meta *meta);
/* Seals segments at `rows` rows instead of GCH_SEGMENT_ROWS_MAX; at least one chunk fits always. */
void gch__writer_limit_segment_rows(gch_writer *writer, uint32_t rows);
/* Commits write the file anew once more than `bytes` of it, and more than half, are dead. */
void gch__writer_limit_dead_bytes(gch_writer *writer, uint64_t bytes);
/* Rows that are encoded at once. */
uint32_t gch__writer_chunk_rows(const gch_writer *writer);

#endif
