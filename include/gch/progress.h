/* Progress of long work, and the way to stop it.
 *
 * Long calls take a `const gch_progress *` (nullable) and call `report` from the calling thread, at
 * most some 20 times a second. Returning false stops the work: the call cleans up and returns
 * GCH_CANCELLED.
 */
#ifndef GCH_PROGRESS_H
#define GCH_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct gch_progress {
    bool (*report)(void *context, uint64_t done, uint64_t total); /* total 0: not known */
    void *context;
} gch_progress;

#endif
