/* The walk over the bars that a study needs: those in view, a neighbour on each side, and as many
 * in front of them as it looks back.
 *
 * As for price bars it goes from row to row, here in both directions, and touches bars that hold a
 * drawn point only: a row names its bar, the bar's ends name the next rows.
 *
 * A chart asks twice, to fit its values and to draw them: the list stands until another is asked
 * for.
 *
 * Where gch_answers give the bars, the walk goes over them, and a row is the number of one of them.
 */
#include "query_study.h"

#include "gch/time.h"
#include "query_far.h"
#include "query_spans.h"
#include "query_values.h"

#include <stdio.h>
#include <string.h>

/* Bars without a partner that SPREAD passes over in search of a neighbour outside the view. */
#define NEIGHBOUR_MISSES_MAX 256u
/* Bars whose pages are asked for at once. */
#define ASKED_AHEAD_MAX 4096u
#define FAR_CAP 65536u

typedef struct walk {
    gch_query *query, *with; /* with: SPREAD only, else NULL */
    uint32_t column;
    const gch_study_desc *study;
    gch_time_unit unit;
    uint64_t row_count;
    gch__touch touch;
    uint32_t count;   /* of the query's study_bars so far */
    uint32_t in_view; /* bars passed there */
    bool is_far;      /* over the query's far bars ... */
    bool is_short;    /* ... past one of their ends, behind which there are more */
} walk;

/* A bar and where its drawn rows lie: all are within [first, close]. */
typedef struct span {
    gch__bar_bounds its;
    uint64_t first, close;
} span;

typedef enum found { FOUND, MISSED, ENDED } found;

static gch__bar_bounds bar_around(const walk *w, int64_t time)
{
    return gch__bar_around(w->study->width, w->unit, w->study->zone, time);
}

/* The row behind a bar that ends at t1. */
static gch_status row_behind(walk *w, const gch_query *query, int64_t t1, uint64_t *out,
                             gch_error *err)
{
    if (t1 < INT64_MAX)
        return gch__row_at(query, t1, out, &w->touch, err);
    *out = gch__query_row_count(query);
    return GCH_OK;
}

/* The bar of the first drawn row at or behind `row`. */
static gch_status next_span(walk *w, uint64_t row, span *out, bool *is_found, gch_error *err)
{
    int64_t time;
    uint64_t end;
    GCH_TRY(gch__find_drawn(w->query, w->column, row, w->row_count, false, &out->first, err));
    *is_found = out->first != UINT64_MAX;
    if (!*is_found)
        return GCH_OK;
    GCH_TRY(gch__time_of_row(w->query, out->first, &time, err));
    out->its = bar_around(w, time);
    GCH_TRY(row_behind(w, w->query, out->its.t1, &end, err));
    end = GCH_MAX(end, out->first + 1); /* whatever a zone's clock does, the walk goes on */
    return gch__find_drawn(w->query, w->column, out->first, end, true, &out->close, err);
}

/* The bar of the last drawn row in front of `row`. */
static gch_status previous_span(walk *w, uint64_t row, span *out, bool *is_found, gch_error *err)
{
    int64_t time;
    GCH_TRY(gch__find_drawn(w->query, w->column, 0, row, true, &out->close, err));
    *is_found = out->close != UINT64_MAX;
    if (!*is_found)
        return GCH_OK;
    GCH_TRY(gch__time_of_row(w->query, out->close, &time, err));
    out->its = bar_around(w, time);
    GCH_TRY(gch__row_at(w->query, out->its.t0, &out->first, &w->touch, err));
    out->first = GCH_MIN(out->first, out->close);
    return GCH_OK;
}

/* What the study needs of the bar. MISSED: the other series has none there. */
static gch_status read_bar(walk *w, const span *s, gch__study_bar *bar, found *out, gch_error *err)
{
    *bar = (gch__study_bar){.t0 = s->its.t0, .t1 = s->its.t1};
    *out = FOUND;
    if (w->study->kind == GCH_STUDY_RANGE) {
        gch_value low, high;
        GCH_TRY(gch__range_of_rows(w->query, w->column, s->first, s->close + 1, &low, &high,
                                   &w->touch, err));
        bar->low = gch_value_to_double(low);
        bar->high = gch_value_to_double(high);
        return GCH_OK;
    }
    GCH_TRY(gch__value_of_row(w->query, w->column, s->close, &bar->close, err));
    if (w->with == NULL)
        return GCH_OK;
    uint64_t first, end, row;
    GCH_TRY(gch__row_at(w->with, s->its.t0, &first, &w->touch, err));
    GCH_TRY(row_behind(w, w->with, s->its.t1, &end, err));
    GCH_TRY(gch__find_drawn(w->with, w->study->with_column, first, end, true, &row, err));
    if (row == UINT64_MAX) {
        *out = MISSED;
        return GCH_OK;
    }
    return gch__value_of_row(w->with, w->study->with_column, row, &bar->other, err);
}

/* From a bar that the other series lacks: the place to look from next, past all that it lacks. */
static gch_status skip_forward(walk *w, const span *s, uint64_t *io_row, found *out, gch_error *err)
{
    uint64_t row;
    int64_t time;
    GCH_TRY(row_behind(w, w->with, s->its.t1, &row, err));
    GCH_TRY(gch__find_drawn(w->with, w->study->with_column, row, gch__query_row_count(w->with),
                            false, &row, err));
    if (row == UINT64_MAX) {
        *out = ENDED;
        return GCH_OK;
    }
    GCH_TRY(gch__time_of_row(w->with, row, &time, err));
    GCH_TRY(gch__row_at(w->query, bar_around(w, time).t0, &row, &w->touch, err));
    *io_row = GCH_MAX(row, s->close + 1);
    return GCH_OK;
}

static gch_status skip_backward(walk *w, const span *s, uint64_t *io_row, found *out,
                                gch_error *err)
{
    uint64_t row;
    int64_t time;
    GCH_TRY(gch__row_at(w->with, s->its.t0, &row, &w->touch, err));
    GCH_TRY(gch__find_drawn(w->with, w->study->with_column, 0, row, true, &row, err));
    if (row == UINT64_MAX) {
        *out = ENDED;
        return GCH_OK;
    }
    GCH_TRY(gch__time_of_row(w->with, row, &time, err));
    GCH_TRY(row_behind(w, w->query, bar_around(w, time).t1, &row, err));
    *io_row = GCH_MIN(row, s->first);
    return GCH_OK;
}

static int64_t first_time(const walk *w)
{
    return gch_file_get_info(w->query->file)->first_time;
}

static int64_t last_time(const walk *w)
{
    return gch_file_get_info(w->query->file)->last_time;
}

/* Of bars from elsewhere, number `i`. */
static void far_bar(const walk *w, uint64_t i, gch__study_bar *bar)
{
    const gch_bar *far = &w->query->far[i];
    *bar = (gch__study_bar){.t0 = far->t0,
                            .t1 = far->t1,
                            .close = far->close,
                            .low = gch_value_to_double(far->low),
                            .high = gch_value_to_double(far->high)};
}

/* One step forward: the bar at or behind *io_row, which goes behind it. */
static gch_status step(walk *w, uint64_t *io_row, gch__study_bar *bar, found *out, gch_error *err)
{
    span s;
    bool is_found;
    *out = ENDED;
    if (w->is_far && *io_row == w->query->far_count) {
        int64_t end = w->query->far_of.t1;
        w->is_short = w->is_short || (end <= last_time(w) && end < INT64_MAX);
        return GCH_OK;
    }
    if (w->is_far) {
        far_bar(w, (*io_row)++, bar);
        *out = FOUND;
        return GCH_OK;
    }
    GCH_TRY(next_span(w, *io_row, &s, &is_found, err));
    if (!is_found)
        return GCH_OK;
    GCH_TRY(read_bar(w, &s, bar, out, err));
    *io_row = s.close + 1;
    return *out == MISSED ? skip_forward(w, &s, io_row, out, err) : GCH_OK;
}

/* One step back: the bar in front of *io_row, which goes to its first row. */
static gch_status step_back(walk *w, uint64_t *io_row, gch__study_bar *bar, found *out,
                            gch_error *err)
{
    span s;
    bool is_found;
    *out = ENDED;
    if (w->is_far && *io_row == 0) {
        w->is_short = w->is_short || w->query->far_of.t0 > first_time(w);
        return GCH_OK;
    }
    if (w->is_far) {
        far_bar(w, --*io_row, bar);
        *out = FOUND;
        return GCH_OK;
    }
    GCH_TRY(previous_span(w, *io_row, &s, &is_found, err));
    if (!is_found)
        return GCH_OK;
    GCH_TRY(read_bar(w, &s, bar, out, err));
    *io_row = s.first;
    return *out == MISSED ? skip_backward(w, &s, io_row, out, err) : GCH_OK;
}

static gch_status push_bar(walk *w, const gch__study_bar *bar, gch_error *err)
{
    gch_query *query = w->query;
    void *bars = query->study_bars;
    gch_status status = gch__ensure(query->allocator, &bars, &query->study_bar_cap,
                                    (size_t)w->count + 1, sizeof *bar, "study", err);
    query->study_bars = bars;
    GCH_TRY(status);
    query->study_bars[w->count++] = *bar;
    return GCH_OK;
}

/* The stretch of the grid that an EMA's start is anchored to. */
static int64_t chunk_of(const walk *w, int64_t bar_t0)
{
    int64_t index = gch__bar_index(w->study->width, w->unit, w->study->zone, bar_t0);
    int64_t each = (int64_t)GCH__EMA_CHUNK_LENGTHS * w->study->length;
    return index >= 0 ? index / each : -1 - (-1 - index) / each;
}

/* The bars in front of `row`, the view's first, that the study needs: the nearest first. */
static gch_status list_back(walk *w, uint64_t row, gch_error *err)
{
    const gch_study_desc *study = w->study;
    gch__study_bar bar;
    found f = MISSED;
    for (uint32_t misses = 0; f == MISSED && misses < NEIGHBOUR_MISSES_MAX; misses++)
        GCH_TRY(step_back(w, &row, &bar, &f, err));
    if (f != FOUND) /* nothing in front of the view, or too far away */
        return GCH_OK;
    GCH_TRY(push_bar(w, &bar, err));
    uint32_t more = study->kind == GCH_STUDY_SPREAD ? 0 : study->length - 1;
    bool is_in_chunk = study->kind == GCH_STUDY_EMA; /* all of the neighbour's, then the warm-up */
    int64_t chunk = is_in_chunk ? chunk_of(w, bar.t0) : 0;
    if (is_in_chunk)
        more = GCH__EMA_WARM_LENGTHS * study->length;
    while (more > 0) {
        GCH_TRY(step_back(w, &row, &bar, &f, err));
        if (f != FOUND)
            return GCH_OK;
        GCH_TRY(push_bar(w, &bar, err));
        is_in_chunk = is_in_chunk && chunk_of(w, bar.t0) == chunk;
        more -= is_in_chunk ? 0 : 1;
    }
    return GCH_OK;
}

static void reverse_bars(gch__study_bar *bars, uint32_t count)
{
    for (uint32_t i = 0; i < count / 2; i++) {
        gch__study_bar kept = bars[i];
        bars[i] = bars[count - 1 - i];
        bars[count - 1 - i] = kept;
    }
}

/* The bars from `row`, the view's first, to the first behind t1. */
static gch_status list_forward(walk *w, uint64_t row, int64_t t1, uint32_t point_cap,
                               gch_error *err)
{
    for (uint32_t misses = 0;;) {
        gch__study_bar bar;
        found f;
        GCH_TRY(step(w, &row, &bar, &f, err));
        if (f == ENDED)
            return GCH_OK;
        bool is_behind = bar.t0 >= t1;
        if (is_behind && f == MISSED && ++misses > NEIGHBOUR_MISSES_MAX)
            return GCH_OK;
        /* Those passed over cost as much as others. */
        if (!is_behind && w->in_view++ >= point_cap)
            return gch_fail(err, GCH_LIMIT, "more than %u bars", point_cap);
        if (f == MISSED)
            continue;
        GCH_TRY(push_bar(w, &bar, err));
        if (is_behind)
            return GCH_OK;
    }
}

static void mark_chunks(walk *w)
{
    gch__study_bar *bars = w->query->study_bars;
    int64_t chunk = 0;
    for (uint32_t i = 0; i < w->count; i++) {
        int64_t its = chunk_of(w, bars[i].t0);
        bars[i].starts_chunk = i == 0 || its != chunk;
        chunk = its;
    }
}

static gch_status check(const walk *w, gch_error *err)
{
    const gch_study_desc *study = w->study;
    if (study->kind < GCH_STUDY_SMA || study->kind > GCH_STUDY_SPREAD)
        return gch_fail(err, GCH_INVALID, "study: there is no kind %d", (int)study->kind);
    GCH_TRY(gch__bar_width_check(w->query, w->column, study->width, err));
    if (study->kind != GCH_STUDY_SPREAD) {
        if (study->length < 1 || study->length > GCH_STUDY_LENGTH_MAX)
            return gch_fail(err, GCH_INVALID, "study: a length of %u, not 1 to %u", study->length,
                            GCH_STUDY_LENGTH_MAX);
        return GCH_OK;
    }
    gch_time_unit unit = gch_file_get_info(w->with->file)->time_unit;
    if (unit != w->unit)
        return gch_fail(err, GCH_INVALID, "study: a spread of times in %s and in %s",
                        gch_time_unit_name(w->unit), gch_time_unit_name(unit));
    return gch__bar_width_check(w->with, study->with_column, study->width, err);
}

static gch_status find_bars(walk *w, int64_t t0, int64_t t1, uint32_t point_cap,
                            uint32_t *out_count, uint32_t *out_from, gch_error *err)
{
    gch_query *query = w->query;
    const gch_file_info *info = gch_file_get_info(query->file);
    uint64_t row;
    GCH_TRY(check(w, err));
    if (w->row_count == 0 || t0 >= t1)
        return GCH_OK;
    /* Bars reach beyond the data: the first and the last of them may do so into the view. */
    gch__bar_bounds bar = bar_around(w, GCH_MIN(GCH_MAX(t0, info->first_time), info->last_time));
    if (bar.t0 >= t1 || (t0 > info->last_time && bar.t1 <= t0 && bar.t1 < INT64_MAX))
        return GCH_OK;
    if (w->is_far)
        for (row = 0; row < query->far_count && query->far[row].t0 < bar.t0;)
            row++;
    else
        GCH_TRY(gch__row_at(query, bar.t0, &row, &w->touch, err));
    GCH_TRY(list_back(w, row, err));
    reverse_bars(query->study_bars, w->count);
    *out_from = w->count > 0 ? w->count - 1 : 0;
    GCH_TRY(list_forward(w, row, t1, point_cap, err));
    if (w->study->kind == GCH_STUDY_EMA)
        mark_chunks(w);
    *out_count = w->count;
    if (w->touch.covered > 0) /* a low or high may be another bar's */
        return gch_fail(err, GCH_PENDING, "pages of the study's bars are missing");
    return GCH_OK;
}

static uint32_t looks_back(const gch_study_desc *study)
{
    return study->kind == GCH_STUDY_EMA
               ? (GCH__EMA_WARM_LENGTHS + GCH__EMA_CHUNK_LENGTHS) * study->length
           : study->kind == GCH_STUDY_SPREAD ? 1
                                             : study->length;
}

/* A walk ends at the first page that is missing. What it would have come to is asked for here, bar
 * by bar of the grid, so that it does not come to one page a frame. */
static void ask_ahead(walk *w, int64_t t0, int64_t t1)
{
    const gch_study_desc *study = w->study;
    const gch_file_info *info = gch_file_get_info(w->query->file);
    t0 = GCH_MIN(GCH_MAX(t0, info->first_time), info->last_time);
    t1 = GCH_MIN(t1, info->last_time);
    gch__bar_bounds bar = bar_around(w, t0);
    __int128 time = bar.t0 - (__int128)looks_back(study) * ((__int128)bar.t1 - bar.t0);
    int64_t t = time < info->first_time ? info->first_time : (int64_t)time;
    uint64_t first = 0, last;
    for (uint32_t asked = 0; t <= t1 && asked < ASKED_AHEAD_MAX; asked++, t = bar.t1) {
        gch_value low, high;
        uint32_t segment;
        uint64_t key;
        bool is_drawn;
        bar = bar_around(w, t);
        if (bar.t1 <= t || row_behind(w, w->query, bar.t1, &last, NULL) != GCH_OK || last == 0)
            continue;
        (void)!gch__key_of_row(w->query, w->column, last - 1, &segment, &key, &is_drawn, NULL);
        if (study->kind == GCH_STUDY_RANGE && first < last && asked > 0)
            (void)!gch__range_of_rows(w->query, w->column, first, last, &low, &high, &w->touch,
                                      NULL);
        first = last;
        if (w->with == NULL || row_behind(w, w->with, bar.t1, &last, NULL) != GCH_OK || last == 0)
            continue;
        (void)!gch__key_of_row(w->with, study->with_column, last - 1, &segment, &key, &is_drawn,
                               NULL);
    }
}

/* What the list of these arguments is of; both queries have begun. */
static struct gch__study_of describe(const walk *w, int64_t t0, int64_t t1)
{
    const gch_study_desc *study = w->study;
    struct gch__study_of of = {.is_valid = true,
                               .kind = study->kind,
                               .length = study->length,
                               .column = w->column,
                               .with_column = study->with_column,
                               .width = study->width,
                               .with = w->with,
                               .generation = w->query->generation,
                               .t0 = t0,
                               .t1 = t1};
    if (study->zone != NULL)
        snprintf(of.zone, sizeof of.zone, "%s", gch_time_zone_name(study->zone));
    if (w->with != NULL) {
        of.with_file = w->with->file;
        of.with_generation = w->with->generation;
    }
    return of;
}

static bool is_same_list(const struct gch__study_of *a, const struct gch__study_of *b)
{
    return a->is_valid && a->kind == b->kind && a->length == b->length && a->column == b->column &&
           a->with_column == b->with_column && a->width.unit == b->width.unit &&
           a->width.count == b->width.count && strcmp(a->zone, b->zone) == 0 &&
           a->with == b->with && a->with_file == b->with_file && a->generation == b->generation &&
           a->with_generation == b->with_generation && a->t0 == b->t0 && a->t1 == b->t1;
}

static gch_status list_bars(walk *w, int64_t t0, int64_t t1, uint32_t point_cap,
                            uint32_t *out_count, uint32_t *out_from, gch_error *err)
{
    gch_query *query = w->query;
    struct gch__study_of of = describe(w, t0, t1);
    if (is_same_list(&query->study_of, &of) && query->study_of.in_view <= point_cap) {
        *out_count = query->study_of.count;
        *out_from = query->study_of.from;
        return GCH_OK;
    }
    query->study_of.is_valid = false;
    GCH_TRY(find_bars(w, t0, t1, point_cap, out_count, out_from, err));
    of.count = *out_count;
    of.from = *out_from;
    of.in_view = w->in_view;
    query->study_of = of;
    return GCH_OK;
}

static int64_t moved(int64_t t, __int128 by)
{
    __int128 time = t + by;
    return time < INT64_MIN ? INT64_MIN : time > INT64_MAX ? INT64_MAX : (int64_t)time;
}

/* The bars of a stretch of time, from elsewhere. *is_answered false: there are none. */
static gch_status find_far(walk *w, int64_t t0, int64_t t1, bool *is_answered, gch_error *err)
{
    gch_query *query = w->query;
    const gch_study_desc *study = w->study;
    const gch_bar *bars;
    uint32_t count;
    gch_query_stats before = query->stats;
    gch_status status = gch__far_bars_take(query, w->column, study->width, study->zone, t0, t1,
                                           FAR_CAP, &bars, &count, is_answered, err);
    if (!*is_answered)
        status = gch__far_bars_ask(query, w->column, study->width, study->zone, t0, t1, FAR_CAP,
                                   looks_back(study), &bars, &count, is_answered, err);
    bool is_pending = query->stats.answers_pending != before.answers_pending;
    query->stats.rows_visible = before.rows_visible; /* they are not in view */
    *is_answered = *is_answered && status != GCH_LIMIT;
    if (status == GCH_OK && is_pending) /* those are earlier ones */
        return gch_fail(err, GCH_PENDING, "the bars are on their way");
    return status == GCH_LIMIT ? GCH_OK : status;
}

static gch_status list_far(walk *w, int64_t t0, int64_t t1, uint32_t point_cap, uint32_t *out_count,
                           uint32_t *out_from, bool *is_answered, gch_error *err)
{
    gch__bar_bounds bar = bar_around(w, GCH_MIN(GCH_MAX(t0, first_time(w)), last_time(w)));
    __int128 reach = ((__int128)bar.t1 - bar.t0) * (looks_back(w->study) + 2);
    do { /* stretches without a point hold no bars: there may be more time between those needed */
        GCH_TRY(find_far(w, moved(t0, -reach), moved(t1, reach), is_answered, err));
        if (!*is_answered)
            return GCH_OK;
        w->query->study_of.is_valid = w->is_short = false;
        w->is_far = true;
        w->count = w->in_view = 0;
        GCH_TRY(list_bars(w, t0, t1, point_cap, out_count, out_from, err));
        reach *= 4;
    } while (w->is_short);
    return GCH_OK;
}

/* What the pages at hand give, or bars from elsewhere. *is_answered false: pages are to be asked
 * for. */
static gch_status list_without_loading(walk *w, int64_t t0, int64_t t1, uint32_t point_cap,
                                       uint32_t *out_count, uint32_t *out_from, bool *is_answered,
                                       gch_error *err)
{
    gch_query *query = w->query;
    GCH_TRY(gch__query_begin_peek(query, err));
    w->row_count = gch__query_row_count(query);
    gch_status status = list_bars(w, t0, t1, point_cap, out_count, out_from, err);
    *is_answered = true;
    if (status == GCH_PENDING) {
        w->touch = (gch__touch){0};
        status = list_far(w, t0, t1, point_cap, out_count, out_from, is_answered, err);
    }
    w->is_far = false;
    (void)!gch__query_end(query, GCH_OK); /* what is pending has been counted */
    return status;
}

static void add_touch(walk *w)
{
    w->query->stats.blocks_decoded += w->touch.blocks;
    w->query->stats.nodes_read += w->touch.nodes;
    w->query->stats.bytes_read += w->touch.bytes;
}

gch_status gch__query_study_bars(gch_query *query, uint32_t column, const gch_study_desc *study,
                                 int64_t t0, int64_t t1, uint32_t point_cap,
                                 const gch__study_bar **out_bars, uint32_t *out_count,
                                 uint32_t *out_from, gch_error *err)
{
    walk w = {.query = query, .column = column, .study = study};
    *out_count = *out_from = 0;
    w.unit = gch_file_get_info(query->file)->time_unit;
    w.row_count = gch__query_row_count(query);
    if (query->answers != NULL && query->answers->bars != NULL && study->kind != GCH_STUDY_SPREAD) {
        bool is_answered = false;
        gch_status status =
            list_without_loading(&w, t0, t1, point_cap, out_count, out_from, &is_answered, err);
        *out_bars = query->study_bars;
        if (is_answered || (status != GCH_OK && status != GCH_PENDING))
            return status;
    }
    GCH_TRY(gch__query_begin(query, err));
    bool is_other = false;
    gch_status status = GCH_OK;
    if (study->kind == GCH_STUDY_SPREAD) {
        w.with = study->with != NULL ? study->with : query;
        is_other = w.with != query;
        status = is_other ? gch__query_begin(w.with, err) : GCH_OK;
        is_other = is_other && status == GCH_OK;
    }
    if (status == GCH_OK)
        status = list_bars(&w, t0, t1, point_cap, out_count, out_from, err);
    if (status == GCH_PENDING)
        ask_ahead(&w, t0, t1);
    add_touch(&w);
    *out_bars = query->study_bars;
    if (is_other)
        (void)!gch__query_end(w.with, GCH_OK); /* what it awaits is counted here */
    return gch__query_end(query, status);
}

gch_status gch_query_study(gch_query *query, uint32_t column, const gch_study_desc *study,
                           int64_t t0, int64_t t1, uint32_t point_cap,
                           const gch_study_point **out_points, uint32_t *out_count, gch_error *err)
{
    const gch__study_bar *listed;
    uint32_t count, from, length = study->length;
    *out_count = 0;
    GCH_TRY(gch__query_study_bars(query, column, study, t0, t1, point_cap, &listed, &count, &from,
                                  err));
    void *points = query->study_points;
    gch_status status = gch__ensure(query->allocator, &points, &query->study_point_cap, count,
                                    sizeof *query->study_points, "study", err);
    query->study_points = points;
    GCH_TRY(status);
    gch__study_bar *bars = query->study_bars;
    gch_study_point *out = query->study_points;
    *out_points = out;
    *out_count = study->kind == GCH_STUDY_SMA     ? gch__study_sma(bars, count, length, from, out)
                 : study->kind == GCH_STUDY_EMA   ? gch__study_ema(bars, count, length, from, out)
                 : study->kind == GCH_STUDY_RANGE ? gch__study_range(bars, count, length, from, out)
                                                  : gch__study_spread(bars, count, from, out);
    return GCH_OK;
}
