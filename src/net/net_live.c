/* A live series of a data server as a live source here (gch/remote.h).
 *
 * The series is described by the server, a live source with the same columns is opened, and a
 * follower appends to it from its own thread.
 *
 * Invariants:
 *  1. Rows are appended in the order of the series and each once; the first failure ends that, so
 *     that the source never has a hole nobody knows of.
 *  2. Rows that the server can only sum up become a gap, and the last values of them.
 */
#include "gch/follow.h"
#include "gch/live.h"
#include "gch/remote.h"
#include "net_state.h"

#include <cjson/cJSON.h>
#include <string.h>

#define DESCRIPTION_CAP (4u << 20)
#define COLUMN_CAP 1024u

struct gch_remote_live {
    const gch_allocator *allocator;
    gch_data *data;
    gch_source source;
    bool is_open; /* the source */
    gch_follow *follow;
    gch_column_desc *columns;
    uint32_t column_count;
    gch_column_data *values; /* of one append */
    gch__buffer validity;    /* moved to bit 0 */

    pthread_mutex_t lock; /* for what follows */
    bool is_connected;
    uint64_t gap_count;
    gch_error failure; /* the first; GCH_OK: none */
    gch_error lost;    /* why the connection is gone */
};

/* ---- rows, on the follower's thread ---- */

static bool has_failed(gch_remote_live *live)
{
    pthread_mutex_lock(&live->lock);
    bool failed = live->failure.status != GCH_OK;
    pthread_mutex_unlock(&live->lock);
    return failed;
}

static void note_failure(gch_remote_live *live, gch_status status, const gch_error *err)
{
    pthread_mutex_lock(&live->lock);
    if (status != GCH_OK && live->failure.status == GCH_OK)
        live->failure = *err;
    pthread_mutex_unlock(&live->lock);
}

/* The validity of a column, from its bit 0 on. */
static gch_status move_bits(gch_remote_live *live, const gch_follow_column *column,
                            uint32_t row_count, size_t *out_at, gch_error *err)
{
    size_t count = ((size_t)row_count + 7) / 8;
    uint8_t *bits = gch__buffer_reserve(&live->validity, count);
    if (bits == NULL)
        return gch__no_memory(err, "live rows");
    memset(bits, 0, count);
    for (uint32_t row = 0; row < row_count; row++) {
        uint64_t bit = (uint64_t)column->first_bit + row;
        if ((column->validity[bit / 8] >> (bit % 8) & 1) != 0)
            bits[row / 8] |= (uint8_t)(1u << (row % 8));
    }
    *out_at = live->validity.count;
    live->validity.count += count;
    return GCH_OK;
}

static gch_status append_rows(gch_remote_live *live, const gch_follow_rows *rows, gch_error *err)
{
    size_t at[COLUMN_CAP];
    if (rows->column_count != live->column_count)
        return gch_fail(err, GCH_CORRUPT, "live rows have %u columns, the series %u",
                        rows->column_count, live->column_count);
    live->validity.count = 0;
    for (uint32_t c = 0; c < rows->column_count; c++) {
        const gch_follow_column *column = &rows->columns[c];
        if (column->type != live->columns[c].type)
            return gch_fail(err, GCH_CORRUPT, "live rows: column %u is %s, the series has %s",
                            c + 1, gch_type_name(column->type),
                            gch_type_name(live->columns[c].type));
        live->values[c] = (gch_column_data){.values = column->values, .validity = column->validity};
        if (column->validity != NULL && column->first_bit != 0)
            GCH_TRY(move_bits(live, column, rows->row_count, &at[c], err));
    }
    for (uint32_t c = 0; c < rows->column_count; c++) { /* the buffer moves no more */
        if (rows->columns[c].validity != NULL && rows->columns[c].first_bit != 0)
            live->values[c].validity = live->validity.bytes + at[c];
    }
    return gch_live_append(live->data, live->source, rows->times, live->values, rows->row_count,
                           err);
}

static void take_rows(void *context, const gch_follow_rows *rows)
{
    gch_remote_live *live = context;
    gch_error err;
    if (!has_failed(live))
        note_failure(live, append_rows(live, rows, &err), &err);
}

/* A number as a column has it; false if it has no such number. */
static bool put_number(gch_type type, double number, void *out)
{
#define PUT(TYPE, c_type, low, high)                                                               \
    case TYPE:                                                                                     \
        if (!(number >= (low) && number < (high)))                                                 \
            return false;                                                                          \
        *(c_type *)out = (c_type)number;                                                           \
        return true;
    switch (type) {
        PUT(GCH_TYPE_I8, int8_t, -0x1p7, 0x1p7)
        PUT(GCH_TYPE_U8, uint8_t, 0, 0x1p8)
        PUT(GCH_TYPE_I16, int16_t, -0x1p15, 0x1p15)
        PUT(GCH_TYPE_U16, uint16_t, 0, 0x1p16)
        PUT(GCH_TYPE_I32, int32_t, -0x1p31, 0x1p31)
        PUT(GCH_TYPE_U32, uint32_t, 0, 0x1p32)
        PUT(GCH_TYPE_I64, int64_t, -0x1p63, 0x1p63)
    case GCH_TYPE_F32:
        *(float *)out = (float)number;
        return true;
    case GCH_TYPE_F64:
        *(double *)out = number;
        return true;
    default:
        return false;
    }
#undef PUT
}

/* A gap at the first time and the last values at the last. */
static gch_status append_summary(gch_remote_live *live, const gch_follow_summary *summary,
                                 gch_error *err)
{
    int64_t times[2] = {summary->first_time, summary->last_time};
    if (summary->column_count != live->column_count)
        return gch_fail(err, GCH_CORRUPT, "a live summary has %u columns, the series %u",
                        summary->column_count, live->column_count);
    /* A column takes 16 bytes for two values, and 8 for their validity. */
    live->validity.count = 0;
    uint64_t *room = gch__buffer_reserve(&live->validity, (size_t)live->column_count * 24);
    if (room == NULL)
        return gch__no_memory(err, "live rows");
    memset(room, 0, (size_t)live->column_count * 24);
    for (uint32_t c = 0; c < live->column_count; c++, room += 3) {
        const gch_follow_sum *sum = &summary->columns[c];
        gch_type type = live->columns[c].type;
        uint8_t *last = (uint8_t *)room + gch_type_bytes(type);
        uint8_t *bits = (uint8_t *)(room + 2);
        if (sum->count > 0 && put_number(type, sum->last, last))
            *bits = 2;
        live->values[c] = (gch_column_data){.values = room, .validity = bits};
    }
    return gch_live_append(live->data, live->source, times, live->values, 2, err);
}

static void take_summary(void *context, const gch_follow_summary *summary)
{
    gch_remote_live *live = context;
    gch_error err;
    if (has_failed(live))
        return;
    gch_status status = append_summary(live, summary, &err);
    note_failure(live, status, &err);
    pthread_mutex_lock(&live->lock);
    live->gap_count += status == GCH_OK;
    pthread_mutex_unlock(&live->lock);
}

static void take_restart(void *context)
{
    gch_error err;
    gch_status status =
        gch_fail(&err, GCH_CANCELLED, "the live series was made anew; open it again");
    note_failure(context, status, &err);
}

static void take_hello(void *context, const char *text, size_t count)
{
    gch_remote_live *live = context;
    (void)text, (void)count;
    pthread_mutex_lock(&live->lock);
    live->is_connected = true;
    live->lost = (gch_error){0};
    pthread_mutex_unlock(&live->lock);
}

static void take_loss(void *context, const gch_error *err, bool is_final)
{
    gch_remote_live *live = context;
    pthread_mutex_lock(&live->lock);
    live->is_connected = false;
    live->lost = *err;
    pthread_mutex_unlock(&live->lock);
    if (is_final)
        note_failure(live, err->status, err);
}

/* ---- the description ---- */

static const char *text_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

/* The texts stay the JSON's. */
static gch_status read_columns(gch_remote_live *live, const cJSON *json, gch_error *err)
{
    const cJSON *columns = cJSON_GetObjectItemCaseSensitive(json, "columns"), *item;
    int count = cJSON_IsArray(columns) ? cJSON_GetArraySize(columns) : 0;
    if (count < 1 || (uint32_t)count > COLUMN_CAP)
        return gch_fail(err, GCH_CORRUPT, "the live series has %d columns", count);
    live->columns =
        gch__alloc_zero(live->allocator, (size_t)count, sizeof *live->columns, "live rows");
    live->values =
        gch__alloc_zero(live->allocator, (size_t)count, sizeof *live->values, "live rows");
    if (live->columns == NULL || live->values == NULL)
        return gch__no_memory(err, "live rows");
    cJSON_ArrayForEach(item, columns)
    {
        gch_column_desc *column = &live->columns[live->column_count++];
        const char *type = text_of(item, "type");
        *column = (gch_column_desc){.name = text_of(item, "name"), .unit = text_of(item, "unit")};
        if (column->name == NULL || type == NULL || !gch_type_parse(type, &column->type))
            return gch_fail(err, GCH_CORRUPT, "column %u of the live series is none",
                            live->column_count);
    }
    return GCH_OK;
}

static gch_status open_source(gch_remote_live *live, const gch_remote_live_desc *desc,
                              const cJSON *json, gch_error *err)
{
    const char *unit = text_of(json, "time_unit");
    gch_writer_desc rows = {.source = desc->url};
    if (unit == NULL || !gch_time_unit_parse(unit, &rows.time_unit))
        return gch_fail(err, GCH_CORRUPT, "the live series has no time unit");
    GCH_TRY(read_columns(live, json, err));
    rows.columns = live->columns;
    rows.column_count = live->column_count;
    gch_live_desc source = {.rows = &rows,
                            .name = desc->url,
                            .keep_rows = desc->keep_rows,
                            .keep_ticks = desc->keep_ticks,
                            .keep_bytes = desc->keep_bytes};
    GCH_TRY(gch_live_open(live->data, &source, &live->source, err));
    live->is_open = true;
    return GCH_OK;
}

static gch_status start_follower(gch_remote_live *live, gch_http *http,
                                 const gch_remote_live_desc *desc, const cJSON *json,
                                 gch_error *err)
{
    const cJSON *first = cJSON_GetObjectItemCaseSensitive(json, "first_sequence");
    if (!cJSON_IsNumber(first) || !(first->valuedouble >= 1 && first->valuedouble < 0x1p53))
        return gch_fail(err, GCH_CORRUPT, "the live series has no first sequence number");
    gch_follow_desc follow = {.url = desc->url,
                              .token = desc->token,
                              .ca_file = http->ca_file,
                              .has_after = true,
                              .after = (uint64_t)first->valuedouble - 1,
                              .rate = desc->rate,
                              .backoff_ms = desc->backoff_ms,
                              .backoff_cap_ms = desc->backoff_cap_ms,
                              .on_hello = take_hello,
                              .on_rows = take_rows,
                              .on_summary = take_summary,
                              .on_restart = take_restart,
                              .on_lost = take_loss,
                              .context = live,
                              .allocator = live->allocator};
    return gch_follow_open(&follow, &live->follow, err);
}

gch_status gch_remote_live_open(gch_data *data, gch_http *http, const gch_remote_live_desc *desc,
                                gch_remote_live **out, gch_error *err)
{
    gch_http_response response = {0};
    gch_http_request request = {
        .url = desc->url, .token = desc->token, .body_cap = DESCRIPTION_CAP};
    cJSON *json = NULL;
    gch_remote_live *live = gch__alloc_zero(http->allocator, 1, sizeof *live, "live");
    if (live == NULL)
        return gch__no_memory(err, "live");
    live->allocator = http->allocator;
    live->data = data;
    live->validity = (gch__buffer){.allocator = http->allocator, .purpose = "live rows"};
    pthread_mutex_init(&live->lock, NULL);
    gch_status status = gch_http_fetch(http, &request, NULL, &response, err);
    if (status == GCH_OK) {
        json = cJSON_ParseWithLength((const char *)response.body, response.body_bytes);
        if (json == NULL)
            status = gch_fail(err, GCH_CORRUPT, "%.200s: not a live series", desc->url);
    }
    if (status == GCH_OK)
        status = open_source(live, desc, json, err);
    if (status == GCH_OK)
        status = start_follower(live, http, desc, json, err);
    for (uint32_t c = 0; c < live->column_count; c++) /* they end with the JSON */
        live->columns[c].name = live->columns[c].unit = NULL;
    cJSON_Delete(json);
    gch_http_response_reset(http, &response);
    if (status != GCH_OK) {
        gch_remote_live_close(live);
        return status;
    }
    *out = live;
    return GCH_OK;
}

void gch_remote_live_close(gch_remote_live *live)
{
    if (live == NULL)
        return;
    gch_follow_close(live->follow);
    if (live->is_open)
        (void)!gch_live_close(live->data, live->source, NULL); /* has no file that could fail */
    gch__free(live->allocator, live->columns, "live rows");
    gch__free(live->allocator, live->values, "live rows");
    gch__buffer_reset(&live->validity);
    pthread_mutex_destroy(&live->lock);
    gch__free(live->allocator, live, "live");
}

gch_source gch_remote_live_get_source(const gch_remote_live *live)
{
    return live->source;
}

void gch_remote_live_get_stats(gch_remote_live *live, gch_remote_live_stats *out)
{
    *out = (gch_remote_live_stats){0};
    gch_follow_get_stats(live->follow, &out->follow);
    pthread_mutex_lock(&live->lock);
    out->is_connected = live->is_connected;
    out->gap_count = live->gap_count;
    out->error = live->failure.status != GCH_OK ? live->failure : live->lost;
    out->is_final = live->failure.status != GCH_OK;
    pthread_mutex_unlock(&live->lock);
}
