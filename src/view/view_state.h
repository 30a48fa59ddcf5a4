/* What a window shows of a chart, and how gestures and keys move it: no window, no drawing, no
 * clock of its own.
 *
 * Invariants:
 *  1. Times are whole ticks: from < to, whatever happens, up to the ends of int64.
 *  2. While a gesture lasts, the range is a function of the range at its start and of the gesture
 * so far. So nothing drifts: a drag brought back to where it began, or as many steps out as in at
 *     one place, show the same ticks again.
 *  3. The middle of the view stays within the data, and all of the data is the most that is shown.
 */
#ifndef VIEW_STATE_H
#define VIEW_STATE_H

#include "gch/chart.h"

typedef struct view_range {
    int64_t from, to; /* [from, to) */
} view_range;

/* Values of a panel: fitted to what is visible, or fixed. */
typedef struct view_values {
    bool is_fixed;
    gch_decimal bottom, top; /* if fixed */
    gch_value_axis axis;
} view_values;

typedef enum view_gesture {
    VIEW_REST = 0,
    VIEW_PAN = 1,
    VIEW_ZOOM = 2,
} view_gesture;

typedef struct view_state {
    view_range data;  /* first to one past the last time; one tick if there are no rows */
    view_range range; /* shown */
    bool is_all;      /* the chart chooses the range: all there is, with its margins */
    gch_view frame;   /* of the panel in the last picture: view_state_take_frame */

    /* Values of the panel that gestures and keys are about; and of all, but for that one. */
    bool is_fixed;
    gch_decimal bottom, top; /* if fixed */
    gch_value_axis axis;
    uint32_t panel;
    view_values panels[GCH_PANEL_CAP];

    /* The gesture under way, and how far: pixels to the right and down, or steps inward (each
     * shows half of the time). `shown` follows `target` with the time constant settle_ms. */
    view_gesture gesture;
    view_range base;
    gch_decimal base_bottom, base_top; /* if fixed */
    uint32_t base_width_px, base_height_px;
    int64_t anchor_parts; /* ZOOM: where time stands still, in parts of a pixel */
    double shown_x, shown_y, target_x, target_y;
    double settle_ms;

    gch_mark mark; /* of every series; DEFAULT: as each was given */
    gch_theme theme;
    bool is_split; /* a panel for each series */
    bool hides_hud, shows_help;
} view_state;

/* All of the data. */
void view_state_init(view_state *state, view_range data);
/* To where the options of a command want to begin. */
void view_state_show(view_state *state, int64_t from, int64_t to);

/* What is said of values from here on is about a panel, whose pixels are as in `frame`. False: a
 * pan is under way, which stays with its own. */
bool view_state_focus(view_state *state, uint32_t panel, const gch_view *frame);
view_values view_state_values(const view_state *state, uint32_t panel);
/* All panels anew, the first of them in focus. */
void view_state_set_values(view_state *state, const view_values values[GCH_PANEL_CAP]);

/* After each frame: where pixels of the panel are. */
void view_state_take_frame(view_state *state, const gch_view *frame);
/* The data have changed. A view of all goes on showing all, one that showed the end moves along. */
void view_state_take_data(view_state *state, view_range data);
/* The chart to ask for: range, bounds (if they are fixed), axis and theme. */
void view_state_describe(const view_state *state, gch_chart_desc *desc);

/* The tick nearest to a place in the plot, in pixels from its left edge. */
int64_t view_state_time_at(const view_state *state, double x_px);
/* Where a time and a value are drawn, in pixels of the plot. */
double view_state_x_of(const view_state *state, int64_t time);
double view_state_y_of(const view_state *state, double value);
/* The same in a panel of the same picture. */
double view_frame_y_of(const gch_view *frame, double value);

/* A drag: begin, then the distance from there, then let go with a speed in pixels a second, which
 * runs out. Values move along if their bounds are fixed. What else is done meanwhile ends it. */
void view_state_drag_begin(view_state *state);
void view_state_drag_to(view_state *state, double dx_px, double dy_px);
void view_state_drag_end(view_state *state, double speed_x);
/* Pans by pixels, smoothly. */
void view_state_pan(view_state *state, double dx_px, double dy_px);
/* Zooms smoothly about x_px, which stays where it is; steps > 0 inward, 1 to half of the time. */
void view_state_zoom(view_state *state, double x_px, double steps);
/* Shows the box between two corners. A flat one keeps the values as they are; one smaller than
 * VIEW_BOX_PX_MIN a side is none: false. */
#define VIEW_BOX_PX_MIN 4.0
bool view_state_box(view_state *state, double x0, double y0, double x1, double y1);
bool view_state_box_is_flat(double y0, double y1);
void view_state_all(view_state *state);
/* Between fitted bounds and those of the moment. */
void view_state_toggle_fit(view_state *state);

/* Moves what moves by itself; true while there is more to come. */
bool view_state_advance(view_state *state, double elapsed_ms);

/* ---- keys ---- */

/* Printable keys are the characters they type, in lower case; the others: */
enum {
    VIEW_KEY_ESCAPE = 0x100,
    VIEW_KEY_HOME,
    VIEW_KEY_LEFT,
    VIEW_KEY_RIGHT,
    VIEW_KEY_UP,
    VIEW_KEY_DOWN,
    VIEW_KEY_PAGE_UP,
    VIEW_KEY_PAGE_DOWN,
};

typedef enum view_action {
    VIEW_ACTION_NONE = 0,
    VIEW_ACTION_LEFT,
    VIEW_ACTION_RIGHT,
    VIEW_ACTION_UP,
    VIEW_ACTION_DOWN,
    VIEW_ACTION_PAGE_LEFT,
    VIEW_ACTION_PAGE_RIGHT,
    VIEW_ACTION_IN,
    VIEW_ACTION_OUT,
    VIEW_ACTION_ALL,
    VIEW_ACTION_FIT,
    VIEW_ACTION_LOG,
    VIEW_ACTION_TYPE,
    VIEW_ACTION_PANELS,
    VIEW_ACTION_THEME,
    VIEW_ACTION_HUD,
    VIEW_ACTION_HELP,
    VIEW_ACTION_SAVE, /* these two are the window's to do */
    VIEW_ACTION_QUIT,
} view_action;

view_action view_key_action(uint32_t key);
/* What an action changes in the state. `given` is the mark of the first series, from which types go
 * on. */
void view_state_act(view_state *state, view_action action, gch_mark given);
const char *view_mark_name(gch_mark mark);

/* A line of help: the keys or the gesture, and what it does. NULL after the last. */
typedef struct view_help_line {
    const char *keys, *text;
} view_help_line;

const view_help_line *view_help_get(size_t index);

#endif
