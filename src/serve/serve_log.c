/* The access log's thread and its two buffers (serve_log.h).
 *
 * Invariant: one buffer is being filled under the lock, the other is being written without it.
 */
#include "serve_log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_BYTES ((size_t)1 << 20)
#define PURPOSE "access log"

struct gch__log {
    const gch_allocator *allocator;
    int fd;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t has_lines;
    char *filling, *writing;
    size_t count;
    uint64_t dropped, dropped_untold;
    bool is_ending;
};

/* Whatever cannot be written is lost: the log is no reason to stop serving. */
static void write_all(int fd, const char *text, size_t count)
{
    while (count > 0) {
        ssize_t written = write(fd, text, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return;
        text += written;
        count -= (size_t)written;
    }
}

static void *write_lines(void *context)
{
    gch__log *log = context;
    pthread_mutex_lock(&log->lock);
    while (!log->is_ending || log->count > 0) {
        if (log->count == 0) {
            pthread_cond_wait(&log->has_lines, &log->lock);
            continue;
        }
        char *lines = log->filling;
        size_t count = log->count;
        log->filling = log->writing;
        log->writing = lines;
        log->count = 0;
        pthread_mutex_unlock(&log->lock);
        write_all(log->fd, lines, count);
        pthread_mutex_lock(&log->lock);
    }
    pthread_mutex_unlock(&log->lock);
    return NULL;
}

gch_status gch__log_make(int fd, const gch_allocator *allocator, gch__log **out, gch_error *err)
{
    gch__log *log = gch__alloc_zero(allocator, 1, sizeof *log, PURPOSE);
    if (log == NULL)
        return gch__no_memory(err, PURPOSE);
    log->allocator = allocator;
    log->fd = fd;
    log->filling = gch__alloc(allocator, BUFFER_BYTES, PURPOSE);
    log->writing = gch__alloc(allocator, BUFFER_BYTES, PURPOSE);
    pthread_mutex_init(&log->lock, NULL);
    pthread_cond_init(&log->has_lines, NULL);
    gch_status status = GCH_OK;
    if (log->filling == NULL || log->writing == NULL)
        status = gch__no_memory(err, PURPOSE);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (status == GCH_OK && pthread_create(&log->thread, NULL, write_lines, log) != 0)
        status = gch_fail(err, GCH_LIMIT, "a thread cannot be started");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (status != GCH_OK) {
        gch__free(allocator, log->filling, PURPOSE);
        gch__free(allocator, log->writing, PURPOSE);
        gch__free(allocator, log, PURPOSE);
        return status;
    }
    *out = log;
    return GCH_OK;
}

void gch__log_line(gch__log *log, const char *line, size_t length)
{
    char told[64];
    int told_length = 0;
    if (log == NULL)
        return;
    pthread_mutex_lock(&log->lock);
    if (log->dropped_untold > 0)
        told_length = snprintf(told, sizeof told, "{\"dropped_lines\": %llu}\n",
                               (unsigned long long)log->dropped_untold);
    if (BUFFER_BYTES - log->count < length + (size_t)told_length) {
        log->dropped++;
        log->dropped_untold++;
    } else {
        memcpy(log->filling + log->count, told, (size_t)told_length);
        memcpy(log->filling + log->count + told_length, line, length);
        log->count += length + (size_t)told_length;
        log->dropped_untold = 0;
        pthread_cond_signal(&log->has_lines);
    }
    pthread_mutex_unlock(&log->lock);
}

uint64_t gch__log_dropped(gch__log *log)
{
    if (log == NULL)
        return 0;
    pthread_mutex_lock(&log->lock);
    uint64_t dropped = log->dropped;
    pthread_mutex_unlock(&log->lock);
    return dropped;
}

void gch__log_destroy(gch__log *log)
{
    if (log == NULL)
        return;
    pthread_mutex_lock(&log->lock);
    log->is_ending = true;
    pthread_cond_signal(&log->has_lines);
    pthread_mutex_unlock(&log->lock);
    pthread_join(log->thread, NULL);
    pthread_cond_destroy(&log->has_lines);
    pthread_mutex_destroy(&log->lock);
    gch__free(log->allocator, log->filling, PURPOSE);
    gch__free(log->allocator, log->writing, PURPOSE);
    gch__free(log->allocator, log, PURPOSE);
}
