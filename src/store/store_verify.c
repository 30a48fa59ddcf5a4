/* Verification of a whole file, in file order: first page, segments and dead footers, footer.
 *
 * Invariants:
 *  1. Every committed byte belongs to the first page, a segment, a footer with its trailer (the
 *     current one or one of the chain it begins), or to padding, which is zero.
 *  2. Pages are hashed anew, whatever has been checked before.
 */
#include "store_verify.h"

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

/* ---- footers, newest first ---- */

typedef struct footer_place {
    uint64_t offset, bytes; /* the trailer not included */
} footer_place;

typedef struct footer_list {
    footer_place *places;
    size_t cap, count;
} footer_list;

static gch_status verify_footer(const gch_file *file, footer_place place, gch__meta *meta,
                                gch_error *err)
{
    gch__disk_commit trailer;
    uint64_t at = place.offset + place.bytes;
    if (gch__commit_get(file->image + at, &trailer) != GCH__COMMIT_SOUND ||
        trailer.footer_offset != place.offset || trailer.footer_bytes != place.bytes)
        return gch_fail(err, GCH_CORRUPT, "%s: the trailer at byte %llu is damaged", file->name,
                        (unsigned long long)at);
    meta->allocator = file->allocator;
    return gch__footer_parse(file->name, file->image, &trailer, meta, err);
}

/* Lists the footers of all generations. The chain ends because each lies before the next. */
static gch_status list_footers(const gch_file *file, footer_list *list, gch_error *err)
{
    footer_place place = {file->commit.footer_offset, file->commit.footer_bytes};
    uint64_t generation = file->commit.generation;
    for (;;) {
        gch__meta meta = {0};
        GCH_TRY(gch__ensure(file->allocator, (void **)&list->places, &list->cap, list->count + 1,
                            sizeof *list->places, "verify", err));
        list->places[list->count++] = place;
        gch_status status = verify_footer(file, place, &meta, err);
        footer_place previous = {meta.previous_offset, meta.previous_bytes};
        bool is_next = list->count == 1 || meta.generation < generation;
        generation = meta.generation;
        gch__meta_reset(&meta);
        GCH_TRY(status);
        if (!is_next)
            return gch_fail(err, GCH_CORRUPT,
                            "%s: the footer at byte %llu is newer than its "
                            "successor",
                            file->name, (unsigned long long)place.offset);
        if (previous.offset == 0)
            return GCH_OK;
        place = previous;
    }
}

/* ---- the walk ---- */

/* Segments and footers by offset. Both lists are in order (footers from the back). */
static gch_status verify_regions(gch__verify *verify, const footer_list *list, gch_error *err)
{
    const gch_file *file = verify->file;
    const gch__meta *meta = &file->meta;
    uint64_t at = GCH__PAGE_BYTES;
    uint32_t segment = 0;
    size_t footers = list->count;
    while (segment < meta->segment_count || footers > 0) {
        const gch__disk_segment *entry = &meta->segments[segment];
        uint64_t start, end;
        bool is_segment = segment < meta->segment_count &&
                          (footers == 0 || entry->offset < list->places[footers - 1].offset);
        if (is_segment) {
            start = entry->offset;
            end = entry->descriptor_offset + entry->descriptor_bytes;
        } else {
            start = list->places[footers - 1].offset;
            end = start + list->places[footers - 1].bytes + sizeof(gch__disk_commit);
        }
        if (start < at)
            return gch_fail(err, GCH_CORRUPT, "%s: byte %llu belongs to two parts of the file",
                            file->name, (unsigned long long)start);
        GCH_TRY(gch__verify_zeros(file, at, start, err));
        if (is_segment)
            GCH_TRY(gch__verify_segment(verify, segment++, err));
        else
            footers--; /* checked when it was listed */
        at = end;
    }
    return GCH_OK;
}

gch_status gch_file_verify(const gch_file *file, gch_workers *workers, const gch_progress *progress,
                           gch_error *err)
{
    gch__verify verify = {.file = file, .workers = workers, .progress = progress};
    footer_list list = {0};
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
    GCH_TRY_GOTO(verify_regions(&verify, &list, err), cleanup);
    status = gch__report(progress, &verify.reported_ns, verify.total, verify.total, err);

cleanup:
    gch__free(file->allocator, verify.faults, "verify");
    gch__free(file->allocator, list.places, "verify");
    return status;
}
