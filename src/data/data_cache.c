/* The host budget, the slots of what is in the cache, and making room.
 *
 * Invariants:
 *  1. host_used never exceeds host_budget: bytes are taken before memory is filled and given back
 *     after it was emptied.
 *  2. A slot is in the policy from admission to removal; whoever moved its word to EVICTING (or
 *     ends its source) removes it, once.
 *  3. Slots are promised when sources are opened and keyed records made, so that loading never
 *     allocates.
 */
#include "data_state.h"

#include <stdlib.h>
#include <time.h>

#define VICTIMS 64u /* evicted under one lock */
#define WAIT_NS 2000000

/* ---- waiting ---- */

void gch__notify(gch_data *data)
{
    /* A waiter that has not counted itself yet is missed; it wakes up after WAIT_NS. */
    if (atomic_load(&data->waiters) == 0)
        return;
    pthread_mutex_lock(&data->wait_lock);
    pthread_cond_broadcast(&data->changed);
    pthread_mutex_unlock(&data->wait_lock);
}

void gch__wait(gch_data *data)
{
    int64_t until = gch__clock_ns() + WAIT_NS;
    struct timespec time = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};
    atomic_fetch_add(&data->waiters, 1);
    pthread_mutex_lock(&data->wait_lock);
    (void)pthread_cond_timedwait(&data->changed, &data->wait_lock, &time);
    pthread_mutex_unlock(&data->wait_lock);
    atomic_fetch_sub(&data->waiters, 1);
}

/* ---- slots ---- */

gch_status gch__slots_promise(gch_data *data, uint64_t count, gch_error *err)
{
    gch_status status = GCH_OK;
    pthread_mutex_lock(&data->cache_lock);
    uint64_t wanted = data->slots_promised + count;
    if (wanted >= GCH__NO_SLOT) {
        status = gch_fail(err, GCH_LIMIT, "%llu pages in the cache: at most %u",
                          (unsigned long long)wanted, GCH__NO_SLOT - 1);
    } else if (wanted > data->slot_cap) {
        size_t before = data->slot_cap;
        status = gch__ensure(&data->allocator, (void **)&data->slots, &data->slot_cap,
                             (size_t)wanted, sizeof *data->slots, "cache", err);
        if (status == GCH_OK && data->slot_cap >= GCH__NO_SLOT)
            data->slot_cap = GCH__NO_SLOT - 1;
        if (status == GCH_OK) {
            status = data->policy_ops->grow(data->policy, (uint32_t)data->slot_cap, err);
            if (status != GCH_OK)
                data->slot_cap = before; /* the longer array does no harm */
        }
        for (size_t i = data->slot_cap; status == GCH_OK && i > before; i--) {
            data->slots[i - 1] = (gch__slot){.page = data->free_slot};
            data->free_slot = (uint32_t)i;
        }
    }
    if (status == GCH_OK)
        data->slots_promised = wanted;
    pthread_mutex_unlock(&data->cache_lock);
    return status;
}

void gch__slots_forget(gch_data *data, uint64_t count)
{
    pthread_mutex_lock(&data->cache_lock);
    data->slots_promised -= count;
    pthread_mutex_unlock(&data->cache_lock);
}

static uint32_t admit(gch_data *data, gch__slot entry)
{
    uint32_t slot = data->free_slot - 1;
    data->free_slot = (uint32_t)data->slots[slot].page;
    data->slots[slot] = entry;
    data->policy_ops->admitted(data->policy, slot);
    gch__count(&data->resident_count, 1);
    return slot;
}

static void free_slot(gch_data *data, uint32_t slot)
{
    data->slots[slot] = (gch__slot){.page = data->free_slot};
    data->free_slot = slot + 1;
    atomic_fetch_sub_explicit(&data->resident_count, 1, memory_order_relaxed);
}

void gch__slots_admit_page(gch__source *source, uint64_t page)
{
    gch_data *data = source->data;
    pthread_mutex_lock(&data->cache_lock);
    source->slots[page] = admit(data, (gch__slot){.source = source, .page = page});
    pthread_mutex_unlock(&data->cache_lock);
}

void gch__slots_admit_keyed(gch_data *data, gch__keyed *keyed)
{
    pthread_mutex_lock(&data->cache_lock);
    keyed->slot = admit(data, (gch__slot){.keyed = keyed});
    pthread_mutex_unlock(&data->cache_lock);
}

void gch__slots_remove(gch_data *data, uint32_t slot)
{
    pthread_mutex_lock(&data->cache_lock);
    data->policy_ops->removed(data->policy, slot);
    free_slot(data, slot);
    pthread_mutex_unlock(&data->cache_lock);
}

void gch__slots_touch(gch_data *data, uint32_t slot)
{
    if (data->policy_ops->touch == NULL)
        return;
    pthread_mutex_lock(&data->cache_lock);
    data->policy_ops->touch(data->policy, slot);
    pthread_mutex_unlock(&data->cache_lock);
}

void gch__slots_remove_source(gch__source *source)
{
    gch_data *data = source->data;
    uint64_t dropped = 0;
    pthread_mutex_lock(&data->cache_lock);
    for (uint64_t page = 0; page < source->page_count; page++) {
        uint32_t word = atomic_load_explicit(&source->words[page], memory_order_acquire);
        if (gch__word_state(word) != GCH__PAGE_RESIDENT)
            continue;
        if (!source->is_fixed) {
            data->policy_ops->removed(data->policy, source->slots[page]);
            free_slot(data, source->slots[page]);
            dropped++;
        }
        atomic_store_explicit(&source->words[page], GCH__PAGE_ABSENT, memory_order_release);
    }
    pthread_mutex_unlock(&data->cache_lock);
    /* Those that a thread is evicting right now belong to it until it says ABSENT. */
    for (uint64_t page = 0; page < source->page_count; page++) {
        while (gch__word_state(atomic_load_explicit(&source->words[page], memory_order_acquire)) ==
               GCH__PAGE_EVICTING)
            gch__wait(data);
    }
    gch__count(&data->counters.evictions[GCH_EVICT_CLOSED], dropped);
    gch__region_discard(&source->region, 0, source->region.bytes);
    gch__budget_give(data, dropped * GCH_PAGE_BYTES, GCH_BYTES_PAGES);
}

/* ---- eviction ---- */

static gch__probe probe_slot(void *context, uint32_t slot, bool spare_used)
{
    gch_data *data = context;
    const gch__slot *entry = &data->slots[slot];
    gch__page_word *place =
        entry->keyed != NULL ? &entry->keyed->word : &entry->source->words[entry->page];
    uint32_t word = atomic_load_explicit(place, memory_order_relaxed);
    for (;;) {
        if (gch__word_state(word) != GCH__PAGE_RESIDENT || gch__word_pins(word) != 0)
            return GCH__PROBE_HELD;
        if (spare_used && (word & GCH__WORD_USED) != 0) {
            if (gch__word_swap(place, &word, word & ~GCH__WORD_USED))
                return GCH__PROBE_USED;
        } else if (gch__word_swap(place, &word, GCH__PAGE_EVICTING)) {
            return GCH__PROBE_TAKEN;
        }
    }
}

static int compare_slots(const void *a, const void *b)
{
    const gch__slot *x = a, *y = b;
    if (x->source != y->source)
        return (uintptr_t)x->source < (uintptr_t)y->source ? -1 : 1;
    return x->page < y->page ? -1 : x->page > y->page;
}

static uint64_t slot_bytes(const gch__slot *slot)
{
    return slot->keyed != NULL ? slot->keyed->buffer.byte_count : GCH_PAGE_BYTES;
}

/* Evicts until `wanted` bytes are free or nothing more can go; returns what was freed. */
static uint64_t evict(gch_data *data, uint64_t wanted)
{
    gch__slot victims[VICTIMS];
    uint64_t freed = 0;
    uint32_t count = 0;
    pthread_mutex_lock(&data->cache_lock);
    while (count < VICTIMS && freed < wanted) {
        uint32_t slot = data->policy_ops->victim(data->policy, probe_slot, data);
        if (slot == GCH__NO_SLOT)
            break;
        victims[count] = data->slots[slot];
        freed += slot_bytes(&victims[count++]);
        free_slot(data, slot);
    }
    pthread_mutex_unlock(&data->cache_lock);
    qsort(victims, count, sizeof *victims, compare_slots);
    for (uint32_t i = 0; i < count;) {
        if (victims[i].keyed != NULL) {
            gch__keyed_finish_drop(data, victims[i++].keyed, GCH_EVICT_BUDGET);
            continue;
        }
        gch__source *source = victims[i].source;
        uint64_t first = victims[i].page;
        uint32_t run = 1;
        while (i + run < count && victims[i + run].source == source &&
               victims[i + run].page == first + run)
            run++;
        gch__pages_finish_drop(source, first, run, GCH_EVICT_BUDGET);
        i += run;
    }
    return freed;
}

/* ---- budget ---- */

static bool try_take(gch_data *data, uint64_t bytes)
{
    uint64_t used = atomic_load_explicit(&data->host_used, memory_order_relaxed);
    do {
        if (bytes > data->host_budget || used > data->host_budget - bytes)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&data->host_used, &used, used + bytes,
                                                    memory_order_acq_rel, memory_order_relaxed));
    uint64_t peak = gch__peek(&data->host_peak);
    while (peak < used + bytes &&
           !atomic_compare_exchange_weak_explicit(&data->host_peak, &peak, used + bytes,
                                                  memory_order_relaxed, memory_order_relaxed))
        continue;
    return true;
}

static gch_status fail_budget(gch_data *data, uint64_t bytes, gch_error *err)
{
    uint64_t used = gch__peek(&data->host_used);
    uint64_t cached =
        gch__peek(&data->bytes[GCH_BYTES_PAGES]) + gch__peek(&data->bytes[GCH_BYTES_KEYED]);
    gch__count(&data->counters.load_refusals, 1);
    return gch_fail(err, GCH_LIMIT,
                    "%llu bytes do not fit into the host budget of %llu: %llu bytes of pages are "
                    "in use, %llu are fixed",
                    (unsigned long long)bytes, (unsigned long long)data->host_budget,
                    (unsigned long long)GCH_MIN(cached, used),
                    (unsigned long long)(used - GCH_MIN(cached, used)));
}

gch_status gch__budget_take(gch_data *data, uint64_t bytes, gch_bytes_kind kind, uint64_t own_bytes,
                            gch__room room, gch_error *err)
{
    int64_t deadline = 0;
    while (!try_take(data, bytes)) {
        if (bytes > data->host_budget)
            return fail_budget(data, bytes, err);
        uint64_t used = gch__peek(&data->host_used), free = data->host_budget - used;
        if (free >= bytes || evict(data, bytes - free) > 0)
            continue;
        uint64_t cached =
            gch__peek(&data->bytes[GCH_BYTES_PAGES]) + gch__peek(&data->bytes[GCH_BYTES_KEYED]);
        /* Everything in the cache is held; waiting helps only if others hold some of it. */
        int64_t now = gch__clock_ns();
        if (deadline == 0)
            deadline = now + data->stall_ns;
        if (room == GCH__ROOM_NOW || cached <= own_bytes + gch__peek(&data->held_bytes) ||
            now >= deadline || atomic_load(&data->is_stopping))
            return fail_budget(data, bytes, err);
        gch__wait(data);
    }
    gch__count(&data->bytes[kind], bytes);
    return GCH_OK;
}

void gch__budget_give(gch_data *data, uint64_t bytes, gch_bytes_kind kind)
{
    atomic_fetch_sub_explicit(&data->bytes[kind], bytes, memory_order_relaxed);
    atomic_fetch_sub_explicit(&data->host_used, bytes, memory_order_acq_rel);
    gch__notify(data);
}
