/* Writing URLs into a buffer; each call is false if there is no memory. */
#ifndef GCH_NET_URL_H
#define GCH_NET_URL_H

#include "base.h"

bool gch__url_put(gch__buffer *out, const char *text); /* as it is */
GCH_PRINTF(2, 3)
bool gch__url_put_number(gch__buffer *out, const char *format, ...); /* at most 95 bytes */
/* `key` as it is, `value` percent-encoded. */
bool gch__url_put_value(gch__buffer *out, const char *key, const char *value);

#endif
