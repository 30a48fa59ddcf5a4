/* One option parser for every command, driven by a table.
 *
 *     const char *output = NULL;
 *     bool is_quiet = false;
 *     const cli_option options[] = {
 *         {"output", 'o', "FILE", "the file to write", cli_read_text, &output, NULL},
 *         {"quiet", 'q', NULL, "say nothing", cli_read_flag, &is_quiet, NULL},
 *     };
 *     cli_operands operands;
 *     int code;
 *     if (!cli_options_read(&spec, argc, argv, &operands, &code))
 *         return code;
 *
 * Long options take their value after "=" or as the next argument, short ones at once or as the
 * next; short flags may be bundled. Options and operands mix freely; after "--" all is operand, and
 * "-" is one. --help (-h) is there without being listed. A repeated option keeps its last value,
 * or all of them if it reads into a list.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "gch/file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLI_WHY_CAP 200u

typedef struct cli_choice {
    const char *name; /* NULL ends a list */
    int value;
} cli_choice;

typedef struct cli_option cli_option;

/* Reads `text` into option->target. On failure fills `why`: what is wrong, without the option. */
typedef bool cli_reader(const cli_option *option, const char *text, char why[CLI_WHY_CAP]);

struct cli_option {
    const char *name;  /* without dashes */
    char letter;       /* 0: none */
    const char *value; /* what its value is called; NULL: a flag */
    const char *help;
    cli_reader *read;
    void *target;
    const cli_choice *choices; /* cli_read_choice */
};

/* All texts given to a repeated option, in order; `items` is the caller's. */
typedef struct cli_list {
    const char **items;
    size_t count, cap;
} cli_list;

/* The text for item i of what an option may be repeated for: the last one holds for the rest; NULL
 * if it was not given. */
const char *cli_list_item(const cli_list *list, size_t i);

typedef struct cli_exact {
    gch_decimal value;
    bool is_given;
} cli_exact;

/* The values of a repeated option, in order; "auto" gives none. */
typedef struct cli_exact_list {
    cli_exact *items;
    size_t count, cap;
} cli_exact_list;

/* "lossless", "fast", "tolerance=0.01". */
typedef struct cli_preset {
    gch_preset preset; /* DEFAULT: not given */
    gch_decimal tolerance;
} cli_preset;

cli_reader cli_read_flag;      /* bool */
cli_reader cli_read_text;      /* const char *, borrowed from argv; empty text is refused */
cli_reader cli_read_any_text;  /* const char *, empty allowed */
cli_reader cli_read_list;      /* cli_list */
cli_reader cli_read_count;     /* uint64_t */
cli_reader cli_read_threads;   /* uint64_t, 1 to 1024 */
cli_reader cli_read_positive;  /* double > 0 */
cli_reader cli_read_exact;     /* cli_exact */
cli_reader cli_read_exacts;    /* cli_exact_list */
cli_reader cli_read_choice;    /* int */
cli_reader cli_read_preset;    /* cli_preset */
cli_reader cli_read_delimiter; /* char: one ASCII character, or "tab", "comma", ... */

/* A number above 0 that is a decimal of at most 18 digits; otherwise fills `why`. */
bool cli_parse_tolerance(const char *text, gch_decimal *out, char why[CLI_WHY_CAP]);

extern const cli_choice cli_headers[];    /* gch_header */
extern const cli_choice cli_time_units[]; /* gch_time_unit */

typedef struct cli_spec {
    const char *command;
    const char *usage;       /* after "gpucharts COMMAND " */
    const char *description; /* a paragraph; wrapped */
    const char *notes;       /* NULL: none; printed as it is */
    const char *examples;    /* lines, each a command */
    const cli_option *options;
    size_t option_count;
    size_t operand_min, operand_max;
    const char *operand_name; /* "FILE" */
} cli_spec;

typedef struct cli_operands {
    char **items; /* within argv, which is reordered */
    size_t count;
} cli_operands;

/* False if the command ends here with *exit_code: help was asked for, or the line is wrong (said on
 * stderr). */
bool cli_options_read(const cli_spec *spec, int argc, char **argv, cli_operands *out,
                      int *exit_code);

#endif
