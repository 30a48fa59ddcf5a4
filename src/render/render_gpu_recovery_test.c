/* Charts on the GPU when something happens to them: the device is lost, once and for good, its
 * pipelines take their time, and a series grows while it is drawn.
 *
 * gch__gpu_executor_draw is wrapped by the linker, to reach the device of a chart. */
#include "gch/chart.h"
#include "gch/live.h"
#include "gpu_state.h"
#include "render_gpu.h"
#include "test_series.h"

static gch_error err;

#define ROWS 50000
#define WIDTH 300
#define HEIGHT 180

static int losses;   /* so many of the next draws find their device lost */
static int pendings; /* so many of the next draws find pipelines that are being made */
static int draws;

gch_status __real_gch__gpu_executor_draw(gch__gpu_executor *executor, const gch__scene *scene,
                                         gch_query *const *queries, gch_image *image,
                                         gch__gpu_frame_stats *stats, int64_t *out_query_ns,
                                         gch_error *error);
gch_status __wrap_gch__gpu_executor_draw(gch__gpu_executor *executor, const gch__scene *scene,
                                         gch_query *const *queries, gch_image *image,
                                         gch__gpu_frame_stats *stats, int64_t *out_query_ns,
                                         gch_error *error);

static gch_status submit_nothing(gch__gpu_context *context, uint64_t serial, uint32_t timer_count,
                                 gch_error *error)
{
    (void)context, (void)serial, (void)timer_count;
    return gch_fail(error, GCH_PENDING, "pipelines are being made");
}

gch_status __wrap_gch__gpu_executor_draw(gch__gpu_executor *executor, const gch__scene *scene,
                                         gch_query *const *queries, gch_image *image,
                                         gch__gpu_frame_stats *stats, int64_t *out_query_ns,
                                         gch_error *error)
{
    draws++;
    gch__gpu *gpu = gch__gpu_executor_get_gpu(executor);
    if (losses > 0) {
        losses--;
        gpu->is_lost = true;
    }
    const gch__gpu_driver *own = gpu->driver;
    gch__gpu_driver slow = *own;
    slow.submit = submit_nothing;
    if (pendings > 0) {
        pendings--;
        gpu->driver = &slow;
    }
    gch_status status =
        __real_gch__gpu_executor_draw(executor, scene, queries, image, stats, out_query_ns, error);
    gpu->driver = own;
    return status;
}

static gch_chart_desc describe(const gch_chart_series *series, bool is_bare, gch_backend backend)
{
    return (gch_chart_desc){.series = series,
                            .series_count = 1,
                            .width_px = WIDTH,
                            .height_px = HEIGHT,
                            .is_bare = is_bare,
                            .backend = backend,
                            .title = is_bare ? NULL : "Pressure"};
}

/* The largest difference of a channel between a chart's frame and the processor's picture. */
static uint32_t compare(gch_chart *chart, gch_chart_desc desc, gch_chart_stats *stats)
{
    const gch_image *drawn;
    gch_image expected = {0};
    uint32_t largest = 0;
    desc.backend = GCH_BACKEND_CPU;
    assert_ok(gch_chart_render(&desc, &expected, NULL, &err));
    desc.backend = GCH_BACKEND_GPU;
    assert_ok(gch_chart_frame(chart, &desc, &drawn, stats, &err));
    for (size_t i = 0; i < (size_t)WIDTH * HEIGHT; i++) {
        for (uint32_t shift = 0; shift < 32; shift += 8) {
            uint32_t a = drawn->pixels[i] >> shift & 255, b = expected.pixels[i] >> shift & 255;
            largest = GCH_MAX(largest, a > b ? a - b : b - a);
        }
    }
    gch_image_destroy(&expected, NULL);
    return largest;
}

static test_series make_series(void)
{
    static int64_t times[ROWS];
    static double values[ROWS];
    uint64_t seed = 3;
    double walk = 0;
    for (int i = 0; i < ROWS; i++) {
        walk += (double)(test_random(&seed) % 201) - 100;
        times[i] = i;
        values[i] = walk;
    }
    return test_series_make(GCH_TIME_MS, times, values, GCH_TYPE_F64, NULL, ROWS);
}

static void a_chart_goes_on_with_a_new_device_when_one_is_lost(void **state)
{
    (void)state;
    test_series series = make_series();
    gch_chart_series its = {.file = series.file};
    for (int is_bare = 0; is_bare <= 1; is_bare++) {
        gch_chart *chart = NULL;
        gch_chart_stats stats;
        gch_chart_desc desc = describe(&its, is_bare, GCH_BACKEND_GPU);
        desc.has_time_range = true;
        assert_ok(gch_chart_make(NULL, &chart, &err));
        for (int frame = 0; frame < 4; frame++) {
            desc.from = frame * 500;
            desc.to = desc.from + ROWS / 2;
            losses = frame == 1 || frame == 2 ? 1 : 0;
            draws = 0;
            assert_true(compare(chart, desc, &stats) <= (is_bare ? 0 : 1));
            assert_int_equal(stats.backend, GCH_BACKEND_GPU);
            assert_int_equal(draws, frame == 1 || frame == 2 ? 2 : 1);
        }
        gch_chart_destroy(chart);
    }
    test_series_free(&series);
}

static void devices_that_are_lost_again_leave_the_chart_to_the_processor(void **state)
{
    (void)state;
    test_series series = make_series();
    gch_chart_series its = {.file = series.file};
    gch_chart *chart = NULL;
    gch_chart_stats stats;
    gch_chart_desc desc = describe(&its, false, GCH_BACKEND_GPU);
    assert_ok(gch_chart_make(NULL, &chart, &err));
    losses = 2;
    for (int frame = 0; frame < 2; frame++) {
        draws = 0;
        assert_int_equal(compare(chart, desc, &stats), 0);
        assert_int_equal(stats.backend, GCH_BACKEND_CPU);
        assert_non_null(strstr(stats.fallback, "lost"));
        assert_int_equal(draws, frame == 0 ? 2 : 0); /* and is not tried again */
    }
    gch_chart_destroy(chart);
    test_series_free(&series);
}

static void while_pipelines_are_made_the_processor_draws_and_then_the_gpu(void **state)
{
    (void)state;
    test_series series = make_series();
    gch_chart_series its = {.file = series.file};
    static const gch_mark marks[] = {GCH_MARK_LINE, GCH_MARK_CANDLES, GCH_MARK_DENSITY};
    for (size_t i = 0; i < 2 * GCH_COUNT_OF(marks); i++) {
        gch_chart *chart = NULL;
        gch_chart_stats stats;
        gch_chart_desc desc = describe(&its, i % 2 == 0, GCH_BACKEND_GPU);
        its.mark = marks[i / 2];
        desc.has_time_range = true;
        assert_ok(gch_chart_make(NULL, &chart, &err));
        for (int frame = 0; frame < 6; frame++) {
            bool is_pending = frame % 3 < 2; /* at first, and in the midst of others */
            desc.from = frame * 500;
            desc.to = desc.from + ROWS / 2;
            pendings = is_pending ? 1 : 0;
            draws = 0;
            uint32_t difference = compare(chart, desc, &stats);
            assert_true(difference <= (is_pending || desc.is_bare ? 0 : 1));
            assert_int_equal(stats.backend, is_pending ? GCH_BACKEND_CPU : GCH_BACKEND_GPU);
            assert_string_equal(stats.fallback, is_pending ? "pipelines are being made" : "");
            assert_true(stats.complete == 1);
            assert_int_equal(draws, 1);
            assert_int_equal(pendings, 0);
        }
        gch_chart_destroy(chart);
    }
    test_series_free(&series);
}

/* Rows come in pieces that leave blocks half full. The view stays, so that it is the rows alone
 * that make a frame differ from the one before. */
static void a_series_that_grows_is_drawn_as_far_as_it_has_come(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 2, 300, 40, 5000, 1, 17000};
    static int64_t times[32768];
    static double values[32768];
    gch_column_desc column = {.name = "v", .type = GCH_TYPE_F64};
    gch_writer_desc layout = {.time_unit = GCH_TIME_MS, .columns = &column, .column_count = 1};
    gch_data *data = NULL;
    gch_source source;
    gch_file *file = NULL;
    gch_chart *charts[2] = {NULL};
    assert_ok(gch_data_make(NULL, &data, &err));
    assert_ok(gch_live_open(data, &(gch_live_desc){.rows = &layout}, &source, &err));
    assert_ok(gch_live_acquire_file(data, source, &file, &err));
    for (int i = 0; i < 2; i++)
        assert_ok(gch_chart_make(NULL, &charts[i], &err));
    gch_chart_series its = {.file = file};
    uint64_t seed = 9;
    size_t first = 0;
    for (size_t p = 0; p < GCH_COUNT_OF(pieces); p++) {
        for (size_t i = first; i < first + pieces[p]; i++) {
            times[i] = (int64_t)i * 10;
            values[i] = (double)(test_random(&seed) % 2000) / 7;
        }
        gch_column_data rows = {.values = values + first};
        assert_ok(gch_live_append(data, source, times + first, &rows, pieces[p], &err));
        first += pieces[p];
        assert_ok(gch_live_refresh_file(file, NULL, &err));
        for (int is_bare = 0; is_bare <= 1; is_bare++) {
            gch_chart_stats stats;
            gch_chart_desc desc = describe(&its, is_bare, GCH_BACKEND_GPU);
            desc.has_time_range = desc.has_bottom = desc.has_top = true;
            desc.to = 250000;
            desc.top = (gch_decimal){300, 0};
            assert_true(compare(charts[is_bare], desc, &stats) <= (is_bare ? 0 : 1));
            assert_int_equal(stats.backend, GCH_BACKEND_GPU);
            assert_int_equal(stats.rows_visible, first);
        }
    }
    for (int i = 0; i < 2; i++)
        gch_chart_destroy(charts[i]);
    gch_live_release_file(data, file);
    assert_ok(gch_live_close(data, source, &err));
    assert_ok(gch_data_destroy(data, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chart_goes_on_with_a_new_device_when_one_is_lost),
        cmocka_unit_test(devices_that_are_lost_again_leave_the_chart_to_the_processor),
        cmocka_unit_test(while_pipelines_are_made_the_processor_draws_and_then_the_gpu),
        cmocka_unit_test(a_series_that_grows_is_drawn_as_far_as_it_has_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
