/* The GPU as a writer's encoder (store_encoder.h).
 *
 * The writer asks for one chunk after another. What comes behind a chunk in memory goes to the
 * device with it, under the same kind, and is kept for the questions to come: a trip to the device
 * is worth millions of rows, not a chunk of 2^18.
 *
 * Invariants:
 *  1. A batch serves chunks at its own bytes only: of the same call on the writer (serial), within
 *     its rows, under its kind.
 *  2. After a failure of the device the encoder takes nothing more; what it gave before stands.
 */
#include "gch/encoder.h"

#include "render_gpu_encode.h"
#include "store_encoder.h"

#include <string.h>

#define PURPOSE "gpu encoder"
#define BATCH_VALUES (1u << 22) /* of all columns together */

/* Rows of a column on the host, encoded. */
typedef struct batch {
    const uint8_t *values; /* NULL: none */
    uint64_t serial;
    gch__key_kind kind;
    gch__gpu_encoded encoded;
} batch;

/* Times on the host: how regular they are, and lines of them. */
typedef struct time_batch {
    const int64_t *times; /* NULL: none */
    uint64_t serial;
    uint32_t row_count;
    gch__gpu_step *steps;
    size_t steps_cap;
    bool has_lines;
    int64_t origin;
    uint64_t unit;
    gch__gpu_encoded_times encoded;
} time_batch;

typedef struct gpu_encoder {
    gch_encoder base; /* first */
    gch__gpu *gpu;
    gch__gpu_encode *encode;
    batch *batches; /* a column */
    uint32_t batch_count;
    time_batch times;
    bool times_are_loaded; /* times' rows are what is on the device */
    gch_encoder_stats stats;
} gpu_encoder;

/* ---- batches ---- */

static gch_status make_batches(gpu_encoder *encoder, uint32_t column_count, gch_error *err)
{
    if (column_count <= encoder->batch_count)
        return GCH_OK;
    const gch_allocator *allocator = encoder->base.allocator;
    batch *batches =
        gch__resize_array(allocator, encoder->batches, column_count, sizeof *batches, PURPOSE);
    if (batches == NULL)
        return gch__no_memory(err, PURPOSE);
    for (uint32_t c = encoder->batch_count; c < column_count; c++)
        batches[c] = (batch){.encoded.allocator = allocator};
    encoder->batches = batches;
    encoder->batch_count = column_count;
    return GCH_OK;
}

/* The row of the batch that the chunk starts at; false if the batch does not hold the chunk. */
static bool find_chunk(const gpu_encoder *encoder, const batch *b, const gch__encoder_chunk *chunk,
                       uint32_t *out_row)
{
    if (b->values == NULL || b->serial != encoder->base.serial ||
        b->kind.kind != chunk->kind.kind || b->kind.scale != chunk->kind.scale ||
        chunk->input->values < b->values)
        return false;
    size_t row = (size_t)(chunk->input->values - b->values) / gch_type_bytes(chunk->input->type);
    *out_row = (uint32_t)row;
    return row < b->encoded.row_count && row % GCH_SUPER_ROWS == 0 &&
           chunk->row_count <= b->encoded.row_count - row;
}

/* Rows that go to the device together: whole chunks. */
static uint32_t batch_rows(uint32_t column_count, uint32_t row_count, uint64_t rows_there)
{
    uint64_t chunks = BATCH_VALUES / column_count / row_count;
    chunks = GCH_MIN(GCH_MAX(chunks, (uint64_t)1), rows_there / row_count);
    return (uint32_t)chunks * row_count;
}

static gch_status encode_batch(gpu_encoder *encoder, const gch__encoder_chunk *chunk, batch *b,
                               gch_error *err)
{
    uint32_t rows = batch_rows(chunk->column_count, chunk->row_count, chunk->rows_there);
    int64_t start = gch__clock_ns();
    b->values = NULL;
    encoder->times_are_loaded = false;
    GCH_TRY(
        gch__gpu_encode_load(encoder->encode, chunk->input->type, chunk->input->values, rows, err));
    GCH_TRY(gch__gpu_encode_run(encoder->encode, chunk->kind, err));
    GCH_TRY(gch__gpu_encode_fetch(encoder->encode, &b->encoded, err));
    b->values = chunk->input->values;
    b->serial = encoder->base.serial;
    b->kind = chunk->kind;
    if (encoder->stats.batch_count > 0) /* the first one made the pipelines */
        encoder->base.ns_per_value = (double)(gch__clock_ns() - start) / rows;
    encoder->stats.batch_count++;
    return GCH_OK;
}

/* ---- from a batch to a chunk ---- */

static void put_bounds(const gch__gpu_encoded *encoded, uint32_t block, int64_t *out)
{
    gch__pair64 pair;
    if (encoded->is_wide) {
        pair = ((const gch__pair64 *)encoded->levels[0])[block];
    } else {
        gch__pair32 narrow = ((const gch__pair32 *)encoded->levels[0])[block];
        pair = (gch__pair64){narrow.min, narrow.max};
    }
    bool is_empty = pair.min > pair.max;
    out[0] = is_empty ? INT64_MAX : (int64_t)(encoded->base + pair.min);
    out[1] = is_empty ? INT64_MIN : (int64_t)(encoded->base + pair.max);
}

static void put_block(const gch__gpu_encoded *encoded, uint32_t block, uint32_t in_chunk,
                      gch__chunk_stream *out)
{
    uint32_t said = encoded->blocks[block];
    uint32_t super = in_chunk / GCH_SUPER_BLOCKS, group = super / GCH__GROUP_SUPERS;
    put_bounds(encoded, block, out->bounds + 2 * (size_t)in_chunk);
    out->super_units[super] += said & GCH__GPU_BLOCK_BITS;
    out->group_misfits[group] |= (said & GCH__GPU_BLOCK_IS_MISFIT) != 0;
    out->negative_zeros[group] += said / GCH__GPU_BLOCK_ZERO;
    out->super_flags[super] |=
        (uint8_t)(((said & GCH__GPU_BLOCK_HAS_GAPS) != 0 ? GCH__SUPER_HAS_GAPS : 0) |
                  ((said & GCH__GPU_BLOCK_IS_ODD) != 0 ? GCH__SUPER_HAS_EXCEPTIONS : 0));
    if ((encoded->notes & GCH__GPU_BLOCK_HAS_GAPS) != 0)
        memcpy(out->bitmaps + (size_t)in_chunk * 8, encoded->bitmaps + (size_t)block * 8, 32);
}

static void fill_stream(const gch__gpu_encoded *encoded, uint32_t first_row, uint32_t row_count,
                        gch__chunk_stream *out)
{
    uint32_t supers = gch__super_count(row_count), blocks = gch__block_count(row_count);
    uint32_t groups = (row_count + GCH__GROUP_ROWS - 1) / GCH__GROUP_ROWS;
    memset(out->super_units, 0, supers * sizeof *out->super_units);
    memset(out->super_flags, 0, supers);
    memset(out->bitmaps, 0, (size_t)supers * GCH__BITMAP_WORDS * sizeof *out->bitmaps);
    memset(out->group_misfits, 0, groups);
    memset(out->negative_zeros, 0, groups * sizeof *out->negative_zeros);
    for (uint32_t i = 0; i < blocks; i++)
        put_block(encoded, first_row / GCH_BLOCK_ROWS + i, i, out);
    const uint8_t *payload = (const uint8_t *)encoded->payload;
    out->dense =
        payload + (size_t)encoded->directory[first_row / GCH_SUPER_ROWS] * GCH__PAYLOAD_UNIT;
}

/* Gives the device up for good. */
static gch_status give_up(gpu_encoder *encoder, gch_status status, const gch_error *failure,
                          gch_error *err)
{
    memcpy(encoder->stats.failure, failure->message, sizeof encoder->stats.failure);
    return gch_fail(err, status, "%s", failure->message);
}

static gch_status encode_chunk(gch_encoder *base, const gch__encoder_chunk *chunk,
                               gch__chunk_stream *out, gch_error *err)
{
    gpu_encoder *encoder = (gpu_encoder *)base;
    const gch__column_input *input = chunk->input;
    uint32_t row;
    if (encoder->stats.failure[0] != 0 || input->validity != NULL ||
        input->type == GCH_TYPE_DECIMAL)
        return gch_fail(err, GCH_UNSUPPORTED, "not for the GPU");
    GCH_TRY(make_batches(encoder, chunk->column_count, err));
    batch *b = &encoder->batches[chunk->column];
    if (!find_chunk(encoder, b, chunk, &row)) {
        gch_error failure = {0};
        row = 0;
        gch_status status = encode_batch(encoder, chunk, b, &failure);
        if (status != GCH_OK)
            return give_up(encoder, status, &failure, err);
    }
    fill_stream(&b->encoded, row, chunk->row_count, out);
    encoder->stats.value_count += chunk->row_count;
    return GCH_OK;
}

/* ---- times ---- */

static gch_status load_times(gpu_encoder *encoder, const int64_t *times, uint32_t row_count,
                             gch_error *err)
{
    encoder->times_are_loaded = false;
    GCH_TRY(gch__gpu_encode_load(encoder->encode, GCH_TYPE_I64, times, row_count, err));
    encoder->times_are_loaded = true;
    return GCH_OK;
}

/* Makes the batch one that holds the chunk. */
static gch_status find_times(gpu_encoder *encoder, const gch__encoder_times *chunk,
                             uint32_t *out_row, gch_error *err)
{
    time_batch *b = &encoder->times;
    if (b->times != NULL && b->serial == encoder->base.serial && chunk->times >= b->times) {
        size_t row = (size_t)(chunk->times - b->times);
        *out_row = (uint32_t)row;
        if (row < b->row_count && row % GCH__GROUP_ROWS == 0 &&
            chunk->row_count <= b->row_count - row)
            return GCH_OK;
    }
    *out_row = 0;
    b->times = NULL;
    b->has_lines = false;
    b->row_count = batch_rows(chunk->column_count, chunk->row_count, chunk->rows_there);
    GCH_TRY(gch__ensure(encoder->base.allocator, (void **)&b->steps, &b->steps_cap,
                        b->row_count / GCH__GPU_STEP_ROWS + 1, sizeof *b->steps, PURPOSE, err));
    GCH_TRY(load_times(encoder, chunk->times, b->row_count, err));
    GCH_TRY(gch__gpu_encode_steps(encoder->encode, b->steps, err));
    b->times = chunk->times;
    b->serial = encoder->base.serial;
    return GCH_OK;
}

static gch_status measure_times(gch_encoder *base, const gch__encoder_times *chunk,
                                uint64_t *out_steps, uint8_t *out_is_regular, gch_error *err)
{
    static_assert(GCH__GPU_STEP_ROWS == GCH__GROUP_ROWS, "a group is a group");
    gpu_encoder *encoder = (gpu_encoder *)base;
    gch_error failure = {0};
    uint32_t row;
    if (encoder->stats.failure[0] != 0)
        return gch_fail(err, GCH_UNSUPPORTED, "not for the GPU");
    gch_status status = find_times(encoder, chunk, &row, &failure);
    if (status != GCH_OK)
        return give_up(encoder, status, &failure, err);
    const gch__gpu_step *steps = encoder->times.steps + row / GCH__GROUP_ROWS;
    for (uint32_t group = 0; group * GCH__GROUP_ROWS < chunk->row_count; group++) {
        out_steps[group] = steps[group].step;
        out_is_regular[group] = steps[group].is_regular != 0;
    }
    return GCH_OK;
}

static gch_status fit_times(gpu_encoder *encoder, const gch__encoder_times *chunk,
                            uint32_t *out_row, gch_error *err)
{
    time_batch *b = &encoder->times;
    GCH_TRY(find_times(encoder, chunk, out_row, err));
    if (b->has_lines && b->origin == chunk->origin && b->unit == chunk->unit)
        return GCH_OK;
    b->has_lines = false;
    if (!encoder->times_are_loaded)
        GCH_TRY(load_times(encoder, b->times, b->row_count, err));
    GCH_TRY(gch__gpu_encode_run_times(encoder->encode, chunk->origin, chunk->unit, err));
    GCH_TRY(gch__gpu_encode_fetch_times(encoder->encode, &b->encoded, err));
    b->has_lines = true;
    b->origin = chunk->origin;
    b->unit = chunk->unit;
    return GCH_OK;
}

static gch_status encode_times(gch_encoder *base, const gch__encoder_times *chunk,
                               gch__chunk_stream *out, gch_error *err)
{
    gpu_encoder *encoder = (gpu_encoder *)base;
    gch_error failure = {0};
    uint32_t row;
    if (encoder->stats.failure[0] != 0)
        return gch_fail(err, GCH_UNSUPPORTED, "not for the GPU");
    gch_status status = fit_times(encoder, chunk, &row, &failure);
    if (status != GCH_OK)
        return give_up(encoder, status, &failure, err);
    const gch__gpu_encoded_times *encoded = &encoder->times.encoded;
    uint32_t supers = gch__super_count(chunk->row_count), super = row / GCH_SUPER_ROWS;
    uint32_t blocks = gch__block_count(chunk->row_count), block = row / GCH_BLOCK_ROWS;
    memcpy(out->lines, encoded->lines + block, blocks * sizeof *out->lines);
    memcpy(out->supers, encoded->supers + super, supers * sizeof *out->supers);
    memset(out->super_units, 0, supers * sizeof *out->super_units);
    for (uint32_t i = 0; i < blocks; i++)
        out->super_units[i / GCH_SUPER_BLOCKS] += out->lines[i].bits;
    out->dense =
        (const uint8_t *)encoded->payload + (size_t)encoded->directory[super] * GCH__PAYLOAD_UNIT;
    encoder->stats.time_count += chunk->row_count;
    return GCH_OK;
}

/* ---- life ---- */

static void destroy(gch_encoder *base)
{
    gpu_encoder *encoder = (gpu_encoder *)base;
    const gch_allocator *allocator = base->allocator;
    for (uint32_t c = 0; c < encoder->batch_count; c++)
        gch__gpu_encoded_reset(&encoder->batches[c].encoded);
    gch__free(allocator, encoder->batches, PURPOSE);
    gch__free(allocator, encoder->times.steps, PURPOSE);
    gch__gpu_encoded_times_reset(&encoder->times.encoded);
    gch__gpu_encode_destroy(encoder->encode);
    gch__gpu_destroy(encoder->gpu);
    gch__free(allocator, encoder, PURPOSE);
}

static gch_status open_device(gpu_encoder *encoder, const gch_encoder_desc *desc, gch_error *err)
{
    const gch_allocator *allocator = desc->allocator;
    GCH_TRY(gch__gpu_make(&(gch__gpu_desc){.workers = desc->workers, .allocator = allocator},
                          &encoder->gpu, err));
    const gch__gpu_info *info = gch__gpu_get_info(encoder->gpu);
    if (desc->only_if_faster && info->kind != GCH__GPU_DISCRETE)
        return gch_fail(err, GCH_UNSUPPORTED, "%s is no discrete GPU", info->adapter);
    memcpy(encoder->stats.adapter, info->adapter, sizeof encoder->stats.adapter);
    return gch__gpu_encode_make(encoder->gpu, allocator, &encoder->encode, err);
}

gch_status gch_encoder_make_gpu(const gch_encoder_desc *desc, gch_encoder **out, gch_error *err)
{
    gpu_encoder *encoder = gch__alloc_zero(desc->allocator, 1, sizeof *encoder, PURPOSE);
    if (encoder == NULL)
        return gch__no_memory(err, PURPOSE);
    encoder->base = (gch_encoder){.allocator = desc->allocator,
                                  .is_on_trial = desc->only_if_faster,
                                  .encode = encode_chunk,
                                  .measure_times = measure_times,
                                  .encode_times = encode_times,
                                  .destroy = destroy};
    encoder->times.encoded.allocator = desc->allocator;
    gch_status status = open_device(encoder, desc, err);
    if (status != GCH_OK) {
        destroy(&encoder->base);
        return status;
    }
    *out = &encoder->base;
    return GCH_OK;
}

gch_encoder_stats gch_encoder_get_stats(const gch_encoder *encoder)
{
    return ((const gpu_encoder *)encoder)->stats;
}

void gch_encoder_destroy(gch_encoder *encoder)
{
    if (encoder != NULL)
        encoder->destroy(encoder);
}
