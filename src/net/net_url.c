#include "net_url.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool gch__url_put(gch__buffer *out, const char *text)
{
    return gch__buffer_append(out, text, strlen(text));
}

bool gch__url_put_number(gch__buffer *out, const char *format, ...)
{
    char text[96];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return gch__url_put(out, text);
}

bool gch__url_put_value(gch__buffer *out, const char *key, const char *value)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    bool is_put = gch__url_put(out, key);
    for (const char *p = value; *p != '\0' && is_put; p++) {
        if (strchr(plain, *p) != NULL)
            is_put = gch__buffer_append(out, p, 1);
        else
            is_put = gch__url_put_number(out, "%%%02X", (unsigned char)*p);
    }
    return is_put;
}
