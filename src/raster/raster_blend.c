/* Blending: single pixels, rectangles, and band masks turned from columns into rows.
 *
 * Invariants:
 *  1. A mask is blended once, so that what overlaps within a series is not drawn twice.
 *  2. After gch__mask_blend the mask is all zero, ready for the next series.
 */
#include "raster_blend.h"

#include <string.h>

uint32_t gch__blend_general(uint32_t under, uint32_t over, uint32_t alpha)
{
    uint32_t under_alpha = under >> 24;
    uint32_t under_part = under_alpha * (255 - alpha); /* both parts in 1/255^2 */
    uint32_t over_part = alpha * 255;
    uint32_t sum = under_part + over_part;
    if (sum == 0)
        return 0;
    uint32_t pixel = (sum + 127) / 255 << 24;
    for (uint32_t shift = 0; shift < 24; shift += 8) {
        uint32_t channel =
            ((over >> shift & 255) * over_part + (under >> shift & 255) * under_part + sum / 2) /
            sum;
        pixel |= channel << shift;
    }
    return pixel;
}

void gch__fill_pixels(gch__target target, int64_t x0, int64_t y0, int64_t x1, int64_t y1,
                      uint32_t rgba)
{
    x0 = GCH_MAX(x0, 0);
    y0 = GCH_MAX(y0, 0);
    x1 = GCH_MIN(x1, (int64_t)target.width_px);
    y1 = GCH_MIN(y1, (int64_t)target.height_px);
    uint32_t color = gch__pixel_from_rgba(rgba), alpha = color >> 24;
    if (x0 >= x1 || alpha == 0)
        return;
    for (int64_t y = y0; y < y1; y++) {
        uint32_t *row = target.pixels + (size_t)y * target.stride_px;
        if (alpha == 255) {
            for (int64_t x = x0; x < x1; x++)
                row[x] = color;
        } else {
            for (int64_t x = x0; x < x1; x++)
                row[x] = gch__blend(row[x], color, alpha);
        }
    }
}

/* Swaps rows and columns of an 8 x 8 block of bytes; byte i of word j goes to byte j of word i. */
static void transpose_block(uint64_t words[8])
{
    for (int i = 0; i < 8; i += 2) {
        uint64_t a = words[i], b = words[i + 1], m = 0x00FF00FF00FF00FFu;
        words[i] = (a & m) | (b & m) << 8;
        words[i + 1] = (a >> 8 & m) | (b & ~m);
    }
    for (int i = 0; i < 8; i += (i & 1) != 0 ? 3 : 1) {
        uint64_t a = words[i], b = words[i + 2], m = 0x0000FFFF0000FFFFu;
        words[i] = (a & m) | (b & m) << 16;
        words[i + 2] = (a >> 16 & m) | (b & ~m);
    }
    for (int i = 0; i < 4; i++) {
        uint64_t a = words[i], b = words[i + 4], m = 0x00000000FFFFFFFFu;
        words[i] = (a & m) | b << 32;
        words[i + 4] = a >> 32 | (b & ~m);
    }
}

/* Byte i of `cover` is the coverage of pixels[i]. */
static void blend_run(uint32_t *pixels, uint64_t cover, uint32_t count, uint32_t color)
{
    uint32_t opacity = color >> 24;
    if (cover == UINT64_MAX && opacity == 255) {
        for (uint32_t i = 0; i < count; i++)
            pixels[i] = color;
        return;
    }
    for (uint32_t i = 0; i < count; i++, cover >>= 8)
        pixels[i] = gch__blend(pixels[i], color, gch__mul_255((uint32_t)cover & 255, opacity));
}

static void blend_block(const gch__mask *mask, gch__target plot, uint32_t column, uint32_t row,
                        const uint32_t *row_colors, size_t color_step)
{
    uint64_t words[8] = {0}, any = 0;
    uint32_t width = GCH_MIN(mask->columns - column, 8u);
    for (uint32_t i = 0; i < width; i++) {
        words[i] = gch__load_u64(mask->bytes + (column + i) * mask->stride + row);
        any |= words[i];
    }
    if (any == 0)
        return;
    transpose_block(words);
    uint32_t height = GCH_MIN(mask->rows - row, 8u);
    for (uint32_t j = 0; j < height; j++) {
        if (words[j] == 0)
            continue;
        uint32_t *pixels = plot.pixels + (row + j) * plot.stride_px + mask->x0 + column;
        uint32_t color = gch__pixel_from_rgba(row_colors[(row + j) * color_step]);
        blend_run(pixels, words[j], width, color);
    }
}

void gch__mask_blend(gch__mask *mask, gch__target plot, const uint32_t *row_colors,
                     size_t color_step)
{
    if (mask->touched_first >= mask->touched_end)
        return;
    uint32_t first = mask->touched_first & ~7u;
    for (uint32_t row = first; row < mask->touched_end; row += 8)
        for (uint32_t column = 0; column < mask->columns; column += 8)
            blend_block(mask, plot, column, row, row_colors, color_step);
    for (uint32_t column = 0; column < mask->columns; column++)
        memset(mask->bytes + column * mask->stride + first, 0, mask->touched_end - first);
    mask->touched_first = mask->rows;
    mask->touched_end = 0;
}
