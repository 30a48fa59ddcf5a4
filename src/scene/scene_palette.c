/* Palettes by our own stops in OKLab (Björn Ottosson, "A perceptual color space for image
 * processing", 2020), straight between the stops.
 *
 * Invariant: the stops' lightness lies on a line, so lightness is even whatever the hues are. A
 * colour that sRGB cannot show keeps lightness and hue and loses chroma.
 */
#include "scene_palette.h"

#include <math.h>

#define STOPS 5u
#define GROUND_SHARE 0.12 /* of a palette: too near the ground's lightness for single points */

typedef struct stops {
    double dark, light; /* lightness of the first and the last */
    double a[STOPS], b[STOPS];
} stops;

static const stops all_stops[] = {
    /* violet, blue, teal, green, yellow */
    [GCH_PALETTE_MOSS] = {0.30,
                          0.94,
                          {0.080, -0.015, -0.080, -0.135, -0.060},
                          {-0.105, -0.105, -0.030, 0.075, 0.175}},
    /* near black, purple, crimson, orange, cream */
    [GCH_PALETTE_EMBER] = {0.21,
                           0.97,
                           {0.020, 0.115, 0.195, 0.120, -0.010},
                           {-0.050, -0.120, 0.010, 0.115, 0.060}},
    /* navy, slate, grey, sand, yellow: told apart with any kind of colour vision */
    [GCH_PALETTE_DUSK] = {0.27,
                          0.92,
                          {-0.015, -0.012, -0.004, -0.006, -0.015},
                          {-0.090, -0.045, 0.010, 0.080, 0.150}},
};

typedef struct linear_rgb {
    double r, g, b;
} linear_rgb;

static linear_rgb from_oklab(double lightness, double a, double b)
{
    double l = lightness + 0.3963377774 * a + 0.2158037573 * b;
    double m = lightness - 0.1055613458 * a - 0.0638541728 * b;
    double s = lightness - 0.0894841775 * a - 1.2914855480 * b;
    l = l * l * l;
    m = m * m * m;
    s = s * s * s;
    return (linear_rgb){4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
                        -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
                        -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s};
}

static bool is_shown(linear_rgb c)
{
    return fmin(fmin(c.r, c.g), c.b) >= 0 && fmax(fmax(c.r, c.g), c.b) <= 1;
}

static uint32_t byte_from_linear(double x)
{
    x = fmin(fmax(x, 0), 1);
    return (uint32_t)((x <= 0.0031308 ? 12.92 * x : 1.055 * pow(x, 1 / 2.4) - 0.055) * 255 + 0.5);
}

uint32_t gch__palette_color(gch_palette palette, bool is_reversed, uint32_t level)
{
    const stops *its = &all_stops[palette != GCH_PALETTE_DEFAULT ? palette : GCH_PALETTE_MOSS];
    double way = (1 - GROUND_SHARE) * (is_reversed ? 255 - level : level) / 255;
    double at = is_reversed ? way : GROUND_SHARE + way;
    uint32_t stop = (uint32_t)fmin(at * (STOPS - 1), STOPS - 2);
    double share = at * (STOPS - 1) - stop, chroma = 1;
    double lightness = its->dark + (its->light - its->dark) * at;
    double a = its->a[stop] + (its->a[stop + 1] - its->a[stop]) * share;
    double b = its->b[stop] + (its->b[stop + 1] - its->b[stop]) * share;
    linear_rgb c = from_oklab(lightness, a, b);
    for (uint32_t i = 1; !is_shown(c) && i < 32; i++) {
        chroma = 1 - i / 32.0;
        c = from_oklab(lightness, a * chroma, b * chroma);
    }
    return byte_from_linear(c.r) << 24 | byte_from_linear(c.g) << 16 | byte_from_linear(c.b) << 8 |
           0xFF;
}
