/* Strokes, discs and areas into a band's mask, and the paths that they follow.
 *
 * All coordinates are plot pixels; points are ordered by x up to GCH__PATH_SLACK_PX. Anything may
 * lie outside of the plot, at any distance; points that are not finite are left out.
 * Everything here is pure over its arguments: bands may be drawn by several threads at once.
 */
#ifndef GCH_RASTER_STROKE_H
#define GCH_RASTER_STROKE_H

#include "gch/query.h"
#include "raster_blend.h"

#define GCH__PATH_SLACK_PX 1.0f

/* The index of the first point that can matter to pixels at x or to the right of it. */
size_t gch__path_first(const gch_point *points, size_t count, float x);

/* The straight part of a path between two points. Cut to a box; false if nothing is left. */
typedef struct gch__stretch {
    double x0, y0, x1, y1;
} gch__stretch;
bool gch__stretch_clip(gch__stretch *s, double left, double top, double right, double bottom);

/* Strokes the runs of a path, joins and caps round: coverage is
 * clamp(width / 2 + 0.5 - distance to the path, 0, 1) at the pixel's centre. A run of one point is
 * a dot of diameter max(width, 2). */
void gch__mask_stroke(gch__mask *mask, const gch_point *points, size_t count, float width);

/* One disc a point. With opacity 1 overlapping discs unite; below, each adds its own. */
void gch__mask_discs(gch__mask *mask, const gch_point *points, size_t count, float diameter,
                     float opacity);

/* The area between the runs of a path and the horizontal line at `baseline`, exact area coverage.
 * `sums` is scratch of rows + 2 floats. Overwrites the mask's columns. */
void gch__mask_area(gch__mask *mask, const gch_point *points, size_t count, float baseline,
                    float *sums);

/* The area between two paths of the same x and runs, the second not above the first, exact area
 * coverage; otherwise the same. */
void gch__mask_between(gch__mask *mask, const gch_point *upper, const gch_point *lower,
                       size_t count, float *sums);

/* Points written per piece or point at most. */
#define GCH__PATH_LINE_POINTS 4u
#define GCH__PATH_STEP_POINTS 6u
#define GCH__PATH_EDGE_POINTS 2u
#define GCH__PATH_LIT_POINTS 2u
#define GCH__PATH_STAIR_POINTS 2u
#define GCH__PATH_THIN_POINTS 6u

/* The path of a line known by its columns only: through each piece's edge crossings and extremes.
 * `out` has room for GCH__PATH_*_POINTS a piece. Returns the number written. */
size_t gch__path_line(const gch_columns *columns, gch_point *out);
size_t gch__path_step(const gch_columns *columns, gch_point *out);
/* The upper edge of an area: from crossing to crossing, what the stroke covers left out. */
size_t gch__path_edge(const gch_columns *columns, gch_point *out);
/* The lit pixels of GCH_JOIN_NONE columns as vertical runs through their centres. */
size_t gch__path_lit(const gch_columns *columns, gch_point *out);
/* Points joined by stairs: each value holds until the next point. `out` has room for two a point.
 */
size_t gch__path_stairs(const gch_point *points, size_t count, gch_point *out);
/* Of each run's points within a pixel column, leaves the first, the last and the extremes, of
 * another path of the same x and runs (NULL: none) as well: at most GCH__PATH_THIN_POINTS. Returns
 * how many there are. */
size_t gch__path_thin(gch_point *points, gch_point *others, size_t count);

#endif
