/* Image memory. */
#include "base.h"
#include "gch/image.h"

#define PURPOSE "image"

gch_status gch_image_make(uint32_t width_px, uint32_t height_px, const gch_allocator *allocator,
                          gch_image *out, gch_error *err)
{
    if (width_px == 0 || height_px == 0 || width_px > GCH_IMAGE_PX_MAX ||
        height_px > GCH_IMAGE_PX_MAX)
        return gch_fail(err, GCH_INVALID, "an image of %u x %u: each side must be 1 to %u",
                        width_px, height_px, GCH_IMAGE_PX_MAX);
    size_t count = (size_t)width_px * height_px;
    uint32_t *pixels = gch__alloc_zero(allocator, count, sizeof *pixels, PURPOSE);
    if (pixels == NULL)
        return gch__no_memory(err, PURPOSE);
    *out = (gch_image){.width_px = width_px, .height_px = height_px, .pixels = pixels};
    return GCH_OK;
}

void gch_image_destroy(gch_image *image, const gch_allocator *allocator)
{
    gch__free(allocator, image->pixels, PURPOSE);
    *image = (gch_image){0};
}
