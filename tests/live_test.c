/* Frames of a series that grows: while one thread appends, and full segments move to a file, every
 * frame equals the picture of all segments drawn by brute force over the same moment, and the rows
 * of that moment are those that were appended. Some seconds; GCH_TEST_SECONDS in the environment
 * makes it longer. */
#include "gch/gch.h"
#include "gch/live.h"
#include "test.h"
#include "test_series.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define READERS 4
#define ROWS_MAX 150000u /* until a series starts anew: the reference looks at every row */
#define WIDTH 300u
#define HEIGHT 120u
#define PATH "live_test.gch"

static gch_error err;

/* Row `row` as a function of its number: regular and irregular stretches, gaps, and jumps that need
 * wide keys now and then. */
static int64_t time_of(uint64_t row)
{
    uint64_t state = row;
    uint64_t jitter = row / 20000 % 2 == 1 ? test_random(&state) % 700 : 0;
    return (int64_t)(row * 1000 + jitter);
}

static bool is_gap(uint64_t row)
{
    return row % 5000 < 3 || row % 997 == 0;
}

static double value_of(uint64_t row)
{
    uint64_t state = row ^ 0x5555;
    uint64_t noise = test_random(&state);
    double value = (double)((row * 7) % 4000) + (double)(noise % 1000) / 100;
    return noise % 30011 == 0 ? value * 1e9 : value;
}

typedef struct arena {
    gch_data *data;
    gch_source source;
    atomic_bool is_over;
    _Atomic uint64_t frames, wrong;
    _Atomic uint64_t appended;
} arena;

/* Rows [first, first + count) of a file, against what was appended. */
static bool rows_are_right(const gch_file *file, uint64_t first, size_t count)
{
    int64_t times[512];
    gch_value values[512];
    gch_error own;
    if (gch_file_read_times(file, first, count, times, &own) != GCH_OK ||
        gch_file_read_values(file, 0, first, count, values, &own) != GCH_OK)
        return false;
    for (size_t i = 0; i < count; i++) {
        uint64_t row = first + i;
        if (times[i] != time_of(row) || (values[i].kind == GCH_VALUE_GAP) != is_gap(row) ||
            (!is_gap(row) && gch_value_to_double(values[i]) != value_of(row))) {
            fprintf(stderr, "row %llu of %llu: time %lld, value %.17g, not %lld, %.17g\n",
                    (unsigned long long)row, (unsigned long long)gch_file_get_info(file)->row_count,
                    (long long)times[i], gch_value_to_double(values[i]), (long long)time_of(row),
                    value_of(row));
            return false;
        }
    }
    return true;
}

static void choose_view(const gch_file_info *info, uint64_t *seed, gch_chart_desc *desc)
{
    uint64_t span = (uint64_t)(info->last_time - info->first_time) + 1;
    uint64_t part = span >> test_random(seed) % 14;
    part = part > 0 ? part : 1;
    bool is_tail = test_random(seed) % 2 == 0;
    uint64_t at = is_tail ? span - part : test_random(seed) % (span - part + 1);
    desc->from = info->first_time + (int64_t)at;
    desc->to = desc->from + (int64_t)part;
}

/* A frame and the reference's picture of the same moment and view. */
static bool frame_is_right(gch_chart *chart, gch_chart_desc *desc)
{
    gch_error own = {0};
    gch_chart_stats stats;
    const gch_image *picture;
    gch_image reference = {0};
    desc->backend = GCH_BACKEND_CPU;
    desc->has_bottom = desc->has_top = false;
    if (gch_chart_frame(chart, desc, &picture, &stats, &own) != GCH_OK)
        return false;
    gch_chart_desc same = *desc;
    same.backend = GCH_BACKEND_REFERENCE;
    same.has_bottom = same.has_top = true;
    same.bottom = stats.view.bottom;
    same.top = stats.view.top;
    bool is_right = gch_chart_render(&same, &reference, NULL, &own) == GCH_OK &&
                    memcmp(picture->pixels, reference.pixels,
                           (size_t)WIDTH * HEIGHT * sizeof *picture->pixels) == 0;
    gch_image_destroy(&reference, NULL);
    if (!is_right)
        fprintf(stderr, "view [%lld, %lld): the frame differs or fails: %s\n",
                (long long)desc->from, (long long)desc->to, own.message);
    return is_right;
}

static void *watch(void *context)
{
    arena *a = context;
    gch_error own;
    gch_chart *chart = NULL;
    gch_file *file = NULL;
    uint64_t seed = (uint64_t)(uintptr_t)&file, rows = 0;
    if (gch_chart_make(NULL, &chart, &own) != GCH_OK ||
        gch_live_acquire_file(a->data, a->source, &file, &own) != GCH_OK)
        atomic_fetch_add(&a->wrong, 1);
    gch_chart_series series = {.file = file};
    gch_chart_desc desc = {.series = &series,
                           .series_count = 1,
                           .width_px = WIDTH,
                           .height_px = HEIGHT,
                           .is_bare = true,
                           .has_time_range = true};
    while (!atomic_load(&a->is_over) && atomic_load(&a->wrong) == 0) {
        uint64_t least = atomic_load(&a->appended);
        if (gch_live_refresh_file(file, NULL, &own) != GCH_OK)
            atomic_fetch_add(&a->wrong, 1);
        const gch_file_info *info = gch_file_get_info(file);
        if (info->row_count < least || info->row_count < rows)
            atomic_fetch_add(&a->wrong, 1);
        rows = info->row_count;
        if (rows < 512)
            continue;
        choose_view(info, &seed, &desc);
        series.mark = test_random(&seed) % 3 == 0 ? GCH_MARK_DENSITY : GCH_MARK_LINE;
        if (!rows_are_right(file, rows - 512, 512) ||
            !rows_are_right(file, test_random(&seed) % (rows - 512), 512) ||
            !frame_is_right(chart, &desc))
            atomic_fetch_add(&a->wrong, 1);
        atomic_fetch_add(&a->frames, 1);
    }
    gch_chart_destroy(chart);
    gch_live_release_file(a->data, file);
    return NULL;
}

/* Appends in parts of any size until all is said or the time is up. */
static void append_rows(arena *a, bool has_file, double deadline_s)
{
    enum { PART = 3000 };
    static int64_t times[PART];
    static double values[PART];
    static uint8_t validity[PART / 8 + 1];
    uint64_t seed = 11;
    struct timespec now;
    for (uint64_t row = 0; row < ROWS_MAX && atomic_load(&a->wrong) == 0;) {
        size_t count = 1 + (size_t)(test_random(&seed) % (test_random(&seed) % 8 == 0 ? PART : 40));
        memset(validity, 0xFF, sizeof validity);
        for (size_t i = 0; i < count; i++) {
            times[i] = time_of(row + i);
            values[i] = value_of(row + i);
            if (is_gap(row + i))
                validity[i / 8] &= (uint8_t) ~(1u << (i % 8));
        }
        assert_ok(gch_live_append(a->data, a->source, times,
                                  &(gch_column_data){.values = values, .validity = validity}, count,
                                  &err));
        row += count;
        atomic_store(&a->appended, row);
        if (test_random(&seed) % 16 == 0)
            usleep(200);
        if (has_file && test_random(&seed) % 1000 == 0)
            assert_ok(gch_live_flush(a->data, a->source, &err));
        clock_gettime(CLOCK_MONOTONIC, &now);
        if ((double)now.tv_sec + (double)now.tv_nsec * 1e-9 > deadline_s)
            return;
    }
}

/* One series from its first row on; returns the frames that were drawn of it. */
static uint64_t run_series(const char *path, double deadline_s)
{
    arena a = {0};
    const gch_column_desc column = {.name = "value", .type = GCH_TYPE_F64};
    const gch_writer_desc rows = {.time_unit = GCH_TIME_US, .columns = &column, .column_count = 1};
    unlink(PATH);
    assert_ok(gch_data_make(&(gch_data_desc){.host_budget_bytes = 16u << 20}, &a.data, &err));
    assert_ok(gch_live_open(a.data,
                            &(gch_live_desc){.rows = &rows, .path = path, .segment_rows = 16384},
                            &a.source, &err));
    pthread_t threads[READERS];
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, watch, &a), 0);
    append_rows(&a, path != NULL, deadline_s);
    atomic_store(&a.is_over, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(a.wrong, 0);
    gch_data_stats stats;
    gch_data_get_stats(a.data, &stats);
    assert_true(stats.host_peak_bytes <= stats.host_budget_bytes);
    assert_ok(gch_live_close(a.data, a.source, &err));
    if (path != NULL) {
        gch_source source;
        const gch_file *file;
        assert_ok(gch_source_open_file(a.data, path, &(gch_source_desc){.io = GCH_IO_MAP}, &source,
                                       &err));
        assert_ok(gch_source_get_file(a.data, source, &file, &err));
        assert_int_equal(gch_file_get_info(file)->row_count, a.appended);
        assert_ok(gch_file_verify(file, NULL, NULL, &err));
    }
    assert_ok(gch_data_destroy(a.data, &err));
    unlink(PATH);
    return a.frames;
}

static void run(const char *path)
{
    const char *text = getenv("GCH_TEST_SECONDS");
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double at = (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
    double deadline_s = at + (text != NULL ? strtod(text, NULL) / 2 : 3);
    uint64_t frames = 0;
    while (at < deadline_s) {
        frames += run_series(path, deadline_s);
        clock_gettime(CLOCK_MONOTONIC, &now);
        at = (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
    }
    assert_true(frames > 20);
    printf("%llu frames of a growing series, 0 differ\n", (unsigned long long)frames);
}

static void frames_of_a_series_in_memory_are_exact_while_it_grows(void **state)
{
    (void)state;
    run(NULL);
}

static void frames_of_a_series_that_goes_on_in_a_file_are_exact_while_it_grows(void **state)
{
    (void)state;
    run(PATH);
}

/* A view of all rows through three columns lights the same rows of pixels. */
static void check_columns(gch_file *file, const gch_file *sealed, gch_join join)
{
    const gch_file_info *info = gch_file_get_info(sealed);
    const gch_view view = {.t0 = info->first_time,
                           .t1 = info->last_time + 1,
                           .top = {60000, 0},
                           .width_px = 3,
                           .height_px = 64};
    gch_query *queries[2];
    gch_columns columns[2];
    assert_ok(gch_query_make(file, NULL, &queries[0], &err));
    assert_ok(gch_query_make(sealed, NULL, &queries[1], &err));
    for (int i = 0; i < 2; i++)
        assert_ok(gch_query_columns(queries[i], 0, &view, join, &columns[i], &err));
    assert_memory_equal(columns[0].first, columns[1].first, 4 * sizeof *columns[0].first);
    for (uint32_t i = 0; i < columns[0].first[3]; i++) {
        assert_int_equal(columns[0].pieces[i].row_top, columns[1].pieces[i].row_top);
        assert_int_equal(columns[0].pieces[i].row_bottom, columns[1].pieces[i].row_bottom);
    }
    gch_query_destroy(queries[0]);
    gch_query_destroy(queries[1]);
}

/* Its tree has no nodes yet over blocks that are to come. */
static void columns_of_a_segment_that_grows_are_those_of_a_full_one(void **state)
{
    (void)state;
    enum { ROWS = 60000, LEAST = 256 * 17 };
    static int64_t times[ROWS];
    static double values[ROWS];
    static uint8_t validity[ROWS / 8 + 1];
    memset(validity, 0xFF, sizeof validity);
    for (size_t i = 0; i < ROWS; i++) {
        times[i] = (int64_t)i;
        values[i] = (double)i;
        if (i % 1009 == 0)
            validity[i / 8] &= (uint8_t) ~(1u << (i % 8));
    }
    const gch_column_desc column = {.name = "value", .type = GCH_TYPE_F64};
    const gch_writer_desc rows = {.time_unit = GCH_TIME_US, .columns = &column, .column_count = 1};
    const gch_column_data data = {.values = values, .validity = validity};
    uint64_t seed = 5;
    for (int round = 0; round < 12; round++) {
        size_t count = LEAST + (size_t)(test_random(&seed) % (ROWS - LEAST));
        gch_data *manager;
        gch_source source;
        gch_file *file;
        assert_ok(gch_data_make(NULL, &manager, &err));
        assert_ok(gch_live_open(manager, &(gch_live_desc){.rows = &rows, .segment_rows = 1u << 17},
                                &source, &err));
        assert_ok(gch_live_append(manager, source, times, &data, count, &err));
        assert_ok(gch_live_acquire_file(manager, source, &file, &err));
        test_series sealed = test_series_make_columns(&rows, times, &data, count);
        check_columns(file, sealed.file, GCH_JOIN_NONE);
        check_columns(file, sealed.file, GCH_JOIN_LINE);
        test_series_free(&sealed);
        gch_live_release_file(manager, file);
        assert_ok(gch_live_close(manager, source, &err));
        assert_ok(gch_data_destroy(manager, &err));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_of_a_segment_that_grows_are_those_of_a_full_one),
        cmocka_unit_test(frames_of_a_series_in_memory_are_exact_while_it_grows),
        cmocka_unit_test(frames_of_a_series_that_goes_on_in_a_file_are_exact_while_it_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
