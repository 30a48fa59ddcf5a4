/* Byte inputs over a file descriptor or a span of memory.
 *
 * Invariants:
 *  1. done_bytes is the position of the next byte that gch__input_read gives, from byte 0 of the
 *     input (which, for a redirected standard input, may lie inside the file).
 *  2. A descriptor that can rewind is read by position: its own never moves.
 *  3. A short read happens at the end of the input only: pipes are read until the room is full, or
 *     until the deadline that gch__input_read_until was given.
 */
#include "ingest_input.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLICES_MAX 16u
#define SLICE_ALIGN 65536u
#define SHARED_BYTES_MIN ((size_t)256 << 10)

static void set_name(gch__input *input, const char *name)
{
    size_t length = strlen(name);
    if (length < sizeof input->name) {
        memcpy(input->name, name, length + 1);
        return;
    }
    const char *tail = name + length - (sizeof input->name - 4);
    while (((unsigned char)*tail & 0xC0) == 0x80)
        tail++; /* not into the middle of a UTF-8 character */
    snprintf(input->name, sizeof input->name, "...%s", tail);
}

gch_status gch__input_open(const char *path, gch__input *out, gch_error *err)
{
    gch__input input = {.fd = STDIN_FILENO};
    bool is_stdin = strcmp(path, "-") == 0;
    set_name(&input, is_stdin ? "stdin" : path);
    if (!is_stdin) {
        input.fd = open(path, O_RDONLY | O_CLOEXEC);
        if (input.fd < 0)
            return gch_fail(err, errno == ENOENT || errno == ENOTDIR ? GCH_NOT_FOUND : GCH_IO,
                            "%s: %s", input.name, strerror(errno));
        input.owns_fd = true;
    }
    struct stat info;
    if (fstat(input.fd, &info) != 0) {
        gch_status status = gch_fail(err, GCH_IO, "%s: %s", input.name, strerror(errno));
        gch__input_close(&input);
        return status;
    }
    if (S_ISDIR(info.st_mode)) {
        gch__input_close(&input);
        return gch_fail(err, GCH_IO, "%s: is a folder", input.name);
    }
    if (S_ISREG(info.st_mode)) {
        off_t at = lseek(input.fd, 0, SEEK_CUR);
        if (at >= 0) {
            input.can_rewind = true;
            input.origin = (uint64_t)at;
            input.total_bytes = info.st_size > at ? (uint64_t)(info.st_size - at) : 0;
        }
        (void)posix_fadvise(input.fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    }
    *out = input;
    return GCH_OK;
}

void gch__input_open_memory(const char *name, gch__span bytes, gch__input *out)
{
    *out = (gch__input){.fd = -1, .can_rewind = true, .total_bytes = bytes.count, .memory = bytes};
    set_name(out, name);
}

void gch__input_open_pushed(const char *name, gch__input *out)
{
    *out = (gch__input){.fd = -1};
    set_name(out, name);
}

void gch__input_close(gch__input *input)
{
    if (input->owns_fd)
        close(input->fd);
    input->owns_fd = false;
    input->fd = -1;
}

/* offset UINT64_MAX: at the descriptor's own position, for what has no other. */
static gch_status read_descriptor(gch__input *input, uint64_t offset, uint8_t *to, size_t cap,
                                  size_t *out_count, gch_error *err)
{
    size_t count = 0;
    while (count < cap) {
        size_t wanted = GCH_MIN(cap - count, (size_t)1 << 30);
        ssize_t got = offset == UINT64_MAX ? read(input->fd, to + count, wanted)
                                           : pread(input->fd, to + count, wanted,
                                                   (off_t)(input->origin + offset + count));
        if (got < 0) {
            if (errno == EINTR)
                continue;
            return gch_fail(err, GCH_IO, "%s: %s", input->name, strerror(errno));
        }
        if (got == 0)
            break;
        count += (size_t)got;
    }
    *out_count = count;
    return GCH_OK;
}

static size_t read_memory(const gch__input *input, uint64_t offset, void *to, size_t cap)
{
    if (offset >= input->memory.count)
        return 0;
    size_t count = GCH_MIN(cap, input->memory.count - (size_t)offset);
    if (count > 0)
        memcpy(to, input->memory.bytes + offset, count);
    return count;
}

static gch_status read_alone(gch__input *input, void *to, size_t cap, size_t *out_count,
                             gch_error *err)
{
    if (input->fd < 0)
        *out_count = read_memory(input, input->done_bytes, to, cap);
    else
        GCH_TRY(read_descriptor(input, input->can_rewind ? input->done_bytes : UINT64_MAX, to, cap,
                                out_count, err));
    input->done_bytes += *out_count;
    return GCH_OK;
}

gch_status gch__input_read_at(gch__input *input, uint64_t offset, void *to, size_t cap,
                              size_t *out_count, gch_error *err)
{
    if (offset > (uint64_t)INT64_MAX - input->origin - cap) {
        *out_count = 0;
        return GCH_OK; /* no file reaches there */
    }
    if (input->fd < 0) {
        *out_count = read_memory(input, offset, to, cap);
        return GCH_OK;
    }
    return read_descriptor(input, offset, to, cap, out_count, err);
}

typedef struct read_job {
    gch__input *input;
    uint8_t *to;
    size_t cap, slice_bytes;
    size_t counts[SLICES_MAX];
    gch_status statuses[SLICES_MAX];
    gch_error errors[SLICES_MAX];
} read_job;

static void read_slice(void *context, size_t task, uint32_t worker)
{
    (void)worker;
    read_job *job = context;
    size_t first = task * job->slice_bytes;
    job->statuses[task] = gch__input_read_at(
        job->input, job->input->done_bytes + first, job->to + first,
        GCH_MIN(job->slice_bytes, job->cap - first), &job->counts[task], &job->errors[task]);
}

gch_status gch__input_read(gch__input *input, void *to, size_t cap, size_t *out_count,
                           gch_error *err)
{
    if (!input->can_rewind || cap < SHARED_BYTES_MIN || gch_workers_count(input->workers) < 2)
        return read_alone(input, to, cap, out_count, err);
    read_job job = {.input = input, .to = to, .cap = cap};
    job.slice_bytes = (size_t)gch__align_up(cap / SLICES_MAX + 1, SLICE_ALIGN);
    size_t slice_count = (cap + job.slice_bytes - 1) / job.slice_bytes;
    gch__parallel_for(input->workers, slice_count, read_slice, &job);
    *out_count = 0;
    for (size_t i = 0; i < slice_count; i++) {
        if (job.statuses[i] != GCH_OK)
            return gch_fail(err, job.statuses[i], "%s", job.errors[i].message);
        *out_count += job.counts[i];
        if (job.counts[i] < GCH_MIN(job.slice_bytes, cap - i * job.slice_bytes))
            break; /* the end, or where the file ended when it was read */
    }
    input->done_bytes += *out_count;
    return GCH_OK;
}

/* Whether the descriptor has bytes, or its end, before the deadline. */
static gch_status wait_readable(const gch__input *input, int64_t deadline_ns, bool *out_is_ready,
                                gch_error *err)
{
    for (;;) {
        int64_t left_ns = deadline_ns - gch__clock_ns();
        int64_t left_ms = left_ns > 0 ? (left_ns + 999999) / 1000000 : 0;
        struct pollfd poller = {.fd = input->fd, .events = POLLIN};
        int ready = poll(&poller, 1, (int)GCH_MIN(left_ms, (int64_t)INT_MAX));
        if (ready < 0 && errno != EINTR)
            return gch_fail(err, GCH_IO, "%s: %s", input->name, strerror(errno));
        *out_is_ready = ready > 0;
        if (ready > 0 || (ready == 0 && left_ms <= INT_MAX))
            return GCH_OK;
    }
}

gch_status gch__input_read_until(gch__input *input, void *to, size_t cap, int64_t deadline_ns,
                                 size_t *out_count, bool *out_is_end, gch_error *err)
{
    if (input->can_rewind || deadline_ns == INT64_MAX) {
        GCH_TRY(gch__input_read(input, to, cap, out_count, err));
        *out_is_end = *out_count < cap;
        return GCH_OK;
    }
    *out_count = 0;
    *out_is_end = false;
    while (*out_count < cap && !*out_is_end) {
        bool is_ready;
        GCH_TRY(wait_readable(input, deadline_ns, &is_ready, err));
        if (!is_ready)
            break;
        ssize_t got = read(input->fd, (uint8_t *)to + *out_count, cap - *out_count);
        if (got < 0 && errno != EINTR && errno != EAGAIN)
            return gch_fail(err, GCH_IO, "%s: %s", input->name, strerror(errno));
        *out_is_end = got == 0;
        *out_count += got > 0 ? (size_t)got : 0;
        if (gch__clock_ns() >= deadline_ns)
            break;
    }
    input->done_bytes += *out_count;
    return GCH_OK;
}

void gch__input_rewind(gch__input *input)
{
    input->done_bytes = 0;
}
