/* Exchanges (serve_exchange.h).
 *
 * Invariants:
 *  1. Texts of an exchange lie in its store and are named by offset, since the store moves as it
 *     grows.
 *  2. A field that may stand once and stands twice refuses the request: two readers could take
 *     different ones.
 */
#include "serve_json.h"
#include "serve_state.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PURPOSE "request"

typedef struct field_rule {
    const char *name;
    const char *joint; /* between the values of several fields; NULL: there may be only one */
} field_rule;

static const field_rule field_rules[GCH__FIELD_COUNT] = {
    [GCH__FIELD_ACCEPT_ENCODING] = {"accept-encoding", ", "},
    [GCH__FIELD_REQUEST_METHOD] = {"access-control-request-method", NULL},
    [GCH__FIELD_AUTHORIZATION] = {"authorization", NULL},
    [GCH__FIELD_CONNECTION] = {"connection", ", "},
    [GCH__FIELD_CONTENT_TYPE] = {"content-type", NULL},
    [GCH__FIELD_COOKIE] = {"cookie", "; "},
    [GCH__FIELD_EXPECT] = {"expect", NULL},
    [GCH__FIELD_HOST] = {"host", NULL},
    [GCH__FIELD_IF_NONE_MATCH] = {"if-none-match", ", "},
    [GCH__FIELD_IF_RANGE] = {"if-range", NULL},
    [GCH__FIELD_ORIGIN] = {"origin", NULL},
    [GCH__FIELD_RANGE] = {"range", NULL},
    [GCH__FIELD_WS_KEY] = {"sec-websocket-key", NULL},
    [GCH__FIELD_WS_PROTOCOL] = {"sec-websocket-protocol", ", "},
    [GCH__FIELD_WS_VERSION] = {"sec-websocket-version", NULL},
    [GCH__FIELD_UPGRADE] = {"upgrade", ", "},
    [GCH__FIELD_USER_AGENT] = {"user-agent", NULL},
};

gch__exchange *gch__exchange_make(gch__conn *conn)
{
    const gch_allocator *allocator = conn->server->allocator;
    gch__exchange *exchange = gch__alloc_zero(allocator, 1, sizeof *exchange, PURPOSE);
    if (exchange == NULL)
        return NULL;
    exchange->conn = conn;
    exchange->store.allocator = exchange->body.allocator = allocator;
    exchange->store.purpose = exchange->body.purpose = PURPOSE;
    exchange->answer.allocator = allocator;
    exchange->answer.memory.allocator = allocator;
    exchange->answer.memory.purpose = "answer";
    exchange->start_ns = conn->server->now_ns;
    exchange->next = conn->exchanges;
    if (exchange->next != NULL)
        exchange->next->previous = exchange;
    conn->exchanges = exchange;
    conn->exchange_count++;
    return exchange;
}

static void count_latency(gch__metrics *metrics, int64_t ns)
{
    uint64_t us = ns > 0 ? (uint64_t)ns / 1000 : 0;
    size_t bucket = us < 2 ? 0 : 63 - (size_t)__builtin_clzll(us);
    metrics->latency[GCH_MIN(bucket, (size_t)GCH__LATENCY_BUCKETS - 1)]++;
    metrics->latency_sum_us += us;
}

/* The target without the value of a token in it. */
static void append_target(gch__buffer *line, const gch__exchange *exchange)
{
    char target[1024];
    gch__span span = gch__exchange_stored(exchange, exchange->target);
    size_t length = GCH_MIN(span.count, sizeof target - 1);
    if (length > 0)
        memcpy(target, span.bytes, length);
    target[length] = '\0';
    for (char *at = target; (at = strstr(at, "token=")) != NULL;) {
        at += strlen("token=");
        char *end = at + strcspn(at, "&");
        memmove(at, end, strlen(end) + 1);
    }
    (void)!gch__json_text(line, target);
}

static void log_exchange(const gch__exchange *exchange)
{
    static const char *const methods[] = {"other", "GET", "HEAD", "POST", "PUT", "OPTIONS"};
    gch__conn *conn = exchange->conn;
    gch_server *server = conn->server;
    if (server->log == NULL || !exchange->has_head)
        return;
    gch__buffer line = {.allocator = server->allocator, .purpose = "access log"};
    char time[64], agent[256];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    gch_time_format(now.tv_sec * 1000 + now.tv_nsec / 1000000, GCH_TIME_MS, NULL, time,
                    sizeof time);
    gch__span span = gch__exchange_field(exchange, GCH__FIELD_USER_AGENT);
    size_t length = GCH_MIN(span.count, sizeof agent - 1);
    if (length > 0)
        memcpy(agent, span.bytes, length);
    agent[length] = '\0';
    bool has_room =
        gch__json_print(&line,
                        "{\"time\": \"%s\", \"peer\": \"%s\", \"protocol\": \"%s\", \"method\": "
                        "\"%s\", \"target\": ",
                        time, conn->peer, conn->protocol->name, methods[exchange->method]);
    append_target(&line, exchange);
    has_room = has_room &&
               gch__json_print(&line,
                               ", \"code\": %d, \"bytes\": %" PRIu64
                               ", \"ms\": %.3f, \"complete\": %s, \"agent\": ",
                               exchange->code, exchange->sent_bytes,
                               (double)(gch__clock_ns() - exchange->start_ns) / 1e6,
                               exchange->code != 0 &&
                                       (exchange->answer.left == 0 || exchange->answer_has_no_body)
                                   ? "true"
                                   : "false") &&
               gch__json_text(&line, agent) && gch__json_print(&line, "}\n");
    if (has_room)
        gch__log_line(server->log, (const char *)line.bytes, line.count);
    gch__buffer_reset(&line);
}

void gch__exchange_end(gch__exchange *exchange)
{
    gch__conn *conn = exchange->conn;
    gch__metrics *metrics = &conn->server->metrics;
    if (exchange->code >= 100 && exchange->code < 600)
        metrics->codes[exchange->code / 100]++;
    if (exchange->code != 0)
        count_latency(metrics, gch__clock_ns() - exchange->start_ns);
    log_exchange(exchange);
    if (exchange->task != NULL) {
        atomic_store(&exchange->task->job.is_cancelled, true);
        exchange->task->exchange = NULL;
        metrics->cancelled_tasks++;
    }
    if (exchange->previous != NULL)
        exchange->previous->next = exchange->next;
    else
        conn->exchanges = exchange->next;
    if (exchange->next != NULL)
        exchange->next->previous = exchange->previous;
    conn->exchange_count--;
    gch__body_reset(&exchange->answer);
    gch__buffer_reset(&exchange->body);
    gch__buffer_reset(&exchange->store);
    gch__free(conn->server->allocator, exchange, PURPOSE);
}

void gch__exchange_refuse(gch__exchange *exchange, int code, const char *why)
{
    if (exchange->refusal != 0)
        return;
    exchange->refusal = code;
    exchange->refusal_why = why;
}

static gch__stored store(gch__exchange *exchange, const void *bytes, size_t count)
{
    gch__stored stored = {
        .at = (uint32_t)exchange->store.count, .count = (uint32_t)count, .is_set = true};
    if (count == 0)
        return stored;
    if (exchange->store.count + count > UINT32_MAX / 2 ||
        !gch__buffer_append(&exchange->store, bytes, count)) {
        exchange->is_lost = true;
        return (gch__stored){0};
    }
    return stored;
}

gch__span gch__exchange_stored(const gch__exchange *exchange, gch__stored stored)
{
    if (!stored.is_set || stored.count == 0)
        return (gch__span){NULL, 0};
    return (gch__span){exchange->store.bytes + stored.at, stored.count};
}

gch__span gch__exchange_field(const gch__exchange *exchange, gch__field field)
{
    return gch__exchange_stored(exchange, exchange->fields[field]);
}

void gch__exchange_set_method(gch__exchange *exchange, gch__span method)
{
    static const struct {
        const char *name;
        gch__method method;
    } known[] = {{"GET", GCH__METHOD_GET},
                 {"HEAD", GCH__METHOD_HEAD},
                 {"POST", GCH__METHOD_POST},
                 {"PUT", GCH__METHOD_PUT},
                 {"OPTIONS", GCH__METHOD_OPTIONS}};
    exchange->method = GCH__METHOD_OTHER;
    for (size_t i = 0; i < GCH_COUNT_OF(known); i++) {
        if (method.count == strlen(known[i].name) &&
            memcmp(method.bytes, known[i].name, method.count) == 0)
            exchange->method = known[i].method;
    }
}

void gch__exchange_set_target(gch__exchange *exchange, gch__span target)
{
    exchange->header_bytes += target.count;
    if (target.count > 8192) {
        gch__exchange_refuse(exchange, 414, "the path is longer than 8192 bytes");
        return;
    }
    exchange->target = store(exchange, target.bytes, target.count);
}

static void join_field(gch__exchange *exchange, gch__stored *stored, const char *joint,
                       gch__span value)
{
    gch__stored joined = {.at = (uint32_t)exchange->store.count, .is_set = true};
    size_t count = stored->count + strlen(joint) + value.count;
    if (exchange->store.count + count > UINT32_MAX / 2 ||
        gch__buffer_reserve(&exchange->store, count) == NULL) {
        exchange->is_lost = true;
        return;
    }
    /* There is room, so that nothing moves while it is copied within the store. */
    (void)gch__buffer_append(&exchange->store, exchange->store.bytes + stored->at, stored->count);
    (void)gch__buffer_append(&exchange->store, joint, strlen(joint));
    (void)gch__buffer_append(&exchange->store, value.bytes, value.count);
    joined.count = (uint32_t)count;
    *stored = joined;
}

void gch__exchange_add_field(gch__exchange *exchange, gch__span name, gch__span value)
{
    exchange->header_bytes += name.count + value.count + 32; /* as HPACK counts */
    if (exchange->header_bytes > exchange->conn->server->desc.header_bytes_cap) {
        gch__exchange_refuse(exchange, 431, "the header fields are too large");
        return;
    }
    for (size_t i = 0; i < GCH__FIELD_COUNT; i++) {
        if (!gch__span_is(name, field_rules[i].name))
            continue;
        gch__stored *stored = &exchange->fields[i];
        if (!stored->is_set)
            *stored = store(exchange, value.bytes, value.count);
        else if (field_rules[i].joint != NULL)
            join_field(exchange, stored, field_rules[i].joint, value);
        else
            gch__exchange_refuse(exchange, 400, "a header field stands twice");
        return;
    }
}

void gch__exchange_add_body(gch__exchange *exchange, const uint8_t *bytes, size_t count)
{
    uint32_t cap = exchange->conn->server->desc.body_bytes_cap;
    if (exchange->refusal != 0 || count == 0)
        return;
    if (count > cap - GCH_MIN(exchange->body.count, (size_t)cap))
        gch__exchange_refuse(exchange, 413, "the body is too large");
    else if (!gch__buffer_append(&exchange->body, bytes, count))
        exchange->is_lost = true;
}

/* ---- answers ---- */

const char *gch__reason(int code)
{
    static const struct {
        int code;
        const char *reason;
    } reasons[] = {{101, "Switching Protocols"},
                   {200, "OK"},
                   {201, "Created"},
                   {204, "No Content"},
                   {206, "Partial Content"},
                   {304, "Not Modified"},
                   {400, "Bad Request"},
                   {401, "Unauthorized"},
                   {403, "Forbidden"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {408, "Request Timeout"},
                   {409, "Conflict"},
                   {413, "Content Too Large"},
                   {414, "URI Too Long"},
                   {415, "Unsupported Media Type"},
                   {416, "Range Not Satisfiable"},
                   {417, "Expectation Failed"},
                   {421, "Misdirected Request"},
                   {422, "Unprocessable Content"},
                   {426, "Upgrade Required"},
                   {429, "Too Many Requests"},
                   {431, "Request Header Fields Too Large"},
                   {500, "Internal Server Error"},
                   {501, "Not Implemented"},
                   {503, "Service Unavailable"},
                   {505, "HTTP Version Not Supported"}};
    for (size_t i = 0; i < GCH_COUNT_OF(reasons); i++) {
        if (reasons[i].code == code)
            return reasons[i].reason;
    }
    return "Status";
}

void gch__answer_add(gch__exchange *exchange, const char *name, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    size_t at = 0;
    while (at < exchange->answer_field_count && strcmp(exchange->answer_fields[at].name, name) != 0)
        at++;
    if (length < 0 || (size_t)length >= sizeof text || at == GCH__ANSWER_FIELDS_MAX) {
        exchange->is_lost = true;
        return;
    }
    for (int i = 0; i < length; i++) {
        if ((uint8_t)text[i] < 0x20 || text[i] == 0x7F)
            text[i] = '?';
    }
    exchange->answer_fields[at] = (gch__answer_field){name, store(exchange, text, (size_t)length)};
    exchange->answer_field_count = GCH_MAX(exchange->answer_field_count, at + 1);
}

void gch__answer_text(gch__exchange *exchange, int code, const char *type, const void *text,
                      size_t length)
{
    gch_error ignored;
    exchange->code = code;
    gch__answer_add(exchange, "content-type", "%s", type);
    if (gch__body_add_memory(&exchange->answer, text, length, &ignored) != GCH_OK)
        exchange->is_lost = true;
}

void gch__answer_error(gch__exchange *exchange, int code, gch_status status, const char *format,
                       ...)
{
    char message[1024];
    gch_error ignored;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    gch__body_reset(&exchange->answer); /* whatever had been begun */
    exchange->answer.memory.allocator = exchange->answer.allocator;
    exchange->answer.memory.purpose = "answer";
    exchange->code = code;
    gch__answer_add(exchange, "content-type", "application/json");
    gch__answer_add(exchange, "cache-control", "no-store");
    if (code == 429 || code == 503)
        gch__answer_add(exchange, "retry-after", "1");
    gch__buffer *body = &exchange->answer.memory;
    bool has_room = gch__json_print(body, "{\"error\": {\"status\": \"%s\", \"message\": ",
                                    gch_status_name(status)) &&
                    gch__json_text(body, message) && gch__json_print(body, "}}\n");
    if (!has_room || gch__body_add_appended(&exchange->answer, &ignored) != GCH_OK)
        exchange->is_lost = true;
}

void gch__answer_status(gch__exchange *exchange, const gch_error *err)
{
    static const struct {
        gch_status status;
        int code;
    } codes[] = {{GCH_INVALID, 400},     {GCH_PARSE, 400},     {GCH_NOT_FOUND, 404},
                 {GCH_EXISTS, 409},      {GCH_UNSORTED, 422},  {GCH_LIMIT, 422},
                 {GCH_UNSUPPORTED, 415}, {GCH_NO_MEMORY, 503}, {GCH_CANCELLED, 409},
                 {GCH_UNAVAILABLE, 503}};
    int code = 500;
    for (size_t i = 0; i < GCH_COUNT_OF(codes); i++) {
        if (codes[i].status == err->status)
            code = codes[i].code;
    }
    gch__answer_error(exchange, code, err->status, "%s", err->message);
}

/* ---- tasks ---- */

void gch__exchange_wait(gch__exchange *exchange, gch__task *task)
{
    task->exchange = exchange;
    task->conn = exchange->conn;
    exchange->task = task;
    exchange->conn->task_count++;
}

void gch__exchange_run(gch__exchange *exchange, gch__task *task)
{
    gch__exchange_wait(exchange, task);
    gch__jobs_submit(exchange->conn->server->jobs, &task->job);
}

gch__exchange *gch__task_end(gch__task *task)
{
    gch__exchange *exchange = task->exchange;
    task->conn->task_count--;
    if (exchange != NULL)
        exchange->task = NULL;
    return exchange;
}

/* The Date field (RFC 9110, 6.6.1), formatted once a second. */
static const char *date_text(gch_server *server)
{
    struct tm parts;
    time_t now = time(NULL);
    if (now == server->date_s)
        return server->date;
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    gmtime_r(&now, &parts);
    snprintf(server->date, sizeof server->date, "%s, %02d %s %d %02d:%02d:%02d GMT",
             days[parts.tm_wday], parts.tm_mday, months[parts.tm_mon], parts.tm_year + 1900,
             parts.tm_hour, parts.tm_min, parts.tm_sec);
    server->date_s = now;
    return server->date;
}

void gch__exchange_answered(gch__exchange *exchange)
{
    if (exchange->answer_field_count > 0 && exchange->answer.left == exchange->answer.total)
        gch__answer_add(exchange, "date", "%s", date_text(exchange->conn->server));
    exchange->conn->protocol->answered(exchange);
    gch__conn_wake(exchange->conn);
}

/* ---- the disk ---- */

#define AHEAD_BYTES ((uint64_t)1 << 20)

typedef struct disk_task {
    gch__task task; /* first: the job is cast back */
    gch__dataset *file;
    uint64_t offset;
} disk_task;

/* Reading is what brings the bytes into the page cache; they are read again from there. */
static void disk_run(gch__job *job)
{
    disk_task *disk = (disk_task *)(void *)job;
    uint8_t bytes[16384];
    for (uint64_t done = 0; done < AHEAD_BYTES && !atomic_load(&job->is_cancelled);) {
        ssize_t got = pread(disk->file->fd, bytes, sizeof bytes, (off_t)(disk->offset + done));
        if (got <= 0)
            return; /* the answer will see it, too */
        done += (uint64_t)got;
    }
}

static void disk_finish(gch__job *job)
{
    disk_task *disk = (disk_task *)(void *)job;
    const gch_allocator *allocator = disk->file->allocator;
    gch__exchange *exchange = gch__task_end(&disk->task);
    gch__dataset_release(disk->file);
    gch__free(allocator, disk, "disk task");
    if (exchange != NULL)
        gch__exchange_answered(exchange);
}

bool gch__exchange_wait_for_disk(gch__exchange *exchange)
{
    gch_server *server = exchange->conn->server;
    disk_task *disk = gch__alloc_zero(server->allocator, 1, sizeof *disk, "disk task");
    if (disk == NULL)
        return false;
    disk->task.job.run = disk_run;
    disk->task.job.finish = disk_finish;
    disk->file = exchange->answer.file;
    disk->offset = gch__body_next_offset(&exchange->answer);
    gch__dataset_hold(disk->file);
    server->metrics.disk_waits++;
    gch__exchange_run(exchange, &disk->task);
    return true;
}
