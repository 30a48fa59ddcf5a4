/* An open file, as the reader's own files see it. */
#ifndef GCH_STORE_FILE_H
#define GCH_STORE_FILE_H

#include "store_footer.h"
#include "store_open.h"

#include <stdatomic.h>

struct gch__segment_pages {
    const char *name;     /* of the file, for messages */
    const uint8_t *bytes; /* the segment's first */
    uint64_t offset;      /* of `bytes` in the file */
    uint64_t payload_bytes, body_bytes;
    const uint64_t *checksums;
    _Atomic uint64_t *checked; /* a bit a page of the body; not used with a pager */
    const gch__pager *pager;   /* the file's, or NULL */
    const gch__disk_descriptor *disk;
    const gch__disk_value *values;
    const gch__disk_segment *entry;
};

struct gch_file {
    const gch_allocator *allocator;
    char *name;
    const uint8_t *image;
    uint64_t size;
    void *map;           /* the image, if it is ours to unmap */
    bool is_whole;       /* see gch__paged_image; true without a pager */
    bool is_far;         /* see gch__paged_image */
    gch__pager pager;    /* `ensure` NULL: the image is there whole */
    gch__reader *reader; /* with a pager: keeps what was checked at open */
    gch__disk_commit commit;
    gch__meta meta;
    gch_file_info info;
    gch_column_info *columns;
    gch__segment *segments;
    struct gch__segment_pages *pages;
    gch__value_column *value_columns; /* a segment and column */
    _Atomic uint64_t *checked;

    /* Of a live series (store_live.h), else 0. */
    struct gch__live_file *live;
    uint64_t dropped_rows;
    uint64_t generation;  /* changes with what the file shows */
    uint64_t base_number; /* changes when readers of the bytes have to be made anew */
};

/* Of store_live_file.c: ends what a file of a live series holds beside the rest. */
void gch__live_file_reset(gch_file *file);

/* As gch__file_open on an open file, which stays the caller's. */
gch_status gch__file_open_fd(int fd, const char *path, const gch_allocator *allocator,
                             gch_file **out, gch_error *err);

/* An image whose bytes come and go by the pages of a pager, which must outlive the file. */
typedef struct gch__paged_image {
    const char *name;
    const uint8_t *bytes;
    uint64_t byte_count;
    bool is_whole; /* all bytes may be read at any time; the pager only keeps count */
    bool is_far;   /* a read takes long: what opening needs is asked for ahead, all at once */
    gch__pager pager;
} gch__paged_image;

/* As gch__file_open. *out_check is set before the first page is asked for and lives as long as the
 * file. */
gch_status gch__file_open_paged(const gch__paged_image *image, const gch_allocator *allocator,
                                gch__page_check *out_check, gch_file **out, gch_error *err);
/* Bytes [offset, offset + count) of the file, outside of segment bodies, stay readable. */
gch_status gch__file_need(const gch_file *file, uint64_t offset, uint64_t count, gch_error *err);
/* The same soon, by all means that the pager has, without waiting; of a paged file. */
void gch__file_want(const gch_file *file, uint64_t offset, uint64_t count);

/* Checks the descriptor of the file's segment `index`. `checked` has a zeroed bit for each page of
 * the body. */
gch_status gch__segment_open_descriptor(gch_file *file, uint32_t index, _Atomic uint64_t *checked,
                                        gch_error *err);
/* gch__file_want of what gch__segment_open_arrays will read. */
void gch__segment_want_arrays(const gch_file *file, uint32_t index);
/* Then everything else that is checked at open, and fills file->segments[index]. */
gch_status gch__segment_open_arrays(gch_file *file, uint32_t index, gch_error *err);

/* Fills file->info and file->columns from the opened segments. */
void gch__file_fill_info(gch_file *file);

#endif
