/* Sources of a page: files fetched by range, images in memory, rows as they come.
 *
 * Invariants:
 *  1. A read is answered from pieces that were handed in, or with GCH_PENDING: nothing waits.
 *  2. A source that is open has no pieces between calls: what was handed in is in the cache, or
 *     given up.
 */
#include "web_state.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#define PURPOSE "web source"
/* Of a live source: some 16 MiB of addresses a column, of which rows touch a third. */
#define SEGMENT_ROWS (1u << 18)

static gch__web_source *make(const char *name, uint64_t byte_count, gch_error *err)
{
    gch__web_source *source =
        gch__alloc_zero(gch__web_instance.allocator, 1, sizeof *source, PURPOSE);
    gch_status status = source != NULL ? GCH_OK : gch__no_memory(err, PURPOSE);
    if (status == GCH_OK) {
        source->byte_count = byte_count;
        source->name = gch__copy_text(gch__web_instance.allocator, name, strlen(name), PURPOSE);
        if (source->name == NULL)
            status = gch__no_memory(err, PURPOSE);
    }
    if (status == GCH_OK)
        status = gch__pool_add(&gch__web_instance.sources, source, 0, &source->id, err);
    if (status == GCH_OK)
        return source;
    if (source != NULL)
        gch__free(gch__web_instance.allocator, source->name, PURPOSE);
    gch__free(gch__web_instance.allocator, source, PURPOSE);
    return NULL;
}

static void drop_pieces(gch__web_source *source)
{
    for (size_t i = 0; i < source->piece_count; i++)
        gch_web_free(source->pieces[i].bytes);
    source->piece_count = 0;
}

static gch_status destroy(gch__web_source *source)
{
    gch__web *web = &gch__web_instance;
    gch_status status = GCH_OK;
    (void)gch__pool_remove(&web->sources, source->id, NULL);
    gch_query_destroy(source->query);
    gch__web_answers_destroy(source->answers);
    drop_pieces(source);
    gch__web_stream_destroy(source->stream);
    if (source->live_file != NULL) {
        gch_live_release_file(web->data, source->live_file);
        status = gch_live_close(web->data, source->handle, &web->err);
    } else if (source->handle.id != 0) {
        status = gch_source_close(web->data, source->handle, &web->err);
    }
    gch__free(gch__web_instance.allocator, source->pieces, PURPOSE);
    gch__free(gch__web_instance.allocator, source->name, PURPOSE);
    gch__free(gch__web_instance.allocator, source, PURPOSE);
    return status;
}

gch__web_source *gch__web_source_get(uint32_t id)
{
    gch__web_source *source = gch__pool_get(&gch__web_instance.sources, id, NULL);
    if (source == NULL)
        (void)!gch_fail(gch__web_err(), GCH_INVALID, "source %u has been closed, or never was", id);
    return source;
}

gch_status gch__web_source_ready(uint32_t id, gch__web_source **out)
{
    gch_error *err = gch__web_err();
    gch__web_source *source = gch__web_source_get(id);
    if (source == NULL)
        return GCH_INVALID;
    if (source->file == NULL)
        return gch_fail(err, GCH_INVALID, "%s is not open yet", source->name);
    *out = source;
    return source->live_file == NULL ? GCH_OK : gch_live_refresh_file(source->live_file, NULL, err);
}

gch_status gch__web_source_query(gch__web_source *source, gch_query **out)
{
    if (source->query == NULL)
        GCH_TRY(gch_query_make(source->file,
                               &(gch_query_desc){.allocator = gch__web_instance.allocator,
                                                 .no_wait = true,
                                                 .answers = gch__web_answers_get(source)},
                               &source->query, gch__web_err()));
    gch__web_instance.drawing = 0; /* what it asks a server for is for no chart */
    *out = source->query;
    return GCH_OK;
}

gch_status gch_web_source_close(uint32_t id)
{
    gch__web_source *source = gch__web_source_get(id);
    return source != NULL ? destroy(source) : GCH_INVALID;
}

/* ---- files fetched by range ---- */

/* The piece that holds a byte, or NULL; *out_next is where the next one begins. */
static const gch__web_piece *find_piece(const gch__web_source *source, uint64_t offset,
                                        uint64_t *out_next)
{
    const gch__web_piece *found = NULL;
    *out_next = UINT64_MAX;
    for (size_t i = 0; i < source->piece_count; i++) {
        const gch__web_piece *p = &source->pieces[i];
        if (offset >= p->offset && offset - p->offset < p->count)
            found = p;
        else if (p->offset > offset)
            *out_next = GCH_MIN(*out_next, p->offset);
    }
    return found;
}

static gch_status read_pieces(void *context, uint64_t offset, size_t byte_count,
                              gch_priority priority, void *out_bytes, const gch_cancel *cancel,
                              gch_error *err)
{
    gch__web_source *source = context;
    uint8_t *out = out_bytes;
    (void)priority, (void)cancel;
    while (byte_count > 0) {
        uint64_t next;
        const gch__web_piece *p = find_piece(source, offset, &next);
        if (p == NULL) {
            source->want_offset = offset;
            source->want_count = GCH_MIN((uint64_t)byte_count, next - offset);
            return gch_fail(err, GCH_PENDING, "%s: %zu bytes at %llu are not here yet",
                            source->name, byte_count, (unsigned long long)offset);
        }
        size_t at = (size_t)(offset - p->offset), part = GCH_MIN(byte_count, p->count - at);
        memcpy(out, p->bytes + at, part);
        out += part;
        offset += part;
        byte_count -= part;
    }
    return GCH_OK;
}

gch_status gch_web_source_make(const char *name, double byte_count, uint32_t *out_id)
{
    gch_error *err = gch__web_err();
    if (!(byte_count >= 1) || byte_count > 0x1p46)
        return gch_fail(err, byte_count == 0 ? GCH_CORRUPT : GCH_INVALID,
                        "%s: a file of %.0f bytes", name, byte_count);
    gch__web_source *source = make(name, (uint64_t)byte_count, err);
    if (source == NULL)
        return GCH_NO_MEMORY;
    *out_id = source->id;
    return GCH_OK;
}

/* Brings every page that the piece holds whole into the cache. */
static gch_status deliver(gch__web_source *source, uint64_t offset, size_t count)
{
    gch_data *data = gch__web_instance.data;
    gch_error *err = gch__web_err();
    uint64_t end = offset + count;
    uint64_t page = gch__align_up(offset, GCH_PAGE_BYTES) / GCH_PAGE_BYTES;
    for (;; page++) {
        uint64_t page_end = GCH_MIN((page + 1) * GCH_PAGE_BYTES, source->byte_count);
        if (page_end > end || page * GCH_PAGE_BYTES >= page_end)
            return GCH_OK;
        gch_page held;
        GCH_TRY(gch_page_acquire(data, source->handle, page, &held, err));
        GCH_TRY(gch_page_release(data, held, err));
    }
}

static gch_status check_piece(const gch__web_source *source, double offset, const void *bytes,
                              size_t count)
{
    if (bytes != NULL && offset >= 0 && offset <= (double)source->byte_count && count > 0 &&
        (double)count <= (double)source->byte_count - offset)
        return GCH_OK;
    return gch_fail(gch__web_err(), GCH_INVALID, "%s: %zu bytes at %.0f are not bytes of it",
                    source->name, count, offset);
}

static gch_status add_piece(gch__web_source *source, uint64_t offset, void *bytes, size_t count)
{
    void *pieces = source->pieces;
    gch_status status =
        gch__ensure(gch__web_instance.allocator, &pieces, &source->piece_cap,
                    source->piece_count + 1, sizeof *source->pieces, PURPOSE, gch__web_err());
    source->pieces = pieces;
    if (status == GCH_OK)
        source->pieces[source->piece_count++] =
            (gch__web_piece){.offset = offset, .count = count, .bytes = bytes};
    return status;
}

gch_status gch_web_source_stage(uint32_t id, double offset, void *bytes, size_t count)
{
    gch__web_source *source = gch__web_source_get(id);
    gch_status status = source != NULL ? check_piece(source, offset, bytes, count) : GCH_INVALID;
    if (status == GCH_OK)
        status = add_piece(source, (uint64_t)offset, bytes, count);
    if (status != GCH_OK) {
        gch_web_free(bytes);
        return status;
    }
    if (source->handle.id == 0)
        return GCH_OK;
    status = deliver(source, (uint64_t)offset, count);
    drop_pieces(source);
    return status;
}

gch_status gch_web_source_open(uint32_t id, gch_web_want *out)
{
    gch__web *web = &gch__web_instance;
    gch__web_source *source = gch__web_source_get(id);
    if (source == NULL)
        return GCH_INVALID;
    if (source->handle.id != 0)
        return gch_fail(&web->err, GCH_EXISTS, "%s is open already", source->name);
    gch_source_ops ops = {.read = read_pieces, .context = source};
    gch_source_desc desc = {.name = source->name};
    gch_status status =
        gch_source_open_ops(web->data, &ops, source->byte_count, &desc, &source->handle, &web->err);
    if (status == GCH_PENDING)
        *out = (gch_web_want){.source = id,
                              .offset = (double)source->want_offset,
                              .byte_count = (double)source->want_count};
    if (status != GCH_OK) {
        source->handle = (gch_source){0};
        return status;
    }
    GCH_TRY(gch_source_get_file(web->data, source->handle, &source->file, &web->err));
    for (size_t i = 0; i < source->piece_count && status == GCH_OK; i++)
        status = deliver(source, source->pieces[i].offset, source->pieces[i].count);
    drop_pieces(source);
    return status;
}

/* ---- images in memory ---- */

gch_status gch__web_source_adopt(const char *name, void *image, size_t count,
                                 void (*free_bytes)(void *context, void *bytes, size_t count),
                                 uint32_t *out_id)
{
    gch__web *web = &gch__web_instance;
    gch__web_source *source = make(name, count, &web->err);
    if (source == NULL)
        return GCH_NO_MEMORY;
    gch_source_desc desc = {.name = name};
    gch_status status = gch_source_open_memory(web->data, image, count, free_bytes, NULL, &desc,
                                               &source->handle, &web->err);
    if (status != GCH_OK) {
        source->handle = (gch_source){0};
        (void)!destroy(source); /* nothing of it is open */
        return status;
    }
    source->is_image = true;
    GCH_TRY(gch_source_get_file(web->data, source->handle, &source->file, &web->err));
    *out_id = source->id;
    return GCH_OK;
}

static void free_staged(void *context, void *bytes, size_t count)
{
    (void)context, (void)count;
    gch_web_free(bytes);
}

gch_status gch_web_source_open_memory(const char *name, void *bytes, size_t count, uint32_t *out_id)
{
    return gch__web_source_adopt(name, bytes, count, free_staged, out_id);
}

/* ---- rows as they come ---- */

gch_status gch_web_source_open_live(const char *name, uint32_t time_unit, const char *time_zone,
                                    const gch_column_desc *columns, uint32_t column_count,
                                    double keep_rows, uint32_t *out_id)
{
    gch__web *web = &gch__web_instance;
    gch__web_source *source = make(name, 0, &web->err);
    if (source == NULL)
        return GCH_NO_MEMORY;
    gch_writer_desc rows = {.time_unit = (gch_time_unit)time_unit,
                            .time_zone = time_zone,
                            .columns = columns,
                            .column_count = column_count,
                            .allocator = web->allocator};
    gch_live_desc desc = {.rows = &rows,
                          .name = name,
                          .segment_rows = SEGMENT_ROWS,
                          .keep_rows = keep_rows > 0 ? (uint64_t)keep_rows : 0};
    gch_status status = gch_live_open(web->data, &desc, &source->handle, &web->err);
    if (status != GCH_OK) {
        source->handle = (gch_source){0};
    } else {
        status = gch_live_acquire_file(web->data, source->handle, &source->live_file, &web->err);
        if (status != GCH_OK)
            (void)!gch_live_close(web->data, source->handle, NULL);
        source->file = source->live_file;
    }
    if (status != GCH_OK) {
        source->handle = (gch_source){0};
        (void)!destroy(source); /* nothing of it is open */
        return status;
    }
    *out_id = source->id;
    return GCH_OK;
}

gch_status gch_web_source_append(uint32_t id, const int64_t *times, const gch_column_data *columns,
                                 size_t row_count)
{
    gch__web *web = &gch__web_instance;
    gch__web_source *source = gch__web_source_get(id);
    if (source == NULL)
        return GCH_INVALID;
    if (source->live_file == NULL)
        return gch_fail(&web->err, GCH_INVALID, "%s is a file: rows cannot be appended",
                        source->name);
    return gch_live_append(web->data, source->handle, times, columns, row_count, &web->err);
}

#define TIMES_A_TASK (1u << 16)

typedef struct times_job {
    uint8_t *values;
    size_t count;
    double factor;
    atomic_size_t first_bad; /* SIZE_MAX: none yet */
} times_job;

static bool convert_time(uint8_t *at, double factor)
{
    double value;
    memcpy(&value, at, sizeof value);
    double scaled = value * factor;
    if (!(fabs(scaled) < 0x1p63))
        return false;
    int64_t ticks = (int64_t)floor(scaled + 0.5);
    memcpy(at, &ticks, sizeof ticks);
    return true;
}

static void convert_times(void *context, size_t task, uint32_t worker)
{
    times_job *job = context;
    size_t row = task * TIMES_A_TASK, end = GCH_MIN(row + TIMES_A_TASK, job->count);
    (void)worker;
    while (row < end && convert_time(job->values + row * sizeof(int64_t), job->factor))
        row++;
    size_t bad = atomic_load(&job->first_bad);
    while (row < end && row < bad && !atomic_compare_exchange_weak(&job->first_bad, &bad, row))
        ;
}

gch_status gch_web_times_from_doubles(void *values, size_t count, double factor, double first_row)
{
    times_job job = {.values = values, .count = count, .factor = factor, .first_bad = SIZE_MAX};
    gch__parallel_for(gch__web_instance.workers, (count + TIMES_A_TASK - 1) / TIMES_A_TASK,
                      convert_times, &job);
    size_t bad = atomic_load(&job.first_bad);
    if (bad == SIZE_MAX)
        return GCH_OK;
    double value;
    memcpy(&value, job.values + bad * sizeof value, sizeof value);
    return gch_fail(gch__web_err(), GCH_INVALID, "the time of row %.0f is %s",
                    first_row + (double)bad, isnan(value) ? "not a number" : "out of range");
}

/* ---- what they hold, what they want ---- */

static void put_value(const char *name, gch_value value)
{
    char text[64];
    gch_value_format(value, 0, text, sizeof text);
    gch__web_put(",\"%s\":", name);
    gch__web_put_text(text);
}

const char *gch_web_source_info(uint32_t id)
{
    gch__web_source *source;
    if (gch__web_source_ready(id, &source) != GCH_OK)
        return NULL;
    const gch_file_info *info = gch_file_get_info(source->file);
    gch__web_text_start();
    gch__web_put("{\"name\":");
    gch__web_put_text(source->name);
    gch__web_put(
        ",\"rows\":%llu,\"bytes\":%llu,\"unit\":\"%s\",\"first\":\"%lld\",\"last\":\"%lld\"",
        (unsigned long long)info->row_count, (unsigned long long)info->file_bytes,
        gch_time_unit_name(info->time_unit), (long long)info->first_time,
        (long long)info->last_time);
    gch__web_put(",\"timeZone\":");
    gch__web_put_text(info->time_zone);
    gch__web_put(",\"source\":");
    gch__web_put_text(info->source);
    if (info->is_point_set)
        gch__web_put(",\"plane\":{\"x\":%u,\"y\":%u}", info->x_column, info->y_column);
    gch__web_put(",\"columns\":[");
    for (uint32_t c = 0; c < info->column_count; c++) {
        const gch_column_info *column = &info->columns[c];
        gch__web_put("%s{\"name\":", c > 0 ? "," : "");
        gch__web_put_text(column->name);
        gch__web_put(",\"unit\":");
        gch__web_put_text(column->unit);
        gch__web_put(",\"type\":\"%s\",\"gaps\":%llu", gch_type_name(column->type),
                     (unsigned long long)column->gap_count);
        put_value("min", column->min);
        put_value("max", column->max);
        gch__web_put("}");
    }
    gch__web_put("]}");
    return gch__web_text_finish();
}

static gch__web_source *find_handle(gch_source handle)
{
    const gch__pool *pool = &gch__web_instance.sources;
    for (uint32_t i = 0; i < pool->used; i++) {
        gch__web_source *source = pool->slots[i].object;
        if (source != NULL && source->handle.id == handle.id)
            return source;
    }
    return NULL;
}

uint32_t gch_web_take_wants(gch_web_want *out, uint32_t cap)
{
    uint32_t count = 0;
    gch_page_run run;
    while (count < cap && gch_data_take_queued(gch__web_instance.data, &run, NULL) == GCH_OK) {
        gch__web_source *source = find_handle(run.source);
        if (source == NULL)
            continue; /* closed meanwhile */
        uint64_t offset = run.first_page * GCH_PAGE_BYTES;
        uint64_t bytes =
            GCH_MIN((uint64_t)run.page_count * GCH_PAGE_BYTES, source->byte_count - offset);
        uint32_t flags = run.is_prefetch ? GCH__WEB_WANT_PREFETCH : 0;
        /* What fails is asked for again, and then reported by who needs it. */
        if (source->is_image && deliver(source, offset, (size_t)bytes) == GCH_OK)
            flags |= GCH__WEB_WANT_LOADED;
        out[count++] = (gch_web_want){.source = source->id,
                                      .flags = flags,
                                      .offset = (double)offset,
                                      .byte_count = (double)bytes};
    }
    return count;
}

gch_status gch_web_source_warm(uint32_t id, uint32_t column, int64_t t0, int64_t t1,
                               uint32_t width_px)
{
    gch__web *web = &gch__web_instance;
    gch__web_source *source;
    GCH_TRY(gch__web_source_ready(id, &source));
    if (source->byte_count == 0)
        return GCH_OK; /* live: all of it is here */
    gch_series series;
    GCH_TRY(gch_series_open(web->data, source->handle, column, &series, &web->err));
    gch_status status =
        gch_data_warm(web->data, series, t0, t1, width_px, GCH_DIRECTION_AROUND, NULL, &web->err);
    GCH_TRY(gch_series_close(web->data, series, &web->err));
    return status == GCH_LIMIT ? GCH_OK : status; /* a hint */
}
