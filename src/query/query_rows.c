/* From times to rows and from rows to times and keys.
 *
 * Times do not decrease over a file: segments are found by their last time.
 */
#include "query_state.h"

void gch__locate_row(const gch_query *query, uint64_t row, uint32_t *out_segment, uint32_t *out_row)
{
    uint32_t low = 0, high = query->segment_count; /* the last segment with first_row <= row */
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (gch__query_segment(query, middle)->first_row <= row)
            low = middle;
        else
            high = middle;
    }
    *out_segment = low;
    *out_row = (uint32_t)(row - gch__query_segment(query, low)->first_row);
}

gch_status gch__time_of_row(const gch_query *query, uint64_t row, int64_t *out_time, gch_error *err)
{
    uint32_t segment, local;
    gch__locate_row(query, row, &segment, &local);
    return gch__segment_time(gch__query_segment(query, segment), local, out_time, err);
}

gch_status gch__key_of_row(const gch_query *query, uint32_t column, uint64_t row,
                           uint32_t *out_segment, uint64_t *out_key, bool *out_is_drawn,
                           gch_error *err)
{
    uint32_t local;
    gch__locate_row(query, row, out_segment, &local);
    const gch__segment *segment = gch__query_segment(query, *out_segment);
    return gch__segment_key(segment, &segment->columns[column], local, out_key, out_is_drawn, err);
}

gch_status gch__value_of_row(const gch_query *query, uint32_t column, uint64_t row, gch_value *out,
                             gch_error *err)
{
    uint32_t segment;
    uint64_t key;
    bool is_drawn;
    GCH_TRY(gch__key_of_row(query, column, row, &segment, &key, &is_drawn, err));
    *out = gch__value_from_key(&gch__query_segment(query, segment)->columns[column].map, key);
    return GCH_OK;
}

/* The first segment that ends at t or later; NULL: none. */
static const gch__segment *segment_at(const gch_query *query, int64_t t)
{
    uint32_t low = 0, high = query->segment_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (gch__query_segment(query, middle)->last_time < t)
            low = middle + 1;
        else
            high = middle;
    }
    return low < query->segment_count ? gch__query_segment(query, low) : NULL;
}

uint64_t gch__guess_row_at(const gch_query *query, int64_t t)
{
    const gch__segment *segment = segment_at(query, t);
    if (segment == NULL)
        return gch__query_row_count(query);
    if (t <= segment->first_time)
        return segment->first_row;
    double ahead = (double)((uint64_t)t - (uint64_t)segment->first_time);
    double whole = (double)((uint64_t)segment->last_time - (uint64_t)segment->first_time);
    return segment->first_row + (uint64_t)(ahead / whole * (segment->row_count - 1));
}

gch_status gch__row_at(const gch_query *query, int64_t t, uint64_t *out_row, gch__touch *touch,
                       gch_error *err)
{
    const gch__segment *segment = segment_at(query, t);
    if (segment == NULL) {
        *out_row = gch__query_row_count(query);
        return GCH_OK;
    }
    uint32_t row;
    GCH_TRY(gch__segment_find_row(segment, t, &row, &touch->nodes, err));
    if (segment->time.run_count == 0) { /* a line and some of its residuals */
        touch->blocks++;
        touch->bytes += 64;
    }
    *out_row = segment->first_row + row;
    return GCH_OK;
}

gch_status gch_query_row_at(gch_query *query, int64_t t, uint64_t *out_row, gch_error *err)
{
    gch__touch touch = {0};
    GCH_TRY(gch__query_begin(query, err));
    return gch__query_end(query, gch__row_at(query, t, out_row, &touch, err));
}

gch_status gch__query_rows_between(gch_query *query, int64_t t0, int64_t t1, uint64_t *out,
                                   gch_error *err)
{
    gch__touch touch = {0};
    uint64_t first = 0, last = 0;
    const struct gch__rows_of *of = &query->rows_of;
    /* What a server answers needs no pages, and counting rows is no reason to ask for them. */
    GCH_TRY(query->answers != NULL ? gch__query_begin_peek(query, err)
                                   : gch__query_begin(query, err));
    gch_status status = gch__row_at(query, t0, &first, &touch, err);
    if (status == GCH_OK)
        status = gch__row_at(query, t1, &last, &touch, err);
    GCH_TRY(gch__query_end(query, GCH_OK)); /* nothing that is drawn waits for it */
    *out = status == GCH_OK ? last - first : of->count;
    bool is_known = of->generation == query->generation && of->t0 == t0 && of->t1 == t1;
    return status == GCH_PENDING && is_known ? GCH_OK : status;
}
