/* Writing to sockets through libraries that know no MSG_NOSIGNAL (OpenSSL's): while SIGPIPE is
 * blocked on a thread, a write to a peer that is gone fails with EPIPE instead of ending the
 * process. Nothing of the process is changed, and a signal that came is taken off at the end.
 */
#ifndef GCH_BASE_SIGPIPE_H
#define GCH_BASE_SIGPIPE_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

typedef struct gch__sigpipe {
    sigset_t old;
    bool was_pending;
} gch__sigpipe;

static inline void gch__sigpipe_set(sigset_t *out)
{
    sigemptyset(out);
    sigaddset(out, SIGPIPE);
}

/* `saved` NULL: for the rest of the thread's life. */
static inline void gch__sigpipe_block(gch__sigpipe *saved)
{
    sigset_t pipe_signal, pending;
    gch__sigpipe_set(&pipe_signal);
    if (saved != NULL) {
        saved->was_pending = sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
        pthread_sigmask(SIG_BLOCK, &pipe_signal, &saved->old);
    } else {
        pthread_sigmask(SIG_BLOCK, &pipe_signal, NULL);
    }
}

static inline void gch__sigpipe_restore(const gch__sigpipe *saved)
{
    const struct timespec at_once = {0};
    sigset_t pipe_signal, pending;
    gch__sigpipe_set(&pipe_signal);
    if (!saved->was_pending && sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1)
        (void)sigtimedwait(&pipe_signal, NULL, &at_once);
    pthread_sigmask(SIG_SETMASK, &saved->old, NULL);
}

#endif
