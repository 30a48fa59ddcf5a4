/* How long does a tile that is seen now wait behind downloads on the same connection?
 *
 * Starts GPUCHARTS serve on a file of random bytes, opens one HTTP/2 connection, keeps four
 * downloads of it going at urgency 6, takes --rate bytes a second of what comes, and asks every
 * 50 ms for 16 KiB at urgency 0. A line holds few bytes: the client's socket buffer, which stands
 * for it, is of --line bytes (0: the system's, which grows to several times that). The baselines in
 * the same run: the tile without downloads, and at the urgency of the downloads.
 *
 *     bench_urgent GPUCHARTS FOLDER [--rate BYTES_PER_S] [--line BYTES] [--count N]
 */
#include "base.h"
#include "bench.h"
#include "bench_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES ((size_t)256 << 20)
#define BULKS 4
#define TILE_BYTES 16384
#define EVERY_NS 50000000
#define READ_BYTES 65536u
#define WINDOW (1 << 24) /* of the connection and each stream, as browsers have */
#define COUNT_MAX 2000

static int line_bytes = 262144;

typedef struct client {
    int fd;
    nghttp2_session *session;
    int32_t tile; /* stream; 0: none is out */
    uint64_t tile_bytes;
    uint64_t bulk_bytes;
    bool wants_bulk;
    const char *tile_priority;
    double samples[COUNT_MAX];
    size_t count;
    int64_t asked_ns;
} client;

static ssize_t on_send(nghttp2_session *session, const uint8_t *bytes, size_t count, int flags,
                       void *context)
{
    const client *c = context;
    (void)session, (void)flags;
    ssize_t sent = send(c->fd, bytes, count, MSG_NOSIGNAL);
    return sent > 0 ? sent : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *bytes,
                   size_t count, void *context)
{
    client *c = context;
    (void)session, (void)flags, (void)bytes;
    *(stream == c->tile ? &c->tile_bytes : &c->bulk_bytes) += count;
    return 0;
}

static void ask(client *c, const char *priority, const char *range)
{
    nghttp2_nv fields[] = {
        {(uint8_t *)":method", (uint8_t *)"GET", 7, 3, 0},
        {(uint8_t *)":scheme", (uint8_t *)"http", 7, 4, 0},
        {(uint8_t *)":authority", (uint8_t *)"localhost", 10, 9, 0},
        {(uint8_t *)":path", (uint8_t *)"/data/bulk.gch", 5, 14, 0},
        {(uint8_t *)"priority", (uint8_t *)(uintptr_t)priority, 8, strlen(priority), 0},
        {(uint8_t *)"range", (uint8_t *)(uintptr_t)range, 5, strlen(range), 0}};
    int32_t stream = nghttp2_submit_request(c->session, NULL, fields, 6, NULL, NULL);
    if (stream < 0)
        bench_fail("no stream: %s", nghttp2_strerror(stream));
    if (strcmp(range, "bytes=0-") != 0) {
        c->tile = stream;
        c->tile_bytes = 0;
        c->asked_ns = gch__clock_ns();
    }
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t code, void *context)
{
    client *c = context;
    (void)session;
    if (code != NGHTTP2_NO_ERROR)
        bench_fail("a stream was reset with %u", code);
    if (stream != c->tile) {
        if (c->wants_bulk)
            ask(c, "u=6, i", "bytes=0-");
        return 0;
    }
    if (c->tile_bytes != TILE_BYTES)
        bench_fail("a tile came with %llu bytes", (unsigned long long)c->tile_bytes);
    if (c->count < COUNT_MAX)
        c->samples[c->count++] = (double)(gch__clock_ns() - c->asked_ns) / 1e6;
    c->tile = 0;
    return 0;
}

static void open_client(client *c, const bench_server *server)
{
    const int one = 1, half = line_bytes / 2; /* the kernel doubles it */
    const nghttp2_settings_entry window = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW};
    nghttp2_session_callbacks *table;
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(server->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd >= 0 && line_bytes > 0)
        setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &half, sizeof half);
    if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&to, sizeof to) != 0)
        bench_fail("no connection: %s", strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (nghttp2_session_callbacks_new(&table) != 0)
        bench_fail("no memory");
    nghttp2_session_callbacks_set_send_callback(table, on_send);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(table, on_close);
    if (nghttp2_session_client_new(&c->session, table, c) != 0 ||
        nghttp2_submit_settings(c->session, 0, &window, 1) != 0 ||
        nghttp2_session_set_local_window_size(c->session, 0, 0, WINDOW) != 0)
        bench_fail("no session");
    nghttp2_session_callbacks_del(table);
}

static void close_client(client *c)
{
    nghttp2_session_del(c->session);
    close(c->fd);
}

/* Takes what comes, not faster than `rate`. */
static void run(client *c, double rate, size_t wanted)
{
    static uint8_t bytes[READ_BYTES];
    int64_t start = gch__clock_ns(), next_ns = start + EVERY_NS * 4;
    double taken = 0;
    while (c->count < wanted) {
        int64_t now = gch__clock_ns();
        if (c->tile == 0 && now >= next_ns) {
            ask(c, c->tile_priority, "bytes=1048576-1064959");
            next_ns = now + EVERY_NS;
        }
        if (nghttp2_session_send(c->session) != 0)
            bench_fail("the connection is lost");
        double due_s = taken / rate, at_s = (double)(now - start) / 1e9;
        if (due_s > at_s) { /* ahead of the line */
            usleep((useconds_t)GCH_MIN((due_s - at_s) * 1e6, 1000.0));
            continue;
        }
        if (due_s < at_s - 0.01) /* what was not used is gone */
            taken = (at_s - 0.01) * rate;
        struct pollfd poll_fd = {.fd = c->fd, .events = POLLIN};
        if (poll(&poll_fd, 1, 1) != 1)
            continue;
        ssize_t got = recv(c->fd, bytes, sizeof bytes, 0);
        if (got <= 0 || nghttp2_session_mem_recv(c->session, bytes, (size_t)got) < 0)
            bench_fail("the connection is lost");
        taken += (double)got;
    }
}

static double measure(cJSON *report, const bench_server *server, const char *name,
                      const char *priority, bool has_bulk, double rate, size_t count)
{
    client *c = bench_alloc(sizeof *c);
    *c = (client){.wants_bulk = has_bulk, .tile_priority = priority};
    open_client(c, server);
    for (int i = 0; has_bulk && i < BULKS; i++)
        ask(c, "u=6, i", "bytes=0-");
    int64_t start = gch__clock_ns();
    run(c, rate, count);
    double seconds = (double)(gch__clock_ns() - start) / 1e9;
    bench_stats stats = bench_stats_from(c->samples, c->count);
    cJSON *item = bench_stats_json(&stats);
    cJSON_AddNumberToObject(item, "bulk_bytes_per_s", (double)c->bulk_bytes / seconds);
    cJSON_AddItemToObject(report, name, item);
    close_client(c);
    bench_free(c);
    return stats.median;
}

static void write_file(const char *folder)
{
    char path[512];
    uint64_t state = 5;
    uint64_t *block = bench_alloc(1u << 20);
    mkdir(folder, 0777);
    snprintf(path, sizeof path, "%s/bulk.gch", folder);
    FILE *file = fopen(path, "wb");
    for (size_t at = 0; file != NULL && at < FILE_BYTES; at += 1u << 20) {
        for (size_t i = 0; i < (1u << 20) / sizeof *block; i++)
            block[i] = state = state * 6364136223846793005u + 1442695040888963407u;
        if (fwrite(block, 1u << 20, 1, file) != 1)
            bench_fail("%s: %s", path, strerror(errno));
    }
    if (file == NULL || fclose(file) != 0)
        bench_fail("%s: %s", path, strerror(errno));
    bench_free(block);
}

int main(int argc, char **argv)
{
    double rate = 50e6;
    size_t count = 100;
    if (argc < 3)
        bench_fail("usage: bench_urgent GPUCHARTS FOLDER [--rate BYTES_PER_S] [--line BYTES] "
                   "[--count N]");
    for (int i = 3; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--rate") == 0)
            rate = strtod(argv[i + 1], NULL);
        else if (strcmp(argv[i], "--line") == 0)
            line_bytes = (int)strtol(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--count") == 0)
            count = strtoul(argv[i + 1], NULL, 10);
        else
            bench_fail("%s: no such option", argv[i]);
    }
    if (!(rate >= 1e5 && rate <= 1e10) || count == 0 || count > COUNT_MAX || line_bytes < 0)
        bench_fail("--rate is within 1e5 and 1e10, --count within 1 and %d", COUNT_MAX);
    cJSON *report = bench_report_make("how long does an urgent tile wait behind downloads?");
    write_file(argv[2]);
    const char *const arguments[] = {argv[2], NULL};
    bench_server server = bench_server_start(argv[1], arguments);
    cJSON_AddNumberToObject(report, "rate_bytes_per_s", rate);
    cJSON_AddNumberToObject(report, "line_bytes", line_bytes);
    measure(report, &server, "alone_ms", "u=0", false, rate, count);
    double urgent = measure(report, &server, "urgent_ms", "u=0", true, rate, count);
    double equal = measure(report, &server, "equal_ms", "u=6, i", true, rate, count);
    cJSON_AddNumberToObject(report, "urgent_to_equal", urgent / equal);
    bench_server_stop(&server);
    return bench_report_print(report);
}
