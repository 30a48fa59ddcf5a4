/* Ranges against RFC 9110's examples, and against a set of bytes. */
#include "serve_range.h"
#include "test.h"

static gch__range ranges[GCH__RANGES_MAX];
static size_t count;

static gch__ranges_result parse(const char *text, uint64_t size)
{
    return gch__ranges_parse((gch__span){(const uint8_t *)text, strlen(text)}, size, ranges,
                             &count);
}

static void assert_one(const char *text, uint64_t size, uint64_t first, uint64_t bytes)
{
    assert_int_equal(parse(text, size), GCH__RANGES_SOME);
    assert_int_equal(count, 1);
    assert_int_equal(ranges[0].first, first);
    assert_int_equal(ranges[0].count, bytes);
}

static void one_range_is_cut_to_the_size(void **state)
{
    (void)state;
    assert_one("bytes=0-499", 10000, 0, 500);
    assert_one("bytes=500-999", 10000, 500, 500);
    assert_one("bytes=-500", 10000, 9500, 500);
    assert_one("bytes=9500-", 10000, 9500, 500);
    assert_one("bytes=9500-20000", 10000, 9500, 500);
    assert_one("bytes=-20000", 10000, 0, 10000);
    assert_one("BYTES= 0-0 ,", 10000, 0, 1);
    assert_one("bytes=0-9223372036854775807", 10, 0, 10);
}

static void several_ranges_keep_their_order_and_overlaps_are_joined(void **state)
{
    (void)state;
    assert_int_equal(parse("bytes=50-59,0-9,-5", 100), GCH__RANGES_SOME);
    assert_int_equal(count, 3);
    assert_int_equal(ranges[0].first, 50);
    assert_int_equal(ranges[1].first, 0);
    assert_int_equal(ranges[2].first, 95);
    assert_one("bytes=0-9,10-19,5-12", 100, 0, 20);
    assert_one("bytes=0-9,20-29,5-25", 100, 0, 30);
    assert_one("bytes=0-,0-,0-,0-", 100, 0, 100);
}

static void what_lies_beyond_the_size_is_left_out_or_unsatisfiable(void **state)
{
    (void)state;
    assert_one("bytes=100-200,0-0", 100, 0, 1);
    assert_int_equal(parse("bytes=100-200", 100), GCH__RANGES_UNSATISFIABLE);
    assert_int_equal(parse("bytes=-0", 100), GCH__RANGES_UNSATISFIABLE);
    assert_int_equal(parse("bytes=0-", 0), GCH__RANGES_UNSATISFIABLE);
}

static void malformed_ranges_are_ignored(void **state)
{
    (void)state;
    static const char *const cases[] = {"",           "bytes",       "bytes=",       "bytes=,",
                                        "lines=0-1",  "bytes=a-b",   "bytes=5-4",    "bytes=--5",
                                        "bytes=0-1;", "bytes=0 - 1", "bytes=0-1,x",  "bytes=-",
                                        "bytes=+1-2", "bytes=1-2-3", "bytes=0-1 2-3"};
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        if (parse(cases[i], 100) != GCH__RANGES_NONE)
            fail_msg("taken: %s", cases[i]);
    }
    assert_int_equal(parse("bytes=99999999999999999999-", 100), GCH__RANGES_NONE);
}

static void too_many_ranges_are_refused(void **state)
{
    (void)state;
    char text[1024] = "bytes=0-0";
    for (uint32_t i = 1; i < GCH__RANGES_MAX; i++)
        snprintf(text + strlen(text), 16, ",%u-%u", 2 * i, 2 * i);
    assert_int_equal(parse(text, 1000), GCH__RANGES_SOME);
    assert_int_equal(count, GCH__RANGES_MAX);
    strcat(text, ",500-500");
    assert_int_equal(parse(text, 1000), GCH__RANGES_UNSATISFIABLE);
}

/* Random ranges hold exactly the bytes asked for, each once. */
static void ranges_hold_every_byte_asked_for_once(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int round = 0; round < 2000; round++) {
        bool wanted[64] = {false}, got[64] = {false};
        char text[512] = "bytes=";
        uint64_t parts = 1 + test_random(&seed) % 10;
        for (uint64_t i = 0; i < parts; i++) {
            uint64_t first = test_random(&seed) % 64, last = first + test_random(&seed) % 8;
            snprintf(text + strlen(text), 32, "%s%llu-%llu", i > 0 ? "," : "",
                     (unsigned long long)first, (unsigned long long)last);
            for (uint64_t b = first; b <= last && b < 64; b++)
                wanted[b] = true;
        }
        assert_int_equal(parse(text, 64), GCH__RANGES_SOME);
        for (size_t i = 0; i < count; i++) {
            for (uint64_t b = ranges[i].first; b < ranges[i].first + ranges[i].count; b++) {
                assert_false(got[b]);
                got[b] = true;
            }
        }
        assert_memory_equal(wanted, got, sizeof wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_range_is_cut_to_the_size),
        cmocka_unit_test(several_ranges_keep_their_order_and_overlaps_are_joined),
        cmocka_unit_test(what_lies_beyond_the_size_is_left_out_or_unsatisfiable),
        cmocka_unit_test(malformed_ranges_are_ignored),
        cmocka_unit_test(too_many_ranges_are_refused),
        cmocka_unit_test(ranges_hold_every_byte_asked_for_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
