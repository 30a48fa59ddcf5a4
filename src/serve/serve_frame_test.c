/* Frames and NDJSON: what is taken comes back, what is malformed is refused whole. */
#include "serve_frame.h"
#include "test.h"

#include <math.h>

static char price_name[] = "price", flag_name[] = "flag \xC3\xA4", unit[] = "";
static gch__hub_column columns[] = {{price_name, unit, GCH_TYPE_F64},
                                    {flag_name, unit, GCH_TYPE_I8}};
static gch__schema schema = {.time_unit = GCH_TIME_MS, .column_count = 2, .columns = columns};
static gch_error err;

static int start(void **state)
{
    (void)state;
    schema.locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return schema.locale == (locale_t)0;
}

static int stop(void **state)
{
    (void)state;
    freelocale(schema.locale);
    return 0;
}

static gch__buffer payload = {.purpose = "test"};
static uint32_t row_count;

static gch_status parse_text(const char *text)
{
    gch__buffer_reset(&payload);
    return gch__ndjson_parse(&schema, (gch__span){(const uint8_t *)text, strlen(text)}, &payload,
                             &row_count, &err);
}

static double price_at(const gch__rows *rows, uint32_t row)
{
    double value;
    memcpy(&value, rows->values[0] + (size_t)8 * row, 8);
    return (rows->validity[0][row / 8] >> (row % 8) & 1) != 0 ? value : NAN;
}

static void ndjson_gives_rows(void **state)
{
    (void)state;
    gch__rows rows;
    assert_ok(parse_text("{\"time\": 1000, \"price\": 12.5, \"flag \\u00e4\": -128}\r\n"
                         "\n"
                         "[\"1970-01-01T00:00:01.500Z\", null, 127]\n"
                         "  { \"price\" : 1e-3 , \"time\" : 1500 } "));
    assert_int_equal(row_count, 3);
    gch__rows_split(&schema, (gch__span){payload.bytes, payload.count}, row_count, &rows);
    assert_int_equal(gch__load_u64(rows.times), 1000);
    assert_int_equal(gch__load_u64(rows.times + 8), 1500);
    assert_int_equal(gch__load_u64(rows.times + 16), 1500);
    assert_true(price_at(&rows, 0) == 12.5 && isnan(price_at(&rows, 1)) &&
                price_at(&rows, 2) == 1e-3);
    assert_int_equal((int8_t)rows.values[1][0], -128);
    assert_int_equal((int8_t)rows.values[1][1], 127);
    assert_int_equal(rows.validity[1][0], 3);
    assert_int_equal(payload.count, gch__payload_bytes_max(&schema, 3));
}

static void malformed_ndjson_names_the_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        gch_status status;
    } cases[] = {{"", GCH_INVALID},
                 {"\n \n", GCH_INVALID},
                 {"x", GCH_PARSE},
                 {"[1, 2]", GCH_PARSE},
                 {"[1, 2, 3, 4]", GCH_PARSE},
                 {"[1, 2, 3", GCH_PARSE},
                 {"[1, 2, 3] x", GCH_PARSE},
                 {"[1.5, 2, 3]", GCH_PARSE},
                 {"[null, 2, 3]", GCH_PARSE},
                 {"[\"yesterday\", 2, 3]", GCH_PARSE},
                 {"[99999999999999999999, 2, 3]", GCH_PARSE},
                 {"[1, 2, 128]", GCH_LIMIT},
                 {"[1, 2, -129]", GCH_LIMIT},
                 {"[1, 2, 0.5]", GCH_LIMIT},
                 {"[1, 02, 3]", GCH_PARSE},
                 {"[1, +2, 3]", GCH_PARSE},
                 {"[1, .5, 3]", GCH_PARSE},
                 {"[1, 5., 3]", GCH_PARSE},
                 {"[1, 5e, 3]", GCH_PARSE},
                 {"[1, NaN, 3]", GCH_PARSE},
                 {"[1, \"2\", 3]", GCH_PARSE},
                 {"{}", GCH_PARSE},
                 {"{\"price\": 1}", GCH_PARSE},
                 {"{\"time\": 1, \"time\": 1}", GCH_PARSE},
                 {"{\"time\": 1, \"price\": 1, \"price\": 1}", GCH_PARSE},
                 {"{\"time\": 1, \"other\": 1}", GCH_PARSE},
                 {"{\"time\": 1,}", GCH_PARSE},
                 {"{\"time\": 1, \"pri\\x\": 1}", GCH_PARSE},
                 {"{\"time\": 1, \"\\ud800\": 1}", GCH_PARSE},
                 {"{\"time\": 1, \"\\u0000\": 1}", GCH_PARSE},
                 {"{\"time\": 1, \"price\" 1}", GCH_PARSE},
                 {"{\"time\": 1, \"price", GCH_PARSE},
                 {"[2, 1, 1]\n[1, 1, 1]", GCH_UNSORTED}};
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        gch_status status = parse_text(cases[i].text);
        if (status != cases[i].status || payload.count != 0)
            fail_msg("%s gives %s", cases[i].text, gch_status_name(status));
    }
    assert_status(parse_text("[1, 1, 1]\n\n[1, 1, x]"), GCH_PARSE);
    assert_non_null(strstr(err.message, "line 3:"));
    gch__buffer_reset(&payload);
}

/* A sound frame of 10 rows, column 0 without and column 1 with a bitmap. */
static size_t make_frame(uint8_t *out)
{
    const gch__frame frame = {.row_count = 10, .publisher = 7, .publisher_sequence = 9};
    const size_t bytes = 56 + 80 + (8 + 80) + (8 + 16 + 8);
    memset(out, 0, bytes);
    gch__frame_put_header(out, GCH__FRAME_ROWS, &frame, 2, bytes);
    uint8_t *at = out + 56;
    for (uint8_t r = 0; r < 10; r++)
        at[8 * r] = r;
    at += 80;
    at[0] = GCH_TYPE_F64;
    at += 88;
    at[0] = GCH_TYPE_I8;
    at[1] = 1;
    memset(at + 8, 5, 10);
    at[24] = 0xFF;
    at[25] = 0x01; /* row 9 is a gap */
    return bytes;
}

static gch_status parse_frame(const uint8_t *bytes, size_t count)
{
    gch__frame frame;
    gch__span rest;
    return gch__frame_parse(&schema, (gch__span){bytes, count}, &frame, &rest, &err);
}

static void frames_are_taken_whole(void **state)
{
    (void)state;
    uint8_t bytes[512];
    size_t count = make_frame(bytes);
    gch__frame frame;
    gch__span rest;
    gch__rows rows;
    gch__summary sums[2];
    assert_ok(gch__frame_parse(&schema, (gch__span){bytes, count}, &frame, &rest, &err));
    assert_int_equal(frame.row_count, 10);
    assert_int_equal(frame.publisher, 7);
    assert_int_equal(frame.publisher_sequence, 9);
    gch__rows_split(&schema, rest, 10, &rows);
    assert_null(rows.validity[0]);
    gch__rows_summarize(&schema, &rows, sums);
    assert_int_equal(sums[0].count, 10);
    assert_int_equal(sums[1].count, 9);
    assert_true(sums[1].first == 5 && sums[1].min == 5 && sums[1].max == 5 && sums[1].last == 5);
}

static void damaged_frames_are_refused(void **state)
{
    (void)state;
    uint8_t bytes[512];
    size_t count = make_frame(bytes);
    for (size_t cut = 0; cut < count; cut++)
        assert_true(parse_frame(bytes, cut) != GCH_OK);
    static const struct {
        size_t at;
        uint8_t value;
        gch_status status;
    } cases[] = {{0, 'X', GCH_PARSE},       {4, 2, GCH_UNSUPPORTED}, {6, 2, GCH_UNSUPPORTED},
                 {8, 1, GCH_PARSE},         {12, 0, GCH_INVALID},    {12, 11, GCH_INVALID},
                 {15, 0xFF, GCH_PARSE},     {48, 3, GCH_INVALID},    {52, 1, GCH_PARSE},
                 {56 + 8, 3, GCH_UNSORTED}, {136, 1, GCH_INVALID},   {137, 1, GCH_INVALID},
                 {138, 1, GCH_PARSE},       {225, 2, GCH_PARSE},     {224 + 8 + 10, 1, GCH_PARSE},
                 {224 + 25, 5, GCH_PARSE},  {224 + 31, 1, GCH_PARSE}};
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        make_frame(bytes);
        bytes[cases[i].at] = cases[i].value;
        gch_status status = parse_frame(bytes, count);
        if (status != cases[i].status)
            fail_msg("byte %zu gives %s", cases[i].at, gch_status_name(status));
    }
}

static void sums_of_sums_are_sums_of_all(void **state)
{
    (void)state;
    gch__summary none = {NAN, NAN, NAN, NAN, 0}, a = {1, -1, 3, 2, 3}, b = {5, 4, 9, 6, 2};
    gch__summary sum = none;
    gch__summary_add(&sum, &a);
    gch__summary_add(&sum, &none);
    gch__summary_add(&sum, &b);
    assert_true(sum.first == 1 && sum.min == -1 && sum.max == 9 && sum.last == 6 && sum.count == 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ndjson_gives_rows),
        cmocka_unit_test(malformed_ndjson_names_the_line),
        cmocka_unit_test(frames_are_taken_whole),
        cmocka_unit_test(damaged_frames_are_refused),
        cmocka_unit_test(sums_of_sums_are_sums_of_all),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
