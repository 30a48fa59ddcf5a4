/* Columns and times for the tests of encoding on the GPU. */
#ifndef GCH_RENDER_GPU_ENCODE_TEST_H
#define GCH_RENDER_GPU_ENCODE_TEST_H

#include "store_encoder.h"
#include "test.h"

typedef enum shape {
    SHAPE_CONSTANT,
    SHAPE_WALK,
    SHAPE_DECIMALS, /* with `digits` decimals */
    SHAPE_NOISE,    /* any bits that are finite */
    SHAPE_EXTREMES, /* both ends of the type in turn, at random */
    SHAPE_GAPS,     /* a walk of decimals with NaN: rows, blocks, super-blocks */
    SHAPE_ODD,      /* the same with -0.0, infinities and payloads */
    SHAPE_TURNS,    /* decimals that turn to noise */
    SHAPE_COUNT
} shape;

static inline bool is_float(gch_type type)
{
    return type == GCH_TYPE_F32 || type == GCH_TYPE_F64;
}

static inline void set_number(uint8_t *values, gch_type type, size_t row, double number)
{
    float narrow = (float)number;
    if (type == GCH_TYPE_F64)
        memcpy(values + row * 8, &number, 8);
    else
        memcpy(values + row * 4, &narrow, 4);
}

static inline void set_bits(uint8_t *values, gch_type type, size_t row, uint64_t bits)
{
    size_t bytes = gch_type_bytes(type);
    memcpy(values + row * bytes, &bits, bytes);
}

/* Any number but NaN and infinities. */
static inline uint64_t finite_bits(gch_type type, uint64_t *seed)
{
    uint64_t bits = test_random(seed);
    if (type == GCH_TYPE_F32 && (bits & 0x7F800000u) == 0x7F800000u)
        bits ^= 0x40000000u;
    if (type == GCH_TYPE_F64 && (bits >> 52 & 0x7FF) == 0x7FF)
        bits ^= UINT64_C(1) << 62;
    return bits;
}

static inline uint64_t extreme_bits(gch_type type, uint64_t random)
{
    uint64_t top = UINT64_C(1) << (8 * gch_type_bytes(type) - 1);
    static const double doubles[] = {-1.7976931348623157e308, 1.7976931348623157e308, 0, 4.9e-324};
    static const float floats[] = {-3.4028234663852886e38f, 3.4028234663852886e38f, 0, 1.4e-45f};
    uint64_t bits = random % 2 == 0 ? top : top - 1;
    if (type == GCH_TYPE_F32) {
        bits = 0;
        memcpy(&bits, &floats[random % 4], 4);
    } else if (type == GCH_TYPE_F64) {
        memcpy(&bits, &doubles[random % 4], 8);
    }
    return bits;
}

static inline void make_gap(uint8_t *values, gch_type type, size_t row, bool is_odd, uint64_t *seed)
{
    uint64_t random = test_random(seed);
    bool is_f64 = type == GCH_TYPE_F64;
    bool hides = row / 1024 % 5 == 1 || row / 256 % 7 == 3 || random % 17 == 0;
    if (hides)
        set_bits(values, type, row, is_f64 ? UINT64_C(0x7FF8000000000000) : 0x7FC00000u);
    if (!is_odd)
        return;
    if (random % 1021 < 4)
        set_bits(values, type, row, is_f64 ? UINT64_C(0x8000000000000000) : 0x80000000u);
    if (random % 509 == 7)
        set_bits(values, type, row,
                 is_f64 ? UINT64_C(0xFFF0000000000000) + (random >> 32) % 3 : 0x7F800000u);
}

static inline void fill(uint8_t *values, gch_type type, shape s, uint32_t digits, size_t row_count,
                        uint64_t *seed)
{
    int64_t level = (int64_t)(test_random(seed) % 200000) - 100000;
    uint64_t spread = (UINT64_C(1) << test_random(seed) % 20) + 1;
    double power = gch__pow10_f64[digits];
    for (size_t row = 0; row < row_count; row++) {
        uint64_t random = test_random(seed);
        level += (int64_t)(random % spread) - (int64_t)(spread / 2);
        if (s == SHAPE_CONSTANT)
            level = -12345;
        if (s == SHAPE_NOISE || (s == SHAPE_TURNS && row > row_count / 3))
            set_bits(values, type, row, finite_bits(type, seed));
        else if (s == SHAPE_EXTREMES)
            set_bits(values, type, row, extreme_bits(type, random >> 8));
        else if (is_float(type))
            set_number(values, type, row, (double)level / power);
        else
            set_bits(values, type, row, (uint64_t)level);
        if (is_float(type) && (s == SHAPE_GAPS || s == SHAPE_ODD))
            make_gap(values, type, row, s == SHAPE_ODD, seed);
    }
}

static inline uint8_t *alloc_values(size_t row_count)
{
    uint8_t *values = calloc(row_count + 1, 8);
    assert_non_null(values);
    return values;
}

static const size_t column_lengths[] = {1,    2,    8,    31,   255,  256,  257,   511,  512,
                                        1023, 1024, 1025, 2047, 4095, 8193, 16640, 70001};

/* Deltas from narrow to as wide as can be: noise, bursts with pauses, a beat that slips, and one
 * jump across nearly everything. */
static inline void fill_irregular(int64_t *times, size_t row_count, int64_t unit, uint64_t *seed)
{
    uint64_t spread = test_random(seed) % 41, how = test_random(seed) % 4;
    uint64_t most = (UINT64_C(1) << spread) / (uint64_t)unit + 1;
    int64_t time = how == 3 ? INT64_MIN + 5 : -(int64_t)(test_random(seed) % 100000);
    for (size_t row = 0; row < row_count; row++) {
        times[row] = time;
        uint64_t random = test_random(seed), steps = random % most;
        if (how == 1 && (random >> 40 & 63) != 0)
            steps = 0;
        if (how == 2)
            steps = most / 2 + steps % 3 + (row % 100 == 99 ? most : 0);
        if (how == 3)
            steps = row == row_count / 2 ? UINT64_MAX / 4 * 3 / (uint64_t)unit : steps % 5;
        time = (int64_t)((uint64_t)time + steps * (uint64_t)unit);
    }
}

#endif
