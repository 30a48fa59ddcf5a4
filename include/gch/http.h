/* HTTP for charts: one client keeps the connections, orders what is asked for by how soon it is
 * seen, merges small ranges, and repeats what a bad line has broken.
 *
 *     gch_http *http = NULL;
 *     gch_http_response response;
 *     gch_http_request request = {.url = "https://data.example/v1/data"};
 *     status = gch_http_make(NULL, &http, &err);
 *     status = gch_http_fetch(http, &request, NULL, &response, &err);
 *     ... response.body, response.body_bytes ...
 *     gch_http_response_reset(http, &response);
 *     gch_http_destroy(http);
 *
 * A client has one thread of its own, on which all callbacks run; these must not wait. HTTP/2 is
 * spoken over TLS, HTTP/1.1 otherwise. Certificates are always verified. Proxies are those of the
 * environment (https_proxy, http_proxy, no_proxy).
 *
 * Only GET and HEAD are repeated: after a broken or refused connection, a stall, 408, 429, 502, 503
 * and 504, with exponential backoff and jitter, or when Retry-After says. A body that broke is
 * resumed at the byte reached if the server gave it a validator (If-Range), so that bytes of two
 * versions are never mixed; else it is asked for anew.
 *
 * Ownership: a request's texts and body are copied; where its bytes go stays the caller's, and must
 * live until on_done. Thread rule: everything may be called from any thread, from callbacks too
 * (but gch_http_fetch and gch_http_destroy); gch_http_destroy comes last.
 */
#ifndef GCH_HTTP_H
#define GCH_HTTP_H

#include "gch/data.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gch_http gch_http;

/* A request under way; 0 is none, and a stale one names nothing. */
typedef struct gch_http_id {
    uint32_t id;
} gch_http_id;

typedef struct gch_http_desc {
    const char *ca_file;             /* PEM: trust these authorities only; NULL: the system's */
    uint32_t connections_per_origin; /* HTTP/1.1, 1-64; 0: 16 */
    uint32_t streams_per_origin;     /* HTTP/2, requests at once, 1-256; 0: 64 */
    uint32_t attempt_cap;            /* tries of one request that bring no bytes, 1-100; 0: 5 */
    uint32_t connect_timeout_ms;     /* 0: 10 s */
    uint32_t stall_timeout_ms;       /* the longest silence while an answer is awaited; 0: 10 s */
    uint32_t timeout_ms;             /* of a request in all, but for one with on_bytes; 0: 60 s */
    uint32_t backoff_ms;             /* before the first repetition, then doubled; 0: 100 */
    uint32_t backoff_cap_ms;         /* and the longest; 0: 10 s */
    const gch_allocator *allocator;
} gch_http_desc;

/* desc NULL means all defaults. GCH_INVALID names the field, GCH_NO_MEMORY; GCH_LIMIT if the thread
 * cannot be started. */
GCH_CHECKED gch_status gch_http_make(const gch_http_desc *desc, gch_http **out, gch_error *err);
/* Ends what is under way with GCH_CANCELLED and waits for that. NULL is allowed. */
void gch_http_destroy(gch_http *http);

typedef enum gch_http_method {
    GCH_HTTP_GET = 0,
    GCH_HTTP_HEAD = 1,
    GCH_HTTP_POST = 2,
    GCH_HTTP_PUT = 3,
} gch_http_method;

#define GCH_HTTP_VALIDATOR_CAP 128u

typedef struct gch_http_response {
    gch_status status;
    uint32_t http_status; /* of the last answer; 0: there was none */
    /* Of GET without a range and on_bytes: the whole body, decoded. gch_http_fetch: to be reset. */
    uint8_t *body;
    size_t body_bytes;
    uint64_t offset;      /* of a range: its first byte */
    uint64_t total_bytes; /* of the resource; 0: the server did not say */
    /* What names this version of the resource: its strong ETag, else its Last-Modified, else "". */
    char validator[GCH_HTTP_VALIDATOR_CAP];
    char content_type[64];
    bool is_changed;      /* the resource is not the one that the request's validator names */
    uint64_t ttfb_ns;     /* of the last try: until its first byte */
    uint32_t retry_count; /* tries after the first */
    gch_error error;      /* if status is not GCH_OK */
} gch_http_response;

typedef struct gch_http_request {
    const char *url; /* http:// or https://, at most 8000 bytes */
    gch_http_method method;
    /* Goes to the server (RFC 9218), and orders what waits here. Prefetch leaves half of the line
     * to the others. */
    gch_priority priority;
    const char *token;     /* sent as a bearer token; NULL: none */
    gch_bytes body;        /* POST and PUT */
    const char *body_type; /* its media type; NULL: application/octet-stream */

    /* A range: [offset, offset + byte_count) into out_bytes, all of it or failure; never content
     * coded. With is_suffix the last byte_count bytes, or the whole resource if it is smaller. */
    uint64_t offset;
    size_t byte_count; /* 0: not a range */
    bool is_suffix;
    void *out_bytes;
    const char *validator; /* of the version wanted (gch_http_response); NULL or "": any */

    size_t body_cap; /* the longest decoded body to take; 0: 16 MiB */

    /* Nullable: takes the body in parts, as it comes, instead of `body`; on a connection of its
     * own, over which the server is slowed down to the caller's pace. GCH_OK; GCH_PENDING: took
     * nothing, come back with it after gch_http_resume; any other status ends the request. */
    gch_status (*on_bytes)(void *context, const uint8_t *bytes, size_t count, gch_error *err);
    /* Nullable; called once for each request that was started. The response is borrowed. */
    void (*on_done)(void *context, const gch_http_response *response);
    void *context;
} gch_http_request;

/* Begins a request. It ends with on_done and one of: GCH_OK; GCH_NOT_FOUND (404, 410);
 * GCH_UNAVAILABLE (cannot be reached, stalls, 429 or 5xx, after all tries); GCH_IO (refused,
 * another status, TLS, a resource that has changed); GCH_CORRUPT (an answer that contradicts
 * itself, a broken coding); GCH_LIMIT (body_cap, redirects); GCH_UNSUPPORTED (the server does not
 * do ranges); GCH_CANCELLED; GCH_NO_MEMORY; on_bytes' own. Returns GCH_INVALID (naming the field),
 * GCH_NO_MEMORY or GCH_LIMIT (2^20 are under way), and then on_done is not called. out_id is
 * nullable. */
GCH_CHECKED gch_status gch_http_start(gch_http *http, const gch_http_request *request,
                                      gch_http_id *out_id, gch_error *err);
/* Ends a request with GCH_CANCELLED unless it has ended: its stream, its buffers and its places in
 * queues are free when on_done is called, within a millisecond or so. */
void gch_http_cancel(gch_http *http, gch_http_id id);
/* After on_bytes has returned GCH_PENDING: it may be called again. */
void gch_http_resume(gch_http *http, gch_http_id id);

/* Does a request and waits for it; cancelled when `cancel` (nullable) is set. on_done is ignored.
 * As gch_http_start and its ends; *out is filled in any case and owned by the caller. */
GCH_CHECKED gch_status gch_http_fetch(gch_http *http, const gch_http_request *request,
                                      const gch_cancel *cancel, gch_http_response *out,
                                      gch_error *err);
void gch_http_response_reset(gch_http *http, gch_http_response *response); /* frees the body */

typedef struct gch_http_stats {
    uint64_t started, succeeded, failed, cancelled;
    uint64_t in_flight, queued;   /* requests, now */
    uint64_t exchanges;           /* with servers: a batch is one, each try is one */
    uint64_t retries, resumes;    /* tries after the first; with a part of the body */
    uint64_t coalesced, joined;   /* requests that rode on another's exchange */
    uint64_t connections, reused; /* opened; exchanges that needed none */
    uint64_t wire_bytes, body_bytes,
        gap_bytes;                      /* received; decoded and delivered; between ranges */
    uint64_t sent_bytes;                /* of bodies */
    uint64_t ttfb[GCH_LATENCY_BUCKETS]; /* exchanges, as gch_data_stats.load_latency */
    uint64_t latency_ns;                /* of the origin used last: measured, smallest */
    uint64_t bytes_per_s;               /* and largest rate of delivery; 0: not known */
} gch_http_stats;

void gch_http_get_stats(gch_http *http, gch_http_stats *out);
/* As one JSON object; the length as gch_data_stats_json. */
size_t gch_http_stats_json(const gch_http_stats *stats, char *text, size_t text_cap);

#ifdef __cplusplus
}
#endif
#endif
