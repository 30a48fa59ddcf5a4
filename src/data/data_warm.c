/* Hints: having the pages loaded that the next views will need.
 *
 * A hint is worked off on a loader's thread: the pages of a view are those of the super-blocks at
 * its columns' edges (what lies between two edges comes from tree levels that are always there, or
 * from headers beside those of the edges). Where payload lies is found in directories and headers:
 * a hint that lacks some of those has them loaded and is continued once the prefetch is done.
 *
 * Invariants:
 *  1. A hint never fails: damage is reported to whoever asks for the page itself.
 *  2. Pages are queued as prefetch only, and no more once the queue is full or the hint cancelled.
 */
#include "data_state.h"
#include "store_file.h"

static bool queue_range(void *context, uint64_t first_page, uint64_t page_count)
{
    const gch__warm *warm = context;
    for (uint64_t page = first_page; page < first_page + page_count; page++) {
        if (gch_cancel_is_set(warm->cancel) ||
            !gch__queue_page(warm->source, page, GCH__PRIORITY_PREFETCH, warm->cancel))
            return false;
    }
    return true;
}

typedef struct walk {
    gch__range_fn *each;
    void *context;
    bool is_over;
} walk;

static bool walk_range(void *context, uint64_t first_page, uint64_t page_count)
{
    walk *w = context;
    w->is_over = w->is_over || !w->each(w->context, first_page, page_count);
    return !w->is_over;
}

/* How many super-blocks' pages a reader may hold at once here. */
#define SUPERS_HELD 64u

gch_status gch__view_pages(const gch__source *source, gch__reader *reader, uint32_t column,
                           int64_t t0, int64_t t1, uint32_t width_px, gch__range_fn *each,
                           void *context, bool *out_is_partial)
{
    const gch_file *file = source->file;
    walk w = {.each = each, .context = context};
    uint32_t s = 0, last_segment = UINT32_MAX, last_super = UINT32_MAX, held = 0;
    bool is_partial = false;
    for (uint32_t edge = 0; edge <= width_px && !w.is_over; edge++) {
        int64_t t = (int64_t)(t0 + (__int128)((__int128)t1 - t0) * edge / width_px);
        while (s + 1 < file->meta.segment_count && file->segments[s].last_time < t)
            s++; /* behind the data its end is what lies before the edge */
        gch__segment segment = file->segments[s];
        segment.reader = reader;
        uint32_t super;
        gch_status status = gch__segment_find_super(&segment, t, &super, NULL);
        if (status == GCH_OK && (s != last_segment || super != last_super)) {
            last_segment = s;
            last_super = super;
            status = gch__super_pages(source, reader, s, column, super, walk_range, &w, NULL);
        }
        is_partial |= status == GCH_PENDING;
        if (status != GCH_OK && status != GCH_PENDING)
            return status;
        if (++held % SUPERS_HELD == 0)
            gch__reader_begin(reader, reader->mode, reader->priority, reader->cancel);
    }
    if (out_is_partial != NULL)
        *out_is_partial |= is_partial;
    return GCH_OK;
}

static int64_t clamp(__int128 t)
{
    return t > INT64_MAX ? INT64_MAX : t < INT64_MIN ? INT64_MIN : (int64_t)t;
}

static void warm_view(const gch__warm *warm, gch__reader *reader, gch_direction direction,
                      bool *io_is_partial)
{
    __int128 t0 = warm->t0, t1 = warm->t1, span = t1 - t0;
    switch (direction) {
    case GCH_DIRECTION_LATER:
        t0 += span, t1 += span;
        break;
    case GCH_DIRECTION_EARLIER:
        t0 -= span, t1 -= span;
        break;
    case GCH_DIRECTION_IN:
        t0 += span / 4, t1 -= span / 4;
        break;
    case GCH_DIRECTION_OUT:
        t0 -= span / 2, t1 += span / 2;
        break;
    case GCH_DIRECTION_AROUND:
        return;
    }
    if (gch_cancel_is_set(warm->cancel) || clamp(t0) >= clamp(t1))
        return;
    /* The first time, what is not there is only asked for; when that has come, the few pages that
     * are still missing are worth a wait. */
    gch__reader_begin(reader, warm->is_continuation ? GCH__READ_BLOCK : GCH__READ_NO_WAIT,
                      GCH__PRIORITY_PREFETCH, warm->cancel);
    gch_status status =
        gch__view_pages(warm->source, reader, warm->column, clamp(t0), clamp(t1), warm->width_px,
                        queue_range, (void *)(uintptr_t)warm, io_is_partial);
    (void)status; /* invariant 1 */
}

bool gch__warm_run(const gch__warm *warm)
{
    gch__reader *reader = NULL;
    if (warm->source->file->meta.row_count == 0 ||
        gch__reader_make_inside(warm->source, &reader, NULL) != GCH_OK)
        return true;
    bool is_partial = false;
    if (warm->direction != GCH_DIRECTION_AROUND) {
        warm_view(warm, reader, warm->direction, &is_partial);
    } else {
        for (int direction = GCH_DIRECTION_LATER; direction <= GCH_DIRECTION_OUT; direction++)
            warm_view(warm, reader, (gch_direction)direction, &is_partial);
    }
    gch__reader_destroy(reader);
    return !is_partial;
}

gch_status gch_data_warm(gch_data *data, gch_series series, int64_t t0, int64_t t1,
                         uint32_t width_px, gch_direction direction, gch_cancel *cancel,
                         gch_error *err)
{
    if (t0 >= t1)
        return gch_fail(err, GCH_INVALID, "view: from (%lld) must be before to (%lld)",
                        (long long)t0, (long long)t1);
    if (width_px == 0 || width_px > 16384)
        return gch_fail(err, GCH_INVALID, "view: width %u, must be 1 to 16384", width_px);
    if ((uint32_t)direction > GCH_DIRECTION_OUT)
        return gch_fail(err, GCH_INVALID, "direction: %u is none", (uint32_t)direction);
    if (gch_cancel_is_set(cancel))
        return gch_fail(err, GCH_CANCELLED, "cancelled");
    gch__warm warm = {
        .t0 = t0, .t1 = t1, .width_px = width_px, .direction = direction, .cancel = cancel};
    GCH_TRY(gch__series_hold(data, series, &warm.source, &warm.column, err));
    if (gch__queue_warm(data, &warm))
        return GCH_OK;
    gch__source_drop(warm.source);
    return gch_fail(err, GCH_LIMIT, "%u hints are waiting already", GCH__WARM_CAP);
}
