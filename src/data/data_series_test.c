#include "data_test.h"

#include "store_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#define PATH "data_series_test.gch"
#define ROWS 300000u

static gch_error err;

static gch_data *make_data(uint64_t budget)
{
    gch_data *data = NULL;
    assert_ok(
        gch_data_make(&(gch_data_desc){.host_budget_bytes = budget, .stall_ms = 50}, &data, &err));
    return data;
}

static uint8_t *read_whole(const char *path, size_t *out_count)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *out_count = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = aligned_alloc(64, (*out_count + 63) / 64 * 64);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *out_count, file), *out_count);
    fclose(file);
    return bytes;
}

static void free_bytes(void *context, void *bytes, size_t byte_count)
{
    uint32_t *count = context;
    (void)byte_count;
    ++*count;
    free(bytes);
}

static void check_all_pages(gch_data *data, gch_source source, const uint8_t *expected,
                            size_t count)
{
    for (uint64_t i = 0; i * GCH_PAGE_BYTES < count; i++) {
        gch_page page;
        gch_bytes bytes;
        assert_ok(gch_page_acquire(data, source, i, &page, &err));
        assert_ok(gch_page_get_bytes(data, page, &bytes, &err));
        assert_memory_equal(bytes.bytes, expected + i * GCH_PAGE_BYTES, bytes.count);
        assert_ok(gch_page_release(data, page, &err));
    }
}

static void files_and_buffers_give_their_bytes_whichever_way_they_are_read(void **state)
{
    (void)state;
    size_t count;
    uint8_t *expected = read_whole(PATH, &count);
    gch_data *data = make_data(64u << 20);
    static const gch_io ways[] = {GCH_IO_DEFAULT, GCH_IO_MAP, GCH_IO_READ};
    gch_source_info info;
    for (size_t i = 0; i < GCH_COUNT_OF(ways); i++) {
        gch_source source;
        assert_ok(
            gch_source_open_file(data, PATH, &(gch_source_desc){.io = ways[i]}, &source, &err));
        check_all_pages(data, source, expected, count);
        assert_ok(gch_source_get_info(data, source, &info, &err));
        assert_int_equal(info.byte_count, count);
        assert_int_equal(info.page_count, (count + GCH_PAGE_BYTES - 1) / GCH_PAGE_BYTES);
        assert_int_equal(info.resident_pages, info.page_count);
        assert_int_equal(info.is_mapped, ways[i] != GCH_IO_READ);
        gch_data_stats stats = test_stats(data);
        assert_int_equal(stats.bytes[GCH_BYTES_MAPPED], info.is_mapped ? count : 0);
        assert_int_equal(stats.bytes[GCH_BYTES_PAGES],
                         info.is_mapped ? 0 : info.page_count * GCH_PAGE_BYTES);
        assert_ok(gch_source_close(data, source, &err));
        assert_int_equal(test_stats(data).host_used_bytes, 0);
    }
    uint32_t freed = 0;
    gch_source source;
    assert_ok(
        gch_source_open_memory(data, expected, count, free_bytes, &freed, NULL, &source, &err));
    check_all_pages(data, source, expected, count);
    assert_int_equal(test_stats(data).bytes[GCH_BYTES_ADOPTED], count);
    assert_ok(gch_source_close(data, source, &err));
    assert_int_equal(freed, 1);
    assert_ok(gch_data_destroy(data, &err));
}

typedef struct image {
    const uint8_t *bytes;
    uint32_t closed;
} image;

static gch_status read_image(void *context, uint64_t offset, size_t byte_count,
                             gch_priority priority, void *out_bytes, const gch_cancel *cancel,
                             gch_error *read_err)
{
    const image *from = context;
    (void)priority, (void)cancel, (void)read_err;
    memcpy(out_bytes, from->bytes + offset, byte_count);
    return GCH_OK;
}

static void close_image(void *context)
{
    ((image *)context)->closed++;
}

static void file_behind_operations_is_opened_read_and_checked_like_any_other(void **state)
{
    (void)state;
    size_t count;
    uint8_t *bytes = read_whole(PATH, &count);
    gch_data *data = make_data(64u << 20);
    image from = {.bytes = bytes};
    gch_source_ops ops = {.read = read_image, .close = close_image, .context = &from};
    gch_source source;
    gch_series series;
    const gch_file *file;
    gch_value value;
    assert_ok(gch_source_open_ops(data, &ops, count, NULL, &source, &err));
    assert_ok(gch_source_get_file(data, source, &file, &err));
    assert_int_equal(gch_file_get_info(file)->row_count, ROWS);
    assert_ok(gch_series_open(data, source, 0, &series, &err));
    assert_ok(gch_file_read_values(file, 0, ROWS - 1, 1, &value, &err));
    check_all_pages(data, source, bytes, count);
    assert_ok(gch_source_close(data, source, &err));
    assert_int_equal(from.closed, 1);
    /* What is no file fails, and stays the caller's. */
    assert_status(gch_source_open_ops(data, &ops, count - 64, NULL, &source, &err), GCH_CORRUPT);
    bytes[0] ^= 1;
    assert_status(gch_source_open_ops(data, &ops, count, NULL, &source, &err), GCH_CORRUPT);
    assert_int_equal(from.closed, 1);
    assert_ok(gch_data_destroy(data, &err));
    free(bytes);
}

static void large_file_is_read_and_small_one_mapped_by_default(void **state)
{
    (void)state;
    gch_source source;
    gch_source_info info;
    gch_data *data = make_data(1u << 20);
    assert_ok(gch_source_open_file(data, PATH, NULL, &source, &err));
    assert_ok(gch_source_get_info(data, source, &info, &err));
    assert_false(info.is_mapped);
    assert_status(
        gch_source_open_file(data, PATH, &(gch_source_desc){.io = GCH_IO_MAP}, &source, &err),
        GCH_LIMIT);
    assert_ok(gch_data_destroy(data, &err));
}

static void what_is_no_file_is_refused(void **state)
{
    (void)state;
    gch_data *data = make_data(64u << 20);
    gch_source source;
    assert_status(gch_source_open_file(data, "no such file", NULL, &source, &err), GCH_NOT_FOUND);
    assert_status(gch_source_open_file(data, "/", NULL, &source, &err), GCH_IO);
    assert_status(
        gch_source_open_file(data, PATH, &(gch_source_desc){.io = (gch_io)9}, &source, &err),
        GCH_INVALID);
    static _Alignas(64) uint8_t junk[GCH_PAGE_BYTES * 2];
    uint32_t freed = 0;
    assert_status(
        gch_source_open_memory(data, junk, sizeof junk, free_bytes, &freed, NULL, &source, &err),
        GCH_CORRUPT);
    assert_status(
        gch_source_open_memory(data, junk + 1, 100, free_bytes, &freed, NULL, &source, &err),
        GCH_INVALID);
    assert_int_equal(freed, 0);
    assert_int_equal(test_stats(data).host_used_bytes, 0);
    gch_series series;
    assert_ok(gch_source_open_memory(data, junk, sizeof junk, NULL, NULL,
                                     &(gch_source_desc){.is_raw = true}, &source, &err));
    assert_status(gch_series_open(data, source, 0, &series, &err), GCH_UNSUPPORTED);
    assert_ok(gch_data_destroy(data, &err));
}

static void damaged_page_is_corrupt_each_time_and_its_neighbours_are_sound(void **state)
{
    (void)state;
    size_t count;
    uint8_t *bytes = read_whole(PATH, &count);
    bytes[3 * GCH_PAGE_BYTES + 77] ^= 4;
    FILE *file = fopen("data_series_damaged.gch", "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    fclose(file);
    free(bytes);
    for (int io = GCH_IO_MAP; io <= GCH_IO_READ; io++) {
        gch_data *data = make_data(64u << 20);
        gch_source source;
        gch_page page;
        gch__reader *reader = NULL;
        assert_ok(gch_source_open_file(data, "data_series_damaged.gch",
                                       &(gch_source_desc){.io = (gch_io)io}, &source, &err));
        assert_ok(gch__reader_make(data, source, &reader, &err));
        gch__reader_begin(reader, GCH__READ_BLOCK, GCH__PRIORITY_VISIBLE, NULL);
        assert_status(gch__reader_ensure(reader, 1, 5, &err), GCH_CORRUPT);
        assert_non_null(strstr(err.message, "byte 49152 is damaged"));
        assert_int_equal(reader->pinned_count, 4);
        gch__reader_destroy(reader);
        assert_status(gch_page_acquire(data, source, 3, &page, &err), GCH_CORRUPT);
        assert_non_null(strstr(err.message, "byte 49152 is damaged"));
        assert_ok(gch_source_invalidate(data, source, &err));
        assert_status(gch_page_acquire(data, source, 3, &page, &err), GCH_CORRUPT);
        assert_int_equal(test_stats(data).failed_pages, 2);
        assert_ok(gch_data_destroy(data, &err));
    }
    unlink("data_series_damaged.gch");
}

static void changed_file_is_noticed_by_refresh(void **state)
{
    (void)state;
    static const char path[] = "data_series_raw.bin";
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (size_t i = 0; i < 3 * GCH_PAGE_BYTES; i++)
        fputc('a', file);
    fclose(file);
    gch_data *data = make_data(1u << 20);
    gch_source source;
    gch_page page;
    gch_bytes bytes;
    bool has_changed = true;
    gch_source_desc desc = {.io = GCH_IO_READ, .is_raw = true};
    assert_ok(gch_source_open_file(data, path, &desc, &source, &err));
    assert_ok(gch_page_acquire(data, source, 1, &page, &err));
    assert_ok(gch_page_release(data, page, &err));
    assert_ok(gch_source_refresh(data, source, &has_changed, &err));
    assert_false(has_changed);
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "b", 1, GCH_PAGE_BYTES), 1);
    struct timespec later[2] = {{.tv_sec = 4000000000}, {.tv_sec = 4000000000}};
    assert_int_equal(futimens(fd, later), 0);
    assert_ok(gch_source_refresh(data, source, &has_changed, &err));
    assert_true(has_changed);
    assert_ok(gch_page_acquire(data, source, 1, &page, &err));
    assert_ok(gch_page_get_bytes(data, page, &bytes, &err));
    assert_int_equal(bytes.bytes[0], 'b');
    assert_int_equal(bytes.bytes[1], 'a');
    assert_ok(gch_page_release(data, page, &err));
    assert_int_equal(ftruncate(fd, GCH_PAGE_BYTES), 0);
    close(fd);
    assert_status(gch_page_acquire(data, source, 2, &page, &err), GCH_IO);
    assert_non_null(strstr(err.message, "shorter"));
    assert_ok(gch_data_destroy(data, &err));
    unlink(path);
}

/* ---- series ---- */

typedef struct page_set {
    bool is_in[4096];
    uint64_t count;
} page_set;

static bool add_range(void *context, uint64_t first_page, uint64_t page_count)
{
    page_set *set = context;
    for (uint64_t page = first_page; page < first_page + page_count; page++) {
        assert_true(page < GCH_COUNT_OF(set->is_in));
        set->count += !set->is_in[page];
        set->is_in[page] = true;
    }
    return true;
}

/* Held by the file itself since it was opened. */
static bool is_kept(const gch__source *source, uint64_t page)
{
    return gch__word_pins(atomic_load(&source->words[page])) > 0;
}

static gch__reader *make_reader(gch__source *source)
{
    gch__reader *reader = NULL;
    assert_ok(gch__reader_make_inside(source, &reader, &err));
    gch__reader_begin(reader, GCH__READ_BLOCK, GCH__PRIORITY_VISIBLE, NULL);
    return reader;
}

static bool is_resident(const gch__source *source, uint64_t page)
{
    return gch__word_state(atomic_load(&source->words[page])) == GCH__PAGE_RESIDENT;
}

static void series_handles_follow_their_source(void **state)
{
    (void)state;
    gch_data *data = make_data(64u << 20);
    gch_source source;
    gch_series a, b, none;
    assert_ok(gch_source_open_file(data, PATH, NULL, &source, &err));
    assert_ok(gch_series_open(data, source, 0, &a, &err));
    assert_ok(gch_series_open_named(data, source, "b", &b, &err));
    assert_int_not_equal(a.id, b.id);
    assert_status(gch_series_open(data, source, 2, &none, &err), GCH_NOT_FOUND);
    assert_status(gch_series_open_named(data, source, "c", &none, &err), GCH_NOT_FOUND);
    gch__source *inside;
    uint32_t column = 9;
    assert_ok(gch__series_hold(data, b, &inside, &column, &err));
    assert_int_equal(column, 1);
    gch__source_drop(inside);
    assert_ok(gch_series_close(data, a, &err));
    assert_status(gch_series_close(data, a, &err), GCH_INVALID);
    assert_status(gch_series_invalidate_rows(data, a, 0, 1, &err), GCH_INVALID);
    assert_ok(gch_source_close(data, source, &err));
    assert_status(gch_series_invalidate_rows(data, b, 0, 1, &err), GCH_INVALID);
    assert_status(gch_data_warm(data, b, 0, 1, 100, GCH_DIRECTION_IN, NULL, &err), GCH_INVALID);
    assert_ok(gch_data_destroy(data, &err));
}

static void invalidated_rows_take_their_pages_and_no_others(void **state)
{
    (void)state;
    gch_data *data = make_data(64u << 20);
    gch_source source;
    gch_series series;
    gch__source *inside;
    assert_ok(
        gch_source_open_file(data, PATH, &(gch_source_desc){.io = GCH_IO_READ}, &source, &err));
    assert_ok(gch_series_open(data, source, 1, &series, &err));
    assert_ok(gch__source_hold(data, source, &inside, &err));
    gch__reader *reader = NULL;
    assert_ok(gch__reader_make(data, source, &reader, &err));
    assert_ok(gch__reader_ensure(reader, 0, inside->page_count, &err));
    gch__reader_end(reader);
    page_set expected = {0};
    for (uint32_t super = 100; super <= 102; super++)
        assert_ok(gch__super_pages(inside, reader, 0, 1, super, add_range, &expected, &err));
    gch__reader_end(reader);
    assert_in_range(expected.count, 2, 12);
    assert_ok(gch_series_invalidate_rows(data, series, 100 * GCH_SUPER_ROWS + 5, 2 * 1024, &err));
    for (uint64_t page = 0; page < inside->page_count; page++)
        assert_int_equal(is_resident(inside, page), !expected.is_in[page] || is_kept(inside, page));
    /* The rows themselves lie in those pages. */
    gch__segment segment = inside->file->segments[0];
    segment.reader = reader;
    const uint32_t *packed;
    uint32_t bits;
    uint64_t min;
    assert_ok(gch__column_block(&segment, &segment.columns[1], 405, &packed, &bits, &min, &err));
    assert_true(
        expected.is_in[(uint64_t)((const uint8_t *)packed - inside->file->image) / GCH_PAGE_BYTES]);
    assert_status(gch_series_invalidate_rows(data, series, ROWS, 1, &err), GCH_INVALID);
    assert_status(gch_series_invalidate_rows(data, series, 1, UINT64_MAX, &err), GCH_INVALID);
    gch__reader_destroy(reader);
    gch__source_drop(inside);
    assert_ok(gch_data_destroy(data, &err));
}

static void await_idle(gch_data *data)
{
    for (int i = 0; i < 50000; i++) {
        pthread_mutex_lock(&data->queue_lock);
        bool is_idle = data->queued_count == 0 && data->warm_count == 0 &&
                       data->idle_count == data->loader_count;
        pthread_mutex_unlock(&data->queue_lock);
        if (is_idle)
            return;
        usleep(100);
    }
    fail_msg("the loaders do not come to rest");
}

static void warming_loads_exactly_the_pages_of_the_next_view(void **state)
{
    (void)state;
    static const struct {
        gch_direction direction;
        int64_t from, to; /* the view it announces, where [1/4, 1/2) of the data is seen */
    } cases[] = {
        {GCH_DIRECTION_LATER, 8, 12},
        {GCH_DIRECTION_EARLIER, 0, 4},
        {GCH_DIRECTION_IN, 5, 7},
        {GCH_DIRECTION_OUT, 2, 10},
    };
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        gch_data *data = make_data(64u << 20);
        gch_source source;
        gch_series series;
        gch__source *inside;
        assert_ok(
            gch_source_open_file(data, PATH, &(gch_source_desc){.io = GCH_IO_READ}, &source, &err));
        assert_ok(gch_series_open(data, source, 0, &series, &err));
        assert_ok(gch__source_hold(data, source, &inside, &err));
        int64_t part = inside->file->info.last_time / 16;
        page_set expected = {0};
        gch__reader *reader = make_reader(inside);
        bool is_partial = false;
        assert_ok(gch__view_pages(inside, reader, 0, cases[i].from * part, cases[i].to * part, 20,
                                  add_range, &expected, &is_partial));
        assert_false(is_partial);
        gch__reader_destroy(reader);
        /* Finding them out has loaded some of them: away with these. */
        assert_ok(gch_source_invalidate(data, source, &err));
        assert_ok(
            gch_data_warm(data, series, 4 * part, 8 * part, 20, cases[i].direction, NULL, &err));
        await_idle(data);
        for (uint64_t page = 0; page < inside->page_count; page++)
            assert_int_equal(is_resident(inside, page),
                             expected.is_in[page] || is_kept(inside, page));
        assert_in_range(expected.count, 10, inside->page_count - 10);
        gch__source_drop(inside);
        assert_ok(gch_data_destroy(data, &err));
    }
}

static void cancelled_and_senseless_hints_load_nothing(void **state)
{
    (void)state;
    gch_data *data = make_data(64u << 20);
    gch_source source;
    gch_series series;
    gch_cancel *cancel = NULL;
    gch_source_desc desc = {.io = GCH_IO_READ};
    assert_ok(gch_source_open_file(data, PATH, &desc, &source, &err));
    assert_ok(gch_series_open(data, source, 0, &series, &err));
    assert_ok(gch_cancel_make(data, &cancel, &err));
    gch_cancel_set(data, cancel);
    uint64_t loads = test_stats(data).loads; /* by opening */
    assert_status(gch_data_warm(data, series, 0, 1000, 20, GCH_DIRECTION_IN, cancel, &err),
                  GCH_CANCELLED);
    assert_status(gch_data_warm(data, series, 5, 5, 20, GCH_DIRECTION_IN, NULL, &err), GCH_INVALID);
    assert_status(gch_data_warm(data, series, 0, 5, 0, GCH_DIRECTION_IN, NULL, &err), GCH_INVALID);
    assert_status(gch_data_warm(data, series, 0, 5, 1, (gch_direction)5, NULL, &err), GCH_INVALID);
    assert_int_equal(test_stats(data).loads, loads);
    /* Far outside of the data, and the widest view there is: no more than some pages. */
    assert_ok(
        gch_data_warm(data, series, INT64_MIN, INT64_MAX, 3, GCH_DIRECTION_AROUND, NULL, &err));
    await_idle(data);
    gch_cancel_release(data, cancel);
    assert_ok(gch_data_destroy(data, &err));
}

static int write_file(void **state)
{
    (void)state;
    test_file_write(PATH, ROWS);
    return 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(PATH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_and_buffers_give_their_bytes_whichever_way_they_are_read),
        cmocka_unit_test(file_behind_operations_is_opened_read_and_checked_like_any_other),
        cmocka_unit_test(large_file_is_read_and_small_one_mapped_by_default),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(damaged_page_is_corrupt_each_time_and_its_neighbours_are_sound),
        cmocka_unit_test(changed_file_is_noticed_by_refresh),
        cmocka_unit_test(series_handles_follow_their_source),
        cmocka_unit_test(invalidated_rows_take_their_pages_and_no_others),
        cmocka_unit_test(warming_loads_exactly_the_pages_of_the_next_view),
        cmocka_unit_test(cancelled_and_senseless_hints_load_nothing),
    };
    return cmocka_run_group_tests(tests, write_file, remove_file);
}
