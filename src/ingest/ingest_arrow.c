/* Arrow streams to the writer: record batches are read where they lie.
 *
 * Invariants:
 *  1. The stream, its schema and every batch are released exactly once, whatever happens.
 *  2. Nothing of a batch is read before its counts, offsets and pointers have been checked against
 *     the schema; the lengths of its buffers are the producer's word, the interface has no others.
 *  3. Values go to the writer from Arrow's own buffers; only what lies there in another form (bits,
 *     16-byte decimals, a validity that starts within a byte, misaligned arrays) goes through a
 *     scratch, a bounded slice of rows at a time.
 *  4. Slices begin at multiples of 8 rows of their batch.
 */
#include "base.h"
#include "codec.h"
#include "gch/arrow.h"
#include "ingest_arrow_type.h"
#include "ingest_job.h"
#include "store_open.h"

#include <errno.h>
#include <string.h>

#define SLICE_ROWS_MAX ((size_t)1 << 20) /* also what the writer packs at a time */
#define SLICE_ROWS_MIN ((size_t)4096)
#define SCRATCH_BYTES ((size_t)128 << 20)
#define ROWS_MAX (INT64_MAX / 64) /* so that no size in bytes overflows */
#define CHILDREN_MAX 65536
#define SOURCE_NAME "Arrow stream"

typedef struct arrow_column {
    uint32_t child;
    gch__arrow_type type;
    const char *name;
    /* Of the batch at hand: */
    const uint8_t *values;
    const uint8_t *validity; /* NULL: no nulls */
    size_t first;            /* row 0 of the batch is this row of the buffers */
    bool copies_values, copies_validity;
    /* Scratch for a slice. */
    void *own_values, *own_scales, *own_validity;
    size_t values_cap, scales_cap, validity_cap;
} arrow_column;

typedef struct arrow_run {
    gch__ingest_job job;
    struct ArrowSchema schema;
    gch__chosen chosen;
    arrow_column *columns; /* value columns, and behind them the time column */
    gch_column_desc *descs;
    gch_column_data *data;
    uint32_t column_count; /* of values */
    bool has_time;
    gch_time_unit unit;    /* DEFAULT: to be guessed from the first rows */
    const char *time_zone; /* NULL: none */
    gch_writer *writer;
    uint64_t row_count; /* handed to the writer */
    bool has_last;
    int64_t last_time;
} arrow_run;

static arrow_column *time_column(const arrow_run *run)
{
    return run->has_time ? &run->columns[run->column_count] : NULL;
}

/* A row of the slice as messages count it. */
static unsigned long long row_number(const arrow_run *run, size_t row_of_slice)
{
    return (unsigned long long)run->row_count + row_of_slice + 1;
}

/* ---- bitmaps ---- */

static bool get_bit(const uint8_t *bits, size_t at)
{
    return (bits[at >> 3] >> (at & 7) & 1) != 0;
}

/* The first zero among `count` bits from bit `first`, or count. */
static size_t find_null(const uint8_t *bits, size_t first, size_t count)
{
    for (size_t i = 0; i < count;) {
        size_t at = first + i;
        if (at % 8 == 0 && count - i >= 8 && bits[at / 8] == 0xFF)
            i += 8;
        else if (!get_bit(bits, at))
            return i;
        else
            i++;
    }
    return count;
}

/* `count` bits from bit `first`, to bit 0 of `out`; reads no byte without a bit of them. */
static void shift_bits(const uint8_t *bits, size_t first, size_t count, uint8_t *out)
{
    const size_t last = (first + count - 1) / 8, shift = first % 8;
    for (size_t i = 0, at = first / 8; i < (count + 7) / 8; i++, at++) {
        uint32_t high = at < last ? bits[at + 1] : 0;
        out[i] = (uint8_t)((bits[at] | high << 8) >> shift);
    }
}

/* ---- slices ---- */

static gch_status check_u64(const arrow_run *run, const arrow_column *column, size_t at,
                            size_t count, gch_error *err)
{
    const uint8_t *from = column->values + at * 8;
    for (size_t i = 0; i < count; i++) {
        uint64_t value;
        memcpy(&value, from + i * 8, 8);
        if (value > INT64_MAX && (column->validity == NULL || get_bit(column->validity, at + i)))
            return gch_fail(err, GCH_LIMIT,
                            SOURCE_NAME ": column \"%.80s\", row %llu: %llu is "
                                        "beyond int64",
                            column->name, row_number(run, i), (unsigned long long)value);
    }
    return GCH_OK;
}

/* One scale for all rows, and none below 0, so that the writer can keep all of them as decimals. */
static gch_status copy_decimals(const arrow_run *run, arrow_column *column, size_t at, size_t count,
                                gch_error *err)
{
    int64_t *digits = column->own_values;
    const int32_t scale = (int32_t)column->type.scale;
    const int64_t power = scale < 0 ? gch__pow10_i64[-scale] : 1;
    memset(column->own_scales, GCH_MAX(scale, 0), count);
    for (size_t i = 0; i < count; i++) {
        __int128 value;
        memcpy(&value, column->values + (at + i) * 16, 16);
        if (column->validity != NULL && !get_bit(column->validity, at + i))
            value = 0;
        if (value > INT64_MAX || value < INT64_MIN ||
            __builtin_mul_overflow((int64_t)value, power, &digits[i]))
            return gch_fail(err, GCH_LIMIT,
                            SOURCE_NAME ": column \"%.80s\", row %llu: a decimal "
                                        "of more digits than int64 holds",
                            column->name, row_number(run, i));
    }
    return GCH_OK;
}

static gch_status ensure(const arrow_run *run, void **array, size_t *cap, size_t count, size_t size,
                         gch_error *err)
{
    return gch__ensure(run->job.allocator, array, cap, count, size, "arrow", err);
}

/* Rows [row, row + count) of the batch as the writer takes them. */
static gch_status take_values(arrow_run *run, arrow_column *column, size_t row, size_t count,
                              gch_column_data *out, gch_error *err)
{
    const size_t at = column->first + row, bytes = gch_type_bytes(column->type.type);
    *out = (gch_column_data){.values = column->values + at * column->type.row_bytes};
    if (column->copies_values) {
        GCH_TRY(ensure(run, &column->own_values, &column->values_cap, count, bytes, err));
        out->values = column->own_values;
    }
    switch (column->type.kind) {
    case GCH__ARROW_BOOL:
        for (size_t i = 0; i < count; i++)
            ((uint8_t *)column->own_values)[i] = get_bit(column->values, at + i);
        break;
    case GCH__ARROW_DECIMAL128:
        GCH_TRY(ensure(run, &column->own_scales, &column->scales_cap, count, 1, err));
        GCH_TRY(copy_decimals(run, column, at, count, err));
        out->scales = column->own_scales;
        break;
    case GCH__ARROW_U64:
        GCH_TRY(check_u64(run, column, at, count, err));
        /* fall through */
    default:
        if (column->copies_values)
            memcpy(column->own_values, column->values + at * bytes, count * bytes);
        break;
    }
    if (column->validity != NULL && column->copies_validity) {
        GCH_TRY(ensure(run, &column->own_validity, &column->validity_cap, (count + 7) / 8, 1, err));
        shift_bits(column->validity, at, count, column->own_validity);
        out->validity = column->own_validity;
    } else if (column->validity != NULL) {
        out->validity = column->validity + at / 8;
    }
    return GCH_OK;
}

static int64_t load_integer(gch_type type, const uint8_t *from)
{
    switch (type) {
    case GCH_TYPE_I8:
        return (int8_t)*from;
    case GCH_TYPE_U8:
        return *from;
    case GCH_TYPE_I16:
        return (int16_t)gch__load_u16(from);
    case GCH_TYPE_U16:
        return gch__load_u16(from);
    case GCH_TYPE_I32:
        return (int32_t)gch__load_u32(from);
    case GCH_TYPE_U32:
        return gch__load_u32(from);
    default:
        return (int64_t)gch__load_u64(from);
    }
}

static gch_status copy_times(const arrow_run *run, const arrow_column *time, size_t at,
                             size_t count, gch_error *err)
{
    int64_t *out = time->own_values;
    const bool is_date = time->type.kind == GCH__ARROW_DATE32;
    const gch_type type = is_date                               ? GCH_TYPE_I32
                          : time->type.type == GCH_TYPE_DEFAULT ? GCH_TYPE_I64
                                                                : time->type.type;
    const int64_t per_day = is_date ? gch_time_unit_per_second(run->unit) * 86400 : 1;
    for (size_t i = 0; i < count; i++) {
        int64_t value = load_integer(type, time->values + (at + i) * time->type.row_bytes);
        if (__builtin_mul_overflow(value, per_day, &out[i]))
            return gch_fail(err, GCH_LIMIT, SOURCE_NAME ": row %llu: a date beyond what %s hold",
                            row_number(run, i), gch_time_unit_name(run->unit));
    }
    return GCH_OK;
}

static gch_status take_times(arrow_run *run, size_t row, size_t count, const int64_t **out,
                             gch_error *err)
{
    arrow_column *time = time_column(run);
    *out = NULL;
    if (time == NULL)
        return GCH_OK;
    const size_t at = time->first + row;
    size_t null = time->validity != NULL ? find_null(time->validity, at, count) : count;
    if (null < count)
        return gch_fail(err, GCH_INVALID, SOURCE_NAME ": row %llu: the time (\"%.80s\") is null",
                        row_number(run, null), time->name);
    if (time->type.kind == GCH__ARROW_U64)
        GCH_TRY(check_u64(run, time, at, count, err));
    if (!time->copies_values) {
        *out = (const int64_t *)(const void *)(time->values + at * sizeof(int64_t));
        return GCH_OK;
    }
    GCH_TRY(ensure(run, &time->own_values, &time->values_cap, count, sizeof(int64_t), err));
    GCH_TRY(copy_times(run, time, at, count, err));
    *out = time->own_values;
    return GCH_OK;
}

/* ---- batches ---- */

/* The rows [array->offset, array->offset + array->length) of a child. */
static gch_status bind_column(arrow_column *column, const struct ArrowArray *array, bool is_time,
                              gch_error *err)
{
    const struct ArrowArray *child = array->children[column->child];
    const char *fault = NULL;
    if (child == NULL || child->buffers == NULL || child->n_buffers != 2)
        fault = "has not 2 buffers";
    else if (child->n_children != 0 || child->dictionary != NULL)
        fault = "is not what the schema says";
    else if (child->offset < 0 || child->length < 0 || child->offset > ROWS_MAX ||
             child->length > ROWS_MAX || child->length < array->offset + array->length)
        fault = "is shorter than its batch, or has a bad offset";
    else if (child->null_count < -1 || child->null_count > child->length)
        fault = "has a bad count of nulls";
    else if (child->null_count > 0 && child->buffers[0] == NULL)
        fault = "has nulls and no validity";
    else if (array->length > 0 && child->buffers[1] == NULL)
        fault = "has no values";
    if (fault != NULL)
        return gch_fail(err, GCH_INVALID, SOURCE_NAME ": column \"%.80s\" of a batch %s",
                        column->name, fault);
    if (array->length == 0)
        return GCH_OK;
    const gch__arrow_kind kind = column->type.kind;
    const size_t row_bytes = column->type.row_bytes;
    column->values = child->buffers[1];
    column->validity = child->null_count != 0 ? child->buffers[0] : NULL;
    column->first = (size_t)(child->offset + array->offset);
    column->copies_validity = column->first % 8 != 0;
    if (kind == GCH__ARROW_BOOL || kind == GCH__ARROW_DECIMAL128)
        column->copies_values = true;
    else if (is_time && row_bytes != sizeof(int64_t))
        column->copies_values = true;
    else
        column->copies_values = (uintptr_t)column->values % row_bytes != 0;
    return GCH_OK;
}

static gch_status bind_batch(arrow_run *run, const struct ArrowArray *array, gch_error *err)
{
    if (array->offset < 0 || array->length < 0 || array->offset > ROWS_MAX ||
        array->length > ROWS_MAX)
        return gch_fail(err, GCH_INVALID, SOURCE_NAME ": a batch of %lld rows from row %lld",
                        (long long)array->length, (long long)array->offset);
    if (array->n_children != run->schema.n_children || array->children == NULL)
        return gch_fail(err, GCH_INVALID,
                        SOURCE_NAME ": a batch of %lld columns, where the schema "
                                    "has %lld",
                        (long long)array->n_children, (long long)run->schema.n_children);
    if (array->n_buffers != 1 || array->buffers == NULL)
        return gch_fail(err, GCH_INVALID, SOURCE_NAME ": a batch has %lld buffers, not 1",
                        (long long)array->n_buffers);
    if (array->null_count != 0 && array->buffers[0] != NULL) {
        size_t count = (size_t)array->length;
        size_t null = find_null(array->buffers[0], (size_t)array->offset, count);
        if (null < count)
            return gch_fail(err, GCH_INVALID, SOURCE_NAME ": row %llu is null as a whole",
                            row_number(run, null));
    }
    for (uint32_t i = 0; i < run->column_count; i++)
        GCH_TRY(bind_column(&run->columns[i], array, false, err));
    return run->has_time ? bind_column(time_column(run), array, true, err) : GCH_OK;
}

/* As many rows as the scratch has room for. */
static size_t choose_slice(const arrow_run *run)
{
    size_t row_bytes = 1, rows = SLICE_ROWS_MAX;
    for (uint32_t i = 0; i < run->column_count + run->has_time; i++) {
        row_bytes += run->columns[i].copies_values ? 9 : 0;
        row_bytes += run->columns[i].copies_validity;
    }
    while (rows > SLICE_ROWS_MIN && rows * row_bytes > SCRATCH_BYTES)
        rows /= 2;
    return rows;
}

/* ---- the writer ---- */

static gch_status open_writer(arrow_run *run, const int64_t *times, size_t count, gch_error *err)
{
    const gch_ingest_desc *desc = run->job.desc;
    const arrow_column *time = time_column(run);
    if (run->unit == GCH_TIME_DEFAULT) {
        int64_t largest = 0;
        for (size_t i = 0; i < count && i < GCH__PROBE_ROWS; i++)
            largest = GCH_MAX(largest, times[i] < 0 ? -(times[i] + 1) : times[i]);
        run->unit = gch_time_unit_guess(largest);
        run->job.report->time_unit_guessed = true;
    }
    run->job.report->time_unit = run->unit;
    gch_writer_desc writer_desc = {
        .time_unit = run->unit,
        .time_is_text = time != NULL && time->type.type == GCH_TYPE_DEFAULT,
        .time_name = time != NULL ? time->name : "index",
        .time_zone = run->time_zone,
        .source = "arrow",
        .columns = run->descs,
        .column_count = run->column_count,
        .workers = desc->workers,
        .preset = desc->preset,
        .tolerance = desc->tolerance,
        .allocator = desc->allocator,
    };
    gch_decimal *tolerances;
    GCH_TRY(gch__make_tolerances(&run->job, SOURCE_NAME, run->descs, run->column_count, &tolerances,
                                 err));
    writer_desc.column_tolerances = tolerances;
    gch_status status = desc->append
                            ? gch_writer_open_append(desc->output, &writer_desc, &run->writer, err)
                            : gch_writer_create(desc->output, &writer_desc, &run->writer, err);
    gch__free(run->job.allocator, tolerances, "columns");
    return status;
}

/* Appends; a refusal for the order is told as gch_ingest tells it. */
static gch_status append(arrow_run *run, const int64_t *times, size_t count, gch_error *err)
{
    gch_status status = gch_writer_append(run->writer, times, run->data, count, err);
    if (times == NULL)
        return status;
    for (size_t i = 0; status == GCH_UNSORTED && i < count; i++) {
        if (run->has_last && times[i] < run->last_time) {
            gch__ingest_note_late(&run->job, times[i]);
            break;
        }
        run->has_last = true;
        run->last_time = times[i];
    }
    run->has_last = true;
    run->last_time = times[count - 1];
    return status;
}

static gch_status take_batch(arrow_run *run, const struct ArrowArray *array, gch_error *err)
{
    GCH_TRY(bind_batch(run, array, err));
    const size_t rows = (size_t)array->length, slice = choose_slice(run);
    for (size_t row = 0; row < rows; row += slice) {
        const size_t count = GCH_MIN(slice, rows - row);
        const int64_t *times;
        GCH_TRY(take_times(run, row, count, &times, err));
        for (uint32_t i = 0; i < run->column_count; i++)
            GCH_TRY(take_values(run, &run->columns[i], row, count, &run->data[i], err));
        if (run->writer == NULL)
            GCH_TRY(open_writer(run, times, count, err));
        GCH_TRY(append(run, times, count, err));
        run->row_count += count;
        for (uint32_t i = 0; i < run->column_count + run->has_time; i++)
            run->job.report->input_bytes += (uint64_t)count * run->columns[i].type.row_bytes;
        GCH_TRY(
            gch__report(run->job.desc->progress, &run->job.reported_ns, run->row_count, 0, err));
    }
    return GCH_OK;
}

/* ---- the schema ---- */

static gch_status add_column(arrow_run *run, uint32_t child, gch_error *err)
{
    const struct ArrowSchema *schema = run->schema.children[child];
    arrow_column column = {.child = child,
                           .type = gch__arrow_type_parse(schema->format),
                           .name = schema->name != NULL ? schema->name : ""};
    if (schema->dictionary != NULL || schema->n_children != 0)
        column.type = (gch__arrow_type){0};
    if (column.type.type == GCH_TYPE_DEFAULT && run->chosen.is_named)
        return gch_fail(err, GCH_UNSUPPORTED,
                        SOURCE_NAME ": column \"%.80s\" has the format \"%.40s\"%s, which no value "
                                    "column may have",
                        column.name, schema->format,
                        schema->dictionary != NULL ? " of a dictionary" : "");
    if (column.type.type == GCH_TYPE_DEFAULT) {
        run->job.report->skipped_column_count++;
        return GCH_OK;
    }
    run->descs[run->column_count] =
        (gch_column_desc){.name = column.name, .type = column.type.type};
    run->columns[run->column_count++] = column;
    return GCH_OK;
}

/* The unit that the schema or the caller says. */
static gch_status decide_unit(arrow_run *run, gch_error *err)
{
    const arrow_column *time = time_column(run);
    gch_time_unit given = run->job.desc->time_unit;
    if (given == GCH_TIME_DEFAULT && run->job.existing != NULL)
        given = run->job.existing->time_unit;
    run->unit = given;
    if (time == NULL) {
        run->unit = GCH_TIME_INDEX;
    } else if (time->type.unit != GCH_TIME_DEFAULT) {
        if (given != GCH_TIME_DEFAULT && given != time->type.unit)
            return gch_fail(
                err, GCH_INVALID, SOURCE_NAME ": times (\"%.80s\") are in %s, asked for in %s",
                time->name, gch_time_unit_name(time->type.unit), gch_time_unit_name(given));
        run->unit = time->type.unit;
    } else if (time->type.kind == GCH__ARROW_DATE32) {
        if (given == GCH_TIME_INDEX)
            return gch_fail(err, GCH_INVALID,
                            SOURCE_NAME ": times (\"%.80s\") are dates, asked for as an index",
                            time->name);
        run->unit = given != GCH_TIME_DEFAULT ? given : GCH_TIME_S;
    } else if (given == GCH_TIME_DEFAULT && gch__is_index_name(time->name)) {
        run->unit = GCH_TIME_INDEX;
    }
    return GCH_OK;
}

/* A zone that was asked for must be known; one of the schema is left away if it is not: the
 * instants are the same, and a chart could not be drawn in it. */
static gch_status decide_zone(arrow_run *run, gch_error *err)
{
    const arrow_column *time = time_column(run);
    const char *given = run->job.desc->time_zone;
    const char *name = given;
    if (name == NULL && time != NULL && time->type.kind == GCH__ARROW_TIMESTAMP)
        name = time->type.zone;
    if (name == NULL || name[0] == '\0')
        return GCH_OK;
    gch_time_zone *zone = NULL;
    gch_status status = GCH_OK;
    if (strcmp(name, "UTC") != 0)
        status = gch_time_zone_open(name, run->job.allocator, &zone, given != NULL ? err : NULL);
    gch_time_zone_close(zone);
    if (status == GCH_OK)
        run->time_zone = name;
    else if (given != NULL)
        return status;
    else if (status == GCH_NO_MEMORY)
        return gch__no_memory(err, "time zone");
    return GCH_OK;
}

static gch_status choose_time(arrow_run *run, gch_error *err)
{
    if (run->chosen.time == GCH__NO_FIELD)
        return GCH_OK;
    const struct ArrowSchema *schema = run->schema.children[run->chosen.time];
    arrow_column column = {.child = run->chosen.time,
                           .type = gch__arrow_type_parse(schema->format),
                           .name = schema->name != NULL ? schema->name : ""};
    if (!column.type.can_be_time || schema->dictionary != NULL || schema->n_children != 0)
        return gch_fail(err, GCH_INVALID,
                        SOURCE_NAME ": time column \"%.80s\" has the format \"%.40s\"%s; times are "
                                    "timestamps, dates or integers; choose another, or \"none\"",
                        column.name, schema->format,
                        schema->dictionary != NULL ? " of a dictionary" : "");
    run->columns[run->column_count] = column;
    run->has_time = true;
    return GCH_OK;
}

static gch_status choose_columns(arrow_run *run, gch_error *err)
{
    const struct ArrowSchema *schema = &run->schema;
    const gch_allocator *allocator = run->job.allocator;
    uint32_t count = (uint32_t)schema->n_children, datetime_field = GCH__NO_FIELD;
    gch_status status = GCH_OK;
    const char **names = gch__alloc_array(allocator, count, sizeof *names, "columns");
    if (names == NULL)
        return gch__no_memory(err, "columns");
    for (uint32_t i = count; i-- > 0;) {
        const struct ArrowSchema *child = schema->children[i];
        gch__arrow_type type = gch__arrow_type_parse(child->format);
        names[i] = child->name != NULL ? child->name : "";
        if (type.can_be_time && type.type == GCH_TYPE_DEFAULT)
            datetime_field = i;
    }
    GCH_TRY_GOTO(gch__choose_columns(&run->job, SOURCE_NAME, names, count, datetime_field,
                                     &run->chosen, err),
                 cleanup);
    const size_t room = (size_t)run->chosen.value_count + 1;
    run->columns = gch__alloc_zero(allocator, room, sizeof *run->columns, "columns");
    run->descs = gch__alloc_zero(allocator, room, sizeof *run->descs, "columns");
    run->data = gch__alloc_zero(allocator, room, sizeof *run->data, "columns");
    if (run->columns == NULL || run->descs == NULL || run->data == NULL) {
        status = gch__no_memory(err, "columns");
        goto cleanup;
    }
    for (uint32_t i = 0; i < run->chosen.value_count; i++)
        GCH_TRY_GOTO(add_column(run, run->chosen.values[i], err), cleanup);
    if (run->column_count == 0) {
        status =
            gch_fail(err, GCH_INVALID, SOURCE_NAME ": no column besides the time holds numbers");
        goto cleanup;
    }
    status = choose_time(run, err);
cleanup:
    gch__free(allocator, names, "columns");
    return status;
}

static gch_status stream_failed(struct ArrowArrayStream *stream, int code, gch_error *err)
{
    const char *text = stream->get_last_error != NULL ? stream->get_last_error(stream) : NULL;
    gch_status status = code == ENOMEM ? GCH_NO_MEMORY : code == ECANCELED ? GCH_CANCELLED : GCH_IO;
    return gch_fail(err, status, SOURCE_NAME ": %.180s (error %d)",
                    text != NULL ? text : "no message", code);
}

static gch_status read_schema(arrow_run *run, struct ArrowArrayStream *stream, gch_error *err)
{
    struct ArrowSchema schema = {0};
    int code = stream->get_schema(stream, &schema);
    if (code != 0)
        return stream_failed(stream, code, err);
    run->schema = schema;
    if (schema.release == NULL)
        return gch_fail(err, GCH_INVALID, SOURCE_NAME ": the schema is released");
    if (schema.format == NULL || strcmp(schema.format, "+s") != 0)
        return gch_fail(err, GCH_INVALID,
                        SOURCE_NAME ": of format \"%.40s\", not a struct of columns",
                        schema.format != NULL ? schema.format : "");
    if (schema.n_children < 1 || schema.n_children > CHILDREN_MAX || schema.children == NULL)
        return gch_fail(err, GCH_INVALID, SOURCE_NAME ": %lld columns, expected 1 to %d",
                        (long long)schema.n_children, CHILDREN_MAX);
    for (int64_t i = 0; i < schema.n_children; i++) {
        if (schema.children[i] == NULL || schema.children[i]->format == NULL)
            return gch_fail(err, GCH_INVALID, SOURCE_NAME ": column %lld has no format",
                            (long long)(i + 1));
    }
    return GCH_OK;
}

/* ---- the front ---- */

static gch_status check_desc(const struct ArrowArrayStream *stream, const gch_ingest_desc *desc,
                             gch_error *err)
{
    if (stream == NULL || stream->release == NULL || stream->get_schema == NULL ||
        stream->get_next == NULL)
        return gch_fail(err, GCH_INVALID, SOURCE_NAME ": released, or not a stream");
    if (desc->output == NULL || desc->output[0] == '\0')
        return gch_fail(err, GCH_INVALID, "no output");
    if (desc->input_count != 0 || desc->format != GCH_FORMAT_DEFAULT || desc->layout != NULL ||
        desc->header != GCH_HEADER_DEFAULT || desc->delimiter != 0 || desc->skip_bytes != 0 ||
        desc->rate_hz != 0 || desc->start_ticks != 0 || desc->sort || desc->skip_bad != 0 ||
        desc->commit_every_ms != 0 || desc->x_column != NULL || desc->y_column != NULL ||
        desc->curve != GCH_CURVE_DEFAULT)
        return gch_fail(err, GCH_INVALID,
                        SOURCE_NAME ": takes no inputs, format, layout, header, "
                                    "delimiter, skipping, rate, commits, sorting or points");
    return GCH_OK;
}

static gch_status read_all(arrow_run *run, struct ArrowArrayStream *stream, gch_error *err)
{
    GCH_TRY(read_schema(run, stream, err));
    GCH_TRY(choose_columns(run, err));
    GCH_TRY(decide_unit(run, err));
    GCH_TRY(decide_zone(run, err));
    for (;;) {
        struct ArrowArray array = {0};
        int code = stream->get_next(stream, &array);
        if (code != 0)
            return stream_failed(stream, code, err);
        if (array.release == NULL)
            break;
        gch_status status = take_batch(run, &array, err);
        array.release(&array);
        if (status != GCH_OK)
            return status;
    }
    if (run->writer == NULL)
        GCH_TRY(open_writer(run, NULL, 0, err));
    gch_writer *writer = run->writer;
    run->writer = NULL; /* gone whatever is returned */
    run->job.report->row_count = run->row_count;
    return gch_writer_finish(writer, err);
}

static void run_reset(arrow_run *run)
{
    const gch_allocator *allocator = run->job.allocator;
    gch_writer_abandon(run->writer);
    for (uint32_t i = 0; run->columns != NULL && i < run->column_count + run->has_time; i++) {
        gch__free(allocator, run->columns[i].own_values, "arrow");
        gch__free(allocator, run->columns[i].own_scales, "arrow");
        gch__free(allocator, run->columns[i].own_validity, "arrow");
    }
    gch__free(allocator, run->columns, "columns");
    gch__free(allocator, run->descs, "columns");
    gch__free(allocator, run->data, "columns");
    gch__chosen_reset(&run->job, &run->chosen);
    if (run->schema.release != NULL)
        run->schema.release(&run->schema);
}

gch_status gch_ingest_arrow(struct ArrowArrayStream *stream, const gch_ingest_desc *desc,
                            gch_ingest_report *report, gch_error *err)
{
    gch_ingest_report own_report = {0};
    arrow_run run = {.job = {.desc = desc,
                             .allocator = desc->allocator,
                             .report = report != NULL ? report : &own_report}};
    gch_file *existing = NULL;
    gch_status status = GCH_OK;
    *run.job.report = (gch_ingest_report){0};
    GCH_TRY_GOTO(check_desc(stream, desc, err), cleanup);
    if (desc->append) {
        GCH_TRY_GOTO(gch__file_open(desc->output, &(gch__file_desc){.allocator = desc->allocator},
                                    &existing, err),
                     cleanup);
        run.job.existing = gch_file_get_info(existing);
        run.has_last = run.job.existing->row_count > 0;
        run.last_time = run.job.existing->last_time;
    }
    status = read_all(&run, stream, err);
cleanup:
    run_reset(&run);
    gch__file_close(existing);
    if (stream != NULL && stream->release != NULL)
        stream->release(stream);
    return status;
}
