/* Arrow in: times and types, offsets, hostile structs, releases. */
#define OUTPUT "ingest_arrow_test.gch"
#include "ingest_arrow_test.h"

#include "ingest_arrow_type.h"

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
        {.commit_every_ms = 1},
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

static void values_are_packed_as_the_preset_says(void **state)
{
    (void)state;
    gch_error err = {0};
    gch_ingest_report report;
    made_stream made = all_types();
    const gch_column_tolerance own = {"f64", {5, -1}};
    gch_ingest_desc desc = {
        .preset = GCH_PRESET_TOLERANCE, .tolerances = &own, .tolerance_count = 1};
    assert_ok(ingest_with(&made, &desc, &report, &err));
    gch_file *file = open_output(OUTPUT);
    const gch_file_info *info = gch_file_get_info(file);
    uint32_t column = gch_file_find_column(file, "f64");
    char preset[32];
    snprintf(preset, sizeof preset, "tolerance=%u:0.5", column);
    assert_string_equal(info->preset, preset);
    assert_int_equal(info->columns[column].tolerance.digits, 5);
    gch__file_close(file);
    assert_ingest_fails(&made,
                        &(gch_ingest_desc){.preset = GCH_PRESET_TOLERANCE,
                                           .tolerances = &(gch_column_tolerance){"f65", {5, -1}},
                                           .tolerance_count = 1},
                        GCH_INVALID, "f65");
    assert_ingest_fails(&made,
                        &(gch_ingest_desc){.preset = GCH_PRESET_TOLERANCE,
                                           .tolerances = &(gch_column_tolerance){"i16", {5, -1}},
                                           .tolerance_count = 1},
                        GCH_INVALID, "integers");
    assert_ingest_fails(&made, &(gch_ingest_desc){.preset = GCH_PRESET_TOLERANCE}, GCH_INVALID,
                        "above 0");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
        cmocka_unit_test(values_are_packed_as_the_preset_says),
        cmocka_unit_test(decimals_keep_every_digit),
        cmocka_unit_test(decimals_of_a_scale_below_zero_become_integers),
        cmocka_unit_test(u64_beyond_int64_is_refused),
        cmocka_unit_test(misaligned_values_are_copied),
        cmocka_unit_test(format_strings_are_read_whole),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(OUTPUT);
    return failed;
}
