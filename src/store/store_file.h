/* An open file, as the reader's own files see it. */
#ifndef GCH_STORE_FILE_H
#define GCH_STORE_FILE_H

#include "store_footer.h"

#include <stdatomic.h>

struct gch__segment_pages {
    const char *name;     /* of the file, for messages */
    const uint8_t *bytes; /* the segment's first */
    uint64_t offset;      /* of `bytes` in the file */
    uint64_t payload_bytes, body_bytes;
    const uint64_t *checksums;
    _Atomic uint64_t *checked; /* a bit a page of the body */
    const gch__disk_descriptor *disk;
    const gch__disk_value *values;
    const gch__disk_segment *entry;
};

struct gch_file {
    const gch_allocator *allocator;
    char *name;
    const uint8_t *image;
    uint64_t size;
    void *map; /* the image, if it is ours to unmap */
    gch__disk_commit commit;
    gch__meta meta;
    gch_file_info info;
    gch_column_info *columns;
    gch__segment *segments;
    struct gch__segment_pages *pages;
    gch__value_column *value_columns; /* a segment and column */
    _Atomic uint64_t *checked;
};

/* As gch_file_open on an open file, which stays the caller's. */
gch_status gch__file_open_fd(int fd, const char *path, const gch_allocator *allocator,
                             gch_file **out, gch_error *err);

/* Checks the descriptor of the file's segment `index` and everything that is checked at open, and
 * fills file->segments[index]. `checked` has a zeroed bit for each page of the body. */
gch_status gch__segment_open(gch_file *file, uint32_t index, _Atomic uint64_t *checked,
                             gch_error *err);

/* Fills file->info and file->columns from the opened segments. */
void gch__file_fill_info(gch_file *file);

#endif
