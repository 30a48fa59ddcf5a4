/* Allocation n fails, for n = 0, 1, 2, ... through a whole life of the manager: always a status,
 * never a leak. */
#include "data_test.h"

#define PATH "data_faults_test.gch"

typedef struct failing {
    _Atomic int64_t left; /* allocations until one fails */
    _Atomic int64_t live;
    _Atomic bool has_failed;
} failing;

static void *failing_resize(void *context, void *old, size_t bytes, const char *purpose)
{
    failing *f = context;
    (void)purpose;
    if (bytes == 0) {
        free(old);
        atomic_fetch_sub(&f->live, 1);
        return NULL;
    }
    if (atomic_fetch_sub(&f->left, 1) == 0) {
        atomic_store(&f->has_failed, true);
        return NULL;
    }
    void *memory = realloc(old, bytes);
    if (old == NULL && memory != NULL)
        atomic_fetch_add(&f->live, 1);
    return memory;
}

static void free_counted(void *context, void *bytes, size_t byte_count)
{
    uint32_t *count = context;
    (void)byte_count;
    ++*count;
    free(bytes);
}

/* Uses everything once; ends at the first failure. */
static gch_status use(gch_data *data, uint32_t *io_buffers, gch_error *err)
{
    gch_source mapped, read, memory, ops_source;
    gch_series series;
    gch_page page;
    gch_key key;
    test_ops ops = {0};
    gch_source_ops table = test_ops_make(&ops);
    gch_status status = GCH_OK;
    gch__reader *reader = NULL;
    gch_cancel *cancel = NULL;
    gch_buffer_owned buffer = {0};
    GCH_TRY_GOTO(
        gch_source_open_file(data, PATH, &(gch_source_desc){.io = GCH_IO_MAP}, &mapped, err),
        cleanup);
    GCH_TRY_GOTO(
        gch_source_open_file(
            data, PATH, &(gch_source_desc){.io = GCH_IO_READ, .lifetime_ns = 1u << 30}, &read, err),
        cleanup);
    GCH_TRY_GOTO(gch_source_open_ops(data, &table, 100000, &(gch_source_desc){.is_raw = true},
                                     &ops_source, err),
                 cleanup);
    GCH_TRY_GOTO(gch_source_close(data, ops_source, err), cleanup);
    uint8_t *bytes = aligned_alloc(64, GCH_PAGE_BYTES);
    assert_non_null(bytes);
    memset(bytes, 1, GCH_PAGE_BYTES);
    status = gch_source_open_memory(data, bytes, GCH_PAGE_BYTES, free_counted, io_buffers,
                                    &(gch_source_desc){.is_raw = true}, &memory, err);
    if (status != GCH_OK) {
        free_counted(io_buffers, bytes, GCH_PAGE_BYTES);
        goto cleanup;
    }
    GCH_TRY_GOTO(gch_series_open_named(data, read, "b", &series, err), cleanup);
    GCH_TRY_GOTO(gch_cancel_make(data, &cancel, err), cleanup);
    GCH_TRY_GOTO(gch_data_warm(data, series, 0, 100000, 100, GCH_DIRECTION_AROUND, cancel, err),
                 cleanup);
    GCH_TRY_GOTO(gch__reader_make(data, read, &reader, err), cleanup);
    GCH_TRY_GOTO(gch__reader_ensure(reader, 0, 3, err), cleanup);
    GCH_TRY_GOTO(gch_page_acquire(data, mapped, 0, &page, err), cleanup);
    GCH_TRY_GOTO(gch_page_release(data, page, err), cleanup);
    buffer = (gch_buffer_owned){
        .bytes = malloc(100), .byte_count = 100, .free_bytes = free_counted, .context = io_buffers};
    assert_non_null(buffer.bytes);
    GCH_TRY_GOTO(gch_key_pack(&(gch_key_desc){.page = 3}, &key, err), cleanup);
    GCH_TRY_GOTO(gch_page_adopt(data, key, &buffer, 0, &page, err), cleanup);
    buffer.bytes = NULL;
    GCH_TRY_GOTO(gch_page_release(data, page, err), cleanup);
    GCH_TRY_GOTO(gch_series_invalidate_rows(data, series, 5, 20000, err), cleanup);
    GCH_TRY_GOTO(gch_data_invalidate_keys(data, key, GCH_PREFIX_SOURCE, err), cleanup);
    GCH_TRY_GOTO(gch_source_close(data, mapped, err), cleanup);

cleanup:
    if (buffer.bytes != NULL)
        free_counted(io_buffers, buffer.bytes, 100);
    gch__reader_destroy(reader);
    gch_cancel_release(data, cancel);
    return status;
}

static void every_failed_allocation_is_a_status_and_leaks_nothing(void **state)
{
    (void)state;
    gch_error err = {0};
    int64_t n = 0, refusal_count = 0;
    for (bool is_through = false; !is_through; n++) {
        failing f = {.left = n};
        gch_allocator allocator = {.resize = failing_resize, .context = &f};
        gch_data_desc desc = {
            .host_budget_bytes = 16u << 20, .queue_cap = 100, .allocator = &allocator};
        gch_data *data = NULL;
        uint32_t buffers = 0;
        gch_status status = gch_data_make(&desc, &data, &err);
        if (status == GCH_OK) {
            status = use(data, &buffers, &err);
            gch_status ended = gch_data_destroy(data, &err);
            assert_int_equal(ended, GCH_OK);
        }
        is_through = !atomic_load(&f.has_failed);
        /* A hint that fails for want of memory does so in silence. */
        assert_true(status == GCH_OK || (status == GCH_NO_MEMORY && !is_through));
        refusal_count += status == GCH_NO_MEMORY;
        assert_int_equal(f.live, 0);
        if (is_through)
            assert_int_equal(buffers, 2);
        assert_true(n < 1000);
    }
    assert_true(refusal_count > 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_failed_allocation_is_a_status_and_leaks_nothing),
    };
    test_file_write(PATH, 30000);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(PATH);
    return failed;
}
