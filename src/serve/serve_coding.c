/* Content codings (serve_coding.h).
 *
 * Levels: zstd 1, brotli 1 and gzip 1. Higher ones save a few per cent more and cost several times
 * the time, which a viewer who waits for a frame pays.
 */
#include "serve_coding.h"

#include "serve_head.h"

#include <brotli/encode.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

const char *gch__coding_name(gch__coding coding)
{
    static const char *const names[GCH__CODING_COUNT] = {"identity", "zstd", "br", "gzip"};
    return names[coding];
}

/* "q=0.5" behind a coding, in thousandths; 1000 if there is none, 0 if it is malformed. */
static uint32_t parse_weight(gch__span text)
{
    text = gch__span_trim(text);
    if (text.count == 0)
        return 1000;
    if (text.bytes[0] != ';')
        return 0;
    text = gch__span_trim((gch__span){text.bytes + 1, text.count - 1});
    if (text.count < 3 || (text.bytes[0] | 32) != 'q' || text.bytes[1] != '=' ||
        (text.bytes[2] != '0' && text.bytes[2] != '1') || text.count > 7)
        return 0;
    uint32_t weight = text.bytes[2] == '1' ? 1000 : 0, unit = 100;
    if (text.count > 3 && text.bytes[3] != '.')
        return 0;
    for (size_t i = 4; i < text.count; i++, unit /= 10) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9')
            return 0;
        weight += (uint32_t)(text.bytes[i] - '0') * unit;
    }
    return GCH_MIN(weight, 1000u);
}

/* Weights of the codings in an Accept-Encoding field. */
static void read_weights(gch__span accept, uint32_t weights[GCH__CODING_COUNT])
{
    bool is_named[GCH__CODING_COUNT] = {false};
    uint32_t any = 0;
    while (accept.count > 0) {
        const uint8_t *comma = memchr(accept.bytes, ',', accept.count);
        size_t length = comma != NULL ? (size_t)(comma - accept.bytes) : accept.count;
        gch__span item = gch__span_trim((gch__span){accept.bytes, length});
        const uint8_t *mark = item.count > 0 ? memchr(item.bytes, ';', item.count) : NULL;
        gch__span name = item;
        if (mark != NULL)
            name = gch__span_trim((gch__span){item.bytes, (size_t)(mark - item.bytes)});
        gch__span rest = {mark != NULL ? mark : item.bytes,
                          mark != NULL ? item.count - (size_t)(mark - item.bytes) : 0};
        uint32_t weight = parse_weight(rest);
        if (gch__span_is(name, "*"))
            any = weight;
        for (size_t i = 0; i < GCH__CODING_COUNT; i++) {
            if (!gch__span_is(name, gch__coding_name((gch__coding)i)))
                continue;
            weights[i] = weight;
            is_named[i] = true;
        }
        size_t step = length + (comma != NULL);
        accept = (gch__span){accept.bytes + step, accept.count - step};
    }
    for (size_t i = 0; i < GCH__CODING_COUNT; i++)
        weights[i] = is_named[i] ? weights[i] : any;
}

bool gch__coding_takes(gch__span accept, gch__coding coding)
{
    uint32_t weights[GCH__CODING_COUNT] = {0};
    read_weights(accept, weights);
    return weights[coding] > 0;
}

gch__coding gch__coding_choose(gch__span accept)
{
    uint32_t weights[GCH__CODING_COUNT] = {0};
    gch__coding best = GCH__CODING_IDENTITY;
    uint32_t best_weight = 0;
    read_weights(accept, weights);
    for (size_t i = GCH__CODING_ZSTD; i < GCH__CODING_COUNT; i++) {
        if (weights[i] > best_weight) {
            best = (gch__coding)i;
            best_weight = weights[i];
        }
    }
    return best;
}

static size_t encode_gzip(const uint8_t *bytes, size_t count, uint8_t *out, size_t cap)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)bytes,
                       .avail_in = (uInt)count,
                       .next_out = out,
                       .avail_out = (uInt)cap};
    if (deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return 0;
    int code = deflate(&stream, Z_FINISH);
    size_t coded = stream.total_out;
    deflateEnd(&stream);
    return code == Z_STREAM_END ? coded : 0;
}

bool gch__coding_encode(gch__coding coding, const uint8_t *bytes, size_t count, double min_ratio,
                        gch__buffer *out)
{
    /* Only so much room as is worth filling: who does not fit in has not paid. */
    size_t cap = (size_t)((double)count / min_ratio), coded = 0;
    uint8_t *to = gch__buffer_reserve(out, cap);
    if (to == NULL || count > UINT32_MAX)
        return false;
    if (coding == GCH__CODING_ZSTD) {
        coded = ZSTD_compress(to, cap, bytes, count, 1);
        if (ZSTD_isError(coded))
            coded = 0;
    } else if (coding == GCH__CODING_BROTLI) {
        coded = cap;
        if (BrotliEncoderCompress(1, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_GENERIC, count, bytes,
                                  &coded, to) != BROTLI_TRUE)
            coded = 0;
    } else if (coding == GCH__CODING_GZIP) {
        coded = encode_gzip(bytes, count, to, cap);
    }
    out->count += coded;
    return coded > 0;
}

bool gch__coding_pays(gch__coding coding, double ns_a_byte, double ratio,
                      double link_bytes_a_second)
{
    /* What decoding costs the client, and first guesses for encoding and ratio: 64 KB of columns,
     * one core. */
    static const double decode_ns[GCH__CODING_COUNT] = {0, 1.5, 4, 3};
    static const double encode_ns[GCH__CODING_COUNT] = {0, 4, 8, 10};
    if (coding == GCH__CODING_IDENTITY)
        return false;
    if (link_bytes_a_second <= 0)
        return true;
    if (ns_a_byte <= 0)
        ns_a_byte = encode_ns[coding];
    if (ratio <= 0)
        ratio = 2;
    double saved_ns = (1 - 1 / ratio) * 1e9 / link_bytes_a_second;
    return saved_ns > ns_a_byte + decode_ns[coding];
}
