/* Records of a CSV text (RFC 4180), streamed through one buffer.
 *
 * Fields are separated by a one-byte delimiter, records by LF or CRLF; the last record may lack
 * its line end. A field that begins with a double quote ends at the next quote that is not doubled
 * and may hold delimiters and line ends; quotes elsewhere are text. Blank lines are passed over,
 * and so is a UTF-8 byte order mark.
 *
 * Ownership: a record and its fields are borrowed until the next call on the reader.
 * Thread rule: one thread at a time.
 */
#ifndef GCH_INGEST_CSV_READER_H
#define GCH_INGEST_CSV_READER_H

#include "ingest_input.h"

#define GCH__CSV_RECORD_BYTES_MAX ((size_t)64 << 20)
#define GCH__CSV_FIELDS_MAX 65536u

typedef struct gch__csv_field {
    uint32_t start; /* in the record; inside the quotes */
    uint32_t length;
    bool is_quoted;
    bool has_doubled; /* quotes: the text is shorter than the field */
} gch__csv_field;

/* What is wrong with a record; it has no fields then. */
typedef enum gch__csv_fault {
    GCH__CSV_SOUND = 0,
    GCH__CSV_TEXT_AFTER_QUOTE = 1,
    GCH__CSV_OPEN_QUOTE = 2, /* to the end of the input, or beyond the longest record */
    GCH__CSV_TOO_MANY_FIELDS = 3,
    GCH__CSV_TOO_LONG = 4, /* nothing can be read after it */
} gch__csv_fault;

typedef struct gch__csv_record {
    const uint8_t *bytes;
    size_t length;      /* without the line end */
    uint64_t line;      /* of its first byte, 1-based */
    bool has_line_ends; /* inside quotes */
    const gch__csv_field *fields;
    size_t field_count; /* 0: the end of the input, unless there is a fault */
    gch__csv_fault fault;
    size_t fault_at; /* in the record */
} gch__csv_record;

typedef struct gch__csv_reader {
    const gch_allocator *allocator;
    gch__input *input; /* borrowed */
    uint64_t refill_count;
    uint8_t delimiter;
    uint8_t *bytes; /* front padding before, cap, padding behind */
    size_t cap;
    size_t begin, end; /* the bytes not yet consumed */
    bool is_at_end;    /* nothing to come behind `end` */
    uint64_t line;     /* of `begin` */
    gch__csv_field *fields;
    size_t field_cap;
    uint8_t *text; /* a field without its doubled quotes */
    size_t text_cap;
} gch__csv_reader;

/* Reads the first bytes. delimiter 0: the one of , ; tab | that the first line holds most. The
 * buffer grows only for records that are longer. GCH_IO, GCH_NO_MEMORY; GCH_UNSUPPORTED for UTF-16
 * and gzip. */
GCH_CHECKED gch_status gch__csv_reader_open(gch__csv_reader *reader, const gch_allocator *allocator,
                                            gch__input *input, char delimiter, size_t buffer_bytes,
                                            gch_error *err);
void gch__csv_reader_close(gch__csv_reader *reader);

GCH_CHECKED gch_status gch__csv_reader_next(gch__csv_reader *reader, gch__csv_record *out,
                                            gch_error *err);
/* The record at `begin`, which stays there, if it lies whole in the buffer; false if not, or if
 * memory ran out. *out_bytes and *out_lines count what would be consumed. A blank line is a record
 * without fields and faults. */
bool gch__csv_reader_peek(gch__csv_reader *reader, gch__csv_record *out, size_t *out_bytes,
                          uint64_t *out_lines);
/* After GCH__CSV_OPEN_QUOTE: goes on behind the line on which the quote stands. */
void gch__csv_reader_drop_line(gch__csv_reader *reader, const gch__csv_record *record);

/* A field's text; false if memory ran out. Valid until the next call with the same reader. */
bool gch__csv_reader_text(gch__csv_reader *reader, const gch__csv_record *record, size_t field,
                          gch__span *out);
/* Line and column, both 1-based, of a byte of the record. */
void gch__csv_position(const gch__csv_record *record, size_t at, uint64_t *out_line,
                       uint64_t *out_column);
/* Where a field begins, its quote included. */
size_t gch__csv_field_start(const gch__csv_field *field);

/* GCH_PARSE with "NAME:LINE:COLUMN: " before the text. */
GCH_PRINTF(5, 6)
gch_status gch__csv_fail(const gch__csv_reader *reader, const gch__csv_record *record, size_t at,
                         gch_error *err, const char *format, ...);
/* The same for a record's fault. */
gch_status gch__csv_fail_fault(const gch__csv_reader *reader, const gch__csv_record *record,
                               gch_error *err);

#endif
