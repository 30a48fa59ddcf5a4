/* A series written into memory and opened, for tests above the store. */
#ifndef GCH_TEST_SERIES_H
#define GCH_TEST_SERIES_H

#include "test.h"

#include "gch/writer.h"
#include "store_open.h"

typedef struct test_series {
    void *image;
    size_t image_bytes;
    gch_file *file;
} test_series;

/* `count` rows of the columns that `desc` describes. */
static inline test_series test_series_make_columns(const gch_writer_desc *desc,
                                                   const int64_t *times,
                                                   const gch_column_data *data, size_t count)
{
    gch_error err = {0};
    gch_writer *writer = NULL;
    test_series series = {0};
    assert_ok(gch_writer_create_memory(desc, &writer, &err));
    assert_ok(gch_writer_append(writer, times, data, count, &err));
    assert_ok(gch_writer_finish_memory(writer, &series.image, &series.image_bytes, &err));
    assert_ok(
        gch__file_open_memory(series.image, series.image_bytes, "test", NULL, &series.file, &err));
    return series;
}

/* `values` are `count` values of `type`; validity is an Arrow bitmap or NULL. */
static inline test_series test_series_make(gch_time_unit unit, const int64_t *times,
                                           const void *values, gch_type type,
                                           const uint8_t *validity, size_t count)
{
    gch_column_desc column = {.name = "v", .type = type};
    gch_writer_desc desc = {.time_unit = unit, .columns = &column, .column_count = 1};
    gch_column_data data = {.values = values, .validity = validity};
    return test_series_make_columns(&desc, times, &data, count);
}

/* Points of a plane with a value each: columns x, y and v of `type`. */
static inline test_series test_points_make(gch_type type, const void *x, const void *y,
                                           const void *v, size_t count)
{
    const gch_column_desc columns[] = {
        {.name = "x", .type = type}, {.name = "y", .type = type}, {.name = "v", .type = type}};
    const gch_writer_desc desc = {.time_unit = GCH_TIME_INDEX,
                                  .columns = columns,
                                  .column_count = 3,
                                  .curve = GCH_CURVE_MORTON,
                                  .x_column = 0,
                                  .y_column = 1};
    const gch_column_data data[] = {{.values = x}, {.values = y}, {.values = v}};
    return test_series_make_columns(&desc, NULL, data, count);
}

static inline void test_series_free(test_series *series)
{
    gch__file_close(series->file);
    gch_writer_free_memory(series->image, NULL);
}

/* An allocator that counts, for "a warm call allocates nothing". */
typedef struct test_counter {
    size_t allocations; /* and growths */
} test_counter;

static inline void *test_counter_resize(void *context, void *old, size_t bytes, const char *purpose)
{
    test_counter *counter = context;
    (void)purpose;
    if (bytes == 0) {
        free(old);
        return NULL;
    }
    counter->allocations++;
    return realloc(old, bytes);
}

#endif
