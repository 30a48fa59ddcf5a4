/* A remote live series becomes a live source: with its gaps, across losses, and never with a hole
 * that is not one. */
#include "base.h"
#include "net_test.h"

#include "gch/live.h"
#include "gch/remote.h"

#define FOLDER "net_live_test.tmp"
#define ROWS 1000u /* ws_peer.py: 100 batches of 10 */

static gch_error err;
static test_peer peer;
static gch_http *http;
static gch_data *data;

static int start(void **state)
{
    (void)state;
    const char *const arguments[] = {PYTHON, NET_WS_PEER, FOLDER, NULL};
    gch_http_desc desc = test_http_desc(NULL);
    test_peer_start(&peer, arguments);
    assert_ok(gch_http_make(&desc, &http, &err));
    assert_ok(gch_data_make(NULL, &data, &err));
    return 0;
}

static int stop(void **state)
{
    (void)state;
    assert_ok(gch_data_destroy(data, &err));
    gch_http_destroy(http);
    test_peer_stop(&peer);
    return 0;
}

static gch_status open_live(gch_http *client, const char *path, gch_remote_live **out)
{
    char url[256];
    snprintf(url, sizeof url, "http://localhost:%d%s", test_peer_port(&peer, "ws"), path);
    gch_remote_live_desc desc = {.url = url, .backoff_ms = 2, .backoff_cap_ms = 5};
    return gch_remote_live_open(data, client, &desc, out, &err);
}

/* Waits until so many rows are there, or no more will come. */
static uint64_t await_rows(gch_remote_live *live, uint64_t rows, gch_remote_live_stats *stats)
{
    gch_live_info info = {0};
    for (int i = 0; i < 10000; i++) {
        gch_remote_live_get_stats(live, stats);
        assert_ok(gch_live_get_info(data, gch_remote_live_get_source(live), &info, &err));
        if (info.row_count >= rows || stats->is_final)
            break;
        usleep(1000);
    }
    return info.row_count;
}

/* The peer's rows [first, ROWS) stand from row `at` on. */
static void expect_rows(const gch_remote_live *live, uint64_t at, uint64_t first)
{
    gch_file *file = NULL;
    assert_ok(gch_live_acquire_file(data, gch_remote_live_get_source(live), &file, &err));
    for (uint64_t row = first; row < ROWS; row++) {
        int64_t time;
        gch_value values[2];
        uint64_t local = at + row - first;
        assert_ok(gch_file_read_times(file, local, 1, &time, &err));
        assert_int_equal(time, 5 * row);
        for (uint32_t c = 0; c < 2; c++)
            assert_ok(gch_file_read_values(file, c, local, 1, &values[c], &err));
        assert_int_equal(values[0].kind == GCH_VALUE_GAP, row % 3 == 0);
        assert_true(row % 3 == 0 || gch_value_to_double(values[0]) == (double)row);
        assert_true(gch_value_to_double(values[1]) == (double)row / 2);
    }
    gch_live_release_file(data, file);
}

static void rows_and_gaps_arrive(void **state)
{
    (void)state;
    gch_remote_live *live = NULL;
    gch_remote_live_stats stats;
    assert_ok(open_live(http, "/live", &live));
    assert_int_equal(await_rows(live, ROWS, &stats), ROWS);
    assert_true(stats.is_connected && !stats.is_final && stats.gap_count == 0);
    expect_rows(live, 0, 0);
    gch_remote_live_close(live);
}

static void each_row_arrives_once_across_losses(void **state)
{
    (void)state;
    gch_remote_live *live = NULL;
    gch_remote_live_stats stats;
    assert_ok(open_live(http, "/live-drop", &live));
    assert_int_equal(await_rows(live, ROWS, &stats), ROWS);
    gch_remote_live_get_stats(live, &stats);
    assert_true(stats.follow.repeated_rows > 0);
    expect_rows(live, 0, 0);
    gch_remote_live_close(live);
}

static void rows_that_were_missed_leave_a_gap(void **state)
{
    (void)state;
    gch_remote_live *live = NULL;
    gch_remote_live_stats stats;
    gch_file *file = NULL;
    gch_value values[2];
    int64_t times[2];
    assert_ok(open_live(http, "/live-late", &live));
    assert_int_equal(await_rows(live, 502, &stats), 502);
    gch_remote_live_get_stats(live, &stats);
    assert_int_equal(stats.gap_count, 1);
    assert_int_equal(stats.follow.missed_rows, 500);
    assert_ok(gch_live_acquire_file(data, gch_remote_live_get_source(live), &file, &err));
    assert_ok(gch_file_read_times(file, 0, 2, times, &err));
    assert_int_equal(times[0], 0);
    assert_int_equal(times[1], 5 * 499);
    for (uint32_t c = 0; c < 2; c++) {
        assert_ok(gch_file_read_values(file, c, 0, 2, values, &err));
        assert_int_equal(values[0].kind, GCH_VALUE_GAP);
        assert_true(gch_value_to_double(values[1]) == (c == 0 ? 499 : 249.5));
    }
    gch_live_release_file(data, file);
    expect_rows(live, 2, 500);
    gch_remote_live_close(live);
}

static void rows_of_a_series_made_anew_replace_the_old_ones(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        uint64_t first; /* row that the new one keeps */
    } cases[] = {{"/live-anew", 0}, {"/live-other", 100}};
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        gch_remote_live *live = NULL;
        gch_remote_live_stats stats;
        uint64_t rows = ROWS - cases[i].first;
        assert_ok(open_live(http, cases[i].path, &live));
        assert_int_equal(await_rows(live, rows, &stats), rows);
        gch_remote_live_get_stats(live, &stats);
        assert_true(stats.is_connected && !stats.is_final && stats.gap_count == 0);
        assert_int_equal(stats.follow.restarts, 1);
        assert_int_equal(stats.follow.rows, rows);
        expect_rows(live, 0, cases[i].first);
        gch_remote_live_close(live);
    }
}

static void a_series_made_anew_with_other_columns_must_be_opened_again(void **state)
{
    (void)state;
    gch_remote_live *live = NULL;
    gch_remote_live_stats stats;
    assert_ok(open_live(http, "/live-columns", &live));
    assert_int_equal(await_rows(live, ROWS, &stats), 60); /* what came before stays */
    assert_true(stats.is_final);
    assert_int_equal(stats.error.status, GCH_IO);
    assert_non_null(strstr(stats.error.message, "open it again"));
    gch_remote_live_close(live);
}

static void rows_of_another_type_are_not_taken(void **state)
{
    (void)state;
    gch_remote_live *live = NULL;
    gch_remote_live_stats stats;
    assert_ok(open_live(http, "/live?type=i16", &live));
    assert_int_equal(await_rows(live, 1, &stats), 0);
    assert_true(stats.is_final);
    assert_int_equal(stats.error.status, GCH_CORRUPT);
    gch_remote_live_close(live);
}

static void descriptions_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "nothing",
        "{}",
        "{%22time_unit%22:%22ms%22}",
        "{%22time_unit%22:%22ms%22,%22first_sequence%22:1,%22columns%22:[]}",
        "{%22time_unit%22:%22ms%22,%22first_sequence%22:1,%22columns%22:[{}]}",
        "{%22time_unit%22:%22ms%22,%22first_sequence%22:1,%22columns%22:[{%22name%22:%22a%22,"
        "%22type%22:%22i33%22}]}",
        "{%22time_unit%22:%22ms%22,%22first_sequence%22:0,%22columns%22:[{%22name%22:%22a%22,"
        "%22type%22:%22i32%22}]}",
        "{%22time_unit%22:%22eons%22,%22first_sequence%22:1,%22columns%22:[{%22name%22:%22a%22,"
        "%22type%22:%22i32%22}]}",
    };
    for (size_t i = 0; i < GCH_COUNT_OF(texts); i++) {
        char path[200];
        gch_remote_live *live = NULL;
        snprintf(path, sizeof path, "/live?text=%s", texts[i]);
        if (open_live(http, path, &live) != GCH_CORRUPT)
            fail_msg("taken for a description: %s", texts[i]);
        assert_null(live);
    }
}

static void opening_survives_want_of_memory(void **state)
{
    (void)state;
    uint32_t failures = 0;
    bool is_done = false;
    for (int64_t n = 0; n < 200 && !is_done; n++) {
        test_failing memory = {.left = -1};
        gch_allocator allocator = {.resize = test_failing_resize, .context = &memory};
        gch_http_desc desc = test_http_desc(NULL);
        gch_http *client = NULL;
        gch_remote_live *live = NULL;
        gch_remote_live_stats stats;
        desc.allocator = &allocator;
        assert_ok(gch_http_make(&desc, &client, &err));
        atomic_store(&memory.left, n);
        gch_status status = open_live(client, "/live", &live);
        if (status == GCH_OK)
            (void)await_rows(live, 30, &stats);
        is_done = !memory.has_failed;
        failures += status != GCH_OK;
        assert_true(status == GCH_OK || status == GCH_NO_MEMORY);
        atomic_store(&memory.left, -1);
        gch_remote_live_close(live);
        gch_http_destroy(client);
        assert_int_equal(memory.live, 0);
    }
    assert_true(is_done && failures >= 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_gaps_arrive),
        cmocka_unit_test(each_row_arrives_once_across_losses),
        cmocka_unit_test(rows_that_were_missed_leave_a_gap),
        cmocka_unit_test(rows_of_a_series_made_anew_replace_the_old_ones),
        cmocka_unit_test(a_series_made_anew_with_other_columns_must_be_opened_again),
        cmocka_unit_test(rows_of_another_type_are_not_taken),
        cmocka_unit_test(descriptions_that_are_none_are_refused),
        cmocka_unit_test(opening_survives_want_of_memory),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
