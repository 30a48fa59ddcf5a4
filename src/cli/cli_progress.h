/* A progress bar on a terminal's stderr, and stopping long work by a signal.
 *
 *     cli_progress progress;
 *     cli_progress_begin(&progress, "ingest", CLI_PROGRESS_BYTES, is_quiet);
 *     status = gch_ingest(&(gch_ingest_desc){.progress = &progress.report, ...}, &report, &err);
 *     cli_progress_end(&progress);
 *
 * Nothing is drawn into a pipe or a file, nor with --quiet; the signal works all the same.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "gch/progress.h"

typedef enum cli_progress_unit {
    CLI_PROGRESS_BYTES = 0,
    CLI_PROGRESS_ROWS = 1,
    CLI_PROGRESS_SHARE = 2, /* only a percentage */
} cli_progress_unit;

typedef struct cli_progress {
    gch_progress report; /* what the library takes; its context is this struct */
    const char *label;
    cli_progress_unit unit;
    bool is_shown, is_utf8, is_drawn;
    int64_t start_ns, drawn_ns;
} cli_progress;

void cli_progress_begin(cli_progress *progress, const char *label, cli_progress_unit unit,
                        bool is_quiet);
/* Wipes the bar. */
void cli_progress_end(cli_progress *progress);

/* From here on the first SIGINT, SIGTERM or SIGHUP only makes progress reports return false, so
 * that the work at hand cleans up; a second one ends the process. */
void cli_signal_catch(void);
/* Such a signal shall also make reads of standard input fail, which would otherwise wait for it. */
void cli_signal_fail_stdin(void);
/* The signal that came, or 0. */
int cli_signal_caught(void);

/* Monotonic nanoseconds. */
int64_t cli_clock_ns(void);

#endif
