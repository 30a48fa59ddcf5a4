/* Publishing rows into a live series of a data server (docs/protocol.md): each row once and in
 * order, across lost connections and restarts of the server.
 *
 *     gch_publish *publish = NULL;
 *     gch_column_desc column = {.name = "price", .type = GCH_TYPE_F64};
 *     gch_publish_desc desc = {.url = "https://data.example/v1/live/btc",
 *                              .time_unit = GCH_TIME_MS, .columns = &column, .column_count = 1};
 *     status = gch_publish_open(http, &desc, &publish, &err);
 *     status = gch_publish_rows(publish, times, &(gch_column_data){.values = prices}, n, &err);
 *     status = gch_publish_wait(publish, 10000, &err);
 *     gch_publish_close(publish);
 *
 * One batch is under way at a time; the rows that come meanwhile make the next one, so that batches
 * grow with the latency of the line and of the server's disk. A batch is kept until it is
 * acknowledged, and goes out again over the next connection under the same number, by which the
 * server knows one that it has taken already.
 *
 * Ownership: rows and texts are copied. Thread rule: rows are one thread's at a time, all else may
 * be called from any.
 */
#ifndef GCH_PUBLISH_H
#define GCH_PUBLISH_H

#include "gch/http.h"
#include "gch/websocket.h"
#include "gch/writer.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gch_publish gch_publish;

typedef struct gch_publish_desc {
    const char *url;         /* http(s)://host/v1/live/NAME */
    const char *token;       /* with the right to write; NULL: none */
    gch_time_unit time_unit; /* not DEFAULT */
    /* I8 to F64. DECIMAL is taken too, and travels as the nearest F64. */
    const gch_column_desc *columns;
    uint32_t column_count;          /* 1 to 256 */
    uint64_t keep_rows, keep_age_s; /* asked of the server; 0: what it does */
    size_t queue_cap;               /* bytes of rows that wait, and so of a batch; 0: 4 MiB */
    uint32_t ping_ms, pong_ms, backoff_ms, backoff_cap_ms; /* as gch_ws_desc */
} gch_publish_desc;

/* Makes the series, unless it is there with these columns, and waits for that; the connection that
 * rows go over comes later. As gch_http_fetch and gch_ws_open; GCH_EXISTS: with other columns;
 * GCH_IO for a token that may not write. Certificates are checked as `http` does, which is not
 * needed afterwards but for its allocator. */
GCH_CHECKED gch_status gch_publish_open(gch_http *http, const gch_publish_desc *desc,
                                        gch_publish **out, gch_error *err);
/* What is not acknowledged by now may have been taken or not. NULL is allowed. */
void gch_publish_close(gch_publish *publish);

/* Takes all rows, or GCH_PENDING: none, since too many wait (gch_publish_wait). `times` NULL: rows
 * are numbered from 0 (GCH_TIME_INDEX). GCH_UNSORTED names the first row, of this call, that is
 * earlier than the one before; GCH_LIMIT (more than queue_cap can hold), GCH_INVALID,
 * GCH_NO_MEMORY; what publishing has failed with for good: the server's refusal (GCH_UNSORTED for
 * rows before its last one), GCH_IO, GCH_NOT_FOUND. */
GCH_CHECKED gch_status gch_publish_rows(gch_publish *publish, const int64_t *times,
                                        const gch_column_data *columns, size_t row_count,
                                        gch_error *err);
/* Waits until every row is acknowledged: GCH_OK, GCH_PENDING after timeout_ms, or what publishing
 * has failed with for good. */
GCH_CHECKED gch_status gch_publish_wait(gch_publish *publish, uint32_t timeout_ms, gch_error *err);

typedef struct gch_publish_stats {
    gch_ws_stats ws;
    uint64_t rows, acknowledged_rows;
    uint64_t batches;          /* acknowledged */
    uint64_t repeated_batches; /* sent again over another connection */
    uint64_t known_batches;    /* of these, those that the server had taken already */
    gch_error error; /* why it has failed for good, or why there is no connection at the moment */
} gch_publish_stats;

void gch_publish_get_stats(gch_publish *publish, gch_publish_stats *out);

#ifdef __cplusplus
}
#endif
#endif
