/* Files at URLs: opened, and drawn without a round trip a page. */
#ifndef CLI_REMOTE_H
#define CLI_REMOTE_H

#include "cli.h"

#define CLI_REMOTE_LOADERS 64u /* ranges under way at once */

/* As gch_source_open_url, with the token and the authority that GCH_TOKEN and GCH_CA_FILE in the
 * environment name. */
gch_status cli_remote_open(gch_data *data, const char *url, gch_source *out, gch_error *err);
/* As gch_chart_frame. With a remote file open, what is missing is asked for all at once and the
 * frame drawn again until nothing is. */
gch_status cli_remote_frame(gch_chart *chart, gch_chart_desc *desc, const gch_image **out_image,
                            gch_chart_stats *stats, gch_error *err);
void cli_remote_end(void); /* after the data manager */

#endif
