/* gpucharts: dispatch, --help and --version, suggestions, the end of the process.
 *
 * 1. Output that could not be written is a failure: stdout is flushed and checked at the end.
 * 2. A caught signal ends the process by that signal, so that shells and scripts see it.
 * 3. A closed pipe on stdout ends the process quietly, as it does any filter.
 */
#include "cli.h"

#include "cli_progress.h"
#include "cli_text.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const cli_command commands[] = {
    {"ingest", "read CSV, raw binary or NumPy files into a .gch file", cli_ingest},
    {"export", "write a .gch file as CSV", cli_export},
    {"gen", "make synthetic data", cli_gen},
    {"info", "show columns, ranges and where the bytes go", cli_info},
    {"verify", "check every checksum and invariant", cli_verify},
    {"render", "draw a chart into a picture", cli_render},
    {"view", "show a chart in a window", cli_view},
    {"bench", "measure frames of your own data on this machine", cli_bench},
    {"serve", "serve files and live series over the network", cli_serve},
    {"tail", "follow a live series as CSV", cli_tail},
    {"publish", "publish CSV from standard input into a live series", cli_publish},
};

static void print_help(FILE *out)
{
    fputs("usage: gpucharts COMMAND [options]\n\n"
          "Exact charts of very large time series.\n\ncommands:\n",
          out);
    for (size_t i = 0; i < CLI_COUNT_OF(commands); i++)
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
    fputs("\noptions:\n"
          "  -h, --help     show this help; after a command, that command's\n"
          "      --version  show the version\n"
          "\nexamples:\n"
          "  gpucharts ingest ticks.csv\n"
          "  gpucharts render ticks.gch -o ticks.png\n",
          out);
}

static int unknown_option(const char *word)
{
    cli_guess guess = {.word = word + strspn(word, "-")};
    cli_guess_offer(&guess, "help");
    cli_guess_offer(&guess, "version");
    if (guess.best != NULL)
        return cli_usage(NULL, "unknown option %s; did you mean --%s?", word, guess.best);
    return cli_usage(NULL, "unknown option %s", word);
}

static int unknown_command(const char *word)
{
    if (word[0] == '-')
        return unknown_option(word);
    cli_guess guess = {.word = word};
    for (size_t i = 0; i < CLI_COUNT_OF(commands); i++)
        cli_guess_offer(&guess, commands[i].name);
    if (guess.best != NULL)
        return cli_usage(NULL, "no command '%s'; did you mean '%s'?", word, guess.best);
    if (access(word, F_OK) == 0) {
        size_t length = strlen(word);
        bool is_chart_file = length > 4 && strcmp(word + length - 4, ".gch") == 0;
        return cli_usage(NULL, "'%s' is a file, not a command; did you mean '%s %s'?", word,
                         is_chart_file ? "info" : "ingest", word);
    }
    return cli_usage(NULL, "no command '%s'", word);
}

static const cli_command *find_command(const char *name)
{
    for (size_t i = 0; i < CLI_COUNT_OF(commands); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return CLI_USAGE;
    }
    const char *word = argv[1];
    bool is_help_word = strcmp(word, "help") == 0;
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        puts("gpucharts " GCH_VERSION_TEXT);
        return CLI_OK;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || (is_help_word && argc == 2)) {
        print_help(stdout);
        return CLI_OK;
    }
    if (is_help_word) {
        const cli_command *command = find_command(argv[2]);
        char help[] = "--help";
        char *arguments[] = {argv[2], help, NULL};
        return command != NULL ? command->run(2, arguments) : unknown_command(argv[2]);
    }
    const cli_command *command = find_command(word);
    return command != NULL ? command->run(argc - 1, argv + 1) : unknown_command(word);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_DFL); /* a parent may have it ignored */
    int code = dispatch(argc, argv);
    cli_data_end();
    int number = cli_signal_caught();
    if (code != CLI_OK && number != 0) {
        signal(number, SIG_DFL);
        raise(number);
    }
    if (code == CLI_OK && (fflush(stdout) != 0 || ferror(stdout)))
        return cli_fail("standard output: %s", strerror(errno));
    return code;
}
