/* A sealed live segment becomes one of a file as it stands: nothing is decoded. */
#include "store_build.h"
#include "store_live_segment.h"

#include <string.h>

/* Copies an array that the builder keeps until it seals. */
static gch_status copy_array(const gch__builder *builder, void **to, size_t *cap, const void *from,
                             size_t count, size_t size, const char *purpose, gch_error *err)
{
    GCH_TRY(gch__ensure(builder->allocator, to, cap, count, size, purpose, err));
    if (count > 0)
        memcpy(*to, from, count * size);
    return GCH_OK;
}

/* Writes a stream's payload; the copied directory gets its places in the file. */
static gch_status put_payload(gch__builder *builder, const gch__segment *segment,
                              uint64_t payload_bytes, uint32_t *directory, gch_error *err)
{
    uint64_t units = gch__body_position(&builder->body) / GCH__PAYLOAD_UNIT;
    uint32_t first = directory[0];
    const uint8_t *payload = segment->pages->bytes + (uint64_t)first * GCH__PAYLOAD_UNIT;
    GCH_TRY(gch__body_put(builder, payload, (size_t)payload_bytes, err));
    for (uint32_t super = 0; super < segment->super_count; super++)
        directory[super] = (uint32_t)(directory[super] - first + units);
    return GCH_OK;
}

static gch_status adopt_time(gch__builder *builder, const gch__live_view *view, gch_error *err)
{
    const gch__segment *segment = &view->segment;
    const gch__time_column *from = &segment->time;
    gch__time_build *time = &builder->time;
    time->first_time = segment->first_time;
    time->mode = (gch__time_mode)view->disk.time_mode;
    time->is_irregular = time->mode == GCH__TIME_LINES;
    time->run_count = from->run_count;
    time->run_rows = 0; /* sealed at once: no run is extended */
    if (time->mode == GCH__TIME_AFFINE)
        return copy_array(builder, (void **)&time->runs, &time->runs_cap, from->runs,
                          from->run_count, sizeof *time->runs, "affine runs", err);
    time->origin = from->origin;
    time->unit = time->unit_floor = from->unit;
    time->payload_units = view->disk.time_payload_bytes / GCH__PAYLOAD_UNIT;
    GCH_TRY(copy_array(builder, (void **)&time->supers, &time->supers_cap, from->supers,
                       segment->super_count, sizeof *time->supers, "time lines", err));
    GCH_TRY(copy_array(builder, (void **)&time->lines, &time->lines_cap, from->lines,
                       segment->block_count, sizeof *time->lines, "time lines", err));
    GCH_TRY(copy_array(builder, (void **)&time->directory, &time->directory_cap, from->directory,
                       segment->super_count, sizeof *time->directory, "directory", err));
    return put_payload(builder, segment, view->disk.time_payload_bytes, time->directory, err);
}

/* Blocks' ranges as ordered keys again: sealing finds the file's own base. */
static gch_status adopt_bounds(gch__builder *builder, gch__column_build *column,
                               const gch__value_column *from, gch_error *err)
{
    uint32_t count = from->level_counts[0];
    GCH_TRY(gch__ensure(builder->allocator, (void **)&column->bounds, &column->bounds_cap,
                        2 * (size_t)count, sizeof *column->bounds, "tree", err));
    uint64_t base = gch__base_from_ordered(from->map.kind, (int64_t)from->map.base);
    for (uint32_t block = 0; block < count; block++) {
        gch__pair64 pair = gch__tree_pair(from, 0, block);
        bool is_empty = pair.min > pair.max;
        column->bounds[2 * (size_t)block] = is_empty ? INT64_MAX : (int64_t)(base + pair.min);
        column->bounds[2 * (size_t)block + 1] = is_empty ? INT64_MIN : (int64_t)(base + pair.max);
    }
    return GCH_OK;
}

static gch_status adopt_column(gch__builder *builder, const gch__live_view *view, uint32_t index,
                               gch_error *err)
{
    const gch__segment *segment = &view->segment;
    const gch__value_column *from = &view->columns[index];
    gch__column_build *column = &builder->columns[index];
    column->kind = (gch__key_kind){.kind = from->map.kind, .scale = from->map.scale};
    column->next_kind = column->kind;
    column->gap_super_count = from->gap_super_count;
    column->run_start_count = from->run_start_count;
    column->exception_count = from->exception_count;
    column->gap_count = view->values[index].gap_count;
    column->first_is_drawn = from->first_is_drawn;
    column->last_is_drawn = from->last_is_drawn;
    column->payload_units = view->values[index].payload_bytes / GCH__PAYLOAD_UNIT;
    GCH_TRY(adopt_bounds(builder, column, from, err));
    GCH_TRY(copy_array(builder, (void **)&column->gap_supers, &column->gap_supers_cap,
                       from->gap_supers, from->gap_super_count, sizeof *column->gap_supers, "gaps",
                       err));
    GCH_TRY(copy_array(builder, (void **)&column->gap_bitmaps, &column->gap_bitmaps_cap,
                       from->gap_bitmaps, (size_t)from->gap_super_count * GCH__BITMAP_WORDS,
                       sizeof *column->gap_bitmaps, "gaps", err));
    GCH_TRY(copy_array(builder, (void **)&column->run_starts, &column->run_starts_cap,
                       from->run_starts, from->run_start_count, sizeof *column->run_starts,
                       "run starts", err));
    GCH_TRY(copy_array(builder, (void **)&column->exceptions, &column->exceptions_cap,
                       from->exceptions, from->exception_count, sizeof *column->exceptions,
                       "exceptions", err));
    GCH_TRY(copy_array(builder, (void **)&column->directory, &column->directory_cap,
                       from->directory, segment->super_count, sizeof *column->directory,
                       "directory", err));
    return put_payload(builder, segment, view->values[index].payload_bytes, column->directory, err);
}

gch_status gch__builder_adopt(gch__builder *builder, const gch__live_view *view, gch_error *err)
{
    GCH_TRY(gch__builder_seal(builder, err));
    GCH_TRY(adopt_time(builder, view, err));
    for (uint32_t c = 0; c < builder->column_count; c++)
        GCH_TRY(adopt_column(builder, view, c, err));
    builder->time.last_time = view->segment.last_time;
    builder->row_count = view->segment.row_count;
    builder->is_guessed = true;
    return gch__builder_seal(builder, err);
}
