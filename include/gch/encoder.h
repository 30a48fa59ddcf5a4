/* Encoding on the GPU: values go to the device as they are and come back as packed blocks.
 *
 *     gch_encoder *encoder = NULL;
 *     if (gch_encoder_make_gpu(&(gch_encoder_desc){0}, &encoder, &err) != GCH_OK)
 *         puts(err.message); // and go on without: the writer packs them itself
 *     gch_ingest_desc desc = {.inputs = &input, .input_count = 1, .output = "out.gch",
 *                             .layout = "time:i64,price:f64", .encoder = encoder};
 *     status = gch_ingest(&desc, &report, &err);
 *     gch_encoder_destroy(encoder);
 *
 * A file does not tell who encoded it: it is the same to the last byte. The GPU takes columns of
 * integers and floats without a bitmap of nulls, and times; text, nulls, the choice of what keys
 * mean and of the unit of times are the writer's own work, as are a chunk that the device fails at
 * and all that follow it.
 *
 * Thread rule: one thread at a time, and one writer.
 */
#ifndef GCH_ENCODER_H
#define GCH_ENCODER_H

#include "gch/writer.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gch_encoder_desc {
    /* Refuse an adapter that is not a discrete GPU, begin with one chunk that the writer encodes,
     * and leave the rest to the writer once the GPU turns out to be slower. */
    bool only_if_faster;
    gch_workers *workers; /* copy what goes to the device; borrowed until the encoder is gone */
    const gch_allocator *allocator;
} gch_encoder_desc;

typedef struct gch_encoder_stats {
    char adapter[96];
    uint64_t value_count;                /* that the GPU encoded */
    uint64_t time_count;                 /* likewise, of irregular times */
    uint64_t batch_count;                /* in so many trips to it */
    char failure[GCH_ERROR_MESSAGE_CAP]; /* why it was given up; "" if it was not */
} gch_encoder_stats;

/* GCH_UNSUPPORTED: the build has no driver, or the machine no (discrete) adapter. GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch_encoder_make_gpu(const gch_encoder_desc *desc, gch_encoder **out,
                                            gch_error *err);
gch_encoder_stats gch_encoder_get_stats(const gch_encoder *encoder);
void gch_encoder_destroy(gch_encoder *encoder); /* NULL is allowed */

#ifdef __cplusplus
}
#endif
#endif
