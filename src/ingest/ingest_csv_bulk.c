/* Chunks of CSV on all workers, merged in order.
 *
 * A chunk is guessed to begin behind the first line end at its border, which is wrong only where
 * that line end stands inside quotes. The merge sees it, because the chunk before then ends
 * elsewhere, and parses the chunk again from the right place. Each chunk has rows of the batch of
 * its own, as many as line ends lie before its records; where records turn out to be fewer, the
 * rows behind move up.
 *
 * A record that is not for the bulk stops its chunk only: the caller reads that record, and the
 * rest of the chunk is parsed when it comes back, while the chunks behind stay as they are. So no
 * byte is parsed more than a few times, however many lines are bad.
 *
 * Invariants:
 *  1. chunks[chunk_next, chunk_count) lie behind reader->begin or around it, in order, and their
 *     rows lie behind the batch's.
 *  2. Validity bits behind the batch's rows are ones but for rows of parsed chunks; those of a
 *     chunk that is given up are set again.
 *  3. A chunk's rows never reach the next one's: there is a line end before every record.
 */
#include "ingest_csv_bulk.h"

#include <string.h>

void gch__csv_bulk_reset(gch__csv_bulk *bulk)
{
    if (bulk->job == NULL)
        return;
    const gch_allocator *allocator = bulk->job->allocator;
    for (uint32_t i = 0; bulk->scanners != NULL && i < bulk->scanner_count; i++) {
        bulk->scanners[i].bytes = NULL; /* the reader's */
        gch__csv_reader_close(&bulk->scanners[i]);
    }
    gch__free(allocator, bulk->roles, "csv bulk");
    gch__free(allocator, bulk->targets, "csv bulk");
    gch__free(allocator, bulk->scanners, "csv bulk");
    *bulk = (gch__csv_bulk){0};
}

gch_status gch__csv_bulk_init(gch__csv_bulk *bulk, gch__ingest_job *job, uint32_t field_count,
                              uint32_t time_field, const uint32_t *value_fields,
                              uint32_t value_count, const gch__time_field *time, gch_error *err)
{
    const gch_allocator *allocator = job->allocator;
    const uint32_t worker_count = gch_workers_count(job->desc->workers);
    *bulk = (gch__csv_bulk){.job = job, .kernels = gch__ingest_kernels_get(), .time = time};
    bulk->roles = gch__alloc_array(allocator, field_count, sizeof *bulk->roles, "csv bulk");
    bulk->targets = gch__alloc_zero(allocator, value_count, sizeof *bulk->targets, "csv bulk");
    bulk->scanners = gch__alloc_zero(allocator, worker_count, sizeof *bulk->scanners, "csv bulk");
    if (bulk->roles == NULL || bulk->targets == NULL || bulk->scanners == NULL) {
        gch__csv_bulk_reset(bulk);
        return gch__no_memory(err, "csv bulk");
    }
    bulk->scanner_count = worker_count;
    for (uint32_t i = 0; i < worker_count; i++)
        bulk->scanners[i].allocator = allocator;
    for (uint32_t field = 0; field < field_count; field++)
        bulk->roles[field] = GCH__CSV_SKIP;
    for (uint32_t i = 0; i < value_count; i++)
        bulk->roles[value_fields[i]] = i;
    if (time_field != GCH__NO_FIELD)
        bulk->roles[time_field] = GCH__CSV_TIME;
    bulk->plan = (gch__csv_plan){.field_count = field_count,
                                 .roles = bulk->roles,
                                 .has_time = time_field != GCH__NO_FIELD,
                                 .checks_order = !job->desc->sort,
                                 .columns = bulk->targets};
    return GCH_OK;
}

/* ---- records that are not plain ---- */

static bool take_value(const gch__csv_plan *plan, uint32_t column, gch__span text, size_t row,
                       bool *io_has_gap)
{
    const gch__csv_target *target = &plan->columns[column];
    gch__number_kind kind =
        gch__number_parse(text.bytes, text.count, &target->digits[row], &target->scales[row]);
    if (kind == GCH__NUMBER_GAP) {
        target->digits[row] = 0;
        target->scales[row] = 0;
        gch__csv_set_gap(target, row);
        *io_has_gap = true;
    }
    return kind != GCH__NUMBER_BAD;
}

static bool take_fields(const gch__csv_plan *plan, gch__csv_cursor *cursor,
                        gch__csv_reader *scanner, const gch__csv_record *record, bool *io_has_gap)
{
    int64_t ticks = 0;
    for (uint32_t field = 0; field < plan->field_count; field++) {
        const uint32_t role = plan->roles[field];
        gch__span text;
        if (role == GCH__CSV_SKIP)
            continue;
        if (!gch__csv_reader_text(scanner, record, field, &text))
            return false;
        if (role != GCH__CSV_TIME) {
            if (!take_value(plan, role, text, cursor->row, io_has_gap))
                return false;
            continue;
        }
        if (gch__time_field_read(&cursor->time, text.bytes, text.count, &ticks) != GCH__TIME_OK)
            return false;
        if (plan->checks_order && ticks < cursor->last_time)
            return false;
    }
    if (!plan->has_time)
        return true;
    plan->times[cursor->row] = ticks;
    cursor->last_time = ticks;
    if (cursor->row == cursor->row_begin)
        cursor->first_time = ticks;
    return true;
}

/* The record at the cursor with all rules of quoting; false if it is not a good one. */
static bool take_record(gch__csv_bulk *bulk, gch__csv_cursor *cursor, gch__csv_reader *scanner)
{
    const gch__csv_plan *plan = &bulk->plan;
    const gch__csv_reader *reader = bulk->reader;
    gch__csv_record record;
    size_t bytes;
    uint64_t lines;
    scanner->bytes = reader->bytes;
    scanner->begin = (size_t)(cursor->at - reader->bytes);
    scanner->end = reader->end;
    scanner->is_at_end = reader->is_at_end;
    scanner->delimiter = reader->delimiter;
    if (!gch__csv_reader_peek(scanner, &record, &bytes, &lines) || record.fault != GCH__CSV_SOUND)
        return false;
    if (record.field_count > 0) {
        bool has_gap = false;
        if (record.field_count != plan->field_count || cursor->row == cursor->row_end)
            return false;
        if (!take_fields(plan, cursor, scanner, &record, &has_gap)) {
            for (uint32_t field = 0; has_gap && field < plan->field_count; field++) {
                if (plan->roles[field] < GCH__CSV_TIME)
                    gch__csv_unset_gap(&plan->columns[plan->roles[field]], cursor->row);
            }
            return false;
        }
        cursor->row++;
    }
    cursor->at += bytes;
    cursor->line_count += lines;
    return true;
}

/* ---- chunks ---- */

static void parse_chunk(gch__csv_bulk *bulk, gch__csv_chunk *chunk, int64_t last_time,
                        uint32_t worker)
{
    const gch__csv_reader *reader = bulk->reader;
    const uint8_t *stop = reader->bytes + chunk->stop, *limit = reader->bytes + reader->end;
    gch__csv_cursor *cursor = &chunk->cursor;
    *cursor = (gch__csv_cursor){.at = reader->bytes + chunk->start,
                                .row_begin = chunk->row_first,
                                .row = chunk->row_first,
                                .row_end = chunk->row_end,
                                .last_time = last_time,
                                .time = *bulk->time};
    chunk->is_parsed = true;
    chunk->is_odd = false;
    while (!chunk->is_odd) {
        gch__csv_stop why = bulk->kernels->csv_rows(&bulk->plan, cursor, stop, limit);
        if (why != GCH__CSV_STOP_ODD)
            break;
        chunk->is_odd = !take_record(bulk, cursor, &bulk->scanners[worker]);
    }
}

static void measure_task(void *context, size_t task, uint32_t worker)
{
    (void)worker;
    gch__csv_bulk *bulk = context;
    gch__csv_chunk *chunk = &bulk->chunks[task];
    const uint8_t *bytes = bulk->reader->bytes;
    if (task == 0) { /* a record begins at its border for certain */
        chunk->start = chunk->begin;
        chunk->line_count =
            1 + bulk->kernels->count_lines(bytes + chunk->begin, chunk->stop - chunk->begin - 1);
        return;
    }
    const uint8_t *from = bytes + chunk->begin - 1;
    const size_t count = chunk->stop - chunk->begin;
    const uint8_t *line_end = memchr(from, '\n', count);
    chunk->start = line_end != NULL ? (size_t)(line_end - bytes) + 1 : chunk->stop;
    chunk->line_count = bulk->kernels->count_lines(from, count);
}

static void parse_task(void *context, size_t task, uint32_t worker)
{
    gch__csv_bulk *bulk = context;
    gch__csv_chunk *chunk = &bulk->chunks[task];
    int64_t before = task == 0 && bulk->has_last ? bulk->last_time : INT64_MIN;
    if (chunk->start < chunk->stop)
        parse_chunk(bulk, chunk, before, worker);
}

/* Cuts the buffer up and parses it; false if there is nothing. */
static bool parse_ahead(gch__csv_bulk *bulk, const gch__ingest_sink *sink)
{
    const gch__csv_reader *reader = bulk->reader;
    const size_t chunk_bytes = bulk->job->csv.chunk_bytes;
    size_t count = 0, row = sink->batch.row_count;
    for (size_t at = reader->begin; at < reader->end && count < GCH__CSV_CHUNKS_MAX; count++) {
        size_t stop = reader->end - at > chunk_bytes ? at + chunk_bytes : reader->end;
        bulk->chunks[count] = (gch__csv_chunk){.begin = at, .stop = stop};
        at = stop;
    }
    gch__parallel_for(bulk->job->desc->workers, count, measure_task, bulk);
    for (size_t i = 0; i < count; i++) {
        gch__csv_chunk *chunk = &bulk->chunks[i];
        if (row == sink->row_cap) {
            count = i;
            break;
        }
        chunk->row_first = row;
        row += GCH_MIN(chunk->line_count, sink->row_cap - row);
        chunk->row_end = row;
    }
    bulk->plan.delimiter = reader->delimiter;
    bulk->plan.times = sink->batch.times;
    for (uint32_t i = 0; i < sink->column_count; i++) {
        gch__batch_column *column = &sink->batch.columns[i];
        bulk->targets[i] = (gch__csv_target){.digits = column->values,
                                             .scales = column->scales,
                                             .validity = column->validity,
                                             .has_gaps = &column->has_gaps};
    }
    bulk->has_last = sink->has_last;
    bulk->last_time = sink->last_time;
    gch__parallel_for(bulk->job->desc->workers, count, parse_task, bulk);
    bulk->chunk_count = count;
    bulk->chunk_next = 0;
    bulk->fill_count = reader->fill_count;
    return count > 0;
}

/* ---- the merge ---- */

static void set_valid(const gch__ingest_sink *sink, size_t first, size_t end)
{
    for (uint32_t i = 0; i < sink->column_count; i++) {
        gch__batch_column *column = &sink->batch.columns[i];
        for (size_t row = first; column->has_gaps && row < end; row++)
            gch__batch_unset_gap(column, row);
    }
}

static void give_up(const gch__ingest_sink *sink, gch__csv_chunk *chunk)
{
    if (chunk->is_parsed)
        set_valid(sink, chunk->row_first, chunk->cursor.row);
    chunk->is_parsed = false;
}

/* Rows [from, from + count) to `to` < from, their gaps with them. */
static void move_rows(const gch__ingest_sink *sink, size_t from, size_t to, size_t count)
{
    const gch__batch *batch = &sink->batch;
    if (batch->times != NULL)
        memmove(batch->times + to, batch->times + from, count * sizeof *batch->times);
    for (uint32_t i = 0; i < sink->column_count; i++) {
        gch__batch_column *column = &batch->columns[i];
        int64_t *digits = column->values;
        memmove(digits + to, digits + from, count * sizeof *digits);
        memmove(column->scales + to, column->scales + from, count);
        for (size_t k = 0; column->has_gaps && k < count; k++) {
            if ((column->validity[(from + k) >> 3] >> ((from + k) & 7) & 1) != 0)
                continue;
            gch__batch_unset_gap(column, from + k);
            gch__batch_set_gap(column, to + k);
        }
    }
}

/* Makes the chunk's rows those behind the batch's; false if its first record is too early. */
static bool parse_in_place(gch__csv_bulk *bulk, gch__csv_reader *reader, gch__ingest_sink *sink,
                           gch__csv_chunk *chunk)
{
    const bool checks_time = bulk->plan.has_time && bulk->plan.checks_order && sink->has_last;
    if (!chunk->is_parsed || chunk->start != reader->begin) {
        give_up(sink, chunk);
        chunk->start = reader->begin;
        chunk->row_first = sink->batch.row_count;
        parse_chunk(bulk, chunk, checks_time ? sink->last_time : INT64_MIN, 0);
        return true;
    }
    return !checks_time || chunk->cursor.row == chunk->row_first ||
           chunk->cursor.first_time >= sink->last_time;
}

void gch__csv_bulk_take(gch__csv_bulk *bulk, gch__csv_reader *reader, gch__ingest_sink *sink)
{
    gch__batch *batch = &sink->batch;
    bulk->reader = reader;
    while (batch->row_count < sink->row_cap) {
        if (bulk->fill_count != reader->fill_count)
            gch__csv_bulk_forget(bulk, sink);
        if (bulk->chunk_next == bulk->chunk_count && !parse_ahead(bulk, sink))
            return;
        gch__csv_chunk *chunk = &bulk->chunks[bulk->chunk_next];
        if (reader->begin >= chunk->stop) {
            give_up(sink, chunk);
            bulk->chunk_next++;
            continue;
        }
        if (!parse_in_place(bulk, reader, sink, chunk)) {
            give_up(sink, chunk);
            return;
        }
        const gch__csv_cursor *cursor = &chunk->cursor;
        const size_t count = cursor->row - chunk->row_first;
        if (chunk->row_first != batch->row_count && count > 0)
            move_rows(sink, chunk->row_first, batch->row_count, count);
        if (count > 0 && bulk->plan.has_time && bulk->plan.checks_order) {
            sink->has_last = true;
            sink->last_time = cursor->last_time;
        }
        batch->row_count += count;
        gch__csv_reader_advance(reader, (size_t)(cursor->at - reader->bytes) - reader->begin,
                                cursor->line_count);
        chunk->is_parsed = false; /* its rows are the batch's now */
        if (chunk->is_odd)
            return;
        if (reader->begin < chunk->stop) /* it had no more rows: the batch may have */
            gch__csv_bulk_forget(bulk, sink);
        else
            bulk->chunk_next++;
    }
    gch__csv_bulk_forget(bulk, sink);
}

void gch__csv_bulk_forget(gch__csv_bulk *bulk, const gch__ingest_sink *sink)
{
    for (size_t i = bulk->chunk_next; i < bulk->chunk_count; i++)
        give_up(sink, &bulk->chunks[i]);
    bulk->chunk_count = 0;
    bulk->chunk_next = 0;
}
