/* Any bytes as an answer with columns, a range or bars: no crash, and what is accepted lies within
 * the answer, and in the view or next to it. The question is the one that the bytes claim to
 * answer. */
#include "net_columns.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    gch_columns_answer answer;
    gch_columns_ask ask = {.url = "http://h/v1/data/a", .width_px = 1, .height_px = 1};
    uint8_t *aligned = malloc(count + 1); /* malloc's, so that a sanitizer sees its end */
    if (aligned == NULL)
        abort();
    memcpy(aligned, bytes, count);
    if (count >= 76) {
        ask.width_px = (gch__load_u32(bytes + 64) - 1) % 16384 + 1;
        ask.height_px = (gch__load_u32(bytes + 68) - 1) % 16384 + 1;
        ask.axis = bytes[72];
        ask.join = bytes[73];
        ask.keep_outside = bytes[74] == 1;
        aligned[64] = (uint8_t)ask.width_px, aligned[65] = (uint8_t)(ask.width_px >> 8);
        aligned[66] = aligned[67] = 0;
        aligned[68] = (uint8_t)ask.height_px, aligned[69] = (uint8_t)(ask.height_px >> 8);
        aligned[70] = aligned[71] = 0;
    }
    if (gch__columns_parse(aligned, count, &ask, &answer, NULL) == GCH_OK) {
        for (uint32_t c = 0; c < answer.width_px; c++) {
            for (uint32_t p = answer.first[c]; p < answer.first[c + 1]; p++) {
                const gch_columns_piece *piece = &answer.pieces[p];
                if (piece->row_bottom < -1 || piece->row_bottom >= (int32_t)answer.height_px ||
                    piece->row_top < 0 || piece->row_top > (int32_t)answer.height_px)
                    abort();
            }
        }
    }
    gch_value min, max;
    gch_columns_ask range = {.url = "http://h/v1/data/a"};
    if (gch__range_parse(aligned, count, &range, &min, &max, NULL) == GCH_OK &&
        gch_value_to_double(min) > gch_value_to_double(max))
        abort();
    if (count >= 80) {
        gch_bar_width width = {.unit = (gch_bar_unit)gch__load_u32(bytes + 68),
                               .count = (int64_t)gch__load_u64(bytes + 72)};
        const gch_bar *bars;
        uint32_t bar_count;
        range.t0 = (int64_t)gch__load_u64(bytes + 32);
        range.t1 = (int64_t)gch__load_u64(bytes + 40);
        range.has_times = true;
        memcpy(aligned, bytes, count);
        if (gch__bars_parse(aligned, count, &range, width, 65536, &bars, &bar_count, NULL) ==
            GCH_OK)
            for (uint32_t i = 0; i < bar_count; i++)
                if (gch_value_to_double(bars[i].low) > gch_value_to_double(bars[i].high))
                    abort();
    }
    free(aligned);
    return 0;
}
