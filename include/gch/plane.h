/* Questions about points of a plane: which pixels they light, how many lie in each, which values
 * they carry, and, where few are in view, the points themselves.
 *
 * The coordinates are two columns of a file; of a point set (gch_file_info.is_point_set) blocks of
 * rows are small boxes, so that what lies outside of the view, or within one pixel, is settled
 * without a look at its points. A row is a point if both coordinates are drawn. Answers are exact:
 * docs/pixel-rule.md defines them.
 *
 *     gch_grid grid;
 *     gch_plane plane = {.x_column = info->x_column, .y_column = info->y_column, .view = view};
 *     if (gch_query_grid(query, &plane, GCH_GRID_COUNTS, &grid, &err) == GCH_OK)
 *         ... grid.cells[x * grid.height_px + y] points lie in pixel (x, y) ...
 *
 * Ownership, threads: as gch/query.h has it.
 */
#ifndef GCH_PLANE_H
#define GCH_PLANE_H

#include "gch/query.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A rectangle of the plane seen through width x height pixels: columns from `left`, rows from `top`
 * downward. */
typedef struct gch_plane_view {
    gch_decimal left, right, bottom, top; /* left < right, bottom < top */
    uint32_t width_px, height_px;         /* 1 to GCH_VIEW_PX_MAX */
} gch_plane_view;

typedef struct gch_plane {
    uint32_t x_column, y_column;
    gch_plane_view view;
    /* GCH_GRID_LEVELS: the column of the values, and their range. */
    uint32_t value_column;
    gch_decimal low, high; /* low < high */
} gch_plane;

typedef enum gch_grid_kind {
    GCH_GRID_LIT = 0,    /* 1 where a point lies, else 0 */
    GCH_GRID_COUNTS = 1, /* how many points lie in the pixel, modulo 2^32 */
    /* The largest value among the pixel's points, in GCH_LEVELS equal steps from `low` up to
     * `high`: 1 for what lies in the first step or below it, GCH_LEVELS for the last or above, 0
     * for none. A step holds its upper end. Points without a value are left out. */
    GCH_GRID_LEVELS = 2,
} gch_grid_kind;

#define GCH_LEVELS 1024u

typedef struct gch_grid {
    uint32_t width_px, height_px;
    const uint32_t *cells;  /* column by column, each from the top; until the query's next call */
    uint32_t pending_count; /* blocks of points that await pages (no_wait), and are left out */
} gch_grid;

/* GCH_INVALID (view, columns, range), GCH_CORRUPT, GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch_query_grid(gch_query *query, const gch_plane *plane, gch_grid_kind kind,
                                      gch_grid *out, gch_error *err);

/* A point in view coordinates: pixels from the top left corner. */
typedef struct gch_plane_point {
    float x, y;
    uint64_t row;
} gch_plane_point;

/* The points within the view and `margin_px` around it, in the order of their rows. GCH_LIMIT as
 * soon as there are more than point_cap. Otherwise as gch_query_grid; GCH_PENDING with no_wait. */
GCH_CHECKED gch_status gch_query_plane_points(gch_query *query, const gch_plane *plane,
                                              float margin_px, uint32_t point_cap,
                                              const gch_plane_point **out_points,
                                              uint32_t *out_count, gch_error *err);

/* What column `column` holds in the row of each point, GAP where there is nothing. */
GCH_CHECKED gch_status gch_query_plane_values(gch_query *query, uint32_t column,
                                              const gch_plane_point *points, uint32_t count,
                                              gch_value *out_values, gch_error *err);

#ifdef __cplusplus
}
#endif
#endif
