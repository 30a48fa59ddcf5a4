/* Primitives with anti-aliased edges: coverage by area for upright boxes, by distance for the rest.
 *
 * Invariants:
 *  1. Boxes are cut to the target in floating point before any conversion to integers.
 *  2. A box whose edges lie on whole pixels has no soft edge; an upright line is a box.
 */
#include "raster_prims.h"

#include <math.h>

/* Whole pixels that a span touches, within [0, count); false if there are none or it is NaN. */
static bool span_pixels(float low, float high, uint32_t count, uint32_t *first, uint32_t *end)
{
    if (!(low < high) || !(high > 0) || !(low < (float)count))
        return false;
    *first = low > 0 ? (uint32_t)low : 0;
    *end = high < (float)count ? (uint32_t)ceilf(high) : count;
    return *first < *end;
}

static float overlap(float low, float high, uint32_t pixel)
{
    float from = GCH_MAX(low, (float)pixel), to = GCH_MIN(high, (float)pixel + 1);
    return GCH_MAX(to - from, 0.0f);
}

static void blend_at(gch__target target, uint32_t x, uint32_t y, uint32_t color, float cover)
{
    uint32_t *pixel = target.pixels + y * target.stride_px + x;
    float clamped = GCH_MIN(GCH_MAX(cover, 0.0f), 1.0f);
    *pixel = gch__blend(*pixel, color, (uint32_t)((float)(color >> 24) * clamped + 0.5f));
}

static void draw_box(gch__target target, gch__rect box, uint32_t rgba)
{
    uint32_t x0, x1, y0, y1, color = gch__pixel_from_rgba(rgba);
    if (!span_pixels(box.x0, box.x1, target.width_px, &x0, &x1) ||
        !span_pixels(box.y0, box.y1, target.height_px, &y0, &y1))
        return;
    for (uint32_t y = y0; y < y1; y++) {
        float share = overlap(box.y0, box.y1, y);
        if (share < 1.0f || x1 - x0 < 3) {
            for (uint32_t x = x0; x < x1; x++)
                blend_at(target, x, y, color, share * overlap(box.x0, box.x1, x));
            continue;
        }
        blend_at(target, x0, y, color, overlap(box.x0, box.x1, x0));
        gch__fill_pixels(target, x0 + 1, y, x1 - 1, y + 1, rgba);
        blend_at(target, x1 - 1, y, color, overlap(box.x0, box.x1, x1 - 1));
    }
}

/* Signed distance to a rounded box (Quilez, "2D distance functions"); a circle is one of half
 * extent 0. */
static void draw_round(gch__target target, gch__rect box, float radius, uint32_t rgba)
{
    uint32_t x0, x1, y0, y1, color = gch__pixel_from_rgba(rgba);
    if (!span_pixels(box.x0 - 1, box.x1 + 1, target.width_px, &x0, &x1) ||
        !span_pixels(box.y0 - 1, box.y1 + 1, target.height_px, &y0, &y1))
        return;
    float half_x = (box.x1 - box.x0) * 0.5f, half_y = (box.y1 - box.y0) * 0.5f;
    radius = GCH_MIN(radius, GCH_MIN(half_x, half_y));
    float centre_x = (box.x0 + box.x1) * 0.5f, centre_y = (box.y0 + box.y1) * 0.5f;
    for (uint32_t y = y0; y < y1; y++) {
        float qy = fabsf((float)y + 0.5f - centre_y) - half_y + radius;
        for (uint32_t x = x0; x < x1; x++) {
            float qx = fabsf((float)x + 0.5f - centre_x) - half_x + radius;
            float ox = GCH_MAX(qx, 0.0f), oy = GCH_MAX(qy, 0.0f);
            float distance = sqrtf(ox * ox + oy * oy) + GCH_MIN(GCH_MAX(qx, qy), 0.0f) - radius;
            if (distance < 0.5f)
                blend_at(target, x, y, color, 0.5f - distance);
        }
    }
}

static void draw_slanted(gch__target target, gch__rect ends, float width, uint32_t rgba)
{
    float dx = ends.x1 - ends.x0, dy = ends.y1 - ends.y0, length = hypotf(dx, dy);
    float reach = width * 0.5f + 0.5f;
    uint32_t x0, x1, y0, y1, color = gch__pixel_from_rgba(rgba);
    if (!(length > 0) ||
        !span_pixels(GCH_MIN(ends.x0, ends.x1) - reach, GCH_MAX(ends.x0, ends.x1) + reach,
                     target.width_px, &x0, &x1) ||
        !span_pixels(GCH_MIN(ends.y0, ends.y1) - reach, GCH_MAX(ends.y0, ends.y1) + reach,
                     target.height_px, &y0, &y1))
        return;
    float ux = dx / length, uy = dy / length;
    for (uint32_t y = y0; y < y1; y++) {
        for (uint32_t x = x0; x < x1; x++) {
            float px = (float)x + 0.5f - ends.x0, py = (float)y + 0.5f - ends.y0;
            float along = px * ux + py * uy, across = fabsf(py * ux - px * uy);
            float side = GCH_MIN(reach - across, 1.0f);
            float end = GCH_MIN(GCH_MIN(along, length - along) + 0.5f, 1.0f);
            if (side > 0 && end > 0)
                blend_at(target, x, y, color, side * end);
        }
    }
}

bool gch__prim_box(const gch__prim *prim, gch__rect *out)
{
    gch__rect ends = prim->box;
    float half = prim->width * 0.5f;
    *out = ends;
    if (prim->kind == GCH__PRIM_RECT)
        return !(prim->radius > 0);
    if (prim->kind != GCH__PRIM_LINE || (ends.x0 != ends.x1 && ends.y0 != ends.y1))
        return false;
    if (ends.x0 == ends.x1)
        *out = (gch__rect){ends.x0 - half, GCH_MIN(ends.y0, ends.y1), ends.x0 + half,
                           GCH_MAX(ends.y0, ends.y1)};
    else
        *out = (gch__rect){GCH_MIN(ends.x0, ends.x1), ends.y0 - half, GCH_MAX(ends.x0, ends.x1),
                           ends.y0 + half};
    return true;
}

void gch__text_curves_fill(gch__text_curves *curves)
{
    for (uint32_t level = 0; level < GCH__TEXT_CURVES; level++) {
        float exponent = 1.0f - 0.28f * (float)level / (GCH__TEXT_CURVES - 1);
        for (uint32_t cover = 0; cover < 256; cover++)
            curves->curves[level][cover] =
                (uint8_t)(powf((float)cover / 255.0f, exponent) * 255.0f + 0.5f);
    }
}

uint32_t gch__text_curve(uint32_t rgba)
{
    uint32_t lightness =
        ((rgba >> 24) * 54 + (rgba >> 16 & 255) * 183 + (rgba >> 8 & 255) * 19) >> 8;
    return GCH_MIN(lightness / 32, GCH__TEXT_CURVES - 1);
}

/* Pixel (i, j) of unturned text, relative to the start of its baseline, in the picture. */
static void place(const gch__text_glyph *frame, int64_t i, int64_t j, int64_t *x, int64_t *y)
{
    switch (frame->turns) {
    case 1:
        *x = frame->x + j;
        *y = frame->y - i - 1;
        break;
    case 2:
        *x = frame->x - i - 1;
        *y = frame->y - j - 1;
        break;
    case 3:
        *x = frame->x - j - 1;
        *y = frame->y + i;
        break;
    default:
        *x = frame->x + i;
        *y = frame->y + j;
        break;
    }
}

typedef struct text_context {
    gch__target target;
    const uint8_t *curve;
    uint32_t color;
} text_context;

static gch_status draw_glyph(void *context, const gch__text_glyph *placed, gch_error *err)
{
    const text_context *text = context;
    const gch__glyph *glyph = placed->glyph;
    gch__target target = text->target;
    uint32_t opacity = text->color >> 24;
    (void)err;
    for (uint32_t j = 0; j < glyph->height; j++) {
        const uint8_t *cover = glyph->coverage + (size_t)j * glyph->width;
        for (uint32_t i = 0; i < glyph->width; i++) {
            int64_t x, y;
            if (cover[i] == 0)
                continue;
            place(placed, placed->pen + glyph->x + i, (int64_t)glyph->y + j, &x, &y);
            if (x < 0 || y < 0 || x >= target.width_px || y >= target.height_px)
                continue;
            uint32_t *pixel = target.pixels + (size_t)y * target.stride_px + (size_t)x;
            *pixel = gch__blend(*pixel, text->color, gch__mul_255(text->curve[cover[i]], opacity));
        }
    }
    return GCH_OK;
}

gch_status gch__text_visit(const gch__prim *prim, gch__glyph_cache *glyphs,
                           gch__text_visit_fn *visit, void *context, gch_error *err)
{
    float x = prim->box.x0, y = prim->box.y0;
    if (!(fabsf(x) < 1e6f) || !(fabsf(y) < 1e6f))
        return GCH_OK;
    /* The baseline lies on a whole pixel, for sharp stems; along it the pen keeps its fraction. */
    gch__text_glyph frame = {.turns = prim->quarter_turns & 3};
    bool is_upright = (frame.turns & 1) == 0;
    float along = is_upright ? x : y;
    bool runs_back = frame.turns == 1 || frame.turns == 2;
    float start = runs_back ? ceilf(along) : floorf(along);
    double pen = fabs((double)along - (double)start);
    frame.x = is_upright ? (int64_t)start : (int64_t)lroundf(x);
    frame.y = is_upright ? (int64_t)lroundf(y) : (int64_t)start;

    uint32_t before = 0;
    for (size_t at = 0; at < prim->text_bytes;) {
        uint32_t code_point = gch__utf8_next(prim->text, prim->text_bytes, &at);
        if (before != 0)
            pen += gch__font_kerning(before, code_point, prim->font_px, prim->weight);
        int64_t quarters = llround(pen * 4);
        GCH_TRY(gch__glyph_get(glyphs, code_point, prim->font_px, prim->weight,
                               (uint32_t)(quarters & 3), &frame.glyph, err));
        frame.pen = quarters >> 2;
        GCH_TRY(visit(context, &frame, err));
        pen += frame.glyph->advance;
        before = code_point;
    }
    return GCH_OK;
}

static gch_status draw_text(gch__target target, const gch__prim *prim, gch__glyph_cache *glyphs,
                            const gch__text_curves *curves, gch_error *err)
{
    text_context context = {.target = target,
                            .curve = curves->curves[gch__text_curve(prim->color)],
                            .color = gch__pixel_from_rgba(prim->color)};
    return gch__text_visit(prim, glyphs, draw_glyph, &context, err);
}

gch_status gch__prims_draw(gch__target target, const gch__prims *prims, gch__glyph_cache *glyphs,
                           const gch__text_curves *curves, gch_error *err)
{
    for (size_t i = 0; i < prims->count; i++) {
        const gch__prim *prim = &prims->items[i];
        gch__rect box;
        if (gch__prim_box(prim, &box)) {
            draw_box(target, box, prim->color);
            continue;
        }
        switch (prim->kind) {
        case GCH__PRIM_RECT:
            draw_round(target, box, prim->radius, prim->color);
            break;
        case GCH__PRIM_LINE:
            draw_slanted(target, box, prim->width, prim->color);
            break;
        case GCH__PRIM_CIRCLE:
            draw_round(target,
                       (gch__rect){box.x0 - prim->radius, box.y0 - prim->radius,
                                   box.x0 + prim->radius, box.y0 + prim->radius},
                       prim->radius, prim->color);
            break;
        case GCH__PRIM_TEXT:
            GCH_TRY(draw_text(target, prim, glyphs, curves, err));
            break;
        }
    }
    return GCH_OK;
}
