/* Files at URLs (cli_remote.h). One HTTP client, made with the first of them. */
#include "cli_remote.h"

#include <stdlib.h>
#include <unistd.h>

#define WAIT_US 2000 /* between two looks at what has come */

static gch_http *http;

gch_status cli_remote_open(gch_data *data, const char *url, gch_source *out, gch_error *err)
{
    gch_http_desc client = {.ca_file = getenv("GCH_CA_FILE")};
    gch_url_desc desc = {.token = getenv("GCH_TOKEN")};
    gch_status status = GCH_OK;
    if (http == NULL)
        status = gch_http_make(&client, &http, err);
    return status == GCH_OK ? gch_source_open_url(data, http, url, &desc, out, err) : status;
}

gch_status cli_remote_frame(gch_chart *chart, gch_chart_desc *desc, const gch_image **out_image,
                            gch_chart_stats *stats, gch_error *err)
{
    gch_http_stats before, now;
    if (http == NULL)
        return gch_chart_frame(chart, desc, out_image, stats, err);
    gch_http_get_stats(http, &before);
    desc->no_wait = true;
    for (;;) {
        gch_status status = gch_chart_frame(chart, desc, out_image, stats, err);
        if (status != GCH_OK || stats->complete == 1)
            return status;
        gch_http_get_stats(http, &now);
        if (now.failed > before.failed)
            break;
        usleep(WAIT_US);
    }
    desc->no_wait = false; /* says what the matter is, if it still is */
    return gch_chart_frame(chart, desc, out_image, stats, err);
}

void cli_remote_end(void)
{
    gch_http_destroy(http);
    http = NULL;
}
