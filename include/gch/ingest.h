/* From other formats to .gch and back: CSV, raw binary, NPY, synthetic data; CSV out.
 *
 *     gch_ingest_report report;
 *     const char *input = "ticks.csv";
 *     gch_status status = gch_ingest(&(gch_ingest_desc){
 *         .inputs = &input, .input_count = 1, .output = "ticks.gch" }, &report, &err);
 *
 * Nothing is half-written: on any failure the output is as it was before the call, or, with
 * commit_every_ms, as the last commit left it.
 *
 * Bytes that come by themselves, from a socket or a browser, are pushed into a gch_parser, in
 * pieces that end anywhere; its rows go to a file, to memory, or to a callback as they come:
 *
 *     gch_parser *parser = NULL;
 *     gch_parser_desc desc = {.ingest.format = GCH_FORMAT_CSV, .take = take_rows};
 *     status = gch_parser_make(&desc, &parser, &err);
 *     while (there are bytes)
 *         status = gch_parser_push(parser, bytes, count, &taken, &err);
 *     status = gch_parser_finish(parser, &report, &err);
 *
 * Thread rule: a call uses `workers` and is otherwise independent of other calls; a parser is one
 * thread's at a time.
 */
#ifndef GCH_INGEST_H
#define GCH_INGEST_H

#include "gch/writer.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum gch_format {
    GCH_FORMAT_DEFAULT = 0, /* .npy by its magic, raw if a layout is given, else CSV */
    GCH_FORMAT_CSV = 1,
    GCH_FORMAT_RAW = 2, /* little-endian binary: records, or one file a column */
    GCH_FORMAT_NPY = 3, /* NumPy .npy, versions 1-3: 1-D, 2-D, structured; one or several files */
} gch_format;

typedef enum gch_header {
    GCH_HEADER_DEFAULT = 0, /* a header if the first record has no number where values stand */
    GCH_HEADER_YES = 1,
    GCH_HEADER_NO = 2, /* columns are then called "1", "2", ... */
} gch_header;

typedef struct gch_column_tolerance {
    const char *column; /* by name, as it is in the file */
    gch_decimal tolerance;
} gch_column_tolerance;

typedef struct gch_ingest_desc {
    gch_format format;
    const char *const *inputs; /* paths; "-" is standard input (CSV and RAW). Several CSV files are
                                  read one after the other and must have the same columns */
    uint32_t input_count;
    const char *output;
    bool append; /* add to an existing output instead of replacing it */

    gch_header header;       /* CSV */
    char delimiter;          /* CSV; 0: the one of , ; tab | that the first line holds most */
    const char *layout;      /* RAW: "time:i64,price:f64,_:u32": name:type per field, in order; _
                                is skipped. With as many inputs as fields, one file a field */
    uint64_t skip_bytes;     /* RAW: bytes before the first record, such as a WAV header's 44 */
    const char *time_column; /* name or 1-based number; NULL: "time", "timestamp", "date", "t", "ts"
                                (any case), a datetime64 field, else the first of several columns;
                                "none": no time column, rows are numbered or timed by `rate` */
    const char *const *columns; /* value columns by name or number; NULL: every other column; of a
                                   CSV those that begin with text are skipped and counted */
    uint32_t column_count;

    gch_time_unit time_unit; /* of integer times; DEFAULT: guessed by magnitude and reported (INDEX
                                for a column called "index"). For ISO text and for seconds with a
                                fraction: unit kept in the file; DEFAULT: the coarsest of s, ms, us,
                                ns that the first 1000 rows need, or ns if a later row needs more,
                                for which the input is read again (GCH_LIMIT for a pipe) */
    const char *time_zone;   /* zone of ISO text without an offset, and of display; NULL: UTC */
    double rate_hz;          /* > 0: no time column; row i is at start + floor(i * ticks / rate) */
    int64_t start_ticks;     /* with rate_hz, in time_unit (which must then be given) */

    /* > 0: the rows that are there are committed to the output so often, for readers that open it
     * while it grows; a pipe's rows then too, as they come. The first commit decides a unit of time
     * that was not given by the rows there are. On failure the rows committed stay. Not with sort.
     */
    uint64_t commit_every_ms;

    /* A point set (gch_file_info.is_point_set): its coordinates, by name or number, among the value
     * columns whether chosen or not. There is no time column; all rows are kept in memory and
     * sorted along the curve (DEFAULT: that of the file appended to, else Morton) by their
     * coordinates in 32 bits over their ranges, equals in the order they came, rows without a place
     * last. NULL: no point set. */
    const char *x_column, *y_column;
    gch_curve curve;

    /* How the output is packed: as gch_writer_desc has them, with the tolerances of single columns
     * by their names. A callback gets every value as it is. */
    gch_preset preset;
    gch_decimal tolerance;
    const gch_column_tolerance *tolerances;
    uint32_t tolerance_count;

    bool sort;         /* stable sort by time instead of refusing unsorted input */
    uint64_t skip_bad; /* malformed CSV lines to drop and count before giving up */

    gch_workers *workers;
    gch_encoder *encoder; /* as gch_writer_desc.encoder */
    const gch_allocator *allocator;
    const gch_progress *progress; /* in input bytes */
} gch_ingest_desc;

typedef struct gch_ingest_report {
    uint64_t row_count;                    /* rows added */
    uint64_t committed_count;              /* of them in the output, by commits on the way */
    uint64_t bad_count;                    /* lines dropped under skip_bad */
    char first_bad[GCH_ERROR_MESSAGE_CAP]; /* the first dropped line's error; "" if none */
    gch_time_unit time_unit;
    bool time_unit_guessed;
    bool header_found;
    uint32_t skipped_column_count; /* columns of text that were not asked for */
    uint64_t input_bytes;
    bool is_before_output; /* GCH_UNSORTED: earlier than what the file appended to ends with, where
                              sorting does not help */
} gch_ingest_report;

/* GCH_PARSE: "ticks.csv:17:5: ..." names file, line and column (1-based; column in bytes).
 * GCH_UNSORTED names the first offending line. GCH_INVALID for options that contradict each other
 * or name columns that do not exist (the message lists those that do). As the writer besides. */
GCH_CHECKED gch_status gch_ingest(const gch_ingest_desc *desc, gch_ingest_report *report,
                                  gch_error *err);

/* ---- rows as they come ---- */

/* A batch of rows; everything is borrowed for the call it is given to. */
typedef struct gch_rows {
    gch_time_unit time_unit;
    bool time_is_text;
    const char *time_name;
    const gch_column_desc *columns;
    uint32_t column_count;
    uint64_t first_row; /* rows given before */
    size_t row_count;
    const int64_t *times;        /* NULL: rows are numbered */
    const gch_column_data *data; /* a column; row 0 is bit 0 of a validity */
} gch_rows;

/* Takes all rows, or GCH_PENDING: none of them now; they are offered again by later calls on the
 * parser. Another status ends the parser. Times never decrease from call to call. */
typedef gch_status gch_rows_fn(void *context, const gch_rows *rows, gch_error *err);

typedef struct gch_parser gch_parser;

typedef struct gch_parser_desc {
    /* How to read: CSV, or RAW of records in one stream. No inputs. output is a file to write, or
     * NULL; what is pointed to is borrowed until the parser is gone. */
    gch_ingest_desc ingest;
    const char *name;  /* of the stream in messages; NULL: "stream" */
    gch_rows_fn *take; /* rows go here; only without output. With neither they go to memory */
    void *take_context;
} gch_parser_desc;

/* As gch_ingest; GCH_UNSUPPORTED for NPY, GCH_INVALID for a sort with a callback. */
GCH_CHECKED gch_status gch_parser_make(const gch_parser_desc *desc, gch_parser **out,
                                       gch_error *err);
/* Takes bytes; the pieces may end anywhere, within a number, quotes, a character. A callback gets
 * all rows that are complete, once the first thousand (or a flush) have told their types.
 * GCH_PENDING: the callback refused, and *out_taken (nullable) bytes were taken, all of them while
 * there is room; push the others later, or none to try again. Memory is bounded by a record: one
 * longer than 64 MiB is GCH_LIMIT. Otherwise as gch_ingest, but where that would read its input
 * again (a finer time than the first thousand rows had) the status is GCH_LIMIT, and the message
 * names the option to give. After a failure the parser only fails; abandon it. */
GCH_CHECKED gch_status gch_parser_push(gch_parser *parser, const void *bytes, size_t count,
                                       size_t *out_taken, gch_error *err);
/* Hands on every row that is complete: to the callback, or committed to the file for readers to
 * see. Statuses as gch_parser_push. */
GCH_CHECKED gch_status gch_parser_flush(gch_parser *parser, gch_error *err);
/* The stream has ended: takes what is left of it and finishes the output. The parser is gone
 * afterwards, unless GCH_PENDING is returned: then call again. report may be NULL. */
GCH_CHECKED gch_status gch_parser_finish(gch_parser *parser, gch_ingest_report *report,
                                         gch_error *err);
/* The same with neither output nor callback: a file image (gch_writer_free_memory). */
GCH_CHECKED gch_status gch_parser_finish_memory(gch_parser *parser, void **out_bytes,
                                                size_t *out_byte_count, gch_ingest_report *report,
                                                gch_error *err);
/* Gives up: the output is as it was, or as the last commit left it. NULL is allowed. */
void gch_parser_abandon(gch_parser *parser);

typedef enum gch_generator {
    GCH_GENERATOR_DEFAULT = 0, /* WALK */
    GCH_GENERATOR_WALK = 1,    /* regular 1 s, random walk, 0.01 steps */
    GCH_GENERATOR_SENSOR = 2,  /* regular 1 ms, 12-bit integers that wander */
    GCH_GENERATOR_TICKS = 3,   /* irregular ms (Poisson, duplicates), prices in 0.01, and volumes */
    GCH_GENERATOR_SINE = 4,    /* regular 100 us, f32 sine with noise */
    GCH_GENERATOR_ECG = 5,     /* regular 2 ms, a synthetic heart beat in 0.001 mV */
    GCH_GENERATOR_POINTS = 6, /* a point set in Morton order: clusters, with x and y in 0.001, size,
                                 value and category */
} gch_generator;

typedef struct gch_generate_desc {
    gch_generator kind;
    uint64_t row_count;
    uint64_t seed; /* the same seed gives the same file whatever the number of workers */
    const char *output;
    gch_preset preset; /* as gch_writer_desc has them */
    gch_decimal tolerance;
    gch_workers *workers;
    const gch_allocator *allocator;
    const gch_progress *progress; /* in rows */
} gch_generate_desc;

/* Statuses as the writer. */
GCH_CHECKED gch_status gch_generate(const gch_generate_desc *desc, gch_error *err);
/* "walk", "sensor", ... */
bool gch_generator_parse(const char *name, gch_generator *out);

typedef struct gch_export_desc {
    const uint32_t *columns; /* NULL: all */
    uint32_t column_count;
    int64_t from, to; /* ticks, [from, to); from == to: everything */
    bool no_header;
    bool integer_times;           /* also where the source had ISO text */
    const gch_progress *progress; /* in rows */
} gch_export_desc;

/* Writes CSV (RFC 4180, LF line ends). Re-ingesting the text gives the same values and times bit
 * for bit, but for what text cannot carry: a NaN, whatever its payload, comes back as a gap. Units
 * of columns and the zone of display are not in the text; integer times may need their unit named.
 * GCH_IO, GCH_CORRUPT, GCH_INVALID, GCH_CANCELLED. */
GCH_CHECKED gch_status gch_export_csv(const gch_file *file, const gch_export_desc *desc, FILE *out,
                                      gch_error *err);

#ifdef __cplusplus
}
#endif
#endif
