/* Columns of painted pictures, reduced on the device: lines and candles with more points than a few
 * a column, whose pages become resident as those of bare pictures do.
 *
 * The processor finds the columns' edges, as always, and what the line does where it is not one run
 * from one edge to the other (at the ends of the data, and at gaps): the outline. The rest is
 * shaders/heights.wgsl's, whose heights are the same floats that the query room finds, since what a
 * stroke makes of a column depends on whether its extremes lie beyond its crossings.
 *
 * Invariants:
 *  1. A ring's columns are those of its outline: a column that has none there is empty.
 *  2. A ring is kept from frame to frame as gch__gpu_find_fresh says, unless the query room had to
 *     reduce its series in between.
 */
#include "query_lit.h"
#include "render_gpu_state.h"

#include <string.h>

#define RING_WORDS 4u /* a column */
#define PX_PER_VALUE_MIN 1e-200
#define PX_PER_VALUE_MAX 1e200

/* ---- frames ---- */

gch_status gch__gpu_heights_begin(gch__gpu_executor *executor, const gch__scene *scene,
                                  gch_error *err)
{
    gch__gpu_heights *heights = &executor->heights;
    uint32_t ring_words = executor->plot_width * RING_WORDS, at = 0;
    bool is_panned = executor->fresh_last - executor->fresh_first < executor->plot_width;
    uint64_t bytes_before = executor->marks_bytes;
    for (uint32_t i = 0; i < scene->series_count; i++) {
        heights->rings[i].at = at;
        at += ring_words;
        heights->rings[i + GCH_SERIES_CAP].at = at;
        at += scene->series[i].mark == GCH_MARK_BAND ? ring_words : 0;
    }
    GCH_TRY(gch__gpu_reserve_marks(executor, (uint64_t)at * sizeof(uint32_t), err));
    bool is_like_last = executor->is_like_last && executor->marks_bytes == bytes_before;
    is_panned = is_panned && is_like_last;
    for (uint32_t i = 0; i < GCH_COUNT_OF(heights->rings); i++) {
        struct gch__gpu_heights_ring *ring = &heights->rings[i];
        ring->is_kept = is_panned && ring->is_made;
        ring->bars.is_kept = is_like_last && ring->bars.is_made;
        ring->is_made = ring->bars.is_made = false;
    }
    heights->has_pages = false;
    heights->loaded = 0;
    return GCH_OK;
}

gch_status gch__gpu_heights_use_pages(gch__gpu_executor *executor, gch_error *err)
{
    gch__gpu_heights *heights = &executor->heights;
    if (heights->has_pages)
        return GCH_OK;
    GCH_TRY(gch__gpu_use_pool(executor, executor->pool, err));
    heights->loaded = gch__gpu_begin_pools(executor);
    heights->has_pages = true;
    return GCH_OK;
}

void gch__gpu_heights_end(gch__gpu_executor *executor, const gch__scene *scene)
{
    gch__gpu_heights *heights = &executor->heights;
    if (!heights->has_pages)
        heights->loaded = gch__gpu_begin_pools(executor);
    for (uint32_t i = 0; i < scene->series_count; i++) /* few points now, many with the next zoom */
        gch__gpu_keep_in_pools(executor, scene->series[i].file);
    executor->stats.pages_loaded = gch__gpu_end_pools(executor) - heights->loaded;
}

/* ---- series ---- */

bool gch__gpu_heights_serve(const gch__gpu_series *series)
{
    const gch__gpu_executor *executor = series->executor;
    return !executor->desc.by_queries && series->view->axis == GCH_AXIS_LINEAR &&
           series->view->width_px == executor->plot_width;
}

/* If pages are missing that nobody waits for, the query room knows best which to ask for. */
gch_status gch__gpu_heights_open(gch__gpu_series *series, uint32_t extents,
                                 gch__gpu_frame *out_frame, gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    GCH_TRY(series->query->mode == GCH__READ_BLOCK ? gch__query_begin(series->query, err)
                                                   : gch__query_begin_peek(series->query, err));
    gch__gpu_use_kernels(executor, GCH__GPU_HEIGHT_KERNELS);
    *out_frame = executor->frame;
    executor->frame.extents = extents;
    executor->frame.height = series->view->height_px;
    series->in_heights = true;
    return GCH_OK;
}

gch_status gch__gpu_heights_close(gch__gpu_series *series, const gch__gpu_frame *frame,
                                  gch_status status, const gch_error *detail, gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    (void)!gch__query_end(series->query, GCH_OK); /* what it hands on is ours */
    executor->frame = *frame;
    if (status == GCH_OK)
        return GCH_OK;
    for (uint32_t i = 0; i < GCH__GPU_LIST_COUNT; i++)
        executor->tile[i].count = 0;
    if (status == GCH_PENDING || status == GCH_UNSUPPORTED || status == GCH_LIMIT)
        return GCH_OK;
    if (err != NULL)
        *err = *detail;
    return status;
}

gch_status gch__gpu_heights_send(const gch__gpu_series *series, uint32_t cap, uint32_t slot_words,
                                 uint32_t first, uint32_t count, gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    const uint32_t *words = executor->heights.words;
    while (count > 0) { /* up to the ring's end, and from its start */
        uint32_t part = GCH_MIN(count, cap - first);
        uint64_t at = executor->frame.extents + (uint64_t)first * slot_words;
        size_t part_words = (size_t)part * slot_words;
        GCH_TRY(gch__gpu_upload(executor->gpu, executor->marks, at * sizeof *words, words,
                                part_words * sizeof *words, err));
        words += part_words;
        count -= part;
        first = 0;
    }
    return GCH_OK;
}

bool gch__gpu_heights_are_plain(const gch__gpu_series *series)
{
    for (uint32_t i = 0; i < series->query->segment_count; i++) {
        const gch__row_table *table = series->query->scales[i].table;
        if (table->axis != GCH_AXIS_LINEAR || table->is_extreme ||
            !(table->px_per_value > PX_PER_VALUE_MIN && table->px_per_value < PX_PER_VALUE_MAX))
            return false;
    }
    return true;
}

/* ---- columns ---- */

/* Integers in the order of the floats, as shaders/heights.wgsl has them. */
static uint32_t order_of(float y)
{
    uint32_t bits;
    memcpy(&bits, &y, sizeof bits);
    return bits >> 31 != 0 ? ~bits : bits | 0x80000000u;
}

static void put_column(uint32_t words[RING_WORDS], const gch_piece *outline)
{
    words[0] = UINT32_MAX;
    words[1] = 0;
    if (outline == NULL)
        return;
    words[0] = order_of(GCH_MIN(outline->y_left, outline->y_right));
    words[1] = order_of(GCH_MAX(outline->y_left, outline->y_right));
    memcpy(&words[2], &outline->y_left, sizeof words[2]);
    memcpy(&words[3], &outline->y_right, sizeof words[3]);
}

static const gch_piece *outline_of(const gch_columns *columns, uint32_t c)
{
    bool has_one = columns->first[c + 1] - columns->first[c] == 1;
    const gch_piece *piece = has_one ? &columns->pieces[columns->first[c]] : NULL;
    return has_one && gch__piece_is_outline(piece) ? piece : NULL;
}

/* Columns [first, last), as they start. */
static gch_status send_columns(const gch__gpu_series *series, const gch_columns *columns,
                               uint32_t first, uint32_t last, gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    gch__gpu_heights *heights = &executor->heights;
    GCH_TRY(gch__ensure(executor->allocator, (void **)&heights->words, &heights->word_cap,
                        (size_t)(last - first) * RING_WORDS, sizeof *heights->words, "gpu heights",
                        err));
    for (uint32_t c = first; c < last; c++)
        put_column(heights->words + (size_t)(c - first) * RING_WORDS, outline_of(columns, c));
    return gch__gpu_heights_send(series, executor->plot_width, RING_WORDS,
                                 (executor->frame.origin + first) % executor->plot_width,
                                 last - first, err);
}

static gch_status find_edges(const gch__gpu_series *series, const gch__edge **out, gch_error *err)
{
    GCH_TRY(gch__query_edges(series->query, series->column, series->view, series->join, out, err));
    for (uint32_t c = 0; c <= series->view->width_px; c++)
        if (!(*out)[c].is_known || (*out)[c].is_pending)
            return gch_fail(err, GCH_PENDING, "a column's edge awaits pages");
    return GCH_OK;
}

static gch_status find_outline(const gch__gpu_series *series, const gch__edge **out_edges,
                               gch_columns *out, gch_error *err)
{
    GCH_TRY(find_edges(series, out_edges, err));
    if (!gch__gpu_heights_are_plain(series))
        return gch_fail(err, GCH_UNSUPPORTED, "doubles do not hold the view");
    return gch__query_outline(series->query, series->column, series->view, series->join, *out_edges,
                              out, err);
}

static gch_status reduce(const gch__gpu_series *series, uint32_t first, uint32_t last,
                         gch_columns *out, gch_error *err)
{
    const gch__edge *edges;
    int64_t start_ns = gch__clock_ns();
    gch_status status = find_outline(series, &edges, out, err);
    series->executor->query_ns += gch__clock_ns() - start_ns;
    GCH_TRY(status);
    GCH_TRY(gch__gpu_heights_use_pages(series->executor, err));
    GCH_TRY(send_columns(series, out, first, last, err));
    GCH_TRY(gch__gpu_begin_slices(series, err));
    for (uint32_t c = first; c < last; c++)
        if (outline_of(out, c) != NULL)
            GCH_TRY(gch__gpu_add_rows(series, GCH__GPU_REDUCE_HEIGHTS, GCH__GPU_REDUCE_HEIGHTS,
                                      gch__gpu_slot(series->executor, c), edges[c].row,
                                      edges[c + 1].row, err));
    return gch__gpu_run_tile(series->executor, err);
}

/* Which columns the ring does not have, [*out_first, *out_last). */
static void find_fresh(const gch__gpu_executor *executor, const struct gch__gpu_heights_ring *ring,
                       uint32_t *out_first, uint32_t *out_last)
{
    *out_first = ring->is_kept ? executor->fresh_first : 0;
    *out_last = ring->is_kept ? executor->fresh_last : executor->plot_width;
}

static void note_made(gch__gpu_executor *executor, struct gch__gpu_heights_ring *ring,
                      uint32_t fresh_count)
{
    ring->is_made = true;
    executor->stats.columns_kept += executor->plot_width - fresh_count;
}

gch_status gch__gpu_heights_add(gch__gpu_series *series, uint32_t index, gch_columns *out,
                                bool *out_is_reduced, gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    struct gch__gpu_heights_ring *ring = &executor->heights.rings[index];
    gch__gpu_frame frame;
    gch_error detail;
    uint32_t first, last;
    *out_is_reduced = false;
    if (!gch__gpu_heights_serve(series))
        return GCH_OK;
    find_fresh(executor, ring, &first, &last);
    GCH_TRY(gch__gpu_heights_open(series, ring->at, &frame, err));
    gch_status status = reduce(series, first, last, out, &detail);
    *out_is_reduced = status == GCH_OK;
    if (*out_is_reduced)
        note_made(executor, ring, last - first);
    return gch__gpu_heights_close(series, &frame, status, &detail, err);
}

/* ---- hulls ---- */

gch_status gch__gpu_heights_send_empty(const gch__gpu_series *series, uint32_t cap, uint32_t first,
                                       uint32_t count, gch_error *err)
{
    gch__gpu_heights *heights = &series->executor->heights;
    GCH_TRY(gch__ensure(series->executor->allocator, (void **)&heights->words, &heights->word_cap,
                        (size_t)count * 2, sizeof *heights->words, "gpu heights", err));
    for (size_t i = 0; i < count; i++) {
        heights->words[i * 2] = UINT32_MAX;
        heights->words[i * 2 + 1] = 0;
    }
    return gch__gpu_heights_send(series, cap, 2, first, count, err);
}

static gch_status reduce_hulls(const gch__gpu_series *series, uint32_t first, uint32_t last,
                               gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    const gch__edge *edges;
    int64_t start_ns = gch__clock_ns();
    gch_status status = find_edges(series, &edges, err);
    executor->query_ns += gch__clock_ns() - start_ns;
    GCH_TRY(status);
    GCH_TRY(gch__gpu_heights_use_pages(executor, err));
    GCH_TRY(gch__gpu_heights_send_empty(series, executor->plot_width,
                                        (executor->frame.origin + first) % executor->plot_width,
                                        last - first, err));
    GCH_TRY(gch__gpu_begin_slices(series, err));
    for (uint32_t c = first; c < last; c++)
        GCH_TRY(gch__gpu_add_rows(series, GCH__GPU_REDUCE_DRAWN, GCH__GPU_REDUCE_DRAWN,
                                  gch__gpu_slot(executor, c), edges[c].row, edges[c + 1].row, err));
    return gch__gpu_run_tile(executor, err);
}

gch_status gch__gpu_heights_add_hulls(gch__gpu_series *series, uint32_t index, bool *out_is_reduced,
                                      gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    struct gch__gpu_heights_ring *ring = &executor->heights.rings[index];
    gch__gpu_frame frame;
    gch_error detail;
    uint32_t first, last;
    *out_is_reduced = false;
    if (!gch__gpu_heights_serve(series))
        return GCH_OK;
    find_fresh(executor, ring, &first, &last);
    GCH_TRY(gch__gpu_heights_open(series, ring->at, &frame, err));
    gch__gpu_use_kernels(executor, 1u << GCH__GPU_REDUCE_DRAWN);
    series->in_heights = false; /* rows are what it is about */
    gch_status status = reduce_hulls(series, first, last, &detail);
    *out_is_reduced = status == GCH_OK;
    if (*out_is_reduced)
        note_made(executor, ring, last - first);
    return gch__gpu_heights_close(series, &frame, status, &detail, err);
}
