/* What points of a plane have filled on the GPU, series by series: it grows over frames within a
 * budget (render_gpu_reach.h), and stays where a pan by whole pixels still shows it, so that only
 * what the pan has uncovered is gone through.
 *
 *     GCH_TRY(gch__gpu_planes_begin(executor, scene, err));
 *     GCH_TRY(gch__gpu_planes_show(&series, 0, &plane, cells, &has_colors, err));
 *
 * What is filled lies in buffers of its own. A picture gets a copy, to which, while it is not all,
 * nodes that are not counted yet add what they are likely to hold: their points, spread evenly over
 * their boxes. A bitmap holds only what is certain.
 *
 * Thread rule: none of its own.
 */
#ifndef GCH_RENDER_GPU_PLANES_H
#define GCH_RENDER_GPU_PLANES_H

#include "render_gpu_points.h"

/* Within a recording, once a frame of points of a plane, before its series: what the frame is to
 * reach. */
GCH_CHECKED gch_status gch__gpu_planes_begin(gch__gpu_executor *executor, const gch__scene *scene,
                                             gch_error *err);

/* Points as pixels that are lit: fills, and adds them to the panel's bitmap in marks.
 * GCH_UNSUPPORTED, GCH_PENDING: the query room has to do it. */
GCH_CHECKED gch_status gch__gpu_planes_light(const gch__gpu_series *series, uint32_t index,
                                             const gch_plane *plane, gch_error *err);
/* Series `index` of the frame shows LEVELS of a plane: what level 0 to GCH_LEVELS are as counts, at
 * most 256. Copied; GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__gpu_planes_set_levels(gch__gpu_executor *executor, uint32_t index,
                                                  const gch_plane *plane,
                                                  const uint16_t ranks[GCH_LEVELS + 1],
                                                  gch_error *err);
/* Points as COUNTS, or LEVELS if they are set: fills, and writes the grid of the frame's counts
 * that starts at `cells`, by the query room if the device cannot. *out_has_colors: with all that
 * its colours depend on. */
GCH_CHECKED gch_status gch__gpu_planes_show(const gch__gpu_series *series, uint32_t index,
                                            const gch_plane *plane, uint32_t cells,
                                            bool *out_has_colors, gch_error *err);

/* Everything that is asked for is there: another frame of the scene would change nothing. */
bool gch__gpu_planes_is_settled(const gch__gpu_executor *executor);
/* Figures of what is filled, to executor->stats. */
void gch__gpu_planes_report(gch__gpu_executor *executor);
void gch__gpu_planes_drop(struct gch__gpu_planes *planes);                  /* nothing stays */
void gch__gpu_planes_unbind(struct gch__gpu_planes *planes, uint32_t pool); /* NULL is allowed */
void gch__gpu_planes_destroy(struct gch__gpu_planes *planes);               /* before the device */

/* For render_gpu_points.c: the slices of a tile, whose frame is sent. */
typedef struct gch__gpu_planes_tile {
    gch__gpu_buffer frame, slices, marks;
    uint32_t groups_x, groups; /* in a row, as the frame has it; in all */
} gch__gpu_planes_tile;

/* Dispatches a tile of LEVEL or SPREAD in a pass of its own. */
GCH_CHECKED gch_status gch__gpu_planes_run(gch__gpu_executor *executor, gch__points_pass pass,
                                           const gch__gpu_planes_tile *tile, gch_error *err);

#endif
