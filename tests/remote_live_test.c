/* Live series of our server, as our client follows them. */
#include "net_test.h"
#include "test_server.h"

#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "remote_live_test.tmp"
#define DATA FOLDER "/data"

static gch_error err;

static int make_folders(void **state)
{
    (void)state;
    mkdir(FOLDER, 0777);
    mkdir(DATA, 0777);
    return 0;
}

/* Live series are kept in a folder, or nowhere (NULL). */
static void start_server(test_server *s, const char *live_path)
{
    static const char *const folder = DATA;
    gch_server_desc desc = {
        .paths = &folder, .path_count = 1, .live_path = live_path, .drain_timeout_ms = 200};
    test_server_start(s, desc, 256u << 20);
}

static const char *url_of(const test_server *s, const char *scheme, const char *path)
{
    static char url[256];
    snprintf(url, sizeof url, "%s://127.0.0.1:%u%s", scheme, s->port, path);
    return url;
}

typedef struct received {
    _Atomic uint64_t next_row, rows;
    _Atomic bool is_wrong;
} received;

static void take_rows(void *context, const gch_follow_rows *rows)
{
    received *got = context;
    if (rows->first_row != atomic_load(&got->next_row) || rows->column_count != 1)
        atomic_store(&got->is_wrong, true);
    for (uint32_t i = 0; i < rows->row_count; i++) {
        uint64_t row = rows->first_row + i;
        double value = ((const double *)rows->columns[0].values)[i];
        if (rows->times[i] != (int64_t)(row * 10) || value != (double)row / 4)
            atomic_store(&got->is_wrong, true);
    }
    atomic_store(&got->next_row, rows->first_row + rows->row_count);
    atomic_fetch_add(&got->rows, rows->row_count);
}

static void send(gch_http *http, const test_server *r, gch_http_method method, const char *path,
                 const char *text)
{
    gch_http_response response;
    gch_http_request request = {.url = url_of(r, "http", path),
                                .method = method,
                                .body = {.bytes = (const uint8_t *)text, .count = strlen(text)},
                                .body_type = "application/x-ndjson"};
    assert_ok(gch_http_fetch(http, &request, NULL, &response, &err));
    gch_http_response_reset(http, &response);
}

static void publish(gch_http *http, const test_server *r, uint64_t first_row, uint64_t count)
{
    char text[8192];
    size_t used = 0;
    for (uint64_t row = first_row; row < first_row + count; row++)
        used += (size_t)snprintf(text + used, sizeof text - used, "[%llu, %.2f]\n",
                                 (unsigned long long)row * 10, (double)row / 4);
    send(http, r, GCH_HTTP_POST, "/v1/live/s", text);
}

static bool comes_to(received *got, uint64_t rows)
{
    for (int i = 0; i < 10000 && atomic_load(&got->rows) < rows; i++)
        usleep(1000);
    return atomic_load(&got->rows) == rows && !atomic_load(&got->is_wrong);
}

static void a_live_series_arrives_whole(void **state)
{
    (void)state;
    test_server r = {0};
    received got = {0};
    gch_http *http = NULL;
    gch_follow *follow = NULL;
    gch_follow_stats stats;
    start_server(&r, NULL);
    assert_ok(gch_http_make(NULL, &http, &err));
    send(http, &r, GCH_HTTP_PUT, "/v1/live/s?unit=ms&column=v:f64", "");
    publish(http, &r, 0, 100);
    gch_follow_desc desc = {.url = url_of(&r, "ws", "/v1/live/s"),
                            .has_after = true,
                            .rate = 240,
                            .backoff_ms = 5,
                            .backoff_cap_ms = 50,
                            .on_rows = take_rows,
                            .context = &got};
    assert_ok(gch_follow_open(&desc, &follow, &err));
    assert_true(comes_to(&got, 100));
    for (uint64_t batch = 1; batch < 40; batch++)
        publish(http, &r, batch * 100, 100);
    assert_true(comes_to(&got, 4000));
    gch_follow_get_stats(follow, &stats);
    assert_int_equal(stats.last_sequence, 40);
    gch_follow_close(follow);
    gch_http_destroy(http);
    test_server_stop(&r);
}

static uint64_t live_rows(gch_data *data, const gch_remote_live *live)
{
    gch_live_info info;
    assert_ok(gch_live_get_info(data, gch_remote_live_get_source(live), &info, &err));
    return info.row_count;
}

static void await_live_rows(gch_data *data, const gch_remote_live *live, uint64_t rows)
{
    for (int i = 0; i < 10000 && live_rows(data, live) < rows; i++)
        usleep(1000);
    assert_int_equal(live_rows(data, live), rows);
}

static void a_chart_follows_a_live_series(void **state)
{
    (void)state;
    test_server r = {0};
    char url[256];
    gch_http *http = NULL;
    gch_data *data = NULL;
    gch_remote_live *live = NULL;
    gch_remote_live_stats stats;
    gch_file *file = NULL;
    gch_chart *chart = NULL;
    const gch_image *image;
    start_server(&r, NULL);
    assert_ok(gch_http_make(NULL, &http, &err));
    assert_ok(gch_data_make(NULL, &data, &err));
    snprintf(url, sizeof url, "%s", url_of(&r, "http", "/v1/live/s"));
    gch_remote_live_desc desc = {.url = url, .rate = 240};
    assert_status(gch_remote_live_open(data, http, &desc, &live, &err), GCH_NOT_FOUND);
    send(http, &r, GCH_HTTP_PUT, "/v1/live/s?unit=ms&column=v:f64:EUR", "");
    publish(http, &r, 0, 100);
    assert_ok(gch_remote_live_open(data, http, &desc, &live, &err));
    await_live_rows(data, live, 100);
    assert_ok(gch_live_acquire_file(data, gch_remote_live_get_source(live), &file, &err));
    assert_string_equal(gch_file_get_info(file)->columns[0].name, "v");
    assert_string_equal(gch_file_get_info(file)->columns[0].unit, "EUR");
    assert_ok(gch_chart_make(NULL, &chart, &err));
    for (uint64_t batch = 1; batch < 20; batch++) {
        publish(http, &r, batch * 100, 100);
        await_live_rows(data, live, batch * 100 + 100);
        assert_ok(gch_live_refresh_file(file, NULL, &err));
        gch_chart_series series = {.file = file};
        gch_chart_desc picture = {.series = &series, .series_count = 1};
        gch_chart_stats drawn;
        assert_ok(gch_chart_frame(chart, &picture, &image, &drawn, &err));
        assert_int_equal(drawn.rows_visible, batch * 100 + 100);
    }
    gch_query *query = NULL;
    gch_sample sample;
    assert_ok(gch_query_make(file, NULL, &query, &err));
    for (uint64_t row = 0; row < 2000; row += 37) {
        assert_ok(gch_query_nearest(query, 0, (int64_t)row * 10, &sample, &err));
        assert_int_equal(sample.row, row);
        assert_true(gch_value_to_double(sample.value) == (double)row / 4);
    }
    gch_query_destroy(query);
    gch_remote_live_get_stats(live, &stats);
    assert_true(stats.is_connected && !stats.is_final && stats.gap_count == 0);
    assert_int_equal(stats.follow.rows, 2000);

    /* Without the server the picture stays, and says so. */
    test_server_stop(&r);
    for (int i = 0; i < 5000 && stats.is_connected; i++, usleep(1000))
        gch_remote_live_get_stats(live, &stats);
    assert_true(!stats.is_connected && !stats.is_final && stats.error.status != GCH_OK);
    assert_int_equal(live_rows(data, live), 2000);
    gch_chart_destroy(chart);
    gch_live_release_file(data, file);
    gch_remote_live_close(live);
    assert_ok(gch_data_destroy(data, &err));
    gch_http_destroy(http);
}

/* Values of a live series by its rows, through a file as charts have it. */
static void expect_live_rows(gch_file *file, uint64_t rows)
{
    gch_query *query = NULL;
    gch_sample sample;
    assert_ok(gch_live_refresh_file(file, NULL, &err));
    assert_int_equal(gch_file_get_info(file)->row_count, rows);
    assert_ok(gch_query_make(file, NULL, &query, &err));
    for (uint64_t row = 0; row < rows; row += 37) {
        assert_ok(gch_query_nearest(query, 0, (int64_t)row * 10, &sample, &err));
        assert_int_equal(sample.row, row);
        assert_true(gch_value_to_double(sample.value) == (double)row / 4);
    }
    gch_query_destroy(query);
}

static void await_connection(gch_remote_live *live, bool is_wanted, gch_remote_live_stats *out)
{
    for (int i = 0; i < 10000; i++, usleep(1000)) {
        gch_remote_live_get_stats(live, out);
        if (out->is_connected == is_wanted)
            return;
    }
    fail_msg("%s after 10 s", is_wanted ? "not connected" : "still connected");
}

/* The server loses its series with its process. */
static void a_series_made_anew_by_another_server_is_followed(void **state)
{
    (void)state;
    static const char *const create = "/v1/live/s?unit=ms&column=v:f64";
    static const char live_path[] = FOLDER "/live";
    test_server r = {0}, other = {0};
    char url[256];
    gch_http *http = NULL;
    gch_data *data = NULL;
    gch_remote_live *live = NULL;
    gch_remote_live_stats stats;
    gch_file *file = NULL;
    start_server(&r, NULL);
    assert_ok(gch_http_make(NULL, &http, &err));
    assert_ok(gch_data_make(NULL, &data, &err));
    snprintf(url, sizeof url, "%s", url_of(&r, "http", "/v1/live/s"));
    send(http, &r, GCH_HTTP_PUT, create, "");
    for (uint64_t batch = 0; batch < 5; batch++)
        publish(http, &r, batch * 100, 100);
    gch_remote_live_desc desc = {.url = url, .rate = 240, .backoff_ms = 2, .backoff_cap_ms = 20};
    assert_ok(gch_remote_live_open(data, http, &desc, &live, &err));
    assert_ok(gch_live_acquire_file(data, gch_remote_live_get_source(live), &file, &err));
    await_live_rows(data, live, 500);

    /* A server without the series: it is waited for. */
    test_server_stop(&r);
    start_server(&r, NULL);
    await_connection(live, false, &stats);
    for (int i = 0; i < 10000 && strstr(stats.error.message, "404") == NULL; i++, usleep(1000))
        gch_remote_live_get_stats(live, &stats);
    assert_non_null(strstr(stats.error.message, "404"));
    assert_false(stats.is_final);
    expect_live_rows(file, 500);

    /* With fewer rows. */
    send(http, &r, GCH_HTTP_PUT, create, "");
    publish(http, &r, 0, 100);
    await_connection(live, true, &stats);
    for (int i = 0; i < 10000 && live_rows(data, live) != 100; i++)
        usleep(1000);
    expect_live_rows(file, 100);
    gch_remote_live_get_stats(live, &stats);
    assert_int_equal(stats.follow.restarts, 1);
    assert_int_equal(stats.follow.last_sequence, 1);

    /* With more rows before anybody follows: only the id tells. */
    assert_int_equal(system("rm -rf " FOLDER "/live"), 0);
    mkdir(live_path, 0777);
    start_server(&other, live_path);
    send(http, &other, GCH_HTTP_PUT, create, "");
    for (uint64_t batch = 0; batch < 9; batch++)
        publish(http, &other, batch * 100, 100);
    test_server_stop(&other);
    test_server_stop(&r);
    start_server(&r, live_path);
    await_live_rows(data, live, 900);
    expect_live_rows(file, 900);
    gch_remote_live_get_stats(live, &stats);
    assert_int_equal(stats.follow.restarts, 2);
    assert_int_equal(stats.gap_count, 0);

    /* And what goes on after a restart is the same series. */
    test_server_stop(&r);
    await_connection(live, false, &stats);
    start_server(&r, live_path);
    publish(http, &r, 900, 100);
    await_live_rows(data, live, 1000);
    expect_live_rows(file, 1000);
    gch_remote_live_get_stats(live, &stats);
    assert_int_equal(stats.follow.restarts, 2);
    assert_int_equal(stats.follow.rows, 1000);
    assert_false(stats.is_final);
    gch_live_release_file(data, file);
    gch_remote_live_close(live);
    assert_ok(gch_data_destroy(data, &err));
    gch_http_destroy(http);
    test_server_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_live_series_arrives_whole),
        cmocka_unit_test(a_chart_follows_a_live_series),
        cmocka_unit_test(a_series_made_anew_by_another_server_is_followed),
    };
    return cmocka_run_group_tests(tests, make_folders, NULL);
}
