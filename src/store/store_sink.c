/* Sinks: see store_sink.h.
 *
 * Invariants:
 *  1. The destination of a REPLACE sink is touched only by the rename in gch__sink_publish.
 *  2. A memory image keeps the distance to its raw allocation in the 8 bytes before it, so that it
 *     can be freed from its address alone.
 *  3. An APPEND sink holds the file's lock from open, or from its publication, to close, on the
 * file that the path names.
 */
#include "store_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define IMAGE_ALIGN 64u
#define COPY_BYTES 65536u
#define IMAGE_ROOM (2u * IMAGE_ALIGN) /* for the alignment and the distance before the image */

static gch_status fail_io(const gch__sink *sink, const char *what, gch_error *err)
{
    int code = errno;
    return gch_fail(err, GCH_IO, "%s: %s: %s", sink->path, what, strerror(code));
}

static gch_status set_path(gch__sink *sink, const char *path, gch_error *err)
{
    sink->path = gch__copy_text(sink->allocator, path, strlen(path), "sink");
    return sink->path != NULL ? GCH_OK : gch__no_memory(err, "sink");
}

/* ---- memory ---- */

static gch_status grow_image(gch__sink *sink, size_t count, gch_error *err)
{
    if (count <= sink->cap)
        return GCH_OK;
    size_t cap = sink->cap < SIZE_MAX / 4 ? sink->cap + sink->cap / 2 : count;
    cap = GCH_MAX(GCH_MAX(cap, count), (size_t)1 << 16);
    size_t bytes;
    if (!gch__add_size(cap, IMAGE_ROOM, &bytes))
        return gch__no_memory(err, "file image");
    size_t old_distance = sink->raw != NULL ? (size_t)(sink->image - sink->raw) : 0;
    uint8_t *raw = gch__resize_array(sink->allocator, sink->raw, bytes, 1, "file image");
    if (raw == NULL)
        return gch__no_memory(err, "file image");
    uintptr_t first = (uintptr_t)raw + sizeof(uint64_t);
    uint64_t distance = (first + IMAGE_ALIGN - 1) / IMAGE_ALIGN * IMAGE_ALIGN - (uintptr_t)raw;
    if (sink->raw != NULL && distance != old_distance)
        memmove(raw + distance, raw + old_distance, sink->count);
    sink->raw = raw;
    sink->image = raw + distance;
    sink->cap = cap;
    memcpy(sink->image - sizeof distance, &distance, sizeof distance);
    return GCH_OK;
}

gch_status gch__sink_open_memory(gch__sink *sink, const gch_allocator *allocator, gch_error *err)
{
    *sink = (gch__sink){.kind = GCH__SINK_MEMORY, .allocator = allocator, .fd = -1};
    return set_path(sink, "memory", err);
}

void *gch__sink_take(gch__sink *sink, size_t *out_count)
{
    void *image = sink->image;
    *out_count = sink->count;
    sink->raw = NULL;
    sink->image = NULL;
    sink->count = 0;
    sink->cap = 0;
    return image;
}

void gch__image_free(void *image, const gch_allocator *allocator)
{
    if (image == NULL)
        return;
    uint64_t distance;
    memcpy(&distance, (uint8_t *)image - sizeof distance, sizeof distance);
    gch__free(allocator, (uint8_t *)image - distance, "file image");
}

/* ---- files ---- */

/* A name beside the destination that no other file has, with the rights the destination has or
 * would get. mkstemp would give 0600. */
static gch_status make_temporary(gch__sink *sink, mode_t mode, gch_error *err)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    size_t length = strlen(sink->path);
    static const char suffix[] = ".tmp-XXXXXX";
    sink->temporary_path = gch__alloc(sink->allocator, length + sizeof suffix, "sink");
    if (sink->temporary_path == NULL)
        return gch__no_memory(err, "sink");
    memcpy(sink->temporary_path, sink->path, length);
    memcpy(sink->temporary_path + length, suffix, sizeof suffix);
    for (int attempt = 0; attempt < 100; attempt++) {
        uint8_t random[6];
        if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
            break;
        for (size_t i = 0; i < sizeof random; i++)
            sink->temporary_path[length + 5 + i] = letters[random[i] % (sizeof letters - 1)];
        sink->fd = open(sink->temporary_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (sink->fd >= 0 || errno != EEXIST)
            break;
    }
    if (sink->fd >= 0)
        return GCH_OK;
    gch_status status = fail_io(sink, "cannot make a temporary file beside it", err);
    gch__free(sink->allocator, sink->temporary_path, "sink");
    sink->temporary_path = NULL;
    return status;
}

gch_status gch__sink_open_replace(gch__sink *sink, const char *path, const gch_allocator *allocator,
                                  gch_error *err)
{
    *sink = (gch__sink){.kind = GCH__SINK_REPLACE, .allocator = allocator, .fd = -1};
    gch_status status = set_path(sink, path, err);
    if (status != GCH_OK)
        return status;
    struct stat old;
    bool is_there = stat(path, &old) == 0;
    if (is_there && !S_ISREG(old.st_mode))
        status = gch_fail(err, GCH_INVALID, "%s: not a regular file", path);
    else
        status = make_temporary(sink, 0666, err);
    if (status == GCH_OK && is_there)
        (void)fchmod(sink->fd, old.st_mode & 07777); /* a courtesy; the write does not need it */
    if (status != GCH_OK)
        gch__sink_close(sink);
    return status;
}

/* The lock is worth something only if the path still names the file that was locked: it may have
 * been replaced while we opened it. */
static gch_status lock_file(gch__sink *sink, gch_error *err)
{
    for (int attempt = 0; attempt < 100; attempt++) {
        sink->fd = open(sink->path, O_RDWR | O_CLOEXEC);
        if (sink->fd < 0 && errno == ENOENT)
            return gch_fail(err, GCH_NOT_FOUND, "%s: no such file", sink->path);
        if (sink->fd < 0)
            return fail_io(sink, "cannot open for appending", err);
        struct stat opened, named;
        if (fstat(sink->fd, &opened) != 0)
            return fail_io(sink, "cannot open for appending", err);
        if (!S_ISREG(opened.st_mode))
            return gch_fail(err, GCH_INVALID, "%s: not a regular file", sink->path);
        if (flock(sink->fd, LOCK_EX | LOCK_NB) != 0) {
            if (errno == EWOULDBLOCK)
                return gch_fail(err, GCH_EXISTS, "%s: another writer is appending to it",
                                sink->path);
            return fail_io(sink, "cannot lock", err);
        }
        if (stat(sink->path, &named) == 0 && named.st_dev == opened.st_dev &&
            named.st_ino == opened.st_ino)
            return GCH_OK;
        close(sink->fd);
        sink->fd = -1;
    }
    return gch_fail(err, GCH_IO, "%s: replaced again and again while opening it", sink->path);
}

gch_status gch__sink_open_append(gch__sink *sink, const char *path, const gch_allocator *allocator,
                                 gch_error *err)
{
    *sink = (gch__sink){.kind = GCH__SINK_APPEND, .allocator = allocator, .fd = -1};
    gch_status status = set_path(sink, path, err);
    if (status == GCH_OK)
        status = lock_file(sink, err);
    if (status != GCH_OK)
        gch__sink_close(sink);
    return status;
}

gch_status gch__sink_write(gch__sink *sink, uint64_t position, const void *bytes, size_t count,
                           gch_error *err)
{
    if (sink->kind == GCH__SINK_MEMORY) {
        size_t end;
        if (position > SIZE_MAX || !gch__add_size((size_t)position, count, &end))
            return gch__no_memory(err, "file image");
        GCH_TRY(grow_image(sink, end, err));
        if (position > sink->count)
            memset(sink->image + sink->count, 0, (size_t)position - sink->count);
        if (count > 0)
            memcpy(sink->image + position, bytes, count);
        sink->count = GCH_MAX(sink->count, end);
        return GCH_OK;
    }
    const uint8_t *next = bytes;
    while (count > 0) {
        ssize_t written = pwrite(sink->fd, next, count, (off_t)position);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return fail_io(sink, "cannot write", err);
        next += written;
        position += (uint64_t)written;
        count -= (size_t)written;
    }
    return GCH_OK;
}

gch_status gch__sink_copy(gch__sink *sink, uint64_t position, const gch__sink *from,
                          uint64_t from_position, uint64_t count, gch_error *err)
{
    uint8_t bytes[COPY_BYTES];
    while (count > 0) {
        ssize_t got = pread(from->fd, bytes, (size_t)GCH_MIN(count, (uint64_t)sizeof bytes),
                            (off_t)from_position);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return fail_io(from, "cannot read it back", err);
        GCH_TRY(gch__sink_write(sink, position, bytes, (size_t)got, err));
        position += (uint64_t)got;
        from_position += (uint64_t)got;
        count -= (uint64_t)got;
    }
    return GCH_OK;
}

gch_status gch__sink_truncate(gch__sink *sink, uint64_t bytes, gch_error *err)
{
    if (ftruncate(sink->fd, (off_t)bytes) != 0)
        return fail_io(sink, "cannot cut off an unfinished append", err);
    return GCH_OK;
}

gch_status gch__sink_sync(gch__sink *sink, gch_error *err)
{
    if (sink->fd >= 0 && fdatasync(sink->fd) != 0)
        return fail_io(sink, "cannot sync", err);
    return GCH_OK;
}

/* The rename itself reaches the disk with its folder. */
static gch_status sync_folder(const gch__sink *sink, gch_error *err)
{
    const char *slash = strrchr(sink->path, '/');
    char *folder = slash == NULL ? gch__copy_text(sink->allocator, ".", 1, "sink")
                                 : gch__copy_text(sink->allocator, sink->path,
                                                  (size_t)(slash - sink->path) + 1, "sink");
    if (folder == NULL)
        return gch__no_memory(err, "sink");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    gch__free(sink->allocator, folder, "sink");
    /* Some file systems know no fsync of a folder (EINVAL); nothing better can be done there. */
    bool is_synced = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL);
    gch_status status = is_synced ? GCH_OK : fail_io(sink, "cannot sync its folder", err);
    if (fd >= 0)
        close(fd);
    return status;
}

gch_status gch__sink_publish(gch__sink *sink, bool goes_on, gch_error *err)
{
    if (fsync(sink->fd) != 0)
        return fail_io(sink, "cannot sync", err);
    /* Nobody else knows the file yet: the lock is free. */
    if (goes_on && flock(sink->fd, LOCK_EX | LOCK_NB) != 0)
        return fail_io(sink, "cannot lock", err);
    if (rename(sink->temporary_path, sink->path) != 0)
        return fail_io(sink, "cannot put it in place", err);
    gch__free(sink->allocator, sink->temporary_path, "sink");
    sink->temporary_path = NULL;
    sink->kind = goes_on ? GCH__SINK_APPEND : GCH__SINK_REPLACE;
    return sync_folder(sink, err);
}

void gch__sink_close(gch__sink *sink)
{
    if (sink->kind == 0)
        return;
    if (sink->fd >= 0)
        close(sink->fd);
    if (sink->temporary_path != NULL)
        unlink(sink->temporary_path);
    gch__free(sink->allocator, sink->temporary_path, "sink");
    gch__free(sink->allocator, sink->path, "sink");
    gch__free(sink->allocator, sink->raw, "file image");
    *sink = (gch__sink){.fd = -1};
}
