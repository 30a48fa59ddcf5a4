/* Bare pictures: the exact pixels of columns, white on black (docs/pixel-rule.md). */
#ifndef GCH_RASTER_BARE_H
#define GCH_RASTER_BARE_H

#include "gch/query.h"
#include "raster_blend.h"

#define GCH__BARE_LIT 0xFFFFFFFFu
#define GCH__BARE_DARK 0xFF000000u
#define GCH__BARE_BAND_ROWS 128u

/* uint16_t of scratch that one worker needs for a picture of this width. */
static inline size_t gch__bare_scratch(uint32_t width_px)
{
    return ((size_t)width_px + 15) / 16 * GCH__BARE_BAND_ROWS;
}

static inline uint32_t gch__bare_bands(uint32_t height_px)
{
    return (height_px + GCH__BARE_BAND_ROWS - 1) / GCH__BARE_BAND_ROWS;
}

/* Draws rows [band * GCH__BARE_BAND_ROWS, + GCH__BARE_BAND_ROWS) of the target: the union of the
 * series' pieces. Every columns[i].width_px is the target's. Bands may be drawn at the same time,
 * each thread with scratch of its own. */
void gch__bare_draw_band(gch__target target, const gch_columns *columns, uint32_t series_count,
                         uint32_t band, uint16_t *scratch);

#endif
