/* The CPU executor and the reference executor: a laid-out scene into an image.
 *
 * gch__raster_draw answers every mark through the query room, so that its cost does not depend on
 * the number of points. gch__raster_reference draws every segment and bar by brute force from rows
 * read in order and shares no code with the query room; it draws bare scenes only.
 *
 * Thread rule: one thread at a time for a gch__raster; its work is spread over `workers`.
 */
#ifndef GCH_RASTER_H
#define GCH_RASTER_H

#include "scene.h"

#include <assert.h>

typedef struct gch__raster gch__raster; /* scratch and glyphs, kept warm from frame to frame */

GCH_CHECKED gch_status gch__raster_make(const gch_allocator *allocator, gch__raster **out,
                                        gch_error *err);
void gch__raster_destroy(gch__raster *raster); /* NULL is allowed */

/* queries[i] belongs to scene->series[i] (made with keep_outside). `image` has the scene's
 * size; every pixel is written. *out_query_ns: time spent in queries. GCH_CORRUPT, GCH_NO_MEMORY.
 */
GCH_CHECKED gch_status gch__raster_draw(gch__raster *raster, const gch__scene *scene,
                                        gch_query *const *queries, gch_workers *workers,
                                        gch_image *image, int64_t *out_query_ns, gch_error *err);

/* Rows [top, bottom] of one pixel column of a bare picture, all white. */
typedef struct gch__strip {
    uint32_t x;
    uint16_t top, bottom;
} gch__strip;
static_assert(sizeof(gch__strip) == 8, "web/src/gl.ts reads it as two words");

/* A bare scene as strips instead of pixels, in no order, overlapping or not; they hold until the
 * raster's next call. GCH_LIMIT: densities and points of a plane are none. */
GCH_CHECKED gch_status gch__raster_strips(gch__raster *raster, const gch__scene *scene,
                                          gch_query *const *queries, const gch__strip **out,
                                          size_t *out_count, int64_t *out_query_ns, gch_error *err);

/* Black ground, white pixels and counts by docs/pixel-rule.md. GCH_UNSUPPORTED unless the scene is
 * bare, all axes are linear, and its series are lines, areas, candles, OHLC, bars, densities or
 * points of a plane. */
GCH_CHECKED gch_status gch__raster_reference(const gch__scene *scene,
                                             const gch_allocator *allocator, gch_image *image,
                                             gch_error *err);

#endif
