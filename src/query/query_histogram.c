/* How the values of a range of time are spread: the pixel rows of a density, added up over its
 * columns. Columns are there for the workers only; every row of the file lies in one of them. A
 * chart asks twice a frame, to fit its axis and to draw: what was counted last is kept.
 */
#include "query_state.h"

#include <string.h>

#define COLUMNS 64u

static bool is_kept(const gch_query *query, const struct gch__bins_of *asked)
{
    const struct gch__bins_of *kept = &query->bins_of;
    return kept->histogram.bin_count == asked->histogram.bin_count &&
           kept->column == asked->column && kept->t0 == asked->t0 && kept->t1 == asked->t1 &&
           gch__is_same_decimal(kept->left, asked->left) &&
           gch__is_same_decimal(kept->right, asked->right) && kept->generation == asked->generation;
}

gch_status gch_query_histogram(gch_query *query, uint32_t column, int64_t t0, int64_t t1,
                               gch_decimal left, gch_decimal right, uint32_t bin_count,
                               gch_histogram *out, gch_error *err)
{
    gch_density density;
    if (bin_count == 0 || bin_count > GCH_BIN_COUNT_MAX)
        return gch_fail(err, GCH_INVALID, "%u bins, a histogram has 1 to %u", bin_count,
                        GCH_BIN_COUNT_MAX);
    struct gch__bins_of asked = {.histogram.bin_count = bin_count,
                                 .column = column,
                                 .t0 = t0,
                                 .t1 = t1,
                                 .left = left,
                                 .right = right,
                                 .generation = gch__file_generation(query->file)};
    if (is_kept(query, &asked)) {
        *out = query->bins_of.histogram;
        return GCH_OK;
    }
    query->bins_of.histogram.bin_count = 0;
    gch_view view = {.t0 = t0,
                     .t1 = t1,
                     .bottom = left,
                     .top = right,
                     .width_px = COLUMNS,
                     .height_px = bin_count};
    GCH_TRY(gch_query_density(query, column, &view, &density, err));
    GCH_TRY(gch__ensure(query->allocator, (void **)&query->bins, &query->bin_cap, bin_count,
                        sizeof *query->bins, "histogram", err));
    memset(query->bins, 0, bin_count * sizeof *query->bins);
    for (uint32_t c = 0; c < COLUMNS; c++)
        for (uint32_t row = 0; row < bin_count; row++)
            query->bins[bin_count - 1 - row] += density.counts[(size_t)c * bin_count + row];
    *out = (gch_histogram){.bin_count = bin_count,
                           .counts = query->bins,
                           .row_count = density.row_count,
                           .is_pending = density.pending_count > 0};
    asked.histogram = *out;
    if (!out->is_pending)
        query->bins_of = asked;
    return GCH_OK;
}
