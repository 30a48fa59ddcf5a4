/* Marks that light more than a line: bars as pixel columns see them, and hulls of columns.
 *
 * As query_edges.h, this is what an executor needs that reduces blocks by itself: with the spans'
 * rows and columns the rest is integer comparison. docs/pixel-rule.md defines both.
 */
#ifndef GCH_QUERY_SPANS_H
#define GCH_QUERY_SPANS_H

#include "base.h"
#include "gch/query.h"

/* A bar's borders in ticks, [t0, t1). Those beyond int64 count as its limits, and a t1 of INT64_MAX
 * means that everything later belongs to the bar. */
typedef struct gch__bar_bounds {
    int64_t t0, t1;
} gch__bar_bounds;

/* The bar that holds t, a time of the data that gch__bar_width_check has passed. */
gch__bar_bounds gch__bar_around(gch_bar_width width, gch_time_unit unit, const gch_time_zone *zone,
                                int64_t t);
/* GCH_INVALID (column, width), GCH_LIMIT (times beyond the calendar). */
GCH_CHECKED gch_status gch__bar_width_check(const gch_query *query, uint32_t column,
                                            gch_bar_width width, gch_error *err);

/* A bar, or all the bars of one column that are no wider than it. */
typedef struct gch__bar_span {
    int64_t t0, t1;       /* as gch__bar_bounds */
    uint64_t first, last; /* its rows of the file */
    bool is_known;        /* the rows are; else they await pages */
    int32_t left, right;  /* columns of the body, clipped to the view; left > right: out of it */
    int32_t middle;       /* column of the wick; -1 or width_px if out of the view */
} gch__bar_span;

/* The spans that reach into columns [first, last) of the view, in the order of time and of columns:
 * neighbours share a border, and at most a column. Up to two a column and one more, in *out until
 * the query's next call. Checks all arguments and sets query->scales. Between gch__query_begin and
 * gch__query_end. */
GCH_CHECKED gch_status gch__query_spans(gch_query *query, uint32_t column, const gch_view *view,
                                        uint32_t first, uint32_t last, gch_bar_width width,
                                        const gch_time_zone *zone, const gch__bar_span **out,
                                        uint32_t *out_count, gch_error *err);

/* Pixel rows: -1 above the view, height_px below it. */
typedef struct gch__hull {
    int32_t top, bottom; /* top > bottom: nothing is drawn */
    int32_t open, close; /* of a span, if has_ends */
    bool has_ends;       /* false while pages are missing; top and bottom then cover the span's */
} gch__hull;

/* What each span of the view shows, *out_hulls[i] belongs to *out_spans[i]. Never gives
 * GCH_PENDING: what awaits pages is counted in the query's statistics. */
GCH_CHECKED gch_status gch__query_span_hulls(gch_query *query, uint32_t column,
                                             const gch_view *view, gch_bar_width width,
                                             const gch_time_zone *zone,
                                             const gch__bar_span **out_spans,
                                             const gch__hull **out_hulls, uint32_t *out_count,
                                             gch_error *err);
/* From the largest to the smallest value of each column, points and crossings of all its runs
 * together: width_px hulls, without ends. As above. */
GCH_CHECKED gch_status gch__query_column_hulls(gch_query *query, uint32_t column,
                                               const gch_view *view, gch_join join,
                                               const gch__hull **out_hulls, gch_error *err);

/* The row of value 0; height_px on a log axis. The view is sound. */
int32_t gch__baseline_row(const gch_view *view);

#endif
