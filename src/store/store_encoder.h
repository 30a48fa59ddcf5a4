/* Someone else who packs the rows of a chunk, such as a GPU (render_encoder.c): store_encode.c
 * asks, and does it itself where the answer is no.
 *
 * Invariants:
 *  1. What an encoder gives is what encode_column_group would have given, bit for bit: a file does
 *     not tell who packed it.
 *  2. It packs and nothing else. What a segment's keys mean, how times are kept, checksums and
 * order stay the writer's.
 */
#ifndef GCH_STORE_ENCODER_H
#define GCH_STORE_ENCODER_H

#include "store_build.h"

typedef struct gch__encoder_chunk {
    uint32_t column, column_count;
    const gch__column_input *input; /* of the chunk's first row */
    gch__key_kind kind;
    uint32_t row_count;
    uint64_t rows_there; /* that follow each other in memory from the first on: >= row_count */
} gch__encoder_chunk;

typedef struct gch__encoder_times {
    const int64_t *times; /* of the chunk's first row */
    uint32_t column_count;
    uint32_t row_count;
    uint64_t rows_there;
    int64_t origin; /* for lines */
    uint64_t unit;
} gch__encoder_times;

struct gch_encoder {
    const gch_allocator *allocator;
    uint64_t serial;     /* counted up by who asks: bytes seen before may have changed */
    bool is_on_trial;    /* is to be left once it is slower than the builder itself */
    double ns_per_value; /* of its last batch, or 0: not known yet */
    /* Fills `out` for the whole chunk: super_units, bounds, bitmaps, super_flags, group_misfits and
     * negative_zeros, and either `packed` or `dense`, which stays until the next call. Any other
     * status than GCH_OK: the builder packs the chunk itself. */
    gch_status (*encode)(gch_encoder *encoder, const gch__encoder_chunk *chunk,
                         gch__chunk_stream *out, gch_error *err);
    /* For each group of GCH__GROUP_ROWS rows of the chunk: the step of its first two, and whether
     * it has two and all others follow with that. */
    gch_status (*measure_times)(gch_encoder *encoder, const gch__encoder_times *chunk,
                                uint64_t *out_steps, uint8_t *out_is_regular, gch_error *err);
    /* Fills `out`: super_units, lines and supers, and the words as encode does. */
    gch_status (*encode_times)(gch_encoder *encoder, const gch__encoder_times *chunk,
                               gch__chunk_stream *out, gch_error *err);
    void (*destroy)(gch_encoder *encoder);
};

/* Whether the builder's encoder is to be asked. */
bool gch__builder_wants_encoder(const gch__builder *builder);

#endif
