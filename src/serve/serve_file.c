/* Files: whole, one range, or several (docs/protocol.md, "Byte ranges"). */
#include "serve_range.h"
#include "serve_route.h"

#include <inttypes.h>
#include <string.h>

static const char media_type[] = "application/vnd.gpucharts.file";

static gch_status add_multipart(gch__asked *asked, gch__dataset *dataset, const gch__range *ranges,
                                size_t count, gch_error *err)
{
    gch__exchange *exchange = asked->exchange;
    gch__body *body = &exchange->answer;
    char boundary[32], head[256];
    /* Not to be guessed by who made the file, so that it cannot forge a part. */
    snprintf(boundary, sizeof boundary, "%016" PRIx64,
             asked->server->start_number ^ (dataset->version * 0x9E3779B97F4A7C15u));
    for (size_t i = 0; i < count; i++) {
        int length = snprintf(head, sizeof head,
                              "%s--%s\r\nContent-Type: %s\r\nContent-Range: bytes %" PRIu64
                              "-%" PRIu64 "/%" PRIu64 "\r\n\r\n",
                              i > 0 ? "\r\n" : "", boundary, media_type, ranges[i].first,
                              ranges[i].first + ranges[i].count - 1, dataset->file_bytes);
        GCH_TRY(gch__body_add_memory(body, head, (size_t)length, err));
        GCH_TRY(gch__body_add_file(body, dataset, ranges[i].first, ranges[i].count, err));
    }
    int length = snprintf(head, sizeof head, "\r\n--%s--\r\n", boundary);
    GCH_TRY(gch__body_add_memory(body, head, (size_t)length, err));
    gch__answer_add(exchange, "content-type", "multipart/byteranges; boundary=%s", boundary);
    return GCH_OK;
}

static gch_status add_body(gch__asked *asked, gch__dataset *dataset, const char *tag,
                           gch_error *err)
{
    gch__exchange *exchange = asked->exchange;
    gch__range ranges[GCH__RANGES_MAX];
    size_t count = 0;
    gch__ranges_result result = GCH__RANGES_NONE;
    gch__span if_range = gch__exchange_field(exchange, GCH__FIELD_IF_RANGE);
    /* A weak tag or a date is no proof that nothing has changed. */
    bool is_same =
        !exchange->fields[GCH__FIELD_IF_RANGE].is_set ||
        (if_range.count == strlen(tag) && memcmp(if_range.bytes, tag, if_range.count) == 0);
    if (exchange->fields[GCH__FIELD_RANGE].is_set && is_same && exchange->method == GCH__METHOD_GET)
        result = gch__ranges_parse(gch__exchange_field(exchange, GCH__FIELD_RANGE),
                                   dataset->file_bytes, ranges, &count);
    gch__answer_add(exchange, "accept-ranges", "bytes");
    if (result == GCH__RANGES_UNSATISFIABLE) {
        gch__answer_add(exchange, "content-range", "bytes */%" PRIu64, dataset->file_bytes);
        gch__answer_error(exchange, 416, GCH_INVALID,
                          "no byte of the file lies in the ranges, or there are more than %u",
                          GCH__RANGES_MAX);
        return GCH_OK;
    }
    exchange->code = result == GCH__RANGES_SOME ? 206 : 200;
    if (count > 1)
        return add_multipart(asked, dataset, ranges, count, err);
    gch__answer_add(exchange, "content-type", "%s", media_type);
    if (result == GCH__RANGES_NONE)
        return gch__body_add_file(&exchange->answer, dataset, 0, dataset->file_bytes, err);
    gch__answer_add(exchange, "content-range", "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
                    ranges[0].first, ranges[0].first + ranges[0].count - 1, dataset->file_bytes);
    return gch__body_add_file(&exchange->answer, dataset, ranges[0].first, ranges[0].count, err);
}

void gch__serve_file(gch__asked *asked)
{
    static const char *const known[] = {GCH__COMMON_KEYS};
    gch__exchange *exchange = asked->exchange;
    char tag[GCH__VERSION_CAP + 2];
    int operation;
    gch_error err;
    if (!gch__asked_check(asked, known, GCH_COUNT_OF(known), NULL))
        return;
    gch__span path = asked->path;
    if (path.count <= 4 || memcmp(path.bytes + path.count - 4, ".gch", 4) != 0) {
        gch__answer_error(exchange, 404, GCH_NOT_FOUND, "no such data set");
        return;
    }
    asked->path.count -= 4;
    gch__dataset *dataset = gch__asked_dataset(asked, false, &operation);
    if (dataset == NULL)
        return;
    snprintf(tag, sizeof tag, "\"%s\"", dataset->version_text);
    bool is_of_version = gch__parameters_get(&asked->parameters, "v") != NULL;
    if (!gch__answer_is_cached(asked, tag, is_of_version) &&
        add_body(asked, dataset, tag, &err) != GCH_OK)
        exchange->is_lost = true;
    gch__dataset_release(dataset);
}
