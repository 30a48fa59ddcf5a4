/* The light and the dark theme, and the one of high contrast.
 *
 * Invariants, held by scene_theme_test.c:
 *  1. Text, muted text included, has a contrast of at least 4.5:1 to the ground; series colours and
 *     candles at least 3:1 (WCAG 2.1, success criteria 1.4.3 and 1.4.11). On the theme of high
 *     contrast these are 12:1 and 4.5:1.
 *  2. Any two colours of a palette differ by at least 0.055 in OKLab, the first five by 0.095, for
 *     normal vision and for protanopia, deuteranopia and tritanopia (simulated as by Machado,
 *     Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision
 *     Deficiency", 2009). The palettes were found by search under that measure, hues in the same
 *     order in all themes.
 *  3. Rising and falling candles differ by at least 0.1 in the same measure: in lightness as well
 * as in hue.
 */
#include "scene_theme.h"

static const gch__theme light = {
    .ground = 0xFFFFFFFF,
    .text = 0x1F2328FF,
    .muted = 0x5B6570FF,
    .grid = 0xE7EAEDFF,
    .grid_faint = 0xF1F3F5FF,
    .axis = 0xC3C9D0FF,
    .zero = 0xA3ABB5FF,
    .up = 0x119C8DFF,
    .down = 0xCF3340FF,
    .fill_alpha = 0x4D,
    .fill_base_alpha = 0x08,
    .palette = {0x3F55DCFF, 0xD97B1AFF, 0x3B9A86FF, 0xB8085BFF, 0x65109BFF, 0xA07000FF, 0x2D9BDEFF,
                0x7F1F2CFF, 0x4D6201FF, 0x66707FFF},
};

static const gch__theme dark = {
    .ground = 0x0F1318FF,
    .text = 0xE6E9EEFF,
    .muted = 0x98A2B0FF,
    .grid = 0x232931FF,
    .grid_faint = 0x191E25FF,
    .axis = 0x434B57FF,
    .zero = 0x5B6573FF,
    .up = 0x3FD0BBFF,
    .down = 0xEA4D57FF,
    .fill_alpha = 0x59,
    .fill_base_alpha = 0x08,
    .palette = {0x6690FEFF, 0xEB9A0CFF, 0x4CE0CDFF, 0xE5567AFF, 0x9D5FC0FF, 0xF1E16BFF, 0x72BFF3FF,
                0xB95212FF, 0xA2C27CFF, 0x7B8A9AFF},
};

static const gch__theme contrast = {
    .ground = 0x000000FF,
    .text = 0xFFFFFFFF,
    .muted = 0xDCDCDCFF,
    .grid = 0x3C3C3CFF,
    .grid_faint = 0x282828FF,
    .axis = 0xB4B4B4FF,
    .zero = 0x5A5A5AFF,
    .up = 0x3FE0C8FF,
    .down = 0xFF5C66FF,
    .fill_alpha = 0x70,
    .fill_base_alpha = 0x18,
    .palette = {0x6690FEFF, 0xEB9A0CFF, 0x4CE0CDFF, 0xE3517FFF, 0x9D5FC0FF, 0xF1E16BFF, 0x72BFF3FF,
                0xC75A16FF, 0xA2C27CFF, 0x7B8A9AFF},
};

const gch__theme *gch__theme_get(gch_theme theme)
{
    static const gch__theme *const all[] = {&light, &dark, &contrast};
    return all[theme];
}

uint32_t gch_theme_series_color(gch_theme theme, uint32_t series)
{
    return gch__theme_get(theme)->palette[series % GCH_PALETTE_COUNT];
}
