/* Live series: publishing, following, followers that are slow, and hostile WebSocket peers. */
#include "serve_test.h"

static test_server server;

#define UPGRADE                                                                                    \
    "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"       \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define PROTOCOL "Sec-WebSocket-Protocol: other, gch.live.1\r\n"

static int start(void **state)
{
    (void)state;
    test_server_folder(&server, "serve_ws_test");
    test_server_start(&server,
                      &(gch_server_desc){.live_bytes_cap = 1 << 20, .body_bytes_cap = 1 << 20});
    return 0;
}

static int stop(void **state)
{
    (void)state;
    test_server_stop(&server);
    return 0;
}

static void make_series(const char *name, int code)
{
    char target[128];
    snprintf(target, sizeof target, "/v1/live/%s?unit=ms&column=price:f64:EUR&column=n:i32", name);
    assert_int_equal(test_code(&server, "PUT", target, "", NULL), code);
}

/* ---- a client ---- */

static int ws_open(const char *target, int *out_code)
{
    char head[1024];
    int fd = test_connect(&server);
    int length = snprintf(head, sizeof head,
                          "GET %s HTTP/1.1\r\nHost: localhost\r\n" UPGRADE PROTOCOL "\r\n", target);
    assert_true(test_send(fd, head, (size_t)length));
    test_answer a = test_read_answer(fd, false);
    *out_code = a.code;
    if (a.code == 101) {
        char accept[64];
        assert_true(test_field(&a, "sec-websocket-accept", accept, sizeof accept));
        assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="); /* RFC 6455, 1.3 */
    }
    test_answer_free(&a);
    return fd;
}

static bool ws_send(int fd, uint8_t first, const void *bytes, size_t count)
{
    static const uint8_t mask[4] = {1, 2, 3, 4};
    uint8_t head[14] = {first};
    size_t used = 2;
    if (count < 126) {
        head[1] = (uint8_t)(0x80 | count);
    } else {
        head[1] = 0x80 | 127;
        for (int i = 0; i < 8; i++)
            head[2 + i] = (uint8_t)((uint64_t)count >> (56 - 8 * i));
        used = 10;
    }
    memcpy(head + used, mask, 4);
    uint8_t *masked = malloc(count + 1);
    assert_non_null(masked);
    for (size_t i = 0; i < count; i++)
        masked[i] = ((const uint8_t *)bytes)[i] ^ mask[i % 4];
    bool is_sent = test_send(fd, head, used + 4) && test_send(fd, masked, count);
    free(masked);
    return is_sent;
}

static bool recv_exactly(int fd, void *out, size_t count)
{
    uint8_t *at = out;
    while (count > 0) {
        size_t got = test_recv(fd, at, count);
        if (got == 0)
            return false;
        at += got;
        count -= got;
    }
    return true;
}

/* One message; the opcode, or 0 at the end. The caller frees. */
static int ws_recv(int fd, uint8_t **out, size_t *out_count)
{
    uint8_t head[10];
    if (!recv_exactly(fd, head, 2))
        return 0;
    assert_int_equal(head[0] & 0xF0, 0x80); /* not fragmented */
    assert_int_equal(head[1] & 0x80, 0);    /* not masked */
    uint64_t count = head[1];
    size_t more = count == 126 ? 2 : count == 127 ? 8 : 0;
    if (more > 0) {
        assert_true(recv_exactly(fd, head + 2, more));
        count = 0;
        for (size_t i = 0; i < more; i++)
            count = count << 8 | head[2 + i];
    }
    *out = calloc(count + 1, 1);
    assert_non_null(*out);
    assert_true(recv_exactly(fd, *out, count));
    *out_count = count;
    return head[0] & 0x0F;
}

static void expect_text(int fd, const char *part)
{
    uint8_t *bytes;
    size_t count;
    assert_int_equal(ws_recv(fd, &bytes, &count), 1);
    if (strstr((char *)bytes, part) == NULL)
        fail_msg("no %s in %s", part, (char *)bytes);
    free(bytes);
}

static uint64_t u64_at(const uint8_t *bytes, size_t at)
{
    uint64_t value;
    memcpy(&value, bytes + at, sizeof value);
    return value;
}

static uint32_t u32_at(const uint8_t *bytes, size_t at)
{
    uint32_t value;
    memcpy(&value, bytes + at, sizeof value);
    return value;
}

/* Publishes `rows` rows at `time` and returns the code. */
static int publish(const char *name, int64_t time, int rows)
{
    static char body[1 << 20];
    char target[128];
    size_t used = 0;
    for (int i = 0; i < rows; i++)
        used += (size_t)snprintf(body + used, sizeof body - used, "[%lld, %d.5, %d]\n",
                                 (long long)time, i, i);
    snprintf(target, sizeof target, "/v1/live/%s", name);
    return test_code(&server, "POST", target, "Content-Type: application/x-ndjson\r\n", body);
}

/* ---- tests ---- */

static void series_are_made_once(void **state)
{
    (void)state;
    make_series("once", 201);
    make_series("once", 200);
    assert_int_equal(test_code(&server, "PUT",
                               "/v1/live/once?unit=s&column=price:f64:EUR&column=n:i32", "", NULL),
                     409);
    static const char *const bad[] = {"x?unit=ms",
                                      "x?column=a:f64",
                                      "x?unit=ms&column=a",
                                      "x?unit=ms&column=a:f65",
                                      "x?unit=ms&column=a:decimal",
                                      "x?unit=ms&column=a:f64&column=a:f64",
                                      "x?unit=ms&column=time:f64",
                                      "x?unit=fortnights&column=a:f64",
                                      ".x?unit=ms&column=a:f64",
                                      "a%2fb?unit=ms&column=a:f64"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char target[128];
        snprintf(target, sizeof target, "/v1/live/%s", bad[i]);
        if (test_code(&server, "PUT", target, "", NULL) != 400)
            fail_msg("taken: %s", target);
    }
    test_answer a = test_get(&server, "/v1/live/once", "");
    assert_int_equal(a.code, 200);
    assert_non_null(strstr(a.body, "\"next_sequence\": 1, \"row_count\": 0, \"id\": \""));
    assert_non_null(strstr(
        a.body, "\"columns\": [{\"name\": \"price\", \"type\": \"f64\", \"unit\": \"EUR\"}"));
    test_answer_free(&a);
    assert_int_equal(test_code(&server, "GET", "/v1/live/none", "", NULL), 404);
}

static void batches_are_acknowledged_whole_or_not_at_all(void **state)
{
    (void)state;
    make_series("acks", 201);
    test_answer a =
        test_ask(&server, "POST", "/v1/live/acks", "Content-Type: application/x-ndjson\r\n",
                 "[1, 1, 1]\n{\"time\": 2, \"price\": null}\n");
    assert_int_equal(a.code, 200);
    assert_non_null(strstr(a.body, "{\"type\": \"ack\", \"sequence\": 1, \"first_row\": 0, "
                                   "\"row_count\": 2, \"publisher_sequence\": 0}"));
    test_answer_free(&a);
    static const char ndjson[] = "Content-Type: application/x-ndjson\r\n";
    assert_int_equal(test_code(&server, "POST", "/v1/live/acks", ndjson, "[3, 1, 1]\nx\n"), 400);
    assert_int_equal(test_code(&server, "POST", "/v1/live/acks", ndjson, "[1, 1, 1]\n"), 422);
    assert_int_equal(test_code(&server, "POST", "/v1/live/acks", "", "[3, 1, 1]\n"), 415);
    assert_int_equal(test_code(&server, "POST", "/v1/live/none", ndjson, "[3, 1, 1]\n"), 404);
    /* A publisher that repeats itself is taken once. */
    static const char target[] = "/v1/live/acks?publisher=7&publisher_sequence=1";
    for (int i = 0; i < 2; i++) {
        a = test_ask(&server, "POST", target, ndjson, "[3, 1, 1]\n");
        assert_int_equal(a.code, 200);
        assert_non_null(strstr(a.body, i == 0 ? "\"sequence\": 2" : "\"sequence\": 0"));
        test_answer_free(&a);
    }
    a = test_get(&server, "/v1/live", "");
    assert_non_null(strstr(a.body,
                           "\"name\": \"acks\", \"time_unit\": \"ms\", \"first_sequence\": 1, "
                           "\"next_sequence\": 3, \"row_count\": 3"));
    test_answer_free(&a);
}

static void followers_get_every_row_from_their_place_on(void **state)
{
    (void)state;
    int code;
    uint8_t *frame;
    size_t count;
    make_series("rows", 201);
    assert_int_equal(publish("rows", 1, 3), 200);
    assert_int_equal(publish("rows", 2, 4), 200);
    int late = ws_open("/v1/live/rows?rate=240", &code), resumed;
    assert_int_equal(code, 101);
    expect_text(late, "{\"type\": \"hello\", \"name\": \"rows\"");
    resumed = ws_open("/v1/live/rows?after=1&rate=240", &code);
    expect_text(resumed, "\"next_sequence\": 3");
    assert_int_equal(publish("rows", 3, 1), 200);
    uint64_t rows = 0, next = 2;
    while (next < 4) { /* one frame or two */
        assert_int_equal(ws_recv(resumed, &frame, &count), 2);
        assert_int_equal(u32_at(frame, 8), count);
        assert_int_equal(u64_at(frame, 32), next);
        assert_int_equal(u64_at(frame, 24), 3 + rows);
        rows += u32_at(frame, 12);
        next = u64_at(frame, 16) + 1;
        free(frame);
    }
    assert_int_equal(rows, 5);
    assert_int_equal(ws_recv(late, &frame, &count), 2);
    assert_memory_equal(frame, "GCHL\1\0\1\0", 8);
    assert_int_equal(u64_at(frame, 16), 3);
    assert_int_equal(u64_at(frame, 24), 7);
    assert_int_equal(u32_at(frame, 12), 1);
    assert_int_equal(u64_at(frame, 56), 3); /* its time */
    assert_int_equal(frame[64], 9);         /* f64 */
    double value;
    memcpy(&value, frame + 72, 8);
    assert_true(value == 0.5);
    free(frame);
    close(late), close(resumed);
}

static void batches_between_two_updates_go_out_as_one(void **state)
{
    (void)state;
    int code;
    uint8_t *frame;
    size_t count;
    make_series("merged", 201);
    int fd = ws_open("/v1/live/merged?rate=2", &code);
    expect_text(fd, "hello");
    for (int i = 0; i < 20; i++)
        assert_int_equal(publish("merged", i, 10), 200);
    uint64_t rows = 0;
    int frames = 0;
    while (rows < 200) {
        assert_int_equal(ws_recv(fd, &frame, &count), 2);
        assert_int_equal(u64_at(frame, 24), rows);
        /* Every row is where it belongs: n counts from 0 in each batch. */
        uint32_t n = u32_at(frame, 12);
        size_t ints = 56 + 8 * (size_t)n + 8 + 8 * (size_t)n + (n + 63) / 64 * 8 + 8;
        for (uint32_t r = 0; r < n; r++)
            assert_int_equal(u32_at(frame, ints + 4 * (size_t)r), (rows + r) % 10);
        rows += n;
        frames++;
        free(frame);
    }
    assert_int_equal(rows, 200);
    assert_true(frames <= 4);
    close(fd);
}

static void a_slow_follower_gets_a_summary_and_the_last_values(void **state)
{
    (void)state;
    int code;
    uint8_t *frame;
    size_t count;
    make_series("slow", 201);
    assert_int_equal(publish("slow", 0, 1), 200);
    for (int i = 1; i <= 30; i++) /* far more than the server keeps */
        assert_int_equal(publish("slow", i, 5000), 200);
    int fd = ws_open("/v1/live/slow?after=1", &code);
    expect_text(fd, "hello");
    assert_int_equal(ws_recv(fd, &frame, &count), 2);
    assert_memory_equal(frame, "GCHL\1\0\2\0", 8);
    assert_int_equal(count, 56 + 16 + 2 * 40);
    assert_int_equal(u64_at(frame, 16), 31);
    assert_int_equal(u64_at(frame, 64), 30); /* the last time */
    double last;
    memcpy(&last, frame + 72 + 24, 8);
    assert_true(last == 4999.5);
    free(frame);
    close(fd);
    int sums = ws_open("/v1/live/slow?detail=summary&rate=240", &code);
    expect_text(sums, "hello");
    assert_int_equal(publish("slow", 40, 3), 200);
    assert_int_equal(ws_recv(sums, &frame, &count), 2);
    assert_int_equal(frame[6], 2);
    assert_int_equal(u64_at(frame, 40), 3); /* rows it stands for */
    double parts[4];
    memcpy(parts, frame + 72, 32);
    assert_true(parts[0] == 0.5 && parts[1] == 0.5 && parts[2] == 2.5 && parts[3] == 2.5);
    assert_int_equal(u64_at(frame, 72 + 32), 3);
    free(frame);
    close(sums);
}

static void followers_that_do_not_read_hold_up_nobody(void **state)
{
    (void)state;
    int code;
    uint8_t *frame;
    size_t count;
    make_series("stuck", 201);
    int stuck = ws_open("/v1/live/stuck?rate=240", &code);
    int live = ws_open("/v1/live/stuck?rate=240", &code);
    expect_text(live, "hello");
    for (int i = 0; i < 60; i++) {
        assert_int_equal(publish("stuck", i, 4000), 200);
        assert_int_equal(ws_recv(live, &frame, &count), 2);
        assert_int_equal(u64_at(frame, 16), i + 1);
        free(frame);
    }
    /* And it misses no final state. */
    expect_text(stuck, "hello");
    uint64_t last = 0;
    while (last < 60) {
        assert_int_equal(ws_recv(stuck, &frame, &count), 2);
        last = u64_at(frame, 16);
        free(frame);
    }
    close(stuck), close(live);
}

/* Each at a place of its own, so that no two share a frame. */
static void followers_that_do_not_read_take_bounded_memory(void **state)
{
    (void)state;
    enum { STUCK = 60, BATCHES = 120 };
    int code, stuck[STUCK];
    make_series("held", 201);
    for (int i = 0; i < BATCHES; i++)
        assert_int_equal(publish("held", i, 500), 200);
    for (int i = 0; i < STUCK; i++) {
        char target[64];
        snprintf(target, sizeof target, "/v1/live/held?after=%d", i + 30);
        stuck[i] = ws_open(target, &code);
        assert_int_equal(code, 101);
    }
    test_sleep_ms(200);
    uint64_t held = test_metric(&server, "live_frame_bytes");
    assert_true(held > 65536 && held <= ((uint64_t)1 << 20) + STUCK * ((uint64_t)80 << 10));
    /* All of it comes all the same to who reads, in smaller frames. */
    uint64_t last = 0;
    expect_text(stuck[7], "hello");
    while (last < BATCHES) {
        uint8_t *frame;
        size_t count;
        assert_int_equal(ws_recv(stuck[7], &frame, &count), 2);
        assert_int_equal(u64_at(frame, 32), last == 0 ? 38 : last + 1);
        last = u64_at(frame, 16);
        free(frame);
    }
    for (int i = 0; i < STUCK; i++)
        close(stuck[i]);
}

static void a_connection_publishes_in_both_forms(void **state)
{
    (void)state;
    int code;
    make_series("both", 201);
    int fd = ws_open("/v1/live/both?publish=1", &code);
    expect_text(fd, "hello");
    static const char text[] = "[1, 1.5, 1]\n[2, 2.5, 2]";
    assert_true(ws_send(fd, 0x81, text, sizeof text - 1));
    expect_text(fd, "{\"type\": \"ack\", \"sequence\": 1, \"first_row\": 0, \"row_count\": 2");
    uint8_t frame[56 + 8 + 16 + 16] = "GCHL\1\0\1";
    frame[8] = sizeof frame;
    frame[12] = 1;
    frame[40] = 5; /* publisher sequence */
    frame[48] = 2;
    frame[56] = 3; /* time */
    frame[64] = 9;
    frame[80] = 5;
    for (int i = 0; i < 2; i++) {
        assert_true(ws_send(fd, 0x82, frame, sizeof frame));
        expect_text(fd, i == 0 ? "\"sequence\": 2, \"first_row\": 2, \"row_count\": 1, "
                                 "\"publisher_sequence\": 5"
                               : "\"sequence\": 0");
    }
    assert_true(ws_send(fd, 0x81, "nonsense", 8));
    expect_text(fd, "{\"type\": \"error\", \"status\": \"GCH_PARSE\"");
    assert_true(ws_send(fd, 0x81, "[1, 1, 1]", 9));
    expect_text(fd, "GCH_UNSORTED");
    /* Fragments, with a ping between them. */
    assert_true(ws_send(fd, 0x01, "[5, 1,", 6));
    assert_true(ws_send(fd, 0x89, "hi", 2));
    assert_true(ws_send(fd, 0x80, " 1]", 3));
    uint8_t *bytes;
    size_t count;
    assert_int_equal(ws_recv(fd, &bytes, &count), 10);
    assert_int_equal(count, 2);
    free(bytes);
    expect_text(fd, "\"sequence\": 3");
    assert_true(ws_send(fd, 0x88, "\x03\xE8", 2));
    assert_int_equal(ws_recv(fd, &bytes, &count), 8);
    free(bytes);
    assert_int_equal(test_recv(fd, frame, 1), 0);
    close(fd);
}

static void handshakes_that_are_wrong_are_refused(void **state)
{
    (void)state;
    make_series("gate", 201);
    static const struct {
        const char *fields;
        int code;
    } cases[] = {
        {UPGRADE, 400}, /* no subprotocol */
        {UPGRADE PROTOCOL "Origin: http://evil.example\r\n", 403},
        {"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\n" PROTOCOL, 426},
        {"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" PROTOCOL,
         400},
        {"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: short\r\n" PROTOCOL,
         400},
        {"Upgrade: websocket\r\n" PROTOCOL, 200}, /* without Connection it is no upgrade */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int code = test_code(&server, "GET", "/v1/live/gate", cases[i].fields, NULL);
        if (code != cases[i].code)
            fail_msg("case %zu: %d", i, code);
    }
    int code;
    close(ws_open("/v1/live/gate?rate=0", &code));
    assert_int_equal(code, 400);
    close(ws_open("/v1/live/gate?detail=all", &code));
    assert_int_equal(code, 400);
    close(ws_open("/v1/live/none", &code));
    assert_int_equal(code, 404);
}

static void hostile_frames_end_the_connection(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[16];
        size_t count;
    } cases[] = {
        {{0x81, 0x01, 'x'}, 3},                                    /* not masked */
        {{0xF1, 0x81, 1, 2, 3, 4, 'x'}, 7},                        /* reserved bits */
        {{0x83, 0x81, 1, 2, 3, 4, 'x'}, 7},                        /* unknown opcode */
        {{0x80, 0x81, 1, 2, 3, 4, 'x'}, 7},                        /* nothing to go on with */
        {{0x89, 0xFE, 0, 126, 1, 2, 3, 4}, 8},                     /* long control frame */
        {{0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}, 14}, /* 2^63 bytes */
        {{0x82, 0xFF, 0, 0, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4}, 14}, /* too many */
        {{0x81, 0x82, 0, 0, 0, 0, 0xC3, 0x28}, 8},                          /* not UTF-8 */
    };
    make_series("hostile", 201);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int code;
        uint8_t bytes[256];
        int fd = ws_open("/v1/live/hostile", &code);
        assert_int_equal(code, 101);
        assert_true(test_send(fd, cases[i].bytes, cases[i].count));
        shutdown(fd, SHUT_WR);
        while (test_recv(fd, bytes, sizeof bytes) > 0)
            continue;
        close(fd);
    }
    assert_int_equal(publish("hostile", 1, 1), 200);
    test_answer a = test_get(&server, "/v1/live/hostile", "");
    assert_non_null(strstr(a.body, "\"row_count\": 1,"));
    test_answer_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(series_are_made_once),
        cmocka_unit_test(batches_are_acknowledged_whole_or_not_at_all),
        cmocka_unit_test(followers_get_every_row_from_their_place_on),
        cmocka_unit_test(batches_between_two_updates_go_out_as_one),
        cmocka_unit_test(a_slow_follower_gets_a_summary_and_the_last_values),
        cmocka_unit_test(followers_that_do_not_read_hold_up_nobody),
        cmocka_unit_test(followers_that_do_not_read_take_bounded_memory),
        cmocka_unit_test(a_connection_publishes_in_both_forms),
        cmocka_unit_test(handshakes_that_are_wrong_are_refused),
        cmocka_unit_test(hostile_frames_end_the_connection),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
