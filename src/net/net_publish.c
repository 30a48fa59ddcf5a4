/* The publisher of a live series (gch/publish.h).
 *
 * Rows wait in one buffer a column. When no batch is under way all of them become a frame
 * (docs/protocol.md, "Frames"), which is kept until it is acknowledged.
 *
 * Invariants:
 *  1. One frame is under way at most, and the next one gets its number only when that is
 *     acknowledged: so whatever is sent twice is the last one the server has seen.
 *  2. The lock guards all but the settings; gch_ws_send may be called under it, callbacks take it.
 */
#include "gch/decimal.h"
#include "gch/publish.h"
#include "net_state.h"
#include "net_url.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define PURPOSE "publish"
#define PROTOCOL "gch.live.1"
#define COLUMN_CAP 256u
#define QUEUE_CAP (4u << 20)
#define QUEUE_MAX (64u << 20)
#define DESCRIPTION_CAP (4u << 20)

typedef struct frame_head {
    char magic[4];
    uint16_t version, kind;
    uint32_t byte_count, row_count;
    uint64_t sequence, first_row, publisher, publisher_sequence;
    uint32_t column_count, zero;
} frame_head;
static_assert(sizeof(frame_head) == 56, "docs/protocol.md, \"Frames\"");

typedef struct column {
    gch_type type;      /* as given */
    gch_type wire_type; /* as sent */
    gch__buffer values; /* of the rows that wait */
    gch__buffer bits;   /* their validity, a bit a row */
    bool has_gaps;
} column;

struct gch_publish {
    const gch_allocator *allocator;
    gch_ws *ws;
    gch_time_unit time_unit;
    uint64_t publisher;
    size_t queue_cap, row_bytes;
    uint32_t column_count;
    column *columns;

    pthread_mutex_t lock;
    pthread_cond_t changed; /* acknowledged, or failed */
    gch__buffer times;
    size_t waiting_rows;
    bool has_time;
    int64_t last_time;
    gch__buffer frame; /* under way */
    uint32_t frame_rows;
    bool is_under_way, is_open; /* the connection */
    uint64_t sequence;          /* of the frame under way, or the last one */
    uint64_t rows, acknowledged_rows, batches, repeated_batches, known_batches;
    gch_error failure, lost;
};

/* ---- frames ---- */

static bool put_zeros(gch__buffer *out, size_t multiple)
{
    static const uint8_t zeros[8];
    size_t rest = out->count % multiple;
    return rest == 0 || gch__buffer_append(out, zeros, multiple - rest);
}

static bool put_head(gch_publish *p)
{
    const frame_head head = {.magic = {'G', 'C', 'H', 'L'},
                             .version = 1,
                             .kind = 1,
                             .row_count = (uint32_t)p->waiting_rows,
                             .publisher = p->publisher,
                             .publisher_sequence = p->sequence + 1,
                             .column_count = p->column_count};
    return gch__buffer_append(&p->frame, &head, sizeof head);
}

static bool put_column(gch__buffer *out, const column *c)
{
    const uint8_t head[8] = {(uint8_t)c->wire_type, c->has_gaps};
    return gch__buffer_append(out, head, sizeof head) &&
           gch__buffer_append(out, c->values.bytes, c->values.count) && put_zeros(out, 8) &&
           (!c->has_gaps ||
            (gch__buffer_append(out, c->bits.bytes, c->bits.count) && put_zeros(out, 8)));
}

/* All rows that wait, as a frame. */
static gch_status build_frame(gch_publish *p, gch_error *err)
{
    p->frame.count = 0;
    bool is_put = put_head(p) && gch__buffer_append(&p->frame, p->times.bytes, p->times.count);
    for (uint32_t c = 0; c < p->column_count; c++)
        is_put = is_put && put_column(&p->frame, &p->columns[c]);
    if (!is_put)
        return gch__no_memory(err, PURPOSE);
    const uint32_t count = (uint32_t)p->frame.count;
    memcpy(p->frame.bytes + offsetof(frame_head, byte_count), &count, sizeof count);
    p->frame_rows = (uint32_t)p->waiting_rows;
    p->waiting_rows = 0;
    p->times.count = 0;
    for (uint32_t c = 0; c < p->column_count; c++) {
        p->columns[c].values.count = p->columns[c].bits.count = 0;
        p->columns[c].has_gaps = false;
    }
    p->sequence++;
    p->is_under_way = true;
    return GCH_OK;
}

static void fail_for_good(gch_publish *p, const gch_error *err)
{
    if (p->failure.status == GCH_OK)
        p->failure = *err;
    pthread_cond_broadcast(&p->changed);
}

/* Sends the frame under way. */
static void send_frame(gch_publish *p)
{
    gch_error err;
    gch_status status = gch_ws_send(p->ws, GCH_WS_BINARY, p->frame.bytes, p->frame.count, &err);
    if (status == GCH_UNAVAILABLE)
        fail_for_good(p, &err);
    else if (status != GCH_OK) /* no memory: the next connection tries again */
        gch_ws_reconnect(p->ws, false);
}

/* Begins the next batch if there is anything to send and nothing under way. */
static void go_on(gch_publish *p)
{
    gch_error err;
    if (!p->is_open || p->is_under_way || p->waiting_rows == 0 || p->failure.status != GCH_OK)
        return;
    if (build_frame(p, &err) != GCH_OK)
        fail_for_good(p, &err);
    else
        send_frame(p);
}

/* ---- answers, on the connection's thread ---- */

static void note_open(void *context)
{
    gch_publish *p = context;
    gch_ws_stats stats;
    pthread_mutex_lock(&p->lock);
    p->is_open = true;
    p->lost = (gch_error){0};
    gch_ws_get_stats(p->ws, &stats);
    if (p->is_under_way && stats.queued_bytes == 0) { /* else it was not all written, and will be */
        p->repeated_batches++;
        send_frame(p);
    }
    go_on(p);
    pthread_mutex_unlock(&p->lock);
}

static void note_lost(void *context, const gch_error *err, bool is_final)
{
    gch_publish *p = context;
    pthread_mutex_lock(&p->lock);
    p->is_open = false;
    p->lost = *err;
    if (is_final)
        fail_for_good(p, err);
    pthread_mutex_unlock(&p->lock);
}

/* What a refusal says it is; success is none, and "again later" would be tried for ever. */
static gch_status status_of(const cJSON *name)
{
    gch_status status = GCH_IO;
#define X(its, value, text)                                                                        \
    if (cJSON_IsString(name) && strcmp(name->valuestring, "GCH_" #its) == 0)                       \
        status = GCH_##its;
    GCH_STATUS_MAP(X)
#undef X
    return status == GCH_OK || status == GCH_PENDING ? GCH_IO : status;
}

static void take_ack(gch_publish *p, const cJSON *json)
{
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(json, "sequence");
    p->is_under_way = false;
    p->acknowledged_rows += p->frame_rows;
    p->batches++;
    p->known_batches += cJSON_IsNumber(number) && number->valuedouble == 0;
    pthread_cond_broadcast(&p->changed);
    go_on(p);
}

/* Nothing of the batch was taken. */
static void take_refusal(gch_publish *p, const cJSON *json)
{
    const cJSON *message = cJSON_GetObjectItemCaseSensitive(json, "message");
    gch_status status = status_of(cJSON_GetObjectItemCaseSensitive(json, "status"));
    gch_error err;
    (void)!gch_fail(&err, status, "refused by the server: %s",
                    cJSON_IsString(message) ? message->valuestring : "it does not say why");
    if (status == GCH_UNAVAILABLE || status == GCH_NO_MEMORY) {
        p->lost = err;
        p->is_open = false;
        gch_ws_reconnect(p->ws, false); /* which waits, longer each time */
    } else {
        fail_for_good(p, &err);
    }
}

static void take_message(void *context, gch_ws_kind kind, const uint8_t *bytes, size_t count)
{
    gch_publish *p = context;
    if (kind != GCH_WS_TEXT)
        return;
    cJSON *json = cJSON_ParseWithLength((const char *)bytes, count);
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(json, "type");
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(json, "publisher_sequence");
    const char *text = cJSON_IsString(type) ? type->valuestring : "";
    double of = cJSON_IsNumber(number) ? number->valuedouble : 0;
    pthread_mutex_lock(&p->lock);
    if (p->is_under_way && strcmp(text, "ack") == 0 && of == (double)p->sequence)
        take_ack(p, json);
    else if (p->is_under_way && strcmp(text, "error") == 0 &&
             (of == 0 || of == (double)p->sequence))
        take_refusal(p, json);
    pthread_mutex_unlock(&p->lock);
    cJSON_Delete(json);
}

/* ---- rows ---- */

static size_t bitmap_bytes(size_t rows)
{
    return (rows + 7) / 8;
}

/* Every buffer gets its room before any row is taken, so that all or none are. */
static gch_status make_room(gch_publish *p, size_t rows, gch_error *err)
{
    bool has_room = gch__buffer_reserve(&p->times, rows * sizeof(int64_t)) != NULL;
    for (uint32_t c = 0; c < p->column_count && has_room; c++) {
        column *to = &p->columns[c];
        size_t bits = bitmap_bytes(p->waiting_rows + rows) - to->bits.count;
        has_room = gch__buffer_reserve(&to->values, rows * gch_type_bytes(to->wire_type)) != NULL &&
                   gch__buffer_reserve(&to->bits, bits + 1) != NULL;
    }
    return has_room ? GCH_OK : gch__no_memory(err, PURPOSE);
}

static double number_of(const gch_column_data *data, size_t row)
{
    double number;
    int64_t digits;
    memcpy(&digits, (const uint8_t *)data->values + row * sizeof digits, sizeof digits);
    int8_t scale = data->scales != NULL ? data->scales[row] : 0;
    if (scale == GCH_SCALE_F64) {
        memcpy(&number, &digits, sizeof number);
        return number;
    }
    return gch_decimal_to_double((gch_decimal){.digits = digits, .exp10 = -scale});
}

static void add_values(column *to, const gch_column_data *data, size_t rows)
{
    uint8_t *out = to->values.bytes + to->values.count;
    size_t bytes = rows * gch_type_bytes(to->wire_type);
    if (to->type != GCH_TYPE_DECIMAL) {
        memcpy(out, data->values, bytes);
    } else {
        for (size_t row = 0; row < rows; row++) {
            double number = number_of(data, row);
            memcpy(out + row * sizeof number, &number, sizeof number);
        }
    }
    to->values.count += bytes;
}

static void add_bits(column *to, const gch_column_data *data, size_t at, size_t rows)
{
    size_t end = bitmap_bytes(at + rows);
    memset(to->bits.bytes + to->bits.count, 0, end - to->bits.count);
    to->bits.count = end;
    for (size_t row = 0; row < rows; row++) {
        bool is_there = data->validity == NULL || (data->validity[row / 8] >> (row % 8) & 1) != 0;
        to->bits.bytes[(at + row) / 8] |= (uint8_t)((unsigned)is_there << ((at + row) % 8));
        to->has_gaps |= !is_there;
    }
}

static gch_status check_times(const gch_publish *p, const int64_t *times, size_t rows,
                              gch_error *err)
{
    if (times == NULL && p->time_unit != GCH_TIME_INDEX)
        return gch_fail(err, GCH_INVALID, "times: only rows of an index go without");
    for (size_t row = 0; times != NULL && row < rows; row++) {
        if (row > 0 ? times[row] < times[row - 1] : p->has_time && times[0] < p->last_time)
            return gch_fail(err, GCH_UNSORTED, "row %zu is earlier than the one before", row);
    }
    return GCH_OK;
}

static void add_times(gch_publish *p, const int64_t *times, size_t rows)
{
    int64_t *out = (int64_t *)(void *)(p->times.bytes + p->times.count);
    for (size_t row = 0; row < rows; row++)
        out[row] = times != NULL ? times[row] : (int64_t)(p->rows + row);
    p->times.count += rows * sizeof *out;
    p->last_time = out[rows - 1];
    p->has_time = true;
}

static gch_status add_rows(gch_publish *p, const int64_t *times, const gch_column_data *columns,
                           size_t rows, gch_error *err)
{
    if (p->failure.status != GCH_OK) {
        if (err != NULL)
            *err = p->failure;
        return p->failure.status;
    }
    size_t cap = p->queue_cap / p->row_bytes;
    if (rows > cap)
        return gch_fail(err, GCH_LIMIT, "%zu rows at once, at most %zu are taken", rows, cap);
    GCH_TRY(check_times(p, times, rows, err));
    if (rows > cap - p->waiting_rows)
        return gch_fail(err, GCH_PENDING, "%zu rows wait to be sent", p->waiting_rows);
    GCH_TRY(make_room(p, rows, err));
    add_times(p, times, rows);
    for (uint32_t c = 0; c < p->column_count; c++) {
        add_values(&p->columns[c], &columns[c], rows);
        add_bits(&p->columns[c], &columns[c], p->waiting_rows, rows);
    }
    p->waiting_rows += rows;
    p->rows += rows;
    go_on(p);
    return GCH_OK;
}

gch_status gch_publish_rows(gch_publish *p, const int64_t *times, const gch_column_data *columns,
                            size_t row_count, gch_error *err)
{
    if (row_count == 0)
        return GCH_OK;
    pthread_mutex_lock(&p->lock);
    gch_status status = add_rows(p, times, columns, row_count, err);
    pthread_mutex_unlock(&p->lock);
    return status;
}

gch_status gch_publish_wait(gch_publish *p, uint32_t timeout_ms, gch_error *err)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + (int64_t)(timeout_ms % 1000) * 1000000;
    until.tv_sec += (time_t)(timeout_ms / 1000 + ns / 1000000000);
    until.tv_nsec = ns % 1000000000;
    int waited = 0;
    pthread_mutex_lock(&p->lock);
    while (p->failure.status == GCH_OK && p->rows > p->acknowledged_rows && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&p->changed, &p->lock, &until);
    gch_status status = p->failure.status;
    if (status != GCH_OK && err != NULL)
        *err = p->failure;
    if (status == GCH_OK && p->rows > p->acknowledged_rows)
        status = gch_fail(err, GCH_PENDING, "%llu rows are not acknowledged yet",
                          (unsigned long long)(p->rows - p->acknowledged_rows));
    pthread_mutex_unlock(&p->lock);
    return status;
}

/* ---- making and ending ---- */

static gch_status check_desc(const gch_publish_desc *desc, gch_error *err)
{
    if (desc->url == NULL || strpbrk(desc->url, "?#") != NULL)
        return gch_fail(err, GCH_INVALID, "url: it is missing or has a query");
    if (desc->time_unit == GCH_TIME_DEFAULT)
        return gch_fail(err, GCH_INVALID, "time_unit: it is not given");
    if (desc->column_count == 0 || desc->column_count > COLUMN_CAP)
        return gch_fail(err, GCH_INVALID, "column_count: %u is not within 1 and %u",
                        desc->column_count, COLUMN_CAP);
    for (uint32_t c = 0; c < desc->column_count; c++) {
        if (desc->columns[c].type < GCH_TYPE_I8 || desc->columns[c].type > GCH_TYPE_DECIMAL)
            return gch_fail(err, GCH_INVALID, "columns: the type of column %u is none", c + 1);
        if (strchr(desc->columns[c].name, ':') != NULL)
            return gch_fail(err, GCH_INVALID, "columns: '%.60s': a name has no colon here",
                            desc->columns[c].name);
    }
    if (desc->queue_cap > QUEUE_MAX)
        return gch_fail(err, GCH_INVALID, "queue_cap: %zu is more than %u", desc->queue_cap,
                        QUEUE_MAX);
    return GCH_OK;
}

static gch_type wire_type_of(gch_type type)
{
    return type == GCH_TYPE_DECIMAL ? GCH_TYPE_F64 : type;
}

static gch_status write_url(const gch_publish_desc *desc, gch__buffer *out, gch_error *err)
{
    bool is_put = gch__url_put(out, desc->url) &&
                  gch__url_put_value(out, "?unit=", gch_time_unit_name(desc->time_unit));
    for (uint32_t c = 0; c < desc->column_count; c++) {
        const gch_column_desc *of = &desc->columns[c];
        const char *type = gch_type_name(wire_type_of(of->type));
        is_put = is_put && gch__url_put_value(out, "&column=", of->name) &&
                 gch__url_put_value(out, "%3A", type);
        if (of->unit != NULL && of->unit[0] != '\0')
            is_put = is_put && gch__url_put_value(out, "%3A", of->unit);
    }
    if (desc->keep_rows > 0)
        is_put = is_put &&
                 gch__url_put_number(out, "&keep_rows=%llu", (unsigned long long)desc->keep_rows);
    if (desc->keep_age_s > 0)
        is_put = is_put &&
                 gch__url_put_number(out, "&keep_age=%llu", (unsigned long long)desc->keep_age_s);
    return is_put && gch__buffer_append(out, "", 1) ? GCH_OK : gch__no_memory(err, PURPOSE);
}

/* Makes the series. */
static gch_status create(gch_http *http, const gch_publish_desc *desc, gch_error *err)
{
    gch__buffer url = {.allocator = http->allocator, .purpose = PURPOSE};
    gch_http_response response = {0};
    gch_status status = write_url(desc, &url, err);
    if (status == GCH_OK) {
        gch_http_request request = {.url = (const char *)url.bytes,
                                    .method = GCH_HTTP_PUT,
                                    .token = desc->token,
                                    .body_cap = DESCRIPTION_CAP};
        status = gch_http_fetch(http, &request, NULL, &response, err);
        if (response.http_status == 409)
            status = gch_fail(err, GCH_EXISTS, "%.200s: it exists with other columns", desc->url);
    }
    gch_http_response_reset(http, &response);
    gch__buffer_reset(&url);
    return status;
}

static gch_status make_columns(gch_publish *p, const gch_publish_desc *desc, gch_error *err)
{
    const gch_allocator *allocator = p->allocator;
    p->columns = gch__alloc_zero(allocator, desc->column_count, sizeof *p->columns, PURPOSE);
    if (p->columns == NULL)
        return gch__no_memory(err, PURPOSE);
    p->column_count = desc->column_count;
    p->row_bytes = sizeof(int64_t);
    for (uint32_t c = 0; c < desc->column_count; c++) {
        gch_type type = desc->columns[c].type;
        p->columns[c] = (column){.type = type,
                                 .wire_type = wire_type_of(type),
                                 .values = {.allocator = allocator, .purpose = PURPOSE},
                                 .bits = {.allocator = allocator, .purpose = PURPOSE}};
        p->row_bytes += gch_type_bytes(wire_type_of(type)) + 1; /* its bit, rounded up */
    }
    return GCH_OK;
}

static gch_status connect_to(gch_publish *p, const gch_http *http, const gch_publish_desc *desc,
                             gch_error *err)
{
    gch__buffer url = {.allocator = p->allocator, .purpose = PURPOSE};
    if (!gch__url_put(&url, desc->url) || !gch__buffer_append(&url, "?publish=1", 11)) {
        gch__buffer_reset(&url);
        return gch__no_memory(err, PURPOSE);
    }
    gch_ws_desc ws = {.url = (const char *)url.bytes,
                      .protocol = PROTOCOL,
                      .token = desc->token,
                      .ca_file = http->ca_file,
                      .ping_ms = desc->ping_ms,
                      .pong_ms = desc->pong_ms,
                      .backoff_ms = desc->backoff_ms,
                      .backoff_cap_ms = desc->backoff_cap_ms,
                      .message_cap = DESCRIPTION_CAP,
                      .send_cap = p->queue_cap + ((size_t)64 << 10), /* heads and padding */
                      .on_open = note_open,
                      .on_message = take_message,
                      .on_lost = note_lost,
                      .context = p,
                      .allocator = p->allocator};
    /* on_open may come before the pointer is there. */
    pthread_mutex_lock(&p->lock);
    gch_status status = gch_ws_open(&ws, &p->ws, err);
    pthread_mutex_unlock(&p->lock);
    gch__buffer_reset(&url);
    return status;
}

gch_status gch_publish_open(gch_http *http, const gch_publish_desc *desc, gch_publish **out,
                            gch_error *err)
{
    pthread_condattr_t monotonic;
    GCH_TRY(check_desc(desc, err));
    gch_publish *p = gch__alloc_zero(http->allocator, 1, sizeof *p, PURPOSE);
    if (p == NULL)
        return gch__no_memory(err, PURPOSE);
    p->allocator = http->allocator;
    p->time_unit = desc->time_unit;
    p->queue_cap = desc->queue_cap != 0 ? desc->queue_cap : QUEUE_CAP;
    p->times = (gch__buffer){.allocator = p->allocator, .purpose = PURPOSE};
    p->frame = (gch__buffer){.allocator = p->allocator, .purpose = PURPOSE};
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&p->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    gch_status status = GCH_OK;
    if (getrandom(&p->publisher, sizeof p->publisher, 0) != sizeof p->publisher)
        status = gch_fail(err, GCH_IO, "the system has no random numbers");
    p->publisher |= 1; /* 0 is none */
    if (status == GCH_OK)
        status = make_columns(p, desc, err);
    if (status == GCH_OK)
        status = create(http, desc, err);
    if (status == GCH_OK)
        status = connect_to(p, http, desc, err);
    if (status != GCH_OK) {
        gch_publish_close(p);
        return status;
    }
    *out = p;
    return GCH_OK;
}

void gch_publish_close(gch_publish *p)
{
    if (p == NULL)
        return;
    gch_ws_close(p->ws);
    for (uint32_t c = 0; c < p->column_count; c++) {
        gch__buffer_reset(&p->columns[c].values);
        gch__buffer_reset(&p->columns[c].bits);
    }
    gch__free(p->allocator, p->columns, PURPOSE);
    gch__buffer_reset(&p->times);
    gch__buffer_reset(&p->frame);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    gch__free(p->allocator, p, PURPOSE);
}

void gch_publish_get_stats(gch_publish *p, gch_publish_stats *out)
{
    *out = (gch_publish_stats){0};
    gch_ws_get_stats(p->ws, &out->ws);
    pthread_mutex_lock(&p->lock);
    out->rows = p->rows;
    out->acknowledged_rows = p->acknowledged_rows;
    out->batches = p->batches;
    out->repeated_batches = p->repeated_batches;
    out->known_batches = p->known_batches;
    out->error = p->failure.status != GCH_OK ? p->failure : p->lost;
    pthread_mutex_unlock(&p->lock);
}
