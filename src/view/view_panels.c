/* The panels of a window (view_panels.h). */
#include "view_panels.h"

/* ---- places ---- */

static bool is_study(const gch_chart_series *series)
{
    return series->study.kind != GCH_STUDY_NONE;
}

bool view_panels_can_split(const view_panels *panels)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < panels->given->series_count; i++)
        count += is_study(&panels->given->series[i]) ? 0 : 1;
    return count > 1;
}

/* A panel for each series that is no study, as far as there are panels. */
static void split(view_panels *panels, gch_chart_series *series)
{
    uint32_t count = panels->given->series_count, alone = 0, place = 0;
    for (uint32_t i = 0; i < count; i++)
        alone += is_study(&series[i]) ? 0 : 1;
    panels->count = alone < GCH_PANEL_CAP ? alone : GCH_PANEL_CAP;
    for (uint32_t i = 0; i < panels->count; i++)
        panels->descs[i] = (gch_panel_desc){0};
    for (uint32_t i = 0; i < count; i++) {
        series[i].axis = GCH_AXIS_LEFT;
        series[i].panel = is_study(&series[i]) ? 0 : place++ * panels->count / alone;
    }
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = count; k-- > 0 && is_study(&series[i]);) /* the first of them */
            if (!is_study(&series[k]) && series[k].file == series[i].file &&
                series[k].column == series[i].column)
                series[i].panel = series[k].panel;
}

/* The axis that a panel's values are moved by. */
static gch_axis_side side_of(const gch_chart_series *series, uint32_t count, uint32_t panel)
{
    bool has_series = false;
    for (uint32_t i = 0; i < count; i++) {
        if (series[i].panel == panel && series[i].axis == GCH_AXIS_LEFT)
            return GCH_AXIS_LEFT;
        has_series = has_series || series[i].panel == panel;
    }
    return has_series ? GCH_AXIS_RIGHT : GCH_AXIS_LEFT;
}

static gch_axis_desc *axis_of(view_panels *panels, const gch_chart_series *series, uint32_t panel)
{
    gch_panel_desc *desc = &panels->descs[panel];
    gch_axis_side side = side_of(series, panels->given->series_count, panel);
    return side == GCH_AXIS_LEFT ? &desc->left : &desc->right;
}

static void place_as_given(view_panels *panels, view_state *state, gch_chart_series *series)
{
    const gch_chart_desc *given = panels->given;
    view_values values[GCH_PANEL_CAP] = {{.is_fixed = false}};
    panels->count = given->panel_count;
    for (uint32_t i = 0; i < given->series_count; i++) {
        series[i].panel = given->series[i].panel;
        series[i].axis = given->series[i].axis;
    }
    for (uint32_t i = 0; i < panels->count; i++) {
        panels->descs[i] = given->panels[i];
        values[i].axis = axis_of(panels, series, i)->axis;
    }
    if (panels->count == 0)
        values[0].axis = given->axis;
    view_state_set_values(state, values);
}

void view_panels_place(view_panels *panels, view_state *state, gch_chart_series *series)
{
    const view_values fitted[GCH_PANEL_CAP] = {{.is_fixed = false}};
    if (!state->is_split) {
        place_as_given(panels, state, series);
        return;
    }
    split(panels, series);
    view_state_set_values(state, fitted);
}

void view_panels_init(view_panels *panels, const gch_chart_desc *given, view_state *state)
{
    gch_chart_series series[GCH_SERIES_CAP];
    view_values values[GCH_PANEL_CAP] = {{.is_fixed = false}};
    *panels = (view_panels){.given = given};
    for (uint32_t i = 0; i < given->series_count; i++)
        series[i] = given->series[i];
    place_as_given(panels, state, series);
    for (uint32_t i = 0; i < (panels->count > 0 ? panels->count : 1); i++) {
        const gch_axis_desc single = {.has_bottom = given->has_bottom,
                                      .has_top = given->has_top,
                                      .bottom = given->bottom,
                                      .top = given->top,
                                      .axis = given->axis};
        const gch_axis_desc *axis = panels->count > 0 ? axis_of(panels, series, i) : &single;
        values[i] = (view_values){.is_fixed = axis->has_bottom && axis->has_top,
                                  .bottom = axis->bottom,
                                  .top = axis->top,
                                  .axis = axis->axis};
    }
    view_state_set_values(state, values);
}

void view_panels_describe(view_panels *panels, const view_state *state,
                          const gch_chart_series *series, gch_chart_desc *desc)
{
    desc->panels = NULL;
    desc->panel_count = panels->count;
    if (panels->count == 0)
        return;
    for (uint32_t i = 0; i < panels->count; i++) {
        if (!state->is_split)
            panels->descs[i] = panels->given->panels[i];
        gch_axis_desc *axis = axis_of(panels, series, i);
        const view_values values = view_state_values(state, i);
        bool was_fixed = axis->has_bottom && axis->has_top; /* which the state has taken over */
        axis->has_bottom = values.is_fixed || (axis->has_bottom && !was_fixed);
        axis->has_top = values.is_fixed || (axis->has_top && !was_fixed);
        if (values.is_fixed) {
            axis->bottom = values.bottom;
            axis->top = values.top;
        }
        axis->axis = values.axis;
    }
    desc->panels = panels->descs;
    desc->has_bottom = desc->has_top = false;
    desc->axis = GCH_AXIS_LINEAR;
}

/* ---- pictures ---- */

const gch_view *view_panels_frame(const gch_chart_stats *stats, uint32_t panel)
{
    const gch_panel_stats *its = &stats->panels[panel];
    return its->has_left || !its->has_right ? &its->left : &its->right;
}

const gch_view *view_panels_frame_of(const gch_chart_stats *stats, const gch_chart_series *series)
{
    const gch_panel_stats *its = &stats->panels[series->panel];
    return series->axis == GCH_AXIS_RIGHT ? &its->right : &its->left;
}

uint32_t view_panels_at(const gch_chart_stats *stats, double y)
{
    for (uint32_t i = 0; i < stats->panel_count; i++) {
        double top = stats->panels[i].y_px;
        if (y >= top && y < top + view_panels_frame(stats, i)->height_px)
            return i;
    }
    return GCH_PANEL_CAP;
}
