/* Splits CSV into records and fields, eight bytes at a time.
 *
 * Invariants:
 *  1. bytes[end] is a line feed that is not part of the input, followed by GCH__CSV_PADDING - 1
 *     bytes of zero: a search always stops, and the kernels may load anywhere up to `end`.
 *  2. `begin` is the first byte of a record. If that record is not whole, `scan` says how far it is
 *     known, and no byte before scan.at is looked at again until it is, but for line ends in
 * quotes.
 *  3. The buffer's bytes are never changed, so that positions in messages stay true.
 */
#include "ingest_csv_reader.h"

#include "ingest_kernels.h"

#include <assert.h>
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

gch_status gch__csv_reader_room(gch__csv_reader *reader, uint8_t **out_to, size_t *out_cap,
                                gch_error *err)
{
    const size_t kept = reader->end - reader->begin;
    const size_t room = reader->cap - reader->end;
    if (reader->begin > 0 && (room == 0 || room < reader->cap / 2)) {
        memmove(reader->bytes, reader->bytes + reader->begin, kept);
        reader->begin = 0;
        reader->end = kept;
        reader->fill_count++;
    } else if (kept == reader->cap && reader->is_starved) {
        GCH_TRY(set_cap(reader, reader->cap * 2, err));
        reader->fill_count++;
    }
    *out_to = reader->bytes + reader->end;
    *out_cap = reader->cap - reader->end;
    return GCH_OK;
}

void gch__csv_reader_fill(gch__csv_reader *reader, size_t count, bool is_end)
{
    reader->fill_count++;
    reader->end += count;
    reader->is_at_end = is_end;
    reader->is_starved &= count == 0 && !is_end;
    memset(reader->bytes + reader->end, 0, GCH__CSV_PADDING);
    reader->bytes[reader->end] = '\n';
}

static gch_status refuse_encoding(const gch__csv_reader *reader, gch_error *err)
{
    const uint8_t *p = reader->bytes;
    size_t count = reader->end;
    if (count >= 2 && ((p[0] == 0xFF && p[1] == 0xFE) || (p[0] == 0xFE && p[1] == 0xFF)))
        return gch_fail(err, GCH_UNSUPPORTED, "%s: is UTF-16 text, expected UTF-8", reader->name);
    if (count >= 2 && p[0] == 0x1F && p[1] == 0x8B)
        return gch_fail(err, GCH_UNSUPPORTED,
                        "%s: is compressed with gzip; unpack it first, for example with zcat",
                        reader->name);
    return GCH_OK;
}

/* Chooses the delimiter; false if the first line goes on behind the bytes there are. */
static bool sniff_delimiter(gch__csv_reader *reader)
{
    static const char candidates[] = {',', ';', '\t', '|'};
    static_assert(GCH_COUNT_OF(candidates) == GCH_COUNT_OF(reader->sniff.counts), "one count each");
    gch__csv_sniff *sniff = &reader->sniff;
    const size_t limit = GCH_MIN(reader->end - reader->begin, SNIFFED_BYTES_MAX);
    bool is_known = reader->is_at_end || limit == SNIFFED_BYTES_MAX;
    for (; sniff->at < limit; sniff->at++) {
        uint8_t c = reader->bytes[reader->begin + sniff->at];
        sniff->is_quoted ^= c == '"';
        if (sniff->is_quoted)
            continue;
        if (c == '\n' && sniff->is_text) { /* the first line with anything on it */
            is_known = true;
            break;
        }
        sniff->is_text |= c != '\n' && c != '\r';
        for (size_t i = 0; i < GCH_COUNT_OF(candidates); i++)
            sniff->counts[i] += c == (uint8_t)candidates[i];
    }
    if (!is_known)
        return false;
    size_t best = 0;
    for (size_t i = 1; i < GCH_COUNT_OF(candidates); i++) {
        if (sniff->counts[i] > sniff->counts[best])
            best = i;
    }
    reader->delimiter = (uint8_t)candidates[best];
    return true;
}

/* Encoding, byte order mark and delimiter, once enough is there: sets is_begun. */
static gch_status begin(gch__csv_reader *reader, gch_error *err)
{
    if (reader->sniff.at == 0 && reader->begin == 0) {
        if (reader->end < 3 && !reader->is_at_end)
            return GCH_OK;
        GCH_TRY(refuse_encoding(reader, err));
        if (reader->end >= 3 && memcmp(reader->bytes, "\xEF\xBB\xBF", 3) == 0)
            reader->begin = 3;
    }
    reader->is_begun = reader->delimiter != 0 || sniff_delimiter(reader);
    return GCH_OK;
}

gch_status gch__csv_reader_open(gch__csv_reader *reader, const gch_allocator *allocator,
                                const char *name, char delimiter, size_t buffer_bytes,
                                gch_error *err)
{
    *reader = (gch__csv_reader){.allocator = allocator,
                                .name = name,
                                .delimiter = (uint8_t)delimiter,
                                .is_starved = true,
                                .line = 1};
    GCH_TRY(set_cap(reader, GCH_MAX(buffer_bytes, (size_t)1), err));
    gch__csv_reader_fill(reader, 0, false);
    return GCH_OK;
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

/* Goes on within the quotes of the field at hand. True once it is complete; then scan->at is behind
 * it, at a delimiter, a line feed, or `limit`. False: its end is not in reach. */
static bool scan_quoted(const uint8_t *bytes, size_t limit, bool is_last, uint8_t delimiter,
                        gch__csv_scan *scan, gch__csv_field *field)
{
    for (;;) {
        const uint8_t *quote = memchr(bytes + scan->at, '"', limit - scan->at);
        if (quote == NULL) {
            scan->at = limit;
            return false;
        }
        size_t at = (size_t)(quote - bytes);
        /* What follows decides: another quote, a line end in two bytes, or text. */
        if (limit - at < 3 && !is_last && (limit - at < 2 || bytes[at + 1] == '\r')) {
            scan->at = at;
            return false;
        }
        scan->at = at + 1;
        if (scan->at >= limit || bytes[scan->at] != '"')
            break;
        scan->has_doubled = true;
        scan->at++;
    }
    size_t at = scan->at, start = scan->field_start + 1;
    *field = (gch__csv_field){.start = (uint32_t)start,
                              .length = (uint32_t)(at - 1 - start),
                              .is_quoted = true,
                              .has_doubled = scan->has_doubled};
    if (memchr(bytes + start, '\n', field->length) != NULL)
        scan->has_line_ends = true;
    if (at < limit && bytes[at] == '\r' && (at + 1 == limit || bytes[at + 1] == '\n'))
        at++;
    if (at < limit && bytes[at] != delimiter && bytes[at] != '\n') {
        /* A fault, unless there was one; the record still ends where it seems to end. */
        scan->is_behind_quote = true;
        scan->quoted = *field;
        if (scan->fault == GCH__CSV_SOUND) {
            scan->fault = GCH__CSV_TEXT_AFTER_QUOTE;
            scan->fault_at = at;
        }
    }
    scan->is_in_quotes = false;
    scan->at = at;
    return true;
}

/* Goes on with the field at hand. As scan_quoted. */
static bool scan_field(const uint8_t *bytes, size_t limit, bool is_last, uint8_t delimiter,
                       gch__csv_scan *scan, gch__csv_field *field)
{
    if (!scan->is_started) {
        if (scan->at >= limit && !is_last)
            return false; /* it may begin with a quote */
        scan->is_started = true;
        scan->is_in_quotes = scan->at < limit && bytes[scan->at] == '"';
        scan->at += scan->is_in_quotes;
    }
    if (scan->is_in_quotes) {
        if (!scan_quoted(bytes, limit, is_last, delimiter, scan, field))
            return false;
        if (!scan->is_behind_quote)
            return true;
    }
    scan->at = find_break(bytes, scan->at, delimiter * ONES);
    if (scan->at >= limit) {
        scan->at = limit;
        if (!is_last)
            return false;
    }
    *field = scan->is_behind_quote
                 ? scan->quoted
                 : (gch__csv_field){.start = (uint32_t)scan->field_start,
                                    .length = (uint32_t)(scan->at - scan->field_start)};
    return true;
}

/* Finds the end and the fields of the record at `begin`, from where reader->scan stands.
 * *out_consumed counts its line end. */
static scan_result scan(gch__csv_reader *reader, gch__csv_record *record, size_t *out_consumed)
{
    gch__csv_scan *scan = &reader->scan;
    const uint8_t *bytes = reader->bytes + reader->begin;
    const size_t limit = reader->end - reader->begin;
    for (;;) {
        gch__csv_field field;
        if (scan->field_count == reader->field_cap) {
            if (gch__ensure(reader->allocator, (void **)&reader->fields, &reader->field_cap,
                            GCH_MAX(scan->field_count + 1, (size_t)16), sizeof *reader->fields,
                            "csv fields", NULL) != GCH_OK)
                return SCAN_NO_MEMORY;
        }
        if (!scan_field(bytes, limit, reader->is_at_end, reader->delimiter, scan, &field))
            return SCAN_MORE;
        if (scan->field_count < GCH__CSV_FIELDS_MAX) {
            reader->fields[scan->field_count++] = field;
        } else if (scan->fault == GCH__CSV_SOUND) {
            scan->fault = GCH__CSV_TOO_MANY_FIELDS;
            scan->fault_at = scan->field_start;
        }
        if (scan->at >= limit || bytes[scan->at] == '\n')
            break;
        scan->at++;
        scan->field_start = scan->at;
        scan->is_started = false;
        scan->has_doubled = false;
        scan->is_behind_quote = false;
    }
    *out_consumed = scan->at >= limit ? limit : scan->at + 1;
    gch__csv_field *last = &reader->fields[scan->field_count - 1];
    record->length = GCH_MIN(scan->at, limit);
    if (!last->is_quoted && last->length > 0 && bytes[last->start + last->length - 1] == '\r')
        last->length--;
    record->bytes = bytes;
    record->fields = reader->fields;
    record->field_count = scan->field_count;
    record->fault = scan->fault;
    record->fault_at = scan->fault_at;
    record->has_line_ends = scan->has_line_ends;
    *scan = (gch__csv_scan){0};
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
static void set_unfinished(gch__csv_reader *reader, gch__csv_record *record)
{
    const bool is_open = reader->scan.is_in_quotes;
    record->bytes = reader->bytes + reader->begin;
    record->length = reader->end - reader->begin;
    record->field_count = 0;
    record->fault = is_open ? GCH__CSV_OPEN_QUOTE : GCH__CSV_TOO_LONG;
    record->fault_at = is_open ? reader->scan.field_start : 0;
    record->has_line_ends = true;
    reader->scan = (gch__csv_scan){0};
}

gch_status gch__csv_reader_next(gch__csv_reader *reader, gch__csv_record *out, gch_error *err)
{
    *out = (gch__csv_record){.line = reader->line};
    if (!reader->is_begun) {
        GCH_TRY(begin(reader, err));
        reader->is_starved = !reader->is_begun;
    }
    while (!reader->is_starved) {
        *out = (gch__csv_record){.line = reader->line};
        if (reader->begin == reader->end && reader->is_at_end)
            return GCH_OK;
        size_t consumed = 0;
        scan_result result = scan(reader, out, &consumed);
        if (result == SCAN_NO_MEMORY)
            return gch__no_memory(err, "csv fields");
        if (result == SCAN_MORE) {
            bool is_too_long = reader->end - reader->begin >= GCH__CSV_RECORD_BYTES_MAX;
            reader->is_starved = !is_too_long && !reader->is_at_end;
            if (!reader->is_starved) {
                set_unfinished(reader, out);
                return GCH_OK;
            }
            break;
        }
        reader->line += 1 + (out->has_line_ends ? count_line_ends(out->bytes, out->length) : 0);
        reader->begin += consumed;
        if (is_blank_line(out))
            continue;
        if (out->fault != GCH__CSV_SOUND)
            out->field_count = 0;
        return GCH_OK;
    }
    return GCH_OK;
}

bool gch__csv_reader_peek(gch__csv_reader *reader, gch__csv_record *out, size_t *out_bytes,
                          uint64_t *out_lines)
{
    *out = (gch__csv_record){.line = reader->line};
    reader->scan = (gch__csv_scan){0};
    if (reader->begin == reader->end || scan(reader, out, out_bytes) != SCAN_DONE)
        return false;
    *out_lines = 1 + (out->has_line_ends ? count_line_ends(out->bytes, out->length) : 0);
    if (is_blank_line(out) || out->fault != GCH__CSV_SOUND)
        out->field_count = 0;
    return true;
}

void gch__csv_reader_advance(gch__csv_reader *reader, size_t bytes, uint64_t lines)
{
    reader->begin += bytes;
    reader->line += lines;
    if (bytes > 0)
        reader->scan = (gch__csv_scan){0};
}

void gch__csv_reader_drop_line(gch__csv_reader *reader, const gch__csv_record *record)
{
    const uint8_t *from = record->bytes + record->fault_at;
    const uint8_t *line_end = memchr(from, '\n', record->length - record->fault_at);
    size_t consumed = line_end != NULL ? (size_t)(line_end - record->bytes) + 1 : record->length;
    gch__csv_reader_advance(reader, consumed, count_line_ends(record->bytes, consumed));
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
    return gch_fail(err, GCH_PARSE, "%s:%llu:%llu: %s", reader->name, (unsigned long long)line,
                    (unsigned long long)column, text);
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
        (void)gch__csv_fail(reader, record, 0, err,
                            "the line that begins here is longer than 64 MiB");
        if (err != NULL)
            err->status = GCH_LIMIT;
        return GCH_LIMIT;
    }
    return GCH_OK;
}
