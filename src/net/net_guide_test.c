/* The code of docs/network.md, compiled and run; and the check that the two are the same text. */
#include "net_test.h"

#include "gch/gch.h"

#include <sys/stat.h>

#define FOLDER "net_guide_test.tmp"

static gch_error err;

static gch_status count_rows(const char *url, const char *ca_file, uint64_t *out_rows)
{
    gch_http *http = NULL;
    gch_data *data = NULL;
    gch_source source;
    const gch_file *file = NULL;
    gch_status status = gch_http_make(&(gch_http_desc){.ca_file = ca_file}, &http, &err);
    if (status == GCH_OK)
        status = gch_data_make(&(gch_data_desc){.loader_count = 64}, &data, &err);
    if (status == GCH_OK)
        status = gch_source_open_url(data, http, url, NULL, &source, &err);
    if (status == GCH_OK)
        status = gch_source_get_file(data, source, &file, &err);
    if (status == GCH_OK)
        *out_rows = gch_file_get_info(file)->row_count;
    gch_status ended = data != NULL ? gch_data_destroy(data, &err) : GCH_OK;
    gch_http_destroy(http); /* after the sources that use it */
    return status != GCH_OK ? status : ended;
}

static gch_status fetch_text(gch_http *http, const char *url, char *out, size_t cap)
{
    gch_http_response response;
    gch_http_request request = {.url = url, .body_cap = cap - 1};
    gch_status status = gch_http_fetch(http, &request, NULL, &response, &err);
    if (status == GCH_OK) {
        memcpy(out, response.body, response.body_bytes);
        out[response.body_bytes] = '\0';
    }
    gch_http_response_reset(http, &response);
    return status;
}

static void print_line(gch_http *http)
{
    gch_http_stats stats;
    char text[2048];
    gch_http_get_stats(http, &stats);
    if (gch_http_stats_json(&stats, text, sizeof text) < sizeof text)
        puts(text);
}

static gch_status count_pieces(gch_http *http, const char *url, uint32_t *out_count)
{
    gch_columns_answer answer;
    gch_columns_ask ask = {.url = url, .width_px = 4, .height_px = 100};
    gch_status status = gch_columns_fetch(http, &ask, NULL, &answer, &err);
    if (status == GCH_OK)
        *out_count = answer.piece_count; /* answer.pieces, each as a gch_piece */
    gch_columns_answer_reset(http, &answer);
    return status;
}

static gch_query_desc describe_query(gch_data *data, gch_http *http, gch_source source,
                                     gch_remote_answers **out_answers)
{
    gch_query_desc desc = {.no_wait = true};
    if (gch_remote_answers_make(data, http, source, out_answers, &err) == GCH_OK)
        desc.answers = gch_remote_answers_get(*out_answers);
    return desc; /* no answers for a file on any other server: its pages do */
}

static void add_rows(void *context, const gch_follow_rows *rows)
{
    _Atomic uint64_t *total = context;
    atomic_fetch_add(total, rows->row_count);
}

static gch_status follow_series(const char *url, _Atomic uint64_t *total, gch_follow **out)
{
    gch_follow_desc desc = {.url = url, .has_after = true, .on_rows = add_rows, .context = total};
    return gch_follow_open(&desc, out, &err);
}

static gch_status follow_into_source(gch_data *data, gch_http *http, const char *url,
                                     gch_remote_live **out_live, gch_file **out_file)
{
    gch_remote_live_desc desc = {.url = url};
    gch_status status = gch_remote_live_open(data, http, &desc, out_live, &err);
    if (status != GCH_OK)
        return status;
    return gch_live_acquire_file(data, gch_remote_live_get_source(*out_live), out_file, &err);
}

/* ---- running them ---- */

static void write_file(const char *path)
{
    gch_writer *writer = NULL;
    gch_column_desc column = {.name = "v", .type = GCH_TYPE_I32};
    gch_writer_desc desc = {.time_unit = GCH_TIME_INDEX, .columns = &column, .column_count = 1};
    static int32_t values[1000];
    assert_ok(gch_writer_create(path, &desc, &writer, &err));
    assert_ok(gch_writer_append(writer, NULL, &(gch_column_data){.values = values}, 1000, &err));
    assert_ok(gch_writer_finish(writer, &err));
}

static void files_and_texts_at_urls(void **state)
{
    (void)state;
    test_peer host;
    char url[128], text[64];
    uint64_t rows = 0;
    gch_http *http = NULL;
    const char *const arguments[] = {PYTHON, NET_STATIC_HOST, FOLDER, FOLDER "/host", NULL};
    mkdir(FOLDER, 0777);
    write_file(FOLDER "/a.gch");
    FILE *file = fopen(FOLDER "/a.txt", "w");
    assert_non_null(file);
    fputs("hello", file);
    fclose(file);
    test_peer_start(&host, arguments);
    snprintf(url, sizeof url, "https://localhost:%d/a.gch", test_peer_port(&host, "https"));
    assert_ok(count_rows(url, FOLDER "/host/ca.pem", &rows));
    assert_int_equal(rows, 1000);
    assert_ok(gch_http_make(NULL, &http, &err));
    snprintf(url, sizeof url, "http://localhost:%d/a.txt", test_peer_port(&host, "http"));
    assert_ok(fetch_text(http, url, text, sizeof text));
    assert_string_equal(text, "hello");
    assert_status(fetch_text(http, url, text, 5), GCH_LIMIT);
    print_line(http);
    gch_data *data = NULL;
    gch_source source;
    gch_remote_answers *answers = NULL;
    snprintf(url, sizeof url, "http://localhost:%d/a.gch", test_peer_port(&host, "http"));
    assert_ok(gch_data_make(NULL, &data, &err));
    assert_ok(gch_source_open_url(data, http, url, NULL, &source, &err));
    gch_query_desc query = describe_query(data, http, source, &answers);
    assert_true(query.no_wait && query.answers == NULL && answers == NULL);
    gch_remote_answers_destroy(answers);
    assert_ok(gch_data_destroy(data, &err));
    gch_http_destroy(http);
    test_peer_stop(&host);
}

static gch_status publish_values(gch_http *http, const char *url, const int64_t *times,
                                 const double *values, size_t count)
{
    gch_publish *publish = NULL;
    gch_column_desc column = {.name = "price", .type = GCH_TYPE_F64};
    gch_publish_desc desc = {
        .url = url, .time_unit = GCH_TIME_MS, .columns = &column, .column_count = 1};
    gch_status status = gch_publish_open(http, &desc, &publish, &err);
    if (status == GCH_OK)
        status =
            gch_publish_rows(publish, times, &(gch_column_data){.values = values}, count, &err);
    if (status == GCH_OK)
        status = gch_publish_wait(publish, 10000, &err); /* the server has them */
    gch_publish_close(publish);
    return status;
}

static void columns_from_a_server(void **state)
{
    (void)state;
    test_peer peer;
    char url[128];
    uint32_t count = 1;
    gch_http *http = NULL;
    gch_columns_answer answer;
    const char *const arguments[] = {PYTHON, NET_PEER, FOLDER "/peer", NULL};
    test_peer_start(&peer, arguments);
    assert_ok(gch_http_make(NULL, &http, &err));
    int port = test_peer_port(&peer, "http");
    snprintf(url, sizeof url, "http://localhost:%d/v1/data/a", port);
    assert_ok(count_pieces(http, url, &count));
    assert_int_equal(count, 0);
    gch_columns_ask ask = {.url = url, .width_px = 3, .height_px = 3, .version = 8};
    assert_status(gch_columns_fetch(http, &ask, NULL, &answer, &err), GCH_CORRUPT);
    assert_null(answer.bytes);
    gch_http_destroy(http);
    test_peer_stop(&peer);
}

static void a_series_is_followed(void **state)
{
    (void)state;
    test_peer peer;
    char url[128];
    _Atomic uint64_t total = 0;
    gch_follow *follow = NULL;
    const char *const arguments[] = {PYTHON, NET_WS_PEER, FOLDER "/peer", NULL};
    test_peer_start(&peer, arguments);
    snprintf(url, sizeof url, "ws://localhost:%d/live", test_peer_port(&peer, "ws"));
    assert_ok(follow_series(url, &total, &follow));
    for (int i = 0; i < 5000 && atomic_load(&total) < 1000; i++)
        usleep(1000);
    assert_int_equal(atomic_load(&total), 1000);
    gch_follow_close(follow);

    gch_http *http = NULL;
    gch_data *data = NULL;
    gch_remote_live *live = NULL;
    gch_file *file = NULL;
    snprintf(url, sizeof url, "http://localhost:%d/live", test_peer_port(&peer, "ws"));
    assert_ok(gch_http_make(NULL, &http, &err));
    assert_ok(gch_data_make(NULL, &data, &err));
    assert_ok(follow_into_source(data, http, url, &live, &file));
    for (int i = 0; i < 5000 && gch_file_get_info(file)->row_count < 1000; i++) {
        usleep(1000);
        assert_ok(gch_live_refresh_file(file, NULL, &err));
    }
    assert_int_equal(gch_file_get_info(file)->row_count, 1000);
    gch_live_release_file(data, file);
    gch_remote_live_close(live);
    snprintf(url, sizeof url, "http://localhost:%d/publish-guide", test_peer_port(&peer, "ws"));
    const int64_t times[] = {0, 1, 2};
    const double values[] = {1, 2, 3};
    assert_ok(publish_values(http, url, times, values, 3));
    assert_ok(gch_data_destroy(data, &err));
    gch_http_destroy(http);
    test_peer_stop(&peer);
}

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("%s cannot be read", path);
    char *text = calloc(1, 1 << 18);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 18) - 1, file) > 0);
    fclose(file);
    return text;
}

static void guide_shows_the_code_of_this_file(void **state)
{
    (void)state;
    char *guide = read_text(GUIDE), *code = read_text(__FILE__);
    int blocks = 0;
    for (char *at = guide; (at = strstr(at, "```c\n")) != NULL; blocks++) {
        at += strlen("```c\n");
        char *end = strstr(at, "```");
        assert_non_null(end);
        *end = '\0';
        if (strstr(code, at) == NULL)
            fail_msg("this code of the guide is not compiled:\n%s", at);
        at = end + 1;
    }
    assert_int_equal(blocks, 8);
    free(guide);
    free(code);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_and_texts_at_urls),
        cmocka_unit_test(columns_from_a_server),
        cmocka_unit_test(a_series_is_followed),
        cmocka_unit_test(guide_shows_the_code_of_this_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
