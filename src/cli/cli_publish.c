/* gpucharts publish: CSV from standard input into a live series.
 *
 * Rows go out as they come: whenever the pipe is empty, what is complete is handed on. The command
 * ends when the server has acknowledged the last row.
 */
#include "cli.h"

#include "cli_options.h"
#include "cli_progress.h"
#include "cli_remote.h"
#include "cli_text.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES 65536u
#define IDLE_MS 10            /* without input, before rows are handed on */
#define WAIT_MS 50u           /* between two looks for a signal */
#define SLICE_BYTES 262144u   /* rows handed on at once; a fraction of what may wait */
#define GOODBYE_NS 5000000000 /* for the server's answer after a signal */

typedef struct publish_options {
    const char *url, *time, *zone;
    cli_list columns;
    char delimiter;
    int header, time_unit;
    uint64_t skip_bad, keep_rows, keep_age_s;
    bool is_quiet;
} publish_options;

typedef struct publisher {
    const publish_options *options;
    gch_publish *publish; /* NULL until the first rows tell the columns */
    uint64_t row_count;   /* handed on */
    size_t slice_rows;
    bool is_lost;
    char bytes[READ_BYTES];
} publisher;

static void tell_of_losses(publisher *p)
{
    gch_publish_stats stats;
    if (p->publish == NULL || p->options->is_quiet)
        return;
    gch_publish_get_stats(p->publish, &stats);
    bool is_lost = !stats.ws.is_open && stats.error.status != GCH_OK;
    if (is_lost && !p->is_lost)
        fprintf(stderr, "gpucharts: %s; trying again\n", stats.error.message);
    else if (p->is_lost && stats.ws.is_open)
        fputs("gpucharts: connected again\n", stderr);
    p->is_lost = is_lost;
}

static gch_status open_series(publisher *p, const gch_rows *rows, gch_error *err)
{
    const publish_options *o = p->options;
    gch_publish_desc desc = {.url = o->url,
                             .token = cli_remote_token(),
                             .time_unit = rows->time_unit,
                             .columns = rows->columns,
                             .column_count = rows->column_count,
                             .keep_rows = o->keep_rows,
                             .keep_age_s = o->keep_age_s};
    gch_http *http;
    gch_status status = cli_remote_client(&http, err);
    if (status == GCH_OK)
        status = gch_publish_open(http, &desc, &p->publish, err);
    size_t slice = SLICE_BYTES / (8 + 9 * (size_t)rows->column_count) & ~(size_t)7;
    p->slice_rows = slice > 0 ? slice : 8;
    return status;
}

/* `count` rows from `at` on, a multiple of 8 behind the first. */
static gch_status hand_on(publisher *p, const gch_rows *rows, size_t at, size_t count,
                          gch_error *err)
{
    static gch_column_data part[GCH_COLUMN_CAP];
    for (uint32_t c = 0; c < rows->column_count; c++) {
        const gch_column_data *data = &rows->data[c];
        size_t size = gch_type_bytes(rows->columns[c].type);
        part[c] = (gch_column_data){
            .values = (const uint8_t *)data->values + at * size,
            .scales = data->scales != NULL ? data->scales + at : NULL,
            .validity = data->validity != NULL ? data->validity + at / 8 : NULL,
        };
    }
    for (;;) {
        const int64_t *times = rows->times != NULL ? rows->times + at : NULL;
        gch_status status = gch_publish_rows(p->publish, times, part, count, err);
        if (status != GCH_PENDING)
            return status;
        status = gch_publish_wait(p->publish, WAIT_MS, err);
        if (status != GCH_OK && status != GCH_PENDING)
            return status;
        tell_of_losses(p);
        if (cli_signal_caught() != 0) {
            err->status = GCH_CANCELLED;
            return GCH_CANCELLED;
        }
    }
}

static gch_status take_rows(void *context, const gch_rows *rows, gch_error *err)
{
    publisher *p = context;
    gch_status status = p->publish == NULL ? open_series(p, rows, err) : GCH_OK;
    for (size_t at = 0; at < rows->row_count && status == GCH_OK; at += p->slice_rows) {
        size_t left = rows->row_count - at;
        size_t count = left < p->slice_rows ? left : p->slice_rows;
        status = hand_on(p, rows, at, count, err);
        p->row_count += status == GCH_OK ? count : 0;
    }
    return status;
}

static gch_status fail_input(gch_error *err)
{
    err->status = GCH_IO;
    snprintf(err->message, sizeof err->message, "standard input: %s", strerror(errno));
    return GCH_IO;
}

/* Until the input ends or a signal comes. */
static gch_status read_input(publisher *p, gch_parser *parser, gch_error *err)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    bool is_new = false; /* bytes that were not handed on yet, maybe */
    gch_status status = GCH_OK;
    while (status == GCH_OK && cli_signal_caught() == 0) {
        int ready = poll(&input, 1, is_new ? IDLE_MS : (int)WAIT_MS);
        if (ready < 0 && errno != EINTR)
            return fail_input(err);
        if (ready == 0 && is_new)
            status = gch_parser_flush(parser, err);
        is_new = is_new && ready < 0;
        tell_of_losses(p);
        if (ready <= 0)
            continue;
        ssize_t count = read(STDIN_FILENO, p->bytes, sizeof p->bytes);
        if (count < 0 && errno != EINTR && errno != EAGAIN)
            return fail_input(err);
        if (count == 0)
            break;
        if (count > 0)
            status = gch_parser_push(parser, p->bytes, (size_t)count, NULL, err);
        is_new = true;
    }
    return status;
}

/* Until all rows are acknowledged; after a signal not much longer. */
static gch_status await_answers(publisher *p, gch_error *err)
{
    gch_status status = GCH_PENDING;
    int64_t until = 0;
    while (p->publish != NULL && status == GCH_PENDING) {
        status = gch_publish_wait(p->publish, WAIT_MS, err);
        tell_of_losses(p);
        if (cli_signal_caught() == 0)
            continue;
        if (until == 0)
            until = cli_clock_ns() + GOODBYE_NS;
        else if (cli_clock_ns() > until)
            break;
    }
    return p->publish == NULL ? GCH_OK : status;
}

static void print_summary(const publisher *p, const gch_ingest_report *report, int64_t start_ns)
{
    gch_publish_stats stats;
    char a[CLI_NUMBER_CAP], b[CLI_NUMBER_CAP];
    double seconds = (double)(cli_clock_ns() - start_ns) / 1e9;
    gch_publish_get_stats(p->publish, &stats);
    if (report->time_unit_guessed)
        fprintf(stderr, "time unit: %s (guessed from the magnitude; --time-unit to change)\n",
                gch_time_unit_name(report->time_unit));
    if (report->bad_count > 0)
        fprintf(stderr, "skipped %s bad line%s; the first: %s\n",
                cli_format_count(report->bad_count, a), report->bad_count == 1 ? "" : "s",
                report->first_bad);
    fprintf(stderr, "%s row%s published in %s batch%s, %.1f s\n",
            cli_format_count(stats.acknowledged_rows, a), stats.acknowledged_rows == 1 ? "" : "s",
            cli_format_count(stats.batches, b), stats.batches == 1 ? "" : "es", seconds);
}

static int publish(const publish_options *o)
{
    static publisher p;
    p.options = o;
    gch_error err = {0};
    gch_ingest_report report = {0};
    gch_parser *parser = NULL;
    gch_parser_desc desc = {.ingest = {.format = GCH_FORMAT_CSV,
                                       .header = (gch_header)o->header,
                                       .delimiter = o->delimiter,
                                       .time_column = o->time,
                                       .columns = o->columns.count > 0 ? o->columns.items : NULL,
                                       .column_count = (uint32_t)o->columns.count,
                                       .time_unit = (gch_time_unit)o->time_unit,
                                       .time_zone = o->zone,
                                       .skip_bad = o->skip_bad},
                            .name = "standard input",
                            .take = take_rows,
                            .take_context = &p};
    int64_t start_ns = cli_clock_ns();
    cli_signal_catch();
    gch_status status = gch_parser_make(&desc, &parser, &err);
    if (status == GCH_OK)
        status = read_input(&p, parser, &err);
    if (status == GCH_OK)
        status = gch_parser_finish(parser, &report, &err);
    else
        gch_parser_abandon(parser);
    if (status == GCH_OK)
        status = await_answers(&p, &err);
    if (status == GCH_OK && p.publish != NULL && !o->is_quiet)
        print_summary(&p, &report, start_ns);
    if (status == GCH_OK && p.publish == NULL && cli_signal_caught() == 0)
        (void)cli_fail("standard input: no rows");
    else if (status != GCH_OK && status != GCH_CANCELLED)
        (void)cli_fail("%s", err.message);
    bool is_fine = status == GCH_OK && p.publish != NULL && cli_signal_caught() == 0;
    gch_publish_close(p.publish);
    return is_fine ? CLI_OK : CLI_FAILED;
}

int cli_publish(int argc, char **argv)
{
    static const char *columns[GCH_COLUMN_CAP];
    publish_options o = {.columns = {.items = columns, .cap = GCH_COLUMN_CAP}};
    const cli_option options[] = {
        {"time", 0, "COL",
         "the time column, by name or number (default: found by name, else the first)",
         cli_read_text, &o.time, NULL},
        {"column", 0, "COL", "a value column by name or number; may be repeated (default: all)",
         cli_read_list, &o.columns, NULL},
        {"time-unit", 0, "UNIT", "unit of integer times: s, ms, us, ns or index (default: guessed)",
         cli_read_choice, &o.time_unit, cli_time_units},
        {"tz", 0, "ZONE", "zone of times without an offset (default: UTC)", cli_read_text, &o.zone,
         NULL},
        {"header", 0, "WHEN", "auto, yes or no: whether the first line names the columns",
         cli_read_choice, &o.header, cli_headers},
        {"delimiter", 0, "CHAR", "what separates fields (default: found)", cli_read_delimiter,
         &o.delimiter, NULL},
        {"skip-bad", 0, "N", "drop up to N lines that cannot be read", cli_read_count, &o.skip_bad,
         NULL},
        {"keep-rows", 0, "N", "have the server keep the newest rows only", cli_read_count,
         &o.keep_rows, NULL},
        {"keep-age", 0, "SECONDS", "have it keep the rows of the last seconds only", cli_read_count,
         &o.keep_age_s, NULL},
        {"quiet", 'q', NULL, "say nothing of lost connections, no summary", cli_read_flag,
         &o.is_quiet, NULL},
    };
    const cli_spec spec = {
        .command = "publish",
        .usage = "URL [options] < FILE.csv",
        .description = "Publishes CSV from standard input into a live series, which is made if it "
                       "is not there. Rows go out as they come; each arrives once and in order, "
                       "also when the connection is lost or the server restarts. Ends when the "
                       "server has acknowledged the last row. URL is https://HOST/v1/live/NAME; "
                       "GCH_TOKEN and GCH_CA_FILE are as for files at URLs.",
        .examples = "  gpucharts publish http://localhost:8080/v1/live/btc < ticks.csv\n"
                    "  tail -f s.csv | gpucharts publish https://data.example/v1/live/s -q",
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
    o.url = urls.items[0];
    return publish(&o);
}
