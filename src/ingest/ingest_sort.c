/* A stable sort of all rows by time, in memory.
 *
 * The rows' times and numbers are merge-sorted as pairs; the columns are then gathered batch by
 * batch. Input that is nearly in order costs little more than input in order: runs that already
 * meet are copied, not compared.
 *
 * Invariants:
 *  1. Rows of equal time keep the order they came in: a merge takes the left side on a tie.
 *  2. Row r lies in batch r >> shift at r & mask, since row_cap is a power of two.
 */
#include "gch/time.h"
#include "ingest_sink.h"

#include <string.h>

#define RUN_ROWS ((size_t)32)

typedef struct keyed_row {
    int64_t time;
    uint64_t row;
} keyed_row;

static void insertion_sort(keyed_row *rows, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        keyed_row moved = rows[i];
        size_t at = i;
        for (; at > 0 && rows[at - 1].time > moved.time; at--)
            rows[at] = rows[at - 1];
        rows[at] = moved;
    }
}

static void merge(const keyed_row *from, size_t left_count, size_t count, keyed_row *to)
{
    if (left_count >= count || from[left_count - 1].time <= from[left_count].time) {
        memcpy(to, from, count * sizeof *to);
        return;
    }
    size_t left = 0, right = left_count;
    for (size_t i = 0; i < count; i++) {
        bool takes_left =
            left < left_count && (right == count || from[left].time <= from[right].time);
        to[i] = from[takes_left ? left++ : right++];
    }
}

/* Sorts rows[0, count); returns where the result is: `rows` or `spare`. */
static keyed_row *merge_sort(keyed_row *rows, keyed_row *spare, size_t count)
{
    for (size_t i = 0; i < count; i += RUN_ROWS)
        insertion_sort(rows + i, GCH_MIN(RUN_ROWS, count - i));
    for (size_t run = RUN_ROWS; run < count; run *= 2) {
        for (size_t i = 0; i < count; i += 2 * run) {
            size_t pair_count = GCH_MIN(2 * run, count - i);
            merge(rows + i, GCH_MIN(run, pair_count), pair_count, spare + i);
        }
        keyed_row *swapped = rows;
        rows = spare;
        spare = swapped;
    }
    return rows;
}

static void gather_values(const gch__ingest_sink *sink, uint32_t column, const keyed_row *order,
                          size_t count, gch__batch_column *to)
{
    const uint32_t shift = (uint32_t)__builtin_ctzll(sink->row_cap);
    const size_t mask = sink->row_cap - 1;
    const size_t bytes = gch_type_bytes(sink->columns[column].type);
    if (to->has_gaps)
        memset(to->validity, 0xFF, sink->row_cap / 8);
    to->has_gaps = false;
    for (size_t i = 0; i < count; i++) {
        const gch__batch_column *from = &sink->kept[order[i].row >> shift].columns[column];
        size_t row = order[i].row & mask;
        memcpy((uint8_t *)to->values + i * bytes, (const uint8_t *)from->values + row * bytes,
               bytes);
        if (to->scales != NULL)
            to->scales[i] = from->scales[row];
        if (from->has_gaps && ((from->validity[row >> 3] >> (row & 7)) & 1) == 0)
            gch__batch_set_gap(to, i);
    }
}

static gch_status write_ordered(gch__ingest_sink *sink, const keyed_row *order, size_t count,
                                gch_error *err)
{
    gch__batch *batch = &sink->batch; /* empty, and as large as the kept ones */
    for (size_t first = 0; first < count; first += sink->row_cap) {
        size_t rows = GCH_MIN(sink->row_cap, count - first);
        for (size_t i = 0; i < rows; i++)
            batch->times[i] = order[first + i].time;
        for (uint32_t column = 0; column < sink->column_count; column++)
            gather_values(sink, column, order + first, rows, &batch->columns[column]);
        batch->row_count = rows;
        GCH_TRY(gch__ingest_sink_append(sink, batch, err));
        GCH_TRY(gch__ingest_tell(sink->job, err));
    }
    batch->row_count = 0;
    return GCH_OK;
}

static gch_status check_behind_existing(const gch__ingest_sink *sink, int64_t first_time,
                                        gch_error *err)
{
    if (!sink->has_last || first_time >= sink->last_time)
        return GCH_OK;
    char first[64], last[64];
    gch_time_format(first_time, sink->unit, NULL, first, sizeof first);
    gch_time_format(sink->last_time, sink->unit, NULL, last, sizeof last);
    return gch_fail(err, GCH_UNSORTED,
                    "%s: the earliest time %s is before %s, the last time of the file appended to",
                    sink->job->inputs[0].name, first, last);
}

gch_status gch__ingest_sink_sort(gch__ingest_sink *sink, gch_error *err)
{
    const gch_allocator *allocator = sink->job->allocator;
    gch_status status = GCH_OK;
    size_t count = (size_t)sink->row_count, at = 0;
    keyed_row *rows = gch__alloc_array(allocator, count, sizeof *rows, "sort");
    keyed_row *spare = gch__alloc_array(allocator, count, sizeof *spare, "sort");
    if (rows == NULL || spare == NULL) {
        status = gch__no_memory(err, "sort");
        goto cleanup;
    }
    bool is_sorted = true;
    for (size_t k = 0; k < sink->kept_count; k++) {
        const gch__batch *batch = &sink->kept[k];
        for (size_t i = 0; i < batch->row_count; i++, at++) {
            rows[at] = (keyed_row){batch->times[i], at};
            is_sorted &= at == 0 || rows[at - 1].time <= rows[at].time;
        }
    }
    const keyed_row *order = is_sorted ? rows : merge_sort(rows, spare, count);
    GCH_TRY_GOTO(check_behind_existing(sink, order[0].time, err), cleanup);
    GCH_TRY_GOTO(write_ordered(sink, order, count, err), cleanup);
cleanup:
    gch__free(allocator, rows, "sort");
    gch__free(allocator, spare, "sort");
    return status;
}
