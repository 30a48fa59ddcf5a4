/* Growing segments: see store_live_segment.h.
 *
 * Invariants:
 *  1. A block enters whole or not at all: everything that may not fit is tried before the first
 *     array is touched.
 *  2. Views see prefixes of the arrays. What is written in front of a view's end is only what no
 *     view reads: bits of later blocks in a bitmap, and those are words of their own.
 *  3. A run of one row at the end of a block stays one: its step would have to be written later.
 */
#include "store_live_segment.h"

#include "store_build.h"

#include <string.h>

/* Affine runs must not cost more than half a byte a row, unless there are few of them. */
#define RUNS_ALWAYS 16u

/* ---- views ---- */

static void point_view(gch__live_view *view)
{
    view->segment.columns = view->columns;
    view->segment.pages = &view->pages;
    view->pages.disk = &view->disk;
    view->pages.values = view->values;
}

gch_status gch__live_view_make(const gch_allocator *allocator, uint32_t column_count,
                               gch__live_view *out, gch_error *err)
{
    *out = (gch__live_view){.segment.column_count = column_count};
    out->columns = gch__alloc_zero(allocator, column_count, sizeof *out->columns, "live segment");
    out->values = gch__alloc_zero(allocator, column_count, sizeof *out->values, "live segment");
    if (out->columns == NULL || out->values == NULL) {
        gch__live_view_reset(allocator, out);
        return gch__no_memory(err, "live segment");
    }
    point_view(out);
    return GCH_OK;
}

void gch__live_view_reset(const gch_allocator *allocator, gch__live_view *view)
{
    gch__free(allocator, view->columns, "live segment");
    gch__free(allocator, view->values, "live segment");
    *view = (gch__live_view){0};
}

void gch__live_view_copy(gch__live_view *to, const gch__live_view *from)
{
    gch__value_column *columns = to->columns;
    gch__disk_value *values = to->values;
    size_t count = from->segment.column_count;
    *to = *from;
    to->columns = columns;
    to->values = values;
    memcpy(columns, from->columns, count * sizeof *columns);
    memcpy(values, from->values, count * sizeof *values);
    point_view(to);
}

/* ---- address space ---- */

/* Takes room for an array; with base NULL only counts it. */
static void *take(uint8_t *base, uint64_t *io_at, uint64_t count, size_t size)
{
    uint64_t at = *io_at;
    *io_at = gch__align_up(at + count * size, GCH__ALIGN);
    return base != NULL ? base + at : NULL;
}

/* Lays out all arrays from `base`; returns their length. */
static uint64_t lay_out(gch__live_segment *segment, uint8_t *base)
{
    uint64_t rows = segment->row_cap, at = 0;
    uint32_t blocks = gch__block_count(segment->row_cap);
    uint32_t supers = gch__super_count(segment->row_cap);
    uint32_t counts[GCH_TREE_LEVELS_CAP];
    uint32_t levels = gch__tree_shape(blocks, counts);
    segment->runs_cap = segment->row_cap / 48 + RUNS_ALWAYS + GCH_BLOCK_ROWS;
    segment->runs = take(base, &at, segment->runs_cap, sizeof *segment->runs);
    segment->supers = take(base, &at, supers, sizeof *segment->supers);
    segment->lines = take(base, &at, blocks, sizeof *segment->lines);
    segment->time_directory = take(base, &at, supers, sizeof *segment->time_directory);
    segment->time_payload = take(base, &at, rows, sizeof(uint64_t));
    for (uint32_t c = 0; c < segment->column_count; c++) {
        gch__live_arrays *arrays = &segment->columns[c];
        for (uint32_t level = 0; level < levels; level++)
            arrays->levels[level] = take(base, &at, counts[level], sizeof(gch__pair64));
        arrays->directory = take(base, &at, supers, sizeof(uint32_t));
        arrays->gap_supers = take(base, &at, supers, sizeof(uint32_t));
        arrays->gap_bitmaps =
            take(base, &at, (uint64_t)supers * GCH__BITMAP_WORDS, sizeof(uint32_t));
        arrays->run_starts = take(base, &at, rows, sizeof(uint32_t));
        arrays->exceptions = take(base, &at, rows, sizeof(gch__exception));
        arrays->payload = take(base, &at, rows, sizeof(uint64_t));
    }
    return at;
}

gch_status gch__live_segment_make(const gch_allocator *allocator, const char *name,
                                  const gch__meta *meta, uint32_t row_cap, gch__live_segment **out,
                                  gch_error *err)
{
    gch__live_segment *segment = gch__alloc_zero(allocator, 1, sizeof *segment, "live segment");
    if (segment == NULL)
        return gch__no_memory(err, "live segment");
    segment->allocator = allocator;
    segment->kernels = gch__kernels_get();
    segment->row_cap = row_cap;
    segment->column_count = meta->column_count;
    segment->refs = 1;
    segment->columns =
        gch__alloc_zero(allocator, meta->column_count, sizeof *segment->columns, "live segment");
    gch_status status = segment->columns != NULL ? GCH_OK : gch__no_memory(err, "live segment");
    if (status == GCH_OK)
        status = gch__live_view_make(allocator, meta->column_count, &segment->grown, err);
    if (status == GCH_OK)
        status = gch__live_view_make(allocator, meta->column_count, &segment->shown, err);
    uint64_t bytes = segment->columns != NULL ? lay_out(segment, NULL) : 0;
    if (status == GCH_OK && bytes > (uint64_t)UINT32_MAX * GCH__PAYLOAD_UNIT)
        status = gch_fail(err, GCH_LIMIT, "%s: %u rows of %u columns are too much for a segment",
                          name, row_cap, meta->column_count);
    if (status == GCH_OK)
        status = gch__region_reserve((size_t)bytes, &segment->region, err);
    if (status != GCH_OK) {
        gch__live_segment_destroy(segment);
        return status;
    }
    lay_out(segment, segment->region.base);
    segment->grown.pages = (struct gch__segment_pages){
        .name = name, .bytes = segment->region.base, .payload_bytes = segment->region.bytes};
    point_view(&segment->grown);
    for (uint32_t c = 0; c < meta->column_count; c++)
        segment->grown.columns[c].type = meta->columns[c].type;
    *out = segment;
    return GCH_OK;
}

void gch__live_segment_destroy(gch__live_segment *segment)
{
    if (segment == NULL)
        return;
    const gch_allocator *allocator = segment->allocator;
    gch__live_view_reset(allocator, &segment->grown);
    gch__live_view_reset(allocator, &segment->shown);
    gch__region_release(&segment->region);
    gch__free(allocator, segment->columns, "live segment");
    gch__free(allocator, segment, "live segment");
}

void gch__live_segment_start(gch__live_segment *segment, const gch__live_plan *plan,
                             const gch__value_column *before)
{
    gch__segment *grown = &segment->grown.segment;
    grown->row_count = grown->block_count = grown->super_count = 0;
    segment->grown.is_sealed = false;
    segment->time_units = 0;
    segment->grown.disk = (gch__disk_descriptor){
        .time_mode = plan->is_irregular ? GCH__TIME_LINES : GCH__TIME_AFFINE};
    grown->time = plan->is_irregular ? (gch__time_column){.supers = segment->supers,
                                                          .lines = segment->lines,
                                                          .directory = segment->time_directory}
                                     : (gch__time_column){.runs = segment->runs};
    for (uint32_t c = 0; c < segment->column_count; c++) {
        gch__live_arrays *arrays = &segment->columns[c];
        gch__value_column *column = &segment->grown.columns[c];
        *column = (gch__value_column){
            .map = {.kind = plan->columns[c].kind.kind,
                    .scale = plan->columns[c].kind.scale,
                    .is_wide = plan->columns[c].is_wide},
            .type = column->type,
            .directory = arrays->directory,
            .gap_supers = arrays->gap_supers,
            .gap_bitmaps = arrays->gap_bitmaps,
            .run_starts = arrays->run_starts,
            .exceptions = arrays->exceptions,
            .last_is_drawn = before != NULL && before[c].last_is_drawn,
        };
        for (uint32_t level = 0; level < GCH_TREE_LEVELS_CAP; level++)
            column->levels[level] = arrays->levels[level];
        segment->grown.values[c] = (gch__disk_value){0};
        arrays->negative_zero_count = 0;
    }
}

void gch__live_segment_rollback(gch__live_segment *segment)
{
    gch__live_view_copy(&segment->grown, &segment->shown);
    segment->time_units = segment->grown.disk.time_payload_bytes / GCH__PAYLOAD_UNIT;
}

/* ---- times ---- */

/* Extends the runs behind the grown ones by the block; their number, or UINT32_MAX if lines are the
 * better choice. */
static uint32_t extend_runs(const gch__live_segment *segment, const int64_t *times, uint32_t count)
{
    const gch__segment *grown = &segment->grown.segment;
    uint32_t run_count = grown->time.run_count, first = run_count, row = 0;
    if (run_count > 0 && grown->row_count - segment->runs[run_count - 1].row > 1) {
        uint64_t step = (uint64_t)times[0] - (uint64_t)grown->last_time;
        if (step == (uint64_t)segment->runs[run_count - 1].step)
            row = 1 + segment->kernels->count_steps(times, count, step);
    }
    while (row < count) {
        gch__affine_run *run = &segment->runs[run_count++];
        uint64_t step = row + 1 < count ? (uint64_t)times[row + 1] - (uint64_t)times[row] : 0;
        *run = (gch__affine_run){.row = grown->row_count + row, .t0 = times[row]};
        row++;
        if (row < count && step <= INT64_MAX) {
            run->step = (int64_t)step;
            row += segment->kernels->count_steps(times + row - 1, count - row + 1, step);
        }
    }
    uint64_t rows = (uint64_t)grown->row_count + count;
    bool is_worth = run_count <= RUNS_ALWAYS || run_count == first ||
                    run_count * sizeof(gch__affine_run) <= rows / 2;
    return is_worth ? run_count : UINT32_MAX;
}

/* The unit of lines that hold the block too. */
static uint64_t find_unit(const gch__live_segment *segment, const gch__live_plan *plan,
                          const int64_t *times, uint32_t count)
{
    const gch__segment *grown = &segment->grown.segment;
    uint64_t unit = grown->row_count > 0 ? grown->time.unit : plan->unit_floor;
    if (grown->row_count > 0) {
        int64_t pair[] = {grown->last_time, times[0]};
        gch__time_gcd(pair, 2, &unit);
    }
    gch__time_gcd(times, count, &unit);
    return GCH_MAX(unit, (uint64_t)1);
}

static void add_lines(gch__live_segment *segment, const int64_t *times, uint32_t count,
                      uint64_t unit)
{
    gch__segment *grown = &segment->grown.segment;
    gch__time_column *time = &grown->time;
    uint32_t super = grown->row_count / GCH_SUPER_ROWS;
    uint8_t *packed = segment->time_payload + segment->time_units * GCH__PAYLOAD_UNIT;
    if (grown->row_count % GCH_SUPER_ROWS == 0) {
        segment->supers[super] = ((uint64_t)times[0] - (uint64_t)time->origin) / unit;
        segment->time_directory[super] =
            (uint32_t)((uint64_t)(packed - segment->region.base) / GCH__PAYLOAD_UNIT);
    }
    uint64_t super_first = (uint64_t)time->origin + segment->supers[super] * unit;
    gch__time_line line = gch__time_encode_block(segment->kernels, times, count, super_first, unit,
                                                 (uint32_t *)(void *)packed);
    segment->lines[grown->block_count] = line;
    segment->time_units += line.bits;
    segment->grown.disk.time_payload_bytes = segment->time_units * GCH__PAYLOAD_UNIT;
}

/* ---- values ---- */

/* The narrow base that leaves most room around the block's keys. */
static int64_t choose_base(const gch__key_map *map, int64_t min, int64_t max)
{
    int64_t least = map->kind == GCH_VALUE_F32 ? 0 : INT64_MIN;
    int64_t most = map->kind == GCH_VALUE_F32 ? 0 : INT64_MAX - UINT32_MAX;
    if (map->is_wide)
        return least;
    int64_t room = (int64_t)((UINT32_MAX - ((uint64_t)max - (uint64_t)min)) / 2), base;
    if (__builtin_sub_overflow(min, room, &base))
        base = INT64_MIN;
    return GCH_MIN(GCH_MAX(base, least), most);
}

static int64_t get_base(const gch__key_map *map)
{
    return map->kind == GCH_VALUE_F64 ? (int64_t)(map->base ^ 0x8000000000000000u)
                                      : (int64_t)map->base;
}

/* A base is chosen with the first value that is drawn. */
static bool has_base(const gch__live_segment *segment, uint32_t index)
{
    return segment->grown.values[index].gap_count < segment->grown.segment.row_count;
}

/* Whether the block's keys can be told from the base on. */
static bool is_in_range(const gch__key_map *map, const gch__block_keys *block, int64_t base)
{
    return map->is_wide ||
           (block->min >= base && (uint64_t)block->max - (uint64_t)base <= UINT32_MAX);
}

/* False: the column's plan was widened. */
static bool fit_column(const gch__live_segment *segment, gch__live_plan *plan, uint32_t index,
                       const gch__column_input *input, uint32_t count, gch__block_keys *out)
{
    const gch__value_column *column = &segment->grown.columns[index];
    struct gch__live_plan_column *wanted = &plan->columns[index];
    gch__key_kind kind = {.kind = column->map.kind, .scale = column->map.scale};
    if (!gch__block_keys_make(segment->kernels, input, kind, 0, count, out)) {
        wanted->kind = gch__kind_widen(segment->kernels, input, kind, count);
        return false;
    }
    uint64_t zeros =
        (uint64_t)segment->columns[index].negative_zero_count + out->negative_zero_count;
    if (zeros > GCH_BLOCK_ROWS && zeros > ((uint64_t)segment->grown.segment.row_count) / 256) {
        wanted->kind = gch__kind_float(column->type);
        return false;
    }
    if (out->min > out->max)
        return true;
    if (has_base(segment, index)) {
        if (is_in_range(&column->map, out, get_base(&column->map)))
            return true;
        /* A drift that took most of a segment may start anew; anything else needs wide keys. */
        wanted->is_wide = segment->grown.segment.row_count < segment->row_cap / 4;
        return false;
    }
    if (!column->map.is_wide && (uint64_t)out->max - (uint64_t)out->min > UINT32_MAX) {
        wanted->is_wide = true;
        return false;
    }
    return true;
}

static void put_pair(const gch__value_column *column, void *level, uint32_t index, uint64_t min,
                     uint64_t max)
{
    if (column->map.is_wide)
        ((gch__pair64 *)level)[index] = (gch__pair64){.min = min, .max = max};
    else
        ((gch__pair32 *)level)[index] = (gch__pair32){.min = (uint32_t)min, .max = (uint32_t)max};
}

/* Adds the nodes of a level over children [first, end) of the level below. */
static void add_node(gch__live_segment *segment, uint32_t index, uint32_t level, uint32_t first,
                     uint32_t end)
{
    gch__value_column *column = &segment->grown.columns[index];
    uint64_t min = UINT64_MAX, max = 0;
    for (uint32_t i = first; i < end; i++) {
        if (column->map.is_wide) {
            gch__pair64 pair = ((const gch__pair64 *)column->levels[level - 1])[i];
            min = GCH_MIN(min, pair.min);
            max = GCH_MAX(max, pair.max);
        } else {
            gch__pair32 pair = ((const gch__pair32 *)column->levels[level - 1])[i];
            min = GCH_MIN(min, pair.min);
            max = GCH_MAX(max, pair.max);
        }
    }
    put_pair(column, segment->columns[index].levels[level], first / GCH_TREE_FANOUT, min, max);
    column->level_counts[level] = first / GCH_TREE_FANOUT + 1;
    column->level_count = GCH_MAX(column->level_count, level + 1);
}

static void add_to_tree(gch__live_segment *segment, uint32_t index, const gch__block_keys *block)
{
    gch__live_arrays *arrays = &segment->columns[index];
    gch__value_column *column = &segment->grown.columns[index];
    bool is_empty = block->min > block->max;
    if (!is_empty && !has_base(segment, index))
        column->map.base = gch__base_from_ordered(
            column->map.kind, choose_base(&column->map, block->min, block->max));
    int64_t base = get_base(&column->map);
    uint64_t min = column->map.is_wide ? UINT64_MAX : UINT32_MAX, max = 0;
    if (!is_empty) {
        min = (uint64_t)block->min - (uint64_t)base;
        max = (uint64_t)block->max - (uint64_t)base;
    }
    put_pair(column, arrays->levels[0], column->level_counts[0]++, min, max);
    column->level_count = GCH_MAX(column->level_count, 1u);
    for (uint32_t level = 1, count = column->level_counts[0]; count % GCH_TREE_FANOUT == 0;
         level++) {
        add_node(segment, index, level, count - GCH_TREE_FANOUT, count);
        count /= GCH_TREE_FANOUT;
    }
}

static void add_payload(gch__live_segment *segment, uint32_t index, const gch__block_keys *block)
{
    const gch__live_arrays *arrays = &segment->columns[index];
    gch__disk_value *disk = &segment->grown.values[index];
    uint8_t *packed = arrays->payload + disk->payload_bytes;
    if (segment->grown.segment.row_count % GCH_SUPER_ROWS == 0)
        arrays->directory[segment->grown.segment.row_count / GCH_SUPER_ROWS] =
            (uint32_t)((uint64_t)(packed - segment->region.base) / GCH__PAYLOAD_UNIT);
    disk->payload_bytes +=
        (uint64_t)gch__block_pack(segment->kernels, block, (uint32_t *)(void *)packed) *
        GCH__PAYLOAD_UNIT;
}

/* Notes the block's gaps: a bitmap for its super-block, if it has any, and the starts of runs. */
static void add_gaps(gch__live_segment *segment, uint32_t index, const gch__block_keys *block,
                     uint32_t count)
{
    const gch__live_arrays *arrays = &segment->columns[index];
    gch__value_column *column = &segment->grown.columns[index];
    uint32_t row = segment->grown.segment.row_count, super = row / GCH_SUPER_ROWS;
    uint32_t listed = column->gap_super_count;
    bool is_listed = listed > 0 && arrays->gap_supers[listed - 1] == super;
    uint32_t drawn[GCH_BLOCK_ROWS / 32];
    gch__block_drawn(block, count, drawn);
    if (block->has_gaps && !is_listed) {
        uint32_t *bitmap = arrays->gap_bitmaps + (size_t)listed * GCH__BITMAP_WORDS;
        arrays->gap_supers[listed] = super;
        memset(bitmap, 0, GCH__BITMAP_WORDS * sizeof *bitmap);
        memset(bitmap, 0xFF, row % GCH_SUPER_ROWS / 8);
        column->gap_super_count = ++listed;
        is_listed = true;
    }
    if (is_listed)
        memcpy(arrays->gap_bitmaps + (size_t)(listed - 1) * GCH__BITMAP_WORDS +
                   row % GCH_SUPER_ROWS / 32,
               drawn, sizeof drawn);
    if (row == 0)
        column->first_is_drawn = (drawn[0] & 1u) != 0;
    uint32_t carry = column->last_is_drawn;
    for (uint32_t word = 0; word < GCH_COUNT_OF(drawn); word++) {
        uint32_t starts = drawn[word] & ~(drawn[word] << 1 | carry);
        carry = drawn[word] >> 31;
        for (; starts != 0; starts &= starts - 1)
            arrays->run_starts[column->run_start_count++] =
                row + word * 32 + (uint32_t)__builtin_ctz(starts);
    }
    column->last_is_drawn = (drawn[(count - 1) / 32] >> ((count - 1) & 31) & 1u) != 0;
    segment->grown.values[index].gap_count += block->gap_count;
}

static void add_exceptions(gch__live_segment *segment, uint32_t index,
                           const gch__column_input *input, uint32_t count)
{
    const gch__live_arrays *arrays = &segment->columns[index];
    gch__value_column *column = &segment->grown.columns[index];
    gch__key_kind kind = {.kind = column->map.kind, .scale = column->map.scale};
    for (uint32_t i = 0; i < count; i++) {
        gch__exception exception;
        if (!gch__exception_get(input, kind, i, &exception))
            continue;
        exception.row = segment->grown.segment.row_count + i;
        arrays->exceptions[column->exception_count++] = exception;
    }
}

/* ---- blocks ---- */

static bool fit_times(const gch__live_segment *segment, gch__live_plan *plan, const int64_t *times,
                      uint32_t count, uint32_t *out_runs, uint64_t *out_unit)
{
    const gch__segment *grown = &segment->grown.segment;
    if (segment->grown.disk.time_mode == GCH__TIME_AFFINE) {
        *out_runs = extend_runs(segment, times, count);
        plan->is_irregular = *out_runs == UINT32_MAX;
        return !plan->is_irregular;
    }
    *out_unit = find_unit(segment, plan, times, count);
    plan->unit_floor = *out_unit;
    return grown->row_count == 0 || *out_unit == grown->time.unit;
}

bool gch__live_segment_add(gch__live_segment *segment, gch__live_plan *plan, const int64_t *times,
                           const gch__column_input *inputs, uint32_t count,
                           gch__block_keys *scratch)
{
    gch__segment *grown = &segment->grown.segment;
    uint32_t run_count = 0;
    uint64_t unit = 0;
    if (segment->grown.is_sealed || count > segment->row_cap - grown->row_count)
        return false;
    bool fits = fit_times(segment, plan, times, count, &run_count, &unit);
    for (uint32_t c = 0; c < segment->column_count; c++)
        fits &= fit_column(segment, plan, c, &inputs[c], count, &scratch[c]);
    if (!fits)
        return false;
    if (grown->row_count == 0) {
        grown->first_time = times[0];
        grown->time.origin = run_count > 0 ? 0 : times[0];
        grown->time.unit = unit;
    }
    if (unit == 0)
        grown->time.run_count = run_count;
    else
        add_lines(segment, times, count, unit);
    for (uint32_t c = 0; c < segment->column_count; c++) {
        segment->columns[c].negative_zero_count += scratch[c].negative_zero_count;
        add_payload(segment, c, &scratch[c]);
        add_to_tree(segment, c, &scratch[c]);
        add_gaps(segment, c, &scratch[c], count);
        if (scratch[c].has_exceptions)
            add_exceptions(segment, c, &inputs[c], count);
    }
    grown->last_time = times[count - 1];
    grown->row_count += count;
    grown->block_count = gch__block_count(grown->row_count);
    grown->super_count = gch__super_count(grown->row_count);
    return true;
}

void gch__live_segment_seal(gch__live_segment *segment)
{
    uint32_t counts[GCH_TREE_LEVELS_CAP];
    segment->grown.is_sealed = true;
    if (segment->grown.segment.row_count == 0)
        return;
    uint32_t levels = gch__tree_shape(segment->grown.segment.block_count, counts);
    for (uint32_t c = 0; c < segment->column_count; c++) {
        for (uint32_t level = 1; level < levels; level++) {
            if (segment->grown.columns[c].level_counts[level] < counts[level])
                add_node(segment, c, level, (counts[level] - 1) * GCH_TREE_FANOUT,
                         counts[level - 1]);
        }
    }
}

uint64_t gch__live_view_bytes(const gch__live_view *view)
{
    const gch__segment *segment = &view->segment;
    uint64_t bytes =
        (uint64_t)segment->time.run_count * sizeof(gch__affine_run) + view->disk.time_payload_bytes;
    if (view->disk.time_mode == GCH__TIME_LINES)
        bytes += (uint64_t)segment->block_count * sizeof(gch__time_line) +
                 (uint64_t)segment->super_count * (sizeof(uint64_t) + sizeof(uint32_t));
    for (uint32_t c = 0; c < segment->column_count; c++) {
        const gch__value_column *column = &view->columns[c];
        size_t pair = column->map.is_wide ? sizeof(gch__pair64) : sizeof(gch__pair32);
        bytes += view->values[c].payload_bytes;
        for (uint32_t level = 0; level < column->level_count; level++)
            bytes += column->level_counts[level] * pair;
        bytes += (uint64_t)segment->super_count * sizeof(uint32_t) +
                 (uint64_t)column->gap_super_count * (1 + GCH__BITMAP_WORDS) * sizeof(uint32_t) +
                 (uint64_t)column->run_start_count * sizeof(uint32_t) +
                 (uint64_t)column->exception_count * sizeof(gch__exception);
    }
    return bytes;
}
