/* Verification of a whole file, in file order: first page, segments and dead parts, footer.
 *
 * Invariants:
 *  1. Every committed byte belongs to the first page, a segment, a footer with its trailer (the
 *     current ones or those of the chain of footers), or to padding, which is zero.
 *  2. Pages are hashed anew, whatever has been checked before.
 */
#include "store_verify.h"

#include <stdlib.h>
#include <string.h>

gch_status gch__verify_zeros(const gch_file *file, uint64_t from, uint64_t to, gch_error *err)
{
    for (uint64_t at = from; at < to; at++) {
        if (file->image[at] != 0)
            return gch_fail(err, GCH_CORRUPT, "%s: the padding at byte %llu is not zero",
                            file->name, (unsigned long long)at);
    }
    return GCH_OK;
}

static gch_status verify_first_page(const gch_file *file, gch_error *err)
{
    GCH_TRY(gch__header_check(file->name, file->image, file->size, err));
    uint64_t at = sizeof(gch__disk_header);
    for (uint32_t slot = 0; slot < GCH__SLOT_COUNT; slot++) {
        gch__disk_commit commit;
        uint64_t offset = GCH__SLOT_OFFSET(slot);
        GCH_TRY(gch__verify_zeros(file, at, offset, err));
        gch__commit_state state = gch__commit_get(file->image + offset, &commit);
        if (state == GCH__COMMIT_DAMAGED)
            return gch_fail(err, GCH_CORRUPT,
                            "%s: the commit slot at byte %llu is damaged; the file is readable, "
                            "and the next append repairs it",
                            file->name, (unsigned long long)offset);
        if (state == GCH__COMMIT_SOUND && commit.generation == file->commit.generation &&
            memcmp(&commit, &file->commit, sizeof commit) != 0)
            return gch_fail(err, GCH_CORRUPT,
                            "%s: the commit slot at byte %llu contradicts the "
                            "trailer",
                            file->name, (unsigned long long)offset);
        at = offset + sizeof commit;
    }
    return gch__verify_zeros(file, at, GCH__PAGE_BYTES, err);
}

/* ---- parts of the file ---- */

typedef struct part {
    uint64_t offset, end;
    uint32_t segment;              /* a live one's index */
    const gch__disk_segment *dead; /* a segment of earlier states only; both none: a footer */
} part;

#define NO_SEGMENT UINT32_MAX

typedef struct part_list {
    const gch_allocator *allocator;
    part *parts;
    size_t cap, count;
} part_list;

static gch_status add_part(part_list *list, part added, gch_error *err)
{
    GCH_TRY(gch__ensure(list->allocator, (void **)&list->parts, &list->cap, list->count + 1,
                        sizeof *list->parts, "verify", err));
    list->parts[list->count++] = added;
    return GCH_OK;
}

static uint64_t segment_end(const gch__disk_segment *segment)
{
    return segment->descriptor_offset + segment->descriptor_bytes;
}

/* Lists the segments of a footer that the next one does not have any more. */
static gch_status add_dead_segments(part_list *list, const gch__meta *meta, const gch__meta *next,
                                    gch_error *err)
{
    uint32_t n = 0;
    for (uint32_t s = 0; s < meta->segment_count; s++) {
        const gch__disk_segment *segment = &meta->segments[s];
        while (n < next->segment_count && next->segments[n].offset < segment->offset)
            n++;
        if (n < next->segment_count && memcmp(&next->segments[n], segment, sizeof *segment) == 0)
            continue;
        GCH_TRY(add_part(list,
                         (part){.offset = segment->offset,
                                .end = segment_end(segment),
                                .segment = NO_SEGMENT,
                                .dead = segment},
                         err));
    }
    return GCH_OK;
}

static gch_status parse_footer(const gch_file *file, uint64_t offset, uint64_t bytes,
                               gch__meta *meta, gch_error *err)
{
    gch__disk_commit trailer;
    uint64_t at = offset + bytes;
    if (gch__commit_get(file->image + at, &trailer) != GCH__COMMIT_SOUND ||
        trailer.footer_offset != offset || trailer.footer_bytes != bytes)
        return gch_fail(err, GCH_CORRUPT, "%s: the trailer at byte %llu is damaged", file->name,
                        (unsigned long long)at);
    meta->allocator = file->allocator;
    return gch__footer_parse(file->name, file->image, &trailer, meta, err);
}

/* Lists the footers of all generations, newest first, and the segments that only older ones have.
 * The chain ends because each footer lies before the next. */
static gch_status list_footers(const gch_file *file, part_list *list, gch_error *err)
{
    uint64_t offset = file->commit.footer_offset, bytes = file->commit.footer_bytes;
    gch__meta next = {0};
    gch_status status = GCH_OK;
    for (bool is_newest = true; status == GCH_OK && offset != 0; is_newest = false) {
        gch__meta meta = {0};
        status = parse_footer(file, offset, bytes, &meta, err);
        if (status == GCH_OK && !is_newest && meta.generation >= next.generation)
            status = gch_fail(err, GCH_CORRUPT,
                              "%s: the footer at byte %llu is newer than its "
                              "successor",
                              file->name, (unsigned long long)offset);
        if (status == GCH_OK && !is_newest)
            status = add_dead_segments(list, &meta, &next, err);
        if (status == GCH_OK)
            status = add_part(list,
                              (part){.offset = offset,
                                     .end = offset + bytes + sizeof(gch__disk_commit),
                                     .segment = NO_SEGMENT},
                              err);
        gch__meta_reset(&next);
        next = meta;
        offset = meta.previous_offset;
        bytes = meta.previous_bytes;
    }
    gch__meta_reset(&next);
    return status;
}

/* A segment that no row is read from any more: its descriptor, and its pages against that. */
static gch_status verify_dead(const gch_file *file, const gch__disk_segment *segment,
                              gch_error *err)
{
    const uint8_t *descriptor = file->image + segment->descriptor_offset;
    const uint64_t pages = (segment->descriptor_offset - segment->offset) / GCH__PAGE_BYTES;
    gch__disk_descriptor disk;
    if (segment->descriptor_bytes < sizeof disk ||
        gch__checksum(descriptor, (size_t)segment->descriptor_bytes) !=
            segment->descriptor_checksum)
        return gch_fail(err, GCH_CORRUPT, "%s: the dead descriptor at byte %llu is damaged",
                        file->name, (unsigned long long)segment->descriptor_offset);
    memcpy(&disk, descriptor, sizeof disk);
    const uint64_t table = sizeof disk + disk.column_count * sizeof(gch__disk_value);
    if (table + pages * sizeof(uint64_t) > segment->descriptor_bytes)
        return gch_fail(err, GCH_CORRUPT, "%s: the dead descriptor at byte %llu is too short",
                        file->name, (unsigned long long)segment->descriptor_offset);
    for (uint64_t page = 0; page < pages; page++) {
        const uint64_t at = segment->offset + page * GCH__PAGE_BYTES;
        if (gch__checksum(file->image + at, GCH__PAGE_BYTES) !=
            gch__load_u64(descriptor + table + page * sizeof(uint64_t)))
            return gch_fail(err, GCH_CORRUPT, "%s: the dead page at byte %llu is damaged",
                            file->name, (unsigned long long)at);
    }
    return GCH_OK;
}

/* ---- the walk ---- */

static int compare_parts(const void *a, const void *b)
{
    const part *x = a, *y = b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

static gch_status verify_parts(gch__verify *verify, part_list *list, gch_error *err)
{
    const gch_file *file = verify->file;
    uint64_t at = GCH__PAGE_BYTES;
    for (uint32_t s = 0; s < file->meta.segment_count; s++)
        GCH_TRY(add_part(list,
                         (part){.offset = file->meta.segments[s].offset,
                                .end = segment_end(&file->meta.segments[s]),
                                .segment = s},
                         err));
    if (list->count > 1)
        qsort(list->parts, list->count, sizeof *list->parts, compare_parts);
    for (size_t i = 0; i < list->count; i++) {
        const part *next = &list->parts[i];
        if (next->offset < at)
            return gch_fail(err, GCH_CORRUPT, "%s: byte %llu belongs to two parts of the file",
                            file->name, (unsigned long long)next->offset);
        GCH_TRY(gch__verify_zeros(file, at, next->offset, err));
        if (next->segment != NO_SEGMENT)
            GCH_TRY(gch__verify_segment(verify, next->segment, err));
        else if (next->dead != NULL)
            GCH_TRY(verify_dead(file, next->dead, err));
        at = next->end;
    }
    return GCH_OK;
}

gch_status gch_file_verify(const gch_file *file, gch_workers *workers, const gch_progress *progress,
                           gch_error *err)
{
    gch__verify verify = {.file = file, .workers = workers, .progress = progress};
    part_list list = {.allocator = file->allocator};
    if (!file->is_whole)
        return gch_fail(err, GCH_INVALID, "%s: to be verified it must be mapped whole", file->name);
    gch_status status = verify_first_page(file, err);
    if (status != GCH_OK)
        return status;
    for (uint32_t s = 0; s < file->meta.segment_count; s++)
        verify.total += gch__verify_weight(&file->segments[s]);
    verify.faults = gch__alloc_zero(file->allocator, gch_workers_count(workers),
                                    sizeof *verify.faults, "verify");
    if (verify.faults == NULL) {
        status = gch__no_memory(err, "verify");
        goto cleanup;
    }
    GCH_TRY_GOTO(list_footers(file, &list, err), cleanup);
    GCH_TRY_GOTO(verify_parts(&verify, &list, err), cleanup);
    status = gch__report(progress, &verify.reported_ns, verify.total, verify.total, err);

cleanup:
    gch__free(file->allocator, verify.faults, "verify");
    gch__free(file->allocator, list.parts, "verify");
    return status;
}
