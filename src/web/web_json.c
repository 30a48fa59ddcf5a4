/* JSON for the host, written into one buffer that the next text reuses.
 *
 * Invariants:
 *  1. After a failure nothing more is written, and gch__web_text_finish tells.
 */
#include "web_state.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool has_failed;

void gch__web_text_start(void)
{
    gch__buffer *text = &gch__web_instance.text;
    text->allocator = gch__web_instance.allocator;
    text->purpose = "text";
    text->count = 0;
    has_failed = false;
}

static void append(const char *bytes, size_t count)
{
    if (!has_failed)
        has_failed = !gch__buffer_append(&gch__web_instance.text, bytes, count);
}

const char *gch__web_text_finish(void)
{
    append("", 1);
    if (!has_failed)
        return (const char *)gch__web_instance.text.bytes;
    (void)gch__no_memory(gch__web_err(), "text");
    return NULL;
}

void gch__web_put(const char *format, ...)
{
    char room[512]; /* no caller writes more: texts from outside go through gch__web_put_text */
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(room, sizeof room, format, arguments);
    va_end(arguments);
    append(room, (size_t)GCH_MIN(GCH_MAX(length, 0), (int)sizeof room - 1));
}

void gch__web_put_text(const char *text)
{
    append("\"", 1);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            gch__web_put("\\%c", *c);
        else if ((unsigned char)*c < 0x20)
            gch__web_put("\\u%04x", (unsigned)(unsigned char)*c);
        else
            append(c, 1);
    }
    append("\"", 1);
}
