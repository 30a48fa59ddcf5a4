/* Knobs of the writer for the store's own tests and benchmarks. */
#ifndef GCH_STORE_WRITER_H
#define GCH_STORE_WRITER_H

#include "gch/writer.h"

/* Seals segments at `rows` rows instead of GCH_SEGMENT_ROWS_MAX; at least one chunk fits always. */
void gch__writer_limit_segment_rows(gch_writer *writer, uint32_t rows);
/* Rows that are encoded at once. */
uint32_t gch__writer_chunk_rows(const gch_writer *writer);

#endif
