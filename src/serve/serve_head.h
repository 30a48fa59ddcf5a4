/* The head of an HTTP/1.1 request, and the framing of its body: parsers without any I/O.
 *
 * Strict where leniency lets two parsers disagree about where a request ends (RFC 9112): lines end
 * in CRLF, fields are not folded, a name is followed by its colon at once, Content-Length is one
 * number, Transfer-Encoding is "chunked" and never beside a Content-Length, chunks have no
 * extensions and no trailer.
 *
 * Thread rule: pure functions.
 */
#ifndef GCH_SERVE_HEAD_H
#define GCH_SERVE_HEAD_H

#include "base.h"

#define GCH__HEAD_FIELDS_MAX 100u

typedef struct gch__head_field {
    gch__span name, value; /* the value without white space around it */
} gch__head_field;

typedef struct gch__head {
    gch__span method, target; /* the target in origin form ("/path?query"), or "*" */
    gch__span authority;      /* of a target in absolute form; empty otherwise */
    bool is_1_0;
    bool is_chunked;
    bool has_length;
    uint64_t length; /* Content-Length */
    size_t field_count;
    gch__head_field fields[GCH__HEAD_FIELDS_MAX];
} gch__head;

/* Looks for the end of a head in bytes[0, count), of which [0, *scanned) has been looked at before.
 * Returns its length with the empty line, 0 if it is not complete; *is_bad tells a line that does
 * not end in CRLF. */
size_t gch__head_find_end(const uint8_t *bytes, size_t count, size_t *scanned, bool *is_bad);

/* Parses a head of that length; spans point into it. Returns 0, or the HTTP status code that
 * refuses it, with *why set to a static text: 400, 431 (too many fields), 501 (a transfer coding
 * that is not chunked), 505. */
int gch__head_parse(const uint8_t *bytes, size_t count, gch__head *out, const char **why);

/* The state of a chunked body; all zero at its beginning. */
typedef struct gch__chunks {
    uint64_t left; /* bytes left of the chunk at hand */
    uint32_t state;
    uint32_t digits;
} gch__chunks;

/* Takes from bytes[0, count) and gives the next run of payload, a part of `bytes`. Returns how many
 * bytes were consumed, payload included; *is_done at the end of the body, *is_bad if it is
 * malformed. Call again while bytes are left. */
size_t gch__chunks_next(gch__chunks *chunks, const uint8_t *bytes, size_t count,
                        gch__span *out_payload, bool *is_done, bool *is_bad);

/* Whether `list`, separated by commas, has the token, without regard to case. */
bool gch__has_token(gch__span list, const char *token);
/* Whether the span is the text, without regard to ASCII case. */
bool gch__span_is(gch__span span, const char *text);
/* Without spaces and tabs around it. */
gch__span gch__span_trim(gch__span span);
/* Digits alone, within 2^63. */
bool gch__span_number(gch__span span, uint64_t *out);

#endif
