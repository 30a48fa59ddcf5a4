/* From keys to rows: the table of row edges of one view for one meaning of keys.
 *
 * Row edges are found exactly once a view, for all segments that keep their values alike: a table
 * counts keys from the least value there is, whatever a segment counts them from. After that a
 * key's row is integer comparison only.
 *
 * The columns of a plane are found in the same way: their edges go up where rows go down, and
 * belong to the column on their right where a row's upper edge belongs to the row. "Row" stands for
 * both.
 */
#ifndef GCH_QUERY_SCALE_H
#define GCH_QUERY_SCALE_H

#include "gch/query.h"
#include "query_exact.h"
#include "query_pair.h"

/* One side of a view: `height_px` rows from `top` down to `bottom`; or, across, columns from `top`,
 * the left end, up to `bottom`, the right one. */
typedef struct gch__side {
    gch_decimal top, bottom;
    uint32_t height_px;
    gch_value_axis axis;
    bool is_across;
} gch__side;

static inline gch__side gch__side_of_rows(const gch_view *view)
{
    return (gch__side){view->top, view->bottom, view->height_px, view->axis, false};
}

typedef struct gch__row_table {
    gch__key_map map; /* wide; its base is the kind's least value */
    gch_value_axis axis;
    uint32_t height_px;
    gch_decimal bottom, top;
    bool is_across;

    /* thresholds[r], 0 <= r <= height_px: the smallest key whose value lies above Y(r), the upper
     * edge of row r. It descends with r; for r < unbounded_count no 64-bit key lies above Y(r).
     * Across: the smallest key whose value lies at or above the left edge of column r. It ascends;
     * for r > height_px - unbounded_count there is no such key. */
    uint64_t *thresholds;
    size_t threshold_cap;
    uint32_t unbounded_count;

    double y_top;        /* `top` (its logarithm on a log axis) as a double */
    double px_per_value; /* height_px / (top - bottom), on a log axis of logarithms */
    double magnitude;    /* largest absolute value of top and bottom */
    double half_span;    /* (top - bottom) / 2 */
    bool is_extreme; /* doubles would overflow or lose their precision: every decision is exact */
    bool has_pairs;  /* linear: Y(r) = top_pair - r * step_pair but for 2^-96 of magnitude */
    gch__pair top_pair, step_pair;
} gch__row_table;

/* Digit by digit: 1 is not 1.0. */
static inline bool gch__is_same_decimal(gch_decimal a, gch_decimal b)
{
    return a.digits == b.digits && a.exp10 == b.exp10;
}

/* Whether a table is for keys of this kind. */
bool gch__row_table_serves(const gch__row_table *table, const gch__key_map *map);
/* Fills a table for the kind of a map and a side unless it already is for both. GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__row_table_set(gch__row_table *table, const gch__key_map *map,
                                          const gch__side *side, const gch_allocator *allocator,
                                          gch_error *err);
void gch__row_table_reset(gch__row_table *table, const gch_allocator *allocator);

/* A table for each kind of keys that a column has, filled as they are asked for. */
typedef struct gch__row_tables {
    gch__row_table *items;
    uint32_t count;
    size_t cap;
} gch__row_tables;

/* The table for keys of a map's kind, which does not move. GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__row_tables_find(gch__row_tables *tables, const gch__key_map *map,
                                            const gch__side *side, const gch_allocator *allocator,
                                            const gch__row_table **out, gch_error *err);
void gch__row_tables_reset(gch__row_tables *tables, const gch_allocator *allocator);

/* A table as one segment uses it. */
typedef struct gch__row_scale {
    const gch__row_table *table;
    uint64_t offset; /* key of the table = key of the segment + offset */
} gch__row_scale;

/* The table serves the map. */
gch__row_scale gch__row_scale_make(const gch__row_table *table, const gch__key_map *map);

/* Row of a key: 0 .. height_px - 1, or -1 above the view, or height_px below it. Exact. */
int32_t gch__row_of_key(const gch__row_scale *scale, uint64_t key);
/* The same value in pixels downward from the top edge. */
double gch__y_of_key(const gch__row_scale *scale, uint64_t key);

/* Clamped to +-1e6, as gch_piece and gch_point have it. */
float gch__clamp_y(double y);

/* A point of a line: its key under its segment's scale, and its time. */
typedef struct gch__line_end {
    gch__row_scale scale;
    uint64_t key;
    int64_t time;
} gch__line_end;

/* Where the line from a to b stands at part / whole of its way, 0 < part <= whole < 2^96: its row
 * (as gch__row_of_key; exact on linear axes) and its y. */
void gch__crossing(const gch__line_end *a, const gch__line_end *b, unsigned __int128 part,
                   unsigned __int128 whole, int32_t *out_row, float *out_y);

#endif
