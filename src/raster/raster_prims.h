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
/* Which curve a text of this colour has. */
uint32_t gch__text_curve(uint32_t rgba);

/* The box of a rectangle without radius or of an upright line, or false: *out is then prim->box. */
bool gch__prim_box(const gch__prim *prim, gch__rect *out);

/* A glyph of a text: `pen` whole pixels along the text's way from (x, y), turned counter-clockwise
 * by `turns` * 90 degrees. */
typedef struct gch__text_glyph {
    int64_t x, y, pen;
    uint32_t turns;
    const gch__glyph *glyph;
} gch__text_glyph;
typedef gch_status gch__text_visit_fn(void *context, const gch__text_glyph *placed, gch_error *err);
/* Each glyph of a text, in order, up to one whose visit fails; none if its place is not finite.
 * GCH_NO_MEMORY (glyphs seen for the first time), and what visits return. */
GCH_CHECKED gch_status gch__text_visit(const gch__prim *prim, gch__glyph_cache *glyphs,
                                       gch__text_visit_fn *visit, void *context, gch_error *err);

/* Draws the primitives in order, clipped to the target. Coordinates that are not finite draw
 * nothing. GCH_NO_MEMORY (glyphs seen for the first time). */
GCH_CHECKED gch_status gch__prims_draw(gch__target target, const gch__prims *prims,
                                       gch__glyph_cache *glyphs, const gch__text_curves *curves,
                                       gch_error *err);

#endif
