/* Price bars: first, largest, smallest and last value over spans of time.
 *
 * The walk goes from row to row, not from bar to bar: the row at hand names its bar, the bar's end
 * names the next row. Empty stretches cost nothing.
 */
#include "query_bars.h"
#include "query_far.h"
#include "query_spans.h"
#include "query_study.h"
#include "query_values.h"

#include <limits.h>

#define DAY_S 86400
#define CALENDAR_S_MAX ((int64_t)1 << 55) /* about a thousand million years */

static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t quotient = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

static int64_t clamp_i64(__int128 value)
{
    return value > INT64_MAX ? INT64_MAX : value < INT64_MIN ? INT64_MIN : (int64_t)value;
}

/* Start of calendar bar `index` as days since 1970. */
static int64_t calendar_start_day(gch_bar_width width, int64_t index)
{
    int64_t first = index * width.count;
    switch (width.unit) {
    case GCH_BAR_WEEK:
        return first * 7 - 3; /* 1970-01-01 was a Thursday */
    case GCH_BAR_MONTH:
        return gch_days_from_civil(floor_div(first, 12),
                                   (uint32_t)(first - floor_div(first, 12) * 12) + 1, 1);
    case GCH_BAR_YEAR:
        return gch_days_from_civil(first, 1, 1);
    default:
        return first;
    }
}

static int64_t calendar_index(gch_bar_width width, int64_t day)
{
    int64_t year, units = day;
    uint32_t month, day_of_month;
    gch_civil_from_days(day, &year, &month, &day_of_month);
    if (width.unit == GCH_BAR_WEEK)
        units = floor_div(day + 3, 7);
    else if (width.unit == GCH_BAR_MONTH)
        units = year * 12 + month - 1;
    else if (width.unit == GCH_BAR_YEAR)
        units = year;
    return floor_div(units, width.count);
}

static int64_t calendar_start(gch_bar_width width, int64_t per_second, const gch_time_zone *zone,
                              int64_t index)
{
    int64_t day = calendar_start_day(width, index);
    return clamp_i64((__int128)gch_time_zone_to_utc(zone, day * DAY_S) * per_second);
}

int64_t gch__bar_index(gch_bar_width width, gch_time_unit unit, const gch_time_zone *zone,
                       int64_t t)
{
    if (width.unit == GCH_BAR_TICKS)
        return floor_div(t, width.count);
    int64_t utc_s = floor_div(t, gch_time_unit_per_second(unit));
    int64_t local_s = utc_s + gch_time_zone_offset(zone, utc_s, NULL);
    return calendar_index(width, floor_div(local_s, DAY_S));
}

gch__bar_bounds gch__bar_around(gch_bar_width width, gch_time_unit unit, const gch_time_zone *zone,
                                int64_t t)
{
    if (width.unit == GCH_BAR_TICKS) {
        __int128 start = (__int128)floor_div(t, width.count) * width.count;
        if (start == INT64_MAX) /* is no border */
            start -= width.count;
        return (gch__bar_bounds){clamp_i64(start), clamp_i64(start + width.count)};
    }
    int64_t per_second = gch_time_unit_per_second(unit);
    int64_t index = gch__bar_index(width, unit, zone, t);
    gch__bar_bounds bar = {calendar_start(width, per_second, zone, index),
                           calendar_start(width, per_second, zone, index + 1)};
    if (t >= bar.t1 && bar.t1 < INT64_MAX) { /* the clock was put back over midnight */
        bar.t0 = bar.t1;
        bar.t1 = calendar_start(width, per_second, zone, index + 2);
    }
    return bar;
}

gch_status gch__bar_width_check(const gch_query *query, uint32_t column, gch_bar_width width,
                                gch_error *err)
{
    const gch_file_info *info = gch_file_get_info(query->file);
    if (column >= info->column_count)
        return gch_fail(err, GCH_INVALID, "column %u: the file has %u", column, info->column_count);
    if (width.count < 1 || (width.unit != GCH_BAR_TICKS && width.count > 100000))
        return gch_fail(err, GCH_INVALID, "bar width: a count of %lld", (long long)width.count);
    if (width.unit != GCH_BAR_TICKS && info->time_unit == GCH_TIME_INDEX)
        return gch_fail(err, GCH_INVALID, "bar width: a row index has no calendar");
    int64_t per_second = gch_time_unit_per_second(info->time_unit);
    if (width.unit != GCH_BAR_TICKS && (info->first_time / per_second < -CALENDAR_S_MAX ||
                                        info->last_time / per_second > CALENDAR_S_MAX))
        return gch_fail(err, GCH_LIMIT, "bar width: times beyond the calendar");
    return GCH_OK;
}

static gch_status fill_bar(gch_query *query, uint32_t column, uint64_t first, uint64_t last,
                           gch_bar *bar, bool *out_is_drawn, gch__touch *touch, gch_error *err)
{
    uint64_t open_row, close_row;
    GCH_TRY(gch__find_drawn(query, column, first, last, false, &open_row, err));
    *out_is_drawn = open_row != UINT64_MAX;
    if (!*out_is_drawn)
        return GCH_OK;
    GCH_TRY(gch__find_drawn(query, column, first, last, true, &close_row, err));
    GCH_TRY(gch__value_of_row(query, column, open_row, &bar->open, err));
    GCH_TRY(gch__value_of_row(query, column, close_row, &bar->close, err));
    return gch__range_of_rows(query, column, first, last, &bar->low, &bar->high, touch, err);
}

gch_status gch__bar_walk_start(gch__bar_walk *walk, gch_query *query, uint32_t column,
                               gch_bar_width width, const gch_time_zone *zone, int64_t t0,
                               int64_t t1, gch__touch *touch, gch_error *err)
{
    const gch_file_info *info = gch_file_get_info(query->file);
    GCH_TRY(gch__bar_width_check(query, column, width, err));
    *walk = (gch__bar_walk){.query = query,
                            .width = width,
                            .zone = zone,
                            .unit = info->time_unit,
                            .t0 = t0,
                            .t1 = t1,
                            .awaited = INT64_MAX,
                            .row = info->row_count,
                            .row_count = info->row_count};
    if (info->row_count == 0 || t0 >= t1)
        return GCH_OK;
    /* Bars reach beyond the data: its first and last count too. */
    int64_t time = GCH_MIN(GCH_MAX(t0, info->first_time), info->last_time);
    gch__bar_bounds bounds = gch__bar_around(width, info->time_unit, zone, time);
    walk->awaited = time;
    return gch__row_at(query, bounds.t0, &walk->row, touch, err);
}

gch_status gch__bar_walk_next(gch__bar_walk *walk, gch_bar *out, uint64_t *out_first,
                              gch__touch *touch, gch_error *err)
{
    do {
        *out = (gch_bar){0};
        *out_first = walk->row;
        if (walk->row >= walk->row_count)
            return GCH_OK;
        int64_t time;
        GCH_TRY(gch__time_of_row(walk->query, walk->row, &time, err));
        gch__bar_bounds bounds = gch__bar_around(walk->width, walk->unit, walk->zone, time);
        walk->awaited = time;
        if (bounds.t0 >= walk->t1)
            return GCH_OK;
        uint64_t end = walk->row_count;
        if (bounds.t1 < INT64_MAX)
            GCH_TRY(gch__row_at(walk->query, bounds.t1, &end, touch, err));
        if (end <=
            walk->row) /* times that are out of order, in a damaged file: never stand still */
            end = walk->row + 1;
        *out = (gch_bar){.t0 = bounds.t0, .t1 = bounds.t1, .row_count = end - walk->row};
        walk->row = end;
    } while (out->t1 <= walk->t0 && out->t1 < INT64_MAX);
    return GCH_OK;
}

static gch_status add_bar(gch_query *query, const gch_bar *bar, uint32_t *io_count, gch_error *err)
{
    GCH_TRY(gch__ensure(query->allocator, (void **)&query->bars, &query->bar_cap,
                        (size_t)*io_count + 1, sizeof *bar, "bars", err));
    query->bars[(*io_count)++] = *bar;
    query->stats.rows_visible += bar->row_count;
    return GCH_OK;
}

/* A walk ends at the first border that is missing. What it would have come to is asked for here,
 * bar by bar of the grid, so that it does not come to one page a frame. */
static void ask_ahead(const gch__bar_walk *walk, uint32_t column, uint32_t bar_cap,
                      gch__touch *touch)
{
    uint64_t first = walk->row, end;
    int64_t t = walk->awaited;
    int64_t last = GCH_MIN(walk->t1, gch_file_get_info(walk->query->file)->last_time);
    for (uint32_t asked = 0; t <= last && asked < bar_cap; asked++) {
        gch__bar_bounds bounds = gch__bar_around(walk->width, walk->unit, walk->zone, t);
        if (bounds.t1 <= t)
            return;
        t = bounds.t1;
        gch_bar bar;
        bool is_drawn;
        if (gch__row_at(walk->query, t, &end, touch, NULL) != GCH_OK)
            continue;
        if (first < end)
            (void)!fill_bar(walk->query, column, first, end, &bar, &is_drawn, touch, NULL);
        first = end;
    }
}

static gch_status find_bars(gch_query *query, uint32_t column, gch_bar_width width,
                            const gch_time_zone *zone, int64_t t0, int64_t t1, uint32_t bar_cap,
                            const gch_bar **out_bars, uint32_t *out_count, gch_error *err)
{
    gch__bar_walk walk;
    gch__touch touch = {0};
    uint32_t count = 0;
    bool is_pending = false;
    gch_status status = gch__bar_walk_start(&walk, query, column, width, zone, t0, t1, &touch, err);
    while (status == GCH_OK) {
        gch_bar bar;
        uint64_t row;
        bool is_drawn;
        status = gch__bar_walk_next(&walk, &bar, &row, &touch, err);
        if (status != GCH_OK || bar.row_count == 0)
            break;
        status = fill_bar(query, column, row, row + bar.row_count, &bar, &is_drawn, &touch, err);
        is_pending = is_pending || status == GCH_PENDING;
        if (status == GCH_PENDING)
            status = GCH_OK; /* and what the others lack */
        else if (status == GCH_OK && is_drawn && count == bar_cap)
            return gch_fail(err, GCH_LIMIT, "more than %u bars", bar_cap);
        else if (status == GCH_OK && is_drawn)
            status = add_bar(query, &bar, &count, err);
    }
    if (status == GCH_PENDING)
        ask_ahead(&walk, column, bar_cap, &touch);
    query->stats.blocks_decoded += touch.blocks;
    query->stats.nodes_read += touch.nodes;
    query->stats.bytes_read += touch.bytes;
    GCH_TRY(status);
    if (is_pending || touch.covered > 0) /* a low or high may be another bar's */
        return gch_fail(err, GCH_PENDING, "pages of the bars are missing");
    *out_bars = query->bars;
    *out_count = count;
    return GCH_OK;
}

/* What the pages at hand give, or an answer. *is_answered false: pages are to be asked for. */
static gch_status find_without_loading(gch_query *query, uint32_t column, gch_bar_width width,
                                       const gch_time_zone *zone, int64_t t0, int64_t t1,
                                       uint32_t bar_cap, const gch_bar **out_bars,
                                       uint32_t *out_count, bool *is_answered, gch_error *err)
{
    GCH_TRY(gch__query_begin_peek(query, err));
    gch_query_stats before = query->stats;
    gch_status status = gch__far_bars_take(query, column, width, zone, t0, t1, bar_cap, out_bars,
                                           out_count, is_answered, err);
    if (!*is_answered)
        status = find_bars(query, column, width, zone, t0, t1, bar_cap, out_bars, out_count, err);
    *is_answered = true;
    (void)!gch__query_end(query, GCH_OK); /* what is missing is asked for, here or there */
    if (status != GCH_PENDING)
        return status;
    query->stats = before;
    return gch__far_bars_ask(query, column, width, zone, t0, t1, bar_cap, 0, out_bars, out_count,
                             is_answered, err);
}

gch_status gch_query_bars(gch_query *query, uint32_t column, gch_bar_width width,
                          const gch_time_zone *zone, int64_t t0, int64_t t1, uint32_t bar_cap,
                          const gch_bar **out_bars, uint32_t *out_count, gch_error *err)
{
    bool is_answered = false;
    if (query->answers != NULL && query->answers->bars != NULL)
        GCH_TRY(find_without_loading(query, column, width, zone, t0, t1, bar_cap, out_bars,
                                     out_count, &is_answered, err));
    if (is_answered)
        return GCH_OK;
    GCH_TRY(gch__query_begin(query, err));
    return gch__query_end(
        query, find_bars(query, column, width, zone, t0, t1, bar_cap, out_bars, out_count, err));
}

gch_status gch_bar_width_parse(const char *text, gch_time_unit unit, gch_bar_width *out,
                               gch_error *err)
{
    static const struct {
        const char *suffix;
        gch_bar_unit unit;
        int64_t ns; /* BAR_TICKS */
    } suffixes[] = {
        {"", GCH_BAR_TICKS, 0},
        {"ns", GCH_BAR_TICKS, 1},
        {"us", GCH_BAR_TICKS, 1000},
        {"ms", GCH_BAR_TICKS, 1000000},
        {"s", GCH_BAR_TICKS, 1000000000},
        {"m", GCH_BAR_TICKS, 60000000000},
        {"h", GCH_BAR_TICKS, 3600000000000},
        {"d", GCH_BAR_DAY, 0},
        {"w", GCH_BAR_WEEK, 0},
        {"mo", GCH_BAR_MONTH, 0},
        {"y", GCH_BAR_YEAR, 0},
    };
    int64_t count = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(count, 10, &count) ||
            __builtin_add_overflow(count, *at - '0', &count))
            return gch_fail(err, GCH_PARSE, "bar width \"%s\" is too large", text);
    size_t kind = 0;
    while (kind < GCH_COUNT_OF(suffixes) && strcmp(suffixes[kind].suffix, at) != 0)
        kind++;
    if (at == text || count == 0 || kind == GCH_COUNT_OF(suffixes))
        return gch_fail(
            err, GCH_PARSE,
            "bar width \"%s\": a number followed by ns, us, ms, s, m, h, d, w, mo, y or "
            "nothing (ticks), such as 15m",
            text);
    *out = (gch_bar_width){.unit = suffixes[kind].unit, .count = count};
    bool has_length = suffixes[kind].ns != 0 || suffixes[kind].unit != GCH_BAR_TICKS;
    if (has_length && unit == GCH_TIME_INDEX)
        return gch_fail(err, GCH_INVALID,
                        "bar width \"%s\": rows are numbered here, give a plain number", text);
    if (out->unit != GCH_BAR_TICKS && count > 100000)
        return gch_fail(err, GCH_PARSE, "bar width \"%s\" is too large", text);
    if (suffixes[kind].ns != 0) {
        int64_t tick_ns = 1000000000 / gch_time_unit_per_second(unit);
        __int128 length_ns = (__int128)count * suffixes[kind].ns;
        if (length_ns % tick_ns != 0)
            return gch_fail(err, GCH_LIMIT, "bar width \"%s\" is finer than the file's unit (%s)",
                            text, gch_time_unit_name(unit));
        if (length_ns / tick_ns > INT64_MAX)
            return gch_fail(err, GCH_PARSE, "bar width \"%s\" is too large", text);
        out->count = (int64_t)(length_ns / tick_ns);
    }
    return GCH_OK;
}
