/* The list of data sets: for programs and, as a page, for people. The viewer page. */
#include "serve_coding.h"
#include "serve_json.h"
#include "serve_route.h"

#include <inttypes.h>
#include <string.h>

void gch__serve_list(gch__asked *asked)
{
    static const char *const known[] = {"token"};
    gch__exchange *exchange = asked->exchange;
    gch_error err;
    uint64_t version;
    char tag[40];
    if (!gch__asked_check(asked, known, GCH_COUNT_OF(known), NULL))
        return;
    gch__body *body = &exchange->answer;
    if (gch__catalog_json(asked->server->catalog, &body->memory, &version, &err) != GCH_OK) {
        exchange->is_lost = true;
        return;
    }
    snprintf(tag, sizeof tag, "W/\"%" PRIx64 "\"", version ^ asked->server->start_number);
    if (gch__answer_is_cached(asked, tag, false))
        return;
    gch__answer_add(exchange, "content-type", "application/json");
    exchange->code = 200;
    if (gch__body_add_appended(body, &err) != GCH_OK)
        exchange->is_lost = true;
}

static bool append(gch__buffer *out, const char *text)
{
    return gch__buffer_append(out, text, strlen(text));
}

/* Text within HTML. */
static bool append_escaped(gch__buffer *out, const char *text)
{
    bool has_room = true;
    for (const char *at = text; *at != '\0' && has_room; at++) {
        switch (*at) {
        case '&':
            has_room = append(out, "&amp;");
            break;
        case '<':
            has_room = append(out, "&lt;");
            break;
        case '>':
            has_room = append(out, "&gt;");
            break;
        case '"':
            has_room = append(out, "&quot;");
            break;
        default:
            has_room = gch__buffer_append(out, at, 1);
        }
    }
    return has_room;
}

typedef struct page {
    gch__buffer *out;
    bool has_room;
} page;

static bool add_row(void *context, const gch__catalog_entry *entry)
{
    page *p = context;
    gch__buffer *out = p->out;
    const gch__dataset *dataset = entry->dataset;
    bool has_room =
        append(out, "<tr><td>") && append_escaped(out, entry->name) && append(out, "<td>");
    if (dataset == NULL) {
        p->has_room = has_room && append(out, "not served: ") && append_escaped(out, entry->why) &&
                      append(out, "<td><td><td><td>\n");
        return p->has_room;
    }
    if (dataset->file != NULL) {
        const gch_file_info *info = gch_file_get_info(dataset->file);
        has_room =
            has_room && gch__json_print(out, "%" PRIu64 "<td>%u<td>%" PRIu64, info->row_count,
                                        info->column_count, dataset->file_bytes);
    } else {
        has_room =
            has_room && append_escaped(out, dataset->error.message) && append(out, "<td><td>");
    }
    p->has_room = has_room && append(out, "<td><a href=\"v1/data/") &&
                  gch__url_append_name(out, dataset->name) &&
                  append(out, "\">metadata</a><td><a href=\"data/") &&
                  gch__url_append_name(out, dataset->name) && append(out, ".gch\">file</a>\n");
    return p->has_room;
}

static const char page_head[] =
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n<title>GPU Charts</title>\n"
    "<style>body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 "
    "1rem}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #ccc}"
    "td:nth-child(2),td:nth-child(3),td:nth-child(4){font-variant-numeric:tabular-nums}"
    "@media(prefers-color-scheme:dark){body{background:#16181d;color:#dde}a{color:#8bf}}</style>\n"
    "<h1>Data sets</h1>\n<table><tr><th>name<th>rows<th>columns<th>bytes<th><th>\n";

void gch__serve_page(gch__asked *asked)
{
    static const char *const known[] = {"token"};
    gch__exchange *exchange = asked->exchange;
    gch_error err;
    if (!gch__asked_check(asked, known, GCH_COUNT_OF(known), NULL))
        return;
    page p = {.out = &exchange->answer.memory,
              .has_room = append(&exchange->answer.memory, page_head)};
    gch__catalog_visit(asked->server->catalog, add_row, &p);
    gch__answer_add(exchange, "content-type", "text/html; charset=utf-8");
    gch__answer_add(exchange, "cache-control", "no-cache");
    gch__answer_add(exchange, "content-security-policy",
                    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
    gch__answer_add(exchange, "x-content-type-options", "nosniff");
    exchange->code = 200;
    if (!p.has_room || !append(p.out, "</table>\n") ||
        gch__body_add_appended(&exchange->answer, &err) != GCH_OK)
        exchange->is_lost = true;
}

/* ---- the viewer ---- */

/* Scripts and workers of the server's own, data and live series of any server, and isolation, with
 * which the page may share memory with its workers. */
static void add_page_fields(gch__exchange *exchange)
{
    gch__answer_add(exchange, "content-security-policy",
                    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; "
                    "connect-src *; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; "
                    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    gch__answer_add(exchange, "cross-origin-opener-policy", "same-origin");
    gch__answer_add(exchange, "cross-origin-embedder-policy", "require-corp");
    gch__answer_add(exchange, "cross-origin-resource-policy", "same-origin");
    gch__answer_add(exchange, "referrer-policy", "no-referrer");
    gch__answer_add(exchange, "x-content-type-options", "nosniff");
}

/* Whatever stands behind '?' is the page's own. */
void gch__serve_viewer(gch__asked *asked)
{
    gch__exchange *exchange = asked->exchange;
    const gch__viewer_file *file = gch__viewer_find(asked->server->viewer, asked->path);
    add_page_fields(exchange);
    gch__answer_add(exchange, "vary", "Accept-Encoding");
    if (gch__answer_is_cached(asked, file->tag, false))
        return;
    gch__span accept = gch__exchange_field(exchange, GCH__FIELD_ACCEPT_ENCODING);
    const gch__buffer *bytes = &file->bytes;
    if (file->gzip.count > 0 && gch__coding_takes(accept, GCH__CODING_GZIP)) {
        gch__answer_add(exchange, "content-encoding", "gzip");
        bytes = &file->gzip;
    }
    gch__answer_text(exchange, 200, file->type, bytes->bytes, bytes->count);
}
