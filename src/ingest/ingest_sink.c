/* Batches of rows to the writer or the callback.
 *
 * Invariants:
 *  1. Every kept batch but the last is full, so that row r of the input is row r % row_cap of batch
 *     r / row_cap.
 *  2. The bits of `validity` at and behind row_count are ones.
 *  3. The writer, unless rows go to a callback, exists from gch__ingest_sink_open until
 *     gch__ingest_sink_finish or gch__ingest_sink_reset.
 */
#include "ingest_sink.h"

#include <string.h>

#define ROW_CAP_MAX ((size_t)1 << 18)  /* what the writer packs at a time */
#define ENCODER_ROWS ((size_t)1 << 22) /* what makes a trip to a device worth it */
#define ROW_CAP_MIN ((size_t)4096)
#define BATCH_BYTES ((size_t)128 << 20)
#define CALLBACK_ROWS ((size_t)1 << 16) /* what a consumer without a packer's appetite gets */

static void batch_reset(const gch__ingest_sink *sink, gch__batch *batch)
{
    const gch_allocator *allocator = sink->job->allocator;
    gch__free(allocator, batch->times, "ingest times");
    for (uint32_t i = 0; batch->columns != NULL && i < sink->column_count; i++) {
        gch__free(allocator, batch->columns[i].values, "ingest values");
        gch__free(allocator, batch->columns[i].scales, "ingest values");
        gch__free(allocator, batch->columns[i].validity, "ingest values");
    }
    gch__free(allocator, batch->columns, "ingest values");
    *batch = (gch__batch){0};
}

static gch_status batch_init(const gch__ingest_sink *sink, bool has_times, gch__batch *batch,
                             gch_error *err)
{
    const gch_allocator *allocator = sink->job->allocator;
    const size_t rows = sink->row_cap;
    *batch = (gch__batch){.columns = gch__alloc_zero(allocator, sink->column_count,
                                                     sizeof *batch->columns, "ingest values")};
    if (batch->columns == NULL)
        return gch__no_memory(err, "ingest values");
    bool is_complete = true;
    if (has_times) {
        batch->times = gch__alloc_array(allocator, rows, sizeof(int64_t), "ingest times");
        is_complete = batch->times != NULL;
    }
    for (uint32_t i = 0; is_complete && i < sink->column_count; i++) {
        gch__batch_column *column = &batch->columns[i];
        gch_type type = sink->columns[i].type;
        column->values = gch__alloc_array(allocator, rows, gch_type_bytes(type), "ingest values");
        column->validity = gch__alloc(allocator, rows / 8, "ingest values");
        if (type == GCH_TYPE_DECIMAL)
            column->scales = gch__alloc(allocator, rows, "ingest values");
        is_complete = column->values != NULL && column->validity != NULL &&
                      (type != GCH_TYPE_DECIMAL || column->scales != NULL);
        if (is_complete)
            memset(column->validity, 0xFF, rows / 8);
    }
    if (!is_complete) {
        batch_reset(sink, batch);
        return gch__no_memory(err, "ingest values");
    }
    return GCH_OK;
}

/* Enough for speed, within a budget, and no more than small inputs can fill. */
static size_t choose_row_cap(const gch__ingest_job *job, const gch_column_desc *columns,
                             uint32_t column_count)
{
    size_t row_bytes = 8;
    uint64_t input_bytes = 0;
    bool is_encoded = job->desc->encoder != NULL;
    for (uint32_t i = 0; i < column_count; i++) {
        row_bytes += gch_type_bytes(columns[i].type) + 2;
        is_encoded = is_encoded && columns[i].type != GCH_TYPE_DECIMAL;
    }
    for (size_t i = 0; i < job->input_count; i++)
        input_bytes += job->inputs[i].can_rewind ? job->inputs[i].total_bytes : ENCODER_ROWS;
    size_t rows = job->take != NULL ? CALLBACK_ROWS : is_encoded ? ENCODER_ROWS : ROW_CAP_MAX;
    while (rows > ROW_CAP_MIN && (rows * row_bytes > BATCH_BYTES || rows / 2 >= input_bytes))
        rows /= 2;
    return rows;
}

gch_status gch__ingest_sink_init(gch__ingest_sink *sink, gch__ingest_job *job,
                                 const gch_column_desc *columns, uint32_t column_count,
                                 bool has_times, gch_error *err)
{
    *sink = (gch__ingest_sink){.job = job};
    if (column_count > GCH_COLUMN_CAP)
        return gch_fail(err, GCH_LIMIT,
                        "%s: %u value columns, at most %u; choose some with --column",
                        job->inputs[0].name, column_count, GCH_COLUMN_CAP);
    for (uint32_t i = 0; i < column_count; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (strcmp(columns[i].name, columns[k].name) == 0)
                return gch_fail(err, GCH_INVALID,
                                "%s: two columns are called \"%.80s\"; choose one by its number",
                                job->inputs[0].name, columns[i].name);
        }
    }
    sink->row_cap = choose_row_cap(job, columns, column_count);
    sink->columns = gch__alloc_array(job->allocator, column_count, sizeof *columns, "columns");
    sink->data = gch__alloc_zero(job->allocator, column_count, sizeof *sink->data, "columns");
    gch_status status = GCH_OK;
    if (sink->columns == NULL || sink->data == NULL) {
        status = gch__no_memory(err, "columns");
    } else {
        if (column_count > 0)
            memcpy(sink->columns, columns, column_count * sizeof *columns);
        sink->column_count = column_count;
        status = batch_init(sink, has_times, &sink->batch, err);
    }
    if (status != GCH_OK)
        gch__ingest_sink_reset(sink);
    else if (job->existing != NULL && job->existing->row_count > 0) {
        sink->has_last = true;
        sink->last_time = job->existing->last_time;
    }
    return status;
}

void gch__ingest_sink_set_points(gch__ingest_sink *sink, const gch__chosen *chosen)
{
    for (uint32_t i = 0; i < sink->column_count; i++) {
        if (chosen->values[i] == chosen->x)
            sink->x_name = sink->columns[i].name;
        if (chosen->values[i] == chosen->y)
            sink->y_name = sink->columns[i].name;
    }
}

void gch__ingest_sink_drop_column(gch__ingest_sink *sink, uint32_t column)
{
    const gch_allocator *allocator = sink->job->allocator;
    gch__batch_column *gone = &sink->batch.columns[column];
    gch__free(allocator, gone->values, "ingest values");
    gch__free(allocator, gone->scales, "ingest values");
    gch__free(allocator, gone->validity, "ingest values");
    uint32_t behind = sink->column_count - column - 1;
    memmove(gone, gone + 1, behind * sizeof *gone);
    memmove(&sink->columns[column], &sink->columns[column + 1], behind * sizeof *sink->columns);
    sink->column_count--;
    sink->batch.columns[sink->column_count] = (gch__batch_column){0};
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* Coordinates are columns that are never dropped. */
static uint32_t find_column(const gch__ingest_sink *sink, const char *name)
{
    uint32_t i = 0;
    while (i + 1 < sink->column_count && strcmp(sink->columns[i].name, name) != 0)
        i++;
    return i;
}

static gch_status make_writer(gch__ingest_sink *sink, gch_writer_desc *desc, gch_error *err)
{
    const gch__ingest_job *job = sink->job;
    gch_decimal *tolerances;
    gch_status status;
    GCH_TRY(gch__make_tolerances(job, job->inputs[0].name, sink->columns, sink->column_count,
                                 &tolerances, err));
    desc->column_tolerances = tolerances;
    if (job->into_memory)
        status = gch_writer_create_memory(desc, &sink->writer, err);
    else if (job->desc->append)
        status = gch_writer_open_append(job->desc->output, desc, &sink->writer, err);
    else
        status = gch_writer_create(job->desc->output, desc, &sink->writer, err);
    gch__free(job->allocator, tolerances, "columns");
    return status;
}

gch_status gch__ingest_sink_open(gch__ingest_sink *sink, gch_time_unit unit, bool time_is_text,
                                 const char *time_name, gch_error *err)
{
    const gch__ingest_job *job = sink->job;
    const gch_ingest_desc *desc = job->desc;
    gch_writer_desc writer_desc = {
        .time_unit = unit,
        .time_is_text = time_is_text,
        .time_name = time_name,
        .time_zone = desc->time_zone,
        .source = base_name(job->inputs[0].name),
        .columns = sink->columns,
        .column_count = sink->column_count,
        .preset = desc->preset,
        .tolerance = desc->tolerance,
        .workers = desc->workers,
        .encoder = desc->encoder,
        .allocator = job->allocator,
    };
    if (sink->x_name != NULL) {
        bool goes_on = job->existing != NULL && job->existing->is_point_set;
        sink->curve = desc->curve != GCH_CURVE_DEFAULT ? desc->curve
                      : goes_on                        ? job->existing->curve
                                                       : GCH_CURVE_MORTON;
        writer_desc.curve = sink->curve;
        writer_desc.x_column = sink->x_column = find_column(sink, sink->x_name);
        writer_desc.y_column = sink->y_column = find_column(sink, sink->y_name);
    }
    sink->unit = unit;
    sink->time_is_text = time_is_text;
    sink->time_name = time_name != NULL ? time_name : "time";
    job->report->time_unit = unit;
    return job->take != NULL ? GCH_OK : make_writer(sink, &writer_desc, err);
}

gch_status gch__ingest_sink_append(gch__ingest_sink *sink, const gch__batch *batch, gch_error *err)
{
    for (uint32_t i = 0; i < sink->column_count; i++) {
        const gch__batch_column *column = &batch->columns[i];
        sink->data[i] = (gch_column_data){.values = column->values,
                                          .scales = column->scales,
                                          .validity = column->has_gaps ? column->validity : NULL};
    }
    const gch__ingest_job *job = sink->job;
    if (job->take == NULL)
        return gch_writer_append(sink->writer, batch->times, sink->data, batch->row_count, err);
    const gch_rows rows = {.time_unit = sink->unit,
                           .time_is_text = sink->time_is_text,
                           .time_name = sink->time_name,
                           .columns = sink->columns,
                           .column_count = sink->column_count,
                           .first_row = sink->row_count,
                           .row_count = batch->row_count,
                           .times = batch->times,
                           .data = sink->data};
    return job->take(job->take_context, &rows, err);
}

static gch_status keep_batch(gch__ingest_sink *sink, gch_error *err)
{
    GCH_TRY(gch__ensure(sink->job->allocator, (void **)&sink->kept, &sink->kept_cap,
                        sink->kept_count + 1, sizeof *sink->kept, "sort", err));
    gch__batch fresh;
    GCH_TRY(batch_init(sink, sink->batch.times != NULL, &fresh, err));
    sink->kept[sink->kept_count++] = sink->batch;
    sink->batch = fresh;
    return GCH_OK;
}

gch_status gch__ingest_sink_flush(gch__ingest_sink *sink, gch_error *err)
{
    gch__batch *batch = &sink->batch;
    if (batch->row_count == 0)
        return GCH_OK;
    if (sink->rate.is_set)
        GCH_TRY(gch__rate_fill(&sink->rate, sink->row_count, batch->row_count, batch->times, err));
    bool is_by_time = sink->job->desc->sort && batch->times != NULL && !sink->rate.is_set;
    if (is_by_time || sink->curve != GCH_CURVE_DEFAULT) {
        sink->row_count += batch->row_count;
        return keep_batch(sink, err);
    }
    GCH_TRY(gch__ingest_sink_append(sink, batch, err));
    sink->row_count += batch->row_count;
    for (uint32_t i = 0; i < sink->column_count; i++) {
        gch__batch_column *column = &batch->columns[i];
        if (column->has_gaps)
            memset(column->validity, 0xFF, sink->row_cap / 8);
        column->has_gaps = false;
    }
    batch->row_count = 0;
    return GCH_OK;
}

gch_status gch__ingest_sink_commit(gch__ingest_sink *sink, gch_error *err)
{
    if (sink->writer == NULL)
        return GCH_OK;
    GCH_TRY(gch_writer_commit(sink->writer, err));
    sink->job->report->committed_count = sink->row_count;
    return GCH_OK;
}

gch_status gch__ingest_sink_finish(gch__ingest_sink *sink, gch_error *err)
{
    gch__ingest_job *job = sink->job;
    GCH_TRY(gch__ingest_sink_flush(sink, err));
    if (sink->kept_count > 0)
        GCH_TRY(gch__ingest_sink_sort(sink, err));
    job->report->row_count = sink->row_count;
    if (job->take != NULL)
        return GCH_OK;
    gch_writer *writer = sink->writer;
    sink->writer = NULL; /* gone whatever is returned */
    if (job->into_memory)
        return gch_writer_finish_memory(writer, &job->image, &job->image_bytes, err);
    return gch_writer_finish(writer, err);
}

void gch__ingest_sink_reset(gch__ingest_sink *sink)
{
    if (sink->job == NULL)
        return;
    const gch_allocator *allocator = sink->job->allocator;
    gch_writer_abandon(sink->writer);
    batch_reset(sink, &sink->batch);
    for (size_t i = 0; i < sink->kept_count; i++)
        batch_reset(sink, &sink->kept[i]);
    gch__free(allocator, sink->kept, "sort");
    gch__free(allocator, sink->columns, "columns");
    gch__free(allocator, sink->data, "columns");
    *sink = (gch__ingest_sink){0};
}
