/* The tree of boxes of a plane: see query_plane.h.
 *
 * Tasks are nodes of one level, so that workers have enough to share; below them the walk is depth
 * first. A segment that grows has nodes only for whole sixteens: where a node is not there yet, its
 * children are visited.
 */
#include "query_plane.h"

#define TASK_LEVEL 2u /* 256 blocks, 65536 rows */

void gch__plane_destroy(gch__plane *plane, const gch_allocator *allocator)
{
    if (plane == NULL)
        return;
    for (uint32_t i = 0; i < GCH__PLANE_AXES; i++) {
        gch__row_tables_reset(&plane->tables[i], allocator);
        gch__free(allocator, plane->scales[i], "plane");
    }
    gch__plane_lists_free(plane, allocator);
    gch__free(allocator, plane->cells, "plane");
    gch__free(allocator, plane->points, "plane");
    gch__free(allocator, plane, "plane");
}

/* ---- views ---- */

static gch_status check_bounds(gch_decimal low, gch_decimal high, const char *low_name,
                               const char *high_name, gch_error *err)
{
    if (low.exp10 > GCH_DECIMAL_EXP10_MAX || low.exp10 < -GCH_DECIMAL_EXP10_MAX ||
        high.exp10 > GCH_DECIMAL_EXP10_MAX || high.exp10 < -GCH_DECIMAL_EXP10_MAX)
        return gch_fail(err, GCH_INVALID, "view: the exponent of %s or %s is beyond +-%d", low_name,
                        high_name, GCH_DECIMAL_EXP10_MAX);
    if (gch__compare_decimals(low, high) >= 0)
        return gch_fail(err, GCH_INVALID, "view: %s must be less than %s", low_name, high_name);
    return GCH_OK;
}

static gch_status check_plane(const gch_query *query, const gch_plane *plane, bool with_values,
                              gch_error *err)
{
    const gch_plane_view *view = &plane->view;
    uint32_t column_count = gch_file_get_info(query->file)->column_count;
    if (plane->x_column >= column_count || plane->y_column >= column_count ||
        (with_values && plane->value_column >= column_count))
        return gch_fail(err, GCH_INVALID, "columns %u, %u and %u: the file has %u", plane->x_column,
                        plane->y_column, with_values ? plane->value_column : 0, column_count);
    if (view->width_px == 0 || view->width_px > GCH_VIEW_PX_MAX || view->height_px == 0 ||
        view->height_px > GCH_VIEW_PX_MAX)
        return gch_fail(err, GCH_INVALID, "view: %u x %u px, sides are 1 to %u", view->width_px,
                        view->height_px, GCH_VIEW_PX_MAX);
    GCH_TRY(check_bounds(view->left, view->right, "left", "right", err));
    GCH_TRY(check_bounds(view->bottom, view->top, "bottom", "top", err));
    return with_values ? check_bounds(plane->low, plane->high, "low", "high", err) : GCH_OK;
}

static gch_status set_scales(gch_query *query, gch__plane_axis axis, uint32_t column,
                             const gch__side *side, gch_error *err)
{
    gch__plane *plane = query->plane;
    GCH_TRY(gch__ensure(query->allocator, (void **)&plane->scales[axis], &plane->scale_caps[axis],
                        query->segment_count, sizeof *plane->scales[axis], "plane", err));
    for (uint32_t i = 0; i < query->segment_count; i++) {
        const gch__key_map *map = &gch__query_segment(query, i)->columns[column].map;
        const gch__row_table *table;
        GCH_TRY(
            gch__row_tables_find(&plane->tables[axis], map, side, query->allocator, &table, err));
        plane->scales[axis][i] = gch__row_scale_make(table, map);
    }
    return GCH_OK;
}

gch_status gch__query_prepare_plane(gch_query *query, const gch_plane *plane, bool with_values,
                                    gch_error *err)
{
    GCH_TRY(check_plane(query, plane, with_values, err));
    if (query->plane == NULL) {
        query->plane = gch__alloc_zero(query->allocator, 1, sizeof *query->plane, "plane");
        if (query->plane == NULL)
            return gch__no_memory(err, "plane");
    }
    const gch_plane_view *view = &plane->view;
    gch__side across = {view->left, view->right, view->width_px, GCH_AXIS_LINEAR, true};
    gch__side down = {view->top, view->bottom, view->height_px, GCH_AXIS_LINEAR, false};
    GCH_TRY(set_scales(query, GCH__PLANE_X, plane->x_column, &across, err));
    GCH_TRY(set_scales(query, GCH__PLANE_Y, plane->y_column, &down, err));
    if (!with_values)
        return GCH_OK;
    /* Level l is row GCH_LEVELS - l. */
    gch__side levels = {plane->high, plane->low, GCH_LEVELS, GCH_AXIS_LINEAR, false};
    return set_scales(query, GCH__PLANE_VALUE, plane->value_column, &levels, err);
}

/* ---- the walk ---- */

static uint32_t task_level(const gch__segment *segment)
{
    return GCH_MIN(segment->columns[0].level_count - 1, TASK_LEVEL);
}

/* Nodes of a level, those that are not there yet included. */
static uint32_t nodes_of(const gch__segment *segment, uint32_t level)
{
    uint32_t shift = 4 * level;
    return (uint32_t)(((uint64_t)segment->block_count + ((uint64_t)1 << shift) - 1) >> shift);
}

size_t gch__plane_task_count(const gch_query *query)
{
    size_t count = 0;
    for (uint32_t i = 0; i < query->segment_count; i++) {
        const gch__segment *segment = gch__query_segment(query, i);
        count += nodes_of(segment, task_level(segment));
    }
    return count;
}

static gch_status read_pair(const gch__segment *segment, uint32_t column, uint32_t level,
                            uint32_t index, gch__pair64 *out, gch__touch *touch, gch_error *err)
{
    const gch__value_column *values = &segment->columns[column];
    size_t bytes = values->map.is_wide ? sizeof(gch__pair64) : sizeof(gch__pair32);
    GCH_TRY(gch__segment_check(segment, (const uint8_t *)values->levels[level] + index * bytes,
                               bytes, err));
    touch->nodes++;
    touch->bytes += bytes;
    *out = gch__tree_pair(values, level, index);
    return GCH_OK;
}

static gch_status visit_node(const gch__plane_walk *walk, uint32_t segment_index, uint32_t level,
                             uint32_t index, gch__column_task *task, bool *out_descends,
                             gch_error *err)
{
    const gch__segment *segment = gch__query_segment(walk->query, segment_index);
    uint64_t rows = (uint64_t)GCH_BLOCK_ROWS << 4 * level;
    gch__plane_node node = {
        .segment = segment_index,
        .level = level,
        .index = index,
        .first = (uint32_t)(index * rows),
        .last = (uint32_t)GCH_MIN((index + 1) * rows, (uint64_t)segment->row_count)};
    *out_descends = false;
    GCH_TRY(read_pair(segment, walk->x_column, level, index, &node.x, &task->touch, err));
    GCH_TRY(read_pair(segment, walk->y_column, level, index, &node.y, &task->touch, err));
    if (node.x.min > node.x.max || node.y.min > node.y.max)
        return GCH_OK;
    return walk->visit(walk->context, &node, task, out_descends, err);
}

static gch_status descend(const gch__plane_walk *walk, uint32_t segment_index, uint32_t level,
                          uint32_t index, gch__column_task *task, gch_error *err)
{
    const gch__segment *segment = gch__query_segment(walk->query, segment_index);
    const gch__value_column *x = &segment->columns[walk->x_column];
    bool is_there = level < x->level_count && index < x->level_counts[level];
    bool descends = true;
    if (is_there) {
        gch_status status = visit_node(walk, segment_index, level, index, task, &descends, err);
        if (status == GCH_PENDING) {
            task->pending_count++;
            return GCH_OK;
        }
        GCH_TRY(status);
    }
    if (!descends || level == 0)
        return GCH_OK;
    uint32_t first = index * GCH_TREE_FANOUT;
    uint32_t last = GCH_MIN(first + GCH_TREE_FANOUT, nodes_of(segment, level - 1));
    for (uint32_t child = first; child < last; child++)
        GCH_TRY(descend(walk, segment_index, level - 1, child, task, err));
    return GCH_OK;
}

static void run_task(void *context, size_t index, uint32_t worker)
{
    (void)worker;
    const gch__plane_walk *walk = context;
    gch__column_task *task = &walk->query->tasks[index];
    size_t at = index;
    uint32_t s = 0;
    const gch__segment *segment = gch__query_segment(walk->query, s);
    for (; at >= nodes_of(segment, task_level(segment));
         segment = gch__query_segment(walk->query, ++s))
        at -= nodes_of(segment, task_level(segment));
    task->status = descend(walk, s, task_level(segment), (uint32_t)at, task, &task->error);
}

gch_status gch__plane_walk_all(const gch__plane_walk *walk, uint32_t *out_pending, gch_error *err)
{
    gch_query *query = walk->query;
    size_t task_count = gch__plane_task_count(query);
    GCH_TRY(gch__query_reserve_tasks(query, task_count, err));
    gch__parallel_for(query->workers, task_count, run_task, (void *)walk);
    uint64_t pending = 0;
    for (size_t i = 0; i < task_count; i++) {
        const gch__column_task *task = &query->tasks[i];
        if (task->status != GCH_OK)
            return gch_fail(err, task->status, "%s", task->error.message);
        query->stats.blocks_decoded += task->touch.blocks;
        query->stats.nodes_read += task->touch.nodes;
        query->stats.bytes_read += task->touch.bytes;
        query->stats.rows_visible += task->touch.rows;
        pending += task->pending_count;
    }
    *out_pending = (uint32_t)GCH_MIN(pending, (uint64_t)UINT32_MAX);
    return GCH_OK;
}

gch_status gch__plane_drawn_bits(const gch_query *query, const gch__plane_node *node,
                                 uint32_t x_column, uint32_t y_column,
                                 uint64_t words[GCH_BLOCK_ROWS / 64], gch_error *err)
{
    const gch__segment *segment = gch__query_segment(query, node->segment);
    uint64_t of_y[GCH_BLOCK_ROWS / 64];
    GCH_TRY(gch__drawn_bits(segment, &segment->columns[x_column], node->index, words, err));
    GCH_TRY(gch__drawn_bits(segment, &segment->columns[y_column], node->index, of_y, err));
    for (uint32_t i = 0; i < GCH_BLOCK_ROWS / 64; i++)
        words[i] &= of_y[i];
    return GCH_OK;
}
