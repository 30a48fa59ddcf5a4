/* Files at URLs (cli_remote.h). One HTTP client, made with the first of them. A command draws one
 * chart, so each file has one object that asks its server for finished answers. */
#include "cli_remote.h"

#include <stdlib.h>
#include <unistd.h>

#define WAIT_US 2000 /* between two looks at what has come */

static gch_http *http;
static struct {
    const gch_file *file; /* NULL: free */
    gch_remote_answers *answers;
} remotes[GCH_SERIES_CAP];

static void add_answers(gch_data *data, gch_source source)
{
    gch_error err;
    size_t i = 0;
    while (i < GCH_SERIES_CAP && remotes[i].file != NULL)
        i++;
    /* Without them everything works too: most servers have none. */
    if (i < GCH_SERIES_CAP &&
        gch_remote_answers_make(data, http, source, &remotes[i].answers, &err) == GCH_OK &&
        gch_source_get_file(data, source, &remotes[i].file, &err) != GCH_OK)
        gch_remote_answers_destroy(remotes[i].answers);
}

const gch_answers *cli_remote_answers(const gch_file *file)
{
    for (size_t i = 0; i < GCH_SERIES_CAP; i++) {
        if (remotes[i].file == file)
            return gch_remote_answers_get(remotes[i].answers);
    }
    return NULL;
}

const char *cli_remote_token(void)
{
    return getenv("GCH_TOKEN");
}

const char *cli_remote_ca_file(void)
{
    return getenv("GCH_CA_FILE");
}

gch_status cli_remote_client(gch_http **out, gch_error *err)
{
    gch_http_desc client = {.ca_file = cli_remote_ca_file()};
    gch_status status = http == NULL ? gch_http_make(&client, &http, err) : GCH_OK;
    *out = http;
    return status;
}

gch_status cli_remote_open_live(gch_data *data, const char *url, gch_remote_live **out,
                                gch_error *err)
{
    gch_remote_live_desc desc = {.url = url, .token = cli_remote_token()};
    gch_http *client;
    gch_status status = cli_remote_client(&client, err);
    return status == GCH_OK ? gch_remote_live_open(data, client, &desc, out, err) : status;
}

gch_status cli_remote_open(gch_data *data, const char *url, gch_source *out, gch_error *err)
{
    gch_url_desc desc = {.token = cli_remote_token()};
    gch_http *client;
    gch_status status = cli_remote_client(&client, err);
    if (status == GCH_OK)
        status = gch_source_open_url(data, client, url, &desc, out, err);
    if (status == GCH_OK)
        add_answers(data, *out);
    return status;
}

void cli_remote_close(const gch_file *file)
{
    for (size_t i = 0; i < GCH_SERIES_CAP; i++) {
        if (remotes[i].file != file)
            continue;
        gch_remote_answers_destroy(remotes[i].answers);
        remotes[i].file = NULL;
    }
}

gch_status cli_remote_frame(gch_chart *chart, const gch_chart_desc *desc,
                            const gch_image **out_image, gch_chart_stats *stats, gch_error *err)
{
    gch_http_stats before, now;
    if (http == NULL)
        return gch_chart_frame(chart, desc, out_image, stats, err);
    gch_http_get_stats(http, &before);
    gch_chart_series series[GCH_SERIES_CAP];
    gch_chart_desc no_wait = *desc;
    for (uint32_t i = 0; i < desc->series_count; i++) {
        series[i] = desc->series[i];
        series[i].answers = cli_remote_answers(series[i].file);
    }
    no_wait.series = series;
    no_wait.no_wait = true;
    for (;;) {
        gch_status status = gch_chart_frame(chart, &no_wait, out_image, stats, err);
        if (status != GCH_OK || stats->complete == 1)
            return status;
        gch_http_get_stats(http, &now);
        if (now.failed > before.failed)
            break;
        usleep(WAIT_US);
    }
    /* Says what the matter is, if it still is. */
    return gch_chart_frame(chart, desc, out_image, stats, err);
}

void cli_remote_end(void)
{
    gch_http_destroy(http);
    http = NULL;
}
