/* Threads for WebAssembly with shared memory (wasi-libc has no pthread.h), over its two
 * instructions for waiting and waking.
 *
 *  1. Threads are workers of the host that wait in the module for something to run
 *     (base_threads_wasm.c): starting one takes one of those, and fails with EAGAIN if none waits.
 *  2. Whoever waits must be allowed to: the page's own thread is not, and the host keeps it out.
 *  3. A wait ends with a trap when another thread has trapped, for what it waits for never comes.
 */
#ifndef GCH_WASM32_THREADS_PTHREAD_H
#define GCH_WASM32_THREADS_PTHREAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* 0: free; 1: held; 2: held, and others may wait (Drepper: Futexes Are Tricky, 2011). */
typedef struct pthread_mutex_t {
    atomic_int state;
} pthread_mutex_t;
/* Grows with each signal. */
typedef struct pthread_cond_t {
    atomic_int signals;
} pthread_cond_t;
typedef uint32_t pthread_t;
/* 0: not begun; 1: under way; 2: done. */
typedef atomic_int pthread_once_t;

#define PTHREAD_ONCE_INIT 0

#include <pthread_attributes.h>

/* Threads of the host that wait for something to run. */
uint32_t gch__threads_parked(void);
/* Waits while *place is `seen`, until a wake or the time is up (ns < 0: never); false: it is up. */
bool gch__threads_wait(atomic_int *place, int seen, int64_t ns);
void gch__threads_wake(atomic_int *place, uint32_t count);

int pthread_mutex_lock(pthread_mutex_t *mutex);
int pthread_mutex_unlock(pthread_mutex_t *mutex);
int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
/* The deadline is one of CLOCK_MONOTONIC. */
int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                           const struct timespec *deadline);
int pthread_cond_signal(pthread_cond_t *condition);
int pthread_cond_broadcast(pthread_cond_t *condition);
int pthread_create(pthread_t *out, const void *attributes, void *(*body)(void *argument),
                   void *argument);
int pthread_join(pthread_t thread, void **out);
int pthread_once(pthread_once_t *once, void (*body)(void));

static inline int pthread_mutex_init(pthread_mutex_t *mutex, const void *attributes)
{
    (void)attributes;
    atomic_init(&mutex->state, 0);
    return 0;
}

static inline int pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes)
{
    (void)attributes;
    atomic_init(&condition->signals, 0);
    return 0;
}

#endif
