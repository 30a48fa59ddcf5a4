/* Sealing: the arrays behind the payload, the tree over the blocks, the descriptor.
 *
 * Invariants:
 *  1. What is read lazily (headers, directories, lines, bitmaps, exceptions) comes first; what is
 *     checked at open (upper levels, run lists) comes last, next to the descriptor: one stretch of
 *     bytes for a reader far away.
 *  2. Keys of a column are relative to its smallest value of the segment, which makes most columns
 *     narrow.
 */
#include "store_build.h"

#include <string.h>

typedef struct column_levels {
    bool is_wide;
    int64_t min, max; /* min > max: nothing drawn */
    uint32_t level_count;
    uint32_t counts[GCH_TREE_LEVELS_CAP];
    uint8_t *pairs; /* all levels, one after the other */
    size_t pair_bytes;
} column_levels;

static void measure_column(const gch__builder *builder, const gch__column_build *column,
                           column_levels *out)
{
    out->min = INT64_MAX;
    out->max = INT64_MIN;
    uint32_t blocks = gch__block_count(builder->row_count);
    for (uint32_t b = 0; b < blocks; b++) {
        out->min = GCH_MIN(out->min, column->bounds[2 * (size_t)b]);
        out->max = GCH_MAX(out->max, column->bounds[2 * (size_t)b + 1]);
    }
    out->is_wide = out->min <= out->max && (uint64_t)out->max - (uint64_t)out->min > UINT32_MAX;
    out->pair_bytes = out->is_wide ? sizeof(gch__pair64) : sizeof(gch__pair32);
    out->level_count = gch__tree_shape(blocks, out->counts);
}

static void fill_narrow(const gch__column_build *column, column_levels *levels)
{
    gch__pair32 *pairs = (gch__pair32 *)(void *)levels->pairs;
    for (uint32_t b = 0; b < levels->counts[0]; b++) {
        int64_t min = column->bounds[2 * (size_t)b], max = column->bounds[2 * (size_t)b + 1];
        pairs[b] = (gch__pair32){.min = UINT32_MAX, .max = 0};
        if (min <= max)
            pairs[b] = (gch__pair32){.min = (uint32_t)((uint64_t)min - (uint64_t)levels->min),
                                     .max = (uint32_t)((uint64_t)max - (uint64_t)levels->min)};
    }
    for (uint32_t level = 1; level < levels->level_count; level++) {
        gch__pair32 *upper = pairs + levels->counts[level - 1];
        for (uint32_t i = 0; i < levels->counts[level]; i++) {
            uint32_t end = GCH_MIN((i + 1) * GCH_TREE_FANOUT, levels->counts[level - 1]);
            upper[i] = (gch__pair32){.min = UINT32_MAX, .max = 0};
            for (uint32_t child = i * GCH_TREE_FANOUT; child < end; child++) {
                upper[i].min = GCH_MIN(upper[i].min, pairs[child].min);
                upper[i].max = GCH_MAX(upper[i].max, pairs[child].max);
            }
        }
        pairs = upper;
    }
}

static void fill_wide(const gch__column_build *column, column_levels *levels)
{
    gch__pair64 *pairs = (gch__pair64 *)(void *)levels->pairs;
    for (uint32_t b = 0; b < levels->counts[0]; b++) {
        int64_t min = column->bounds[2 * (size_t)b], max = column->bounds[2 * (size_t)b + 1];
        pairs[b] = (gch__pair64){.min = UINT64_MAX, .max = 0};
        if (min <= max)
            pairs[b] = (gch__pair64){.min = (uint64_t)min - (uint64_t)levels->min,
                                     .max = (uint64_t)max - (uint64_t)levels->min};
    }
    for (uint32_t level = 1; level < levels->level_count; level++) {
        gch__pair64 *upper = pairs + levels->counts[level - 1];
        for (uint32_t i = 0; i < levels->counts[level]; i++) {
            uint32_t end = GCH_MIN((i + 1) * GCH_TREE_FANOUT, levels->counts[level - 1]);
            upper[i] = (gch__pair64){.min = UINT64_MAX, .max = 0};
            for (uint32_t child = i * GCH_TREE_FANOUT; child < end; child++) {
                upper[i].min = GCH_MIN(upper[i].min, pairs[child].min);
                upper[i].max = GCH_MAX(upper[i].max, pairs[child].max);
            }
        }
        pairs = upper;
    }
}

static gch_status build_levels(const gch__builder *builder, const gch__column_build *column,
                               column_levels *out, gch_error *err)
{
    measure_column(builder, column, out);
    size_t pair_count = 0;
    for (uint32_t level = 0; level < out->level_count; level++)
        pair_count += out->counts[level];
    out->pairs = gch__alloc_array(builder->allocator, pair_count, out->pair_bytes, "tree");
    if (out->pairs == NULL)
        return gch__no_memory(err, "tree");
    if (out->is_wide)
        fill_wide(column, out);
    else
        fill_narrow(column, out);
    return GCH_OK;
}

/* Writes an array on the next border; its place goes to *out_offset. An array without entries has
 * the place 0. */
static gch_status put_array(gch__builder *builder, const void *array, size_t count, size_t size,
                            uint64_t *out_offset, gch_error *err)
{
    *out_offset = 0;
    if (count == 0)
        return GCH_OK;
    GCH_TRY(gch__body_align(builder, GCH__ALIGN, err));
    *out_offset = gch__body_position(&builder->body);
    return gch__body_put(builder, array, count * size, err);
}

static gch_status put_lazy(gch__builder *builder, const gch__column_build *column,
                           const column_levels *levels, gch__disk_value *disk, gch_error *err)
{
    uint32_t supers = gch__super_count(builder->row_count);
    GCH_TRY(put_array(builder, levels->pairs, levels->counts[0], levels->pair_bytes,
                      &disk->headers_offset, err));
    GCH_TRY(put_array(builder, column->directory, supers, sizeof *column->directory,
                      &disk->directory_offset, err));
    GCH_TRY(put_array(builder, column->gap_bitmaps,
                      (size_t)column->gap_super_count * GCH__BITMAP_WORDS,
                      sizeof *column->gap_bitmaps, &disk->bitmaps_offset, err));
    return put_array(builder, column->exceptions, column->exception_count,
                     sizeof *column->exceptions, &disk->exceptions_offset, err);
}

static gch_status put_eager(gch__builder *builder, const gch__column_build *column,
                            const column_levels *levels, gch__disk_value *disk, gch_error *err)
{
    const uint8_t *pairs = levels->pairs;
    for (uint32_t level = 1; level < levels->level_count; level++) {
        uint64_t offset;
        pairs += levels->counts[level - 1] * levels->pair_bytes;
        GCH_TRY(put_array(builder, pairs, levels->counts[level], levels->pair_bytes, &offset, err));
        if (level == 1)
            disk->tree_offset = offset;
    }
    GCH_TRY(put_array(builder, column->gap_supers, column->gap_super_count,
                      sizeof *column->gap_supers, &disk->gap_supers_offset, err));
    return put_array(builder, column->run_starts, column->run_start_count,
                     sizeof *column->run_starts, &disk->run_starts_offset, err);
}

static void describe_column(const gch__column_build *column, const column_levels *levels,
                            gch__disk_value *disk)
{
    disk->kind = column->kind.kind;
    disk->scale = column->kind.scale;
    disk->base =
        levels->min <= levels->max ? gch__base_from_ordered(column->kind.kind, levels->min) : 0;
    disk->flags = (levels->is_wide ? GCH__VALUE_IS_WIDE : 0) |
                  (column->first_is_drawn ? GCH__VALUE_FIRST_DRAWN : 0) |
                  (column->last_is_drawn ? GCH__VALUE_LAST_DRAWN : 0);
    disk->level_count = levels->level_count;
    disk->gap_super_count = column->gap_super_count;
    disk->run_start_count = column->run_start_count;
    disk->exception_count = column->exception_count;
    disk->gap_count = column->gap_count;
    disk->payload_bytes = column->payload_units * GCH__PAYLOAD_UNIT;
}

static gch_status put_time_lazy(gch__builder *builder, gch__disk_descriptor *disk, gch_error *err)
{
    const gch__time_build *time = &builder->time;
    if (time->mode != GCH__TIME_LINES)
        return GCH_OK;
    uint32_t supers = gch__super_count(builder->row_count);
    GCH_TRY(
        put_array(builder, time->supers, supers, sizeof *time->supers, &disk->supers_offset, err));
    GCH_TRY(put_array(builder, time->lines, gch__block_count(builder->row_count),
                      sizeof *time->lines, &disk->lines_offset, err));
    return put_array(builder, time->directory, supers, sizeof *time->directory,
                     &disk->directory_offset, err);
}

static gch_status put_time_eager(gch__builder *builder, gch__disk_descriptor *disk, gch_error *err)
{
    const gch__time_build *time = &builder->time;
    if (time->mode != GCH__TIME_AFFINE)
        return GCH_OK;
    return put_array(builder, time->runs, time->run_count, sizeof *time->runs, &disk->runs_offset,
                     err);
}

static void describe_segment(const gch__builder *builder, gch__disk_descriptor *disk)
{
    const gch__time_build *time = &builder->time;
    disk->magic = GCH__MAGIC_DESCRIPTOR;
    disk->column_count = builder->column_count;
    disk->first_row = builder->first_row;
    disk->row_count = builder->row_count;
    disk->time_mode = time->mode;
    disk->first_time = time->first_time;
    disk->last_time = time->last_time;
    if (time->mode == GCH__TIME_AFFINE) {
        disk->run_count = time->run_count;
    } else {
        disk->origin = time->origin;
        disk->unit = time->unit;
        disk->time_payload_bytes = time->payload_units * GCH__PAYLOAD_UNIT;
    }
}

/* Writes the descriptor behind the body and enters the segment in the list. */
static gch_status put_descriptor(gch__builder *builder, const gch__disk_descriptor *disk,
                                 const gch__disk_value *values, gch_error *err)
{
    size_t table = (size_t)(disk->body_bytes / GCH__PAGE_BYTES);
    size_t count = sizeof *disk + builder->column_count * sizeof *values;
    size_t bytes = (size_t)gch__align_up(count + table * sizeof(uint64_t), GCH__ALIGN);
    uint8_t *descriptor = gch__alloc_zero(builder->allocator, bytes, 1, "descriptor");
    if (descriptor == NULL)
        return gch__no_memory(err, "descriptor");
    memcpy(descriptor, disk, sizeof *disk);
    memcpy(descriptor + sizeof *disk, values, builder->column_count * sizeof *values);
    if (table > 0)
        memcpy(descriptor + count, builder->body.checksums, table * sizeof(uint64_t));
    gch__disk_segment entry = {
        .offset = builder->offset,
        .descriptor_offset = builder->offset + disk->body_bytes,
        .descriptor_bytes = bytes,
        .descriptor_checksum = gch__checksum(descriptor, bytes),
        .first_row = disk->first_row,
        .row_count = disk->row_count,
        .first_time = disk->first_time,
        .last_time = disk->last_time,
    };
    gch_status status =
        gch__sink_write(builder->sink, entry.descriptor_offset, descriptor, bytes, err);
    if (status == GCH_OK)
        status = gch__ensure(builder->allocator, (void **)&builder->segments,
                             &builder->segments_cap, (size_t)builder->segment_count + 1,
                             sizeof *builder->segments, "segments", err);
    if (status == GCH_OK) {
        builder->segments[builder->segment_count++] = entry;
        builder->end = entry.descriptor_offset + bytes;
    }
    gch__free(builder->allocator, descriptor, "descriptor");
    return status;
}

static void start_next(gch__builder *builder)
{
    builder->offset = gch__align_up(builder->end, GCH__PAGE_BYTES);
    builder->first_row += builder->row_count;
    builder->row_count = 0;
    builder->is_guessed = false;
    builder->body.count = 0;
    builder->body.flushed = 0;
    builder->time.mode = 0;
    builder->time.run_count = 0;
    builder->time.run_rows = 0;
    builder->time.payload_units = 0;
    for (uint32_t c = 0; c < builder->column_count; c++) {
        gch__column_build *column = &builder->columns[c];
        column->gap_super_count = 0;
        column->run_start_count = 0;
        column->exception_count = 0;
        column->gap_count = 0;
        column->payload_units = 0;
    }
}

static gch_status put_columns(gch__builder *builder, column_levels *levels,
                              gch__disk_descriptor *disk, gch__disk_value *values, gch_error *err)
{
    GCH_TRY(gch__body_align(builder, GCH__ALIGN, err));
    disk->payload_bytes = gch__body_position(&builder->body);
    GCH_TRY(put_time_lazy(builder, disk, err));
    for (uint32_t c = 0; c < builder->column_count; c++) {
        GCH_TRY(build_levels(builder, &builder->columns[c], &levels[c], err));
        describe_column(&builder->columns[c], &levels[c], &values[c]);
        GCH_TRY(put_lazy(builder, &builder->columns[c], &levels[c], &values[c], err));
    }
    for (uint32_t c = 0; c < builder->column_count; c++)
        GCH_TRY(put_eager(builder, &builder->columns[c], &levels[c], &values[c], err));
    GCH_TRY(put_time_eager(builder, disk, err));
    GCH_TRY(gch__body_align(builder, GCH__PAGE_BYTES, err));
    disk->body_bytes = gch__body_position(&builder->body);
    return GCH_OK;
}

gch_status gch__builder_seal(gch__builder *builder, gch_error *err)
{
    if (builder->row_count == 0)
        return GCH_OK;
    const gch_allocator *allocator = builder->allocator;
    gch__disk_descriptor disk = {0};
    gch_status status = GCH_OK;
    column_levels *levels =
        gch__alloc_zero(allocator, builder->column_count, sizeof *levels, "tree");
    gch__disk_value *values =
        gch__alloc_zero(allocator, builder->column_count, sizeof *values, "descriptor");
    if (levels == NULL || values == NULL) {
        status = gch__no_memory(err, "descriptor");
        goto cleanup;
    }
    describe_segment(builder, &disk);
    GCH_TRY_GOTO(put_columns(builder, levels, &disk, values, err), cleanup);
    GCH_TRY_GOTO(put_descriptor(builder, &disk, values, err), cleanup);
    start_next(builder);

cleanup:
    for (uint32_t c = 0; levels != NULL && c < builder->column_count; c++)
        gch__free(allocator, levels[c].pairs, "tree");
    gch__free(allocator, levels, "tree");
    gch__free(allocator, values, "descriptor");
    return status;
}
