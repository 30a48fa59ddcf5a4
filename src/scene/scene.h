/* A chart laid out: rectangles, lines, text and plots in device pixels, with no executor in sight.
 *
 * scene_layout.c turns a gch_chart_desc into a gch__scene; an executor (raster today) draws it in
 * this order: background, `under` primitives, series, `over` primitives. Coordinates are device
 * pixels from the picture's top left corner, y downward; plots lie on whole pixels, so that the
 * pixel rule applies within them. Colours are 0xRRGGBBAA, not premultiplied, blended in sRGB space
 * as browsers do.
 *
 * Ownership: a scene is reused from frame to frame; everything in it lives until the next layout.
 * Thread rule: one thread at a time.
 */
#ifndef GCH_SCENE_H
#define GCH_SCENE_H

#include "base.h"
#include "gch/chart.h"

typedef struct gch__rect {
    float x0, y0, x1, y1;
} gch__rect;

typedef enum gch__prim_kind {
    GCH__PRIM_RECT = 1,   /* filled; radius rounds the corners */
    GCH__PRIM_LINE = 2,   /* from (x0, y0) to (x1, y1), `width` px, butt ends */
    GCH__PRIM_CIRCLE = 3, /* centre (x0, y0), radius */
    GCH__PRIM_TEXT = 4,   /* baseline starts at (x0, y0), turned by `quarter_turns` * 90 degrees
                             counter-clockwise about that point */
} gch__prim_kind;

typedef enum gch__font_weight { GCH__FONT_REGULAR = 0, GCH__FONT_MEDIUM = 1 } gch__font_weight;

typedef struct gch__prim {
    gch__prim_kind kind;
    gch__rect box;
    float width, radius;
    uint32_t color;
    const char *text; /* TEXT: UTF-8, borrowed from the scene */
    uint32_t text_bytes;
    float font_px; /* em size in device px */
    gch__font_weight weight;
    uint32_t quarter_turns;
} gch__prim;

typedef struct gch__prims {
    gch__prim *items;
    size_t count, cap;
} gch__prims;

/* More bars than so many a pixel column are not drawn as a study. */
#define GCH__STUDY_BARS_PER_COLUMN 16u

/* A study in place of a series' mark; kind NONE: there is none. */
typedef struct gch__plot_study {
    gch_study_kind kind;
    uint32_t length;
    const gch_file *with_file; /* SPREAD: never NULL */
    uint32_t with_column;
    gch_query *with; /* set by whoever lends the queries; NULL: the series' own serves both */
} gch__plot_study;

/* A series, its defaults resolved. */
typedef struct gch__plot_series {
    uint32_t plot; /* of the scene's plots */
    const gch_file *file;
    uint32_t column, column_high; /* the second of BAND */
    bool has_price;
    uint32_t column_price; /* VOLUME */
    gch_mark mark;
    uint32_t color;                /* 0xRRGGBBAA */
    uint32_t up_color, down_color; /* candles */
    uint32_t
        fill_color; /* BAND, RANGE; AREA: at the line, fades to fill_base_color at the baseline */
    uint32_t fill_base_color;
    float width;                  /* stroke width or diameter, device px; BAND: 0 is none */
    float dash[2 * GCH_DASH_CAP]; /* dashes and gaps in turn, device px */
    uint32_t dash_count;          /* even; 0: solid */
    uint32_t size_by, color_by, category_by; /* POINTS, as gch_chart_series */
    const uint32_t *categories;              /* POINTS: the theme's palette */
    uint32_t category_count;
    uint32_t bin_count;      /* HISTOGRAM */
    gch_bar_width bar_width; /* CANDLES, OHLC, BARS, VOLUME, studies: resolved, count >= 1; BARS:
                                count 0 means one bar a point */
    gch_density_scale density_scale; /* DENSITY, as are the next two; resolved */
    gch_palette palette;
    bool is_palette_reversed;
    gch__plot_study study;
} gch__plot_series;

/* A panel's rectangle as seen through one of its value axes. */
typedef struct gch__plot {
    uint32_t panel;
    gch_axis_side side;
    uint32_t x_px, y_px; /* top left corner; the view's width_px and height_px give the size */
    gch_view view;
    gch_plane_view plane; /* of points and histograms: the view, values along both axes */
    float baseline_y; /* AREA, BARS: y of value 0 (or of the plot's bottom if 0 is not in view), px
                         from the plot's top */
} gch__plot;

#define GCH__PLOT_CAP (2 * GCH_PANEL_CAP)

typedef struct gch__scene {
    const gch_allocator *allocator;
    uint32_t width_px, height_px;
    float scale;
    bool is_bare;
    uint32_t background;
    gch__prims under, over;
    /* Panel by panel from top to bottom, one or two of each: the left axis before the right. */
    gch__plot plots[GCH__PLOT_CAP];
    uint32_t plot_count;
    gch__plot_series series[GCH_SERIES_CAP]; /* in the order of drawing */
    uint32_t series_count;
    bool is_plane; /* all series are POINTS */
    /* The zone of display; kept from frame to frame while its name stays the same. */
    gch_time_zone *zone;
    gch__buffer text; /* the primitives' characters */
    /* Scratch of the layout; the ticks of each plot's value axis. */
    struct gch__scene_scratch *scratch;
    struct gch__axis_scratch *axis_scratch;
    size_t axis_cap;
} gch__scene;

/* What is asked of the query room for a series of points. */
static inline gch_plane gch__plane_of(const gch__scene *scene, uint32_t series)
{
    const gch__plot_series *its = &scene->series[series];
    const gch_file_info *info = gch_file_get_info(its->file);
    return (gch_plane){.x_column = info->x_column,
                       .y_column = info->y_column,
                       .view = scene->plots[its->plot].plane};
}

/* An all-zero scene with `allocator` set is empty. Frees everything; the scene is empty again. */
void gch__scene_reset(gch__scene *scene);

/* Visible values of one series, for fitting the value axis (the chart room asks the query room). */
typedef struct gch__extent {
    gch_value min, max;    /* GAP: nothing visible */
    gch_value left, right; /* POINTS: of the other coordinate */
    bool is_too_fine;      /* a study of more bars than the plot has room for; the legend says so */
} gch__extent;

/* The time range that the desc asks for: its own, or all the data of its files (at least one tick
 * long; unless bare, with air at both ends for bars, candles and points, which reach beyond their
 * times; [0, 1) for a plane). GCH_INVALID for from >= to or an empty set of series. */
GCH_CHECKED gch_status gch__scene_time_range(const gch_chart_desc *desc, int64_t *out_from,
                                             int64_t *out_to, gch_error *err);

/* Lays out a chart whose visible extents are known, one per series. Bare scenes have no primitives,
 * and their panels fill the picture (docs/pixel-rule.md). Warm calls allocate nothing. GCH_INVALID
 * names the field; GCH_NOT_FOUND (time zone), GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__scene_layout(gch__scene *scene, const gch_chart_desc *desc,
                                         int64_t from, int64_t to, const gch__extent *extents,
                                         gch_error *err);

/* ---- ticks (scene_ticks.c, scene_time_ticks.c) ---- */

typedef struct gch__tick {
    double position; /* px along the axis from the plot's left or top edge */
    bool is_major;
    char label[48];   /* "" for a mark without text */
    char context[48]; /* time axis: the larger unit that starts here ("2024 Mar 1"), or "" */
} gch__tick;

/* Time ticks for [from, to) over width_px, labels at least label_gap_px apart given the measure
 * function; civil time in `zone`, DST included. Returns the number written (<= cap). */
typedef float gch__measure_fn(void *context, const char *text);
uint32_t gch__time_ticks(int64_t from, int64_t to, gch_time_unit unit, const gch_time_zone *zone,
                         float width_px, float label_gap_px, gch__measure_fn *measure,
                         void *context, gch__tick *out, uint32_t cap);
/* Value ticks at 1-2-5 steps, exact decimals; log axes at decades and, with room, 2 and 5. */
uint32_t gch__value_ticks(gch_decimal bottom, gch_decimal top, gch_value_axis axis, float height_px,
                          float label_gap_px, gch__tick *out, uint32_t cap);

/* A range that shows [min, max] with some air: decimals of few digits. is_zero_based keeps 0 at the
 * edge (AREA, BARS). */
void gch__fit_range(gch_value min, gch_value max, gch_value_axis axis, bool is_zero_based,
                    gch_decimal *out_bottom, gch_decimal *out_top);

/* ---- text (scene_text.c): the embedded font through stb_truetype ---- */

/* Width in px of UTF-8 text at an em size, kerning included. */
float gch__text_width(const char *text, size_t bytes, float font_px, gch__font_weight weight);
typedef struct gch__font_metrics {
    float ascent, descent, cap_height; /* px, all positive */
} gch__font_metrics;
gch__font_metrics gch__font_get_metrics(float font_px, gch__font_weight weight);

/* Coverage bitmaps of glyphs, cached by (weight, size, code point, quarter pixel). */
typedef struct gch__glyph_cache gch__glyph_cache;
typedef struct gch__glyph {
    int32_t x,
        y; /* top left corner relative to the pen's whole pixel on the baseline, y downward */
    uint32_t width, height;
    float advance;           /* px to the next pen position, without kerning */
    const uint8_t *coverage; /* width * height, row by row; borrowed until the cache is destroyed */
} gch__glyph;
GCH_CHECKED gch_status gch__glyph_cache_make(const gch_allocator *allocator, gch__glyph_cache **out,
                                             gch_error *err);
void gch__glyph_cache_destroy(gch__glyph_cache *cache);
/* subpixel: 0-3 quarters of a px to the right. */
GCH_CHECKED gch_status gch__glyph_get(gch__glyph_cache *cache, uint32_t code_point, float font_px,
                                      gch__font_weight weight, uint32_t subpixel,
                                      const gch__glyph **out, gch_error *err);
/* Kerning between two code points in px. */
float gch__font_kerning(uint32_t left, uint32_t right, float font_px, gch__font_weight weight);
/* Next code point of UTF-8 at *io_at < bytes; U+FFFD for malformed bytes, one byte at a time. */
uint32_t gch__utf8_next(const char *text, size_t bytes, size_t *io_at);

#endif
