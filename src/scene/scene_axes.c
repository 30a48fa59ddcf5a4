/* The axes: labels, grid, tick marks, context, the zone's name, and the line of zero.
 *
 * Invariants:
 *  1. Labels lie within the picture and never overlap: one is moved inside, or left out.
 *  2. Lines are filled rectangles on whole pixels.
 */
#include "scene_layout.h"

#include <math.h>

void gch__value_axis_place(gch__layout *l)
{
    gch__prims *under = &l->scene->under;
    const float line = gch__hairline(l);
    const float right = l->plot_x + l->plot_width, end = l->plot_y + l->plot_height;
    const float cap = gch__font_get_metrics(l->label_px, GCH__FONT_REGULAR).cap_height;
    for (uint32_t i = 0; i < l->value_tick_count; i++) {
        const gch__tick *tick = &l->scratch->value_ticks[i];
        gch__text label = l->scratch->value_labels[i];
        float y = l->plot_y + (float)tick->position;
        float top = roundf(y - line / 2);
        /* The axis line takes the place of a grid line at the very bottom. */
        if (top >= l->plot_y && top + line < end)
            gch__place_rect(under, l->plot_x, top, right, top + line,
                            label.count > 0 ? l->theme->grid : l->theme->grid_faint, 0);
        float baseline = roundf(y + cap / 2);
        if (y >= l->plot_y - 1 && y <= end + 1)
            gch__place_text(under, label, l->plot_x - GCH_VALUE_GAP * l->scale - label.width,
                            baseline, l->label_px, GCH__FONT_REGULAR, l->theme->muted);
    }
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
    const float bottom = l->plot_y + l->plot_height, right = l->plot_x + l->plot_width;
    const float first = l->pad, edge = fminf(l->pad, 4 * s);
    const float label_line = bottom + line + (GCH_TICK_LENGTH + 1) * s;
    const float baseline =
        gch__baseline_in(label_line, GCH_LABEL_LINE * s, l->label_px, GCH__FONT_REGULAR);
    const float context_baseline = gch__baseline_in(
        label_line + GCH_LABEL_LINE * s, GCH_LABEL_LINE * s, l->label_px, GCH__FONT_MEDIUM);

    gch__place_rect(under, l->plot_x, bottom, right, bottom + line, theme->axis, 0);
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
            gch__place_rect(under, left, l->plot_y, left + line, bottom, theme->grid_faint, 0);
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

void gch__zero_line_place(gch__layout *l)
{
    const float line = gch__hairline(l);
    if (l->desc->axis == GCH_AXIS_LOG || l->bottom.digits >= 0 || l->top.digits <= 0)
        return;
    bool is_filled = false;
    for (uint32_t i = 0; i < l->desc->series_count; i++)
        is_filled = is_filled || l->desc->series[i].mark == GCH_MARK_AREA ||
                    l->desc->series[i].mark == GCH_MARK_BARS;
    float top = roundf(l->plot_y + l->scene->plot.baseline_y - line / 2);
    top = fmaxf(fminf(top, l->plot_y + l->plot_height - line), l->plot_y);
    /* Bars and areas grow from it: it lies over their ends. */
    gch__place_rect(is_filled ? &l->scene->over : &l->scene->under, l->plot_x, top,
                    l->plot_x + l->plot_width, top + line, l->theme->zero, 0);
}
