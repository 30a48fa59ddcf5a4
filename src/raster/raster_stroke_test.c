/* Strokes, discs, areas and their blending against areas known by geometry and distances taken one
 * by one. */
#include "raster_stroke.h"
#include "test.h"

#include <math.h>

#define SIDE 96u /* three bands */

typedef struct sheet {
    uint8_t bytes[SIDE * SIDE]; /* column by column; SIDE is a multiple of 8 */
    gch__mask mask;
} sheet;

static sheet blank(void)
{
    sheet s = {.mask = {.columns = SIDE}};
    s.mask = gch__mask_make(NULL, 0, SIDE, SIDE);
    return s;
}

static void stroke(sheet *s, const gch_point *points, size_t count, float width)
{
    s->mask.bytes = s->bytes;
    gch__mask_stroke(&s->mask, points, count, width);
}

static double total(const sheet *s)
{
    double sum = 0;
    for (size_t i = 0; i < sizeof s->bytes; i++)
        sum += s->bytes[i] / 255.0;
    return sum;
}

static void assert_near(double value, double expected, double bound)
{
    if (!(fabs(value - expected) <= bound))
        fail_msg("%.9g, expected %.9g +- %g", value, expected, bound);
}

static void assert_same(const uint8_t *a, const uint8_t *b, int tolerance)
{
    for (size_t i = 0; i < SIDE * SIDE; i++)
        if (abs(a[i] - b[i]) > tolerance)
            fail_msg("column %zu, row %zu: %u and %u", i / SIDE, i % SIDE, a[i], b[i]);
}

/* Through the whole sheet, so that caps lie outside. Across an upright line the coverage is a
 * trapezoid of integral `width` whose samples one pixel apart sum to it exactly; what is left is
 * rounding to 1/255, at most half a step a pixel of the width + 1 that are touched. */
static void upright_and_level_strokes_cover_their_area(void **state)
{
    (void)state;
    static const float widths[] = {1, 1.5f, 2, 3.3f, 9};
    static const float places[] = {48, 48.25f, 48.5f, 47.9f};
    for (size_t w = 0; w < GCH_COUNT_OF(widths); w++) {
        for (size_t p = 0; p < GCH_COUNT_OF(places); p++) {
            float width = widths[w], at = places[p];
            double bound = SIDE * ((double)width + 2) * 0.5 / 255;
            gch_point level[] = {{-50, at, true}, {150, at, false}};
            gch_point upright[] = {{at, -50, true}, {at, 150, false}};
            sheet a = blank(), b = blank();
            stroke(&a, level, 2, width);
            stroke(&b, upright, 2, width);
            assert_near(total(&a), SIDE * (double)width, bound);
            assert_near(total(&b), SIDE * (double)width, bound);
        }
    }
}

/* Two round caps make one disc. Sampling a slanted edge at pixel centres is not exact; over 60 px
 * it averages to within 2 %, but not on a diagonal, where the centres lie sqrt(1/2) px apart across
 * the line: the first harmonic of the trapezoid, 2 sinc(sqrt(2)) sinc(w sqrt(2)), is at most 9.8 %
 * / w.
 */
static void slanted_strokes_cover_their_area(void **state)
{
    (void)state;
    static const float ends[][2] = {{70, 70.4f}, {38.3f, 2.7f}, {75, 33}, {22, 78}, {31, 80}};
    for (size_t i = 0; i < GCH_COUNT_OF(ends); i++) {
        for (int half_px = 2; half_px < 16; half_px += 3) {
            float width = (float)half_px * 0.5f;
            gch_point line[] = {{20.3f, 20.7f, true}, {ends[i][0], ends[i][1], false}};
            double length = hypot((double)ends[i][0] - 20.3f, (double)ends[i][1] - 20.7f);
            double expected = width * length + M_PI / 4 * (width * width + 1.0 / 3);
            sheet s = blank();
            stroke(&s, line, 2, width);
            double share = i < 2 ? 0.102 / width : 0.02;
            assert_near(total(&s), expected, share * width * length + 0.6 /* caps */);
        }
    }
}

static double distance_to(gch_point a, gch_point b, double x, double y)
{
    double dx = (double)b.x - a.x, dy = (double)b.y - a.y, square = dx * dx + dy * dy;
    double along = square > 0 ? ((x - a.x) * dx + (y - a.y) * dy) / square : 0;
    along = fmin(fmax(along, 0), 1);
    return hypot(x - a.x - along * dx, y - a.y - along * dy);
}

static void brute_force(const gch_point *points, size_t count, float width, uint8_t *bytes)
{
    for (uint32_t x = 0; x < SIDE; x++) {
        for (uint32_t y = 0; y < SIDE; y++) {
            double cover = 0;
            for (size_t i = 0; i < count; i++) {
                bool is_joined = i > 0 && !points[i].starts_run;
                bool is_alone = !is_joined && (i + 1 == count || points[i + 1].starts_run);
                double reach = (is_alone ? fmax(width, 2) : width) * 0.5 + 0.5;
                gch_point from = is_joined ? points[i - 1] : points[i];
                double d = distance_to(from, points[i], x + 0.5, y + 0.5);
                cover = fmax(cover, fmin(fmax(reach - d, 0), 1));
            }
            bytes[x * SIDE + y] = (uint8_t)(cover * 255 + 0.5);
        }
    }
}

/* 1/255: the engine computes distances in float. */
static void strokes_equal_the_distance_taken_pixel_by_pixel(void **state)
{
    (void)state;
    static const float widths[] = {0.5f, 1, 1.5f, 2, 4.7f, 12};
    uint64_t random = 7;
    for (int round = 0; round < 60; round++) {
        gch_point points[24];
        size_t count = 1 + test_random(&random) % GCH_COUNT_OF(points);
        float x = -20;
        bool is_coarse = round % 3 == 0; /* whole pixels: level, upright and zero-length parts */
        for (size_t i = 0; i < count; i++) {
            float y = (float)(test_random(&random) % 1600) / 10.0f - 30;
            points[i] = (gch_point){x, is_coarse ? floorf(y) : y, test_random(&random) % 5 == 0};
            x += is_coarse ? (float)(test_random(&random) % 3) * 4
                           : (float)(test_random(&random) % 100) / 9.0f;
        }
        points[0].starts_run = true;
        float width = widths[round % (int)GCH_COUNT_OF(widths)];
        static uint8_t expected[SIDE * SIDE];
        brute_force(points, count, width, expected);
        sheet s = blank();
        stroke(&s, points, count, width);
        assert_same(s.bytes, expected, 1);
    }
}

static void bands_fit_together(void **state)
{
    (void)state;
    uint64_t random = 3;
    gch_point points[200];
    for (size_t i = 0; i < GCH_COUNT_OF(points); i++)
        points[i] =
            (gch_point){(float)i * 0.6f - 10, (float)(test_random(&random) % SIDE), i % 37 == 0};
    sheet whole = blank();
    stroke(&whole, points, GCH_COUNT_OF(points), 2.5f);
    static uint8_t parts[SIDE * SIDE];
    memset(parts, 0, sizeof parts);
    for (uint32_t x = 0; x < SIDE; x += GCH__BAND_PX) {
        gch__mask mask = gch__mask_make(parts + (size_t)x * SIDE, x, GCH__BAND_PX, SIDE);
        gch__mask_stroke(&mask, points, GCH_COUNT_OF(points), 2.5f);
    }
    assert_same(whole.bytes, parts, 1); /* a segment is cut elsewhere: float rounding */
}

static void overlaps_within_a_series_do_not_add_up(void **state)
{
    (void)state;
    gch_point once[] = {{10, 10.5f, true}, {80, 70, false}};
    gch_point split[] = {{10, 10.5f, true}, {45, 40.25f, false}, {80, 70, false}};
    gch_point twice[] = {{10, 10.5f, true}, {80, 70, false}, {10, 10.5f, true}, {80, 70, false}};
    sheet a = blank(), b = blank(), c = blank();
    stroke(&a, once, 2, 3);
    stroke(&b, split, 3, 3);
    for (size_t i = 0; i < 4; i += 2)
        stroke(&c, twice + i, 2, 3);
    assert_same(a.bytes, b.bytes, 1);
    assert_same(a.bytes, c.bytes, 0);
}

static void a_run_of_one_point_is_a_dot_of_two_pixels_at_least(void **state)
{
    (void)state;
    gch_point dots[] = {{30, 30, true}, {60, 60, true}};
    sheet a = blank(), b = blank();
    stroke(&a, dots, 2, 0.5f);
    stroke(&b, dots, 2, 10);
    /* A disc of radius r with an edge one pixel soft has the area pi (r^2 + 1/12); the smallest
     * samples it in four pixels only, each sqrt(1/2) from the centre. */
    assert_near(total(&a), 2 * 4 * (1.5 - M_SQRT1_2), 8 * 0.5 / 255);
    assert_near(total(&b), 2 * M_PI * (25 + 1.0 / 12), 0.8);
}

static void points_far_outside_and_not_finite_are_harmless(void **state)
{
    (void)state;
    gch_point level[] = {{-1e18f, 40.5f, true}, {1e18f, 40.5f, false}};
    sheet a = blank();
    stroke(&a, level, 2, 1);
    assert_near(total(&a), SIDE, 0.5);
    gch_point steep[] = {{48.5f, -1e6f, true}, {48.5f, 1e6f, false}};
    sheet b = blank();
    stroke(&b, steep, 2, 1);
    assert_near(total(&b), SIDE, 0.5);
    gch_point broken[] = {{-INFINITY, 5, true}, {10, NAN, false}, {20, INFINITY, false},
                          {30, 30, false},      {40, 30, false},  {INFINITY, 30, false}};
    sheet c = blank();
    stroke(&c, broken, GCH_COUNT_OF(broken), 1);
    assert_near(total(&c), 10 + M_PI / 4 * (1 + 1.0 / 3), 0.5);
}

static void discs_unite_at_full_opacity_and_add_below(void **state)
{
    (void)state;
    gch_point twice[] = {{48, 48, true}, {48, 48, true}};
    sheet full = blank(), half = blank();
    full.mask.bytes = full.bytes;
    half.mask.bytes = half.bytes;
    gch__mask_discs(&full.mask, twice, 2, 9, 1);
    gch__mask_discs(&half.mask, twice, 2, 9, 0.5f);
    assert_int_equal(full.bytes[48 * SIDE + 48], 255);
    assert_near(total(&full), M_PI * (4.5 * 4.5 + 1.0 / 12), 0.6);
    assert_near(half.bytes[48 * SIDE + 48], 0.75 * 255, 1.5);
}

static void fill(sheet *s, const gch_point *points, size_t count, float baseline)
{
    float sums[SIDE + 2];
    s->mask.bytes = s->bytes;
    gch__mask_area(&s->mask, points, count, baseline, sums);
}

/* Half a step of rounding a pixel on the edges, at most 3 * SIDE of them here. */
#define AREA_BOUND (3 * SIDE * 0.5 / 255)

static void areas_cover_exactly_what_lies_between_line_and_baseline(void **state)
{
    (void)state;
    gch_point box[] = {{10.25f, 20.5f, true}, {50.75f, 20.5f, false}};
    gch_point slope[] = {{10, 80, true}, {90, 13.3f, false}};
    gch_point cross[] = {{0, 30, true}, {96, 60, false}};
    gch_point above[] = {{0, -500, true}, {96, -500, false}};
    gch_point under[] = {{0, 500, true}, {96, 700, false}};
    sheet a = blank(), b = blank(), c = blank(), d = blank(), e = blank(), f = blank();
    fill(&a, box, 2, 70.25f);
    assert_near(total(&a), 40.5 * 49.75, AREA_BOUND);
    assert_int_equal(a.bytes[30 * SIDE + 20], 128); /* half of its row */
    assert_int_equal(a.bytes[10 * SIDE + 40], 191); /* three quarters of its column */
    fill(&b, slope, 2, 80);
    assert_near(total(&b), 80 * 66.7 / 2, AREA_BOUND);
    fill(&c, cross, 2, 45);
    assert_near(total(&c), 2 * 48 * 15.0 / 2, AREA_BOUND);
    fill(&d, above, 2, 40);
    assert_near(total(&d), SIDE * 40.0, AREA_BOUND);
    fill(&e, above, 2, -3); /* both outside, on the same side */
    assert_near(total(&e), 0, 0);
    fill(&f, under, 2, 40); /* the line is below what is seen */
    assert_near(total(&f), SIDE * (SIDE - 40.0), AREA_BOUND);
}

static void what_lies_between_two_paths_is_covered_exactly(void **state)
{
    (void)state;
    gch_point upper[] = {
        {10.25f, 20.5f, true}, {50.75f, 20.5f, false}, {60, 5, true}, {90, 40, false}};
    gch_point lower[] = {
        {10.25f, 70.25f, true}, {50.75f, 30.25f, false}, {60, 5, true}, {90, 400, false}};
    sheet s = blank(), level = blank(), area = blank();
    float sums[SIDE + 2];
    s.mask.bytes = s.bytes;
    gch__mask_between(&s.mask, upper, lower, 4, sums);
    /* A trapezoid, and a triangle that goes on below the sheet: its lower edge meets row 96 at
     * x 66.911. */
    double triangle = 0;
    for (double x = 60.0005; x < 90; x += 0.001)
        triangle += 0.001 * (fmin(5 + (x - 60) * 395 / 30, SIDE) - (5 + (x - 60) * 35 / 30));
    assert_near(total(&s), 40.5 * (49.75 + 9.75) / 2 + triangle, 2 * AREA_BOUND);
    assert_int_equal(s.bytes[55 * SIDE + 30], 0); /* between the runs */
    /* The same as down to a baseline. */
    gch_point line[] = {{3.5f, 80, true}, {90, 13.3f, false}};
    gch_point base[] = {{3.5f, 85.5f, true}, {90, 85.5f, false}};
    level.mask.bytes = level.bytes;
    gch__mask_between(&level.mask, line, base, 2, sums);
    fill(&area, line, 2, 85.5f);
    assert_same(level.bytes, area.bytes, 1);
}

static void areas_leave_gaps_between_runs(void **state)
{
    (void)state;
    gch_point runs[] = {{10, 10, true}, {20, 10, false}, {30, 10, true}, {40, 10, false}};
    sheet s = blank();
    fill(&s, runs, 4, 50);
    assert_near(total(&s), 2 * 10 * 40, AREA_BOUND);
    assert_int_equal(s.bytes[25 * SIDE + 30], 0);
}

static void blending_rounds_to_the_nearest(void **state)
{
    (void)state;
    for (uint32_t a = 0; a < 256; a++)
        for (uint32_t b = 0; b < 256; b++)
            assert_int_equal(gch__mul_255(a, b), (2 * a * b + 255) / 510);
    for (uint32_t alpha = 0; alpha < 256; alpha++) {
        for (uint32_t under = 0; under < 256; under += 15) {
            uint32_t over = 255 - under / 2;
            uint32_t expected = (2 * (over * alpha + under * (255 - alpha)) + 255) / 510;
            uint32_t pixel = gch__blend(0xFF000000u | under * 0x010101u, over * 0x010101u, alpha);
            assert_int_equal(pixel, 0xFF000000u | expected * 0x010101u);
        }
    }
    assert_int_equal(gch__blend(0, 0x00332211u, 128), 0x80332211u);
    assert_int_equal(gch__blend(0x80332211u, 0x00332211u, 255), 0xFF332211u);
    assert_int_equal(gch__blend_general(0x80FFFFFFu, 0, 0x80), 0xC0555555u);
}

static void a_mask_is_blended_once_in_its_place_and_cleared(void **state)
{
    (void)state;
    enum { WIDTH = 45, HEIGHT = 37, STRIDE = 50 };
    static uint8_t bytes[GCH__BAND_PX * 40];
    static uint32_t pixels[HEIGHT * STRIDE];
    for (size_t i = 0; i < GCH_COUNT_OF(pixels); i++)
        pixels[i] = 0xFF000000u;
    gch__target plot = {pixels, STRIDE, WIDTH, HEIGHT};
    gch__mask mask = gch__mask_make(bytes, 32, WIDTH - 32, HEIGHT);
    uint64_t random = 5;
    uint8_t covers[WIDTH - 32][HEIGHT];
    for (uint32_t c = 0; c < mask.columns; c++) {
        for (uint32_t y = 0; y < HEIGHT; y++) {
            uint64_t draw = test_random(&random);
            covers[c][y] = draw % 3 == 0 ? 0 : draw % 3 == 1 ? 255 : (uint8_t)(draw >> 8);
            bytes[c * mask.stride + y] = covers[c][y];
        }
    }
    gch__mask_touch(&mask, 0, HEIGHT);
    uint32_t colors[HEIGHT];
    for (uint32_t y = 0; y < HEIGHT; y++)
        colors[y] = 0xFFFFFF00u | (y % 2 == 0 ? 255 : 128);
    gch__mask_blend(&mask, plot, colors, 1);
    for (uint32_t y = 0; y < HEIGHT; y++) {
        for (uint32_t x = 0; x < STRIDE; x++) {
            uint32_t cover = x >= 32 && x < WIDTH ? covers[x - 32][y] : 0;
            uint32_t white = gch__mul_255(cover, colors[y] & 255);
            assert_int_equal(pixels[y * STRIDE + x], 0xFF000000u | white * 0x010101u);
        }
    }
    for (size_t i = 0; i < sizeof bytes; i++)
        assert_int_equal(bytes[i], 0);
    assert_true(mask.touched_first >= mask.touched_end);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(upright_and_level_strokes_cover_their_area),
        cmocka_unit_test(slanted_strokes_cover_their_area),
        cmocka_unit_test(strokes_equal_the_distance_taken_pixel_by_pixel),
        cmocka_unit_test(bands_fit_together),
        cmocka_unit_test(overlaps_within_a_series_do_not_add_up),
        cmocka_unit_test(a_run_of_one_point_is_a_dot_of_two_pixels_at_least),
        cmocka_unit_test(points_far_outside_and_not_finite_are_harmless),
        cmocka_unit_test(discs_unite_at_full_opacity_and_add_below),
        cmocka_unit_test(areas_cover_exactly_what_lies_between_line_and_baseline),
        cmocka_unit_test(what_lies_between_two_paths_is_covered_exactly),
        cmocka_unit_test(areas_leave_gaps_between_runs),
        cmocka_unit_test(blending_rounds_to_the_nearest),
        cmocka_unit_test(a_mask_is_blended_once_in_its_place_and_cleared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
