/* Newline-delimited JSON to rows (serve_frame.h, docs/protocol.md "Publishing").
 *
 * Flat rows only: an object of numbers by column name, or an array of the time and all columns.
 *
 * Invariant: rows are laid out by their number before any is read, so that the payload is of one
 * piece; a fault leaves the buffer as it was.
 */
#include "serve_frame.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES 1024u
#define NUMBER_BYTES 64u
#define PAYLOAD_MAX ((uint64_t)64 << 20)

/* Reading of one line. */
typedef struct reading {
    const gch__schema *schema;
    const uint8_t *at, *end;
    uint32_t line; /* from 1, for messages */
    uint32_t row, row_count;
    uint8_t *times;
    uint8_t *values[GCH__HUB_COLUMNS_MAX], *validity[GCH__HUB_COLUMNS_MAX];
    gch_error *err;
} reading;

static void skip_space(reading *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\r'))
        r->at++;
}

static bool take(reading *r, char c)
{
    skip_space(r);
    if (r->at == r->end || *r->at != (uint8_t)c)
        return false;
    r->at++;
    return true;
}

static bool take_word(reading *r, const char *word)
{
    size_t length = strlen(word);
    skip_space(r);
    if ((size_t)(r->end - r->at) < length || memcmp(r->at, word, length) != 0)
        return false;
    r->at += length;
    return true;
}

static gch_status malformed(const reading *r, const char *what)
{
    return gch_fail(r->err, GCH_PARSE, "line %u: %s", r->line, what);
}

static bool take_hex(reading *r, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        if (r->at == r->end)
            return false;
        uint8_t c = *r->at;
        uint8_t low = c | 32;
        if (c >= '0' && c <= '9')
            *out = *out * 16 + (uint32_t)(c - '0');
        else if (low >= 'a' && low <= 'f')
            *out = *out * 16 + (uint32_t)(low - 'a' + 10);
        else
            return false;
    }
    return true;
}

static size_t put_utf8(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint8_t marks[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = length - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3F));
    out[0] = (char)(marks[length] | code);
    return length;
}

/* The character behind a backslash; 0 if it is malformed (a NUL is refused, too). */
static uint32_t take_escape(reading *r)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (r->at == r->end)
        return 0;
    uint8_t c = *r->at++;
    const char *plain = c != 0 ? strchr(from, c) : NULL;
    if (plain != NULL)
        return (uint8_t)to[plain - from];
    uint32_t code, low;
    if (c != 'u' || !take_hex(r, &code))
        return 0;
    if (code < 0xD800 || code > 0xDFFF)
        return code;
    if (code > 0xDBFF || r->end - r->at < 2 || r->at[0] != '\\' || r->at[1] != 'u')
        return 0;
    r->at += 2;
    if (!take_hex(r, &low) || low < 0xDC00 || low > 0xDFFF)
        return 0;
    return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
}

/* A string without its quotes, the first of which has been taken. */
static bool take_string(reading *r, char out[NAME_BYTES], size_t *out_length)
{
    size_t used = 0;
    while (r->at < r->end && *r->at != '"') {
        if (used + 5 > NAME_BYTES || *r->at < 0x20)
            return false;
        if (*r->at != '\\') {
            out[used++] = (char)*r->at++;
            continue;
        }
        r->at++;
        uint32_t code = take_escape(r);
        if (code == 0)
            return false;
        used += put_utf8(code, out + used);
    }
    if (r->at == r->end)
        return false;
    r->at++;
    out[used] = '\0';
    *out_length = used;
    return true;
}

/* A number by the grammar of RFC 8259, as text; *is_whole: without fraction and exponent. */
static bool take_number(reading *r, char out[NUMBER_BYTES], bool *is_whole)
{
    skip_space(r);
    const uint8_t *start = r->at, *end = r->end, *at = start;
    if (at < end && *at == '-')
        at++;
    const uint8_t *digits = at;
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    if (at == digits || (*digits == '0' && at - digits > 1))
        return false;
    *is_whole = true;
    if (at < end && *at == '.') {
        *is_whole = false;
        const uint8_t *fraction = ++at;
        while (at < end && *at >= '0' && *at <= '9')
            at++;
        if (at == fraction)
            return false;
    }
    if (at < end && (*at | 32) == 'e') {
        *is_whole = false;
        at++;
        if (at < end && (*at == '+' || *at == '-'))
            at++;
        const uint8_t *exponent = at;
        while (at < end && *at >= '0' && *at <= '9')
            at++;
        if (at == exponent)
            return false;
    }
    size_t length = (size_t)(at - start);
    if (length >= NUMBER_BYTES)
        return false;
    memcpy(out, start, length);
    out[length] = '\0';
    r->at = at;
    return true;
}

/* Whether the whole number fits the integer type; then it is stored. */
static bool store_integer(gch_type type, long long value, uint8_t *to)
{
    static const struct {
        int64_t min, max;
    } bounds[] = {[GCH_TYPE_I8] = {INT8_MIN, INT8_MAX},    [GCH_TYPE_U8] = {0, UINT8_MAX},
                  [GCH_TYPE_I16] = {INT16_MIN, INT16_MAX}, [GCH_TYPE_U16] = {0, UINT16_MAX},
                  [GCH_TYPE_I32] = {INT32_MIN, INT32_MAX}, [GCH_TYPE_U32] = {0, UINT32_MAX},
                  [GCH_TYPE_I64] = {INT64_MIN, INT64_MAX}};
    if (value < bounds[type].min || value > bounds[type].max)
        return false;
    memcpy(to, &value, gch_type_bytes(type)); /* little-endian: the low bytes */
    return true;
}

static gch_status take_value(reading *r, uint32_t column)
{
    const gch__hub_column *c = &r->schema->columns[column];
    uint8_t *to = r->values[column] + r->row * gch_type_bytes(c->type);
    char text[NUMBER_BYTES];
    bool is_whole;
    if (take_word(r, "null"))
        return GCH_OK;
    if (!take_number(r, text, &is_whole))
        return gch_fail(r->err, GCH_PARSE, "line %u: column '%s' has no number", r->line, c->name);
    if (c->type == GCH_TYPE_F64) {
        double value = strtod_l(text, NULL, r->schema->locale);
        memcpy(to, &value, sizeof value);
    } else if (c->type == GCH_TYPE_F32) {
        float value = strtof_l(text, NULL, r->schema->locale);
        memcpy(to, &value, sizeof value);
    } else {
        errno = 0;
        long long value = is_whole ? strtoll(text, NULL, 10) : 0;
        if (!is_whole || errno != 0 || !store_integer(c->type, value, to))
            return gch_fail(r->err, GCH_LIMIT, "line %u: %s is not within %s column '%s'", r->line,
                            text, gch_type_name(c->type), c->name);
    }
    r->validity[column][r->row / 8] |= (uint8_t)(1u << (r->row % 8));
    return GCH_OK;
}

static gch_status take_time(reading *r)
{
    char text[NAME_BYTES];
    char number[NUMBER_BYTES];
    int64_t time;
    size_t length;
    bool is_whole;
    if (take(r, '"')) {
        if (!take_string(r, text, &length))
            return malformed(r, "malformed string");
        if (r->schema->time_unit == GCH_TIME_INDEX ||
            gch_time_parse(text, length, r->schema->time_unit, NULL, &time, NULL) != GCH_OK)
            return malformed(r, "the time is not ISO 8601 within the series' unit");
    } else {
        errno = 0;
        if (!take_number(r, number, &is_whole) || !is_whole)
            return malformed(r, "the time is neither an integer nor text");
        time = strtoll(number, NULL, 10);
        if (errno != 0)
            return malformed(r, "the time is beyond 64 bits");
    }
    if (r->row > 0 && time < (int64_t)gch__load_u64(r->times + (size_t)8 * (r->row - 1)))
        return gch_fail(r->err, GCH_UNSORTED, "line %u: the time is earlier than the one before",
                        r->line);
    memcpy(r->times + (size_t)8 * r->row, &time, sizeof time);
    return GCH_OK;
}

static gch_status take_array(reading *r)
{
    GCH_TRY(take_time(r));
    for (uint32_t c = 0; c < r->schema->column_count; c++) {
        if (!take(r, ','))
            return malformed(r, "too few values");
        GCH_TRY(take_value(r, c));
    }
    return take(r, ']') ? GCH_OK : malformed(r, "too many values, or no ]");
}

static gch_status take_member(reading *r, bool *has_time, uint64_t *seen)
{
    char name[NAME_BYTES];
    size_t length;
    if (!take(r, '"') || !take_string(r, name, &length) || !take(r, ':'))
        return malformed(r, "malformed object");
    for (uint32_t c = 0; c < r->schema->column_count; c++) {
        if (strcmp(r->schema->columns[c].name, name) != 0)
            continue;
        if ((seen[c / 64] >> (c % 64) & 1) != 0)
            return malformed(r, "a column stands twice");
        seen[c / 64] |= (uint64_t)1 << (c % 64);
        return take_value(r, c);
    }
    if (strcmp(name, "time") != 0 || *has_time)
        return malformed(r, "the series has no such column, or the time stands twice");
    *has_time = true;
    return take_time(r);
}

static gch_status take_object(reading *r)
{
    bool has_time = false;
    uint64_t seen[GCH__HUB_COLUMNS_MAX / 64] = {0};
    do {
        GCH_TRY(take_member(r, &has_time, seen));
    } while (take(r, ','));
    if (!take(r, '}'))
        return malformed(r, "malformed object");
    return has_time ? GCH_OK : malformed(r, "there is no time");
}

static gch_status take_line(reading *r)
{
    gch_status status;
    if (take(r, '{'))
        status = take_object(r);
    else if (take(r, '['))
        status = take_array(r);
    else
        status = malformed(r, "neither an object nor an array");
    GCH_TRY(status);
    skip_space(r);
    return r->at == r->end ? GCH_OK : malformed(r, "something stands behind the row");
}

/* The next line that is not blank; false at the end. */
static bool next_line(reading *r, gch__span *rest)
{
    while (rest->count > 0) {
        const uint8_t *feed = memchr(rest->bytes, '\n', rest->count);
        size_t length = feed != NULL ? (size_t)(feed - rest->bytes) : rest->count;
        r->at = rest->bytes;
        r->end = rest->bytes + length;
        r->line++;
        size_t step = length + (feed != NULL);
        *rest = (gch__span){rest->bytes + step, rest->count - step};
        skip_space(r);
        if (r->at < r->end)
            return true;
    }
    return false;
}

static void lay_out(reading *r, uint8_t *payload)
{
    uint8_t *at = payload + (size_t)8 * r->row_count;
    r->times = payload;
    for (uint32_t c = 0; c < r->schema->column_count; c++) {
        at[0] = (uint8_t)r->schema->columns[c].type;
        at[1] = 1;
        r->values[c] = at + 8;
        at += 8 + gch__align_up(r->row_count * gch_type_bytes(r->schema->columns[c].type), 8);
        r->validity[c] = at;
        at += gch__align_up((r->row_count + 7) / 8, 8);
    }
}

gch_status gch__ndjson_parse(const gch__schema *schema, gch__span text, gch__buffer *out,
                             uint32_t *out_row_count, gch_error *err)
{
    reading r = {.schema = schema, .err = err};
    gch__span rest = text;
    uint64_t count = 0;
    while (next_line(&r, &rest))
        count++;
    if (count == 0 || count > UINT32_MAX / 16)
        return gch_fail(err, GCH_INVALID, "the batch has no rows, or too many");
    r.row_count = (uint32_t)count;
    uint64_t bytes = gch__payload_bytes_max(schema, r.row_count);
    if (bytes > PAYLOAD_MAX) /* rows of few words and many columns */
        return gch_fail(err, GCH_LIMIT, "the batch comes to more than 64 MiB");
    uint8_t *payload = gch__buffer_reserve(out, bytes);
    if (payload == NULL)
        return gch__no_memory(err, "rows");
    memset(payload, 0, bytes);
    lay_out(&r, payload);
    r.line = 0;
    for (rest = text; next_line(&r, &rest); r.row++)
        GCH_TRY(take_line(&r));
    out->count += bytes;
    *out_row_count = r.row_count;
    return GCH_OK;
}
