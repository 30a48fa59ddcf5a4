/* Time zones below the public calls: zones from bytes, and the instants at which a zone changes. */
#ifndef GCH_BASE_TIME_ZONE_H
#define GCH_BASE_TIME_ZONE_H

#include "base.h"
#include "gch/time.h"

/* A zone from the bytes of a TZif file; `name` is copied. GCH_CORRUPT (what is wrong stands in the
 * message), GCH_NOT_FOUND for a zone that counts leap seconds, which POSIX time cannot express,
 * GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__time_zone_parse(const uint8_t *bytes, size_t byte_count,
                                            const char *name, const gch_allocator *allocator,
                                            gch_time_zone **out, gch_error *err);

/* Appends the bytes of the TZif file of a zone, whose name has been checked:
 * base_time_zone_files.c, base_time_zone_wasm.c. GCH_NOT_FOUND, GCH_CORRUPT (too long),
 * GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__time_zone_read(const char *name, gch__buffer *out, gch_error *err);

/* The first instant after utc_s at which the zone's offset or abbreviation may change; false if
 * there is none. NULL is UTC. */
bool gch__time_zone_next_change(const gch_time_zone *zone, int64_t utc_s, int64_t *out_utc_s);

/* Quotient and remainder of the division that rounds down; divisor > 0. */
static inline int64_t gch__floor_div(int64_t value, int64_t divisor)
{
    return value / divisor - (value % divisor < 0);
}

static inline int64_t gch__floor_mod(int64_t value, int64_t divisor)
{
    int64_t rest = value % divisor;
    return rest < 0 ? rest + divisor : rest;
}

#endif
