/* What is written is read back to the bit, whatever it is. */
#include "store_test_data.h"

#include <math.h>

static void write_and_check(data *d)
{
    test_image whole = data_write(d, GCH_MAX(d->row_count, (size_t)1), NULL);
    data_check(d, whole.file);
    /* Staged in odd parts the file is the same, byte for byte. */
    test_image parts = data_write(d, 776, NULL);
    assert_int_equal(parts.count, whole.count);
    assert_memory_equal(parts.bytes, whole.bytes, whole.count);
    image_free(&parts);
    image_free(&whole);
    data_free(d);
}

static void every_type_with_every_bit_pattern_comes_back(void **state)
{
    (void)state;
    for (gch_type type = GCH_TYPE_I8; type <= GCH_TYPE_F64; type++) {
        uint64_t seed = type;
        data d = data_make(5000);
        data_column *column = data_add(&d, type);
        for (size_t i = 0; i < d.row_count; i++) {
            /* Runs of small numbers, then anything. */
            uint64_t bits = test_random(&seed);
            data_set_bits(column, i, i / 700 % 2 == 0 ? bits % 100 : bits);
        }
        write_and_check(&d);
    }
}

static void extremes_of_integers_come_back(void **state)
{
    (void)state;
    data d = data_make(600);
    data_column *column = data_add(&d, GCH_TYPE_I64);
    for (size_t i = 0; i < d.row_count; i++)
        data_set_bits(column, i, i % 2 == 0 ? (uint64_t)INT64_MIN : (uint64_t)INT64_MAX);
    write_and_check(&d);
}

static void every_row_count_around_a_border_comes_back(void **state)
{
    (void)state;
    const size_t counts[] = {0,    1,    2,    31,   32,   33,    255,  256,  257,
                             1023, 1024, 1025, 4095, 8191, 16385, 1279, 2047, 2049};
    for (size_t k = 0; k < GCH_COUNT_OF(counts); k++) {
        for (int irregular = 0; irregular < 2; irregular++) {
            uint64_t seed = counts[k];
            data d = data_make(counts[k]);
            data_column *column = data_add(&d, GCH_TYPE_F64);
            data_column *narrow = data_add(&d, GCH_TYPE_I16);
            int64_t t = -5;
            for (size_t i = 0; i < d.row_count; i++) {
                data_set_double(column, i, (double)(int64_t)(test_random(&seed) % 1000) / 100);
                data_set_bits(narrow, i, test_random(&seed));
                t += (int64_t)(test_random(&seed) % 5);
                if (irregular)
                    d.times[i] = t;
            }
            write_and_check(&d);
        }
    }
}

static void whole_chunks_and_their_neighbours_come_back(void **state)
{
    (void)state;
    const size_t counts[] = {(1u << 20) - 1, 1u << 20, (1u << 20) + 1};
    gch_workers *workers = NULL;
    gch_error err = {0};
    assert_ok(gch_workers_make(2, NULL, &workers, &err));
    for (size_t k = 0; k < GCH_COUNT_OF(counts); k++) {
        uint64_t seed = k;
        data d = data_make(counts[k]);
        data_column *column = data_add(&d, GCH_TYPE_F32);
        for (size_t i = 0; i < d.row_count; i++)
            data_set_float(column, i, (float)(int64_t)(test_random(&seed) % 5000) / 10.0f);
        test_image direct = data_write(&d, d.row_count, workers);
        test_image staged = data_write(&d, 300001, NULL);
        data_check(&d, direct.file);
        assert_int_equal(direct.count, staged.count);
        assert_memory_equal(direct.bytes, staged.bytes, staged.count);
        image_free(&direct);
        image_free(&staged);
        data_free(&d);
    }
    gch_workers_destroy(workers);
}

typedef bool is_gap_fn(size_t row, size_t row_count);

static bool gap_first(size_t row, size_t row_count)
{
    (void)row_count;
    return row == 0;
}

static bool gap_last(size_t row, size_t row_count)
{
    return row + 1 == row_count;
}

static bool gap_alternate(size_t row, size_t row_count)
{
    (void)row_count;
    return row % 2 == 0;
}

static bool gap_whole_blocks(size_t row, size_t row_count)
{
    (void)row_count;
    return row / 256 % 3 == 1;
}

static bool gap_whole_supers(size_t row, size_t row_count)
{
    (void)row_count;
    return row / 1024 % 2 == 0;
}

static bool gap_everywhere(size_t row, size_t row_count)
{
    (void)row, (void)row_count;
    return true;
}

static bool gap_all_but_one(size_t row, size_t row_count)
{
    return row != row_count / 2;
}

static bool gap_scattered(size_t row, size_t row_count)
{
    (void)row_count;
    return row % 101 == 7 || row % 37 == 3;
}

static void gaps_of_every_shape_come_back_in_every_type(void **state)
{
    (void)state;
    is_gap_fn *const shapes[] = {gap_first,        gap_last,         gap_alternate,
                                 gap_whole_blocks, gap_whole_supers, gap_everywhere,
                                 gap_all_but_one,  gap_scattered};
    for (size_t shape = 0; shape < GCH_COUNT_OF(shapes); shape++) {
        uint64_t seed = shape;
        data d = data_make(3000);
        for (gch_type type = GCH_TYPE_I8; type <= GCH_TYPE_DECIMAL; type++) {
            data_column *column = data_add(&d, type);
            for (size_t i = 0; i < d.row_count; i++) {
                uint64_t number = test_random(&seed) % 100;
                data_set_bits(column, i, number);
                if (type == GCH_TYPE_F32)
                    data_set_float(column, i, (float)number / 4);
                if (type == GCH_TYPE_F64)
                    data_set_double(column, i, (double)number / 10);
                if (shapes[shape](i, d.row_count))
                    data_set_null(&d, column, i);
            }
        }
        test_image made = data_write(&d, d.row_count, NULL);
        const gch_file_info *info = gch_file_get_info(made.file);
        for (uint32_t c = 0; c < info->column_count; c++) {
            uint64_t gaps = 0;
            for (size_t i = 0; i < d.row_count; i++)
                gaps += shapes[shape](i, d.row_count);
            assert_int_equal(info->columns[c].gap_count, gaps);
            assert_int_equal(info->columns[c].exception_count, 0);
            assert_int_equal(info->columns[c].min.kind == GCH_VALUE_GAP, gaps == d.row_count);
        }
        image_free(&made);
        write_and_check(&d);
    }
}

static void nan_as_a_gap_equals_a_null(void **state)
{
    (void)state;
    data d = data_make(2000);
    data_column *nulls = data_add(&d, GCH_TYPE_F64);
    data_column *nans = data_add(&d, GCH_TYPE_F64);
    for (size_t i = 0; i < d.row_count; i++) {
        data_set_double(nulls, i, (double)i / 8);
        data_set_double(nans, i, (double)i / 8);
        if (i % 5 != 2)
            continue;
        data_set_null(&d, nulls, i);
        data_set_bits(nans, i, 0x7FF8000000000000u);
    }
    test_image made = data_write(&d, d.row_count, NULL);
    const gch_column_info *columns = gch_file_get_info(made.file)->columns;
    assert_int_equal(columns[0].gap_count, 400);
    assert_int_equal(columns[1].gap_count, 400);
    assert_int_equal(columns[1].exception_count, 0);
    image_free(&made);
    write_and_check(&d);
}

static void odd_doubles_come_back_and_leave_the_rest_decimal(void **state)
{
    (void)state;
    const uint64_t odd[] = {
        0x8000000000000000u, /* -0 */
        0x7FF0000000000000u, /* +inf */
        0xFFF0000000000000u, /* -inf */
        0xFFF8000000000000u, /* the processor's own NaN */
        0x7FF0000000000001u, /* signalling */
        0x7FFFFFFFFFFFFFFFu, 0x7FF8000000000000u,
    };
    data d = data_make(20000);
    data_column *column = data_add(&d, GCH_TYPE_F64);
    for (size_t i = 0; i < d.row_count; i++)
        data_set_double(column, i, (double)((int64_t)(i % 4000) - 2000) / 100);
    for (size_t k = 0; k < GCH_COUNT_OF(odd); k++) {
        data_set_bits(column, 100 + 999 * k, odd[k]);
        data_set_bits(column, 101 + 999 * k, odd[(k + 1) % GCH_COUNT_OF(odd)]);
    }
    data_set_bits(column, 0, odd[0]);
    data_set_bits(column, d.row_count - 1, odd[1]);
    test_image made = data_write(&d, d.row_count, NULL);
    const gch_column_info *info = &gch_file_get_info(made.file)->columns[0];
    assert_int_equal(info->kind, GCH_VALUE_DECIMAL);
    assert_int_equal(info->scale, 2);
    assert_int_equal(info->exception_count, 14); /* 12 of the pairs, and the two ends */
    assert_int_equal(info->gap_count, 13);       /* all but three -0.0 */
    assert_int_equal(info->min.as.digits, -2000);
    assert_int_equal(info->max.as.digits, 1999);
    image_free(&made);
    write_and_check(&d);
}

static void odd_floats_come_back(void **state)
{
    (void)state;
    const uint32_t odd[] = {0x80000000u, 0x7F800000u, 0xFF800000u, 0xFFC00000u,
                            0x7F800001u, 0x7FC00000u, 0x00000001u, 0x807FFFFFu};
    for (int is_noise = 0; is_noise < 2; is_noise++) {
        uint64_t seed = 3;
        data d = data_make(10000);
        data_column *column = data_add(&d, GCH_TYPE_F32);
        for (size_t i = 0; i < d.row_count; i++) {
            float noise = (float)(test_random(&seed) >> 40) / (float)(1u << 24);
            data_set_float(column, i, is_noise ? noise : (float)(i % 512) / 4);
        }
        for (size_t k = 0; k < (is_noise ? GCH_COUNT_OF(odd) : 6); k++)
            data_set_bits(column, 77 + 1111 * k, odd[k]);
        write_and_check(&d);
    }
}

static void many_negative_zeros_turn_a_column_to_floats(void **state)
{
    (void)state;
    data d = data_make(5120);
    data_column *column = data_add(&d, GCH_TYPE_F64);
    for (size_t i = 0; i < d.row_count; i++)
        data_set_double(column, i, i % 100 == 0 ? -0.0 : 1.5);
    test_image made = data_write(&d, d.row_count, NULL);
    assert_int_equal(gch_file_get_info(made.file)->columns[0].kind, GCH_VALUE_F64);
    assert_int_equal(gch_file_get_info(made.file)->columns[0].exception_count, 0);
    image_free(&made);
    write_and_check(&d);
}

static void denormals_and_huge_values_come_back(void **state)
{
    (void)state;
    data d = data_make(3000);
    data_column *column = data_add(&d, GCH_TYPE_F64);
    for (size_t i = 0; i < d.row_count; i++)
        data_set_bits(column, i,
                      i % 3 == 0   ? i
                      : i % 3 == 1 ? 0x7FEFFFFFFFFFFFFFu - i
                                   : 0xFFEFFFFFFFFFFFFFu - i);
    write_and_check(&d);
}

static void a_finer_scale_in_mid_file_starts_a_segment(void **state)
{
    (void)state;
    size_t chunk = 1u << 20;
    data d = data_make(2 * chunk + 100);
    data_column *column = data_add(&d, GCH_TYPE_F64);
    for (size_t i = 0; i < d.row_count; i++)
        data_set_double(column, i, (double)(i % 1000) / 10);
    data_set_double(column, chunk + 5000, 1.2345);
    data_set_double(column, 2 * chunk + 50, M_PI);
    test_image made = data_write(&d, d.row_count, NULL);
    const gch_file_info *info = gch_file_get_info(made.file);
    assert_int_equal(info->segment_count, 3);
    assert_int_equal(gch__file_segment(made.file, 0)->columns[0].map.scale, 1);
    assert_int_equal(gch__file_segment(made.file, 1)->columns[0].map.scale, 4);
    assert_int_equal(info->columns[0].scale, 4);
    assert_int_equal(info->columns[0].kind, GCH_VALUE_F64);
    data_check(&d, made.file);
    image_free(&made);
    data_free(&d);
}

static void a_finer_scale_in_the_first_chunk_starts_no_segment(void **state)
{
    (void)state;
    data d = data_make(100000);
    data_column *column = data_add(&d, GCH_TYPE_F64);
    for (size_t i = 0; i < d.row_count; i++)
        data_set_double(column, i, (double)(i % 1000) / 10);
    data_set_double(column, 300, 1.2345); /* not in the sample */
    test_image made = data_write(&d, d.row_count, NULL);
    assert_int_equal(gch_file_get_info(made.file)->segment_count, 1);
    assert_int_equal(gch_file_get_info(made.file)->columns[0].scale, 4);
    image_free(&made);
    write_and_check(&d);
}

static void text_numbers_of_mixed_scales_come_back(void **state)
{
    (void)state;
    uint64_t seed = 11;
    data d = data_make(4000);
    data_column *column = data_add(&d, GCH_TYPE_DECIMAL);
    for (size_t i = 0; i < d.row_count; i++) {
        data_set_bits(column, i, (uint64_t)((int64_t)(test_random(&seed) % 20001) - 10000));
        column->scales[i] = (int8_t)((int)(test_random(&seed) % 9) - 4);
    }
    test_image made = data_write(&d, d.row_count, NULL);
    assert_int_equal(gch_file_get_info(made.file)->columns[0].kind, GCH_VALUE_DECIMAL);
    assert_int_equal(gch_file_get_info(made.file)->columns[0].scale, 4);
    image_free(&made);
    write_and_check(&d);
}

static void text_beyond_int64_becomes_doubles(void **state)
{
    (void)state;
    data d = data_make(1000);
    data_column *column = data_add(&d, GCH_TYPE_DECIMAL);
    for (size_t i = 0; i < d.row_count; i++) {
        data_set_bits(column, i, 123456789012345678u + i);
        column->scales[i] = i == 500 ? 18 : -1;
    }
    test_image made = data_write(&d, d.row_count, NULL);
    assert_int_equal(gch_file_get_info(made.file)->columns[0].kind, GCH_VALUE_F64);
    image_free(&made);
    write_and_check(&d);
}

static void text_with_doubles_and_odd_values_comes_back(void **state)
{
    (void)state;
    for (int has_double = 0; has_double < 2; has_double++) {
        data d = data_make(4000);
        data_column *column = data_add(&d, GCH_TYPE_DECIMAL);
        const uint64_t odd[] = {0x8000000000000000u, 0x7FF0000000000000u, 0x7FF8000000000001u,
                                0x7FF8000000000000u};
        for (size_t i = 0; i < d.row_count; i++) {
            data_set_bits(column, i, i * 25);
            column->scales[i] = 2;
        }
        for (size_t k = 0; k < GCH_COUNT_OF(odd); k++) {
            data_set_bits(column, 300 * k + 1, odd[k]);
            column->scales[300 * k + 1] = GCH_SCALE_F64;
        }
        if (has_double) {
            data_set_double(column, 2000, 1e300);
            column->scales[2000] = GCH_SCALE_F64;
        }
        data_set_null(&d, column, 5);
        column->scales[5] = 99; /* of a null: not looked at */
        test_image made = data_write(&d, d.row_count, NULL);
        assert_int_equal(gch_file_get_info(made.file)->columns[0].kind,
                         has_double ? GCH_VALUE_F64 : GCH_VALUE_DECIMAL);
        image_free(&made);
        write_and_check(&d);
    }
}

static void values_at_any_address_come_back(void **state)
{
    (void)state;
    data d = data_make(2000);
    data_column *doubles = data_add(&d, GCH_TYPE_F64);
    data_column *numbers = data_add(&d, GCH_TYPE_I64);
    for (size_t i = 0; i < d.row_count; i++) {
        data_set_double(doubles, i, (double)i / 100);
        data_set_bits(numbers, i, i * i);
    }
    gch_error err = {0};
    gch_column_desc descs[DATA_COLUMNS_CAP];
    gch_writer_desc desc = data_desc(&d, descs, NULL);
    gch_writer *writer = NULL;
    uint8_t *shifted = malloc(2 * d.row_count * 8 + 16);
    assert_non_null(shifted);
    memcpy(shifted + 3, doubles->values, d.row_count * 8);
    memcpy(shifted + 5 + d.row_count * 8, numbers->values, d.row_count * 8);
    gch_column_data columns[2] = {{.values = shifted + 3},
                                  {.values = shifted + 5 + d.row_count * 8}};
    test_image made;
    assert_ok(gch_writer_create_memory(&desc, &writer, &err));
    gch__writer_limit_segment_rows(writer, 1);
    assert_ok(gch_writer_append(writer, d.times, columns, d.row_count, &err));
    assert_ok(gch_writer_finish_memory(writer, &made.bytes, &made.count, &err));
    assert_ok(gch__file_open_memory(made.bytes, made.count, "image", NULL, &made.file, &err));
    data_check(&d, made.file);
    image_free(&made);
    free(shifted);
    data_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_with_every_bit_pattern_comes_back),
        cmocka_unit_test(extremes_of_integers_come_back),
        cmocka_unit_test(every_row_count_around_a_border_comes_back),
        cmocka_unit_test(whole_chunks_and_their_neighbours_come_back),
        cmocka_unit_test(gaps_of_every_shape_come_back_in_every_type),
        cmocka_unit_test(nan_as_a_gap_equals_a_null),
        cmocka_unit_test(odd_doubles_come_back_and_leave_the_rest_decimal),
        cmocka_unit_test(odd_floats_come_back),
        cmocka_unit_test(many_negative_zeros_turn_a_column_to_floats),
        cmocka_unit_test(denormals_and_huge_values_come_back),
        cmocka_unit_test(a_finer_scale_in_mid_file_starts_a_segment),
        cmocka_unit_test(a_finer_scale_in_the_first_chunk_starts_no_segment),
        cmocka_unit_test(text_numbers_of_mixed_scales_come_back),
        cmocka_unit_test(text_beyond_int64_becomes_doubles),
        cmocka_unit_test(text_with_doubles_and_odd_values_comes_back),
        cmocka_unit_test(values_at_any_address_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
