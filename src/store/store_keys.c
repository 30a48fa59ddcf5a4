/* Keys of a block: see store_keys.h.
 *
 * Invariants:
 *  1. A block without nulls, NaN, infinities and -0.0 takes the direct path: the values are
 *     converted where they lie. Any other block is copied first, odd slots replaced by a drawn
 *     neighbour, so that one conversion serves both.
 *  2. Not-drawn slots hold the previous drawn key of the block; leading ones its first drawn key.
 *  3. Kinds only widen: DECIMAL with a larger scale, then the column's float.
 */
#include "store_keys.h"

#define F32_QUIET_NAN 0x7FC00000u
#define F64_QUIET_NAN 0x7FF8000000000000u
#define F64_NEGATIVE_ZERO 0x8000000000000000u
#define F32_NEGATIVE_ZERO 0x80000000u
#define SCALE_MAX 18u
#define NEGATIVE_SCALE_LIMIT (-18)

static uint32_t load32(const uint8_t *values, size_t i)
{
    uint32_t bits;
    memcpy(&bits, values + i * 4, sizeof bits);
    return bits;
}

static uint64_t load64(const uint8_t *values, size_t i)
{
    uint64_t bits;
    memcpy(&bits, values + i * 8, sizeof bits);
    return bits;
}

static bool is_finite64(uint64_t bits)
{
    return (bits & 0x7FF0000000000000u) != 0x7FF0000000000000u;
}

static bool is_finite32(uint32_t bits)
{
    return (bits & 0x7F800000u) != 0x7F800000u;
}

static int64_t order64(uint64_t bits)
{
    return (int64_t)(bits ^ ((0 - (bits >> 63)) >> 1));
}

static double double_from_decimal(int64_t digits, int8_t scale)
{
    return gch_decimal_to_double((gch_decimal){.digits = digits, .exp10 = -scale});
}

gch__key_kind gch__kind_float(gch_type type)
{
    switch (type) {
    case GCH_TYPE_F32:
        return (gch__key_kind){.kind = GCH_VALUE_F32};
    case GCH_TYPE_F64:
    case GCH_TYPE_DECIMAL:
        return (gch__key_kind){.kind = GCH_VALUE_F64};
    default:
        return (gch__key_kind){.kind = GCH_VALUE_DECIMAL};
    }
}

/* ---- conversion of whole blocks without odd values ---- */

#define WIDEN(name, source)                                                                        \
    static void name(const uint8_t *values, uint32_t count, int64_t *keys)                         \
    {                                                                                              \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            source value;                                                                          \
            memcpy(&value, values + i * sizeof value, sizeof value);                               \
            keys[i] = (int64_t)value;                                                              \
        }                                                                                          \
    }
WIDEN(widen_i8, int8_t)
WIDEN(widen_u8, uint8_t)
WIDEN(widen_i16, int16_t)
WIDEN(widen_u16, uint16_t)
WIDEN(widen_i32, int32_t)
WIDEN(widen_u32, uint32_t)
#undef WIDEN

/* Brings digits of one scale to a larger one. */
static bool rescale(const uint8_t *values, uint32_t count, int64_t factor, int64_t *keys)
{
    bool overflows = false;
    for (uint32_t i = 0; i < count; i++)
        overflows |= __builtin_mul_overflow((int64_t)load64(values, i), factor, &keys[i]);
    return !overflows;
}

static bool convert_text(const uint8_t *values, const int8_t *scales, uint32_t count,
                         gch__key_kind kind, int64_t *keys)
{
    int32_t first = scales != NULL ? scales[0] : 0;
    bool is_uniform = true;
    for (uint32_t i = 0; scales != NULL && i < count; i++)
        is_uniform &= scales[i] == first;
    if (kind.kind == GCH_VALUE_F64) {
        for (uint32_t i = 0; i < count; i++) {
            int8_t scale = scales != NULL ? scales[i] : 0;
            uint64_t bits = load64(values, i);
            if (scale != GCH_SCALE_F64) {
                double value = double_from_decimal((int64_t)bits, scale);
                memcpy(&bits, &value, sizeof bits);
            }
            if (!is_finite64(bits))
                return false;
            keys[i] = order64(bits);
        }
        return true;
    }
    int32_t raise = (int32_t)kind.scale - first;
    if (is_uniform && raise >= 0 && raise <= (int32_t)SCALE_MAX)
        return rescale(values, count, gch__pow10_i64[raise], keys);
    for (uint32_t i = 0; i < count; i++) {
        int64_t digits = (int64_t)load64(values, i);
        int32_t scale = scales != NULL ? scales[i] : 0;
        raise = (int32_t)kind.scale - scale;
        if (digits == 0 && scale != GCH_SCALE_F64)
            keys[i] = 0;
        else if (raise < 0 || raise > (int32_t)SCALE_MAX ||
                 __builtin_mul_overflow(digits, gch__pow10_i64[raise], &keys[i]))
            return false;
    }
    return true;
}

/* `values` is aligned for its type. False: a value does not fit, or is odd. */
static bool convert(const gch__kernels *kernels, gch_type type, const uint8_t *values,
                    const int8_t *scales, uint32_t count, gch__key_kind kind, int64_t *keys)
{
    switch (type) {
    case GCH_TYPE_I8:
        widen_i8(values, count, keys);
        return true;
    case GCH_TYPE_U8:
        widen_u8(values, count, keys);
        return true;
    case GCH_TYPE_I16:
        widen_i16(values, count, keys);
        return true;
    case GCH_TYPE_U16:
        widen_u16(values, count, keys);
        return true;
    case GCH_TYPE_I32:
        widen_i32(values, count, keys);
        return true;
    case GCH_TYPE_U32:
        widen_u32(values, count, keys);
        return true;
    case GCH_TYPE_I64:
        memcpy(keys, values, (size_t)count * 8);
        return true;
    case GCH_TYPE_F32:
        if (kind.kind == GCH_VALUE_DECIMAL)
            return kernels->decimals_from_f32((const float *)(const void *)values, count,
                                              kind.scale, keys);
        return kernels->keys_from_f32((const float *)(const void *)values, count, keys);
    case GCH_TYPE_F64:
        if (kind.kind == GCH_VALUE_DECIMAL)
            return kernels->decimals_from_f64((const double *)(const void *)values, count,
                                              kind.scale, keys);
        return kernels->keys_from_f64((const double *)(const void *)values, count, keys);
    case GCH_TYPE_DECIMAL:
        return convert_text(values, scales, count, kind, keys);
    default:
        return false;
    }
}

/* ---- odd values ---- */

typedef enum slot {
    SLOT_DRAWN,
    SLOT_GAP,
    SLOT_ODD,           /* not drawn, bits kept */
    SLOT_NEGATIVE_ZERO, /* drawn as 0, bits kept */
} slot;

static slot classify64(uint64_t bits, bool keeps_sign)
{
    if (!is_finite64(bits))
        return bits == F64_QUIET_NAN ? SLOT_GAP : SLOT_ODD;
    return bits == F64_NEGATIVE_ZERO && !keeps_sign ? SLOT_NEGATIVE_ZERO : SLOT_DRAWN;
}

static slot classify32(uint32_t bits, bool keeps_sign)
{
    if (!is_finite32(bits))
        return bits == F32_QUIET_NAN ? SLOT_GAP : SLOT_ODD;
    return bits == F32_NEGATIVE_ZERO && !keeps_sign ? SLOT_NEGATIVE_ZERO : SLOT_DRAWN;
}

static bool is_valid(const gch__column_input *input, size_t row)
{
    return input->validity == NULL || gch__bitmap_get(input->validity, input->validity_first + row);
}

static slot classify(const gch__column_input *input, gch__key_kind kind, size_t row)
{
    if (!is_valid(input, row))
        return SLOT_GAP;
    bool keeps_sign = kind.kind != GCH_VALUE_DECIMAL;
    switch (input->type) {
    case GCH_TYPE_F32:
        return classify32(load32(input->values, row), keeps_sign);
    case GCH_TYPE_F64:
        return classify64(load64(input->values, row), keeps_sign);
    case GCH_TYPE_DECIMAL:
        if (input->scales != NULL && input->scales[row] == GCH_SCALE_F64)
            return classify64(load64(input->values, row), keeps_sign);
        return SLOT_DRAWN;
    default:
        return SLOT_DRAWN;
    }
}

bool gch__exception_get(const gch__column_input *input, gch__key_kind kind, size_t row,
                        gch__exception *out)
{
    slot found = classify(input, kind, row);
    if (found != SLOT_ODD && found != SLOT_NEGATIVE_ZERO)
        return false;
    out->is_drawn = found == SLOT_NEGATIVE_ZERO;
    out->bits =
        input->type == GCH_TYPE_F32 ? load32(input->values, row) : load64(input->values, row);
    return true;
}

/* Bit i of `drawn` is set if row + i is drawn, of `odd` if its key does not give its bits back.
 * `values` are those of the rows, aligned. */
static void classify_rows(const gch__kernels *kernels, const gch__column_input *input,
                          gch__key_kind kind, size_t row, uint32_t count, const uint8_t *values,
                          uint32_t drawn[8], uint32_t odd[8])
{
    bool is_float = input->type == GCH_TYPE_F32 || input->type == GCH_TYPE_F64;
    if (input->type == GCH_TYPE_F32) {
        kernels->classify_f32((const float *)(const void *)values, count, drawn, odd);
    } else if (input->type == GCH_TYPE_F64) {
        kernels->classify_f64((const double *)(const void *)values, count, drawn, odd);
    } else {
        memset(drawn, 0, 8 * sizeof *drawn);
        memset(odd, 0, 8 * sizeof *odd);
        for (uint32_t i = 0; i < count; i++) {
            slot found = classify(input, kind, row + i);
            uint32_t bit = 1u << (i & 31);
            drawn[i >> 5] |= found == SLOT_DRAWN || found == SLOT_NEGATIVE_ZERO ? bit : 0;
            odd[i >> 5] |= found == SLOT_ODD || found == SLOT_NEGATIVE_ZERO ? bit : 0;
        }
    }
    for (uint32_t i = 0; is_float && input->validity != NULL && i < count; i++) {
        uint32_t kept = is_valid(input, row + i) ? UINT32_MAX : ~(1u << (i & 31));
        drawn[i >> 5] &= kept;
        odd[i >> 5] &= kept;
    }
    /* The key of a float has the sign of a zero. */
    for (uint32_t word = 0; word < 8 && kind.kind != GCH_VALUE_DECIMAL; word++)
        odd[word] &= ~drawn[word];
}

/* Copies the block with every slot that is not drawn, or is -0.0, made ordinary. Returns the number
 * of drawn rows. */
static uint32_t copy_clean(const gch__kernels *kernels, const gch__column_input *input,
                           gch__key_kind kind, size_t row, uint32_t count, gch__block_keys *out)
{
    size_t size = gch_type_bytes(input->type);
    uint32_t odd[8], drawn_count = 0, first = count;
    memcpy(out->copy, input->values + row * size, count * size);
    memset(out->copy_scales, 0, count);
    if (input->scales != NULL)
        memcpy(out->copy_scales, input->scales + row, count);
    classify_rows(kernels, input, kind, row, count, out->copy, out->drawn, odd);
    for (uint32_t word = 8; word-- > 0;) {
        drawn_count += (uint32_t)__builtin_popcount(out->drawn[word]);
        out->has_exceptions |= odd[word] != 0;
        for (uint32_t zeros = odd[word] & out->drawn[word]; zeros != 0; zeros &= zeros - 1) {
            uint32_t i = word * 32 + (uint32_t)__builtin_ctz(zeros);
            memset(out->copy + i * size, 0, size);
            out->copy_scales[i] = 0;
            out->negative_zero_count++;
        }
        if (out->drawn[word] != 0)
            first = word * 32 + (uint32_t)__builtin_ctz(out->drawn[word]);
    }
    for (uint32_t i = 0; i < first && first < count; i++) {
        memcpy(out->copy + i * size, out->copy + first * size, size);
        out->copy_scales[i] = out->copy_scales[first];
    }
    for (uint32_t word = first / 32; word < (count + 31) / 32; word++)
        for (uint32_t gaps = ~out->drawn[word]; gaps != 0; gaps &= gaps - 1) {
            uint32_t i = word * 32 + (uint32_t)__builtin_ctz(gaps);
            if (i <= first || i >= count)
                continue;
            memcpy(out->copy + i * size, out->copy + (i - 1) * size, size);
            out->copy_scales[i] = out->copy_scales[i - 1];
        }
    return drawn_count;
}

/* Whether all of `count` bits from `first` are set. */
static bool all_set(const uint8_t *bitmap, size_t first, uint32_t count)
{
    size_t bit = first, end = first + count;
    for (; bit < end && (bit & 7) != 0; bit++) {
        if (!gch__bitmap_get(bitmap, bit))
            return false;
    }
    for (; end - bit >= 8; bit += 8) {
        if (bitmap[bit >> 3] != 0xFF)
            return false;
    }
    for (; bit < end; bit++) {
        if (!gch__bitmap_get(bitmap, bit))
            return false;
    }
    return true;
}

static bool make_direct(const gch__kernels *kernels, const gch__column_input *input,
                        gch__key_kind kind, size_t row, uint32_t count, gch__block_keys *out)
{
    if (input->validity != NULL && !all_set(input->validity, input->validity_first + row, count))
        return false;
    size_t size = gch_type_bytes(input->type);
    const uint8_t *values = input->values + row * size;
    if ((uintptr_t)values % size != 0) {
        memcpy(out->copy, values, count * size);
        values = out->copy;
    }
    const int8_t *scales = input->scales != NULL ? input->scales + row : NULL;
    if (input->type == GCH_TYPE_I64 && count == GCH_BLOCK_ROWS) {
        out->keys = (const int64_t *)(const void *)values;
        return true;
    }
    out->keys = out->storage;
    return convert(kernels, input->type, values, scales, count, kind, out->storage);
}

bool gch__block_keys_make(const gch__kernels *kernels, const gch__column_input *input,
                          gch__key_kind kind, size_t row, uint32_t count, gch__block_keys *out)
{
    out->has_gaps = false;
    out->has_exceptions = false;
    out->gap_count = 0;
    out->negative_zero_count = 0;
    if (!make_direct(kernels, input, kind, row, count, out)) {
        uint32_t drawn_count = copy_clean(kernels, input, kind, row, count, out);
        out->gap_count = count - drawn_count;
        out->has_gaps = drawn_count < count;
        if (drawn_count == 0) {
            out->min = INT64_MAX;
            out->max = INT64_MIN;
            return true;
        }
        const int8_t *scales = input->scales != NULL ? out->copy_scales : NULL;
        out->keys = out->storage;
        if (!convert(kernels, input->type, out->copy, scales, count, kind, out->storage))
            return false;
    }
    kernels->min_max_i64(out->keys, count, &out->min, &out->max);
    for (uint32_t i = count; i < GCH_BLOCK_ROWS; i++)
        out->storage[i] = out->storage[count - 1]; /* a short block's keys lie in storage */
    return true;
}

/* ---- the choice of a kind ---- */

/* Drawn, finite values of rows [row, row + count), without -0.0, as the column's own type. */
static uint32_t copy_drawn(const gch__column_input *input, size_t row, uint32_t count, uint8_t *out)
{
    size_t size = gch_type_bytes(input->type);
    uint32_t copied = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (classify(input, (gch__key_kind){.kind = GCH_VALUE_DECIMAL}, row + i) != SLOT_DRAWN)
            continue;
        memcpy(out + copied * size, input->values + (row + i) * size, size);
        copied++;
    }
    return copied;
}

static uint32_t find_scale(gch_type type, const uint8_t *values, uint32_t count)
{
    if (type == GCH_TYPE_F32)
        return gch__decimal_scale_f32((const float *)(const void *)values, count, SCALE_MAX);
    return gch__decimal_scale_f64((const double *)(const void *)values, count, SCALE_MAX);
}

/* Visits so many blocks of the rows, spread evenly. Gives the smallest scale for them; UINT32_MAX
 * if there is none. */
static uint32_t scale_of_blocks(const gch__column_input *input, size_t row_count, size_t most)
{
    _Alignas(32) uint8_t drawn[GCH_BLOCK_ROWS * 8];
    size_t blocks = (row_count + GCH_BLOCK_ROWS - 1) / GCH_BLOCK_ROWS;
    size_t visits = GCH_MIN(blocks, most);
    uint32_t scale = 0;
    for (size_t v = 0; v < visits; v++) {
        size_t row = v * blocks / visits * GCH_BLOCK_ROWS;
        uint32_t count = (uint32_t)GCH_MIN(row_count - row, (size_t)GCH_BLOCK_ROWS);
        uint32_t drawn_count = copy_drawn(input, row, count, drawn);
        if (drawn_count == 0)
            continue;
        uint32_t found = find_scale(input->type, drawn, drawn_count);
        if (found == UINT32_MAX)
            return UINT32_MAX;
        scale = GCH_MAX(scale, found);
    }
    return scale;
}

/* Bits a sample's blocks take under a kind; UINT64_MAX if it does not fit. */
static uint64_t sample_bits(const gch__kernels *kernels, const gch__column_input *input,
                            gch__key_kind kind, size_t row_count, size_t most)
{
    gch__block_keys block;
    size_t blocks = (row_count + GCH_BLOCK_ROWS - 1) / GCH_BLOCK_ROWS;
    size_t visits = GCH_MIN(blocks, most);
    uint64_t bits = 0;
    for (size_t v = 0; v < visits; v++) {
        size_t row = v * blocks / visits * GCH_BLOCK_ROWS;
        uint32_t count = (uint32_t)GCH_MIN(row_count - row, (size_t)GCH_BLOCK_ROWS);
        if (!gch__block_keys_make(kernels, input, kind, row, count, &block))
            return UINT64_MAX;
        if (block.min <= block.max)
            bits += gch__bits_u64((uint64_t)block.max - (uint64_t)block.min);
    }
    return bits;
}

/* Decimals where they take no more room than the floats themselves: any float is a decimal of nine
 * digits, but noise is cheaper as float bits. */
static gch__key_kind cheaper(const gch__kernels *kernels, const gch__column_input *input,
                             uint32_t scale, size_t row_count, size_t most)
{
    gch__key_kind decimal = {.kind = GCH_VALUE_DECIMAL, .scale = scale};
    gch__key_kind plain = gch__kind_float(input->type);
    if (scale == UINT32_MAX || sample_bits(kernels, input, decimal, row_count, most) >
                                   sample_bits(kernels, input, plain, row_count, most))
        return plain;
    return decimal;
}

/* The largest scale of a text column's drawn rows, or UINT32_MAX if one is a double. */
static uint32_t text_scale(const gch__column_input *input, size_t row_count)
{
    int8_t scale = 0;
    if (input->scales == NULL)
        return 0;
    for (size_t row = 0; row < row_count; row++) {
        if (input->scales[row] <= scale)
            continue;
        if (classify(input, (gch__key_kind){.kind = GCH_VALUE_DECIMAL}, row) != SLOT_DRAWN)
            continue;
        if (input->scales[row] == GCH_SCALE_F64)
            return UINT32_MAX;
        scale = input->scales[row];
    }
    return (uint8_t)scale; /* not negative */
}

gch__key_kind gch__kind_guess(const gch__kernels *kernels, const gch__column_input *input,
                              gch__key_kind floor, size_t row_count, uint32_t sample_blocks)
{
    gch__key_kind kind = {.kind = GCH_VALUE_DECIMAL};
    if (floor.kind == GCH_VALUE_F32 || floor.kind == GCH_VALUE_F64)
        return floor;
    if (input->type == GCH_TYPE_F32 || input->type == GCH_TYPE_F64) {
        uint32_t scale = scale_of_blocks(input, row_count, sample_blocks);
        kind = cheaper(kernels, input, scale, row_count, sample_blocks);
    } else if (input->type == GCH_TYPE_DECIMAL) {
        kind.scale = text_scale(input, row_count);
        if (kind.scale == UINT32_MAX)
            return gch__kind_float(input->type);
    }
    if (kind.kind == GCH_VALUE_DECIMAL && floor.kind == GCH_VALUE_DECIMAL)
        kind.scale = GCH_MAX(kind.scale, floor.scale);
    return kind;
}

gch__key_kind gch__kind_widen(const gch__kernels *kernels, const gch__column_input *input,
                              gch__key_kind kind, size_t row_count)
{
    uint32_t scale = input->type == GCH_TYPE_DECIMAL ? text_scale(input, row_count)
                                                     : scale_of_blocks(input, row_count, SIZE_MAX);
    if (scale == UINT32_MAX || scale <= kind.scale)
        return gch__kind_float(input->type);
    if (input->type == GCH_TYPE_DECIMAL)
        return (gch__key_kind){.kind = GCH_VALUE_DECIMAL, .scale = scale};
    return cheaper(kernels, input, scale, row_count, GCH__SAMPLE_BLOCKS);
}

void gch__decimals_scan(const gch__column_input *input, size_t row_count, uint32_t scale_most,
                        gch__decimals *io_state, uint32_t *io_scale)
{
    for (size_t row = 0; row < row_count && *io_state != GCH__DECIMALS_MIXED; row++) {
        int8_t scale = input->scales != NULL ? input->scales[row] : 0;
        if (scale > (int32_t)scale_most && scale != GCH_SCALE_F64)
            scale = (int8_t)scale_most;
        if (*io_state == GCH__DECIMALS_FIXED && scale == (int32_t)*io_scale)
            continue;
        slot found = classify(input, (gch__key_kind){.kind = GCH_VALUE_DECIMAL}, row);
        if (found == SLOT_GAP || found == SLOT_ODD)
            continue;
        bool is_plain = found == SLOT_DRAWN && scale >= 0 && scale != GCH_SCALE_F64;
        if (is_plain && *io_state == GCH__DECIMALS_NONE) {
            *io_state = GCH__DECIMALS_FIXED;
            *io_scale = (uint32_t)scale;
        } else {
            *io_state = GCH__DECIMALS_MIXED;
        }
    }
}

size_t gch__scales_check(const gch__column_input *input, size_t row_count)
{
    for (size_t row = 0; input->scales != NULL && row < row_count; row++) {
        int8_t scale = input->scales[row];
        bool is_fine =
            (scale >= NEGATIVE_SCALE_LIMIT && scale <= (int8_t)SCALE_MAX) || scale == GCH_SCALE_F64;
        if (!is_fine && is_valid(input, row))
            return row;
    }
    return row_count;
}
