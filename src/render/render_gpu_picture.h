/* The picture: from tables on the device to pixels on the host.
 *
 * A brush is a shader that says what colour a pixel has. It is evaluated by a draw, recorded in a
 * bundle, through a texture (of one triangle, or of the spans of pixels that are not black), or by
 * a dispatch into a buffer, a band of rows at a time; which of the two is faster depends on the
 * device (those made for computing have few units that draw), and is measured with the first
 * picture.
 *
 * Thread rule: one thread at a time.
 */
#ifndef GCH_RENDER_GPU_PICTURE_H
#define GCH_RENDER_GPU_PICTURE_H

#include "render_gpu_spans.h"

/* The shader's entry points are `cover` and `paint` of the draw, and `paint_pixels` of the
 * dispatch, which has one binding more: the pixels. */
typedef struct gch__gpu_brush_desc {
    const char *label;
    gch__gpu_binding_kind kinds[GCH__GPU_BINDINGS_MAX - 1]; /* the first: the picture's frame */
    uint32_t count;
    bool lists_spans; /* its picture is black but for spans: render_gpu_spans.h */
} gch__gpu_brush_desc;

typedef struct gch__gpu_brush {
    gch__gpu_brush_desc desc;
    gch__gpu_pipeline drawing, dispatching;
    gch__gpu_buffer buffers[GCH__GPU_BINDINGS_MAX - 1]; /* set by the user, but for the first */
    gch__gpu_bindings draw_bindings, dispatch_bindings;
    gch__gpu_bundle bundle;
    gch__gpu_spans spans;
    uint64_t bound_version; /* of the executor's buffers */
} gch__gpu_brush;

/* What the pictures of an executor share. */
typedef struct gch__gpu_picture {
    gch__gpu_way way;
    gch__gpu_buffer frame; /* uniform */
    gch__gpu_texture target;
    uint32_t target_width, target_height;
    gch__gpu_buffer pixels;
    uint64_t pixels_bytes;
} gch__gpu_picture;

/* Statuses of the gpu room, here and below. */
GCH_CHECKED gch_status gch__gpu_brush_make(gch__gpu_executor *executor, const char *wgsl,
                                           size_t bytes, const gch__gpu_brush_desc *desc,
                                           gch__gpu_brush *out, gch_error *err);
/* What was recorded and bound is made anew for the next picture. */
void gch__gpu_brush_drop(gch__gpu_executor *executor, gch__gpu_brush *brush);

/* Within a recording, which it ends: the whole of the image, or of a picture that stays (NULL).
 * executor->frame describes it; a buffer of the brush that is another than last time has counted
 * executor->version up. */
GCH_CHECKED gch_status gch__gpu_picture_draw(gch__gpu_executor *executor, gch__gpu_brush *brush,
                                             gch_image *image, gch_error *err);

#endif
