/* Encoding on the GPU against the store's own encoder: digits value by value, columns array by
 * array, times line by line. */
#include "render_gpu_encode_test.h"
#include "gpu.h"
#include "render_gpu_encode.h"

#include <math.h>

static gch_error err;

/* ---- what C and the shader share ---- */

static void constants_and_fields_are_those_of_the_shader(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t value;
    } constants[] = {{"BLOCK_BITS", GCH__GPU_BLOCK_BITS},
                     {"BLOCK_HAS_GAPS", GCH__GPU_BLOCK_HAS_GAPS},
                     {"BLOCK_IS_ODD", GCH__GPU_BLOCK_IS_ODD},
                     {"BLOCK_IS_MISFIT", GCH__GPU_BLOCK_IS_MISFIT},
                     {"BLOCK_ZERO", GCH__GPU_BLOCK_ZERO},
                     {"TYPE_I8", GCH_TYPE_I8},
                     {"TYPE_U8", GCH_TYPE_U8},
                     {"TYPE_I16", GCH_TYPE_I16},
                     {"TYPE_U16", GCH_TYPE_U16},
                     {"TYPE_I32", GCH_TYPE_I32},
                     {"TYPE_U32", GCH_TYPE_U32},
                     {"TYPE_I64", GCH_TYPE_I64},
                     {"TYPE_F32", GCH_TYPE_F32},
                     {"TYPE_F64", GCH_TYPE_F64},
                     {"KIND_DECIMAL", GCH_VALUE_DECIMAL}};
    static const struct {
        const char *name;
        size_t offset;
    } fields[] = {{"row_count", offsetof(gch__gpu_batch, row_count)},
                  {"block_count", offsetof(gch__gpu_batch, block_count)},
                  {"super_count", offsetof(gch__gpu_batch, super_count)},
                  {"groups_x", offsetof(gch__gpu_batch, groups_x)},
                  {"power_low", offsetof(gch__gpu_batch, power_low)},
                  {"power_high", offsetof(gch__gpu_batch, power_high)},
                  {"blocks", offsetof(gch__gpu_batch, blocks)},
                  {"directory", offsetof(gch__gpu_batch, directory)},
                  {"tree", offsetof(gch__gpu_batch, tree)},
                  {"origin_low", offsetof(gch__gpu_batch, origin_low)},
                  {"origin_high", offsetof(gch__gpu_batch, origin_high)},
                  {"inverse_low", offsetof(gch__gpu_batch, inverse_low)},
                  {"inverse_high", offsetof(gch__gpu_batch, inverse_high)},
                  {"shift", offsetof(gch__gpu_batch, shift)},
                  {"reserved", offsetof(gch__gpu_batch, reserved)},
                  {"reserved_too", offsetof(gch__gpu_batch, reserved_too)}};
    static char text[1 << 14];
    FILE *file = fopen(LAYOUTS, "rb");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    for (size_t i = 0; i < GCH_COUNT_OF(constants); i++) {
        char decimal[80], hex[80];
        snprintf(decimal, sizeof decimal, "const %s: u32 = %uu;", constants[i].name,
                 constants[i].value);
        snprintf(hex, sizeof hex, "const %s: u32 = 0x%Xu;", constants[i].name, constants[i].value);
        if (strstr(text, decimal) == NULL && strstr(text, hex) == NULL)
            fail_msg("the shader has no \"%s\"", decimal);
    }
    const char *at = strstr(text, "struct Batch {\n");
    assert_non_null(at);
    for (size_t i = 0; i < GCH_COUNT_OF(fields); i++) {
        char name[40];
        at = strchr(at, '\n') + 1;
        while (strncmp(at, "    //", 6) == 0)
            at = strchr(at, '\n') + 1;
        assert_int_equal(sscanf(at, " %39[a-z_]: u32,", name), 1);
        assert_string_equal(name, fields[i].name);
        assert_int_equal(fields[i].offset, 4 * i);
    }
    assert_int_equal(*(strchr(at, '\n') + 1), '}');
}

/* ---- digits, value by value ---- */

extern const char gch__shader_digits_start[], gch__shader_digits_end[];

#define VALUES (1u << 17)

typedef struct asked {
    uint64_t bits, power;
} asked;

static void find_digits_on_gpu(const asked *values, uint64_t *out)
{
    gch__gpu *gpu = NULL;
    gch__gpu_shader shader;
    gch__gpu_pipeline pipeline;
    gch__gpu_buffer buffers[2];
    gch__gpu_bindings bindings;
    assert_ok(gch__gpu_make(&(gch__gpu_desc){0}, &gpu, &err));
    assert_ok(gch__gpu_shader_make(gpu, gch__shader_digits_start,
                                   (size_t)(gch__shader_digits_end - gch__shader_digits_start),
                                   "digits", &shader, &err));
    gch__gpu_pipeline_desc desc = {.label = "digits",
                                   .shader = shader,
                                   .compute = "find_digits",
                                   .kinds = {GCH__GPU_BIND_READ, GCH__GPU_BIND_WRITE}};
    assert_ok(gch__gpu_pipeline_get(gpu, &desc, &pipeline, &err));
    for (uint32_t i = 0; i < 2; i++)
        assert_ok(gch__gpu_buffer_make(gpu, VALUES * sizeof *values, GCH__GPU_STORAGE, "digits",
                                       &buffers[i], &err));
    assert_ok(gch__gpu_bindings_make(gpu, pipeline, buffers, 2, "digits", &bindings, &err));
    assert_ok(gch__gpu_begin(gpu, "digits", &err));
    assert_ok(gch__gpu_upload(gpu, buffers[0], 0, values, VALUES * sizeof *values, &err));
    assert_ok(gch__gpu_compute_begin(gpu, "digits", &err));
    assert_ok(gch__gpu_dispatch(gpu, pipeline, bindings, VALUES / 64, 1, 1, &err));
    assert_ok(gch__gpu_pass_end(gpu, &err));
    assert_ok(gch__gpu_download(gpu, buffers[1], 0, out, VALUES * sizeof *values, &err));
    gch__gpu_destroy(gpu);
}

/* Digits near every end there is: few, many, around 2^51, and whole powers of two. */
static int64_t choose_digits(uint64_t *seed)
{
    uint64_t random = test_random(seed);
    int64_t digits = (int64_t)(test_random(seed) >> (12 + random % 52));
    if (random >> 8 & 1)
        digits = (INT64_C(1) << 51) + (int64_t)(random >> 16 & 15) - 8;
    if ((random >> 9 & 7) == 0)
        digits = INT64_C(1) << (random >> 16) % 53;
    return random >> 20 & 1 ? -digits : digits;
}

/* Half of the doubles and floats are decimals, some are a few units in the last place beside one,
 * some are anything. */
static uint64_t choose_bits(uint32_t scale, bool is_float, uint64_t *seed)
{
    uint64_t random = test_random(seed), bits = 0;
    double value = (double)choose_digits(seed) / gch__pow10_f64[scale];
    float narrow = (float)value;
    uint32_t narrow_bits;
    memcpy(&narrow_bits, &narrow, sizeof narrow);
    memcpy(&bits, &value, sizeof value);
    if (is_float)
        bits = narrow_bits;
    if (random % 8 == 0)
        bits = test_random(seed);
    else if (random % 8 < 4)
        bits += (random >> 8) % 7 - 3;
    return is_float ? (uint32_t)bits : bits;
}

/* Returns whether the value has digits on the processor; fails if the GPU says otherwise. */
static bool check_digits(uint64_t bits, uint32_t scale, bool is_float, uint64_t out)
{
    double value;
    float narrow;
    int64_t digits = 0;
    memcpy(&value, &bits, sizeof value);
    memcpy(&narrow, &bits, sizeof narrow);
    bool is_decimal = is_float ? gch__decimal_from_f32(narrow, scale, &digits)
                               : gch__decimal_from_f64(value, scale, &digits);
    value = is_float ? (double)narrow : value;
    if (!isfinite(value) || (value == 0 && signbit(value)))
        return false; /* classified before the digits are asked for */
    bool says_so = out >> 32 != UINT32_MAX;
    uint64_t biased = (uint64_t)digits ^ UINT64_C(0x8000000000000000);
    if (says_so != is_decimal || (is_decimal && out != biased))
        fail_msg("%a at scale %u: %d and %lld, on the GPU %llx", value, scale, is_decimal,
                 (long long)digits, (unsigned long long)out);
    return is_decimal;
}

static void digits_are_the_processors_to_the_last_unit(void **state)
{
    (void)state;
    static asked values[VALUES];
    static uint64_t out[2 * VALUES];
    for (uint64_t seed = 11; seed < 19; seed++) {
        uint64_t random = seed, found[2] = {0};
        for (uint32_t i = 0; i < VALUES; i++) {
            values[i].bits = choose_bits(i % 19, i / 19 % 2 == 0, &random);
            values[i].power = (uint64_t)gch__pow10_i64[i % 19];
        }
        find_digits_on_gpu(values, out);
        for (uint32_t i = 0; i < VALUES; i++) {
            found[0] += check_digits(values[i].bits, i % 19, false, out[2 * i]);
            found[1] += check_digits(values[i].bits, i % 19, true, out[2 * i + 1]);
        }
        assert_true(found[0] > VALUES / 8 && found[1] > VALUES / 8);
    }
}

/* ---- columns ---- */

static gch__gpu *make_encode(gch__gpu_encode **out)
{
    gch__gpu *gpu = NULL;
    assert_ok(gch__gpu_make(&(gch__gpu_desc){0}, &gpu, &err));
    assert_ok(gch__gpu_encode_make(gpu, NULL, out, &err));
    return gpu;
}

/* The levels above the headers, from the headers. */
static void check_tree(const gch__gpu_encoded *encoded)
{
    for (uint32_t level = 1; level < encoded->level_count; level++) {
        for (uint32_t i = 0; i < encoded->level_counts[level]; i++) {
            uint64_t min = UINT64_MAX, max = 0;
            uint32_t end = GCH_MIN((i + 1) * GCH_TREE_FANOUT, encoded->level_counts[level - 1]);
            for (uint32_t child = i * GCH_TREE_FANOUT; child < end; child++) {
                const gch__pair64 *wide = encoded->levels[level - 1];
                const gch__pair32 *narrow = encoded->levels[level - 1];
                min = GCH_MIN(min, encoded->is_wide ? wide[child].min : narrow[child].min);
                max = GCH_MAX(max, encoded->is_wide ? wide[child].max : narrow[child].max);
            }
            const gch__pair64 *wide = encoded->levels[level];
            const gch__pair32 *narrow = encoded->levels[level];
            assert_true(min == (encoded->is_wide ? wide[i].min : narrow[i].min));
            assert_true(max == (encoded->is_wide ? wide[i].max : narrow[i].max));
        }
    }
    assert_int_equal(encoded->level_counts[encoded->level_count - 1], 1);
}

/* Blocks, headers and gaps against those of the store. Returns how many blocks do not fit. */
static uint32_t check_blocks(const gch__gpu_encoded *encoded, const gch__column_input *input,
                             gch__key_kind kind)
{
    const gch__kernels *kernels = gch__kernels_get();
    static uint32_t words[8 * 64];
    gch__block_keys block;
    uint32_t misfits = 0;
    uint64_t units = 0;
    int64_t smallest = INT64_MAX;
    for (uint32_t b = 0; b < encoded->block_count; b++) {
        uint32_t row = b * GCH_BLOCK_ROWS, said = encoded->blocks[b], drawn[8];
        uint32_t count = GCH_MIN(encoded->row_count - row, GCH_BLOCK_ROWS);
        bool fits = gch__block_keys_make(kernels, input, kind, row, count, &block);
        assert_int_equal((said & GCH__GPU_BLOCK_IS_MISFIT) == 0, fits);
        if (b % GCH_SUPER_BLOCKS == 0)
            assert_int_equal(encoded->directory[b / GCH_SUPER_BLOCKS], units);
        if (!fits) {
            assert_int_equal(said & GCH__GPU_BLOCK_BITS, 0);
            misfits++;
            continue;
        }
        uint32_t bits = gch__block_pack(kernels, &block, words);
        assert_int_equal(said & GCH__GPU_BLOCK_BITS, bits);
        assert_memory_equal((const uint8_t *)encoded->payload + units * GCH__PAYLOAD_UNIT, words,
                            bits * GCH__PAYLOAD_UNIT);
        assert_int_equal((said & GCH__GPU_BLOCK_HAS_GAPS) != 0, block.has_gaps);
        assert_int_equal((said & GCH__GPU_BLOCK_IS_ODD) != 0, block.has_exceptions);
        assert_int_equal(said / GCH__GPU_BLOCK_ZERO, block.negative_zero_count);
        gch__block_drawn(&block, count, drawn);
        if ((encoded->notes & GCH__GPU_BLOCK_HAS_GAPS) != 0)
            assert_memory_equal(encoded->bitmaps + (size_t)b * 8, drawn, sizeof drawn);
        units += bits;
        smallest = GCH_MIN(smallest, block.min);
        const gch__pair64 *wide = encoded->levels[0];
        const gch__pair32 *narrow = encoded->levels[0];
        uint64_t min = encoded->is_wide ? wide[b].min : narrow[b].min;
        uint64_t max = encoded->is_wide ? wide[b].max : narrow[b].max;
        if (block.min <= block.max) {
            assert_true(encoded->base + min == (uint64_t)block.min);
            assert_true(encoded->base + max == (uint64_t)block.max);
        } else {
            assert_true(min > max);
        }
    }
    assert_int_equal(encoded->payload_bytes, units * GCH__PAYLOAD_UNIT);
    if (smallest != INT64_MAX)
        assert_true(encoded->base == (uint64_t)smallest);
    return misfits;
}

static void every_array_is_the_stores(void **state)
{
    (void)state;
    gch__gpu_encode *encode = NULL;
    gch__gpu *gpu = make_encode(&encode);
    gch__gpu_encoded encoded = {0};
    uint64_t seed = 3;
    uint32_t case_count = 0, misfit_count = 0, wide_count = 0;
    for (gch_type type = GCH_TYPE_I8; type <= GCH_TYPE_F64; type++) {
        for (uint32_t s = 0; s < SHAPE_COUNT; s++) {
            for (uint32_t repeat = 0; repeat < 3; repeat++) {
                size_t row_count =
                    column_lengths[test_random(&seed) % GCH_COUNT_OF(column_lengths)];
                uint32_t digits = (uint32_t)(test_random(&seed) % 10);
                uint8_t *values = alloc_values(row_count);
                fill(values, type, s, digits, row_count, &seed);
                gch__column_input input = {.type = type, .values = values};
                gch__key_kind kind = {.kind = GCH_VALUE_DECIMAL};
                if (is_float(type) && repeat < 2)
                    kind.scale = digits;
                if (is_float(type) && (repeat == 2 || s == SHAPE_NOISE))
                    kind = gch__kind_float(type);
                assert_ok(gch__gpu_encode_load(encode, type, values, (uint32_t)row_count, &err));
                assert_ok(gch__gpu_encode_run(encode, kind, &err));
                assert_ok(gch__gpu_encode_fetch(encode, &encoded, &err));
                misfit_count += check_blocks(&encoded, &input, kind) > 0;
                check_tree(&encoded);
                wide_count += encoded.is_wide;
                case_count++;
                free(values);
            }
        }
    }
    assert_true(case_count >= 200 && misfit_count > 4 && wide_count > 10);
    gch__gpu_encoded_reset(&encoded);
    gch__gpu_encode_destroy(encode);
    gch__gpu_destroy(gpu);
}

/* More workgroups than one row of a dispatch has, and an upload that goes through the ring twice.
 */
static void a_batch_of_many_blocks_is_whole(void **state)
{
    (void)state;
    gch__gpu_encode *encode = NULL;
    gch__gpu *gpu = make_encode(&encode);
    gch__gpu_encoded encoded = {0};
    const uint32_t row_count = 33000 * GCH_BLOCK_ROWS + 5;
    uint16_t *values = malloc((size_t)row_count * sizeof *values);
    uint64_t seed = 43;
    assert_non_null(values);
    for (uint32_t row = 0; row < row_count; row++)
        values[row] = (uint16_t)(test_random(&seed) % (2u << row / GCH_BLOCK_ROWS % 16));
    const gch__column_input input = {.type = GCH_TYPE_U16, .values = (const uint8_t *)values};
    const gch__key_kind kind = {.kind = GCH_VALUE_DECIMAL};
    assert_ok(gch__gpu_encode_load(encode, GCH_TYPE_U16, values, row_count, &err));
    assert_ok(gch__gpu_encode_run(encode, kind, &err));
    assert_ok(gch__gpu_encode_fetch(encode, &encoded, &err));
    assert_int_equal(check_blocks(&encoded, &input, kind), 0);
    check_tree(&encoded);
    free(values);
    gch__gpu_encoded_reset(&encoded);
    gch__gpu_encode_destroy(encode);
    gch__gpu_destroy(gpu);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    gch__gpu_encode *encode = NULL;
    gch__gpu *gpu = make_encode(&encode);
    double values[4] = {0};
    assert_int_equal(gch__gpu_encode_run(encode, (gch__key_kind){GCH_VALUE_F64, 0}, &err),
                     GCH_INVALID);
    assert_int_equal(gch__gpu_encode_load(encode, GCH_TYPE_F64, values, 0, &err), GCH_INVALID);
    assert_int_equal(gch__gpu_encode_load(encode, GCH_TYPE_DECIMAL, values, 4, &err), GCH_INVALID);
    assert_int_equal(
        gch__gpu_encode_load(encode, GCH_TYPE_F64, values, GCH__GPU_ENCODE_ROWS_MAX + 1, &err),
        GCH_INVALID);
    assert_ok(gch__gpu_encode_load(encode, GCH_TYPE_F64, values, 4, &err));
    assert_int_equal(gch__gpu_encode_run(encode, (gch__key_kind){GCH_VALUE_F32, 0}, &err),
                     GCH_INVALID);
    assert_int_equal(gch__gpu_encode_run(encode, (gch__key_kind){GCH_VALUE_DECIMAL, 19}, &err),
                     GCH_INVALID);
    assert_ok(gch__gpu_encode_run(encode, (gch__key_kind){GCH_VALUE_DECIMAL, 18}, &err));
    gch__gpu_encode_destroy(encode);
    gch__gpu_destroy(gpu);
}

/* ---- times ---- */

/* Lines, residuals and first units against those of the store. */
static void check_times(const gch__gpu_encoded_times *encoded, const int64_t *times, int64_t origin,
                        uint64_t unit)
{
    static uint32_t words[8 * 64];
    uint64_t units = 0, super_first = 0;
    for (uint32_t b = 0; b < encoded->block_count; b++) {
        uint32_t row = b * GCH_BLOCK_ROWS;
        if (b % GCH_SUPER_BLOCKS == 0) {
            uint32_t super = b / GCH_SUPER_BLOCKS;
            super_first = (uint64_t)times[row];
            assert_int_equal(encoded->directory[super], units);
            assert_true(encoded->supers[super] == (super_first - (uint64_t)origin) / unit);
        }
        gch__time_line line = gch__time_encode_block(
            gch__kernels_get(), times + row, GCH_MIN(encoded->row_count - row, GCH_BLOCK_ROWS),
            super_first, unit, words);
        assert_memory_equal(&encoded->lines[b], &line, sizeof line);
        assert_memory_equal((const uint8_t *)encoded->payload + units * GCH__PAYLOAD_UNIT, words,
                            line.bits * GCH__PAYLOAD_UNIT);
        units += line.bits;
    }
    assert_int_equal(encoded->payload_bytes, units * GCH__PAYLOAD_UNIT);
}

static void lines_and_residuals_are_the_stores(void **state)
{
    (void)state;
    gch__gpu_encode *encode = NULL;
    gch__gpu *gpu = make_encode(&encode);
    gch__gpu_encoded_times encoded = {0};
    uint64_t seed = 31;
    uint32_t widths[65] = {0}, width_count = 0;
    for (uint32_t i = 0; i < 200; i++) {
        size_t row_count = column_lengths[test_random(&seed) % (GCH_COUNT_OF(column_lengths) - 1)];
        int64_t unit = (int64_t)(test_random(&seed) % 3 == 0 ? 1 : 1 + test_random(&seed) % 5000);
        int64_t *times = (int64_t *)(void *)alloc_values(row_count);
        fill_irregular(times, row_count, unit, &seed);
        int64_t origin = times[0] - (times[0] > INT64_MIN + 8 * unit ? 7 * unit : 0);
        assert_ok(gch__gpu_encode_load(encode, GCH_TYPE_I64, times, (uint32_t)row_count, &err));
        assert_ok(gch__gpu_encode_run_times(encode, origin, (uint64_t)unit, &err));
        assert_ok(gch__gpu_encode_fetch_times(encode, &encoded, &err));
        check_times(&encoded, times, origin, (uint64_t)unit);
        for (uint32_t b = 0; b < encoded.block_count; b++)
            widths[encoded.lines[b].bits]++;
        free(times);
    }
    for (uint32_t bits = 0; bits <= 64; bits++)
        width_count += widths[bits] > 0;
    assert_true(width_count > 30 && widths[0] > 0 && widths[62] + widths[63] + widths[64] > 0);
    gch__gpu_encoded_times_reset(&encoded);
    gch__gpu_encode_destroy(encode);
    gch__gpu_destroy(gpu);
}

static void narrow_times_are_as_good_as_wide_ones(void **state)
{
    (void)state;
    gch__gpu_encode *encode = NULL;
    gch__gpu *gpu = make_encode(&encode);
    gch__gpu_encoded_times encoded = {0};
    static uint32_t narrow[5000];
    static int64_t wide[5000];
    uint64_t seed = 37;
    for (uint32_t is_signed = 0; is_signed < 2; is_signed++) {
        uint32_t time = is_signed ? 0x80000005u : 0xF0000000u;
        for (size_t row = 0; row < GCH_COUNT_OF(wide); row++) {
            narrow[row] = time;
            wide[row] = is_signed ? (int32_t)time : (int64_t)time;
            time += (uint32_t)(test_random(&seed) % (is_signed ? 800000 : 50000));
        }
        assert_ok(gch__gpu_encode_load(encode, is_signed ? GCH_TYPE_I32 : GCH_TYPE_U32, narrow,
                                       GCH_COUNT_OF(wide), &err));
        assert_ok(gch__gpu_encode_run_times(encode, wide[0], 1, &err));
        assert_ok(gch__gpu_encode_fetch_times(encode, &encoded, &err));
        check_times(&encoded, wide, wide[0], 1);
    }
    gch__gpu_encoded_times_reset(&encoded);
    gch__gpu_encode_destroy(encode);
    gch__gpu_destroy(gpu);
}

static void regular_groups_are_found(void **state)
{
    (void)state;
    gch__gpu_encode *encode = NULL;
    gch__gpu *gpu = make_encode(&encode);
    enum { GROUPS = 6, ROWS = (GROUPS - 1) * GCH__GPU_STEP_ROWS + 1 };
    static int64_t times[ROWS];
    gch__gpu_step steps[GROUPS];
    for (uint32_t row = 0; row < ROWS; row++)
        times[row] = -7 + (int64_t)row * (INT64_C(1) << 40);
    times[GCH__GPU_STEP_ROWS + 1]++;                               /* the first step */
    times[3 * GCH__GPU_STEP_ROWS - 1]++;                           /* the last row */
    for (uint32_t row = 3 * GCH__GPU_STEP_ROWS; row < ROWS; row++) /* the step into a group */
        times[row] += 12;
    assert_ok(gch__gpu_encode_load(encode, GCH_TYPE_I64, times, ROWS, &err));
    assert_ok(gch__gpu_encode_steps(encode, steps, &err));
    static const uint32_t is_regular[GROUPS] = {1, 0, 0, 1, 1, 0};
    for (uint32_t group = 0; group < GROUPS; group++) {
        assert_int_equal(steps[group].is_regular, is_regular[group]);
        if (is_regular[group])
            assert_true(steps[group].step == UINT64_C(1) << 40);
    }
    assert_ok(gch__gpu_encode_load(encode, GCH_TYPE_F64, times, 2, &err));
    assert_int_equal(gch__gpu_encode_steps(encode, steps, &err), GCH_INVALID);
    gch__gpu_encode_destroy(encode);
    gch__gpu_destroy(gpu);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constants_and_fields_are_those_of_the_shader),
        cmocka_unit_test(digits_are_the_processors_to_the_last_unit),
        cmocka_unit_test(every_array_is_the_stores),
        cmocka_unit_test(a_batch_of_many_blocks_is_whole),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(lines_and_residuals_are_the_stores),
        cmocka_unit_test(narrow_times_are_as_good_as_wide_ones),
        cmocka_unit_test(regular_groups_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
