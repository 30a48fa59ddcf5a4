/* What is measured of a line, and what follows. */
#include "net_link.h"
#include "net_state.h"
#include "test.h"

#define MS 1000000ll
#define S 1000000000ll

static void latency_is_the_smallest_and_rate_the_largest_of_late(void **state)
{
    (void)state;
    gch__link link = {0};
    assert_int_equal(gch__link_latency_ns(&link), 0);
    assert_int_equal(gch__link_rate(&link), 0);
    gch__link_add_latency(&link, 1 * S, 50 * MS);
    gch__link_add_latency(&link, 2 * S, 40 * MS);
    gch__link_add_latency(&link, 3 * S, 90 * MS);
    gch__link_add_delivery(&link, 3 * S, 1000000, 100 * MS);
    gch__link_add_delivery(&link, 4 * S, 1000000, 200 * MS);
    assert_int_equal(gch__link_latency_ns(&link), 40 * MS);
    assert_int_equal(gch__link_rate(&link), 10000000);
    /* The line has become worse: known after two halves of the window. */
    gch__link_add_latency(&link, 7 * S, 80 * MS);
    assert_int_equal(gch__link_latency_ns(&link), 40 * MS);
    gch__link_add_delivery(&link, 8 * S, 1000000, 500 * MS);
    gch__link_add_latency(&link, 13 * S, 80 * MS);
    assert_int_equal(gch__link_latency_ns(&link), 80 * MS);
    assert_int_equal(gch__link_rate(&link), 2000000);
}

static void an_idle_line_keeps_what_is_known(void **state)
{
    (void)state;
    gch__link link = {0};
    gch__link_add_latency(&link, 1 * S, 50 * MS);
    gch__link_add_delivery(&link, 1 * S, 1000000, 100 * MS);
    gch__link_add_latency(&link, 1000 * S, 60 * MS);
    assert_int_equal(gch__link_latency_ns(&link), 50 * MS);
    assert_int_equal(gch__link_rate(&link), 10000000);
}

static void batches_and_windows_follow_from_latency_times_rate(void **state)
{
    (void)state;
    gch__link link = {0};
    uint64_t unknown = gch__link_window(&link);
    assert_true(unknown >= 256u << 10);
    gch__link_add_latency(&link, 1 * S, 50 * MS);
    gch__link_add_delivery(&link, 1 * S, 12500000, 1 * S); /* 100 Mbit/s */
    assert_int_equal(gch__link_window(&link), 1250000);
    assert_int_equal(gch__link_batch_cap(&link), 312500);
    /* With streams a gap costs only what a request's handling does; with six connections it saves
     * a sixth of a round trip, 104 KB of this line. */
    assert_in_range(gch__link_gap(&link, 0), 1000, 2000);
    assert_in_range(gch__link_gap(&link, 6), 100000, 110000);
    /* No line is so good or bad that the answers make no sense. */
    gch__link best = {0}, worst = {0};
    gch__link_add_latency(&best, 1, 0);
    gch__link_add_delivery(&best, 1, UINT64_MAX, 1);
    gch__link_add_latency(&worst, 1, INT64_MAX / 4);
    gch__link_add_delivery(&worst, 1, 1, INT64_MAX);
    assert_true(gch__link_window(&best) <= 64u << 20 && gch__link_gap(&best, 6) <= 1u << 20);
    assert_true(gch__link_window(&worst) >= 256u << 10 && gch__link_batch_cap(&worst) >= 1u << 16);
    gch__link_add_delivery(&best, 1, 5, 0); /* no interval, no sample */
}

static void backoff_doubles_up_to_its_cap_with_jitter(void **state)
{
    (void)state;
    uint64_t random = 1;
    int64_t least = INT64_MAX, most = 0;
    for (int i = 0; i < 1000; i++) {
        int64_t third = gch__backoff_ns(3, 100, 10000, &random);
        assert_in_range(third, 200 * MS, 400 * MS);
        least = third < least ? third : least;
        most = third > most ? third : most;
        assert_in_range(gch__backoff_ns(1, 100, 10000, &random), 50 * MS, 100 * MS);
        assert_in_range(gch__backoff_ns(90, 100, 10000, &random), 5 * S, 10 * S);
    }
    assert_true(most - least > 150 * MS);
    assert_int_equal(gch__backoff_ns(1, 0, 0, &random), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(latency_is_the_smallest_and_rate_the_largest_of_late),
        cmocka_unit_test(an_idle_line_keeps_what_is_known),
        cmocka_unit_test(batches_and_windows_follow_from_latency_times_rate),
        cmocka_unit_test(backoff_doubles_up_to_its_cap_with_jitter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
