/* Routing: what is refused before anything is looked up, then the handler (serve_route.h).
 *
 * Invariants:
 *  1. Every request passes the same gates in the same order: its own faults, the name it knows us
 *     by, its origin, its token, its method.
 *  2. Nothing of a request gets into the fields of an answer but an Origin that equals an allowed
 *     one.
 */
#include "serve_route.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct route {
    const char *path;
    bool is_prefix; /* "/data/": the rest of the path is the handler's */
    bool is_open;   /* no token, whatever name the server goes by */
    bool is_public; /* no token */
    bool takes_body;
    void (*handle)(gch__asked *asked);
} route;

static void serve_health(gch__asked *asked)
{
    gch__exchange *exchange = asked->exchange;
    gch__answer_add(exchange, "cache-control", "no-store");
    if (asked->server->is_draining)
        gch__answer_text(exchange, 503, "text/plain; charset=utf-8", "stopping\n", 9);
    else
        gch__answer_text(exchange, 200, "text/plain; charset=utf-8", "ok\n", 3);
}

static const route routes[] = {
    {.path = "/", .handle = gch__serve_page},
    {.path = "/healthz", .is_open = true, .handle = serve_health},
    {.path = "/metrics", .handle = gch__serve_metrics},
    {.path = "/v1/data", .handle = gch__serve_list},
    {.path = "/v1/data/", .is_prefix = true, .handle = gch__serve_view},
    {.path = "/data/", .is_prefix = true, .handle = gch__serve_file},
    {.path = "/v1/live", .handle = gch__serve_live},
    {.path = "/v1/live/", .is_prefix = true, .takes_body = true, .handle = gch__serve_live},
};

static const route viewer_route = {.path = "/", .is_public = true, .handle = gch__serve_viewer};

static const route *find_route(const gch_server *server, gch__span path)
{
    if (gch__viewer_find(server->viewer, path) != NULL)
        return &viewer_route;
    for (size_t i = 0; i < GCH_COUNT_OF(routes); i++) {
        size_t length = strlen(routes[i].path);
        bool fits = routes[i].is_prefix ? path.count > length : path.count == length;
        if (fits && memcmp(path.bytes, routes[i].path, length) == 0)
            return &routes[i];
    }
    return NULL;
}

static bool is_allowed_origin(const gch_server *server, gch__span origin)
{
    for (size_t i = 0; i < server->desc.allowed_origin_count; i++) {
        const char *allowed = server->desc.allowed_origins[i];
        if (strcmp(allowed, "*") == 0 || gch__span_is(origin, allowed))
            return true;
    }
    return false;
}

static bool has_any_origin(const gch_server *server)
{
    for (size_t i = 0; i < server->desc.allowed_origin_count; i++) {
        if (strcmp(server->desc.allowed_origins[i], "*") == 0)
            return true;
    }
    return false;
}

/* Cross-origin sharing: fields for origins that are allowed. */
static void check_origin(gch__asked *asked)
{
    gch__exchange *exchange = asked->exchange;
    gch_server *server = asked->server;
    gch__span origin = gch__exchange_field(exchange, GCH__FIELD_ORIGIN);
    gch__span host = gch__exchange_field(exchange, GCH__FIELD_HOST);
    if (server->desc.allowed_origin_count > 0 && !has_any_origin(server))
        gch__answer_add(exchange, "vary", "Origin");
    if (!exchange->fields[GCH__FIELD_ORIGIN].is_set ||
        gch__origin_is_same(origin, host, server->is_tls))
        return;
    if (!is_allowed_origin(server, origin)) {
        asked->is_foreign = true;
        return;
    }
    if (has_any_origin(server)) {
        gch__answer_add(exchange, "access-control-allow-origin", "*");
    } else {
        gch__answer_add(exchange, "access-control-allow-origin", "%.*s", (int)origin.count,
                        (const char *)origin.bytes);
        gch__answer_add(exchange, "access-control-allow-credentials", "true");
    }
    gch__answer_add(exchange, "access-control-expose-headers",
                    "ETag, Accept-Ranges, Content-Range, Retry-After");
}

static void serve_options(gch__asked *asked, const route *found)
{
    gch__exchange *exchange = asked->exchange;
    exchange->code = 204;
    exchange->answer_has_no_body = true;
    gch__answer_add(exchange, "allow", "%s",
                    found != NULL && found->takes_body ? "GET, HEAD, OPTIONS, POST, PUT"
                                                       : "GET, HEAD, OPTIONS");
    if (!exchange->fields[GCH__FIELD_REQUEST_METHOD].is_set || asked->is_foreign)
        return;
    gch__answer_add(exchange, "access-control-allow-methods", "GET, HEAD, POST, PUT");
    gch__answer_add(exchange, "access-control-allow-headers",
                    "Authorization, Content-Type, If-None-Match, If-Range, Priority, Range");
    gch__answer_add(exchange, "access-control-max-age", "86400");
}

static gch__right find_right(const gch__asked *asked)
{
    const gch__exchange *exchange = asked->exchange;
    const gch_server *server = asked->server;
    if (server->tokens == NULL)
        return exchange->conn->is_loopback ? GCH__RIGHT_WRITE : GCH__RIGHT_READ;
    gch__span token = {NULL, 0};
    const char *text = gch__parameters_get(&asked->parameters, "token");
    if (exchange->fields[GCH__FIELD_AUTHORIZATION].is_set)
        token = gch__bearer_token(gch__exchange_field(exchange, GCH__FIELD_AUTHORIZATION));
    else if (exchange->fields[GCH__FIELD_COOKIE].is_set)
        token = gch__cookie_value(gch__exchange_field(exchange, GCH__FIELD_COOKIE), "gch_token");
    if (token.count == 0 && !exchange->fields[GCH__FIELD_AUTHORIZATION].is_set && text != NULL)
        token = (gch__span){(const uint8_t *)text, strlen(text)};
    return gch__tokens_check(server->tokens, token);
}

static bool checks_host(const gch_server *server)
{
    return server->desc.allowed_host_count > 0 || (server->is_local && server->tokens == NULL);
}

/* Invariant 1; false if the request is answered. */
static bool pass_gates(gch__asked *asked, const route *found, char *room, size_t room_cap)
{
    gch__exchange *exchange = asked->exchange;
    gch_server *server = asked->server;
    bool is_open = found != NULL && found->is_open;
    if (!is_open && checks_host(server) &&
        !gch__host_is_allowed(gch__exchange_field(exchange, GCH__FIELD_HOST),
                              server->desc.allowed_hosts, server->desc.allowed_host_count)) {
        gch__answer_error(exchange, 421, GCH_INVALID, "this server is not known by that name");
        return false;
    }
    check_origin(asked);
    if (exchange->method == GCH__METHOD_OPTIONS) {
        serve_options(asked, found);
        return false;
    }
    if (!gch__parameters_parse(asked->query, room, room_cap, &asked->parameters)) {
        gch__answer_error(exchange, 400, GCH_PARSE, "the query string is malformed");
        return false;
    }
    asked->right = find_right(asked);
    bool needs_right = found == NULL || !(found->is_open || found->is_public);
    if (needs_right && asked->right == GCH__RIGHT_NONE) {
        gch__answer_add(exchange, "www-authenticate", "Bearer realm=\"gpucharts\"");
        gch__answer_error(exchange, 401, GCH_INVALID, "a token is required");
        return false;
    }
    if (found == NULL) {
        gch__answer_error(exchange, 404, GCH_NOT_FOUND, "no such path");
        return false;
    }
    bool reads = exchange->method == GCH__METHOD_GET || exchange->method == GCH__METHOD_HEAD;
    bool writes = exchange->method == GCH__METHOD_POST || exchange->method == GCH__METHOD_PUT;
    if (!reads && !(writes && found->takes_body)) {
        gch__answer_add(exchange, "allow", "%s",
                        found->takes_body ? "GET, HEAD, OPTIONS, POST, PUT" : "GET, HEAD, OPTIONS");
        gch__answer_error(exchange, 405, GCH_UNSUPPORTED, "the path has no such method");
        return false;
    }
    if (writes && (asked->is_foreign || asked->right != GCH__RIGHT_WRITE)) {
        gch__answer_error(exchange, 403, GCH_INVALID, "%s",
                          asked->is_foreign ? "pages of this origin may not write"
                                            : "this token may not write");
        return false;
    }
    return true;
}

void gch__route(gch__exchange *exchange)
{
    gch_server *server = exchange->conn->server;
    gch__asked asked = {.exchange = exchange, .server = server};
    char room[8200]; /* a target has at most 8192 bytes */
    if (exchange->method == GCH__METHOD_HEAD)
        exchange->answer_has_no_body = true;
    if (server->is_draining && exchange->conn->protocol != &gch__protocol_h2)
        exchange->closes = true;
    if (exchange->refusal != 0) {
        gch_status status = exchange->refusal == 408   ? GCH_CANCELLED
                            : exchange->refusal > 412  ? GCH_LIMIT
                            : exchange->refusal == 501 ? GCH_UNSUPPORTED
                                                       : GCH_PARSE;
        gch__answer_error(exchange, exchange->refusal, status, "%s", exchange->refusal_why);
    } else {
        gch__span target = gch__exchange_stored(exchange, exchange->target);
        const uint8_t *mark = target.count > 0 ? memchr(target.bytes, '?', target.count) : NULL;
        asked.path = target;
        if (mark != NULL) {
            asked.path.count = (size_t)(mark - target.bytes);
            asked.query = (gch__span){mark + 1, target.count - asked.path.count - 1};
        }
        /* The store moves when fields of the answer are added to it. */
        char copy[8200];
        memcpy(copy, target.bytes != NULL ? (const char *)target.bytes : "", target.count);
        asked.path.bytes = (const uint8_t *)copy;
        asked.query.bytes = (const uint8_t *)copy + asked.path.count + 1;
        const route *found = find_route(server, asked.path);
        if (pass_gates(&asked, found, room, sizeof room)) {
            size_t prefix = found->is_prefix ? strlen(found->path) : asked.path.count;
            if (found == &viewer_route)
                prefix = 0;
            asked.path = (gch__span){asked.path.bytes + prefix, asked.path.count - prefix};
            found->handle(&asked);
        }
    }
    if (exchange->code != 0 || exchange->is_lost)
        gch__exchange_answered(exchange);
}

/* ---- for handlers ---- */

bool gch__asked_check(gch__asked *asked, const char *const *known, size_t known_count,
                      const char *repeated)
{
    const char *key = gch__parameters_check(&asked->parameters, known, known_count, repeated);
    if (key == NULL)
        return true;
    gch__answer_error(asked->exchange, 400, GCH_INVALID, "'%.60s' %s", key,
                      gch__parameters_get(&asked->parameters, key) != NULL
                          ? "is no parameter here, or is given twice"
                          : "is unknown");
    return false;
}

gch__dataset *gch__asked_dataset(gch__asked *asked, bool may_have_operation, int *out_operation)
{
    char name[GCH__NAME_CAP];
    gch__span path = asked->path;
    *out_operation = may_have_operation ? gch__path_view(path) : -1;
    while (*out_operation >= 0 && path.bytes[--path.count] != '/')
        continue;
    gch__dataset *dataset = NULL;
    if (gch__url_decode_name(path, name)) {
        gch_error err;
        gch__hub_series *series =
            may_have_operation ? gch__hub_find(asked->server->live, name) : NULL;
        if (series != NULL && gch__hub_dataset(series, &dataset, &err) != GCH_OK) {
            gch__answer_status(asked->exchange, &err);
            return NULL;
        }
        if (series == NULL)
            dataset = gch__catalog_find(asked->server->catalog, name);
    }
    if (dataset == NULL) {
        gch__answer_error(asked->exchange, 404, GCH_NOT_FOUND, "no such data set");
        return NULL;
    }
    const char *version = gch__parameters_get(&asked->parameters, "v");
    if (version != NULL && strcmp(version, dataset->version_text) != 0) {
        gch__answer_add(asked->exchange, "etag", "\"%s\"", dataset->version_text);
        gch__answer_error(asked->exchange, 409, GCH_CANCELLED,
                          "this version is gone; the present one is %s", dataset->version_text);
        gch__dataset_release(dataset);
        return NULL;
    }
    return dataset;
}

/* Whether a list of entity tags has the tag, compared weakly (RFC 9110, 8.8.3.2). */
static bool has_tag(gch__span list, const char *tag)
{
    size_t length = strlen(tag);
    if (gch__span_is(gch__span_trim(list), "*"))
        return true;
    for (size_t at = 0; at + length <= list.count; at++) {
        if (memcmp(list.bytes + at, tag, length) == 0)
            return true; /* with its quotes a tag occurs only as itself */
    }
    return false;
}

bool gch__answer_is_cached(gch__asked *asked, const char *tag, bool is_of_version)
{
    gch__exchange *exchange = asked->exchange;
    if (is_of_version)
        gch__answer_add(exchange, "cache-control", "%s, max-age=31536000, immutable",
                        asked->server->tokens != NULL ? "private" : "public");
    else
        gch__answer_add(exchange, "cache-control", "no-cache");
    gch__answer_add(exchange, "etag", "%s", tag);
    const char *quoted = strchr(tag, '"');
    if (!has_tag(gch__exchange_field(exchange, GCH__FIELD_IF_NONE_MATCH), quoted))
        return false;
    exchange->code = 304;
    exchange->answer_has_no_body = true;
    return true;
}
