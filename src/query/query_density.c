/* How many points each pixel of a view holds, by docs/pixel-rule.md ("Density").
 *
 * The rows of a column are counted node by node: the largest node of the tree that starts at a row
 * and ends within the column adds its rows at once if all of them lie in one pixel row; else its
 * children are tried, and in the end a block is decoded. Values that follow each other tend to lie
 * in one pixel row, so a decoded value is first compared with the keys of the row before it.
 *
 * Invariant: a row adds 1 exactly once, or its column is counted as pending.
 */
#include "query_edges.h"
#include "query_lit.h"

#define TASK_COLUMNS 8u

typedef struct density_job {
    gch_query *query;
    const gch_view *view;
    const gch__edge *edges;
    uint32_t column;
} density_job;

/* A stretch of one segment in one pixel column, and the pixel row at hand. */
typedef struct counting {
    const gch_query *query;
    const gch__segment *segment;
    const gch__value_column *column;
    const gch__row_scale *scale;
    uint32_t *counts; /* of the pixel column */
    gch__touch *touch;
    gch_error *err;
    bool is_pending;

    int32_t row;
    uint64_t low, span; /* its keys are low .. low + span */
} counting;

static void add(counting *c, int32_t row, uint32_t count)
{
    if (row >= 0 && row < (int32_t)c->scale->table->height_px)
        c->counts[row] += count;
}

/* Keys of the segment from here on are those of `row`, which holds at least one. */
static void set_row(counting *c, int32_t row)
{
    const gch__row_table *table = c->scale->table;
    int32_t height = (int32_t)table->height_px;
    uint64_t low = row < height ? table->thresholds[row + 1] : 0, high = UINT64_MAX;
    if (row >= 0 && (uint32_t)row >= table->unbounded_count)
        high = table->thresholds[row] - 1;
    c->row = row;
    c->low = low - c->scale->offset;
    c->span = high - low;
}

/* A guess of key's row; false if it is another one. */
static bool row_is(const counting *c, int32_t row, uint64_t key)
{
    const gch__row_table *table = c->scale->table;
    if (row < 0 || row >= (int32_t)table->height_px)
        return false;
    uint64_t counted = key + c->scale->offset;
    return ((uint32_t)row < table->unbounded_count || counted < table->thresholds[row]) &&
           (uint32_t)row + 1 >= table->unbounded_count && counted >= table->thresholds[row + 1];
}

/* Rows of a block with their bit in `drawn`. */
static gch_status count_decoded(counting *c, uint32_t block, gch__pair64 pair,
                                const uint64_t drawn[GCH_BLOCK_ROWS / 64])
{
    uint64_t keys[GCH_BLOCK_ROWS];
    GCH_TRY(gch__unpack_keys(c->query, c->segment, c->column, block, keys, c->touch, c->err));
    /* Within a block keys are nearly always a linear measure of height. */
    double y = gch__y_of_key(c->scale, pair.min);
    double y_per_key = (gch__y_of_key(c->scale, pair.max) - y) / (double)(pair.max - pair.min);
    uint32_t run = 0;
    for (uint32_t w = 0; w < GCH_BLOCK_ROWS / 64; w++) {
        for (uint64_t left = drawn[w]; left != 0; left &= left - 1) {
            uint64_t key = keys[w * 64 + (uint32_t)__builtin_ctzll(left)];
            if (key - c->low > c->span) {
                add(c, c->row, run);
                run = 0;
                double at = y + y_per_key * (double)(key - pair.min);
                int32_t row = at >= 0 && at < GCH_VIEW_PX_MAX ? (int32_t)at : -1;
                set_row(c, row_is(c, row, key) ? row : gch__row_of_key(c->scale, key));
            }
            run++;
        }
    }
    add(c, c->row, run);
    return GCH_OK;
}

static gch_status read_pair(const counting *c, uint32_t level, uint32_t index, gch__pair64 *out)
{
    size_t bytes = c->column->map.is_wide ? sizeof(gch__pair64) : sizeof(gch__pair32);
    GCH_TRY(gch__segment_check(
        c->segment, (const uint8_t *)c->column->levels[level] + index * bytes, bytes, c->err));
    c->touch->nodes++;
    c->touch->bytes += bytes;
    *out = gch__tree_pair(c->column, level, index);
    return GCH_OK;
}

/* Whether all keys of a pair lie in one row, which is then the one at hand. */
static bool is_one_row(counting *c, gch__pair64 pair)
{
    if (pair.min - c->low > c->span)
        set_row(c, gch__row_of_key(c->scale, pair.min));
    return pair.max - c->low <= c->span;
}

/* Rows [first, last) of the block that holds them. */
static gch_status count_in_block(counting *c, uint32_t first, uint32_t last)
{
    uint32_t block = first / GCH_BLOCK_ROWS, start = block * GCH_BLOCK_ROWS;
    gch__pair64 pair;
    uint64_t drawn[GCH_BLOCK_ROWS / 64];
    GCH_TRY(read_pair(c, 0, block, &pair));
    if (pair.min > pair.max)
        return GCH_OK;
    GCH_TRY(gch__drawn_bits_between(c->segment, c->column, block, first - start, last - start,
                                    drawn, c->err));
    if (!is_one_row(c, pair))
        return count_decoded(c, block, pair, drawn);
    for (uint32_t i = 0; i < GCH_BLOCK_ROWS / 64; i++)
        add(c, c->row, (uint32_t)__builtin_popcountll(drawn[i]));
    return GCH_OK;
}

/* The largest node above the blocks that starts at `row`, ends by `last` and can be settled without
 * its children. *out_end is its end, or `row`. */
static gch_status count_node(counting *c, uint32_t row, uint32_t last, uint32_t *out_end)
{
    const gch__value_column *column = c->column;
    uint32_t block = row / GCH_BLOCK_ROWS;
    *out_end = row;
    if (row % GCH_BLOCK_ROWS != 0)
        return GCH_OK;
    for (uint32_t level = gch__node_level(c->segment, column, row, last); level > 0; level--) {
        uint32_t index = block >> (4 * level);
        uint32_t end = (uint32_t)gch__node_end(c->segment, level, index);
        gch__pair64 pair;
        gch_status status = read_pair(c, level, index, &pair);
        if (status == GCH_PENDING) /* smaller ones may be there */
            continue;
        GCH_TRY(status);
        if (pair.min > pair.max) {
            *out_end = end;
            return GCH_OK;
        }
        if (!gch__slice_has_gaps(column, row, end) && is_one_row(c, pair)) {
            add(c, c->row, end - row);
            *out_end = end;
            return GCH_OK;
        }
    }
    return GCH_OK;
}

static gch_status count_slice(counting *c, uint32_t first, uint32_t last)
{
    for (uint32_t row = first, end; row < last; row = end) {
        GCH_TRY(count_node(c, row, last, &end));
        if (end > row)
            continue;
        end = (uint32_t)GCH_MIN(((uint64_t)row / GCH_BLOCK_ROWS + 1) * GCH_BLOCK_ROWS, last);
        gch_status status = count_in_block(c, row, end);
        if (status == GCH_PENDING) /* the rest is counted, and asked for */
            c->is_pending = true;
        else
            GCH_TRY(status);
    }
    return GCH_OK;
}

static gch_status count_column(const density_job *job, uint32_t column, gch__column_task *task)
{
    gch_query *query = job->query;
    const gch__edge *left = &job->edges[column], *right = &job->edges[column + 1];
    uint32_t *counts = query->counts + (size_t)column * job->view->height_px;
    bool is_pending = !left->is_known || !right->is_known;
    memset(counts, 0, job->view->height_px * sizeof *counts);
    if (!is_pending && right->row - left->row > UINT32_MAX)
        return gch_fail(&task->error, GCH_LIMIT,
                        "view: more points in a pixel column than a count holds");
    gch__slice slice;
    for (uint64_t row = left->row; !is_pending && row < right->row;
         row += slice.last - slice.first) {
        slice = gch__slice_at(query, row, right->row);
        const gch__segment *segment = gch__query_segment(query, slice.segment);
        counting c = {.query = query,
                      .segment = segment,
                      .column = &segment->columns[job->column],
                      .scale = &query->scales[slice.segment],
                      .counts = counts,
                      .touch = &task->touch,
                      .err = &task->error};
        set_row(&c, gch__row_of_key(c.scale, 0));
        GCH_TRY(count_slice(&c, slice.first, slice.last));
        task->pending_count += c.is_pending ? 1 : 0;
    }
    task->pending_count += is_pending ? 1 : 0;
    return GCH_OK;
}

static void run_task(void *context, size_t index, uint32_t worker)
{
    (void)worker;
    const density_job *job = context;
    gch__column_task *task = &job->query->tasks[index];
    uint32_t begin = (uint32_t)index * TASK_COLUMNS;
    uint32_t end = GCH_MIN(begin + TASK_COLUMNS, job->view->width_px);
    for (uint32_t c = begin; c < end && task->status == GCH_OK; c++) {
        uint32_t before = task->pending_count;
        task->status = count_column(job, c, task);
        task->pending_count = GCH_MIN(task->pending_count, before + 1); /* of columns */
    }
}

static gch_status find_density(gch_query *query, uint32_t column, const gch_view *view,
                               gch_density *out, gch_error *err)
{
    density_job job = {.query = query, .view = view, .column = column};
    GCH_TRY(gch__query_edges(query, column, view, GCH_JOIN_NONE, &job.edges, err));
    size_t task_count = (view->width_px + TASK_COLUMNS - 1) / TASK_COLUMNS;
    GCH_TRY(gch__query_reserve_tasks(query, task_count, err));
    GCH_TRY(gch__ensure(query->allocator, (void **)&query->counts, &query->count_cap,
                        (size_t)view->width_px * view->height_px, sizeof *query->counts, "density",
                        err));
    gch__parallel_for(query->workers, task_count, run_task, &job);
    uint32_t pending_count = 0;
    for (size_t i = 0; i < task_count; i++) {
        const gch__column_task *task = &query->tasks[i];
        if (task->status != GCH_OK)
            return gch_fail(err, task->status, "%s", task->error.message);
        pending_count += task->pending_count;
        query->stats.blocks_decoded += task->touch.blocks;
        query->stats.nodes_read += task->touch.nodes;
        query->stats.bytes_read += task->touch.bytes;
    }
    query->stats.columns_pending += pending_count;
    bool is_known = job.edges[0].is_known && job.edges[view->width_px].is_known;
    *out =
        (gch_density){.width_px = view->width_px,
                      .height_px = view->height_px,
                      .counts = query->counts,
                      .row_count = is_known ? job.edges[view->width_px].row - job.edges[0].row : 0,
                      .pending_count = pending_count};
    return GCH_OK;
}

gch_status gch_query_density(gch_query *query, uint32_t column, const gch_view *view,
                             gch_density *out, gch_error *err)
{
    GCH_TRY(gch__query_begin(query, err));
    return gch__query_end(query, find_density(query, column, view, out, err));
}
