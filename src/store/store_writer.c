/* Writing files: rows are gathered into chunks, chunks become segments, and a commit makes them
 * part of the file.
 *
 * Invariants:
 *  1. A call is checked whole (order of times, scales) before a row of it is taken.
 *  2. After a failure inside the builder the writer only fails: `failure` is set.
 *  3. An append is durable in this order: segments and footer, then the trailer, then the slot. So
 * a trailer or slot on the disk means that all it speaks of is there too, and at any moment one
 *     sound slot speaks of a state that is whole.
 */
#include "store_writer.h"

#include "store_build.h"
#include "store_file.h"

#include <stdatomic.h>
#include <string.h>

/* Rows that do not fill a chunk yet. */
typedef struct stage {
    int64_t *times;
    uint32_t row_count;
    struct stage_column {
        uint8_t *values;
        int8_t *scales;
        uint8_t *validity; /* all ones but for nulls; used if has_nulls */
        bool has_nulls;
    } * columns;
} stage;

struct gch_writer {
    const gch_allocator *allocator;
    gch_workers *workers;
    gch__sink sink;
    gch__builder builder;
    gch__meta meta;
    stage stage;
    gch__column_input *inputs; /* of the chunk at hand */
    int64_t last_time;         /* of all rows taken */
    uint64_t row_count;
    uint64_t row_count_before; /* of an appended-to file */
    gch__disk_commit commit;   /* APPEND: the state appended to */
    uint32_t commit_slot;      /* APPEND: the slot that holds it */
    bool is_committing;        /* APPEND: the other slot may speak of the new rows */
    gch_status failure;
};

/* ---- making ---- */

static gch_status copy_desc_text(gch_writer *writer, const char *text, const char *fallback,
                                 const char *what, char **out, gch_error *err)
{
    const char *chosen = text != NULL ? text : fallback;
    size_t length = strlen(chosen);
    if (length > GCH__TEXT_BYTES_MAX || !gch__text_is_utf8(chosen, length))
        return gch_fail(err, GCH_INVALID, "%s: the %s is not UTF-8 of at most %u bytes",
                        writer->sink.path, what, GCH__TEXT_BYTES_MAX);
    *out = gch__copy_text(writer->allocator, chosen, length, "names");
    return *out != NULL ? GCH_OK : gch__no_memory(err, "names");
}

static gch_status check_columns(const gch_writer_desc *desc, const char *path, gch_error *err)
{
    if (desc->column_count == 0 || desc->column_count > GCH_COLUMN_CAP || desc->columns == NULL)
        return gch_fail(err, GCH_INVALID, "%s: a file has 1 to %u columns, not %u", path,
                        GCH_COLUMN_CAP, desc->column_count);
    for (uint32_t c = 0; c < desc->column_count; c++) {
        const gch_column_desc *column = &desc->columns[c];
        size_t length = column->name != NULL ? strlen(column->name) : 0;
        if (length == 0 || length > GCH__NAME_BYTES_MAX || !gch__text_is_utf8(column->name, length))
            return gch_fail(err, GCH_INVALID,
                            "%s: the name of column %u is not UTF-8 of 1 to %u "
                            "bytes",
                            path, c + 1, GCH__NAME_BYTES_MAX);
        if (gch_type_bytes(column->type) == 0)
            return gch_fail(err, GCH_INVALID, "%s: column \"%s\" has no type", path, column->name);
        for (uint32_t other = 0; other < c; other++) {
            if (strcmp(column->name, desc->columns[other].name) == 0)
                return gch_fail(err, GCH_INVALID, "%s: two columns are called \"%s\"", path,
                                column->name);
        }
    }
    if (desc->time_unit < GCH_TIME_INDEX || desc->time_unit > GCH_TIME_NS)
        return gch_fail(err, GCH_INVALID, "%s: no time unit", path);
    return GCH_OK;
}

/* The metadata of a new file. */
static gch_status fill_meta(gch_writer *writer, const gch_writer_desc *desc, gch_error *err)
{
    gch__meta *meta = &writer->meta;
    meta->time_unit = desc->time_unit;
    meta->time_is_text = desc->time_is_text;
    GCH_TRY(copy_desc_text(writer, desc->time_name, "time", "time column's name", &meta->time_name,
                           err));
    GCH_TRY(copy_desc_text(writer, desc->time_zone, "", "time zone", &meta->time_zone, err));
    GCH_TRY(copy_desc_text(writer, desc->source, "", "source", &meta->source, err));
    GCH_TRY(copy_desc_text(writer, "lossless", "", "preset", &meta->preset, err));
    meta->columns =
        gch__alloc_zero(writer->allocator, desc->column_count, sizeof *meta->columns, "names");
    if (meta->columns == NULL)
        return gch__no_memory(err, "names");
    meta->column_count = desc->column_count;
    for (uint32_t c = 0; c < desc->column_count; c++) {
        meta->columns[c].type = desc->columns[c].type;
        GCH_TRY(copy_desc_text(writer, desc->columns[c].name, "", "column's name",
                               &meta->columns[c].name, err));
        GCH_TRY(copy_desc_text(writer, desc->columns[c].unit, "", "column's unit",
                               &meta->columns[c].unit, err));
    }
    return GCH_OK;
}

static gch_status init_builder(gch_writer *writer, uint64_t end, gch_error *err)
{
    gch__builder *builder = &writer->builder;
    gch_type types[GCH_COLUMN_CAP];
    builder->allocator = writer->allocator;
    builder->workers = writer->workers;
    builder->sink = &writer->sink;
    builder->column_count = writer->meta.column_count;
    builder->end = end;
    for (uint32_t c = 0; c < builder->column_count; c++)
        types[c] = writer->meta.columns[c].type;
    writer->inputs =
        gch__alloc_zero(writer->allocator, builder->column_count, sizeof *writer->inputs, "writer");
    if (writer->inputs == NULL)
        return gch__no_memory(err, "writer");
    return gch__builder_init(builder, types, err);
}

static gch_status make_writer(const gch_writer_desc *desc, const char *path, gch_writer **out,
                              gch_error *err)
{
    GCH_TRY(check_columns(desc, path, err));
    gch_writer *writer = gch__alloc_zero(desc->allocator, 1, sizeof *writer, "writer");
    if (writer == NULL)
        return gch__no_memory(err, "writer");
    writer->allocator = desc->allocator;
    writer->workers = desc->workers;
    writer->meta.allocator = desc->allocator;
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
        status = fill_meta(writer, desc, err);
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
        status = fill_meta(writer, desc, err);
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

static gch_status match_columns(const gch_file *file, const gch_writer_desc *desc, gch_error *err)
{
    const gch_file_info *info = gch_file_get_info(file);
    if (info->time_unit != desc->time_unit)
        return gch_fail(err, GCH_INVALID, "%s: its times are in %s, the rows to append in %s",
                        info->path, gch_time_unit_name(info->time_unit),
                        gch_time_unit_name(desc->time_unit));
    if (info->column_count != desc->column_count)
        return gch_fail(err, GCH_INVALID, "%s: it has %u columns, the rows to append have %u",
                        info->path, info->column_count, desc->column_count);
    for (uint32_t c = 0; c < desc->column_count; c++) {
        const gch_column_info *have = &info->columns[c];
        const gch_column_desc *want = &desc->columns[c];
        if (strcmp(have->name, want->name) != 0 || have->type != want->type)
            return gch_fail(err, GCH_INVALID,
                            "%s: its column %u is \"%.60s\" (%s), the rows to append have "
                            "\"%.60s\" (%s)",
                            info->path, c + 1, have->name, gch_type_name(have->type), want->name,
                            gch_type_name(want->type));
    }
    return GCH_OK;
}

static gch_status copy_text(gch_writer *writer, const char *text, char **out, gch_error *err)
{
    *out = gch__copy_text(writer->allocator, text, strlen(text), "names");
    return *out != NULL ? GCH_OK : gch__no_memory(err, "names");
}

static gch_status copy_meta(gch_writer *writer, const gch__meta *from, gch_error *err)
{
    gch__meta *meta = &writer->meta;
    meta->generation = from->generation;
    meta->row_count = from->row_count;
    meta->time_unit = from->time_unit;
    meta->time_is_text = from->time_is_text;
    GCH_TRY(copy_text(writer, from->time_name, &meta->time_name, err));
    GCH_TRY(copy_text(writer, from->time_zone, &meta->time_zone, err));
    GCH_TRY(copy_text(writer, from->source, &meta->source, err));
    GCH_TRY(copy_text(writer, from->preset, &meta->preset, err));
    meta->columns =
        gch__alloc_zero(writer->allocator, from->column_count, sizeof *meta->columns, "names");
    if (meta->columns == NULL)
        return gch__no_memory(err, "names");
    meta->column_count = from->column_count;
    for (uint32_t c = 0; c < from->column_count; c++) {
        meta->columns[c].type = from->columns[c].type;
        meta->columns[c].decimals = from->columns[c].decimals;
        meta->columns[c].fixed_scale = from->columns[c].fixed_scale;
        GCH_TRY(copy_text(writer, from->columns[c].name, &meta->columns[c].name, err));
        GCH_TRY(copy_text(writer, from->columns[c].unit, &meta->columns[c].unit, err));
    }
    return GCH_OK;
}

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
    writer->row_count_before = meta->row_count;
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
    gch_status status = match_columns(file, desc, err);
    if (status == GCH_OK)
        status = copy_meta(writer, &file->meta, err);
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

#define ORDER_ROWS 65536u /* a task of the order check */

typedef struct order_job {
    const int64_t *times;
    size_t row_count;
    atomic_size_t first_bad; /* row_count: none */
} order_job;

static void check_order(void *context, size_t task, uint32_t worker)
{
    (void)worker;
    order_job *job = context;
    size_t first = task * ORDER_ROWS + 1;
    size_t end = GCH_MIN(first + ORDER_ROWS, job->row_count);
    const int64_t *times = job->times;
    uint32_t bad = 0;
    for (size_t row = first; row < end; row++)
        bad |= times[row] < times[row - 1];
    if (bad == 0)
        return;
    size_t row = first;
    while (times[row] >= times[row - 1])
        row++;
    size_t least = atomic_load(&job->first_bad);
    while (row < least && !atomic_compare_exchange_weak(&job->first_bad, &least, row)) {
    }
}

static gch_status check_times(gch_writer *writer, const int64_t *times, size_t row_count,
                              gch_error *err)
{
    if (times == NULL) {
        if (writer->meta.time_unit != GCH_TIME_INDEX)
            return gch_fail(err, GCH_INVALID, "%s: rows without times", writer->sink.path);
        int64_t last = writer->row_count > 0 ? writer->last_time : -1;
        if (row_count > INT64_MAX || __builtin_add_overflow(last, (int64_t)row_count, &last))
            return gch_fail(err, GCH_LIMIT, "%s: row numbers past 2^63", writer->sink.path);
        return GCH_OK;
    }
    order_job job = {.times = times, .row_count = row_count};
    atomic_init(&job.first_bad, row_count);
    if (writer->row_count > 0 && times[0] < writer->last_time)
        atomic_store(&job.first_bad, 0);
    else
        gch__parallel_for(writer->workers, (row_count - 1 + ORDER_ROWS - 1) / ORDER_ROWS,
                          check_order, &job);
    size_t bad = atomic_load(&job.first_bad);
    if (bad == row_count)
        return GCH_OK;
    int64_t before = bad > 0 ? times[bad - 1] : writer->last_time;
    return gch_fail(err, GCH_UNSORTED,
                    "%s: the time of row %llu (%lld) is before that of the row "
                    "ahead of it (%lld)",
                    writer->sink.path, (unsigned long long)(writer->row_count + bad),
                    (long long)times[bad], (long long)before);
}

static gch_status check_values(gch_writer *writer, const gch_column_data *columns, size_t row_count,
                               gch_error *err)
{
    for (uint32_t c = 0; c < writer->meta.column_count; c++) {
        const gch__meta_column *column = &writer->meta.columns[c];
        if (columns[c].values == NULL)
            return gch_fail(err, GCH_INVALID, "%s: no values for column \"%s\"", writer->sink.path,
                            column->name);
        if (column->type != GCH_TYPE_DECIMAL)
            continue;
        gch__column_input input = {.type = column->type,
                                   .values = columns[c].values,
                                   .scales = columns[c].scales,
                                   .validity = columns[c].validity};
        size_t bad = gch__scales_check(&input, row_count);
        if (bad < row_count)
            return gch_fail(err, GCH_INVALID, "%s: column \"%s\", row %llu: scale %d",
                            writer->sink.path, column->name,
                            (unsigned long long)(writer->row_count + bad), columns[c].scales[bad]);
    }
    return GCH_OK;
}

static gch_status make_stage(gch_writer *writer, gch_error *err)
{
    stage *staged = &writer->stage;
    const gch_allocator *allocator = writer->allocator;
    uint32_t rows = writer->builder.chunk_rows;
    if (staged->columns != NULL)
        return GCH_OK;
    staged->times = gch__alloc_array(allocator, rows, sizeof *staged->times, "stage");
    staged->columns =
        gch__alloc_zero(allocator, writer->meta.column_count, sizeof *staged->columns, "stage");
    bool is_whole = staged->times != NULL && staged->columns != NULL;
    for (uint32_t c = 0; is_whole && c < writer->meta.column_count; c++) {
        struct stage_column *column = &staged->columns[c];
        gch_type type = writer->meta.columns[c].type;
        column->values = gch__alloc_array(allocator, rows, gch_type_bytes(type), "stage");
        column->validity = gch__alloc(allocator, rows / 8, "stage");
        if (type == GCH_TYPE_DECIMAL)
            column->scales = gch__alloc(allocator, rows, "stage");
        is_whole = column->values != NULL && column->validity != NULL &&
                   (type != GCH_TYPE_DECIMAL || column->scales != NULL);
        if (is_whole)
            memset(column->validity, 0xFF, rows / 8);
    }
    return is_whole ? GCH_OK : gch__no_memory(err, "stage");
}

static void free_stage(gch_writer *writer)
{
    stage *staged = &writer->stage;
    for (uint32_t c = 0; staged->columns != NULL && c < writer->meta.column_count; c++) {
        gch__free(writer->allocator, staged->columns[c].values, "stage");
        gch__free(writer->allocator, staged->columns[c].scales, "stage");
        gch__free(writer->allocator, staged->columns[c].validity, "stage");
    }
    gch__free(writer->allocator, staged->columns, "stage");
    gch__free(writer->allocator, staged->times, "stage");
}

static void stage_column(struct stage_column *column, gch_type type, uint32_t at,
                         const gch_column_data *data, size_t from, uint32_t count)
{
    size_t size = gch_type_bytes(type);
    memcpy(column->values + at * size, (const uint8_t *)data->values + from * size, count * size);
    if (column->scales != NULL && data->scales != NULL)
        memcpy(column->scales + at, data->scales + from, count);
    else if (column->scales != NULL)
        memset(column->scales + at, 0, count);
    for (uint32_t i = 0; data->validity != NULL && i < count; i++) {
        size_t bit = from + i;
        if (bit % 8 == 0 && count - i >= 8 && data->validity[bit / 8] == 0xFF) {
            i += 7;
        } else if (!gch__bitmap_get(data->validity, bit)) {
            column->validity[(at + i) / 8] &= (uint8_t) ~(1u << ((at + i) % 8));
            column->has_nulls = true;
        }
    }
}

static void fill_index(int64_t *times, int64_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        times[i] = first + i;
}

static gch_status encode_stage(gch_writer *writer, gch_error *err)
{
    stage *staged = &writer->stage;
    if (staged->row_count == 0)
        return GCH_OK;
    for (uint32_t c = 0; c < writer->meta.column_count; c++) {
        struct stage_column *column = &staged->columns[c];
        writer->inputs[c] = (gch__column_input){
            .type = writer->meta.columns[c].type,
            .values = column->values,
            .scales = column->scales,
            .validity = column->has_nulls ? column->validity : NULL,
        };
    }
    GCH_TRY(
        gch__builder_add(&writer->builder, staged->times, writer->inputs, staged->row_count, err));
    staged->row_count = 0;
    for (uint32_t c = 0; c < writer->meta.column_count; c++) {
        if (staged->columns[c].has_nulls)
            memset(staged->columns[c].validity, 0xFF, writer->builder.chunk_rows / 8);
        staged->columns[c].has_nulls = false;
    }
    return GCH_OK;
}

/* Rows [from, from + count) of the call join those staged. */
static gch_status stage_rows(gch_writer *writer, const int64_t *times,
                             const gch_column_data *columns, size_t from, uint32_t count,
                             gch_error *err)
{
    GCH_TRY(make_stage(writer, err));
    stage *staged = &writer->stage;
    int64_t next = writer->row_count > 0 ? writer->last_time + 1 : 0;
    if (times != NULL)
        memcpy(staged->times + staged->row_count, times + from, count * sizeof *times);
    else
        fill_index(staged->times + staged->row_count, next, count);
    for (uint32_t c = 0; c < writer->meta.column_count; c++)
        stage_column(&staged->columns[c], writer->meta.columns[c].type, staged->row_count,
                     &columns[c], from, count);
    staged->row_count += count;
    writer->last_time = staged->times[staged->row_count - 1];
    writer->row_count += count;
    if (staged->row_count == writer->builder.chunk_rows)
        return encode_stage(writer, err);
    return GCH_OK;
}

/* A whole chunk goes straight from the caller's arrays. */
static gch_status encode_rows(gch_writer *writer, const int64_t *times,
                              const gch_column_data *columns, size_t from, gch_error *err)
{
    uint32_t count = writer->builder.chunk_rows;
    const int64_t *chunk_times = NULL;
    if (times != NULL) {
        chunk_times = times + from;
    } else {
        GCH_TRY(make_stage(writer, err));
        fill_index(writer->stage.times, writer->row_count > 0 ? writer->last_time + 1 : 0, count);
        chunk_times = writer->stage.times;
    }
    for (uint32_t c = 0; c < writer->meta.column_count; c++) {
        gch_type type = writer->meta.columns[c].type;
        const gch_column_data *data = &columns[c];
        writer->inputs[c] = (gch__column_input){
            .type = type,
            .values = (const uint8_t *)data->values + from * gch_type_bytes(type),
            .scales = data->scales != NULL ? data->scales + from : NULL,
            .validity = data->validity,
            .validity_first = from,
        };
    }
    GCH_TRY(gch__builder_add(&writer->builder, chunk_times, writer->inputs, count, err));
    writer->last_time = chunk_times[count - 1];
    writer->row_count += count;
    return GCH_OK;
}

static void scan_decimals(gch_writer *writer, const gch_column_data *columns, size_t row_count)
{
    for (uint32_t c = 0; c < writer->meta.column_count; c++) {
        gch__meta_column *column = &writer->meta.columns[c];
        gch__column_input input = {.type = column->type,
                                   .values = columns[c].values,
                                   .scales = columns[c].scales,
                                   .validity = columns[c].validity};
        if (column->type == GCH_TYPE_DECIMAL)
            gch__decimals_scan(&input, row_count, &column->decimals, &column->fixed_scale);
    }
}

gch_status gch_writer_append(gch_writer *writer, const int64_t *times,
                             const gch_column_data *columns, size_t row_count, gch_error *err)
{
    if (writer->failure != GCH_OK)
        return gch_fail(err, writer->failure, "%s: an earlier append failed", writer->sink.path);
    if (row_count == 0)
        return GCH_OK;
    GCH_TRY(check_times(writer, times, row_count, err));
    GCH_TRY(check_values(writer, columns, row_count, err));
    scan_decimals(writer, columns, row_count);
    uint32_t chunk = writer->builder.chunk_rows;
    for (size_t from = 0; from < row_count && writer->failure == GCH_OK;) {
        size_t left = row_count - from;
        if (writer->stage.row_count == 0 && left >= chunk) {
            writer->failure = encode_rows(writer, times, columns, from, err);
            from += chunk;
        } else {
            uint32_t part = (uint32_t)GCH_MIN(left, (size_t)(chunk - writer->stage.row_count));
            writer->failure = stage_rows(writer, times, columns, from, part, err);
            from += part;
        }
    }
    return writer->failure;
}

uint64_t gch_writer_row_count(const gch_writer *writer)
{
    return writer->row_count;
}

/* ---- the end ---- */

/* Everything up to the trailer; the trailer is the last 64 bytes of *out. */
static gch_status finish_segments(gch_writer *writer, gch__buffer *out, gch__disk_commit *commit,
                                  gch_error *err)
{
    GCH_TRY(encode_stage(writer, err));
    GCH_TRY(gch__builder_seal(&writer->builder, err));
    gch__meta *meta = &writer->meta;
    meta->generation = writer->commit.generation + 1;
    meta->previous_offset = writer->commit.footer_offset;
    meta->previous_bytes = writer->commit.footer_bytes;
    meta->row_count = writer->row_count;
    meta->segments = writer->builder.segments;
    meta->segment_count = writer->builder.segment_count;
    uint64_t offset = writer->builder.end;
    GCH_TRY(gch__footer_write(meta, offset, out, commit, err));
    return gch__sink_write(&writer->sink, offset, out->bytes, out->count - sizeof *commit, err);
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
    return gch__sink_sync(&writer->sink, err);
}

static gch_status finish(gch_writer *writer, gch_error *err)
{
    if (writer->failure != GCH_OK)
        return gch_fail(err, writer->failure, "%s: an earlier append failed", writer->sink.path);
    bool is_append = writer->sink.kind == GCH__SINK_APPEND;
    if (is_append && writer->row_count == writer->row_count_before)
        return GCH_OK;
    gch__disk_commit commit;
    gch__buffer footer = {.allocator = writer->allocator, .purpose = "footer"};
    gch_status status = finish_segments(writer, &footer, &commit, err);
    gch__buffer_reset(&footer);
    if (status != GCH_OK)
        return status;
    if (is_append)
        return finish_append(writer, &commit, err);
    GCH_TRY(finish_new(writer, &commit, err));
    return writer->sink.kind == GCH__SINK_REPLACE ? gch__sink_publish(&writer->sink, err) : GCH_OK;
}

static void destroy(gch_writer *writer)
{
    free_stage(writer);
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

uint32_t gch__writer_chunk_rows(const gch_writer *writer)
{
    return writer->builder.chunk_rows;
}
