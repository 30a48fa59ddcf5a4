/* Footer, trailer, slots: see store_footer.h and docs/format.md.
 *
 * Invariants:
 *  1. A footer is parsed whole before any of it is used: sizes first, then texts, then the order of
 *     segments.
 *  2. Segments lie in file order, apart from each other, within what is committed.
 */
#include "store_footer.h"

#include <string.h>

void gch__meta_reset(gch__meta *meta)
{
    for (uint32_t c = 0; meta->columns != NULL && c < meta->column_count; c++) {
        gch__free(meta->allocator, meta->columns[c].name, "names");
        gch__free(meta->allocator, meta->columns[c].unit, "names");
    }
    gch__free(meta->allocator, meta->columns, "names");
    gch__free(meta->allocator, meta->time_name, "names");
    gch__free(meta->allocator, meta->time_zone, "names");
    gch__free(meta->allocator, meta->source, "names");
    gch__free(meta->allocator, meta->preset, "names");
    *meta = (gch__meta){0};
}

bool gch__text_is_utf8(const char *text, size_t length)
{
    const uint8_t *bytes = (const uint8_t *)text;
    for (size_t i = 0; i < length;) {
        uint32_t lead = bytes[i], extra, least;
        if (lead >= 1 && lead < 0x80) {
            i++;
            continue;
        }
        if (lead >= 0xC2 && lead < 0xE0) {
            extra = 1, least = 0x80, lead &= 0x1F;
        } else if (lead >= 0xE0 && lead < 0xF0) {
            extra = 2, least = 0x800, lead &= 0x0F;
        } else if (lead >= 0xF0 && lead < 0xF5) {
            extra = 3, least = 0x10000, lead &= 0x07;
        } else {
            return false;
        }
        if (length - i <= extra)
            return false;
        uint32_t code = lead;
        for (uint32_t k = 1; k <= extra; k++) {
            if ((bytes[i + k] & 0xC0) != 0x80)
                return false;
            code = code << 6 | (bytes[i + k] & 0x3Fu);
        }
        if (code < least || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
            return false;
        i += extra + 1;
    }
    return true;
}

/* ---- writing ---- */

static bool put_text(gch__buffer *text, const char *string, gch__disk_text *out)
{
    size_t bytes = strlen(string);
    *out = (gch__disk_text){.offset = (uint32_t)text->count, .bytes = (uint32_t)bytes};
    return gch__buffer_append(text, string, bytes);
}

/* The mark of a point set is a word behind the preset, which older readers show and pass over. */
static bool put_preset(gch__buffer *text, const gch__meta *meta, gch__disk_text *out)
{
    char mark[48];
    size_t bytes = gch__point_mark_print(meta->points, mark, sizeof mark);
    if (!put_text(text, meta->preset, out))
        return false;
    out->bytes += (uint32_t)bytes;
    return gch__buffer_append(text, mark, bytes);
}

static bool put_columns(const gch__meta *meta, gch__buffer *out, gch__buffer *text)
{
    for (uint32_t c = 0; c < meta->column_count; c++) {
        const gch__meta_column *column = &meta->columns[c];
        gch__disk_column disk = {
            .type = column->type,
            .decimals = column->decimals,
            .fixed_scale = column->decimals == GCH__DECIMALS_FIXED ? column->fixed_scale : 0,
        };
        if (!put_text(text, column->name, &disk.name) ||
            !put_text(text, column->unit, &disk.unit) ||
            !gch__buffer_append(out, &disk, sizeof disk))
            return false;
    }
    return true;
}

gch_status gch__footer_write(const gch__meta *meta, uint64_t offset, gch__buffer *out,
                             gch__disk_commit *out_commit, gch_error *err)
{
    static const uint8_t zeros[GCH__ALIGN];
    gch__buffer text = {.allocator = meta->allocator, .purpose = "footer"};
    gch__disk_footer head = {
        .magic = GCH__MAGIC_FOOTER,
        .column_count = meta->column_count,
        .generation = meta->generation,
        .row_count = meta->row_count,
        .previous_offset = meta->previous_offset,
        .previous_bytes = meta->previous_bytes,
        .segment_count = meta->segment_count,
        .time_unit = meta->time_unit,
        .flags = meta->time_is_text ? GCH__FOOTER_TIME_IS_TEXT : 0,
    };
    size_t start = out->count;
    bool is_done =
        put_text(&text, meta->time_name, &head.time_name) &&
        put_text(&text, meta->time_zone, &head.time_zone) &&
        put_text(&text, meta->source, &head.source) && put_preset(&text, meta, &head.preset) &&
        gch__buffer_append(out, &head, sizeof head) && put_columns(meta, out, &text) &&
        gch__buffer_append(out, meta->segments, meta->segment_count * sizeof *meta->segments) &&
        gch__buffer_append(out, text.bytes, text.count);
    size_t tail = (GCH__ALIGN - (out->count - start + sizeof(uint64_t)) % GCH__ALIGN) % GCH__ALIGN;
    is_done = is_done && gch__buffer_append(out, zeros, tail);
    if (is_done) {
        head.text_bytes = (uint32_t)text.count;
        memcpy(out->bytes + start, &head, sizeof head);
        uint64_t sum = gch__checksum(out->bytes + start, out->count - start);
        is_done = gch__buffer_append(out, &sum, sizeof sum);
        uint64_t footer_bytes = out->count - start;
        *out_commit = (gch__disk_commit){
            .magic = GCH__MAGIC_COMMIT,
            .version = GCH__FORMAT_VERSION,
            .generation = meta->generation,
            .committed_bytes = offset + footer_bytes + sizeof *out_commit,
            .footer_offset = offset,
            .footer_bytes = footer_bytes,
        };
        out_commit->checksum = gch__checksum(out_commit, offsetof(gch__disk_commit, checksum));
        is_done = is_done && gch__buffer_append(out, out_commit, sizeof *out_commit);
    }
    gch__buffer_reset(&text);
    return is_done ? GCH_OK : gch__no_memory(err, "footer");
}

gch__disk_header gch__header_make(void)
{
    gch__disk_header header = {
        .magic = GCH__MAGIC_HEADER, .version = GCH__FORMAT_VERSION, .page_bytes = GCH__PAGE_BYTES};
    header.checksum = gch__checksum(&header, offsetof(gch__disk_header, checksum));
    return header;
}

/* ---- the first page ---- */

gch_status gch__header_check(const char *name, const uint8_t *image, uint64_t size, gch_error *err)
{
    gch__disk_header header = {0};
    memcpy(&header, image, (size_t)GCH_MIN(size, (uint64_t)sizeof header));
    if (header.magic != GCH__MAGIC_HEADER)
        return gch_fail(err, GCH_CORRUPT, "%s: not a .gch file (it does not start with \"GCHF\")",
                        name);
    if (size < GCH__PAGE_BYTES)
        return gch_fail(err, GCH_CORRUPT,
                        "%s: truncated: %llu bytes present, the first page has %u", name,
                        (unsigned long long)size, GCH__PAGE_BYTES);
    if (header.checksum != gch__checksum(&header, offsetof(gch__disk_header, checksum)))
        return gch_fail(err, GCH_CORRUPT,
                        "%s: the header (byte 0) is damaged: its checksum does not match", name);
    if (header.version != GCH__FORMAT_VERSION)
        return gch_fail(err, GCH_UNSUPPORTED,
                        "%s: format version %u is not supported; this program reads version %u",
                        name, header.version, GCH__FORMAT_VERSION);
    if (header.page_bytes != GCH__PAGE_BYTES || header.reserved != 0 || header.reserved_too != 0)
        return gch_fail(err, GCH_CORRUPT, "%s: the header (byte 0) has pages of %u bytes, not %u",
                        name, header.page_bytes, GCH__PAGE_BYTES);
    return GCH_OK;
}

gch__commit_state gch__commit_get(const uint8_t *bytes, gch__disk_commit *out)
{
    static const gch__disk_commit unused;
    memcpy(out, bytes, sizeof *out);
    if (memcmp(out, &unused, sizeof unused) == 0)
        return GCH__COMMIT_UNUSED;
    uint64_t end;
    bool is_sound = out->checksum == gch__checksum(out, offsetof(gch__disk_commit, checksum)) &&
                    out->magic == GCH__MAGIC_COMMIT && out->version == GCH__FORMAT_VERSION &&
                    out->generation > 0 && out->reserved[0] == 0 && out->reserved[1] == 0 &&
                    out->footer_offset >= GCH__PAGE_BYTES && out->footer_offset % GCH__ALIGN == 0 &&
                    out->footer_bytes >= sizeof(gch__disk_footer) + sizeof(uint64_t) &&
                    out->footer_bytes % GCH__ALIGN == 0 &&
                    !__builtin_add_overflow(out->footer_offset, out->footer_bytes, &end) &&
                    !__builtin_add_overflow(end, sizeof *out, &end) && end == out->committed_bytes;
    return is_sound ? GCH__COMMIT_SOUND : GCH__COMMIT_DAMAGED;
}

gch_status gch__commit_find(const char *name, const uint8_t *image, uint64_t size,
                            gch__disk_commit *out, gch_error *err)
{
    gch__disk_commit best = {0}, next;
    for (uint32_t slot = 0; slot < GCH__SLOT_COUNT; slot++) {
        if (gch__commit_get(image + GCH__SLOT_OFFSET(slot), &next) == GCH__COMMIT_SOUND &&
            next.generation > best.generation)
            best = next;
    }
    if (size >= GCH__PAGE_BYTES + sizeof next && size % GCH__ALIGN == 0 &&
        gch__commit_get(image + size - sizeof next, &next) == GCH__COMMIT_SOUND &&
        next.committed_bytes == size && next.generation > best.generation)
        best = next;
    if (best.generation == 0)
        return gch_fail(err, GCH_CORRUPT,
                        "%s: both commit slots (bytes %u and %u) are damaged and the file does not "
                        "end in a trailer",
                        name, GCH__SLOT_OFFSET(0u), GCH__SLOT_OFFSET(1u));
    if (best.committed_bytes > size)
        return gch_fail(err, GCH_CORRUPT, "%s: truncated: %llu bytes committed, %llu present", name,
                        (unsigned long long)best.committed_bytes, (unsigned long long)size);
    *out = best;
    return GCH_OK;
}

/* ---- reading ---- */

typedef struct footer_view {
    const char *name;
    uint64_t offset;
    gch__disk_footer head;
    const gch__disk_column *columns;
    const gch__disk_segment *segments;
    const char *text;
} footer_view;

static gch_status fail_footer(const footer_view *view, const char *what, gch_error *err)
{
    return gch_fail(err, GCH_CORRUPT, "%s: the footer (byte %llu) is damaged: %s", view->name,
                    (unsigned long long)view->offset, what);
}

static gch_status view_footer(footer_view *view, const uint8_t *bytes,
                              const gch__disk_commit *commit, gch_error *err)
{
    size_t count = (size_t)commit->footer_bytes;
    uint64_t sum;
    memcpy(&sum, bytes + count - sizeof sum, sizeof sum);
    if (gch__checksum(bytes, count - sizeof sum) != sum)
        return fail_footer(view, "its checksum does not match", err);
    memcpy(&view->head, bytes, sizeof view->head);
    const gch__disk_footer *head = &view->head;
    if (head->magic != GCH__MAGIC_FOOTER || head->generation != commit->generation)
        return fail_footer(view, "it belongs to another state of the file", err);
    /* None of these overflows: each factor is below 2^32. */
    uint64_t columns_at = sizeof *head;
    uint64_t segments_at = columns_at + (uint64_t)head->column_count * sizeof *view->columns;
    uint64_t text_at = segments_at + (uint64_t)head->segment_count * sizeof *view->segments;
    uint64_t needed = text_at + head->text_bytes + sizeof sum;
    if (needed > count || count - needed >= GCH__ALIGN)
        return fail_footer(view, "its counts do not add up to its length", err);
    for (size_t i = (size_t)(text_at + head->text_bytes); i < count - sizeof sum; i++) {
        if (bytes[i] != 0)
            return fail_footer(view, "its padding is not zero", err);
    }
    view->columns = (const gch__disk_column *)(const void *)(bytes + columns_at);
    view->segments = (const gch__disk_segment *)(const void *)(bytes + segments_at);
    view->text = (const char *)bytes + text_at;
    return GCH_OK;
}

static gch_status read_text(const footer_view *view, gch__disk_text text, uint32_t bytes_max,
                            const gch_allocator *allocator, char **out, gch_error *err)
{
    if ((uint64_t)text.offset + text.bytes > view->head.text_bytes || text.bytes > bytes_max)
        return fail_footer(view, "a text lies outside of it", err);
    if (!gch__text_is_utf8(view->text + text.offset, text.bytes))
        return fail_footer(view, "a text is not UTF-8", err);
    *out = gch__copy_text(allocator, view->text + text.offset, text.bytes, "names");
    return *out != NULL ? GCH_OK : gch__no_memory(err, "names");
}

static gch_status read_columns(const footer_view *view, gch__meta *meta, gch_error *err)
{
    if (view->head.column_count == 0 || view->head.column_count > GCH_COLUMN_CAP)
        return fail_footer(view, "a file has 1 to 1024 columns", err);
    meta->columns =
        gch__alloc_zero(meta->allocator, view->head.column_count, sizeof *meta->columns, "names");
    if (meta->columns == NULL)
        return gch__no_memory(err, "names");
    meta->column_count = view->head.column_count;
    for (uint32_t c = 0; c < meta->column_count; c++) {
        const gch__disk_column *disk = &view->columns[c];
        bool is_text = disk->type == GCH_TYPE_DECIMAL;
        if (disk->type == GCH_TYPE_DEFAULT || disk->type > GCH_TYPE_DECIMAL ||
            disk->decimals > GCH__DECIMALS_MIXED || disk->fixed_scale > 18 || disk->reserved != 0 ||
            (!is_text && disk->decimals != GCH__DECIMALS_NONE) ||
            (disk->decimals != GCH__DECIMALS_FIXED && disk->fixed_scale != 0))
            return fail_footer(view, "a column has an impossible type", err);
        if (disk->name.bytes == 0)
            return fail_footer(view, "a column has no name", err);
        meta->columns[c].type = (gch_type)disk->type;
        meta->columns[c].decimals = (gch__decimals)disk->decimals;
        meta->columns[c].fixed_scale = disk->fixed_scale;
        GCH_TRY(read_text(view, disk->name, GCH__NAME_BYTES_MAX, meta->allocator,
                          &meta->columns[c].name, err));
        GCH_TRY(read_text(view, disk->unit, GCH__TEXT_BYTES_MAX, meta->allocator,
                          &meta->columns[c].unit, err));
    }
    return GCH_OK;
}

static gch_status check_segments(const footer_view *view, gch_error *err)
{
    uint64_t end = GCH__PAGE_BYTES, rows = 0;
    int64_t last_time = INT64_MIN;
    for (uint32_t s = 0; s < view->head.segment_count; s++) {
        const gch__disk_segment *segment = &view->segments[s];
        uint64_t descriptor_end;
        if (segment->offset % GCH__PAGE_BYTES != 0 || segment->offset < end ||
            segment->descriptor_offset % GCH__PAGE_BYTES != 0 ||
            segment->descriptor_offset <= segment->offset ||
            segment->descriptor_bytes % GCH__ALIGN != 0 ||
            __builtin_add_overflow(segment->descriptor_offset, segment->descriptor_bytes,
                                   &descriptor_end) ||
            descriptor_end > view->offset)
            return fail_footer(view, "a segment lies outside of the file or over another", err);
        if (segment->first_row != rows || segment->row_count == 0 ||
            segment->row_count > GCH_SEGMENT_ROWS_MAX || segment->reserved != 0)
            return fail_footer(view, "the rows of its segments do not follow each other", err);
        if (segment->first_time < last_time || segment->last_time < segment->first_time)
            return fail_footer(view, "the times of its segments decrease", err);
        end = descriptor_end;
        last_time = segment->last_time;
        rows += segment->row_count;
    }
    return rows == view->head.row_count
               ? GCH_OK
               : fail_footer(view, "its rows are not those of its segments", err);
}

static gch_status read_footer(footer_view *view, gch__meta *out, gch_error *err)
{
    const gch__disk_footer *head = &view->head;
    uint64_t previous_end;
    bool has_previous = head->previous_offset != 0 || head->previous_bytes != 0;
    if (has_previous &&
        (head->previous_offset < GCH__PAGE_BYTES || head->previous_offset % GCH__ALIGN != 0 ||
         head->previous_bytes % GCH__ALIGN != 0 ||
         head->previous_bytes < sizeof *head + sizeof(uint64_t) ||
         __builtin_add_overflow(head->previous_offset, head->previous_bytes, &previous_end) ||
         previous_end > view->offset - sizeof(gch__disk_commit)))
        return fail_footer(view, "the footer before it lies outside of the file", err);
    if (head->time_unit < GCH_TIME_INDEX || head->time_unit > GCH_TIME_NS ||
        (head->flags & ~GCH__FOOTER_TIME_IS_TEXT) != 0 || head->reserved != 0)
        return fail_footer(view, "it has an impossible time unit or flags", err);
    out->generation = head->generation;
    out->row_count = head->row_count;
    out->previous_offset = head->previous_offset;
    out->previous_bytes = head->previous_bytes;
    out->time_unit = (gch_time_unit)head->time_unit;
    out->time_is_text = (head->flags & GCH__FOOTER_TIME_IS_TEXT) != 0;
    const gch_allocator *allocator = out->allocator;
    uint32_t most = GCH__TEXT_BYTES_MAX;
    GCH_TRY(read_text(view, head->time_name, most, allocator, &out->time_name, err));
    GCH_TRY(read_text(view, head->time_zone, most, allocator, &out->time_zone, err));
    GCH_TRY(read_text(view, head->source, most, allocator, &out->source, err));
    GCH_TRY(read_text(view, head->preset, most, allocator, &out->preset, err));
    GCH_TRY(read_columns(view, out, err));
    gch__point_mark *points = &out->points;
    if (!gch__point_mark_take(out->preset, points) ||
        (points->curve != GCH_CURVE_DEFAULT &&
         (points->x_column >= out->column_count || points->y_column >= out->column_count ||
          points->x_column == points->y_column || out->time_unit != GCH_TIME_INDEX)))
        return fail_footer(view, "it marks an impossible point set", err);
    gch__preset_read(out);
    GCH_TRY(check_segments(view, err));
    out->segment_count = head->segment_count;
    out->segments = view->segments;
    return GCH_OK;
}

gch_status gch__footer_parse(const char *name, const uint8_t *image, const gch__disk_commit *commit,
                             gch__meta *out, gch_error *err)
{
    footer_view view = {.name = name, .offset = commit->footer_offset};
    GCH_TRY(view_footer(&view, image + commit->footer_offset, commit, err));
    return read_footer(&view, out, err);
}
