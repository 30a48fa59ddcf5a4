/* Points of a plane on the GPU: from the boxes that meet a view to marks (shaders/points.wgsl).
 *
 * The processor walks the tree of boxes down to nodes of 16 of the shader's and leaves out what
 * lies outside of the view; what remains is made resident, column by column, and handed to the
 * shader in slices, in as many tiles as the memory needs.
 */
#ifndef GCH_RENDER_GPU_POINTS_H
#define GCH_RENDER_GPU_POINTS_H

#include "gch/plane.h"
#include "render_gpu_reach.h"
#include "render_gpu_state.h"

typedef struct gch__gpu_points gch__gpu_points;

/* Where points go. */
typedef struct gch__gpu_points_marks {
    gch__gpu_buffer buffer;
    bool counts;            /* a count a pixel; else bits */
    uint32_t cells, stride; /* words: where they start, column by column; a column */
} gch__gpu_points_marks;

/* What is done with points: they are counted (shaders/points.wgsl), or what
 * render_gpu_planes.h says. */
typedef enum gch__points_pass {
    GCH__POINTS_COUNT,
    GCH__POINTS_LEVEL,
    GCH__POINTS_SPREAD,
} gch__points_pass;

/* A part of the points in view, by nodes: what `to` has reached and `from` has not. */
typedef struct gch__gpu_points_part {
    gch__points_pass pass;
    bool has_values; /* LEVEL, SPREAD: the plane's third column is read */
    gch__points_reach from, to;
    uint64_t rows; /* of the nodes added; counts up */
} gch__gpu_points_part;

/* Within a recording: adds the points of a file in view. part NULL: counts all. GCH_UNSUPPORTED,
 * GCH_PENDING: the query room has to do it; marks then hold some of them, in any case. */
GCH_CHECKED gch_status gch__gpu_points_add(gch__gpu_executor *executor, gch_query *query,
                                           const gch_plane *plane,
                                           const gch__gpu_points_marks *marks,
                                           gch__gpu_points_part *part, gch_error *err);

/* The nodes that gch__gpu_points_add would go through, in its order; *out until the next call of
 * either. Statuses are the same. */
GCH_CHECKED gch_status gch__gpu_points_survey(gch__gpu_executor *executor, gch_query *query,
                                              const gch_plane *plane,
                                              const gch__points_stretch **out, size_t *out_count,
                                              gch_error *err);

/* GCH_GRID_COUNTS of a plane of one file, downloaded: width x height. A recording of its own. */
GCH_CHECKED gch_status gch__gpu_points_count(gch__gpu_executor *executor, gch_query *query,
                                             const gch_plane *plane, uint32_t *out_cells,
                                             gch_error *err);

/* Nothing of the last frame is in the tables. NULL is allowed, here and below. */
void gch__gpu_points_begin_frame(gch__gpu_points *points);
void gch__gpu_points_unbind(gch__gpu_points *points, uint32_t pool); /* NULL is allowed */
void gch__gpu_points_destroy(gch__gpu_points *points);               /* before the device */

#endif
