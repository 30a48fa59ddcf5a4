/* One exchange: put on the wire, concluded, repeated, cancelled.
 *
 * Invariants:
 *  1. An exchange that is ACTIVE or DRAINING has its easy handle in the multi handle and is counted
 *     in its origin's active_count; no other is.
 *  2. Nothing is freed from within a callback of curl: callbacks note a failure or complete a
 *     request, and gch__http_exchange_conclude does the rest.
 *  3. A try begins at the first byte that a request still lacks.
 */
#include "net_state.h"

#include <stdio.h>
#include <string.h>

#define UNKNOWN_BYTES 65536u  /* what a body of unknown length is taken for */
#define DRAIN_BYTES 65536u    /* cheaper to read than a new connection */
#define DRAIN_NS 2000000000   /* and for how long that is tried */
#define PROGRESS_BYTES 65536u /* a try that brings this much was worth it */
#define RATE_BYTES 65536u
#define QUICK_CAP 3u
#define REDIRECT_CAP 5L

static bool is_idempotent(const gch__exchange *exchange)
{
    return exchange->method == GCH_HTTP_GET || exchange->method == GCH_HTTP_HEAD;
}

/* ---- making and ending ---- */

void gch__http_exchange_add_range(gch__exchange *exchange, gch__request *request)
{
    gch__request **place = &exchange->requests;
    while (*place != NULL && (*place)->offset <= request->offset)
        place = &(*place)->next;
    request->next = *place;
    *place = request;
    request->exchange = exchange;
}

gch__exchange *gch__http_exchange_make(gch_http *http, gch__request *request)
{
    gch__exchange *exchange = gch__alloc_zero(http->allocator, 1, sizeof *exchange, "exchange");
    if (exchange == NULL) {
        gch_http_response response = {.status = GCH_NO_MEMORY};
        (void)gch__no_memory(&response.error, "exchange");
        gch__request_end(http, request, &response);
        return NULL;
    }
    exchange->http = http;
    exchange->resource = request->resource;
    exchange->origin = request->resource->origin;
    exchange->method = request->method;
    exchange->priority = request->priority;
    exchange->is_range = gch__request_is_range(request);
    exchange->is_suffix = request->is_suffix;
    exchange->is_stream = request->on_bytes != NULL;
    exchange->deadline_ns = request->deadline_ns;
    exchange->body = (gch__buffer){.allocator = http->allocator, .purpose = "body"};
    exchange->state = GCH__EXCHANGE_WAITING;
    if (gch__request_can_merge(request)) {
        exchange->first = exchange->position = request->offset;
        exchange->end = request->offset + request->byte_count;
    }
    gch__http_exchange_add_range(exchange, request);
    exchange->next = http->exchanges;
    if (http->exchanges != NULL)
        http->exchanges->previous = exchange;
    http->exchanges = exchange;
    return exchange;
}

/* Off the wire; the handle goes back to the idle ones. */
static void take_off(gch__exchange *exchange)
{
    gch_http *http = exchange->http;
    if (exchange->state != GCH__EXCHANGE_WAITING) {
        exchange->origin->active_count--;
        exchange->origin->paused_count -= exchange->is_paused;
        exchange->is_paused = false;
        exchange->origin->active_bytes -= exchange->charged_bytes;
        exchange->origin->prefetch_count -= exchange->priority == GCH_PRIORITY_PREFETCH;
        exchange->charged_bytes = 0;
        exchange->state = GCH__EXCHANGE_WAITING;
    }
    if (exchange->easy != NULL) {
        (void)curl_multi_remove_handle(http->multi, exchange->easy);
        curl_easy_reset(exchange->easy);
        if (http->idle_count < GCH__IDLE_CAP)
            http->idle[http->idle_count++] = exchange->easy;
        else
            curl_easy_cleanup(exchange->easy);
        exchange->easy = NULL;
    }
    curl_slist_free_all(exchange->fields);
    exchange->fields = NULL;
}

static void destroy(gch__exchange *exchange)
{
    gch_http *http = exchange->http;
    take_off(exchange);
    if (exchange->next != NULL)
        exchange->next->previous = exchange->previous;
    if (exchange->previous != NULL)
        exchange->previous->next = exchange->next;
    else
        http->exchanges = exchange->next;
    gch__decoder_destroy(exchange->decoder);
    gch__buffer_reset(&exchange->body);
    gch__free(http->allocator, exchange, "exchange");
}

static gch_http_response response_of(const gch__exchange *exchange, gch_status status)
{
    gch_http_response response = {
        .status = status,
        .http_status = exchange->head.status,
        .total_bytes = exchange->total_bytes,
        .is_changed = exchange->is_changed,
        .ttfb_ns = exchange->ttfb_ns,
        .retry_count = exchange->try_count > 0 ? exchange->try_count - 1 : 0,
    };
    const char *given = gch__head_validator(&exchange->head);
    memcpy(response.validator, given, strlen(given) + 1);
    memcpy(response.content_type, exchange->head.content_type, sizeof response.content_type);
    if (status != GCH_OK)
        response.error = exchange->error;
    return response;
}

static void detach(gch__exchange *exchange, gch__request *request)
{
    gch__request **place = &exchange->requests;
    while (*place != request)
        place = &(*place)->next;
    *place = request->next;
    request->next = NULL;
    request->exchange = NULL;
    if (exchange->requests == NULL)
        exchange->resource = NULL; /* may go with its last request */
}

static int64_t first_byte_after(const gch__exchange *exchange)
{
    return exchange->first_byte_ns > 0 ? exchange->first_byte_ns - exchange->started_ns : 0;
}

void gch__http_exchange_complete(gch__exchange *exchange, gch__request *request)
{
    exchange->ttfb_ns = (uint64_t)first_byte_after(exchange);
    gch_http_response response = response_of(exchange, GCH_OK);
    if (gch__request_is_range(request)) {
        response.offset = request->offset;
        response.body_bytes = request->byte_count;
    } else if (!exchange->is_stream) {
        response.body = exchange->body.bytes;
        response.body_bytes = exchange->body.count;
    }
    detach(exchange, request);
    gch__request_end(exchange->http, request, &response);
    if (exchange->requests == NULL && exchange->state == GCH__EXCHANGE_ACTIVE) {
        exchange->state =
            GCH__EXCHANGE_DRAINING; /* the end of the stream, or of a batch cut short */
        exchange->due_ns = gch__clock_ns() + DRAIN_NS;
    }
}

void gch__http_exchange_fail(gch__exchange *exchange, gch_status status)
{
    gch_http *http = exchange->http;
    gch_http_response response = response_of(exchange, status);
    while (exchange->requests != NULL) {
        gch__request *request = exchange->requests;
        detach(exchange, request);
        gch__request_end(http, request, &response);
    }
    destroy(exchange);
}

/* ---- on the wire ---- */

static bool add_field(gch__exchange *exchange, const char *text)
{
    struct curl_slist *fields = curl_slist_append(exchange->fields, text);
    if (fields != NULL)
        exchange->fields = fields;
    return fields != NULL;
}

/* False: no memory. */
static bool set_fields(gch__exchange *exchange)
{
    static const char *const priorities[GCH__HTTP_PRIORITIES] = {
        "Priority: u=1, i", "Priority: u=3, i", "Priority: u=6, i"};
    const gch__request *request = exchange->requests;
    const gch__resource *resource = exchange->resource;
    char text[4096 + 64];
    if (!add_field(exchange, priorities[exchange->priority]))
        return false;
    if (resource->token[0] != '\0') {
        snprintf(text, sizeof text, "Authorization: Bearer %s", resource->token);
        if (!add_field(exchange, text))
            return false;
    }
    const char *version = exchange->version[0] != '\0' ? exchange->version : resource->version;
    if (version[0] != '\0' && (exchange->is_range || exchange->position > 0)) {
        snprintf(text, sizeof text, "If-Range: %s", version);
        if (!add_field(exchange, text))
            return false;
    }
    if (!exchange->is_range && !exchange->is_stream && exchange->position == 0 &&
        exchange->method != GCH_HTTP_HEAD) {
        snprintf(text, sizeof text, "Accept-Encoding: %s",
                 gch__coding_accept(gch__link_rate(&exchange->origin->link),
                                    exchange->http->decode_rates));
        if (!add_field(exchange, text))
            return false;
    }
    if (request->sent_type != NULL) {
        snprintf(text, sizeof text, "Content-Type: %s", request->sent_type);
        if (!add_field(exchange, text) || !add_field(exchange, "Expect:"))
            return false;
    }
    return true;
}

static void set_range(const gch__exchange *exchange)
{
    char text[64];
    if (exchange->is_suffix && exchange->end == 0)
        snprintf(text, sizeof text, "-%zu", exchange->requests->byte_count);
    else if (exchange->is_range)
        snprintf(text, sizeof text, "%llu-%llu", (unsigned long long)exchange->position,
                 (unsigned long long)exchange->end - 1);
    else if (exchange->position > 0)
        snprintf(text, sizeof text, "%llu-", (unsigned long long)exchange->position);
    else
        return;
    curl_easy_setopt(exchange->easy, CURLOPT_RANGE, text);
}

static void set_method(const gch__exchange *exchange)
{
    const gch__request *request = exchange->requests;
    if (exchange->method == GCH_HTTP_HEAD)
        curl_easy_setopt(exchange->easy, CURLOPT_NOBODY, 1L);
    if (is_idempotent(exchange))
        return;
    curl_easy_setopt(exchange->easy, CURLOPT_POST, 1L);
    if (exchange->method == GCH_HTTP_PUT)
        curl_easy_setopt(exchange->easy, CURLOPT_CUSTOMREQUEST, "PUT");
    curl_easy_setopt(exchange->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->sent_bytes);
    curl_easy_setopt(exchange->easy, CURLOPT_POSTFIELDS,
                     request->sent != NULL ? (const char *)request->sent : "");
    /* On a used connection curl would send it again by itself should that turn out to be dead. */
    curl_easy_setopt(exchange->easy, CURLOPT_FRESH_CONNECT, 1L);
}

static void set_options(gch__exchange *exchange)
{
    static const long weights[GCH__HTTP_PRIORITIES] = {256, 64, 1}; /* servers of RFC 7540 */
    const gch_http *http = exchange->http;
    const gch__origin *origin = exchange->origin;
    CURL *easy = exchange->easy;
    /* A stream that is held up would let 32 MiB pile up here over HTTP/2; over HTTP/1.1 it is TCP
     * that holds the server up. */
    bool is_http2 = origin->is_tls && !exchange->is_stream;
    curl_easy_setopt(easy, CURLOPT_URL, exchange->resource->url);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, GCH__USER_AGENT);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, gch__http_body_take_head);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, gch__http_body_take_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                     is_http2 ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, is_http2 ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_STREAM_WEIGHT, weights[exchange->priority]);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 262144L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, REDIRECT_CAP);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, origin->is_tls ? "https" : "http,https");
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)http->settings.connect_timeout_ms);
    if (http->ca_file != NULL) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, http->ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->fields);
    set_method(exchange);
    set_range(exchange);
}

static void go_active(gch__exchange *exchange)
{
    gch__origin *origin = exchange->origin;
    gch__http_counters *counters = &exchange->http->counters;
    int64_t now = gch__clock_ns();
    exchange->state = GCH__EXCHANGE_ACTIVE;
    exchange->started_ns = exchange->progress_ns = now;
    exchange->try_position = exchange->position;
    exchange->charged_bytes =
        exchange->end > 0 ? exchange->end - exchange->position : (uint64_t)UNKNOWN_BYTES;
    origin->active_count++;
    origin->active_bytes += exchange->charged_bytes;
    origin->prefetch_count += exchange->priority == GCH_PRIORITY_PREFETCH;
    exchange->try_count++;
    gch__http_count(&counters->exchanges, 1);
    gch__http_count(&counters->retries, exchange->try_count > 1);
    gch__http_count(&counters->resumes,
                    exchange->try_count > 1 && exchange->position > exchange->first);
    gch__http_count(&counters->sent_bytes, exchange->requests->sent_bytes);
}

void gch__http_exchange_begin(gch__exchange *exchange)
{
    gch_http *http = exchange->http;
    gch__http_body_reset(exchange);
    exchange->easy = http->idle_count > 0 ? http->idle[--http->idle_count] : curl_easy_init();
    if (exchange->easy == NULL || !set_fields(exchange)) {
        gch__http_exchange_fail(exchange, gch__no_memory(&exchange->error, "request"));
        return;
    }
    set_options(exchange);
    if (curl_multi_add_handle(http->multi, exchange->easy) != CURLM_OK) {
        gch__http_exchange_fail(exchange, gch__no_memory(&exchange->error, "request"));
        return;
    }
    go_active(exchange);
}

/* ---- the end of a try ---- */

static void measure(gch__exchange *exchange)
{
    gch_http *http = exchange->http;
    gch__origin *origin = exchange->origin;
    gch__http_counters *counters = &http->counters;
    int64_t now = gch__clock_ns(), wait = first_byte_after(exchange);
    long version = 0, connects = 0;
    curl_off_t connected_us = 0;
    (void)curl_easy_getinfo(exchange->easy, CURLINFO_NUM_CONNECTS, &connects);
    gch__http_count(&counters->connections, (uint64_t)GCH_MAX(connects, 0));
    if (wait <= 0)
        return;
    gch__http_count(&counters->reused, connects == 0);
    uint64_t us = (uint64_t)wait / 1000;
    uint32_t bucket = us < 2 ? 0 : 63u - (uint32_t)__builtin_clzll(us);
    gch__http_count(&counters->ttfb[GCH_MIN(bucket, GCH_LATENCY_BUCKETS - 1)], 1);
    (void)curl_easy_getinfo(exchange->easy, CURLINFO_HTTP_VERSION, &version);
    if (!exchange->is_stream)
        origin->speaks_http1 = version < CURL_HTTP_VERSION_2_0;
    (void)curl_easy_getinfo(exchange->easy, CURLINFO_PRETRANSFER_TIME_T, &connected_us);
    /* Without the time that it took to have a connection. */
    gch__link_add_latency(&origin->link, now, wait - connected_us * 1000);
    uint64_t delivered = origin->delivered_bytes - exchange->delivered_before;
    /* Few bytes measure the round trip, not the rate; and what has piled up in buffers comes at
     * once, so that a short interval says little. */
    if (delivered >= RATE_BYTES)
        gch__link_add_delivery(
            &origin->link, now, delivered,
            GCH_MAX(now - exchange->first_byte_ns, gch__link_latency_ns(&origin->link) / 2));
    atomic_store_explicit(&counters->latency_ns, (uint64_t)gch__link_latency_ns(&origin->link),
                          memory_order_relaxed);
    atomic_store_explicit(&counters->bytes_per_s, gch__link_rate(&origin->link),
                          memory_order_relaxed);
}

/* To the first byte that is still lacking; a body that cannot be resumed begins anew. False: it
 * cannot even do that. */
static bool rewind_to_missing(gch__exchange *exchange)
{
    if (exchange->is_range) {
        if (exchange->is_suffix && exchange->end == 0)
            return true;
        exchange->position = GCH_MAX(exchange->position, exchange->requests->offset);
        if (exchange->is_suffix || exchange->position == exchange->first)
            return true;
        /* Without a validator bytes of two versions could come together in one range. */
        const gch__request *request = exchange->requests;
        if (exchange->version[0] == '\0' && exchange->resource->version[0] == '\0')
            exchange->position = GCH_MIN(exchange->position, request->offset);
        return true;
    }
    if (exchange->position == 0 ||
        (exchange->version[0] != '\0' && exchange->coding == GCH__CODING_IDENTITY))
        return true;
    if (exchange->is_stream) {
        gch__set_error(&exchange->error, GCH_UNAVAILABLE,
                       "%s: broken off after %llu bytes, and the server names no version by which "
                       "to go on",
                       exchange->resource->url, (unsigned long long)exchange->position);
        return false;
    }
    exchange->position = 0;
    gch__buffer_reset(&exchange->body);
    exchange->body = (gch__buffer){.allocator = exchange->http->allocator, .purpose = "body"};
    return true;
}

static void retry(gch__exchange *exchange, gch_status status, bool at_once)
{
    const gch_http_desc *settings = &exchange->http->settings;
    int64_t now = gch__clock_ns(), delay = 0;
    int64_t asked = exchange->head.retry_after_ns;
    if (exchange->position >= exchange->try_position + PROGRESS_BYTES)
        exchange->fruitless_count = 0;
    if (!at_once || ++exchange->quick_count > QUICK_CAP) {
        exchange->fruitless_count++;
        delay = gch__backoff_ns(exchange->fruitless_count, settings->backoff_ms,
                                settings->backoff_cap_ms, &exchange->http->random);
        delay = GCH_MAX(delay, asked);
    }
    if (!is_idempotent(exchange) || exchange->fruitless_count >= settings->attempt_cap ||
        (exchange->deadline_ns != 0 && now + delay >= exchange->deadline_ns) ||
        !rewind_to_missing(exchange)) {
        gch__http_exchange_fail(exchange, status);
        return;
    }
    take_off(exchange);
    exchange->due_ns = now + delay;
}

static void conclude_answer(gch__exchange *exchange)
{
    gch_status status = GCH_OK;
    const gch__head *head = &exchange->head;
    const char *url = exchange->resource->url;
    if (!head->is_complete) { /* curl takes the end of a connection for the end of a head */
        status = gch_fail(&exchange->error, GCH_UNAVAILABLE, "%s: the answer ends too early", url);
        retry(exchange, status, false);
        return;
    }
    if (!gch__http_body_begin(exchange)) {
        gch__http_exchange_fail(exchange, exchange->failure);
        return;
    }
    if (exchange->is_refused) {
        gch__verdict verdict = gch__judge_status(head->status, url, &status, &exchange->error);
        if (verdict == GCH__VERDICT_FINAL)
            gch__http_exchange_fail(exchange, status);
        else
            retry(exchange, status, false);
        return;
    }
    bool is_short = exchange->is_range    ? exchange->position < exchange->end
                    : head->status == 206 ? exchange->position < exchange->total_bytes
                                          : exchange->skip > 0;
    if (is_short) {
        status = gch_fail(&exchange->error, GCH_UNAVAILABLE, "%s: the answer ends too early", url);
        retry(exchange, status, false);
        return;
    }
    if (exchange->decoder != NULL && !gch__decoder_is_at_end(exchange->decoder)) {
        status = gch_fail(&exchange->error, GCH_CORRUPT,
                          "%s: the answer's %s coding ends too early", url, head->coding);
        gch__http_exchange_fail(exchange, status);
        return;
    }
    /* All of a range's requests but a suffix were completed as their last bytes came. */
    if (exchange->requests != NULL)
        gch__http_exchange_complete(exchange, exchange->requests);
    destroy(exchange);
}

void gch__http_exchange_conclude(gch__exchange *exchange, CURLcode result)
{
    measure(exchange);
    if (exchange->state == GCH__EXCHANGE_DRAINING || exchange->requests == NULL) {
        destroy(exchange);
        return;
    }
    if (exchange->failure != GCH_OK) {
        gch__http_exchange_fail(exchange, exchange->failure);
        return;
    }
    if (result == CURLE_OK || (result == CURLE_WRITE_ERROR && exchange->is_refused)) {
        conclude_answer(exchange);
        return;
    }
    gch_status status;
    gch__verdict verdict =
        gch__judge_failure(result, exchange->resource->url, &status, &exchange->error);
    if (verdict == GCH__VERDICT_FINAL)
        gch__http_exchange_fail(exchange, status);
    else
        retry(exchange, status, verdict == GCH__VERDICT_RETRY_AT_ONCE);
}

/* ---- from outside ---- */

/* All of its requests are gone. A little that is on its way is read to its end: closing the only
 * stream of a connection would mostly cost the connection, a round trip or three. */
static void abandon(gch__exchange *exchange)
{
    bool is_near_end = exchange->state == GCH__EXCHANGE_ACTIVE && exchange->has_body &&
                       !exchange->is_refused && exchange->end > 0 && !exchange->is_paused &&
                       exchange->end - exchange->position <= DRAIN_BYTES;
    bool is_only = exchange->origin->active_count == 1 || exchange->origin->speaks_http1;
    if (!is_near_end || !is_only) {
        destroy(exchange);
        return;
    }
    exchange->state = GCH__EXCHANGE_DRAINING;
    exchange->due_ns = gch__clock_ns() + DRAIN_NS;
}

void gch__http_exchange_cancel(gch__exchange *exchange, gch__request *request)
{
    gch_http *http = exchange->http;
    gch_http_response response = {.status = GCH_CANCELLED};
    gch__set_error(&response.error, GCH_CANCELLED, "cancelled");
    detach(exchange, request);
    gch__request_end(http, request, &response);
    if (exchange->requests == NULL)
        abandon(exchange);
}

void gch__http_exchange_pause(gch__exchange *exchange)
{
    exchange->is_paused = true;
    exchange->origin->paused_count++;
    exchange->origin->active_bytes -= exchange->charged_bytes;
    exchange->charged_bytes = 0;
    (void)curl_multi_wakeup(exchange->http->multi); /* there may be room for others now */
}

void gch__http_exchange_resume(gch__exchange *exchange)
{
    if (!exchange->is_paused || exchange->state != GCH__EXCHANGE_ACTIVE)
        return;
    exchange->is_paused = false;
    exchange->origin->paused_count--;
    exchange->progress_ns = gch__clock_ns();
    /* May call the write callback, which may pause again. */
    (void)curl_easy_pause(exchange->easy, CURLPAUSE_CONT);
}

static gch_status fail_time(gch__exchange *exchange, const char *what)
{
    return gch_fail(&exchange->error, GCH_UNAVAILABLE, "%s: %s", exchange->resource->url, what);
}

int64_t gch__http_exchange_check(gch__exchange *exchange, int64_t now)
{
    const gch_http_desc *settings = &exchange->http->settings;
    if (exchange->state == GCH__EXCHANGE_DRAINING) {
        bool is_near_end = exchange->end == 0 || exchange->end - exchange->position <= DRAIN_BYTES;
        if (is_near_end && now < exchange->due_ns)
            return exchange->due_ns;
        destroy(exchange);
        return INT64_MAX;
    }
    if (exchange->deadline_ns != 0 && now >= exchange->deadline_ns) {
        gch__http_exchange_fail(exchange, fail_time(exchange, "not done in time"));
        return INT64_MAX;
    }
    int64_t until = exchange->deadline_ns != 0 ? exchange->deadline_ns : INT64_MAX;
    if (exchange->state == GCH__EXCHANGE_WAITING) {
        if (now < exchange->due_ns)
            return GCH_MIN(until, exchange->due_ns);
        gch__http_exchange_begin(exchange);
        return now;
    }
    if (exchange->is_paused)
        return until;
    int64_t stalled = exchange->progress_ns + (int64_t)settings->stall_timeout_ms * 1000000;
    if (now < stalled)
        return GCH_MIN(until, stalled);
    gch_status status = fail_time(exchange, "the server has stopped answering");
    retry(exchange, status, false);
    return now;
}
