/* The reference for points of a plane: every point on its own, in exact rationals. */
#ifndef GCH_RASTER_REFERENCE_POINTS_H
#define GCH_RASTER_REFERENCE_POINTS_H

#include "gch/plane.h"
#include "scene.h"

/* A grid as gch_query_grid gives it, by brute force; `cells` holds width x height. Statuses of
 * gch_file_read_values, GCH_INVALID (bounds), GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__reference_grid(const gch_file *file, const gch_plane *plane,
                                           gch_grid_kind kind, const gch_allocator *allocator,
                                           uint32_t *cells, gch_error *err);

/* A bare plane of points. The image has the scene's size. */
GCH_CHECKED gch_status gch__reference_points(const gch__scene *scene,
                                             const gch_allocator *allocator, gch_image *image,
                                             gch_error *err);

#endif
