/* Content codings, decoded as they stream with bounded memory: gzip, Brotli, Zstandard.
 *
 * A decoder holds one window (gzip 32 KiB, Brotli at most 16 MiB, Zstandard at most 8 MiB as RFC
 * 9659 asks) and gives out parts of at most 16 KiB, so that a small input that decodes to
 * gigabytes is stopped by whoever takes the parts, at the first one too many.
 */
#ifndef GCH_NET_CODING_H
#define GCH_NET_CODING_H

#include "base.h"

typedef enum gch__coding {
    GCH__CODING_IDENTITY = 0,
    GCH__CODING_GZIP = 1,
    GCH__CODING_BROTLI = 2,
    GCH__CODING_ZSTD = 3,
    GCH__CODING_COUNT
} gch__coding;

/* By the value of Content-Encoding; "" is identity. GCH_CORRUPT: one that was not asked for. */
GCH_CHECKED gch_status gch__coding_parse(const char *name, gch__coding *out, gch_error *err);

typedef struct gch__decoder gch__decoder;

/* Takes decoded bytes; a failure ends the decoding with it. */
typedef gch_status gch__decoded_fn(void *context, const uint8_t *bytes, size_t count,
                                   gch_error *err);

/* `coding` is not identity. GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__decoder_make(const gch_allocator *allocator, gch__coding coding,
                                         gch__decoder **out, gch_error *err);
void gch__decoder_destroy(gch__decoder *decoder); /* NULL is allowed */

/* Decodes all of the input. GCH_CORRUPT (broken, or goes on behind its end), GCH_LIMIT (a window
 * that is too large), GCH_NO_MEMORY, and what `take` returns. */
GCH_CHECKED gch_status gch__decoder_feed(gch__decoder *decoder, const uint8_t *bytes, size_t count,
                                         gch__decoded_fn *take, void *context, gch_error *err);
bool gch__decoder_is_at_end(const gch__decoder *decoder); /* of a whole coded body */

/* Which codings are worth asking for on a line of this rate (0: not known), given the bytes of
 * output that decoding makes a second: the value of Accept-Encoding. */
const char *gch__coding_accept(uint64_t line_rate, const uint64_t rates[GCH__CODING_COUNT]);

#endif
