/* The data server: .gch files and live series over HTTP/1.1, HTTP/2 and WebSocket.
 *
 * It answers byte ranges of files, views computed next to the data, metadata, and live series, as
 * docs/protocol.md specifies; docs/serving.md is the guide to running it.
 *
 *     gch_server *server = NULL;
 *     const char *folder = "archive";
 *     gch_server_desc desc = {.data = data, .paths = &folder, .path_count = 1};
 *     if (gch_server_make(&desc, &server, &err) == GCH_OK) {
 *         printf("listening on port %u\n", gch_server_port(server));
 *         status = gch_server_run(server, &err); // until gch_server_stop
 *     }
 *     gch_server_destroy(server);
 *
 * Ownership: the data manager and the texts of the desc are borrowed until gch_server_destroy.
 * Thread rule: gch_server_run takes the calling thread for the network and has threads of its own
 * for computing; gch_server_stop may be called from any thread and from a signal handler, and
 * gch_server_port from any thread; the rest from one thread.
 */
#ifndef GCH_SERVE_H
#define GCH_SERVE_H

#include "gch/data.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gch_server gch_server;

/* Whether answers that are computed are compressed. Files never are. */
typedef enum gch_coding_rule {
    GCH_CODING_DEFAULT = 0, /* AUTO */
    GCH_CODING_AUTO = 1,    /* where the bytes saved are worth the time on the measured link */
    GCH_CODING_ALWAYS = 2,  /* where it saves at all: behind a proxy, which hides the link */
    GCH_CODING_NEVER = 3,
} gch_coding_rule;

typedef struct gch_server_desc {
    gch_data *data;
    /* Folders, served with all .gch files below them, and single .gch files, by their base names.
     */
    const char *const *paths;
    size_t path_count;

    /* A folder with the viewer page (web/dist of the package), which is read once and then served
     * at "/", to everybody: it holds no data. NULL: a plain list of the data sets is there. */
    const char *viewer_path;

    const char *listen;          /* "HOST:PORT", "[::1]:PORT"; port 0: any; NULL: 127.0.0.1:8080 */
    const char *tls_certificate; /* PEM, with its chain; NULL: cleartext */
    const char *tls_key;         /* PEM */
    bool tls_self_signed;        /* a certificate made at start, for trying things out */

    /* A file with a token a line, "TOKEN" or "TOKEN write", "#" for comments; NULL: no
     * authorization, and nobody may publish but from this machine's loopback. */
    const char *token_path;
    /* "https://host:port" that pages of other origins may come from, or "*" for all. */
    const char *const *allowed_origins;
    size_t allowed_origin_count;
    /* Names that clients may know this server by. Without any, without tokens and on a loopback
     * address: localhost and literal addresses only, so that no foreign page can reach it by a name
     * of its own (DNS rebinding). */
    const char *const *allowed_hosts;
    size_t allowed_host_count;

    /* A folder for live series, which are then on the disk before they are acknowledged, and there
     * again after a restart; NULL: they are in memory only. Nobody else may write in it. */
    const char *live_path;
    /* What a live series keeps unless its maker says so himself: the newest rows, or those of the
     * last seconds. 0 for both: everything with live_path, else live_bytes_cap compressed. */
    uint64_t live_keep_rows, live_keep_age_s;

    gch_coding_rule coding;
    uint32_t thread_count; /* for computing; 0: one for each processor */
    int log_fd;            /* where the access log goes, as JSON lines; 0: nowhere */
    /* Told, in a sentence, what is not served and why, and what else than requests fails; the log
     * has it too. From any thread, and once for each file. NULL: nobody is told. */
    void (*on_warning)(void *context, const char *message);
    void *context;

    /* Limits; 0 is the default given. */
    uint32_t connection_cap;         /* 1024 */
    uint32_t connection_cap_of_peer; /* from one address: 256 */
    uint32_t stream_cap;             /* HTTP/2 streams of a connection: 256 */
    uint32_t request_cap;            /* requests that wait for computing, in all: 1024 */
    uint32_t data_cap;               /* data sets: 4096 */
    uint32_t header_bytes_cap;       /* of a request's head: 16384 */
    uint32_t body_bytes_cap;         /* of a request's body or a WebSocket message: 8 MiB */
    uint32_t request_timeout_ms;     /* for a request to arrive: 10000 */
    uint32_t send_timeout_ms;        /* without 4 KiB of progress in sending: 30000 */
    uint32_t idle_timeout_ms;        /* of a connection without requests: 75000 */
    uint32_t drain_timeout_ms;       /* for requests at hand when stopping: 10000 */
    uint32_t scan_interval_ms;       /* between looks at the folders: 1000 */
    uint32_t reset_burst;            /* streams a client may cancel at once: 2000 ... */
    uint32_t reset_rate;             /* ... and a second, in the long run: 200 */
    uint64_t live_bytes_cap;         /* batches kept for followers, and the size beyond which a
                                        journal begins a new file, a live series: 64 MiB */
    uint32_t live_series_cap;        /* 1024 */

    const gch_allocator *allocator;
} gch_server_desc;

/* Looks at the folders, reads the viewer, and listens. GCH_INVALID (a desc that contradicts itself,
 * a malformed address or token file), GCH_NOT_FOUND and GCH_IO (a path, the viewer, a certificate,
 * the address), GCH_CORRUPT and GCH_EXISTS (the live folder: a damaged journal, another server's),
 * GCH_NO_MEMORY, GCH_LIMIT (threads). */
GCH_CHECKED gch_status gch_server_make(const gch_server_desc *desc, gch_server **out,
                                       gch_error *err);
/* The port that is listened on. */
uint16_t gch_server_port(const gch_server *server);
/* Serves until gch_server_stop, then lets requests at hand end, up to drain_timeout_ms. GCH_IO,
 * GCH_NO_MEMORY: it could not start or go on; never for what a client does. */
GCH_CHECKED gch_status gch_server_run(gch_server *server, gch_error *err);
/* A second call ends without waiting. */
void gch_server_stop(gch_server *server);
void gch_server_destroy(gch_server *server); /* not while it runs; NULL is allowed */

#ifdef __cplusplus
}
#endif
#endif
