/* Reads the files of the viewer page.
 *
 * Invariants:
 *  1. A request names a file by the whole of its path and never reaches the file system.
 */
#include "serve_viewer.h"

#include "serve_coding.h"
#include "serve_head.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define PURPOSE "viewer"
#define FILE_CAP 64u
#define BYTES_CAP (32u << 20)
#define GZIP_RATIO_MIN 1.2

struct gch__viewer {
    const gch_allocator *allocator;
    uint32_t count;
    gch__viewer_file files[FILE_CAP];
};

static const char *type_of(const char *name)
{
    static const char *const types[][2] = {{".html", "text/html; charset=utf-8"},
                                           {".css", "text/css; charset=utf-8"},
                                           {".js", "text/javascript; charset=utf-8"},
                                           {".svg", "image/svg+xml"},
                                           {".json", "application/json"},
                                           {".wasm", "application/wasm"}};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && i < GCH_COUNT_OF(types); i++) {
        if (strcmp(dot, types[i][0]) == 0)
            return types[i][1];
    }
    return NULL;
}

static gch_status read_all(int fd, size_t count, gch__viewer_file *out, const char *path,
                           gch_error *err)
{
    if (!gch__buffer_reserve(&out->bytes, count))
        return gch__no_memory(err, PURPOSE);
    while (out->bytes.count < count) {
        ssize_t got = read(fd, out->bytes.bytes + out->bytes.count, count - out->bytes.count);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return gch_fail(err, GCH_IO, "%s: %s", path, got < 0 ? strerror(errno) : "cut short");
        out->bytes.count += (size_t)got;
    }
    return GCH_OK;
}

static gch_status read_file(const char *path, gch__viewer_file *out, gch_error *err)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return gch_fail(err, GCH_IO, "%s: %s", path, strerror(errno));
    gch_status status = GCH_OK;
    if (fstat(fd, &info) != 0)
        status = gch_fail(err, GCH_IO, "%s: %s", path, strerror(errno));
    else if (info.st_size > BYTES_CAP)
        status = gch_fail(err, GCH_LIMIT, "%s: larger than %u bytes", path, BYTES_CAP);
    else
        status = read_all(fd, (size_t)info.st_size, out, path, err);
    close(fd);
    return status;
}

static gch_status add_file(gch__viewer *viewer, const char *folder, const char *name,
                           gch_error *err)
{
    char path[4096];
    gch__viewer_file *file = &viewer->files[viewer->count];
    const char *type = type_of(name);
    if (type == NULL || strlen(name) >= sizeof file->name)
        return GCH_OK;
    if (viewer->count == FILE_CAP)
        return gch_fail(err, GCH_LIMIT, "%s: more than %u files", folder, FILE_CAP);
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path)
        return gch_fail(err, GCH_INVALID, "%.200s: the path is too long", folder);
    viewer->count++;
    *file = (gch__viewer_file){.type = type,
                               .bytes = {.allocator = viewer->allocator, .purpose = PURPOSE},
                               .gzip = {.allocator = viewer->allocator, .purpose = PURPOSE}};
    snprintf(file->name, sizeof file->name, "%s", name);
    GCH_TRY(read_file(path, file, err));
    snprintf(file->tag, sizeof file->tag, "W/\"%016" PRIx64 "\"",
             (uint64_t)XXH3_64bits(file->bytes.bytes, file->bytes.count));
    if (!gch__coding_encode(GCH__CODING_GZIP, file->bytes.bytes, file->bytes.count, GZIP_RATIO_MIN,
                            &file->gzip))
        file->gzip.count = 0;
    return GCH_OK;
}

static gch_status add_folder(gch__viewer *viewer, const char *folder, gch_error *err)
{
    DIR *listing = opendir(folder);
    if (listing == NULL)
        return gch_fail(err, errno == ENOENT ? GCH_NOT_FOUND : GCH_IO, "%s: %s", folder,
                        strerror(errno));
    gch_status status = GCH_OK;
    for (const struct dirent *entry; status == GCH_OK && (entry = readdir(listing)) != NULL;) {
        if (entry->d_name[0] != '.')
            status = add_file(viewer, folder, entry->d_name, err);
    }
    closedir(listing);
    return status;
}

gch_status gch__viewer_make(const char *path, const gch_allocator *allocator, gch__viewer **out,
                            gch_error *err)
{
    char inner[4096];
    gch__viewer *viewer = gch__alloc_zero(allocator, 1, sizeof *viewer, PURPOSE);
    if (viewer == NULL)
        return gch__no_memory(err, PURPOSE);
    viewer->allocator = allocator;
    snprintf(inner, sizeof inner, "%s/viewer", path);
    gch_status status = add_folder(viewer, path, err);
    if (status == GCH_OK)
        status = add_folder(viewer, inner, err);
    static const char root[] = "/";
    if (status == GCH_OK && gch__viewer_find(viewer, (gch__span){(const uint8_t *)root, 1}) == NULL)
        status = gch_fail(err, GCH_NOT_FOUND, "%s: there is no viewer/index.html in it", path);
    if (status != GCH_OK) {
        gch__viewer_destroy(viewer);
        return status;
    }
    *out = viewer;
    return GCH_OK;
}

void gch__viewer_destroy(gch__viewer *viewer)
{
    if (viewer == NULL)
        return;
    for (uint32_t i = 0; i < viewer->count; i++) {
        gch__buffer_reset(&viewer->files[i].bytes);
        gch__buffer_reset(&viewer->files[i].gzip);
    }
    gch__free(viewer->allocator, viewer, PURPOSE);
}

const gch__viewer_file *gch__viewer_find(const gch__viewer *viewer, gch__span path)
{
    if (viewer == NULL || path.count == 0 || path.bytes[0] != '/')
        return NULL;
    gch__span name = {path.bytes + 1, path.count - 1};
    for (uint32_t i = 0; i < viewer->count; i++) {
        if (name.count == 0 ? strcmp(viewer->files[i].name, "index.html") == 0
                            : gch__span_is(name, viewer->files[i].name))
            return &viewer->files[i];
    }
    return NULL;
}
