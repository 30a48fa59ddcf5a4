/* Ticks, civil dates and ISO 8601 text.
 *
 * Invariants:
 *  1. Seconds are split from ticks by division that rounds down; a fraction is never negative.
 *  2. Local seconds are formed in 128 bits: any int64 tick count of any unit, moved by any offset,
 *     has a date, and gch_time_parse reads back exactly what gch_time_format wrote.
 */
#include "base_time_zone.h"

#include <stdio.h>
#include <string.h>

#define DAY_S 86400
#define YEAR_DIGITS_MAX 12 /* seconds in int64 reach the year 292,277,026,596 */
/* Beyond it days would leave int64; no tick count comes near. */
#define YEAR_MAX INT64_C(20000000000000000)

int64_t gch_time_unit_per_second(gch_time_unit unit)
{
    switch (unit) {
    case GCH_TIME_S:
        return 1;
    case GCH_TIME_MS:
        return 1000;
    case GCH_TIME_US:
        return 1000000;
    case GCH_TIME_NS:
        return 1000000000;
    default:
        return 0;
    }
}

static const char *const unit_names[] = {"default", "index", "s", "ms", "us", "ns"};

const char *gch_time_unit_name(gch_time_unit unit)
{
    return (size_t)unit < GCH_COUNT_OF(unit_names) ? unit_names[unit] : "?";
}

bool gch_time_unit_parse(const char *name, gch_time_unit *out)
{
    for (size_t i = GCH_TIME_INDEX; i < GCH_COUNT_OF(unit_names); i++) {
        if (strcmp(name, unit_names[i]) == 0) {
            *out = (gch_time_unit)i;
            return true;
        }
    }
    return false;
}

gch_time_unit gch_time_unit_guess(int64_t ticks)
{
    uint64_t size = ticks < 0 ? 0 - (uint64_t)ticks : (uint64_t)ticks;
    if (size < UINT64_C(100000000000))
        return GCH_TIME_S;
    if (size < UINT64_C(100000000000000))
        return GCH_TIME_MS;
    return size < UINT64_C(100000000000000000) ? GCH_TIME_US : GCH_TIME_NS;
}

/* ---- the calendar ---- */

int64_t gch_days_from_civil(int64_t year, uint32_t month, uint32_t day)
{
    year = GCH_MAX(GCH_MIN(year, YEAR_MAX), -YEAR_MAX);
    /* Years that begin in March put the leap day last. */
    year -= month <= 2;
    int64_t era = gch__floor_div(year, 400);
    int64_t year_of_era = year - era * 400;
    int64_t month_from_march = (int64_t)month + (month > 2 ? -3 : 9);
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + (int64_t)day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

void gch_civil_from_days(int64_t days, int64_t *year, uint32_t *month, uint32_t *day)
{
    int64_t era = gch__floor_div(days, 146097);
    /* Days since 0000-03-01, less whole eras: nothing overflows up to the ends of int64. */
    int64_t shifted = gch__floor_mod(days, 146097) + 719468;
    era += shifted / 146097;
    int64_t day_of_era = shifted % 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    *day = (uint32_t)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    *month = (uint32_t)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

uint32_t gch_weekday_from_days(int64_t days)
{
    return (uint32_t)((gch__floor_mod(days, 7) + 3) % 7); /* 1970-01-01 was a Thursday */
}

gch_civil gch_civil_from_ticks(int64_t ticks, gch_time_unit unit, const gch_time_zone *zone,
                               int32_t *offset_s)
{
    int64_t per_second = GCH_MAX(gch_time_unit_per_second(unit), 1);
    int64_t utc_s = gch__floor_div(ticks, per_second);
    int64_t fraction = gch__floor_mod(ticks, per_second);
    int32_t offset = gch_time_zone_offset(zone, utc_s, NULL);
    if (offset_s != NULL)
        *offset_s = offset;

    __int128 local_s = (__int128)utc_s + offset;
    int64_t days = (int64_t)(local_s / DAY_S);
    int64_t second = (int64_t)(local_s % DAY_S);
    if (second < 0) {
        second += DAY_S;
        days--;
    }
    gch_civil civil = {.hour = (uint32_t)(second / 3600),
                       .minute = (uint32_t)(second / 60 % 60),
                       .second = (uint32_t)(second % 60),
                       .nanosecond = (uint32_t)(fraction * (1000000000 / per_second))};
    gch_civil_from_days(days, &civil.year, &civil.month, &civil.day);
    return civil;
}

/* ---- text ---- */

typedef struct cursor {
    const char *at, *end;
} cursor;

static bool take(cursor *text, char c)
{
    if (text->at == text->end || *text->at != c)
        return false;
    text->at++;
    return true;
}

static bool next_is_digit(const cursor *text)
{
    return text->at < text->end && *text->at >= '0' && *text->at <= '9';
}

/* Exactly two digits, at most `max`. */
static bool take_two(cursor *text, uint32_t max, uint32_t *out)
{
    uint32_t value = 0;
    for (int i = 0; i < 2; i++) {
        if (!next_is_digit(text))
            return false;
        value = value * 10 + (uint32_t)(*text->at++ - '0');
    }
    *out = value;
    return value <= max;
}

/* Four digits, or a sign and 4 to 12. */
static bool take_year(cursor *text, int64_t *out)
{
    bool is_negative = take(text, '-');
    int digits_max = is_negative || take(text, '+') ? YEAR_DIGITS_MAX : 4;
    int64_t year = 0;
    int digit_count = 0;
    for (; digit_count < digits_max && next_is_digit(text); digit_count++)
        year = year * 10 + (*text->at++ - '0');
    *out = is_negative ? -year : year;
    return digit_count >= 4;
}

/* Z, +hh, +hhmm, +hh:mm or +hh:mm:ss; *out_found is false if there is none of them. */
static bool take_offset(cursor *text, bool *out_found, int32_t *out_s)
{
    *out_s = 0;
    *out_found = true;
    if (take(text, 'Z') || take(text, 'z'))
        return true;
    bool is_negative = take(text, '-');
    if (!is_negative && !take(text, '+')) {
        *out_found = false;
        return true;
    }
    uint32_t hours, minutes = 0, seconds = 0;
    if (!take_two(text, 26, &hours))
        return false;
    if (take(text, ':')) {
        if (!take_two(text, 59, &minutes))
            return false;
        if (take(text, ':') && !take_two(text, 59, &seconds))
            return false;
    } else if (next_is_digit(text) && !take_two(text, 59, &minutes)) {
        return false;
    }
    int32_t offset = (int32_t)(hours * 3600 + minutes * 60 + seconds);
    *out_s = is_negative ? -offset : offset;
    return true;
}

/* Digits after the point as nanoseconds; *out_rest is true if any beyond the ninth is not 0. */
static bool take_fraction(cursor *text, uint32_t *out_ns, bool *out_rest)
{
    uint32_t ns = 0, scale = 100000000;
    if (!next_is_digit(text))
        return false;
    for (; next_is_digit(text); text->at++) {
        uint32_t digit = (uint32_t)(*text->at - '0');
        ns += digit * scale;
        *out_rest = *out_rest || (scale == 0 && digit != 0);
        scale /= 10;
    }
    *out_ns = ns;
    return true;
}

typedef struct iso_time {
    gch_civil civil;
    bool has_offset, is_finer_than_ns;
    int32_t offset_s;
} iso_time;

static uint32_t days_in_month(int64_t year, uint32_t month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && is_leap ? 1u : 0u);
}

static bool parse_iso(const char *bytes, size_t length, iso_time *out)
{
    cursor text = {.at = bytes, .end = bytes + length};
    gch_civil *civil = &out->civil;
    if (!take_year(&text, &civil->year))
        return false;
    char mark = text.at < text.end && *text.at == '/' ? '/' : '-';
    if (!take(&text, mark) || !take_two(&text, 12, &civil->month) || civil->month == 0 ||
        !take(&text, mark) || !take_two(&text, 31, &civil->day) || civil->day == 0 ||
        civil->day > days_in_month(civil->year, civil->month))
        return false;
    if (text.at == text.end)
        return true;
    if (!take(&text, 'T') && !take(&text, ' ') && !take(&text, 't'))
        return false;
    if (!take_two(&text, 24, &civil->hour) || !take(&text, ':') ||
        !take_two(&text, 59, &civil->minute))
        return false;
    if (take(&text, ':')) {
        /* A leap second is read as the second after it, as POSIX time has it. */
        if (!take_two(&text, civil->minute == 59 ? 60 : 59, &civil->second))
            return false;
        if ((take(&text, '.') || take(&text, ',')) &&
            !take_fraction(&text, &civil->nanosecond, &out->is_finer_than_ns))
            return false;
    }
    if (civil->hour == 24 && (civil->minute | civil->second | civil->nanosecond) != 0)
        return false;
    return take_offset(&text, &out->has_offset, &out->offset_s) && text.at == text.end;
}

gch_status gch_time_parse(const char *text, size_t length, gch_time_unit unit,
                          const gch_time_zone *zone, int64_t *out_ticks, gch_error *err)
{
    int shown = (int)GCH_MIN(length, 40);
    int64_t per_second = gch_time_unit_per_second(unit);
    if (per_second == 0)
        return gch_fail(err, GCH_PARSE, "'%.*s': dates need a time unit, and the unit here is %s",
                        shown, text, gch_time_unit_name(unit));
    iso_time iso = {0};
    if (!parse_iso(text, length, &iso))
        return gch_fail(err, GCH_PARSE,
                        "'%.*s' is not an ISO 8601 time such as 2024-03-01T12:30:00Z", shown, text);
    int64_t ns_per_tick = 1000000000 / per_second;
    if (iso.is_finer_than_ns || iso.civil.nanosecond % ns_per_tick != 0)
        return gch_fail(err, GCH_LIMIT, "'%.*s' is finer than the time unit %s", shown, text,
                        gch_time_unit_name(unit));

    /* |year| < 10^12: far from int64's end in seconds, not so in finer ticks. */
    int64_t days = gch_days_from_civil(iso.civil.year, iso.civil.month, iso.civil.day);
    __int128 seconds =
        (__int128)days * DAY_S + iso.civil.hour * 3600 + iso.civil.minute * 60 + iso.civil.second;
    if (iso.has_offset) {
        seconds -= iso.offset_s;
    } else if (zone != NULL) {
        if (seconds < INT64_MIN || seconds > INT64_MAX)
            goto out_of_range;
        seconds = gch_time_zone_to_utc(zone, (int64_t)seconds);
    }
    __int128 ticks = seconds * per_second + iso.civil.nanosecond / ns_per_tick;
    if (ticks < INT64_MIN || ticks > INT64_MAX)
        goto out_of_range;
    *out_ticks = (int64_t)ticks;
    return GCH_OK;

out_of_range:
    return gch_fail(err, GCH_LIMIT, "'%.*s' is out of the range of the time unit %s", shown, text,
                    gch_time_unit_name(unit));
}

/* Two digits a field; the whole is at most "+292277026596-12-04T15:30:07.000000000+25:59:59". */
size_t gch_time_format(int64_t ticks, gch_time_unit unit, const gch_time_zone *zone, char *text,
                       size_t text_cap)
{
    char buffer[96];
    int length;
    if (gch_time_unit_per_second(unit) == 0) {
        length = snprintf(buffer, sizeof buffer, "%lld", (long long)ticks);
    } else {
        int32_t offset;
        gch_civil civil = gch_civil_from_ticks(ticks, unit, zone, &offset);
        const char *year_sign = civil.year < 0 ? "-" : civil.year > 9999 ? "+" : "";
        length = snprintf(buffer, sizeof buffer, "%s%04lld-%02u-%02uT%02u:%02u:%02u", year_sign,
                          (long long)(civil.year < 0 ? -civil.year : civil.year), civil.month,
                          civil.day, civil.hour, civil.minute, civil.second);
        int decimals = unit == GCH_TIME_MS ? 3 : unit == GCH_TIME_US ? 6 : 9;
        if (unit != GCH_TIME_S) {
            char fraction[16];
            snprintf(fraction, sizeof fraction, "%09u", civil.nanosecond);
            length += snprintf(buffer + length, sizeof buffer - (size_t)length, ".%.*s", decimals,
                               fraction);
        }
        char *rest = buffer + length;
        size_t room = sizeof buffer - (size_t)length;
        uint32_t size = (uint32_t)(offset < 0 ? -offset : offset);
        const char *name = gch_time_zone_name(zone);
        if (offset == 0 && (strcmp(name, "UTC") == 0 || strcmp(name, "Etc/UTC") == 0))
            length += snprintf(rest, room, "Z");
        else if (size % 60 == 0)
            length += snprintf(rest, room, "%c%02u:%02u", offset < 0 ? '-' : '+', size / 3600,
                               size / 60 % 60);
        else /* local mean time of the years before standard time */
            length += snprintf(rest, room, "%c%02u:%02u:%02u", offset < 0 ? '-' : '+', size / 3600,
                               size / 60 % 60, size % 60);
    }
    if (text_cap == 0)
        return 0;
    size_t kept = GCH_MIN((size_t)length, text_cap - 1);
    memcpy(text, buffer, kept);
    text[kept] = '\0';
    return kept;
}
