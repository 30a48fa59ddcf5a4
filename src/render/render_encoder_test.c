/* Files that the GPU encodes, byte by byte those that the writer encodes itself, whatever happens
 * to the device on the way. */
#include "gch/encoder.h"
#include "render_gpu_encode.h"
#include "render_gpu_encode_test.h"

static gch_error err;

/* Loads of the device left before one fails. */
static int32_t loads_left = INT32_MAX;

gch_status __real_gch__gpu_encode_load(gch__gpu_encode *encode, gch_type type, const void *values,
                                       uint32_t row_count, gch_error *error);
gch_status __wrap_gch__gpu_encode_load(gch__gpu_encode *encode, gch_type type, const void *values,
                                       uint32_t row_count, gch_error *error);

gch_status __wrap_gch__gpu_encode_load(gch__gpu_encode *encode, gch_type type, const void *values,
                                       uint32_t row_count, gch_error *error)
{
    if (loads_left-- <= 0)
        return gch_fail(error, GCH_DEVICE_LOST, "lost, says the test");
    return __real_gch__gpu_encode_load(encode, type, values, row_count, error);
}

#define COLUMNS_CAP 4u

typedef struct rows {
    size_t row_count;
    int64_t *times;
    uint32_t column_count;
    gch_type types[COLUMNS_CAP];
    uint8_t *values[COLUMNS_CAP];
    size_t append_rows; /* a call */
    gch_preset preset;
} rows;

typedef struct image {
    void *bytes;
    size_t count;
} image;

static image write_rows(const rows *r, gch_encoder *encoder)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    gch_column_desc columns[COLUMNS_CAP];
    gch_writer *writer = NULL;
    image made = {0};
    for (uint32_t c = 0; c < r->column_count; c++)
        columns[c] = (gch_column_desc){.name = names[c], .type = r->types[c]};
    gch_writer_desc desc = {.time_unit = GCH_TIME_MS,
                            .columns = columns,
                            .column_count = r->column_count,
                            .preset = r->preset,
                            .encoder = encoder};
    if (r->preset == GCH_PRESET_TOLERANCE)
        desc.tolerance = (gch_decimal){2, -2};
    assert_ok(gch_writer_create_memory(&desc, &writer, &err));
    for (size_t from = 0; from < r->row_count; from += r->append_rows) {
        gch_column_data data[COLUMNS_CAP];
        for (uint32_t c = 0; c < r->column_count; c++)
            data[c] =
                (gch_column_data){.values = r->values[c] + from * gch_type_bytes(r->types[c])};
        assert_ok(gch_writer_append(writer, r->times + from, data,
                                    GCH_MIN(r->append_rows, r->row_count - from), &err));
    }
    assert_ok(gch_writer_finish_memory(writer, &made.bytes, &made.count, &err));
    return made;
}

/* Regular, in runs, or irregular. */
static void fill_times(int64_t *times, size_t row_count, uint64_t *seed)
{
    uint64_t how = test_random(seed) % 3;
    int64_t time = -5000, unit = (int64_t)(1 + test_random(seed) % 1000);
    for (size_t row = 0; row < row_count; row++) {
        times[row] = time;
        uint64_t random = test_random(seed);
        time += how == 0   ? unit
                : how == 1 ? (random % 512 == 0 ? 7 : 1) * unit
                           : (int64_t)(random % 9) * unit;
    }
}

static rows make_rows(size_t row_count, uint32_t column_count, uint64_t *seed)
{
    rows r = {.row_count = row_count, .column_count = column_count, .append_rows = row_count};
    r.times = (int64_t *)(void *)alloc_values(row_count);
    fill_times(r.times, row_count, seed);
    for (uint32_t c = 0; c < column_count; c++) {
        uint64_t random = test_random(seed);
        r.types[c] = (gch_type)(random % 9 + 1);
        if (random >> 8 & 1)
            r.types[c] = random >> 9 & 1 ? GCH_TYPE_F32 : GCH_TYPE_F64;
        r.values[c] = alloc_values(row_count);
        fill(r.values[c], r.types[c], (shape)(random >> 16) % SHAPE_COUNT,
             (uint32_t)(random >> 24) % 10, row_count, seed);
    }
    return r;
}

static void free_rows(rows *r)
{
    free(r->times);
    for (uint32_t c = 0; c < r->column_count; c++)
        free(r->values[c]);
}

static void compare_files(const rows *r, gch_encoder *encoder)
{
    uint64_t before = gch_encoder_get_stats(encoder).value_count;
    image own = write_rows(r, NULL), gpu = write_rows(r, encoder);
    assert_int_equal(own.count, gpu.count);
    assert_memory_equal(own.bytes, gpu.bytes, own.count);
    assert_true(gch_encoder_get_stats(encoder).value_count >= before + r->row_count);
    gch_writer_free_memory(own.bytes, NULL);
    gch_writer_free_memory(gpu.bytes, NULL);
}

static void files_are_the_same_to_the_last_byte(void **state)
{
    (void)state;
    gch_encoder *encoder = NULL;
    uint64_t seed = 17;
    assert_ok(gch_encoder_make_gpu(&(gch_encoder_desc){0}, &encoder, &err));
    for (uint32_t i = 0; i < 100; i++) {
        size_t row_count = column_lengths[test_random(&seed) % GCH_COUNT_OF(column_lengths)];
        rows r = make_rows(row_count, 1 + i % COLUMNS_CAP, &seed);
        r.preset = (gch_preset)(i / COLUMNS_CAP % (GCH_PRESET_FAST + 1));
        compare_files(&r, encoder);
        free_rows(&r);
    }
    assert_string_equal(gch_encoder_get_stats(encoder).failure, "");
    assert_true(gch_encoder_get_stats(encoder).time_count > 0);
    gch_encoder_destroy(encoder);
}

/* Chunks from one batch, kinds that turn out too narrow in the middle of one, rows that are staged,
 * and calls that end anywhere. */
static void long_files_are_the_same_however_they_are_appended(void **state)
{
    (void)state;
    gch_encoder *encoder = NULL;
    uint64_t seed = 23;
    assert_ok(gch_encoder_make_gpu(&(gch_encoder_desc){0}, &encoder, &err));
    static const shape shapes[] = {SHAPE_DECIMALS, SHAPE_TURNS, SHAPE_ODD};
    for (uint32_t i = 0; i < GCH_COUNT_OF(shapes); i++) {
        rows r = make_rows(1200000, 1, &seed);
        fill_irregular(r.times, i == 0 ? 0 : r.row_count, i == 1 ? 1000 : 1, &seed);
        if (i == 1) /* a finer unit in the middle */
            for (size_t row = 700000; row < r.row_count; row++)
                r.times[row] += 500;
        r.types[0] = i == 1 ? GCH_TYPE_F32 : GCH_TYPE_F64;
        fill(r.values[0], r.types[0], shapes[i], 2, r.row_count, &seed);
        compare_files(&r, encoder);
        r.append_rows = 700003;
        compare_files(&r, encoder);
        r.preset = i == 0 ? GCH_PRESET_TOLERANCE : GCH_PRESET_FAST;
        compare_files(&r, encoder);
        free_rows(&r);
    }
    gch_encoder_destroy(encoder);
}

static void columns_with_nulls_are_left_to_the_writer(void **state)
{
    (void)state;
    gch_encoder *encoder = NULL;
    gch_writer *writer = NULL;
    uint8_t validity[32];
    int32_t values[256] = {0};
    image made;
    memset(validity, 0xF7, sizeof validity);
    assert_ok(gch_encoder_make_gpu(&(gch_encoder_desc){0}, &encoder, &err));
    gch_column_desc column = {.name = "v", .type = GCH_TYPE_I32};
    gch_writer_desc desc = {
        .time_unit = GCH_TIME_INDEX, .columns = &column, .column_count = 1, .encoder = encoder};
    gch_column_data data = {.values = values, .validity = validity};
    assert_ok(gch_writer_create_memory(&desc, &writer, &err));
    assert_ok(gch_writer_append(writer, NULL, &data, 256, &err));
    assert_ok(gch_writer_finish_memory(writer, &made.bytes, &made.count, &err));
    assert_int_equal(gch_encoder_get_stats(encoder).value_count, 0);
    assert_string_equal(gch_encoder_get_stats(encoder).failure, "");
    gch_writer_free_memory(made.bytes, NULL);
    gch_encoder_destroy(encoder);
}

/* A device that fails at any of its trips is given up, and the file is the same. */
static void a_lost_device_costs_nothing_but_itself(void **state)
{
    (void)state;
    uint64_t seed = 29;
    rows r = make_rows(600000, 2, &seed);
    fill_irregular(r.times, r.row_count, 3, &seed);
    r.append_rows = 300001;
    image own = write_rows(&r, NULL);
    bool was_whole = false;
    for (int32_t loads = 0; !was_whole; loads++) {
        gch_encoder *encoder = NULL;
        assert_ok(gch_encoder_make_gpu(&(gch_encoder_desc){0}, &encoder, &err));
        loads_left = loads;
        image gpu = write_rows(&r, encoder);
        gch_encoder_stats stats = gch_encoder_get_stats(encoder);
        was_whole = stats.failure[0] == 0;
        if (!was_whole)
            assert_string_equal(stats.failure, "lost, says the test");
        assert_true(stats.value_count <= 2 * r.row_count);
        assert_int_equal(own.count, gpu.count);
        assert_memory_equal(own.bytes, gpu.bytes, own.count);
        gch_writer_free_memory(gpu.bytes, NULL);
        gch_encoder_destroy(encoder);
        assert_in_range(loads, 0, 100);
    }
    loads_left = INT32_MAX;
    gch_writer_free_memory(own.bytes, NULL);
    free_rows(&r);
}

/* The writer encodes the first chunk, and then all if the GPU is known to be slower. */
static void an_encoder_on_trial_has_to_be_faster(void **state)
{
    (void)state;
    uint64_t seed = 41;
    rows r = make_rows(900000, 1, &seed);
    for (uint32_t is_slow = 0; is_slow < 2; is_slow++) {
        gch_encoder *encoder = NULL;
        assert_ok(gch_encoder_make_gpu(&(gch_encoder_desc){0}, &encoder, &err));
        encoder->is_on_trial = true;
        encoder->ns_per_value = is_slow ? 1e9 : 0;
        image own = write_rows(&r, NULL), gpu = write_rows(&r, encoder);
        assert_int_equal(own.count, gpu.count);
        assert_memory_equal(own.bytes, gpu.bytes, own.count);
        uint64_t taken = gch_encoder_get_stats(encoder).value_count;
        assert_true(is_slow ? taken == 0 : taken > 0 && taken <= r.row_count - (1u << 18));
        gch_writer_free_memory(own.bytes, NULL);
        gch_writer_free_memory(gpu.bytes, NULL);
        gch_encoder_destroy(encoder);
    }
    free_rows(&r);
}

static void a_software_adapter_is_no_candidate(void **state)
{
    (void)state;
    gch__gpu *gpu = NULL;
    gch_encoder *encoder = NULL;
    assert_ok(gch__gpu_make(&(gch__gpu_desc){0}, &gpu, &err));
    bool is_discrete = gch__gpu_get_info(gpu)->kind == GCH__GPU_DISCRETE;
    gch__gpu_destroy(gpu);
    gch_status status =
        gch_encoder_make_gpu(&(gch_encoder_desc){.only_if_faster = true}, &encoder, &err);
    assert_int_equal(status, is_discrete ? GCH_OK : GCH_UNSUPPORTED);
    if (!is_discrete)
        assert_non_null(strstr(err.message, "no discrete GPU"));
    gch_encoder_destroy(encoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_the_same_to_the_last_byte),
        cmocka_unit_test(long_files_are_the_same_however_they_are_appended),
        cmocka_unit_test(columns_with_nulls_are_left_to_the_writer),
        cmocka_unit_test(a_lost_device_costs_nothing_but_itself),
        cmocka_unit_test(an_encoder_on_trial_has_to_be_faster),
        cmocka_unit_test(a_software_adapter_is_no_candidate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
