/* The text of one field: numbers, times, and how a field is shown in a message.
 *
 * Nothing here depends on the process's locale or allocates. Text is not NUL-terminated and may
 * hold any bytes. Spaces and tabs around it are passed over.
 *
 * Thread rule: pure functions; a gch__time_field belongs to one thread.
 */
#ifndef GCH_INGEST_FIELD_H
#define GCH_INGEST_FIELD_H

#include "base.h"
#include "gch/time.h"

/* ---- numbers ---- */

typedef enum gch__number_kind {
    GCH__NUMBER_VALUE = 0,
    GCH__NUMBER_GAP = 1, /* empty, nan, null, na, n/a, -; in any case */
    GCH__NUMBER_BAD = 2, /* not a number */
} gch__number_kind;

/* VALUE is digits / 10^scale with 0 <= scale <= 18, exactly as written (12.50 is 1250 and 2); what
 * is no such decimal (too many digits, exponents, -0, infinities) has scale GCH_SCALE_F64 and the
 * bits of the nearest double (ties to even) in *out_digits. Both are untouched otherwise. */
gch__number_kind gch__number_parse(const uint8_t *text, size_t length, int64_t *out_digits,
                                   int8_t *out_scale);

/* ---- times ---- */

typedef enum gch__time_mode {
    GCH__TIME_UNDECIDED = 0,
    GCH__TIME_TEXT = 1,    /* ISO 8601 */
    GCH__TIME_TICKS = 2,   /* integers in the unit */
    GCH__TIME_SECONDS = 3, /* numbers of seconds with a fraction, whatever the unit */
} gch__time_mode;

typedef enum gch__time_result {
    GCH__TIME_OK = 0,
    GCH__TIME_MISSING = 1, /* a gap spelling */
    GCH__TIME_BAD = 2,     /* no time at all, or not of the mode */
    GCH__TIME_FINER = 3,   /* does not fit the unit without loss; a finer one may help */
    GCH__TIME_RANGE = 4,   /* beyond int64 ticks, or finer than a nanosecond */
} gch__time_result;

/* A time before the unit is known: whole + ns / 10^9, in seconds for text, else as written. */
typedef struct gch__moment {
    int64_t whole;
    uint32_t ns; /* 0 to 999,999,999 */
    bool is_text;
    gch_time_unit unit_needed; /* S to NS: for text by the digits written, else by the value */
} gch__moment;

typedef struct gch__time_field {
    const gch_time_zone *zone; /* of text without an offset; NULL: UTC */
    gch__time_mode mode;
    gch_time_unit unit;
    /* derived from the unit */
    int64_t ticks_per_second;
    uint32_t ns_per_tick;
    /* the last date seen */
    bool has_day;
    uint8_t day_text[10];
    int64_t day_s;
} gch__time_field;

/* mode TEXT or SECONDS needs a unit of S to NS. */
void gch__time_field_set(gch__time_field *field, gch__time_mode mode, gch_time_unit unit);
/* Any kind of time; needs no unit. Never FINER. */
gch__time_result gch__time_field_moment(gch__time_field *field, const uint8_t *text, size_t length,
                                        gch__moment *out);
/* A moment as ticks of the field's mode and unit. */
gch__time_result gch__time_field_ticks(const gch__time_field *field, const gch__moment *moment,
                                       int64_t *out_ticks);
/* Both at once, the fast way. */
gch__time_result gch__time_field_read(gch__time_field *field, const uint8_t *text, size_t length,
                                      int64_t *out_ticks);

/* ---- messages ---- */

#define GCH__QUOTED_CAP 180

/* The field between double quotes, cut to 40 bytes, what does not print escaped. */
const char *gch__field_quote(const uint8_t *text, size_t length, char out[GCH__QUOTED_CAP]);

static inline bool gch__is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* Drops spaces and tabs at both ends. */
static inline gch__span gch__trim(const uint8_t *text, size_t length)
{
    while (length > 0 && gch__is_blank(text[length - 1]))
        length--;
    while (length > 0 && gch__is_blank(text[0])) {
        text++;
        length--;
    }
    return (gch__span){text, length};
}

/* ASCII comparison without case; `word` is in lower case. */
bool gch__equals_word(gch__span text, const char *word);

#endif
