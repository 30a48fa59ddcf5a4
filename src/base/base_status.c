/* Status names and the one way to fail. */
#include "base.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *gch_status_name(gch_status status)
{
    switch (status) {
#define X(name, value, text)                                                                       \
    case GCH_##name:                                                                               \
        return "GCH_" #name;
        GCH_STATUS_MAP(X)
#undef X
    }
    return "GCH_?";
}

const char *gch_status_text(gch_status status)
{
    switch (status) {
#define X(name, value, text)                                                                       \
    case GCH_##name:                                                                               \
        return text;
        GCH_STATUS_MAP(X)
#undef X
    }
    return "unknown status";
}

void gch__set_error(gch_error *err, gch_status status, const char *format, ...)
{
    if (err == NULL)
        return;
    /* Formatted aside: an argument may be the old message. */
    char message[GCH_ERROR_MESSAGE_CAP] = "";
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    err->status = status;
    memcpy(err->message, message, sizeof message);
}
