/* Point sets: rows in the order of their places along a curve, generated or sorted. */
#include "ingest_curve.h"
#include "ingest_test.h"

#include <math.h>
#include <unistd.h>

static void curves_visit_every_place_once(void **state)
{
    (void)state;
    enum { SIDE = 16 };
    const uint32_t unit = 1u << 28; /* the upper four bits are the place */
    for (gch_curve curve = GCH_CURVE_MORTON; curve <= GCH_CURVE_HILBERT; curve++) {
        int32_t xs[SIDE * SIDE], ys[SIDE * SIDE];
        bool seen[SIDE * SIDE] = {false};
        for (uint32_t y = 0; y < SIDE; y++) {
            for (uint32_t x = 0; x < SIDE; x++) {
                uint64_t along = gch__curve_of(curve, x * unit, y * unit) >> 56;
                assert_false(seen[along]);
                seen[along] = true;
                xs[along] = (int32_t)x;
                ys[along] = (int32_t)y;
                if (curve == GCH_CURVE_MORTON) {
                    assert_int_equal(gch__gather_bits(along), x);
                    assert_int_equal(gch__gather_bits(along >> 1), y);
                }
            }
        }
        for (int i = 1; i < SIDE * SIDE && curve == GCH_CURVE_HILBERT; i++)
            assert_int_equal(abs(xs[i] - xs[i - 1]) + abs(ys[i] - ys[i - 1]), 1);
    }
}

static double double_at(const gch_file *file, uint32_t column, uint64_t row)
{
    gch_error err;
    gch_value value;
    assert_ok(gch_file_read_values(file, column, row, 1, &value, &err));
    return gch_value_to_double(value);
}

static void rows_follow_the_curve(void **state)
{
    (void)state;
    enum { ROWS = 9000 };
    gch_error err;
    for (gch_curve curve = GCH_CURVE_DEFAULT; curve <= GCH_CURVE_HILBERT; curve++) {
        size_t cap = ROWS * 48, at = 0;
        char *text = malloc(cap);
        uint64_t random = 11;
        at += (size_t)snprintf(text, cap, "id,lon,name,lat\n");
        for (int i = 0; i < ROWS; i++) {
            int lon = (int)(test_random(&random) % 360), lat = (int)(test_random(&random) % 180);
            at += (size_t)snprintf(text + at, cap - at,
                                   i % 50 == 7 ? "%d,,city,%d.5\n" : "%d,%d,city,%d.5\n", i,
                                   i % 50 == 7 ? lat : lon, lat);
        }
        test_table t;
        assert_ok(
            test_ingest(&(gch_ingest_desc){.x_column = "lon", .y_column = "4", .curve = curve},
                        text, 4096, &t, &err));
        assert_true(t.info->is_point_set);
        assert_int_equal(t.info->curve, GCH_MAX(curve, GCH_CURVE_MORTON));
        assert_int_equal(t.info->column_count, 3);
        assert_string_equal(t.info->columns[t.info->x_column].name, "lon");
        assert_string_equal(t.info->columns[t.info->y_column].name, "lat");
        assert_int_equal(t.info->row_count, ROWS);
        assert_int_equal(t.info->affine_run_count, 1);
        uint64_t last = 0;
        double last_id = -1;
        for (uint64_t row = 0; row < ROWS; row++) {
            double id = double_at(t.file, 0, row), x = double_at(t.file, 1, row);
            double y = double_at(t.file, 2, row);
            assert_int_equal(isnan(x), (int)id % 50 == 7);
            uint64_t along = UINT64_MAX;
            if (!isnan(x))
                along = gch__curve_of(t.info->curve, (uint32_t)(x / 359 * UINT32_MAX),
                                      (uint32_t)((y - 0.5) / 179 * UINT32_MAX));
            assert_true(along >= last);
            assert_true(along > last || id > last_id);
            last = along;
            last_id = id;
        }
        test_table_reset(&t);
        free(text);
    }
}

static void wrong_point_sets_are_refused(void **state)
{
    (void)state;
    static const char text[] = "a,b,c\n1,2,x\n3,4,y\n";
    assert_fails(&(gch_ingest_desc){.x_column = "a"}, text, GCH_INVALID, "a point set has two");
    assert_fails(&(gch_ingest_desc){.curve = GCH_CURVE_MORTON}, text, GCH_INVALID, "a curve");
    assert_fails(&(gch_ingest_desc){.x_column = "a", .y_column = "a"}, text, GCH_INVALID,
                 "memory: column \"a\" cannot be both");
    assert_fails(&(gch_ingest_desc){.x_column = "a", .y_column = "d"}, text, GCH_INVALID,
                 "memory: there is no column \"d\"");
    assert_fails(&(gch_ingest_desc){.x_column = "a", .y_column = "b", .time_column = "c"}, text,
                 GCH_INVALID, "the rows of a point set have no times");
    assert_fails(&(gch_ingest_desc){.x_column = "a", .y_column = "b", .time_unit = GCH_TIME_S},
                 text, GCH_INVALID, "the rows of a point set have no times");
    assert_fails(&(gch_ingest_desc){.x_column = "a", .y_column = "b", .sort = true}, text,
                 GCH_INVALID, "the rows of a point set have no times");
    assert_fails(&(gch_ingest_desc){.x_column = "a", .y_column = "b", .commit_every_ms = 5}, text,
                 GCH_INVALID, "the rows of a point set are sorted");
    assert_fails(&(gch_ingest_desc){.x_column = "a", .y_column = "c"}, text, GCH_PARSE,
                 "memory:2:5: ");
}

static void chosen_columns_include_the_coordinates(void **state)
{
    (void)state;
    static const char *const columns[] = {"c"};
    assert_rows(
        &(gch_ingest_desc){.x_column = "a", .y_column = "b", .columns = columns, .column_count = 1},
        "a,b,c,d\n9,9,1,1\n0,0,2,2\n9,0,3,3\n0,9,4,4\n", "0:2,0,0 1:3,9,0 2:4,0,9 3:1,9,9");
}

static void raw_records_become_point_sets(void **state)
{
    (void)state;
    gch_error err;
    char in[] = "/tmp/gch_points_XXXXXX", out[64];
    int fd = mkstemp(in);
    assert_true(fd >= 0);
    static const float records[][2] = {{1, 1}, {0, 0}, {1, 0}, {NAN, 0}, {0, 1}};
    assert_int_equal(write(fd, records, sizeof records), sizeof records);
    close(fd);
    snprintf(out, sizeof out, "%s.gch", in);
    const char *inputs[] = {in};
    assert_ok(gch_ingest(&(gch_ingest_desc){.inputs = inputs,
                                            .input_count = 1,
                                            .output = out,
                                            .layout = "u:f32,v:f32",
                                            .x_column = "v",
                                            .y_column = "u"},
                         NULL, &err));
    gch_file *file;
    char rows[256];
    assert_ok(gch__file_open(out, NULL, &file, &err));
    test_print_rows(file, rows, sizeof rows);
    assert_string_equal(rows, "0:0,0 1:0,1 2:1,0 3:1,1 4:,0");
    gch__file_close(file);
    /* More of the same may follow; rows without coordinates may not. */
    assert_ok(gch_ingest(&(gch_ingest_desc){.inputs = inputs,
                                            .input_count = 1,
                                            .output = out,
                                            .append = true,
                                            .layout = "u:f32,v:f32",
                                            .x_column = "v",
                                            .y_column = "u"},
                         NULL, &err));
    assert_status(gch_ingest(&(gch_ingest_desc){.inputs = inputs,
                                                .input_count = 1,
                                                .output = out,
                                                .append = true,
                                                .time_column = "none",
                                                .layout = "u:f32,v:f32"},
                             NULL, &err),
                  GCH_INVALID);
    unlink(in);
    unlink(out);
}

static void generated_points_are_in_morton_order(void **state)
{
    (void)state;
    static const uint64_t counts[] = {0, 1, 1000, 300000};
    for (size_t i = 0; i < GCH_COUNT_OF(counts); i++) {
        gch_error err;
        char path[] = "/tmp/gch_points_XXXXXX";
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        close(fd);
        assert_ok(gch_generate(
            &(gch_generate_desc){
                .kind = GCH_GENERATOR_POINTS, .row_count = counts[i], .seed = 3, .output = path},
            &err));
        gch_file *file;
        assert_ok(gch__file_open(path, NULL, &file, &err));
        const gch_file_info *info = gch_file_get_info(file);
        assert_true(info->is_point_set);
        assert_int_equal(info->row_count, counts[i]);
        uint64_t last = 0;
        size_t count = (size_t)counts[i];
        gch_value *x = malloc((count + 1) * sizeof *x), *y = malloc((count + 1) * sizeof *y);
        assert_ok(gch_file_read_values(file, 0, 0, count, x, &err));
        assert_ok(gch_file_read_values(file, 1, 0, count, y, &err));
        for (size_t row = 0; row < count; row++) {
            uint64_t along = gch__morton_of((uint32_t)(x[row].as.digits + 65536),
                                            (uint32_t)(y[row].as.digits + 65536));
            assert_true(along >= last);
            last = along;
        }
        free(x);
        free(y);
        gch__file_close(file);
        unlink(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(curves_visit_every_place_once),
        cmocka_unit_test(rows_follow_the_curve),
        cmocka_unit_test(wrong_point_sets_are_refused),
        cmocka_unit_test(chosen_columns_include_the_coordinates),
        cmocka_unit_test(raw_records_become_point_sets),
        cmocka_unit_test(generated_points_are_in_morton_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
