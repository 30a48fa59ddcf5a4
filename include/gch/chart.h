/* Charts: series, axes, text and legend drawn into an image by one of the executors.
 *
 *     gch_chart_series series = {.file = file, .column = 0};
 *     gch_image image = {0};
 *     gch_status status = gch_chart_render(
 *         &(gch_chart_desc){.series = &series, .series_count = 1, .title = "Pressure"},
 *         &image, NULL, &err);
 *
 * Zero in a field means its default: without `panels` a chart is one plot. Several stand one above
 * the other and share the time axis:
 *
 *     gch_panel_desc panels[] = {{.height = 3}, {.title = "Volume"}};
 *     gch_chart_series series[] = {{.file = file, .column = 0},
 *                                  {.file = file, .column = 1, .panel = 1}};
 *
 * With `is_bare` the plots are the whole picture: white on black, lines of width 1, exactly the
 * pixel rule (docs/pixel-rule.md), no text.
 *
 * Ownership: everything the desc points to is borrowed for the call; a gch_chart goes on borrowing
 * the files, answers and workers of its last frame until a frame without them has been drawn or it
 * is destroyed. Thread rule: a call is independent of others; a gch_chart belongs to one thread at
 * a time.
 */
#ifndef GCH_CHART_H
#define GCH_CHART_H

#include "gch/data.h"
#include "gch/image.h"
#include "gch/plane.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GCH_SERIES_CAP 64u
#define GCH_PANEL_CAP 8u
#define GCH_DASH_CAP 8u
#define GCH_BIN_COUNT_DEFAULT 100u

typedef enum gch_mark {
    GCH_MARK_DEFAULT = 0, /* line; of a point set, points */
    GCH_MARK_LINE = 1,
    GCH_MARK_STEP = 2,
    GCH_MARK_AREA = 3,
    GCH_MARK_CANDLES = 4,
    GCH_MARK_OHLC = 5,
    GCH_MARK_SCATTER = 6,
    GCH_MARK_BARS = 7,
    /* What lies between `column` and `column_high`, row by row; in a bare chart the line of
     * `column`, as for VOLUME. */
    GCH_MARK_BAND = 8,
    GCH_MARK_DENSITY = 9, /* how many points each pixel holds */
    GCH_MARK_POINTS = 10, /* of a point set: both axes show values; with no other mark in a chart */
    /* How the visible values are spread: the horizontal axis shows values, the vertical one counts;
     * with no other mark in a chart, and in no bare one. */
    GCH_MARK_HISTOGRAM = 11,
    GCH_MARK_VOLUME = 12, /* the values of each bar added up (gch_query_sums, and what it costs) */
} gch_mark;

/* How a count becomes one of a palette's 256 levels (docs/pixel-rule.md, "Density"). */
typedef enum gch_density_scale {
    GCH_DENSITY_DEFAULT = 0, /* log */
    GCH_DENSITY_LOG = 1,
    GCH_DENSITY_LINEAR = 2,
    GCH_DENSITY_EQUAL = 3, /* as many pixels to each level as can be */
} gch_density_scale;

/* Colours of levels, even in lightness; on a light theme dark stands for many, on a dark one light.
 */
typedef enum gch_palette {
    GCH_PALETTE_DEFAULT = 0, /* moss */
    GCH_PALETTE_MOSS = 1,    /* violet, blue, green, yellow */
    GCH_PALETTE_EMBER = 2,   /* black, purple, orange, cream */
    GCH_PALETTE_DUSK = 3,    /* blue, grey, yellow: for any kind of colour vision */
} gch_palette;

typedef enum gch_backend {
    GCH_BACKEND_DEFAULT = 0, /* CPU */
    GCH_BACKEND_CPU = 1,
    GCH_BACKEND_REFERENCE = 2, /* every row by brute force; bare charts without STEP and SCATTER */
    GCH_BACKEND_GPU = 3,       /* machines without a GPU fall back to the CPU */
    GCH_BACKEND_AUTO = 4,      /* GPU, but the CPU rather than an adapter in software */
} gch_backend;

/* What may be left out where all of a frame would take too long: densities and points of a plane on
 * the GPU (docs/gpu.md, "Quality"). Everything else, and every other executor, is always exact. */
typedef enum gch_quality {
    GCH_QUALITY_DEFAULT = 0, /* exact */
    GCH_QUALITY_EXACT = 1,
    /* As much of the points as the frame's budget allows, counts made up to all of them; exact
     * within 64 frames of one view, 67 if its resolution was lowered. */
    GCH_QUALITY_AUTO = 2,
    GCH_QUALITY_PINNED = 3, /* one level, whatever it takes */
} gch_quality;

/* 1: one point in 256, counted in squares of 4 x 4 pixels; 2: one in 64, 2 x 2; 3 to 6: one in 16,
 * 8, 4, 2; 7: exact. */
#define GCH_QUALITY_LEVELS 7u

typedef enum gch_theme {
    GCH_THEME_LIGHT = 0,
    GCH_THEME_DARK = 1,
    GCH_THEME_CONTRAST = 2, /* black, with text of 12:1 and strokes of 4.5:1 at least */
} gch_theme;

/* Drawn in place of the series' own mark: a line through the study's values at the middles of the
 * bars, for RANGE a band (docs/studies.md). */
typedef struct gch_series_study {
    gch_study_kind kind;  /* NONE: the series itself */
    uint32_t length;      /* 1 to GCH_STUDY_LENGTH_MAX; not for SPREAD */
    const gch_file *with; /* SPREAD: what is taken away; NULL: a column of the series' own file */
    uint32_t with_column;
} gch_series_study;

/* Which of a panel's two value axes. */
typedef enum gch_axis_side { GCH_AXIS_LEFT = 0, GCH_AXIS_RIGHT = 1 } gch_axis_side;

typedef struct gch_chart_series {
    const gch_file *file;
    uint32_t column;
    gch_mark mark;
    uint32_t column_high; /* BAND: its other edge, of the same file */
    /* VOLUME: bars are coloured as candles of `column_price` of the same file would be. */
    bool has_price;
    uint32_t column_price;
    uint32_t panel;      /* index of gch_chart_desc.panels */
    gch_axis_side axis;  /* that its values are read against */
    const char *label;   /* NULL: the column's name and unit */
    uint32_t color_rgba; /* 0xRRGGBBAA; 0: the theme's next colour */
    /* Stroke width, or point diameter for SCATTER, before `scale`; 0: default, which is no stroke
     * along the edges of a BAND. */
    float width_px;
    /* LINE, STEP, AREA, BAND: lengths of dashes and gaps in turn, before `scale`, each 0-1000,
     * together at least 2; an odd count is gone through twice. Ends are round and part of a dash:
     * one no longer than the stroke is wide is a dot. Lengths are measured along x, in parts
     * steeper than 45 degrees along y, from time 0 and value 0 (1 on a log axis): a pattern moves
     * with the data. Where a pixel column holds several points they are measured along x alone.
     * Count 0: solid. */
    float dash_px[GCH_DASH_CAP];
    uint32_t dash_count;
    uint32_t bin_count; /* HISTOGRAM: from left to right, up to GCH_BIN_COUNT_MAX; 0: the default */
    /* POINTS, drawn at the file's x and y whatever `column` is: 1 + the column that says how large,
     * how high on the colour ramp, and of which of the palette's colours a point is; 0: none. */
    uint32_t size_by, color_by, category_by;
    const gch_answers *answers;      /* as gch_query_desc.answers; NULL: none */
    gch_density_scale density_scale; /* DENSITY, and POINTS where they are many */
    gch_palette palette;             /* DENSITY, POINTS */
    gch_series_study study;          /* not in a bare chart, and no mark but LINE */
} gch_chart_series;

typedef struct gch_axis_desc {
    const char *title;        /* NULL: the unit that its series share */
    bool has_bottom, has_top; /* false: fitted to what is visible */
    gch_decimal bottom, top;
    gch_value_axis axis;
} gch_axis_desc;

/* A plot with value axes of its own; panels stand one above the other over one time axis. */
typedef struct gch_panel_desc {
    const char *title; /* NULL: none */
    float height; /* share of the height, in proportion to the other panels', 0.001-1000; 0: 1 */
    gch_axis_desc left, right; /* an axis that no series is read against is not shown */
} gch_panel_desc;

typedef struct gch_chart_desc {
    const gch_chart_series *series; /* all files in one time unit; drawn in this order */
    uint32_t series_count;          /* 1 to GCH_SERIES_CAP */
    const gch_panel_desc *panels;   /* from top to bottom */
    uint32_t panel_count; /* 0 to GCH_PANEL_CAP; 0: one, whose left axis is described below */
    uint32_t width_px, height_px; /* of the picture; 0: 1280 x 720 */
    float scale;                  /* device pixels per layout pixel, 0.5-8; 0: 1 */
    bool is_bare;
    gch_backend backend;
    gch_theme theme;
    const char *title;     /* NULL: none */
    const char *time_zone; /* NULL: the first file's */
    bool has_time_range;   /* false: all of the data */
    int64_t from, to;      /* ticks, [from, to) */
    /* The left axis of a chart without `panels`; zero with them. */
    bool has_bottom, has_top; /* false: fitted to what is visible */
    gch_decimal bottom, top;
    gch_value_axis axis;
    /* The horizontal axis of a chart of POINTS or HISTOGRAM, which all of its panels share. */
    bool has_left, has_right; /* false: all of the data, of HISTOGRAM all that is visible */
    gch_decimal left, right;
    /* CANDLES, OHLC, BARS, VOLUME, studies; count 0: chosen for the width */
    gch_bar_width bar_width;
    bool hide_legend;
    /* Draw from what is in memory, have the rest loaded, and say how complete the picture is
     * (gch_chart_stats.complete): for frames that must not wait. */
    bool no_wait;
    /* A picture that the GPU has drawn is not brought back, as where it is shown from there: the
     * image then has no pixels, and gch_chart_stats.texture says where they are. */
    bool stays_on_device;
    gch_quality quality;
    uint32_t quality_level; /* PINNED: 1 to GCH_QUALITY_LEVELS */
    double frame_budget_ms; /* AUTO; 0: 16 */
    gch_workers *workers;
    gch_data *data; /* GPU: its device budget bounds what the GPU keeps; NULL: what it can */
    const gch_allocator *allocator;
} gch_chart_desc;

/* Where a panel's plot lies, and what it shows. */
typedef struct gch_panel_stats {
    uint32_t x_px, y_px;
    bool has_left, has_right; /* axes that series are read against */
    gch_view left, right;     /* in the plot's pixels; `bottom` and `top` exactly as used */
} gch_panel_stats;

typedef struct gch_chart_stats {
    gch_view view; /* of the first panel: its left axis, or the right one if that is all it has */
    bool is_plane; /* a chart of points: then the times of all views mean nothing, and ... */
    gch_plane_view plane;          /* ... this has the range of x; the rest of it is as `view` */
    uint32_t plot_x_px, plot_y_px; /* of the first panel */
    uint32_t panel_count;
    gch_panel_stats panels[GCH_PANEL_CAP];
    uint64_t rows_visible, blocks_decoded, nodes_read, bytes_read;
    /* Share of the columns and other answers that are exact, 1 unless no_wait; or of the points
     * that are counted, if that is less: 1 if the quality is exact. */
    double complete;
    uint32_t quality_level; /* that the picture has: GCH_QUALITY_LEVELS if the quality is exact */
    double layout_ms, query_ms, raster_ms, total_ms;
    gch_backend backend; /* that drew */
    char fallback[96];   /* why it is not the one asked for; empty if it is */
    char adapter[96];    /* the GPU that drew; empty: the processor */
    /* Of a picture that stays on the device: its RGBA8 texture, at least as large, until the
     * chart's next frame. A WGPUTexture; in a browser the host's number of it. NULL: the image has
     * it. */
    void *texture;
} gch_chart_stats;

/* Draws one picture. `image` is made by the call and owned by the caller; `stats` is nullable.
 * GCH_INVALID names the field at fault; GCH_UNSUPPORTED for a mark the backend does not draw;
 * GCH_NOT_FOUND (time zone); GCH_LIMIT, GCH_CORRUPT, GCH_NO_MEMORY as queries have them. */
GCH_CHECKED gch_status gch_chart_render(const gch_chart_desc *desc, gch_image *image,
                                        gch_chart_stats *stats, gch_error *err);

/* A chart kept for many frames: scratch memory, queries and glyphs stay warm, so that a frame after
 * the first of its kind allocates nothing. */
typedef struct gch_chart gch_chart;

/* GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch_chart_make(const gch_allocator *allocator, gch_chart **out,
                                      gch_error *err);
void gch_chart_destroy(gch_chart *chart); /* NULL is allowed */
/* As gch_chart_render; the image is borrowed from the chart until its next frame. */
GCH_CHECKED gch_status gch_chart_frame(gch_chart *chart, const gch_chart_desc *desc,
                                       const gch_image **out_image, gch_chart_stats *stats,
                                       gch_error *err);

/* The colour, 0xRRGGBBAA, that a theme gives to the series of a number if it has none of its own.
 */
uint32_t gch_theme_series_color(gch_theme theme, uint32_t series);

bool gch_mark_parse(const char *name, gch_mark *out);
bool gch_density_scale_parse(const char *name, gch_density_scale *out);
bool gch_palette_parse(const char *name, gch_palette *out);
/* "sma", "ema", "range", "spread" */
bool gch_study_parse(const char *name, gch_study_kind *out);
bool gch_backend_parse(const char *name, gch_backend *out);

#ifdef __cplusplus
}
#endif
#endif
