/* What there is nothing to do for, whether there are threads or not: attributes of conditions, and
 * the end of locks and conditions. For the two pthread.h, which say what those are. */
#ifndef GCH_WASM32_PTHREAD_ATTRIBUTES_H
#define GCH_WASM32_PTHREAD_ATTRIBUTES_H

#include <time.h>

#define PTHREAD_MUTEX_INITIALIZER                                                                  \
    {                                                                                              \
        0                                                                                          \
    }

typedef struct pthread_condattr_t {
    char unused;
} pthread_condattr_t;

static inline int pthread_condattr_init(pthread_condattr_t *attributes)
{
    (void)attributes;
    return 0;
}

static inline int pthread_condattr_setclock(pthread_condattr_t *attributes, clockid_t clock)
{
    (void)attributes, (void)clock;
    return 0;
}

static inline int pthread_condattr_destroy(pthread_condattr_t *attributes)
{
    (void)attributes;
    return 0;
}

static inline int pthread_mutex_destroy(pthread_mutex_t *mutex)
{
    (void)mutex;
    return 0;
}

static inline int pthread_cond_destroy(pthread_cond_t *condition)
{
    (void)condition;
    return 0;
}

#endif
