/* Workers where there are no threads: the caller is the only one, and does the tasks in order. */
#include "base.h"

struct gch_workers {
    const gch_allocator *allocator;
};

gch_status gch_workers_make(uint32_t thread_count, const gch_allocator *allocator,
                            gch_workers **out, gch_error *err)
{
    if (thread_count > 1024)
        return gch_fail(err, GCH_INVALID, "%u threads: at most 1024", thread_count);
    if (thread_count > 1)
        return gch_fail(err, GCH_LIMIT, "cannot start thread 2 of %u: this build has no threads",
                        thread_count);
    gch_workers *workers = gch__alloc_zero(allocator, 1, sizeof *workers, "workers");
    if (workers == NULL)
        return gch__no_memory(err, "workers");
    workers->allocator = allocator;
    *out = workers;
    return GCH_OK;
}

void gch_workers_destroy(gch_workers *workers)
{
    if (workers != NULL)
        gch__free(workers->allocator, workers, "workers");
}

uint32_t gch_workers_count(const gch_workers *workers)
{
    (void)workers;
    return 1;
}

void gch__parallel_for(gch_workers *workers, size_t task_count, gch__task_fn *body, void *context)
{
    (void)workers;
    for (size_t task = 0; task < task_count; task++)
        body(context, task, 0);
}
