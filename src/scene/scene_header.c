/* Title, legend and axis title: the lines above the plot.
 *
 * The legend is a row of swatches, each in the shape of its mark, with labels; a second row takes
 * what the first cannot, and a count stands for the rest.
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

const char *gch__shared_unit(const gch_chart_desc *desc)
{
    const char *unit = gch__chart_column(&desc->series[0])->unit;
    for (uint32_t i = 1; i < desc->series_count; i++)
        if (strcmp(gch__chart_column(&desc->series[i])->unit, unit) != 0)
            return NULL;
    return unit[0] != '\0' ? unit : NULL;
}

static bool has_own_label(const gch_chart_series *series)
{
    return series->label != NULL && series->label[0] != '\0';
}

bool gch__wants_legend(const gch_chart_desc *desc)
{
    return !desc->hide_legend && (desc->series_count > 1 || has_own_label(&desc->series[0]) ||
                                  desc->series[0].mark == GCH_MARK_DENSITY ||
                                  desc->series[0].study.kind != GCH_STUDY_NONE);
}

/* "SMA 20 of price", "price - other". */
static void name_study(const gch_chart_series *series, char *text, size_t text_cap)
{
    static const char *const kinds[] = {
        [GCH_STUDY_SMA] = "SMA", [GCH_STUDY_EMA] = "EMA", [GCH_STUDY_RANGE] = "Range"};
    const gch_series_study *study = &series->study;
    const char *name = gch__chart_column(series)->name;
    if (study->kind == GCH_STUDY_SPREAD) {
        const gch_file *with = study->with != NULL ? study->with : series->file;
        const char *other = gch_file_get_info(with)->columns[study->with_column].name;
        (void)snprintf(text, text_cap, "%.255s \u2212 %.255s", name, other);
    } else {
        (void)snprintf(text, text_cap, "%s %u of %.255s", kinds[study->kind], study->length, name);
    }
}

static gch__text make_label(gch__layout *l, uint32_t index)
{
    const gch_chart_series *series = &l->desc->series[index];
    const gch_column_info *column = gch__chart_column(series);
    char text[640]; /* two names of at most 255 bytes */
    const char *label = series->label != NULL ? series->label : column->name;
    if (series->study.kind != GCH_STUDY_NONE && series->label == NULL) {
        name_study(series, text, sizeof text);
        label = text;
    }
    /* What stands in brackets: a unit, unless the axis says it; or why there is nothing to see. */
    const char *unit =
        series->label == NULL && gch__shared_unit(l->desc) == NULL ? column->unit : "";
    if (series->label == NULL && series->mark == GCH_MARK_DENSITY)
        unit = "points a pixel";
    if (l->extents[index].is_too_fine)
        unit = "too many bars";
    return gch__text_make(l, label, unit);
}

void gch__legend_make(gch__layout *l)
{
    l->legend_count = 0;
    l->legend_rows = 0;
    if (!gch__wants_legend(l->desc))
        return;
    const float s = l->scale;
    const float swatch = (SWATCH_WIDTH + SWATCH_GAP) * s, end = l->width - l->pad;
    gch__legend_item *items = l->scratch->legend;
    float more_room = gch__measure_label(l, "+64 more");
    float more_space = l->desc->series_count > 1 ? more_room + LEGEND_GAP * s : 0;
    float label_room = fminf(LEGEND_LABEL_MAX * s, end - l->pad - swatch - more_space);
    float x = l->pad;
    uint32_t row = 0;
    for (uint32_t i = 0; i < l->desc->series_count; i++) {
        gch__text label = gch__text_shorten(l, make_label(l, i), l->label_px, GCH__FONT_REGULAR,
                                            fmaxf(label_room, 0));
        float item_end = x + swatch + label.width;
        if (item_end > end && x > l->pad && row == 0) {
            row = 1;
            x = l->pad;
            item_end = x + swatch + label.width;
        }
        bool is_last = i + 1 == l->desc->series_count;
        if (row == 1 && item_end + (is_last ? 0 : more_space) > end) {
            gch__buffer *buffer = &l->scene->text;
            buffer->count = (size_t)(label.bytes - (const char *)buffer->bytes);
            char more[24];
            (void)snprintf(more, sizeof more, "+%u more", l->desc->series_count - i);
            gch__text t = gch__text_make(l, more, "");
            t.width = gch__text_measure(t, l->label_px, GCH__FONT_REGULAR);
            if (x + t.width <= end)
                items[l->legend_count++] =
                    (gch__legend_item){.label = t, .x = x, .row = row, .series = UINT32_MAX};
            break;
        }
        items[l->legend_count++] =
            (gch__legend_item){.label = label, .x = x, .row = row, .series = i};
        x = item_end + LEGEND_GAP * s;
    }
    l->legend_rows = row + 1;
    l->legend_width = x - LEGEND_GAP * s - l->pad;
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
    case GCH_MARK_OHLC: {
        float centre = roundf((x0 + x1) / 2);
        gch__place_rect(under, x0, middle - half, centre - s, middle + half, series->up_color, s);
        gch__place_rect(under, centre + s, middle - half, x1, middle + half, series->down_color, s);
        break;
    }
    case GCH_MARK_BARS:
        gch__place_rect(under, x1 - 2 * half - s, middle - half, x1 - s, middle + half,
                        series->color, 1.5f * s);
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
        gch__place_rect(under, x0, top, x1, top + thick, series->color, thick / 2);
        break;
    }
    }
}

void gch__header_place(gch__layout *l)
{
    gch__prims *under = &l->scene->under;
    const float s = l->scale;
    if (l->shown.title)
        gch__place_text(
            under, l->title, l->pad,
            gch__baseline_in(l->title_y, GCH_TITLE_LINE * s, l->title_px, GCH__FONT_MEDIUM),
            l->title_px, GCH__FONT_MEDIUM, l->theme->text);
    float shift = 0;
    if (l->is_legend_beside_title)
        shift = floorf(l->width - 2 * l->pad - l->legend_width);
    for (uint32_t i = 0; l->shown.legend && i < l->legend_count; i++) {
        gch__legend_item *item = &l->scratch->legend[i];
        item->x += shift;
        float top = l->legend_y + (float)item->row * GCH_LEGEND_LINE * s;
        float baseline = gch__baseline_in(top, GCH_LEGEND_LINE * s, l->label_px, GCH__FONT_REGULAR);
        bool is_more = item->series == UINT32_MAX;
        if (!is_more) {
            float cap = gch__font_get_metrics(l->label_px, GCH__FONT_REGULAR).cap_height;
            place_swatch(l, item, baseline - cap / 2);
        }
        gch__place_text(under, item->label,
                        item->x + (is_more ? 0 : (SWATCH_WIDTH + SWATCH_GAP) * s), baseline,
                        l->label_px, GCH__FONT_REGULAR, is_more ? l->theme->muted : l->theme->text);
    }
    if (l->shown.axis_title)
        gch__place_text(under, l->axis_title, l->pad,
                        gch__baseline_in(l->axis_title_y, GCH_AXIS_TITLE_LINE * s, l->label_px,
                                         GCH__FONT_REGULAR),
                        l->label_px, GCH__FONT_REGULAR, l->theme->muted);
}
