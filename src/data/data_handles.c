/* Page handles: a pin with a name.
 *
 * Invariants:
 *  1. A handle in the pool owns one pin of its page, and one hold of its source if it has one.
 *     Who removes the handle from the pool takes both over.
 */
#include "data_state.h"

static gch_status fail_stale(gch_error *err)
{
    return gch_fail(err, GCH_INVALID,
                    "page: the handle is stale: it was released before, or was never valid");
}

/* Names a pin that the caller has; on failure the pin stays the caller's. */
static gch_status name_pin(gch_data *data, void *object, uint64_t number, gch_page *out,
                           gch_error *err)
{
    pthread_mutex_lock(&data->handles_lock);
    gch_status status = gch__pool_add(&data->pages, object, number, &out->id, err);
    pthread_mutex_unlock(&data->handles_lock);
    return status;
}

static gch_status unpin_page(gch_data *data, void *object, uint64_t number, gch_error *err)
{
    if (number == GCH__PAGE_IS_KEYED)
        return gch__keyed_unpin(data, object, err);
    gch_status status = gch__page_unpin(object, number, err);
    gch__source_drop(object);
    return status;
}

static gch_status check_page(const gch__source *source, uint64_t page, gch_error *err)
{
    if (page >= source->page_count)
        return gch_fail(err, GCH_INVALID, "%s: page %llu asked for, there are %llu", source->name,
                        (unsigned long long)page, (unsigned long long)source->page_count);
    return GCH_OK;
}

static gch_status pin_waiting(gch__source *source, uint64_t page, gch_error *err)
{
    gch_data *data = source->data;
    for (;;) {
        switch (gch__page_pin(source, page, false)) {
        case GCH__PIN_DONE:
            gch__count(&data->counters.hits, 1);
            return GCH_OK;
        case GCH__PIN_FAILED:
            return gch__page_fail(source, page, err);
        case GCH__PIN_BUSY:
            GCH_TRY(gch__page_await(source, page, NULL, err));
            break;
        case GCH__PIN_MISSING:
            if (gch__pages_claim(source, page, 1) == 1) {
                uint64_t loaded;
                gch__count(&data->counters.misses, 1);
                GCH_TRY(
                    gch__pages_load(source, page, 1, GCH__PRIORITY_VISIBLE, NULL, 0, &loaded, err));
                if (loaded != 0)
                    return GCH_OK;
            }
            break;
        }
    }
}

static gch_status pin_at_once(gch__source *source, uint64_t page, gch_cancel *cancel,
                              gch_error *err)
{
    gch_data *data = source->data;
    if (gch_cancel_is_set(cancel))
        return gch_fail(err, GCH_CANCELLED, "cancelled");
    switch (gch__page_pin(source, page, false)) {
    case GCH__PIN_DONE:
        gch__count(&data->counters.hits, 1);
        return GCH_OK;
    case GCH__PIN_FAILED:
        return gch__page_fail(source, page, err);
    case GCH__PIN_MISSING:
        (void)gch__queue_page(source, page, GCH__PRIORITY_VISIBLE, cancel);
        break;
    case GCH__PIN_BUSY:
        break;
    }
    gch__count(&data->counters.misses, 1);
    gch__count(&data->counters.pending, 1);
    return gch_fail(err, GCH_PENDING, "%s: page %llu is not loaded yet", source->name,
                    (unsigned long long)page);
}

static gch_status acquire(gch_data *data, gch_source handle, uint64_t page, bool waits,
                          gch_cancel *cancel, gch_page *out, gch_error *err)
{
    gch__source *source;
    GCH_TRY(gch__source_hold(data, handle, &source, err));
    gch_status status = check_page(source, page, err);
    if (status == GCH_OK)
        status = waits ? pin_waiting(source, page, err) : pin_at_once(source, page, cancel, err);
    if (status == GCH_OK) {
        status = name_pin(data, source, page, out, err);
        if (status == GCH_OK)
            return GCH_OK; /* the hold is the handle's now */
        gch_status undone = gch__page_unpin(source, page, NULL);
        (void)undone; /* its own pin */
    }
    gch__source_drop(source);
    return status;
}

gch_status gch_page_acquire(gch_data *data, gch_source source, uint64_t page, gch_page *out,
                            gch_error *err)
{
    return acquire(data, source, page, true, NULL, out, err);
}

gch_status gch_page_try_acquire(gch_data *data, gch_source source, uint64_t page,
                                gch_cancel *cancel, gch_page *out, gch_error *err)
{
    return acquire(data, source, page, false, cancel, out, err);
}

gch_status gch_page_acquire_key(gch_data *data, gch_key key, gch_page *out, gch_error *err)
{
    gch__keyed *keyed;
    GCH_TRY(gch__keyed_pin(data, key, &keyed, err));
    gch_status status = name_pin(data, keyed, GCH__PAGE_IS_KEYED, out, err);
    if (status != GCH_OK) {
        gch_status undone = gch__keyed_unpin(data, keyed, NULL);
        (void)undone; /* its own pin */
    }
    return status;
}

gch_status gch_page_release(gch_data *data, gch_page page, gch_error *err)
{
    uint64_t number = 0;
    pthread_mutex_lock(&data->handles_lock);
    void *object = gch__pool_remove(&data->pages, page.id, &number);
    pthread_mutex_unlock(&data->handles_lock);
    if (object == NULL)
        return fail_stale(err);
    return unpin_page(data, object, number, err);
}

gch_status gch_page_get_bytes(gch_data *data, gch_page page, gch_bytes *out, gch_error *err)
{
    uint64_t number = 0;
    pthread_mutex_lock(&data->handles_lock);
    void *object = gch__pool_get(&data->pages, page.id, &number);
    if (object != NULL && number == GCH__PAGE_IS_KEYED) {
        const gch__keyed *keyed = object;
        *out = (gch_bytes){.bytes = keyed->buffer.bytes, .count = keyed->buffer.byte_count};
    } else if (object != NULL) {
        const gch__source *source = object;
        uint64_t offset = number * GCH_PAGE_BYTES, left = source->byte_count - offset;
        *out = (gch_bytes){.bytes = source->base + offset,
                           .count = (size_t)GCH_MIN(left, (uint64_t)GCH_PAGE_BYTES)};
    }
    pthread_mutex_unlock(&data->handles_lock);
    return object != NULL ? GCH_OK : fail_stale(err);
}
