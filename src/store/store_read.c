/* Rows in order: whole blocks decoded into the caller's arrays.
 *
 * Invariants:
 *  1. A block is decoded whole into scratch and copied in part: its rows may start and end
 * anywhere.
 *  2. An exception takes the place of what its row's key would give.
 */
#include "store_file.h"

#include <string.h>

/* The segment that holds a row of the file, as `reader` sees it; row < row_count. */
static gch__segment find_segment(const gch_file *file, gch__reader *reader, uint64_t row)
{
    uint32_t low = 0, high = file->meta.segment_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (file->segments[middle].first_row <= row)
            low = middle;
        else
            high = middle;
    }
    gch__segment segment = file->segments[low];
    segment.reader = gch__segment_reader(&segment, reader);
    return segment;
}

static gch_status check_rows(const gch_file *file, uint64_t first_row, size_t row_count,
                             gch_error *err)
{
    uint64_t rows = file->meta.row_count;
    if (first_row > rows || row_count > rows - first_row)
        return gch_fail(err, GCH_INVALID, "%s: rows %llu to %llu asked for, there are %llu",
                        file->name, (unsigned long long)first_row,
                        (unsigned long long)(first_row + row_count), (unsigned long long)rows);
    return GCH_OK;
}

/* ---- times ---- */

/* Rows [row, row + count) of one segment. */
static void read_affine(const gch__segment *segment, uint32_t row, uint32_t count, int64_t *out)
{
    const gch__time_column *time = &segment->time;
    uint32_t low = 0, high = time->run_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (time->runs[middle].row <= row)
            low = middle;
        else
            high = middle;
    }
    for (uint32_t end = row + count; row < end; low++) {
        const gch__affine_run *run = &time->runs[low];
        uint32_t run_end = low + 1 < time->run_count ? run[1].row : segment->row_count;
        for (uint32_t stop = GCH_MIN(run_end, end); row < stop; row++)
            *out++ = run->t0 + (int64_t)(row - run->row) * run->step;
    }
}

static gch_status read_lines(const gch__segment *segment, uint32_t row, uint32_t count,
                             int64_t *out, gch_error *err)
{
    const gch__kernels *kernels = gch__kernels_get();
    const gch__time_column *time = &segment->time;
    uint64_t units[GCH_BLOCK_ROWS];
    for (uint32_t end = row + count; row < end;) {
        uint32_t block = row / GCH_BLOCK_ROWS, in_block = row % GCH_BLOCK_ROWS;
        uint32_t part = GCH_MIN(GCH_BLOCK_ROWS - in_block, end - row);
        const uint64_t *super = &time->supers[row / GCH_SUPER_ROWS];
        const gch__time_line *line;
        const uint32_t *packed;
        GCH_TRY(gch__segment_check(segment, super, sizeof *super, err));
        GCH_TRY(gch__time_block(segment, block, &line, &packed, err));
        gch__time_line_unpack(kernels, line, packed, units);
        for (uint32_t i = 0; i < part; i++)
            out[i] =
                (int64_t)((uint64_t)time->origin + time->unit * (*super + units[in_block + i]));
        out += part;
        row += part;
    }
    return GCH_OK;
}

static gch_status read_times(const gch_file *file, gch__reader *reader, uint64_t first_row,
                             size_t row_count, int64_t *out_times, gch_error *err)
{
    while (row_count > 0) {
        const gch__segment found = find_segment(file, reader, first_row), *segment = &found;
        uint32_t row = (uint32_t)(first_row - segment->first_row);
        uint32_t part =
            (uint32_t)GCH_MIN((uint64_t)(segment->row_count - row), (uint64_t)row_count);
        if (segment->time.run_count > 0)
            read_affine(segment, row, part, out_times);
        else
            GCH_TRY(read_lines(segment, row, part, out_times, err));
        out_times += part;
        first_row += part;
        row_count -= part;
    }
    return GCH_OK;
}

gch_status gch_file_read_times(const gch_file *file, uint64_t first_row, size_t row_count,
                               int64_t *out_times, gch_error *err)
{
    gch__reader *reader;
    GCH_TRY(check_rows(file, first_row, row_count, err));
    GCH_TRY(gch__file_make_reader(file, &reader, err));
    gch__file_begin_reader(file, reader, GCH__READ_BLOCK, GCH__PRIORITY_VISIBLE);
    gch_status status = read_times(file, reader, first_row, row_count, out_times, err);
    gch__file_destroy_reader(file, reader);
    return status;
}

/* ---- values ---- */

static gch_status read_block(const gch__segment *segment, const gch__value_column *column,
                             uint32_t row, uint32_t count, gch_value *out, gch_error *err)
{
    uint64_t residuals[GCH_BLOCK_ROWS], min;
    uint32_t bits, in_super = row % GCH_SUPER_ROWS;
    const uint32_t *packed, *bitmap;
    GCH_TRY(gch__column_block(segment, column, row / GCH_BLOCK_ROWS, &packed, &bits, &min, err));
    GCH_TRY(gch__column_bitmap(segment, column, row / GCH_SUPER_ROWS, &bitmap, err));
    gch__unpack64(gch__kernels_get(), packed, bits, residuals);
    const uint64_t *residual = residuals + row % GCH_BLOCK_ROWS;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t bit = in_super + i;
        bool is_drawn = bitmap == NULL || (bitmap[bit / 32] >> (bit & 31) & 1u) != 0;
        out[i] = is_drawn ? gch__value_from_key(&column->map, min + residual[i])
                          : (gch_value){.kind = GCH_VALUE_GAP};
    }
    return GCH_OK;
}

static gch_value value_from_exception(const gch__value_column *column, uint64_t bits)
{
    gch_value value = {0};
    if (column->type == GCH_TYPE_F32) {
        uint32_t narrow = (uint32_t)bits;
        value.kind = GCH_VALUE_F32;
        memcpy(&value.as.f32, &narrow, sizeof narrow);
    } else {
        value.kind = GCH_VALUE_F64;
        memcpy(&value.as.f64, &bits, sizeof bits);
    }
    return value;
}

/* Puts the exceptions of rows [row, row + count) over the values. */
static gch_status apply_exceptions(const gch__segment *segment, const gch__value_column *column,
                                   uint32_t row, uint32_t count, gch_value *out, gch_error *err)
{
    uint32_t low = 0, high = column->exception_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const gch__exception *exception = &column->exceptions[middle];
        GCH_TRY(gch__segment_check(segment, exception, sizeof *exception, err));
        if (exception->row < row)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < column->exception_count; low++) {
        const gch__exception *exception = &column->exceptions[low];
        GCH_TRY(gch__segment_check(segment, exception, sizeof *exception, err));
        if (exception->row < row || exception->row - row >= count)
            break;
        out[exception->row - row] = value_from_exception(column, exception->bits);
    }
    return GCH_OK;
}

gch_status gch__read_values(const gch_file *file, gch__reader *reader, uint32_t column_index,
                            uint64_t first_row, size_t row_count, gch_value *out_values,
                            gch_error *err)
{
    while (row_count > 0) {
        const gch__segment found = find_segment(file, reader, first_row), *segment = &found;
        const gch__value_column *column = &segment->columns[column_index];
        uint32_t row = (uint32_t)(first_row - segment->first_row);
        uint32_t part =
            (uint32_t)GCH_MIN((uint64_t)(segment->row_count - row), (uint64_t)row_count);
        for (uint32_t done = 0; done < part;) {
            uint32_t at = row + done;
            uint32_t count = GCH_MIN(GCH_BLOCK_ROWS - at % GCH_BLOCK_ROWS, part - done);
            GCH_TRY(read_block(segment, column, at, count, out_values + done, err));
            done += count;
        }
        GCH_TRY(apply_exceptions(segment, column, row, part, out_values, err));
        out_values += part;
        first_row += part;
        row_count -= part;
    }
    return GCH_OK;
}

gch_status gch_file_read_values(const gch_file *file, uint32_t column_index, uint64_t first_row,
                                size_t row_count, gch_value *out_values, gch_error *err)
{
    gch__reader *reader;
    if (column_index >= file->info.column_count)
        return gch_fail(err, GCH_INVALID, "%s: column %u asked for, there are %u", file->name,
                        column_index, file->info.column_count);
    GCH_TRY(check_rows(file, first_row, row_count, err));
    GCH_TRY(gch__file_make_reader(file, &reader, err));
    gch__file_begin_reader(file, reader, GCH__READ_BLOCK, GCH__PRIORITY_VISIBLE);
    gch_status status =
        gch__read_values(file, reader, column_index, first_row, row_count, out_values, err);
    gch__file_destroy_reader(file, reader);
    return status;
}
