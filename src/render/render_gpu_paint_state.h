/* What the files of painted pictures share: the tables under way, and how commands are added. */
#ifndef GCH_RENDER_GPU_PAINT_STATE_H
#define GCH_RENDER_GPU_PAINT_STATE_H

#include "raster_state.h"
#include "render_gpu_paint.h"
#include "render_gpu_state.h"
#include "render_gpu_studies.h"

#include <string.h>

/* Where a glyph lies in the atlas. */
typedef struct gch__known_glyph {
    const gch__glyph *glyph; /* NULL: free */
    uint32_t at;
} gch__known_glyph;

struct gch__gpu_painter {
    gch__gpu_executor *executor;
    gch__raster *raster; /* whose glyphs and scratch are used */
    gch__gpu_stream commands, tiles, data, atlas;
    gch__known_glyph *known; /* a hash table, at most half full */
    size_t known_cap, known_count;
    size_t under_count, fixed_count; /* commands: ground and `under`; and `over` */
    gch__gpu_command *last_fixed;    /* of the picture before */
    size_t last_fixed_count, last_fixed_cap;
    uint32_t width, height;
    gch__gpu_studies studies;
    const gch__plot *plot;
    const gch__plot_series *its;     /* being added */
    bool is_reduced;                 /* the device has its columns or bars */
    uint32_t bar_table;              /* of its bars, in data */
    uint32_t series, grid;           /* its number; which of its plot's panel's grids is its own */
    bool has_counts[GCH_SERIES_CAP]; /* points of a plane that are drawn as counts */
    gch_status status;
    gch_error failure;

    gch__gpu_brush brush;
};

/* Room for words in `data`, or NULL after a failure. What was there may move. */
uint32_t *gch__gpu_painter_add_words(gch__gpu_painter *painter, size_t count, uint32_t *out_at);
/* Cut to the picture; what is then empty, or NaN, is no command. */
void gch__gpu_painter_add_command(gch__gpu_painter *painter, gch__gpu_command command, double left,
                                  double top, double right, double bottom);
/* ---- render_gpu_paint_marks.c ---- */

/* A command over the plot, or over the part of it between two heights. */
void gch__paint_add_plot_command(gch__gpu_painter *painter, gch__gpu_command command, double top,
                                 double bottom);
/* An empty table of shapes [first, end) a column of the plot. *out_at is its place. */
bool gch__paint_add_table(gch__gpu_painter *painter, uint32_t *out_at);
/* Shape `index` matters to pixels of [low, high]. Shapes come with rising indices. */
void gch__paint_include_in_table(gch__gpu_painter *painter, uint32_t table, uint32_t index,
                                 double low, double high);

/* ---- render_gpu_paint.c ---- */

/* The failure that was kept. */
GCH_CHECKED gch_status gch__gpu_painter_tell(const gch__gpu_painter *painter, gch_error *err);

static inline uint32_t gch__paint_bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline gch__gpu_command gch__paint_command_of(gch__gpu_paint kind, uint32_t rgba)
{
    return (gch__gpu_command){.kind = kind, .color = gch__pixel_from_rgba(rgba)};
}

/* ---- lists by tile ---- */

/* From counts in [1, count] to places where each one's list starts, `base` onward. */
static inline void gch__paint_start_lists(uint32_t *firsts, uint32_t count, uint32_t base)
{
    firsts[0] = base;
    for (uint32_t i = 1; i <= count; i++)
        firsts[i] += firsts[i - 1];
}

/* Filling has moved each list's start to its end. */
static inline void gch__paint_restore_lists(uint32_t *firsts, uint32_t count, uint32_t base)
{
    memmove(firsts + 1, firsts, count * sizeof *firsts);
    firsts[0] = base;
}

typedef struct gch__tile_range {
    uint32_t x0, y0, x1, y1; /* last ones included */
} gch__tile_range;

static inline uint32_t gch__paint_tiles_of(uint32_t px)
{
    return (px + GCH__GPU_TILE_PX - 1) / GCH__GPU_TILE_PX;
}

#endif
