/* The manager itself: making and ending it, and the budgets others charge.
 *
 * Invariants:
 *  1. Everything the manager allocates goes through `allocator`, which counts.
 *  2. At its end loaders stop first, then sources go, then keyed pages: nothing is in use by then.
 */
#include "data_live.h"
#include "data_state.h"

#define BUDGET_FALLBACK ((uint64_t)1 << 30)
#define LOADERS_MAX 64u
#define QUEUE_CAP_MAX (1u << 20)

static void *counting_resize(void *context, void *old, size_t bytes, const char *purpose)
{
    gch_data *data = context;
    if (bytes == 0) {
        gch__free(data->outer, old, purpose);
        return NULL;
    }
    gch__count(&data->counters.allocations, 1);
    return gch__resize_array(data->outer, old, bytes, 1, purpose);
}

/* The desc with its defaults in place. */
static gch_status resolve(const gch_data_desc *given, gch_data_desc *out, gch_error *err)
{
    *out = given != NULL ? *given : (gch_data_desc){0};
    if (gch__policy_get(out->policy) == NULL)
        return gch_fail(err, GCH_INVALID, "policy: %u is none", (uint32_t)out->policy);
    if (out->loader_count > LOADERS_MAX)
        return gch_fail(err, GCH_INVALID, "loader_count: %u, at most %u", out->loader_count,
                        LOADERS_MAX);
    if (out->queue_cap > QUEUE_CAP_MAX)
        return gch_fail(err, GCH_INVALID, "queue_cap: %u, at most %u", out->queue_cap,
                        QUEUE_CAP_MAX);
    if (out->host_budget_bytes == 0)
        out->host_budget_bytes = gch__memory_physical_bytes() / 2;
    if (out->host_budget_bytes == 0)
        out->host_budget_bytes = BUDGET_FALLBACK;
    if (out->device_budget_bytes == 0)
        out->device_budget_bytes = BUDGET_FALLBACK;
    if (out->loader_count == 0)
        out->loader_count = 2;
    if (out->queue_cap == 0)
        out->queue_cap = 8192;
    if (out->stall_ms == 0)
        out->stall_ms = 1000;
    return GCH_OK;
}

void gch__cond_init(pthread_cond_t *out)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(out, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static void init_locks(gch_data *data)
{
    pthread_mutex_init(&data->handles_lock, NULL);
    pthread_mutex_init(&data->cache_lock, NULL);
    pthread_mutex_init(&data->wait_lock, NULL);
    pthread_mutex_init(&data->queue_lock, NULL);
    pthread_cond_init(&data->work, NULL);
    gch__cond_init(&data->changed);
}

/* Those that write to files, before the files go. */
static void stop_live(gch_data *data)
{
    for (uint32_t i = 0; i < data->sources.used; i++) {
        const gch__source *source = data->sources.slots[i].object;
        if (source != NULL && source->live != NULL)
            gch__live_source_stop(source->live);
    }
}

static void end_data(gch_data *data)
{
    const gch_allocator *allocator = &data->allocator;
    stop_live(data);
    gch__loaders_stop(data);
    for (uint32_t id; (id = gch__pool_any(&data->sources)) != 0;)
        gch__source_drop(gch__pool_remove(&data->sources, id, NULL));
    gch__keyed_reset(data);
    gch__pool_reset(&data->sources);
    gch__pool_reset(&data->series);
    gch__pool_reset(&data->pages);
    gch__keys_destroy(data->keys);
    data->policy_ops->destroy(data->policy);
    gch__free(allocator, data->slots, "cache");
    for (int i = 0; i < GCH__PRIORITY_COUNT; i++)
        gch__free(allocator, data->queues[i].entries, "queue");
    gch__free(allocator, data->loaders, "loaders");
    pthread_cond_destroy(&data->changed);
    pthread_cond_destroy(&data->work);
    pthread_mutex_destroy(&data->queue_lock);
    pthread_mutex_destroy(&data->wait_lock);
    pthread_mutex_destroy(&data->cache_lock);
    pthread_mutex_destroy(&data->handles_lock);
    gch__free(data->outer, data, "data manager");
}

gch_status gch_data_make(const gch_data_desc *given, gch_data **out, gch_error *err)
{
    gch_data_desc desc;
    GCH_TRY(resolve(given, &desc, err));
    gch_data *data = gch__alloc_zero(desc.allocator, 1, sizeof *data, "data manager");
    if (data == NULL)
        return gch__no_memory(err, "data manager");
    data->outer = desc.allocator;
    data->allocator = (gch_allocator){.resize = counting_resize, .context = data};
    data->host_budget = desc.host_budget_bytes;
    data->device_budget = desc.device_budget_bytes;
    data->stall_ns = (int64_t)desc.stall_ms * 1000000;
    data->next_number = 1;
    data->queue_cap = desc.queue_cap;
    data->policy_ops = gch__policy_get(desc.policy);
    data->sources = (gch__pool){.allocator = &data->allocator, .purpose = "source handles"};
    data->series = (gch__pool){.allocator = &data->allocator, .purpose = "series handles"};
    data->pages = (gch__pool){.allocator = &data->allocator, .purpose = "page handles"};
    init_locks(data);
    gch_status status = data->policy_ops->make(&data->allocator, &data->policy, err);
    GCH_TRY_GOTO(status, fail);
    GCH_TRY_GOTO(gch__keys_make(&data->allocator, &data->keys, err), fail);
    for (int i = 0; i < GCH__PRIORITY_COUNT; i++) {
        gch__queue *queue = &data->queues[i];
        queue->entries =
            gch__alloc_array(&data->allocator, data->queue_cap, sizeof *queue->entries, "queue");
        if (queue->entries == NULL) {
            status = gch__no_memory(err, "queue");
            goto fail;
        }
    }
    GCH_TRY_GOTO(gch__loaders_start(data, desc.loader_count, err), fail);
    *out = data;
    return GCH_OK;

fail:
    end_data(data);
    return status;
}

gch_status gch_data_destroy(gch_data *data, gch_error *err)
{
    if (data == NULL)
        return GCH_OK;
    pthread_mutex_lock(&data->handles_lock);
    uint32_t pages = data->pages.live_count;
    pthread_mutex_unlock(&data->handles_lock);
    uint32_t readers = atomic_load(&data->reader_count);
    uint32_t cancels = atomic_load(&data->cancel_count);
    if (pages > 0 || readers > 0 || cancels > 0)
        return gch_fail(err, GCH_INVALID,
                        "the data manager is in use: %u pages, %u readers and %u cancel tokens are "
                        "still held",
                        pages, readers, cancels);
    end_data(data);
    return GCH_OK;
}

/* ---- budgets others charge ---- */

gch_status gch_data_charge(gch_data *data, gch_memory kind, uint64_t byte_count, gch_error *err)
{
    if (kind == GCH_MEMORY_HOST)
        return gch__budget_take(data, byte_count, GCH_BYTES_CHARGED, 0, GCH__ROOM_AWAIT, err);
    if (kind != GCH_MEMORY_DEVICE)
        return gch_fail(err, GCH_INVALID, "memory: %u is no kind", (uint32_t)kind);
    uint64_t used = gch__peek(&data->device_used);
    do {
        if (byte_count > data->device_budget || used > data->device_budget - byte_count)
            return gch_fail(err, GCH_LIMIT,
                            "%llu bytes do not fit into the device budget of %llu, of which %llu "
                            "are in use",
                            (unsigned long long)byte_count, (unsigned long long)data->device_budget,
                            (unsigned long long)used);
    } while (!atomic_compare_exchange_weak(&data->device_used, &used, used + byte_count));
    return GCH_OK;
}

gch_status gch_data_discharge(gch_data *data, gch_memory kind, uint64_t byte_count, gch_error *err)
{
    if (kind != GCH_MEMORY_HOST && kind != GCH_MEMORY_DEVICE)
        return gch_fail(err, GCH_INVALID, "memory: %u is no kind", (uint32_t)kind);
    _Atomic uint64_t *place =
        kind == GCH_MEMORY_HOST ? &data->bytes[GCH_BYTES_CHARGED] : &data->device_used;
    uint64_t charged = gch__peek(place);
    do {
        if (byte_count > charged)
            return gch_fail(err, GCH_INVALID, "%llu bytes discharged, %llu are charged",
                            (unsigned long long)byte_count, (unsigned long long)charged);
    } while (!atomic_compare_exchange_weak(place, &charged, charged - byte_count));
    if (kind == GCH_MEMORY_HOST) {
        atomic_fetch_sub(&data->host_used, byte_count);
        gch__notify(data);
    }
    return GCH_OK;
}

static void expire_source(gch__source *source)
{
    for (uint64_t page = 0; source->lifetime_ns != 0 && page < source->page_count; page++) {
        uint32_t word = atomic_load_explicit(&source->words[page], memory_order_acquire);
        if (gch__word_state(word) == GCH__PAGE_RESIDENT && gch__page_is_old(source, page))
            gch__page_invalidate(source, page, GCH_EVICT_EXPIRED);
    }
}

void gch_data_expire(gch_data *data)
{
    gch__keyed_expire(data);
    /* Sources one by one, so that the lock on handles is never held for long. */
    for (uint32_t index = 0;; index++) {
        pthread_mutex_lock(&data->handles_lock);
        bool is_end = index >= data->sources.used;
        gch__source *source = is_end ? NULL : data->sources.slots[index].object;
        if (source != NULL)
            gch__source_keep(source);
        pthread_mutex_unlock(&data->handles_lock);
        if (is_end)
            return;
        if (source != NULL) {
            expire_source(source);
            gch__source_drop(source);
        }
    }
}
