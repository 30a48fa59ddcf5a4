/* Paths, query strings and numbers in them: parsers of what stands in a URL.
 *
 * Thread rule: pure functions.
 */
#ifndef GCH_SERVE_URL_H
#define GCH_SERVE_URL_H

#include "base.h"

#define GCH__NAME_CAP 1024u /* bytes of a data set's name, with the NUL */
#define GCH__PARAMETERS_MAX 64u

/* Decodes %XX of text into out[0, cap) with a NUL. False if an escape is malformed, the result has
 * a NUL or another control character, is not UTF-8, or does not fit. */
bool gch__url_decode(gch__span text, char *out, size_t cap);

/* Decodes the path of a data set, part by part: each is not empty, does not begin with a dot, and
 * has no slash, encoded or not, nor a backslash. False otherwise. */
bool gch__url_decode_name(gch__span text, char out[GCH__NAME_CAP]);
/* Whether a text is such a name. */
bool gch__name_is_valid(const char *name);
/* The view that a path NAME/VIEW ends with ("columns", "bars", "range", "points", "nearest": 0 to
 * 4); -1: none. A name that ends so cannot be asked for. */
int gch__path_view(gch__span path);
/* The name as a part of a URL: every byte but unreserved ones and slashes as %XX. */
bool gch__url_append_name(gch__buffer *out, const char *name);

typedef struct gch__parameter {
    const char *key, *value;
} gch__parameter;

/* A decoded query string. */
typedef struct gch__parameters {
    size_t count;
    gch__parameter items[GCH__PARAMETERS_MAX];
} gch__parameters;

/* Splits and decodes key=value&key=value; the texts lie in room[0, room_cap), where
 * text.count + 1 bytes are enough. False if an escape is malformed, a key is empty, or there are
 * too many. */
bool gch__parameters_parse(gch__span text, char *room, size_t room_cap, gch__parameters *out);
/* The value of a key, NULL if it is absent; the first of several. */
const char *gch__parameters_get(const gch__parameters *parameters, const char *key);
/* The first key that is not in known[0, known_count), or stands twice (unless it is `repeated`,
 * nullable); NULL if all is well. */
const char *gch__parameters_check(const gch__parameters *parameters, const char *const *known,
                                  size_t known_count, const char *repeated);

/* A whole number in [min, max], digits alone; false otherwise. */
bool gch__text_count(const char *text, uint64_t min, uint64_t max, uint64_t *out);

#endif
