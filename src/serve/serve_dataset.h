/* One version of one served file, or of a live series: open, described, and held by whoever uses
 * it.
 *
 * Thread rule: immutable once made; the hold count and the idle queries have their own locks, so
 * all of this may be called from any thread.
 */
#ifndef GCH_SERVE_DATASET_H
#define GCH_SERVE_DATASET_H

#include "base.h"
#include "gch/data.h"
#include "gch/query.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#define GCH__VERSION_CAP 17u /* 16 hexadecimal digits and a NUL */

typedef struct gch__query_set {
    gch_query **idle;
    size_t count, cap;
} gch__query_set;

typedef struct gch__dataset {
    const gch_allocator *allocator;
    gch_data *data;
    char *name;
    int fd;
    uint64_t file_bytes, version;
    struct timespec modified, changed;
    ino_t inode;
    dev_t device;
    char version_text[GCH__VERSION_CAP];
    gch_source source;
    gch_file *lent;       /* of a live series: the same as `file`; else NULL */
    const gch_file *file; /* NULL: it cannot be opened, `error` says why */
    gch_error error;
    char *json; /* its metadata */
    size_t json_length;

    atomic_uint hold_count;
    pthread_mutex_t lock; /* of the queries */
    gch__query_set queries[2];
} gch__dataset;

/* Takes over `fd`, open for reading, also on failure. A file that is no sound .gch file still makes
 * a data set, which is listed with its error. GCH_NO_MEMORY, GCH_IO. */
gch_status gch__dataset_open(gch_data *data, const char *name, int fd,
                             const gch_allocator *allocator, gch__dataset **out, gch_error *err);
/* The rows that a live source's file shows; takes over the file, also on failure. `series` tells
 * series of one name apart. GCH_NO_MEMORY. */
gch_status gch__dataset_of_live(gch_data *data, const char *name, gch_file *file, uint64_t series,
                                const gch_allocator *allocator, gch__dataset **out, gch_error *err);
void gch__dataset_hold(gch__dataset *dataset);
void gch__dataset_release(gch__dataset *dataset);
/* Whether the file is what it was when it was opened. */
bool gch__dataset_is_current(const gch__dataset *dataset, const struct stat *now);

/* A query on the file, to be given back. As gch_query_make. */
gch_status gch__dataset_borrow_query(gch__dataset *dataset, bool keep_outside, gch_query **out,
                                     gch_error *err);
void gch__dataset_return_query(gch__dataset *dataset, bool keep_outside, gch_query *query);

#endif
