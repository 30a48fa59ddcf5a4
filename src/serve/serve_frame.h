/* Rows of live series: their schema, and batches of rows as bytes (docs/protocol.md, "Frames").
 *
 * The part of a rows frame behind its header, its *payload*, is also how batches are kept.
 *
 * Thread rule: pure functions.
 */
#ifndef GCH_SERVE_FRAME_H
#define GCH_SERVE_FRAME_H

#include "base.h"
#include "gch/file.h"

#include <locale.h>

#define GCH__FRAME_HEADER_BYTES 56u
#define GCH__SUMMARY_BYTES 40u /* a column */
#define GCH__HUB_COLUMNS_MAX 256u

typedef struct gch__hub_column {
    char *name, *unit;
    gch_type type; /* I8 to F64 */
} gch__hub_column;

typedef struct gch__schema {
    gch_time_unit time_unit;
    uint32_t column_count;
    gch__hub_column *columns;
    locale_t locale; /* "C", for reading numbers */
} gch__schema;

typedef enum gch__frame_kind { GCH__FRAME_ROWS = 1, GCH__FRAME_SUMMARY = 2 } gch__frame_kind;

/* A frame's header, without its sizes. */
typedef struct gch__frame {
    uint32_t row_count;
    uint64_t sequence;
    uint64_t first_row;
    uint64_t publisher;          /* or the first batch's sequence number */
    uint64_t publisher_sequence; /* or the rows it stands for */
} gch__frame;

/* A payload's parts. */
typedef struct gch__rows {
    uint32_t row_count;
    const uint8_t *times; /* i64 each, maybe not aligned */
    const uint8_t *values[GCH__HUB_COLUMNS_MAX];
    const uint8_t *validity[GCH__HUB_COLUMNS_MAX]; /* NULL: all valid */
} gch__rows;

/* Checks a rows frame whole against the schema: sizes, types, order of times, and that padding is
 * zero. `out_payload` is the part of `bytes` behind the header. GCH_PARSE, GCH_INVALID (another
 * schema), GCH_UNSORTED, GCH_UNSUPPORTED (a version or kind). */
gch_status gch__frame_parse(const gch__schema *schema, gch__span bytes, gch__frame *out,
                            gch__span *out_payload, gch_error *err);
/* Checks a payload whole. GCH_PARSE, GCH_INVALID, GCH_UNSORTED. */
gch_status gch__payload_check(const gch__schema *schema, gch__span payload, uint32_t row_count,
                              gch_error *err);
/* Finds the parts of a payload that gch__payload_check or gch__ndjson_parse has passed. */
void gch__rows_split(const gch__schema *schema, gch__span payload, uint32_t row_count,
                     gch__rows *out);

/* Bytes of a payload of row_count rows, with validity in every column. */
uint64_t gch__payload_bytes_max(const gch__schema *schema, uint32_t row_count);
void gch__frame_put_header(uint8_t out[GCH__FRAME_HEADER_BYTES], gch__frame_kind kind,
                           const gch__frame *frame, uint32_t column_count, uint64_t byte_count);

/* What a batch comes to, a column. */
typedef struct gch__summary {
    double first, min, max, last; /* NaN if there is no value */
    uint64_t count;
} gch__summary;

/* Of every column of the schema into out[0, column_count). */
void gch__rows_summarize(const gch__schema *schema, const gch__rows *rows, gch__summary *out);
/* *sum, then *more. */
void gch__summary_add(gch__summary *sum, const gch__summary *more);

/* A message of newline-delimited JSON as a payload, appended to `out` (8-aligned if it is empty).
 * GCH_PARSE and GCH_LIMIT name the line, GCH_UNSORTED too; GCH_INVALID without rows;
 * GCH_NO_MEMORY. */
gch_status gch__ndjson_parse(const gch__schema *schema, gch__span text, gch__buffer *out,
                             uint32_t *out_row_count, gch_error *err);

#endif
