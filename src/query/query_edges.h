/* The edges of a view's pixel columns: where the rows are cut, and what the line does there.
 *
 * This is what an executor needs that reduces blocks by itself (render_gpu.c): with the edges, the
 * segments' arrays and the tables of row edges (query_scale.h) the rest is integer comparison.
 */
#ifndef GCH_QUERY_EDGES_H
#define GCH_QUERY_EDGES_H

#include "query_state.h"

typedef struct gch__edge {
    uint64_t row;    /* the first row at or after it */
    bool is_known;   /* the row is; else it is a guess and awaits pages */
    bool is_pending; /* whether it is crossed awaits pages */
    bool is_crossed; /* rows row - 1 and row are connected */
    int32_t cross_row;
    float cross_y;
} gch__edge;

/* The smallest integer time at or after edge c of the view, 0 <= c <= width_px. */
int64_t gch__edge_time(const gch_view *view, uint32_t c);

/* Edge c of the view, 0 <= c <= width_px; query->scales are set for it. Statuses of the file but
 * for GCH_PENDING. */
GCH_CHECKED gch_status gch__find_edge(const gch_query *query, uint32_t column, const gch_view *view,
                                      gch_join join, uint32_t c, gch__edge *out, gch__touch *touch,
                                      gch_error *err);

/* True if `to` shows what `from` did, panned by a whole number of columns, width_px at most (to
 * later times: positive): column c of `to` is column c + *out_columns of `from`. */
bool gch__view_shift(const gch_view *from, const gch_view *to, int64_t *out_columns);

/* All width_px + 1 of them, in *out until the query's next call. Checks column and view and sets
 * query->scales. Between gch__query_begin and gch__query_end. */
GCH_CHECKED gch_status gch__query_edges(gch_query *query, uint32_t column, const gch_view *view,
                                        gch_join join, const gch__edge **out, gch_error *err);

/* The columns between these edges, of which none awaits pages, for somebody who reduces most of
 * them elsewhere: a column without gaps that the line crosses at both edges has one piece, which
 * knows the crossings only (y_top > y_bottom, row_top > row_bottom). The others are as
 * gch_query_columns has them. Within the same begin and end as gch__query_edges, which came last;
 * GCH_PENDING: one of the others awaits pages. */
GCH_CHECKED gch_status gch__query_outline(gch_query *query, uint32_t column, const gch_view *view,
                                          gch_join join, const gch__edge *edges, gch_columns *out,
                                          gch_error *err);

static inline bool gch__piece_is_outline(const gch_piece *piece)
{
    return piece->y_top > piece->y_bottom;
}

#endif
