/* Verification of one segment; store_verify.c walks the file. */
#ifndef GCH_STORE_VERIFY_H
#define GCH_STORE_VERIFY_H

#include "store_file.h"

typedef struct gch__verify {
    const gch_file *file;
    gch_workers *workers;
    const gch_progress *progress;
    int64_t reported_ns;
    uint64_t done, total;             /* see gch__verify_weight */
    struct gch__verify_fault *faults; /* one a worker */
} gch__verify;

/* The fault with the smallest task of those a worker has met in this loop. */
typedef struct gch__verify_fault {
    bool is_set;
    size_t task;
    gch_error err;
} gch__verify_fault;

/* Work in a segment, in the unit of progress. */
uint64_t gch__verify_weight(const gch__segment *segment);
/* GCH_CORRUPT with the first fault: pages, layout of the arrays, tree, then rows in order.
 * GCH_CANCELLED, GCH_NO_MEMORY. */
gch_status gch__verify_segment(gch__verify *verify, uint32_t index, gch_error *err);
/* GCH_CORRUPT unless bytes [from, to) of the file are zero. */
gch_status gch__verify_zeros(const gch_file *file, uint64_t from, uint64_t to, gch_error *err);

#endif
