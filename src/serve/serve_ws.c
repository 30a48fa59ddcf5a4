/* WebSocket connections (serve_ws.h).
 *
 * Invariants:
 *  1. libwslay reads everything, and writes what is short: text and control frames. Rows go out as
 *     frames of our own from shared bytes, so that a hundred followers do not copy them into a
 *     hundred queues. The two take turns between frames, never within one.
 *  2. Who does not read its acknowledgements is not read from (QUEUED_BYTES), nor whose batches
 *     wait for the disk (WAITING_BYTES).
 *  3. Who does not answer a ping within the time of another is closed; sending is watched as for
 *     every connection (serve_conn.c).
 */
#include "serve_ws.h"

#include "serve_json.h"
#include "serve_state.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>
#include <wslay/wslay.h>

#define PURPOSE "WebSocket"
#define QUEUED_BYTES 65536u
#define WAITING_BYTES ((size_t)8 << 20)
#define PING_NS 20000000000

struct gch__ws {
    gch__follower follower; /* first: it is cast back */
    gch_server *server;
    gch__conn *conn; /* NULL until the connection is its own */
    gch__hub_series *series;
    bool may_publish;
    wslay_event_context_ptr context;
    gch__span input; /* what is being fed */
    gch__shared *sending;
    size_t sent;
    uint8_t head[10]; /* of the frame being sent */
    size_t head_count, head_sent;
    size_t waiting_bytes; /* of messages that are published and not answered yet */
    int64_t heard_ns, pinged_ns;
};

bool gch__ws_accept(gch__span key, char out[29])
{
    static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    uint8_t text[24 + sizeof magic - 1], decoded[24], digest[SHA_DIGEST_LENGTH];
    if (key.count != 24 || key.bytes[22] != '=' || key.bytes[23] != '=' ||
        EVP_DecodeBlock(decoded, key.bytes, 24) != 18)
        return false;
    memcpy(text, key.bytes, 24);
    memcpy(text + 24, magic, sizeof magic - 1);
    SHA1(text, sizeof text, digest);
    return EVP_EncodeBlock((unsigned char *)out, digest, sizeof digest) == 28;
}

/* ---- messages ---- */

static bool queue_text(gch__ws *ws, const gch__buffer *text)
{
    const struct wslay_event_msg message = {
        .opcode = WSLAY_TEXT_FRAME, .msg = text->bytes, .msg_length = text->count};
    return wslay_event_queue_msg(ws->context, &message) == 0;
}

static bool send_hello(gch__ws *ws)
{
    gch__buffer text = {.allocator = ws->server->allocator, .purpose = PURPOSE};
    bool is_fine = gch__hub_describe(ws->series, "hello", &text) && queue_text(ws, &text);
    gch__buffer_reset(&text);
    return is_fine;
}

static bool send_result(gch__ws *ws, const gch__ack *ack, const gch_error *err)
{
    gch__buffer text = {.allocator = ws->server->allocator, .purpose = PURPOSE};
    bool is_fine;
    if (err == NULL)
        is_fine =
            gch__json_print(&text,
                            "{\"type\": \"ack\", \"sequence\": %" PRIu64 ", \"first_row\": %" PRIu64
                            ", \"row_count\": %" PRIu64 ", \"publisher_sequence\": %" PRIu64 "}",
                            ack->sequence, ack->first_row, ack->row_count, ack->publisher_sequence);
    else
        is_fine = gch__json_print(&text, "{\"type\": \"error\", \"status\": \"%s\", \"message\": ",
                                  gch_status_name(err->status)) &&
                  gch__json_text(&text, err->message) &&
                  gch__json_print(&text, ", \"publisher_sequence\": %" PRIu64 "}",
                                  ack->publisher_sequence);
    is_fine = is_fine && queue_text(ws, &text);
    gch__buffer_reset(&text);
    return is_fine;
}

static void on_published(void *who, const gch__ack *ack, const gch_error *err)
{
    gch__ws *ws = who;
    ws->waiting_bytes -= ack->message_bytes;
    if (!send_result(ws, ack, err))
        (void)wslay_event_queue_close(ws->context, WSLAY_CODE_INTERNAL_SERVER_ERROR, NULL, 0);
    gch__conn_wake(ws->conn);
}

static void on_message(wslay_event_context_ptr context,
                       const struct wslay_event_on_msg_recv_arg *message, void *user)
{
    gch__ws *ws = user;
    const gch__ack ack = {.message_bytes = message->msg_length};
    gch_error err;
    const gch__frame none = {0};
    (void)context;
    ws->heard_ns = ws->server->now_ns;
    if (wslay_is_ctrl_frame(message->opcode))
        return;
    ws->waiting_bytes += message->msg_length;
    if (ws->may_publish) {
        gch__hub_publish(ws->series, (gch__span){message->msg, message->msg_length},
                         message->opcode == WSLAY_TEXT_FRAME, &none, on_published, ws);
        return;
    }
    (void)!gch_fail(&err, GCH_INVALID, "this connection may not write");
    on_published(ws, &ack, &err);
}

/* Whether it has so much under way that no more is taken in; `share` of the limits. */
static bool is_full(const gch__ws *ws, size_t share)
{
    return wslay_event_get_queued_msg_length(ws->context) > QUEUED_BYTES / share ||
           ws->waiting_bytes > WAITING_BYTES / share;
}

/* ---- bytes ---- */

static ssize_t on_recv(wslay_event_context_ptr context, uint8_t *out, size_t cap, int flags,
                       void *user)
{
    gch__ws *ws = user;
    (void)flags;
    size_t count = GCH_MIN(cap, ws->input.count);
    if (count == 0) {
        wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    memcpy(out, ws->input.bytes, count);
    ws->input = (gch__span){ws->input.bytes + count, ws->input.count - count};
    return (ssize_t)count;
}

static ssize_t on_send(wslay_event_context_ptr context, const uint8_t *bytes, size_t count,
                       int flags, void *user)
{
    gch__ws *ws = user;
    gch__conn *conn = ws->conn;
    (void)flags;
    size_t room = conn->out_count < GCH__OUT_FILL ? GCH__OUT_FILL - conn->out_count : 0;
    count = GCH_MIN(count, room);
    uint8_t *to = count > 0 ? gch__conn_room(conn, count) : NULL;
    if (to == NULL) {
        wslay_event_set_error(context,
                              count > 0 ? WSLAY_ERR_CALLBACK_FAILURE : WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    memcpy(to, bytes, count);
    conn->out_count += count;
    return (ssize_t)count;
}

static void on_wake(gch__follower *follower)
{
    gch__ws *ws = (gch__ws *)(void *)follower;
    /* While the socket is full it is the socket that wakes. */
    if (ws->conn != NULL && ws->conn->out_count == 0)
        gch__conn_wake(ws->conn);
}

/* ---- life ---- */

gch__ws *gch__ws_make(gch_server *server, const gch__ws_desc *desc)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_recv, .send_callback = on_send, .on_msg_recv_callback = on_message};
    gch__ws *ws = gch__alloc_zero(server->allocator, 1, sizeof *ws, PURPOSE);
    if (ws == NULL)
        return NULL;
    ws->server = server;
    ws->series = desc->series;
    ws->may_publish = desc->may_publish;
    ws->heard_ns = ws->pinged_ns = server->now_ns;
    if (wslay_event_context_server_init(&ws->context, &callbacks, ws) != 0) {
        gch__free(server->allocator, ws, PURPOSE);
        return NULL;
    }
    wslay_event_config_set_max_recv_msg_length(ws->context, server->desc.body_bytes_cap);
    ws->follower.wake = on_wake;
    ws->follower.is_summary = desc->is_summary;
    ws->follower.interval_ns = 1000000000 / desc->rate;
    if (!send_hello(ws)) {
        gch__ws_destroy(ws);
        return NULL;
    }
    if (desc->follows)
        gch__hub_follow(desc->series, &ws->follower, desc->after);
    return ws;
}

void gch__ws_destroy(gch__ws *ws)
{
    gch__hub_unfollow(&ws->follower);
    gch__hub_forget(ws->series, ws);
    wslay_event_context_free(ws->context);
    if (ws->sending != NULL)
        gch__shared_release(ws->sending);
    gch__free(ws->server->allocator, ws, PURPOSE);
}

static bool ws_feed(gch__conn *conn, const uint8_t *bytes, size_t count)
{
    gch__ws *ws = conn->ws;
    if (ws->conn == NULL) {
        ws->conn = conn;
        conn->server->metrics.requests[2]++;
    }
    if (conn->has_ended)
        return false;
    ws->input = (gch__span){bytes, count};
    while (ws->input.count > 0 && wslay_event_want_read(ws->context)) {
        if (wslay_event_recv(ws->context) != 0)
            return false;
    }
    conn->stops_reading = is_full(ws, 1);
    return true;
}

/* The header of an unmasked, unfragmented binary frame (RFC 6455, 5.2). */
static void begin_frame(gch__ws *ws)
{
    uint64_t count = ws->sending->byte_count;
    ws->sent = ws->head_sent = 0;
    ws->head[0] = 0x82;
    if (count < 126) {
        ws->head[1] = (uint8_t)count;
        ws->head_count = 2;
    } else if (count <= UINT16_MAX) {
        ws->head[1] = 126;
        ws->head[2] = (uint8_t)(count >> 8);
        ws->head[3] = (uint8_t)count;
        ws->head_count = 4;
    } else {
        ws->head[1] = 127;
        for (size_t i = 0; i < 8; i++)
            ws->head[2 + i] = (uint8_t)(count >> (56 - 8 * i));
        ws->head_count = 10;
    }
}

/* Copies what fits of the frame being sent; false: no memory. */
static bool send_frame(gch__ws *ws)
{
    gch__conn *conn = ws->conn;
    size_t room = conn->out_count < GCH__OUT_FILL ? GCH__OUT_FILL - conn->out_count : 0;
    size_t head = GCH_MIN(room, ws->head_count - ws->head_sent);
    size_t body = GCH_MIN(room - head, ws->sending->byte_count - ws->sent);
    uint8_t *to = head + body > 0 ? gch__conn_room(conn, head + body) : NULL;
    if (to == NULL)
        return room == 0;
    memcpy(to, ws->head + ws->head_sent, head);
    memcpy(to + head, ws->sending->bytes + ws->sent, body);
    conn->out_count += head + body;
    ws->head_sent += head;
    ws->sent += body;
    if (ws->sent == ws->sending->byte_count) {
        gch__shared_release(ws->sending);
        ws->sending = NULL;
    }
    return true;
}

static bool ws_fill(gch__conn *conn)
{
    gch__ws *ws = conn->ws;
    gch_error err;
    if (ws->sending != NULL && !send_frame(ws))
        return false;
    while (ws->sending == NULL && conn->out_count < GCH__OUT_FILL) {
        size_t before = conn->out_count;
        if (wslay_event_want_write(ws->context) && wslay_event_send(ws->context) != 0)
            return false;
        bool is_between = !wslay_event_want_write(ws->context);
        if (is_between && ws->follower.series != NULL && !wslay_event_get_close_sent(ws->context)) {
            if (gch__hub_next(&ws->follower, &ws->sending, &err) != GCH_OK)
                return false;
            if (ws->sending != NULL) {
                begin_frame(ws);
                if (!send_frame(ws))
                    return false;
            }
        }
        if (conn->out_count == before)
            break;
    }
    if (conn->stops_reading && !is_full(ws, 2)) {
        conn->stops_reading = false;
        conn->was_read_cut = true; /* more may lie in the TLS layer */
        gch__conn_wake(conn);
    }
    if (conn->out_count == 0 && wslay_event_get_close_sent(ws->context) &&
        wslay_event_get_close_received(ws->context))
        conn->is_finished = true;
    return true;
}

static void ws_answered(gch__exchange *exchange)
{
    (void)exchange;
}

static void ws_drain(gch__conn *conn)
{
    (void)wslay_event_queue_close(conn->ws->context, WSLAY_CODE_GOING_AWAY, NULL, 0);
}

static bool ws_check(gch__conn *conn, int64_t now_ns)
{
    gch__ws *ws = conn->ws;
    if (now_ns - ws->pinged_ns < PING_NS)
        return true;
    if (ws->heard_ns < ws->pinged_ns && ws->pinged_ns > conn->active_ns)
        return false;
    const struct wslay_event_msg ping = {.opcode = WSLAY_PING};
    ws->pinged_ns = now_ns;
    if (wslay_event_queue_msg(ws->context, &ping) == 0)
        gch__conn_wake(conn);
    return true;
}

static void ws_close(gch__conn *conn)
{
    gch__ws_destroy(conn->ws);
    conn->ws = NULL;
}

const gch__protocol gch__protocol_ws = {
    .name = "WebSocket",
    .feed = ws_feed,
    .fill = ws_fill,
    .answered = ws_answered,
    .drain = ws_drain,
    .check = ws_check,
    .close = ws_close,
};
