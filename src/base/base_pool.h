/* Handles: 32-bit names for objects, of which a stale one never names a new object.
 *
 * A handle is an index and a generation; 0 is none. A slot whose generations are used up is retired
 * rather than reused, so no handle is ever given twice: 1,048,575 objects at a time, some 4 * 10^9
 * over the life of a pool.
 *
 * Thread rule: the caller's lock. An object that another thread may remove is safe to use only
 * under that lock, or with a count taken under it.
 */
#ifndef GCH_BASE_POOL_H
#define GCH_BASE_POOL_H

#include "base.h"

#define GCH__POOL_INDEX_BITS 20u
#define GCH__POOL_CAP ((1u << GCH__POOL_INDEX_BITS) - 1u)
#define GCH__POOL_GENERATION_MAX (UINT32_MAX >> GCH__POOL_INDEX_BITS)

typedef struct gch__pool_slot {
    void *object; /* NULL: free */
    uint64_t number;
    uint32_t generation;
    uint32_t next_free; /* index + 1; 0: none */
} gch__pool_slot;

/* All zero is an empty pool (allocator and purpose set by the user). */
typedef struct gch__pool {
    const gch_allocator *allocator;
    const char *purpose;
    gch__pool_slot *slots;
    size_t cap;
    uint32_t used; /* slots ever used */
    uint32_t live_count;
    uint32_t first_free; /* index + 1; 0: none */
} gch__pool;

/* Names an object (not NULL) and a number that goes with it. GCH_NO_MEMORY, GCH_LIMIT. */
GCH_CHECKED gch_status gch__pool_add(gch__pool *pool, void *object, uint64_t number,
                                     uint32_t *out_id, gch_error *err);
/* The object, or NULL for a handle that names none (any more). *out_number is nullable. */
void *gch__pool_get(const gch__pool *pool, uint32_t id, uint64_t *out_number);
/* The same, and the handle is stale from now on. */
void *gch__pool_remove(gch__pool *pool, uint32_t id, uint64_t *out_number);
/* Any live object's handle, or 0 if there is none: for emptying a pool. */
uint32_t gch__pool_any(const gch__pool *pool);
void gch__pool_reset(gch__pool *pool); /* frees; the pool is empty and usable again */

#endif
