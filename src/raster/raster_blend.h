/* Pixels of the CPU executor: colours, blending, filled rectangles, band masks.
 *
 * Colours come as 0xRRGGBBAA, not premultiplied, and are blended in sRGB space as browsers do.
 * Pixels are 0xAABBGGRR (gch/image.h).
 */
#ifndef GCH_RASTER_BLEND_H
#define GCH_RASTER_BLEND_H

#include "base.h"
#include "gch/image.h"

/* A rectangle of pixels within an image; drawing is clipped to it. */
typedef struct gch__target {
    uint32_t *pixels; /* the top left one */
    size_t stride_px;
    uint32_t width_px, height_px;
} gch__target;

static inline uint32_t gch__pixel_from_rgba(uint32_t rgba)
{
    return __builtin_bswap32(rgba);
}

/* a * b / 255, rounded; a, b <= 255. */
static inline uint32_t gch__mul_255(uint32_t a, uint32_t b)
{
    uint32_t t = a * b + 128;
    return (t + (t >> 8)) >> 8;
}

/* Source-over onto a pixel that is not opaque. */
uint32_t gch__blend_general(uint32_t under, uint32_t over, uint32_t alpha);

/* `over` (a pixel, its alpha ignored) with opacity alpha <= 255 on top of `under`. */
static inline uint32_t gch__blend(uint32_t under, uint32_t over, uint32_t alpha)
{
    if (alpha == 0)
        return under;
    if (alpha == 255)
        return over | 0xFF000000u;
    if (under >> 24 != 255)
        return gch__blend_general(under, over, alpha);
    /* Two channels in one multiplication; the sums stay below 2^16. */
    uint32_t rest = 255 - alpha;
    uint32_t rb = (over & 0x00FF00FFu) * alpha + (under & 0x00FF00FFu) * rest + 0x00800080u;
    uint32_t g = ((over >> 8) & 0xFFu) * alpha + ((under >> 8) & 0xFFu) * rest + 0x80u;
    rb = (rb + ((rb >> 8) & 0x00FF00FFu)) >> 8 & 0x00FF00FFu;
    g = (g + (g >> 8)) & 0x0000FF00u;
    return 0xFF000000u | rb | g;
}

/* Columns [x0, x1) of rows [y0, y1), clipped. Coordinates may lie anywhere. */
void gch__fill_pixels(gch__target target, int64_t x0, int64_t y0, int64_t x1, int64_t y1,
                      uint32_t rgba);

/* Coverage of a band of plot columns, stored column by column so that tall strokes are contiguous:
 * column x0 + i, row y lies at bytes[i * stride + y].
 *
 * Invariants: stride is a multiple of 8 and >= rows; every byte outside the touched rows
 * [touched_first, touched_end) is 0, and so are the bytes of rows >= `rows`. */
#define GCH__BAND_PX 32u

typedef struct gch__mask {
    uint8_t *bytes; /* GCH__BAND_PX * stride */
    size_t stride;
    uint32_t x0, columns, rows;
    uint32_t touched_first, touched_end;
} gch__mask;

static inline size_t gch__mask_stride(uint32_t rows)
{
    return (size_t)gch__align_up(rows, 8);
}

static inline void gch__mask_touch(gch__mask *mask, uint32_t first, uint32_t end)
{
    mask->touched_first = GCH_MIN(mask->touched_first, first);
    mask->touched_end = GCH_MAX(mask->touched_end, end);
}

/* An empty mask over zeroed bytes. */
static inline gch__mask gch__mask_make(uint8_t *bytes, uint32_t x0, uint32_t columns, uint32_t rows)
{
    return (gch__mask){.bytes = bytes,
                       .stride = gch__mask_stride(rows),
                       .x0 = x0,
                       .columns = columns,
                       .rows = rows,
                       .touched_first = rows,
                       .touched_end = 0};
}

/* Blends the mask into the plot with row_colors[y * color_step] (0xRRGGBBAA; step 0: one colour)
 * and clears it. Bands are disjoint: several threads may blend theirs into one plot. */
void gch__mask_blend(gch__mask *mask, gch__target plot, const uint32_t *row_colors,
                     size_t color_step);

#endif
