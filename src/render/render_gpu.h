/* The GPU executor (docs/gpu.md): scenes drawn from compressed pages in device memory, and charts
 * in the default look from answers of the query room besides.
 *
 * The processor finds the edges of the pixel columns and the row edges; shaders reduce the columns
 * and light the pixels, equal to the CPU executor's to the last one. Series that the GPU cannot
 * serve (a segment that still grows, pages that have not arrived under no_wait) are reduced by the
 * query room and only drawn here.
 *
 * Ownership: the files of the last frame are borrowed until a frame without them has been drawn.
 * Thread rule: one thread at a time.
 */
#ifndef GCH_RENDER_GPU_H
#define GCH_RENDER_GPU_H

#include "gch/data.h"
#include "gpu.h"
#include "render_quality.h"
#include "scene.h"

typedef struct gch__gpu_executor gch__gpu_executor;

/* A pixel is evaluated by a fragment of a draw, or by a thread of a dispatch: the same code. */
typedef enum gch__gpu_way {
    GCH__GPU_BY_MEASURE = 0, /* a draw where the adapter has no timestamps */
    GCH__GPU_BY_DRAW = 1,
    GCH__GPU_BY_DISPATCH = 2,
} gch__gpu_way;

typedef struct gch__gpu_executor_desc {
    const gch_allocator *allocator;
    const gch__gpu_driver *driver; /* NULL: the build's own */
    gch_data *data;                /* whose device budget is charged; NULL: none */
    uint64_t budget_bytes;         /* of device memory for pages; 0: what the device gives, up to
                                      GCH__GPU_POOLS times two slabs */
    uint64_t slab_bytes;           /* of a buffer of pages, a power of two; 0: the largest */
    uint32_t pool_shift; /* a pool of pages has 2^pool_shift rows, at least a block; 0: 31 */
    bool by_blocks;      /* reduce every block instead of the tree, as for data without one */
    bool by_queries;    /* the query room reduces all columns of painted pictures: a baseline too */
    bool keeps_nothing; /* load and record everything anew each frame: benchmarks' baseline */
    bool time_passes;   /* where the adapter can */
    gch__gpu_way way;   /* how pictures are made; 0: the faster, measured with the first */
} gch__gpu_executor_desc;

/* GCH_UNSUPPORTED: there is no driver or adapter. */
GCH_CHECKED gch_status gch__gpu_executor_make(const gch__gpu_executor_desc *desc,
                                              gch__gpu_executor **out, gch_error *err);
void gch__gpu_executor_destroy(gch__gpu_executor *executor); /* NULL is allowed */

typedef struct gch__gpu_frame_stats {
    bool is_unchanged; /* the last frame's picture stands: nothing was recorded or submitted */
    uint32_t tiles;    /* stretches of work that fitted the device memory */
    uint32_t series_by_query; /* reduced by the query room */
    uint32_t series_reduced;  /* of a painted picture: whose columns the device has reduced */
    /* Of a picture panned by whole columns, or of points of a plane by whole pixels; of a painted
     * one, of all the series that are reduced. */
    uint32_t columns_kept;
    uint32_t bars_kept; /* of a painted picture: whose highs and lows the last one left */
    bool is_pending;    /* may look different next time: pages had not come */
    uint32_t studies;   /* computed by the device, of a painted picture */
    uint64_t pages_loaded;
    double
        counted; /* share of the points of densities and planes: 1 if all are, or there are none */
    uint32_t quality_level; /* of them */
    int64_t record_ns;   /* the processor's work before the first submission of the picture: without
                            the device's own time and the picture's way back */
    const char *adapter; /* its name, borrowed from the executor */
} gch__gpu_frame_stats;

/* queries[i] belongs to scene->series[i]. `image` has the scene's size; it is written whole,
 * unless the scene and image are those of the last frame. NULL: the picture stays on the device and
 * nothing waits for it, as where it is shown from there; GCH_UNSUPPORTED if it takes more than one
 * part. *out_query_ns: time spent in queries. GCH_PENDING: the device is still making pipelines
 * that the picture takes; they have been asked for.
 * After GCH_DEVICE_LOST the executor is of no more use. */
GCH_CHECKED gch_status gch__gpu_executor_draw(gch__gpu_executor *executor, const gch__scene *scene,
                                              gch_query *const *queries, gch_image *image,
                                              gch__gpu_frame_stats *stats, int64_t *out_query_ns,
                                              gch_error *err);
/* The picture that the last frame left on the device, by a draw: gch__gpu_texture_get_shared. */
void *gch__gpu_executor_get_texture(const gch__gpu_executor *executor);
/* What the densities of the frames from here on hold; exact at first. */
void gch__gpu_executor_set_quality(gch__gpu_executor *executor, const gch__quality_desc *desc);
/* Somebody else has drawn on the image of the last frame: the next one keeps nothing of it. */
void gch__gpu_executor_forget(gch__gpu_executor *executor);

/* The adapter's name if it is one in software, else NULL. */
const char *gch__gpu_executor_get_software(const gch__gpu_executor *executor);

/* For figures: the device and its counters. */
gch__gpu *gch__gpu_executor_get_gpu(gch__gpu_executor *executor);

#endif
