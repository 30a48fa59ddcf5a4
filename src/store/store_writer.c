/* Writing files: rows are gathered into chunks, chunks become segments, and a commit makes them
 * part of the file.
 *
 * Invariants:
 *  1. A call is checked whole (order of times, scales) before a row of it is taken; in the preset
 *     `fast` the order of times a chunk at a time, and the writer fails for good if it is wrong.
 *  2. After a failure inside the builder the writer only fails: `failure` is set.
 *  3. An append is durable in this order: segments and footer, then the trailer, then the slot. So
 * a trailer or slot on the disk means that all it speaks of is there too, and at any moment one
 *     sound slot speaks of a state that is whole.
 *  4. Staged rows that a commit has made visible are in `shown` segments, the last of the list; the
 *     builder has no open segment then. They are taken off the list before their rows are written
 *     again, which leaves their bytes to the states that were committed with them.
 */
#include "store_writer.h"

#include "store_encoder.h"
#include "store_file.h"
#include "store_rows.h"

#include <string.h>

/* Shown segments double in size from the last to the first, so that a row is written again a
 * logarithmic number of times. */
#define SHOWN_CAP 24u
#define CHUNK_ROWS (1u << 18) /* so that a chunk stays in the caches from its rows to its pages */
#define FAST_ROWS_MIN (1u << 14)            /* of a call, to be packed from where they lie */
#define DEAD_BYTES_MIN ((uint64_t)64 << 20) /* worth writing the file anew */

/* Staged rows in a segment of their own, and the builder as it was before. */
typedef struct shown_rows {
    uint32_t row_count;
    uint64_t first_row;
    int64_t time_before;
    bool *drawn_before; /* a column */
} shown_rows;

/* Of a column, if its values are rounded: room for a chunk's. */
typedef struct rounded_rows {
    uint8_t *values;
    int8_t *scales; /* DECIMAL only */
} rounded_rows;

struct gch_writer {
    const gch_allocator *allocator;
    gch_workers *workers;
    gch_encoder *encoder;
    gch__sink sink;
    gch__builder builder;
    gch__meta meta;
    gch__row_buffer stage;     /* rows that do not fill a chunk yet; made when needed */
    gch__column_input *inputs; /* of the chunk at hand */
    rounded_rows *rounded;     /* a column; made when needed, or NULL */
    int64_t last_time;         /* of all rows taken */
    uint64_t row_count;
    uint64_t committed_count; /* rows of the committed state */
    gch__disk_commit commit;  /* APPEND: the committed state */
    uint32_t commit_slot;     /* APPEND: the slot that holds it */
    bool is_committing;       /* APPEND: the other slot may speak of the new rows */
    shown_rows shown[SHOWN_CAP];
    uint32_t shown_count;
    uint64_t dead_bytes_min; /* to write the file anew */
    gch_status failure;
};

static bool is_fast(const gch_writer *writer)
{
    return writer->meta.preset_kind == GCH_PRESET_FAST;
}

/* ---- making ---- */

static gch_status init_builder(gch_writer *writer, uint64_t end, gch_error *err)
{
    gch__builder *builder = &writer->builder;
    gch_type types[GCH_COLUMN_CAP];
    builder->allocator = writer->allocator;
    builder->workers = writer->workers;
    builder->sink = &writer->sink;
    builder->encoder = writer->encoder;
    builder->is_fast = is_fast(writer);
    builder->column_count = writer->meta.column_count;
    builder->end = end;
    for (uint32_t c = 0; c < builder->column_count; c++)
        types[c] = writer->meta.columns[c].type;
    writer->inputs =
        gch__alloc_zero(writer->allocator, builder->column_count, sizeof *writer->inputs, "writer");
    if (writer->inputs == NULL)
        return gch__no_memory(err, "writer");
    GCH_TRY(gch__builder_init(builder, types, err));
    builder->chunk_rows = GCH_MIN(builder->chunk_rows, CHUNK_ROWS);
    return GCH_OK;
}

static gch_status make_writer(const gch_writer_desc *desc, const char *path, gch_writer **out,
                              gch_error *err)
{
    GCH_TRY(gch__meta_check(desc, path, err));
    gch_writer *writer = gch__alloc_zero(desc->allocator, 1, sizeof *writer, "writer");
    if (writer == NULL)
        return gch__no_memory(err, "writer");
    writer->allocator = desc->allocator;
    writer->workers = desc->workers;
    writer->encoder = desc->encoder;
    writer->dead_bytes_min = DEAD_BYTES_MIN;
    writer->meta.allocator = desc->allocator;
    writer->stage.allocator = desc->allocator;
    *out = writer;
    return GCH_OK;
}

gch_status gch_writer_create(const char *path, const gch_writer_desc *desc, gch_writer **out,
                             gch_error *err)
{
    gch_writer *writer = NULL;
    GCH_TRY(make_writer(desc, path, &writer, err));
    gch_status status = gch__sink_open_replace(&writer->sink, path, writer->allocator, err);
    if (status == GCH_OK)
        status = gch__meta_fill(&writer->meta, desc, path, err);
    if (status == GCH_OK)
        status = init_builder(writer, GCH__PAGE_BYTES, err);
    if (status != GCH_OK) {
        gch_writer_abandon(writer);
        return status;
    }
    *out = writer;
    return GCH_OK;
}

gch_status gch_writer_create_memory(const gch_writer_desc *desc, gch_writer **out, gch_error *err)
{
    gch_writer *writer = NULL;
    GCH_TRY(make_writer(desc, "memory", &writer, err));
    gch_status status = gch__sink_open_memory(&writer->sink, writer->allocator, err);
    if (status == GCH_OK)
        status = gch__meta_fill(&writer->meta, desc, writer->sink.path, err);
    if (status == GCH_OK)
        status = init_builder(writer, GCH__PAGE_BYTES, err);
    if (status != GCH_OK) {
        gch_writer_abandon(writer);
        return status;
    }
    *out = writer;
    return GCH_OK;
}

/* ---- opening to append ---- */

/* What the builder has to know of the segments that are there. */
static gch_status continue_segments(gch_writer *writer, const gch_file *file, gch_error *err)
{
    gch__builder *builder = &writer->builder;
    const gch__meta *meta = &file->meta;
    GCH_TRY(gch__ensure(writer->allocator, (void **)&builder->segments, &builder->segments_cap,
                        (size_t)meta->segment_count + 1, sizeof *builder->segments, "segments",
                        err));
    memcpy(builder->segments, meta->segments, meta->segment_count * sizeof *meta->segments);
    builder->segment_count = meta->segment_count;
    builder->first_row = meta->row_count;
    writer->row_count = meta->row_count;
    writer->committed_count = meta->row_count;
    if (meta->segment_count == 0)
        return GCH_OK;
    const gch__segment *last = &file->segments[meta->segment_count - 1];
    writer->last_time = last->last_time;
    builder->time.last_time = last->last_time;
    for (uint32_t c = 0; c < meta->column_count; c++)
        builder->columns[c].last_is_drawn = last->columns[c].last_is_drawn;
    return GCH_OK;
}

/* Finds the slot of the current state. If it lives in the trailer alone, as after damage to the
 * slot, a slot gets it first: the append is about to bury the trailer. */
static gch_status anchor_commit(gch_writer *writer, const gch_file *file, gch_error *err)
{
    writer->commit = file->commit;
    for (uint32_t slot = 0; slot < GCH__SLOT_COUNT; slot++) {
        gch__disk_commit held;
        if (gch__commit_get(file->image + GCH__SLOT_OFFSET(slot), &held) == GCH__COMMIT_SOUND &&
            held.generation == file->commit.generation) {
            writer->commit_slot = slot;
            return GCH_OK;
        }
    }
    writer->commit_slot = 0;
    GCH_TRY(gch__sink_write(&writer->sink, GCH__SLOT_OFFSET(0u), &writer->commit,
                            sizeof writer->commit, err));
    return gch__sink_sync(&writer->sink, err);
}

static gch_status open_append(gch_writer *writer, const gch_writer_desc *desc, const char *path,
                              gch_error *err)
{
    gch_file *file = NULL;
    GCH_TRY(gch__sink_open_append(&writer->sink, path, writer->allocator, err));
    GCH_TRY(gch__file_open_fd(writer->sink.fd, path, writer->allocator, &file, err));
    gch_status status = gch__meta_match(&file->meta, desc, path, err);
    if (status == GCH_OK)
        status = gch__meta_copy(&writer->meta, &file->meta, err);
    if (status == GCH_OK)
        status = init_builder(writer, file->commit.committed_bytes, err);
    if (status == GCH_OK)
        status = continue_segments(writer, file, err);
    if (status == GCH_OK)
        status = anchor_commit(writer, file, err);
    uint64_t committed = file->commit.committed_bytes;
    gch__file_close(file);
    return status == GCH_OK ? gch__sink_truncate(&writer->sink, committed, err) : status;
}

gch_status gch_writer_open_append(const char *path, const gch_writer_desc *desc, gch_writer **out,
                                  gch_error *err)
{
    gch_writer *writer = NULL;
    GCH_TRY(make_writer(desc, path, &writer, err));
    gch_status status = open_append(writer, desc, path, err);
    if (status != GCH_OK) {
        gch_writer_abandon(writer);
        return status;
    }
    *out = writer;
    return GCH_OK;
}

/* ---- rows in ---- */

static gch__rows_end rows_end(const gch_writer *writer)
{
    return (gch__rows_end){
        .name = writer->sink.path, .row_count = writer->row_count, .last_time = writer->last_time};
}

static gch_status make_stage(gch_writer *writer, gch_error *err)
{
    if (writer->stage.row_cap > 0)
        return GCH_OK;
    return gch__row_buffer_init(&writer->stage, &writer->meta, writer->builder.chunk_rows, err);
}

/* Takes the last shown segment off the list; its rows are the stage's alone again. */
static void hide_last(gch_writer *writer)
{
    gch__builder *builder = &writer->builder;
    shown_rows *last = &writer->shown[--writer->shown_count];
    builder->segment_count--;
    builder->first_row = last->first_row;
    builder->time.last_time = last->time_before;
    for (uint32_t c = 0; c < builder->column_count; c++)
        builder->columns[c].last_is_drawn = last->drawn_before[c];
    gch__free(writer->allocator, last->drawn_before, "shown");
    *last = (shown_rows){0};
}

/* Rows come from here on that an encoder has not seen, though it may know their addresses. */
static void start_rows(gch_writer *writer)
{
    if (writer->encoder != NULL)
        writer->encoder->serial++;
}

static gch_status encode_stage(gch_writer *writer, gch_error *err)
{
    gch__row_buffer *stage = &writer->stage;
    if (stage->row_count == 0)
        return GCH_OK;
    while (writer->shown_count > 0)
        hide_last(writer);
    for (uint32_t c = 0; c < writer->meta.column_count; c++)
        writer->inputs[c] = gch__row_buffer_input(stage, &writer->meta, c);
    start_rows(writer);
    writer->builder.times_there = stage->row_count;
    gch_status status =
        gch__builder_add(&writer->builder, stage->times, writer->inputs, stage->row_count, err);
    writer->builder.times_there = 0;
    GCH_TRY(status);
    gch__row_buffer_clear(stage);
    return GCH_OK;
}

/* Rows [from, from + count) of the call join those staged. */
static gch_status stage_rows(gch_writer *writer, const int64_t *times,
                             const gch_column_data *columns, size_t from, uint32_t count,
                             gch_error *err)
{
    GCH_TRY(make_stage(writer, err));
    gch__row_buffer *stage = &writer->stage;
    gch__rows_end end = rows_end(writer);
    if (times != NULL)
        memcpy(stage->times + stage->row_count, times + from, count * sizeof *times);
    else
        gch__rows_number(&end, count, stage->times + stage->row_count);
    gch__row_buffer_add(stage, &writer->meta, columns, from, count);
    writer->last_time = stage->times[stage->row_count - 1];
    writer->row_count += count;
    if (stage->row_count == writer->builder.chunk_rows)
        return encode_stage(writer, err);
    return GCH_OK;
}

/* ---- rounding ---- */

static gch_status make_rounded(gch_writer *writer, gch_error *err)
{
    const gch_allocator *allocator = writer->allocator;
    const uint32_t rows = writer->builder.chunk_rows;
    if (writer->rounded != NULL)
        return GCH_OK;
    writer->rounded =
        gch__alloc_zero(allocator, writer->meta.column_count, sizeof *writer->rounded, "rounding");
    if (writer->rounded == NULL)
        return gch__no_memory(err, "rounding");
    for (uint32_t c = 0; c < writer->meta.column_count; c++) {
        const gch__meta_column *column = &writer->meta.columns[c];
        rounded_rows *to = &writer->rounded[c];
        if (!column->step.is_set)
            continue;
        to->values = gch__alloc_array(allocator, rows, gch_type_bytes(column->type), "rounding");
        to->scales =
            column->type == GCH_TYPE_DECIMAL ? gch__alloc(allocator, rows, "rounding") : NULL;
        if (to->values == NULL || (column->type == GCH_TYPE_DECIMAL && to->scales == NULL))
            return gch__no_memory(err, "rounding");
    }
    return GCH_OK;
}

static void free_rounded(gch_writer *writer)
{
    for (uint32_t c = 0; writer->rounded != NULL && c < writer->meta.column_count; c++) {
        gch__free(writer->allocator, writer->rounded[c].values, "rounding");
        gch__free(writer->allocator, writer->rounded[c].scales, "rounding");
    }
    gch__free(writer->allocator, writer->rounded, "rounding");
}

/* A group of rows of a column. */
static void round_task(void *context, size_t task, uint32_t worker)
{
    (void)worker;
    const gch_writer *writer = context;
    const uint32_t groups = writer->builder.chunk_rows / GCH__GROUP_ROWS;
    const size_t c = task / groups, first = task % groups * GCH__GROUP_ROWS;
    const gch__meta_column *column = &writer->meta.columns[c];
    const gch__column_input *input = &writer->inputs[c];
    const rounded_rows *to = &writer->rounded[c];
    if (column->step.is_set)
        gch__rows_round(&column->step, input, first, GCH__GROUP_ROWS,
                        to->values + first * gch_type_bytes(column->type),
                        input->scales != NULL ? to->scales + first : NULL);
}

/* Turns the inputs of a whole chunk to rounded copies, where a column has a step. *out_any: there
 * is one. */
static gch_status round_chunk(gch_writer *writer, bool *out_any, gch_error *err)
{
    *out_any = false;
    for (uint32_t c = 0; c < writer->meta.column_count; c++)
        *out_any |= writer->meta.columns[c].step.is_set;
    if (!*out_any)
        return GCH_OK;
    GCH_TRY(make_rounded(writer, err));
    const size_t groups = writer->builder.chunk_rows / GCH__GROUP_ROWS;
    gch__parallel_for(writer->workers, groups * writer->meta.column_count, round_task, writer);
    for (uint32_t c = 0; c < writer->meta.column_count; c++) {
        if (!writer->meta.columns[c].step.is_set)
            continue;
        writer->inputs[c].values = writer->rounded[c].values;
        if (writer->inputs[c].scales != NULL)
            writer->inputs[c].scales = writer->rounded[c].scales;
    }
    return GCH_OK;
}

/* ---- appending ---- */

/* How many of the `left` rows of a call go straight from the caller's arrays: a whole chunk, or in
 * the preset `fast` whole super-blocks; 0: they are staged. */
static uint32_t count_direct(const gch_writer *writer, size_t left)
{
    uint32_t chunk = writer->builder.chunk_rows;
    if (writer->stage.row_count > 0)
        return 0;
    if (left >= chunk)
        return chunk;
    return is_fast(writer) && left >= FAST_ROWS_MIN
               ? (uint32_t)left / GCH_SUPER_ROWS * GCH_SUPER_ROWS
               : 0;
}

/* A chunk of count_direct rows, or rounded copies of them. */
static gch_status encode_rows(gch_writer *writer, const int64_t *times,
                              const gch_column_data *columns, size_t from, size_t left,
                              uint32_t count, gch_error *err)
{
    const int64_t *chunk_times = NULL;
    bool is_rounded;
    if (times != NULL) {
        chunk_times = times + from;
    } else {
        gch__rows_end end = rows_end(writer);
        GCH_TRY(make_stage(writer, err));
        gch__rows_number(&end, count, writer->stage.times);
        chunk_times = writer->stage.times;
    }
    for (uint32_t c = 0; c < writer->meta.column_count; c++)
        writer->inputs[c] = gch__rows_input(writer->meta.columns[c].type, &columns[c], from);
    GCH_TRY(round_chunk(writer, &is_rounded, err));
    if (is_rounded)
        start_rows(writer); /* the same addresses, other rows */
    writer->builder.rows_there = is_rounded ? count : left / count * count;
    writer->builder.times_there = times != NULL ? writer->builder.rows_there : 0;
    gch_status status = gch__builder_add(&writer->builder, chunk_times, writer->inputs, count, err);
    writer->builder.rows_there = writer->builder.times_there = 0;
    GCH_TRY(status);
    writer->last_time = chunk_times[count - 1];
    writer->row_count += count;
    return GCH_OK;
}

static gch_status check_part(const gch_writer *writer, const int64_t *times, size_t from,
                             uint32_t count, gch_error *err)
{
    gch__rows_end end = rows_end(writer);
    return gch__rows_check_times(&writer->meta, &end, writer->workers,
                                 times != NULL ? times + from : NULL, count, err);
}

gch_status gch_writer_append(gch_writer *writer, const int64_t *times,
                             const gch_column_data *columns, size_t row_count, gch_error *err)
{
    if (writer->failure != GCH_OK)
        return gch_fail(err, writer->failure, "%s: an earlier append failed", writer->sink.path);
    if (row_count == 0)
        return GCH_OK;
    gch__rows_end end = rows_end(writer);
    if (is_fast(writer)) /* and chunk by chunk the order of times */
        GCH_TRY(gch__rows_check_values(&writer->meta, &end, columns, row_count, err));
    else
        GCH_TRY(
            gch__rows_check(&writer->meta, &end, writer->workers, times, columns, row_count, err));
    gch__rows_scan(&writer->meta, columns, row_count);
    uint32_t chunk = writer->builder.chunk_rows;
    start_rows(writer);
    for (size_t from = 0; from < row_count && writer->failure == GCH_OK;) {
        size_t left = row_count - from;
        uint32_t part = count_direct(writer, left);
        bool is_direct = part > 0;
        if (!is_direct)
            part = (uint32_t)GCH_MIN(left, (size_t)(chunk - writer->stage.row_count));
        if (is_fast(writer))
            writer->failure = check_part(writer, times, from, part, err);
        if (writer->failure == GCH_OK)
            writer->failure = is_direct ? encode_rows(writer, times, columns, from, left, part, err)
                                        : stage_rows(writer, times, columns, from, part, err);
        from += part;
    }
    return writer->failure;
}

void gch__writer_take_decimals(gch_writer *writer, const gch__meta *meta)
{
    for (uint32_t c = 0; c < writer->meta.column_count; c++) {
        writer->meta.columns[c].decimals = meta->columns[c].decimals;
        writer->meta.columns[c].fixed_scale = meta->columns[c].fixed_scale;
    }
}

gch_status gch__writer_adopt(gch_writer *writer, const gch__live_view *view, gch_error *err)
{
    if (writer->failure != GCH_OK)
        return gch_fail(err, writer->failure, "%s: an earlier append failed", writer->sink.path);
    writer->failure = encode_stage(writer, err);
    if (writer->failure == GCH_OK)
        writer->failure = gch__builder_adopt(&writer->builder, view, err);
    if (writer->failure == GCH_OK) {
        writer->last_time = view->segment.last_time;
        writer->row_count += view->segment.row_count;
    }
    return writer->failure;
}

uint64_t gch_writer_row_count(const gch_writer *writer)
{
    return writer->row_count;
}

/* ---- commits ---- */

/* Writes the footer of the segments there are, without its trailer. */
static gch_status write_footer(gch_writer *writer, gch__disk_commit *commit, gch_error *err)
{
    gch__buffer footer = {.allocator = writer->allocator, .purpose = "footer"};
    gch__meta *meta = &writer->meta;
    meta->generation = writer->commit.generation + 1;
    meta->previous_offset = writer->commit.footer_offset;
    meta->previous_bytes = writer->commit.footer_bytes;
    meta->row_count = writer->row_count;
    meta->segments = writer->builder.segments;
    meta->segment_count = writer->builder.segment_count;
    uint64_t offset = writer->builder.end;
    gch_status status = gch__footer_write(meta, offset, &footer, commit, err);
    if (status == GCH_OK)
        status = gch__sink_write(&writer->sink, offset, footer.bytes, footer.count - sizeof *commit,
                                 err);
    gch__buffer_reset(&footer);
    return status;
}

static gch_status write_trailer(gch_writer *writer, const gch__disk_commit *commit, gch_error *err)
{
    return gch__sink_write(&writer->sink, commit->committed_bytes - sizeof *commit, commit,
                           sizeof *commit, err);
}

static gch_status finish_new(gch_writer *writer, const gch__disk_commit *commit, gch_error *err)
{
    uint8_t page[GCH__PAGE_BYTES] = {0};
    gch__disk_header header = gch__header_make();
    memcpy(page, &header, sizeof header);
    memcpy(page + GCH__SLOT_OFFSET(0u), commit, sizeof *commit);
    GCH_TRY(write_trailer(writer, commit, err));
    return gch__sink_write(&writer->sink, 0, page, sizeof page, err);
}

static gch_status finish_append(gch_writer *writer, const gch__disk_commit *commit, gch_error *err)
{
    GCH_TRY(gch__sink_sync(&writer->sink, err));
    GCH_TRY(write_trailer(writer, commit, err));
    GCH_TRY(gch__sink_sync(&writer->sink, err));
    uint32_t slot = 1u - writer->commit_slot;
    writer->is_committing = true;
    GCH_TRY(gch__sink_write(&writer->sink, GCH__SLOT_OFFSET(slot), commit, sizeof *commit, err));
    GCH_TRY(gch__sink_sync(&writer->sink, err));
    writer->is_committing = false;
    writer->commit_slot = slot;
    return GCH_OK;
}

/* Makes the sealed segments the state of the file. A new file is published, and if it goes on then
 * as one that is appended to. */
static gch_status commit_segments(gch_writer *writer, bool goes_on, gch_error *err)
{
    gch__disk_commit commit;
    GCH_TRY(write_footer(writer, &commit, err));
    if (writer->sink.kind == GCH__SINK_APPEND) {
        GCH_TRY(finish_append(writer, &commit, err));
    } else {
        GCH_TRY(finish_new(writer, &commit, err));
        if (writer->sink.kind == GCH__SINK_REPLACE)
            GCH_TRY(gch__sink_publish(&writer->sink, goes_on, err));
        writer->commit_slot = 0;
    }
    writer->commit = commit;
    writer->committed_count = writer->row_count;
    writer->builder.end = commit.committed_bytes;
    writer->builder.offset = gch__align_up(commit.committed_bytes, GCH__PAGE_BYTES);
    return GCH_OK;
}

/* Staged rows [from, row_count) in a segment of their own, which they keep until there are more. */
static gch_status show_rows(gch_writer *writer, uint32_t from, gch_error *err)
{
    const gch__row_buffer *stage = &writer->stage;
    gch__builder *builder = &writer->builder;
    const uint32_t count = stage->row_count - from;
    shown_rows shown = {.row_count = count,
                        .first_row = builder->first_row,
                        .time_before = builder->time.last_time,
                        .drawn_before = gch__alloc_array(writer->allocator, builder->column_count,
                                                         sizeof(bool), "shown")};
    if (shown.drawn_before == NULL)
        return gch__no_memory(err, "shown");
    for (uint32_t c = 0; c < builder->column_count; c++) {
        const gch__row_column *column = &stage->columns[c];
        const gch_column_data data = {.values = column->values,
                                      .scales = column->scales,
                                      .validity = column->has_nulls ? column->validity : NULL};
        shown.drawn_before[c] = builder->columns[c].last_is_drawn;
        writer->inputs[c] = gch__rows_input(writer->meta.columns[c].type, &data, from);
    }
    writer->shown[writer->shown_count] = shown;
    start_rows(writer);
    gch_status status = gch__builder_add(builder, stage->times + from, writer->inputs, count, err);
    if (status == GCH_OK)
        status = gch__builder_seal(builder, err);
    if (status == GCH_OK)
        writer->shown_count++;
    else
        gch__free(writer->allocator, shown.drawn_before, "shown");
    return status;
}

static gch_status show_stage(gch_writer *writer, gch_error *err)
{
    uint32_t from = 0;
    for (uint32_t i = 0; i < writer->shown_count; i++)
        from += writer->shown[i].row_count;
    uint32_t count = writer->stage.row_count - from;
    while (count > 0 && writer->shown_count > 0 &&
           (writer->shown[writer->shown_count - 1].row_count <= count ||
            writer->shown_count == SHOWN_CAP)) {
        count += writer->shown[writer->shown_count - 1].row_count;
        hide_last(writer);
    }
    return count > 0 ? show_rows(writer, writer->stage.row_count - count, err) : GCH_OK;
}

static uint64_t count_dead_bytes(const gch_writer *writer, uint64_t *out_live)
{
    uint64_t live = 0;
    for (uint32_t s = 0; s < writer->builder.segment_count; s++) {
        const gch__disk_segment *segment = &writer->builder.segments[s];
        live += segment->descriptor_offset + segment->descriptor_bytes - segment->offset;
    }
    *out_live = live;
    return writer->commit.committed_bytes > live ? writer->commit.committed_bytes - live : 0;
}

/* Turns to a new file with the segments that are alive; the old one stays until that is published.
 */
static gch_status rewrite(gch_writer *writer, gch_error *err)
{
    gch__builder *builder = &writer->builder;
    gch__sink fresh = {.fd = -1};
    uint64_t end = GCH__PAGE_BYTES;
    GCH_TRY(gch__sink_open_replace(&fresh, writer->sink.path, writer->allocator, err));
    for (uint32_t s = 0; s < builder->segment_count; s++) {
        gch__disk_segment *segment = &builder->segments[s];
        const uint64_t body = segment->descriptor_offset - segment->offset;
        const uint64_t to = gch__align_up(end, GCH__PAGE_BYTES);
        gch_status status = gch__sink_copy(&fresh, to, &writer->sink, segment->offset,
                                           body + segment->descriptor_bytes, err);
        if (status != GCH_OK) {
            gch__sink_close(&fresh);
            return status;
        }
        segment->offset = to;
        segment->descriptor_offset = to + body;
        end = to + body + segment->descriptor_bytes;
    }
    builder->end = end;
    builder->offset = gch__align_up(end, GCH__PAGE_BYTES);
    gch__sink_close(&writer->sink);
    writer->sink = fresh;
    writer->commit = (gch__disk_commit){.generation = writer->commit.generation};
    return GCH_OK;
}

static gch_status commit_rows(gch_writer *writer, gch_error *err)
{
    uint64_t live;
    GCH_TRY(gch__builder_seal(&writer->builder, err));
    GCH_TRY(show_stage(writer, err));
    if (writer->sink.kind == GCH__SINK_APPEND &&
        count_dead_bytes(writer, &live) > GCH_MAX(live, writer->dead_bytes_min))
        GCH_TRY(rewrite(writer, err));
    return commit_segments(writer, true, err);
}

gch_status gch_writer_commit(gch_writer *writer, gch_error *err)
{
    if (writer->failure != GCH_OK)
        return gch_fail(err, writer->failure, "%s: an earlier append failed", writer->sink.path);
    if (writer->sink.kind == GCH__SINK_MEMORY)
        return gch_fail(err, GCH_INVALID, "a memory writer has no commits");
    if (writer->row_count > writer->committed_count)
        writer->failure = commit_rows(writer, err);
    return writer->failure;
}

/* ---- the end ---- */

static gch_status finish(gch_writer *writer, gch_error *err)
{
    if (writer->failure != GCH_OK)
        return gch_fail(err, writer->failure, "%s: an earlier append failed", writer->sink.path);
    bool is_new = writer->sink.kind != GCH__SINK_APPEND;
    if (!is_new && writer->row_count == writer->committed_count && writer->shown_count < 2)
        return GCH_OK;
    GCH_TRY(encode_stage(writer, err));
    GCH_TRY(gch__builder_seal(&writer->builder, err));
    return commit_segments(writer, false, err);
}

static void destroy(gch_writer *writer)
{
    while (writer->shown_count > 0)
        gch__free(writer->allocator, writer->shown[--writer->shown_count].drawn_before, "shown");
    free_rounded(writer);
    gch__row_buffer_reset(&writer->stage);
    gch__builder_reset(&writer->builder);
    gch__meta_reset(&writer->meta);
    gch__sink_close(&writer->sink);
    gch__free(writer->allocator, writer->inputs, "writer");
    gch__free(writer->allocator, writer, "writer");
}

gch_status gch_writer_finish(gch_writer *writer, gch_error *err)
{
    gch_status status = GCH_OK;
    if (writer->sink.kind == GCH__SINK_MEMORY)
        status = gch_fail(err, GCH_INVALID, "a memory writer ends with finish_memory");
    else
        status = finish(writer, err);
    if (status == GCH_OK)
        destroy(writer);
    else
        gch_writer_abandon(writer);
    return status;
}

gch_status gch_writer_finish_memory(gch_writer *writer, void **out_bytes, size_t *out_byte_count,
                                    gch_error *err)
{
    gch_status status = GCH_OK;
    if (writer->sink.kind != GCH__SINK_MEMORY)
        status = gch_fail(err, GCH_INVALID, "%s: no memory writer", writer->sink.path);
    else
        status = finish(writer, err);
    if (status == GCH_OK)
        *out_bytes = gch__sink_take(&writer->sink, out_byte_count);
    gch_writer_abandon(writer);
    return status;
}

void gch_writer_free_memory(void *bytes, const gch_allocator *allocator)
{
    gch__image_free(bytes, allocator);
}

void gch_writer_abandon(gch_writer *writer)
{
    if (writer == NULL)
        return;
    /* What an append left behind the committed end is harmless; cutting it off is tidy. */
    if (writer->sink.kind == GCH__SINK_APPEND && writer->commit.committed_bytes > 0 &&
        !writer->is_committing) {
        gch_status ignored =
            gch__sink_truncate(&writer->sink, writer->commit.committed_bytes, NULL);
        (void)ignored;
    }
    destroy(writer);
}

void gch__writer_limit_segment_rows(gch_writer *writer, uint32_t rows)
{
    writer->builder.rows_max = GCH_MAX(rows, writer->builder.chunk_rows);
}

void gch__writer_limit_dead_bytes(gch_writer *writer, uint64_t bytes)
{
    writer->dead_bytes_min = bytes;
}

uint32_t gch__writer_chunk_rows(const gch_writer *writer)
{
    return writer->builder.chunk_rows;
}
