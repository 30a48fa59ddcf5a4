/* Connections: sockets, TLS, buffers, deadlines; what HTTP/1.1, HTTP/2 and WebSocket share.
 *
 * Invariants:
 *  1. Output goes through one buffer a connection; it is filled only when it is empty or nearly so,
 *     so that what is urgent never waits behind much. TCP_NOTSENT_LOWAT keeps the system's own
 *     buffer short for the same reason.
 *  2. A connection that does not move on is closed: one whose request does not arrive, one that
 *     does not take what is sent, one that has nothing to do.
 *  3. After an error our side is shut first and what still comes in is read and dropped for a
 *     moment, since closing a socket with unread input resets it and can lose the answer.
 */
#include "serve_state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PURPOSE "connection"
#define ROUND_BYTES ((size_t)1 << 20) /* read or written before others have their turn */
#define LINGER_NS 2000000000
#define NOT_SENT_BYTES (128 << 10)
#define PROGRESS_BYTES 4096u

static int64_t ms_to_ns(uint32_t ms)
{
    return (int64_t)ms * 1000000;
}

static void set_peer(gch__conn *conn, const struct sockaddr_storage *address)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
    char text[INET6_ADDRSTRLEN] = "?";
    conn->address = *address;
    if (address->ss_family == AF_INET6) {
        inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
        snprintf(conn->peer, sizeof conn->peer, "[%s]:%u", text, ntohs(v6->sin6_port));
        conn->is_loopback = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
    } else {
        inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
        snprintf(conn->peer, sizeof conn->peer, "%s:%u", text, ntohs(v4->sin_port));
        conn->is_loopback = ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
}

static void arm(gch__conn *conn, uint32_t events)
{
    if (events == conn->armed)
        return;
    struct epoll_event event = {.events = events, .data.ptr = conn};
    epoll_ctl(conn->server->epoll_fd, EPOLL_CTL_MOD, conn->fd, &event);
    conn->armed = events;
}

void gch__conn_make(gch_server *server, int fd, const struct sockaddr_storage *address)
{
    const int on = 1, low = NOT_SENT_BYTES;
    gch__conn *conn = gch__alloc_zero(server->allocator, 1, sizeof *conn, PURPOSE);
    SSL *ssl = conn != NULL && server->tls != NULL ? gch__tls_open(server->tls, fd) : NULL;
    if (conn == NULL || (server->tls != NULL && ssl == NULL)) {
        SSL_free(ssl);
        gch__free(server->allocator, conn, PURPOSE);
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &low, sizeof low);
    conn->server = server;
    conn->fd = fd;
    conn->ssl = ssl;
    conn->protocol = &gch__protocol_first;
    conn->in.allocator = server->allocator;
    conn->in.purpose = "input";
    conn->opened_ns = conn->active_ns = conn->progress_ns = server->now_ns;
    conn->armed = EPOLLIN;
    set_peer(conn, address);
    if (ssl != NULL)
        SSL_set_accept_state(ssl);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};
    if (epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        SSL_free(ssl);
        gch__free(server->allocator, conn, PURPOSE);
        close(fd);
        return;
    }
    conn->next = server->conns;
    if (conn->next != NULL)
        conn->next->previous = conn;
    server->conns = conn;
    server->conn_count++;
    server->metrics.connections++;
}

void gch__conn_wake(gch__conn *conn)
{
    gch_server *server = conn->server;
    if (conn->is_ready || conn->fd < 0)
        return;
    conn->is_ready = true;
    conn->next_ready = NULL;
    if (server->ready_last != NULL)
        server->ready_last->next_ready = conn;
    else
        server->ready = conn;
    server->ready_last = conn;
    server->ready_count++;
}

static void unready(gch__conn *conn)
{
    gch_server *server = conn->server;
    gch__conn *before = NULL;
    if (!conn->is_ready)
        return;
    for (gch__conn *at = server->ready; at != conn; at = at->next_ready)
        before = at;
    if (before != NULL)
        before->next_ready = conn->next_ready;
    else
        server->ready = conn->next_ready;
    if (server->ready_last == conn)
        server->ready_last = before;
    server->ready_count--;
    conn->is_ready = false;
}

void gch__conn_release(gch__conn *conn)
{
    gch_server *server = conn->server;
    gch__conn **link = &server->closed;
    while (*link != conn)
        link = &(*link)->next;
    *link = conn->next;
    gch__free(server->allocator, conn, PURPOSE);
}

void gch__conn_close(gch__conn *conn)
{
    gch_server *server = conn->server;
    if (conn->fd < 0)
        return;
    conn->protocol->close(conn);
    while (conn->exchanges != NULL)
        gch__exchange_end(conn->exchanges);
    epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, conn->fd, NULL);
    if (conn->ssl != NULL) {
        ERR_clear_error();
        SSL_free(conn->ssl);
    }
    close(conn->fd);
    conn->fd = -1;
    gch__free(server->allocator, conn->out, "output");
    conn->out = NULL;
    gch__buffer_reset(&conn->in);
    unready(conn);
    if (conn->previous != NULL)
        conn->previous->next = conn->next;
    else
        server->conns = conn->next;
    if (conn->next != NULL)
        conn->next->previous = conn->previous;
    server->conn_count--;
    conn->previous = NULL;
    conn->next = server->closed;
    server->closed = conn;
}

void gch__conn_switch(gch__conn *conn, const gch__protocol *protocol)
{
    conn->protocol = protocol;
    conn->active_ns = conn->server->now_ns;
}

uint8_t *gch__conn_room(gch__conn *conn, size_t wanted)
{
    if (conn->out == NULL) {
        conn->out = gch__alloc(conn->server->allocator, GCH__OUT_CAP, "output");
        if (conn->out == NULL)
            return NULL;
    }
    if (wanted > GCH__OUT_CAP - conn->out_count)
        return NULL;
    return conn->out + conn->out_count;
}

/* ---- bytes in and out ---- */

/* > 0: bytes; 0: none now; -1: the end; -2: failed. */
static ssize_t receive(gch__conn *conn, uint8_t *out, size_t cap)
{
    if (conn->ssl == NULL) {
        ssize_t got = recv(conn->fd, out, cap, 0);
        if (got > 0)
            return got;
        return got == 0 ? -1 : errno == EAGAIN || errno == EINTR ? 0 : -2;
    }
    ERR_clear_error();
    int got = SSL_read(conn->ssl, out, (int)cap);
    if (got > 0)
        return got;
    switch (SSL_get_error(conn->ssl, got)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return 0;
    case SSL_ERROR_ZERO_RETURN:
        return -1;
    default:
        conn->server->metrics.tls_failures += !SSL_is_init_finished(conn->ssl);
        return -2;
    }
}

/* The same for sending. */
static ssize_t transmit(gch__conn *conn, const uint8_t *bytes, size_t count)
{
    if (conn->ssl == NULL) {
        ssize_t sent = send(conn->fd, bytes, count, MSG_NOSIGNAL);
        return sent >= 0 ? sent : errno == EAGAIN || errno == EINTR ? 0 : -2;
    }
    ERR_clear_error();
    int sent = SSL_write(conn->ssl, bytes, (int)count);
    if (sent > 0)
        return sent;
    int reason = SSL_get_error(conn->ssl, sent);
    return reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE ? 0 : -2;
}

/* Writes the output; false if the connection is lost. *is_blocked: some of it is left. */
static bool flush(gch__conn *conn, bool *is_blocked)
{
    *is_blocked = false;
    while (conn->out_at < conn->out_count) {
        ssize_t sent = transmit(conn, conn->out + conn->out_at, conn->out_count - conn->out_at);
        if (sent < 0)
            return false;
        if (sent == 0) {
            *is_blocked = true;
            return true;
        }
        conn->out_at += (size_t)sent;
        conn->sent_bytes += (uint64_t)sent;
        conn->server->metrics.sent_bytes += (uint64_t)sent;
    }
    conn->out_at = conn->out_count = 0;
    return conn->ssl == NULL || gch__tls_flush(conn->ssl, is_blocked);
}

/* Our side ends; false if there is nothing to wait for. */
static bool begin_lingering(gch__conn *conn)
{
    if (conn->is_lingering || conn->has_ended)
        return false;
    if (conn->ssl != NULL) {
        ERR_clear_error();
        (void)SSL_shutdown(conn->ssl);
        bool is_blocked;
        (void)gch__tls_flush(conn->ssl, &is_blocked);
    }
    if (shutdown(conn->fd, SHUT_WR) != 0)
        return false;
    conn->is_lingering = true;
    conn->lingers_ns = conn->server->now_ns + LINGER_NS;
    arm(conn, EPOLLIN);
    return true;
}

/* Fills and writes until nothing is left, the socket is full, or others should have a turn. False:
 * close. */
static bool pump(gch__conn *conn)
{
    bool is_blocked;
    uint64_t until = conn->sent_bytes + ROUND_BYTES;
    for (;;) {
        if (!flush(conn, &is_blocked))
            return false;
        if (is_blocked || conn->sent_bytes >= until)
            break;
        if (!conn->is_finished && !conn->protocol->fill(conn))
            return false;
        if (conn->out_count == 0)
            break;
    }
    if (conn->out_count == 0 && !is_blocked && conn->sent_bytes < until) {
        gch__free(conn->server->allocator, conn->out, "output");
        conn->out = NULL;
        if (conn->is_finished)
            return begin_lingering(conn);
        conn->progress_ns = conn->server->now_ns;
    }
    bool wants_out = is_blocked || conn->sent_bytes >= until || conn->out_count > 0;
    bool wants_in = !conn->stops_reading && !conn->has_ended;
    if (conn->ssl != NULL && !SSL_is_init_finished(conn->ssl))
        wants_out = SSL_want_write(conn->ssl);
    arm(conn, (wants_in ? EPOLLIN : 0) | (wants_out ? EPOLLOUT : 0));
    return true;
}

static bool read_input(gch__conn *conn)
{
    uint8_t *room = conn->server->read_room;
    size_t round = 0;
    conn->was_read_cut = false;
    while (!conn->stops_reading && !conn->has_ended && conn->fd >= 0) {
        ssize_t got = receive(conn, room, GCH__READ_BYTES);
        if (got == 0)
            return true;
        if (got == -2)
            return false;
        if (got == -1) {
            conn->has_ended = true;
            return conn->protocol->feed(conn, NULL, 0);
        }
        round += (size_t)got;
        conn->server->metrics.received_bytes += (uint64_t)got;
        if (!conn->is_lingering && !conn->is_finished &&
            !conn->protocol->feed(conn, room, (size_t)got))
            return false;
        if (round >= ROUND_BYTES) {
            conn->was_read_cut = true;
            gch__conn_wake(conn);
            return true;
        }
    }
    return true;
}

void gch__conn_event(gch__conn *conn, uint32_t events)
{
    bool is_fine = true;
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 || conn->was_read_cut)
        is_fine = read_input(conn);
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) /* nothing can be sent any more */
        is_fine = false;
    if (conn->is_lingering) {
        if (!is_fine || conn->has_ended)
            gch__conn_close(conn);
        return;
    }
    if (!is_fine || !pump(conn))
        gch__conn_close(conn);
}

void gch__conns_resume(gch_server *server)
{
    for (uint32_t count = server->ready_count; count > 0 && server->ready != NULL; count--) {
        gch__conn *conn = server->ready;
        unready(conn);
        gch__conn_event(conn, 0);
    }
}

/* Whether there is an answer that could be sent if the peer took it. */
static bool has_output(const gch__conn *conn)
{
    if (conn->out_count > 0)
        return true;
    for (const gch__exchange *exchange = conn->exchanges; exchange != NULL;
         exchange = exchange->next) {
        if (exchange->code != 0 && exchange->answer.left > 0 && !exchange->answer_has_no_body &&
            exchange->task == NULL)
            return true;
    }
    return false;
}

static bool is_too_slow(gch__conn *conn)
{
    const gch_server *server = conn->server;
    if (conn->is_lingering)
        return server->now_ns > conn->lingers_ns;
    if (conn->sent_bytes - conn->progress_bytes >= PROGRESS_BYTES || !has_output(conn)) {
        conn->progress_ns = server->now_ns;
        conn->progress_bytes = conn->sent_bytes;
    }
    return server->now_ns - conn->progress_ns > ms_to_ns(server->desc.send_timeout_ms) ||
           !conn->protocol->check(conn, server->now_ns);
}

void gch__conns_sweep(gch_server *server)
{
    for (gch__conn *conn = server->conns, *next; conn != NULL; conn = next) {
        next = conn->next;
        if (is_too_slow(conn)) {
            server->metrics.timeouts += !conn->is_lingering;
            gch__conn_close(conn);
        }
    }
}

/* ---- the first bytes ---- */

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/* Over TLS the protocol has been agreed upon; in cleartext HTTP/2 begins with its preface. */
static bool first_feed(gch__conn *conn, const uint8_t *bytes, size_t count)
{
    if (conn->has_ended)
        return false;
    if (conn->ssl != NULL) {
        const unsigned char *name;
        unsigned length;
        SSL_get0_alpn_selected(conn->ssl, &name, &length);
        if (length == 2 && memcmp(name, "h2", 2) == 0)
            return gch__h2_start(conn) && conn->protocol->feed(conn, bytes, count);
        gch__conn_switch(conn, &gch__protocol_h1);
        return conn->protocol->feed(conn, bytes, count);
    }
    if (!gch__buffer_append(&conn->in, bytes, count))
        return false;
    size_t compared = GCH_MIN(conn->in.count, sizeof preface - 1);
    if (memcmp(conn->in.bytes, preface, compared) == 0) {
        if (compared < sizeof preface - 1)
            return true;
        gch__buffer start = conn->in;
        conn->in = (gch__buffer){.allocator = start.allocator, .purpose = start.purpose};
        bool is_fine = gch__h2_start(conn) && conn->protocol->feed(conn, start.bytes, start.count);
        gch__buffer_reset(&start);
        return is_fine;
    }
    gch__conn_switch(conn, &gch__protocol_h1);
    return conn->protocol->feed(conn, NULL, 0);
}

static bool first_fill(gch__conn *conn)
{
    (void)conn;
    return true;
}

static void first_answered(gch__exchange *exchange)
{
    (void)exchange;
}

static void first_drain(gch__conn *conn)
{
    conn->is_finished = true;
}

static bool first_check(gch__conn *conn, int64_t now_ns)
{
    return now_ns - conn->opened_ns < ms_to_ns(conn->server->desc.request_timeout_ms);
}

static void first_close(gch__conn *conn)
{
    (void)conn;
}

const gch__protocol gch__protocol_first = {
    .name = "none",
    .feed = first_feed,
    .fill = first_fill,
    .answered = first_answered,
    .drain = first_drain,
    .check = first_check,
    .close = first_close,
};
