/* Views of a file, computed and laid out in bytes as docs/protocol.md says.
 *
 * Thread rule: any thread; a query is used by one at a time.
 */
#ifndef GCH_SERVE_VIEW_H
#define GCH_SERVE_VIEW_H

#include "serve_dataset.h"
#include "serve_url.h"

typedef enum gch__view_kind {
    GCH__VIEW_COLUMNS = 0, /* in the order of the words in URLs; on the wire one more */
    GCH__VIEW_BARS = 1,
    GCH__VIEW_RANGE = 2,
    GCH__VIEW_POINTS = 3,
    GCH__VIEW_NEAREST = 4,
} gch__view_kind;

typedef struct gch__view_request {
    gch__view_kind kind;
    uint32_t column;
    gch_view view; /* with t0 and t1 for every kind */
    bool has_values, keep_outside;
    gch_join join;
    gch_bar_width bar;
    const char *zone; /* within the parameters; NULL: UTC */
    uint32_t cap;
} gch__view_request;

/* Reads what a query string asks of a file. GCH_INVALID, GCH_PARSE, GCH_LIMIT, GCH_NOT_FOUND (the
 * column). */
gch_status gch__view_parse(gch__view_kind kind, const gch__parameters *parameters,
                           const gch_file_info *info, gch__view_request *out, gch_error *err);
/* The keys that gch__view_parse knows for a kind; the common ones included. */
const char *const *gch__view_keys(gch__view_kind kind, size_t *out_count);

/* Computes the answer and appends its bytes. As the queries of gch/query.h; GCH_NOT_FOUND also for
 * an unknown zone. */
gch_status gch__view_answer(gch__dataset *dataset, const gch__view_request *request,
                            gch__buffer *out, gch_error *err);

#endif
