/* A fixed set of worker threads that the library's parallel work runs on.
 *
 * One set serves any number of files, charts and writers. Wherever a `gch_workers *` is asked
 * for, NULL means "do the work on the calling thread".
 *
 *     gch_workers *workers = NULL;
 *     status = gch_workers_make(0, NULL, &workers, &err);
 *     ...
 *     gch_workers_destroy(workers);
 *
 * Thread rule: several threads may hand work to one set; their jobs run one after the other.
 * gch_workers_destroy must not run while work is under way.
 */
#ifndef GCH_WORKERS_H
#define GCH_WORKERS_H

#include "gch/allocator.h"
#include "gch/status.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gch_workers gch_workers;

/* thread_count counts the calling thread, which works too: 2 starts one more. 0 means one for each
 * processor this process may run on. GCH_NO_MEMORY; GCH_LIMIT if a thread cannot be started. */
GCH_CHECKED gch_status gch_workers_make(uint32_t thread_count, const gch_allocator *allocator,
                                        gch_workers **out, gch_error *err);
void gch_workers_destroy(gch_workers *workers);         /* NULL is allowed */
uint32_t gch_workers_count(const gch_workers *workers); /* 1 for NULL */

#ifdef __cplusplus
}
#endif
#endif
