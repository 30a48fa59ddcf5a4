/* Worker threads: every task once, on its own worker's memory, whoever asks and however often. */
#include "test.h"

#include "base.h"

#include <pthread.h>
#include <stdatomic.h>

#define TASK_CAP 5000u
#define WORKER_CAP 8u

/* What a body sees; counts are checked after the loop, since cmocka's asserts belong to the main
 * thread. */
typedef struct job {
    atomic_uint runs[TASK_CAP];
    atomic_bool is_busy[WORKER_CAP];
    atomic_uint overlaps;    /* two tasks at once on one worker's number */
    atomic_uint bad_workers; /* a number out of range */
    uint32_t worker_count;
} job;

static void count_task(void *context, size_t task, uint32_t worker)
{
    job *j = context;
    if (worker >= j->worker_count) {
        atomic_fetch_add(&j->bad_workers, 1);
        return;
    }
    if (atomic_exchange(&j->is_busy[worker], true))
        atomic_fetch_add(&j->overlaps, 1);
    atomic_fetch_add(&j->runs[task], 1);
    atomic_store(&j->is_busy[worker], false);
}

static bool run_job(gch_workers *workers, job *j, size_t task_count)
{
    memset(j, 0, sizeof *j);
    j->worker_count = gch_workers_count(workers);
    gch__parallel_for(workers, task_count, count_task, j);
    for (size_t task = 0; task < TASK_CAP; task++)
        if (atomic_load(&j->runs[task]) != (task < task_count ? 1u : 0u))
            return false;
    return atomic_load(&j->overlaps) == 0 && atomic_load(&j->bad_workers) == 0;
}

static gch_workers *make(uint32_t thread_count)
{
    gch_error err;
    gch_workers *workers = NULL;
    assert_ok(gch_workers_make(thread_count, NULL, &workers, &err));
    return workers;
}

static void every_task_runs_once_for_any_number_of_threads(void **state)
{
    (void)state;
    static job j;
    static const size_t counts[] = {0, 1, 2, 3, 64, TASK_CAP};
    for (uint32_t threads = 1; threads <= WORKER_CAP; threads++) {
        gch_workers *workers = make(threads);
        assert_int_equal(gch_workers_count(workers), threads);
        for (size_t i = 0; i < GCH_COUNT_OF(counts); i++)
            assert_true(run_job(workers, &j, counts[i]));
        gch_workers_destroy(workers);
    }
}

static void null_means_the_calling_thread(void **state)
{
    (void)state;
    static job j;
    assert_int_equal(gch_workers_count(NULL), 1);
    assert_true(run_job(NULL, &j, 100));
    gch_workers_destroy(NULL);
}

static void a_set_is_used_again_and_again(void **state)
{
    (void)state;
    static job j;
    gch_workers *workers = make(4);
    for (size_t round = 0; round < 1000; round++)
        assert_true(run_job(workers, &j, round % 9));
    gch_workers_destroy(workers);
}

static void a_set_without_work_is_destroyed_at_once(void **state)
{
    (void)state;
    for (int round = 0; round < 100; round++)
        gch_workers_destroy(make(4));
}

typedef struct sharer {
    pthread_t thread;
    gch_workers *workers;
    job job;
    bool is_good;
} sharer;

static void *share(void *argument)
{
    sharer *s = argument;
    s->is_good = true;
    for (size_t round = 0; round < 200; round++)
        s->is_good = run_job(s->workers, &s->job, 1 + round % 50) && s->is_good;
    return NULL;
}

static void several_threads_share_one_set(void **state)
{
    (void)state;
    static sharer sharers[4];
    gch_workers *workers = make(3);
    for (size_t i = 0; i < GCH_COUNT_OF(sharers); i++) {
        sharers[i].workers = workers;
        assert_int_equal(pthread_create(&sharers[i].thread, NULL, share, &sharers[i]), 0);
    }
    for (size_t i = 0; i < GCH_COUNT_OF(sharers); i++)
        pthread_join(sharers[i].thread, NULL);
    for (size_t i = 0; i < GCH_COUNT_OF(sharers); i++)
        assert_true(sharers[i].is_good);
    gch_workers_destroy(workers);
}

typedef struct meeting {
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    uint32_t count, wanted;
} meeting;

/* Returns only when all tasks are under way at the same time. */
static void meet(void *context, size_t task, uint32_t worker)
{
    (void)task;
    (void)worker;
    meeting *m = context;
    pthread_mutex_lock(&m->lock);
    if (++m->count == m->wanted)
        pthread_cond_broadcast(&m->arrived);
    while (m->count < m->wanted)
        pthread_cond_wait(&m->arrived, &m->lock);
    pthread_mutex_unlock(&m->lock);
}

static void tasks_run_at_the_same_time(void **state)
{
    (void)state;
    meeting m = {
        .lock = PTHREAD_MUTEX_INITIALIZER, .arrived = PTHREAD_COND_INITIALIZER, .wanted = 4};
    gch_workers *workers = make(4);
    gch__parallel_for(workers, 4, meet, &m); /* would hang, and time out, on fewer threads */
    assert_int_equal(m.count, 4);
    gch_workers_destroy(workers);
}

static void make_refuses_an_absurd_number_of_threads(void **state)
{
    (void)state;
    gch_error err;
    gch_workers *workers = NULL;
    assert_status(gch_workers_make(UINT32_MAX, NULL, &workers, &err), GCH_INVALID);
    assert_null(workers);
}

static void zero_threads_means_one_a_processor(void **state)
{
    (void)state;
    static job j;
    gch_workers *workers = make(0);
    assert_true(gch_workers_count(workers) >= 1);
    if (gch_workers_count(workers) <= WORKER_CAP)
        assert_true(run_job(workers, &j, 100));
    gch_workers_destroy(workers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_task_runs_once_for_any_number_of_threads),
        cmocka_unit_test(null_means_the_calling_thread),
        cmocka_unit_test(a_set_is_used_again_and_again),
        cmocka_unit_test(a_set_without_work_is_destroyed_at_once),
        cmocka_unit_test(several_threads_share_one_set),
        cmocka_unit_test(tasks_run_at_the_same_time),
        cmocka_unit_test(make_refuses_an_absurd_number_of_threads),
        cmocka_unit_test(zero_threads_means_one_a_processor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
