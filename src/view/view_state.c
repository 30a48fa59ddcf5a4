/* The state of a window (view_state.h). Products of ticks and pixels are taken in 128 bits: a range
 * may span all of int64. */
#include "view_state.h"

#include <math.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define SPAN_MIN 2     /* ticks */
#define PARTS 1024     /* of a pixel, that gestures count in */
#define DECAY_MS 325.0 /* of a drag that was let go: the time constant */
#define SETTLE_MS 55.0 /* of steps by keys and wheel */
#define REST_PX 0.4    /* nearer than this is there */
#define REST_STEPS 0.004
#define KEY_SHARE 0.1 /* of the plot, an arrow key */
#define PAGE_SHARE 0.9
#define KEY_STEPS 0.5
#define FLAT_PX 14.0

typedef __int128 wide;

static wide span_of(view_range range)
{
    return (wide)range.to - range.from;
}

static wide floor_divide(wide a, wide b) /* b > 0 */
{
    wide quotient = a / b;
    return a % b < 0 ? quotient - 1 : quotient;
}

/* The range that begins at `from`, moved so that its middle lies within the data, and within int64;
 * false if it had to be moved. */
static bool place(const view_state *state, wide from, wide span, view_range *out)
{
    wide wanted = from;
    wide least = (wide)state->data.from - span / 2, most = (wide)state->data.to - span / 2;
    from = from < least ? least : from > most ? most : from;
    from = from < INT64_MIN ? INT64_MIN : from;
    from = from > (wide)INT64_MAX - span ? (wide)INT64_MAX - span : from;
    *out = (view_range){(int64_t)from, (int64_t)(from + span)};
    return from == wanted;
}

/* Data without rows have a range too. */
static view_range widen(view_range data)
{
    if (span_of(data) < 1)
        data.from = data.from < INT64_MAX ? data.from : INT64_MAX - 1;
    if (span_of(data) < 1)
        data.to = data.from + 1;
    return data;
}

void view_state_init(view_state *state, view_range data)
{
    data = widen(data);
    *state = (view_state){.data = data, .range = data, .is_all = true};
    state->frame = (gch_view){.t0 = state->data.from,
                              .t1 = state->data.to,
                              .top = {.digits = 1},
                              .width_px = 1,
                              .height_px = 1};
}

void view_state_show(view_state *state, int64_t from, int64_t to)
{
    state->gesture = VIEW_REST;
    state->is_all = false;
    state->range = (view_range){from, to};
}

view_values view_state_values(const view_state *state, uint32_t panel)
{
    if (panel != state->panel)
        return state->panels[panel];
    return (view_values){state->is_fixed, state->bottom, state->top, state->axis};
}

static void take_values(view_state *state, const view_values *values)
{
    state->is_fixed = values->is_fixed;
    state->bottom = values->bottom;
    state->top = values->top;
    state->axis = values->axis;
}

bool view_state_focus(view_state *state, uint32_t panel, const gch_view *frame)
{
    if (panel == state->panel)
        return true;
    if (state->gesture == VIEW_PAN)
        return false;
    state->panels[state->panel] = view_state_values(state, state->panel);
    state->panel = panel;
    take_values(state, &state->panels[panel]);
    state->frame = *frame;
    return true;
}

void view_state_set_values(view_state *state, const view_values values[GCH_PANEL_CAP])
{
    state->gesture = VIEW_REST;
    state->panel = 0;
    for (uint32_t i = 0; i < GCH_PANEL_CAP; i++)
        state->panels[i] = values[i];
    take_values(state, &values[0]);
}

void view_state_take_frame(view_state *state, const gch_view *frame)
{
    state->frame = *frame;
    if (state->is_all)
        state->range = (view_range){frame->t0, frame->t1};
}

void view_state_take_data(view_state *state, view_range data)
{
    bool has_rows = span_of(data) > 0;
    data = widen(data);
    wide grown = (wide)data.to - state->data.to;
    bool shows_end = state->range.to >= state->data.to && state->range.from <= state->data.to;
    bool shows_none = state->range.from >= data.to || state->range.to <= data.from;
    state->data = data;
    if (!has_rows || (grown < 0 && shows_none)) { /* made anew: nothing is left of what was shown */
        state->gesture = VIEW_REST;
        state->is_all = true;
    }
    if (state->is_all || !shows_end || grown <= 0)
        return;
    /* A gesture goes on from where the data have moved to. */
    (void)place(state, state->range.from + grown, span_of(state->range), &state->range);
    wide base = state->base.from + grown;
    if (state->gesture != VIEW_REST && base <= (wide)INT64_MAX - span_of(state->base))
        state->base = (view_range){(int64_t)base, (int64_t)(base + span_of(state->base))};
}

void view_state_describe(const view_state *state, gch_chart_desc *desc)
{
    desc->has_time_range = !state->is_all;
    desc->from = state->range.from;
    desc->to = state->range.to;
    if (state->is_fixed) {
        desc->has_bottom = desc->has_top = true;
        desc->bottom = state->bottom;
        desc->top = state->top;
    }
    desc->axis = state->axis;
    desc->theme = state->theme;
}

/* ---- pixels, times, values ---- */

static view_range frame_range(const view_state *state)
{
    return (view_range){state->frame.t0, state->frame.t1};
}

static int64_t parts_of(double px)
{
    return llround(fmin(fmax(px, -0x1p30), 0x1p30) * PARTS);
}

int64_t view_state_time_at(const view_state *state, double x_px)
{
    view_range range = frame_range(state);
    wide width = (wide)state->frame.width_px * PARTS;
    wide time = range.from + floor_divide(span_of(range) * parts_of(x_px) + width / 2, width);
    return (int64_t)(time < INT64_MIN ? INT64_MIN : time > INT64_MAX ? INT64_MAX : time);
}

double view_state_x_of(const view_state *state, int64_t time)
{
    wide from_left = (wide)time - state->frame.t0;
    return (double)from_left / (double)span_of(frame_range(state)) * state->frame.width_px;
}

/* Values are placed, moved and cut on this scale, where the axis is even. */
static double on_axis(gch_value_axis axis, double value)
{
    return axis == GCH_AXIS_LOG ? log(value) : value;
}

static double off_axis(gch_value_axis axis, double place)
{
    return axis == GCH_AXIS_LOG ? exp(place) : place;
}

static void frame_bounds(const gch_view *frame, double *bottom, double *top)
{
    *bottom = on_axis(frame->axis, gch_decimal_to_double(frame->bottom));
    *top = on_axis(frame->axis, gch_decimal_to_double(frame->top));
}

double view_frame_y_of(const gch_view *frame, double value)
{
    double bottom, top;
    frame_bounds(frame, &bottom, &top);
    return (top - on_axis(frame->axis, value)) / (top - bottom) * frame->height_px;
}

double view_state_y_of(const view_state *state, double value)
{
    return view_frame_y_of(&state->frame, value);
}

/* A bound with no more digits than a sixteenth of a pixel can tell. */
static gch_decimal short_decimal(double value, double pixel)
{
    double unit = pow(10, floor(log10(pixel / 16)));
    double rounded = unit < 1 ? round(value * (1 / unit)) / (1 / unit) : round(value / unit) * unit;
    return gch_decimal_from_double(isfinite(rounded) ? rounded : value);
}

/* Fixes the bounds at two places on the axis, unless doubles cannot hold them. */
static void fix_bounds(view_state *state, double bottom, double top)
{
    double low = off_axis(state->axis, bottom), high = off_axis(state->axis, top);
    if (!isfinite(low) || !isfinite(high) || !(low < high) ||
        (state->axis == GCH_AXIS_LOG && !(low > 0)))
        return;
    double rows = state->frame.height_px;
    double low_px = (high - low) / rows, high_px = low_px;
    if (state->axis == GCH_AXIS_LOG) {
        low_px = low * (top - bottom) / rows;
        high_px = high * (top - bottom) / rows;
    }
    gch_decimal low_bound = short_decimal(low, low_px), high_bound = short_decimal(high, high_px);
    if (gch_decimal_to_double(low_bound) >= gch_decimal_to_double(high_bound) ||
        (state->axis == GCH_AXIS_LOG && low_bound.digits <= 0))
        return;
    state->is_fixed = true;
    state->bottom = low_bound;
    state->top = high_bound;
}

/* ---- gestures ---- */

static void begin(view_state *state, view_gesture gesture)
{
    state->gesture = gesture;
    state->base = state->range;
    state->is_all = false;
    state->base_width_px = state->frame.width_px;
    state->base_height_px = state->frame.height_px;
    state->base_bottom = state->bottom;
    state->base_top = state->top;
    state->shown_x = state->shown_y = state->target_x = state->target_y = 0;
}

static void show_pan(view_state *state)
{
    wide span = span_of(state->base), width = (wide)state->base_width_px * PARTS;
    wide from = state->base.from - floor_divide(span * parts_of(state->shown_x) + width / 2, width);
    if (!place(state, from, span, &state->range) && state->settle_ms > 0)
        state->target_x = state->shown_x; /* what rolls by itself ends at the end of the data */
    if (!state->is_fixed)
        return;
    state->bottom = state->base_bottom;
    state->top = state->base_top;
    if (state->shown_y != 0) {
        double bottom = on_axis(state->axis, gch_decimal_to_double(state->bottom));
        double top = on_axis(state->axis, gch_decimal_to_double(state->top));
        double shift = state->shown_y * (top - bottom) / (double)state->base_height_px;
        fix_bounds(state, bottom + shift, top + shift);
    }
}

/* The most that zooming outward shows. */
static wide span_cap(const view_state *state)
{
    wide all = span_of(state->data), base = span_of(state->base);
    return base > all ? base : all;
}

static void show_zoom(view_state *state)
{
    wide base = span_of(state->base), cap = span_cap(state), span = base;
    double wanted = (double)base * exp2(-state->shown_x);
    if (state->shown_x != 0)
        span = wanted >= (double)cap ? cap : (wide)(wanted + 0.5);
    if (span < SPAN_MIN)
        span = base < SPAN_MIN ? base : SPAN_MIN;
    wide from = state->base.from + floor_divide((base - span) * state->anchor_parts,
                                                (wide)state->base_width_px * PARTS);
    /* Zooming outward shows no more of where there are no data than was shown already. */
    wide left = state->base.from < state->data.from ? state->base.from : state->data.from;
    wide right = state->base.to > state->data.to ? state->base.to : state->data.to;
    from = from < left ? left : from > right - span ? right - span : from;
    state->range = (view_range){(int64_t)from, (int64_t)(from + span)};
}

static void show(view_state *state)
{
    if (state->gesture == VIEW_PAN)
        show_pan(state);
    else if (state->gesture == VIEW_ZOOM)
        show_zoom(state);
}

/* Makes `gesture` the one under way, with what the last one of its kind still had to go. */
static void go_on(view_state *state, view_gesture gesture, double settle_ms)
{
    double rest_x = 0, rest_y = 0;
    bool is_same = state->gesture == gesture;
    if (is_same && gesture == VIEW_PAN && state->settle_ms == settle_ms)
        return;
    if (is_same) {
        rest_x = state->target_x - state->shown_x;
        rest_y = state->target_y - state->shown_y;
    }
    begin(state, gesture);
    state->target_x = rest_x;
    state->target_y = rest_y;
    state->settle_ms = settle_ms;
}

void view_state_drag_begin(view_state *state)
{
    begin(state, VIEW_PAN);
    state->settle_ms = 0;
}

void view_state_drag_to(view_state *state, double dx_px, double dy_px)
{
    if (state->gesture != VIEW_PAN || state->settle_ms != 0)
        return; /* ended by something else */
    state->shown_x = state->target_x = dx_px;
    state->shown_y = state->target_y = dy_px;
    show(state);
}

void view_state_drag_end(view_state *state, double speed_x)
{
    if (state->gesture != VIEW_PAN || state->settle_ms != 0)
        return;
    double way = speed_x * DECAY_MS / 1000;
    if (fabs(way) < 2)
        state->gesture = VIEW_REST;
    state->settle_ms = DECAY_MS;
    state->target_x = state->shown_x + way;
}

void view_state_pan(view_state *state, double dx_px, double dy_px)
{
    if (dy_px != 0 && !state->is_fixed)
        view_state_toggle_fit(state);
    go_on(state, VIEW_PAN, SETTLE_MS);
    state->target_x += dx_px;
    state->target_y += dy_px;
}

void view_state_zoom(view_state *state, double x_px, double steps)
{
    int64_t anchor_parts = parts_of(fmin(fmax(x_px, 0), state->frame.width_px));
    if (state->gesture != VIEW_ZOOM || state->anchor_parts != anchor_parts ||
        state->base_width_px != state->frame.width_px)
        go_on(state, VIEW_ZOOM, SETTLE_MS);
    state->anchor_parts = anchor_parts;
    /* No further than there is something to show, so that the way back begins at once. */
    double base = (double)span_of(state->base), cap = (double)span_cap(state);
    state->target_x = fmax(state->target_x + steps, -log2(cap / base));
    state->target_x = fmin(state->target_x, fmax(log2(base / SPAN_MIN), 0));
}

bool view_state_box_is_flat(double y0, double y1)
{
    return fabs(y1 - y0) < FLAT_PX;
}

bool view_state_box(view_state *state, double x0, double y0, double x1, double y1)
{
    double left = fmin(x0, x1), right = fmax(x0, x1);
    double above = fmin(y0, y1), below = fmax(y0, y1);
    if (right - left < VIEW_BOX_PX_MIN)
        return false;
    view_range range = {view_state_time_at(state, fmax(left, 0)),
                        view_state_time_at(state, fmin(right, state->frame.width_px))};
    if (span_of(range) < SPAN_MIN)
        return false;
    double bottom, top;
    frame_bounds(&state->frame, &bottom, &top);
    double pixel = (top - bottom) / state->frame.height_px;
    state->gesture = VIEW_REST;
    state->is_all = false;
    state->range = range;
    if (!view_state_box_is_flat(y0, y1))
        fix_bounds(state, top - fmin(below, state->frame.height_px) * pixel,
                   top - fmax(above, 0) * pixel);
    return true;
}

void view_state_all(view_state *state)
{
    state->gesture = VIEW_REST;
    state->is_all = true;
    state->is_fixed = false;
    for (uint32_t i = 0; i < GCH_PANEL_CAP; i++)
        state->panels[i].is_fixed = false;
}

void view_state_toggle_fit(view_state *state)
{
    state->is_fixed = !state->is_fixed;
    state->bottom = state->frame.bottom;
    state->top = state->frame.top;
}

bool view_state_advance(view_state *state, double elapsed_ms)
{
    if (state->gesture == VIEW_REST || state->settle_ms == 0)
        return false;
    double share = 1 - exp(-fmax(elapsed_ms, 0) / state->settle_ms);
    double near = state->gesture == VIEW_PAN ? REST_PX : REST_STEPS;
    state->shown_x += (state->target_x - state->shown_x) * share;
    state->shown_y += (state->target_y - state->shown_y) * share;
    bool is_there = fabs(state->target_x - state->shown_x) < near &&
                    fabs(state->target_y - state->shown_y) < near;
    if (is_there) {
        state->shown_x = state->target_x;
        state->shown_y = state->target_y;
    }
    show(state);
    /* Zoomed out to all of it, the chart chooses again. */
    if (is_there && state->gesture == VIEW_ZOOM && state->shown_x < 0 &&
        span_of(state->range) >= span_of(state->data)) {
        state->gesture = VIEW_REST;
        state->is_all = true;
    }
    /* A zoom at rest is kept: what follows at the same place goes on from its base. */
    if (is_there && state->gesture == VIEW_PAN)
        state->gesture = VIEW_REST;
    return !is_there;
}

/* ---- keys ---- */

static const gch_mark marks[] = {GCH_MARK_LINE, GCH_MARK_STEP,    GCH_MARK_AREA, GCH_MARK_CANDLES,
                                 GCH_MARK_OHLC, GCH_MARK_SCATTER, GCH_MARK_BARS, GCH_MARK_DENSITY};
static const char *const mark_names[] = {"line", "step",    "area", "candles",
                                         "ohlc", "scatter", "bars", "density"};

const char *view_mark_name(gch_mark mark)
{
    for (size_t i = 0; i < COUNT_OF(marks); i++) {
        if (marks[i] == mark)
            return mark_names[i];
    }
    return "line"; /* the default */
}

static gch_mark next_mark(gch_mark mark)
{
    for (size_t i = 0; i < COUNT_OF(marks); i++) {
        if (marks[i] == mark)
            return marks[(i + 1) % COUNT_OF(marks)];
    }
    return mark == GCH_MARK_DEFAULT ? marks[1] : marks[0]; /* the default is a line */
}

static const struct {
    uint32_t key;
    view_action action;
} keys[] = {
    {VIEW_KEY_LEFT, VIEW_ACTION_LEFT},
    {VIEW_KEY_RIGHT, VIEW_ACTION_RIGHT},
    {VIEW_KEY_UP, VIEW_ACTION_UP},
    {VIEW_KEY_DOWN, VIEW_ACTION_DOWN},
    {VIEW_KEY_PAGE_UP, VIEW_ACTION_PAGE_LEFT},
    {VIEW_KEY_PAGE_DOWN, VIEW_ACTION_PAGE_RIGHT},
    {'+', VIEW_ACTION_IN},
    {'=', VIEW_ACTION_IN},
    {'-', VIEW_ACTION_OUT},
    {VIEW_KEY_HOME, VIEW_ACTION_ALL},
    {'f', VIEW_ACTION_FIT},
    {'l', VIEW_ACTION_LOG},
    {'c', VIEW_ACTION_TYPE},
    {'p', VIEW_ACTION_PANELS},
    {'t', VIEW_ACTION_THEME},
    {'h', VIEW_ACTION_HUD},
    {'?', VIEW_ACTION_HELP},
    {'s', VIEW_ACTION_SAVE},
    {'q', VIEW_ACTION_QUIT},
    {VIEW_KEY_ESCAPE, VIEW_ACTION_QUIT},
};

view_action view_key_action(uint32_t key)
{
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        if (keys[i].key == key)
            return keys[i].action;
    }
    return VIEW_ACTION_NONE;
}

/* Bounds of one axis mean little on the other; they are fitted anew. */
static void toggle_log(view_state *state)
{
    state->axis = state->axis == GCH_AXIS_LOG ? GCH_AXIS_LINEAR : GCH_AXIS_LOG;
    state->is_fixed = false;
    state->gesture = VIEW_REST;
}

void view_state_act(view_state *state, view_action action, gch_mark given)
{
    double width = state->frame.width_px, height = state->frame.height_px;
    switch (action) {
    case VIEW_ACTION_LEFT:
        view_state_pan(state, width * KEY_SHARE, 0);
        break;
    case VIEW_ACTION_RIGHT:
        view_state_pan(state, -width * KEY_SHARE, 0);
        break;
    case VIEW_ACTION_UP:
        view_state_pan(state, 0, height * KEY_SHARE);
        break;
    case VIEW_ACTION_DOWN:
        view_state_pan(state, 0, -height * KEY_SHARE);
        break;
    case VIEW_ACTION_PAGE_LEFT:
        view_state_pan(state, width * PAGE_SHARE, 0);
        break;
    case VIEW_ACTION_PAGE_RIGHT:
        view_state_pan(state, -width * PAGE_SHARE, 0);
        break;
    case VIEW_ACTION_IN:
        view_state_zoom(state, width / 2, KEY_STEPS);
        break;
    case VIEW_ACTION_OUT:
        view_state_zoom(state, width / 2, -KEY_STEPS);
        break;
    case VIEW_ACTION_ALL:
        view_state_all(state);
        break;
    case VIEW_ACTION_FIT:
        view_state_toggle_fit(state);
        break;
    case VIEW_ACTION_LOG:
        toggle_log(state);
        break;
    case VIEW_ACTION_TYPE:
        state->mark = next_mark(state->mark == GCH_MARK_DEFAULT ? given : state->mark);
        break;
    case VIEW_ACTION_PANELS: /* and the session's: view_panels.c */
        state->is_split = !state->is_split;
        break;
    case VIEW_ACTION_THEME:
        state->theme =
            state->theme == GCH_THEME_CONTRAST ? GCH_THEME_LIGHT : (gch_theme)(state->theme + 1);
        break;
    case VIEW_ACTION_HUD:
        state->hides_hud = !state->hides_hud;
        break;
    case VIEW_ACTION_HELP:
        state->shows_help = !state->shows_help;
        break;
    case VIEW_ACTION_NONE:
    case VIEW_ACTION_SAVE:
    case VIEW_ACTION_QUIT:
        break;
    }
}

static const view_help_line help[] = {
    {"Drag", "pan"},
    {"Wheel", "zoom at the pointer"},
    {"Shift or right drag", "zoom to a box"},
    {"Double click, Home", "show everything"},
    {"Left, Right", "pan by a tenth"},
    {"PgUp, PgDn", "pan by a page"},
    {"Up, Down", "pan the values"},
    {"+, \xE2\x88\x92", "zoom in and out"},
    {"F", "fit the values, or hold them"},
    {"L", "logarithmic values"},
    {"C", "next chart type"},
    {"P", "a panel for each series"},
    {"T", "light, dark or high contrast"},
    {"H", "figures"},
    {"S", "save a picture"},
    {"?", "this help"},
    {"Esc, Q", "quit"},
};

const view_help_line *view_help_get(size_t index)
{
    return index < COUNT_OF(help) ? &help[index] : NULL;
}
