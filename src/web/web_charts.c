/* Charts of a page: frames into linear memory, values at the cursor. */
#include "render_tables.h"
#include "web_state.h"

#include <string.h>

#define MARK_LAST ((uint32_t)GCH_MARK_BARS)

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

static gch_status read_series(const gch_web_chart_desc *in, gch_chart_series *out)
{
    if (in->series_count > GCH_SERIES_CAP)
        return gch_fail(gch__web_err(), GCH_INVALID, "%u series, a chart has at most %u",
                        in->series_count, GCH_SERIES_CAP);
    for (uint32_t i = 0; i < in->series_count; i++) {
        const gch_web_series *series = &in->series[i];
        gch__web_source *source;
        GCH_TRY(gch__web_source_ready(series->source, &source));
        if (series->mark > MARK_LAST)
            return gch_fail(gch__web_err(), GCH_INVALID, "series %u: mark %u is none", i,
                            series->mark);
        out[i] = (gch_chart_series){.file = source->file,
                                    .column = series->column,
                                    .mark = (gch_mark)series->mark,
                                    .label = series->label,
                                    .color_rgba = series->color_rgba,
                                    .width_px = series->width_px};
    }
    return GCH_OK;
}

static gch_status read_desc(const gch_web_chart_desc *in, gch_chart_series *series,
                            gch_chart_desc *out)
{
    GCH_TRY(read_series(in, series));
    if (in->backend > GCH__WEB_WEBGL2)
        return gch_fail(gch__web_err(), GCH_INVALID, "backend: %u is none", in->backend);
    *out = (gch_chart_desc){.series = series,
                            .series_count = in->series_count,
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
                            .theme = in->theme == GCH_THEME_DARK ? GCH_THEME_DARK : GCH_THEME_LIGHT,
                            .axis = in->axis == GCH_AXIS_LOG ? GCH_AXIS_LOG : GCH_AXIS_LINEAR,
                            .title = in->title,
                            .time_zone = in->time_zone,
                            .data = gch__web_instance.data,
                            .allocator = gch__web_instance.allocator};
    GCH_TRY(read_decimal("bottom", in->bottom, &out->has_bottom, &out->bottom));
    GCH_TRY(read_decimal("top", in->top, &out->has_top, &out->top));
    if (in->bar_width != NULL && in->series_count > 0)
        GCH_TRY(gch_bar_width_parse(in->bar_width, gch_file_get_info(series[0].file)->time_unit,
                                    &out->bar_width, gch__web_err()));
    return GCH_OK;
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

gch_status gch_web_chart_frame(uint32_t id, const gch_web_chart_desc *given, gch_web_frame *out)
{
    gch_chart *chart = gch__pool_get(&gch__web_instance.charts, id, NULL);
    if (chart == NULL)
        return fail_chart(id);
    gch_chart_series series[GCH_SERIES_CAP];
    gch_chart_desc desc;
    GCH_TRY(read_desc(given, series, &desc));
    const gch_image *image;
    gch_chart_stats stats;
    gch__chart_tables tables = {0};
    if (given->backend == GCH__WEB_WEBGL2)
        GCH_TRY(gch__chart_frame_tables(chart, &desc, &tables, &image, &stats, gch__web_err()));
    else
        GCH_TRY(gch_chart_frame(chart, &desc, &image, &stats, gch__web_err()));
    *out = (gch_web_frame){.t0 = stats.view.t0,
                           .t1 = stats.view.t1,
                           .bottom = gch_decimal_to_double(stats.view.bottom),
                           .top = gch_decimal_to_double(stats.view.top),
                           .complete = stats.complete,
                           .rows_visible = (double)stats.rows_visible,
                           .bytes_read = (double)stats.bytes_read,
                           .layout_ms = stats.layout_ms,
                           .query_ms = stats.query_ms,
                           .raster_ms = stats.raster_ms,
                           .total_ms = stats.total_ms,
                           .width_px = image->width_px,
                           .height_px = image->height_px,
                           .plot_x_px = stats.plot_x_px,
                           .plot_y_px = stats.plot_y_px,
                           .plot_width_px = stats.view.width_px,
                           .plot_height_px = stats.view.height_px,
                           .pixels = image->pixels,
                           .backend = GCH__WEB_CPU,
                           .fallback = ""};
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

/* ---- values at the cursor ---- */

static gch_web_value show(gch_value value)
{
    gch_web_value shown = {.value = gch_value_to_double(value)};
    gch_value_format(value, 0, shown.text, sizeof shown.text);
    return shown;
}

gch_status gch_web_nearest(uint32_t id, uint32_t column, int64_t t, gch_web_sample *out)
{
    gch__web_source *source;
    gch_query *query;
    gch_sample sample;
    GCH_TRY(gch__web_source_ready(id, &source));
    GCH_TRY(gch__web_source_query(source, &query));
    GCH_TRY(gch_query_nearest(query, column, t, &sample, gch__web_err()));
    *out = (gch_web_sample){
        .time = sample.time, .row = (double)sample.row, .value = show(sample.value)};
    return GCH_OK;
}

gch_status gch_web_bar_at(uint32_t id, uint32_t column, const char *width, const char *time_zone,
                          int64_t t, gch_web_bar *out)
{
    gch_error *err = gch__web_err();
    gch__web_source *source;
    gch_query *query;
    gch_bar_width parsed;
    gch_time_zone *zone = NULL;
    const gch_bar *bars;
    uint32_t count = 0;
    GCH_TRY(gch__web_source_ready(id, &source));
    GCH_TRY(gch__web_source_query(source, &query));
    GCH_TRY(gch_bar_width_parse(width, gch_file_get_info(source->file)->time_unit, &parsed, err));
    if (t == INT64_MAX)
        return gch_fail(err, GCH_INVALID, "no bar covers the last of all times");
    GCH_TRY(gch_time_zone_open(time_zone, gch__web_instance.allocator, &zone, err));
    gch_status status =
        gch_query_bars(query, column, parsed, zone, t, t + 1, 1, &bars, &count, err);
    gch_time_zone_close(zone);
    GCH_TRY(status);
    if (count == 0)
        return gch_fail(err, GCH_NOT_FOUND, "nothing is drawn there");
    *out = (gch_web_bar){.t0 = bars->t0,
                         .t1 = bars->t1,
                         .row_count = (double)bars->row_count,
                         .open = show(bars->open),
                         .high = show(bars->high),
                         .low = show(bars->low),
                         .close = show(bars->close)};
    return GCH_OK;
}
