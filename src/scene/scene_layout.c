/* Lays out a chart: margins from measured text, grid, axes, title, legend, and the plot.
 *
 * From top to bottom: title, legend (at most two rows), axis title, plot, tick marks with a row of
 * labels, a row of context ("2024 Mar 4") with the time zone at its end. Value labels stand left of
 * the plot. A picture too small for all of it gives things up in this order until the plot has its
 * share: legend, title, context row, axis title, time axis, value axis.
 *
 * Invariants:
 *  1. The plot lies on whole pixels within the picture and is at least 1 x 1.
 *  2. Nothing that is drawn reaches beyond the picture: text is measured, then shortened with an
 *     ellipsis, moved inside, or left out.
 *  3. Room for all primitives and characters is made before the first is placed; placing cannot
 *     fail and pointers into scene->text stay valid.
 *  4. Baselines and filled lines lie on whole pixels: they are crisp at every scale.
 */
#include "scene_layout.h"

#include <math.h>
#include <string.h>

/* Layout pixels, before the scale. */
#define TITLE_PX 16.0f
#define LABEL_PX 12.0f
#define SMALL_PX 11.0f
#define BESIDE_TITLE_HEIGHT 360.0f /* of a picture */
#define TIME_LABEL_GAP 28.0f       /* from the end of one label to the next */
#define VALUE_LABEL_GAP 40.0f      /* from grid line to grid line */
#define ACROSS_LABEL_GAP 90.0f     /* the same of values along the horizontal axis */

/* ---- texts ---- */

/* Above the value axis: the shared unit; for a lone series without a title its name as well. */
static gch__text make_axis_title(gch__layout *l)
{
    const gch_chart_desc *desc = l->desc;
    const gch_column_info *column = gch__chart_column(&desc->series[0]);
    const char *unit = gch__shared_unit(desc);
    bool is_lone = desc->series_count == 1 && !gch__wants_legend(desc);
    bool has_title = desc->title != NULL && desc->title[0] != '\0';
    const char *name = is_lone && !has_title ? column->name : "";
    gch__text t = gch__text_make(l, name, unit != NULL ? unit : "");
    return gch__text_shorten(l, t, l->label_px, GCH__FONT_REGULAR, l->width - 2 * l->pad);
}

static gch__text make_across_title(gch__layout *l)
{
    const gch_file_info *info = gch_file_get_info(l->desc->series[0].file);
    const gch_column_info *column = &info->columns[info->x_column];
    return gch__text_make(l, column->name, column->unit);
}

static void make_texts(gch__layout *l)
{
    gch__scene *scene = l->scene;
    scene->text.count = 0;
    float room = l->width - 2 * l->pad;
    l->title = (gch__text){0};
    if (l->desc->title != NULL)
        l->title = gch__text_shorten(l, gch__text_make(l, l->desc->title, ""), l->title_px,
                                     GCH__FONT_MEDIUM, room);
    l->axis_title = make_axis_title(l);
    l->zone = (gch__text){0};
    if (l->is_plane) /* what the horizontal axis shows stands where a zone would */
        l->zone = gch__text_shorten(l, make_across_title(l), l->small_px, GCH__FONT_REGULAR, room);
    else if (scene->zone != NULL && l->unit != GCH_TIME_INDEX)
        l->zone = gch__text_shorten(l, gch__text_make(l, gch_time_zone_name(scene->zone), ""),
                                    l->small_px, GCH__FONT_REGULAR, room);
    gch__legend_make(l);
}

/* ---- margins ---- */

/* In a low picture a short legend stands at the right end of the title's line. */
static bool fits_beside_title(const gch__layout *l)
{
    return l->height < BESIDE_TITLE_HEIGHT * l->scale && l->legend_rows == 1 &&
           l->title.width + 32 * l->scale + l->legend_width <= l->width - 2 * l->pad;
}

/* Places the plot for what `shown` names. False if that leaves it less than its share. */
static bool try_parts(gch__layout *l, gch__parts shown)
{
    const float s = l->scale;
    l->shown = shown;
    float y = l->pad;
    if (shown.title) {
        l->title_y = y - 2 * s; /* a line is taller than its capitals */
        y = l->title_y + GCH_TITLE_LINE * s + 4 * s;
    }
    l->is_legend_beside_title = shown.title && shown.legend && fits_beside_title(l);
    if (l->is_legend_beside_title) {
        l->legend_y = l->title_y + (GCH_TITLE_LINE - GCH_LEGEND_LINE) / 2 * s;
    } else if (shown.legend) {
        l->legend_y = y - 2 * s;
        y = l->legend_y + (float)l->legend_rows * GCH_LEGEND_LINE * s + 4 * s;
    }
    if (shown.axis_title) {
        l->axis_title_y = y;
        y += (GCH_AXIS_TITLE_LINE + 8) * s;
    } else if (shown.title || shown.legend) {
        y += 6 * s;
    }
    /* The topmost value label stands half above the plot. */
    float half_label = gch__font_get_metrics(l->label_px, GCH__FONT_REGULAR).ascent / 2 + 1;
    if (shown.value_axis)
        y = fmaxf(y, half_label);
    float below = l->pad;
    if (shown.time_axis)
        below = (GCH_TICK_LENGTH + 2 + GCH_LABEL_LINE + (shown.context ? GCH_LABEL_LINE : 0)) * s +
                fmaxf(l->pad - 5 * s, 2 * s);
    else if (shown.value_axis)
        below = fmaxf(below, half_label);
    l->plot_y = ceilf(y);
    l->plot_height = floorf(l->height - below) - l->plot_y;

    float left = l->pad;
    l->value_tick_count = 0;
    if (shown.value_axis && l->plot_height >= 1) {
        float gap = fmaxf(1.9f * l->label_px, fminf(VALUE_LABEL_GAP * s, l->plot_height / 6));
        l->value_tick_count = gch__value_ticks(l->bottom, l->top, l->desc->axis, l->plot_height,
                                               gap, l->scratch->value_ticks, GCH_VALUE_TICK_CAP);
        float widest = 0;
        for (uint32_t i = 0; i < l->value_tick_count; i++) {
            gch__text *label = &l->scratch->value_labels[i];
            *label = gch__text_of(l->scratch->value_ticks[i].label);
            label->width = gch__text_measure(*label, l->label_px, GCH__FONT_REGULAR);
            widest = fmaxf(widest, label->width);
        }
        if (widest > 0)
            left += widest + GCH_VALUE_GAP * s;
    }
    l->plot_x = ceilf(left);
    l->plot_width = floorf(l->width - l->pad) - l->plot_x;
    return l->plot_height >= fmaxf(36 * s, 0.4f * l->height) &&
           l->plot_width >= fmaxf(64 * s, 0.5f * l->width);
}

static void choose_parts(gch__layout *l)
{
    gch__parts p = {.legend = l->legend_count > 0,
                    .title = l->title.count > 0,
                    .context = l->unit != GCH_TIME_INDEX || l->is_plane,
                    .axis_title = l->axis_title.count > 0,
                    .time_axis = true,
                    .value_axis = true};
    bool *const given_up[] = {&p.legend,     &p.title,     &p.context,
                              &p.axis_title, &p.time_axis, &p.value_axis};
    for (size_t i = 0; i < GCH_COUNT_OF(given_up); i++) {
        if (try_parts(l, p))
            return;
        *given_up[i] = false;
    }
    l->pad = fminf(l->pad, floorf(fminf(l->width, l->height) / 16));
    (void)try_parts(l, p); /* leaves at least 7/8 of each side, and a side is at least 1 */
}

/* ---- the scene ---- */

/* y of value 0 within the plot; the plot's height if 0 is not in view. */
static float baseline_of(const gch__layout *l)
{
    double bottom = gch_decimal_to_double(l->bottom), top = gch_decimal_to_double(l->top);
    if (l->desc->axis == GCH_AXIS_LOG || bottom > 0 || top < 0)
        return l->plot_height;
    double span = top - bottom;
    if (!isfinite(span)) { /* +-1e308: in halves */
        top /= 2;
        span = top - bottom / 2;
    }
    return span > 0 ? (float)((double)l->plot_height * (top / span)) : l->plot_height;
}

static void place_empty_note(gch__layout *l)
{
    for (uint32_t i = 0; i < l->desc->series_count; i++)
        if (gch_value_is_drawn(l->extents[i].min) || l->extents[i].is_too_fine)
            return;
    gch__text note = gch__text_of("No data in this range");
    note.width = gch__text_measure(note, l->label_px, GCH__FONT_REGULAR);
    if (note.width > l->plot_width || 2 * l->label_px > l->plot_height)
        return;
    gch__place_text(&l->scene->over, note, roundf(l->plot_x + (l->plot_width - note.width) / 2),
                    gch__baseline_in(l->plot_y, l->plot_height, l->label_px, GCH__FONT_REGULAR),
                    l->label_px, GCH__FONT_REGULAR, l->theme->muted);
}

/* A bare picture needs a zone only to know where days begin. */
static bool needs_zone(const gch_chart_desc *desc)
{
    bool has_bars = !desc->is_bare;
    for (uint32_t i = 0; i < desc->series_count; i++) {
        gch_mark mark = desc->series[i].mark;
        has_bars =
            has_bars || mark == GCH_MARK_CANDLES || mark == GCH_MARK_OHLC || mark == GCH_MARK_BARS;
    }
    return has_bars && gch__chart_time_unit(desc) != GCH_TIME_INDEX;
}

static gch_status open_zone(gch__scene *scene, const gch_chart_desc *desc, gch_error *err)
{
    const char *name = desc->time_zone;
    if (name == NULL)
        name = gch_file_get_info(desc->series[0].file)->time_zone;
    bool is_utc = name[0] == '\0' || strcmp(name, "UTC") == 0;
    if (scene->zone != NULL && !is_utc && strcmp(gch_time_zone_name(scene->zone), name) == 0)
        return GCH_OK;
    gch_time_zone_close(scene->zone);
    scene->zone = NULL;
    return is_utc ? GCH_OK : gch_time_zone_open(name, scene->allocator, &scene->zone, err);
}

static gch_status make_room(gch__scene *scene, gch_error *err)
{
    const gch_allocator *allocator = scene->allocator;
    if (scene->scratch == NULL) {
        scene->scratch = gch__alloc(allocator, sizeof *scene->scratch, "layout");
        if (scene->scratch == NULL)
            return gch__no_memory(err, "layout");
    }
    /* A tick takes a grid line, a mark and two texts; a legend entry some shapes and a text. */
    size_t under_cap = 2 * GCH_VALUE_TICK_CAP + 4 * GCH_TIME_TICK_CAP +
                       (GCH_LEGEND_STEPS + 1) * (GCH_SERIES_CAP + 1) + 16;
    GCH_TRY(gch__ensure(allocator, (void **)&scene->under.items, &scene->under.cap, under_cap,
                        sizeof *scene->under.items, "layout", err));
    GCH_TRY(gch__ensure(allocator, (void **)&scene->over.items, &scene->over.cap, 16,
                        sizeof *scene->over.items, "layout", err));
    scene->text.allocator = allocator;
    scene->text.purpose = "layout text";
    scene->text.count = 0;
    /* One label a series; title, axis title, zone and "+3 more". */
    if (gch__buffer_reserve(&scene->text, (GCH_SERIES_CAP + 4) * GCH_TEXT_ROOM) == NULL)
        return gch__no_memory(err, "layout text");
    return GCH_OK;
}

static void layout_init(gch__layout *l)
{
    gch__picture picture = gch__chart_picture(l->desc);
    const float s = picture.scale;
    l->scale = s;
    l->width = (float)picture.width_px;
    l->height = (float)picture.height_px;
    float side = fminf(l->width, l->height) / s;
    l->pad = roundf((side >= 360 ? 16 : side >= 200 ? 12 : side >= 80 ? 8 : 4) * s);
    l->title_px = fmaxf(5, roundf(TITLE_PX * s));
    l->label_px = fmaxf(5, roundf(LABEL_PX * s));
    l->small_px = fmaxf(5, roundf(SMALL_PX * s));
}

/* Ticks of values along the horizontal axis, from left to right. */
static void make_across_ticks(gch__layout *l)
{
    gch__tick *ticks = l->scratch->time_ticks;
    float gap = ACROSS_LABEL_GAP * l->scale, widest = 0;
    uint32_t count = 0;
    for (int attempt = 0; attempt < 2; attempt++) { /* long labels need a wider gap */
        count = gch__value_ticks(l->left, l->right, GCH_AXIS_LINEAR, l->plot_width,
                                 fmaxf(gap, widest + 12 * l->scale), ticks, GCH_VALUE_TICK_CAP);
        for (uint32_t i = 0; i < count; i++)
            widest = fmaxf(widest, gch__measure_label(l, ticks[i].label));
    }
    for (uint32_t i = 0; i < count; i++)
        ticks[i].position = (double)l->plot_width - ticks[i].position;
    for (uint32_t i = 0;
         count > 1 && ticks[0].position > ticks[count - 1].position && i < count / 2; i++) {
        gch__tick swapped = ticks[i];
        ticks[i] = ticks[count - 1 - i];
        ticks[count - 1 - i] = swapped;
    }
    l->time_tick_count = count;
}

static void lay_out(gch__layout *l)
{
    gch__scene *scene = l->scene;
    layout_init(l);
    make_texts(l);
    choose_parts(l);
    scene->plot.baseline_y = baseline_of(l);
    if (l->shown.time_axis) {
        if (l->is_plane)
            make_across_ticks(l);
        else
            l->time_tick_count = gch__time_ticks(
                l->from, l->to, l->unit, scene->zone, l->plot_width, TIME_LABEL_GAP * l->scale,
                gch__measure_label, l, l->scratch->time_ticks, GCH_TIME_TICK_CAP);
        gch__time_axis_place(l);
    }
    gch__value_axis_place(l);
    gch__zero_line_place(l);
    place_empty_note(l);
}

gch_status gch__scene_layout(gch__scene *scene, const gch_chart_desc *desc, int64_t from,
                             int64_t to, const gch__extent *extents, gch_error *err)
{
    GCH_TRY(gch__chart_check(desc, err));
    if (from >= to)
        return gch_fail(err, GCH_INVALID, "from: %lld is not before to, %lld", (long long)from,
                        (long long)to);
    gch__picture picture = gch__chart_picture(desc);
    const gch__theme *theme = gch__theme_get(desc->theme);
    gch__layout l = {.scene = scene,
                     .desc = desc,
                     .extents = extents,
                     .theme = theme,
                     .unit = gch__chart_time_unit(desc),
                     .from = from,
                     .to = to};
    GCH_TRY(gch__chart_value_range(desc, extents, &l.bottom, &l.top, err));
    l.is_plane = gch__chart_is_plane(desc);
    if (l.is_plane)
        GCH_TRY(gch__chart_across_range(desc, extents, &l.left, &l.right, err));
    if (needs_zone(desc))
        GCH_TRY(open_zone(scene, desc, err));
    GCH_TRY(make_room(scene, err));
    l.scratch = scene->scratch;

    scene->width_px = picture.width_px;
    scene->height_px = picture.height_px;
    scene->scale = picture.scale;
    scene->is_bare = desc->is_bare;
    scene->background = desc->is_bare ? 0x000000FF : theme->ground;
    scene->under.count = 0;
    scene->over.count = 0;
    scene->plot = (gch__plot){.series = scene->series, .series_count = desc->series_count};

    l.plot_width = (float)picture.width_px;
    l.plot_height = (float)picture.height_px;
    if (desc->is_bare)
        scene->plot.baseline_y = baseline_of(&l);
    else
        lay_out(&l);
    scene->plot.x_px = (uint32_t)l.plot_x;
    scene->plot.y_px = (uint32_t)l.plot_y;
    scene->plot.view = (gch_view){.t0 = from,
                                  .t1 = to,
                                  .bottom = l.bottom,
                                  .top = l.top,
                                  .width_px = (uint32_t)l.plot_width,
                                  .height_px = (uint32_t)l.plot_height,
                                  .axis = desc->axis};
    scene->plot.is_plane = l.is_plane;
    scene->plot.plane = (gch_plane_view){.left = l.left,
                                         .right = l.right,
                                         .bottom = l.bottom,
                                         .top = l.top,
                                         .width_px = scene->plot.view.width_px,
                                         .height_px = scene->plot.view.height_px};
    for (uint32_t i = 0; i < desc->series_count; i++)
        scene->series[i] = gch__chart_series(desc, i, theme, from, to, scene->plot.view.width_px);
    if (!desc->is_bare)
        gch__header_place(&l); /* swatches show the series as resolved */
    return GCH_OK;
}

void gch__scene_reset(gch__scene *scene)
{
    const gch_allocator *allocator = scene->allocator;
    gch_time_zone_close(scene->zone);
    gch__buffer_reset(&scene->text);
    gch__free(allocator, scene->under.items, "layout");
    gch__free(allocator, scene->over.items, "layout");
    gch__free(allocator, scene->scratch, "layout");
    *scene = (gch__scene){.allocator = allocator};
}
