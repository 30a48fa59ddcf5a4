/* CSV from text to file: headers, columns, units, gaps, errors, bad lines, order. */
#include "ingest_test.h"

#include <math.h>

static void headers_are_told_from_data(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool has_header;
        const char *names; /* of the value columns */
    } table[] = {
        {"time,price\n1,2\n", true, "price"},
        {"1,2\n2,3\n", false, "2"},
        {"2024-01-01,5\n", false, "2"},
        {"2024-01-01,\n", false, "2"},
        {"when,price,size\n1,2,3\n", true, "price,size"},
        {"time,1,2\n10,20,30\n", true, "1,2"},
        {"Date;Open\n2024-01-01;5\n", true, "Open"},
        {"\"time\",\"the \"\"price\"\", in EUR\"\n1,2\n", true, "the \"price\", in EUR"},
        {" time , price \n1,2\n", true, "price"},
        {"time,\n1,2\n", true, "2"},
        {"price,time\n1,2\n", true, "price"},
        {"1,nan\n2,3\n", false, "2"},
    };
    for (size_t i = 0; i < GCH_COUNT_OF(table); i++) {
        gch_error err;
        test_table t;
        char names[256] = "";
        assert_ok(test_ingest(&(gch_ingest_desc){0}, table[i].text, 64, &t, &err));
        for (uint32_t k = 0; k < t.info->column_count; k++) {
            if (k > 0)
                strcat(names, ",");
            strcat(names, t.info->columns[k].name);
        }
        if (t.report.header_found != table[i].has_header || strcmp(names, table[i].names) != 0)
            fail_msg("%s: header %d, names %s", table[i].text, t.report.header_found, names);
        test_table_reset(&t);
    }
}

static void a_header_can_be_demanded_and_denied(void **state)
{
    (void)state;
    assert_rows(&(gch_ingest_desc){.header = GCH_HEADER_YES}, "1,2\n3,4\n", "3:4");
    assert_rows(&(gch_ingest_desc){.header = GCH_HEADER_NO}, "1,2\n3,4\n", "1:2 3:4");
    assert_fails(&(gch_ingest_desc){.header = GCH_HEADER_NO}, "time,v\n3,4\n", GCH_PARSE,
                 "memory:1:1: time \"time\": expected a time");
}

static void columns_are_chosen_by_name_and_number(void **state)
{
    (void)state;
    const char *text = "a,b,stamp,c\n1,2,3,4\n5,6,7,8\n";
    const char *cb[] = {"c", "b"}, *numbers[] = {"4", "1"};
    assert_rows(&(gch_ingest_desc){.time_column = "stamp", .columns = cb, .column_count = 2}, text,
                "3:4,2 7:8,6");
    assert_rows(&(gch_ingest_desc){.time_column = "3", .columns = numbers, .column_count = 2}, text,
                "3:4,1 7:8,5");
    assert_rows(&(gch_ingest_desc){.time_column = "stamp"}, text, "3:1,2,4 7:5,6,8");
    assert_rows(NULL, text, "1:2,3,4 5:6,7,8");
}

static void unknown_and_double_columns_are_refused_with_a_list(void **state)
{
    (void)state;
    const char *text = "time,price,size\n1,2,3\n";
    const char *unknown[] = {"prize"}, *twice[] = {"price", "2"}, *time[] = {"time"},
               *zero[] = {"0"}, *four[] = {"4"};
    const char *there = "memory: there is no column \"prize\"; there are: time, price, size";
    assert_fails((&(gch_ingest_desc){.columns = unknown, .column_count = 1}), text, GCH_INVALID,
                 there);
    assert_fails((&(gch_ingest_desc){.columns = twice, .column_count = 2}), text, GCH_INVALID,
                 "memory: column \"price\" is chosen twice");
    assert_fails((&(gch_ingest_desc){.columns = time, .column_count = 1}), text, GCH_INVALID,
                 "memory: column \"time\" is the time column");
    assert_fails((&(gch_ingest_desc){.columns = zero, .column_count = 1}), text, GCH_INVALID,
                 "memory: there is no column \"0\"");
    assert_fails((&(gch_ingest_desc){.columns = four, .column_count = 1}), text, GCH_INVALID,
                 "memory: there is no column \"4\"");
    assert_fails(&(gch_ingest_desc){.time_column = "when"}, text, GCH_INVALID,
                 "memory: there is no column \"when\"; there are: time, price, size");
    assert_fails(NULL, "time,v,v\n1,2,3\n", GCH_INVALID, "memory: two columns are called \"v\"");
    assert_fails(NULL, "time\n1\n", GCH_INVALID,
                 "memory: \"time\" is the only column and holds the time");
}

static void columns_of_text_are_skipped_unless_asked_for(void **state)
{
    (void)state;
    gch_error err;
    test_table t;
    const char *text = "time,symbol,price,note\n1,AAPL,2.5,\n2,MSFT,3.5,late\n3,,4,\n";
    const char *symbol[] = {"symbol"};
    char rows[256];
    assert_ok(test_ingest(&(gch_ingest_desc){0}, text, 64, &t, &err));
    assert_int_equal(t.report.skipped_column_count, 2);
    test_print_rows(t.file, rows, sizeof rows);
    assert_string_equal(rows, "1:2.5 2:3.5 3:4");
    test_table_reset(&t);
    assert_fails((&(gch_ingest_desc){.columns = symbol, .column_count = 1}), text, GCH_PARSE,
                 "memory:2:3: found \"AAPL\", expected a number in column \"symbol\"");
    assert_fails(NULL, "time,a,b\n1,x,y\n", GCH_INVALID,
                 "memory: no column besides the time holds numbers");
}

static void gaps_in_any_spelling_are_gaps(void **state)
{
    (void)state;
    assert_rows(NULL, "t,a,b\n1,,nan\n2,NULL,1\n3,\"\",N/A\n4,-,2\n", "1:, 2:,1 3:, 4:,2");
}

static void times_keep_or_find_their_unit(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second;
        gch_time_unit given, expected;
        int64_t ticks;
        bool is_text, is_guessed;
    } table[] = {
        {"1700000000", "1700000001", 0, GCH_TIME_S, 1700000000, false, true},
        {"1700000000000", "1700000000001", 0, GCH_TIME_MS, 1700000000000, false, true},
        {"1700000000000000", "1700000000000001", 0, GCH_TIME_US, 1700000000000000, false, true},
        {"0", "1700000000000000001", 0, GCH_TIME_NS, 0, false, true},
        {"5", "6", GCH_TIME_INDEX, GCH_TIME_INDEX, 5, false, false},
        {"5", "6", GCH_TIME_NS, GCH_TIME_NS, 5, false, false},
        {"1700000000.125", "1700000001", 0, GCH_TIME_MS, 1700000000125, false, false},
        {"1700000000", "1700000000.25", GCH_TIME_US, GCH_TIME_US, 1700000000000000, false, false},
        {"2024-01-01", "2024-01-02", 0, GCH_TIME_S, 1704067200, true, false},
        {"2024-01-01T00:00:00.5Z", "2024-01-02", 0, GCH_TIME_MS, 1704067200500, true, false},
        {"2024-01-01", "2024-01-02T00:00:00.000001Z", 0, GCH_TIME_US, 1704067200000000, true,
         false},
        {"2024-01-01", "2024-01-02", GCH_TIME_NS, GCH_TIME_NS, 1704067200000000000, true, false},
        {"0001-01-01", "9999-12-31", 0, GCH_TIME_S, -62135596800, true, false},
    };
    for (size_t i = 0; i < GCH_COUNT_OF(table); i++) {
        gch_error err;
        test_table t;
        char text[200];
        int64_t ticks;
        snprintf(text, sizeof text, "time,v\n%s,1\n%s,2\n", table[i].first, table[i].second);
        assert_ok(test_ingest(&(gch_ingest_desc){.time_unit = table[i].given}, text, 64, &t, &err));
        assert_ok(gch_file_read_times(t.file, 0, 1, &ticks, &err));
        if (t.info->time_unit != table[i].expected || ticks != table[i].ticks ||
            t.info->time_is_text != table[i].is_text ||
            t.report.time_unit_guessed != table[i].is_guessed ||
            t.report.time_unit != table[i].expected)
            fail_msg("%s: %s, %lld, text %d, guessed %d", text,
                     gch_time_unit_name(t.info->time_unit), (long long)ticks, t.info->time_is_text,
                     t.report.time_unit_guessed);
        test_table_reset(&t);
    }
    assert_fails(&(gch_ingest_desc){.time_unit = GCH_TIME_MS}, "t,v\n1700000000125.5,1\n",
                 GCH_PARSE, "memory:2:1: time: not a time that 64 bits of ms can hold");
    assert_fails(&(gch_ingest_desc){.time_unit = GCH_TIME_S}, "t,v\n1,1\n1.5,1\n", GCH_PARSE,
                 "memory:3:1: time: finer than the unit s");
    assert_fails(&(gch_ingest_desc){.time_unit = GCH_TIME_INDEX}, "t,v\n1.5,1\n", GCH_PARSE,
                 "memory:2:1: time: expected an integer time in index");
    assert_fails(&(gch_ingest_desc){.time_unit = GCH_TIME_INDEX}, "t,v\n2024-01-01,1\n",
                 GCH_INVALID, "memory: times are dates, which --time-unit index does not take");
}

static char *many_rows(int count, const char *format, const char *last)
{
    size_t cap = (size_t)count * 64 + 256;
    char *text = malloc(cap);
    size_t at = (size_t)snprintf(text, cap, "time,v\n");
    for (int i = 0; i < count; i++)
        at += (size_t)snprintf(text + at, cap - at, format, i / 3600, i / 60 % 60, i % 60);
    snprintf(text + at, cap - at, "%s\n", last);
    return text;
}

static void a_finer_row_late_in_the_file_starts_over_in_ns(void **state)
{
    (void)state;
    gch_error err;
    test_table t;
    int64_t times[2];
    char *text = many_rows(3000, "2024-01-01T%02d:%02d:%02dZ,1\n", "2024-01-01T01:00:00.5Z,2");
    assert_ok(test_ingest(&(gch_ingest_desc){0}, text, 64, &t, &err));
    assert_int_equal(t.info->time_unit, GCH_TIME_NS);
    assert_int_equal(t.report.row_count, 3001);
    assert_ok(gch_file_read_times(t.file, 2999, 2, times, &err));
    assert_int_equal(times[0], 1704070199000000000);
    assert_int_equal(times[1], 1704070800500000000);
    test_table_reset(&t);
    /* A unit that was given stands. */
    assert_fails(&(gch_ingest_desc){.time_unit = GCH_TIME_S}, text, GCH_PARSE,
                 "memory:3002:1: time \"2024-01-01T01:00:00.5Z\": finer than the unit s");
    free(text);
}

static void seconds_that_get_a_fraction_late_start_over_as_seconds(void **state)
{
    (void)state;
    gch_error err;
    test_table t;
    int64_t times[2];
    char *text = many_rows(3000, "%d%02d%02d,1\n", "999999.25,2");
    assert_ok(test_ingest(&(gch_ingest_desc){0}, text, 64, &t, &err));
    assert_int_equal(t.info->time_unit, GCH_TIME_NS);
    assert_ok(gch_file_read_times(t.file, 2999, 2, times, &err));
    assert_int_equal(times[0], 4959000000000);
    assert_int_equal(times[1], 999999250000000);
    test_table_reset(&t);
    free(text);
}

static void text_without_an_offset_is_local(void **state)
{
    (void)state;
    gch_error err;
    gch_time_zone *zone;
    if (gch_time_zone_open("Europe/Berlin", NULL, &zone, &err) != GCH_OK)
        fail_msg("the zone files of tzdata are missing");
    gch_time_zone_close(zone);
    assert_rows(&(gch_ingest_desc){.time_zone = "Europe/Berlin"},
                "t,v\n2024-01-01 00:00:00,1\n2024-07-01 00:00:00,2\n2024-07-01T00:00:00Z,3\n",
                "1704063600:1 1719784800:2 1719792000:3");
}

static void rows_without_times_are_numbered_or_timed(void **state)
{
    (void)state;
    gch_error err;
    test_table t;
    assert_rows(&(gch_ingest_desc){.time_column = "none"}, "5,6\n7,8\n", "0:5,6 1:7,8");
    assert_rows(NULL, "v\n5\n7\n", "0:5 1:7");
    assert_rows((&(gch_ingest_desc){.rate_hz = 44100, .time_unit = GCH_TIME_US}), "v\n5\n6\n7\n8\n",
                "0:5 22:6 45:7 68:8");
    assert_rows((&(gch_ingest_desc){.rate_hz = 0.1, .time_unit = GCH_TIME_S, .start_ticks = -20}),
                "v\n5\n6\n7\n", "-20:5 -10:6 0:7");
    assert_ok(test_ingest(&(gch_ingest_desc){.time_column = "none"}, "5,6\n", 64, &t, &err));
    assert_int_equal(t.info->time_unit, GCH_TIME_INDEX);
    assert_string_equal(t.info->time_name, "index");
    test_table_reset(&t);
    assert_fails((&(gch_ingest_desc){.rate_hz = 5, .time_column = "t"}), "t,v\n1,2\n", GCH_INVALID,
                 "a rate and a time column");
    assert_fails((&(gch_ingest_desc){.rate_hz = NAN}), "v\n1\n", GCH_INVALID, "a rate of");
    assert_fails((&(gch_ingest_desc){.rate_hz = -1}), "v\n1\n", GCH_INVALID, "a rate of");
    assert_fails(
        (&(gch_ingest_desc){.rate_hz = 1, .time_unit = GCH_TIME_NS, .start_ticks = INT64_MAX}),
        "v\n1\n2\n", GCH_LIMIT, "row 2 at this rate");
}

static void malformed_lines_are_named_by_line_and_column(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } table[] = {
        {"t,a,b\n1,2,3\n2,3\n", "memory:3:4: found 2 fields, expected 3"},
        {"t,a,b\n1,2,3\n2,3,4,5,6\n", "memory:3:7: found 5 fields, expected 3"},
        {"t,a,b\r\n1,2,3\r\n2,3\r\n", "memory:3:4: found 2 fields, expected 3"},
        {"t,a,b\n1,2,3\n\n\n2,x,3\n", "memory:5:3: found \"x\", expected a number in column \"a\""},
        {"t,a,b\n1,2,3\n2,3,4x\n", "memory:3:5: found \"4x\", expected a number in column \"b\""},
        {"t,a\n1,2\nx,3\n", "memory:3:1: time \"x\": expected a time"},
        {"t,a\n1,2\n,3\n", "memory:3:1: found \"\", expected a time"},
        {"t,a\n1,2\n2024-01-01,3\n", "memory:3:1: time \"2024-01-01\": expected a time"},
        {"t,a\n1,2\n1e300,3\n", "memory:3:1: time \"1e300\": not a time that 64 bits can hold"},
        {"t,a\n1,2\n2,\"3\n4,5\n",
         "memory:3:3: the quote that opens here is not closed before the end of the input"},
        {"t,a\n1,2\n2,\"3\"4\n", "memory:3:6: found \"4\" behind a closing quote"},
        {"t,a\n1,2\n2,\"1\n2\"\n", "memory:3:3: found \"1\\n2\", expected a number"},
        {"t,a,b\n1,2,3\n2,\"\n\",z\n", "memory:3:3: found \"\\n\", expected a number"},
        {"t,a,b\n1,1,2\n2,1,\"\n\"", "memory:3:5: found \"\\n\", expected a number"},
        {"t,a\n1,2\n2,a\"b\"\n", "memory:3:3: found \"a\"b\"\", expected a number"},
        {"", "memory: is empty"},
        {"\n\n", "memory: is empty"},
        {"t,a\n1,2\n2,"
         "xxxxxxxxxxyyyyyyyyyyxxxxxxxxxxyyyyyyyyyyzzzz\n",
         "memory:3:3: found \"xxxxxxxxxxyyyyyyyyyyxxxxxxxxxxyyyyyyyyyy...\", expected"},
    };
    for (size_t i = 0; i < GCH_COUNT_OF(table); i++)
        assert_fails(NULL, table[i].text, GCH_PARSE, table[i].message);
}

static void bad_lines_are_dropped_and_counted_up_to_a_number(void **state)
{
    (void)state;
    gch_error err;
    test_table t;
    char rows[256];
    const char *text = "t,a,b\n1,2,\n2,3\n3,,x\n4,5,6\n,,\n5,\"1\"1,2\n6,8,9\n7,\"7\n8,9,10\n";
    const gch_ingest_desc desc = {.skip_bad = 5};
    for (size_t buffer_bytes = 1; buffer_bytes < 90; buffer_bytes += 8) {
        assert_ok(test_ingest(&desc, text, buffer_bytes, &t, &err));
        test_print_rows(t.file, rows, sizeof rows);
        /* Column b is text in its first value: skipped. */
        assert_string_equal(rows, "1:2 3: 4:5 6:8 8:9");
        assert_int_equal(t.report.bad_count, 4);
        assert_int_equal(t.report.row_count, 5);
        assert_string_equal(t.report.first_bad, "memory:3:4: found 2 fields, expected 3");
        test_table_reset(&t);
    }
    const char *both[] = {"a", "b"};
    const gch_ingest_desc named = {.skip_bad = 5, .columns = both, .column_count = 2};
    assert_rows(&named, text, "1:2, 4:5,6 6:8,9 8:9,10");
    const gch_ingest_desc fewer = {.skip_bad = 2, .columns = both, .column_count = 2};
    assert_fails(&fewer, text, GCH_PARSE, "memory:6:1: found \"\", expected a time (after 2 bad");
}

static void a_dropped_line_leaves_no_gap_behind(void **state)
{
    (void)state;
    assert_rows(&(gch_ingest_desc){.skip_bad = 9}, "t,a,b\n1,1,1\n2,,x\n3,4,5\n", "1:1,1 3:4,5");
}

static void the_first_row_out_of_order_is_named_with_both_times(void **state)
{
    (void)state;
    assert_fails(NULL, "t,v\n5,1\n7,2\n6,3\n", GCH_UNSORTED,
                 "memory:4:1: time 6 is earlier than 7 before it");
    assert_fails(&(gch_ingest_desc){.skip_bad = 100}, "v,t\n5,1\n7,2\n\n6,1\n", GCH_UNSORTED,
                 "memory:5:3: time 1 is earlier than 2 before it");
    assert_fails(NULL, "t,v\n2024-01-02T00:00:00.5Z,1\n2024-01-01,2\n", GCH_UNSORTED,
                 "memory:3:1: time 2024-01-01T00:00:00.000Z is earlier than "
                 "2024-01-02T00:00:00.500Z before it");
    char *text = many_rows(3000, "2024-01-01T%02d:%02d:%02dZ,1\n", "2024-01-01T00:00:00Z,2");
    assert_fails(NULL, text, GCH_UNSORTED,
                 "memory:3002:1: time 2024-01-01T00:00:00Z is earlier than "
                 "2024-01-01T00:49:59Z before it");
    free(text);
    assert_rows(NULL, "t,v\n5,1\n5,2\n5,3\n", "5:1 5:2 5:3");
}

static void sorting_keeps_equal_times_in_order(void **state)
{
    (void)state;
    enum { ROWS = 100000 };
    size_t cap = ROWS * 32, at = 0;
    char *text = malloc(cap);
    uint64_t random = 5;
    at += (size_t)snprintf(text, cap, "t,row,gap\n");
    for (int i = 0; i < ROWS; i++)
        at += (size_t)snprintf(text + at, cap - at, i % 3 == 0 ? "%d,%d,\n" : "%d,%d,1\n",
                               (int)(test_random(&random) % 1000), i);
    gch_error err;
    test_table t;
    assert_ok(test_ingest(&(gch_ingest_desc){.sort = true}, text, 4096, &t, &err));
    assert_int_equal(t.info->row_count, ROWS);
    int64_t *times = malloc(ROWS * sizeof *times);
    gch_value *rows = malloc(ROWS * sizeof *rows), *gaps = malloc(ROWS * sizeof *gaps);
    assert_ok(gch_file_read_times(t.file, 0, ROWS, times, &err));
    assert_ok(gch_file_read_values(t.file, 0, 0, ROWS, rows, &err));
    assert_ok(gch_file_read_values(t.file, 1, 0, ROWS, gaps, &err));
    for (int i = 0; i < ROWS; i++) {
        assert_int_equal(gaps[i].kind == GCH_VALUE_GAP, rows[i].as.digits % 3 == 0);
        if (i == 0)
            continue;
        assert_true(times[i - 1] <= times[i]);
        assert_true(times[i - 1] < times[i] || rows[i - 1].as.digits < rows[i].as.digits);
    }
    free(times);
    free(rows);
    free(gaps);
    free(text);
    test_table_reset(&t);
}

static void every_buffer_size_gives_the_same_rows(void **state)
{
    (void)state;
    const char *text = "\xEF\xBB\xBFtime,\"va\"\"l\"\r\n\r\n1,\"2.5\"\r\n2,\r\n\"3\",-4e-2";
    for (size_t buffer_bytes = 1; buffer_bytes < 60; buffer_bytes++) {
        gch_error err;
        test_table t;
        char rows[256];
        assert_ok(test_ingest(&(gch_ingest_desc){0}, text, buffer_bytes, &t, &err));
        test_print_rows(t.file, rows, sizeof rows);
        assert_string_equal(rows, "1:2.5 2: 3:-0.04");
        assert_string_equal(t.info->columns[0].name, "va\"l");
        test_table_reset(&t);
    }
}

static void a_header_alone_makes_an_empty_file(void **state)
{
    (void)state;
    gch_error err;
    test_table t;
    assert_ok(test_ingest(&(gch_ingest_desc){0}, "time,a,b\n", 64, &t, &err));
    assert_int_equal(t.info->row_count, 0);
    assert_int_equal(t.info->column_count, 2);
    test_table_reset(&t);
}

static void options_that_contradict_are_refused(void **state)
{
    (void)state;
    assert_fails(&(gch_ingest_desc){.delimiter = '"'}, "t,v\n1,2\n", GCH_INVALID,
                 "\"\"\" cannot be the delimiter");
    assert_fails(&(gch_ingest_desc){.delimiter = '5'}, "t,v\n1,2\n", GCH_INVALID,
                 "\"5\" cannot be the delimiter");
    assert_fails((&(gch_ingest_desc){.rate_hz = 5, .start_ticks = 5}), "v\n1\n", GCH_INVALID,
                 "a start in ticks needs --time-unit");
    assert_fails((&(gch_ingest_desc){.rate_hz = 5, .time_unit = GCH_TIME_INDEX}), "v\n1\n",
                 GCH_INVALID, "a rate and --time-unit index");
    assert_fails(&(gch_ingest_desc){.time_zone = "Nowhere/Atall"}, "t,v\n1,2\n", GCH_NOT_FOUND, "");
}

/* An allocator that fails from the nth call on. */
static void *failing_resize(void *context, void *old, size_t bytes, const char *purpose)
{
    (void)purpose;
    int *left = context;
    if (bytes == 0) {
        free(old);
        return NULL;
    }
    if (*left == 0)
        return NULL;
    (*left)--;
    return realloc(old, bytes);
}

static void running_out_of_memory_at_any_point_is_an_error(void **state)
{
    (void)state;
    const char *text = "time,\"a\"\"b\",s\n1,\"2\",x\n3,4,y\n2,\"\"\"\",z\n";
    bool has_succeeded = false;
    for (int count = 0; !has_succeeded; count++) {
        int left = count;
        gch_allocator allocator = {.resize = failing_resize, .context = &left};
        gch_error err = {0};
        gch_ingest_report report;
        void *image = NULL;
        size_t image_bytes;
        gch_status status = gch__ingest_csv_memory(
            &(gch_ingest_desc){.allocator = &allocator, .sort = true, .skip_bad = 1},
            (gch__span){(const uint8_t *)text, strlen(text)}, 8, &image, &image_bytes, &report,
            &err);
        has_succeeded = status == GCH_OK;
        if (!has_succeeded)
            assert_status(status, GCH_NO_MEMORY);
        else
            gch_writer_free_memory(image, &allocator);
        assert_in_range(count, 0, 500);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_told_from_data),
        cmocka_unit_test(a_header_can_be_demanded_and_denied),
        cmocka_unit_test(columns_are_chosen_by_name_and_number),
        cmocka_unit_test(unknown_and_double_columns_are_refused_with_a_list),
        cmocka_unit_test(columns_of_text_are_skipped_unless_asked_for),
        cmocka_unit_test(gaps_in_any_spelling_are_gaps),
        cmocka_unit_test(times_keep_or_find_their_unit),
        cmocka_unit_test(a_finer_row_late_in_the_file_starts_over_in_ns),
        cmocka_unit_test(seconds_that_get_a_fraction_late_start_over_as_seconds),
        cmocka_unit_test(text_without_an_offset_is_local),
        cmocka_unit_test(rows_without_times_are_numbered_or_timed),
        cmocka_unit_test(malformed_lines_are_named_by_line_and_column),
        cmocka_unit_test(bad_lines_are_dropped_and_counted_up_to_a_number),
        cmocka_unit_test(a_dropped_line_leaves_no_gap_behind),
        cmocka_unit_test(the_first_row_out_of_order_is_named_with_both_times),
        cmocka_unit_test(sorting_keeps_equal_times_in_order),
        cmocka_unit_test(every_buffer_size_gives_the_same_rows),
        cmocka_unit_test(a_header_alone_makes_an_empty_file),
        cmocka_unit_test(options_that_contradict_are_refused),
        cmocka_unit_test(running_out_of_memory_at_any_point_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
