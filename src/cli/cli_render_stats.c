/* The JSON of `gpucharts render --stats`. */
#include "cli_render.h"

#include "cli_json.h"
#include "cli_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bounds are decimal text, so that they come back exactly in any reader of JSON. */
static void add_axis(cJSON *object, const gch_view *view)
{
    char text[64];
    gch_decimal_format(view->bottom, text, sizeof text);
    cli_json_add_text(object, "ymin", text);
    gch_decimal_format(view->top, text, sizeof text);
    cli_json_add_text(object, "ymax", text);
    cli_json_add_text(object, "axis", view->axis == GCH_AXIS_LOG ? "log" : "linear");
}

static cJSON *view_json(const gch_chart_stats *stats, gch_time_unit unit, const gch_time_zone *zone)
{
    const gch_view *view = &stats->view;
    cJSON *object = cJSON_CreateObject();
    char text[64];
    if (stats->is_plane) {
        gch_decimal_format(stats->plane.left, text, sizeof text);
        cli_json_add_text(object, "xmin", text);
        gch_decimal_format(stats->plane.right, text, sizeof text);
        cli_json_add_text(object, "xmax", text);
        add_axis(object, view);
        return object;
    }
    snprintf(text, sizeof text, "%lld", (long long)view->t0);
    cli_json_add_text(object, "from", text);
    snprintf(text, sizeof text, "%lld", (long long)view->t1);
    cli_json_add_text(object, "to", text);
    add_axis(object, view);
    cli_json_add_text(object, "time_unit", gch_time_unit_name(unit));
    gch_time_format(view->t0, unit, zone, text, sizeof text);
    cli_json_add_text(object, "from_text", text);
    gch_time_format(view->t1, unit, zone, text, sizeof text);
    cli_json_add_text(object, "to_text", text);
    return object;
}

static cJSON *plot_json(uint32_t x_px, uint32_t y_px, const gch_view *view)
{
    cJSON *object = cJSON_CreateObject();
    cli_json_add_count(object, "x_px", x_px);
    cli_json_add_count(object, "y_px", y_px);
    cli_json_add_count(object, "width_px", view->width_px);
    cli_json_add_count(object, "height_px", view->height_px);
    return object;
}

static cJSON *axis_json(const gch_view *view)
{
    cJSON *object = cJSON_CreateObject();
    add_axis(object, view);
    return object;
}

static cJSON *panels_json(const gch_chart_stats *stats)
{
    cJSON *array = cJSON_CreateArray();
    for (uint32_t i = 0; i < stats->panel_count; i++) {
        const gch_panel_stats *panel = &stats->panels[i];
        cJSON *object = cJSON_CreateObject();
        cJSON_AddItemToObject(
            object, "plot",
            plot_json(panel->x_px, panel->y_px, panel->has_left ? &panel->left : &panel->right));
        if (panel->has_left)
            cJSON_AddItemToObject(object, "left", axis_json(&panel->left));
        if (panel->has_right)
            cJSON_AddItemToObject(object, "right", axis_json(&panel->right));
        cJSON_AddItemToArray(array, object);
    }
    return array;
}

static cJSON *times_json(const gch_chart_stats *stats, const cli_render_times *times)
{
    cJSON *object = cJSON_CreateObject();
    cli_json_add_real(object, "open", times->open_ms);
    cli_json_add_real(object, "layout", stats->layout_ms);
    cli_json_add_real(object, "query", stats->query_ms);
    cli_json_add_real(object, "raster", stats->raster_ms);
    cli_json_add_real(object, "frame", stats->total_ms);
    cli_json_add_real(object, "encode", times->encode_ms);
    cli_json_add_real(object, "total", times->total_ms);
    return object;
}

/* Bytes by the kernel's count (proc(5), /proc/self/status); null where it has none. The peak
 * counts pages of mapped files too; the private part is what the process itself allocated. */
static cJSON *memory_json(void)
{
    static const struct {
        const char *key, *name;
    } fields[] = {
        {"VmHWM:", "peak_rss_bytes"},
        {"VmRSS:", "rss_bytes"},
        {"RssAnon:", "private_rss_bytes"},
        {"RssFile:", "mapped_rss_bytes"},
    };
    cJSON *object = cJSON_CreateObject();
    uint64_t kilobytes[CLI_COUNT_OF(fields)] = {0};
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof line, status) != NULL) {
        for (size_t i = 0; i < CLI_COUNT_OF(fields); i++) {
            size_t length = strlen(fields[i].key);
            if (strncmp(line, fields[i].key, length) == 0)
                kilobytes[i] = strtoull(line + length, NULL, 10);
        }
    }
    if (status != NULL)
        fclose(status);
    for (size_t i = 0; i < CLI_COUNT_OF(fields); i++) {
        if (kilobytes[i] > 0) /* a running process holds more than none */
            cli_json_add_count(object, fields[i].name, kilobytes[i] * 1024);
        else
            cJSON_AddNullToObject(object, fields[i].name);
    }
    return object;
}

/* What the data manager did. */
static cJSON *data_json(void)
{
    gch_data_stats stats;
    char text[8192];
    cli_data_get_stats(&stats);
    (void)gch_data_stats_json(&stats, text, sizeof text);
    return cJSON_Parse(text);
}

int cli_render_print_stats(const cli_render_job *job, const gch_chart_stats *stats,
                           const cli_render_times *times, uint32_t thread_count, FILE *out)
{
    static const char *const backends[] = {[GCH_BACKEND_CPU] = "cpu",
                                           [GCH_BACKEND_REFERENCE] = "reference",
                                           [GCH_BACKEND_GPU] = "gpu"};
    cJSON *object = cJSON_CreateObject();
    cli_json_add_text(object, "backend", backends[stats->backend]);
    cJSON_AddBoolToObject(object, "bare", job->desc.is_bare);
    cli_json_add_count(object, "threads", thread_count);
    cli_json_add_count(object, "series", job->series_count);
    gch_time_unit unit = gch_file_get_info(job->files[0])->time_unit;
    cJSON_AddItemToObject(object, "view", view_json(stats, unit, job->zone));
    cJSON_AddItemToObject(object, "plot",
                          plot_json(stats->plot_x_px, stats->plot_y_px, &stats->view));
    cJSON_AddItemToObject(object, "panels", panels_json(stats));
    cli_json_add_count(object, "rows_visible", stats->rows_visible);
    cli_json_add_count(object, "blocks_decoded", stats->blocks_decoded);
    cli_json_add_count(object, "nodes_read", stats->nodes_read);
    cli_json_add_count(object, "bytes_read", stats->bytes_read);
    cJSON_AddItemToObject(object, "ms", times_json(stats, times));
    cJSON_AddItemToObject(object, "memory", memory_json());
    cJSON_AddItemToObject(object, "data", data_json());
    return cli_json_print(object, out);
}
