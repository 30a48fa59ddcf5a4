/* The WebSocket client against a server that misbehaves. */
#include "net_test.h"

#include "gch/websocket.h"
#include "net_upgrade.h"

#include <pthread.h>
#include <time.h>

static test_peer peer;
static gch_error err;

static int start_peer(void **state)
{
    (void)state;
    const char *const arguments[] = {PYTHON, NET_WS_PEER, "net_ws_test.tmp", NULL};
    test_peer_start(&peer, arguments);
    return 0;
}

static int stop_peer(void **state)
{
    (void)state;
    test_peer_stop(&peer);
    return 0;
}

/* What a client's callbacks saw. */
typedef struct seen {
    pthread_mutex_t lock;
    int opens, losses, messages;
    bool is_final;
    char text[4096]; /* of all text messages, each with a | behind it */
    uint64_t binary_bytes;
    uint8_t last[64];
    gch_error error;
    int delay_us;
    int next; /* told to the server at each connection */
} seen;

static void note_open(void *context)
{
    seen *s = context;
    pthread_mutex_lock(&s->lock);
    s->opens++;
    pthread_mutex_unlock(&s->lock);
}

static void note_message(void *context, gch_ws_kind kind, const uint8_t *bytes, size_t count)
{
    seen *s = context;
    if (s->delay_us > 0)
        usleep((useconds_t)s->delay_us);
    pthread_mutex_lock(&s->lock);
    s->messages++;
    if (kind == GCH_WS_BINARY) {
        s->binary_bytes += count;
        memcpy(s->last, bytes, count < sizeof s->last ? count : sizeof s->last);
    } else if (strlen(s->text) + count + 2 < sizeof s->text) {
        strncat(s->text, (const char *)bytes, count);
        strcat(s->text, "|");
    }
    pthread_mutex_unlock(&s->lock);
}

static void note_lost(void *context, const gch_error *lost, bool is_final)
{
    seen *s = context;
    pthread_mutex_lock(&s->lock);
    s->losses++;
    s->is_final = is_final;
    s->error = *lost;
    pthread_mutex_unlock(&s->lock);
}

static void tell_next(void *context, char *out, size_t cap)
{
    seen *s = context;
    snprintf(out, cap, "after=%d", s->next++);
}

static gch_ws_desc desc_of(const char *server, const char *path, seen *s)
{
    static char url[256];
    snprintf(url, sizeof url, "%s://localhost:%d%s", server, test_peer_port(&peer, server), path);
    pthread_mutex_init(&s->lock, NULL);
    return (gch_ws_desc){.url = url,
                         .ca_file = "net_ws_test.tmp/ca.pem",
                         .connect_timeout_ms = 1000,
                         .ping_ms = 200,
                         .pong_ms = 600,
                         .backoff_ms = 10,
                         .backoff_cap_ms = 50,
                         .on_open = note_open,
                         .on_message = note_message,
                         .on_lost = note_lost,
                         .context = s};
}

/* Waits until what `place` holds is at least `value`. */
static bool comes_to(seen *s, const int *place, int value, int within_ms)
{
    for (int i = 0; i < within_ms; i++) {
        pthread_mutex_lock(&s->lock);
        bool is_there = *place >= value;
        pthread_mutex_unlock(&s->lock);
        if (is_there)
            return true;
        usleep(1000);
    }
    return false;
}

static void messages_go_both_ways_over_ws_and_wss(void **state)
{
    (void)state;
    const char *const servers[] = {"ws", "wss"};
    for (int i = 0; i < 2; i++) {
        seen s = {0};
        gch_ws *ws = NULL;
        gch_ws_stats stats;
        gch_ws_desc desc = desc_of(servers[i], "/echo", &s);
        static uint8_t large[3000000];
        memset(large, 7, sizeof large);
        assert_ok(gch_ws_open(&desc, &ws, &err));
        assert_ok(gch_ws_send(ws, GCH_WS_TEXT, "hello", 5, &err)); /* before it is open */
        assert_ok(gch_ws_send(ws, GCH_WS_BINARY, large, sizeof large, &err));
        assert_ok(gch_ws_send(ws, GCH_WS_BINARY, NULL, 0, &err));
        assert_true(comes_to(&s, &s.messages, 4, 5000));
        assert_string_equal(s.text, "welcome|hello|");
        assert_int_equal(s.binary_bytes, sizeof large);
        assert_int_equal(s.last[63], 7);
        gch_ws_get_stats(ws, &stats);
        assert_true(stats.is_open);
        assert_int_equal(stats.sent_messages, 3);
        assert_int_equal(stats.received_bytes, sizeof large + 12);
        assert_int_equal(stats.queued_bytes, 0);
        gch_ws_close(ws);
        assert_int_equal(s.losses, 0);
    }
}

static void the_protocol_and_the_token_are_agreed_upon(void **state)
{
    (void)state;
    seen s = {0};
    gch_ws *ws = NULL;
    gch_ws_desc desc = desc_of("ws", "/told?a=b", &s);
    desc.protocol = "gch.live.1";
    desc.token = "secret";
    desc.get_query = tell_next;
    assert_ok(gch_ws_open(&desc, &ws, &err));
    assert_true(comes_to(&s, &s.messages, 2, 5000));
    assert_string_equal(s.text, "welcome|1 a=b&after=0 Bearer secret|");
    gch_ws_close(ws);
}

static void a_lost_connection_is_made_again_where_it_ended(void **state)
{
    (void)state;
    seen s = {0};
    gch_ws *ws = NULL;
    gch_ws_desc desc = desc_of("ws", "/drop", &s);
    assert_ok(gch_ws_open(&desc, &ws, &err));
    assert_true(comes_to(&s, &s.opens, 4, 10000));
    gch_ws_close(ws);
    assert_true(s.losses >= 3);
    assert_false(s.is_final);
    assert_int_equal(s.error.status, GCH_UNAVAILABLE);
    seen t = {.next = 5};
    desc = desc_of("ws", "/told", &t);
    desc.get_query = tell_next;
    assert_ok(gch_ws_open(&desc, &ws, &err));
    assert_true(comes_to(&t, &t.messages, 2, 5000));
    assert_non_null(strstr(t.text, "after=5"));
    gch_ws_close(ws);
}

static void a_dead_server_is_found_in_time(void **state)
{
    (void)state;
    seen s = {0};
    gch_ws *ws = NULL;
    gch_ws_desc desc = desc_of("ws", "/silent", &s);
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    assert_ok(gch_ws_open(&desc, &ws, &err));
    assert_true(comes_to(&s, &s.losses, 1, 5000));
    clock_gettime(CLOCK_MONOTONIC, &end);
    double ms =
        1e3 * (double)(end.tv_sec - start.tv_sec) + 1e-6 * (double)(end.tv_nsec - start.tv_nsec);
    assert_true(ms >= 799 && ms < 4000);
    assert_non_null(strstr(s.error.message, "does not answer"));
    gch_ws_close(ws);
}

static void a_quiet_server_that_answers_is_kept(void **state)
{
    (void)state;
    seen s = {0};
    gch_ws *ws = NULL;
    gch_ws_stats stats;
    gch_ws_desc desc = desc_of("ws", "/echo", &s);
    assert_ok(gch_ws_open(&desc, &ws, &err));
    usleep(1300000);
    gch_ws_get_stats(ws, &stats);
    assert_true(stats.is_open && stats.connections == 1 && stats.losses == 0);
    assert_true(stats.round_trip_ns > 0 && stats.round_trip_ns < 600000000);
    gch_ws_close(ws);
}

static void pings_are_answered_and_fragments_joined(void **state)
{
    (void)state;
    seen s = {0}, t = {0};
    gch_ws *ws = NULL;
    gch_ws_desc desc = desc_of("ws", "/asks", &s);
    assert_ok(gch_ws_open(&desc, &ws, &err));
    assert_true(comes_to(&s, &s.messages, 2, 5000));
    assert_string_equal(s.text, "welcome|well|");
    gch_ws_close(ws);
    desc = desc_of("ws", "/fragments", &t);
    assert_ok(gch_ws_open(&desc, &ws, &err));
    assert_true(comes_to(&t, &t.messages, 2, 5000));
    assert_string_equal(t.text, "welcome|one two three|");
    gch_ws_close(ws);
}

static void refusals_end_it_or_are_tried_again(void **state)
{
    (void)state;
    const struct {
        const char *path;
        bool is_final;
    } cases[] = {
        {"/refuse?status=401", true},
        {"/refuse?status=404", true},
        {"/refuse?status=302", true},
        {"/bad-accept", true},
        {"/no-protocol", true},
        {"/extension", true},
        {"/close?code=1000", true},
        {"/close?code=1008", true},
        {"/close?code=1009", true},
        {"/close?code=1001", false},
        {"/close?code=1011", false},
        {"/refuse?status=503", false},
        {"/garbage", false},
        {"/masked", false},
        {"/bad-text", false},
        {"/reserved", false},
        {"/never", false},
        {"/pings", false}, /* none of whose answers it reads */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        seen s = {0};
        gch_ws *ws = NULL;
        gch_ws_desc desc = desc_of("ws", cases[i].path, &s);
        desc.protocol = "p";
        desc.awaits_return = true; /* of what has been there */
        assert_ok(gch_ws_open(&desc, &ws, &err));
        assert_true(comes_to(&s, &s.losses, cases[i].is_final ? 1 : 2, 8000));
        if (s.is_final != cases[i].is_final)
            fail_msg("%s: %s", cases[i].path, s.error.message);
        if (s.is_final)
            assert_status(gch_ws_send(ws, GCH_WS_TEXT, "x", 1, &err), GCH_UNAVAILABLE);
        gch_ws_close(ws);
    }
}

static void certificates_are_verified_here_too(void **state)
{
    (void)state;
    seen s = {0};
    gch_ws *ws = NULL;
    gch_ws_desc desc = desc_of("wss", "/echo", &s);
    desc.ca_file = NULL;
    assert_ok(gch_ws_open(&desc, &ws, &err));
    assert_true(comes_to(&s, &s.losses, 1, 8000));
    assert_true(s.is_final);
    assert_int_equal(s.error.status, GCH_IO);
    gch_ws_close(ws);
}

static void queues_are_bounded(void **state)
{
    (void)state;
    seen s = {0}, t = {0};
    gch_ws *ws = NULL;
    static uint8_t bytes[1000];
    gch_ws_desc desc = desc_of("ws", "/never", &s);
    desc.send_cap = 2500;
    assert_ok(gch_ws_open(&desc, &ws, &err));
    assert_ok(gch_ws_send(ws, GCH_WS_BINARY, bytes, 1000, &err));
    assert_ok(gch_ws_send(ws, GCH_WS_BINARY, bytes, 1000, &err));
    assert_status(gch_ws_send(ws, GCH_WS_BINARY, bytes, 1000, &err), GCH_LIMIT);
    assert_ok(gch_ws_send(ws, GCH_WS_BINARY, bytes, 500, &err));
    gch_ws_close(ws);
    desc = desc_of("ws", "/flood?count=1&size=100001", &t); /* a message that is too long */
    desc.message_cap = 100000;
    assert_ok(gch_ws_open(&desc, &ws, &err));
    assert_true(comes_to(&t, &t.losses, 2, 8000));
    assert_int_equal(t.binary_bytes, 0);
    gch_ws_close(ws);
}

static void a_slow_taker_gets_everything_in_its_own_time(void **state)
{
    (void)state;
    seen s = {.delay_us = 300};
    gch_ws *ws = NULL;
    gch_ws_desc desc = desc_of("wss", "/flood?count=2000&size=20000", &s);
    assert_ok(gch_ws_open(&desc, &ws, &err));
    assert_true(comes_to(&s, &s.messages, 2002, 20000));
    assert_int_equal(s.binary_bytes, 2000u * 20000u);
    assert_int_equal(s.losses, 0);
    gch_ws_close(ws);
}

static void closing_works_at_every_state(void **state)
{
    (void)state;
    const char *const paths[] = {"/echo",
                                 "/never",
                                 "/silent",
                                 "/drop",
                                 "/flood?count=100000&size=9",
                                 "/refuse?status=404",
                                 "/refuse?status=503"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        for (useconds_t wait_us = 0; wait_us < 40000; wait_us += 13000) {
            seen s = {0};
            gch_ws *ws = NULL;
            gch_ws_desc desc = desc_of(i % 2 == 0 ? "ws" : "wss", paths[i], &s);
            assert_ok(gch_ws_open(&desc, &ws, &err));
            usleep(wait_us);
            gch_ws_close(ws);
        }
    }
    gch_ws_close(NULL);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    gch_ws *ws = NULL;
    const gch_ws_desc descs[] = {{.url = NULL},
                                 {.url = "ftp://localhost/"},
                                 {.url = "ws://"},
                                 {.url = "ws://a b/"},
                                 {.url = "ws://localhost/", .protocol = "a\r\nb"},
                                 {.url = "ws://localhost/", .token = "a b\n"}};
    for (size_t i = 0; i < sizeof descs / sizeof *descs; i++)
        assert_status(gch_ws_open(&descs[i], &ws, &err), GCH_INVALID);
}

static void every_failed_allocation_leaks_nothing(void **state)
{
    (void)state;
    bool is_through = false;
    for (int64_t n = 0; !is_through; n++) {
        test_failing memory = {.left = n};
        gch_allocator allocator = {.resize = test_failing_resize, .context = &memory};
        seen s = {0};
        gch_ws *ws = NULL;
        gch_ws_desc desc = desc_of("ws", "/echo", &s);
        desc.allocator = &allocator;
        gch_status status = gch_ws_open(&desc, &ws, &err);
        if (status == GCH_OK) {
            status = gch_ws_send(ws, GCH_WS_TEXT, "x", 1, &err);
            /* A connection that fails for want of memory is tried again. */
            if (status == GCH_OK)
                assert_true(comes_to(&s, &s.messages, 2, 8000));
        }
        gch_ws_close(ws);
        is_through = !memory.has_failed;
        assert_true(status == GCH_OK || (status == GCH_NO_MEMORY && !is_through));
        assert_int_equal(memory.live, 0);
        assert_true(n < 50);
    }
}

/* ---- the handshake by itself ---- */

static void the_accept_value_is_that_of_the_rfc(void **state)
{
    (void)state;
    char accept[GCH__UPGRADE_KEY_CAP];
    gch__upgrade_accept("dGhlIHNhbXBsZSBub25jZQ==", accept);
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void answers_are_read_at_any_length(void **state)
{
    (void)state;
    gch__upgrade u = {
        .host = "h", .target = "/", .protocol = "", .token = "", .key = "dGhlIHNhbXBsZSBub25jZQ=="};
    const char answer[] = "HTTP/1.1 101 x\r\nUPGRADE: h2c, websocket\r\nconnection:upgrade \r\n"
                          "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nrest";
    size_t used = 0, whole = sizeof answer - 1 - 4;
    bool is_final;
    for (size_t count = 0; count < whole; count++)
        assert_status(gch__upgrade_read(&u, answer, count, &used, &is_final, &err), GCH_PENDING);
    assert_ok(gch__upgrade_read(&u, answer, sizeof answer - 1, &used, &is_final, &err));
    assert_int_equal(used, whole);
    const char *const bad[] = {"HTTP/1.0 101 x\r\n\r\n", "SSH-2.0-x\r\n\r\n", "\r\n\r\n",
                               "HTTP/1.1 101\r\n\r\n",
                               "HTTP/1.1 101 x\r\nUpgrade: websockets\r\n"
                               "Connection: upgrade\r\nSec-WebSocket-Accept: "
                               "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_status(gch__upgrade_read(&u, bad[i], strlen(bad[i]), &used, &is_final, &err),
                      GCH_UNAVAILABLE);
    static char endless[GCH__UPGRADE_ANSWER_CAP];
    memset(endless, 'x', sizeof endless);
    memcpy(endless, "HTTP/1.1 101 x\r\n", 16);
    assert_status(gch__upgrade_read(&u, endless, sizeof endless, &used, &is_final, &err),
                  GCH_UNAVAILABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_go_both_ways_over_ws_and_wss),
        cmocka_unit_test(the_protocol_and_the_token_are_agreed_upon),
        cmocka_unit_test(a_lost_connection_is_made_again_where_it_ended),
        cmocka_unit_test(a_dead_server_is_found_in_time),
        cmocka_unit_test(a_quiet_server_that_answers_is_kept),
        cmocka_unit_test(pings_are_answered_and_fragments_joined),
        cmocka_unit_test(refusals_end_it_or_are_tried_again),
        cmocka_unit_test(certificates_are_verified_here_too),
        cmocka_unit_test(queues_are_bounded),
        cmocka_unit_test(a_slow_taker_gets_everything_in_its_own_time),
        cmocka_unit_test(closing_works_at_every_state),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(every_failed_allocation_leaks_nothing),
        cmocka_unit_test(the_accept_value_is_that_of_the_rfc),
        cmocka_unit_test(answers_are_read_at_any_length),
    };
    return cmocka_run_group_tests(tests, start_peer, stop_peer);
}
