/* For this room's tests: a CSV text to an open file in memory, and rows as text. Every text that
 * goes this way is also pushed into a parser in pieces, which must give the same. */
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

/* Pushes bytes, the first piece of first_bytes, the others of piece_bytes, into a file image. */
static inline gch_status test_push(const gch_ingest_desc *desc, const char *name, gch__span bytes,
                                   size_t first_bytes, size_t piece_bytes, void **out_image,
                                   size_t *out_image_bytes, gch_ingest_report *report,
                                   gch_error *err)
{
    gch_parser *parser = NULL;
    size_t at = 0, taken;
    GCH_TRY(gch_parser_make(&(gch_parser_desc){.ingest = *desc, .name = name}, &parser, err));
    for (size_t piece = first_bytes; at < bytes.count; piece = piece_bytes) {
        const size_t count = GCH_MIN(piece, bytes.count - at);
        /* A copy of its own, so that a sanitizer sees what is read beside it. */
        uint8_t *copy = malloc(count + (count == 0));
        memcpy(copy, bytes.bytes + at, count);
        gch_status status = gch_parser_push(parser, copy, count, &taken, err);
        free(copy);
        if (status != GCH_OK) {
            assert_int_not_equal(status, GCH_PENDING);
            gch_error again;
            assert_status(gch_parser_push(parser, "1", 1, NULL, &again), status);
            assert_status(
                gch_parser_finish_memory(parser, out_image, out_image_bytes, report, &again),
                status);
            return status;
        }
        assert_int_equal(taken, count);
        at += count;
    }
    return gch_parser_finish_memory(parser, out_image, out_image_bytes, report, err);
}

/* What gch_ingest made of the bytes, and pushing them in these pieces. */
static inline void test_assert_pushed(const gch_ingest_desc *desc, const char *name,
                                      gch__span bytes, size_t first_bytes, size_t piece_bytes,
                                      gch_status expected, const gch_error *expected_err,
                                      const gch_ingest_report *expected_report,
                                      const void *expected_image, size_t expected_bytes)
{
    gch_error err = {0};
    gch_ingest_report report = {0};
    void *image = NULL;
    size_t image_bytes = 0;
    gch_status status =
        test_push(desc, name, bytes, first_bytes, piece_bytes, &image, &image_bytes, &report, &err);
    /* Only a text that lies there whole can be read twice. */
    bool needs_option = status == GCH_LIMIT && expected_report->time_unit == GCH_TIME_NS &&
                        strstr(err.message, "give --time-unit ns") != NULL;
    bool is_same = status == expected && report.row_count == expected_report->row_count &&
                   report.bad_count == expected_report->bad_count &&
                   report.input_bytes <= bytes.count;
    if (is_same && status != GCH_OK)
        is_same = strcmp(err.message, expected_err->message) == 0;
    if (is_same && status == GCH_OK)
        is_same = image_bytes == expected_bytes && memcmp(image, expected_image, image_bytes) == 0;
    if (!is_same && !needs_option)
        fail_msg("%.150s\npieces of %zu and %zu: %s, %s\nexpected %s, %s",
                 (const char *)bytes.bytes, first_bytes, piece_bytes, gch_status_name(status),
                 err.message, gch_status_name(expected), expected_err->message);
    if (image != NULL)
        gch_writer_free_memory(image, NULL);
}

static inline void test_assert_pushed_all(const gch_ingest_desc *desc, const char *name,
                                          gch__span bytes, gch_status expected,
                                          const gch_error *expected_err,
                                          const gch_ingest_report *expected_report,
                                          const void *expected_image, size_t expected_bytes)
{
    static const size_t pieces[] = {1, 2, 7, 4096, SIZE_MAX};
    for (size_t i = 0; i < GCH_COUNT_OF(pieces); i++)
        test_assert_pushed(desc, name, bytes, pieces[i], pieces[i], expected, expected_err,
                           expected_report, expected_image, expected_bytes);
    for (size_t split = 1; split < GCH_MIN(bytes.count, (size_t)150); split++)
        test_assert_pushed(desc, name, bytes, split, SIZE_MAX, expected, expected_err,
                           expected_report, expected_image, expected_bytes);
}

static inline gch_status test_ingest(const gch_ingest_desc *desc, const char *text,
                                     size_t buffer_bytes, test_table *out, gch_error *err)
{
    *out = (test_table){0};
    gch__span span = {(const uint8_t *)text, strlen(text)};
    gch_error detail = {0};
    gch_status status = gch__ingest_csv_memory(desc, span, buffer_bytes, &out->image,
                                               &out->image_bytes, &out->report, &detail);
    test_assert_pushed_all(desc, "memory", span, status, &detail, &out->report, out->image,
                           out->image_bytes);
    if (status != GCH_OK)
        *err = detail;
    GCH_TRY(status);
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
