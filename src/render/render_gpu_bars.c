/* Areas and bars on the GPU: from hulls of columns, or from spans, to slices.
 *
 * An area needs nothing but the kernels of lines: a column that is not empty starts with the
 * baseline in its extents, and runs do not matter, as all of them reach the baseline.
 *
 * Bars are reduced as columns are, into extents of their own: in marks, at bars_at, two
 * words a bar, and behind those two for the rows of opening and closing value. When all tiles of
 * the bars have been run, draw_bars lights them.
 *
 * What a column shows of bars depends on where the bars are, not on the view: after a pan by whole
 * columns, bars are drawn that reach into fresh ones. In the others they light what is lit.
 *
 * Invariant: slices of DRAW_BARS are pushed last, so that they are in the last tile.
 */
#include "query_lit.h"
#include "query_spans.h"
#include "render_gpu_state.h"

/* ---- columns ---- */

static gch_status start_column(const gch__gpu_series *series, const gch__edge *left,
                               const gch__edge *right, int32_t baseline, uint32_t *extents,
                               gch_error *err)
{
    uint64_t drawn = UINT64_MAX;
    GCH_TRY(
        gch__find_drawn(series->query, series->column, left->row, right->row, false, &drawn, err));
    if (left->is_crossed)
        gch__gpu_extents_add(extents, left->cross_row);
    if (right->is_crossed)
        gch__gpu_extents_add(extents, right->cross_row);
    if (drawn != UINT64_MAX || left->is_crossed || right->is_crossed)
        gch__gpu_extents_add(extents, baseline);
    return GCH_OK;
}

static gch_status reduce_columns(const gch__gpu_series *series, gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    uint32_t begin = executor->fresh_first, end = executor->fresh_last;
    const gch__edge *edges;
    int64_t start_ns = gch__clock_ns();
    gch_status status =
        gch__query_edges(series->query, series->column, series->view, series->join, &edges, err);
    executor->query_ns += gch__clock_ns() - start_ns;
    GCH_TRY(status);
    for (uint32_t c = begin; c <= end; c++)
        if (!edges[c].is_known || edges[c].is_pending)
            return gch_fail(err, GCH_PENDING, "a column's edge awaits pages");
    int32_t baseline = gch__baseline_row(series->view);
    for (uint32_t c = begin; c < end; c++)
        GCH_TRY(start_column(series, &edges[c], &edges[c + 1], baseline,
                             &executor->extents[(size_t)gch__gpu_slot(executor, c) * 2], err));
    GCH_TRY(gch__gpu_send_extents(series, err));
    GCH_TRY(gch__gpu_begin_slices(series, err));
    for (uint32_t c = begin; c < end; c++)
        GCH_TRY(gch__gpu_add_rows(series, GCH__GPU_REDUCE, GCH__GPU_REDUCE_DRAWN,
                                  gch__gpu_slot(executor, c), edges[c].row, edges[c + 1].row, err));
    return gch__gpu_run_tile(executor, err);
}

/* ---- bars ---- */

/* The series' bars start without extents and ends. */
static gch_status send_bars(const gch__gpu_series *series, uint32_t count, gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    GCH_TRY(gch__ensure(executor->allocator, (void **)&executor->bar_marks, &executor->bar_mark_cap,
                        (size_t)count * 4, sizeof *executor->bar_marks, "gpu executor", err));
    for (size_t i = 0; i < (size_t)count * 4; i++)
        executor->bar_marks[i] = i < (size_t)count * 2 && i % 2 == 1 ? 0 : GCH__GPU_NO_ROW;
    return gch__gpu_upload(executor->gpu, executor->marks, (uint64_t)executor->frame.extents * 4,
                           executor->bar_marks, (uint64_t)count * 4 * sizeof *executor->bar_marks,
                           err);
}

/* Has the row of the first or last drawn row's value put into word `at` behind the extents;
 * *out_is_drawn is false if there is none. */
static gch_status add_end(const gch__gpu_series *series, const gch__bar_span *span,
                          bool is_from_end, uint32_t at, bool *out_is_drawn, gch_error *err)
{
    uint64_t row;
    uint32_t segment, local;
    GCH_TRY(gch__find_drawn(series->query, series->column, span->first, span->last, is_from_end,
                            &row, err));
    *out_is_drawn = row != UINT64_MAX;
    if (!*out_is_drawn)
        return GCH_OK;
    gch__locate_row(series->query, row, &segment, &local);
    gch__gpu_slice slice = {.column = at, .first = local, .last = local + 1};
    return gch__gpu_add_slice(series, GCH__GPU_READ_ENDS, segment, &slice, err);
}

static bool is_seen(const gch__bar_span *span)
{
    return span->left <= span->right && span->first < span->last;
}

/* In the order of the rows, so that a tile goes through the pools of pages once. */
static gch_status add_bar(const gch__gpu_series *series, const gch__bar_span *span, uint32_t index,
                          uint32_t ends_at, gch_error *err)
{
    bool is_drawn = true;
    bool has_ends = series->its->mark != GCH_MARK_BARS;
    if (has_ends)
        GCH_TRY(add_end(series, span, false, ends_at, &is_drawn, err));
    if (!is_drawn)
        return GCH_OK;
    GCH_TRY(gch__gpu_add_rows(series, GCH__GPU_REDUCE, GCH__GPU_REDUCE_DRAWN, index, span->first,
                              span->last, err));
    return has_ends ? add_end(series, span, true, ends_at + 1, &is_drawn, err) : GCH_OK;
}

static gch_status reduce_spans(const gch__gpu_series *series, const gch__bar_span *spans,
                               uint32_t count, gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    GCH_TRY(send_bars(series, count, err));
    GCH_TRY(gch__gpu_begin_slices(series, err));
    for (uint32_t i = 0; i < count; i++)
        if (is_seen(&spans[i]))
            GCH_TRY(add_bar(series, &spans[i], i, 2 * count + 2 * i, err));
    uint32_t baseline = (uint32_t)(gch__baseline_row(series->view) + 1);
    for (uint32_t i = 0; i < count; i++) {
        if (!is_seen(&spans[i]))
            continue;
        gch__gpu_slice bar = {.column = i,
                              .segment = (uint32_t)series->its->mark,
                              .first = (uint32_t)spans[i].left,
                              .last = (uint32_t)spans[i].right + 1,
                              .lead = (uint32_t)(spans[i].middle + 1),
                              .tail = baseline,
                              .gaps_first = 2 * count + 2 * i};
        GCH_TRY(gch__gpu_push_slice(executor, GCH__GPU_DRAW_BARS, &bar, err));
    }
    return gch__gpu_run_tile(executor, err);
}

static gch_status reduce_bars(const gch__gpu_series *series, gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    const gch__bar_span *spans;
    uint32_t count;
    int64_t start_ns = gch__clock_ns();
    gch_status status = gch__query_spans(series->query, series->column, series->view,
                                         executor->fresh_first, executor->fresh_last,
                                         series->its->bar_width, series->zone, &spans, &count, err);
    executor->query_ns += gch__clock_ns() - start_ns;
    GCH_TRY(status);
    for (uint32_t i = 0; i < count; i++)
        if (!spans[i].is_known)
            return gch_fail(err, GCH_PENDING, "a bar's rows await pages");
    GCH_TRY(gch__gpu_send_extents(series, err)); /* columns have none */
    if (count == 0)
        return GCH_OK;
    gch__gpu_frame frame = executor->frame;
    executor->frame.extents = executor->bars_at;
    executor->frame.series_count = 0; /* bars are not hidden */
    status = reduce_spans(series, spans, count, err);
    executor->frame = frame;
    return status;
}

gch_status gch__gpu_reduce_filled(const gch__gpu_series *series, gch_error *err)
{
    gch__gpu_use_kernels(series->executor, GCH__GPU_BAR_KERNELS);
    gch_status status =
        gch__bare_is_by_bars(series->its) ? reduce_bars(series, err) : reduce_columns(series, err);
    if (status != GCH_OK) /* what is left belongs to extents that are no longer the frame's */
        for (uint32_t i = 0; i < GCH__GPU_KERNEL_COUNT; i++)
            series->executor->tile[i].count = 0;
    return status;
}
