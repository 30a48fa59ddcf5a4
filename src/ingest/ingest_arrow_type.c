/* Arrow format strings: one letter for a primitive type, a little grammar for the others.
 *
 * Source: the Arrow C data interface, "Data type description - format strings".
 */
#include "ingest_arrow_type.h"

#include "base.h"

#include <string.h>

#define SCALE_MAX 18
#define PRECISION_MAX 38

static gch__arrow_type parse_letter(char letter)
{
    static const struct {
        char letter;
        gch_type type;
    } plain[] = {
        {'c', GCH_TYPE_I8},  {'C', GCH_TYPE_U8},  {'s', GCH_TYPE_I16},
        {'S', GCH_TYPE_U16}, {'i', GCH_TYPE_I32}, {'I', GCH_TYPE_U32},
        {'l', GCH_TYPE_I64}, {'f', GCH_TYPE_F32}, {'g', GCH_TYPE_F64},
    };
    for (size_t i = 0; i < GCH_COUNT_OF(plain); i++) {
        gch_type type = plain[i].type;
        if (plain[i].letter == letter)
            return (gch__arrow_type){.kind = GCH__ARROW_PLAIN,
                                     .type = type,
                                     .row_bytes = (uint32_t)gch_type_bytes(type),
                                     .can_be_time = type != GCH_TYPE_F32 && type != GCH_TYPE_F64};
    }
    if (letter == 'L')
        return (gch__arrow_type){
            .kind = GCH__ARROW_U64, .type = GCH_TYPE_I64, .row_bytes = 8, .can_be_time = true};
    if (letter == 'b')
        return (gch__arrow_type){.kind = GCH__ARROW_BOOL, .type = GCH_TYPE_U8};
    return (gch__arrow_type){0};
}

/* "-12" at *text, which moves behind it; at most four digits. */
static bool take_number(const char **text, int *out)
{
    const char *at = *text;
    bool is_negative = *at == '-';
    int value = 0, digits = 0;
    for (at += is_negative; *at >= '0' && *at <= '9' && digits < 5; at++, digits++)
        value = value * 10 + (*at - '0');
    *text = at;
    *out = is_negative ? -value : value;
    return digits > 0 && digits < 5;
}

/* "d:precision,scale", with ",128" or nothing behind it. */
static gch__arrow_type parse_decimal(const char *format)
{
    const char *at = format + 2;
    int precision, scale, bits = 128;
    if (!take_number(&at, &precision) || *at++ != ',' || !take_number(&at, &scale))
        return (gch__arrow_type){0};
    if (*at == ',') {
        at++;
        if (!take_number(&at, &bits))
            return (gch__arrow_type){0};
    }
    if (*at != '\0' || bits != 128 || precision < 1 || precision > PRECISION_MAX ||
        scale < -SCALE_MAX || scale > SCALE_MAX)
        return (gch__arrow_type){0};
    return (gch__arrow_type){.kind = GCH__ARROW_DECIMAL128,
                             .type = GCH_TYPE_DECIMAL,
                             .row_bytes = 16,
                             .scale = (int8_t)scale};
}

/* "tsm:Europe/Berlin" */
static gch__arrow_type parse_timestamp(const char *format)
{
    gch_time_unit unit = format[2] == 's'   ? GCH_TIME_S
                         : format[2] == 'm' ? GCH_TIME_MS
                         : format[2] == 'u' ? GCH_TIME_US
                         : format[2] == 'n' ? GCH_TIME_NS
                                            : GCH_TIME_DEFAULT;
    if (unit == GCH_TIME_DEFAULT || format[3] != ':')
        return (gch__arrow_type){0};
    return (gch__arrow_type){.kind = GCH__ARROW_TIMESTAMP,
                             .row_bytes = 8,
                             .unit = unit,
                             .zone = format + 4,
                             .can_be_time = true};
}

gch__arrow_type gch__arrow_type_parse(const char *format)
{
    if (format == NULL || format[0] == '\0')
        return (gch__arrow_type){0};
    if (format[1] == '\0')
        return parse_letter(format[0]);
    if (strncmp(format, "d:", 2) == 0)
        return parse_decimal(format);
    if (strncmp(format, "ts", 2) == 0)
        return parse_timestamp(format);
    if (strcmp(format, "tdD") == 0)
        return (gch__arrow_type){.kind = GCH__ARROW_DATE32, .row_bytes = 4, .can_be_time = true};
    if (strcmp(format, "tdm") == 0)
        return (gch__arrow_type){
            .kind = GCH__ARROW_DATE64, .row_bytes = 8, .unit = GCH_TIME_MS, .can_be_time = true};
    return (gch__arrow_type){0};
}
