/* Residency: see render_gpu_pages.h.
 *
 * Invariants:
 *  1. Slot s lies at word s * PAGE_WORDS of the slabs laid end to end; slot 0 holds zeros, and a
 *     table entry of 0 is a page that is not resident.
 *  2. Slots are filled in order; once all are, eviction is CLOCK: the hand takes the first slot
 * whose stamp is not the tile's, and clears the mark of use on its way.
 *  3. Copies into a slot are recorded behind the passes that read its old page: the queue runs in
 *     order, so evicting between two tiles of a frame is safe.
 *  4. Growing the first slab copies it, so that every page keeps its address; a further slab adds
 * to the pool.
 */
#include "render_gpu_pages.h"

#include <string.h>

#define PURPOSE "gpu pages"
#define PAGE_WORDS (GCH__GPU_PAGE_BYTES / 4u)
#define START_SLOTS 1024u
#define START_SLOTS_SHARED 256u /* of gch__gpu_info.is_shared */
#define RUNS 4u
#define SLAB_BYTES_MAX ((uint64_t)1 << 30)
#define FAST_GROWTH_BYTES ((uint64_t)256 << 20) /* fourfold up to this, then step by step */
#define GROWTH_BYTES ((uint64_t)128 << 20)

/* A run that was touched whole when `evicted` was this; empty: none. */
typedef struct known_run {
    gch__gpu_run run;
    uint64_t evicted;
} known_run;

typedef struct source {
    const gch_file *file; /* NULL: dropped */
    uint64_t base_number;
    const uint8_t *body;
    uint32_t page_count;
    uint32_t table_at, table_count; /* its part of the table, perhaps larger than it needs */
    uint64_t frame;                 /* the last one that named it */
    known_run runs[RUNS];           /* one a column */
    uint32_t run_next;              /* to be replaced by that of another column */
} source;

typedef struct slot {
    uint32_t source, page;
    uint64_t tile; /* that touched it last */
    bool is_used;  /* since the hand passed */
} slot;

struct gch__gpu_pages {
    const gch_allocator *allocator;
    gch__gpu *gpu;
    gch_data *data;
    uint64_t charged_bytes;
    uint64_t budget_bytes, slab_bytes;

    gch__gpu_buffer slabs[GCH__GPU_SLABS];
    uint32_t slab_count;
    uint64_t first_slab_bytes;
    slot *slots;
    size_t slot_cap;
    uint32_t slot_count, slot_used, hand;

    source *sources;
    size_t source_cap;
    uint32_t source_count;

    uint32_t *table; /* as on the device */
    size_t table_cap;
    uint32_t table_used;
    uint32_t dirty_first, dirty_last;
    gch__gpu_buffer table_buffer;
    uint64_t table_bytes;

    uint64_t version, frame, tile;
    uint64_t held_whole; /* the tile that holds everything */
    bool was_held;       /* that was in the way of something in the tile at hand ... */
    bool ignores_runs;   /* ... or of the one before */
    bool wants_growth;
    gch__gpu_pages_stats stats;
};

static uint64_t floor_power_of_two(uint64_t value)
{
    return (uint64_t)1 << (63 - __builtin_clzll(value));
}

/* ---- slabs ---- */

static gch_status charge(gch__gpu_pages *pages, uint64_t bytes, gch_error *err)
{
    if (pages->data != NULL)
        GCH_TRY(gch_data_charge(pages->data, GCH_MEMORY_DEVICE, bytes, err));
    pages->charged_bytes += bytes;
    return GCH_OK;
}

static void discharge(gch__gpu_pages *pages, uint64_t bytes)
{
    if (pages->data != NULL)
        (void)!gch_data_discharge(pages->data, GCH_MEMORY_DEVICE, bytes, NULL); /* was charged */
    pages->charged_bytes -= bytes;
}

/* `charged` of the bytes are charged already. */
static gch_status add_slab(gch__gpu_pages *pages, uint64_t bytes, uint64_t charged, gch_error *err)
{
    uint32_t slots = (uint32_t)(bytes / GCH__GPU_PAGE_BYTES);
    GCH_TRY(gch__ensure(pages->allocator, (void **)&pages->slots, &pages->slot_cap,
                        (size_t)pages->slot_count + slots, sizeof *pages->slots, PURPOSE, err));
    GCH_TRY(charge(pages, bytes - charged, err));
    gch_status status = gch__gpu_buffer_make(pages->gpu, bytes, GCH__GPU_STORAGE, "pages",
                                             &pages->slabs[pages->slab_count], err);
    if (status != GCH_OK) {
        discharge(pages, bytes - charged);
        return status;
    }
    pages->slab_count++;
    pages->slot_count += slots;
    pages->version++;
    return GCH_OK;
}

/* Nothing is resident, and no segment is known. */
static void forget_all(gch__gpu_pages *pages)
{
    pages->source_count = 0;
    pages->table_used = 0;
    pages->dirty_first = UINT32_MAX;
    pages->dirty_last = 0;
    pages->slot_used = GCH_MIN(pages->slot_count, 1);
    pages->hand = 1;
    pages->stats.resident = 0;
}

static gch_status make_first_slab(gch__gpu_pages *pages, uint64_t bytes, gch_error *err)
{
    GCH_TRY(add_slab(pages, bytes, 0, err));
    pages->first_slab_bytes = bytes;
    pages->slot_used = 1;
    return gch__gpu_clear(pages->gpu, pages->slabs[0], 0, GCH__GPU_PAGE_BYTES, err);
}

/* If there is no room for a larger one, the pool stays as it is. */
static gch_status grow_first_slab(gch__gpu_pages *pages, uint64_t bytes, gch_error *err)
{
    gch__gpu_buffer old = pages->slabs[0];
    uint64_t old_bytes = pages->first_slab_bytes;
    pages->slab_count = 0;
    pages->slot_count = 0;
    gch_status status = add_slab(pages, bytes, old_bytes, err);
    if (status != GCH_OK) {
        pages->slabs[0] = old;
        pages->slab_count = 1;
        pages->slot_count = (uint32_t)(old_bytes / GCH__GPU_PAGE_BYTES);
        if (status != GCH_LIMIT && status != GCH_NO_MEMORY)
            return status;
        pages->budget_bytes = old_bytes;
        return GCH_OK;
    }
    pages->first_slab_bytes = bytes;
    status = gch__gpu_copy(pages->gpu, old, 0, pages->slabs[0], 0, old_bytes, err);
    gch__gpu_buffer_release(pages->gpu, old);
    return status;
}

static uint64_t slabs_bytes(const gch__gpu_pages *pages)
{
    return (uint64_t)pages->slot_count * GCH__GPU_PAGE_BYTES;
}

static bool can_grow(const gch__gpu_pages *pages)
{
    if (slabs_bytes(pages) >= pages->budget_bytes)
        return false;
    return pages->first_slab_bytes < pages->slab_bytes || pages->slab_count < GCH__GPU_SLABS;
}

static gch_status grow(gch__gpu_pages *pages, gch_error *err)
{
    uint64_t room = pages->budget_bytes - slabs_bytes(pages);
    if (pages->first_slab_bytes < pages->slab_bytes) {
        uint64_t bytes = pages->first_slab_bytes;
        uint64_t wanted = bytes < FAST_GROWTH_BYTES ? bytes * 4 : bytes + GROWTH_BYTES;
        wanted = GCH_MIN(wanted, pages->slab_bytes);
        return grow_first_slab(pages, GCH_MIN(wanted, pages->budget_bytes), err);
    }
    gch_status status = add_slab(pages, GCH_MIN(room, pages->slab_bytes), 0, err);
    if (status == GCH_LIMIT || status == GCH_NO_MEMORY) { /* then this is all there is */
        pages->budget_bytes = slabs_bytes(pages);
        return GCH_OK;
    }
    return status;
}

gch_status gch__gpu_pages_make(const gch__gpu_pages_desc *desc, gch__gpu_pages **out,
                               gch_error *err)
{
    gch__gpu_pages *pages = gch__alloc_zero(desc->allocator, 1, sizeof *pages, PURPOSE);
    if (pages == NULL)
        return gch__no_memory(err, PURPOSE);
    const gch__gpu_info *info = gch__gpu_get_info(desc->gpu);
    pages->allocator = desc->allocator;
    pages->gpu = desc->gpu;
    pages->data = desc->data;
    uint64_t bindable = GCH_MIN(info->binding_bytes_max, info->buffer_bytes_max);
    pages->slab_bytes = floor_power_of_two(GCH_MIN(bindable, SLAB_BYTES_MAX));
    if (desc->slab_bytes != 0)
        pages->slab_bytes = GCH_MIN(pages->slab_bytes, desc->slab_bytes);
    pages->budget_bytes = pages->slab_bytes * GCH__GPU_SLABS;
    if (desc->budget_bytes != 0)
        pages->budget_bytes = GCH_MIN(pages->budget_bytes, desc->budget_bytes);
    pages->budget_bytes &= ~(uint64_t)(GCH__GPU_PAGE_BYTES - 1);
    forget_all(pages);
    gch_status status = GCH_OK;
    if (pages->budget_bytes < GCH__GPU_SLOTS_MIN * GCH__GPU_PAGE_BYTES)
        status = gch_fail(err, GCH_LIMIT, "%llu bytes of device memory are too few to draw with",
                          (unsigned long long)pages->budget_bytes);
    if (status != GCH_OK) {
        gch__gpu_pages_destroy(pages);
        return status;
    }
    pages->wants_growth = true; /* the first tile makes the first slab */
    *out = pages;
    return GCH_OK;
}

void gch__gpu_pages_destroy(gch__gpu_pages *pages)
{
    if (pages == NULL)
        return;
    for (uint32_t i = 0; i < pages->slab_count; i++)
        gch__gpu_buffer_release(pages->gpu, pages->slabs[i]);
    gch__gpu_buffer_release(pages->gpu, pages->table_buffer);
    discharge(pages, pages->charged_bytes);
    gch__free(pages->allocator, pages->slots, PURPOSE);
    gch__free(pages->allocator, pages->sources, PURPOSE);
    gch__free(pages->allocator, pages->table, PURPOSE);
    gch__free(pages->allocator, pages, PURPOSE);
}

uint64_t gch__gpu_pages_get_budget(const gch__gpu_pages *pages)
{
    return pages->budget_bytes;
}

gch__gpu_pages_buffers gch__gpu_pages_get_buffers(const gch__gpu_pages *pages)
{
    gch__gpu_pages_buffers buffers = {
        .table = pages->table_buffer,
        .slab_shift = (uint32_t)__builtin_ctzll(pages->slab_bytes / 4),
        .version = pages->version,
    };
    for (uint32_t i = 0; i < GCH__GPU_SLABS; i++)
        buffers.slabs[i] = pages->slabs[i < pages->slab_count ? i : 0];
    return buffers;
}

/* ---- sources ---- */

void gch__gpu_pages_begin_frame(gch__gpu_pages *pages)
{
    pages->frame++;
}

void gch__gpu_pages_keep(gch__gpu_pages *pages, const gch_file *file)
{
    uint64_t base_number = gch__file_base_number(file);
    for (uint32_t i = 0; i < pages->source_count; i++)
        if (pages->sources[i].file == file && pages->sources[i].base_number == base_number)
            pages->sources[i].frame = pages->frame;
}

/* Its slots and its part of the table go to whoever needs them. */
static void drop_source(gch__gpu_pages *pages, uint32_t index)
{
    for (uint32_t i = 1; i < pages->slot_used; i++) {
        if (pages->slots[i].source == index && pages->slots[i].page != UINT32_MAX) {
            pages->slots[i] = (slot){.page = UINT32_MAX};
            pages->stats.resident--;
        }
    }
    pages->sources[index].file = NULL;
}

void gch__gpu_pages_end_frame(gch__gpu_pages *pages)
{
    uint32_t live_count = 0;
    for (uint32_t i = 0; i < pages->source_count; i++) {
        if (pages->sources[i].file != NULL && pages->sources[i].frame != pages->frame)
            drop_source(pages, i);
        live_count += pages->sources[i].file != NULL;
    }
    if (live_count == 0)
        forget_all(pages);
}

/* A dropped source's place, if its part of the table is large enough; else a new one. */
static gch_status find_place(gch__gpu_pages *pages, uint32_t page_count, source **out,
                             gch_error *err)
{
    for (uint32_t i = 0; i < pages->source_count; i++) {
        *out = &pages->sources[i];
        if ((*out)->file == NULL && (*out)->table_count >= page_count)
            return GCH_OK;
    }
    uint64_t table_count = (uint64_t)pages->table_used + page_count;
    if (table_count > UINT32_MAX / 4)
        return gch_fail(err, GCH_UNSUPPORTED, "more pages in view than shaders can address");
    GCH_TRY(gch__ensure(pages->allocator, (void **)&pages->sources, &pages->source_cap,
                        (size_t)pages->source_count + 1, sizeof *pages->sources, PURPOSE, err));
    GCH_TRY(gch__ensure(pages->allocator, (void **)&pages->table, &pages->table_cap,
                        (size_t)table_count, sizeof *pages->table, PURPOSE, err));
    *out = &pages->sources[pages->source_count++];
    **out = (source){.table_at = pages->table_used, .table_count = page_count};
    pages->table_used = (uint32_t)table_count;
    return GCH_OK;
}

static gch_status add_source(gch__gpu_pages *pages, const gch_file *file, const uint8_t *body,
                             uint32_t page_count, uint32_t *out_index, gch_error *err)
{
    source *s;
    GCH_TRY(find_place(pages, page_count, &s, err));
    s->file = file;
    s->base_number = gch__file_base_number(file);
    s->body = body;
    s->page_count = page_count;
    memset(s->runs, 0, sizeof s->runs);
    memset(pages->table + s->table_at, 0, page_count * sizeof *pages->table);
    pages->dirty_first = GCH_MIN(pages->dirty_first, s->table_at);
    pages->dirty_last = GCH_MAX(pages->dirty_last, s->table_at + page_count);
    *out_index = (uint32_t)(s - pages->sources);
    return GCH_OK;
}

gch_status gch__gpu_pages_find(gch__gpu_pages *pages, const gch_file *file,
                               const gch__segment *segment, uint32_t *out_source,
                               uint32_t *out_table_at, uint32_t *out_page_count, gch_error *err)
{
    uint64_t body_bytes;
    const uint8_t *body = gch__segment_body(segment, &body_bytes);
    if (body == NULL)
        return gch_fail(err, GCH_UNSUPPORTED, "a segment that grows is not kept by the GPU");
    if (body_bytes > (uint64_t)UINT32_MAX * 4)
        return gch_fail(err, GCH_UNSUPPORTED, "a segment is too large for the GPU's words");
    uint64_t base_number = gch__file_base_number(file);
    uint32_t i = 0;
    for (; i < pages->source_count; i++) {
        const source *s = &pages->sources[i];
        if (s->file == file && s->body == body && s->base_number == base_number)
            break;
    }
    if (i == pages->source_count)
        GCH_TRY(
            add_source(pages, file, body, (uint32_t)(body_bytes / GCH__GPU_PAGE_BYTES), &i, err));
    pages->sources[i].frame = pages->frame;
    *out_source = i;
    *out_table_at = pages->sources[i].table_at;
    *out_page_count = pages->sources[i].page_count;
    return GCH_OK;
}

/* ---- tiles ---- */

gch_status gch__gpu_pages_begin_tile(gch__gpu_pages *pages, gch_error *err)
{
    pages->tile++;
    pages->ignores_runs = pages->was_held;
    pages->was_held = false;
    if (!pages->wants_growth)
        return GCH_OK;
    pages->wants_growth = false;
    if (pages->slab_count > 0)
        return grow(pages, err);
    uint64_t slots = GCH_MIN(pages->slab_bytes, pages->budget_bytes) / GCH__GPU_PAGE_BYTES;
    bool is_shared = gch__gpu_get_info(pages->gpu)->is_shared;
    slots = GCH_MIN(slots, is_shared ? START_SLOTS_SHARED : START_SLOTS);
    gch_status status = make_first_slab(pages, slots * GCH__GPU_PAGE_BYTES, err);
    /* The manager's budget may be smaller than what the device has, or others have their part. */
    while (status == GCH_LIMIT && slots / 2 >= GCH__GPU_SLOTS_MIN) {
        slots /= 2;
        status = make_first_slab(pages, slots * GCH__GPU_PAGE_BYTES, err);
    }
    return status;
}

bool gch__gpu_pages_may_fit(const gch__gpu_pages *pages)
{
    return pages->wants_growth || pages->was_held;
}

static void set_entry(gch__gpu_pages *pages, const source *s, uint32_t page, uint32_t address)
{
    uint32_t at = s->table_at + page;
    pages->table[at] = address;
    pages->dirty_first = GCH_MIN(pages->dirty_first, at);
    pages->dirty_last = GCH_MAX(pages->dirty_last, at + 1);
}

/* A slot to fill, or 0: there is none. */
static uint32_t take_slot(gch__gpu_pages *pages)
{
    if (pages->slot_used < pages->slot_count)
        return pages->slot_used++;
    if (can_grow(pages)) {
        pages->wants_growth = true;
        return 0;
    }
    if (pages->held_whole == pages->tile) {
        pages->was_held = true;
        return 0;
    }
    /* Two rounds: the first may only clear marks. */
    for (uint64_t step = 0; step < 2 * (uint64_t)pages->slot_count; step++) {
        uint32_t at = pages->hand;
        slot *s = &pages->slots[at];
        pages->hand = at + 1 < pages->slot_count ? at + 1 : 1;
        if (s->tile == pages->tile && s->page != UINT32_MAX)
            continue;
        if (s->is_used) {
            s->is_used = false;
            continue;
        }
        if (s->page != UINT32_MAX) {
            set_entry(pages, &pages->sources[s->source], s->page, 0);
            pages->stats.evicted++;
            pages->stats.resident--;
        }
        return at;
    }
    return 0;
}

static gch_status load_page(gch__gpu_pages *pages, uint32_t source_index,
                            const gch__segment *segment, uint32_t page, bool *out_is_full,
                            gch_error *err)
{
    const source *s = &pages->sources[source_index];
    const uint8_t *bytes = s->body + (size_t)page * GCH__GPU_PAGE_BYTES;
    GCH_TRY(gch__segment_check(segment, bytes, GCH__GPU_PAGE_BYTES, err));
    uint32_t at = take_slot(pages);
    *out_is_full = at == 0;
    if (at == 0)
        return GCH_OK;
    pages->slots[at] = (slot){.source = source_index, .page = UINT32_MAX};
    uint64_t offset = (uint64_t)at * GCH__GPU_PAGE_BYTES;
    GCH_TRY(gch__gpu_upload(pages->gpu, pages->slabs[offset / pages->slab_bytes],
                            offset % pages->slab_bytes, bytes, GCH__GPU_PAGE_BYTES, err));
    pages->slots[at] =
        (slot){.source = source_index, .page = page, .tile = pages->tile, .is_used = true};
    set_entry(pages, s, page, at * PAGE_WORDS);
    pages->stats.loaded++;
    pages->stats.resident++;
    return GCH_OK;
}

gch_status gch__gpu_pages_touch(gch__gpu_pages *pages, uint32_t source_index,
                                const gch__segment *segment, const void *bytes, size_t count,
                                bool *out_is_full, gch_error *err)
{
    *out_is_full = false;
    if (count == 0)
        return GCH_OK;
    const source *s = &pages->sources[source_index];
    uint64_t offset = (uint64_t)((const uint8_t *)bytes - s->body);
    uint32_t last = (uint32_t)((offset + count - 1) / GCH__GPU_PAGE_BYTES);
    for (uint32_t page = (uint32_t)(offset / GCH__GPU_PAGE_BYTES); page <= last; page++) {
        uint32_t address = pages->table[s->table_at + page];
        if (address == 0) {
            GCH_TRY(load_page(pages, source_index, segment, page, out_is_full, err));
            if (*out_is_full)
                return GCH_OK;
            continue;
        }
        slot *held = &pages->slots[address / PAGE_WORDS];
        held->tile = pages->tile;
        held->is_used = true;
    }
    return GCH_OK;
}

static known_run *find_run(source *s, uint32_t column)
{
    for (uint32_t i = 0; i < RUNS; i++)
        if (s->runs[i].run.column == column && s->runs[i].run.first < s->runs[i].run.last)
            return &s->runs[i];
    return NULL;
}

void gch__gpu_pages_note_run(gch__gpu_pages *pages, uint32_t source_index, gch__gpu_run run)
{
    source *s = &pages->sources[source_index];
    known_run *known = find_run(s, run.column);
    bool goes_on = known != NULL && known->evicted == pages->stats.evicted &&
                   run.first <= known->run.last && known->run.first <= run.last;
    if (goes_on) {
        known->run.first = GCH_MIN(known->run.first, run.first);
        known->run.last = GCH_MAX(known->run.last, run.last);
        return;
    }
    if (known == NULL)
        known = &s->runs[s->run_next++ % RUNS];
    *known = (known_run){.run = run, .evicted = pages->stats.evicted};
}

bool gch__gpu_pages_has_run(gch__gpu_pages *pages, uint32_t source_index, gch__gpu_run run)
{
    const known_run *known = find_run(&pages->sources[source_index], run.column);
    if (pages->ignores_runs || known == NULL || known->evicted != pages->stats.evicted ||
        run.first < known->run.first || run.last > known->run.last)
        return false;
    pages->held_whole = pages->tile;
    return true;
}

gch_status gch__gpu_pages_flush(gch__gpu_pages *pages, gch_error *err)
{
    uint64_t bytes = GCH_MAX((uint64_t)pages->table_used * 4, 4);
    if (bytes > pages->table_bytes) {
        uint64_t cap = GCH_MAX(bytes, pages->table_bytes * 2);
        gch__gpu_buffer larger;
        GCH_TRY(
            gch__gpu_buffer_make(pages->gpu, cap, GCH__GPU_STORAGE, "page table", &larger, err));
        gch__gpu_buffer_release(pages->gpu, pages->table_buffer);
        pages->table_buffer = larger;
        pages->table_bytes = cap;
        pages->version++;
        pages->dirty_first = 0;
        pages->dirty_last = pages->table_used;
    }
    if (pages->dirty_first < pages->dirty_last)
        GCH_TRY(gch__gpu_upload(pages->gpu, pages->table_buffer, (uint64_t)pages->dirty_first * 4,
                                pages->table + pages->dirty_first,
                                (uint64_t)(pages->dirty_last - pages->dirty_first) * 4, err));
    pages->dirty_first = UINT32_MAX;
    pages->dirty_last = 0;
    return GCH_OK;
}

gch__gpu_pages_stats gch__gpu_pages_get_stats(const gch__gpu_pages *pages)
{
    gch__gpu_pages_stats stats = pages->stats;
    stats.slots = pages->slot_count > 0 ? pages->slot_count - 1 : 0;
    stats.table_entries = pages->table_used;
    return stats;
}
