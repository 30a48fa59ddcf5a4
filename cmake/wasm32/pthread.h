/* Threads for a platform without them (wasi-libc has no pthread.h): one thread runs everything.
 *
 *  1. Locks have nobody to keep out, and do nothing.
 *  2. Waiting without a deadline would be for ever: it traps. With one, the deadline is over at
 *     once, for nobody else could change anything until then.
 *  3. Starting a thread fails with EAGAIN, as it does where the system has no more of them.
 */
#ifndef GCH_WASM32_PTHREAD_H
#define GCH_WASM32_PTHREAD_H

#include <errno.h>
#include <stdbool.h>
#include <time.h>

typedef struct pthread_mutex_t {
    char unused;
} pthread_mutex_t;
typedef struct pthread_cond_t {
    char unused;
} pthread_cond_t;
typedef struct pthread_t {
    char unused;
} pthread_t;
typedef bool pthread_once_t;

#define PTHREAD_ONCE_INIT false

#include <pthread_attributes.h>

static inline int pthread_mutex_init(pthread_mutex_t *mutex, const void *attributes)
{
    (void)mutex, (void)attributes;
    return 0;
}

static inline int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    (void)mutex;
    return 0;
}

static inline int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    (void)mutex;
    return 0;
}

static inline int pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes)
{
    (void)condition, (void)attributes;
    return 0;
}

static inline int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
    (void)condition, (void)mutex;
    __builtin_trap();
}

static inline int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                                         const struct timespec *deadline)
{
    (void)condition, (void)mutex, (void)deadline;
    return ETIMEDOUT;
}

static inline int pthread_cond_signal(pthread_cond_t *condition)
{
    (void)condition;
    return 0;
}

static inline int pthread_cond_broadcast(pthread_cond_t *condition)
{
    (void)condition;
    return 0;
}

static inline int pthread_create(pthread_t *out, const void *attributes,
                                 void *(*body)(void *argument), void *argument)
{
    (void)out, (void)attributes, (void)body, (void)argument;
    return EAGAIN;
}

static inline int pthread_join(pthread_t thread, void **out)
{
    (void)thread, (void)out;
    return EAGAIN;
}

static inline int pthread_once(pthread_once_t *once, void (*body)(void))
{
    if (!*once) {
        *once = true;
        body();
    }
    return 0;
}

#endif
