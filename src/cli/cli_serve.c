/* gpucharts serve: data sets over the network until a signal says stop.
 *
 * The first SIGINT or SIGTERM lets answers at hand end, the second one does not wait; both are the
 * ordinary end of a server, with exit code 0.
 */
#include "cli.h"

#include "cli_options.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LIST_CAP 64u

typedef struct serve_options {
    const char *listen, *certificate, *key, *token, *live, *viewer;
    bool is_self_signed, has_log;
    int coding;
    uint64_t threads, memory_bytes, connections, keep_rows, keep_age_s;
    cli_list origins, hosts;
} serve_options;

static const cli_choice codings[] = {{"auto", GCH_CODING_AUTO},
                                     {"always", GCH_CODING_ALWAYS},
                                     {"never", GCH_CODING_NEVER},
                                     {NULL, 0}};

static gch_server *running; /* for the signal handler, which is set after it */

static void on_stop(int number)
{
    (void)number;
    gch_server_stop(running);
}

static void catch_stop(gch_server *server)
{
    struct sigaction action = {.sa_handler = on_stop, .sa_flags = SA_RESTART};
    running = server;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* The address as a URL that can be clicked on. */
static void print_url(const serve_options *o, const gch_server *server)
{
    const char *listen = o->listen != NULL ? o->listen : "127.0.0.1:8080";
    int host_length = (int)(strrchr(listen, ':') - listen);
    bool is_tls = o->certificate != NULL || o->is_self_signed;
    printf("serving on %s://%.*s:%u/\n", is_tls ? "https" : "http",
           host_length > 0 ? host_length : 9, host_length > 0 ? listen : "localhost",
           gch_server_port(server));
    fflush(stdout);
}

/* The folder of the viewer beside the command: that of a build, or that of an installation. */
static const char *find_viewer(char *room, size_t room_cap)
{
    static const char *const places[] = {"viewer", "../share/gpucharts/viewer"};
    char command[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", command, sizeof command - 1);
    if (length <= 0)
        return NULL;
    command[length] = '\0';
    char *slash = strrchr(command, '/');
    if (slash == NULL)
        return NULL;
    *slash = '\0';
    for (size_t i = 0; i < CLI_COUNT_OF(places); i++) {
        char page[PATH_MAX + 64];
        snprintf(room, room_cap, "%s/%s", command, places[i]);
        snprintf(page, sizeof page, "%s/viewer/index.html", room);
        if (access(page, R_OK) == 0)
            return room;
    }
    return NULL;
}

/* One line of a program that goes on, from any thread. */
static void warn(void *context, const char *message)
{
    (void)context;
    (void)cli_fail("%s", message);
}

static int serve(const serve_options *o, const cli_operands *paths)
{
    gch_error err;
    gch_data *data = NULL;
    gch_server *server = NULL;
    const gch_data_desc budget = {.host_budget_bytes = o->memory_bytes};
    if (gch_data_make(&budget, &data, &err) != GCH_OK)
        return cli_fail("%s", err.message);
    const gch_server_desc desc = {
        .data = data,
        .paths = (const char *const *)paths->items,
        .path_count = paths->count,
        .listen = o->listen,
        .tls_certificate = o->certificate,
        .tls_key = o->key,
        .tls_self_signed = o->is_self_signed,
        .token_path = o->token,
        .allowed_origins = o->origins.items,
        .allowed_origin_count = o->origins.count,
        .allowed_hosts = o->hosts.items,
        .allowed_host_count = o->hosts.count,
        .live_path = o->live,
        .viewer_path = o->viewer,
        .live_keep_rows = o->keep_rows,
        .live_keep_age_s = o->keep_age_s,
        .coding = (gch_coding_rule)o->coding,
        .thread_count = (uint32_t)o->threads,
        .log_fd = o->has_log ? STDERR_FILENO : 0,
        .on_warning = o->has_log ? NULL : warn, /* else the log has it, and is JSON throughout */
        .connection_cap = (uint32_t)o->connections,
    };
    int code = CLI_OK;
    if (gch_server_make(&desc, &server, &err) != GCH_OK) {
        code = cli_fail("%s", err.message);
    } else {
        catch_stop(server);
        print_url(o, server);
        if (gch_server_run(server, &err) != GCH_OK)
            code = cli_fail("%s", err.message);
        signal(SIGINT, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
    }
    gch_server_destroy(server);
    if (gch_data_destroy(data, &err) != GCH_OK)
        code = cli_fail("%s", err.message);
    return code;
}

int cli_serve(int argc, char **argv)
{
    const char *origins[LIST_CAP], *hosts[LIST_CAP];
    serve_options o = {.origins = {.items = origins, .cap = LIST_CAP},
                       .hosts = {.items = hosts, .cap = LIST_CAP}};
    const cli_option options[] = {
        {"listen", 0, "HOST:PORT",
         "the address to listen on; port 0: any (default: 127.0.0.1:8080)", cli_read_text,
         &o.listen, NULL},
        {"tls-cert", 0, "FILE", "speak TLS with this certificate chain (PEM)", cli_read_text,
         &o.certificate, NULL},
        {"tls-key", 0, "FILE", "the certificate's key (PEM)", cli_read_text, &o.key, NULL},
        {"tls-self-signed", 0, NULL, "speak TLS with a certificate made now, for trying things out",
         cli_read_flag, &o.is_self_signed, NULL},
        {"token", 0, "FILE", "ask clients for one of the tokens in this file, one a line",
         cli_read_text, &o.token, NULL},
        {"viewer", 0, "DIR",
         "the viewer page: a folder made by `make web`, or none for a plain list (default: the one "
         "installed with this command)",
         cli_read_text, &o.viewer, NULL},
        {"allow-origin", 0, "ORIGIN",
         "let pages of https://host:port read, or * for all; may be repeated", cli_read_list,
         &o.origins, NULL},
        {"allow-host", 0, "NAME", "a name that clients may know this server by; may be repeated",
         cli_read_list, &o.hosts, NULL},
        {"live", 0, "DIR",
         "keep live series in this folder, on the disk before they are acknowledged (default: in "
         "memory, while the server runs)",
         cli_read_text, &o.live, NULL},
        {"keep-rows", 0, "N", "let a live series keep its newest rows only", cli_read_count,
         &o.keep_rows, NULL},
        {"keep-age", 0, "SECONDS", "let a live series keep the rows of its last seconds only",
         cli_read_count, &o.keep_age_s, NULL},
        {"compress", 0, "WHEN",
         "auto (where the link is slow enough to gain by it), always (behind a proxy) or never",
         cli_read_choice, &o.coding, codings},
        {"log", 0, NULL, "write an access log to standard error, JSON lines", cli_read_flag,
         &o.has_log, NULL},
        {"max-connections", 0, "N", "connections at once (default: 1024)", cli_read_count,
         &o.connections, NULL},
        {"threads", 0, "N", "threads that compute (default: one a processor)", cli_read_threads,
         &o.threads, NULL},
        {"memory", 0, "BYTES",
         "bytes of the files to hold in memory, such as 256M (default: half of the machine's)",
         cli_read_count, &o.memory_bytes, NULL},
    };
    const cli_spec spec = {
        .command = "serve",
        .usage = "DIR|FILE... [options]",
        .description = "Serves .gch files over HTTP: byte ranges of them, views computed next to "
                       "the data, metadata, and live series over WebSocket. Folders are served "
                       "with all below them; new and changed files are noticed. Ends on Ctrl-C.",
        .examples = "  gpucharts serve archive\n"
                    "  gpucharts serve ticks.gch --listen 0.0.0.0:8443 --tls-cert cert.pem "
                    "--tls-key key.pem --token tokens.txt",
        .options = options,
        .option_count = CLI_COUNT_OF(options),
        .operand_min = 1,
        .operand_max = INT_MAX,
        .operand_name = "DIR|FILE",
    };
    cli_operands paths;
    int code;
    if (!cli_options_read(&spec, argc, argv, &paths, &code))
        return code;
    if ((o.certificate == NULL) != (o.key == NULL))
        return cli_usage("serve", "--tls-cert and --tls-key go together");
    if (o.certificate != NULL && o.is_self_signed)
        return cli_usage("serve", "--tls-self-signed and --tls-cert contradict each other");
    if (o.connections > 1000000)
        return cli_usage("serve", "--max-connections is at most 1000000");
    char viewer[PATH_MAX + 32];
    if (o.viewer == NULL)
        o.viewer = find_viewer(viewer, sizeof viewer);
    else if (strcmp(o.viewer, "none") == 0)
        o.viewer = NULL;
    return serve(&o, &paths);
}
