/* Worker threads that share out the tasks of one loop at a time.
 *
 * Invariants:
 *  1. `next_task` only grows within a job; a worker owns the task whose number it got from it.
 *  2. A worker copies the job under `lock` when it checks in (running++) and works from its copy
 *     until it checks out (running--); the caller waits for running to be 0, so next_task and the
 *     context outlive every worker's use of them.
 *  3. The caller of gch__parallel_for is worker 0 and holds `job_lock` for the whole job.
 */
#include "base.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

typedef struct workers_job {
    gch__task_fn *body; /* NULL: none */
    void *context;
    size_t task_count;
} workers_job;

struct gch_workers {
    const gch_allocator *allocator;
    uint32_t thread_count; /* the caller included */
    uint32_t started_count;
    pthread_t *threads;

    pthread_mutex_t job_lock; /* one job at a time */
    pthread_mutex_t lock;     /* guards what follows but next_task */
    pthread_cond_t job_posted, job_left;
    uint64_t generation;
    uint32_t running;
    uint32_t names_given;
    bool is_stopping;
    workers_job job;
    atomic_size_t next_task;
};

static void take_tasks(gch_workers *workers, const workers_job *job, uint32_t worker)
{
    for (;;) {
        size_t task = atomic_fetch_add_explicit(&workers->next_task, 1, memory_order_relaxed);
        if (task >= job->task_count)
            return;
        job->body(job->context, task, worker);
    }
}

static void *worker_main(void *argument)
{
    gch_workers *workers = argument;
    uint64_t seen = 0;
    pthread_mutex_lock(&workers->lock);
    uint32_t name = ++workers->names_given;
    for (;;) {
        while (workers->generation == seen && !workers->is_stopping)
            pthread_cond_wait(&workers->job_posted, &workers->lock);
        if (workers->is_stopping)
            break;
        seen = workers->generation;
        workers_job job = workers->job;
        if (job.body == NULL)
            continue; /* woke up after the job was over */
        workers->running++;
        pthread_mutex_unlock(&workers->lock);
        take_tasks(workers, &job, name);
        pthread_mutex_lock(&workers->lock);
        if (--workers->running == 0)
            pthread_cond_signal(&workers->job_left);
    }
    pthread_mutex_unlock(&workers->lock);
    return NULL;
}

static uint32_t count_processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return (uint32_t)GCH_MAX(CPU_COUNT(&set), 1);
    return 1;
}

gch_status gch_workers_make(uint32_t thread_count, const gch_allocator *allocator,
                            gch_workers **out, gch_error *err)
{
    if (thread_count == 0)
        thread_count = count_processors();
    if (thread_count > 1024)
        return gch_fail(err, GCH_INVALID, "%u threads: at most 1024", thread_count);
    gch_workers *workers = gch__alloc_zero(allocator, 1, sizeof *workers, "workers");
    if (workers == NULL)
        return gch__no_memory(err, "workers");
    workers->allocator = allocator;
    workers->thread_count = thread_count;
    pthread_mutex_init(&workers->job_lock, NULL);
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->job_posted, NULL);
    pthread_cond_init(&workers->job_left, NULL);
    workers->threads =
        gch__alloc_array(allocator, thread_count, sizeof *workers->threads, "workers");
    if (workers->threads == NULL) {
        gch_workers_destroy(workers);
        return gch__no_memory(err, "workers");
    }
    for (uint32_t i = 1; i < thread_count; i++) {
        if (pthread_create(&workers->threads[workers->started_count], NULL, worker_main, workers) !=
            0) {
            gch_workers_destroy(workers);
            return gch_fail(err, GCH_LIMIT, "cannot start thread %u of %u", i + 1, thread_count);
        }
        workers->started_count++;
    }
    *out = workers;
    return GCH_OK;
}

void gch_workers_destroy(gch_workers *workers)
{
    if (workers == NULL)
        return;
    pthread_mutex_lock(&workers->lock);
    workers->is_stopping = true;
    pthread_cond_broadcast(&workers->job_posted);
    pthread_mutex_unlock(&workers->lock);
    for (uint32_t i = 0; i < workers->started_count; i++)
        pthread_join(workers->threads[i], NULL);
    pthread_cond_destroy(&workers->job_left);
    pthread_cond_destroy(&workers->job_posted);
    pthread_mutex_destroy(&workers->lock);
    pthread_mutex_destroy(&workers->job_lock);
    gch__free(workers->allocator, workers->threads, "workers");
    gch__free(workers->allocator, workers, "workers");
}

uint32_t gch_workers_count(const gch_workers *workers)
{
    return workers != NULL ? workers->thread_count : 1;
}

void gch__parallel_for(gch_workers *workers, size_t task_count, gch__task_fn *body, void *context)
{
    if (workers == NULL || workers->started_count == 0 || task_count <= 1) {
        for (size_t task = 0; task < task_count; task++)
            body(context, task, 0);
        return;
    }
    pthread_mutex_lock(&workers->job_lock);
    pthread_mutex_lock(&workers->lock);
    workers_job job = {.body = body, .context = context, .task_count = task_count};
    workers->job = job;
    atomic_store_explicit(&workers->next_task, 0, memory_order_relaxed);
    workers->generation++;
    pthread_cond_broadcast(&workers->job_posted);
    pthread_mutex_unlock(&workers->lock);

    take_tasks(workers, &job, 0);

    pthread_mutex_lock(&workers->lock);
    workers->job.body = NULL; /* nobody joins any more */
    while (workers->running > 0)
        pthread_cond_wait(&workers->job_left, &workers->lock);
    pthread_mutex_unlock(&workers->lock);
    pthread_mutex_unlock(&workers->job_lock);
}
