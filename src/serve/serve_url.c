/* URLs (serve_url.h).
 *
 * Invariant: a name that passes gch__name_is_valid never leads out of a folder, whatever the file
 * system makes of it; opening it is confined once more (serve_folder.c).
 */
#include "serve_url.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Bytes of the UTF-8 character at text, 0 if there is none (RFC 3629: no surrogates, shortest form,
 * at most U+10FFFF). */
static size_t utf8_length(const uint8_t *text, size_t count)
{
    uint8_t a = text[0];
    if (a < 0x80)
        return 1;
    size_t length = a >= 0xF0 ? 4 : a >= 0xE0 ? 3 : 2;
    if (a < 0xC2 || a > 0xF4 || count < length)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    }
    uint8_t b = text[1];
    bool is_bad = (a == 0xE0 && b < 0xA0) || (a == 0xED && b > 0x9F) || (a == 0xF0 && b < 0x90) ||
                  (a == 0xF4 && b > 0x8F);
    return is_bad ? 0 : length;
}

/* UTF-8 without control characters (C0, DEL, C1). */
static bool is_clean(const char *text)
{
    const uint8_t *at = (const uint8_t *)text;
    size_t left = strlen(text);
    while (left > 0) {
        size_t length = utf8_length(at, left);
        if (length == 0 || *at < 0x20 || *at == 0x7F || (*at == 0xC2 && at[1] < 0xA0))
            return false;
        at += length;
        left -= length;
    }
    return true;
}

bool gch__url_decode(gch__span text, char *out, size_t cap)
{
    size_t used = 0;
    for (size_t i = 0; i < text.count; i++) {
        uint8_t c = text.bytes[i];
        if (c == '%') {
            if (text.count - i < 3)
                return false;
            int high = hex_value(text.bytes[i + 1]), low = hex_value(text.bytes[i + 2]);
            if (high < 0 || low < 0)
                return false;
            c = (uint8_t)(high * 16 + low);
            i += 2;
        }
        if (c == 0 || used + 1 >= cap)
            return false;
        out[used++] = (char)c;
    }
    if (used >= cap)
        return false;
    out[used] = '\0';
    return is_clean(out);
}

bool gch__name_is_valid(const char *name)
{
    if (strlen(name) >= GCH__NAME_CAP || strchr(name, '\\') != NULL || !is_clean(name))
        return false;
    bool is_first = true;
    for (const char *at = name; *at != '\0' || is_first; at++) {
        if (is_first && (*at == '.' || *at == '/' || *at == '\0'))
            return false;
        is_first = *at == '/';
        if (is_first && at[1] == '\0')
            return false;
    }
    return true;
}

int gch__path_view(gch__span path)
{
    static const char *const words[] = {"columns", "bars", "range", "points", "nearest"};
    for (size_t i = 0; i < GCH_COUNT_OF(words); i++) {
        size_t length = strlen(words[i]);
        if (path.count > length + 1 && path.bytes[path.count - length - 1] == '/' &&
            memcmp(path.bytes + path.count - length, words[i], length) == 0)
            return (int)i;
    }
    return -1;
}

bool gch__url_decode_name(gch__span text, char out[GCH__NAME_CAP])
{
    /* An encoded slash would make one part two. */
    for (size_t i = 0; i + 2 < text.count; i++) {
        if (text.bytes[i] == '%' && text.bytes[i + 1] == '2' &&
            (text.bytes[i + 2] == 'F' || text.bytes[i + 2] == 'f'))
            return false;
    }
    return gch__url_decode(text, out, GCH__NAME_CAP) && gch__name_is_valid(out);
}

bool gch__url_append_name(gch__buffer *out, const char *name)
{
    static const char digits[] = "0123456789ABCDEF";
    for (const char *at = name; *at != '\0'; at++) {
        uint8_t c = (uint8_t)*at;
        bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                        (c >= 'A' && c <= 'Z') || strchr("-._~/", c) != NULL;
        char escape[3] = {'%', digits[c >> 4], digits[c & 15]};
        if (!gch__buffer_append(out, is_plain ? at : escape, is_plain ? 1 : 3))
            return false;
    }
    return true;
}

bool gch__parameters_parse(gch__span text, char *room, size_t room_cap, gch__parameters *out)
{
    size_t used = 0;
    out->count = 0;
    while (text.count > 0) {
        const uint8_t *mark = memchr(text.bytes, '&', text.count);
        size_t length = mark != NULL ? (size_t)(mark - text.bytes) : text.count;
        const uint8_t *equals = length > 0 ? memchr(text.bytes, '=', length) : NULL;
        size_t key_length = equals != NULL ? (size_t)(equals - text.bytes) : length;
        gch__span key = {text.bytes, key_length};
        gch__span value = {text.bytes + length, 0};
        if (equals != NULL)
            value = (gch__span){equals + 1, length - key_length - 1};
        if (key.count == 0 || out->count == GCH__PARAMETERS_MAX)
            return false;
        gch__parameter *item = &out->items[out->count++];
        char *key_text = room + used;
        if (!gch__url_decode(key, key_text, room_cap - used))
            return false;
        used += strlen(key_text) + 1;
        char *value_text = equals != NULL ? room + used : key_text + strlen(key_text);
        if (equals != NULL) {
            if (!gch__url_decode(value, value_text, room_cap - used))
                return false;
            used += strlen(value_text) + 1;
        }
        *item = (gch__parameter){key_text, value_text};
        size_t step = length + (mark != NULL);
        text = (gch__span){text.bytes + step, text.count - step};
    }
    return true;
}

const char *gch__parameters_get(const gch__parameters *parameters, const char *key)
{
    for (size_t i = 0; i < parameters->count; i++) {
        if (strcmp(parameters->items[i].key, key) == 0)
            return parameters->items[i].value;
    }
    return NULL;
}

const char *gch__parameters_check(const gch__parameters *parameters, const char *const *known,
                                  size_t known_count, const char *repeated)
{
    for (size_t i = 0; i < parameters->count; i++) {
        const char *key = parameters->items[i].key;
        bool is_known = false;
        for (size_t k = 0; k < known_count && !is_known; k++)
            is_known = strcmp(known[k], key) == 0;
        bool may_repeat = repeated != NULL && strcmp(repeated, key) == 0;
        bool is_repeat = gch__parameters_get(parameters, key) != parameters->items[i].value;
        if (!is_known || (is_repeat && !may_repeat))
            return key;
    }
    return NULL;
}

bool gch__text_count(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    size_t length = strlen(text);
    if (length == 0 || length > 20 || strspn(text, "0123456789") != length)
        return false;
    errno = 0;
    unsigned long long value = strtoull(text, NULL, 10);
    *out = value;
    return errno == 0 && value >= min && value <= max;
}
