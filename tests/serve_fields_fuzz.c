/* Any text as the fields that say who asks and from where: what is found lies within it, and a name
 * that is no literal address or localhost is let in only if it is listed. The first byte says where
 * the text is cut in two, for an Origin beside a Host. */
#include "serve_auth.h"
#include "serve_head.h"
#include "serve_ws.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static void check_within(gch__span part, gch__span whole)
{
    if (part.count > 0 &&
        (part.bytes < whole.bytes || part.bytes + part.count > whole.bytes + whole.count))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static const char *const listed[] = {"data.example"};
    char accept[29];
    if (count < 1)
        return 0;
    uint8_t *copy = malloc(count); /* malloc's, so that a sanitizer sees its end */
    if (copy == NULL)
        abort();
    memcpy(copy, bytes + 1, count - 1);
    const gch__span text = {copy, count - 1};
    const size_t cut = GCH_MIN((size_t)bytes[0], text.count);
    const gch__span origin = {copy, cut}, host = {copy + cut, text.count - cut};
    check_within(gch__bearer_token(text), text);
    check_within(gch__cookie_value(text, "gch_token"), text);
    (void)gch__has_token(text, "websocket");
    if (gch__ws_accept(text, accept) && (text.count != 24 || strlen(accept) != 28))
        abort();
    bool is_same = gch__origin_is_same(origin, host, bytes[0] % 2 == 0);
    if (is_same && (cut < 8 || host.count == 0))
        abort();
    bool is_named = gch__host_is_allowed(host, listed, 1);
    if (is_named && host.count == 0)
        abort();
    free(copy);
    return 0;
}
