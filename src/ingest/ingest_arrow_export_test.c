/* Arrow out, and in again: every type bit for bit, ranges, batches, every allocation that fails. */
#define OUTPUT "ingest_arrow_export_test.gch"
#define OUTPUT_2 "ingest_arrow_export_test_2.gch"
#include "ingest_arrow_test.h"

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
        cmocka_unit_test(both_ways_can_be_cancelled),
        cmocka_unit_test(columns_and_ranges_are_chosen_for_export),
        cmocka_unit_test(long_files_come_in_several_batches),
        cmocka_unit_test(every_failing_allocation_is_survived),
        cmocka_unit_test(the_documented_function_copies_columns),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(OUTPUT);
    unlink(OUTPUT_2);
    return failed;
}
