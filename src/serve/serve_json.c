/* JSON out (serve_json.h; the fields stand in docs/protocol.md). */
#include "serve_json.h"

#include "serve_dataset.h"
#include "serve_url.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool gch__json_print(gch__buffer *out, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return length >= 0 && (size_t)length < sizeof text &&
           gch__buffer_append(out, text, (size_t)length);
}

/* Bytes of a sound UTF-8 character; 0 if it is none. */
static size_t character_length(const uint8_t *at)
{
    size_t length = at[0] < 0x80 ? 1 : at[0] >= 0xF0 ? 4 : at[0] >= 0xE0 ? 3 : 2;
    if (at[0] >= 0x80 && (at[0] < 0xC2 || at[0] > 0xF4))
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xC0) != 0x80) /* also at the NUL */
            return 0;
    }
    bool is_surrogate = at[0] == 0xED && at[1] > 0x9F;
    bool is_overlong = (at[0] == 0xE0 && at[1] < 0xA0) || (at[0] == 0xF0 && at[1] < 0x90);
    bool is_beyond = at[0] == 0xF4 && at[1] > 0x8F;
    return is_surrogate || is_overlong || is_beyond ? 0 : length;
}

bool gch__json_text(gch__buffer *out, const char *text)
{
    bool has_room = gch__buffer_append(out, "\"", 1);
    for (const uint8_t *at = (const uint8_t *)text; *at != '\0' && has_room;) {
        size_t length = character_length(at);
        if (length == 0)
            has_room = gch__buffer_append(out, "\xEF\xBF\xBD", 3);
        else if (*at == '"' || *at == '\\')
            has_room = gch__json_print(out, "\\%c", *at);
        else if (*at < 0x20 || *at == 0x7F)
            has_room = gch__json_print(out, "\\u%04x", *at);
        else
            has_room = gch__buffer_append(out, at, length);
        at += GCH_MAX(length, (size_t)1);
    }
    return has_room && gch__buffer_append(out, "\"", 1);
}

bool gch__json_value(gch__buffer *out, gch_value value)
{
    char text[64];
    if (value.kind == GCH_VALUE_GAP)
        return gch__json_print(out, "null");
    gch_value_format(value, 0, text, sizeof text);
    return gch_value_is_drawn(value) ? gch__json_print(out, "%s", text)
                                     : gch__json_print(out, "\"%s\"", text);
}

static const char *kind_name(gch_value_kind kind)
{
    static const char *const names[] = {"gaps", "decimal", "f32", "f64"};
    return names[kind];
}

static const char *boolean(bool value)
{
    return value ? "true" : "false";
}

static bool add_column(gch__buffer *out, const gch_column_info *column)
{
    return gch__json_print(out, "{\"name\": ") && gch__json_text(out, column->name) &&
           gch__json_print(out, ", \"unit\": ") && gch__json_text(out, column->unit) &&
           gch__json_print(out,
                           ", \"type\": \"%s\", \"kind\": \"%s\", \"scale\": %u, \"is_wide\": %s, "
                           "\"fixed_decimals\": %s, \"gap_count\": %" PRIu64
                           ", \"exception_count\": %" PRIu64 ", \"min\": ",
                           gch_type_name(column->type), kind_name(column->kind), column->scale,
                           boolean(column->is_wide), boolean(column->fixed_decimals),
                           column->gap_count, column->exception_count) &&
           gch__json_value(out, column->min) && gch__json_print(out, ", \"max\": ") &&
           gch__json_value(out, column->max) && gch__json_print(out, "}");
}

static bool add_file(gch__buffer *out, const gch_file_info *info)
{
    bool has_room =
        gch__json_print(out,
                        ", \"format_version\": %u, \"row_count\": %" PRIu64
                        ", \"segment_count\": %u, \"tree_levels\": %u, \"page_bytes\": %u, "
                        "\"time\": {\"name\": ",
                        info->format_version, info->row_count, info->segment_count,
                        info->tree_levels, info->page_bytes) &&
        gch__json_text(out, info->time_name) &&
        gch__json_print(out,
                        ", \"unit\": \"%s\", \"zone\": ", gch_time_unit_name(info->time_unit)) &&
        gch__json_text(out, info->time_zone) &&
        gch__json_print(out, ", \"is_text\": %s, \"first\": %" PRId64 ", \"last\": %" PRId64 "}",
                        boolean(info->time_is_text), info->first_time, info->last_time) &&
        gch__json_print(out, ", \"source\": ") && gch__json_text(out, info->source) &&
        gch__json_print(out, ", \"preset\": ") && gch__json_text(out, info->preset) &&
        gch__json_print(out, ", \"columns\": [");
    for (uint32_t i = 0; i < info->column_count && has_room; i++)
        has_room = (i == 0 || gch__json_print(out, ", ")) && add_column(out, &info->columns[i]);
    return has_room && gch__json_print(out, "]");
}

gch_status gch__json_dataset(const gch__dataset *dataset, char **out, size_t *out_length,
                             gch_error *err)
{
    gch__buffer text = {.allocator = dataset->allocator, .purpose = "metadata"};
    char modified[64];
    gch_time_format(dataset->modified.tv_sec, GCH_TIME_S, NULL, modified, sizeof modified);
    bool has_room = gch__json_print(&text, "{\"name\": ") && gch__json_text(&text, dataset->name) &&
                    gch__json_print(&text, ", \"version\": \"%s\"", dataset->version_text);
    if (dataset->lent != NULL)
        has_room = has_room && gch__json_print(&text, ", \"is_live\": true");
    else
        has_room =
            has_room && gch__json_print(&text, ", \"url\": \"/data/") &&
            gch__url_append_name(&text, dataset->name) &&
            gch__json_print(&text, ".gch\", \"file_bytes\": %" PRIu64 ", \"modified\": \"%s\"",
                            dataset->file_bytes, modified);
    if (dataset->file != NULL)
        has_room = has_room && add_file(&text, gch_file_get_info(dataset->file));
    else
        has_room = has_room &&
                   gch__json_print(&text, ", \"error\": {\"status\": \"%s\", \"message\": ",
                                   gch_status_name(dataset->error.status)) &&
                   gch__json_text(&text, dataset->error.message) && gch__json_print(&text, "}");
    if (!has_room || !gch__json_print(&text, "}")) {
        gch__buffer_reset(&text);
        return gch__no_memory(err, "metadata");
    }
    *out = (char *)text.bytes;
    *out_length = text.count;
    return GCH_OK;
}
