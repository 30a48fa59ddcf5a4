/* Single values: the point at the cursor, the range of a view, price bars. */
#include "query_values.h"

#include "query_earlier.h"

#include <math.h>

/* A node of so small a part of a view that covers its end reaches little beyond it. */
#define NEAR_SHARE 8u

int gch__compare_values(gch_value a, gch_value b)
{
    if (a.kind == GCH_VALUE_DECIMAL && b.kind == GCH_VALUE_DECIMAL && a.scale == b.scale)
        return a.as.digits < b.as.digits ? -1 : a.as.digits > b.as.digits;
    double x = gch_value_to_double(a), y = gch_value_to_double(b);
    if (a.kind != GCH_VALUE_DECIMAL && b.kind != GCH_VALUE_DECIMAL)
        return x < y ? -1 : x > y;
    /* Rounding to double is monotone, so only a tie needs exact numbers: b's edge is that of a view
     * whose bounds are both b. */
    if (x != y)
        return x < y ? -1 : 1;
    gch__exact exact_a = gch__exact_from_value(a), exact_b = gch__exact_from_value(b);
    gch__exact_line number = {.a = exact_a, .b = exact_a, .part = 0, .whole = 1};
    return gch__exact_compare_edge(&number, 0, 1, exact_b, exact_b);
}

void gch__widen_range(gch_value *io_min, gch_value *io_max, gch_value min, gch_value max)
{
    if (min.kind == GCH_VALUE_GAP)
        return;
    if (io_min->kind == GCH_VALUE_GAP || gch__compare_values(min, *io_min) < 0)
        *io_min = min;
    if (io_max->kind == GCH_VALUE_GAP || gch__compare_values(max, *io_max) > 0)
        *io_max = max;
}

/* Drawn rows of one super-block as 16 words, rows past the segment's end 0. */
static gch_status super_bits(const gch__segment *segment, const gch__value_column *column,
                             uint32_t super, uint64_t words[16], gch_error *err)
{
    for (uint32_t i = 0; i < GCH_SUPER_BLOCKS; i++) {
        uint32_t block = super * GCH_SUPER_BLOCKS + i;
        memset(words + (size_t)i * 4, 0, 4 * sizeof *words);
        if (block < segment->block_count)
            GCH_TRY(gch__drawn_bits(segment, column, block, words + (size_t)i * 4, err));
    }
    return GCH_OK;
}

/* The first (or last) drawn row of a slice; slice->last if there is none. */
static gch_status find_in_slice(const gch__segment *segment, const gch__value_column *column,
                                const gch__slice *slice, bool is_from_end, uint32_t *out,
                                gch_error *err)
{
    *out = slice->last;
    if (!gch__slice_has_gaps(column, slice->first, slice->last)) {
        *out = is_from_end ? slice->last - 1 : slice->first;
        return GCH_OK;
    }
    uint32_t first_super = slice->first / GCH_SUPER_ROWS;
    uint32_t super_count = (slice->last - 1) / GCH_SUPER_ROWS - first_super + 1;
    for (uint32_t n = 0; n < super_count; n++) {
        uint32_t super = first_super + (is_from_end ? super_count - 1 - n : n);
        uint64_t words[16];
        GCH_TRY(super_bits(segment, column, super, words, err));
        for (uint32_t k = 0; k < 16; k++) {
            uint32_t word = is_from_end ? 15 - k : k;
            uint32_t base = super * GCH_SUPER_ROWS + word * 64;
            uint64_t bits = words[word];
            if (base + 64 <= slice->first || base >= slice->last || bits == 0)
                continue;
            if (base < slice->first)
                bits &= UINT64_MAX << (slice->first - base);
            if (slice->last - base < 64)
                bits &= ((uint64_t)1 << (slice->last - base)) - 1;
            if (bits == 0)
                continue;
            *out =
                base + (uint32_t)(is_from_end ? 63 - __builtin_clzll(bits) : __builtin_ctzll(bits));
            return GCH_OK;
        }
    }
    return GCH_OK;
}

gch_status gch__find_drawn(const gch_query *query, uint32_t column, uint64_t first, uint64_t last,
                           bool is_from_end, uint64_t *out_row, gch_error *err)
{
    while (first < last) {
        gch__slice slice;
        if (is_from_end) { /* the part of [first, last) in the segment of last - 1 */
            uint32_t local;
            gch__locate_row(query, last - 1, &slice.segment, &local);
            const gch__segment *segment = gch__query_segment(query, slice.segment);
            slice.first = first > segment->first_row ? (uint32_t)(first - segment->first_row) : 0;
            slice.last = local + 1;
        } else {
            slice = gch__slice_at(query, first, last);
        }
        const gch__segment *segment = gch__query_segment(query, slice.segment);
        uint32_t row;
        GCH_TRY(find_in_slice(segment, &segment->columns[column], &slice, is_from_end, &row, err));
        if (row < slice.last) {
            *out_row = segment->first_row + row;
            return GCH_OK;
        }
        if (is_from_end)
            last -= slice.last - slice.first;
        else
            first += slice.last - slice.first;
    }
    *out_row = UINT64_MAX;
    return GCH_OK;
}

static gch_status check_column(const gch_query *query, uint32_t column, gch_error *err)
{
    uint32_t column_count = gch_file_get_info(query->file)->column_count;
    if (column >= column_count)
        return gch_fail(err, GCH_INVALID, "column %u: the file has %u", column, column_count);
    return GCH_OK;
}

static gch_status find_nearest(gch_query *query, uint32_t column, int64_t t, gch_sample *out,
                               gch_error *err)
{
    GCH_TRY(check_column(query, column, err));
    uint64_t row_count = gch__query_row_count(query), at, after, before;
    gch__touch touch = {0};
    GCH_TRY(gch__row_at(query, t, &at, &touch, err));
    GCH_TRY(gch__find_drawn(query, column, at, row_count, false, &after, err));
    GCH_TRY(gch__find_drawn(query, column, 0, at, true, &before, err));
    if (after == UINT64_MAX && before == UINT64_MAX)
        return gch_fail(err, GCH_NOT_FOUND, "column %u has no values", column);
    int64_t time_after = 0, time_before = 0;
    if (after != UINT64_MAX)
        GCH_TRY(gch__time_of_row(query, after, &time_after, err));
    if (before != UINT64_MAX)
        GCH_TRY(gch__time_of_row(query, before, &time_before, err));
    bool is_before = after == UINT64_MAX ||
                     (before != UINT64_MAX &&
                      (uint64_t)t - (uint64_t)time_before <= (uint64_t)time_after - (uint64_t)t);
    out->row = is_before ? before : after;
    out->time = is_before ? time_before : time_after;
    if (is_before) { /* the first of equal times */
        uint64_t first;
        GCH_TRY(gch__row_at(query, time_before, &first, &touch, err));
        GCH_TRY(gch__find_drawn(query, column, first, before + 1, false, &out->row, err));
    }
    return gch__read_values(query->file, query->reader, column, out->row, 1, &out->value, err);
}

gch_status gch_query_nearest(gch_query *query, uint32_t column, int64_t t, gch_sample *out,
                             gch_error *err)
{
    GCH_TRY(gch__query_begin(query, err));
    return gch__query_end(query, find_nearest(query, column, t, out, err));
}

/* Smallest and largest key of a slice, or keys that cover them while pages are missing. */
static gch_status reduce_slice(const gch_query *query, uint32_t column, const gch__slice *slice,
                               uint64_t *out_min, uint64_t *out_max, gch__touch *touch,
                               gch_error *err)
{
    const gch__segment *segment = gch__query_segment(query, slice->segment);
    const gch__value_column *values = &segment->columns[column];
    gch_status status = gch__reduce_rows(query, segment, values, slice->first, slice->last, out_min,
                                         out_max, touch, err);
    if (status != GCH_PENDING)
        return status;
    touch->covered++;
    uint32_t row_count = slice->last - slice->first, levels = 0;
    while (levels < 15 && (uint64_t)GCH_BLOCK_ROWS << (4 * levels) <= row_count / NEAR_SHARE)
        levels++;
    status = gch__reduce_covering(query, segment, values, slice->first, slice->last, levels,
                                  out_min, out_max, touch, err);
    if (status != GCH_PENDING)
        return status;
    touch->far++;
    return gch__reduce_covering(query, segment, values, slice->first, slice->last, UINT32_MAX,
                                out_min, out_max, touch, err);
}

gch_status gch__range_of_rows(const gch_query *query, uint32_t column, uint64_t first,
                              uint64_t last, gch_value *out_min, gch_value *out_max,
                              gch__touch *touch, gch_error *err)
{
    *out_min = *out_max = (gch_value){.kind = GCH_VALUE_GAP};
    gch__slice slice;
    for (uint64_t row = first; row < last; row += slice.last - slice.first) {
        slice = gch__slice_at(query, row, last);
        const gch__segment *segment = gch__query_segment(query, slice.segment);
        const gch__value_column *values = &segment->columns[column];
        uint64_t min, max;
        GCH_TRY(reduce_slice(query, column, &slice, &min, &max, touch, err));
        if (min > max)
            continue;
        gch__widen_range(out_min, out_max, gch__value_from_key(&values->map, min),
                         gch__value_from_key(&values->map, max));
    }
    return GCH_OK;
}

/* Widens a range by the line (or the steps) at time t; `row` is the first at or after t. */
static gch_status include_line(const gch_query *query, uint32_t column, gch_join join, int64_t t,
                               uint64_t row, gch_value *min, gch_value *max, gch_error *err)
{
    double values[2];
    int64_t times[2];
    if (join == GCH_JOIN_NONE || row == 0 || row == gch__query_row_count(query))
        return GCH_OK;
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t segment;
        uint64_t key;
        bool is_drawn;
        GCH_TRY(gch__key_of_row(query, column, row - 1 + i, &segment, &key, &is_drawn, err));
        if (!is_drawn)
            return GCH_OK;
        values[i] = gch_value_to_double(
            gch__value_from_key(&gch__query_segment(query, segment)->columns[column].map, key));
        GCH_TRY(gch__time_of_row(query, row - 1 + i, &times[i], err));
    }
    /* times[0] < t <= times[1] */
    double part = join == GCH_JOIN_STEP ? 0
                                        : (double)((uint64_t)t - (uint64_t)times[0]) /
                                              (double)((uint64_t)times[1] - (uint64_t)times[0]);
    gch_value at = {.kind = GCH_VALUE_F64, .as.f64 = values[0] * (1 - part) + values[1] * part};
    if (!isfinite(at.as.f64))
        return GCH_OK;
    if (min->kind == GCH_VALUE_GAP || at.as.f64 < gch_value_to_double(*min))
        *min = at;
    if (max->kind == GCH_VALUE_GAP || at.as.f64 > gch_value_to_double(*max))
        *max = at;
    return GCH_OK;
}

/* At both ends of a view. */
static gch_status include_lines(const gch_query *query, uint32_t column, gch_join join, int64_t t0,
                                uint64_t first, int64_t t1, uint64_t last, gch_value *min,
                                gch_value *max, gch_error *err)
{
    GCH_TRY(include_line(query, column, join, t0, first, min, max, err));
    return include_line(query, column, join, t1, last, min, max, err);
}

/* *out_is_near: it is that of these times, or of little more. */
static gch_status find_range(gch_query *query, uint32_t column, int64_t t0, int64_t t1,
                             gch_join join, gch_value *out_min, gch_value *out_max,
                             bool *out_is_near, gch_error *err)
{
    GCH_TRY(check_column(query, column, err));
    gch__touch touch = {0};
    uint64_t first, last;
    gch_status status = gch__row_at(query, t0, &first, &touch, err);
    if (status == GCH_OK)
        status = gch__row_at(query, t1, &last, &touch, err);
    bool is_known = status == GCH_OK;
    if (status == GCH_PENDING) {
        touch.covered++;
        first = gch__guess_row_at(query, t0);
        last = GCH_MIN(gch__guess_row_at(query, t1) + 1, gch__query_row_count(query));
    } else {
        GCH_TRY(status);
    }
    GCH_TRY(gch__range_of_rows(query, column, first, GCH_MAX(first, last), out_min, out_max, &touch,
                               err));
    if (is_known) {
        status = include_lines(query, column, join, t0, first, t1, last, out_min, out_max, err);
        touch.covered += status == GCH_PENDING ? 1 : 0;
        if (status != GCH_PENDING)
            GCH_TRY(status);
    }
    *out_is_near = is_known && touch.far == 0;
    query->stats.answers_pending += touch.covered > 0 ? 1 : 0;
    query->stats.blocks_decoded += touch.blocks;
    query->stats.nodes_read += touch.nodes;
    query->stats.bytes_read += touch.bytes;
    return GCH_OK;
}

/* As find_without_loading of query_columns.c. */
static gch_status find_range_without_loading(gch_query *query, uint32_t column, int64_t t0,
                                             int64_t t1, gch_join join, gch_value *out_min,
                                             gch_value *out_max, bool *out_is_near,
                                             bool *is_answered, gch_error *err)
{
    gch_query_stats before = query->stats;
    *is_answered = true;
    GCH_TRY(gch__query_begin_peek(query, err));
    GCH_TRY(gch__query_end(
        query, find_range(query, column, t0, t1, join, out_min, out_max, out_is_near, err)));
    if (query->stats.answers_pending == before.answers_pending)
        return GCH_OK;
    gch_value min = {.kind = GCH_VALUE_GAP}, max = {.kind = GCH_VALUE_GAP};
    const gch_answers *answers = query->answers;
    gch_status status = answers->range(answers->context, column, t0, t1, join, &min, &max, NULL);
    if (status == GCH_PENDING) {
        gch__earlier_take_range(query, column, join, t0, t1, min, max);
        return GCH_OK;
    }
    query->stats = before;
    *is_answered = status == GCH_OK;
    if (*is_answered) {
        *out_min = min;
        *out_max = max;
    }
    return GCH_OK;
}

gch_status gch_query_range(gch_query *query, uint32_t column, int64_t t0, int64_t t1, gch_join join,
                           gch_value *out_min, gch_value *out_max, gch_error *err)
{
    bool is_answered = false, is_near = false;
    uint64_t pending = query->stats.answers_pending;
    if (query->answers != NULL)
        GCH_TRY(find_range_without_loading(query, column, t0, t1, join, out_min, out_max, &is_near,
                                           &is_answered, err));
    if (!is_answered) {
        GCH_TRY(gch__query_begin(query, err));
        GCH_TRY(gch__query_end(
            query, find_range(query, column, t0, t1, join, out_min, out_max, &is_near, err)));
    }
    if (query->stats.answers_pending == pending)
        gch__earlier_keep_range(query, column, join, t0, t1, *out_min, *out_max);
    else
        gch__earlier_give_range(query, column, join, t0, t1, is_near, out_min, out_max);
    return GCH_OK;
}
