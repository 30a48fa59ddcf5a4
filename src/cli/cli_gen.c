/* gpucharts gen: synthetic data, the same for the same seed on any machine. */
#include "cli.h"

#include "cli_options.h"
#include "cli_progress.h"
#include "cli_text.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static const cli_choice kinds[] = {{"walk", GCH_GENERATOR_WALK},
                                   {"sensor", GCH_GENERATOR_SENSOR},
                                   {"ticks", GCH_GENERATOR_TICKS},
                                   {"sine", GCH_GENERATOR_SINE},
                                   {"ecg", GCH_GENERATOR_ECG},
                                   {"points", GCH_GENERATOR_POINTS},
                                   {NULL, 0}};

typedef struct gen_options {
    const char *output;
    int kind;
    uint64_t points, seed, threads;
    cli_preset preset;
    bool is_quiet;
} gen_options;

static int print_summary(const gen_options *o, double seconds)
{
    const gch_file *file = NULL;
    int code = cli_file_open(o->output, &file);
    if (code != CLI_OK)
        return code;
    const gch_file_info *info = gch_file_get_info(file);
    char a[CLI_NUMBER_CAP], b[CLI_NUMBER_CAP], yield[CLI_YIELD_CAP], name[PATH_MAX];
    cli_clean_text(o->output, name, sizeof name);
    fprintf(stderr, "%s: %s row%s written, %u column%s, %s out, %s\n", name,
            cli_format_count(info->row_count, a), info->row_count == 1 ? "" : "s",
            info->column_count, info->column_count == 1 ? "" : "s",
            cli_format_bytes(info->file_bytes, b),
            cli_format_yield(info->row_count, info->row_count * info->column_count,
                             info->file_bytes, seconds, yield));
    cli_file_close(file);
    return CLI_OK;
}

static int generate(const gen_options *o)
{
    gch_workers *workers = NULL;
    int code = cli_check_output("gen", o->output, NULL, 0);
    if (code == CLI_OK)
        code = cli_workers_make(o->threads, &workers);
    if (code != CLI_OK)
        return code;
    gch_error err;
    cli_progress progress;
    cli_progress_begin(&progress, "gen", CLI_PROGRESS_ROWS, o->is_quiet);
    gch_status status = gch_generate(
        &(gch_generate_desc){
            .kind = (gch_generator)o->kind,
            .row_count = o->points,
            .seed = o->seed,
            .output = o->output,
            .preset = o->preset.preset,
            .tolerance = o->preset.tolerance,
            .workers = workers,
            .progress = &progress.report,
        },
        &err);
    cli_progress_end(&progress);
    double seconds = (double)(cli_clock_ns() - progress.start_ns) / 1e9;
    if (status == GCH_CANCELLED)
        code = cli_fail("interrupted; %s is as it was", o->output);
    else if (status != GCH_OK)
        code = cli_fail("%s", err.message);
    else if (!o->is_quiet)
        code = print_summary(o, seconds);
    gch_workers_destroy(workers);
    return code;
}

int cli_gen(int argc, char **argv)
{
    gen_options o = {.kind = GCH_GENERATOR_WALK, .points = UINT64_MAX, .seed = 1};
    const cli_option options[] = {
        {"output", 'o', "FILE", "the .gch file to write", cli_read_text, &o.output, NULL},
        {"kind", 0, "KIND",
         "walk (1 s steps, 0.01), sensor (1 ms, 12-bit integers), ticks (irregular ms, price and "
         "volume), sine (100 us, f32), ecg (2 ms, 0.001 mV) or points (a point set: clusters in a "
         "plane, with size, value and category); default: walk",
         cli_read_choice, &o.kind, kinds},
        {"points", 'n', "N", "how many rows: 1000, 1e9, 100M, 1_000_000", cli_read_count, &o.points,
         NULL},
        {"seed", 0, "S", "another seed gives other data, the same one the same (default: 1)",
         cli_read_count, &o.seed, NULL},
        {"preset", 0, "PRESET",
         "how values are packed: lossless, fast, or tolerance=ABS (default: lossless)",
         cli_read_preset, &o.preset, NULL},
        {"threads", 0, "N", "threads to use (default: one a processor)", cli_read_threads,
         &o.threads, NULL},
        {"quiet", 'q', NULL, "no progress and no summary", cli_read_flag, &o.is_quiet, NULL},
    };
    const cli_spec spec = {
        .command = "gen",
        .usage = "--points N -o FILE [options]",
        .description = "Makes synthetic data. The same kind, number of points and seed give the "
                       "same file whatever the machine and the number of threads.",
        .examples = "  gpucharts gen --kind ticks --points 100M -o ticks.gch\n"
                    "  gpucharts gen --kind ecg --points 1e6 --seed 7 -o heart.gch",
        .options = options,
        .option_count = CLI_COUNT_OF(options),
        .operand_min = 0,
        .operand_max = 0,
        .operand_name = "argument",
    };
    cli_operands operands;
    int code;
    if (!cli_options_read(&spec, argc, argv, &operands, &code))
        return code;
    if (o.points == UINT64_MAX)
        return cli_usage("gen", "no --points given");
    if (o.output == NULL)
        return cli_usage("gen", "no -o FILE given");
    if (strcmp(o.output, "-") == 0)
        return cli_usage("gen", "a .gch file cannot be written to standard output");
    return generate(&o);
}
