/* One run of a command that draws charts (render, view, bench frames): its options, choosing what
 * to draw, and drawing it. */
#ifndef CLI_RENDER_H
#define CLI_RENDER_H

#include "cli.h"
#include "cli_options.h"

#define CLI_LABEL_CAP 800u

typedef struct cli_render_options {
    const char *output;
    cli_list columns, highs, types, studies, colors, widths, dashes, panels, axes; /* by series */
    cli_list panel_titles;
    cli_exact_list bottoms, tops; /* by panel */
    cli_exact left, right;
    uint64_t bins;
    const char *size_by, *color_by, *category_by;
    const char *bar, *from, *to, *size, *title, *zone, *panel_heights;
    double scale;
    int format, theme, backend, density_scale, palette;
    uint64_t threads, memory_bytes;
    bool is_bare, is_log, hide_legend, has_stats;
} cli_render_options;

/* Such a command: its texts, and which options it has. */
typedef struct cli_render_command {
    const char *name, *usage, *description, *notes, *examples;
    const char *const *left_out; /* options of `render` that it does not have; NULL ends the list */
    const cli_option *own;       /* those that only it has */
    size_t own_count;
} cli_render_command;

typedef struct cli_render_job {
    const cli_render_command *command;
    cli_render_options *options;
    char *const *paths;
    const gch_file *files[GCH_SERIES_CAP];
    size_t file_count;
    gch_chart_series series[GCH_SERIES_CAP];
    uint32_t series_count;
    char labels[GCH_SERIES_CAP][CLI_LABEL_CAP];
    gch_panel_desc panels[GCH_PANEL_CAP];
    uint32_t panel_count;
    gch_time_zone *zone;
    gch_chart_desc desc;
    gch_image_format format;
} cli_render_job;

/* Wall-clock milliseconds that only the command can know. */
typedef struct cli_render_times {
    double open_ms, encode_ms, total_ms;
} cli_render_times;

/* Reads the command line into job->options, which hold what is so without options; false if the
 * command ends here with *exit_code. The job lives as long as the process. */
bool cli_render_read(const cli_render_command *command, int argc, char **argv, cli_render_job *job,
                     int *exit_code);
int cli_render_open(cli_render_job *job); /* the files */
void cli_render_close(cli_render_job *job);
/* The chart as one panel whose left axis stands in the desc itself, for those that move its view:
 * of a chart that has no more than that. */
void cli_render_flatten(cli_render_job *job);

/* What is wrong whatever the files hold; fills size, format, scale and theme of the desc. */
int cli_render_prepare(cli_render_job *job);
/* Fills the series from --column, --type, --study, --color, --line-width, --panel and --axis; the
 * panels. */
int cli_render_choose(cli_render_job *job);
/* Refuses points of a plane, for commands that move along times. */
int cli_render_need_times(const cli_render_job *job);
/* cli_render_panels.c: the panel and axis of series i, which makes panels up to that one. */
int cli_render_read_place(cli_render_job *job, size_t i, gch_chart_series *series);
/* Heights, titles and ranges of the panels that the series have made. */
int cli_render_read_panels(cli_render_job *job);
/* Zone, time range, value range, bar width. */
int cli_render_frame_view(cli_render_job *job);

/* One JSON object about the picture; an exit code. */
int cli_render_print_stats(const cli_render_job *job, const gch_chart_stats *stats,
                           const cli_render_times *times, uint32_t thread_count, FILE *out);

#endif
