/* Any text as a path and as a query string: what is taken is clean, and parameters of views are
 * read without harm. The first byte chooses the kind of view. */
#include "serve_coding.h"
#include "serve_url.h"
#include "serve_view.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static char room[8193], name[GCH__NAME_CAP];
    static gch__parameters parameters;
    static const gch_column_info columns[] = {{.name = "price"}, {.name = "v\xC3\xA4"}};
    const gch_file_info info = {.time_unit = GCH_TIME_MS,
                                .row_count = 10,
                                .first_time = 1000,
                                .last_time = 2000,
                                .column_count = 2,
                                .columns = columns};
    gch__view_request request;
    gch_error err;
    if (count < 1 || count > 8192)
        return 0;
    const gch__span text = {bytes + 1, count - 1};
    if (gch__url_decode_name(text, name)) {
        if (name[0] == '/' || name[0] == '.' || strstr(name, "/.") != NULL ||
            strstr(name, "//") != NULL || strlen(name) >= GCH__NAME_CAP)
            abort();
    }
    (void)gch__coding_choose(text);
    if (!gch__parameters_parse(text, room, count, &parameters))
        return 0;
    gch__view_kind kind = (gch__view_kind)(bytes[0] % 5);
    if (gch__view_parse(kind, &parameters, &info, &request, &err) != GCH_OK)
        return 0;
    if (request.column >= 2 || request.view.t0 > request.view.t1 ||
        (kind == GCH__VIEW_COLUMNS &&
         (request.view.width_px == 0 || request.view.width_px > GCH_VIEW_PX_MAX)))
        abort();
    return 0;
}
