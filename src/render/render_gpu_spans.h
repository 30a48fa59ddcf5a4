/* A picture that is black but for spans of its columns: the device lists them and draws no more.
 *
 * A compute pass finds the runs of lit pixels of each column and how many there are; a draw whose
 * vertices the device counts itself gives each run two triangles. Where runs are too many, or
 * pixels have colours of their own, the same pass asks for the triangle that covers the picture
 * instead: both draws stand in the bundle, and one of them has no vertices.
 *
 * Thread rule: one thread at a time.
 */
#ifndef GCH_RENDER_GPU_SPANS_H
#define GCH_RENDER_GPU_SPANS_H

#include "render_gpu.h"

/* Those of one shader, with the entry points `list_spans`, `plan_draws`, `span_corner` and
 * `span_color`; all zeros is none. */
typedef struct gch__gpu_spans {
    gch__gpu_pipeline list, plan, drawing;
    gch__gpu_bindings list_bindings, plan_bindings, draw_bindings;
    gch__gpu_buffer buffer; /* gch__gpu_span_counts, then pairs of words */
    uint64_t bytes;
} gch__gpu_spans;

/* The shader's bindings are `kinds`, and the spans behind them. Statuses of the gpu room, here and
 * below. */
GCH_CHECKED gch_status gch__gpu_spans_make(gch__gpu_executor *executor, gch__gpu_shader shader,
                                           const gch__gpu_binding_kind *kinds, uint32_t count,
                                           gch__gpu_spans *out, gch_error *err);
/* Room for a picture so wide; counts executor->version up if it is another than before. */
GCH_CHECKED gch_status gch__gpu_spans_reserve(gch__gpu_executor *executor, gch__gpu_spans *spans,
                                              uint32_t width, gch_error *err);
GCH_CHECKED gch_status gch__gpu_spans_bind(gch__gpu_executor *executor, gch__gpu_spans *spans,
                                           const gch__gpu_buffer *buffers, uint32_t count,
                                           gch_error *err);
void gch__gpu_spans_unbind(gch__gpu_executor *executor, gch__gpu_spans *spans);
/* The pass that lists, and the draws, for which `cover` is the triangle's pipeline. */
GCH_CHECKED gch_status gch__gpu_spans_list(gch__gpu_executor *executor, const gch__gpu_spans *spans,
                                           gch_error *err);
GCH_CHECKED gch_status gch__gpu_spans_draw(gch__gpu_executor *executor, const gch__gpu_spans *spans,
                                           gch__gpu_pipeline cover, gch__gpu_bindings bindings,
                                           gch_error *err);

#endif
