/* What the files of the HTTP client share.
 *
 *     request    what a caller asked for
 *     resource   URL, token and version that requests name: where ranges can be merged
 *     origin     scheme, host and port: one line, one queue a priority
 *     exchange   one request and answer on the wire, with its repetitions; serves one request, or
 *                the ranges of several
 *
 * A request is `incoming` (in http->incoming), queued (in its origin's queue), or served by an
 * exchange; then it ends, once, with gch__request_end. An exchange is on the wire (in the multi
 * handle), waits for its next try, or drains: all its requests were cancelled, and reading the
 * little that is left is cheaper than a new connection.
 *
 * Threads: the lock guards what callers' threads touch: handles, the three lists from outside, the
 * tables of origins and resources and the latter's counts. All else belongs to the client's thread.
 */
#ifndef GCH_NET_STATE_H
#define GCH_NET_STATE_H

#include "base_pool.h"
#include "gch/http.h"
#include "net_coding.h"
#include "net_header.h"
#include "net_link.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>

#define GCH__HTTP_PRIORITIES 3

typedef struct gch__request gch__request;
typedef struct gch__exchange gch__exchange;
typedef struct gch__origin gch__origin;

typedef struct gch__resource {
    struct gch__resource *next; /* of the client's table */
    gch__origin *origin;
    uint32_t refs;                          /* requests */
    char *url, *token, *version;            /* the latter two may be "" */
    gch__request *first_range, *last_range; /* queued ranges, by offset */
} gch__resource;

struct gch__request {
    gch__request *next;            /* of the list or queue that it is in, or of its exchange */
    gch__request *before, *after;  /* queued ranges of its resource, by offset */
    gch__request *next_cancelled;  /* in http->cancelled */
    gch__request *next_resumed;    /* in http->resumed */
    bool is_cancelled, is_resumed; /* in those lists; under the lock */
    bool is_queued;
    uint32_t id;
    gch__resource *resource;
    gch__exchange *exchange; /* NULL: not served yet */

    gch_http_method method;
    gch_priority priority;
    uint64_t offset; /* of a range */
    size_t byte_count;
    bool is_suffix;
    uint8_t *out;
    size_t body_cap;
    uint8_t *sent; /* body, its own */
    size_t sent_bytes;
    char *sent_type;
    gch_status (*on_bytes)(void *context, const uint8_t *bytes, size_t count, gch_error *err);
    void (*on_done)(void *context, const gch_http_response *response);
    void *context;
    int64_t deadline_ns; /* 0: none */
};

static inline bool gch__request_is_range(const gch__request *request)
{
    return request->byte_count > 0;
}

/* Whether it may share an exchange with other ranges. */
static inline bool gch__request_can_merge(const gch__request *request)
{
    return request->byte_count > 0 && !request->is_suffix;
}

typedef struct gch__queue_of_requests {
    gch__request *first, *last;
} gch__http_queue;

struct gch__origin {
    gch__origin *next;
    char *name; /* "https://host:port" */
    bool is_tls;
    bool speaks_http1; /* learned from its last answer; cleartext: always */
    gch__link link;
    uint64_t delivered_bytes;
    uint32_t active_count; /* exchanges on the wire */
    uint32_t
        paused_count; /* of these, that wait for their takers and so take no part of the line */
    uint64_t active_bytes; /* that they still have to bring, as far as is known */
    uint32_t prefetch_count;
    gch__http_queue queues[GCH__HTTP_PRIORITIES];
};

typedef enum gch__exchange_state {
    GCH__EXCHANGE_ACTIVE,
    GCH__EXCHANGE_WAITING,
    GCH__EXCHANGE_DRAINING,
} gch__exchange_state;

struct gch__exchange {
    gch_http *http;
    gch__exchange *next, *previous; /* of all */
    gch__exchange_state state;
    gch__resource *resource; /* of its requests, which keep it; NULL when draining */
    gch__origin *origin;
    CURL *easy;
    struct curl_slist *fields;
    gch__request *requests; /* ranges in order of offset; else exactly one */
    gch_http_method method;
    gch_priority priority;
    bool is_range, is_suffix, is_stream; /* is_stream: on_bytes */

    /* Of the body: absolute within the resource for ranges. */
    uint64_t first, position, end; /* end 0: not known */
    uint64_t skip;          /* bytes of a repeated whole body that have been delivered before */
    uint64_t charged_bytes; /* of origin->active_bytes */

    /* One try. */
    gch__head head;
    bool has_body;   /* the head was judged, the body has begun */
    bool is_refused; /* the body is no part of what was asked for */
    bool is_paused;
    uint64_t refused_bytes;
    gch__decoder *decoder;
    gch__coding coding;
    int64_t started_ns, first_byte_ns, progress_ns;
    uint64_t delivered_before; /* origin->delivered_bytes at the first byte */
    uint64_t try_position;     /* position at the start */

    uint32_t try_count, fruitless_count, quick_count;
    int64_t due_ns; /* WAITING, DRAINING: until when */
    int64_t deadline_ns;
    gch_status failure; /* for good, from within a callback; GCH_OK: none */
    gch_error error;    /* the last one */
    uint64_t ttfb_ns;
    char version[GCH_HTTP_VALIDATOR_CAP]; /* of what the body's first part was of */
    uint64_t total_bytes;
    bool is_changed;
    gch__buffer body;
};

typedef struct gch__http_counters {
    _Atomic uint64_t started, succeeded, failed, cancelled, in_flight, queued;
    _Atomic uint64_t exchanges, retries, resumes, coalesced, joined, connections, reused;
    _Atomic uint64_t wire_bytes, body_bytes, gap_bytes, sent_bytes;
    _Atomic uint64_t ttfb[GCH_LATENCY_BUCKETS];
    _Atomic uint64_t latency_ns, bytes_per_s;
} gch__http_counters;

#define GCH__IDLE_CAP 64u

struct gch_http {
    const gch_allocator *allocator;
    gch_http_desc settings; /* resolved */
    char *ca_file;
    CURLM *multi;
    pthread_t thread;
    bool has_thread, has_lock;

    pthread_mutex_t lock;
    gch__pool handles;
    gch__request *incoming, **incoming_end;
    gch__request *cancelled, *resumed;
    bool is_stopping;
    gch__origin *origins;
    gch__resource *resources;
    struct gch__remote *remotes; /* net_source.c: open sources */

    gch__exchange *exchanges;
    CURL *idle[GCH__IDLE_CAP];
    uint32_t idle_count;
    uint64_t random;
    uint64_t decode_rates[GCH__CODING_COUNT]; /* bytes of output a second */
    gch__http_counters counters;
};

static inline void gch__http_count(_Atomic uint64_t *counter, uint64_t by)
{
    atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

/* ---- net_http.c ---- */

/* Sets curl up, once in the process; false if that fails. */
bool gch__curl_start(void);

/* The end of a request, which is detached from everything: tells the caller and frees it. */
void gch__request_end(gch_http *http, gch__request *request, const gch_http_response *response);

/* ---- net_queue.c: what waits, in which order it goes out, and what is merged ---- */

void gch__queue_add(gch_http *http, gch__request *request);
void gch__queue_remove(gch_http *http, gch__request *request);
/* Starts what the lines have room for. */
void gch__queue_dispatch(gch_http *http);
/* Adds a range to the requests of an exchange, in order of offset. */
void gch__http_exchange_add_range(gch__exchange *exchange, gch__request *request);

/* ---- net_exchange.c: one exchange ---- */

/* Takes over the request, and ends it should there be no memory for an exchange. For ranges,
 * [first, end) is asked for. Then gch__http_exchange_begin. */
gch__exchange *gch__http_exchange_make(gch_http *http, gch__request *request);
void gch__http_exchange_begin(gch__exchange *exchange); /* its first try, or its next */
/* curl is through with its try. */
void gch__http_exchange_conclude(gch__exchange *exchange, CURLcode result);
/* One of its requests was cancelled, and ends. */
void gch__http_exchange_cancel(gch__exchange *exchange, gch__request *request);
/* Ends all its requests and itself. */
void gch__http_exchange_fail(gch__exchange *exchange, gch_status status);
/* on_bytes took nothing. */
void gch__http_exchange_pause(gch__exchange *exchange);
/* on_bytes may be called again. */
void gch__http_exchange_resume(gch__exchange *exchange);
/* What time asks for: stalls, deadlines, next tries. Returns when to look again; the exchange may
 * be gone. */
int64_t gch__http_exchange_check(gch__exchange *exchange, int64_t now_ns);

/* ---- net_body.c: an answer's head and body as they come in ---- */

size_t gch__http_body_take_head(char *line, size_t size, size_t count, void *context);
size_t gch__http_body_take_bytes(char *bytes, size_t size, size_t count, void *context);
/* Judges the head if no body has done so yet; false if the exchange has failed. */
bool gch__http_body_begin(gch__exchange *exchange);
void gch__http_body_reset(gch__exchange *exchange); /* before a try */
/* The end of one range or of all of a body. */
void gch__http_exchange_complete(gch__exchange *exchange, gch__request *request);

/* ---- net_source.c: files at URLs ---- */

/* What a source was opened from. */
typedef struct gch__remote_texts {
    char *url, *token; /* owned, of the client's allocator */
    char validator[GCH_HTTP_VALIDATOR_CAP];
} gch__remote_texts;
/* By number; *out is filled on success only. GCH_UNSUPPORTED: not one of this client's;
 * GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__remote_find(gch_http *http, uint32_t number, gch__remote_texts *out,
                                        gch_error *err);

/* ---- net_retry.c: what a failure means ---- */

typedef enum gch__verdict {
    GCH__VERDICT_FINAL,
    GCH__VERDICT_RETRY,
    GCH__VERDICT_RETRY_AT_ONCE, /* the server did not begin with it: GOAWAY, a closed idle line */
} gch__verdict;

/* Of a try that curl could not finish; *status and err say it to the caller. */
gch__verdict gch__judge_failure(CURLcode result, const char *url, gch_status *status,
                                gch_error *err);
/* Of an answer whose status is not 2xx. */
gch__verdict gch__judge_status(uint32_t http_status, const char *url, gch_status *status,
                               gch_error *err);
/* Before try number `count` + 1, count >= 1: exponential, capped, between half of that and all of
 * it. */
int64_t gch__backoff_ns(uint32_t count, uint32_t first_ms, uint32_t cap_ms, uint64_t *random);

#endif
