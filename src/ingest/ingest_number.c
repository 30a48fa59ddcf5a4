/* Text to decimals, without going through a double.
 *
 * Invariants:
 *  1. A decimal result equals the text exactly; a double result is the text correctly rounded.
 *  2. The work is linear in the length: a number of a million digits is cut to what can decide the
 *     rounding (767 significant digits, and whether anything non-zero follows).
 */
#include "codec.h"
#include "gch/writer.h"
#include "ingest_field.h"

#include <locale.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A double's halfway point has at most 767 significant digits. */
#define SIGNIFICANT_CAP 800
/* Beyond any double, and far from overflow when lengths are added. */
#define EXPONENT_CAP 100000000

/* Made once and kept; who comes second gives theirs back. */
static locale_t get_c_locale(void)
{
    static _Atomic(locale_t) kept;
    locale_t known = atomic_load_explicit(&kept, memory_order_acquire);
    if (known != (locale_t)0)
        return known;
    locale_t made = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (atomic_compare_exchange_strong(&kept, &known, made))
        return made;
    freelocale(made);
    return known;
}

bool gch__equals_word(gch__span text, const char *word)
{
    for (size_t i = 0; i < text.count; i++) {
        uint8_t c = text.bytes[i];
        if (c >= 'A' && c <= 'Z')
            c = (uint8_t)(c + ('a' - 'A'));
        if (word[i] == '\0' || c != (uint8_t)word[i])
            return false;
    }
    return word[text.count] == '\0';
}

static void set_double(double value, int64_t *out_digits, int8_t *out_scale)
{
    memcpy(out_digits, &value, sizeof value);
    *out_scale = GCH_SCALE_F64;
}

static bool equals_any(gch__span text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (gch__equals_word(text, words[i]))
            return true;
    }
    return false;
}

/* What is not written in digits. */
static gch__number_kind parse_word(gch__span text, int64_t *out_digits, int8_t *out_scale)
{
    static const char *const gaps[] = {"nan", "null", "na", "n/a", "-"};
    static const char *const infinities[] = {"inf", "infinity"};
    if (text.count == 0 || equals_any(text, gaps, GCH_COUNT_OF(gaps)))
        return GCH__NUMBER_GAP;
    bool is_negative = text.bytes[0] == '-';
    if (is_negative || text.bytes[0] == '+')
        text = (gch__span){text.bytes + 1, text.count - 1};
    if (gch__equals_word(text, "nan"))
        return GCH__NUMBER_GAP;
    if (!equals_any(text, infinities, GCH_COUNT_OF(infinities)))
        return GCH__NUMBER_BAD;
    set_double(is_negative ? -__builtin_inf() : __builtin_inf(), out_digits, out_scale);
    return GCH__NUMBER_VALUE;
}

/* digits[0, count) * 10^exp10, no leading zero. */
typedef struct significant {
    char digits[SIGNIFICANT_CAP];
    size_t count;
    int64_t exp10;
    bool has_rest; /* non-zero digits were left out */
} significant;

static void take_digit(significant *number, uint8_t c, bool is_fraction)
{
    if (number->count == 0 && c == '0') {
        number->exp10 -= is_fraction;
    } else if (number->count < SIGNIFICANT_CAP) {
        number->digits[number->count++] = (char)c;
        number->exp10 -= is_fraction;
    } else {
        number->has_rest |= c != '0';
        number->exp10 += !is_fraction;
    }
}

static bool is_digit(uint8_t c)
{
    return (uint8_t)(c - '0') <= 9;
}

/* The grammar: [sign] digits [. digits] [e [sign] digits], a digit on one side of the point. */
static bool read_significant(gch__span text, bool *out_is_negative, significant *number)
{
    const uint8_t *p = text.bytes, *end = text.bytes + text.count;
    *out_is_negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    number->count = 0;
    number->exp10 = 0;
    number->has_rest = false;
    bool has_digit = false;
    for (; p < end && is_digit(*p); p++) {
        take_digit(number, *p, false);
        has_digit = true;
    }
    if (p < end && *p == '.') {
        for (p++; p < end && is_digit(*p); p++) {
            take_digit(number, *p, true);
            has_digit = true;
        }
    }
    if (!has_digit)
        return false;
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        bool is_minus = p < end && *p == '-';
        if (p < end && (*p == '-' || *p == '+'))
            p++;
        if (p == end)
            return false;
        int64_t exponent = 0;
        for (; p < end && is_digit(*p); p++)
            exponent = GCH_MIN(exponent * 10 + (*p - '0'), (int64_t)EXPONENT_CAP);
        number->exp10 += is_minus ? -exponent : exponent;
    }
    return p == end;
}

/* As int64 digits and a scale of 0 to 18, if the number is one exactly. */
static bool to_decimal(const significant *number, bool is_negative, int64_t *out_digits,
                       int8_t *out_scale)
{
    size_t count = number->count;
    int64_t exp10 = number->exp10;
    if (number->has_rest || count == 0)
        return false;
    const uint64_t magnitude_max = (uint64_t)INT64_MAX + is_negative;
    for (;; count--, exp10++) {
        if (count <= 19 && exp10 >= -18) {
            uint64_t magnitude = 0;
            for (size_t i = 0; i < count; i++)
                magnitude = magnitude * 10 + (uint64_t)(number->digits[i] - '0');
            if (magnitude <= magnitude_max) {
                for (; exp10 > 0; exp10--) {
                    if (__builtin_mul_overflow(magnitude, 10u, &magnitude) ||
                        magnitude > magnitude_max)
                        return false;
                }
                *out_digits = (int64_t)(is_negative ? 0 - magnitude : magnitude);
                *out_scale = (int8_t)-exp10;
                return true;
            }
        }
        /* Zeros at the end of a fraction may be what is too much. */
        if (exp10 >= 0 || count <= 1 || number->digits[count - 1] != '0')
            return false;
    }
}

static double to_double(const significant *number, bool is_negative)
{
    char text[SIGNIFICANT_CAP + 32];
    size_t length = 0;
    if (is_negative)
        text[length++] = '-';
    memcpy(text + length, number->digits, number->count);
    length += number->count;
    int64_t exp10 = number->exp10;
    if (number->has_rest) {
        text[length++] = '1';
        exp10--;
    }
    snprintf(text + length, sizeof text - length, "e%lld", (long long)exp10);
    return strtod_l(text, NULL, get_c_locale());
}

__attribute__((noinline)) static gch__number_kind parse_general(gch__span text, int64_t *out_digits,
                                                                int8_t *out_scale)
{
    significant number;
    bool is_negative;
    if (!read_significant(text, &is_negative, &number))
        return parse_word(text, out_digits, out_scale);
    if (number.count == 0) {
        if (is_negative) {
            set_double(-0.0, out_digits, out_scale);
        } else {
            *out_digits = 0;
            *out_scale = (int8_t)GCH_MAX(0, GCH_MIN(-number.exp10, 18));
        }
    } else if (!to_decimal(&number, is_negative, out_digits, out_scale)) {
        set_double(to_double(&number, is_negative), out_digits, out_scale);
    }
    return GCH__NUMBER_VALUE;
}

gch__number_kind gch__number_parse(const uint8_t *text, size_t length, int64_t *out_digits,
                                   int8_t *out_scale)
{
    const gch__span trimmed = gch__trim(text, length);
    const uint8_t *p = trimmed.bytes, *end = p + trimmed.count;
    bool is_negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    const uint8_t *first = p;
    uint64_t digits = 0; /* wraps for what the general path takes */
    size_t digit_count, scale = 0;
    while (p < end && is_digit(*p))
        digits = digits * 10 + (uint64_t)(*p++ - '0');
    digit_count = (size_t)(p - first);
    if (p < end && *p == '.') {
        const uint8_t *fraction = ++p;
        while (p < end && is_digit(*p))
            digits = digits * 10 + (uint64_t)(*p++ - '0');
        scale = (size_t)(p - fraction);
        digit_count += scale;
    }
    bool is_plain = p == end && digit_count >= 1 && digit_count <= 18;
    if (!is_plain || (digits == 0 && is_negative))
        return parse_general(trimmed, out_digits, out_scale);
    *out_digits = is_negative ? -(int64_t)digits : (int64_t)digits;
    *out_scale = (int8_t)scale;
    return GCH__NUMBER_VALUE;
}

/* Length of the UTF-8 character at text, or 0 if there is none (overlong forms and surrogates
 * included: a message must be valid UTF-8). */
static size_t utf8_length(const uint8_t *text, size_t length)
{
    uint8_t c = text[0];
    size_t wanted = c < 0x80                ? 1
                    : c >= 0xC2 && c < 0xE0 ? 2
                    : c >= 0xE0 && c < 0xF0 ? 3
                    : c >= 0xF0 && c < 0xF5 ? 4
                                            : 0;
    if (wanted == 0 || wanted > length)
        return 0;
    for (size_t i = 1; i < wanted; i++) {
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    }
    if ((c == 0xE0 && text[1] < 0xA0) || (c == 0xED && text[1] >= 0xA0) ||
        (c == 0xF0 && text[1] < 0x90) || (c == 0xF4 && text[1] >= 0x90))
        return 0;
    return wanted;
}

const char *gch__field_quote(const uint8_t *text, size_t length, char out[GCH__QUOTED_CAP])
{
    enum { SHOWN = 40 };
    size_t at = 0, o = 0;
    out[o++] = '"';
    while (at < length && at < SHOWN) {
        uint8_t c = text[at];
        size_t count = utf8_length(text + at, length - at);
        if (count > 1 && !(c == 0xC2 && text[at + 1] < 0xA0)) { /* C1 controls do not print */
            memcpy(out + o, text + at, count);
            o += count;
            at += count;
            continue;
        }
        if (count == 1 && c >= 0x20 && c != 0x7F)
            out[o++] = (char)c;
        else if (c == '\n' || c == '\r' || c == '\t')
            o += (size_t)sprintf(out + o, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
        else
            o += (size_t)sprintf(out + o, "\\x%02x", c);
        at++;
    }
    snprintf(out + o, GCH__QUOTED_CAP - o, at < length ? "...\"" : "\"");
    return out;
}
