/* CLOCK and LRU over slots.
 *
 * Invariants:
 *  1. CLOCK: the hand passes over a used slot once before it takes it, so a page asked for in every
 *     round stays. (Corbato, "A paging experiment with the Multics system", 1968.)
 *  2. LRU: a ring through `next` and `previous` around the anchor (entry 0), youngest after
 *     it.
 */
#include "data_policy.h"

#include <string.h>

struct gch__policy {
    const gch_allocator *allocator;
    uint32_t slot_cap;
    /* CLOCK */
    uint8_t *is_in;
    uint32_t hand;
    /* LRU; entry 0 is the anchor, slot s is entry s + 1 */
    uint32_t *next, *previous;
};

static gch_status make(const gch_allocator *allocator, gch__policy **out, gch_error *err)
{
    gch__policy *policy = gch__alloc_zero(allocator, 1, sizeof *policy, "policy");
    if (policy == NULL)
        return gch__no_memory(err, "policy");
    policy->allocator = allocator;
    *out = policy;
    return GCH_OK;
}

static void destroy(gch__policy *policy)
{
    if (policy == NULL)
        return;
    gch__free(policy->allocator, policy->is_in, "policy");
    gch__free(policy->allocator, policy->next, "policy");
    gch__free(policy->allocator, policy->previous, "policy");
    gch__free(policy->allocator, policy, "policy");
}

/* ---- CLOCK ---- */

static gch_status clock_grow(gch__policy *policy, uint32_t slot_cap, gch_error *err)
{
    if (slot_cap <= policy->slot_cap)
        return GCH_OK;
    uint8_t *is_in = gch__resize_array(policy->allocator, policy->is_in, slot_cap, 1, "policy");
    if (is_in == NULL)
        return gch__no_memory(err, "policy");
    memset(is_in + policy->slot_cap, 0, slot_cap - policy->slot_cap);
    policy->is_in = is_in;
    policy->slot_cap = slot_cap;
    return GCH_OK;
}

static void clock_admitted(gch__policy *policy, uint32_t slot)
{
    policy->is_in[slot] = 1;
}

static void clock_removed(gch__policy *policy, uint32_t slot)
{
    policy->is_in[slot] = 0;
}

static uint32_t clock_victim(gch__policy *policy, gch__probe_fn *probe, void *context)
{
    /* One round may forget uses, the second takes what is left. */
    for (uint64_t step = 0; step < 2 * (uint64_t)policy->slot_cap; step++) {
        uint32_t slot = policy->hand;
        policy->hand = slot + 1 < policy->slot_cap ? slot + 1 : 0;
        if (policy->is_in[slot] != 0 && probe(context, slot, true) == GCH__PROBE_TAKEN) {
            policy->is_in[slot] = 0;
            return slot;
        }
    }
    return GCH__NO_SLOT;
}

/* ---- LRU ---- */

static gch_status lru_grow(gch__policy *policy, uint32_t slot_cap, gch_error *err)
{
    if (slot_cap <= policy->slot_cap)
        return GCH_OK;
    size_t entries = (size_t)slot_cap + 1;
    uint32_t *next =
        gch__resize_array(policy->allocator, policy->next, entries, sizeof *next, "policy");
    if (next == NULL)
        return gch__no_memory(err, "policy");
    policy->next = next;
    uint32_t *previous =
        gch__resize_array(policy->allocator, policy->previous, entries, sizeof *previous, "policy");
    if (previous == NULL)
        return gch__no_memory(err, "policy");
    policy->previous = previous;
    if (policy->slot_cap == 0)
        next[0] = previous[0] = 0;
    policy->slot_cap = slot_cap;
    return GCH_OK;
}

static void lru_admitted(gch__policy *policy, uint32_t slot)
{
    uint32_t entry = slot + 1, first = policy->next[0];
    policy->next[entry] = first;
    policy->previous[entry] = 0;
    policy->previous[first] = entry;
    policy->next[0] = entry;
}

static void lru_removed(gch__policy *policy, uint32_t slot)
{
    uint32_t entry = slot + 1;
    policy->next[policy->previous[entry]] = policy->next[entry];
    policy->previous[policy->next[entry]] = policy->previous[entry];
}

static void lru_touch(gch__policy *policy, uint32_t slot)
{
    if (policy->next[0] == slot + 1)
        return;
    lru_removed(policy, slot);
    lru_admitted(policy, slot);
}

static uint32_t lru_victim(gch__policy *policy, gch__probe_fn *probe, void *context)
{
    if (policy->slot_cap == 0)
        return GCH__NO_SLOT;
    for (uint32_t entry = policy->previous[0]; entry != 0; entry = policy->previous[entry]) {
        if (probe(context, entry - 1, false) == GCH__PROBE_TAKEN) {
            lru_removed(policy, entry - 1);
            return entry - 1;
        }
    }
    return GCH__NO_SLOT;
}

const gch__policy_ops *gch__policy_get(gch_policy policy)
{
    static const gch__policy_ops clock_ops = {
        .name = "clock",
        .make = make,
        .destroy = destroy,
        .grow = clock_grow,
        .admitted = clock_admitted,
        .removed = clock_removed,
        .victim = clock_victim,
    };
    static const gch__policy_ops lru_ops = {
        .name = "lru",
        .make = make,
        .destroy = destroy,
        .grow = lru_grow,
        .admitted = lru_admitted,
        .removed = lru_removed,
        .touch = lru_touch,
        .victim = lru_victim,
    };
    switch (policy) {
    case GCH_POLICY_DEFAULT:
    case GCH_POLICY_CLOCK:
        return &clock_ops;
    case GCH_POLICY_LRU:
        return &lru_ops;
    }
    return NULL;
}
