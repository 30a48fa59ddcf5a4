/* What the query room stands on: tree, blocks, keys, runs, bitmaps, against brute force. */
#include "store_test_data.h"

static data make_mixed(size_t count)
{
    uint64_t seed = 42;
    data d = data_make(count);
    data_column *decimal = data_add(&d, GCH_TYPE_F64);
    data_column *wide = data_add(&d, GCH_TYPE_I64);
    data_column *floats = data_add(&d, GCH_TYPE_F32);
    data_column *doubles = data_add(&d, GCH_TYPE_F64);
    int64_t level = 0;
    for (size_t i = 0; i < count; i++) {
        level += (int64_t)(test_random(&seed) % 21) - 10;
        data_set_double(decimal, i, (double)level / 100);
        data_set_bits(wide, i, test_random(&seed) >> (i % 60));
        data_set_float(floats, i, (float)(test_random(&seed) >> 40) * 0x1p-30f - 0.001f);
        data_set_double(doubles, i, 1.0 / (double)(test_random(&seed) % 100000 + 3));
        if (test_random(&seed) % 50 == 0 || i / 256 == 9 || i / 1024 == 5) {
            data_set_null(&d, decimal, i);
            data_set_null(&d, floats, i);
        }
        if (test_random(&seed) % 300 == 0)
            data_set_null(&d, doubles, i);
        if (i > 0)
            d.times[i] = d.times[i - 1] + (int64_t)(test_random(&seed) % 1000);
    }
    return d;
}

static bool is_drawn_row(const data *d, uint32_t c, size_t row)
{
    return data_is_valid(&d->columns[c], row);
}

/* Value of a row as a number that orders exactly: these columns fit a long double's 64 bits. */
static long double number_of(gch_value value)
{
    switch (value.kind) {
    case GCH_VALUE_DECIMAL:
        return (long double)value.as.digits;
    case GCH_VALUE_F32:
        return value.as.f32;
    default:
        return value.as.f64;
    }
}

static gch__pair64 pair_at(const gch__value_column *column, uint32_t level, uint32_t index)
{
    if (column->map.is_wide)
        return ((const gch__pair64 *)column->levels[level])[index];
    gch__pair32 pair = ((const gch__pair32 *)column->levels[level])[index];
    return (gch__pair64){pair.min, pair.max};
}

static void every_node_of_the_tree_equals_brute_force(void **state)
{
    (void)state;
    gch_error err = {0};
    data d = make_mixed(300000);
    test_image made = data_write(&d, d.row_count, NULL);
    gch_value *values = malloc(d.row_count * sizeof *values);
    assert_non_null(values);
    const gch__segment *segment = gch__file_segment(made.file, 0);
    for (uint32_t c = 0; c < d.column_count; c++) {
        const gch__value_column *column = &segment->columns[c];
        assert_ok(gch_file_read_values(made.file, c, 0, d.row_count, values, &err));
        assert_int_equal(column->level_count, 4);
        size_t span = 256;
        for (uint32_t level = 0; level < column->level_count; level++, span *= 16) {
            assert_int_equal(column->level_counts[level], (d.row_count + span - 1) / span);
            size_t pair_bytes = column->map.is_wide ? 16 : 8;
            assert_ok(gch__segment_check(segment, column->levels[level],
                                         column->level_counts[level] * pair_bytes, &err));
            for (uint32_t i = 0; i < column->level_counts[level]; i++) {
                gch__pair64 pair = pair_at(column, level, i);
                bool is_any = false;
                long double min = 0, max = 0;
                for (size_t row = i * span; row < GCH_MIN((i + 1) * span, d.row_count); row++) {
                    if (!is_drawn_row(&d, c, row))
                        continue;
                    long double v = number_of(values[row]);
                    min = !is_any || v < min ? v : min;
                    max = !is_any || v > max ? v : max;
                    is_any = true;
                }
                assert_int_equal(is_any, pair.min <= pair.max);
                if (!is_any)
                    continue;
                assert_true(number_of(gch__value_from_key(&column->map, pair.min)) == min);
                assert_true(number_of(gch__value_from_key(&column->map, pair.max)) == max);
            }
        }
    }
    free(values);
    image_free(&made);
    data_free(&d);
}

static void single_rows_equal_decoded_rows(void **state)
{
    (void)state;
    gch_error err = {0};
    data d = make_mixed(30000);
    test_image made = data_write(&d, d.row_count, NULL);
    gch_value *values = malloc(d.row_count * sizeof *values);
    assert_non_null(values);
    const gch__segment *segment = gch__file_segment(made.file, 0);
    for (uint32_t c = 0; c < d.column_count; c++) {
        const gch__value_column *column = &segment->columns[c];
        assert_ok(gch_file_read_values(made.file, c, 0, d.row_count, values, &err));
        for (uint32_t row = 0; row < d.row_count; row++) {
            uint64_t key;
            bool is_drawn;
            int64_t ticks;
            assert_ok(gch__segment_key(segment, column, row, &key, &is_drawn, &err));
            assert_int_equal(is_drawn, is_drawn_row(&d, c, row));
            if (is_drawn) {
                gch_value value = gch__value_from_key(&column->map, key);
                assert_memory_equal(&value.as, &values[row].as,
                                    column->map.kind == GCH_VALUE_F32 ? sizeof(float)
                                                                      : sizeof(double));
                assert_int_equal(value.kind, values[row].kind);
            }
            assert_ok(gch__segment_time(segment, row, &ticks, &err));
            assert_int_equal(ticks, d.times[row]);
        }
    }
    free(values);
    image_free(&made);
    data_free(&d);
}

static void run_starts_equal_brute_force(void **state)
{
    (void)state;
    data d = make_mixed(30000);
    test_image made = data_write(&d, 4096, NULL);
    const gch__segment *segment = gch__file_segment(made.file, 0);
    for (uint32_t c = 0; c < d.column_count; c++) {
        const gch__value_column *column = &segment->columns[c];
        uint32_t next = 0;
        bool before = false;
        for (uint32_t row = 0; row < d.row_count; row++) {
            bool is_drawn = is_drawn_row(&d, c, row);
            if (is_drawn && !before) {
                assert_true(next < column->run_start_count);
                assert_int_equal(column->run_starts[next++], row);
            }
            before = is_drawn;
        }
        assert_int_equal(next, column->run_start_count);
        assert_int_equal(column->first_is_drawn, is_drawn_row(&d, c, 0));
        assert_int_equal(column->last_is_drawn, before);
    }
    image_free(&made);
    data_free(&d);
}

static void parts_of_a_file_are_read_from_any_row(void **state)
{
    (void)state;
    uint64_t seed = 8;
    gch_error err = {0};
    data d = make_mixed(20000);
    test_image made = data_write(&d, d.row_count, NULL);
    for (int i = 0; i < 300; i++) {
        size_t first = test_random(&seed) % d.row_count;
        size_t count = test_random(&seed) % GCH_MIN(d.row_count - first + 1, (size_t)1500);
        data_check_rows(&d, made.file, first, count);
    }
    int64_t t;
    gch_value v;
    assert_ok(gch_file_read_times(made.file, d.row_count, 0, &t, &err));
    assert_status(gch_file_read_times(made.file, d.row_count, 1, &t, &err), GCH_INVALID);
    assert_status(gch_file_read_times(made.file, UINT64_MAX, 2, &t, &err), GCH_INVALID);
    assert_status(gch_file_read_values(made.file, 0, 1, SIZE_MAX, &v, &err), GCH_INVALID);
    assert_status(gch_file_read_values(made.file, 4, 0, 1, &v, &err), GCH_INVALID);
    image_free(&made);
    data_free(&d);
}

static void key_ranges_decide_the_width_of_a_column(void **state)
{
    (void)state;
    for (int is_wide = 0; is_wide < 2; is_wide++) {
        data d = data_make(1000);
        data_column *column = data_add(&d, GCH_TYPE_I64);
        uint64_t base = (uint64_t)INT64_MIN + 5;
        for (size_t i = 0; i < d.row_count; i++)
            data_set_bits(column, i, base + i);
        data_set_bits(column, 999, base + 0xFFFFFFFFu + (uint64_t)is_wide);
        test_image made = data_write(&d, d.row_count, NULL);
        assert_int_equal(gch_file_get_info(made.file)->columns[0].is_wide, is_wide);
        data_check(&d, made.file);
        image_free(&made);
        data_free(&d);
    }
}

static void bytes_add_up_to_the_file(void **state)
{
    (void)state;
    data d = make_mixed(200000);
    test_image made = data_write(&d, d.row_count, NULL);
    const gch_file_info *info = gch_file_get_info(made.file);
    uint64_t sum = info->time_bytes.payload + info->time_bytes.headers + info->time_bytes.directory;
    for (uint32_t c = 0; c < info->column_count; c++) {
        const gch_column_bytes *bytes = &info->columns[c].bytes;
        sum += bytes->payload + bytes->headers + bytes->tree + bytes->directory + bytes->validity +
               bytes->exceptions;
    }
    /* What is left: first page, padding to a page, checksums, descriptor, footer. */
    assert_true(sum < info->file_bytes);
    assert_true(info->file_bytes - sum < 3 * 16384 + info->file_bytes / 1000);
    image_free(&made);
    data_free(&d);
}

static bool stop_at_once(void *context, uint64_t done, uint64_t total)
{
    uint64_t *calls = context;
    ++*calls;
    assert_true(done <= total);
    return false;
}

static bool go_on(void *context, uint64_t done, uint64_t total)
{
    uint64_t *last = context;
    assert_true(done >= *last && done <= total);
    *last = done;
    return true;
}

/* Steps through super-blocks: a few where times pass evenly, and where they do not at most those of
 * going there and back in doubled steps. */
static void rows_are_found_by_time_in_few_steps(void **state)
{
    (void)state;
    enum { ROWS = 1 << 20, SEARCHES = 2000 };
    for (int shape = 0; shape < 2; shape++) {
        gch_error err;
        uint64_t seed = 5, all = 0, most = 0;
        int64_t now = 0;
        data d = data_make(ROWS);
        data_add(&d, GCH_TYPE_I8);
        for (int64_t i = 0; i < ROWS; i++) {
            now += (int64_t)(test_random(&seed) % 20) + (shape == 1 ? i * i / ROWS : 0);
            d.times[i] = now;
        }
        test_image made = data_write(&d, ROWS, NULL);
        const gch__segment *segment = gch__file_segment(made.file, 0);
        assert_int_equal(segment->time.run_count, 0);
        for (int i = 0; i < SEARCHES; i++) {
            int64_t t = d.times[test_random(&seed) % ROWS] + (int64_t)(test_random(&seed) % 5) - 2;
            uint64_t nodes = 0;
            uint32_t row;
            assert_ok(gch__segment_find_row(segment, t, &row, &nodes, &err));
            assert_true(row == ROWS || d.times[row] >= t);
            assert_true(row == 0 || d.times[row - 1] < t);
            all += nodes;
            most = GCH_MAX(most, nodes);
        }
        if (shape == 0) /* of 1024; bisection takes 10 */
            assert_true(all < SEARCHES * 3);
        assert_true(most <= 20);
        image_free(&made);
        data_free(&d);
    }
}

static void verify_reports_and_can_be_stopped(void **state)
{
    (void)state;
    gch_error err = {0};
    uint64_t last = 0, calls = 0;
    data d = make_mixed(300000);
    test_image made = data_write(&d, d.row_count, NULL);
    gch_progress steady = {.report = go_on, .context = &last};
    assert_ok(gch_file_verify(made.file, NULL, &steady, &err));
    assert_true(last > 0);
    gch_progress stop = {.report = stop_at_once, .context = &calls};
    assert_status(gch_file_verify(made.file, NULL, &stop, &err), GCH_CANCELLED);
    assert_int_equal(calls, 1);
    image_free(&made);
    data_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_node_of_the_tree_equals_brute_force),
        cmocka_unit_test(single_rows_equal_decoded_rows),
        cmocka_unit_test(run_starts_equal_brute_force),
        cmocka_unit_test(parts_of_a_file_are_read_from_any_row),
        cmocka_unit_test(key_ranges_decide_the_width_of_a_column),
        cmocka_unit_test(bytes_add_up_to_the_file),
        cmocka_unit_test(rows_are_found_by_time_in_few_steps),
        cmocka_unit_test(verify_reports_and_can_be_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
