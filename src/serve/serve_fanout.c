/* Followers of live series, and the frames they get (serve_hub.h).
 *
 * Invariants:
 *  1. What a follower costs does not depend on how far it is behind: a frame is of at most
 *     FRAME_BYTES_MAX (one batch at least), and behind the ring it is a summary.
 *  2. Frames in memory are of live_bytes_cap in all, and besides of FRAME_BYTES_MIN (one batch at
 *     least) for each follower: the more are held by those who do not read, the smaller they get.
 */
#include "serve_series.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define FRAME_BYTES_MAX ((uint64_t)4 << 20)
#define FRAME_BYTES_MIN ((uint64_t)64 << 10)
#define HELD_SHARE 8u /* of what is left of live_bytes_cap, for one frame */

void gch__shared_release(gch__shared *shared)
{
    if (--shared->hold_count > 0)
        return;
    shared->live->held_bytes -= shared->byte_count;
    gch__free(shared->live->server->allocator, shared, "live frame");
}

static gch__shared *shared_make(const gch__hub_series *series, uint64_t byte_count)
{
    gch__hub *live = series->live;
    gch__shared *shared =
        gch__alloc(live->server->allocator, sizeof *shared + byte_count, "live frame");
    if (shared == NULL)
        return NULL;
    *shared = (gch__shared){.live = live, .hold_count = 1, .byte_count = byte_count};
    live->held_bytes += byte_count;
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
        const gch__batch *b = gch__ring_at(series, s);
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
        row_count += gch__ring_at(series, s)->row_count;
    const gch__batch *only = first == last ? gch__ring_at(series, first) : NULL;
    uint64_t bytes = GCH__FRAME_HEADER_BYTES;
    bytes += only != NULL ? only->payload_bytes
                          : gch__payload_bytes_max(&series->schema, (uint32_t)row_count);
    gch__shared *shared = shared_make(series, bytes);
    if (shared == NULL)
        return NULL;
    const gch__frame frame = {.row_count = (uint32_t)row_count,
                              .sequence = last,
                              .first_row = gch__ring_at(series, first)->first_row,
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
        const gch__batch *b = gch__ring_at(series, s);
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
    const gch__batch *oldest = gch__ring_at(series, first), *newest = gch__ring_at(series, last);
    uint8_t *to = shared->bytes + GCH__FRAME_HEADER_BYTES;
    memcpy(to, oldest->payload, 8);
    memcpy(to + 8, newest->payload + (size_t)8 * (newest->row_count - 1), 8);
    to += 16;
    for (uint32_t c = 0; c < column_count; c++, to += GCH__SUMMARY_BYTES) {
        gch__summary sum = {NAN, NAN, NAN, NAN, 0};
        for (uint64_t s = first; s <= last; s++)
            gch__summary_add(&sum, &gch__ring_at(series, s)->summary[c]);
        static_assert(sizeof sum == GCH__SUMMARY_BYTES, "a summary's layout is the wire's");
        memcpy(to, &sum, sizeof sum);
    }
    return shared;
}

/* The last batch that still fits into a frame that begins at `first`. */
static uint64_t last_that_fits(const gch__hub_series *series, uint64_t first)
{
    uint64_t bytes = gch__ring_at(series, first)->payload_bytes, last = first;
    uint64_t total = series->live->server->desc.live_bytes_cap;
    uint64_t left = total - GCH_MIN(series->live->held_bytes, total);
    uint64_t cap = GCH_MAX(left / HELD_SHARE, FRAME_BYTES_MIN);
    while (last + 1 < series->next_sequence) {
        bytes += gch__ring_at(series, last + 1)->payload_bytes;
        if (bytes > GCH_MIN(cap, FRAME_BYTES_MAX))
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
            follower->next_row = gch__ring_at(series, after + 1)->first_row;
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
            follower->has_row ? follower->next_row : gch__ring_at(series, first)->first_row;
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
    const gch__batch *newest = gch__ring_at(series, last);
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
