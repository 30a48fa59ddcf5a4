/* Lines, shapes and labels over a finished picture: a crosshair, the value at the cursor, figures.
 *
 * What moves with a pointer is drawn over a copy of a chart's frame rather than into the chart:
 * then a frame costs something only when data or view have changed, and whoever drew it, the
 * processor or the GPU, need not know.
 *
 *     gch_overlay *overlay = NULL;
 *     gch_overlay_item items[] = {
 *         {.kind = GCH_OVERLAY_RECT, .x0 = 8, .y0 = 8, .x1 = 90, .y1 = 32,
 *          .color_rgba = 0x202020C0},
 *         {.kind = GCH_OVERLAY_TEXT, .x0 = 16, .y0 = 20, .font_px = 12, .color_rgba = 0xFFFFFFFF,
 *          .text = "12.5 °C"},
 *     };
 *     status = gch_overlay_make(NULL, &overlay, &err);
 *     status = gch_overlay_draw(overlay, items, 2, &image, &err);
 *     gch_overlay_destroy(overlay);
 *
 * Coordinates are pixels from the picture's top left corner, y downward; a pixel's centre is at
 * one half. Colours are 0xRRGGBBAA, blended as a chart's.
 * Thread rule: one thread at a time for a gch_overlay.
 */
#ifndef GCH_OVERLAY_H
#define GCH_OVERLAY_H

#include "gch/chart.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum gch_overlay_kind {
    GCH_OVERLAY_RECT = 1,   /* filled, from (x0, y0) to (x1, y1); radius_px rounds the corners */
    GCH_OVERLAY_LINE = 2,   /* from (x0, y0) to (x1, y1), width_px wide */
    GCH_OVERLAY_CIRCLE = 3, /* filled, about (x0, y0), radius_px */
    GCH_OVERLAY_TEXT = 4,   /* from x0 on; y0 is half way up its capitals */
} gch_overlay_kind;

typedef struct gch_overlay_item {
    gch_overlay_kind kind;
    float x0, y0, x1, y1;
    float width_px, radius_px;
    uint32_t color_rgba;
    const char *text; /* TEXT: UTF-8 */
    float font_px;    /* TEXT: em size */
    bool is_medium;   /* TEXT: the heavier of two weights */
} gch_overlay_item;

/* Keeps glyphs and scratch from call to call, so that a call with nothing new allocates nothing. */
typedef struct gch_overlay gch_overlay;

/* GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch_overlay_make(const gch_allocator *allocator, gch_overlay **out,
                                        gch_error *err);
void gch_overlay_destroy(gch_overlay *overlay); /* NULL is allowed */

/* Draws the items in order over the image. What lies outside of it, or has no finite place, is not
 * drawn. GCH_INVALID (naming the item), GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch_overlay_draw(gch_overlay *overlay, const gch_overlay_item *items,
                                        size_t item_count, gch_image *image, gch_error *err);
/* Pixels from the start of a text to its end. */
float gch_overlay_text_width(const char *text, float font_px, bool is_medium);

#ifdef __cplusplus
}
#endif
#endif
