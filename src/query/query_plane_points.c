/* The points of a view of the plane, one by one, for views that hold few of them. */
#include "query_plane.h"

typedef struct gch__plane_list {
    gch_plane_point *points;
    size_t count, cap;
} gch__plane_list;

typedef struct list_job {
    gch_query *query;
    const gch_plane *plane;
    double margin;
    uint32_t cap;
    _Atomic uint64_t found;
} list_job;

void gch__plane_lists_free(gch__plane *plane, const gch_allocator *allocator)
{
    for (size_t i = 0; i < plane->list_cap; i++)
        gch__free(allocator, plane->lists[i].points, "plane");
    gch__free(allocator, plane->lists, "plane");
    plane->lists = NULL;
    plane->list_cap = 0;
}

/* Whether values between those of two keys come within the margin of a side. */
static bool is_near(const list_job *job, const gch__row_scale *scale, uint64_t min, uint64_t max)
{
    double a = gch__y_of_key(scale, min), b = gch__y_of_key(scale, max);
    double low = GCH_MIN(a, b), high = GCH_MAX(a, b);
    return high >= -job->margin && low <= scale->table->height_px + job->margin;
}

static gch_status add_point(const list_job *job, gch__plane_list *list, gch_plane_point point,
                            gch_error *err)
{
    GCH_TRY(gch__ensure(job->query->allocator, (void **)&list->points, &list->cap, list->count + 1,
                        sizeof *list->points, "plane", err));
    list->points[list->count++] = point;
    return GCH_OK;
}

static gch_status too_many(const list_job *job, gch_error *err)
{
    return gch_fail(err, GCH_LIMIT, "more than %u points in view", job->cap);
}

static gch_status visit(void *context, const gch__plane_node *node, gch__column_task *task,
                        bool *out_descends, gch_error *err)
{
    list_job *job = context;
    const gch_query *query = job->query;
    const gch__row_scale *x = &query->plane->scales[GCH__PLANE_X][node->segment];
    const gch__row_scale *y = &query->plane->scales[GCH__PLANE_Y][node->segment];
    if (!is_near(job, x, node->x.min, node->x.max) || !is_near(job, y, node->y.min, node->y.max))
        return GCH_OK;
    if (atomic_load_explicit(&job->found, memory_order_relaxed) > job->cap)
        return too_many(job, err);
    if (node->level > 0) {
        *out_descends = true;
        return GCH_OK;
    }
    const gch__segment *segment = gch__query_segment(query, node->segment);
    const gch__value_column *columns = segment->columns;
    gch__plane_list *list = &query->plane->lists[task - query->tasks];
    uint64_t xs[GCH_BLOCK_ROWS], ys[GCH_BLOCK_ROWS], drawn[GCH_BLOCK_ROWS / 64];
    GCH_TRY(
        gch__plane_drawn_bits(query, node, job->plane->x_column, job->plane->y_column, drawn, err));
    GCH_TRY(gch__unpack_keys(query, segment, &columns[job->plane->x_column], node->index, xs,
                             &task->touch, err));
    GCH_TRY(gch__unpack_keys(query, segment, &columns[job->plane->y_column], node->index, ys,
                             &task->touch, err));
    size_t before = list->count;
    for (uint32_t i = 0; i < node->last - node->first; i++) {
        if ((drawn[i / 64] >> (i % 64) & 1) == 0 || !is_near(job, x, xs[i], xs[i]) ||
            !is_near(job, y, ys[i], ys[i]))
            continue;
        gch_plane_point point = {.x = gch__clamp_y(gch__y_of_key(x, xs[i])),
                                 .y = gch__clamp_y(gch__y_of_key(y, ys[i])),
                                 .row = segment->first_row + node->first + i};
        GCH_TRY(add_point(job, list, point, err));
    }
    atomic_fetch_add_explicit(&job->found, list->count - before, memory_order_relaxed);
    return GCH_OK;
}

static gch_status reserve_lists(gch_query *query, size_t count, gch_error *err)
{
    gch__plane *plane = query->plane;
    size_t old_cap = plane->list_cap;
    if (count > old_cap) {
        GCH_TRY(gch__ensure(query->allocator, (void **)&plane->lists, &plane->list_cap, count,
                            sizeof *plane->lists, "plane", err));
        memset(plane->lists + old_cap, 0, (plane->list_cap - old_cap) * sizeof *plane->lists);
    }
    for (size_t i = 0; i < count; i++)
        plane->lists[i].count = 0;
    return GCH_OK;
}

static gch_status find_points(gch_query *query, const gch_plane *plane, float margin_px,
                              uint32_t point_cap, const gch_plane_point **out_points,
                              uint32_t *out_count, gch_error *err)
{
    GCH_TRY(gch__query_prepare_plane(query, plane, false, err));
    size_t task_count = gch__plane_task_count(query);
    GCH_TRY(reserve_lists(query, task_count, err));
    list_job job = {.query = query, .plane = plane, .margin = (double)margin_px, .cap = point_cap};
    gch__plane_walk walk = {query, plane->x_column, plane->y_column, visit, &job};
    uint32_t pending;
    GCH_TRY(gch__plane_walk_all(&walk, &pending, err));
    if (pending > 0)
        return gch_fail(err, GCH_PENDING, "%u blocks of points await pages", pending);
    uint64_t found = atomic_load_explicit(&job.found, memory_order_relaxed);
    if (found > point_cap)
        return too_many(&job, err);
    GCH_TRY(gch__ensure(query->allocator, (void **)&query->plane->points, &query->plane->point_cap,
                        (size_t)found, sizeof *query->plane->points, "plane", err));
    size_t at = 0;
    for (size_t i = 0; i < task_count; i++) {
        const gch__plane_list *list = &query->plane->lists[i];
        if (list->count > 0)
            memcpy(query->plane->points + at, list->points, list->count * sizeof *list->points);
        at += list->count;
    }
    query->stats.rows_visible += found;
    *out_points = query->plane->points;
    *out_count = (uint32_t)found;
    return GCH_OK;
}

gch_status gch_query_plane_points(gch_query *query, const gch_plane *plane, float margin_px,
                                  uint32_t point_cap, const gch_plane_point **out_points,
                                  uint32_t *out_count, gch_error *err)
{
    GCH_TRY(gch__query_begin(query, err));
    return gch__query_end(
        query, find_points(query, plane, margin_px, point_cap, out_points, out_count, err));
}

static gch_status find_values(gch_query *query, uint32_t column, const gch_plane_point *points,
                              uint32_t count, gch_value *out_values, gch_error *err)
{
    if (column >= gch_file_get_info(query->file)->column_count)
        return gch_fail(err, GCH_INVALID, "column %u: the file has %u", column,
                        gch_file_get_info(query->file)->column_count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t segment;
        uint64_t key;
        bool is_drawn;
        if (points[i].row >= gch__query_row_count(query))
            return gch_fail(err, GCH_INVALID, "row %llu: the file has %llu",
                            (unsigned long long)points[i].row,
                            (unsigned long long)gch__query_row_count(query));
        GCH_TRY(gch__key_of_row(query, column, points[i].row, &segment, &key, &is_drawn, err));
        out_values[i] = (gch_value){.kind = GCH_VALUE_GAP};
        if (is_drawn)
            out_values[i] =
                gch__value_from_key(&gch__query_segment(query, segment)->columns[column].map, key);
    }
    return GCH_OK;
}

gch_status gch_query_plane_values(gch_query *query, uint32_t column, const gch_plane_point *points,
                                  uint32_t count, gch_value *out_values, gch_error *err)
{
    GCH_TRY(gch__query_begin(query, err));
    return gch__query_end(query, find_values(query, column, points, count, out_values, err));
}
