/* Data sets by name: their metadata, and the views computed of them.
 *
 * Invariants:
 *  1. A view is computed and coded by a job, which holds the data set and a copy of the query
 *     string, nothing of the exchange.
 *  2. Places for jobs are bounded in all and for a connection; who finds none is told when to come
 *     again.
 */
#include "serve_coding.h"
#include "serve_route.h"
#include "serve_view.h"

#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define PURPOSE "view"
#define TASKS_A_CONNECTION 256u
#define MIN_RATIO 1.15 /* less is not worth a decoder's start */
#define MIN_CODED_BYTES 1024u

typedef struct view_task {
    gch__task task; /* first: the job is cast back */
    gch_server *server;
    gch__dataset *dataset;
    gch__view_kind kind;
    gch__coding coding; /* to try */
    gch__buffer query;
    /* What came out. */
    gch_status status;
    gch_error error;
    gch__buffer bytes, coded;
    int64_t encode_ns;
} view_task;

static void view_run(gch__job *job)
{
    view_task *view = (view_task *)(void *)job;
    char room[8200];
    gch__parameters parameters;
    gch__view_request request;
    view->status = GCH_INVALID; /* the network's thread has parsed it before */
    if (!gch__parameters_parse((gch__span){view->query.bytes, view->query.count}, room, sizeof room,
                               &parameters))
        return;
    view->status = gch__view_parse(view->kind, &parameters, gch_file_get_info(view->dataset->file),
                                   &request, &view->error);
    if (view->status == GCH_OK)
        view->status = gch__view_answer(view->dataset, &request, &view->bytes, &view->error);
    if (view->status != GCH_OK || view->coding == GCH__CODING_IDENTITY ||
        view->bytes.count < MIN_CODED_BYTES)
        return;
    int64_t start_ns = gch__clock_ns();
    if (!gch__coding_encode(view->coding, view->bytes.bytes, view->bytes.count, MIN_RATIO,
                            &view->coded))
        gch__buffer_reset(&view->coded);
    view->encode_ns = gch__clock_ns() - start_ns;
}

/* A running mean that forgets after some 16 answers. */
static void learn(double *mean, double sample)
{
    *mean = *mean == 0 ? sample : *mean + (sample - *mean) / 16;
}

static void learn_coding(view_task *view)
{
    gch__metrics *metrics = &view->server->metrics;
    gch__coding_stats *stats = &view->server->coding[view->coding];
    if (view->encode_ns == 0)
        return;
    size_t coded = view->coded.count > 0 ? view->coded.count : view->bytes.count;
    learn(&stats->ns_a_byte, (double)view->encode_ns / (double)view->bytes.count);
    learn(&stats->ratio, (double)view->bytes.count / (double)coded);
    metrics->raw_bytes += view->bytes.count;
    metrics->coded_bytes += coded;
}

static void view_finish(gch__job *job)
{
    view_task *view = (view_task *)(void *)job;
    gch__exchange *exchange = gch__task_end(&view->task);
    gch_error ignored;
    if (view->status == GCH_OK && !atomic_load(&job->is_cancelled)) {
        view->server->metrics.computed++;
        learn_coding(view);
    }
    if (exchange != NULL && view->status != GCH_OK) {
        gch__answer_status(exchange, &view->error);
    } else if (exchange != NULL) {
        bool is_coded = view->coded.count > 0;
        exchange->code = 200;
        gch__answer_add(exchange, "content-type", "application/vnd.gpucharts.answer");
        if (is_coded)
            gch__answer_add(exchange, "content-encoding", "%s", gch__coding_name(view->coding));
        /* The buffer changes hands. */
        gch__buffer_reset(&exchange->answer.memory);
        exchange->answer.memory = is_coded ? view->coded : view->bytes;
        *(is_coded ? &view->coded : &view->bytes) = (gch__buffer){0};
        exchange->is_lost = gch__body_add_appended(&exchange->answer, &ignored) != GCH_OK;
    }
    const gch_allocator *allocator = view->server->allocator;
    gch__buffer_reset(&view->bytes);
    gch__buffer_reset(&view->coded);
    gch__buffer_reset(&view->query);
    gch__dataset_release(view->dataset);
    gch__free(allocator, view, PURPOSE);
    if (exchange != NULL)
        gch__exchange_answered(exchange);
}

/* Bytes a second that the connection has lately brought to the client, as the system has measured;
 * 0 if it does not know yet. */
static double link_speed(const gch__conn *conn)
{
    struct tcp_info info;
    socklen_t length = sizeof info;
    if (getsockopt(conn->fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0 || info.tcpi_rtt == 0 ||
        conn->sent_bytes < 65536)
        return 0;
    /* A window a round trip: what the link has been seen to carry at once. */
    return (double)info.tcpi_snd_cwnd * info.tcpi_snd_mss * 1e6 / info.tcpi_rtt;
}

static gch__coding choose_coding(const gch__exchange *exchange)
{
    const gch_server *server = exchange->conn->server;
    if (server->desc.coding == GCH_CODING_NEVER)
        return GCH__CODING_IDENTITY;
    gch__coding coding =
        gch__coding_choose(gch__exchange_field(exchange, GCH__FIELD_ACCEPT_ENCODING));
    if (server->desc.coding == GCH_CODING_ALWAYS)
        return coding;
    const gch__coding_stats *stats = &server->coding[coding];
    return gch__coding_pays(coding, stats->ns_a_byte, stats->ratio, link_speed(exchange->conn))
               ? coding
               : GCH__CODING_IDENTITY;
}

/* FNV-1a, 64 bits (Fowler, Noll, Vo): tells query strings of one version apart, for entity tags. */
static uint64_t hash_query(gch__span query)
{
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t i = 0; i < query.count; i++)
        hash = (hash ^ query.bytes[i]) * 0x100000001B3u;
    return hash;
}

/* Takes over the hold on the data set. */
static void begin_view(gch__asked *asked, gch__dataset *dataset, gch__view_kind kind)
{
    gch__exchange *exchange = asked->exchange;
    gch_server *server = asked->server;
    view_task *view = NULL;
    bool is_full = gch__jobs_count(server->jobs) >= server->desc.request_cap;
    bool is_greedy = exchange->conn->task_count >= TASKS_A_CONNECTION;
    if (is_full || is_greedy) {
        server->metrics.refused_tasks++;
        gch__answer_error(exchange, is_full ? 503 : 429, GCH_LIMIT, "too much is being computed");
    } else {
        view = gch__alloc_zero(server->allocator, 1, sizeof *view, PURPOSE);
        exchange->is_lost = view == NULL;
    }
    if (view == NULL) {
        gch__dataset_release(dataset);
        return;
    }
    view->task.job.run = view_run;
    view->task.job.finish = view_finish;
    view->server = server;
    view->dataset = dataset;
    view->kind = kind;
    view->coding = choose_coding(exchange);
    view->query.allocator = view->bytes.allocator = view->coded.allocator = server->allocator;
    view->query.purpose = PURPOSE;
    view->bytes.purpose = view->coded.purpose = "answer";
    if (asked->query.count > 0 &&
        !gch__buffer_append(&view->query, asked->query.bytes, asked->query.count)) {
        exchange->is_lost = true;
        gch__dataset_release(dataset);
        gch__free(server->allocator, view, PURPOSE);
        return;
    }
    gch__exchange_run(exchange, &view->task);
}

static void serve_metadata(gch__asked *asked, gch__dataset *dataset, bool is_of_version)
{
    gch__exchange *exchange = asked->exchange;
    char tag[40];
    snprintf(tag, sizeof tag, "W/\"%s\"", dataset->version_text);
    if (gch__answer_is_cached(asked, tag, is_of_version))
        return;
    gch__answer_text(exchange, 200, "application/json", dataset->json, dataset->json_length);
}

void gch__serve_view(gch__asked *asked)
{
    static const char *const plain_keys[] = {GCH__COMMON_KEYS};
    gch__exchange *exchange = asked->exchange;
    const char *const *keys = plain_keys;
    size_t key_count = GCH_COUNT_OF(plain_keys);
    int operation;
    char tag[64];
    gch__dataset *dataset = gch__asked_dataset(asked, true, &operation);
    if (dataset == NULL)
        return;
    if (operation >= 0)
        keys = gch__view_keys((gch__view_kind)operation, &key_count);
    bool is_of_version = gch__parameters_get(&asked->parameters, "v") != NULL;
    if (!gch__asked_check(asked, keys, key_count, NULL)) {
        gch__dataset_release(dataset);
        return;
    }
    if (operation < 0 || dataset->file == NULL) {
        if (operation < 0)
            serve_metadata(asked, dataset, is_of_version);
        else
            gch__answer_status(exchange, &dataset->error);
        gch__dataset_release(dataset);
        return;
    }
    gch__answer_add(exchange, "vary", "%s",
                    asked->server->desc.allowed_origin_count > 0 ? "Accept-Encoding, Origin"
                                                                 : "Accept-Encoding");
    snprintf(tag, sizeof tag, "W/\"%s-%016" PRIx64 "\"", dataset->version_text,
             hash_query(asked->query) + (uint64_t)operation);
    if (gch__answer_is_cached(asked, tag, is_of_version)) {
        gch__dataset_release(dataset);
        return;
    }
    begin_view(asked, dataset, (gch__view_kind)operation);
}
