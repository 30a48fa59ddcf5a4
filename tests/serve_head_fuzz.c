/* Any bytes as an HTTP/1.1 connection's input: no crash; heads and chunks are found at the same
 * places however the bytes are cut. The first byte chooses the cut. */
#include "serve_head.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

/* The length of the head when `step` more bytes are seen at a time. */
static size_t find_end(const uint8_t *bytes, size_t count, size_t step, bool *is_bad)
{
    size_t scanned = 0, seen = 0, end = 0;
    *is_bad = false;
    while (end == 0 && !*is_bad && seen < count) {
        seen = GCH_MIN(seen + step, count);
        end = gch__head_find_end(bytes, seen, &scanned, is_bad);
    }
    return end;
}

/* A sum over the payload and how it ended. */
static uint64_t unchunk(const uint8_t *bytes, size_t count, size_t step)
{
    gch__chunks chunks = {0};
    uint64_t sum = 0;
    bool is_done = false, is_bad = false;
    for (size_t used = 0; used < count && !is_done && !is_bad;) {
        gch__span payload;
        size_t piece = GCH_MIN(step, count - used);
        size_t taken = gch__chunks_next(&chunks, bytes + used, piece, &payload, &is_done, &is_bad);
        require(is_bad || (taken > 0 && taken <= piece), "no progress");
        for (size_t i = 0; i < payload.count; i++)
            sum = sum * 31 + payload.bytes[i];
        used += taken;
    }
    return sum * 4 + is_done * 2u + is_bad;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static gch__head head;
    const char *why = NULL;
    if (count < 1)
        return 0;
    size_t step = (size_t)bytes[0] + 1;
    bytes++;
    count--;
    bool is_bad, is_bad_too;
    size_t end = find_end(bytes, count, count + 1, &is_bad);
    require(end == find_end(bytes, count, step, &is_bad_too) && is_bad == is_bad_too,
            "the cut changes the head");
    require(unchunk(bytes, count, count + 1) == unchunk(bytes, count, step),
            "the cut changes the chunks");
    if (end == 0)
        return 0;
    int code = gch__head_parse(bytes, end, &head, &why);
    require(code == 0 || why != NULL, "refused without a reason");
    if (code != 0)
        return 0;
    require(!(head.is_chunked && head.has_length), "two framings");
    for (size_t i = 0; i < head.field_count; i++) {
        gch__span value = head.fields[i].value;
        require(value.count == 0 || (memchr(value.bytes, '\r', value.count) == NULL &&
                                     memchr(value.bytes, '\n', value.count) == NULL &&
                                     memchr(value.bytes, 0, value.count) == NULL),
                "a value has a line end");
        (void)gch__has_token(value, "close");
    }
    return 0;
}
