/* Address space for the bytes of a source: fixed addresses whose contents come and go.
 *
 * A file region shows a file as it is on the disk; an anonymous region is zero until something is
 * written, and is given back to the system piece by piece with gch__region_discard.
 *
 * Thread rule: any number of threads, on ranges that do not overlap.
 */
#ifndef GCH_BASE_REGION_H
#define GCH_BASE_REGION_H

#include "base.h"

typedef struct gch__region {
    uint8_t *base; /* on a page border of the system; read-only in a file region */
    size_t bytes;
    bool is_file;
} gch__region;

/* Address space without memory behind it yet, bytes > 0. GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__region_reserve(size_t bytes, gch__region *out, gch_error *err);
/* The first `bytes` > 0 of an open file, which may be closed afterwards. A file that shrinks while
 * it is mapped cannot be read safely: that is the user's promise. GCH_IO. */
GCH_CHECKED gch_status gch__region_map_file(int fd, size_t bytes, const char *name,
                                            gch__region *out, gch_error *err);
/* Brings a range of a file region into memory and says whether that worked. GCH_IO. */
GCH_CHECKED gch_status gch__region_populate(const gch__region *region, size_t offset, size_t bytes,
                                            const char *name, gch_error *err);
/* Gives the memory of whole system pages within the range back; they read as zero (anonymous) or as
 * the file afterwards. */
void gch__region_discard(const gch__region *region, size_t offset, size_t bytes);
void gch__region_release(gch__region *region); /* an all-zero region is allowed */

/* Of this machine; 0 if that cannot be told. */
uint64_t gch__memory_physical_bytes(void);

#endif
