/* Text to ticks: ISO 8601, integers, decimal seconds.
 *
 * Invariants:
 *  1. Nothing is rounded: a time that its unit cannot hold is FINER, one that int64 cannot is
 * RANGE.
 *  2. The fast paths take a subset of what the slow ones take, with the same result; whatever looks
 *     odd to them falls through.
 */
#include "codec.h"
#include "gch/writer.h"
#include "ingest_field.h"

#include <string.h>

#define NS_PER_SECOND 1000000000u

void gch__time_field_set(gch__time_field *field, gch__time_mode mode, gch_time_unit unit)
{
    field->mode = mode;
    field->unit = unit;
    field->ticks_per_second = gch_time_unit_per_second(unit);
    field->ns_per_tick =
        field->ticks_per_second > 0 ? NS_PER_SECOND / (uint32_t)field->ticks_per_second : 1;
}

static gch_time_unit unit_of_digits(size_t fraction_digits)
{
    return fraction_digits == 0   ? GCH_TIME_S
           : fraction_digits <= 3 ? GCH_TIME_MS
           : fraction_digits <= 6 ? GCH_TIME_US
                                  : GCH_TIME_NS;
}

static gch_time_unit unit_of_ns(uint32_t ns)
{
    return ns == 0             ? GCH_TIME_S
           : ns % 1000000 == 0 ? GCH_TIME_MS
           : ns % 1000 == 0    ? GCH_TIME_US
                               : GCH_TIME_NS;
}

/* Two digits as a number; above 99 if they are no digits. */
static uint32_t two_digits(const uint8_t *p)
{
    uint32_t tens = (uint32_t)p[0] - '0', ones = (uint32_t)p[1] - '0';
    return tens <= 9 && ones <= 9 ? tens * 10 + ones : 100;
}

static bool set_day(gch__time_field *field, const uint8_t *p)
{
    static const uint8_t month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint32_t century = two_digits(p), rest = two_digits(p + 2);
    uint32_t month = two_digits(p + 5), day = two_digits(p + 8);
    if (century > 99 || rest > 99 || (p[4] != '-' && p[4] != '/') || p[7] != p[4] || month < 1 ||
        month > 12)
        return false;
    int64_t year = (int64_t)century * 100 + rest;
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day < 1 || day > (uint32_t)month_days[month - 1] + (month == 2 && is_leap))
        return false;
    field->day_s = gch_days_from_civil(year, month, day) * 86400;
    memcpy(field->day_text, p, sizeof field->day_text);
    field->has_day = true;
    return true;
}

/* YYYY-MM-DD[T ]HH:MM:SS[.fraction][Z|+HH:MM|-HH:MM], also with slashes in the date. */
static bool fixed_layout(gch__time_field *field, const uint8_t *p, size_t length, gch__moment *out)
{
    if (length < 19 || (p[10] != 'T' && p[10] != ' ') || p[13] != ':' || p[16] != ':')
        return false;
    if (!field->has_day || memcmp(p, field->day_text, sizeof field->day_text) != 0) {
        if (!set_day(field, p))
            return false;
    }
    uint32_t hour = two_digits(p + 11), minute = two_digits(p + 14), second = two_digits(p + 17);
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    const uint8_t *end = p + length;
    p += 19;
    uint32_t ns = 0;
    size_t fraction_digits = 0;
    if (p < end && *p == '.') {
        static const uint32_t place[] = {1000000000, 100000000, 10000000, 1000000, 100000,
                                         10000,      1000,      100,      10,      1};
        const uint8_t *first = ++p;
        while (p < end && (uint8_t)(*p - '0') <= 9 && p - first < 10)
            ns = ns * 10 + (uint32_t)(*p++ - '0');
        fraction_digits = (size_t)(p - first);
        if (fraction_digits < 1 || fraction_digits > 9)
            return false;
        ns *= place[fraction_digits];
    }
    int64_t whole = field->day_s + (int64_t)(hour * 3600 + minute * 60 + second);
    if (p == end) {
        if (field->zone != NULL)
            whole = gch_time_zone_to_utc(field->zone, whole);
    } else if (end - p == 6 && (*p == '+' || *p == '-') && p[3] == ':') {
        uint32_t hours = two_digits(p + 1), minutes = two_digits(p + 4);
        if (hours > 14 || minutes > 59)
            return false;
        int64_t offset = (int64_t)hours * 3600 + (int64_t)minutes * 60;
        whole += *p == '+' ? -offset : offset;
    } else if (end - p != 1 || *p != 'Z') {
        return false;
    }
    *out = (gch__moment){
        .whole = whole, .ns = ns, .is_text = true, .unit_needed = unit_of_digits(fraction_digits)};
    return true;
}

static size_t count_fraction_digits(gch__span text)
{
    size_t i = 0, count = 0;
    while (i < text.count && text.bytes[i] != '.' && text.bytes[i] != ',')
        i++;
    while (++i < text.count && (uint8_t)(text.bytes[i] - '0') <= 9)
        count++;
    return count;
}

static gch__time_result any_iso(const gch__time_field *field, gch__span text, gch__moment *out)
{
    /* From coarse to fine: the coarser, the wider the years that fit. */
    for (gch_time_unit unit = GCH_TIME_S; unit <= GCH_TIME_NS; unit++) {
        int64_t ticks;
        gch_status status =
            gch_time_parse((const char *)text.bytes, text.count, unit, field->zone, &ticks, NULL);
        if (status == GCH_LIMIT)
            continue;
        if (status != GCH_OK)
            return GCH__TIME_BAD;
        int64_t per_second = gch_time_unit_per_second(unit);
        int64_t whole = ticks / per_second, rest = ticks % per_second;
        if (rest < 0) {
            whole--;
            rest += per_second;
        }
        *out = (gch__moment){.whole = whole,
                             .ns = (uint32_t)(rest * (int64_t)(NS_PER_SECOND / per_second)),
                             .is_text = true,
                             .unit_needed = unit_of_digits(count_fraction_digits(text))};
        return GCH__TIME_OK;
    }
    return GCH__TIME_RANGE;
}

static gch__time_result number_moment(int64_t digits, int8_t scale, gch__moment *out)
{
    if (scale == GCH_SCALE_F64)
        return GCH__TIME_RANGE;
    int64_t power = gch__pow10_i64[scale];
    int64_t whole = digits / power, rest = digits % power;
    if (rest < 0) {
        whole--;
        rest += power;
    }
    if (scale > 9) {
        int64_t excess = gch__pow10_i64[scale - 9];
        if (rest % excess != 0)
            return GCH__TIME_RANGE;
        rest /= excess;
    } else {
        rest *= gch__pow10_i64[9 - scale];
    }
    *out = (gch__moment){
        .whole = whole, .ns = (uint32_t)rest, .unit_needed = unit_of_ns((uint32_t)rest)};
    return GCH__TIME_OK;
}

gch__time_result gch__time_field_moment(gch__time_field *field, const uint8_t *text, size_t length,
                                        gch__moment *out)
{
    gch__span trimmed = gch__trim(text, length);
    if (fixed_layout(field, trimmed.bytes, trimmed.count, out))
        return GCH__TIME_OK;
    int64_t digits;
    int8_t scale;
    switch (gch__number_parse(trimmed.bytes, trimmed.count, &digits, &scale)) {
    case GCH__NUMBER_VALUE:
        return number_moment(digits, scale, out);
    case GCH__NUMBER_GAP:
        return GCH__TIME_MISSING;
    case GCH__NUMBER_BAD:
        break;
    }
    return any_iso(field, trimmed, out);
}

gch__time_result gch__time_field_ticks(const gch__time_field *field, const gch__moment *moment,
                                       int64_t *out_ticks)
{
    if (moment->is_text != (field->mode == GCH__TIME_TEXT))
        return GCH__TIME_BAD;
    if (field->mode == GCH__TIME_TICKS) {
        *out_ticks = moment->whole;
        return moment->ns == 0 ? GCH__TIME_OK : GCH__TIME_FINER;
    }
    /* Seconds written with a fraction are seconds: 1700000000125.5 is no time in any unit of ours,
     * most likely milliseconds with a fraction. */
    if (moment->ns != 0 && !moment->is_text && gch_time_unit_guess(moment->whole) != GCH_TIME_S)
        return GCH__TIME_RANGE;
    if (moment->ns % field->ns_per_tick != 0)
        return GCH__TIME_FINER;
    __int128 ticks = (__int128)moment->whole * field->ticks_per_second +
                     (int64_t)(moment->ns / field->ns_per_tick);
    if (ticks < INT64_MIN || ticks > INT64_MAX)
        return GCH__TIME_RANGE;
    *out_ticks = (int64_t)ticks;
    return GCH__TIME_OK;
}

gch__time_result gch__time_field_read(gch__time_field *field, const uint8_t *text, size_t length,
                                      int64_t *out_ticks)
{
    if (field->mode == GCH__TIME_TICKS && length >= 1 && length <= 18) {
        uint64_t ticks = 0;
        size_t i = 0;
        while (i < length && (uint8_t)(text[i] - '0') <= 9)
            ticks = ticks * 10 + (uint64_t)(text[i++] - '0');
        if (i == length) {
            *out_ticks = (int64_t)ticks;
            return GCH__TIME_OK;
        }
    }
    gch__moment moment;
    gch__time_result result = gch__time_field_moment(field, text, length, &moment);
    return result == GCH__TIME_OK ? gch__time_field_ticks(field, &moment, out_ticks) : result;
}
