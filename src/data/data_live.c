/* Live sources: a growing series of the store (store_live.h), its budget, and the thread that takes
 * full segments to a file.
 *
 * The file is a source like any other, opened anew after each write: files that were lent go on
 * with the old one until they are refreshed.
 *
 * Invariants:
 *  1. A segment leaves memory only when the file has it on the disk and is open with it.
 *  2. Rows that wait for the file never take the whole budget: opening it takes some of that.
 *  3. The writer of rows waits for the thread only when the budget is used up, or in a flush.
 */
#include "data_live.h"
#include "data_state.h"
#include "gch/live.h"
#include "store_writer.h"

#include <string.h>
#include <time.h>

#define SPILL_SEGMENTS 16u /* at once */
/* Full segments go to the file when rows take this part of the budget: rarely, for the file is
 * opened anew each time, and frames then find less of it in memory. */
#define SPILL_SHARE 4u
#define SEGMENT_ROWS_MAX (1u << 24)
#define SEGMENT_ROWS_DEFAULT (1u << 22)
#define SEGMENT_ROWS_LEAST (1u << 14)
#define SEGMENT_ROWS_LEAST_FILE (1u << 16) /* some pages of a file's segment stay in memory */

struct gch__live_source {
    gch_data *data;
    gch__live *live;
    char *path;           /* NULL: memory only */
    gch_writer_desc rows; /* what the file is written with; texts are the series' */
    gch_column_desc *columns;

    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_stopping;
    uint64_t wanted, done; /* writes asked for, and tried */
    uint64_t spill_count;
    gch_error failure; /* of the last write; GCH_OK: none */

    /* The thread's. */
    bool has_base;
    gch_source base; /* the file so far */
    uint64_t base_rows;
    uint32_t written_count; /* segments that the file has and the base has not yet */
    uint64_t written_rows;  /* in them */
};

/* ---- budget ---- */

static void deadline_from_now(int64_t ns, struct timespec *out)
{
    clock_gettime(CLOCK_MONOTONIC, out);
    ns += out->tv_nsec;
    out->tv_sec += ns / 1000000000;
    out->tv_nsec = ns % 1000000000;
}

/* Asks the thread to write what is full, and waits until it has tried; false after the time is up
 * or if there is no thread. */
static bool await_spill(gch__live_source *live, const struct timespec *deadline)
{
    if (!live->has_thread)
        return false;
    pthread_mutex_lock(&live->lock);
    uint64_t ticket = ++live->wanted;
    pthread_cond_broadcast(&live->changed);
    int rc = 0;
    while (live->done < ticket && rc == 0)
        rc = deadline != NULL ? pthread_cond_timedwait(&live->changed, &live->lock, deadline)
                              : pthread_cond_wait(&live->changed, &live->lock);
    bool is_done = live->done >= ticket;
    pthread_mutex_unlock(&live->lock);
    return is_done;
}

/* Takes bytes from the budget; of rows on their way to a file a quarter is kept free, without which
 * the file could not be opened. */
static gch_status take(const gch__live_source *live, uint64_t bytes, gch_error *err)
{
    gch_data *data = live->data;
    uint64_t used = gch__peek(&data->bytes[GCH_BYTES_LIVE]), most = data->host_budget / 4 * 3;
    if (live->path != NULL && (used > most || bytes > most - used))
        return gch_fail(err, GCH_LIMIT,
                        "%s: %llu bytes of rows wait for the file, which is three quarters of the "
                        "host budget of %llu",
                        live->path, (unsigned long long)used,
                        (unsigned long long)data->host_budget);
    return gch__budget_take(data, bytes, GCH_BYTES_LIVE, 0, GCH__ROOM_NOW, err);
}

static gch_status charge(void *context, uint64_t bytes, gch_error *err)
{
    gch__live_source *live = context;
    gch_data *data = live->data;
    struct timespec deadline;
    gch_status status = take(live, bytes, err);
    if (status != GCH_LIMIT || !live->has_thread)
        return status;
    deadline_from_now(data->stall_ns, &deadline);
    uint64_t before;
    do { /* as long as that frees something */
        before = gch__peek(&data->bytes[GCH_BYTES_LIVE]);
        if (!await_spill(live, &deadline))
            break;
        status = take(live, bytes, err);
    } while (status == GCH_LIMIT && gch__peek(&data->bytes[GCH_BYTES_LIVE]) < before);
    if (status == GCH_LIMIT) {
        pthread_mutex_lock(&live->lock);
        if (live->failure.status != GCH_OK)
            status = gch_fail(err, live->failure.status, "%s", live->failure.message);
        pthread_mutex_unlock(&live->lock);
    }
    return status;
}

static void discharge(void *context, uint64_t bytes)
{
    const gch__live_source *live = context;
    gch__budget_give(live->data, bytes, GCH_BYTES_LIVE);
}

/* ---- writing to the file ---- */

static gch_status write_segments(const gch__live_source *live, gch__live_segment *const *segments,
                                 uint32_t count, gch_error *err)
{
    gch_writer *writer;
    gch_status status = gch_writer_open_append(live->path, &live->rows, &writer, err);
    if (status == GCH_NOT_FOUND)
        status = gch_writer_create(live->path, &live->rows, &writer, err);
    GCH_TRY(status);
    for (uint32_t i = 0; i < count && status == GCH_OK; i++)
        status = gch__live_give(live->live, segments[i], writer, err);
    if (status == GCH_OK)
        return gch_writer_finish(writer, err);
    gch_writer_abandon(writer);
    return status;
}

/* The file as it is. GCH_NOT_FOUND. */
static gch_status open_base(const gch__live_source *live, gch_source *out, const gch_file **file,
                            gch_error *err)
{
    GCH_TRY(gch_source_open_file(live->data, live->path, &(gch_source_desc){.io = GCH_IO_READ}, out,
                                 err));
    return gch_source_get_file(live->data, *out, file, err); /* it was opened just now */
}

/* Loads the pages of the new base that are there of the old one, of whose bytes none has changed,
 * so that the next frames find them. As much as there is room for. */
static void carry_pages(const gch__live_source *live, gch_source new_base)
{
    gch__source *from, *to;
    if (gch__source_hold(live->data, live->base, &from, NULL) != GCH_OK)
        return;
    if (gch__source_hold(live->data, new_base, &to, NULL) != GCH_OK) {
        gch__source_drop(from);
        return;
    }
    gch_status status = GCH_OK;
    for (uint64_t page = 0; page < from->page_count && status == GCH_OK;) {
        uint32_t count = 0;
        while (count < GCH__RUN_PAGES && page + count < from->page_count &&
               gch__word_state(atomic_load(&from->words[page + count])) == GCH__PAGE_RESIDENT)
            count++;
        uint32_t claimed = count > 0 ? gch__pages_claim(to, page, count) : 0;
        if (claimed > 0)
            status = gch__pages_load(to, page, claimed, GCH__PRIORITY_VISIBLE, NULL, 0, NULL, NULL);
        for (uint32_t i = 0; i < claimed; i++) { /* as much in use as it was */
            if (gch__page_pin(to, page + i, false) == GCH__PIN_DONE)
                status = gch__page_unpin(to, page + i, NULL);
        }
        page += GCH_MAX(claimed, 1u);
    }
    gch__source_drop(from);
    gch__source_drop(to);
}

/* Lets the file that was written take the place of its segments. */
static gch_status take_base(gch__live_source *live, gch_error *err)
{
    gch_source base;
    const gch_file *file;
    GCH_TRY(open_base(live, &base, &file, err));
    uint64_t rows = gch_file_get_info(file)->row_count;
    if (rows != live->base_rows + live->written_rows) {
        gch_status status =
            gch_fail(err, GCH_CORRUPT, "%s: %llu rows, %llu were written: others write to it too",
                     live->path, (unsigned long long)rows,
                     (unsigned long long)(live->base_rows + live->written_rows));
        (void)!gch_source_close(live->data, base, NULL);
        return status;
    }
    if (live->has_base)
        carry_pages(live, base);
    gch__live_rebase(live->live, file, live->written_count);
    if (live->has_base) /* files that were lent hold the old one as long as they need it */
        GCH_TRY(gch_source_close(live->data, live->base, err));
    live->base = base;
    live->has_base = true;
    live->base_rows = rows;
    live->written_count = 0;
    live->written_rows = 0;
    return GCH_OK;
}

/* Takes full segments to the file; *out_count: how many. */
static gch_status spill(gch__live_source *live, uint32_t *out_count, gch_error *err)
{
    gch__live_segment *segments[SPILL_SEGMENTS];
    uint32_t count = gch__live_hold_sealed(live->live, segments, SPILL_SEGMENTS);
    gch_status status = GCH_OK;
    *out_count = 0;
    if (count > 0 && live->written_count == 0) {
        status = write_segments(live, segments, count, err);
        for (uint32_t i = 0; i < count && status == GCH_OK; i++)
            live->written_rows += segments[i]->shown.segment.row_count;
        live->written_count = status == GCH_OK ? count : 0;
    }
    if (live->written_count > 0) {
        uint32_t taken = live->written_count;
        status = take_base(live, err);
        *out_count = status == GCH_OK ? taken : 0;
    }
    gch__live_drop_held(live->live, segments, count);
    return status;
}

static void *run_spills(void *context)
{
    gch__live_source *live = context;
    pthread_mutex_lock(&live->lock);
    while (!live->is_stopping) {
        if (live->wanted == live->done) {
            pthread_cond_wait(&live->changed, &live->lock);
            continue;
        }
        uint64_t ticket = live->wanted;
        pthread_mutex_unlock(&live->lock);
        gch_error err = {0};
        uint32_t count, spill_count = 0;
        gch_status status;
        do {
            status = spill(live, &count, &err);
            spill_count += count > 0 ? 1 : 0;
        } while (status == GCH_OK && count > 0);
        pthread_mutex_lock(&live->lock);
        live->spill_count += spill_count;
        live->failure = status != GCH_OK ? err : (gch_error){0};
        live->done = ticket;
        pthread_cond_broadcast(&live->changed);
    }
    pthread_mutex_unlock(&live->lock);
    return NULL;
}

/* ---- opening ---- */

static gch_status check_desc(const gch_live_desc *desc, const char *name, gch_error *err)
{
    if (desc->rows == NULL)
        return gch_fail(err, GCH_INVALID, "%s: no columns", name);
    if (desc->segment_rows % GCH_SUPER_ROWS != 0 || desc->segment_rows > SEGMENT_ROWS_MAX)
        return gch_fail(err, GCH_INVALID,
                        "%s: segment_rows: %u is not a multiple of %u of at most %u", name,
                        desc->segment_rows, GCH_SUPER_ROWS, SEGMENT_ROWS_MAX);
    if (desc->path != NULL && (desc->keep_rows | desc->keep_ticks | desc->keep_bytes) != 0)
        return gch_fail(err, GCH_INVALID, "%s: rows that go to a file are all kept", name);
    return GCH_OK;
}

/* So that the open segment takes an eighth of what there is room for at most. */
static uint32_t choose_segment_rows(const gch_data *data, const gch_live_desc *desc)
{
    if (desc->segment_rows != 0)
        return desc->segment_rows;
    uint64_t row_bytes = 8 * (1 + (uint64_t)desc->rows->column_count);
    uint64_t rows = GCH_MIN((uint64_t)SEGMENT_ROWS_DEFAULT, data->host_budget / 8 / row_bytes);
    if (desc->keep_rows != 0)
        rows = GCH_MIN(rows, desc->keep_rows / 8);
    if (desc->keep_bytes != 0)
        rows = GCH_MIN(rows, desc->keep_bytes / 8 / row_bytes);
    rows = GCH_MAX(rows, desc->path != NULL ? (uint64_t)SEGMENT_ROWS_LEAST_FILE
                                            : (uint64_t)SEGMENT_ROWS_LEAST);
    return (uint32_t)(rows / GCH_SUPER_ROWS * GCH_SUPER_ROWS);
}

/* The last file that was lent is gone. */
static void end_source(void *context)
{
    gch__live_source *live = context;
    const gch_allocator *allocator = &live->data->allocator;
    pthread_cond_destroy(&live->changed);
    pthread_mutex_destroy(&live->lock);
    gch__free(allocator, live->path, "live source");
    gch__free(allocator, live->columns, "live source");
    gch__free(allocator, live, "live source");
}

static gch_status start(gch__live_source *live, const gch_live_desc *desc, const char *name,
                        gch_error *err)
{
    gch_data *data = live->data;
    const gch_file *file = NULL;
    if (desc->path != NULL) {
        live->path =
            gch__copy_text(&data->allocator, desc->path, strlen(desc->path), "live source");
        if (live->path == NULL)
            return gch__no_memory(err, "live source");
        gch_status status = open_base(live, &live->base, &file, err);
        if (status != GCH_OK && status != GCH_NOT_FOUND)
            return status;
        live->has_base = status == GCH_OK;
        live->base_rows = file != NULL ? gch_file_get_info(file)->row_count : 0;
    }
    GCH_TRY(gch__live_make(&(gch__live_desc){.name = name,
                                             .rows = desc->rows,
                                             .base = file,
                                             .segment_rows = choose_segment_rows(data, desc),
                                             .keep_rows = desc->keep_rows,
                                             .keep_ticks = desc->keep_ticks,
                                             .keep_bytes = desc->keep_bytes,
                                             .charge = charge,
                                             .discharge = discharge,
                                             .end = end_source,
                                             .context = live,
                                             .allocator = &data->allocator},
                           &live->live, err));
    if (desc->path == NULL)
        return GCH_OK;
    live->columns = gch__alloc_array(&data->allocator, desc->rows->column_count,
                                     sizeof *live->columns, "live source");
    if (live->columns == NULL)
        return gch__no_memory(err, "live source");
    gch__live_describe(live->live, live->columns, &live->rows);
    live->rows.allocator = &data->allocator;
    if (pthread_create(&live->thread, NULL, run_spills, live) != 0)
        return gch_fail(err, GCH_LIMIT, "%s: no thread can be started", name);
    live->has_thread = true;
    return GCH_OK;
}

void gch__live_source_stop(gch__live_source *live)
{
    if (!live->has_thread)
        return;
    pthread_mutex_lock(&live->lock);
    live->is_stopping = true;
    pthread_cond_broadcast(&live->changed);
    pthread_mutex_unlock(&live->lock);
    pthread_join(live->thread, NULL);
    live->has_thread = false;
}

void gch__live_source_destroy(gch__live_source *live)
{
    gch__live_source_stop(live);
    if (live->has_base) /* stale if the manager is being ended */
        (void)!gch_source_close(live->data, live->base, NULL);
    if (live->live != NULL)
        gch__live_release(live->live); /* then end_source, sooner or later */
    else
        end_source(live);
}

gch_status gch_live_open(gch_data *data, const gch_live_desc *desc, gch_source *out, gch_error *err)
{
    const char *name = desc->name != NULL ? desc->name : desc->path != NULL ? desc->path : "live";
    GCH_TRY(check_desc(desc, name, err));
    gch__live_source *live = gch__alloc_zero(&data->allocator, 1, sizeof *live, "live source");
    if (live == NULL)
        return gch__no_memory(err, "live source");
    live->data = data;
    pthread_mutex_init(&live->lock, NULL);
    gch__cond_init(&live->changed);
    gch_status status = start(live, desc, name, err);
    if (status != GCH_OK) {
        gch__live_source_destroy(live);
        return status;
    }
    return gch__source_make_live(data, name, live, out, err);
}

/* ---- use ---- */

static gch_status hold(gch_data *data, gch_source handle, gch__source **out, gch_error *err)
{
    GCH_TRY(gch__source_hold(data, handle, out, err));
    if ((*out)->live != NULL)
        return GCH_OK;
    gch_status status = gch_fail(err, GCH_INVALID, "%s: it is no live source", (*out)->name);
    gch__source_drop(*out);
    return status;
}

gch_status gch_live_append(gch_data *data, gch_source handle, const int64_t *times,
                           const gch_column_data *columns, size_t row_count, gch_error *err)
{
    gch__source *source;
    GCH_TRY(hold(data, handle, &source, err));
    gch__live_source *live = source->live;
    gch_status status = gch__live_append(live->live, times, columns, row_count, err);
    bool is_much = gch__peek(&data->bytes[GCH_BYTES_LIVE]) > data->host_budget / SPILL_SHARE;
    if (live->has_thread && is_much && gch__live_has_sealed(live->live)) {
        pthread_mutex_lock(&live->lock);
        if (live->wanted == live->done && live->failure.status == GCH_OK) {
            live->wanted++;
            pthread_cond_broadcast(&live->changed);
        }
        pthread_mutex_unlock(&live->lock);
    }
    gch__source_drop(source);
    return status;
}

gch_status gch_live_clear(gch_data *data, gch_source handle, gch_error *err)
{
    gch__source *source;
    GCH_TRY(hold(data, handle, &source, err));
    gch_status status =
        source->live->path == NULL
            ? gch__live_clear(source->live->live, err)
            : gch_fail(err, GCH_INVALID, "%s: its rows are for a file", source->name);
    gch__source_drop(source);
    return status;
}

static gch_status flush(gch__live_source *live, gch_error *err)
{
    GCH_TRY(gch__live_seal(live->live, err));
    (void)await_spill(live, NULL);
    pthread_mutex_lock(&live->lock);
    gch_error failure = live->failure;
    pthread_mutex_unlock(&live->lock);
    return failure.status == GCH_OK ? GCH_OK : gch_fail(err, failure.status, "%s", failure.message);
}

gch_status gch_live_flush(gch_data *data, gch_source handle, gch_error *err)
{
    gch__source *source;
    GCH_TRY(hold(data, handle, &source, err));
    gch_status status =
        source->live->has_thread
            ? flush(source->live, err)
            : gch_fail(err, GCH_INVALID, "%s: it has no file to flush to", source->name);
    gch__source_drop(source);
    return status;
}

gch_status gch_live_close(gch_data *data, gch_source handle, gch_error *err)
{
    gch__source *source;
    gch_status status = GCH_OK;
    GCH_TRY(hold(data, handle, &source, err));
    if (source->live->has_thread)
        status = flush(source->live, err);
    gch__source_drop(source);
    gch_status closed = gch_source_close(data, handle, status == GCH_OK ? err : NULL);
    return status != GCH_OK ? status : closed;
}

gch_status gch_live_get_info(gch_data *data, gch_source handle, gch_live_info *out, gch_error *err)
{
    gch__source *source;
    GCH_TRY(hold(data, handle, &source, err));
    gch__live_source *live = source->live;
    gch__live_stats stats = gch__live_get_stats(live->live);
    pthread_mutex_lock(&live->lock);
    *out = (gch_live_info){.row_count = stats.base_rows + stats.row_count,
                           .memory_rows = stats.row_count,
                           .dropped_rows = stats.dropped_rows,
                           .segment_count = stats.segment_count,
                           .memory_bytes = stats.byte_count,
                           .spill_count = live->spill_count,
                           .spill_status = live->failure.status};
    pthread_mutex_unlock(&live->lock);
    gch__source_drop(source);
    return GCH_OK;
}

gch_status gch_live_acquire_file(gch_data *data, gch_source handle, gch_file **out, gch_error *err)
{
    gch__source *source;
    GCH_TRY(hold(data, handle, &source, err));
    gch_status status = gch__live_lend(source->live->live, out, err);
    if (status == GCH_OK)
        atomic_fetch_add(&data->reader_count, 1); /* the manager must outlive it */
    gch__source_drop(source);
    return status;
}

gch_status gch_live_refresh_file(gch_file *file, bool *out_has_changed, gch_error *err)
{
    return gch__live_refresh(file, out_has_changed, err);
}

void gch_live_release_file(gch_data *data, gch_file *file)
{
    if (file == NULL)
        return;
    gch__file_close(file);
    atomic_fetch_sub(&data->reader_count, 1);
}
