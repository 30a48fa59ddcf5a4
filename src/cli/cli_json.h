/* JSON for machines: cJSON with exact numbers.
 *
 * cJSON keeps numbers as doubles; counts, ticks and decimals go in as raw text instead. Every
 * function ignores a NULL object, and cli_json_print reports the memory that was missing.
 */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include "gch/value.h"

#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdio.h>

void cli_json_add_count(cJSON *object, const char *name, uint64_t value);
void cli_json_add_ticks(cJSON *object, const char *name, int64_t value);
/* Milliseconds and ratios: at most three decimals. */
void cli_json_add_real(cJSON *object, const char *name, double value);
/* Text of any origin, made valid UTF-8. */
void cli_json_add_text(cJSON *object, const char *name, const char *value);
/* A number with all its digits; null for a gap, text for what JSON has no number for. */
void cli_json_add_value(cJSON *object, const char *name, gch_value value);

/* Prints and frees `object` (NULL allowed); an exit code. */
int cli_json_print(cJSON *object, FILE *out);

#endif
