/* Threads that the host of a WebAssembly module lends it, and what they share of the C library.
 *
 * A host's worker makes an instance of the module over the same memory, with a stack of its own,
 * and calls gch_web_thread_run, which waits for something to run until the engine ends. Nothing
 * here starts a worker: that takes a turn of the host's event loop, for which a call cannot wait.
 *
 * Invariants:
 *  1. A place goes ABSENT, PARKED, CLAIMED, RUNNING, DONE, PARKED, and from ABSENT and PARKED to
 *     GONE: the worker makes it PARKED the first time and DONE, the thread that starts, joins and
 *     ends it everything else.
 *  2. The heap is touched under `heap_lock` only: wasi-libc's malloc was built without threads.
 */
#include "base_threads.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

/* How often a wait looks whether a thread has trapped. */
#define LOOK_NS 250000000

enum { ABSENT, PARKED, CLAIMED, RUNNING, DONE, GONE };

static struct place {
    atomic_int state;
    void *(*body)(void *argument);
    void *argument;
} places[GCH__THREADS_CAP];

static atomic_bool has_trapped;

/* ---- waiting ---- */

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

bool gch__threads_wait(atomic_int *place, int seen, int64_t ns)
{
    enum { WOKEN, CHANGED, LATE };
    int64_t end = ns >= 0 ? now_ns() + ns : INT64_MAX;
    for (;;) {
        int64_t left = ns >= 0 ? end - now_ns() : LOOK_NS;
        if (left <= 0)
            return false;
        int outcome = __builtin_wasm_memory_atomic_wait32((int *)place, seen,
                                                          left < LOOK_NS ? left : LOOK_NS);
        if (atomic_load_explicit(&has_trapped, memory_order_relaxed))
            __builtin_trap();
        if (outcome != LATE)
            return true;
    }
}

void gch__threads_wake(atomic_int *place, uint32_t count)
{
    (void)__builtin_wasm_memory_atomic_notify((int *)place, count);
}

/* ---- locks ---- */

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    int seen = 0;
    if (atomic_compare_exchange_strong(&mutex->state, &seen, 1))
        return 0;
    if (seen != 2)
        seen = atomic_exchange(&mutex->state, 2);
    while (seen != 0) {
        (void)gch__threads_wait(&mutex->state, 2, -1);
        seen = atomic_exchange(&mutex->state, 2);
    }
    return 0;
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    if (atomic_exchange(&mutex->state, 0) == 2)
        gch__threads_wake(&mutex->state, 1);
    return 0;
}

int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
    int seen = atomic_load(&condition->signals);
    pthread_mutex_unlock(mutex);
    (void)gch__threads_wait(&condition->signals, seen, -1);
    return pthread_mutex_lock(mutex);
}

int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                           const struct timespec *deadline)
{
    int seen = atomic_load(&condition->signals);
    pthread_mutex_unlock(mutex);
    int64_t left = (int64_t)deadline->tv_sec * 1000000000 + deadline->tv_nsec - now_ns();
    bool is_woken = left > 0 && gch__threads_wait(&condition->signals, seen, left);
    pthread_mutex_lock(mutex);
    return is_woken ? 0 : ETIMEDOUT;
}

int pthread_cond_signal(pthread_cond_t *condition)
{
    atomic_fetch_add(&condition->signals, 1);
    gch__threads_wake(&condition->signals, 1);
    return 0;
}

int pthread_cond_broadcast(pthread_cond_t *condition)
{
    atomic_fetch_add(&condition->signals, 1);
    gch__threads_wake(&condition->signals, UINT32_MAX);
    return 0;
}

int pthread_once(pthread_once_t *once, void (*body)(void))
{
    int seen = 0;
    if (atomic_compare_exchange_strong(once, &seen, 1)) {
        body();
        atomic_store(once, 2);
        gch__threads_wake(once, UINT32_MAX);
        return 0;
    }
    for (; seen != 2; seen = atomic_load(once))
        (void)gch__threads_wait(once, 1, -1);
    return 0;
}

/* ---- threads ---- */

static void set_state(struct place *place, int state)
{
    atomic_store(&place->state, state);
    gch__threads_wake(&place->state, UINT32_MAX);
}

uint32_t gch__threads_parked(void)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < GCH__THREADS_CAP; i++)
        count += atomic_load(&places[i].state) == PARKED ? 1 : 0;
    return count;
}

void gch__thread_run(uint32_t number)
{
    struct place *place = &places[number];
    int absent = ABSENT;
    if (!atomic_compare_exchange_strong(&place->state, &absent, PARKED))
        return; /* came when the others were gone */
    for (;;) {
        for (int seen; (seen = atomic_load(&place->state)) != RUNNING;) {
            if (seen == GONE)
                return;
            (void)gch__threads_wait(&place->state, seen, -1);
        }
        (void)place->body(place->argument);
        set_state(place, DONE);
    }
}

void gch__threads_end(void)
{
    for (uint32_t i = 0; i < GCH__THREADS_CAP; i++) {
        int parked = PARKED, absent = ABSENT;
        if (atomic_compare_exchange_strong(&places[i].state, &parked, GONE) ||
            atomic_compare_exchange_strong(&places[i].state, &absent, GONE))
            gch__threads_wake(&places[i].state, UINT32_MAX);
    }
}

void gch__threads_trapped(void)
{
    atomic_store(&has_trapped, true);
}

int pthread_create(pthread_t *out, const void *attributes, void *(*body)(void *argument),
                   void *argument)
{
    (void)attributes;
    for (uint32_t i = 0; i < GCH__THREADS_CAP; i++) {
        struct place *place = &places[i];
        int seen = PARKED;
        if (!atomic_compare_exchange_strong(&place->state, &seen, CLAIMED))
            continue;
        place->body = body;
        place->argument = argument;
        set_state(place, RUNNING);
        *out = i;
        return 0;
    }
    return EAGAIN;
}

int pthread_join(pthread_t thread, void **out)
{
    struct place *place = &places[thread];
    for (int seen; (seen = atomic_load(&place->state)) != DONE;)
        (void)gch__threads_wait(&place->state, seen, -1);
    set_state(place, PARKED);
    if (out != NULL)
        *out = NULL; /* no caller asks what a body returned */
    return 0;
}

/* ---- the heap ---- */

static pthread_mutex_t heap_lock = PTHREAD_MUTEX_INITIALIZER;

/* The linker gives every caller the first of each pair for malloc and so on, and those the second.
 */
void *__wrap_malloc(size_t bytes);
void *__real_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
void __wrap_free(void *memory);
void __real_free(void *memory);

void *__wrap_malloc(size_t bytes)
{
    pthread_mutex_lock(&heap_lock);
    void *memory = __real_malloc(bytes);
    pthread_mutex_unlock(&heap_lock);
    return memory;
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    pthread_mutex_lock(&heap_lock);
    void *memory = __real_calloc(count, bytes);
    pthread_mutex_unlock(&heap_lock);
    return memory;
}

void *__wrap_realloc(void *old, size_t bytes)
{
    pthread_mutex_lock(&heap_lock);
    void *memory = __real_realloc(old, bytes);
    pthread_mutex_unlock(&heap_lock);
    return memory;
}

void __wrap_free(void *memory)
{
    pthread_mutex_lock(&heap_lock);
    __real_free(memory);
    pthread_mutex_unlock(&heap_lock);
}
