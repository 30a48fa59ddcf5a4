/* CSV rows in bulk: what lies in the reader's buffer is cut into chunks that all workers parse at
 * once, straight into the batch.
 *
 * It takes plain and good records only and stops in front of any other, which the caller then reads
 * one by one (ingest_csv.c), with every message and rule in one place.
 *
 * Thread rule: one thread at a time; it uses the job's workers itself.
 */
#ifndef GCH_INGEST_CSV_BULK_H
#define GCH_INGEST_CSV_BULK_H

#include "ingest_csv_reader.h"
#include "ingest_kernels.h"
#include "ingest_sink.h"

#define GCH__CSV_CHUNKS_MAX 64u

/* The records that begin in [begin, stop) of the buffer. Places count from the buffer's start. */
typedef struct gch__csv_chunk {
    size_t begin, stop;
    size_t start;              /* of the first record, by the line ends before; stop: none */
    size_t line_count;         /* records that begin in it, at most */
    size_t row_first, row_end; /* rows of the batch that are its own */
    /* Once it is parsed: */
    bool is_parsed;
    bool is_odd; /* stopped in front of a record that is not for the bulk */
    gch__csv_cursor cursor;
} gch__csv_chunk;

typedef struct gch__csv_bulk {
    gch__ingest_job *job;
    const gch__ingest_kernels *kernels;
    gch__csv_plan plan;
    uint32_t *roles;           /* owned, as are the next two */
    gch__csv_target *targets;  /* a column */
    gch__csv_reader *scanners; /* a worker: for records that are good but not plain */
    uint32_t scanner_count;
    const gch__time_field *time; /* borrowed */
    /* Chunks parsed ahead of the reader; they hold as long as its buffer does. */
    gch__csv_chunk chunks[GCH__CSV_CHUNKS_MAX];
    size_t chunk_count, chunk_next;
    uint64_t fill_count;
    /* Of the plan being carried out. */
    gch__csv_reader *reader;
    bool has_last;
    int64_t last_time;
} gch__csv_bulk;

/* field_count fields, of which time_field (or GCH__NO_FIELD) is the time and value_fields[i] column
 * i of the sink. `time` is borrowed and decided. GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__csv_bulk_init(gch__csv_bulk *bulk, gch__ingest_job *job,
                                          uint32_t field_count, uint32_t time_field,
                                          const uint32_t *value_fields, uint32_t value_count,
                                          const gch__time_field *time, gch_error *err);
void gch__csv_bulk_reset(gch__csv_bulk *bulk);

/* Takes rows from reader->begin on into sink->batch, until the batch is full, the buffer holds no
 * whole record, or the record at reader->begin is not for the bulk. */
void gch__csv_bulk_take(gch__csv_bulk *bulk, gch__csv_reader *reader, gch__ingest_sink *sink);
/* What was parsed ahead is void: the batch is about to be handed on. */
void gch__csv_bulk_forget(gch__csv_bulk *bulk, const gch__ingest_sink *sink);

#endif
