/* The life of a source's pages: pinned, claimed, loaded, checked, invalidated.
 *
 * Invariants:
 *  1. Bytes of a page are written only by the thread that moved its word to LOADING, and discarded
 *     only by the one that moved it to EVICTING; a pin keeps it from both.
 *  2. RESIDENT is stored after the page has passed its check, and releases its bytes to whoever
 *     sees it.
 *  3. A page that was invalidated while it was loaded or held is dropped and loaded again; a
 *     FAILED page stays so until it is invalidated.
 *  4. Who holds a stale page began before its invalidation and never waits for another stale page;
 *     so whoever waits for one waits for somebody who gets on.
 *  5. The last touch of a source by a thread that evicts is the store of ABSENT.
 */
#include "data_state.h"

#include <assert.h>

/* ---- pins ---- */

/* What a file's index lies in was checked and read when it was opened; it stays as it was. */
static bool is_the_files(const gch__source *source, uint64_t page)
{
    return source->own != NULL && gch__reader_holds(source->own, page);
}

bool gch__page_is_old(const gch__source *source, uint64_t page)
{
    if (source->lifetime_ns == 0 || is_the_files(source, page))
        return false;
    uint64_t age = (uint64_t)gch__clock_ns() - gch__peek(&source->loaded_ns[page]);
    return age >= source->lifetime_ns;
}

gch__pin gch__page_pin(gch__source *source, uint64_t page, bool any_age)
{
    gch__page_word *place = &source->words[page];
    uint32_t word = atomic_load_explicit(place, memory_order_acquire);
    for (;;) {
        switch (gch__word_state(word)) {
        case GCH__PAGE_RESIDENT:
            break;
        case GCH__PAGE_ABSENT:
        case GCH__PAGE_QUEUED:
            return GCH__PIN_MISSING;
        case GCH__PAGE_FAILED:
            return GCH__PIN_FAILED;
        default:
            return GCH__PIN_BUSY;
        }
        bool is_stale = (word & GCH__WORD_STALE) != 0;
        if (gch__word_pins(word) == GCH__PINS_MAX ||
            (is_stale && (!any_age || gch__word_pins(word) == 0)))
            return GCH__PIN_BUSY;
        if (!is_stale && gch__page_is_old(source, page)) {
            gch__page_invalidate(source, page, GCH_EVICT_EXPIRED);
            word = atomic_load_explicit(place, memory_order_acquire);
        } else if (gch__word_swap(place, &word, (word | GCH__WORD_USED) + GCH__WORD_PIN)) {
            if (!source->is_fixed)
                gch__slots_touch(source->data, source->slots[page]);
            return GCH__PIN_DONE;
        }
    }
}

/* The page's own EVICTING word is this thread's. */
static void drop_page(gch__source *source, uint64_t page, gch_evict_cause cause)
{
    if (!source->is_fixed)
        gch__slots_remove(source->data, source->slots[page]);
    gch__pages_finish_drop(source, page, 1, cause);
}

gch_status gch__page_unpin(gch__source *source, uint64_t page, gch_error *err)
{
    gch__page_word *place = &source->words[page];
    uint32_t word = atomic_fetch_sub_explicit(place, GCH__WORD_PIN, memory_order_acq_rel);
    if (gch__word_pins(word) == 0) {
        /* Pins are the word's highest bits, so the borrow harmed nothing below. */
        atomic_fetch_add_explicit(place, GCH__WORD_PIN, memory_order_relaxed);
        return gch_fail(err, GCH_INVALID, "%s: page %llu was released more often than acquired",
                        source->name, (unsigned long long)page);
    }
    if (gch__word_pins(word) > 1)
        return GCH_OK;
    word -= GCH__WORD_PIN;
    while ((word & GCH__WORD_STALE) != 0 && gch__word_state(word) == GCH__PAGE_RESIDENT &&
           gch__word_pins(word) == 0) {
        if (gch__word_swap(place, &word, GCH__PAGE_EVICTING)) {
            drop_page(source, page, GCH_EVICT_INVALIDATED);
            return GCH_OK;
        }
    }
    gch__notify(source->data);
    return GCH_OK;
}

gch_status gch__page_fail(const gch__source *source, uint64_t page, gch_error *err)
{
    uint32_t word = atomic_load_explicit(&source->words[page], memory_order_acquire);
    unsigned long long offset = page * GCH_PAGE_BYTES;
    if ((word & GCH__WORD_IO) != 0)
        return gch_fail(err, GCH_IO, "%s: the page at byte %llu could not be read", source->name,
                        offset);
    return gch_fail(err, GCH_CORRUPT,
                    "%s: the page at byte %llu is damaged: its checksum does not match",
                    source->name, offset);
}

gch_status gch__page_await(gch__source *source, uint64_t page, const gch__reader *reader,
                           gch_error *err)
{
    gch_data *data = source->data;
    int64_t deadline = gch__clock_ns() + data->stall_ns;
    for (;;) {
        uint32_t word = atomic_load_explicit(&source->words[page], memory_order_acquire);
        uint32_t state = gch__word_state(word);
        bool is_held = state == GCH__PAGE_RESIDENT &&
                       ((word & GCH__WORD_STALE) != 0 || gch__word_pins(word) == GCH__PINS_MAX);
        if (state != GCH__PAGE_LOADING && state != GCH__PAGE_EVICTING && !is_held)
            return GCH_OK;
        /* Invalidated since: what was stale for a late asker is not for this one any more. */
        if (is_held && reader != NULL && reader->epoch != gch__peek(&source->epoch) &&
            gch__word_pins(word) != GCH__PINS_MAX)
            return GCH_OK;
        if (reader != NULL && gch_cancel_is_set(reader->cancel))
            return gch_fail(err, GCH_CANCELLED, "cancelled");
        if (is_held && gch__clock_ns() >= deadline)
            return gch_fail(err, GCH_LIMIT,
                            "%s: page %llu is out of date and still held by somebody", source->name,
                            (unsigned long long)page);
        gch__wait(data);
    }
}

/* ---- dropping ---- */

void gch__pages_finish_drop(gch__source *source, uint64_t first, uint32_t count,
                            gch_evict_cause cause)
{
    gch_data *data = source->data;
    atomic_fetch_sub_explicit(&source->resident_count, count, memory_order_relaxed);
    if (!source->is_fixed) {
        gch__region_discard(&source->region, (size_t)first * GCH_PAGE_BYTES,
                            (size_t)count * GCH_PAGE_BYTES);
        gch__budget_give(data, (uint64_t)count * GCH_PAGE_BYTES, GCH_BYTES_PAGES);
    }
    gch__count(&data->counters.evictions[cause], count);
    gch__page_word *words = source->words;
    for (uint32_t i = 0; i < count; i++)
        atomic_store_explicit(&words[first + i], GCH__PAGE_ABSENT, memory_order_release);
    gch__notify(data);
}

void gch__page_invalidate(gch__source *source, uint64_t page, gch_evict_cause cause)
{
    if (is_the_files(source, page))
        return;
    gch__page_word *place = &source->words[page];
    atomic_fetch_add_explicit(&source->epoch, 1, memory_order_acq_rel);
    uint32_t word = atomic_load_explicit(place, memory_order_acquire);
    for (;;) {
        uint32_t wanted;
        switch (gch__word_state(word)) {
        case GCH__PAGE_FAILED:
            wanted = GCH__PAGE_ABSENT;
            break;
        case GCH__PAGE_LOADING:
            wanted = word | GCH__WORD_STALE;
            break;
        case GCH__PAGE_RESIDENT:
            wanted =
                gch__word_pins(word) == 0 ? (uint32_t)GCH__PAGE_EVICTING : word | GCH__WORD_STALE;
            break;
        default:
            return; /* nothing is there */
        }
        if (gch__word_swap(place, &word, wanted)) {
            if (wanted == GCH__PAGE_EVICTING)
                drop_page(source, page, cause);
            return;
        }
    }
}

/* ---- loading ---- */

uint32_t gch__pages_claim(gch__source *source, uint64_t first, uint64_t cap)
{
    uint32_t count = 0;
    while (count < cap && count < GCH__RUN_PAGES && first + count < source->page_count) {
        gch__page_word *place = &source->words[first + count];
        uint32_t word = atomic_load_explicit(place, memory_order_relaxed);
        bool is_ours = false;
        while (!is_ours && (gch__word_state(word) == GCH__PAGE_ABSENT ||
                            gch__word_state(word) == GCH__PAGE_QUEUED))
            is_ours = gch__word_swap(place, &word, GCH__PAGE_LOADING);
        if (!is_ours)
            break;
        count++;
    }
    return count;
}

static size_t run_bytes(const gch__source *source, uint64_t first, uint32_t count)
{
    return (size_t)GCH_MIN((uint64_t)count * GCH_PAGE_BYTES,
                           source->byte_count - first * GCH_PAGE_BYTES);
}

static void count_latency(gch_data *data, int64_t ns)
{
    uint64_t us = (uint64_t)ns / 1000;
    uint32_t bucket = us < 2 ? 0 : 63u - (uint32_t)__builtin_clzll(us);
    gch__count(&data->counters.load_latency[GCH_MIN(bucket, GCH_LATENCY_BUCKETS - 1)], 1);
}

static_assert((int)GCH__PRIORITY_VISIBLE == (int)GCH_PRIORITY_VISIBLE &&
                  (int)GCH__PRIORITY_REFINE == (int)GCH_PRIORITY_REFINE &&
                  (int)GCH__PRIORITY_PREFETCH == (int)GCH_PRIORITY_PREFETCH,
              "sources are told the priority of the queue");

static gch_status fill(gch__source *source, uint64_t first, uint32_t count, gch__priority priority,
                       const gch_cancel *cancel, gch_error *err)
{
    gch_data *data = source->data;
    size_t offset = (size_t)first * GCH_PAGE_BYTES, bytes = run_bytes(source, first, count);
    gch_status status = GCH_OK;
    int64_t start = gch__clock_ns();
    if (source->ops.read != NULL)
        status = source->ops.read(source->ops.context, offset, bytes, (gch_priority)priority,
                                  source->region.base + offset, cancel, err);
    else if (source->region.is_file)
        status = gch__region_populate(&source->region, offset, bytes, source->name, err);
    if (status == GCH_OK) {
        count_latency(data, gch__clock_ns() - start);
        gch__count(&data->counters.loads, 1);
        gch__count(&data->counters.loaded_pages, count);
        gch__count(&data->counters.loaded_bytes, bytes);
    }
    return status;
}

/* A failure that says nothing about the page. */
static bool is_passing(gch_status status)
{
    return status == GCH_CANCELLED || status == GCH_NO_MEMORY || status == GCH_LIMIT ||
           status == GCH_PENDING || status == GCH_UNAVAILABLE;
}

/* Ends LOADING without a page, whose memory is not counted or not any more. */
static void settle_failure(gch__source *source, uint64_t page, gch_status status)
{
    gch__page_word *place = &source->words[page];
    uint32_t word = atomic_load_explicit(place, memory_order_relaxed), wanted;
    do {
        wanted = GCH__PAGE_FAILED | (status == GCH_CORRUPT ? 0 : GCH__WORD_IO);
        if (is_passing(status) || (word & GCH__WORD_STALE) != 0)
            wanted = GCH__PAGE_ABSENT;
    } while (!gch__word_swap(place, &word, wanted));
    if (wanted != GCH__PAGE_ABSENT)
        gch__count(&source->data->counters.failed_pages, 1);
}

/* Ends LOADING with a sound page; false if it was invalidated meanwhile. */
static bool settle_success(gch__source *source, uint64_t page, uint32_t wanted)
{
    gch__page_word *place = &source->words[page];
    uint32_t word = atomic_load_explicit(place, memory_order_relaxed);
    while ((word & GCH__WORD_STALE) == 0) {
        if (gch__word_swap(place, &word, wanted))
            return true;
    }
    return false;
}

static void give_back(gch__source *source, uint64_t first, uint32_t count)
{
    if (source->is_fixed)
        return;
    gch__region_discard(&source->region, (size_t)first * GCH_PAGE_BYTES,
                        (size_t)count * GCH_PAGE_BYTES);
    gch__budget_give(source->data, (uint64_t)count * GCH_PAGE_BYTES, GCH_BYTES_PAGES);
}

/* Checks and publishes one page that has been filled and is in the cache. */
static gch_status finish_page(gch__source *source, uint64_t page, uint32_t wanted,
                              bool *out_is_there, gch_error *err)
{
    const gch__page_check *check = &source->check;
    gch_status status = GCH_OK;
    *out_is_there = false;
    if (check->verify != NULL)
        status = check->verify(check->context, page, source->base + page * GCH_PAGE_BYTES, err);
    if (source->lifetime_ns != 0)
        atomic_store_explicit(&source->loaded_ns[page], (uint64_t)gch__clock_ns(),
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&source->resident_count, 1, memory_order_relaxed);
    if (status == GCH_OK && settle_success(source, page, wanted)) {
        *out_is_there = true;
        return GCH_OK;
    }
    atomic_fetch_sub_explicit(&source->resident_count, 1, memory_order_relaxed);
    if (!source->is_fixed)
        gch__slots_remove(source->data, source->slots[page]);
    give_back(source, page, 1);
    settle_failure(source, page, status == GCH_OK ? GCH_CANCELLED : status);
    return status;
}

gch_status gch__pages_load(gch__source *source, uint64_t first, uint32_t count,
                           gch__priority priority, const gch_cancel *cancel, uint64_t own_bytes,
                           uint64_t *out_loaded, gch_error *err)
{
    gch_data *data = source->data;
    gch_status status = GCH_OK;
    /* Not used yet as far as CLOCK is concerned: a page asked for once goes before one asked for
     * again, and so does prefetch that was for nothing. */
    uint32_t wanted = GCH__PAGE_RESIDENT | (out_loaded != NULL ? GCH__WORD_PIN : 0);
    if (out_loaded != NULL)
        *out_loaded = 0;
    /* A loader keeps the pages' askers waiting while it has claimed them; it takes fewer rather
     * than wait for room that those may be holding. */
    gch__room room = out_loaded != NULL ? GCH__ROOM_AWAIT : GCH__ROOM_NOW;
    if (!source->is_fixed)
        status = gch__budget_take(data, (uint64_t)count * GCH_PAGE_BYTES, GCH_BYTES_PAGES,
                                  own_bytes, room, err);
    while (status == GCH_LIMIT && room == GCH__ROOM_NOW && count > 1) {
        for (uint32_t i = count / 2; i < count; i++)
            settle_failure(source, first + i, GCH_LIMIT);
        count /= 2;
        status = gch__budget_take(data, (uint64_t)count * GCH_PAGE_BYTES, GCH_BYTES_PAGES,
                                  own_bytes, room, err);
    }
    if (status != GCH_OK) {
        for (uint32_t i = 0; i < count; i++)
            settle_failure(source, first + i, GCH_LIMIT);
        gch__notify(data);
        return status;
    }
    gch_error run_error = {0};
    gch_status run = fill(source, first, count, priority, cancel, &run_error);
    for (uint32_t i = 0; i < count; i++) {
        gch_error page_error = {0};
        gch_status page = run;
        bool is_there = false;
        if (run != GCH_OK && count > 1 && !is_passing(run)) /* one bad page harms no other */
            page = fill(source, first + i, 1, priority, cancel, &page_error);
        else if (run != GCH_OK)
            page_error = run_error;
        if (page == GCH_OK) {
            if (!source->is_fixed)
                gch__slots_admit_page(source, first + i);
            page = finish_page(source, first + i, wanted, &is_there, &page_error);
        } else {
            give_back(source, first + i, 1);
            settle_failure(source, first + i, page);
        }
        if (is_there && out_loaded != NULL)
            *out_loaded |= 1ull << i;
        if (page != GCH_OK && status == GCH_OK) {
            status = page;
            if (err != NULL)
                *err = page_error;
        }
    }
    gch__notify(data);
    return status;
}
