/* Bars and their ends: see query_ends.h.
 *
 * The walk is that of price bars, but for bars that the last answer has: such a one names the next
 * bar's first row.
 *
 * Invariant: old_ends is what the last call has found: all of it, the first bar_cap, or nothing.
 */
#include "query_ends.h"

#include "gch/time.h"
#include "query_bars.h"

#include <stdio.h>
#include <string.h>

static bool is_same_kind(const struct gch__ends_of *a, const struct gch__ends_of *b)
{
    return a->column == b->column && a->generation == b->generation &&
           a->width.unit == b->width.unit && a->width.count == b->width.count &&
           strcmp(a->zone, b->zone) == 0;
}

static gch_status read_ends(const gch_query *query, uint32_t column, gch__bar_ends *bar,
                            bool *out_is_drawn, gch_error *err)
{
    uint64_t first = bar->first_row, last = first + bar->its.row_count, open, close;
    GCH_TRY(gch__find_drawn(query, column, first, last, false, &open, err));
    *out_is_drawn = open != UINT64_MAX;
    if (!*out_is_drawn)
        return GCH_OK;
    GCH_TRY(gch__find_drawn(query, column, first, last, true, &close, err));
    GCH_TRY(gch__value_of_row(query, column, open, &bar->its.open, err));
    return gch__value_of_row(query, column, close, &bar->its.close, err);
}

static gch_status add(gch_query *query, uint32_t bar_cap, uint32_t *io_count,
                      const gch__bar_ends *bar, gch_error *err)
{
    if (*io_count == bar_cap)
        return gch_fail(err, GCH_LIMIT, "more than %u bars", bar_cap);
    void *ends = query->ends;
    gch_status status = gch__ensure(query->allocator, &ends, &query->end_cap, (size_t)*io_count + 1,
                                    sizeof *query->ends, "bars", err);
    query->ends = ends;
    GCH_TRY(status);
    query->ends[(*io_count)++] = *bar;
    query->stats.rows_visible += bar->its.row_count;
    return GCH_OK;
}

/* The next bar; *out_is_drawn false: it has no drawn point, or row_count 0, and there is none. */
static gch_status next(gch__bar_walk *walk, uint32_t column, uint32_t old_count, uint32_t *io_old,
                       gch__bar_ends *out, bool *out_is_drawn, gch__touch *touch, gch_error *err)
{
    gch_query *query = walk->query;
    uint32_t old = *io_old;
    while (old < old_count && query->old_ends[old].first_row < walk->row)
        old++;
    *io_old = old;
    *out = (gch__bar_ends){.before = GCH__BAR_IS_NEW};
    *out_is_drawn = old < old_count && query->old_ends[old].first_row == walk->row &&
                    query->old_ends[old].its.t1 > walk->t0;
    if (!*out_is_drawn) {
        GCH_TRY(gch__bar_walk_next(walk, &out->its, &out->first_row, touch, err));
        return out->its.row_count == 0 ? GCH_OK : read_ends(query, column, out, out_is_drawn, err);
    }
    *out = query->old_ends[old];
    if (out->its.t0 >= walk->t1) { /* behind the last one */
        *out = (gch__bar_ends){.before = GCH__BAR_IS_NEW};
        *out_is_drawn = false;
        return GCH_OK;
    }
    out->before = old;
    walk->row += out->its.row_count;
    return GCH_OK;
}

static gch_status find_ends(gch_query *query, uint32_t column, gch__bar_walk *walk,
                            uint32_t bar_cap, uint32_t old_count, uint32_t *out_count,
                            gch__touch *touch, gch_error *err)
{
    uint32_t old = 0;
    *out_count = 0;
    for (;;) {
        gch__bar_ends bar;
        bool is_drawn;
        GCH_TRY(next(walk, column, old_count, &old, &bar, &is_drawn, touch, err));
        if (bar.its.row_count == 0)
            return GCH_OK;
        if (is_drawn)
            GCH_TRY(add(query, bar_cap, out_count, &bar, err));
    }
}

gch_status gch__query_bar_ends(gch_query *query, uint32_t column, const gch_view *view,
                               gch_bar_width width, const gch_time_zone *zone, uint32_t bar_cap,
                               const gch__bar_ends **out, uint32_t *out_count, uint64_t *out_number,
                               gch_error *err)
{
    gch__bar_walk walk;
    gch__touch touch = {0};
    struct gch__ends_of of = {.width = width, .column = column, .generation = query->generation};
    if (zone != NULL)
        snprintf(of.zone, sizeof of.zone, "%s", gch_time_zone_name(zone));
    uint32_t old_count = is_same_kind(&of, &query->ends_of) ? query->old_end_count : 0;
    GCH_TRY(gch__query_prepare(query, column, view, err));
    gch_status status =
        gch__bar_walk_start(&walk, query, column, width, zone, view->t0, view->t1, &touch, err);
    if (status == GCH_OK)
        status = find_ends(query, column, &walk, bar_cap, old_count, out_count, &touch, err);
    query->stats.blocks_decoded += touch.blocks;
    query->stats.nodes_read += touch.nodes;
    query->stats.bytes_read += touch.bytes;
    query->old_end_count = 0;
    *out_number = ++query->end_number;
    if (status != GCH_OK && status != GCH_LIMIT) /* too many: those so far are good */
        return status;
    gch__bar_ends *found = query->ends; /* and the next call has them as the last one's */
    size_t cap = query->end_cap;
    query->ends = query->old_ends;
    query->end_cap = query->old_end_cap;
    query->old_ends = found;
    query->old_end_cap = cap;
    query->old_end_count = *out_count;
    query->ends_of = of;
    *out = found;
    return status;
}
