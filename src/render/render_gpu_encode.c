/* Encoding on the GPU: see render_gpu_encode.h.
 *
 * Invariants:
 *  1. Buffers only grow, and hold the largest result that the rows and the type allow: the size of
 *     the payload is known on the device alone when it is written.
 *  2. Bindings follow the buffers and the pipelines, which follow the type and the kind.
 *  3. Nothing that comes back is used as a size or a place before it is compared with what the rows
 *     allow.
 */
#include "render_gpu_encode.h"

#include <string.h>

#define PURPOSE "gpu encoder"
#define SUMMARY_UNITS 0u
#define SUMMARY_NOTES 1u
#define SUMMARY_IS_WIDE 2u
#define SUMMARY_BASE 4u
#define SUMMARY_WORDS 16u
#define TOP_BIT (UINT64_C(1) << 63)
#define HEAD_BLOCKS 64u /* a workgroup of `head` */
#define ROW_GROUPS 32768u

extern const char gch__shader_encode_start[], gch__shader_encode_end[];
extern const char gch__shader_encode_time_start[], gch__shader_encode_time_end[];

typedef enum pass {
    MEASURE, /* of values */
    PLACE,
    PACK,
    HEAD,
    RISE,
    FIT, /* of times */
    PLACE_TIMES,
    PACK_TIMES,
    STEPS,
    PASS_COUNT
} pass;
static const char *const pass_names[PASS_COUNT] = {"measure", "place", "pack", "head", "rise",
                                                   "fit",     "place", "pack", "steps"};

/* In the order of the bindings. */
typedef enum slot { BATCH, RAW, BOUNDS, BITMAPS, ARRAYS, PAYLOAD, SLOT_COUNT } slot;
static const char *const slot_names[SLOT_COUNT] = {"batch",   "raw values", "bounds",
                                                   "bitmaps", "arrays",     "payload"};

struct gch__gpu_encode {
    gch__gpu *gpu;
    const gch_allocator *allocator;
    gch__gpu_shader shader, time_shader;
    gch__gpu_buffer buffers[SLOT_COUNT];
    uint64_t caps[SLOT_COUNT];
    gch__gpu_pipeline pipelines[PASS_COUNT];
    gch__gpu_bindings bindings[PASS_COUNT];
    gch_type type;             /* of what is loaded */
    gch_type bound_type;       /* DEFAULT: nothing is bound */
    gch_value_kind bound_kind; /* GAP: for times */
    gch__gpu_batch batch;
    uint64_t array_words;
};

/* ---- life ---- */

gch_status gch__gpu_encode_make(gch__gpu *gpu, const gch_allocator *allocator,
                                gch__gpu_encode **out, gch_error *err)
{
    gch__gpu_encode *encode = gch__alloc_zero(allocator, 1, sizeof *encode, PURPOSE);
    if (encode == NULL)
        return gch__no_memory(err, PURPOSE);
    encode->gpu = gpu;
    encode->allocator = allocator;
    gch_status status = gch__gpu_shader_make(
        gpu, gch__shader_encode_start, (size_t)(gch__shader_encode_end - gch__shader_encode_start),
        "encode", &encode->shader, err);
    if (status == GCH_OK)
        status = gch__gpu_shader_make(
            gpu, gch__shader_encode_time_start,
            (size_t)(gch__shader_encode_time_end - gch__shader_encode_time_start), "encode times",
            &encode->time_shader, err);
    if (status != GCH_OK) {
        gch__gpu_encode_destroy(encode);
        return status;
    }
    *out = encode;
    return GCH_OK;
}

static void unbind(gch__gpu_encode *encode)
{
    for (uint32_t i = 0; i < PASS_COUNT; i++) {
        gch__gpu_bindings_release(encode->gpu, encode->bindings[i]);
        encode->bindings[i] = (gch__gpu_bindings){0};
    }
    encode->bound_type = GCH_TYPE_DEFAULT;
}

void gch__gpu_encode_destroy(gch__gpu_encode *encode)
{
    if (encode == NULL)
        return;
    unbind(encode);
    for (uint32_t i = 0; i < SLOT_COUNT; i++)
        gch__gpu_buffer_release(encode->gpu, encode->buffers[i]);
    gch__free(encode->allocator, encode, PURPOSE);
}

void gch__gpu_encoded_reset(gch__gpu_encoded *encoded)
{
    const gch_allocator *allocator = encoded->allocator;
    gch__free(allocator, encoded->arrays, PURPOSE);
    gch__free(allocator, encoded->bitmaps, PURPOSE);
    gch__free(allocator, encoded->payload, PURPOSE);
    *encoded = (gch__gpu_encoded){.allocator = allocator};
}

/* ---- buffers and pipelines ---- */

static gch_status reserve(gch__gpu_encode *encode, slot which, uint64_t bytes, gch_error *err)
{
    uint64_t limit = gch__gpu_get_info(encode->gpu)->binding_bytes_max;
    if (bytes <= encode->caps[which])
        return GCH_OK;
    if (which != BATCH && bytes > limit)
        return gch_fail(err, GCH_LIMIT, "%s: %llu bytes, the device binds %llu", slot_names[which],
                        (unsigned long long)bytes, (unsigned long long)limit);
    unbind(encode);
    gch__gpu_buffer_release(encode->gpu, encode->buffers[which]);
    encode->buffers[which] = (gch__gpu_buffer){0};
    encode->caps[which] = 0;
    GCH_TRY(gch__gpu_buffer_make(encode->gpu, bytes,
                                 which == BATCH ? GCH__GPU_UNIFORM : GCH__GPU_STORAGE,
                                 slot_names[which], &encode->buffers[which], err));
    encode->caps[which] = bytes;
    return GCH_OK;
}

/* The widest keys of a type: decimals have up to 2^51 digits on either side of 0. */
static uint32_t widest(gch_type type)
{
    return type == GCH_TYPE_F32 ? 53u : 8u * (uint32_t)gch_type_bytes(type);
}

static gch_status reserve_all(gch__gpu_encode *encode, gch_type type, uint32_t row_count,
                              gch_error *err)
{
    gch__gpu_batch *batch = &encode->batch;
    uint32_t counts[GCH_TREE_LEVELS_CAP], pairs = 0;
    encode->type = GCH_TYPE_DEFAULT;
    batch->row_count = row_count;
    batch->block_count = gch__block_count(row_count);
    batch->super_count = gch__super_count(row_count);
    uint32_t level_count = gch__tree_shape(batch->block_count, counts);
    for (uint32_t level = 0; level < level_count; level++)
        pairs += counts[level];
    uint32_t groups_max = GCH_MIN(gch__gpu_get_info(encode->gpu)->group_count_max, ROW_GROUPS);
    batch->groups_x = GCH_MIN(batch->block_count, groups_max);
    batch->blocks = SUMMARY_WORDS;
    batch->directory = batch->blocks + batch->block_count;
    batch->tree = (uint32_t)gch__align_up(batch->directory + batch->super_count, 2);
    encode->array_words = batch->tree + 4 * (uint64_t)pairs;
    uint64_t bytes = gch__align_up((uint64_t)row_count * gch_type_bytes(type), 4);
    GCH_TRY(reserve(encode, BATCH, sizeof *batch, err));
    GCH_TRY(reserve(encode, RAW, bytes, err));
    GCH_TRY(reserve(encode, BOUNDS, (uint64_t)batch->block_count * 16, err));
    GCH_TRY(reserve(encode, BITMAPS, (uint64_t)batch->block_count * 32, err));
    GCH_TRY(reserve(encode, ARRAYS, encode->array_words * 4, err));
    return reserve(encode, PAYLOAD, (uint64_t)batch->block_count * widest(type) * GCH__PAYLOAD_UNIT,
                   err);
}

/* GAP binds the passes over times. */
static gch_status bind(gch__gpu_encode *encode, gch_value_kind kind, gch_error *err)
{
    bool is_time = kind == GCH_VALUE_GAP;
    if (encode->bound_type == encode->type && encode->bound_kind == kind)
        return GCH_OK;
    unbind(encode);
    gch__gpu_pipeline_desc desc = {
        .shader = is_time ? encode->time_shader : encode->shader,
        .kinds = {GCH__GPU_BIND_UNIFORM, GCH__GPU_BIND_READ, GCH__GPU_BIND_WRITE,
                  GCH__GPU_BIND_WRITE, GCH__GPU_BIND_WRITE, GCH__GPU_BIND_WRITE},
        .constants = {{"TYPE", encode->type}, {is_time ? NULL : "KIND", kind}}};
    for (uint32_t i = is_time ? FIT : MEASURE; i < (is_time ? PASS_COUNT : FIT); i++) {
        desc.label = desc.compute = pass_names[i];
        GCH_TRY(gch__gpu_pipeline_get(encode->gpu, &desc, &encode->pipelines[i], err));
        GCH_TRY(gch__gpu_bindings_make(encode->gpu, encode->pipelines[i], encode->buffers,
                                       SLOT_COUNT, pass_names[i], &encode->bindings[i], err));
    }
    encode->bound_type = encode->type;
    encode->bound_kind = kind;
    return GCH_OK;
}

/* ---- loading ---- */

static gch_status upload_values(gch__gpu_encode *encode, const uint8_t *values, uint64_t bytes,
                                gch_error *err)
{
    uint8_t tail[4] = {0};
    uint64_t whole = bytes & ~(uint64_t)3, serial;
    GCH_TRY(gch__gpu_begin(encode->gpu, "load", err));
    GCH_TRY(gch__gpu_upload(encode->gpu, encode->buffers[RAW], 0, values, whole, err));
    memcpy(tail, values + whole, (size_t)(bytes - whole));
    if (bytes > whole)
        GCH_TRY(gch__gpu_upload(encode->gpu, encode->buffers[RAW], whole, tail, 4, err));
    return gch__gpu_submit(encode->gpu, &serial, err);
}

gch_status gch__gpu_encode_load(gch__gpu_encode *encode, gch_type type, const void *values,
                                uint32_t row_count, gch_error *err)
{
    if (type < GCH_TYPE_I8 || type > GCH_TYPE_F64 || row_count == 0 ||
        row_count > GCH__GPU_ENCODE_ROWS_MAX)
        return gch_fail(err, GCH_INVALID, "encoding %u rows of type %d", row_count, (int)type);
    GCH_TRY(reserve_all(encode, type, row_count, err));
    gch_status status =
        upload_values(encode, values, (uint64_t)row_count * gch_type_bytes(type), err);
    if (status != GCH_OK) {
        gch__gpu_abandon(encode->gpu);
        return status;
    }
    encode->type = type;
    return GCH_OK;
}

/* ---- values ---- */

static gch_status record_pass(gch__gpu_encode *encode, pass which, uint32_t groups, gch_error *err)
{
    uint32_t x = GCH_MAX(GCH_MIN(groups, encode->batch.groups_x), 1u);
    GCH_TRY(gch__gpu_compute_begin(encode->gpu, pass_names[which], err));
    GCH_TRY(gch__gpu_dispatch(encode->gpu, encode->pipelines[which], encode->bindings[which], x,
                              (groups + x - 1) / x, 1, err));
    return gch__gpu_pass_end(encode->gpu, err);
}

static gch_status record(gch__gpu_encode *encode, gch_error *err)
{
    const gch__gpu_batch *batch = &encode->batch;
    uint64_t serial;
    GCH_TRY(gch__gpu_begin(encode->gpu, "encode", err));
    GCH_TRY(gch__gpu_upload(encode->gpu, encode->buffers[BATCH], 0, batch, sizeof *batch, err));
    GCH_TRY(record_pass(encode, MEASURE, batch->block_count, err));
    GCH_TRY(record_pass(encode, PLACE, 1, err));
    GCH_TRY(record_pass(encode, PACK, batch->block_count, err));
    GCH_TRY(record_pass(encode, HEAD, (batch->block_count + HEAD_BLOCKS - 1) / HEAD_BLOCKS, err));
    GCH_TRY(record_pass(encode, RISE, 1, err));
    return gch__gpu_submit(encode->gpu, &serial, err);
}

static bool kind_suits(gch_type type, gch__key_kind kind)
{
    if (kind.kind == GCH_VALUE_DECIMAL)
        return kind.scale <= 18 && (kind.scale == 0 || type >= GCH_TYPE_F32);
    return kind.kind == gch__kind_float(type).kind;
}

gch_status gch__gpu_encode_run(gch__gpu_encode *encode, gch__key_kind kind, gch_error *err)
{
    if (encode->type == GCH_TYPE_DEFAULT || !kind_suits(encode->type, kind))
        return gch_fail(err, GCH_INVALID, "encoding type %d as kind %d", (int)encode->type,
                        (int)kind.kind);
    uint64_t power = (uint64_t)gch__pow10_i64[kind.kind == GCH_VALUE_DECIMAL ? kind.scale : 0];
    encode->batch.power_low = (uint32_t)power;
    encode->batch.power_high = (uint32_t)(power >> 32);
    GCH_TRY(bind(encode, kind.kind, err));
    gch_status status = record(encode, err);
    if (status != GCH_OK)
        gch__gpu_abandon(encode->gpu);
    return status;
}

/* `cap` counts bytes. There is an array even if there is nothing in it. */
static gch_status download(gch__gpu_encode *encode, slot which, uint64_t bytes, void **out,
                           size_t *cap, gch_error *err)
{
    GCH_TRY(gch__ensure(encode->allocator, out, cap, (size_t)GCH_MAX(bytes, (uint64_t)4), 1,
                        PURPOSE, err));
    if (bytes == 0)
        return GCH_OK;
    GCH_TRY(gch__gpu_begin(encode->gpu, "fetch", err));
    gch_status status = gch__gpu_download(encode->gpu, encode->buffers[which], 0, *out, bytes, err);
    if (status != GCH_OK)
        gch__gpu_abandon(encode->gpu);
    return status;
}

/* The shape of the result, from its summary; false if it cannot be one. */
static bool describe(const gch__gpu_encode *encode, gch__gpu_encoded *out)
{
    const gch__gpu_batch *batch = &encode->batch;
    const uint32_t *summary = out->arrays;
    uint64_t units = 0;
    out->row_count = batch->row_count;
    out->block_count = batch->block_count;
    out->super_count = batch->super_count;
    out->notes = summary[SUMMARY_NOTES];
    out->is_wide = summary[SUMMARY_IS_WIDE] != 0;
    out->base = (summary[SUMMARY_BASE] | (uint64_t)summary[SUMMARY_BASE + 1] << 32) ^ TOP_BIT;
    out->blocks = out->arrays + batch->blocks;
    out->directory = out->arrays + batch->directory;
    out->level_count = gch__tree_shape(out->block_count, out->level_counts);
    const uint32_t *pairs = out->arrays + batch->tree;
    for (uint32_t level = 0; level < out->level_count; level++) {
        out->levels[level] = pairs;
        pairs += (size_t)out->level_counts[level] * (out->is_wide ? 4 : 2);
    }
    for (uint32_t block = 0; block < out->block_count; block++) {
        if (block % GCH_SUPER_BLOCKS == 0 && out->directory[block / GCH_SUPER_BLOCKS] != units)
            return false;
        units += out->blocks[block] & GCH__GPU_BLOCK_BITS;
    }
    out->payload_bytes = units * GCH__PAYLOAD_UNIT;
    return units == summary[SUMMARY_UNITS] && out->payload_bytes <= encode->caps[PAYLOAD];
}

gch_status gch__gpu_encode_fetch(gch__gpu_encode *encode, gch__gpu_encoded *io, gch_error *err)
{
    GCH_TRY(download(encode, ARRAYS, encode->array_words * 4, (void **)&io->arrays, &io->arrays_cap,
                     err));
    if (!describe(encode, io))
        return gch_fail(err, GCH_DEVICE_LOST, "the device returned an impossible directory");
    if ((io->notes & GCH__GPU_BLOCK_HAS_GAPS) != 0)
        GCH_TRY(download(encode, BITMAPS, (uint64_t)io->block_count * 32, (void **)&io->bitmaps,
                         &io->bitmaps_cap, err));
    return download(encode, PAYLOAD, io->payload_bytes, (void **)&io->payload, &io->payload_cap,
                    err);
}

/* ---- times ---- */

void gch__gpu_encoded_times_reset(gch__gpu_encoded_times *encoded)
{
    const gch_allocator *allocator = encoded->allocator;
    gch__free(allocator, encoded->lines, PURPOSE);
    gch__free(allocator, encoded->supers, PURPOSE);
    gch__free(allocator, encoded->arrays, PURPOSE);
    gch__free(allocator, encoded->payload, PURPOSE);
    *encoded = (gch__gpu_encoded_times){.allocator = allocator};
}

static gch_status begin_times(gch__gpu_encode *encode, gch_error *err)
{
    if (encode->type != GCH_TYPE_I64 && encode->type != GCH_TYPE_I32 &&
        encode->type != GCH_TYPE_U32)
        return gch_fail(err, GCH_INVALID, "encoding type %d as times", (int)encode->type);
    /* Residuals may be wider than a narrow type is. */
    GCH_TRY(reserve(encode, PAYLOAD, (uint64_t)encode->batch.block_count * 64 * GCH__PAYLOAD_UNIT,
                    err));
    return bind(encode, GCH_VALUE_GAP, err);
}

static void set_unit(gch__gpu_batch *batch, int64_t origin, uint64_t unit)
{
    batch->shift = (uint32_t)__builtin_ctzll(unit);
    uint64_t odd = unit >> batch->shift, inverse = odd;
    for (int i = 0; i < 5; i++) /* Newton: right in 3 bits, 6, 12, ... */
        inverse *= 2 - odd * inverse;
    batch->inverse_low = (uint32_t)inverse;
    batch->inverse_high = (uint32_t)(inverse >> 32);
    batch->origin_low = (uint32_t)(uint64_t)origin;
    batch->origin_high = (uint32_t)((uint64_t)origin >> 32);
}

static gch_status record_times(gch__gpu_encode *encode, gch_error *err)
{
    const gch__gpu_batch *batch = &encode->batch;
    uint64_t serial;
    GCH_TRY(gch__gpu_begin(encode->gpu, "encode times", err));
    GCH_TRY(gch__gpu_upload(encode->gpu, encode->buffers[BATCH], 0, batch, sizeof *batch, err));
    GCH_TRY(record_pass(encode, FIT, batch->block_count, err));
    GCH_TRY(record_pass(encode, PLACE_TIMES, 1, err));
    GCH_TRY(record_pass(encode, PACK_TIMES, batch->block_count, err));
    return gch__gpu_submit(encode->gpu, &serial, err);
}

gch_status gch__gpu_encode_run_times(gch__gpu_encode *encode, int64_t origin, uint64_t unit,
                                     gch_error *err)
{
    if (unit == 0)
        return gch_fail(err, GCH_INVALID, "encoding times in units of 0 ticks");
    GCH_TRY(begin_times(encode, err));
    set_unit(&encode->batch, origin, unit);
    gch_status status = record_times(encode, err);
    if (status != GCH_OK)
        gch__gpu_abandon(encode->gpu);
    return status;
}

/* False if what came back is impossible. */
static bool describe_times(const gch__gpu_encode *encode, gch__gpu_encoded_times *out)
{
    const gch__gpu_batch *batch = &encode->batch;
    uint64_t units = 0;
    out->row_count = batch->row_count;
    out->block_count = batch->block_count;
    out->super_count = batch->super_count;
    out->directory = out->arrays + batch->directory;
    for (uint32_t block = 0; block < out->block_count; block++) {
        if (block % GCH_SUPER_BLOCKS == 0 && out->directory[block / GCH_SUPER_BLOCKS] != units)
            return false;
        if (out->lines[block].bits > 64 || out->lines[block].reserved != 0)
            return false;
        units += out->lines[block].bits;
    }
    out->payload_bytes = units * GCH__PAYLOAD_UNIT;
    return units == out->arrays[SUMMARY_UNITS];
}

gch_status gch__gpu_encode_fetch_times(gch__gpu_encode *encode, gch__gpu_encoded_times *io,
                                       gch_error *err)
{
    const gch__gpu_batch *batch = &encode->batch;
    GCH_TRY(download(encode, ARRAYS, (uint64_t)batch->tree * 4, (void **)&io->arrays,
                     &io->arrays_cap, err));
    GCH_TRY(download(encode, BOUNDS, (uint64_t)batch->block_count * sizeof *io->lines,
                     (void **)&io->lines, &io->lines_cap, err));
    GCH_TRY(download(encode, BITMAPS, (uint64_t)batch->super_count * sizeof *io->supers,
                     (void **)&io->supers, &io->supers_cap, err));
    if (!describe_times(encode, io))
        return gch_fail(err, GCH_DEVICE_LOST, "the device returned impossible times");
    return download(encode, PAYLOAD, io->payload_bytes, (void **)&io->payload, &io->payload_cap,
                    err);
}

static gch_status record_steps(gch__gpu_encode *encode, uint32_t groups, gch__gpu_step *out,
                               gch_error *err)
{
    GCH_TRY(gch__gpu_begin(encode->gpu, "steps", err));
    GCH_TRY(gch__gpu_upload(encode->gpu, encode->buffers[BATCH], 0, &encode->batch,
                            sizeof encode->batch, err));
    GCH_TRY(gch__gpu_compute_begin(encode->gpu, pass_names[STEPS], err));
    GCH_TRY(gch__gpu_dispatch(encode->gpu, encode->pipelines[STEPS], encode->bindings[STEPS],
                              groups, 1, 1, err));
    GCH_TRY(gch__gpu_pass_end(encode->gpu, err));
    return gch__gpu_download(encode->gpu, encode->buffers[BITMAPS], 0, out,
                             (uint64_t)groups * sizeof *out, err);
}

gch_status gch__gpu_encode_steps(gch__gpu_encode *encode, gch__gpu_step *out, gch_error *err)
{
    GCH_TRY(begin_times(encode, err));
    uint32_t groups = (encode->batch.row_count + GCH__GPU_STEP_ROWS - 1) / GCH__GPU_STEP_ROWS;
    gch_status status = record_steps(encode, groups, out, err);
    if (status != GCH_OK)
        gch__gpu_abandon(encode->gpu);
    return status;
}
