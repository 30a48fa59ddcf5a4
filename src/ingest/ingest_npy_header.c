/* A parser for the one Python literal that a .npy header is.
 *
 * Invariants:
 *  1. The cursor only moves forward; every read is checked against `end`.
 *  2. Nothing nests: the dict holds strings, booleans, one tuple of integers, and one list of
 *     tuples of two strings. Anything deeper is refused, so there is no recursion.
 */
#include "ingest_npy_header.h"

#include "base.h"
#include "ingest_field.h"

#include <string.h>

typedef struct npy_parser {
    const char *name;
    const uint8_t *text, *at, *end;
    uint32_t start; /* of text in the file */
    const gch_allocator *allocator;
    gch__npy_header *header;
    size_t field_cap;
    gch_error *err;
} npy_parser;

static gch_status fail_parse(const npy_parser *parser, const char *expected)
{
    char quoted[GCH__QUOTED_CAP];
    gch__field_quote(parser->at, (size_t)(parser->end - parser->at), quoted);
    return gch_fail(parser->err, GCH_PARSE, "%s: header, byte %u: found %s, expected %s",
                    parser->name, parser->start + (uint32_t)(parser->at - parser->text), quoted,
                    expected);
}

static void skip_blanks(npy_parser *parser)
{
    while (parser->at < parser->end && (gch__is_blank(*parser->at) || *parser->at == '\n'))
        parser->at++;
}

static bool take(npy_parser *parser, char c)
{
    skip_blanks(parser);
    if (parser->at == parser->end || *parser->at != (uint8_t)c)
        return false;
    parser->at++;
    return true;
}

static bool take_word(npy_parser *parser, const char *word)
{
    size_t length = strlen(word);
    skip_blanks(parser);
    if ((size_t)(parser->end - parser->at) < length || memcmp(parser->at, word, length) != 0)
        return false;
    parser->at += length;
    return true;
}

/* A quoted string without escapes. */
static gch_status take_string(npy_parser *parser, gch__span *out)
{
    skip_blanks(parser);
    if (parser->at == parser->end || (*parser->at != '\'' && *parser->at != '"'))
        return fail_parse(parser, "a string");
    uint8_t quote = *parser->at;
    const uint8_t *from = parser->at + 1;
    const uint8_t *to = from;
    while (to < parser->end && *to != quote && *to != '\\')
        to++;
    if (to == parser->end || *to != quote)
        return fail_parse(parser, "a string that ends, without backslashes");
    *out = (gch__span){from, (size_t)(to - from)};
    parser->at = to + 1;
    return GCH_OK;
}

static gch_status take_integer(npy_parser *parser, uint64_t *out)
{
    uint64_t value = 0;
    skip_blanks(parser);
    const uint8_t *from = parser->at;
    while (parser->at < parser->end && (uint8_t)(*parser->at - '0') <= 9) {
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*parser->at - '0'), &value)) {
            parser->at = from;
            return fail_parse(parser, "a number of 64 bits");
        }
        parser->at++;
    }
    if (parser->at == from)
        return fail_parse(parser, "a number");
    *out = value;
    return GCH_OK;
}

static const struct npy_datetime {
    const char *text;
    gch_time_unit unit;
    int64_t multiple;
} datetimes[] = {
    {"M8[ns]", GCH_TIME_NS, 1},   {"M8[us]", GCH_TIME_US, 1},    {"M8[ms]", GCH_TIME_MS, 1},
    {"M8[s]", GCH_TIME_S, 1},     {"M8[m]", GCH_TIME_S, 60},     {"M8[h]", GCH_TIME_S, 3600},
    {"M8[D]", GCH_TIME_S, 86400}, {"M8[W]", GCH_TIME_S, 604800},
};

static const struct npy_type {
    const char *text;
    gch_type type;
} types[] = {
    {"i1", GCH_TYPE_I8},  {"u1", GCH_TYPE_U8},  {"b1", GCH_TYPE_U8},  {"i2", GCH_TYPE_I16},
    {"u2", GCH_TYPE_U16}, {"i4", GCH_TYPE_I32}, {"u4", GCH_TYPE_U32}, {"i8", GCH_TYPE_I64},
    {"f4", GCH_TYPE_F32}, {"f8", GCH_TYPE_F64},
};

static bool equals(gch__span span, const char *text)
{
    return strlen(text) == span.count && memcmp(span.bytes, text, span.count) == 0;
}

/* "<f8", ">i4", "|b1", "<M8[ns]". */
static gch_status set_type(npy_parser *parser, gch__span text, gch__npy_field *field)
{
    gch__span code = text;
    if (code.count > 0 && strchr("<>|=", code.bytes[0]) != NULL && code.bytes[0] != 0) {
        field->is_big_endian = code.bytes[0] == '>';
        code = (gch__span){code.bytes + 1, code.count - 1};
    }
    for (size_t i = 0; i < GCH_COUNT_OF(types); i++) {
        if (equals(code, types[i].text)) {
            field->type = types[i].type;
            return GCH_OK;
        }
    }
    for (size_t i = 0; i < GCH_COUNT_OF(datetimes); i++) {
        if (equals(code, datetimes[i].text)) {
            field->type = GCH_TYPE_I64;
            field->is_datetime = true;
            field->datetime_unit = datetimes[i].unit;
            field->multiple = datetimes[i].multiple;
            return GCH_OK;
        }
    }
    char quoted[GCH__QUOTED_CAP];
    return gch_fail(parser->err, GCH_UNSUPPORTED,
                    "%s: type %s is not supported; use i1 to i8, u1 to u4, f4, f8, b1 or "
                    "datetime64 from weeks to ns",
                    parser->name, gch__field_quote(text.bytes, text.count, quoted));
}

static gch_status add_field(npy_parser *parser, gch__npy_field **out)
{
    gch__npy_header *header = parser->header;
    if (header->field_count == GCH__NPY_FIELDS_MAX)
        return gch_fail(parser->err, GCH_UNSUPPORTED, "%s: more than %u fields", parser->name,
                        GCH__NPY_FIELDS_MAX);
    GCH_TRY(gch__ensure(parser->allocator, (void **)&header->fields, &parser->field_cap,
                        (size_t)header->field_count + 1, sizeof *header->fields, "npy header",
                        parser->err));
    *out = &header->fields[header->field_count++];
    memset(*out, 0, sizeof **out);
    return GCH_OK;
}

/* ('name', '<f8') */
static gch_status take_field(npy_parser *parser)
{
    gch__span name, type;
    gch__npy_field *field;
    if (!take(parser, '('))
        return fail_parse(parser, "a field such as ('price', '<f8')");
    GCH_TRY(take_string(parser, &name));
    if (!take(parser, ','))
        return fail_parse(parser, "a comma");
    skip_blanks(parser);
    if (parser->at < parser->end && *parser->at == '[')
        return gch_fail(parser->err, GCH_UNSUPPORTED, "%s: fields within fields are not supported",
                        parser->name);
    GCH_TRY(take_string(parser, &type));
    (void)take(parser, ',');
    skip_blanks(parser);
    if (parser->at < parser->end && *parser->at == '(')
        return gch_fail(parser->err, GCH_UNSUPPORTED,
                        "%s: fields that are arrays are not supported", parser->name);
    if (!take(parser, ')'))
        return fail_parse(parser, "the end of the field");
    GCH_TRY(add_field(parser, &field));
    if (name.count == 0 || name.count >= sizeof field->name ||
        memchr(name.bytes, 0, name.count) != NULL)
        return gch_fail(parser->err, GCH_UNSUPPORTED,
                        "%s: field %u: a name has 1 to 255 bytes and no zero byte", parser->name,
                        parser->header->field_count);
    memcpy(field->name, name.bytes, name.count);
    GCH_TRY(set_type(parser, type, field));
    field->offset_bytes = parser->header->item_bytes;
    parser->header->item_bytes += (uint32_t)gch_type_bytes(field->type);
    return GCH_OK;
}

static gch_status take_descr(npy_parser *parser)
{
    gch__npy_header *header = parser->header;
    if (!take(parser, '[')) {
        gch__span text;
        gch__npy_field *field;
        GCH_TRY(take_string(parser, &text));
        GCH_TRY(add_field(parser, &field));
        GCH_TRY(set_type(parser, text, field));
        header->item_bytes = (uint32_t)gch_type_bytes(field->type);
        return GCH_OK;
    }
    header->is_structured = true;
    while (!take(parser, ']')) {
        GCH_TRY(take_field(parser));
        if (take(parser, ','))
            continue;
        if (!take(parser, ']'))
            return fail_parse(parser, "a comma or the end of the fields");
        break;
    }
    if (header->field_count == 0)
        return gch_fail(parser->err, GCH_UNSUPPORTED, "%s: a record without fields", parser->name);
    return GCH_OK;
}

static gch_status take_shape(npy_parser *parser)
{
    gch__npy_header *header = parser->header;
    if (!take(parser, '('))
        return fail_parse(parser, "a shape such as (1000,)");
    while (!take(parser, ')')) {
        uint64_t extent = 0;
        GCH_TRY(take_integer(parser, &extent));
        if (header->dimension_count < 2)
            header->shape[header->dimension_count] = extent;
        header->dimension_count++;
        if (take(parser, ','))
            continue;
        if (!take(parser, ')'))
            return fail_parse(parser, "a comma or the end of the shape");
        break;
    }
    return GCH_OK;
}

static gch_status take_entry(npy_parser *parser, uint32_t *io_seen)
{
    static const char *const keys[] = {"descr", "fortran_order", "shape"};
    gch__span key;
    const uint8_t *at = parser->at;
    GCH_TRY(take_string(parser, &key));
    uint32_t k = 0;
    while (k < GCH_COUNT_OF(keys) && !equals(key, keys[k]))
        k++;
    if (k == GCH_COUNT_OF(keys) || (*io_seen & (1u << k)) != 0) {
        parser->at = at;
        return fail_parse(parser, "descr, fortran_order and shape, once each");
    }
    *io_seen |= 1u << k;
    if (!take(parser, ':'))
        return fail_parse(parser, "a colon");
    if (k == 0)
        return take_descr(parser);
    if (k == 2)
        return take_shape(parser);
    parser->header->is_fortran = take_word(parser, "True");
    if (!parser->header->is_fortran && !take_word(parser, "False"))
        return fail_parse(parser, "True or False");
    return GCH_OK;
}

static gch_status check_shape(const npy_parser *parser)
{
    const gch__npy_header *header = parser->header;
    if (header->dimension_count < 1 || header->dimension_count > 2)
        return gch_fail(parser->err, GCH_UNSUPPORTED,
                        "%s: an array of %u dimensions; 1 and 2 are supported", parser->name,
                        header->dimension_count);
    if (header->is_structured && header->dimension_count != 1)
        return gch_fail(parser->err, GCH_UNSUPPORTED,
                        "%s: records in 2 dimensions are not supported", parser->name);
    if (header->dimension_count == 2 &&
        (header->shape[1] == 0 || header->shape[1] > GCH__NPY_FIELDS_MAX))
        return gch_fail(parser->err, GCH_UNSUPPORTED, "%s: %llu columns; 1 to %u are supported",
                        parser->name, (unsigned long long)header->shape[1], GCH__NPY_FIELDS_MAX);
    return GCH_OK;
}

bool gch__npy_is_magic(const uint8_t *bytes, size_t count)
{
    return count >= 6 && memcmp(bytes, "\x93NUMPY", 6) == 0;
}

gch_status gch__npy_prefix(const char *name, const uint8_t *bytes, size_t count,
                           uint32_t *out_start, uint32_t *out_length, gch_error *err)
{
    if (!gch__npy_is_magic(bytes, count))
        return gch_fail(err, GCH_PARSE, "%s: is no .npy file: it does not begin with \\x93NUMPY",
                        name);
    if (count < 8 || (count >= 7 && (bytes[6] < 1 || bytes[6] > 3)))
        return gch_fail(err, GCH_UNSUPPORTED, "%s: .npy version %u; 1 to 3 are supported", name,
                        count > 6 ? bytes[6] : 0u);
    bool is_short = bytes[6] == 1;
    *out_start = is_short ? 10 : 12;
    if (count < *out_start)
        return gch_fail(err, GCH_PARSE, "%s: ends at byte %zu, inside the header", name, count);
    *out_length = is_short ? gch__load_u16(bytes + 8) : gch__load_u32(bytes + 8);
    if (*out_length > GCH__NPY_HEADER_BYTES_MAX)
        return gch_fail(err, GCH_PARSE, "%s: byte 8: a header of %u bytes, at most %u", name,
                        *out_length, GCH__NPY_HEADER_BYTES_MAX);
    return GCH_OK;
}

gch_status gch__npy_header_parse(const char *name, const uint8_t *text, size_t length,
                                 uint32_t start, const gch_allocator *allocator,
                                 gch__npy_header *out, gch_error *err)
{
    *out = (gch__npy_header){0};
    npy_parser parser = {.name = name,
                         .text = text,
                         .at = text,
                         .end = text + length,
                         .start = start,
                         .allocator = allocator,
                         .header = out,
                         .err = err};
    uint32_t seen = 0;
    if (!take(&parser, '{'))
        return fail_parse(&parser, "a dict");
    while (!take(&parser, '}')) {
        GCH_TRY(take_entry(&parser, &seen));
        if (take(&parser, ','))
            continue;
        if (!take(&parser, '}'))
            return fail_parse(&parser, "a comma or the end of the dict");
        break;
    }
    skip_blanks(&parser);
    if (parser.at != parser.end)
        return fail_parse(&parser, "nothing behind the dict");
    if (seen != 7)
        return gch_fail(err, GCH_PARSE, "%s: the header lacks descr, fortran_order or shape", name);
    return check_shape(&parser);
}

void gch__npy_header_reset(gch__npy_header *header, const gch_allocator *allocator)
{
    gch__free(allocator, header->fields, "npy header");
    *header = (gch__npy_header){0};
}
