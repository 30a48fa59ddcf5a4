/* Lays out a chart: margins from measured text, grid, axes, title, legend, and the plots.
 *
 * From top to bottom: title, legend (at most two rows), the panels, each a line of titles and its
 * plot, then tick marks with a row of labels, a row of context ("2024 Mar 4") with the time zone at
 * its end. Value labels stand left of the plots, those of right axes right of them; all plots begin
 * and end at the same columns. A picture too small for all of it gives things up in this order
 * until the plots have their share: legend, title, context row, panels' lines, time axis, value
 * axes.
 *
 * Invariants:
 *  1. Plots lie on whole pixels within the picture and are at least 1 x 1; axes[i] is the value
 *     axis of plots[i].
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

static gch__text make_across_title(gch__layout *l)
{
    const gch_chart_series *first = &l->desc->series[0];
    const gch_file_info *info = gch_file_get_info(first->file);
    bool is_plane = gch__chart_is_plane(l->desc);
    const gch_column_info *column = &info->columns[is_plane ? info->x_column : first->column];
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
    l->zone = (gch__text){0};
    if (l->is_across) /* what the horizontal axis shows stands where a zone would */
        l->zone = gch__text_shorten(l, make_across_title(l), l->small_px, GCH__FONT_REGULAR, room);
    else if (scene->zone != NULL && l->unit != GCH_TIME_INDEX)
        l->zone = gch__text_shorten(l, gch__text_make(l, gch_time_zone_name(scene->zone), ""),
                                    l->small_px, GCH__FONT_REGULAR, room);
    gch__header_texts_make(l);
}

/* ---- margins ---- */

/* What a value label reaches beyond its tick, in px. */
static float half_label(const gch__layout *l)
{
    return gch__font_get_metrics(l->label_px, GCH__FONT_REGULAR).ascent / 2 + 1;
}

/* In a low picture a short legend stands at the right end of the title's line. */
static bool fits_beside_title(const gch__layout *l)
{
    return l->height < BESIDE_TITLE_HEIGHT * l->scale && l->legend_rows == 1 &&
           l->title.width + 32 * l->scale + l->legend_width <= l->width - 2 * l->pad;
}

/* Divides the rows [y, end) between the panels. False if they do not hold them. */
static bool place_panels(gch__layout *l, float y, float end)
{
    const float s = l->scale, count = (float)l->panel_count;
    float above = 0, gap = 0; /* of a plot: its line; from plot to plot */
    if (l->shown.panel_lines)
        above = (GCH_PANEL_LINE + 8) * s;
    else if (l->shown.title || l->shown.legend)
        above = 6 * s;
    if (l->shown.panel_lines)
        gap = roundf((8 + GCH_PANEL_LINE + 8) * s); /* labels hang halfway over a plot's edges */
    else if (l->shown.value_axis)
        gap = roundf(l->label_px + 4 * s);
    else if (l->shown.time_axis)
        gap = roundf(4 * s);
    float first = y + above;
    /* The topmost value label stands half above the plot. */
    if (l->shown.value_axis)
        first = fmaxf(first, half_label(l));
    first = ceilf(first);
    float rows = floorf(end) - first - gap * (count - 1);
    for (uint32_t i = 0; i < l->panel_count; i++) {
        gch__panel_layout *panel = &l->panels[i];
        uint32_t from = rows < count ? 0 : gch__chart_panel_row(l->desc, (uint32_t)rows, i);
        uint32_t to = rows < count ? 0 : gch__chart_panel_row(l->desc, (uint32_t)rows, i + 1);
        panel->y = first + (float)from + gap * (float)i;
        panel->height = (float)(to - from);
        panel->line_y = i == 0 ? y : panel->y - above;
    }
    return rows >= fmaxf((l->panel_count == 1 ? 36 : 28 * count) * s, 0.4f * l->height);
}

/* The labels of a value axis; returns the width of the widest. */
static float make_value_labels(gch__layout *l, gch__axis_layout *axis)
{
    float height = l->panels[axis->panel].height, widest = 0;
    float gap = fmaxf(1.9f * l->label_px, fminf(VALUE_LABEL_GAP * l->scale, height / 6));
    axis->tick_count = gch__value_ticks(axis->bottom, axis->top, axis->axis, height, gap,
                                        axis->scratch->ticks, GCH_VALUE_TICK_CAP);
    for (uint32_t i = 0; i < axis->tick_count; i++) {
        gch__text *label = &axis->scratch->labels[i];
        *label = gch__text_of(axis->scratch->ticks[i].label);
        label->width = gch__text_measure(*label, l->label_px, GCH__FONT_REGULAR);
        widest = fmaxf(widest, label->width);
    }
    return widest;
}

/* Places the plots for what `shown` names. False if that leaves them less than their share. */
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
    float below = l->pad;
    if (shown.time_axis)
        below = (GCH_TICK_LENGTH + 2 + GCH_LABEL_LINE + (shown.context ? GCH_LABEL_LINE : 0)) * s +
                fmaxf(l->pad - 5 * s, 2 * s);
    else if (shown.value_axis)
        below = fmaxf(below, half_label(l));
    bool is_high_enough = place_panels(l, y, l->height - below);

    float margins[2] = {l->pad, l->pad}; /* by side */
    float widest[2] = {0, 0};
    for (uint32_t i = 0; i < l->axis_count; i++) {
        gch__axis_layout *axis = &l->axes[i];
        axis->tick_count = 0;
        if (shown.value_axis && l->panels[axis->panel].height >= 1)
            widest[axis->side] = fmaxf(widest[axis->side], make_value_labels(l, axis));
    }
    for (uint32_t side = 0; side < GCH_COUNT_OF(margins); side++)
        if (widest[side] > 0)
            margins[side] += widest[side] + GCH_VALUE_GAP * s;
    l->plot_x = ceilf(margins[GCH_AXIS_LEFT]);
    l->plot_width = floorf(l->width - margins[GCH_AXIS_RIGHT]) - l->plot_x;
    return is_high_enough && l->plot_width >= fmaxf(64 * s, 0.5f * l->width);
}

static bool has_panel_lines(const gch__layout *l)
{
    for (uint32_t i = 0; i < l->panel_count; i++)
        if (l->panels[i].title.count > 0)
            return true;
    for (uint32_t i = 0; i < l->axis_count; i++)
        if (l->axes[i].title.count > 0)
            return true;
    return l->panel_count > 1 && l->legend_count > 0;
}

static void choose_parts(gch__layout *l)
{
    gch__parts p = {.legend = l->legend_rows > 0,
                    .title = l->title.count > 0,
                    .context = l->unit != GCH_TIME_INDEX || l->is_across,
                    .panel_lines = has_panel_lines(l),
                    .time_axis = true,
                    .value_axis = true};
    bool *const given_up[] = {&p.legend,      &p.title,     &p.context,
                              &p.panel_lines, &p.time_axis, &p.value_axis};
    for (size_t i = 0; i < GCH_COUNT_OF(given_up); i++) {
        if (try_parts(l, p))
            return;
        *given_up[i] = false;
    }
    l->pad = fminf(l->pad, floorf(fminf(l->width, l->height) / 16));
    (void)try_parts(l, p); /* leaves at least 7/8 of each side, and a row for each panel */
}

/* ---- the scene ---- */

/* y of value 0 within the plot; the plot's height if 0 is not in view. */
static float baseline_of(const gch_view *view)
{
    double bottom = gch_decimal_to_double(view->bottom), top = gch_decimal_to_double(view->top);
    if (view->axis == GCH_AXIS_LOG || bottom > 0 || top < 0)
        return (float)view->height_px;
    double span = top - bottom;
    if (!isfinite(span)) { /* +-1e308: in halves */
        top /= 2;
        span = top - bottom / 2;
    }
    return (float)(span > 0 ? (double)view->height_px * (top / span) : (double)view->height_px);
}

static void place_empty_note(gch__layout *l, uint32_t index)
{
    const gch__panel_layout *panel = &l->panels[index];
    for (uint32_t i = 0; i < l->desc->series_count; i++)
        if (l->desc->series[i].panel == index &&
            (gch_value_is_drawn(l->extents[i].min) || l->extents[i].is_too_fine))
            return;
    gch__text note = gch__text_of("No data in this range");
    note.width = gch__text_measure(note, l->label_px, GCH__FONT_REGULAR);
    if (note.width > l->plot_width || 2 * l->label_px > panel->height)
        return;
    gch__place_text(&l->scene->over, note, roundf(l->plot_x + (l->plot_width - note.width) / 2),
                    gch__baseline_in(panel->y, panel->height, l->label_px, GCH__FONT_REGULAR),
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

static gch_status make_room(gch__layout *l, gch_error *err)
{
    gch__scene *scene = l->scene;
    const gch_allocator *allocator = scene->allocator;
    if (scene->scratch == NULL) {
        scene->scratch = gch__alloc(allocator, sizeof *scene->scratch, "layout");
        if (scene->scratch == NULL)
            return gch__no_memory(err, "layout");
    }
    GCH_TRY(gch__ensure(allocator, (void **)&scene->axis_scratch, &scene->axis_cap, l->axis_count,
                        sizeof *scene->axis_scratch, "layout", err));
    l->scratch = scene->scratch;
    for (uint32_t i = 0; i < l->axis_count; i++)
        l->axes[i].scratch = &scene->axis_scratch[i];
    /* A tick takes a line and a text; one of the time axis a line a panel, a mark and two texts; a
     * legend entry some shapes and a text. */
    size_t under_cap = (size_t)l->axis_count * (2 * GCH_VALUE_TICK_CAP + 2) +
                       (3 + (size_t)l->panel_count) * GCH_TIME_TICK_CAP +
                       (GCH_LEGEND_STEPS + 1) * GCH_LEGEND_CAP + 2 * (size_t)l->panel_count + 16;
    GCH_TRY(gch__ensure(allocator, (void **)&scene->under.items, &scene->under.cap, under_cap,
                        sizeof *scene->under.items, "layout", err));
    GCH_TRY(gch__ensure(allocator, (void **)&scene->over.items, &scene->over.cap,
                        GCH__PLOT_CAP + GCH_PANEL_CAP, sizeof *scene->over.items, "layout", err));
    scene->text.allocator = allocator;
    scene->text.purpose = "layout text";
    scene->text.count = 0;
    /* One label a series; a title a panel and axis, and "+3 more"; title and zone. */
    size_t texts = GCH_SERIES_CAP + 2 * (size_t)l->panel_count + l->axis_count + 2;
    if (gch__buffer_reserve(&scene->text, texts * GCH_TEXT_ROOM) == NULL)
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

/* Which axes there are: those that series are read against, at least one a panel; their ranges. */
static gch_status make_axes(gch__layout *l, gch_error *err)
{
    const gch_chart_desc *desc = l->desc;
    l->panel_count = gch__chart_panel_count(desc);
    for (uint32_t panel = 0; panel < l->panel_count; panel++) {
        bool has_right = gch__chart_axis_series_count(desc, panel, GCH_AXIS_RIGHT) > 0;
        bool has_left = !has_right || gch__chart_axis_series_count(desc, panel, GCH_AXIS_LEFT) > 0;
        l->panels[panel] = (gch__panel_layout){.first_axis = l->axis_count};
        for (uint32_t side = GCH_AXIS_LEFT; side <= GCH_AXIS_RIGHT; side++) {
            if (!(side == GCH_AXIS_LEFT ? has_left : has_right))
                continue;
            gch__axis_layout *axis = &l->axes[l->axis_count++];
            *axis = (gch__axis_layout){.panel = panel,
                                       .side = (gch_axis_side)side,
                                       .axis = gch__chart_axis(desc, panel, side).axis,
                                       .is_first = l->panels[panel].axis_count++ == 0};
            GCH_TRY(gch__chart_value_range(desc, panel, side, l->extents, &axis->bottom, &axis->top,
                                           err));
        }
    }
    return GCH_OK;
}

static void fill_panels(gch__layout *l)
{
    for (uint32_t i = 0; i < l->panel_count; i++) {
        uint32_t rows = l->scene->height_px;
        l->panels[i].y = (float)gch__chart_panel_row(l->desc, rows, i);
        l->panels[i].height = (float)gch__chart_panel_row(l->desc, rows, i + 1) - l->panels[i].y;
    }
}

/* The panels' places are known. */
static void make_plots(gch__layout *l)
{
    gch__scene *scene = l->scene;
    scene->plot_count = l->axis_count;
    for (uint32_t i = 0; i < l->axis_count; i++) {
        const gch__axis_layout *axis = &l->axes[i];
        const gch__panel_layout *panel = &l->panels[axis->panel];
        gch__plot *plot = &scene->plots[i];
        *plot = (gch__plot){.panel = axis->panel,
                            .side = axis->side,
                            .x_px = (uint32_t)l->plot_x,
                            .y_px = (uint32_t)panel->y,
                            .view = {.t0 = l->from,
                                     .t1 = l->to,
                                     .bottom = axis->bottom,
                                     .top = axis->top,
                                     .width_px = (uint32_t)l->plot_width,
                                     .height_px = (uint32_t)panel->height,
                                     .axis = axis->axis}};
        if (l->is_across)
            plot->plane = (gch_plane_view){.left = l->left,
                                           .right = l->right,
                                           .bottom = axis->bottom,
                                           .top = axis->top,
                                           .width_px = plot->view.width_px,
                                           .height_px = plot->view.height_px};
        plot->baseline_y = baseline_of(&plot->view);
    }
    scene->series_count = l->desc->series_count;
    for (uint32_t i = 0; i < scene->series_count; i++) {
        const gch_chart_series *series = &l->desc->series[i];
        scene->series[i] =
            gch__chart_series(l->desc, i, l->theme, l->from, l->to, (uint32_t)l->plot_width);
        uint32_t plot = l->panels[series->panel].first_axis;
        while (l->axes[plot].side != series->axis)
            plot++;
        scene->series[i].plot = plot;
    }
}

static void place_parts(gch__layout *l)
{
    if (l->shown.time_axis) {
        if (l->is_across)
            make_across_ticks(l);
        else
            l->time_tick_count = gch__time_ticks(
                l->from, l->to, l->unit, l->scene->zone, l->plot_width, TIME_LABEL_GAP * l->scale,
                gch__measure_label, l, l->scratch->time_ticks, GCH_TIME_TICK_CAP);
        gch__time_axis_place(l);
    }
    gch__value_axes_place(l);
    gch__zero_lines_place(l);
    for (uint32_t i = 0; i < l->panel_count; i++)
        place_empty_note(l, i);
    gch__header_place(l);
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
    GCH_TRY(make_axes(&l, err));
    l.is_across = gch__chart_is_plane(desc) || gch__chart_is_histogram(desc);
    if (l.is_across)
        GCH_TRY(gch__chart_across_range(desc, extents, &l.left, &l.right, err));
    if (needs_zone(desc))
        GCH_TRY(open_zone(scene, desc, err));
    GCH_TRY(make_room(&l, err));

    scene->width_px = picture.width_px;
    scene->height_px = picture.height_px;
    scene->scale = picture.scale;
    scene->is_bare = desc->is_bare;
    scene->is_plane = gch__chart_is_plane(desc);
    scene->background = desc->is_bare ? 0x000000FF : theme->ground;
    scene->under.count = 0;
    scene->over.count = 0;
    l.plot_width = (float)picture.width_px;
    if (desc->is_bare) {
        fill_panels(&l);
    } else {
        layout_init(&l);
        make_texts(&l);
        choose_parts(&l);
    }
    make_plots(&l);
    if (!desc->is_bare)
        place_parts(&l);
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
    gch__free(allocator, scene->axis_scratch, "layout");
    *scene = (gch__scene){.allocator = allocator};
}
