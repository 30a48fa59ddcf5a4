/* Time zones from the system's folder of TZif files, or the one that TZDIR names. */
#include "base_time_zone.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX (1u << 20)

static gch_status read_file(const char *path, const char *name, gch__buffer *out, gch_error *err)
{
    FILE *in = fopen(path, "rbe");
    if (in == NULL)
        return gch_fail(err, GCH_NOT_FOUND, "time zone '%s' is not known (%s: %s)", name, path,
                        strerror(errno));
    gch_status status = GCH_OK;
    for (;;) {
        const size_t step = 8192;
        void *room = gch__buffer_reserve(out, step);
        if (room == NULL) {
            status = gch__no_memory(err, "time zone");
            break;
        }
        size_t got = fread(room, 1, step, in);
        out->count += got;
        if (ferror(in)) { /* a folder, for one: "Europe" */
            status = gch_fail(err, GCH_NOT_FOUND, "time zone '%s' is not known (%s: %s)", name,
                              path, strerror(errno));
            break;
        }
        if (out->count > FILE_BYTES_MAX) {
            status = gch_fail(err, GCH_CORRUPT, "time zone '%s': %s is no zone file", name, path);
            break;
        }
        if (got < step)
            break;
    }
    fclose(in);
    return status;
}

gch_status gch__time_zone_read(const char *name, gch__buffer *out, gch_error *err)
{
    const char *folder = getenv("TZDIR");
    if (folder == NULL || folder[0] == '\0')
        folder = "/usr/share/zoneinfo";
    gch__buffer path = {.allocator = out->allocator, .purpose = "time zone"};
    gch_status status = GCH_OK;
    if (!gch__buffer_append(&path, folder, strlen(folder)) || !gch__buffer_append(&path, "/", 1) ||
        !gch__buffer_append(&path, name, strlen(name) + 1))
        status = gch__no_memory(err, "time zone");
    if (status == GCH_OK)
        status = read_file((const char *)path.bytes, name, out, err);
    gch__buffer_reset(&path);
    return status;
}
