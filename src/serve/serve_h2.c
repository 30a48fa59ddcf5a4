/* HTTP/2, by nghttp2: streams to exchanges, DATA straight from files into the output.
 *
 * Invariants:
 *  1. A DATA frame's payload is read into the output, behind room for the frame's header, when
 *     nghttp2 asks how long the frame is; writing the header in front completes it. No byte of a
 *     file is copied twice. If the output is too full for the frame by then, the payload stays
 * where it is and is moved down when there is room.
 *  2. Frames that wait hold no memory of ours: nghttp2 is asked for them only while the output has
 *     room, and bounds by itself what a peer can make it queue.
 *  3. A peer may cancel reset_burst streams at once and reset_rate a second: enough for a viewer
 *     that aborts what has left the screen, too few for a rapid reset attack (CVE-2023-44487); and
 *     a cancelled task keeps its place in the count until it has ended.
 */
#include "serve_state.h"

#include <stdio.h>
#include <string.h>

static bool h2_feed(gch__conn *conn, const uint8_t *bytes, size_t count)
{
    if (conn->has_ended)
        return false;
    while (count > 0) {
        ssize_t used = nghttp2_session_mem_recv(conn->h2, bytes, count);
        if (used < 0)
            return false;
        bytes += used;
        count -= (size_t)used;
    }
    return true;
}

/* ---- requests ---- */

static gch__exchange *exchange_of(nghttp2_session *session, int32_t stream)
{
    return nghttp2_session_get_stream_user_data(session, stream);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    gch__conn *conn = context;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    gch__exchange *exchange = gch__exchange_make(conn);
    if (exchange == NULL)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    exchange->stream = frame->hd.stream_id;
    conn->server->metrics.requests[1]++;
    return nghttp2_session_set_stream_user_data(session, exchange->stream, exchange);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags,
                     void *context)
{
    gch__exchange *exchange = exchange_of(session, frame->hd.stream_id);
    gch__span name_span = {name, name_length}, value_span = {value, value_length};
    (void)flags, (void)context;
    if (exchange == NULL || exchange->has_head) /* trailers say nothing to us */
        return 0;
    if (gch__span_is(name_span, ":method"))
        gch__exchange_set_method(exchange, value_span);
    else if (gch__span_is(name_span, ":path"))
        gch__exchange_set_target(exchange, value_span);
    else if (gch__span_is(name_span, ":authority"))
        gch__exchange_add_field(exchange, (gch__span){(const uint8_t *)"host", 4}, value_span);
    else if (gch__span_is(name_span, "host") && exchange->fields[GCH__FIELD_HOST].is_set)
        return 0; /* :authority stands above it (RFC 9113, 8.3.1) */
    else
        gch__exchange_add_field(exchange, name_span, value_span);
    return 0;
}

/* nghttp2 lets white space and tabs around values pass, and fields that need a look. */
static bool target_is_sound(const gch__exchange *exchange)
{
    gch__span target = gch__exchange_stored(exchange, exchange->target);
    for (size_t i = 0; i < target.count; i++) {
        if (target.bytes[i] <= ' ' || target.bytes[i] >= 0x7F)
            return false;
    }
    return target.count > 0 &&
           (target.bytes[0] == '/' || (target.count == 1 && target.bytes[0] == '*'));
}

static void begin_exchange(gch__exchange *exchange)
{
    exchange->has_head = true;
    if (!exchange->fields[GCH__FIELD_HOST].is_set)
        gch__exchange_refuse(exchange, 400, "no authority");
    if (exchange->refusal == 0 && !target_is_sound(exchange))
        gch__exchange_refuse(exchange, 400, "malformed path");
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    gch__exchange *exchange = exchange_of(session, frame->hd.stream_id);
    (void)context;
    if (exchange == NULL || (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA))
        return 0;
    if (!exchange->has_head)
        begin_exchange(exchange);
    bool is_end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (exchange->is_whole || (!is_end && exchange->refusal == 0))
        return 0;
    exchange->is_whole = true;
    gch__route(exchange);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *bytes,
                   size_t count, void *context)
{
    gch__exchange *exchange = exchange_of(session, stream);
    (void)flags, (void)context;
    if (exchange == NULL || exchange->is_whole)
        return 0;
    gch__exchange_add_body(exchange, bytes, count);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream, uint32_t code, void *context)
{
    gch__conn *conn = context;
    gch__exchange *exchange = exchange_of(session, stream);
    conn->server->metrics.resets += code != NGHTTP2_NO_ERROR;
    if (exchange != NULL)
        gch__exchange_end(exchange);
    conn->active_ns = conn->server->now_ns;
    return 0;
}

/* ---- answers ---- */

/* Room for what nghttp2 sends of its own accord; with a DATA frame's it never ends within a frame.
 */
static bool is_full(const gch__conn *conn)
{
    return conn->out_count >= GCH__OUT_FILL;
}

static ssize_t on_send(nghttp2_session *session, const uint8_t *bytes, size_t count, int flags,
                       void *context)
{
    gch__conn *conn = context;
    (void)session, (void)flags;
    uint8_t *room = is_full(conn) ? NULL : gch__conn_room(conn, count);
    if (room == NULL)
        return conn->out == NULL ? NGHTTP2_ERR_CALLBACK_FAILURE : NGHTTP2_ERR_WOULDBLOCK;
    memcpy(room, bytes, count);
    conn->out_count += count;
    return (ssize_t)count;
}

/* How long the next DATA frame is: reads its payload ahead (invariant 1). */
static ssize_t on_read(nghttp2_session *session, int32_t stream, uint8_t *unused, size_t cap,
                       uint32_t *flags, nghttp2_data_source *source, void *context)
{
    gch__conn *conn = context;
    gch__exchange *exchange = source->ptr;
    gch__body *body = &exchange->answer;
    size_t count = 0;
    gch_error err;
    (void)session, (void)stream, (void)unused;
    cap = GCH_MIN(cap, (size_t)GCH__FRAME_BYTES);
    uint8_t *room = gch__conn_room(conn, 9 + cap);
    if (room == NULL)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    gch_status status =
        body->left > 0 ? gch__body_read(body, room + 9, cap, false, &count, &err) : GCH_OK;
    if (status == GCH_PENDING) {
        exchange->is_stalled = true;
        return gch__exchange_wait_for_disk(exchange) ? NGHTTP2_ERR_DEFERRED
                                                     : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    if (status != GCH_OK) /* the head is out: the stream is reset, which tells the client */
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    exchange->staged = (uint32_t)count;
    exchange->staged_at = conn->out_count + 9;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (body->left == 0)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)count;
}

static int on_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *header,
                        size_t count, nghttp2_data_source *source, void *context)
{
    gch__conn *conn = context;
    gch__exchange *exchange = source->ptr;
    (void)session, (void)frame;
    if (is_full(conn))
        return NGHTTP2_ERR_WOULDBLOCK;
    uint8_t *room = gch__conn_room(conn, 9 + count);
    if (room == NULL || count != exchange->staged)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    if (exchange->staged_at != conn->out_count + 9)
        memmove(room + 9, conn->out + exchange->staged_at, count);
    memcpy(room, header, 9);
    conn->out_count += 9 + count;
    exchange->staged = 0;
    exchange->sent_bytes += count;
    return 0;
}

/* After PRIORITY_UPDATE and the priority field nghttp2 keeps the order; answers that are computed
 * come at the urgency that the client asked for. */
static void h2_answered(gch__exchange *exchange)
{
    gch__conn *conn = exchange->conn;
    nghttp2_nv fields[GCH__ANSWER_FIELDS_MAX + 2];
    char code[16], length[24];
    size_t count = 0;
    if (exchange->is_stalled) {
        exchange->is_stalled = false;
        (void)nghttp2_session_resume_data(conn->h2, exchange->stream);
        return;
    }
    if (exchange->is_lost) {
        (void)nghttp2_submit_rst_stream(conn->h2, NGHTTP2_FLAG_NONE, exchange->stream,
                                        NGHTTP2_INTERNAL_ERROR);
        return;
    }
    snprintf(code, sizeof code, "%d", exchange->code);
    fields[count++] = (nghttp2_nv){(uint8_t *)":status", (uint8_t *)code, 7, strlen(code),
                                   NGHTTP2_NV_FLAG_NO_COPY_NAME};
    for (size_t i = 0; i < exchange->answer_field_count; i++) {
        const gch__answer_field *field = &exchange->answer_fields[i];
        gch__span value = gch__exchange_stored(exchange, field->value);
        fields[count++] =
            (nghttp2_nv){(uint8_t *)(uintptr_t)field->name, (uint8_t *)(uintptr_t)value.bytes,
                         strlen(field->name), value.count, NGHTTP2_NV_FLAG_NO_COPY_NAME};
    }
    if (exchange->code != 204 && exchange->code != 304) {
        snprintf(length, sizeof length, "%llu", (unsigned long long)exchange->answer.total);
        fields[count++] = (nghttp2_nv){(uint8_t *)"content-length", (uint8_t *)length, 14,
                                       strlen(length), NGHTTP2_NV_FLAG_NO_COPY_NAME};
    }
    bool has_body = !exchange->answer_has_no_body && exchange->answer.left > 0;
    nghttp2_data_provider provider = {.source.ptr = exchange, .read_callback = on_read};
    if (nghttp2_submit_response(conn->h2, exchange->stream, fields, count,
                                has_body ? &provider : NULL) != 0)
        (void)nghttp2_submit_rst_stream(conn->h2, NGHTTP2_FLAG_NONE, exchange->stream,
                                        NGHTTP2_INTERNAL_ERROR);
}

static bool h2_fill(gch__conn *conn)
{
    if (nghttp2_session_send(conn->h2) != 0)
        return false;
    if (conn->out_count == 0 && !nghttp2_session_want_read(conn->h2) &&
        !nghttp2_session_want_write(conn->h2))
        conn->is_finished = true;
    return true;
}

static void h2_drain(gch__conn *conn)
{
    int32_t last = nghttp2_session_get_last_proc_stream_id(conn->h2);
    (void)nghttp2_submit_goaway(conn->h2, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0);
    gch__conn_wake(conn);
}

static bool h2_check(gch__conn *conn, int64_t now_ns)
{
    const gch_server_desc *desc = &conn->server->desc;
    const int64_t allowed_ns = (int64_t)desc->request_timeout_ms * 1000000;
    if (conn->exchanges == NULL &&
        now_ns - conn->active_ns > (int64_t)desc->idle_timeout_ms * 1000000) {
        (void)nghttp2_session_terminate_session(conn->h2, NGHTTP2_NO_ERROR);
        gch__conn_wake(conn);
    }
    if (conn->exchanges == NULL && conn->server->is_draining)
        gch__conn_wake(conn);
    for (gch__exchange *exchange = conn->exchanges; exchange != NULL; exchange = exchange->next) {
        int64_t body_ns = (int64_t)exchange->body.count * 61035; /* 16 KiB a second */
        if (exchange->is_whole || now_ns - exchange->start_ns <= allowed_ns + body_ns)
            continue;
        if (!exchange->has_head) /* its header block blocks the connection */
            return false;
        exchange->is_whole = true;
        gch__exchange_refuse(exchange, 408, "the request did not arrive in time");
        conn->server->metrics.timeouts++;
        gch__route(exchange);
        break; /* the list may have changed; the next one is found next time */
    }
    return true;
}

static void h2_close(gch__conn *conn)
{
    nghttp2_session_del(conn->h2);
    conn->h2 = NULL;
}

/* ---- sessions ---- */

static nghttp2_session_callbacks *make_callbacks(void)
{
    nghttp2_session_callbacks *table;
    if (nghttp2_session_callbacks_new(&table) != 0)
        return NULL;
    nghttp2_session_callbacks_set_on_begin_headers_callback(table, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(table, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(table, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(table, on_stream_close);
    nghttp2_session_callbacks_set_send_callback(table, on_send);
    nghttp2_session_callbacks_set_send_data_callback(table, on_send_data);
    return table;
}

bool gch__h2_start(gch__conn *conn)
{
    const gch_server_desc *desc = &conn->server->desc;
    nghttp2_session_callbacks *table = make_callbacks();
    nghttp2_option *option = NULL;
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, desc->stream_cap},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, desc->header_bytes_cap},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };
    bool is_fine = table != NULL && nghttp2_option_new(&option) == 0;
    if (is_fine) {
        nghttp2_option_set_stream_reset_rate_limit(option, desc->reset_burst, desc->reset_rate);
        nghttp2_option_set_builtin_recv_extension_type(option, NGHTTP2_PRIORITY_UPDATE);
        nghttp2_option_set_max_settings(option, 32);
        is_fine = nghttp2_session_server_new2(&conn->h2, table, conn, option) == 0;
    }
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(table);
    if (!is_fine)
        return false;
    gch__conn_switch(conn, &gch__protocol_h2);
    return nghttp2_submit_settings(conn->h2, NGHTTP2_FLAG_NONE, settings, GCH_COUNT_OF(settings)) ==
           0;
}

const gch__protocol gch__protocol_h2 = {
    .name = "HTTP/2",
    .feed = h2_feed,
    .fill = h2_fill,
    .answered = h2_answered,
    .drain = h2_drain,
    .check = h2_check,
    .close = h2_close,
};
