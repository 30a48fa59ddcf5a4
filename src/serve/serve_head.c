/* HTTP/1.1 heads and chunks (serve_head.h).
 *
 * Invariants:
 *  1. A head is parsed only when all of it is there, so that no state is kept between reads.
 *  2. What is not expressly allowed is refused; nothing is repaired.
 */
#include "serve_head.h"

#include <string.h>

size_t gch__head_find_end(const uint8_t *bytes, size_t count, size_t *scanned, bool *is_bad)
{
    *is_bad = false;
    size_t at = *scanned;
    while (at < count) {
        const uint8_t *feed = memchr(bytes + at, '\n', count - at);
        if (feed == NULL)
            break;
        at = (size_t)(feed - bytes);
        if (at == 0 || bytes[at - 1] != '\r') {
            *is_bad = true;
            return 0;
        }
        if (at >= 3 && bytes[at - 2] == '\n')
            return at + 1;
        at++;
    }
    *scanned = count;
    return 0;
}

/* tchar of RFC 9110, 5.6.2. */
static bool is_token_char(uint8_t c)
{
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        return true;
    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool is_token(gch__span span)
{
    for (size_t i = 0; i < span.count; i++) {
        if (!is_token_char(span.bytes[i]))
            return false;
    }
    return span.count > 0;
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

bool gch__span_is(gch__span span, const char *text)
{
    if (span.count != strlen(text))
        return false;
    for (size_t i = 0; i < span.count; i++) {
        if (lower(span.bytes[i]) != lower((uint8_t)text[i]))
            return false;
    }
    return true;
}

gch__span gch__span_trim(gch__span span)
{
    while (span.count > 0 && (span.bytes[0] == ' ' || span.bytes[0] == '\t')) {
        span.bytes++;
        span.count--;
    }
    while (span.count > 0 &&
           (span.bytes[span.count - 1] == ' ' || span.bytes[span.count - 1] == '\t'))
        span.count--;
    return span;
}

bool gch__span_number(gch__span span, uint64_t *out)
{
    uint64_t value = 0;
    if (span.count == 0 || span.count > 19)
        return false;
    for (size_t i = 0; i < span.count; i++) {
        if (span.bytes[i] < '0' || span.bytes[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(span.bytes[i] - '0');
    }
    *out = value;
    return value <= INT64_MAX;
}

bool gch__has_token(gch__span list, const char *token)
{
    while (list.count > 0) {
        const uint8_t *comma = memchr(list.bytes, ',', list.count);
        size_t length = comma != NULL ? (size_t)(comma - list.bytes) : list.count;
        if (gch__span_is(gch__span_trim((gch__span){list.bytes, length}), token))
            return true;
        size_t step = length + (comma != NULL);
        list = (gch__span){list.bytes + step, list.count - step};
    }
    return false;
}

static int refuse(const char **why, int code, const char *text)
{
    *why = text;
    return code;
}

/* Takes the next part of a line up to `end` (not included) and passes it; false if there is none.
 */
static bool take_until(gch__span *line, uint8_t end, gch__span *out)
{
    const uint8_t *at = line->count > 0 ? memchr(line->bytes, end, line->count) : NULL;
    if (at == NULL)
        return false;
    size_t length = (size_t)(at - line->bytes);
    *out = (gch__span){line->bytes, length};
    *line = (gch__span){line->bytes + length + 1, line->count - length - 1};
    return true;
}

/* Absolute form (RFC 9112, 3.2.2) becomes origin form, its authority kept. */
static bool parse_target(gch__head *head)
{
    gch__span target = head->target;
    for (size_t i = 0; i < target.count; i++) {
        if (target.bytes[i] <= ' ' || target.bytes[i] >= 0x7F)
            return false;
    }
    if (target.count == 0)
        return false;
    if (target.bytes[0] == '/')
        return true;
    if (target.count == 1 && target.bytes[0] == '*')
        return gch__span_is(head->method, "OPTIONS");
    size_t scheme = 0;
    if (target.count > 8 && gch__span_is((gch__span){target.bytes, 8}, "https://"))
        scheme = 8;
    else if (target.count > 7 && gch__span_is((gch__span){target.bytes, 7}, "http://"))
        scheme = 7;
    if (scheme == 0)
        return false;
    size_t end = scheme;
    while (end < target.count && target.bytes[end] != '/' && target.bytes[end] != '?')
        end++;
    head->authority = (gch__span){target.bytes + scheme, end - scheme};
    head->target = (gch__span){target.bytes + end, target.count - end};
    return end < target.count && target.bytes[end] == '/';
}

static int parse_request_line(gch__span line, gch__head *head, const char **why)
{
    if (!take_until(&line, ' ', &head->method) || !take_until(&line, ' ', &head->target) ||
        !is_token(head->method))
        return refuse(why, 400, "malformed request line");
    /* The version is case-sensitive. */
    if (line.count != 8 || memcmp(line.bytes, "HTTP/", 5) != 0 || line.bytes[6] != '.')
        return refuse(why, 400, "malformed request line");
    if (line.bytes[5] != '1' || (line.bytes[7] != '0' && line.bytes[7] != '1'))
        return refuse(why, 505, "only HTTP/1.0, HTTP/1.1 and HTTP/2 are spoken here");
    head->is_1_0 = line.bytes[7] == '0';
    if (!parse_target(head))
        return refuse(why, 400, "malformed request target");
    return 0;
}

static int parse_field(gch__span line, gch__head *head, const char **why)
{
    gch__head_field field;
    if (head->field_count == GCH__HEAD_FIELDS_MAX)
        return refuse(why, 431, "too many header fields");
    if (!take_until(&line, ':', &field.name) || !is_token(field.name))
        return refuse(why, 400, "malformed header field");
    field.value = gch__span_trim(line);
    for (size_t i = 0; i < field.value.count; i++) {
        uint8_t c = field.value.bytes[i];
        if ((c < ' ' && c != '\t') || c == 0x7F)
            return refuse(why, 400, "control character in a header field");
    }
    head->fields[head->field_count++] = field;
    return 0;
}

/* Where the body ends must be beyond doubt (RFC 9112, 6.3 and 11.2). */
static int parse_framing(gch__head *head, const char **why)
{
    size_t host_count = 0, coding_count = 0;
    for (size_t i = 0; i < head->field_count; i++) {
        const gch__head_field *field = &head->fields[i];
        if (gch__span_is(field->name, "host")) {
            host_count++;
        } else if (gch__span_is(field->name, "content-length")) {
            if (head->has_length || !gch__span_number(field->value, &head->length))
                return refuse(why, 400, "malformed Content-Length");
            head->has_length = true;
        } else if (gch__span_is(field->name, "transfer-encoding")) {
            coding_count++;
            if (!gch__span_is(field->value, "chunked"))
                return refuse(why, 501, "the only transfer coding taken is chunked");
            head->is_chunked = true;
        }
    }
    if (coding_count > 1 || (coding_count > 0 && (head->has_length || head->is_1_0)))
        return refuse(why, 400, "Transfer-Encoding is not alone");
    if (host_count > 1 || (host_count == 0 && !head->is_1_0))
        return refuse(why, 400, "one Host field is required");
    return 0;
}

int gch__head_parse(const uint8_t *bytes, size_t count, gch__head *out, const char **why)
{
    gch__span rest = {bytes, count}, line;
    out->authority = (gch__span){NULL, 0};
    out->is_chunked = out->has_length = false;
    out->length = 0;
    out->field_count = 0;
    bool is_first = true;
    while (take_until(&rest, '\n', &line)) {
        if (line.count == 0 || line.bytes[line.count - 1] != '\r')
            return refuse(why, 400, "a line does not end in CRLF");
        line.count--;
        if (line.count == 0 && !is_first)
            return rest.count == 0 ? parse_framing(out, why)
                                   : refuse(why, 400, "bytes behind the head");
        if (memchr(line.bytes, '\r', line.count) != NULL)
            return refuse(why, 400, "stray CR");
        int code = is_first ? parse_request_line(line, out, why) : parse_field(line, out, why);
        if (code != 0)
            return code;
        is_first = false;
    }
    return refuse(why, 400, "malformed request");
}

/* ---- chunks ---- */

enum { SIZE = 0, SIZE_FEED, PAYLOAD, PAYLOAD_RETURN, PAYLOAD_FEED, LAST_RETURN, LAST_FEED, DONE };

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte of framing; false if it is wrong. */
static bool take_framing(gch__chunks *chunks, uint8_t c)
{
    switch (chunks->state) {
    case SIZE: {
        int digit = hex_digit(c);
        if (digit >= 0 && chunks->digits < 15) {
            chunks->left = chunks->left * 16 + (uint64_t)digit;
            chunks->digits++;
            return true;
        }
        chunks->state = SIZE_FEED;
        return c == '\r' && chunks->digits > 0;
    }
    case SIZE_FEED:
        chunks->state = chunks->left > 0 ? PAYLOAD : LAST_RETURN;
        chunks->digits = 0;
        return c == '\n';
    case PAYLOAD_RETURN:
        chunks->state = PAYLOAD_FEED;
        return c == '\r';
    case PAYLOAD_FEED:
        chunks->state = SIZE;
        return c == '\n';
    case LAST_RETURN:
        chunks->state = LAST_FEED;
        return c == '\r';
    case LAST_FEED:
        chunks->state = DONE;
        return c == '\n';
    default:
        return false;
    }
}

size_t gch__chunks_next(gch__chunks *chunks, const uint8_t *bytes, size_t count,
                        gch__span *out_payload, bool *is_done, bool *is_bad)
{
    size_t used = 0;
    *out_payload = (gch__span){NULL, 0};
    *is_bad = false;
    while (used < count && chunks->state != DONE && chunks->state != PAYLOAD) {
        if (!take_framing(chunks, bytes[used++])) {
            *is_bad = true;
            break;
        }
    }
    if (!*is_bad && chunks->state == PAYLOAD && used < count) {
        size_t length = (size_t)GCH_MIN(chunks->left, (uint64_t)(count - used));
        *out_payload = (gch__span){bytes + used, length};
        chunks->left -= length;
        used += length;
        if (chunks->left == 0)
            chunks->state = PAYLOAD_RETURN;
    }
    *is_done = chunks->state == DONE;
    return used;
}
