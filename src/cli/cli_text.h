/* Text for people and from people: numbers with suffixes, guesses at mistyped words, widths.
 *
 * Thread rule: pure functions.
 */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLI_NUMBER_CAP 48u /* room for every number below */
#define CLI_YIELD_CAP 160u

/* "1000", "1e9", "100M", "1.5G", "1_000_000"; K, M, G and T are powers of 1000. False unless the
 * text is exactly a whole number within uint64. */
bool cli_parse_count(const char *text, uint64_t *out);
/* A finite decimal number as a double, whatever the locale. */
bool cli_parse_real(const char *text, double *out);
/* Such numbers with commas between them: how many there are, 0 if it is anything else or more than
 * `cap`. */
size_t cli_parse_reals(const char *text, double *out, size_t cap);

/* "1,234,567" */
const char *cli_format_count(uint64_t value, char text[CLI_NUMBER_CAP]);
/* "999 bytes", "1.23 MB" (powers of 1000) */
const char *cli_format_bytes(uint64_t bytes, char text[CLI_NUMBER_CAP]);
/* "12.3 M", for rates */
const char *cli_format_short(double value, char text[CLI_NUMBER_CAP]);
/* "1.3 bytes a point in 2.51 s, 120 M rows/s", or only the time where there are too few rows for
 * the rest to say anything. points = rows * columns. */
const char *cli_format_yield(uint64_t rows, uint64_t points, uint64_t bytes, double seconds,
                             char text[CLI_YIELD_CAP]);
/* "0:07", "12:34", "1:02:03" */
const char *cli_format_duration(double seconds, char text[CLI_NUMBER_CAP]);

/* Copies valid UTF-8; control characters become '?', stray bytes U+FFFD. Cuts between characters.
 * Returns the length without the NUL; cap >= 4. */
size_t cli_clean_text(const char *text, char *out, size_t cap);
/* Columns on a terminal, one a code point. */
size_t cli_text_width(const char *text);

/* The known word nearest to a mistyped one, by edit distance (insertions, deletions, substitutions
 * and swaps of neighbours; Damerau 1964, restricted form) without regard to case. Words that begin
 * with the whole of what was typed count as near. */
typedef struct cli_guess {
    const char *word; /* as typed */
    const char *best; /* NULL while nothing is near enough */
    size_t distance;
} cli_guess;

void cli_guess_offer(cli_guess *guess, const char *name);
size_t cli_edit_distance(const char *a, const char *b); /* SIZE_MAX if either exceeds 63 bytes */

#endif
