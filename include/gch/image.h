/* Pictures: RGBA, 8 bits a channel, not premultiplied; PNG and PPM out.
 *
 * Thread rule: an image belongs to one thread at a time.
 */
#ifndef GCH_IMAGE_H
#define GCH_IMAGE_H

#include "gch/allocator.h"
#include "gch/status.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GCH_IMAGE_PX_MAX 32768u

/* Row y starts at pixels + y * width_px; a pixel is 0xAABBGGRR (bytes R, G, B, A in memory). */
typedef struct gch_image {
    uint32_t width_px, height_px;
    uint32_t *pixels; /* owned */
} gch_image;

/* GCH_INVALID (a side of 0 or above GCH_IMAGE_PX_MAX), GCH_NO_MEMORY. Pixels start as 0. To be
 * destroyed with the same allocator. */
GCH_CHECKED gch_status gch_image_make(uint32_t width_px, uint32_t height_px,
                                      const gch_allocator *allocator, gch_image *out,
                                      gch_error *err);
void gch_image_destroy(gch_image *image, const gch_allocator *allocator);

typedef enum gch_image_format {
    GCH_IMAGE_DEFAULT = 0, /* PNG */
    GCH_IMAGE_PNG = 1,
    GCH_IMAGE_PPM = 2, /* P6, alpha dropped */
} gch_image_format;

/* GCH_IO, GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch_image_write(const gch_image *image, gch_image_format format, FILE *out,
                                       gch_error *err);
/* Reads any 8- or 16-bit PNG as RGBA. `allocator` owns the pixels. GCH_IO, GCH_CORRUPT,
 * GCH_LIMIT (a side above GCH_IMAGE_PX_MAX), GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch_image_read_png(FILE *in, const gch_allocator *allocator, gch_image *out,
                                          gch_error *err);

#ifdef __cplusplus
}
#endif
#endif
