/* Rows by their time: bisection over affine runs, or a search of super-blocks' first times, then at
 * most 4 blocks and 256 rows. Times do not decrease over a segment. */
#include "store_format.h"

static uint32_t affine_row(const gch__segment *segment, int64_t t)
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

/* The first unit at or after t, which lies behind the segment's first time. */
static uint64_t unit_at(const gch__time_column *time, int64_t t)
{
    return ((uint64_t)t - (uint64_t)time->origin - 1) / time->unit + 1;
}

/* Super-blocks between which a time lies: `low` starts before it, `high` does not. */
typedef struct bracket {
    uint32_t low, high;
} bracket;

static gch_status narrow(const gch__segment *segment, uint64_t unit, uint32_t at, bracket *b,
                         uint64_t *io_nodes, gch_error *err)
{
    const uint64_t *start = &segment->time.supers[at];
    GCH_TRY(gch__segment_check(segment, start, sizeof *start, err));
    ++*io_nodes;
    if (*start < unit)
        b->low = at;
    else
        b->high = at;
    return GCH_OK;
}

/* Where times that pass evenly would have the unit, in [1, super_count). */
static uint32_t guess_super(const gch__segment *segment, uint64_t unit)
{
    double whole = (double)unit_at(&segment->time, segment->last_time);
    double guess = whole > 0 ? (double)unit / whole * (double)segment->super_count : 1;
    uint32_t last = segment->super_count - 1;
    return guess < 1 ? 1 : guess >= (double)last ? last : (uint32_t)guess;
}

/* The last super-block that starts before t: a guess, steps of doubling length from there (Bentley
 * and Yao 1976), then bisection. Mostly that reads the page of the guess, where bisection from the
 * start would wait for one page after the other. */
static gch_status line_super(const gch__segment *segment, int64_t t, uint32_t *out_super,
                             uint64_t *io_nodes, gch_error *err)
{
    uint64_t unit = unit_at(&segment->time, t);
    bracket b = {0, segment->super_count};
    if (b.high > 1) {
        uint32_t at = guess_super(segment, unit);
        GCH_TRY(narrow(segment, unit, at, &b, io_nodes, err));
        bool goes_up = b.low == at;
        for (uint32_t step = 1; step < b.high - b.low; step *= 2) {
            at = goes_up ? b.low + step : b.high - step;
            GCH_TRY(narrow(segment, unit, at, &b, io_nodes, err));
            if ((b.low == at) != goes_up)
                break;
        }
    }
    while (b.high - b.low > 1)
        GCH_TRY(narrow(segment, unit, b.low + (b.high - b.low) / 2, &b, io_nodes, err));
    *out_super = b.low;
    return GCH_OK;
}

gch_status gch__segment_find_super(const gch__segment *segment, int64_t t, uint32_t *out_super,
                                   gch_error *err)
{
    uint64_t nodes = 0;
    *out_super = 0;
    if (t <= segment->first_time)
        return GCH_OK;
    if (segment->time.run_count == 0)
        return line_super(segment, t, out_super, &nodes, err);
    *out_super = (affine_row(segment, t) - 1) / GCH_SUPER_ROWS; /* row 0 lies before t */
    return GCH_OK;
}

gch_status gch__segment_find_row(const gch__segment *segment, int64_t t, uint32_t *out_row,
                                 uint64_t *io_nodes, gch_error *err)
{
    const gch__time_column *time = &segment->time;
    *out_row = 0;
    if (t <= segment->first_time)
        return GCH_OK;
    if (time->run_count > 0) {
        *out_row = affine_row(segment, t);
        return GCH_OK;
    }
    uint32_t super;
    GCH_TRY(line_super(segment, t, &super, io_nodes, err));
    uint64_t relative = unit_at(time, t) - time->supers[super];
    uint32_t block = super * GCH_SUPER_BLOCKS;
    const gch__time_line *line;
    const uint32_t *packed;
    GCH_TRY(gch__time_block(segment, block, &line, &packed, err));
    uint32_t end = GCH_MIN(block + GCH_SUPER_BLOCKS, segment->block_count);
    while (block + 1 < end) { /* the last block that starts before t */
        const gch__time_line *next_line;
        const uint32_t *next_packed;
        GCH_TRY(gch__time_block(segment, block + 1, &next_line, &next_packed, err));
        if (gch__time_line_get(next_line, next_packed, 0) >= relative)
            break;
        block++;
        line = next_line;
        packed = next_packed;
    }
    uint32_t first = 0, last = GCH_MIN(segment->row_count - block * GCH_BLOCK_ROWS, GCH_BLOCK_ROWS);
    while (last - first > 1) { /* row `first` lies before t */
        uint32_t middle = first + (last - first) / 2;
        if (gch__time_line_get(line, packed, middle) < relative)
            first = middle;
        else
            last = middle;
    }
    *out_row = block * GCH_BLOCK_ROWS + last;
    return GCH_OK;
}
