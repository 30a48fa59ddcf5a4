/* The WebSocket client: connecting, talking, losing and coming back.
 *
 * libcurl makes the connection (names, proxies, TLS) and hands it over (CONNECT_ONLY); libwslay
 * does the framing. One thread for each client:
 *
 *     connecting -> upgrading -> open -> lost -> (wait) -> connecting ...
 *
 * Invariants:
 *  1. A waiting outgoing message is given to libwslay alone, and forgotten when all of it was
 *     written: what had not been begun survives the connection.
 *  2. What is read of a connection is used up before it is read again, so that a taker who is slow
 *     slows the other end down.
 *  3. What waits to be sent is bounded: messages by the user's send_cap, and answers to pings by
 *     their number, beyond which the other end is given up.
 *  4. The lock guards the outgoing queue and the flags; no callback runs under it.
 */
#include "base_sigpipe.h"
#include "gch/websocket.h"
#include "net_state.h"
#include "net_upgrade.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <wslay/wslay.h>

#define READ_BYTES 65536u
#define QUERY_CAP 256u
#define TURN_READS 16u
#define ANSWERS_CAP 4096u /* waiting, of pings */
#define URL_CAP 8000u
#define GOOD_AFTER_NS 1000000000 /* a connection that lasts this long ends the backoff */

typedef struct message {
    struct message *next;
    gch_ws_kind kind;
    size_t count;
    uint8_t bytes[];
} message;

struct gch_ws {
    const gch_allocator *allocator;
    gch_ws_desc settings; /* resolved; its texts are below */
    char *url, *protocol, *token, *ca_file;
    CURLM *multi;
    pthread_t thread;
    bool has_thread, has_lock;

    pthread_mutex_t lock;
    message *first, *last; /* waiting */
    size_t queued_bytes;
    bool is_stopping, is_dead;

    /* One connection. */
    CURL *easy;
    curl_socket_t socket;
    gch__upgrade upgrade;
    char host[512], target[URL_CAP + QUERY_CAP];
    struct wslay_event_context *frames;
    uint8_t input[READ_BYTES];
    size_t input_count, input_used;
    uint32_t turn_reads;         /* in this turn of `talk` */
    bool wants_write;            /* the socket is full */
    bool is_sending;             /* the first message is with libwslay */
    bool has_failed;             /* reading or writing */
    int64_t heard_ns, pinged_ns; /* pinged_ns 0: no ping is out */
    uint32_t failure_count;
    uint64_t random;
    gch_error error;

    _Atomic bool is_open, wants_reconnect, is_well;
    _Atomic uint64_t connections, losses, received_messages, received_bytes, sent_messages;
    _Atomic uint64_t sent_bytes, round_trip_ns;
};

/* ---- what libwslay asks for ---- */

static ssize_t take_input(wslay_event_context_ptr frames, uint8_t *out, size_t cap, int flags,
                          void *context)
{
    gch_ws *ws = context;
    (void)flags;
    if (wslay_event_get_queued_msg_count(frames) > ANSWERS_CAP) { /* and it does not read them */
        ws->has_failed = true;
        wslay_event_set_error(frames, WSLAY_ERR_CALLBACK_FAILURE);
        return -1;
    }
    if (ws->input_used == ws->input_count) {
        size_t count = 0;
        if (ws->turn_reads == TURN_READS) { /* others' turn: pings, what is to be sent, the end */
            wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
            return -1;
        }
        ws->turn_reads++;
        CURLcode result = curl_easy_recv(ws->easy, ws->input, sizeof ws->input, &count);
        if (result == CURLE_AGAIN) {
            wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
            return -1;
        }
        if (result != CURLE_OK || count == 0) {
            ws->has_failed = true;
            wslay_event_set_error(frames, WSLAY_ERR_CALLBACK_FAILURE);
            return -1;
        }
        ws->input_count = count;
        ws->input_used = 0;
        ws->heard_ns = gch__clock_ns();
    }
    size_t count = GCH_MIN(cap, ws->input_count - ws->input_used);
    memcpy(out, ws->input + ws->input_used, count);
    ws->input_used += count;
    return (ssize_t)count;
}

static ssize_t give_output(wslay_event_context_ptr frames, const uint8_t *bytes, size_t count,
                           int flags, void *context)
{
    gch_ws *ws = context;
    size_t sent = 0;
    (void)flags;
    CURLcode result = curl_easy_send(ws->easy, bytes, count, &sent);
    if (result == CURLE_AGAIN || (result == CURLE_OK && sent == 0)) {
        ws->wants_write = true;
        wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    if (result != CURLE_OK) {
        ws->has_failed = true;
        wslay_event_set_error(frames, WSLAY_ERR_CALLBACK_FAILURE);
        return -1;
    }
    return (ssize_t)sent;
}

static int make_mask(wslay_event_context_ptr frames, uint8_t *out, size_t count, void *context)
{
    (void)frames, (void)context;
    return getrandom(out, count, 0) == (ssize_t)count ? 0 : -1;
}

static void take_message(wslay_event_context_ptr frames,
                         const struct wslay_event_on_msg_recv_arg *arg, void *context)
{
    gch_ws *ws = context;
    (void)frames;
    if (arg->opcode == WSLAY_PONG && ws->pinged_ns != 0) {
        atomic_store(&ws->round_trip_ns, (uint64_t)(gch__clock_ns() - ws->pinged_ns));
        ws->pinged_ns = 0;
    }
    if (wslay_is_ctrl_frame(arg->opcode))
        return;
    atomic_fetch_add(&ws->received_messages, 1);
    atomic_fetch_add(&ws->received_bytes, arg->msg_length);
    if (ws->settings.on_message != NULL)
        ws->settings.on_message(ws->settings.context,
                                arg->opcode == WSLAY_TEXT_FRAME ? GCH_WS_TEXT : GCH_WS_BINARY,
                                arg->msg != NULL ? arg->msg : ws->input, arg->msg_length);
}

/* ---- the outgoing queue ---- */

static void drop_first(gch_ws *ws)
{
    pthread_mutex_lock(&ws->lock);
    message *first = ws->first;
    ws->first = first->next;
    if (ws->first == NULL)
        ws->last = NULL;
    ws->queued_bytes -= first->count;
    pthread_mutex_unlock(&ws->lock);
    atomic_fetch_add(&ws->sent_messages, 1);
    atomic_fetch_add(&ws->sent_bytes, first->count);
    gch__free(ws->allocator, first, "message");
}

/* Writes as much as the socket takes. */
static void write_out(gch_ws *ws)
{
    ws->wants_write = false;
    for (;;) {
        if (wslay_event_send(ws->frames) != 0)
            ws->has_failed = true;
        if (ws->has_failed || wslay_event_want_write(ws->frames))
            return;
        if (ws->is_sending)
            drop_first(ws);
        ws->is_sending = false;
        pthread_mutex_lock(&ws->lock);
        message *next = ws->first;
        pthread_mutex_unlock(&ws->lock);
        if (next == NULL)
            return;
        struct wslay_event_msg frame = {.opcode = next->kind == GCH_WS_TEXT ? WSLAY_TEXT_FRAME
                                                                            : WSLAY_BINARY_FRAME,
                                        .msg = next->bytes,
                                        .msg_length = next->count};
        if (wslay_event_queue_msg(ws->frames, &frame) != 0) {
            ws->has_failed = true;
            return;
        }
        ws->is_sending = true;
    }
}

gch_status gch_ws_send(gch_ws *ws, gch_ws_kind kind, const void *bytes, size_t count,
                       gch_error *err)
{
    size_t total;
    if (kind != GCH_WS_TEXT && kind != GCH_WS_BINARY)
        return gch_fail(err, GCH_INVALID, "kind: %u is none", (unsigned)kind);
    if (!gch__add_size(sizeof(message), count, &total))
        return gch__no_memory(err, "message");
    message *new = gch__alloc(ws->allocator, total, "message");
    if (new == NULL)
        return gch__no_memory(err, "message");
    *new = (message){.kind = kind, .count = count};
    if (count > 0)
        memcpy(new->bytes, bytes, count);
    gch_status status = GCH_OK;
    pthread_mutex_lock(&ws->lock);
    if (ws->is_dead)
        status = gch_fail(err, GCH_UNAVAILABLE, "%s: the connection is closed for good", ws->url);
    else if (count > ws->settings.send_cap - ws->queued_bytes)
        status = gch_fail(err, GCH_LIMIT, "%s: %zu bytes wait to be sent, at most %zu may", ws->url,
                          ws->queued_bytes, ws->settings.send_cap);
    if (status == GCH_OK) {
        *(ws->last != NULL ? &ws->last->next : &ws->first) = new;
        ws->last = new;
        ws->queued_bytes += count;
    }
    pthread_mutex_unlock(&ws->lock);
    if (status == GCH_OK)
        (void)curl_multi_wakeup(ws->multi);
    else
        gch__free(ws->allocator, new, "message");
    return status;
}

/* ---- one connection ---- */

void gch_ws_reconnect(gch_ws *ws, bool is_well)
{
    atomic_store(&ws->is_well, is_well);
    atomic_store(&ws->wants_reconnect, true);
    (void)curl_multi_wakeup(ws->multi);
}

static bool is_stopping(gch_ws *ws)
{
    pthread_mutex_lock(&ws->lock);
    bool stopping = ws->is_stopping;
    pthread_mutex_unlock(&ws->lock);
    return stopping;
}

static void hang_up(gch_ws *ws)
{
    atomic_store(&ws->is_open, false);
    wslay_event_context_free(ws->frames);
    ws->frames = NULL;
    if (ws->easy != NULL) {
        (void)curl_multi_remove_handle(ws->multi, ws->easy);
        curl_easy_cleanup(ws->easy);
        ws->easy = NULL;
    }
    ws->socket = CURL_SOCKET_BAD;
    ws->input_count = ws->input_used = 0;
    ws->is_sending = ws->wants_write = ws->has_failed = false;
    ws->pinged_ns = 0;
}

/* Host, path and query of the URL, and what the user adds to the query. */
static gch_status find_target(gch_ws *ws, gch_error *err)
{
    char added[QUERY_CAP] = "";
    if (ws->settings.get_query != NULL)
        ws->settings.get_query(ws->settings.context, added, sizeof added);
    char *host = NULL, *port = NULL, *path = NULL, *query = NULL;
    gch_status status = GCH_OK;
    CURLU *parts = curl_url();
    if (parts == NULL || curl_url_set(parts, CURLUPART_URL, ws->url, 0) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_PATH, &path, 0) != CURLUE_OK) {
        status = gch_fail(err, GCH_INVALID, "%.200s: not a URL", ws->url);
    } else {
        (void)curl_url_get(parts, CURLUPART_QUERY, &query, 0);
        const char *first = query != NULL ? query : "";
        snprintf(ws->host, sizeof ws->host, "%s:%s", host, port);
        snprintf(ws->target, sizeof ws->target, "%s%s%s%s%s", path,
                 first[0] != '\0' || added[0] != '\0' ? "?" : "", first,
                 first[0] != '\0' && added[0] != '\0' ? "&" : "", added);
    }
    curl_free(host);
    curl_free(port);
    curl_free(path);
    curl_free(query);
    curl_url_cleanup(parts);
    return status;
}

static gch_status fail_stopping(gch_error *err)
{
    return gch_fail(err, GCH_CANCELLED, "the client is being closed");
}

static gch_status connect_to(gch_ws *ws, int64_t deadline, gch_error *err)
{
    ws->easy = curl_easy_init();
    if (ws->easy == NULL)
        return gch__no_memory(err, "websocket");
    curl_easy_setopt(ws->easy, CURLOPT_URL, ws->url);
    curl_easy_setopt(ws->easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(ws->easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
    curl_easy_setopt(ws->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(ws->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(ws->easy, CURLOPT_NOSIGNAL, 1L);
    if (ws->ca_file != NULL) {
        curl_easy_setopt(ws->easy, CURLOPT_CAINFO, ws->ca_file);
        curl_easy_setopt(ws->easy, CURLOPT_CAPATH, NULL);
    }
    if (curl_multi_add_handle(ws->multi, ws->easy) != CURLM_OK)
        return gch__no_memory(err, "websocket");
    for (;;) {
        int running, left;
        (void)curl_multi_perform(ws->multi, &running);
        const CURLMsg *done = curl_multi_info_read(ws->multi, &left);
        if (done != NULL && done->msg == CURLMSG_DONE) {
            if (done->data.result != CURLE_OK) {
                gch_status status;
                (void)gch__judge_failure(done->data.result, ws->url, &status, err);
                return status;
            }
            (void)curl_easy_getinfo(ws->easy, CURLINFO_ACTIVESOCKET, &ws->socket);
            return GCH_OK;
        }
        int64_t now = gch__clock_ns();
        if (is_stopping(ws))
            return fail_stopping(err);
        if (now >= deadline)
            return gch_fail(err, GCH_UNAVAILABLE, "%s: no connection in time", ws->url);
        (void)curl_multi_poll(ws->multi, NULL, 0, (int)((deadline - now) / 1000000 + 1), NULL);
    }
}

/* Waits for the socket, a wake-up or the time. */
static void wait_socket(gch_ws *ws, bool wants_write, int64_t until)
{
    int64_t now = gch__clock_ns();
    int ms = until <= now ? 0 : (int)GCH_MIN((until - now) / 1000000 + 1, (int64_t)60000);
    struct curl_waitfd fd = {.fd = ws->socket,
                             .events =
                                 (short)(CURL_WAIT_POLLIN | (wants_write ? CURL_WAIT_POLLOUT : 0))};
    (void)curl_multi_poll(ws->multi, &fd, 1, ms, NULL);
}

static gch_status send_all(gch_ws *ws, const gch__buffer *text, int64_t deadline, gch_error *err)
{
    for (size_t at = 0; at < text->count;) {
        size_t sent = 0;
        CURLcode result = curl_easy_send(ws->easy, text->bytes + at, text->count - at, &sent);
        at += sent;
        if (result != CURLE_OK && result != CURLE_AGAIN)
            return gch_fail(err, GCH_UNAVAILABLE, "%s: %s", ws->url, curl_easy_strerror(result));
        if (is_stopping(ws))
            return fail_stopping(err);
        if (gch__clock_ns() >= deadline)
            return gch_fail(err, GCH_UNAVAILABLE, "%s: the upgrade is not taken in time", ws->url);
        if (at < text->count)
            wait_socket(ws, true, deadline);
    }
    return GCH_OK;
}

/* Reads the answer; what follows its head stays in `input`. */
static gch_status read_answer(gch_ws *ws, int64_t deadline, bool *out_is_final, gch_error *err)
{
    for (;;) {
        size_t count = 0, used = 0;
        CURLcode result = curl_easy_recv(ws->easy, ws->input + ws->input_count,
                                         GCH__UPGRADE_ANSWER_CAP - ws->input_count, &count);
        if ((result == CURLE_OK && count == 0) || (result != CURLE_OK && result != CURLE_AGAIN))
            return gch_fail(err, GCH_UNAVAILABLE, "%s: closed instead of upgraded", ws->url);
        ws->input_count += count;
        gch_status status = gch__upgrade_read(&ws->upgrade, (const char *)ws->input,
                                              ws->input_count, &used, out_is_final, err);
        if (status != GCH_PENDING) {
            ws->input_used = used;
            return status;
        }
        if (is_stopping(ws))
            return fail_stopping(err);
        if (gch__clock_ns() >= deadline)
            return gch_fail(err, GCH_UNAVAILABLE, "%s: the upgrade is not answered in time",
                            ws->url);
        if (result == CURLE_AGAIN)
            wait_socket(ws, false, deadline);
    }
}

static gch_status upgrade(gch_ws *ws, int64_t deadline, bool *out_is_final, gch_error *err)
{
    gch__buffer text = {.allocator = ws->allocator, .purpose = "websocket"};
    bool is_awaited = ws->settings.awaits_return && atomic_load(&ws->connections) > 0;
    ws->upgrade = (gch__upgrade){.host = ws->host,
                                 .target = ws->target,
                                 .protocol = ws->protocol,
                                 .token = ws->token,
                                 .is_awaited = is_awaited};
    gch_status status = gch__upgrade_make_key(&ws->upgrade, err);
    if (status == GCH_OK)
        status = gch__upgrade_write(&ws->upgrade, &text, err);
    if (status == GCH_OK)
        status = send_all(ws, &text, deadline, err);
    gch__buffer_reset(&text);
    if (status == GCH_OK)
        status = read_answer(ws, deadline, out_is_final, err);
    return status;
}

static gch_status make_frames(gch_ws *ws, gch_error *err)
{
    static const struct wslay_event_callbacks callbacks = {.recv_callback = take_input,
                                                           .send_callback = give_output,
                                                           .genmask_callback = make_mask,
                                                           .on_msg_recv_callback = take_message};
    if (wslay_event_context_client_init(&ws->frames, &callbacks, ws) != 0)
        return gch__no_memory(err, "websocket");
    wslay_event_config_set_max_recv_msg_length(ws->frames, ws->settings.message_cap);
    return GCH_OK;
}

/* Asks a silent other end, and gives it up when it does not answer. Returns when to look again; 0:
 * it is dead. */
static int64_t keep_alive(gch_ws *ws, int64_t now)
{
    int64_t ping_ns = (int64_t)ws->settings.ping_ms * 1000000;
    int64_t pong_ns = (int64_t)ws->settings.pong_ms * 1000000;
    if (ws->pinged_ns != 0) {
        int64_t until = GCH_MAX(ws->pinged_ns, ws->heard_ns) + pong_ns;
        return now < until ? until : 0;
    }
    if (now < ws->heard_ns + ping_ns)
        return ws->heard_ns + ping_ns;
    struct wslay_event_msg ping = {.opcode = WSLAY_PING};
    if (wslay_event_queue_msg(ws->frames, &ping) != 0)
        return 0;
    ws->pinged_ns = now;
    return now + pong_ns;
}

static gch_status fail_closed(gch_ws *ws, bool *out_is_final, gch_error *err)
{
    unsigned code = wslay_event_get_status_code_received(ws->frames);
    *out_is_final = code == 1000 || code == 1002 || code == 1003 || (code >= 1007 && code <= 1010);
    return gch_fail(err, GCH_UNAVAILABLE, "%s: closed by the server with code %u", ws->url, code);
}

/* Until the connection is lost. */
static gch_status talk(gch_ws *ws, bool *out_is_final, gch_error *err)
{
    ws->heard_ns = gch__clock_ns();
    for (;;) {
        if (is_stopping(ws))
            return fail_stopping(err);
        if (atomic_load(&ws->wants_reconnect))
            return gch_fail(err, GCH_UNAVAILABLE, "%s: given up for a new connection", ws->url);
        int64_t until = keep_alive(ws, gch__clock_ns());
        if (until == 0)
            return gch_fail(err, GCH_UNAVAILABLE, "%s: the other end does not answer", ws->url);
        write_out(ws);
        ws->turn_reads = 0;
        if (!ws->has_failed && wslay_event_recv(ws->frames) != 0)
            ws->has_failed = true;
        if (wslay_event_get_close_received(ws->frames)) {
            (void)wslay_event_send(ws->frames); /* the echo that is owed */
            return fail_closed(ws, out_is_final, err);
        }
        if (ws->has_failed)
            return gch_fail(err, GCH_UNAVAILABLE, "%s: the connection is broken", ws->url);
        if (!wslay_event_want_read(ws->frames)) { /* it broke the protocol, or its bounds */
            write_out(ws);
            return gch_fail(err, GCH_UNAVAILABLE, "%s: the server breaks the protocol", ws->url);
        }
        /* A pong or a message may be due by now; the socket says when it can take it. */
        if (ws->turn_reads < TURN_READS && (ws->wants_write || !wslay_event_want_write(ws->frames)))
            wait_socket(ws, ws->wants_write, until);
    }
}

static gch_status hold_connection(gch_ws *ws, bool *out_is_final, gch_error *err)
{
    int64_t start = gch__clock_ns();
    int64_t deadline = start + (int64_t)ws->settings.connect_timeout_ms * 1000000;
    *out_is_final = false;
    atomic_store(&ws->wants_reconnect, false);
    GCH_TRY(find_target(ws, err));
    GCH_TRY(connect_to(ws, deadline, err));
    GCH_TRY(upgrade(ws, deadline, out_is_final, err));
    GCH_TRY(make_frames(ws, err));
    atomic_store(&ws->is_open, true);
    atomic_fetch_add(&ws->connections, 1);
    if (ws->settings.on_open != NULL)
        ws->settings.on_open(ws->settings.context);
    int64_t opened = gch__clock_ns();
    gch_status status = talk(ws, out_is_final, err);
    bool is_well = atomic_load(&ws->wants_reconnect) && atomic_load(&ws->is_well);
    if (is_well || gch__clock_ns() - opened >= GOOD_AFTER_NS)
        ws->failure_count = 0;
    return status;
}

/* ---- the thread ---- */

static void say_goodbye(gch_ws *ws)
{
    if (ws->frames == NULL || ws->has_failed || ws->is_sending)
        return;
    (void)wslay_event_queue_close(ws->frames, WSLAY_CODE_NORMAL_CLOSURE, NULL, 0);
    (void)wslay_event_send(ws->frames);
}

static void wait_before_retry(gch_ws *ws)
{
    int64_t until = gch__clock_ns() + gch__backoff_ns(++ws->failure_count, ws->settings.backoff_ms,
                                                      ws->settings.backoff_cap_ms, &ws->random);
    for (int64_t now; !is_stopping(ws) && (now = gch__clock_ns()) < until;)
        (void)curl_multi_poll(ws->multi, NULL, 0, (int)((until - now) / 1000000 + 1), NULL);
}

static void *ws_main(void *argument)
{
    gch_ws *ws = argument;
    bool is_final = false;
    gch__sigpipe_block(NULL); /* as net_http.c */
    while (!is_final && !is_stopping(ws)) {
        gch_error err = {0};
        gch_status status = hold_connection(ws, &is_final, &err);
        is_final |= status != GCH_UNAVAILABLE && status != GCH_NO_MEMORY;
        if (is_stopping(ws))
            say_goodbye(ws);
        hang_up(ws);
        if (is_stopping(ws))
            break;
        atomic_fetch_add(&ws->losses, 1);
        if (is_final) {
            pthread_mutex_lock(&ws->lock);
            ws->is_dead = true;
            pthread_mutex_unlock(&ws->lock);
        }
        if (ws->settings.on_lost != NULL)
            ws->settings.on_lost(ws->settings.context, &err, is_final);
        if (!is_final)
            wait_before_retry(ws);
    }
    return NULL;
}

/* ---- opening and closing ---- */

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
    return value != 0 ? value : otherwise;
}

static void resolve(gch_ws_desc *desc)
{
    desc->connect_timeout_ms = or_default(desc->connect_timeout_ms, 10000);
    desc->ping_ms = or_default(desc->ping_ms, 15000);
    desc->pong_ms = or_default(desc->pong_ms, 10000);
    desc->backoff_ms = or_default(desc->backoff_ms, 100);
    desc->backoff_cap_ms = or_default(desc->backoff_cap_ms, 10000);
    desc->message_cap = desc->message_cap != 0 ? desc->message_cap : 16u << 20;
    desc->send_cap = desc->send_cap != 0 ? desc->send_cap : 16u << 20;
}

static bool is_field_text(const char *text, size_t cap)
{
    size_t length = strnlen(text, cap);
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] <= 0x20 || text[i] == 0x7F)
            return false;
    }
    return length < cap;
}

static gch_status check_desc(const gch_ws_desc *desc, gch_error *err)
{
    if (desc->url == NULL || !is_field_text(desc->url, URL_CAP))
        return gch_fail(err, GCH_INVALID, "url: it is missing, too long or no text");
    if (desc->protocol != NULL && !is_field_text(desc->protocol, 64))
        return gch_fail(err, GCH_INVALID, "protocol: it is too long or no token");
    if (desc->token != NULL && !is_field_text(desc->token, 4000))
        return gch_fail(err, GCH_INVALID, "token: it is too long or no text");
    return GCH_OK;
}

/* ws:// and wss:// as http:// and https://, which is what curl connects to. */
static gch_status copy_url(gch_ws *ws, const char *url, gch_error *err)
{
    static const char *const schemes[4][2] = {{"ws://", "http://"},
                                              {"wss://", "https://"},
                                              {"http://", "http://"},
                                              {"https://", "https://"}};
    for (int i = 0; i < 4; i++) {
        size_t from = strlen(schemes[i][0]), to = strlen(schemes[i][1]);
        if (strncasecmp(url, schemes[i][0], from) != 0)
            continue;
        size_t rest = strlen(url + from) + 1;
        ws->url = gch__alloc(ws->allocator, to + rest, "websocket");
        if (ws->url == NULL)
            return gch__no_memory(err, "websocket");
        memcpy(ws->url, schemes[i][1], to);
        memcpy(ws->url + to, url + from, rest);
        return find_target(ws, err); /* whether it is a URL */
    }
    return gch_fail(err, GCH_INVALID, "%.200s: neither ws nor wss", url);
}

static gch_status copy_text(gch_ws *ws, const char *text, char **out, gch_error *err)
{
    *out = gch__copy_text(ws->allocator, text, strlen(text), "websocket");
    return *out != NULL ? GCH_OK : gch__no_memory(err, "websocket");
}

static gch_status fill(gch_ws *ws, const gch_ws_desc *desc, gch_error *err)
{
    GCH_TRY(copy_text(ws, desc->protocol != NULL ? desc->protocol : "", &ws->protocol, err));
    GCH_TRY(copy_text(ws, desc->token != NULL ? desc->token : "", &ws->token, err));
    if (desc->ca_file != NULL)
        GCH_TRY(copy_text(ws, desc->ca_file, &ws->ca_file, err));
    GCH_TRY(copy_url(ws, desc->url, err));
    ws->settings = *desc;
    resolve(&ws->settings);
    if (getrandom(&ws->random, sizeof ws->random, 0) != sizeof ws->random)
        ws->random = (uint64_t)gch__clock_ns();
    ws->multi = gch__curl_start() ? curl_multi_init() : NULL;
    if (ws->multi == NULL)
        return gch__no_memory(err, "websocket");
    ws->has_lock = pthread_mutex_init(&ws->lock, NULL) == 0;
    if (!ws->has_lock)
        return gch__no_memory(err, "websocket");
    ws->has_thread = pthread_create(&ws->thread, NULL, ws_main, ws) == 0;
    if (!ws->has_thread)
        return gch_fail(err, GCH_LIMIT, "cannot start the client's thread");
    return GCH_OK;
}

gch_status gch_ws_open(const gch_ws_desc *desc, gch_ws **out, gch_error *err)
{
    GCH_TRY(check_desc(desc, err));
    gch_ws *ws = gch__alloc_zero(desc->allocator, 1, sizeof *ws, "websocket");
    if (ws == NULL)
        return gch__no_memory(err, "websocket");
    ws->allocator = desc->allocator;
    ws->socket = CURL_SOCKET_BAD;
    gch_status status = fill(ws, desc, err);
    if (status != GCH_OK) {
        gch_ws_close(ws);
        return status;
    }
    *out = ws;
    return GCH_OK;
}

void gch_ws_close(gch_ws *ws)
{
    if (ws == NULL)
        return;
    if (ws->has_thread) {
        pthread_mutex_lock(&ws->lock);
        ws->is_stopping = true;
        pthread_mutex_unlock(&ws->lock);
        (void)curl_multi_wakeup(ws->multi);
        pthread_join(ws->thread, NULL);
    }
    while (ws->first != NULL) {
        message *next = ws->first->next;
        gch__free(ws->allocator, ws->first, "message");
        ws->first = next;
    }
    if (ws->multi != NULL)
        (void)curl_multi_cleanup(ws->multi);
    if (ws->has_lock)
        pthread_mutex_destroy(&ws->lock);
    gch__free(ws->allocator, ws->url, "websocket");
    gch__free(ws->allocator, ws->protocol, "websocket");
    gch__free(ws->allocator, ws->token, "websocket");
    gch__free(ws->allocator, ws->ca_file, "websocket");
    gch__free(ws->allocator, ws, "websocket");
}

void gch_ws_get_stats(gch_ws *ws, gch_ws_stats *out)
{
    *out = (gch_ws_stats){
        .is_open = atomic_load(&ws->is_open),
        .connections = atomic_load(&ws->connections),
        .losses = atomic_load(&ws->losses),
        .received_messages = atomic_load(&ws->received_messages),
        .received_bytes = atomic_load(&ws->received_bytes),
        .sent_messages = atomic_load(&ws->sent_messages),
        .sent_bytes = atomic_load(&ws->sent_bytes),
        .round_trip_ns = atomic_load(&ws->round_trip_ns),
    };
    pthread_mutex_lock(&ws->lock);
    out->queued_bytes = ws->queued_bytes;
    pthread_mutex_unlock(&ws->lock);
}
