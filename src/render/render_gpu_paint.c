/* Painted pictures: see render_gpu_paint.h. The tables are made by render_paint.c; here they are
 * sent to the device, which computes studies and counts itself.
 */
#include "render_gpu_paint_state.h"

#define PURPOSE "gpu painter"
#define PAINT_BINDINGS (GCH__GPU_PAINT_TABLES + 2u)

extern const char gch__shader_paint_start[], gch__shader_paint_end[];

static gch_status add_study(void *context, const gch__mark_job *job, bool *out_is_added,
                            gch_error *err)
{
    gch__gpu_painter *painter = context;
    return gch__gpu_studies_add(&painter->studies, &painter->paint, job, out_is_added, err);
}

static uint32_t find_grid(void *context, uint32_t panel, uint32_t index)
{
    const gch__gpu_painter *painter = context;
    return gch__gpu_counts_grid(painter->executor, panel, index);
}

static gch_status make_brush(gch__gpu_painter *painter, gch_error *err)
{
    static const gch__gpu_brush_desc desc = {.label = "paint",
                                             .kinds = {GCH__GPU_BIND_UNIFORM, GCH__GPU_BIND_READ,
                                                       GCH__GPU_BIND_READ, GCH__GPU_BIND_READ,
                                                       GCH__GPU_BIND_READ, GCH__GPU_BIND_READ},
                                             .count = PAINT_BINDINGS};
    return gch__gpu_brush_make(painter->executor, gch__shader_paint_start,
                               (size_t)(gch__shader_paint_end - gch__shader_paint_start), &desc,
                               &painter->brush, err);
}

gch_status gch__gpu_painter_make(gch__gpu_executor *executor, gch__gpu_painter **out,
                                 gch_error *err)
{
    gch__gpu_painter *painter = gch__alloc_zero(executor->allocator, 1, sizeof *painter, PURPOSE);
    if (painter == NULL)
        return gch__no_memory(err, PURPOSE);
    painter->executor = executor;
    painter->hooks = (gch__paint_hooks){.context = painter, .study = add_study, .grid = find_grid};
    gch_status status = gch__raster_make(executor->allocator, &painter->raster, err);
    if (status == GCH_OK)
        status = gch__paint_init(&painter->paint, executor->allocator, painter->raster,
                                 &painter->hooks, err);
    if (status == GCH_OK)
        status = make_brush(painter, err);
    if (status == GCH_OK)
        status = gch__gpu_studies_init(&painter->studies, executor, err);
    if (status != GCH_OK) {
        gch__gpu_painter_destroy(painter);
        return status;
    }
    *out = painter;
    return GCH_OK;
}

void gch__gpu_painter_drop(gch__gpu_painter *painter)
{
    if (painter == NULL)
        return;
    gch__gpu_brush_drop(painter->executor, &painter->brush);
    if (painter->studies.executor != NULL)
        gch__gpu_studies_drop(&painter->studies);
    for (size_t i = 0; i < GCH__GPU_PAINT_TABLES; i++)
        painter->sent[i].sent = 0;
}

void gch__gpu_painter_destroy(gch__gpu_painter *painter)
{
    if (painter == NULL)
        return;
    gch__gpu_painter_drop(painter);
    for (size_t i = 0; i < GCH__GPU_PAINT_TABLES; i++)
        gch__gpu_buffer_release(painter->executor->gpu, painter->sent[i].buffer);
    gch__gpu_studies_reset(&painter->studies);
    gch__paint_reset(&painter->paint);
    gch__raster_destroy(painter->raster);
    gch__free(painter->executor->allocator, painter, PURPOSE);
}

gch_status gch__gpu_painter_begin(gch__gpu_painter *painter, const gch__scene *scene,
                                  bool *out_is_same, gch_error *err)
{
    gch__gpu_studies_begin(&painter->studies);
    return gch__paint_begin(&painter->paint, scene, out_is_same, err);
}

gch_status gch__gpu_painter_add_marks(gch__gpu_painter *painter, const gch__scene *scene,
                                      gch_query *const *queries, int64_t *out_query_ns,
                                      gch_error *err)
{
    return gch__paint_add_marks(&painter->paint, scene, queries, out_query_ns, err);
}

bool gch__gpu_painter_has_counts(const gch__gpu_painter *painter, uint32_t series)
{
    return painter->paint.has_counts[series];
}

gch_status gch__gpu_painter_send(gch__gpu_painter *painter, gch__gpu_brush **out, gch_error *err)
{
    gch__paint *paint = &painter->paint;
    const gch__paint_table *tables[] = {&paint->commands, &paint->tiles, &paint->data,
                                        &paint->atlas};
    static_assert(GCH_COUNT_OF(tables) == GCH__GPU_PAINT_TABLES, "each has a buffer");
    GCH_TRY(gch__paint_list(paint, err));
    for (size_t i = 0; i < GCH__GPU_PAINT_TABLES; i++) {
        gch__gpu_stream *stream = &painter->sent[i];
        stream->label = tables[i]->label;
        stream->entry_bytes = tables[i]->entry_bytes;
        stream->entries = tables[i]->entries;
        stream->count = tables[i]->count;
        if (tables[i] != &paint->atlas) /* which only grows */
            stream->sent = 0;
        GCH_TRY(gch__gpu_stream_flush(painter->executor, stream, err));
        painter->brush.buffers[i + 1] = stream->buffer;
    }
    painter->brush.buffers[PAINT_BINDINGS - 1] = painter->executor->counts.grids;
    GCH_TRY(gch__gpu_studies_run(&painter->studies, painter->brush.buffers[3], err));
    painter->executor->stats.studies = painter->studies.count;
    *out = &painter->brush;
    return GCH_OK;
}
