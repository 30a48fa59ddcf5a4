/* Arrow in and out: every type bit for bit, offsets, hostile structs, releases. */
#include "ingest_arrow_test.h"

#include "base.h"
#include "ingest_arrow_type.h"

#define OUTPUT "ingest_arrow_test.gch"
#define OUTPUT_2 "ingest_arrow_test_2.gch"

static gch_status ingest_with(made_stream *made, const gch_ingest_desc *options,
                              gch_ingest_report *report, gch_error *err)
{
    gch_ingest_desc desc = *options;
    desc.output = OUTPUT;
    gch_status status = gch_ingest_arrow(made_begin(made), &desc, report, err);
    assert_released_once(made);
    return status;
}

static gch_status ingest(made_stream *made, gch_error *err)
{
    return ingest_with(made, &(gch_ingest_desc){0}, NULL, err);
}

static void assert_ingest_fails(made_stream *made, const gch_ingest_desc *options,
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

static gch_file *open_output(const char *path)
{
    gch_error err;
    gch_file *file;
    assert_ok(gch__file_open(path, NULL, &file, &err));
    return file;
}

static void assert_same_bits(const gch_value *a, const gch_value *b)
{
    assert_int_equal(a->kind, b->kind);
    if (a->kind == GCH_VALUE_DECIMAL)
        assert_int_equal(a->scale, b->scale);
    if (a->kind != GCH_VALUE_GAP)
        assert_memory_equal(&a->as, &b->as, a->kind == GCH_VALUE_F32 ? 4 : 8);
}

/* Two files hold the same times, types and values. */
static void assert_same_files(const gch_file *a, const gch_file *b)
{
    gch_error err;
    const gch_file_info *x = gch_file_get_info(a), *y = gch_file_get_info(b);
    assert_int_equal(x->row_count, y->row_count);
    assert_int_equal(x->column_count, y->column_count);
    assert_int_equal(x->time_unit, y->time_unit);
    assert_string_equal(x->time_name, y->time_name);
    for (uint32_t i = 0; i < x->column_count; i++) {
        assert_string_equal(x->columns[i].name, y->columns[i].name);
        assert_int_equal(x->columns[i].type, y->columns[i].type);
    }
    for (uint64_t row = 0; row < x->row_count; row++) {
        int64_t s, t;
        assert_ok(gch_file_read_times(a, row, 1, &s, &err));
        assert_ok(gch_file_read_times(b, row, 1, &t, &err));
        assert_int_equal(s, t);
        for (uint32_t i = 0; i < x->column_count; i++) {
            gch_value v, w;
            assert_ok(gch_file_read_values(a, i, row, 1, &v, &err));
            assert_ok(gch_file_read_values(b, i, row, 1, &w, &err));
            assert_same_bits(&v, &w);
        }
    }
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

static made_stream all_types(void)
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

/* The first batch of an export of the output, which has no more. */
static void assert_exports(const made_stream *made, int64_t null_count)
{
    gch_error err;
    gch_file *file = open_output(OUTPUT);
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray array, end;
    assert_ok(gch_export_arrow(file, NULL, &stream, &err));
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    assert_int_equal(stream.get_next(&stream, &array), 0);
    assert_int_equal(stream.get_next(&stream, &end), 0);
    assert_null(end.release);
    assert_null(stream.get_last_error(&stream));
    stream.release(&stream);
    assert_null(stream.release);
    gch__file_close(file); /* the batch lives on */
    assert_string_equal(schema.format, "+s");
    assert_int_equal(schema.n_children, made->column_count);
    assert_int_equal(array.n_children, made->column_count);
    assert_int_equal(array.n_buffers, 1);
    assert_int_equal(array.length, ROWS);
    for (uint32_t i = 0; i < made->column_count; i++) {
        const made_column *column = &made->batches[0].columns[i];
        const struct ArrowArray *child = array.children[i];
        const bool is_bool = column->value_bits == 1;
        assert_string_equal(schema.children[i]->name, column->name);
        assert_string_equal(schema.children[i]->format, is_bool ? "C" : column->format);
        assert_int_equal(schema.children[i]->flags, i > 0 ? ARROW_FLAG_NULLABLE : 0);
        assert_int_equal(child->length, ROWS);
        assert_int_equal(child->n_buffers, 2);
        assert_int_equal(child->null_count, i > 0 ? null_count : 0);
        const uint8_t *bits = child->buffers[0], *values = child->buffers[1];
        assert_true((bits != NULL) == (child->null_count > 0));
        for (size_t row = 0; row < ROWS; row++) {
            bool is_null = bits != NULL && (bits[row / 8] >> (row % 8) & 1) == 0;
            assert_int_equal(is_null, null_count > 0 && i > 0 && (row == 2 || row == 9));
            if (is_null)
                continue;
            size_t bytes = column->value_bits / 8;
            if (is_bool)
                assert_int_equal(values[row], bools[row / 8] >> (row % 8) & 1);
            else
                assert_memory_equal(values + row * bytes,
                                    (const uint8_t *)column->values + row * bytes, bytes);
        }
    }
    array.release(&array);
    schema.release(&schema);
    assert_null(array.release);
    assert_null(schema.release);
}

static void every_type_comes_back_bit_for_bit(void **state)
{
    (void)state;
    gch_error err;
    gch_ingest_report report;
    made_stream made = all_types();
    assert_ok(ingest_with(&made, &(gch_ingest_desc){0}, &report, &err));
    assert_int_equal(report.row_count, ROWS);
    assert_int_equal(report.time_unit, GCH_TIME_MS);
    assert_false(report.time_unit_guessed);
    assert_exports(&made, 0);
    for (uint32_t i = 1; i < made.column_count; i++) {
        made.batches[0].columns[i].validity = some_nulls;
        made.batches[0].columns[i].null_count = i % 2 == 0 ? -1 : 2;
    }
    assert_ok(ingest(&made, &err));
    assert_exports(&made, 2);
    /* A count of 0 means that the bitmap is not to be looked at. */
    for (uint32_t i = 1; i < made.column_count; i++)
        made.batches[0].columns[i].null_count = 0;
    assert_ok(ingest(&made, &err));
    assert_exports(&made, 0);
}

static void an_exported_stream_is_read_back_to_the_same_file(void **state)
{
    (void)state;
    gch_error err;
    made_stream made = all_types();
    for (uint32_t i = 1; i < made.column_count; i++) {
        made.batches[0].columns[i].validity = some_nulls;
        made.batches[0].columns[i].null_count = -1;
    }
    assert_ok(ingest(&made, &err));
    gch_file *file = open_output(OUTPUT);
    struct ArrowArrayStream stream;
    assert_ok(gch_export_arrow(file, NULL, &stream, &err));
    assert_ok(gch_ingest_arrow(&stream, &(gch_ingest_desc){.output = OUTPUT_2}, NULL, &err));
    assert_null(stream.release);
    gch_file *copy = open_output(OUTPUT_2);
    assert_same_files(file, copy);
    assert_string_equal(gch_file_get_info(copy)->time_zone, "UTC");
    gch__file_close(copy);
    gch__file_close(file);
}

/* Batches that begin at any row of their buffers, against the same rows said plainly. */
static void offsets_of_batches_and_columns_are_kept(void **state)
{
    (void)state;
    enum { BUFFER_ROWS = 40 };
    gch_error err;
    uint64_t random = 7;
    int64_t times[BUFFER_ROWS];
    double values[BUFFER_ROWS];
    uint8_t validity[BUFFER_ROWS / 8], bits[BUFFER_ROWS / 8];
    for (int round = 0; round < 40; round++) {
        made_stream made = {.column_count = 3, .batch_count = 3};
        gch_value expected[2][3 * BUFFER_ROWS];
        int64_t expected_times[3 * BUFFER_ROWS];
        size_t row_count = 0;
        for (int i = 0; i < BUFFER_ROWS; i++) {
            times[i] = i / 3;
            values[i] = (double)(test_random(&random) % 1000) / 7;
            validity[i / 8] = (uint8_t)test_random(&random);
            bits[i / 8] = (uint8_t)test_random(&random);
        }
        for (uint32_t b = 0; b < 3; b++) {
            made_batch *batch = &made.batches[b];
            batch->offset = (int64_t)(test_random(&random) % 10);
            batch->length = (int64_t)(test_random(&random) % 20);
            int64_t column_offset = (int64_t)(test_random(&random) % 10);
            batch->columns[0] = PLAIN("time", "l", times);
            batch->columns[1] = PLAIN("v", "g", values);
            batch->columns[2] = (made_column){.name = "b", .format = "b", .values = bits};
            batch->columns[2].value_bits = 1;
            for (int i = 1; i < 3; i++) {
                batch->columns[i].validity = validity;
                batch->columns[i].null_count = -1;
                batch->columns[i].offset = column_offset;
            }
            /* Times go up over the batches because the buffers begin later and later. */
            batch->columns[0].values = memcpy(malloc(sizeof times), times, sizeof times);
            for (int i = 0; i < BUFFER_ROWS; i++)
                ((int64_t *)(uintptr_t)batch->columns[0].values)[i] += b * 100;
            for (int64_t i = 0; i < batch->length; i++, row_count++) {
                size_t at = (size_t)(batch->offset + column_offset + i);
                bool is_valid = (validity[at / 8] >> (at % 8) & 1) != 0;
                expected_times[row_count] = times[batch->offset + i] + b * 100;
                expected[0][row_count] = (gch_value){
                    .as.f64 = values[at], .kind = is_valid ? GCH_VALUE_F64 : GCH_VALUE_GAP};
                expected[1][row_count] =
                    (gch_value){.as.digits = bits[at / 8] >> (at % 8) & 1,
                                .kind = is_valid ? GCH_VALUE_DECIMAL : GCH_VALUE_GAP};
            }
        }
        assert_ok(ingest(&made, &err));
        for (uint32_t b = 0; b < 3; b++)
            free((void *)(uintptr_t)made.batches[b].columns[0].values);
        gch_file *file = open_output(OUTPUT);
        assert_int_equal(gch_file_get_info(file)->row_count, row_count);
        for (size_t row = 0; row < row_count; row++) {
            int64_t time;
            gch_value value, flag;
            assert_ok(gch_file_read_times(file, row, 1, &time, &err));
            assert_ok(gch_file_read_values(file, 0, row, 1, &value, &err));
            assert_ok(gch_file_read_values(file, 1, row, 1, &flag, &err));
            assert_int_equal(time, expected_times[row]);
            assert_int_equal(value.kind == GCH_VALUE_GAP, expected[0][row].kind == GCH_VALUE_GAP);
            if (value.kind != GCH_VALUE_GAP) {
                double v = gch_value_to_double(value);
                assert_memory_equal(&v, &expected[0][row].as.f64, sizeof v);
            }
            assert_same_bits(&flag, &expected[1][row]);
        }
        gch__file_close(file);
    }
}

static void an_empty_stream_is_a_file_of_no_rows(void **state)
{
    (void)state;
    gch_error err;
    made_stream made = all_types();
    made.batch_count = 0;
    assert_ok(ingest(&made, &err));
    gch_file *file = open_output(OUTPUT);
    assert_int_equal(gch_file_get_info(file)->row_count, 0);
    assert_int_equal(gch_file_get_info(file)->column_count, 10);
    struct ArrowArrayStream stream;
    struct ArrowArray end;
    assert_ok(gch_export_arrow(file, NULL, &stream, &err));
    assert_int_equal(stream.get_next(&stream, &end), 0);
    assert_null(end.release);
    stream.release(&stream);
    gch__file_close(file);
    /* So is one whose batches are empty, buffers NULL. */
    made.batch_count = 2;
    made.batches[0].length = 0;
    made.batches[1] = made.batches[0];
    assert_ok(ingest(&made, &err));
}

static void a_failing_stream_leaves_nothing_behind(void **state)
{
    (void)state;
    made_stream made = all_types();
    made.fail_code = EIO;
    assert_ingest_fails(&made, &(gch_ingest_desc){0}, GCH_IO, "the wire was cut (error 5)");
    made.fail_code = ENOMEM;
    assert_ingest_fails(&made, &(gch_ingest_desc){0}, GCH_NO_MEMORY, "the wire was cut");
    made.batch_count = 0;
    made.fail_code = ECANCELED;
    assert_ingest_fails(&made, &(gch_ingest_desc){0}, GCH_CANCELLED, "the wire was cut");
}

static void schema_not_struct(struct ArrowSchema *schema)
{
    schema->format = "l";
}
static void schema_without_columns(struct ArrowSchema *schema)
{
    schema->n_children = 0;
}
static void schema_negative(struct ArrowSchema *schema)
{
    schema->n_children = -1;
}
static void schema_huge(struct ArrowSchema *schema)
{
    schema->n_children = INT64_MAX;
}
static void schema_null_child(struct ArrowSchema *schema)
{
    schema->children[3] = NULL;
}
static void schema_null_format(struct ArrowSchema *schema)
{
    schema->children[3]->format = NULL;
}
static void schema_null_list(struct ArrowSchema *schema)
{
    schema->children = NULL;
}
static void schema_empty_name(struct ArrowSchema *schema)
{
    schema->children[1]->name = NULL;
}

static void schemas_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static const struct {
        void (*spoil)(struct ArrowSchema *);
        const char *part;
    } cases[] = {
        {schema_not_struct, "not a struct of columns"},
        {schema_without_columns, "0 columns"},
        {schema_negative, "-1 columns"},
        {schema_huge, "columns, expected"},
        {schema_null_child, "column 4 has no format"},
        {schema_null_format, "column 4 has no format"},
        {schema_null_list, "11 columns"},
        {schema_empty_name, "the name of column 1"},
    };
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        made_stream made = all_types();
        made.spoil_schema = cases[i].spoil;
        assert_ingest_fails(&made, &(gch_ingest_desc){0}, GCH_INVALID, cases[i].part);
    }
}

static void array_few_children(struct ArrowArray *array)
{
    array->n_children--;
}
static void array_no_list(struct ArrowArray *array)
{
    array->children = NULL;
}
static void array_negative_length(struct ArrowArray *array)
{
    array->length = -1;
}
static void array_negative_offset(struct ArrowArray *array)
{
    array->offset = -1;
}
static void array_huge(struct ArrowArray *array)
{
    array->length = INT64_MAX;
    array->offset = INT64_MAX;
}
static void array_no_buffers(struct ArrowArray *array)
{
    array->n_buffers = 0;
}
static void array_null_row(struct ArrowArray *array)
{
    static const uint8_t bits[] = {0xDF, 0xFF};
    array->buffers[0] = bits;
    array->null_count = 1;
}
static void child_null(struct ArrowArray *array)
{
    array->children[2] = NULL;
}
static void child_one_buffer(struct ArrowArray *array)
{
    array->children[2]->n_buffers = 1;
}
static void child_null_buffers(struct ArrowArray *array)
{
    array->children[2]->buffers = NULL;
}
static void child_short(struct ArrowArray *array)
{
    array->children[2]->length--;
}
static void child_short_of_offset(struct ArrowArray *array)
{
    array->offset = 1;
}
static void child_negative_offset(struct ArrowArray *array)
{
    array->children[2]->offset = -1;
}
static void child_huge_offset(struct ArrowArray *array)
{
    array->children[2]->offset = INT64_MAX;
}
static void child_bad_nulls(struct ArrowArray *array)
{
    array->children[2]->null_count = -2;
}
static void child_no_bitmap(struct ArrowArray *array)
{
    array->children[2]->null_count = 1;
}
static void child_no_values(struct ArrowArray *array)
{
    array->children[2]->buffers[1] = NULL;
}
static void child_dictionary(struct ArrowArray *array)
{
    array->children[2]->dictionary = array->children[1];
}

static void batches_that_break_the_interface_are_refused(void **state)
{
    (void)state;
    static const struct {
        void (*spoil)(struct ArrowArray *);
        const char *part;
    } cases[] = {
        {array_few_children, "10 columns, where the schema has 11"},
        {array_no_list, "columns, where"},
        {array_negative_length, "a batch of -1 rows"},
        {array_negative_offset, "from row -1"},
        {array_huge, "a batch of"},
        {array_no_buffers, "0 buffers, not 1"},
        {array_null_row, "row 6 is null as a whole"},
        {child_null, "\"u8\" of a batch has not 2 buffers"},
        {child_one_buffer, "\"u8\" of a batch has not 2 buffers"},
        {child_null_buffers, "\"u8\" of a batch has not 2 buffers"},
        {child_short, "\"u8\" of a batch is shorter"},
        {child_short_of_offset, "is shorter"},
        {child_negative_offset, "bad offset"},
        {child_huge_offset, "bad offset"},
        {child_bad_nulls, "\"u8\" of a batch has a bad count of nulls"},
        {child_no_bitmap, "\"u8\" of a batch has nulls and no validity"},
        {child_no_values, "\"u8\" of a batch has no values"},
        {child_dictionary, "is not what the schema says"},
    };
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        made_stream made = all_types();
        made.spoil_array = cases[i].spoil;
        assert_ingest_fails(&made, &(gch_ingest_desc){0}, GCH_INVALID, cases[i].part);
    }
}

static void options_of_other_formats_are_refused(void **state)
{
    (void)state;
    const char *input = "x.csv";
    const gch_ingest_desc descs[] = {
        {.inputs = &input, .input_count = 1},
        {.format = GCH_FORMAT_CSV},
        {.layout = "a:i8"},
        {.header = GCH_HEADER_NO},
        {.delimiter = ';'},
        {.skip_bytes = 1},
        {.rate_hz = 1},
        {.start_ticks = 1},
        {.sort = true},
        {.skip_bad = 1},
    };
    made_stream made = all_types();
    for (size_t i = 0; i < GCH_COUNT_OF(descs); i++)
        assert_ingest_fails(&made, &descs[i], GCH_INVALID, "takes no inputs");
    assert_ingest_fails(&made, &(gch_ingest_desc){.time_column = "nothing"}, GCH_INVALID,
                        "there is no column \"nothing\"");
    assert_ingest_fails(&made, &(gch_ingest_desc){.time_unit = GCH_TIME_S}, GCH_INVALID,
                        "are in ms, asked for in s");
    assert_ingest_fails(&made, &(gch_ingest_desc){.time_zone = "No/Where"}, GCH_NOT_FOUND, "");
    assert_ingest_fails(&made, &(gch_ingest_desc){.time_column = "f64"}, GCH_INVALID,
                        "time column \"f64\" has the format \"g\"");
    gch_error err = {0};
    made_begin(&made);
    assert_status(gch_ingest_arrow(&made.stream, &(gch_ingest_desc){0}, NULL, &err), GCH_INVALID);
    assert_released_once(&made);
    assert_status(gch_ingest_arrow(&made.stream, &(gch_ingest_desc){.output = OUTPUT}, NULL, &err),
                  GCH_INVALID); /* released before */
    assert_status(gch_ingest_arrow(NULL, &(gch_ingest_desc){.output = OUTPUT}, NULL, &err),
                  GCH_INVALID);
}

static void columns_of_other_types_are_skipped_unless_named(void **state)
{
    (void)state;
    gch_error err;
    gch_ingest_report report;
    made_stream made = all_types();
    made.batches[0].columns[1].format = "u";
    made.batches[0].columns[2].format = "+l";
    made.batches[0].columns[3].format = "d:39,2";
    made.batches[0].columns[4].format = "ttm";
    made.batches[0].columns[7].format = "tsn:";
    assert_ok(ingest_with(&made, &(gch_ingest_desc){0}, &report, &err));
    assert_int_equal(report.skipped_column_count, 5);
    const char *named[] = {"f64", "i8"};
    assert_ingest_fails(&made, &(gch_ingest_desc){.columns = named, .column_count = 2},
                        GCH_UNSUPPORTED, "column \"i8\" has the format \"u\"");
    const char *one[] = {"10"};
    assert_ok(
        ingest_with(&made, &(gch_ingest_desc){.columns = one, .column_count = 1}, NULL, &err));
    gch_file *file = open_output(OUTPUT);
    assert_int_equal(gch_file_get_info(file)->column_count, 1);
    assert_string_equal(gch_file_get_info(file)->columns[0].name, "f64");
    gch__file_close(file);
}

static void times_come_as_timestamps_dates_and_integers(void **state)
{
    (void)state;
    static const int32_t days[ROWS] = {-1, 0, 1, 2, 3, 4, 5, 6, 7, 19723};
    static const int64_t ms[ROWS] = {1700000000000, 1700000000001, 1700000000002, 1700000000003,
                                     1700000000004, 1700000000005, 1700000000006, 1700000000007,
                                     1700000000008, 1700000000009};
    static const uint16_t shorts[ROWS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 65535};
    const struct {
        made_column time;
        gch_time_unit given, unit;
        int64_t first, last;
    } cases[] = {
        {PLAIN("day", "tdD", days), 0, GCH_TIME_S, -86400, 19723 * 86400LL},
        {PLAIN("day", "tdD", days), GCH_TIME_MS, GCH_TIME_MS, -86400000, 19723 * 86400000LL},
        {PLAIN("day", "tdm", ms), 0, GCH_TIME_MS, 1700000000000, 1700000000009},
        {PLAIN("x", "tsu:", ms), 0, GCH_TIME_US, 1700000000000, 1700000000009},
        {PLAIN("x", "tss:+02:00", ms), 0, GCH_TIME_S, 1700000000000, 1700000000009},
        {PLAIN("x", "l", ms), 0, GCH_TIME_MS, 1700000000000, 1700000000009},
        {PLAIN("x", "L", ms), GCH_TIME_NS, GCH_TIME_NS, 1700000000000, 1700000000009},
        {PLAIN("index", "S", shorts), 0, GCH_TIME_INDEX, 0, 65535},
    };
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        gch_error err;
        gch_ingest_report report;
        made_stream made = all_types();
        made.batches[0].columns[0] = cases[i].time;
        assert_ok(
            ingest_with(&made, &(gch_ingest_desc){.time_unit = cases[i].given}, &report, &err));
        assert_int_equal(report.time_unit, cases[i].unit);
        gch_file *file = open_output(OUTPUT);
        const gch_file_info *info = gch_file_get_info(file);
        assert_int_equal(info->time_unit, cases[i].unit);
        assert_int_equal(info->first_time, cases[i].first);
        assert_int_equal(info->last_time, cases[i].last);
        assert_string_equal(info->time_name, cases[i].time.name);
        assert_string_equal(info->time_zone, "");
        gch__file_close(file);
    }
    gch_error err;
    made_stream made = all_types();
    assert_ok(ingest_with(&made, &(gch_ingest_desc){.time_column = "none"}, NULL, &err));
    gch_file *file = open_output(OUTPUT);
    assert_int_equal(gch_file_get_info(file)->time_unit, GCH_TIME_INDEX);
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    assert_ok(gch_export_arrow(file, NULL, &stream, &err));
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    assert_string_equal(schema.children[0]->format, "l");
    schema.release(&schema);
    stream.release(&stream);
    gch__file_close(file);
}

static void a_null_or_decreasing_time_is_named(void **state)
{
    (void)state;
    static const uint8_t valid[2] = {0x7F, 0xFF};
    static const int64_t falling[ROWS] = {1, 2, 3, 2, 5, 6, 7, 8, 9, 10};
    made_stream made = all_types();
    made.batches[0].columns[0].validity = valid;
    made.batches[0].columns[0].null_count = 1;
    assert_ingest_fails(&made, &(gch_ingest_desc){0}, GCH_INVALID,
                        "row 8: the time (\"when\") is null");
    made = all_types();
    made.batches[0].columns[0].values = falling;
    assert_ingest_fails(&made, &(gch_ingest_desc){0}, GCH_UNSORTED, "row 3 (2)");
}

static void an_append_goes_behind_what_is_there(void **state)
{
    (void)state;
    gch_error err = {0};
    gch_ingest_report report;
    made_stream made = all_types();
    static const int64_t later[ROWS] = {6000, 6001, 6002, 6003, 6004, 6005, 6006, 6007, 6008, 6009};
    assert_ok(ingest(&made, &err));
    assert_status(ingest_with(&made, &(gch_ingest_desc){.append = true}, &report, &err),
                  GCH_UNSORTED);
    assert_true(report.is_before_output);
    made.batches[0].columns[0].values = later;
    assert_ok(ingest_with(&made, &(gch_ingest_desc){.append = true}, &report, &err));
    assert_int_equal(report.row_count, ROWS);
    gch_file *file = open_output(OUTPUT);
    assert_int_equal(gch_file_get_info(file)->row_count, 2 * ROWS);
    gch__file_close(file);
}

static void decimals_keep_every_digit(void **state)
{
    (void)state;
    gch_error err;
    __int128 wide[ROWS] = {0};
    wide[0] = INT64_MAX;
    wide[1] = INT64_MIN;
    wide[3] = 1250;
    wide[4] = -99;
    made_stream made = all_types();
    made.batches[0].columns[1] = PLAIN("d", "d:38,2", wide);
    const char *named[] = {"d"};
    const gch_ingest_desc desc = {.columns = named, .column_count = 1};
    assert_ok(ingest_with(&made, &desc, NULL, &err));
    gch_file *file = open_output(OUTPUT);
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray array;
    assert_ok(gch_export_arrow(file, NULL, &stream, &err));
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    assert_int_equal(stream.get_next(&stream, &array), 0);
    const char *format = schema.children[1]->format;
    const gch_column_info *info = &gch_file_get_info(file)->columns[0];
    assert_int_equal(info->type, GCH_TYPE_DECIMAL);
    assert_int_equal(info->kind, GCH_VALUE_DECIMAL);
    assert_string_equal(format, "d:38,2");
    assert_memory_equal(array.children[1]->buffers[1], wide, sizeof wide);
    array.release(&array);
    schema.release(&schema);
    stream.release(&stream);
    gch__file_close(file);

    wide[5] = (__int128)INT64_MAX + 1;
    assert_ingest_fails(&made, &desc, GCH_LIMIT, "column \"d\", row 6: a decimal");
    static const uint8_t hides_row_5[2] = {0xDF, 0xFF};
    made.batches[0].columns[1].validity = hides_row_5; /* what a null covers is not looked at */
    made.batches[0].columns[1].null_count = 1;
    assert_ok(ingest_with(&made, &desc, NULL, &err));
    /* A column without large digits comes back as the doubles next to it. */
    wide[0] = wide[1] = wide[4] = 1;
    assert_ok(ingest_with(&made, &desc, NULL, &err));
    file = open_output(OUTPUT);
    assert_ok(gch_export_arrow(file, NULL, &stream, &err));
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    assert_int_equal(stream.get_next(&stream, &array), 0);
    assert_string_equal(schema.children[1]->format, "g");
    assert_true(((const double *)array.children[1]->buffers[1])[0] == 0.01);
    assert_true(((const double *)array.children[1]->buffers[1])[3] == 12.5);
    array.release(&array);
    schema.release(&schema);
    stream.release(&stream);
    gch__file_close(file);
}

static void decimals_of_a_scale_below_zero_become_integers(void **state)
{
    (void)state;
    gch_error err;
    __int128 thousands[ROWS] = {12, -7};
    made_stream made = all_types();
    made.batches[0].columns[1] = PLAIN("d", "d:38,-3", thousands);
    assert_ok(ingest(&made, &err));
    gch_file *file = open_output(OUTPUT);
    gch_value values[2];
    assert_ok(gch_file_read_values(file, 0, 0, 2, values, &err));
    assert_int_equal(values[0].as.digits, 12000);
    assert_int_equal(values[1].as.digits, -7000);
    assert_int_equal(values[0].scale, 0);
    gch__file_close(file);
    thousands[8] = INT64_MAX / 1000 + 1;
    assert_ingest_fails(&made, &(gch_ingest_desc){0}, GCH_LIMIT, "column \"d\", row 9: a decimal");
}

static void u64_beyond_int64_is_refused(void **state)
{
    (void)state;
    gch_error err;
    uint64_t large[ROWS] = {1, INT64_MAX, 3};
    made_stream made = all_types();
    made.batches[0].columns[1] = PLAIN("big", "L", large);
    assert_ok(ingest(&made, &err));
    large[9] = (uint64_t)INT64_MAX + 1;
    assert_ingest_fails(&made, &(gch_ingest_desc){0}, GCH_LIMIT, "\"big\", row 10");
    made.batches[0].columns[1].validity = some_nulls; /* row 9 is null */
    made.batches[0].columns[1].null_count = 2;
    assert_ok(ingest(&made, &err));
}

static void misalign(struct ArrowArray *array)
{
    /* The producer's block, one byte on: the values of f64 are those behind row 0's first byte. */
    array->length = array->children[9]->length = ROWS - 1;
    array->children[9]->buffers[1] = (const uint8_t *)array->children[9]->buffers[1] + 1;
}

static void misaligned_values_are_copied(void **state)
{
    (void)state;
    gch_error err;
    made_stream made = all_types();
    made.spoil_array = misalign;
    assert_ok(ingest(&made, &err));
    gch_file *file = open_output(OUTPUT);
    gch_value value;
    assert_ok(gch_file_read_values(file, 8, 7, 1, &value, &err));
    double expected, found = gch_value_to_double(value);
    memcpy(&expected, (const uint8_t *)f64s + 7 * 8 + 1, sizeof expected);
    assert_memory_equal(&found, &expected, sizeof expected);
    gch__file_close(file);
}

static bool stop(void *context, uint64_t done, uint64_t total)
{
    (void)done;
    (void)total;
    return *(bool *)context;
}

static void both_ways_can_be_cancelled(void **state)
{
    (void)state;
    gch_error err = {0};
    bool goes_on = false;
    const gch_progress progress = {.report = stop, .context = &goes_on};
    made_stream made = all_types();
    assert_ingest_fails(&made, &(gch_ingest_desc){.progress = &progress}, GCH_CANCELLED, "");
    assert_ok(ingest(&made, &err));
    gch_file *file = open_output(OUTPUT);
    struct ArrowArrayStream stream;
    struct ArrowArray array;
    assert_ok(gch_export_arrow(file, &(gch_export_desc){.progress = &progress}, &stream, &err));
    assert_int_equal(stream.get_next(&stream, &array), ECANCELED);
    assert_null(array.release);
    assert_non_null(stream.get_last_error(&stream));
    goes_on = true;
    assert_int_equal(stream.get_next(&stream, &array), 0); /* nothing was lost */
    assert_int_equal(array.length, ROWS);
    array.release(&array);
    stream.release(&stream);
    gch__file_close(file);
}

static void columns_and_ranges_are_chosen_for_export(void **state)
{
    (void)state;
    gch_error err = {0};
    made_stream made = all_types();
    assert_ok(ingest(&made, &err));
    gch_file *file = open_output(OUTPUT);
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray array;
    const uint32_t chosen[] = {8, 0}, missing[] = {10};
    const gch_export_desc desc = {
        .columns = chosen, .column_count = 2, .from = 0, .to = 1001, .integer_times = true};
    assert_ok(gch_export_arrow(file, &desc, &stream, &err));
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    assert_int_equal(stream.get_next(&stream, &array), 0);
    assert_int_equal(schema.n_children, 3);
    assert_string_equal(schema.children[0]->format, "l");
    assert_string_equal(schema.children[1]->name, "f64");
    assert_string_equal(schema.children[2]->name, "i8");
    assert_int_equal(array.length, 5);
    assert_memory_equal(array.children[0]->buffers[1], seconds + 1, 5 * sizeof *seconds);
    assert_memory_equal(array.children[1]->buffers[1], f64s + 1, 5 * sizeof *f64s);
    /* A column moved out of its batch lives on by itself. */
    struct ArrowArray moved = *array.children[1];
    array.children[1]->release = NULL;
    array.release(&array);
    assert_memory_equal(moved.buffers[1], f64s + 1, 5 * sizeof *f64s);
    moved.release(&moved);
    schema.release(&schema);
    stream.release(&stream);
    assert_status(gch_export_arrow(file, &(gch_export_desc){.columns = missing, .column_count = 1},
                                   &stream, &err),
                  GCH_INVALID);
    assert_null(stream.release);
    assert_status(gch_export_arrow(file, &(gch_export_desc){.from = 2, .to = 1}, &stream, &err),
                  GCH_INVALID);
    gch__file_close(file);
}

static void long_files_come_in_several_batches(void **state)
{
    (void)state;
    enum { LONG_ROWS = 150001 };
    gch_error err;
    int64_t *times = malloc(LONG_ROWS * sizeof *times);
    float *values = malloc(LONG_ROWS * sizeof *values);
    assert_true(times != NULL && values != NULL);
    for (int i = 0; i < LONG_ROWS; i++) {
        times[i] = 1700000000000 + 10 * (int64_t)i;
        values[i] = (float)(i % 1000) / 8;
    }
    made_stream made = {.column_count = 2, .batch_count = 1};
    made.batches[0] =
        (made_batch){.length = LONG_ROWS,
                     .columns = {{.name = "t", .format = "tsm:", .values = times, .value_bits = 64},
                                 {.name = "v", .format = "f", .values = values, .value_bits = 32}}};
    assert_ok(ingest(&made, &err));
    gch_file *file = open_output(OUTPUT);
    struct ArrowArrayStream stream;
    assert_ok(gch_export_arrow(file, NULL, &stream, &err));
    int64_t rows = 0;
    for (;;) {
        struct ArrowArray array;
        assert_int_equal(stream.get_next(&stream, &array), 0);
        if (array.release == NULL)
            break;
        assert_int_equal(array.length, rows < 131072 ? 65536 : LONG_ROWS - 131072);
        assert_memory_equal(array.children[0]->buffers[1], times + rows,
                            (size_t)array.length * sizeof *times);
        assert_memory_equal(array.children[1]->buffers[1], values + rows,
                            (size_t)array.length * sizeof *values);
        rows += array.length;
        array.release(&array);
    }
    assert_int_equal(rows, LONG_ROWS);
    stream.release(&stream);
    gch__file_close(file);
    free(times);
    free(values);
}

typedef struct failing_heap {
    int left; /* allocations that succeed */
    int live;
} failing_heap;

static void *failing_resize(void *context, void *old, size_t bytes, const char *purpose)
{
    failing_heap *heap = context;
    (void)purpose;
    if (bytes == 0) {
        heap->live -= old != NULL;
        free(old);
        return NULL;
    }
    if (heap->left-- <= 0)
        return NULL;
    heap->live += old == NULL;
    return realloc(old, bytes);
}

/* The stream's first batch and its schema, released again; 0 or the errno. */
static int drain(struct ArrowArrayStream *stream)
{
    struct ArrowSchema schema;
    struct ArrowArray array;
    int code = stream->get_schema(stream, &schema);
    if (code == 0) {
        schema.release(&schema);
        code = stream->get_next(stream, &array);
        if (code == 0)
            array.release(&array);
    }
    stream->release(stream);
    return code;
}

static void every_failing_allocation_is_survived(void **state)
{
    (void)state;
    bool is_done = false;
    for (int n = 0; !is_done; n++) {
        gch_error err = {0};
        failing_heap heap = {.left = n};
        const gch_allocator allocator = {.resize = failing_resize, .context = &heap};
        made_stream made = all_types();
        made.batches[0].columns[1].format = "d:38,0"; /* through the scratch */
        made.batches[0].columns[1].values = (const __int128[ROWS]){1, 2};
        made.batches[0].columns[1].value_bits = 128;
        gch_status status =
            ingest_with(&made, &(gch_ingest_desc){.allocator = &allocator}, NULL, &err);
        assert_int_equal(heap.live, 0);
        is_done = status == GCH_OK;
        assert_true(is_done || (status == GCH_NO_MEMORY && n < 10000));
    }
    is_done = false;
    for (int n = 0; !is_done; n++) {
        gch_error err = {0};
        failing_heap heap = {.left = n};
        const gch_allocator allocator = {.resize = failing_resize, .context = &heap};
        gch_file *file = NULL;
        struct ArrowArrayStream stream;
        if (gch__file_open(OUTPUT, &(gch__file_desc){.allocator = &allocator}, &file, &err) ==
            GCH_OK) {
            gch_status status = gch_export_arrow(file, NULL, &stream, &err);
            int code = status == GCH_OK ? drain(&stream) : ENOMEM;
            assert_true(status == GCH_OK || status == GCH_NO_MEMORY);
            is_done = code == 0;
            assert_true(is_done || code == ENOMEM);
        }
        gch__file_close(file);
        assert_int_equal(heap.live, 0);
        assert_true(n < 10000);
    }
}

static void format_strings_are_read_whole(void **state)
{
    (void)state;
    static const char *const others[] = {
        "",       "x",       "e",     "ll",      "tsx:",  "ts",     "tss",     "tdx",
        "d:",     "d:10",    "d:10,", "d:10,19", "d:0,1", "d:39,1", "d:10,1,", "d:10,1,64",
        "d:10,-", "d:10,1x", "d:,1",  "d:1,-19", "+s",    "u",      "n",       "d:99999999,1",
    };
    assert_int_equal(gch__arrow_type_parse(NULL).kind, GCH__ARROW_OTHER);
    for (size_t i = 0; i < GCH_COUNT_OF(others); i++) {
        gch__arrow_type type = gch__arrow_type_parse(others[i]);
        assert_int_equal(type.kind, GCH__ARROW_OTHER);
        assert_int_equal(type.type, GCH_TYPE_DEFAULT);
        assert_false(type.can_be_time);
    }
    gch__arrow_type decimal = gch__arrow_type_parse("d:10,-3,128");
    assert_int_equal(decimal.kind, GCH__ARROW_DECIMAL128);
    assert_int_equal(decimal.scale, -3);
    gch__arrow_type stamp = gch__arrow_type_parse("tsu:Europe/Berlin");
    assert_int_equal(stamp.unit, GCH_TIME_US);
    assert_string_equal(stamp.zone, "Europe/Berlin");
}

/* docs/ingest.md shows this function. */
static gch_status copy_columns(const gch_file *file, const char *path, gch_error *err)
{
    struct ArrowArrayStream stream;
    gch_status status = gch_export_arrow(file, NULL, &stream, err);
    if (status != GCH_OK)
        return status;
    const char *columns[] = {"i16", "f64"};
    gch_ingest_desc desc = {.output = path, .columns = columns, .column_count = 2};
    return gch_ingest_arrow(&stream, &desc, NULL, err); /* releases the stream */
}

static void the_documented_function_copies_columns(void **state)
{
    (void)state;
    gch_error err;
    made_stream made = all_types();
    assert_ok(ingest(&made, &err));
    gch_file *file = open_output(OUTPUT);
    assert_ok(copy_columns(file, OUTPUT_2, &err));
    gch_file *copy = open_output(OUTPUT_2);
    assert_int_equal(gch_file_get_info(copy)->column_count, 2);
    assert_int_equal(gch_file_get_info(copy)->row_count, ROWS);
    gch__file_close(copy);
    gch__file_close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_comes_back_bit_for_bit),
        cmocka_unit_test(an_exported_stream_is_read_back_to_the_same_file),
        cmocka_unit_test(offsets_of_batches_and_columns_are_kept),
        cmocka_unit_test(an_empty_stream_is_a_file_of_no_rows),
        cmocka_unit_test(a_failing_stream_leaves_nothing_behind),
        cmocka_unit_test(schemas_that_make_no_sense_are_refused),
        cmocka_unit_test(batches_that_break_the_interface_are_refused),
        cmocka_unit_test(options_of_other_formats_are_refused),
        cmocka_unit_test(columns_of_other_types_are_skipped_unless_named),
        cmocka_unit_test(times_come_as_timestamps_dates_and_integers),
        cmocka_unit_test(a_null_or_decreasing_time_is_named),
        cmocka_unit_test(an_append_goes_behind_what_is_there),
        cmocka_unit_test(decimals_keep_every_digit),
        cmocka_unit_test(decimals_of_a_scale_below_zero_become_integers),
        cmocka_unit_test(u64_beyond_int64_is_refused),
        cmocka_unit_test(misaligned_values_are_copied),
        cmocka_unit_test(both_ways_can_be_cancelled),
        cmocka_unit_test(columns_and_ranges_are_chosen_for_export),
        cmocka_unit_test(long_files_come_in_several_batches),
        cmocka_unit_test(every_failing_allocation_is_survived),
        cmocka_unit_test(format_strings_are_read_whole),
        cmocka_unit_test(the_documented_function_copies_columns),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(OUTPUT);
    unlink(OUTPUT_2);
    return failed;
}
