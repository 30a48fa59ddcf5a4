/* A publisher against a server that loses connections, has no room, refuses, and answers late. */
#include "net_test.h"

#include "gch/publish.h"

#define FOLDER "net_publish_test.tmp"
#define BATCH 50u
#define BATCHES 40u

static gch_error err;
static test_peer peer;
static gch_http *http;

static int start(void **state)
{
    (void)state;
    const char *const arguments[] = {PYTHON, NET_WS_PEER, FOLDER, NULL};
    gch_http_desc desc = test_http_desc(NULL);
    test_peer_start(&peer, arguments);
    assert_ok(gch_http_make(&desc, &http, &err));
    return 0;
}

static int stop(void **state)
{
    (void)state;
    gch_http_destroy(http);
    test_peer_stop(&peer);
    return 0;
}

static const char *url_of(const char *path)
{
    static char url[256];
    snprintf(url, sizeof url, "http://localhost:%d%s", test_peer_port(&peer, "ws"), path);
    return url;
}

static const gch_column_desc columns[] = {{.name = "a b", .type = GCH_TYPE_I16, .unit = "m/s"},
                                          {.name = "price", .type = GCH_TYPE_DECIMAL},
                                          {.name = "flag", .type = GCH_TYPE_U8}};

static gch_status open_publish(gch_http *client, const char *path, gch_publish **out)
{
    gch_publish_desc desc = {.url = url_of(path),
                             .time_unit = GCH_TIME_INDEX,
                             .columns = columns,
                             .column_count = 3,
                             .keep_rows = 1000000,
                             .keep_age_s = 1000,
                             .queue_cap = 65536,
                             .backoff_ms = 2,
                             .backoff_cap_ms = 5};
    return gch_publish_open(client, &desc, out, &err);
}

/* Rows in batches whose gaps and scales change; waits between them, so that the peer gets several.
 */
static gch_status publish_all(gch_publish *publish)
{
    int16_t a[BATCH];
    int64_t digits[BATCH];
    int8_t scales[BATCH];
    uint8_t flags[BATCH], validity[BATCH / 8 + 1] = {0};
    gch_column_data data[] = {{.values = a, .validity = validity},
                              {.values = digits, .scales = scales},
                              {.values = flags}};
    for (uint32_t i = 0; i < BATCH; i++) {
        a[i] = (int16_t)i;
        digits[i] = 1000 + i;
        scales[i] = (int8_t)(i % 3);
        flags[i] = (uint8_t)(i % 2);
        validity[i / 8] |= (uint8_t)((i % 5 != 0) << (i % 8));
    }
    gch_status status = GCH_OK;
    for (uint32_t batch = 0; batch < BATCHES && status == GCH_OK; batch++) {
        status = gch_publish_rows(publish, NULL, data, BATCH, &err);
        if (status == GCH_OK && batch % 2 == 0)
            status = gch_publish_wait(publish, 10000, &err);
    }
    return status == GCH_OK ? gch_publish_wait(publish, 10000, &err) : status;
}

/* Rows that the peer has taken. */
static uint64_t taken_by_peer(const char *path)
{
    gch_http_response response;
    gch_http_request request = {.url = url_of(path)};
    char text[1024];
    assert_ok(gch_http_fetch(http, &request, NULL, &response, &err));
    snprintf(text, sizeof text, "%.*s", (int)response.body_bytes, (const char *)response.body);
    gch_http_response_reset(http, &response);
    const char *place = strstr(text, "\"published\": ");
    assert_non_null(place);
    return strtoull(place + 13, NULL, 10);
}

static void every_row_is_acknowledged(void **state)
{
    (void)state;
    gch_publish *publish = NULL;
    gch_publish_stats stats;
    assert_ok(open_publish(http, "/publish", &publish));
    assert_ok(publish_all(publish));
    gch_publish_get_stats(publish, &stats);
    assert_int_equal(stats.rows, BATCH * BATCHES);
    assert_int_equal(stats.acknowledged_rows, BATCH * BATCHES);
    assert_true(stats.batches >= BATCHES / 2 && stats.batches <= BATCHES);
    assert_true(stats.repeated_batches == 0 && stats.ws.connections == 1);
    gch_publish_close(publish);
    assert_int_equal(taken_by_peer("/publish"), BATCH * BATCHES);
}

static void what_was_not_acknowledged_comes_again_and_counts_once(void **state)
{
    (void)state;
    static const char *const paths[] = {"/publish-drop", "/publish-deaf", "/publish-busy"};
    for (size_t i = 0; i < 3; i++) {
        gch_publish *publish = NULL;
        gch_publish_stats stats;
        assert_ok(open_publish(http, paths[i], &publish));
        assert_ok(publish_all(publish));
        gch_publish_get_stats(publish, &stats);
        assert_int_equal(stats.acknowledged_rows, BATCH * BATCHES);
        assert_true(stats.repeated_batches >= 6 && stats.ws.connections >= 7);
        if (i == 0)
            assert_true(stats.known_batches >= 6);
        else
            assert_int_equal(stats.known_batches, 0);
        gch_publish_close(publish);
        assert_int_equal(taken_by_peer(paths[i]), BATCH * BATCHES);
    }
}

static void a_refusal_ends_it_and_says_why(void **state)
{
    (void)state;
    gch_publish *publish = NULL;
    gch_publish_stats stats;
    assert_ok(open_publish(http, "/publish-refuse", &publish));
    assert_status(publish_all(publish), GCH_UNSORTED);
    assert_non_null(strstr(err.message, "refused by the server: no"));
    assert_status(gch_publish_wait(publish, 10000, &err), GCH_UNSORTED);
    gch_publish_get_stats(publish, &stats);
    assert_int_equal(stats.error.status, GCH_UNSORTED);
    assert_true(stats.acknowledged_rows < stats.rows);
    gch_publish_close(publish);
}

static void a_refusal_without_a_reason_is_one(void **state)
{
    (void)state;
    const char *const paths[] = {"/publish-refuse-ok", "/publish-refuse-pending"};
    for (int i = 0; i < 2; i++) {
        gch_publish *publish = NULL;
        assert_ok(open_publish(http, paths[i], &publish));
        gch_status status = publish_all(publish);
        if (status == GCH_OK) /* all were taken in before the answer came */
            status = gch_publish_wait(publish, 10000, &err);
        assert_int_equal(status, GCH_IO);
        gch_publish_close(publish);
    }
}

static void rows_that_cannot_be_sent_are_not_taken(void **state)
{
    (void)state;
    static const int16_t values[20000];
    static const int64_t times[] = {5, 6, 4};
    gch_column_desc column = {.name = "v", .type = GCH_TYPE_I16};
    gch_column_data data = {.values = values};
    gch_publish_desc desc = {.url = url_of("/never"), /* never answers an upgrade */
                             .time_unit = GCH_TIME_INDEX,
                             .columns = &column,
                             .column_count = 1,
                             .queue_cap = 11000};
    gch_publish *publish = NULL;
    gch_publish_stats stats;
    assert_ok(gch_publish_open(http, &desc, &publish, &err));
    assert_ok(gch_publish_rows(publish, NULL, NULL, 0, &err));
    assert_status(gch_publish_rows(publish, times, &data, 3, &err), GCH_UNSORTED);
    assert_non_null(strstr(err.message, "row 2"));
    assert_status(gch_publish_rows(publish, NULL, &data, 1001, &err), GCH_LIMIT);
    assert_ok(gch_publish_rows(publish, NULL, &data, 900, &err));
    assert_status(gch_publish_rows(publish, NULL, &data, 101, &err), GCH_PENDING);
    assert_ok(gch_publish_rows(publish, NULL, &data, 100, &err));
    assert_status(gch_publish_rows(publish, times, &data, 1, &err), GCH_UNSORTED);
    assert_status(gch_publish_wait(publish, 20, &err), GCH_PENDING);
    gch_publish_get_stats(publish, &stats);
    assert_true(stats.rows == 1000 && stats.acknowledged_rows == 0 && !stats.ws.is_open);
    gch_publish_close(publish);
    desc.time_unit = GCH_TIME_MS;
    assert_ok(gch_publish_open(http, &desc, &publish, &err));
    assert_status(gch_publish_rows(publish, NULL, &data, 1, &err), GCH_INVALID);
    gch_publish_close(publish);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    gch_publish *publish = NULL;
    gch_column_desc colon = {.name = "a:b", .type = GCH_TYPE_F64}, none = {.name = "a"};
    const gch_publish_desc good = {.url = "http://localhost:1/v1/live/x",
                                   .time_unit = GCH_TIME_S,
                                   .columns = columns,
                                   .column_count = 3};
    gch_publish_desc bad[6] = {good, good, good, good, good, good};
    bad[0].url = NULL;
    bad[1].url = "http://localhost:1/v1/live/x?a=b";
    bad[2].time_unit = GCH_TIME_DEFAULT;
    bad[3].column_count = 0;
    bad[4].columns = &colon;
    bad[4].column_count = 1;
    bad[5].columns = &none;
    bad[5].column_count = 1;
    for (size_t i = 0; i < 6; i++)
        assert_status(gch_publish_open(http, &bad[i], &publish, &err), GCH_INVALID);
    bad[0] = good;
    bad[0].queue_cap = (size_t)1 << 30;
    assert_status(gch_publish_open(http, &bad[0], &publish, &err), GCH_INVALID);
    assert_status(gch_publish_open(http, &good, &publish, &err), GCH_UNAVAILABLE);
    gch_publish_close(NULL);
}

static void every_failed_allocation_leaks_nothing(void **state)
{
    (void)state;
    bool is_through = false;
    for (int64_t n = 0; !is_through && n < 400; n++) {
        test_failing memory = {.left = n};
        gch_allocator allocator = {.resize = test_failing_resize, .context = &memory};
        gch_http_desc desc = test_http_desc(NULL);
        desc.allocator = &allocator;
        gch_http *client = NULL;
        gch_publish *publish = NULL;
        char path[64];
        snprintf(path, sizeof path, "/publish-%d", (int)n);
        gch_status status = gch_http_make(&desc, &client, &err);
        if (status == GCH_OK)
            status = open_publish(client, path, &publish);
        if (status == GCH_OK)
            status = publish_all(publish);
        gch_publish_close(publish);
        gch_http_destroy(client);
        is_through = !memory.has_failed;
        /* What fails on the connection's thread is tried again. */
        assert_true(status == GCH_OK || (status == GCH_NO_MEMORY && !is_through));
        assert_int_equal(memory.live, 0);
    }
    assert_true(is_through);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_acknowledged),
        cmocka_unit_test(what_was_not_acknowledged_comes_again_and_counts_once),
        cmocka_unit_test(a_refusal_ends_it_and_says_why),
        cmocka_unit_test(a_refusal_without_a_reason_is_one),
        cmocka_unit_test(rows_that_cannot_be_sent_are_not_taken),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(every_failed_allocation_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
