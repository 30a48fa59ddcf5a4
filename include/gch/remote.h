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
#include "gch/follow.h"
#include "gch/http.h"
#include "gch/query.h"

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

/* Finished answers for a chart of such a source, when a data server (docs/protocol.md) holds it:
 * what needs many pages is computed there, where gch_columns_are_quicker says so.
 *
 *     gch_remote_answers *answers = NULL;
 *     if (gch_remote_answers_make(data, http, source, &answers, NULL) == GCH_OK)
 *         series.answers = gch_remote_answers_get(answers);
 *
 * A question that has been superseded is cancelled: so each chart, or other asker, has an object of
 * its own, used by one thread at a time. Answers that came are kept as keyed pages of the manager,
 * under its budget, and shared by all askers of the source. */
typedef struct gch_remote_answers gch_remote_answers;

/* Answers are taken for the opened version of the file only. GCH_UNSUPPORTED: the source's URL is
 * not that of a file at a data server; GCH_INVALID (stale), GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch_remote_answers_make(gch_data *data, gch_http *http, gch_source source,
                                               gch_remote_answers **out, gch_error *err);
/* After the queries that use it, before the manager. NULL is allowed. */
void gch_remote_answers_destroy(gch_remote_answers *answers);
const gch_answers *gch_remote_answers_get(const gch_remote_answers *answers);

/* A live series of a data server, followed into a live source (gch/live.h) that charts draw as any
 * other: gch_live_acquire_file of its source, gch_live_refresh_file before a frame.
 *
 *     gch_remote_live_desc desc = {.url = "https://data.example/v1/live/btc"};
 *     status = gch_remote_live_open(data, http, &desc, &live, &err);
 *
 * It begins with the oldest rows that the server still has. Rows that came and went while this end
 * was away, and that the server can only sum up, leave a gap, at whose end stand their last
 * values. A series that the server has not got any more, as after its restart, is waited for; when
 * it was made anew with the same columns, the old rows go (gch_live_clear), and those of the new
 * one come from its beginning. */
typedef struct gch_remote_live gch_remote_live;

typedef struct gch_remote_live_desc {
    const char *url;                            /* http(s)://host/v1/live/NAME */
    const char *token;                          /* sent as a bearer token; NULL: none */
    uint32_t rate;                              /* updates a second, 1-240; 0: 60 */
    uint32_t backoff_ms, backoff_cap_ms;        /* as gch_ws_desc */
    uint64_t keep_rows, keep_ticks, keep_bytes; /* as gch_live_desc */
} gch_remote_live_desc;

/* Waits for the description of the series, not for rows. As gch_http_fetch, gch_live_open and
 * gch_follow_open; GCH_CORRUPT for a description that is none. Certificates are checked as `http`
 * does, which is not needed afterwards but for its allocator. */
GCH_CHECKED gch_status gch_remote_live_open(gch_data *data, gch_http *http,
                                            const gch_remote_live_desc *desc, gch_remote_live **out,
                                            gch_error *err);
/* Ends following and closes the source; files that were acquired go on showing what they show. NULL
 * is allowed. */
void gch_remote_live_close(gch_remote_live *live);
gch_source gch_remote_live_get_source(const gch_remote_live *live);

typedef struct gch_remote_live_stats {
    gch_follow_stats follow;
    uint64_t gap_count; /* in place of rows that were missed, since the last restart */
    bool is_connected;
    bool is_final;   /* no more rows will come: refused for good, GCH_LIMIT (no room), GCH_UNSORTED,
                        GCH_CORRUPT, GCH_IO (made anew with other columns: open it again) */
    gch_error error; /* why, or why there is no connection at the moment */
} gch_remote_live_stats;

void gch_remote_live_get_stats(gch_remote_live *live, gch_remote_live_stats *out);

#ifdef __cplusplus
}
#endif
#endif
