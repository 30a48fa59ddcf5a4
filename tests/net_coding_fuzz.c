/* Any bytes as a coded body: no crash, no more output than was asked for, and the same output
 * however the bytes are cut. The first byte chooses the coding, the second the cut. */
#include "net_coding.h"

#include <stdlib.h>
#include <string.h>

#define OUTPUT_CAP ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

typedef struct output {
    uint64_t sum;
    size_t count;
} output;

static gch_status take(void *context, const uint8_t *bytes, size_t count, gch_error *err)
{
    output *out = context;
    if (count > OUTPUT_CAP - out->count)
        return gch_fail(err, GCH_LIMIT, "a bomb");
    for (size_t i = 0; i < count; i++)
        out->sum = out->sum * 31 + bytes[i];
    out->count += count;
    return GCH_OK;
}

static gch_status decode(gch__coding coding, const uint8_t *bytes, size_t count, size_t step,
                         output *out, bool *out_is_at_end)
{
    gch__decoder *decoder = NULL;
    gch_status status = gch__decoder_make(NULL, coding, &decoder, NULL);
    if (status != GCH_OK)
        abort();
    for (size_t at = 0; at < count && status == GCH_OK; at += step)
        status = gch__decoder_feed(decoder, bytes + at, GCH_MIN(step, count - at), take, out, NULL);
    *out_is_at_end = gch__decoder_is_at_end(decoder);
    gch__decoder_destroy(decoder);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static const gch__coding codings[] = {GCH__CODING_GZIP, GCH__CODING_BROTLI, GCH__CODING_ZSTD};
    output whole = {0}, parts = {0};
    bool at_end, at_end_too;
    if (count < 3)
        return 0;
    gch__coding coding = codings[bytes[0] % GCH_COUNT_OF(codings)];
    size_t step = (size_t)bytes[1] + 1;
    gch_status status = decode(coding, bytes + 2, count - 2, count, &whole, &at_end);
    gch_status again = decode(coding, bytes + 2, count - 2, step, &parts, &at_end_too);
    if (status != GCH_OK && status != GCH_CORRUPT && status != GCH_LIMIT)
        abort();
    if (status == GCH_OK && (again != GCH_OK || whole.sum != parts.sum ||
                             whole.count != parts.count || at_end != at_end_too))
        abort();
    return 0;
}
