/* Overlays: items become primitives of the scene room, drawn as a chart's are (gch/overlay.h). */
#include "gch/overlay.h"
#include "raster_prims.h"

#include <math.h>
#include <string.h>

#define PURPOSE "overlay"
#define FONT_PX_MAX 1000.0f

struct gch_overlay {
    const gch_allocator *allocator;
    gch__glyph_cache *glyphs;
    gch__text_curves curves;
    gch__prims prims;
};

gch_status gch_overlay_make(const gch_allocator *allocator, gch_overlay **out, gch_error *err)
{
    gch_overlay *overlay = gch__alloc_zero(allocator, 1, sizeof *overlay, PURPOSE);
    if (overlay == NULL)
        return gch__no_memory(err, PURPOSE);
    overlay->allocator = allocator;
    gch__text_curves_fill(&overlay->curves);
    gch_status status = gch__glyph_cache_make(allocator, &overlay->glyphs, err);
    if (status != GCH_OK) {
        gch_overlay_destroy(overlay);
        return status;
    }
    *out = overlay;
    return GCH_OK;
}

void gch_overlay_destroy(gch_overlay *overlay)
{
    if (overlay == NULL)
        return;
    if (overlay->glyphs != NULL)
        gch__glyph_cache_destroy(overlay->glyphs);
    gch__free(overlay->allocator, overlay->prims.items, PURPOSE);
    gch__free(overlay->allocator, overlay, PURPOSE);
}

static gch_status convert(const gch_overlay_item *item, size_t index, gch__prim *out,
                          gch_error *err)
{
    *out = (gch__prim){.box = {item->x0, item->y0, item->x1, item->y1},
                       .width = item->width_px,
                       .radius = item->radius_px,
                       .color = item->color_rgba};
    switch (item->kind) {
    case GCH_OVERLAY_RECT:
        out->kind = GCH__PRIM_RECT;
        return GCH_OK;
    case GCH_OVERLAY_LINE:
        out->kind = GCH__PRIM_LINE;
        return GCH_OK;
    case GCH_OVERLAY_CIRCLE:
        out->kind = GCH__PRIM_CIRCLE;
        return GCH_OK;
    case GCH_OVERLAY_TEXT:
        break;
    default:
        return gch_fail(err, GCH_INVALID, "items[%zu].kind: %u is none", index,
                        (uint32_t)item->kind);
    }
    if (item->text == NULL)
        return gch_fail(err, GCH_INVALID, "items[%zu].text: none given", index);
    size_t length = strlen(item->text);
    if (length > UINT32_MAX)
        return gch_fail(err, GCH_INVALID, "items[%zu].text: %zu bytes", index, length);
    if (!(item->font_px > 0) || !(item->font_px <= FONT_PX_MAX))
        return gch_fail(err, GCH_INVALID, "items[%zu].font_px: %g is not above 0 and at most %g",
                        index, (double)item->font_px, (double)FONT_PX_MAX);
    out->kind = GCH__PRIM_TEXT;
    out->text = item->text;
    out->text_bytes = (uint32_t)length;
    out->font_px = item->font_px;
    out->weight = item->is_medium ? GCH__FONT_MEDIUM : GCH__FONT_REGULAR;
    /* A baseline on a whole pixel is crisp. */
    out->box.y0 =
        roundf(item->y0 + gch__font_get_metrics(out->font_px, out->weight).cap_height / 2);
    return GCH_OK;
}

gch_status gch_overlay_draw(gch_overlay *overlay, const gch_overlay_item *items, size_t item_count,
                            gch_image *image, gch_error *err)
{
    gch__prims *prims = &overlay->prims;
    GCH_TRY(gch__ensure(overlay->allocator, (void **)&prims->items, &prims->cap, item_count,
                        sizeof *prims->items, PURPOSE, err));
    for (size_t i = 0; i < item_count; i++)
        GCH_TRY(convert(&items[i], i, &prims->items[i], err));
    prims->count = item_count;
    gch__target target = {.pixels = image->pixels,
                          .stride_px = image->width_px,
                          .width_px = image->width_px,
                          .height_px = image->height_px};
    return gch__prims_draw(target, prims, overlay->glyphs, &overlay->curves, err);
}

float gch_overlay_text_width(const char *text, float font_px, bool is_medium)
{
    return gch__text_width(text, strlen(text), font_px,
                           is_medium ? GCH__FONT_MEDIUM : GCH__FONT_REGULAR);
}
