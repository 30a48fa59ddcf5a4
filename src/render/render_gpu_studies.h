/* Studies of painted pictures, computed by the device: from the bars' values to sums, extremes and
 * averages, and on to the shapes that are painted (shaders/studies.wgsl).
 *
 * The query room finds the bars, as for every mark of a painted picture. Their values go to the
 * device as integers, in units of 2^-20 px; what comes of them stays there.
 *
 * Thread rule: one thread at a time.
 */
#ifndef GCH_RENDER_GPU_STUDIES_H
#define GCH_RENDER_GPU_STUDIES_H

#include "render_gpu_state.h"
#include "render_paint.h"

typedef enum gch__gpu_study_kernel {
    GCH__GPU_STUDY_COMBINE,
    GCH__GPU_STUDY_AVERAGES,
    GCH__GPU_STUDY_SHAPES,
    GCH__GPU_STUDY_KERNEL_COUNT
} gch__gpu_study_kernel;

typedef struct gch__gpu_studies {
    gch__gpu_executor *executor;
    gch__gpu_study items[GCH_SERIES_CAP];
    uint32_t count;
    uint32_t points_max, chunks_max, places_max; /* of one of them */
    gch__gpu_stream words;
    uint32_t value_words;
    gch__gpu_buffer uniform, values; /* 4 words a point, as the shader says */
    uint64_t values_bytes;
    gch__gpu_pipeline kernels[GCH__GPU_STUDY_KERNEL_COUNT];
    gch__gpu_bindings bindings[GCH__GPU_STUDY_KERNEL_COUNT];
    uint64_t bound_version;
} gch__gpu_studies;

/* Statuses of the gpu room, here and below. */
GCH_CHECKED gch_status gch__gpu_studies_init(gch__gpu_studies *studies, gch__gpu_executor *executor,
                                             gch_error *err);
void gch__gpu_studies_reset(gch__gpu_studies *studies);
/* What is bound is bound anew. */
void gch__gpu_studies_drop(gch__gpu_studies *studies);
void gch__gpu_studies_begin(gch__gpu_studies *studies); /* an empty picture */

/* The study of a job for the picture under way, its shapes and commands. *out_is_added: false where
 * the processor has to do it: on a log axis, with more than GCH__STUDY_POINTS_PER_COLUMN bars a
 * column, values beyond 2^32 px, or pages that have not come. */
GCH_CHECKED gch_status gch__gpu_studies_add(gch__gpu_studies *studies, gch__paint *paint,
                                            const gch__mark_job *job, bool *out_is_added,
                                            gch_error *err);

/* Within a recording, when the picture's data has been sent to `data`: computes all of them. */
GCH_CHECKED gch_status gch__gpu_studies_run(gch__gpu_studies *studies, gch__gpu_buffer data,
                                            gch_error *err);

#endif
