/* A live series of a data server as a live source here (gch/remote.h).
 *
 * The series is described by the server, a live source with the same columns is opened, and a
 * follower appends to it from its own thread.
 *
 * Invariants:
 *  1. Rows are appended in the order of the series and each once; the first failure ends that, so
 *     that the source never has a hole nobody knows of.
 *  2. Rows that the server can only sum up become a gap, and the last values of them.
 *  3. All rows that the source has are of one series: when that was made anew, the old ones go
 *     first. One with other columns ends it, and the old rows stay.
 */
#include "gch/follow.h"
#include "gch/live.h"
#include "gch/remote.h"
#include "net_place.h"
#include "net_state.h"

#include <cjson/cJSON.h>
#include <string.h>

#define DESCRIPTION_CAP (4u << 20)

struct gch_remote_live {
    const gch_allocator *allocator;
    gch_data *data;
    gch_source source;
    bool is_open; /* the source */
    gch_follow *follow;
    cJSON *description; /* that the source was made of; the columns' texts are its */
    gch_time_unit time_unit;
    gch_column_desc *columns;
    uint32_t column_count;
    gch__live_appender appender;

    pthread_mutex_t lock; /* for what follows */
    bool is_connected;
    uint64_t gap_count; /* since the last restart */
    gch_error failure;  /* the first; GCH_OK: none */
    gch_error lost;     /* why the connection is gone */
};

/* ---- descriptions ---- */

static const char *text_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

static gch_status read_unit(const cJSON *json, gch_time_unit *out, gch_error *err)
{
    const char *unit = text_of(json, "time_unit");
    if (unit == NULL || !gch_time_unit_parse(unit, out))
        return gch_fail(err, GCH_CORRUPT, "the live series has no time unit");
    return GCH_OK;
}

static gch_status count_columns(const cJSON *columns, uint32_t *out, gch_error *err)
{
    int count = cJSON_IsArray(columns) ? cJSON_GetArraySize(columns) : 0;
    if (count < 1 || (uint32_t)count > GCH__LIVE_FRAME_COLUMNS)
        return gch_fail(err, GCH_CORRUPT, "the live series has %d columns", count);
    *out = (uint32_t)count;
    return GCH_OK;
}

/* The texts stay the JSON's. */
static gch_status read_column(const cJSON *json, uint32_t index, gch_column_desc *out,
                              gch_error *err)
{
    const char *type = text_of(json, "type");
    *out = (gch_column_desc){.name = text_of(json, "name"), .unit = text_of(json, "unit")};
    if (out->name == NULL || type == NULL || !gch_type_parse(type, &out->type))
        return gch_fail(err, GCH_CORRUPT, "column %u of the live series is none", index + 1);
    return GCH_OK;
}

static gch_status read_columns(gch_remote_live *live, const cJSON *json, gch_error *err)
{
    const cJSON *columns = cJSON_GetObjectItemCaseSensitive(json, "columns"), *item;
    uint32_t count;
    GCH_TRY(count_columns(columns, &count, err));
    live->columns = gch__alloc_zero(live->allocator, count, sizeof *live->columns, "live rows");
    if (live->columns == NULL)
        return gch__no_memory(err, "live rows");
    cJSON_ArrayForEach(item, columns)
    {
        GCH_TRY(read_column(item, live->column_count, &live->columns[live->column_count], err));
        live->column_count++;
    }
    return GCH_OK;
}

static bool is_same_text(const char *a, const char *b)
{
    return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

static bool is_same_column(const gch_column_desc *a, const gch_column_desc *b)
{
    return a->type == b->type && is_same_text(a->name, b->name) && is_same_text(a->unit, b->unit);
}

/* GCH_IO: the source is made of other columns. */
static gch_status compare(const gch_remote_live *live, const cJSON *json, gch_error *err)
{
    const cJSON *columns = cJSON_GetObjectItemCaseSensitive(json, "columns"), *item;
    gch_time_unit unit;
    uint32_t count, c = 0;
    GCH_TRY(read_unit(json, &unit, err));
    GCH_TRY(count_columns(columns, &count, err));
    bool is_same = unit == live->time_unit && count == live->column_count;
    cJSON_ArrayForEach(item, columns)
    {
        gch_column_desc column;
        GCH_TRY(read_column(item, c, &column, err));
        is_same = is_same && is_same_column(&column, &live->columns[c]);
        c++;
    }
    return is_same ? GCH_OK
                   : gch_fail(err, GCH_IO,
                              "the live series was made anew on its server, with other columns; "
                              "open it again");
}

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

static void take_rows(void *context, const gch_follow_rows *rows)
{
    gch_remote_live *live = context;
    gch_error err;
    if (!has_failed(live))
        note_failure(live, gch__live_append_rows(&live->appender, rows, &err), &err);
}

static void take_summary(void *context, const gch_follow_summary *summary)
{
    gch_remote_live *live = context;
    gch_error err;
    if (has_failed(live))
        return;
    gch_status status = gch__live_append_summary(&live->appender, summary, &err);
    note_failure(live, status, &err);
    pthread_mutex_lock(&live->lock);
    live->gap_count += status == GCH_OK;
    pthread_mutex_unlock(&live->lock);
}

/* Whether rows of the series that a connection brings can go on in the source. */
static bool can_go_on(gch_remote_live *live, const char *text, size_t count)
{
    gch_error err;
    cJSON *json = cJSON_ParseWithLength(text, count);
    note_failure(live, compare(live, json, &err), &err);
    cJSON_Delete(json);
    return !has_failed(live);
}

static void take_restart(void *context, const char *text, size_t count)
{
    gch_remote_live *live = context;
    gch_error err;
    if (!can_go_on(live, text, count))
        return;
    note_failure(live, gch_live_clear(live->data, live->source, &err), &err);
    pthread_mutex_lock(&live->lock);
    live->gap_count = 0;
    pthread_mutex_unlock(&live->lock);
}

static void take_hello(void *context, const char *text, size_t count)
{
    gch_remote_live *live = context;
    if (!can_go_on(live, text, count))
        return;
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

/* ---- opening and closing ---- */

static gch_status open_source(gch_remote_live *live, const gch_remote_live_desc *desc,
                              gch_error *err)
{
    GCH_TRY(read_unit(live->description, &live->time_unit, err));
    GCH_TRY(read_columns(live, live->description, err));
    gch_writer_desc rows = {.source = desc->url,
                            .time_unit = live->time_unit,
                            .columns = live->columns,
                            .column_count = live->column_count};
    gch_live_desc source = {.rows = &rows,
                            .name = desc->url,
                            .keep_rows = desc->keep_rows,
                            .keep_ticks = desc->keep_ticks,
                            .keep_bytes = desc->keep_bytes};
    GCH_TRY(gch_live_open(live->data, &source, &live->source, err));
    live->is_open = true;
    return gch__live_appender_init(&live->appender, live->data, live->source, live->columns,
                                   live->column_count, live->allocator, err);
}

static gch_status start_follower(gch_remote_live *live, gch_http *http,
                                 const gch_remote_live_desc *desc, gch_error *err)
{
    const cJSON *first = cJSON_GetObjectItemCaseSensitive(live->description, "first_sequence");
    const char *id = text_of(live->description, "id");
    if (!cJSON_IsNumber(first) || !(first->valuedouble >= 1 && first->valuedouble < 0x1p53))
        return gch_fail(err, GCH_CORRUPT, "the live series has no first sequence number");
    gch_follow_desc follow = {.url = desc->url,
                              .token = desc->token,
                              .ca_file = http->ca_file,
                              .has_after = true,
                              .after = (uint64_t)first->valuedouble - 1,
                              .series_id = id != NULL ? id : "",
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
    gch_remote_live *live = gch__alloc_zero(http->allocator, 1, sizeof *live, "live");
    if (live == NULL)
        return gch__no_memory(err, "live");
    live->allocator = http->allocator;
    live->data = data;
    pthread_mutex_init(&live->lock, NULL);
    gch_status status = gch_http_fetch(http, &request, NULL, &response, err);
    if (status == GCH_OK) {
        live->description = cJSON_ParseWithLength((const char *)response.body, response.body_bytes);
        if (live->description == NULL)
            status = gch_fail(err, GCH_CORRUPT, "%.200s: not a live series", desc->url);
    }
    if (status == GCH_OK)
        status = open_source(live, desc, err);
    if (status == GCH_OK)
        status = start_follower(live, http, desc, err);
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
    cJSON_Delete(live->description);
    gch__live_appender_reset(&live->appender);
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
