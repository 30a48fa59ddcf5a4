/* The reference executor of a build without exact rationals (GMP). */
#include "raster.h"

gch_status gch__raster_reference(const gch__scene *scene, const gch_allocator *allocator,
                                 gch_image *image, gch_error *err)
{
    (void)scene, (void)allocator, (void)image;
    return gch_fail(err, GCH_UNSUPPORTED, "this build has no reference executor");
}
