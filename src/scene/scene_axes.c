/* The axes: labels, grid, tick marks, context, the zone's name, and the line of zero.
 *
 * Invariants:
 *  1. Labels lie within the picture and never overlap: one is moved inside, or left out.
 *  2. Lines are filled rectangles on whole pixels.
 */
#include "scene_layout.h"

#include <math.h>

/* Where a panel has two axes, one with a single line has that line's colour. */
static uint32_t label_color(const gch__layout *l, const gch__axis_layout *axis)
{
    const gch_chart_desc *desc = l->desc;
    if (l->panels[axis->panel].axis_count < 2 ||
        gch__chart_axis_series_count(desc, axis->panel, axis->side) != 1)
        return l->theme->muted;
    uint32_t i = 0;
    while (!gch__is_read_against(&desc->series[i], axis->panel, axis->side))
        i++;
    const gch__plot_series *series = &l->scene->series[i];
    bool has_two_colors = series->mark == GCH_MARK_CANDLES || series->mark == GCH_MARK_OHLC ||
                          (series->mark == GCH_MARK_VOLUME && series->has_price) ||
                          series->color_by != 0 || series->category_by != 0;
    return has_two_colors ? l->theme->muted : gch__color_with_alpha(series->color, 255);
}

static void place_value_axis(gch__layout *l, const gch__axis_layout *axis)
{
    gch__prims *under = &l->scene->under;
    const gch__panel_layout *panel = &l->panels[axis->panel];
    const float line = gch__hairline(l);
    const float right = l->plot_x + l->plot_width, end = panel->y + panel->height;
    const float cap = gch__font_get_metrics(l->label_px, GCH__FONT_REGULAR).cap_height;
    const uint32_t color = label_color(l, axis);
    for (uint32_t i = 0; i < axis->tick_count; i++) {
        const gch__tick *tick = &axis->scratch->ticks[i];
        gch__text label = axis->scratch->labels[i];
        float y = panel->y + (float)tick->position;
        float top = roundf(y - line / 2);
        /* The axis line takes the place of a grid line at the very bottom. */
        bool is_within = top >= panel->y && top + line < end;
        if (is_within && axis->is_first)
            gch__place_rect(under, l->plot_x, top, right, top + line,
                            label.count > 0 ? l->theme->grid : l->theme->grid_faint, 0);
        else if (is_within && label.count > 0) /* the grid is the other axis' */
            gch__place_rect(under, right, top, right + roundf(GCH_TICK_LENGTH * 0.8f * l->scale),
                            top + line, l->theme->axis, 0);
        float x = axis->side == GCH_AXIS_LEFT ? l->plot_x - GCH_VALUE_GAP * l->scale - label.width
                                              : right + GCH_VALUE_GAP * l->scale;
        if (y >= panel->y - 1 && y <= end + 1)
            gch__place_text(under, label, x, roundf(y + cap / 2), l->label_px, GCH__FONT_REGULAR,
                            color);
    }
}

void gch__value_axes_place(gch__layout *l)
{
    for (uint32_t i = 0; i < l->axis_count; i++)
        place_value_axis(l, &l->axes[i]);
}

/* The x of a text centred at `x` and kept within [left, right]. */
static float centre_within(float x, float width, float left, float right)
{
    return fmaxf(fminf(x - width / 2, right - width), left);
}

void gch__time_axis_place(gch__layout *l)
{
    gch__prims *under = &l->scene->under;
    const gch__theme *theme = l->theme;
    const float s = l->scale, line = gch__hairline(l);
    const gch__panel_layout *last = &l->panels[l->panel_count - 1];
    const float bottom = last->y + last->height, right = l->plot_x + l->plot_width;
    const float first = l->pad, edge = fminf(l->pad, 4 * s);
    const float label_line = bottom + line + (GCH_TICK_LENGTH + 1) * s;
    const float baseline =
        gch__baseline_in(label_line, GCH_LABEL_LINE * s, l->label_px, GCH__FONT_REGULAR);
    const float context_baseline = gch__baseline_in(
        label_line + GCH_LABEL_LINE * s, GCH_LABEL_LINE * s, l->label_px, GCH__FONT_MEDIUM);

    for (uint32_t i = 0; i < l->panel_count; i++) {
        float end = l->panels[i].y + l->panels[i].height;
        gch__place_rect(under, l->plot_x, end, right, end + line, theme->axis, 0);
    }
    float context_end = l->width - edge;
    if (l->shown.context && l->zone.count > 0) {
        float x = fminf(right, l->width - edge) - l->zone.width;
        if (x > l->width / 2) { /* else there is hardly room for the context itself */
            gch__place_text(under, l->zone, x, context_baseline, l->small_px, GCH__FONT_REGULAR,
                            theme->muted);
            context_end = x - 12 * s;
        }
    }
    float label_taken = 0, context_taken = 0; /* right ends of the last texts placed */
    for (uint32_t i = 0; i < l->time_tick_count; i++) {
        const gch__tick *tick = &l->scratch->time_ticks[i];
        float x = l->plot_x + (float)tick->position;
        float left = roundf(x - line / 2);
        if (left < l->plot_x - 1 || left + line > right + 1)
            continue;
        gch__text label = gch__text_of(tick->label);
        bool is_labelled = label.count > 0;
        if (is_labelled && left >= l->plot_x + 2 * line && left + line <= right)
            for (uint32_t k = 0; k < l->panel_count; k++)
                gch__place_rect(under, left, l->panels[k].y, left + line,
                                l->panels[k].y + l->panels[k].height, theme->grid_faint, 0);
        float length = is_labelled ? GCH_TICK_LENGTH * s : roundf(GCH_TICK_LENGTH * s * 0.6f);
        gch__place_rect(under, left, bottom + line, left + line, bottom + line + roundf(length),
                        theme->axis, 0);
        if (is_labelled) {
            label.width = gch__text_measure(label, l->label_px, GCH__FONT_REGULAR);
            float at = centre_within(x, label.width, first, l->width - edge);
            if (at >= label_taken && at + label.width <= l->width) {
                gch__place_text(under, label, at, baseline, l->label_px, GCH__FONT_REGULAR,
                                theme->muted);
                label_taken = at + label.width + 4 * s;
            }
        }
        if (l->shown.context && tick->context[0] != '\0') {
            gch__text context = gch__text_of(tick->context);
            context.width = gch__text_measure(context, l->label_px, GCH__FONT_MEDIUM);
            float at = centre_within(x, context.width, first, context_end);
            /* Moved too far it would name the wrong tick. */
            bool is_near = fabsf(at + context.width / 2 - x) <= context.width;
            if (at >= context_taken && at + context.width <= context_end + 1 && is_near) {
                gch__place_text(under, context, at, context_baseline, l->label_px, GCH__FONT_MEDIUM,
                                theme->muted);
                context_taken = at + context.width + 8 * s;
            }
        }
    }
}

static void place_zero_line(gch__layout *l, const gch__axis_layout *axis, float baseline_y)
{
    const float line = gch__hairline(l);
    const gch__panel_layout *panel = &l->panels[axis->panel];
    if (axis->axis == GCH_AXIS_LOG || axis->bottom.digits >= 0 || axis->top.digits <= 0)
        return;
    bool is_filled = false;
    for (uint32_t i = 0; i < l->desc->series_count; i++) {
        const gch_chart_series *series = &l->desc->series[i];
        is_filled =
            is_filled || (gch__is_read_against(series, axis->panel, axis->side) &&
                          (series->mark == GCH_MARK_AREA || series->mark == GCH_MARK_BARS ||
                           series->mark == GCH_MARK_VOLUME || series->mark == GCH_MARK_HISTOGRAM));
    }
    if (!axis->is_first && !is_filled)
        return; /* one line of zero is enough where nothing grows from the second */
    float top = roundf(panel->y + baseline_y - line / 2);
    top = fmaxf(fminf(top, panel->y + panel->height - line), panel->y);
    /* Bars and areas grow from it: it lies over their ends. */
    gch__place_rect(is_filled ? &l->scene->over : &l->scene->under, l->plot_x, top,
                    l->plot_x + l->plot_width, top + line, l->theme->zero, 0);
}

void gch__zero_lines_place(gch__layout *l)
{
    for (uint32_t i = 0; i < l->axis_count; i++)
        place_zero_line(l, &l->axes[i], l->scene->plots[i].baseline_y);
}
