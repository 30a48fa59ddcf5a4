/* Byte inputs over a file descriptor or a span of memory.
 *
 * Invariants:
 *  1. done_bytes is the position of the next byte that gch__input_read gives, from byte 0 of the
 *     input (which, for a redirected standard input, may lie inside the file).
 *  2. A short read happens at the end of the input only: pipes are read until the room is full.
 */
#include "ingest_input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

void gch__input_close(gch__input *input)
{
    if (input->owns_fd)
        close(input->fd);
    input->owns_fd = false;
    input->fd = -1;
}

/* offset UINT64_MAX: at the descriptor's own position. */
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

gch_status gch__input_read(gch__input *input, void *to, size_t cap, size_t *out_count,
                           gch_error *err)
{
    if (input->fd < 0)
        *out_count = read_memory(input, input->done_bytes, to, cap);
    else
        GCH_TRY(read_descriptor(input, UINT64_MAX, to, cap, out_count, err));
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

gch_status gch__input_rewind(gch__input *input, gch_error *err)
{
    if (input->fd >= 0 && lseek(input->fd, (off_t)input->origin, SEEK_SET) < 0)
        return gch_fail(err, GCH_IO, "%s: %s", input->name, strerror(errno));
    input->done_bytes = 0;
    return GCH_OK;
}
