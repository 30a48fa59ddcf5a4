/* Records of a CSV text (RFC 4180), streamed through one buffer that whoever has the bytes fills.
 *
 *     GCH_TRY(gch__csv_reader_room(reader, &to, &cap, err));
 *     count = what was copied or read to `to`, cap bytes at most;
 *     gch__csv_reader_fill(reader, count, is_end);
 *     do GCH_TRY(gch__csv_reader_next(reader, &record, err)); while (it gives a record);
 *
 * Bytes may come in pieces of any size: a record that is not whole yet is gone on with where its
 * scan stopped, so that the work is linear in the bytes whatever the pieces.
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

#include "base.h"

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
    GCH__CSV_OPEN_QUOTE = 2, /* to the end of the text, or beyond the longest record */
    GCH__CSV_TOO_MANY_FIELDS = 3,
    GCH__CSV_TOO_LONG = 4, /* nothing can be read after it */
} gch__csv_fault;

typedef struct gch__csv_record {
    const uint8_t *bytes;
    size_t length;      /* without the line end */
    uint64_t line;      /* of its first byte, 1-based */
    bool has_line_ends; /* inside quotes */
    const gch__csv_field *fields;
    size_t field_count; /* 0: no record, unless there is a fault */
    gch__csv_fault fault;
    size_t fault_at; /* in the record */
} gch__csv_record;

/* How far the record at `begin` is scanned; places count from `begin`. */
typedef struct gch__csv_scan {
    size_t at;          /* where to go on: in the field, or at a quote that may close it */
    size_t field_start; /* of the field at hand, its quote included */
    size_t field_count; /* complete ones before it */
    bool is_started;    /* the field at hand has been looked at */
    bool is_in_quotes, has_doubled;
    bool is_behind_quote;  /* text follows the closing quote: a fault, up to the next delimiter */
    gch__csv_field quoted; /* is_behind_quote: the field */
    gch__csv_fault fault;
    size_t fault_at;
    bool has_line_ends;
} gch__csv_scan;

/* The first line as far as it is known, for the choice of a delimiter. */
typedef struct gch__csv_sniff {
    size_t at;
    bool is_quoted, is_text;
    size_t counts[4];
} gch__csv_sniff;

typedef struct gch__csv_reader {
    const gch_allocator *allocator;
    const char *name; /* borrowed; for messages */
    uint64_t fill_count;
    uint8_t delimiter; /* 0: not known yet */
    bool is_begun;     /* encoding and delimiter are known */
    gch__csv_sniff sniff;
    uint8_t *bytes; /* front padding before, cap, padding behind */
    size_t cap;
    size_t begin, end; /* the bytes not yet consumed */
    bool is_at_end;    /* nothing to come behind `end` */
    uint64_t line;     /* of `begin` */
    bool is_starved;   /* what lies in the buffer has no whole record */
    gch__csv_scan scan;
    gch__csv_field *fields;
    size_t field_cap;
    uint8_t *text; /* a field without its doubled quotes */
    size_t text_cap;
} gch__csv_reader;

/* delimiter 0: the one of , ; tab | that the first line holds most. The buffer grows only for
 * records that are longer than it. GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__csv_reader_open(gch__csv_reader *reader, const gch_allocator *allocator,
                                            const char *name, char delimiter, size_t buffer_bytes,
                                            gch_error *err);
void gch__csv_reader_close(gch__csv_reader *reader);

/* Where the next bytes go; *out_cap is 0 while the buffer is full of records not yet taken. Records
 * given before are gone. GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__csv_reader_room(gch__csv_reader *reader, uint8_t **out_to,
                                            size_t *out_cap, gch_error *err);
/* `count` bytes lie there now. is_end: they are the last. */
void gch__csv_reader_fill(gch__csv_reader *reader, size_t count, bool is_end);

/* The next record. One without fields and fault: what is in the buffer is used up (is_starved), or
 * the text is at its end. GCH_NO_MEMORY; GCH_UNSUPPORTED for UTF-16 and gzip. */
GCH_CHECKED gch_status gch__csv_reader_next(gch__csv_reader *reader, gch__csv_record *out,
                                            gch_error *err);
/* Consumes whole records that were read by other means. */
void gch__csv_reader_advance(gch__csv_reader *reader, size_t bytes, uint64_t lines);
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
/* The same for a record's fault; GCH_LIMIT for one that is too long. */
gch_status gch__csv_fail_fault(const gch__csv_reader *reader, const gch__csv_record *record,
                               gch_error *err);

#endif
