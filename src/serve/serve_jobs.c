/* Threads that compute (serve_jobs.h).
 *
 * Invariant: a job is in exactly one place: the queue, a thread's hands, or the list of ended ones.
 */
#include "serve_jobs.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#define THREADS_MAX 256u
#define PURPOSE "server jobs"

typedef struct job_list {
    gch__job *first, *last;
} job_list;

struct gch__jobs {
    const gch_allocator *allocator;
    int wake_fd;
    uint32_t count; /* the network's thread alone */
    uint32_t thread_count;
    pthread_mutex_t lock;
    pthread_cond_t has_work;
    job_list queue, ended;
    bool is_ending;
    pthread_t threads[];
};

static void list_push(job_list *list, gch__job *job)
{
    job->next = NULL;
    if (list->last != NULL)
        list->last->next = job;
    else
        list->first = job;
    list->last = job;
}

static gch__job *list_pop(job_list *list)
{
    gch__job *job = list->first;
    if (job == NULL)
        return NULL;
    list->first = job->next;
    if (list->first == NULL)
        list->last = NULL;
    return job;
}

static void *work(void *context)
{
    gch__jobs *jobs = context;
    pthread_mutex_lock(&jobs->lock);
    for (;;) {
        gch__job *job = list_pop(&jobs->queue);
        if (job == NULL && jobs->is_ending)
            break;
        if (job == NULL) {
            pthread_cond_wait(&jobs->has_work, &jobs->lock);
            continue;
        }
        pthread_mutex_unlock(&jobs->lock);
        if (!atomic_load(&job->is_cancelled))
            job->run(job);
        pthread_mutex_lock(&jobs->lock);
        bool was_empty = jobs->ended.first == NULL;
        list_push(&jobs->ended, job);
        const uint64_t one = 1;
        /* A full eventfd is readable already, which is all that is wanted. */
        if (was_empty && write(jobs->wake_fd, &one, sizeof one) < 0)
            continue;
    }
    pthread_mutex_unlock(&jobs->lock);
    return NULL;
}

gch_status gch__jobs_make(uint32_t thread_count, int wake_fd, const gch_allocator *allocator,
                          gch__jobs **out, gch_error *err)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (thread_count == 0)
        thread_count = processors > 0 ? (uint32_t)processors : 1;
    thread_count = GCH_MIN(thread_count, THREADS_MAX);
    gch__jobs *jobs = gch__alloc_zero(
        allocator, 1, sizeof *jobs + thread_count * sizeof jobs->threads[0], PURPOSE);
    if (jobs == NULL)
        return gch__no_memory(err, PURPOSE);
    jobs->allocator = allocator;
    jobs->wake_fd = wake_fd;
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_cond_init(&jobs->has_work, NULL);
    /* Signals are for the network's thread. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (jobs->thread_count < thread_count &&
           pthread_create(&jobs->threads[jobs->thread_count], NULL, work, jobs) == 0)
        jobs->thread_count++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (jobs->thread_count < thread_count) {
        gch__jobs_destroy(jobs);
        return gch_fail(err, GCH_LIMIT, "a thread cannot be started");
    }
    *out = jobs;
    return GCH_OK;
}

void gch__jobs_submit(gch__jobs *jobs, gch__job *job)
{
    jobs->count++;
    pthread_mutex_lock(&jobs->lock);
    list_push(&jobs->queue, job);
    pthread_cond_signal(&jobs->has_work);
    pthread_mutex_unlock(&jobs->lock);
}

uint32_t gch__jobs_count(const gch__jobs *jobs)
{
    return jobs->count;
}

void gch__jobs_collect(gch__jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    job_list ended = jobs->ended;
    jobs->ended = (job_list){NULL, NULL};
    pthread_mutex_unlock(&jobs->lock);
    for (gch__job *job; (job = list_pop(&ended)) != NULL;) {
        jobs->count--;
        job->finish(job);
    }
}

void gch__jobs_destroy(gch__jobs *jobs)
{
    if (jobs == NULL)
        return;
    pthread_mutex_lock(&jobs->lock);
    for (gch__job *job = jobs->queue.first; job != NULL; job = job->next)
        atomic_store(&job->is_cancelled, true);
    jobs->is_ending = true;
    pthread_cond_broadcast(&jobs->has_work);
    pthread_mutex_unlock(&jobs->lock);
    for (uint32_t i = 0; i < jobs->thread_count; i++)
        pthread_join(jobs->threads[i], NULL);
    gch__jobs_collect(jobs);
    pthread_cond_destroy(&jobs->has_work);
    pthread_mutex_destroy(&jobs->lock);
    gch__free(jobs->allocator, jobs, PURPOSE);
}
