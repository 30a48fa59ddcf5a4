/* Reading header fields. Invariant: nothing is kept of a value that does not fit or does not parse.
 */
#include "net_header.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>

#define DAY_S 86400

void gch__head_reset(gch__head *head)
{
    *head = (gch__head){.retry_after_ns = -1};
}

/* Decimal digits up to the first other character, which *end is set to. False if there are none
 * or they exceed 63 bits. */
static bool read_number(const char *text, const char **end, uint64_t *out)
{
    uint64_t value = 0;
    const char *p = text;
    for (; *p >= '0' && *p <= '9'; p++) {
        if (value > (INT64_MAX - 9) / 10)
            return false;
        value = value * 10 + (uint64_t)(*p - '0');
    }
    *end = p;
    *out = value;
    return p > text;
}

bool gch__parse_content_range(const char *text, uint64_t *out_first, uint64_t *out_end,
                              uint64_t *out_total)
{
    const char *p = text;
    uint64_t first, last, total = 0;
    if (strncasecmp(p, "bytes ", 6) != 0)
        return false;
    p += 6;
    if (!read_number(p, &p, &first) || *p++ != '-' || !read_number(p, &p, &last) || *p++ != '/')
        return false;
    bool is_unknown = p[0] == '*' && p[1] == '\0';
    if (!is_unknown && (!read_number(p, &p, &total) || *p != '\0'))
        return false;
    if (last < first || (!is_unknown && last >= total))
        return false;
    *out_first = first;
    *out_end = last + 1;
    *out_total = total;
    return true;
}

int64_t gch__parse_retry_after(const char *text, int64_t now_s)
{
    uint64_t seconds;
    const char *end;
    if (read_number(text, &end, &seconds) && *end == '\0')
        return (int64_t)GCH_MIN(seconds, (uint64_t)DAY_S) * 1000000000;
    time_t date = curl_getdate(text, NULL);
    if (date == -1)
        return -1;
    int64_t wait = (int64_t)date - now_s;
    return GCH_MAX(GCH_MIN(wait, (int64_t)DAY_S), (int64_t)0) * 1000000000;
}

/* The value of a field, without the spaces around it, if it fits. */
static bool take_value(const char *value, size_t count, char *out, size_t cap)
{
    if (count >= cap || memchr(value, '\0', count) != NULL)
        return false;
    memcpy(out, value, count);
    out[count] = '\0';
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void take_field(gch__head *head, const char *name, size_t name_count, const char *value,
                       size_t count, int64_t now_s)
{
    char text[64];
    const char *end;
#define NAME_IS(literal)                                                                           \
    (name_count == sizeof(literal) - 1 && strncasecmp(name, literal, sizeof(literal) - 1) == 0)
    if (NAME_IS("etag")) {
        (void)take_value(value, count, head->etag, sizeof head->etag);
    } else if (NAME_IS("last-modified")) {
        (void)take_value(value, count, head->modified, sizeof head->modified);
    } else if (NAME_IS("content-encoding")) {
        if (!take_value(value, count, head->coding, sizeof head->coding))
            strcpy(head->coding, "unknown"); /* must not pass for none */
    } else if (NAME_IS("content-type")) {
        (void)take_value(value, GCH_MIN(count, sizeof head->content_type - 1), head->content_type,
                         sizeof head->content_type);
    } else if (NAME_IS("content-length")) {
        head->has_length = take_value(value, count, text, sizeof text) &&
                           read_number(text, &end, &head->length) && *end == '\0';
    } else if (NAME_IS("content-range")) {
        head->has_range = take_value(value, count, text, sizeof text) &&
                          gch__parse_content_range(text, &head->first, &head->end, &head->total);
    } else if (NAME_IS("retry-after")) {
        if (take_value(value, count, text, sizeof text))
            head->retry_after_ns = gch__parse_retry_after(text, now_s);
    }
#undef NAME_IS
}

void gch__head_take(gch__head *head, const char *line, size_t count, int64_t now_s)
{
    while (count > 0 && is_space(line[count - 1]))
        count--;
    if (count >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        gch__head_reset(head);
        const char *space = memchr(line, ' ', count);
        if (space != NULL && line + count - space >= 4) {
            for (int i = 1; i <= 3 && space[i] >= '0' && space[i] <= '9'; i++)
                head->status = head->status * 10 + (uint32_t)(space[i] - '0');
        }
        return;
    }
    if (count == 0) {
        head->is_complete = true;
        return;
    }
    const char *colon = memchr(line, ':', count);
    if (colon == NULL)
        return;
    const char *value = colon + 1, *end = line + count;
    while (value < end && is_space(*value))
        value++;
    take_field(head, line, (size_t)(colon - line), value, (size_t)(end - value), now_s);
}

const char *gch__head_validator(const gch__head *head)
{
    return head->etag[0] == '"' ? head->etag : head->modified;
}
