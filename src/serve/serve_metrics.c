/* /metrics: counters of the server and of the data manager, in Prometheus' text format 0.0.4. */
#include "serve_json.h"
#include "serve_route.h"

#include <inttypes.h>

/* gch__json_print is a bounded printf onto a buffer; here it prints lines. */
static bool add(gch__buffer *out, const char *name, const char *type, const char *help,
                uint64_t value)
{
    return gch__json_print(out, "# HELP gpucharts_%s %s\n# TYPE gpucharts_%s %s\n", name, help,
                           name, type) &&
           gch__json_print(out, "gpucharts_%s %" PRIu64 "\n", name, value);
}

static bool add_requests(gch__buffer *out, const gch__metrics *metrics)
{
    static const char *const protocols[] = {"http1", "http2", "websocket"};
    bool has_room = gch__json_print(out, "# HELP gpucharts_requests_total Requests begun.\n"
                                         "# TYPE gpucharts_requests_total counter\n");
    for (size_t i = 0; i < GCH_COUNT_OF(protocols); i++)
        has_room = has_room &&
                   gch__json_print(out, "gpucharts_requests_total{protocol=\"%s\"} %" PRIu64 "\n",
                                   protocols[i], metrics->requests[i]);
    has_room = has_room && gch__json_print(out, "# HELP gpucharts_responses_total Answers.\n"
                                                "# TYPE gpucharts_responses_total counter\n");
    for (size_t i = 1; i < GCH_COUNT_OF(metrics->codes); i++)
        has_room = has_room &&
                   gch__json_print(out, "gpucharts_responses_total{code=\"%zuxx\"} %" PRIu64 "\n",
                                   i, metrics->codes[i]);
    return has_room;
}

static bool add_latency(gch__buffer *out, const gch__metrics *metrics)
{
    uint64_t count = 0;
    bool has_room =
        gch__json_print(out, "# HELP gpucharts_request_seconds From a request's first byte to the "
                             "end of its answer.\n# TYPE gpucharts_request_seconds histogram\n");
    for (size_t i = 0; i < GCH__LATENCY_BUCKETS - 1; i++) {
        count += metrics->latency[i];
        has_room = has_room && gch__json_print(out,
                                               "gpucharts_request_seconds_bucket{le=\"%g\"} "
                                               "%" PRIu64 "\n",
                                               (double)((uint64_t)2 << i) / 1e6, count);
    }
    count += metrics->latency[GCH__LATENCY_BUCKETS - 1];
    return has_room &&
           gch__json_print(out, "gpucharts_request_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n",
                           count) &&
           gch__json_print(out,
                           "gpucharts_request_seconds_sum %g\n"
                           "gpucharts_request_seconds_count %" PRIu64 "\n",
                           (double)metrics->latency_sum_us / 1e6, count);
}

static bool add_data(gch__buffer *out, gch_data *data)
{
    gch_data_stats stats;
    gch_data_get_stats(data, &stats);
    uint64_t evictions = 0, queued = 0;
    for (size_t i = 0; i < GCH_EVICT_CAUSE_COUNT; i++)
        evictions += stats.evictions[i];
    for (size_t i = 0; i < GCH_COUNT_OF(stats.queue_depth); i++)
        queued += stats.queue_depth[i];
    return add(out, "data_budget_bytes", "gauge", "Memory budget for data.",
               stats.host_budget_bytes) &&
           add(out, "data_used_bytes", "gauge", "Memory in use for data.", stats.host_used_bytes) &&
           add(out, "data_peak_bytes", "gauge", "Most memory in use for data.",
               stats.host_peak_bytes) &&
           add(out, "data_pages", "gauge", "Pages in memory.", stats.resident_pages) &&
           add(out, "data_hits_total", "counter", "Pages asked for and there.", stats.hits) &&
           add(out, "data_misses_total", "counter", "Pages asked for and not there.",
               stats.misses) &&
           add(out, "data_evictions_total", "counter", "Pages given up.", evictions) &&
           add(out, "data_loads_total", "counter", "Reads.", stats.loads) &&
           add(out, "data_loaded_bytes_total", "counter", "Bytes read.", stats.loaded_bytes) &&
           add(out, "data_failed_pages_total", "counter", "Pages that could not be loaded.",
               stats.failed_pages) &&
           add(out, "data_queue", "gauge", "Pages waiting to be loaded.", queued);
}

static bool add_server(gch__buffer *out, gch_server *server)
{
    const gch__metrics *m = &server->metrics;
    return add(out, "data_sets", "gauge", "Data sets served.",
               gch__catalog_count(server->catalog)) &&
           add(out, "connections", "gauge", "Connections open.", server->conn_count) &&
           add(out, "connections_total", "counter", "Connections taken.", m->connections) &&
           add(out, "connections_refused_total", "counter", "Connections beyond a limit.",
               m->refused_connections) &&
           add(out, "tls_failures_total", "counter", "TLS handshakes that failed.",
               m->tls_failures) &&
           add(out, "timeouts_total", "counter", "Requests and connections that were too slow.",
               m->timeouts) &&
           add(out, "received_bytes_total", "counter", "Bytes received, TLS taken off.",
               m->received_bytes) &&
           add(out, "sent_bytes_total", "counter", "Bytes sent, TLS not counted.", m->sent_bytes) &&
           add(out, "stream_resets_total", "counter", "HTTP/2 streams cancelled.", m->resets) &&
           add(out, "tasks", "gauge", "Computations and disk reads at hand.",
               gch__jobs_count(server->jobs)) &&
           add(out, "tasks_cancelled_total", "counter", "Those whose client went away.",
               m->cancelled_tasks) &&
           add(out, "tasks_refused_total", "counter", "Those there was no place for.",
               m->refused_tasks) &&
           add(out, "disk_waits_total", "counter", "Answers that waited for the disk.",
               m->disk_waits) &&
           add(out, "views_total", "counter", "Views computed.", m->computed) &&
           add(out, "coding_in_bytes_total", "counter", "Bytes of views before compression.",
               m->raw_bytes) &&
           add(out, "coding_out_bytes_total", "counter", "Bytes of views after compression.",
               m->coded_bytes) &&
           add(out, "log_dropped_total", "counter", "Lines of the access log that found no room.",
               gch__log_dropped(server->log));
}

void gch__serve_metrics(gch__asked *asked)
{
    static const char *const known[] = {"token"};
    gch__exchange *exchange = asked->exchange;
    gch_server *server = asked->server;
    gch__buffer *out = &exchange->answer.memory;
    gch_error err;
    if (!gch__asked_check(asked, known, GCH_COUNT_OF(known), NULL))
        return;
    gch__answer_add(exchange, "content-type", "text/plain; version=0.0.4; charset=utf-8");
    gch__answer_add(exchange, "cache-control", "no-store");
    exchange->code = 200;
    bool has_room = add_server(out, server) && add_requests(out, &server->metrics) &&
                    add_latency(out, &server->metrics) && gch__hub_metrics(server->live, out) &&
                    add_data(out, server->desc.data);
    if (!has_room || gch__body_add_appended(&exchange->answer, &err) != GCH_OK)
        exchange->is_lost = true;
}
