/* Painted pictures: a chart in the default look, recorded as commands that one draw goes through.
 *
 * The raster room's own code says what marks and texts consist of; here it is put into tables, and
 * shaders/paint.wgsl evaluates for each pixel what the CPU executor would have drawn there.
 */
#ifndef GCH_RENDER_GPU_PAINT_H
#define GCH_RENDER_GPU_PAINT_H

#include "render_gpu_picture.h"

typedef struct gch__gpu_painter gch__gpu_painter;

GCH_CHECKED gch_status gch__gpu_painter_make(gch__gpu_executor *executor, gch__gpu_painter **out,
                                             gch_error *err);
void gch__gpu_painter_destroy(gch__gpu_painter *painter); /* NULL is allowed */

/* Begins a picture with what is not data: ground, axes, grid, texts. *out_is_same: they are those
 * of the picture before. */
GCH_CHECKED gch_status gch__gpu_painter_begin(gch__gpu_painter *painter, const gch__scene *scene,
                                              bool *out_is_same, gch_error *err);
/* Adds the marks, from queries[i] of series i, within a recording of the device. What the query
 * room takes is added to executor->query_ns. */
GCH_CHECKED gch_status gch__gpu_painter_add_marks(gch__gpu_painter *painter,
                                                  const gch__scene *scene,
                                                  gch_query *const *queries, gch_error *err);
/* Whether a series of points of a plane was added as its counts, which are then to be made. */
bool gch__gpu_painter_has_counts(const gch__gpu_painter *painter, uint32_t series);
/* Within a recording of the device: sends the tables. *out paints the picture; it is the painter's.
 */
GCH_CHECKED gch_status gch__gpu_painter_send(gch__gpu_painter *painter, gch__gpu_brush **out,
                                             gch_error *err);
/* The device may not have what was sent, and nothing recorded is kept: after a failed frame. NULL
 * is allowed. */
void gch__gpu_painter_drop(gch__gpu_painter *painter);

#endif
