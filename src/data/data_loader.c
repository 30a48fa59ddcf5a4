/* What loaders are for: queues of pages to read, what is on screen first. Who works them off is a
 * question of the platform: threads (data_loader_threads.c), or the host of the program
 * (data_loader_none.c).
 *
 * Invariants:
 *  1. At most queue_cap pages are queued in all; when it is full, prefetch makes room for the rest.
 *  2. A page that is QUEUED has an entry in the queue of the priority in its word. Entries whose
 *     page is something else by the time they come up are passed over.
 *  3. A loader claims neighbouring queued pages together with the one it took: one read.
 *  4. Sources and tokens of entries are held; they are let go outside of the lock.
 */
#include "data_state.h"

#include <assert.h>

static uint32_t ring_at(const gch_data *data, const gch__queue *queue, uint32_t index)
{
    return (queue->head + index) % data->queue_cap;
}

/* ---- tokens ---- */

gch_status gch_cancel_make(gch_data *data, gch_cancel **out, gch_error *err)
{
    gch_cancel *cancel = gch__alloc_zero(&data->allocator, 1, sizeof *cancel, "cancel");
    if (cancel == NULL)
        return gch__no_memory(err, "cancel");
    atomic_init(&cancel->refs, 1);
    atomic_fetch_add(&data->cancel_count, 1);
    *out = cancel;
    return GCH_OK;
}

bool gch_cancel_is_set(const gch_cancel *cancel)
{
    return cancel != NULL && atomic_load_explicit(&cancel->is_set, memory_order_acquire) != 0;
}

void gch__cancel_drop(gch_data *data, gch_cancel *cancel)
{
    if (cancel != NULL && atomic_fetch_sub_explicit(&cancel->refs, 1, memory_order_acq_rel) == 1)
        gch__free(&data->allocator, cancel, "cancel");
}

void gch_cancel_release(gch_data *data, gch_cancel *cancel)
{
    if (cancel == NULL)
        return;
    gch__cancel_drop(data, cancel);
    atomic_fetch_sub(&data->cancel_count, 1);
}

static gch_cancel *keep_cancel(gch_cancel *cancel)
{
    if (cancel != NULL)
        atomic_fetch_add_explicit(&cancel->refs, 1, memory_order_relaxed);
    return cancel;
}

/* ---- queues ---- */

/* QUEUED at this priority and nothing else becomes ABSENT. */
static void unqueue(gch__source *source, uint64_t page, gch__priority priority)
{
    uint32_t word = GCH__PAGE_QUEUED | (uint32_t)priority << GCH__WORD_PRIORITY_SHIFT;
    (void)atomic_compare_exchange_strong_explicit(&source->words[page], &word, GCH__PAGE_ABSENT,
                                                  memory_order_acq_rel, memory_order_relaxed);
}

static void drop_entry(gch_data *data, const gch__queue_entry *entry)
{
    if (entry->source == NULL)
        return;
    gch__source_drop(entry->source);
    gch__cancel_drop(data, entry->cancel);
}

/* False if the queue is full. */
static bool push(gch_data *data, const gch__queue_entry *entry, gch__priority priority)
{
    gch__queue_entry dropped = {0};
    bool is_pushed = false;
    pthread_mutex_lock(&data->queue_lock);
    if (data->queued_count == data->queue_cap && priority != GCH__PRIORITY_PREFETCH) {
        gch__queue *prefetch = &data->queues[GCH__PRIORITY_PREFETCH];
        if (prefetch->count > 0) {
            dropped = prefetch->entries[ring_at(data, prefetch, --prefetch->count)];
            data->queued_count--;
            unqueue(dropped.source, dropped.page, GCH__PRIORITY_PREFETCH);
            gch__count(&data->counters.queue_dropped, 1);
        }
    }
    if (data->queued_count < data->queue_cap) {
        gch__queue *queue = &data->queues[priority];
        queue->entries[ring_at(data, queue, queue->count++)] = *entry;
        data->queued_count++;
        is_pushed = true;
        if (data->idle_count > 0)
            pthread_cond_signal(&data->work);
    }
    pthread_mutex_unlock(&data->queue_lock);
    drop_entry(data, &dropped);
    gch__count(is_pushed ? &data->counters.queued : &data->counters.queue_refused, 1);
    return is_pushed;
}

bool gch__queue_page(gch__source *source, uint64_t page, gch__priority priority, gch_cancel *cancel)
{
    gch__page_word *place = &source->words[page];
    uint32_t word = atomic_load_explicit(place, memory_order_relaxed);
    uint32_t wanted = GCH__PAGE_QUEUED | (uint32_t)priority << GCH__WORD_PRIORITY_SHIFT;
    do {
        uint32_t state = gch__word_state(word);
        if (state != GCH__PAGE_ABSENT &&
            !(state == GCH__PAGE_QUEUED &&
              (word & GCH__WORD_PRIORITY) > (wanted & GCH__WORD_PRIORITY)))
            return true; /* under way already */
    } while (!gch__word_swap(place, &word, wanted));
    gch__source_keep(source);
    gch__queue_entry entry = {.source = source, .page = page, .cancel = keep_cancel(cancel)};
    if (push(source->data, &entry, priority))
        return true;
    unqueue(source, page, priority);
    drop_entry(source->data, &entry);
    return false;
}

bool gch__queue_warm(gch_data *data, const gch__warm *warm)
{
    bool is_pushed = false;
    pthread_mutex_lock(&data->queue_lock);
    if (data->warm_count < GCH__WARM_CAP) {
        gch__warm *place = &data->warm[(data->warm_head + data->warm_count++) % GCH__WARM_CAP];
        *place = *warm;
        (void)keep_cancel(place->cancel);
        is_pushed = true;
        if (data->idle_count > 0)
            pthread_cond_signal(&data->work);
    }
    pthread_mutex_unlock(&data->queue_lock);
    return is_pushed;
}

#define CANCEL_BATCH 128u

/* Moves entries of a token (all if it is NULL) out of a queue, closing the gaps. */
static uint32_t take_cancelled(gch_data *data, gch__priority priority, const gch_cancel *cancel,
                               gch__queue_entry *out, uint32_t cap)
{
    gch__queue *queue = &data->queues[priority];
    uint32_t kept = 0, taken = 0;
    for (uint32_t i = 0; i < queue->count; i++) {
        gch__queue_entry entry = queue->entries[ring_at(data, queue, i)];
        if (taken < cap && (cancel == NULL || entry.cancel == cancel)) {
            unqueue(entry.source, entry.page, priority);
            out[taken++] = entry;
        } else {
            queue->entries[ring_at(data, queue, kept++)] = entry;
        }
    }
    queue->count = kept;
    data->queued_count -= taken;
    return taken;
}

static uint32_t take_warm(gch_data *data, const gch_cancel *cancel, gch__queue_entry *out)
{
    uint32_t kept = 0, taken = 0;
    for (uint32_t i = 0; i < data->warm_count; i++) {
        gch__warm warm = data->warm[(data->warm_head + i) % GCH__WARM_CAP];
        if (cancel == NULL || warm.cancel == cancel)
            out[taken++] = (gch__queue_entry){.source = warm.source, .cancel = warm.cancel};
        else
            data->warm[(data->warm_head + kept++) % GCH__WARM_CAP] = warm;
    }
    data->warm_count = kept;
    return taken;
}

void gch__queue_cancel(gch_data *data, const gch_cancel *cancel)
{
    gch__queue_entry taken[CANCEL_BATCH];
    static_assert(CANCEL_BATCH >= GCH__WARM_CAP, "all hints fit");
    uint32_t count;
    pthread_mutex_lock(&data->queue_lock);
    count = take_warm(data, cancel, taken);
    pthread_mutex_unlock(&data->queue_lock);
    for (uint32_t i = 0; i < count; i++)
        drop_entry(data, &taken[i]);
    for (int priority = 0; priority < GCH__PRIORITY_COUNT; priority++) {
        do {
            pthread_mutex_lock(&data->queue_lock);
            count = take_cancelled(data, (gch__priority)priority, cancel, taken, CANCEL_BATCH);
            pthread_mutex_unlock(&data->queue_lock);
            for (uint32_t i = 0; i < count; i++)
                drop_entry(data, &taken[i]);
            gch__count(&data->counters.queue_cancelled, count);
        } while (count == CANCEL_BATCH);
    }
}

void gch_cancel_set(gch_data *data, gch_cancel *cancel)
{
    if (cancel == NULL)
        return;
    atomic_store_explicit(&cancel->is_set, 1, memory_order_release);
    gch__queue_cancel(data, cancel);
}

/* ---- working the queues off ---- */

static bool claim_queued(gch__source *source, uint64_t page)
{
    gch__page_word *place = &source->words[page];
    uint32_t word = atomic_load_explicit(place, memory_order_relaxed);
    while (gch__word_state(word) == GCH__PAGE_QUEUED) {
        if (gch__word_swap(place, &word, GCH__PAGE_LOADING))
            return true;
    }
    return false;
}

static void load_entry(const gch__queue_entry *entry, gch__priority priority)
{
    gch__source *source = entry->source;
    uint64_t first = entry->page, end = first + 1;
    if (!claim_queued(source, first))
        return;
    while (first > 0 && end - first < GCH__RUN_PAGES / 2 && claim_queued(source, first - 1))
        first--;
    while (end < source->page_count && end - first < GCH__RUN_PAGES && claim_queued(source, end))
        end++;
    gch_status status = gch__pages_load(source, first, (uint32_t)(end - first), priority,
                                        entry->cancel, 0, NULL, NULL);
    (void)status; /* in the pages' words, for whoever asks for them */
}

/* Takes what comes first; false if there is nothing. */
static bool take_hint(gch_data *data, bool is_continuation, gch__warm *out)
{
    if (data->warm_count == 0 || data->warm[data->warm_head].is_continuation != is_continuation)
        return false;
    *out = data->warm[data->warm_head];
    data->warm_head = (data->warm_head + 1) % GCH__WARM_CAP;
    data->warm_count--;
    return true;
}

bool gch__queue_take(gch_data *data, gch__work *out)
{
    *out = (gch__work){0};
    for (int priority = 0; priority < GCH__PRIORITY_COUNT; priority++) {
        /* A hint is worth its pages only after what is asked for, and before older hints'. */
        if (priority == GCH__PRIORITY_PREFETCH && take_hint(data, false, &out->warm))
            return true;
        gch__queue *queue = &data->queues[priority];
        if (queue->count > 0) {
            out->entry = queue->entries[queue->head];
            out->priority = (gch__priority)priority;
            queue->head = (queue->head + 1) % data->queue_cap;
            queue->count--;
            data->queued_count--;
            return true;
        }
    }
    return take_hint(data, true, &out->warm);
}

/* Works a hint off, or puts it back to be continued. */
static void serve_hint(gch_data *data, gch__warm *warm)
{
    if (!gch__warm_run(warm) && !warm->is_continuation && !gch_cancel_is_set(warm->cancel)) {
        warm->is_continuation = true;
        if (gch__queue_warm(data, warm)) {
            gch__cancel_drop(data, warm->cancel); /* the queue holds the token anew */
            return;
        }
    }
    gch__source_drop(warm->source);
    gch__cancel_drop(data, warm->cancel);
}

void gch__queue_work_off(gch_data *data, gch__work *work)
{
    if (work->warm.source != NULL) {
        serve_hint(data, &work->warm);
        return;
    }
    load_entry(&work->entry, work->priority);
    drop_entry(data, &work->entry);
}

/* ---- work for somebody else ---- */

static bool take_page(gch__source *source, uint64_t page)
{
    gch__page_word *place = &source->words[page];
    uint32_t word = atomic_load_explicit(place, memory_order_relaxed);
    while (gch__word_state(word) == GCH__PAGE_QUEUED) {
        if (gch__word_swap(place, &word, GCH__PAGE_ABSENT))
            return true;
    }
    return false;
}

void gch__queue_settle(gch__source *source)
{
    if (atomic_load_explicit(&source->refs, memory_order_acquire) <= 1)
        return; /* no entry, and no loader that works one off */
    for (uint64_t page = 0; page < source->page_count; page++) {
        (void)take_page(source, page);
        (void)!gch__page_await(source, page, NULL, NULL); /* nobody holds it */
    }
}

static bool take_run(const gch__work *work, gch_page_run *out)
{
    gch__source *source = work->entry.source;
    uint64_t first = work->entry.page, end = first + 1;
    if (!take_page(source, first))
        return false;
    while (first > 0 && end - first < GCH__RUN_PAGES / 2 && take_page(source, first - 1))
        first--;
    while (end < source->page_count && end - first < GCH__RUN_PAGES && take_page(source, end))
        end++;
    *out = (gch_page_run){.source.id = source->id,
                          .first_page = first,
                          .page_count = (uint32_t)(end - first),
                          .is_prefetch = work->priority == GCH__PRIORITY_PREFETCH};
    return true;
}

gch_status gch_data_take_queued(gch_data *data, gch_page_run *out, gch_error *err)
{
    for (;;) {
        gch__work work;
        pthread_mutex_lock(&data->queue_lock);
        bool is_any = gch__queue_take(data, &work);
        pthread_mutex_unlock(&data->queue_lock);
        if (!is_any)
            return gch_fail(err, GCH_NOT_FOUND, "no page is waiting to be loaded");
        if (work.warm.source != NULL) {
            serve_hint(data, &work.warm);
            continue;
        }
        bool is_taken = take_run(&work, out);
        drop_entry(data, &work.entry);
        if (is_taken)
            return GCH_OK;
    }
}
