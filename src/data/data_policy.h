/* Which cached page goes when room is needed: one small interface, two policies.
 *
 * A policy knows slots, numbers below the cap it was grown to; what lies in a slot is its user's
 * business. Whether a slot may go now is asked through a probe.
 *
 * Thread rule: the caller's lock.
 */
#ifndef GCH_DATA_POLICY_H
#define GCH_DATA_POLICY_H

#include "base.h"
#include "gch/data.h"

#define GCH__NO_SLOT UINT32_MAX

typedef enum gch__probe {
    GCH__PROBE_TAKEN, /* it goes */
    GCH__PROBE_HELD,  /* in use */
    GCH__PROBE_USED,  /* used since the last such answer, which forgets it */
} gch__probe;

/* A policy that keeps its own order of use passes spare_used false and never hears _USED. */
typedef gch__probe gch__probe_fn(void *context, uint32_t slot, bool spare_used);

typedef struct gch__policy gch__policy;

typedef struct gch__policy_ops {
    const char *name;
    gch_status (*make)(const gch_allocator *allocator, gch__policy **out, gch_error *err);
    void (*destroy)(gch__policy *policy); /* NULL is allowed */
    /* Slots below slot_cap may be admitted from now on. GCH_NO_MEMORY. */
    gch_status (*grow)(gch__policy *policy, uint32_t slot_cap, gch_error *err);
    void (*admitted)(gch__policy *policy, uint32_t slot); /* a slot that is not in */
    void (*removed)(gch__policy *policy, uint32_t slot);  /* a slot that is in */
    void (*touch)(gch__policy *policy, uint32_t slot);    /* a hit; NULL: the probe knows of it */
    /* Removes a slot that the probe gave as taken; GCH__NO_SLOT if none can go. */
    uint32_t (*victim)(gch__policy *policy, gch__probe_fn *probe, void *context);
} gch__policy_ops;

const gch__policy_ops *gch__policy_get(gch_policy policy); /* NULL: there is no such policy */

#endif
