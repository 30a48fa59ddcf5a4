/* Making and ending a query; checks of what callers ask for. */
#include "query_earlier.h"
#include "query_plane.h"

/* Takes over the segments that the file shows now. */
static gch_status look(gch_query *query, gch_error *err)
{
    const gch_file *file = query->file;
    uint32_t count = gch__file_segment_count(file);
    bool is_first = query->generation == UINT64_MAX;
    if (is_first || query->base_number != gch__file_base_number(file)) {
        gch__reader *reader;
        GCH_TRY(gch__file_make_reader(file, &reader, err));
        gch__file_destroy_reader(file, query->reader);
        query->reader = reader;
        query->base_number = gch__file_base_number(file);
    }
    GCH_TRY(gch__ensure(query->allocator, (void **)&query->segments, &query->segment_cap, count,
                        sizeof *query->segments, "query", err));
    GCH_TRY(gch__ensure(query->allocator, (void **)&query->scales, &query->scale_cap, count,
                        sizeof *query->scales, "query", err));
    for (uint32_t i = 0; i < count; i++) {
        query->segments[i] = *gch__file_segment(file, i);
        query->segments[i].reader = gch__segment_reader(&query->segments[i], query->reader);
    }
    query->segment_count = count;
    query->generation = gch__file_generation(file);
    return GCH_OK;
}

gch_status gch_query_make(const gch_file *file, const gch_query_desc *desc, gch_query **out,
                          gch_error *err)
{
    static const gch_query_desc defaults;
    if (desc == NULL)
        desc = &defaults;
    gch_query *query = gch__alloc_zero(desc->allocator, 1, sizeof *query, "query");
    if (query == NULL)
        return gch__no_memory(err, "query");
    query->allocator = desc->allocator;
    query->workers = desc->workers;
    query->keep_outside = desc->keep_outside;
    query->file = file;
    query->kernels = gch__kernels_get();
    query->mode = desc->no_wait ? GCH__READ_NO_WAIT : GCH__READ_BLOCK;
    query->answers = desc->no_wait ? desc->answers : NULL;
    query->generation = query->rows_of.generation = UINT64_MAX;
    gch_status status = look(query, err);
    if (status != GCH_OK) {
        gch_query_destroy(query);
        return status;
    }
    *out = query;
    return GCH_OK;
}

static gch_status begin(gch_query *query, gch__read_mode mode, gch_error *err)
{
    if (mode != GCH__READ_PEEK)
        query->awaits_bars = false;
    if (query->generation != gch__file_generation(query->file))
        GCH_TRY(look(query, err));
    /* What is not waited for refines a picture that is there. */
    gch__priority priority = mode == GCH__READ_BLOCK ? GCH__PRIORITY_VISIBLE : GCH__PRIORITY_REFINE;
    gch__file_begin_reader(query->file, query->reader, mode, priority);
    return GCH_OK;
}

gch_status gch__query_begin(gch_query *query, gch_error *err)
{
    return begin(query, query->mode, err);
}

gch_status gch__query_begin_peek(gch_query *query, gch_error *err)
{
    return begin(query, GCH__READ_PEEK, err);
}

gch_status gch__query_end(gch_query *query, gch_status status)
{
    gch__file_end_reader(query->file, query->reader);
    query->stats.answers_pending += status == GCH_PENDING ? 1 : 0;
    return status;
}

void gch_query_destroy(gch_query *query)
{
    if (query == NULL)
        return;
    const gch_allocator *allocator = query->allocator;
    gch__row_tables_reset(&query->tables, allocator);
    gch__plane_destroy(query->plane, allocator);
    for (size_t i = 0; i < query->task_cap; i++) {
        gch__free(allocator, query->tasks[i].pieces, "columns");
        gch__free(allocator, query->tasks[i].lit, "columns");
    }
    gch__file_destroy_reader(query->file, query->reader);
    gch__earlier_reset(query);
    gch__free(allocator, query->segments, "query");
    gch__free(allocator, query->scales, "query");
    gch__free(allocator, query->tasks, "columns");
    gch__free(allocator, query->edges, "columns");
    gch__free(allocator, query->first, "columns");
    gch__free(allocator, query->pieces, "columns");
    gch__free(allocator, query->counts, "density");
    gch__free(allocator, query->points, "points");
    gch__free(allocator, query->bins, "histogram");
    gch__free(allocator, query->bars, "bars");
    gch__free(allocator, query->far, "bars");
    gch__free(allocator, query->ends, "bars");
    gch__free(allocator, query->old_ends, "bars");
    gch__free(allocator, query->spans, "bars");
    gch__free(allocator, query->hulls, "bars");
    gch__free(allocator, query->study_bars, "study");
    gch__free(allocator, query->study_points, "study");
    gch__free(allocator, query->sums, "sums");
    gch__free(allocator, query->old_sums, "sums");
    gch__free(allocator, query->sum_pieces, "sums");
    gch__free(allocator, query, "query");
}

gch_status gch__query_reserve_tasks(gch_query *query, size_t count, gch_error *err)
{
    if (count > query->task_cap) {
        size_t old_cap = query->task_cap;
        void *tasks = query->tasks;
        gch_status status = gch__ensure(query->allocator, &tasks, &query->task_cap, count,
                                        sizeof *query->tasks, "columns", err);
        query->tasks = tasks;
        GCH_TRY(status);
        memset(query->tasks + old_cap, 0, (query->task_cap - old_cap) * sizeof *query->tasks);
    }
    for (size_t i = 0; i < count; i++) {
        query->tasks[i].piece_count = 0;
        query->tasks[i].pending_count = 0;
        query->tasks[i].pending = query->tasks[i].blind = 0;
        query->tasks[i].touch = (gch__touch){0};
        query->tasks[i].status = GCH_OK;
    }
    return GCH_OK;
}

gch_query_stats gch_query_get_stats(const gch_query *query)
{
    return query->stats;
}

int gch__compare_decimals(gch_decimal a, gch_decimal b)
{
    /* a against the edge of a view one row high whose bounds are both b. */
    gch__exact exact = gch__exact_from_decimal(a);
    gch__exact_line number = {.a = exact, .b = exact, .part = 0, .whole = 1};
    gch__exact other = gch__exact_from_decimal(b);
    return gch__exact_compare_edge(&number, 0, 1, other, other);
}

gch_status gch__query_prepare(gch_query *query, uint32_t column, const gch_view *view,
                              gch_error *err)
{
    uint32_t column_count = gch_file_get_info(query->file)->column_count;
    if (column >= column_count)
        return gch_fail(err, GCH_INVALID, "column %u: the file has %u", column, column_count);
    if (view->t0 >= view->t1)
        return gch_fail(err, GCH_INVALID, "view: from (%lld) must be before to (%lld)",
                        (long long)view->t0, (long long)view->t1);
    if (view->width_px == 0 || view->width_px > GCH_VIEW_PX_MAX || view->height_px == 0 ||
        view->height_px > GCH_VIEW_PX_MAX)
        return gch_fail(err, GCH_INVALID, "view: %u x %u px, sides are 1 to %u", view->width_px,
                        view->height_px, GCH_VIEW_PX_MAX);
    if (view->top.exp10 > GCH_DECIMAL_EXP10_MAX || view->top.exp10 < -GCH_DECIMAL_EXP10_MAX ||
        view->bottom.exp10 > GCH_DECIMAL_EXP10_MAX || view->bottom.exp10 < -GCH_DECIMAL_EXP10_MAX)
        return gch_fail(err, GCH_INVALID, "view: a bound's exponent is beyond +-%d",
                        GCH_DECIMAL_EXP10_MAX);
    if (gch__compare_decimals(view->bottom, view->top) >= 0)
        return gch_fail(err, GCH_INVALID, "view: bottom must be less than top");
    if (view->axis == GCH_AXIS_LOG && view->bottom.digits <= 0)
        return gch_fail(err, GCH_INVALID, "view: a log axis needs a bottom above 0");
    gch__side side = gch__side_of_rows(view);
    for (uint32_t i = 0; i < query->segment_count; i++) {
        const gch__key_map *map = &gch__query_segment(query, i)->columns[column].map;
        const gch__row_table *table;
        GCH_TRY(gch__row_tables_find(&query->tables, map, &side, query->allocator, &table, err));
        query->scales[i] = gch__row_scale_make(table, map);
    }
    return GCH_OK;
}

uint64_t gch__query_row_count(const gch_query *query)
{
    return gch_file_get_info(query->file)->row_count;
}
