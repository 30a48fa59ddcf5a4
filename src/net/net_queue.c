/* What waits for a line: ordered by priority, merged when it goes out.
 *
 * Nothing is ever held back to make a batch: as soon as a line has room the first in order goes
 * out, and takes along what waits near it. A range completes as its last byte arrives, so that a
 * batch delays none but by the gaps in it.
 *
 * Invariants:
 *  1. The origin's queues hold its waiting requests in order of arrival, the resource's list the
 *     ranges among them by offset.
 *  2. A batch takes along only what is as urgent as its first request or more.
 *  3. An exchange is joined only if it is as urgent, and no byte of the range has passed yet.
 */
#include "net_state.h"

/* ---- lists ---- */

static void put_in_order(gch__request *request)
{
    gch__resource *resource = request->resource;
    gch__request *before = resource->last_range; /* most come in ascending order */
    while (before != NULL && before->offset > request->offset)
        before = before->before;
    gch__request *after = before != NULL ? before->after : resource->first_range;
    request->before = before;
    request->after = after;
    *(before != NULL ? &before->after : &resource->first_range) = request;
    *(after != NULL ? &after->before : &resource->last_range) = request;
}

static void take_from_order(gch__request *request)
{
    gch__resource *resource = request->resource;
    *(request->before != NULL ? &request->before->after : &resource->first_range) = request->after;
    *(request->after != NULL ? &request->after->before : &resource->last_range) = request->before;
    request->before = request->after = NULL;
}

void gch__queue_remove(gch_http *http, gch__request *request)
{
    gch__http_queue *queue = &request->resource->origin->queues[request->priority];
    gch__request **place = &queue->first, *last = NULL;
    while (*place != request) {
        last = *place;
        place = &(*place)->next;
    }
    *place = request->next;
    if (queue->last == request)
        queue->last = last;
    request->next = NULL;
    request->is_queued = false;
    if (gch__request_can_merge(request))
        take_from_order(request);
    atomic_fetch_sub_explicit(&http->counters.queued, 1, memory_order_relaxed);
}

/* ---- joining ---- */

static bool try_join(gch_http *http, gch__request *request)
{
    for (gch__exchange *x = http->exchanges; x != NULL; x = x->next) {
        if (x->resource != request->resource || !x->is_range || x->is_suffix ||
            x->state != GCH__EXCHANGE_ACTIVE || x->failure != GCH_OK ||
            x->priority > request->priority || request->offset < x->position ||
            request->offset + request->byte_count > x->end)
            continue;
        gch__http_exchange_add_range(x, request);
        gch__http_count(&http->counters.joined, 1);
        return true;
    }
    return false;
}

void gch__queue_add(gch_http *http, gch__request *request)
{
    if (gch__request_can_merge(request) && try_join(http, request))
        return;
    gch__http_queue *queue = &request->resource->origin->queues[request->priority];
    *(queue->last != NULL ? &queue->last->next : &queue->first) = request;
    queue->last = request;
    request->next = NULL;
    request->is_queued = true;
    if (gch__request_can_merge(request))
        put_in_order(request);
    gch__http_count(&http->counters.queued, 1);
}

/* ---- batches ---- */

static uint64_t end_of(const gch__request *request)
{
    return request->offset + request->byte_count;
}

static void take_along(gch__exchange *exchange, gch__request *request)
{
    gch__queue_remove(exchange->http, request);
    gch__http_exchange_add_range(exchange, request);
    exchange->first = exchange->position = GCH_MIN(exchange->first, request->offset);
    exchange->end = GCH_MAX(exchange->end, end_of(request));
    if (request->deadline_ns < exchange->deadline_ns)
        exchange->deadline_ns = request->deadline_ns;
    gch__http_count(&exchange->http->counters.coalesced, 1);
}

/* The nearest neighbours of a request that is about to go out, on both sides, as long as a gap is
 * cheaper than a request. */
static void gather(gch__exchange *exchange, gch__request *before, gch__request *after)
{
    const gch__origin *origin = exchange->origin;
    uint32_t lanes = origin->speaks_http1 ? exchange->http->settings.connections_per_origin : 0;
    uint64_t gap = gch__link_gap(&origin->link, lanes);
    uint64_t cap = gch__link_batch_cap(&origin->link);
    while (after != NULL && after->priority <= exchange->priority &&
           after->offset <= exchange->end + gap &&
           GCH_MAX(end_of(after), exchange->end) - exchange->first <= cap) {
        gch__request *next = after->after;
        take_along(exchange, after);
        after = next;
    }
    while (before != NULL && before->priority <= exchange->priority &&
           end_of(before) + gap >= exchange->first &&
           exchange->end - GCH_MIN(before->offset, exchange->first) <= cap) {
        gch__request *next = before->before;
        take_along(exchange, before);
        before = next;
    }
}

static void send_out(gch_http *http, gch__request *request)
{
    gch__request *before = request->before, *after = request->after;
    gch__queue_remove(http, request);
    gch__exchange *exchange = gch__http_exchange_make(http, request);
    if (exchange == NULL)
        return;
    if (gch__request_can_merge(request))
        gather(exchange, before, after);
    gch__http_exchange_begin(exchange);
}

/* ---- room ---- */

static bool has_room(const gch_http *http, const gch__origin *origin, gch_priority priority)
{
    uint32_t cap = origin->speaks_http1 ? http->settings.connections_per_origin
                                        : http->settings.streams_per_origin;
    uint64_t window = gch__link_window(&origin->link);
    uint32_t busy_count = origin->active_count - origin->paused_count;
    if (busy_count == 0)
        return true;
    if (priority == GCH_PRIORITY_PREFETCH) { /* what is seen first finds room at once */
        if (origin->prefetch_count >= GCH_MAX(cap / 2, 1u))
            return false;
        window /= 2;
    }
    return busy_count < cap && origin->active_bytes < window;
}

void gch__queue_dispatch(gch_http *http)
{
    pthread_mutex_lock(&http->lock);
    gch__origin *origin = http->origins; /* new ones come before it */
    pthread_mutex_unlock(&http->lock);
    for (; origin != NULL; origin = origin->next) {
        for (int priority = 0; priority < GCH__HTTP_PRIORITIES; priority++) {
            gch__http_queue *queue = &origin->queues[priority];
            while (queue->first != NULL && has_room(http, origin, (gch_priority)priority))
                send_out(http, queue->first);
            if (queue->first != NULL)
                break; /* nothing overtakes what is more urgent */
        }
    }
}
