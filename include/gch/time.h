/* Time: int64 ticks in a unit, ISO 8601 text, civil dates and IANA time zones.
 *
 * Ticks count from 1970-01-01T00:00:00Z without leap seconds (POSIX time); GCH_TIME_INDEX is a
 * plain row number with no date. Civil conversions use the proleptic Gregorian calendar
 * (days-from-civil, Howard Hinnant, "chrono-compatible low-level date algorithms").
 *
 * Thread rule: a gch_time_zone is immutable once opened and may be shared; the rest is pure.
 */
#ifndef GCH_TIME_H
#define GCH_TIME_H

#include "gch/allocator.h"
#include "gch/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum gch_time_unit {
    GCH_TIME_DEFAULT = 0, /* "not chosen": guessed where a guess is possible, else invalid */
    GCH_TIME_INDEX = 1,
    GCH_TIME_S = 2,
    GCH_TIME_MS = 3,
    GCH_TIME_US = 4,
    GCH_TIME_NS = 5,
} gch_time_unit;

/* Ticks a second: 1, 1000, 10^6, 10^9; 0 for INDEX and DEFAULT. */
int64_t gch_time_unit_per_second(gch_time_unit unit);
/* "index", "s", "ms", "us", "ns"; "default". */
const char *gch_time_unit_name(gch_time_unit unit);
bool gch_time_unit_parse(const char *name, gch_time_unit *out);

/* The unit an integer timestamp is most likely in, by magnitude: seconds below 10^11, ms below
 * 10^14, us below 10^17, else ns (each covers the years 1973 to 5138 or so). */
gch_time_unit gch_time_unit_guess(int64_t ticks);

typedef struct gch_civil {
    int64_t year;        /* proleptic Gregorian, 0 is 1 BC */
    uint32_t month, day; /* 1-12, 1-31 */
    uint32_t hour, minute, second;
    uint32_t nanosecond;
} gch_civil;

int64_t gch_days_from_civil(int64_t year, uint32_t month, uint32_t day); /* days since 1970-01-01 */
void gch_civil_from_days(int64_t days, int64_t *year, uint32_t *month, uint32_t *day);
/* 0 = Monday ... 6 = Sunday (ISO 8601). */
uint32_t gch_weekday_from_days(int64_t days);

typedef struct gch_time_zone gch_time_zone;

/* Opens an IANA zone by name ("Europe/Berlin", "UTC") from the system's TZif files (RFC 8536,
 * versions 1-4, the POSIX footer included); TZDIR overrides the folder. Names that leave the folder
 * are refused. NULL or "" opens UTC without a file.
 * GCH_NOT_FOUND, GCH_CORRUPT, GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch_time_zone_open(const char *name, const gch_allocator *allocator,
                                          gch_time_zone **out, gch_error *err);
void gch_time_zone_close(gch_time_zone *zone);
/* NULL means UTC wherever a `const gch_time_zone *` is taken. */
const char *gch_time_zone_name(const gch_time_zone *zone);
/* Seconds east of UTC in force at a POSIX time; *abbreviation (nullable) is borrowed from zone. */
int32_t gch_time_zone_offset(const gch_time_zone *zone, int64_t utc_s, const char **abbreviation);
/* The POSIX second of a local wall-clock second (counted as if it were UTC). A time skipped by a
 * change of clocks maps to the instant of the change; a repeated one to its first occurrence. */
int64_t gch_time_zone_to_utc(const gch_time_zone *zone, int64_t local_s);

/* Splits ticks of `unit` (not INDEX) into wall-clock fields of the zone; *offset_s nullable. */
gch_civil gch_civil_from_ticks(int64_t ticks, gch_time_unit unit, const gch_time_zone *zone,
                               int32_t *offset_s);

/* Reads ISO 8601, also with slashes in the date ("2024-03-01", "2024/03/01", "2024-03-01T12:30",
 * "2024-03-01 12:30:00.125", with Z, +02:00, +0200 or +02 or nothing) into ticks of `unit`; without
 * an offset the text is local time of `zone`. GCH_PARSE if it is no such text, GCH_LIMIT if it is
 * finer than the unit or out of range.
 */
GCH_CHECKED gch_status gch_time_parse(const char *text, size_t length, gch_time_unit unit,
                                      const gch_time_zone *zone, int64_t *out_ticks,
                                      gch_error *err);

/* ISO 8601 with as many fraction digits as the unit has ("2024-03-01T12:30:00.125Z", with the
 * offset instead of Z for a zone other than UTC); plain digits for INDEX. Returns the length
 * without the NUL; `text` holds at least 64. */
size_t gch_time_format(int64_t ticks, gch_time_unit unit, const gch_time_zone *zone, char *text,
                       size_t text_cap);

#ifdef __cplusplus
}
#endif
#endif
