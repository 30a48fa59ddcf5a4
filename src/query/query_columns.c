/* What each pixel column of a view shows, by docs/pixel-rule.md.
 *
 * The view is cut into tasks of neighbouring columns. A task finds, for each column edge, the first
 * row at or after it and the crossing there (query_edges.c); a column without gaps is then the hull
 * of its two crossings and of its rows' smallest and largest key. Columns with gaps, or of points
 * that stand alone, go through query_lit.c.
 *
 * Invariants:
 *  1. A column that awaits pages is counted as pending, and drawn as the hull of the finest tree
 *     nodes at hand that cover its rows, or from what an earlier view showed there
 *     (query_earlier.c), whichever says more.
 *  2. Hulls are formed of row numbers, not of keys: segments of a file may key their values
 *     differently, and `row` is monotone.
 *  3. Where finished columns may come from elsewhere, no page is asked for before these were.
 */
#include "query_earlier.h"
#include "query_edges.h"
#include "query_lit.h"

#include <math.h>

typedef struct columns_job {
    gch_query *query;
    const gch_view *view;
    uint32_t column;
    gch_join join;
    const gch__edge *edges; /* of an outline; else each task finds its own */
} columns_job;

/* A hull of row numbers and its shape. */
typedef struct hull {
    int32_t top, bottom; /* unclipped: -1 .. height_px */
    float y_top, y_bottom;
} hull;

static const hull empty_hull = {INT32_MAX, INT32_MIN, INFINITY, -INFINITY};

static void hull_add(hull *h, int32_t row, float y)
{
    h->top = GCH_MIN(h->top, row);
    h->bottom = GCH_MAX(h->bottom, row);
    h->y_top = y < h->y_top ? y : h->y_top;
    h->y_bottom = y > h->y_bottom ? y : h->y_bottom;
}

static void hull_add_keys(hull *h, const gch__row_scale *scale, uint64_t min, uint64_t max)
{
    hull_add(h, gch__row_of_key(scale, max), gch__clamp_y(gch__y_of_key(scale, max)));
    hull_add(h, gch__row_of_key(scale, min), gch__clamp_y(gch__y_of_key(scale, min)));
}

static gch_status emit(const columns_job *job, gch__column_task *task, const hull *h, float y_left,
                       float y_right)
{
    int32_t height = (int32_t)job->view->height_px;
    int32_t top = GCH_MAX(h->top, 0), bottom = GCH_MIN(h->bottom, height - 1);
    if (top > bottom && !job->query->keep_outside)
        return GCH_OK;
    return gch__column_task_add(job->query->allocator, task,
                                (gch_piece){.row_top = top,
                                            .row_bottom = bottom,
                                            .y_top = h->y_top,
                                            .y_bottom = h->y_bottom,
                                            .y_left = y_left,
                                            .y_right = y_right});
}

/* Adds the rows of one segment's [first, last), all drawn. */
static gch_status hull_add_slice(const columns_job *job, const gch__slice *slice, hull *h,
                                 gch__touch *touch, gch_error *err)
{
    const gch__segment *segment = gch__query_segment(job->query, slice->segment);
    const gch__row_scale *scale = &job->query->scales[slice->segment];
    uint64_t min, max;
    GCH_TRY(gch__reduce_rows(job->query, segment, &segment->columns[job->column], slice->first,
                             slice->last, &min, &max, touch, err));
    hull_add_keys(h, scale, min, max);
    return GCH_OK;
}

static gch_status one_column(const columns_job *job, const gch__edge *left, const gch__edge *right,
                             gch__column_task *task, gch_error *err)
{
    if (job->join == GCH_JOIN_NONE ||
        gch__rows_have_gaps(job->query, job->column, left->row, right->row)) {
        gch__lit_ends ends = {.left_is_crossed = left->is_crossed,
                              .right_is_crossed = right->is_crossed,
                              .left_row = left->cross_row,
                              .right_row = right->cross_row,
                              .left_y = left->cross_y,
                              .right_y = right->cross_y};
        if (left->row == right->row)
            return GCH_OK;
        return gch__lit_column(job->query, job->column, job->view, job->join, left->row, right->row,
                               &ends, task, err);
    }
    hull h = empty_hull;
    if (left->is_crossed)
        hull_add(&h, left->cross_row, left->cross_y);
    if (right->is_crossed)
        hull_add(&h, right->cross_row, right->cross_y);
    gch__slice slice;
    for (uint64_t row = left->row; row < right->row; row += slice.last - slice.first) {
        slice = gch__slice_at(job->query, row, right->row);
        GCH_TRY(hull_add_slice(job, &slice, &h, &task->touch, err));
    }
    if (h.top > h.bottom)
        return GCH_OK;
    GCH_TRY(emit(job, task, &h, left->is_crossed ? left->cross_y : NAN,
                 right->is_crossed ? right->cross_y : NAN));
    return GCH_OK;
}

/* Levels of the tree that say something of so many rows: of a few that are guessed, nodes of many
 * would fill the whole height. */
static uint32_t usable_levels(uint64_t row_count)
{
    uint32_t levels = 0;
    while (levels < 15 && (uint64_t)GCH_BLOCK_ROWS << (4 * levels) <= row_count * 8)
        levels++;
    return levels;
}

/* What is known of a column that awaits pages. */
static gch_status pending_column(const columns_job *job, uint32_t c, const gch__edge *left,
                                 const gch__edge *right, gch__column_task *task, gch_error *err)
{
    bool is_blind = !left->is_known || !right->is_known;
    task->pending_count++;
    task->pending |= 1u << (c % GCH__TASK_COLUMNS);
    task->blind |= (uint32_t)is_blind << (c % GCH__TASK_COLUMNS);
    if (left->row >= right->row && is_blind)
        return GCH_OK;
    uint32_t level_end = is_blind ? usable_levels(right->row - left->row) : UINT32_MAX;
    hull h = empty_hull;
    if (left->is_crossed)
        hull_add(&h, left->cross_row, left->cross_y);
    if (right->is_crossed)
        hull_add(&h, right->cross_row, right->cross_y);
    gch__slice slice;
    for (uint64_t row = left->row; row < right->row; row += slice.last - slice.first) {
        slice = gch__slice_at(job->query, row, right->row);
        const gch__segment *segment = gch__query_segment(job->query, slice.segment);
        uint64_t min, max;
        gch_status status =
            gch__reduce_covering(job->query, segment, &segment->columns[job->column], slice.first,
                                 slice.last, level_end, &min, &max, &task->touch, err);
        if (status == GCH_PENDING && is_blind)
            return GCH_OK;
        GCH_TRY(status);
        if (min <= max)
            hull_add_keys(&h, &job->query->scales[slice.segment], min, max);
    }
    if (h.top > h.bottom)
        return GCH_OK;
    return emit(job, task, &h, left->is_crossed ? left->cross_y : NAN,
                right->is_crossed ? right->cross_y : NAN);
}

static gch_status draw_column(const columns_job *job, uint32_t c, const gch__edge *left,
                              const gch__edge *right, gch__column_task *task, gch_error *err)
{
    size_t before = task->piece_count;
    gch_status status = GCH_PENDING;
    if (left->is_known && right->is_known)
        status = one_column(job, left, right, task, err);
    if (status != GCH_PENDING) {
        task->pending_count += left->is_pending || right->is_pending ? 1 : 0;
        return status;
    }
    task->piece_count = before;
    return pending_column(job, c, left, right, task, err);
}

static void run_task(void *context, size_t index, uint32_t worker)
{
    (void)worker;
    const columns_job *job = context;
    gch_query *query = job->query;
    gch__column_task *task = &query->tasks[index];
    uint32_t begin = (uint32_t)index * GCH__TASK_COLUMNS;
    uint32_t end = GCH_MIN(begin + GCH__TASK_COLUMNS, job->view->width_px);
    gch__edge left, right;
    task->status = gch__find_edge(query, job->column, job->view, job->join, begin, &left,
                                  &task->touch, &task->error);
    for (uint32_t c = begin; c < end && task->status == GCH_OK; c++) {
        size_t before = task->piece_count;
        task->status = gch__find_edge(query, job->column, job->view, job->join, c + 1, &right,
                                      &task->touch, &task->error);
        if (task->status == GCH_OK)
            task->status = draw_column(job, c, &left, &right, task, &task->error);
        query->first[c + 1] = (uint32_t)(task->piece_count - before);
        left = right;
    }
}

/* What an outline leaves to others is a run that both edges cross. */
static gch_status outline_column(const columns_job *job, const gch__edge *left,
                                 const gch__edge *right, gch__column_task *task, gch_error *err)
{
    if (!left->is_crossed || !right->is_crossed ||
        gch__rows_have_gaps(job->query, job->column, left->row, right->row))
        return one_column(job, left, right, task, err);
    return gch__column_task_add(job->query->allocator, task,
                                (gch_piece){.row_top = (int32_t)job->view->height_px,
                                            .row_bottom = -1,
                                            .y_top = INFINITY,
                                            .y_bottom = -INFINITY,
                                            .y_left = left->cross_y,
                                            .y_right = right->cross_y});
}

static void run_outline_task(void *context, size_t index, uint32_t worker)
{
    (void)worker;
    const columns_job *job = context;
    gch__column_task *task = &job->query->tasks[index];
    uint32_t begin = (uint32_t)index * GCH__TASK_COLUMNS;
    uint32_t end = GCH_MIN(begin + GCH__TASK_COLUMNS, job->view->width_px);
    for (uint32_t c = begin; c < end && task->status == GCH_OK; c++) {
        size_t before = task->piece_count;
        task->status = outline_column(job, &job->edges[c], &job->edges[c + 1], task, &task->error);
        job->query->first[c + 1] = (uint32_t)(task->piece_count - before);
    }
}

/* Puts the tasks' pieces one behind the other and turns counts into offsets. */
static gch_status gather(gch_query *query, uint32_t width_px, size_t task_count,
                         uint32_t *out_pending, gch_error *err)
{
    size_t piece_count = 0;
    for (size_t i = 0; i < task_count; i++) {
        const gch__column_task *task = &query->tasks[i];
        if (task->status != GCH_OK)
            return gch_fail(err, task->status, "%s", task->error.message);
        piece_count += task->piece_count;
        *out_pending += task->pending_count;
        query->stats.blocks_decoded += task->touch.blocks;
        query->stats.nodes_read += task->touch.nodes;
        query->stats.bytes_read += task->touch.bytes;
    }
    void *pieces = query->pieces;
    gch_status status = gch__ensure(query->allocator, &pieces, &query->piece_cap, piece_count,
                                    sizeof *query->pieces, "columns", err);
    query->pieces = pieces;
    GCH_TRY(status);
    size_t at = 0;
    for (size_t i = 0; i < task_count; i++) {
        const gch__column_task *task = &query->tasks[i];
        if (task->piece_count > 0)
            memcpy(query->pieces + at, task->pieces, task->piece_count * sizeof *task->pieces);
        at += task->piece_count;
    }
    query->first[0] = 0;
    for (uint32_t c = 0; c < width_px; c++)
        query->first[c + 1] += query->first[c];
    return GCH_OK;
}

/* query->first and pieces, by all workers. */
static gch_status run_tasks(columns_job *job, void (*run)(void *, size_t, uint32_t),
                            uint32_t *out_pending, gch_error *err)
{
    gch_query *query = job->query;
    uint32_t width_px = job->view->width_px;
    size_t task_count = (width_px + GCH__TASK_COLUMNS - 1) / GCH__TASK_COLUMNS;
    GCH_TRY(gch__query_reserve_tasks(query, task_count, err));
    void *first = query->first;
    gch_status status = gch__ensure(query->allocator, &first, &query->first_cap,
                                    (size_t)width_px + 1, sizeof *query->first, "columns", err);
    query->first = first;
    GCH_TRY(status);
    gch__parallel_for(query->workers, task_count, run, job);
    *out_pending = 0;
    return gather(query, width_px, task_count, out_pending, err);
}

gch_status gch__query_outline(gch_query *query, uint32_t column, const gch_view *view,
                              gch_join join, const gch__edge *edges, gch_columns *out,
                              gch_error *err)
{
    columns_job job = {
        .query = query, .view = view, .column = column, .join = join, .edges = edges};
    uint32_t pending_count;
    GCH_TRY(run_tasks(&job, run_outline_task, &pending_count, err));
    *out = (gch_columns){.width_px = view->width_px,
                         .first = query->first,
                         .pieces = query->pieces,
                         .row_count = edges[view->width_px].row - edges[0].row};
    return GCH_OK;
}

static gch_status find_columns(gch_query *query, uint32_t column, const gch_view *view,
                               gch_join join, gch_columns *out, bool *knows_rows, gch_error *err)
{
    GCH_TRY(gch__query_prepare(query, column, view, err));
    columns_job job = {.query = query, .view = view, .column = column, .join = join};
    uint32_t pending_count;
    GCH_TRY(run_tasks(&job, run_task, &pending_count, err));

    gch__touch touch = {0};
    uint64_t first_row = 0, last_row = 0;
    gch_status found = gch__row_at(query, view->t0, &first_row, &touch, err);
    if (found == GCH_OK)
        found = gch__row_at(query, view->t1, &last_row, &touch, err);
    *knows_rows = found == GCH_OK;
    if (found == GCH_PENDING) /* then columns are pending too */
        last_row = first_row;
    else
        GCH_TRY(found);
    query->stats.rows_visible += last_row - first_row;
    query->stats.columns_asked += view->width_px;
    query->stats.columns_pending += pending_count;
    *out = (gch_columns){.width_px = view->width_px,
                         .first = query->first,
                         .pieces = query->pieces,
                         .row_count = last_row - first_row,
                         .pending_count = pending_count};
    return GCH_OK;
}

/* ---- finished columns ---- */

/* Of the pages that columns lack: those that were met, but neighbouring columns meet the same ones,
 * so not more than the share of the file that is in view. */
static uint64_t missing_bytes(const gch_query *query, const gch_view *view)
{
    const gch_file_info *info = gch_file_get_info(query->file);
    double all = (double)info->last_time - (double)info->first_time + 1;
    double seen = (double)GCH_MIN(view->t1, info->last_time) -
                  (double)GCH_MAX(view->t0, info->first_time) + 1;
    double share = seen > 0 ? seen / all * (double)info->file_bytes : 0;
    double met = query->reader != NULL ? (double)atomic_load(&query->reader->missing_count) : 0;
    return (uint64_t)GCH_MIN(share, met * (double)info->page_bytes);
}

/* Copies an answer to where the query's own results live. */
static gch_status take_answer(gch_query *query, const gch_columns *answer, gch_error *err)
{
    uint32_t width = answer->width_px, count = answer->first[width];
    void *first = query->first, *pieces = query->pieces;
    gch_status status = gch__ensure(query->allocator, &first, &query->first_cap, (size_t)width + 1,
                                    sizeof *query->first, "columns", err);
    query->first = first;
    if (status == GCH_OK)
        status = gch__ensure(query->allocator, &pieces, &query->piece_cap, count,
                             sizeof *query->pieces, "columns", err);
    query->pieces = pieces;
    GCH_TRY(status);
    memcpy(query->first, answer->first, ((size_t)width + 1) * sizeof *query->first);
    if (count > 0)
        memcpy(query->pieces, answer->pieces, count * sizeof *query->pieces);
    return GCH_OK;
}

/* Columns of another view. */
typedef struct news {
    gch_view view; /* width_px 0: none */
    gch_columns columns;
} news;

/* Exact columns are kept for views to come; among others earlier ones are put. News are kept when
 * that is done: the next view's range has regard to them, this one's could not. */
static gch_status settle(gch_query *query, uint32_t column, const gch_view *view, gch_join join,
                         const news *came, gch_columns *io, gch_error *err)
{
    if (query->mode != GCH__READ_NO_WAIT)
        return GCH_OK;
    if (io->pending_count == 0)
        return gch__earlier_keep(query, column, view, join, io, err);
    GCH_TRY(gch__earlier_fill(query, column, view, join, io, err));
    return came->view.width_px > 0
               ? gch__earlier_keep(query, column, &came->view, join, &came->columns, err)
               : GCH_OK;
}

/* What the pages at hand give if that is exact, or finished columns, or the former while the latter
 * are on their way. *is_answered false: the pages that are missing must be asked for. */
static gch_status find_without_loading(gch_query *query, uint32_t column, const gch_view *view,
                                       gch_join join, gch_columns *out, news *out_came,
                                       bool *is_answered, gch_error *err)
{
    gch_query_stats before = query->stats;
    bool stands_in = query->awaits_bars;
    query->awaits_bars = false;
    gch_columns answer = {0};
    bool knows_rows;
    *is_answered = true;
    GCH_TRY(gch__query_begin_peek(query, err));
    GCH_TRY(gch__query_end(query, find_columns(query, column, view, join, out, &knows_rows, err)));
    if (out->pending_count == 0 || stands_in)
        return GCH_OK;
    gch_answers_ask ask = {.column = column,
                           .view = view,
                           .join = join,
                           .keep_outside = query->keep_outside,
                           .missing_bytes = missing_bytes(query, view),
                           .knows_rows = knows_rows};
    const gch_answers *answers = query->answers;
    gch_status status = answers->columns(answers->context, &ask, &answer, &out_came->view, NULL);
    if (status == GCH_PENDING) {
        out_came->columns = answer;
        return GCH_OK;
    }
    query->stats = before;
    *is_answered = status == GCH_OK && answer.width_px == view->width_px;
    if (!*is_answered)
        return GCH_OK;
    GCH_TRY(gch__query_await_points(query, column, view, answer.row_count, err));
    GCH_TRY(take_answer(query, &answer, err));
    query->stats.rows_visible += answer.row_count;
    query->rows_of = (struct gch__rows_of){view->t0, view->t1, answer.row_count, query->generation};
    query->stats.columns_asked += view->width_px;
    *out = answer;
    out->first = query->first;
    out->pieces = query->pieces;
    out->pending_count = 0;
    return GCH_OK;
}

gch_status gch_query_columns(gch_query *query, uint32_t column, const gch_view *view, gch_join join,
                             gch_columns *out, gch_error *err)
{
    bool is_answered = false, knows_rows;
    news came = {0};
    if (query->answers != NULL)
        GCH_TRY(find_without_loading(query, column, view, join, out, &came, &is_answered, err));
    if (!is_answered) {
        GCH_TRY(gch__query_begin(query, err));
        GCH_TRY(
            gch__query_end(query, find_columns(query, column, view, join, out, &knows_rows, err)));
    }
    return settle(query, column, view, join, &came, out, err);
}
