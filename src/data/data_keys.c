/* The key table: shards of open addressing, read without locks.
 *
 * Invariants:
 *  1. A shard is changed under its lock and with `sequence` odd; a reader that sees an odd or a
 *     changed sequence reads again. All words a reader looks at are atomic.
 *  2. A table is at most 3/4 full; a run of used cells from a key's home reaches the key (removal
 *     moves cells back, there are no tombstones).
 *  3. A table that was outgrown is kept until the end, for readers still in it. Sizes double, so
 *     all of them together are smaller than the last one.
 *  4. The packing of keys gives each field its own bits (gch/data.h): 24 + 12 + 6 + 46 + 40 = 128.
 *     2^24 sources, 2^12 columns (a file has 1024 at most), 2^6 levels (a tree has 9, a zoom of
 *     binary steps over 64-bit time 64), 2^46 pages (2^60 bytes), 2^40 versions.
 */
#include "data_keys.h"

#include <pthread.h>
#include <stdatomic.h>

#define SHARD_COUNT 64u
#define CELLS_MIN 16u
#define TABLES_CAP 32u
#define UNUSED UINT32_MAX

typedef struct cell {
    _Atomic uint64_t high, low;
    _Atomic uint32_t number; /* UNUSED: the cell is free */
} cell;

typedef struct shard {
    _Alignas(64) _Atomic uint64_t sequence;
    _Atomic(cell *) cells;
    _Atomic uint32_t mask; /* cells - 1 */
    uint32_t count;
    uint32_t old_count;
    pthread_mutex_t lock;
    cell *old[TABLES_CAP];
} shard;

struct gch__keys {
    const gch_allocator *allocator;
    shard *shards; /* on a 64-byte border within `block` */
    void *block;
};

static uint64_t hash_of(gch_key key)
{
    __uint128_t product = (__uint128_t)(key.low ^ 0x9E3779B97F4A7C15u) *
                          (__uint128_t)(key.high * 0xD6E8FEB86659FD93u ^ 0xC2B2AE3D27D4EB4Fu);
    uint64_t hash = (uint64_t)product ^ (uint64_t)(product >> 64);
    /* A factor of 0 would lose the other half. */
    hash += key.high * 0xFF51AFD7ED558CCDu + key.low;
    return hash ^ hash >> 29;
}

static shard *shard_of(const gch__keys *keys, uint64_t hash)
{
    return &keys->shards[hash >> 58];
}

static uint64_t load(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static cell *make_cells(const gch_allocator *allocator, uint32_t count)
{
    cell *cells = gch__alloc_array(allocator, count, sizeof *cells, "keys");
    for (uint32_t i = 0; cells != NULL && i < count; i++) {
        atomic_init(&cells[i].high, 0);
        atomic_init(&cells[i].low, 0);
        atomic_init(&cells[i].number, UNUSED);
    }
    return cells;
}

gch_status gch__keys_make(const gch_allocator *allocator, gch__keys **out, gch_error *err)
{
    gch__keys *keys = gch__alloc_zero(allocator, 1, sizeof *keys, "keys");
    if (keys == NULL)
        return gch__no_memory(err, "keys");
    keys->allocator = allocator;
    keys->block = gch__alloc_zero(allocator, SHARD_COUNT + 1, sizeof(shard), "keys");
    if (keys->block == NULL) {
        gch__keys_destroy(keys);
        return gch__no_memory(err, "keys");
    }
    keys->shards = (shard *)gch__align_up((uintptr_t)keys->block, 64);
    for (uint32_t i = 0; i < SHARD_COUNT; i++)
        pthread_mutex_init(&keys->shards[i].lock, NULL);
    for (uint32_t i = 0; i < SHARD_COUNT; i++) {
        cell *cells = make_cells(allocator, CELLS_MIN);
        if (cells == NULL) {
            gch__keys_destroy(keys);
            return gch__no_memory(err, "keys");
        }
        atomic_init(&keys->shards[i].cells, cells);
        atomic_init(&keys->shards[i].mask, CELLS_MIN - 1);
    }
    *out = keys;
    return GCH_OK;
}

void gch__keys_destroy(gch__keys *keys)
{
    if (keys == NULL)
        return;
    for (uint32_t i = 0; keys->shards != NULL && i < SHARD_COUNT; i++) {
        shard *s = &keys->shards[i];
        for (uint32_t k = 0; k < s->old_count; k++)
            gch__free(keys->allocator, s->old[k], "keys");
        gch__free(keys->allocator, atomic_load(&s->cells), "keys");
        pthread_mutex_destroy(&s->lock);
    }
    gch__free(keys->allocator, keys->block, "keys");
    gch__free(keys->allocator, keys, "keys");
}

bool gch__keys_find(const gch__keys *keys, gch_key key, uint32_t *out_number)
{
    uint64_t hash = hash_of(key);
    const shard *s = shard_of(keys, hash);
    for (;;) {
        uint64_t before = atomic_load_explicit(&s->sequence, memory_order_acquire);
        if ((before & 1u) != 0)
            continue;
        /* Cells before mask: a larger table is published before its mask, so that an index never
         * lies outside. */
        uint32_t mask = atomic_load_explicit(&s->mask, memory_order_acquire);
        const cell *cells = atomic_load_explicit(&s->cells, memory_order_acquire);
        uint32_t number = UNUSED, i = (uint32_t)hash & mask;
        for (uint32_t steps = 0; steps <= mask; steps++, i = (i + 1) & mask) {
            number = atomic_load_explicit(&cells[i].number, memory_order_acquire);
            if (number == UNUSED ||
                (atomic_load_explicit(&cells[i].low, memory_order_acquire) == key.low &&
                 atomic_load_explicit(&cells[i].high, memory_order_acquire) == key.high))
                break;
        }
        /* The loads above are acquiring, so this one comes after them. */
        if (load(&s->sequence) == before) {
            *out_number = number;
            return number != UNUSED;
        }
    }
}

/* ---- changes, under the shard's lock ---- */

static void begin_change(shard *s)
{
    atomic_store_explicit(&s->sequence, load(&s->sequence) + 1, memory_order_relaxed);
}

static void end_change(shard *s)
{
    atomic_store_explicit(&s->sequence, load(&s->sequence) + 1, memory_order_release);
}

/* Stores release, so that whoever sees one also sees the odd sequence before it. */
static void set_cell(cell *c, gch_key key, uint32_t number)
{
    atomic_store_explicit(&c->high, key.high, memory_order_release);
    atomic_store_explicit(&c->low, key.low, memory_order_release);
    atomic_store_explicit(&c->number, number, memory_order_release);
}

static gch_key key_in(const cell *c)
{
    return (gch_key){.high = load(&c->high), .low = load(&c->low)};
}

static uint32_t number_in(const cell *c)
{
    return atomic_load_explicit(&c->number, memory_order_relaxed);
}

/* The key's cell, or the free one where it would go. */
static uint32_t locate(const cell *cells, uint32_t mask, uint64_t hash, gch_key key)
{
    uint32_t i = (uint32_t)hash & mask;
    while (number_in(&cells[i]) != UNUSED &&
           (load(&cells[i].low) != key.low || load(&cells[i].high) != key.high))
        i = (i + 1) & mask;
    return i;
}

static gch_status grow(const gch__keys *keys, shard *s, gch_error *err)
{
    uint32_t mask = atomic_load(&s->mask), wider = 2 * mask + 1;
    if (s->old_count == TABLES_CAP || mask >= UINT32_MAX / 4)
        return gch_fail(err, GCH_LIMIT, "the table of keys is full");
    cell *from = atomic_load(&s->cells);
    cell *to = make_cells(keys->allocator, wider + 1);
    if (to == NULL)
        return gch__no_memory(err, "keys");
    for (uint32_t i = 0; i <= mask; i++) {
        if (number_in(&from[i]) != UNUSED) {
            gch_key key = key_in(&from[i]);
            set_cell(&to[locate(to, wider, hash_of(key), key)], key, number_in(&from[i]));
        }
    }
    s->old[s->old_count++] = from;
    begin_change(s);
    atomic_store_explicit(&s->cells, to, memory_order_release);
    atomic_store_explicit(&s->mask, wider, memory_order_release);
    end_change(s);
    return GCH_OK;
}

gch_status gch__keys_insert(gch__keys *keys, gch_key key, uint32_t number, gch_error *err)
{
    uint64_t hash = hash_of(key);
    shard *s = shard_of(keys, hash);
    gch_status status = GCH_OK;
    pthread_mutex_lock(&s->lock);
    if ((s->count + 1) * 4 > (atomic_load(&s->mask) + 1) * 3)
        status = grow(keys, s, err);
    if (status == GCH_OK) {
        cell *cells = atomic_load(&s->cells);
        uint32_t i = locate(cells, atomic_load(&s->mask), hash, key);
        if (number_in(&cells[i]) != UNUSED) {
            status = gch_fail(err, GCH_EXISTS, "the key has a page already");
        } else {
            begin_change(s);
            set_cell(&cells[i], key, number);
            end_change(s);
            s->count++;
        }
    }
    pthread_mutex_unlock(&s->lock);
    return status;
}

bool gch__keys_remove(gch__keys *keys, gch_key key, uint32_t number)
{
    uint64_t hash = hash_of(key);
    shard *s = shard_of(keys, hash);
    pthread_mutex_lock(&s->lock);
    cell *cells = atomic_load(&s->cells);
    uint32_t mask = atomic_load(&s->mask), hole = locate(cells, mask, hash, key);
    bool is_found = number != UNUSED && number_in(&cells[hole]) == number;
    if (is_found) {
        begin_change(s);
        /* Moves back each cell that a probe from its home would pass the hole to reach. */
        for (uint32_t i = (hole + 1) & mask; number_in(&cells[i]) != UNUSED; i = (i + 1) & mask) {
            gch_key other = key_in(&cells[i]);
            uint32_t home = (uint32_t)hash_of(other) & mask;
            if (((i - home) & mask) >= ((i - hole) & mask)) {
                set_cell(&cells[hole], other, number_in(&cells[i]));
                hole = i;
            }
        }
        atomic_store_explicit(&cells[hole].number, UNUSED, memory_order_release);
        end_change(s);
        s->count--;
    }
    pthread_mutex_unlock(&s->lock);
    return is_found;
}

/* ---- packing ---- */

static gch_status check_field(const char *name, uint64_t value, uint32_t bits, gch_error *err)
{
    if (value >> bits != 0)
        return gch_fail(err, GCH_INVALID, "key: %s %llu, must be below 2^%u", name,
                        (unsigned long long)value, bits);
    return GCH_OK;
}

gch_status gch_key_pack(const gch_key_desc *desc, gch_key *out, gch_error *err)
{
    GCH_TRY(check_field("source", desc->source, 24, err));
    GCH_TRY(check_field("column", desc->column, 12, err));
    GCH_TRY(check_field("level", desc->level, 6, err));
    GCH_TRY(check_field("page", desc->page, 46, err));
    GCH_TRY(check_field("version", desc->version, 40, err));
    *out = (gch_key){
        .high = (uint64_t)desc->source << 40 | (uint64_t)desc->column << 28 |
                (uint64_t)desc->level << 22 | desc->page >> 24,
        .low = desc->page << 40 | desc->version,
    };
    return GCH_OK;
}

gch_key_desc gch_key_unpack(gch_key key)
{
    return (gch_key_desc){
        .source = (uint32_t)(key.high >> 40),
        .column = (uint32_t)(key.high >> 28) & 0xFFFu,
        .level = (uint32_t)(key.high >> 22) & 0x3Fu,
        .page = (key.high & 0x3FFFFFu) << 24 | key.low >> 40,
        .version = key.low & 0xFFFFFFFFFFu,
    };
}
