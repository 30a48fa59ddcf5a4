/* The panels of `gpucharts render`: which series stands in which, and what is said of each
 * (cli_render.h). */
#include "cli_render.h"

#include "cli_text.h"

#include <stdlib.h>
#include <string.h>

/* "left", "right", "log", "right-log" */
static bool parse_axis(const char *text, gch_axis_side *side, bool *is_log)
{
    *side = strncmp(text, "right", 5) == 0 ? GCH_AXIS_RIGHT : GCH_AXIS_LEFT;
    *is_log = strcmp(text, "log") == 0 || strcmp(text, "right-log") == 0;
    return *is_log || strcmp(text, "left") == 0 || strcmp(text, "right") == 0;
}

int cli_render_read_place(cli_render_job *job, size_t i, gch_chart_series *series)
{
    const cli_render_options *o = job->options;
    const char *panel = cli_list_item(&o->panels, i), *axis = cli_list_item(&o->axes, i);
    uint64_t number = 1;
    if (panel != NULL && (!cli_parse_count(panel, &number) || number < 1 || number > GCH_PANEL_CAP))
        return cli_usage(job->command->name, "--panel: '%.60s' is not a number from 1 to %u", panel,
                         GCH_PANEL_CAP);
    bool is_log = false;
    if (axis != NULL && !parse_axis(axis, &series->axis, &is_log))
        return cli_usage(job->command->name,
                         "--axis: '%.60s' is not one of left, right, log, right-log", axis);
    series->panel = (uint32_t)number - 1;
    if (job->panel_count < number)
        job->panel_count = (uint32_t)number;
    gch_panel_desc *desc = &job->panels[series->panel];
    if (is_log || o->is_log)
        (series->axis == GCH_AXIS_LEFT ? &desc->left : &desc->right)->axis = GCH_AXIS_LOG;
    return CLI_OK;
}

/* "3,1,1": one for each panel. */
static int read_heights(cli_render_job *job)
{
    const char *text = job->options->panel_heights;
    double heights[GCH_PANEL_CAP];
    if (text == NULL)
        return CLI_OK;
    size_t count = cli_parse_reals(text, heights, GCH_PANEL_CAP);
    bool is_sound = count > 0;
    for (size_t i = 0; i < count; i++) {
        is_sound = is_sound && heights[i] >= 0.001 && heights[i] <= 1000;
        job->panels[i].height = (float)heights[i];
    }
    if (!is_sound)
        return cli_usage(job->command->name,
                         "--panel-height: '%.60s' is not a list of heights from 0.001 to 1000, "
                         "such as 3,1",
                         text);
    if (count > job->panel_count)
        return cli_usage(job->command->name,
                         "--panel-height has %zu heights for %u panel%s (--panel makes them)",
                         count, job->panel_count, job->panel_count == 1 ? "" : "s");
    return CLI_OK;
}

static int check_count(const cli_render_job *job, const char *option, size_t count,
                       uint32_t panel_count)
{
    if (count <= panel_count)
        return CLI_OK;
    return cli_usage(job->command->name, "%s is given %zu times for %u panel%s", option, count,
                     panel_count, panel_count == 1 ? "" : "s");
}

/* Doubles can only tell bounds that are clearly swapped; the library compares exactly. */
static int read_bounds(cli_render_job *job, uint32_t panel)
{
    const cli_render_options *o = job->options;
    gch_axis_desc *axis = &job->panels[panel].left;
    cli_exact bottom = {0}, top = {0};
    if (panel < o->bottoms.count)
        bottom = o->bottoms.items[panel];
    if (panel < o->tops.count)
        top = o->tops.items[panel];
    double low = gch_decimal_to_double(bottom.value), high = gch_decimal_to_double(top.value);
    if (bottom.is_given && top.is_given && low > high)
        return cli_usage(job->command->name, "--ymin is above --ymax");
    if (axis->axis == GCH_AXIS_LOG &&
        ((bottom.is_given && low <= 0) || (top.is_given && high <= 0)))
        return cli_usage(job->command->name, "a logarithmic axis needs --ymin and --ymax above 0");
    axis->has_bottom = bottom.is_given;
    axis->bottom = bottom.value;
    axis->has_top = top.is_given;
    axis->top = top.value;
    return CLI_OK;
}

int cli_render_read_panels(cli_render_job *job)
{
    const cli_render_options *o = job->options;
    int code = check_count(job, "--ymin", o->bottoms.count, job->panel_count);
    if (code == CLI_OK)
        code = check_count(job, "--ymax", o->tops.count, job->panel_count);
    if (code == CLI_OK)
        code = check_count(job, "--panel-title", o->panel_titles.count, job->panel_count);
    if (code == CLI_OK)
        code = read_heights(job);
    for (uint32_t i = 0; code == CLI_OK && i < job->panel_count; i++) {
        if (i < o->panel_titles.count)
            job->panels[i].title = o->panel_titles.items[i];
        code = read_bounds(job, i);
    }
    job->desc.panels = job->panels;
    job->desc.panel_count = job->panel_count;
    return code;
}
