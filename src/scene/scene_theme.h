/* The themes: grounds, text, lines and the colours of series. All 0xRRGGBBAA. */
#ifndef GCH_SCENE_THEME_H
#define GCH_SCENE_THEME_H

#include "gch/chart.h"

#include <stdint.h>

#define GCH_PALETTE_COUNT 10u

typedef struct gch__theme {
    uint32_t ground;
    uint32_t text;       /* titles, legend */
    uint32_t muted;      /* axis labels */
    uint32_t grid;       /* horizontal lines */
    uint32_t grid_faint; /* vertical lines, minor lines of a log axis */
    uint32_t axis;       /* the line under the plot and its tick marks */
    uint32_t zero;       /* the line of value 0 */
    uint32_t up, down;   /* candles */
    uint8_t fill_alpha, fill_base_alpha;
    uint32_t palette[GCH_PALETTE_COUNT];
} gch__theme;

const gch__theme *gch__theme_get(gch_theme theme);

static inline uint32_t gch__color_with_alpha(uint32_t color, uint32_t alpha)
{
    return (color & 0xFFFFFF00u) | alpha;
}

#endif
