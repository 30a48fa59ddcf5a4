/* Reading one place of a segment: see store_segment.h.
 *
 * Invariants:
 *  1. No byte of the body is interpreted before gch__segment_check has passed on its page.
 *  2. A payload range is compared with payload_bytes before a pointer to it is given out.
 */
#include "store_file.h"

#include <string.h>

static gch_status check_page(const struct gch__segment_pages *pages, uint64_t page, gch_error *err)
{
    const uint8_t *bytes = pages->bytes + page * GCH__PAGE_BYTES;
    if (gch__checksum(bytes, GCH__PAGE_BYTES) != pages->checksums[page])
        return gch_fail(err, GCH_CORRUPT,
                        "%s: the page at byte %llu is damaged: its checksum does not match",
                        pages->name, (unsigned long long)(pages->offset + page * GCH__PAGE_BYTES));
    /* The page is read-only: who sees the bit may read it without waiting for anything. */
    atomic_fetch_or_explicit(&pages->checked[page / 64], 1ull << (page % 64), memory_order_relaxed);
    return GCH_OK;
}

static gch_status ensure_pages(const gch__segment *segment, uint64_t first, uint64_t last,
                               gch_error *err)
{
    const struct gch__segment_pages *pages = segment->pages;
    uint64_t body = pages->offset / GCH__PAGE_BYTES;
    uint64_t page = body + first, end = body + last + 1;
    while (page < end && gch__reader_holds(segment->reader, page))
        page++;
    if (page == end)
        return GCH_OK;
    return pages->pager->ensure(pages->pager->context, page, end - page, segment->reader, err);
}

gch_status gch__segment_check(const gch__segment *segment, const void *bytes, size_t count,
                              gch_error *err)
{
    const struct gch__segment_pages *pages = segment->pages;
    if (count == 0 || pages->checksums == NULL) /* of our own making */
        return GCH_OK;
    uint64_t first = (uint64_t)((const uint8_t *)bytes - pages->bytes);
    uint64_t last = (first + count - 1) / GCH__PAGE_BYTES;
    if (segment->reader != NULL)
        return ensure_pages(segment, first / GCH__PAGE_BYTES, last, err);
    for (uint64_t page = first / GCH__PAGE_BYTES; page <= last; page++) {
        uint64_t word = atomic_load_explicit(&pages->checked[page / 64], memory_order_relaxed);
        if ((word >> (page % 64) & 1u) == 0)
            GCH_TRY(check_page(pages, page, err));
    }
    return GCH_OK;
}

gch__reader *gch__segment_reader(const gch__segment *segment, gch__reader *reader)
{
    return segment->pages->pager != NULL ? reader : NULL;
}

const uint8_t *gch__segment_body(const gch__segment *segment, uint64_t *out_bytes)
{
    *out_bytes = segment->pages->body_bytes;
    return segment->pages->checksums != NULL ? segment->pages->bytes : NULL;
}

static gch_status fail_block(const gch__segment *segment, uint32_t block, const char *what,
                             gch_error *err)
{
    return gch_fail(err, GCH_CORRUPT, "%s: the block of row %llu: %s", segment->pages->name,
                    (unsigned long long)(segment->first_row + (uint64_t)block * GCH_BLOCK_ROWS),
                    what);
}

/* `bits` of payload, `skip` units behind the super-block's directory entry. */
static gch_status find_payload(const gch__segment *segment, const uint32_t *directory,
                               uint32_t block, uint32_t skip, uint32_t bits,
                               const uint32_t **out_packed, gch_error *err)
{
    const uint32_t *entry = &directory[block / GCH_SUPER_BLOCKS];
    GCH_TRY(gch__segment_check(segment, entry, sizeof *entry, err));
    uint64_t units = (uint64_t)*entry + skip;
    if ((units + bits) * GCH__PAYLOAD_UNIT > segment->pages->payload_bytes)
        return fail_block(segment, block, "its payload lies outside of the segment", err);
    const uint8_t *packed = segment->pages->bytes + units * GCH__PAYLOAD_UNIT;
    *out_packed = (const uint32_t *)(const void *)packed;
    return gch__segment_check(segment, packed, (size_t)bits * GCH__PAYLOAD_UNIT, err);
}

static uint32_t bits32(const gch__pair32 *pair)
{
    return pair->min > pair->max ? 0 : gch__bits_u32(pair->max - pair->min);
}

static uint32_t bits64(const gch__pair64 *pair)
{
    return pair->min > pair->max ? 0 : gch__bits_u64(pair->max - pair->min);
}

gch_status gch__column_block(const gch__segment *segment, const gch__value_column *column,
                             uint32_t block, const uint32_t **out_packed, uint32_t *out_bits,
                             uint64_t *out_min, gch_error *err)
{
    uint32_t first = block & ~(GCH_SUPER_BLOCKS - 1u), skip = 0;
    if (column->map.is_wide) {
        const gch__pair64 *pairs = (const gch__pair64 *)column->levels[0] + first;
        GCH_TRY(gch__segment_check(segment, pairs, (block - first + 1u) * sizeof *pairs, err));
        for (uint32_t b = first; b < block; b++, pairs++)
            skip += bits64(pairs);
        *out_bits = bits64(pairs);
        *out_min = pairs->min;
    } else {
        const gch__pair32 *pairs = (const gch__pair32 *)column->levels[0] + first;
        GCH_TRY(gch__segment_check(segment, pairs, (block - first + 1u) * sizeof *pairs, err));
        for (uint32_t b = first; b < block; b++, pairs++)
            skip += bits32(pairs);
        *out_bits = bits32(pairs);
        *out_min = pairs->min;
    }
    return find_payload(segment, column->directory, block, skip, *out_bits, out_packed, err);
}

gch_status gch__time_block(const gch__segment *segment, uint32_t block,
                           const gch__time_line **out_line, const uint32_t **out_packed,
                           gch_error *err)
{
    uint32_t first = block & ~(GCH_SUPER_BLOCKS - 1u), skip = 0;
    const gch__time_line *lines = segment->time.lines + first;
    GCH_TRY(gch__segment_check(segment, lines, (block - first + 1u) * sizeof *lines, err));
    for (uint32_t b = first; b <= block; b++, lines++) {
        if (lines->bits > 64 || lines->reserved != 0)
            return fail_block(segment, b, "its time line is impossible", err);
        skip += b < block ? lines->bits : 0;
    }
    *out_line = segment->time.lines + block;
    return find_payload(segment, segment->time.directory, block, skip, (*out_line)->bits,
                        out_packed, err);
}

/* The affine run that holds a row. */
static const gch__affine_run *find_run(const gch__time_column *time, uint32_t row)
{
    uint32_t low = 0, high = time->run_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (time->runs[middle].row <= row)
            low = middle;
        else
            high = middle;
    }
    return &time->runs[low];
}

gch_status gch__segment_time(const gch__segment *segment, uint32_t row, int64_t *out_ticks,
                             gch_error *err)
{
    const gch__time_column *time = &segment->time;
    if (time->run_count > 0) {
        const gch__affine_run *run = find_run(time, row);
        *out_ticks = run->t0 + (int64_t)(row - run->row) * run->step; /* checked at open */
        return GCH_OK;
    }
    const gch__time_line *line;
    const uint32_t *packed;
    const uint64_t *super = &time->supers[row / GCH_SUPER_ROWS];
    GCH_TRY(gch__segment_check(segment, super, sizeof *super, err));
    GCH_TRY(gch__time_block(segment, row / GCH_BLOCK_ROWS, &line, &packed, err));
    uint64_t units = *super + gch__time_line_get(line, packed, row % GCH_BLOCK_ROWS);
    *out_ticks = (int64_t)((uint64_t)time->origin + time->unit * units);
    return GCH_OK;
}

gch_status gch__column_bitmap(const gch__segment *segment, const gch__value_column *column,
                              uint32_t super, const uint32_t **out_bitmap, gch_error *err)
{
    *out_bitmap = NULL;
    uint32_t low = 0, high = column->gap_super_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (column->gap_supers[middle] < super)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == column->gap_super_count || column->gap_supers[low] != super)
        return GCH_OK;
    *out_bitmap = column->gap_bitmaps + (size_t)low * GCH__BITMAP_WORDS;
    return gch__segment_check(segment, *out_bitmap, GCH__BITMAP_WORDS * sizeof **out_bitmap, err);
}

gch_status gch__segment_key(const gch__segment *segment, const gch__value_column *column,
                            uint32_t row, uint64_t *out_key, bool *out_is_drawn, gch_error *err)
{
    const uint32_t *bitmap, *packed;
    uint32_t in_super = row % GCH_SUPER_ROWS, bits;
    uint64_t min;
    GCH_TRY(gch__column_bitmap(segment, column, row / GCH_SUPER_ROWS, &bitmap, err));
    *out_is_drawn = bitmap == NULL || (bitmap[in_super / 32] >> (in_super & 31) & 1u) != 0;
    if (!*out_is_drawn) {
        *out_key = 0;
        return GCH_OK;
    }
    GCH_TRY(gch__column_block(segment, column, row / GCH_BLOCK_ROWS, &packed, &bits, &min, err));
    *out_key = min + gch__packed_get64(packed, bits, row % GCH_BLOCK_ROWS);
    return GCH_OK;
}

gch_value gch__value_from_key(const gch__key_map *map, uint64_t key)
{
    gch_value value = {.kind = (uint8_t)map->kind};
    switch (map->kind) {
    case GCH_VALUE_DECIMAL:
        value.as.digits = (int64_t)(map->base + key);
        value.scale = (uint8_t)map->scale;
        break;
    case GCH_VALUE_F32:
        value.as.f32 = gch__f32_from_key((uint32_t)(map->base + key));
        break;
    case GCH_VALUE_F64:
        value.as.f64 = gch__f64_from_key(map->base + key);
        break;
    case GCH_VALUE_GAP:
        break;
    }
    return value;
}
