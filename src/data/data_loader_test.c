#include "data_test.h"
#include "store_file.h"

static gch_error err;

/* Asks without waiting until the page is there; how often it was not. */
static uint32_t ask_until_there(gch_data *data, gch_source source, uint64_t number)
{
    gch_page page;
    uint32_t asks = 0;
    for (;;) {
        gch_status status = gch_page_try_acquire(data, source, number, NULL, &page, &err);
        if (status == GCH_OK)
            break;
        assert_int_equal(status, GCH_PENDING);
        assert_true(++asks < 20000);
        usleep(100);
    }
    assert_ok(gch_page_release(data, page, &err));
    return asks;
}

static void await_idle(gch_data *data)
{
    for (int i = 0; i < 20000; i++) {
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

static void asking_without_waiting_is_pending_then_there(void **state)
{
    (void)state;
    test_ops ops = {.version = 1, .is_blocked = true};
    gch_data *data = test_data_make(16);
    gch_source source = test_source_open(data, &ops, 32, 0);
    gch__reader *reader = NULL;
    assert_ok(gch__reader_make(data, source, &reader, &err));
    gch__reader_begin(reader, GCH__READ_NO_WAIT, GCH__PRIORITY_VISIBLE, NULL);
    int64_t start = gch__clock_ns();
    assert_status(gch__reader_ensure(reader, 2, 8, &err), GCH_PENDING);
    assert_status(gch__reader_ensure(reader, 2, 8, &err), GCH_PENDING);
    assert_true(gch__clock_ns() - start < 100000000); /* a frame never waits for a read */
    assert_int_equal(reader->pinned_count, 0);
    assert_int_equal(reader->missing_count, 16);
    gch__reader_end(reader);
    ops.is_blocked = false;
    await_idle(data);
    gch__reader_begin(reader, GCH__READ_NO_WAIT, GCH__PRIORITY_VISIBLE, NULL);
    assert_ok(gch__reader_ensure(reader, 2, 8, &err));
    assert_int_equal(reader->pinned_count, 8);
    assert_int_equal(ops.pages_read, 8);
    assert_true(ops.reads <= 3); /* neighbours in one read, unless a loader was quicker */
    gch__reader_destroy(reader);
    (void)ask_until_there(data, source, 31);
    assert_ok(gch_data_destroy(data, &err));
}

static void blocking_asker_takes_over_what_is_queued(void **state)
{
    (void)state;
    test_ops slow = {.is_blocked = true}, ops = {.version = 4};
    gch_data *data = test_data_make(64);
    gch_source stuck = test_source_open(data, &slow, 8, 0);
    gch_source source = test_source_open(data, &ops, 8, 0);
    gch_page page;
    for (uint64_t i = 0; i < 8; i += 2) /* keeps both loaders busy */
        assert_status(gch_page_try_acquire(data, stuck, i, NULL, &page, &err), GCH_PENDING);
    while (slow.reads < 2)
        usleep(100);
    assert_status(gch_page_try_acquire(data, source, 1, NULL, &page, &err), GCH_PENDING);
    assert_ok(gch_page_acquire(data, source, 1, &page, &err));
    assert_ok(gch_page_release(data, page, &err));
    slow.is_blocked = false;
    await_idle(data);
    assert_int_equal(ops.pages_read, 1);
    assert_ok(gch_data_destroy(data, &err));
}

static gch_data *make_with(uint32_t loaders, uint32_t queue_cap)
{
    gch_data *data = NULL;
    gch_data_desc desc = {.host_budget_bytes = 1u << 22,
                          .loader_count = loaders,
                          .queue_cap = queue_cap,
                          .stall_ms = 20};
    assert_ok(gch_data_make(&desc, &data, &err));
    return data;
}

static gch__source *inside_of(gch_data *data, gch_source source)
{
    gch__source *inside;
    assert_ok(gch__source_hold(data, source, &inside, &err));
    gch__source_drop(inside);
    return inside;
}

static void visible_comes_before_refinement_and_prefetch(void **state)
{
    (void)state;
    test_ops ops = {.is_blocked = true};
    gch_data *data = make_with(1, 100);
    gch_source source = test_source_open(data, &ops, 64, 0);
    gch__source *inside = inside_of(data, source);
    assert_true(gch__queue_page(inside, 60, GCH__PRIORITY_VISIBLE, NULL));
    while (ops.reads < 1)
        usleep(100);
    assert_true(gch__queue_page(inside, 10, GCH__PRIORITY_PREFETCH, NULL));
    assert_true(gch__queue_page(inside, 20, GCH__PRIORITY_REFINE, NULL));
    assert_true(gch__queue_page(inside, 30, GCH__PRIORITY_VISIBLE, NULL));
    assert_true(gch__queue_page(inside, 40, GCH__PRIORITY_PREFETCH, NULL));
    assert_true(gch__queue_page(inside, 40, GCH__PRIORITY_VISIBLE, NULL)); /* now on screen */
    gch_data_stats stats = test_stats(data);
    assert_int_equal(stats.queue_depth[GCH__PRIORITY_VISIBLE], 2);
    assert_int_equal(stats.queue_depth[GCH__PRIORITY_REFINE], 1);
    assert_int_equal(stats.queue_depth[GCH__PRIORITY_PREFETCH], 2);
    ops.is_blocked = false;
    await_idle(data);
    assert_int_equal(ops.pages_read, 5);
    assert_int_equal(ops.reads, 5);
    assert_int_equal(ops.priorities, 7); /* the source is told */
    /* CLOCK admits in the order of loading: slots are given from the lowest. */
    assert_int_equal(inside->slots[60], 0);
    assert_int_equal(inside->slots[30], 1);
    assert_int_equal(inside->slots[40], 2);
    assert_int_equal(inside->slots[20], 3);
    assert_int_equal(inside->slots[10], 4);
    assert_ok(gch_data_destroy(data, &err));
}

static void full_queue_drops_prefetch_first_then_refuses(void **state)
{
    (void)state;
    test_ops ops = {.is_blocked = true};
    gch_data *data = make_with(1, 4);
    gch_source source = test_source_open(data, &ops, 64, 0);
    gch__source *inside = inside_of(data, source);
    assert_true(gch__queue_page(inside, 60, GCH__PRIORITY_VISIBLE, NULL));
    while (ops.reads < 1)
        usleep(100);
    for (uint64_t i = 0; i < 4; i++)
        assert_true(gch__queue_page(inside, 2 * i, GCH__PRIORITY_PREFETCH, NULL));
    assert_false(gch__queue_page(inside, 8, GCH__PRIORITY_PREFETCH, NULL));
    for (uint64_t i = 0; i < 4; i++)
        assert_true(gch__queue_page(inside, 20 + 2 * i, GCH__PRIORITY_VISIBLE, NULL));
    assert_false(gch__queue_page(inside, 40, GCH__PRIORITY_VISIBLE, NULL));
    gch_data_stats stats = test_stats(data);
    assert_int_equal(stats.queue_dropped, 4);
    assert_int_equal(stats.queue_refused, 2);
    assert_int_equal(stats.queue_depth[GCH__PRIORITY_PREFETCH], 0);
    for (uint64_t i = 0; i < 4; i++)
        assert_int_equal(inside->words[2 * i], GCH__PAGE_ABSENT);
    assert_int_equal(inside->words[40], GCH__PAGE_ABSENT);
    gch_page page;
    assert_status(gch_page_try_acquire(data, source, 40, NULL, &page, &err), GCH_PENDING);
    ops.is_blocked = false;
    await_idle(data);
    assert_int_equal(ops.pages_read, 5);
    assert_ok(gch_data_destroy(data, &err));
}

static void cancelling_removes_queued_work_and_ends_reads_under_way(void **state)
{
    (void)state;
    test_ops ops = {.is_blocked = true, .version = 6};
    gch_data *data = make_with(1, 1000);
    gch_source source = test_source_open(data, &ops, 200, 0);
    gch__source *inside = inside_of(data, source);
    gch_cancel *mine = NULL, *other = NULL;
    assert_ok(gch_cancel_make(data, &mine, &err));
    assert_ok(gch_cancel_make(data, &other, &err));
    assert_true(gch__queue_page(inside, 199, GCH__PRIORITY_VISIBLE, mine));
    while (ops.reads < 1)
        usleep(100);
    for (uint64_t i = 0; i < 190; i++)
        assert_true(gch__queue_page(inside, i, GCH__PRIORITY_REFINE, i % 10 == 0 ? other : mine));
    gch_cancel_set(data, mine);
    assert_int_equal(test_stats(data).queue_cancelled, 171);
    assert_true(test_stats(data).queue_depth[GCH__PRIORITY_REFINE] <= 19);
    for (uint64_t i = 0; i < 190; i++) {
        if (i % 10 != 0)
            assert_int_equal(inside->words[i], GCH__PAGE_ABSENT);
    }
    gch_page page;
    assert_status(gch_page_try_acquire(data, source, 5, mine, &page, &err), GCH_CANCELLED);
    for (int i = 0; i < 20000 && inside->words[199] != GCH__PAGE_ABSENT; i++)
        usleep(100);
    assert_int_equal(inside->words[199], GCH__PAGE_ABSENT); /* not FAILED: it may be asked again */
    ops.is_blocked = false;
    await_idle(data);
    assert_int_equal(ops.pages_read, 20);
    gch_cancel_release(data, mine);
    assert_status(gch_data_destroy(data, &err), GCH_INVALID);
    gch_cancel_release(data, other);
    gch_cancel_release(data, NULL);
    gch_cancel_set(data, NULL);
    assert_false(gch_cancel_is_set(NULL));
    assert_ok(gch_data_destroy(data, &err));
}

static void queued_pages_are_handed_to_a_host_in_runs_visible_ones_first(void **state)
{
    (void)state;
    test_ops slow = {.is_blocked = true}, ops = {.version = 3};
    gch_data *data = make_with(1, 1000);
    gch_source stuck = test_source_open(data, &slow, 8, 0);
    gch_source source = test_source_open(data, &ops, 200, 0);
    gch_page page;
    assert_status(gch_page_try_acquire(data, stuck, 0, NULL, &page, &err), GCH_PENDING);
    while (slow.reads < 1) /* keeps the loader busy */
        usleep(100);
    gch__source *inside = inside_of(data, source);
    for (uint64_t i = 150; i < 153; i++)
        assert_true(gch__queue_page(inside, i, GCH__PRIORITY_PREFETCH, NULL));
    for (uint64_t i = 10; i < 100; i++)
        assert_true(gch__queue_page(inside, i, GCH__PRIORITY_VISIBLE, NULL));

    gch_page_run run;
    assert_ok(gch_data_take_queued(data, &run, &err));
    assert_int_equal(run.source.id, source.id);
    assert_int_equal(run.first_page, 10);
    assert_int_equal(run.page_count, 64);
    assert_false(run.is_prefetch);
    assert_int_equal(inside->words[10], GCH__PAGE_ABSENT);
    assert_ok(gch_data_take_queued(data, &run, &err));
    assert_int_equal(run.first_page, 74);
    assert_int_equal(run.page_count, 26);
    assert_ok(gch_data_take_queued(data, &run, &err));
    assert_int_equal(run.first_page, 150);
    assert_int_equal(run.page_count, 3);
    assert_true(run.is_prefetch);
    assert_status(gch_data_take_queued(data, &run, &err), GCH_NOT_FOUND);

    /* Who asks again queues again; who acquires reads at once. */
    assert_true(gch__queue_page(inside, 12, GCH__PRIORITY_VISIBLE, NULL));
    assert_ok(gch_data_take_queued(data, &run, &err));
    assert_int_equal(run.page_count, 1);
    assert_ok(gch_page_acquire(data, source, 12, &page, &err));
    assert_ok(gch_page_release(data, page, &err));
    assert_int_equal(ops.pages_read, 1);
    slow.is_blocked = false;
    await_idle(data);
    assert_ok(gch_data_destroy(data, &err));
}

static void destroying_drops_the_queue_and_closes_sources(void **state)
{
    (void)state;
    test_ops ops = {0};
    gch_data *data = make_with(2, 1000);
    gch_source source = test_source_open(data, &ops, 200, 0);
    gch__source *inside = inside_of(data, source);
    for (uint64_t i = 0; i < 200; i += 2)
        assert_true(gch__queue_page(inside, i, GCH__PRIORITY_PREFETCH, NULL));
    assert_ok(gch_data_destroy(data, &err));
    assert_int_equal(ops.closed, 1);
    assert_true(ops.reads <= 100);
}

/* ---- opening ---- */

#define PATH "data_loader_test.gch"
#define SEGMENTS 12

typedef struct slow_image {
    uint8_t *bytes;
    _Atomic bool is_over;
    _Atomic uint32_t under_way, late;
} slow_image;

static gch_status read_slowly(void *context, uint64_t offset, size_t byte_count,
                              gch_priority priority, void *out_bytes, const gch_cancel *cancel,
                              gch_error *read_err)
{
    slow_image *image = context;
    (void)priority, (void)cancel, (void)read_err;
    atomic_fetch_add(&image->under_way, 1);
    usleep(2000);
    memcpy(out_bytes, image->bytes + offset, byte_count);
    if (atomic_load(&image->is_over))
        atomic_fetch_add(&image->late, 1);
    atomic_fetch_sub(&image->under_way, 1);
    return GCH_OK;
}

static uint8_t *make_file_of_segments(size_t *out_count)
{
    gch_column_desc columns[] = {{.name = "a", .type = GCH_TYPE_F64},
                                 {.name = "b", .type = GCH_TYPE_F64}};
    gch_writer_desc desc = {.time_unit = GCH_TIME_MS, .columns = columns, .column_count = 2};
    test_file_write(PATH, 30000);
    for (int64_t s = 1; s < SEGMENTS; s++) {
        gch_writer *writer = NULL;
        int64_t time = ((int64_t)1 << 40) + s;
        double value = 1;
        assert_ok(gch_writer_open_append(PATH, &desc, &writer, &err));
        gch_column_data data[] = {{.values = &value}, {.values = &value}};
        assert_ok(gch_writer_append(writer, &time, data, 1, &err));
        assert_ok(gch_writer_finish(writer, &err));
    }
    FILE *file = fopen(PATH, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *out_count = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*out_count);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *out_count, file), *out_count);
    assert_int_equal(fclose(file), 0);
    unlink(PATH);
    return bytes;
}

/* What is read ahead of a file that turns out to be damaged needs it, and the caller's context. */
static void nothing_is_read_after_opening_has_failed(void **state)
{
    (void)state;
    slow_image image = {0};
    size_t count;
    image.bytes = make_file_of_segments(&count);
    gch_source_ops ops = {.read = read_slowly, .context = &image};
    gch_data *data = NULL;
    gch_source source;
    const gch_file *file;
    assert_ok(gch_data_make(&(gch_data_desc){.host_budget_bytes = 64u << 20}, &data, &err));
    assert_ok(gch_source_open_ops(data, &ops, count, NULL, &source, &err));
    assert_ok(gch_source_get_file(data, source, &file, &err));
    image.bytes[file->meta.segments[0].descriptor_offset + 8] ^= 1;
    assert_ok(gch_source_close(data, source, &err));
    await_idle(data);
    assert_status(gch_source_open_ops(data, &ops, count, NULL, &source, &err), GCH_CORRUPT);
    atomic_store(&image.is_over, true);
    assert_int_equal(image.under_way, 0);
    await_idle(data);
    assert_int_equal(image.late, 0);
    assert_ok(gch_data_destroy(data, &err));
    free(image.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asking_without_waiting_is_pending_then_there),
        cmocka_unit_test(blocking_asker_takes_over_what_is_queued),
        cmocka_unit_test(visible_comes_before_refinement_and_prefetch),
        cmocka_unit_test(full_queue_drops_prefetch_first_then_refuses),
        cmocka_unit_test(cancelling_removes_queued_work_and_ends_reads_under_way),
        cmocka_unit_test(queued_pages_are_handed_to_a_host_in_runs_visible_ones_first),
        cmocka_unit_test(destroying_drops_the_queue_and_closes_sources),
        cmocka_unit_test(nothing_is_read_after_opening_has_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
