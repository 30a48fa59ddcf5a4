/* Slow clients, too many of them, tokens, origins, files that come and change, and the end. */
#include "serve_test.h"

#define READ_TOKEN "read-token-0123456789"
#define WRITE_TOKEN "write-token-0123456789"
#define AS_READER "Authorization: Bearer " READ_TOKEN "\r\n"

static test_server server;

static void begin(const gch_server_desc *desc)
{
    server = (test_server){0};
    test_server_folder(&server, "serve_limits_test");
    test_server_start(&server, desc);
}

/* Whether the connection ends within `ms`; what comes until then is thrown away. */
static bool ends_within(int fd, int ms)
{
    struct timespec start, now;
    char bytes[4096];
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (;;) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        clock_gettime(CLOCK_MONOTONIC, &now);
        long past = (now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000;
        if (past >= ms || poll(&poll_fd, 1, ms - (int)past) != 1)
            return false;
        if (recv(fd, bytes, sizeof bytes, 0) <= 0)
            return true;
    }
}

static void requests_that_do_not_arrive_are_given_up(void **state)
{
    (void)state;
    begin(&(gch_server_desc){.request_timeout_ms = 300, .idle_timeout_ms = 1500});
    static const char *const starts[] = {
        "GET /healthz HTTP/1.1\r\nHost: localh",
        "POST /v1/live/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc"};
    for (size_t i = 0; i < 2; i++) {
        int fd = test_connect(&server);
        assert_true(test_send(fd, starts[i], strlen(starts[i])));
        test_answer a = test_read_answer(fd, false);
        assert_int_equal(a.code, 408);
        test_answer_free(&a);
        assert_true(ends_within(fd, 3000));
        close(fd);
    }
    /* A byte now and then does not help. */
    int fd = test_connect(&server), sent = 0;
    while (sent < 100 && test_send(fd, "G", 1)) {
        test_sleep_ms(50);
        sent++;
    }
    assert_true(sent < 80);
    close(fd);
    /* Who says nothing at all is closed without an answer; who waits between requests, later. */
    fd = test_connect(&server);
    assert_true(ends_within(fd, 1400));
    close(fd);
    fd = test_connect(&server);
    assert_true(test_send(fd, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 42));
    test_answer a = test_read_answer(fd, false);
    assert_int_equal(a.code, 200);
    test_answer_free(&a);
    assert_false(ends_within(fd, 1000));
    assert_true(ends_within(fd, 3000));
    close(fd);
    assert_true(test_metric(&server, "timeouts_total") >= 4);
    test_server_stop(&server);
}

static void clients_that_do_not_read_are_given_up(void **state)
{
    (void)state;
    begin(&(gch_server_desc){.send_timeout_ms = 600});
    char path[128];
    snprintf(path, sizeof path, "%s/large.gch", server.folder);
    FILE *large = fopen(path, "wb"); /* no .gch file, but one of 64 MiB to be sent */
    assert_non_null(large);
    assert_int_equal(ftruncate(fileno(large), 64 << 20), 0);
    fclose(large);
    for (int i = 0; i < 200 && test_code(&server, "HEAD", "/data/large.gch", "", NULL) != 200; i++)
        test_sleep_ms(20);
    static const char request[] = "GET /data/large.gch HTTP/1.1\r\nHost: localhost\r\n\r\n";
    int fd = test_connect(&server);
    assert_true(test_send(fd, request, sizeof request - 1));
    test_sleep_ms(2500);
    assert_int_equal(test_metric(&server, "connections"), 1); /* that of the question itself */
    close(fd);
    /* Who reads slowly but steadily gets all of it. */
    fd = test_connect(&server);
    assert_true(test_send(fd, request, sizeof request - 1));
    static char bytes[1 << 20];
    size_t got = 0, count;
    for (int i = 0; i < 20; i++) {
        got += test_recv(fd, bytes, sizeof bytes);
        test_sleep_ms(100);
    }
    while (got < (64u << 20) && (count = test_recv(fd, bytes, sizeof bytes)) > 0)
        got += count;
    assert_true(got > 64u << 20);
    close(fd);
    test_server_stop(&server);
}

static void connections_are_bounded_in_all_and_for_an_address(void **state)
{
    (void)state;
    begin(&(gch_server_desc){.connection_cap = 8, .connection_cap_of_peer = 4});
    int fds[6];
    for (int i = 0; i < 4; i++)
        fds[i] = test_connect(&server);
    test_sleep_ms(50);
    for (int i = 4; i < 6; i++) {
        fds[i] = test_connect(&server);
        assert_true(ends_within(fds[i], 2000));
    }
    close(fds[0]);
    test_sleep_ms(50);
    assert_int_equal(test_metric(&server, "connections_refused_total"), 2);
    for (int i = 1; i < 6; i++)
        close(fds[i]);
    test_server_stop(&server);
}

static void write_tokens(const char *path)
{
    FILE *tokens = fopen(path, "w");
    assert_non_null(tokens);
    fputs(READ_TOKEN "\n" WRITE_TOKEN " write\n", tokens);
    fclose(tokens);
    assert_int_equal(chmod(path, 0600), 0);
}

static void tokens_open_what_they_are_for(void **state)
{
    (void)state;
    static const char *const origins[] = {"https://charts.example"};
    write_tokens("serve_limits_test.tokens");
    begin(&(gch_server_desc){.token_path = "serve_limits_test.tokens",
                             .allowed_origins = origins,
                             .allowed_origin_count = 1});
    remove("serve_limits_test.tokens");
    static const char *const targets[] = {"/",          "/metrics",    "/v1/data",
                                          "/v1/data/a", "/data/a.gch", "/v1/data/a/range",
                                          "/v1/live",   "/none"};
    char text[64];
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        test_answer a = test_get(&server, targets[i], "");
        assert_int_equal(a.code, 401);
        assert_true(test_field(&a, "www-authenticate", text, sizeof text));
        test_answer_free(&a);
        int code = test_code(&server, "GET", targets[i], AS_READER, NULL);
        assert_int_equal(code, strcmp(targets[i], "/none") == 0 ? 404 : 200);
    }
    assert_int_equal(test_code(&server, "GET", "/healthz", "", NULL), 200);
    assert_int_equal(test_code(&server, "GET", "/v1/data?token=" READ_TOKEN, "", NULL), 200);
    assert_int_equal(
        test_code(&server, "GET", "/v1/data", "Cookie: a=b; gch_token=" READ_TOKEN "\r\n", NULL),
        200);
    assert_int_equal(test_code(&server, "GET", "/v1/data?token=" READ_TOKEN,
                               "Authorization: Bearer wrong\r\n", NULL),
                     401);
    assert_int_equal(
        test_code(&server, "GET", "/v1/data", "Authorization: Basic " READ_TOKEN "\r\n", NULL),
        401);
    assert_int_equal(
        test_code(&server, "GET", "/v1/data", AS_READER "Authorization: Bearer x\r\n", NULL), 400);
    static const char series[] = "/v1/live/x?unit=ms&column=a:f64";
    assert_int_equal(test_code(&server, "PUT", series, AS_READER, NULL), 403);
    assert_int_equal(
        test_code(&server, "PUT", series, "Authorization: Bearer " WRITE_TOKEN "\r\n", NULL), 201);
    test_answer a = test_get(&server, "/v1/data/a", AS_READER "Origin: https://charts.example\r\n");
    assert_true(test_field(&a, "access-control-allow-origin", text, sizeof text));
    assert_string_equal(text, "https://charts.example");
    assert_true(test_field(&a, "vary", text, sizeof text));
    test_answer_free(&a);
    a = test_get(&server, "/v1/data/a", AS_READER "Origin: https://charts.example.evil\r\n");
    assert_false(test_field(&a, "access-control-allow-origin", text, sizeof text));
    test_answer_free(&a);
    a = test_ask(&server, "OPTIONS", "/v1/data/a",
                 "Origin: https://charts.example\r\nAccess-Control-Request-Method: GET\r\n", NULL);
    assert_int_equal(a.code, 204);
    assert_true(test_field(&a, "access-control-allow-headers", text, sizeof text));
    test_answer_free(&a);
    test_server_stop(&server);
}

/* The version of a data set, or "" if it is not there. */
static void get_version(const char *target, char out[32])
{
    test_answer a = test_get(&server, target, "");
    const char *at = strstr(a.bytes, "\"version\": \"");
    snprintf(out, 32, "%.16s", a.code == 200 && at != NULL ? at + 12 : "");
    test_answer_free(&a);
}

static void files_that_come_change_and_go_are_noticed(void **state)
{
    (void)state;
    char path[128], temporary[128], before[32], now[32] = "";
    begin(&(gch_server_desc){0});
    snprintf(path, sizeof path, "%s/new.gch", server.folder);
    snprintf(temporary, sizeof temporary, "%s/new.part", server.folder);
    test_write_file(path, 100);
    for (int i = 0; i < 200 && now[0] == '\0'; i++, test_sleep_ms(20))
        get_version("/v1/data/new", now);
    assert_int_equal(strlen(now), 16);
    /* Replaced while somebody downloads it: the download is of one version. */
    test_write_file(temporary, 200);
    assert_int_equal(rename(temporary, path), 0);
    strcpy(before, now);
    for (int i = 0; i < 200 && strcmp(before, now) == 0; i++, test_sleep_ms(20))
        get_version("/v1/data/new", now);
    assert_string_not_equal(before, now);
    /* Grown in place: seen with the very next request. */
    gch_error err = {0};
    gch_writer *writer = NULL;
    const gch_column_desc columns[] = {{.name = "price", .type = GCH_TYPE_F64, .unit = "EUR"},
                                       {.name = "volume", .type = GCH_TYPE_I64}};
    const gch_writer_desc desc = {.time_unit = GCH_TIME_MS, .columns = columns, .column_count = 2};
    const int64_t time = 99999999, volume = 5;
    const double price = 1.5;
    const gch_column_data data[] = {{.values = &price}, {.values = &volume}};
    assert_ok(gch_writer_open_append(path, &desc, &writer, &err));
    assert_ok(gch_writer_append(writer, &time, data, 1, &err));
    assert_ok(gch_writer_finish(writer, &err));
    test_answer a = test_get(&server, "/v1/data/new", "");
    assert_non_null(strstr(a.body, "\"row_count\": 201,"));
    test_answer_free(&a);
    a = test_get(&server, "/v1/data/new/nearest?t=99999999", "");
    assert_int_equal(a.code, 200);
    test_answer_free(&a);
    /* Cut short in place: an error, no crash. */
    get_version("/v1/data/new", before);
    assert_int_equal(truncate(path, 100), 0);
    assert_int_equal(test_code(&server, "GET", "/v1/data/new/range", "", NULL), 500);
    a = test_get(&server, "/v1/data", "");
    assert_non_null(strstr(a.body, "\"name\": \"new\""));
    assert_non_null(strstr(a.body, "\"error\": {\"status\": \"GCH_CORRUPT\""));
    test_answer_free(&a);
    remove(path);
    int code = 0;
    for (int i = 0; i < 200 && code != 404; i++, test_sleep_ms(20))
        code = test_code(&server, "GET", "/v1/data/new", "", NULL);
    assert_int_equal(code, 404);
    test_server_stop(&server);
}

/* What a server says of what it does not serve. */
static pthread_mutex_t told_lock = PTHREAD_MUTEX_INITIALIZER;
static char told[8192];

static void note_warning(void *context, const char *message)
{
    assert_ptr_equal(context, told);
    pthread_mutex_lock(&told_lock);
    size_t used = strlen(told);
    snprintf(told + used, sizeof told - used, "%s\n", message);
    pthread_mutex_unlock(&told_lock);
}

/* How often a line that begins so and ends so was told. */
static int count_told(const char *start, const char *end)
{
    int count = 0;
    pthread_mutex_lock(&told_lock);
    for (const char *line = told; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        count += length >= strlen(start) + strlen(end) &&
                 strncmp(line, start, strlen(start)) == 0 &&
                 strncmp(line + length - strlen(end), end, strlen(end)) == 0;
        line += length + 1;
    }
    pthread_mutex_unlock(&told_lock);
    return count;
}

static void copy_file(const char *name)
{
    char command[256];
    snprintf(command, sizeof command, "cp '%s/sub/b c.gch' '%s/%s'", server.folder, server.folder,
             name);
    assert_int_equal(system(command), 0);
}

static bool lists(const char *text)
{
    test_answer a = test_get(&server, "/v1/data", "");
    bool has_it = strstr(a.body, text) != NULL;
    test_answer_free(&a);
    return has_it;
}

static void what_cannot_be_served_is_told_once_and_listed(void **state)
{
    (void)state;
    char path[128], other[128], command[512];
    told[0] = '\0';
    server = (test_server){0};
    test_server_folder(&server, "serve_limits_test");
    snprintf(command, sizeof command, "mkdir '%s/.old' '%s/range'; ln -s ../../%s/a.gch %s/out.gch",
             server.folder, server.folder, server.folder, server.folder);
    assert_int_equal(system(command), 0);
    static const char *const refused[] = {"sub/points.gch", "sub/columns.gch", "sub/.b.gch",
                                          ".old/a.gch", "back\\slash.gch"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        copy_file(refused[i]);
    copy_file("points.gch"); /* alone, and as a folder's name, the word is one like others */
    copy_file("range/c.gch");
    test_server_start(&server, &(gch_server_desc){.on_warning = note_warning, .context = told});
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_int_equal(count_told(refused[i], "; rename it"), 1);
    assert_int_equal(count_told("out.gch: not served: it leads out", "there"), 1);
    assert_int_equal(count_told("", ""), 6);
    assert_int_equal(test_code(&server, "GET", "/v1/data/points/range", "", NULL), 200);
    assert_int_equal(test_code(&server, "GET", "/v1/data/range/c/range", "", NULL), 200);

    /* By name, between those that are served; what cannot be a name is not there. */
    test_answer a = test_get(&server, "/v1/data", "");
    static const char *const names[] = {"a",       "out",         "points",    "range/c",
                                        "sub/b c", "sub/columns", "sub/points"};
    const char *at = a.body;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char entry[64];
        snprintf(entry, sizeof entry, "{\"name\": \"%s\"", names[i]);
        at = strstr(at, entry);
        assert_non_null(at);
    }
    assert_non_null(strstr(a.body, "{\"name\": \"sub/points\", \"error\": {\"status\": "
                                   "\"GCH_INVALID\", \"message\": \"not served: "));
    assert_null(strstr(a.body, ".old"));
    assert_null(strstr(a.body, "slash"));
    assert_null(strstr(a.body, ".b"));
    test_answer_free(&a);
    a = test_get(&server, "/", "");
    assert_non_null(strstr(a.body, "<td>sub/points<td>not served: "));
    test_answer_free(&a);
    assert_int_equal(test_code(&server, "GET", "/data/sub/points.gch", "", NULL), 404);
    assert_int_equal(test_metric(&server, "data_sets"), 4);

    /* A new one is told when it is noticed, the others not again. */
    copy_file("sub/bars.gch");
    for (int i = 0; i < 200 && !lists("sub/bars"); i++)
        test_sleep_ms(20);
    test_sleep_ms(150); /* looks that find nothing new */
    assert_int_equal(count_told("sub/bars.gch: not served: ", "; rename it"), 1);
    assert_int_equal(count_told("", ""), 7);
    /* What to do helps. */
    snprintf(path, sizeof path, "%s/sub/points.gch", server.folder);
    snprintf(other, sizeof other, "%s/sub/places.gch", server.folder);
    assert_int_equal(rename(path, other), 0);
    for (int i = 0; i < 200 && lists("sub/points"); i++)
        test_sleep_ms(20);
    assert_int_equal(
        test_code(&server, "GET", "/v1/data/sub/places/points?width=9&height=9", "", NULL), 200);
    test_server_stop(&server);
}

/* Work at hand is finished, new work is not begun. */
static void stopping_lets_answers_end(void **state)
{
    (void)state;
    begin(&(gch_server_desc){0});
    char path[128];
    size_t file_bytes;
    snprintf(path, sizeof path, "%s/a.gch", server.folder);
    char *file = test_read_file(path, &file_bytes);
    static const char request[] = "GET /data/a.gch HTTP/1.1\r\nHost: localhost\r\n\r\n";
    int idle = test_connect(&server), busy = test_connect(&server);
    assert_true(test_send(idle, request, sizeof request - 1));
    test_answer a = test_read_answer(idle, false);
    assert_int_equal(a.code, 200);
    test_answer_free(&a);
    /* A request that has arrived in part is still taken. */
    assert_true(test_send(busy, request, 20));
    test_sleep_ms(100);
    gch_server_stop(server.server);
    assert_true(ends_within(idle, 3000));
    close(idle), close(busy), free(file);
    test_server_stop(&server);
    begin(&(gch_server_desc){.drain_timeout_ms = 60000});
    int fd = test_connect(&server);
    static char text[16384];
    int length = snprintf(text, sizeof text,
                          "GET /v1/data/a/columns?width=16384&height=1000 "
                          "HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_true(test_send(fd, text, (size_t)length));
    while (test_metric(&server, "requests_total{protocol=\"http1\"}") < 2)
        test_sleep_ms(1);
    gch_server_stop(server.server);
    a = test_read_answer(fd, false);
    assert_int_equal(a.code, 200);
    assert_true(a.body_count > 300000);
    test_answer_free(&a);
    assert_true(ends_within(fd, 3000));
    close(fd);
    test_server_stop(&server);
}

static void descs_that_contradict_themselves_are_refused(void **state)
{
    (void)state;
    gch_error err = {0};
    gch_data *data = NULL;
    gch_server *made = NULL;
    const char *path = ".", *none = "no-such-folder";
    assert_ok(gch_data_make(NULL, &data, &err));
    const struct {
        gch_server_desc desc;
        gch_status status;
    } cases[] = {
        {{.paths = &path, .path_count = 1}, GCH_INVALID},
        {{.data = data}, GCH_INVALID},
        {{.data = data, .paths = &none, .path_count = 1, .listen = "127.0.0.1:0"}, GCH_NOT_FOUND},
        {{.data = data, .paths = &path, .path_count = 1, .listen = "127.0.0.1"}, GCH_INVALID},
        {{.data = data, .paths = &path, .path_count = 1, .listen = "::1:80"}, GCH_INVALID},
        {{.data = data, .paths = &path, .path_count = 1, .listen = "127.0.0.1:99999"}, GCH_INVALID},
        {{.data = data, .paths = &path, .path_count = 1, .tls_certificate = "x"}, GCH_INVALID},
        {{.data = data,
          .paths = &path,
          .path_count = 1,
          .listen = "127.0.0.1:0",
          .tls_certificate = "x",
          .tls_key = "y"},
         GCH_IO},
        {{.data = data, .paths = &path, .path_count = 1, .token_path = "none"}, GCH_NOT_FOUND},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gch_status status = gch_server_make(&cases[i].desc, &made, &err);
        if (status != cases[i].status)
            fail_msg("case %zu: %s (%s)", i, gch_status_name(status), err.message);
    }
    assert_ok(gch_data_destroy(data, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_that_do_not_arrive_are_given_up),
        cmocka_unit_test(clients_that_do_not_read_are_given_up),
        cmocka_unit_test(connections_are_bounded_in_all_and_for_an_address),
        cmocka_unit_test(tokens_open_what_they_are_for),
        cmocka_unit_test(files_that_come_change_and_go_are_noticed),
        cmocka_unit_test(what_cannot_be_served_is_told_once_and_listed),
        cmocka_unit_test(stopping_lets_answers_end),
        cmocka_unit_test(descs_that_contradict_themselves_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
