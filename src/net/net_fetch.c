/* A request that its caller waits for. */
#include "net_state.h"

#include <string.h>
#include <time.h>

#define CANCEL_POLL_NS 2000000 /* how soon a token that was set is seen */

typedef struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool is_done;
    const gch_allocator *allocator;
    gch_http_response *out;
    const gch_http_request *request; /* whose context on_bytes wants */
} waiting;

static gch_status forward_bytes(void *context, const uint8_t *bytes, size_t count, gch_error *err)
{
    const waiting *w = context;
    return w->request->on_bytes(w->request->context, bytes, count, err);
}

static void take_response(void *context, const gch_http_response *response)
{
    waiting *w = context;
    gch_http_response *out = w->out;
    *out = *response;
    out->body = NULL;
    if (response->body != NULL) { /* the client's buffer ends with the request */
        out->body = gch__alloc(w->allocator, response->body_bytes, "response");
        if (out->body == NULL) {
            out->body_bytes = 0;
            out->status = gch__no_memory(&out->error, "response");
        } else {
            memcpy(out->body, response->body, response->body_bytes);
        }
    }
    pthread_mutex_lock(&w->lock);
    w->is_done = true;
    pthread_cond_signal(&w->done);
    pthread_mutex_unlock(&w->lock);
}

static void wait_for(gch_http *http, waiting *w, gch_http_id id, const gch_cancel *cancel)
{
    bool is_cancelled = false;
    pthread_mutex_lock(&w->lock);
    while (!w->is_done) {
        if (cancel == NULL || is_cancelled) {
            pthread_cond_wait(&w->done, &w->lock);
            continue;
        }
        int64_t until = gch__clock_ns() + CANCEL_POLL_NS;
        struct timespec time = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};
        (void)pthread_cond_timedwait(&w->done, &w->lock, &time);
        if (!w->is_done && gch_cancel_is_set(cancel)) {
            is_cancelled = true;
            gch_http_cancel(http, id);
        }
    }
    pthread_mutex_unlock(&w->lock);
}

gch_status gch_http_fetch(gch_http *http, const gch_http_request *request, const gch_cancel *cancel,
                          gch_http_response *out, gch_error *err)
{
    *out = (gch_http_response){0};
    if (gch_cancel_is_set(cancel)) {
        out->status = gch_fail(&out->error, GCH_CANCELLED, "cancelled");
        return gch_fail(err, GCH_CANCELLED, "cancelled");
    }
    waiting w = {.allocator = http->allocator, .out = out, .request = request};
    pthread_condattr_t attributes;
    gch_http_request own = *request;
    gch_http_id id;
    own.on_done = take_response;
    own.on_bytes = request->on_bytes != NULL ? forward_bytes : NULL;
    own.context = &w;
    pthread_mutex_init(&w.lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&w.done, &attributes);
    pthread_condattr_destroy(&attributes);
    gch_status status = gch_http_start(http, &own, &id, err);
    if (status == GCH_OK) {
        wait_for(http, &w, id, cancel);
        status = out->status;
        if (status != GCH_OK && err != NULL)
            *err = out->error;
    }
    pthread_cond_destroy(&w.done);
    pthread_mutex_destroy(&w.lock);
    return status;
}

void gch_http_response_reset(gch_http *http, gch_http_response *response)
{
    gch__free(http->allocator, response->body, "response");
    *response = (gch_http_response){0};
}
