/* A WebSocket client (RFC 6455) that stays connected: it finds out when the other end is gone,
 * comes back with backoff and jitter, and goes on at the place that its user has reached.
 *
 *     gch_ws *ws = NULL;
 *     gch_ws_desc desc = {.url = "wss://data.example/v1/live/btc", .on_message = take};
 *     status = gch_ws_open(&desc, &ws, &err);
 *     ...
 *     gch_ws_close(ws);
 *
 * Queues. Outgoing messages wait in a queue of bounded bytes, beyond which gch_ws_send gives
 * GCH_LIMIT; what waits when a connection breaks goes out over the next one, and what had been
 * written may be lost: protocols acknowledge what must not be. There is no incoming queue: while
 * on_message runs, bytes stay with the kernel and then with the server, which is thus slowed down
 * to the pace of the taker. Messages are not compressed.
 *
 * Ownership: texts and messages are copied. Thread rule: a client has one thread of its own, on
 * which all callbacks run; gch_ws_send may be called from any thread, gch_ws_close from any but
 * that one.
 */
#ifndef GCH_WEBSOCKET_H
#define GCH_WEBSOCKET_H

#include "gch/allocator.h"
#include "gch/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gch_ws gch_ws;

typedef enum gch_ws_kind { GCH_WS_TEXT = 1, GCH_WS_BINARY = 2 } gch_ws_kind;

typedef struct gch_ws_desc {
    const char *url;             /* ws:// or wss:// (http:// and https:// are the same) */
    const char *protocol;        /* the subprotocol, which the server must agree to; NULL: none */
    const char *token;           /* sent as a bearer token; NULL: none */
    const char *ca_file;         /* as gch_http_desc */
    uint32_t connect_timeout_ms; /* until the server has answered the upgrade; 0: 10 s */
    uint32_t ping_ms;            /* of silence, before the other end is asked; 0: 15 s */
    uint32_t pong_ms;            /* in which it must answer; 0: 10 s */
    uint32_t backoff_ms;         /* before the first reconnection, then doubled; 0: 100 */
    uint32_t backoff_cap_ms;     /* and the longest; 0: 10 s */
    size_t message_cap;          /* bytes of an incoming message; 0: 16 MiB */
    size_t send_cap;             /* bytes of waiting outgoing messages; 0: 16 MiB */
    bool awaits_return;          /* status 404 after a connection has stood is tried again: what
                                    the URL names may come back */

    /* All nullable. on_open: a connection stands. on_message: the bytes are borrowed. on_lost: the
     * connection is gone or could not be made; another is tried unless is_final: closed for good by
     * the server (close code 1000, 1002, 1003, 1007-1010), or an upgrade refused with a status of
     * 4xx other than 408, 429 and an awaited 404. */
    void (*on_open)(void *context);
    void (*on_message)(void *context, gch_ws_kind kind, const uint8_t *bytes, size_t count);
    void (*on_lost)(void *context, const gch_error *err, bool is_final);
    /* Nullable: writes what is to be added to the query of the URL for the next connection, such as
     * "after=17", so that it begins where the last one ended; "" for nothing. */
    void (*get_query)(void *context, char *out, size_t cap);
    void *context;
    const gch_allocator *allocator;
} gch_ws_desc;

/* Returns at once; connecting is the client's thread's. GCH_INVALID names the field, GCH_NO_MEMORY;
 * GCH_LIMIT if the thread cannot be started. */
GCH_CHECKED gch_status gch_ws_open(const gch_ws_desc *desc, gch_ws **out, gch_error *err);
/* Tells the server, without waiting for its answer. NULL is allowed. */
void gch_ws_close(gch_ws *ws);
/* GCH_LIMIT (the queue is full), GCH_UNAVAILABLE (closed for good), GCH_INVALID, GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch_ws_send(gch_ws *ws, gch_ws_kind kind, const void *bytes, size_t count,
                                   gch_error *err);

/* Gives the present connection up, for one that begins where get_query says. `is_well`: nothing is
 * wrong with the server, and the backoff begins anew; else, after a message that cannot be right,
 * it grows. May be called from callbacks. */
void gch_ws_reconnect(gch_ws *ws, bool is_well);

typedef struct gch_ws_stats {
    bool is_open;
    uint64_t connections; /* that stood */
    uint64_t losses;      /* of these, or of tries */
    uint64_t received_messages, received_bytes, sent_messages, sent_bytes;
    uint64_t queued_bytes;  /* now */
    uint64_t round_trip_ns; /* of the last ping; 0: none yet */
} gch_ws_stats;

void gch_ws_get_stats(gch_ws *ws, gch_ws_stats *out);

#ifdef __cplusplus
}
#endif
#endif
