/* What of a live series has been given out.
 *
 * Invariants:
 *  1. next_row is the row after the last one given out, or that a summary stands for: no row is
 *     given out twice, whatever a server repeats after a reconnection.
 *  2. last_sequence is that of the last frame done with; the next connection asks for what comes
 *     after it.
 *  3. A series with another id, or whose next sequence number is not behind last_sequence, is
 *     another one by the same name: both are forgotten.
 */
#include "net_place.h"

#include <stdatomic.h>
#include <string.h>

struct gch__live_place {
    const gch_allocator *allocator;
    bool has_place; /* next_row is known */
    uint64_t next_row;
    uint32_t column_count; /* 0: not known */
    uint64_t *aligned;     /* a frame whose bytes were not */
    size_t aligned_cap;
    gch__live_frame frame;
    _Atomic bool has_sequence;
    _Atomic uint64_t last_sequence, rows, summaries, missed_rows, repeated_rows, restarts;
};

gch__live_place *gch__live_place_make(const gch_allocator *allocator, bool has_after,
                                      uint64_t after, gch_error *err)
{
    gch__live_place *place = gch__alloc_zero(allocator, 1, sizeof *place, "place");
    if (place == NULL) {
        (void)!gch__no_memory(err, "place");
        return NULL;
    }
    place->allocator = allocator;
    atomic_store(&place->last_sequence, has_after ? after : 0);
    atomic_store(&place->has_sequence, has_after);
    return place;
}

void gch__live_place_destroy(gch__live_place *place)
{
    if (place == NULL)
        return;
    gch__free(place->allocator, place->aligned, "frame");
    gch__free(place->allocator, place, "place");
}

/* The bytes, where they may be read as 64-bit numbers. */
static const uint8_t *align(gch__live_place *place, const uint8_t *bytes, size_t count,
                            gch_error *err)
{
    if ((uintptr_t)bytes % sizeof(uint64_t) == 0)
        return bytes;
    if (gch__ensure(place->allocator, (void **)&place->aligned, &place->aligned_cap,
                    count / sizeof(uint64_t) + 1, sizeof(uint64_t), "frame", err) != GCH_OK)
        return NULL;
    memcpy(place->aligned, bytes, count);
    return (const uint8_t *)place->aligned;
}

static void find_rows(gch__live_place *place, gch__live_news *out)
{
    gch__live_frame *frame = &place->frame;
    uint64_t repeated = 0;
    if (place->has_place && frame->first_row < place->next_row)
        repeated = GCH_MIN(place->next_row - frame->first_row, (uint64_t)frame->row_count);
    gch__live_frame_skip_rows(frame, (uint32_t)repeated);
    atomic_fetch_add(&place->repeated_rows, repeated);
    if (frame->row_count == 0)
        return;
    out->has_rows = true;
    out->rows = (gch_follow_rows){.last_sequence = frame->last_sequence,
                                  .first_row = frame->first_row,
                                  .row_count = frame->row_count,
                                  .column_count = frame->column_count,
                                  .times = frame->times,
                                  .columns = frame->columns};
    place->next_row = frame->first_row + frame->row_count;
    atomic_fetch_add(&place->rows, frame->row_count);
}

static void find_summary(gch__live_place *place, gch__live_news *out)
{
    const gch__live_frame *frame = &place->frame;
    const uint64_t end = frame->first_row + frame->stands_for;
    if (place->has_place && end <= place->next_row)
        return;
    out->has_summary = true;
    out->summary = (gch_follow_summary){.last_sequence = frame->last_sequence,
                                        .first_row = frame->first_row,
                                        .row_count = frame->stands_for,
                                        .first_time = frame->first_time,
                                        .last_time = frame->last_time,
                                        .column_count = frame->column_count,
                                        .columns = frame->sums};
    place->next_row = end;
    atomic_fetch_add(&place->summaries, 1);
    atomic_fetch_add(&place->missed_rows, frame->stands_for);
}

gch_status gch__live_place_take(gch__live_place *place, const uint8_t *bytes, size_t count,
                                gch__live_news *out, gch_error *err)
{
    gch__live_frame *frame = &place->frame;
    *out = (gch__live_news){0};
    bytes = align(place, bytes, count, err);
    if (bytes == NULL)
        return GCH_NO_MEMORY;
    GCH_TRY(gch__live_frame_parse(bytes, count, frame, err));
    if (place->column_count != 0 && frame->column_count != place->column_count)
        return gch_fail(err, GCH_CORRUPT, "a live frame has %u columns, those before had %u",
                        frame->column_count, place->column_count);
    place->column_count = frame->column_count;
    /* A frame that is older than the place reached has nothing new. */
    bool is_old = atomic_load(&place->has_sequence) &&
                  frame->last_sequence <= atomic_load(&place->last_sequence);
    if (is_old) {
        atomic_fetch_add(&place->repeated_rows, frame->row_count);
        return GCH_OK;
    }
    if (frame->is_summary)
        find_summary(place, out);
    else
        find_rows(place, out);
    place->has_place = true;
    return GCH_OK;
}

void gch__live_place_advance(gch__live_place *place)
{
    uint64_t sequence = place->frame.last_sequence;
    if (atomic_load(&place->has_sequence) && sequence <= atomic_load(&place->last_sequence))
        return;
    atomic_store(&place->last_sequence, sequence);
    atomic_store(&place->has_sequence, true);
}

bool gch__live_place_greet(gch__live_place *place, const gch__live_greeting *greeting)
{
    bool is_behind = atomic_load(&place->has_sequence) && greeting->next_sequence != 0 &&
                     greeting->next_sequence <= atomic_load(&place->last_sequence);
    if (!greeting->is_other && !is_behind)
        return false;
    uint64_t first = greeting->first_sequence;
    place->has_place = false;
    place->column_count = 0;
    atomic_store(&place->last_sequence, first > 0 ? first - 1 : 0);
    atomic_store(&place->has_sequence, true);
    atomic_store(&place->rows, 0);
    atomic_store(&place->summaries, 0);
    atomic_store(&place->missed_rows, 0);
    atomic_store(&place->repeated_rows, 0);
    atomic_fetch_add(&place->restarts, 1);
    return true;
}

void gch__live_place_get_stats(const gch__live_place *place, gch__live_place_stats *out)
{
    *out = (gch__live_place_stats){
        .has_sequence = atomic_load(&place->has_sequence),
        .last_sequence = atomic_load(&place->last_sequence),
        .rows = atomic_load(&place->rows),
        .summaries = atomic_load(&place->summaries),
        .missed_rows = atomic_load(&place->missed_rows),
        .repeated_rows = atomic_load(&place->repeated_rows),
        .restarts = atomic_load(&place->restarts),
    };
}
