/* The kernels of packed blocks, pairs and decimals at every level this processor has: against an
 * oracle where there is a simple one, and against the scalar level bit for bit. */
#include "codec_kernels_test.h"

#include <math.h>

static uint32_t low_bits(uint64_t value, uint32_t bits)
{
    return bits == 0 ? 0 : (uint32_t)value & (UINT32_MAX >> (32 - bits));
}

/* Values of `bits` bits: random, or all at the extremes. */
static void fill_values(uint32_t *values, uint32_t bits, int shape, uint64_t *seed)
{
    for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++) {
        uint64_t random = test_random(seed);
        uint64_t extreme = shape == 0 ? random : shape == 1 ? UINT64_MAX : (random & 1u) - 1u;
        values[i] = low_bits(extreme, bits);
    }
}

static void pack_and_unpack_agree_with_the_layout_at_every_width(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (size_t l = 0; l < level_count; l++)
        for (uint32_t bits = 0; bits <= 32; bits++)
            for (int shape = 0; shape < 3; shape++) {
                uint32_t *values = make_array(GCH_BLOCK_ROWS, 4);
                uint32_t *packed = make_array(8 * bits, 4);
                uint32_t *out = make_array(GCH_BLOCK_ROWS, 4);
                fill_values(values, bits, shape, &seed);
                levels[l]->pack(values, bits, packed);
                for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++)
                    assert_int_equal(gch__packed_get(packed, bits, i), values[i]);
                levels[l]->unpack(packed, bits, out);
                assert_memory_equal(out, values, GCH_BLOCK_ROWS * sizeof *out);
                destroy_array(values, 4);
                destroy_array(packed, 4);
                destroy_array(out, 4);
            }
}

/* The layout by its definition: bit k of value i is bit (i / 8 * bits + k) of lane i % 8. */
static void the_layout_puts_each_bit_where_the_format_says(void **state)
{
    (void)state;
    uint64_t seed = 2;
    uint32_t values[GCH_BLOCK_ROWS], packed[8 * 32];
    for (size_t l = 0; l < level_count; l++)
        for (uint32_t bits = 1; bits <= 32; bits++) {
            fill_values(values, bits, 0, &seed);
            levels[l]->pack(values, bits, packed);
            for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++)
                for (uint32_t k = 0; k < bits; k++) {
                    uint32_t bit = i / 8 * bits + k;
                    uint32_t word = packed[bit / 32 * 8 + i % 8];
                    assert_int_equal(word >> bit % 32 & 1u, values[i] >> k & 1u);
                }
        }
}

static void pack_and_unpack_write_nothing_beyond_their_block(void **state)
{
    (void)state;
    uint64_t seed = 3;
    uint32_t values[GCH_BLOCK_ROWS], packed[8 * 32 + 1], out[GCH_BLOCK_ROWS + 1];
    for (size_t l = 0; l < level_count; l++)
        for (uint32_t bits = 0; bits <= 32; bits++) {
            fill_values(values, bits, 0, &seed);
            packed[8 * bits] = out[GCH_BLOCK_ROWS] = GUARD;
            levels[l]->pack(values, bits, packed);
            levels[l]->unpack(packed, bits, out);
            assert_int_equal(packed[8 * bits], GUARD);
            assert_int_equal(out[GCH_BLOCK_ROWS], GUARD);
        }
}

static void min_max_is_right_for_every_range_at_every_width(void **state)
{
    (void)state;
    uint64_t seed = 4;
    uint32_t values[GCH_BLOCK_ROWS];
    for (size_t l = 0; l < level_count; l++)
        for (uint32_t bits = 0; bits <= 32; bits++) {
            uint32_t *packed = make_array(8 * bits, 4);
            fill_values(values, bits, bits % 3 == 0 ? 2 : 0, &seed);
            levels[0]->pack(values, bits, packed);
            for (uint32_t first = 0; first < GCH_BLOCK_ROWS; first++) {
                uint32_t least = UINT32_MAX, greatest = 0;
                for (uint32_t last = first + 1; last <= GCH_BLOCK_ROWS; last++) {
                    least = GCH_MIN(least, values[last - 1]);
                    greatest = GCH_MAX(greatest, values[last - 1]);
                    uint32_t min = GUARD, max = GUARD;
                    levels[l]->min_max(packed, bits, first, last, &min, &max);
                    if (min != least || max != greatest)
                        fail_msg("level %zu, %u bits, [%u, %u): %u %u, expected %u %u", l, bits,
                                 first, last, min, max, least, greatest);
                }
            }
            destroy_array(packed, 4);
        }
}

static void min_max_drawn_takes_the_drawn_values_alone(void **state)
{
    (void)state;
    uint64_t seed = 12;
    uint32_t values[GCH_BLOCK_ROWS], drawn[8];
    for (size_t l = 0; l < level_count; l++)
        for (uint32_t bits = 0; bits <= 32; bits++)
            for (int shape = 0; shape < 12; shape++) {
                uint32_t *packed = make_array(8 * bits, 4);
                fill_values(values, bits, shape % 3, &seed);
                levels[0]->pack(values, bits, packed);
                fill_bitmap(drawn, shape, &seed);
                uint32_t least = UINT32_MAX, greatest = 0, min = GUARD, max = GUARD;
                for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++)
                    if (drawn[i / 32] >> i % 32 & 1u) {
                        least = GCH_MIN(least, values[i]);
                        greatest = GCH_MAX(greatest, values[i]);
                    }
                levels[l]->min_max_drawn(packed, bits, drawn, &min, &max);
                assert_int_equal(min, least);
                assert_int_equal(max, greatest);
                destroy_array(packed, 4);
            }
}

/* Ordinary pairs, pairs of extremes, and empty ones of every kind (min > max). */
static void fill_pairs(uint64_t *pairs, uint32_t count, uint32_t bits, uint64_t *seed)
{
    uint64_t top = bits == 64 ? UINT64_MAX : UINT32_MAX;
    bool has_whole = test_random(seed) % 4 == 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t a = test_random(seed) & top, b = test_random(seed) & top;
        switch (test_random(seed) % 6) {
        case 0:
            a = top, b = 0;
            break;
        case 1: /* after which nothing else shows */
            a = has_whole ? 0 : a;
            b = has_whole ? top : b;
            break;
        case 2:
            a = b;
            break;
        case 3: /* near the sign bit, where a signed comparison goes wrong */
            a = (top >> 1) + (a & 1u);
            b = (top >> 1) + (b & 1u);
            break;
        default: /* half of them empty */
            break;
        }
        pairs[2 * i] = a;
        pairs[2 * i + 1] = b;
    }
}

static void reduce_pairs_folds_all_but_empty_pairs(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (size_t l = 0; l < level_count; l++)
        for (uint32_t round = 0; round < 3000; round++) {
            uint32_t count =
                round < 40 ? round + 1 : 1 + (uint32_t)(test_random(&seed) % (1 + round % 299));
            uint64_t wide[2 * 300];
            uint32_t *pairs = make_array((size_t)2 * count, 4);
            fill_pairs(wide, count, 32, &seed);
            uint32_t least = (uint32_t)test_random(&seed), greatest = (uint32_t)test_random(&seed);
            if (round % 2 == 0) {
                least = UINT32_MAX;
                greatest = 0;
            }
            uint32_t min = least, max = greatest;
            for (uint32_t i = 0; i < count; i++) {
                pairs[2 * i] = (uint32_t)wide[2 * i];
                pairs[2 * i + 1] = (uint32_t)wide[2 * i + 1];
                if (pairs[2 * i] > pairs[2 * i + 1])
                    continue;
                least = GCH_MIN(least, pairs[2 * i]);
                greatest = GCH_MAX(greatest, pairs[2 * i + 1]);
            }
            levels[l]->reduce_pairs(pairs, count, &min, &max);
            assert_int_equal(min, least);
            assert_int_equal(max, greatest);
            destroy_array(pairs, 4);
        }
}

static void reduce_pairs64_folds_all_but_empty_pairs(void **state)
{
    (void)state;
    uint64_t seed = 6;
    for (size_t l = 0; l < level_count; l++)
        for (uint32_t round = 0; round < 3000; round++) {
            uint32_t count =
                round < 40 ? round + 1 : 1 + (uint32_t)(test_random(&seed) % (1 + round % 299));
            uint64_t *pairs = make_array((size_t)2 * count, 8);
            fill_pairs(pairs, count, 64, &seed);
            uint64_t least = test_random(&seed), greatest = test_random(&seed);
            if (round % 2 == 0) {
                least = UINT64_MAX;
                greatest = 0;
            }
            uint64_t min = least, max = greatest;
            for (uint32_t i = 0; i < count; i++) {
                if (pairs[2 * i] > pairs[2 * i + 1])
                    continue;
                least = GCH_MIN(least, pairs[2 * i]);
                greatest = GCH_MAX(greatest, pairs[2 * i + 1]);
            }
            levels[l]->reduce_pairs64(pairs, count, &min, &max);
            assert_true(min == least && max == greatest);
            destroy_array(pairs, 8);
        }
}

/* ---- decimals ---- */

#define DIGITS_MAX (INT64_C(1) << 51)

/* A decimal of the scale, some next to the largest digits; or one unit in the last place off it; or
 * any bits at all, which covers NaN, infinities and denormals with the special ones. */
static double any_f64(uint32_t scale, uint64_t *seed)
{
    static const uint64_t special[] = {
        0,                   /* 0 */
        0x8000000000000000u, /* -0 */
        0x7FF0000000000000u, /* inf */
        0xFFF0000000000000u,
        0x7FF8000000000000u, /* NaN */
        0xFFF8000000000001u,
        0x7FF0000000000001u, /* signalling */
        0x0000000000000001u, /* denormal */
        0x800FFFFFFFFFFFFFu,
        0x7FEFFFFFFFFFFFFFu, /* largest */
        0x4320000000000000u, /* 2^51 */
        0x4330000000000000u, /* 2^52 */
        0x4338000000000000u, /* 1.5 * 2^52 */
        0xC338000000000000u,
        0x3FE0000000000000u, /* 0.5 */
        0xBFE0000000000000u,
    };
    uint64_t random = test_random(seed);
    int64_t digits = (int64_t)test_random(seed) >> (12 + random % 50);
    if (random % 7 == 0)
        digits = (digits < 0 ? -DIGITS_MAX : DIGITS_MAX) - digits % 4;
    double decimal = (double)digits / gch__pow10_f64[scale];
    switch (random >> 32 & 7u) {
    case 0:
        return f64_from_bits(special[random % GCH_COUNT_OF(special)]);
    case 1:
        return nextafter(decimal, random >> 40 & 1u ? HUGE_VAL : -HUGE_VAL);
    case 2:
        return f64_from_bits(test_random(seed));
    default:
        return decimal;
    }
}

static float any_f32(uint32_t scale, uint64_t *seed)
{
    uint64_t random = test_random(seed);
    static const uint32_t special[] = {0,           0x80000000u, 0x7F800000u, 0xFF800000u,
                                       0x7FC00000u, 0xFFC00001u, 0x7F800001u, 1,
                                       0x807FFFFFu, 0x7F7FFFFFu, 0x59000000u, 0xD9000000u};
    int64_t digits = (int64_t)test_random(seed) >> (40 + random % 24);
    float decimal = (float)((double)digits / gch__pow10_f64[scale]);
    switch (random >> 32 & 7u) {
    case 0:
        return f32_from_bits(special[random % GCH_COUNT_OF(special)]);
    case 1:
        return nextafterf(decimal, random >> 40 & 1u ? HUGE_VALF : -HUGE_VALF);
    case 2:
        return f32_from_bits((uint32_t)test_random(seed));
    default:
        return decimal;
    }
}

/* Tries the integers around value * 10^scale, found in the 64-bit mantissa of a long double. */
static bool oracle_f64(double value, uint32_t scale, int64_t *out_digits)
{
    if (!isfinite(value) || fabs(value) > 3e15)
        return false;
    long double product = (long double)value * (long double)gch__pow10_f64[scale];
    if (fabsl(product) > 3e15L)
        return false;
    for (int64_t d = llroundl(product) - 1; d <= llroundl(product) + 1; d++) {
        double back = (double)d / gch__pow10_f64[scale];
        if (d >= -DIGITS_MAX && d <= DIGITS_MAX && back == value &&
            !signbit(back) == !signbit(value)) {
            *out_digits = d;
            return true;
        }
    }
    return false;
}

static void decimals_from_f64_finds_exactly_the_decimals(void **state)
{
    (void)state;
    uint64_t seed = 9;
    uint32_t found = 0, missed = 0;
    for (size_t l = 0; l < level_count; l++)
        for (uint32_t round = 0; round < 200000; round++) {
            uint32_t scale = round % 19;
            double value = any_f64(scale, &seed);
            int64_t digits = 0, expected = 0;
            bool is_decimal = oracle_f64(value, scale, &expected);
            if (levels[l]->decimals_from_f64(&value, 1, scale, &digits) != is_decimal)
                fail_msg("level %zu: %a at scale %u: expected %d", l, value, scale, is_decimal);
            if (is_decimal)
                assert_true(digits == expected);
            found += is_decimal;
            missed += !is_decimal;
        }
    assert_true(found > 100000 && missed > 20000);
}

static void decimals_from_f32_are_the_nearest_integers_that_give_the_float_back(void **state)
{
    (void)state;
    uint64_t seed = 10;
    uint32_t found = 0, missed = 0;
    for (size_t l = 0; l < level_count; l++)
        for (uint32_t round = 0; round < 200000; round++) {
            uint32_t scale = round % 19;
            float value = any_f32(scale, &seed);
            int64_t digits = 0;
            bool is_decimal = levels[l]->decimals_from_f32(&value, 1, scale, &digits);
            double product = (double)value * gch__pow10_f64[scale];
            bool expected = false;
            if (isfinite(value) && fabs(product) <= (double)DIGITS_MAX) {
                float back = (float)(nearbyint(product) / gch__pow10_f64[scale]);
                expected = back == value && !(value == 0 && signbit(value));
            }
            if (is_decimal != expected)
                fail_msg("level %zu: %a at scale %u: expected %d", l, (double)value, scale,
                         expected);
            if (is_decimal)
                assert_true(digits == (int64_t)nearbyint(product));
            found += is_decimal;
            missed += !is_decimal;
        }
    assert_true(found > 100000 && missed > 20000);
}

static void one_value_without_a_decimal_fails_the_whole_array_wherever_it_is(void **state)
{
    (void)state;
    static const double bad[] = {-0.0, NAN, -INFINITY, 0.125, 4503599627370496.0, 1e300, 5e-324};
    for (size_t l = 0; l < level_count; l++)
        for (uint32_t count = 0; count <= 13; count++) {
            double *doubles = make_array(count, 8);
            float *floats = make_array(count, 4);
            int64_t *digits = make_array((size_t)count + 1, 8);
            digits[count] = GUARD;
            for (uint32_t i = 0; i < count; i++) {
                doubles[i] = (double)i / 100;
                floats[i] = (float)i / 4;
            }
            assert_true(levels[l]->decimals_from_f64(doubles, count, 2, digits));
            for (uint32_t i = 0; i < count; i++)
                assert_int_equal(digits[i], i);
            assert_true(levels[l]->decimals_from_f32(floats, count, 2, digits));
            for (uint32_t i = 0; i < count; i++)
                assert_int_equal(digits[i], 25 * i);
            assert_int_equal(digits[count], GUARD);
            for (uint32_t i = 0; i < count; i++)
                for (size_t b = 0; b < GCH_COUNT_OF(bad); b++) {
                    double whole_double = doubles[i];
                    float whole_float = floats[i];
                    doubles[i] = bad[b];
                    floats[i] = (float)bad[b];
                    assert_false(levels[l]->decimals_from_f64(doubles, count, 2, digits));
                    /* As a float, 5e-324 is 0. */
                    assert_true(levels[l]->decimals_from_f32(floats, count, 2, digits) ==
                                (floats[i] == 0 && !signbit(floats[i])));
                    doubles[i] = whole_double;
                    floats[i] = whole_float;
                }
            destroy_array(doubles, 8);
            destroy_array(floats, 4);
            destroy_array(digits, 8);
        }
}

/* Arrays, so that vector groups are compared with the scalar ones; the sum of the digits is not
 * enough, each must be equal. */
static void decimal_arrays_equal_the_scalar_ones_digit_by_digit(void **state)
{
    (void)state;
    uint64_t seed = 11;
    for (size_t l = 1; l < level_count; l++)
        for (uint32_t round = 0; round < 5000; round++) {
            uint32_t scale = round % 19, count = (uint32_t)(test_random(&seed) % 67);
            double doubles[67];
            float floats[67];
            int64_t got[67], expected[67];
            for (uint32_t i = 0; i < count; i++) {
                do
                    doubles[i] = any_f64(scale, &seed);
                while (!levels[0]->decimals_from_f64(&doubles[i], 1, scale, &expected[i]));
            }
            assert_true(levels[l]->decimals_from_f64(doubles, count, scale, got));
            assert_memory_equal(got, expected, count * sizeof *got);
            for (uint32_t i = 0; i < count; i++) {
                do
                    floats[i] = any_f32(scale, &seed);
                while (!levels[0]->decimals_from_f32(&floats[i], 1, scale, &expected[i]));
            }
            assert_true(levels[l]->decimals_from_f32(floats, count, scale, got));
            assert_memory_equal(got, expected, count * sizeof *got);
        }
}

static void the_table_in_use_is_the_best_level_and_stays_the_same(void **state)
{
    (void)state;
    const gch__kernels *table = gch__kernels_get();
    assert_ptr_equal(table, levels[level_count - 1]);
    assert_ptr_equal(table, gch__kernels_get());
    assert_null(gch__kernels_get_level(-1));
    assert_null(gch__kernels_get_level(99));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pack_and_unpack_agree_with_the_layout_at_every_width),
        cmocka_unit_test(the_layout_puts_each_bit_where_the_format_says),
        cmocka_unit_test(pack_and_unpack_write_nothing_beyond_their_block),
        cmocka_unit_test(min_max_is_right_for_every_range_at_every_width),
        cmocka_unit_test(reduce_pairs_folds_all_but_empty_pairs),
        cmocka_unit_test(reduce_pairs64_folds_all_but_empty_pairs),
        cmocka_unit_test(min_max_drawn_takes_the_drawn_values_alone),
        cmocka_unit_test(decimals_from_f64_finds_exactly_the_decimals),
        cmocka_unit_test(decimals_from_f32_are_the_nearest_integers_that_give_the_float_back),
        cmocka_unit_test(one_value_without_a_decimal_fails_the_whole_array_wherever_it_is),
        cmocka_unit_test(decimal_arrays_equal_the_scalar_ones_digit_by_digit),
        cmocka_unit_test(the_table_in_use_is_the_best_level_and_stays_the_same),
    };
    return cmocka_run_group_tests(tests, find_levels, NULL);
}
