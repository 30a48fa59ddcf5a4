/* Value ticks, and the range that shows a series with some air.
 *
 * Invariants:
 *  1. A range is two 128-bit integers counted in one power of ten (`wide_range`); ticks, labels and
 *     fitted bounds are computed on these integers, so a label is the tick's very value.
 *  2. A wide range has |bottom|, |top| < 2 * 10^31 and top - bottom >= 10^8: steps down to a
 *     fraction of a pixel are whole numbers of units, and products with small factors fit.
 *  3. Digits are dropped only where the bounds are more than 31 decimal places apart, and then
 *     without losing a sign; a view cannot show that.
 */
#include "scene_ticks.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef __int128 wide;
typedef unsigned __int128 uwide;

#define PLACES_MAX 31
#define SPAN_PLACES 8
#define STEP_DECADES_MAX 10 /* bottom / top of a log axis still counts in a double's 1 - x */
#define DIGITS_MAX                                                                                 \
    INT64_C(1000000000000000000) /* a decimal's digits stay below: it can be read                  \
                                  */

/* ---- labels ---- */

gch__tick_text gch__tick_text_start(char *text, size_t cap)
{
    text[0] = '\0';
    return (gch__tick_text){.text = text, .cap = cap};
}

void gch__tick_text_add(gch__tick_text *label, const char *text)
{
    size_t count = GCH_MIN(strlen(text), label->cap - 1 - label->length);
    memcpy(label->text + label->length, text, count);
    label->length += count;
    label->text[label->length] = '\0';
}

void gch__tick_text_add_number(gch__tick_text *label, __int128 value, uint32_t decimals,
                               bool is_grouped)
{
    char buffer[128];
    size_t at = sizeof buffer - 1; /* written from the end */
    buffer[at] = '\0';
    uwide rest = value < 0 ? 0 - (uwide)value : (uwide)value;
    decimals = GCH_MIN(decimals, 60);
    for (uint32_t i = 0; i < decimals; i++, rest /= 10)
        buffer[--at] = (char)('0' + (int)(rest % 10));
    if (decimals > 0)
        buffer[--at] = '.';
    for (uint32_t i = 0; i == 0 || rest > 0; i++, rest /= 10) {
        if (is_grouped && i > 0 && i % 3 == 0)
            buffer[--at] = ',';
        buffer[--at] = (char)('0' + (int)(rest % 10));
    }
    if (value < 0)
        gch__tick_text_add(label, GCH__MINUS);
    gch__tick_text_add(label, buffer + at);
}

/* ---- wide ranges ---- */

typedef struct wide_range {
    wide bottom, top; /* in units of 10^exp10 */
    int32_t exp10;
} wide_range;

static wide absolute(wide value)
{
    return value < 0 ? -value : value;
}

/* places <= 38 */
static wide power_of_ten(int32_t places)
{
    wide power = 1;
    for (int32_t i = 0; i < places; i++)
        power *= 10;
    return power;
}

/* Decimal digits of a value >= 0; 0 has none. */
static int32_t count_places(wide value)
{
    int32_t count = 0;
    for (; value > 0; value /= 10)
        count++;
    return count;
}

static wide floor_div(wide value, wide divisor)
{
    return value / divisor - (value % divisor < 0);
}

static wide ceil_div(wide value, wide divisor)
{
    return value / divisor + (value % divisor > 0);
}

/* In units of 10^exp10, at most PLACES_MAX places; what lies below a unit counts as one. */
static wide scale_to(gch_decimal value, int32_t exp10)
{
    if (value.exp10 >= exp10)
        return value.digits == 0 ? 0 : value.digits * power_of_ten(value.exp10 - exp10);
    int32_t drop = exp10 - value.exp10;
    wide scaled = drop > 18 ? 0 : value.digits / power_of_ten(drop);
    if (scaled == 0)
        scaled = (value.digits > 0) - (value.digits < 0);
    return scaled;
}

static wide_range align(gch_decimal bottom, gch_decimal top)
{
    if (bottom.digits == 0)
        bottom.exp10 = top.exp10;
    if (top.digits == 0)
        top.exp10 = bottom.exp10;
    int32_t bottom_place = count_places(absolute(bottom.digits)) + bottom.exp10;
    int32_t top_place = count_places(absolute(top.digits)) + top.exp10;
    int32_t exp10 =
        GCH_MAX(GCH_MIN(bottom.exp10, top.exp10), GCH_MAX(bottom_place, top_place) - PLACES_MAX);
    return (wide_range){
        .bottom = scale_to(bottom, exp10), .top = scale_to(top, exp10), .exp10 = exp10};
}

/* Finer units until the span has SPAN_PLACES places (bottom < top). A span that is small against
 * the bounds has them both in one exponent, below 10^19: they stay within PLACES_MAX. */
static wide_range refine(wide_range range)
{
    int32_t missing = SPAN_PLACES + 1 - count_places(range.top - range.bottom);
    if (missing > 0) {
        range.bottom *= power_of_ten(missing);
        range.top *= power_of_ten(missing);
        range.exp10 -= missing;
    }
    return range;
}

/* ---- linear steps ---- */

/* How the labels of an axis are written: all alike. */
typedef struct number_style {
    bool is_grouped, is_scientific;
    int32_t exponent; /* scientific: of every label */
    uint32_t decimals;
} number_style;

/* The style for multiples of 10^exp10 up to `largest` of them. */
static number_style choose_style(wide largest, int32_t exp10)
{
    if (largest == 0)
        return (number_style){0};
    int32_t place = count_places(largest) - 1 + exp10; /* of the leading digit */
    uint32_t decimals = exp10 < 0 ? (uint32_t)-exp10 : 0;
    char exponent[16];
    int32_t plain = GCH_MAX(place, 0) + 1 + (place >= 4 ? place / 3 : 0) +
                    (int32_t)(decimals > 0 ? decimals + 1 : 0);
    int32_t mantissa_decimals = place - exp10;
    int32_t scientific = 1 + (mantissa_decimals > 0 ? mantissa_decimals + 1 : 0) + 1 +
                         snprintf(exponent, sizeof exponent, "%d", (int)place);
    /* A large offset under a small step needs its digits either way, and they read best in full. */
    bool is_offset = mantissa_decimals > 6 && plain <= 24;
    if ((place >= 8 || place <= -6) && scientific + 2 <= plain && !is_offset)
        return (number_style){.is_scientific = true,
                              .exponent = place,
                              .decimals = (uint32_t)GCH_MAX(mantissa_decimals, 0)};
    return (number_style){.is_grouped = place >= 4, .decimals = decimals};
}

static void add_exponent(gch__tick_text *label, int32_t exponent)
{
    gch__tick_text_add(label, "e");
    gch__tick_text_add_number(label, exponent, 0, false);
}

/* value * 10^exp10 */
static void write_label(gch__tick *tick, wide value, int32_t exp10, number_style style)
{
    gch__tick_text label = gch__tick_text_start(tick->label, sizeof tick->label);
    if (style.is_scientific && value == 0) {
        gch__tick_text_add(&label, "0");
        return;
    }
    if (!style.is_scientific && exp10 > 0)
        value *= power_of_ten(exp10); /* short, or the style would be scientific */
    gch__tick_text_add_number(&label, value, style.decimals, style.is_grouped);
    if (style.is_scientific)
        add_exponent(&label, style.exponent);
}

typedef struct step {
    wide size;     /* units of the range */
    wide factor;   /* 1, 2 or 5 */
    int32_t exp10; /* size = factor * 10^exp10 */
} step;

static const int step_factors[] = {1, 2, 5};

/* The smallest 1-2-5 step of at least `units`. */
static step choose_step(double units)
{
    wide power = 1;
    for (int32_t exp10 = 0;; exp10++, power *= 10)
        for (size_t i = 0; i < GCH_COUNT_OF(step_factors); i++)
            /* The slack keeps a gap of exactly one step from being lost to rounding. */
            if ((double)(power * step_factors[i]) >= units * (1 - 1e-9) || exp10 == PLACES_MAX + 1)
                return (step){
                    .size = power * step_factors[i], .factor = step_factors[i], .exp10 = exp10};
}

/* Pixels from the top edge to a value, in units of the range. */
static double position_of(const wide_range *range, gch_value_axis axis, double height, wide value)
{
    double below_top = (double)(range->top - value), span = (double)(range->top - range->bottom);
    if (axis == GCH_AXIS_LINEAR)
        return below_top / span * height;
    double top = (double)range->top;
    return log1p(-below_top / top) / log1p(-span / top) * height;
}

/* Ticks at multiples of one step. On a log axis neighbours are closest at the top. */
static uint32_t step_ticks(const wide_range *range, gch_value_axis axis, double height, double gap,
                           gch__tick *out, uint32_t cap)
{
    double span = (double)(range->top - range->bottom);
    double units_per_px = span / height;
    if (axis == GCH_AXIS_LOG) {
        double top = (double)range->top;
        units_per_px = -log1p(-span / top) * top / height;
    }
    step s = choose_step(GCH_MAX(units_per_px * gap, span / cap));
    wide first = ceil_div(range->bottom, s.size), last = floor_div(range->top, s.size);
    while (last - first >= cap) {
        s = choose_step((double)s.size * 1.5);
        first = ceil_div(range->bottom, s.size);
        last = floor_div(range->top, s.size);
    }
    /* A low plot may lie between two multiples: then a smaller step shows what is there. */
    while (first > last && s.size > 1) {
        s = choose_step((double)s.size / 2.6);
        first = ceil_div(range->bottom, s.size);
        last = floor_div(range->top, s.size);
    }
    int32_t exp10 = range->exp10 + s.exp10;
    wide largest = GCH_MAX(absolute(first), absolute(last)) * s.factor;
    number_style style = choose_style(largest, exp10);
    uint32_t count = 0;
    for (wide m = first; m <= last && count < cap; m++) {
        double position = position_of(range, axis, height, m * s.size);
        if (count > 0 && out[count - 1].position - position < gap * (1 - 1e-6))
            continue;
        out[count] = (gch__tick){.position = position, .is_major = true};
        write_label(&out[count++], m * s.factor, exp10, style);
    }
    return count;
}

/* ---- log axes ---- */

static double log10_of(gch_decimal value)
{
    return log10((double)value.digits) + value.exp10;
}

static int32_t floor_mod(int32_t value, int32_t divisor)
{
    int32_t rest = value % divisor;
    return rest < 0 ? rest + divisor : rest;
}

/* digit * 10^exponent */
static void write_log_label(gch__tick *tick, int32_t digit, int32_t exponent, bool is_scientific,
                            bool is_grouped)
{
    gch__tick_text label = gch__tick_text_start(tick->label, sizeof tick->label);
    if (is_scientific) {
        gch__tick_text_add_number(&label, digit, 0, false);
        add_exponent(&label, exponent);
    } else if (exponent < 0) {
        gch__tick_text_add_number(&label, digit, (uint32_t)-exponent, false);
    } else {
        gch__tick_text_add_number(&label, digit * power_of_ten(exponent), 0, is_grouped);
    }
}

static bool is_labelled(int32_t digit, int32_t exponent, int32_t decades, bool with_2_and_5)
{
    if (digit == 1)
        return floor_mod(exponent, decades) == 0;
    return with_2_and_5 && (digit == 2 || digit == 5);
}

/* Ticks at d * 10^k; returns the labelled ones in *out_labelled. */
static uint32_t decade_ticks(double bottom, double top, double height, double gap, gch__tick *out,
                             uint32_t cap, uint32_t *out_labelled)
{
    static const int32_t strides[] = {1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000};
    const double px_per_decade = height / (top - bottom);
    int32_t decades = 1;
    for (size_t i = 0; i < GCH_COUNT_OF(strides); i++) {
        decades = strides[i];
        if (px_per_decade * decades >= gap)
            break;
    }
    bool with_2_and_5 = px_per_decade * log10(2) >= gap;
    int32_t first = (int32_t)floor(bottom), last = (int32_t)floor(top + 1e-9);
    bool is_scientific = last > 6 || first < -6;
    bool is_grouped = last >= 4;

    /* Minor ticks: 2 to 9, or the decades between labelled ones, if there is room to tell them. */
    const double minor_px = GCH_MAX(3.0, gap / 12);
    bool with_digits = px_per_decade * log10(10.0 / 9) >= minor_px;
    bool with_decades = px_per_decade >= minor_px;
    int64_t possible = last - first + 1;
    with_digits = with_digits && 9 * possible <= cap;
    with_decades = with_decades && possible <= cap;

    uint32_t count = 0;
    *out_labelled = 0;
    for (int32_t exponent = first; exponent <= last; exponent++) {
        for (int32_t digit = 1; digit <= 9; digit++) {
            bool is_major = is_labelled(digit, exponent, decades, with_2_and_5);
            if (!is_major && !(digit == 1 ? with_decades : with_digits))
                continue;
            double at = exponent + log10(digit);
            /* A bound that is itself a tick shows it, whatever the last bit of its logarithm. */
            if (at < bottom - 1e-9 || at > top + 1e-9 || count == cap)
                continue;
            double position = (top - at) * px_per_decade;
            out[count] = (gch__tick){.position = GCH_MIN(GCH_MAX(position, 0), height),
                                     .is_major = is_major};
            if (is_major) {
                write_log_label(&out[count], digit, exponent, is_scientific, is_grouped);
                ++*out_labelled;
            }
            count++;
        }
    }
    return count;
}

uint32_t gch__value_ticks(gch_decimal bottom, gch_decimal top, gch_value_axis axis, float height_px,
                          float label_gap_px, gch__tick *out, uint32_t cap)
{
    if (cap == 0 || !(height_px >= 1) || !isfinite(height_px))
        return 0;
    double height = GCH_MIN((double)height_px, 100000.0);
    double gap = GCH_MAX((double)label_gap_px, 4.0);
    wide_range range = align(bottom, top);
    if (range.top <= range.bottom || (axis == GCH_AXIS_LOG && range.bottom <= 0))
        return 0;
    range = refine(range);
    if (axis == GCH_AXIS_LOG) {
        /* Within a decade or two 1, 2, 5 may be too few, and steps do better. */
        uint32_t labelled = 0;
        double low = log10_of(bottom), high = log10_of(top);
        if (high - low >= 1) {
            uint32_t count = decade_ticks(low, high, height, gap, out, cap, &labelled);
            if (labelled >= 2 || high - low >= STEP_DECADES_MAX)
                return count;
        }
    }
    return step_ticks(&range, axis, height, gap, out, cap);
}

/* ---- fitting ---- */

static gch_decimal decimal_of(gch_value value)
{
    if (value.kind == GCH_VALUE_DECIMAL)
        return (gch_decimal){.digits = value.as.digits, .exp10 = -(int32_t)value.scale};
    return gch_decimal_from_double(gch_value_to_double(value));
}

/* A bound of few digits. Beyond the doubles it becomes the last of them: executors take bounds as
 * doubles, too. */
static gch_decimal to_bound(wide value, int32_t exp10, bool is_top)
{
    while (absolute(value) >= DIGITS_MAX) {
        value = is_top ? ceil_div(value, 10) : floor_div(value, 10);
        exp10++;
    }
    while (value != 0 && value % 10 == 0) {
        value /= 10;
        exp10++;
    }
    gch_decimal bound = {.digits = (int64_t)value, .exp10 = value == 0 ? 0 : exp10};
    double size = gch_decimal_to_double(bound);
    return isinf(size) ? gch_decimal_from_double(size < 0 ? -DBL_MAX : DBL_MAX) : bound;
}

static void fit_linear(gch_decimal min, gch_decimal max, bool is_zero_based,
                       gch_decimal *out_bottom, gch_decimal *out_top)
{
    wide_range range = align(min, max);
    if (range.top == range.bottom && !(is_zero_based && range.top != 0)) {
        if (range.top == 0) {
            *out_bottom = (gch_decimal){.digits = is_zero_based ? 0 : -1};
            *out_top = (gch_decimal){.digits = 1};
            return;
        }
        /* A constant: a twentieth of it up and down. */
        wide twentieth = absolute(range.top) * 5;
        range.bottom = range.bottom * 100 - twentieth;
        range.top = range.top * 100 + twentieth;
        range.exp10 -= 2;
    }
    if (is_zero_based) {
        range.bottom = GCH_MIN(range.bottom, 0);
        range.top = GCH_MAX(range.top, 0);
    }
    range = refine(range);
    wide span = range.top - range.bottom;
    wide pad = span / 1000 * 43;
    /* To the third digit of the span at least: the air becomes 4.3 to 5.3 %. */
    int32_t drop = count_places(span) - 3;
    wide unit = power_of_ten(drop);
    bool keep_bottom = is_zero_based && range.bottom == 0;
    bool keep_top = is_zero_based && range.top == 0;
    wide bottom = keep_bottom ? 0 : floor_div(range.bottom - pad, unit);
    wide top = keep_top ? 0 : ceil_div(range.top + pad, unit);
    *out_bottom = to_bound(bottom, range.exp10 + drop, false);
    *out_top = to_bound(top, range.exp10 + drop, true);
}

/* 10^at, rounded outward to three digits. */
static gch_decimal log_bound(double at, bool is_top)
{
    double exponent = floor(at);
    double mantissa = pow(10, at - exponent + 2);
    return to_bound((wide)(is_top ? ceil(mantissa) : floor(mantissa)), (int32_t)exponent - 2,
                    is_top);
}

void gch__fit_range(gch_value min, gch_value max, gch_value_axis axis, bool is_zero_based,
                    gch_decimal *out_bottom, gch_decimal *out_top)
{
    bool is_log = axis == GCH_AXIS_LOG;
    *out_bottom = (gch_decimal){.digits = is_log ? 1 : 0};
    *out_top = (gch_decimal){.digits = is_log ? 10 : 1};
    if (!gch_value_is_drawn(min) || !gch_value_is_drawn(max))
        return;
    gch_decimal low = decimal_of(min), high = decimal_of(max);
    if (!is_log) {
        fit_linear(low, high, is_zero_based, out_bottom, out_top);
        return;
    }
    if (high.digits <= 0)
        return;
    if (low.digits <= 0) { /* how small the positive values get is not known: three decades */
        low = high;
        low.exp10 -= 3;
    }
    double low_log = log10_of(low), high_log = log10_of(high);
    if (high_log - low_log < 0.3) { /* straight enough, and exact however small the span is */
        fit_linear(low, high, false, out_bottom, out_top);
        return;
    }
    double pad = (high_log - low_log) * 0.045;
    /* Not below the smallest double: an executor would see 0 there, which has no logarithm. */
    *out_bottom = log_bound(GCH_MAX(low_log - pad, -323.0), false);
    *out_top = log_bound(high_log + pad, true);
}
