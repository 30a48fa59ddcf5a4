/* Bars from elsewhere: see query_far.h.
 *
 * Bars are small, so what is asked for is twice the view: while a hand moves it by less than half
 * its width nothing more is asked.
 *
 * Invariants:
 *  1. `far` are all the bars that overlap [far_of.t0, far_of.t1), in the order of time.
 *  2. A question is put again as it was as long as its answer will hold the view: `far_asked`.
 */
#include "query_far.h"

#include "gch/time.h"
#include "query_spans.h"

#include <stdio.h>
#include <string.h>

#define CAP_LEAST 4096u
#define AROUND 64

static struct gch__bars_of describe(const gch_query *query, uint32_t column, gch_bar_width width,
                                    const gch_time_zone *zone, int64_t t0, int64_t t1)
{
    struct gch__bars_of of = {
        .width = width, .column = column, .generation = query->generation, .t0 = t0, .t1 = t1};
    if (zone != NULL && width.unit != GCH_BAR_TICKS)
        (void)snprintf(of.zone, sizeof of.zone, "%s", gch_time_zone_name(zone));
    return of;
}

static bool covers(const struct gch__bars_of *a, const struct gch__bars_of *b)
{
    return a->column == b->column && a->generation == b->generation &&
           a->width.unit == b->width.unit && a->width.count == b->width.count &&
           strcmp(a->zone, b->zone) == 0 && a->t0 <= b->t0 && a->t1 >= b->t1;
}

/* Those of `far` that overlap [t0, t1); too many are none. */
static gch_status take(gch_query *query, int64_t t0, int64_t t1, uint32_t bar_cap,
                       const gch_bar **out_bars, uint32_t *out_count, gch_error *err)
{
    uint32_t first = 0, end;
    const gch_bar *far = query->far;
    while (first < query->far_count && far[first].t1 <= t0 && far[first].t1 < INT64_MAX)
        first++;
    for (end = first; end < query->far_count && far[end].t0 < t1;)
        end++;
    if (end - first > bar_cap)
        return gch_fail(err, GCH_LIMIT, "more than %u bars", bar_cap);
    for (uint32_t i = first; i < end; i++)
        query->stats.rows_visible += far[i].row_count;
    *out_bars = far + first;
    *out_count = end - first;
    return GCH_OK;
}

gch_status gch__far_bars_take(gch_query *query, uint32_t column, gch_bar_width width,
                              const gch_time_zone *zone, int64_t t0, int64_t t1, uint32_t bar_cap,
                              const gch_bar **out_bars, uint32_t *out_count, bool *is_answered,
                              gch_error *err)
{
    struct gch__bars_of of = describe(query, column, width, zone, t0, t1);
    *is_answered = covers(&query->far_of, &of);
    return *is_answered ? take(query, t0, t1, bar_cap, out_bars, out_count, err) : GCH_OK;
}

static int64_t clamped(double time)
{
    return time < -0x1p62 ? INT64_MIN : time > 0x1p62 ? INT64_MAX : (int64_t)time;
}

/* The question whose answer holds the bars of `of`. */
static gch_bars_ask choose(gch_query *query, const struct gch__bars_of *of,
                           const gch_time_zone *zone, uint32_t bar_cap)
{
    const gch_file_info *info = gch_file_get_info(query->file);
    int64_t first = GCH_MIN(GCH_MAX(of->t0, info->first_time), info->last_time);
    int64_t last = GCH_MAX(GCH_MIN(of->t1, info->last_time), first);
    gch__bar_bounds bar = gch__bar_around(of->width, info->time_unit, zone, first);
    double length = (double)bar.t1 - (double)bar.t0;
    double count = ((double)last - (double)first) / length + 2;
    uint32_t cap = GCH_MAX(bar_cap, CAP_LEAST);
    if (!covers(&query->far_asked, of)) {
        query->far_asked = *of;
        if (4 * count < cap) { /* and what months and gaps may add */
            double reach = GCH_MAX((double)last - (double)first, AROUND * length) / 2;
            query->far_asked.t0 = clamped((double)of->t0 - reach);
            query->far_asked.t1 = clamped((double)of->t1 + reach);
        }
        query->far_asked.t0 = GCH_MIN(query->far_asked.t0, of->t0);
        query->far_asked.t1 = GCH_MAX(query->far_asked.t1, of->t1);
    }
    const struct gch__bars_of *asked = &query->far_asked;
    return (gch_bars_ask){.column = of->column,
                          .width = of->width,
                          .zone = asked->zone,
                          .t0 = asked->t0,
                          .t1 = asked->t1,
                          .bar_cap = count > cap ? bar_cap : cap};
}

/* Whether the bars are those of this side's calendar, whatever the other one knows of zones. */
static bool are_of_grid(const gch_query *query, const gch_time_zone *zone, const gch_bar *bars,
                        uint32_t count)
{
    gch_time_unit unit = gch_file_get_info(query->file)->time_unit;
    for (uint32_t i = 0; i < count; i++) {
        gch__bar_bounds bar = gch__bar_around(query->far_asked.width, unit, zone, bars[i].t0);
        if (bar.t0 != bars[i].t0 || bar.t1 != bars[i].t1)
            return false;
    }
    return true;
}

static gch_status keep(gch_query *query, const gch_bar *bars, uint32_t count, gch_error *err)
{
    query->far_of.width.count = 0;
    query->far_count = 0;
    GCH_TRY(gch__ensure(query->allocator, (void **)&query->far, &query->far_cap, GCH_MAX(count, 1),
                        sizeof *query->far, "bars", err));
    if (count > 0)
        memcpy(query->far, bars, count * sizeof *bars);
    query->far_count = count;
    query->far_of = query->far_asked;
    return GCH_OK;
}

gch_status gch__far_bars_ask(gch_query *query, uint32_t column, gch_bar_width width,
                             const gch_time_zone *zone, int64_t t0, int64_t t1, uint32_t bar_cap,
                             uint32_t looks_back, const gch_bar **out_bars, uint32_t *out_count,
                             bool *is_answered, gch_error *err)
{
    const gch_answers *answers = query->answers;
    struct gch__bars_of of = describe(query, column, width, zone, t0, t1);
    const gch_bar *bars = NULL;
    uint32_t count = 0;
    gch_status status = GCH_LIMIT;
    bool is_of_view = false;
    for (int i = 0; i < 2 && status == GCH_LIMIT && !is_of_view; i++) {
        if (i > 0) /* too many bars of a question that reaches further say nothing of the view */
            query->far_asked.width.count = 0;
        gch_bars_ask ask = choose(query, &of, zone, bar_cap);
        ask.looks_back = looks_back;
        is_of_view = ask.t0 == t0 && ask.t1 == t1;
        status = answers->bars(answers->context, &ask, &bars, &count, NULL);
    }
    *is_answered = true;
    if (status == GCH_OK && are_of_grid(query, zone, bars, count)) {
        GCH_TRY(keep(query, bars, count, err));
        return take(query, t0, t1, bar_cap, out_bars, out_count, err);
    }
    if (status == GCH_LIMIT && is_of_view)
        return gch_fail(err, GCH_LIMIT, "more than %u bars", bar_cap);
    *is_answered = status == GCH_PENDING;
    if (!*is_answered) {
        query->far_asked.width.count = 0;
        return GCH_OK;
    }
    query->stats.answers_pending++;
    bool has_earlier = query->far_count > 0 && query->far_of.column == column &&
                       query->far_of.generation == query->generation;
    if (has_earlier && take(query, t0, t1, bar_cap, out_bars, out_count, NULL) == GCH_OK &&
        *out_count > 0)
        return GCH_OK;
    query->awaits_bars = true;
    return gch_fail(err, GCH_PENDING, "the bars are on their way");
}
