/* The points of a view one by one, for views that hold few of them. */
#include "query_state.h"

static double point_x(const gch_view *view, int64_t t)
{
    double span = (double)((uint64_t)view->t1 - (uint64_t)view->t0);
    return (double)((__int128)t - view->t0) / span * view->width_px;
}

#define EDGE_PX 64.0 /* farther out than any stroke reaches */

/* An end of the line in pixels, as doubles. */
typedef struct line_end {
    double x, y;
} line_end;

/* A neighbour far outside the view would lose its precision as a float: the line's end is moved
 * along the line to just outside the view. */
static gch_point move_end(line_end end, line_end inner, double limit, gch_point point)
{
    if (end.x < inner.x ? end.x < limit : end.x > limit) {
        double y = end.y + (inner.y - end.y) * (limit - end.x) / (inner.x - end.x);
        point.x = (float)limit;
        point.y = gch__clamp_y(y);
    }
    return point;
}

/* first and last are the ends of points[0 .. count), count >= 1, before rounding. */
static void move_ends(const gch_view *view, gch_point *points, uint32_t count, line_end first,
                      line_end last)
{
    if (count < 2)
        return;
    line_end second = {(double)points[1].x, (double)points[1].y};
    line_end before = {(double)points[count - 2].x, (double)points[count - 2].y};
    if (!points[1].starts_run)
        points[0] = move_end(first, count == 2 ? last : second, -EDGE_PX, points[0]);
    if (!points[count - 1].starts_run)
        points[count - 1] = move_end(last, count == 2 ? first : before, view->width_px + EDGE_PX,
                                     points[count - 1]);
}

static gch_status find_points(gch_query *query, uint32_t column, const gch_view *view,
                              uint32_t point_cap, const gch_point **out_points, uint32_t *out_count,
                              gch_error *err)
{
    GCH_TRY(gch__query_prepare(query, column, view, err));
    gch__touch touch = {0};
    uint64_t first, last, row_count = gch__query_row_count(query);
    GCH_TRY(gch__row_at(query, view->t0, &first, &touch, err));
    GCH_TRY(gch__row_at(query, view->t1, &last, &touch, err));
    query->stats.rows_visible += last - first;
    first -= first > 0 ? 1 : 0;
    last += last < row_count ? 1 : 0;
    if (last - first > point_cap)
        return gch_fail(err, GCH_LIMIT, "%llu points, room for %u",
                        (unsigned long long)(last - first), point_cap);
    void *points = query->points;
    gch_status status = gch__ensure(query->allocator, &points, &query->point_cap,
                                    (size_t)(last - first), sizeof *query->points, "points", err);
    query->points = points;
    GCH_TRY(status);

    uint32_t count = 0;
    bool starts_run = true;
    line_end first_end = {0, 0}, end = {0, 0};
    uint64_t keys[GCH_BLOCK_ROWS], drawn[GCH_BLOCK_ROWS / 64];
    uint32_t loaded_segment = UINT32_MAX, loaded_block = 0;
    for (uint64_t row = first; row < last; row++) {
        uint32_t index, local;
        gch__locate_row(query, row, &index, &local);
        const gch__segment *segment = gch__query_segment(query, index);
        const gch__value_column *values = &segment->columns[column];
        uint32_t block = local / GCH_BLOCK_ROWS, i = local % GCH_BLOCK_ROWS;
        if (index != loaded_segment || block != loaded_block) {
            GCH_TRY(gch__unpack_keys(query, segment, values, block, keys, &touch, err));
            GCH_TRY(gch__drawn_bits(segment, values, block, drawn, err));
            loaded_segment = index;
            loaded_block = block;
        }
        if ((drawn[i / 64] >> (i % 64) & 1) == 0) {
            starts_run = true;
            continue;
        }
        int64_t time;
        GCH_TRY(gch__segment_time(segment, local, &time, err));
        end = (line_end){point_x(view, time), gch__y_of_key(&query->scales[index], keys[i])};
        first_end = count == 0 ? end : first_end;
        query->points[count++] =
            (gch_point){.x = (float)end.x, .y = gch__clamp_y(end.y), .starts_run = starts_run};
        starts_run = false;
    }
    move_ends(view, query->points, count, first_end, end);
    query->stats.blocks_decoded += touch.blocks;
    query->stats.nodes_read += touch.nodes;
    query->stats.bytes_read += touch.bytes;
    *out_points = query->points;
    *out_count = count;
    return GCH_OK;
}

static gch_status read_points(gch_query *query, uint32_t column, const gch_view *view,
                              uint32_t point_cap, const gch_point **out_points, uint32_t *out_count,
                              gch_error *err)
{
    GCH_TRY(gch__query_begin(query, err));
    return gch__query_end(query,
                          find_points(query, column, view, point_cap, out_points, out_count, err));
}

gch_status gch__query_await_points(gch_query *query, uint32_t column, const gch_view *view,
                                   uint64_t row_count, gch_error *err)
{
    uint32_t count, cap = query->awaited_points;
    const gch_point *points;
    query->awaited_points = 0;
    if (row_count >= cap)
        return GCH_OK;
    gch_status status = read_points(query, column, view, cap, &points, &count, err);
    return status == GCH_PENDING || status == GCH_LIMIT ? GCH_OK : status;
}

/* Too many points need no page, and how many there are comes with finished columns. */
static gch_status check_cap(gch_query *query, const gch_view *view, uint32_t point_cap,
                            gch_error *err)
{
    uint64_t rows;
    gch_status status = gch__query_rows_between(query, view->t0, view->t1, &rows, err);
    query->awaited_points = status == GCH_PENDING ? point_cap : 0;
    GCH_TRY(status);
    if (rows <= point_cap)
        return GCH_OK;
    query->stats.rows_visible += rows;
    return gch_fail(err, GCH_LIMIT, "%llu points, room for %u", (unsigned long long)rows,
                    point_cap);
}

gch_status gch_query_points(gch_query *query, uint32_t column, const gch_view *view,
                            uint32_t point_cap, const gch_point **out_points, uint32_t *out_count,
                            gch_error *err)
{
    if (query->answers != NULL)
        GCH_TRY(check_cap(query, view, point_cap, err));
    return read_points(query, column, view, point_cap, out_points, out_count, err);
}
