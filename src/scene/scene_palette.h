/* Palettes of densities: 256 colours from few points to many, even in lightness to the eye. */
#ifndef GCH_SCENE_PALETTE_H
#define GCH_SCENE_PALETTE_H

#include "gch/chart.h"

/* Level 0 to 255 of a palette, 0xRRGGBBFF. Forward, lightness rises evenly with the level;
 * reversed, for a light ground, it falls. Few points are near the ground's lightness, but not lost
 * in it. */
uint32_t gch__palette_color(gch_palette palette, bool is_reversed, uint32_t level);

#endif
