/* The server over HTTP/1.1: what it answers, and to whom. */
#include "serve_test.h"

static test_server server;
static char *file;
static size_t file_bytes;

static int start(void **state)
{
    (void)state;
    char path[128];
    test_server_folder(&server, "serve_http_test");
    test_server_start(&server, &(gch_server_desc){.coding = GCH_CODING_ALWAYS});
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

static void assert_field(const test_answer *a, const char *name, const char *expected)
{
    char text[512];
    if (!test_field(a, name, text, sizeof text))
        fail_msg("no field %s in %s", name, a->bytes);
    assert_string_equal(text, expected);
}

/* ---- what there is ---- */

static void lists_and_metadata_describe_what_is_served(void **state)
{
    (void)state;
    test_answer a = test_get(&server, "/v1/data", "");
    assert_int_equal(a.code, 200);
    assert_field(&a, "content-type", "application/json");
    assert_non_null(strstr(a.body, "{\"data\": [{\"name\": \"a\""));
    assert_non_null(strstr(a.body, "{\"name\": \"sub/b c\""));
    assert_non_null(strstr(a.body, "\"url\": \"/data/sub/b%20c.gch\""));
    test_answer_free(&a);
    a = test_get(&server, "/v1/data/sub/b%20c", "");
    assert_int_equal(a.code, 200);
    assert_non_null(strstr(a.body, "\"row_count\": 300,"));
    assert_non_null(strstr(a.body, "\"source\": \"test \\\"data\\\"\""));
    assert_non_null(strstr(a.body, "\"first\": 1000, \"last\": 3990"));
    assert_non_null(strstr(a.body, "\"unit\": \"EUR\", \"type\": \"f64\", \"kind\": \"decimal\", "
                                   "\"scale\": 2"));
    test_answer_free(&a);
    a = test_get(&server, "/", "");
    assert_int_equal(a.code, 200);
    assert_non_null(strstr(a.body, "href=\"v1/data/sub/b%20c\""));
    test_answer_free(&a);
}

static void write_text(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static void viewer_is_served_to_everybody_and_nothing_else_of_its_folder(void **state)
{
    (void)state;
    test_server t = {0};
    gch_error err;
    char path[128], text[4096] = "body{}";
    test_server_folder(&t, "viewer_test");
    char folder[96], tokens[96];
    snprintf(folder, sizeof folder, "%s/page", t.folder);
    snprintf(tokens, sizeof tokens, "%s/tokens", t.folder);
    assert_int_equal(mkdir(folder, 0755), 0);
    write_text(tokens, "secret-token-0123456789\n");
    gch_server_desc desc = {.viewer_path = folder, .token_path = tokens, .listen = "127.0.0.1:0"};
    gch_data *data = NULL;
    gch_server *none = NULL;
    assert_ok(gch_data_make(&(gch_data_desc){.host_budget_bytes = 1u << 20}, &data, &err));
    const char *served = t.folder;
    desc.data = data;
    desc.paths = &served;
    desc.path_count = 1;
    assert_status(gch_server_make(&desc, &none, &err), GCH_NOT_FOUND); /* there is no page yet */
    assert_ok(gch_data_destroy(data, &err));
    snprintf(path, sizeof path, "%s/viewer", folder);
    assert_int_equal(mkdir(path, 0755), 0);
    snprintf(path, sizeof path, "%s/viewer/index.html", folder);
    write_text(path, "<!doctype html><title>Viewer</title>");
    snprintf(path, sizeof path, "%s/style.css", folder);
    for (size_t at = 6; at + 8 < sizeof text; at += 6)
        memcpy(text + at, "body{}", 7);
    write_text(path, text);
    snprintf(path, sizeof path, "%s/notes.txt", folder);
    write_text(path, "not for the web");
    test_server_start(&t, &desc);

    test_answer a = test_get(&t, "/?file=x&unknown=1", "");
    assert_int_equal(a.code, 200);
    assert_field(&a, "content-type", "text/html; charset=utf-8");
    assert_field(&a, "cross-origin-opener-policy", "same-origin");
    assert_non_null(strstr(a.body, "<title>Viewer"));
    test_answer_free(&a);
    a = test_get(&t, "/style.css", "");
    assert_int_equal(a.code, 200);
    assert_field(&a, "content-type", "text/css; charset=utf-8");
    assert_string_equal(a.body, text);
    char tag[64], if_none[96];
    assert_true(test_field(&a, "etag", tag, sizeof tag));
    test_answer_free(&a);
    snprintf(if_none, sizeof if_none, "If-None-Match: %s\r\n", tag);
    assert_int_equal(test_code(&t, "GET", "/style.css", if_none, NULL), 304);
    a = test_get(&t, "/style.css", "Accept-Encoding: br, gzip;q=0.5\r\n");
    assert_field(&a, "content-encoding", "gzip");
    assert_true(a.body_count < 200);
    test_answer_free(&a);
    a = test_get(&t, "/style.css", "Accept-Encoding: gzip;q=0\r\n");
    assert_string_equal(a.body, text);
    test_answer_free(&a);
    static const char *const others[] = {"/notes.txt",  "/viewer/index.html", "/../tokens",
                                         "/style.css/", "/v1/data",           "/metrics"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(test_code(&t, "GET", others[i], "", NULL), 401);
    assert_int_equal(test_code(&t, "POST", "/style.css", "", NULL), 405);
    assert_int_equal(
        test_code(&t, "GET", "/v1/data", "Authorization: Bearer secret-token-0123456789\r\n", NULL),
        200);
    test_server_stop(&t);
}

static void health_and_metrics_answer(void **state)
{
    (void)state;
    test_answer a = test_get(&server, "/healthz", "");
    assert_int_equal(a.code, 200);
    assert_string_equal(a.body, "ok\n");
    char date[64];
    struct tm parts = {0};
    assert_true(test_field(&a, "date", date, sizeof date));
    const char *end = strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    assert_true(end != NULL && *end == '\0');
    assert_true(labs((long)(timegm(&parts) - time(NULL))) < 60);
    test_answer_free(&a);
    a = test_get(&server, "/metrics", "");
    assert_int_equal(a.code, 200);
    assert_non_null(strstr(a.body, "\ngpucharts_data_sets 2\n"));
    assert_non_null(strstr(a.body, "gpucharts_request_seconds_bucket{le=\"+Inf\"}"));
    test_answer_free(&a);
}

static void unknown_paths_and_methods_are_told_so(void **state)
{
    (void)state;
    assert_int_equal(test_code(&server, "GET", "/v2", "", NULL), 404);
    assert_int_equal(test_code(&server, "GET", "/v1/data/none", "", NULL), 404);
    assert_int_equal(test_code(&server, "GET", "/data/a", "", NULL), 404);
    assert_int_equal(test_code(&server, "GET", "/v1/data/a/rows", "", NULL), 404);
    assert_int_equal(test_code(&server, "GET", "/v1/data/a?x=1", "", NULL), 400);
    assert_int_equal(test_code(&server, "GET", "/v1/data/a?v=", "", NULL), 409);
    assert_int_equal(test_code(&server, "GET", "/v1/data/a?v=%zz", "", NULL), 400);
    test_answer a = test_ask(&server, "POST", "/data/a.gch", "", "x");
    assert_int_equal(a.code, 405);
    assert_field(&a, "allow", "GET, HEAD, OPTIONS");
    test_answer_free(&a);
    assert_int_equal(test_code(&server, "BREW", "/", "", NULL), 405);
    assert_int_equal(test_code(&server, "OPTIONS", "*", "", NULL), 204);
}

/* ---- files ---- */

static void assert_body(const test_answer *a, uint64_t first, size_t count)
{
    assert_int_equal(a->body_count, count);
    assert_memory_equal(a->body, file + first, count);
}

static void files_come_whole_and_in_ranges(void **state)
{
    (void)state;
    char expected[128];
    test_answer a = test_get(&server, "/data/a.gch", "");
    assert_int_equal(a.code, 200);
    assert_field(&a, "accept-ranges", "bytes");
    assert_body(&a, 0, file_bytes);
    test_answer_free(&a);
    a = test_get(&server, "/data/a.gch", "Range: bytes=100-20099\r\n");
    assert_int_equal(a.code, 206);
    snprintf(expected, sizeof expected, "bytes 100-20099/%zu", file_bytes);
    assert_field(&a, "content-range", expected);
    assert_body(&a, 100, 20000);
    test_answer_free(&a);
    a = test_get(&server, "/data/a.gch", "Range: bytes=-7\r\n");
    assert_body(&a, file_bytes - 7, 7);
    test_answer_free(&a);
    a = test_get(&server, "/data/a.gch", "Range: bytes=99999999-\r\n");
    assert_int_equal(a.code, 416);
    snprintf(expected, sizeof expected, "bytes */%zu", file_bytes);
    assert_field(&a, "content-range", expected);
    assert_field(&a, "cache-control", "no-store");
    test_answer_free(&a);
    a = test_get(&server, "/data/a.gch", "Range: bytes=5-1\r\n");
    assert_int_equal(a.code, 200);
    test_answer_free(&a);
}

static void several_ranges_come_as_parts(void **state)
{
    (void)state;
    char type[96], delimiter[80], tail[128];
    test_answer a = test_get(&server, "/data/a.gch", "Range: bytes=1000-1999,0-99,-10\r\n");
    assert_int_equal(a.code, 206);
    assert_true(test_field(&a, "content-type", type, sizeof type));
    assert_int_equal(strncmp(type, "multipart/byteranges; boundary=", 31), 0);
    snprintf(delimiter, sizeof delimiter, "--%s", type + 31);
    static const struct {
        uint64_t first;
        size_t count;
    } parts[] = {{1000, 1000}, {0, 100}, {0, 10}};
    const char *at = a.body, *end = a.body + a.body_count;
    for (size_t i = 0; i < 3; i++) {
        uint64_t first = i == 2 ? file_bytes - 10 : parts[i].first;
        char head[256];
        int length = snprintf(head, sizeof head,
                              "%s%s\r\nContent-Type: application/vnd.gpucharts.file\r\n"
                              "Content-Range: bytes %llu-%llu/%zu\r\n\r\n",
                              i > 0 ? "\r\n" : "", delimiter, (unsigned long long)first,
                              (unsigned long long)(first + parts[i].count - 1), file_bytes);
        assert_true(end - at > length + (long)parts[i].count);
        assert_memory_equal(at, head, (size_t)length);
        assert_memory_equal(at + length, file + first, parts[i].count);
        at += length + (long)parts[i].count;
    }
    snprintf(tail, sizeof tail, "\r\n%s--\r\n", delimiter);
    assert_string_equal(at, tail);
    test_answer_free(&a);
}

static void conditions_are_kept(void **state)
{
    (void)state;
    char tag[64], fields[256];
    test_answer a = test_get(&server, "/data/a.gch", "Range: bytes=0-9\r\n");
    assert_true(test_field(&a, "etag", tag, sizeof tag));
    test_answer_free(&a);
    snprintf(fields, sizeof fields, "If-None-Match: \"x\", %s\r\n", tag);
    a = test_get(&server, "/data/a.gch", fields);
    assert_int_equal(a.code, 304);
    assert_field(&a, "etag", tag);
    test_answer_free(&a);
    snprintf(fields, sizeof fields, "If-None-Match: W/%s\r\n", tag);
    assert_int_equal(test_code(&server, "GET", "/data/a.gch", fields, NULL), 304);
    assert_int_equal(test_code(&server, "GET", "/data/a.gch", "If-None-Match: \"x\"\r\n", NULL),
                     200);
    snprintf(fields, sizeof fields, "Range: bytes=0-9\r\nIf-Range: %s\r\n", tag);
    assert_int_equal(test_code(&server, "GET", "/data/a.gch", fields, NULL), 206);
    snprintf(fields, sizeof fields, "Range: bytes=0-9\r\nIf-Range: W/%s\r\n", tag);
    assert_int_equal(test_code(&server, "GET", "/data/a.gch", fields, NULL), 200);
    assert_int_equal(
        test_code(&server, "GET", "/data/a.gch", "Range: bytes=0-9\r\nIf-Range: \"old\"\r\n", NULL),
        200);
}

static void versions_make_answers_immutable(void **state)
{
    (void)state;
    char tag[64], target[128];
    test_answer a = test_ask(&server, "HEAD", "/data/a.gch", "Range: bytes=0-9\r\n", NULL);
    assert_int_equal(a.code, 200);
    assert_int_equal(a.body_count, 0);
    snprintf(target, sizeof target, "%zu", file_bytes);
    assert_field(&a, "content-length", target);
    assert_field(&a, "cache-control", "no-cache");
    assert_true(test_field(&a, "etag", tag, sizeof tag));
    test_answer_free(&a);
    snprintf(target, sizeof target, "/data/a.gch?v=%.16s", tag + 1);
    a = test_get(&server, target, "Range: bytes=0-9\r\n");
    assert_int_equal(a.code, 206);
    assert_field(&a, "cache-control", "public, max-age=31536000, immutable");
    test_answer_free(&a);
    a = test_get(&server, "/data/a.gch?v=0123456789abcdef", "");
    assert_int_equal(a.code, 409);
    assert_field(&a, "cache-control", "no-store");
    assert_field(&a, "etag", tag);
    assert_non_null(strstr(a.body, "GCH_CANCELLED"));
    test_answer_free(&a);
}

/* ---- views ---- */

static uint32_t u32_at(const char *bytes, size_t at)
{
    uint32_t value;
    memcpy(&value, bytes + at, sizeof value);
    return value;
}

static void columns_come_coded_if_the_client_takes_it(void **state)
{
    (void)state;
    static const char target[] = "/v1/data/a/columns?column=price&width=800&height=600";
    test_answer a = test_get(&server, target, "");
    assert_int_equal(a.code, 200);
    assert_field(&a, "content-type", "application/vnd.gpucharts.answer");
    assert_memory_equal(a.body, "GCHA\1\0\1\0", 8);
    assert_int_equal(u32_at(a.body, 8), a.body_count);
    assert_int_equal(u32_at(a.body, 64), 800);
    size_t plain = a.body_count;
    test_answer_free(&a);
    static const char *const codings[] = {"zstd", "br", "gzip"};
    for (size_t i = 0; i < 3; i++) {
        char fields[64];
        snprintf(fields, sizeof fields, "Accept-Encoding: %s\r\n", codings[i]);
        a = test_get(&server, target, fields);
        assert_field(&a, "content-encoding", codings[i]);
        assert_field(&a, "vary", "Accept-Encoding");
        assert_true(a.body_count < plain / 2);
        test_answer_free(&a);
    }
    char tag[64], fields[128];
    a = test_get(&server, target, "");
    assert_true(test_field(&a, "etag", tag, sizeof tag));
    test_answer_free(&a);
    snprintf(fields, sizeof fields, "If-None-Match: %s\r\n", tag);
    assert_int_equal(test_code(&server, "GET", target, fields, NULL), 304);
    assert_int_equal(test_code(&server, "HEAD", target, "", NULL), 200);
}

static void every_kind_of_view_answers(void **state)
{
    (void)state;
    static const struct {
        const char *target;
        char kind;
    } cases[] = {{"/v1/data/a/bars?bar=10s&column=volume", 2},
                 {"/v1/data/a/range?from=2000&to=3000", 3},
                 {"/v1/data/a/points?width=100&height=100&to=1500", 4},
                 {"/v1/data/a/nearest?t=1970-01-01T00:00:05Z", 5},
                 {"/v1/data/sub/b%20c/range", 3}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        test_answer a = test_get(&server, cases[i].target, "");
        if (a.code != 200)
            fail_msg("%s: %s", cases[i].target, a.bytes);
        assert_int_equal(a.body[6], cases[i].kind);
        assert_int_equal(u32_at(a.body, 8), a.body_count);
        test_answer_free(&a);
    }
}

static void views_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        int code;
    } cases[] = {{"columns?width=10", 400},
                 {"columns?width=0&height=10", 400},
                 {"columns?width=16385&height=10", 400},
                 {"columns?width=10&height=10&from=5&to=5", 400},
                 {"columns?width=10&height=10&from=x", 400},
                 {"columns?width=10&height=10&ymin=1", 400},
                 {"columns?width=10&height=10&ymin=2&ymax=1", 400},
                 {"columns?width=10&height=10&ymin=0&ymax=1e999", 400},
                 {"columns?width=10&height=10&axis=cubic", 400},
                 {"columns?width=10&height=10&width=10", 400},
                 {"columns?width=10&height=10&outside=0", 400},
                 {"columns?width=10&height=10&column=none", 404},
                 {"bars?column=price", 400},
                 {"bars?bar=1x", 400},
                 {"bars?bar=1d&tz=Mars/Olympus", 404},
                 {"bars?bar=1d&tz=../../etc/passwd", 404},
                 {"bars?bar=10ms&cap=5", 422},
                 {"points?width=10&height=10&cap=5", 422},
                 {"nearest", 400},
                 {"range?bar=1d", 400},
                 {"range?from=99999999999999999999", 400}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char target[256];
        snprintf(target, sizeof target, "/v1/data/a/%s", cases[i].query);
        test_answer a = test_get(&server, target, "");
        if (a.code != cases[i].code)
            fail_msg("%s: %d, expected %d: %s", target, a.code, cases[i].code, a.body);
        assert_non_null(strstr(a.body, "{\"error\": {\"status\": \"GCH_"));
        test_answer_free(&a);
    }
}

/* ---- the connection ---- */

static void one_connection_takes_requests_one_after_the_other(void **state)
{
    (void)state;
    int fd = test_connect(&server);
    static const char request[] = "GET /data/a.gch HTTP/1.1\r\nHost: localhost\r\n\r\n"
                                  "GET /v1/data/a/range HTTP/1.1\r\nHost: localhost\r\n\r\n"
                                  "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (int round = 0; round < 3; round++) { /* pipelined */
        assert_true(test_send(fd, request, sizeof request - 1));
        for (int i = 0; i < 3; i++) {
            test_answer a = test_read_answer(fd, false);
            assert_int_equal(a.code, 200);
            assert_int_equal(a.body_count, i == 0 ? file_bytes : i == 1 ? 96 : 3);
            test_answer_free(&a);
        }
    }
    for (size_t i = 0; i < sizeof request - 1; i++) /* byte by byte */
        assert_true(test_send(fd, request + i, 1));
    for (int i = 0; i < 3; i++) {
        test_answer a = test_read_answer(fd, false);
        assert_int_equal(a.code, 200);
        test_answer_free(&a);
    }
    close(fd);
}

static void a_connection_ends_when_it_should(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "GET /healthz HTTP/1.0\r\n\r\n", "GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n"};
    for (size_t i = 0; i < 3; i++) {
        int fd = test_connect(&server);
        char byte;
        assert_true(test_send(fd, requests[i], strlen(requests[i])));
        test_answer a = test_read_answer(fd, false);
        assert_int_equal(a.code, 200);
        assert_field(&a, "connection", "close");
        assert_int_equal(test_recv(fd, &byte, 1), 0);
        test_answer_free(&a);
        close(fd);
    }
    int fd = test_connect(&server);
    static const char old[] = "GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    for (int i = 0; i < 2; i++) {
        assert_true(test_send(fd, old, sizeof old - 1));
        test_answer a = test_read_answer(fd, false);
        assert_field(&a, "connection", "keep-alive");
        test_answer_free(&a);
    }
    /* Who sends no more gets the answer all the same. */
    static const char last[] = "GET /data/a.gch HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_true(test_send(fd, last, sizeof last - 1));
    shutdown(fd, SHUT_WR);
    test_answer a = test_read_answer(fd, false);
    assert_body(&a, 0, file_bytes);
    test_answer_free(&a);
    close(fd);
}

static void requests_that_cannot_be_told_apart_end_the_connection(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "POST /v1/live/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n"
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: "
        "localhost\r\n\r\n",
        "POST /v1/live/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        "4;x\r\nabcd\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /healthz HTTP/1.1\nHost: localhost\n\nGET /healthz HTTP/1.1\r\nHost: "
        "localhost\r\n\r\n"};
    for (size_t i = 0; i < 3; i++) {
        int fd = test_connect(&server);
        char byte;
        assert_true(test_send(fd, requests[i], strlen(requests[i])));
        test_answer a = test_read_answer(fd, false);
        assert_int_equal(a.code, 400);
        assert_field(&a, "connection", "close");
        assert_int_equal(test_recv(fd, &byte, 1), 0); /* the second request is not answered */
        test_answer_free(&a);
        close(fd);
    }
}

static void too_much_is_refused(void **state)
{
    (void)state;
    char *text = malloc(40000);
    assert_non_null(text);
    snprintf(text, 40000, "GET /%08200d HTTP/1.1\r\nHost: localhost\r\n\r\n", 0);
    assert_int_equal(test_raw(&server, text), 414);
    snprintf(text, 40000, "GET / HTTP/1.1\r\nHost: localhost\r\nA: %020000d\r\n\r\n", 0);
    assert_int_equal(test_raw(&server, text), 431);
    assert_int_equal(test_raw(&server, "POST /v1/live/x HTTP/1.1\r\nHost: localhost\r\n"
                                       "Content-Length: 8388609\r\n\r\n"),
                     413);
    assert_int_equal(test_raw(&server, "POST /v1/live/x HTTP/1.1\r\nHost: localhost\r\n"
                                       "Transfer-Encoding: chunked\r\n\r\n1000000000000000\r\n"),
                     400);
    assert_int_equal(test_raw(&server, "POST /v1/live/x HTTP/1.1\r\nHost: localhost\r\n"
                                       "Expect: magic\r\nContent-Length: 1\r\n\r\nx"),
                     417);
    free(text);
}

static void nothing_outside_the_folder_is_reachable(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/data/../serve_http_test.gch", "/data/%2e%2e/secret.gch", "/data/sub/../a.gch",
        "/data/..%2fsecret.gch",        "/data//etc/passwd.gch",   "/data/%2fetc/passwd.gch",
        "/data/sub%2fb%20c.gch",        "/data/out.gch",           "/data/outdir/secret.gch",
        "/data/a.gch%00.gch",           "/data/.hidden.gch",       "/data/sub\\b.gch"};
    char command[512];
    snprintf(command, sizeof command,
             "cp '%s/a.gch' secret_%d.gch; ln -s ../secret_%d.gch '%s/out.gch';"
             "ln -s .. '%s/outdir'; cp '%s/a.gch' '%s/.hidden.gch'; ln -s a.gch '%s/in.gch'",
             server.folder, (int)getpid(), (int)getpid(), server.folder, server.folder,
             server.folder, server.folder, server.folder);
    assert_int_equal(system(command), 0);
    int code = 0;
    for (int i = 0; i < 100 && code != 200; i++) { /* a link within is served once it is noticed */
        test_sleep_ms(20);
        code = test_code(&server, "HEAD", "/data/in.gch", "", NULL);
    }
    assert_int_equal(code, 200);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (test_code(&server, "GET", paths[i], "", NULL) != 404)
            fail_msg("reached: %s", paths[i]);
    }
    snprintf(command, sizeof command, "rm secret_%d.gch '%s/in.gch'", (int)getpid(), server.folder);
    assert_int_equal(system(command), 0);
}

static void fields_of_requests_do_not_reach_those_of_answers(void **state)
{
    (void)state;
    static const char *const targets[] = {"/data/a%0d%0aSet-Cookie:%20x=y.gch",
                                          "/v1/data/a/range?column=%0d%0aSet-Cookie:x",
                                          "/v1/data/a?v=%0d%0aSet-Cookie:x"};
    for (size_t i = 0; i < 3; i++) {
        test_answer a = test_get(&server, targets[i], "Origin: http://evil%0d%0ax\r\n");
        assert_true(a.code == 400 || a.code == 404);
        assert_null(strstr(a.bytes, "Set-Cookie"));
        assert_null(strstr(a.bytes, "evil"));
        test_answer_free(&a);
    }
}

static void foreign_names_and_pages_are_kept_out(void **state)
{
    (void)state;
    assert_int_equal(test_raw(&server, "GET /v1/data HTTP/1.1\r\nHost: evil.example\r\n\r\n"), 421);
    assert_int_equal(test_raw(&server, "GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n"), 200);
    test_answer a = test_get(&server, "/v1/data", "Origin: http://evil.example\r\n");
    char text[64];
    assert_int_equal(a.code, 200);
    assert_false(test_field(&a, "access-control-allow-origin", text, sizeof text));
    test_answer_free(&a);
    assert_int_equal(test_code(&server, "PUT", "/v1/live/x?unit=ms&column=a:f64",
                               "Origin: http://evil.example\r\n", NULL),
                     403);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_and_metadata_describe_what_is_served),
        cmocka_unit_test(viewer_is_served_to_everybody_and_nothing_else_of_its_folder),
        cmocka_unit_test(health_and_metrics_answer),
        cmocka_unit_test(unknown_paths_and_methods_are_told_so),
        cmocka_unit_test(files_come_whole_and_in_ranges),
        cmocka_unit_test(several_ranges_come_as_parts),
        cmocka_unit_test(conditions_are_kept),
        cmocka_unit_test(versions_make_answers_immutable),
        cmocka_unit_test(columns_come_coded_if_the_client_takes_it),
        cmocka_unit_test(every_kind_of_view_answers),
        cmocka_unit_test(views_that_make_no_sense_are_refused),
        cmocka_unit_test(one_connection_takes_requests_one_after_the_other),
        cmocka_unit_test(a_connection_ends_when_it_should),
        cmocka_unit_test(requests_that_cannot_be_told_apart_end_the_connection),
        cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(nothing_outside_the_folder_is_reachable),
        cmocka_unit_test(fields_of_requests_do_not_reach_those_of_answers),
        cmocka_unit_test(foreign_names_and_pages_are_kept_out),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
