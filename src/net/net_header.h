/* Values of header fields, as they come from a server: hostile text. Pure functions. */
#ifndef GCH_NET_HEADER_H
#define GCH_NET_HEADER_H

#include "base.h"
#include "gch/http.h"
#include "gch/version.h"

/* How we name ourselves to servers. */
#define GCH__USER_AGENT "gpucharts/" GCH_VERSION_TEXT

/* What an answer's head says; all zero before it. */
typedef struct gch__head {
    uint32_t status;
    bool is_complete;           /* the empty line has come */
    bool has_range;             /* Content-Range is there and well-formed */
    bool has_length;            /* Content-Length is */
    uint64_t first, end, total; /* [first, end) of total; total 0: "*" */
    uint64_t length;
    int64_t retry_after_ns; /* -1: not given */
    char etag[GCH_HTTP_VALIDATOR_CAP], modified[GCH_HTTP_VALIDATOR_CAP];
    char coding[32];
    char content_type[64];
} gch__head;

/* Starts anew: the head of the next answer. */
void gch__head_reset(gch__head *head);
/* Takes one line of a head, line end included. A status line starts anew, so that of the answers
 * to one request (1xx, redirections) the last one's head is kept. Fields that are malformed, too
 * long or unknown count as absent. */
void gch__head_take(gch__head *head, const char *line, size_t count, int64_t now_s);
/* The strong ETag, else Last-Modified, else "". */
const char *gch__head_validator(const gch__head *head);

/* "bytes 0-99/1000" and "bytes 0-99/ *"; *out_total 0 for the latter. False if it is none of these,
 * or contradicts itself. */
bool gch__parse_content_range(const char *text, uint64_t *out_first, uint64_t *out_end,
                              uint64_t *out_total);
/* Seconds or an HTTP date, from now; 0 for the past. -1: malformed. At most a day. */
int64_t gch__parse_retry_after(const char *text, int64_t now_s);

#endif
