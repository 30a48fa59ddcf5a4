/* Charts of a page: frames into linear memory. */
#include "render_tables.h"
#include "web_state.h"

#include <string.h>

#define MARK_LAST ((uint32_t)GCH_MARK_VOLUME)

static gch_status fail_chart(uint32_t id)
{
    return gch_fail(gch__web_err(), GCH_INVALID, "chart %u has been destroyed, or never was", id);
}

gch_status gch_web_chart_make(uint32_t *out_id)
{
    gch__web *web = &gch__web_instance;
    gch_chart *chart = NULL;
    GCH_TRY(gch_chart_make(web->allocator, &chart, &web->err));
    gch_status status = gch__pool_add(&web->charts, chart, 0, out_id, &web->err);
    if (status != GCH_OK)
        gch_chart_destroy(chart);
    return status;
}

gch_status gch_web_chart_destroy(uint32_t id)
{
    gch_chart *chart = gch__pool_remove(&gch__web_instance.charts, id, NULL);
    if (chart == NULL)
        return fail_chart(id);
    gch_chart_destroy(chart);
    const gch__pool *sources = &gch__web_instance.sources;
    for (uint32_t i = 0; i < sources->used; i++) {
        gch__web_source *source = sources->slots[i].object;
        if (source != NULL)
            gch__web_answers_forget(source->answers, id);
    }
    return GCH_OK;
}

/* ---- frames ---- */

static gch_status read_decimal(const char *name, const char *text, bool *out_has, gch_decimal *out)
{
    *out_has = text != NULL;
    if (text != NULL && !gch_decimal_parse(text, strlen(text), out))
        return gch_fail(gch__web_err(), GCH_INVALID, "%s: '%.60s' is no exact decimal", name, text);
    return GCH_OK;
}

static gch_status read_one(const gch_web_series *in, uint32_t index, gch_chart_series *out)
{
    gch__web_source *source;
    GCH_TRY(gch__web_source_ready(in->source, &source));
    if (in->mark > MARK_LAST)
        return gch_fail(gch__web_err(), GCH_INVALID, "series %u: mark %u is none", index, in->mark);
    *out = (gch_chart_series){.file = source->file,
                              .answers = gch__web_answers_get(source),
                              .column = in->column,
                              .mark = (gch_mark)in->mark,
                              .column_high = in->column_high,
                              .has_price = in->price_by != 0,
                              .column_price = in->price_by != 0 ? in->price_by - 1 : 0,
                              .panel = in->panel,
                              .axis = (gch_axis_side)in->axis,
                              .label = in->label,
                              .color_rgba = in->color_rgba,
                              .width_px = in->width_px,
                              .dash_count = in->dash_count,
                              .bin_count = in->bin_count,
                              .size_by = in->size_by,
                              .color_by = in->color_by,
                              .category_by = in->category_by,
                              .density_scale = (gch_density_scale)in->density_scale,
                              .palette = (gch_palette)in->palette,
                              .study = {.kind = (gch_study_kind)in->study_kind,
                                        .length = in->study_length,
                                        .with_column = in->study_column}};
    memcpy(out->dash_px, in->dash_px, sizeof out->dash_px);
    if (in->study_source != 0) {
        GCH_TRY(gch__web_source_ready(in->study_source, &source));
        out->study.with = source->file;
    }
    return GCH_OK;
}

static gch_status read_series(const gch_web_chart_desc *in, gch_chart_series *out)
{
    if (in->series_count > GCH_SERIES_CAP)
        return gch_fail(gch__web_err(), GCH_INVALID, "%u series, a chart has at most %u",
                        in->series_count, GCH_SERIES_CAP);
    for (uint32_t i = 0; i < in->series_count; i++)
        GCH_TRY(read_one(&in->series[i], i, &out[i]));
    return GCH_OK;
}

static gch_status read_axis(const gch_web_axis *in, gch_axis_desc *out)
{
    *out = (gch_axis_desc){.title = in->title, .axis = (gch_value_axis)in->scale};
    GCH_TRY(read_decimal("bottom", in->bottom, &out->has_bottom, &out->bottom));
    return read_decimal("top", in->top, &out->has_top, &out->top);
}

static gch_status read_panels(const gch_web_chart_desc *in, gch_panel_desc *out)
{
    if (in->panel_count > GCH_PANEL_CAP)
        return gch_fail(gch__web_err(), GCH_INVALID, "%u panels, a chart has at most %u",
                        in->panel_count, GCH_PANEL_CAP);
    for (uint32_t i = 0; i < in->panel_count; i++) {
        out[i] = (gch_panel_desc){.title = in->panels[i].title, .height = in->panels[i].height};
        GCH_TRY(read_axis(&in->panels[i].left, &out[i].left));
        GCH_TRY(read_axis(&in->panels[i].right, &out[i].right));
    }
    return GCH_OK;
}

/* What a desc points to. */
typedef struct rooms {
    gch_chart_series series[GCH_SERIES_CAP];
    gch_panel_desc panels[GCH_PANEL_CAP];
} rooms;

static gch_status read_desc(const gch_web_chart_desc *in, rooms *room, gch_chart_desc *out)
{
    if (in->backend > GCH__WEB_WEBGL2)
        return gch_fail(gch__web_err(), GCH_INVALID, "backend: %u is none", in->backend);
    GCH_TRY(read_series(in, room->series));
    GCH_TRY(read_panels(in, room->panels));
    *out = (gch_chart_desc){.series = room->series,
                            .series_count = in->series_count,
                            .panels = room->panels,
                            .panel_count = in->panel_count,
                            .width_px = in->width_px,
                            .height_px = in->height_px,
                            .scale = in->scale,
                            .is_bare = (in->flags & GCH__WEB_BARE) != 0,
                            .hide_legend = (in->flags & GCH__WEB_NO_LEGEND) != 0,
                            .no_wait = (in->flags & GCH__WEB_WAIT) == 0,
                            .backend =
                                in->backend == GCH__WEB_WEBGPU ? GCH_BACKEND_GPU : GCH_BACKEND_CPU,
                            .stays_on_device = in->backend == GCH__WEB_WEBGPU,
                            .has_time_range = (in->flags & GCH__WEB_HAS_TIME_RANGE) != 0,
                            .from = in->from,
                            .to = in->to,
                            .theme = (gch_theme)in->theme,
                            .axis = (gch_value_axis)in->axis,
                            .title = in->title,
                            .time_zone = in->time_zone,
                            .data = gch__web_instance.data,
                            .workers = gch__web_instance.workers,
                            .allocator = gch__web_instance.allocator};
    GCH_TRY(read_decimal("bottom", in->bottom, &out->has_bottom, &out->bottom));
    GCH_TRY(read_decimal("top", in->top, &out->has_top, &out->top));
    GCH_TRY(read_decimal("left", in->left, &out->has_left, &out->left));
    GCH_TRY(read_decimal("right", in->right, &out->has_right, &out->right));
    if (in->bar_width != NULL && in->series_count > 0)
        GCH_TRY(gch_bar_width_parse(in->bar_width,
                                    gch_file_get_info(room->series[0].file)->time_unit,
                                    &out->bar_width, gch__web_err()));
    return GCH_OK;
}

static void write_panels(const gch_chart_stats *stats, gch_web_frame *out)
{
    out->panel_count = stats->panel_count;
    for (uint32_t i = 0; i < stats->panel_count; i++) {
        const gch_panel_stats *panel = &stats->panels[i];
        const gch_view *view = panel->has_left ? &panel->left : &panel->right;
        out->panels[i] =
            (gch_web_panel_frame){.x_px = panel->x_px,
                                  .y_px = panel->y_px,
                                  .width_px = view->width_px,
                                  .height_px = view->height_px,
                                  .sides = (panel->has_left ? GCH__WEB_HAS_LEFT : 0) |
                                           (panel->has_right ? GCH__WEB_HAS_RIGHT : 0),
                                  .left_bottom = gch_decimal_to_double(panel->left.bottom),
                                  .left_top = gch_decimal_to_double(panel->left.top),
                                  .right_bottom = gch_decimal_to_double(panel->right.bottom),
                                  .right_top = gch_decimal_to_double(panel->right.top)};
    }
}

static gch__web_tables last_tables;

const gch__web_tables *gch_web_chart_tables(void)
{
    return &last_tables;
}

static gch__web_words show_words(gch__words words)
{
    return (gch__web_words){words.words, (uint32_t)words.count};
}

static void fill_figures(const gch_chart_stats *stats, gch_web_frame *out)
{
    out->t0 = stats->view.t0;
    out->t1 = stats->view.t1;
    out->bottom = gch_decimal_to_double(stats->view.bottom);
    out->top = gch_decimal_to_double(stats->view.top);
    out->complete = stats->complete;
    out->rows_visible = (double)stats->rows_visible;
    out->bytes_read = (double)stats->bytes_read;
    out->layout_ms = stats->layout_ms;
    out->query_ms = stats->query_ms;
    out->raster_ms = stats->raster_ms;
    out->total_ms = stats->total_ms;
    out->plot_x_px = stats->plot_x_px;
    out->plot_y_px = stats->plot_y_px;
    out->plot_width_px = stats->view.width_px;
    out->plot_height_px = stats->view.height_px;
    out->left = gch_decimal_to_double(stats->plane.left);
    out->right = gch_decimal_to_double(stats->plane.right);
    out->left_exact = stats->plane.left;
    out->right_exact = stats->plane.right;
}

gch_status gch_web_chart_frame(uint32_t id, const gch_web_chart_desc *given, gch_web_frame *out)
{
    gch_chart *chart = gch__pool_get(&gch__web_instance.charts, id, NULL);
    if (chart == NULL)
        return fail_chart(id);
    rooms room;
    gch_chart_desc desc;
    GCH_TRY(read_desc(given, &room, &desc));
    const gch_image *image;
    gch_chart_stats stats;
    gch__web_instance.drawing = id;
    gch__chart_tables tables = {0};
    if (given->backend == GCH__WEB_WEBGL2)
        GCH_TRY(gch__chart_frame_tables(chart, &desc, &tables, &image, &stats, gch__web_err()));
    else
        GCH_TRY(gch_chart_frame(chart, &desc, &image, &stats, gch__web_err()));
    *out = (gch_web_frame){.width_px = image->width_px,
                           .height_px = image->height_px,
                           .pixels = image->pixels,
                           .backend = GCH__WEB_CPU,
                           .fallback = ""};
    fill_figures(&stats, out);
    write_panels(&stats, out);
    if (stats.backend == GCH_BACKEND_GPU) {
        out->backend = GCH__WEB_WEBGPU;
        out->picture = (uint32_t)(uintptr_t)stats.texture;
    } else if (tables.kind != GCH__TABLES_NONE) {
        out->backend = GCH__WEB_WEBGL2;
        out->picture = tables.kind;
        last_tables = (gch__web_tables){.commands = show_words(tables.commands),
                                        .quads = show_words(tables.quads),
                                        .lists = show_words(tables.lists),
                                        .shapes = show_words(tables.shapes),
                                        .atlas = show_words(tables.atlas)};
    } else if (given->backend == GCH__WEB_WEBGPU) {
        snprintf(gch__web_instance.fallback, sizeof gch__web_instance.fallback, "%s",
                 stats.fallback);
        out->fallback = gch__web_instance.fallback;
    } else if (given->backend == GCH__WEB_WEBGL2) {
        out->fallback = "only the processor draws densities";
    }
    return GCH_OK;
}
