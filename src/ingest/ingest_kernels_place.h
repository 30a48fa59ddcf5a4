/* Numbers at the right end of 16 letters, for the kernels that take them two at a time: where they
 * lie, and what moves them to their place. */
#ifndef GCH_INGEST_KERNELS_PLACE_H
#define GCH_INGEST_KERNELS_PLACE_H

#include "ingest_kernels_strip.h"

/* 16 bytes from [16 - n] on: the last n of 16 letters; none for n = 17. */
static const uint8_t last_letters[50] = {
    [17] = 0xFF, [18] = 0xFF, [19] = 0xFF, [20] = 0xFF, [21] = 0xFF, [22] = 0xFF,
    [23] = 0xFF, [24] = 0xFF, [25] = 0xFF, [26] = 0xFF, [27] = 0xFF, [28] = 0xFF,
    [29] = 0xFF, [30] = 0xFF, [31] = 0xFF, [32] = 0xFF,
};
/* Closes the gap of a point at place p: what lies before it moves to the right. 16: no point. */
#define CLOSE(p)                                                                                   \
    {                                                                                              \
        0 - (0 <= p), 1 - (1 <= p), 2 - (2 <= p), 3 - (3 <= p), 4 - (4 <= p), 5 - (5 <= p),        \
            6 - (6 <= p), 7 - (7 <= p), 8 - (8 <= p), 9 - (9 <= p), 10 - (10 <= p),                \
            11 - (11 <= p), 12 - (12 <= p), 13 - (13 <= p), 14 - (14 <= p), 15 - (15 <= p)         \
    }
static const int8_t close_point[17][16] __attribute__((aligned(16))) = {
    CLOSE(0), CLOSE(1),  CLOSE(2),  CLOSE(3),  CLOSE(4),  CLOSE(5),  CLOSE(6),  CLOSE(7), CLOSE(8),
    CLOSE(9), CLOSE(10), CLOSE(11), CLOSE(12), CLOSE(13), CLOSE(14), CLOSE(15), CLOSE(-1)};
/* Digits behind a point at place p. */
static const int8_t scale_of_point[17] = {15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0};

/* Where a number lies: `length` letters before `end`, behind the sign. */
typedef struct decimal_place {
    const uint8_t *end;
    size_t length; /* 17 for what is too long */
    int64_t sign;  /* 0 or -1 */
} decimal_place;

static inline decimal_place place_of(const uint8_t *bytes, const uint32_t *end, bool is_last)
{
    const uint32_t first = end[-1] + 1;
    const uint8_t *text = bytes + first;
    decimal_place place = {.end = bytes + *end};
    if (is_last)
        place.end -= (place.end[-1] == '\r') & (place.end > text);
    int64_t is_negative = *text == '-';
    place.length = (size_t)(place.end - text) - (size_t)is_negative;
    place.length = GCH_MIN(place.length, (size_t)17); /* an empty text wraps to it, or is empty */
    place.sign = -is_negative;
    return place;
}

#endif
