/* Content codings: which one the client takes, whether it pays, and the coding itself.
 *
 * Thread rule: pure functions.
 */
#ifndef GCH_SERVE_CODING_H
#define GCH_SERVE_CODING_H

#include "base.h"

typedef enum gch__coding {
    GCH__CODING_IDENTITY = 0,
    GCH__CODING_ZSTD = 1,
    GCH__CODING_BROTLI = 2,
    GCH__CODING_GZIP = 3,
    GCH__CODING_COUNT
} gch__coding;

/* As in Content-Encoding. */
const char *gch__coding_name(gch__coding coding);

/* What an Accept-Encoding field takes (RFC 9110, 12.5.3): of the codings with the highest weight
 * the first in the order of gch__coding, IDENTITY if there is none. */
gch__coding gch__coding_choose(gch__span accept);

/* Whether such a field takes a coding at all. */
bool gch__coding_takes(gch__span accept, gch__coding coding);

/* Appends the coded bytes, at the levels that are worth it while someone waits. Returns false if
 * there is no memory or the result would not be smaller than `count` / min_ratio. */
bool gch__coding_encode(gch__coding coding, const uint8_t *bytes, size_t count, double min_ratio,
                        gch__buffer *out);

/* Whether coding pays: the time it takes is less than the time the link needs for what it saves.
 * ns_a_byte and ratio are those measured so far, 0 for not yet; link_bytes_a_second 0: unknown,
 * then it is taken for a slow one. */
bool gch__coding_pays(gch__coding coding, double ns_a_byte, double ratio,
                      double link_bytes_a_second);

#endif
