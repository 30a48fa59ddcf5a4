/* Our client against our server: columns are those that a query gives here, a file at a URL draws
 * the same picture, a live series arrives whole. */
#include "test.h"

#include "gch/gch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "remote_test.tmp"
#define ROWS 300000u

static gch_error err;

/* ---- the server ---- */

typedef struct running {
    gch_data *data;
    gch_server *server;
    pthread_t thread;
    uint16_t port;
} running;

static void *serve(void *argument)
{
    running *r = argument;
    gch_error run_err = {0};
    if (gch_server_run(r->server, &run_err) != GCH_OK)
        fprintf(stderr, "%s\n", run_err.message);
    return NULL;
}

static void start_server(running *r)
{
    static const char *const folder = FOLDER;
    assert_ok(gch_data_make(&(gch_data_desc){.host_budget_bytes = 256u << 20}, &r->data, &err));
    gch_server_desc desc = {.data = r->data,
                            .paths = &folder,
                            .path_count = 1,
                            .listen = "127.0.0.1:0",
                            .drain_timeout_ms = 200};
    assert_ok(gch_server_make(&desc, &r->server, &err));
    r->port = gch_server_port(r->server);
    assert_int_equal(pthread_create(&r->thread, NULL, serve, r), 0);
}

static void stop_server(running *r)
{
    gch_server_stop(r->server);
    pthread_join(r->thread, NULL);
    gch_server_destroy(r->server);
    assert_ok(gch_data_destroy(r->data, &err));
}

static const char *url_of(const running *r, const char *scheme, const char *path)
{
    static char url[256];
    snprintf(url, sizeof url, "%s://127.0.0.1:%u%s", scheme, r->port, path);
    return url;
}

/* ---- files and columns ---- */

static int write_file(void **state)
{
    (void)state;
    static int64_t times[ROWS];
    static double values[ROWS];
    uint64_t random = 9;
    mkdir(FOLDER, 0777);
    for (uint32_t i = 0; i < ROWS; i++) {
        times[i] = (i == 0 ? 0 : times[i - 1]) + (int64_t)(test_random(&random) % 50);
        values[i] = 1 + (double)(test_random(&random) % 100000) / 100;
        if (i % 1000 == 7)
            values[i] = __builtin_nan("");
    }
    gch_writer *writer = NULL;
    gch_column_desc column = {.name = "v", .type = GCH_TYPE_F64};
    gch_writer_desc desc = {.time_unit = GCH_TIME_MS, .columns = &column, .column_count = 1};
    gch_column_data data = {.values = values};
    assert_ok(gch_writer_create(FOLDER "/a.gch", &desc, &writer, &err));
    assert_ok(gch_writer_append(writer, times, &data, ROWS, &err));
    assert_ok(gch_writer_finish(writer, &err));
    return 0;
}

static const gch_file *open_local(gch_data *data)
{
    gch_source source;
    const gch_file *file = NULL;
    assert_ok(gch_source_open_file(data, FOLDER "/a.gch", NULL, &source, &err));
    assert_ok(gch_source_get_file(data, source, &file, &err));
    return file;
}

static void expect_same(gch_query *query, const gch_columns_answer *answer, gch_view *view,
                        const gch_columns_ask *ask)
{
    gch_columns columns;
    gch_value min, max;
    view->bottom = answer->bottom;
    view->top = answer->top;
    view->t0 = answer->t0;
    view->t1 = answer->t1;
    assert_ok(gch_query_columns(query, 0, view, (gch_join)ask->join, &columns, &err));
    assert_int_equal(columns.first[view->width_px], answer->piece_count);
    assert_memory_equal(columns.first, answer->first, (view->width_px + 1) * sizeof *columns.first);
    _Static_assert(sizeof(gch_piece) == sizeof(gch_columns_piece), "one layout");
    assert_memory_equal(columns.pieces, answer->pieces,
                        answer->piece_count * sizeof *columns.pieces);
    assert_int_equal(columns.row_count, answer->end_row - answer->first_row);
    assert_ok(gch_query_range(query, 0, view->t0, view->t1, &min, &max, &err));
    assert_true(gch_value_to_double(min) == gch_value_to_double(answer->min));
    assert_true(gch_value_to_double(max) == gch_value_to_double(answer->max));
}

static void columns_are_those_of_a_query_here(void **state)
{
    (void)state;
    running r;
    gch_http *http = NULL;
    gch_data *data = NULL;
    gch_query *queries[2];
    uint64_t random = 4;
    start_server(&r);
    assert_ok(gch_http_make(NULL, &http, &err));
    assert_ok(gch_data_make(NULL, &data, &err));
    const gch_file *file = open_local(data);
    int64_t last = gch_file_get_info(file)->last_time;
    for (int i = 0; i < 2; i++)
        assert_ok(
            gch_query_make(file, &(gch_query_desc){.keep_outside = i == 1}, &queries[i], &err));
    for (int i = 0; i < 60; i++) {
        gch_columns_ask ask = {.url = url_of(&r, "http", "/v1/data/a"),
                               .column = i % 2 ? "v" : NULL,
                               .width_px = 1 + (uint32_t)(test_random(&random) % 2000),
                               .height_px = 1 + (uint32_t)(test_random(&random) % 1000),
                               .join = (uint32_t)(i % 3),
                               .axis = (uint32_t)(i % 5 == 0),
                               .keep_outside = i % 4 == 0};
        if (i >= 10) {
            ask.has_times = true;
            ask.t0 = (int64_t)(test_random(&random) % (uint64_t)last);
            ask.t1 = ask.t0 + 1 + (int64_t)(test_random(&random) % (uint64_t)last);
        }
        if (i % 4 < 2) {
            ask.has_bounds = true;
            ask.bottom = (gch_decimal){.digits = 1055, .exp10 = -1};
            ask.top = (gch_decimal){.digits = 9, .exp10 = 2};
        }
        gch_columns_answer answer;
        assert_ok(gch_columns_fetch(http, &ask, NULL, &answer, &err));
        gch_view view = {
            .width_px = ask.width_px, .height_px = ask.height_px, .axis = (gch_value_axis)ask.axis};
        expect_same(queries[ask.keep_outside], &answer, &view, &ask);
        ask.version = answer.version + 1;
        gch_columns_answer_reset(http, &answer);
        assert_status(gch_columns_fetch(http, &ask, NULL, &answer, &err), GCH_CANCELLED);
    }
    for (int i = 0; i < 2; i++)
        gch_query_destroy(queries[i]);
    gch_columns_answer none;
    gch_columns_ask ask = {
        .url = url_of(&r, "http", "/v1/data/none"), .width_px = 1, .height_px = 1};
    assert_status(gch_columns_fetch(http, &ask, NULL, &none, &err), GCH_NOT_FOUND);
    assert_ok(gch_data_destroy(data, &err));
    gch_http_destroy(http);
    stop_server(&r);
}

static void a_file_at_the_server_draws_the_same_picture(void **state)
{
    (void)state;
    running r;
    gch_http *http = NULL;
    gch_data *data = NULL;
    gch_source source;
    gch_image images[2];
    start_server(&r);
    assert_ok(gch_http_make(NULL, &http, &err));
    assert_ok(gch_data_make(&(gch_data_desc){.loader_count = 64}, &data, &err));
    gch_chart_series series[2] = {{.file = open_local(data)}, {0}};
    assert_ok(
        gch_source_open_url(data, http, url_of(&r, "http", "/data/a.gch"), NULL, &source, &err));
    assert_ok(gch_source_get_file(data, source, &series[1].file, &err));
    for (int i = 0; i < 2; i++) {
        gch_chart_stats stats = {0};
        gch_chart_desc chart = {
            .series = &series[i], .series_count = 1, .hide_legend = true, .no_wait = i == 1};
        for (int frame = 0; frame < 5000 && stats.complete < 1; frame++) {
            if (frame > 0) {
                gch_image_destroy(&images[i], NULL);
                usleep(1000);
            }
            assert_ok(gch_chart_render(&chart, &images[i], &stats, &err));
        }
        assert_true(stats.complete == 1);
    }
    assert_int_equal(images[0].width_px, images[1].width_px);
    assert_memory_equal(images[0].pixels, images[1].pixels,
                        (size_t)images[0].width_px * images[0].height_px * 4);
    gch_image_destroy(&images[0], NULL);
    gch_image_destroy(&images[1], NULL);
    assert_ok(gch_data_destroy(data, &err));
    gch_http_destroy(http);
    stop_server(&r);
}

/* ---- live ---- */

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

static void send(gch_http *http, const running *r, gch_http_method method, const char *path,
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

static void publish(gch_http *http, const running *r, uint64_t first_row, uint64_t count)
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
    running r;
    received got = {0};
    gch_http *http = NULL;
    gch_follow *follow = NULL;
    gch_follow_stats stats;
    start_server(&r);
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
    stop_server(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_those_of_a_query_here),
        cmocka_unit_test(a_file_at_the_server_draws_the_same_picture),
        cmocka_unit_test(a_live_series_arrives_whole),
    };
    return cmocka_run_group_tests(tests, write_file, NULL);
}
