/* A stable sort of all rows in memory: by time, or along the curve of a point set.
 *
 * The rows' keys and numbers are merge-sorted as pairs, in chunks and then pairs of chunks on all
 * workers; the columns are then gathered batch by batch. Input that is nearly in order costs little
 * more than input in order: runs that already meet are copied, not compared.
 *
 * Invariants:
 *  1. Rows of equal key keep the order they came in: a merge takes the left side on a tie.
 *  2. All chunks are merged equally often, however short, so that all end in the same array.
 *  3. Row r lies in batch r >> shift at r & mask, since row_cap is a power of two.
 */
#include "gch/time.h"
#include "ingest_sink.h"

#include <string.h>

#define RUN_ROWS ((size_t)32)

#define CHUNK_ROWS ((size_t)1 << 16)

typedef gch__keyed_row keyed_row;

typedef struct sort_job {
    keyed_row *from, *to;
    size_t count, run; /* rows; of a sorted run in `from` */
} sort_job;

static void insertion_sort(keyed_row *rows, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        keyed_row moved = rows[i];
        size_t at = i;
        for (; at > 0 && rows[at - 1].key > moved.key; at--)
            rows[at] = rows[at - 1];
        rows[at] = moved;
    }
}

static void merge(const keyed_row *from, size_t left_count, size_t count, keyed_row *to)
{
    if (left_count >= count || from[left_count - 1].key <= from[left_count].key) {
        memcpy(to, from, count * sizeof *to);
        return;
    }
    size_t left = 0, right = left_count;
    for (size_t i = 0; i < count; i++) {
        bool takes_left =
            left < left_count && (right == count || from[left].key <= from[right].key);
        to[i] = from[takes_left ? left++ : right++];
    }
}

/* Two neighbouring runs of `from` into one of `to`. */
static void merge_pair(void *context, size_t task, uint32_t worker)
{
    (void)worker;
    const sort_job *job = context;
    size_t first = task * 2 * job->run, count = GCH_MIN(2 * job->run, job->count - first);
    merge(job->from + first, GCH_MIN(job->run, count), count, job->to + first);
}

/* A chunk of `from`, sorted, into `to`: an odd number of merges. */
static void sort_chunk(void *context, size_t task, uint32_t worker)
{
    const sort_job *job = context;
    size_t first = task * CHUNK_ROWS, count = GCH_MIN(CHUNK_ROWS, job->count - first);
    sort_job chunk = {job->from + first, job->to + first, count, RUN_ROWS};
    for (size_t i = 0; i < count; i += RUN_ROWS)
        insertion_sort(chunk.from + i, GCH_MIN(RUN_ROWS, count - i));
    for (; chunk.run < CHUNK_ROWS; chunk.run *= 2) {
        for (size_t pair = 0; pair * 2 * chunk.run < count; pair++)
            merge_pair(&chunk, pair, worker);
        keyed_row *swapped = chunk.from;
        chunk.from = chunk.to;
        chunk.to = swapped;
    }
}

_Static_assert(CHUNK_ROWS / RUN_ROWS == (size_t)1 << 11, "11 merges, an odd number");

/* Sorts rows[0, count); returns where the result is: `rows` or `spare`. */
static keyed_row *merge_sort(gch_workers *workers, keyed_row *rows, keyed_row *spare, size_t count)
{
    sort_job job = {rows, spare, count, CHUNK_ROWS};
    gch__parallel_for(workers, (count + CHUNK_ROWS - 1) / CHUNK_ROWS, sort_chunk, &job);
    job.from = spare;
    job.to = rows;
    for (; job.run < count; job.run *= 2) {
        gch__parallel_for(workers, (count + 2 * job.run - 1) / (2 * job.run), merge_pair, &job);
        keyed_row *swapped = job.from;
        job.from = job.to;
        job.to = swapped;
    }
    return job.from;
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
        for (size_t i = 0; batch->times != NULL && i < rows; i++)
            batch->times[i] = order[first + i].key;
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

static void fill_times(const gch__ingest_sink *sink, keyed_row *rows)
{
    size_t at = 0;
    for (size_t k = 0; k < sink->kept_count; k++)
        for (size_t i = 0; i < sink->kept[k].row_count; i++, at++)
            rows[at] = (keyed_row){sink->kept[k].times[i], at};
}

gch_status gch__ingest_sink_sort(gch__ingest_sink *sink, gch_error *err)
{
    const gch_allocator *allocator = sink->job->allocator;
    gch_status status = GCH_OK;
    size_t count = (size_t)sink->row_count;
    keyed_row *rows = gch__alloc_array(allocator, count, sizeof *rows, "sort");
    keyed_row *spare = gch__alloc_array(allocator, count, sizeof *spare, "sort");
    if (rows == NULL || spare == NULL) {
        status = gch__no_memory(err, "sort");
        goto cleanup;
    }
    if (sink->curve != GCH_CURVE_DEFAULT)
        gch__ingest_fill_curve_keys(sink, rows);
    else
        fill_times(sink, rows);
    bool is_sorted = true;
    for (size_t i = 1; i < count && is_sorted; i++)
        is_sorted = rows[i - 1].key <= rows[i].key;
    const keyed_row *order =
        is_sorted ? rows : merge_sort(sink->job->desc->workers, rows, spare, count);
    if (sink->curve == GCH_CURVE_DEFAULT)
        GCH_TRY_GOTO(check_behind_existing(sink, order[0].key, err), cleanup);
    GCH_TRY_GOTO(write_ordered(sink, order, count, err), cleanup);
cleanup:
    gch__free(allocator, rows, "sort");
    gch__free(allocator, spare, "sort");
    return status;
}
