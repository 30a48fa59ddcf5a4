/* From the edges of pixel columns to slices, and from slices to tiles: what fits into the device's
 * memory together is dispatched together.
 *
 * A slice is added once everything that its kernel will read is resident and held by the tile. If
 * there is no room, the tile is run and a new one begun; a slice that does not fit into an empty
 * one is halved. reduce_part and reduce_nodes of shaders/reduce.wgsl say what is read; touch_ here
 * mirrors them, and those of bars.wgsl.
 *
 * Invariant: a run slice whose first row follows one of its own segment in the same column has lead
 * ROW_BEFORE, and that row's block is touched too. A row that follows another segment's has that
 * one's pixel row, found here.
 */
#include "query_lit.h"
#include "render_gpu_state.h"

#define SLICE_ROWS (GCH__GPU_SLICE_BLOCKS * GCH_BLOCK_ROWS)

/* A segment of the series, as it is on the device. */
typedef struct part {
    const gch__gpu_series *series;
    const gch__segment *segment;
    const gch__value_column *column;
    uint32_t source;
} part;

static uint32_t word_of(const uint8_t *body, const void *array)
{
    return array == NULL ? 0 : (uint32_t)((size_t)((const uint8_t *)array - body) / 4);
}

/* What shaders/heights.wgsl needs instead of row edges: three doubles. */
static gch_status add_heights(gch__gpu_executor *executor, const gch__row_table *table,
                              uint32_t *out_at, gch_error *err)
{
    bool is_decimal = table->map.kind == GCH_VALUE_DECIMAL;
    const double constants[] = {table->y_top, table->px_per_value,
                                is_decimal ? gch__pow10_f64[table->map.scale] : 1};
    void *room;
    GCH_TRY(
        gch__gpu_stream_reserve(executor, &executor->edges, GCH_COUNT_OF(constants), &room, err));
    memcpy(room, constants, sizeof constants);
    *out_at = (uint32_t)executor->edges.count;
    executor->edges.count += GCH_COUNT_OF(constants);
    return GCH_OK;
}

/* Where the row edges of a table start in executor->edges. */
static gch_status find_edges(gch__gpu_executor *executor, const gch__row_table *table,
                             uint32_t *out_at, gch_error *err)
{
    gch__gpu_row_tables *known = &executor->row_tables;
    for (uint32_t i = 0; i < known->count; i++) {
        if (known->tables[i] == table) {
            *out_at = known->at[i];
            return GCH_OK;
        }
    }
    size_t count = (size_t)table->height_px + 1;
    void *room;
    GCH_TRY(gch__gpu_stream_reserve(executor, &executor->edges, count, &room, err));
    memcpy(room, table->thresholds, count * sizeof *table->thresholds);
    *out_at = (uint32_t)executor->edges.count;
    executor->edges.count += count;
    if (known->count < GCH_COUNT_OF(known->tables)) {
        known->tables[known->count] = table;
        known->at[known->count++] = *out_at;
    }
    return GCH_OK;
}

static uint32_t segment_flags(const gch__value_column *column, const gch__row_table *table)
{
    gch_value_kind kind = column->map.kind;
    return (column->map.is_wide ? GCH__GPU_IS_WIDE : 0) |
           (table->is_across ? GCH__GPU_IS_ACROSS : 0) |
           (kind == GCH_VALUE_F32   ? GCH__GPU_IS_F32
            : kind == GCH_VALUE_F64 ? GCH__GPU_IS_F64
                                    : 0);
}

gch_status gch__gpu_add_segment(gch__gpu_executor *executor, const gch__gpu_column *its,
                                uint32_t *out_source, gch_error *err)
{
    const gch__segment *segment = its->segment;
    const gch__value_column *column = &segment->columns[its->column];
    const gch__row_scale *scale = its->scale;
    gch__gpu_segment out = {.row_count = segment->row_count,
                            .flags = segment_flags(column, scale->table),
                            .level_count = column->level_count,
                            .unbounded = scale->table->unbounded_count,
                            .offset_low = (uint32_t)scale->offset,
                            .offset_high = (uint32_t)(scale->offset >> 32)};
    GCH_TRY(gch__gpu_pages_find(executor->pages, its->file, segment, out_source, &out.pages,
                                &out.page_count, err));
    GCH_TRY(its->in_heights ? add_heights(executor, scale->table, &out.edges, err)
                            : find_edges(executor, scale->table, &out.edges, err));
    uint64_t body_bytes;
    const uint8_t *body = gch__segment_body(segment, &body_bytes);
    out.directory = word_of(body, column->directory);
    out.gap_supers = word_of(body, column->gap_supers);
    out.gap_bitmaps = word_of(body, column->gap_bitmaps);
    for (uint32_t level = 0; level < column->level_count; level++)
        out.levels[level] = word_of(body, column->levels[level]);
    void *room;
    GCH_TRY(gch__gpu_stream_reserve(executor, &executor->segments, 1, &room, err));
    memcpy(room, &out, sizeof out);
    executor->segments.count++;
    return GCH_OK;
}

static gch_status add_segment(const gch__gpu_series *series, uint32_t index, gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    gch__gpu_column column = {.file = series->file,
                              .segment = gch__query_segment(series->query, index),
                              .column = series->column,
                              .scale = &series->query->scales[index],
                              .in_heights = series->in_heights};
    GCH_TRY(gch__gpu_add_segment(executor, &column, &executor->segment_sources[index], err));
    executor->segment_numbers[index] = (uint32_t)executor->segments.count;
    return GCH_OK;
}

static gch_status find_part(const gch__gpu_series *series, uint32_t index, part *out,
                            uint32_t *out_number, gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    if (executor->segment_numbers[index] == 0)
        GCH_TRY(add_segment(series, index, err));
    const gch__segment *segment = gch__query_segment(series->query, index);
    *out = (part){.series = series,
                  .segment = segment,
                  .column = &segment->columns[series->column],
                  .source = executor->segment_sources[index]};
    *out_number = executor->segment_numbers[index] - 1;
    return GCH_OK;
}

/* ---- touching ---- */

static gch_status touch(const part *p, const void *bytes, size_t count, bool *io_is_full,
                        gch_error *err)
{
    if (*io_is_full)
        return GCH_OK;
    return gch__gpu_pages_touch(p->series->executor->pages, p->source, p->segment, bytes, count,
                                io_is_full, err);
}

static size_t pair_bytes(const part *p)
{
    return p->column->map.is_wide ? sizeof(gch__pair64) : sizeof(gch__pair32);
}

static gch_status touch_nodes(const part *p, uint32_t level, uint32_t first, uint32_t last,
                              bool *io_is_full, gch_error *err)
{
    if (first >= last)
        return GCH_OK;
    size_t bytes = pair_bytes(p);
    return touch(p, (const uint8_t *)p->column->levels[level] + first * bytes,
                 (last - first) * bytes, io_is_full, err);
}

/* Headers, directory and payload of blocks [first, last), by super-block. */
static gch_status touch_blocks(const part *p, uint32_t first, uint32_t last, bool *io_is_full,
                               gch_error *err)
{
    uint32_t super_first = first / GCH_SUPER_BLOCKS, super_last = (last - 1) / GCH_SUPER_BLOCKS;
    gch__gpu_pages *pages = p->series->executor->pages;
    gch__gpu_run run = {p->series->column, first, last};
    if (*io_is_full || gch__gpu_pages_has_run(pages, p->source, run))
        return GCH_OK;
    GCH_TRY(touch_nodes(p, 0, super_first * GCH_SUPER_BLOCKS, last, io_is_full, err));
    GCH_TRY(touch(p, p->column->directory + super_first,
                  (super_last - super_first + 1) * sizeof *p->column->directory, io_is_full, err));
    for (uint32_t super = super_first; super <= super_last && !*io_is_full; super++) {
        uint32_t begin = GCH_MAX(first, super * GCH_SUPER_BLOCKS);
        uint32_t end = GCH_MIN(last, (super + 1) * GCH_SUPER_BLOCKS) - 1;
        const uint32_t *packed, *packed_last;
        uint32_t bits, bits_last;
        uint64_t min;
        GCH_TRY(gch__column_block(p->segment, p->column, begin, &packed, &bits, &min, err));
        GCH_TRY(gch__column_block(p->segment, p->column, end, &packed_last, &bits_last, &min, err));
        size_t words = (size_t)(packed_last - packed) + gch__block_words(bits_last);
        GCH_TRY(touch(p, packed, words * sizeof *packed, io_is_full, err));
    }
    if (!*io_is_full)
        gch__gpu_pages_note_run(pages, p->source, run);
    return GCH_OK;
}

static gch_status touch_tree(const part *p, uint32_t first, uint32_t last, bool *io_is_full,
                             gch_error *err)
{
    for (uint32_t level = 0; first < last; level++) {
        uint32_t up_first = (first + GCH_TREE_FANOUT - 1) / GCH_TREE_FANOUT;
        uint32_t up_last = last / GCH_TREE_FANOUT;
        if (last == p->column->level_counts[level])
            up_last = (last + GCH_TREE_FANOUT - 1) / GCH_TREE_FANOUT;
        if (level + 1 >= p->column->level_count || up_first >= up_last)
            return touch_nodes(p, level, first, last, io_is_full, err);
        GCH_TRY(touch_nodes(p, level, first, up_first * GCH_TREE_FANOUT, io_is_full, err));
        GCH_TRY(touch_nodes(p, level, up_last * GCH_TREE_FANOUT, last, io_is_full, err));
        first = up_first;
        last = up_last;
    }
    return GCH_OK;
}

/* As covering_pair does. */
static gch_status touch_cover(const part *p, uint32_t first, uint32_t last, bool *io_is_full,
                              gch_error *err)
{
    uint32_t level = 0;
    for (; last - first > 1; level++) {
        first /= GCH_TREE_FANOUT;
        last /= GCH_TREE_FANOUT;
    }
    return touch_nodes(p, level, first, last + 1, io_is_full, err);
}

/* As cull and reduce_tree go about rows [first, last). */
static gch_status touch_hull(const part *p, uint32_t first, uint32_t last, bool *io_is_full,
                             gch_error *err)
{
    uint32_t first_block = first / GCH_BLOCK_ROWS, last_block = last / GCH_BLOCK_ROWS;
    uint32_t head = first % GCH_BLOCK_ROWS, tail = last % GCH_BLOCK_ROWS;
    GCH_TRY(touch_cover(p, first_block, (last - 1) / GCH_BLOCK_ROWS, io_is_full, err));
    if (last == p->segment->row_count && tail != 0) {
        last_block++;
        tail = 0;
    }
    if (first_block == last_block)
        return touch_blocks(p, first_block, first_block + 1, io_is_full, err);
    if (head != 0) {
        GCH_TRY(touch_blocks(p, first_block, first_block + 1, io_is_full, err));
        first_block++;
    }
    if (tail != 0)
        GCH_TRY(touch_blocks(p, last_block, last_block + 1, io_is_full, err));
    return touch_tree(p, first_block, last_block, io_is_full, err);
}

/* As cull_runs, light_runs and those of shaders/count.wgsl go about it; fills the slice's range of
 * gaps. */
static gch_status touch_runs(const part *p, gch__gpu_slice *slice, bool *io_is_full, gch_error *err)
{
    const gch__value_column *column = p->column;
    uint32_t first = slice->first - (slice->lead == GCH__GPU_ROW_BEFORE ? 1 : 0);
    uint32_t last = slice->last - 1;
    slice->gaps_first = gch__gap_at(column, first / GCH_SUPER_ROWS);
    slice->gaps_last = gch__gap_at(column, last / GCH_SUPER_ROWS + 1);
    GCH_TRY(touch_cover(p, first / GCH_BLOCK_ROWS, last / GCH_BLOCK_ROWS, io_is_full, err));
    GCH_TRY(touch_blocks(p, first / GCH_BLOCK_ROWS, last / GCH_BLOCK_ROWS + 1, io_is_full, err));
    if (slice->gaps_first == slice->gaps_last)
        return GCH_OK;
    size_t count = slice->gaps_last - slice->gaps_first;
    GCH_TRY(touch(p, column->gap_supers + slice->gaps_first, count * sizeof *column->gap_supers,
                  io_is_full, err));
    size_t words = GCH_SUPER_ROWS / 32;
    return touch(p, column->gap_bitmaps + slice->gaps_first * words,
                 count * words * sizeof *column->gap_bitmaps, io_is_full, err);
}

/* The place of a row's super-block in the list of those with gaps, or NO_ROW; its bitmap. */
static gch_status touch_bitmap(const part *p, uint32_t row, uint32_t *out_place, bool *io_is_full,
                               gch_error *err)
{
    const gch__value_column *column = p->column;
    uint32_t super = row / GCH_SUPER_ROWS, place = gch__gap_at(column, super),
             words = GCH_SUPER_ROWS / 32;
    *out_place = GCH__GPU_NO_ROW;
    if (place == column->gap_super_count || column->gap_supers[place] != super)
        return GCH_OK;
    *out_place = place;
    return touch(p, column->gap_bitmaps + (size_t)place * words,
                 words * sizeof *column->gap_bitmaps, io_is_full, err);
}

/* As reduce_drawn goes about it. */
static gch_status touch_drawn(const part *p, gch__gpu_slice *slice, bool *io_is_full,
                              gch_error *err)
{
    GCH_TRY(touch_hull(p, slice->first, slice->last, io_is_full, err));
    GCH_TRY(touch_bitmap(p, slice->first, &slice->gaps_first, io_is_full, err));
    return touch_bitmap(p, slice->last - 1, &slice->gaps_last, io_is_full, err);
}

/* ---- tiles ---- */

static bool tile_is_empty(const gch__gpu_executor *executor)
{
    for (uint32_t i = 0; i < GCH__GPU_LIST_COUNT; i++)
        if (executor->tile[i].count > 0)
            return false;
    return true;
}

gch_status gch__gpu_push_slice(gch__gpu_executor *executor, gch__gpu_kernel kernel,
                               const gch__gpu_slice *slice, gch_error *err)
{
    gch__gpu_slices *slices = &executor->tile[kernel];
    GCH_TRY(gch__ensure(executor->allocator, (void **)&slices->items, &slices->cap,
                        slices->count + 1, sizeof *slices->items, "gpu slices", err));
    slices->items[slices->count++] = *slice;
    return GCH_OK;
}

/* Tries slice->first .. last; *out_is_full: it did not fit beside the tile. */
static gch_status try_slice(const gch__gpu_series *series, gch__gpu_kernel kernel, uint32_t index,
                            gch__gpu_slice *slice, bool *out_is_full, gch_error *err)
{
    part p;
    *out_is_full = false;
    GCH_TRY(find_part(series, index, &p, &slice->segment, err));
    if (kernel == GCH__GPU_LIGHT_RUNS || kernel >= GCH__GPU_COUNT)
        GCH_TRY(touch_runs(&p, slice, out_is_full, err));
    else if (kernel == GCH__GPU_REDUCE_DRAWN || kernel == GCH__GPU_REDUCE_DRAWN_WHOLES)
        GCH_TRY(touch_drawn(&p, slice, out_is_full, err));
    else if ((series->executor->desc.by_blocks && kernel == GCH__GPU_REDUCE) ||
             kernel == GCH__GPU_READ_ENDS)
        GCH_TRY(touch_blocks(&p, slice->first / GCH_BLOCK_ROWS,
                             (slice->last - 1) / GCH_BLOCK_ROWS + 1, out_is_full, err));
    else
        GCH_TRY(touch_hull(&p, slice->first, slice->last, out_is_full, err));
    if (*out_is_full)
        return GCH_OK;
    return gch__gpu_push_slice(series->executor, kernel, slice, err);
}

/* Half of the rows, up to a block's border; all of them if that is within one block. */
static uint32_t half_of(uint32_t first, uint32_t last)
{
    uint32_t middle = first + (last - first) / 2;
    uint32_t border = middle / GCH_BLOCK_ROWS * GCH_BLOCK_ROWS;
    return border > first ? border : last;
}

/* Of a slice that goes on behind another one. */
static uint32_t lead_behind(gch__gpu_kernel kernel, const gch__gpu_slice *slice)
{
    return kernel >= GCH__GPU_COUNT ? slice->lead : GCH__GPU_ROW_BEFORE;
}

/* All of the slice's rows are of the pool at hand. */
static gch_status add_part(const gch__gpu_series *series, gch__gpu_kernel kernel, uint32_t index,
                           const gch__gpu_slice *slice, gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    gch__gpu_slice rest = *slice;
    uint32_t last = slice->last;
    if (kernel == GCH__GPU_LIGHT_RUNS) /* from a block's border to another: a thread a block */
        last = GCH_MIN(last, rest.first / GCH_BLOCK_ROWS * GCH_BLOCK_ROWS + SLICE_ROWS);
    while (rest.first < slice->last) {
        gch__gpu_slice next = rest;
        bool is_full;
        next.last = last;
        next.tail = last == slice->last ? slice->tail : GCH__GPU_NO_ROW;
        GCH_TRY(try_slice(series, kernel, index, &next, &is_full, err));
        if (!is_full) {
            rest.first = last;
            rest.lead = lead_behind(kernel, &rest);
            last = slice->last;
            if (kernel == GCH__GPU_LIGHT_RUNS)
                last = (uint32_t)GCH_MIN((uint64_t)last, (uint64_t)rest.first + SLICE_ROWS);
            continue;
        }
        if (!tile_is_empty(executor)) {
            GCH_TRY(gch__gpu_run_tile(executor, err));
        } else if (!gch__gpu_pages_may_fit(executor->pages)) {
            uint32_t half = half_of(rest.first, last);
            if (half == last)
                return gch_fail(err, GCH_LIMIT, "one block does not fit into the device's pages");
            last = half;
        }
        GCH_TRY(gch__gpu_pages_begin_tile(executor->pages, err));
    }
    return GCH_OK;
}

static uint32_t pool_shift(const gch__gpu_executor *executor)
{
    return executor->desc.pool_shift > 0 ? executor->desc.pool_shift : 31;
}

/* The pool of a row of a segment, for the slices from here on. A full segment has a little less
 * than two pools' rows, so segments begin where their first row is nearest. */
static gch_status enter_pool(const gch__gpu_series *series, uint32_t index, uint32_t row,
                             gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    uint32_t shift = pool_shift(executor);
    uint64_t half = ((uint64_t)1 << shift) / 2;
    uint64_t first_row = gch__query_segment(series->query, index)->first_row;
    uint64_t wanted = ((first_row + half) >> shift) + (row >> shift);
    if (wanted % executor->pool_limit == executor->pool)
        return GCH_OK;
    GCH_TRY(gch__gpu_run_tile(executor, err));
    gch_status status;
    do {
        GCH_TRY(gch__gpu_use_pool(executor, wanted, err));
        memset(executor->segment_numbers, 0,
               series->query->segment_count * sizeof *executor->segment_numbers);
        status = gch__gpu_pages_begin_tile(executor->pages, err);
    } while ((status == GCH_LIMIT || status == GCH_NO_MEMORY) && gch__gpu_leave_pool(executor));
    return status;
}

gch_status gch__gpu_add_slice(const gch__gpu_series *series, gch__gpu_kernel kernel, uint32_t index,
                              const gch__gpu_slice *slice, gch_error *err)
{
    uint64_t pool_rows = (uint64_t)1 << pool_shift(series->executor);
    gch__gpu_slice next = *slice;
    while (next.first < slice->last) {
        uint64_t border = (next.first / pool_rows + 1) * pool_rows;
        next.last = (uint32_t)GCH_MIN(border, slice->last);
        next.tail = next.last == slice->last ? slice->tail : GCH__GPU_NO_ROW;
        GCH_TRY(enter_pool(series, index, next.first, err));
        GCH_TRY(add_part(series, kernel, index, &next, err));
        next.first = next.last;
        next.lead = lead_behind(kernel, &next);
    }
    return GCH_OK;
}

gch_status gch__gpu_add_rows(const gch__gpu_series *series, gch__gpu_kernel kernel,
                             gch__gpu_kernel drawn_kernel, uint32_t slot, uint64_t first,
                             uint64_t last, gch_error *err)
{
    gch__slice piece;
    for (uint64_t row = first; row < last; row += piece.last - piece.first) {
        piece = gch__slice_at(series->query, row, last);
        const gch__segment *segment = gch__query_segment(series->query, piece.segment);
        bool has_gaps =
            gch__slice_has_gaps(&segment->columns[series->column], piece.first, piece.last);
        gch__gpu_slice slice = {.column = slot, .first = piece.first, .last = piece.last};
        GCH_TRY(gch__gpu_add_slice(series, has_gaps ? drawn_kernel : kernel, piece.segment, &slice,
                                   err));
    }
    return GCH_OK;
}

/* ---- columns ---- */

void gch__gpu_extents_add(uint32_t *extents, int32_t row)
{
    extents[0] = GCH_MIN(extents[0], (uint32_t)(row + 1));
    extents[1] = GCH_MAX(extents[1], (uint32_t)(row + 1));
}

/* Extents start as what the crossings light, in columns that are hulls. */
gch_status gch__gpu_send_extents(const gch__gpu_series *series, gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    uint64_t at = (uint64_t)executor->frame.extents * 4;
    uint32_t slots[3];
    gch__gpu_fresh_slots(executor, slots);
    GCH_TRY(gch__gpu_upload(executor->gpu, executor->marks, at + (uint64_t)slots[0] * 8,
                            executor->extents + (size_t)slots[0] * 2, (uint64_t)slots[1] * 8, err));
    return gch__gpu_upload(executor->gpu, executor->marks, at, executor->extents,
                           (uint64_t)slots[2] * 8, err);
}

/* row + 1 of the row before one that starts a segment, or NO_ROW. */
static gch_status lead_of(const gch__gpu_series *series, uint64_t row, uint32_t *out,
                          gch_error *err)
{
    uint32_t index;
    uint64_t key;
    bool is_drawn;
    *out = GCH__GPU_NO_ROW;
    GCH_TRY(gch__key_of_row(series->query, series->column, row - 1, &index, &key, &is_drawn, err));
    if (is_drawn)
        *out = (uint32_t)(gch__row_of_key(&series->query->scales[index], key) + 1);
    return GCH_OK;
}

static gch_status add_runs(const gch__gpu_series *series, uint32_t c, const gch__edge *left,
                           const gch__edge *right, gch_error *err)
{
    gch__slice slice;
    for (uint64_t row = left->row; row < right->row; row += slice.last - slice.first) {
        slice = gch__slice_at(series->query, row, right->row);
        gch__gpu_slice out = {.column = gch__gpu_slot(series->executor, c),
                              .first = slice.first,
                              .last = slice.last,
                              .lead = GCH__GPU_NO_ROW,
                              .tail = GCH__GPU_NO_ROW};
        if (row > left->row)
            GCH_TRY(lead_of(series, row, &out.lead, err));
        else if (left->is_crossed)
            out.lead = (uint32_t)(left->cross_row + 1);
        if (row + (slice.last - slice.first) == right->row && right->is_crossed)
            out.tail = (uint32_t)(right->cross_row + 1);
        GCH_TRY(gch__gpu_add_slice(series, GCH__GPU_LIGHT_RUNS, slice.segment, &out, err));
    }
    return GCH_OK;
}

static gch_status add_hull(const gch__gpu_series *series, uint32_t c, const gch__edge *left,
                           const gch__edge *right, gch_error *err)
{
    gch__slice slice;
    for (uint64_t row = left->row; row < right->row; row += slice.last - slice.first) {
        slice = gch__slice_at(series->query, row, right->row);
        gch__gpu_slice out = {
            .column = gch__gpu_slot(series->executor, c), .first = slice.first, .last = slice.last};
        GCH_TRY(gch__gpu_add_slice(series, GCH__GPU_REDUCE, slice.segment, &out, err));
    }
    return GCH_OK;
}

gch_status gch__gpu_begin_slices(const gch__gpu_series *series, gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    size_t segment_count = series->query->segment_count;
    GCH_TRY(gch__ensure(executor->allocator, (void **)&executor->segment_numbers,
                        &executor->segment_number_cap, segment_count,
                        sizeof *executor->segment_numbers, "gpu segments", err));
    GCH_TRY(gch__ensure(executor->allocator, (void **)&executor->segment_sources,
                        &executor->segment_source_cap, segment_count,
                        sizeof *executor->segment_sources, "gpu segments", err));
    memset(executor->segment_numbers, 0, segment_count * sizeof *executor->segment_numbers);
    executor->row_tables.count = 0;
    return gch__gpu_pages_begin_tile(executor->pages, err);
}

gch_status gch__gpu_reduce_series(const gch__gpu_series *series, const gch__edge *edges,
                                  gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    uint32_t begin = executor->fresh_first, end = executor->fresh_last;
    for (uint32_t c = begin; c <= end; c++)
        if (!edges[c].is_known || edges[c].is_pending)
            return gch_fail(err, GCH_PENDING, "a column's edge awaits pages");
    for (uint32_t c = begin; c < end; c++) {
        uint32_t *extents = &executor->extents[(size_t)gch__gpu_slot(executor, c) * 2];
        const gch__edge *left = &edges[c], *right = &edges[c + 1];
        if (series->join == GCH_JOIN_NONE ||
            gch__rows_have_gaps(series->query, series->column, left->row, right->row))
            continue;
        if (left->is_crossed)
            gch__gpu_extents_add(extents, left->cross_row);
        if (right->is_crossed)
            gch__gpu_extents_add(extents, right->cross_row);
    }
    GCH_TRY(gch__gpu_send_extents(series, err));
    GCH_TRY(gch__gpu_begin_slices(series, err));
    for (uint32_t c = begin; c < end; c++) {
        const gch__edge *left = &edges[c], *right = &edges[c + 1];
        if (left->row == right->row)
            continue;
        if (series->join == GCH_JOIN_NONE ||
            gch__rows_have_gaps(series->query, series->column, left->row, right->row))
            GCH_TRY(add_runs(series, c, left, right, err));
        else
            GCH_TRY(add_hull(series, c, left, right, err));
    }
    return gch__gpu_run_tile(executor, err);
}

gch_status gch__gpu_light_columns(const gch__gpu_series *series, const gch_columns *columns,
                                  gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    GCH_TRY(gch__gpu_send_extents(series, err));
    for (uint32_t c = 0; c < columns->width_px; c++) {
        for (uint32_t i = columns->first[c]; i < columns->first[c + 1]; i++) {
            const gch_piece *piece = &columns->pieces[i];
            if (piece->row_top > piece->row_bottom)
                continue;
            gch__gpu_slice slice = {.column = gch__gpu_slot(executor, c),
                                    .first = (uint32_t)(piece->row_top + 1),
                                    .last = (uint32_t)(piece->row_bottom + 1)};
            GCH_TRY(gch__gpu_push_slice(executor, GCH__GPU_LIGHT_PIECES, &slice, err));
        }
    }
    return gch__gpu_run_tile(executor, err);
}
