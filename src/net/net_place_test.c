/* The place of a follower: whatever frames say of themselves, no row is given out twice. */
#include "net_place.h"
#include "test.h"

#include <string.h>

#define HEAD_BYTES 56u
#define ROWS 4u
#define ROWS_BYTES (HEAD_BYTES + 8 * ROWS + 8 + 8 * ROWS)
#define SUMMARY_BYTES (HEAD_BYTES + 16 + 40)

static gch_error err;
static _Alignas(8) uint8_t bytes[ROWS_BYTES + SUMMARY_BYTES];

static void store(size_t at, uint64_t value, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes[at + i] = (uint8_t)(value >> (8 * i));
}

static void write_head(uint32_t kind, uint32_t count, uint64_t sequence, uint64_t first_row,
                       uint32_t rows, uint64_t stands_for)
{
    memset(bytes, 0, sizeof bytes);
    memcpy(bytes, "GCHL", 4);
    store(4, 1, 2);
    store(6, kind, 2);
    store(8, count, 4);
    store(12, rows, 4);
    store(16, sequence, 8);
    store(24, first_row, 8);
    store(32, sequence, 8);
    store(40, stands_for, 8);
    store(48, 1, 4);
}

static gch__live_news take_rows(gch__live_place *place, uint64_t sequence, uint64_t first_row)
{
    gch__live_news news;
    write_head(1, ROWS_BYTES, sequence, first_row, ROWS, ROWS);
    for (size_t i = 0; i < ROWS; i++)
        store(HEAD_BYTES + 8 * i, first_row + i, 8);
    bytes[HEAD_BYTES + 8 * ROWS] = GCH_TYPE_I64;
    assert_ok(gch__live_place_take(place, bytes, ROWS_BYTES, &news, &err));
    gch__live_place_advance(place);
    return news;
}

static gch__live_news take_summary(gch__live_place *place, uint64_t sequence, uint64_t first_row,
                                   uint64_t row_count)
{
    const double values[4] = {2, 1, 5, 3};
    gch__live_news news;
    write_head(2, SUMMARY_BYTES, sequence, first_row, 0, row_count);
    memcpy(bytes + HEAD_BYTES + 16, values, sizeof values);
    store(HEAD_BYTES + 48, row_count > 0 ? 1 : 0, 8);
    if (row_count == 0)
        for (size_t i = 0; i < 4; i++)
            store(HEAD_BYTES + 16 + 8 * i, 0x7FF8000000000000, 8);
    assert_ok(gch__live_place_take(place, bytes, SUMMARY_BYTES, &news, &err));
    gch__live_place_advance(place);
    return news;
}

static void rows_are_given_out_once(void **state)
{
    (void)state;
    gch__live_place *place = gch__live_place_make(NULL, false, 0, &err);
    gch__live_place_stats stats;
    assert_non_null(place);
    assert_int_equal(take_rows(place, 3, 100).rows.row_count, ROWS);
    gch__live_news news = take_rows(place, 4, 102); /* two of them come again */
    assert_true(news.has_rows && news.rows.first_row == 104 && news.rows.row_count == 2);
    assert_false(take_rows(place, 5, 101).has_rows);
    assert_false(take_rows(place, 5, 106).has_rows); /* a batch that is done with */
    news = take_summary(place, 6, 106, 1000);
    assert_true(news.has_summary && news.summary.row_count == 1000);
    gch__live_place_get_stats(place, &stats);
    assert_int_equal(stats.rows, 6);
    assert_int_equal(stats.missed_rows, 1000);
    assert_int_equal(stats.repeated_rows, 10);
    gch__live_place_destroy(place);
}

static void summary_of_rows_that_were_given_out_is_no_news(void **state)
{
    (void)state;
    gch__live_place *place = gch__live_place_make(NULL, false, 0, &err);
    gch__live_place_stats stats;
    assert_non_null(place);
    assert_true(take_rows(place, 3, 100).has_rows);
    assert_false(take_summary(place, 4, 0, 50).has_summary);
    assert_false(take_summary(place, 5, 101, 3).has_summary);
    assert_false(take_summary(place, 6, 104, 0).has_summary);
    assert_false(take_rows(place, 7, 100).has_rows);
    gch__live_news news = take_summary(place, 8, 100, 10); /* some of them were not */
    assert_true(news.has_summary && news.summary.first_row == 100);
    assert_true(take_rows(place, 9, 110).rows.first_row == 110);
    gch__live_place_get_stats(place, &stats);
    assert_int_equal(stats.summaries, 1);
    gch__live_place_destroy(place);
}

static void a_series_made_anew_begins_anew(void **state)
{
    (void)state;
    gch__live_place *place = gch__live_place_make(NULL, true, 2, &err);
    assert_non_null(place);
    assert_true(take_rows(place, 3, 100).has_rows);
    gch__live_greeting greeting = {.next_sequence = 4};
    assert_false(gch__live_place_greet(place, &greeting));
    greeting.next_sequence = 3;
    assert_true(gch__live_place_greet(place, &greeting));
    assert_true(take_summary(place, 1, 0, 50).has_summary);
    assert_true(take_rows(place, 2, 50).rows.first_row == 50);
    gch__live_place_destroy(place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_given_out_once),
        cmocka_unit_test(summary_of_rows_that_were_given_out_is_no_news),
        cmocka_unit_test(a_series_made_anew_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
