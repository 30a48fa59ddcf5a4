/* The body of the segment under construction: bytes in, checksummed pages out.
 *
 * Invariants:
 *  1. `bytes` starts at a page border; less than a page stays in it between calls.
 *  2. checksums[p] is the checksum of page p for every page written.
 */
#include "store_build.h"

#include <xxhash.h>

uint64_t gch__checksum(const void *bytes, size_t count)
{
    return XXH3_64bits(bytes, count);
}

uint8_t *gch__body_reserve(gch__builder *builder, size_t count)
{
    gch__body *body = &builder->body;
    size_t needed;
    if (!gch__add_size(body->count, count, &needed) ||
        gch__ensure(builder->allocator, (void **)&body->bytes, &body->cap,
                    GCH_MAX(needed, (size_t)GCH__PAGE_BYTES), 1, "pages", NULL) != GCH_OK)
        return NULL;
    return body->bytes + body->count;
}

typedef struct hash_job {
    const uint8_t *bytes;
    uint64_t *checksums;
    size_t page_count;
} hash_job;

#define HASH_PAGES 8u /* a task */

static void hash_pages(void *context, size_t task, uint32_t worker)
{
    (void)worker;
    hash_job *job = context;
    size_t end = GCH_MIN((task + 1) * HASH_PAGES, job->page_count);
    for (size_t page = task * HASH_PAGES; page < end; page++)
        job->checksums[page] = gch__checksum(job->bytes + page * GCH__PAGE_BYTES, GCH__PAGE_BYTES);
}

gch_status gch__body_commit(gch__builder *builder, size_t count, gch_error *err)
{
    gch__body *body = &builder->body;
    body->count += count;
    size_t pages = body->count / GCH__PAGE_BYTES;
    if (pages == 0)
        return GCH_OK;
    size_t bytes = pages * GCH__PAGE_BYTES;
    size_t before = (size_t)(body->flushed / GCH__PAGE_BYTES);
    GCH_TRY(gch__ensure(builder->allocator, (void **)&body->checksums, &body->checksums_cap,
                        before + pages, sizeof *body->checksums, "checksums", err));
    hash_job job = {
        .bytes = body->bytes, .checksums = body->checksums + before, .page_count = pages};
    gch__parallel_for(builder->workers, (pages + HASH_PAGES - 1) / HASH_PAGES, hash_pages, &job);
    GCH_TRY(
        gch__sink_write(builder->sink, builder->offset + body->flushed, body->bytes, bytes, err));
    body->flushed += bytes;
    body->count -= bytes;
    memmove(body->bytes, body->bytes + bytes, body->count);
    return GCH_OK;
}

gch_status gch__body_put(gch__builder *builder, const void *bytes, size_t count, gch_error *err)
{
    const uint8_t *next = bytes;
    while (count > 0) {
        size_t part = GCH_MIN(count, (size_t)1 << 20);
        uint8_t *room = gch__body_reserve(builder, part);
        if (room == NULL)
            return gch__no_memory(err, "pages");
        memcpy(room, next, part);
        GCH_TRY(gch__body_commit(builder, part, err));
        next += part;
        count -= part;
    }
    return GCH_OK;
}

gch_status gch__body_align(gch__builder *builder, size_t align, gch_error *err)
{
    static const uint8_t zeros[GCH__PAGE_BYTES];
    size_t over = (size_t)(gch__body_position(&builder->body) % align);
    return over == 0 ? GCH_OK : gch__body_put(builder, zeros, align - over, err);
}
