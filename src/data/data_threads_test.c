/* Readers, an invalidator and hints at once, with a budget far smaller than the source. Some
 * seconds; GCH_TEST_SECONDS in the environment makes it longer. */
#include "data_test.h"

#define PAGES 400u
#define ROOM 96u
#define READERS 4

static gch_error err;

typedef struct arena {
    gch_data *data;
    gch_source source;
    test_ops ops;
    _Atomic bool is_over;
    _Atomic uint64_t wrong, refused, pending, checked;
} arena;

/* A page's bytes are all of one version, however busy the machine has been since. */
static void check_page(arena *a, const uint8_t *bytes, uint64_t page)
{
    uint64_t version = atomic_load(&a->ops.version);
    while (version > 0 && !test_page_is(bytes, page, 32, version))
        version--;
    if (!test_page_is(bytes, page, GCH_PAGE_BYTES - 100, version))
        atomic_fetch_add(&a->wrong, 1);
    atomic_fetch_add(&a->checked, 1);
}

static void use_reader(arena *a, gch__reader *reader, uint64_t *random)
{
    bool waits = test_random(random) % 2 == 0;
    gch__reader_begin(reader, waits ? GCH__READ_BLOCK : GCH__READ_NO_WAIT,
                      (gch__priority)(test_random(random) % GCH__PRIORITY_COUNT), NULL);
    for (int i = 0; i < 6; i++) {
        uint64_t count = 1 + test_random(random) % 3, first = test_random(random) % (PAGES - 3);
        gch_status status = gch__reader_ensure(reader, first, count, NULL);
        if (status == GCH_OK)
            check_page(a, gch__reader_base(reader) + first * GCH_PAGE_BYTES, first);
        else if (status == GCH_PENDING)
            atomic_fetch_add(&a->pending, 1);
        else if (status == GCH_LIMIT)
            atomic_fetch_add(&a->refused, 1);
        else
            atomic_fetch_add(&a->wrong, 1);
    }
    gch__reader_end(reader);
}

static void use_handles(arena *a, uint64_t *random)
{
    gch_page page;
    gch_bytes bytes;
    uint64_t number = test_random(random) % PAGES;
    if (gch_page_acquire(a->data, a->source, number, &page, NULL) != GCH_OK) {
        atomic_fetch_add(&a->refused, 1);
        return;
    }
    if (gch_page_get_bytes(a->data, page, &bytes, NULL) != GCH_OK)
        atomic_fetch_add(&a->wrong, 1);
    else
        check_page(a, bytes.bytes, number);
    if (gch_page_release(a->data, page, NULL) != GCH_OK)
        atomic_fetch_add(&a->wrong, 1);
}

static void free_plain(void *context, void *bytes, size_t byte_count)
{
    (void)context, (void)byte_count;
    free(bytes);
}

static void use_keys(arena *a, uint64_t *random)
{
    gch_key key;
    gch_page page;
    gch_bytes bytes;
    uint64_t number = test_random(random) % 200;
    if (gch_key_pack(&(gch_key_desc){.page = number}, &key, NULL) != GCH_OK)
        return;
    if (gch_page_acquire_key(a->data, key, &page, NULL) == GCH_OK) {
        if (gch_page_get_bytes(a->data, page, &bytes, NULL) != GCH_OK ||
            bytes.bytes[77] != (uint8_t)number)
            atomic_fetch_add(&a->wrong, 1);
        gch_buffer_owned moved = {0};
        if (test_random(random) % 8 == 0 && gch_page_move(a->data, page, &moved, NULL) == GCH_OK)
            free(moved.bytes);
        else if (gch_page_release(a->data, page, NULL) != GCH_OK)
            atomic_fetch_add(&a->wrong, 1);
        return;
    }
    gch_buffer_owned buffer = {.bytes = malloc(3000), .byte_count = 3000, .free_bytes = free_plain};
    memset(buffer.bytes, (int)number, 3000);
    if (gch_page_adopt(a->data, key, &buffer, test_random(random) % 4 == 0 ? 1000000 : 0, NULL,
                       NULL) != GCH_OK)
        free(buffer.bytes);
}

static void *read_main(void *argument)
{
    arena *a = argument;
    gch__reader *reader = NULL;
    uint64_t random = (uint64_t)(uintptr_t)&reader;
    if (gch__reader_make(a->data, a->source, &reader, NULL) != GCH_OK) {
        atomic_fetch_add(&a->wrong, 1);
        return NULL;
    }
    while (!atomic_load(&a->is_over)) {
        use_reader(a, reader, &random);
        use_handles(a, &random);
        use_keys(a, &random);
    }
    gch__reader_destroy(reader);
    return NULL;
}

static void *invalidate_main(void *argument)
{
    arena *a = argument;
    uint64_t random = 5;
    while (!atomic_load(&a->is_over)) {
        gch_status status = GCH_OK;
        gch_key key = {0};
        atomic_fetch_add(&a->ops.version, 1);
        switch (test_random(&random) % 4) {
        case 0:
            status = gch_source_invalidate(a->data, a->source, NULL);
            break;
        case 1:
            status = gch_source_invalidate_pages(a->data, a->source,
                                                 test_random(&random) % (PAGES - 50), 50, NULL);
            break;
        case 2:
            status = gch_source_refresh(a->data, a->source, NULL, NULL);
            break;
        default:
            status = gch_data_invalidate_keys(a->data, key, GCH_PREFIX_SOURCE, NULL);
            gch_data_expire(a->data);
        }
        gch_data_stats stats = test_stats(a->data);
        if (status != GCH_OK || stats.host_used_bytes > stats.host_budget_bytes)
            atomic_fetch_add(&a->wrong, 1);
        usleep(3000);
    }
    return NULL;
}

static void run_arena(gch_policy policy, double seconds)
{
    arena a = {.ops = {.version = 100}};
    gch_data_desc desc = {.host_budget_bytes = ROOM * GCH_PAGE_BYTES + TEST_TABLES,
                          .policy = policy,
                          .queue_cap = 64,
                          .stall_ms = 30000}; /* who waits for ever is told, not who is slow */
    assert_ok(gch_data_make(&desc, &a.data, &err));
    a.source = test_source_open(a.data, &a.ops, PAGES, 50000000);
    pthread_t threads[READERS + 1];
    for (int i = 0; i <= READERS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, i < READERS ? read_main : invalidate_main, &a), 0);
    usleep((useconds_t)(seconds * 1e6));
    atomic_store(&a.is_over, true);
    for (int i = 0; i <= READERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(a.wrong, 0);
    assert_true(a.checked > 100);
    assert_int_equal(a.refused, 0); /* 4 readers hold 18 pages each at most for a moment */
    gch_data_stats stats = test_stats(a.data);
    assert_true(stats.evictions[GCH_EVICT_BUDGET] > 0);
    assert_true(stats.evictions[GCH_EVICT_INVALIDATED] > 0);
    assert_true(stats.host_peak_bytes <= stats.host_budget_bytes);
    assert_ok(gch_source_close(a.data, a.source, &err));
    for (int i = 0; i < 50000 && a.ops.closed == 0; i++) /* queued pages hold it a little longer */
        usleep(100);
    assert_int_equal(a.ops.closed, 1);
    for (int i = 0; i < 50000 && test_stats(a.data).bytes[GCH_BYTES_TABLES] != 0; i++)
        usleep(100);
    stats = test_stats(a.data);
    assert_int_equal(stats.bytes[GCH_BYTES_PAGES], 0);
    assert_int_equal(stats.host_used_bytes,
                     stats.bytes[GCH_BYTES_CHARGED] + stats.bytes[GCH_BYTES_KEYED]);
    assert_ok(gch_data_destroy(a.data, &err));
}

static double seconds_asked(void)
{
    const char *text = getenv("GCH_TEST_SECONDS");
    return text != NULL ? strtod(text, NULL) / 2 : 1.5;
}

static void readers_and_an_invalidator_agree_under_clock(void **state)
{
    (void)state;
    run_arena(GCH_POLICY_CLOCK, seconds_asked());
}

static void readers_and_an_invalidator_agree_under_lru(void **state)
{
    (void)state;
    run_arena(GCH_POLICY_LRU, seconds_asked());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_and_an_invalidator_agree_under_clock),
        cmocka_unit_test(readers_and_an_invalidator_agree_under_lru),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
