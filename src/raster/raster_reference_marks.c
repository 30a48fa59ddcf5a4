/* The reference executor's bars: rows in order, one after the other, by docs/pixel-rule.md.
 *
 * The borders of bars are numbered, B(0) being where the numbers of their unit start; the bar of a
 * row is found by stepping from border to border. A bar is kept as the pixel rows of its first,
 * last, largest and smallest value: a row falls as a value rises, so that they need no comparison
 * of values.
 */
#include "raster_reference_state.h"

typedef __int128 i128;

static i128 floor_div(i128 a, i128 b)
{
    i128 quotient = a / b;
    return quotient * b > a ? quotient - 1 : quotient;
}

/* ---- borders ---- */

static int64_t day_of_month(i128 month)
{
    i128 year = floor_div(month, 12);
    return gch_days_from_civil((int64_t)year, (uint32_t)(month - year * 12) + 1, 1);
}

/* B(index), clamped to int64. */
static int64_t border(const gch__reference_series *series, int64_t index)
{
    i128 number = (i128)index * series->bar_width.count, ticks = number;
    int64_t day = 0;
    switch (series->bar_width.unit) {
    case GCH_BAR_TICKS:
        break;
    case GCH_BAR_DAY:
        day = (int64_t)number;
        break;
    case GCH_BAR_WEEK:
        day = (int64_t)number * 7 - 3; /* Monday, 29 December 1969 */
        break;
    case GCH_BAR_MONTH:
        day = day_of_month(number);
        break;
    case GCH_BAR_YEAR:
        day = day_of_month(number * 12);
        break;
    }
    if (series->bar_width.unit != GCH_BAR_TICKS)
        ticks = (i128)gch_time_zone_to_utc(series->zone, day * 86400) *
                gch_time_unit_per_second(series->unit);
    return ticks < INT64_MIN ? INT64_MIN : ticks > INT64_MAX ? INT64_MAX : (int64_t)ticks;
}

/* About the number of the bar that holds a time: at most a few off. */
static int64_t guess_index(const gch__reference_series *series, int64_t time)
{
    gch_bar_width width = series->bar_width;
    if (width.unit == GCH_BAR_TICKS)
        return (int64_t)floor_div(time, width.count);
    gch_civil civil = gch_civil_from_ticks(time, series->unit, series->zone, NULL);
    i128 number = civil.year;
    if (width.unit == GCH_BAR_MONTH)
        number = (i128)civil.year * 12 + civil.month - 1;
    else if (width.unit != GCH_BAR_YEAR)
        number = gch_days_from_civil(civil.year, civil.month, civil.day);
    if (width.unit == GCH_BAR_WEEK)
        number = floor_div(number + 3, 7);
    return (int64_t)floor_div(number, width.count);
}

static void find_bar(gch__reference *reference, int64_t time)
{
    gch__reference_bars *bars = &reference->bars;
    const gch__reference_series *series = &reference->series;
    int64_t index = guess_index(series, time);
    while (border(series, index) > time || border(series, index) == INT64_MAX)
        index--;
    while (border(series, index + 1) <= time && border(series, index + 1) < INT64_MAX)
        index++;
    bars->has_bar = true;
    bars->index = index;
    bars->t0 = border(series, index);
    bars->t1 = border(series, index + 1);
    bars->is_seen =
        bars->t0 < reference->view.t1 && (bars->t1 > reference->view.t0 || bars->t1 == INT64_MAX);
    bars->rows.is_open = false;
}

/* ---- drawing ---- */

static void include(gch__reference_rows *rows, int32_t top, int32_t bottom)
{
    rows->top = rows->is_open ? GCH_MIN(rows->top, top) : top;
    rows->bottom = rows->is_open ? GCH_MAX(rows->bottom, bottom) : bottom;
    rows->is_open = true;
}

static i128 column_of(const gch__reference *reference, int64_t time)
{
    return floor_div(((i128)time - reference->view.t0) * reference->width,
                     (i128)reference->duration);
}

/* A bar of more than one column. */
static void draw_wide(gch__reference *reference, i128 left, i128 count)
{
    const gch__reference_rows *rows = &reference->bars.rows;
    i128 gap = count >= 3 ? (count + 4) / 5 : 0;
    i128 first = left + gap / 2, last = left + count - 1 - (gap - gap / 2);
    i128 middle = first + (last - first) / 2;
    for (i128 c = GCH_MAX(first, (i128)0); c <= last && c < reference->width; c++) {
        int32_t from = rows->open, to = rows->close; /* CANDLES */
        if (reference->series.mark == GCH_MARK_BARS || c == middle) {
            from = rows->top;
            to = rows->bottom;
        } else if (reference->series.mark == GCH_MARK_OHLC) {
            from = to = c < middle ? rows->open : rows->close;
        }
        gch__reference_light(reference, (int32_t)c, from, to);
    }
}

static void end_bar(gch__reference *reference)
{
    gch__reference_bars *bars = &reference->bars;
    if (bars->has_bar && bars->rows.is_open) {
        i128 left = column_of(reference, bars->t0);
        i128 count = column_of(reference, bars->t1) - left;
        if (count > 1)
            draw_wide(reference, left, count);
        else if (left >= 0 && left < reference->width)
            include(&bars->columns[left], bars->rows.top, bars->rows.bottom);
    }
    bars->has_bar = false;
}

void gch__reference_add_mark(gch__reference *reference, gch__reference_point *p)
{
    gch__reference_bars *bars = &reference->bars;
    if (reference->series.mark == GCH_MARK_BARS && reference->series.bar_width.count == 0) {
        if (p->time < reference->view.t0 || p->time >= reference->view.t1)
            return;
        int32_t row = gch__reference_row(reference, p);
        gch__reference_light(reference, (int32_t)column_of(reference, p->time), row, row);
        return;
    }
    if (!bars->has_bar || (p->time >= bars->t1 && bars->t1 != INT64_MAX)) {
        end_bar(reference);
        find_bar(reference, p->time);
    }
    if (!bars->is_seen)
        return;
    p->row = gch__reference_row(reference, p);
    if (!bars->rows.is_open)
        bars->rows.open = p->row;
    include(&bars->rows, p->row, p->row);
    bars->rows.close = p->row;
}

void gch__reference_end_marks(gch__reference *reference)
{
    end_bar(reference);
    for (int32_t c = 0; c < reference->width; c++) {
        gch__reference_rows *rows = &reference->bars.columns[c];
        if (rows->is_open)
            gch__reference_light(reference, c, rows->top, rows->bottom);
        rows->is_open = false;
    }
}
