/* Buffers: the pool by size class, the ring that uploads go through, and the way back.
 *
 * Invariants:
 *  1. A size class is 4, 5, 6 or 7 times a power of two, at least 256 bytes: a buffer is at most a
 *     quarter larger than asked for. The pool holds at most POOL_BYTES, in no order.
 *  2. A chunk of the ring is mapped while `bytes` is set; `used` counts what the recording under
 *     way has put there. Chunks in use are unmapped by the submission and mapped again when the
 *     queue has passed it, or at once when it failed.
 */
#include "gpu_state.h"

#define PURPOSE "gpu"
#define POOL_BYTES ((uint64_t)64 << 20)
#define CLASS_BYTES_MIN 256u
#define COPY_BYTES ((uint64_t)512 << 10) /* by one worker at a time */

static uint64_t class_of(uint64_t bytes)
{
    if (bytes <= CLASS_BYTES_MIN)
        return CLASS_BYTES_MIN;
    uint32_t shift = 61u - (uint32_t)__builtin_clzll(bytes - 1); /* three leading bits stay */
    uint64_t unit = (uint64_t)1 << shift;
    return gch__align_up(bytes, unit);
}

/* ---- making and ending ---- */

static gch__gpu_object **find_pooled(gch__gpu *gpu, uint64_t native_bytes, uint32_t usage)
{
    gch__gpu_object **at = &gpu->pooled;
    while (*at != NULL && ((*at)->native_bytes != native_bytes || (*at)->usage != usage))
        at = &(*at)->next;
    return at;
}

/* Reuses the whole object, so that a warm frame allocates nothing. */
static gch_status take_pooled(gch__gpu *gpu, gch__gpu_object **at, uint32_t *out_id, gch_error *err)
{
    gch__gpu_object *object = *at;
    GCH_TRY(gch__pool_add(&gpu->handles, object, 0, out_id, err));
    *at = object->next;
    gpu->stats.pooled_bytes -= object->native_bytes;
    object->refs = 1;
    object->last_use = 0;
    return GCH_OK;
}

static gch_status make_native(gch__gpu *gpu, uint64_t native_bytes, uint32_t usage,
                              const char *label, uint32_t *out_id, gch_error *err)
{
    gch__gpu_object *object;
    GCH_TRY(gch__gpu_object_make(gpu, GCH__GPU_OBJECT_BUFFER, label, &object, out_id, err));
    gch_status status = gch__gpu_note(
        gpu, gpu->driver->buffer_make(gpu->context, native_bytes, usage, GCH__GPU_HOST_NONE,
                                      object->label, &object->native, err));
    if (status != GCH_OK) {
        gch__gpu_object_fail(gpu, *out_id);
        return status;
    }
    object->native_bytes = native_bytes;
    object->usage = usage;
    gpu->stats.device_bytes += native_bytes;
    return GCH_OK;
}

gch_status gch__gpu_buffer_make(gch__gpu *gpu, uint64_t bytes, uint32_t usage, const char *label,
                                gch__gpu_buffer *out, gch_error *err)
{
    GCH_TRY(gch__gpu_check_alive(gpu, err));
    if (bytes == 0 || bytes % 4 != 0 ||
        (usage & ~(uint32_t)(GCH__GPU_UNIFORM | GCH__GPU_STORAGE | GCH__GPU_INDIRECT)) != 0)
        return gch_fail(err, GCH_INVALID, "buffer %s: %llu bytes, usage %u", label,
                        (unsigned long long)bytes, usage);
    if (bytes > gpu->info.buffer_bytes_max)
        return gch_fail(err, GCH_LIMIT, "buffer %s: %llu bytes, the device takes %llu", label,
                        (unsigned long long)bytes, (unsigned long long)gpu->info.buffer_bytes_max);
    uint64_t native_bytes = GCH_MIN(class_of(bytes), gpu->info.buffer_bytes_max & ~(uint64_t)3);
    uint32_t id;
    gch__gpu_object **pooled = find_pooled(gpu, native_bytes, usage);
    if (*pooled != NULL)
        GCH_TRY(take_pooled(gpu, pooled, &id, err));
    else
        GCH_TRY(make_native(gpu, native_bytes, usage, label, &id, err));
    gch__gpu_object *object = gch__pool_get(&gpu->handles, id, NULL);
    object->bytes = bytes;
    gch__gpu_set_label(object->label, label);
    out->id = id;
    return GCH_OK;
}

static void end_native(gch__gpu *gpu, gch__gpu_object *buffer)
{
    gpu->driver->buffer_destroy(gpu->context, buffer->native);
    gpu->stats.device_bytes -= buffer->native_bytes;
    gch__free(gpu->allocator, buffer, PURPOSE);
}

void gch__gpu_buffer_end(gch__gpu *gpu, gch__gpu_object *buffer)
{
    if (gpu->is_lost || gpu->stats.pooled_bytes + buffer->native_bytes > POOL_BYTES) {
        end_native(gpu, buffer);
        return;
    }
    gpu->stats.pooled_bytes += buffer->native_bytes;
    buffer->next = gpu->pooled;
    gpu->pooled = buffer;
}

void gch__gpu_buffers_reset(gch__gpu *gpu)
{
    while (gpu->pooled != NULL) {
        gch__gpu_object *buffer = gpu->pooled;
        gpu->pooled = buffer->next;
        end_native(gpu, buffer);
    }
    for (uint32_t i = 0; i < GCH__GPU_RING_CHUNKS; i++)
        if (gpu->ring[i].native != NULL)
            gpu->driver->buffer_destroy(gpu->context, gpu->ring[i].native);
    if (gpu->download != NULL)
        gpu->driver->buffer_destroy(gpu->context, gpu->download);
}

/* ---- the ring ---- */

static gch_status make_chunk(gch__gpu *gpu, gch__gpu_chunk *chunk, gch_error *err)
{
    GCH_TRY(gch__gpu_note(gpu, gpu->driver->buffer_make(gpu->context, gpu->chunk_bytes, 0,
                                                        GCH__GPU_HOST_WRITES, "upload ring",
                                                        &chunk->native, err)));
    gpu->stats.device_bytes += gpu->chunk_bytes;
    chunk->bytes = gpu->driver->buffer_mapped(gpu->context, chunk->native);
    chunk->used = 0;
    return GCH_OK;
}

/* A mapped chunk with room, or NULL: all are full or with the queue. */
static gch__gpu_chunk *find_room(gch__gpu *gpu)
{
    for (uint32_t i = 0; i < GCH__GPU_RING_CHUNKS; i++) {
        gch__gpu_chunk *chunk = &gpu->ring[i];
        if (chunk->native != NULL && chunk->bytes == NULL)
            chunk->bytes = gpu->driver->buffer_mapped(gpu->context, chunk->native);
        if (chunk->bytes != NULL && chunk->used < gpu->chunk_bytes)
            return chunk;
    }
    return NULL;
}

static gch_status get_room(gch__gpu *gpu, gch__gpu_chunk **out, gch_error *err)
{
    *out = find_room(gpu);
    for (uint32_t i = 0; i < GCH__GPU_RING_CHUNKS && *out == NULL; i++) {
        if (gpu->ring[i].native == NULL) {
            GCH_TRY(make_chunk(gpu, &gpu->ring[i], err));
            *out = &gpu->ring[i];
        }
    }
    if (*out != NULL)
        return GCH_OK;
    uint64_t oldest = UINT64_MAX;
    for (uint32_t i = 0; i < GCH__GPU_RING_CHUNKS; i++)
        oldest =
            GCH_MIN(oldest, gpu->ring[i].used > 0 ? gpu->submitted + 1 : gpu->ring[i].last_use);
    if (oldest > gpu->submitted)
        GCH_TRY(gch__gpu_flush(gpu, true, err));
    GCH_TRY(gch__gpu_poll(gpu, oldest, err));
    *out = find_room(gpu);
    if (*out == NULL)
        return gch_fail(err, GCH_DEVICE_LOST, "the upload ring did not come back");
    return GCH_OK;
}

void gch__gpu_ring_close(gch__gpu *gpu)
{
    for (uint32_t i = 0; i < GCH__GPU_RING_CHUNKS; i++) {
        gch__gpu_chunk *chunk = &gpu->ring[i];
        if (chunk->used > 0) {
            gpu->driver->buffer_unmap(gpu->context, chunk->native);
            chunk->bytes = NULL;
        }
    }
}

gch_status gch__gpu_ring_submitted(gch__gpu *gpu, gch_error *err)
{
    for (uint32_t i = 0; i < GCH__GPU_RING_CHUNKS; i++) {
        gch__gpu_chunk *chunk = &gpu->ring[i];
        if (chunk->used > 0) {
            chunk->used = 0;
            chunk->last_use = gpu->submitted;
            GCH_TRY(gch__gpu_note(gpu, gpu->driver->buffer_map(gpu->context, chunk->native, err)));
        }
    }
    return GCH_OK;
}

void gch__gpu_ring_rewind(gch__gpu *gpu)
{
    for (uint32_t i = 0; i < GCH__GPU_RING_CHUNKS; i++)
        gpu->ring[i].used = 0;
}

/* ---- uploads, clears, downloads ---- */

static gch_status check_range(const gch__gpu *gpu, const char *what, const gch__gpu_object *buffer,
                              uint64_t offset, uint64_t count, gch_error *err)
{
    if (gpu->recording != GCH__GPU_RECORDING)
        return gch_fail(err, GCH_INVALID, "%s %s: only while recording and outside of passes", what,
                        buffer->label);
    if (offset % 4 != 0 || count % 4 != 0)
        return gch_fail(err, GCH_INVALID,
                        "%s %s: offset %llu and count %llu must be multiples of 4", what,
                        buffer->label, (unsigned long long)offset, (unsigned long long)count);
    if (offset > buffer->bytes || count > buffer->bytes - offset)
        return gch_fail(err, GCH_INVALID, "%s %s: bytes %llu to %llu + %llu, it has %llu", what,
                        buffer->label, (unsigned long long)offset, (unsigned long long)offset,
                        (unsigned long long)count, (unsigned long long)buffer->bytes);
    return GCH_OK;
}

typedef struct copy_job {
    uint8_t *to;
    const uint8_t *from;
    uint64_t count;
} copy_job;

static void copy_piece(void *context, size_t task, uint32_t worker)
{
    (void)worker;
    copy_job *job = context;
    uint64_t at = task * COPY_BYTES;
    memcpy(job->to + at, job->from + at, (size_t)GCH_MIN(job->count - at, COPY_BYTES));
}

gch_status gch__gpu_upload(gch__gpu *gpu, gch__gpu_buffer buffer, uint64_t offset,
                           const void *bytes, uint64_t count, gch_error *err)
{
    gch__gpu_object *to;
    GCH_TRY(gch__gpu_check_alive(gpu, err));
    GCH_TRY(gch__gpu_find(gpu, buffer.id, GCH__GPU_OBJECT_BUFFER, "upload", &to, err));
    GCH_TRY(check_range(gpu, "upload to", to, offset, count, err));
    gpu->stats.upload_bytes += count;
    const uint8_t *from = bytes;
    bool streams = count > GCH__GPU_RING_CHUNKS * gpu->chunk_bytes;
    while (count > 0) {
        gch__gpu_chunk *chunk;
        GCH_TRY(get_room(gpu, &chunk, err));
        uint64_t part = GCH_MIN(count, gpu->chunk_bytes - chunk->used);
        copy_job job = {.to = chunk->bytes + chunk->used, .from = from, .count = part};
        gch__parallel_for(gpu->workers, (size_t)((part + COPY_BYTES - 1) / COPY_BYTES), copy_piece,
                          &job);
        gpu->driver->copy(gpu->context, chunk->native, chunk->used, to->native, offset, part);
        to->last_use = gpu->submitted + 1;
        chunk->used += part;
        from += part;
        offset += part;
        count -= part;
        if (streams && count > 0)
            GCH_TRY(gch__gpu_flush(gpu, true, err));
    }
    return GCH_OK;
}

gch_status gch__gpu_copy(gch__gpu *gpu, gch__gpu_buffer from, uint64_t from_offset,
                         gch__gpu_buffer to, uint64_t to_offset, uint64_t count, gch_error *err)
{
    gch__gpu_object *source, *target;
    GCH_TRY(gch__gpu_check_alive(gpu, err));
    GCH_TRY(gch__gpu_find(gpu, from.id, GCH__GPU_OBJECT_BUFFER, "copy", &source, err));
    GCH_TRY(gch__gpu_find(gpu, to.id, GCH__GPU_OBJECT_BUFFER, "copy", &target, err));
    GCH_TRY(check_range(gpu, "copy from", source, from_offset, count, err));
    GCH_TRY(check_range(gpu, "copy to", target, to_offset, count, err));
    if (source == target)
        return gch_fail(err, GCH_INVALID, "copy: %s to itself", source->label);
    if (count == 0)
        return GCH_OK;
    gpu->driver->copy(gpu->context, source->native, from_offset, target->native, to_offset, count);
    source->last_use = target->last_use = gpu->submitted + 1;
    return GCH_OK;
}

gch_status gch__gpu_clear(gch__gpu *gpu, gch__gpu_buffer buffer, uint64_t offset, uint64_t count,
                          gch_error *err)
{
    gch__gpu_object *to;
    GCH_TRY(gch__gpu_check_alive(gpu, err));
    GCH_TRY(gch__gpu_find(gpu, buffer.id, GCH__GPU_OBJECT_BUFFER, "clear", &to, err));
    GCH_TRY(check_range(gpu, "clear of", to, offset, count, err));
    if (count == 0)
        return GCH_OK;
    gpu->driver->clear(gpu->context, to->native, offset, count);
    to->last_use = gpu->submitted + 1;
    return GCH_OK;
}

static gch_status ensure_download(gch__gpu *gpu, uint64_t bytes, gch_error *err)
{
    if (bytes <= gpu->download_bytes)
        return GCH_OK;
    if (bytes > gpu->info.buffer_bytes_max)
        return gch_fail(err, GCH_LIMIT, "download: %llu bytes, the device takes %llu",
                        (unsigned long long)bytes, (unsigned long long)gpu->info.buffer_bytes_max);
    if (gpu->download != NULL)
        gpu->driver->buffer_destroy(gpu->context, gpu->download);
    gpu->download = NULL;
    gpu->stats.device_bytes -= gpu->download_bytes;
    gpu->download_bytes = 0;
    uint64_t native_bytes = GCH_MIN(class_of(bytes), gpu->info.buffer_bytes_max & ~(uint64_t)3);
    GCH_TRY(gch__gpu_note(gpu, gpu->driver->buffer_make(gpu->context, native_bytes, 0,
                                                        GCH__GPU_HOST_READS, "download",
                                                        &gpu->download, err)));
    gpu->download_bytes = native_bytes;
    gpu->stats.device_bytes += native_bytes;
    return GCH_OK;
}

/* Submits and maps the download buffer. The caller unmaps it. */
static gch_status fetch(gch__gpu *gpu, const uint8_t **out, gch_error *err)
{
    GCH_TRY(gch__gpu_flush(gpu, false, err));
    GCH_TRY(gch__gpu_note(gpu, gpu->driver->buffer_map(gpu->context, gpu->download, err)));
    GCH_TRY(gch__gpu_poll(gpu, gpu->submitted, err));
    *out = gpu->driver->buffer_mapped(gpu->context, gpu->download);
    if (*out == NULL)
        return gch__gpu_note(gpu, gch_fail(err, GCH_DEVICE_LOST, "the download did not arrive"));
    return GCH_OK;
}

gch_status gch__gpu_download(gch__gpu *gpu, gch__gpu_buffer buffer, uint64_t offset, void *out,
                             uint64_t count, gch_error *err)
{
    gch__gpu_object *from;
    const uint8_t *bytes;
    GCH_TRY(gch__gpu_check_alive(gpu, err));
    GCH_TRY(gch__gpu_find(gpu, buffer.id, GCH__GPU_OBJECT_BUFFER, "download", &from, err));
    GCH_TRY(check_range(gpu, "download of", from, offset, count, err));
    GCH_TRY(ensure_download(gpu, GCH_MAX(count, 4), err));
    if (count > 0)
        gpu->driver->copy(gpu->context, from->native, offset, gpu->download, 0, count);
    from->last_use = gpu->submitted + 1;
    GCH_TRY(fetch(gpu, &bytes, err));
    memcpy(out, bytes, (size_t)count);
    gpu->driver->buffer_unmap(gpu->context, gpu->download);
    return GCH_OK;
}

gch_status gch__gpu_texture_download(gch__gpu *gpu, gch__gpu_texture texture, uint32_t width_px,
                                     uint32_t height_px, uint32_t *out, size_t stride_px,
                                     gch_error *err)
{
    gch__gpu_object *from;
    const uint8_t *bytes;
    GCH_TRY(gch__gpu_check_alive(gpu, err));
    GCH_TRY(gch__gpu_find(gpu, texture.id, GCH__GPU_OBJECT_TEXTURE, "download", &from, err));
    if (gpu->recording != GCH__GPU_RECORDING)
        return gch_fail(err, GCH_INVALID,
                        "download of %s: only while recording and outside of passes", from->label);
    if (width_px == 0 || height_px == 0 || width_px > from->width_px ||
        height_px > from->height_px || stride_px < width_px)
        return gch_fail(err, GCH_INVALID, "download of %s: %u x %u px of %u x %u, rows of %zu px",
                        from->label, width_px, height_px, from->width_px, from->height_px,
                        stride_px);
    uint64_t row_bytes = gch__align_up((uint64_t)width_px * 4, GCH__GPU_ROW_BYTES);
    GCH_TRY(ensure_download(gpu, row_bytes * height_px, err));
    gpu->driver->copy_texture(gpu->context, from->native, width_px, height_px, gpu->download);
    from->last_use = gpu->submitted + 1;
    GCH_TRY(fetch(gpu, &bytes, err));
    for (uint32_t y = 0; y < height_px; y++)
        memcpy(out + y * stride_px, bytes + y * row_bytes, (size_t)width_px * 4);
    gpu->driver->buffer_unmap(gpu->context, gpu->download);
    return GCH_OK;
}
