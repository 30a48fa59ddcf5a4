/* Any bytes as a batch of a live series, a frame or NDJSON by the first byte: what is taken has
 * rows in order that can be summed up, and NDJSON gives what its frame gives. */
#include "serve_frame.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static char names[3][8] = {"a", "b", "c\xC3\xA4"}, unit[] = "";
static gch__hub_column columns[] = {
    {names[0], unit, GCH_TYPE_F64}, {names[1], unit, GCH_TYPE_I16}, {names[2], unit, GCH_TYPE_F32}};
static gch__schema schema = {.time_unit = GCH_TIME_MS, .column_count = 3, .columns = columns};

static void check(gch__span payload, uint32_t row_count)
{
    gch__rows rows;
    gch__summary sums[3];
    gch__rows_split(&schema, payload, row_count, &rows);
    for (uint32_t r = 1; r < row_count; r++) {
        if ((int64_t)gch__load_u64(rows.times + (size_t)8 * r) <
            (int64_t)gch__load_u64(rows.times + (size_t)8 * (r - 1)))
            abort();
    }
    gch__rows_summarize(&schema, &rows, sums);
    for (uint32_t c = 0; c < 3; c++) {
        if (sums[c].count > row_count || (sums[c].count > 0 && !(sums[c].min <= sums[c].max)))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    gch__frame frame = {0};
    gch__span payload;
    gch_error err;
    if (schema.locale == (locale_t)0)
        schema.locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (count < 1 || count > 65536)
        return 0;
    const gch__span message = {bytes + 1, count - 1};
    if (bytes[0] % 2 == 0) {
        if (gch__frame_parse(&schema, message, &frame, &payload, &err) == GCH_OK)
            check(payload, frame.row_count);
        return 0;
    }
    gch__buffer out = {.purpose = "rows"}, whole = {.purpose = "frame"};
    uint32_t row_count = 0;
    if (gch__ndjson_parse(&schema, message, &out, &row_count, &err) == GCH_OK) {
        uint8_t header[GCH__FRAME_HEADER_BYTES];
        frame.row_count = row_count;
        gch__frame_put_header(header, GCH__FRAME_ROWS, &frame, 3, sizeof header + out.count);
        if (!gch__buffer_append(&whole, header, sizeof header) ||
            !gch__buffer_append(&whole, out.bytes, out.count) ||
            gch__frame_parse(&schema, (gch__span){whole.bytes, whole.count}, &frame, &payload,
                             &err) != GCH_OK)
            abort();
        check(payload, row_count);
    }
    gch__buffer_reset(&out);
    gch__buffer_reset(&whole);
    return 0;
}
