/* The build's driver where wgpu-native was not at hand: there is no device. */
#include "gpu_driver.h"

static gch_status open_none(const gch__gpu_desc *desc, gch__gpu_context **out,
                            gch__gpu_info *out_info, gch_error *err)
{
    (void)desc;
    (void)out;
    (void)out_info;
    return gch_fail(err, GCH_UNSUPPORTED, "this build has no GPU driver");
}

const gch__gpu_driver gch__gpu_native = {.name = "none", .open = open_none};
