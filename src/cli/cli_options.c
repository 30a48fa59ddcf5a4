/* The option parser and the help it generates.
 *
 * 1. Every value is checked when it is read; a command sees only values within their range.
 * 2. Nothing is allocated: texts are borrowed from argv, operands are moved to its front.
 */
#include "cli_options.h"

#include "cli.h"
#include "cli_text.h"

#include <stdio.h>
#include <string.h>

#define HELP_INDENT 28u
#define HELP_WIDTH 80u

bool cli_read_flag(const cli_option *option, const char *text, char why[CLI_WHY_CAP])
{
    (void)text;
    why[0] = '\0';
    *(bool *)option->target = true;
    return true;
}

bool cli_read_any_text(const cli_option *option, const char *text, char why[CLI_WHY_CAP])
{
    why[0] = '\0';
    *(const char **)option->target = text;
    return true;
}

bool cli_read_text(const cli_option *option, const char *text, char why[CLI_WHY_CAP])
{
    if (text[0] == '\0') {
        snprintf(why, CLI_WHY_CAP, "an empty %s", option->value);
        return false;
    }
    return cli_read_any_text(option, text, why);
}

bool cli_read_list(const cli_option *option, const char *text, char why[CLI_WHY_CAP])
{
    cli_list *list = option->target;
    if (text[0] == '\0') {
        snprintf(why, CLI_WHY_CAP, "an empty %s", option->value);
        return false;
    }
    if (list->count == list->cap) {
        snprintf(why, CLI_WHY_CAP, "given more than %zu times", list->cap);
        return false;
    }
    list->items[list->count++] = text;
    return true;
}

const char *cli_list_item(const cli_list *list, size_t i)
{
    if (list->count == 0)
        return NULL;
    return list->items[i < list->count ? i : list->count - 1];
}

bool cli_read_count(const cli_option *option, const char *text, char why[CLI_WHY_CAP])
{
    if (cli_parse_count(text, option->target))
        return true;
    snprintf(why, CLI_WHY_CAP, "'%.60s' is not a whole number (1000, 1e9, 100M, 1_000_000)", text);
    return false;
}

bool cli_read_threads(const cli_option *option, const char *text, char why[CLI_WHY_CAP])
{
    uint64_t count;
    if (cli_parse_count(text, &count) && count >= 1 && count <= 1024) {
        *(uint64_t *)option->target = count;
        return true;
    }
    snprintf(why, CLI_WHY_CAP, "'%.60s' is not a number from 1 to 1024", text);
    return false;
}

bool cli_read_positive(const cli_option *option, const char *text, char why[CLI_WHY_CAP])
{
    double value;
    if (cli_parse_real(text, &value) && value > 0) {
        *(double *)option->target = value;
        return true;
    }
    snprintf(why, CLI_WHY_CAP, "'%.60s' is not a number above 0", text);
    return false;
}

static bool read_decimal(const char *text, cli_exact *out, char why[CLI_WHY_CAP])
{
    out->is_given = gch_decimal_parse(text, strlen(text), &out->value);
    if (!out->is_given)
        snprintf(why, CLI_WHY_CAP, "'%.60s' is not a decimal number of at most 18 digits", text);
    return out->is_given;
}

bool cli_read_exact(const cli_option *option, const char *text, char why[CLI_WHY_CAP])
{
    return read_decimal(text, option->target, why);
}

bool cli_read_exacts(const cli_option *option, const char *text, char why[CLI_WHY_CAP])
{
    cli_exact_list *list = option->target;
    if (list->count == list->cap) {
        snprintf(why, CLI_WHY_CAP, "given more than %zu times", list->cap);
        return false;
    }
    cli_exact *exact = &list->items[list->count];
    *exact = (cli_exact){.is_given = false};
    if (strcmp(text, "auto") != 0 && !read_decimal(text, exact, why))
        return false;
    list->count++;
    return true;
}

const cli_choice cli_headers[] = {
    {"auto", GCH_HEADER_DEFAULT}, {"yes", GCH_HEADER_YES}, {"no", GCH_HEADER_NO}, {NULL, 0}};

const cli_choice cli_time_units[] = {{"s", GCH_TIME_S},         {"ms", GCH_TIME_MS},
                                     {"us", GCH_TIME_US},       {"ns", GCH_TIME_NS},
                                     {"index", GCH_TIME_INDEX}, {NULL, 0}};

bool cli_read_choice(const cli_option *option, const char *text, char why[CLI_WHY_CAP])
{
    cli_guess guess = {.word = text};
    for (const cli_choice *choice = option->choices; choice->name != NULL; choice++) {
        if (strcmp(choice->name, text) == 0) {
            *(int *)option->target = choice->value;
            return true;
        }
        cli_guess_offer(&guess, choice->name);
    }
    if (guess.best != NULL) {
        snprintf(why, CLI_WHY_CAP, "no '%.60s'; did you mean '%s'?", text, guess.best);
        return false;
    }
    size_t used = (size_t)snprintf(why, CLI_WHY_CAP, "'%.60s' is not one of ", text);
    for (const cli_choice *choice = option->choices; choice->name != NULL && used < CLI_WHY_CAP;
         choice++)
        used += (size_t)snprintf(why + used, CLI_WHY_CAP - used, "%s%s", choice->name,
                                 choice[1].name != NULL ? ", " : "");
    return false;
}

bool cli_parse_tolerance(const char *text, gch_decimal *out, char why[CLI_WHY_CAP])
{
    if (gch_decimal_parse(text, strlen(text), out) && out->digits > 0)
        return true;
    snprintf(why, CLI_WHY_CAP,
             "'%.60s' is not a tolerance: a number above 0 of at most 18 digits, such as 0.01 or "
             "1e-6",
             text);
    return false;
}

bool cli_read_preset(const cli_option *option, const char *text, char why[CLI_WHY_CAP])
{
    static const char prefix[] = "tolerance=";
    cli_preset *target = option->target;
    *target = (cli_preset){0};
    if (strncmp(text, prefix, strlen(prefix)) == 0) {
        target->preset = GCH_PRESET_TOLERANCE;
        return cli_parse_tolerance(text + strlen(prefix), &target->tolerance, why);
    }
    if (strcmp(text, "lossless") == 0)
        target->preset = GCH_PRESET_LOSSLESS;
    else if (strcmp(text, "fast") == 0)
        target->preset = GCH_PRESET_FAST;
    else
        snprintf(why, CLI_WHY_CAP, "'%.60s' is not one of lossless, fast, tolerance=ABS", text);
    return target->preset != GCH_PRESET_DEFAULT;
}

bool cli_read_delimiter(const cli_option *option, const char *text, char why[CLI_WHY_CAP])
{
    static const struct {
        const char *name;
        char character;
    } names[] = {
        {"tab", '\t'},  {"\\t", '\t'}, {"comma", ','}, {"semicolon", ';'},
        {"space", ' '}, {"pipe", '|'}, {"colon", ':'},
    };
    char *target = option->target;
    for (size_t i = 0; i < CLI_COUNT_OF(names); i++) {
        if (strcmp(names[i].name, text) == 0) {
            *target = names[i].character;
            return true;
        }
    }
    bool is_usable = strlen(text) == 1 &&
                     ((text[0] > ' ' && text[0] < 0x7F) || text[0] == '\t' || text[0] == ' ');
    if (is_usable && text[0] != '"' && text[0] != '.') {
        *target = text[0];
        return true;
    }
    snprintf(why, CLI_WHY_CAP, "'%.60s' is not one character, nor tab, comma, semicolon, pipe",
             text);
    return false;
}

/* Prints words from column `column` on, broken before `width`, later lines indented. */
static void print_wrapped(FILE *out, const char *text, size_t column, size_t indent)
{
    size_t line_start = column;
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        if (column > line_start && column + 1 + length > HELP_WIDTH) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = line_start = indent;
        }
        if (column > line_start) {
            fputc(' ', out);
            column++;
        }
        fwrite(text, 1, length, out);
        column += length;
        text += length;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

static void print_option(FILE *out, char letter, const char *name, const char *value,
                         const char *help)
{
    char head[128];
    int length;
    if (letter != 0)
        length = snprintf(head, sizeof head, "  -%c, --%s%s%s", letter, name,
                          value != NULL ? " " : "", value != NULL ? value : "");
    else
        length = snprintf(head, sizeof head, "      --%s%s%s", name, value != NULL ? " " : "",
                          value != NULL ? value : "");
    fputs(head, out);
    if ((size_t)length + 2 > HELP_INDENT) {
        fputc('\n', out);
        length = 0;
    }
    fprintf(out, "%*s", (int)HELP_INDENT - length, "");
    print_wrapped(out, help, HELP_INDENT, HELP_INDENT);
}

static void print_help(const cli_spec *spec, FILE *out)
{
    fprintf(out, "usage: gpucharts %s %s\n\n", spec->command, spec->usage);
    print_wrapped(out, spec->description, 0, 0);
    fputs("\noptions:\n", out);
    for (size_t i = 0; i < spec->option_count; i++) {
        const cli_option *option = &spec->options[i];
        print_option(out, option->letter, option->name, option->value, option->help);
    }
    print_option(out, 'h', "help", NULL, "show this help");
    if (spec->notes != NULL)
        fprintf(out, "\n%s\n", spec->notes);
    fprintf(out, "\nexamples:\n%s\n", spec->examples);
}

static const cli_option *find_long(const cli_spec *spec, const char *name, size_t length)
{
    for (size_t i = 0; i < spec->option_count; i++) {
        const char *known = spec->options[i].name;
        if (strlen(known) == length && memcmp(known, name, length) == 0)
            return &spec->options[i];
    }
    return NULL;
}

static const cli_option *find_short(const cli_spec *spec, char letter)
{
    for (size_t i = 0; i < spec->option_count; i++) {
        if (spec->options[i].letter == letter)
            return &spec->options[i];
    }
    return NULL;
}

static int unknown_option(const cli_spec *spec, const char *name, size_t length)
{
    char word[64];
    snprintf(word, sizeof word, "%.*s", (int)(length < 60 ? length : 60), name);
    cli_guess guess = {.word = word};
    for (size_t i = 0; i < spec->option_count; i++)
        cli_guess_offer(&guess, spec->options[i].name);
    cli_guess_offer(&guess, "help");
    if (guess.best != NULL)
        return cli_usage(spec->command, "unknown option --%s; did you mean --%s?", word,
                         guess.best);
    return cli_usage(spec->command, "unknown option --%s", word);
}

/* Whether an argument that stands where a value should is rather the next option. */
static bool is_known_option(const cli_spec *spec, const char *argument)
{
    if (argument[0] != '-' || argument[1] != '-' || argument[2] == '\0')
        return false;
    const char *name = argument + 2;
    size_t length = strcspn(name, "=");
    return find_long(spec, name, length) != NULL || strcmp(name, "help") == 0;
}

/* State of one run over the arguments. */
typedef struct reading {
    const cli_spec *spec;
    int argc, next; /* argv[next] is to be read */
    char **argv;
} reading;

static int read_value(const cli_spec *spec, const cli_option *option, const char *shown,
                      const char *text)
{
    char why[CLI_WHY_CAP];
    if (option->read(option, text, why))
        return CLI_OK;
    return cli_usage(spec->command, "%s: %s", shown, why);
}

static int take_value(reading *r, const cli_option *option, const char *shown)
{
    if (r->next >= r->argc || is_known_option(r->spec, r->argv[r->next]))
        return cli_usage(r->spec->command, "%s needs a value: %s %s", shown, shown, option->value);
    return read_value(r->spec, option, shown, r->argv[r->next++]);
}

/* One "--name", "--name=value". */
static int read_long(reading *r, const char *argument)
{
    const char *name = argument + 2;
    size_t length = strcspn(name, "=");
    const cli_option *option = find_long(r->spec, name, length);
    if (option == NULL)
        return unknown_option(r->spec, name, length);
    char shown[64];
    snprintf(shown, sizeof shown, "--%s", option->name);
    bool has_value = name[length] == '=';
    if (option->value == NULL) {
        if (has_value)
            return cli_usage(r->spec->command, "%s takes no value", shown);
        return read_value(r->spec, option, shown, "");
    }
    if (has_value)
        return read_value(r->spec, option, shown, name + length + 1);
    return take_value(r, option, shown);
}

/* One "-q", "-qo FILE", "-oFILE"; sets *is_help at an h. */
static int read_short(reading *r, const char *argument, bool *is_help)
{
    for (const char *p = argument + 1; *p != '\0'; p++) {
        if (*p == 'h') {
            *is_help = true;
            return CLI_OK;
        }
        const cli_option *option = find_short(r->spec, *p);
        if (option == NULL) {
            if (p == argument + 1 && strlen(argument) > 2)
                return cli_usage(r->spec->command,
                                 "unknown option %s (long options have two dashes)", argument);
            return cli_usage(r->spec->command, "unknown option -%c", *p);
        }
        char shown[3] = {'-', *p, '\0'};
        int code;
        if (option->value == NULL) {
            code = read_value(r->spec, option, shown, "");
        } else if (p[1] != '\0') {
            return read_value(r->spec, option, shown, p + 1);
        } else {
            return take_value(r, option, shown);
        }
        if (code != CLI_OK)
            return code;
    }
    return CLI_OK;
}

bool cli_options_read(const cli_spec *spec, int argc, char **argv, cli_operands *out,
                      int *exit_code)
{
    reading r = {.spec = spec, .argc = argc, .next = 1, .argv = argv};
    size_t operand_count = 0;
    bool only_operands = false;
    while (r.next < argc) {
        char *argument = argv[r.next++];
        bool is_help = false;
        int code = CLI_OK;
        if (only_operands || argument[0] != '-' || argument[1] == '\0') {
            argv[1 + operand_count++] = argument; /* never ahead of what is still to be read */
        } else if (strcmp(argument, "--") == 0) {
            only_operands = true;
        } else if (strcmp(argument, "--help") == 0) {
            is_help = true;
        } else if (argument[1] == '-') {
            code = read_long(&r, argument);
        } else {
            code = read_short(&r, argument, &is_help);
        }
        if (is_help) {
            print_help(spec, stdout);
            *exit_code = CLI_OK;
            return false;
        }
        if (code != CLI_OK) {
            *exit_code = code;
            return false;
        }
    }
    *out = (cli_operands){.items = argv + 1, .count = operand_count};
    if (operand_count < spec->operand_min) {
        *exit_code = cli_usage(spec->command, "no %s given", spec->operand_name);
        return false;
    }
    if (operand_count > spec->operand_max) {
        *exit_code = cli_usage(spec->command, "'%s' is one %s too many",
                               argv[1 + spec->operand_max], spec->operand_name);
        return false;
    }
    return true;
}
