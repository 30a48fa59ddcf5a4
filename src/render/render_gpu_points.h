/* Points of a plane on the GPU: from the boxes that meet a view to marks (shaders/points.wgsl).
 *
 * The processor walks the tree of boxes down to nodes of 16 of the shader's and leaves out what
 * lies outside of the view; what remains is made resident, column by column, and handed to the
 * shader in slices, in as many tiles as the memory needs.
 */
#ifndef GCH_RENDER_GPU_POINTS_H
#define GCH_RENDER_GPU_POINTS_H

#include "gch/plane.h"
#include "render_gpu_state.h"

typedef struct gch__gpu_points gch__gpu_points;

/* Where points go. */
typedef struct gch__gpu_points_marks {
    gch__gpu_buffer buffer;
    bool counts;            /* a count a pixel; else bits */
    uint32_t cells, stride; /* words: where they start, column by column; a column */
} gch__gpu_points_marks;

/* Within a recording: adds the points of a file in view. GCH_UNSUPPORTED, GCH_PENDING: the query
 * room has to do it; marks then hold some of them, in any case. */
GCH_CHECKED gch_status gch__gpu_points_add(gch__gpu_executor *executor, gch_query *query,
                                           const gch_plane *plane,
                                           const gch__gpu_points_marks *marks, gch_error *err);

/* GCH_GRID_COUNTS of a plane of one file, downloaded: width x height. A recording of its own. */
GCH_CHECKED gch_status gch__gpu_points_count(gch__gpu_executor *executor, gch_query *query,
                                             const gch_plane *plane, uint32_t *out_cells,
                                             gch_error *err);

/* Nothing of the last frame is in the tables. NULL is allowed, here and below. */
void gch__gpu_points_begin_frame(gch__gpu_points *points);
void gch__gpu_points_destroy(gch__gpu_points *points); /* before the device */

#endif
