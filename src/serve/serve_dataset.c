/* Data sets (serve_dataset.h).
 *
 * Files are read through the data manager, never mapped: a file that somebody cuts short under a
 * running server is then an error of one answer.
 *
 * Invariants:
 *  1. The version is a hash of what the system says of the file: device, inode, size, times of
 *     modification and of change. An append that has not been committed changes it too, which costs
 *     a cache its copy but never gives old bytes for new.
 *     Of a live series it is a hash of the series and of what rows it has.
 *  2. Who holds a data set reads that version of the file, unless it was overwritten in place.
 */
#include "serve_dataset.h"

#include "gch/live.h"
#include "serve_json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PURPOSE "data set"
#define QUERIES_KEPT 64u

/* The finalizer of SplitMix64 (Steele, Lea, Flood 2014) over a running sum. */
static uint64_t mix(uint64_t hash, uint64_t value)
{
    uint64_t z = hash + value + 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static uint64_t version_of(const struct stat *info)
{
    const uint64_t parts[] = {
        (uint64_t)info->st_dev,          (uint64_t)info->st_ino,
        (uint64_t)info->st_size,         (uint64_t)info->st_mtim.tv_sec,
        (uint64_t)info->st_mtim.tv_nsec, (uint64_t)info->st_ctim.tv_sec,
        (uint64_t)info->st_ctim.tv_nsec,
    };
    uint64_t hash = 0;
    for (size_t i = 0; i < GCH_COUNT_OF(parts); i++)
        hash = mix(hash, parts[i]);
    return hash;
}

bool gch__dataset_is_current(const gch__dataset *dataset, const struct stat *now)
{
    return dataset->version == version_of(now);
}

/* The data manager opens by path; /proc names the very file that fd is, whatever has become of its
 * name meanwhile. */
static gch_status open_source(gch__dataset *dataset, gch_error *err)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", dataset->fd);
    gch_source_desc desc = {.io = GCH_IO_READ, .name = dataset->name};
    GCH_TRY(gch_source_open_file(dataset->data, path, &desc, &dataset->source, err));
    gch_status status = gch_source_get_file(dataset->data, dataset->source, &dataset->file, err);
    return status;
}

static void dataset_free(gch__dataset *dataset)
{
    gch_error ignored;
    for (size_t i = 0; i < GCH_COUNT_OF(dataset->queries); i++) {
        for (size_t k = 0; k < dataset->queries[i].count; k++)
            gch_query_destroy(dataset->queries[i].idle[k]);
        gch__free(dataset->allocator, dataset->queries[i].idle, PURPOSE);
    }
    if (dataset->source.id != 0)
        (void)!gch_source_close(dataset->data, dataset->source, &ignored);
    gch_live_release_file(dataset->data, dataset->lent);
    if (dataset->fd >= 0)
        close(dataset->fd);
    pthread_mutex_destroy(&dataset->lock);
    gch__free(dataset->allocator, dataset->json, "metadata");
    gch__free(dataset->allocator, dataset->name, PURPOSE);
    gch__free(dataset->allocator, dataset, PURPOSE);
}

gch_status gch__dataset_open(gch_data *data, const char *name, int fd,
                             const gch_allocator *allocator, gch__dataset **out, gch_error *err)
{
    struct stat info;
    gch__dataset *dataset = gch__alloc_zero(allocator, 1, sizeof *dataset, PURPOSE);
    if (dataset == NULL) {
        close(fd);
        return gch__no_memory(err, PURPOSE);
    }
    dataset->allocator = allocator;
    dataset->data = data;
    dataset->fd = fd;
    atomic_store(&dataset->hold_count, 1);
    pthread_mutex_init(&dataset->lock, NULL);
    gch_status status = GCH_OK;
    dataset->name = gch__copy_text(allocator, name, strlen(name), PURPOSE);
    if (dataset->name == NULL)
        status = gch__no_memory(err, PURPOSE);
    else if (fstat(fd, &info) != 0)
        status = gch_fail(err, GCH_IO, "%s: %s", name, strerror(errno));
    if (status != GCH_OK)
        goto cleanup;
    dataset->file_bytes = (uint64_t)info.st_size;
    dataset->version = version_of(&info);
    dataset->modified = info.st_mtim;
    dataset->inode = info.st_ino;
    dataset->device = info.st_dev;
    dataset->changed = info.st_ctim;
    snprintf(dataset->version_text, sizeof dataset->version_text, "%016" PRIx64, dataset->version);
    status = open_source(dataset, &dataset->error);
    if (status == GCH_NO_MEMORY) {
        if (err != NULL)
            *err = dataset->error;
        goto cleanup;
    }
    status = gch__json_dataset(dataset, &dataset->json, &dataset->json_length, err);

cleanup:
    if (status != GCH_OK) {
        dataset_free(dataset);
        return status;
    }
    *out = dataset;
    return GCH_OK;
}

gch_status gch__dataset_of_live(gch_data *data, const char *name, gch_file *file, uint64_t series,
                                const gch_allocator *allocator, gch__dataset **out, gch_error *err)
{
    const gch_file_info *info = gch_file_get_info(file);
    gch__dataset *dataset = gch__alloc_zero(allocator, 1, sizeof *dataset, PURPOSE);
    if (dataset == NULL) {
        gch_live_release_file(data, file);
        return gch__no_memory(err, PURPOSE);
    }
    dataset->allocator = allocator;
    dataset->data = data;
    dataset->fd = -1;
    dataset->file = dataset->lent = file;
    atomic_store(&dataset->hold_count, 1);
    pthread_mutex_init(&dataset->lock, NULL);
    dataset->version = mix(mix(mix(0, series), info->row_count), info->dropped_rows);
    snprintf(dataset->version_text, sizeof dataset->version_text, "%016" PRIx64, dataset->version);
    dataset->name = gch__copy_text(allocator, name, strlen(name), PURPOSE);
    gch_status status = dataset->name == NULL ? gch__no_memory(err, PURPOSE)
                                              : gch__json_dataset(dataset, &dataset->json,
                                                                  &dataset->json_length, err);
    if (status != GCH_OK) {
        dataset_free(dataset);
        return status;
    }
    *out = dataset;
    return GCH_OK;
}

void gch__dataset_hold(gch__dataset *dataset)
{
    atomic_fetch_add(&dataset->hold_count, 1);
}

void gch__dataset_release(gch__dataset *dataset)
{
    if (atomic_fetch_sub(&dataset->hold_count, 1) == 1)
        dataset_free(dataset);
}

gch_status gch__dataset_borrow_query(gch__dataset *dataset, bool keep_outside, gch_query **out,
                                     gch_error *err)
{
    gch__query_set *set = &dataset->queries[keep_outside];
    *out = NULL;
    pthread_mutex_lock(&dataset->lock);
    if (set->count > 0)
        *out = set->idle[--set->count];
    pthread_mutex_unlock(&dataset->lock);
    if (*out != NULL)
        return GCH_OK;
    const gch_query_desc desc = {.allocator = dataset->allocator, .keep_outside = keep_outside};
    return gch_query_make(dataset->file, &desc, out, err);
}

void gch__dataset_return_query(gch__dataset *dataset, bool keep_outside, gch_query *query)
{
    gch__query_set *set = &dataset->queries[keep_outside];
    gch_error ignored;
    pthread_mutex_lock(&dataset->lock);
    bool is_kept = set->count < QUERIES_KEPT &&
                   gch__ensure(dataset->allocator, (void **)&set->idle, &set->cap, set->count + 1,
                               sizeof *set->idle, PURPOSE, &ignored) == GCH_OK;
    if (is_kept)
        set->idle[set->count++] = query;
    pthread_mutex_unlock(&dataset->lock);
    if (!is_kept)
        gch_query_destroy(query);
}
