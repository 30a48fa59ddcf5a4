/* A chart in the default look as tables of commands and shapes, for executors that evaluate for
 * each pixel what the CPU executor would have drawn there: shaders/paint.wgsl, and web/src/gl.ts.
 *
 * The raster room's own code says what marks and texts consist of; here it is put into tables. No
 * GPU is needed for that. A picture is begun, its marks are added, its commands are listed by tile;
 * then the tables hold until the next picture.
 *
 * Thread rule: one thread at a time.
 */
#ifndef GCH_RENDER_PAINT_H
#define GCH_RENDER_PAINT_H

#include "raster_state.h"
#include "render_gpu_layouts.h"

#include <string.h>

/* Entries that only grow within a picture. */
typedef struct gch__paint_table {
    const char *label;
    size_t entry_bytes;
    uint8_t *entries;
    size_t count, cap;
} gch__paint_table;

/* What an executor computes itself. */
typedef struct gch__paint_hooks {
    void *context;
    /* Adds the job's study, or leaves it to the processor (*out_is_added is false). */
    gch_status (*study)(void *context, const gch__mark_job *job, bool *out_is_added,
                        gch_error *err);
    /* The word where grid `index` of a panel starts: its pixels' counts. */
    uint32_t (*grid)(void *context, uint32_t panel, uint32_t index);
} gch__paint_hooks;

/* A rectangle of pixels, right and bottom excluded. */
typedef struct gch__paint_rect {
    uint16_t left, top, right, bottom;
} gch__paint_rect;

/* A rectangle of one colour, or one whose pixels go through the commands lists[first, end). */
typedef struct gch__paint_quad {
    gch__paint_rect rect;
    uint32_t first; /* or a pixel */
    uint32_t end;   /* GCH__PAINT_PLAIN: of one colour */
} gch__paint_quad;
static_assert(sizeof(gch__paint_quad) == 16, "web/src/glsl.ts");
#define GCH__PAINT_PLAIN UINT32_MAX

/* What a column of the plot has of a mark; top >= bottom: nothing. */
typedef struct gch__paint_height {
    float top, bottom;
} gch__paint_height;

/* Where a glyph lies in the atlas. */
typedef struct gch__known_glyph {
    const gch__glyph *glyph; /* NULL: free */
    uint32_t at;
} gch__known_glyph;

typedef struct gch__paint {
    const gch_allocator *allocator;
    gch__raster *raster;           /* borrowed: its glyphs and scratch are used */
    const gch__paint_hooks *hooks; /* borrowed; NULL: densities end in GCH_LIMIT */
    /* Of gch__gpu_command; of words. The atlas grows from picture to picture. */
    gch__paint_table commands, tiles, data, atlas;
    /* Of gch__paint_quad; of words; where marks are more than boxes, gch__paint_rect. */
    gch__paint_table quads, lists, marked;
    gch__paint_height *heights; /* of the mark being added, by column */
    size_t height_cap;
    gch__known_glyph *known; /* a hash table, at most half full */
    size_t known_cap, known_count;
    size_t under_count, fixed_count; /* commands: ground and `under`; and `over` */
    gch__gpu_command *last_fixed;    /* of the picture before */
    size_t last_fixed_count, last_fixed_cap;
    uint32_t width, height;
    const gch__plot *plot;
    const gch__plot_series *its;     /* being added */
    uint32_t series, grid;           /* its number; which of its plot's panel's grids is its own */
    bool has_counts[GCH_SERIES_CAP]; /* points of a plane that are drawn as counts */
    gch_status status;
    gch_error failure;
} gch__paint;

/* GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__paint_init(gch__paint *paint, const gch_allocator *allocator,
                                       gch__raster *raster, const gch__paint_hooks *hooks,
                                       gch_error *err);
void gch__paint_reset(gch__paint *paint); /* one that is all zero is allowed */

/* Begins a picture with what is not data: ground, axes, grid, texts. *out_is_same: they are those
 * of the picture before. */
GCH_CHECKED gch_status gch__paint_begin(gch__paint *paint, const gch__scene *scene,
                                        bool *out_is_same, gch_error *err);
/* Adds the marks, from queries[i] of series i. GCH_LIMIT: of what only an executor with a grid or
 * the processor can draw. */
GCH_CHECKED gch_status gch__paint_add_marks(gch__paint *paint, const gch__scene *scene,
                                            gch_query *const *queries, int64_t *out_query_ns,
                                            gch_error *err);
/* Fills `tiles`: which commands each tile of the picture has, in the order of drawing. */
GCH_CHECKED gch_status gch__paint_list(gch__paint *paint, gch_error *err);
/* Fills `quads` and `lists` instead, for executors that draw rectangles: on the ground, in this
 * order, without blending, they make the picture (render_paint_quads.c). */
GCH_CHECKED gch_status gch__paint_list_quads(gch__paint *paint, gch_error *err);

/* Room for `count` more in a table; they are counted by the caller. GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__paint_reserve(const gch__paint *paint, gch__paint_table *table,
                                          size_t count, void **out, gch_error *err);

/* ---- for what adds shapes of its own ---- */

/* Room for words in `data`, on an even word, or NULL after a failure. What was there may move. */
uint32_t *gch__paint_add_words(gch__paint *paint, size_t count, uint32_t *out_at);
/* Cut to the picture; what is then empty, or NaN, is no command. */
void gch__paint_add_command(gch__paint *paint, gch__gpu_command command, double left, double top,
                            double right, double bottom);
/* A command over the plot, or over the part of it between two heights. */
void gch__paint_add_plot_command(gch__paint *paint, gch__gpu_command command, double top,
                                 double bottom);
/* An empty table of shapes [first, end) a column of the plot. *out_at is its place. */
bool gch__paint_add_table(gch__paint *paint, uint32_t *out_at);
/* Shape `index` matters to pixels of [low, high]. Shapes come with rising indices. */
void gch__paint_include_in_table(gch__paint *paint, uint32_t table, uint32_t index, double low,
                                 double high);
/* Which pixels a mark touches, column by column of the plot: begun empty, then along lines from
 * (x0, y0) to (x1, y1), x0 <= x1, as far as `reach`. False after a failure. */
bool gch__paint_heights_begin(gch__paint *paint);
void gch__paint_heights_include(gch__paint *paint, double x0, double y0, double x1, double y1,
                                double reach);
/* Within the columns [first, end), which are the plot's. */
gch__paint_height gch__paint_heights_of(const gch__paint *paint, uint32_t first, uint32_t end);
/* gch__paint_add_marked of the columns' heights. */
void gch__paint_heights_mark(gch__paint *paint);
/* Pixels of the picture that a mark may touch in other ways than as a box. */
void gch__paint_add_marked(gch__paint *paint, uint32_t left, uint32_t top, uint32_t right,
                           uint32_t bottom);
/* The first failure of what was added. */
GCH_CHECKED gch_status gch__paint_tell(const gch__paint *paint, gch_error *err);

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
