/* The writer's promises: metadata, order of times, appending, and what it refuses. */
#include "store_test_data.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/gch-writer-XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static gch_file *open_file(const char *path)
{
    gch_error err = {0};
    gch_file *file = NULL;
    assert_ok(gch__file_open(path, NULL, &file, &err));
    return file;
}

static void write_file(const data *d, const char *path, size_t first, size_t count, bool append)
{
    gch_error err = {0};
    gch_column_desc columns[DATA_COLUMNS_CAP];
    gch_writer_desc desc = data_desc(d, columns, NULL);
    gch_writer *writer = NULL;
    if (append)
        assert_ok(gch_writer_open_append(path, &desc, &writer, &err));
    else
        assert_ok(gch_writer_create(path, &desc, &writer, &err));
    assert_ok(data_append(d, writer, first, count, &err));
    assert_ok(gch_writer_finish(writer, &err));
}

static data make_prices(size_t count, uint64_t seed)
{
    data d = data_make(count);
    data_column *column = data_add(&d, GCH_TYPE_F64);
    data_column *text = data_add(&d, GCH_TYPE_DECIMAL);
    for (size_t i = 0; i < count; i++) {
        data_set_double(column, i, (double)(test_random(&seed) % 10000) / 100);
        data_set_bits(text, i, test_random(&seed) % 1000);
        text->scales[i] = 1;
        d.times[i] = (i > 0 ? d.times[i - 1] : 0) + (int64_t)(test_random(&seed) % 50);
    }
    return d;
}

static void metadata_comes_back(void **state)
{
    (void)state;
    gch_error err = {0};
    gch_writer *writer = NULL;
    gch_column_desc columns[2] = {{.name = "Größe", .unit = "m³/s", .type = GCH_TYPE_F32},
                                  {.name = "n", .type = GCH_TYPE_U16}};
    gch_writer_desc desc = {.time_unit = GCH_TIME_NS,
                            .time_is_text = true,
                            .time_name = "when",
                            .time_zone = "Europe/Berlin",
                            .source = "a, \"b\"",
                            .columns = columns,
                            .column_count = 2};
    void *bytes;
    size_t count;
    gch_file *file = NULL;
    assert_ok(gch_writer_create_memory(&desc, &writer, &err));
    assert_ok(gch_writer_finish_memory(writer, &bytes, &count, &err));
    assert_int_equal((uintptr_t)bytes % 64, 0);
    assert_ok(gch__file_open_memory(bytes, count, "image", NULL, &file, &err));
    const gch_file_info *info = gch_file_get_info(file);
    assert_string_equal(info->path, "image");
    assert_int_equal(info->format_version, 1);
    assert_int_equal(info->file_bytes, count);
    assert_int_equal(info->row_count, 0);
    assert_int_equal(info->segment_count, 0);
    assert_int_equal(info->time_unit, GCH_TIME_NS);
    assert_true(info->time_is_text);
    assert_string_equal(info->time_name, "when");
    assert_string_equal(info->time_zone, "Europe/Berlin");
    assert_string_equal(info->source, "a, \"b\"");
    assert_string_equal(info->preset, "lossless");
    assert_string_equal(info->columns[0].name, "Größe");
    assert_string_equal(info->columns[0].unit, "m³/s");
    assert_int_equal(info->columns[0].type, GCH_TYPE_F32);
    assert_string_equal(info->columns[1].unit, "");
    assert_int_equal(info->columns[1].min.kind, GCH_VALUE_GAP);
    assert_int_equal(gch_file_find_column(file, "n"), 1);
    assert_int_equal(gch_file_find_column(file, "N"), GCH_COLUMN_NOT_FOUND);
    assert_ok(gch_file_verify(file, NULL, NULL, &err));
    gch__file_close(file);
    gch_writer_free_memory(bytes, NULL);
}

static void names_of_types_are_read_back(void **state)
{
    (void)state;
    for (gch_type type = GCH_TYPE_I8; type <= GCH_TYPE_DECIMAL; type++) {
        gch_type parsed = GCH_TYPE_DEFAULT;
        assert_true(gch_type_parse(gch_type_name(type), &parsed));
        assert_int_equal(parsed, type);
    }
    gch_type parsed = GCH_TYPE_DEFAULT;
    assert_false(gch_type_parse("i65", &parsed));
    assert_false(gch_type_parse("default", &parsed));
    assert_int_equal(gch_type_bytes(GCH_TYPE_U16), 2);
    assert_int_equal(gch_type_bytes(GCH_TYPE_DEFAULT), 0);
}

static void ranges_are_exact_over_segments_of_different_scales(void **state)
{
    (void)state;
    size_t chunk = 1u << 20;
    data d = data_make(chunk + 10);
    data_column *column = data_add(&d, GCH_TYPE_F64);
    for (size_t i = 0; i < d.row_count; i++)
        data_set_double(column, i, (double)(i % 50) / 10);
    data_set_double(column, 77, -1.5);
    data_set_double(column, chunk + 3, -1.505);
    data_set_double(column, 99, 7.5);
    data_set_double(column, chunk + 4, 7.499);
    test_image made = data_write(&d, d.row_count, NULL);
    const gch_column_info *info = &gch_file_get_info(made.file)->columns[0];
    assert_int_equal(gch_file_get_info(made.file)->segment_count, 2);
    assert_int_equal(info->min.as.digits, -1505);
    assert_int_equal(info->min.scale, 3);
    assert_int_equal(info->max.as.digits, 75);
    assert_int_equal(info->max.scale, 1);
    image_free(&made);
    data_free(&d);
}

static void fixed_decimals_are_known_and_lost(void **state)
{
    (void)state;
    const char *path = path_of("decimals.gch");
    data d = data_make(64);
    data_column *column = data_add(&d, GCH_TYPE_DECIMAL);
    for (size_t i = 0; i < d.row_count; i++) {
        data_set_bits(column, i, i * 100);
        column->scales[i] = i < 48 ? 2 : 1;
    }
    write_file(&d, path, 0, 16, false);
    gch_file *file = open_file(path);
    assert_true(gch_file_get_info(file)->columns[0].fixed_decimals);
    assert_int_equal(gch_file_get_info(file)->columns[0].scale, 2);
    gch__file_close(file);
    write_file(&d, path, 16, 32, true);
    file = open_file(path);
    assert_true(gch_file_get_info(file)->columns[0].fixed_decimals);
    gch__file_close(file);
    write_file(&d, path, 48, 16, true);
    file = open_file(path);
    assert_false(gch_file_get_info(file)->columns[0].fixed_decimals);
    data_check(&d, file);
    gch__file_close(file);
    data_free(&d);
}

/* ---- times ---- */

static void check_times(const data *d, uint64_t runs_expected)
{
    data copy = *d;
    test_image made = data_write(&copy, d->row_count, NULL);
    assert_int_equal(gch_file_get_info(made.file)->affine_run_count, runs_expected);
    data_check(&copy, made.file);
    gch_error err = {0};
    for (size_t i = 0; i < d->row_count; i += 97) {
        int64_t ticks;
        assert_ok(gch__segment_time(gch__file_segment(made.file, 0), (uint32_t)i, &ticks, &err));
        assert_int_equal(ticks, d->times[i]);
    }
    image_free(&made);
}

static void regular_times_are_one_run(void **state)
{
    (void)state;
    data d = data_make(50000);
    (void)data_add(&d, GCH_TYPE_I8);
    check_times(&d, 1);
    data_free(&d);
}

static void a_jump_in_time_starts_a_run(void **state)
{
    (void)state;
    data d = data_make(50000);
    (void)data_add(&d, GCH_TYPE_I8);
    for (size_t i = 10000; i < d.row_count; i++)
        d.times[i] += 1000000007;
    for (size_t i = 30001; i < d.row_count; i++)
        d.times[i] += 5;
    check_times(&d, 3);
    data_free(&d);
}

static void equal_times_are_kept(void **state)
{
    (void)state;
    data d = data_make(5000);
    (void)data_add(&d, GCH_TYPE_I8);
    for (size_t i = 0; i < d.row_count; i++)
        d.times[i] = -77;
    check_times(&d, 1);
    uint64_t seed = 9;
    for (size_t i = 1; i < d.row_count; i++)
        d.times[i] = d.times[i - 1] + (test_random(&seed) % 4 == 0 ? 1000000 : 0);
    check_times(&d, 0);
    data_free(&d);
}

static void times_over_all_of_int64_are_kept(void **state)
{
    (void)state;
    data d = data_make(3000);
    (void)data_add(&d, GCH_TYPE_I8);
    uint64_t seed = 5, at = 0;
    for (size_t i = 0; i < d.row_count; i++) {
        d.times[i] = (int64_t)((uint64_t)INT64_MIN + at);
        at += test_random(&seed) % (UINT64_MAX / d.row_count);
    }
    d.times[d.row_count - 1] = INT64_MAX;
    check_times(&d, 0);
    d.times[0] = INT64_MIN;
    for (size_t i = 1; i < d.row_count; i++)
        d.times[i] = INT64_MAX;
    check_times(&d, 2);
    data_free(&d);
}

static void a_series_that_turns_irregular_goes_on_in_lines(void **state)
{
    (void)state;
    size_t chunk = 1u << 20;
    uint64_t seed = 5;
    data d = data_make(2 * chunk);
    (void)data_add(&d, GCH_TYPE_I8);
    for (size_t i = chunk; i < d.row_count; i++)
        d.times[i] = d.times[i - 1] + 20 * (int64_t)(test_random(&seed) % 50);
    test_image made = data_write(&d, d.row_count, NULL);
    assert_int_equal(gch_file_get_info(made.file)->segment_count, 2);
    assert_int_equal(gch__file_segment(made.file, 0)->time.run_count, 1);
    assert_int_equal(gch__file_segment(made.file, 1)->time.run_count, 0);
    assert_int_equal(gch__file_segment(made.file, 1)->time.unit, 20);
    data_check(&d, made.file);
    image_free(&made);
    data_free(&d);
}

static void a_finer_unit_of_time_starts_a_segment(void **state)
{
    (void)state;
    size_t chunk = 1u << 20;
    uint64_t seed = 6;
    data d = data_make(3 * chunk);
    (void)data_add(&d, GCH_TYPE_I8);
    for (size_t i = 1; i < d.row_count; i++)
        d.times[i] = d.times[i - 1] + (i < chunk       ? 1000
                                       : i < 2 * chunk ? 10
                                                       : 500) *
                                          (int64_t)(1 + test_random(&seed) % 50);
    test_image made = data_write(&d, d.row_count, NULL);
    /* The third chunk would allow 500 but stays with 10, in the second's segment. */
    assert_int_equal(gch_file_get_info(made.file)->segment_count, 2);
    assert_int_equal(gch__file_segment(made.file, 0)->time.unit, 1000);
    assert_int_equal(gch__file_segment(made.file, 1)->time.unit, 10);
    data_check(&d, made.file);
    image_free(&made);
    data_free(&d);
}

static void rows_without_times_are_numbered(void **state)
{
    (void)state;
    gch_error err = {0};
    data d = data_make(100);
    d.unit = GCH_TIME_INDEX;
    (void)data_add(&d, GCH_TYPE_I8);
    gch_column_desc columns[DATA_COLUMNS_CAP];
    gch_writer_desc desc = data_desc(&d, columns, NULL);
    gch_column_data values = {.values = d.columns[0].values};
    gch_writer *writer = NULL;
    assert_ok(gch_writer_create(path_of("index.gch"), &desc, &writer, &err));
    assert_ok(gch_writer_append(writer, NULL, &values, 40, &err));
    assert_ok(gch_writer_append(writer, NULL, &values, 30, &err));
    assert_ok(gch_writer_finish(writer, &err));
    assert_ok(gch_writer_open_append(path_of("index.gch"), &desc, &writer, &err));
    assert_int_equal(gch_writer_row_count(writer), 70);
    assert_ok(gch_writer_append(writer, NULL, &values, 30, &err));
    assert_int_equal(gch_writer_row_count(writer), 100);
    assert_ok(gch_writer_finish(writer, &err));
    for (size_t i = 0; i < d.row_count; i++)
        d.times[i] = (int64_t)i;
    gch_file *file = open_file(path_of("index.gch"));
    data_check(&d, file);
    gch__file_close(file);
    desc.time_unit = GCH_TIME_S;
    assert_ok(gch_writer_create_memory(&desc, &writer, &err));
    assert_status(gch_writer_append(writer, NULL, &values, 40, &err), GCH_INVALID);
    gch_writer_abandon(writer);
    data_free(&d);
}

static void unsorted_rows_are_refused_and_leave_no_trace(void **state)
{
    (void)state;
    gch_error err = {0};
    for (int threads = 1; threads <= 2; threads++) {
        gch_workers *workers = NULL;
        assert_ok(gch_workers_make((uint32_t)threads, NULL, &workers, &err));
        data d = data_make(200000);
        (void)data_add(&d, GCH_TYPE_I8);
        gch_column_desc columns[DATA_COLUMNS_CAP];
        gch_writer_desc desc = data_desc(&d, columns, workers);
        gch_writer *writer = NULL;
        assert_ok(gch_writer_create_memory(&desc, &writer, &err));
        assert_ok(data_append(&d, writer, 0, 50, &err));
        d.times[170000] -= 1000000;
        d.times[123456] -= 251;
        assert_status(data_append(&d, writer, 50, 199950, &err), GCH_UNSORTED);
        assert_non_null(strstr(err.message, "row 123456 "));
        assert_int_equal(gch_writer_row_count(writer), 50);
        assert_status(data_append(&d, writer, 0, 10, &err), GCH_UNSORTED);
        assert_non_null(strstr(err.message, "row 50 "));
        assert_ok(data_append(&d, writer, 50, 1000, &err)); /* and it goes on */
        test_image made;
        assert_ok(gch_writer_finish_memory(writer, &made.bytes, &made.count, &err));
        assert_ok(gch__file_open_memory(made.bytes, made.count, "image", NULL, &made.file, &err));
        d.row_count = 1050;
        data_check(&d, made.file);
        image_free(&made);
        data_free(&d);
        gch_workers_destroy(workers);
    }
}

/* ---- files ---- */

static void a_file_and_a_memory_image_are_the_same(void **state)
{
    (void)state;
    data d = make_prices(30000, 1);
    test_image made = data_write(&d, d.row_count, NULL);
    write_file(&d, path_of("same.gch"), 0, d.row_count, false);
    gch_file *file = open_file(path_of("same.gch"));
    assert_int_equal(file->size, made.count);
    assert_memory_equal(file->image, made.bytes, made.count);
    gch__file_close(file);
    image_free(&made);
    data_free(&d);
}

static void the_number_of_workers_does_not_change_the_file(void **state)
{
    (void)state;
    gch_error err = {0};
    gch_workers *workers = NULL;
    assert_ok(gch_workers_make(3, NULL, &workers, &err));
    data d = make_prices(1200000, 2);
    data_set_null(&d, &d.columns[0], 70000);
    test_image alone = data_write(&d, d.row_count, NULL);
    test_image shared = data_write(&d, d.row_count, workers);
    assert_int_equal(alone.count, shared.count);
    assert_memory_equal(alone.bytes, shared.bytes, alone.count);
    assert_ok(gch_file_verify(shared.file, workers, NULL, &err));
    image_free(&alone);
    image_free(&shared);
    data_free(&d);
    gch_workers_destroy(workers);
}

static void appends_add_rows_behind_rows(void **state)
{
    (void)state;
    const char *path = path_of("append.gch");
    data d = make_prices(8000, 3);
    for (size_t i = 990; i < 1010; i++)
        data_set_null(&d, &d.columns[0], i);
    write_file(&d, path, 0, 1000, false);
    for (size_t row = 1000; row < d.row_count; row += 1000)
        write_file(&d, path, row, 1000, true);
    gch_file *file = open_file(path);
    assert_int_equal(gch_file_get_info(file)->segment_count, 8);
    assert_int_equal(file->commit.generation, 8);
    data_check(&d, file);
    /* The gap goes across the border: row 1010 starts the run, row 0 of the segment is a gap. */
    const gch__value_column *column = &gch__file_segment(file, 1)->columns[0];
    assert_int_equal(column->run_start_count, 1);
    assert_int_equal(column->run_starts[0], 10);
    assert_false(column->first_is_drawn);
    assert_false(gch__file_segment(file, 0)->columns[0].last_is_drawn);
    assert_int_equal(gch__file_segment(file, 2)->columns[0].run_start_count, 0);
    assert_int_equal(gch__file_segment(file, 0)->columns[0].run_start_count, 1);
    gch__file_close(file);
    data_free(&d);
}

static void an_append_of_nothing_changes_nothing(void **state)
{
    (void)state;
    gch_error err = {0};
    const char *path = path_of("nothing.gch");
    data d = make_prices(100, 3);
    write_file(&d, path, 0, 100, false);
    gch_column_desc columns[DATA_COLUMNS_CAP];
    gch_writer_desc desc = data_desc(&d, columns, NULL);
    gch_writer *writer = NULL;
    assert_ok(gch_writer_open_append(path, &desc, &writer, &err));
    assert_ok(gch_writer_append(writer, NULL, NULL, 0, &err));
    assert_ok(gch_writer_finish(writer, &err));
    gch_file *file = open_file(path);
    assert_int_equal(file->commit.generation, 1);
    data_check(&d, file);
    gch__file_close(file);
    data_free(&d);
}

static void rows_can_be_appended_to_an_empty_file(void **state)
{
    (void)state;
    data d = make_prices(100, 4);
    write_file(&d, path_of("empty.gch"), 0, 0, false);
    gch_file *file = open_file(path_of("empty.gch"));
    assert_int_equal(gch_file_get_info(file)->row_count, 0);
    gch__file_close(file);
    write_file(&d, path_of("empty.gch"), 0, 100, true);
    file = open_file(path_of("empty.gch"));
    data_check(&d, file);
    gch__file_close(file);
    data_free(&d);
}

static void an_append_must_match_the_file(void **state)
{
    (void)state;
    gch_error err = {0};
    const char *path = path_of("match.gch");
    data d = make_prices(100, 3);
    write_file(&d, path, 0, 100, false);
    gch_column_desc columns[DATA_COLUMNS_CAP];
    gch_writer *writer = NULL;
    gch_writer_desc desc = data_desc(&d, columns, NULL);
    desc.time_unit = GCH_TIME_S;
    assert_status(gch_writer_open_append(path, &desc, &writer, &err), GCH_INVALID);
    assert_non_null(strstr(err.message, path));
    desc = data_desc(&d, columns, NULL);
    columns[1].name = "other";
    assert_status(gch_writer_open_append(path, &desc, &writer, &err), GCH_INVALID);
    assert_non_null(strstr(err.message, "other"));
    desc = data_desc(&d, columns, NULL);
    columns[0].type = GCH_TYPE_F32;
    assert_status(gch_writer_open_append(path, &desc, &writer, &err), GCH_INVALID);
    desc = data_desc(&d, columns, NULL);
    desc.column_count = 1;
    assert_status(gch_writer_open_append(path, &desc, &writer, &err), GCH_INVALID);
    assert_status(gch_writer_open_append(path_of("missing.gch"), &desc, &writer, &err),
                  GCH_NOT_FOUND);
    data_free(&d);
}

static void two_writers_cannot_append_at_once(void **state)
{
    (void)state;
    gch_error err = {0};
    const char *path = path_of("lock.gch");
    data d = make_prices(200, 3);
    write_file(&d, path, 0, 100, false);
    gch_column_desc columns[DATA_COLUMNS_CAP];
    gch_writer_desc desc = data_desc(&d, columns, NULL);
    gch_writer *first = NULL, *second = NULL;
    assert_ok(gch_writer_open_append(path, &desc, &first, &err));
    assert_status(gch_writer_open_append(path, &desc, &second, &err), GCH_EXISTS);
    assert_non_null(strstr(err.message, path));
    gch_writer_abandon(first);
    write_file(&d, path, 100, 100, true);
    gch_file *file = open_file(path);
    data_check(&d, file);
    gch__file_close(file);
    data_free(&d);
}

static void an_abandoned_writer_leaves_the_old_file(void **state)
{
    (void)state;
    gch_error err = {0};
    const char *path = path_of("abandon.gch");
    data d = make_prices(100, 3), other = make_prices(5000, 4);
    write_file(&d, path, 0, 100, false);
    gch_column_desc columns[DATA_COLUMNS_CAP];
    gch_writer_desc desc = data_desc(&other, columns, NULL);
    gch_writer *writer = NULL;
    assert_ok(gch_writer_create(path, &desc, &writer, &err));
    assert_ok(data_append(&other, writer, 0, 5000, &err));
    gch_writer_abandon(writer);
    gch_file *file = open_file(path);
    data_check(&d, file);
    gch__file_close(file);
    char command[160];
    snprintf(command, sizeof command, "test -z \"$(ls '%s' | grep tmp-)\"", folder);
    assert_int_equal(system(command), 0);
    data_free(&d);
    data_free(&other);
}

static void a_new_file_has_ordinary_rights_and_keeps_those_of_the_old(void **state)
{
    (void)state;
    const char *path = path_of("rights.gch");
    data d = make_prices(10, 3);
    mode_t mask = umask(027);
    write_file(&d, path, 0, 10, false);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    assert_int_equal(chmod(path, 0604), 0);
    write_file(&d, path, 0, 10, false);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0604);
    umask(mask);
    data_free(&d);
}

static void impossible_descs_are_refused(void **state)
{
    (void)state;
    gch_error err = {0};
    gch_writer *writer = NULL;
    gch_column_desc good = {.name = "v", .type = GCH_TYPE_F64};
    gch_column_desc twice[2] = {good, good};
    gch_column_desc unnamed = {.name = "", .type = GCH_TYPE_F64};
    gch_column_desc untyped = {.name = "v"};
    gch_column_desc ill_named = {.name = "\xC3(", .type = GCH_TYPE_F64};
    char long_name[300];
    memset(long_name, 'x', sizeof long_name);
    long_name[256] = '\0';
    gch_column_desc too_long = {.name = long_name, .type = GCH_TYPE_F64};
    const gch_writer_desc descs[] = {
        {.columns = &good, .column_count = 1},
        {.time_unit = GCH_TIME_S, .columns = &good},
        {.time_unit = GCH_TIME_S, .columns = &good, .column_count = GCH_COLUMN_CAP + 1},
        {.time_unit = GCH_TIME_S, .columns = twice, .column_count = 2},
        {.time_unit = GCH_TIME_S, .columns = &unnamed, .column_count = 1},
        {.time_unit = GCH_TIME_S, .columns = &untyped, .column_count = 1},
        {.time_unit = GCH_TIME_S, .columns = &ill_named, .column_count = 1},
        {.time_unit = GCH_TIME_S, .columns = &too_long, .column_count = 1},
    };
    for (size_t i = 0; i < GCH_COUNT_OF(descs); i++)
        assert_status(gch_writer_create_memory(&descs[i], &writer, &err), GCH_INVALID);
    gch_writer_desc desc = {.time_unit = GCH_TIME_S, .columns = &good, .column_count = 1};
    assert_status(gch_writer_create(folder, &desc, &writer, &err), GCH_INVALID);
    assert_status(gch_writer_create(path_of("no/such/folder"), &desc, &writer, &err), GCH_IO);
    assert_non_null(strstr(err.message, "no/such/folder"));
}

static void an_impossible_scale_is_refused(void **state)
{
    (void)state;
    gch_error err = {0};
    data d = data_make(10);
    data_column *column = data_add(&d, GCH_TYPE_DECIMAL);
    column->scales[7] = 19;
    gch_column_desc columns[DATA_COLUMNS_CAP];
    gch_writer_desc desc = data_desc(&d, columns, NULL);
    gch_writer *writer = NULL;
    assert_ok(gch_writer_create_memory(&desc, &writer, &err));
    assert_status(data_append(&d, writer, 0, 10, &err), GCH_INVALID);
    assert_non_null(strstr(err.message, "row 7"));
    assert_int_equal(gch_writer_row_count(writer), 0);
    gch_writer_abandon(writer);
    data_free(&d);
}

static void many_columns_come_back(void **state)
{
    (void)state;
    gch_error err = {0};
    enum { COLUMNS = 300, ROWS = 20000 };
    static char names[COLUMNS][8];
    static gch_column_desc columns[COLUMNS];
    static gch_column_data values[COLUMNS];
    static int16_t numbers[COLUMNS + ROWS];
    static int64_t times[ROWS];
    static gch_value read[ROWS];
    for (int i = 0; i < COLUMNS + ROWS; i++)
        numbers[i] = (int16_t)(i % 999);
    for (int i = 0; i < ROWS; i++)
        times[i] = i * 10;
    for (int c = 0; c < COLUMNS; c++) {
        snprintf(names[c], sizeof names[c], "c%d", c);
        columns[c] = (gch_column_desc){.name = names[c], .type = GCH_TYPE_I16};
        values[c] = (gch_column_data){.values = numbers + c};
    }
    gch_writer_desc desc = {.time_unit = GCH_TIME_S, .columns = columns, .column_count = COLUMNS};
    gch_writer *writer = NULL;
    test_image made;
    assert_ok(gch_writer_create_memory(&desc, &writer, &err));
    assert_true(gch__writer_chunk_rows(writer) < ROWS); /* chunks shrink with many columns */
    assert_ok(gch_writer_append(writer, times, values, ROWS, &err));
    assert_ok(gch_writer_finish_memory(writer, &made.bytes, &made.count, &err));
    assert_ok(gch__file_open_memory(made.bytes, made.count, "image", NULL, &made.file, &err));
    for (uint32_t c = 0; c < COLUMNS; c++) {
        assert_ok(gch_file_read_values(made.file, c, 0, ROWS, read, &err));
        for (uint32_t i = 0; i < ROWS; i++)
            assert_int_equal(read[i].as.digits, numbers[c + i]);
    }
    assert_ok(gch_file_verify(made.file, NULL, NULL, &err));
    image_free(&made);
}

static void full_segments_are_sealed(void **state)
{
    (void)state;
    gch_error err = {0};
    data d = make_prices((1u << 22) + 77, 5);
    gch_column_desc columns[DATA_COLUMNS_CAP];
    gch_writer_desc desc = data_desc(&d, columns, NULL);
    gch_writer *writer = NULL;
    test_image made;
    assert_ok(gch_writer_create_memory(&desc, &writer, &err));
    gch__writer_limit_segment_rows(writer, (1u << 21) + 50);
    assert_ok(data_append(&d, writer, 0, d.row_count, &err));
    assert_ok(gch_writer_finish_memory(writer, &made.bytes, &made.count, &err));
    assert_ok(gch__file_open_memory(made.bytes, made.count, "image", NULL, &made.file, &err));
    assert_int_equal(gch_file_get_info(made.file)->segment_count, 3);
    data_check(&d, made.file);
    image_free(&made);
    data_free(&d);
}

/* ---- memory ---- */

typedef struct failing {
    size_t left; /* allocations until one fails */
    size_t live;
} failing;

static void *failing_resize(void *context, void *old, size_t bytes, const char *purpose)
{
    failing *f = context;
    (void)purpose;
    if (bytes == 0) {
        f->live--;
        free(old);
        return NULL;
    }
    if (f->left == 0)
        return NULL;
    f->left--;
    f->live += old == NULL;
    return realloc(old, bytes);
}

static void every_failed_allocation_is_a_clean_failure(void **state)
{
    (void)state;
    gch_error err = {0};
    data d = make_prices(3000, 6);
    data_set_null(&d, &d.columns[0], 6);
    data_set_bits(&d.columns[0], 99, 0x8000000000000000u);
    gch_column_desc columns[DATA_COLUMNS_CAP];
    bool is_done = false;
    for (size_t n = 0; !is_done; n++) {
        failing f = {.left = n};
        gch_allocator allocator = {.resize = failing_resize, .context = &f};
        gch_writer_desc desc = data_desc(&d, columns, NULL);
        desc.allocator = &allocator;
        gch_writer *writer = NULL;
        gch_file *file = NULL;
        void *bytes = NULL;
        size_t count = 0;
        gch_status status = gch_writer_create_memory(&desc, &writer, &err);
        if (status == GCH_OK) {
            status = data_append(&d, writer, 0, d.row_count, &err);
            if (status == GCH_OK)
                status = gch_writer_finish_memory(writer, &bytes, &count, &err);
            else
                gch_writer_abandon(writer);
        }
        if (status == GCH_OK)
            status = gch__file_open_memory(bytes, count, "image",
                                           &(gch__file_desc){.allocator = &allocator}, &file, &err);
        if (status == GCH_OK)
            status = gch_file_verify(file, NULL, NULL, &err);
        gch__file_close(file);
        gch_writer_free_memory(bytes, &allocator);
        assert_int_equal(f.live, 0);
        is_done = status == GCH_OK;
        if (!is_done)
            assert_int_equal(status, GCH_NO_MEMORY);
        assert_true(n < 1000);
    }
    data_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metadata_comes_back),
        cmocka_unit_test(names_of_types_are_read_back),
        cmocka_unit_test(ranges_are_exact_over_segments_of_different_scales),
        cmocka_unit_test(fixed_decimals_are_known_and_lost),
        cmocka_unit_test(regular_times_are_one_run),
        cmocka_unit_test(a_jump_in_time_starts_a_run),
        cmocka_unit_test(equal_times_are_kept),
        cmocka_unit_test(times_over_all_of_int64_are_kept),
        cmocka_unit_test(a_series_that_turns_irregular_goes_on_in_lines),
        cmocka_unit_test(a_finer_unit_of_time_starts_a_segment),
        cmocka_unit_test(rows_without_times_are_numbered),
        cmocka_unit_test(unsorted_rows_are_refused_and_leave_no_trace),
        cmocka_unit_test(a_file_and_a_memory_image_are_the_same),
        cmocka_unit_test(the_number_of_workers_does_not_change_the_file),
        cmocka_unit_test(appends_add_rows_behind_rows),
        cmocka_unit_test(an_append_of_nothing_changes_nothing),
        cmocka_unit_test(rows_can_be_appended_to_an_empty_file),
        cmocka_unit_test(an_append_must_match_the_file),
        cmocka_unit_test(two_writers_cannot_append_at_once),
        cmocka_unit_test(an_abandoned_writer_leaves_the_old_file),
        cmocka_unit_test(a_new_file_has_ordinary_rights_and_keeps_those_of_the_old),
        cmocka_unit_test(impossible_descs_are_refused),
        cmocka_unit_test(an_impossible_scale_is_refused),
        cmocka_unit_test(many_columns_come_back),
        cmocka_unit_test(full_segments_are_sealed),
        cmocka_unit_test(every_failed_allocation_is_a_clean_failure),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
