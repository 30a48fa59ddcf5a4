/* What lies over a chart in a window: crosshair and values at the pointer, figures, help, the box
 * of a zoom, notes. It is all put into items of gch/overlay.h; nothing is drawn here.
 *
 * Sizes are layout pixels times `scale`. What does not fit into the room here is left out.
 */
#ifndef VIEW_PAINT_H
#define VIEW_PAINT_H

#include "gch/gch.h"

#define VIEW_ITEM_CAP 256u
#define VIEW_TEXT_CAP 16384u
#define VIEW_ROW_CAP 12u /* series at the pointer; the rest is counted */

typedef struct view_rect {
    float x0, y0, x1, y1;
} view_rect;

typedef struct view_paint {
    gch_overlay_item items[VIEW_ITEM_CAP];
    size_t item_count;
    char text[VIEW_TEXT_CAP];
    size_t text_used;
    float scale;
    gch_theme theme;
    view_rect plot, all; /* in the picture: the panel that gestures are about; all panels */
} view_paint;

void view_paint_begin(view_paint *paint, const gch_chart_stats *stats, uint32_t panel, float scale,
                      gch_theme theme);

/* A series at the pointer. */
typedef struct view_row {
    const char *label;
    uint32_t color_rgba;
    char value[64];
    char time[64]; /* where it is not the heading's; else "" */
    bool has_dot;
    float dot_x, dot_y; /* in the picture */
} view_row;

typedef struct view_cursor {
    float x, y;    /* of the pointer, in the picture */
    char time[64]; /* the heading */
    view_row rows[VIEW_ROW_CAP];
    uint32_t row_count, more_count;
} view_cursor;

void view_paint_cursor(view_paint *paint, const view_cursor *cursor);

typedef struct view_figures {
    const char *backend, *adapter; /* "GPU", its name; "" if there is none */
    uint32_t threads;
    const char *mark;
    double fps; /* 0: nothing moves */
    double median_ms, p99_ms;
    uint64_t points;
    double complete; /* 0 to 1 */
    uint32_t quality_level;
    bool is_fixed;
    gch_data_stats data;
} view_figures;

void view_paint_figures(view_paint *paint, const view_figures *figures);
void view_paint_help(view_paint *paint);
/* The box of a zoom, corners in the picture; a flat one is a span of time. */
void view_paint_box(view_paint *paint, view_rect box, bool is_flat);
void view_paint_note(view_paint *paint, const char *text);

/* "1,234,567"; "12.3 MB", by powers of 1000. */
#define VIEW_NUMBER_CAP 32u
void view_format_count(uint64_t count, char text[VIEW_NUMBER_CAP]);
void view_format_bytes(uint64_t bytes, char text[VIEW_NUMBER_CAP]);

#endif
