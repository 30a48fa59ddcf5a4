/* An executor of the GPU with its scene, below the chart, for what a chart does not tell; and
 * beside it the processor's, which draws the same scene.
 *
 *     assert_ok(stage_make(&s, &executor_desc, &chart_desc, keeps_outside, &err));
 *     assert_ok(stage_lay_out(&s, &err));
 *     assert_ok(stage_draw(&s, &err));
 *     assert_true(stage_is_exact(&s));
 *     stage_free(&s);
 */
#ifndef GCH_RENDER_GPU_STAGE_TEST_H
#define GCH_RENDER_GPU_STAGE_TEST_H

#include "raster.h"
#include "render_gpu_state.h"
#include "test.h"

#define STAGE_SERIES_MAX 2u

typedef struct stage {
    gch__gpu_executor *executor;
    gch__raster *raster;
    gch__scene scene;
    gch_chart_series series[STAGE_SERIES_MAX];
    gch_query *queries[STAGE_SERIES_MAX], *others[STAGE_SERIES_MAX]; /* the processor's */
    gch_image image, exact;
    gch_chart_desc desc;
    bool keeps_outside; /* as gch_query_desc */
    bool stays;         /* pictures are left on the device */
    gch__gpu_frame_stats stats;
} stage;

/* Series `i` is one of this file from now on. */
static inline gch_status stage_open(stage *s, uint32_t i, const gch_file *file, gch_error *err)
{
    gch_query_desc query = {.keep_outside = s->keeps_outside};
    gch_query_destroy(s->queries[i]);
    gch_query_destroy(s->others[i]);
    s->queries[i] = s->others[i] = NULL;
    s->series[i].file = file;
    GCH_TRY(gch_query_make(file, &query, &s->others[i], err));
    query.allocator = s->scene.allocator;
    return gch_query_make(file, &query, &s->queries[i], err);
}

/* Copies the series; the allocator of `executor` is that of its queries and of the scene too. After
 * a failure there is something to free. */
static inline gch_status stage_make(stage *out, const gch__gpu_executor_desc *executor,
                                    const gch_chart_desc *chart, bool keeps_outside, gch_error *err)
{
    *out = (stage){
        .scene.allocator = executor->allocator, .desc = *chart, .keeps_outside = keeps_outside};
    out->desc.series = out->series;
    GCH_TRY(gch_image_make(chart->width_px, chart->height_px, NULL, &out->image, err));
    GCH_TRY(gch_image_make(chart->width_px, chart->height_px, NULL, &out->exact, err));
    GCH_TRY(gch__raster_make(NULL, &out->raster, err));
    for (uint32_t i = 0; i < chart->series_count; i++) {
        out->series[i] = chart->series[i];
        GCH_TRY(stage_open(out, i, chart->series[i].file, err));
    }
    return gch__gpu_executor_make(executor, &out->executor, err);
}

static inline void stage_free(stage *s)
{
    gch__gpu_executor_destroy(s->executor);
    gch__raster_destroy(s->raster);
    for (uint32_t i = 0; i < STAGE_SERIES_MAX; i++) {
        gch_query_destroy(s->queries[i]);
        gch_query_destroy(s->others[i]);
    }
    gch__scene_reset(&s->scene);
    gch_image_destroy(&s->image, NULL);
    gch_image_destroy(&s->exact, NULL);
}

/* What `desc` says, from its `from` to its `to`. */
static inline gch_status stage_lay_out(stage *s, gch_error *err)
{
    const gch__extent extents[STAGE_SERIES_MAX] = {{.is_too_fine = false}};
    return gch__scene_layout(&s->scene, &s->desc, s->desc.from, s->desc.to, extents, err);
}

static inline gch_status stage_draw(stage *s, gch_error *err)
{
    int64_t query_ns;
    return gch__gpu_executor_draw(s->executor, &s->scene, s->queries, s->stays ? NULL : &s->image,
                                  &s->stats, &query_ns, err);
}

/* With no time at all: each frame does the least that it may. */
static inline void stage_refine(stage *s, gch_quality quality, uint32_t level)
{
    gch_error err;
    const gch__quality_desc desc = {.quality = quality, .level = level, .budget_ms = 1e-6};
    gch__gpu_executor_set_quality(s->executor, &desc);
    assert_ok(stage_draw(s, &err));
}

/* Whether the picture is that of the processor. */
static inline bool stage_is_exact(stage *s)
{
    gch_error err;
    int64_t query_ns;
    assert_ok(gch__raster_draw(s->raster, &s->scene, s->others, NULL, &s->exact, &query_ns, &err));
    return memcmp(s->exact.pixels, s->image.pixels,
                  (size_t)s->image.width_px * s->image.height_px * 4) == 0;
}

#endif
