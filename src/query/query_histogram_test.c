/* Histograms against counting every value, edges included. */
#include "gch/query.h"
#include "test_series.h"

#include <math.h>

static gch_error err;

#define ROWS 50000

/* Bin of a value in tenths, by the rule: above its left edge, up to and with its right edge. */
static int64_t bin_of(int64_t tenths, int64_t left, int64_t right, uint32_t bin_count)
{
    int64_t parts = (tenths - left * 10) * bin_count, whole = (right - left) * 10;
    if (parts <= 0)
        return -1;
    return (parts + whole - 1) / whole - 1;
}

static void every_value_is_in_the_bin_that_it_belongs_to(void **state)
{
    (void)state;
    static int64_t times[ROWS];
    static double values[ROWS];
    uint64_t seed = 7;
    int64_t walk = 0;
    for (int i = 0; i < ROWS; i++) {
        walk += (int64_t)(test_random(&seed) % 21) - 10;
        times[i] = i / 3;
        values[i] = test_random(&seed) % 50 == 0 ? (double)NAN : (double)walk / 10;
    }
    test_series series = test_series_make(GCH_TIME_MS, times, values, GCH_TYPE_F64, NULL, ROWS);
    gch_query *query = NULL;
    assert_ok(gch_query_make(series.file, NULL, &query, &err));
    static const uint32_t bin_counts[] = {1, 7, 100, 4096};
    for (int round = 0; round < 40; round++) {
        uint32_t bin_count = bin_counts[round % 4];
        int64_t t0 = (int64_t)(test_random(&seed) % (ROWS / 3));
        int64_t t1 = t0 + 1 + (int64_t)(test_random(&seed) % (ROWS / 3));
        int64_t left = -(int64_t)(test_random(&seed) % 60), right = left + 1 + round * 3;
        static uint64_t expected[4096];
        memset(expected, 0, sizeof expected);
        uint64_t rows = 0;
        for (int i = 0; i < ROWS; i++) {
            if (times[i] < t0 || times[i] >= t1)
                continue;
            rows++;
            int64_t bin =
                isnan(values[i]) ? -1 : bin_of(llround(values[i] * 10), left, right, bin_count);
            if (bin >= 0 && bin < bin_count)
                expected[bin]++;
        }
        gch_histogram histogram;
        assert_ok(gch_query_histogram(query, 0, t0, t1, (gch_decimal){left, 0},
                                      (gch_decimal){right, 0}, bin_count, &histogram, &err));
        assert_int_equal(histogram.bin_count, bin_count);
        assert_int_equal(histogram.row_count, rows);
        assert_false(histogram.is_pending);
        assert_memory_equal(histogram.counts, expected, bin_count * sizeof *expected);
    }
    gch_query_destroy(query);
    test_series_free(&series);
}

static void bins_and_edges_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    int64_t times[] = {0, 1};
    int32_t values[] = {3, 4};
    test_series series = test_series_make(GCH_TIME_MS, times, values, GCH_TYPE_I32, NULL, 2);
    gch_query *query = NULL;
    gch_histogram histogram;
    gch_decimal zero = {0, 0}, ten = {10, 0};
    assert_ok(gch_query_make(series.file, NULL, &query, &err));
    assert_status(gch_query_histogram(query, 0, 0, 2, zero, ten, 0, &histogram, &err), GCH_INVALID);
    assert_status(gch_query_histogram(query, 0, 0, 2, zero, ten, 4097, &histogram, &err),
                  GCH_INVALID);
    assert_status(gch_query_histogram(query, 0, 0, 2, ten, zero, 5, &histogram, &err), GCH_INVALID);
    assert_status(gch_query_histogram(query, 1, 0, 2, zero, ten, 5, &histogram, &err), GCH_INVALID);
    assert_status(gch_query_histogram(query, 0, 2, 2, zero, ten, 5, &histogram, &err), GCH_INVALID);
    /* Asked again, it is not counted again; asked otherwise, it is. */
    uint64_t asked = 0;
    for (int round = 0; round < 3; round++) {
        gch_decimal top = {round < 2 ? 10 : 20, 0};
        assert_ok(gch_query_histogram(query, 0, 0, 2, zero, top, 5, &histogram, &err));
        assert_int_equal(histogram.counts[round < 2 ? 1 : 0], 2); /* (2, 4], (0, 4] */
        uint64_t now = gch_query_get_stats(query).columns_asked;
        assert_int_equal(now == asked, round == 1);
        asked = now;
    }
    gch_query_destroy(query);
    test_series_free(&series);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_is_in_the_bin_that_it_belongs_to),
        cmocka_unit_test(bins_and_edges_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
