/* Following a live series over a WebSocket connection that comes and goes.
 *
 * Invariants:
 *  1. next_row is the row after the last one given out, or that a summary stands for: no row is
 *     given out twice, whatever a server repeats after a reconnection.
 *  2. last_sequence is that of the last frame taken whole; the next connection asks for what comes
 *     after it.
 *  3. A series whose next sequence number is not behind last_sequence is another one by the same
 *     name: both are forgotten, and it is followed from its beginning.
 *  4. Frames are taken on the client's thread alone; figures are atomic.
 */
#include "net_frame.h"

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
    bool has_place;  /* next_row is known */
    bool is_waiting; /* for the next connection: what still comes over this one leaves rows out */
    uint64_t next_row;
    uint32_t column_count; /* 0: not known */
    uint64_t *aligned;     /* a frame whose bytes were not */
    size_t aligned_cap;
    gch__live_frame frame;
    _Atomic bool has_sequence;
    _Atomic uint64_t last_sequence, rows, summaries, missed_rows, repeated_rows, unsound_frames,
        restarts;
};

static void write_query(void *context, char *out, size_t cap)
{
    const gch_follow *follow = context;
    const gch_follow_desc *desc = &follow->settings;
    char after[32] = "", rate[24] = "";
    if (atomic_load(&follow->has_sequence))
        snprintf(after, sizeof after, "after=%llu",
                 (unsigned long long)atomic_load(&follow->last_sequence));
    if (desc->rate != 0)
        snprintf(rate, sizeof rate, "&rate=%u", desc->rate);
    snprintf(out, cap, "detail=%s%s%s%s", desc->wants_summaries ? "summary" : "rows",
             after[0] != '\0' ? "&" : "", after, rate);
}

static void give_rows(gch_follow *follow)
{
    gch__live_frame *frame = &follow->frame;
    uint64_t repeated = 0;
    if (follow->has_place && frame->first_row < follow->next_row)
        repeated = GCH_MIN(follow->next_row - frame->first_row, (uint64_t)frame->row_count);
    gch__live_frame_skip_rows(frame, (uint32_t)repeated);
    atomic_fetch_add(&follow->repeated_rows, repeated);
    if (frame->row_count == 0)
        return;
    gch_follow_rows rows = {.last_sequence = frame->last_sequence,
                            .first_row = frame->first_row,
                            .row_count = frame->row_count,
                            .column_count = frame->column_count,
                            .times = frame->times,
                            .columns = frame->columns};
    follow->next_row = frame->first_row + frame->row_count;
    atomic_fetch_add(&follow->rows, frame->row_count);
    if (follow->settings.on_rows != NULL)
        follow->settings.on_rows(follow->settings.context, &rows);
}

static void give_summary(gch_follow *follow)
{
    const gch__live_frame *frame = &follow->frame;
    gch_follow_summary summary = {.last_sequence = frame->last_sequence,
                                  .first_row = frame->first_row,
                                  .row_count = frame->stands_for,
                                  .first_time = frame->first_time,
                                  .last_time = frame->last_time,
                                  .column_count = frame->column_count,
                                  .columns = frame->sums};
    follow->next_row = frame->first_row + frame->stands_for;
    atomic_fetch_add(&follow->summaries, 1);
    atomic_fetch_add(&follow->missed_rows, frame->stands_for);
    if (follow->settings.on_summary != NULL)
        follow->settings.on_summary(follow->settings.context, &summary);
}

/* The bytes, where they may be read as 64-bit numbers. */
static const uint8_t *align(gch_follow *follow, const uint8_t *bytes, size_t count, gch_error *err)
{
    if ((uintptr_t)bytes % sizeof(uint64_t) == 0)
        return bytes;
    if (gch__ensure(follow->allocator, (void **)&follow->aligned, &follow->aligned_cap,
                    count / sizeof(uint64_t) + 1, sizeof(uint64_t), "frame", err) != GCH_OK)
        return NULL;
    memcpy(follow->aligned, bytes, count);
    return (const uint8_t *)follow->aligned;
}

static gch_status take_frame(gch_follow *follow, const uint8_t *bytes, size_t count, gch_error *err)
{
    gch__live_frame *frame = &follow->frame;
    bytes = align(follow, bytes, count, err);
    if (bytes == NULL)
        return GCH_NO_MEMORY;
    GCH_TRY(gch__live_frame_parse(bytes, count, frame, err));
    if (follow->column_count != 0 && frame->column_count != follow->column_count)
        return gch_fail(err, GCH_CORRUPT, "a live frame has %u columns, those before had %u",
                        frame->column_count, follow->column_count);
    follow->column_count = frame->column_count;
    /* A frame that is older than the place reached has nothing new. */
    bool is_old = atomic_load(&follow->has_sequence) &&
                  frame->last_sequence <= atomic_load(&follow->last_sequence);
    if (is_old) {
        atomic_fetch_add(&follow->repeated_rows, frame->row_count);
        return GCH_OK;
    }
    if (frame->is_summary)
        give_summary(follow);
    else
        give_rows(follow);
    follow->has_place = true;
    atomic_store(&follow->last_sequence, frame->last_sequence);
    atomic_store(&follow->has_sequence, true);
    return GCH_OK;
}

/* The next sequence number that a description of the series names; 0: it does not. */
static uint64_t next_sequence_of(const char *text, size_t count)
{
    cJSON *json = cJSON_ParseWithLength(text, count);
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(json, "type");
    const cJSON *next = cJSON_GetObjectItemCaseSensitive(json, "next_sequence");
    bool is_hello = cJSON_IsString(type) && strcmp(type->valuestring, "hello") == 0;
    bool is_number = cJSON_IsNumber(next) && next->valuedouble >= 1 && next->valuedouble < 0x1p53;
    uint64_t number = is_hello && is_number ? (uint64_t)next->valuedouble : 0;
    cJSON_Delete(json);
    return number;
}

static void take_hello(gch_follow *follow, const char *text, size_t count)
{
    const gch_follow_desc *desc = &follow->settings;
    uint64_t next = next_sequence_of(text, count);
    if (next != 0 && atomic_load(&follow->has_sequence) &&
        next <= atomic_load(&follow->last_sequence)) {
        follow->has_place = false;
        follow->column_count = 0;
        follow->is_waiting = true;
        atomic_store(&follow->last_sequence, 0);
        atomic_fetch_add(&follow->restarts, 1);
        if (desc->on_restart != NULL)
            desc->on_restart(desc->context);
        gch_ws_reconnect(follow->ws);
        return;
    }
    if (desc->on_hello != NULL)
        desc->on_hello(desc->context, text, count);
}

static void take_message(void *context, gch_ws_kind kind, const uint8_t *bytes, size_t count)
{
    gch_follow *follow = context;
    const gch_follow_desc *desc = &follow->settings;
    gch_error err = {0};
    if (kind == GCH_WS_TEXT) { /* hello; a follower publishes nothing that would be answered */
        if (!follow->is_waiting)
            take_hello(follow, (const char *)bytes, count);
        return;
    }
    if (follow->is_waiting || take_frame(follow, bytes, count, &err) == GCH_OK)
        return;
    follow->is_waiting = true;
    atomic_fetch_add(&follow->unsound_frames, 1);
    if (desc->on_lost != NULL)
        desc->on_lost(desc->context, &err, false);
    gch_ws_reconnect(follow->ws); /* and ask for it again */
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
    atomic_store(&follow->last_sequence, desc->has_after ? desc->after : 0);
    atomic_store(&follow->has_sequence, desc->has_after);
    gch_ws_desc ws = {.url = desc->url,
                      .protocol = PROTOCOL,
                      .token = desc->token,
                      .ca_file = desc->ca_file,
                      .ping_ms = desc->ping_ms,
                      .pong_ms = desc->pong_ms,
                      .backoff_ms = desc->backoff_ms,
                      .backoff_cap_ms = desc->backoff_cap_ms,
                      .message_cap = FRAME_CAP,
                      .on_open = note_open,
                      .on_message = take_message,
                      .on_lost = note_lost,
                      .get_query = write_query,
                      .context = follow,
                      .allocator = desc->allocator};
    gch_status status = gch_ws_open(&ws, &follow->ws, err);
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
    gch__free(follow->allocator, follow->aligned, "frame");
    gch__free(follow->allocator, follow, "follower");
}

void gch_follow_get_stats(gch_follow *follow, gch_follow_stats *out)
{
    *out = (gch_follow_stats){
        .last_sequence = atomic_load(&follow->last_sequence),
        .rows = atomic_load(&follow->rows),
        .summaries = atomic_load(&follow->summaries),
        .missed_rows = atomic_load(&follow->missed_rows),
        .repeated_rows = atomic_load(&follow->repeated_rows),
        .unsound_frames = atomic_load(&follow->unsound_frames),
        .restarts = atomic_load(&follow->restarts),
    };
    gch_ws_get_stats(follow->ws, &out->ws);
}
