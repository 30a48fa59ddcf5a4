/* Sources for the data room's tests: operations over a buffer that can be told to fail, wait or
 * change, and a .gch file. */
#ifndef GCH_DATA_TEST_H
#define GCH_DATA_TEST_H

#include "test.h"

#include "data_state.h"
#include "gch/writer.h"

#include <math.h>
#include <unistd.h>

#define TEST_TABLES 65536u /* more than any test's page tables take of the budget */

/* Byte i of page p is a function of p, i and the version, so that a page in the wrong place, torn
 * or old is seen. */
static inline uint8_t test_byte(uint64_t page, uint64_t i, uint64_t version)
{
    uint64_t x = (page * GCH_PAGE_BYTES + i) * 0x9E3779B97F4A7C15u + version * 0xD6E8FEB86659FD93u;
    return (uint8_t)(x >> 56);
}

typedef struct test_ops {
    _Atomic uint64_t version, reads, pages_read;
    _Atomic uint64_t bad_page; /* + 1: reading it fails */
    _Atomic bool is_blocked;
    _Atomic uint32_t closed;
    _Atomic uint32_t priorities; /* bit p: one was read at priority p */
} test_ops;

static inline gch_status test_ops_read(void *context, uint64_t offset, size_t byte_count,
                                       gch_priority priority, void *out_bytes,
                                       const gch_cancel *cancel, gch_error *err)
{
    test_ops *ops = context;
    atomic_fetch_or(&ops->priorities, 1u << priority);
    atomic_fetch_add(&ops->reads, 1);
    atomic_fetch_add(&ops->pages_read, (byte_count + GCH_PAGE_BYTES - 1) / GCH_PAGE_BYTES);
    while (atomic_load(&ops->is_blocked)) {
        if (gch_cancel_is_set(cancel))
            return gch_fail(err, GCH_CANCELLED, "cancelled");
        usleep(200);
    }
    uint8_t *out = out_bytes;
    uint64_t first = offset / GCH_PAGE_BYTES;
    uint64_t version = atomic_load(&ops->version);
    for (size_t i = 0; i < byte_count; i++)
        out[i] = test_byte(first + i / GCH_PAGE_BYTES, i % GCH_PAGE_BYTES, version);
    uint64_t bad = atomic_load(&ops->bad_page);
    if (bad != 0 && bad - 1 >= first && (bad - 1 - first) * GCH_PAGE_BYTES < byte_count)
        return gch_fail(err, GCH_IO, "page %llu cannot be read", (unsigned long long)bad - 1);
    return GCH_OK;
}

static inline gch_status test_ops_version(void *context, uint64_t *out_version, gch_error *err)
{
    test_ops *ops = context;
    (void)err;
    *out_version = atomic_load(&ops->version);
    return GCH_OK;
}

static inline void test_ops_close(void *context)
{
    test_ops *ops = context;
    atomic_fetch_add(&ops->closed, 1);
}

static inline gch_source_ops test_ops_make(test_ops *ops)
{
    return (gch_source_ops){.read = test_ops_read,
                            .get_version = test_ops_version,
                            .close = test_ops_close,
                            .context = ops};
}

/* A manager with room for `pages` pages beside the tables. */
static inline gch_data *test_data_make(uint64_t pages)
{
    gch_error err = {0};
    gch_data *data = NULL;
    gch_data_desc desc = {.host_budget_bytes = pages * GCH_PAGE_BYTES + TEST_TABLES,
                          .stall_ms = 20};
    assert_ok(gch_data_make(&desc, &data, &err));
    return data;
}

/* A source of `pages` pages, the last one cut short by 100 bytes. Its tables take the rest of
 * TEST_TABLES: what is left is whole pages. */
static inline gch_source test_source_open(gch_data *data, test_ops *ops, uint64_t pages,
                                          uint64_t lifetime_ns)
{
    gch_error err = {0};
    gch_source source = {0};
    gch_source_ops table = test_ops_make(ops);
    gch_source_desc desc = {.name = "test", .is_raw = true, .lifetime_ns = lifetime_ns};
    assert_ok(
        gch_source_open_ops(data, &table, pages * GCH_PAGE_BYTES - 100, &desc, &source, &err));
    gch_data_stats stats;
    gch_data_get_stats(data, &stats);
    assert_true(stats.bytes[GCH_BYTES_TABLES] <= TEST_TABLES);
    assert_ok(gch_data_discharge(data, GCH_MEMORY_HOST, stats.bytes[GCH_BYTES_CHARGED], &err));
    assert_ok(
        gch_data_charge(data, GCH_MEMORY_HOST, TEST_TABLES - stats.bytes[GCH_BYTES_TABLES], &err));
    return source;
}

static inline bool test_page_is(const uint8_t *bytes, uint64_t page, uint64_t count,
                                uint64_t version)
{
    for (uint64_t i = 0; i < count; i++) {
        if (bytes[i] != test_byte(page, i, version))
            return false;
    }
    return true;
}

static inline gch_data_stats test_stats(gch_data *data)
{
    gch_data_stats stats;
    gch_data_get_stats(data, &stats);
    return stats;
}

/* A .gch file of two f64 columns, irregular times, some gaps. */
static inline void test_file_write(const char *path, size_t rows)
{
    gch_error err = {0};
    gch_writer *writer = NULL;
    gch_column_desc columns[] = {{.name = "a", .type = GCH_TYPE_F64},
                                 {.name = "b", .type = GCH_TYPE_F64}};
    gch_writer_desc desc = {.time_unit = GCH_TIME_MS, .columns = columns, .column_count = 2};
    assert_ok(gch_writer_create(path, &desc, &writer, &err));
    int64_t *times = calloc(rows, sizeof *times);
    double *a = calloc(rows, sizeof *a), *b = calloc(rows, sizeof *b);
    assert_true(times != NULL && a != NULL && b != NULL);
    uint64_t random = 1;
    int64_t time = 0;
    for (size_t i = 0; i < rows; i++) {
        time += (int64_t)(test_random(&random) % 1000);
        times[i] = time;
        a[i] = (double)(test_random(&random) % 100000) / 100;
        b[i] = i % 5000 == 7 ? (double)NAN : (double)(test_random(&random) >> 11);
    }
    gch_column_data data[] = {{.values = a}, {.values = b}};
    assert_ok(gch_writer_append(writer, times, data, rows, &err));
    assert_ok(gch_writer_finish(writer, &err));
    free(times);
    free(a);
    free(b);
}

#endif
