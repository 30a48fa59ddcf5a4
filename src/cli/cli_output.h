/* Output files that appear whole or not at all.
 *
 *     cli_output output;
 *     int code = cli_output_open("chart.png", &output);
 *     ... write to output.stream ...
 *     code = is_fine ? cli_output_commit(&output) : cli_output_abandon(&output);
 *
 * A regular file is written under a temporary name in its folder and renamed at commit; until then
 * a file of that name stays as it was. "-" is stdout, and a device or a pipe is written directly.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

typedef struct cli_output {
    FILE *stream;
    const char *shown;        /* for messages */
    char path[PATH_MAX];      /* symbolic links resolved; "" for stdout */
    char temporary[PATH_MAX]; /* "" if written directly */
} cli_output;

/* Exit codes; on failure the message is printed. `path` is borrowed until the end. Signals are
 * caught from here on (cli_progress.h). */
int cli_output_open(const char *path, cli_output *out);
/* Fails if a write has failed or a signal came meanwhile. The output is gone afterwards. */
int cli_output_commit(cli_output *output);
/* Removes what was written; returns CLI_FAILED and prints nothing. */
int cli_output_abandon(cli_output *output);

#endif
