/* Presets: that a tolerance holds for real numbers, that `fast` is lossless, and what files say.
 *
 * Distances are compared as GMP rationals: neither the store's arithmetic nor any rounding has a
 * part in the verdict. */
#include "store_live.h"
#include "store_test_data.h"
#include "test_memory.h"

#include <float.h>
#include <gmp.h>
#include <math.h>
#include <unistd.h>

static gch_error err;

/* ---- exact distances ---- */

static void set_power(mpq_t out, int exp10)
{
    mpz_ui_pow_ui(mpq_numref(out), 10, exp10 > 0 ? (unsigned long)exp10 : 0);
    mpz_ui_pow_ui(mpq_denref(out), 10, exp10 < 0 ? (unsigned long)-exp10 : 0);
}

static void set_decimal(mpq_t out, int64_t digits, int exp10)
{
    mpq_t power;
    mpq_init(power);
    set_power(power, exp10);
    mpq_set_si(out, digits, 1);
    mpq_mul(out, out, power);
    mpq_clear(power);
}

static void set_given(mpq_t out, const data_column *column, size_t row)
{
    uint64_t bits = data_get_bits(column, row);
    float narrow;
    double wide;
    if (column->type == GCH_TYPE_F32) {
        uint32_t low = (uint32_t)bits;
        memcpy(&narrow, &low, sizeof narrow);
        mpq_set_d(out, (double)narrow);
    } else if (column->type == GCH_TYPE_F64 ||
               (column->scales != NULL && column->scales[row] == GCH_SCALE_F64)) {
        memcpy(&wide, &bits, sizeof wide);
        mpq_set_d(out, wide);
    } else {
        set_decimal(out, (int64_t)bits, column->scales != NULL ? -column->scales[row] : 0);
    }
}

static bool is_within(mpq_t given, mpq_t stored, mpq_t tolerance)
{
    mpq_sub(given, given, stored);
    mpq_abs(given, given);
    return mpq_cmp(given, tolerance) <= 0;
}

/* Whether the stored value, and a float of the column's type made from it, are near enough, or that
 * float is the one given (whose shortest decimal need not be near by such a measure). */
static bool is_near(const data_column *column, size_t row, gch_value got, mpq_t tolerance)
{
    if (column->type != GCH_TYPE_DECIMAL && data_is_same(column, row, got))
        return true;
    mpq_t given, stored;
    mpq_inits(given, stored, NULL);
    set_given(given, column, row);
    if (got.kind == GCH_VALUE_DECIMAL)
        set_decimal(stored, got.as.digits, -got.scale);
    else
        mpq_set_d(stored, gch_value_to_double(got));
    if (column->type == GCH_TYPE_DECIMAL && got.kind == GCH_VALUE_F64) {
        /* Text that has become doubles: each is the nearest one of a decimal that is near. */
        mpq_t half;
        mpq_init(half);
        mpq_set_d(half, fabs(got.as.f64) * 0x1p-53);
        mpq_add(half, half, tolerance);
        bool is_half = is_within(given, stored, half);
        mpq_clears(half, given, stored, NULL);
        return is_half;
    }
    bool is_fine = is_within(given, stored, tolerance);
    if (column->type == GCH_TYPE_F32 || column->type == GCH_TYPE_F64) {
        double decoded = got.kind == GCH_VALUE_DECIMAL
                             ? (double)got.as.digits / data_pow10(got.scale)
                             : gch_value_to_double(got);
        mpq_set_d(stored, column->type == GCH_TYPE_F32 ? (double)(float)decoded : decoded);
        set_given(given, column, row);
        is_fine = is_fine && is_within(given, stored, tolerance);
    }
    mpq_clears(given, stored, NULL);
    return is_fine;
}

/* A value that a tolerance leaves alone: none, NaN, infinite. */
static bool is_kept(const data_column *column, size_t row)
{
    uint64_t bits = data_get_bits(column, row);
    if (!data_is_valid(column, row))
        return true;
    if (column->type == GCH_TYPE_F32)
        return (bits & 0x7F800000u) == 0x7F800000u;
    if (column->type == GCH_TYPE_F64 ||
        (column->scales != NULL && column->scales[row] == GCH_SCALE_F64))
        return (bits & 0x7FF0000000000000u) == 0x7FF0000000000000u;
    return column->type != GCH_TYPE_DECIMAL;
}

/* ---- rows ---- */

static const double specials[] = {0.0,
                                  -0.0,
                                  INFINITY,
                                  -INFINITY,
                                  NAN,
                                  DBL_MAX,
                                  -DBL_MAX,
                                  FLT_MAX,
                                  DBL_MIN,
                                  5e-324,
                                  -5e-324,
                                  1e-45,
                                  0.125,
                                  0.375,
                                  -0.625,
                                  0.005,
                                  -0.015,
                                  1e15,
                                  4503599627370496.5,
                                  2251799813685248.0,
                                  2251799813685247.5,
                                  -2251799813685248.0,
                                  0.5,
                                  1.5,
                                  2.5,
                                  16777216,
                                  16777217,
                                  0.1,
                                  1.005,
                                  1e18,
                                  -1e19,
                                  1e-18,
                                  5e-19,
                                  0.49999999999999994,
                                  0.50000000000000011};

static double draw_double(uint64_t *seed, int shape)
{
    uint64_t bits = test_random(seed);
    double value;
    switch (shape) {
    case 0: /* any bits at all */
        memcpy(&value, &bits, sizeof value);
        return value;
    case 1: /* full mantissas about 1000 */
        return 1000 + (double)(bits >> 11) * 0x1p-50;
    case 2: /* three decimals: half of them ties at a tolerance of 0.005 */
        return (double)((int64_t)(bits % 2000001) - 1000000) / 1000;
    case 3: /* about 0 */
        return ((double)(bits >> 11) * 0x1p-53 - 0.5) * 0x1p-8;
    case 4: /* dyadic ties */
        return (double)((int64_t)(bits % 4096) - 2048) / 64;
    default:
        return specials[bits % GCH_COUNT_OF(specials)];
    }
}

#define SHAPES 7

static void fill_floats(data *d, data_column *column, uint64_t *seed, int shape)
{
    for (size_t row = 0; row < d->row_count; row++) {
        double value = draw_double(seed, shape == 6 ? (int)(test_random(seed) % 6) : shape);
        if (column->type == GCH_TYPE_F32)
            data_set_float(column, row, (float)value);
        else
            data_set_double(column, row, value);
        if (shape == 6 && test_random(seed) % 16 == 0)
            data_set_null(d, column, row);
    }
}

/* Numbers of text with any scale, and doubles where they have too many digits. */
static void fill_text(data *d, data_column *column, uint64_t *seed, int shape)
{
    for (size_t row = 0; row < d->row_count; row++) {
        uint64_t bits = test_random(seed);
        int64_t digits = shape == 0 ? (int64_t)bits : (int64_t)(bits % 2000001) - 1000000;
        column->scales[row] = (int8_t)(shape == 2 ? 3 : test_random(seed) % 37 - 18);
        if (shape >= 5 && test_random(seed) % 4 == 0) {
            double value = draw_double(seed, 5);
            memcpy(&digits, &value, sizeof digits);
            column->scales[row] = GCH_SCALE_F64;
        }
        data_set_bits(column, row, (uint64_t)digits);
    }
}

/* Columns f64, f32, decimal, i64. */
static data make_rows(size_t row_count, uint64_t seed, int shape)
{
    data d = data_make(row_count);
    fill_floats(&d, data_add(&d, GCH_TYPE_F64), &seed, shape);
    fill_floats(&d, data_add(&d, GCH_TYPE_F32), &seed, shape);
    fill_text(&d, data_add(&d, GCH_TYPE_DECIMAL), &seed, shape);
    data_column *whole = data_add(&d, GCH_TYPE_I64);
    for (size_t row = 0; row < row_count; row++)
        data_set_bits(whole, row, test_random(&seed) >> (shape * 8));
    return d;
}

static test_image write_image(const data *d, gch_writer_desc *desc, size_t part)
{
    gch_writer *writer = NULL;
    test_image out = {0};
    assert_ok(gch_writer_create_memory(desc, &writer, &err));
    for (size_t row = 0; row < d->row_count; row += part)
        assert_ok(data_append(d, writer, row, GCH_MIN(part, d->row_count - row), &err));
    assert_ok(gch_writer_finish_memory(writer, &out.bytes, &out.count, &err));
    assert_ok(gch__file_open_memory(out.bytes, out.count, "image", NULL, &out.file, &err));
    return out;
}

/* Every value of the file is near what was given, or is it. */
static void check_near(const data *d, const gch_file *file)
{
    gch_value *values = malloc(d->row_count * sizeof *values);
    mpq_t tolerance;
    mpq_init(tolerance);
    assert_non_null(values);
    for (uint32_t c = 0; c < d->column_count; c++) {
        const data_column *column = &d->columns[c];
        const gch_column_info *info = &gch_file_get_info(file)->columns[c];
        set_decimal(tolerance, info->tolerance.digits, info->tolerance.exp10);
        assert_ok(gch_file_read_values(file, c, 0, d->row_count, values, &err));
        for (size_t row = 0; row < d->row_count; row++) {
            bool is_fine = is_kept(column, row) || info->tolerance.digits == 0
                               ? data_is_same(column, row, values[row])
                               : is_near(column, row, values[row], tolerance);
            if (!is_fine)
                fail_msg("column %u (%s), row %zu: %.17g for bits %llx", c,
                         gch_type_name(column->type), row, gch_value_to_double(values[row]),
                         (unsigned long long)data_get_bits(column, row));
        }
    }
    mpq_clear(tolerance);
    free(values);
    assert_ok(gch_file_verify(file, NULL, NULL, &err));
}

/* ---- tolerances ---- */

static const char *const tolerances[] = {"0.005", "0.5",   "0.001", "0.007", "1e-9", "5e-19",
                                         "4e-19", "1e-30", "5",     "1234",  "1e18", "1e300",
                                         "1e400", "0.25",  "0.05",  "3e-4"};

static gch_decimal decimal_of(const char *text)
{
    gch_decimal out;
    assert_true(gch_decimal_parse(text, strlen(text), &out));
    return out;
}

static void every_value_stays_within_the_tolerance(void **state)
{
    (void)state;
    uint64_t cases = 0;
    for (size_t t = 0; t < GCH_COUNT_OF(tolerances); t++) {
        for (int shape = 0; shape < SHAPES; shape++, cases++) {
            data d = make_rows(2500, t * 100 + (uint64_t)shape + 1, shape);
            gch_column_desc columns[DATA_COLUMNS_CAP];
            gch_writer_desc desc = data_desc(&d, columns, NULL);
            desc.preset = GCH_PRESET_TOLERANCE;
            desc.tolerance = decimal_of(tolerances[t]);
            test_image image = write_image(&d, &desc, cases % 2 == 0 ? d.row_count : 800);
            check_near(&d, image.file);
            image_free(&image);
            data_free(&d);
        }
    }
}

/* Chunks that go straight from the caller's arrays, misaligned too, round as staged rows do. */
static void whole_chunks_and_staged_rows_give_the_same_file(void **state)
{
    (void)state;
    gch_workers *workers = NULL;
    assert_ok(gch_workers_make(3, NULL, &workers, &err));
    data d = make_rows(600000, 5, 1);
    gch_column_desc columns[DATA_COLUMNS_CAP];
    gch_writer_desc desc = data_desc(&d, columns, workers);
    desc.preset = GCH_PRESET_TOLERANCE;
    desc.tolerance = decimal_of("0.02");
    test_image whole = write_image(&d, &desc, d.row_count);
    desc.workers = NULL;
    test_image parts = write_image(&d, &desc, 99992);
    assert_int_equal(whole.count, parts.count);
    assert_memory_equal(whole.bytes, parts.bytes, whole.count);
    check_near(&d, whole.file);
    image_free(&whole);
    image_free(&parts);
    data_free(&d);
    gch_workers_destroy(workers);
}

static double bytes_a_value(const gch_file *file, uint32_t column)
{
    const gch_file_info *info = gch_file_get_info(file);
    return (double)info->columns[column].bytes.payload / (double)info->row_count;
}

static void noise_becomes_decimals_of_the_step(void **state)
{
    (void)state;
    data d = data_make(20000);
    data_column *wide = data_add(&d, GCH_TYPE_F64), *narrow = data_add(&d, GCH_TYPE_F32);
    uint64_t seed = 3;
    for (size_t row = 0; row < d.row_count; row++) {
        double value = (double)(test_random(&seed) >> 11) * 0x1p-53; /* [0, 1) */
        data_set_double(wide, row, value);
        data_set_float(narrow, row, (float)value);
    }
    gch_column_desc columns[DATA_COLUMNS_CAP];
    gch_writer_desc desc = data_desc(&d, columns, NULL);
    test_image exact = write_image(&d, &desc, d.row_count);
    assert_true(bytes_a_value(exact.file, 0) > 6);
    desc.preset = GCH_PRESET_TOLERANCE;
    desc.tolerance = decimal_of("0.005");
    test_image near = write_image(&d, &desc, d.row_count);
    for (uint32_t c = 0; c < 2; c++) {
        const gch_column_info *info = &gch_file_get_info(near.file)->columns[c];
        assert_int_equal(info->kind, GCH_VALUE_DECIMAL);
        assert_int_equal(info->scale, 2);
        assert_true(bytes_a_value(near.file, c) < 0.9); /* 7 bits for 0 to 100 */
    }
    check_near(&d, near.file);
    image_free(&exact);
    image_free(&near);
    data_free(&d);
}

static void negative_zero_becomes_zero(void **state)
{
    (void)state;
    data d = data_make(300);
    data_column *column = data_add(&d, GCH_TYPE_F64);
    for (size_t row = 0; row < d.row_count; row++)
        data_set_double(column, row, row % 3 == 0 ? -0.0 : row % 3 == 1 ? -0.004 : 7);
    gch_column_desc columns[DATA_COLUMNS_CAP];
    gch_writer_desc desc = data_desc(&d, columns, NULL);
    desc.preset = GCH_PRESET_TOLERANCE;
    desc.tolerance = decimal_of("0.01");
    test_image image = write_image(&d, &desc, d.row_count);
    assert_int_equal(gch_file_get_info(image.file)->columns[0].exception_count, 0);
    check_near(&d, image.file);
    image_free(&image);
    data_free(&d);
}

static void text_keeps_the_decimals_it_has_left(void **state)
{
    (void)state;
    data d = data_make(400);
    data_column *column = data_add(&d, GCH_TYPE_DECIMAL);
    for (size_t row = 0; row < d.row_count; row++) {
        data_set_bits(column, row, 1000 + row * 137);
        column->scales[row] = 4;
    }
    gch_column_desc columns[DATA_COLUMNS_CAP];
    gch_writer_desc desc = data_desc(&d, columns, NULL);
    desc.preset = GCH_PRESET_TOLERANCE;
    desc.tolerance = decimal_of("0.005");
    test_image image = write_image(&d, &desc, d.row_count);
    assert_int_equal(gch_file_get_info(image.file)->columns[0].scale, 2);
    assert_true(gch_file_get_info(image.file)->columns[0].fixed_decimals);
    check_near(&d, image.file);
    image_free(&image);
    data_free(&d);
}

static void columns_have_tolerances_of_their_own(void **state)
{
    (void)state;
    data d = make_rows(3000, 9, 1);
    gch_column_desc columns[DATA_COLUMNS_CAP];
    gch_writer_desc desc = data_desc(&d, columns, NULL);
    desc.preset = GCH_PRESET_TOLERANCE;
    const gch_decimal own[4] = {[1] = decimal_of("0.50")};
    desc.column_tolerances = own;
    test_image image = write_image(&d, &desc, d.row_count);
    const gch_file_info *info = gch_file_get_info(image.file);
    assert_string_equal(info->preset, "tolerance=1:0.5");
    assert_int_equal(info->columns[0].tolerance.digits, 0);
    assert_int_equal(info->columns[1].scale, 0);
    check_near(&d, image.file);
    image_free(&image);
    desc.tolerance = decimal_of("1e-3");
    image = write_image(&d, &desc, d.row_count);
    info = gch_file_get_info(image.file);
    assert_string_equal(info->preset, "tolerance=0.001 tolerance=1:0.5");
    assert_int_equal(info->columns[0].scale, 3);
    assert_int_equal(info->columns[1].scale, 0);
    assert_int_equal(info->columns[3].tolerance.digits, 0); /* integers */
    check_near(&d, image.file);
    image_free(&image);
    data_free(&d);
}

static void tolerances_that_are_none_are_refused(void **state)
{
    (void)state;
    gch_writer *writer = NULL;
    const struct {
        gch_preset preset;
        gch_decimal all, own;
        gch_type type;
    } cases[] = {
        {GCH_PRESET_TOLERANCE, {0}, {0}, GCH_TYPE_F64},
        {GCH_PRESET_TOLERANCE, {-5, -3}, {0}, GCH_TYPE_F64},
        {GCH_PRESET_TOLERANCE, {5, -3}, {-1, 0}, GCH_TYPE_F64},
        {GCH_PRESET_TOLERANCE, {5, 401}, {0}, GCH_TYPE_F64},
        {GCH_PRESET_TOLERANCE, {5, INT32_MIN}, {0}, GCH_TYPE_F64},
        {GCH_PRESET_TOLERANCE, {0}, {5, -3}, GCH_TYPE_I16},
        {GCH_PRESET_DEFAULT, {5, -3}, {0}, GCH_TYPE_F64},
        {GCH_PRESET_LOSSLESS, {0}, {5, -3}, GCH_TYPE_F64},
        {GCH_PRESET_FAST, {5, -3}, {0}, GCH_TYPE_F64},
        {(gch_preset)4, {0}, {0}, GCH_TYPE_F64},
    };
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        gch_column_desc column = {.name = "v", .type = cases[i].type};
        gch_writer_desc desc = {.time_unit = GCH_TIME_S,
                                .columns = &column,
                                .column_count = 1,
                                .preset = cases[i].preset,
                                .tolerance = cases[i].all,
                                .column_tolerances = &cases[i].own};
        assert_status(gch_writer_create_memory(&desc, &writer, &err), GCH_INVALID);
    }
}

/* ---- fast ---- */

static void fast_files_give_every_bit_back(void **state)
{
    (void)state;
    gch_workers *workers = NULL;
    assert_ok(gch_workers_make(2, NULL, &workers, &err));
    static const size_t parts[SHAPES] = {600000, 7000, 65536, 17000, 300000, 16384, 40000};
    for (int shape = 0; shape < SHAPES; shape++) {
        data d = make_rows(shape == 0 ? 600000 : 150000, 70 + (uint64_t)shape, shape);
        gch_column_desc columns[DATA_COLUMNS_CAP];
        gch_writer_desc desc = data_desc(&d, columns, shape % 2 == 0 ? workers : NULL);
        desc.preset = GCH_PRESET_FAST;
        test_image image = write_image(&d, &desc, parts[shape]);
        assert_string_equal(gch_file_get_info(image.file)->preset, "fast");
        data_check(&d, image.file);
        image_free(&image);
        data_free(&d);
    }
    gch_workers_destroy(workers);
}

/* A later block needs more decimals than the few that were looked at. */
static void fast_files_widen_too(void **state)
{
    (void)state;
    data d = data_make(100000);
    data_column *column = data_add(&d, GCH_TYPE_F64);
    for (size_t row = 0; row < d.row_count; row++)
        data_set_double(column, row, row == 99 * 1024 / 3 ? 0.12345 : (double)row / 10);
    gch_column_desc columns[DATA_COLUMNS_CAP];
    gch_writer_desc desc = data_desc(&d, columns, NULL);
    desc.preset = GCH_PRESET_FAST;
    test_image image = write_image(&d, &desc, d.row_count);
    assert_int_equal(gch_file_get_info(image.file)->columns[0].scale, 5);
    data_check(&d, image.file);
    image_free(&image);
    data_free(&d);
}

static void rows_out_of_order_end_a_fast_writer(void **state)
{
    (void)state;
    data d = make_rows(200000, 4, 1);
    d.times[150000] = 0;
    gch_column_desc columns[DATA_COLUMNS_CAP];
    gch_writer_desc desc = data_desc(&d, columns, NULL);
    gch_writer *writer = NULL;
    desc.preset = GCH_PRESET_FAST;
    assert_ok(gch_writer_create_memory(&desc, &writer, &err));
    assert_status(data_append(&d, writer, 0, d.row_count, &err), GCH_UNSORTED);
    assert_non_null(strstr(err.message, "150000"));
    assert_status(data_append(&d, writer, 0, 10, &err), GCH_UNSORTED);
    gch_writer_abandon(writer);
    data_free(&d);
}

static void every_failed_allocation_is_a_clean_failure(void **state)
{
    (void)state;
    uint64_t seed = 8;
    data d = data_make(263000); /* a whole chunk, and some */
    fill_floats(&d, data_add(&d, GCH_TYPE_F64), &seed, 2);
    fill_text(&d, data_add(&d, GCH_TYPE_DECIMAL), &seed, 2);
    for (int preset = GCH_PRESET_TOLERANCE; preset <= GCH_PRESET_FAST; preset++) {
        bool is_done = false;
        for (uint64_t n = 0; !is_done; n++) {
            test_memory memory = {.left = n};
            gch_allocator allocator = {.resize = test_memory_resize, .context = &memory};
            gch_column_desc columns[DATA_COLUMNS_CAP];
            gch_writer_desc desc = data_desc(&d, columns, NULL);
            desc.allocator = &allocator;
            desc.preset = (gch_preset)preset;
            if (preset == GCH_PRESET_TOLERANCE)
                desc.tolerance = decimal_of("0.1");
            gch_writer *writer = NULL;
            void *bytes = NULL;
            size_t count = 0;
            gch_status status = gch_writer_create_memory(&desc, &writer, &err);
            if (status == GCH_OK) {
                status = data_append(&d, writer, 0, d.row_count, &err);
                if (status == GCH_OK)
                    status = gch_writer_finish_memory(writer, &bytes, &count, &err);
                else
                    gch_writer_abandon(writer);
            }
            gch_writer_free_memory(bytes, &allocator);
            assert_int_equal(memory.live, 0);
            is_done = status == GCH_OK;
            if (!is_done)
                assert_int_equal(status, GCH_NO_MEMORY);
            assert_true(n < 1000);
        }
    }
    data_free(&d);
}

/* ---- appends and live series ---- */

static const char *make_path(void)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/store_presets_%d.gch", (int)getpid());
    return path;
}

static void an_append_goes_on_as_the_file_does(void **state)
{
    (void)state;
    const char *path = make_path();
    data d = make_rows(4000, 21, 1);
    gch_column_desc columns[DATA_COLUMNS_CAP];
    gch_writer_desc desc = data_desc(&d, columns, NULL), plain = desc;
    desc.preset = GCH_PRESET_TOLERANCE;
    desc.tolerance = decimal_of("0.02");
    gch_writer *writer = NULL;
    assert_ok(gch_writer_create(path, &desc, &writer, &err));
    assert_ok(data_append(&d, writer, 0, 1000, &err));
    assert_ok(gch_writer_commit(writer, &err));
    assert_ok(data_append(&d, writer, 1000, 1000, &err));
    assert_ok(gch_writer_finish(writer, &err));
    assert_ok(gch_writer_open_append(path, &plain, &writer, &err));
    assert_ok(data_append(&d, writer, 2000, 1000, &err));
    assert_ok(gch_writer_finish(writer, &err));
    desc.tolerance = decimal_of("0.020");
    assert_ok(gch_writer_open_append(path, &desc, &writer, &err));
    assert_ok(data_append(&d, writer, 3000, 1000, &err));
    assert_ok(gch_writer_finish(writer, &err));
    gch_file *file = NULL;
    assert_ok(gch__file_open(path, NULL, &file, &err));
    assert_string_equal(gch_file_get_info(file)->preset, "tolerance=0.02");
    assert_int_equal(gch_file_get_info(file)->columns[0].scale, 2);
    check_near(&d, file);
    gch__file_close(file);
    desc.tolerance = decimal_of("0.03");
    assert_status(gch_writer_open_append(path, &desc, &writer, &err), GCH_INVALID);
    assert_non_null(strstr(err.message, "tolerance=0.02"));
    assert_non_null(strstr(err.message, "tolerance=0.03"));
    plain.preset = GCH_PRESET_LOSSLESS;
    assert_status(gch_writer_open_append(path, &plain, &writer, &err), GCH_INVALID);
    assert_int_equal(unlink(path), 0);
    data_free(&d);
}

static void live_rows_are_rounded_as_they_come(void **state)
{
    (void)state;
    data d = make_rows(3000, 33, 6);
    gch_column_desc columns[DATA_COLUMNS_CAP];
    gch_writer_desc rows = data_desc(&d, columns, NULL);
    rows.preset = GCH_PRESET_TOLERANCE;
    rows.tolerance = decimal_of("0.3");
    gch__live *live = NULL;
    gch_file *file = NULL;
    assert_ok(gch__live_make(&(gch__live_desc){.name = "live", .rows = &rows, .segment_rows = 2048},
                             &live, &err));
    for (size_t row = 0, part = 8; row < d.row_count; row += part, part = 8 + part * 3 % 776) {
        gch_column_data given[DATA_COLUMNS_CAP];
        part = GCH_MIN(part, d.row_count - row);
        data_columns(&d, row, given);
        assert_ok(gch__live_append(live, d.times + row, given, part, &err));
    }
    assert_ok(gch__live_lend(live, &file, &err));
    assert_string_equal(gch_file_get_info(file)->preset, "tolerance=0.3");
    gch_column_desc described[DATA_COLUMNS_CAP];
    gch_writer_desc desc;
    gch__live_describe(live, described, &desc);
    assert_int_equal(desc.preset, GCH_PRESET_TOLERANCE);
    gch_value *values = malloc(d.row_count * sizeof *values);
    assert_non_null(values);
    mpq_t tolerance;
    mpq_init(tolerance);
    set_decimal(tolerance, 3, -1);
    for (uint32_t c = 0; c < d.column_count; c++) {
        assert_ok(gch_file_read_values(file, c, 0, d.row_count, values, &err));
        for (size_t row = 0; row < d.row_count; row++)
            assert_true(is_kept(&d.columns[c], row)
                            ? data_is_same(&d.columns[c], row, values[row])
                            : is_near(&d.columns[c], row, values[row], tolerance));
    }
    mpq_clear(tolerance);
    free(values);
    gch__file_close(file);
    gch__live_release(live);
    data_free(&d);
}

/* ---- what files say ---- */

static void texts_of_presets_are_read(void **state)
{
    (void)state;
    static const struct {
        char *text;
        gch_preset preset;
        gch_decimal all, own;
    } cases[] = {
        {"lossless", GCH_PRESET_LOSSLESS, {0}, {0}},
        {"lossless more words", GCH_PRESET_LOSSLESS, {0}, {0}},
        {"fast", GCH_PRESET_FAST, {0}, {0}},
        {"tolerance=0.01", GCH_PRESET_TOLERANCE, {1, -2}, {1, -2}},
        {"tolerance=1:2", GCH_PRESET_TOLERANCE, {0}, {2, 0}},
        {"tolerance=5 tolerance=1:0.2 x", GCH_PRESET_TOLERANCE, {5, 0}, {2, -1}},
        {"", GCH_PRESET_DEFAULT, {0}, {0}},
        {"unheard-of", GCH_PRESET_DEFAULT, {0}, {0}},
        {"lossless fast", GCH_PRESET_DEFAULT, {0}, {0}},
        {"lossless tolerance=5", GCH_PRESET_DEFAULT, {0}, {0}},
        {"tolerance=", GCH_PRESET_DEFAULT, {0}, {0}},
        {"tolerance=-1", GCH_PRESET_DEFAULT, {0}, {0}},
        {"tolerance=0", GCH_PRESET_DEFAULT, {0}, {0}},
        {"tolerance=nan", GCH_PRESET_DEFAULT, {0}, {0}},
        {"tolerance=2:5", GCH_PRESET_DEFAULT, {0}, {0}},
        {"tolerance=0:5", GCH_PRESET_DEFAULT, {0}, {0}}, /* integers */
        {"tolerance=:5", GCH_PRESET_DEFAULT, {0}, {0}},
        {"tolerance=1:", GCH_PRESET_DEFAULT, {0}, {0}},
        {"tolerance=10000000000:5", GCH_PRESET_DEFAULT, {0}, {0}},
        {"tolerance=5 tolerance=1:x", GCH_PRESET_DEFAULT, {0}, {0}},
    };
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        gch__meta_column columns[2] = {{.type = GCH_TYPE_I32}, {.type = GCH_TYPE_F64}};
        gch__meta meta = {.preset = cases[i].text, .columns = columns, .column_count = 2};
        gch__preset_read(&meta);
        assert_int_equal(meta.preset_kind, cases[i].preset);
        assert_int_equal(meta.tolerance.digits, cases[i].all.digits);
        assert_int_equal(meta.tolerance.exp10, cases[i].all.exp10);
        gch_decimal own = gch__preset_tolerance(&meta, 1);
        assert_int_equal(own.digits, cases[i].own.digits);
        assert_int_equal(own.exp10, cases[i].own.exp10);
        assert_int_equal(gch__preset_tolerance(&meta, 0).digits, 0);
        assert_int_equal(columns[1].step.is_set, own.digits > 0);
    }
}

static void the_step_is_the_largest_that_the_tolerance_lets(void **state)
{
    (void)state;
    static const struct {
        const char *tolerance;
        uint32_t scale; /* 19: none */
    } cases[] = {{"0.5", 0},     {"0.49", 1},  {"5", 0},      {"1e300", 0},  {"0.05", 1},
                 {"0.0499", 2},  {"0.005", 2}, {"0.1", 1},    {"5e-19", 18}, {"4.9e-19", 19},
                 {"1e-400", 19}, {"1e400", 0}, {"0.00005", 4}};
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        gch__step step = gch__step_choose(decimal_of(cases[i].tolerance), GCH_TYPE_F64);
        assert_int_equal(step.is_set ? step.scale : 19, cases[i].scale);
        assert_false(gch__step_choose(decimal_of(cases[i].tolerance), GCH_TYPE_I64).is_set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_stays_within_the_tolerance),
        cmocka_unit_test(whole_chunks_and_staged_rows_give_the_same_file),
        cmocka_unit_test(noise_becomes_decimals_of_the_step),
        cmocka_unit_test(negative_zero_becomes_zero),
        cmocka_unit_test(text_keeps_the_decimals_it_has_left),
        cmocka_unit_test(columns_have_tolerances_of_their_own),
        cmocka_unit_test(tolerances_that_are_none_are_refused),
        cmocka_unit_test(fast_files_give_every_bit_back),
        cmocka_unit_test(fast_files_widen_too),
        cmocka_unit_test(rows_out_of_order_end_a_fast_writer),
        cmocka_unit_test(every_failed_allocation_is_a_clean_failure),
        cmocka_unit_test(an_append_goes_on_as_the_file_does),
        cmocka_unit_test(live_rows_are_rounded_as_they_come),
        cmocka_unit_test(texts_of_presets_are_read),
        cmocka_unit_test(the_step_is_the_largest_that_the_tolerance_lets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
