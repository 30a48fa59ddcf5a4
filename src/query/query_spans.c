/* Spans and hulls: see query_spans.h.
 *
 * The walk over bars takes at most two steps a column: from a bar that is no wider than a column it
 * goes to the last one that begins there, by the time at which the column ends. So bars of a tick
 * cost what columns cost.
 *
 * Invariants:
 *  1. Span i ends where span i + 1 begins: one row search a border.
 *  2. Only borders around times of the data are asked for, so that calendars hold.
 */
#include "query_spans.h"

#include "query_edges.h"
#include "query_lit.h"

#define TASK_SPANS 16u

/* ---- columns of times ---- */

static __int128 column_of(const gch_view *view, int64_t t)
{
    __int128 span = (__int128)view->t1 - view->t0;
    __int128 scaled = ((__int128)t - view->t0) * view->width_px;
    return scaled / span - (scaled % span < 0 ? 1 : 0);
}

static int32_t clip_column(const gch_view *view, __int128 column)
{
    return column < -1 ? -1 : column > view->width_px ? (int32_t)view->width_px : (int32_t)column;
}

/* The columns of a bar that spans `count` of them from `left` on. */
static void place(const gch_view *view, __int128 left, __int128 count, gch__bar_span *out)
{
    __int128 gap = count < 3 ? 0 : (count + 4) / 5;
    __int128 from = left + gap / 2, to = from + (count - gap) - 1;
    __int128 middle = from + (to - from) / 2;
    out->left = GCH_MAX(clip_column(view, from), 0);
    out->right = GCH_MIN(clip_column(view, to), (int32_t)view->width_px - 1);
    out->middle = clip_column(view, middle);
}

/* ---- spans ---- */

typedef struct walk {
    gch_query *query;
    const gch_view *view;
    gch_bar_width width;
    gch_time_unit unit;
    const gch_time_zone *zone;
    int64_t last; /* time of the data in the columns asked for, or the nearest to it */
    int64_t end;  /* where these columns end */
    uint32_t count;
} walk;

static gch__bar_bounds bar_around(const walk *w, int64_t t)
{
    return gch__bar_around(w->width, w->unit, w->zone, t);
}

/* Where the bars end that begin in `column` with `first` and are no wider. */
static int64_t end_of_joined(const walk *w, gch__bar_bounds first, uint32_t column)
{
    int64_t time = GCH_MIN(gch__edge_time(w->view, column + 1) - 1, w->last);
    gch__bar_bounds bar = bar_around(w, GCH_MAX(time, first.t0));
    if (bar.t0 <= first.t0)
        return first.t1;
    return column_of(w->view, bar.t1) - column <= 1 ? bar.t1 : bar.t0;
}

static gch_status add_span(walk *w, const gch__bar_span *span, gch_error *err)
{
    gch_query *query = w->query;
    void *spans = query->spans;
    gch_status status = gch__ensure(query->allocator, &spans, &query->span_cap,
                                    (size_t)w->count + 1, sizeof *span, "bars", err);
    query->spans = spans;
    GCH_TRY(status);
    query->spans[w->count++] = *span;
    return GCH_OK;
}

static gch_status walk_bars(walk *w, int64_t from, uint32_t first, gch_error *err)
{
    gch__bar_bounds bar = bar_around(w, from);
    for (;;) {
        if (bar.t0 >= w->end)
            return GCH_OK;
        __int128 left = column_of(w->view, bar.t0);
        __int128 count = column_of(w->view, bar.t1) - left;
        gch__bar_span span = {.t0 = bar.t0, .t1 = bar.t1};
        if (count <= 1 && left >= first)
            span.t1 = end_of_joined(w, bar, (uint32_t)left);
        place(w->view, left, GCH_MAX(count, 1), &span);
        if (count > 1 || left >= first)
            GCH_TRY(add_span(w, &span, err));
        if (span.t1 > w->last || span.t1 == INT64_MAX)
            return GCH_OK;
        bar = bar_around(w, span.t1);
        if (bar.t1 <= span.t1) /* a zone whose days run backwards: never stand still */
            return GCH_OK;
        bar.t0 = span.t1;
    }
}

/* ---- rows ---- */

typedef struct spans_job {
    gch_query *query;
    const gch_view *view;
    uint32_t column, count;
    const gch__edge *edges; /* of columns; NULL: spans */
} spans_job;

static gch_status find_row(spans_job *job, int64_t t, uint64_t *out, bool *out_is_known,
                           gch__column_task *task)
{
    *out_is_known = true;
    if (t == INT64_MAX) {
        *out = gch__query_row_count(job->query);
        return GCH_OK;
    }
    gch_status status = gch__row_at(job->query, t, out, &task->touch, &task->error);
    *out_is_known = status != GCH_PENDING;
    return *out_is_known ? status : GCH_OK;
}

static void find_rows(void *context, size_t index, uint32_t worker)
{
    (void)worker;
    spans_job *job = context;
    gch__column_task *task = &job->query->tasks[index];
    uint32_t begin = (uint32_t)index * TASK_SPANS;
    uint32_t end = GCH_MIN(begin + TASK_SPANS, job->count);
    for (uint32_t i = begin; i < end && task->status == GCH_OK; i++) {
        gch__bar_span *span = &job->query->spans[i];
        task->status = find_row(job, span->t0, &span->first, &span->is_known, task);
    }
}

/* Hands on what the tasks met. */
static gch_status gather(spans_job *job, size_t task_count, gch_error *err)
{
    gch_query *query = job->query;
    for (size_t i = 0; i < task_count; i++) {
        const gch__column_task *task = &query->tasks[i];
        if (task->status != GCH_OK)
            return gch_fail(err, task->status, "%s", task->error.message);
        query->stats.blocks_decoded += task->touch.blocks;
        query->stats.nodes_read += task->touch.nodes;
        query->stats.bytes_read += task->touch.bytes;
        query->stats.columns_pending += task->pending_count;
    }
    return GCH_OK;
}

static gch_status run_tasks(spans_job *job, void (*task)(void *, size_t, uint32_t), gch_error *err)
{
    size_t task_count = (job->count + TASK_SPANS - 1) / TASK_SPANS;
    GCH_TRY(gch__query_reserve_tasks(job->query, task_count, err));
    gch__parallel_for(job->query->workers, task_count, task, job);
    return gather(job, task_count, err);
}

static gch_status find_span_rows(spans_job *job, gch_error *err)
{
    gch_query *query = job->query;
    GCH_TRY(run_tasks(job, find_rows, err));
    gch__column_task last = {0};
    bool is_known;
    gch__bar_span *spans = query->spans, *final = &spans[job->count - 1];
    gch_status status = find_row(job, final->t1, &final->last, &is_known, &last);
    if (status != GCH_OK)
        return gch_fail(err, status, "%s", last.error.message);
    final->is_known = final->is_known && is_known;
    for (uint32_t i = 0; i + 1 < job->count; i++) {
        spans[i].last = spans[i + 1].first;
        spans[i].is_known = spans[i].is_known && spans[i + 1].is_known;
    }
    for (uint32_t i = 0; i < job->count; i++)
        if (spans[i].is_known)
            query->stats.rows_visible += spans[i].last - spans[i].first;
    return GCH_OK;
}

gch_status gch__query_spans(gch_query *query, uint32_t column, const gch_view *view, uint32_t first,
                            uint32_t last, gch_bar_width width, const gch_time_zone *zone,
                            const gch__bar_span **out, uint32_t *out_count, gch_error *err)
{
    GCH_TRY(gch__query_prepare(query, column, view, err));
    GCH_TRY(gch__bar_width_check(query, column, width, err));
    const gch_file_info *info = gch_file_get_info(query->file);
    int64_t from = gch__edge_time(view, first), end = gch__edge_time(view, last);
    walk w = {.query = query,
              .view = view,
              .width = width,
              .unit = info->time_unit,
              .zone = zone,
              .last = GCH_MIN(GCH_MAX(end - 1, info->first_time), info->last_time),
              .end = end};
    from = GCH_MIN(GCH_MAX(from, info->first_time), info->last_time);
    if (info->row_count > 0 && first < last)
        GCH_TRY(walk_bars(&w, from, first, err));
    spans_job job = {.query = query, .view = view, .column = column, .count = w.count};
    if (w.count > 0)
        GCH_TRY(find_span_rows(&job, err));
    query->stats.columns_asked += w.count;
    *out = query->spans;
    *out_count = w.count;
    return GCH_OK;
}

/* ---- hulls ---- */

static void include_row(gch__hull *hull, int32_t row)
{
    hull->top = GCH_MIN(hull->top, row);
    hull->bottom = GCH_MAX(hull->bottom, row);
}

/* Rows [first, last) of the file. Pages that are missing: their nodes, and *out_is_pending. */
static gch_status reduce(const spans_job *job, uint64_t first, uint64_t last, gch__hull *hull,
                         bool *out_is_pending, gch__column_task *task)
{
    gch__slice slice;
    for (uint64_t row = first; row < last; row += slice.last - slice.first) {
        slice = gch__slice_at(job->query, row, last);
        const gch__segment *segment = gch__query_segment(job->query, slice.segment);
        const gch__value_column *values = &segment->columns[job->column];
        const gch__row_scale *scale = &job->query->scales[slice.segment];
        uint64_t min, max;
        gch_status status = gch__reduce_rows(job->query, segment, values, slice.first, slice.last,
                                             &min, &max, &task->touch, &task->error);
        if (status == GCH_PENDING) {
            *out_is_pending = true;
            status = gch__reduce_covering(job->query, segment, values, slice.first, slice.last,
                                          UINT32_MAX, &min, &max, &task->touch, &task->error);
        }
        if (status == GCH_PENDING)
            continue;
        GCH_TRY(status);
        if (min > max)
            continue;
        include_row(hull, gch__row_of_key(scale, max));
        include_row(hull, gch__row_of_key(scale, min));
    }
    return GCH_OK;
}

static gch_status end_row(const spans_job *job, const gch__bar_span *span, bool is_from_end,
                          int32_t *out, gch_error *err)
{
    uint64_t row, key;
    uint32_t segment;
    bool is_drawn;
    GCH_TRY(
        gch__find_drawn(job->query, job->column, span->first, span->last, is_from_end, &row, err));
    if (row == UINT64_MAX)
        return gch_fail(err, GCH_CORRUPT, "the tree has values where there are gaps");
    GCH_TRY(gch__key_of_row(job->query, job->column, row, &segment, &key, &is_drawn, err));
    *out = gch__row_of_key(&job->query->scales[segment], key);
    return GCH_OK;
}

static gch_status span_hull(const spans_job *job, const gch__bar_span *span, gch__hull *out,
                            bool *out_is_pending, gch__column_task *task)
{
    if (!span->is_known) {
        *out_is_pending = true;
        return GCH_OK;
    }
    GCH_TRY(reduce(job, span->first, span->last, out, out_is_pending, task));
    if (out->top > out->bottom || *out_is_pending)
        return GCH_OK;
    gch_status status = end_row(job, span, false, &out->open, &task->error);
    if (status == GCH_OK)
        status = end_row(job, span, true, &out->close, &task->error);
    out->has_ends = status == GCH_OK;
    *out_is_pending = status == GCH_PENDING;
    return *out_is_pending ? GCH_OK : status;
}

static gch_status column_hull(const spans_job *job, uint32_t c, gch__hull *out,
                              bool *out_is_pending, gch__column_task *task)
{
    const gch__edge *left = &job->edges[c], *right = &job->edges[c + 1];
    *out_is_pending = !left->is_known || !right->is_known || left->is_pending || right->is_pending;
    if (left->is_crossed)
        include_row(out, left->cross_row);
    if (right->is_crossed)
        include_row(out, right->cross_row);
    if (!left->is_known || !right->is_known)
        return GCH_OK;
    return reduce(job, left->row, right->row, out, out_is_pending, task);
}

static void find_hulls(void *context, size_t index, uint32_t worker)
{
    (void)worker;
    spans_job *job = context;
    gch__column_task *task = &job->query->tasks[index];
    uint32_t begin = (uint32_t)index * TASK_SPANS;
    uint32_t end = GCH_MIN(begin + TASK_SPANS, job->count);
    for (uint32_t i = begin; i < end && task->status == GCH_OK; i++) {
        gch__hull *hull = &job->query->hulls[i];
        bool is_pending = false;
        *hull = (gch__hull){.top = INT32_MAX, .bottom = INT32_MIN};
        task->status = job->edges != NULL
                           ? column_hull(job, i, hull, &is_pending, task)
                           : span_hull(job, &job->query->spans[i], hull, &is_pending, task);
        task->pending_count += is_pending ? 1 : 0;
    }
}

static gch_status make_hulls(spans_job *job, const gch__hull **out, gch_error *err)
{
    gch_query *query = job->query;
    void *hulls = query->hulls;
    gch_status status = gch__ensure(query->allocator, &hulls, &query->hull_cap, job->count,
                                    sizeof *query->hulls, "bars", err);
    query->hulls = hulls;
    GCH_TRY(status);
    GCH_TRY(run_tasks(job, find_hulls, err));
    *out = query->hulls;
    return GCH_OK;
}

static gch_status find_span_hulls(gch_query *query, uint32_t column, const gch_view *view,
                                  gch_bar_width width, const gch_time_zone *zone,
                                  const gch__bar_span **out_spans, const gch__hull **out_hulls,
                                  uint32_t *out_count, gch_error *err)
{
    GCH_TRY(gch__query_spans(query, column, view, 0, view->width_px, width, zone, out_spans,
                             out_count, err));
    spans_job job = {.query = query, .view = view, .column = column, .count = *out_count};
    return make_hulls(&job, out_hulls, err);
}

gch_status gch__query_span_hulls(gch_query *query, uint32_t column, const gch_view *view,
                                 gch_bar_width width, const gch_time_zone *zone,
                                 const gch__bar_span **out_spans, const gch__hull **out_hulls,
                                 uint32_t *out_count, gch_error *err)
{
    GCH_TRY(gch__query_begin(query, err));
    return gch__query_end(query, find_span_hulls(query, column, view, width, zone, out_spans,
                                                 out_hulls, out_count, err));
}

static gch_status find_column_hulls(gch_query *query, uint32_t column, const gch_view *view,
                                    gch_join join, const gch__hull **out_hulls, gch_error *err)
{
    spans_job job = {.query = query, .view = view, .column = column, .count = view->width_px};
    GCH_TRY(gch__query_edges(query, column, view, join, &job.edges, err));
    return make_hulls(&job, out_hulls, err);
}

gch_status gch__query_column_hulls(gch_query *query, uint32_t column, const gch_view *view,
                                   gch_join join, const gch__hull **out_hulls, gch_error *err)
{
    GCH_TRY(query->awaits_bars ? gch__query_begin_peek(query, err) : gch__query_begin(query, err));
    return gch__query_end(query, find_column_hulls(query, column, view, join, out_hulls, err));
}

int32_t gch__baseline_row(const gch_view *view)
{
    int32_t height = (int32_t)view->height_px;
    if (view->axis == GCH_AXIS_LOG)
        return height;
    gch__exact zero = gch__exact_from_decimal((gch_decimal){0});
    gch__exact_line line = {.a = zero, .b = zero, .part = 0, .whole = 1};
    gch__exact top = gch__exact_from_decimal(view->top);
    gch__exact bottom = gch__exact_from_decimal(view->bottom);
    int32_t low = -1, high = height + 1; /* the largest r with 0 <= Y(r) */
    while (high - low > 1) {
        int32_t middle = low + (high - low) / 2;
        if (gch__exact_compare_edge(&line, (uint32_t)middle, view->height_px, top, bottom) <= 0)
            low = middle;
        else
            high = middle;
    }
    return low;
}
