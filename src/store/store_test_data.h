/* Rows for the store's tests, and the check that a file gives them back to the bit. The check
 * computes what to expect without the store's own functions. */
#ifndef GCH_STORE_TEST_DATA_H
#define GCH_STORE_TEST_DATA_H

#include "store_open.h"
#include "test.h"

#include "store_file.h"
#include "store_writer.h"

#define DATA_COLUMNS_CAP 12u

typedef struct data_column {
    gch_type type;
    uint8_t *values;
    int8_t *scales;    /* DECIMAL, or NULL */
    uint8_t *validity; /* or NULL */
} data_column;

typedef struct data {
    gch_time_unit unit;
    size_t row_count;
    int64_t *times;
    uint32_t column_count;
    data_column columns[DATA_COLUMNS_CAP];
} data;

static inline data data_make(size_t row_count)
{
    data d = {.unit = GCH_TIME_MS, .row_count = row_count};
    d.times = calloc(row_count + 1, sizeof *d.times);
    assert_non_null(d.times);
    for (size_t i = 0; i < row_count; i++)
        d.times[i] = 1000 + 250 * (int64_t)i;
    return d;
}

/* Values are zero, all valid. */
static inline data_column *data_add(data *d, gch_type type)
{
    assert_true(d->column_count < DATA_COLUMNS_CAP);
    data_column *column = &d->columns[d->column_count++];
    column->type = type;
    column->values = calloc(d->row_count + 1, 8);
    assert_non_null(column->values);
    if (type == GCH_TYPE_DECIMAL) {
        column->scales = calloc(d->row_count + 1, 1);
        assert_non_null(column->scales);
    }
    return column;
}

static inline void data_free(data *d)
{
    for (uint32_t c = 0; c < d->column_count; c++) {
        free(d->columns[c].values);
        free(d->columns[c].scales);
        free(d->columns[c].validity);
    }
    free(d->times);
}

static inline void data_set_null(data *d, data_column *column, size_t row)
{
    if (column->validity == NULL) {
        column->validity = malloc(d->row_count / 8 + 1);
        assert_non_null(column->validity);
        memset(column->validity, 0xFF, d->row_count / 8 + 1);
    }
    column->validity[row / 8] &= (uint8_t) ~(1u << (row % 8));
}

static inline void data_set_bits(data_column *column, size_t row, uint64_t bits)
{
    memcpy(column->values + row * gch_type_bytes(column->type), &bits,
           gch_type_bytes(column->type));
}

static inline void data_set_double(data_column *column, size_t row, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    data_set_bits(column, row, bits);
}

static inline void data_set_float(data_column *column, size_t row, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    data_set_bits(column, row, bits);
}

static inline uint64_t data_get_bits(const data_column *column, size_t row)
{
    uint64_t bits = 0;
    memcpy(&bits, column->values + row * gch_type_bytes(column->type),
           gch_type_bytes(column->type));
    return bits;
}

/* ---- writing ---- */

static inline gch_writer_desc data_desc(const data *d, gch_column_desc *columns,
                                        gch_workers *workers)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"};
    for (uint32_t c = 0; c < d->column_count; c++)
        columns[c] = (gch_column_desc){.name = names[c], .type = d->columns[c].type};
    return (gch_writer_desc){.time_unit = d->unit,
                             .columns = columns,
                             .column_count = d->column_count,
                             .workers = workers};
}

/* The columns from row `first` on. Validity starts at a byte: first is a multiple of 8, or no
 * column has nulls. */
static inline void data_columns(const data *d, size_t first,
                                gch_column_data columns[DATA_COLUMNS_CAP])
{
    for (uint32_t c = 0; c < d->column_count; c++) {
        const data_column *column = &d->columns[c];
        assert_true(column->validity == NULL || first % 8 == 0);
        columns[c] = (gch_column_data){
            .values = column->values + first * gch_type_bytes(column->type),
            .scales = column->scales != NULL ? column->scales + first : NULL,
            .validity = column->validity != NULL ? column->validity + first / 8 : NULL,
        };
    }
}

/* Appends rows [first, first + count), as data_columns has them. */
static inline gch_status data_append(const data *d, gch_writer *writer, size_t first, size_t count,
                                     gch_error *err)
{
    gch_column_data columns[DATA_COLUMNS_CAP];
    data_columns(d, first, columns);
    return gch_writer_append(writer, d->times + first, columns, count, err);
}

typedef struct test_image {
    void *bytes;
    size_t count;
    gch_file *file;
} test_image;

/* Writes all rows in appends of `part` rows and opens the result. */
static inline test_image data_write(const data *d, size_t part, gch_workers *workers)
{
    gch_error err = {0};
    gch_column_desc columns[DATA_COLUMNS_CAP];
    gch_writer_desc desc = data_desc(d, columns, workers);
    gch_writer *writer = NULL;
    test_image out = {0};
    assert_ok(gch_writer_create_memory(&desc, &writer, &err));
    for (size_t row = 0; row < d->row_count; row += part)
        assert_ok(data_append(d, writer, row, GCH_MIN(part, d->row_count - row), &err));
    assert_ok(gch_writer_finish_memory(writer, &out.bytes, &out.count, &err));
    assert_ok(gch__file_open_memory(out.bytes, out.count, "image", NULL, &out.file, &err));
    return out;
}

static inline void image_free(test_image *i)
{
    gch__file_close(i->file);
    gch_writer_free_memory(i->bytes, NULL);
}

/* ---- what a file must give back ---- */

static inline bool data_is_valid(const data_column *column, size_t row)
{
    return column->validity == NULL || (column->validity[row / 8] >> (row % 8) & 1) != 0;
}

static inline double data_pow10(int exponent)
{
    char text[16];
    snprintf(text, sizeof text, "1e%d", exponent);
    return strtod(text, NULL);
}

static inline uint64_t bits_of_double(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline uint32_t bits_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline bool data_is_same_double(uint64_t bits, gch_value got)
{
    if (bits == 0x7FF8000000000000u)
        return got.kind == GCH_VALUE_GAP;
    if (got.kind == GCH_VALUE_F64)
        return bits_of_double(got.as.f64) == bits;
    return got.kind == GCH_VALUE_DECIMAL &&
           bits_of_double((double)got.as.digits / data_pow10(got.scale)) == bits;
}

static inline bool data_is_same_float(uint32_t bits, gch_value got)
{
    if (bits == 0x7FC00000u)
        return got.kind == GCH_VALUE_GAP;
    if (got.kind == GCH_VALUE_F32)
        return bits_of_float(got.as.f32) == bits;
    return got.kind == GCH_VALUE_DECIMAL &&
           bits_of_float((float)((double)got.as.digits / data_pow10(got.scale))) == bits;
}

/* digits / 10^scale as text has it: exactly as a decimal, or as the nearest double. */
static inline bool data_is_same_decimal(int64_t digits, int scale, gch_value got)
{
    if (got.kind == GCH_VALUE_DECIMAL) {
        __int128 left = got.as.digits, right = digits;
        for (int s = got.scale; s < scale; s++)
            left *= 10;
        for (int s = scale; s < got.scale; s++)
            right *= 10;
        return left == right;
    }
    char text[40];
    snprintf(text, sizeof text, "%llde%d", (long long)digits, -scale);
    return got.kind == GCH_VALUE_F64 &&
           bits_of_double(got.as.f64) == bits_of_double(strtod(text, NULL));
}

static inline bool data_is_same(const data_column *column, size_t row, gch_value got)
{
    if (!data_is_valid(column, row))
        return got.kind == GCH_VALUE_GAP;
    uint64_t bits = data_get_bits(column, row);
    int64_t number = 0;
    switch (column->type) {
    case GCH_TYPE_I8:
        number = (int8_t)bits;
        break;
    case GCH_TYPE_I16:
        number = (int16_t)bits;
        break;
    case GCH_TYPE_I32:
        number = (int32_t)bits;
        break;
    case GCH_TYPE_F32:
        return data_is_same_float((uint32_t)bits, got);
    case GCH_TYPE_F64:
        return data_is_same_double(bits, got);
    case GCH_TYPE_DECIMAL:
        if (column->scales != NULL && column->scales[row] == GCH_SCALE_F64)
            return data_is_same_double(bits, got);
        return data_is_same_decimal((int64_t)bits, column->scales ? column->scales[row] : 0, got);
    default:
        number = (int64_t)bits;
        break;
    }
    return got.kind == GCH_VALUE_DECIMAL && got.scale == 0 && got.as.digits == number;
}

/* Compares rows [first, first + count) of the data with the same of the file. */
static inline void data_check_rows(const data *d, const gch_file *file, size_t first, size_t count)
{
    gch_error err = {0};
    int64_t *times = malloc((count + 1) * sizeof *times);
    gch_value *values = malloc((count + 1) * sizeof *values);
    assert_non_null(times);
    assert_non_null(values);
    assert_ok(gch_file_read_times(file, first, count, times, &err));
    assert_int_equal(memcmp(times, d->times + first, count * sizeof *times), 0);
    for (uint32_t c = 0; c < d->column_count; c++) {
        assert_ok(gch_file_read_values(file, c, first, count, values, &err));
        for (size_t i = 0; i < count; i++) {
            if (!data_is_same(&d->columns[c], first + i, values[i]))
                fail_msg("column %u (%s), row %zu: kind %u, %.17g instead of bits %llx", c,
                         gch_type_name(d->columns[c].type), first + i, values[i].kind,
                         gch_value_to_double(values[i]),
                         (unsigned long long)data_get_bits(&d->columns[c], first + i));
        }
    }
    free(times);
    free(values);
}

/* Every row, and what is known of them. */
static inline void data_check_all(const data *d, const gch_file *file)
{
    const gch_file_info *info = gch_file_get_info(file);
    assert_int_equal(info->row_count, d->row_count);
    assert_int_equal(info->column_count, d->column_count);
    data_check_rows(d, file, 0, d->row_count);
    if (d->row_count > 0) {
        assert_int_equal(info->first_time, d->times[0]);
        assert_int_equal(info->last_time, d->times[d->row_count - 1]);
    }
}

/* The same, and verification. */
static inline void data_check(const data *d, const gch_file *file)
{
    gch_error err = {0};
    data_check_all(d, file);
    assert_ok(gch_file_verify(file, NULL, NULL, &err));
}

#endif
