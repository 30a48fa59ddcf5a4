/* For this room's tests: a CSV text to an open file in memory, and rows as text. */
#ifndef GCH_INGEST_TEST_H
#define GCH_INGEST_TEST_H

#include "ingest_job.h"
#include "store_open.h"

#include "test.h"

typedef struct test_table {
    void *image;
    size_t image_bytes;
    gch_file *file;
    const gch_file_info *info;
    gch_ingest_report report;
} test_table;

static inline gch_status test_ingest(const gch_ingest_desc *desc, const char *text,
                                     size_t buffer_bytes, test_table *out, gch_error *err)
{
    *out = (test_table){0};
    gch__span span = {(const uint8_t *)text, strlen(text)};
    GCH_TRY(gch__ingest_csv_memory(desc, span, buffer_bytes, &out->image, &out->image_bytes,
                                   &out->report, err));
    GCH_TRY(gch__file_open_memory(out->image, out->image_bytes, "test", NULL, &out->file, err));
    out->info = gch_file_get_info(out->file);
    return GCH_OK;
}

static inline void test_table_reset(test_table *table)
{
    gch__file_close(table->file);
    if (table->image != NULL)
        gch_writer_free_memory(table->image, NULL);
    *table = (test_table){0};
}

/* "1000:12.5,nan 2000:,3", a gap being nothing. */
static inline void test_print_rows(const gch_file *file, char *out, size_t cap)
{
    gch_error err;
    const gch_file_info *info = gch_file_get_info(file);
    size_t at = 0;
    out[0] = '\0';
    for (uint64_t row = 0; row < info->row_count && at + 100 < cap; row++) {
        int64_t time;
        assert_ok(gch_file_read_times(file, row, 1, &time, &err));
        at += (size_t)snprintf(out + at, cap - at, "%s%lld:", row > 0 ? " " : "", (long long)time);
        for (uint32_t i = 0; i < info->column_count; i++) {
            gch_value value;
            char text[64];
            assert_ok(gch_file_read_values(file, i, row, 1, &value, &err));
            gch_value_format(value, 0, text, sizeof text);
            at += (size_t)snprintf(out + at, cap - at, "%s%s", i > 0 ? "," : "", text);
        }
    }
}

/* Ingests and compares rows; `desc` NULL: all defaults. */
static inline void assert_rows(const gch_ingest_desc *desc, const char *text, const char *expected)
{
    gch_error err = {0};
    test_table table;
    char rows[4096];
    assert_ok(test_ingest(desc != NULL ? desc : &(gch_ingest_desc){0}, text, 64, &table, &err));
    test_print_rows(table.file, rows, sizeof rows);
    if (strcmp(rows, expected) != 0)
        fail_msg("%.200s\nrows: %s\nexpected: %s", text, rows, expected);
    test_table_reset(&table);
}

/* Ingests and expects this failure, with a message that begins so. */
static inline void assert_fails(const gch_ingest_desc *desc, const char *text, gch_status expected,
                                const char *prefix)
{
    gch_error err = {0};
    test_table table;
    gch_status status =
        test_ingest(desc != NULL ? desc : &(gch_ingest_desc){0}, text, 64, &table, &err);
    if (status != expected || err.status != expected ||
        strncmp(err.message, prefix, strlen(prefix)) != 0)
        fail_msg("%.200s\n%s: %s\nexpected %s: %s", text, gch_status_name(status), err.message,
                 gch_status_name(expected), prefix);
}

#endif
