/* Keyed pages: buffers in the same cache as the pages of sources.
 *
 * Invariants:
 *  1. A record that is RESIDENT and not stale is in the table under its key; a stale one is not,
 *     and goes with its last pin.
 *  2. Records never move or are freed before the end, so that a number from the table may be looked
 *     at whenever it was found: after pinning, the key is compared again.
 */
#include "data_state.h"

#include <sched.h>

static gch__keyed *record_at(gch_data *data, uint32_t number)
{
    gch__keyed *chunk =
        atomic_load_explicit(&data->chunks[number / GCH__KEYED_CHUNK], memory_order_acquire);
    return &chunk[number % GCH__KEYED_CHUNK];
}

static gch_key key_of(const gch__keyed *keyed)
{
    return (gch_key){.high = gch__peek(&keyed->high), .low = gch__peek(&keyed->low)};
}

static bool is_old(const gch__keyed *keyed)
{
    uint64_t expires = gch__peek(&keyed->expires_ns);
    return expires != 0 && (uint64_t)gch__clock_ns() >= expires;
}

/* ---- records ---- */

static gch__keyed *take_free(gch_data *data)
{
    gch__keyed *keyed = NULL;
    pthread_mutex_lock(&data->cache_lock);
    if (data->free_keyed != 0) {
        keyed = record_at(data, data->free_keyed - 1);
        data->free_keyed = keyed->next_free;
    }
    pthread_mutex_unlock(&data->cache_lock);
    return keyed;
}

static void give_record(gch_data *data, gch__keyed *keyed)
{
    pthread_mutex_lock(&data->cache_lock);
    keyed->next_free = data->free_keyed;
    data->free_keyed = keyed->number + 1;
    pthread_mutex_unlock(&data->cache_lock);
}

/* Makes a chunk of records, with a slot promised for each. */
static gch_status add_chunk(gch_data *data, gch_error *err)
{
    GCH_TRY(gch__slots_promise(data, GCH__KEYED_CHUNK, err));
    gch__keyed *chunk =
        gch__alloc_zero(&data->allocator, GCH__KEYED_CHUNK, sizeof *chunk, "keyed pages");
    gch_status status = chunk != NULL ? GCH_OK : gch__no_memory(err, "keyed pages");
    pthread_mutex_lock(&data->cache_lock);
    uint32_t first = atomic_load(&data->keyed_count);
    if (status == GCH_OK && first == GCH__KEYED_CHUNK * GCH__KEYED_CHUNKS)
        status = gch_fail(err, GCH_LIMIT, "%u keyed pages: no more are possible", first);
    if (status == GCH_OK) {
        for (uint32_t i = 0; i < GCH__KEYED_CHUNK; i++) {
            chunk[i].number = first + i;
            chunk[i].next_free = i + 1 < GCH__KEYED_CHUNK ? first + i + 2 : data->free_keyed;
        }
        atomic_store_explicit(&data->chunks[first / GCH__KEYED_CHUNK], chunk, memory_order_release);
        atomic_store(&data->keyed_count, first + GCH__KEYED_CHUNK);
        data->free_keyed = first + 1;
    }
    pthread_mutex_unlock(&data->cache_lock);
    if (status != GCH_OK) {
        gch__free(&data->allocator, chunk, "keyed pages");
        gch__slots_forget(data, GCH__KEYED_CHUNK);
    }
    return status;
}

static gch_status take_record(gch_data *data, gch__keyed **out, gch_error *err)
{
    while ((*out = take_free(data)) == NULL)
        GCH_TRY(add_chunk(data, err));
    return GCH_OK;
}

static void free_buffer(const gch_buffer_owned *buffer)
{
    if (buffer->free_bytes != NULL)
        buffer->free_bytes(buffer->context, buffer->bytes, buffer->byte_count);
}

void gch__keyed_finish_drop(gch_data *data, gch__keyed *keyed, gch_evict_cause cause)
{
    (void)gch__keys_remove(data->keys, key_of(keyed), keyed->number);
    gch_buffer_owned buffer = keyed->buffer;
    keyed->buffer = (gch_buffer_owned){0};
    free_buffer(&buffer);
    gch__count(&data->counters.evictions[cause], 1);
    atomic_store_explicit(&keyed->word, GCH__PAGE_ABSENT, memory_order_release);
    give_record(data, keyed);
    gch__budget_give(data, buffer.byte_count, GCH_BYTES_KEYED);
}

/* Drops a record whose word this thread has moved to EVICTING. */
static void drop(gch_data *data, gch__keyed *keyed, gch_evict_cause cause)
{
    gch__slots_remove(data, keyed->slot);
    gch__keyed_finish_drop(data, keyed, cause);
}

/* ---- pins ---- */

static gch_status unpin(gch_data *data, gch__keyed *keyed, gch_evict_cause cause, gch_error *err)
{
    uint32_t word = atomic_fetch_sub_explicit(&keyed->word, GCH__WORD_PIN, memory_order_acq_rel);
    if (gch__word_pins(word) == 0) {
        atomic_fetch_add_explicit(&keyed->word, GCH__WORD_PIN, memory_order_relaxed);
        return gch_fail(err, GCH_INVALID, "a keyed page was released more often than acquired");
    }
    if (gch__word_pins(word) > 1)
        return GCH_OK;
    word -= GCH__WORD_PIN;
    while ((word & GCH__WORD_STALE) != 0 && gch__word_state(word) == GCH__PAGE_RESIDENT &&
           gch__word_pins(word) == 0) {
        if (gch__word_swap(&keyed->word, &word, GCH__PAGE_EVICTING)) {
            drop(data, keyed, cause);
            return GCH_OK;
        }
    }
    gch__notify(data);
    return GCH_OK;
}

gch_status gch__keyed_unpin(gch_data *data, gch__keyed *keyed, gch_error *err)
{
    return unpin(data, keyed, GCH_EVICT_INVALIDATED, err);
}

/* Pins the record if it is there to be found. */
static bool try_pin(gch__keyed *keyed, uint32_t flags)
{
    uint32_t word = atomic_load_explicit(&keyed->word, memory_order_acquire);
    while (gch__word_state(word) == GCH__PAGE_RESIDENT && (word & GCH__WORD_STALE) == 0 &&
           gch__word_pins(word) < GCH__PINS_MAX) {
        if (gch__word_swap(&keyed->word, &word, (word | flags) + GCH__WORD_PIN))
            return true;
    }
    return false;
}

static bool is_equal(gch_key a, gch_key b)
{
    return a.high == b.high && a.low == b.low;
}

/* Takes the record out of the table, if it is that of `key`; it goes with its last pin. */
static void invalidate(gch_data *data, gch__keyed *keyed, gch_key key, gch_evict_cause cause)
{
    if (!try_pin(keyed, 0))
        return;
    if (is_equal(key_of(keyed), key)) {
        atomic_fetch_or_explicit(&keyed->word, GCH__WORD_STALE, memory_order_acq_rel);
        (void)gch__keys_remove(data->keys, key, keyed->number);
    }
    gch_status status = unpin(data, keyed, cause, NULL);
    (void)status; /* its own pin */
}

gch_status gch__keyed_pin(gch_data *data, gch_key key, gch__keyed **out, gch_error *err)
{
    uint32_t number;
    while (gch__keys_find(data->keys, key, &number)) {
        gch__keyed *keyed = record_at(data, number);
        if (!try_pin(keyed, GCH__WORD_USED))
            break; /* on its way in or out */
        bool is_same = is_equal(key_of(keyed), key);
        bool is_expired = is_same && is_old(keyed);
        if (is_same && !is_expired) {
            gch__slots_touch(data, keyed->slot);
            gch__count(&data->counters.key_hits, 1);
            *out = keyed;
            return GCH_OK;
        }
        GCH_TRY(gch__keyed_unpin(data, keyed, err));
        if (is_expired)
            invalidate(data, keyed, key, GCH_EVICT_EXPIRED);
    }
    gch__count(&data->counters.key_misses, 1);
    return gch_fail(err, GCH_NOT_FOUND, "no page of this key is in the cache");
}

/* ---- in, out, invalidation ---- */

static gch_status insert(gch_data *data, gch_key key, gch__keyed *keyed, gch_error *err)
{
    for (;;) {
        gch_status status = gch__keys_insert(data->keys, key, keyed->number, err);
        uint32_t number;
        if (status != GCH_EXISTS || !gch__keys_find(data->keys, key, &number))
            return status;
        gch__keyed *other = record_at(data, number);
        uint32_t word = atomic_load_explicit(&other->word, memory_order_acquire);
        if (gch__word_state(word) == GCH__PAGE_RESIDENT && (word & GCH__WORD_STALE) == 0) {
            if (!is_old(other))
                return status;
            invalidate(data, other, key, GCH_EVICT_EXPIRED);
        }
        sched_yield(); /* it is about to leave the table */
    }
}

gch_status gch_page_adopt(gch_data *data, gch_key key, const gch_buffer_owned *buffer,
                          uint64_t lifetime_ns, gch_page *out, gch_error *err)
{
    if (buffer->bytes == NULL || buffer->byte_count == 0)
        return gch_fail(err, GCH_INVALID, "buffer: it is empty");
    gch__keyed *keyed = NULL;
    uint32_t id = 0;
    gch_status status =
        gch__budget_take(data, buffer->byte_count, GCH_BYTES_KEYED, 0, GCH__ROOM_AWAIT, err);
    if (status != GCH_OK)
        return status;
    GCH_TRY_GOTO(take_record(data, &keyed, err), fail);
    if (out != NULL) {
        pthread_mutex_lock(&data->handles_lock);
        status = gch__pool_add(&data->pages, keyed, GCH__PAGE_IS_KEYED, &id, err);
        pthread_mutex_unlock(&data->handles_lock);
        if (status != GCH_OK)
            goto fail;
    }
    keyed->buffer = *buffer;
    atomic_store_explicit(&keyed->high, key.high, memory_order_relaxed);
    atomic_store_explicit(&keyed->low, key.low, memory_order_relaxed);
    atomic_store_explicit(&keyed->expires_ns,
                          lifetime_ns != 0 ? (uint64_t)gch__clock_ns() + lifetime_ns : 0,
                          memory_order_relaxed);
    /* LOADING in the table: found by nobody until all of it is in place. */
    atomic_store_explicit(&keyed->word, GCH__PAGE_LOADING, memory_order_release);
    GCH_TRY_GOTO(insert(data, key, keyed, err), fail);
    gch__slots_admit_keyed(data, keyed);
    atomic_store_explicit(&keyed->word, GCH__PAGE_RESIDENT | (out != NULL ? GCH__WORD_PIN : 0),
                          memory_order_release);
    if (out != NULL)
        out->id = id;
    return GCH_OK;

fail:
    if (id != 0) {
        pthread_mutex_lock(&data->handles_lock);
        (void)gch__pool_remove(&data->pages, id, NULL);
        pthread_mutex_unlock(&data->handles_lock);
    }
    if (keyed != NULL) {
        keyed->buffer = (gch_buffer_owned){0};
        atomic_store_explicit(&keyed->word, GCH__PAGE_ABSENT, memory_order_release);
        give_record(data, keyed);
    }
    gch__budget_give(data, buffer->byte_count, GCH_BYTES_KEYED);
    return status;
}

gch_status gch_page_move(gch_data *data, gch_page page, gch_buffer_owned *out, gch_error *err)
{
    gch_status status = GCH_OK;
    uint64_t number = 0;
    pthread_mutex_lock(&data->handles_lock);
    gch__keyed *keyed = gch__pool_get(&data->pages, page.id, &number);
    if (keyed == NULL) {
        status = gch_fail(err, GCH_INVALID, "page: the handle is stale");
    } else if (number != GCH__PAGE_IS_KEYED) {
        status = gch_fail(err, GCH_INVALID, "page: the bytes of a source cannot be moved out");
    } else {
        uint32_t word = atomic_load_explicit(&keyed->word, memory_order_acquire);
        bool is_moved = false;
        while (!is_moved && gch__word_pins(word) == 1)
            is_moved = gch__word_swap(&keyed->word, &word, GCH__PAGE_EVICTING);
        if (!is_moved)
            status =
                gch_fail(err, GCH_INVALID, "page: %u others hold it", gch__word_pins(word) - 1);
        else
            (void)gch__pool_remove(&data->pages, page.id, NULL);
    }
    pthread_mutex_unlock(&data->handles_lock);
    if (status != GCH_OK)
        return status;
    *out = keyed->buffer;
    keyed->buffer.free_bytes = NULL;
    gch__slots_remove(data, keyed->slot);
    (void)gch__keys_remove(data->keys, key_of(keyed), keyed->number);
    keyed->buffer = (gch_buffer_owned){0};
    atomic_store_explicit(&keyed->word, GCH__PAGE_ABSENT, memory_order_release);
    give_record(data, keyed);
    gch__budget_give(data, out->byte_count, GCH_BYTES_KEYED);
    return GCH_OK;
}

gch_status gch_data_invalidate_keys(gch_data *data, gch_key key, gch_key_prefix prefix,
                                    gch_error *err)
{
    static const gch_key masks[] = {
        [GCH_PREFIX_SOURCE] = {.high = ~0ull << 40},
        [GCH_PREFIX_COLUMN] = {.high = ~0ull << 28},
        [GCH_PREFIX_LEVEL] = {.high = ~0ull << 22},
        [GCH_PREFIX_PAGE] = {.high = ~0ull, .low = ~0ull << 40},
        [GCH_PREFIX_KEY] = {.high = ~0ull, .low = ~0ull},
    };
    if (prefix < GCH_PREFIX_SOURCE || prefix > GCH_PREFIX_KEY)
        return gch_fail(err, GCH_INVALID, "prefix: %d is none", (int)prefix);
    gch_key mask = masks[prefix];
    uint32_t count = atomic_load(&data->keyed_count);
    for (uint32_t i = 0; i < count; i++) {
        gch__keyed *keyed = record_at(data, i);
        gch_key found = key_of(keyed);
        if (((found.high ^ key.high) & mask.high) == 0 && ((found.low ^ key.low) & mask.low) == 0)
            invalidate(data, keyed, found, GCH_EVICT_INVALIDATED);
    }
    return GCH_OK;
}

void gch__keyed_expire(gch_data *data)
{
    uint32_t count = atomic_load(&data->keyed_count);
    for (uint32_t i = 0; i < count; i++) {
        gch__keyed *keyed = record_at(data, i);
        if (is_old(keyed))
            invalidate(data, keyed, key_of(keyed), GCH_EVICT_EXPIRED);
    }
}

void gch__keyed_reset(gch_data *data)
{
    for (uint32_t i = 0; i < GCH__KEYED_CHUNKS; i++) {
        gch__keyed *chunk = atomic_load(&data->chunks[i]);
        for (uint32_t k = 0; chunk != NULL && k < GCH__KEYED_CHUNK; k++) {
            if (gch__word_state(atomic_load(&chunk[k].word)) == GCH__PAGE_RESIDENT)
                free_buffer(&chunk[k].buffer);
        }
        gch__free(&data->allocator, chunk, "keyed pages");
    }
}
