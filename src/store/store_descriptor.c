/* Opening a segment: its descriptor is checked against the file's bounds before any of it is used.
 *
 * Invariants:
 *  1. Every array lies whole in the body, behind the payload, on a 64-byte border; an array without
 *     entries has the offset 0.
 *  2. Upper tree levels of at most EAGER_NODES, the only pair of a one-level tree, gap lists, run
 *     starts and affine runs are sound and in order once a segment is open. A larger level is
 *     checked page by page, as block headers are.
 */
#include "store_file.h"

#include <string.h>

/* Eight nodes a column for the widest picture there is; a file of a billion rows is opened without
 * the 2 MB of the level below. */
#define EAGER_NODES 32768u
/* Of a segment's arrays, asked for ahead. */
#define AHEAD_MAX ((uint64_t)1 << 20)

static gch_status fail(const gch__segment *segment, const char *what, gch_error *err)
{
    const gch__disk_segment *entry = segment->pages->entry;
    return gch_fail(err, GCH_CORRUPT, "%s: the segment of row %llu (descriptor at byte %llu): %s",
                    segment->pages->name, (unsigned long long)segment->first_row,
                    (unsigned long long)entry->descriptor_offset, what);
}

/* `count` entries of `size` bytes at `offset` of the segment. */
static gch_status place(const gch__segment *segment, uint64_t offset, uint64_t count, size_t size,
                        const void **out, gch_error *err)
{
    const struct gch__segment_pages *pages = segment->pages;
    *out = NULL;
    if (count == 0)
        return offset == 0 ? GCH_OK : fail(segment, "an empty array has a place", err);
    uint64_t bytes = count * size; /* count < 2^38, size <= 128 */
    if (offset % GCH__ALIGN != 0 || offset < pages->payload_bytes || offset > pages->body_bytes ||
        bytes > pages->body_bytes - offset)
        return fail(segment, "an array lies outside of the segment", err);
    *out = pages->bytes + offset;
    return GCH_OK;
}

/* The same, and checks its pages. */
static gch_status place_checked(const gch__segment *segment, uint64_t offset, uint64_t count,
                                size_t size, const void **out, gch_error *err)
{
    GCH_TRY(place(segment, offset, count, size, out, err));
    return count > 0 ? gch__segment_check(segment, *out, (size_t)count * size, err) : GCH_OK;
}

static bool is_ascending(const uint32_t *list, uint32_t count, uint32_t limit)
{
    for (uint32_t i = 0; i < count; i++) {
        if (list[i] >= limit || (i > 0 && list[i] <= list[i - 1]))
            return false;
    }
    return true;
}

/* ---- times ---- */

static gch_status check_runs(const gch__segment *segment, gch_error *err)
{
    const gch__time_column *time = &segment->time;
    int64_t last = segment->first_time;
    for (uint32_t r = 0; r < time->run_count; r++) {
        const gch__affine_run *run = &time->runs[r];
        bool is_last = r + 1 == time->run_count;
        uint32_t end = is_last ? segment->row_count : time->runs[r + 1].row;
        int64_t length, final;
        if ((r == 0 && (run->row != 0 || run->t0 != segment->first_time)) || run->row >= end ||
            end > segment->row_count || run->reserved != 0 || run->step < 0 || run->t0 < last ||
            __builtin_mul_overflow(run->step, (int64_t)(end - run->row - 1), &length) ||
            __builtin_add_overflow(run->t0, length, &final))
            return fail(segment, "its affine runs are not in order", err);
        last = final;
    }
    return last == segment->last_time ? GCH_OK : fail(segment, "its affine runs end early", err);
}

static gch_status open_time(gch__segment *segment, gch_error *err)
{
    const gch__disk_descriptor *disk = segment->pages->disk;
    gch__time_column *time = &segment->time;
    const void *place_of;
    if (disk->time_mode == GCH__TIME_AFFINE) {
        if (disk->run_count == 0 || disk->run_count > segment->row_count || disk->origin != 0 ||
            disk->unit != 0 || disk->supers_offset != 0 || disk->lines_offset != 0 ||
            disk->directory_offset != 0 || disk->time_payload_bytes != 0)
            return fail(segment, "impossible affine times", err);
        GCH_TRY(place_checked(segment, disk->runs_offset, disk->run_count, sizeof *time->runs,
                              &place_of, err));
        time->runs = place_of;
        time->run_count = disk->run_count;
        return check_runs(segment, err);
    }
    if (disk->time_mode != GCH__TIME_LINES || disk->run_count != 0 || disk->runs_offset != 0 ||
        disk->unit == 0 || disk->origin != segment->first_time ||
        disk->time_payload_bytes > disk->payload_bytes)
        return fail(segment, "impossible times", err);
    time->origin = disk->origin;
    time->unit = disk->unit;
    GCH_TRY(place(segment, disk->supers_offset, segment->super_count, sizeof *time->supers,
                  &place_of, err));
    time->supers = place_of;
    GCH_TRY(place(segment, disk->lines_offset, segment->block_count, sizeof *time->lines, &place_of,
                  err));
    time->lines = place_of;
    GCH_TRY(place(segment, disk->directory_offset, segment->super_count, sizeof *time->directory,
                  &place_of, err));
    time->directory = place_of;
    return GCH_OK;
}

/* ---- values ---- */

/* The kinds that a type can be stored as. */
static bool is_kind_of(gch_type type, uint32_t kind, uint32_t scale)
{
    if (kind == GCH_VALUE_DECIMAL)
        return scale <= 18 && (scale == 0 || type >= GCH_TYPE_F32);
    if (scale != 0)
        return false;
    return (kind == GCH_VALUE_F32 && type == GCH_TYPE_F32) ||
           (kind == GCH_VALUE_F64 && (type == GCH_TYPE_F64 || type == GCH_TYPE_DECIMAL));
}

static gch_status open_levels(gch__segment *segment, const gch__disk_value *disk,
                              gch__value_column *column, gch_error *err)
{
    size_t size = column->map.is_wide ? sizeof(gch__pair64) : sizeof(gch__pair32);
    column->level_count = gch__tree_shape(segment->block_count, column->level_counts);
    if (disk->level_count != column->level_count ||
        (column->level_count == 1 && disk->tree_offset != 0))
        return fail(segment, "its tree has the wrong number of levels", err);
    GCH_TRY(place(segment, disk->headers_offset, column->level_counts[0], size, &column->levels[0],
                  err));
    uint64_t offset = disk->tree_offset;
    for (uint32_t level = 1; level < column->level_count; level++) {
        uint64_t count = column->level_counts[level];
        GCH_TRY(count <= EAGER_NODES
                    ? place_checked(segment, offset, count, size, &column->levels[level], err)
                    : place(segment, offset, count, size, &column->levels[level], err));
        offset = gch__align_up(offset + column->level_counts[level] * size, GCH__ALIGN);
    }
    /* The column's range is read from the top. */
    return gch__segment_check(segment, column->levels[column->level_count - 1], size, err);
}

static gch_status open_column(gch__segment *segment, uint32_t index, gch_type type,
                              gch__value_column *column, gch_error *err)
{
    const gch__disk_value *disk = &segment->pages->values[index];
    const uint32_t known = GCH__VALUE_IS_WIDE | GCH__VALUE_FIRST_DRAWN | GCH__VALUE_LAST_DRAWN;
    uint32_t rows = segment->row_count;
    if (!is_kind_of(type, disk->kind, disk->scale) || (disk->flags & ~known) != 0 ||
        disk->gap_super_count > segment->super_count || disk->run_start_count > rows ||
        disk->exception_count > rows || disk->gap_count > rows ||
        disk->payload_bytes > segment->pages->payload_bytes || disk->reserved[0] != 0 ||
        disk->reserved[1] != 0 || disk->reserved[2] != 0)
        return fail(segment, "an impossible column", err);
    column->type = type;
    column->map = (gch__key_map){
        .kind = (gch_value_kind)disk->kind,
        .scale = disk->scale,
        .base = disk->base,
        .is_wide = (disk->flags & GCH__VALUE_IS_WIDE) != 0,
    };
    column->first_is_drawn = (disk->flags & GCH__VALUE_FIRST_DRAWN) != 0;
    column->last_is_drawn = (disk->flags & GCH__VALUE_LAST_DRAWN) != 0;
    GCH_TRY(open_levels(segment, disk, column, err));

    const void *place_of;
    GCH_TRY(place(segment, disk->directory_offset, segment->super_count, sizeof(uint32_t),
                  &place_of, err));
    column->directory = place_of;
    GCH_TRY(place_checked(segment, disk->gap_supers_offset, disk->gap_super_count, sizeof(uint32_t),
                          &place_of, err));
    column->gap_supers = place_of;
    column->gap_super_count = disk->gap_super_count;
    GCH_TRY(place(segment, disk->bitmaps_offset, disk->gap_super_count,
                  GCH__BITMAP_WORDS * sizeof(uint32_t), &place_of, err));
    column->gap_bitmaps = place_of;
    GCH_TRY(place_checked(segment, disk->run_starts_offset, disk->run_start_count, sizeof(uint32_t),
                          &place_of, err));
    column->run_starts = place_of;
    column->run_start_count = disk->run_start_count;
    GCH_TRY(place(segment, disk->exceptions_offset, disk->exception_count, sizeof(gch__exception),
                  &place_of, err));
    column->exceptions = place_of;
    column->exception_count = disk->exception_count;
    if (!is_ascending(column->gap_supers, column->gap_super_count, segment->super_count) ||
        !is_ascending(column->run_starts, column->run_start_count, rows))
        return fail(segment, "its gaps are not in order", err);
    return GCH_OK;
}

/* ---- the descriptor ---- */

static gch_status check_head(const gch__segment *segment, const gch__disk_segment *entry,
                             uint32_t column_count, gch_error *err)
{
    const gch__disk_descriptor *disk = segment->pages->disk;
    uint64_t pages = (entry->descriptor_offset - entry->offset) / GCH__PAGE_BYTES;
    uint64_t needed = sizeof *disk + column_count * sizeof(gch__disk_value) + pages * 8;
    if (gch__align_up(needed, GCH__ALIGN) != entry->descriptor_bytes)
        return fail(segment, "it has the wrong length", err);
    const uint8_t *bytes = (const uint8_t *)disk;
    if (gch__checksum(bytes, (size_t)entry->descriptor_bytes) != entry->descriptor_checksum)
        return fail(segment, "its checksum does not match", err);
    for (size_t i = (size_t)needed; i < entry->descriptor_bytes; i++) {
        if (bytes[i] != 0)
            return fail(segment, "its padding is not zero", err);
    }
    if (disk->magic != GCH__MAGIC_DESCRIPTOR || disk->column_count != column_count ||
        disk->first_row != entry->first_row || disk->row_count != entry->row_count ||
        disk->first_time != entry->first_time || disk->last_time != entry->last_time)
        return fail(segment, "it is not the one the footer speaks of", err);
    if (disk->body_bytes != pages * GCH__PAGE_BYTES || disk->payload_bytes > disk->body_bytes ||
        disk->payload_bytes % GCH__ALIGN != 0 || disk->reserved != 0 || disk->reserved_too != 0)
        return fail(segment, "its sizes do not add up", err);
    return GCH_OK;
}

gch_status gch__segment_open_descriptor(gch_file *file, uint32_t index, _Atomic uint64_t *checked,
                                        gch_error *err)
{
    const gch__disk_segment *entry = &file->meta.segments[index];
    struct gch__segment_pages *pages = &file->pages[index];
    gch__segment *segment = &file->segments[index];
    const uint8_t *descriptor = file->image + entry->descriptor_offset;
    uint32_t column_count = file->meta.column_count;
    GCH_TRY(gch__file_need(file, entry->descriptor_offset, entry->descriptor_bytes, err));
    *pages = (struct gch__segment_pages){
        .name = file->name,
        .bytes = file->image + entry->offset,
        .offset = entry->offset,
        .checked = checked,
        .pager = file->pager.ensure != NULL ? &file->pager : NULL,
        .disk = (const gch__disk_descriptor *)(const void *)descriptor,
        .values =
            (const gch__disk_value *)(const void *)(descriptor + sizeof(gch__disk_descriptor)),
        .entry = entry,
    };
    segment->pages = pages;
    segment->reader = file->reader;
    segment->first_row = entry->first_row;
    GCH_TRY(check_head(segment, entry, column_count, err));
    pages->payload_bytes = pages->disk->payload_bytes;
    pages->body_bytes = pages->disk->body_bytes;
    pages->checksums = (const uint64_t *)(const void *)(pages->values + column_count);
    segment->row_count = entry->row_count;
    segment->block_count = gch__block_count(entry->row_count);
    segment->super_count = gch__super_count(entry->row_count);
    segment->first_time = entry->first_time;
    segment->last_time = entry->last_time;
    segment->column_count = column_count;
    segment->columns = file->value_columns + (size_t)index * column_count;
    return GCH_OK;
}

/* Where the arrays begin that are read at open: they lie together at the end, if the writer was
 * ours. What the descriptor says is not checked yet. */
static uint64_t first_of_arrays(const gch__segment *segment)
{
    const struct gch__segment_pages *pages = segment->pages;
    uint64_t first = pages->body_bytes;
    for (uint32_t c = 0; c < segment->column_count; c++) {
        const gch__disk_value *disk = &pages->values[c];
        uint32_t counts[GCH_TREE_LEVELS_CAP];
        uint32_t levels = gch__tree_shape(segment->block_count, counts);
        size_t size =
            (disk->flags & GCH__VALUE_IS_WIDE) != 0 ? sizeof(gch__pair64) : sizeof(gch__pair32);
        uint64_t tree = disk->tree_offset;
        for (uint32_t level = 1; level < levels && counts[level] > EAGER_NODES; level++)
            tree = gch__align_up(tree + counts[level] * size, GCH__ALIGN);
        const uint64_t offsets[] = {tree, disk->gap_supers_offset, disk->run_starts_offset};
        for (size_t i = 0; i < GCH_COUNT_OF(offsets); i++) {
            if (offsets[i] >= pages->payload_bytes && offsets[i] > 0)
                first = GCH_MIN(first, offsets[i]);
        }
    }
    return first;
}

void gch__segment_want_arrays(const gch_file *file, uint32_t index)
{
    const gch__segment *segment = &file->segments[index];
    const struct gch__segment_pages *pages = segment->pages;
    uint64_t first = first_of_arrays(segment);
    if (pages->body_bytes - first > AHEAD_MAX)
        first = pages->body_bytes - AHEAD_MAX;
    gch__file_want(file, pages->offset + first, pages->body_bytes - first);
}

gch_status gch__segment_open_arrays(gch_file *file, uint32_t index, gch_error *err)
{
    gch__segment *segment = &file->segments[index];
    uint32_t column_count = segment->column_count;
    gch__value_column *columns = file->value_columns + (size_t)index * column_count;
    GCH_TRY(open_time(segment, err));
    for (uint32_t c = column_count; c-- > 0;) /* from the end, where what is read at open lies */
        GCH_TRY(open_column(segment, c, file->meta.columns[c].type, &columns[c], err));
    return GCH_OK;
}
