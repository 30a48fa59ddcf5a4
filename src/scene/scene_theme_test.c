/* Tests of the themes' promises: contrast, and colours that stay apart for colour-blind eyes. */
#include "scene_theme.h"
#include "test.h"

#include <math.h>

typedef struct rgb {
    double c[3]; /* linear light, 0-1 */
} rgb;

static rgb rgb_from(uint32_t color)
{
    rgb out;
    for (int i = 0; i < 3; i++) {
        double s = (color >> (24 - 8 * i) & 255u) / 255.0;
        out.c[i] = s <= 0.04045 ? s / 12.92 : pow((s + 0.055) / 1.055, 2.4);
    }
    return out;
}

/* WCAG 2.1: relative luminance and contrast ratio. */
static double contrast(uint32_t a, uint32_t b)
{
    rgb x = rgb_from(a), y = rgb_from(b);
    double p = 0.2126 * x.c[0] + 0.7152 * x.c[1] + 0.0722 * x.c[2] + 0.05;
    double q = 0.2126 * y.c[0] + 0.7152 * y.c[1] + 0.0722 * y.c[2] + 0.05;
    return p > q ? p / q : q / p;
}

/* Machado et al. 2009, severity 1.0: normal, protanopia, deuteranopia, tritanopia. */
static const double vision[4][3][3] = {
    {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
    {{0.152286, 1.052583, -0.204868},
     {0.114503, 0.786281, 0.095216},
     {-0.003882, -0.048116, 1.051998}},
    {{0.367322, 0.860646, -0.227968},
     {0.280085, 0.672501, 0.047413},
     {-0.011820, 0.042940, 0.968881}},
    {{1.255528, -0.076749, -0.178779},
     {-0.078411, 0.930809, 0.147602},
     {0.004733, 0.691367, 0.303900}},
};

/* OKLab (Ottosson, "A perceptual color space for image processing", 2020). */
static void oklab(uint32_t color, uint32_t kind, double lab[3])
{
    static const double to_lms[3][3] = {{0.4122214708, 0.5363325363, 0.0514459929},
                                        {0.2119034982, 0.6806995451, 0.1073969566},
                                        {0.0883024619, 0.2817188376, 0.6299787005}};
    static const double to_lab[3][3] = {{0.2104542553, 0.7936177850, -0.0040720468},
                                        {1.9779984951, -2.4285922050, 0.4505937099},
                                        {0.0259040371, 0.7827717662, -0.8086757660}};
    rgb from = rgb_from(color);
    double seen[3], lms[3];
    for (int i = 0; i < 3; i++) {
        double sum = 0;
        for (int j = 0; j < 3; j++)
            sum += vision[kind][i][j] * from.c[j];
        seen[i] = fmin(fmax(sum, 0), 1);
    }
    for (int i = 0; i < 3; i++)
        lms[i] = cbrt(to_lms[i][0] * seen[0] + to_lms[i][1] * seen[1] + to_lms[i][2] * seen[2]);
    for (int i = 0; i < 3; i++)
        lab[i] = to_lab[i][0] * lms[0] + to_lab[i][1] * lms[1] + to_lab[i][2] * lms[2];
}

static double difference(uint32_t a, uint32_t b, uint32_t kind)
{
    double x[3], y[3], sum = 0;
    oklab(a, kind, x);
    oklab(b, kind, y);
    for (int i = 0; i < 3; i++)
        sum += (x[i] - y[i]) * (x[i] - y[i]);
    return sqrt(sum);
}

static void the_measures_agree_with_known_values(void **state)
{
    (void)state;
    assert_true(fabs(contrast(0xFFFFFFFF, 0x000000FF) - 21) < 1e-9);
    assert_true(fabs(contrast(0x777777FF, 0xFFFFFFFF) - 4.478) < 0.001);
    double lab[3];
    oklab(0xFFFFFFFF, 0, lab);
    assert_true(fabs(lab[0] - 1) < 1e-6 && fabs(lab[1]) < 1e-6 && fabs(lab[2]) < 1e-6);
    /* A red and a green of one lightness: far apart for most, close for a deuteranope. */
    assert_true(difference(0xD0574FFF, 0x7F8B32FF, 0) > 3 * difference(0xD0574FFF, 0x7F8B32FF, 2));
}

static void text_and_series_stand_out_from_the_ground(void **state)
{
    (void)state;
    for (int i = GCH_THEME_LIGHT; i <= GCH_THEME_CONTRAST; i++) {
        const gch__theme *theme = gch__theme_get((gch_theme)i);
        const bool is_high = i == GCH_THEME_CONTRAST;
        const double stroke = is_high ? 4.5 : 3;
        assert_true(contrast(theme->text, theme->ground) >= (is_high ? 12 : 7));
        assert_true(contrast(theme->muted, theme->ground) >= (is_high ? 12 : 4.5));
        assert_true(contrast(theme->up, theme->ground) >= stroke);
        assert_true(contrast(theme->down, theme->ground) >= stroke);
        for (uint32_t k = 0; k < GCH_PALETTE_COUNT; k++)
            assert_true(contrast(theme->palette[k], theme->ground) >= stroke);
        /* Lines recede: fainter, in this order, than anything that carries data. */
        double faint = contrast(theme->grid_faint, theme->ground);
        double grid = contrast(theme->grid, theme->ground);
        double zero = contrast(theme->zero, theme->ground);
        assert_true(faint < grid && grid < zero && zero < 3.2);
    }
}

static void series_stay_apart_for_colour_blind_eyes(void **state)
{
    (void)state;
    for (int i = GCH_THEME_LIGHT; i <= GCH_THEME_CONTRAST; i++) {
        const gch__theme *theme = gch__theme_get((gch_theme)i);
        for (uint32_t kind = 0; kind < 4; kind++) {
            for (uint32_t a = 0; a < GCH_PALETTE_COUNT; a++)
                for (uint32_t b = 0; b < a; b++)
                    assert_true(difference(theme->palette[a], theme->palette[b], kind) >=
                                (a < 5 ? 0.095 : 0.055));
            assert_true(difference(theme->up, theme->down, kind) >= 0.1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_measures_agree_with_known_values),
        cmocka_unit_test(text_and_series_stand_out_from_the_ground),
        cmocka_unit_test(series_stay_apart_for_colour_blind_eyes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
