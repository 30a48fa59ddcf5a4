/* Following a live series over a WebSocket connection that comes and goes; net_place.h has the
 * place.
 *
 * Invariants:
 *  1. The next connection asks for what comes after the last frame that was given out.
 *  2. A series that was made anew is followed from its beginning: another id than the last one, or
 *     numbers that are behind, tell. What comes over the connection that told it leaves rows out.
 *  3. Frames are taken on the client's thread alone; figures are atomic.
 */
#include "net_place.h"

#include <cjson/cJSON.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define PROTOCOL "gch.live.1"
#define FRAME_CAP (64u << 20)

struct gch_follow {
    const gch_allocator *allocator;
    gch_follow_desc settings;
    gch_ws *ws;
    gch__live_place *place;
    char *series_id; /* NULL: not known yet; "" of servers that give none */
    bool is_waiting; /* for the next connection: this one is given up */
    _Atomic uint64_t unsound_frames;
};

static void write_query(void *context, char *out, size_t cap)
{
    const gch_follow *follow = context;
    const gch_follow_desc *desc = &follow->settings;
    char after[32] = "", rate[24] = "";
    gch__live_place_stats place;
    gch__live_place_get_stats(follow->place, &place);
    if (place.has_sequence)
        snprintf(after, sizeof after, "after=%llu", (unsigned long long)place.last_sequence);
    if (desc->rate != 0)
        snprintf(rate, sizeof rate, "&rate=%u", desc->rate);
    snprintf(out, cap, "detail=%s%s%s%s", desc->wants_summaries ? "summary" : "rows",
             after[0] != '\0' ? "&" : "", after, rate);
}

static gch_status take_frame(gch_follow *follow, const uint8_t *bytes, size_t count, gch_error *err)
{
    const gch_follow_desc *desc = &follow->settings;
    gch__live_news news;
    GCH_TRY(gch__live_place_take(follow->place, bytes, count, &news, err));
    if (news.has_rows && desc->on_rows != NULL)
        desc->on_rows(desc->context, &news.rows);
    if (news.has_summary && desc->on_summary != NULL)
        desc->on_summary(desc->context, &news.summary);
    gch__live_place_advance(follow->place);
    return GCH_OK;
}

/* 0: there is no such number. */
static uint64_t sequence_of(const cJSON *json, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);
    bool is_number = cJSON_IsNumber(item) && item->valuedouble >= 1 && item->valuedouble < 0x1p53;
    return is_number ? (uint64_t)item->valuedouble : 0;
}

static const char *text_of(const cJSON *json, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);
    return cJSON_IsString(item) ? item->valuestring : "";
}

static gch_status keep_id(gch_follow *follow, const char *id, gch_error *err)
{
    char *copy = gch__copy_text(follow->allocator, id, strlen(id), "follower");
    if (copy == NULL)
        return gch__no_memory(err, "follower");
    gch__free(follow->allocator, follow->series_id, "follower");
    follow->series_id = copy;
    return GCH_OK;
}

/* Whether the series that a connection brings is another one than that before. */
static gch_status greet(gch_follow *follow, const cJSON *hello, bool *out_is_anew, gch_error *err)
{
    const char *id = text_of(hello, "id");
    bool is_known = follow->series_id != NULL && strcmp(follow->series_id, id) == 0;
    gch__live_greeting greeting = {.first_sequence = sequence_of(hello, "first_sequence"),
                                   .next_sequence = sequence_of(hello, "next_sequence"),
                                   .is_other = follow->series_id != NULL && !is_known};
    if (!is_known)
        GCH_TRY(keep_id(follow, id, err));
    *out_is_anew = gch__live_place_greet(follow->place, &greeting);
    return GCH_OK;
}

static void give_up(gch_follow *follow, const gch_error *err)
{
    const gch_follow_desc *desc = &follow->settings;
    follow->is_waiting = true;
    if (desc->on_lost != NULL)
        desc->on_lost(desc->context, err, false);
    gch_ws_reconnect(follow->ws, false); /* and ask for it again */
}

static void take_text(gch_follow *follow, const char *text, size_t count)
{
    const gch_follow_desc *desc = &follow->settings;
    gch_error err = {0};
    bool is_anew = false;
    cJSON *json = cJSON_ParseWithLength(text, count);
    bool is_hello = strcmp(text_of(json, "type"), "hello") == 0;
    gch_status status = is_hello ? greet(follow, json, &is_anew, &err) : GCH_OK;
    cJSON_Delete(json);
    if (!is_hello) /* a follower publishes nothing that would be answered */
        return;
    if (status != GCH_OK) {
        give_up(follow, &err);
    } else if (is_anew) {
        follow->is_waiting = true;
        if (desc->on_restart != NULL)
            desc->on_restart(desc->context, text, count);
        gch_ws_reconnect(follow->ws, true);
    } else if (desc->on_hello != NULL) {
        desc->on_hello(desc->context, text, count);
    }
}

static void take_message(void *context, gch_ws_kind kind, const uint8_t *bytes, size_t count)
{
    gch_follow *follow = context;
    gch_error err = {0};
    if (kind == GCH_WS_TEXT) {
        if (!follow->is_waiting)
            take_text(follow, (const char *)bytes, count);
        return;
    }
    if (follow->is_waiting || take_frame(follow, bytes, count, &err) == GCH_OK)
        return;
    atomic_fetch_add(&follow->unsound_frames, 1);
    give_up(follow, &err);
}

static void note_open(void *context)
{
    gch_follow *follow = context;
    follow->is_waiting = false;
}

static void note_lost(void *context, const gch_error *err, bool is_final)
{
    const gch_follow *follow = context;
    if (follow->settings.on_lost != NULL)
        follow->settings.on_lost(follow->settings.context, err, is_final);
}

gch_status gch_follow_open(const gch_follow_desc *desc, gch_follow **out, gch_error *err)
{
    if (desc->rate > 240)
        return gch_fail(err, GCH_INVALID, "rate: %u is not within 1 and 240", desc->rate);
    gch_follow *follow = gch__alloc_zero(desc->allocator, 1, sizeof *follow, "follower");
    if (follow == NULL)
        return gch__no_memory(err, "follower");
    follow->allocator = desc->allocator;
    follow->settings = *desc;
    follow->place = gch__live_place_make(desc->allocator, desc->has_after, desc->after, err);
    gch_status status = follow->place != NULL ? GCH_OK : GCH_NO_MEMORY;
    if (status == GCH_OK && desc->series_id != NULL)
        status = keep_id(follow, desc->series_id, err);
    gch_ws_desc ws = {.url = desc->url,
                      .protocol = PROTOCOL,
                      .token = desc->token,
                      .ca_file = desc->ca_file,
                      .ping_ms = desc->ping_ms,
                      .pong_ms = desc->pong_ms,
                      .backoff_ms = desc->backoff_ms,
                      .backoff_cap_ms = desc->backoff_cap_ms,
                      .message_cap = FRAME_CAP,
                      .awaits_return = true,
                      .on_open = note_open,
                      .on_message = take_message,
                      .on_lost = note_lost,
                      .get_query = write_query,
                      .context = follow,
                      .allocator = desc->allocator};
    if (status == GCH_OK)
        status = gch_ws_open(&ws, &follow->ws, err);
    if (status != GCH_OK) {
        gch_follow_close(follow);
        return status;
    }
    *out = follow;
    return GCH_OK;
}

void gch_follow_close(gch_follow *follow)
{
    if (follow == NULL)
        return;
    gch_ws_close(follow->ws);
    gch__live_place_destroy(follow->place);
    gch__free(follow->allocator, follow->series_id, "follower");
    gch__free(follow->allocator, follow, "follower");
}

void gch_follow_get_stats(gch_follow *follow, gch_follow_stats *out)
{
    gch__live_place_stats place;
    gch__live_place_get_stats(follow->place, &place);
    *out = (gch_follow_stats){
        .last_sequence = place.last_sequence,
        .rows = place.rows,
        .summaries = place.summaries,
        .missed_rows = place.missed_rows,
        .repeated_rows = place.repeated_rows,
        .unsound_frames = atomic_load(&follow->unsound_frames),
        .restarts = place.restarts,
    };
    gch_ws_get_stats(follow->ws, &out->ws);
}
