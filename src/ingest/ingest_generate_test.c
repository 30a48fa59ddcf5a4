/* Generated series: the same for a seed, different between seeds, of the promised kind. */
#include "gch/ingest.h"
#include "ingest_test.h"

#include <unistd.h>

static const gch_generator kinds[] = {GCH_GENERATOR_WALK,  GCH_GENERATOR_SENSOR,
                                      GCH_GENERATOR_TICKS, GCH_GENERATOR_SINE,
                                      GCH_GENERATOR_ECG,   GCH_GENERATOR_POINTS};
#define SERIES_COUNT (GCH_COUNT_OF(kinds) - 1) /* without the point set */

static gch_file *generate(gch_generator kind, uint64_t rows, uint64_t seed, uint32_t threads)
{
    gch_error err;
    gch_workers *workers = NULL;
    gch_file *file;
    char path[64] = "/tmp/gch_generate_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    if (threads > 0)
        assert_ok(gch_workers_make(threads, NULL, &workers, &err));
    assert_ok(gch_generate(
        &(gch_generate_desc){
            .kind = kind, .row_count = rows, .seed = seed, .output = path, .workers = workers},
        &err));
    gch_workers_destroy(workers);
    assert_ok(gch__file_open(path, NULL, &file, &err));
    assert_int_equal(gch_file_get_info(file)->row_count, rows);
    assert_int_equal(unlink(path), 0); /* the mapping keeps it */
    return file;
}

/* A digest of all times and values. */
static uint64_t digest(const gch_file *file)
{
    enum { ROWS = 4096 };
    static int64_t times[ROWS];
    static gch_value values[ROWS];
    gch_error err;
    const gch_file_info *info = gch_file_get_info(file);
    uint64_t hash = info->row_count;
    for (uint64_t row = 0; row < info->row_count; row += ROWS) {
        size_t count = (size_t)GCH_MIN((uint64_t)ROWS, info->row_count - row);
        assert_ok(gch_file_read_times(file, row, count, times, &err));
        for (size_t i = 0; i < count; i++)
            hash = (hash ^ (uint64_t)times[i]) * 0x9E3779B97F4A7C15u + (hash >> 29);
        for (uint32_t c = 0; c < info->column_count; c++) {
            assert_ok(gch_file_read_values(file, c, row, count, values, &err));
            for (size_t i = 0; i < count; i++) {
                uint64_t bits = 0;
                if (values[i].kind == GCH_VALUE_F32)
                    memcpy(&bits, &values[i].as.f32, 4);
                else
                    bits = (uint64_t)values[i].as.digits * 31 + values[i].scale;
                hash = (hash ^ bits) * 0x9E3779B97F4A7C15u + (hash >> 29);
            }
        }
    }
    return hash;
}

static void the_number_of_workers_changes_nothing(void **state)
{
    (void)state;
    const uint64_t rows = (1 << 20) + 70001; /* more than a batch, and a broken chunk */
    for (size_t i = 0; i < GCH_COUNT_OF(kinds); i++) {
        uint64_t first = 0;
        for (uint32_t threads = 0; threads <= 3; threads++) {
            gch_file *file = generate(kinds[i], rows, 42, threads);
            uint64_t hash = digest(file);
            first = threads == 0 ? hash : first;
            if (hash != first)
                fail_msg("kind %d differs with %u threads", (int)kinds[i], threads);
            gch__file_close(file);
        }
    }
}

static void seeds_give_different_series(void **state)
{
    (void)state;
    for (size_t i = 0; i < GCH_COUNT_OF(kinds); i++) {
        gch_file *a = generate(kinds[i], 10000, 1, 0), *b = generate(kinds[i], 10000, 2, 0);
        assert_true(digest(a) != digest(b));
        gch__file_close(a);
        gch__file_close(b);
    }
}

/* A shorter series is the beginning of a longer one: rows depend on no length. */
static void a_series_begins_alike_at_every_length(void **state)
{
    (void)state;
    gch_error err;
    for (size_t i = 0; i < SERIES_COUNT; i++) {
        gch_file *a = generate(kinds[i], 20000, 9, 0), *b = generate(kinds[i], 1200000, 9, 2);
        for (uint64_t row = 0; row < 20000; row += 271) {
            gch_value va, vb;
            int64_t ta, tb;
            char xa[64], xb[64];
            assert_ok(gch_file_read_times(a, row, 1, &ta, &err));
            assert_ok(gch_file_read_times(b, row, 1, &tb, &err));
            assert_ok(gch_file_read_values(a, 0, row, 1, &va, &err));
            assert_ok(gch_file_read_values(b, 0, row, 1, &vb, &err));
            gch_value_format(va, 0, xa, sizeof xa);
            gch_value_format(vb, 0, xb, sizeof xb);
            assert_int_equal(ta, tb);
            assert_string_equal(xa, xb);
        }
        gch__file_close(a);
        gch__file_close(b);
    }
}

static void series_are_what_their_names_say(void **state)
{
    (void)state;
    enum { ROWS = 200000 };
    gch_error err;
    static int64_t times[ROWS];
    for (size_t i = 0; i < SERIES_COUNT; i++) {
        gch_file *file = generate(kinds[i], ROWS, 3, 0);
        const gch_file_info *info = gch_file_get_info(file);
        const gch_column_info *column = &info->columns[0];
        double low = gch_value_to_double(column->min), high = gch_value_to_double(column->max);
        assert_ok(gch_file_read_times(file, 0, ROWS, times, &err));
        int64_t repeated = 0, steps = 0;
        for (int k = 1; k < ROWS; k++) {
            repeated += times[k] == times[k - 1];
            steps += times[k] - times[k - 1] == times[1] - times[0];
        }
        bool is_regular = steps == ROWS - 1;
        assert_int_equal(is_regular, kinds[i] != GCH_GENERATOR_TICKS);
        switch (kinds[i]) {
        case GCH_GENERATOR_WALK:
            assert_int_equal(info->time_unit, GCH_TIME_S);
            assert_int_equal(column->type, GCH_TYPE_DECIMAL);
            assert_int_equal(column->scale, 2);
            assert_true(high - low > 1 && high - low < 400);
            break;
        case GCH_GENERATOR_SENSOR:
            assert_int_equal(column->type, GCH_TYPE_U16);
            assert_true(low >= 0 && high <= 4095 && high - low > 500);
            break;
        case GCH_GENERATOR_TICKS:
            assert_int_equal(info->column_count, 2);
            assert_string_equal(info->columns[1].name, "volume");
            assert_true(low > 0);
            assert_in_range(repeated, ROWS / 5, ROWS / 3);
            /* A Poisson process of some 10 ticks a second. */
            assert_in_range(times[ROWS - 1] - times[0], ROWS * 98, ROWS * 102);
            assert_true(gch_value_to_double(info->columns[1].min) >= 1);
            break;
        case GCH_GENERATOR_SINE:
            assert_int_equal(column->type, GCH_TYPE_F32);
            assert_true(low < -0.9 && low > -1.6 && high > 0.9 && high < 1.6);
            break;
        default:
            assert_int_equal(column->scale, 3);
            assert_string_equal(column->unit, "mV");
            assert_true(low > -0.6 && low < -0.1 && high > 1.0 && high < 1.4);
        }
        gch__file_close(file);
    }
}

static void names_are_parsed_and_bad_requests_refused(void **state)
{
    (void)state;
    gch_error err = {0};
    gch_generator kind;
    assert_true(gch_generator_parse("ticks", &kind));
    assert_int_equal(kind, GCH_GENERATOR_TICKS);
    assert_true(gch_generator_parse("ecg", &kind));
    assert_int_equal(kind, GCH_GENERATOR_ECG);
    assert_false(gch_generator_parse("tick", &kind));
    assert_false(gch_generator_parse("", &kind));
    assert_status(gch_generate(&(gch_generate_desc){.row_count = 5}, &err), GCH_INVALID);
    assert_status(
        gch_generate(&(gch_generate_desc){.row_count = UINT64_MAX, .output = "/tmp/x"}, &err),
        GCH_LIMIT);
    gch__file_close(generate(GCH_GENERATOR_DEFAULT, 0, 0, 0));
}

static bool stop(void *context, uint64_t done, uint64_t total)
{
    (void)done;
    (void)total;
    (*(int *)context)++;
    return false;
}

static void stopping_leaves_no_file(void **state)
{
    (void)state;
    gch_error err = {0};
    int calls = 0;
    char path[64] = "/tmp/gch_generate_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(unlink(path), 0);
    gch_progress progress = {.report = stop, .context = &calls};
    assert_status(
        gch_generate(
            &(gch_generate_desc){.row_count = 3 << 20, .output = path, .progress = &progress},
            &err),
        GCH_CANCELLED);
    assert_int_equal(calls, 1);
    assert_int_not_equal(access(path, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_number_of_workers_changes_nothing),
        cmocka_unit_test(seeds_give_different_series),
        cmocka_unit_test(a_series_begins_alike_at_every_length),
        cmocka_unit_test(series_are_what_their_names_say),
        cmocka_unit_test(names_are_parsed_and_bad_requests_refused),
        cmocka_unit_test(stopping_leaves_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
