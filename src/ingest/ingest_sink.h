/* Where rows go: batches of typed columns on their way to the writer, sorted first if asked for, or
 * to the job's callback.
 *
 * A reader fills sink->batch at row batch.row_count, counts the row, and calls
 * gch__ingest_sink_flush when the batch is full. The writer is opened once the columns and the unit
 * of time are known, which may be after the first rows are in the batch.
 *
 * Thread rule: one thread at a time.
 */
#ifndef GCH_INGEST_SINK_H
#define GCH_INGEST_SINK_H

#include "ingest_job.h"

typedef struct gch__batch_column {
    void *values;   /* row_cap values of the column's type */
    int8_t *scales; /* DECIMAL only */
    /* Bit i is 1 if row i is valid; all ones to begin with. Set has_gaps with the first zero. */
    uint8_t *validity;
    bool has_gaps;
} gch__batch_column;

typedef struct gch__batch {
    size_t row_count;
    int64_t *times; /* NULL: rows are numbered */
    gch__batch_column *columns;
} gch__batch;

typedef struct gch__ingest_sink {
    gch__ingest_job *job;
    gch_column_desc *columns; /* names are borrowed */
    uint32_t column_count;
    size_t row_cap; /* a power of two >= 4096 */
    gch__batch batch;
    gch__rate rate;
    gch_time_unit unit; /* from gch__ingest_sink_open on */
    bool time_is_text;
    const char *time_name;
    const char *x_name, *y_name; /* of a point set's columns, borrowed; NULL: no point set */
    gch_curve curve;             /* of a point set, from gch__ingest_sink_open on */
    uint32_t x_column, y_column;
    gch_writer *writer;    /* NULL with a callback */
    gch_column_data *data; /* for the writer's calls */
    uint64_t row_count;    /* in earlier batches */
    /* The order: the last time accepted, that of an existing file to begin with. */
    bool has_last;
    int64_t last_time;
    /* Full batches waiting to be sorted. */
    gch__batch *kept;
    size_t kept_count, kept_cap;
} gch__ingest_sink;

/* Copies the column descs. has_times: the batches have room for times (also for a rate).
 * GCH_NO_MEMORY, GCH_LIMIT (more than GCH_COLUMN_CAP columns), GCH_INVALID (a name twice). */
GCH_CHECKED gch_status gch__ingest_sink_init(gch__ingest_sink *sink, gch__ingest_job *job,
                                             const gch_column_desc *columns, uint32_t column_count,
                                             bool has_times, gch_error *err);
/* What the columns of a point set are called. columns[i] of the sink is chosen->values[i]; a sink
 * that was not made is left alone. */
void gch__ingest_sink_set_points(gch__ingest_sink *sink, const gch__chosen *chosen);
/* Forgets a column with what it holds; before gch__ingest_sink_open. */
void gch__ingest_sink_drop_column(gch__ingest_sink *sink, uint32_t column);
/* Makes the writer, if there is one. time_name NULL: "time"; else it is borrowed. */
GCH_CHECKED gch_status gch__ingest_sink_open(gch__ingest_sink *sink, gch_time_unit unit,
                                             bool time_is_text, const char *time_name,
                                             gch_error *err);
/* Hands the batch on and empties it. GCH_PENDING: the callback takes nothing now; the batch is as
 * it was, to be flushed again. */
GCH_CHECKED gch_status gch__ingest_sink_flush(gch__ingest_sink *sink, gch_error *err);
/* Commits what was flushed to the output file, for readers to see. */
GCH_CHECKED gch_status gch__ingest_sink_commit(gch__ingest_sink *sink, gch_error *err);
/* Flushes, sorts, and finishes the output; fills the report's rows. GCH_PENDING as a flush. */
GCH_CHECKED gch_status gch__ingest_sink_finish(gch__ingest_sink *sink, gch_error *err);
/* Releases everything; abandons what was not finished. A zero sink is allowed. */
void gch__ingest_sink_reset(gch__ingest_sink *sink);

/* Of this room: hands a batch to the writer or the callback. */
GCH_CHECKED gch_status gch__ingest_sink_append(gch__ingest_sink *sink, const gch__batch *batch,
                                               gch_error *err);
/* A row and what it is sorted by. */
typedef struct gch__keyed_row {
    int64_t key;
    uint64_t row;
} gch__keyed_row;
/* Of a point set: the kept rows and their places along its curve. */
void gch__ingest_fill_curve_keys(gch__ingest_sink *sink, gch__keyed_row *rows);

/* Writes the kept batches in the order of their times, or along the curve, equals in the order they
 * came. */
GCH_CHECKED gch_status gch__ingest_sink_sort(gch__ingest_sink *sink, gch_error *err);

static inline void gch__batch_set_gap(gch__batch_column *column, size_t row)
{
    column->validity[row >> 3] &= (uint8_t) ~(1u << (row & 7));
    column->has_gaps = true;
}

static inline void gch__batch_unset_gap(gch__batch_column *column, size_t row)
{
    column->validity[row >> 3] |= (uint8_t)(1u << (row & 7));
}

#endif
