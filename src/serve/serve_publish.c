/* Live series over HTTP: making, describing, publishing, and the upgrade to a WebSocket. */
#include "serve_json.h"
#include "serve_route.h"
#include "serve_ws.h"

#include <inttypes.h>
#include <string.h>

/* The body made of what a call appends. */
static void answer_json(gch__exchange *exchange, int code, bool has_room)
{
    gch_error err;
    gch__answer_add(exchange, "content-type", "application/json");
    gch__answer_add(exchange, "cache-control", "no-store");
    exchange->code = code;
    if (!has_room || gch__body_add_appended(&exchange->answer, &err) != GCH_OK)
        exchange->is_lost = true;
}

static void serve_list(gch__asked *asked)
{
    static const char *const known[] = {"token"};
    gch__exchange *exchange = asked->exchange;
    if (gch__asked_check(asked, known, GCH_COUNT_OF(known), NULL))
        answer_json(exchange, 200, gch__hub_list(asked->server->live, &exchange->answer.memory));
}

static bool read_number(gch__asked *asked, const char *key, uint64_t min, uint64_t max,
                        uint64_t *out)
{
    const char *text = gch__parameters_get(&asked->parameters, key);
    if (text == NULL || gch__text_count(text, min, max, out))
        return true;
    gch__answer_error(asked->exchange, 400, GCH_PARSE, "'%s' is no number within its bounds", key);
    return false;
}

static void create(gch__asked *asked, const char *name)
{
    static const char *const known[] = {"token", "unit", "column", "keep_rows", "keep_age"};
    gch__exchange *exchange = asked->exchange;
    const gch__parameters *parameters = &asked->parameters;
    const char *columns[GCH__PARAMETERS_MAX];
    size_t column_count = 0;
    gch__retention retention = {0};
    gch_time_unit unit;
    gch_error err;
    bool is_new;
    if (!gch__asked_check(asked, known, GCH_COUNT_OF(known), "column"))
        return;
    const char *unit_text = gch__parameters_get(parameters, "unit");
    if (unit_text == NULL || !gch_time_unit_parse(unit_text, &unit) || unit == GCH_TIME_DEFAULT) {
        gch__answer_error(exchange, 400, GCH_INVALID, "'unit' is none of s, ms, us, ns, index");
        return;
    }
    if (!read_number(asked, "keep_rows", 1, INT64_MAX, &retention.rows) ||
        !read_number(asked, "keep_age", 1, INT64_MAX, &retention.age_s))
        return;
    for (size_t i = 0; i < parameters->count; i++) {
        if (strcmp(parameters->items[i].key, "column") == 0)
            columns[column_count++] = parameters->items[i].value;
    }
    gch_status status = gch__hub_create(asked->server->live, name, unit, columns, column_count,
                                        &retention, &is_new, &err);
    if (status != GCH_OK) {
        gch__answer_status(exchange, &err);
        return;
    }
    const gch__hub_series *series = gch__hub_find(asked->server->live, name);
    answer_json(exchange, is_new ? 201 : 200,
                gch__hub_describe(series, NULL, &exchange->answer.memory));
}

/* A request whose batch waits. */
typedef struct publish_task {
    gch__task task; /* its job is not run */
    const gch_allocator *allocator;
} publish_task;

static void on_published(void *who, const gch__ack *ack, const gch_error *err)
{
    publish_task *waiting = who;
    gch__exchange *exchange = gch__task_end(&waiting->task);
    gch__free(waiting->allocator, waiting, "publish");
    if (exchange == NULL)
        return;
    if (err != NULL)
        gch__answer_status(exchange, err);
    else
        answer_json(exchange, 200,
                    gch__json_print(
                        &exchange->answer.memory,
                        "{\"type\": \"ack\", \"sequence\": %" PRIu64 ", \"first_row\": %" PRIu64
                        ", \"row_count\": %" PRIu64 ", \"publisher_sequence\": %" PRIu64 "}\n",
                        ack->sequence, ack->first_row, ack->row_count, ack->publisher_sequence));
    gch__exchange_answered(exchange);
}

static void publish(gch__asked *asked, gch__hub_series *series)
{
    static const char *const known[] = {"token", "publisher", "publisher_sequence"};
    gch__exchange *exchange = asked->exchange;
    gch__frame frame = {0};
    gch__span type = gch__exchange_field(exchange, GCH__FIELD_CONTENT_TYPE);
    bool is_text = gch__span_is(type, "application/x-ndjson");
    if (!gch__asked_check(asked, known, GCH_COUNT_OF(known), NULL) ||
        !read_number(asked, "publisher", 0, UINT64_MAX, &frame.publisher) ||
        !read_number(asked, "publisher_sequence", 0, UINT64_MAX, &frame.publisher_sequence))
        return;
    if (!is_text && !gch__span_is(type, "application/vnd.gpucharts.rows")) {
        gch__answer_error(exchange, 415, GCH_UNSUPPORTED,
                          "a batch is application/vnd.gpucharts.rows or application/x-ndjson");
        return;
    }
    publish_task *waiting =
        gch__alloc_zero(asked->server->allocator, 1, sizeof *waiting, "publish");
    if (waiting == NULL) {
        exchange->is_lost = true;
        return;
    }
    waiting->allocator = asked->server->allocator;
    gch__exchange_wait(exchange, &waiting->task);
    gch__hub_publish(series, (gch__span){exchange->body.bytes, exchange->body.count}, is_text,
                     &frame, on_published, waiting);
}

/* Whether the fields of an upgrade are as they must be; else it is answered. */
static bool check_upgrade(gch__asked *asked, char accept[29])
{
    gch__exchange *exchange = asked->exchange;
    gch__span version = gch__exchange_field(exchange, GCH__FIELD_WS_VERSION);
    gch__span protocols = gch__exchange_field(exchange, GCH__FIELD_WS_PROTOCOL);
    gch__span key = gch__exchange_field(exchange, GCH__FIELD_WS_KEY);
    if (asked->is_foreign) {
        gch__answer_error(exchange, 403, GCH_INVALID, "pages of this origin may not connect");
    } else if (!gch__span_is(version, "13")) {
        gch__answer_add(exchange, "sec-websocket-version", "13");
        gch__answer_error(exchange, 426, GCH_UNSUPPORTED, "only WebSocket version 13 is spoken");
    } else if (!gch__has_token(protocols, "gch.live.1")) {
        gch__answer_error(exchange, 400, GCH_UNSUPPORTED, "the subprotocol gch.live.1 is missing");
    } else if (exchange->stream != 0 || exchange->method != GCH__METHOD_GET ||
               !gch__ws_accept(key, accept)) {
        gch__answer_error(exchange, 400, GCH_INVALID, "malformed WebSocket handshake");
    } else {
        return true;
    }
    return false;
}

static void upgrade(gch__asked *asked, gch__hub_series *series)
{
    static const char *const known[] = {"token", "after", "detail", "rate", "publish"};
    gch__exchange *exchange = asked->exchange;
    const char *detail = gch__parameters_get(&asked->parameters, "detail");
    uint64_t rate = 60, only_publishes = 0;
    char accept[29];
    gch__ws_desc desc = {
        .series = series, .may_publish = asked->right == GCH__RIGHT_WRITE, .after = UINT64_MAX};
    if (!gch__asked_check(asked, known, GCH_COUNT_OF(known), NULL) ||
        !check_upgrade(asked, accept) ||
        !read_number(asked, "after", 0, UINT64_MAX - 2, &desc.after) ||
        !read_number(asked, "rate", 1, 240, &rate) ||
        !read_number(asked, "publish", 0, 1, &only_publishes))
        return;
    desc.rate = (uint32_t)rate;
    desc.follows = only_publishes == 0;
    desc.is_summary = detail != NULL && strcmp(detail, "summary") == 0;
    if (detail != NULL && !desc.is_summary && strcmp(detail, "rows") != 0) {
        gch__answer_error(exchange, 400, GCH_PARSE, "'detail' is neither rows nor summary");
        return;
    }
    exchange->upgrade = gch__ws_make(asked->server, &desc);
    if (exchange->upgrade == NULL) {
        exchange->is_lost = true;
        return;
    }
    exchange->code = 101;
    gch__answer_add(exchange, "upgrade", "websocket");
    gch__answer_add(exchange, "connection", "Upgrade");
    gch__answer_add(exchange, "sec-websocket-accept", "%s", accept);
    gch__answer_add(exchange, "sec-websocket-protocol", "gch.live.1");
}

void gch__serve_live(gch__asked *asked)
{
    static const char *const known[] = {"token"};
    gch__exchange *exchange = asked->exchange;
    char name[GCH__NAME_CAP];
    bool reads = exchange->method == GCH__METHOD_GET || exchange->method == GCH__METHOD_HEAD;
    if (asked->path.count == 0) { /* /v1/live itself */
        serve_list(asked);
        return;
    }
    if (!gch__url_decode_name(asked->path, name)) {
        gch__answer_error(exchange, reads ? 404 : 400, reads ? GCH_NOT_FOUND : GCH_INVALID,
                          "that is no name of a series");
        return;
    }
    if (exchange->method == GCH__METHOD_PUT) {
        if (gch__path_view(asked->path) >= 0)
            gch__answer_error(exchange, 400, GCH_INVALID,
                              "the last part of the name is that of a view; choose another");
        else
            create(asked, name);
        return;
    }
    gch__hub_series *series = gch__hub_find(asked->server->live, name);
    if (series == NULL) {
        gch__answer_error(exchange, 404, GCH_NOT_FOUND, "no such live series");
    } else if (exchange->method == GCH__METHOD_POST) {
        publish(asked, series);
    } else if (gch__has_token(gch__exchange_field(exchange, GCH__FIELD_UPGRADE), "websocket") &&
               gch__has_token(gch__exchange_field(exchange, GCH__FIELD_CONNECTION), "upgrade")) {
        upgrade(asked, series);
    } else if (gch__asked_check(asked, known, GCH_COUNT_OF(known), NULL)) {
        answer_json(exchange, 200, gch__hub_describe(series, NULL, &exchange->answer.memory));
    }
}
