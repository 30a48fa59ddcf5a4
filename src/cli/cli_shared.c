/* Messages, files and times: what every command needs (cli.h). */
#include "cli.h"

#include "cli_remote.h"
#include "cli_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MESSAGE_CAP 1024u

static void print_message(const char *format, va_list arguments)
{
    char raw[MESSAGE_CAP], clean[MESSAGE_CAP];
    vsnprintf(raw, sizeof raw, format, arguments);
    cli_clean_text(raw, clean, sizeof clean);
    fflush(stdout); /* so that what was printed before the fault stands before it */
    fprintf(stderr, "gpucharts: %s\n", clean);
}

int cli_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_message(format, arguments);
    va_end(arguments);
    return CLI_FAILED;
}

int cli_usage(const char *command, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_message(format, arguments);
    va_end(arguments);
    fprintf(stderr, "try: gpucharts %s%s--help\n", command != NULL ? command : "",
            command != NULL ? " " : "");
    return CLI_USAGE;
}

int cli_check_input(const char *path)
{
    struct stat status;
    if (strcmp(path, "-") == 0)
        return CLI_OK;
    if (stat(path, &status) != 0)
        return errno == ENOENT ? cli_fail("%s: no such file", path)
                               : cli_fail("%s: %s", path, strerror(errno));
    if (S_ISDIR(status.st_mode))
        return cli_fail("%s: is a folder, not a file", path);
    if (access(path, R_OK) != 0)
        return cli_fail("%s: %s", path, strerror(errno));
    return CLI_OK;
}

/* ---- files ---- */

#define FILE_CAP (GCH_SERIES_CAP + 1u)

static struct {
    uint64_t budget_bytes;
    gch_data *data;
    struct {
        const gch_file *file; /* NULL: free */
        gch_source source;
    } files[FILE_CAP];
} shared;

void cli_data_set_budget(uint64_t byte_count)
{
    shared.budget_bytes = byte_count;
}

void cli_data_get_stats(gch_data_stats *out)
{
    *out = (gch_data_stats){0};
    if (shared.data != NULL)
        gch_data_get_stats(shared.data, out);
}

gch_data *cli_data_get(void)
{
    return shared.data;
}

void cli_data_end(void)
{
    gch_error err;
    if (shared.data != NULL && gch_data_destroy(shared.data, &err) != GCH_OK)
        cli_fail("%s", err.message);
    shared.data = NULL;
    cli_remote_end();
}

int cli_data_need(bool is_remote)
{
    gch_error err;
    gch_data_desc desc = {.host_budget_bytes = shared.budget_bytes,
                          .loader_count = is_remote ? CLI_REMOTE_LOADERS : 0};
    if (shared.data == NULL && gch_data_make(&desc, &shared.data, &err) != GCH_OK)
        return cli_fail("%s", err.message);
    return CLI_OK;
}

static int open_source(const char *path, gch_io io, const gch_file **out)
{
    gch_error err;
    size_t slot = 0;
    while (slot < FILE_CAP && shared.files[slot].file != NULL)
        slot++;
    if (slot == FILE_CAP)
        return cli_fail("%s: more than %u files at once", path, FILE_CAP);
    bool is_remote = gch_url_is_url(path);
    int code = cli_data_need(is_remote);
    if (code != CLI_OK)
        return code;
    gch_source source;
    gch_source_desc desc = {.io = io};
    if ((is_remote ? cli_remote_open(shared.data, path, &source, &err)
                   : gch_source_open_file(shared.data, path, &desc, &source, &err)) != GCH_OK)
        return cli_fail("%s", err.message);
    if (gch_source_get_file(shared.data, source, out, &err) != GCH_OK)
        return cli_fail("%s", err.message);
    shared.files[slot].file = *out;
    shared.files[slot].source = source;
    return CLI_OK;
}

void cli_file_close(const gch_file *file)
{
    gch_error err;
    for (size_t i = 0; file != NULL && i < FILE_CAP; i++) {
        if (shared.files[i].file != file)
            continue;
        cli_remote_close(file);
        shared.files[i].file = NULL;
        if (gch_source_close(shared.data, shared.files[i].source, &err) != GCH_OK)
            cli_fail("%s", err.message);
        return;
    }
}

bool cli_file_find_source(const gch_file *file, gch_source *out)
{
    for (size_t i = 0; i < FILE_CAP; i++) {
        if (shared.files[i].file != file || file == NULL)
            continue;
        *out = shared.files[i].source;
        return true;
    }
    return false;
}

static int check_file(const char *path)
{
    if (strcmp(path, "-") == 0)
        return cli_fail("a .gch file is read at many places at once and cannot come from "
                        "standard input");
    return gch_url_is_url(path) ? CLI_OK : cli_check_input(path);
}

int cli_file_open(const char *path, const gch_file **out)
{
    int code = check_file(path);
    return code == CLI_OK ? open_source(path, GCH_IO_DEFAULT, out) : code;
}

int cli_file_open_whole(const char *path, const gch_file **out)
{
    if (gch_url_is_url(path))
        return cli_fail("%s: all of the file is read here, so fetch it first", path);
    cli_data_set_budget(UINT64_MAX / 4);
    int code = check_file(path);
    return code == CLI_OK ? open_source(path, GCH_IO_MAP, out) : code;
}

int cli_check_overlap(const char *command, const char *output, char *const *inputs,
                      size_t input_count)
{
    struct stat target, source;
    if (stat(output, &target) != 0)
        return CLI_OK;
    for (size_t i = 0; i < input_count; i++) {
        if (strcmp(inputs[i], "-") != 0 && stat(inputs[i], &source) == 0 &&
            source.st_dev == target.st_dev && source.st_ino == target.st_ino)
            return cli_usage(command, "%s is both input and output", output);
    }
    return CLI_OK;
}

int cli_check_output(const char *command, const char *output, char *const *inputs,
                     size_t input_count)
{
    struct stat target;
    if (stat(output, &target) != 0)
        return CLI_OK; /* not there yet, or not reachable: opening it will say */
    if (S_ISDIR(target.st_mode))
        return cli_fail("%s: is a folder, not a file", output);
    if (!S_ISREG(target.st_mode))
        return cli_fail("%s: is not a regular file", output);
    return cli_check_overlap(command, output, inputs, input_count);
}

int cli_workers_make(uint64_t thread_count, gch_workers **out)
{
    gch_error err;
    if (gch_workers_make((uint32_t)thread_count, NULL, out, &err) != GCH_OK)
        return cli_fail("%s", err.message);
    return CLI_OK;
}

/* Whether the text is an integer; *out is set unless it exceeds int64 (then *fits is false). */
static bool parse_integer(const char *text, int64_t *out, bool *fits)
{
    const char *digits = text + (text[0] == '-' || text[0] == '+');
    if (digits[0] == '\0' || digits[strspn(digits, "0123456789")] != '\0')
        return false;
    errno = 0;
    long long value = strtoll(text, NULL, 10);
    *fits = errno == 0;
    *out = value;
    return true;
}

int cli_time_read(const char *command, const char *option, const char *text, gch_time_unit unit,
                  const gch_time_zone *zone, int64_t *out_ticks)
{
    bool fits;
    if (parse_integer(text, out_ticks, &fits)) {
        if (!fits)
            return cli_usage(command, "%s: %.60s is beyond 64 bits", option, text);
        return CLI_OK;
    }
    if (unit == GCH_TIME_INDEX)
        return cli_usage(command, "%s: '%.60s' is not a row number; this data has no dates", option,
                         text);
    gch_error err;
    if (gch_time_parse(text, strlen(text), unit, zone, out_ticks, &err) != GCH_OK) {
        if (err.status == GCH_LIMIT)
            return cli_usage(command, "%s: %s", option, err.message);
        return cli_usage(command,
                         "%s: '%.60s' is neither ISO 8601 (2024-03-01T12:30:00) nor an integer in "
                         "%s",
                         option, text, gch_time_unit_name(unit));
    }
    return CLI_OK;
}

int cli_range_read(const cli_range_desc *desc, bool *given, int64_t *from, int64_t *to)
{
    *given = desc->from != NULL || desc->to != NULL;
    if (!*given)
        return CLI_OK;
    bool has_both = desc->from != NULL && desc->to != NULL;
    if (!has_both && !desc->has_rows)
        return cli_fail("there are no rows; give both --from and --to");
    /* The range is half-open, so that the last row needs one tick more. */
    int64_t end = desc->last_time < INT64_MAX ? desc->last_time + 1 : INT64_MAX;
    *from = desc->first_time;
    *to = end;
    int code = CLI_OK;
    if (desc->from != NULL)
        code = cli_time_read(desc->command, "--from", desc->from, desc->unit, desc->zone, from);
    if (code == CLI_OK && desc->to != NULL)
        code = cli_time_read(desc->command, "--to", desc->to, desc->unit, desc->zone, to);
    if (code != CLI_OK || *from < *to)
        return code;
    if (has_both)
        return cli_usage(desc->command, "--from %s is not before --to %s", desc->from, desc->to);
    char bound[64];
    gch_time_format(desc->from != NULL ? desc->last_time : desc->first_time, desc->unit, desc->zone,
                    bound, sizeof bound);
    if (desc->from != NULL)
        return cli_fail("--from %s is after the last time, %s; give --to too", desc->from, bound);
    return cli_fail("--to %s is not after the first time, %s; give --from too", desc->to, bound);
}

uint32_t cli_column_find(const gch_file *file, const char *name)
{
    uint32_t column = gch_file_find_column(file, name);
    if (column != GCH_COLUMN_NOT_FOUND)
        return column;
    uint64_t number;
    size_t length = strlen(name);
    bool is_number = length > 0 && length < 10 && strspn(name, "0123456789") == length;
    if (is_number && cli_parse_count(name, &number) && number >= 1 &&
        number <= gch_file_get_info(file)->column_count)
        return (uint32_t)(number - 1);
    return GCH_COLUMN_NOT_FOUND;
}

int cli_column_missing(const gch_file *file, const char *name)
{
    const gch_file_info *info = gch_file_get_info(file);
    cli_guess guess = {.word = name};
    for (uint32_t i = 0; i < info->column_count; i++)
        cli_guess_offer(&guess, info->columns[i].name);
    if (guess.best != NULL)
        return cli_fail("%s: no column '%.60s'; did you mean '%s'?", info->path, name, guess.best);
    char list[400];
    size_t used = 0;
    for (uint32_t i = 0; i < info->column_count && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i > 0 ? ", " : "",
                                 info->columns[i].name);
    if (used >= sizeof list)
        memcpy(list + sizeof list - 4, "...", 4);
    return cli_fail("%s: no column '%.60s'; there are %s", info->path, name, list);
}
