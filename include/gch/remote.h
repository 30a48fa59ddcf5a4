/* Data that lies on another machine.
 *
 * A .gch file at a URL opens like a file: what is drawn is fetched by ranges, so any server that
 * answers range requests will do, and none of ours is needed.
 *
 *     gch_http *http = NULL;
 *     gch_source source;
 *     status = gch_http_make(NULL, &http, &err);
 *     status = gch_source_open_url(data, http, "https://data.example/ticks.gch", NULL, &source,
 *                                  &err);
 *     ... as with gch_source_open_file; close the source, then ...
 *     gch_http_destroy(http);
 *
 * A view of such a source should not wait for each page in turn: draw with no_wait, which asks for
 * all that is missing at once, again and again until the picture is complete.
 */
#ifndef GCH_REMOTE_H
#define GCH_REMOTE_H

#include "gch/data.h"
#include "gch/http.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gch_url_desc {
    const char *token;    /* sent as a bearer token; NULL: none */
    bool is_raw;          /* as gch_source_desc */
    uint64_t lifetime_ns; /* as gch_source_desc */
    const char *name;     /* in messages; NULL: the URL */
} gch_url_desc;

/* Opens the file at an http://, https:// or file:// URL. Two ranges are asked for at once, its
 * beginning and its end; the index, where it is not among them, with a third. Every byte that comes
 * later is of the same version, by the ETag or Last-Modified that the server gave; when the file
 * has been replaced, reading fails with GCH_IO, and gch_source_refresh says so.
 *
 * `http` is borrowed until the source is gone. As gch_source_open_ops (file://: as
 * gch_source_open_file) and gch_http_start's ends; GCH_INVALID for another scheme. */
GCH_CHECKED gch_status gch_source_open_url(gch_data *data, gch_http *http, const char *url,
                                           const gch_url_desc *desc, gch_source *out,
                                           gch_error *err);
/* Whether a text is such a URL, rather than a path. */
bool gch_url_is_url(const char *text);

#ifdef __cplusplus
}
#endif
#endif
