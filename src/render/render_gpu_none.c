/* The GPU executor of a build without a GPU layer: charts that ask for it are drawn by the
 * processor. */
#include "render_gpu.h"

#include <assert.h>

gch_status gch__gpu_executor_make(const gch__gpu_executor_desc *desc, gch__gpu_executor **out,
                                  gch_error *err)
{
    (void)desc, (void)out;
    return gch_fail(err, GCH_UNSUPPORTED, "this build has no GPU layer");
}

/* There is none that the others could be given. */

void gch__gpu_executor_destroy(gch__gpu_executor *executor)
{
    assert(executor == NULL);
    (void)executor;
}

gch_status gch__gpu_executor_draw(gch__gpu_executor *executor, const gch__scene *scene,
                                  gch_query *const *queries, gch_image *image,
                                  gch__gpu_frame_stats *stats, int64_t *out_query_ns,
                                  gch_error *err)
{
    (void)executor, (void)scene, (void)queries, (void)image, (void)stats, (void)out_query_ns;
    return gch_fail(err, GCH_UNSUPPORTED, "this build has no GPU layer");
}

void gch__gpu_executor_set_quality(gch__gpu_executor *executor, const gch__quality_desc *desc)
{
    (void)executor, (void)desc;
}

void gch__gpu_executor_forget(gch__gpu_executor *executor)
{
    (void)executor;
}

const char *gch__gpu_executor_get_software(const gch__gpu_executor *executor)
{
    (void)executor;
    return NULL;
}
