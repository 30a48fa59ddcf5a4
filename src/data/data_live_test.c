/* Live sources: rows in memory and on their way to a file, under a budget. */
#include "data_state.h"
#include "gch/live.h"
#include "store_test_data.h"

#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH "data_live_test.gch"

static gch_error err;

static gch_data *make_manager(uint64_t budget)
{
    gch_data *manager = NULL;
    assert_ok(gch_data_make(&(gch_data_desc){.host_budget_bytes = budget, .stall_ms = 2000},
                            &manager, &err));
    return manager;
}

static data make_rows(size_t count, uint64_t seed)
{
    data d = data_make(count);
    data_column *prices = data_add(&d, GCH_TYPE_F64);
    data_column *flags = data_add(&d, GCH_TYPE_U8);
    int64_t price = 100000;
    for (size_t i = 0; i < count; i++) {
        uint64_t r = test_random(&seed);
        price += (int64_t)(r % 21) - 10;
        data_set_double(prices, i, (double)price / 100);
        data_set_bits(flags, i, r >> 60);
        if (i > 0)
            d.times[i] = d.times[i - 1] + (int64_t)(r >> 32) % 40;
        if (i % 1000 == 999)
            data_set_null(&d, prices, i);
    }
    return d;
}

static gch_source open_live(gch_data *manager, const data *d, gch_live_desc desc)
{
    gch_column_desc columns[DATA_COLUMNS_CAP];
    gch_writer_desc rows = data_desc(d, columns, NULL);
    gch_source source = {0};
    desc.rows = &rows;
    assert_ok(gch_live_open(manager, &desc, &source, &err));
    return source;
}

static gch_status append(gch_data *manager, gch_source source, const data *d, size_t first,
                         size_t count)
{
    gch_column_data columns[DATA_COLUMNS_CAP];
    data_columns(d, first, columns);
    return gch_live_append(manager, source, d->times + first, columns, count, &err);
}

static void check_file(gch_data *manager, const data *d)
{
    gch_source source;
    const gch_file *file;
    assert_ok(
        gch_source_open_file(manager, PATH, &(gch_source_desc){.io = GCH_IO_MAP}, &source, &err));
    assert_ok(gch_source_get_file(manager, source, &file, &err));
    data_check(d, file);
    assert_ok(gch_source_close(manager, source, &err));
}

/* The budget was never exceeded, at any moment. */
static bool budget_was_kept(gch_data *manager)
{
    gch_data_stats stats;
    gch_data_get_stats(manager, &stats);
    return stats.host_peak_bytes <= stats.host_budget_bytes;
}

static void rows_in_memory_are_seen_counted_and_freed(void **state)
{
    (void)state;
    data d = make_rows(50000, 1);
    gch_data *manager = make_manager(64u << 20);
    gch_source source = open_live(manager, &d, (gch_live_desc){.name = "ticks"});
    gch_file *file = NULL, *late = NULL;
    gch_live_info info;
    gch_data_stats stats;
    assert_ok(gch_live_acquire_file(manager, source, &file, &err));
    for (size_t row = 0; row < d.row_count; row += 1000) {
        assert_ok(append(manager, source, &d, row, 1000));
        assert_ok(gch_live_refresh_file(file, NULL, &err));
        data_check_rows(&d, file, row, 1000);
    }
    data_check_all(&d, file);
    assert_ok(gch_live_get_info(manager, source, &info, &err));
    gch_data_get_stats(manager, &stats);
    assert_int_equal(info.row_count, d.row_count);
    assert_int_equal(info.memory_rows, d.row_count);
    assert_true(info.memory_bytes < 6 * d.row_count);
    assert_true(stats.bytes[GCH_BYTES_LIVE] >= info.memory_bytes);
    assert_true(stats.bytes[GCH_BYTES_LIVE] <= info.memory_bytes + (1u << 17));

    assert_status(gch_live_flush(manager, source, &err), GCH_INVALID);
    assert_ok(gch_live_acquire_file(manager, source, &late, &err));
    assert_ok(gch_live_close(manager, source, &err));
    data_check_all(&d, late);
    assert_ok(gch_live_refresh_file(late, NULL, &err));
    assert_status(append(manager, source, &d, 0, 1), GCH_INVALID);
    assert_status(gch_live_acquire_file(manager, source, &file, &err), GCH_INVALID);
    assert_status(gch_data_destroy(manager, &err), GCH_INVALID); /* files are held */
    gch_live_release_file(manager, file);
    gch_data_get_stats(manager, &stats);
    assert_true(stats.bytes[GCH_BYTES_LIVE] > 0);
    gch_live_release_file(manager, late);
    gch_live_release_file(manager, NULL);
    gch_data_get_stats(manager, &stats);
    assert_int_equal(stats.host_used_bytes, 0);
    assert_ok(gch_data_destroy(manager, &err));
    data_free(&d);
}

static void cleared_source_begins_anew(void **state)
{
    (void)state;
    gch_data *manager = make_manager(64u << 20);
    data first = make_rows(30000, 5), second = make_rows(5304, 6);
    for (size_t i = 0; i < second.row_count; i++)
        second.times[i] -= 1000000000; /* before all that was there */
    gch_source source = open_live(manager, &first, (gch_live_desc){.segment_rows = 4096});
    gch_file *file = NULL, *early = NULL;
    gch_live_info info;
    gch_data_stats stats;
    assert_ok(gch_live_acquire_file(manager, source, &file, &err));
    assert_ok(gch_live_clear(manager, source, &err)); /* nothing is there yet */
    assert_ok(append(manager, source, &first, 0, first.row_count));
    assert_ok(gch_live_refresh_file(file, NULL, &err));
    data_check_all(&first, file);
    gch_data_get_stats(manager, &stats);
    uint64_t once = stats.bytes[GCH_BYTES_LIVE];
    assert_ok(gch_live_acquire_file(manager, source, &early, &err));
    assert_ok(gch_live_clear(manager, source, &err));
    data_check_all(&first, early);
    assert_ok(gch_live_refresh_file(file, NULL, &err));
    assert_int_equal(gch_file_get_info(file)->row_count, 0);
    assert_int_equal(gch_file_get_info(file)->dropped_rows, first.row_count);
    for (size_t row = 0; row < second.row_count; row += 408) {
        assert_ok(append(manager, source, &second, row, 408));
        assert_ok(gch_live_refresh_file(file, NULL, &err));
        data_check_rows(&second, file, row, 408);
    }
    data_check_all(&second, file);
    assert_status(append(manager, source, &second, 0, 1), GCH_UNSORTED);
    assert_ok(gch_live_refresh_file(early, NULL, &err));
    data_check_all(&second, early);
    /* Again and again, with the memory of one. */
    for (uint32_t round = 0; round < 20; round++) {
        assert_ok(gch_live_clear(manager, source, &err));
        assert_ok(append(manager, source, &first, 0, first.row_count));
        assert_ok(gch_live_refresh_file(file, NULL, &err));
        assert_ok(gch_live_refresh_file(early, NULL, &err));
    }
    assert_ok(gch_live_get_info(manager, source, &info, &err));
    gch_data_get_stats(manager, &stats);
    assert_int_equal(info.row_count, first.row_count);
    assert_true(stats.bytes[GCH_BYTES_LIVE] <= once);
    gch_live_release_file(manager, file);
    gch_live_release_file(manager, early);
    assert_ok(gch_live_close(manager, source, &err));
    assert_status(gch_live_clear(manager, source, &err), GCH_INVALID);
    /* What is for a file stays. */
    (void)remove(PATH);
    source = open_live(manager, &first, (gch_live_desc){.path = PATH});
    assert_ok(append(manager, source, &first, 0, 100));
    assert_status(gch_live_clear(manager, source, &err), GCH_INVALID);
    assert_ok(gch_live_close(manager, source, &err));
    (void)remove(PATH);
    assert_ok(gch_data_destroy(manager, &err));
    data_free(&first);
    data_free(&second);
}

static void other_sources_and_senseless_descs_are_refused(void **state)
{
    (void)state;
    data d = make_rows(10, 2);
    gch_column_desc columns[DATA_COLUMNS_CAP];
    gch_writer_desc rows = data_desc(&d, columns, NULL);
    gch_data *manager = make_manager(1u << 20);
    gch_source source, file_source;
    gch_live_info info;
    const gch_file *file;
    assert_status(gch_live_open(manager, &(gch_live_desc){0}, &source, &err), GCH_INVALID);
    assert_status(gch_live_open(manager, &(gch_live_desc){.rows = &rows, .segment_rows = 1000},
                                &source, &err),
                  GCH_INVALID);
    assert_status(gch_live_open(manager, &(gch_live_desc){.rows = &rows, .segment_rows = 1u << 25},
                                &source, &err),
                  GCH_INVALID);
    assert_status(gch_live_open(manager,
                                &(gch_live_desc){.rows = &rows, .path = PATH, .keep_rows = 5},
                                &source, &err),
                  GCH_INVALID);
    columns[1].name = columns[0].name;
    assert_status(gch_live_open(manager, &(gch_live_desc){.rows = &rows}, &source, &err),
                  GCH_INVALID);
    source = open_live(manager, &d, (gch_live_desc){0});
    assert_status(gch_source_get_file(manager, source, &file, &err), GCH_UNSUPPORTED);
    gch_page page;
    gch_series series;
    assert_status(gch_page_acquire(manager, source, 0, &page, &err), GCH_INVALID);
    assert_status(gch_series_open(manager, source, 0, &series, &err), GCH_UNSUPPORTED);
    assert_ok(gch_source_invalidate(manager, source, &err));
    gch_data_expire(manager);

    uint8_t *bytes = aligned_alloc(64, 64);
    assert_non_null(bytes);
    assert_ok(gch_source_open_memory(manager, bytes, 64, NULL, NULL,
                                     &(gch_source_desc){.is_raw = true}, &file_source, &err));
    assert_status(append(manager, file_source, &d, 0, 8), GCH_INVALID);
    assert_status(gch_live_close(manager, file_source, &err), GCH_INVALID);
    assert_status(gch_live_get_info(manager, file_source, &info, &err), GCH_INVALID);
    assert_ok(gch_data_destroy(manager, &err)); /* what is open is closed */
    free(bytes);
    data_free(&d);
}

static void budget_refuses_rows_that_have_nowhere_to_go(void **state)
{
    (void)state;
    data d = make_rows(2000000, 3);
    gch_data *manager = make_manager(2u << 20);
    gch_source source = open_live(manager, &d, (gch_live_desc){0});
    size_t row = 0;
    gch_status status = GCH_OK;
    while (row < d.row_count && (status = append(manager, source, &d, row, 4000)) == GCH_OK)
        row += 4000;
    assert_int_equal(status, GCH_LIMIT);
    assert_true(row > 400000);
    gch_file *file = NULL;
    assert_ok(gch_live_acquire_file(manager, source, &file, &err));
    assert_int_equal(gch_file_get_info(file)->row_count, row);
    data_check_rows(&d, file, row - 5000, 5000);
    assert_true(budget_was_kept(manager));
    gch_live_release_file(manager, file);
    assert_ok(gch_data_destroy(manager, &err));

    /* Keeping the newest makes room. */
    manager = make_manager(2u << 20);
    source = open_live(manager, &d, (gch_live_desc){.keep_bytes = 1u << 20});
    for (row = 0; row < d.row_count; row += 4000)
        assert_ok(append(manager, source, &d, row, 4000));
    assert_ok(gch_live_acquire_file(manager, source, &file, &err));
    const gch_file_info *info = gch_file_get_info(file);
    assert_int_equal(info->dropped_rows + info->row_count, d.row_count);
    assert_true(info->row_count > 200000);
    assert_true(budget_was_kept(manager));
    gch_live_release_file(manager, file);
    assert_ok(gch_live_close(manager, source, &err));
    assert_ok(gch_data_destroy(manager, &err));
    data_free(&d);
}

static void full_segments_move_to_the_file_under_a_small_budget(void **state)
{
    (void)state;
    data d = make_rows(3000000, 4);
    unlink(PATH);
    gch_data *manager = make_manager(6u << 20);
    gch_source source =
        open_live(manager, &d, (gch_live_desc){.path = PATH, .segment_rows = 1u << 18});
    gch_file *file = NULL;
    uint64_t seed = 4;
    for (size_t row = 0; row < d.row_count; row += 8000) {
        gch_status status = append(manager, source, &d, row, 8000);
        if (status == GCH_LIMIT) { /* what went to the file after the file here was refreshed */
            assert_ok(gch_live_refresh_file(file, NULL, &err));
            status = append(manager, source, &d, row, 8000);
        }
        assert_ok(status);
        if (file == NULL)
            assert_ok(gch_live_acquire_file(manager, source, &file, &err));
        assert_ok(gch_live_refresh_file(file, NULL, &err));
        assert_int_equal(gch_file_get_info(file)->row_count, row + 8000);
        data_check_rows(&d, file, row, 8000);
        data_check_rows(&d, file, test_random(&seed) % (row + 8000), 1);
    }
    gch_live_info info;
    assert_ok(gch_live_get_info(manager, source, &info, &err));
    assert_int_equal(info.row_count, d.row_count);
    /* How far the file lags behind is the machine's business, but not all rows fit. */
    assert_true(info.memory_rows < d.row_count && info.spill_count > 0);
    assert_int_equal(info.spill_status, GCH_OK);
    assert_true(budget_was_kept(manager));
    assert_ok(gch_live_close(manager, source, &err));
    data_check_rows(&d, file, d.row_count - 10000, 10000);
    gch_live_release_file(manager, file);
    assert_ok(gch_data_destroy(manager, &err));
    manager = make_manager(64u << 20);
    check_file(manager, &d);
    assert_ok(gch_data_destroy(manager, &err));
    unlink(PATH);
    data_free(&d);
}

static void file_that_is_there_goes_on(void **state)
{
    (void)state;
    data d = make_rows(40000, 5);
    unlink(PATH);
    gch_data *manager = make_manager(64u << 20);
    for (size_t row = 0; row < d.row_count; row += 8000) {
        gch_source source = open_live(manager, &d, (gch_live_desc){.path = PATH});
        gch_file *file = NULL;
        assert_ok(append(manager, source, &d, row, 4800));
        if (row % 16000 == 0)
            assert_ok(gch_live_flush(manager, source, &err));
        assert_ok(append(manager, source, &d, row + 4800, 3200));
        assert_ok(gch_live_acquire_file(manager, source, &file, &err));
        data part = d;
        part.row_count = row + 8000;
        data_check_all(&part, file);
        gch_live_release_file(manager, file);
        assert_ok(gch_live_close(manager, source, &err));
        check_file(manager, &part);
    }
    gch_column_desc columns[DATA_COLUMNS_CAP];
    gch_writer_desc rows = data_desc(&d, columns, NULL);
    gch_source source;
    columns[0].type = GCH_TYPE_F32;
    assert_status(
        gch_live_open(manager, &(gch_live_desc){.rows = &rows, .path = PATH}, &source, &err),
        GCH_INVALID);
    assert_int_equal(truncate(PATH, 20000), 0);
    columns[0].type = GCH_TYPE_F64;
    assert_status(
        gch_live_open(manager, &(gch_live_desc){.rows = &rows, .path = PATH}, &source, &err),
        GCH_CORRUPT);
    assert_ok(gch_data_destroy(manager, &err));
    unlink(PATH);
    data_free(&d);
}

static void file_that_cannot_be_written_loses_nothing(void **state)
{
    (void)state;
    data d = make_rows(600000, 6);
    gch_data *manager = make_manager(2u << 20);
    unlink("data_live_test.dir/x.gch");
    rmdir("data_live_test.dir");
    gch_source source = open_live(manager, &d, (gch_live_desc){.path = "data_live_test.dir/x.gch"});
    size_t row = 0;
    gch_status status = GCH_OK;
    while (row < d.row_count && (status = append(manager, source, &d, row, 4000)) == GCH_OK)
        row += 4000;
    assert_int_equal(status, GCH_IO); /* what hinders the rows, not the budget */
    assert_status(gch_live_flush(manager, source, &err), GCH_IO);
    gch_live_info info;
    assert_ok(gch_live_get_info(manager, source, &info, &err));
    assert_int_equal(info.spill_status, GCH_IO);
    assert_int_equal(info.memory_rows, row);
    assert_int_equal(mkdir("data_live_test.dir", 0700), 0);
    for (; row < d.row_count; row += 4000)
        assert_ok(append(manager, source, &d, row, 4000));
    gch_file *file = NULL;
    assert_ok(gch_live_acquire_file(manager, source, &file, &err));
    data_check_all(&d, file);
    assert_ok(gch_live_close(manager, source, &err));
    data_check_all(&d, file);
    gch_live_release_file(manager, file);
    assert_ok(gch_data_destroy(manager, &err));
    unlink("data_live_test.dir/x.gch");
    rmdir("data_live_test.dir");
    data_free(&d);
}

/* Rounded where they come in: the file holds what was shown, and goes on so. */
static void rows_within_a_tolerance_reach_the_file_so(void **state)
{
    (void)state;
    data d = make_rows(5000, 9);
    gch_data *manager = make_manager(64u << 20);
    gch_column_desc columns[DATA_COLUMNS_CAP];
    gch_writer_desc rows = data_desc(&d, columns, NULL);
    const gch_decimal own[2] = {{6, -1}, {0, 0}};
    rows.preset = GCH_PRESET_TOLERANCE;
    rows.tolerance = (gch_decimal){1, -3};
    rows.column_tolerances = own;
    unlink(PATH);
    for (int round = 0; round < 2; round++) {
        gch_source source;
        gch_file *file;
        gch_value shown[4000], stored[4000];
        assert_ok(
            gch_live_open(manager, &(gch_live_desc){.rows = &rows, .path = PATH}, &source, &err));
        assert_ok(append(manager, source, &d, (size_t)round * 2000, 2000));
        assert_ok(gch_live_acquire_file(manager, source, &file, &err));
        size_t count = 2000 * ((size_t)round + 1);
        assert_ok(gch_file_read_values(file, 0, 0, count, shown, &err));
        assert_ok(gch_live_close(manager, source, &err));
        gch_live_release_file(manager, file);
        const gch_file *kept;
        assert_ok(gch_source_open_file(manager, PATH, NULL, &source, &err));
        assert_ok(gch_source_get_file(manager, source, &kept, &err));
        const gch_file_info *info = gch_file_get_info(kept);
        assert_string_equal(info->preset, "tolerance=0.001 tolerance=0:0.6");
        assert_int_equal(info->row_count, count);
        assert_int_equal(info->columns[0].scale, 0);
        assert_ok(gch_file_read_values(kept, 0, 0, count, stored, &err));
        for (size_t i = 0; i < count; i++) {
            double given;
            memcpy(&given, d.columns[0].values + i * sizeof given, sizeof given);
            assert_int_equal(shown[i].kind, stored[i].kind);
            if (stored[i].kind != GCH_VALUE_GAP) {
                assert_int_equal(shown[i].as.digits, stored[i].as.digits);
                assert_true(fabs(gch_value_to_double(stored[i]) - given) <= 0.6);
            }
        }
        assert_ok(gch_source_close(manager, source, &err));
    }
    gch_source source;
    rows.tolerance = (gch_decimal){2, -3};
    assert_status(
        gch_live_open(manager, &(gch_live_desc){.rows = &rows, .path = PATH}, &source, &err),
        GCH_INVALID);
    assert_ok(gch_data_destroy(manager, &err));
    unlink(PATH);
    data_free(&d);
}

static void rows_that_others_write_to_the_file_are_noticed(void **state)
{
    (void)state;
    data d = make_rows(20000, 7);
    unlink(PATH);
    gch_data *manager = make_manager(64u << 20);
    gch_source first = open_live(manager, &d, (gch_live_desc){.path = PATH});
    assert_ok(append(manager, first, &d, 0, 8000));
    assert_ok(gch_live_flush(manager, first, &err));
    gch_source second = open_live(manager, &d, (gch_live_desc){.path = PATH});
    assert_ok(append(manager, second, &d, 8000, 8000));
    assert_ok(gch_live_close(manager, second, &err));
    assert_ok(append(manager, first, &d, 16000, 4000));
    assert_status(gch_live_close(manager, first, &err), GCH_CORRUPT);
    assert_ok(gch_data_destroy(manager, &err));
    unlink(PATH);
    data_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_in_memory_are_seen_counted_and_freed),
        cmocka_unit_test(cleared_source_begins_anew),
        cmocka_unit_test(other_sources_and_senseless_descs_are_refused),
        cmocka_unit_test(budget_refuses_rows_that_have_nowhere_to_go),
        cmocka_unit_test(full_segments_move_to_the_file_under_a_small_budget),
        cmocka_unit_test(file_that_is_there_goes_on),
        cmocka_unit_test(rows_within_a_tolerance_reach_the_file_so),
        cmocka_unit_test(file_that_cannot_be_written_loses_nothing),
        cmocka_unit_test(rows_that_others_write_to_the_file_are_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
