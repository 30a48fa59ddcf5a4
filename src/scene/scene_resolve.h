/* From what a gch_chart_desc leaves open to what is drawn: checks, defaults, ranges, bar widths. */
#ifndef GCH_SCENE_RESOLVE_H
#define GCH_SCENE_RESOLVE_H

#include "scene.h"
#include "scene_theme.h"

/* The size and scale that the desc's zeros stand for. */
typedef struct gch__picture {
    uint32_t width_px, height_px;
    float scale;
} gch__picture;

/* GCH_INVALID names the field at fault. */
GCH_CHECKED gch_status gch__chart_check(const gch_chart_desc *desc, gch_error *err);
/* The desc is sound (gch__chart_check). */
gch__picture gch__chart_picture(const gch_chart_desc *desc);
gch_time_unit gch__chart_time_unit(const gch_chart_desc *desc);
/* The series' mark, DEFAULT resolved. */
gch_mark gch__chart_mark(const gch_chart_series *series);
/* All of its series are points of a plane. */
bool gch__chart_is_plane(const gch_chart_desc *desc);
/* All of its series are histograms. */
bool gch__chart_is_histogram(const gch_chart_desc *desc);
/* The column of a series; of points, that of y. */
const gch_column_info *gch__chart_column(const gch_chart_series *series);

/* At least one. */
uint32_t gch__chart_panel_count(const gch_chart_desc *desc);
const char *gch__chart_panel_title(const gch_chart_desc *desc, uint32_t panel); /* NULL: none */
/* What the desc says of a panel's value axis. */
gch_axis_desc gch__chart_axis(const gch_chart_desc *desc, uint32_t panel, gch_axis_side side);
/* Whether series `index` is read against this axis. */
static inline bool gch__is_read_against(const gch_chart_series *series, uint32_t panel,
                                        gch_axis_side side)
{
    return series->panel == panel && series->axis == side;
}
uint32_t gch__chart_axis_series_count(const gch_chart_desc *desc, uint32_t panel,
                                      gch_axis_side side);
/* Rows of `rows` that lie above panel `index`, 0 <= index <= their count <= rows: in proportion to
 * the panels' heights, rounded down, but a row for each panel at least. */
uint32_t gch__chart_panel_row(const gch_chart_desc *desc, uint32_t rows, uint32_t index);

/* The value range of a plot: its axis' own bounds, the others fitted to the extents of its series
 * (`extents` has all of the chart's). Always bottom < top, and 0 < bottom on a log axis.
 * GCH_INVALID if the given bounds are not in order. */
GCH_CHECKED gch_status gch__chart_value_range(const gch_chart_desc *desc, uint32_t panel,
                                              gch_axis_side side, const gch__extent *extents,
                                              gch_decimal *out_bottom, gch_decimal *out_top,
                                              gch_error *err);

/* The same for the plot's left and right end, of a plane. */
GCH_CHECKED gch_status gch__chart_across_range(const gch_chart_desc *desc,
                                               const gch__extent *extents, gch_decimal *out_left,
                                               gch_decimal *out_right, gch_error *err);

/* Exact order of two decimals: negative, 0, positive. */
int gch__decimal_compare(gch_decimal a, gch_decimal b);

/* The width from the ladder 1-2-5 below a second (or for INDEX), 1 s, 5 s, 15 s, 1 min, 5 min,
 * 15 min, 1 h, 4 h, 1 d, 1 w, 1 and 3 months, then 1-2-5 years, whose bars come closest to
 * `wanted_px` pixels (by ratio) and have at least half of them. */
gch_bar_width gch__bar_width_choose(gch_time_unit unit, int64_t from, int64_t to, uint32_t width_px,
                                    float wanted_px);

/* Series `index` with its defaults, for a plot `width_px` wide. */
gch__plot_series gch__chart_series(const gch_chart_desc *desc, uint32_t index,
                                   const gch__theme *theme, int64_t from, int64_t to,
                                   uint32_t width_px);

#endif
