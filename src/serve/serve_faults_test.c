/* Allocation n fails, for n = 0, 1, 2, ... through a whole life of a server: it answers or ends a
 * connection, never crashes, never leaks, and goes on serving. */
#include "serve_test.h"

typedef struct failing {
    atomic_llong left; /* allocations until one fails */
    atomic_llong live;
    atomic_bool has_failed;
} failing;

static void *failing_resize(void *context, void *old, size_t bytes, const char *purpose)
{
    failing *f = context;
    (void)purpose;
    if (bytes == 0) {
        free(old);
        atomic_fetch_sub(&f->live, 1);
        return NULL;
    }
    if (atomic_fetch_sub(&f->left, 1) == 0) {
        atomic_store(&f->has_failed, true);
        return NULL;
    }
    void *memory = realloc(old, bytes);
    if (old == NULL && memory != NULL)
        atomic_fetch_add(&f->live, 1);
    return memory;
}

static const char *const requests[] = {
    "GET /data/a.gch HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-9,100-109\r\n"
    "Connection: close\r\n\r\n",
    "GET /v1/data/a/columns?width=300&height=100 HTTP/1.1\r\nHost: localhost\r\n"
    "Accept-Encoding: zstd\r\nAccept-Encoding: br\r\nConnection: close\r\n\r\n",
    "GET /v1/data HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "PUT /v1/live/x?unit=ms&column=a:f64 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "POST /v1/live/x HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
    "Content-Length: 7\r\nConnection: close\r\n\r\n[1, 1]\n",
    "GET /v1/live/x?after=0 HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: gch.live.1\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x88\x80\x01\x02\x03\x04",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
};

/* Sends everything once; each connection ends by itself, in whatever way. */
static void use(test_server *server)
{
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        char bytes[4096];
        int fd = test_connect(server);
        (void)test_send(fd, requests[i], strlen(requests[i]));
        shutdown(fd, SHUT_WR);
        while (test_recv(fd, bytes, sizeof bytes) > 0)
            continue;
        close(fd);
    }
}

static void every_failed_allocation_costs_one_answer_at_most(void **state)
{
    (void)state;
    gch_error err = {0};
    test_server server = {0};
    test_server_folder(&server, "serve_faults_test");
    const char *path = server.folder;
    char live[96], command[256];
    snprintf(command, sizeof command, "touch '%s/sub/points.gch' '%s/.a.gch'", server.folder,
             server.folder); /* these are told */
    assert_int_equal(system(command), 0);
    snprintf(live, sizeof live, "%s/live", server.folder);
    assert_ok(gch_data_make(&(gch_data_desc){.host_budget_bytes = 64u << 20}, &server.data, &err));
    long long n = 0;
    int made_count = 0;
    for (bool is_through = false; !is_through; n++) {
        failing f;
        snprintf(command, sizeof command, "rm -rf '%s' && mkdir '%s'", live, live);
        assert_int_equal(system(command), 0);
        atomic_init(&f.left, n);
        atomic_init(&f.live, 0);
        atomic_init(&f.has_failed, false);
        gch_allocator allocator = {.resize = failing_resize, .context = &f};
        const gch_server_desc desc = {.data = server.data,
                                      .paths = &path,
                                      .path_count = 1,
                                      .listen = "127.0.0.1:0",
                                      .live_path = live,
                                      .coding = GCH_CODING_ALWAYS,
                                      .thread_count = 1,
                                      .scan_interval_ms = 600000,
                                      .allocator = &allocator};
        gch_status status = gch_server_make(&desc, &server.server, &err);
        assert_true(status == GCH_OK || (status == GCH_NO_MEMORY && atomic_load(&f.has_failed)));
        if (status == GCH_OK) {
            made_count++;
            server.port = gch_server_port(server.server);
            assert_int_equal(pthread_create(&server.thread, NULL, test_server_thread, &server), 0);
            use(&server);
            is_through = !atomic_load(&f.has_failed);
            atomic_store(&f.left, INT64_MAX); /* what failed is forgotten */
            assert_int_equal(test_code(&server, "GET", "/healthz", "", NULL), 200);
            gch_server_stop(server.server);
            pthread_join(server.thread, NULL);
            assert_int_equal(server.status, GCH_OK);
            gch_server_destroy(server.server);
        }
        if (atomic_load(&f.live) != 0)
            fail_msg("%lld blocks are left after failure %lld", (long long)f.live, n);
    }
    assert_true(n > 60 && made_count > 30);
    assert_ok(gch_data_destroy(server.data, &err));
    snprintf(command, sizeof command, "rm -rf '%s'", server.folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_failed_allocation_costs_one_answer_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
