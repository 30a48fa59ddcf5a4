/* Stored values: whether they are drawn, as doubles, as text. */
#include "base.h"
#include "gch/decimal.h"
#include "gch/value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCALE_MAX 18u

bool gch_value_is_drawn(gch_value value)
{
    switch (value.kind) {
    case GCH_VALUE_DECIMAL:
        return true;
    case GCH_VALUE_F32:
        return isfinite(value.as.f32);
    case GCH_VALUE_F64:
        return isfinite(value.as.f64);
    default:
        return false;
    }
}

double gch_value_to_double(gch_value value)
{
    switch (value.kind) {
    case GCH_VALUE_DECIMAL:
        return gch_decimal_to_double(
            (gch_decimal){.digits = value.as.digits, .exp10 = -(int32_t)value.scale});
    case GCH_VALUE_F32:
        return (double)value.as.f32;
    case GCH_VALUE_F64:
        return value.as.f64;
    default:
        return NAN;
    }
}

static size_t copy_text(const char *from, size_t length, char *text, size_t text_cap)
{
    if (text_cap == 0)
        return 0;
    length = GCH_MIN(length, text_cap - 1);
    memcpy(text, from, length);
    text[length] = '\0';
    return length;
}

/* Always in plain notation: a column of decimals reads as it was written. */
static size_t format_decimal(int64_t digits, uint32_t scale, uint32_t min_decimals, char *text,
                             size_t text_cap)
{
    char buffer[64];
    size_t at = sizeof buffer; /* written from the end */
    uint64_t rest = digits < 0 ? 0 - (uint64_t)digits : (uint64_t)digits;
    scale = GCH_MIN(scale, SCALE_MAX);
    min_decimals = GCH_MIN(min_decimals, SCALE_MAX);
    for (uint32_t i = scale; i < min_decimals; i++)
        buffer[--at] = '0';
    uint32_t decimals = GCH_MAX(scale, min_decimals);
    for (; scale > min_decimals && rest % 10 == 0; scale--, decimals--)
        rest /= 10;
    for (uint32_t i = 0; i < scale; i++, rest /= 10)
        buffer[--at] = (char)('0' + rest % 10);
    if (decimals > 0)
        buffer[--at] = '.';
    do {
        buffer[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (digits < 0)
        buffer[--at] = '-';
    return copy_text(buffer + at, sizeof buffer - at, text, text_cap);
}

/* The shortest decimal that strtof reads back as `value`. */
static gch_decimal decimal_from_float(float value)
{
    for (int digit_count = fabsf(value) < 0x1p-126f ? 1 : 6;; digit_count++) {
        char text[32];
        snprintf(text, sizeof text, "%.*e", digit_count - 1, (double)value);
        const char *end = strchr(text, 'e');
        int64_t digits = 0;
        for (const char *at = text; at < end; at++) /* over the sign and the locale's point */
            if (*at >= '0' && *at <= '9')
                digits = digits * 10 + (*at - '0');
        gch_decimal decimal = {.digits = value < 0 ? -digits : digits,
                               .exp10 = (int32_t)strtol(end + 1, NULL, 10) - (digit_count - 1)};
        /* The nearest, then its neighbour outward (see gch_decimal_from_double). */
        for (int outward = 0; outward < 2; outward++) {
            snprintf(text, sizeof text, "%llde%d", (long long)decimal.digits, (int)decimal.exp10);
            if (digit_count >= 9 || strtof(text, NULL) == value)
                return decimal;
            decimal.digits += value < 0 ? -1 : 1;
        }
    }
}

static size_t format_float(double value, gch_decimal shortest, char *text, size_t text_cap)
{
    if (isnan(value))
        return copy_text("nan", 3, text, text_cap);
    if (isinf(value))
        return value < 0 ? copy_text("-inf", 4, text, text_cap)
                         : copy_text("inf", 3, text, text_cap);
    if (value == 0 && signbit(value))
        return copy_text("-0", 2, text, text_cap);
    return gch_decimal_format(shortest, text, text_cap);
}

size_t gch_value_format(gch_value value, uint32_t min_decimals, char *text, size_t text_cap)
{
    gch_decimal shortest = {0};
    switch (value.kind) {
    case GCH_VALUE_DECIMAL:
        return format_decimal(value.as.digits, value.scale, min_decimals, text, text_cap);
    case GCH_VALUE_F32:
        if (isfinite(value.as.f32) && value.as.f32 != 0)
            shortest = decimal_from_float(value.as.f32);
        return format_float((double)value.as.f32, shortest, text, text_cap);
    case GCH_VALUE_F64:
        return format_float(value.as.f64, gch_decimal_from_double(value.as.f64), text, text_cap);
    default:
        return copy_text("", 0, text, text_cap);
    }
}
