/* From a message to rows that are kept (serve_series.h). */
#include "serve_series.h"

#include <string.h>

#define PURPOSE GCH__HUB_PURPOSE
/* Of batches that wait for the disk, a series. */
#define WAITING_BYTES_MAX ((uint64_t)64 << 20)

/* ---- the ring ---- */

gch_status gch__ring_make_room(gch__hub_series *series, uint64_t count, gch_error *err)
{
    const gch_allocator *allocator = series->live->server->allocator;
    uint64_t wanted = series->next_sequence - series->first_sequence + count;
    size_t cap = series->ring_cap;
    while (cap < wanted)
        cap *= 2;
    if (cap == series->ring_cap)
        return GCH_OK;
    gch__batch **ring = gch__alloc_zero(allocator, cap, sizeof(gch__batch *), PURPOSE);
    if (ring == NULL)
        return gch__no_memory(err, PURPOSE);
    for (uint64_t s = series->first_sequence; s < series->next_sequence; s++)
        ring[s & (cap - 1)] = gch__ring_at(series, s);
    gch__free(allocator, series->ring, PURPOSE);
    series->ring = ring;
    series->ring_cap = cap;
    return GCH_OK;
}

static size_t batch_bytes(const gch__hub_series *series, size_t payload_bytes)
{
    return sizeof(gch__batch) + (size_t)gch__align_up(payload_bytes, 8) +
           series->schema.column_count * sizeof(gch__summary);
}

gch__batch *gch__batch_make(const gch__hub_series *series, gch__span payload, uint32_t row_count)
{
    gch__batch *batch =
        gch__alloc(series->live->server->allocator, batch_bytes(series, payload.count), PURPOSE);
    if (batch == NULL)
        return NULL;
    gch__rows rows;
    *batch = (gch__batch){.row_count = row_count, .payload_bytes = payload.count};
    memcpy(batch->payload, payload.bytes, payload.count);
    batch->summary = (gch__summary *)(void *)(batch->payload + gch__align_up(payload.count, 8));
    gch__rows_split(&series->schema, payload, row_count, &rows);
    gch__rows_summarize(&series->schema, &rows, batch->summary);
    return batch;
}

static int64_t last_time(const gch__batch *batch)
{
    return (int64_t)gch__load_u64(batch->payload + (size_t)8 * (batch->row_count - 1));
}

void gch__ring_push(gch__hub_series *series, gch__batch *batch)
{
    gch__hub *live = series->live;
    series->ring[series->next_sequence & (series->ring_cap - 1)] = batch;
    series->next_sequence++;
    series->row_count += batch->row_count;
    series->bytes += batch_bytes(series, batch->payload_bytes);
    series->last_time = last_time(batch);
    while (series->bytes > live->server->desc.live_bytes_cap &&
           series->next_sequence - series->first_sequence > 1) {
        gch__batch *old = gch__ring_at(series, series->first_sequence++);
        series->bytes -= batch_bytes(series, old->payload_bytes);
        gch__free(live->server->allocator, old, PURPOSE);
    }
}

gch__publisher *gch__find_publisher(gch__hub_series *series, uint64_t name)
{
    gch__publisher *oldest = &series->publishers[0];
    for (size_t i = 0; i < GCH__PUBLISHERS_KEPT; i++) {
        gch__publisher *p = &series->publishers[i];
        if (p->name == name && p->used != 0)
            return p;
        if (p->used < oldest->used)
            oldest = p;
    }
    *oldest = (gch__publisher){.name = name, .used = series->accepted_sequence};
    return oldest;
}

/* ---- on a thread of the jobs ---- */

/* Bits [at, at + count) of a bitmap to the beginning of another. */
static void copy_bits(uint8_t *to, const uint8_t *from, uint32_t at, uint32_t count)
{
    memset(to, 0, (count + 7) / 8);
    for (uint32_t i = 0; i < count; i++, at++)
        to[i / 8] |= (uint8_t)((from[at / 8] >> (at % 8) & 1) << (i % 8));
}

gch_status gch__series_append(gch__hub_series *series, const gch__batch *batch, uint32_t skipped,
                              gch_error *err)
{
    const gch__schema *schema = &series->schema;
    const gch_allocator *allocator = series->live->server->allocator;
    const uint32_t count = batch->row_count - skipped;
    const size_t bitmap_bytes = (count + 7) / 8;
    gch_column_data data[GCH__HUB_COLUMNS_MAX];
    uint8_t *bitmaps = NULL;
    gch__rows rows;
    if (skipped > 0) {
        bitmaps = gch__alloc_array(allocator, schema->column_count, bitmap_bytes, PURPOSE);
        if (bitmaps == NULL)
            return gch__no_memory(err, PURPOSE);
    }
    gch__rows_split(schema, (gch__span){batch->payload, batch->payload_bytes}, batch->row_count,
                    &rows);
    for (uint32_t c = 0; c < schema->column_count; c++) {
        data[c] = (gch_column_data){.values = rows.values[c] +
                                              skipped * gch_type_bytes(schema->columns[c].type),
                                    .validity = rows.validity[c]};
        if (skipped > 0 && rows.validity[c] != NULL) {
            copy_bits(bitmaps + c * bitmap_bytes, rows.validity[c], skipped, count);
            data[c].validity = bitmaps + c * bitmap_bytes;
        }
    }
    const int64_t *times = (const int64_t *)(const void *)rows.times;
    gch_status status = gch_live_append(series->live->server->desc.data, series->source,
                                        times + skipped, data, count, err);
    gch__free(allocator, bitmaps, PURPOSE);
    return status;
}

static gch__journal_batch to_journal(const gch__batch *batch, uint64_t sequence)
{
    return (gch__journal_batch){.sequence = sequence,
                                .first_row = batch->first_row,
                                .publisher = batch->publisher,
                                .publisher_sequence = batch->publisher_sequence,
                                .row_count = batch->row_count,
                                .payload = {batch->payload, batch->payload_bytes}};
}

/* Writes the first `entry_count` entries of the group, where they have batches. */
static gch_status write_group(gch__commit *commit, size_t entry_count, gch_error *err)
{
    const gch_allocator *allocator = commit->series->live->server->allocator;
    size_t count = 0;
    if (entry_count == 0)
        return GCH_OK;
    gch__journal_batch *batches =
        gch__alloc_array(allocator, entry_count, sizeof *batches, PURPOSE);
    if (batches == NULL)
        return gch__no_memory(err, PURPOSE);
    for (const gch__entry *e = commit->group.first; entry_count > 0; e = e->next, entry_count--) {
        if (e->batch != NULL)
            batches[count++] = to_journal(e->batch, e->ack.sequence);
    }
    gch_status status =
        count > 0 ? gch__journal_write(commit->series->journal, batches, count, err) : GCH_OK;
    gch__free(allocator, batches, PURPOSE);
    return status;
}

static void keep_group(gch__commit *commit)
{
    gch__hub_series *series = commit->series;
    gch__journal *journal = series->journal;
    gch_status status = GCH_OK;
    bool is_written = false;
    size_t entry_count = 0;
    for (const gch__entry *e = commit->group.first; e != NULL; e = e->next) {
        is_written = is_written || (journal != NULL && e->batch != NULL);
        entry_count++;
    }
    if (is_written) {
        status = write_group(commit, entry_count, &commit->error);
        is_written = status == GCH_OK;
    }
    for (gch__entry *e = commit->group.first; e != NULL && status == GCH_OK; e = e->next) {
        if (e->batch != NULL)
            status = gch__series_append(series, e->batch, 0, &commit->error);
        commit->kept_count += status == GCH_OK;
    }
    commit->status = status;
    if (status == GCH_OK || !is_written)
        return;
    /* What the live source has no room for must not come back with the next start: its publisher
     * is told that it was not taken. */
    gch_error more;
    if (gch__journal_take_back(journal, &more) != GCH_OK ||
        write_group(commit, commit->kept_count, &more) != GCH_OK)
        commit->kept_count = 0;
}

static void turn_journal(gch__commit *commit)
{
    gch__hub_series *series = commit->series;
    gch_data *data = series->live->server->desc.data;
    gch_live_info info;
    uint64_t kept_row = series->row_count; /* rows before it need no journal */
    commit->status = GCH_OK;
    if (series->has_file)
        commit->status = gch_live_flush(data, series->source, &commit->error);
    if (commit->status == GCH_OK && !series->has_file) {
        commit->status = gch_live_get_info(data, series->source, &info, &commit->error);
        kept_row -= commit->status == GCH_OK ? GCH_MIN(info.row_count, kept_row) : kept_row;
    }
    const uint64_t newest = series->next_sequence - 1;
    const gch__journal_batch batch = to_journal(gch__ring_at(series, newest), newest);
    const gch__span head = {commit->head.bytes, commit->head.count};
    if (commit->status == GCH_OK)
        commit->status = gch__journal_turn(series->journal, head, &batch, &commit->error);
    if (commit->status == GCH_OK)
        gch__journal_drop(series->journal, kept_row);
}

static void commit_run(gch__job *job)
{
    gch__commit *commit = (gch__commit *)(void *)job;
    if (commit->is_turn)
        turn_journal(commit);
    else
        keep_group(commit);
}

/* ---- on the network's thread ---- */

static void list_push(gch__entry_list *list, gch__entry *entry)
{
    entry->next = NULL;
    if (list->last != NULL)
        list->last->next = entry;
    else
        list->first = entry;
    list->last = entry;
}

static void entry_end(gch__hub_series *series, gch__entry *entry)
{
    const gch_allocator *allocator = series->live->server->allocator;
    if (entry->batch != NULL) {
        series->accepted_bytes -= entry->batch->payload_bytes;
        gch__free(allocator, entry->batch, PURPOSE);
    }
    if (entry->done != NULL)
        entry->done(entry->who, &entry->ack, entry->status == GCH_OK ? NULL : &entry->error);
    gch__free(allocator, entry, PURPOSE);
}

/* Fails what has not failed by itself already. */
static void fail_all(gch__hub_series *series, gch__entry *first, const gch_error *err)
{
    for (gch__entry *e = first, *next; e != NULL; e = next) {
        next = e->next;
        if (e->status == GCH_OK) {
            e->status = err->status;
            e->error = *err;
        }
        entry_end(series, e);
    }
}

static void take_kept(gch__hub_series *series, gch__entry *entry)
{
    gch__hub *live = series->live;
    gch__batch *batch = entry->batch;
    if (batch != NULL) {
        live->batches++;
        live->rows += batch->row_count;
        live->bytes += batch->payload_bytes;
        series->accepted_bytes -= batch->payload_bytes;
        if (batch->publisher_sequence != 0) {
            gch__publisher *p = gch__find_publisher(series, batch->publisher);
            p->sequence = GCH_MAX(p->sequence, batch->publisher_sequence);
            p->accepted_sequence = GCH_MAX(p->accepted_sequence, p->sequence);
            p->used = entry->ack.sequence;
        }
        gch__ring_push(series, batch);
        entry->batch = NULL;
    }
    entry_end(series, entry);
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

static void commit_finish(gch__job *job);

/* Begins the next job: a turn of the journal, or all that waits. */
static void commit_begin(gch__hub_series *series)
{
    gch__commit *commit = &series->commit;
    commit->series = series;
    commit->job.run = commit_run;
    commit->job.finish = commit_finish;
    atomic_store(&commit->job.is_cancelled, false);
    commit->group = (gch__entry_list){NULL, NULL};
    if (!commit->is_turn) {
        commit->group = series->queue;
        series->queue = (gch__entry_list){NULL, NULL};
    }
    series->is_busy = true;
    commit->kept_count = 0;
    /* For a job that never runs. */
    commit->status = gch_fail(&commit->error, GCH_CANCELLED, "the server stops");
    gch__jobs_submit(series->live->server->jobs, &commit->job);
}

/* Whether the journal is to go on in a new file; then that is what the next job does. */
static bool begins_turn(gch__hub_series *series)
{
    gch__commit *commit = &series->commit;
    if (series->journal == NULL || gch__journal_is_broken(series->journal) ||
        gch__journal_bytes(series->journal) <= series->turn_bytes)
        return false;
    commit->head.count = 0;
    commit->is_turn = gch__series_put_head(series, &commit->head);
    return commit->is_turn;
}

static void end_turn(gch__hub_series *series)
{
    gch__commit *commit = &series->commit;
    uint64_t cap = series->live->server->desc.live_bytes_cap;
    commit->is_turn = false;
    series->turn_bytes = cap;
    series->live->turns++;
    if (commit->status == GCH_OK || commit->status == GCH_CANCELLED)
        return;
    series->turn_bytes = gch__journal_bytes(series->journal) + cap; /* tried again then */
    gch__server_report(series->live->server, "live", commit->error.message);
}

static void end_group(gch__hub_series *series)
{
    gch__commit *commit = &series->commit;
    gch__entry *entry = commit->group.first;
    size_t left = commit->kept_count;
    commit->group = (gch__entry_list){NULL, NULL};
    for (gch__entry *next; entry != NULL && left > 0; entry = next, left--) {
        next = entry->next;
        take_kept(series, entry);
    }
    if (commit->status == GCH_OK)
        return;
    /* Numbers were given to what waits behind: all of it fails, and is numbered anew when it is
     * published again. */
    gch__entry *queued = series->queue.first;
    series->queue = (gch__entry_list){NULL, NULL};
    series->live->failures++;
    series->accepted_sequence = series->next_sequence;
    series->accepted_rows = series->row_count;
    series->accepted_time = series->last_time;
    for (size_t i = 0; i < GCH__PUBLISHERS_KEPT; i++)
        series->publishers[i].accepted_sequence = series->publishers[i].sequence;
    fail_all(series, entry, &commit->error);
    fail_all(series, queued, &commit->error);
}

static void commit_finish(gch__job *job)
{
    gch__commit *commit = (gch__commit *)(void *)job;
    gch__hub_series *series = commit->series;
    if (commit->is_turn)
        end_turn(series);
    else
        end_group(series);
    if (series->live->is_ending) {
        gch_error stops;
        (void)!gch_fail(&stops, GCH_CANCELLED, "the server stops");
        gch__entry *queued = series->queue.first;
        series->queue = (gch__entry_list){NULL, NULL};
        fail_all(series, queued, &stops);
        series->is_busy = false;
        return;
    }
    wake_followers(series);
    if (begins_turn(series) || series->queue.first != NULL)
        commit_begin(series);
    else
        series->is_busy = false;
}

/* ---- publishing ---- */

/* Reads a message and gives its batch the next numbers. */
static gch_status admit(gch__hub_series *series, gch__span message, bool is_text,
                        const gch__frame *frame, gch__entry *entry, gch_error *err)
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
    gch__publisher *p = NULL;
    bool is_known = false;
    if (status == GCH_OK && parsed.publisher_sequence != 0) {
        p = gch__find_publisher(series, parsed.publisher);
        is_known = parsed.publisher_sequence <= p->accepted_sequence;
    }
    entry->ack.publisher_sequence = parsed.publisher_sequence;
    entry->ack.row_count = parsed.row_count;
    if (status == GCH_OK && !is_known) {
        if (payload.count > WAITING_BYTES_MAX - series->accepted_bytes && series->is_busy)
            status = gch_fail(err, GCH_UNAVAILABLE, "too many batches wait for the disk");
        else if ((int64_t)gch__load_u64(payload.bytes) < series->accepted_time)
            status =
                gch_fail(err, GCH_UNSORTED, "the batch begins before the last time of the series");
        else
            status = gch__ring_make_room(
                series, series->accepted_sequence - series->next_sequence + 1, err);
    }
    if (status == GCH_OK && !is_known) {
        entry->batch = gch__batch_make(series, payload, parsed.row_count);
        if (entry->batch == NULL)
            status = gch__no_memory(err, PURPOSE);
    }
    gch__buffer_reset(&text);
    GCH_TRY(status);
    gch__batch *batch = entry->batch;
    if (batch == NULL)
        return GCH_OK;
    batch->first_row = entry->ack.first_row = series->accepted_rows;
    batch->publisher = parsed.publisher;
    batch->publisher_sequence = parsed.publisher_sequence;
    entry->ack.sequence = series->accepted_sequence++;
    series->accepted_rows += batch->row_count;
    series->accepted_bytes += batch->payload_bytes;
    series->accepted_time = last_time(batch);
    if (p != NULL) {
        p->accepted_sequence = parsed.publisher_sequence;
        p->used = entry->ack.sequence;
    }
    return GCH_OK;
}

void gch__hub_publish(gch__hub_series *series, gch__span message, bool is_text,
                      const gch__frame *frame, gch__published_fn *done, void *who)
{
    gch_error err;
    gch__entry *entry = gch__alloc_zero(series->live->server->allocator, 1, sizeof *entry, PURPOSE);
    if (entry == NULL) {
        (void)!gch__no_memory(&err, PURPOSE);
        done(who, &(gch__ack){.message_bytes = message.count}, &err);
        return;
    }
    entry->done = done;
    entry->who = who;
    entry->ack.message_bytes = message.count;
    entry->status = admit(series, message, is_text, frame, entry, &entry->error);
    if (!series->is_busy && entry->batch == NULL) {
        entry_end(series, entry); /* nothing is to be written, and nothing goes before it */
        return;
    }
    list_push(&series->queue, entry);
    if (!series->is_busy)
        commit_begin(series);
}

static void forget(gch__entry *first, const void *who)
{
    for (gch__entry *e = first; e != NULL; e = e->next) {
        if (e->who == who)
            e->done = NULL;
    }
}

void gch__hub_forget(gch__hub_series *series, const void *who)
{
    forget(series->commit.group.first, who);
    forget(series->queue.first, who);
}
