/* Bodies (serve_body.h).
 *
 * Files are read with preadv2 into the place the bytes are sent from: one copy, as from a mapping,
 * but a file that is cut short under us is an error and not a SIGBUS, and RWF_NOWAIT tells what is
 * not in the page cache, which a job then reads so that the network's thread never waits for a
 * disk.
 *
 * Invariant: `left` is the sum of what gch__body_read has still to give.
 */
#include "serve_body.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#define PURPOSE "answer parts"

static gch_status add(gch__body *body, gch__part part, gch_error *err)
{
    if (part.count == 0)
        return GCH_OK;
    gch__part *last = body->part_count > 0 ? &body->parts[body->part_count - 1] : NULL;
    if (last != NULL && last->is_file == part.is_file &&
        last->offset + last->count == part.offset) {
        last->count += part.count;
    } else {
        GCH_TRY(gch__ensure(body->allocator, (void **)&body->parts, &body->part_cap,
                            body->part_count + 1, sizeof *body->parts, PURPOSE, err));
        body->parts[body->part_count++] = part;
    }
    body->total += part.count;
    body->left += part.count;
    return GCH_OK;
}

static uint64_t memory_in_parts(const gch__body *body)
{
    uint64_t count = 0;
    for (size_t i = 0; i < body->part_count; i++)
        count += body->parts[i].is_file ? 0 : body->parts[i].count;
    return count;
}

gch_status gch__body_add_appended(gch__body *body, gch_error *err)
{
    uint64_t before = memory_in_parts(body);
    return add(body, (gch__part){before, body->memory.count - before, false}, err);
}

gch_status gch__body_add_memory(gch__body *body, const void *bytes, size_t count, gch_error *err)
{
    body->memory.allocator = body->allocator;
    body->memory.purpose = "answer";
    if (!gch__buffer_append(&body->memory, bytes, count))
        return gch__no_memory(err, "answer");
    return gch__body_add_appended(body, err);
}

gch_status gch__body_add_file(gch__body *body, gch__dataset *file, uint64_t offset, uint64_t count,
                              gch_error *err)
{
    GCH_TRY(add(body, (gch__part){offset, count, true}, err));
    if (body->file == NULL) {
        gch__dataset_hold(file);
        body->file = file;
    }
    return GCH_OK;
}

uint64_t gch__body_next_offset(const gch__body *body)
{
    return body->part < body->part_count ? body->parts[body->part].offset + body->part_done : 0;
}

static gch_status read_file(const gch__body *body, uint64_t offset, uint8_t *out, size_t count,
                            bool may_wait, size_t *out_count, gch_error *err)
{
    struct iovec vector = {.iov_base = out, .iov_len = count};
    ssize_t got;
    do {
        got = preadv2(body->file->fd, &vector, 1, (off_t)offset, may_wait ? 0 : RWF_NOWAIT);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN && !may_wait)
        return GCH_PENDING;
    if (got < 0 && errno == EOPNOTSUPP && !may_wait) /* some file systems cannot tell */
        return read_file(body, offset, out, count, true, out_count, err);
    if (got <= 0)
        return gch_fail(err, GCH_IO, "%s: %s", body->file->name,
                        got < 0 ? strerror(errno) : "the file has been cut short");
    *out_count = (size_t)got;
    return GCH_OK;
}

gch_status gch__body_read(gch__body *body, uint8_t *out, size_t cap, bool may_wait,
                          size_t *out_count, gch_error *err)
{
    size_t count = 0;
    while (count < cap && body->part < body->part_count) {
        const gch__part *part = &body->parts[body->part];
        size_t wanted = (size_t)GCH_MIN(part->count - body->part_done, (uint64_t)(cap - count));
        size_t got = wanted;
        if (part->is_file) {
            gch_status status = read_file(body, part->offset + body->part_done, out + count, wanted,
                                          may_wait, &got, err);
            if (status == GCH_PENDING && count > 0)
                break;
            if (status != GCH_OK)
                return status;
        } else {
            memcpy(out + count, body->memory.bytes + part->offset + body->part_done, wanted);
        }
        count += got;
        body->left -= got;
        body->part_done += got;
        if (body->part_done == part->count) {
            body->part++;
            body->part_done = 0;
        }
    }
    *out_count = count;
    return GCH_OK;
}

void gch__body_reset(gch__body *body)
{
    gch__buffer_reset(&body->memory);
    gch__free(body->allocator, body->parts, PURPOSE);
    if (body->file != NULL)
        gch__dataset_release(body->file);
    *body = (gch__body){.allocator = body->allocator};
}
