/* The server, its connections, and what the files of this room share.
 *
 * Invariants:
 *  1. Everything here belongs to the network's thread, the thread in gch_server_run; what other
 *     threads touch is marked.
 *  2. A connection that is closed keeps its struct until the last task of its exchanges has ended.
 */
#ifndef GCH_SERVE_STATE_H
#define GCH_SERVE_STATE_H

#include "gch/serve.h"
#include "serve_auth.h"
#include "serve_catalog.h"
#include "serve_exchange.h"
#include "serve_head.h"
#include "serve_hub.h"
#include "serve_log.h"
#include "serve_viewer.h"

#include <netinet/in.h>
#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>

/* Output is gathered up to FILL bytes before it is written; a frame or a head may go beyond. */
#define GCH__OUT_FILL 65536u
#define GCH__FRAME_BYTES 16384u /* the largest DATA frame that is sent */
#define GCH__OUT_CAP (GCH__OUT_FILL + 2 * (GCH__FRAME_BYTES + 9) + 32768u)
#define GCH__READ_BYTES 65536u
#define GCH__PEER_CAP 64u
#define GCH__LATENCY_BUCKETS 28u

typedef struct gch__protocol gch__protocol;

struct gch__conn {
    gch_server *server;
    gch__conn *next, *previous; /* of the server's list; `next` of the list of closed ones */
    gch__conn *next_ready;
    const gch__protocol *protocol;
    int fd; /* -1: closed, waits for its tasks */
    SSL *ssl;
    struct sockaddr_storage address;
    char peer[GCH__PEER_CAP];
    bool is_loopback;

    gch__buffer in; /* HTTP/1.1 and the first bytes of a connection: not consumed yet */
    uint8_t *out;   /* GCH__OUT_CAP bytes; NULL while there is nothing to send */
    size_t out_at, out_count;
    uint32_t armed;     /* epoll events asked for */
    bool is_ready;      /* on the server's list of those to go on with */
    bool has_handshake; /* TLS: done */
    bool stops_reading; /* no room for more input at the moment */
    bool has_ended;     /* the peer sends no more */
    bool is_finished;   /* to be closed once the output is written */
    bool is_lingering;  /* our side is shut; what still comes in is thrown away */
    bool was_read_cut;  /* there is more to read than one round took */
    int64_t opened_ns, active_ns, lingers_ns;
    int64_t progress_ns; /* when sending last moved on, and where it was */
    uint64_t progress_bytes, sent_bytes;

    gch__exchange *exchanges;
    uint32_t exchange_count, task_count;

    /* HTTP/1.1 */
    size_t scanned;
    gch__exchange *current;
    gch__chunks chunks;
    bool is_chunked, keeps_alive, is_1_0, is_drained, has_sent_head;
    uint64_t body_left;

    nghttp2_session *h2;
    struct gch__ws *ws;
};

/* What differs between the protocols. Each returns false if the connection is to be closed at once.
 */
struct gch__protocol {
    const char *name; /* in logs */
    /* Takes input. */
    bool (*feed)(gch__conn *conn, const uint8_t *bytes, size_t count);
    /* Puts what there is to send into the output, as long as there is room to GCH__OUT_FILL. */
    bool (*fill)(gch__conn *conn);
    /* An answer is there, or its body may go on. */
    void (*answered)(gch__exchange *exchange);
    /* The server stops: no new requests. */
    void (*drain)(gch__conn *conn);
    /* Once a second or so; false: too slow. */
    bool (*check)(gch__conn *conn, int64_t now_ns);
    void (*close)(gch__conn *conn);
};

extern const gch__protocol gch__protocol_first; /* TLS handshake, or the first bytes in cleartext */
extern const gch__protocol gch__protocol_h1;
extern const gch__protocol gch__protocol_h2;
extern const gch__protocol gch__protocol_ws;

typedef struct gch__metrics {
    uint64_t connections, refused_connections, tls_failures, timeouts;
    uint64_t requests[3]; /* HTTP/1.1, HTTP/2, WebSocket */
    uint64_t codes[6];    /* by their first digit */
    uint64_t received_bytes, sent_bytes;
    uint64_t resets;                        /* streams that clients cancelled */
    uint64_t cancelled_tasks;               /* whose exchange ended first */
    uint64_t refused_tasks;                 /* for want of places */
    uint64_t disk_waits;                    /* bodies that had to wait for the disk */
    uint64_t computed;                      /* views */
    uint64_t raw_bytes, coded_bytes;        /* of the views that were coded: before and after */
    uint64_t latency[GCH__LATENCY_BUCKETS]; /* [i]: requests of 2^i to 2^(i+1) - 1 microseconds */
    uint64_t latency_sum_us;
} gch__metrics;

/* What compressing costs and gives, as measured (serve_coding.c). */
typedef struct gch__coding_stats {
    double ns_a_byte, ratio; /* 0: not measured yet */
} gch__coding_stats;

struct gch_server {
    gch_server_desc desc; /* with the defaults filled in */
    const gch_allocator *allocator;
    int listen_fd, epoll_fd, wake_fd;
    uint16_t port;
    bool is_tls, is_local; /* local: listens on a loopback address */
    SSL_CTX *tls;
    _Atomic uint32_t stop_count; /* any thread */
    bool is_draining, accepts;
    int64_t now_ns, drain_until_ns, swept_ns;
    gch__conn *conns, *closed, *ready, *ready_last;
    uint32_t conn_count, ready_count;
    gch__catalog *catalog;
    gch__jobs *jobs;
    gch__log *log;
    gch__tokens *tokens; /* NULL: no authorization */
    gch__hub *live;
    gch__viewer *viewer; /* NULL: none */
    gch__metrics metrics;
    gch__coding_stats coding[4];
    time_t date_s; /* of `date` */
    char date[64];
    uint64_t start_number; /* differs from one start of the server to the next */
    uint8_t *read_room;    /* GCH__READ_BYTES */
};

/* ---- connections (serve_conn.c) ---- */

/* Takes over a socket; it is closed if there is no memory. */
void gch__conn_make(gch_server *server, int fd, const struct sockaddr_storage *address);
void gch__conn_event(gch__conn *conn, uint32_t events);
/* Goes on with sending (and with input held back) in the next round of the loop. */
void gch__conn_wake(gch__conn *conn);
/* All those woken; new ones wait for the next call. */
void gch__conns_resume(gch_server *server);
void gch__conns_sweep(gch_server *server);
void gch__conn_close(gch__conn *conn);
/* Frees the struct of a closed one whose tasks have ended; not while a round's events are handled,
 * which may name it. */
void gch__conn_release(gch__conn *conn);
void gch__conn_switch(gch__conn *conn, const gch__protocol *protocol);
/* Room in the output up to GCH__OUT_CAP; makes it if need be. NULL: no memory, or full. */
uint8_t *gch__conn_room(gch__conn *conn, size_t wanted);

bool gch__h2_start(gch__conn *conn);

/* ---- the server (serve_server.c) ---- */

/* A line of the log that is about no request; any thread. */
void gch__server_report(gch_server *server, const char *event, const char *message);

/* ---- TLS (serve_tls.c) ---- */
gch_status gch__tls_make(const gch_server_desc *desc, SSL_CTX **out, gch_error *err);
/* The server's side of a connection; what it writes is gathered. NULL: no memory. */
SSL *gch__tls_open(SSL_CTX *context, int fd);
/* Writes what was gathered; false if the connection is lost. *is_blocked: some of it is left. */
bool gch__tls_flush(SSL *ssl, bool *is_blocked);

/* ---- answering (serve_route.c) ---- */
void gch__route(gch__exchange *exchange);

#endif
