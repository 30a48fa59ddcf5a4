/* The viewer page: files of one folder, in memory from the start of the server on.
 *
 * Thread rule: made before the server runs, only read afterwards.
 */
#ifndef GCH_SERVE_VIEWER_H
#define GCH_SERVE_VIEWER_H

#include "base.h"

typedef struct gch__viewer gch__viewer;

typedef struct gch__viewer_file {
    char name[64]; /* "index.html", "gpu-charts.wasm" */
    const char *type;
    char tag[24]; /* a weak entity tag: of whichever coding */
    gch__buffer bytes;
    gch__buffer gzip; /* empty where it saves nothing */
} gch__viewer_file;

/* Reads what lies in `path` and in its folder "viewer", by extension; the page is
 * viewer/index.html. GCH_NOT_FOUND (no such page), GCH_IO, GCH_LIMIT (more than 64 files or 32 MiB
 * in one), GCH_NO_MEMORY. */
gch_status gch__viewer_make(const char *path, const gch_allocator *allocator, gch__viewer **out,
                            gch_error *err);
void gch__viewer_destroy(gch__viewer *viewer); /* NULL is allowed */
/* The file of a request's path, "/" being the page; NULL: none. */
const gch__viewer_file *gch__viewer_find(const gch__viewer *viewer, gch__span path);

#endif
