/* IANA time zones: TZif files (RFC 8536) and the POSIX rule in their footer.
 *
 * Invariants, established by gch__time_zone_parse before a zone is handed out:
 *  1. `changes` ascend strictly; change i puts types[change_types[i]] in force from changes[i] on.
 *     Before the first change types[0] is in force, from the last change on the footer's rule if
 *     there is one (without changes: always).
 *  2. Every offset lies within +-OFFSET_MAX_S, every abbreviation is NUL-terminated text.
 *  3. The Gregorian calendar, weekdays included, repeats every 400 years: the footer's rule is
 *     evaluated at an instant moved by whole cycles to the years 1970-2369, so that no year
 *     arithmetic overflows.
 */
#include "base_time_zone.h"

#include <string.h>

#define DAY_S INT64_C(86400)
#define CYCLE_S (INT64_C(146097) * DAY_S)
#define OFFSET_MAX_S 93599 /* 26 hours less a second, the bound of RFC 8536 */
#define HEADER_BYTES 44u
#define ABBREVIATION_CAP 32u

typedef struct zone_type {
    int32_t offset_s;
    uint32_t abbreviation; /* index into `abbreviations` */
} zone_type;

typedef enum rule_kind {
    RULE_JULIAN, /* Jn: day 1-365, 29 February is never counted */
    RULE_DAY,    /* n: day 0-365 */
    RULE_WEEK,   /* Mm.w.d: weekday d (0 = Sunday) of week w (5 = last) of month m */
} rule_kind;

typedef struct zone_rule {
    rule_kind kind;
    uint32_t day, week, month;
    int32_t time_s; /* from local midnight, -167 h to 167 h */
} zone_rule;

typedef struct zone_footer {
    bool is_present, has_dst;
    int32_t offset_s, dst_offset_s;
    char abbreviation[ABBREVIATION_CAP], dst_abbreviation[ABBREVIATION_CAP];
    zone_rule dst_start, dst_end;
} zone_footer;

struct gch_time_zone {
    const gch_allocator *allocator;
    char *name;
    size_t change_count;
    int64_t *changes;
    uint8_t *change_types;
    size_t type_count;
    zone_type *types;
    char *abbreviations;
    zone_footer footer;
};

/* ---- the footer: a POSIX TZ string ---- */

/* A cursor over text that is not NUL-terminated. */
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

static bool take_number(cursor *text, uint32_t max, uint32_t *out)
{
    const char *start = text->at;
    uint32_t value = 0;
    while (text->at < text->end && *text->at >= '0' && *text->at <= '9') {
        value = value * 10 + (uint32_t)(*text->at++ - '0');
        if (value > max)
            return false;
    }
    *out = value;
    return text->at > start;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(cursor *text, uint32_t hours_max, int32_t *out)
{
    bool is_negative = take(text, '-');
    if (!is_negative)
        (void)take(text, '+');
    uint32_t hours, minutes = 0, seconds = 0;
    if (!take_number(text, hours_max, &hours))
        return false;
    if (take(text, ':')) {
        if (!take_number(text, 59, &minutes))
            return false;
        if (take(text, ':') && !take_number(text, 59, &seconds))
            return false;
    }
    int32_t value = (int32_t)(hours * 3600 + minutes * 60 + seconds);
    *out = is_negative ? -value : value;
    return true;
}

/* Letters, or anything printable between < and >. */
static bool take_abbreviation(cursor *text, char out[ABBREVIATION_CAP])
{
    bool is_quoted = take(text, '<');
    size_t length = 0;
    while (text->at < text->end) {
        char c = *text->at;
        bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        bool is_extra = (c >= '0' && c <= '9') || c == '+' || c == '-';
        if (!is_letter && !(is_quoted && is_extra))
            break;
        if (length + 1 == ABBREVIATION_CAP)
            return false;
        out[length++] = c;
        text->at++;
    }
    out[length] = '\0';
    return length >= 3 && (!is_quoted || take(text, '>'));
}

static bool take_rule(cursor *text, zone_rule *out)
{
    *out = (zone_rule){.time_s = 2 * 3600};
    if (take(text, 'M')) {
        out->kind = RULE_WEEK;
        if (!take_number(text, 12, &out->month) || out->month == 0 || !take(text, '.') ||
            !take_number(text, 5, &out->week) || out->week == 0 || !take(text, '.') ||
            !take_number(text, 6, &out->day))
            return false;
    } else if (take(text, 'J')) {
        out->kind = RULE_JULIAN;
        if (!take_number(text, 365, &out->day) || out->day == 0)
            return false;
    } else {
        out->kind = RULE_DAY;
        if (!take_number(text, 365, &out->day))
            return false;
    }
    return !take(text, '/') || take_time(text, 167, &out->time_s);
}

static bool parse_footer(const char *bytes, size_t count, zone_footer *out)
{
    *out = (zone_footer){0};
    if (count == 0)
        return true;
    cursor text = {.at = bytes, .end = bytes + count};
    /* POSIX counts west of Greenwich as positive. */
    if (!take_abbreviation(&text, out->abbreviation) || !take_time(&text, 24, &out->offset_s))
        return false;
    out->offset_s = -out->offset_s;
    out->is_present = true;
    if (text.at == text.end)
        return true;
    out->has_dst = true;
    if (!take_abbreviation(&text, out->dst_abbreviation))
        return false;
    out->dst_offset_s = out->offset_s + 3600;
    if (text.at < text.end && *text.at != ',') {
        if (!take_time(&text, 24, &out->dst_offset_s))
            return false;
        out->dst_offset_s = -out->dst_offset_s;
    }
    return take(&text, ',') && take_rule(&text, &out->dst_start) && take(&text, ',') &&
           take_rule(&text, &out->dst_end) && text.at == text.end;
}

/* Local second, as if it were UTC, at which the rule strikes in a year. */
static int64_t rule_local(const zone_rule *rule, int64_t year)
{
    int64_t days = gch_days_from_civil(year, 1, 1);
    bool is_leap = gch_days_from_civil(year + 1, 1, 1) - days == 366;
    switch (rule->kind) {
    case RULE_JULIAN:
        days += rule->day - 1 + (is_leap && rule->day >= 60);
        break;
    case RULE_DAY:
        days += rule->day;
        break;
    case RULE_WEEK: {
        days = gch_days_from_civil(year, rule->month, 1);
        int64_t next_month = rule->month == 12 ? gch_days_from_civil(year + 1, 1, 1)
                                               : gch_days_from_civil(year, rule->month + 1, 1);
        uint32_t first = (gch_weekday_from_days(days) + 1) % 7; /* 0 = Sunday */
        days += (rule->day + 7 - first) % 7 + 7 * (rule->week - 1);
        while (days >= next_month)
            days -= 7;
        break;
    }
    }
    return days * DAY_S + rule->time_s;
}

/* Whether daylight-saving time is in force at utc_s, and the next change after it. Years before and
 * after are asked too, since a rule's time may lie days off its date. */
static bool footer_at(const zone_footer *footer, int64_t utc_s, int64_t *out_next)
{
    *out_next = INT64_MAX;
    if (!footer->has_dst)
        return false;
    int64_t base = gch__floor_mod(utc_s, CYCLE_S);
    int64_t year;
    uint32_t month, day;
    gch_civil_from_days(base / DAY_S, &year, &month, &day);

    bool is_dst = false;
    int64_t last = INT64_MIN, next = INT64_MAX;
    for (int64_t y = year - 1; y <= year + 1; y++) {
        int64_t start = rule_local(&footer->dst_start, y) - footer->offset_s;
        int64_t end = rule_local(&footer->dst_end, y) - footer->dst_offset_s;
        /* Daylight-saving time all year has its end and the next start coincide: starts win. */
        if (end <= base && end > last) {
            last = end;
            is_dst = false;
        }
        if (start <= base && start >= last) {
            last = start;
            is_dst = true;
        }
        if (start > base)
            next = GCH_MIN(next, start);
        if (end > base)
            next = GCH_MIN(next, end);
    }
    /* next - base > 0, and utc_s + that is the wanted instant. */
    if (next != INT64_MAX && __builtin_add_overflow(utc_s, next - base, out_next))
        *out_next = INT64_MAX;
    return is_dst;
}

/* ---- TZif ---- */

typedef struct tzif_header {
    char version;
    uint32_t isut_count, isstd_count, leap_count, change_count, type_count, char_count;
} tzif_header;

static uint32_t load_be32(const uint8_t *p)
{
    return __builtin_bswap32(gch__load_u32(p));
}

static bool parse_header(gch__span file, size_t at, tzif_header *out)
{
    if (file.count - at < HEADER_BYTES || memcmp(file.bytes + at, "TZif", 4) != 0)
        return false;
    const uint8_t *p = file.bytes + at;
    *out = (tzif_header){.version = (char)p[4],
                         .isut_count = load_be32(p + 20),
                         .isstd_count = load_be32(p + 24),
                         .leap_count = load_be32(p + 28),
                         .change_count = load_be32(p + 32),
                         .type_count = load_be32(p + 36),
                         .char_count = load_be32(p + 40)};
    return true;
}

/* Bytes of the data block that follows a header: each count is below 2^32, so nothing overflows. */
static uint64_t block_bytes(const tzif_header *header, uint64_t time_bytes)
{
    return header->change_count * (time_bytes + 1) + header->type_count * UINT64_C(6) +
           header->char_count + header->leap_count * (time_bytes + 4) + header->isstd_count +
           header->isut_count;
}

/* Copies the data block's arrays into the zone and checks them; a text says what is wrong. */
static const char *read_block(gch_time_zone *zone, const tzif_header *header, const uint8_t *block,
                              size_t time_bytes)
{
    const uint8_t *types = block + header->change_count * time_bytes;
    const uint8_t *infos = types + header->change_count;
    const char *chars = (const char *)infos + header->type_count * 6u;

    for (size_t i = 0; i < header->change_count; i++) {
        const uint8_t *p = block + i * time_bytes;
        zone->changes[i] = time_bytes == 8
                               ? (int64_t)((uint64_t)load_be32(p) << 32 | load_be32(p + 4))
                               : (int32_t)load_be32(p);
        if (i > 0 && zone->changes[i] <= zone->changes[i - 1])
            return "its transition times do not ascend";
        if (types[i] >= header->type_count)
            return "a transition names a type that is not there";
        zone->change_types[i] = types[i];
    }
    zone->change_count = header->change_count;
    for (size_t i = 0; i < header->type_count; i++) {
        const uint8_t *p = infos + i * 6;
        zone->types[i] = (zone_type){.offset_s = (int32_t)load_be32(p), .abbreviation = p[5]};
        if (zone->types[i].offset_s < -OFFSET_MAX_S || zone->types[i].offset_s > OFFSET_MAX_S)
            return "an offset exceeds 26 hours";
        if (p[5] >= header->char_count)
            return "an abbreviation lies outside the file";
    }
    zone->type_count = header->type_count;
    /* One more byte, 0, was allocated: abbreviations end whatever the file says. */
    memcpy(zone->abbreviations, chars, header->char_count);
    return NULL;
}

static gch_status parse_tzif(gch_time_zone *zone, gch__span file, gch_error *err)
{
    tzif_header header;
    size_t at = 0, time_bytes = 4;
    if (!parse_header(file, at, &header))
        return gch_fail(err, GCH_CORRUPT, "time zone '%s': not a TZif file", zone->name);
    uint64_t bytes = block_bytes(&header, time_bytes);
    if (header.version >= '2') {
        /* The first block is for readers of 32-bit times; the second has the 64-bit ones. */
        if (bytes > file.count - HEADER_BYTES ||
            !parse_header(file, at = HEADER_BYTES + (size_t)bytes, &header))
            return gch_fail(err, GCH_CORRUPT, "time zone '%s': no 64-bit data", zone->name);
        time_bytes = 8;
        bytes = block_bytes(&header, time_bytes);
    }
    at += HEADER_BYTES;
    if (bytes > file.count - at)
        return gch_fail(err, GCH_CORRUPT, "time zone '%s': the file is cut off", zone->name);
    if (header.type_count == 0 || header.type_count > 256 || header.char_count == 0)
        return gch_fail(err, GCH_CORRUPT, "time zone '%s': it has no local time types", zone->name);
    if (header.leap_count != 0)
        return gch_fail(err, GCH_NOT_FOUND,
                        "time zone '%s' counts leap seconds, which POSIX time does not have",
                        zone->name);

    size_t change_cap = GCH_MAX(header.change_count, 1);
    zone->changes =
        gch__alloc_array(zone->allocator, change_cap, sizeof *zone->changes, "time zone");
    zone->change_types = gch__alloc_array(zone->allocator, change_cap, 1, "time zone");
    zone->types =
        gch__alloc_array(zone->allocator, header.type_count, sizeof *zone->types, "time zone");
    zone->abbreviations =
        gch__alloc_zero(zone->allocator, (size_t)header.char_count + 1, 1, "time zone");
    if (zone->changes == NULL || zone->change_types == NULL || zone->types == NULL ||
        zone->abbreviations == NULL)
        return gch__no_memory(err, "time zone");

    const char *fault = read_block(zone, &header, file.bytes + at, time_bytes);
    if (fault != NULL)
        return gch_fail(err, GCH_CORRUPT, "time zone '%s': %s", zone->name, fault);
    if (time_bytes == 4)
        return GCH_OK;

    at += (size_t)bytes;
    const char *text = (const char *)file.bytes + at + 1;
    const char *end = NULL;
    if (at < file.count && file.bytes[at] == '\n')
        end = memchr(text, '\n', file.count - at - 1);
    if (end == NULL || !parse_footer(text, (size_t)(end - text), &zone->footer))
        return gch_fail(err, GCH_CORRUPT, "time zone '%s': its footer is malformed", zone->name);
    return GCH_OK;
}

gch_status gch__time_zone_parse(const uint8_t *bytes, size_t byte_count, const char *name,
                                const gch_allocator *allocator, gch_time_zone **out, gch_error *err)
{
    gch_time_zone *zone = gch__alloc_zero(allocator, 1, sizeof *zone, "time zone");
    if (zone == NULL)
        return gch__no_memory(err, "time zone");
    zone->allocator = allocator;
    zone->name = gch__copy_text(allocator, name, strlen(name), "time zone");
    gch_status status = GCH_OK;
    if (zone->name == NULL)
        status = gch__no_memory(err, "time zone");
    else if (bytes != NULL)
        status = parse_tzif(zone, (gch__span){.bytes = bytes, .count = byte_count}, err);
    if (status != GCH_OK) {
        gch_time_zone_close(zone);
        return status;
    }
    *out = zone;
    return GCH_OK;
}

/* ---- opening by name ---- */

/* Letters, digits and "+-_/" as zone names have them; a dot could lead out of the folder and is in
 * no name. */
static bool is_zone_name(const char *name)
{
    size_t length = strlen(name);
    if (length > 255 || name[0] == '/' || name[length - 1] == '/')
        return false;
    for (const char *c = name; *c != '\0'; c++)
        if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-_/", *c) ==
            NULL)
            return false;
    return true;
}

gch_status gch_time_zone_open(const char *name, const gch_allocator *allocator, gch_time_zone **out,
                              gch_error *err)
{
    if (name == NULL || name[0] == '\0' || strcmp(name, "UTC") == 0)
        return gch__time_zone_parse(NULL, 0, "UTC", allocator, out, err);
    if (!is_zone_name(name))
        return gch_fail(err, GCH_NOT_FOUND, "'%.80s' is not the name of a time zone", name);
    gch__buffer file = {.allocator = allocator, .purpose = "time zone"};
    gch_status status = gch__time_zone_read(name, &file, err);
    if (status == GCH_OK)
        status = gch__time_zone_parse(file.bytes, file.count, name, allocator, out, err);
    gch__buffer_reset(&file);
    return status;
}

void gch_time_zone_close(gch_time_zone *zone)
{
    if (zone == NULL)
        return;
    gch__free(zone->allocator, zone->changes, "time zone");
    gch__free(zone->allocator, zone->change_types, "time zone");
    gch__free(zone->allocator, zone->types, "time zone");
    gch__free(zone->allocator, zone->abbreviations, "time zone");
    gch__free(zone->allocator, zone->name, "time zone");
    gch__free(zone->allocator, zone, "time zone");
}

const char *gch_time_zone_name(const gch_time_zone *zone)
{
    return zone != NULL ? zone->name : "UTC";
}

/* ---- asking ---- */

/* Changes at or before utc_s. */
static size_t count_changes(const gch_time_zone *zone, int64_t utc_s)
{
    size_t low = 0, high = zone->change_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->changes[middle] <= utc_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* What is in force at utc_s, and until when (INT64_MAX: for good). */
typedef struct zone_span {
    int32_t offset_s;
    const char *abbreviation;
    int64_t end_s;
} zone_span;

static zone_span span_at(const gch_time_zone *zone, int64_t utc_s)
{
    zone_span span = {.abbreviation = "UTC", .end_s = INT64_MAX};
    if (zone == NULL)
        return span;
    size_t passed = count_changes(zone, utc_s);
    const zone_footer *footer = &zone->footer;
    if (passed == zone->change_count && footer->is_present) {
        bool is_dst = footer_at(footer, utc_s, &span.end_s);
        span.offset_s = is_dst ? footer->dst_offset_s : footer->offset_s;
        span.abbreviation = is_dst ? footer->dst_abbreviation : footer->abbreviation;
        return span;
    }
    if (zone->type_count > 0) {
        const zone_type *type = &zone->types[passed > 0 ? zone->change_types[passed - 1] : 0];
        span.offset_s = type->offset_s;
        span.abbreviation = zone->abbreviations + type->abbreviation;
    }
    if (passed < zone->change_count)
        span.end_s = zone->changes[passed];
    return span;
}

int32_t gch_time_zone_offset(const gch_time_zone *zone, int64_t utc_s, const char **abbreviation)
{
    zone_span span = span_at(zone, utc_s);
    if (abbreviation != NULL)
        *abbreviation = span.abbreviation;
    return span.offset_s;
}

bool gch__time_zone_next_change(const gch_time_zone *zone, int64_t utc_s, int64_t *out_utc_s)
{
    zone_span span = span_at(zone, utc_s);
    if (span.end_s == INT64_MAX)
        return false;
    *out_utc_s = span.end_s;
    return true;
}

int64_t gch_time_zone_to_utc(const gch_time_zone *zone, int64_t local_s)
{
    if (zone == NULL)
        return local_s;
    /* The wanted instant is the first u with u + offset(u) >= local_s: in a skipped stretch that is
     * the change itself. Before `u` below the sum is smaller, whatever the offset. */
    int64_t u;
    if (__builtin_sub_overflow(local_s, (int64_t)OFFSET_MAX_S + 1, &u))
        u = INT64_MIN;
    for (;;) {
        zone_span span = span_at(zone, u);
        int64_t candidate;
        if (__builtin_sub_overflow(local_s, (int64_t)span.offset_s, &candidate))
            return span.offset_s > 0 ? INT64_MIN : INT64_MAX;
        if (candidate < span.end_s || span.end_s == INT64_MAX)
            return GCH_MAX(candidate, u);
        u = span.end_s;
    }
}
