/* The option parser: every way to write an option, and every way to get it wrong. */
#include "cli_options.h"

#include "cli.h"
#include "test.h"

static char message[300];

/* The program's own prints; here it is kept to be looked at. */
int cli_usage(const char *command, const char *format, ...)
{
    (void)command;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return CLI_USAGE;
}

static const cli_choice sizes[] = {{"small", 1}, {"large", 2}, {NULL, 0}};

typedef struct fixture {
    const char *output;
    bool is_quiet, is_all;
    cli_list columns;
    const char *items[3];
    uint64_t count, threads;
    int size;
    cli_exact lows[2];
    cli_exact_list low;
    char delimiter;
    double rate;
    cli_operands operands;
    int code;
} fixture;

/* Parses a line of words separated by blanks; "''" is an empty argument. */
static bool parse(fixture *f, const char *line)
{
    static char copy[300];
    static char *argv[32];
    *f = (fixture){.columns = {.cap = 3}, .low = {.cap = 2}};
    f->columns.items = f->items;
    f->low.items = f->lows;
    message[0] = '\0';
    snprintf(copy, sizeof copy, "%s", line);
    int argc = 0;
    argv[argc++] = copy + strlen(copy);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = strcmp(word, "''") == 0 ? word + 2 : word;
    const cli_option options[] = {
        {"output", 'o', "FILE", "", cli_read_text, &f->output, NULL},
        {"quiet", 'q', NULL, "", cli_read_flag, &f->is_quiet, NULL},
        {"all", 'a', NULL, "", cli_read_flag, &f->is_all, NULL},
        {"column", 0, "COL", "", cli_read_list, &f->columns, NULL},
        {"count", 'n', "N", "", cli_read_count, &f->count, NULL},
        {"threads", 0, "N", "", cli_read_threads, &f->threads, NULL},
        {"size", 0, "SIZE", "", cli_read_choice, &f->size, sizes},
        {"low", 0, "V", "", cli_read_exacts, &f->low, NULL},
        {"delimiter", 0, "C", "", cli_read_delimiter, &f->delimiter, NULL},
        {"rate", 0, "HZ", "", cli_read_positive, &f->rate, NULL},
    };
    const cli_spec spec = {
        .command = "try",
        .options = options,
        .option_count = CLI_COUNT_OF(options),
        .operand_max = 2,
        .operand_name = "FILE",
    };
    f->code = -1;
    return cli_options_read(&spec, argc, argv, &f->operands, &f->code);
}

static void assert_taken(fixture *f, const char *line)
{
    if (!parse(f, line))
        fail_msg("'%s' was refused: %s", line, message);
}

static void assert_refused(const char *line, const char *expected)
{
    fixture f;
    if (parse(&f, line))
        fail_msg("'%s' was taken", line);
    assert_int_equal(f.code, CLI_USAGE);
    assert_string_equal(message, expected);
}

static void values_come_after_an_equals_sign_or_as_the_next_argument(void **state)
{
    (void)state;
    fixture f;
    assert_taken(&f, "--output=a.png --count 5");
    assert_string_equal(f.output, "a.png");
    assert_int_equal(f.count, 5);
    assert_taken(&f, "--output a=b --count=5");
    assert_string_equal(f.output, "a=b");
    assert_taken(&f, "-o a.png -n7");
    assert_string_equal(f.output, "a.png");
    assert_int_equal(f.count, 7);
}

static void short_flags_may_be_bundled_with_a_last_value(void **state)
{
    (void)state;
    fixture f;
    assert_taken(&f, "-qao x in");
    assert_true(f.is_quiet && f.is_all);
    assert_string_equal(f.output, "x");
    assert_int_equal(f.operands.count, 1);
    assert_taken(&f, "-qox");
    assert_string_equal(f.output, "x");
}

static void operands_and_options_mix_in_any_order(void **state)
{
    (void)state;
    fixture f;
    assert_taken(&f, "a -q - -o c");
    assert_int_equal(f.operands.count, 2);
    assert_string_equal(f.operands.items[0], "a");
    assert_string_equal(f.operands.items[1], "-");
    assert_string_equal(f.output, "c");
}

static void two_dashes_end_the_options(void **state)
{
    (void)state;
    fixture f;
    assert_taken(&f, "-q -- -o --column");
    assert_int_equal(f.operands.count, 2);
    assert_string_equal(f.operands.items[0], "-o");
    assert_string_equal(f.operands.items[1], "--column");
    assert_null(f.output);
}

static void repeated_options_fill_a_list_or_keep_the_last(void **state)
{
    (void)state;
    fixture f;
    assert_taken(&f, "--column a --column=b -o x -o y");
    assert_int_equal(f.columns.count, 2);
    assert_string_equal(f.items[0], "a");
    assert_string_equal(f.items[1], "b");
    assert_string_equal(f.output, "y");
    assert_refused("--column a --column b --column c --column d",
                   "--column: given more than 3 times");
}

static void values_may_begin_with_a_dash(void **state)
{
    (void)state;
    fixture f;
    assert_taken(&f, "--low -12.50 --low auto -o -");
    assert_int_equal(f.low.count, 2);
    assert_true(f.lows[0].is_given);
    assert_int_equal(f.lows[0].value.digits, -1250);
    assert_int_equal(f.lows[0].value.exp10, -2);
    assert_false(f.lows[1].is_given);
    assert_string_equal(f.output, "-");
    assert_taken(&f, "-o --strange");
    assert_string_equal(f.output, "--strange");
}

static void missing_values_are_named(void **state)
{
    (void)state;
    assert_refused("--output", "--output needs a value: --output FILE");
    assert_refused("-o", "-o needs a value: -o FILE");
    assert_refused("--column --quiet", "--column needs a value: --column COL");
    assert_refused("--output=", "--output: an empty FILE");
    assert_refused("--column ''", "--column: an empty COL");
    assert_refused("--quiet=yes", "--quiet takes no value");
}

static void unknown_options_bring_a_suggestion(void **state)
{
    (void)state;
    assert_refused("--colum x", "unknown option --colum; did you mean --column?");
    assert_refused("--colum=x", "unknown option --colum; did you mean --column?");
    assert_refused("--out x", "unknown option --out; did you mean --output?");
    assert_refused("--hlep", "unknown option --hlep; did you mean --help?");
    assert_refused("--frobnicate", "unknown option --frobnicate");
    assert_refused("-x", "unknown option -x");
    assert_refused("-qx", "unknown option -x");
    assert_refused("-column", "unknown option -column (long options have two dashes)");
}

static void wrong_values_say_what_would_be_right(void **state)
{
    (void)state;
    assert_refused("--count many",
                   "--count: 'many' is not a whole number (1000, 1e9, 100M, 1_000_000)");
    assert_refused("--threads 0", "--threads: '0' is not a number from 1 to 1024");
    assert_refused("--threads 1025", "--threads: '1025' is not a number from 1 to 1024");
    assert_refused("--size larg", "--size: no 'larg'; did you mean 'large'?");
    assert_refused("--size huge", "--size: 'huge' is not one of small, large");
    assert_refused("--low 1,5", "--low: '1,5' is not a decimal number of at most 18 digits");
    assert_refused("--rate 0", "--rate: '0' is not a number above 0");
    assert_refused("--rate -1", "--rate: '-1' is not a number above 0");
    assert_refused("--delimiter ab",
                   "--delimiter: 'ab' is not one character, nor tab, comma, semicolon, pipe");
}

static void delimiters_have_names(void **state)
{
    (void)state;
    fixture f;
    assert_taken(&f, "--delimiter tab");
    assert_int_equal(f.delimiter, '\t');
    assert_taken(&f, "--delimiter \\t");
    assert_int_equal(f.delimiter, '\t');
    assert_taken(&f, "--delimiter ;");
    assert_int_equal(f.delimiter, ';');
    assert_taken(&f, "--delimiter pipe");
    assert_int_equal(f.delimiter, '|');
}

static void operands_are_counted(void **state)
{
    (void)state;
    assert_refused("a b c", "'c' is one FILE too many");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_after_an_equals_sign_or_as_the_next_argument),
        cmocka_unit_test(short_flags_may_be_bundled_with_a_last_value),
        cmocka_unit_test(operands_and_options_mix_in_any_order),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(repeated_options_fill_a_list_or_keep_the_last),
        cmocka_unit_test(values_may_begin_with_a_dash),
        cmocka_unit_test(missing_values_are_named),
        cmocka_unit_test(unknown_options_bring_a_suggestion),
        cmocka_unit_test(wrong_values_say_what_would_be_right),
        cmocka_unit_test(delimiters_have_names),
        cmocka_unit_test(operands_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
