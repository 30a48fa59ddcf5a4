/* Splits CSV into records and fields, eight bytes at a time.
 *
 * Invariants:
 *  1. bytes[end] is a line feed that is not part of the input, followed by GCH__CSV_PADDING - 1
 *     bytes of zero: a search always stops, and the kernels may load anywhere up to `end`.
 *  2. `begin` is the first byte of a record. A record that runs past `end` is scanned again from
 *     `begin` once the buffer is full or has grown: twice its length at most, as the buffer
 *     doubles.
 *  3. The buffer's bytes are never changed, so that positions in messages stay true.
 */
#include "ingest_csv_reader.h"

#include "ingest_kernels.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ONES 0x0101010101010101u
#define LOW_SEVEN 0x7F7F7F7F7F7F7F7Fu
#define SNIFFED_BYTES_MAX ((size_t)1 << 20)

/* The top bit of each byte of `word` that equals the byte repeated in `pattern`; exact, carries
 * do not cross bytes. */
static inline uint64_t match(uint64_t word, uint64_t pattern)
{
    uint64_t x = word ^ pattern;
    return ~(((x & LOW_SEVEN) + LOW_SEVEN) | x | LOW_SEVEN);
}

static gch_status set_cap(gch__csv_reader *reader, size_t cap, gch_error *err)
{
    uint8_t *old = reader->bytes != NULL ? reader->bytes - GCH__CSV_FRONT : NULL;
    uint8_t *bytes = gch__resize_array(reader->allocator, old,
                                       GCH__CSV_FRONT + cap + GCH__CSV_PADDING, 1, "csv buffer");
    if (bytes == NULL)
        return gch__no_memory(err, "csv buffer");
    memset(bytes, 0, GCH__CSV_FRONT);
    reader->bytes = bytes + GCH__CSV_FRONT;
    reader->cap = cap;
    return GCH_OK;
}

/* Brings more bytes behind those from `begin` on, with room made first. */
static gch_status refill(gch__csv_reader *reader, gch_error *err)
{
    size_t kept = reader->end - reader->begin;
    if (reader->begin > 0) {
        memmove(reader->bytes, reader->bytes + reader->begin, kept);
        reader->begin = 0;
        reader->end = kept;
    } else if (kept == reader->cap) {
        GCH_TRY(set_cap(reader, reader->cap * 2, err));
    }
    size_t count;
    GCH_TRY(gch__input_read(reader->input, reader->bytes + kept, reader->cap - kept, &count, err));
    reader->refill_count++;
    reader->is_at_end = count < reader->cap - kept;
    reader->end = kept + count;
    memset(reader->bytes + reader->end, 0, GCH__CSV_PADDING);
    reader->bytes[reader->end] = '\n';
    return GCH_OK;
}

/* At least `count` bytes from `begin`, if the input has them. */
static gch_status ensure(gch__csv_reader *reader, size_t count, gch_error *err)
{
    while (reader->end - reader->begin < count && !reader->is_at_end)
        GCH_TRY(refill(reader, err));
    return GCH_OK;
}

static gch_status refuse_encoding(const gch__csv_reader *reader, gch_error *err)
{
    const uint8_t *p = reader->bytes;
    size_t count = reader->end;
    if (count >= 2 && ((p[0] == 0xFF && p[1] == 0xFE) || (p[0] == 0xFE && p[1] == 0xFF)))
        return gch_fail(err, GCH_UNSUPPORTED, "%s: is UTF-16 text, expected UTF-8",
                        reader->input->name);
    if (count >= 2 && p[0] == 0x1F && p[1] == 0x8B)
        return gch_fail(err, GCH_UNSUPPORTED,
                        "%s: is compressed with gzip; unpack it first, for example with zcat",
                        reader->input->name);
    return GCH_OK;
}

static gch_status sniff_delimiter(gch__csv_reader *reader, gch_error *err)
{
    static const char candidates[] = {',', ';', '\t', '|'};
    size_t counts[GCH_COUNT_OF(candidates)] = {0};
    bool is_quoted = false, is_text = false;
    for (size_t at = 0; at < SNIFFED_BYTES_MAX; at++) {
        GCH_TRY(ensure(reader, at + 1, err));
        if (reader->begin + at >= reader->end)
            break;
        uint8_t c = reader->bytes[reader->begin + at];
        is_quoted ^= c == '"';
        if (is_quoted)
            continue;
        if (c == '\n' && is_text)
            break; /* the first line with anything on it */
        is_text |= c != '\n' && c != '\r';
        for (size_t i = 0; i < GCH_COUNT_OF(candidates); i++)
            counts[i] += c == (uint8_t)candidates[i];
    }
    size_t best = 0;
    for (size_t i = 1; i < GCH_COUNT_OF(candidates); i++) {
        if (counts[i] > counts[best])
            best = i;
    }
    reader->delimiter = (uint8_t)candidates[best];
    return GCH_OK;
}

gch_status gch__csv_reader_open(gch__csv_reader *reader, const gch_allocator *allocator,
                                gch__input *input, char delimiter, size_t buffer_bytes,
                                gch_error *err)
{
    *reader = (gch__csv_reader){
        .allocator = allocator, .input = input, .delimiter = (uint8_t)delimiter, .line = 1};
    gch_status status = set_cap(reader, GCH_MAX(buffer_bytes, (size_t)1), err);
    if (status == GCH_OK)
        status = ensure(reader, 3, err);
    if (status == GCH_OK)
        status = refuse_encoding(reader, err);
    if (status == GCH_OK && reader->end >= 3 && memcmp(reader->bytes, "\xEF\xBB\xBF", 3) == 0)
        reader->begin = 3;
    if (status == GCH_OK && delimiter == 0)
        status = sniff_delimiter(reader, err);
    if (status != GCH_OK)
        gch__csv_reader_close(reader);
    return status;
}

void gch__csv_reader_close(gch__csv_reader *reader)
{
    if (reader->bytes != NULL)
        gch__free(reader->allocator, reader->bytes - GCH__CSV_FRONT, "csv buffer");
    gch__free(reader->allocator, reader->fields, "csv fields");
    gch__free(reader->allocator, reader->text, "csv text");
    *reader = (gch__csv_reader){0};
}

typedef enum scan_result {
    SCAN_DONE,
    SCAN_MORE, /* the record goes on behind `end` */
    SCAN_NO_MEMORY,
} scan_result;

/* A field that begins with the quote at `at`. Returns the position behind it: a delimiter, a line
 * feed, or `limit`; SIZE_MAX if its closing quote is not in reach. */
static size_t scan_quoted(const uint8_t *bytes, size_t at, size_t limit, uint8_t delimiter,
                          gch__csv_field *field, gch__csv_record *record)
{
    size_t start = ++at;
    field->is_quoted = true;
    for (;;) {
        const uint8_t *quote = memchr(bytes + at, '"', limit - at);
        if (quote == NULL) {
            record->fault_at = start - 1;
            return SIZE_MAX;
        }
        at = (size_t)(quote - bytes) + 1;
        if (at >= limit || bytes[at] != '"')
            break;
        field->has_doubled = true;
        at++;
    }
    field->start = (uint32_t)start;
    field->length = (uint32_t)(at - 1 - start);
    if (memchr(bytes + start, '\n', field->length) != NULL)
        record->has_line_ends = true;
    if (at < limit && bytes[at] == '\r' && (at + 1 == limit || bytes[at + 1] == '\n'))
        at++;
    if (at < limit && bytes[at] != delimiter && bytes[at] != '\n' &&
        record->fault == GCH__CSV_SOUND) {
        record->fault = GCH__CSV_TEXT_AFTER_QUOTE;
        record->fault_at = at;
    }
    return at;
}

/* The next delimiter or line feed at or behind `at`; the sentinel is one. */
static inline size_t find_break(const uint8_t *bytes, size_t at, uint64_t delimiters)
{
    for (;; at += 8) {
        uint64_t word = gch__load_u64(bytes + at);
        uint64_t hits = match(word, delimiters) | match(word, (uint64_t)'\n' * ONES);
        if (hits != 0)
            return at + (size_t)(__builtin_ctzll(hits) >> 3);
    }
}

/* Finds the end and the fields of the record at `begin`. *out_consumed counts its line end. */
static scan_result scan(gch__csv_reader *reader, gch__csv_record *record, size_t *out_consumed,
                        size_t *out_open_quote)
{
    const uint8_t *bytes = reader->bytes + reader->begin;
    const size_t limit = reader->end - reader->begin;
    const uint64_t delimiters = reader->delimiter * ONES;
    size_t at = 0, count = 0;
    *out_open_quote = SIZE_MAX;
    for (;;) {
        if (count == reader->field_cap) {
            if (gch__ensure(reader->allocator, (void **)&reader->fields, &reader->field_cap,
                            GCH_MAX(count + 1, (size_t)16), sizeof *reader->fields, "csv fields",
                            NULL) != GCH_OK)
                return SCAN_NO_MEMORY;
        }
        gch__csv_field field = {.start = (uint32_t)at};
        if (at < limit && bytes[at] == '"') {
            size_t behind = scan_quoted(bytes, at, limit, reader->delimiter, &field, record);
            if (behind == SIZE_MAX) {
                *out_open_quote = at;
                return SCAN_MORE;
            }
            /* Text behind the quote is a fault; the record still ends where it seems to end. */
            at = record->fault == GCH__CSV_TEXT_AFTER_QUOTE ? find_break(bytes, behind, delimiters)
                                                            : behind;
        } else {
            at = find_break(bytes, at, delimiters);
            field.length = (uint32_t)(at - field.start);
        }
        if (count < GCH__CSV_FIELDS_MAX) {
            reader->fields[count++] = field;
        } else if (record->fault == GCH__CSV_SOUND) {
            record->fault = GCH__CSV_TOO_MANY_FIELDS;
            record->fault_at = field.start;
        }
        if (at >= limit) {
            if (!reader->is_at_end)
                return SCAN_MORE;
            *out_consumed = limit;
            break;
        }
        if (bytes[at] == '\n') {
            *out_consumed = at + 1;
            break;
        }
        at++;
    }
    gch__csv_field *last = &reader->fields[count - 1];
    record->length = GCH_MIN(at, limit);
    if (!last->is_quoted && last->length > 0 && bytes[last->start + last->length - 1] == '\r')
        last->length--;
    record->bytes = bytes;
    record->fields = reader->fields;
    record->field_count = count;
    return SCAN_DONE;
}

static uint64_t count_line_ends(const uint8_t *bytes, size_t count)
{
    uint64_t lines = 0;
    for (size_t i = 0; i < count; i++)
        lines += bytes[i] == '\n';
    return lines;
}

static bool is_blank_line(const gch__csv_record *record)
{
    if (record->field_count != 1 || record->fields[0].is_quoted || record->fault != GCH__CSV_SOUND)
        return false;
    return gch__trim(record->bytes, record->fields[0].length).count == 0;
}

/* The record that no reading will complete: its quote stays open, or it is too long. */
static void set_unfinished(gch__csv_reader *reader, gch__csv_record *record, size_t open_quote)
{
    record->bytes = reader->bytes + reader->begin;
    record->length = reader->end - reader->begin;
    record->field_count = 0;
    record->fault = open_quote != SIZE_MAX ? GCH__CSV_OPEN_QUOTE : GCH__CSV_TOO_LONG;
    record->fault_at = open_quote != SIZE_MAX ? open_quote : 0;
    record->has_line_ends = true;
}

gch_status gch__csv_reader_next(gch__csv_reader *reader, gch__csv_record *out, gch_error *err)
{
    for (;;) {
        *out = (gch__csv_record){.line = reader->line};
        if (reader->begin == reader->end && reader->is_at_end)
            return GCH_OK;
        size_t consumed = 0, open_quote;
        scan_result result = scan(reader, out, &consumed, &open_quote);
        if (result == SCAN_NO_MEMORY)
            return gch__no_memory(err, "csv fields");
        if (result == SCAN_MORE) {
            bool is_too_long = reader->end - reader->begin >= GCH__CSV_RECORD_BYTES_MAX;
            if (is_too_long || reader->is_at_end) {
                set_unfinished(reader, out, open_quote);
                return GCH_OK;
            }
            GCH_TRY(refill(reader, err));
            continue;
        }
        reader->line += 1 + (out->has_line_ends ? count_line_ends(out->bytes, out->length) : 0);
        reader->begin += consumed;
        if (is_blank_line(out))
            continue;
        if (out->fault != GCH__CSV_SOUND)
            out->field_count = 0;
        return GCH_OK;
    }
}

bool gch__csv_reader_peek(gch__csv_reader *reader, gch__csv_record *out, size_t *out_bytes,
                          uint64_t *out_lines)
{
    size_t open_quote;
    *out = (gch__csv_record){.line = reader->line};
    if (reader->begin == reader->end || scan(reader, out, out_bytes, &open_quote) != SCAN_DONE)
        return false;
    *out_lines = 1 + (out->has_line_ends ? count_line_ends(out->bytes, out->length) : 0);
    if (is_blank_line(out) || out->fault != GCH__CSV_SOUND)
        out->field_count = 0;
    return true;
}

void gch__csv_reader_drop_line(gch__csv_reader *reader, const gch__csv_record *record)
{
    const uint8_t *from = record->bytes + record->fault_at;
    const uint8_t *line_end = memchr(from, '\n', record->length - record->fault_at);
    size_t consumed = line_end != NULL ? (size_t)(line_end - record->bytes) + 1 : record->length;
    reader->line += count_line_ends(record->bytes, consumed);
    reader->begin += consumed;
}

bool gch__csv_reader_text(gch__csv_reader *reader, const gch__csv_record *record, size_t field,
                          gch__span *out)
{
    const gch__csv_field *f = &record->fields[field];
    const uint8_t *from = record->bytes + f->start;
    if (!f->has_doubled) {
        *out = (gch__span){from, f->length};
        return true;
    }
    if (gch__ensure(reader->allocator, (void **)&reader->text, &reader->text_cap, f->length, 1,
                    "csv text", NULL) != GCH_OK)
        return false;
    size_t count = 0;
    for (size_t i = 0; i < f->length; i++) {
        reader->text[count++] = from[i];
        i += from[i] == '"'; /* the second of a pair */
    }
    *out = (gch__span){reader->text, count};
    return true;
}

void gch__csv_position(const gch__csv_record *record, size_t at, uint64_t *out_line,
                       uint64_t *out_column)
{
    *out_line = record->line;
    size_t line_start = 0;
    if (record->has_line_ends) {
        for (size_t i = 0; i < at; i++) {
            if (record->bytes[i] == '\n') {
                (*out_line)++;
                line_start = i + 1;
            }
        }
    }
    *out_column = at - line_start + 1;
}

size_t gch__csv_field_start(const gch__csv_field *field)
{
    return field->start - (size_t)field->is_quoted;
}

gch_status gch__csv_fail(const gch__csv_reader *reader, const gch__csv_record *record, size_t at,
                         gch_error *err, const char *format, ...)
{
    char text[GCH_ERROR_MESSAGE_CAP];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    uint64_t line, column;
    gch__csv_position(record, at, &line, &column);
    return gch_fail(err, GCH_PARSE, "%s:%llu:%llu: %s", reader->input->name,
                    (unsigned long long)line, (unsigned long long)column, text);
}

gch_status gch__csv_fail_fault(const gch__csv_reader *reader, const gch__csv_record *record,
                               gch_error *err)
{
    const size_t at = record->fault_at;
    char quoted[GCH__QUOTED_CAP];
    switch (record->fault) {
    case GCH__CSV_SOUND:
        break;
    case GCH__CSV_TEXT_AFTER_QUOTE:
        gch__field_quote(record->bytes + at, record->length - at, quoted);
        return gch__csv_fail(reader, record, at, err,
                             "found %s behind a closing quote, expected a delimiter or a line end",
                             quoted);
    case GCH__CSV_OPEN_QUOTE:
        return gch__csv_fail(
            reader, record, at, err, "the quote that opens here is not closed before %s",
            record->length >= GCH__CSV_RECORD_BYTES_MAX ? "64 MiB" : "the end of the input");
    case GCH__CSV_TOO_MANY_FIELDS:
        return gch__csv_fail(reader, record, at, err, "found more than %u fields",
                             GCH__CSV_FIELDS_MAX);
    case GCH__CSV_TOO_LONG:
        return gch__csv_fail(reader, record, 0, err,
                             "the line that begins here is longer than 64 MiB");
    }
    return GCH_OK;
}
