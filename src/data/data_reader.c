/* Readers: what one frame or request has pinned.
 *
 * Invariants:
 *  1. A bit of `pinned` is set by the thread whose pin it stands for, after the pin; of two threads
 *     that pin the same page for one reader the second lets its pin go.
 *  2. A word of `pinned` that is not 0 has its bit in `touched`.
 */
#include "data_state.h"

#include <string.h>

static uint64_t word_count(uint64_t bits)
{
    return bits / 64 + (bits % 64 != 0);
}

static uint64_t own_bytes(const gch__reader *reader)
{
    return gch__peek(&reader->pinned_count) * GCH_PAGE_BYTES;
}

/* On success the reader has taken over the caller's hold of the source, unless is_own. */
static gch_status make_reader(gch__source *source, bool is_own, gch__reader **out, gch_error *err)
{
    gch_data *data = source->data;
    gch__reader *reader = gch__alloc_zero(&data->allocator, 1, sizeof *reader, "reader");
    if (reader == NULL)
        goto no_memory;
    reader->source = source;
    reader->is_own = is_own;
    reader->page_count = source->page_count;
    size_t words = (size_t)word_count(source->page_count);
    reader->pinned = gch__alloc_zero(&data->allocator, words, sizeof *reader->pinned, "reader");
    reader->touched = gch__alloc_zero(&data->allocator, (size_t)word_count(words),
                                      sizeof *reader->touched, "reader");
    if (reader->pinned == NULL || reader->touched == NULL)
        goto no_memory;
    if (!is_own)
        atomic_fetch_add(&data->reader_count, 1);
    *out = reader;
    return GCH_OK;

no_memory:
    if (reader != NULL) {
        gch__free(&data->allocator, (void *)reader->pinned, "reader");
        gch__free(&data->allocator, (void *)reader->touched, "reader");
        gch__free(&data->allocator, reader, "reader");
    }
    return gch__no_memory(err, "reader");
}

gch_status gch__reader_make(gch_data *data, gch_source handle, gch__reader **out, gch_error *err)
{
    gch__source *source;
    GCH_TRY(gch__source_hold(data, handle, &source, err));
    gch_status status = make_reader(source, false, out, err);
    if (status != GCH_OK)
        gch__source_drop(source);
    return status;
}

void gch__reader_destroy(gch__reader *reader)
{
    if (reader == NULL)
        return;
    gch__source *source = reader->source;
    gch_data *data = source->data;
    if (reader == source->own) {
        if (source->file == NULL) /* opening has failed; loaders check pages with the file */
            gch__queue_settle(source);
        if (!source->is_fixed)
            atomic_fetch_sub_explicit(&data->held_bytes, own_bytes(reader), memory_order_relaxed);
        source->own = NULL; /* what it held may go from now on */
    }
    gch__reader_end(reader);
    gch__free(&data->allocator, (void *)reader->pinned, "reader");
    gch__free(&data->allocator, (void *)reader->touched, "reader");
    bool is_own = reader->is_own;
    gch__free(&data->allocator, reader, "reader");
    if (is_own)
        return;
    gch__source_drop(source);
    atomic_fetch_sub(&data->reader_count, 1);
}

void gch__reader_begin(gch__reader *reader, gch__read_mode mode, gch__priority priority,
                       gch_cancel *cancel)
{
    gch__reader_end(reader);
    reader->mode = mode;
    reader->priority = priority;
    reader->cancel = cancel;
    gch__source *source = reader->source;
    reader->epoch = atomic_load_explicit(&source->epoch, memory_order_acquire);
    atomic_store_explicit(&reader->missing_count, 0, memory_order_relaxed);
}

void gch__reader_end(gch__reader *reader)
{
    uint64_t words = word_count(reader->page_count);
    for (uint64_t t = 0; t < word_count(words); t++) {
        uint64_t touched = atomic_exchange_explicit(&reader->touched[t], 0, memory_order_acquire);
        while (touched != 0) {
            uint64_t w = t * 64 + (uint64_t)__builtin_ctzll(touched);
            uint64_t bits = atomic_exchange_explicit(&reader->pinned[w], 0, memory_order_acquire);
            for (; bits != 0; bits &= bits - 1) {
                /* A pin that this reader holds cannot be one too few. */
                gch_status status =
                    gch__page_unpin(reader->source, w * 64 + (uint64_t)__builtin_ctzll(bits), NULL);
                (void)status;
            }
            touched &= touched - 1;
        }
    }
    atomic_store_explicit(&reader->pinned_count, 0, memory_order_relaxed);
}

const uint8_t *gch__reader_base(const gch__reader *reader)
{
    const gch__source *source = reader->source;
    return source->base;
}

/* Notes a pin of this thread. */
static void record(gch__reader *reader, uint64_t page)
{
    uint64_t w = page / 64, bit = 1ull << (page % 64);
    uint64_t before = atomic_fetch_or_explicit(&reader->pinned[w], bit, memory_order_acq_rel);
    if ((before & bit) != 0) {
        gch_status status = gch__page_unpin(reader->source, page, NULL);
        (void)status; /* its own pin */
        return;
    }
    if (before == 0)
        atomic_fetch_or_explicit(&reader->touched[w / 64], 1ull << (w % 64), memory_order_relaxed);
    atomic_fetch_add_explicit(&reader->pinned_count, 1, memory_order_relaxed);
    const gch__source *source = reader->source;
    if (reader == source->own && !source->is_fixed)
        gch__count(&source->data->held_bytes, GCH_PAGE_BYTES);
}

/* Whether pages were invalidated since the reader began. */
static bool began_before(const gch__reader *reader)
{
    const gch__source *source = reader->source;
    return atomic_load_explicit(&source->epoch, memory_order_acquire) != reader->epoch;
}

/* Loads the run of missing pages that starts at `page` and ends before `end`. */
static gch_status load_missing(gch__reader *reader, uint64_t page, uint64_t end, gch_error *err)
{
    gch__source *source = reader->source;
    if (gch_cancel_is_set(reader->cancel))
        return gch_fail(err, GCH_CANCELLED, "cancelled");
    uint32_t count = gch__pages_claim(source, page, end - page);
    if (count == 0)
        return GCH_OK; /* another thread was quicker */
    gch__count(&source->data->counters.misses, count);
    atomic_fetch_add_explicit(&reader->missing_count, count, memory_order_relaxed);
    uint64_t loaded = 0;
    gch_status status = gch__pages_load(source, page, count, reader->priority, reader->cancel,
                                        own_bytes(reader), &loaded, err);
    for (; loaded != 0; loaded &= loaded - 1)
        record(reader, page + (uint64_t)__builtin_ctzll(loaded));
    return status;
}

/* Whether these missing pages can be there at all beside what the reader holds. A frame that needs
 * too much comes here with all that there is room for in its hands, if not the first time. */
static gch_status check_need(const gch__reader *reader, uint64_t missing, gch_error *err)
{
    const gch__source *source = reader->source;
    const gch_data *data = source->data;
    if (source->is_fixed)
        return GCH_OK;
    uint64_t fixed = gch__peek(&data->held_bytes);
    for (int kind = GCH_BYTES_ADOPTED; kind < GCH_BYTES_KIND_COUNT; kind++)
        fixed += gch__peek(&data->bytes[kind]);
    uint64_t need = own_bytes(reader) + missing * GCH_PAGE_BYTES;
    if (need <= data->host_budget && fixed <= data->host_budget - need)
        return GCH_OK;
    return gch_fail(err, GCH_LIMIT,
                    "%s: at least %llu bytes of pages are needed at once, the host budget of %llu "
                    "has room for %llu",
                    source->name, (unsigned long long)need, (unsigned long long)data->host_budget,
                    (unsigned long long)(data->host_budget - GCH_MIN(fixed, data->host_budget)));
}

/* Held by the file itself. While it is being opened that is true of no page yet. */
static bool is_always_there(const gch__source *source, uint64_t page)
{
    return source->file != NULL && source->own != NULL && gch__reader_holds(source->own, page);
}

static gch_status ensure_no_wait(gch__reader *reader, uint64_t first, uint64_t count,
                                 gch_error *err)
{
    gch__source *source = reader->source;
    gch_data *data = source->data;
    uint64_t missing = 0, hits = 0;
    for (uint64_t page = first; page < first + count; page++) {
        if (gch__reader_holds(reader, page) || is_always_there(source, page))
            continue;
        switch (gch__page_pin(source, page, began_before(reader))) {
        case GCH__PIN_DONE:
            record(reader, page);
            hits++;
            break;
        case GCH__PIN_FAILED:
            return gch__page_fail(source, page, err);
        case GCH__PIN_MISSING:
            if (gch_cancel_is_set(reader->cancel))
                return gch_fail(err, GCH_CANCELLED, "cancelled");
            if (reader->mode == GCH__READ_NO_WAIT)
                (void)gch__queue_page(source, page, reader->priority, reader->cancel);
            missing++;
            break;
        case GCH__PIN_BUSY:
            missing++;
            break;
        }
    }
    gch__count(&data->counters.hits, hits);
    if (missing == 0)
        return GCH_OK;
    gch__count(&data->counters.misses, missing);
    gch__count(&data->counters.pending, missing);
    atomic_fetch_add_explicit(&reader->missing_count, missing, memory_order_relaxed);
    if (reader->mode == GCH__READ_NO_WAIT) /* else they need not fit */
        GCH_TRY(check_need(reader, missing, err));
    return gch_fail(err, GCH_PENDING, "%s: page %llu and others are not loaded yet", source->name,
                    (unsigned long long)first);
}

static gch_status ensure_blocking(gch__reader *reader, uint64_t first, uint64_t count,
                                  gch_error *err)
{
    gch__source *source = reader->source;
    uint64_t hits = 0;
    gch_status status = GCH_OK;
    for (uint64_t page = first; page < first + count && status == GCH_OK;) {
        if (gch__reader_holds(reader, page) || is_always_there(source, page)) {
            page++;
            continue;
        }
        switch (gch__page_pin(source, page, began_before(reader))) {
        case GCH__PIN_DONE:
            record(reader, page++);
            hits++;
            break;
        case GCH__PIN_FAILED:
            status = gch__page_fail(source, page, err);
            break;
        case GCH__PIN_MISSING:
            status = load_missing(reader, page, first + count, err);
            break;
        case GCH__PIN_BUSY:
            status = gch__page_await(source, page, reader, err);
            break;
        }
    }
    gch__count(&source->data->counters.hits, hits);
    return status;
}

gch_status gch__reader_ensure(gch__reader *reader, uint64_t first_page, uint64_t page_count,
                              gch_error *err)
{
    if (first_page > reader->page_count || page_count > reader->page_count - first_page) {
        const gch__source *source = reader->source;
        return gch_fail(err, GCH_INVALID, "%s: pages %llu to %llu asked for, there are %llu",
                        source->name, (unsigned long long)first_page,
                        (unsigned long long)(first_page + page_count),
                        (unsigned long long)reader->page_count);
    }
    return reader->mode == GCH__READ_BLOCK ? ensure_blocking(reader, first_page, page_count, err)
                                           : ensure_no_wait(reader, first_page, page_count, err);
}

static gch_status ensure(void *context, uint64_t first_page, uint64_t page_count,
                         gch__reader *reader, gch_error *err)
{
    (void)context;
    return gch__reader_ensure(reader, first_page, page_count, err);
}

/* The file's own, which must not keep the source alive. */
static gch_status make_own_reader(gch__source *source, gch__reader **out, gch_error *err)
{
    GCH_TRY(make_reader(source, true, out, err));
    source->own = *out;
    return GCH_OK;
}

gch_status gch__reader_make_inside(gch__source *source, gch__reader **out, gch_error *err)
{
    return make_reader(source, true, out, err);
}

/* The first reader of a source is its file's own. */
static gch_status pager_make_reader(void *context, gch__reader **out, gch_error *err)
{
    gch__source *source = context;
    if (source->file == NULL)
        return make_own_reader(source, out, err);
    gch__source_keep(source);
    gch_status status = make_reader(source, false, out, err);
    if (status != GCH_OK)
        gch__source_drop(source);
    return status;
}

static void pager_begin_reader(gch__reader *reader, gch__read_mode mode, gch__priority priority)
{
    gch__reader_begin(reader, mode, priority, NULL);
}

gch__pager gch__source_pager(gch__source *source)
{
    return (gch__pager){.ensure = ensure,
                        .make_reader = pager_make_reader,
                        .begin_reader = pager_begin_reader,
                        .end_reader = gch__reader_end,
                        .destroy_reader = gch__reader_destroy,
                        .context = source};
}
