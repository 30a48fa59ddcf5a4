/* The primitives of a scene: filled and rounded rectangles, lines, circles, text. */
#ifndef GCH_RASTER_PRIMS_H
#define GCH_RASTER_PRIMS_H

#include "raster_blend.h"
#include "scene.h"

/* Light text on a dark ground looks thinner than dark text on light when blended in sRGB space;
 * coverage is raised by the text's lightness to make up for it: curves[lightness / 32][coverage].
 */
#define GCH__TEXT_CURVES 8u
typedef struct gch__text_curves {
    uint8_t curves[GCH__TEXT_CURVES][256];
} gch__text_curves;

void gch__text_curves_fill(gch__text_curves *curves);

/* Draws the primitives in order, clipped to the target. Coordinates that are not finite draw
 * nothing. GCH_NO_MEMORY (glyphs seen for the first time). */
GCH_CHECKED gch_status gch__prims_draw(gch__target target, const gch__prims *prims,
                                       gch__glyph_cache *glyphs, const gch__text_curves *curves,
                                       gch_error *err);

#endif
