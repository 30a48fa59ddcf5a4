/* The kernels for any processor, eight bytes at a time. */
#include "ingest_kernels_strip.h"

#define ONES 0x0101010101010101u
#define LOW_SEVEN 0x7F7F7F7F7F7F7F7Fu
#define GATHER_TOP_BITS 0x0002040810204081u

/* Bit i is 1 if byte i of `word` equals the byte repeated in `pattern`; exact, carries do not cross
 * bytes. */
static inline uint64_t match(uint64_t word, uint64_t pattern)
{
    uint64_t x = word ^ pattern;
    uint64_t tops = ~(((x & LOW_SEVEN) + LOW_SEVEN) | x | LOW_SEVEN);
    return ((tops >> 7) * GATHER_TOP_BITS << 7) >> 56;
}

static inline block_masks block_find(const uint8_t *bytes, uint8_t delimiter)
{
    block_masks masks = {0};
    for (uint32_t i = 0; i < 8; i++) {
        uint64_t word = gch__load_u64(bytes + 8 * i);
        masks.separators |= match(word, delimiter * ONES) << (8 * i);
        masks.line_feeds |= match(word, '\n' * ONES) << (8 * i);
        masks.quotes |= match(word, '"' * ONES) << (8 * i);
    }
    masks.separators |= masks.line_feeds;
    return masks;
}

static inline void decimals_read(const uint8_t *bytes, const field_ends *column,
                                 int64_t *out_digits, int8_t *out_scales, uint8_t *io_declined)
{
    const uint32_t *end = column->ends;
    for (size_t row = 0; row < column->count; row++, end += column->stride) {
        const uint32_t first = end[-1] + 1;
        size_t length = *end - first;
        length -= column->is_last && length > 0 && bytes[*end - 1] == '\r';
        if (!decimal_read(bytes + first, length, &out_digits[row], &out_scales[row]))
            io_declined[row] = 1;
    }
}

#include "ingest_kernels_list.h"
#include "ingest_kernels_rows.h"

static size_t count_lines(const uint8_t *bytes, size_t count)
{
    size_t lines = 0;
    for (size_t i = 0; i < count; i++)
        lines += bytes[i] == '\n';
    return lines;
}

void gch__ingest_kernels_fill_scalar(gch__ingest_kernels *table)
{
    table->csv_rows = rows_take;
    table->count_lines = count_lines;
}
