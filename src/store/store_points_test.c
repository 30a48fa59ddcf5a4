/* What makes a file a point set: written, read back, kept by appends, refused where it is wrong. */
#include "gch/writer.h"
#include "store_footer.h"
#include "store_open.h"
#include "store_test_repair.h"

#include "test.h"

#include <unistd.h>

static const gch_column_desc columns[] = {{.name = "size", .type = GCH_TYPE_I32},
                                          {.name = "y", .type = GCH_TYPE_I32},
                                          {.name = "x", .type = GCH_TYPE_I32}};
static const gch_writer_desc points = {.time_unit = GCH_TIME_INDEX,
                                       .columns = columns,
                                       .column_count = 3,
                                       .curve = GCH_CURVE_HILBERT,
                                       .x_column = 2,
                                       .y_column = 1};

static void *make_image(const gch_writer_desc *desc, size_t *out_count)
{
    static const int32_t values[] = {5, 6, 7};
    const gch_column_data data[] = {{.values = values}, {.values = values}, {.values = values}};
    gch_error err;
    gch_writer *writer;
    void *bytes;
    assert_ok(gch_writer_create_memory(desc, &writer, &err));
    assert_ok(gch_writer_append(writer, NULL, data, 3, &err));
    assert_ok(gch_writer_finish_memory(writer, &bytes, out_count, &err));
    return bytes;
}

static void a_point_set_is_read_back(void **state)
{
    (void)state;
    gch_error err;
    size_t count;
    void *bytes = make_image(&points, &count);
    gch_file *file;
    assert_ok(gch__file_open_memory(bytes, count, "points", NULL, &file, &err));
    const gch_file_info *info = gch_file_get_info(file);
    assert_true(info->is_point_set);
    assert_int_equal(info->curve, GCH_CURVE_HILBERT);
    assert_int_equal(info->x_column, 2);
    assert_int_equal(info->y_column, 1);
    assert_string_equal(info->preset, "lossless");
    assert_ok(gch_file_verify(file, NULL, NULL, &err));
    gch__file_close(file);
    gch_writer_free_memory(bytes, NULL);
}

static void other_files_are_no_point_sets(void **state)
{
    (void)state;
    gch_error err;
    size_t count;
    gch_writer_desc desc = points;
    desc.curve = GCH_CURVE_DEFAULT;
    void *bytes = make_image(&desc, &count);
    gch_file *file;
    assert_ok(gch__file_open_memory(bytes, count, "series", NULL, &file, &err));
    assert_false(gch_file_get_info(file)->is_point_set);
    gch__file_close(file);
    gch_writer_free_memory(bytes, NULL);
}

static void impossible_point_sets_are_not_written(void **state)
{
    (void)state;
    gch_error err;
    gch_writer *writer;
    gch_writer_desc descs[4] = {points, points, points, points};
    descs[0].x_column = 3;
    descs[1].y_column = 2;
    descs[2].time_unit = GCH_TIME_S;
    descs[3].curve = (gch_curve)3;
    for (size_t i = 0; i < GCH_COUNT_OF(descs); i++)
        assert_status(gch_writer_create_memory(&descs[i], &writer, &err), GCH_INVALID);
}

static void appends_keep_what_a_point_set_is(void **state)
{
    (void)state;
    static const int32_t values[] = {5, 6, 7};
    const gch_column_data data[] = {{.values = values}, {.values = values}, {.values = values}};
    gch_error err;
    gch_writer *writer;
    char path[] = "/tmp/gch_points_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_ok(gch_writer_create(path, &points, &writer, &err));
    assert_ok(gch_writer_append(writer, NULL, data, 3, &err));
    assert_ok(gch_writer_finish(writer, &err));
    assert_ok(gch_writer_open_append(path, &points, &writer, &err));
    assert_ok(gch_writer_append(writer, NULL, data, 3, &err));
    assert_ok(gch_writer_finish(writer, &err));
    gch_file *file;
    assert_ok(gch__file_open(path, NULL, &file, &err));
    assert_int_equal(gch_file_get_info(file)->row_count, 6);
    assert_int_equal(gch_file_get_info(file)->curve, GCH_CURVE_HILBERT);
    gch__file_close(file);
    gch_writer_desc others[3] = {points, points, points};
    others[0].curve = GCH_CURVE_DEFAULT;
    others[1].curve = GCH_CURVE_MORTON;
    others[2].x_column = 0;
    for (size_t i = 0; i < GCH_COUNT_OF(others); i++)
        assert_status(gch_writer_open_append(path, &others[i], &writer, &err), GCH_INVALID);
    assert_int_equal(unlink(path), 0);
}

/* ---- hostile marks ---- */

static void marks_are_taken_out_of_the_preset(void **state)
{
    (void)state;
    static const struct {
        const char *text, *rest;
        gch__point_mark mark;
    } cases[] = {
        {"lossless", "lossless", {0}},
        {"", "", {0}},
        {"lossless points=0,1,morton", "lossless", {GCH_CURVE_MORTON, 0, 1}},
        {"points=12,1023,hilbert", "", {GCH_CURVE_HILBERT, 12, 1023}},
        {"a points=2,1,morton b", "a b", {GCH_CURVE_MORTON, 2, 1}},
        {"point=2,1,morton  x", "point=2,1,morton  x", {0}},
    };
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        char text[64];
        gch__point_mark mark;
        snprintf(text, sizeof text, "%s", cases[i].text);
        assert_true(gch__point_mark_take(text, &mark));
        assert_string_equal(text, cases[i].rest);
        assert_memory_equal(&mark, &cases[i].mark, sizeof mark);
    }
    static const char *const bad[] = {"points=",
                                      "points=0,1",
                                      "points=0,1,",
                                      "points=0,1,peano",
                                      "points=00,1,morton",
                                      "points=-1,1,morton",
                                      "points=10240,1,morton",
                                      "points=0,1,morton,2",
                                      "points=0,1,morton points=0,1,morton",
                                      "points=0 ,1,morton"};
    for (size_t i = 0; i < GCH_COUNT_OF(bad); i++) {
        char text[64];
        gch__point_mark mark;
        snprintf(text, sizeof text, "%s", bad[i]);
        if (gch__point_mark_take(text, &mark))
            fail_msg("%s was taken", bad[i]);
    }
}

static void damaged_marks_are_refused(void **state)
{
    (void)state;
    static const char sound[] = "points=2,1,hilbert";
    static const char *const marks[] = {"points=3,1,hilbert", "points=1,1,hilbert",
                                        "points=2,9,hilbert", "points=2,1,hilberu",
                                        "points=2;1,hilbert", "pointz=2,1,hilbert"};
    for (size_t i = 0; i < GCH_COUNT_OF(marks); i++) {
        gch_error err;
        gch_file *file = NULL;
        size_t count;
        uint8_t *bytes = make_image(&points, &count);
        uint8_t *at = memmem(bytes, count, sound, strlen(sound));
        assert_non_null(at);
        memcpy(at, marks[i], strlen(sound));
        repair_image(bytes, count);
        gch_status status = gch__file_open_memory(bytes, count, "points", NULL, &file, &err);
        bool is_other_word = i + 1 == GCH_COUNT_OF(marks);
        assert_int_equal(status, is_other_word ? GCH_OK : GCH_CORRUPT);
        if (is_other_word) {
            assert_false(gch_file_get_info(file)->is_point_set);
            gch__file_close(file);
        }
        gch_writer_free_memory(bytes, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_point_set_is_read_back),
        cmocka_unit_test(other_files_are_no_point_sets),
        cmocka_unit_test(impossible_point_sets_are_not_written),
        cmocka_unit_test(appends_keep_what_a_point_set_is),
        cmocka_unit_test(marks_are_taken_out_of_the_preset),
        cmocka_unit_test(damaged_marks_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
