/* A publisher against our server: every row once and in order, whatever happens to the server. */
#include "net_test.h"
#include "test_server.h"

#include <math.h>
#include <sys/stat.h>

#define FOLDER "publish_test.tmp"
#define LIVE FOLDER "/live"
#define BATCH 100u
#define BATCHES 400u

static gch_error err;

static void start_server(test_server *s)
{
    static const char *const folder = FOLDER "/data";
    gch_server_desc desc = {
        .paths = &folder, .path_count = 1, .live_path = LIVE, .drain_timeout_ms = 1};
    test_server_start(s, desc, 256u << 20);
}

static int make_folders(void **state)
{
    (void)state;
    assert_int_equal(system("rm -rf " FOLDER), 0);
    mkdir(FOLDER, 0777);
    mkdir(FOLDER "/data", 0777);
    mkdir(LIVE, 0777);
    return 0;
}

/* ---- rows: time r / 3, a decimal that every seventh row lacks, a float, an integer ---- */

typedef struct row {
    int64_t time;
    double price;
    float level;
    int32_t count;
} row;

static row row_at(uint64_t r)
{
    return (row){.time = (int64_t)(r / 3),
                 .price = r % 7 == 6 ? NAN : (double)(r % 1000) / 100,
                 .level = (float)r / 8,
                 .count = -(int32_t)r};
}

static gch_status publish_batch(gch_publish *publish, uint64_t batch)
{
    int64_t times[BATCH], digits[BATCH];
    int8_t scales[BATCH];
    float levels[BATCH];
    int32_t counts[BATCH];
    uint8_t validity[BATCH / 8 + 1] = {0};
    gch_column_data data[] = {{.values = digits, .scales = scales, .validity = validity},
                              {.values = levels},
                              {.values = counts}};
    for (uint32_t i = 0; i < BATCH; i++) {
        uint64_t r = batch * BATCH + i;
        times[i] = row_at(r).time;
        digits[i] = (int64_t)(r % 1000);
        scales[i] = 2;
        levels[i] = row_at(r).level;
        counts[i] = row_at(r).count;
        validity[i / 8] |= (uint8_t)((r % 7 != 6) << (i % 8));
    }
    return gch_publish_rows(publish, times, data, BATCH, &err);
}

static const gch_column_desc columns[] = {{.name = "price", .type = GCH_TYPE_DECIMAL},
                                          {.name = "level", .type = GCH_TYPE_F32, .unit = "m"},
                                          {.name = "count", .type = GCH_TYPE_I32}};

static gch_publish *open_publish(gch_http *http, const char *url)
{
    gch_publish *publish = NULL;
    gch_publish_desc desc = {.url = url,
                             .time_unit = GCH_TIME_MS,
                             .columns = columns,
                             .column_count = 3,
                             .backoff_ms = 2,
                             .backoff_cap_ms = 20};
    assert_ok(gch_publish_open(http, &desc, &publish, &err));
    return publish;
}

typedef struct checked {
    _Atomic uint64_t rows, wrong;
} checked;

static void check_rows(void *context, const gch_follow_rows *rows)
{
    checked *c = context;
    for (uint32_t i = 0; i < rows->row_count; i++) {
        uint64_t r = atomic_load(&c->rows);
        const row wanted = row_at(r);
        uint64_t bit = (uint64_t)rows->columns[0].first_bit + i;
        bool is_there = rows->columns[0].validity == NULL ||
                        (rows->columns[0].validity[bit / 8] >> (bit % 8) & 1) != 0;
        bool is_right = rows->times[i] == wanted.time &&
                        ((const float *)rows->columns[1].values)[i] == wanted.level &&
                        ((const int32_t *)rows->columns[2].values)[i] == wanted.count &&
                        is_there == !isnan(wanted.price) &&
                        (!is_there || ((const double *)rows->columns[0].values)[i] == wanted.price);
        atomic_fetch_add(&c->wrong, !is_right);
        atomic_fetch_add(&c->rows, 1);
    }
}

/* Follows the series from its first row on. */
static void expect_all(const char *url, uint64_t rows)
{
    checked c = {0};
    gch_follow *follow = NULL;
    gch_follow_desc desc = {
        .url = url, .has_after = true, .on_rows = check_rows, .context = &c, .backoff_ms = 2};
    assert_ok(gch_follow_open(&desc, &follow, &err));
    for (int i = 0; i < 10000 && atomic_load(&c.rows) < rows; i++)
        usleep(1000);
    usleep(20000); /* what is too much would come now */
    gch_follow_close(follow);
    assert_int_equal(c.rows, rows);
    assert_int_equal(c.wrong, 0);
}

/* ---- tests ---- */

static void each_row_arrives_once_across_restarts_of_the_server(void **state)
{
    (void)state;
    test_server r = {0};
    gch_http *http = NULL;
    gch_publish_stats stats;
    char url[256];
    start_server(&r);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/v1/live/a", r.port);
    assert_ok(gch_http_make(NULL, &http, &err));
    gch_publish *publish = open_publish(http, url);
    for (uint64_t batch = 0; batch < BATCHES; batch++) {
        gch_status status;
        while ((status = publish_batch(publish, batch)) == GCH_PENDING)
            usleep(500);
        assert_ok(status);
        if (batch % 8 == 0)
            usleep(1000); /* so that the server meets more than one batch */
        if (batch % 80 == 40) {
            test_server_stop(&r);
            start_server(&r);
        }
    }
    assert_ok(gch_publish_wait(publish, 20000, &err));
    gch_publish_get_stats(publish, &stats);
    assert_int_equal(stats.acknowledged_rows, BATCHES * BATCH);
    assert_true(stats.ws.connections >= 4);
    gch_publish_close(publish);
    expect_all(url, BATCHES * BATCH);
    gch_http_destroy(http);
    test_server_stop(&r);
}

static void a_series_with_other_columns_and_rows_before_its_last_are_refused(void **state)
{
    (void)state;
    test_server r = {0};
    gch_http *http = NULL;
    char url[256];
    start_server(&r);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/v1/live/b", r.port);
    assert_ok(gch_http_make(NULL, &http, &err));
    gch_publish *publish = open_publish(http, url), *other = NULL;
    assert_ok(publish_batch(publish, 5));
    assert_ok(gch_publish_wait(publish, 10000, &err));
    gch_publish_close(publish);
    publish = open_publish(http, url);
    assert_ok(publish_batch(publish, 0));
    assert_status(gch_publish_wait(publish, 10000, &err), GCH_UNSORTED);
    assert_status(publish_batch(publish, 7), GCH_UNSORTED);
    gch_publish_close(publish);
    gch_publish_desc desc = {
        .url = url, .time_unit = GCH_TIME_MS, .columns = columns, .column_count = 2};
    assert_status(gch_publish_open(http, &desc, &other, &err), GCH_EXISTS);
    assert_non_null(strstr(err.message, "other columns"));
    gch_http_destroy(http);
    test_server_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_arrives_once_across_restarts_of_the_server),
        cmocka_unit_test(a_series_with_other_columns_and_rows_before_its_last_are_refused),
    };
    return cmocka_run_group_tests(tests, make_folders, NULL);
}
