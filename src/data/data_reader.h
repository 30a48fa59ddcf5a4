/* What rooms above use of the data manager besides its public header: readers, and what a handle
 * stands for.
 *
 * Thread rule: gch__reader_ensure from several threads for one reader; the other functions from one
 * thread a reader. A thread must not wait (BLOCK) with one reader for a page that another reader of
 * its own keeps from being replaced.
 */
#ifndef GCH_DATA_READER_H
#define GCH_DATA_READER_H

#include "gch/data.h"
#include "store_pager.h"

typedef struct gch__source gch__source;

/* A reader for one source, to be begun and ended many times without allocating. It keeps the
 * source's bytes alive until it is destroyed. GCH_INVALID (stale), GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__reader_make(gch_data *data, gch_source source, gch__reader **out,
                                        gch_error *err);
void gch__reader_destroy(gch__reader *reader); /* ends it; NULL is allowed */

/* `cancel` is nullable and held by the caller until the reader ends. */
void gch__reader_begin(gch__reader *reader, gch__read_mode mode, gch__priority priority,
                       gch_cancel *cancel);
/* Unpins everything. Ending it again does nothing. */
void gch__reader_end(gch__reader *reader);

/* As gch__pager.ensure. */
GCH_CHECKED gch_status gch__reader_ensure(gch__reader *reader, uint64_t first_page,
                                          uint64_t page_count, gch_error *err);
/* The source's first byte; page p lies at p * GCH_PAGE_BYTES. */
const uint8_t *gch__reader_base(const gch__reader *reader);
/* For the store's file of a source. */
gch__pager gch__source_pager(gch__source *source);

#endif
