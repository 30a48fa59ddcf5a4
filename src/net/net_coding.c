/* Streaming decoders over zlib, libbrotlidec and libzstd.
 *
 * Invariants:
 *  1. The libraries allocate through the decoder's allocator.
 *  2. Once at its end a decoder takes no further byte. (RFC 1952 allows several gzip members; no
 *     server sends them, and a second one hides a truncated first.)
 */
#include "net_coding.h"

#include <brotli/decode.h>
#include <string.h>
#include <strings.h>
#define ZSTD_STATIC_LINKING_ONLY /* ZSTD_customMem */
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#define PART_BYTES 16384u
#define ZSTD_WINDOW_LOG 23 /* RFC 9659 */

struct gch__decoder {
    const gch_allocator *allocator;
    gch__coding coding;
    bool is_at_end;
    z_stream gzip;
    BrotliDecoderState *brotli;
    ZSTD_DStream *zstd;
    uint32_t magic_count; /* of zstd's magic number: bytes seen */
    uint8_t part[PART_BYTES];
};

gch_status gch__coding_parse(const char *name, gch__coding *out, gch_error *err)
{
    static const char *const names[GCH__CODING_COUNT] = {"identity", "gzip", "br", "zstd"};
    for (int i = 0; i < GCH__CODING_COUNT; i++) {
        if (strcasecmp(name, names[i]) == 0 || (i == GCH__CODING_IDENTITY && name[0] == '\0')) {
            *out = (gch__coding)i;
            return GCH_OK;
        }
    }
    return gch_fail(err, GCH_CORRUPT, "the answer is coded as '%s', which was not asked for", name);
}

/* ---- the libraries' memory ---- */

static void *allocate(void *context, size_t bytes)
{
    return gch__alloc(context, bytes, "decoder");
}

static void release(void *context, void *memory)
{
    gch__free(context, memory, "decoder");
}

static void *allocate_items(void *context, unsigned count, unsigned size)
{
    return gch__alloc_array(context, count, size, "decoder");
}

static gch_status open_library(gch__decoder *decoder, gch_error *err)
{
    void *context = (void *)(uintptr_t)decoder->allocator;
    bool is_open = false;
    switch (decoder->coding) {
    case GCH__CODING_GZIP:
        decoder->gzip = (z_stream){.zalloc = allocate_items, .zfree = release, .opaque = context};
        is_open = inflateInit2(&decoder->gzip, 15 + 16) == Z_OK; /* gzip only */
        break;
    case GCH__CODING_BROTLI:
        decoder->brotli = BrotliDecoderCreateInstance(allocate, release, context);
        is_open = decoder->brotli != NULL;
        break;
    case GCH__CODING_ZSTD:
        decoder->zstd = ZSTD_createDStream_advanced(
            (ZSTD_customMem){.customAlloc = allocate, .customFree = release, .opaque = context});
        is_open = decoder->zstd != NULL &&
                  !ZSTD_isError(
                      ZSTD_DCtx_setParameter(decoder->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG));
        break;
    case GCH__CODING_IDENTITY:
    case GCH__CODING_COUNT:
        break;
    }
    return is_open ? GCH_OK : gch__no_memory(err, "decoder");
}

gch_status gch__decoder_make(const gch_allocator *allocator, gch__coding coding, gch__decoder **out,
                             gch_error *err)
{
    gch__decoder *decoder = gch__alloc_zero(allocator, 1, sizeof *decoder, "decoder");
    if (decoder == NULL)
        return gch__no_memory(err, "decoder");
    decoder->allocator = allocator;
    decoder->coding = coding;
    gch_status status = open_library(decoder, err);
    if (status != GCH_OK) {
        gch__decoder_destroy(decoder);
        return status;
    }
    *out = decoder;
    return GCH_OK;
}

void gch__decoder_destroy(gch__decoder *decoder)
{
    if (decoder == NULL)
        return;
    if (decoder->coding == GCH__CODING_GZIP)
        (void)inflateEnd(&decoder->gzip);
    if (decoder->brotli != NULL)
        BrotliDecoderDestroyInstance(decoder->brotli);
    (void)ZSTD_freeDStream(decoder->zstd);
    gch__free(decoder->allocator, decoder, "decoder");
}

bool gch__decoder_is_at_end(const gch__decoder *decoder)
{
    return decoder->is_at_end;
}

/* ---- one step: some input, at most one part of output ---- */

typedef struct step {
    const uint8_t *next; /* input */
    size_t left;
    size_t made;  /* output */
    bool is_done; /* needs more input */
} step;

static gch_status fail_broken(const char *name, gch_error *err)
{
    return gch_fail(err, GCH_CORRUPT, "the answer's %s coding is broken", name);
}

static gch_status step_gzip(gch__decoder *decoder, step *s, gch_error *err)
{
    z_stream *stream = &decoder->gzip;
    uInt offered = (uInt)GCH_MIN(s->left, (size_t)1 << 30);
    stream->next_in = (Bytef *)(uintptr_t)s->next;
    stream->avail_in = offered;
    stream->next_out = decoder->part;
    stream->avail_out = PART_BYTES;
    int result = inflate(stream, Z_NO_FLUSH);
    s->next += offered - stream->avail_in;
    s->left -= offered - stream->avail_in;
    s->made = PART_BYTES - stream->avail_out;
    decoder->is_at_end = result == Z_STREAM_END;
    s->is_done = stream->avail_out > 0 && s->left == 0;
    if (result == Z_MEM_ERROR)
        return gch__no_memory(err, "decoder");
    return result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR
               ? GCH_OK
               : fail_broken("gzip", err);
}

static gch_status step_brotli(gch__decoder *decoder, step *s, gch_error *err)
{
    uint8_t *out = decoder->part;
    size_t room = PART_BYTES;
    BrotliDecoderResult result =
        BrotliDecoderDecompressStream(decoder->brotli, &s->left, &s->next, &room, &out, NULL);
    s->made = PART_BYTES - room;
    decoder->is_at_end = result == BROTLI_DECODER_RESULT_SUCCESS;
    s->is_done = result == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT;
    if (result != BROTLI_DECODER_RESULT_ERROR)
        return GCH_OK;
    BrotliDecoderErrorCode code = BrotliDecoderGetErrorCode(decoder->brotli);
    return code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
                   code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES
               ? gch__no_memory(err, "decoder")
               : fail_broken("br", err);
}

static gch_status step_zstd(gch__decoder *decoder, step *s, gch_error *err)
{
    ZSTD_inBuffer input = {.src = s->next, .size = s->left};
    ZSTD_outBuffer output = {.dst = decoder->part, .size = PART_BYTES};
    size_t result = ZSTD_decompressStream(decoder->zstd, &output, &input);
    s->next += input.pos;
    s->left -= input.pos;
    s->made = output.pos;
    decoder->is_at_end = result == 0;
    s->is_done = output.pos < PART_BYTES && s->left == 0;
    if (!ZSTD_isError(result))
        return GCH_OK;
    switch (ZSTD_getErrorCode(result)) {
    case ZSTD_error_memory_allocation:
        return gch__no_memory(err, "decoder");
    case ZSTD_error_frameParameter_windowTooLarge:
        return gch_fail(err, GCH_LIMIT, "the answer's zstd coding needs a window above 8 MiB");
    default:
        return fail_broken("zstd", err);
    }
}

/* Frames of the formats before version 1 would go to decoders in the library that know neither our
 * memory nor its bounds. */
static gch_status check_magic(gch__decoder *decoder, const uint8_t *bytes, size_t count,
                              gch_error *err)
{
    static const uint8_t magic[4] = {0x28, 0xB5, 0x2F, 0xFD};
    for (size_t i = 0; i < count && decoder->magic_count < sizeof magic; i++) {
        if (bytes[i] != magic[decoder->magic_count++])
            return fail_broken("zstd", err);
    }
    return GCH_OK;
}

gch_status gch__decoder_feed(gch__decoder *decoder, const uint8_t *bytes, size_t count,
                             gch__decoded_fn *take, void *context, gch_error *err)
{
    step s = {.next = bytes, .left = count};
    if (decoder->coding == GCH__CODING_ZSTD)
        GCH_TRY(check_magic(decoder, bytes, count, err));
    while (count > 0 && !s.is_done) {
        if (decoder->is_at_end)
            return s.left == 0 ? GCH_OK
                               : gch_fail(err, GCH_CORRUPT, "bytes follow the end of the coding");
        if (decoder->coding == GCH__CODING_GZIP)
            GCH_TRY(step_gzip(decoder, &s, err));
        else if (decoder->coding == GCH__CODING_BROTLI)
            GCH_TRY(step_brotli(decoder, &s, err));
        else
            GCH_TRY(step_zstd(decoder, &s, err));
        if (s.made > 0)
            GCH_TRY(take(context, decoder->part, s.made, err));
    }
    return GCH_OK;
}

/* ---- which to ask for ---- */

/* A coded body is about this much smaller; what does not get smaller servers send as it is. */
#define RATIO_PERCENT 250u

const char *gch__coding_accept(uint64_t line_rate, const uint64_t rates[GCH__CODING_COUNT])
{
    /* Time a byte of output: 1 / line plain; coded, decoding beside 1 / (ratio * line) of line. It
     * pays as long as 1 / rate < (1 - 1 / ratio) / line. */
    static const char *const lists[8] = {"identity", "gzip",       "br",       "br, gzip",
                                         "zstd",     "zstd, gzip", "zstd, br", "zstd, br, gzip"};
    unsigned wanted = 0;
    for (unsigned coding = GCH__CODING_GZIP; coding < GCH__CODING_COUNT; coding++) {
        unsigned __int128 worth = (unsigned __int128)rates[coding] * (RATIO_PERCENT - 100u);
        if (worth >= (unsigned __int128)line_rate * RATIO_PERCENT)
            wanted |= 1u << (coding - 1);
    }
    return lists[wanted];
}
