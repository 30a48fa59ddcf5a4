/* A machine without an adapter, or a build without a driver: the same call draws on the processor
 * and says so. */
#include "gch/chart.h"
#include "gch/encoder.h"
#include "test_series.h"

static gch_error err;

static void without_a_gpu_the_processor_draws_and_says_why(void **state)
{
    (void)state;
    int64_t times[] = {0, 1, 2, 3};
    int32_t values[] = {5, -3, 8, 8};
    test_series series = test_series_make(GCH_TIME_MS, times, values, GCH_TYPE_I32, NULL, 4);
    gch_chart_series its = {.file = series.file};
    gch_chart_desc desc = {.series = &its, .series_count = 1, .is_bare = true};
    gch_chart *chart = NULL;
    gch_chart_stats stats;
    const gch_image *image;
    gch_image expected = {0};
    assert_ok(gch_chart_render(&desc, &expected, &stats, &err));
    assert_int_equal(stats.backend, GCH_BACKEND_CPU);
    assert_string_equal(stats.fallback, "");
    desc.backend = GCH_BACKEND_GPU;
    assert_ok(gch_chart_make(NULL, &chart, &err));
    for (int frame = 0; frame < 3; frame++) {
        assert_ok(gch_chart_frame(chart, &desc, &image, &stats, &err));
        assert_int_equal(stats.backend, GCH_BACKEND_CPU);
        assert_non_null(strstr(stats.fallback, "no GPU"));
        assert_memory_equal(image->pixels, expected.pixels,
                            (size_t)expected.width_px * expected.height_px * 4);
    }
    gch_chart_destroy(chart);
    gch_image_destroy(&expected, NULL);
    test_series_free(&series);
}

static void without_a_gpu_there_is_no_encoder(void **state)
{
    (void)state;
    gch_encoder *encoder = NULL;
    assert_int_equal(gch_encoder_make_gpu(&(gch_encoder_desc){0}, &encoder, &err), GCH_UNSUPPORTED);
    assert_non_null(strstr(err.message, "GPU"));
    assert_null(encoder);
    gch_encoder_destroy(encoder);
}

int main(void)
{
    /* The Vulkan loader then finds no driver. */
    if (setenv("VK_DRIVER_FILES", "/nonexistent", 1) != 0 ||
        setenv("VK_ICD_FILENAMES", "/nonexistent", 1) != 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_gpu_the_processor_draws_and_says_why),
        cmocka_unit_test(without_a_gpu_there_is_no_encoder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
