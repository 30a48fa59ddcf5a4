/* Files at URLs: opened, and drawn without a round trip a page. */
#ifndef CLI_REMOTE_H
#define CLI_REMOTE_H

#include "cli.h"

#define CLI_REMOTE_LOADERS 64u /* ranges under way at once */

/* As gch_source_open_url, with the token and the authority that GCH_TOKEN and GCH_CA_FILE in the
 * environment name. */
gch_status cli_remote_open(gch_data *data, const char *url, gch_source *out, gch_error *err);
/* The same for gch_remote_live_open. */
gch_status cli_remote_open_live(gch_data *data, const char *url, gch_remote_live **out,
                                gch_error *err);
/* Of a file that was opened here; NULL if it was not, or its server gives none. */
const gch_answers *cli_remote_answers(const gch_file *file);
/* As gch_chart_frame. With a remote file open, what is missing is asked for all at once and the
 * frame drawn again until nothing is; what would take longer than a data server's finished answer
 * is that. At most GCH_SERIES_CAP series. */
gch_status cli_remote_frame(gch_chart *chart, const gch_chart_desc *desc,
                            const gch_image **out_image, gch_chart_stats *stats, gch_error *err);
/* Before a file that may be a remote one is closed, and after the charts of it. */
void cli_remote_close(const gch_file *file);
/* The client of all URLs, made with the first of them. */
gch_status cli_remote_client(gch_http **out, gch_error *err);
const char *cli_remote_token(void);   /* NULL: none */
const char *cli_remote_ca_file(void); /* NULL: the system's */
void cli_remote_end(void);            /* after the data manager */

#endif
