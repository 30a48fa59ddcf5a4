/* The code of docs/gpu.md, compiled and run; and the check that the two are the same text. */
#include "codec.h"
#include "gch/chart.h"
#include "gch/encoder.h"
#include "gpu.h"
#include "test_series.h"

static gch_error err;

extern const char gch__shader_guide_start[], gch__shader_guide_end[];

/* One frame of a bare chart; who drew it, and why it was not the GPU. */
static gch_status draw_on_gpu(gch_chart *chart, gch_data *data, const gch_file *file)
{
    gch_chart_series series = {.file = file};
    gch_chart_desc desc = {.series = &series,
                           .series_count = 1,
                           .width_px = 1920,
                           .height_px = 1080,
                           .is_bare = true,
                           .backend = GCH_BACKEND_GPU,
                           .data = data};
    const gch_image *image;
    gch_chart_stats stats;
    gch_status status = gch_chart_frame(chart, &desc, &image, &stats, &err);
    if (status == GCH_OK && stats.backend != GCH_BACKEND_GPU)
        printf("drawn on the processor: %s\n", stats.fallback);
    return status;
}

/* One frame within 8 ms; true if the same view has more to come. */
static bool draw_in_time(gch_chart *chart, gch_chart_desc *desc, const gch_image **out_image)
{
    gch_chart_stats stats;
    desc->quality = GCH_QUALITY_AUTO;
    desc->frame_budget_ms = 8;
    if (gch_chart_frame(chart, desc, out_image, &stats, &err) != GCH_OK)
        return false;
    printf("%.0f %% counted, level %u\n", 100 * stats.complete, stats.quality_level);
    return stats.complete < 1;
}

/* Writes a column of prices; the GPU packs it where there is one, and the file is the same. */
static gch_status write_prices(const char *path, const int64_t *times, const double *prices,
                               size_t count)
{
    gch_encoder *encoder = NULL;
    gch_writer *writer = NULL;
    if (gch_encoder_make_gpu(&(gch_encoder_desc){0}, &encoder, &err) != GCH_OK)
        printf("encoded on the processor: %s\n", err.message);
    gch_writer_desc desc = {
        .time_unit = GCH_TIME_MS,
        .columns = &(gch_column_desc){.name = "price", .type = GCH_TYPE_F64},
        .column_count = 1,
        .encoder = encoder,
    };
    gch_status status = gch_writer_create(path, &desc, &writer, &err);
    if (status == GCH_OK)
        status =
            gch_writer_append(writer, times, &(gch_column_data){.values = prices}, count, &err);
    if (status == GCH_OK)
        status = gch_writer_finish(writer, &err);
    else
        gch_writer_abandon(writer);
    gch_encoder_destroy(encoder);
    return status;
}

static gch_status make_counter(gch__gpu *gpu, uint32_t bits, uint32_t least, gch__gpu_pipeline *out)
{
    gch__gpu_shader shader;
    GCH_TRY(gch__gpu_shader_make(gpu, gch__shader_guide_start,
                                 (size_t)(gch__shader_guide_end - gch__shader_guide_start), "guide",
                                 &shader, &err));
    gch__gpu_pipeline_desc desc = {.label = "count least",
                                   .shader = shader,
                                   .compute = "count_least",
                                   .kinds = {GCH__GPU_BIND_READ, GCH__GPU_BIND_WRITE},
                                   .constants = {{"BITS", bits}, {"LEAST", least}}};
    return gch__gpu_pipeline_get(gpu, &desc, out, &err);
}

/* How many of each block's 256 values are at least what the pipeline was made for. */
static gch_status count_blocks(gch__gpu *gpu, gch__gpu_pipeline pipeline, const uint32_t *words,
                               uint64_t word_bytes, uint32_t block_count, uint32_t *out_counts)
{
    gch__gpu_buffer buffers[2];
    gch__gpu_bindings bindings;
    uint64_t count_bytes = (uint64_t)block_count * sizeof *out_counts;
    GCH_TRY(gch__gpu_buffer_make(gpu, word_bytes, GCH__GPU_STORAGE, "words", &buffers[0], &err));
    GCH_TRY(gch__gpu_buffer_make(gpu, count_bytes, GCH__GPU_STORAGE, "counts", &buffers[1], &err));
    GCH_TRY(gch__gpu_bindings_make(gpu, pipeline, buffers, 2, "count", &bindings, &err));
    GCH_TRY(gch__gpu_begin(gpu, "count", &err));
    GCH_TRY(gch__gpu_upload(gpu, buffers[0], 0, words, word_bytes, &err));
    GCH_TRY(gch__gpu_clear(gpu, buffers[1], 0, count_bytes, &err));
    GCH_TRY(gch__gpu_compute_begin(gpu, "count", &err));
    GCH_TRY(gch__gpu_dispatch(gpu, pipeline, bindings, block_count, 1, 1, &err));
    GCH_TRY(gch__gpu_pass_end(gpu, &err));
    GCH_TRY(gch__gpu_download(gpu, buffers[1], 0, out_counts, count_bytes, &err));
    gch__gpu_bindings_release(gpu,
                              bindings); /* and with them the buffers, when the queue is done */
    gch__gpu_buffer_release(gpu, buffers[0]);
    gch__gpu_buffer_release(gpu, buffers[1]);
    return GCH_OK;
}

static void the_chart_of_the_guide_is_drawn(void **state)
{
    (void)state;
    int64_t times[100];
    int32_t values[100];
    for (int i = 0; i < 100; i++) {
        times[i] = i;
        values[i] = i * i % 37;
    }
    test_series series = test_series_make(GCH_TIME_MS, times, values, GCH_TYPE_I32, NULL, 100);
    gch_data *data = NULL;
    gch_chart *chart = NULL;
    assert_ok(gch_data_make(NULL, &data, &err));
    assert_ok(gch_chart_make(NULL, &chart, &err));
    assert_ok(draw_on_gpu(chart, data, series.file));
    gch_chart_destroy(chart);
    assert_ok(gch_data_destroy(data, &err));
    test_series_free(&series);
}

static void the_frames_of_the_guide_become_exact(void **state)
{
    (void)state;
    enum { COUNT = 1000000 };
    static int64_t times[COUNT];
    static int32_t values[COUNT];
    for (int i = 0; i < COUNT; i++) {
        times[i] = i;
        values[i] = i % 641;
    }
    test_series series = test_series_make(GCH_TIME_MS, times, values, GCH_TYPE_I32, NULL, COUNT);
    gch_chart *chart = NULL;
    gch_chart_series its = {.file = series.file, .mark = GCH_MARK_DENSITY};
    gch_chart_desc desc = {.series = &its,
                           .series_count = 1,
                           .width_px = 120,
                           .height_px = 90,
                           .backend = GCH_BACKEND_GPU};
    const gch_image *image = NULL;
    gch_image exact = {0};
    uint32_t frames = 1;
    assert_ok(gch_chart_make(NULL, &chart, &err));
    while (draw_in_time(chart, &desc, &image))
        frames++;
    assert_true(frames > 1 && frames <= 67);
    desc.quality = GCH_QUALITY_EXACT;
    assert_ok(gch_chart_render(&desc, &exact, NULL, &err));
    assert_memory_equal(image->pixels, exact.pixels, 120 * 90 * 4);
    gch_image_destroy(&exact, NULL);
    gch_chart_destroy(chart);
    test_series_free(&series);
}

static void the_shader_of_the_guide_counts(void **state)
{
    (void)state;
    enum { BITS = 11, BLOCKS = 40, LEAST = 700 };
    static uint32_t words[BLOCKS * BITS * 8], values[BLOCKS][GCH_BLOCK_ROWS], counts[BLOCKS];
    uint64_t seed = 3;
    for (uint32_t b = 0; b < BLOCKS; b++) {
        for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++)
            values[b][i] = (uint32_t)test_random(&seed) & ((1u << BITS) - 1);
        gch__kernels_get()->pack(values[b], BITS, words + (size_t)b * BITS * 8);
    }
    gch__gpu *gpu = NULL;
    gch__gpu_pipeline pipeline;
    assert_ok(gch__gpu_make(&(gch__gpu_desc){0}, &gpu, &err));
    assert_ok(make_counter(gpu, BITS, LEAST, &pipeline));
    assert_ok(count_blocks(gpu, pipeline, words, sizeof words, BLOCKS, counts));
    for (uint32_t b = 0; b < BLOCKS; b++) {
        uint32_t expected = 0;
        for (uint32_t i = 0; i < GCH_BLOCK_ROWS; i++)
            expected += values[b][i] >= LEAST;
        assert_int_equal(counts[b], expected);
    }
    gch__gpu_destroy(gpu);
}

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("%s cannot be read", path);
    char *text = calloc(1, 1 << 18);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 18) - 1, file) > 0);
    fclose(file);
    return text;
}

/* Every block of the guide in this language stands in a source. */
static void compare_blocks(const char *opening, const char *source, int expected_count)
{
    char *guide = read_text(GUIDE), *code = read_text(source);
    int blocks = 0;
    for (char *at = guide; (at = strstr(at, opening)) != NULL; blocks++) {
        at += strlen(opening);
        char *end = strstr(at, "```");
        assert_non_null(end);
        *end = '\0';
        if (strstr(code, at) == NULL)
            fail_msg("this code of the guide is not in %s:\n%s", source, at);
        at = end + 1;
    }
    assert_int_equal(blocks, expected_count);
    free(guide);
    free(code);
}

static void the_prices_of_the_guide_are_written(void **state)
{
    (void)state;
    int64_t times[] = {1000, 2000, 3000};
    double prices[] = {1.25, -2.5, 1e300};
    gch_value values[3];
    const gch_file *file = NULL;
    gch_data *data = NULL;
    gch_source source;
    assert_ok(write_prices(PRICES, times, prices, 3));
    assert_ok(gch_data_make(&(gch_data_desc){0}, &data, &err));
    assert_ok(gch_source_open_file(data, PRICES, NULL, &source, &err));
    assert_ok(gch_source_get_file(data, source, &file, &err));
    assert_ok(gch_file_read_values(file, 0, 0, 3, values, &err));
    for (uint32_t row = 0; row < 3; row++)
        assert_true(gch_value_to_double(values[row]) == prices[row]);
    assert_ok(gch_source_close(data, source, &err));
    assert_ok(gch_data_destroy(data, &err));
    assert_int_equal(remove(PRICES), 0);
}

static void guide_shows_the_code_that_is_run(void **state)
{
    (void)state;
    compare_blocks("```c\n", __FILE__, 5);
    compare_blocks("```wgsl\n", SHADER, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_chart_of_the_guide_is_drawn),
        cmocka_unit_test(the_frames_of_the_guide_become_exact),
        cmocka_unit_test(the_shader_of_the_guide_counts),
        cmocka_unit_test(the_prices_of_the_guide_are_written),
        cmocka_unit_test(guide_shows_the_code_that_is_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
