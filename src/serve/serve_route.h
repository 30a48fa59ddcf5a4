/* From a path to who answers it.
 *
 * Thread rule: the network's thread.
 */
#ifndef GCH_SERVE_ROUTE_H
#define GCH_SERVE_ROUTE_H

#include "serve_state.h"
#include "serve_url.h"

/* A request as the handlers see it: decoded and allowed. */
typedef struct gch__asked {
    gch__exchange *exchange;
    gch_server *server;
    gch__span path;  /* behind the prefix of the route, encoded */
    gch__span query; /* encoded */
    gch__parameters parameters;
    gch__right right;
    bool is_foreign; /* from a page of another origin that is not allowed */
} gch__asked;

/* Parameter keys that every route takes. */
#define GCH__COMMON_KEYS "v", "token"

/* The data set that asked->path begins with, held, or NULL and the answer is made. With
 * `may_have_operation` it may be a live series, and the last part of the path may be one of the
 * words of docs/protocol.md, given in *out_operation (0 to 4, else -1). Also answers when the
 * version asked for is gone. */
gch__dataset *gch__asked_dataset(gch__asked *asked, bool may_have_operation, int *out_operation);
/* False, with the answer made, if a key is unknown or stands twice. */
bool gch__asked_check(gch__asked *asked, const char *const *known, size_t known_count,
                      const char *repeated);
/* Adds Cache-Control and the entity tag, and answers 304 if the client has it: true then. */
bool gch__answer_is_cached(gch__asked *asked, const char *tag, bool is_of_version);

/* Handlers: each answers, or begins to. */
void gch__serve_file(gch__asked *asked);    /* serve_file.c */
void gch__serve_view(gch__asked *asked);    /* serve_answer.c: metadata and the five operations */
void gch__serve_list(gch__asked *asked);    /* serve_pages.c */
void gch__serve_page(gch__asked *asked);    /* serve_pages.c */
void gch__serve_viewer(gch__asked *asked);  /* serve_pages.c; asked->path is all of the path */
void gch__serve_metrics(gch__asked *asked); /* serve_metrics.c */
void gch__serve_live(gch__asked *asked);    /* serve_publish.c */

#endif
