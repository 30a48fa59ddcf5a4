/* Batches, order, joining; and cancelling at every state a request can be in. */
#include "net_test.h"

#include <netinet/in.h>
#include <sys/socket.h>

#define SIZE 4000000u
#define REQUESTS 64u

static test_peer peer;
static gch_error err;
static int name_count;

static int start_peer(void **state)
{
    (void)state;
    const char *const arguments[] = {PYTHON, NET_PEER, "net_queue_test.tmp", NULL};
    test_peer_start(&peer, arguments);
    return 0;
}

static int stop_peer(void **state)
{
    (void)state;
    test_peer_stop(&peer);
    return 0;
}

static const char *url_of(const char *query, char *out, size_t cap)
{
    snprintf(out, cap, "http://localhost:%d/x?id=%d&size=%u&%s", test_peer_port(&peer, "http"),
             ++name_count, SIZE, query);
    return out;
}

/* A request under way. */
typedef struct asked {
    gch_http_id id;
    uint64_t offset;
    size_t count;
    uint8_t *bytes;
    _Atomic int ends;
    int order; /* of ending */
    gch_status status;
} asked;

static _Atomic int end_count;

static void note_end(void *context, const gch_http_response *response)
{
    asked *a = context;
    a->status = response->status;
    a->order = atomic_fetch_add(&end_count, 1);
    atomic_fetch_add(&a->ends, 1);
}

static void ask(gch_http *http, asked *a, const char *url, gch_priority priority, uint64_t offset,
                size_t count)
{
    *a = (asked){.offset = offset, .count = count, .bytes = malloc(count)};
    assert_non_null(a->bytes);
    gch_http_request request = {.url = url,
                                .priority = priority,
                                .offset = offset,
                                .byte_count = count,
                                .out_bytes = a->bytes,
                                .on_done = note_end,
                                .context = a};
    assert_ok(gch_http_start(http, &request, &a->id, &err));
}

static bool has_ended(asked *a, int within_ms)
{
    for (int i = 0; i < within_ms * 4 && atomic_load(&a->ends) == 0; i++)
        usleep(250);
    return atomic_load(&a->ends) == 1;
}

static void finish_ok(asked *a)
{
    assert_true(has_ended(a, 10000));
    assert_int_equal(a->status, GCH_OK);
    assert_true(test_content_is(a->bytes, a->offset, a->count, 1));
    free(a->bytes);
}

static gch_http *make_http(uint32_t connections, const gch_allocator *allocator)
{
    gch_http *http = NULL;
    gch_http_desc desc = test_http_desc("net_queue_test.tmp/ca.pem");
    desc.connections_per_origin = connections;
    desc.stall_timeout_ms = 5000;
    desc.allocator = allocator;
    assert_ok(gch_http_make(&desc, &http, &err));
    return http;
}

static void settle(void)
{
    usleep(50000);
}

/* ---- batches ---- */

static void near_ranges_go_out_as_one_in_any_order(void **state)
{
    (void)state;
    gch_http *http = make_http(1, NULL);
    char holding[256], url[256];
    asked held, ranges[REQUESTS];
    gch_http_stats stats;
    url_of("do=stall-before&ms=500", holding, sizeof holding);
    url_of("", url, sizeof url);
    ask(http, &held, holding, GCH_PRIORITY_VISIBLE, 0, 10);
    settle();
    for (uint32_t i = 0; i < REQUESTS; i++) {
        uint32_t place = i * 37 % REQUESTS; /* in disorder, some overlapping, some apart */
        ask(http, &ranges[i], url, GCH_PRIORITY_VISIBLE, 100 + place * 1000,
            place % 3 ? 900 : 1500);
    }
    finish_ok(&held);
    for (uint32_t i = 0; i < REQUESTS; i++)
        finish_ok(&ranges[i]);
    gch_http_get_stats(http, &stats);
    assert_int_equal(stats.exchanges, 2);
    assert_int_equal(stats.coalesced, REQUESTS - 1);
    assert_true(stats.gap_bytes > 0 && stats.gap_bytes < REQUESTS * 1000);
    assert_true(stats.wire_bytes < 110 * REQUESTS * 10);
    gch_http_destroy(http);
}

static void far_ranges_and_other_resources_stay_apart(void **state)
{
    (void)state;
    gch_http *http = make_http(1, NULL);
    char holding[256], url[256], other[256];
    asked held, ranges[3];
    gch_http_stats stats;
    url_of("do=stall-before&ms=500", holding, sizeof holding);
    url_of("", url, sizeof url);
    url_of("", other, sizeof other);
    ask(http, &held, holding, GCH_PRIORITY_VISIBLE, 0, 10);
    settle();
    ask(http, &ranges[0], url, GCH_PRIORITY_VISIBLE, 0, 1000);
    ask(http, &ranges[1], url, GCH_PRIORITY_VISIBLE, SIZE - 1000, 1000);
    ask(http, &ranges[2], other, GCH_PRIORITY_VISIBLE, 1000, 1000);
    finish_ok(&held);
    for (int i = 0; i < 3; i++)
        finish_ok(&ranges[i]);
    gch_http_get_stats(http, &stats);
    assert_int_equal(stats.exchanges, 4);
    assert_int_equal(stats.coalesced, 0);
    assert_int_equal(stats.connections, 1);
    gch_http_destroy(http);
}

static void what_is_seen_first_overtakes_what_waited_longer(void **state)
{
    (void)state;
    gch_http *http = make_http(1, NULL);
    char holding[256], url[256];
    asked held, prefetch, refine, visible;
    url_of("do=stall-before&ms=500", holding, sizeof holding);
    url_of("", url, sizeof url);
    ask(http, &held, holding, GCH_PRIORITY_PREFETCH, 0, 10);
    settle();
    ask(http, &prefetch, url, GCH_PRIORITY_PREFETCH, 0, 1000);
    ask(http, &refine, url, GCH_PRIORITY_REFINE, 1000, 1000);
    ask(http, &visible, url, GCH_PRIORITY_VISIBLE, 2000, 1000);
    finish_ok(&held);
    finish_ok(&visible);
    finish_ok(&refine);
    finish_ok(&prefetch);
    assert_true(visible.order < refine.order && refine.order < prefetch.order);
    gch_http_destroy(http);
}

static void prefetch_leaves_room_on_the_line(void **state)
{
    (void)state;
    gch_http *http = make_http(4, NULL);
    char holding[256], url[256];
    asked held[6], visible;
    gch_http_stats stats;
    url_of("do=stall-before&ms=900", holding, sizeof holding);
    url_of("", url, sizeof url);
    for (uint32_t i = 0; i < 6; i++) /* too far apart for batches */
        ask(http, &held[i], holding, GCH_PRIORITY_PREFETCH, i * 600000, 10);
    settle();
    gch_http_get_stats(http, &stats);
    assert_int_equal(stats.queued, 4);
    ask(http, &visible, url, GCH_PRIORITY_VISIBLE, 0, 1000);
    finish_ok(&visible);
    for (uint32_t i = 0; i < 6; i++) {
        assert_true(visible.order < held[i].order || !atomic_load(&held[i].ends));
        finish_ok(&held[i]);
    }
    gch_http_destroy(http);
}

static gch_status never_ready(void *context, const uint8_t *bytes, size_t count,
                              gch_error *take_err)
{
    (void)context, (void)bytes, (void)count, (void)take_err;
    return GCH_PENDING;
}

static void a_stream_that_waits_for_its_taker_holds_up_nobody(void **state)
{
    (void)state;
    enum { STREAMS = 24 }; /* more than there are connections for an origin */
    gch_http *http = make_http(0, NULL);
    gch_http_id streams[STREAMS];
    char url[256];
    asked range;
    url_of("", url, sizeof url);
    for (int i = 0; i < STREAMS; i++) {
        gch_http_request request = {.url = url, .on_bytes = never_ready};
        assert_ok(gch_http_start(http, &request, &streams[i], &err));
    }
    settle();
    ask(http, &range, url, GCH_PRIORITY_VISIBLE, 1000, 100);
    finish_ok(&range);
    for (int i = 0; i < STREAMS; i++)
        gch_http_cancel(http, streams[i]);
    gch_http_destroy(http);
}

static void a_range_under_way_is_joined_and_a_passed_one_is_not(void **state)
{
    (void)state;
    gch_http *http = make_http(2, NULL);
    char url[256];
    asked first, same, inside, passed;
    gch_http_stats stats;
    url_of("do=stall&at=500000&ms=700&n=1", url, sizeof url);
    ask(http, &first, url, GCH_PRIORITY_VISIBLE, 400000, 200000);
    settle();
    ask(http, &inside, url, GCH_PRIORITY_VISIBLE, 550000, 50000);
    ask(http, &passed, url, GCH_PRIORITY_VISIBLE, 400000, 50000);
    settle();
    gch_http_get_stats(http, &stats);
    assert_int_equal(stats.joined, 1);
    finish_ok(&passed); /* on an exchange of its own */
    finish_ok(&inside);
    finish_ok(&first);
    url_of("do=stall-before&ms=300&n=1", url, sizeof url);
    ask(http, &first, url, GCH_PRIORITY_VISIBLE, 0, 1000);
    settle();
    ask(http, &same, url, GCH_PRIORITY_VISIBLE, 0, 1000);
    finish_ok(&first);
    finish_ok(&same);
    gch_http_get_stats(http, &stats);
    assert_int_equal(stats.joined, 2);
    gch_http_destroy(http);
}

static void a_broken_batch_is_resumed_where_it_broke(void **state)
{
    (void)state;
    gch_http *http = make_http(1, NULL);
    char holding[256], url[256];
    asked held, ranges[10];
    gch_http_stats stats;
    url_of("do=stall-before&ms=500", holding, sizeof holding);
    url_of("do=close&at=5500&n=1", url, sizeof url);
    ask(http, &held, holding, GCH_PRIORITY_VISIBLE, 0, 10);
    settle();
    for (uint32_t i = 0; i < 10; i++)
        ask(http, &ranges[i], url, GCH_PRIORITY_VISIBLE, i * 1000, 1000);
    finish_ok(&held);
    for (uint32_t i = 0; i < 10; i++)
        finish_ok(&ranges[i]);
    gch_http_get_stats(http, &stats);
    assert_int_equal(stats.retries, 1);
    assert_int_equal(stats.resumes, 1);
    assert_int_equal(stats.wire_bytes, 10 + 10000); /* no byte twice */
    gch_http_destroy(http);
}

/* ---- cancelling ---- */

static void expect_cancelled(gch_http *http, asked *a)
{
    gch_http_stats stats;
    assert_int_equal(atomic_load(&a->ends), 0);
    gch_http_cancel(http, a->id);
    assert_true(has_ended(a, 1500));
    assert_int_equal(a->status, GCH_CANCELLED);
    gch_http_cancel(http, a->id); /* stale: nothing */
    free(a->bytes);
    settle();
    gch_http_get_stats(http, &stats);
    assert_int_equal(stats.in_flight, 0);
    assert_int_equal(stats.queued, 0);
    assert_int_equal(atomic_load(&a->ends), 1);
}

static gch_status never_take(void *context, const uint8_t *bytes, size_t count, gch_error *take_err)
{
    (void)context, (void)bytes, (void)count, (void)take_err;
    return GCH_PENDING;
}

static gch_http *stopping_http;

static gch_status cancel_within(void *context, const uint8_t *bytes, size_t count,
                                gch_error *take_err)
{
    asked *a = context;
    (void)bytes, (void)count, (void)take_err;
    gch_http_cancel(stopping_http, a->id);
    return GCH_OK;
}

static void cancelling_frees_everything_at_every_state(void **state)
{
    (void)state;
    test_failing memory = {.left = -1};
    gch_allocator allocator = {.resize = test_failing_resize, .context = &memory};
    gch_http *http = make_http(1, &allocator);
    char url[256], holding[256];
    asked a, b;
    ask(http, &a, url_of("", url, sizeof url), GCH_PRIORITY_VISIBLE, 0, 10);
    finish_ok(&a);
    settle();
    int64_t live = memory.live;

    /* Just asked for. */
    ask(http, &a, url, GCH_PRIORITY_VISIBLE, 0, SIZE);
    gch_http_cancel(http, a.id);
    assert_true(has_ended(&a, 5000));
    free(a.bytes);

    /* Waiting for the head. */
    ask(http, &a, url_of("do=stall-before&ms=2000", holding, sizeof holding), GCH_PRIORITY_VISIBLE,
        0, 1000);
    settle();
    expect_cancelled(http, &a);
    assert_int_equal(memory.live, live);

    /* In a queue, behind one that holds the line. */
    ask(http, &b, url_of("do=stall-before&ms=2000", holding, sizeof holding), GCH_PRIORITY_VISIBLE,
        0, 1000);
    settle();
    ask(http, &a, url, GCH_PRIORITY_REFINE, 0, 1000);
    settle();
    gch_http_cancel(http, a.id);
    assert_true(has_ended(&a, 5000));
    assert_int_equal(a.status, GCH_CANCELLED);
    free(a.bytes);
    expect_cancelled(http, &b);
    assert_int_equal(memory.live, live);

    /* In the middle of the body. */
    ask(http, &a, url_of("do=stall&at=50000&ms=2000", holding, sizeof holding),
        GCH_PRIORITY_VISIBLE, 0, SIZE);
    settle();
    expect_cancelled(http, &a);
    assert_int_equal(memory.live, live);

    /* Between two tries. */
    ask(http, &a, url_of("do=status&after=5", holding, sizeof holding), GCH_PRIORITY_VISIBLE, 0,
        1000);
    settle();
    expect_cancelled(http, &a);
    assert_int_equal(memory.live, live);

    /* A stream that waits for its taker, and one that is cancelled from within. */
    gch_http_request request = {
        .url = url, .on_bytes = never_take, .on_done = note_end, .context = &a};
    a = (asked){0};
    assert_ok(gch_http_start(http, &request, &a.id, &err));
    settle();
    expect_cancelled(http, &a);
    stopping_http = http;
    request.on_bytes = cancel_within;
    a = (asked){0};
    assert_ok(gch_http_start(http, &request, &a.id, &err));
    assert_true(has_ended(&a, 5000));
    assert_int_equal(a.status, GCH_CANCELLED);
    settle();
    assert_int_equal(memory.live, live);

    /* The client goes with all of it under way. */
    ask(http, &a, holding, GCH_PRIORITY_VISIBLE, 0, 1000);
    ask(http, &b, url, GCH_PRIORITY_PREFETCH, 0, SIZE);
    gch_http_destroy(http);
    assert_true(atomic_load(&a.ends) == 1 && atomic_load(&b.ends) == 1);
    free(a.bytes);
    free(b.bytes);
    assert_int_equal(memory.live, 0);
}

static void connecting_can_be_cancelled(void **state)
{
    (void)state;
    /* Connections are taken by the kernel; nobody answers the TLS greeting. */
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(fd, 5), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    gch_http *http = make_http(1, NULL);
    char url[128];
    asked a;
    snprintf(url, sizeof url, "https://127.0.0.1:%d/x", ntohs(address.sin_port));
    ask(http, &a, url, GCH_PRIORITY_VISIBLE, 0, 1000);
    settle();
    expect_cancelled(http, &a);
    gch_http_destroy(http);
    close(fd);
}

static void one_range_of_a_batch_can_be_cancelled(void **state)
{
    (void)state;
    gch_http *http = make_http(1, NULL);
    char holding[256], url[256];
    asked held, ranges[3];
    url_of("do=stall-before&ms=500", holding, sizeof holding);
    url_of("do=stall&at=500&ms=500&n=1", url, sizeof url);
    ask(http, &held, holding, GCH_PRIORITY_VISIBLE, 0, 10);
    settle();
    for (uint32_t i = 0; i < 3; i++)
        ask(http, &ranges[i], url, GCH_PRIORITY_VISIBLE, i * 1000, 1000);
    finish_ok(&held);
    settle();
    gch_http_cancel(http, ranges[1].id);
    assert_true(has_ended(&ranges[1], 350));
    assert_int_equal(ranges[1].status, GCH_CANCELLED);
    memset(ranges[1].bytes, 0xEE, 1000);
    finish_ok(&ranges[0]);
    finish_ok(&ranges[2]);
    for (int i = 0; i < 1000; i++) /* its memory is the caller's own again */
        assert_int_equal(ranges[1].bytes[i], 0xEE);
    free(ranges[1].bytes);
    gch_http_destroy(http);
}

static void a_connection_survives_a_cancelled_range_that_is_nearly_done(void **state)
{
    (void)state;
    gch_http *http = make_http(1, NULL);
    char url[256];
    asked a;
    gch_http_stats stats;
    url_of("do=stall&at=20000&ms=500&n=1", url, sizeof url);
    ask(http, &a, url, GCH_PRIORITY_VISIBLE, 0, 40000);
    settle();
    gch_http_cancel(http, a.id);
    assert_true(has_ended(&a, 350)); /* its caller does not wait for the rest */
    assert_int_equal(a.status, GCH_CANCELLED);
    free(a.bytes);
    ask(http, &a, url, GCH_PRIORITY_VISIBLE, 100, 500);
    finish_ok(&a);
    gch_http_get_stats(http, &stats);
    assert_int_equal(stats.connections, 1);
    gch_http_destroy(http);
}

static void a_token_ends_a_fetch(void **state)
{
    (void)state;
    gch_data *data = NULL;
    gch_cancel *cancel = NULL;
    gch_http_response response;
    uint8_t byte;
    char url[256];
    gch_http *http = make_http(1, NULL);
    assert_ok(gch_data_make(&(gch_data_desc){.host_budget_bytes = 1 << 20}, &data, &err));
    assert_ok(gch_cancel_make(data, &cancel, &err));
    gch_cancel_set(data, cancel);
    gch_http_request request = {.url = url_of("do=stall-before&ms=3000", url, sizeof url),
                                .byte_count = 1,
                                .out_bytes = &byte};
    assert_status(gch_http_fetch(http, &request, cancel, &response, &err), GCH_CANCELLED);
    assert_int_equal(response.status, GCH_CANCELLED);
    gch_cancel_release(data, cancel);
    assert_ok(gch_data_destroy(data, &err));
    gch_http_destroy(http);
}

static void thousands_of_requests_cancelled_at_random_leave_nothing(void **state)
{
    (void)state;
    test_failing memory = {.left = -1};
    gch_allocator allocator = {.resize = test_failing_resize, .context = &memory};
    gch_http *http = make_http(4, &allocator);
    static asked many[REQUESTS];
    char url[256];
    gch_http_stats stats;
    uint64_t random = 3;
    uint32_t ok_count = 0, cancel_count = 0;
    url_of("", url, sizeof url);
    for (int round = 0; round < 40; round++) {
        for (uint32_t i = 0; i < REQUESTS; i++) {
            ask(http, &many[i], url, (gch_priority)(test_random(&random) % 3),
                test_random(&random) % (SIZE - 40000), 1 + test_random(&random) % 40000);
            if (i % 8 == 0) /* before it can be done, however slow this thread is otherwise */
                gch_http_cancel(http, many[i].id);
        }
        for (uint32_t i = 0; i < REQUESTS; i++) {
            if (test_random(&random) % 3 == 0)
                usleep((useconds_t)(test_random(&random) % 500));
            if (test_random(&random) % 2 == 0)
                gch_http_cancel(http, many[test_random(&random) % REQUESTS].id);
        }
        for (uint32_t i = 0; i < REQUESTS; i++) {
            assert_true(has_ended(&many[i], 10000));
            assert_true(many[i].status == GCH_OK || many[i].status == GCH_CANCELLED);
            if (many[i].status == GCH_OK)
                assert_true(test_content_is(many[i].bytes, many[i].offset, many[i].count, 1));
            ok_count += many[i].status == GCH_OK;
            cancel_count += many[i].status == GCH_CANCELLED;
            free(many[i].bytes);
        }
    }
    gch_http_get_stats(http, &stats);
    assert_int_equal(stats.succeeded, ok_count);
    assert_int_equal(stats.cancelled, cancel_count);
    assert_int_equal(stats.in_flight, 0);
    assert_int_equal(stats.queued, 0);
    assert_true(ok_count > 100 && cancel_count > 100);
    gch_http_destroy(http);
    assert_int_equal(memory.live, 0);
}

static void every_failed_allocation_is_a_status_and_leaks_nothing(void **state)
{
    (void)state;
    char url[256], coded[256];
    url_of("", url, sizeof url);
    url_of("do=gzip", coded, sizeof coded);
    int64_t refusal_count = 0;
    bool is_through = false;
    for (int64_t n = 0; !is_through; n++) {
        test_failing memory = {.left = n};
        gch_allocator allocator = {.resize = test_failing_resize, .context = &memory};
        gch_http_desc desc = test_http_desc("net_queue_test.tmp/ca.pem");
        desc.allocator = &allocator;
        gch_http *http = NULL;
        uint8_t bytes[1000];
        gch_status status = gch_http_make(&desc, &http, &err);
        if (status == GCH_OK) {
            gch_http_response response;
            gch_http_request range = {.url = url, .byte_count = 1000, .out_bytes = bytes};
            gch_http_request whole = {.url = coded};
            status = gch_http_fetch(http, &range, NULL, &response, &err);
            if (status == GCH_OK)
                status = gch_http_fetch(http, &whole, NULL, &response, &err);
            gch_http_response_reset(http, &response);
            gch_http_destroy(http);
        }
        is_through = !memory.has_failed;
        assert_int_equal(status, is_through ? GCH_OK : GCH_NO_MEMORY);
        refusal_count += status == GCH_NO_MEMORY;
        assert_int_equal(memory.live, 0);
        assert_true(n < 100);
    }
    assert_true(refusal_count > 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(near_ranges_go_out_as_one_in_any_order),
        cmocka_unit_test(far_ranges_and_other_resources_stay_apart),
        cmocka_unit_test(what_is_seen_first_overtakes_what_waited_longer),
        cmocka_unit_test(prefetch_leaves_room_on_the_line),
        cmocka_unit_test(a_stream_that_waits_for_its_taker_holds_up_nobody),
        cmocka_unit_test(a_range_under_way_is_joined_and_a_passed_one_is_not),
        cmocka_unit_test(a_broken_batch_is_resumed_where_it_broke),
        cmocka_unit_test(cancelling_frees_everything_at_every_state),
        cmocka_unit_test(connecting_can_be_cancelled),
        cmocka_unit_test(one_range_of_a_batch_can_be_cancelled),
        cmocka_unit_test(a_connection_survives_a_cancelled_range_that_is_nearly_done),
        cmocka_unit_test(a_token_ends_a_fetch),
        cmocka_unit_test(thousands_of_requests_cancelled_at_random_leave_nothing),
        cmocka_unit_test(every_failed_allocation_is_a_status_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, start_peer, stop_peer);
}
