/* The panels of a window: as they were asked for, or one for each series; which of them the pointer
 * is in; and what is seen of values in each. Thread rule: one thread.
 */
#ifndef VIEW_PANELS_H
#define VIEW_PANELS_H

#include "view_state.h"

typedef struct view_panels {
    const gch_chart_desc *given;
    gch_panel_desc descs[GCH_PANEL_CAP];
    uint32_t count; /* 0: one, described by the chart itself */
} view_panels;

/* As they were asked for; the state gets the bounds and axes that go with them. */
void view_panels_init(view_panels *panels, const gch_chart_desc *given, view_state *state);
/* Places the series as the state says, a panel each or as they were given, and begins with fitted
 * values. A study stands with what it is of. */
void view_panels_place(view_panels *panels, view_state *state, gch_chart_series *series);
/* Whether there is anything to place otherwise: series that are not studies. */
bool view_panels_can_split(const view_panels *panels);
/* The panels of a chart to ask for, after view_state_describe. Borrowed from `panels`. */
void view_panels_describe(view_panels *panels, const view_state *state,
                          const gch_chart_series *series, gch_chart_desc *desc);

/* Of a picture: the axis that values of a panel are moved by, its left one if it has one; that of a
 * series; the panel at a height, GCH_PANEL_CAP if there is none. */
const gch_view *view_panels_frame(const gch_chart_stats *stats, uint32_t panel);
const gch_view *view_panels_frame_of(const gch_chart_stats *stats, const gch_chart_series *series);
uint32_t view_panels_at(const gch_chart_stats *stats, double y);

#endif
