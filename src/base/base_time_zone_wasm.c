/* Time zones from the host: a page has no zone files, but its JavaScript knows every zone. */
#include "base_time_zone.h"

#include <string.h>

#define FILE_BYTES_MAX (1u << 16) /* the largest of the IANA's takes 4 KiB */

/* Writes the zone's TZif bytes to out_bytes[0, cap) and returns their number; 0 if the host knows
 * no zone of that name, or needs more room. */
__attribute__((import_module("gch"), import_name("time_zone"))) uint32_t
gch__host_time_zone(const char *name, size_t name_length, uint8_t *out_bytes, size_t cap);

gch_status gch__time_zone_read(const char *name, gch__buffer *out, gch_error *err)
{
    void *room = gch__buffer_reserve(out, FILE_BYTES_MAX);
    if (room == NULL)
        return gch__no_memory(err, "time zone");
    uint32_t count = gch__host_time_zone(name, strlen(name), room, FILE_BYTES_MAX);
    if (count == 0 || count > FILE_BYTES_MAX)
        return gch_fail(err, GCH_NOT_FOUND, "time zone '%s' is not known here", name);
    out->count += count;
    return GCH_OK;
}
