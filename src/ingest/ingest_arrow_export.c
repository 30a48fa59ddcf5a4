/* A file as an Arrow stream of record batches.
 *
 * Invariants:
 *  1. Every schema, batch and column owns all it points to: a consumer may move a column out of its
 *     batch and release the two in any order, and both may outlive the stream.
 *  2. The type of a column is settled before the first batch and holds for all rows.
 *  3. A value that its type cannot hold is damage to the file, not something to round.
 */
#include "base.h"
#include "codec.h"
#include "gch/arrow.h"
#include "ingest_export.h"
#include "store_segment.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BATCH_ROWS ((size_t)65536)
#define FORMAT_CAP 24
#define DOUBLE_DIGITS_MAX ((int64_t)1 << 53)
#define PURPOSE "arrow export"

/* The allocator of what is handed out, which may outlive the file. */
typedef struct heap_copy {
    gch_allocator copy;
    bool is_set;
} heap_copy;

static const gch_allocator *allocator_of(const heap_copy *heap)
{
    return heap->is_set ? &heap->copy : NULL;
}

typedef struct out_column {
    uint32_t column;
    gch_type type;
    char format[FORMAT_CAP];
    size_t value_bytes;
    uint32_t scale; /* of decimal128 */
} out_column;

typedef struct stream_state {
    heap_copy heap;
    const gch_file *file;
    const gch_file_info *info;
    gch_progress progress;
    bool has_progress;
    int64_t reported_ns;
    char *time_format;
    out_column *columns;
    uint32_t column_count;
    uint64_t first_row, row, last_row;
    gch_value *values; /* of a column of a batch */
    gch_error error;
    bool has_error;
} stream_state;

/* ---- schema ---- */

/* What a schema owns. */
typedef struct schema_parts {
    heap_copy heap;
    char *format, *name;
    struct ArrowSchema *children;
    struct ArrowSchema **child_list;
    int64_t child_count;
} schema_parts;

static void release_schema(struct ArrowSchema *schema)
{
    schema_parts *parts = schema->private_data;
    const heap_copy heap = parts->heap;
    const gch_allocator *allocator = allocator_of(&heap);
    for (int64_t i = 0; i < parts->child_count; i++) {
        if (parts->children[i].release != NULL)
            parts->children[i].release(&parts->children[i]);
    }
    gch__free(allocator, parts->format, PURPOSE);
    gch__free(allocator, parts->name, PURPOSE);
    gch__free(allocator, parts->children, PURPOSE);
    gch__free(allocator, parts->child_list, PURPOSE);
    gch__free(allocator, parts, PURPOSE);
    schema->release = NULL;
}

/* A schema with room for children; on failure nothing is left of it. */
static gch_status make_schema(const stream_state *state, const char *format, const char *name,
                              int64_t flags, int64_t child_count, struct ArrowSchema *out,
                              gch_error *err)
{
    const gch_allocator *allocator = allocator_of(&state->heap);
    schema_parts *parts = gch__alloc_zero(allocator, 1, sizeof *parts, PURPOSE);
    *out = (struct ArrowSchema){0};
    if (parts == NULL)
        return gch__no_memory(err, PURPOSE);
    parts->heap = state->heap;
    *out = (struct ArrowSchema){.flags = flags, .release = release_schema, .private_data = parts};
    out->format = parts->format = gch__copy_text(allocator, format, strlen(format), PURPOSE);
    out->name = parts->name = gch__copy_text(allocator, name, strlen(name), PURPOSE);
    bool is_whole = out->format != NULL && out->name != NULL;
    if (is_whole && child_count > 0) {
        size_t count = (size_t)child_count;
        parts->children = gch__alloc_zero(allocator, count, sizeof *parts->children, PURPOSE);
        parts->child_list = gch__alloc_array(allocator, count, sizeof *parts->child_list, PURPOSE);
        is_whole = parts->children != NULL && parts->child_list != NULL;
    }
    if (!is_whole) {
        release_schema(out);
        return gch__no_memory(err, PURPOSE);
    }
    for (int64_t i = 0; i < child_count; i++)
        parts->child_list[i] = &parts->children[i];
    parts->child_count = out->n_children = child_count;
    out->children = parts->child_list;
    return GCH_OK;
}

static gch_status fill_schema(const stream_state *state, struct ArrowSchema *out, gch_error *err)
{
    gch_status status;
    GCH_TRY(make_schema(state, "+s", "", 0, (int64_t)state->column_count + 1, out, err));
    GCH_TRY_GOTO(
        make_schema(state, state->time_format, state->info->time_name, 0, 0, out->children[0], err),
        failed);
    for (uint32_t i = 0; i < state->column_count; i++) {
        const out_column *column = &state->columns[i];
        GCH_TRY_GOTO(make_schema(state, column->format, state->info->columns[column->column].name,
                                 ARROW_FLAG_NULLABLE, 0, out->children[i + 1], err),
                     failed);
    }
    return GCH_OK;
failed:
    release_schema(out);
    return status;
}

/* ---- batches ---- */

typedef struct array_parts {
    heap_copy heap;
    const void *buffers[2];
    void *validity, *values;
    struct ArrowArray *children;
    struct ArrowArray **child_list;
    int64_t child_count;
} array_parts;

static void release_array(struct ArrowArray *array)
{
    array_parts *parts = array->private_data;
    const heap_copy heap = parts->heap;
    const gch_allocator *allocator = allocator_of(&heap);
    for (int64_t i = 0; i < parts->child_count; i++) {
        if (parts->children[i].release != NULL)
            parts->children[i].release(&parts->children[i]);
    }
    gch__free(allocator, parts->validity, PURPOSE);
    gch__free(allocator, parts->values, PURPOSE);
    gch__free(allocator, parts->children, PURPOSE);
    gch__free(allocator, parts->child_list, PURPOSE);
    gch__free(allocator, parts, PURPOSE);
    array->release = NULL;
}

/* An array of `rows` rows with room for values of value_bytes (a column) or children (a batch). */
static gch_status make_array(const stream_state *state, size_t rows, size_t value_bytes,
                             int64_t child_count, struct ArrowArray *out, gch_error *err)
{
    const gch_allocator *allocator = allocator_of(&state->heap);
    array_parts *parts = gch__alloc_zero(allocator, 1, sizeof *parts, PURPOSE);
    *out = (struct ArrowArray){0};
    if (parts == NULL)
        return gch__no_memory(err, PURPOSE);
    parts->heap = state->heap;
    *out = (struct ArrowArray){.length = (int64_t)rows,
                               .n_buffers = value_bytes > 0 ? 2 : 1,
                               .buffers = parts->buffers,
                               .release = release_array,
                               .private_data = parts};
    bool is_whole = true;
    if (value_bytes > 0) {
        parts->buffers[1] = parts->values = gch__alloc_array(allocator, rows, value_bytes, PURPOSE);
        is_whole = parts->values != NULL;
    }
    if (child_count > 0) {
        size_t count = (size_t)child_count;
        parts->children = gch__alloc_zero(allocator, count, sizeof *parts->children, PURPOSE);
        parts->child_list = gch__alloc_array(allocator, count, sizeof *parts->child_list, PURPOSE);
        is_whole = parts->children != NULL && parts->child_list != NULL;
    }
    if (!is_whole) {
        release_array(out);
        return gch__no_memory(err, PURPOSE);
    }
    for (int64_t i = 0; i < child_count; i++)
        parts->child_list[i] = &parts->children[i];
    parts->child_count = out->n_children = child_count;
    out->children = parts->child_list;
    return GCH_OK;
}

/* Marks the nulls; there is a bitmap only if there are any. */
static gch_status put_validity(const stream_state *state, size_t rows, struct ArrowArray *out,
                               gch_error *err)
{
    array_parts *parts = out->private_data;
    size_t bytes = (rows + 7) / 8, null_count = 0;
    for (size_t i = 0; i < rows; i++)
        null_count += state->values[i].kind == GCH_VALUE_GAP;
    out->null_count = (int64_t)null_count;
    if (null_count == 0)
        return GCH_OK;
    uint8_t *bits = gch__alloc_zero(allocator_of(&state->heap), bytes, 1, PURPOSE);
    if (bits == NULL)
        return gch__no_memory(err, PURPOSE);
    for (size_t i = 0; i < rows; i++)
        bits[i / 8] |= (uint8_t)((state->values[i].kind != GCH_VALUE_GAP) << (i % 8));
    parts->buffers[0] = parts->validity = bits;
    return GCH_OK;
}

static double to_double(gch_value value)
{
    int64_t digits = value.as.digits;
    if (value.kind == GCH_VALUE_DECIMAL && value.scale <= 18 && digits <= DOUBLE_DIGITS_MAX &&
        digits >= -DOUBLE_DIGITS_MAX)
        return (double)digits / gch__pow10_f64[value.scale]; /* both exact: rounded once */
    return gch_value_to_double(value);
}

/* The value as an integer of [min, max]; false if it is none. */
static bool to_integer(gch_value value, int64_t min, int64_t max, int64_t *out)
{
    if (value.kind != GCH_VALUE_DECIMAL || value.scale > 18)
        return false;
    int64_t power = gch__pow10_i64[value.scale];
    *out = value.as.digits / power;
    return value.as.digits % power == 0 && *out >= min && *out <= max;
}

static bool to_decimal(gch_value value, uint32_t scale, __int128 *out)
{
    if (value.kind != GCH_VALUE_DECIMAL || value.scale > scale)
        return false;
    *out = (__int128)value.as.digits * gch__pow10_i64[scale - value.scale];
    return true;
}

/* The row of the first value that is no integer of the type, or rows. */
static size_t put_integers(const gch_value *values, size_t rows, const out_column *column,
                           uint8_t *out)
{
    static const struct {
        int64_t min, max;
    } ranges[] = {
        [GCH_TYPE_I8] = {INT8_MIN, INT8_MAX},    [GCH_TYPE_U8] = {0, UINT8_MAX},
        [GCH_TYPE_I16] = {INT16_MIN, INT16_MAX}, [GCH_TYPE_U16] = {0, UINT16_MAX},
        [GCH_TYPE_I32] = {INT32_MIN, INT32_MAX}, [GCH_TYPE_U32] = {0, UINT32_MAX},
        [GCH_TYPE_I64] = {INT64_MIN, INT64_MAX},
    };
    const size_t bytes = column->value_bytes;
    const int64_t min = ranges[column->type].min, max = ranges[column->type].max;
    for (size_t row = 0; row < rows; row++, out += bytes) {
        int64_t integer = 0;
        if (values[row].kind != GCH_VALUE_GAP && !to_integer(values[row], min, max, &integer))
            return row;
        switch (bytes) {
        case 1:
            *out = (uint8_t)integer;
            break;
        case 2:
            *(uint16_t *)(void *)out = (uint16_t)integer;
            break;
        case 4:
            *(uint32_t *)(void *)out = (uint32_t)integer;
            break;
        default:
            *(int64_t *)(void *)out = integer;
            break;
        }
    }
    return rows;
}

static size_t put_decimals(const gch_value *values, size_t rows, const out_column *column,
                           uint8_t *out)
{
    for (size_t row = 0; row < rows; row++, out += sizeof(__int128)) {
        __int128 number = 0;
        if (values[row].kind != GCH_VALUE_GAP && !to_decimal(values[row], column->scale, &number))
            return row;
        memcpy(out, &number, sizeof number);
    }
    return rows;
}

static void put_floats(const gch_value *values, size_t rows, float *out)
{
    for (size_t row = 0; row < rows; row++) {
        /* A stored float is not turned into a double on its way: a NaN keeps its payload. */
        out[row] = values[row].kind == GCH_VALUE_F32   ? values[row].as.f32
                   : values[row].kind == GCH_VALUE_GAP ? 0.0f
                                                       : (float)to_double(values[row]);
    }
}

static void put_doubles(const gch_value *values, size_t rows, double *out)
{
    for (size_t row = 0; row < rows; row++)
        out[row] = values[row].kind == GCH_VALUE_GAP ? 0.0 : to_double(values[row]);
}

/* The row of the first value that the column's type cannot hold, or rows. */
static size_t put_values(const gch_value *values, size_t rows, const out_column *column, void *out)
{
    switch (column->format[0]) {
    case 'f':
        put_floats(values, rows, out);
        return rows;
    case 'g':
        put_doubles(values, rows, out);
        return rows;
    case 'd':
        return put_decimals(values, rows, column, out);
    default:
        return put_integers(values, rows, column, out);
    }
}

static gch_status put_column(stream_state *state, const out_column *column, size_t rows,
                             struct ArrowArray *out, gch_error *err)
{
    GCH_TRY(
        gch_file_read_values(state->file, column->column, state->row, rows, state->values, err));
    GCH_TRY(make_array(state, rows, column->value_bytes, 0, out, err));
    GCH_TRY(put_validity(state, rows, out, err)); /* the batch releases what is there */
    array_parts *parts = out->private_data;
    size_t bad = put_values(state->values, rows, column, parts->values);
    if (bad < rows)
        return gch_fail(err, GCH_CORRUPT, "%s: column \"%.80s\", row %llu: no value of its type",
                        state->info->path, state->info->columns[column->column].name,
                        (unsigned long long)(state->row + bad + 1));
    return GCH_OK;
}

static gch_status fill_batch(stream_state *state, size_t rows, struct ArrowArray *out,
                             gch_error *err)
{
    gch_status status;
    GCH_TRY(make_array(state, rows, 0, (int64_t)state->column_count + 1, out, err));
    GCH_TRY_GOTO(make_array(state, rows, sizeof(int64_t), 0, out->children[0], err), failed);
    array_parts *time = out->children[0]->private_data;
    GCH_TRY_GOTO(gch_file_read_times(state->file, state->row, rows, time->values, err), failed);
    for (uint32_t i = 0; i < state->column_count; i++)
        GCH_TRY_GOTO(put_column(state, &state->columns[i], rows, out->children[i + 1], err),
                     failed);
    status =
        gch__report(state->has_progress ? &state->progress : NULL, &state->reported_ns,
                    state->row + rows - state->first_row, state->last_row - state->first_row, err);
    if (status == GCH_OK)
        return GCH_OK;
failed:
    release_array(out);
    return status;
}

/* ---- the stream ---- */

static int give_result(stream_state *state, gch_status status)
{
    state->has_error = status != GCH_OK;
    switch (status) {
    case GCH_OK:
        return 0;
    case GCH_NO_MEMORY:
        return ENOMEM;
    case GCH_CANCELLED:
        return ECANCELED;
    default:
        return EIO;
    }
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    stream_state *state = stream->private_data;
    return give_result(state, fill_schema(state, out, &state->error));
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    stream_state *state = stream->private_data;
    *out = (struct ArrowArray){0};
    size_t rows = (size_t)GCH_MIN((uint64_t)BATCH_ROWS, state->last_row - state->row);
    if (rows == 0)
        return give_result(state, GCH_OK);
    gch_status status = fill_batch(state, rows, out, &state->error);
    if (status == GCH_OK)
        state->row += rows;
    return give_result(state, status);
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    const stream_state *state = stream->private_data;
    return state->has_error ? state->error.message : NULL;
}

static void destroy_state(stream_state *state)
{
    const heap_copy heap = state->heap;
    const gch_allocator *allocator = allocator_of(&heap);
    gch__free(allocator, state->columns, PURPOSE);
    gch__free(allocator, state->values, PURPOSE);
    gch__free(allocator, state->time_format, PURPOSE);
    gch__free(allocator, state, PURPOSE);
}

static void release_stream(struct ArrowArrayStream *stream)
{
    destroy_state(stream->private_data);
    stream->release = NULL;
    stream->private_data = NULL;
}

/* ---- types ---- */

/* Whether every segment holds the column as decimals, without a float among them. */
static bool is_all_decimal(const gch_file *file, uint32_t column)
{
    if (gch_file_get_info(file)->columns[column].exception_count > 0)
        return false;
    for (uint32_t i = 0; i < gch__file_segment_count(file); i++) {
        if (gch__file_segment(file, i)->columns[column].map.kind != GCH_VALUE_DECIMAL)
            return false;
    }
    return true;
}

/* Whether the digits at the column's scale are integers that double has. */
static bool fits_double(gch_value value, uint32_t scale)
{
    if (value.kind != GCH_VALUE_DECIMAL || value.scale > scale)
        return true; /* no values */
    __int128 digits = (__int128)value.as.digits * gch__pow10_i64[scale - value.scale];
    return digits <= DOUBLE_DIGITS_MAX && digits >= -DOUBLE_DIGITS_MAX;
}

static void choose_format(const gch_file *file, out_column *column)
{
    static const char letters[] = {
        [GCH_TYPE_I8] = 'c',  [GCH_TYPE_U8] = 'C',  [GCH_TYPE_I16] = 's',
        [GCH_TYPE_U16] = 'S', [GCH_TYPE_I32] = 'i', [GCH_TYPE_U32] = 'I',
        [GCH_TYPE_I64] = 'l', [GCH_TYPE_F32] = 'f', [GCH_TYPE_F64] = 'g',
    };
    const gch_column_info *info = &gch_file_get_info(file)->columns[column->column];
    column->type = info->type;
    if (info->type != GCH_TYPE_DECIMAL) {
        column->format[0] = letters[info->type];
        column->value_bytes = gch_type_bytes(info->type);
    } else if (is_all_decimal(file, column->column) &&
               !(fits_double(info->min, info->scale) && fits_double(info->max, info->scale))) {
        column->scale = info->scale;
        column->value_bytes = sizeof(__int128);
        snprintf(column->format, sizeof column->format, "d:38,%u", info->scale);
    } else {
        column->format[0] = 'g';
        column->value_bytes = sizeof(double);
    }
}

static gch_status choose_time_format(stream_state *state, const gch_export_desc *desc,
                                     gch_error *err)
{
    static const char units[] = {
        [GCH_TIME_S] = 's', [GCH_TIME_MS] = 'm', [GCH_TIME_US] = 'u', [GCH_TIME_NS] = 'n'};
    const gch_file_info *info = state->info;
    const gch_allocator *allocator = allocator_of(&state->heap);
    const char *zone = info->time_zone[0] != '\0' ? info->time_zone : "UTC";
    char prefix[] = "tss:";
    gch__buffer text = {.allocator = allocator, .purpose = PURPOSE};
    if (info->time_unit < GCH_TIME_S || desc->integer_times) {
        state->time_format = gch__copy_text(allocator, "l", 1, PURPOSE);
        return state->time_format != NULL ? GCH_OK : gch__no_memory(err, PURPOSE);
    }
    prefix[2] = units[info->time_unit];
    if (!gch__buffer_append(&text, prefix, 4) ||
        !gch__buffer_append(&text, zone, strlen(zone) + 1)) {
        gch__buffer_reset(&text);
        return gch__no_memory(err, PURPOSE);
    }
    state->time_format = (char *)text.bytes;
    return GCH_OK;
}

static gch_status prepare(stream_state *state, const gch_export_desc *desc, gch_error *err)
{
    const gch_allocator *allocator = allocator_of(&state->heap);
    state->info = gch_file_get_info(state->file);
    GCH_TRY(gch__export_check(state->file, desc, err));
    GCH_TRY(gch__export_find_rows(state->file, desc, &state->first_row, &state->last_row, err));
    state->row = state->first_row;
    state->column_count = desc->columns != NULL ? desc->column_count : state->info->column_count;
    state->columns =
        gch__alloc_zero(allocator, state->column_count, sizeof *state->columns, PURPOSE);
    state->values = gch__alloc_array(allocator, BATCH_ROWS, sizeof *state->values, PURPOSE);
    if (state->columns == NULL || state->values == NULL)
        return gch__no_memory(err, PURPOSE);
    for (uint32_t i = 0; i < state->column_count; i++) {
        state->columns[i].column = desc->columns != NULL ? desc->columns[i] : i;
        choose_format(state->file, &state->columns[i]);
    }
    state->has_progress = desc->progress != NULL;
    if (state->has_progress)
        state->progress = *desc->progress;
    return choose_time_format(state, desc, err);
}

gch_status gch_export_arrow(const gch_file *file, const gch_export_desc *desc,
                            struct ArrowArrayStream *out, gch_error *err)
{
    const gch_allocator *allocator = gch__file_allocator(file);
    stream_state *state = gch__alloc_zero(allocator, 1, sizeof *state, PURPOSE);
    *out = (struct ArrowArrayStream){0};
    if (state == NULL)
        return gch__no_memory(err, PURPOSE);
    state->file = file;
    state->heap.is_set = allocator != NULL;
    if (allocator != NULL)
        state->heap.copy = *allocator;
    gch_status status = prepare(state, desc != NULL ? desc : &(gch_export_desc){0}, err);
    if (status != GCH_OK) {
        destroy_state(state);
        return status;
    }
    *out = (struct ArrowArrayStream){.get_schema = get_schema,
                                     .get_next = get_next,
                                     .get_last_error = get_last_error,
                                     .release = release_stream,
                                     .private_data = state};
    return GCH_OK;
}
