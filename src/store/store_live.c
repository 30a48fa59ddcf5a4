/* Live series, the appender's side: see store_live.h.
 *
 * Invariants:
 *  1. An append changes nothing that is shown until all of its rows are in place; then it shows
 *     them under the lock at once. A failed one takes the segments it touched back.
 *  2. Segments are dropped from the front, whole, and never the open one.
 *  3. A segment's memory is charged block by block, in steps of CHARGE_BYTES: an append that is
 *     refused has written a block more than it was given.
 *  4. The list of segments belongs to the lock; of the segments in it the appender knows but
 *     `open`.
 */
#include "store_live_state.h"
#include "store_writer.h"

#include <string.h>

#define CHARGE_BYTES 65536u

/* ---- life ---- */

static gch_status init(gch__live *live, const gch__live_desc *desc, gch_error *err)
{
    const gch_allocator *allocator = live->allocator;
    live->name = gch__copy_text(allocator, desc->name, strlen(desc->name), "live series");
    if (live->name == NULL)
        return gch__no_memory(err, "live series");
    live->meta.allocator = allocator;
    if (desc->base != NULL) {
        GCH_TRY(gch__meta_match(&desc->base->meta, desc->rows, live->name, err));
        GCH_TRY(gch__meta_copy(&live->meta, &desc->base->meta, err));
    } else {
        GCH_TRY(gch__meta_fill(&live->meta, desc->rows, live->name, err));
    }
    uint32_t columns = live->meta.column_count;
    live->plan.columns =
        gch__alloc_zero(allocator, columns, sizeof *live->plan.columns, "live series");
    live->scratch = gch__alloc_array(allocator, columns, sizeof *live->scratch, "live series");
    live->inputs = gch__alloc_array(allocator, columns, sizeof *live->inputs, "live series");
    live->ahead = gch__alloc_zero(allocator, columns, sizeof *live->ahead, "live series");
    live->numbers =
        gch__alloc_array(allocator, GCH_BLOCK_ROWS, sizeof *live->numbers, "live series");
    live->rounded = gch__alloc_array(allocator, columns, sizeof *live->rounded, "live series");
    live->tolerances =
        gch__alloc_array(allocator, columns, sizeof *live->tolerances, "live series");
    if (live->plan.columns == NULL || live->scratch == NULL || live->inputs == NULL ||
        live->numbers == NULL || live->ahead == NULL || live->rounded == NULL ||
        live->tolerances == NULL)
        return gch__no_memory(err, "live series");
    for (uint32_t c = 0; c < columns; c++)
        live->tolerances[c] = live->meta.columns[c].tolerance;
    live->rest.allocator = live->next_rest.allocator = allocator;
    GCH_TRY(gch__row_buffer_init(&live->rest, &live->meta, GCH_BLOCK_ROWS, err));
    GCH_TRY(gch__row_buffer_init(&live->next_rest, &live->meta, GCH_BLOCK_ROWS, err));
    live->base = desc->base;
    if (desc->base != NULL && desc->base->meta.segment_count > 0) {
        const gch__segment *last = &desc->base->segments[desc->base->meta.segment_count - 1];
        memcpy(live->ahead, last->columns, columns * sizeof *live->ahead);
        live->end_rows = desc->base->info.row_count;
        live->end_time = desc->base->info.last_time;
    }
    return GCH_OK;
}

static void destroy(gch__live *live)
{
    const gch_allocator *allocator = live->allocator;
    for (uint32_t i = 0; i < live->segment_count; i++)
        gch__live_end_segment(live, live->segments[i]);
    gch__row_buffer_reset(&live->rest);
    gch__row_buffer_reset(&live->next_rest);
    gch__meta_reset(&live->meta);
    gch__free(allocator, live->plan.columns, "live series");
    gch__free(allocator, live->scratch, "live series");
    gch__free(allocator, live->inputs, "live series");
    gch__free(allocator, live->numbers, "live series");
    gch__free(allocator, live->rounded, "live series");
    gch__free(allocator, live->tolerances, "live series");
    gch__free(allocator, live->ahead, "live series");
    gch__free(allocator, live->touched, "live series");
    gch__free(allocator, live->segments, "live series");
    gch__free(allocator, live->name, "live series");
    pthread_mutex_destroy(&live->lock);
    if (live->desc.end != NULL)
        live->desc.end(live->desc.context);
    gch__free(allocator, live, "live series");
}

gch_status gch__live_make(const gch__live_desc *desc, gch__live **out, gch_error *err)
{
    GCH_TRY(gch__meta_check(desc->rows, desc->name, err));
    if (desc->segment_rows == 0 || desc->segment_rows % GCH_SUPER_ROWS != 0)
        return gch_fail(err, GCH_INVALID, "%s: segments of %u rows", desc->name,
                        desc->segment_rows);
    gch__live *live = gch__alloc_zero(desc->allocator, 1, sizeof *live, "live series");
    if (live == NULL)
        return gch__no_memory(err, "live series");
    live->allocator = desc->allocator;
    live->desc = *desc;
    live->desc.end = NULL;
    live->desc.name = NULL; /* the caller's, as is the next */
    live->desc.rows = NULL;
    atomic_init(&live->refs, 1);
    pthread_mutex_init(&live->lock, NULL);
    gch_status status = init(live, desc, err);
    if (status != GCH_OK) {
        destroy(live);
        return status;
    }
    live->desc.end = desc->end;
    *out = live;
    return GCH_OK;
}

void gch__live_release(gch__live *live)
{
    if (live != NULL && atomic_fetch_sub_explicit(&live->refs, 1, memory_order_acq_rel) == 1)
        destroy(live);
}

bool gch__live_drop(gch__live_segment *segment)
{
    return --segment->refs == 0;
}

void gch__live_end_segment(gch__live *live, gch__live_segment *segment)
{
    if (segment->charged_bytes > 0 && live->desc.discharge != NULL)
        live->desc.discharge(live->desc.context, segment->charged_bytes);
    gch__live_segment_destroy(segment);
}

/* ---- segments ---- */

static gch_status charge(gch__live *live, gch__live_segment *segment, uint64_t bytes,
                         gch_error *err)
{
    if (bytes <= segment->charged_bytes)
        return GCH_OK;
    uint64_t step = gch__align_up(bytes - segment->charged_bytes, CHARGE_BYTES);
    if (live->desc.charge != NULL)
        GCH_TRY(live->desc.charge(live->desc.context, step, err));
    segment->charged_bytes += step;
    return GCH_OK;
}

/* A new open segment, whose kinds suit the rows of the block. */
static gch_status open_segment(gch__live *live, uint32_t count, gch_error *err)
{
    gch__live_segment *segment;
    GCH_TRY(gch__ensure(live->allocator, (void **)&live->touched, &live->touched_cap,
                        (size_t)live->touched_count + 1, sizeof *live->touched, "live series",
                        err));
    GCH_TRY(gch__live_segment_make(live->allocator, live->name, &live->meta,
                                   live->desc.segment_rows, &segment, err));
    for (uint32_t c = 0; c < live->meta.column_count; c++)
        live->plan.columns[c].kind = gch__kind_guess(segment->kernels, &live->inputs[c],
                                                     live->plan.columns[c].kind, count, 1);
    const gch__value_column *before = live->touched_count > 0
                                          ? live->touched[live->touched_count - 1]->grown.columns
                                          : live->ahead;
    gch__live_segment_start(segment, &live->plan, before);
    live->touched[live->touched_count++] = segment;
    return GCH_OK;
}

/* Takes the shown open segment, if there is one, in hand. */
static gch_status begin(gch__live *live, gch_error *err)
{
    live->touched_count = live->touched_old = 0;
    if (live->open == NULL)
        return GCH_OK;
    GCH_TRY(gch__ensure(live->allocator, (void **)&live->touched, &live->touched_cap, 1,
                        sizeof *live->touched, "live series", err));
    live->touched[live->touched_count++] = live->open;
    live->touched_old = 1;
    return GCH_OK;
}

/* Adds the inputs' rows as a block, with as many new segments as that takes.
 * Each turn on an empty segment widens the plan, so there is an end. */
static gch_status add_block(gch__live *live, const int64_t *times, uint32_t count, gch_error *err)
{
    if (live->touched_count == 0)
        GCH_TRY(open_segment(live, count, err));
    for (;;) {
        gch__live_segment *segment = live->touched[live->touched_count - 1];
        if (gch__live_segment_add(segment, &live->plan, times, live->inputs, count, live->scratch))
            return charge(live, segment, gch__live_view_bytes(&segment->grown), err);
        if (segment->grown.segment.row_count == 0) {
            gch__live_segment_start(segment, &live->plan, segment->grown.columns);
            continue;
        }
        gch__live_segment_seal(segment);
        GCH_TRY(open_segment(live, count, err));
    }
}

/* ---- showing ---- */

/* What may be dropped of the front, under the lock. */
static uint32_t count_surplus(const gch__live *live)
{
    const gch__live_desc *desc = &live->desc;
    uint64_t rows = live->row_count, bytes = 0;
    uint32_t surplus = 0;
    for (uint32_t i = 0; desc->keep_bytes > 0 && i < live->segment_count; i++)
        bytes += live->segments[i]->charged_bytes;
    for (; surplus + 1 < live->segment_count; surplus++) {
        const gch__live_segment *segment = live->segments[surplus];
        const gch__segment *first = &segment->shown.segment;
        bool is_surplus =
            (desc->keep_rows > 0 && rows - first->row_count >= desc->keep_rows) ||
            (desc->keep_ticks > 0 &&
             (uint64_t)live->end_time - (uint64_t)first->last_time > desc->keep_ticks) ||
            (desc->keep_bytes > 0 && bytes > desc->keep_bytes);
        if (!is_surplus)
            break;
        rows -= first->row_count;
        bytes -= GCH_MIN(bytes, segment->charged_bytes);
    }
    return surplus;
}

/* Takes `count` segments off the front of the list, under the lock. */
static void unlist(gch__live *live, uint32_t count)
{
    if (count == 0)
        return;
    for (uint32_t i = 0; i < count; i++)
        live->row_count -= live->segments[i]->shown.segment.row_count;
    live->segment_count -= count;
    live->first_number += count;
    memmove(live->segments, live->segments + count, live->segment_count * sizeof *live->segments);
}

/* Shows what the append has done. `touched` has room for all segments there are. */
static void show(gch__live *live, const gch_column_data *columns, size_t row_count)
{
    if (live->touched_count > 0) {
        gch__live_segment *last = live->touched[live->touched_count - 1];
        live->open = last->grown.is_sealed ? NULL : last;
        memcpy(live->ahead, last->grown.columns, live->meta.column_count * sizeof *live->ahead);
    }
    pthread_mutex_lock(&live->lock);
    for (uint32_t i = 0; i < live->touched_count; i++) {
        gch__live_segment *segment = live->touched[i];
        gch__live_view_copy(&segment->shown, &segment->grown);
        if (i >= live->touched_old)
            live->segments[live->segment_count++] = segment;
    }
    gch__row_buffer rest = live->rest;
    live->rest = live->next_rest;
    live->next_rest = rest;
    live->row_count += row_count;
    if (columns != NULL)
        gch__rows_scan(&live->meta, columns, row_count);
    uint32_t surplus = count_surplus(live), ended = 0;
    uint64_t rows = live->row_count;
    for (uint32_t i = 0; i < surplus; i++) { /* those nobody else holds end below */
        if (gch__live_drop(live->segments[i]))
            live->touched[ended++] = live->segments[i];
    }
    unlist(live, surplus);
    live->dropped_rows += rows - live->row_count;
    live->generation++;
    pthread_mutex_unlock(&live->lock);
    for (uint32_t i = 0; i < ended; i++)
        gch__live_end_segment(live, live->touched[i]);
    live->touched_count = live->touched_old = 0;
}

static void take_back(gch__live *live)
{
    for (uint32_t i = live->touched_old; i < live->touched_count; i++)
        gch__live_end_segment(live, live->touched[i]);
    if (live->touched_old > 0)
        gch__live_segment_rollback(live->touched[0]);
    live->touched_count = live->touched_old = 0;
}

/* Room for the lists, so that showing cannot fail. */
static gch_status make_room(gch__live *live, gch_error *err)
{
    pthread_mutex_lock(&live->lock); /* the list may move */
    size_t count = (size_t)live->segment_count + live->touched_count;
    gch_status status = gch__ensure(live->allocator, (void **)&live->segments, &live->segments_cap,
                                    count, sizeof *live->segments, "live series", err);
    if (status == GCH_OK)
        status = gch__ensure(live->allocator, (void **)&live->touched, &live->touched_cap, count,
                             sizeof *live->touched, "live series", err);
    pthread_mutex_unlock(&live->lock);
    return status;
}

/* ---- rows ---- */

/* Adds the rows that wait as a block. */
static gch_status add_waiting(gch__live *live, gch_error *err)
{
    gch__row_buffer *next = &live->next_rest;
    for (uint32_t c = 0; c < live->meta.column_count; c++)
        live->inputs[c] = gch__row_buffer_input(next, &live->meta, c);
    GCH_TRY(add_block(live, next->times, next->row_count, err));
    gch__row_buffer_clear(next);
    return GCH_OK;
}

/* A block straight from the caller's arrays. */
static gch_status add_direct(gch__live *live, const gch__rows_end *end, const int64_t *times,
                             const gch_column_data *columns, size_t from, gch_error *err)
{
    if (times == NULL)
        gch__rows_number(end, GCH_BLOCK_ROWS, live->numbers);
    for (uint32_t c = 0; c < live->meta.column_count; c++) {
        const gch__meta_column *column = &live->meta.columns[c];
        gch__column_input *input = &live->inputs[c];
        *input = gch__rows_input(column->type, &columns[c], from);
        if (!column->step.is_set)
            continue;
        gch__live_rounded *rounded = &live->rounded[c];
        gch__rows_round(&column->step, input, 0, GCH_BLOCK_ROWS, rounded->values, rounded->scales);
        input->values = rounded->values;
        input->scales = input->scales != NULL ? rounded->scales : NULL;
    }
    return add_block(live, times != NULL ? times + from : live->numbers, GCH_BLOCK_ROWS, err);
}

static gch_status add_rows(gch__live *live, gch__rows_end *end, const int64_t *times,
                           const gch_column_data *columns, size_t row_count, gch_error *err)
{
    gch__row_buffer *next = &live->next_rest;
    gch__row_buffer_copy(next, &live->meta, &live->rest);
    for (size_t from = 0; from < row_count;) {
        size_t left = row_count - from;
        uint32_t part = (uint32_t)GCH_MIN(left, (size_t)(GCH_BLOCK_ROWS - next->row_count));
        if (part == GCH_BLOCK_ROWS) {
            GCH_TRY(add_direct(live, end, times, columns, from, err));
        } else {
            int64_t *to = next->times + next->row_count;
            if (times != NULL)
                memcpy(to, times + from, part * sizeof *times);
            else
                gch__rows_number(end, part, to);
            gch__row_buffer_add(next, &live->meta, columns, from, part);
            if (next->row_count == GCH_BLOCK_ROWS)
                GCH_TRY(add_waiting(live, err));
        }
        from += part;
        end->row_count += part;
        end->last_time = times != NULL ? times[from - 1] : end->last_time + part;
    }
    return GCH_OK;
}

gch_status gch__live_append(gch__live *live, const int64_t *times, const gch_column_data *columns,
                            size_t row_count, gch_error *err)
{
    gch__rows_end end = {
        .name = live->name, .row_count = live->end_rows, .last_time = live->end_time};
    GCH_TRY(gch__rows_check(&live->meta, &end, NULL, times, columns, row_count, err));
    if (row_count == 0)
        return GCH_OK;
    if (end.row_count == 0)
        end.last_time = -1; /* before the first number */
    GCH_TRY(begin(live, err));
    gch_status status = add_rows(live, &end, times, columns, row_count, err);
    if (status == GCH_OK)
        status = make_room(live, err);
    if (status != GCH_OK) {
        take_back(live);
        return status;
    }
    live->end_rows = end.row_count;
    live->end_time = end.last_time;
    show(live, columns, row_count);
    return GCH_OK;
}

gch_status gch__live_seal(gch__live *live, gch_error *err)
{
    gch_status status = begin(live, err);
    gch__row_buffer_copy(&live->next_rest, &live->meta, &live->rest);
    if (status == GCH_OK && live->next_rest.row_count > 0)
        status = add_waiting(live, err);
    if (status == GCH_OK)
        status = make_room(live, err);
    if (status != GCH_OK) {
        take_back(live);
        return status;
    }
    if (live->touched_count > 0)
        gch__live_segment_seal(live->touched[live->touched_count - 1]);
    show(live, NULL, 0);
    return GCH_OK;
}

gch_status gch__live_clear(gch__live *live, gch_error *err)
{
    uint32_t ended = 0;
    if (live->base != NULL)
        return gch_fail(err, GCH_INVALID, "%s: it has rows in a file, which stay", live->name);
    GCH_TRY(gch__live_seal(live, err)); /* all rows are in segments then, and none is open */
    pthread_mutex_lock(&live->lock);
    for (uint32_t i = 0; i < live->segment_count; i++) { /* `touched` has room for all */
        if (gch__live_drop(live->segments[i]))
            live->touched[ended++] = live->segments[i];
    }
    live->dropped_rows += live->row_count;
    unlist(live, live->segment_count);
    live->generation++;
    pthread_mutex_unlock(&live->lock);
    for (uint32_t i = 0; i < ended; i++)
        gch__live_end_segment(live, live->touched[i]);
    memset(live->ahead, 0, live->meta.column_count * sizeof *live->ahead);
    live->end_rows = 0;
    live->end_time = 0;
    return GCH_OK;
}

gch__live_stats gch__live_get_stats(gch__live *live)
{
    pthread_mutex_lock(&live->lock);
    gch__live_stats stats = {.base_rows = live->base != NULL ? live->base->info.row_count : 0,
                             .row_count = live->row_count,
                             .dropped_rows = live->dropped_rows,
                             .segment_count = live->segment_count};
    for (uint32_t i = 0; i < live->segment_count; i++)
        stats.byte_count += gch__live_view_bytes(&live->segments[i]->shown);
    pthread_mutex_unlock(&live->lock);
    return stats;
}

/* ---- giving segments to a file ---- */

void gch__live_describe(const gch__live *live, gch_column_desc *columns, gch_writer_desc *out)
{
    const gch__meta *meta = &live->meta;
    for (uint32_t c = 0; c < meta->column_count; c++)
        columns[c] = (gch_column_desc){.name = meta->columns[c].name,
                                       .unit = meta->columns[c].unit,
                                       .type = meta->columns[c].type};
    *out = (gch_writer_desc){.time_unit = meta->time_unit,
                             .time_is_text = meta->time_is_text,
                             .time_name = meta->time_name,
                             .time_zone = meta->time_zone,
                             .source = meta->source,
                             .preset = meta->preset_kind,
                             .tolerance = meta->tolerance,
                             .column_tolerances = live->tolerances,
                             .columns = columns,
                             .column_count = meta->column_count};
}

bool gch__live_has_sealed(gch__live *live)
{
    pthread_mutex_lock(&live->lock);
    bool has_sealed = live->segment_count > 0 && live->segments[0]->shown.is_sealed;
    pthread_mutex_unlock(&live->lock);
    return has_sealed;
}

gch_status gch__live_give(gch__live *live, const gch__live_segment *segment, gch_writer *writer,
                          gch_error *err)
{
    pthread_mutex_lock(&live->lock);
    gch__writer_take_decimals(writer, &live->meta);
    pthread_mutex_unlock(&live->lock);
    return gch__writer_adopt(writer, &segment->shown, err);
}

uint32_t gch__live_hold_sealed(gch__live *live, gch__live_segment **out, uint32_t cap)
{
    uint32_t count = 0;
    pthread_mutex_lock(&live->lock);
    while (count < cap && count < live->segment_count && live->segments[count]->shown.is_sealed) {
        out[count] = live->segments[count];
        out[count++]->refs++;
    }
    pthread_mutex_unlock(&live->lock);
    return count;
}

void gch__live_drop_held(gch__live *live, gch__live_segment **segments, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        pthread_mutex_lock(&live->lock);
        bool is_last = gch__live_drop(segments[i]);
        pthread_mutex_unlock(&live->lock);
        if (is_last)
            gch__live_end_segment(live, segments[i]);
    }
}

void gch__live_rebase(gch__live *live, const gch_file *base, uint32_t segment_count)
{
    pthread_mutex_lock(&live->lock);
    for (uint32_t i = 0; i < segment_count; i++)
        (void)gch__live_drop(live->segments[i]); /* the caller's hold remains */
    unlist(live, segment_count);
    live->base = base;
    live->generation++;
    pthread_mutex_unlock(&live->lock);
}
