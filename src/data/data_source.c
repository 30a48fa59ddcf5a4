/* Where bytes come from: files mapped or read, buffers, and anything with a `read`.
 *
 * Invariants:
 *  1. A source that is mapped or adopted is charged whole, and its pages are never evicted; of the
 *     others only pages are charged, and they lie in anonymous memory of our own. (The kernel maps
 *     more of a file than is asked for, up to a large folio; pages of a mapping could not be held
 *     to a budget.)
 *  2. `refs` reaches 0 once; then nobody but a thread that is evicting knows the source, and
 *     gch__slots_remove_source waits for that one.
 *  3. A number, which keys are made of, is given once.
 */
#include "data_live.h"
#include "data_state.h"
#include "store_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NUMBERS_MAX 0xFFFFFFu /* 24 bits of a key */
/* Of a source; whole pages of it must be addressable. */
#define BYTES_MAX GCH_MIN((uint64_t)1 << 46, (uint64_t)SIZE_MAX - GCH_PAGE_BYTES)

/* ---- a file that is read ---- */

typedef struct file_reader {
    gch_data *data;
    int fd;
    char name[256];
} file_reader;

static gch_status file_read(void *context, uint64_t offset, size_t byte_count,
                            gch_priority priority, void *out_bytes, const gch_cancel *cancel,
                            gch_error *err)
{
    const file_reader *reader = context;
    uint8_t *next = out_bytes;
    (void)priority, (void)cancel; /* a run is short */
    while (byte_count > 0) {
        ssize_t part = pread(reader->fd, next, byte_count, (off_t)offset);
        if (part < 0 && errno == EINTR)
            continue;
        if (part <= 0)
            return gch_fail(err, GCH_IO, "%s: cannot read %zu bytes at %llu: %s", reader->name,
                            byte_count, (unsigned long long)offset,
                            part == 0 ? "the file has become shorter" : strerror(errno));
        next += part;
        offset += (uint64_t)part;
        byte_count -= (size_t)part;
    }
    return GCH_OK;
}

static uint64_t version_from(const struct stat *info)
{
    uint64_t version =
        (uint64_t)info->st_mtim.tv_sec * 1000000000u + (uint64_t)info->st_mtim.tv_nsec;
    return (version ^ (uint64_t)info->st_size * 0x9E3779B97F4A7C15u ^
            (uint64_t)info->st_ino * 0xD6E8FEB86659FD93u) |
           1u;
}

static gch_status file_version(void *context, uint64_t *out_version, gch_error *err)
{
    const file_reader *reader = context;
    struct stat info;
    if (fstat(reader->fd, &info) != 0)
        return gch_fail(err, GCH_IO, "%s: %s", reader->name, strerror(errno));
    *out_version = version_from(&info);
    return GCH_OK;
}

static void file_close(void *context)
{
    file_reader *reader = context;
    close(reader->fd);
    gch__free(&reader->data->allocator, reader, "source");
}

/* ---- holds ---- */

void gch__source_keep(gch__source *source)
{
    atomic_fetch_add_explicit(&source->refs, 1, memory_order_relaxed);
}

static void end_source(gch__source *source)
{
    gch_data *data = source->data;
    if (source->live != NULL)
        gch__live_source_destroy(source->live);
    gch__file_close(source->file); /* its reader lets go of its pages */
    if (source->words != NULL)
        gch__slots_remove_source(source);
    if (!source->is_fixed && source->slots != NULL)
        gch__slots_forget(data, GCH_MIN(source->page_count, data->host_budget / GCH_PAGE_BYTES));
    gch__region_release(&source->region);
    if (source->ops.close != NULL)
        source->ops.close(source->ops.context);
    if (source->free_bytes != NULL)
        source->free_bytes(source->free_context, (void *)(uintptr_t)source->base,
                           (size_t)source->byte_count);
    if (source->fixed_bytes > 0)
        gch__budget_give(data, source->fixed_bytes, source->fixed_kind);
    if (source->table_bytes > 0)
        gch__budget_give(data, source->table_bytes, GCH_BYTES_TABLES);
    gch__free(&data->allocator, (void *)source->words, "page table");
    gch__free(&data->allocator, source->slots, "page table");
    gch__free(&data->allocator, (void *)source->loaded_ns, "page table");
    gch__free(&data->allocator, source->name, "source");
    gch__free(&data->allocator, source, "source");
}

void gch__source_drop(gch__source *source)
{
    if (atomic_fetch_sub_explicit(&source->refs, 1, memory_order_acq_rel) == 1)
        end_source(source);
}

static gch_status fail_stale(gch_error *err, const char *what)
{
    return gch_fail(err, GCH_INVALID, "%s: the handle is stale or was never valid", what);
}

gch_status gch__source_hold(gch_data *data, gch_source handle, gch__source **out, gch_error *err)
{
    pthread_mutex_lock(&data->handles_lock);
    gch__source *source = gch__pool_get(&data->sources, handle.id, NULL);
    if (source != NULL)
        gch__source_keep(source);
    pthread_mutex_unlock(&data->handles_lock);
    if (source == NULL)
        return fail_stale(err, "source");
    *out = source;
    return GCH_OK;
}

gch_status gch_source_close(gch_data *data, gch_source handle, gch_error *err)
{
    pthread_mutex_lock(&data->handles_lock);
    gch__source *source = gch__pool_remove(&data->sources, handle.id, NULL);
    pthread_mutex_unlock(&data->handles_lock);
    if (source == NULL)
        return fail_stale(err, "source");
    gch__source_drop(source);
    return GCH_OK;
}

/* ---- making ---- */

/* The store's file over the source's bytes, which are in place. */
static gch_status open_file(gch__source *source, gch_error *err)
{
    gch__paged_image image = {.name = source->name,
                              .bytes = source->base,
                              .byte_count = source->byte_count,
                              .is_whole = source->is_fixed,
                              .is_far = source->is_far,
                              .pager = gch__source_pager(source)};
    gch_file *file = NULL;
    GCH_TRY(gch__file_open_paged(&image, &source->data->allocator, &source->check, &file, err));
    source->file = file;
    return GCH_OK;
}

static gch_status alloc_source(gch_data *data, const char *name, gch__source **out, gch_error *err)
{
    gch__source *source = gch__alloc_zero(&data->allocator, 1, sizeof *source, "source");
    if (source == NULL)
        return gch__no_memory(err, "source");
    atomic_init(&source->refs, 1);
    source->data = data;
    source->name = gch__copy_text(&data->allocator, name, strlen(name), "source");
    *out = source;
    return source->name != NULL ? GCH_OK : gch__no_memory(err, "source");
}

static gch_status make_source(gch_data *data, const char *name, uint64_t byte_count,
                              uint64_t lifetime_ns, gch__source **out, gch_error *err)
{
    if (byte_count == 0)
        return gch_fail(err, GCH_INVALID, "%s: it is empty", name);
    if (byte_count > BYTES_MAX)
        return gch_fail(err, GCH_LIMIT, "%s: %llu bytes, at most %llu are possible", name,
                        (unsigned long long)byte_count, (unsigned long long)BYTES_MAX);
    gch_status status = alloc_source(data, name, out, err);
    if (*out != NULL) {
        (*out)->byte_count = byte_count;
        (*out)->page_count = (byte_count + GCH_PAGE_BYTES - 1) / GCH_PAGE_BYTES;
        (*out)->lifetime_ns = lifetime_ns;
    }
    return status;
}

/* Tables and slots; is_fixed is settled. */
static gch_status add_tables(gch__source *source, gch_error *err)
{
    gch_data *data = source->data;
    const gch_allocator *allocator = &data->allocator;
    size_t pages = (size_t)source->page_count;
    uint64_t bytes =
        (uint64_t)pages * (sizeof *source->words + (source->is_fixed ? 0 : sizeof(uint32_t)) +
                           (source->lifetime_ns != 0 ? sizeof *source->loaded_ns : 0));
    GCH_TRY(gch__budget_take(data, bytes, GCH_BYTES_TABLES, 0, GCH__ROOM_AWAIT, err));
    source->table_bytes = bytes;
    source->words = gch__alloc_zero(allocator, pages, sizeof *source->words, "page table");
    if (source->words == NULL)
        return gch__no_memory(err, "page table");
    if (source->lifetime_ns != 0) {
        source->loaded_ns =
            gch__alloc_zero(allocator, pages, sizeof *source->loaded_ns, "page table");
        if (source->loaded_ns == NULL)
            return gch__no_memory(err, "page table");
    }
    if (source->is_fixed)
        return GCH_OK;
    GCH_TRY(gch__slots_promise(data, GCH_MIN(pages, data->host_budget / GCH_PAGE_BYTES), err));
    source->slots = gch__alloc_array(allocator, pages, sizeof *source->slots, "page table");
    if (source->slots == NULL) {
        gch__slots_forget(data, GCH_MIN(pages, data->host_budget / GCH_PAGE_BYTES));
        return gch__no_memory(err, "page table");
    }
    return GCH_OK;
}

static gch_status publish(gch__source *source, gch_source *out, gch_error *err)
{
    gch_data *data = source->data;
    gch_status status = GCH_OK;
    if (source->ops.get_version != NULL) {
        uint64_t version = 0;
        GCH_TRY(source->ops.get_version(source->ops.context, &version, err));
        atomic_store(&source->version, version);
    }
    pthread_mutex_lock(&data->handles_lock);
    if (data->next_number > NUMBERS_MAX)
        status = gch_fail(err, GCH_LIMIT, "%u sources have been opened: no more are possible",
                          data->next_number);
    if (status == GCH_OK)
        status = gch__pool_add(&data->sources, source, 0, &source->id, err);
    if (status == GCH_OK) {
        source->number = data->next_number++;
        out->id = source->id;
    }
    pthread_mutex_unlock(&data->handles_lock);
    return status;
}

/* ---- files ---- */

static gch_status open_fd(const char *path, int *out_fd, struct stat *info, gch_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return gch_fail(err, errno == ENOENT ? GCH_NOT_FOUND : GCH_IO, "%s: %s", path,
                        strerror(errno));
    gch_status status = GCH_OK;
    if (fstat(fd, info) != 0)
        status = gch_fail(err, GCH_IO, "%s: %s", path, strerror(errno));
    else if (!S_ISREG(info->st_mode))
        status = gch_fail(err, GCH_IO, "%s: not a regular file", path);
    else if (info->st_size == 0)
        status = gch_fail(err, GCH_CORRUPT, "%s: the file is empty", path);
    if (status != GCH_OK)
        close(fd);
    else
        *out_fd = fd;
    return status;
}

static gch_status map_whole(gch__source *source, int fd, gch_error *err)
{
    GCH_TRY(gch__budget_take(source->data, source->byte_count, GCH_BYTES_MAPPED, 0, GCH__ROOM_AWAIT,
                             err));
    source->fixed_kind = GCH_BYTES_MAPPED;
    source->fixed_bytes = source->byte_count;
    source->is_fixed = true;
    GCH_TRY(
        gch__region_map_file(fd, (size_t)source->byte_count, source->name, &source->region, err));
    source->base = source->region.base;
    return GCH_OK;
}

static gch_status reserve(gch__source *source, gch_error *err)
{
    GCH_TRY(
        gch__region_reserve((size_t)(source->page_count * GCH_PAGE_BYTES), &source->region, err));
    source->base = source->region.base;
    return GCH_OK;
}

static bool is_small(const gch_data *data, uint64_t byte_count)
{
    uint64_t used = gch__peek(&data->host_used);
    return byte_count <= data->host_budget / 4 && byte_count <= data->host_budget - used;
}

static gch_status fill_file(gch__source *source, int *io_fd, gch_io io, gch_error *err)
{
    gch_data *data = source->data;
    file_reader *reader = gch__alloc_zero(&data->allocator, 1, sizeof *reader, "source");
    if (reader == NULL)
        return gch__no_memory(err, "source");
    *reader = (file_reader){.data = data, .fd = *io_fd};
    strncpy(reader->name, source->name, sizeof reader->name - 1);
    *io_fd = -1;
    source->ops = (gch_source_ops){
        .read = file_read, .get_version = file_version, .close = file_close, .context = reader};
    if (io == GCH_IO_MAP || (io == GCH_IO_DEFAULT && is_small(data, source->byte_count))) {
        source->ops.read = NULL;
        return map_whole(source, reader->fd, err);
    }
    return reserve(source, err);
}

gch_status gch_source_open_file(gch_data *data, const char *path, const gch_source_desc *desc,
                                gch_source *out, gch_error *err)
{
    static const gch_source_desc defaults;
    if (desc == NULL)
        desc = &defaults;
    if ((uint32_t)desc->io > GCH_IO_READ)
        return gch_fail(err, GCH_INVALID, "io: %u is none", (uint32_t)desc->io);
    gch__source *source = NULL;
    struct stat info;
    int fd = -1;
    GCH_TRY(open_fd(path, &fd, &info, err));
    gch_status status = make_source(data, desc->name != NULL ? desc->name : path,
                                    (uint64_t)info.st_size, desc->lifetime_ns, &source, err);
    if (status == GCH_OK)
        status = fill_file(source, &fd, desc->io, err);
    if (status == GCH_OK)
        status = add_tables(source, err);
    if (status == GCH_OK && !desc->is_raw)
        status = open_file(source, err);
    if (status == GCH_OK)
        status = publish(source, out, err);
    if (status != GCH_OK && source != NULL)
        gch__source_drop(source);
    if (fd >= 0)
        close(fd);
    return status;
}

/* ---- buffers and operations ---- */

gch_status gch_source_open_memory(gch_data *data, void *bytes, size_t byte_count,
                                  void (*free_bytes)(void *context, void *bytes, size_t byte_count),
                                  void *context, const gch_source_desc *desc, gch_source *out,
                                  gch_error *err)
{
    static const gch_source_desc defaults;
    if (desc == NULL)
        desc = &defaults;
    const char *name = desc->name != NULL ? desc->name : "memory";
    if (bytes == NULL || (uintptr_t)bytes % GCH__ALIGN != 0)
        return gch_fail(err, GCH_INVALID, "%s: the buffer is not %u-byte aligned", name,
                        GCH__ALIGN);
    gch__source *source = NULL;
    gch_status status = make_source(data, name, byte_count, 0, &source, err);
    GCH_TRY_GOTO(status, fail);
    source->base = bytes;
    source->is_fixed = true;
    GCH_TRY_GOTO(gch__budget_take(data, byte_count, GCH_BYTES_ADOPTED, 0, GCH__ROOM_AWAIT, err),
                 fail);
    source->fixed_kind = GCH_BYTES_ADOPTED;
    source->fixed_bytes = byte_count;
    GCH_TRY_GOTO(add_tables(source, err), fail);
    if (!desc->is_raw)
        GCH_TRY_GOTO(open_file(source, err), fail);
    source->free_bytes = free_bytes;
    source->free_context = context;
    GCH_TRY_GOTO(publish(source, out, err), fail);
    return GCH_OK;

fail:
    if (source != NULL) {
        source->free_bytes = NULL; /* the buffer is the caller's still */
        gch__source_drop(source);
    }
    return status;
}

gch_status gch_source_open_ops(gch_data *data, const gch_source_ops *ops, uint64_t byte_count,
                               const gch_source_desc *desc, gch_source *out, gch_error *err)
{
    static const gch_source_desc defaults;
    if (desc == NULL)
        desc = &defaults;
    const char *name = desc->name != NULL ? desc->name : "source";
    if (ops->read == NULL)
        return gch_fail(err, GCH_INVALID, "%s: it has no read operation", name);
    gch__source *source = NULL;
    gch_status status = make_source(data, name, byte_count, desc->lifetime_ns, &source, err);
    GCH_TRY_GOTO(status, fail);
    GCH_TRY_GOTO(reserve(source, err), fail);
    GCH_TRY_GOTO(add_tables(source, err), fail);
    source->ops = *ops;
    source->is_far = true;
    if (!desc->is_raw)
        GCH_TRY_GOTO(open_file(source, err), fail);
    GCH_TRY_GOTO(publish(source, out, err), fail);
    return GCH_OK;

fail:
    if (source != NULL) {
        gch__queue_settle(source); /* the operations are the caller's still */
        source->ops.close = NULL;
        gch__source_drop(source);
    }
    return status;
}

gch_status gch__source_make_live(gch_data *data, const char *name, gch__live_source *live,
                                 gch_source *out, gch_error *err)
{
    gch__source *source = NULL;
    gch_status status = alloc_source(data, name, &source, err);
    if (source == NULL) {
        gch__live_source_destroy(live);
        return status;
    }
    source->live = live;
    if (status == GCH_OK)
        status = publish(source, out, err);
    if (status != GCH_OK)
        gch__source_drop(source);
    return status;
}

/* ---- asking and invalidating ---- */

gch_status gch_source_get_info(gch_data *data, gch_source handle, gch_source_info *out,
                               gch_error *err)
{
    gch__source *source;
    GCH_TRY(gch__source_hold(data, handle, &source, err));
    *out = (gch_source_info){
        .byte_count = source->byte_count,
        .page_count = source->page_count,
        .resident_pages = gch__peek(&source->resident_count),
        .version = gch__peek(&source->version),
        .number = source->number,
        .is_mapped = source->region.is_file,
    };
    gch__source_drop(source);
    return GCH_OK;
}

static gch_status invalidate_pages(gch__source *source, uint64_t first, uint64_t count,
                                   gch_error *err)
{
    if (first > source->page_count || count > source->page_count - first)
        return gch_fail(err, GCH_INVALID, "%s: pages %llu to %llu named, there are %llu",
                        source->name, (unsigned long long)first,
                        (unsigned long long)(first + count),
                        (unsigned long long)source->page_count);
    for (uint64_t page = first; page < first + count; page++)
        gch__page_invalidate(source, page, GCH_EVICT_INVALIDATED);
    return GCH_OK;
}

gch_status gch_source_invalidate_pages(gch_data *data, gch_source handle, uint64_t first_page,
                                       uint64_t page_count, gch_error *err)
{
    gch__source *source;
    GCH_TRY(gch__source_hold(data, handle, &source, err));
    gch_status status = invalidate_pages(source, first_page, page_count, err);
    gch__source_drop(source);
    return status;
}

gch_status gch_source_invalidate(gch_data *data, gch_source handle, gch_error *err)
{
    gch__source *source;
    GCH_TRY(gch__source_hold(data, handle, &source, err));
    gch_status status = invalidate_pages(source, 0, source->page_count, err);
    gch__source_drop(source);
    return status;
}

gch_status gch_source_refresh(gch_data *data, gch_source handle, bool *out_has_changed,
                              gch_error *err)
{
    gch__source *source;
    bool has_changed = false;
    uint64_t version = 0;
    gch_status status = GCH_OK;
    GCH_TRY(gch__source_hold(data, handle, &source, err));
    if (source->ops.get_version != NULL) {
        GCH_TRY_GOTO(source->ops.get_version(source->ops.context, &version, err), cleanup);
        has_changed = atomic_exchange(&source->version, version) != version;
    }
    if (has_changed)
        status = invalidate_pages(source, 0, source->page_count, err);

cleanup:
    if (out_has_changed != NULL)
        *out_has_changed = has_changed;
    gch__source_drop(source);
    return status;
}

gch_status gch_source_get_file(gch_data *data, gch_source handle, const gch_file **out,
                               gch_error *err)
{
    gch__source *source;
    GCH_TRY(gch__source_hold(data, handle, &source, err));
    gch_status status = GCH_OK;
    if (source->file == NULL)
        status = gch_fail(err, GCH_UNSUPPORTED, "%s: it %s", source->name,
                          source->live != NULL ? "is live: gch_live_acquire_file gives files of it"
                                               : "was not opened as a .gch file");
    *out = source->file;
    gch__source_drop(source);
    return status;
}
