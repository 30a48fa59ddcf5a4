/* Checks a gch_chart_desc and fills in what it leaves open.
 *
 * Invariants:
 *  1. Nothing of a desc is used before gch__chart_check has passed it.
 *  2. Ranges come out in order whatever the data: from < to, bottom < top, and positive on a log
 *     axis.
 */
#include "scene_resolve.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#define SCALE_MIN 0.5f
#define SCALE_MAX 8.0f
#define STROKE_PX_MAX 256.0f
#define LINE_PX 1.5f
#define WICK_PX 1.0f
#define POINT_PX 4.0f
#define BAR_PX 8.0f
#define VOLUME_ALPHA 153u
#define DASH_PX_MAX 1000.0f
#define DASH_PERIOD_PX_MIN 2.0f
#define PANEL_HEIGHT_MIN 0.001f
#define PANEL_HEIGHT_MAX 1000.0f
/* Below this width in layout px a bar a point is too thin to be told apart. */
#define SINGLE_BAR_PX_MIN 4.0f

/* ---- checks ---- */

static gch_status check_side(uint32_t side, const char *name, gch_error *err)
{
    if (side > GCH_VIEW_PX_MAX)
        return gch_fail(err, GCH_INVALID, "%s: %u is more than %u", name, side, GCH_VIEW_PX_MAX);
    return GCH_OK;
}

static gch_status check_study(const gch_chart_desc *desc, uint32_t index, gch_error *err)
{
    const gch_chart_series *series = &desc->series[index];
    const gch_series_study *study = &series->study;
    if (study->kind == GCH_STUDY_NONE)
        return GCH_OK;
    if ((uint32_t)study->kind > GCH_STUDY_SPREAD)
        return gch_fail(err, GCH_INVALID, "series[%u].study.kind: there is no study %u", index,
                        (uint32_t)study->kind);
    if (series->mark != GCH_MARK_DEFAULT && series->mark != GCH_MARK_LINE)
        return gch_fail(err, GCH_INVALID, "series[%u].mark: a study is drawn as a line", index);
    if (desc->is_bare)
        return gch_fail(err, GCH_INVALID, "series[%u].study: not in a bare chart", index);
    if (study->kind != GCH_STUDY_SPREAD) {
        if (study->length < 1 || study->length > GCH_STUDY_LENGTH_MAX)
            return gch_fail(err, GCH_INVALID, "series[%u].study.length: %u is not within 1 to %u",
                            index, study->length, GCH_STUDY_LENGTH_MAX);
        return GCH_OK;
    }
    const gch_file_info *info = gch_file_get_info(series->file);
    const gch_file_info *with = gch_file_get_info(study->with != NULL ? study->with : series->file);
    if (study->with_column >= with->column_count)
        return gch_fail(err, GCH_INVALID, "series[%u].study.with_column: %u, but %s has %u", index,
                        study->with_column, with->path, with->column_count);
    if (with->time_unit != info->time_unit)
        return gch_fail(err, GCH_INVALID,
                        "series[%u].study.with: its times are in %s, those of the series in %s",
                        index, gch_time_unit_name(with->time_unit),
                        gch_time_unit_name(info->time_unit));
    return GCH_OK;
}

static gch_status check_dash(const gch_chart_series *series, uint32_t index, gch_error *err)
{
    float period = 0;
    if (series->dash_count > GCH_DASH_CAP)
        return gch_fail(err, GCH_INVALID, "series[%u].dash_count: %u is more than %u", index,
                        series->dash_count, GCH_DASH_CAP);
    for (uint32_t i = 0; i < series->dash_count; i++) {
        float length = series->dash_px[i];
        if (!(length >= 0 && length <= DASH_PX_MAX))
            return gch_fail(err, GCH_INVALID, "series[%u].dash_px[%u]: %g is not within 0 to %g",
                            index, i, (double)length, (double)DASH_PX_MAX);
        period += length;
    }
    if (series->dash_count > 0 && period < DASH_PERIOD_PX_MIN)
        return gch_fail(err, GCH_INVALID, "series[%u].dash_px: together %g, less than %g", index,
                        (double)period, (double)DASH_PERIOD_PX_MIN);
    return GCH_OK;
}

static gch_status check_series(const gch_chart_desc *desc, uint32_t index, gch_error *err)
{
    const gch_chart_series *series = &desc->series[index];
    if (series->file == NULL)
        return gch_fail(err, GCH_INVALID, "series[%u].file: NULL", index);
    const gch_file_info *info = gch_file_get_info(series->file);
    if (series->column >= info->column_count)
        return gch_fail(err, GCH_INVALID, "series[%u].column: %u, but %s has %u", index,
                        series->column, info->path, info->column_count);
    if (series->mark == GCH_MARK_BAND && series->column_high >= info->column_count)
        return gch_fail(err, GCH_INVALID, "series[%u].column_high: %u, but %s has %u", index,
                        series->column_high, info->path, info->column_count);
    if (series->mark == GCH_MARK_VOLUME && series->has_price &&
        series->column_price >= info->column_count)
        return gch_fail(err, GCH_INVALID, "series[%u].column_price: %u, but %s has %u", index,
                        series->column_price, info->path, info->column_count);
    if ((uint32_t)series->mark > GCH_MARK_VOLUME)
        return gch_fail(err, GCH_INVALID, "series[%u].mark: there is no mark %u", index,
                        (uint32_t)series->mark);
    if (series->panel >= gch__chart_panel_count(desc))
        return gch_fail(err, GCH_INVALID, "series[%u].panel: %u, but the chart has %u", index,
                        series->panel, gch__chart_panel_count(desc));
    if ((uint32_t)series->axis > GCH_AXIS_RIGHT)
        return gch_fail(err, GCH_INVALID, "series[%u].axis: there is no side %u", index,
                        (uint32_t)series->axis);
    if (!(series->width_px >= 0 && series->width_px <= STROKE_PX_MAX))
        return gch_fail(err, GCH_INVALID, "series[%u].width_px: %g is not within 0 to %g", index,
                        series->width_px, STROKE_PX_MAX);
    GCH_TRY(check_dash(series, index, err));
    if ((uint32_t)series->density_scale > GCH_DENSITY_EQUAL)
        return gch_fail(err, GCH_INVALID, "series[%u].density_scale: there is no scale %u", index,
                        (uint32_t)series->density_scale);
    if ((uint32_t)series->palette > GCH_PALETTE_DUSK)
        return gch_fail(err, GCH_INVALID, "series[%u].palette: there is no palette %u", index,
                        (uint32_t)series->palette);
    gch_time_unit first = gch_file_get_info(desc->series[0].file)->time_unit;
    if (info->time_unit != first)
        return gch_fail(err, GCH_INVALID,
                        "series[%u].file: its times are in %s, those of series[0] in %s; a chart "
                        "has one unit",
                        index, gch_time_unit_name(info->time_unit), gch_time_unit_name(first));
    return check_study(desc, index, err);
}

static gch_status check_points(const gch_chart_desc *desc, uint32_t index, gch_error *err)
{
    const gch_chart_series *series = &desc->series[index];
    const gch_file_info *info = gch_file_get_info(series->file);
    bool is_plane = gch__chart_is_plane(desc);
    if ((gch__chart_mark(series) == GCH_MARK_POINTS) != is_plane)
        return gch_fail(err, GCH_INVALID,
                        "series[%u].mark: points of a plane stand in a chart of their own", index);
    const uint32_t by[] = {series->size_by, series->color_by, series->category_by};
    static const char *const names[] = {"size_by", "color_by", "category_by"};
    for (size_t i = 0; i < GCH_COUNT_OF(by); i++) {
        if (by[i] > (is_plane ? info->column_count : 0))
            return gch_fail(err, GCH_INVALID, "series[%u].%s: %u, but %s has %u columns%s", index,
                            names[i], by[i], info->path, info->column_count,
                            is_plane ? "" : " and is not drawn as points");
    }
    if (series->color_by != 0 && series->category_by != 0)
        return gch_fail(err, GCH_INVALID,
                        "series[%u].color_by: a point has its colour from one column", index);
    if (is_plane && !info->is_point_set)
        return gch_fail(err, GCH_INVALID, "series[%u].mark: %s is no point set", index, info->path);
    return GCH_OK;
}

static gch_status check_histogram(const gch_chart_desc *desc, uint32_t index, gch_error *err)
{
    const gch_chart_series *series = &desc->series[index];
    bool is_histogram = gch__chart_is_histogram(desc);
    if ((gch__chart_mark(series) == GCH_MARK_HISTOGRAM) != is_histogram ||
        (is_histogram && series->study.kind != GCH_STUDY_NONE))
        return gch_fail(err, GCH_INVALID,
                        "series[%u].mark: histograms stand in a chart of their own", index);
    if (is_histogram && desc->is_bare)
        return gch_fail(err, GCH_UNSUPPORTED, "series[%u].mark: there is no bare histogram", index);
    if (series->bin_count > (is_histogram ? GCH_BIN_COUNT_MAX : 0))
        return gch_fail(err, GCH_INVALID, "series[%u].bin_count: %u, a histogram has up to %u",
                        index, series->bin_count, GCH_BIN_COUNT_MAX);
    return GCH_OK;
}

static gch_status check_bound(gch_decimal bound, gch_value_axis axis, const char *name,
                              gch_error *err)
{
    if (bound.exp10 > GCH_DECIMAL_EXP10_MAX || bound.exp10 < -GCH_DECIMAL_EXP10_MAX)
        return gch_fail(err, GCH_INVALID, "%s: exponent %d is not within +-%d", name, bound.exp10,
                        GCH_DECIMAL_EXP10_MAX);
    double value = gch_decimal_to_double(bound);
    if (!isfinite(value) || (value == 0 && bound.digits != 0))
        return gch_fail(err, GCH_INVALID, "%s: %llde%d is beyond the range of a double", name,
                        (long long)bound.digits, bound.exp10);
    if (axis == GCH_AXIS_LOG && bound.digits <= 0)
        return gch_fail(err, GCH_INVALID, "%s: a log axis takes positive bounds only", name);
    return GCH_OK;
}

/* `of` stands before the names of fields: "panels[1].left.". */
static gch_status check_axis(const gch_axis_desc *axis, const char *of, gch_error *err)
{
    char bottom[48], top[48];
    snprintf(bottom, sizeof bottom, "%sbottom", of);
    snprintf(top, sizeof top, "%stop", of);
    if ((uint32_t)axis->axis > GCH_AXIS_LOG)
        return gch_fail(err, GCH_INVALID, "%saxis: there is no axis %u", of, (uint32_t)axis->axis);
    if (axis->has_bottom)
        GCH_TRY(check_bound(axis->bottom, axis->axis, bottom, err));
    if (axis->has_top)
        GCH_TRY(check_bound(axis->top, axis->axis, top, err));
    if (axis->has_bottom && axis->has_top && gch__decimal_compare(axis->bottom, axis->top) >= 0)
        return gch_fail(err, GCH_INVALID, "%s: %llde%d is not below top, %llde%d", bottom,
                        (long long)axis->bottom.digits, axis->bottom.exp10,
                        (long long)axis->top.digits, axis->top.exp10);
    return GCH_OK;
}

static gch_status check_panels(const gch_chart_desc *desc, gch_error *err)
{
    if (desc->panel_count > GCH_PANEL_CAP)
        return gch_fail(err, GCH_INVALID, "panel_count: %u is more than %u", desc->panel_count,
                        GCH_PANEL_CAP);
    if (desc->panel_count > 0 && desc->panels == NULL)
        return gch_fail(err, GCH_INVALID, "panels: none given");
    if (desc->panel_count > 0 &&
        (desc->has_bottom || desc->has_top || desc->axis != GCH_AXIS_LINEAR))
        return gch_fail(err, GCH_INVALID,
                        "bottom, top and axis are those of the panels, where there are any");
    for (uint32_t i = 0; i < desc->panel_count; i++) {
        const gch_panel_desc *panel = &desc->panels[i];
        if (panel->height != 0 &&
            !(panel->height >= PANEL_HEIGHT_MIN && panel->height <= PANEL_HEIGHT_MAX))
            return gch_fail(err, GCH_INVALID, "panels[%u].height: %g is not within %g to %g", i,
                            (double)panel->height, (double)PANEL_HEIGHT_MIN,
                            (double)PANEL_HEIGHT_MAX);
        char of[32];
        snprintf(of, sizeof of, "panels[%u].left.", i);
        GCH_TRY(check_axis(&panel->left, of, err));
        snprintf(of, sizeof of, "panels[%u].right.", i);
        GCH_TRY(check_axis(&panel->right, of, err));
    }
    if (gch__chart_panel_count(desc) > gch__chart_picture(desc).height_px)
        return gch_fail(err, GCH_INVALID, "height_px: %u rows do not hold %u panels",
                        gch__chart_picture(desc).height_px, desc->panel_count);
    return GCH_OK;
}

static gch_status check_plane(const gch_chart_desc *desc, gch_error *err)
{
    bool is_plane = gch__chart_is_plane(desc);
    if (!is_plane && !gch__chart_is_histogram(desc)) {
        if (desc->has_left || desc->has_right)
            return gch_fail(err, GCH_INVALID, "%s: only charts of points and histograms have one",
                            desc->has_left ? "left" : "right");
        return GCH_OK;
    }
    if (is_plane && desc->has_time_range)
        return gch_fail(err, GCH_INVALID, "from: points of a plane have no times");
    for (uint32_t i = 0; is_plane && i < desc->series_count; i++) {
        const gch_chart_series *series = &desc->series[i];
        if (gch__chart_axis(desc, series->panel, series->axis).axis == GCH_AXIS_LINEAR)
            continue;
        if (desc->panel_count == 0)
            return gch_fail(err, GCH_UNSUPPORTED, "axis: points are drawn on linear axes");
        return gch_fail(err, GCH_UNSUPPORTED, "panels[%u].%s.axis: points are drawn on linear axes",
                        series->panel, series->axis == GCH_AXIS_LEFT ? "left" : "right");
    }
    if (desc->has_left)
        GCH_TRY(check_bound(desc->left, GCH_AXIS_LINEAR, "left", err));
    if (desc->has_right)
        GCH_TRY(check_bound(desc->right, GCH_AXIS_LINEAR, "right", err));
    if (desc->has_left && desc->has_right && gch__decimal_compare(desc->left, desc->right) >= 0)
        return gch_fail(err, GCH_INVALID, "left: %llde%d is not below right, %llde%d",
                        (long long)desc->left.digits, desc->left.exp10,
                        (long long)desc->right.digits, desc->right.exp10);
    return GCH_OK;
}

gch_status gch__chart_check(const gch_chart_desc *desc, gch_error *err)
{
    if (desc->series_count == 0 || desc->series == NULL)
        return gch_fail(err, GCH_INVALID, "series: none given");
    if (desc->series_count > GCH_SERIES_CAP)
        return gch_fail(err, GCH_INVALID, "series_count: %u is more than %u", desc->series_count,
                        GCH_SERIES_CAP);
    GCH_TRY(check_side(desc->width_px, "width_px", err));
    GCH_TRY(check_side(desc->height_px, "height_px", err));
    if (desc->scale != 0 && !(desc->scale >= SCALE_MIN && desc->scale <= SCALE_MAX))
        return gch_fail(err, GCH_INVALID, "scale: %g is not within %g to %g", desc->scale,
                        SCALE_MIN, SCALE_MAX);
    if ((uint32_t)desc->backend > GCH_BACKEND_AUTO)
        return gch_fail(err, GCH_INVALID, "backend: there is no backend %u",
                        (uint32_t)desc->backend);
    if ((uint32_t)desc->theme > GCH_THEME_CONTRAST)
        return gch_fail(err, GCH_INVALID, "theme: there is no theme %u", (uint32_t)desc->theme);
    GCH_TRY(check_panels(desc, err));
    if (desc->panel_count == 0) {
        gch_axis_desc left = gch__chart_axis(desc, 0, GCH_AXIS_LEFT);
        GCH_TRY(check_axis(&left, "", err));
    }
    for (uint32_t i = 0; i < desc->series_count; i++)
        GCH_TRY(check_series(desc, i, err));
    for (uint32_t i = 0; i < desc->series_count; i++)
        GCH_TRY(check_points(desc, i, err));
    for (uint32_t i = 0; i < desc->series_count; i++)
        GCH_TRY(check_histogram(desc, i, err));
    GCH_TRY(check_plane(desc, err));
    if (desc->has_time_range && desc->from >= desc->to)
        return gch_fail(err, GCH_INVALID, "from: %lld is not before to, %lld",
                        (long long)desc->from, (long long)desc->to);
    if ((uint32_t)desc->bar_width.unit > GCH_BAR_YEAR)
        return gch_fail(err, GCH_INVALID, "bar_width.unit: there is no unit %u",
                        (uint32_t)desc->bar_width.unit);
    if (desc->bar_width.count < 0)
        return gch_fail(err, GCH_INVALID, "bar_width.count: %lld is negative",
                        (long long)desc->bar_width.count);
    if (desc->bar_width.unit != GCH_BAR_TICKS && gch__chart_time_unit(desc) == GCH_TIME_INDEX)
        return gch_fail(err, GCH_INVALID,
                        "bar_width.unit: the file counts rows, which have no calendar");
    return GCH_OK;
}

/* ---- defaults ---- */

gch__picture gch__chart_picture(const gch_chart_desc *desc)
{
    return (gch__picture){.width_px = desc->width_px != 0 ? desc->width_px : 1280,
                          .height_px = desc->height_px != 0 ? desc->height_px : 720,
                          .scale = desc->scale != 0 ? desc->scale : 1};
}

gch_time_unit gch__chart_time_unit(const gch_chart_desc *desc)
{
    return gch_file_get_info(desc->series[0].file)->time_unit;
}

const gch_column_info *gch__chart_column(const gch_chart_series *series)
{
    const gch_file_info *info = gch_file_get_info(series->file);
    bool is_points = gch__chart_mark(series) == GCH_MARK_POINTS && info->is_point_set;
    return &info->columns[is_points ? info->y_column : series->column];
}

gch_mark gch__chart_mark(const gch_chart_series *series)
{
    if (series->mark != GCH_MARK_DEFAULT)
        return series->mark;
    if (series->study.kind != GCH_STUDY_NONE)
        return GCH_MARK_LINE;
    return gch_file_get_info(series->file)->is_point_set ? GCH_MARK_POINTS : GCH_MARK_LINE;
}

bool gch__chart_is_plane(const gch_chart_desc *desc)
{
    return gch__chart_mark(&desc->series[0]) == GCH_MARK_POINTS;
}

bool gch__chart_is_histogram(const gch_chart_desc *desc)
{
    return gch__chart_mark(&desc->series[0]) == GCH_MARK_HISTOGRAM;
}

/* ---- panels ---- */

uint32_t gch__chart_panel_count(const gch_chart_desc *desc)
{
    return GCH_MAX(desc->panel_count, 1);
}

const char *gch__chart_panel_title(const gch_chart_desc *desc, uint32_t panel)
{
    return desc->panel_count > 0 ? desc->panels[panel].title : NULL;
}

gch_axis_desc gch__chart_axis(const gch_chart_desc *desc, uint32_t panel, gch_axis_side side)
{
    if (desc->panel_count > 0)
        return side == GCH_AXIS_LEFT ? desc->panels[panel].left : desc->panels[panel].right;
    if (side == GCH_AXIS_RIGHT)
        return (gch_axis_desc){0};
    return (gch_axis_desc){.has_bottom = desc->has_bottom,
                           .has_top = desc->has_top,
                           .bottom = desc->bottom,
                           .top = desc->top,
                           .axis = desc->axis};
}

uint32_t gch__chart_axis_series_count(const gch_chart_desc *desc, uint32_t panel,
                                      gch_axis_side side)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < desc->series_count; i++)
        count += gch__is_read_against(&desc->series[i], panel, side) ? 1 : 0;
    return count;
}

uint32_t gch__chart_panel_row(const gch_chart_desc *desc, uint32_t rows, uint32_t index)
{
    uint32_t count = gch__chart_panel_count(desc), row = 0;
    if (count == 1)
        return index == 0 ? 0 : rows;
    double whole = 0, above = 0;
    for (uint32_t i = 0; i < count; i++)
        whole += desc->panels[i].height != 0 ? (double)desc->panels[i].height : 1;
    for (uint32_t i = 1; i <= index; i++) {
        above += desc->panels[i - 1].height != 0 ? (double)desc->panels[i - 1].height : 1;
        uint32_t wanted = (uint32_t)(rows * (above / whole));
        row = GCH_MIN(GCH_MAX(wanted, row + 1), rows - (count - i));
    }
    return index == count ? rows : row;
}

/* ---- time ---- */

/* Ticks to show beyond the first and the last row, so that a mark that reaches beyond its time is
 * seen whole: half a step for a bar a row, a hundredth of the span for candles, less for points. */
static double wanted_air(const gch_file_info *info, gch_mark mark)
{
    double span = (double)info->last_time - (double)info->first_time;
    switch (mark) {
    case GCH_MARK_BARS:
        return info->row_count > 1 ? span / (double)(info->row_count - 1) / 2 : 0;
    case GCH_MARK_CANDLES:
    case GCH_MARK_OHLC:
    case GCH_MARK_VOLUME:
        return span / 100;
    case GCH_MARK_SCATTER:
        return span / 250;
    default:
        return 0;
    }
}

gch_status gch__scene_time_range(const gch_chart_desc *desc, int64_t *out_from, int64_t *out_to,
                                 gch_error *err)
{
    GCH_TRY(gch__chart_check(desc, err));
    if (gch__chart_is_plane(desc)) {
        *out_from = 0;
        *out_to = 1;
        return GCH_OK;
    }
    if (desc->has_time_range) {
        *out_from = desc->from;
        *out_to = desc->to;
        return GCH_OK;
    }
    bool has_rows = false;
    int64_t first = 0, last = 0;
    double air = 0;
    for (uint32_t i = 0; i < desc->series_count; i++) {
        const gch_file_info *info = gch_file_get_info(desc->series[i].file);
        if (info->row_count == 0)
            continue;
        first = has_rows ? GCH_MIN(first, info->first_time) : info->first_time;
        last = has_rows ? GCH_MAX(last, info->last_time) : info->last_time;
        has_rows = true;
        if (!desc->is_bare)
            air = fmax(air, wanted_air(info, desc->series[i].mark));
    }
    *out_from = first;
    *out_to = last;
    /* One tick more, since `to` is exclusive; at the end of time the range grows at its front. */
    if (last < INT64_MAX)
        *out_to = last + 1;
    else if (first == last)
        *out_from = first - 1;
    /* A single instant stands in the middle of its chart, not on the edge. */
    if (!desc->is_bare && first == last && first > INT64_MIN)
        *out_from = first - 1;
    if (air >= 1) {
        int64_t ticks = (int64_t)fmin(air, 0x1p61);
        if (__builtin_sub_overflow(*out_from, ticks, out_from))
            *out_from = INT64_MIN;
        if (__builtin_add_overflow(*out_to, ticks, out_to))
            *out_to = INT64_MAX;
    }
    return GCH_OK;
}

/* ---- values ---- */

int gch__decimal_compare(gch_decimal a, gch_decimal b)
{
    int sign_a = (a.digits > 0) - (a.digits < 0), sign_b = (b.digits > 0) - (b.digits < 0);
    if (sign_a != sign_b || sign_a == 0)
        return (sign_a > sign_b) - (sign_a < sign_b);
    int64_t apart = (int64_t)a.exp10 - b.exp10;
    /* One step of exponent beyond 19 outweighs any digits: |digits| < 10^19. */
    if (apart > 19)
        return sign_a;
    if (apart < -19)
        return -sign_a;
    __int128 x = a.digits, y = b.digits; /* times 10^19 stays below 2^127 */
    for (; apart > 0; apart--)
        x *= 10;
    for (; apart < 0; apart++)
        y *= 10;
    return (x > y) - (x < y);
}

/* A bound on the other side of `from`, for data that do not reach past it. */
static gch_decimal beyond(gch_decimal from, bool is_upward, gch_value_axis axis)
{
    double value = gch_decimal_to_double(from);
    if (axis == GCH_AXIS_LOG) {
        double scaled = is_upward ? fmin(value * 10, DBL_MAX) : value / 10;
        return gch_decimal_from_double(scaled > 0 ? scaled : value);
    }
    double step = fmax(fabs(value) * 0.1, 1);
    double moved = is_upward ? value + step : value - step;
    return gch_decimal_from_double(isfinite(moved) ? moved : value);
}

/* An area starts at zero when the data come near it: then the distance to zero says something. */
static bool wants_zero(const gch_chart_desc *desc, uint32_t panel, gch_axis_side side, double min,
                       double max)
{
    for (uint32_t i = 0; i < desc->series_count; i++) {
        if (!gch__is_read_against(&desc->series[i], panel, side))
            continue;
        gch_mark mark = desc->series[i].mark;
        if (mark == GCH_MARK_BARS || mark == GCH_MARK_VOLUME || mark == GCH_MARK_HISTOGRAM)
            return true;
        if (desc->series[i].mark == GCH_MARK_AREA && min >= 0 && min <= max - min)
            return true;
    }
    return false;
}

static void include_range(gch__extent *all, gch_value min, gch_value max)
{
    if (!gch_value_is_drawn(min) || !gch_value_is_drawn(max))
        return;
    if (all->min.kind == GCH_VALUE_GAP || gch_value_to_double(min) < gch_value_to_double(all->min))
        all->min = min;
    if (all->max.kind == GCH_VALUE_GAP || gch_value_to_double(max) > gch_value_to_double(all->max))
        all->max = max;
}

/* Bounds in order: if they are not, the one that was not given moves beyond the other. */
static gch_status set_range(gch_decimal bottom, gch_decimal top, bool has_top, gch_value_axis axis,
                            const char *name, gch_decimal *out_bottom, gch_decimal *out_top,
                            gch_error *err)
{
    if (gch__decimal_compare(bottom, top) >= 0) {
        if (!has_top)
            top = beyond(bottom, true, axis);
        else
            bottom = beyond(top, false, axis);
    }
    if (gch__decimal_compare(bottom, top) >= 0)
        return gch_fail(err, GCH_INVALID, "%s: it leaves no room for a range of values", name);
    *out_bottom = bottom;
    *out_top = top;
    return GCH_OK;
}

gch_status gch__chart_value_range(const gch_chart_desc *desc, uint32_t panel, gch_axis_side side,
                                  const gch__extent *extents, gch_decimal *out_bottom,
                                  gch_decimal *out_top, gch_error *err)
{
    gch_axis_desc axis = gch__chart_axis(desc, panel, side);
    gch__extent all = {0};
    for (uint32_t i = 0; i < desc->series_count; i++)
        if (gch__is_read_against(&desc->series[i], panel, side))
            include_range(&all, extents[i].min, extents[i].max);
    gch_value min = all.min, max = all.max;
    gch_decimal bottom = {0, 0}, top = {1, 0};
    if (axis.axis == GCH_AXIS_LOG) {
        bottom = (gch_decimal){1, 0};
        top = (gch_decimal){1, 1};
    }
    if (min.kind != GCH_VALUE_GAP) {
        double low = gch_value_to_double(min), high = gch_value_to_double(max);
        bool is_zero_based = axis.axis != GCH_AXIS_LOG && wants_zero(desc, panel, side, low, high);
        const gch_value zero = {.kind = GCH_VALUE_DECIMAL};
        if (is_zero_based && low > 0)
            min = zero;
        if (is_zero_based && high < 0)
            max = zero;
        gch__fit_range(min, max, axis.axis, is_zero_based, &bottom, &top);
    }
    if (axis.has_bottom)
        bottom = axis.bottom;
    if (axis.has_top)
        top = axis.top;
    return set_range(bottom, top, axis.has_top, axis.axis, axis.has_top ? "top" : "bottom",
                     out_bottom, out_top, err);
}

gch_status gch__chart_across_range(const gch_chart_desc *desc, const gch__extent *extents,
                                   gch_decimal *out_left, gch_decimal *out_right, gch_error *err)
{
    gch__extent all = {0};
    for (uint32_t i = 0; i < desc->series_count; i++)
        include_range(&all, extents[i].left, extents[i].right);
    gch_decimal left = {0, 0}, right = {1, 0};
    if (all.min.kind != GCH_VALUE_GAP)
        gch__fit_range(all.min, all.max, GCH_AXIS_LINEAR, false, &left, &right);
    if (desc->has_left)
        left = desc->left;
    if (desc->has_right)
        right = desc->right;
    return set_range(left, right, desc->has_right, GCH_AXIS_LINEAR,
                     desc->has_right ? "right" : "left", out_left, out_right, err);
}

/* ---- bars ---- */

typedef struct bar_search {
    double wanted_ticks;
    double best_distance;
    gch_bar_width best;
} bar_search;

/* Keeps the width whose logarithm is nearest to the wanted one; true once they are larger. */
static bool consider(bar_search *search, gch_bar_unit unit, int64_t count, double ticks)
{
    double ratio = ticks / search->wanted_ticks;
    double distance = fabs(log(ratio));
    bool is_fit = ratio >= 0.5;
    if (is_fit && distance < search->best_distance) {
        search->best_distance = distance;
        search->best = (gch_bar_width){.unit = unit, .count = count};
    }
    return ratio >= 1;
}

/* 1, 2, 5, 10 ... times `ticks_each`, below `ticks_end`. */
static bool consider_decades(bar_search *search, gch_bar_unit unit, double ticks_each,
                             double ticks_end)
{
    for (int64_t decade = 1; decade <= 1000000000000000000; decade *= 10) {
        for (uint32_t k = 0; k < 3; k++) {
            static const int64_t steps[3] = {1, 2, 5};
            double ticks = (double)(steps[k] * decade) * ticks_each;
            if (ticks >= ticks_end || consider(search, unit, steps[k] * decade, ticks))
                return ticks < ticks_end;
        }
        if (decade == 1000000000000000000)
            break;
    }
    return false;
}

gch_bar_width gch__bar_width_choose(gch_time_unit unit, int64_t from, int64_t to, uint32_t width_px,
                                    float wanted_px)
{
    static const struct {
        gch_bar_unit unit;
        int64_t count;   /* TICKS: seconds */
        int64_t seconds; /* months: on average */
    } ladder[] = {
        {GCH_BAR_TICKS, 1, 1},       {GCH_BAR_TICKS, 5, 5},         {GCH_BAR_TICKS, 15, 15},
        {GCH_BAR_TICKS, 60, 60},     {GCH_BAR_TICKS, 300, 300},     {GCH_BAR_TICKS, 900, 900},
        {GCH_BAR_TICKS, 3600, 3600}, {GCH_BAR_TICKS, 14400, 14400}, {GCH_BAR_DAY, 1, 86400},
        {GCH_BAR_WEEK, 1, 604800},   {GCH_BAR_MONTH, 1, 2629746},   {GCH_BAR_MONTH, 3, 7889238},
    };
    const double year_s = 31556952;
    double span = (double)to - (double)from;
    bar_search search = {.wanted_ticks = span * (double)wanted_px / width_px,
                         .best_distance = INFINITY,
                         .best = {.unit = GCH_BAR_TICKS, .count = 1}};
    if (unit == GCH_TIME_INDEX) {
        (void)consider_decades(&search, GCH_BAR_TICKS, 1, INFINITY);
        return search.best;
    }
    int64_t per_second = gch_time_unit_per_second(unit);
    bool is_done = consider_decades(&search, GCH_BAR_TICKS, 1, (double)per_second);
    for (size_t i = 0; i < GCH_COUNT_OF(ladder) && !is_done; i++) {
        int64_t count = ladder[i].count * (ladder[i].unit == GCH_BAR_TICKS ? per_second : 1);
        is_done = consider(&search, ladder[i].unit, count,
                           (double)ladder[i].seconds * (double)per_second);
    }
    if (!is_done)
        (void)consider_decades(&search, GCH_BAR_YEAR, year_s * (double)per_second, INFINITY);
    return search.best;
}

/* How many bars of a width lie in [from, to), about; 0 for a width that is not given. */
static double guess_bars(gch_bar_width width, gch_time_unit unit, int64_t from, int64_t to)
{
    static const double seconds[] = {[GCH_BAR_DAY] = 86400,
                                     [GCH_BAR_WEEK] = 604800,
                                     [GCH_BAR_MONTH] = 2629746,
                                     [GCH_BAR_YEAR] = 31556952};
    double ticks = (double)width.count;
    if (width.unit != GCH_BAR_TICKS)
        ticks *= seconds[width.unit] * (double)gch_time_unit_per_second(unit);
    return ticks > 0 ? ((double)to - (double)from) / ticks : 0;
}

/* Rows in [from, to), guessed from the file's mean density. */
static double guess_rows(const gch_file_info *info, int64_t from, int64_t to)
{
    double first = (double)GCH_MAX(from, info->first_time);
    double end = fmin((double)to, (double)info->last_time + 1);
    double span = (double)info->last_time - (double)info->first_time + 1;
    return (double)info->row_count * fmax(end - first, 0) / span;
}

/* ---- series ---- */

static uint32_t faded(uint32_t color)
{
    return gch__color_with_alpha(color, (color & 255u) * VOLUME_ALPHA / 255);
}

gch__plot_series gch__chart_series(const gch_chart_desc *desc, uint32_t index,
                                   const gch__theme *theme, int64_t from, int64_t to,
                                   uint32_t width_px)
{
    const gch_chart_series *given = &desc->series[index];
    float scale = gch__chart_picture(desc).scale;
    gch__plot_series out = {.file = given->file,
                            .column = given->column,
                            .column_high = given->column_high,
                            .has_price = given->has_price,
                            .column_price = given->column_price,
                            .mark = gch__chart_mark(given),
                            .size_by = given->size_by,
                            .color_by = given->color_by,
                            .category_by = given->category_by,
                            .categories = theme->palette,
                            .category_count = GCH_PALETTE_COUNT};
    if (out.mark == GCH_MARK_HISTOGRAM)
        out.bin_count = given->bin_count > 0 ? given->bin_count : GCH_BIN_COUNT_DEFAULT;
    bool is_study = given->study.kind != GCH_STUDY_NONE;
    out.study =
        (gch__plot_study){.kind = given->study.kind,
                          .length = given->study.length,
                          .with_file = given->study.with != NULL ? given->study.with : given->file,
                          .with_column = given->study.with_column};

    if (out.mark == GCH_MARK_DENSITY || out.mark == GCH_MARK_POINTS) {
        out.density_scale =
            given->density_scale != GCH_DENSITY_DEFAULT ? given->density_scale : GCH_DENSITY_LOG;
        out.palette = given->palette != GCH_PALETTE_DEFAULT ? given->palette : GCH_PALETTE_MOSS;
        out.is_palette_reversed = desc->theme == GCH_THEME_LIGHT;
    }
    if (desc->is_bare) {
        const uint32_t white = 0xFFFFFFFF;
        out.color = out.up_color = out.down_color = out.fill_color = out.fill_base_color = white;
        out.width = 1;
    } else {
        out.color =
            given->color_rgba != 0 ? given->color_rgba : theme->palette[index % GCH_PALETTE_COUNT];
        /* A colour of its own marks what rises; what falls keeps the theme's. */
        out.up_color = given->color_rgba != 0 ? given->color_rgba : theme->up;
        out.down_color = theme->down;
        if (out.mark == GCH_MARK_VOLUME) { /* quieter than the candles that they are of */
            out.up_color = faded(out.up_color);
            out.down_color = faded(out.down_color);
        }
        uint32_t alpha = out.color & 255u;
        uint32_t share = given->study.kind == GCH_STUDY_RANGE ? 3 : 1; /* lies over other series */
        out.fill_color = gch__color_with_alpha(out.color, alpha * theme->fill_alpha / 255 / share);
        out.fill_base_color =
            gch__color_with_alpha(out.color, alpha * theme->fill_base_alpha / 255);
        bool is_thin = out.mark == GCH_MARK_CANDLES || given->study.kind == GCH_STUDY_RANGE;
        bool is_dot = out.mark == GCH_MARK_SCATTER || out.mark == GCH_MARK_POINTS;
        float width = is_dot                      ? POINT_PX
                      : is_thin                   ? WICK_PX
                      : out.mark == GCH_MARK_BAND ? 0
                                                  : LINE_PX;
        out.width = (given->width_px != 0 ? given->width_px : width) * scale;
        uint32_t rounds = given->dash_count % 2 == 1 ? 2 : 1;
        for (uint32_t i = 0; i < rounds * given->dash_count; i++)
            out.dash[out.dash_count++] = given->dash_px[i % given->dash_count] * scale;
    }

    if (is_study || out.mark == GCH_MARK_CANDLES || out.mark == GCH_MARK_OHLC ||
        out.mark == GCH_MARK_BARS || out.mark == GCH_MARK_VOLUME) {
        const gch_file_info *info = gch_file_get_info(given->file);
        /* Sums are of whole bars: there is nothing to draw instead of bars narrower than pixels. */
        bool is_too_narrow = out.mark == GCH_MARK_VOLUME &&
                             guess_bars(desc->bar_width, info->time_unit, from, to) > width_px;
        if (desc->bar_width.count > 0 && !is_too_narrow)
            out.bar_width = desc->bar_width;
        else if (out.mark != GCH_MARK_BARS ||
                 guess_rows(info, from, to) >
                     (double)width_px / (double)(SINGLE_BAR_PX_MIN * scale))
            out.bar_width =
                gch__bar_width_choose(info->time_unit, from, to, width_px, BAR_PX * scale);
    }
    return out;
}
