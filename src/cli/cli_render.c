/* gpucharts render: files in, one picture out. */
#include "cli_render.h"

#include "cli_output.h"
#include "cli_progress.h"
#include "cli_remote.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const cli_choice image_formats[] = {
    {"png", GCH_IMAGE_PNG}, {"ppm", GCH_IMAGE_PPM}, {NULL, 0}};

static const cli_choice themes[] = {{"light", GCH_THEME_LIGHT},
                                    {"dark", GCH_THEME_DARK},
                                    {"contrast", GCH_THEME_CONTRAST},
                                    {NULL, 0}};

static const cli_choice backends[] = {{"cpu", GCH_BACKEND_CPU},
                                      {"gpu", GCH_BACKEND_GPU},
                                      {"reference", GCH_BACKEND_REFERENCE},
                                      {NULL, 0}};

static const cli_choice density_scales[] = {{"log", GCH_DENSITY_LOG},
                                            {"linear", GCH_DENSITY_LINEAR},
                                            {"equal", GCH_DENSITY_EQUAL},
                                            {NULL, 0}};

static const cli_choice palettes[] = {{"moss", GCH_PALETTE_MOSS},
                                      {"ember", GCH_PALETTE_EMBER},
                                      {"dusk", GCH_PALETTE_DUSK},
                                      {NULL, 0}};

#define OWN_OPTION_CAP 8u /* of a command */

static double ms_since(int64_t start_ns)
{
    return (double)(cli_clock_ns() - start_ns) / 1e6;
}

/* Encodes into the output; the picture appears only when all of it is written. */
static int write_image(const cli_render_job *job, const gch_image *image, double *encode_ms)
{
    cli_output output;
    int code = cli_output_open(job->options->output, &output);
    if (code != CLI_OK)
        return code;
    int64_t start_ns = cli_clock_ns();
    gch_error err;
    if (gch_image_write(image, job->format, output.stream, &err) != GCH_OK) {
        (void)cli_fail("%s: %s", output.shown, err.message);
        return cli_output_abandon(&output);
    }
    code = cli_output_commit(&output);
    *encode_ms = ms_since(start_ns);
    return code;
}

int cli_render_open(cli_render_job *job)
{
    int code = CLI_OK;
    cli_data_set_budget(job->options->memory_bytes);
    for (size_t i = 0; code == CLI_OK && i < job->file_count; i++)
        code = cli_file_open(job->paths[i], &job->files[i]);
    return code;
}

void cli_render_flatten(cli_render_job *job)
{
    const gch_axis_desc *axis = &job->panels[0].left;
    job->desc.has_bottom = axis->has_bottom;
    job->desc.has_top = axis->has_top;
    job->desc.bottom = axis->bottom;
    job->desc.top = axis->top;
    job->desc.axis = axis->axis;
    job->desc.panels = NULL;
    job->desc.panel_count = 0;
    for (uint32_t i = 0; i < job->series_count; i++)
        job->series[i].panel = 0;
}

void cli_render_close(cli_render_job *job)
{
    gch_time_zone_close(job->zone);
    for (size_t i = 0; i < job->file_count; i++)
        cli_file_close(job->files[i]);
}

static int render(cli_render_job *job, int64_t start_ns)
{
    const cli_render_options *o = job->options;
    gch_workers *workers = NULL;
    gch_chart *chart = NULL;
    const gch_image *image = NULL;
    gch_chart_stats stats = {0};
    cli_render_times times = {0};
    gch_error err;

    int64_t open_ns = cli_clock_ns();
    int code = cli_render_open(job);
    times.open_ms = ms_since(open_ns);
    if (code == CLI_OK)
        code = cli_render_choose(job);
    if (code == CLI_OK)
        code = cli_render_frame_view(job);
    if (code == CLI_OK)
        code = cli_workers_make(o->threads, &workers);
    if (code != CLI_OK)
        goto cleanup;
    job->desc.workers = workers;
    job->desc.data = cli_data_get();
    if (gch_chart_make(NULL, &chart, &err) != GCH_OK ||
        cli_remote_frame(chart, &job->desc, &image, &stats, &err) != GCH_OK) {
        code = cli_fail("%s", err.message);
        goto cleanup;
    }
    if (stats.fallback[0] != 0)
        fprintf(stderr, "drawn on the processor: %s\n", stats.fallback);
    code = write_image(job, image, &times.encode_ms);
    if (code == CLI_OK && o->has_stats) {
        times.total_ms = ms_since(start_ns);
        FILE *out = strcmp(o->output, "-") == 0 ? stderr : stdout;
        /* The chart is still alive: the memory reported is that of the frame. */
        code = cli_render_print_stats(job, &stats, &times, gch_workers_count(workers), out);
    }
cleanup:
    gch_chart_destroy(chart);
    gch_workers_destroy(workers);
    cli_render_close(job);
    return code;
}

static bool is_left_out(const cli_render_command *command, const cli_option *option)
{
    const char *const *names = command->left_out;
    while (names != NULL && *names != NULL && strcmp(*names, option->name) != 0)
        names++;
    return names != NULL && *names != NULL;
}

bool cli_render_read(const cli_render_command *command, int argc, char **argv, cli_render_job *job,
                     int *exit_code)
{
    static const char *texts[10][GCH_SERIES_CAP];
    static cli_exact bounds[2][GCH_PANEL_CAP];
    cli_render_options o = *job->options;
    o.columns = (cli_list){.items = texts[0], .cap = GCH_SERIES_CAP};
    o.types = (cli_list){.items = texts[1], .cap = GCH_SERIES_CAP};
    o.colors = (cli_list){.items = texts[2], .cap = GCH_SERIES_CAP};
    o.widths = (cli_list){.items = texts[3], .cap = GCH_SERIES_CAP};
    o.studies = (cli_list){.items = texts[9], .cap = GCH_SERIES_CAP};
    o.panels = (cli_list){.items = texts[4], .cap = GCH_SERIES_CAP};
    o.axes = (cli_list){.items = texts[5], .cap = GCH_SERIES_CAP};
    o.dashes = (cli_list){.items = texts[7], .cap = GCH_SERIES_CAP};
    o.highs = (cli_list){.items = texts[8], .cap = GCH_SERIES_CAP};
    o.panel_titles = (cli_list){.items = texts[6], .cap = GCH_PANEL_CAP};
    o.bottoms = (cli_exact_list){.items = bounds[0], .cap = GCH_PANEL_CAP};
    o.tops = (cli_exact_list){.items = bounds[1], .cap = GCH_PANEL_CAP};
    const cli_option options[] = {
        {"output", 'o', "OUT", "the picture, .png or .ppm; - is standard output", cli_read_text,
         &o.output, NULL},
        {"column", 0, "COL",
         "a column by name or number, or FILE:COL; may be repeated (default: "
         "all; the first for candles, ohlc, band and histogram)",
         cli_read_list, &o.columns, NULL},
        {"type", 0, "TYPE",
         "line, step, area, candles, ohlc, scatter, bars, band, volume, density, points or "
         "histogram; repeated: one for each series, the last for the rest (default: line; points "
         "of a point "
         "set)",
         cli_read_list, &o.types, NULL},
        {"study", 0, "STUDY",
         "sma:N, ema:N (moving averages), range:N (lowest low to highest high) over the last N "
         "bars "
         "of the first series, or of a column: sma:N:COL; spread:COL, the first series less COL; "
         "may be repeated",
         cli_read_list, &o.studies, NULL},
        {"high", 0, "COL",
         "the column that a band of --column reaches to; repeated: one for each band (default: "
         "the column after)",
         cli_read_list, &o.highs, NULL},
        {"bar", 0, "WIDTH",
         "time a candle, a bar or a step of a study covers: 250ms 1m 15m 4h 1d 1w 1mo 1y, or ticks "
         "(default: fits the width)",
         cli_read_text, &o.bar, NULL},
        {"bins", 0, "N", "bins of a histogram (default: 100)", cli_read_count, &o.bins, NULL},
        {"density-scale", 0, "SCALE",
         "how counts of a density or of points become colours: log, linear, or "
         "equal, which gives each colour as many pixels (default: log)",
         cli_read_choice, &o.density_scale, density_scales},
        {"palette", 0, "NAME",
         "colours of a density or of points: moss, ember, or dusk, which any kind "
         "of colour vision tells apart (default: moss)",
         cli_read_choice, &o.palette, palettes},
        {"from", 0, "T", "left edge (default: the first time)", cli_read_text, &o.from, NULL},
        {"to", 0, "T", "right edge, itself left out (default: just past the last time)",
         cli_read_text, &o.to, NULL},
        {"ymin", 0, "V",
         "bottom edge, an exact decimal, or auto (default): fitted to what is visible; repeated: "
         "one for each panel",
         cli_read_exacts, &o.bottoms, NULL},
        {"ymax", 0, "V", "top edge", cli_read_exacts, &o.tops, NULL},
        {"xmin", 0, "V", "left edge of points of a point set, or of a histogram (default: all)",
         cli_read_exact, &o.left, NULL},
        {"xmax", 0, "V", "right edge of them", cli_read_exact, &o.right, NULL},
        {"size-by", 0, "COL", "points: the column that sizes them, by name or number",
         cli_read_text, &o.size_by, NULL},
        {"color-by", 0, "COL", "points: the column whose values colour them", cli_read_text,
         &o.color_by, NULL},
        {"category-by", 0, "COL", "points: the column of whole numbers that choose a colour each",
         cli_read_text, &o.category_by, NULL},
        {"log", 0, NULL, "logarithmic value axes", cli_read_flag, &o.is_log, NULL},
        {"panel", 0, "N",
         "draw in panel N, counted from the top, 1 to 8; panels share the time axis; repeated: one "
         "for each series, the last for the rest (default: 1; a study's is that of its series)",
         cli_read_list, &o.panels, NULL},
        {"axis", 0, "AXIS",
         "read values against the panel's left or right axis, or log or right-log, which makes it "
         "logarithmic; repeated: one for each series, the last for the rest (default: left)",
         cli_read_list, &o.axes, NULL},
        {"panel-height", 0, "H,H",
         "how high the panels are, in proportion: 3,1 (default: all alike)", cli_read_text,
         &o.panel_heights, NULL},
        {"panel-title", 0, "TEXT", "a title above a panel; repeated: one for each panel",
         cli_read_list, &o.panel_titles, NULL},
        {"size", 0, "WxH", "pixels of the picture (default: 1280x720)", cli_read_text, &o.size,
         NULL},
        {"scale", 0, "S", "size of text and strokes, 0.5 to 8; 2 for dense screens (default: 1)",
         cli_read_positive, &o.scale, NULL},
        {"theme", 0, "THEME", "light, dark or contrast (default: light)", cli_read_choice, &o.theme,
         themes},
        {"title", 0, "TEXT", "a title above the plot", cli_read_any_text, &o.title, NULL},
        {"color", 0, "COLOR", "#rgb, #rrggbb or #rrggbbaa; repeated: one for each series",
         cli_read_list, &o.colors, NULL},
        {"line-width", 0, "PX",
         "stroke width or point diameter; repeated: one for each series, "
         "the last for the rest",
         cli_read_list, &o.widths, NULL},
        {"dash", 0, "DASH",
         "of lines: solid, dashed, dotted, dash-dot, or lengths of dashes and gaps in turn, such "
         "as 4,2; repeated: one for each series, the last for the rest (default: solid)",
         cli_read_list, &o.dashes, NULL},
        {"no-legend", 0, NULL, "leave out the legend", cli_read_flag, &o.hide_legend, NULL},
        {"tz", 0, "ZONE", "zone of the time axis and of T (default: the file's)", cli_read_text,
         &o.zone, NULL},
        {"bare", 0, NULL,
         "the plot alone: white on black, lines one pixel wide, without smoothing or "
         "text, exactly the pixel rule; of a density the counts themselves",
         cli_read_flag, &o.is_bare, NULL},
        {"backend", 0, "NAME",
         "cpu; gpu (cpu where there is none); or reference: every row by brute force "
         "(bare; no steps, no scatter)",
         cli_read_choice, &o.backend, backends},
        {"format", 0, "FORMAT", "png or ppm, whatever the name of OUT", cli_read_choice, &o.format,
         image_formats},
        {"stats", 0, NULL,
         "print JSON about the picture: the view, rows, blocks, bytes read, "
         "times, memory (on stderr if the picture goes to stdout)",
         cli_read_flag, &o.has_stats, NULL},
        {"threads", 0, "N", "threads to use (default: one a processor)", cli_read_threads,
         &o.threads, NULL},
        {"memory", 0, "BYTES",
         "bytes of the files to hold in memory, such as 256M (default: half "
         "of the machine's)",
         cli_read_count, &o.memory_bytes, NULL},
    };
    cli_option chosen[CLI_COUNT_OF(options) + OWN_OPTION_CAP];
    size_t count = 0;
    for (size_t i = 0; i < CLI_COUNT_OF(options); i++) {
        if (!is_left_out(command, &options[i]))
            chosen[count++] = options[i];
    }
    for (size_t i = 0; i < command->own_count; i++)
        chosen[count++] = command->own[i];
    const cli_spec spec = {
        .command = command->name,
        .usage = command->usage,
        .description = command->description,
        .notes = command->notes,
        .examples = command->examples,
        .options = chosen,
        .option_count = count,
        .operand_min = 1,
        .operand_max = GCH_SERIES_CAP,
        .operand_name = "FILE",
    };
    cli_operands files;
    if (!cli_options_read(&spec, argc, argv, &files, exit_code))
        return false;
    *job->options = o;
    job->command = command;
    job->paths = files.items;
    job->file_count = files.count;
    return true;
}

int cli_render(int argc, char **argv)
{
    int64_t start_ns = cli_clock_ns();
    static const cli_render_command command = {
        .name = "render",
        .usage = "FILE... -o OUT.png [options]",
        .description = "Draws columns of .gch files into a picture. T is ISO 8601 "
                       "(2024-03-01T12:30:00.125, in --tz or the file's zone unless it has an "
                       "offset), or an integer in the file's time unit.",
        .examples =
            "  gpucharts render ticks.gch -o ticks.png\n"
            "  gpucharts render ticks.gch -o day.png --column price --type candles --bar 15m "
            "--from 2024-03-01 --to 2024-03-02\n"
            "  gpucharts render ticks.gch -o day.png --type candles --bar 1h --study ema:50 "
            "--study range:20\n"
            "  gpucharts render ticks.gch -o panels.png --column price --column volume --panel 1 "
            "--panel 2 --panel-height 3,1\n"
            "  gpucharts render a.gch b.gch -o ab.png --column a.gch:temp --column "
            "b.gch:temp --theme dark\n"
            "  gpucharts render stars.gch -o sky.png --color-by mag --xmin 80 --xmax 90\n"
            "  gpucharts render ticks.gch --bare -o - --format ppm | display -",
    };
    static cli_render_options o;
    static cli_render_job job = {.options = &o}; /* its labels are large for a stack */
    int code;
    if (!cli_render_read(&command, argc, argv, &job, &code))
        return code;
    if (o.output == NULL)
        return cli_usage("render", "no -o OUT.png given");
    code = cli_render_prepare(&job);
    if (code == CLI_OK && strcmp(o.output, "-") == 0 && isatty(STDOUT_FILENO))
        code = cli_usage("render", "a picture on a terminal is unreadable; redirect it or give a "
                                   "file to -o");
    if (code == CLI_OK)
        code = cli_check_overlap("render", o.output, job.paths, job.file_count);
    return code == CLI_OK ? render(&job, start_ns) : code;
}
