/* What the parts of the layout share: the state of one layout and its texts.
 *
 * scene_layout.c decides what is shown and where the plot lies; scene_header.c sets the title and
 * the legend, scene_axes.c the axes and the grid, scene_label.c makes and places texts.
 */
#ifndef GCH_SCENE_LAYOUT_H
#define GCH_SCENE_LAYOUT_H

#include "scene.h"
#include "scene_resolve.h"
#include "scene_theme.h"

#define GCH_VALUE_TICK_CAP 64u
#define GCH_TIME_TICK_CAP 1024u
/* Bytes of one title, label, unit or zone name that are looked at; more would fit no picture. */
#define GCH_TEXT_BYTES_CAP 512u
/* What one of them takes in the scene: a malformed byte becomes the three bytes of U+FFFD; an
 * ellipsis takes three, in place of a character of one perhaps. */
#define GCH_TEXT_ROOM (3u * GCH_TEXT_BYTES_CAP + 8u)

/* Layout pixels, before the scale. */
#define GCH_LEGEND_LINE 20.0f
#define GCH_LEGEND_STEPS 7u /* of a density's swatch; and dashes of a dashed one at most */
#define GCH_LABEL_LINE 16.0f
#define GCH_TITLE_LINE 22.0f
#define GCH_PANEL_LINE 16.0f
#define GCH_TICK_LENGTH 5.0f
#define GCH_VALUE_GAP 8.0f /* between value labels and the plot */

typedef struct gch__text {
    const char *bytes; /* in the scene's text or its ticks */
    uint32_t count;
    float width;
} gch__text;

typedef struct gch__legend_item {
    gch__text label;
    float x;
    uint32_t panel; /* in whose line it stands; GCH_CHART_LEGEND: above the first */
    uint32_t row;
    uint32_t series; /* UINT32_MAX: the "+3 more" at the end */
} gch__legend_item;

#define GCH_CHART_LEGEND UINT32_MAX
/* A panel may have its own "+3 more". */
#define GCH_LEGEND_CAP (GCH_SERIES_CAP + GCH_PANEL_CAP)

struct gch__scene_scratch {
    gch__tick time_ticks[GCH_TIME_TICK_CAP];
    gch__legend_item legend[GCH_LEGEND_CAP];
};

struct gch__axis_scratch {
    gch__tick ticks[GCH_VALUE_TICK_CAP];
    gch__text labels[GCH_VALUE_TICK_CAP];
};

/* What a picture shows beside its plots. */
typedef struct gch__parts {
    bool legend, title, context, panel_lines, time_axis, value_axis;
} gch__parts;

/* The value axis of the plot of the same index. */
typedef struct gch__axis_layout {
    uint32_t panel;
    gch_axis_side side;
    gch_decimal bottom, top;
    gch_value_axis axis;
    bool is_first; /* of its panel: has the grid */
    gch__text title;
    uint32_t tick_count;
    struct gch__axis_scratch *scratch;
} gch__axis_layout;

/* A panel: a line with its title, its legend and its axes' titles, and the plot below. */
typedef struct gch__panel_layout {
    uint32_t first_axis, axis_count;
    gch__text title;
    float title_x, axis_title_x;
    float line_y, y, height; /* of the plot */
} gch__panel_layout;

typedef struct gch__layout {
    gch__scene *scene;
    struct gch__scene_scratch *scratch;
    const gch_chart_desc *desc;
    const gch__extent *extents;
    const gch__theme *theme;
    float scale, width, height;
    gch_time_unit unit;
    int64_t from, to;
    bool is_across; /* the horizontal axis shows values */
    gch_decimal left, right;

    float pad;
    float title_px, label_px, small_px; /* font sizes, whole device px */
    gch__text title, zone;
    uint32_t legend_count, legend_rows;
    float legend_width; /* of its last row */
    gch__panel_layout panels[GCH_PANEL_CAP];
    uint32_t panel_count;
    gch__axis_layout axes[GCH__PLOT_CAP];
    uint32_t axis_count;

    /* The attempt under way: what is shown and where the plots come to lie. */
    gch__parts shown;
    bool is_legend_beside_title;
    float title_y, legend_y; /* tops of their lines */
    float plot_x, plot_width;
    uint32_t time_tick_count;
} gch__layout;

/* ---- scene_label.c: texts; they are appended to the scene's, where room has been made ---- */

gch__text gch__text_of(const char *bytes); /* borrowed, not measured */
float gch__text_measure(gch__text text, float font_px, gch__font_weight weight);
/* "name", "name (unit)", or "unit" if the name is empty; control characters become spaces,
 * malformed bytes U+FFFD. Not measured. */
gch__text gch__text_make(gch__layout *l, const char *name, const char *unit);
/* The text itself if it fits `room`, else the longest beginning that does with an ellipsis after
 * it, or nothing. It is the text made last. Measured. */
gch__text gch__text_shorten(gch__layout *l, gch__text text, float font_px, gch__font_weight weight,
                            float room);
/* A gch__measure_fn in the axis labels' font; `context` is the gch__layout. */
float gch__measure_label(void *context, const char *label);

/* One more primitive of a kind and colour; room has been made for it. */
gch__prim *gch__place(gch__prims *prims, gch__prim_kind kind, uint32_t color);
void gch__place_rect(gch__prims *prims, float x0, float y0, float x1, float y1, uint32_t color,
                     float radius);
void gch__place_text(gch__prims *prims, gch__text text, float x, float baseline, float font_px,
                     gch__font_weight weight, uint32_t color);
/* Baseline, on a whole pixel, that centres capitals in a line of text. */
float gch__baseline_in(float line_top, float line_height, float font_px, gch__font_weight weight);
/* The thinnest line that is crisp at this scale. */
float gch__hairline(const gch__layout *l);

/* ---- scene_header.c ---- */

/* The titles of panels and axes and the labels of the legend. With one panel the legend stands
 * above it, in at most two rows; with several each has its series in its own line. What does not
 * fit is counted: "+3 more". */
void gch__header_texts_make(gch__layout *l);
/* Places title, legend and the panels' lines. The scene's series are resolved. */
void gch__header_place(gch__layout *l);

/* ---- scene_axes.c: the plots' places are known, the scene's series resolved ---- */

void gch__value_axes_place(gch__layout *l);
void gch__time_axis_place(gch__layout *l);
void gch__zero_lines_place(gch__layout *l);

#endif
