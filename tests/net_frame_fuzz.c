/* Any bytes as a frame of a live series: no crash, and what is accepted lies within the frame:
 * every row of it is read. */
#include "net_frame.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static uint64_t sum_column(const gch_follow_column *column, uint32_t rows)
{
    const uint8_t *values = column->values;
    size_t size = gch_type_bytes(column->type);
    uint64_t sum = 0;
    for (uint32_t r = 0; r < rows; r++) {
        uint32_t bit = column->first_bit + r;
        sum += values[r * size] + values[r * size + size - 1];
        if (column->validity != NULL)
            sum += column->validity[bit / 8] >> (bit % 8) & 1u;
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static gch__live_frame frame;
    static volatile uint64_t sink;
    uint8_t *aligned = malloc(count + 1); /* malloc's, so that a sanitizer sees its end */
    if (aligned == NULL)
        abort();
    memcpy(aligned, bytes, count);
    if (gch__live_frame_parse(aligned, count, &frame, NULL) == GCH_OK && !frame.is_summary) {
        for (uint32_t skip = 0; skip < 2 && skip <= frame.row_count; skip++) {
            gch__live_frame_skip_rows(&frame, skip);
            for (uint32_t c = 0; c < frame.column_count; c++)
                sink = sink + sum_column(&frame.columns[c], frame.row_count);
        }
    }
    free(aligned);
    return 0;
}
