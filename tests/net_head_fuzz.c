/* Any bytes as the head of an answer, line by line as curl hands them over, and as the answer to an
 * upgrade: no crash, texts end, and a range that is reported is one. */
#include "net_header.h"
#include "net_upgrade.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static void take_lines(const char *text, size_t count)
{
    gch__head head;
    gch__head_reset(&head);
    for (size_t at = 0; at < count;) {
        const char *end = memchr(text + at, '\n', count - at);
        size_t length = end != NULL ? (size_t)(end - text) - at + 1 : count - at;
        gch__head_take(&head, text + at, length, 1000000000);
        at += length;
    }
    const char *validator = gch__head_validator(&head);
    if (memchr(validator, '\0', GCH_HTTP_VALIDATOR_CAP) == NULL ||
        memchr(head.coding, '\0', sizeof head.coding) == NULL ||
        memchr(head.content_type, '\0', sizeof head.content_type) == NULL ||
        (head.has_range && (head.first >= head.end || (head.total != 0 && head.end > head.total))))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    gch__upgrade upgrade = {.host = "h", .target = "/", .protocol = "p", .token = ""};
    size_t used = 0;
    bool is_final;
    char *text = malloc(count + 1); /* malloc's, so that a sanitizer sees its end */
    if (text == NULL)
        abort();
    memcpy(text, bytes, count);
    memcpy(upgrade.key, "dGhlIHNhbXBsZSBub25jZQ==", 25);
    take_lines(text, count);
    if (gch__upgrade_read(&upgrade, text, count, &used, &is_final, NULL) == GCH_OK && used > count)
        abort();
    free(text);
    return 0;
}
