/* Work that may take long or wait for a disk, off the network's thread.
 *
 * A job is run by one of the set's threads and then finished on the network's thread, in the order
 * that jobs end. The set never owns memory of a job: `finish` is the last call for it.
 *
 * Thread rule: submit, collect and destroy belong to the network's thread.
 */
#ifndef GCH_SERVE_JOBS_H
#define GCH_SERVE_JOBS_H

#include "base.h"

#include <stdatomic.h>

typedef struct gch__job gch__job;
struct gch__job {
    void (*run)(gch__job *job);    /* on a thread of the set; not called once is_cancelled is set */
    void (*finish)(gch__job *job); /* on the network's thread; always called */
    atomic_bool is_cancelled;
    gch__job *next;
};

typedef struct gch__jobs gch__jobs;

/* `wake_fd` is an eventfd that is written to when a job has ended. GCH_NO_MEMORY, GCH_LIMIT. */
gch_status gch__jobs_make(uint32_t thread_count, int wake_fd, const gch_allocator *allocator,
                          gch__jobs **out, gch_error *err);
void gch__jobs_submit(gch__jobs *jobs, gch__job *job);
/* Jobs submitted and not finished. */
uint32_t gch__jobs_count(const gch__jobs *jobs);
/* Finishes the jobs that have ended. */
void gch__jobs_collect(gch__jobs *jobs);
/* Cancels what has not begun, waits for the rest, finishes all. NULL is allowed. */
void gch__jobs_destroy(gch__jobs *jobs);

#endif
