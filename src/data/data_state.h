/* What the files of the data room share.
 *
 * A page's whole state is one 32-bit word, changed by compare-and-swap only:
 *
 *     bits 0-2   state
 *     bit 3      used since the CLOCK's hand passed
 *     bit 4      stale: to be dropped instead of kept (LOADING, RESIDENT)
 *     bit 5      FAILED: by reading, not by its check
 *     bits 6-7   QUEUED: gch__priority
 *     bits 8-31  pins
 *
 *     ABSENT -> QUEUED -> LOADING -> RESIDENT -> EVICTING -> ABSENT
 *     LOADING -> FAILED -> ABSENT (invalidated)     QUEUED -> ABSENT (cancelled)
 *
 * Who moves a word to LOADING or EVICTING owns the page's bytes until moving it on.
 *
 * Locks, never held together: handles_lock (pools), cache_lock (slots, policy, free keyed
 * records), queue_lock (the loaders'), wait_lock (the condition `changed`), a shard's of the keys.
 */
#ifndef GCH_DATA_STATE_H
#define GCH_DATA_STATE_H

#include "base_pool.h"
#include "base_region.h"
#include "data_keys.h"
#include "data_policy.h"
#include "data_reader.h"

#include <pthread.h>

typedef _Atomic uint32_t gch__page_word;

enum {
    GCH__PAGE_ABSENT = 0,
    GCH__PAGE_QUEUED = 1,
    GCH__PAGE_LOADING = 2,
    GCH__PAGE_RESIDENT = 3,
    GCH__PAGE_FAILED = 4,
    GCH__PAGE_EVICTING = 5,
};
#define GCH__WORD_STATE 7u
#define GCH__WORD_USED 8u
#define GCH__WORD_STALE 16u
#define GCH__WORD_IO 32u
#define GCH__WORD_PRIORITY_SHIFT 6u
#define GCH__WORD_PRIORITY (3u << GCH__WORD_PRIORITY_SHIFT)
#define GCH__WORD_PIN_SHIFT 8u
#define GCH__WORD_PIN (1u << GCH__WORD_PIN_SHIFT)
#define GCH__PINS_MAX (UINT32_MAX >> GCH__WORD_PIN_SHIFT)

static inline uint32_t gch__word_state(uint32_t word)
{
    return word & GCH__WORD_STATE;
}

static inline uint32_t gch__word_pins(uint32_t word)
{
    return word >> GCH__WORD_PIN_SHIFT;
}

static inline bool gch__word_swap(gch__page_word *word, uint32_t *expected, uint32_t wanted)
{
    return atomic_compare_exchange_weak_explicit(word, expected, wanted, memory_order_acq_rel,
                                                 memory_order_acquire);
}

#define GCH__RUN_PAGES 64u /* of one read: 1 MiB */

struct gch_cancel {
    _Atomic uint32_t is_set;
    _Atomic uint32_t refs;
};

struct gch__source {
    gch_data *data;
    _Atomic uint64_t refs; /* handle, readers, pages held, queued pages */
    uint32_t id;           /* its handle */
    uint32_t number;
    char *name;
    const uint8_t *base;
    uint64_t byte_count, page_count;
    gch__region region; /* zero for a buffer */
    gch_source_ops ops; /* `read` NULL: the bytes are there, or come by touching them */
    void (*free_bytes)(void *context, void *bytes, size_t byte_count);
    void *free_context;
    bool is_fixed; /* pages are never evicted: a mapped file or a buffer */
    bool is_far;   /* gch__paged_image */
    bool is_checked;
    gch__page_check check;
    struct gch_file *file;         /* NULL: raw, or live */
    struct gch__live_source *live; /* data_live.c; such a source has no pages */
    /* The file's own reader: holds from open to close what the file's index lies in. */
    const gch__reader *own;
    gch_bytes_kind fixed_kind;
    uint64_t fixed_bytes, table_bytes; /* in the budget */
    uint64_t lifetime_ns;
    _Atomic uint64_t version;
    _Atomic uint64_t resident_count;
    _Atomic uint64_t epoch; /* invalidations so far; raised before a page is marked stale */

    gch__page_word *words;
    uint32_t *slots;             /* a page's slot while it is RESIDENT or EVICTING */
    _Atomic uint64_t *loaded_ns; /* only with a lifetime */
};

/* A cached buffer. Records never move and are used again. */
typedef struct gch__keyed {
    gch__page_word word;
    uint32_t number;
    uint32_t slot;
    uint32_t next_free; /* number + 1; 0: none */
    _Atomic uint64_t high, low;
    _Atomic uint64_t expires_ns; /* 0: never */
    gch_buffer_owned buffer;
} gch__keyed;

#define GCH__PAGE_IS_KEYED (1ull << 63) /* beside a page handle's object: it is a gch__keyed */

#define GCH__KEYED_CHUNK 256u
#define GCH__KEYED_CHUNKS 4096u

/* What lies in a slot of the cache: page `page` of a source, or a keyed record. */
typedef struct gch__slot {
    gch__source *source;
    gch__keyed *keyed;
    uint64_t page; /* of the source; in a free slot the next free one + 1, or 0 */
} gch__slot;

typedef struct gch__queue_entry {
    gch__source *source; /* held */
    uint64_t page;
    gch_cancel *cancel; /* held, or NULL */
} gch__queue_entry;

typedef struct gch__queue {
    gch__queue_entry *entries; /* a ring of queue_cap */
    uint32_t head, count;
} gch__queue;

#define GCH__WARM_CAP 64u

typedef struct gch__warm {
    gch__source *source; /* held */
    uint32_t column, width_px;
    int64_t t0, t1;
    gch_direction direction;
    gch_cancel *cancel;   /* held, or NULL */
    bool is_continuation; /* of a hint that awaited pages to know more */
} gch__warm;

/* What a loader takes from the queues: a hint if it has a source, else a page. */
typedef struct gch__work {
    gch__warm warm;
    gch__queue_entry entry;
    gch__priority priority; /* of the page */
} gch__work;

typedef struct gch__counters {
    _Atomic uint64_t hits, misses, pending, key_hits, key_misses;
    _Atomic uint64_t evictions[GCH_EVICT_CAUSE_COUNT];
    _Atomic uint64_t queued, queue_dropped, queue_cancelled, queue_refused;
    _Atomic uint64_t loads, loaded_pages, loaded_bytes, failed_pages, load_refusals;
    _Atomic uint64_t load_latency[GCH_LATENCY_BUCKETS];
    _Atomic uint64_t allocations;
} gch__counters;

struct gch_data {
    const gch_allocator *outer; /* the caller's */
    gch_allocator allocator;    /* counts, and passes on to it */
    gch__counters counters;
    int64_t stall_ns;

    uint64_t host_budget, device_budget;
    _Atomic uint64_t host_used, host_peak, device_used;
    _Atomic uint64_t held_bytes; /* pages that own readers of files hold */
    _Atomic uint64_t bytes[GCH_BYTES_KIND_COUNT];

    pthread_mutex_t handles_lock;
    gch__pool sources, series, pages;
    uint32_t next_number;
    _Atomic uint32_t reader_count, cancel_count;

    pthread_mutex_t cache_lock;
    const gch__policy_ops *policy_ops;
    gch__policy *policy;
    gch__slot *slots;
    size_t slot_cap;
    uint64_t slots_promised; /* the most that can be in use at once */
    uint32_t free_slot;      /* index + 1; 0: none */
    _Atomic uint64_t resident_count;

    gch__keys *keys;
    _Atomic(gch__keyed *) chunks[GCH__KEYED_CHUNKS];
    _Atomic uint32_t keyed_count; /* records made */
    uint32_t free_keyed;          /* number + 1; 0: none */

    pthread_mutex_t wait_lock;
    pthread_cond_t changed;
    _Atomic uint32_t waiters;

    pthread_mutex_t queue_lock;
    pthread_cond_t work;
    gch__queue queues[GCH__PRIORITY_COUNT];
    uint32_t queue_cap, queued_count;
    gch__warm warm[GCH__WARM_CAP];
    uint32_t warm_head, warm_count;
    uint32_t idle_count;
    uint32_t loader_count;
    pthread_t *loaders;
    _Atomic bool is_stopping;
};

static inline void gch__count(_Atomic uint64_t *counter, uint64_t by)
{
    atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

static inline uint64_t gch__peek(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* A condition whose waits count on the monotonic clock. */
void gch__cond_init(pthread_cond_t *out);

/* ---- data_cache.c: budget, slots, eviction ---- */

typedef enum gch__room {
    GCH__ROOM_AWAIT, /* others may let pages go */
    GCH__ROOM_NOW,   /* for who keeps others waiting meanwhile */
} gch__room;

/* Takes bytes from the host budget, evicting what it must; own_bytes is what the asker itself holds
 * and will not let go while it waits. GCH_LIMIT. */
GCH_CHECKED gch_status gch__budget_take(gch_data *data, uint64_t bytes, gch_bytes_kind kind,
                                        uint64_t own_bytes, gch__room room, gch_error *err);
void gch__budget_give(gch_data *data, uint64_t bytes, gch_bytes_kind kind);

/* Room for `count` more slots, which then never fails. The promise ends with gch__slots_forget. */
GCH_CHECKED gch_status gch__slots_promise(gch_data *data, uint64_t count, gch_error *err);
void gch__slots_forget(gch_data *data, uint64_t count);
void gch__slots_admit_page(gch__source *source, uint64_t page);
void gch__slots_admit_keyed(gch_data *data, gch__keyed *keyed);
void gch__slots_remove(gch_data *data, uint32_t slot);
void gch__slots_touch(gch_data *data, uint32_t slot); /* only if the policy wants to know */
/* The source's pages leave the cache; nobody holds them or will. */
void gch__slots_remove_source(gch__source *source);

/* Tells whoever waits that a page or the budget has changed. */
void gch__notify(gch_data *data);
/* Waits for the next such moment, some milliseconds at most. */
void gch__wait(gch_data *data);

/* ---- data_reader.c ---- */

/* A reader of the manager's own, for a time in which the source is held. GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__reader_make_inside(gch__source *source, gch__reader **out,
                                               gch_error *err);

/* ---- data_pages.c: pages of sources ---- */

typedef enum gch__pin {
    GCH__PIN_DONE,
    GCH__PIN_MISSING, /* ABSENT or QUEUED */
    GCH__PIN_BUSY,    /* LOADING, EVICTING, or stale and held */
    GCH__PIN_FAILED,
} gch__pin;

/* A page that is stale but still held is given to an asker who began before its invalidation
 * (any_age): two who hold pages and wait for each other's would wait for ever. */
gch__pin gch__page_pin(gch__source *source, uint64_t page, bool any_age);
/* GCH_INVALID if it is not pinned. */
GCH_CHECKED gch_status gch__page_unpin(gch__source *source, uint64_t page, gch_error *err);
/* Why a FAILED page is not there. */
gch_status gch__page_fail(const gch__source *source, uint64_t page, gch_error *err);
/* Claims up to `cap` pages from `first` that are ABSENT or QUEUED, for loading. */
uint32_t gch__pages_claim(gch__source *source, uint64_t first, uint64_t cap);
/* Loads claimed pages, count <= GCH__RUN_PAGES; pinned ones are those of the bits in *out_loaded
 * (nullable: none is pinned). The first failure is returned. */
GCH_CHECKED gch_status gch__pages_load(gch__source *source, uint64_t first, uint32_t count,
                                       gch__priority priority, const gch_cancel *cancel,
                                       uint64_t own_bytes, uint64_t *out_loaded, gch_error *err);
/* Waits until a BUSY page is something else, or may be had as it is: a `reader` (nullable) becomes
 * one who began before by any invalidation. GCH_CANCELLED, GCH_LIMIT. */
GCH_CHECKED gch_status gch__page_await(gch__source *source, uint64_t page,
                                       const gch__reader *reader, gch_error *err);
void gch__page_invalidate(gch__source *source, uint64_t page, gch_evict_cause cause);
/* The end of pages whose words are EVICTING and whose slots are no longer in the policy. The source
 * may be gone when this returns. */
void gch__pages_finish_drop(gch__source *source, uint64_t first, uint32_t count,
                            gch_evict_cause cause);
/* Whether a page's lifetime is over. */
bool gch__page_is_old(const gch__source *source, uint64_t page);

/* ---- data_source.c ---- */

/* The source of a handle, held. GCH_INVALID. */
GCH_CHECKED gch_status gch__source_hold(gch_data *data, gch_source handle, gch__source **out,
                                        gch_error *err);
/* The source of live rows, which it takes over also if this fails. GCH_NO_MEMORY, GCH_LIMIT. */
GCH_CHECKED gch_status gch__source_make_live(gch_data *data, const char *name,
                                             struct gch__live_source *live, gch_source *out,
                                             gch_error *err);
void gch__source_keep(gch__source *source); /* one more hold */
void gch__source_drop(gch__source *source); /* the last one ends the source */
/* The source of a series, held, and its column. GCH_INVALID. */
GCH_CHECKED gch_status gch__series_hold(gch_data *data, gch_series handle, gch__source **out,
                                        uint32_t *out_column, gch_error *err);

/* ---- data_keyed.c ---- */

GCH_CHECKED gch_status gch__keyed_pin(gch_data *data, gch_key key, gch__keyed **out,
                                      gch_error *err);
GCH_CHECKED gch_status gch__keyed_unpin(gch_data *data, gch__keyed *keyed, gch_error *err);
/* As gch__pages_finish_drop. */
void gch__keyed_finish_drop(gch_data *data, gch__keyed *keyed, gch_evict_cause cause);
void gch__keyed_expire(gch_data *data); /* all that are too old */
/* Ends all records; nothing is in use any more. */
void gch__keyed_reset(gch_data *data);

/* ---- data_loader_threads.c, data_loader_none.c ---- */

GCH_CHECKED gch_status gch__loaders_start(gch_data *data, uint32_t count, gch_error *err);
/* Drops the queues and waits for loads under way; NULL threads are allowed. */
void gch__loaders_stop(gch_data *data);

/* ---- data_loader.c ---- */

/* Takes what comes first; false if there is nothing. Under queue_lock. */
bool gch__queue_take(gch_data *data, gch__work *out);
/* Does it, and lets go of what it holds. */
void gch__queue_work_off(gch_data *data, gch__work *work);
/* Has a page loaded that is ABSENT, or QUEUED behind this priority. False: the queue is full. */
bool gch__queue_page(gch__source *source, uint64_t page, gch__priority priority,
                     gch_cancel *cancel);
/* Queues a hint, whose hold of its source it takes over. False: too many are waiting. */
bool gch__queue_warm(gch_data *data, const gch__warm *warm);
/* Drops queued work of a token; all of it if that is NULL. */
void gch__queue_cancel(gch_data *data, const gch_cancel *cancel);
/* Of a source that only its opener knows: no page is being loaded any more, nor will be unless it
 * is asked for anew. */
void gch__queue_settle(gch__source *source);
void gch__cancel_drop(gch_data *data, gch_cancel *cancel); /* NULL is allowed */

/* ---- data_series.c ---- */

/* A range of a source's pages. Returns false to stop. */
typedef bool gch__range_fn(void *context, uint64_t first_page, uint64_t page_count);
/* The pages that hold the super-block `super` of a segment, its times, and the blocks' headers. */
/* First those of directories and headers, then, read from these through `reader`, those of the
 * payload. GCH_CORRUPT, and what the reader's ensure returns. */
GCH_CHECKED gch_status gch__super_pages(const gch__source *source, gch__reader *reader,
                                        uint32_t segment, uint32_t column, uint32_t super,
                                        gch__range_fn *each, void *context, gch_error *err);

/* ---- data_warm.c ---- */

/* The pages that a view of a .gch source reads, in order of time, some of them more than once. With
 * a reader that does not wait the answer may lack pages (*out_is_partial, nullable), whose places
 * lie in pages that are on their way. The reader is ended now and then. */
GCH_CHECKED gch_status gch__view_pages(const gch__source *source, gch__reader *reader,
                                       uint32_t column, int64_t t0, int64_t t1, uint32_t width_px,
                                       gch__range_fn *each, void *context, bool *out_is_partial);
/* Queues the pages of a hint, as prefetch; false if it should be continued when those have come.
 * Runs on a loader. */
bool gch__warm_run(const gch__warm *warm);

#endif
