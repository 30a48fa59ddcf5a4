/* The client: made and destroyed, requests begun and ended, and the thread that does the rest.
 *
 * Invariants:
 *  1. A request is in the pool of handles from gch_http_start to gch__request_end; it is in
 *     http->cancelled or ->resumed at most once, and in neither when it is freed.
 *  2. Whatever a caller's thread asks for is a list entry and a wake-up; the client's thread acts
 * on it. So no callback ever runs under the lock, or on a caller's thread.
 *  3. curl's global state is set up once in the process and stays.
 */
#include "base_sigpipe.h"
#include "net_state.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define URL_CAP 8000u
#define TOKEN_CAP 4000u
#define BODY_CAP (16u << 20)
#define IDLE_POLL_MS 60000

/* ---- lists from outside ---- */

static void drop_resource(gch_http *http, gch__resource *resource) /* under the lock */
{
    if (--resource->refs > 0)
        return;
    gch__resource **place = &http->resources;
    while (*place != resource)
        place = &(*place)->next;
    *place = resource->next;
    gch__free(http->allocator, resource, "resource");
}

static void free_request(gch_http *http, gch__request *request)
{
    gch__free(http->allocator, request, "request");
}

void gch__request_end(gch_http *http, gch__request *request, const gch_http_response *response)
{
    gch__http_counters *counters = &http->counters;
    atomic_fetch_sub_explicit(&counters->in_flight, 1, memory_order_relaxed);
    gch__http_count(response->status == GCH_OK          ? &counters->succeeded
                    : response->status == GCH_CANCELLED ? &counters->cancelled
                                                        : &counters->failed,
                    1);
    if (request->on_done != NULL)
        request->on_done(request->context, response);
    pthread_mutex_lock(&http->lock);
    (void)gch__pool_remove(&http->handles, request->id, NULL);
    if (request->is_cancelled) {
        gch__request **place = &http->cancelled;
        while (*place != NULL && *place != request)
            place = &(*place)->next_cancelled;
        if (*place != NULL)
            *place = request->next_cancelled;
    }
    if (request->is_resumed) {
        gch__request **place = &http->resumed;
        while (*place != NULL && *place != request)
            place = &(*place)->next_resumed;
        if (*place != NULL)
            *place = request->next_resumed;
    }
    drop_resource(http, request->resource);
    pthread_mutex_unlock(&http->lock);
    free_request(http, request);
}

void gch_http_cancel(gch_http *http, gch_http_id id)
{
    pthread_mutex_lock(&http->lock);
    gch__request *request = gch__pool_get(&http->handles, id.id, NULL);
    if (request != NULL && !request->is_cancelled) {
        request->is_cancelled = true;
        request->next_cancelled = http->cancelled;
        http->cancelled = request;
    }
    pthread_mutex_unlock(&http->lock);
    (void)curl_multi_wakeup(http->multi);
}

void gch_http_resume(gch_http *http, gch_http_id id)
{
    pthread_mutex_lock(&http->lock);
    gch__request *request = gch__pool_get(&http->handles, id.id, NULL);
    if (request != NULL && !request->is_resumed) {
        request->is_resumed = true;
        request->next_resumed = http->resumed;
        http->resumed = request;
    }
    pthread_mutex_unlock(&http->lock);
    (void)curl_multi_wakeup(http->multi);
}

/* ---- the client's thread ---- */

static void end_cancelled(gch_http *http, gch__request *request)
{
    if (request->exchange != NULL) {
        gch__http_exchange_cancel(request->exchange, request);
        return;
    }
    gch_http_response response = {.status = GCH_CANCELLED};
    gch__set_error(&response.error, GCH_CANCELLED, "cancelled");
    if (request->is_queued)
        gch__queue_remove(http, request);
    gch__request_end(http, request, &response);
}

/* Takes in what has been asked for; true if the client is to stop. */
static bool take_in(gch_http *http)
{
    pthread_mutex_lock(&http->lock);
    gch__request *request = http->incoming;
    http->incoming = NULL;
    http->incoming_end = &http->incoming;
    bool is_stopping = http->is_stopping;
    pthread_mutex_unlock(&http->lock);
    while (request != NULL) {
        gch__request *next = request->next;
        request->next = NULL;
        gch__queue_add(http, request);
        request = next;
    }
    for (;;) { /* callbacks may cancel others */
        pthread_mutex_lock(&http->lock);
        request = http->cancelled;
        if (request != NULL && request->exchange == NULL && !request->is_queued)
            request = NULL; /* came in since: its turn is next time */
        if (request != NULL)
            http->cancelled = request->next_cancelled;
        pthread_mutex_unlock(&http->lock);
        if (request == NULL)
            break;
        end_cancelled(http, request);
    }
    for (;;) {
        pthread_mutex_lock(&http->lock);
        request = http->resumed;
        if (request != NULL) {
            http->resumed = request->next_resumed;
            request->is_resumed = false;
        }
        pthread_mutex_unlock(&http->lock);
        if (request == NULL)
            break;
        if (request->exchange != NULL)
            gch__http_exchange_resume(request->exchange);
    }
    return is_stopping;
}

static void conclude_all(gch_http *http)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
        gch__exchange *exchange = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode result = message->data.result; /* the message goes with its handle */
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&exchange);
        gch__http_exchange_conclude(exchange, result);
    }
}

/* Stalls, deadlines and next tries; returns how long to sleep. */
static int check_all(gch_http *http)
{
    int64_t now = gch__clock_ns(), until = INT64_MAX;
    for (gch__exchange *x = http->exchanges, *next; x != NULL; x = next) {
        next = x->next; /* checking may end x, and no other */
        int64_t when = gch__http_exchange_check(x, now);
        until = GCH_MIN(until, when);
    }
    if (until == INT64_MAX)
        return IDLE_POLL_MS;
    int64_t ms = (until - now + 999999) / 1000000;
    return (int)GCH_MAX(GCH_MIN(ms, (int64_t)IDLE_POLL_MS), (int64_t)0);
}

static void end_all(gch_http *http)
{
    gch_http_response response = {.status = GCH_CANCELLED};
    gch__set_error(&response.error, GCH_CANCELLED, "the client is being closed");
    while (http->exchanges != NULL) {
        http->exchanges->error = response.error;
        gch__http_exchange_fail(http->exchanges, GCH_CANCELLED);
    }
    for (gch__origin *origin = http->origins; origin != NULL; origin = origin->next) {
        for (int i = 0; i < GCH__HTTP_PRIORITIES; i++) {
            while (origin->queues[i].first != NULL) {
                gch__request *request = origin->queues[i].first;
                gch__queue_remove(http, request);
                gch__request_end(http, request, &response);
            }
        }
    }
}

static void *client_main(void *argument)
{
    gch_http *http = argument;
    gch__sigpipe_block(NULL); /* not all that curl stands on knows MSG_NOSIGNAL */
    while (!take_in(http)) {
        int running = 0;
        gch__queue_dispatch(http);
        (void)curl_multi_perform(http->multi, &running);
        conclude_all(http);
        int sleep_ms = check_all(http);
        gch__queue_dispatch(http); /* in the room that has come free */
        (void)curl_multi_poll(http->multi, NULL, 0, sleep_ms, NULL);
    }
    end_all(http);
    return NULL;
}

/* ---- making ---- */

static gch_status default_number(uint32_t *value, uint32_t otherwise, uint32_t low, uint32_t high,
                                 const char *name, gch_error *err)
{
    if (*value == 0)
        *value = otherwise;
    if (*value < low || *value > high)
        return gch_fail(err, GCH_INVALID, "%s: %u is not within %u and %u", name, *value, low,
                        high);
    return GCH_OK;
}

static gch_status resolve(gch_http_desc *desc, gch_error *err)
{
    const uint32_t day_ms = 86400000;
    GCH_TRY(
        default_number(&desc->connections_per_origin, 16, 1, 64, "connections_per_origin", err));
    GCH_TRY(default_number(&desc->streams_per_origin, 64, 1, 256, "streams_per_origin", err));
    GCH_TRY(default_number(&desc->attempt_cap, 5, 1, 100, "attempt_cap", err));
    GCH_TRY(default_number(&desc->connect_timeout_ms, 10000, 1, day_ms, "connect_timeout_ms", err));
    GCH_TRY(default_number(&desc->stall_timeout_ms, 10000, 1, day_ms, "stall_timeout_ms", err));
    GCH_TRY(default_number(&desc->timeout_ms, 60000, 1, day_ms, "timeout_ms", err));
    GCH_TRY(default_number(&desc->backoff_ms, 100, 1, day_ms, "backoff_ms", err));
    return default_number(&desc->backoff_cap_ms, 10000, 1, day_ms, "backoff_cap_ms", err);
}

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_state;

static void start_curl(void)
{
    curl_state = curl_global_init(CURL_GLOBAL_ALL);
}

bool gch__curl_start(void)
{
    (void)pthread_once(&curl_once, start_curl);
    return curl_state == CURLE_OK;
}

static gch_status fill(gch_http *http, const gch_http_desc *desc, gch_error *err)
{
    http->settings = *desc;
    GCH_TRY(resolve(&http->settings, err));
    http->incoming_end = &http->incoming;
    http->handles = (gch__pool){.allocator = http->allocator, .purpose = "requests"};
    http->decode_rates[GCH__CODING_GZIP] = 200000000; /* until measured */
    http->decode_rates[GCH__CODING_BROTLI] = 200000000;
    http->decode_rates[GCH__CODING_ZSTD] = 500000000;
    if (getrandom(&http->random, sizeof http->random, 0) != sizeof http->random)
        http->random = (uint64_t)gch__clock_ns();
    if (desc->ca_file != NULL) {
        http->ca_file =
            gch__copy_text(http->allocator, desc->ca_file, strlen(desc->ca_file), "client");
        if (http->ca_file == NULL)
            return gch__no_memory(err, "client");
    }
    http->multi = gch__curl_start() ? curl_multi_init() : NULL;
    if (http->multi == NULL)
        return gch__no_memory(err, "client");
    (void)curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    (void)curl_multi_setopt(http->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, 256L);
    (void)curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, 256L);
    http->has_lock = pthread_mutex_init(&http->lock, NULL) == 0;
    if (!http->has_lock)
        return gch__no_memory(err, "client");
    http->has_thread = pthread_create(&http->thread, NULL, client_main, http) == 0;
    if (!http->has_thread)
        return gch_fail(err, GCH_LIMIT, "cannot start the client's thread");
    return GCH_OK;
}

gch_status gch_http_make(const gch_http_desc *desc, gch_http **out, gch_error *err)
{
    static const gch_http_desc defaults;
    if (desc == NULL)
        desc = &defaults;
    gch_http *http = gch__alloc_zero(desc->allocator, 1, sizeof *http, "client");
    if (http == NULL)
        return gch__no_memory(err, "client");
    http->allocator = desc->allocator;
    gch_status status = fill(http, desc, err);
    if (status != GCH_OK) {
        gch_http_destroy(http);
        return status;
    }
    *out = http;
    return GCH_OK;
}

void gch_http_destroy(gch_http *http)
{
    if (http == NULL)
        return;
    if (http->has_thread) {
        pthread_mutex_lock(&http->lock);
        http->is_stopping = true;
        pthread_mutex_unlock(&http->lock);
        (void)curl_multi_wakeup(http->multi);
        pthread_join(http->thread, NULL);
    }
    for (uint32_t i = 0; i < http->idle_count; i++)
        curl_easy_cleanup(http->idle[i]);
    if (http->multi != NULL)
        (void)curl_multi_cleanup(http->multi);
    while (http->origins != NULL) {
        gch__origin *next = http->origins->next;
        gch__free(http->allocator, http->origins, "origin");
        http->origins = next;
    }
    gch__pool_reset(&http->handles);
    gch__free(http->allocator, http->ca_file, "client");
    if (http->has_lock)
        pthread_mutex_destroy(&http->lock);
    gch__free(http->allocator, http, "client");
}

/* ---- starting a request ---- */

/* Whether a text can stand in a header field. */
static bool is_field_text(const char *text, size_t cap)
{
    size_t length = strnlen(text, cap);
    if (length >= cap)
        return false;
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F)
            return false;
    }
    return true;
}

static gch_status check_request(const gch_http_request *request, gch_error *err)
{
    bool is_range = request->byte_count > 0;
    bool has_body = request->method == GCH_HTTP_POST || request->method == GCH_HTTP_PUT;
    if (request->url == NULL || !is_field_text(request->url, URL_CAP))
        return gch_fail(err, GCH_INVALID, "url: it is missing, too long or no text");
    if ((uint32_t)request->method > GCH_HTTP_PUT ||
        (uint32_t)request->priority > GCH_PRIORITY_PREFETCH)
        return gch_fail(err, GCH_INVALID, "%s: method or priority is none", request->url);
    if (request->token != NULL && !is_field_text(request->token, TOKEN_CAP))
        return gch_fail(err, GCH_INVALID, "%s: the token is too long or no text", request->url);
    if (request->validator != NULL && !is_field_text(request->validator, GCH_HTTP_VALIDATOR_CAP))
        return gch_fail(err, GCH_INVALID, "%s: the validator is too long or no text", request->url);
    if (is_range && (request->out_bytes == NULL || request->method != GCH_HTTP_GET ||
                     request->on_bytes != NULL || request->offset > INT64_MAX ||
                     request->byte_count > INT64_MAX - request->offset))
        return gch_fail(err, GCH_INVALID, "%s: the range is none", request->url);
    if (request->body.count > 0 && (!has_body || request->body.bytes == NULL))
        return gch_fail(err, GCH_INVALID, "%s: a body that cannot be sent", request->url);
    if (request->body_type != NULL && !is_field_text(request->body_type, 256))
        return gch_fail(err, GCH_INVALID, "%s: the body's type is no text", request->url);
    return GCH_OK;
}

/* "https://host:port". GCH_INVALID. */
static gch_status name_origin(const char *url, char *out, size_t cap, bool *out_is_tls,
                              gch_error *err)
{
    char *scheme = NULL, *host = NULL, *port = NULL;
    CURLU *parts = curl_url();
    gch_status status = GCH_OK;
    if (parts == NULL)
        return gch__no_memory(err, "url");
    if (curl_url_set(parts, CURLUPART_URL, url, 0) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK) {
        status = gch_fail(err, GCH_INVALID, "%.200s: not a URL", url);
    } else if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0) {
        status = gch_fail(err, GCH_INVALID, "%.200s: neither http nor https", url);
    } else {
        int length = snprintf(out, cap, "%s://%s:%s", scheme, host, port);
        if (length < 0 || (size_t)length >= cap)
            status = gch_fail(err, GCH_INVALID, "%.200s: the host's name is too long", url);
        *out_is_tls = strcmp(scheme, "https") == 0;
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(parts);
    return status;
}

/* Under the lock. */
static gch_status find_origin(gch_http *http, const char *url, gch__origin **out, gch_error *err)
{
    char name[512];
    bool is_tls = false;
    GCH_TRY(name_origin(url, name, sizeof name, &is_tls, err));
    for (gch__origin *origin = http->origins; origin != NULL; origin = origin->next) {
        if (strcmp(origin->name, name) == 0) {
            *out = origin;
            return GCH_OK;
        }
    }
    size_t length = strlen(name) + 1;
    gch__origin *origin = gch__alloc(http->allocator, sizeof *origin + length, "origin");
    if (origin == NULL)
        return gch__no_memory(err, "origin");
    *origin = (gch__origin){.name = (char *)(origin + 1),
                            .is_tls = is_tls,
                            .speaks_http1 = !is_tls,
                            .next = http->origins};
    memcpy(origin->name, name, length);
    http->origins = *out = origin;
    return GCH_OK;
}

/* Under the lock; one more reference. */
static gch_status find_resource(gch_http *http, const gch_http_request *request,
                                gch__resource **out, gch_error *err)
{
    const char *token = request->token != NULL ? request->token : "";
    const char *version = request->validator != NULL ? request->validator : "";
    for (gch__resource *r = http->resources; r != NULL; r = r->next) {
        if (strcmp(r->url, request->url) == 0 && strcmp(r->token, token) == 0 &&
            strcmp(r->version, version) == 0) {
            r->refs++;
            *out = r;
            return GCH_OK;
        }
    }
    gch__origin *origin;
    GCH_TRY(find_origin(http, request->url, &origin, err));
    size_t url_bytes = strlen(request->url) + 1, token_bytes = strlen(token) + 1;
    size_t version_bytes = strlen(version) + 1;
    gch__resource *resource = gch__alloc(
        http->allocator, sizeof *resource + url_bytes + token_bytes + version_bytes, "resource");
    if (resource == NULL)
        return gch__no_memory(err, "resource");
    char *texts = (char *)(resource + 1);
    *resource = (gch__resource){.next = http->resources,
                                .origin = origin,
                                .refs = 1,
                                .url = texts,
                                .token = texts + url_bytes,
                                .version = texts + url_bytes + token_bytes};
    memcpy(resource->url, request->url, url_bytes);
    memcpy(resource->token, token, token_bytes);
    memcpy(resource->version, version, version_bytes);
    http->resources = *out = resource;
    return GCH_OK;
}

static gch_status make_request(gch_http *http, const gch_http_request *desc, gch__request **out,
                               gch_error *err)
{
    bool has_body = desc->method == GCH_HTTP_POST || desc->method == GCH_HTTP_PUT;
    const char *type = desc->body_type != NULL ? desc->body_type : "application/octet-stream";
    size_t type_bytes = has_body ? strlen(type) + 1 : 0, bytes;
    if (!gch__add_size(sizeof(gch__request) + type_bytes, desc->body.count, &bytes))
        return gch__no_memory(err, "request");
    gch__request *request = gch__alloc(http->allocator, bytes, "request");
    if (request == NULL)
        return gch__no_memory(err, "request");
    *request = (gch__request){
        .method = desc->method,
        .priority = desc->priority,
        .offset = desc->is_suffix ? 0 : desc->offset,
        .byte_count = desc->byte_count,
        .is_suffix = desc->byte_count > 0 && desc->is_suffix,
        .out = desc->out_bytes,
        .body_cap = desc->body_cap > 0 ? desc->body_cap : BODY_CAP,
        .on_bytes = desc->on_bytes,
        .on_done = desc->on_done,
        .context = desc->context,
    };
    char *rest = (char *)(request + 1);
    if (has_body) {
        request->sent_type = memcpy(rest, type, type_bytes);
        request->sent = (uint8_t *)rest + type_bytes;
        request->sent_bytes = desc->body.count;
        if (desc->body.count > 0)
            memcpy(request->sent, desc->body.bytes, desc->body.count);
    }
    if (desc->on_bytes == NULL)
        request->deadline_ns = gch__clock_ns() + (int64_t)http->settings.timeout_ms * 1000000;
    *out = request;
    return GCH_OK;
}

gch_status gch_http_start(gch_http *http, const gch_http_request *desc, gch_http_id *out_id,
                          gch_error *err)
{
    gch__request *request = NULL;
    GCH_TRY(check_request(desc, err));
    GCH_TRY(make_request(http, desc, &request, err));
    pthread_mutex_lock(&http->lock);
    gch_status status = http->is_stopping
                            ? gch_fail(err, GCH_CANCELLED, "the client is being closed")
                            : find_resource(http, desc, &request->resource, err);
    if (status == GCH_OK) {
        status = gch__pool_add(&http->handles, request, 0, &request->id, err);
        if (status != GCH_OK)
            drop_resource(http, request->resource);
    }
    if (status == GCH_OK) {
        if (out_id != NULL)
            out_id->id = request->id;
        *http->incoming_end = request;
        http->incoming_end = &request->next;
        gch__http_count(&http->counters.started, 1);
        gch__http_count(&http->counters.in_flight, 1);
    }
    pthread_mutex_unlock(&http->lock);
    if (status == GCH_OK)
        (void)curl_multi_wakeup(http->multi);
    else
        free_request(http, request);
    return status;
}
