/* Handles by index and generation: see base_pool.h.
 *
 * Invariants:
 *  1. id = generation << 20 | index + 1, so that no id is 0.
 *  2. A slot's generation is that of the handle which names its object, or the next one to be given
 *     if it is free. It only grows; past the last one the slot is in no list.
 */
#include "base_pool.h"

static uint32_t id_of(uint32_t index, uint32_t generation)
{
    return generation << GCH__POOL_INDEX_BITS | (index + 1);
}

static gch__pool_slot *find(const gch__pool *pool, uint32_t id)
{
    uint32_t position = id & GCH__POOL_CAP;
    if (position == 0 || position > pool->used)
        return NULL;
    gch__pool_slot *slot = &pool->slots[position - 1];
    return slot->object != NULL && slot->generation == id >> GCH__POOL_INDEX_BITS ? slot : NULL;
}

gch_status gch__pool_add(gch__pool *pool, void *object, uint64_t number, uint32_t *out_id,
                         gch_error *err)
{
    uint32_t index;
    if (pool->first_free != 0) {
        index = pool->first_free - 1;
        pool->first_free = pool->slots[index].next_free;
    } else {
        if (pool->used == GCH__POOL_CAP)
            return gch_fail(err, GCH_LIMIT, "%s: all %u handles are in use or used up",
                            pool->purpose, GCH__POOL_CAP);
        GCH_TRY(gch__ensure(pool->allocator, (void **)&pool->slots, &pool->cap,
                            (size_t)pool->used + 1, sizeof *pool->slots, pool->purpose, err));
        index = pool->used++;
        pool->slots[index].generation = 0;
    }
    gch__pool_slot *slot = &pool->slots[index];
    slot->object = object;
    slot->number = number;
    slot->next_free = 0;
    pool->live_count++;
    *out_id = id_of(index, slot->generation);
    return GCH_OK;
}

void *gch__pool_get(const gch__pool *pool, uint32_t id, uint64_t *out_number)
{
    const gch__pool_slot *slot = find(pool, id);
    if (slot == NULL)
        return NULL;
    if (out_number != NULL)
        *out_number = slot->number;
    return slot->object;
}

void *gch__pool_remove(gch__pool *pool, uint32_t id, uint64_t *out_number)
{
    gch__pool_slot *slot = find(pool, id);
    if (slot == NULL)
        return NULL;
    void *object = slot->object;
    if (out_number != NULL)
        *out_number = slot->number;
    slot->object = NULL;
    pool->live_count--;
    if (slot->generation < GCH__POOL_GENERATION_MAX) {
        slot->generation++;
        slot->next_free = pool->first_free;
        pool->first_free = id & GCH__POOL_CAP;
    }
    return object;
}

uint32_t gch__pool_any(const gch__pool *pool)
{
    for (uint32_t i = 0; pool->live_count > 0 && i < pool->used; i++) {
        if (pool->slots[i].object != NULL)
            return id_of(i, pool->slots[i].generation);
    }
    return 0;
}

void gch__pool_reset(gch__pool *pool)
{
    gch__free(pool->allocator, pool->slots, pool->purpose);
    *pool = (gch__pool){.allocator = pool->allocator, .purpose = pool->purpose};
}
