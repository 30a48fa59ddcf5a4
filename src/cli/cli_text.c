/* Text for people and from people.
 *
 * 1. Nothing here depends on the locale: the program never calls setlocale.
 * 2. Numbers are read as decimals and refused unless they are exactly what the caller can hold.
 */
#include "cli_text.h"

#include "gch/decimal.h"

#include <stdio.h>
#include <string.h>

#define WORD_CAP 64u
#define YIELD_ROWS 10000u /* a file of fewer rows is mostly page padding */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Copies a number without the underscores that stand between digits. */
static bool strip_underscores(const char *text, char *out, size_t cap)
{
    size_t length = 0;
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (text[i] == '_') {
            if (i == 0 || !is_digit(text[i - 1]) || !is_digit(text[i + 1]))
                return false;
            continue;
        }
        if (length + 1 >= cap)
            return false;
        out[length++] = text[i];
    }
    out[length] = '\0';
    return true;
}

static int32_t suffix_exponent(char c)
{
    switch (c) {
    case 'k':
    case 'K':
        return 3;
    case 'M':
        return 6;
    case 'G':
        return 9;
    case 'T':
        return 12;
    default:
        return 0;
    }
}

bool cli_parse_count(const char *text, uint64_t *out)
{
    char plain[WORD_CAP];
    if (!strip_underscores(text, plain, sizeof plain))
        return false;
    size_t length = strlen(plain);
    int32_t exponent = length > 0 ? suffix_exponent(plain[length - 1]) : 0;
    if (exponent != 0)
        plain[--length] = '\0';

    gch_decimal decimal;
    if (!gch_decimal_parse(plain, length, &decimal)) {
        /* 19 and 20 digits are more than a gch_decimal holds, and are still counts. */
        uint64_t value = 0;
        if (length == 0 || exponent != 0)
            return false;
        for (size_t i = 0; i < length; i++) {
            if (!is_digit(plain[i]) || __builtin_mul_overflow(value, 10u, &value) ||
                __builtin_add_overflow(value, (uint64_t)(plain[i] - '0'), &value))
                return false;
        }
        *out = value;
        return true;
    }
    if (decimal.digits < 0)
        return false;
    uint64_t value = (uint64_t)decimal.digits;
    exponent += decimal.exp10;
    for (; exponent < 0 && value != 0; exponent++) {
        if (value % 10 != 0)
            return false;
        value /= 10;
    }
    for (; exponent > 0 && value != 0; exponent--) {
        if (__builtin_mul_overflow(value, 10u, &value))
            return false;
    }
    *out = value;
    return true;
}

bool cli_parse_real(const char *text, double *out)
{
    gch_decimal decimal;
    if (!gch_decimal_parse(text, strlen(text), &decimal))
        return false;
    *out = gch_decimal_to_double(decimal);
    return __builtin_isfinite(*out);
}

size_t cli_parse_reals(const char *text, double *out, size_t cap)
{
    for (size_t count = 0; count < cap;) {
        char part[32];
        size_t length = strcspn(text, ",");
        if (length >= sizeof part)
            return 0;
        memcpy(part, text, length);
        part[length] = '\0';
        if (!cli_parse_real(part, &out[count++]))
            return 0;
        if (text[length] == '\0')
            return count;
        text += length + 1;
    }
    return 0;
}

const char *cli_format_count(uint64_t value, char text[CLI_NUMBER_CAP])
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    size_t used = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            text[used++] = ',';
        text[used++] = digits[i];
    }
    text[used] = '\0';
    return text;
}

/* value and its prefix, with three significant digits. */
static double scale_down(double value, const char **prefix)
{
    static const char *const prefixes[] = {"", "k", "M", "G", "T", "P", "E"};
    size_t i = 0;
    while (value >= 999.5 && i + 1 < sizeof prefixes / sizeof prefixes[0]) {
        value /= 1000;
        i++;
    }
    *prefix = prefixes[i];
    return value;
}

static int decimals_for(double value)
{
    return value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
}

const char *cli_format_bytes(uint64_t bytes, char text[CLI_NUMBER_CAP])
{
    const char *prefix;
    double value = scale_down((double)bytes, &prefix);
    if (prefix[0] == '\0')
        snprintf(text, CLI_NUMBER_CAP, "%u byte%s", (unsigned)bytes, bytes == 1 ? "" : "s");
    else
        snprintf(text, CLI_NUMBER_CAP, "%.*f %sB", decimals_for(value), value, prefix);
    return text;
}

const char *cli_format_short(double value, char text[CLI_NUMBER_CAP])
{
    const char *prefix;
    value = scale_down(value, &prefix);
    snprintf(text, CLI_NUMBER_CAP, "%.*f %s", decimals_for(value), value, prefix);
    return text;
}

const char *cli_format_yield(uint64_t rows, uint64_t points, uint64_t bytes, double seconds,
                             char text[CLI_YIELD_CAP])
{
    char rate[CLI_NUMBER_CAP], time[CLI_NUMBER_CAP];
    if (seconds < 1)
        snprintf(time, sizeof time, "%.0f ms", seconds * 1e3);
    else
        snprintf(time, sizeof time, "%.2f s", seconds);
    if (rows < YIELD_ROWS || !(seconds > 0))
        snprintf(text, CLI_YIELD_CAP, "%s", time);
    else
        snprintf(text, CLI_YIELD_CAP, "%.2f bytes a point, %s, %srows/s",
                 (double)bytes / (double)points, time,
                 cli_format_short((double)rows / seconds, rate));
    return text;
}

const char *cli_format_duration(double seconds, char text[CLI_NUMBER_CAP])
{
    uint64_t s = seconds > 0 && seconds < 1e9 ? (uint64_t)(seconds + 0.5) : 0;
    unsigned minute = (unsigned)(s / 60 % 60), second = (unsigned)(s % 60);
    if (s >= 3600)
        snprintf(text, CLI_NUMBER_CAP, "%llu:%02u:%02u", (unsigned long long)(s / 3600), minute,
                 second);
    else
        snprintf(text, CLI_NUMBER_CAP, "%u:%02u", minute, second);
    return text;
}

/* Length of the valid UTF-8 sequence at p (RFC 3629), 0 if there is none. */
static size_t utf8_length(const unsigned char *p)
{
    if (p[0] < 0x80)
        return 1;
    size_t length = p[0] >= 0xC2 && p[0] <= 0xDF   ? 2
                    : p[0] >= 0xE0 && p[0] <= 0xEF ? 3
                    : p[0] >= 0xF0 && p[0] <= 0xF4 ? 4
                                                   : 0;
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    }
    bool is_overlong = (p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xF0 && p[1] < 0x90);
    bool is_outside = (p[0] == 0xED && p[1] > 0x9F) || (p[0] == 0xF4 && p[1] > 0x8F);
    return is_overlong || is_outside ? 0 : length;
}

size_t cli_clean_text(const char *text, char *out, size_t cap)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t used = 0;
    while (*p != '\0') {
        size_t length = utf8_length(p);
        const char *from = (const char *)p;
        size_t count = length, step = length;
        if (length == 0) {
            from = "\xEF\xBF\xBD"; /* U+FFFD */
            count = 3;
            step = 1;
        } else if (*p < 0x20 || *p == 0x7F || (*p == 0xC2 && p[1] < 0xA0)) {
            from = "?"; /* C0, DEL and C1 controls drive terminals */
            count = 1;
        }
        if (used + count + 1 > cap)
            break;
        memcpy(out + used, from, count);
        used += count;
        p += step;
    }
    out[used] = '\0';
    return used;
}

size_t cli_text_width(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++)
        width += (*text & 0xC0) != 0x80;
    return width;
}

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

size_t cli_edit_distance(const char *a, const char *b)
{
    size_t a_length = strlen(a), b_length = strlen(b);
    if (a_length >= WORD_CAP || b_length >= WORD_CAP)
        return SIZE_MAX;
    size_t rows[3][WORD_CAP]; /* the current row of the table and the two above it */
    for (size_t j = 0; j <= b_length; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            char x = to_lower(a[i - 1]), y = to_lower(b[j - 1]);
            row[j] = smallest(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y));
            bool is_swap =
                i > 1 && j > 1 && x == to_lower(b[j - 2]) && y == to_lower(a[i - 2]) && x != y;
            if (is_swap && above2[j - 2] + 1 < row[j])
                row[j] = above2[j - 2] + 1;
        }
    }
    return rows[a_length % 3][b_length];
}

void cli_guess_offer(cli_guess *guess, const char *name)
{
    size_t length = strlen(guess->word);
    size_t distance = cli_edit_distance(guess->word, name);
    size_t limit = length < 4 ? 1 : length < 8 ? 2 : 3;
    bool is_prefix = length >= 2 && strncmp(guess->word, name, length) == 0;
    if (is_prefix)
        distance = 1;
    if (distance > limit || distance >= strlen(name))
        return;
    if (guess->best == NULL || distance < guess->distance) {
        guess->best = name;
        guess->distance = distance;
    }
}
