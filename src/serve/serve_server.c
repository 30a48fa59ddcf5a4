/* The server: its desc, its socket, its loop (gch/serve.h).
 *
 * Invariants:
 *  1. One thread does all of the network, one epoll set holds all sockets; what may take long runs
 *     as a job and wakes the loop by an eventfd, as does gch_server_stop.
 *  2. Stopping is in steps: no new connections, no new requests, the answers at hand, and after
 *     drain_timeout_ms, or when asked again, the end.
 */
#include "base_sigpipe.h"
#include "serve_json.h"
#include "serve_state.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <openssl/rand.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define PURPOSE "server"
#define EVENTS_A_ROUND 128
#define SWEEP_NS 500000000

static void set_default(uint32_t *value, uint32_t default_value)
{
    if (*value == 0)
        *value = default_value;
}

static void resolve_defaults(gch_server_desc *desc)
{
    if (desc->listen == NULL)
        desc->listen = "127.0.0.1:8080";
    if (desc->coding == GCH_CODING_DEFAULT)
        desc->coding = GCH_CODING_AUTO;
    set_default(&desc->connection_cap, 1024);
    set_default(&desc->connection_cap_of_peer, 256);
    set_default(&desc->stream_cap, 256);
    set_default(&desc->request_cap, 1024);
    set_default(&desc->data_cap, 4096);
    set_default(&desc->header_bytes_cap, 16384);
    set_default(&desc->body_bytes_cap, 8u << 20);
    set_default(&desc->request_timeout_ms, 10000);
    set_default(&desc->send_timeout_ms, 30000);
    set_default(&desc->idle_timeout_ms, 75000);
    set_default(&desc->drain_timeout_ms, 10000);
    set_default(&desc->scan_interval_ms, 1000);
    set_default(&desc->reset_burst, 2000);
    set_default(&desc->reset_rate, 200);
    set_default(&desc->live_series_cap, 1024);
    if (desc->live_bytes_cap == 0)
        desc->live_bytes_cap = (uint64_t)64 << 20;
}

static gch_status check_desc(const gch_server_desc *desc, gch_error *err)
{
    if (desc->data == NULL || desc->path_count == 0)
        return gch_fail(err, GCH_INVALID, "a server needs a data manager and something to serve");
    if ((desc->tls_certificate == NULL) != (desc->tls_key == NULL))
        return gch_fail(err, GCH_INVALID, "a certificate and its key go together");
    if (desc->tls_certificate != NULL && desc->tls_self_signed)
        return gch_fail(err, GCH_INVALID,
                        "a certificate is given, so it is not to be a self-signed one");
    if ((uint32_t)desc->coding > GCH_CODING_NEVER)
        return gch_fail(err, GCH_INVALID, "unknown rule for compression");
    if (desc->header_bytes_cap > 1u << 20 || desc->body_bytes_cap > 1u << 30)
        return gch_fail(err, GCH_INVALID, "a limit is too large");
    return GCH_OK;
}

/* ---- the socket ---- */

/* "host:port", "[v6]:port", ":port" (all addresses) */
static gch_status split_listen(const char *listen_text, char *host, size_t host_cap,
                               const char **out_port, gch_error *err)
{
    const char *colon = strrchr(listen_text, ':');
    size_t length = colon != NULL ? (size_t)(colon - listen_text) : 0;
    const char *from = listen_text;
    if (colon == NULL || colon[1] == '\0' || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
        strlen(colon + 1) > 5 || strtoul(colon + 1, NULL, 10) > UINT16_MAX)
        return gch_fail(err, GCH_INVALID, "%s: is not HOST:PORT", listen_text);
    if (length >= 2 && from[0] == '[' && from[length - 1] == ']') {
        from++;
        length -= 2;
    } else if (memchr(from, ':', length) != NULL) {
        return gch_fail(err, GCH_INVALID, "%s: an IPv6 address stands in [brackets]", listen_text);
    }
    if (length >= host_cap)
        return gch_fail(err, GCH_INVALID, "%s: the host name is too long", listen_text);
    memcpy(host, from, length);
    host[length] = '\0';
    *out_port = colon + 1;
    return GCH_OK;
}

static bool address_is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
        return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
    }
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
    return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

static gch_status open_socket(gch_server *server, gch_error *err)
{
    char host[256];
    const char *port;
    const int on = 1;
    struct addrinfo *found = NULL;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    GCH_TRY(split_listen(server->desc.listen, host, sizeof host, &port, err));
    int code = getaddrinfo(host[0] != '\0' ? host : NULL, port, &hints, &found);
    if (code != 0)
        return gch_fail(err, GCH_IO, "%s: %s", server->desc.listen, gai_strerror(code));
    server->listen_fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool is_fine = server->listen_fd >= 0 &&
                   setsockopt(server->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                   bind(server->listen_fd, found->ai_addr, found->ai_addrlen) == 0 &&
                   listen(server->listen_fd, 1024) == 0;
    gch_status status = GCH_OK;
    if (!is_fine)
        status = gch_fail(err, GCH_IO, "%s: %s", server->desc.listen, strerror(errno));
    server->is_local = address_is_loopback(found->ai_addr);
    freeaddrinfo(found);
    GCH_TRY(status);
    struct sockaddr_storage bound = {0};
    socklen_t length = sizeof bound;
    if (getsockname(server->listen_fd, (struct sockaddr *)&bound, &length) != 0)
        return gch_fail(err, GCH_IO, "%s: %s", server->desc.listen, strerror(errno));
    static_assert(offsetof(struct sockaddr_in, sin_port) ==
                      offsetof(struct sockaddr_in6, sin6_port),
                  "a port lies at one place in both");
    in_port_t port_bytes;
    memcpy(&port_bytes, (const char *)&bound + offsetof(struct sockaddr_in, sin_port),
           sizeof port_bytes);
    server->port = ntohs(port_bytes);
    return GCH_OK;
}

static gch_status watch(gch_server *server, int fd, void *tag, gch_error *err)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = tag};
    if (fd < 0 || epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        return gch_fail(err, GCH_IO, "epoll: %s", strerror(errno));
    return GCH_OK;
}

/* ---- making ---- */

void gch__server_report(gch_server *server, const char *event, const char *message)
{
    gch__buffer line = {.allocator = server->allocator, .purpose = "access log"};
    if (gch__json_print(&line, "{\"event\": \"%s\", \"message\": ", event) &&
        gch__json_text(&line, message) && gch__json_print(&line, "}\n"))
        gch__log_line(server->log, (const char *)line.bytes, line.count);
    gch__buffer_reset(&line);
    if (server->desc.on_warning != NULL)
        server->desc.on_warning(server->desc.context, message);
}

static void report_scan(void *context, const char *message)
{
    gch__server_report(context, "data", message);
}

static gch_status make_parts(gch_server *server, gch_error *err)
{
    const gch_server_desc *desc = &server->desc;
    server->read_room = gch__alloc(server->allocator, GCH__READ_BYTES, PURPOSE);
    if (server->read_room == NULL)
        return gch__no_memory(err, PURPOSE);
    if (RAND_bytes((unsigned char *)&server->start_number, sizeof server->start_number) != 1)
        return gch_fail(err, GCH_IO, "no random numbers");
    if (desc->log_fd > 0)
        GCH_TRY(gch__log_make(desc->log_fd, server->allocator, &server->log, err));
    if (desc->token_path != NULL)
        GCH_TRY(gch__tokens_read(desc->token_path, server->allocator, &server->tokens, err));
    if (desc->viewer_path != NULL)
        GCH_TRY(gch__viewer_make(desc->viewer_path, server->allocator, &server->viewer, err));
    server->is_tls = desc->tls_certificate != NULL || desc->tls_self_signed;
    if (server->is_tls)
        GCH_TRY(gch__tls_make(desc, &server->tls, err));
    server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    server->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (server->epoll_fd < 0)
        return gch_fail(err, GCH_IO, "epoll: %s", strerror(errno));
    GCH_TRY(watch(server, server->wake_fd, &server->wake_fd, err));
    GCH_TRY(open_socket(server, err));
    GCH_TRY(watch(server, server->listen_fd, &server->listen_fd, err));
    server->accepts = true;
    const gch__catalog_desc catalog = {.data = desc->data,
                                       .paths = desc->paths,
                                       .path_count = desc->path_count,
                                       .data_cap = desc->data_cap,
                                       .scan_interval_ms = desc->scan_interval_ms,
                                       .allocator = server->allocator,
                                       .report = report_scan,
                                       .context = server};
    GCH_TRY(gch__catalog_make(&catalog, &server->catalog, err));
    GCH_TRY(gch__hub_make(server, &server->live, err));
    return gch__jobs_make(desc->thread_count, server->wake_fd, server->allocator, &server->jobs,
                          err);
}

gch_status gch_server_make(const gch_server_desc *desc, gch_server **out, gch_error *err)
{
    GCH_TRY(check_desc(desc, err));
    gch_server *server = gch__alloc_zero(desc->allocator, 1, sizeof *server, PURPOSE);
    if (server == NULL)
        return gch__no_memory(err, PURPOSE);
    server->desc = *desc;
    server->allocator = desc->allocator;
    server->listen_fd = server->epoll_fd = server->wake_fd = -1;
    server->now_ns = gch__clock_ns();
    resolve_defaults(&server->desc);
    gch_status status = make_parts(server, err);
    if (status != GCH_OK) {
        gch_server_destroy(server);
        return status;
    }
    *out = server;
    return GCH_OK;
}

uint16_t gch_server_port(const gch_server *server)
{
    return server->port;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

/* Frees closed connections that nothing refers to any more: not within a round, whose events may
 * still name them. */
static void release_closed(gch_server *server)
{
    for (gch__conn *conn = server->closed, *next; conn != NULL; conn = next) {
        next = conn->next;
        if (conn->task_count == 0)
            gch__conn_release(conn);
    }
}

void gch_server_destroy(gch_server *server)
{
    if (server == NULL)
        return;
    while (server->conns != NULL)
        gch__conn_close(server->conns);
    gch__hub_end(server->live);
    gch__jobs_destroy(server->jobs); /* ends what the closed connections wait for */
    release_closed(server);
    gch__hub_destroy(server->live);
    gch__catalog_destroy(server->catalog);
    gch__tokens_destroy(server->tokens);
    gch__viewer_destroy(server->viewer);
    SSL_CTX_free(server->tls);
    gch__log_destroy(server->log);
    close_fd(server->listen_fd);
    close_fd(server->epoll_fd);
    close_fd(server->wake_fd);
    gch__free(server->allocator, server->read_room, PURPOSE);
    gch__free(server->allocator, server, PURPOSE);
}

/* ---- running ---- */

/* Only what a signal handler may do. */
void gch_server_stop(gch_server *server)
{
    const uint64_t one = 1;
    int before = errno;
    atomic_fetch_add(&server->stop_count, 1);
    ssize_t written = write(server->wake_fd, &one, sizeof one);
    (void)written; /* if it is full, the loop wakes anyway */
    errno = before;
}

static bool same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    if (a->ss_family != b->ss_family)
        return false;
    if (a->ss_family == AF_INET6)
        return memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr,
                      &((const struct sockaddr_in6 *)b)->sin6_addr, 16) == 0;
    return memcmp(&((const struct sockaddr_in *)a)->sin_addr,
                  &((const struct sockaddr_in *)b)->sin_addr, 4) == 0;
}

static bool has_place(const gch_server *server, const struct sockaddr_storage *address)
{
    uint32_t count = 0;
    if (server->conn_count >= server->desc.connection_cap)
        return false;
    for (const gch__conn *conn = server->conns; conn != NULL; conn = conn->next)
        count += same_address(&conn->address, address);
    return count < server->desc.connection_cap_of_peer;
}

static void set_accepting(gch_server *server, bool accepts)
{
    struct epoll_event event = {.events = accepts ? EPOLLIN : 0, .data.ptr = &server->listen_fd};
    if (accepts != server->accepts)
        epoll_ctl(server->epoll_fd, EPOLL_CTL_MOD, server->listen_fd, &event);
    server->accepts = accepts;
}

static void accept_all(gch_server *server)
{
    for (int i = 0; i < 64; i++) {
        struct sockaddr_storage address = {0};
        socklen_t length = sizeof address;
        int fd = accept4(server->listen_fd, (struct sockaddr *)&address, &length,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
            set_accepting(server, false); /* until the next sweep */
            return;
        }
        if (fd < 0)
            return;
        if (!has_place(server, &address)) {
            server->metrics.refused_connections++;
            close(fd);
            continue;
        }
        gch__conn_make(server, fd, &address);
    }
}

static void begin_draining(gch_server *server)
{
    server->is_draining = true;
    server->drain_until_ns = server->now_ns + (int64_t)server->desc.drain_timeout_ms * 1000000;
    epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, server->listen_fd, NULL);
    close(server->listen_fd);
    server->listen_fd = -1;
    for (gch__conn *conn = server->conns; conn != NULL; conn = conn->next) {
        conn->protocol->drain(conn);
        gch__conn_wake(conn);
    }
}

static void empty_wake(gch_server *server)
{
    uint64_t count;
    ssize_t got = read(server->wake_fd, &count, sizeof count);
    (void)got; /* empty already */
}

static void handle(gch_server *server, const struct epoll_event *event)
{
    if (event->data.ptr == &server->wake_fd) {
        empty_wake(server);
    } else if (event->data.ptr == &server->listen_fd) {
        accept_all(server);
    } else {
        gch__conn *conn = event->data.ptr;
        if (conn->fd >= 0) /* closed by an earlier event of this round */
            gch__conn_event(conn, event->events);
    }
}

static int wait_ms(const gch_server *server)
{
    if (server->ready != NULL)
        return 0;
    int64_t due_ns = GCH_MIN(server->swept_ns + SWEEP_NS, gch__hub_due_ns(server->live));
    int64_t left_ms = (due_ns - server->now_ns + 999999) / 1000000;
    return (int)GCH_MAX(GCH_MIN(left_ms, (int64_t)SWEEP_NS / 1000000), (int64_t)0);
}

static gch_status run(gch_server *server, gch_error *err)
{
    struct epoll_event events[EVENTS_A_ROUND];
    server->now_ns = server->swept_ns = gch__clock_ns();
    for (;;) {
        int count = epoll_wait(server->epoll_fd, events, EVENTS_A_ROUND, wait_ms(server));
        if (count < 0 && errno != EINTR)
            return gch_fail(err, GCH_IO, "epoll: %s", strerror(errno));
        server->now_ns = gch__clock_ns();
        for (int i = 0; i < count; i++)
            handle(server, &events[i]);
        gch__jobs_collect(server->jobs);
        gch__hub_tick(server->live);
        gch__conns_resume(server);
        release_closed(server);
        uint32_t stop_count = atomic_load(&server->stop_count);
        if (stop_count > 0 && !server->is_draining)
            begin_draining(server);
        if (server->now_ns - server->swept_ns >= SWEEP_NS) {
            server->swept_ns = server->now_ns;
            gch__conns_sweep(server);
            if (!server->is_draining)
                set_accepting(server, true);
        }
        bool is_over =
            server->conns == NULL || stop_count > 1 || server->now_ns >= server->drain_until_ns;
        if (server->is_draining && is_over)
            return GCH_OK;
    }
}

/* TLS writes through OpenSSL, which would raise SIGPIPE when a client has gone away. */
gch_status gch_server_run(gch_server *server, gch_error *err)
{
    gch__sigpipe saved;
    gch__sigpipe_block(&saved);
    gch_status status = run(server, err);
    gch__sigpipe_restore(&saved);
    return status;
}
