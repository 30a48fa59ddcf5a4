/* The data manager: the one owner of bytes between where they come from and what draws them.
 *
 * A source is a file, a buffer, or anything that can be read at an offset. Its bytes lie at fixed
 * addresses, in pages of 16 KiB that are loaded when asked for, checked, pinned while in use, and
 * evicted when the budget needs the room. Other buffers (columns a server computed, staging for a
 * GPU) are cached beside them as keyed pages, in the same budget and by the same policy.
 *
 *     gch_data *data = NULL;
 *     gch_source source;
 *     gch_page page;
 *     gch_bytes bytes;
 *     status = gch_data_make(&(gch_data_desc){.host_budget_bytes = 256u << 20}, &data, &err);
 *     status = gch_source_open_file(data, "ticks.gch", NULL, &source, &err);
 *     status = gch_page_acquire(data, source, 0, &page, &err);
 *     status = gch_page_get_bytes(data, page, &bytes, &err);
 *     ...
 *     status = gch_page_release(data, page, &err);
 *     status = gch_source_close(data, source, &err);
 *     status = gch_data_destroy(data, &err);
 *
 * Budgets hold at all times: a load first makes room, and fails with GCH_LIMIT when everything in
 * the cache is in use. What the host budget counts: loaded pages, keyed pages, adopted buffers,
 * files that are mapped whole, the manager's tables a source, and what gch_data_charge adds.
 *
 * Ownership: pages are shared and counted; bytes may be read while a page is held. A closed source
 * lives on until its last page is released. Handles are 0 or an index with a generation: a stale
 * one is reported as GCH_INVALID in every build, never taken for something newer.
 * Thread rule: everything here may be called from any thread at any time, but for
 * gch_data_destroy, which comes last. Callbacks run on the calling thread or on a loader's.
 */
#ifndef GCH_DATA_H
#define GCH_DATA_H

#include "gch/file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GCH_PAGE_BYTES 16384u

typedef struct gch_data gch_data;

typedef struct gch_source {
    uint32_t id;
} gch_source;
typedef struct gch_series {
    uint32_t id;
} gch_series;
typedef struct gch_page {
    uint32_t id;
} gch_page;

typedef struct gch_bytes {
    const uint8_t *bytes;
    size_t count;
} gch_bytes;

/* ---- the manager ---- */

typedef enum gch_policy {
    GCH_POLICY_DEFAULT = 0, /* CLOCK */
    GCH_POLICY_CLOCK = 1,   /* second chance: a hit sets one bit */
    GCH_POLICY_LRU = 2,     /* least recently used: a hit takes a lock */
} gch_policy;

typedef struct gch_data_desc {
    uint64_t host_budget_bytes;   /* 0: half of physical memory */
    uint64_t device_budget_bytes; /* 0: 1 GiB */
    gch_policy policy;
    uint32_t loader_count; /* threads that load in the background, 1-64; 0: 2 */
    uint32_t queue_cap;    /* pages waiting to be loaded, a priority, up to 2^20; 0: 8192 */
    uint32_t stall_ms;     /* how long a load waits for room before GCH_LIMIT; 0: 1000 */
    const gch_allocator *allocator;
} gch_data_desc;

/* desc NULL means all defaults. GCH_INVALID, GCH_NO_MEMORY; GCH_LIMIT if a thread cannot be
 * started. */
GCH_CHECKED gch_status gch_data_make(const gch_data_desc *desc, gch_data **out, gch_error *err);
/* Drops what is queued, waits for loads under way, closes all sources. GCH_INVALID if pages or
 * readers are still held: nothing has happened then. NULL is allowed. */
GCH_CHECKED gch_status gch_data_destroy(gch_data *data, gch_error *err);

/* ---- cancelling ---- */

/* A token that work is begun under; cancelling it ends all of that work. */
typedef struct gch_cancel gch_cancel;

/* GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch_cancel_make(gch_data *data, gch_cancel **out, gch_error *err);
/* Removes everything queued under the token at once; a read under way sees it by
 * gch_cancel_is_set. Work begun under it later ends with GCH_CANCELLED. */
void gch_cancel_set(gch_data *data, gch_cancel *cancel);
bool gch_cancel_is_set(const gch_cancel *cancel); /* false for NULL */
/* The caller's hold ends; queued work keeps the token as long as it needs it. NULL is allowed. */
void gch_cancel_release(gch_data *data, gch_cancel *cancel);

/* ---- sources ---- */

typedef enum gch_io {
    GCH_IO_DEFAULT = 0, /* MAP for a file of at most a quarter of the budget that fits, else READ */
    GCH_IO_MAP = 1,     /* the whole file counts against the budget and is never evicted */
    GCH_IO_READ = 2,    /* pages are read into memory of our own, and evicted */
} gch_io;

typedef struct gch_source_desc {
    gch_io io;            /* files only */
    bool is_raw;          /* not a .gch file: pages are not checked */
    uint64_t lifetime_ns; /* pages older than this are loaded again; 0: they never age */
    const char *name;     /* in messages; NULL: the path, or "memory" */
} gch_source_desc;

/* GCH_NOT_FOUND, GCH_IO, GCH_NO_MEMORY, GCH_LIMIT (budget); unless is_raw
 * GCH_CORRUPT and GCH_UNSUPPORTED (a version from the future), naming the place. */
GCH_CHECKED gch_status gch_source_open_file(gch_data *data, const char *path,
                                            const gch_source_desc *desc, gch_source *out,
                                            gch_error *err);
/* Takes over a buffer, 64-byte aligned, which counts against the budget and is never evicted.
 * `free_bytes` (nullable) is called once when the source is gone; on failure the buffer stays the
 * caller's. As gch_source_open_file, and GCH_INVALID. */
GCH_CHECKED gch_status gch_source_open_memory(gch_data *data, void *bytes, size_t byte_count,
                                              void (*free_bytes)(void *context, void *bytes,
                                                                 size_t byte_count),
                                              void *context, const gch_source_desc *desc,
                                              gch_source *out, gch_error *err);

/* How soon bytes are seen. */
typedef enum gch_priority {
    GCH_PRIORITY_VISIBLE = 0,
    GCH_PRIORITY_REFINE = 1,   /* what is on screen becomes exact by it */
    GCH_PRIORITY_PREFETCH = 2, /* may never be */
} gch_priority;

/* Bytes from anywhere. `read` fills out_bytes[0, byte_count) whole or fails; it is called from
 * several threads at once and should ask gch_cancel_is_set now and then (GCH_CANCELLED). */
typedef struct gch_source_ops {
    gch_status (*read)(void *context, uint64_t offset, size_t byte_count, gch_priority priority,
                       void *out_bytes, const gch_cancel *cancel, gch_error *err);
    /* Nullable: a number that changes when the bytes do. */
    gch_status (*get_version)(void *context, uint64_t *out_version, gch_error *err);
    void (*close)(void *context); /* nullable; called once, when the source is gone */
    void *context;
} gch_source_ops;

/* `byte_count` > 0 bytes in all. On failure `ops` stays the caller's, and no call of it is under
 * way any more. GCH_INVALID, GCH_NO_MEMORY, GCH_LIMIT, and what `read` and get_version fail with;
 * unless is_raw GCH_CORRUPT and GCH_UNSUPPORTED. */
GCH_CHECKED gch_status gch_source_open_ops(gch_data *data, const gch_source_ops *ops,
                                           uint64_t byte_count, const gch_source_desc *desc,
                                           gch_source *out, gch_error *err);

/* The handles of the source and of its series are stale from now on. GCH_INVALID (stale). */
GCH_CHECKED gch_status gch_source_close(gch_data *data, gch_source source, gch_error *err);

typedef struct gch_source_info {
    uint64_t byte_count, page_count, resident_pages;
    uint64_t version; /* 0 if the source has none */
    uint32_t number;  /* of the source in keys; never given twice */
    bool is_mapped;
} gch_source_info;

GCH_CHECKED gch_status gch_source_get_info(gch_data *data, gch_source source, gch_source_info *out,
                                           gch_error *err);

/* Bytes that were loaded before are not given out again: pages nobody holds are dropped at once,
 * the others when they are released (until then asking for them waits, or gives GCH_PENDING).
 * What the index of a .gch file lies in stays as it was when the file was opened: if that may have
 * changed, close the source and open it again. GCH_INVALID (stale, or pages outside of the source).
 */
GCH_CHECKED gch_status gch_source_invalidate(gch_data *data, gch_source source, gch_error *err);
GCH_CHECKED gch_status gch_source_invalidate_pages(gch_data *data, gch_source source,
                                                   uint64_t first_page, uint64_t page_count,
                                                   gch_error *err);
/* Asks the source for its version and invalidates all of it if that has changed.
 * *out_has_changed is nullable. */
GCH_CHECKED gch_status gch_source_refresh(gch_data *data, gch_source source, bool *out_has_changed,
                                          gch_error *err);

/* The file that a source holds, for queries and charts; what these read of it comes through the
 * manager. Borrowed until the source is closed. GCH_INVALID (stale); GCH_UNSUPPORTED for a raw
 * source. */
GCH_CHECKED gch_status gch_source_get_file(gch_data *data, gch_source source, const gch_file **out,
                                           gch_error *err);

/* ---- series: a column of a source ---- */

/* By number, and by name. GCH_INVALID (stale), GCH_NOT_FOUND; GCH_UNSUPPORTED for a raw source. */
GCH_CHECKED gch_status gch_series_open(gch_data *data, gch_source source, uint32_t column,
                                       gch_series *out, gch_error *err);
GCH_CHECKED gch_status gch_series_open_named(gch_data *data, gch_source source, const char *column,
                                             gch_series *out, gch_error *err);
GCH_CHECKED gch_status gch_series_close(gch_data *data, gch_series series, gch_error *err);

/* The pages that hold these rows of the column and their times. As gch_source_invalidate. */
GCH_CHECKED gch_status gch_series_invalidate_rows(gch_data *data, gch_series series,
                                                  uint64_t first_row, uint64_t row_count,
                                                  gch_error *err);

typedef enum gch_direction {
    GCH_DIRECTION_AROUND = 0, /* both neighbours, then both zoom levels */
    GCH_DIRECTION_LATER = 1,
    GCH_DIRECTION_EARLIER = 2,
    GCH_DIRECTION_IN = 3,  /* half of the span, about the centre */
    GCH_DIRECTION_OUT = 4, /* twice the span */
} gch_direction;

/* Has the pages loaded that the view [t0, t1) x width_px will need when it moves on: a hint that
 * returns at once and is worked off behind everything else. GCH_INVALID, GCH_CANCELLED;
 * GCH_LIMIT if too many hints are waiting. `cancel` is nullable. */
GCH_CHECKED gch_status gch_data_warm(gch_data *data, gch_series series, int64_t t0, int64_t t1,
                                     uint32_t width_px, gch_direction direction, gch_cancel *cancel,
                                     gch_error *err);

/* Neighbouring pages of a source. */
typedef struct gch_page_run {
    gch_source source;
    uint64_t first_page;
    uint32_t page_count; /* 1-64 */
    bool is_prefetch;    /* nobody has asked for it yet: gch_data_warm */
} gch_page_run;

/* Takes the next run of pages off the queues, which become absent again, for a caller that fetches
 * their bytes by itself and then acquires them: a build without threads has no loaders, and a
 * browser's engine must not wait. Who asks for a page meanwhile queues it again. GCH_NOT_FOUND:
 * nothing is waiting. */
GCH_CHECKED gch_status gch_data_take_queued(gch_data *data, gch_page_run *out, gch_error *err);

/* ---- keys ---- */

/* What a cached buffer is: each field has its own bits, so two keys are equal exactly when all
 * fields are. */
typedef struct gch_key_desc {
    uint32_t source;  /* gch_source_info.number: < 2^24 */
    uint32_t column;  /* < 2^12 */
    uint32_t level;   /* < 2^6 */
    uint64_t page;    /* < 2^46 */
    uint64_t version; /* < 2^40 */
} gch_key_desc;

/* high = source << 40 | column << 28 | level << 22 | page >> 24, low = page << 40 | version. */
typedef struct gch_key {
    uint64_t high, low;
} gch_key;

/* GCH_INVALID names the field that is out of range. */
GCH_CHECKED gch_status gch_key_pack(const gch_key_desc *desc, gch_key *out, gch_error *err);
gch_key_desc gch_key_unpack(gch_key key);

/* ---- pages ---- */

/* Holds a page of a source, loading it if need be. GCH_INVALID (stale, no such page), GCH_IO,
 * GCH_CORRUPT, GCH_LIMIT, GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch_page_acquire(gch_data *data, gch_source source, uint64_t page,
                                        gch_page *out, gch_error *err);
/* The same without waiting: GCH_PENDING if it is not there; it is loaded under `cancel` (nullable)
 * with the priority of what is on screen. */
GCH_CHECKED gch_status gch_page_try_acquire(gch_data *data, gch_source source, uint64_t page,
                                            gch_cancel *cancel, gch_page *out, gch_error *err);
/* A keyed page. GCH_NOT_FOUND. */
GCH_CHECKED gch_status gch_page_acquire_key(gch_data *data, gch_key key, gch_page *out,
                                            gch_error *err);
/* GCH_INVALID: released before. */
GCH_CHECKED gch_status gch_page_release(gch_data *data, gch_page page, gch_error *err);
/* Borrowed until the page is released. */
GCH_CHECKED gch_status gch_page_get_bytes(gch_data *data, gch_page page, gch_bytes *out,
                                          gch_error *err);

/* A buffer that changes hands; `free_bytes` is nullable. */
typedef struct gch_buffer_owned {
    void *bytes;
    size_t byte_count;
    void (*free_bytes)(void *context, void *bytes, size_t byte_count);
    void *context;
} gch_buffer_owned;

/* Takes a buffer over as the page of a key, without copying; it is freed when it is evicted.
 * lifetime_ns as in gch_source_desc. *out (nullable) holds the page, else nobody does yet.
 * GCH_EXISTS if the key has a page; GCH_INVALID, GCH_LIMIT, GCH_NO_MEMORY. On failure the buffer
 * stays the caller's. */
GCH_CHECKED gch_status gch_page_adopt(gch_data *data, gch_key key, const gch_buffer_owned *buffer,
                                      uint64_t lifetime_ns, gch_page *out, gch_error *err);
/* Hands the bytes of a keyed page out for good, without copying; the page is gone. GCH_INVALID if
 * others hold it, or it is a source's; then the handle stays good. */
GCH_CHECKED gch_status gch_page_move(gch_data *data, gch_page page, gch_buffer_owned *out,
                                     gch_error *err);

typedef enum gch_key_prefix {
    GCH_PREFIX_SOURCE = 1,
    GCH_PREFIX_COLUMN = 2, /* source and column */
    GCH_PREFIX_LEVEL = 3,  /* source, column and level */
    GCH_PREFIX_PAGE = 4,   /* all but the version */
    GCH_PREFIX_KEY = 5,
} gch_key_prefix;

/* Drops the keyed pages whose key agrees with `key` in the prefix; those in use when they are
 * released, and they are not found any more. */
GCH_CHECKED gch_status gch_data_invalidate_keys(gch_data *data, gch_key key, gch_key_prefix prefix,
                                                gch_error *err);

/* ---- budgets ---- */

typedef enum gch_memory { GCH_MEMORY_HOST = 0, GCH_MEMORY_DEVICE = 1 } gch_memory;

/* Counts memory that others allocate. Host: makes room by evicting. GCH_LIMIT, GCH_INVALID. */
GCH_CHECKED gch_status gch_data_charge(gch_data *data, gch_memory kind, uint64_t byte_count,
                                       gch_error *err);
/* GCH_INVALID: more than was charged. */
GCH_CHECKED gch_status gch_data_discharge(gch_data *data, gch_memory kind, uint64_t byte_count,
                                          gch_error *err);
/* Drops all pages that have outlived their lifetime; they are dropped when asked for anyway. */
void gch_data_expire(gch_data *data);

/* ---- what happens inside ---- */

typedef enum gch_bytes_kind {
    GCH_BYTES_PAGES = 0, /* of sources, loaded */
    GCH_BYTES_KEYED,
    GCH_BYTES_ADOPTED, /* buffers of memory sources */
    GCH_BYTES_MAPPED,  /* files mapped whole */
    GCH_BYTES_TABLES,  /* page tables of sources */
    GCH_BYTES_CHARGED, /* gch_data_charge */
    GCH_BYTES_LIVE,    /* rows of live sources (gch/live.h) */
    GCH_BYTES_KIND_COUNT
} gch_bytes_kind;

typedef enum gch_evict_cause {
    GCH_EVICT_BUDGET = 0,
    GCH_EVICT_INVALIDATED,
    GCH_EVICT_EXPIRED,
    GCH_EVICT_CLOSED,
    GCH_EVICT_CAUSE_COUNT
} gch_evict_cause;

#define GCH_LATENCY_BUCKETS 32u

typedef struct gch_data_stats {
    uint64_t host_budget_bytes, host_used_bytes, host_peak_bytes;
    uint64_t device_budget_bytes, device_used_bytes;
    uint64_t bytes[GCH_BYTES_KIND_COUNT]; /* sums to host_used_bytes when nothing is under way */
    uint64_t resident_pages;              /* of sources and keys, evictable */
    uint64_t hits, misses;                /* asks that found a page there, or not */
    uint64_t pending;                     /* of the misses, those answered with GCH_PENDING */
    uint64_t key_hits, key_misses;
    uint64_t evictions[GCH_EVICT_CAUSE_COUNT];
    uint64_t queue_depth[3]; /* visible, refine, prefetch */
    uint64_t queued, queue_dropped, queue_cancelled, queue_refused;
    uint64_t loads, loaded_pages, loaded_bytes, failed_pages, load_refusals;
    uint64_t load_latency[GCH_LATENCY_BUCKETS]; /* [i]: loads of 2^i to 2^(i+1) - 1 microseconds,
                                                   [0] below 2, the last one all the rest */
    uint64_t allocations;                       /* calls of the allocator */
} gch_data_stats;

void gch_data_get_stats(gch_data *data, gch_data_stats *out);
/* The same as one JSON object. Returns the length without the NUL that the whole needs; cut to fit
 * if text_cap is not more than that (as snprintf). */
size_t gch_data_stats_json(const gch_data_stats *stats, char *text, size_t text_cap);

#ifdef __cplusplus
}
#endif
#endif
