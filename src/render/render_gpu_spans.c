/* Spans of columns: see render_gpu_spans.h. */
#include "render_gpu_spans.h"

#include "render_gpu_state.h"

#include <string.h>

#define GROUP_COLUMNS 64u /* of list_spans */
/* On average; pictures with more are drawn whole. */
#define SPANS_A_COLUMN 8u

gch_status gch__gpu_spans_make(gch__gpu_executor *executor, gch__gpu_shader shader,
                               const gch__gpu_binding_kind *kinds, uint32_t count,
                               gch__gpu_spans *out, gch_error *err)
{
    gch__gpu_pipeline_desc desc = {
        .label = "list_spans", .shader = shader, .compute = "list_spans"};
    memcpy(desc.kinds, kinds, count * sizeof *kinds);
    desc.kinds[count] = GCH__GPU_BIND_WRITE;
    GCH_TRY(gch__gpu_pipeline_get(executor->gpu, &desc, &out->list, err));
    desc.label = desc.compute = "plan_draws";
    GCH_TRY(gch__gpu_pipeline_get(executor->gpu, &desc, &out->plan, err));
    desc.compute = NULL;
    desc.label = "spans";
    desc.vertex = "span_corner";
    desc.fragment = "span_color";
    desc.kinds[count] = GCH__GPU_BIND_READ;
    return gch__gpu_pipeline_get(executor->gpu, &desc, &out->drawing, err);
}

gch_status gch__gpu_spans_reserve(gch__gpu_executor *executor, gch__gpu_spans *spans,
                                  uint32_t width, gch_error *err)
{
    uint64_t bytes = sizeof(gch__gpu_span_counts) + (uint64_t)width * SPANS_A_COLUMN * 8;
    if (bytes <= spans->bytes)
        return GCH_OK;
    gch__gpu_buffer larger;
    GCH_TRY(gch__gpu_buffer_make(executor->gpu, bytes, GCH__GPU_STORAGE | GCH__GPU_INDIRECT,
                                 "spans", &larger, err));
    gch__gpu_buffer_release(executor->gpu, spans->buffer);
    spans->buffer = larger;
    spans->bytes = bytes;
    executor->version++;
    return GCH_OK;
}

gch_status gch__gpu_spans_bind(gch__gpu_executor *executor, gch__gpu_spans *spans,
                               const gch__gpu_buffer *buffers, uint32_t count, gch_error *err)
{
    gch__gpu_buffer all[GCH__GPU_BINDINGS_MAX];
    memcpy(all, buffers, count * sizeof *buffers);
    all[count] = spans->buffer;
    const struct {
        gch__gpu_pipeline pipeline;
        const char *label;
        gch__gpu_bindings *out;
    } bound[] = {{spans->list, "list_spans", &spans->list_bindings},
                 {spans->plan, "plan_draws", &spans->plan_bindings},
                 {spans->drawing, "spans", &spans->draw_bindings}};
    gch__gpu_spans_unbind(executor, spans);
    for (size_t i = 0; i < GCH_COUNT_OF(bound); i++)
        GCH_TRY(gch__gpu_bindings_make(executor->gpu, bound[i].pipeline, all, count + 1,
                                       bound[i].label, bound[i].out, err));
    return GCH_OK;
}

void gch__gpu_spans_unbind(gch__gpu_executor *executor, gch__gpu_spans *spans)
{
    gch__gpu_bindings_release(executor->gpu, spans->list_bindings);
    gch__gpu_bindings_release(executor->gpu, spans->plan_bindings);
    gch__gpu_bindings_release(executor->gpu, spans->draw_bindings);
    spans->list_bindings = spans->plan_bindings = spans->draw_bindings = (gch__gpu_bindings){0};
}

gch_status gch__gpu_spans_list(gch__gpu_executor *executor, const gch__gpu_spans *spans,
                               gch_error *err)
{
    static const gch__gpu_span_counts none = {.listed = 0};
    GCH_TRY(gch__gpu_upload(executor->gpu, spans->buffer, 0, &none, sizeof none, err));
    GCH_TRY(gch__gpu_compute_begin(executor->gpu, "picture", err));
    GCH_TRY(gch__gpu_dispatch(executor->gpu, spans->list, spans->list_bindings,
                              (executor->frame.width + GROUP_COLUMNS - 1) / GROUP_COLUMNS,
                              executor->frame.panel_count, 1, err));
    GCH_TRY(gch__gpu_dispatch(executor->gpu, spans->plan, spans->plan_bindings, 1, 1, 1, err));
    return gch__gpu_pass_end(executor->gpu, err);
}

gch_status gch__gpu_spans_draw(gch__gpu_executor *executor, const gch__gpu_spans *spans,
                               gch__gpu_pipeline cover, gch__gpu_bindings bindings, gch_error *err)
{
    GCH_TRY(gch__gpu_draw_indirect(executor->gpu, spans->drawing, spans->draw_bindings,
                                   spans->buffer, offsetof(gch__gpu_span_counts, spans), err));
    return gch__gpu_draw_indirect(executor->gpu, cover, bindings, spans->buffer,
                                  offsetof(gch__gpu_span_counts, cover), err);
}
