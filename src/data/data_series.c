/* Series, and which pages their rows lie in.
 *
 * Invariants:
 *  1. A series handle names a column and the handle of its source; it is good as long as both are.
 *  2. Pages are read through a reader of the job's own, never through the file's, which would hold
 *     them for good.
 */
#include "data_state.h"
#include "store_file.h"

static gch_status fail_stale(gch_error *err)
{
    return gch_fail(err, GCH_INVALID, "series: the handle is stale or was never valid");
}

gch_status gch__series_hold(gch_data *data, gch_series handle, gch__source **out,
                            uint32_t *out_column, gch_error *err)
{
    uint64_t number = 0;
    gch__source *source = NULL;
    pthread_mutex_lock(&data->handles_lock);
    if (gch__pool_get(&data->series, handle.id, &number) != NULL)
        source = gch__pool_get(&data->sources, (uint32_t)(number >> 32), NULL);
    if (source != NULL)
        gch__source_keep(source);
    pthread_mutex_unlock(&data->handles_lock);
    if (source == NULL)
        return fail_stale(err);
    *out = source;
    *out_column = (uint32_t)number;
    return GCH_OK;
}

static gch_status check_is_file(const gch__source *source, gch_error *err)
{
    if (source->file == NULL)
        return gch_fail(err, GCH_UNSUPPORTED, "%s: it was not opened as a .gch file", source->name);
    return GCH_OK;
}

static gch_status add_series(gch_data *data, gch_source handle, uint32_t column, gch_series *out,
                             gch_error *err)
{
    pthread_mutex_lock(&data->handles_lock);
    /* The object only marks the slot as used: a series is its number. */
    gch_status status =
        gch__pool_add(&data->series, data, (uint64_t)handle.id << 32 | column, &out->id, err);
    pthread_mutex_unlock(&data->handles_lock);
    return status;
}

gch_status gch_series_open(gch_data *data, gch_source handle, uint32_t column, gch_series *out,
                           gch_error *err)
{
    gch__source *source;
    GCH_TRY(gch__source_hold(data, handle, &source, err));
    gch_status status = check_is_file(source, err);
    if (status == GCH_OK && column >= source->file->info.column_count)
        status = gch_fail(err, GCH_NOT_FOUND, "%s: column %u asked for, there are %u", source->name,
                          column, source->file->info.column_count);
    if (status == GCH_OK)
        status = add_series(data, handle, column, out, err);
    gch__source_drop(source);
    return status;
}

gch_status gch_series_open_named(gch_data *data, gch_source handle, const char *column,
                                 gch_series *out, gch_error *err)
{
    gch__source *source;
    GCH_TRY(gch__source_hold(data, handle, &source, err));
    gch_status status = check_is_file(source, err);
    if (status == GCH_OK) {
        uint32_t index = gch_file_find_column(source->file, column);
        status =
            index == GCH_COLUMN_NOT_FOUND
                ? gch_fail(err, GCH_NOT_FOUND, "%s: it has no column \"%s\"", source->name, column)
                : add_series(data, handle, index, out, err);
    }
    gch__source_drop(source);
    return status;
}

gch_status gch_series_close(gch_data *data, gch_series handle, gch_error *err)
{
    pthread_mutex_lock(&data->handles_lock);
    bool is_known = gch__pool_remove(&data->series, handle.id, NULL) != NULL;
    pthread_mutex_unlock(&data->handles_lock);
    return is_known ? GCH_OK : fail_stale(err);
}

/* ---- places ---- */

typedef struct emitter {
    const gch_file *file;
    gch__range_fn *each;
    void *context;
    bool is_over;
} emitter;

static void emit(emitter *e, const void *bytes, size_t count)
{
    if (count == 0 || e->is_over)
        return;
    uint64_t offset = (uint64_t)((const uint8_t *)bytes - e->file->image);
    uint64_t first = offset / GCH_PAGE_BYTES, last = (offset + count - 1) / GCH_PAGE_BYTES;
    e->is_over = !e->each(e->context, first, last - first + 1);
}

/* `bits` rows of packed payload at a directory's entry, if they lie in the segment. */
static gch_status emit_payload(emitter *e, const gch__segment *segment, uint32_t entry,
                               uint64_t bits, gch_error *err)
{
    uint64_t start = (uint64_t)entry * GCH__PAYLOAD_UNIT, bytes = bits * GCH__PAYLOAD_UNIT;
    if (start + bytes > segment->pages->payload_bytes)
        return gch_fail(err, GCH_CORRUPT, "%s: a directory points outside of its segment",
                        segment->pages->name);
    emit(e, segment->pages->bytes + start, (size_t)bytes);
    return GCH_OK;
}

static gch_status emit_times(emitter *e, const gch__segment *segment, uint32_t first, uint32_t last,
                             gch_error *err)
{
    const gch__time_column *time = &segment->time;
    if (time->run_count > 0)
        return GCH_OK;
    uint32_t super = first / GCH_SUPER_BLOCKS;
    const gch__time_line *lines = &time->lines[first];
    size_t lines_bytes = (last - first + 1u) * sizeof *lines;
    emit(e, &time->supers[super], sizeof time->supers[0]);
    emit(e, lines, lines_bytes);
    emit(e, &time->directory[super], sizeof time->directory[0]);
    GCH_TRY(gch__segment_check(segment, lines, lines_bytes, err));
    GCH_TRY(gch__segment_check(segment, &time->directory[super], sizeof time->directory[0], err));
    uint64_t bits = 0;
    for (uint32_t b = first; b <= last; b++)
        bits += GCH_MIN(time->lines[b].bits, 64u);
    return emit_payload(e, segment, time->directory[super], bits, err);
}

static uint32_t block_bits(const gch__value_column *column, uint32_t block)
{
    if (column->map.is_wide) {
        const gch__pair64 *pair = (const gch__pair64 *)column->levels[0] + block;
        return pair->min > pair->max ? 0 : gch__bits_u64(pair->max - pair->min);
    }
    const gch__pair32 *pair = (const gch__pair32 *)column->levels[0] + block;
    return pair->min > pair->max ? 0 : gch__bits_u32(pair->max - pair->min);
}

static gch_status emit_values(emitter *e, const gch__segment *segment,
                              const gch__value_column *column, uint32_t first, uint32_t last,
                              gch_error *err)
{
    size_t pair = column->map.is_wide ? sizeof(gch__pair64) : sizeof(gch__pair32);
    uint32_t super = first / GCH_SUPER_BLOCKS;
    uint32_t group = first / GCH_TREE_FANOUT * GCH_TREE_FANOUT;
    uint32_t group_end = GCH_MIN(group + GCH_TREE_FANOUT, segment->block_count);
    const uint8_t *headers = (const uint8_t *)column->levels[0] + group * pair;
    size_t headers_bytes = (group_end - group) * pair;
    const uint32_t *entry = &column->directory[super], *bitmap;
    emit(e, headers, headers_bytes);
    emit(e, entry, sizeof *entry);
    GCH_TRY(gch__segment_check(segment, headers, headers_bytes, err));
    GCH_TRY(gch__segment_check(segment, entry, sizeof *entry, err));
    uint64_t bits = 0;
    for (uint32_t b = first; b <= last; b++)
        bits += block_bits(column, b);
    GCH_TRY(emit_payload(e, segment, *entry, bits, err));
    GCH_TRY(gch__column_bitmap(segment, column, super, &bitmap, err));
    if (bitmap != NULL)
        emit(e, bitmap, GCH__BITMAP_WORDS * sizeof *bitmap);
    return GCH_OK;
}

gch_status gch__super_pages(const gch__source *source, gch__reader *reader, uint32_t segment_index,
                            uint32_t column, uint32_t super, gch__range_fn *each, void *context,
                            gch_error *err)
{
    gch__segment segment = source->file->segments[segment_index];
    segment.reader = reader;
    emitter e = {.file = source->file, .each = each, .context = context};
    uint32_t first = super * GCH_SUPER_BLOCKS;
    uint32_t last = GCH_MIN(first + GCH_SUPER_BLOCKS, segment.block_count) - 1;
    /* Both before either's failure: what one still lacks does not keep the other waiting. */
    gch_status times = emit_times(&e, &segment, first, last, err);
    gch_status values = emit_values(&e, &segment, &segment.columns[column], first, last, err);
    return times != GCH_OK ? times : values;
}

/* ---- invalidation ---- */

static bool invalidate_range(void *context, uint64_t first_page, uint64_t page_count)
{
    gch__source *source = context;
    for (uint64_t page = first_page; page < first_page + page_count; page++)
        gch__page_invalidate(source, page, GCH_EVICT_INVALIDATED);
    return true;
}

static bool pass_range(void *context, uint64_t first_page, uint64_t page_count)
{
    (void)context, (void)first_page, (void)page_count;
    return true;
}

/* Rows [first, last), first < last, of a segment. */
static void invalidate_in_segment(gch__source *source, gch__reader *reader, uint32_t segment_index,
                                  uint32_t column, uint64_t first, uint64_t last)
{
    for (uint64_t super = first / GCH_SUPER_ROWS; super <= (last - 1) / GCH_SUPER_ROWS; super++) {
        uint32_t at = (uint32_t)super;
        gch__reader_begin(reader, GCH__READ_BLOCK, GCH__PRIORITY_VISIBLE, NULL);
        /* First only read: pages that tell where the others are must not come back for that. */
        if (gch__super_pages(source, reader, segment_index, column, at, pass_range, NULL, NULL) ==
                GCH_OK &&
            gch__super_pages(source, reader, segment_index, column, at, invalidate_range, source,
                             NULL) == GCH_OK)
            continue;
        /* Where rows lie cannot be told from damaged pages: all of the segment goes. */
        const struct gch__segment_pages *pages = &source->file->pages[segment_index];
        (void)invalidate_range(source, pages->offset / GCH_PAGE_BYTES,
                               pages->body_bytes / GCH_PAGE_BYTES);
        return;
    }
}

gch_status gch_series_invalidate_rows(gch_data *data, gch_series handle, uint64_t first_row,
                                      uint64_t row_count, gch_error *err)
{
    gch__source *source;
    uint32_t column;
    GCH_TRY(gch__series_hold(data, handle, &source, &column, err));
    const gch_file *file = source->file;
    uint64_t rows = file->meta.row_count;
    gch__reader *reader = NULL;
    gch_status status = gch__reader_make_inside(source, &reader, err);
    GCH_TRY_GOTO(status, cleanup);
    if (first_row > rows || row_count > rows - first_row) {
        status = gch_fail(err, GCH_INVALID, "%s: rows %llu to %llu named, there are %llu",
                          source->name, (unsigned long long)first_row,
                          (unsigned long long)(first_row + row_count), (unsigned long long)rows);
    } else {
        for (uint32_t s = 0; s < file->meta.segment_count; s++) {
            const gch__segment *segment = &file->segments[s];
            uint64_t start = GCH_MAX(first_row, segment->first_row);
            uint64_t end = GCH_MIN(first_row + row_count, segment->first_row + segment->row_count);
            if (start < end)
                invalidate_in_segment(source, reader, s, column, start - segment->first_row,
                                      end - segment->first_row);
        }
    }

cleanup:
    gch__reader_destroy(reader);
    gch__source_drop(source);
    return status;
}
