/* Bare pictures in row order: intervals to bit masks, bit masks to pixels.
 *
 * A band of rows is drawn in two steps. First each piece sets its column's bit in the rows that it
 * lights; the bits of 16 neighbouring columns share a uint16_t, so a tall piece sets eight rows an
 * instruction, and unions (runs, series) are free. Then each row is written from left to right, 16
 * bits to 16 pixels at a time, so that the picture's memory is touched once and in order.
 *
 * Invariants:
 *  1. scratch[group * BAND_ROWS + r], bit b: row r of the band is lit in column 16 * group + b.
 *  2. Every pixel of the band is written exactly once.
 */
#include "raster_bare.h"

#include <string.h>

typedef uint16_t u16x8 __attribute__((vector_size(16)));
typedef int16_t i16x8 __attribute__((vector_size(16)));

static void set_bits(uint16_t *masks, gch_columns columns, int32_t row_first, int32_t row_count)
{
    for (uint32_t c = 0; c < columns.width_px; c++) {
        uint16_t *rows = masks + (size_t)(c / 16) * GCH__BARE_BAND_ROWS;
        uint16_t bit = (uint16_t)(1u << (c % 16));
        for (uint32_t i = columns.first[c]; i < columns.first[c + 1]; i++) {
            int32_t top = GCH_MAX(columns.pieces[i].row_top - row_first, 0);
            int32_t end = GCH_MIN(columns.pieces[i].row_bottom - row_first, row_count - 1) + 1;
            for (int32_t row = top; row < end; row++)
                rows[row] |= bit;
        }
    }
}

/* 16 pixels, white where the bit is set. */
static void expand_group(uint32_t *pixels, uint16_t bits)
{
    static const u16x8 low = {1, 2, 4, 8, 16, 32, 64, 128};
    static const u16x8 high = {256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
    u16x8 all = bits - (u16x8){0};
    i16x8 halves[2] = {(all & low) == low, (all & high) == high};
    for (int half = 0; half < 2; half++) {
        i16x8 lit = halves[half], dark = {0, -256, 0, -256, 0, -256, 0, -256};
        /* A pixel is two equal halves of the mask; the dark one has its top byte set. */
        i16x8 first = __builtin_shufflevector(lit, lit, 0, 0, 1, 1, 2, 2, 3, 3) | dark;
        i16x8 second = __builtin_shufflevector(lit, lit, 4, 4, 5, 5, 6, 6, 7, 7) | dark;
        memcpy(pixels + 8 * half, &first, sizeof first);
        memcpy(pixels + 8 * half + 4, &second, sizeof second);
    }
}

static void expand_row(uint32_t *pixels, uint32_t width_px, const uint16_t *masks)
{
    uint32_t x = 0;
    for (; x + 16 <= width_px; x += 16, masks += GCH__BARE_BAND_ROWS)
        expand_group(pixels + x, *masks);
    for (uint32_t i = 0; x + i < width_px; i++)
        pixels[x + i] = (*masks >> i & 1u) != 0 ? GCH__BARE_LIT : GCH__BARE_DARK;
}

void gch__bare_draw_band(gch__target target, const gch_columns *columns, uint32_t series_count,
                         uint32_t band, uint16_t *scratch)
{
    uint32_t first = band * GCH__BARE_BAND_ROWS;
    uint32_t count = GCH_MIN(target.height_px - first, GCH__BARE_BAND_ROWS);
    memset(scratch, 0, gch__bare_scratch(target.width_px) * sizeof *scratch);
    for (uint32_t i = 0; i < series_count; i++)
        set_bits(scratch, columns[i], (int32_t)first, (int32_t)count);
    for (uint32_t row = 0; row < count; row++)
        expand_row(target.pixels + (first + row) * target.stride_px, target.width_px,
                   scratch + row);
}
