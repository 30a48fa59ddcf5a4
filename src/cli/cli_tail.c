/* gpucharts tail: a live series as CSV, as it comes.
 *
 * Rows are written on the follower's thread: a reader of the pipe that is slow slows the server
 * down, which then sends fewer and larger updates.
 */
#include "cli.h"

#include "cli_json.h"
#include "cli_options.h"
#include "cli_progress.h"
#include "cli_remote.h"
#include "cli_text.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAIT_US 5000
#define DESCRIPTION_CAP (4u << 20)

typedef struct tail_options {
    bool is_all, no_header, integer_times, is_quiet;
    uint64_t count;
} tail_options;

typedef struct tail {
    const tail_options *options;
    cJSON *description; /* of the series when it was found */
    gch_time_unit unit;
    uint64_t written; /* on the follower's thread */
    bool is_lost;
    _Atomic bool is_done, has_failed;
} tail;

/* ---- rows ---- */

static gch_value value_of(const gch_follow_column *column, uint32_t row)
{
    const uint8_t *at = (const uint8_t *)column->values + row * gch_type_bytes(column->type);
    uint64_t bit = (uint64_t)column->first_bit + row;
    gch_value value = {.kind = GCH_VALUE_DECIMAL};
    if (column->validity != NULL && (column->validity[bit / 8] >> (bit % 8) & 1) == 0)
        return (gch_value){.kind = GCH_VALUE_GAP};
#define READ(TYPE, c_type)                                                                         \
    case TYPE: {                                                                                   \
        c_type number;                                                                             \
        memcpy(&number, at, sizeof number);                                                        \
        value.as.digits = (int64_t)number;                                                         \
        return value;                                                                              \
    }
    switch (column->type) {
        READ(GCH_TYPE_I8, int8_t)
        READ(GCH_TYPE_U8, uint8_t)
        READ(GCH_TYPE_I16, int16_t)
        READ(GCH_TYPE_U16, uint16_t)
        READ(GCH_TYPE_I32, int32_t)
        READ(GCH_TYPE_U32, uint32_t)
        READ(GCH_TYPE_I64, int64_t)
    case GCH_TYPE_F32:
        value.kind = GCH_VALUE_F32;
        memcpy(&value.as.f32, at, sizeof value.as.f32);
        return value;
    default: /* a follower gives no other */
        value.kind = GCH_VALUE_F64;
        memcpy(&value.as.f64, at, sizeof value.as.f64);
        return value;
    }
#undef READ
}

static void write_row(const tail *t, const gch_follow_rows *rows, uint32_t row)
{
    char text[128];
    if (t->options->integer_times)
        snprintf(text, sizeof text, "%lld", (long long)rows->times[row]);
    else
        (void)gch_time_format(rows->times[row], t->unit, NULL, text, sizeof text);
    fputs(text, stdout);
    for (uint32_t c = 0; c < rows->column_count; c++) {
        (void)gch_value_format(value_of(&rows->columns[c], row), 0, text, sizeof text);
        putchar(',');
        fputs(text, stdout);
    }
    putchar('\n');
}

static void take_rows(void *context, const gch_follow_rows *rows)
{
    tail *t = context;
    uint64_t cap = t->options->count;
    if (atomic_load(&t->has_failed))
        return;
    for (uint32_t row = 0; row < rows->row_count && !atomic_load(&t->is_done); row++) {
        write_row(t, rows, row);
        if (++t->written == cap)
            atomic_store(&t->is_done, true);
    }
    if (fflush(stdout) == 0)
        return;
    if (errno == EPIPE) /* blocked on this thread; the process ends as any filter does */
        kill(getpid(), SIGPIPE);
    atomic_store(&t->is_done, true); /* the command's end says why */
}

/* ---- what happens to the connection ---- */

static void take_summary(void *context, const gch_follow_summary *summary)
{
    const tail *t = context;
    char number[CLI_NUMBER_CAP];
    if (!t->options->is_quiet)
        fprintf(stderr, "gpucharts: %s rows were missed; the server no longer has them\n",
                cli_format_count(summary->row_count, number));
}

static bool is_same(const cJSON *a, const cJSON *b, const char *key)
{
    return cJSON_Compare(cJSON_GetObjectItemCaseSensitive(a, key),
                         cJSON_GetObjectItemCaseSensitive(b, key), true) != 0;
}

/* Rows of other columns have no place below the header. */
static void take_restart(void *context, const char *text, size_t count)
{
    tail *t = context;
    cJSON *json = cJSON_ParseWithLength(text, count);
    bool are_same =
        is_same(json, t->description, "time_unit") && is_same(json, t->description, "columns");
    cJSON_Delete(json);
    if (!are_same) {
        (void)cli_fail("the series has been made anew with other columns; start again");
        atomic_store(&t->has_failed, true);
    } else if (!t->options->is_quiet) {
        fputs("gpucharts: the series has been made anew; its rows follow\n", stderr);
    }
}

static void take_hello(void *context, const char *text, size_t count)
{
    tail *t = context;
    (void)text, (void)count;
    if (t->is_lost && !t->options->is_quiet)
        fputs("gpucharts: connected again\n", stderr);
    t->is_lost = false;
}

static void take_loss(void *context, const gch_error *err, bool is_final)
{
    tail *t = context;
    if (is_final) {
        (void)cli_fail("%s", err->message);
        atomic_store(&t->has_failed, true);
    } else if (!t->is_lost && !t->options->is_quiet) {
        fprintf(stderr, "gpucharts: %s; trying again\n", err->message);
    }
    t->is_lost = true;
}

/* ---- the description ---- */

static const char *text_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

/* RFC 4180. */
static void write_name(const char *name)
{
    if (name[0] != '\0' && strpbrk(name, ",;|\t\"\r\n ") == NULL) {
        fputs(name, stdout);
        return;
    }
    putchar('"');
    for (const char *p = name; *p != '\0'; p++) {
        if (*p == '"')
            putchar('"');
        putchar(*p);
    }
    putchar('"');
}

/* Writes the header and finds the unit and the place to begin at. */
static gch_status read_description(tail *t, uint64_t *out_after)
{
    const cJSON *json = t->description;
    const cJSON *columns = cJSON_GetObjectItemCaseSensitive(json, "columns"), *column;
    const cJSON *first = cJSON_GetObjectItemCaseSensitive(json, "first_sequence");
    const char *unit = text_of(json, "time_unit");
    if (unit == NULL || !gch_time_unit_parse(unit, &t->unit) || !cJSON_IsArray(columns) ||
        !cJSON_IsNumber(first) || !(first->valuedouble >= 1 && first->valuedouble < 0x1p53))
        return GCH_CORRUPT;
    *out_after = (uint64_t)first->valuedouble - 1;
    if (t->options->no_header)
        return GCH_OK;
    fputs("time", stdout);
    cJSON_ArrayForEach(column, columns)
    {
        const char *name = text_of(column, "name");
        putchar(',');
        write_name(name != NULL ? name : "");
    }
    putchar('\n');
    return fflush(stdout) == 0 ? GCH_OK : GCH_IO;
}

static int describe(tail *t, const char *url, uint64_t *out_after)
{
    gch_error err;
    gch_http *http;
    gch_http_response response = {0};
    gch_http_request request = {
        .url = url, .token = cli_remote_token(), .body_cap = DESCRIPTION_CAP};
    if (cli_remote_client(&http, &err) != GCH_OK ||
        gch_http_fetch(http, &request, NULL, &response, &err) != GCH_OK)
        return cli_fail("%s", err.message);
    t->description = cJSON_ParseWithLength((const char *)response.body, response.body_bytes);
    gch_status status = read_description(t, out_after);
    gch_http_response_reset(http, &response);
    if (status == GCH_CORRUPT)
        return cli_fail("%s: not a live series of a data server", url);
    return status == GCH_OK ? CLI_OK : CLI_FAILED;
}

static int follow(tail *t, const char *url)
{
    gch_error err;
    gch_follow *follow = NULL;
    uint64_t after = 0;
    int code = describe(t, url, &after);
    if (code != CLI_OK)
        return code;
    gch_follow_desc desc = {.url = url,
                            .token = cli_remote_token(),
                            .ca_file = cli_remote_ca_file(),
                            .has_after = t->options->is_all,
                            .after = after,
                            .series_id = text_of(t->description, "id"),
                            .on_hello = take_hello,
                            .on_rows = take_rows,
                            .on_summary = take_summary,
                            .on_restart = take_restart,
                            .on_lost = take_loss,
                            .context = t};
    cli_signal_catch();
    if (gch_follow_open(&desc, &follow, &err) != GCH_OK)
        return cli_fail("%s", err.message);
    while (!atomic_load(&t->is_done) && !atomic_load(&t->has_failed) && cli_signal_caught() == 0)
        usleep(WAIT_US);
    gch_follow_close(follow);
    return atomic_load(&t->is_done) ? CLI_OK : CLI_FAILED;
}

int cli_tail(int argc, char **argv)
{
    tail_options o = {0};
    const cli_option options[] = {
        {"all", 0, NULL, "begin with the oldest rows that the server sends (default: what comes)",
         cli_read_flag, &o.is_all, NULL},
        {"count", 'n', "N", "end after N rows", cli_read_count, &o.count, NULL},
        {"no-header", 0, NULL, "leave out the line of column names", cli_read_flag, &o.no_header,
         NULL},
        {"integer-times", 0, NULL, "write times as integers in the series' unit, not as ISO 8601",
         cli_read_flag, &o.integer_times, NULL},
        {"quiet", 'q', NULL, "say nothing of lost connections and missed rows", cli_read_flag,
         &o.is_quiet, NULL},
    };
    const cli_spec spec = {
        .command = "tail",
        .usage = "URL [options]",
        .description = "Writes the rows of a live series as CSV, each once and in order, until "
                       "Ctrl-C. A lost connection is made again where it ended. URL is "
                       "https://HOST/v1/live/NAME; GCH_TOKEN and GCH_CA_FILE are as for files at "
                       "URLs.",
        .examples = "  gpucharts tail https://data.example/v1/live/btc\n"
                    "  gpucharts tail http://localhost:8080/v1/live/btc --all | gpucharts ingest - "
                    "-o btc.gch --commit-every 1s",
        .options = options,
        .option_count = CLI_COUNT_OF(options),
        .operand_min = 1,
        .operand_max = 1,
        .operand_name = "URL",
    };
    cli_operands urls;
    int code;
    if (!cli_options_read(&spec, argc, argv, &urls, &code))
        return code;
    tail t = {.options = &o};
    code = follow(&t, urls.items[0]);
    cJSON_Delete(t.description);
    return code;
}
