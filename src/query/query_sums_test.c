/* Sums over bars against loops over the plain arrays: exact for decimals, whatever the gaps, the
 * segments and the workers. */
#include "gch/query.h"
#include "test_series.h"

#include <math.h>

#define ROWS 700000u

static int64_t times[ROWS];
static double values[ROWS];
static gch_error err;

typedef enum value_shape { CENTS, LARGE, FLOATS, SHAPES } value_shape;

/* Some 3 in 1000 rows are gaps, and whole stretches. */
static test_series make(value_shape shape, uint64_t seed)
{
    int64_t t = -50000;
    for (size_t i = 0; i < ROWS; i++) {
        uint64_t random = test_random(&seed);
        t += (int64_t)(random % 20);
        times[i] = t;
        double cents = (double)(int64_t)(random >> 8 & 0xFFFF) - 20000;
        values[i] = shape == CENTS   ? cents / 100
                    : shape == LARGE ? cents * 0x1p34
                                     : cents * 0.1234567890123 + 1e-9 * (double)i;
        if (random % 1000 < 3 || i % 90000 > 85000)
            values[i] = (double)NAN;
    }
    return test_series_make(GCH_TIME_S, times, values, GCH_TYPE_F64, NULL, ROWS);
}

/* The exact sum of a shape's values in units of 1/100 (or of 1). */
static __int128 digits_of(value_shape shape, double value)
{
    return shape == CENTS ? (__int128)llround(value * 100) : (__int128)(int64_t)value;
}

static void check_sums(gch_query *query, value_shape shape, gch_bar_width width, int64_t t0,
                       int64_t t1)
{
    const gch_bar_sum *sums;
    uint32_t count, at = 0;
    assert_ok(gch_query_sums(query, 0, width, NULL, t0, t1, 100000, &sums, &count, &err));
    size_t row = 0;
    while (row < ROWS) {
        size_t first = row, drawn = 0;
        int64_t index = times[row] / width.count - (times[row] % width.count < 0);
        __int128 exact = 0;
        double real = 0, magnitude = 0;
        for (; row < ROWS && times[row] < (index + 1) * width.count; row++) {
            if (isnan(values[row]))
                continue;
            drawn++;
            real += values[row];
            magnitude += fabs(values[row]);
            exact += shape == FLOATS ? 0 : digits_of(shape, values[row]);
        }
        if (drawn == 0 || (index + 1) * width.count <= t0 || index * width.count >= t1)
            continue;
        assert_true(at < count);
        const gch_bar_sum *sum = &sums[at++];
        assert_int_equal(sum->t0, index * width.count);
        assert_int_equal(sum->first_row, first);
        assert_int_equal(sum->row_count, row - first);
        assert_false(sum->is_pending);
        if (shape == FLOATS) {
            assert_false(sum->is_decimal);
            assert_true(fabs(sum->sum - real) <= 1e-12 * magnitude);
            continue;
        }
        bool fits = exact <= INT64_MAX && exact >= INT64_MIN;
        if (shape == CENTS)
            assert_true(sum->is_decimal && sum->decimal.exp10 == -2);
        if (sum->is_decimal)
            assert_true(fits && sum->decimal.digits == (int64_t)exact);
        double expected = (double)exact / (shape == CENTS ? 100 : 1);
        assert_true(fabs(sum->sum - expected) <= fabs(expected) * 0x1p-52);
    }
    assert_int_equal(at, count);
}

static void sums_are_those_of_a_loop(void **state)
{
    (void)state;
    static const int64_t counts[] = {7, 1000, 40000, 100000000};
    gch_workers *workers = NULL;
    assert_ok(gch_workers_make(3, NULL, &workers, &err));
    for (value_shape shape = CENTS; shape < SHAPES; shape++) {
        test_series series = make(shape, 3 + (uint64_t)shape);
        for (size_t w = 0; w < 2; w++) {
            gch_query *query = NULL;
            assert_ok(gch_query_make(
                series.file, &(gch_query_desc){.workers = w == 0 ? NULL : workers}, &query, &err));
            for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
                gch_bar_width width = {.count = counts[i]};
                int64_t from = counts[i] == 7 ? 2000000 : INT64_MIN;
                int64_t to = counts[i] == 7 ? 2100000 : INT64_MAX;
                check_sums(query, shape, width, from, to);
            }
            gch_query_destroy(query);
        }
        test_series_free(&series);
    }
    gch_workers_destroy(workers);
}

static void what_the_last_call_knew_is_not_added_up_again(void **state)
{
    (void)state;
    test_series series = make(CENTS, 8);
    test_counter counter = {0};
    gch_allocator allocator = {.resize = test_counter_resize, .context = &counter};
    gch_query *query = NULL;
    gch_bar_width width = {.count = 20000};
    assert_ok(
        gch_query_make(series.file, &(gch_query_desc){.allocator = &allocator}, &query, &err));
    check_sums(query, CENTS, width, 0, 3000000);
    check_sums(query, CENTS, width, 1000000, 4000000); /* buffers have their size */
    size_t allocations = counter.allocations;
    uint64_t decoded = gch_query_get_stats(query).blocks_decoded;
    check_sums(query, CENTS, width, 1000000, 4000000);
    assert_int_equal(gch_query_get_stats(query).blocks_decoded, decoded);
    check_sums(query, CENTS, width, 1100000, 4100000); /* five bars more, some 2100 rows each */
    uint64_t panned = gch_query_get_stats(query).blocks_decoded - decoded;
    assert_true(panned >= 5 * 8 && panned <= 5 * 12);
    assert_int_equal(counter.allocations, allocations);
    check_sums(query, CENTS, (gch_bar_width){.count = 30000}, 1100000, 4100000);
    gch_query_destroy(query);
    test_series_free(&series);
}

static void faulty_questions_are_refused(void **state)
{
    (void)state;
    test_series series = make(CENTS, 9);
    gch_query *query = NULL;
    const gch_bar_sum *sums;
    uint32_t count;
    assert_ok(gch_query_make(series.file, NULL, &query, &err));
    assert_status(gch_query_sums(query, 1, (gch_bar_width){.count = 1000}, NULL, 0, 10000, 100,
                                 &sums, &count, &err),
                  GCH_INVALID);
    assert_status(gch_query_sums(query, 0, (gch_bar_width){.count = 0}, NULL, 0, 10000, 100, &sums,
                                 &count, &err),
                  GCH_INVALID);
    assert_status(gch_query_sums(query, 0, (gch_bar_width){.count = 1000}, NULL, 0, 10000, 9, &sums,
                                 &count, &err),
                  GCH_LIMIT);
    gch_query_destroy(query);
    test_series_free(&series);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_those_of_a_loop),
        cmocka_unit_test(what_the_last_call_knew_is_not_added_up_again),
        cmocka_unit_test(faulty_questions_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
