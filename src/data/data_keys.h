/* A table from 16-byte keys to numbers, for many readers and few writers.
 *
 * Thread rule: all functions but make and destroy from any thread at once.
 */
#ifndef GCH_DATA_KEYS_H
#define GCH_DATA_KEYS_H

#include "base.h"
#include "gch/data.h"

typedef struct gch__keys gch__keys;

GCH_CHECKED gch_status gch__keys_make(const gch_allocator *allocator, gch__keys **out,
                                      gch_error *err);
void gch__keys_destroy(gch__keys *keys); /* NULL is allowed */

/* The number of a key, which may have changed by the time the caller looks at it. Takes no lock. */
bool gch__keys_find(const gch__keys *keys, gch_key key, uint32_t *out_number);
/* GCH_EXISTS if the key is in. `number` < UINT32_MAX. GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__keys_insert(gch__keys *keys, gch_key key, uint32_t number,
                                        gch_error *err);
/* Removes the key if it has this number; says whether it had. */
bool gch__keys_remove(gch__keys *keys, gch_key key, uint32_t number);

#endif
