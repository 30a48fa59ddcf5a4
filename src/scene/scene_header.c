/* Title, legend, and the line above each plot.
 *
 * The legend is a row of swatches, each in the shape of its mark, with labels; above the one panel
 * a second row takes what the first cannot, and a count stands for the rest. A panel's line has its
 * title, the left axis' title, its series if there are other panels, and the right axis' title at
 * its end.
 */
#include "scene_layout.h"
#include "scene_palette.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Layout pixels, before the scale. */
#define SWATCH_WIDTH 14.0f
#define SWATCH_GAP 6.0f
#define LEGEND_GAP 18.0f
#define LEGEND_LABEL_MAX 240.0f
#define LINE_GAP 12.0f /* between the texts of a panel's line */

/* ---- texts ---- */

/* The unit that all series of an axis share, or NULL. */
static const char *shared_unit(const gch_chart_desc *desc, uint32_t panel, gch_axis_side side)
{
    const char *unit = NULL;
    for (uint32_t i = 0; i < desc->series_count; i++) {
        if (!gch__is_read_against(&desc->series[i], panel, side))
            continue;
        const char *own = gch__chart_column(&desc->series[i])->unit;
        if (unit != NULL && strcmp(own, unit) != 0)
            return NULL;
        unit = own;
    }
    return unit != NULL && unit[0] != '\0' ? unit : NULL;
}

static bool has_text(const char *text)
{
    return text != NULL && text[0] != '\0';
}

/* Series of a panel, and the first of them (0 if there are none). */
static uint32_t count_series(const gch_chart_desc *desc, uint32_t panel, uint32_t *out_first)
{
    uint32_t count = 0;
    *out_first = 0;
    for (uint32_t i = desc->series_count; i-- > 0;) {
        if (desc->series[i].panel == panel) {
            *out_first = i;
            count++;
        }
    }
    return count;
}

/* Whether the panel's series are told apart, or one named that nothing else names. */
static bool wants_legend(const gch__layout *l, uint32_t panel)
{
    uint32_t first, count = count_series(l->desc, panel, &first);
    if (l->desc->hide_legend || count == 0)
        return false;
    return count > 1 || has_text(l->desc->series[first].label) ||
           l->desc->series[first].mark == GCH_MARK_DENSITY ||
           l->desc->series[first].study.kind != GCH_STUDY_NONE ||
           (l->panel_count > 1 && !has_text(gch__chart_panel_title(l->desc, panel)));
}

/* What names a series: its column, both columns of a band, or "SMA 20 of price", "price - other".
 */
static const char *name_series(const gch_chart_series *series, char names[GCH_TEXT_BYTES_CAP])
{
    static const char *const kinds[] = {
        [GCH_STUDY_SMA] = "SMA", [GCH_STUDY_EMA] = "EMA", [GCH_STUDY_RANGE] = "Range"};
    const char *name = gch__chart_column(series)->name;
    const gch_series_study *study = &series->study;
    const size_t cap = GCH_TEXT_BYTES_CAP;
    if (study->kind == GCH_STUDY_SPREAD) {
        const gch_file *with = study->with != NULL ? study->with : series->file;
        const char *other = gch_file_get_info(with)->columns[study->with_column].name;
        (void)snprintf(names, cap, "%.250s \u2212 %.250s", name, other);
    } else if (study->kind != GCH_STUDY_NONE) {
        (void)snprintf(names, cap, "%s %u of %.255s", kinds[study->kind], study->length, name);
    } else if (series->mark == GCH_MARK_BAND) {
        const gch_file_info *info = gch_file_get_info(series->file);
        const char *high = info->columns[series->column_high].name;
        (void)snprintf(names, cap, "%.250s \u2013 %.250s", name, high);
    } else {
        return name;
    }
    return names;
}

/* Above an axis: its own title, or the shared unit; for a lone series that nothing else names its
 * name as well. */
static gch__text make_axis_title(gch__layout *l, const gch__axis_layout *axis, float room)
{
    const gch_chart_desc *desc = l->desc;
    const char *own = gch__chart_axis(desc, axis->panel, axis->side).title;
    const char *unit = shared_unit(desc, axis->panel, axis->side), *name = "";
    char names[GCH_TEXT_BYTES_CAP];
    uint32_t first;
    bool is_lone = count_series(desc, axis->panel, &first) == 1 && !wants_legend(l, axis->panel);
    bool has_title = has_text(gch__chart_panel_title(desc, axis->panel)) ||
                     (l->panel_count == 1 && has_text(desc->title));
    if (is_lone && !has_title)
        name = name_series(&desc->series[first], names);
    if (own == NULL && gch__chart_is_histogram(desc)) /* the values' unit is the other axis' */
        own = "count";
    gch__text t = own != NULL ? gch__text_make(l, own, "")
                              : gch__text_make(l, name, unit != NULL ? unit : "");
    return gch__text_shorten(l, t, l->label_px, GCH__FONT_REGULAR, room);
}

static gch__text make_label(gch__layout *l, uint32_t index)
{
    const gch_chart_series *series = &l->desc->series[index];
    char names[GCH_TEXT_BYTES_CAP];
    const char *label = series->label != NULL ? series->label : name_series(series, names);
    /* What stands in brackets: a unit, unless the axis says it; or why there is nothing to see. */
    bool is_said = shared_unit(l->desc, series->panel, series->axis) != NULL;
    const char *unit = series->label == NULL && !is_said ? gch__chart_column(series)->unit : "";
    if (series->label == NULL && series->mark == GCH_MARK_DENSITY)
        unit = "points a pixel";
    if (l->extents[index].is_too_fine)
        unit = "too many bars";
    return gch__text_make(l, label, unit);
}

/* ---- the legend ---- */

/* Sets the series of `panel` in rows from `left` to `end`; returns how far the last one reaches. */
static float make_legend(gch__layout *l, uint32_t panel, uint32_t row_count, float left, float end,
                         uint32_t *out_rows)
{
    const float s = l->scale;
    const float swatch = (SWATCH_WIDTH + SWATCH_GAP) * s;
    const uint32_t line = l->panel_count > 1 ? panel : GCH_CHART_LEGEND;
    gch__legend_item *items = l->scratch->legend;
    uint32_t first, rest = count_series(l->desc, panel, &first);
    float more_room = gch__measure_label(l, "+64 more");
    float more_space = rest > 1 ? more_room + LEGEND_GAP * s : 0;
    float label_room = fminf(LEGEND_LABEL_MAX * s, end - left - swatch - more_space);
    float x = left;
    uint32_t row = 0;
    for (uint32_t i = first; rest > 0; i++) {
        if (l->desc->series[i].panel != panel)
            continue;
        gch__text label = gch__text_shorten(l, make_label(l, i), l->label_px, GCH__FONT_REGULAR,
                                            fmaxf(label_room, 0));
        float item_end = x + swatch + label.width;
        if (item_end > end && x > left && row + 1 < row_count) {
            row++;
            x = left;
            item_end = x + swatch + label.width;
        }
        bool is_last = rest == 1;
        if (row + 1 == row_count && item_end + (is_last ? 0 : more_space) > end) {
            gch__buffer *buffer = &l->scene->text;
            buffer->count = (size_t)(label.bytes - (const char *)buffer->bytes);
            char more[24];
            (void)snprintf(more, sizeof more, "+%u more", rest);
            gch__text t = gch__text_make(l, more, "");
            t.width = gch__text_measure(t, l->label_px, GCH__FONT_REGULAR);
            if (x + t.width <= end) {
                items[l->legend_count++] = (gch__legend_item){
                    .label = t, .x = x, .panel = line, .row = row, .series = UINT32_MAX};
                x += t.width + LEGEND_GAP * s;
            }
            break;
        }
        items[l->legend_count++] =
            (gch__legend_item){.label = label, .x = x, .panel = line, .row = row, .series = i};
        x = item_end + LEGEND_GAP * s;
        rest--;
    }
    *out_rows = row + 1;
    return x - LEGEND_GAP * s;
}

/* The texts of a panel's line, from left to right. */
static void make_panel_line(gch__layout *l, uint32_t index)
{
    const float s = l->scale, room = l->width - 2 * l->pad, gap = LINE_GAP * s;
    gch__panel_layout *panel = &l->panels[index];
    gch__axis_layout *axes = &l->axes[panel->first_axis];
    const char *title = gch__chart_panel_title(l->desc, index);
    bool is_shared = l->panel_count > 1 || panel->axis_count > 1 || has_text(title);
    float x = l->pad, end = l->width - l->pad;
    panel->title = (gch__text){0};
    panel->title_x = x;
    if (has_text(title)) {
        panel->title = gch__text_shorten(l, gch__text_make(l, title, ""), l->label_px,
                                         GCH__FONT_MEDIUM, room * 0.4f);
        x += panel->title.width > 0 ? panel->title.width + gap : 0;
    }
    panel->axis_title_x = x;
    for (uint32_t i = 0; i < panel->axis_count; i++) {
        axes[i].title = make_axis_title(l, &axes[i], is_shared ? room * 0.25f : room);
        if (axes[i].title.width == 0)
            continue;
        if (axes[i].side == GCH_AXIS_LEFT)
            x += axes[i].title.width + gap;
        else
            end -= axes[i].title.width + gap;
    }
    uint32_t rows;
    if (l->panel_count > 1 && wants_legend(l, index))
        (void)make_legend(l, index, 1, x, end, &rows);
}

void gch__header_texts_make(gch__layout *l)
{
    l->legend_count = 0;
    l->legend_rows = 0;
    if (l->panel_count == 1 && wants_legend(l, 0))
        l->legend_width = make_legend(l, 0, 2, l->pad, l->width - l->pad, &l->legend_rows) - l->pad;
    for (uint32_t i = 0; i < l->panel_count; i++)
        make_panel_line(l, i);
}

/* The pattern from its start, drawn smaller if it is longer than a swatch. */
static void place_dashes(gch__layout *l, const gch__plot_series *series, gch__rect box)
{
    float period = 0, x = box.x0, thick = box.y1 - box.y0;
    for (uint32_t i = 0; i < series->dash_count; i++)
        period += series->dash[i];
    float shrink = fminf(1, (box.x1 - box.x0) / period);
    for (uint32_t i = 0; i < 2 * GCH_LEGEND_STEPS && x < box.x1; i++) {
        float length = series->dash[i % series->dash_count] * shrink;
        float end = fminf(roundf(x + fmaxf(length, thick)), box.x1);
        if (i % 2 == 0 && end > roundf(x))
            gch__place_rect(&l->scene->under, roundf(x), box.y0, end, box.y1, series->color,
                            thick / 2);
        x += length;
    }
}

/* What rises and what falls. */
static void place_two_boxes(gch__layout *l, const gch__plot_series *series, float x0, float x1,
                            float middle)
{
    gch__prims *under = &l->scene->under;
    const float s = l->scale, half = fmaxf(1, roundf(4 * s)), centre = roundf((x0 + x1) / 2);
    gch__place_rect(under, x0, middle - half, centre - s, middle + half, series->up_color, s);
    gch__place_rect(under, centre + s, middle - half, x1, middle + half, series->down_color, s);
}

static void place_swatch(gch__layout *l, const gch__legend_item *item, float middle)
{
    const gch__plot_series *series = &l->scene->series[item->series];
    gch__prims *under = &l->scene->under;
    const float s = l->scale, x0 = roundf(item->x), x1 = roundf(item->x + SWATCH_WIDTH * s);
    const float half = fmaxf(1, roundf(4 * s)); /* of a box */
    middle = roundf(middle);
    switch (series->study.kind == GCH_STUDY_RANGE ? GCH_MARK_AREA : series->mark) {
    case GCH_MARK_POINTS:
    case GCH_MARK_SCATTER: {
        gch__prim *dot = gch__place(under, GCH__PRIM_CIRCLE, series->color);
        dot->box = (gch__rect){(x0 + x1) / 2, middle, (x0 + x1) / 2, middle};
        dot->radius = 4 * s;
        break;
    }
    case GCH_MARK_CANDLES:
    case GCH_MARK_OHLC:
        place_two_boxes(l, series, x0, x1, middle);
        break;
    case GCH_MARK_VOLUME:
        if (series->has_price) {
            place_two_boxes(l, series, x0, x1, middle);
            break;
        }
        gch__place_rect(under, x1 - 2 * half - s, middle - half, x1 - s, middle + half,
                        series->color, 1.5f * s);
        break;
    case GCH_MARK_BARS:
    case GCH_MARK_HISTOGRAM:
        gch__place_rect(under, x1 - 2 * half - s, middle - half, x1 - s, middle + half,
                        series->color, 1.5f * s);
        break;
    case GCH_MARK_BAND:
        gch__place_rect(under, x0, middle - half, x1, middle + half, series->fill_color, 1.5f * s);
        break;
    case GCH_MARK_DENSITY: {
        float left = x0;
        for (uint32_t i = 1; i <= GCH_LEGEND_STEPS; i++) {
            float right = x0 + roundf((x1 - x0) * (float)i / (float)GCH_LEGEND_STEPS);
            gch__place_rect(under, left, middle - half, right, middle + half,
                            gch__palette_color(series->palette, series->is_palette_reversed,
                                               255 * (i - 1) / (GCH_LEGEND_STEPS - 1)),
                            0);
            left = right;
        }
        break;
    }
    case GCH_MARK_AREA:
        gch__place_rect(under, x0, middle - half, x1, middle + half, series->fill_color, 1.5f * s);
        gch__place_rect(under, x0, middle - half, x1, middle - half + fmaxf(1, roundf(2 * s)),
                        series->color, 0);
        break;
    default: {
        float thick = fmaxf(1, roundf(fminf(fmaxf(series->width, 2 * s), 6 * s)));
        float top = roundf(middle - thick / 2);
        if (series->dash_count > 0)
            place_dashes(l, series, (gch__rect){x0, top, x1, top + thick});
        else
            gch__place_rect(under, x0, top, x1, top + thick, series->color, thick / 2);
        break;
    }
    }
}

static void place_legend_item(gch__layout *l, gch__legend_item *item, float top, float height)
{
    gch__prims *under = &l->scene->under;
    const float s = l->scale;
    float baseline = gch__baseline_in(top, height, l->label_px, GCH__FONT_REGULAR);
    bool is_more = item->series == UINT32_MAX;
    if (!is_more) {
        float cap = gch__font_get_metrics(l->label_px, GCH__FONT_REGULAR).cap_height;
        place_swatch(l, item, baseline - cap / 2);
    }
    gch__place_text(under, item->label, item->x + (is_more ? 0 : (SWATCH_WIDTH + SWATCH_GAP) * s),
                    baseline, l->label_px, GCH__FONT_REGULAR,
                    is_more ? l->theme->muted : l->theme->text);
}

static void place_panel_line(gch__layout *l, const gch__panel_layout *panel)
{
    gch__prims *under = &l->scene->under;
    const float height = GCH_PANEL_LINE * l->scale;
    float baseline = gch__baseline_in(panel->line_y, height, l->label_px, GCH__FONT_REGULAR);
    gch__place_text(under, panel->title, panel->title_x, baseline, l->label_px, GCH__FONT_MEDIUM,
                    l->theme->text);
    for (uint32_t i = 0; i < panel->axis_count; i++) {
        const gch__axis_layout *axis = &l->axes[panel->first_axis + i];
        float x = axis->side == GCH_AXIS_LEFT ? panel->axis_title_x
                                              : l->width - l->pad - axis->title.width;
        gch__place_text(under, axis->title, x, baseline, l->label_px, GCH__FONT_REGULAR,
                        l->theme->muted);
    }
}

void gch__header_place(gch__layout *l)
{
    const float s = l->scale;
    if (l->shown.title)
        gch__place_text(
            &l->scene->under, l->title, l->pad,
            gch__baseline_in(l->title_y, GCH_TITLE_LINE * s, l->title_px, GCH__FONT_MEDIUM),
            l->title_px, GCH__FONT_MEDIUM, l->theme->text);
    float shift = 0;
    if (l->is_legend_beside_title)
        shift = floorf(l->width - 2 * l->pad - l->legend_width);
    for (uint32_t i = 0; i < l->legend_count; i++) {
        gch__legend_item *item = &l->scratch->legend[i];
        if (item->panel != GCH_CHART_LEGEND) {
            if (l->shown.panel_lines)
                place_legend_item(l, item, l->panels[item->panel].line_y, GCH_PANEL_LINE * s);
        } else if (l->shown.legend) {
            item->x += shift;
            place_legend_item(l, item, l->legend_y + (float)item->row * GCH_LEGEND_LINE * s,
                              GCH_LEGEND_LINE * s);
        }
    }
    for (uint32_t i = 0; l->shown.panel_lines && i < l->panel_count; i++)
        place_panel_line(l, &l->panels[i]);
}
