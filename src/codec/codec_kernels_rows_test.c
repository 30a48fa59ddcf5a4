/* The kernels that walk plain arrays (64-bit values, floats, times), at every level this processor
 * has: against an oracle, which for bits is another way to say the same. */
#include "codec_kernels_test.h"

#include <math.h>

static void min_max_i64_finds_the_extremes_at_any_length_and_place(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (size_t l = 0; l < level_count; l++)
        for (uint32_t count = 1; count <= 80; count++)
            for (uint32_t place = 0; place < count; place++) {
                int64_t *values = make_array(count, 8);
                int64_t level = any_i64(&seed) / 2, min, max;
                for (uint32_t i = 0; i < count; i++)
                    values[i] = level;
                values[place] = level - 1;
                levels[l]->min_max_i64(values, count, &min, &max);
                assert_true(min == level - 1 && max == (count == 1 ? level - 1 : level));
                values[place] = level + 1;
                levels[l]->min_max_i64(values, count, &min, &max);
                assert_true(max == level + 1 && min == (count == 1 ? level + 1 : level));
                int64_t least = INT64_MAX, greatest = INT64_MIN;
                for (uint32_t i = 0; i < count; i++) {
                    values[i] = any_i64(&seed);
                    least = GCH_MIN(least, values[i]);
                    greatest = GCH_MAX(greatest, values[i]);
                }
                levels[l]->min_max_i64(values, count, &min, &max);
                assert_true(min == least && max == greatest);
                destroy_array(values, 8);
            }
}

static void subtract_narrow_wraps_and_keeps_the_order(void **state)
{
    (void)state;
    uint64_t seed = 8;
    for (size_t l = 0; l < level_count; l++)
        for (uint32_t count = 0; count <= 70; count++) {
            int64_t *values = make_array(count, 8);
            uint32_t *out = make_array((size_t)count + 1, 4);
            int64_t base = any_i64(&seed);
            for (uint32_t i = 0; i < count; i++)
                values[i] = any_i64(&seed);
            out[count] = GUARD;
            levels[l]->subtract_narrow(values, base, count, out);
            for (uint32_t i = 0; i < count; i++)
                assert_int_equal(out[i],
                                 (uint32_t)(((uint64_t)values[i] - (uint64_t)base) & UINT32_MAX));
            assert_int_equal(out[count], GUARD);
            destroy_array(values, 8);
            destroy_array(out, 4);
        }
}

static void min_max_i64_drawn_takes_the_drawn_values_alone(void **state)
{
    (void)state;
    uint64_t seed = 20;
    for (size_t l = 0; l < level_count; l++)
        for (int round = 0; round < 300; round++) {
            int64_t *values = make_array(GCH_BLOCK_ROWS, 8);
            uint32_t drawn[8];
            int64_t least = INT64_MAX, greatest = INT64_MIN, min = 0, max = 0;
            fill_bitmap(drawn, round, &seed);
            for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++) {
                values[i] = any_i64(&seed);
                if (drawn[i / 32] >> i % 32 & 1u) {
                    least = GCH_MIN(least, values[i]);
                    greatest = GCH_MAX(greatest, values[i]);
                }
            }
            levels[l]->min_max_i64_drawn(values, drawn, &min, &max);
            assert_true(min == least && max == greatest);
            destroy_array(values, 8);
        }
}

static void split_and_join_are_each_others_inverse(void **state)
{
    (void)state;
    uint64_t seed = 21;
    for (size_t l = 0; l < level_count; l++)
        for (int round = 0; round < 200; round++) {
            int64_t *values = make_array(GCH_BLOCK_ROWS, 8);
            uint32_t *low = make_array(GCH_BLOCK_ROWS, 4), *high = make_array(GCH_BLOCK_ROWS, 4);
            uint64_t *out = make_array(GCH_BLOCK_ROWS + 1, 8);
            int64_t base = any_i64(&seed);
            for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++)
                values[i] = any_i64(&seed);
            levels[l]->split(values, base, low, high);
            for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++) {
                uint64_t difference = (uint64_t)values[i] - (uint64_t)base;
                assert_int_equal(low[i], difference & UINT32_MAX);
                assert_int_equal(high[i], difference >> 32);
            }
            out[GCH_BLOCK_ROWS] = GUARD;
            levels[l]->join(low, high, (uint64_t)base, out);
            assert_memory_equal(out, values, GCH_BLOCK_ROWS * sizeof *out);
            levels[l]->join(low, NULL, (uint64_t)base, out);
            for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++)
                assert_true(out[i] == (uint64_t)base + low[i]);
            assert_int_equal(out[GCH_BLOCK_ROWS], GUARD);
            destroy_array(values, 8);
            destroy_array(low, 4);
            destroy_array(high, 4);
            destroy_array(out, 8);
        }
}

/* ---- time lines ---- */

#define SLOPE_LIMIT (UINT64_C(1) << 48)

static void line_kernels_follow_the_line_in_128_bits(void **state)
{
    (void)state;
    uint64_t seed = 22;
    for (size_t l = 0; l < level_count; l++)
        for (int round = 0; round < 300; round++) {
            uint64_t *units = make_array(GCH_BLOCK_ROWS, 8), *sums = make_array(GCH_BLOCK_ROWS, 8);
            uint32_t *low = make_array(GCH_BLOCK_ROWS, 4), *high = make_array(GCH_BLOCK_ROWS, 4);
            int64_t *out = make_array(GCH_BLOCK_ROWS, 8);
            uint64_t slope = test_random(&seed) % SLOPE_LIMIT >> test_random(&seed) % 48;
            if (round < 2)
                slope = round == 0 ? 0 : SLOPE_LIMIT - 1;
            uint64_t base = (uint64_t)any_i64(&seed);
            int64_t least = INT64_MAX, greatest = INT64_MIN, min = 0, max = 0;
            for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++) {
                units[i] = (uint64_t)any_i64(&seed);
                low[i] = (uint32_t)test_random(&seed);
                high[i] = (uint32_t)test_random(&seed);
            }
            levels[l]->line_subtract(units, slope, out, &min, &max);
            levels[l]->join_line(low, round % 3 == 0 ? NULL : high, base, slope, sums);
            for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++) {
                uint64_t line = (uint64_t)((unsigned __int128)slope * i >> 16);
                assert_true((uint64_t)out[i] == units[i] - units[0] - line);
                uint64_t top = round % 3 == 0 ? 0 : (uint64_t)high[i] << 32;
                assert_true(sums[i] == base + (low[i] | top) + line);
                least = GCH_MIN(least, out[i]);
                greatest = GCH_MAX(greatest, out[i]);
            }
            assert_true(min == least && max == greatest);
            destroy_array(units, 8);
            destroy_array(sums, 8);
            destroy_array(low, 4);
            destroy_array(high, 4);
            destroy_array(out, 8);
        }
}

static void count_steps_stops_at_the_first_other_step_wherever_it_is(void **state)
{
    (void)state;
    uint64_t seed = 23;
    for (size_t l = 0; l < level_count; l++)
        for (uint32_t count = 0; count <= 80; count++)
            for (uint32_t place = 1; place <= count; place++) {
                int64_t *times = make_array(count, 8);
                uint64_t step = (uint64_t)any_i64(&seed), time = (uint64_t)any_i64(&seed);
                for (uint32_t i = 0; i < count; i++, time += step)
                    times[i] = (int64_t)(i < place ? time : time + 1 + test_random(&seed) % 9);
                uint32_t steps = levels[l]->count_steps(times, count, step);
                assert_int_equal(steps, place - 1);
                if (place < count) { /* and a single time that is off, with the line going on */
                    times[place] = (int64_t)((uint64_t)times[place - 1] + step + (1ull << 63));
                    assert_int_equal(levels[l]->count_steps(times, count, step), place - 1);
                }
                destroy_array(times, 8);
            }
    int64_t none = 0;
    for (size_t l = 0; l < level_count; l++)
        assert_int_equal(levels[l]->count_steps(&none, 0, 0), 0);
}

/* ---- floats ---- */

/* Ordinary values, and those that are not: one in `rarity`. */
static uint64_t any_f64_bits(uint64_t rarity, uint64_t *seed)
{
    static const uint64_t special[] = {
        0x7FF0000000000000u, 0xFFF0000000000000u, 0x7FF8000000000000u, 0xFFF8000000000000u,
        0x7FF8000000000001u, 0x7FF0000000000001u, 0xFFFFFFFFFFFFFFFFu, 0x8000000000000000u,
        0x7FFFFFFFFFFFFFFFu, 0xFFF7FFFFFFFFFFFFu};
    static const uint64_t plain[] = {0, 1, 0x8000000000000001u, 0x7FEFFFFFFFFFFFFFu,
                                     0xFFEFFFFFFFFFFFFFu};
    uint64_t random = test_random(seed);
    if (rarity > 0 && random % rarity == 0)
        return special[random / 1000003 % GCH_COUNT_OF(special)];
    if (random % 16 == 1)
        return plain[random / 1000003 % GCH_COUNT_OF(plain)];
    uint64_t bits = test_random(seed);
    return (bits >> 52 & 0x7FFu) == 0x7FFu ? bits ^ UINT64_C(1) << 60 : bits;
}

static uint32_t any_f32_bits(uint64_t rarity, uint64_t *seed)
{
    static const uint32_t special[] = {0x7F800000u, 0xFF800000u, 0x7FC00000u, 0xFFC00000u,
                                       0x7FC00001u, 0x7F800001u, 0xFFFFFFFFu, 0x80000000u,
                                       0x7FFFFFFFu, 0xFFBFFFFFu};
    static const uint32_t plain[] = {0, 1, 0x80000001u, 0x7F7FFFFFu, 0xFF7FFFFFu};
    uint64_t random = test_random(seed);
    if (rarity > 0 && random % rarity == 0)
        return special[random / 1000003 % GCH_COUNT_OF(special)];
    if (random % 16 == 1)
        return plain[random / 1000003 % GCH_COUNT_OF(plain)];
    uint32_t bits = (uint32_t)test_random(seed);
    return (bits >> 23 & 0xFFu) == 0xFFu ? bits ^ 1u << 28 : bits;
}

static void float_keys_are_in_float_order_and_give_the_bits_back(void **state)
{
    (void)state;
    uint64_t seed = 24;
    for (size_t l = 0; l < level_count; l++)
        for (uint32_t count = 0; count <= 70; count++) {
            double *doubles = make_array(count, 8);
            float *floats = make_array(count, 4);
            int64_t *keys = make_array((size_t)count + 1, 8);
            for (uint32_t i = 0; i < count; i++) {
                doubles[i] = f64_from_bits(any_f64_bits(0, &seed));
                floats[i] = f32_from_bits(any_f32_bits(0, &seed));
            }
            keys[count] = GUARD;
            assert_true(levels[l]->keys_from_f64(doubles, count, keys));
            for (uint32_t i = 0; i < count; i++) {
                double back = gch__f64_from_key((uint64_t)keys[i] ^ UINT64_C(1) << 63);
                assert_memory_equal(&back, &doubles[i], sizeof back);
                if (i > 0 && doubles[i - 1] != doubles[i])
                    assert_int_equal(keys[i - 1] < keys[i], doubles[i - 1] < doubles[i]);
            }
            assert_true(levels[l]->keys_from_f32(floats, count, keys));
            for (uint32_t i = 0; i < count; i++) {
                assert_true(keys[i] >= 0 && keys[i] <= UINT32_MAX);
                float back = gch__f32_from_key((uint32_t)keys[i]);
                assert_memory_equal(&back, &floats[i], sizeof back);
                if (i > 0 && floats[i - 1] != floats[i])
                    assert_int_equal(keys[i - 1] < keys[i], floats[i - 1] < floats[i]);
            }
            assert_int_equal(keys[count], GUARD);
            destroy_array(doubles, 8);
            destroy_array(floats, 4);
            destroy_array(keys, 8);
        }
}

static void float_keys_say_that_a_value_is_not_finite_wherever_it_is(void **state)
{
    (void)state;
    static const double bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t l = 0; l < level_count; l++)
        for (uint32_t count = 1; count <= 37; count++)
            for (uint32_t place = 0; place < count; place++) {
                double *doubles = make_array(count, 8);
                float *floats = make_array(count, 4);
                int64_t keys[37];
                for (uint32_t i = 0; i < count; i++) {
                    doubles[i] = i == place ? bad[i % 3] : -1e300;
                    floats[i] = i == place ? (float)bad[i % 3] : 1e30f;
                }
                assert_false(levels[l]->keys_from_f64(doubles, count, keys));
                assert_false(levels[l]->keys_from_f32(floats, count, keys));
                destroy_array(doubles, 8);
                destroy_array(floats, 4);
            }
}

/* What classify says of one value, by <math.h>. */
static void expect_class(bool is_drawn, bool is_odd, bool is_finite, bool is_plain_nan,
                         bool is_minus_zero)
{
    assert_int_equal(is_drawn, is_finite);
    assert_int_equal(is_odd, is_minus_zero || (!is_finite && !is_plain_nan));
}

static void classify_finds_gaps_and_odd_values_at_any_length(void **state)
{
    (void)state;
    uint64_t seed = 25;
    for (size_t l = 0; l < level_count; l++)
        for (uint32_t count = 0; count <= GCH_BLOCK_ROWS; count++) {
            double *doubles = make_array(count, 8);
            float *floats = make_array(count, 4);
            uint64_t rarity = 1 + test_random(&seed) % 20;
            uint32_t wide[9], wide_odd[9], narrow[9], narrow_odd[9];
            for (uint32_t i = 0; i < count; i++) {
                doubles[i] = f64_from_bits(any_f64_bits(rarity, &seed));
                floats[i] = f32_from_bits(any_f32_bits(rarity, &seed));
            }
            wide[8] = wide_odd[8] = narrow[8] = narrow_odd[8] = GUARD;
            levels[l]->classify_f64(doubles, count, wide, wide_odd);
            levels[l]->classify_f32(floats, count, narrow, narrow_odd);
            for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++) {
                uint32_t word = i / 32, bit = i % 32;
                if (i >= count) {
                    assert_int_equal((wide[word] | narrow[word]) >> bit & 1u, 0);
                    assert_int_equal((wide_odd[word] | narrow_odd[word]) >> bit & 1u, 0);
                    continue;
                }
                uint64_t bits64;
                uint32_t bits32;
                memcpy(&bits64, &doubles[i], sizeof bits64);
                memcpy(&bits32, &floats[i], sizeof bits32);
                expect_class(wide[word] >> bit & 1u, wide_odd[word] >> bit & 1u,
                             isfinite(doubles[i]), bits64 == 0x7FF8000000000000u,
                             doubles[i] == 0 && signbit(doubles[i]));
                expect_class(narrow[word] >> bit & 1u, narrow_odd[word] >> bit & 1u,
                             isfinite(floats[i]), bits32 == 0x7FC00000u,
                             floats[i] == 0 && signbit(floats[i]));
            }
            assert_true(wide[8] == GUARD && wide_odd[8] == GUARD);
            assert_true(narrow[8] == GUARD && narrow_odd[8] == GUARD);
            destroy_array(doubles, 8);
            destroy_array(floats, 4);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(min_max_i64_finds_the_extremes_at_any_length_and_place),
        cmocka_unit_test(min_max_i64_drawn_takes_the_drawn_values_alone),
        cmocka_unit_test(subtract_narrow_wraps_and_keeps_the_order),
        cmocka_unit_test(split_and_join_are_each_others_inverse),
        cmocka_unit_test(line_kernels_follow_the_line_in_128_bits),
        cmocka_unit_test(count_steps_stops_at_the_first_other_step_wherever_it_is),
        cmocka_unit_test(float_keys_are_in_float_order_and_give_the_bits_back),
        cmocka_unit_test(float_keys_say_that_a_value_is_not_finite_wherever_it_is),
        cmocka_unit_test(classify_finds_gaps_and_odd_values_at_any_length),
    };
    return cmocka_run_group_tests(tests, find_levels, NULL);
}
