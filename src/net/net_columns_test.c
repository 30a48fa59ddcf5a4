/* Answers of a data server: sound ones are read, all others refused. */
#include "net_columns.h"

#include "gch/query.h"
#include "net_test.h"

#include <math.h>

#define WIDTH 5u
#define PIECES 4u
#define EDGES_AT 144u
#define FIRST_AT (EDGES_AT + 8 * (WIDTH + 1))
#define PIECES_AT ((FIRST_AT + 4 * (WIDTH + 1) + 7) / 8 * 8)
#define BYTES (PIECES_AT + 24 * PIECES)

static gch_error err;
static _Alignas(8) uint8_t sound[BYTES + 8];

static void store(uint8_t *bytes, size_t at, uint64_t value, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes[at + i] = (uint8_t)(value >> (8 * i));
}

static void store_float(uint8_t *bytes, size_t at, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    store(bytes, at, bits, 4);
}

static int write_sound(void **state)
{
    (void)state;
    const uint64_t edges[WIDTH + 1] = {100, 100, 150, 190, 190, 200};
    const uint32_t first[WIDTH + 1] = {0, 0, 1, 3, 3, 4};
    memcpy(sound, "GCHA", 4);
    store(sound, 4, 1, 2);
    store(sound, 6, 1, 2);
    store(sound, 8, BYTES, 8);
    store(sound, 16, 0x0123456789ABCDEF, 8);
    store(sound, 24, 1000, 8);
    store(sound, 32, (uint64_t)-50, 8);
    store(sound, 40, 50, 8);
    store(sound, 48, 100, 8);
    store(sound, 56, 200, 8);
    store(sound, 64, WIDTH, 4);
    store(sound, 68, 10, 4);
    store(sound, 76, PIECES, 4);
    store(sound, 80, (uint64_t)-15, 8); /* -1.5 to 100 */
    store(sound, 88, (uint32_t)-1, 4);
    store(sound, 96, 1, 8);
    store(sound, 104, 2, 4);
    store(sound, 112, (uint64_t)-125, 8); /* -1.25 */
    sound[120] = GCH_VALUE_DECIMAL;
    sound[121] = 2;
    double most = 99.5;
    memcpy(sound + 128, &most, 8);
    sound[136] = GCH_VALUE_F64;
    for (size_t i = 0; i <= WIDTH; i++) {
        store(sound, EDGES_AT + 8 * i, edges[i], 8);
        store(sound, FIRST_AT + 4 * i, first[i], 4);
    }
    for (size_t i = 0; i < PIECES; i++) {
        size_t at = PIECES_AT + 24 * i;
        store(sound, at, i, 4);
        store(sound, at + 4, i + 5, 4);
        store_float(sound, at + 8, (float)i + 0.25f);
        store_float(sound, at + 12, (float)i + 5.75f);
        store_float(sound, at + 16, i == 0 ? NAN : 3);
        store_float(sound, at + 20, i == 3 ? NAN : 4);
    }
    return 0;
}

static gch_columns_ask ask_of(void)
{
    return (gch_columns_ask){.url = "https://h/v1/data/a", .width_px = WIDTH, .height_px = 10};
}

static void a_sound_answer_is_read(void **state)
{
    (void)state;
    gch_columns_answer answer;
    gch_columns_ask ask = ask_of();
    assert_ok(gch__columns_parse(sound, BYTES, &ask, &answer, &err));
    assert_true(answer.version == 0x0123456789ABCDEF);
    assert_int_equal(answer.t0, -50);
    assert_int_equal(answer.edge_rows[2], 150);
    assert_int_equal(answer.first[3], 3);
    assert_int_equal(answer.pieces[3].row_bottom, 8);
    assert_true(answer.pieces[1].y_left == 3);
    assert_true(gch_value_to_double(answer.min) == -1.25);
    assert_true(gch_value_to_double(answer.max) == 99.5);
    assert_true(gch_decimal_to_double(answer.bottom) == -1.5);
    ask.version = 0x0123456789ABCDEF;
    ask.has_times = true;
    ask.t0 = -50;
    ask.t1 = 50;
    assert_ok(gch__columns_parse(sound, BYTES, &ask, &answer, &err));
}

static void any_other_length_is_refused(void **state)
{
    (void)state;
    gch_columns_answer answer;
    gch_columns_ask ask = ask_of();
    static _Alignas(8) uint8_t bytes[BYTES + 8];
    for (size_t count = 0; count < BYTES + 8; count++) {
        memcpy(bytes, sound, sizeof bytes);
        if (count != BYTES)
            assert_status(gch__columns_parse(bytes, count, &ask, &answer, &err), GCH_CORRUPT);
        store(bytes, 8, count, 8); /* though it says so itself */
        if (count != BYTES)
            assert_status(gch__columns_parse(bytes, count, &ask, &answer, &err), GCH_CORRUPT);
    }
}

static void every_field_is_checked(void **state)
{
    (void)state;
    const struct {
        size_t at;
        uint64_t value;
        size_t count;
    } faults[] = {
        {0, 'X', 1},
        {4, 2, 2},
        {6, 2, 2},
        {24, 199, 8}, /* fewer rows than it speaks of */
        {32, 50, 8},  /* an empty span */
        {48, 101, 8}, /* not the first edge */
        {48, 201, 8},
        {56, 199, 8},
        {64, 6, 4},
        {64, UINT32_MAX, 4},
        {68, 11, 4},
        {72, 1, 1},
        {73, 1, 1},
        {74, 1, 1},
        {75, 1, 1},
        {76, 3, 4},
        {76, UINT32_MAX, 4},
        {88, 401, 4},
        {92, 1, 4},
        {96, (uint64_t)-15, 8}, /* the top below the bottom */
        {108, 1, 4},
        {120, 4, 1},
        {121, 19, 1},
        {122, 1, 1},
        {119, 0, 1},      /* a smallest value of 2^56 that the largest is below */
        {134, 0x7FF8, 2}, /* a NaN as the largest value */
        {137, 1, 1},      /* a float with a scale */
        {EDGES_AT + 8, 99, 8},
        {EDGES_AT + 16, 191, 8},
        {EDGES_AT + 8 * WIDTH, 201, 8},
        {FIRST_AT, 1, 4},
        {FIRST_AT + 4, 2, 4},
        {FIRST_AT + 4 * WIDTH, 3, 4},
        {FIRST_AT + 4, UINT32_MAX, 4},
        {PIECES_AT, UINT32_MAX, 4},
        {PIECES_AT + 4, 10, 4},
        {PIECES_AT, 6, 4}, /* top below bottom, though nothing outside was asked for */
        {PIECES_AT + 8, 0x7FC00000, 4},
        {PIECES_AT + 12, 0x7F800000, 4},
        {PIECES_AT + 12, 0, 4}, /* bottom above top */
        {PIECES_AT + 16, 0xFF800000, 4},
        {PIECES_AT + 20 + 24, 0x49742410, 4}, /* 1000001 */
    };
    for (size_t i = 0; i < GCH_COUNT_OF(faults); i++) {
        static _Alignas(8) uint8_t bytes[BYTES];
        gch_columns_answer answer;
        gch_columns_ask ask = ask_of();
        memcpy(bytes, sound, BYTES);
        store(bytes, faults[i].at, faults[i].value, faults[i].count);
        gch_status status = gch__columns_parse(bytes, BYTES, &ask, &answer, &err);
        if (status != GCH_CORRUPT)
            fail_msg("fault %zu at byte %zu is not seen", i, faults[i].at);
    }
}

static gch_status parse_outside(uint32_t row_top, uint32_t row_bottom)
{
    static _Alignas(8) uint8_t bytes[BYTES];
    gch_columns_answer answer;
    gch_columns_ask ask = ask_of();
    ask.keep_outside = true;
    memcpy(bytes, sound, BYTES);
    bytes[74] = 1;
    store(bytes, PIECES_AT, row_top, 4);
    store(bytes, PIECES_AT + 4, row_bottom, 4);
    return gch__columns_parse(bytes, BYTES, &ask, &answer, &err);
}

static void a_piece_outside_is_next_to_the_view(void **state)
{
    (void)state;
    const uint32_t above = (uint32_t)-1, height = 10, least = (uint32_t)INT32_MIN;
    assert_ok(parse_outside(0, 9));
    assert_ok(parse_outside(0, above));
    assert_ok(parse_outside(height, height - 1));
    assert_status(parse_outside(0, least), GCH_CORRUPT); /* less a row it would be a large number */
    assert_status(parse_outside(above, above - 1), GCH_CORRUPT);
    assert_status(parse_outside(INT32_MAX, 9), GCH_CORRUPT);
    assert_status(parse_outside(height + 1, height), GCH_CORRUPT);
}

static void an_answer_to_another_question_is_refused(void **state)
{
    (void)state;
    gch_columns_answer answer;
    gch_columns_ask ask = ask_of();
    ask.version = 1;
    assert_status(gch__columns_parse(sound, BYTES, &ask, &answer, &err), GCH_CORRUPT);
    ask = ask_of();
    ask.has_times = true;
    ask.t1 = 50;
    assert_status(gch__columns_parse(sound, BYTES, &ask, &answer, &err), GCH_CORRUPT);
    ask = ask_of();
    ask.join = 2;
    assert_status(gch__columns_parse(sound, BYTES, &ask, &answer, &err), GCH_CORRUPT);
    ask = ask_of();
    ask.has_bounds = true;
    ask.bottom = (gch_decimal){-150, -2};
    ask.top = (gch_decimal){100, 0};
    assert_ok(gch__columns_parse(sound, BYTES, &ask, &answer, &err));
    ask.top.digits++;
    assert_status(gch__columns_parse(sound, BYTES, &ask, &answer, &err), GCH_CORRUPT);
}

#define RANGE_BYTES 96u

static void make_range(uint8_t bytes[RANGE_BYTES])
{
    memcpy(bytes, sound, 64);
    memcpy(bytes + 64, sound + 112, 32);
    store(bytes, 6, 3, 2);
    store(bytes, 8, RANGE_BYTES, 8);
}

static void a_range_is_checked_whole(void **state)
{
    (void)state;
    uint8_t bytes[RANGE_BYTES + 8] = {0};
    gch_value low, high;
    gch_columns_ask ask = {.has_times = true, .t0 = -50, .t1 = 50, .version = 0x0123456789ABCDEF};
    make_range(bytes);
    assert_ok(gch__range_parse(bytes, RANGE_BYTES, &ask, &low, &high, &err));
    assert_true(gch_value_to_double(low) == -1.25 && gch_value_to_double(high) == 99.5);
    const struct {
        size_t at;
        uint64_t value;
        size_t count;
    } faults[] = {
        {0, 'X', 1}, {4, 2, 2},  {6, 1, 2},   {8, RANGE_BYTES + 8, 8},
        {16, 1, 8},  {32, 0, 8}, {40, 51, 8}, {72, 4, 1},
        {73, 19, 1}, {74, 1, 1}, {86, 0, 2}, /* 99.5 becomes less than -1.25 would allow */
        {72, 0, 1},                          /* a gap with digits */
    };
    for (size_t i = 0; i < GCH_COUNT_OF(faults); i++) {
        make_range(bytes);
        store(bytes, faults[i].at, faults[i].value, faults[i].count);
        if (i == 10)
            store(bytes, 64, 125, 8); /* 1.25 above it */
        if (gch__range_parse(bytes, RANGE_BYTES, &ask, &low, &high, &err) != GCH_CORRUPT)
            fail_msg("fault %zu at byte %zu is not seen", i, faults[i].at);
    }
    make_range(bytes);
    for (size_t count = 0; count < sizeof bytes; count++) {
        store(bytes, 8, count, 8);
        if (count != RANGE_BYTES)
            assert_status(gch__range_parse(bytes, count, &ask, &low, &high, &err), GCH_CORRUPT);
    }
}

#define BARS_BYTES (80u + 2 * 88u)

static const gch_bar_width week = {.unit = GCH_BAR_WEEK, .count = 3};

/* [-60, 0) of 1.25, 9, -1.25, 0.5 and [10, 60) of 2.5 alone. */
static void make_bars(uint8_t bytes[BARS_BYTES])
{
    static const int64_t digits[2][4] = {{125, 900, -125, 50}, {250, 250, 250, 250}};
    memset(bytes, 0, BARS_BYTES);
    memcpy(bytes, sound, 64);
    store(bytes, 6, 2, 2);
    store(bytes, 8, BARS_BYTES, 8);
    store(bytes, 64, 2, 4);
    store(bytes, 68, GCH_BAR_WEEK, 4);
    store(bytes, 72, 3, 8);
    for (size_t i = 0; i < 2; i++) {
        size_t at = 80 + 88 * i;
        store(bytes, at, i == 0 ? (uint64_t)-60 : 10, 8);
        store(bytes, at + 8, i == 0 ? 0 : 60, 8);
        store(bytes, at + 16, i == 0 ? 900 : 100, 8);
        for (size_t v = 0; v < 4; v++) {
            store(bytes, at + 24 + 16 * v, (uint64_t)digits[i][v], 8);
            bytes[at + 32 + 16 * v] = GCH_VALUE_DECIMAL;
            bytes[at + 33 + 16 * v] = 2;
        }
    }
}

static void bars_are_checked_whole(void **state)
{
    (void)state;
    static _Alignas(8) uint8_t bytes[BARS_BYTES + 8];
    const gch_bar *bars;
    uint32_t count;
    gch_columns_ask ask = {.has_times = true, .t0 = -50, .t1 = 50, .version = 0x0123456789ABCDEF};
    make_bars(bytes);
    assert_ok(gch__bars_parse(bytes, BARS_BYTES, &ask, week, 2, &bars, &count, &err));
    assert_true(count == 2 && bars[0].t0 == -60 && bars[1].t1 == 60 && bars[0].row_count == 900);
    assert_true(gch_value_to_double(bars[0].high) == 9 &&
                gch_value_to_double(bars[0].low) == -1.25);
    assert_true(gch_value_to_double(bars[1].close) == 2.5);
    const struct {
        size_t at;
        uint64_t value;
        size_t count;
    } faults[] = {
        {0, 'X', 1},
        {4, 2, 2},
        {6, 1, 2},
        {8, BARS_BYTES + 8, 8},
        {16, 1, 8},
        {32, 0, 8},
        {40, 51, 8},
        {64, 1, 4},
        {64, 3, 4},
        {64, UINT32_MAX, 4},
        {68, GCH_BAR_DAY, 4},
        {72, 4, 8},
        {24, 999, 8}, /* fewer rows than the bars have */
        {80, 0, 8},
        {88, (uint64_t)-50, 8},
        {88, 11, 8},
        {96, 0, 8},
        {96, 1001, 8},
        {168, 50, 8},
        {176, 10, 8},
        {80 + 24, 901, 8},            /* opens above its high */
        {80 + 72, (uint64_t)-126, 8}, /* closes below its low */
        {80 + 32, GCH_VALUE_GAP, 1},
        {80 + 33, 19, 1},
        {80 + 34, 1, 1},
    };
    for (size_t i = 0; i < GCH_COUNT_OF(faults); i++) {
        make_bars(bytes);
        store(bytes, faults[i].at, faults[i].value, faults[i].count);
        if (gch__bars_parse(bytes, BARS_BYTES, &ask, week, 2, &bars, &count, &err) != GCH_CORRUPT)
            fail_msg("fault %zu at byte %zu is not seen", i, faults[i].at);
    }
    make_bars(bytes);
    assert_status(gch__bars_parse(bytes, BARS_BYTES, &ask, week, 1, &bars, &count, &err),
                  GCH_CORRUPT);
    for (size_t length = 0; length < sizeof bytes; length++) {
        store(bytes, 8, length, 8);
        if (length != BARS_BYTES)
            assert_status(gch__bars_parse(bytes, length, &ask, week, 2, &bars, &count, &err),
                          GCH_CORRUPT);
    }
}

static void bars_are_asked_for_by_width_zone_and_cap(void **state)
{
    (void)state;
    gch__buffer url = {.purpose = "test"};
    gch_columns_ask ask = {.url = "http://h/v1/data/a",
                           .column = "a b",
                           .has_times = true,
                           .t0 = -3,
                           .t1 = 9,
                           .version = 1};
    assert_ok(gch__bars_write_url(&ask, week, "Asia/Kolkata", 70, &url, &err));
    assert_string_equal((const char *)url.bytes,
                        "http://h/v1/data/a/bars?cap=70&bar=3w&column=a%20b&from=-3&to=9"
                        "&v=0000000000000001&tz=Asia%2FKolkata");
    gch__buffer_reset(&url);
    assert_ok(gch__bars_write_url(&ask, (gch_bar_width){.count = 250}, "", 70, &url, &err));
    assert_string_equal((const char *)url.bytes,
                        "http://h/v1/data/a/bars?cap=70&bar=250&column=a%20b&from=-3&to=9"
                        "&v=0000000000000001");
    gch__buffer_reset(&url);
}

static void a_range_is_asked_for_with_what_is_known(void **state)
{
    (void)state;
    gch__buffer url = {.purpose = "test"};
    gch_columns_ask ask = {.url = "http://h/v1/data/a", .join = GCH_JOIN_NONE};
    assert_ok(gch__range_write_url(&ask, &url, &err));
    assert_string_equal((const char *)url.bytes, "http://h/v1/data/a/range");
    gch__buffer_reset(&url);
    ask.column = "a b";
    ask.has_times = true;
    ask.t0 = -3;
    ask.t1 = 4;
    ask.version = 0xAB;
    ask.join = GCH_JOIN_STEP;
    assert_ok(gch__range_write_url(&ask, &url, &err));
    assert_string_equal(
        (const char *)url.bytes,
        "http://h/v1/data/a/range?column=a%20b&from=-3&to=4&v=00000000000000ab&join=step");
    gch__buffer_reset(&url);
}

static void damage_never_leads_outside(void **state)
{
    (void)state;
    uint64_t random = 11;
    gch_columns_ask ask = ask_of();
    for (int i = 0; i < 20000; i++) {
        uint8_t *bytes = aligned_alloc(8, BYTES); /* so that a sanitizer sees its end */
        assert_non_null(bytes);
        memcpy(bytes, sound, BYTES);
        for (uint64_t n = 1 + test_random(&random) % 4; n > 0; n--)
            bytes[test_random(&random) % BYTES] = (uint8_t)test_random(&random);
        gch_columns_answer answer;
        gch_status status = gch__columns_parse(bytes, BYTES, &ask, &answer, &err);
        assert_true(status == GCH_OK || status == GCH_CORRUPT);
        if (status == GCH_OK) {
            for (uint32_t c = 0; c < answer.width_px; c++) {
                for (uint32_t p = answer.first[c]; p < answer.first[c + 1]; p++)
                    assert_true(answer.pieces[p].row_bottom < 10);
            }
        }
        free(bytes);
    }
}

static void questions_are_spelled_out(void **state)
{
    (void)state;
    gch__buffer url = {.purpose = "test"};
    gch_columns_ask ask = ask_of();
    assert_ok(gch__columns_write_url(&ask, &url, &err));
    assert_string_equal(url.bytes, "https://h/v1/data/a/columns?width=5&height=10");
    gch__buffer_reset(&url);
    ask.column = "a b&c=\xC3\xA4";
    ask.has_times = ask.has_bounds = ask.keep_outside = true;
    ask.t0 = INT64_MIN;
    ask.t1 = INT64_MAX;
    ask.bottom = (gch_decimal){.digits = -125, .exp10 = -2};
    ask.top = (gch_decimal){.digits = 3, .exp10 = 200};
    ask.axis = 1;
    ask.join = 1;
    ask.version = 0xAB;
    assert_ok(gch__columns_write_url(&ask, &url, &err));
    assert_string_equal(
        url.bytes, "https://h/v1/data/a/columns?width=5&height=10&column=a%20b%26c%3D%C3%A4"
                   "&from=-9223372036854775808&to=9223372036854775807"
                   "&v=00000000000000ab&ymin=-1.25&ymax=3e%2B200&axis=log&join=step&outside=1");
    gch__buffer_reset(&url);
    const gch_columns_ask bad[] = {
        {.width_px = 1, .height_px = 1},
        {.url = "https://h/v1/data/a?x", .width_px = 1, .height_px = 1},
        {.url = "https://h/a", .width_px = 0, .height_px = 1},
        {.url = "https://h/a", .width_px = 1, .height_px = 16385},
        {.url = "https://h/a", .width_px = 1, .height_px = 1, .has_times = true, .t0 = 1, .t1 = 1},
        {.url = "https://h/a", .width_px = 1, .height_px = 1, .axis = 2},
        {.url = "https://h/a", .width_px = 1, .height_px = 1, .join = 3},
        {.url = "https://h/a",
         .width_px = 1,
         .height_px = 1,
         .has_bounds = true,
         .top = {.digits = 1, .exp10 = 500}},
    };
    for (size_t i = 0; i < GCH_COUNT_OF(bad); i++)
        assert_status(gch__columns_write_url(&bad[i], &url, &err), GCH_INVALID);
    gch__buffer_reset(&url);
}

static void columns_are_chosen_by_bytes_and_latency(void **state)
{
    (void)state;
    const gch_http_stats slow = {.latency_ns = 50000000, .bytes_per_s = 12500000};
    const gch_http_stats fast = {.latency_ns = 300000, .bytes_per_s = 600000000};
    assert_true(gch_columns_are_quicker(&slow, 46u << 20, 1920)); /* 3.9 s against 60 ms */
    assert_false(gch_columns_are_quicker(&slow, 64u << 10, 1920));
    assert_false(gch_columns_are_quicker(&slow, 0, 1920));
    assert_false(gch_columns_are_quicker(&fast, 1u << 20, 1920));
    assert_true(gch_columns_are_quicker(&fast, 64u << 20, 1920));
    const gch_http_stats unknown = {0};
    assert_true(gch_columns_are_quicker(&unknown, 46u << 20, 1920));
    assert_false(gch_columns_are_quicker(&unknown, 64u << 10, 1920));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_answer_is_read),
        cmocka_unit_test(any_other_length_is_refused),
        cmocka_unit_test(every_field_is_checked),
        cmocka_unit_test(a_piece_outside_is_next_to_the_view),
        cmocka_unit_test(an_answer_to_another_question_is_refused),
        cmocka_unit_test(a_range_is_checked_whole),
        cmocka_unit_test(a_range_is_asked_for_with_what_is_known),
        cmocka_unit_test(bars_are_checked_whole),
        cmocka_unit_test(bars_are_asked_for_by_width_zone_and_cap),
        cmocka_unit_test(damage_never_leads_outside),
        cmocka_unit_test(questions_are_spelled_out),
        cmocka_unit_test(columns_are_chosen_by_bytes_and_latency),
    };
    return cmocka_run_group_tests(tests, write_sound, NULL);
}
