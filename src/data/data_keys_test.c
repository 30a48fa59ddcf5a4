#include "data_test.h"

#include <pthread.h>

static gch_error err;

static gch_key key_of(uint64_t number)
{
    gch_key key;
    gch_key_desc desc = {.source = (uint32_t)(number % 7),
                         .column = (uint32_t)(number / 7 % 5),
                         .level = (uint32_t)(number / 35 % 3),
                         .page = number / 105,
                         .version = 1};
    assert_ok(gch_key_pack(&desc, &key, &err));
    return key;
}

static void packing_comes_back_and_refuses_what_is_out_of_range(void **state)
{
    (void)state;
    uint64_t random = 9;
    for (int i = 0; i < 10000; i++) {
        gch_key_desc desc = {.source = test_random(&random) & 0xFFFFFF,
                             .column = test_random(&random) & 0xFFF,
                             .level = test_random(&random) & 0x3F,
                             .page = test_random(&random) >> 18,
                             .version = test_random(&random) >> 24};
        gch_key key;
        assert_ok(gch_key_pack(&desc, &key, &err));
        gch_key_desc back = gch_key_unpack(key);
        assert_int_equal(back.source, desc.source);
        assert_int_equal(back.column, desc.column);
        assert_int_equal(back.level, desc.level);
        assert_int_equal(back.page, desc.page);
        assert_int_equal(back.version, desc.version);
    }
    gch_key key;
    assert_status(gch_key_pack(&(gch_key_desc){.source = 1u << 24}, &key, &err), GCH_INVALID);
    assert_status(gch_key_pack(&(gch_key_desc){.column = 1u << 12}, &key, &err), GCH_INVALID);
    assert_status(gch_key_pack(&(gch_key_desc){.level = 1u << 6}, &key, &err), GCH_INVALID);
    assert_status(gch_key_pack(&(gch_key_desc){.page = 1ull << 46}, &key, &err), GCH_INVALID);
    assert_status(gch_key_pack(&(gch_key_desc){.version = 1ull << 40}, &key, &err), GCH_INVALID);
    assert_non_null(strstr(err.message, "version"));
}

static void table_agrees_with_a_plain_array_under_random_changes(void **state)
{
    (void)state;
    enum { KEYS = 5000 };
    static uint32_t expected[KEYS]; /* + 1; 0: not in */
    gch__keys *keys = NULL;
    assert_ok(gch__keys_make(NULL, &keys, &err));
    uint64_t random = 4;
    memset(expected, 0, sizeof expected);
    for (int i = 0; i < 200000; i++) {
        uint64_t k = test_random(&random) % KEYS;
        uint32_t found = 0;
        switch (test_random(&random) % 3) {
        case 0:
            assert_status(gch__keys_insert(keys, key_of(k), (uint32_t)i, &err),
                          expected[k] != 0 ? GCH_EXISTS : GCH_OK);
            if (expected[k] == 0)
                expected[k] = (uint32_t)i + 1;
            break;
        case 1:
            if (expected[k] != 0)
                assert_false(gch__keys_remove(keys, key_of(k), expected[k]));
            assert_int_equal(gch__keys_remove(keys, key_of(k), expected[k] - 1), expected[k] != 0);
            expected[k] = 0;
            break;
        default:
            assert_int_equal(gch__keys_find(keys, key_of(k), &found), expected[k] != 0);
            if (expected[k] != 0)
                assert_int_equal(found, expected[k] - 1);
        }
    }
    gch__keys_destroy(keys);
}

#define WRITER_KEYS 3000u

typedef struct race {
    gch__keys *keys;
    _Atomic bool is_over;
    _Atomic uint32_t wrong, found;
} race;

/* Key k always has number k: a reader may miss a key that comes and goes, but not one of the first
 * 100, which stay, and never finds another's number. */
static void *read_keys(void *argument)
{
    race *r = argument;
    uint64_t random = 11;
    while (!atomic_load(&r->is_over)) {
        uint64_t k = test_random(&random) % WRITER_KEYS;
        uint32_t number;
        if (gch__keys_find(r->keys, key_of(k), &number)) {
            atomic_fetch_add(&r->found, 1);
            if (number != k)
                atomic_fetch_add(&r->wrong, 1);
        } else if (k < 100) {
            atomic_fetch_add(&r->wrong, 1);
        }
    }
    return NULL;
}

static void readers_see_only_true_entries_while_the_table_changes_and_grows(void **state)
{
    (void)state;
    race r = {0};
    assert_ok(gch__keys_make(NULL, &r.keys, &err));
    for (uint32_t k = 0; k < 100; k++)
        assert_ok(gch__keys_insert(r.keys, key_of(k), k, &err));
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_keys, &r), 0);
    while (atomic_load(&r.found) < 100) /* both may be slow to start */
        usleep(100);
    for (int round = 0; round < 30; round++) {
        for (uint32_t k = 100; k < WRITER_KEYS; k++)
            assert_ok(gch__keys_insert(r.keys, key_of(k), k, &err));
        for (uint32_t k = 100; k < WRITER_KEYS; k++)
            assert_true(gch__keys_remove(r.keys, key_of(k), k));
    }
    atomic_store(&r.is_over, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(r.wrong, 0);
    assert_true(r.found > 0);
    gch__keys_destroy(r.keys);
}

/* ---- keyed pages ---- */

typedef struct freed {
    _Atomic uint32_t count;
    _Atomic uint64_t bytes;
} freed;

static void free_counted(void *context, void *bytes, size_t byte_count)
{
    freed *f = context;
    atomic_fetch_add(&f->count, 1);
    atomic_fetch_add(&f->bytes, byte_count);
    free(bytes);
}

static gch_buffer_owned make_buffer(freed *f, size_t bytes, int fill)
{
    void *memory = malloc(bytes);
    assert_non_null(memory);
    memset(memory, fill, bytes);
    return (gch_buffer_owned){
        .bytes = memory, .byte_count = bytes, .free_bytes = free_counted, .context = f};
}

static void adopted_page_is_found_shared_and_freed_once(void **state)
{
    (void)state;
    freed f = {0};
    gch_data *data = test_data_make(8);
    gch_buffer_owned buffer = make_buffer(&f, 1000, 7);
    gch_page page, other;
    gch_bytes bytes;
    assert_status(gch_page_acquire_key(data, key_of(5), &page, &err), GCH_NOT_FOUND);
    assert_ok(gch_page_adopt(data, key_of(5), &buffer, 0, &page, &err));
    assert_status(gch_page_adopt(data, key_of(5), &buffer, 0, NULL, &err), GCH_EXISTS);
    assert_int_equal(f.count, 0);
    assert_ok(gch_page_acquire_key(data, key_of(5), &other, &err));
    assert_ok(gch_page_get_bytes(data, other, &bytes, &err));
    assert_ptr_equal(bytes.bytes, buffer.bytes);
    assert_int_equal(bytes.count, 1000);
    gch_buffer_owned moved;
    assert_status(gch_page_move(data, page, &moved, &err), GCH_INVALID);
    assert_non_null(strstr(err.message, "others"));
    assert_ok(gch_page_release(data, other, &err));
    assert_ok(gch_page_release(data, page, &err));
    assert_int_equal(test_stats(data).bytes[GCH_BYTES_KEYED], 1000);
    assert_int_equal(test_stats(data).key_hits, 1);
    assert_int_equal(test_stats(data).key_misses, 1);
    assert_ok(gch_data_destroy(data, &err));
    assert_int_equal(f.count, 1);
    assert_int_equal(f.bytes, 1000);
}

static void moved_page_is_the_callers_and_gone_from_the_cache(void **state)
{
    (void)state;
    freed f = {0};
    gch_data *data = test_data_make(8);
    gch_buffer_owned buffer = make_buffer(&f, 5000, 7), moved = {0};
    gch_page page;
    assert_ok(gch_page_adopt(data, key_of(1), &buffer, 0, NULL, &err));
    assert_ok(gch_page_acquire_key(data, key_of(1), &page, &err));
    assert_ok(gch_page_move(data, page, &moved, &err));
    assert_ptr_equal(moved.bytes, buffer.bytes);
    assert_int_equal(moved.byte_count, 5000);
    assert_int_equal(f.count, 0);
    assert_status(gch_page_release(data, page, &err), GCH_INVALID);
    assert_status(gch_page_move(data, page, &moved, &err), GCH_INVALID);
    assert_status(gch_page_acquire_key(data, key_of(1), &page, &err), GCH_NOT_FOUND);
    assert_int_equal(test_stats(data).bytes[GCH_BYTES_KEYED], 0);
    assert_ok(gch_page_adopt(data, key_of(1), &moved, 0, NULL, &err)); /* and back again */
    assert_ok(gch_data_destroy(data, &err));
    assert_int_equal(f.count, 1);
}

static void keyed_pages_are_evicted_by_the_same_budget(void **state)
{
    (void)state;
    freed f = {0};
    gch_data *data = test_data_make(4); /* 128 KiB */
    for (uint64_t k = 0; k < 600; k++) {
        gch_buffer_owned buffer = make_buffer(&f, 10000, (int)k);
        assert_ok(gch_page_adopt(data, key_of(k), &buffer, 0, NULL, &err));
        assert_true(test_stats(data).host_used_bytes <= test_stats(data).host_budget_bytes);
    }
    assert_int_equal(test_stats(data).resident_pages, 13);
    assert_int_equal(f.count, 600 - 13);
    gch_buffer_owned large = make_buffer(&f, 200000, 0);
    assert_status(gch_page_adopt(data, key_of(601), &large, 0, NULL, &err), GCH_LIMIT);
    assert_int_equal(f.bytes % 10000, 0); /* it is the caller's still */
    free(large.bytes);
    test_ops ops = {.version = 3};
    gch_source source = test_source_open(data, &ops, 16, 0);
    for (uint64_t i = 0; i < 16; i++) {
        gch_page page;
        assert_ok(gch_page_acquire(data, source, i, &page, &err));
        assert_ok(gch_page_release(data, page, &err));
    }
    assert_int_equal(f.count, 600);
    assert_ok(gch_data_destroy(data, &err));
}

static bool is_cached(gch_data *data, gch_key_desc desc)
{
    gch_key key;
    gch_page page;
    assert_ok(gch_key_pack(&desc, &key, &err));
    if (gch_page_acquire_key(data, key, &page, &err) != GCH_OK)
        return false;
    assert_ok(gch_page_release(data, page, &err));
    return true;
}

static void prefix_invalidates_exactly_the_keys_that_agree(void **state)
{
    (void)state;
    static const struct {
        gch_key_prefix prefix;
        bool is_kept[6];
    } cases[] = {
        {GCH_PREFIX_SOURCE, {false, false, false, false, false, true}},
        {GCH_PREFIX_COLUMN, {false, false, false, false, true, true}},
        {GCH_PREFIX_LEVEL, {false, false, false, true, true, true}},
        {GCH_PREFIX_PAGE, {false, false, true, true, true, true}},
        {GCH_PREFIX_KEY, {false, true, true, true, true, true}},
    };
    static const gch_key_desc keys[] = {
        {1, 2, 3, 1ull << 30, 5}, /* named */
        {1, 2, 3, 1ull << 30, 6}, {1, 2, 3, (1ull << 30) + 1, 5}, {1, 2, 4, 1ull << 30, 5},
        {1, 3, 3, 1ull << 30, 5}, {2, 2, 3, 1ull << 30, 5},
    };
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        freed f = {0};
        gch_data *data = test_data_make(4);
        gch_key key;
        for (size_t k = 0; k < GCH_COUNT_OF(keys); k++) {
            gch_buffer_owned buffer = make_buffer(&f, 10, 0);
            assert_ok(gch_key_pack(&keys[k], &key, &err));
            assert_ok(gch_page_adopt(data, key, &buffer, 0, NULL, &err));
        }
        assert_ok(gch_key_pack(&keys[0], &key, &err));
        assert_ok(gch_data_invalidate_keys(data, key, cases[i].prefix, &err));
        for (size_t k = 0; k < GCH_COUNT_OF(keys); k++)
            assert_int_equal(is_cached(data, keys[k]), cases[i].is_kept[k]);
        assert_status(gch_data_invalidate_keys(data, key, (gch_key_prefix)0, &err), GCH_INVALID);
        assert_ok(gch_data_destroy(data, &err));
        assert_int_equal(f.count, GCH_COUNT_OF(keys));
    }
}

static void held_keyed_page_outlives_its_invalidation_beside_its_successor(void **state)
{
    (void)state;
    freed f = {0};
    gch_data *data = test_data_make(4);
    gch_buffer_owned first = make_buffer(&f, 10, 1), second = make_buffer(&f, 10, 2);
    gch_page held, page;
    gch_bytes bytes;
    assert_ok(gch_page_adopt(data, key_of(3), &first, 0, &held, &err));
    assert_ok(gch_data_invalidate_keys(data, key_of(3), GCH_PREFIX_KEY, &err));
    assert_status(gch_page_acquire_key(data, key_of(3), &page, &err), GCH_NOT_FOUND);
    assert_ok(gch_page_adopt(data, key_of(3), &second, 0, NULL, &err));
    assert_ok(gch_page_get_bytes(data, held, &bytes, &err));
    assert_int_equal(bytes.bytes[0], 1);
    assert_ok(gch_page_release(data, held, &err));
    assert_int_equal(f.count, 1);
    assert_ok(gch_page_acquire_key(data, key_of(3), &page, &err));
    assert_ok(gch_page_get_bytes(data, page, &bytes, &err));
    assert_int_equal(bytes.bytes[0], 2);
    assert_ok(gch_page_release(data, page, &err));
    assert_ok(gch_data_destroy(data, &err));
}

static void keyed_pages_expire(void **state)
{
    (void)state;
    freed f = {0};
    gch_data *data = test_data_make(4);
    gch_page page;
    for (uint64_t k = 0; k < 3; k++) {
        gch_buffer_owned buffer = make_buffer(&f, 10, 1);
        assert_ok(gch_page_adopt(data, key_of(k), &buffer, k == 2 ? 0 : 20000000, NULL, &err));
    }
    assert_ok(gch_page_acquire_key(data, key_of(0), &page, &err));
    assert_ok(gch_page_release(data, page, &err));
    usleep(30000);
    assert_status(gch_page_acquire_key(data, key_of(0), &page, &err), GCH_NOT_FOUND);
    assert_int_equal(f.count, 1);
    gch_data_expire(data);
    assert_int_equal(f.count, 2);
    assert_int_equal(test_stats(data).evictions[GCH_EVICT_EXPIRED], 2);
    assert_ok(gch_page_acquire_key(data, key_of(2), &page, &err));
    assert_ok(gch_page_release(data, page, &err));
    assert_ok(gch_data_destroy(data, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packing_comes_back_and_refuses_what_is_out_of_range),
        cmocka_unit_test(table_agrees_with_a_plain_array_under_random_changes),
        cmocka_unit_test(readers_see_only_true_entries_while_the_table_changes_and_grows),
        cmocka_unit_test(adopted_page_is_found_shared_and_freed_once),
        cmocka_unit_test(moved_page_is_the_callers_and_gone_from_the_cache),
        cmocka_unit_test(keyed_pages_are_evicted_by_the_same_budget),
        cmocka_unit_test(prefix_invalidates_exactly_the_keys_that_agree),
        cmocka_unit_test(held_keyed_page_outlives_its_invalidation_beside_its_successor),
        cmocka_unit_test(keyed_pages_expire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
