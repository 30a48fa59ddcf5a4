/* The picture: see render_gpu_picture.h.
 *
 * Invariant: both ways give the same pixels; render_gpu_test.c and render_gpu_paint_test.c hold
 * each of them to the processor's.
 */
#include "render_gpu_picture.h"

#include "render_gpu_state.h"

#include <string.h>

#define TARGET_PX_MAX 4096u
#define PIXELS_BYTES_MAX ((uint64_t)64 << 20)
#define GROUP_WIDTH 32u /* of paint_pixels */
#define GROUP_HEIGHT 8u

/* ---- brushes ---- */

gch_status gch__gpu_brush_make(gch__gpu_executor *executor, const char *wgsl, size_t bytes,
                               const gch__gpu_brush_desc *desc, gch__gpu_brush *out, gch_error *err)
{
    gch__gpu_shader shader;
    *out = (gch__gpu_brush){.desc = *desc};
    GCH_TRY(gch__gpu_shader_make(executor->gpu, wgsl, bytes, desc->label, &shader, err));
    gch__gpu_pipeline_desc pipeline = {.label = desc->label, .shader = shader};
    memcpy(pipeline.kinds, desc->kinds, desc->count * sizeof *desc->kinds);
    pipeline.vertex = "cover";
    pipeline.fragment = "paint";
    GCH_TRY(gch__gpu_pipeline_get(executor->gpu, &pipeline, &out->drawing, err));
    if (desc->lists_spans)
        GCH_TRY(gch__gpu_spans_make(executor, shader, desc->kinds, desc->count, &out->spans, err));
    pipeline.vertex = pipeline.fragment = NULL;
    pipeline.compute = "paint_pixels";
    pipeline.kinds[desc->count] = GCH__GPU_BIND_WRITE;
    return gch__gpu_pipeline_get(executor->gpu, &pipeline, &out->dispatching, err);
}

void gch__gpu_brush_drop(gch__gpu_executor *executor, gch__gpu_brush *brush)
{
    gch__gpu_bundle_release(executor->gpu, brush->bundle);
    gch__gpu_bindings_release(executor->gpu, brush->draw_bindings);
    gch__gpu_bindings_release(executor->gpu, brush->dispatch_bindings);
    gch__gpu_spans_unbind(executor, &brush->spans);
    brush->bundle = (gch__gpu_bundle){0};
    brush->draw_bindings = brush->dispatch_bindings = (gch__gpu_bindings){0};
    brush->bound_version = 0;
}

static gch_status bind_draw(gch__gpu_executor *executor, gch__gpu_brush *brush, gch_error *err)
{
    GCH_TRY(gch__gpu_bindings_make(executor->gpu, brush->drawing, brush->buffers, brush->desc.count,
                                   brush->desc.label, &brush->draw_bindings, err));
    if (brush->desc.lists_spans)
        GCH_TRY(
            gch__gpu_spans_bind(executor, &brush->spans, brush->buffers, brush->desc.count, err));
    GCH_TRY(gch__gpu_bundle_begin(executor->gpu, "picture", err));
    if (brush->desc.lists_spans)
        GCH_TRY(gch__gpu_spans_draw(executor, &brush->spans, brush->drawing, brush->draw_bindings,
                                    err));
    else
        GCH_TRY(gch__gpu_draw(executor->gpu, brush->drawing, brush->draw_bindings, 3, 1, err));
    return gch__gpu_bundle_end(executor->gpu, &brush->bundle, err);
}

static gch_status bind_dispatch(gch__gpu_executor *executor, gch__gpu_brush *brush, gch_error *err)
{
    gch__gpu_buffer buffers[GCH__GPU_BINDINGS_MAX];
    memcpy(buffers, brush->buffers, sizeof brush->buffers);
    buffers[brush->desc.count] = executor->picture.pixels;
    return gch__gpu_bindings_make(executor->gpu, brush->dispatching, buffers, brush->desc.count + 1,
                                  brush->desc.label, &brush->dispatch_bindings, err);
}

static bool may_draw(const gch__gpu_executor *executor)
{
    return executor->picture.way != GCH__GPU_BY_DISPATCH;
}

static bool may_dispatch(const gch__gpu_executor *executor)
{
    return executor->picture.way != GCH__GPU_BY_DRAW;
}

static gch_status bind(gch__gpu_executor *executor, gch__gpu_brush *brush, gch_error *err)
{
    bool is_bound = (!may_draw(executor) || brush->bundle.id != 0) &&
                    (!may_dispatch(executor) || brush->dispatch_bindings.id != 0);
    if (is_bound && brush->bound_version == executor->version)
        return GCH_OK;
    gch__gpu_brush_drop(executor, brush);
    brush->buffers[0] = executor->picture.frame;
    if (may_draw(executor))
        GCH_TRY(bind_draw(executor, brush, err));
    if (may_dispatch(executor))
        GCH_TRY(bind_dispatch(executor, brush, err));
    brush->bound_version = executor->version;
    return GCH_OK;
}

/* ---- where pixels go ---- */

static gch_status ensure_target(gch__gpu_executor *executor, uint32_t width, uint32_t height,
                                gch_error *err)
{
    gch__gpu_picture *picture = &executor->picture;
    if (picture->target_width == width && picture->target_height == height)
        return GCH_OK;
    gch__gpu_texture_release(executor->gpu, picture->target);
    picture->target = (gch__gpu_texture){0};
    picture->target_width = picture->target_height = 0;
    GCH_TRY(gch__gpu_texture_make(executor->gpu, width, height, "picture", &picture->target, err));
    picture->target_width = width;
    picture->target_height = height;
    return GCH_OK;
}

static gch_status ensure_pixels(gch__gpu_executor *executor, uint64_t bytes, gch_error *err)
{
    gch__gpu_picture *picture = &executor->picture;
    if (bytes <= picture->pixels_bytes)
        return GCH_OK;
    gch__gpu_buffer larger;
    GCH_TRY(gch__gpu_buffer_make(executor->gpu, bytes, GCH__GPU_STORAGE, "pixels", &larger, err));
    gch__gpu_buffer_release(executor->gpu, picture->pixels);
    picture->pixels = larger;
    picture->pixels_bytes = bytes;
    executor->version++;
    return GCH_OK;
}

/* ---- the two ways ---- */

static gch_status send_frame(gch__gpu_executor *executor, uint32_t left, uint32_t top,
                             gch_error *err)
{
    gch__gpu_frame frame = executor->frame;
    frame.left = left;
    frame.top = top;
    frame.target_width = executor->picture.target_width;
    frame.target_height = executor->picture.target_height;
    return gch__gpu_upload(executor->gpu, executor->picture.frame, 0, &frame, sizeof frame, err);
}

static void note_recorded(gch__gpu_executor *executor)
{
    if (executor->stats.record_ns == 0)
        executor->stats.record_ns = gch__clock_ns() - executor->start_ns;
}

/* Of record_draw. */
static uint32_t draw_passes(const gch__gpu_brush *brush)
{
    return brush->desc.lists_spans ? 2 : 1;
}

static gch_status record_draw(gch__gpu_executor *executor, const gch__gpu_brush *brush,
                              gch_error *err)
{
    if (brush->desc.lists_spans)
        GCH_TRY(gch__gpu_spans_list(executor, &brush->spans, err));
    GCH_TRY(gch__gpu_render_begin(executor->gpu, executor->picture.target, "picture", err));
    GCH_TRY(gch__gpu_run_bundle(executor->gpu, brush->bundle, err));
    return gch__gpu_pass_end(executor->gpu, err);
}

static gch_status record_dispatch(gch__gpu_executor *executor, const gch__gpu_brush *brush,
                                  uint32_t height, gch_error *err)
{
    GCH_TRY(gch__gpu_compute_begin(executor->gpu, "picture", err));
    GCH_TRY(gch__gpu_dispatch(executor->gpu, brush->dispatching, brush->dispatch_bindings,
                              (executor->frame.width + GROUP_WIDTH - 1) / GROUP_WIDTH,
                              (height + GROUP_HEIGHT - 1) / GROUP_HEIGHT, 1, err));
    return gch__gpu_pass_end(executor->gpu, err);
}

/* The picture stays where it is. */
static gch_status leave(gch__gpu_executor *executor, gch_error *err)
{
    uint64_t serial;
    return gch__gpu_submit(executor->gpu, &serial, err);
}

static gch_status draw_part(gch__gpu_executor *executor, const gch__gpu_brush *brush, uint32_t left,
                            uint32_t top, gch_image *image, gch_error *err)
{
    const gch__gpu_picture *picture = &executor->picture;
    GCH_TRY(send_frame(executor, left, top, err));
    GCH_TRY(record_draw(executor, brush, err));
    note_recorded(executor);
    if (image == NULL)
        return leave(executor, err);
    return gch__gpu_texture_download(executor->gpu, picture->target,
                                     GCH_MIN(picture->target_width, executor->frame.width - left),
                                     GCH_MIN(picture->target_height, executor->frame.height - top),
                                     image->pixels + (size_t)top * image->width_px + left,
                                     image->width_px, err);
}

static gch_status draw_parts(gch__gpu_executor *executor, const gch__gpu_brush *brush,
                             gch_image *image, gch_error *err)
{
    const gch__gpu_picture *picture = &executor->picture;
    for (uint32_t top = 0; top < executor->frame.height; top += picture->target_height) {
        for (uint32_t left = 0; left < executor->frame.width; left += picture->target_width) {
            if (top > 0 || left > 0) /* a download ends a recording */
                GCH_TRY(gch__gpu_begin(executor->gpu, "further part", err));
            GCH_TRY(draw_part(executor, brush, left, top, image, err));
        }
    }
    return GCH_OK;
}

static gch_status dispatch_bands(gch__gpu_executor *executor, const gch__gpu_brush *brush,
                                 uint32_t band_rows, gch_image *image, gch_error *err)
{
    for (uint32_t top = 0; top < executor->frame.height; top += band_rows) {
        uint32_t rows = GCH_MIN(band_rows, executor->frame.height - top);
        if (top > 0)
            GCH_TRY(gch__gpu_begin(executor->gpu, "further band", err));
        GCH_TRY(send_frame(executor, 0, top, err));
        GCH_TRY(record_dispatch(executor, brush, rows, err));
        note_recorded(executor);
        if (image == NULL)
            return leave(executor, err);
        GCH_TRY(gch__gpu_download(executor->gpu, executor->picture.pixels, 0,
                                  image->pixels + (size_t)top * image->width_px,
                                  (uint64_t)rows * image->width_px * 4, err));
    }
    return GCH_OK;
}

/* ---- the choice ---- */

/* Both ways, as much of the picture as each does at once. The first of each warms up, the second
 * counts.
 */
static gch_status measure(gch__gpu_executor *executor, const gch__gpu_brush *brush,
                          uint32_t band_rows, gch_error *err)
{
    gch__gpu_picture *picture = &executor->picture;
    gch__gpu_timing timings[GCH__GPU_TIMERS_MAX];
    uint32_t count, height = GCH_MIN(band_rows, picture->target_height);
    uint32_t first = draw_passes(brush) + 1; /* of the second round */
    uint64_t serial;
    GCH_TRY(gch__gpu_submit(executor->gpu, &serial, err)); /* the frame so far is not timed */
    gch__gpu_set_timing(executor->gpu, true);
    gch_status status = gch__gpu_begin(executor->gpu, "measure", err);
    if (status == GCH_OK)
        status = send_frame(executor, 0, 0, err);
    for (uint32_t i = 0; i < 2 && status == GCH_OK; i++) {
        status = record_draw(executor, brush, err);
        if (status == GCH_OK)
            status = record_dispatch(executor, brush, height, err);
    }
    if (status == GCH_OK)
        status = gch__gpu_submit(executor->gpu, &serial, err);
    if (status == GCH_OK)
        status = gch__gpu_get_timings(executor->gpu, timings, GCH__GPU_TIMERS_MAX, &count, err);
    gch__gpu_set_timing(executor->gpu, executor->desc.time_passes);
    GCH_TRY(status);
    uint64_t drawn_px = (uint64_t)picture->target_width * picture->target_height;
    uint64_t dispatched_px = (uint64_t)executor->frame.width * height;
    uint64_t drawn_ns = 0;
    for (uint32_t i = first; i + 1 < 2 * first && i < count; i++)
        drawn_ns += timings[i].ns;
    bool draws = count < 2 * first ||
                 drawn_ns * dispatched_px <= timings[2 * first - 1].ns * drawn_px; /* a pixel's */
    picture->way = draws ? GCH__GPU_BY_DRAW : GCH__GPU_BY_DISPATCH;
    return gch__gpu_begin(executor->gpu, "picture", err);
}

gch_status gch__gpu_picture_draw(gch__gpu_executor *executor, gch__gpu_brush *brush,
                                 gch_image *image, gch_error *err)
{
    const gch__gpu_info *info = gch__gpu_get_info(executor->gpu);
    gch__gpu_picture *picture = &executor->picture;
    if (picture->way == GCH__GPU_BY_MEASURE)
        picture->way = executor->desc.way;
    if (picture->way == GCH__GPU_BY_MEASURE && !info->has_timestamps)
        picture->way = GCH__GPU_BY_DRAW;
    const gch__gpu_frame *frame = &executor->frame;
    uint32_t side = GCH_MIN(info->texture_px_max, TARGET_PX_MAX);
    uint64_t row_bytes = (uint64_t)frame->width * 4;
    uint64_t band_bytes = GCH_MIN(info->binding_bytes_max, PIXELS_BYTES_MAX);
    uint32_t band_rows = (uint32_t)GCH_MIN(band_bytes / row_bytes, frame->height);
    if (image == NULL && (frame->width > side || frame->height > GCH_MIN(side, band_rows)))
        return gch_fail(err, GCH_UNSUPPORTED, "a picture of %u x %u px does not stay on the device",
                        frame->width, frame->height);
    if (may_draw(executor))
        GCH_TRY(ensure_target(executor, GCH_MIN(frame->width, side), GCH_MIN(frame->height, side),
                              err));
    if (may_draw(executor) && brush->desc.lists_spans)
        GCH_TRY(gch__gpu_spans_reserve(executor, &brush->spans, frame->width, err));
    if (may_dispatch(executor))
        GCH_TRY(ensure_pixels(executor, band_rows * row_bytes, err));
    GCH_TRY(bind(executor, brush, err));
    if (picture->way == GCH__GPU_BY_MEASURE)
        GCH_TRY(measure(executor, brush, band_rows, err));
    return picture->way == GCH__GPU_BY_DRAW
               ? draw_parts(executor, brush, image, err)
               : dispatch_bands(executor, brush, band_rows, image, err);
}
