/* What the loop over rows and an instruction set's part of it have in common; see
 * ingest_kernels_rows.h. */
#ifndef GCH_INGEST_KERNELS_STRIP_H
#define GCH_INGEST_KERNELS_STRIP_H

#include "ingest_kernels.h"

#define STRIP_SEPARATORS 1024u /* listed at a time */

typedef struct block_masks {
    uint64_t separators, line_feeds, quotes; /* bit i: byte i; line feeds are separators too */
} block_masks;

/* One field of `count` rows: ends[r * stride] is the place of the separator behind it, the one
 * before that in the list the separator in front of it. */
typedef struct field_ends {
    const uint32_t *ends;
    uint32_t stride;
    size_t count;
    bool is_last; /* of its row: a carriage return at its end does not belong to it */
} field_ends;

/* [-]digits[.digits] as gch__number_parse reads it, bit for bit; declines (false) all else, more
 * than 16 characters and -0 among it. */
static inline bool decimal_read(const uint8_t *text, size_t length, int64_t *out_digits,
                                int8_t *out_scale)
{
    const uint8_t *p = text, *end = text + length;
    const bool is_negative = length > 0 && *p == '-';
    p += is_negative;
    if (end - p > 16)
        return false;
    const uint8_t *first = p;
    uint64_t digits = 0;
    while (p < end && (uint8_t)(*p - '0') <= 9)
        digits = digits * 10 + (uint64_t)(*p++ - '0');
    size_t digit_count = (size_t)(p - first), scale = 0;
    if (p < end && *p == '.') {
        const uint8_t *fraction = ++p;
        while (p < end && (uint8_t)(*p - '0') <= 9)
            digits = digits * 10 + (uint64_t)(*p++ - '0');
        scale = (size_t)(p - fraction);
        digit_count += scale;
    }
    if (p != end || digit_count == 0 || (is_negative && digits == 0))
        return false;
    *out_digits = is_negative ? -(int64_t)digits : (int64_t)digits;
    *out_scale = (int8_t)scale;
    return true;
}

#endif
