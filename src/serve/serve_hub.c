/* Live series (serve_hub.h).
 *
 * Invariants:
 *  1. Batches of a series are numbered without gaps; a ring holds the newest, at least one once
 *     there was one, of at most live_bytes_cap bytes.
 *  2. A batch is taken whole or not at all.
 *  3. What a follower costs does not depend on how far it is behind: a frame is of at most
 *     FRAME_BYTES_MAX (one batch at least), and behind the ring it is a summary.
 */
#include "serve_json.h"
#include "serve_state.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#define PURPOSE "live series"
#define PUBLISHERS_KEPT 64u
#define FRAME_BYTES_MAX ((uint64_t)4 << 20)

/* ---- structs ---- */

typedef struct batch {
    uint64_t first_row;
    uint32_t row_count;
    size_t payload_bytes;
    gch__summary *summary; /* column_count of them, behind the payload */
    uint8_t payload[];
} batch;

typedef struct publisher {
    uint64_t name, sequence;
    uint64_t used; /* the series' next sequence when it was last seen: the oldest makes room */
} publisher;

struct gch__hub_series {
    gch__hub *live;
    char *name;
    gch__schema schema;
    batch **ring; /* of sequence s at s % ring_cap; a power of two */
    size_t ring_cap;
    uint64_t first_sequence, next_sequence, row_count, bytes;
    int64_t last_time;
    publisher publishers[PUBLISHERS_KEPT];
    gch__follower *followers;
    gch__shared *latest; /* the frame made last, for those at the same place */
};

struct gch__hub {
    gch_server *server;
    gch__hub_series **series; /* sorted by name */
    size_t count, cap;
    locale_t locale;
    uint32_t follower_count;
    uint64_t batches, rows, bytes, frames, made_frames, summaries;
};

/* ---- the set ---- */

gch_status gch__hub_make(gch_server *server, gch__hub **out, gch_error *err)
{
    gch__hub *live = gch__alloc_zero(server->allocator, 1, sizeof *live, PURPOSE);
    if (live == NULL)
        return gch__no_memory(err, PURPOSE);
    live->server = server;
    live->locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (live->locale == (locale_t)0) {
        gch__free(server->allocator, live, PURPOSE);
        return gch__no_memory(err, PURPOSE);
    }
    *out = live;
    return GCH_OK;
}

static void series_free(gch__hub_series *series)
{
    const gch_allocator *allocator = series->live->server->allocator;
    for (uint64_t s = series->first_sequence; s < series->next_sequence; s++)
        gch__free(allocator, series->ring[s & (series->ring_cap - 1)], PURPOSE);
    for (uint32_t c = 0; c < series->schema.column_count; c++) {
        gch__free(allocator, series->schema.columns[c].name, PURPOSE);
        gch__free(allocator, series->schema.columns[c].unit, PURPOSE);
    }
    if (series->latest != NULL)
        gch__shared_release(series->latest);
    gch__free(allocator, series->schema.columns, PURPOSE);
    gch__free(allocator, series->ring, PURPOSE);
    gch__free(allocator, series->name, PURPOSE);
    gch__free(allocator, series, PURPOSE);
}

void gch__hub_destroy(gch__hub *live)
{
    if (live == NULL)
        return;
    for (size_t i = 0; i < live->count; i++)
        series_free(live->series[i]);
    gch__free(live->server->allocator, live->series, PURPOSE);
    freelocale(live->locale);
    gch__free(live->server->allocator, live, PURPOSE);
}

static size_t search(const gch__hub *live, const char *name, bool *is_there)
{
    size_t low = 0, high = live->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(live->series[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *is_there = low < live->count && strcmp(live->series[low]->name, name) == 0;
    return low;
}

gch__hub_series *gch__hub_find(gch__hub *live, const char *name)
{
    bool is_there;
    size_t at = search(live, name, &is_there);
    return is_there ? live->series[at] : NULL;
}

const gch__schema *gch__hub_schema(const gch__hub_series *series)
{
    return &series->schema;
}

/* ---- making a series ---- */

static gch_status read_column(gch__hub_series *series, const char *text, gch_error *err)
{
    const gch_allocator *allocator = series->live->server->allocator;
    gch__hub_column *column = &series->schema.columns[series->schema.column_count];
    const char *type = strchr(text, ':');
    const char *unit = type != NULL ? strchr(type + 1, ':') : NULL;
    char type_text[16];
    size_t name_length = type != NULL ? (size_t)(type - text) : 0;
    size_t type_length = type == NULL   ? 0
                         : unit != NULL ? (size_t)(unit - type) - 1
                                        : strlen(type + 1);
    if (name_length == 0 || name_length > 255 || type_length >= sizeof type_text)
        return gch_fail(err, GCH_PARSE, "column '%.60s' is not name:type or name:type:unit", text);
    memcpy(type_text, type + 1, type_length);
    type_text[type_length] = '\0';
    if (!gch_type_parse(type_text, &column->type) || column->type < GCH_TYPE_I8 ||
        column->type > GCH_TYPE_F64)
        return gch_fail(err, GCH_PARSE, "column '%.60s': there is no type '%s' here", text,
                        type_text);
    column->name = gch__copy_text(allocator, text, name_length, PURPOSE);
    column->unit = unit != NULL ? gch__copy_text(allocator, unit + 1, strlen(unit + 1), PURPOSE)
                                : gch__copy_text(allocator, "", 0, PURPOSE);
    series->schema.column_count++;
    if (column->name == NULL || column->unit == NULL)
        return gch__no_memory(err, PURPOSE);
    for (uint32_t c = 0; c + 1 < series->schema.column_count; c++) {
        if (strcmp(series->schema.columns[c].name, column->name) == 0)
            return gch_fail(err, GCH_INVALID, "two columns are called '%s'", column->name);
    }
    if (strcmp(column->name, "time") == 0)
        return gch_fail(err, GCH_INVALID, "'time' is the time's own name");
    return GCH_OK;
}

static bool same_schema(const gch__schema *a, const gch__schema *b)
{
    bool is_same = a->time_unit == b->time_unit && a->column_count == b->column_count;
    for (uint32_t c = 0; is_same && c < a->column_count; c++)
        is_same = a->columns[c].type == b->columns[c].type &&
                  strcmp(a->columns[c].name, b->columns[c].name) == 0 &&
                  strcmp(a->columns[c].unit, b->columns[c].unit) == 0;
    return is_same;
}

/* Puts the series into the set, or finds it there. */
static gch_status insert(gch__hub *live, gch__hub_series *series, bool *out_is_new, gch_error *err)
{
    bool is_there;
    size_t at = search(live, series->name, &is_there);
    if (is_there)
        return same_schema(&live->series[at]->schema, &series->schema)
                   ? GCH_OK
                   : gch_fail(err, GCH_EXISTS, "'%s' exists with other columns", series->name);
    if (live->count >= live->server->desc.live_series_cap)
        return gch_fail(err, GCH_LIMIT, "there are too many live series");
    GCH_TRY(gch__ensure(live->server->allocator, (void **)&live->series, &live->cap,
                        live->count + 1, sizeof *live->series, PURPOSE, err));
    memmove(live->series + at + 1, live->series + at, (live->count - at) * sizeof *live->series);
    live->series[at] = series;
    live->count++;
    *out_is_new = true;
    return GCH_OK;
}

gch_status gch__hub_create(gch__hub *live, const char *name, gch_time_unit unit,
                           const char *const *columns, size_t column_count, bool *out_is_new,
                           gch_error *err)
{
    const gch_allocator *allocator = live->server->allocator;
    if (column_count == 0 || column_count > GCH__HUB_COLUMNS_MAX)
        return gch_fail(err, GCH_INVALID, "a live series has 1 to %u columns",
                        GCH__HUB_COLUMNS_MAX);
    gch__hub_series *series = gch__alloc_zero(allocator, 1, sizeof *series, PURPOSE);
    if (series == NULL)
        return gch__no_memory(err, PURPOSE);
    series->live = live;
    series->first_sequence = series->next_sequence = 1;
    series->last_time = INT64_MIN;
    series->schema.time_unit = unit;
    series->schema.locale = live->locale;
    series->ring_cap = 64;
    series->name = gch__copy_text(allocator, name, strlen(name), PURPOSE);
    series->schema.columns =
        gch__alloc_zero(allocator, column_count, sizeof *series->schema.columns, PURPOSE);
    series->ring = gch__alloc_zero(allocator, series->ring_cap, sizeof *series->ring, PURPOSE);
    gch_status status = GCH_OK;
    if (series->name == NULL || series->schema.columns == NULL || series->ring == NULL)
        status = gch__no_memory(err, PURPOSE);
    for (size_t i = 0; i < column_count && status == GCH_OK; i++)
        status = read_column(series, columns[i], err);
    *out_is_new = false;
    if (status == GCH_OK)
        status = insert(live, series, out_is_new, err);
    if (!*out_is_new)
        series_free(series);
    return status;
}

bool gch__hub_describe(const gch__hub_series *series, const char *type, gch__buffer *out)
{
    bool has_room = gch__json_print(out, "{");
    if (type != NULL)
        has_room = has_room && gch__json_print(out, "\"type\": \"%s\", ", type);
    has_room = has_room && gch__json_print(out, "\"name\": ") &&
               gch__json_text(out, series->name) &&
               gch__json_print(out,
                               ", \"time_unit\": \"%s\", \"first_sequence\": %" PRIu64
                               ", \"next_sequence\": %" PRIu64 ", \"row_count\": %" PRIu64
                               ", \"columns\": [",
                               gch_time_unit_name(series->schema.time_unit), series->first_sequence,
                               series->next_sequence, series->row_count);
    for (uint32_t c = 0; c < series->schema.column_count; c++) {
        const gch__hub_column *column = &series->schema.columns[c];
        has_room =
            has_room && gch__json_print(out, "%s{\"name\": ", c > 0 ? ", " : "") &&
            gch__json_text(out, column->name) &&
            gch__json_print(out, ", \"type\": \"%s\", \"unit\": ", gch_type_name(column->type)) &&
            gch__json_text(out, column->unit) && gch__json_print(out, "}");
    }
    return has_room && gch__json_print(out, "]}");
}

bool gch__hub_list(const gch__hub *live, gch__buffer *out)
{
    bool has_room = gch__json_print(out, "{\"live\": [");
    for (size_t i = 0; i < live->count; i++)
        has_room = has_room && (i == 0 || gch__json_print(out, ",\n")) &&
                   gch__hub_describe(live->series[i], NULL, out);
    return has_room && gch__json_print(out, "]}\n");
}

/* ---- publishing ---- */

/* The publisher's entry, or the one it takes the place of. */
static publisher *find_publisher(gch__hub_series *series, uint64_t name)
{
    publisher *oldest = &series->publishers[0];
    for (size_t i = 0; i < PUBLISHERS_KEPT; i++) {
        publisher *p = &series->publishers[i];
        if (p->name == name)
            return p;
        if (p->used < oldest->used)
            oldest = p;
    }
    *oldest = (publisher){.name = name};
    return oldest;
}

static batch *ring_at(const gch__hub_series *series, uint64_t sequence)
{
    return series->ring[sequence & (series->ring_cap - 1)];
}

static gch_status make_room(gch__hub_series *series, gch_error *err)
{
    const gch_allocator *allocator = series->live->server->allocator;
    if (series->next_sequence - series->first_sequence < series->ring_cap)
        return GCH_OK;
    size_t cap = series->ring_cap * 2;
    batch **ring = gch__alloc_zero(allocator, cap, sizeof *ring, PURPOSE);
    if (ring == NULL)
        return gch__no_memory(err, PURPOSE);
    for (uint64_t s = series->first_sequence; s < series->next_sequence; s++)
        ring[s & (cap - 1)] = ring_at(series, s);
    gch__free(allocator, series->ring, PURPOSE);
    series->ring = ring;
    series->ring_cap = cap;
    return GCH_OK;
}

static size_t batch_bytes(const gch__hub_series *series, size_t payload_bytes)
{
    return sizeof(batch) + (size_t)gch__align_up(payload_bytes, 8) +
           series->schema.column_count * sizeof(gch__summary);
}

static void drop_old(gch__hub_series *series)
{
    uint64_t cap = series->live->server->desc.live_bytes_cap;
    while (series->bytes > cap && series->next_sequence - series->first_sequence > 1) {
        batch *old = ring_at(series, series->first_sequence++);
        series->bytes -= batch_bytes(series, old->payload_bytes);
        gch__free(series->live->server->allocator, old, PURPOSE);
    }
}

static void wake_followers(gch__hub_series *series)
{
    int64_t now_ns = series->live->server->now_ns;
    for (gch__follower *f = series->followers, *next; f != NULL; f = next) {
        next = f->next;
        if (f->due_ns <= now_ns)
            f->wake(f);
    }
}

static gch_status append(gch__hub_series *series, gch__span payload, uint32_t row_count,
                         gch__ack *out, gch_error *err)
{
    gch__rows rows;
    gch__rows_split(&series->schema, payload, row_count, &rows);
    int64_t first_time = (int64_t)gch__load_u64(rows.times);
    if (first_time < series->last_time)
        return gch_fail(err, GCH_UNSORTED, "the batch begins before the last time of the series");
    GCH_TRY(make_room(series, err));
    size_t bytes = batch_bytes(series, payload.count);
    batch *b = gch__alloc(series->live->server->allocator, bytes, PURPOSE);
    if (b == NULL)
        return gch__no_memory(err, PURPOSE);
    b->first_row = series->row_count;
    b->row_count = row_count;
    b->payload_bytes = payload.count;
    memcpy(b->payload, payload.bytes, payload.count);
    b->summary = (gch__summary *)(void *)(b->payload + gch__align_up(payload.count, 8));
    gch__rows_summarize(&series->schema, &rows, b->summary);
    series->ring[series->next_sequence & (series->ring_cap - 1)] = b;
    *out = (gch__ack){.sequence = series->next_sequence++,
                      .first_row = series->row_count,
                      .row_count = row_count};
    series->row_count += row_count;
    series->bytes += bytes;
    series->last_time = (int64_t)gch__load_u64(rows.times + (size_t)8 * (row_count - 1));
    series->live->batches++;
    series->live->rows += row_count;
    series->live->bytes += payload.count;
    drop_old(series);
    return GCH_OK;
}

gch_status gch__hub_publish(gch__hub_series *series, gch__span message, bool is_text,
                            const gch__frame *frame, gch__ack *out, gch_error *err)
{
    gch__frame parsed = *frame;
    gch__span payload = {NULL, 0};
    gch__buffer text = {.allocator = series->live->server->allocator, .purpose = PURPOSE};
    gch_status status;
    if (is_text) {
        status = gch__ndjson_parse(&series->schema, message, &text, &parsed.row_count, err);
        payload = (gch__span){text.bytes, text.count};
    } else {
        status = gch__frame_parse(&series->schema, message, &parsed, &payload, err);
    }
    publisher *p = NULL;
    if (status == GCH_OK && parsed.publisher_sequence != 0)
        p = find_publisher(series, parsed.publisher);
    if (p != NULL && parsed.publisher_sequence <= p->sequence)
        *out = (gch__ack){.row_count = parsed.row_count};
    else if (status == GCH_OK)
        status = append(series, payload, parsed.row_count, out, err);
    gch__buffer_reset(&text);
    GCH_TRY(status);
    out->publisher_sequence = parsed.publisher_sequence;
    if (p != NULL) {
        p->sequence = GCH_MAX(p->sequence, parsed.publisher_sequence);
        p->used = series->next_sequence;
    }
    wake_followers(series);
    return GCH_OK;
}

/* ---- frames for followers ---- */

void gch__shared_release(gch__shared *shared)
{
    if (--shared->hold_count == 0)
        gch__free(shared->allocator, shared, "live frame");
}

static gch__shared *shared_make(const gch__hub_series *series, uint64_t byte_count)
{
    const gch_allocator *allocator = series->live->server->allocator;
    gch__shared *shared = gch__alloc(allocator, sizeof *shared + byte_count, "live frame");
    if (shared == NULL)
        return NULL;
    *shared = (gch__shared){.allocator = allocator, .hold_count = 1, .byte_count = byte_count};
    return shared;
}

/* Sets bits [at, at + count) of a zeroed bitmap to those of `from`, or to ones if it is NULL. */
static void put_bits(uint8_t *bitmap, uint64_t at, const uint8_t *from, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++, at++) {
        if (from == NULL || (from[i / 8] >> (i % 8) & 1) != 0)
            bitmap[at / 8] |= (uint8_t)(1u << (at % 8));
    }
}

/* One column of all batches, in a zeroed place; returns the end of it. */
static uint8_t *merge_column(const gch__hub_series *series, uint64_t first, uint64_t last,
                             uint32_t column, uint64_t row_count, uint8_t *to)
{
    gch_type type = series->schema.columns[column].type;
    size_t size = gch_type_bytes(type);
    uint8_t *values = to + 8, *bitmap = values + gch__align_up(row_count * size, 8);
    uint64_t done = 0;
    to[0] = (uint8_t)type;
    to[1] = 1;
    for (uint64_t s = first; s <= last; s++) {
        const batch *b = ring_at(series, s);
        gch__rows rows;
        gch__rows_split(&series->schema, (gch__span){b->payload, b->payload_bytes}, b->row_count,
                        &rows);
        memcpy(values + done * size, rows.values[column], b->row_count * size);
        put_bits(bitmap, done, rows.validity[column], b->row_count);
        done += b->row_count;
    }
    return bitmap + gch__align_up((row_count + 7) / 8, 8);
}

static gch__shared *make_rows(const gch__hub_series *series, uint64_t first, uint64_t last)
{
    const uint32_t column_count = series->schema.column_count;
    uint64_t row_count = 0;
    for (uint64_t s = first; s <= last; s++)
        row_count += ring_at(series, s)->row_count;
    const batch *only = first == last ? ring_at(series, first) : NULL;
    uint64_t bytes = GCH__FRAME_HEADER_BYTES;
    bytes += only != NULL ? only->payload_bytes
                          : gch__payload_bytes_max(&series->schema, (uint32_t)row_count);
    gch__shared *shared = shared_make(series, bytes);
    if (shared == NULL)
        return NULL;
    const gch__frame frame = {.row_count = (uint32_t)row_count,
                              .sequence = last,
                              .first_row = ring_at(series, first)->first_row,
                              .publisher = first,
                              .publisher_sequence = row_count};
    gch__frame_put_header(shared->bytes, GCH__FRAME_ROWS, &frame, column_count, bytes);
    uint8_t *to = shared->bytes + GCH__FRAME_HEADER_BYTES;
    if (only != NULL) {
        memcpy(to, only->payload, only->payload_bytes);
        return shared;
    }
    memset(to, 0, bytes - GCH__FRAME_HEADER_BYTES);
    for (uint64_t s = first; s <= last; s++) {
        const batch *b = ring_at(series, s);
        memcpy(to, b->payload, (size_t)8 * b->row_count);
        to += (size_t)8 * b->row_count;
    }
    for (uint32_t c = 0; c < column_count; c++)
        to = merge_column(series, first, last, c, row_count, to);
    return shared;
}

/* Sums up the batches [first, last]; the frame says it stands for row_count rows from first_row and
 * for the batches from `told`. */
static gch__shared *make_summary(const gch__hub_series *series, uint64_t first, uint64_t last,
                                 uint64_t told, uint64_t first_row, uint64_t row_count)
{
    const uint32_t column_count = series->schema.column_count;
    uint64_t bytes = GCH__FRAME_HEADER_BYTES + 16 + (uint64_t)column_count * GCH__SUMMARY_BYTES;
    gch__shared *shared = shared_make(series, bytes);
    if (shared == NULL)
        return NULL;
    const gch__frame frame = {.sequence = last,
                              .first_row = first_row,
                              .publisher = told,
                              .publisher_sequence = row_count};
    gch__frame_put_header(shared->bytes, GCH__FRAME_SUMMARY, &frame, column_count, bytes);
    const batch *oldest = ring_at(series, first), *newest = ring_at(series, last);
    uint8_t *to = shared->bytes + GCH__FRAME_HEADER_BYTES;
    memcpy(to, oldest->payload, 8);
    memcpy(to + 8, newest->payload + (size_t)8 * (newest->row_count - 1), 8);
    to += 16;
    for (uint32_t c = 0; c < column_count; c++, to += GCH__SUMMARY_BYTES) {
        gch__summary sum = {NAN, NAN, NAN, NAN, 0};
        for (uint64_t s = first; s <= last; s++)
            gch__summary_add(&sum, &ring_at(series, s)->summary[c]);
        static_assert(sizeof sum == GCH__SUMMARY_BYTES, "a summary's layout is the wire's");
        memcpy(to, &sum, sizeof sum);
    }
    return shared;
}

/* The last batch that still fits into a frame that begins at `first`. */
static uint64_t last_that_fits(const gch__hub_series *series, uint64_t first)
{
    uint64_t bytes = ring_at(series, first)->payload_bytes, last = first;
    while (last + 1 < series->next_sequence) {
        bytes += ring_at(series, last + 1)->payload_bytes;
        if (bytes > FRAME_BYTES_MAX)
            break;
        last++;
    }
    return last;
}

void gch__hub_follow(gch__hub_series *series, gch__follower *follower, uint64_t after)
{
    follower->series = series;
    follower->next_sequence = series->next_sequence;
    follower->next_row = series->row_count;
    follower->has_row = true;
    if (after < series->next_sequence - 1) {
        follower->next_sequence = after + 1;
        follower->has_row = after + 1 >= series->first_sequence;
        if (follower->has_row)
            follower->next_row = ring_at(series, after + 1)->first_row;
    }
    follower->previous = NULL;
    follower->next = series->followers;
    if (follower->next != NULL)
        follower->next->previous = follower;
    series->followers = follower;
    series->live->follower_count++;
}

void gch__hub_unfollow(gch__follower *follower)
{
    gch__hub_series *series = follower->series;
    if (series == NULL)
        return;
    if (follower->previous != NULL)
        follower->previous->next = follower->next;
    else
        series->followers = follower->next;
    if (follower->next != NULL)
        follower->next->previous = follower->previous;
    follower->series = NULL;
    series->live->follower_count--;
}

gch_status gch__hub_next(gch__follower *follower, gch__shared **out, gch_error *err)
{
    gch__hub_series *series = follower->series;
    gch__hub *live = series->live;
    int64_t now_ns = live->server->now_ns;
    *out = NULL;
    if (follower->next_sequence >= series->next_sequence || follower->due_ns > now_ns)
        return GCH_OK;
    bool is_behind = follower->next_sequence < series->first_sequence;
    uint64_t first = GCH_MAX(follower->next_sequence, series->first_sequence);
    bool is_summary = follower->is_summary || is_behind;
    uint64_t last = is_summary ? series->next_sequence - 1 : last_that_fits(series, first);
    uint64_t told = follower->next_sequence;
    const uint64_t key[3] = {told, last, is_summary};
    gch__shared *shared = series->latest;
    if (shared == NULL || memcmp(shared->key, key, sizeof key) != 0) {
        uint64_t first_row =
            follower->has_row ? follower->next_row : ring_at(series, first)->first_row;
        shared = is_summary ? make_summary(series, first, last, told, first_row,
                                           series->row_count - first_row)
                            : make_rows(series, first, last);
        if (shared == NULL)
            return gch__no_memory(err, "live frame");
        memcpy(shared->key, key, sizeof key);
        if (series->latest != NULL)
            gch__shared_release(series->latest);
        series->latest = shared;
        live->made_frames++;
    }
    shared->hold_count++;
    const batch *newest = ring_at(series, last);
    follower->next_sequence = last + 1;
    follower->next_row = newest->first_row + newest->row_count;
    follower->has_row = true;
    /* On a grid, so that followers of one rate meet and share. What does not fit into one frame
     * goes on at once. */
    if (last + 1 == series->next_sequence)
        follower->due_ns = (now_ns / follower->interval_ns + 1) * follower->interval_ns;
    live->frames++;
    live->summaries += is_summary;
    *out = shared;
    return GCH_OK;
}

int64_t gch__hub_due_ns(const gch__hub *live)
{
    int64_t due_ns = INT64_MAX;
    for (size_t i = 0; live->follower_count > 0 && i < live->count; i++) {
        const gch__hub_series *series = live->series[i];
        for (const gch__follower *f = series->followers; f != NULL; f = f->next) {
            if (f->next_sequence < series->next_sequence && f->due_ns < due_ns &&
                f->due_ns > live->server->now_ns)
                due_ns = f->due_ns;
        }
    }
    return due_ns;
}

void gch__hub_tick(gch__hub *live)
{
    for (size_t i = 0; live->follower_count > 0 && i < live->count; i++) {
        gch__hub_series *series = live->series[i];
        for (gch__follower *f = series->followers, *next; f != NULL; f = next) {
            next = f->next;
            if (f->next_sequence < series->next_sequence && f->due_ns <= live->server->now_ns)
                f->wake(f);
        }
    }
}

bool gch__hub_metrics(const gch__hub *live, gch__buffer *out)
{
    const struct {
        const char *name, *type;
        uint64_t value;
    } lines[] = {{"live_series", "gauge", live->count},
                 {"live_followers", "gauge", live->follower_count},
                 {"live_batches_total", "counter", live->batches},
                 {"live_rows_total", "counter", live->rows},
                 {"live_bytes_total", "counter", live->bytes},
                 {"live_frames_total", "counter", live->frames},
                 {"live_frames_made_total", "counter", live->made_frames},
                 {"live_summaries_total", "counter", live->summaries}};
    bool has_room = true;
    for (size_t i = 0; i < GCH_COUNT_OF(lines); i++)
        has_room = has_room &&
                   gch__json_print(out, "# TYPE gpucharts_%s %s\ngpucharts_%s %" PRIu64 "\n",
                                   lines[i].name, lines[i].type, lines[i].name, lines[i].value);
    return has_room;
}
