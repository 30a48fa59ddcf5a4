/* gpucharts ingest: other formats into a .gch file, and what was guessed on the way. */
#include "cli.h"

#include "cli_options.h"
#include "cli_progress.h"
#include "cli_text.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const cli_choice formats[] = {
    {"csv", GCH_FORMAT_CSV}, {"raw", GCH_FORMAT_RAW}, {"npy", GCH_FORMAT_NPY}, {NULL, 0}};

static const cli_choice curves[] = {
    {"morton", GCH_CURVE_MORTON}, {"hilbert", GCH_CURVE_HILBERT}, {NULL, 0}};

typedef enum encoder_choice { ENCODER_CPU, ENCODER_GPU, ENCODER_AUTO } encoder_choice;
static const cli_choice encoders[] = {
    {"cpu", ENCODER_CPU}, {"gpu", ENCODER_GPU}, {"auto", ENCODER_AUTO}, {NULL, 0}};

/* Below, a second is not worth a device's start. */
#define AUTO_BYTES_MIN ((uint64_t)1 << 30)

typedef struct ingest_options {
    const char *output;
    int format, header, time_unit, encoder, curve;
    const char *points;
    char *x, *y; /* its two parts, in x; NULL: no point set */
    const char *time, *zone, *layout, *start, *commit_every;
    cli_list columns, tolerances;
    gch_column_tolerance *own_tolerances; /* the same, read */
    cli_preset preset;
    char delimiter;
    uint64_t skip_bytes, skip_bad, threads, commit_every_ms;
    double rate_hz;
    bool sort, append, is_quiet;
} ingest_options;

/* "data/ticks.csv" -> "data/ticks.gch". False if the path is too long. */
static bool default_output(const char *input, char *out, size_t cap)
{
    const char *slash = strrchr(input, '/');
    const char *dot = strrchr(slash != NULL ? slash : input, '.');
    bool has_extension = dot != NULL && dot != input && (slash == NULL || dot > slash + 1);
    int stem = (int)(has_extension ? (size_t)(dot - input) : strlen(input));
    int length = snprintf(out, cap, "%.*s.gch", stem, input);
    return length > 0 && (size_t)length < cap;
}

/* "500ms", "2s", "1m": 1 ms to a day. */
static bool read_duration(const char *text, uint64_t *out_ms)
{
    static const struct {
        const char *name;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    uint64_t number = 0;
    size_t at = 0;
    for (; at < 9 && text[at] >= '0' && text[at] <= '9'; at++)
        number = number * 10 + (uint64_t)(text[at] - '0');
    for (size_t i = 0; at > 0 && i < CLI_COUNT_OF(units); i++) {
        if (strcmp(text + at, units[i].name) == 0) {
            *out_ms = number * units[i].ms;
            return *out_ms > 0 && *out_ms <= 86400000;
        }
    }
    return false;
}

/* "lon,lat" into two names. */
static bool split_points(ingest_options *o)
{
    static char names[2 * GCH_ERROR_MESSAGE_CAP];
    const char *comma = strchr(o->points, ',');
    int length = snprintf(names, sizeof names, "%s", o->points);
    if (comma == NULL || comma == o->points || comma[1] == '\0' || strchr(comma + 1, ',') != NULL ||
        length < 0 || (size_t)length >= sizeof names)
        return false;
    o->x = names;
    o->y = names + (comma - o->points) + 1;
    o->y[-1] = '\0';
    return true;
}

static int check_points(ingest_options *o)
{
    if (o->points == NULL)
        return o->curve == GCH_CURVE_DEFAULT ? CLI_OK
                                             : cli_usage("ingest", "--order needs --points X,Y");
    if (!split_points(o))
        return cli_usage("ingest", "--points takes two columns, such as x,y or 1,2, not %s",
                         o->points);
    if (o->time != NULL || o->rate_hz > 0 || o->sort || o->commit_every != NULL ||
        (o->time_unit != GCH_TIME_DEFAULT && o->time_unit != GCH_TIME_INDEX))
        return cli_usage("ingest", "the rows of a point set have no times: --points goes without "
                                   "--time, --time-unit, --rate, --sort and --commit-every");
    return CLI_OK;
}

/* "temp=0.01" into the name and the tolerance; names may have "=" in them. The text is argv's. */
static int read_tolerances(ingest_options *o)
{
    static char names[GCH_COLUMN_CAP][256];
    for (size_t i = 0; i < o->tolerances.count; i++) {
        const char *text = o->tolerances.items[i], *equals = strrchr(text, '=');
        gch_column_tolerance *own = &o->own_tolerances[i];
        char why[CLI_WHY_CAP];
        if (equals == NULL || equals == text || (size_t)(equals - text) >= sizeof names[0])
            return cli_usage("ingest",
                             "--tolerance takes a column and its tolerance, such as temp=0.01, not "
                             "%.80s",
                             text);
        snprintf(names[i], sizeof names[0], "%.*s", (int)(equals - text), text);
        own->column = names[i];
        if (!cli_parse_tolerance(equals + 1, &own->tolerance, why))
            return cli_usage("ingest", "--tolerance %.80s: %s", text, why);
    }
    if (o->tolerances.count == 0)
        return CLI_OK;
    if (o->preset.preset != GCH_PRESET_DEFAULT && o->preset.preset != GCH_PRESET_TOLERANCE)
        return cli_usage("ingest", "--tolerance and --preset %s exclude each other",
                         gch_preset_name(o->preset.preset));
    o->preset.preset = GCH_PRESET_TOLERANCE;
    return CLI_OK;
}

/* What the command line alone tells to be wrong. */
static int check_options(ingest_options *o, const cli_operands *inputs)
{
    int code = check_points(o);
    if (code == CLI_OK)
        code = read_tolerances(o);
    if (code != CLI_OK)
        return code;
    if (o->commit_every != NULL && !read_duration(o->commit_every, &o->commit_every_ms))
        return cli_usage("ingest",
                         "--commit-every takes 1ms to 24h, such as 500ms, 2s or 1m, not %s",
                         o->commit_every);
    if (o->commit_every != NULL && o->sort)
        return cli_usage("ingest", "--sort needs all rows first; drop it or --commit-every");
    if (o->start != NULL && !(o->rate_hz > 0))
        return cli_usage("ingest", "--start needs --rate");
    if (o->rate_hz > 0 && o->time_unit == GCH_TIME_INDEX)
        return cli_usage("ingest", "--rate gives times, and --time-unit index has none");
    if (o->rate_hz > 0 && o->time != NULL && strcmp(o->time, "none") != 0)
        return cli_usage("ingest", "--rate replaces the time column; drop --time %s", o->time);
    bool is_raw = o->format == GCH_FORMAT_RAW;
    if (is_raw && o->layout == NULL)
        return cli_usage("ingest", "--format raw needs --layout, such as time:i64,price:f64");
    if (o->layout != NULL && o->format != GCH_FORMAT_DEFAULT && !is_raw)
        return cli_usage("ingest", "--layout describes raw binary, not --format %s",
                         formats[o->format - 1].name);
    if (o->skip_bytes > 0 && o->layout == NULL)
        return cli_usage("ingest", "--skip-bytes is for raw binary and needs --layout");
    for (size_t i = 0; i < inputs->count; i++) {
        bool is_stdin = strcmp(inputs->items[i], "-") == 0;
        if (is_stdin && inputs->count > 1)
            return cli_usage("ingest", "standard input stands alone");
        if (is_stdin && o->output == NULL)
            return cli_usage("ingest", "reading standard input needs -o OUT.gch");
    }
    if (o->output != NULL && strcmp(o->output, "-") == 0)
        return cli_usage("ingest", "a .gch file cannot be written to standard output");
    return CLI_OK;
}

static uint64_t file_bytes(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && status.st_size > 0 ? (uint64_t)status.st_size : 0;
}

/* *out is NULL if the processor is to encode; a line says why if the GPU was asked for. */
static void make_encoder(const ingest_options *o, const cli_operands *inputs, gch_workers *workers,
                         gch_encoder **out)
{
    uint64_t bytes = 0;
    gch_error err;
    *out = NULL;
    for (size_t i = 0; i < inputs->count; i++)
        bytes += file_bytes(inputs->items[i]);
    if (o->encoder == ENCODER_CPU || (o->encoder == ENCODER_AUTO && bytes < AUTO_BYTES_MIN))
        return;
    const gch_encoder_desc desc = {.only_if_faster = o->encoder == ENCODER_AUTO,
                                   .workers = workers};
    if (gch_encoder_make_gpu(&desc, out, &err) != GCH_OK)
        fprintf(stderr, "encoded on the processor: %s\n", err.message);
}

static void print_encoder(const gch_encoder *encoder)
{
    char count[CLI_NUMBER_CAP], adapter[GCH_ERROR_MESSAGE_CAP];
    gch_encoder_stats stats = gch_encoder_get_stats(encoder);
    cli_clean_text(stats.adapter, adapter, sizeof adapter);
    fprintf(stderr, "%s encoded %s value%s\n", adapter, cli_format_count(stats.value_count, count),
            stats.value_count == 1 ? "" : "s");
}

/* The lines after a success. */
static int print_summary(const ingest_options *o, const char *output, uint64_t old_bytes,
                         const gch_ingest_report *report, double seconds)
{
    const gch_file *file = NULL;
    int code = cli_file_open(output, &file);
    if (code != CLI_OK)
        return code;
    const gch_file_info *info = gch_file_get_info(file);
    char a[CLI_NUMBER_CAP], b[CLI_NUMBER_CAP], c[CLI_NUMBER_CAP];
    if (report->time_unit_guessed)
        fprintf(stderr, "time unit: %s (guessed from the magnitude; --time-unit to change)\n",
                gch_time_unit_name(report->time_unit));
    else if (o->rate_hz > 0 && o->time_unit == GCH_TIME_DEFAULT)
        fprintf(stderr, "time unit: ns (the default with --rate; --time-unit to change)\n");
    if (report->skipped_column_count > 0)
        fprintf(stderr, "skipped %s column%s that hold%s no numbers\n",
                cli_format_count(report->skipped_column_count, a),
                report->skipped_column_count == 1 ? "" : "s",
                report->skipped_column_count == 1 ? "s" : "");
    if (report->bad_count > 0) {
        char first[GCH_ERROR_MESSAGE_CAP];
        cli_clean_text(report->first_bad, first, sizeof first);
        fprintf(stderr, "skipped %s bad line%s; the first: %s\n",
                cli_format_count(report->bad_count, a), report->bad_count == 1 ? "" : "s", first);
    }
    char name[PATH_MAX];
    cli_clean_text(output, name, sizeof name);
    uint64_t new_bytes = info->file_bytes > old_bytes ? info->file_bytes - old_bytes : 0;
    char yield[CLI_YIELD_CAP];
    fprintf(stderr, "%s: %s row%s %s, %u column%s, %s in, %s out, %s\n", name,
            cli_format_count(report->row_count, a), report->row_count == 1 ? "" : "s",
            o->append ? "added" : "written", info->column_count, info->column_count == 1 ? "" : "s",
            cli_format_bytes(report->input_bytes, b), cli_format_bytes(new_bytes, c),
            cli_format_yield(report->row_count, report->row_count * info->column_count, new_bytes,
                             seconds, yield));
    cli_file_close(file);
    return CLI_OK;
}

static int run(const ingest_options *o, const cli_operands *inputs, const char *output)
{
    gch_workers *workers = NULL;
    gch_encoder *encoder = NULL;
    gch_time_zone *zone = NULL;
    gch_error err;
    int64_t start_ticks = 0;
    gch_time_unit unit = (gch_time_unit)o->time_unit;
    if (o->rate_hz > 0 && unit == GCH_TIME_DEFAULT)
        unit = GCH_TIME_NS;
    /* The writer keeps a zone as text, so that a mistyped one is caught here. */
    if (gch_time_zone_open(o->zone, NULL, &zone, &err) != GCH_OK)
        return cli_usage("ingest", "--tz: %s", err.message);

    int code = CLI_OK;
    if (o->start != NULL)
        code = cli_time_read("ingest", "--start", o->start, unit, zone, &start_ticks);
    for (size_t i = 0; code == CLI_OK && i < inputs->count; i++)
        code = cli_check_input(inputs->items[i]);
    if (code == CLI_OK)
        code = cli_check_output("ingest", output, inputs->items, inputs->count);
    if (code == CLI_OK)
        code = cli_workers_make(o->threads, &workers);
    if (code != CLI_OK)
        goto cleanup;
    make_encoder(o, inputs, workers, &encoder);

    uint64_t old_bytes = o->append ? file_bytes(output) : 0;
    if (strcmp(inputs->items[0], "-") == 0)
        cli_signal_fail_stdin();
    cli_progress progress;
    cli_progress_begin(&progress, "ingest", CLI_PROGRESS_BYTES, o->is_quiet);
    gch_ingest_report report = {0};
    gch_status status = gch_ingest(
        &(gch_ingest_desc){
            .format = (gch_format)o->format,
            .inputs = (const char *const *)inputs->items,
            .input_count = (uint32_t)inputs->count,
            .output = output,
            .append = o->append,
            .header = (gch_header)o->header,
            .delimiter = o->delimiter,
            .layout = o->layout,
            .skip_bytes = o->skip_bytes,
            .time_column = o->time,
            .columns = o->columns.count > 0 ? o->columns.items : NULL,
            .column_count = (uint32_t)o->columns.count,
            .time_unit = unit,
            .time_zone = o->zone,
            .rate_hz = o->rate_hz,
            .start_ticks = start_ticks,
            .commit_every_ms = o->commit_every_ms,
            .x_column = o->x,
            .y_column = o->y,
            .curve = (gch_curve)o->curve,
            .preset = o->preset.preset,
            .tolerance = o->preset.tolerance,
            .tolerances = o->own_tolerances,
            .tolerance_count = (uint32_t)o->tolerances.count,
            .sort = o->sort,
            .skip_bad = o->skip_bad,
            .workers = workers,
            .encoder = encoder,
            .progress = &progress.report,
        },
        &report, &err);
    cli_progress_end(&progress);
    double seconds = (double)(cli_clock_ns() - progress.start_ns) / 1e9;
    const unsigned long long kept = report.committed_count;
    if (status != GCH_OK && cli_signal_caught() != 0)
        code = kept > 0
                   ? cli_fail("interrupted; %s holds the %llu rows committed before", output, kept)
                   : cli_fail("interrupted; %s is as it was", output);
    else if (status == GCH_UNSORTED && !o->sort && !report.is_before_output && kept == 0)
        code = cli_fail("%s (--sort puts rows in order)", err.message);
    else if (status != GCH_OK)
        code = kept > 0 ? cli_fail("%s (%s holds the %llu rows committed before)", err.message,
                                   output, kept)
                        : cli_fail("%s", err.message);
    else if (!o->is_quiet)
        code = print_summary(o, output, old_bytes, &report, seconds);
    if (encoder != NULL && gch_encoder_get_stats(encoder).failure[0] != 0)
        fprintf(stderr, "encoded on the processor: %s\n", gch_encoder_get_stats(encoder).failure);
    if (encoder != NULL && code == CLI_OK && !o->is_quiet)
        print_encoder(encoder);
cleanup:
    gch_encoder_destroy(encoder);
    gch_workers_destroy(workers);
    gch_time_zone_close(zone);
    return code;
}

int cli_ingest(int argc, char **argv)
{
    static const char *columns[GCH_COLUMN_CAP], *tolerances[GCH_COLUMN_CAP];
    static gch_column_tolerance own_tolerances[GCH_COLUMN_CAP];
    ingest_options o = {.columns = {.items = columns, .cap = GCH_COLUMN_CAP},
                        .tolerances = {.items = tolerances, .cap = GCH_COLUMN_CAP},
                        .own_tolerances = own_tolerances};
    const cli_option options[] = {
        {"output", 'o', "OUT.gch", "the file to write (default: the input's name with .gch)",
         cli_read_text, &o.output, NULL},
        {"format", 0, "FORMAT", "csv, raw or npy (default: by content; raw if --layout is given)",
         cli_read_choice, &o.format, formats},
        {"time", 0, "COL",
         "the time column by name or number, or none (default: one called time, "
         "timestamp, date, t or ts, else the first)",
         cli_read_text, &o.time, NULL},
        {"column", 0, "COL", "a value column by name or number; may be repeated (default: all)",
         cli_read_list, &o.columns, NULL},
        {"time-unit", 0, "UNIT", "s, ms, us, ns or index (default: guessed)", cli_read_choice,
         &o.time_unit, cli_time_units},
        {"tz", 0, "ZONE", "zone of times without an offset, and of display (default: UTC)",
         cli_read_text, &o.zone, NULL},
        {"header", 0, "WHEN", "yes, no or auto: whether the first line names the columns",
         cli_read_choice, &o.header, cli_headers},
        {"delimiter", 0, "C", "one character, or tab, comma, semicolon, pipe (default: guessed)",
         cli_read_delimiter, &o.delimiter, NULL},
        {"layout", 0, "SPEC",
         "fields of raw binary in order as NAME:TYPE,...; types i8 u8 i16 u16 "
         "i32 u32 i64 f32 f64; the name _ is skipped",
         cli_read_text, &o.layout, NULL},
        {"skip-bytes", 0, "N", "bytes before the first raw record, such as a WAV header's 44",
         cli_read_count, &o.skip_bytes, NULL},
        {"rate", 0, "HZ", "rows a second, instead of a time column", cli_read_positive, &o.rate_hz,
         NULL},
        {"start", 0, "T", "time of the first row with --rate (default: 0)", cli_read_text, &o.start,
         NULL},
        {"commit-every", 0, "TIME",
         "show rows to readers of the output while it grows, so often: 500ms 2s 1m", cli_read_text,
         &o.commit_every, NULL},
        {"sort", 0, NULL, "sort rows by time instead of refusing unsorted input", cli_read_flag,
         &o.sort, NULL},
        {"points", 0, "X,Y",
         "a point set instead of a series: the columns of its coordinates, by name or number; its "
         "rows are sorted so that neighbours in the plane are neighbours in the file",
         cli_read_text, &o.points, NULL},
        {"order", 0, "CURVE",
         "the curve they are sorted along: morton or hilbert (default: morton)", cli_read_choice,
         &o.curve, curves},
        {"skip-bad", 0, "N", "drop up to N malformed CSV lines and say how many", cli_read_count,
         &o.skip_bad, NULL},
        {"append", 0, NULL, "add to an existing output instead of replacing it", cli_read_flag,
         &o.append, NULL},
        {"preset", 0, "PRESET",
         "how values are packed: lossless; fast, which is lossless in less time; or tolerance=ABS, "
         "which stores numbers that are not integers at most ABS off (default: lossless)",
         cli_read_preset, &o.preset, NULL},
        {"tolerance", 0, "COL=ABS",
         "the tolerance of one column, by name; may be repeated; without --preset the others are "
         "lossless",
         cli_read_list, &o.tolerances, NULL},
        {"threads", 0, "N", "threads to use (default: one a processor)", cli_read_threads,
         &o.threads, NULL},
        {"encoder", 0, "NAME",
         "who packs the values: cpu, gpu, or auto, which tries a discrete GPU from 1 GB of input "
         "on and stays with the faster (default: cpu); the file is the same",
         cli_read_choice, &o.encoder, encoders},
        {"quiet", 'q', NULL, "no progress and no summary", cli_read_flag, &o.is_quiet, NULL},
    };
    const cli_spec spec = {
        .command = "ingest",
        .usage = "INPUT... [-o OUT.gch] [options]",
        .description = "Reads CSV, raw little-endian binary or NumPy .npy files into a .gch file. "
                       "INPUT may be - for standard input. Values and times are kept to the bit, "
                       "unless a tolerance is given. "
                       "On any failure the output is as it was before, or as the last "
                       "--commit-every left it.",
        .examples = "  gpucharts ingest ticks.csv\n"
                    "  gpucharts ingest log.tsv -o log.gch --time when --column temp --tz "
                    "Europe/Berlin\n"
                    "  zcat ticks.csv.gz | gpucharts ingest - -o ticks.gch\n"
                    "  gpucharts ingest rec.wav --layout left:i16,right:i16 --skip-bytes 44 --rate "
                    "48000\n"
                    "  gpucharts ingest today.csv -o all.gch --append\n"
                    "  gpucharts ingest stars.csv --points ra,dec\n"
                    "  gpucharts ingest log.csv --preset tolerance=0.01 --tolerance rpm=0.5\n"
                    "  tail -f sensor.csv | gpucharts ingest - -o live.gch --commit-every 1s",
        .options = options,
        .option_count = CLI_COUNT_OF(options),
        .operand_min = 1,
        .operand_max = GCH_COLUMN_CAP,
        .operand_name = "INPUT",
    };
    cli_operands inputs;
    int code;
    if (!cli_options_read(&spec, argc, argv, &inputs, &code))
        return code;
    code = check_options(&o, &inputs);
    if (code != CLI_OK)
        return code;
    char output[PATH_MAX];
    if (o.output == NULL) {
        if (!default_output(inputs.items[0], output, sizeof output))
            return cli_usage("ingest", "the input's path is too long; give -o OUT.gch");
        o.output = output;
    }
    return run(&o, &inputs, o.output);
}
