/* Palettes: lightness rises evenly, whatever the hues do. */
#include "scene_palette.h"
#include "scene_theme.h"
#include "test.h"

#include <math.h>

static double linear_from_byte(uint32_t byte)
{
    double x = byte / 255.0;
    return x <= 0.04045 ? x / 12.92 : pow((x + 0.055) / 1.055, 2.4);
}

/* L* of CIELAB, which is another measure than the palettes are made in. */
static double lightness_of(uint32_t rgba)
{
    double y = 0.2126 * linear_from_byte(rgba >> 24) + 0.7152 * linear_from_byte(rgba >> 16 & 255) +
               0.0722 * linear_from_byte(rgba >> 8 & 255);
    return y > 0.008856 ? 116 * cbrt(y) - 16 : 903.3 * y;
}

static const gch_palette palettes[] = {GCH_PALETTE_MOSS, GCH_PALETTE_EMBER, GCH_PALETTE_DUSK};

static void lightness_rises_with_every_level_and_evenly(void **state)
{
    (void)state;
    for (size_t p = 0; p < 3; p++) {
        for (int is_reversed = 0; is_reversed < 2; is_reversed++) {
            double sign = is_reversed != 0 ? -1 : 1;
            double first = lightness_of(gch__palette_color(palettes[p], is_reversed != 0, 0));
            double last = lightness_of(gch__palette_color(palettes[p], is_reversed != 0, 255));
            double before = first;
            assert_true(sign * (last - first) > 55);
            for (uint32_t level = 0; level < 256; level++) {
                uint32_t rgba = gch__palette_color(palettes[p], is_reversed != 0, level);
                double lightness = lightness_of(rgba);
                double even = first + (last - first) * level / 255;
                assert_int_equal(rgba & 255, 255);
                if (fabs(lightness - even) > 6 || sign * (lightness - before) < -0.35)
                    fail_msg("palette %zu, level %u: L* %.2f after %.2f, on the line %.2f", p,
                             level, lightness, before, even);
                before = lightness;
            }
        }
    }
}

static void no_two_neighbours_of_sixteen_look_alike(void **state)
{
    (void)state;
    for (size_t p = 0; p < 3; p++)
        for (uint32_t level = 16; level < 256; level += 16)
            assert_true(fabs(lightness_of(gch__palette_color(palettes[p], false, level)) -
                             lightness_of(gch__palette_color(palettes[p], false, level - 16))) > 2);
}

static void single_points_stand_out_from_either_theme_s_ground(void **state)
{
    (void)state;
    for (size_t p = 0; p < 3; p++) {
        double dark = lightness_of(gch__theme_get(GCH_THEME_DARK)->ground);
        double light = lightness_of(gch__theme_get(GCH_THEME_LIGHT)->ground);
        assert_true(lightness_of(gch__palette_color(palettes[p], false, 0)) > dark + 8);
        assert_true(lightness_of(gch__palette_color(palettes[p], true, 0)) < light - 8);
    }
}

static void moss_is_the_default(void **state)
{
    (void)state;
    for (uint32_t level = 0; level < 256; level++)
        assert_int_equal(gch__palette_color(GCH_PALETTE_DEFAULT, false, level),
                         gch__palette_color(GCH_PALETTE_MOSS, false, level));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lightness_rises_with_every_level_and_evenly),
        cmocka_unit_test(no_two_neighbours_of_sixteen_look_alike),
        cmocka_unit_test(single_points_stand_out_from_either_theme_s_ground),
        cmocka_unit_test(moss_is_the_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
