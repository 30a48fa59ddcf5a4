/* Where a writer's bytes go: a temporary file that replaces its destination, a locked file that
 * grows, or memory.
 *
 * A sink is one writer's; all functions are for one thread at a time.
 */
#ifndef GCH_STORE_SINK_H
#define GCH_STORE_SINK_H

#include "base.h"

typedef enum gch__sink_kind {
    GCH__SINK_MEMORY = 1,
    GCH__SINK_REPLACE = 2,
    GCH__SINK_APPEND = 3,
} gch__sink_kind;

typedef struct gch__sink {
    gch__sink_kind kind;
    const gch_allocator *allocator;
    char *path;           /* the destination; "memory" for memory */
    char *temporary_path; /* REPLACE, until it has been renamed */
    int fd;               /* -1 for memory */
    uint8_t *raw;         /* MEMORY: the allocation and the 64-byte aligned image in it */
    uint8_t *image;
    size_t cap, count;
} gch__sink;

gch_status gch__sink_open_memory(gch__sink *sink, const gch_allocator *allocator, gch_error *err);
/* GCH_IO; GCH_INVALID if `path` is there and no regular file. */
gch_status gch__sink_open_replace(gch__sink *sink, const char *path, const gch_allocator *allocator,
                                  gch_error *err);
/* Locks the file. GCH_NOT_FOUND, GCH_IO, GCH_EXISTS (another writer holds it). */
gch_status gch__sink_open_append(gch__sink *sink, const char *path, const gch_allocator *allocator,
                                 gch_error *err);

/* Writes at a position; memory grows as needed and is zero where nothing was written. */
gch_status gch__sink_write(gch__sink *sink, uint64_t position, const void *bytes, size_t count,
                           gch_error *err);
/* Copies bytes from one file to another; `from` has them. */
gch_status gch__sink_copy(gch__sink *sink, uint64_t position, const gch__sink *from,
                          uint64_t from_position, uint64_t count, gch_error *err);
/* APPEND: cuts off what lies behind `bytes`. */
gch_status gch__sink_truncate(gch__sink *sink, uint64_t bytes, gch_error *err);
/* Waits until what was written is on the disk. */
gch_status gch__sink_sync(gch__sink *sink, gch_error *err);
/* REPLACE: syncs, then puts the file in its place and syncs the folder. goes_on: it is locked
 * before, and the sink an APPEND one from there on. */
gch_status gch__sink_publish(gch__sink *sink, bool goes_on, gch_error *err);
/* MEMORY: hands over the image; free it with gch__image_free. */
void *gch__sink_take(gch__sink *sink, size_t *out_count);
void gch__image_free(void *image, const gch_allocator *allocator);
/* Closes, and removes what was not published. A sink of zeros is allowed. */
void gch__sink_close(gch__sink *sink);

#endif
