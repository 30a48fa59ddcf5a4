/* Does the server keep a hundred subscribers at 60 updates a second while a million rows a second
 * come in, and what do a thousand idle ones cost?
 *
 * Starts GPUCHARTS serve, publishes --rate rows a second (time and f64) with gch_publish, and
 * follows over WebSockets of its own, all on one thread; a server for each of:
 *   - 100 subscribers with detail=summary, as charts that show the newest value do;
 *   - the same where series last: each batch waits for the disk, and the next one for it;
 *   - 100 subscribers with every row: 1.6 GB/s at a million rows a second, so that what there is of
 *     processor decides how far updates are coalesced; nothing may be missed;
 *   - 1,000 that follow a series to which nothing comes, beside 10 with summaries.
 * The time of a row is when it was published: latency is that of the last row of an update.
 * Reported are updates a second, latency, what was missed, and the server's memory.
 *
 *     bench_subscribers GPUCHARTS FOLDER [--rate N] [--seconds N]
 */
#include "base.h"
#include "bench.h"
#include "bench_server.h"
#include "gch/publish.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SUBSCRIBERS 100u
#define IDLE 1000u
#define BESIDE_IDLE 10u
#define READ_BYTES (1u << 20)
#define ROWS_A_CALL 1000u
#define LATENCIES_MAX 2000000u
#define HEAD_MAX 64u /* of a frame: what is looked at */
#define A_PEER 200u  /* connections from one address: the server takes 256 */

static gch_error err;
static bench_server server;

static int64_t wall_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void check(gch_status status)
{
    if (status != GCH_OK)
        bench_fail("%s", err.message);
}

/* ---- the server ---- */

static void start_server(const char *program, const char *folder, bool is_lasting)
{
    char data[512], live[512];
    snprintf(data, sizeof data, "%s/data", folder);
    snprintf(live, sizeof live, "%s/live", folder);
    mkdir(folder, 0777);
    mkdir(data, 0777);
    mkdir(live, 0777);
    const char *const arguments[] = {
        data,       "--max-connections",          "4096", "--keep-rows",
        "10000000", is_lasting ? "--live" : NULL, live,   NULL};
    server = bench_server_start(program, arguments);
}

/* ---- the publisher ---- */

typedef struct publisher {
    gch_http *http;
    char url[128];
    double rate;
    _Atomic bool is_over;
    uint64_t rows, held_up; /* calls that had to wait */
} publisher;

static void *publish(void *context)
{
    publisher *p = context;
    gch_error publish_err;
    gch_publish *out = NULL;
    gch_column_desc column = {.name = "v", .type = GCH_TYPE_F64};
    gch_publish_desc desc = {
        .url = p->url, .time_unit = GCH_TIME_NS, .columns = &column, .column_count = 1};
    static int64_t times[ROWS_A_CALL];
    static double values[ROWS_A_CALL];
    if (gch_publish_open(p->http, &desc, &out, &publish_err) != GCH_OK)
        bench_fail("%s", publish_err.message);
    int64_t start = gch__clock_ns();
    uint64_t calls = 0;
    while (!atomic_load(&p->is_over)) {
        double due_s = (double)(calls * ROWS_A_CALL) / p->rate;
        double now_s = (double)(gch__clock_ns() - start) / 1e9;
        if (due_s > now_s)
            usleep((useconds_t)((due_s - now_s) * 1e6));
        int64_t now = wall_ns();
        for (uint32_t i = 0; i < ROWS_A_CALL; i++) {
            times[i] = now;
            values[i] = (double)((calls + i) % 1000) / 100;
        }
        gch_column_data data = {.values = values};
        gch_status status;
        while ((status = gch_publish_rows(out, times, &data, ROWS_A_CALL, &publish_err)) ==
               GCH_PENDING) {
            p->held_up++;
            usleep(500);
        }
        if (status != GCH_OK)
            bench_fail("%s", publish_err.message);
        calls++;
    }
    if (gch_publish_wait(out, 20000, &publish_err) != GCH_OK)
        bench_fail("%s", publish_err.message);
    p->rows = calls * ROWS_A_CALL;
    gch_publish_close(out);
    return NULL;
}

/* ---- subscribers ---- */

typedef struct subscriber {
    int fd;
    bool counts; /* its updates are those measured */
    uint8_t head[HEAD_MAX + 10];
    size_t head_count;
    uint64_t frame_left; /* bytes of the message that are still to come */
    uint64_t frame_at;   /* of it, those that came */
    uint64_t last_at;    /* where the time of its last row lies; 0: not known yet */
    uint8_t last[8];
    uint64_t updates, rows, missed_rows;
} subscriber;

static double *latencies;
static size_t latency_count;

static void connect_one(subscriber *s, const char *path, uint32_t number)
{
    char request[512], answer[1024];
    size_t count = 0;
    const int one = 1;
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK + number / A_PEER)};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(server.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    *s = (subscriber){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (s->fd < 0 || bind(s->fd, (const struct sockaddr *)&from, sizeof from) != 0 ||
        connect(s->fd, (const struct sockaddr *)&to, sizeof to) != 0)
        bench_fail("subscriber %u does not connect: %s", number, strerror(errno));
    setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    int length = snprintf(request, sizeof request,
                          "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                          "Sec-WebSocket-Protocol: gch.live.1\r\n\r\n",
                          path, server.port);
    if (send(s->fd, request, (size_t)length, MSG_NOSIGNAL) != length)
        bench_fail("subscriber %u: %s", number, strerror(errno));
    while (count < sizeof answer - 1 && recv(s->fd, answer + count, 1, 0) == 1) {
        answer[++count] = '\0';
        if (count >= 4 && strcmp(answer + count - 4, "\r\n\r\n") == 0)
            break;
    }
    if (strncmp(answer, "HTTP/1.1 101", 12) != 0)
        bench_fail("subscriber %u is not let in: %.60s", number, answer);
    fcntl(s->fd, F_SETFL, O_NONBLOCK);
}

/* The end of an update: `head` begins with the frame's. */
static void end_update(subscriber *s, const uint8_t *head)
{
    int64_t last;
    memcpy(&last, s->last, sizeof last);
    bool is_summary = gch__load_u16(head + 6) == 2;
    s->updates++;
    s->rows += gch__load_u32(head + 12);
    s->missed_rows += is_summary ? gch__load_u64(head + 40) : 0;
    if (s->counts && latency_count < LATENCIES_MAX)
        latencies[latency_count++] = (double)(wall_ns() - last) / 1e6;
}

/* Server frames are not masked; those longer than the head are rows or summaries. */
static void take(subscriber *s, const uint8_t *bytes, size_t count)
{
    while (count > 0) {
        if (s->frame_left == 0) { /* the WebSocket header */
            s->head[s->head_count++] = *bytes++;
            count--;
            size_t need = 2;
            if (s->head_count >= 2)
                need = s->head[1] == 126 ? 4 : s->head[1] == 127 ? 10 : 2;
            if (s->head_count < need)
                continue;
            uint64_t length = s->head[1];
            if (need > 2) {
                length = 0;
                for (size_t i = 2; i < need; i++)
                    length = length << 8 | s->head[i];
            }
            s->frame_left = length;
            s->frame_at = s->last_at = 0;
            s->head_count = 0;
            if (s->frame_left == 0)
                continue;
        }
        size_t part = (size_t)GCH_MIN((uint64_t)count, s->frame_left);
        if (s->frame_at < HEAD_MAX) {
            size_t copied = GCH_MIN(part, HEAD_MAX - (size_t)s->frame_at);
            memcpy(s->head + s->frame_at, bytes, copied);
            if (s->frame_at + copied >= 56 && memcmp(s->head, "GCHL", 4) == 0)
                s->last_at = gch__load_u16(s->head + 6) == 2
                                 ? 64
                                 : 56 + 8 * ((uint64_t)gch__load_u32(s->head + 12) - 1);
        }
        for (uint64_t i = 0; s->last_at != 0 && i < 8; i++) {
            uint64_t at = s->last_at + i;
            if (at >= s->frame_at && at < s->frame_at + part)
                s->last[i] = bytes[at - s->frame_at];
        }
        s->frame_at += part;
        s->frame_left -= part;
        bytes += part;
        count -= part;
        if (s->frame_left == 0 && s->last_at != 0)
            end_update(s, s->head);
    }
}

/* Reads what comes, for so long. */
static void follow(subscriber *subscribers, uint32_t count, double seconds)
{
    static uint8_t bytes[READ_BYTES];
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    for (uint32_t i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &subscribers[i]};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, subscribers[i].fd, &event) != 0)
            bench_fail("epoll: %s", strerror(errno));
    }
    int64_t end = gch__clock_ns() + (int64_t)(seconds * 1e9);
    while (gch__clock_ns() < end) {
        struct epoll_event events[64];
        int ready = epoll_wait(epoll, events, 64, 50);
        for (int i = 0; i < ready; i++) {
            subscriber *s = events[i].data.ptr;
            ssize_t got = recv(s->fd, bytes, sizeof bytes, 0);
            if (got == 0 || (got < 0 && errno != EAGAIN))
                bench_fail("the server has closed a subscriber's connection");
            if (got > 0)
                take(s, bytes, (size_t)got);
        }
    }
    close(epoll);
}

/* ---- runs ---- */

typedef struct run {
    const char *name, *query;
    uint32_t count, idle;
    bool is_lasting;
} run;

static void measure(cJSON *report, const run *r, double rate, double seconds)
{
    uint32_t all = r->count + r->idle;
    subscriber *subscribers = bench_alloc(all * sizeof *subscribers);
    double *rates = bench_alloc(r->count * sizeof *rates);
    publisher p = {.rate = rate};
    gch_http_response response = {0};
    char url[256], path[128];
    pthread_t thread;
    snprintf(p.url, sizeof p.url, "http://127.0.0.1:%u/v1/live/%s", server.port, r->name);
    check(gch_http_make(NULL, &p.http, &err));
    for (int i = 0; i < 2; i++) {
        snprintf(url, sizeof url, "%s%s?unit=ns&column=v:f64", p.url, i == 0 ? "" : "-idle");
        gch_http_request create = {.url = url, .method = GCH_HTTP_PUT};
        check(gch_http_fetch(p.http, &create, NULL, &response, &err));
        gch_http_response_reset(p.http, &response);
    }
    double before = bench_server_bytes(&server, "VmRSS:");
    for (uint32_t i = 0; i < all; i++) {
        snprintf(path, sizeof path, "/v1/live/%s%s%s", r->name, i < r->count ? "?" : "-idle",
                 i < r->count ? r->query : "");
        connect_one(&subscribers[i], path, i);
    }
    double connected = bench_server_bytes(&server, "VmRSS:");
    if (pthread_create(&thread, NULL, publish, &p) != 0)
        bench_fail("no thread");
    follow(subscribers, all, 2); /* until it runs evenly */
    for (uint32_t i = 0; i < r->count; i++) {
        subscribers[i].updates = 0;
        subscribers[i].counts = true;
    }
    latency_count = 0;
    double cpu = bench_server_cpu_s(&server);
    follow(subscribers, all, seconds);
    cpu = bench_server_cpu_s(&server) - cpu;
    double memory = bench_server_bytes(&server, "VmRSS:");
    for (uint32_t i = 0; i < r->count; i++) {
        rates[i] = (double)subscribers[i].updates / seconds;
        subscribers[i].counts = false;
    }
    bench_stats stats = bench_stats_from(rates, r->count);
    cJSON *object = cJSON_AddObjectToObject(report, r->name);
    cJSON_AddNumberToObject(object, "subscribers", r->count);
    cJSON_AddNumberToObject(object, "idle_subscribers", r->idle);
    cJSON_AddItemToObject(object, "updates_per_s", bench_stats_json(&stats));
    if (latency_count > 0) {
        stats = bench_stats_from(latencies, latency_count);
        cJSON_AddItemToObject(object, "latency_ms", bench_stats_json(&stats));
    }
    atomic_store(&p.is_over, true);
    pthread_join(thread, NULL);
    follow(subscribers, all, 2); /* the rest */
    uint64_t missed = 0, lacking = 0;
    for (uint32_t i = 0; i < all; i++) {
        subscriber *s = &subscribers[i];
        if (i < r->count) {
            missed += s->missed_rows;
            lacking += s->rows + s->missed_rows != p.rows;
        } else {
            lacking += s->rows + s->missed_rows != 0;
        }
        close(s->fd);
    }
    cJSON_AddNumberToObject(object, "rows_published_per_s", (double)p.rows / (seconds + 2));
    cJSON_AddNumberToObject(object, "publisher_held_up", (double)p.held_up);
    if (strstr(r->query, "summary") == NULL)
        cJSON_AddNumberToObject(object, "rows_summed_up", (double)missed);
    cJSON_AddNumberToObject(object, "subscribers_without_the_last_state", (double)lacking);
    cJSON_AddNumberToObject(object, "server_processors", cpu / seconds);
    cJSON_AddNumberToObject(object, "server_bytes_before", before);
    cJSON_AddNumberToObject(object, "server_bytes_a_connection", (connected - before) / all);
    cJSON_AddNumberToObject(object, "server_bytes", memory);
    cJSON_AddNumberToObject(object, "server_peak_bytes", bench_server_bytes(&server, "VmHWM:"));
    gch_http_destroy(p.http);
    bench_free(subscribers);
    bench_free(rates);
}

int main(int argc, char **argv)
{
    static const run runs[] = {{"summaries", "detail=summary", SUBSCRIBERS, 0, false},
                               {"lasting", "detail=summary", SUBSCRIBERS, 0, true},
                               {"rows", "rate=60", SUBSCRIBERS, 0, false},
                               {"idle", "detail=summary", BESIDE_IDLE, IDLE, false}};
    double rate = 1e6, seconds = 5;
    if (argc < 3)
        bench_fail("usage: bench_subscribers GPUCHARTS FOLDER [--rate N] [--seconds N]");
    for (int i = 3; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--rate") == 0)
            rate = strtod(argv[i + 1], NULL);
        else if (strcmp(argv[i], "--seconds") == 0)
            seconds = strtod(argv[i + 1], NULL);
        else
            bench_fail("%s: no such option", argv[i]);
    }
    if (!(rate >= 1000 && rate <= 1e8 && seconds >= 1 && seconds <= 600))
        bench_fail("--rate is within 1e3 and 1e8, --seconds within 1 and 600");
    latencies = bench_alloc(LATENCIES_MAX * sizeof *latencies);
    cJSON *report = bench_report_make("what do a hundred subscribers of a fast series get?");
    for (size_t i = 0; i < GCH_COUNT_OF(runs); i++) {
        start_server(argv[1], argv[2], runs[i].is_lasting);
        measure(report, &runs[i], rate, seconds);
        bench_server_stop(&server);
    }
    bench_free(latencies);
    return bench_report_print(report);
}
