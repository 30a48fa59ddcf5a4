/* Tables of other programs in memory, without a copy: the Arrow C data and stream interfaces.
 *
 * Any library that speaks Arrow (PyArrow, Polars, DuckDB, pandas, R, ...) hands its rows over as an
 * ArrowArrayStream, and takes one. The structs below are those of the Arrow specification, under
 * its guards, so that this header goes together with any other that has them.
 *
 *     gch_error err;
 *     gch_ingest_report report;
 *     gch_status status = gch_ingest_arrow(&stream, &(gch_ingest_desc){.output = "t.gch"},
 *                                          &report, &err);
 *     ...
 *     status = gch_export_arrow(file, NULL, &stream, &err);
 *
 * Thread rule: a stream is used by one thread at a time; the batches that came of it are free.
 */
#ifndef GCH_ARROW_H
#define GCH_ARROW_H

#include "gch/ingest.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *); /* NULL: released */
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count; /* -1: not known */
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *); /* NULL: released */
    void *private_data;
};

#endif

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

struct ArrowArrayStream {
    /* 0, or an errno code. An array that comes with `release` NULL is the end. */
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *); /* NULL: released */
    void *private_data;
};

#endif

/* Writes the rows of a stream of record batches to a .gch file. Of the desc it takes output,
 * append, time_column, columns, time_unit, time_zone, workers, allocator and progress (in rows; the
 * total is not known); the others must be zero. The stream is released in every case, its batches
 * one by one as they are read.
 *
 * Times are a timestamp or date column (their unit; a zone is kept if this machine knows it), or
 * one of integers. Values are integers, float and double, read where they lie; bool becomes u8;
 * uint64 becomes i64; decimal128 of a scale of -18 to 18 becomes a decimal. Nulls are gaps. Columns
 * of other types are skipped and counted unless they are asked for by name.
 *
 * GCH_INVALID for options and columns as gch_ingest, for a null time or row, and for structs that
 * break the specification; as far as the C interface can be checked at all: the lengths of buffers
 * are the producer's word. GCH_UNSUPPORTED: a column asked for has a type that is not listed here.
 * GCH_LIMIT: a value beyond 64 bits. A failing stream: GCH_IO, GCH_NO_MEMORY or GCH_CANCELLED,
 * with its own message. GCH_UNSORTED, and all else, as the writer. */
GCH_CHECKED gch_status gch_ingest_arrow(struct ArrowArrayStream *stream,
                                        const gch_ingest_desc *desc, gch_ingest_report *report,
                                        gch_error *err);

/* Makes a stream of the rows of a file, 65,536 a record batch; `desc` as for gch_export_csv (NULL:
 * everything; copied, but for the progress' context). The file is borrowed until the stream is
 * released, its allocator's context until the last batch is.
 *
 * Times come as timestamp[unit, zone] ("UTC" if the file names none), as int64 for GCH_TIME_INDEX
 * or with desc->integer_times. Values come in the type they had in their source, bit for bit; gaps
 * are nulls. Decimals come as doubles where every digit of the column survives that (up to 2^53
 * at the column's scale), else as decimal128(38, scale); in a column that holds floats as well, as
 * the nearest doubles.
 *
 * GCH_INVALID as gch_export_csv, GCH_CORRUPT, GCH_NO_MEMORY; *out is a released stream then. What
 * fails later fails get_next: EIO, ENOMEM, ECANCELED (the progress said stop), with a text from
 * get_last_error that lives until the next call. A call after a failure tries the batch again. */
GCH_CHECKED gch_status gch_export_arrow(const gch_file *file, const gch_export_desc *desc,
                                        struct ArrowArrayStream *out, gch_error *err);

#ifdef __cplusplus
}
#endif
#endif
