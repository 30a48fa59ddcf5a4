/* Bare pictures against one comparison a pixel and piece. */
#include "raster_bare.h"
#include "test.h"

#define SERIES_CAP 3u
#define WIDTH_CAP 70u
#define PIECES_CAP (WIDTH_CAP * 5)

typedef struct sample_series {
    uint32_t first[WIDTH_CAP + 1];
    gch_piece pieces[PIECES_CAP];
} sample_series;

/* Up to `most` pieces a column; some lie outside of the view, some fill it. */
static gch_columns make_columns(sample_series *series, uint32_t width, uint32_t height,
                                uint32_t most, uint64_t *random)
{
    uint32_t count = 0;
    for (uint32_t c = 0; c < width; c++) {
        series->first[c] = count;
        for (uint64_t n = test_random(random) % (most + 1); n > 0; n--) {
            int32_t a = (int32_t)(test_random(random) % height);
            int32_t b = (int32_t)(test_random(random) % height);
            bool is_outside = test_random(random) % 8 == 0;
            series->pieces[count++] = (gch_piece){
                .row_top = is_outside ? (int32_t)height : GCH_MIN(a, b),
                .row_bottom = is_outside ? -1 : GCH_MAX(a, b),
            };
        }
    }
    series->first[width] = count;
    return (gch_columns){.width_px = width, .first = series->first, .pieces = series->pieces};
}

static bool is_lit(const gch_columns *columns, uint32_t series_count, uint32_t x, uint32_t y)
{
    for (uint32_t s = 0; s < series_count; s++)
        for (uint32_t i = columns[s].first[x]; i < columns[s].first[x + 1]; i++)
            if (columns[s].pieces[i].row_top <= (int32_t)y &&
                (int32_t)y <= columns[s].pieces[i].row_bottom)
                return true;
    return false;
}

static void check_size(uint32_t width, uint32_t height, uint32_t series_count, uint64_t *random)
{
    static sample_series series[SERIES_CAP];
    gch_columns columns[SERIES_CAP];
    for (uint32_t s = 0; s < series_count; s++)
        columns[s] = make_columns(&series[s], width, height, s == 0 ? 1 : 5, random);
    size_t stride = width + 3u; /* what lies beside the target must stay as it is */
    uint32_t *pixels = malloc(stride * height * sizeof *pixels);
    uint16_t *scratch = malloc(gch__bare_scratch(width) * sizeof *scratch);
    assert_non_null(pixels);
    assert_non_null(scratch);
    memset(pixels, 0x5A, stride * height * sizeof *pixels);
    gch__target target = {pixels, stride, width, height};
    for (uint32_t band = 0; band < gch__bare_bands(height); band++)
        gch__bare_draw_band(target, columns, series_count, band, scratch);
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < stride; x++) {
            uint32_t expected = x >= width                            ? 0x5A5A5A5Au
                                : is_lit(columns, series_count, x, y) ? 0xFFFFFFFFu
                                                                      : 0xFF000000u;
            if (pixels[y * stride + x] != expected)
                fail_msg("%u x %u, pixel (%u, %u): %08x, expected %08x", width, height, x, y,
                         pixels[y * stride + x], expected);
        }
    }
    free(scratch);
    free(pixels);
}

static void bare_equals_a_loop_over_pixels_at_odd_sizes(void **state)
{
    (void)state;
    static const uint32_t widths[] = {1, 2, 15, 16, 17, 31, 33, 64, 70};
    static const uint32_t heights[] = {1, 2, 7, 127, 128, 129, 300};
    uint64_t random = 1;
    for (size_t w = 0; w < GCH_COUNT_OF(widths); w++)
        for (size_t h = 0; h < GCH_COUNT_OF(heights); h++)
            for (uint32_t series_count = 1; series_count <= SERIES_CAP; series_count++)
                check_size(widths[w], heights[h], series_count, &random);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bare_equals_a_loop_over_pixels_at_odd_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
