/* HTTP/1.1: one request after the other on a connection.
 *
 * Invariants:
 *  1. While an answer is being made or sent, further input waits in conn->in, and beyond
 *     WAITING_BYTES of it nothing is read: pipelining costs a client's time, not our memory.
 *  2. A request that cannot be told apart from the next one ends the connection.
 */
#include "serve_state.h"
#include "serve_ws.h"

#include <stdio.h>
#include <string.h>

#define WAITING_BYTES 65536u
#define BODY_BYTES_A_SECOND 16384 /* what a client's body must come with, in the long run */

static void consume(gch__conn *conn, size_t count)
{
    conn->in.count -= count;
    memmove(conn->in.bytes, conn->in.bytes + count, conn->in.count);
}

/* A request that cannot be read. */
static void refuse(gch__conn *conn, int code, const char *why)
{
    gch__exchange *exchange = conn->current;
    if (exchange == NULL)
        exchange = conn->current = gch__exchange_make(conn);
    if (exchange == NULL) {
        conn->is_finished = true;
        return;
    }
    exchange->has_head = exchange->is_whole = true;
    exchange->closes = true;
    conn->keeps_alive = false;
    gch__exchange_refuse(exchange, code, why);
    gch__route(exchange);
}

static void add_fields(gch__exchange *exchange, const gch__head *head)
{
    gch__exchange_set_method(exchange, head->method);
    gch__exchange_set_target(exchange, head->target);
    for (size_t i = 0; i < head->field_count; i++) {
        /* The authority of an absolute target stands above Host (RFC 9112, 3.2.2). */
        bool is_host = gch__span_is(head->fields[i].name, "host");
        if (is_host && head->authority.count > 0)
            gch__exchange_add_field(exchange, head->fields[i].name, head->authority);
        else
            gch__exchange_add_field(exchange, head->fields[i].name, head->fields[i].value);
    }
}

static bool begin_body(gch__conn *conn, const gch__head *head)
{
    gch__exchange *exchange = conn->current;
    conn->is_chunked = head->is_chunked;
    conn->chunks = (gch__chunks){0};
    conn->body_left = head->has_length ? head->length : 0;
    if (!conn->is_chunked && conn->body_left == 0)
        return false;
    if (conn->body_left > conn->server->desc.body_bytes_cap)
        gch__exchange_refuse(exchange, 413, "the body is too large");
    gch__span expect = gch__exchange_field(exchange, GCH__FIELD_EXPECT);
    if (expect.count > 0 && !gch__span_is(expect, "100-continue"))
        gch__exchange_refuse(exchange, 417, "the only expectation known is 100-continue");
    if (exchange->refusal != 0) {
        refuse(conn, exchange->refusal, exchange->refusal_why);
        return true;
    }
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    uint8_t *room = expect.count > 0 && !head->is_1_0 ? gch__conn_room(conn, sizeof go_on) : NULL;
    if (room != NULL) {
        memcpy(room, go_on, sizeof go_on - 1);
        conn->out_count += sizeof go_on - 1;
    }
    return true;
}

/* Reads a head if it is complete. False: more input is needed, or the connection is ending. */
static bool take_head(gch__conn *conn)
{
    bool is_bad;
    gch__head head;
    const char *why;
    size_t cap = conn->server->desc.header_bytes_cap;
    size_t length =
        gch__head_find_end(conn->in.bytes, GCH_MIN(conn->in.count, cap), &conn->scanned, &is_bad);
    if (is_bad) {
        refuse(conn, 400, "a line does not end in CRLF");
        return false;
    }
    if (length == 0) {
        if (conn->in.count >= cap)
            refuse(conn, 431, "the header fields are too large");
        return false;
    }
    conn->scanned = 0;
    int code = gch__head_parse(conn->in.bytes, length, &head, &why);
    if (code != 0) {
        refuse(conn, code, why);
        return false;
    }
    gch__exchange *exchange = conn->current = gch__exchange_make(conn);
    if (exchange == NULL) {
        conn->is_finished = true;
        return false;
    }
    conn->server->metrics.requests[0]++;
    add_fields(exchange, &head);
    exchange->has_head = true;
    conn->is_1_0 = head.is_1_0;
    gch__span connection = gch__exchange_field(exchange, GCH__FIELD_CONNECTION);
    conn->keeps_alive = !conn->server->is_draining && !gch__has_token(connection, "close") &&
                        (!head.is_1_0 || gch__has_token(connection, "keep-alive"));
    conn->has_sent_head = false;
    bool has_body = begin_body(conn, &head);
    consume(conn, length);
    if (!has_body) {
        exchange->is_whole = true;
        gch__route(exchange);
    }
    return true;
}

/* Takes what there is of the body. */
static void take_body(gch__conn *conn)
{
    gch__exchange *exchange = conn->current;
    size_t used = 0;
    bool is_done = false, is_bad = false;
    while (used < conn->in.count && !is_done && !is_bad) {
        gch__span payload = {conn->in.bytes + used, conn->in.count - used};
        if (conn->is_chunked) {
            used += gch__chunks_next(&conn->chunks, payload.bytes, payload.count, &payload,
                                     &is_done, &is_bad);
        } else {
            payload.count = (size_t)GCH_MIN((uint64_t)payload.count, conn->body_left);
            conn->body_left -= payload.count;
            used += payload.count;
            is_done = conn->body_left == 0;
        }
        if (payload.count > 0)
            gch__exchange_add_body(exchange, payload.bytes, payload.count);
    }
    consume(conn, used);
    if (is_bad) {
        refuse(conn, 400, "malformed chunk");
    } else if (exchange->refusal != 0 || exchange->is_lost) {
        refuse(conn, 413, "the body is too large");
    } else if (is_done) {
        exchange->is_whole = true;
        gch__route(exchange);
    }
}

static bool h1_feed(gch__conn *conn, const uint8_t *bytes, size_t count)
{
    if (conn->has_ended && conn->current == NULL)
        return false;
    if (conn->has_ended && !conn->current->is_whole)
        return false;
    if (count > 0 && conn->in.count == 0 && conn->current == NULL)
        conn->active_ns = conn->server->now_ns; /* from here on the request has to arrive */
    if (count > 0 && !gch__buffer_append(&conn->in, bytes, count))
        return false;
    bool goes_on = true;
    while (goes_on && !conn->is_finished && conn->in.count > 0) {
        if (conn->current == NULL)
            goes_on = take_head(conn);
        else if (!conn->current->is_whole)
            take_body(conn);
        else
            goes_on = false;
        goes_on = goes_on && conn->protocol == &gch__protocol_h1;
    }
    conn->stops_reading = conn->in.count >= WAITING_BYTES;
    return true;
}

/* ---- answers ---- */

static bool append(gch__conn *conn, const char *text, size_t count)
{
    uint8_t *room = gch__conn_room(conn, count);
    if (room == NULL)
        return false;
    memcpy(room, text, count);
    conn->out_count += count;
    return true;
}

static bool append_field(gch__conn *conn, const char *name, const void *value, size_t count)
{
    return append(conn, name, strlen(name)) && append(conn, ": ", 2) &&
           append(conn, value, count) && append(conn, "\r\n", 2);
}

static bool send_head(gch__conn *conn, gch__exchange *exchange)
{
    char text[64];
    bool closes = !conn->keeps_alive || exchange->closes || conn->server->is_draining;
    conn->keeps_alive = !closes;
    int length = snprintf(text, sizeof text, "HTTP/1.1 %d %s\r\n", exchange->code,
                          gch__reason(exchange->code));
    bool has_room = append(conn, text, (size_t)length);
    for (size_t i = 0; i < exchange->answer_field_count; i++) {
        gch__span value = gch__exchange_stored(exchange, exchange->answer_fields[i].value);
        has_room = has_room &&
                   append_field(conn, exchange->answer_fields[i].name, value.bytes, value.count);
    }
    if (exchange->code != 204 && exchange->code != 304 && exchange->upgrade == NULL) {
        length = snprintf(text, sizeof text, "%llu", (unsigned long long)exchange->answer.total);
        has_room = has_room && append_field(conn, "content-length", text, (size_t)length);
    }
    if (exchange->upgrade == NULL && closes)
        has_room = has_room && append_field(conn, "connection", "close", 5);
    else if (exchange->upgrade == NULL && conn->is_1_0)
        has_room = has_room && append_field(conn, "connection", "keep-alive", 10);
    return has_room && append(conn, "\r\n", 2);
}

/* Puts the body into the output; false: the connection is to be closed. */
static bool send_body(gch__conn *conn, gch__exchange *exchange)
{
    gch_error err;
    while (exchange->answer.left > 0 && conn->out_count < GCH__OUT_FILL) {
        size_t count, cap = GCH__OUT_FILL + GCH__FRAME_BYTES - conn->out_count;
        uint8_t *room = gch__conn_room(conn, cap);
        if (room == NULL)
            return false;
        gch_status status = gch__body_read(&exchange->answer, room, cap, false, &count, &err);
        if (status == GCH_PENDING)
            return gch__exchange_wait_for_disk(exchange);
        if (status != GCH_OK)
            return false;
        conn->out_count += count;
        exchange->sent_bytes += count;
    }
    return true;
}

static bool h1_fill(gch__conn *conn)
{
    gch__exchange *exchange = conn->current;
    if (exchange != NULL && exchange->is_lost)
        return false;
    if (exchange == NULL || exchange->code == 0 || exchange->task != NULL)
        return true;
    if (!conn->has_sent_head && !send_head(conn, exchange))
        return false;
    conn->has_sent_head = true;
    if (!exchange->answer_has_no_body && !send_body(conn, exchange))
        return false;
    if (exchange->answer.left > 0 && !exchange->answer_has_no_body)
        return true;
    conn->current = NULL;
    conn->active_ns = conn->server->now_ns;
    struct gch__ws *upgrade = exchange->upgrade;
    gch__exchange_end(exchange);
    if (upgrade != NULL) {
        conn->ws = upgrade;
        gch__conn_switch(conn, &gch__protocol_ws);
        gch__buffer rest = conn->in;
        conn->in = (gch__buffer){.allocator = rest.allocator, .purpose = rest.purpose};
        conn->stops_reading = false;
        bool is_fine = conn->protocol->feed(conn, rest.bytes, rest.count);
        gch__buffer_reset(&rest);
        return is_fine;
    }
    if (!conn->keeps_alive) {
        conn->is_finished = true;
        return true;
    }
    if (conn->has_ended) {
        conn->is_finished = true;
        return true;
    }
    if (conn->stops_reading) { /* more may lie in the TLS layer, where epoll does not see it */
        conn->stops_reading = false;
        conn->was_read_cut = true;
        gch__conn_wake(conn);
    }
    return h1_feed(conn, NULL, 0);
}

static void h1_answered(gch__exchange *exchange)
{
    (void)exchange; /* it is the current one, and is sent by fill */
}

static void h1_drain(gch__conn *conn)
{
    conn->keeps_alive = false;
    if (conn->current == NULL)
        conn->is_finished = true;
}

static bool h1_check(gch__conn *conn, int64_t now_ns)
{
    const gch_server_desc *desc = &conn->server->desc;
    const gch__exchange *exchange = conn->current;
    int64_t allowed_ns = (int64_t)desc->request_timeout_ms * 1000000;
    if (exchange != NULL && exchange->is_whole) {
        conn->active_ns = now_ns;
        return true;
    }
    if (exchange != NULL) {
        allowed_ns += (int64_t)(exchange->body.count * 1000000000u / BODY_BYTES_A_SECOND);
        if (now_ns - exchange->start_ns <= allowed_ns)
            return true;
    } else if (conn->in.count == 0) {
        return now_ns - conn->active_ns <= (int64_t)desc->idle_timeout_ms * 1000000;
    } else if (now_ns - conn->active_ns <= allowed_ns) {
        return true;
    }
    if (conn->is_finished)
        return true;
    conn->server->metrics.timeouts++;
    refuse(conn, 408, "the request did not arrive in time");
    gch__conn_wake(conn);
    return true;
}

static void h1_close(gch__conn *conn)
{
    gch__exchange *exchange = conn->current;
    if (exchange != NULL && exchange->upgrade != NULL)
        gch__ws_destroy(exchange->upgrade);
    conn->current = NULL;
}

const gch__protocol gch__protocol_h1 = {
    .name = "HTTP/1.1",
    .feed = h1_feed,
    .fill = h1_fill,
    .answered = h1_answered,
    .drain = h1_drain,
    .check = h1_check,
    .close = h1_close,
};
