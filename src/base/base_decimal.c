/* Exact decimals: text and doubles in and out, without the locale's say.
 *
 * Invariants:
 *  1. No text that goes to strtod or comes from snprintf holds a decimal point that matters: digits
 *     and exponent are handed over as an integer and an "e", so a comma locale changes nothing.
 *  2. d / 10^e and d * 10^e round once when |d| <= 2^53 and e <= 22: both operands are exact.
 *  3. At most one decimal of 15 or fewer digits reads back as a given normal double, so the first
 *     one found is the shortest.
 */
#include "base.h"
#include "gch/decimal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX 18
#define EXACT_INTEGER_MAX (INT64_C(1) << 53)

static const double powers_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                       1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

/* Drops factors of ten, so that the digits are the shortest; 0 becomes 0e0. */
static gch_decimal without_trailing_zeros(gch_decimal value)
{
    if (value.digits == 0)
        return (gch_decimal){0};
    while (value.digits % 10 == 0) {
        value.digits /= 10;
        value.exp10++;
    }
    return value;
}

/* ---- text to decimal ---- */

/* [sign] digits up to the end of the text, as an exponent; large ones saturate. */
static bool parse_exponent(const char *text, const char *end, int64_t *out)
{
    bool is_negative = text < end && *text == '-';
    if (text < end && (*text == '-' || *text == '+'))
        text++;
    if (text == end)
        return false;
    int64_t value = 0;
    for (; text < end; text++) {
        if (!is_digit(*text))
            return false;
        value = GCH_MIN(value * 10 + (*text - '0'), 1000000);
    }
    *out = is_negative ? -value : value;
    return true;
}

bool gch_decimal_parse(const char *text, size_t length, gch_decimal *out)
{
    if (length == 0)
        return false;
    const char *end = text + length;
    bool is_negative = *text == '-';
    if (*text == '-' || *text == '+')
        text++;

    int64_t digits = 0;
    int64_t exp10 = 0;
    int digit_count = 0; /* significant ones */
    bool has_digit = false, has_point = false, is_full = false;
    for (; text < end && (is_digit(*text) || (*text == '.' && !has_point)); text++) {
        if (*text == '.') {
            has_point = true;
            continue;
        }
        has_digit = true;
        if (digit_count == DIGITS_MAX)
            is_full = true;
        if (is_full) {
            if (*text != '0')
                return false;
            exp10 += !has_point;
            continue;
        }
        digits = digits * 10 + (*text - '0');
        digit_count += digits != 0;
        exp10 -= has_point;
    }
    if (!has_digit)
        return false;
    if (text < end) {
        int64_t exponent = 0;
        if ((*text != 'e' && *text != 'E') || !parse_exponent(text + 1, end, &exponent))
            return false;
        exp10 += exponent;
    }
    if (exp10 < -GCH_DECIMAL_EXP10_MAX || exp10 > GCH_DECIMAL_EXP10_MAX)
        return false;
    *out = (gch_decimal){.digits = is_negative ? -digits : digits, .exp10 = (int32_t)exp10};
    return true;
}

/* ---- doubles ---- */

double gch_decimal_to_double(gch_decimal value)
{
    if (value.digits == 0)
        return 0.0;
    if (magnitude(value.digits) <= EXACT_INTEGER_MAX && value.exp10 >= -22 && value.exp10 <= 22) {
        double digits = (double)value.digits;
        return value.exp10 < 0 ? digits / powers_of_ten[-value.exp10]
                               : digits * powers_of_ten[value.exp10];
    }
    char text[40];
    snprintf(text, sizeof text, "%llde%d", (long long)value.digits, (int)value.exp10);
    return strtod(text, NULL);
}

/* The decimal of `digit_count` digits nearest to `value`. */
static gch_decimal round_to_digits(double value, int digit_count)
{
    char text[40];
    snprintf(text, sizeof text, "%.*e", digit_count - 1, value);
    const char *at = text;
    bool is_negative = *at == '-';
    int64_t digits = 0;
    for (; *at != 'e'; at++) /* over the sign and whatever the locale's point is */
        if (is_digit(*at))
            digits = digits * 10 + (*at - '0');
    int exponent = (int)strtol(at + 1, NULL, 10);
    return (gch_decimal){.digits = is_negative ? -digits : digits,
                         .exp10 = (int32_t)(exponent - (digit_count - 1))};
}

gch_decimal gch_decimal_from_double(double value)
{
    if (!isfinite(value) || value == 0)
        return (gch_decimal){0};
    double size = fabs(value);
    if (size >= 1e-6 && size < 1e15) {
        for (int scale = 0; scale <= 15; scale++) {
            double scaled = size * powers_of_ten[scale];
            if (scaled >= 1e15)
                break;
            double whole = nearbyint(scaled);
            if (whole / powers_of_ten[scale] == size) {
                int64_t digits = (int64_t)whole;
                return without_trailing_zeros(
                    (gch_decimal){.digits = value < 0 ? -digits : digits, .exp10 = -scale});
            }
        }
    }
    /* Invariant 3 does not hold for subnormals, which carry fewer digits. */
    for (int digit_count = size < 0x1p-1022 ? 1 : 15; digit_count < 17; digit_count++) {
        gch_decimal candidate = round_to_digits(value, digit_count);
        if (gch_decimal_to_double(candidate) == value)
            return without_trailing_zeros(candidate);
        /* Below a power of two doubles lie twice as close as above it: the nearest decimal may fall
         * short where the next one outward still reads back. */
        candidate.digits += value < 0 ? -1 : 1;
        if (gch_decimal_to_double(candidate) == value)
            return without_trailing_zeros(candidate);
    }
    return without_trailing_zeros(round_to_digits(value, 17));
}

/* ---- decimal to text ---- */

size_t gch_decimal_format(gch_decimal value, char *text, size_t text_cap)
{
    value = without_trailing_zeros(value);
    char digits[24];
    int digit_count =
        snprintf(digits, sizeof digits, "%llu", (unsigned long long)magnitude(value.digits));
    const char *sign = value.digits < 0 ? "-" : "";
    int point = digit_count + value.exp10; /* digits before the point */
    char buffer[64];
    int length;
    if (point > 21 || point < -5) {
        length = snprintf(buffer, sizeof buffer, "%s%c%s%se%+d", sign, digits[0],
                          digit_count > 1 ? "." : "", digits + 1, point - 1);
    } else if (point <= 0) {
        length = snprintf(buffer, sizeof buffer, "%s0.%.*s%s", sign, -point, "00000", digits);
    } else if (point < digit_count) {
        length = snprintf(buffer, sizeof buffer, "%s%.*s.%s", sign, point, digits, digits + point);
    } else {
        length = snprintf(buffer, sizeof buffer, "%s%s%.*s", sign, digits, point - digit_count,
                          "000000000000000000000");
    }
    if (text_cap == 0)
        return 0;
    size_t kept = GCH_MIN((size_t)length, text_cap - 1);
    memcpy(text, buffer, kept);
    text[kept] = '\0';
    return kept;
}
