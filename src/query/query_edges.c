/* The edges of pixel columns: see query_edges.h.
 *
 * Invariant: edge c is the rational number t0 + c * D / W. Times are integers, so the rows before
 * it are those with time < t0 + ceil(c * D / W). A view panned by whole columns has the same edges
 * at other numbers, and they are not found again.
 */
#include "query_edges.h"

#include <assert.h>
#include <string.h>

#define TASK_EDGES 32u

int64_t gch__edge_time(const gch_view *view, uint32_t c)
{
    uint64_t span = (uint64_t)view->t1 - (uint64_t)view->t0;
    static_assert(GCH_VIEW_PX_MAX < 1u << 16, "the product below");
    if (span < (uint64_t)1 << 47) /* a division of 128 bits costs more than all else here */
        return (int64_t)((uint64_t)view->t0 + (span * c + (view->width_px - 1)) / view->width_px);
    unsigned __int128 ahead = (unsigned __int128)span * c + (view->width_px - 1);
    return (int64_t)((uint64_t)view->t0 + (uint64_t)(ahead / view->width_px));
}

static gch_status find_crossing(const gch_query *query, uint32_t column, const gch_view *view,
                                gch_join join, uint32_t c, gch__edge *out, gch_error *err)
{
    if (join == GCH_JOIN_NONE || out->row == 0 || out->row == gch__query_row_count(query))
        return GCH_OK;
    uint32_t from_segment, to_segment;
    bool from_is_drawn, to_is_drawn;
    gch__line_end from, to;
    GCH_TRY(gch__key_of_row(query, column, out->row, &to_segment, &to.key, &to_is_drawn, err));
    if (!to_is_drawn)
        return GCH_OK;
    GCH_TRY(gch__key_of_row(query, column, out->row - 1, &from_segment, &from.key, &from_is_drawn,
                            err));
    if (!from_is_drawn)
        return GCH_OK;
    from.scale = query->scales[from_segment];
    to.scale = query->scales[to_segment];
    out->is_crossed = true;
    if (join == GCH_JOIN_STEP) {
        out->cross_row = gch__row_of_key(&from.scale, from.key);
        out->cross_y = gch__clamp_y(gch__y_of_key(&from.scale, from.key));
        return GCH_OK;
    }
    GCH_TRY(gch__time_of_row(query, out->row - 1, &from.time, err));
    GCH_TRY(gch__time_of_row(query, out->row, &to.time, err));
    /* (edge - from) / (to - from) with the edge's fraction multiplied out. */
    uint64_t span = (uint64_t)view->t1 - (uint64_t)view->t0;
    __int128 offset = (__int128)view->t0 - from.time;
    unsigned __int128 part =
        (unsigned __int128)(offset * view->width_px + (__int128)((unsigned __int128)span * c));
    unsigned __int128 whole =
        (unsigned __int128)((uint64_t)to.time - (uint64_t)from.time) * view->width_px;
    gch__crossing(&from, &to, part, whole, &out->cross_row, &out->cross_y);
    return GCH_OK;
}

gch_status gch__find_edge(const gch_query *query, uint32_t column, const gch_view *view,
                          gch_join join, uint32_t c, gch__edge *out, gch__touch *touch,
                          gch_error *err)
{
    *out = (gch__edge){0};
    gch_status status = gch__row_at(query, gch__edge_time(view, c), &out->row, touch, err);
    out->is_known = status == GCH_OK;
    if (out->is_known)
        status = find_crossing(query, column, view, join, c, out, err);
    if (status != GCH_PENDING)
        return status;
    out->is_pending = true;
    out->is_crossed = false;
    if (!out->is_known)
        out->row = gch__guess_row_at(query, gch__edge_time(view, c));
    return GCH_OK;
}

typedef struct edges_job {
    gch_query *query;
    const gch_view *view;
    uint32_t column;
    gch_join join;
    uint32_t first, last; /* edges [first, last) */
} edges_job;

static void run_task(void *context, size_t index, uint32_t worker)
{
    (void)worker;
    const edges_job *job = context;
    gch__column_task *task = &job->query->tasks[index];
    uint32_t begin = job->first + (uint32_t)index * TASK_EDGES;
    uint32_t end = GCH_MIN(begin + TASK_EDGES, job->last);
    for (uint32_t c = begin; c < end && task->status == GCH_OK; c++)
        task->status = gch__find_edge(job->query, job->column, job->view, job->join, c,
                                      &job->query->edges[c], &task->touch, &task->error);
}

bool gch__view_shift(const gch_view *from, const gch_view *to, int64_t *out_columns)
{
    uint64_t span = (uint64_t)to->t1 - (uint64_t)to->t0;
    if (span != (uint64_t)from->t1 - (uint64_t)from->t0 || from->width_px != to->width_px ||
        from->height_px != to->height_px || from->axis != to->axis ||
        !gch__is_same_decimal(from->bottom, to->bottom) ||
        !gch__is_same_decimal(from->top, to->top))
        return false;
    __int128 parts = ((__int128)to->t0 - from->t0) * to->width_px;
    if (parts % (__int128)span != 0 || parts / (__int128)span > to->width_px ||
        parts / (__int128)span < -(__int128)to->width_px)
        return false;
    *out_columns = (int64_t)(parts / (__int128)span);
    return true;
}

/* Moves the edges that the last view had as well to where this one has them; the others are
 * job->first to job->last. */
static void keep_edges(edges_job *job)
{
    gch_query *query = job->query;
    const struct gch__edges_of *of = &query->edges_of;
    uint32_t count = job->view->width_px + 1;
    int64_t shift;
    job->first = 0;
    job->last = count;
    if (of->view.width_px == 0 || of->column != job->column || of->join != job->join ||
        of->generation != query->generation || !gch__view_shift(&of->view, job->view, &shift))
        return;
    if (shift >= 0) {
        uint32_t kept = count - (uint32_t)shift;
        memmove(query->edges, query->edges + shift, kept * sizeof *query->edges);
        job->first = kept;
    } else {
        uint32_t fresh = (uint32_t)-shift;
        memmove(query->edges + fresh, query->edges, (count - fresh) * sizeof *query->edges);
        job->last = fresh;
    }
}

gch_status gch__query_edges(gch_query *query, uint32_t column, const gch_view *view, gch_join join,
                            const gch__edge **out, gch_error *err)
{
    GCH_TRY(gch__query_prepare(query, column, view, err));
    void *room = query->edges;
    gch_status status =
        gch__ensure(query->allocator, &room, &query->edge_cap, (size_t)view->width_px + 1,
                    sizeof *query->edges, "columns", err);
    query->edges = room;
    GCH_TRY(status);
    edges_job job = {.query = query, .view = view, .column = column, .join = join};
    keep_edges(&job);
    query->edges_of.view.width_px = 0;
    size_t task_count = (job.last - job.first + TASK_EDGES - 1) / TASK_EDGES;
    GCH_TRY(gch__query_reserve_tasks(query, task_count, err));
    gch__parallel_for(query->workers, task_count, run_task, &job);
    for (size_t i = 0; i < task_count; i++) {
        const gch__column_task *task = &query->tasks[i];
        if (task->status != GCH_OK)
            return gch_fail(err, task->status, "%s", task->error.message);
        query->stats.blocks_decoded += task->touch.blocks;
        query->stats.nodes_read += task->touch.nodes;
        query->stats.bytes_read += task->touch.bytes;
    }
    bool is_whole = true;
    for (uint32_t c = job.first; c < job.last; c++)
        is_whole = is_whole && query->edges[c].is_known && !query->edges[c].is_pending;
    if (is_whole)
        query->edges_of = (struct gch__edges_of){*view, join, column, query->generation};
    uint64_t row_count = query->edges[view->width_px].row - query->edges[0].row;
    query->stats.rows_visible += query->edges[view->width_px].is_known ? row_count : 0;
    query->stats.columns_asked += view->width_px;
    *out = query->edges;
    return GCH_OK;
}
