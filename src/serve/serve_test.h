/* A server in a thread of its own, and clients that say exactly what a test wants. */
#ifndef GCH_SERVE_TEST_H
#define GCH_SERVE_TEST_H

#include "test.h"

#include "gch/serve.h"
#include "gch/writer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TEST_ROWS 20000u

typedef struct test_server {
    char folder[64];
    gch_data *data;
    gch_server *server;
    pthread_t thread;
    gch_status status; /* of gch_server_run */
    gch_error err;
    uint16_t port;
} test_server;

/* Rows every 10 ms from 1000 on; `price` a decimal zigzag, `volume` integers with gaps. */
static inline void test_write_file(const char *path, size_t row_count)
{
    gch_error err = {0};
    gch_writer *writer = NULL;
    int64_t *times = calloc(row_count, sizeof *times), *volumes = calloc(row_count, 8);
    double *prices = calloc(row_count, sizeof *prices);
    uint8_t *validity = calloc(row_count / 8 + 1, 1);
    assert_true(times != NULL && volumes != NULL && prices != NULL && validity != NULL);
    for (size_t i = 0; i < row_count; i++) {
        times[i] = 1000 + 10 * (int64_t)i;
        prices[i] = (double)(10000 + (i * 37) % 1000) / 100;
        volumes[i] = (int64_t)(i % 77);
        validity[i / 8] |= (uint8_t)((i % 500 > 3) << (i % 8));
    }
    const gch_column_desc columns[] = {{.name = "price", .type = GCH_TYPE_F64, .unit = "EUR"},
                                       {.name = "volume", .type = GCH_TYPE_I64}};
    const gch_writer_desc desc = {
        .time_unit = GCH_TIME_MS, .columns = columns, .column_count = 2, .source = "test \"data\""};
    const gch_column_data data[] = {{.values = prices}, {.values = volumes, .validity = validity}};
    assert_ok(gch_writer_create(path, &desc, &writer, &err));
    assert_ok(gch_writer_append(writer, times, data, row_count, &err));
    assert_ok(gch_writer_finish(writer, &err));
    free(times), free(prices), free(volumes), free(validity);
}

static inline void *test_server_thread(void *context)
{
    test_server *t = context;
    t->status = gch_server_run(t->server, &t->err);
    return NULL;
}

/* A folder with a.gch and sub/b c.gch. */
static inline void test_server_folder(test_server *t, const char *name)
{
    char path[128];
    snprintf(t->folder, sizeof t->folder, "%s_%d", name, (int)getpid());
    assert_int_equal(mkdir(t->folder, 0755), 0);
    snprintf(path, sizeof path, "%s/a.gch", t->folder);
    test_write_file(path, TEST_ROWS);
    snprintf(path, sizeof path, "%s/sub", t->folder);
    assert_int_equal(mkdir(path, 0755), 0);
    snprintf(path, sizeof path, "%s/sub/b c.gch", t->folder);
    test_write_file(path, 300);
}

static inline void test_server_start(test_server *t, const gch_server_desc *wanted)
{
    gch_error err = {0};
    gch_server_desc desc = *wanted;
    const char *path = t->folder;
    assert_ok(gch_data_make(&(gch_data_desc){.host_budget_bytes = 64u << 20}, &t->data, &err));
    desc.data = t->data;
    desc.paths = &path;
    desc.path_count = 1;
    if (desc.listen == NULL)
        desc.listen = "127.0.0.1:0";
    if (desc.scan_interval_ms == 0)
        desc.scan_interval_ms = 50;
    assert_ok(gch_server_make(&desc, &t->server, &err));
    t->port = gch_server_port(t->server);
    assert_int_equal(pthread_create(&t->thread, NULL, test_server_thread, t), 0);
}

static inline void test_server_stop(test_server *t)
{
    gch_error err = {0};
    gch_server_stop(t->server);
    pthread_join(t->thread, NULL);
    assert_int_equal(t->status, GCH_OK);
    gch_server_destroy(t->server);
    assert_ok(gch_data_destroy(t->data, &err));
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", t->folder);
    assert_int_equal(system(command), 0);
}

static inline void test_sleep_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* ---- sockets ---- */

static inline int test_connect(const test_server *t)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(t->port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Ends the test if the peer does not take it; false if the connection is gone. */
static inline bool test_send(int fd, const void *bytes, size_t count)
{
    const char *at = bytes;
    while (count > 0) {
        ssize_t sent = send(fd, at, count, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += sent;
        count -= (size_t)sent;
    }
    return true;
}

/* Waits up to 10 s for bytes; 0 at the end of the connection or when it was reset. */
static inline size_t test_recv(int fd, void *out, size_t cap)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    if (poll(&poll_fd, 1, 10000) != 1)
        fail_msg("nothing came within 10 s");
    ssize_t got = recv(fd, out, cap, 0);
    return got > 0 ? (size_t)got : 0;
}

typedef struct test_answer {
    char *bytes; /* head and body, with a NUL */
    size_t count;
    int code;
    char *body;
    size_t body_count;
} test_answer;

static inline void test_answer_free(test_answer *a)
{
    free(a->bytes);
    *a = (test_answer){0};
}

/* The value of a field into `out`; false if it is absent. Names are lower case. */
static inline bool test_field(const test_answer *a, const char *name, char *out, size_t cap)
{
    char line[128];
    snprintf(line, sizeof line, "\r\n%s: ", name);
    const char *at = strstr(a->bytes, line);
    if (at == NULL || at > a->body)
        return false;
    at += strlen(line);
    snprintf(out, cap, "%.*s", (int)strcspn(at, "\r"), at);
    return true;
}

/* One answer with its Content-Length; `is_head`: without a body. The code is 0 if the connection
 * ended first. Reads byte by byte up to the end of the head, so that nothing behind is taken. */
static inline test_answer test_read_answer(int fd, bool is_head)
{
    test_answer a = {.bytes = calloc(1, 65536)};
    char text[64];
    assert_non_null(a.bytes);
    while (a.count < 65535 && test_recv(fd, a.bytes + a.count, 1) == 1) {
        a.count++;
        if (a.count >= 4 && memcmp(a.bytes + a.count - 4, "\r\n\r\n", 4) == 0)
            break;
    }
    a.body = a.bytes + a.count;
    if (a.count < 12)
        return a;
    a.code = atoi(a.bytes + 9);
    if (a.code == 100) { /* the answer itself follows */
        test_answer_free(&a);
        return test_read_answer(fd, is_head);
    }
    size_t length =
        test_field(&a, "content-length", text, sizeof text) ? strtoul(text, NULL, 10) : 0;
    if (is_head)
        length = 0;
    a.bytes = realloc(a.bytes, a.count + length + 1);
    assert_non_null(a.bytes);
    a.body = a.bytes + a.count;
    while (a.body_count < length) {
        size_t got = test_recv(fd, a.body + a.body_count, length - a.body_count);
        if (got == 0)
            break;
        a.body_count += got;
    }
    a.body[a.body_count] = '\0';
    return a;
}

/* A request on a connection of its own, `fields` with their CRLFs. */
static inline test_answer test_ask(const test_server *t, const char *method, const char *target,
                                   const char *fields, const char *body)
{
    int fd = test_connect(t);
    char head[9000];
    int length = snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n%s", method,
                          target, t->port, fields);
    assert_true(length > 0 && (size_t)length + 64 < sizeof head);
    if (body != NULL)
        length += snprintf(head + length, 64, "Content-Length: %zu\r\n", strlen(body));
    length += snprintf(head + length, 8, "\r\n");
    assert_true(test_send(fd, head, (size_t)length));
    if (body != NULL)
        assert_true(test_send(fd, body, strlen(body)));
    test_answer a = test_read_answer(fd, strcmp(method, "HEAD") == 0);
    close(fd);
    return a;
}

static inline test_answer test_get(const test_server *t, const char *target, const char *fields)
{
    return test_ask(t, "GET", target, fields, NULL);
}

/* The code alone. */
static inline int test_code(const test_server *t, const char *method, const char *target,
                            const char *fields, const char *body)
{
    test_answer a = test_ask(t, method, target, fields, body);
    int code = a.code;
    test_answer_free(&a);
    return code;
}

/* What bytes sent as they are give: the code, 0 if nothing came back. */
static inline int test_raw(const test_server *t, const char *bytes)
{
    int fd = test_connect(t);
    (void)!test_send(fd, bytes, strlen(bytes));
    test_answer a = test_read_answer(fd, false);
    int code = a.code;
    test_answer_free(&a);
    close(fd);
    return code;
}

/* The value of a line of /metrics. */
static inline uint64_t test_metric(const test_server *t, const char *name)
{
    char line[128];
    test_answer a = test_get(t, "/metrics", "");
    snprintf(line, sizeof line, "\ngpucharts_%s ", name);
    const char *at = strstr(a.body, line);
    if (at == NULL)
        fail_msg("no metric %s", name);
    uint64_t value = strtoull(at + strlen(line), NULL, 10);
    test_answer_free(&a);
    return value;
}

/* The bytes of a file; the caller's. */
static inline char *test_read_file(const char *path, size_t *out_count)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *out_count = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*out_count + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *out_count, file), *out_count);
    fclose(file);
    return bytes;
}

#endif
