/* JSON for machines (cli_json.h). */
#include "cli_json.h"

#include "cli.h"
#include "cli_text.h"

#define TEXT_CAP 4352u /* a path with room for its repairs */

void cli_json_add_count(cJSON *object, const char *name, uint64_t value)
{
    char text[CLI_NUMBER_CAP];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    cJSON_AddRawToObject(object, name, text);
}

void cli_json_add_ticks(cJSON *object, const char *name, int64_t value)
{
    char text[CLI_NUMBER_CAP];
    snprintf(text, sizeof text, "%lld", (long long)value);
    cJSON_AddRawToObject(object, name, text);
}

void cli_json_add_real(cJSON *object, const char *name, double value)
{
    char text[512];
    snprintf(text, sizeof text, "%.3f", value);
    cJSON_AddRawToObject(object, name, text);
}

void cli_json_add_text(cJSON *object, const char *name, const char *value)
{
    char clean[TEXT_CAP];
    cli_clean_text(value, clean, sizeof clean);
    cJSON_AddStringToObject(object, name, clean);
}

void cli_json_add_value(cJSON *object, const char *name, gch_value value)
{
    char text[64];
    if (value.kind == GCH_VALUE_GAP) {
        cJSON_AddNullToObject(object, name);
        return;
    }
    gch_value_format(value, 0, text, sizeof text);
    if (gch_value_is_drawn(value))
        cJSON_AddRawToObject(object, name, text);
    else
        cJSON_AddStringToObject(object, name, text);
}

int cli_json_print(cJSON *object, FILE *out)
{
    char *text = object != NULL ? cJSON_Print(object) : NULL;
    cJSON_Delete(object);
    if (text == NULL)
        return cli_fail("out of memory for JSON");
    fprintf(out, "%s\n", text);
    cJSON_free(text);
    return CLI_OK;
}
