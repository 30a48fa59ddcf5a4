/* gpucharts export: a .gch file back into CSV. */
#include "cli.h"

#include "cli_options.h"
#include "cli_output.h"
#include "cli_progress.h"

#include <stdio.h>
#include <string.h>

typedef struct export_options {
    const char *output;
    cli_list columns;
    const char *from, *to;
    bool no_header, integer_times, is_quiet;
} export_options;

static int write_csv(const export_options *o, const gch_file *file, gch_export_desc desc)
{
    cli_output output;
    int code = cli_output_open(o->output, &output);
    if (code != CLI_OK)
        return code;
    gch_error err;
    cli_progress progress;
    /* A bar between the lines of a table on the same terminal would only disturb. */
    bool is_silent = o->is_quiet || output.stream == stdout;
    cli_progress_begin(&progress, "export", CLI_PROGRESS_ROWS, is_silent);
    desc.progress = &progress.report;
    gch_status status = gch_export_csv(file, &desc, output.stream, &err);
    cli_progress_end(&progress);
    if (status == GCH_OK)
        return cli_output_commit(&output);
    if (status == GCH_CANCELLED && output.stream != stdout)
        (void)cli_fail("interrupted; %s is as it was", o->output);
    else if (status != GCH_CANCELLED && ferror(output.stream))
        (void)cli_fail("%s: %s", output.shown, err.message);
    else if (status != GCH_CANCELLED)
        (void)cli_fail("%s", err.message);
    return cli_output_abandon(&output);
}

static int export_file(const export_options *o, const gch_file *file)
{
    static uint32_t columns[GCH_COLUMN_CAP];
    const gch_file_info *info = gch_file_get_info(file);
    for (size_t i = 0; i < o->columns.count; i++) {
        columns[i] = cli_column_find(file, o->columns.items[i]);
        if (columns[i] == GCH_COLUMN_NOT_FOUND)
            return cli_column_missing(file, o->columns.items[i]);
    }
    gch_time_zone *zone = NULL;
    gch_error err;
    if (gch_time_zone_open(info->time_zone, NULL, &zone, &err) != GCH_OK)
        zone = NULL; /* the data is there all the same; times are then read as UTC */
    gch_export_desc desc = {
        .columns = o->columns.count > 0 ? columns : NULL,
        .column_count = (uint32_t)o->columns.count,
        .no_header = o->no_header,
        .integer_times = o->integer_times,
    };
    bool has_range;
    int code = cli_range_read(
        &(cli_range_desc){
            .command = "export",
            .from = o->from,
            .to = o->to,
            .unit = info->time_unit,
            .zone = zone,
            .has_rows = info->row_count > 0,
            .first_time = info->first_time,
            .last_time = info->last_time,
        },
        &has_range, &desc.from, &desc.to);
    gch_time_zone_close(zone);
    return code == CLI_OK ? write_csv(o, file, desc) : code;
}

int cli_export(int argc, char **argv)
{
    static const char *columns[GCH_COLUMN_CAP];
    export_options o = {.output = "-", .columns = {.items = columns, .cap = GCH_COLUMN_CAP}};
    const cli_option options[] = {
        {"output", 'o', "OUT.csv", "the file to write (default: -, standard output)", cli_read_text,
         &o.output, NULL},
        {"column", 0, "COL", "a value column by name or number; may be repeated (default: all)",
         cli_read_list, &o.columns, NULL},
        {"from", 0, "T", "first time to write", cli_read_text, &o.from, NULL},
        {"to", 0, "T", "end of the times to write, itself left out", cli_read_text, &o.to, NULL},
        {"no-header", 0, NULL, "leave out the line of column names", cli_read_flag, &o.no_header,
         NULL},
        {"integer-times", 0, NULL, "write times as integers in the file's unit, not as ISO 8601",
         cli_read_flag, &o.integer_times, NULL},
        {"quiet", 'q', NULL, "no progress", cli_read_flag, &o.is_quiet, NULL},
    };
    const cli_spec spec = {
        .command = "export",
        .usage = "FILE [-o OUT.csv] [options]",
        .description = "Writes a .gch file as CSV. Ingesting the text again gives the same values "
                       "and times bit for bit. T is ISO 8601, in the file's zone unless it says "
                       "otherwise, or an integer in the file's time unit.",
        .examples =
            "  gpucharts export ticks.gch -o ticks.csv\n"
            "  gpucharts export ticks.gch --column price --from 2024-03-01 --to 2024-03-02\n"
            "  gpucharts export ticks.gch --no-header | awk -F, '{print $2}'",
        .options = options,
        .option_count = CLI_COUNT_OF(options),
        .operand_min = 1,
        .operand_max = 1,
        .operand_name = "FILE",
    };
    cli_operands files;
    int code;
    if (!cli_options_read(&spec, argc, argv, &files, &code))
        return code;
    const gch_file *file = NULL;
    code = cli_file_open(files.items[0], &file);
    if (code != CLI_OK)
        return code;
    /* The file is mapped while the output is written: one must not be the other. */
    if (strcmp(o.output, "-") != 0)
        code = cli_check_overlap("export", o.output, files.items, files.count);
    if (code == CLI_OK)
        code = export_file(&o, file);
    cli_file_close(file);
    return code;
}
