/* From times to rows and from rows to times and keys.
 *
 * Times do not decrease over a file, so every search is a bisection: segments by their last time,
 * then affine runs or super-blocks by their first, then at most 4 blocks and 256 rows.
 */
#include "query_state.h"

void gch__locate_row(const gch_query *query, uint64_t row, uint32_t *out_segment, uint32_t *out_row)
{
    uint32_t low = 0, high = query->segment_count; /* the last segment with first_row <= row */
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (gch__query_segment(query, middle)->first_row <= row)
            low = middle;
        else
            high = middle;
    }
    *out_segment = low;
    *out_row = (uint32_t)(row - gch__query_segment(query, low)->first_row);
}

gch_status gch__time_of_row(const gch_query *query, uint64_t row, int64_t *out_time, gch_error *err)
{
    uint32_t segment, local;
    gch__locate_row(query, row, &segment, &local);
    return gch__segment_time(gch__query_segment(query, segment), local, out_time, err);
}

gch_status gch__key_of_row(const gch_query *query, uint32_t column, uint64_t row,
                           uint32_t *out_segment, uint64_t *out_key, bool *out_is_drawn,
                           gch_error *err)
{
    uint32_t local;
    gch__locate_row(query, row, out_segment, &local);
    const gch__segment *segment = gch__query_segment(query, *out_segment);
    return gch__segment_key(segment, &segment->columns[column], local, out_key, out_is_drawn, err);
}

static uint32_t affine_row_at(const gch__segment *segment, int64_t t)
{
    const gch__time_column *time = &segment->time;
    if (time->runs[0].t0 >= t)
        return 0;
    uint32_t low = 0, high = time->run_count; /* the last run that starts before t */
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (time->runs[middle].t0 < t)
            low = middle;
        else
            high = middle;
    }
    const gch__affine_run *run = &time->runs[low];
    uint32_t end = low + 1 < time->run_count ? time->runs[low + 1].row : segment->row_count;
    if (run->step == 0)
        return end;
    uint64_t ahead = (uint64_t)t - (uint64_t)run->t0; /* > 0 */
    uint64_t steps = (ahead - 1) / (uint64_t)run->step + 1;
    return steps < end - run->row ? run->row + (uint32_t)steps : end;
}

static gch_status line_row_at(const gch__segment *segment, int64_t t, uint32_t *out_row,
                              gch__touch *touch, gch_error *err)
{
    const gch__time_column *time = &segment->time;
    if (t <= segment->first_time) {
        *out_row = 0;
        return GCH_OK;
    }
    /* Wanted: the first row with units >= target. */
    uint64_t target = ((uint64_t)t - (uint64_t)time->origin - 1) / time->unit + 1;
    uint32_t low = 0, high = segment->super_count; /* the last super-block that starts before it */
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        GCH_TRY(gch__segment_check(segment, &time->supers[middle], sizeof time->supers[0], err));
        touch->nodes++;
        if (time->supers[middle] < target)
            low = middle;
        else
            high = middle;
    }
    uint64_t relative = target - time->supers[low];
    uint32_t block = low * GCH_SUPER_BLOCKS;
    const gch__time_line *line;
    const uint32_t *packed;
    GCH_TRY(gch__time_block(segment, block, &line, &packed, err));
    uint32_t end = GCH_MIN(block + GCH_SUPER_BLOCKS, segment->block_count);
    while (block + 1 < end) { /* the last block that starts before it */
        const gch__time_line *next_line;
        const uint32_t *next_packed;
        GCH_TRY(gch__time_block(segment, block + 1, &next_line, &next_packed, err));
        if (gch__time_line_get(next_line, next_packed, 0) >= relative)
            break;
        block++;
        line = next_line;
        packed = next_packed;
    }
    touch->blocks++;
    touch->bytes += 64;
    uint32_t first = 0, last = GCH_MIN(segment->row_count - block * GCH_BLOCK_ROWS, GCH_BLOCK_ROWS);
    while (last - first > 1) { /* row `first` lies before it */
        uint32_t middle = first + (last - first) / 2;
        if (gch__time_line_get(line, packed, middle) < relative)
            first = middle;
        else
            last = middle;
    }
    *out_row = block * GCH_BLOCK_ROWS + last;
    return GCH_OK;
}

gch_status gch__row_at(const gch_query *query, int64_t t, uint64_t *out_row, gch__touch *touch,
                       gch_error *err)
{
    uint32_t low = 0, high = query->segment_count; /* the first segment that ends at t or later */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (gch__query_segment(query, middle)->last_time < t)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == query->segment_count) {
        *out_row = gch__query_row_count(query);
        return GCH_OK;
    }
    const gch__segment *segment = gch__query_segment(query, low);
    uint32_t row;
    if (segment->time.run_count > 0)
        row = affine_row_at(segment, t);
    else
        GCH_TRY(line_row_at(segment, t, &row, touch, err));
    *out_row = segment->first_row + row;
    return GCH_OK;
}

gch_status gch_query_row_at(gch_query *query, int64_t t, uint64_t *out_row, gch_error *err)
{
    gch__touch touch = {0};
    gch__query_begin(query);
    return gch__query_end(query, gch__row_at(query, t, out_row, &touch, err));
}
