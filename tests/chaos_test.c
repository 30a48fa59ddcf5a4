/* Over a line that breaks all the time, a picture that says it is complete is the picture: charts
 * of a remote file, by pages and by finished answers, against the file itself. */
#include "net_test.h"
#include "test_server.h"

#include <sys/stat.h>

#define FOLDER "chaos_test.tmp"
#define ROWS 400000u
#define VIEWS 40

static gch_error err;

typedef struct running {
    test_server server;
    test_peer proxy;
    int port; /* of the proxy */
} running;

static void start_all(running *r)
{
    static const char *const folder = FOLDER;
    char port[16];
    const char *const arguments[] = {PYTHON, CHAOS_PROXY, port, "7", NULL};
    gch_server_desc desc = {.paths = &folder, .path_count = 1, .drain_timeout_ms = 100};
    test_server_start(&r->server, desc, 256u << 20);
    snprintf(port, sizeof port, "%u", r->server.port);
    test_peer_start(&r->proxy, arguments);
    r->port = test_peer_port(&r->proxy, "proxy");
}

static void stop_all(running *r)
{
    test_peer_stop(&r->proxy);
    test_server_stop(&r->server);
}

static void write_file(void)
{
    static int64_t times[ROWS];
    static double values[ROWS];
    uint64_t random = 5;
    gch_writer *writer = NULL;
    gch_column_desc column = {.name = "v", .type = GCH_TYPE_F64};
    gch_writer_desc desc = {.time_unit = GCH_TIME_MS, .columns = &column, .column_count = 1};
    mkdir(FOLDER, 0777);
    for (uint32_t i = 0; i < ROWS; i++) {
        times[i] = (i == 0 ? 0 : times[i - 1]) + (int64_t)(test_random(&random) % 50);
        values[i] = (i == 0 ? 0 : values[i - 1]) + (double)(test_random(&random) % 201) - 100;
    }
    assert_ok(gch_writer_create(FOLDER "/a.gch", &desc, &writer, &err));
    assert_ok(gch_writer_append(writer, times, &(gch_column_data){.values = values}, ROWS, &err));
    assert_ok(gch_writer_finish(writer, &err));
}

/* Answers as of a file so large that its pages are not worth fetching; nothing for every other
 * view. */
typedef struct eager {
    gch_answers answers;
    const gch_answers *inner;
    bool is_off;
    uint32_t given;
} eager;

static gch_status eager_columns(void *context, const gch_answers_ask *ask, gch_columns *out,
                                gch_view *out_view, gch_error *answer_err)
{
    eager *e = context;
    gch_answers_ask large = *ask;
    large.missing_bytes = 1u << 30;
    if (e->is_off)
        return GCH_UNSUPPORTED;
    gch_status status = e->inner->columns(e->inner->context, &large, out, out_view, answer_err);
    e->given += status == GCH_OK;
    return status;
}

static gch_status eager_range(void *context, uint32_t column, int64_t t0, int64_t t1, gch_join join,
                              gch_value *min, gch_value *max, gch_error *answer_err)
{
    const eager *e = context;
    if (e->is_off)
        return GCH_UNSUPPORTED;
    return e->inner->range(e->inner->context, column, t0, t1, join, min, max, answer_err);
}

static bool is_same(const gch_image *a, const gch_image *b)
{
    return memcmp(a->pixels, b->pixels, (size_t)a->width_px * a->height_px * 4) == 0;
}

static void a_complete_picture_is_the_picture(void **state)
{
    (void)state;
    running r = {0};
    gch_http *http = NULL;
    gch_data *data = NULL;
    gch_source remote, local;
    gch_remote_answers *answers = NULL;
    gch_chart *charts[2];
    gch_chart_series series[2] = {{0}};
    gch_http_stats line;
    char url[128];
    uint64_t random = 17;
    uint32_t complete_count = 0, partial_count = 0;
    write_file();
    start_all(&r);
    gch_http_desc client = test_http_desc(NULL);
    client.attempt_cap = 3;
    client.stall_timeout_ms = 200;
    assert_ok(gch_http_make(&client, &http, &err));
    gch_data_desc manager = {.loader_count = 16, .host_budget_bytes = 32u << 20};
    assert_ok(gch_data_make(&manager, &data, &err));
    snprintf(url, sizeof url, "http://127.0.0.1:%d/data/a.gch", r.port);
    gch_status status = GCH_UNAVAILABLE;
    for (int i = 0; i < 100 && status == GCH_UNAVAILABLE; i++)
        status = gch_source_open_url(data, http, url, NULL, &remote, &err);
    assert_ok(status);
    assert_ok(gch_source_open_file(data, FOLDER "/a.gch", NULL, &local, &err));
    assert_ok(gch_remote_answers_make(data, http, remote, &answers, &err));
    eager e = {.answers = {.columns = eager_columns, .range = eager_range, .context = &e},
               .inner = gch_remote_answers_get(answers)};
    series[1].answers = &e.answers;
    assert_ok(gch_source_get_file(data, local, &series[0].file, &err));
    assert_ok(gch_source_get_file(data, remote, &series[1].file, &err));
    for (int i = 0; i < 2; i++)
        assert_ok(gch_chart_make(NULL, &charts[i], &err));
    int64_t last = gch_file_get_info(series[0].file)->last_time;
    for (int view = 0; view < VIEWS; view++) {
        const gch_image *images[2];
        gch_chart_stats stats = {0};
        int64_t span = last >> test_random(&random) % 8;
        gch_chart_desc desc = {.series = &series[0],
                               .series_count = 1,
                               .width_px = 500,
                               .height_px = 300,
                               .is_bare = view % 3 == 0,
                               .has_time_range = true};
        desc.from = (int64_t)(test_random(&random) % (uint64_t)(last - span + 1));
        desc.to = desc.from + span;
        assert_ok(gch_chart_frame(charts[0], &desc, &images[0], &stats, &err));
        e.is_off = view % 2 == 0;
        desc.series = &series[1];
        desc.no_wait = true;
        if (view % 4 == 0) /* so that pages are wanted at all */
            assert_ok(gch_source_invalidate(data, remote, &err));
        stats.complete = 0;
        for (int frame = 0; frame < 2000 && stats.complete < 1; frame++) {
            assert_ok(gch_chart_frame(charts[1], &desc, &images[1], &stats, &err));
            partial_count += stats.complete < 1;
            usleep(500);
        }
        if (stats.complete < 1)
            continue; /* a day too bad; it says so */
        complete_count++;
        assert_true(is_same(images[0], images[1]));
    }
    gch_http_get_stats(http, &line);
    printf(
        "%u of %d views complete, %u frames before; %llu tries after the first, %llu resumed, %u "
        "answers\n",
        complete_count, VIEWS, partial_count, (unsigned long long)line.retries,
        (unsigned long long)line.resumes, e.given);
    assert_true(complete_count >= VIEWS / 2 && partial_count > 0);
    assert_true(line.retries > 10 && e.given > 0);
    for (int i = 0; i < 2; i++)
        gch_chart_destroy(charts[i]);
    gch_remote_answers_destroy(answers);
    assert_ok(gch_data_destroy(data, &err));
    gch_http_destroy(http);
    stop_all(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_complete_picture_is_the_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
