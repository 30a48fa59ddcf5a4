/* Bars of painted pictures, reduced on the device: candles and OHLC bars that are not too many to
 * have bodies. The processor finds where they begin and end, and what they open and close at; high
 * and low are whole pixels, since boxes lie on these, and found as raster_bars.c finds them.
 *
 * Invariants:
 *  1. Bar i of a frame has slot (first + i) % cap of its ring. Neighbours in time are neighbours in
 *     every frame, so what the last frame had keeps its slots, wherever the view has gone.
 *  2. A ring holds twice as many bars as a frame may have: kept and fresh ones do not meet.
 */
#include "query_ends.h"
#include "render_gpu_state.h"

#define BAR_WORDS 2u
#define EXACT_DIGITS ((int64_t)1 << 53)

/* Beyond, a decimal as a double depends on who makes it one. */
static bool has_exact_digits(const gch__gpu_series *series)
{
    const gch_column_info *column = &gch_file_get_info(series->file)->columns[series->column];
    const gch_value *ends[] = {&column->min, &column->max};
    for (size_t i = 0; i < GCH_COUNT_OF(ends); i++)
        if (ends[i]->kind == GCH_VALUE_DECIMAL &&
            (ends[i]->as.digits > EXACT_DIGITS || ends[i]->as.digits < -EXACT_DIGITS))
            return false;
    return true;
}

static bool has_same_heights(const gch_view *a, const gch_view *b)
{
    return gch__is_same_decimal(a->bottom, b->bottom) && gch__is_same_decimal(a->top, b->top) &&
           a->width_px == b->width_px && a->height_px == b->height_px && a->axis == b->axis;
}

/* Bars [first, last) start with nothing and are reduced. */
static gch_status reduce_bars(const gch__gpu_series *series, const struct gch__gpu_bars_ring *ring,
                              const gch__bar_ends *ends, uint32_t first, uint32_t last,
                              gch_error *err)
{
    uint32_t cap = 2 * series->executor->plot_width;
    GCH_TRY(
        gch__gpu_heights_send_empty(series, cap, (ring->first + first) % cap, last - first, err));
    for (uint32_t i = first; i < last; i++)
        GCH_TRY(gch__gpu_add_rows(series, GCH__GPU_REDUCE_WHOLES, GCH__GPU_REDUCE_DRAWN_WHOLES,
                                  (ring->first + i) % cap, ends[i].first_row,
                                  ends[i].first_row + ends[i].its.row_count, err));
    return GCH_OK;
}

/* Which bars the ring has, as its first one moves to where these begin: [*out_first, *out_last). */
static void find_kept(struct gch__gpu_bars_ring *ring, uint32_t cap, const gch__bar_ends *ends,
                      uint32_t count, uint32_t *out_first, uint32_t *out_last)
{
    uint32_t first = 0, last;
    while (first < count && ends[first].before == GCH__BAR_IS_NEW)
        first++;
    if (!ring->is_kept || first == count) {
        ring->first = 0;
        *out_first = *out_last = 0;
        return;
    }
    for (last = first + 1; last < count; last++)
        if (ends[last].before != ends[first].before + (last - first))
            break;
    ring->first = (ring->first + ends[first].before + cap - first) % cap;
    *out_first = first;
    *out_last = last;
}

static gch_status reduce(gch__gpu_series *series, struct gch__gpu_bars_ring *ring, uint32_t bar_cap,
                         const gch__bar_ends **out, uint32_t *out_count, gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    uint64_t number;
    uint32_t kept_first, kept_last;
    int64_t start_ns = gch__clock_ns();
    gch_status status =
        gch__query_bar_ends(series->query, series->column, series->view, series->its->bar_width,
                            series->zone, bar_cap, out, out_count, &number, err);
    executor->query_ns += gch__clock_ns() - start_ns;
    GCH_TRY(status);
    if (!gch__gpu_heights_are_plain(series) || !has_exact_digits(series))
        return gch_fail(err, GCH_UNSUPPORTED, "doubles do not hold the view");
    GCH_TRY(gch__gpu_heights_use_pages(executor, err));
    ring->is_kept =
        ring->is_kept && ring->number + 1 == number && has_same_heights(&ring->view, series->view);
    find_kept(ring, 2 * executor->plot_width, *out, *out_count, &kept_first, &kept_last);
    ring->number = number;
    ring->view = *series->view;
    GCH_TRY(gch__gpu_begin_slices(series, err));
    GCH_TRY(reduce_bars(series, ring, *out, 0, kept_first, err));
    GCH_TRY(reduce_bars(series, ring, *out, kept_last, *out_count, err));
    executor->stats.bars_kept += kept_last - kept_first;
    return gch__gpu_run_tile(executor, err);
}

static gch_status copy_bars(gch__gpu_executor *executor, const gch__bar_ends *ends, uint32_t count,
                            gch_error *err)
{
    gch__gpu_heights *heights = &executor->heights;
    GCH_TRY(gch__ensure(executor->allocator, (void **)&heights->bars, &heights->bar_cap,
                        GCH_MAX(count, 1), sizeof *heights->bars, "gpu heights", err));
    for (uint32_t i = 0; i < count; i++)
        heights->bars[i] = ends[i].its;
    return GCH_OK;
}

gch_status gch__gpu_heights_add_bars(gch__gpu_series *series, uint32_t index, uint32_t bar_cap,
                                     const gch_bar **out_bars, uint32_t *out_count,
                                     bool *out_is_reduced, gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    struct gch__gpu_heights_ring *ring = &executor->heights.rings[index];
    gch__gpu_frame frame;
    gch_error detail;
    const gch__bar_ends *ends;
    *out_is_reduced = false;
    if (!gch__gpu_heights_serve(series))
        return GCH_OK;
    GCH_TRY(gch__gpu_heights_open(series, ring->at, &frame, err));
    gch_status status = reduce(series, &ring->bars, bar_cap, &ends, out_count, &detail);
    bool are_too_many = status == GCH_LIMIT && *out_count == bar_cap;
    if (status == GCH_OK)
        status = copy_bars(executor, ends, *out_count, &detail);
    ring->bars.is_made = status == GCH_OK;
    *out_is_reduced = status == GCH_OK || are_too_many;
    *out_bars = status == GCH_OK ? executor->heights.bars : NULL;
    return gch__gpu_heights_close(series, &frame, status, &detail, err);
}

uint32_t gch__gpu_heights_bar_at(const gch__gpu_executor *executor, uint32_t index, uint32_t number)
{
    const struct gch__gpu_heights_ring *ring = &executor->heights.rings[index];
    return ring->at + (ring->bars.first + number) % (2 * executor->plot_width) * BAR_WORDS;
}
