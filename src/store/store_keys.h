/* From a block of source values to ordered 64-bit integers, and the choice of what they mean.
 *
 * An "ordered key" is an int64 whose order is the order of the values: the digits of a decimal at
 * the segment's scale, the 32-bit key of a float, or the 64-bit key of a double with its top bit
 * turned over. Everything behind this file sees int64 only.
 */
#ifndef GCH_STORE_KEYS_H
#define GCH_STORE_KEYS_H

#include "store_format.h"

#include "gch/writer.h"

/* What a segment's keys of one column mean. */
typedef struct gch__key_kind {
    gch_value_kind kind; /* DECIMAL, F32 or F64 */
    uint32_t scale;      /* DECIMAL */
} gch__key_kind;

/* Source values of one column; row 0 is the chunk's first. */
typedef struct gch__column_input {
    gch_type type;
    const uint8_t *values;   /* any alignment */
    const int8_t *scales;    /* nullable */
    const uint8_t *validity; /* nullable */
    size_t validity_first;   /* the bit of row 0 */
} gch__column_input;

typedef struct gch__block_keys {
    const int64_t *keys; /* 256: gaps filled, the end padded with the last key */
    int64_t min, max;    /* over the drawn rows; min > max: none, and keys is not set */
    bool has_gaps;       /* `drawn` is set */
    bool has_exceptions;
    uint32_t gap_count, negative_zero_count;
    uint32_t drawn[GCH_BLOCK_ROWS / 32];

    _Alignas(32) int64_t storage[GCH_BLOCK_ROWS]; /* keys may point here */
    _Alignas(32) uint8_t copy[GCH_BLOCK_ROWS * 8];
    int8_t copy_scales[GCH_BLOCK_ROWS];
} gch__block_keys;

/* Rows [row, row + count), 1 <= count <= 256. False if a value does not fit `kind`. */
bool gch__block_keys_make(const gch__kernels *kernels, const gch__column_input *input,
                          gch__key_kind kind, size_t row, uint32_t count, gch__block_keys *out);

/* The exception at `row`, if it has one under `kind` (out->row is not set). */
bool gch__exception_get(const gch__column_input *input, gch__key_kind kind, size_t row,
                        gch__exception *out);

/* The kind that suits the first rows of a segment and is not narrower than `floor` (kind GAP: no
 * floor). A sample of `sample_blocks` decides for floats, so that a block may still not fit. */
#define GCH__SAMPLE_BLOCKS 32u
gch__key_kind gch__kind_guess(const gch__kernels *kernels, const gch__column_input *input,
                              gch__key_kind floor, size_t row_count, uint32_t sample_blocks);
/* A strictly wider kind than `kind`, which failed to hold these rows. */
gch__key_kind gch__kind_widen(const gch__kernels *kernels, const gch__column_input *input,
                              gch__key_kind kind, size_t row_count);
/* The column's own bits; what holds every value. */
gch__key_kind gch__kind_float(gch_type type);

/* Adds what the rows say about how the numbers of a text column were written; of those with more
 * than scale_most decimals, that they have so many. */
void gch__decimals_scan(const gch__column_input *input, size_t row_count, uint32_t scale_most,
                        gch__decimals *io_state, uint32_t *io_scale);
/* The first row whose scale is neither -18..18 nor GCH_SCALE_F64; row_count if there is none. */
size_t gch__scales_check(const gch__column_input *input, size_t row_count);

static inline uint64_t gch__base_from_ordered(gch_value_kind kind, int64_t key)
{
    return kind == GCH_VALUE_F64 ? (uint64_t)key ^ 0x8000000000000000u : (uint64_t)key;
}

static inline bool gch__bitmap_get(const uint8_t *bitmap, size_t bit)
{
    return (bitmap[bit >> 3] >> (bit & 7) & 1u) != 0;
}

#endif
