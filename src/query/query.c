/* Making and ending a query; checks of what callers ask for. */
#include "query_state.h"

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
    query->segment_count = gch__file_segment_count(file);
    query->scale_cap = query->segment_count;
    query->scales =
        gch__alloc_zero(desc->allocator, query->scale_cap, sizeof *query->scales, "row edges");
    query->segments =
        gch__alloc_array(desc->allocator, query->segment_count, sizeof *query->segments, "query");
    gch_status status = gch__file_make_reader(file, &query->reader, err);
    if (status == GCH_OK && (query->scales == NULL || query->segments == NULL))
        status = gch__no_memory(err, "query");
    if (status != GCH_OK) {
        gch_query_destroy(query);
        return status;
    }
    for (uint32_t i = 0; i < query->segment_count; i++) {
        query->segments[i] = *gch__file_segment(file, i);
        query->segments[i].reader = query->reader;
    }
    *out = query;
    return GCH_OK;
}

void gch__query_begin(gch_query *query)
{
    gch__file_begin_reader(query->file, query->reader, query->mode, GCH__PRIORITY_VISIBLE);
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
    for (size_t i = 0; query->scales != NULL && i < query->scale_cap; i++)
        gch__row_scale_reset(&query->scales[i], allocator);
    for (size_t i = 0; i < query->task_cap; i++) {
        gch__free(allocator, query->tasks[i].pieces, "columns");
        gch__free(allocator, query->tasks[i].lit, "columns");
    }
    gch__file_destroy_reader(query->file, query->reader);
    gch__free(allocator, query->segments, "query");
    gch__free(allocator, query->scales, "row edges");
    gch__free(allocator, query->tasks, "columns");
    gch__free(allocator, query->first, "columns");
    gch__free(allocator, query->pieces, "columns");
    gch__free(allocator, query->points, "points");
    gch__free(allocator, query->bars, "bars");
    gch__free(allocator, query, "query");
}

gch_query_stats gch_query_get_stats(const gch_query *query)
{
    return query->stats;
}

static int compare_decimals(gch_decimal a, gch_decimal b)
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
    if (compare_decimals(view->bottom, view->top) >= 0)
        return gch_fail(err, GCH_INVALID, "view: bottom must be less than top");
    if (view->axis == GCH_AXIS_LOG && view->bottom.digits <= 0)
        return gch_fail(err, GCH_INVALID, "view: a log axis needs a bottom above 0");
    for (uint32_t i = 0; i < query->segment_count; i++)
        GCH_TRY(gch__row_scale_set(&query->scales[i],
                                   &gch__query_segment(query, i)->columns[column].map, view,
                                   query->allocator, err));
    return GCH_OK;
}

uint64_t gch__query_row_count(const gch_query *query)
{
    return gch_file_get_info(query->file)->row_count;
}
