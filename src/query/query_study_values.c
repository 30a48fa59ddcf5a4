/* Moving averages, channels and spreads of a list of bars.
 *
 * Invariants:
 *  1. A value depends on its window's bars and, for EMA, on its chunk's start only; not on where
 *     the list begins. So windows of decimals slide as integer sums, which forget exactly, and
 *     windows of floats are added up anew.
 *  2. Decimals are rounded once, when their integer sum becomes a double; 10^scale * length is
 *     exact in a double.
 */
#include "query_study.h"

#include <assert.h>
#include <math.h>

#define SCALE_COUNT 19u
/* Sums of up to 1000 digits at scales no farther apart than this stay below 2^127. */
#define SCALE_SPREAD_MAX 16u

static_assert(GCH_STUDY_LENGTH_MAX <= 1000, "10^18 * length is exact in a double");

/* The decimals of a window by scale, and how many are floats. */
typedef struct window {
    __int128 sums[SCALE_COUNT];
    uint32_t counts[SCALE_COUNT];
    uint32_t float_count;
} window;

static void window_add(window *w, gch_value value, int sign)
{
    if (value.kind != GCH_VALUE_DECIMAL) {
        w->float_count += (uint32_t)sign;
        return;
    }
    w->sums[value.scale] += (__int128)value.as.digits * sign;
    w->counts[value.scale] += (uint32_t)sign;
}

/* Neumaier: "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen", 1974. `unit`
 * is a power of two. */
static double mean_of_doubles(const gch__study_bar *bars, uint32_t length, double unit)
{
    double sum = 0, lost = 0;
    for (uint32_t i = 0; i < length; i++) {
        double value = gch_value_to_double(bars[i].close) * unit;
        double next = sum + value;
        lost += fabs(sum) >= fabs(value) ? sum - next + value : value - next + sum;
        sum = next;
    }
    return (sum + lost) / length / unit;
}

/* The mean of a window's `length` closes; bars[0] is the oldest. */
static double window_mean(const window *w, const gch__study_bar *bars, uint32_t length)
{
    uint32_t least = 0, most = SCALE_COUNT - 1;
    while (least < most && w->counts[least] == 0)
        least++;
    while (most > least && w->counts[most] == 0)
        most--;
    if (w->float_count > 0 || most - least > SCALE_SPREAD_MAX) {
        double mean = mean_of_doubles(bars, length, 1);
        /* Doubles near the largest have a mean, but no sum. */
        return isfinite(mean) ? mean : mean_of_doubles(bars, length, 0x1p-10);
    }
    __int128 sum = 0;
    for (uint32_t scale = least; scale <= most; scale++)
        sum += w->sums[scale] * gch__pow10_i64[most - scale];
    return (double)sum / (gch__pow10_f64[most] * length);
}

static gch_study_point point_of(const gch__study_bar *bar, double low, double high)
{
    return (gch_study_point){.t0 = bar->t0, .t1 = bar->t1, .low = low, .high = high};
}

uint32_t gch__study_sma(const gch__study_bar *bars, uint32_t count, uint32_t length, uint32_t from,
                        gch_study_point *out)
{
    window w = {0};
    uint32_t used = 0, start = from > length - 1 ? from - (length - 1) : 0;
    for (uint32_t i = start; i < count; i++) {
        window_add(&w, bars[i].close, 1);
        if (i - start + 1 < length)
            continue;
        const gch__study_bar *oldest = &bars[i - (length - 1)];
        double mean = window_mean(&w, oldest, length);
        if (i >= from)
            out[used++] = point_of(&bars[i], mean, mean);
        window_add(&w, oldest->close, -1);
    }
    return used;
}

/* The mean of the first `length` closes. */
static double seed_of(const gch__study_bar *bars, uint32_t length)
{
    window w = {0};
    for (uint32_t i = 0; i < length; i++)
        window_add(&w, bars[i].close, 1);
    return window_mean(&w, bars, length);
}

uint32_t gch__ema_chunk_of(const gch__study_bar *bars, uint32_t from)
{
    while (from > 0 && !bars[from].starts_chunk)
        from--;
    return from;
}

bool gch__ema_next_chunk(const gch__study_bar *bars, uint32_t count, uint32_t length,
                         uint32_t chunk, gch__ema_chunk *out)
{
    const uint32_t warm = GCH__EMA_WARM_LENGTHS * length;
    if (chunk >= count)
        return false;
    uint32_t end = chunk + 1;
    while (end < count && !bars[end].starts_chunk)
        end++;
    *out = (gch__ema_chunk){chunk > warm ? chunk - warm : 0, chunk, end};
    return true;
}

uint32_t gch__study_ema(const gch__study_bar *bars, uint32_t count, uint32_t length, uint32_t from,
                        gch_study_point *out)
{
    const double weight = 2 / (length + 1.0), keep = (length - 1.0) / (length + 1.0);
    uint32_t used = 0, next = from < count ? gch__ema_chunk_of(bars, from) : count;
    for (gch__ema_chunk c; gch__ema_next_chunk(bars, count, length, next, &c); next = c.end) {
        if (c.end - c.start < length)
            continue;
        double value = seed_of(bars + c.start, length);
        for (uint32_t i = c.start + length - 1;;) {
            if (i >= c.chunk && i >= from)
                out[used++] = point_of(&bars[i], value, value);
            if (++i == c.end)
                break;
            value = keep * value + weight * gch_value_to_double(bars[i].close);
        }
    }
    return used;
}

/* Extremes of sliding windows by those of whole stretches of `length` bars: a window is the end of
 * one and the beginning of the next (van Herk: "A fast algorithm for local minimum and maximum
 * filters on rectangular and octagonal kernels", 1992). */
uint32_t gch__study_range(gch__study_bar *bars, uint32_t count, uint32_t length, uint32_t from,
                          gch_study_point *out)
{
    for (uint32_t i = count; i-- > 0;) {
        bool is_last = i + 1 == count || (i + 1) % length == 0;
        bars[i].tail_low = is_last ? bars[i].low : fmin(bars[i].low, bars[i + 1].tail_low);
        bars[i].tail_high = is_last ? bars[i].high : fmax(bars[i].high, bars[i + 1].tail_high);
    }
    uint32_t used = 0;
    double low = INFINITY, high = -INFINITY;
    for (uint32_t i = 0; i < count; i++) {
        bool is_first = i % length == 0;
        low = is_first ? bars[i].low : fmin(low, bars[i].low);
        high = is_first ? bars[i].high : fmax(high, bars[i].high);
        if (i < from || i + 1 < length)
            continue;
        const gch__study_bar *oldest = &bars[i - (length - 1)];
        out[used++] =
            point_of(&bars[i], fmin(low, oldest->tail_low), fmax(high, oldest->tail_high));
    }
    return used;
}

static double difference(gch_value a, gch_value b)
{
    if (a.kind != GCH_VALUE_DECIMAL || b.kind != GCH_VALUE_DECIMAL)
        return gch_value_to_double(a) - gch_value_to_double(b);
    uint32_t scale = GCH_MAX(a.scale, b.scale);
    __int128 digits = (__int128)a.as.digits * gch__pow10_i64[scale - a.scale] -
                      (__int128)b.as.digits * gch__pow10_i64[scale - b.scale];
    return (double)digits / gch__pow10_f64[scale];
}

uint32_t gch__study_spread(const gch__study_bar *bars, uint32_t count, uint32_t from,
                           gch_study_point *out)
{
    uint32_t used = 0;
    for (uint32_t i = from; i < count; i++) {
        double value = difference(bars[i].close, bars[i].other);
        out[used++] = point_of(&bars[i], value, value);
    }
    return used;
}
