/* One run of `gpucharts render`: shared between choosing what to draw and drawing it. */
#ifndef CLI_RENDER_H
#define CLI_RENDER_H

#include "cli.h"
#include "cli_options.h"

#define CLI_LABEL_CAP 800u

typedef struct cli_render_options {
    const char *output;
    cli_list columns, types, studies, colors, widths;
    const char *size_by, *color_by, *category_by;
    const char *bar, *from, *to, *size, *title, *zone;
    cli_exact left, right, bottom, top;
    double scale;
    int format, theme, backend, density_scale, palette;
    uint64_t threads, memory_bytes;
    bool is_bare, is_log, hide_legend, has_stats;
} cli_render_options;

typedef struct cli_render_job {
    const cli_render_options *options;
    char *const *paths;
    const gch_file *files[GCH_SERIES_CAP];
    size_t file_count;
    gch_chart_series series[GCH_SERIES_CAP];
    uint32_t series_count;
    char labels[GCH_SERIES_CAP][CLI_LABEL_CAP];
    gch_time_zone *zone;
    gch_chart_desc desc;
    gch_image_format format;
} cli_render_job;

/* Wall-clock milliseconds that only the command can know. */
typedef struct cli_render_times {
    double open_ms, encode_ms, total_ms;
} cli_render_times;

/* What is wrong whatever the files hold; fills size, format, scale and theme of the desc. */
int cli_render_prepare(cli_render_job *job);
/* Fills the series from --column, --type, --study, --color and --line-width. */
int cli_render_choose(cli_render_job *job);
/* Zone, time range, value range, bar width. */
int cli_render_frame_view(cli_render_job *job);

/* One JSON object about the picture; an exit code. */
int cli_render_print_stats(const cli_render_job *job, const gch_chart_stats *stats,
                           const cli_render_times *times, uint32_t thread_count, FILE *out);

#endif
