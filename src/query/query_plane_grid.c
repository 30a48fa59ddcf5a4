/* Points into a grid of pixels: which are lit, how many lie in each, their largest values.
 *
 * A box that lies within one pixel is settled at once if none of its points is missing; a block is
 * decoded otherwise. The pixels that a block may touch are known from its headers, so that a point
 * is mostly compared with one or two edges of each side.
 *
 * Invariant: cells are only written by atomic additions, maxima and ones, so that the grid does not
 * depend on who comes first.
 */
#include "query_plane.h"

#define FEW_EDGES 6
#define FULL_PX 6 /* a side */

typedef struct grid_job {
    gch_query *query;
    const gch_plane *plane;
    gch_grid_kind kind;
    uint32_t width, height;
} grid_job;

/* `count` points, the largest level among them, in a cell. */
static void add(const grid_job *job, size_t cell, uint32_t count, uint32_t level)
{
    _Atomic uint32_t *to = &job->query->plane->cells[cell];
    uint32_t known = atomic_load_explicit(to, memory_order_relaxed);
    switch (job->kind) {
    case GCH_GRID_COUNTS:
        atomic_fetch_add_explicit(to, count, memory_order_relaxed);
        break;
    case GCH_GRID_LIT:
        if (known == 0)
            atomic_store_explicit(to, 1, memory_order_relaxed);
        break;
    case GCH_GRID_LEVELS:
        while (known < level && !atomic_compare_exchange_weak_explicit(
                                    to, &known, level, memory_order_relaxed, memory_order_relaxed))
            continue;
        break;
    }
}

static bool is_in(gch__pixel_span span, uint32_t px)
{
    return span.last >= 0 && span.first < (int32_t)px;
}

/* ---- values ---- */

static uint32_t level_of_key(const gch__row_scale *scale, uint64_t key)
{
    int32_t row = gch__row_of_key(scale, key);
    return GCH_LEVELS - (uint32_t)GCH_MIN(GCH_MAX(row, 0), (int32_t)GCH_LEVELS - 1);
}

/* The level of the largest value of a node, 0 if it has none. */
static gch_status node_level(const grid_job *job, const gch__plane_node *node, uint32_t *out,
                             gch__touch *touch, gch_error *err)
{
    const gch__segment *segment = gch__query_segment(job->query, node->segment);
    const gch__value_column *values = &segment->columns[job->plane->value_column];
    uint64_t min, max;
    GCH_TRY(gch__reduce_rows(job->query, segment, values, node->first, node->last, &min, &max,
                             touch, err));
    *out = min > max
               ? 0
               : level_of_key(&job->query->plane->scales[GCH__PLANE_VALUE][node->segment], max);
    return GCH_OK;
}

/* The levels of a block's points; those without a value are no longer drawn. */
static gch_status block_levels(const grid_job *job, const gch__plane_node *node,
                               uint64_t drawn[GCH_BLOCK_ROWS / 64], uint32_t out[GCH_BLOCK_ROWS],
                               gch__touch *touch, gch_error *err)
{
    const gch__segment *segment = gch__query_segment(job->query, node->segment);
    const gch__value_column *values = &segment->columns[job->plane->value_column];
    const gch__row_scale *scale = &job->query->plane->scales[GCH__PLANE_VALUE][node->segment];
    uint64_t keys[GCH_BLOCK_ROWS], of_value[GCH_BLOCK_ROWS / 64];
    GCH_TRY(gch__unpack_keys(job->query, segment, values, node->index, keys, touch, err));
    GCH_TRY(gch__drawn_bits(segment, values, node->index, of_value, err));
    for (uint32_t i = 0; i < GCH_BLOCK_ROWS / 64; i++)
        drawn[i] &= of_value[i];
    for (uint32_t i = 0; i < node->last - node->first; i++)
        out[i] = level_of_key(scale, keys[i]);
    return GCH_OK;
}

/* ---- blocks ---- */

/* Pixels along one side of a block's points, which lie within `span`. */
static gch_status block_pixels(const grid_job *job, const gch__plane_node *node,
                               gch__plane_axis axis, gch__pixel_span span,
                               int32_t out[GCH_BLOCK_ROWS], gch__touch *touch, gch_error *err)
{
    const gch__segment *segment = gch__query_segment(job->query, node->segment);
    uint32_t column = axis == GCH__PLANE_X ? job->plane->x_column : job->plane->y_column;
    const gch__row_scale *scale = &job->query->plane->scales[axis][node->segment];
    const gch__row_table *table = scale->table;
    uint64_t keys[GCH_BLOCK_ROWS];
    int32_t start = table->is_across ? span.first : span.last;
    for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++)
        out[i] = start;
    if (span.first == span.last)
        return GCH_OK;
    GCH_TRY(gch__unpack_keys(job->query, segment, &segment->columns[column], node->index, keys,
                             touch, err));
    if (span.last - span.first > FEW_EDGES) {
        for (uint32_t i = 0; i < node->last - node->first; i++)
            out[i] = gch__row_of_key(scale, keys[i]);
        return GCH_OK;
    }
    const int32_t step = table->is_across ? 1 : -1;
    for (int32_t edge = span.first + 1; edge <= span.last; edge++) {
        uint64_t threshold = table->thresholds[edge] - scale->offset;
        for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++)
            out[i] += keys[i] >= threshold ? step : 0;
    }
    return GCH_OK;
}

static bool is_bit(const uint64_t *words, uint32_t i)
{
    return (words[i / 64] >> (i % 64) & 1) != 0;
}

/* Stretches of points in the same pixel are added together. */
static void add_points(const grid_job *job, const int32_t *columns, const int32_t *rows,
                       const uint32_t *levels, const uint64_t *drawn, gch__touch *touch)
{
    size_t cell = SIZE_MAX;
    uint32_t count = 0, level = 0;
    for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++) {
        if (!is_bit(drawn, i) || (uint32_t)columns[i] >= job->width ||
            (uint32_t)rows[i] >= job->height)
            continue;
        size_t next = (size_t)columns[i] * job->height + (size_t)rows[i];
        if (next != cell && count > 0) {
            add(job, cell, count, level);
            count = level = 0;
        }
        cell = next;
        count++;
        touch->rows++;
        level = levels != NULL ? GCH_MAX(level, levels[i]) : 0;
    }
    if (count > 0)
        add(job, cell, count, level);
}

static gch_status visit_block(const grid_job *job, const gch__plane_node *node, gch__pixel_span x,
                              gch__pixel_span y, gch__touch *touch, gch_error *err)
{
    int32_t columns[GCH_BLOCK_ROWS], rows[GCH_BLOCK_ROWS];
    uint32_t levels[GCH_BLOCK_ROWS];
    uint64_t drawn[GCH_BLOCK_ROWS / 64];
    GCH_TRY(gch__plane_drawn_bits(job->query, node, job->plane->x_column, job->plane->y_column,
                                  drawn, err));
    bool has_levels = job->kind == GCH_GRID_LEVELS;
    if (has_levels)
        GCH_TRY(block_levels(job, node, drawn, levels, touch, err));
    GCH_TRY(block_pixels(job, node, GCH__PLANE_X, x, columns, touch, err));
    GCH_TRY(block_pixels(job, node, GCH__PLANE_Y, y, rows, touch, err));
    add_points(job, columns, rows, has_levels ? levels : NULL, drawn, touch);
    return GCH_OK;
}

/* Whether all pixels that a box within the view may touch are lit already; asked for few. */
static bool is_full(const grid_job *job, gch__pixel_span x, gch__pixel_span y)
{
    if (x.first < 0 || x.last >= (int32_t)job->width || y.first < 0 ||
        y.last >= (int32_t)job->height || x.last - x.first >= FULL_PX ||
        y.last - y.first >= FULL_PX)
        return false;
    for (int32_t column = x.first; column <= x.last; column++) {
        const _Atomic uint32_t *cells =
            &job->query->plane->cells[(size_t)column * job->height + (size_t)y.first];
        for (int32_t row = 0; row <= y.last - y.first; row++)
            if (atomic_load_explicit(&cells[row], memory_order_relaxed) == 0)
                return false;
    }
    return true;
}

static gch_status visit(void *context, const gch__plane_node *node, gch__column_task *task,
                        bool *out_descends, gch_error *err)
{
    const grid_job *job = context;
    const gch__plane *plane = job->query->plane;
    gch__pixel_span x =
        gch__span_of_keys(&plane->scales[GCH__PLANE_X][node->segment], node->x.min, node->x.max);
    gch__pixel_span y =
        gch__span_of_keys(&plane->scales[GCH__PLANE_Y][node->segment], node->y.min, node->y.max);
    if (!is_in(x, job->width) || !is_in(y, job->height))
        return GCH_OK;
    const gch__segment *segment = gch__query_segment(job->query, node->segment);
    bool is_whole =
        !gch__slice_has_gaps(&segment->columns[job->plane->x_column], node->first, node->last) &&
        !gch__slice_has_gaps(&segment->columns[job->plane->y_column], node->first, node->last);
    if (is_whole && job->kind == GCH_GRID_LIT && is_full(job, x, y)) {
        task->touch.rows += node->last - node->first;
        return GCH_OK;
    }
    if (is_whole && x.first == x.last && y.first == y.last) {
        uint32_t level = 0;
        if (job->kind == GCH_GRID_LEVELS)
            GCH_TRY(node_level(job, node, &level, &task->touch, err));
        task->touch.rows += node->last - node->first;
        add(job, (size_t)x.first * job->height + (size_t)y.first, node->last - node->first, level);
        return GCH_OK;
    }
    *out_descends = node->level > 0;
    return *out_descends ? GCH_OK : visit_block(job, node, x, y, &task->touch, err);
}

static gch_status fill_grid(gch_query *query, const gch_plane *plane, gch_grid_kind kind,
                            gch_grid *out, gch_error *err)
{
    if ((uint32_t)kind > GCH_GRID_LEVELS)
        return gch_fail(err, GCH_INVALID, "there is no grid %u", (uint32_t)kind);
    GCH_TRY(gch__query_prepare_plane(query, plane, kind == GCH_GRID_LEVELS, err));
    grid_job job = {query, plane, kind, plane->view.width_px, plane->view.height_px};
    size_t cells = (size_t)job.width * job.height;
    void *room = (void *)query->plane->cells;
    gch_status status = gch__ensure(query->allocator, &room, &query->plane->cell_cap, cells,
                                    sizeof *query->plane->cells, "plane", err);
    query->plane->cells = room;
    GCH_TRY(status);
    memset(room, 0, cells * sizeof *query->plane->cells);
    gch__plane_walk walk = {query, plane->x_column, plane->y_column, visit, &job};
    uint32_t pending;
    GCH_TRY(gch__plane_walk_all(&walk, &pending, err));
    query->stats.columns_asked += job.width;
    query->stats.columns_pending += GCH_MIN(pending, job.width);
    *out = (gch_grid){.width_px = job.width,
                      .height_px = job.height,
                      .cells = (const uint32_t *)room,
                      .pending_count = pending};
    return GCH_OK;
}

gch_status gch_query_grid(gch_query *query, const gch_plane *plane, gch_grid_kind kind,
                          gch_grid *out, gch_error *err)
{
    GCH_TRY(gch__query_begin(query, err));
    return gch__query_end(query, fill_grid(query, plane, kind, out, err));
}
