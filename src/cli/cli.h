/* What the commands of `gpucharts` share: exit codes, messages, opening files, reading times.
 *
 * 1. A program: it includes the public headers and its own, nothing else of the library.
 * 2. Every message goes to stderr as "gpucharts: ..." and names the file or the option at fault;
 *    stdout carries only what was asked for.
 * 3. Control characters of file and column names never reach a terminal.
 */
#ifndef CLI_H
#define CLI_H

#include "gch/gch.h"

#include <stdarg.h>

enum {
    CLI_OK = 0,
    CLI_FAILED = 1, /* the operation failed */
    CLI_USAGE = 2,  /* the command line is wrong */
};

#define CLI_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

typedef struct cli_command {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns an exit code */
} cli_command;

int cli_ingest(int argc, char **argv);
int cli_export(int argc, char **argv);
int cli_gen(int argc, char **argv);
int cli_info(int argc, char **argv);
int cli_verify(int argc, char **argv);
int cli_render(int argc, char **argv);
int cli_view(int argc, char **argv);
int cli_bench(int argc, char **argv);
int cli_serve(int argc, char **argv);
int cli_tail(int argc, char **argv);
int cli_publish(int argc, char **argv);

/* Prints "gpucharts: ..." and returns CLI_FAILED, so that a failure is one line. */
GCH_PRINTF(1, 2) int cli_fail(const char *format, ...);
/* The same for a wrong command line, with a pointer to the command's help (NULL: the program's). */
GCH_PRINTF(2, 3) int cli_usage(const char *command, const char *format, ...);

/* Every file comes through one data manager, made with the first of them. */
void cli_data_set_budget(uint64_t byte_count); /* before the first file; 0: the library's default */
int cli_data_need(bool is_remote);             /* makes it if there is none */
void cli_data_get_stats(gch_data_stats *out);  /* zeros before the first file */
gch_data *cli_data_get(void);                  /* NULL before the first file */
void cli_data_end(void);

/* Opens a .gch file or prints why not. */
int cli_file_open(const char *path, const gch_file **out);
/* The same with the whole file mapped, whatever its size: for reading all of it once. */
int cli_file_open_whole(const char *path, const gch_file **out);
void cli_file_close(const gch_file *file); /* NULL is allowed */
/* The source of an open file; false for one that was not opened here. */
bool cli_file_find_source(const gch_file *file, gch_source *out);
/* CLI_USAGE if the output is one of the inputs. */
int cli_check_overlap(const char *command, const char *output, char *const *inputs,
                      size_t input_count);
/* The same for a .gch output, which is renamed into place; so that it never replaces a device,
 * CLI_FAILED if it exists and is no regular file. */
int cli_check_output(const char *command, const char *output, char *const *inputs,
                     size_t input_count);
/* Checks that an input can be read at all ("-" passes), for one wording in every command. */
int cli_check_input(const char *path);

/* thread_count 0: one for each processor. */
int cli_workers_make(uint64_t thread_count, gch_workers **out);

/* --from and --to of a chart or an export. */
typedef struct cli_range_desc {
    const char *command;
    const char *from, *to; /* NULL: not given */
    gch_time_unit unit;
    const gch_time_zone *zone;
    bool has_rows;
    int64_t first_time, last_time; /* of the data, if has_rows */
} cli_range_desc;

/* Resolves [*from, *to); *given is false if neither option was there. */
int cli_range_read(const cli_range_desc *desc, bool *given, int64_t *from, int64_t *to);
/* ISO 8601, or an integer in the unit. `option` stands in the message. */
int cli_time_read(const char *command, const char *option, const char *text, gch_time_unit unit,
                  const gch_time_zone *zone, int64_t *out_ticks);

/* Column by name, else by its number from 1; GCH_COLUMN_NOT_FOUND. */
uint32_t cli_column_find(const gch_file *file, const char *name);
/* Says that there is no such column, with the closest one or the list of those that exist. */
int cli_column_missing(const gch_file *file, const char *name);

#endif
