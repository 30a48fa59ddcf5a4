/* The encoder of a build without a GPU layer: there is none. */
#include "gch/encoder.h"

#include "base.h"

#include <assert.h>

gch_status gch_encoder_make_gpu(const gch_encoder_desc *desc, gch_encoder **out, gch_error *err)
{
    (void)desc, (void)out;
    return gch_fail(err, GCH_UNSUPPORTED, "this build has no GPU layer");
}

gch_encoder_stats gch_encoder_get_stats(const gch_encoder *encoder)
{
    (void)encoder;
    return (gch_encoder_stats){0};
}

void gch_encoder_destroy(gch_encoder *encoder)
{
    assert(encoder == NULL);
    (void)encoder;
}
