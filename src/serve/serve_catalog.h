/* Which data sets there are: folders and files, looked at again and again.
 *
 * A thread of its own walks the folders every scan interval, opens what is new or has changed, and
 * swaps the table; whoever holds a data set keeps the version it has.
 *
 * Thread rule: any thread, but for make and destroy.
 */
#ifndef GCH_SERVE_CATALOG_H
#define GCH_SERVE_CATALOG_H

#include "serve_dataset.h"

typedef struct gch__catalog gch__catalog;

typedef struct gch__catalog_desc {
    gch_data *data;
    const char *const *paths;
    size_t path_count;
    uint32_t data_cap;
    uint32_t scan_interval_ms;
    const gch_allocator *allocator;
    /* Told of what is wrong and why it is not served, once for each file (nullable): from the
     * scanner's thread. */
    void (*report)(void *context, const char *message);
    void *context;
} gch__catalog_desc;

/* Looks once before it returns. GCH_NOT_FOUND, GCH_IO, GCH_INVALID (a path's name), GCH_NO_MEMORY,
 * GCH_LIMIT. */
gch_status gch__catalog_make(const gch__catalog_desc *desc, gch__catalog **out, gch_error *err);
void gch__catalog_destroy(gch__catalog *catalog); /* NULL is allowed */

/* The data set of that name, held; NULL if there is none. If its file has changed since the last
 * look, that is noticed here. */
gch__dataset *gch__catalog_find(gch__catalog *catalog, const char *name);
/* Appends {"data": [...]} and gives a number that changes with it. GCH_NO_MEMORY. */
gch_status gch__catalog_json(gch__catalog *catalog, gch__buffer *out, uint64_t *out_version,
                             gch_error *err);

/* A data set; or a file by the name that it would have, which is not served, and why. */
typedef struct gch__catalog_entry {
    const char *name;
    const gch__dataset *dataset; /* NULL: not served */
    gch_status status;
    const char *why;
} gch__catalog_entry;

/* Calls visit for each, in the order of names, until it returns false. */
void gch__catalog_visit(gch__catalog *catalog,
                        bool (*visit)(void *context, const gch__catalog_entry *entry),
                        void *context);
size_t gch__catalog_count(gch__catalog *catalog); /* of data sets */

#endif
