#include "data_test.h"

static gch_error err;

static void page_is_loaded_once_and_shared_while_held(void **state)
{
    (void)state;
    test_ops ops = {.version = 1};
    gch_data *data = test_data_make(8);
    gch_source source = test_source_open(data, &ops, 20, 0);
    gch_page a, b;
    gch_bytes bytes, other;
    assert_ok(gch_page_acquire(data, source, 3, &a, &err));
    assert_ok(gch_page_acquire(data, source, 3, &b, &err));
    assert_int_not_equal(a.id, b.id);
    assert_ok(gch_page_get_bytes(data, a, &bytes, &err));
    assert_ok(gch_page_get_bytes(data, b, &other, &err));
    assert_ptr_equal(bytes.bytes, other.bytes);
    assert_int_equal(bytes.count, GCH_PAGE_BYTES);
    assert_true(test_page_is(bytes.bytes, 3, bytes.count, 1));
    assert_int_equal(ops.reads, 1);
    assert_ok(gch_page_release(data, a, &err));
    assert_true(test_page_is(bytes.bytes, 3, bytes.count, 1));
    assert_ok(gch_page_release(data, b, &err));
    assert_ok(gch_page_acquire(data, source, 19, &a, &err));
    assert_ok(gch_page_get_bytes(data, a, &bytes, &err));
    assert_int_equal(bytes.count, GCH_PAGE_BYTES - 100);
    assert_true(test_page_is(bytes.bytes, 19, bytes.count, 1));
    assert_ok(gch_page_release(data, a, &err));
    assert_status(gch_page_acquire(data, source, 20, &a, &err), GCH_INVALID);
    assert_ok(gch_source_close(data, source, &err));
    assert_int_equal(ops.closed, 1);
    assert_ok(gch_data_destroy(data, &err));
}

static void stale_handles_and_second_releases_are_reported(void **state)
{
    (void)state;
    test_ops ops = {0};
    gch_data *data = test_data_make(8);
    gch_source source = test_source_open(data, &ops, 4, 0);
    gch_page page;
    gch_bytes bytes;
    gch_source_info info;
    assert_ok(gch_page_acquire(data, source, 0, &page, &err));
    assert_ok(gch_page_release(data, page, &err));
    assert_status(gch_page_release(data, page, &err), GCH_INVALID);
    assert_non_null(strstr(err.message, "stale"));
    assert_status(gch_page_get_bytes(data, page, &bytes, &err), GCH_INVALID);
    assert_status(gch_page_release(data, (gch_page){0}, &err), GCH_INVALID);
    gch__source *inside;
    assert_ok(gch__source_hold(data, source, &inside, &err));
    assert_status(gch__page_unpin(inside, 0, &err), GCH_INVALID);
    assert_int_equal(gch__word_pins(inside->words[0]), 0);
    gch__source_drop(inside);
    assert_ok(gch_source_close(data, source, &err));
    assert_status(gch_source_close(data, source, &err), GCH_INVALID);
    assert_status(gch_page_acquire(data, source, 0, &page, &err), GCH_INVALID);
    assert_status(gch_source_get_info(data, source, &info, &err), GCH_INVALID);
    assert_status(gch_source_invalidate(data, source, &err), GCH_INVALID);
    assert_ok(gch_data_destroy(data, &err));
}

static void closed_source_lives_until_its_last_page_is_released(void **state)
{
    (void)state;
    test_ops ops = {.version = 5};
    gch_data *data = test_data_make(8);
    gch_source source = test_source_open(data, &ops, 4, 0);
    gch_page page;
    gch_bytes bytes;
    assert_ok(gch_page_acquire(data, source, 2, &page, &err));
    assert_ok(gch_source_close(data, source, &err));
    assert_int_equal(ops.closed, 0);
    assert_ok(gch_page_get_bytes(data, page, &bytes, &err));
    assert_true(test_page_is(bytes.bytes, 2, bytes.count, 5));
    assert_status(gch_data_destroy(data, &err), GCH_INVALID);
    assert_non_null(strstr(err.message, "1 pages"));
    assert_ok(gch_page_release(data, page, &err));
    assert_int_equal(ops.closed, 1);
    assert_int_equal(test_stats(data).bytes[GCH_BYTES_PAGES], 0);
    assert_int_equal(test_stats(data).resident_pages, 0);
    assert_ok(gch_data_destroy(data, &err));
}

static void budget_holds_and_pages_come_back_after_eviction(void **state)
{
    (void)state;
    for (int policy = GCH_POLICY_CLOCK; policy <= GCH_POLICY_LRU; policy++) {
        test_ops ops = {.version = 1};
        gch_data *data = NULL;
        gch_data_desc desc = {.host_budget_bytes = 8 * GCH_PAGE_BYTES + TEST_TABLES,
                              .policy = (gch_policy)policy};
        assert_ok(gch_data_make(&desc, &data, &err));
        gch_source source = test_source_open(data, &ops, 100, 0);
        uint64_t random = 3;
        for (int i = 0; i < 2000; i++) {
            uint64_t number = test_random(&random) % 100;
            gch_page page;
            gch_bytes bytes;
            assert_ok(gch_page_acquire(data, source, number, &page, &err));
            assert_ok(gch_page_get_bytes(data, page, &bytes, &err));
            assert_true(test_page_is(bytes.bytes, number, bytes.count, 1));
            assert_ok(gch_page_release(data, page, &err));
            gch_data_stats stats = test_stats(data);
            assert_true(stats.host_used_bytes <= stats.host_budget_bytes);
            assert_true(stats.bytes[GCH_BYTES_PAGES] <= 8 * GCH_PAGE_BYTES);
        }
        gch_data_stats stats = test_stats(data);
        assert_true(stats.host_peak_bytes <= stats.host_budget_bytes);
        assert_int_equal(stats.hits + stats.misses, 2000);
        assert_int_equal(stats.misses, ops.pages_read);
        assert_int_equal(stats.evictions[GCH_EVICT_BUDGET], stats.misses - 8);
        assert_int_equal(stats.resident_pages, 8);
        assert_ok(gch_source_close(data, source, &err));
        stats = test_stats(data);
        assert_int_equal(stats.evictions[GCH_EVICT_CLOSED], 8);
        assert_int_equal(stats.host_used_bytes, stats.bytes[GCH_BYTES_CHARGED]);
        assert_ok(gch_data_destroy(data, &err));
    }
}

static void load_fails_with_limit_when_everything_is_held(void **state)
{
    (void)state;
    test_ops ops = {0};
    gch_data *data = test_data_make(4);
    gch_source source = test_source_open(data, &ops, 10, 0);
    gch_page pages[5];
    for (uint64_t i = 0; i < 4; i++)
        assert_ok(gch_page_acquire(data, source, i, &pages[i], &err));
    assert_status(gch_page_acquire(data, source, 4, &pages[4], &err), GCH_LIMIT);
    assert_non_null(strstr(err.message, "host budget"));
    assert_int_equal(test_stats(data).load_refusals, 1);
    assert_ok(gch_page_release(data, pages[1], &err));
    assert_ok(gch_page_acquire(data, source, 4, &pages[4], &err));
    assert_ok(gch_page_release(data, pages[0], &err));
    for (int i = 2; i < 5; i++)
        assert_ok(gch_page_release(data, pages[i], &err));
    assert_ok(gch_data_destroy(data, &err));
}

static void used_pages_survive_a_sweep_that_clock_evicts(void **state)
{
    (void)state;
    test_ops ops = {0};
    gch_data *data = test_data_make(8);
    gch_source source = test_source_open(data, &ops, 100, 0);
    gch_page page;
    for (uint64_t i = 0; i < 90; i++) { /* page 0 is asked for between any two others */
        assert_ok(gch_page_acquire(data, source, 0, &page, &err));
        assert_ok(gch_page_release(data, page, &err));
        assert_ok(gch_page_acquire(data, source, 1 + i, &page, &err));
        assert_ok(gch_page_release(data, page, &err));
    }
    assert_int_equal(test_stats(data).hits, 89);
    assert_ok(gch_data_destroy(data, &err));
}

/* ---- readers ---- */

static void reader_loads_runs_in_one_read_and_pins_each_page_once(void **state)
{
    (void)state;
    test_ops ops = {.version = 2};
    gch_data *data = test_data_make(40);
    gch_source source = test_source_open(data, &ops, 64, 0);
    gch__reader *reader = NULL;
    assert_ok(gch__reader_make(data, source, &reader, &err));
    gch__pager pager = gch__source_pager(reader->source);
    gch__reader_begin(reader, GCH__READ_BLOCK, GCH__PRIORITY_VISIBLE, NULL);
    assert_ok(pager.ensure(pager.context, 10, 20, reader, &err));
    assert_int_equal(ops.reads, 1);
    assert_ok(gch__reader_ensure(reader, 5, 30, &err));
    assert_int_equal(ops.reads, 3); /* before and behind what was there */
    assert_int_equal(reader->pinned_count, 30);
    const gch__source *inside = reader->source;
    for (uint64_t page = 0; page < 64; page++) {
        bool is_in = page >= 5 && page < 35;
        assert_int_equal(gch__reader_holds(reader, page), is_in);
        assert_int_equal(gch__word_pins(inside->words[page]), is_in);
        if (is_in)
            assert_true(test_page_is(gch__reader_base(reader) + page * GCH_PAGE_BYTES, page,
                                     GCH_PAGE_BYTES, 2));
    }
    assert_status(gch__reader_ensure(reader, 60, 5, &err), GCH_INVALID);
    assert_status(gch__reader_ensure(reader, 1, UINT64_MAX, &err), GCH_INVALID);
    gch__reader_end(reader);
    for (uint64_t page = 0; page < 64; page++)
        assert_int_equal(gch__word_pins(inside->words[page]), 0);
    assert_status(gch_data_destroy(data, &err), GCH_INVALID);
    gch__reader_destroy(reader);
    assert_ok(gch_data_destroy(data, &err));
}

static void warm_reader_allocates_nothing(void **state)
{
    (void)state;
    test_ops ops = {0};
    gch_data *data = test_data_make(16);
    gch_source source = test_source_open(data, &ops, 64, 0);
    gch__reader *reader = NULL;
    gch_page page;
    assert_ok(gch__reader_make(data, source, &reader, &err));
    assert_ok(gch_page_acquire(data, source, 0, &page, &err));
    assert_ok(gch_page_release(data, page, &err));
    uint64_t before = test_stats(data).allocations;
    for (uint64_t i = 0; i < 50; i++) {
        gch__reader_begin(reader, GCH__READ_BLOCK, GCH__PRIORITY_VISIBLE, NULL);
        assert_ok(gch__reader_ensure(reader, i, 10, &err));
        assert_ok(gch_page_acquire(data, source, i, &page, &err));
        assert_ok(gch_page_release(data, page, &err));
        gch__reader_end(reader);
    }
    assert_int_equal(test_stats(data).allocations, before);
    gch__reader_destroy(reader);
    assert_ok(gch_data_destroy(data, &err));
}

static void reader_that_needs_more_than_the_budget_is_told_so(void **state)
{
    (void)state;
    test_ops ops = {0};
    gch_data *data = test_data_make(8);
    gch_source source = test_source_open(data, &ops, 64, 0);
    gch__reader *reader = NULL;
    assert_ok(gch__reader_make(data, source, &reader, &err));
    gch__reader_begin(reader, GCH__READ_BLOCK, GCH__PRIORITY_VISIBLE, NULL);
    assert_ok(gch__reader_ensure(reader, 0, 8, &err));
    int64_t start = gch__clock_ns();
    assert_status(gch__reader_ensure(reader, 8, 1, &err), GCH_LIMIT);
    assert_true(gch__clock_ns() - start < 15000000); /* no use in waiting for oneself */
    gch__reader_begin(reader, GCH__READ_NO_WAIT, GCH__PRIORITY_VISIBLE, NULL);
    assert_status(gch__reader_ensure(reader, 0, 9, &err), GCH_LIMIT);
    assert_non_null(strstr(err.message, "needed at once"));
    gch__reader_destroy(reader);
    assert_ok(gch_data_destroy(data, &err));
}

/* ---- invalidation, versions, age ---- */

static uint8_t first_byte(gch_data *data, gch_source source, uint64_t number)
{
    gch_page page;
    gch_bytes bytes;
    assert_ok(gch_page_acquire(data, source, number, &page, &err));
    assert_ok(gch_page_get_bytes(data, page, &bytes, &err));
    uint8_t byte = bytes.bytes[1];
    assert_ok(gch_page_release(data, page, &err));
    return byte;
}

static void invalidated_pages_are_loaded_again(void **state)
{
    (void)state;
    test_ops ops = {.version = 1};
    gch_data *data = test_data_make(8);
    gch_source source = test_source_open(data, &ops, 8, 0);
    for (uint64_t i = 0; i < 8; i++)
        assert_int_equal(first_byte(data, source, i), test_byte(i, 1, 1));
    ops.version = 77;
    assert_ok(gch_source_invalidate_pages(data, source, 2, 3, &err));
    assert_status(gch_source_invalidate_pages(data, source, 7, 2, &err), GCH_INVALID);
    for (uint64_t i = 0; i < 8; i++)
        assert_int_equal(first_byte(data, source, i), test_byte(i, 1, i >= 2 && i < 5 ? 77 : 1));
    assert_int_equal(test_stats(data).evictions[GCH_EVICT_INVALIDATED], 3);
    bool has_changed = false;
    assert_ok(gch_source_refresh(data, source, &has_changed, &err));
    assert_true(has_changed);
    for (uint64_t i = 0; i < 8; i++)
        assert_int_equal(first_byte(data, source, i), test_byte(i, 1, 77));
    assert_ok(gch_source_refresh(data, source, &has_changed, &err));
    assert_false(has_changed);
    assert_ok(gch_data_destroy(data, &err));
}

static void held_page_keeps_its_bytes_until_released_then_is_new(void **state)
{
    (void)state;
    test_ops ops = {.version = 1};
    gch_data *data = test_data_make(8);
    gch_source source = test_source_open(data, &ops, 8, 0);
    gch_page held, other;
    gch_bytes bytes;
    assert_ok(gch_page_acquire(data, source, 2, &held, &err));
    assert_ok(gch_page_get_bytes(data, held, &bytes, &err));
    ops.version = 9;
    assert_ok(gch_source_invalidate(data, source, &err));
    assert_true(test_page_is(bytes.bytes, 2, bytes.count, 1));
    assert_status(gch_page_try_acquire(data, source, 2, NULL, &other, &err), GCH_PENDING);
    assert_status(gch_page_acquire(data, source, 2, &other, &err), GCH_LIMIT);
    assert_non_null(strstr(err.message, "out of date"));
    assert_ok(gch_page_release(data, held, &err));
    assert_int_equal(first_byte(data, source, 2), test_byte(2, 1, 9));
    assert_ok(gch_data_destroy(data, &err));
}

static void pages_past_their_lifetime_are_loaded_again(void **state)
{
    (void)state;
    test_ops ops = {.version = 1};
    gch_data *data = test_data_make(8);
    gch_source source = test_source_open(data, &ops, 8, 30000000);
    assert_int_equal(first_byte(data, source, 3), test_byte(3, 1, 1));
    ops.version = 2;
    usleep(40000);
    assert_int_equal(first_byte(data, source, 3), test_byte(3, 1, 2));
    assert_int_equal(test_stats(data).evictions[GCH_EVICT_EXPIRED], 1);
    usleep(40000);
    gch_data_expire(data);
    assert_int_equal(test_stats(data).evictions[GCH_EVICT_EXPIRED], 2);
    assert_int_equal(test_stats(data).resident_pages, 0);
    assert_ok(gch_data_destroy(data, &err));
}

static void failed_page_is_reported_each_time_until_invalidated(void **state)
{
    (void)state;
    test_ops ops = {.version = 1, .bad_page = 4};
    gch_data *data = test_data_make(16);
    gch_source source = test_source_open(data, &ops, 16, 0);
    gch__reader *reader = NULL;
    gch_page page;
    assert_ok(gch__reader_make(data, source, &reader, &err));
    gch__reader_begin(reader, GCH__READ_BLOCK, GCH__PRIORITY_VISIBLE, NULL);
    assert_status(gch__reader_ensure(reader, 0, 8, &err), GCH_IO);
    assert_non_null(strstr(err.message, "page 3"));
    assert_int_equal(reader->pinned_count, 7); /* one bad page harms no other */
    gch__reader_end(reader);
    uint64_t reads = ops.reads;
    assert_status(gch_page_acquire(data, source, 3, &page, &err), GCH_IO);
    assert_non_null(strstr(err.message, "could not be read"));
    assert_status(gch_page_try_acquire(data, source, 3, NULL, &page, &err), GCH_IO);
    assert_int_equal(ops.reads, reads);
    assert_int_equal(test_stats(data).failed_pages, 1);
    assert_int_equal(test_stats(data).resident_pages, 7);
    ops.bad_page = 0;
    assert_ok(gch_source_invalidate_pages(data, source, 3, 1, &err));
    assert_int_equal(first_byte(data, source, 3), test_byte(3, 1, 1));
    gch__reader_destroy(reader);
    assert_ok(gch_data_destroy(data, &err));
}

static void charges_make_room_and_are_bounded(void **state)
{
    (void)state;
    test_ops ops = {0};
    gch_data *data = test_data_make(8);
    gch_source source = test_source_open(data, &ops, 8, 0);
    for (uint64_t i = 0; i < 8; i++)
        (void)first_byte(data, source, i);
    assert_ok(gch_data_charge(data, GCH_MEMORY_HOST, 3 * GCH_PAGE_BYTES, &err));
    assert_int_equal(test_stats(data).resident_pages, 5);
    assert_status(gch_data_charge(data, GCH_MEMORY_HOST, 6 * GCH_PAGE_BYTES, &err), GCH_LIMIT);
    assert_ok(gch_data_discharge(data, GCH_MEMORY_HOST, 3 * GCH_PAGE_BYTES, &err));
    assert_status(gch_data_discharge(data, GCH_MEMORY_HOST, 1u << 30, &err), GCH_INVALID);
    assert_ok(gch_data_charge(data, GCH_MEMORY_DEVICE, 1u << 30, &err));
    assert_status(gch_data_charge(data, GCH_MEMORY_DEVICE, 1, &err), GCH_LIMIT);
    assert_int_equal(test_stats(data).device_used_bytes, 1u << 30);
    assert_ok(gch_data_discharge(data, GCH_MEMORY_DEVICE, 1u << 30, &err));
    assert_status(gch_data_discharge(data, GCH_MEMORY_DEVICE, 1, &err), GCH_INVALID);
    assert_status(gch_data_charge(data, (gch_memory)7, 1, &err), GCH_INVALID);
    assert_ok(gch_data_destroy(data, &err));
}

static void descs_out_of_range_are_refused(void **state)
{
    (void)state;
    gch_data *data = NULL;
    assert_status(gch_data_make(&(gch_data_desc){.policy = (gch_policy)9}, &data, &err),
                  GCH_INVALID);
    assert_status(gch_data_make(&(gch_data_desc){.loader_count = 65}, &data, &err), GCH_INVALID);
    assert_status(gch_data_make(&(gch_data_desc){.queue_cap = 1u << 21}, &data, &err), GCH_INVALID);
    assert_ok(gch_data_make(NULL, &data, &err));
    gch_data_stats stats = test_stats(data);
    assert_true(stats.host_budget_bytes > 1u << 20);
    gch_source source;
    test_ops ops = {0};
    gch_source_ops table = test_ops_make(&ops);
    assert_status(gch_source_open_ops(data, &table, 0, NULL, &source, &err), GCH_INVALID);
    assert_status(gch_source_open_ops(data, &table, UINT64_MAX, NULL, &source, &err), GCH_LIMIT);
    table.read = NULL;
    assert_status(gch_source_open_ops(data, &table, 100, NULL, &source, &err), GCH_INVALID);
    assert_int_equal(ops.closed, 0);
    assert_ok(gch_data_destroy(data, &err));
    assert_ok(gch_data_destroy(NULL, &err));
}

static void json_holds_every_figure_and_is_cut_to_fit(void **state)
{
    (void)state;
    gch_data_stats stats = {.hits = 123456789, .evictions = {1, 2, 3, 4}};
    stats.load_latency[5] = 42;
    char text[4096], small[32];
    size_t length = gch_data_stats_json(&stats, text, sizeof text);
    assert_int_equal(length, strlen(text));
    assert_true(text[0] == '{' && text[length - 1] == '}');
    assert_non_null(strstr(text, "\"hits\":123456789,"));
    assert_non_null(
        strstr(text, "\"evictions\":{\"budget\":1,\"invalidated\":2,\"expired\":3,\"closed\":4}"));
    assert_non_null(strstr(text, "[0,0,0,0,0,42,0"));
    assert_int_equal(gch_data_stats_json(&stats, small, sizeof small), length);
    assert_int_equal(strlen(small), sizeof small - 1);
    assert_int_equal(gch_data_stats_json(&stats, NULL, 0), length);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_is_loaded_once_and_shared_while_held),
        cmocka_unit_test(stale_handles_and_second_releases_are_reported),
        cmocka_unit_test(closed_source_lives_until_its_last_page_is_released),
        cmocka_unit_test(budget_holds_and_pages_come_back_after_eviction),
        cmocka_unit_test(load_fails_with_limit_when_everything_is_held),
        cmocka_unit_test(used_pages_survive_a_sweep_that_clock_evicts),
        cmocka_unit_test(reader_loads_runs_in_one_read_and_pins_each_page_once),
        cmocka_unit_test(warm_reader_allocates_nothing),
        cmocka_unit_test(reader_that_needs_more_than_the_budget_is_told_so),
        cmocka_unit_test(invalidated_pages_are_loaded_again),
        cmocka_unit_test(held_page_keeps_its_bytes_until_released_then_is_new),
        cmocka_unit_test(pages_past_their_lifetime_are_loaded_again),
        cmocka_unit_test(failed_page_is_reported_each_time_until_invalidated),
        cmocka_unit_test(charges_make_room_and_are_bounded),
        cmocka_unit_test(descs_out_of_range_are_refused),
        cmocka_unit_test(json_holds_every_figure_and_is_cut_to_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
