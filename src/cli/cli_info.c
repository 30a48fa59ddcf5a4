/* gpucharts info: what is in a file and where its bytes go, as tables or as JSON. */
#include "cli.h"

#include "cli_json.h"
#include "cli_options.h"
#include "cli_text.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define CELL_CAP 1024u /* a name of 255 bytes, each replaced by a U+FFFD */
#define CELLS_MAX 8u

/* A table is printed in two passes over its rows: one measures, one prints. */
typedef struct table {
    size_t cell_count;
    uint32_t left_mask; /* cells set to the left; the others to the right */
    size_t widths[CELLS_MAX];
    bool is_printing;
} table;

typedef char cells[CELLS_MAX][CELL_CAP];

static void table_row(table *t, cells row)
{
    for (size_t i = 0; i < t->cell_count; i++) {
        size_t width = cli_text_width(row[i]);
        if (!t->is_printing) {
            t->widths[i] = width > t->widths[i] ? width : t->widths[i];
            continue;
        }
        int padding = (int)(t->widths[i] - width);
        bool is_last = i + 1 == t->cell_count;
        fputs("  ", stdout);
        if ((t->left_mask >> i & 1) != 0)
            printf("%s%*s", row[i], is_last ? 0 : padding, "");
        else
            printf("%*s%s", padding, "", row[i]);
    }
    if (t->is_printing)
        putchar('\n');
}

static void set_cells(cells row, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        snprintf(row[i], CELL_CAP, "%s", texts[i]);
}

static uint64_t sum_bytes(const gch_column_bytes *bytes)
{
    return bytes->payload + bytes->headers + bytes->tree + bytes->directory + bytes->validity +
           bytes->exceptions;
}

static void format_value(gch_value value, char text[CELL_CAP])
{
    if (value.kind == GCH_VALUE_GAP)
        snprintf(text, CELL_CAP, "-");
    else
        gch_value_format(value, 0, text, CELL_CAP);
}

static const char *kind_name(gch_value_kind kind)
{
    switch (kind) {
    case GCH_VALUE_DECIMAL:
        return "decimal";
    case GCH_VALUE_F32:
        return "f32";
    case GCH_VALUE_F64:
        return "f64";
    case GCH_VALUE_GAP:
        break;
    }
    return "gaps";
}

/* "integer", "2 decimals", "f32", with ", 64-bit" for wide keys and ", within 0.01" of what was
 * given. */
static void format_storage(const gch_column_info *column, char text[CELL_CAP])
{
    char tolerance[48], within[64] = "";
    const char *wide = column->is_wide ? ", 64-bit" : "";
    if (column->tolerance.digits > 0) {
        gch_decimal_format(column->tolerance, tolerance, sizeof tolerance);
        snprintf(within, sizeof within, ", within %s", tolerance);
    }
    if (column->kind != GCH_VALUE_DECIMAL)
        snprintf(text, CELL_CAP, "%s%s%s", kind_name(column->kind), wide, within);
    else if (column->scale == 0)
        snprintf(text, CELL_CAP, "integer%s%s", wide, within);
    else
        snprintf(text, CELL_CAP, "%u decimal%s%s%s", column->scale, column->scale == 1 ? "" : "s",
                 wide, within);
}

static void column_cells(const gch_column_info *column, cells row)
{
    char number[CLI_NUMBER_CAP];
    cli_clean_text(column->name, row[0], CELL_CAP);
    cli_clean_text(column->unit, row[1], CELL_CAP);
    snprintf(row[2], CELL_CAP, "%s", gch_type_name(column->type));
    format_storage(column, row[3]);
    format_value(column->min, row[4]);
    format_value(column->max, row[5]);
    snprintf(row[6], CELL_CAP, "%s", cli_format_count(column->gap_count, number));
    snprintf(row[7], CELL_CAP, "%s", cli_format_count(column->exception_count, number));
}

static void print_columns(const gch_file_info *info)
{
    static const char *const heads[] = {"column",   "unit",    "type", "stored as",
                                        "smallest", "largest", "gaps", "exceptions"};
    static cells row;
    table t = {.cell_count = CLI_COUNT_OF(heads), .left_mask = 0x0F};
    for (int pass = 0; pass < 2; pass++) {
        t.is_printing = pass == 1;
        set_cells(row, heads, CLI_COUNT_OF(heads));
        table_row(&t, row);
        for (uint32_t i = 0; i < info->column_count; i++) {
            column_cells(&info->columns[i], row);
            table_row(&t, row);
        }
    }
}

static void bytes_cells(const char *name, const gch_column_bytes *bytes, uint64_t rows, cells row)
{
    const uint64_t parts[] = {bytes->payload,  bytes->headers,    bytes->tree,     bytes->directory,
                              bytes->validity, bytes->exceptions, sum_bytes(bytes)};
    cli_clean_text(name, row[0], CELL_CAP);
    for (size_t i = 0; i < CLI_COUNT_OF(parts); i++) {
        if (parts[i] == 0)
            snprintf(row[i + 1], CELL_CAP, "-");
        else
            snprintf(row[i + 1], CELL_CAP, "%.4f", (double)parts[i] / (double)rows);
    }
}

static void add_bytes(gch_column_bytes *sum, const gch_column_bytes *more)
{
    sum->payload += more->payload;
    sum->headers += more->headers;
    sum->tree += more->tree;
    sum->directory += more->directory;
    sum->validity += more->validity;
    sum->exceptions += more->exceptions;
}

static gch_column_bytes all_bytes(const gch_file_info *info)
{
    gch_column_bytes sum = info->time_bytes;
    for (uint32_t i = 0; i < info->column_count; i++)
        add_bytes(&sum, &info->columns[i].bytes);
    return sum;
}

/* Blocks, headers and lines of times go to a GPU as they are stored: this is what its shaders read
 * of a point, on the average. */
static double gpu_bytes_a_point(const gch_file_info *info, double points)
{
    gch_column_bytes sum = all_bytes(info);
    return (double)sum_bytes(&sum) / points;
}

static void print_bytes(const gch_file_info *info)
{
    static const char *const heads[] = {"bytes a row", "payload",  "headers",    "tree",
                                        "directory",   "validity", "exceptions", "sum"};
    static cells row;
    table t = {.cell_count = CLI_COUNT_OF(heads), .left_mask = 0x01};
    gch_column_bytes sum = all_bytes(info);
    for (int pass = 0; pass < 2; pass++) {
        t.is_printing = pass == 1;
        set_cells(row, heads, CLI_COUNT_OF(heads));
        table_row(&t, row);
        bytes_cells(info->time_name, &info->time_bytes, info->row_count, row);
        table_row(&t, row);
        for (uint32_t i = 0; i < info->column_count; i++) {
            bytes_cells(info->columns[i].name, &info->columns[i].bytes, info->row_count, row);
            table_row(&t, row);
        }
        if (info->column_count > 1) {
            bytes_cells("all", &sum, info->row_count, row);
            table_row(&t, row);
        }
    }
    uint64_t used = sum_bytes(&sum);
    char text[CLI_NUMBER_CAP];
    if (info->file_bytes > used)
        printf("\n  The rest, %s, is the file's header, index, checksums and page padding.\n",
               cli_format_bytes(info->file_bytes - used, text));
}

static void print_line(const char *name, const char *text)
{
    char clean[PATH_MAX];
    cli_clean_text(text, clean, sizeof clean);
    printf("  %-9s %s\n", name, clean);
}

static void print_table(const gch_file_info *info, const gch_time_zone *zone)
{
    char a[CLI_NUMBER_CAP], b[CLI_NUMBER_CAP], path[PATH_MAX];
    cli_clean_text(info->path, path, sizeof path);
    printf("%s\n", path);
    printf("  %-9s %s in %u column%s\n", "rows", cli_format_count(info->row_count, a),
           info->column_count, info->column_count == 1 ? "" : "s");
    if (info->is_point_set) {
        char x[CELL_CAP], y[CELL_CAP];
        cli_clean_text(info->columns[info->x_column].name, x, sizeof x);
        cli_clean_text(info->columns[info->y_column].name, y, sizeof y);
        printf("  %-9s x %s, y %s, in %s order\n", "points", x, y, gch_curve_name(info->curve));
    }
    if (info->row_count > 0) {
        char first[64], last[64];
        gch_time_format(info->first_time, info->time_unit, zone, first, sizeof first);
        gch_time_format(info->last_time, info->time_unit, zone, last, sizeof last);
        printf("  %-9s %s to %s\n", "time", first, last);
    }
    printf("  %-9s %s", "unit", gch_time_unit_name(info->time_unit));
    if (info->time_unit != GCH_TIME_INDEX) {
        cli_clean_text(info->time_zone, path, sizeof path);
        printf(", shown in %s%s", path[0] != '\0' ? path : "UTC",
               info->time_is_text ? ", from ISO 8601 text" : "");
    }
    if (info->affine_run_count > 0)
        printf(", %s regular run%s", cli_format_count(info->affine_run_count, a),
               info->affine_run_count == 1 ? "" : "s");
    printf("\n  %-9s %s", "size", cli_format_bytes(info->file_bytes, b));
    double points = (double)info->row_count * (double)info->column_count;
    if (points > 0)
        printf(", %.3f bytes a point, time included; on a GPU %.3f",
               (double)info->file_bytes / points, gpu_bytes_a_point(info, points));
    printf("\n  %-9s format %u, %u segment%s, %u tree level%s, pages of %s bytes\n", "layout",
           info->format_version, info->segment_count, info->segment_count == 1 ? "" : "s",
           info->tree_levels, info->tree_levels == 1 ? "" : "s",
           cli_format_count(info->page_bytes, a));
    print_line("preset", info->preset);
    if (info->source[0] != '\0')
        print_line("source", info->source);
    putchar('\n');
    print_columns(info);
    if (info->row_count > 0) {
        putchar('\n');
        print_bytes(info);
    }
}

static cJSON *bytes_json(const gch_column_bytes *bytes)
{
    cJSON *object = cJSON_CreateObject();
    cli_json_add_count(object, "payload", bytes->payload);
    cli_json_add_count(object, "headers", bytes->headers);
    cli_json_add_count(object, "tree", bytes->tree);
    cli_json_add_count(object, "directory", bytes->directory);
    cli_json_add_count(object, "validity", bytes->validity);
    cli_json_add_count(object, "exceptions", bytes->exceptions);
    cli_json_add_count(object, "total", sum_bytes(bytes));
    return object;
}

static cJSON *time_json(const gch_file_info *info, const gch_time_zone *zone)
{
    cJSON *object = cJSON_CreateObject();
    cli_json_add_text(object, "name", info->time_name);
    cli_json_add_text(object, "unit", gch_time_unit_name(info->time_unit));
    cli_json_add_text(object, "zone", info->time_zone[0] != '\0' ? info->time_zone : "UTC");
    cJSON_AddBoolToObject(object, "is_text", info->time_is_text);
    if (info->row_count > 0) {
        char text[64];
        cli_json_add_ticks(object, "first", info->first_time);
        cli_json_add_ticks(object, "last", info->last_time);
        gch_time_format(info->first_time, info->time_unit, zone, text, sizeof text);
        cli_json_add_text(object, "first_text", text);
        gch_time_format(info->last_time, info->time_unit, zone, text, sizeof text);
        cli_json_add_text(object, "last_text", text);
    } else {
        static const char *const names[] = {"first", "last", "first_text", "last_text"};
        for (size_t i = 0; i < CLI_COUNT_OF(names); i++)
            cJSON_AddNullToObject(object, names[i]);
    }
    cli_json_add_count(object, "affine_runs", info->affine_run_count);
    cJSON_AddItemToObject(object, "bytes", bytes_json(&info->time_bytes));
    return object;
}

static cJSON *column_json(const gch_column_info *column)
{
    cJSON *object = cJSON_CreateObject();
    cli_json_add_text(object, "name", column->name);
    cli_json_add_text(object, "unit", column->unit);
    cli_json_add_text(object, "type", gch_type_name(column->type));
    cli_json_add_text(object, "kind", kind_name(column->kind));
    cli_json_add_count(object, "scale", column->scale);
    cJSON_AddBoolToObject(object, "fixed_decimals", column->fixed_decimals);
    cJSON_AddBoolToObject(object, "is_wide", column->is_wide);
    if (column->tolerance.digits > 0) {
        char tolerance[48];
        gch_decimal_format(column->tolerance, tolerance, sizeof tolerance);
        cli_json_add_text(object, "tolerance", tolerance);
    } else {
        cJSON_AddNullToObject(object, "tolerance");
    }
    cli_json_add_value(object, "min", column->min);
    cli_json_add_value(object, "max", column->max);
    cli_json_add_count(object, "gaps", column->gap_count);
    cli_json_add_count(object, "exceptions", column->exception_count);
    cJSON_AddItemToObject(object, "bytes", bytes_json(&column->bytes));
    return object;
}

static cJSON *points_json(const gch_file_info *info)
{
    cJSON *object = cJSON_CreateObject();
    cli_json_add_text(object, "x", info->columns[info->x_column].name);
    cli_json_add_text(object, "y", info->columns[info->y_column].name);
    cli_json_add_text(object, "order", gch_curve_name(info->curve));
    return object;
}

static int print_json(const gch_file_info *info, const gch_time_zone *zone)
{
    cJSON *object = cJSON_CreateObject();
    cli_json_add_text(object, "path", info->path);
    cli_json_add_count(object, "format_version", info->format_version);
    cli_json_add_text(object, "preset", info->preset);
    cli_json_add_text(object, "source", info->source);
    cli_json_add_count(object, "file_bytes", info->file_bytes);
    cli_json_add_count(object, "row_count", info->row_count);
    cli_json_add_count(object, "segment_count", info->segment_count);
    cli_json_add_count(object, "tree_levels", info->tree_levels);
    cli_json_add_count(object, "page_bytes", info->page_bytes);
    double points = (double)info->row_count * (double)info->column_count;
    if (points > 0)
        cJSON_AddNumberToObject(object, "bytes_per_point", (double)info->file_bytes / points);
    else
        cJSON_AddNullToObject(object, "bytes_per_point");
    if (points > 0)
        cJSON_AddNumberToObject(object, "gpu_bytes_per_point", gpu_bytes_a_point(info, points));
    else
        cJSON_AddNullToObject(object, "gpu_bytes_per_point");
    cJSON_AddItemToObject(object, "time", time_json(info, zone));
    if (info->is_point_set)
        cJSON_AddItemToObject(object, "points", points_json(info));
    cJSON *columns = cJSON_AddArrayToObject(object, "columns");
    for (uint32_t i = 0; i < info->column_count; i++)
        cJSON_AddItemToArray(columns, column_json(&info->columns[i]));
    return cli_json_print(object, stdout);
}

int cli_info(int argc, char **argv)
{
    bool is_json = false;
    const cli_option options[] = {
        {"json", 0, NULL, "print everything as one JSON object", cli_read_flag, &is_json, NULL},
    };
    const cli_spec spec = {
        .command = "info",
        .usage = "FILE [--json]",
        .description = "Shows what is in a .gch file: columns, ranges, tree levels, and bytes a "
                       "row by part.",
        .examples = "  gpucharts info ticks.gch\n"
                    "  gpucharts info ticks.gch --json | jq .row_count",
        .options = options,
        .option_count = CLI_COUNT_OF(options),
        .operand_min = 1,
        .operand_max = 1,
        .operand_name = "FILE",
    };
    cli_operands files;
    int code;
    if (!cli_options_read(&spec, argc, argv, &files, &code))
        return code;
    const gch_file *file = NULL;
    code = cli_file_open(files.items[0], &file);
    if (code != CLI_OK)
        return code;
    const gch_file_info *info = gch_file_get_info(file);
    gch_time_zone *zone = NULL;
    gch_error err;
    if (gch_time_zone_open(info->time_zone, NULL, &zone, &err) != GCH_OK)
        zone = NULL; /* shown in UTC then */
    if (is_json)
        code = print_json(info, zone);
    else
        print_table(info, zone);
    gch_time_zone_close(zone);
    cli_file_close(file);
    return code;
}
