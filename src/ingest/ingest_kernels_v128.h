/* The kernels for registers of 128 bits, in the compiler's vector types. What those have no
 * operator for, an ISA file defines before it includes this one, with all bytes of a mask 0 or 255:
 *
 *     u8x16 v_look_up(u8x16 table, u8x16 places)      0 where the place is 16 or more
 *     uint64_t v_bitmask64(const u8x16 masks[4])      a bit a byte, the first lowest
 *     uint32_t v_first(u8x16 mask)                    the first 255; 16 if there is none
 *     bool v_any(u8x16 mask)
 *     u8x16 v_even_bytes(u16x8 a, u16x8 b)            their lower halves, a's first
 *
 * Two numbers share a register from the pairs of digits on, as in AVX2's kernels.
 */
#ifndef GCH_INGEST_KERNELS_V128_H
#define GCH_INGEST_KERNELS_V128_H

#include "ingest_kernels_list.h"
#include "ingest_kernels_place.h"

static inline u8x16 load8(const void *from)
{
    u8x16 value;
    memcpy(&value, from, sizeof value);
    return value;
}

static inline u8x16 all8(uint8_t value)
{
    return (u8x16){value, value, value, value, value, value, value, value,
                   value, value, value, value, value, value, value, value};
}

static inline block_masks block_find(const uint8_t *bytes, uint8_t delimiter)
{
    u8x16 separators[4], line_feeds[4], quotes[4];
    for (uint32_t i = 0; i < 4; i++) {
        const u8x16 part = load8(bytes + 16 * i);
        line_feeds[i] = (u8x16)(part == all8('\n'));
        separators[i] = (u8x16)(part == all8(delimiter)) | line_feeds[i];
        quotes[i] = (u8x16)(part == all8('"'));
    }
    block_masks masks = {.separators = v_bitmask64(separators),
                         .line_feeds = v_bitmask64(line_feeds)};
    if (v_any(quotes[0] | quotes[1] | quotes[2] | quotes[3]))
        masks.quotes = v_bitmask64(quotes);
    return masks;
}

/* A number's digits at the right end, the point closed. */
static inline u8x16 digits_at(const decimal_place *place, uint32_t *out_point)
{
    u8x16 digits = (load8(place->end - 16) - all8('0')) & load8(last_letters + 1 + place->length);
    *out_point = v_first((u8x16)(digits == all8((uint8_t)('.' - '0'))));
    return v_look_up(digits, load8(close_point[*out_point]));
}

static inline u16x8 pairs_join(u8x16 digits)
{
    const u16x8 words = (u16x8)digits; /* the first digit in the lower half */
    return (words & 0xFF) * 10 + (words >> 8);
}

static inline bool decimal_is_odd(const decimal_place *place, uint32_t point, u8x16 digits,
                                  int64_t value)
{
    return place->length - 1 > 15 || point == 15 || v_any((u8x16)(digits > all8(9))) ||
           (place->sign & 1) > value;
}

static inline void decimals_read_pairs(const uint8_t *bytes, const field_ends *column, bool is_last,
                                       int64_t *out_digits, int8_t *out_scales,
                                       uint8_t *io_declined)
{
    const size_t count = column->count, stride = column->stride;
    const uint32_t *end = column->ends;
    for (size_t row = 0; row < count; row += 2) {
        const size_t second = row + (row + 1 < count);
        const decimal_place a = place_of(bytes, end, is_last);
        end += stride & (0 - (second - row));
        const decimal_place b = place_of(bytes, end, is_last);
        end += stride;
        uint32_t point_a, point_b;
        const u8x16 digits_a = digits_at(&a, &point_a), digits_b = digits_at(&b, &point_b);
        const u16x8 pairs = (u16x8)v_even_bytes(pairs_join(digits_a), pairs_join(digits_b));
        const u32x4 fours = (u32x4)((pairs & 0xFF) * 100 + (pairs >> 8));
        const u64x2 eights = (u64x2)((fours & 0xFFFF) * 10000 + (fours >> 16));
        const int64_t value_a =
            (int64_t)((uint32_t)eights[0] * UINT64_C(100000000) + (eights[0] >> 32));
        const int64_t value_b =
            (int64_t)((uint32_t)eights[1] * UINT64_C(100000000) + (eights[1] >> 32));
        out_digits[row] = (value_a ^ a.sign) - a.sign;
        out_digits[second] = (value_b ^ b.sign) - b.sign;
        out_scales[row] = scale_of_point[point_a];
        out_scales[second] = scale_of_point[point_b];
        /* What makes either odd, and now and then something that does not. */
        const bool may_be_odd = (((a.length - 1) | (b.length - 1)) > 15) | (point_a == 15) |
                                (point_b == 15) | v_any((u8x16)((digits_a | digits_b) > all8(9))) |
                                ((a.sign & 1) > value_a) | ((b.sign & 1) > value_b);
        if (__builtin_expect(may_be_odd, 0)) {
            io_declined[row] |= decimal_is_odd(&a, point_a, digits_a, value_a);
            io_declined[second] |= decimal_is_odd(&b, point_b, digits_b, value_b);
        }
    }
}

static inline void decimals_read(const uint8_t *bytes, const field_ends *column,
                                 int64_t *out_digits, int8_t *out_scales, uint8_t *io_declined)
{
    if (column->is_last)
        decimals_read_pairs(bytes, column, true, out_digits, out_scales, io_declined);
    else
        decimals_read_pairs(bytes, column, false, out_digits, out_scales, io_declined);
}

#include "ingest_kernels_rows.h"

static size_t count_lines(const uint8_t *bytes, size_t count)
{
    size_t lines = 0, i = 0;
    while (count - i >= 16) { /* a byte counts to 255 at most */
        const size_t end = i + GCH_MIN((count - i) / 16, (size_t)255) * 16;
        u8x16 counts = all8(0);
        for (; i < end; i += 16)
            counts -= (u8x16)(load8(bytes + i) == all8('\n'));
        const u16x8 pairs = ((u16x8)counts & 0xFF) + ((u16x8)counts >> 8);
        for (uint32_t k = 0; k < 8; k++)
            lines += pairs[k];
    }
    for (; i < count; i++)
        lines += bytes[i] == '\n';
    return lines;
}

static void fill_v128(gch__ingest_kernels *table)
{
    table->csv_rows = rows_take;
    table->count_lines = count_lines;
}

#endif
