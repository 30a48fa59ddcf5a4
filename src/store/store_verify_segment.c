/* Verification of a segment: every page, every padding byte, every array against the rows.
 *
 * Rows are decoded block by block with the functions that readers use, and compared with what the
 * arrays say about them; tasks are groups of super-blocks.
 *
 * Invariants:
 *  1. Of the faults in one parallel loop the one with the smallest task is reported, so that the
 *     answer does not depend on the number of workers.
 */
#include "store_verify.h"

#include <string.h>

#define PAGE_TASK 32u  /* pages */
#define SUPER_TASK 16u /* super-blocks */
#define LOOP_TASKS 64u /* between two reports of progress */

static gch_status fail(const gch__segment *segment, uint64_t row, const char *what, gch_error *err)
{
    return gch_fail(err, GCH_CORRUPT, "%s: row %llu: %s", segment->pages->name,
                    (unsigned long long)(segment->first_row + row), what);
}

/* ---- parallel loops that stop at the first fault ---- */

typedef gch_status loop_body(const gch__segment *segment, const gch__segment *before, size_t task,
                             gch_error *err);

typedef struct loop_job {
    const gch__segment *segment, *before;
    gch__verify_fault *faults;
    loop_body *body;
    size_t first;
} loop_job;

static void run_task(void *context, size_t task, uint32_t worker)
{
    loop_job *job = context;
    gch__verify_fault *fault = &job->faults[worker];
    gch_error err;
    size_t number = job->first + task;
    if (fault->is_set && fault->task < number)
        return;
    if (job->body(job->segment, job->before, number, &err) != GCH_OK)
        *fault = (gch__verify_fault){.is_set = true, .task = number, .err = err};
}

/* Runs the tasks, `weight` units of progress each. */
static gch_status run_loop(gch__verify *verify, uint32_t index, loop_body *body, size_t tasks,
                           uint64_t weight, gch_error *err)
{
    uint32_t workers = gch_workers_count(verify->workers);
    loop_job job = {.segment = &verify->file->segments[index],
                    .before = index > 0 ? &verify->file->segments[index - 1] : NULL,
                    .faults = verify->faults,
                    .body = body};
    for (; job.first < tasks; job.first += LOOP_TASKS) {
        size_t count = GCH_MIN(tasks - job.first, (size_t)LOOP_TASKS);
        memset(verify->faults, 0, workers * sizeof *verify->faults);
        gch__parallel_for(verify->workers, count, run_task, &job);
        const gch__verify_fault *first = NULL;
        for (uint32_t w = 0; w < workers; w++) {
            const gch__verify_fault *fault = &verify->faults[w];
            if (fault->is_set && (first == NULL || fault->task < first->task))
                first = fault;
        }
        if (first != NULL)
            return gch_fail(err, first->err.status, "%s", first->err.message);
        verify->done += count * weight;
        GCH_TRY(gch__report(verify->progress, &verify->reported_ns,
                            GCH_MIN(verify->done, verify->total - 1), verify->total, err));
    }
    return GCH_OK;
}

static size_t page_tasks(const gch__segment *segment)
{
    return (size_t)(segment->pages->body_bytes / GCH__PAGE_BYTES + PAGE_TASK - 1) / PAGE_TASK;
}

static size_t super_tasks(const gch__segment *segment)
{
    return (segment->super_count + SUPER_TASK - 1) / SUPER_TASK;
}

uint64_t gch__verify_weight(const gch__segment *segment)
{
    return page_tasks(segment) + (uint64_t)super_tasks(segment) * (segment->column_count + 1) + 1;
}

static gch_status verify_pages(const gch__segment *segment, const gch__segment *before, size_t task,
                               gch_error *err)
{
    const struct gch__segment_pages *pages = segment->pages;
    uint64_t count = pages->body_bytes / GCH__PAGE_BYTES;
    uint64_t end = GCH_MIN((uint64_t)(task + 1) * PAGE_TASK, count);
    (void)before;
    for (uint64_t page = (uint64_t)task * PAGE_TASK; page < end; page++) {
        if (gch__checksum(pages->bytes + page * GCH__PAGE_BYTES, GCH__PAGE_BYTES) !=
            pages->checksums[page])
            return gch_fail(err, GCH_CORRUPT,
                            "%s: the page at byte %llu is damaged: its checksum does not match",
                            pages->name,
                            (unsigned long long)(pages->offset + page * GCH__PAGE_BYTES));
    }
    return GCH_OK;
}

/* ---- layout ---- */

typedef struct range {
    uint64_t from, to;
} range;

typedef struct range_list {
    range *ranges;
    size_t count;
} range_list;

static void add_range(range_list *list, const gch__segment *segment, const void *array,
                      uint64_t count, size_t size)
{
    if (count == 0)
        return;
    uint64_t from = (uint64_t)((const uint8_t *)array - segment->pages->bytes);
    list->ranges[list->count++] = (range){from, from + count * size};
}

static void sort_ranges(range_list *list)
{
    /* Heap sort: the list is short, or comes from a file that wants to be slow. */
    range *r = list->ranges;
    size_t count = list->count;
    for (size_t build = count / 2, end = count; end > 1;) {
        if (build > 0) {
            build--;
        } else {
            end--;
            range swap = r[0];
            r[0] = r[end];
            r[end] = swap;
        }
        size_t root = build;
        for (size_t child; (child = 2 * root + 1) < end; root = child) {
            if (child + 1 < end && r[child].from < r[child + 1].from)
                child++;
            if (r[root].from >= r[child].from)
                break;
            range swap = r[root];
            r[root] = r[child];
            r[child] = swap;
        }
    }
}

static void list_ranges(const gch__segment *segment, range_list *list)
{
    const gch__time_column *time = &segment->time;
    if (time->run_count > 0) {
        add_range(list, segment, time->runs, time->run_count, sizeof *time->runs);
    } else {
        add_range(list, segment, time->supers, segment->super_count, sizeof *time->supers);
        add_range(list, segment, time->lines, segment->block_count, sizeof *time->lines);
        add_range(list, segment, time->directory, segment->super_count, sizeof *time->directory);
    }
    for (uint32_t c = 0; c < segment->column_count; c++) {
        const gch__value_column *column = &segment->columns[c];
        size_t pair = column->map.is_wide ? sizeof(gch__pair64) : sizeof(gch__pair32);
        for (uint32_t level = 0; level < column->level_count; level++)
            add_range(list, segment, column->levels[level], column->level_counts[level], pair);
        add_range(list, segment, column->directory, segment->super_count, sizeof(uint32_t));
        add_range(list, segment, column->gap_supers, column->gap_super_count, sizeof(uint32_t));
        add_range(list, segment, column->gap_bitmaps, column->gap_super_count,
                  GCH__BITMAP_WORDS * sizeof(uint32_t));
        add_range(list, segment, column->run_starts, column->run_start_count, sizeof(uint32_t));
        add_range(list, segment, column->exceptions, column->exception_count,
                  sizeof(gch__exception));
    }
}

/* The payload is as long as its parts, arrays do not overlap, and what is between them is zero. */
static gch_status verify_layout(const gch_file *file, const gch__segment *segment, gch_error *err)
{
    const struct gch__segment_pages *pages = segment->pages;
    uint64_t payload = pages->disk->time_payload_bytes;
    for (uint32_t c = 0; c < segment->column_count; c++)
        payload += pages->values[c].payload_bytes; /* each is at most the segment's */
    if (gch__align_up(payload, GCH__ALIGN) != pages->payload_bytes)
        return fail(segment, 0, "the segment's payload is not the sum of its parts", err);
    size_t most = 4 + (size_t)segment->column_count * (GCH_TREE_LEVELS_CAP + 5);
    range_list list = {.ranges =
                           gch__alloc_array(file->allocator, most, sizeof *list.ranges, "verify")};
    if (list.ranges == NULL)
        return gch__no_memory(err, "verify");
    list_ranges(segment, &list);
    sort_ranges(&list);
    gch_status status = GCH_OK;
    uint64_t at = payload;
    for (size_t i = 0; i <= list.count && status == GCH_OK; i++) {
        uint64_t from = i < list.count ? list.ranges[i].from : pages->body_bytes;
        if (from < at)
            status = fail(segment, 0, "two arrays of its segment overlap", err);
        else
            status = gch__verify_zeros(file, pages->offset + at, pages->offset + from, err);
        at = i < list.count ? list.ranges[i].to : at;
    }
    gch__free(file->allocator, list.ranges, "verify");
    return status;
}

/* ---- tree ---- */

static gch_status verify_tree(const gch__segment *segment, const gch__value_column *column,
                              gch_error *err)
{
    for (uint32_t level = 1; level < column->level_count; level++) {
        for (uint32_t i = 0; i < column->level_counts[level]; i++) {
            gch__pair64 sum = {UINT64_MAX, 0}, pair = gch__tree_pair(column, level, i);
            uint32_t end = GCH_MIN((i + 1) * GCH_TREE_FANOUT, column->level_counts[level - 1]);
            for (uint32_t child = i * GCH_TREE_FANOUT; child < end; child++) {
                gch__pair64 part = gch__tree_pair(column, level - 1, child);
                sum.min = GCH_MIN(sum.min, part.min);
                sum.max = GCH_MAX(sum.max, part.max);
            }
            if (sum.min != pair.min || sum.max != pair.max)
                return fail(segment, 0, "its segment's tree is not that of its blocks", err);
        }
    }
    return GCH_OK;
}

/* The base is the smallest value, keys are wide only if they must be, and no value is beyond what
 * its kind can hold. */
static gch_status verify_range(const gch__segment *segment, const gch__value_column *column,
                               gch_error *err)
{
    const gch__key_map *map = &column->map;
    gch__pair64 top = gch__tree_pair(column, column->level_count - 1, 0);
    if (top.min > top.max)
        return map->base == 0 && !map->is_wide
                   ? GCH_OK
                   : fail(segment, 0, "a column without values has a base", err);
    bool fits = top.min == 0 && map->is_wide == (top.max > UINT32_MAX);
    uint64_t last;
    if (map->kind == GCH_VALUE_DECIMAL) {
        fits = fits && (__int128)(int64_t)map->base + (__int128)top.max <= INT64_MAX;
    } else if (map->kind == GCH_VALUE_F32) {
        fits = fits && !__builtin_add_overflow(map->base, top.max, &last) &&
               map->base > gch__key_from_f32(-__builtin_inff()) &&
               last < gch__key_from_f32(__builtin_inff());
    } else {
        fits = fits && !__builtin_add_overflow(map->base, top.max, &last) &&
               map->base > gch__key_from_f64(-__builtin_inf()) &&
               last < gch__key_from_f64(__builtin_inf());
    }
    return fits ? GCH_OK : fail(segment, 0, "the range of a column of its segment is wrong", err);
}

/* ---- values ---- */

static bool get_bit(const uint32_t *bitmap, uint32_t bit)
{
    return bitmap == NULL || (bitmap[bit / 32] >> (bit & 31) & 1u) != 0;
}

/* One block against its header: exact over the drawn rows, gaps filled, end padded. */
static gch_status verify_block(const gch__segment *segment, const gch__value_column *column,
                               uint32_t block, const uint32_t *bitmap, gch_error *err)
{
    uint64_t residuals[GCH_BLOCK_ROWS], min, least = UINT64_MAX, most = 0, previous = 0;
    uint32_t row = block * GCH_BLOCK_ROWS, bits;
    uint32_t count = GCH_MIN(segment->row_count - row, GCH_BLOCK_ROWS);
    const uint32_t *packed;
    GCH_TRY(gch__column_block(segment, column, block, &packed, &bits, &min, err));
    gch__pair64 header = gch__tree_pair(column, 0, block);
    gch__unpack64(gch__kernels_get(), packed, bits, residuals);
    bool is_empty = true;
    for (uint32_t i = 0; i < count; i++) {
        if (!get_bit(bitmap, (row + i) % GCH_SUPER_ROWS))
            continue;
        if (is_empty)
            previous = residuals[i]; /* what the slots before it hold */
        is_empty = false;
        least = GCH_MIN(least, residuals[i]);
        most = GCH_MAX(most, residuals[i]);
    }
    if (is_empty)
        return header.min == UINT64_MAX && header.max == 0
                   ? GCH_OK
                   : fail(segment, row, "its block has a range but no values", err);
    if (header.min > header.max || least != 0 || most != header.max - header.min)
        return fail(segment, row, "its block's range is not that of its values", err);
    for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++) {
        if (i < count && get_bit(bitmap, (row + i) % GCH_SUPER_ROWS))
            previous = residuals[i];
        else if (residuals[i] != previous)
            return fail(segment, row, "a slot without a value in its block is not filled", err);
    }
    return GCH_OK;
}

/* Index of the first run start at or behind a row. */
static uint32_t find_run_start(const gch__value_column *column, uint32_t row)
{
    uint32_t low = 0, high = column->run_start_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (column->run_starts[middle] < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static gch_status verify_gaps(const gch__segment *segment, const gch__segment *before,
                              uint32_t column_index, uint32_t super, const uint32_t *bitmap,
                              gch_error *err)
{
    const gch__value_column *column = &segment->columns[column_index];
    uint32_t first = super * GCH_SUPER_ROWS;
    uint32_t rows = GCH_MIN(segment->row_count - first, GCH_SUPER_ROWS);
    uint32_t next = find_run_start(column, first), drawn = 0;
    bool last;
    if (super == 0) {
        last = before != NULL && before->columns[column_index].last_is_drawn;
    } else {
        const uint32_t *bitmap_before;
        GCH_TRY(gch__column_bitmap(segment, column, super - 1, &bitmap_before, err));
        last = get_bit(bitmap_before, GCH_SUPER_ROWS - 1);
    }
    for (uint32_t i = 0; i < rows; i++) {
        bool is_drawn = get_bit(bitmap, i);
        bool is_listed = next < column->run_start_count && column->run_starts[next] == first + i;
        if (is_listed != (is_drawn && !last))
            return fail(segment, first + i, "the list of runs is not that of the gaps", err);
        next += is_listed;
        drawn += is_drawn;
        last = is_drawn;
    }
    if (bitmap != NULL && drawn == rows)
        return fail(segment, first, "a list of gaps without gaps", err);
    for (uint32_t i = rows; bitmap != NULL && i < GCH_SUPER_ROWS; i++) {
        if (get_bit(bitmap, i))
            return fail(segment, first, "a list of gaps goes on behind the last row", err);
    }
    if ((super == 0 && column->first_is_drawn != get_bit(bitmap, 0)) ||
        (super + 1 == segment->super_count && column->last_is_drawn != last))
        return fail(segment, first, "the segment's ends are not as its descriptor says", err);
    return GCH_OK;
}

static gch_status verify_supers(const gch__segment *segment, const gch__segment *before,
                                size_t task, gch_error *err)
{
    uint32_t column_index = (uint32_t)(task % segment->column_count);
    uint32_t group = (uint32_t)(task / segment->column_count);
    const gch__value_column *column = &segment->columns[column_index];
    uint32_t end = GCH_MIN((group + 1) * SUPER_TASK, segment->super_count);
    for (uint32_t super = group * SUPER_TASK; super < end; super++) {
        const uint32_t *bitmap;
        GCH_TRY(gch__column_bitmap(segment, column, super, &bitmap, err));
        uint32_t block_end = GCH_MIN((super + 1) * GCH_SUPER_BLOCKS, segment->block_count);
        for (uint32_t block = super * GCH_SUPER_BLOCKS; block < block_end; block++)
            GCH_TRY(verify_block(segment, column, block, bitmap, err));
        GCH_TRY(verify_gaps(segment, before, column_index, super, bitmap, err));
    }
    return GCH_OK;
}

/* ---- counts and exceptions ---- */

static gch_status verify_gap_count(const gch__segment *segment, uint32_t column_index,
                                   gch_error *err)
{
    const gch__value_column *column = &segment->columns[column_index];
    uint64_t gaps = 0;
    for (uint32_t g = 0; g < column->gap_super_count; g++) {
        const uint32_t *bitmap = column->gap_bitmaps + (size_t)g * GCH__BITMAP_WORDS;
        gaps +=
            GCH_MIN(segment->row_count - column->gap_supers[g] * GCH_SUPER_ROWS, GCH_SUPER_ROWS);
        for (uint32_t word = 0; word < GCH__BITMAP_WORDS; word++)
            gaps -= (uint32_t)__builtin_popcount(bitmap[word]);
    }
    return gaps == segment->pages->values[column_index].gap_count
               ? GCH_OK
               : fail(segment, 0, "the number of gaps in its segment is wrong", err);
}

static bool is_possible(const gch__value_column *column, const gch__exception *exception)
{
    bool is_f32 = column->type == GCH_TYPE_F32;
    if (column->type < GCH_TYPE_F32 || exception->is_drawn > 1)
        return false;
    if (is_f32 && exception->bits > UINT32_MAX)
        return false;
    if (exception->is_drawn)
        return column->map.kind == GCH_VALUE_DECIMAL &&
               exception->bits == (is_f32 ? 0x80000000u : 0x8000000000000000u);
    uint64_t exponent = is_f32 ? 0x7F800000u : 0x7FF0000000000000u;
    uint64_t quiet = is_f32 ? 0x7FC00000u : 0x7FF8000000000000u;
    return (exception->bits & exponent) == exponent && exception->bits != quiet;
}

static gch_status verify_exceptions(const gch__segment *segment, const gch__value_column *column,
                                    gch_error *err)
{
    for (uint32_t e = 0; e < column->exception_count; e++) {
        const gch__exception *exception = &column->exceptions[e];
        uint64_t key;
        bool is_drawn;
        if (exception->row >= segment->row_count || (e > 0 && exception->row <= exception[-1].row))
            return fail(segment, exception->row, "the list of exceptions is not in order", err);
        GCH_TRY(gch__segment_key(segment, column, exception->row, &key, &is_drawn, err));
        if (!is_possible(column, exception) || is_drawn != (exception->is_drawn != 0) ||
            (is_drawn && column->map.base + key != 0))
            return fail(segment, exception->row, "an impossible exception", err);
    }
    return GCH_OK;
}

/* ---- times ---- */

static gch_status verify_lines(const gch__segment *segment, const gch__segment *before, size_t task,
                               gch_error *err)
{
    const gch__time_column *time = &segment->time;
    uint32_t block = (uint32_t)task * SUPER_TASK * GCH_SUPER_BLOCKS;
    uint32_t end = GCH_MIN(block + SUPER_TASK * GCH_SUPER_BLOCKS, segment->block_count);
    int64_t last = segment->first_time;
    (void)before;
    if (block > 0)
        GCH_TRY(gch__segment_time(segment, block * GCH_BLOCK_ROWS - 1, &last, err));
    for (; block < end; block++) {
        uint64_t units[GCH_BLOCK_ROWS];
        uint32_t row = block * GCH_BLOCK_ROWS;
        uint32_t count = GCH_MIN(segment->row_count - row, GCH_BLOCK_ROWS);
        uint64_t super = time->supers[block / GCH_SUPER_BLOCKS];
        const gch__time_line *line;
        const uint32_t *packed;
        GCH_TRY(gch__time_block(segment, block, &line, &packed, err));
        gch__time_line_unpack(gch__kernels_get(), line, packed, units);
        if (block % GCH_SUPER_BLOCKS == 0 && units[0] != 0)
            return fail(segment, row, "its super-block does not start at its first time", err);
        for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++) {
            int64_t ticks = (int64_t)((uint64_t)time->origin + time->unit * (super + units[i]));
            if (i < count && ticks < last)
                return fail(segment, row + i, "its time is before that of the row ahead of it",
                            err);
            if (i >= count && ticks != last)
                return fail(segment, row, "the end of its time block is not padded", err);
            last = ticks;
        }
        if ((block == 0 && time->origin != segment->first_time) ||
            (block + 1 == segment->block_count && last != segment->last_time))
            return fail(segment, row, "the segment's first or last time is wrong", err);
    }
    return GCH_OK;
}

/* ---- all of it ---- */

gch_status gch__verify_segment(gch__verify *verify, uint32_t index, gch_error *err)
{
    const gch__segment *segment = &verify->file->segments[index];
    GCH_TRY(run_loop(verify, index, verify_pages, page_tasks(segment), 1, err));
    GCH_TRY(verify_layout(verify->file, segment, err));
    for (uint32_t c = 0; c < segment->column_count; c++) {
        GCH_TRY(verify_tree(segment, &segment->columns[c], err));
        GCH_TRY(verify_range(segment, &segment->columns[c], err));
    }
    if (segment->time.run_count == 0)
        GCH_TRY(run_loop(verify, index, verify_lines, super_tasks(segment), 1, err));
    GCH_TRY(run_loop(verify, index, verify_supers, super_tasks(segment) * segment->column_count, 1,
                     err));
    for (uint32_t c = 0; c < segment->column_count; c++) {
        GCH_TRY(verify_gap_count(segment, c, err));
        GCH_TRY(verify_exceptions(segment, &segment->columns[c], err));
    }
    return GCH_OK;
}
