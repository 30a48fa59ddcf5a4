/* Opening a file without the data manager: for the writer, which appends to it, and for tests.
 *
 * The whole image is mapped (or lent), and pages are checked against their checksums when they are
 * first touched. Programs open files through gch/data.h.
 */
#ifndef GCH_STORE_OPEN_H
#define GCH_STORE_OPEN_H

#include "gch/file.h"

typedef struct gch__file_desc {
    const gch_allocator *allocator; /* NULL: malloc */
} gch__file_desc;

/* desc NULL means all defaults.
 * GCH_NOT_FOUND, GCH_IO, GCH_CORRUPT, GCH_UNSUPPORTED (version from the future), GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__file_open(const char *path, const gch__file_desc *desc, gch_file **out,
                                      gch_error *err);
/* The same for a file image in memory; `bytes` is borrowed until close and 64-byte aligned. `name`
 * stands in messages. GCH_INVALID if misaligned, else as gch__file_open. */
GCH_CHECKED gch_status gch__file_open_memory(const void *bytes, size_t byte_count, const char *name,
                                             const gch__file_desc *desc, gch_file **out,
                                             gch_error *err);
void gch__file_close(gch_file *file); /* NULL is allowed */

#endif
