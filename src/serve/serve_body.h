/* The body of an answer: memory and extents of a file, one after the other.
 *
 * Thread rule: the network's thread.
 */
#ifndef GCH_SERVE_BODY_H
#define GCH_SERVE_BODY_H

#include "serve_dataset.h"

typedef struct gch__part {
    uint64_t offset, count; /* in the body's memory, or in the file */
    bool is_file;
} gch__part;

/* All zero is an empty body (allocator set by the user). */
typedef struct gch__body {
    const gch_allocator *allocator;
    gch__buffer memory;
    gch__part *parts;
    size_t part_count, part_cap;
    gch__dataset *file; /* held; NULL without parts of a file */
    uint64_t total;     /* bytes of all parts */
    uint64_t left;      /* bytes not read yet */
    size_t part;        /* the one being read */
    uint64_t part_done;
} gch__body;

/* GCH_NO_MEMORY. Adjoining parts of memory become one. */
gch_status gch__body_add_memory(gch__body *body, const void *bytes, size_t count, gch_error *err);
/* What was appended to body->memory since the last part. */
gch_status gch__body_add_appended(gch__body *body, gch_error *err);
/* An extent of the file; the first one takes a hold on `file`. */
gch_status gch__body_add_file(gch__body *body, gch__dataset *file, uint64_t offset, uint64_t count,
                              gch_error *err);
/* Copies the next bytes, at most `cap`, at least one, into out. GCH_PENDING if the next of them
 * would have to be waited for, unless may_wait; GCH_IO if the file is shorter than it was. */
gch_status gch__body_read(gch__body *body, uint8_t *out, size_t cap, bool may_wait,
                          size_t *out_count, gch_error *err);
/* Waits for about a megabyte of what comes next to be read by the system, for a job; `offset` is
 * where in the file. */
uint64_t gch__body_next_offset(const gch__body *body);
void gch__body_reset(gch__body *body);

#endif
