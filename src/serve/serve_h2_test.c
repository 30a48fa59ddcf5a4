/* The server over HTTP/2, with nghttp2 as the client: many streams, streams cancelled, attacks. */
#include "serve_test.h"

#include <nghttp2/nghttp2.h>

static test_server server;
static char *file;
static size_t file_bytes;

typedef struct client {
    int fd;
    nghttp2_session *session;
    int codes[4096]; /* by stream / 2 */
    uint64_t bytes[4096];
    uint32_t closed, reset;
    bool has_goaway, is_lost;
    bool compares; /* bodies are those of the file from its beginning */
} client;

static ssize_t on_send(nghttp2_session *session, const uint8_t *bytes, size_t count, int flags,
                       void *context)
{
    client *c = context;
    (void)session, (void)flags;
    return test_send(c->fd, bytes, count) ? (ssize_t)count : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags,
                     void *context)
{
    client *c = context;
    (void)session, (void)flags, (void)value_length;
    if (name_length == 7 && memcmp(name, ":status", 7) == 0)
        c->codes[frame->hd.stream_id / 2 % 4096] = atoi((const char *)value);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *bytes,
                   size_t count, void *context)
{
    client *c = context;
    (void)session, (void)flags;
    uint64_t *done = &c->bytes[stream / 2 % 4096];
    if (c->compares)
        assert_memory_equal(bytes, file + *done, count);
    *done += count;
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    client *c = context;
    (void)session;
    c->has_goaway |= frame->hd.type == NGHTTP2_GOAWAY;
    return 0;
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t code, void *context)
{
    client *c = context;
    (void)session, (void)stream;
    c->closed++;
    c->reset += code != NGHTTP2_NO_ERROR;
    return 0;
}

static void open_client_of(client *c, const test_server *t)
{
    nghttp2_session_callbacks *table;
    *c = (client){.fd = test_connect(t)};
    assert_int_equal(nghttp2_session_callbacks_new(&table), 0);
    nghttp2_session_callbacks_set_send_callback(table, on_send);
    nghttp2_session_callbacks_set_on_header_callback(table, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(table, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(table, on_close);
    assert_int_equal(nghttp2_session_client_new(&c->session, table, c), 0);
    nghttp2_session_callbacks_del(table);
    assert_int_equal(nghttp2_submit_settings(c->session, 0, NULL, 0), 0);
}

static void open_client(client *c)
{
    open_client_of(c, &server);
}

static void close_client(client *c)
{
    nghttp2_session_del(c->session);
    close(c->fd);
}

static int32_t submit(client *c, const char *path, const char *name, const char *value)
{
    char host[] = "localhost";
    nghttp2_nv fields[5] = {{(uint8_t *)":method", (uint8_t *)"GET", 7, 3, 0},
                            {(uint8_t *)":scheme", (uint8_t *)"http", 7, 4, 0},
                            {(uint8_t *)":authority", (uint8_t *)host, 10, sizeof host - 1, 0},
                            {(uint8_t *)":path", (uint8_t *)(uintptr_t)path, 5, strlen(path), 0}};
    size_t count = 4;
    if (name != NULL)
        fields[count++] = (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value,
                                       strlen(name), strlen(value), 0};
    return nghttp2_submit_request(c->session, NULL, fields, count, NULL, NULL);
}

/* Sends what there is, and takes what comes for up to `ms`; stops when `closed` streams have ended.
 */
static void run(client *c, uint32_t closed, int ms)
{
    static uint8_t bytes[65536];
    if (nghttp2_session_send(c->session) != 0)
        c->is_lost = true;
    while (!c->is_lost && c->closed < closed) {
        struct pollfd poll_fd = {.fd = c->fd, .events = POLLIN};
        if (poll(&poll_fd, 1, ms) != 1)
            return;
        ssize_t got = recv(c->fd, bytes, sizeof bytes, 0);
        if (got <= 0 || nghttp2_session_mem_recv(c->session, bytes, (size_t)got) < 0 ||
            nghttp2_session_send(c->session) != 0)
            c->is_lost = true;
    }
}

static int start(void **state)
{
    (void)state;
    char path[128];
    test_server_folder(&server, "serve_h2_test");
    test_server_start(&server, &(gch_server_desc){.reset_burst = 300,
                                                  .reset_rate = 50,
                                                  .request_timeout_ms = 500,
                                                  .header_bytes_cap = 4096,
                                                  .stream_cap = 64});
    snprintf(path, sizeof path, "%s/a.gch", server.folder);
    file = test_read_file(path, &file_bytes);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    free(file);
    test_server_stop(&server);
    return 0;
}

static void many_streams_get_their_bytes(void **state)
{
    (void)state;
    client c;
    open_client(&c);
    c.compares = true;
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 50; i++)
            assert_true(submit(&c, "/data/a.gch", "priority", i % 2 ? "u=1, i" : "u=5") > 0);
        run(&c, 50 * (uint32_t)(round + 1), 10000);
    }
    assert_int_equal(c.closed, 200);
    assert_int_equal(c.reset, 0);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(c.codes[i], 200);
        assert_int_equal(c.bytes[i], file_bytes);
    }
    close_client(&c);
}

static void every_kind_of_answer_comes(void **state)
{
    (void)state;
    static const struct {
        const char *path, *name, *value;
        int code;
    } cases[] = {{"/healthz", NULL, NULL, 200},
                 {"/data/a.gch", "range", "bytes=0-9,20-29", 206},
                 {"/v1/data/a/columns?width=400&height=300", NULL, NULL, 200},
                 {"/v1/data/a/columns?width=400", NULL, NULL, 400},
                 {"/none", NULL, NULL, 404},
                 {"/data/../a.gch", NULL, NULL, 404},
                 {"/v1/live/x", "upgrade-insecure-requests", "1", 404}};
    client c;
    open_client(&c);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_true(submit(&c, cases[i].path, cases[i].name, cases[i].value) > 0);
    run(&c, sizeof cases / sizeof cases[0], 10000);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(c.codes[i], cases[i].code);
    close_client(&c);
}

/* A viewer that zooms: most of what it asks for it does not want any more when it comes. */
static void a_viewer_that_aborts_keeps_its_connection(void **state)
{
    (void)state;
    client c;
    open_client(&c);
    uint64_t seed = 5;
    for (int i = 0; i < 200; i++) {
        char path[128];
        snprintf(path, sizeof path, "/v1/data/a/columns?width=%d&height=500", 800 + i);
        int32_t a = submit(&c, i % 2 ? "/data/a.gch" : path, NULL, NULL);
        assert_true(a > 0);
        run(&c, UINT32_MAX, test_random(&seed) % 4 == 0 ? 2 : 0);
        nghttp2_submit_rst_stream(c.session, 0, a, NGHTTP2_CANCEL);
        run(&c, UINT32_MAX, 0);
    }
    assert_false(c.is_lost || c.has_goaway);
    uint32_t before = c.closed;
    int32_t last = submit(&c, "/data/a.gch", NULL, NULL);
    run(&c, before + 1, 10000);
    assert_int_equal(c.bytes[last / 2], file_bytes);
    close_client(&c);
    assert_true(test_metric(&server, "stream_resets_total") >= 50);
    for (int i = 0; i < 200 && test_metric(&server, "tasks") > 0; i++)
        test_sleep_ms(20);
    assert_int_equal(test_metric(&server, "tasks"), 0);
}

static void a_rapid_reset_attack_is_cut_off(void **state)
{
    (void)state;
    client c;
    open_client(&c);
    uint32_t sent = 0;
    while (!c.has_goaway && !c.is_lost && sent < 20000) { /* some are forgiven each second */
        int32_t stream = submit(&c, "/data/a.gch", NULL, NULL);
        /* Unsent, request and reset would cancel each other out on our side. */
        c.is_lost = nghttp2_session_send(c.session) != 0;
        if (stream < 0 || c.is_lost)
            break;
        nghttp2_submit_rst_stream(c.session, 0, stream, NGHTTP2_CANCEL);
        sent++;
        run(&c, UINT32_MAX, 0);
    }
    if (!c.has_goaway && !c.is_lost) /* all of it may lie in buffers still */
        run(&c, UINT32_MAX, 10000);
    assert_true(c.has_goaway || c.is_lost);
    assert_true(sent >= 300);
    close_client(&c);
    assert_int_equal(test_code(&server, "GET", "/healthz", "", NULL), 200);
}

static void cancel_streams(client *c, uint32_t count)
{
    for (uint32_t i = 0; i < count && !c->has_goaway && !c->is_lost; i++) {
        int32_t stream = submit(c, "/data/a.gch", NULL, NULL);
        c->is_lost = stream < 0 || nghttp2_session_send(c->session) != 0;
        nghttp2_submit_rst_stream(c->session, 0, stream, NGHTTP2_CANCEL);
        run(c, UINT32_MAX, 0);
    }
}

/* With the limits as they are by default: a burst, then twelve thousand a minute for as long as it
 * likes, and still not what an attack takes. */
static void thousands_of_aborts_a_minute_keep_the_connection_and_the_defence(void **state)
{
    (void)state;
    test_server defaults = {0};
    client c;
    test_server_folder(&defaults, "serve_h2_test_defaults");
    test_server_start(&defaults, &(gch_server_desc){0});
    open_client_of(&c, &defaults);
    cancel_streams(&c, 1600);
    for (int i = 0; i < 15; i++) { /* 3 s, 195 a second */
        test_sleep_ms(200);
        cancel_streams(&c, 39);
    }
    assert_false(c.is_lost || c.has_goaway);
    uint32_t before = c.closed;
    int32_t last = submit(&c, "/data/a.gch", NULL, NULL);
    run(&c, before + 1, 10000);
    assert_int_equal(c.bytes[last / 2 % 4096], file_bytes);
    cancel_streams(&c, 5000); /* an attack, on the same connection */
    run(&c, UINT32_MAX, 5000);
    assert_true(c.has_goaway || c.is_lost);
    close_client(&c);
    assert_true(test_metric(&defaults, "stream_resets_total") >= 2000);
    test_server_stop(&defaults);
}

static void too_large_a_head_is_refused_and_nothing_else_suffers(void **state)
{
    (void)state;
    char value[6000];
    client c;
    open_client(&c);
    memset(value, 'a', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    assert_true(submit(&c, "/healthz", "x-large", value) > 0);
    assert_true(submit(&c, "/healthz", NULL, NULL) > 0);
    assert_true(submit(&c, "/healthz", "origin", "a") > 0);
    run(&c, 3, 10000);
    assert_int_equal(c.codes[0], 431);
    assert_int_equal(c.codes[1], 200);
    assert_int_equal(c.codes[2], 200);
    close_client(&c);
}

static ssize_t read_slowly(nghttp2_session *session, int32_t stream, uint8_t *out, size_t cap,
                           uint32_t *flags, nghttp2_data_source *source, void *context)
{
    (void)session, (void)stream, (void)out, (void)cap, (void)flags, (void)source, (void)context;
    return NGHTTP2_ERR_DEFERRED;
}

static void a_request_that_does_not_arrive_is_given_up(void **state)
{
    (void)state;
    client c;
    open_client(&c);
    nghttp2_data_provider never = {.read_callback = read_slowly};
    nghttp2_nv fields[] = {{(uint8_t *)":method", (uint8_t *)"POST", 7, 4, 0},
                           {(uint8_t *)":scheme", (uint8_t *)"http", 7, 4, 0},
                           {(uint8_t *)":authority", (uint8_t *)"localhost", 10, 9, 0},
                           {(uint8_t *)":path", (uint8_t *)"/v1/live/x", 5, 10, 0}};
    int32_t stream = nghttp2_submit_request(c.session, NULL, fields, 4, &never, NULL);
    run(&c, UINT32_MAX, 2500);
    assert_int_equal(c.codes[stream / 2], 408);
    close_client(&c);
}

/* What a peer sends that is no HTTP/2 ends the connection, not the server. */
static void garbage_ends_the_connection(void **state)
{
    (void)state;
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    uint64_t seed = 9;
    for (int round = 0; round < 50; round++) {
        uint8_t bytes[512];
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)test_random(&seed);
        int fd = test_connect(&server);
        assert_true(test_send(fd, preface, sizeof preface - 1));
        (void)test_send(fd, bytes, sizeof bytes);
        shutdown(fd, SHUT_WR);
        while (test_recv(fd, bytes, sizeof bytes) > 0)
            continue;
        close(fd);
    }
    assert_int_equal(test_code(&server, "GET", "/healthz", "", NULL), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_streams_get_their_bytes),
        cmocka_unit_test(every_kind_of_answer_comes),
        cmocka_unit_test(a_viewer_that_aborts_keeps_its_connection),
        cmocka_unit_test(a_rapid_reset_attack_is_cut_off),
        cmocka_unit_test(thousands_of_aborts_a_minute_keep_the_connection_and_the_defence),
        cmocka_unit_test(too_large_a_head_is_refused_and_nothing_else_suffers),
        cmocka_unit_test(a_request_that_does_not_arrive_is_given_up),
        cmocka_unit_test(garbage_ends_the_connection),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
