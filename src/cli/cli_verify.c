/* gpucharts verify: every checksum and invariant of each file named. */
#include "cli.h"

#include "cli_options.h"
#include "cli_progress.h"
#include "cli_text.h"

#include <limits.h>
#include <stdio.h>

typedef struct verify_options {
    uint64_t threads;
    bool is_quiet;
} verify_options;

static int verify_file(const verify_options *o, const char *path, gch_workers *workers)
{
    const gch_file *file = NULL;
    int code = cli_file_open_whole(path, &file);
    if (code != CLI_OK)
        return code;
    gch_error err;
    cli_progress progress;
    cli_progress_begin(&progress, "verify", CLI_PROGRESS_SHARE, o->is_quiet);
    gch_status status = gch_file_verify(file, workers, &progress.report, &err);
    cli_progress_end(&progress);
    if (status == GCH_CANCELLED) {
        code = cli_fail("interrupted");
    } else if (status != GCH_OK) {
        code = cli_fail("%s", err.message);
    } else if (!o->is_quiet) {
        const gch_file_info *info = gch_file_get_info(file);
        char rows[CLI_NUMBER_CAP], bytes[CLI_NUMBER_CAP], name[PATH_MAX];
        cli_clean_text(path, name, sizeof name);
        printf("%s: sound (%s row%s, %s)\n", name, cli_format_count(info->row_count, rows),
               info->row_count == 1 ? "" : "s", cli_format_bytes(info->file_bytes, bytes));
    }
    cli_file_close(file);
    return code;
}

int cli_verify(int argc, char **argv)
{
    verify_options o = {0};
    const cli_option options[] = {
        {"threads", 0, "N", "threads to use (default: one a processor)", cli_read_threads,
         &o.threads, NULL},
        {"quiet", 'q', NULL, "print nothing about sound files", cli_read_flag, &o.is_quiet, NULL},
    };
    const cli_spec spec = {
        .command = "verify",
        .usage = "FILE... [options]",
        .description = "Checks every checksum and every invariant of .gch files. Exits with 1 if "
                       "any of them is damaged, and names the place.",
        .examples = "  gpucharts verify ticks.gch\n"
                    "  gpucharts verify --quiet archive/*.gch",
        .options = options,
        .option_count = CLI_COUNT_OF(options),
        .operand_min = 1,
        .operand_max = INT_MAX,
        .operand_name = "FILE",
    };
    cli_operands files;
    int code;
    if (!cli_options_read(&spec, argc, argv, &files, &code))
        return code;
    gch_workers *workers = NULL;
    code = cli_workers_make(o.threads, &workers);
    if (code != CLI_OK)
        return code;
    for (size_t i = 0; i < files.count && cli_signal_caught() == 0; i++) {
        if (verify_file(&o, files.items[i], workers) != CLI_OK)
            code = CLI_FAILED;
    }
    gch_workers_destroy(workers);
    return code;
}
