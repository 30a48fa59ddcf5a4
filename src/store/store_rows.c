/* Rows on their way in: see store_rows.h. */
#include "store_rows.h"

#include <stdatomic.h>
#include <string.h>

/* ---- checks ---- */

#define ORDER_ROWS 16384u /* a task of the order check */

typedef struct order_job {
    const int64_t *times;
    size_t row_count;
    atomic_size_t first_bad; /* row_count: none */
} order_job;

static void check_order(void *context, size_t task, uint32_t worker)
{
    (void)worker;
    order_job *job = context;
    size_t first = task * ORDER_ROWS + 1;
    size_t end = GCH_MIN(first + ORDER_ROWS, job->row_count);
    const int64_t *times = job->times;
    uint32_t bad = 0;
    for (size_t row = first; row < end; row++)
        bad |= times[row] < times[row - 1];
    if (bad == 0)
        return;
    size_t row = first;
    while (times[row] >= times[row - 1])
        row++;
    size_t least = atomic_load(&job->first_bad);
    while (row < least && !atomic_compare_exchange_weak(&job->first_bad, &least, row)) {
    }
}

gch_status gch__rows_check_times(const gch__meta *meta, const gch__rows_end *end,
                                 gch_workers *workers, const int64_t *times, size_t row_count,
                                 gch_error *err)
{
    if (times == NULL) {
        if (meta->time_unit != GCH_TIME_INDEX)
            return gch_fail(err, GCH_INVALID, "%s: rows without times", end->name);
        int64_t last = end->row_count > 0 ? end->last_time : -1;
        if ((uint64_t)row_count > INT64_MAX ||
            __builtin_add_overflow(last, (int64_t)row_count, &last))
            return gch_fail(err, GCH_LIMIT, "%s: row numbers past 2^63", end->name);
        return GCH_OK;
    }
    order_job job = {.times = times, .row_count = row_count};
    atomic_init(&job.first_bad, row_count);
    if (end->row_count > 0 && times[0] < end->last_time)
        atomic_store(&job.first_bad, 0);
    else
        gch__parallel_for(workers, (row_count - 1 + ORDER_ROWS - 1) / ORDER_ROWS, check_order,
                          &job);
    size_t bad = atomic_load(&job.first_bad);
    if (bad == row_count)
        return GCH_OK;
    int64_t before = bad > 0 ? times[bad - 1] : end->last_time;
    return gch_fail(err, GCH_UNSORTED,
                    "%s: the time of row %llu (%lld) is before that of the row "
                    "ahead of it (%lld)",
                    end->name, (unsigned long long)(end->row_count + bad), (long long)times[bad],
                    (long long)before);
}

gch_status gch__rows_check_values(const gch__meta *meta, const gch__rows_end *end,
                                  const gch_column_data *columns, size_t row_count, gch_error *err)
{
    for (uint32_t c = 0; c < meta->column_count; c++) {
        const gch__meta_column *column = &meta->columns[c];
        if (columns[c].values == NULL)
            return gch_fail(err, GCH_INVALID, "%s: no values for column \"%s\"", end->name,
                            column->name);
        if (column->type != GCH_TYPE_DECIMAL)
            continue;
        gch__column_input input = gch__rows_input(column->type, &columns[c], 0);
        size_t bad = gch__scales_check(&input, row_count);
        if (bad < row_count)
            return gch_fail(err, GCH_INVALID, "%s: column \"%s\", row %llu: scale %d", end->name,
                            column->name, (unsigned long long)(end->row_count + bad),
                            columns[c].scales[bad]);
    }
    return GCH_OK;
}

gch_status gch__rows_check(const gch__meta *meta, const gch__rows_end *end, gch_workers *workers,
                           const int64_t *times, const gch_column_data *columns, size_t row_count,
                           gch_error *err)
{
    if (row_count == 0)
        return GCH_OK;
    GCH_TRY(gch__rows_check_times(meta, end, workers, times, row_count, err));
    return gch__rows_check_values(meta, end, columns, row_count, err);
}

void gch__rows_scan(gch__meta *meta, const gch_column_data *columns, size_t row_count)
{
    for (uint32_t c = 0; c < meta->column_count; c++) {
        gch__meta_column *column = &meta->columns[c];
        gch__column_input input = gch__rows_input(column->type, &columns[c], 0);
        if (column->type == GCH_TYPE_DECIMAL)
            gch__decimals_scan(&input, row_count, column->step.is_set ? column->step.scale : 18,
                               &column->decimals, &column->fixed_scale);
    }
}

gch__column_input gch__rows_input(gch_type type, const gch_column_data *data, size_t from)
{
    return (gch__column_input){
        .type = type,
        .values = (const uint8_t *)data->values + from * gch_type_bytes(type),
        .scales = data->scales != NULL ? data->scales + from : NULL,
        .validity = data->validity,
        .validity_first = from,
    };
}

void gch__rows_round(const gch__step *step, const gch__column_input *input, size_t from,
                     uint32_t count, uint8_t *values, int8_t *scales)
{
    gch__step_apply(step, input->type, input->values + from * gch_type_bytes(input->type),
                    input->scales != NULL ? input->scales + from : NULL, count, values, scales);
}

void gch__rows_number(const gch__rows_end *end, uint32_t count, int64_t *out_times)
{
    int64_t first = end->row_count > 0 ? end->last_time + 1 : 0;
    for (uint32_t i = 0; i < count; i++)
        out_times[i] = first + i;
}

/* ---- the buffer ---- */

gch_status gch__row_buffer_init(gch__row_buffer *buffer, const gch__meta *meta, uint32_t row_cap,
                                gch_error *err)
{
    const gch_allocator *allocator = buffer->allocator;
    buffer->row_cap = row_cap;
    buffer->column_count = meta->column_count;
    buffer->times = gch__alloc_array(allocator, row_cap, sizeof *buffer->times, "rows");
    buffer->columns =
        gch__alloc_zero(allocator, meta->column_count, sizeof *buffer->columns, "rows");
    bool is_whole = buffer->times != NULL && buffer->columns != NULL;
    for (uint32_t c = 0; is_whole && c < meta->column_count; c++) {
        gch__row_column *column = &buffer->columns[c];
        gch_type type = meta->columns[c].type;
        column->values = gch__alloc_array(allocator, row_cap, gch_type_bytes(type), "rows");
        column->validity = gch__alloc(allocator, row_cap / 8, "rows");
        if (type == GCH_TYPE_DECIMAL)
            column->scales = gch__alloc(allocator, row_cap, "rows");
        is_whole = column->values != NULL && column->validity != NULL &&
                   (type != GCH_TYPE_DECIMAL || column->scales != NULL);
        if (is_whole)
            memset(column->validity, 0xFF, row_cap / 8);
    }
    return is_whole ? GCH_OK : gch__no_memory(err, "rows");
}

void gch__row_buffer_reset(gch__row_buffer *buffer)
{
    const gch_allocator *allocator = buffer->allocator;
    for (uint32_t c = 0; buffer->columns != NULL && c < buffer->column_count; c++) {
        gch__free(allocator, buffer->columns[c].values, "rows");
        gch__free(allocator, buffer->columns[c].scales, "rows");
        gch__free(allocator, buffer->columns[c].validity, "rows");
    }
    gch__free(allocator, buffer->columns, "rows");
    gch__free(allocator, buffer->times, "rows");
    *buffer = (gch__row_buffer){.allocator = allocator};
}

static void add_column(gch__row_column *column, gch_type type, uint32_t at,
                       const gch_column_data *data, size_t from, uint32_t count)
{
    size_t size = gch_type_bytes(type);
    memcpy(column->values + at * size, (const uint8_t *)data->values + from * size, count * size);
    if (column->scales != NULL && data->scales != NULL)
        memcpy(column->scales + at, data->scales + from, count);
    else if (column->scales != NULL)
        memset(column->scales + at, 0, count);
    for (uint32_t i = 0; data->validity != NULL && i < count; i++) {
        size_t bit = from + i;
        if (bit % 8 == 0 && count - i >= 8 && data->validity[bit / 8] == 0xFF) {
            i += 7;
        } else if (!gch__bitmap_get(data->validity, bit)) {
            column->validity[(at + i) / 8] &= (uint8_t) ~(1u << ((at + i) % 8));
            column->has_nulls = true;
        }
    }
}

void gch__row_buffer_add(gch__row_buffer *buffer, const gch__meta *meta,
                         const gch_column_data *columns, size_t from, uint32_t count)
{
    for (uint32_t c = 0; c < buffer->column_count; c++) {
        gch__row_column *column = &buffer->columns[c];
        gch_type type = meta->columns[c].type;
        add_column(column, type, buffer->row_count, &columns[c], from, count);
        gch__column_input added = gch__row_buffer_input(buffer, meta, c);
        if (meta->columns[c].step.is_set)
            gch__rows_round(&meta->columns[c].step, &added, buffer->row_count, count,
                            column->values + buffer->row_count * gch_type_bytes(type),
                            column->scales != NULL ? column->scales + buffer->row_count : NULL);
    }
    buffer->row_count += count;
}

void gch__row_buffer_copy(gch__row_buffer *buffer, const gch__meta *meta,
                          const gch__row_buffer *from)
{
    uint32_t rows = from->row_count;
    gch__row_buffer_clear(buffer);
    memcpy(buffer->times, from->times, rows * sizeof *buffer->times);
    for (uint32_t c = 0; c < buffer->column_count; c++) {
        const gch__row_column *column = &from->columns[c];
        gch_column_data data = {.values = column->values,
                                .scales = column->scales,
                                .validity = column->has_nulls ? column->validity : NULL};
        add_column(&buffer->columns[c], meta->columns[c].type, 0, &data, 0, rows);
    }
    buffer->row_count = rows;
}

void gch__row_buffer_clear(gch__row_buffer *buffer)
{
    buffer->row_count = 0;
    for (uint32_t c = 0; c < buffer->column_count; c++) {
        if (buffer->columns[c].has_nulls)
            memset(buffer->columns[c].validity, 0xFF, buffer->row_cap / 8);
        buffer->columns[c].has_nulls = false;
    }
}

gch__column_input gch__row_buffer_input(const gch__row_buffer *buffer, const gch__meta *meta,
                                        uint32_t column)
{
    const gch__row_column *from = &buffer->columns[column];
    return (gch__column_input){
        .type = meta->columns[column].type,
        .values = from->values,
        .scales = from->scales,
        .validity = from->has_nulls ? from->validity : NULL,
    };
}
