/* Columns computed by a server, fetched by the client. */
#include "net_columns.h"
#include "net_state.h"

gch_status gch_columns_fetch(gch_http *http, const gch_columns_ask *ask, const gch_cancel *cancel,
                             gch_columns_answer *out, gch_error *err)
{
    gch__buffer url = {.allocator = http->allocator, .purpose = "columns"};
    gch_http_response response = {0};
    *out = (gch_columns_answer){0};
    gch_status status = gch__columns_write_url(ask, &url, err);
    if (status == GCH_OK) {
        gch_http_request request = {
            .url = (const char *)url.bytes, .token = ask->token, .body_cap = GCH__ANSWER_CAP};
        status = gch_http_fetch(http, &request, cancel, &response, err);
        if (response.http_status == 409)
            status =
                gch_fail(err, GCH_CANCELLED, "%s: the server no longer has this version", ask->url);
    }
    if (status == GCH_OK)
        status = gch__columns_parse(response.body, response.body_bytes, ask, out, err);
    if (status == GCH_OK) {
        out->bytes = response.body;
        response.body = NULL; /* its owner is the answer now */
    } else {
        *out = (gch_columns_answer){0};
    }
    gch_http_response_reset(http, &response);
    gch__buffer_reset(&url);
    return status;
}

void gch_columns_answer_reset(gch_http *http, gch_columns_answer *answer)
{
    gch__free(http->allocator, answer->bytes, "response");
    *answer = (gch_columns_answer){0};
}
