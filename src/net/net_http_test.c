/* The client against a server that misbehaves: every fault has its status, and what can be had in
 * spite of it is had, byte by byte. */
#include "net_test.h"

#include "gch/version.h"

#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>

#define SIZE 100000u

static test_peer peer;
static gch_http *http;
static gch_error err;
static uint8_t bytes[SIZE];
static int name_count;
static gch_http_response last;

static int start_peer(void **state)
{
    (void)state;
    const char *const arguments[] = {PYTHON, NET_PEER, "net_http_test.tmp", NULL};
    test_peer_start(&peer, arguments);
    gch_http_desc desc = test_http_desc("net_http_test.tmp/ca.pem");
    return gch_http_make(&desc, &http, &err) == GCH_OK ? 0 : -1;
}

static int stop_peer(void **state)
{
    (void)state;
    gch_http_response_reset(http, &last);
    gch_http_destroy(http);
    test_peer_stop(&peer);
    return 0;
}

/* "http://127.0.0.1:PORT/x?id=NAME&QUERY", with a name of its own for each call. */
static const char *url_of(const char *server, const char *query)
{
    static char url[1024];
    bool is_tls = strcmp(server, "http") != 0;
    snprintf(url, sizeof url, "%s://localhost:%d/x?id=%d&%s", is_tls ? "https" : "http",
             test_peer_port(&peer, server), ++name_count, query);
    return url;
}

/* Requests that the peer has seen under the newest name. */
static int seen_count(void)
{
    char url[256];
    gch_http_response response;
    snprintf(url, sizeof url, "http://localhost:%d/seen?id=%d", test_peer_port(&peer, "http"),
             name_count);
    gch_http_request request = {.url = url};
    assert_ok(gch_http_fetch(http, &request, NULL, &response, &err));
    assert_true(response.body_bytes > 0 && response.body_bytes < 10);
    char text[16] = {0};
    memcpy(text, response.body, response.body_bytes);
    gch_http_response_reset(http, &response);
    return (int)strtol(text, NULL, 10);
}

static gch_status fetch(const gch_http_request *request)
{
    gch_http_response_reset(http, &last);
    return gch_http_fetch(http, request, NULL, &last, &err);
}

static gch_status fetch_range(const char *url, uint64_t offset, size_t count)
{
    memset(bytes, 0xEE, sizeof bytes);
    gch_http_request request = {
        .url = url, .offset = offset, .byte_count = count, .out_bytes = bytes};
    return fetch(&request);
}

static gch_status fetch_body(const char *url, size_t cap)
{
    gch_http_request request = {.url = url, .body_cap = cap};
    return fetch(&request);
}

/* ---- what works ---- */

static void a_range_comes_whole_over_http_and_https(void **state)
{
    (void)state;
    const char *const servers[] = {"http", "https"};
    for (int i = 0; i < 2; i++) {
        assert_ok(fetch_range(url_of(servers[i], ""), 1234, 50000));
        assert_true(test_content_is(bytes, 1234, 50000, 1));
        assert_int_equal(bytes[50000], 0xEE);
        assert_int_equal(last.http_status, 206);
        assert_int_equal(last.total_bytes, SIZE);
        assert_string_equal(last.validator, "\"v1\"");
        assert_int_equal(last.retry_count, 0);
    }
}

static void a_suffix_is_the_end_or_all_of_a_smaller_resource(void **state)
{
    (void)state;
    gch_http_request request = {
        .url = url_of("http", ""), .byte_count = 1000, .is_suffix = true, .out_bytes = bytes};
    assert_ok(fetch(&request));
    assert_int_equal(last.offset, SIZE - 1000);
    assert_int_equal(last.body_bytes, 1000);
    assert_true(test_content_is(bytes, SIZE - 1000, 1000, 1));
    request.url = url_of("http", "size=700");
    assert_ok(fetch(&request));
    assert_int_equal(last.offset, 0);
    assert_int_equal(last.body_bytes, 700);
    assert_true(test_content_is(bytes, 0, 700, 1));
    request.url = url_of("http", "size=700&do=no-range");
    assert_ok(fetch(&request));
    assert_int_equal(last.body_bytes, 700);
    assert_true(test_content_is(bytes, 0, 700, 1));
}

static void a_whole_body_is_decoded_as_it_comes(void **state)
{
    (void)state;
    assert_ok(fetch_body(url_of("http", "do=gzip"), 0));
    assert_int_equal(last.body_bytes, SIZE);
    assert_true(test_content_is(last.body, 0, SIZE, 1));
    assert_ok(fetch_body(url_of("http", ""), 0));
    assert_true(test_content_is(last.body, 0, SIZE, 1));
}

static bool body_has(const char *text)
{
    return last.body != NULL && memmem(last.body, last.body_bytes, text, strlen(text)) != NULL;
}

static void fields_say_priority_token_and_body(void **state)
{
    (void)state;
    char url[128];
    snprintf(url, sizeof url, "http://localhost:%d/echo", test_peer_port(&peer, "http"));
    gch_http_request request = {.url = url,
                                .priority = GCH_PRIORITY_PREFETCH,
                                .token = "secret",
                                .method = GCH_HTTP_POST,
                                .body = {.bytes = (const uint8_t *)"hello", .count = 5},
                                .body_type = "text/plain"};
    assert_ok(fetch(&request));
    assert_true(body_has("POST\n") && body_has("priority=u=6, i\n"));
    assert_true(body_has("authorization=Bearer secret\n"));
    assert_true(body_has("content-type=text/plain\n") && body_has("\nhello"));
    request = (gch_http_request){.url = url};
    assert_ok(fetch(&request));
    assert_true(body_has("GET\n") && body_has("priority=u=1, i\n") && body_has("authorization=\n"));
}

static void codings_are_asked_for_on_a_line_not_known_to_be_fast(void **state)
{
    (void)state;
    gch_http *other = NULL;
    char url[128];
    snprintf(url, sizeof url, "http://localhost:%d/echo", test_peer_port(&peer, "http"));
    gch_http_request request = {.url = url};
    gch_http_response response;
    assert_ok(gch_http_make(NULL, &other, &err));
    assert_ok(gch_http_fetch(other, &request, NULL, &response, &err));
    const char *wanted = "accept-encoding=zstd, br, gzip\n";
    assert_non_null(memmem(response.body, response.body_bytes, wanted, strlen(wanted)));
    gch_http_response_reset(other, &response);
    gch_http_destroy(other);
}

static void the_client_names_itself(void **state)
{
    (void)state;
    char url[128];
    snprintf(url, sizeof url, "http://localhost:%d/echo", test_peer_port(&peer, "http"));
    gch_http_request request = {.url = url};
    assert_ok(fetch(&request));
    assert_true(body_has("user-agent=gpucharts/" GCH_VERSION_TEXT "\n"));
}

/* The peer takes any host for itself, as a proxy is asked. */
static void a_proxy_of_the_environment_is_used(void **state)
{
    (void)state;
    char proxy[64], url[128];
    gch_http *other = NULL;
    gch_http_response response;
    gch_http_desc desc = test_http_desc(NULL);
    gch_http_request request = {.url = "http://data.invalid/echo"};
    snprintf(proxy, sizeof proxy, "http://localhost:%d", test_peer_port(&peer, "http"));
    setenv("http_proxy", proxy, 1);
    assert_ok(gch_http_make(&desc, &other, &err));
    assert_ok(gch_http_fetch(other, &request, NULL, &response, &err));
    assert_true(response.body_bytes > 4 && memcmp(response.body, "GET\n", 4) == 0);
    gch_http_response_reset(other, &response);
    setenv("http_proxy", "http://localhost:1", 1);
    setenv("no_proxy", "localhost", 1);
    snprintf(url, sizeof url, "http://localhost:%d/echo", test_peer_port(&peer, "http"));
    request.url = url;
    assert_ok(gch_http_fetch(other, &request, NULL, &response, &err));
    gch_http_response_reset(other, &response);
    unsetenv("no_proxy");
    unsetenv("http_proxy");
    gch_http_destroy(other);
}

static void head_tells_without_a_body(void **state)
{
    (void)state;
    gch_http_request request = {.url = url_of("http", ""), .method = GCH_HTTP_HEAD};
    assert_ok(fetch(&request));
    assert_int_equal(last.total_bytes, SIZE);
    assert_int_equal(last.body_bytes, 0);
    assert_string_equal(last.validator, "\"v1\"");
}

typedef struct slow_sink {
    gch_http_id id;
    uint64_t count;
    int refusals;
    bool is_wrong;
    _Atomic bool is_done, is_waiting;
    gch_status status;
} slow_sink;

static gch_status take_slowly(void *context, const uint8_t *part, size_t count, gch_error *part_err)
{
    slow_sink *sink = context;
    (void)part_err;
    if (sink->refusals < 20 && !atomic_exchange(&sink->is_waiting, true)) {
        sink->refusals++;
        return GCH_PENDING;
    }
    sink->is_wrong |= !test_content_is(part, sink->count, count, 1);
    sink->count += count;
    atomic_store(&sink->is_waiting, false);
    return GCH_OK;
}

static void note_end(void *context, const gch_http_response *response)
{
    slow_sink *sink = context;
    sink->status = response->status;
    atomic_store(&sink->is_done, true);
}

static void a_stream_waits_for_its_taker(void **state)
{
    (void)state;
    slow_sink sink = {0};
    gch_http_request request = {.url = url_of("https", "size=3000000"),
                                .on_bytes = take_slowly,
                                .on_done = note_end,
                                .context = &sink};
    assert_ok(gch_http_start(http, &request, &sink.id, &err));
    for (int i = 0; i < 4000 && !atomic_load(&sink.is_done); i++) {
        usleep(1000);
        gch_http_resume(http, sink.id);
    }
    assert_true(atomic_load(&sink.is_done));
    assert_int_equal(sink.status, GCH_OK);
    assert_int_equal(sink.count, 3000000);
    assert_false(sink.is_wrong);
    assert_int_equal(sink.refusals, 20);
}

static gch_status count_part(void *context, const uint8_t *part, size_t count, gch_error *part_err)
{
    (void)part, (void)part_err;
    *(uint64_t *)context += count;
    return GCH_OK;
}

typedef struct setter {
    gch_data *data;
    gch_cancel *cancel;
} setter;

static void *set_soon(void *context)
{
    setter *s = context;
    usleep(50000);
    gch_cancel_set(s->data, s->cancel);
    return NULL;
}

static void a_fetch_takes_parts_and_can_be_cancelled(void **state)
{
    (void)state;
    uint64_t count = 0;
    setter s = {0};
    pthread_t thread;
    gch_http *other = NULL;
    gch_http_response response;
    gch_http_desc desc = test_http_desc(NULL);
    char url[128];
    desc.stall_timeout_ms = 10000;
    assert_ok(gch_http_make(&desc, &other, &err));
    assert_ok(gch_data_make(NULL, &s.data, &err));
    assert_ok(gch_cancel_make(s.data, &s.cancel, &err));
    int port = test_peer_port(&peer, "http");
    snprintf(url, sizeof url, "http://localhost:%d/content", port);
    gch_http_request request = {.url = url, .on_bytes = count_part, .context = &count};
    assert_ok(gch_http_fetch(other, &request, s.cancel, &response, &err));
    assert_int_equal(count, SIZE);
    snprintf(url, sizeof url, "http://localhost:%d/content?do=stall&at=1000", port);
    assert_int_equal(pthread_create(&thread, NULL, set_soon, &s), 0);
    assert_status(gch_http_fetch(other, &request, s.cancel, &response, &err), GCH_CANCELLED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    /* A token that is set already: nothing is begun. */
    assert_status(gch_http_fetch(other, &request, s.cancel, &response, &err), GCH_CANCELLED);
    assert_int_equal(response.status, GCH_CANCELLED);
    gch_cancel_release(s.data, s.cancel);
    assert_ok(gch_data_destroy(s.data, &err));
    gch_http_destroy(other);
}

/* ---- what breaks and is mended ---- */

static void a_broken_body_is_resumed_at_the_byte_reached(void **state)
{
    (void)state;
    const char *const ways[] = {"do=reset&n=2&at=40000", "do=close&n=2&at=40000",
                                "do=stall&n=1&at=40000&ms=4000"};
    for (int i = 0; i < 3; i++) {
        gch_http_stats before, after;
        gch_http_get_stats(http, &before);
        assert_ok(fetch_range(url_of("http", ways[i]), 0, SIZE));
        assert_true(test_content_is(bytes, 0, SIZE, 1));
        gch_http_get_stats(http, &after);
        assert_true(last.retry_count >= 1);
        /* A reset may take away what the kernel had not handed out. */
        if (i > 0)
            assert_true(after.resumes > before.resumes);
        assert_true(after.wire_bytes - before.wire_bytes < 2 * SIZE + 1000);
        assert_ok(fetch_body(url_of("http", ways[i]), 0));
        assert_int_equal(last.body_bytes, SIZE);
        assert_true(test_content_is(last.body, 0, SIZE, 1));
    }
}

static void a_server_may_send_the_rest_in_parts(void **state)
{
    (void)state;
    const char *way = "do=close&n=1&at=40000&most=30000";
    assert_ok(fetch_range(url_of("http", way), 0, SIZE));
    assert_true(test_content_is(bytes, 0, SIZE, 1));
    assert_ok(fetch_body(url_of("http", way), 0));
    assert_int_equal(last.body_bytes, SIZE);
    assert_true(test_content_is(last.body, 0, SIZE, 1));
}

static void a_failure_before_the_body_is_tried_again(void **state)
{
    (void)state;
    const char *const ways[] = {"do=reset-before&n=2", "do=close-before&n=2",
                                "do=half-head&n=2",    "do=stall-before&n=1&ms=4000",
                                "do=status&n=3",       "do=status&status=429&n=1&after=0"};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        assert_ok(fetch_range(url_of("http", ways[i]), 100, 5000));
        assert_true(test_content_is(bytes, 100, 5000, 1));
        assert_true(last.retry_count >= 1);
    }
}

static void retry_after_is_kept_to(void **state)
{
    (void)state;
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    assert_ok(fetch_range(url_of("http", "do=status&n=1&after=1"), 0, 10));
    clock_gettime(CLOCK_MONOTONIC, &end);
    double seconds =
        (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
    assert_true(seconds >= 0.99);
    /* Longer than the request may last: no use in waiting. */
    assert_status(fetch_range(url_of("http", "do=status&after=1000"), 0, 10), GCH_UNAVAILABLE);
    assert_int_equal(seen_count(), 1);
}

static void tries_are_bounded_and_the_last_fault_is_told(void **state)
{
    (void)state;
    assert_status(fetch_range(url_of("http", "do=close-before"), 0, 10), GCH_UNAVAILABLE);
    /* On a connection that was used before, curl itself asks once more. */
    assert_in_range(seen_count(), 4, 5);
    assert_status(fetch_range(url_of("http", "do=status"), 0, 10), GCH_UNAVAILABLE);
    assert_int_equal(seen_count(), 4);
    assert_non_null(strstr(err.message, "503"));
    assert_int_equal(last.http_status, 503);
}

static void a_body_that_brings_nothing_new_ends_in_time(void **state)
{
    (void)state;
    assert_status(fetch_range(url_of("http", "do=close&at=0"), 0, SIZE), GCH_UNAVAILABLE);
    assert_status(fetch_range(url_of("http", "do=stall-before&ms=9000"), 0, 10), GCH_UNAVAILABLE);
}

static void post_is_never_repeated(void **state)
{
    (void)state;
    gch_http_request request = {.url = url_of("http", "do=close-before"),
                                .method = GCH_HTTP_POST,
                                .body = {.bytes = (const uint8_t *)"x", .count = 1}};
    assert_status(fetch(&request), GCH_UNAVAILABLE);
    assert_int_equal(seen_count(), 1);
    request.url = url_of("http", "do=status");
    assert_status(fetch(&request), GCH_UNAVAILABLE);
    assert_int_equal(seen_count(), 1);
}

/* ---- what cannot be mended ---- */

static void each_refusal_has_its_status_at_once(void **state)
{
    (void)state;
    const struct {
        const char *query;
        gch_status status;
    } cases[] = {
        {"do=status&status=401", GCH_IO},
        {"do=status&status=403", GCH_IO},
        {"do=status&status=404", GCH_NOT_FOUND},
        {"do=status&status=410", GCH_NOT_FOUND},
        {"do=status&status=500", GCH_IO},
        {"do=no-range", GCH_UNSUPPORTED},
        {"do=wrong-range", GCH_CORRUPT},
        {"do=unasked-coding", GCH_CORRUPT},
        {"size=50", GCH_CORRUPT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *url = url_of("http", cases[i].query);
        gch_status status = fetch_range(url, 10, 100);
        if (strcmp(cases[i].query, "size=50") == 0) /* 10-49 of 50: it lacks what was asked for */
            assert_true(status == GCH_CORRUPT || status == GCH_IO);
        else
            assert_int_equal(status, cases[i].status);
        assert_true(err.message[0] != '\0');
        if (strncmp(cases[i].query, "size", 4) != 0)
            assert_int_equal(seen_count(), 1);
    }
}

static void a_range_beyond_the_end_tells_of_a_change(void **state)
{
    (void)state;
    assert_status(fetch_range(url_of("http", "size=50"), 60, 10), GCH_IO);
    assert_true(last.is_changed);
}

static void a_body_longer_than_the_range_is_refused(void **state)
{
    (void)state;
    assert_status(fetch_range(url_of("http", "do=chunked-long"), 10, 100), GCH_CORRUPT);
    /* A length that contradicts the range is no better. */
    gch_status status = fetch_range(url_of("http", "do=long"), 10, 100);
    assert_true(status == GCH_CORRUPT || status == GCH_OK);
    if (status == GCH_OK)
        assert_true(test_content_is(bytes, 10, 100, 1));
    assert_int_equal(bytes[100], 0xEE);
}

static void broken_codings_and_bombs_are_refused(void **state)
{
    (void)state;
    assert_status(fetch_body(url_of("http", "do=bad-gzip"), 0), GCH_CORRUPT);
    assert_status(fetch_body(url_of("http", "do=short-gzip"), 0), GCH_CORRUPT);
    assert_status(fetch_body(url_of("http", "do=tail-gzip"), 0), GCH_CORRUPT);
    assert_status(fetch_body(url_of("http", "do=unknown-coding"), 0), GCH_CORRUPT);
    assert_status(fetch_body(url_of("http", "do=bomb"), 1 << 20), GCH_LIMIT);
    assert_status(fetch_body(url_of("http", ""), 1000), GCH_LIMIT);
    assert_status(fetch_body(url_of("http", "do=chunked-long"), 1000), GCH_LIMIT);
}

static void garbage_and_endless_heads_are_refused(void **state)
{
    (void)state;
    gch_status status = fetch_range(url_of("http", "do=garbage"), 0, 10);
    assert_true(status != GCH_OK);
    status = fetch_range(url_of("http", "do=head-flood"), 0, 10);
    assert_true(status != GCH_OK);
}

static void a_resource_that_changes_is_noticed(void **state)
{
    (void)state;
    /* Before the first byte: the validator says which version is wanted. */
    gch_http_request request = {.url = url_of("http", "v=2"),
                                .byte_count = 1000,
                                .out_bytes = bytes,
                                .validator = "\"v1\""};
    assert_status(fetch(&request), GCH_IO);
    assert_true(last.is_changed);
    /* In the middle: what comes second is of another version. */
    assert_status(fetch_range(url_of("http", "do=close&n=1&at=40000&v2=2"), 0, SIZE), GCH_IO);
    assert_true(last.is_changed);
    assert_status(fetch_body(url_of("http", "do=close&n=1&at=40000&v2=2"), 0), GCH_IO);
    assert_true(last.is_changed);
    /* Though it no longer says which: that it is whole is the answer to If-Range. */
    assert_status(fetch_body(url_of("http", "do=close&n=1&at=40000&v2=2&etag2=0"), 0), GCH_IO);
    assert_true(last.is_changed);
}

static void without_a_validator_nothing_of_two_versions_is_mixed(void **state)
{
    (void)state;
    assert_ok(fetch_range(url_of("http", "do=close&n=1&at=40000&v2=2&etag=0"), 0, SIZE));
    assert_true(test_content_is(bytes, 0, SIZE, 2));
    assert_ok(fetch_body(url_of("http", "do=close&n=1&at=40000&v2=2&etag=0"), 0));
    assert_true(test_content_is(last.body, 0, SIZE, 2));
}

static void certificates_are_verified(void **state)
{
    (void)state;
    assert_status(fetch_range(url_of("expired", ""), 0, 10), GCH_IO);
    assert_status(fetch_range(url_of("wrong", ""), 0, 10), GCH_IO);
    gch_http *other = NULL;
    gch_http_desc desc = test_http_desc(NULL); /* the system's authorities do not know ours */
    assert_ok(gch_http_make(&desc, &other, &err));
    gch_http_request request = {.url = url_of("https", ""), .byte_count = 10, .out_bytes = bytes};
    assert_status(gch_http_fetch(other, &request, NULL, &last, &err), GCH_IO);
    gch_http_destroy(other);
}

static void hosts_that_are_not_there_are_unavailable(void **state)
{
    (void)state;
    gch_http_request request = {
        .url = "http://no-such-host.invalid/x", .byte_count = 10, .out_bytes = bytes};
    assert_status(fetch(&request), GCH_UNAVAILABLE);
    /* A port that nobody listens on: bound, but not listening. */
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/x", ntohs(address.sin_port));
    request.url = url;
    assert_status(fetch(&request), GCH_UNAVAILABLE);
    assert_int_equal(last.retry_count, 3);
    close(fd);
}

static void redirections_are_followed_within_bounds(void **state)
{
    (void)state;
    char query[256];
    int port = test_peer_port(&peer, "http");
    snprintf(query, sizeof query, "do=redirect&to=http://localhost:%d/y", port);
    assert_ok(fetch_range(url_of("http", query), 10, 100));
    assert_true(test_content_is(bytes, 10, 100, 1));
    assert_status(fetch_range(url_of("http", "do=redirect&to=file:///etc/passwd"), 0, 10),
                  GCH_CORRUPT);
    assert_status(fetch_range(url_of("http", "do=redirect"), 0, 10), GCH_LIMIT);
    /* From TLS to cleartext there is no way. */
    snprintf(query, sizeof query, "do=redirect&to=http://localhost:%d/y", port);
    assert_status(fetch_range(url_of("https", query), 0, 10), GCH_CORRUPT);
}

static void requests_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    const gch_http_request requests[] = {
        {.url = NULL},
        {.url = "ftp://localhost/x"},
        {.url = "file:///etc/passwd"},
        {.url = "http://"},
        {.url = "http://localhost/\r\nX: y"},
        {.url = "http://localhost/", .token = "a\r\nb"},
        {.url = "http://localhost/", .validator = "a\nb", .byte_count = 1, .out_bytes = bytes},
        {.url = "http://localhost/", .byte_count = 1},
        {.url = "http://localhost/", .byte_count = 1, .offset = UINT64_MAX, .out_bytes = bytes},
        {.url = "http://localhost/", .body = {.bytes = bytes, .count = 1}},
        {.url = "http://localhost/", .method = (gch_http_method)7},
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        assert_status(gch_http_start(http, &requests[i], NULL, &err), GCH_INVALID);
    gch_http *other = NULL;
    assert_status(gch_http_make(&(gch_http_desc){.streams_per_origin = 1000}, &other, &err),
                  GCH_INVALID);
    assert_null(other);
}

/* ---- HTTP/2 ---- */

static gch_status fetch_h2(const char *name)
{
    char url[128];
    snprintf(url, sizeof url, "https://%s.localhost:%d/x", name, test_peer_port(&peer, "h2"));
    return fetch_range(url, 0, SIZE);
}

static void http2_streams_that_are_reset_or_refused_are_repeated(void **state)
{
    (void)state;
    assert_ok(fetch_h2("ok"));
    assert_true(test_content_is(bytes, 0, SIZE, 1));
    assert_ok(fetch_h2("reset"));
    assert_true(test_content_is(bytes, 0, SIZE, 1));
    assert_true(last.retry_count >= 1);
    assert_ok(fetch_h2("refused"));
    assert_true(test_content_is(bytes, 0, SIZE, 1));
}

static void goaway_costs_a_connection_but_no_request(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_ok(fetch_h2("goaway"));
        assert_true(test_content_is(bytes, 0, SIZE, 1));
    }
}

static void stats_are_one_json_object(void **state)
{
    (void)state;
    gch_http_stats stats;
    char text[4096], small[10];
    gch_http_get_stats(http, &stats);
    assert_true(stats.reused > 0 && stats.connections > 0 && stats.retries > 0);
    assert_true(stats.latency_ns > 0);
    assert_int_equal(stats.in_flight, 0);
    assert_int_equal(stats.queued, 0);
    assert_int_equal(stats.started, stats.succeeded + stats.failed + stats.cancelled);
    size_t length = gch_http_stats_json(&stats, text, sizeof text);
    assert_int_equal(length, strlen(text));
    assert_true(text[0] == '{' && text[length - 1] == '}');
    assert_non_null(strstr(text, "\"retries\":"));
    assert_int_equal(gch_http_stats_json(&stats, small, sizeof small), length);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_comes_whole_over_http_and_https),
        cmocka_unit_test(a_suffix_is_the_end_or_all_of_a_smaller_resource),
        cmocka_unit_test(a_whole_body_is_decoded_as_it_comes),
        cmocka_unit_test(fields_say_priority_token_and_body),
        cmocka_unit_test(codings_are_asked_for_on_a_line_not_known_to_be_fast),
        cmocka_unit_test(the_client_names_itself),
        cmocka_unit_test(a_fetch_takes_parts_and_can_be_cancelled),
        cmocka_unit_test(a_proxy_of_the_environment_is_used),
        cmocka_unit_test(head_tells_without_a_body),
        cmocka_unit_test(a_stream_waits_for_its_taker),
        cmocka_unit_test(a_broken_body_is_resumed_at_the_byte_reached),
        cmocka_unit_test(a_server_may_send_the_rest_in_parts),
        cmocka_unit_test(a_failure_before_the_body_is_tried_again),
        cmocka_unit_test(retry_after_is_kept_to),
        cmocka_unit_test(tries_are_bounded_and_the_last_fault_is_told),
        cmocka_unit_test(a_body_that_brings_nothing_new_ends_in_time),
        cmocka_unit_test(post_is_never_repeated),
        cmocka_unit_test(each_refusal_has_its_status_at_once),
        cmocka_unit_test(a_range_beyond_the_end_tells_of_a_change),
        cmocka_unit_test(a_body_longer_than_the_range_is_refused),
        cmocka_unit_test(broken_codings_and_bombs_are_refused),
        cmocka_unit_test(garbage_and_endless_heads_are_refused),
        cmocka_unit_test(a_resource_that_changes_is_noticed),
        cmocka_unit_test(without_a_validator_nothing_of_two_versions_is_mixed),
        cmocka_unit_test(certificates_are_verified),
        cmocka_unit_test(hosts_that_are_not_there_are_unavailable),
        cmocka_unit_test(redirections_are_followed_within_bounds),
        cmocka_unit_test(requests_that_make_no_sense_are_refused),
        cmocka_unit_test(http2_streams_that_are_reset_or_refused_are_repeated),
        cmocka_unit_test(goaway_costs_a_connection_but_no_request),
        cmocka_unit_test(stats_are_one_json_object),
    };
    return cmocka_run_group_tests(tests, start_peer, stop_peer);
}
