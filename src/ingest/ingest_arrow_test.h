/* For the tests of Arrow: streams made by hand, whose releases are counted, and one with a column
 * of every type. The including file defines OUTPUT, the file it writes.
 *
 * Every buffer is a block of its own of exactly the bytes that its rows need, so that a sanitizer
 * sees a read beyond it. */
#ifndef GCH_INGEST_ARROW_TEST_H
#define GCH_INGEST_ARROW_TEST_H

#include "base.h"
#include "gch/arrow.h"
#include "store_open.h"

#include "test.h"

#include <errno.h>
#include <unistd.h>

#define MADE_COLUMNS_MAX 16
#define MADE_BATCHES_MAX 4

typedef struct made_column {
    const char *name, *format;
    const void *values;      /* from row 0 of the buffer */
    const uint8_t *validity; /* NULL: none */
    int64_t offset;
    size_t value_bits; /* a row */
    int64_t null_count;
} made_column;

typedef struct made_batch {
    int64_t length, offset;
    made_column columns[MADE_COLUMNS_MAX];
} made_batch;

typedef struct made_stream {
    struct ArrowArrayStream stream;
    uint32_t column_count, batch_count, next;
    int fail_code; /* of get_next behind the batches; 0: it ends */
    made_batch batches[MADE_BATCHES_MAX];
    /* Called on what is handed out. */
    void (*spoil_schema)(struct ArrowSchema *schema);
    void (*spoil_array)(struct ArrowArray *array);
    int schemas_out, arrays_out, stream_releases;
} made_stream;

typedef struct made_parts {
    made_stream *owner;
    void *blocks[2 * MADE_COLUMNS_MAX];
    const void *buffers[MADE_COLUMNS_MAX + 1][2];
    struct ArrowArray children[MADE_COLUMNS_MAX], *list[MADE_COLUMNS_MAX];
    struct ArrowSchema schemas[MADE_COLUMNS_MAX], *schema_list[MADE_COLUMNS_MAX];
} made_parts;

static inline void made_release_parts(made_parts *parts)
{
    for (size_t i = 0; i < sizeof parts->blocks / sizeof *parts->blocks; i++)
        free(parts->blocks[i]);
    free(parts);
}

static inline void made_release_array(struct ArrowArray *array)
{
    made_parts *parts = array->private_data;
    parts->owner->arrays_out--;
    made_release_parts(parts);
    array->release = NULL;
}

static inline void made_release_schema(struct ArrowSchema *schema)
{
    made_parts *parts = schema->private_data;
    parts->owner->schemas_out--;
    made_release_parts(parts);
    schema->release = NULL;
}

static inline void *made_copy(const void *bytes, size_t count)
{
    void *copy = malloc(count > 0 ? count : 1);
    assert_non_null(copy);
    if (count > 0)
        memcpy(copy, bytes, count);
    return copy;
}

static inline int made_get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    made_stream *made = stream->private_data;
    made_parts *parts = calloc(1, sizeof *parts);
    assert_non_null(parts);
    parts->owner = made;
    for (uint32_t i = 0; i < made->column_count; i++) {
        const made_column *column = &made->batches[0].columns[i];
        parts->schemas[i] = (struct ArrowSchema){.format = column->format, .name = column->name};
        parts->schema_list[i] = &parts->schemas[i];
    }
    *out = (struct ArrowSchema){.format = "+s",
                                .n_children = made->column_count,
                                .children = parts->schema_list,
                                .release = made_release_schema,
                                .private_data = parts};
    made->schemas_out++;
    if (made->spoil_schema != NULL)
        made->spoil_schema(out);
    return 0;
}

static inline int made_get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    made_stream *made = stream->private_data;
    if (made->next == made->batch_count) {
        out->release = NULL;
        return made->fail_code;
    }
    const made_batch *batch = &made->batches[made->next++];
    made_parts *parts = calloc(1, sizeof *parts);
    assert_non_null(parts);
    parts->owner = made;
    for (uint32_t i = 0; i < made->column_count; i++) {
        const made_column *column = &batch->columns[i];
        size_t rows = (size_t)(batch->offset + batch->length + column->offset);
        void *values = made_copy(column->values, (rows * column->value_bits + 7) / 8);
        void *validity =
            column->validity != NULL ? made_copy(column->validity, (rows + 7) / 8) : NULL;
        parts->blocks[2 * i] = values;
        parts->blocks[2 * i + 1] = validity;
        parts->buffers[i][0] = validity;
        parts->buffers[i][1] = rows > 0 ? values : NULL;
        parts->children[i] = (struct ArrowArray){.length = batch->offset + batch->length,
                                                 .null_count = column->null_count,
                                                 .offset = column->offset,
                                                 .n_buffers = 2,
                                                 .buffers = parts->buffers[i]};
        parts->list[i] = &parts->children[i];
    }
    *out = (struct ArrowArray){.length = batch->length,
                               .offset = batch->offset,
                               .n_buffers = 1,
                               .n_children = made->column_count,
                               .buffers = parts->buffers[MADE_COLUMNS_MAX],
                               .children = parts->list,
                               .release = made_release_array,
                               .private_data = parts};
    made->arrays_out++;
    if (made->spoil_array != NULL)
        made->spoil_array(out);
    return 0;
}

static inline const char *made_get_last_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return "the wire was cut";
}

static inline void made_release_stream(struct ArrowArrayStream *stream)
{
    ((made_stream *)stream->private_data)->stream_releases++;
    stream->release = NULL;
}

/* Fills in the callbacks. */
static inline struct ArrowArrayStream *made_begin(made_stream *made)
{
    made->next = 0;
    made->schemas_out = made->arrays_out = made->stream_releases = 0;
    made->stream = (struct ArrowArrayStream){.get_schema = made_get_schema,
                                             .get_next = made_get_next,
                                             .get_last_error = made_get_last_error,
                                             .release = made_release_stream,
                                             .private_data = made};
    return &made->stream;
}

static inline void assert_released_once(const made_stream *made)
{
    assert_int_equal(made->stream_releases, 1);
    assert_int_equal(made->schemas_out, 0);
    assert_int_equal(made->arrays_out, 0);
    assert_null(made->stream.release);
}

/* ---- into files and out of them ---- */

static inline gch_status ingest_with(made_stream *made, const gch_ingest_desc *options,
                                     gch_ingest_report *report, gch_error *err)
{
    gch_ingest_desc desc = *options;
    desc.output = OUTPUT;
    gch_status status = gch_ingest_arrow(made_begin(made), &desc, report, err);
    assert_released_once(made);
    return status;
}

static inline gch_status ingest(made_stream *made, gch_error *err)
{
    return ingest_with(made, &(gch_ingest_desc){0}, NULL, err);
}

static inline void assert_ingest_fails(made_stream *made, const gch_ingest_desc *options,
                                       gch_status expected, const char *part)
{
    gch_error err = {0};
    unlink(OUTPUT);
    gch_status status = ingest_with(made, options, NULL, &err);
    if (status != expected || err.status != expected || strstr(err.message, part) == NULL)
        fail_msg("%s: %s\nexpected %s: %s", gch_status_name(status), err.message,
                 gch_status_name(expected), part);
    assert_int_equal(access(OUTPUT, F_OK), -1);
}

static inline gch_file *open_output(const char *path)
{
    gch_error err;
    gch_file *file;
    assert_ok(gch__file_open(path, NULL, &file, &err));
    return file;
}

static const int64_t seconds[] = {-5, 0, 0, 7, 8, 1000, 1001, 1002, 1003, 5000};
#define ROWS 10

#define PLAIN(name_, format_, array)                                                               \
    (made_column)                                                                                  \
    {                                                                                              \
        .name = name_, .format = format_, .values = array, .value_bits = sizeof(array)[0] * 8      \
    }

static const int8_t i8s[ROWS] = {INT8_MIN, -1, 0, 1, INT8_MAX, 5, 6, 7, 8, 9};
static const uint8_t u8s[ROWS] = {0, 255, 1, 2, 3, 4, 5, 6, 7, 8};
static const int16_t i16s[ROWS] = {INT16_MIN, INT16_MAX, 0, -1};
static const uint16_t u16s[ROWS] = {0, UINT16_MAX, 9};
static const int32_t i32s[ROWS] = {INT32_MIN, INT32_MAX, 0, -1};
static const uint32_t u32s[ROWS] = {0, UINT32_MAX, 4};
static const int64_t i64s[ROWS] = {INT64_MIN, INT64_MAX, 0, -1};
/* -0, infinities, a quiet NaN and a signalling one with payloads, the smallest and the largest */
static const uint32_t f32s[ROWS] = {0x80000000, 0x7F800000, 0xFF800000, 0x7FC12345, 0xFFA00001,
                                    0x00000001, 0x7F7FFFFF, 0x3DCCCCCD, 0x40490FDB, 0};
static const uint64_t f64s[ROWS] = {0x8000000000000000, 0x7FF0000000000000,
                                    0xFFF0000000000000, 0x7FF8123456789ABC,
                                    0xFFF4000000000001, 1,
                                    0x7FEFFFFFFFFFFFFF, 0x3FB999999999999A,
                                    0x400921FB54442D18, 0};
/* rows 2 and 9 are null; garbage behind row 9 */
static const uint8_t some_nulls[2] = {0xFB, 0x01};
static const uint8_t bools[2] = {0x53, 0x02};

static inline made_stream all_types(void)
{
    made_stream made = {.column_count = 11, .batch_count = 1};
    made_batch *batch = &made.batches[0];
    *batch = (made_batch){.length = ROWS,
                          .columns = {PLAIN("when", "tsm:UTC", seconds),
                                      PLAIN("i8", "c", i8s),
                                      PLAIN("u8", "C", u8s),
                                      PLAIN("i16", "s", i16s),
                                      PLAIN("u16", "S", u16s),
                                      PLAIN("i32", "i", i32s),
                                      PLAIN("u32", "I", u32s),
                                      PLAIN("i64", "l", i64s),
                                      PLAIN("f32", "f", f32s),
                                      PLAIN("f64", "g", f64s),
                                      {.name = "bool", .format = "b", .values = bools}}};
    batch->columns[10].value_bits = 1;
    return made;
}

static inline void assert_same_bits(const gch_value *a, const gch_value *b)
{
    assert_int_equal(a->kind, b->kind);
    if (a->kind == GCH_VALUE_DECIMAL)
        assert_int_equal(a->scale, b->scale);
    if (a->kind != GCH_VALUE_GAP)
        assert_memory_equal(&a->as, &b->as, a->kind == GCH_VALUE_F32 ? 4 : 8);
}

#endif
