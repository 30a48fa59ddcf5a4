/* Random series and views for the exactness test. */
#include "exactness_cases.h"
#include "test.h"

#include <float.h>
#include <math.h>

typedef enum value_kind {
    VALUES_WALK_DECIMAL,
    VALUES_NOISE_I16,
    VALUES_CONSTANT,
    VALUES_HUGE,
    VALUES_DENORMAL,
    VALUES_WALK_F32,
    VALUES_BITS_F32,
    VALUES_WALK_F64,
    VALUES_BITS_F64,
    VALUES_BIG_INTEGERS,
    VALUES_SLOPES,
    VALUES_FEW_LEVELS,
    VALUES_SPIKES,
    VALUES_ODD_FLOATS,
    VALUES_MIXED_SCALES,
    VALUES_KIND_COUNT,
} value_kind;

static const char *const value_kind_names[VALUES_KIND_COUNT] = {
    [VALUES_WALK_DECIMAL] = "decimal walk",
    [VALUES_NOISE_I16] = "i16 noise",
    [VALUES_CONSTANT] = "constant",
    [VALUES_HUGE] = "+-1e300",
    [VALUES_DENORMAL] = "denormals",
    [VALUES_WALK_F32] = "f32 walk",
    [VALUES_BITS_F32] = "f32 bits",
    [VALUES_WALK_F64] = "f64 walk",
    [VALUES_BITS_F64] = "f64 bits",
    [VALUES_BIG_INTEGERS] = "integers beyond 2^53",
    [VALUES_SLOPES] = "integer slopes",
    [VALUES_FEW_LEVELS] = "few levels",
    [VALUES_SPIKES] = "spikes",
    [VALUES_ODD_FLOATS] = "odd floats",
    [VALUES_MIXED_SCALES] = "mixed scales",
};

typedef enum time_kind {
    TIMES_REGULAR,
    TIMES_TICKS, /* one a tick */
    TIMES_IRREGULAR,
    TIMES_BURSTS,
    TIMES_HOLES,
    TIMES_END, /* up to INT64_MAX */
    TIMES_START,
    TIMES_WHOLE, /* from INT64_MIN to INT64_MAX */
    TIMES_KIND_COUNT,
} time_kind;

static const char *const time_kind_names[TIMES_KIND_COUNT] = {
    [TIMES_REGULAR] = "regular",      [TIMES_TICKS] = "every tick",
    [TIMES_IRREGULAR] = "irregular",  [TIMES_BURSTS] = "bursts of equal times",
    [TIMES_HOLES] = "holes",          [TIMES_END] = "up to INT64_MAX",
    [TIMES_START] = "from INT64_MIN", [TIMES_WHOLE] = "all of int64",
};

typedef enum gap_kind {
    GAPS_NONE,
    GAPS_NONE_EITHER,
    GAPS_SCATTERED,
    GAPS_RUNS,
    GAPS_BLOCKS,
    GAPS_ALTERNATE,
    GAPS_ENDS,
    GAPS_ALMOST_ALL,
    GAPS_ALL,
    GAPS_KIND_COUNT,
} gap_kind;

static const char *const gap_kind_names[GAPS_KIND_COUNT] = {
    [GAPS_NONE] = "no",
    [GAPS_NONE_EITHER] = "no",
    [GAPS_SCATTERED] = "scattered",
    [GAPS_RUNS] = "runs of",
    [GAPS_BLOCKS] = "whole blocks of",
    [GAPS_ALTERNATE] = "alternate",
    [GAPS_ENDS] = "first and last",
    [GAPS_ALMOST_ALL] = "almost only",
    [GAPS_ALL] = "only",
};

typedef enum view_kind {
    VIEW_ALL,
    VIEW_PART,
    VIEW_BEFORE,
    VIEW_AFTER,
    VIEW_IN_SEGMENT,
    VIEW_BELOW_TICK,
    VIEW_WIDE,
    VIEW_ALIGNED, /* column edges on ticks, the first on a point */
    VIEW_LAST_TICK,
    VIEW_LIMITS,
    VIEW_EDGE_ON_POINT,
    VIEW_KIND_COUNT,
} view_kind;

static const char *const view_kind_names[VIEW_KIND_COUNT] = {
    [VIEW_ALL] = "all",
    [VIEW_PART] = "part",
    [VIEW_BEFORE] = "before the data",
    [VIEW_AFTER] = "after the data",
    [VIEW_IN_SEGMENT] = "inside a segment",
    [VIEW_BELOW_TICK] = "deeper than a tick",
    [VIEW_WIDE] = "wider than the data",
    [VIEW_ALIGNED] = "edges on ticks",
    [VIEW_LAST_TICK] = "the last tick",
    [VIEW_LIMITS] = "int64's limits",
    [VIEW_EDGE_ON_POINT] = "ends at points",
};

/* ---- random numbers ---- */

static uint64_t below(exactness_case *c, uint64_t bound)
{
    return test_random(&c->random) % bound;
}

static int64_t between(exactness_case *c, int64_t first, int64_t last)
{
    return first + (int64_t)below(c, (uint64_t)(last - first) + 1);
}

static double unit(exactness_case *c)
{
    return (double)(test_random(&c->random) >> 11) * 0x1p-53;
}

static bool one_in(exactness_case *c, uint64_t n)
{
    return below(c, n) == 0;
}

static int64_t clamp_i64(__int128 value)
{
    if (value < INT64_MIN)
        return INT64_MIN;
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static void *checked(void *memory)
{
    assert_non_null(memory);
    return memory;
}

/* ---- rows ---- */

static size_t choose_row_count(exactness_case *c)
{
    static const size_t borders[] = {255,  256,  257,  511,  512,   513,   1023,
                                     1024, 1025, 4095, 4096, 16385, 65537, 131072};
    if (c->number % 61 == 13) /* high trees, now and then */
        return 1000000 + below(c, 1500000);
    switch (below(c, 12)) {
    case 0:
        return 1;
    case 1:
        return 2;
    case 2:
    case 3:
        return 3 + below(c, 60);
    case 4:
    case 5:
        return borders[below(c, sizeof borders / sizeof borders[0])];
    case 6:
    case 7:
        return 10000 + below(c, 60000);
    default:
        return 64 + below(c, 6000);
    }
}

static void fill_times(exactness_case *c, time_kind kind)
{
    static const int64_t steps[] = {1, 2, 7, 10, 1000, 60000, 1000000007};
    size_t n = c->row_count;
    int64_t step = steps[below(c, sizeof steps / sizeof steps[0])];
    int64_t start = one_in(c, 4) ? 0 : between(c, -2000000000000, 2000000000000);
    if (kind == TIMES_TICKS)
        step = 1;
    if (kind == TIMES_WHOLE)
        step = (int64_t)(UINT64_MAX / n / 2);
    if (kind == TIMES_END)
        start = clamp_i64((__int128)INT64_MAX - (__int128)step * (__int128)n);
    if (kind == TIMES_START || kind == TIMES_WHOLE)
        start = INT64_MIN;
    __int128 time = start;
    for (size_t i = 0; i < n; i++) {
        c->times[i] = clamp_i64(time);
        switch (kind) {
        case TIMES_IRREGULAR:
            time += between(c, 0, 2 * step);
            break;
        case TIMES_BURSTS:
            time += one_in(c, 8) ? between(c, 0, 16 * step) : 0;
            break;
        case TIMES_HOLES:
            time += one_in(c, 50) ? step * between(c, 1, 5000) : step;
            break;
        case TIMES_WHOLE:
            time += (__int128)2 * (int64_t)below(c, (uint64_t)step + 1);
            break;
        default:
            time += step;
            break;
        }
    }
    if (kind == TIMES_END || kind == TIMES_WHOLE)
        c->times[n - 1] = INT64_MAX;
}

static double double_from_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float float_from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Decimals: *io_digits holds the walk's position. */
static int64_t next_digits(exactness_case *c, value_kind kind, size_t i, int64_t *io_digits)
{
    switch (kind) {
    case VALUES_WALK_DECIMAL:
    case VALUES_MIXED_SCALES:
        return *io_digits += between(c, -9, 9);
    case VALUES_NOISE_I16:
        return between(c, INT16_MIN, INT16_MAX);
    case VALUES_BIG_INTEGERS:
        *io_digits += between(c, -3, 3);
        return one_in(c, 100) ? (int64_t)test_random(&c->random) : *io_digits;
    case VALUES_SLOPES: {
        /* The line passes through whole values at whole ticks, as far as int64 goes. */
        if (i > 0) {
            __int128 duration = (__int128)c->times[i] - c->times[i - 1];
            __int128 next = *io_digits + duration * between(c, -2, 2);
            *io_digits = next > -1000000000 && next < 1000000000 ? (int64_t)next : 0;
        }
        return *io_digits;
    }
    case VALUES_FEW_LEVELS:
        return 25 * between(c, -4, 4);
    case VALUES_SPIKES:
        return one_in(c, 300) ? between(c, -1000000000, 1000000000) : between(c, -5, 5);
    default: /* CONSTANT */
        return *io_digits;
    }
}

static double next_double(exactness_case *c, value_kind kind, double *io_walk)
{
    static const double odd[] = {-0.0, 0.0, (double)INFINITY, -(double)INFINITY, 1.5, -2.25};
    switch (kind) {
    case VALUES_HUGE:
        return (unit(c) < 0.5 ? -1e300 : 1e300) * (one_in(c, 3) ? unit(c) : 1);
    case VALUES_DENORMAL:
        return double_from_bits(below(c, 200) | below(c, 2) << 63);
    case VALUES_BITS_F64: {
        double value = double_from_bits(test_random(&c->random));
        return isfinite(value) ? value : 0;
    }
    case VALUES_ODD_FLOATS:
        if (one_in(c, 20))
            return double_from_bits(0x7FF8000000000000u | below(c, 1000));
        return one_in(c, 4) ? odd[below(c, sizeof odd / sizeof odd[0])] : unit(c) * 4 - 2;
    default:
        return *io_walk += unit(c) - 0.5;
    }
}

static void fill_digits(exactness_case *c, value_kind kind)
{
    size_t n = c->row_count;
    int64_t digits = between(c, -100000, 100000);
    if (kind == VALUES_BIG_INTEGERS)
        digits = ((int64_t)1 << 60) + between(c, -1000, 1000);
    int8_t scale = (int8_t)(one_in(c, 3) ? 0 : between(c, 0, 6));
    c->type = GCH_TYPE_DECIMAL;
    if (kind == VALUES_NOISE_I16)
        c->type = GCH_TYPE_I16;
    if (kind == VALUES_BIG_INTEGERS || (kind == VALUES_SLOPES && one_in(c, 2)))
        c->type = GCH_TYPE_I64;
    c->values = checked(malloc(n * sizeof(int64_t)));
    c->scales = c->type == GCH_TYPE_DECIMAL ? checked(malloc(n)) : NULL;
    for (size_t i = 0; i < n; i++) {
        int64_t next = next_digits(c, kind, i, &digits);
        if (c->type == GCH_TYPE_I16) {
            ((int16_t *)c->values)[i] = (int16_t)next;
            c->approx[i] = (double)next;
            continue;
        }
        ((int64_t *)c->values)[i] = next;
        int8_t its_scale = scale;
        if (kind == VALUES_MIXED_SCALES) {
            /* Each part of the file has its own scales: -2 to 5. */
            size_t part = 0;
            while (part + 1 < c->part_count && i >= c->parts[part + 1].first)
                part++;
            its_scale = (int8_t)((int64_t)part * 2 - 2 + between(c, 0, 1));
        }
        if (c->scales != NULL)
            c->scales[i] = its_scale;
        else
            its_scale = 0;
        c->approx[i] = gch_decimal_to_double((gch_decimal){next, -its_scale});
    }
}

static void fill_floats(exactness_case *c, value_kind kind)
{
    size_t n = c->row_count;
    double walk = unit(c) * 100;
    bool is_f32 = kind == VALUES_WALK_F32 || kind == VALUES_BITS_F32;
    c->type = is_f32 ? GCH_TYPE_F32 : GCH_TYPE_F64;
    c->values = checked(malloc(n * sizeof(double)));
    for (size_t i = 0; i < n; i++) {
        if (is_f32) {
            float value = kind == VALUES_BITS_F32
                              ? float_from_bits((uint32_t)test_random(&c->random))
                              : (float)next_double(c, kind, &walk);
            if (kind == VALUES_BITS_F32 && !isfinite(value))
                value = 0;
            ((float *)c->values)[i] = value;
            c->approx[i] = (double)value;
        } else {
            double value = next_double(c, kind, &walk);
            ((double *)c->values)[i] = value;
            c->approx[i] = isfinite(value) ? value : (double)NAN;
        }
    }
}

static bool row_is_gap(exactness_case *c, gap_kind kind, size_t row, bool *io_in_run)
{
    switch (kind) {
    case GAPS_SCATTERED:
        return one_in(c, 60);
    case GAPS_RUNS:
        if (one_in(c, *io_in_run ? 40 : 200))
            *io_in_run = !*io_in_run;
        return *io_in_run;
    case GAPS_BLOCKS:
        return row / 256 % 3 == 1 || row / 1024 % 5 == 3;
    case GAPS_ALTERNATE:
        return row % 2 == 1;
    case GAPS_ENDS:
        return row == 0 || row + 1 == c->row_count;
    case GAPS_ALMOST_ALL:
        return !one_in(c, 100);
    case GAPS_ALL:
        return true;
    default:
        return false;
    }
}

static void fill_gaps(exactness_case *c, gap_kind kind)
{
    if (kind == GAPS_NONE || kind == GAPS_NONE_EITHER)
        return;
    bool is_nan = c->type == GCH_TYPE_F64 && one_in(c, 2);
    bool in_run = one_in(c, 2);
    if (!is_nan) {
        c->validity = checked(malloc((c->row_count + 7) / 8));
        memset(c->validity, 0xFF, (c->row_count + 7) / 8);
    }
    for (size_t i = 0; i < c->row_count; i++) {
        if (!row_is_gap(c, kind, i, &in_run))
            continue;
        c->approx[i] = (double)NAN;
        if (is_nan)
            ((double *)c->values)[i] = (double)NAN;
        else
            c->validity[i / 8] &= (uint8_t) ~(1u << (i % 8));
    }
}

/* Parts begin on whole bytes of the validity bitmap. */
static void choose_parts(exactness_case *c, value_kind kind)
{
    bool is_split = c->row_count >= 64 && (kind == VALUES_MIXED_SCALES || one_in(c, 8));
    c->part_count = is_split ? 2 + (uint32_t)below(c, EXACTNESS_PART_CAP - 1) : 1;
    size_t first = 0;
    for (uint32_t i = 0; i < c->part_count; i++) {
        size_t end = c->row_count * (i + 1) / c->part_count / 8 * 8;
        if (i + 1 == c->part_count)
            end = c->row_count;
        c->parts[i] = (exactness_part){.first = first, .count = end - first};
        first = end;
    }
}

void exactness_case_make(exactness_case *out, uint64_t number)
{
    *out = (exactness_case){.number = number, .random = number * 0x9E3779B97F4A7C15u + 1};
    exactness_case *c = out;
    value_kind values = (value_kind)(number % VALUES_KIND_COUNT);
    time_kind times = (time_kind)below(c, TIMES_KIND_COUNT);
    gap_kind gaps = (gap_kind)below(c, GAPS_KIND_COUNT);
    c->value_kind = value_kind_names[values];
    c->time_kind = time_kind_names[times];
    c->gap_kind = gap_kind_names[gaps];
    c->row_count = choose_row_count(c);
    c->times = checked(malloc(c->row_count * sizeof *c->times));
    c->approx = checked(malloc(c->row_count * sizeof *c->approx));
    choose_parts(c, values);
    fill_times(c, times);
    bool is_float =
        (values >= VALUES_HUGE && values <= VALUES_BITS_F64) || values == VALUES_ODD_FLOATS;
    if (is_float)
        fill_floats(c, values);
    else
        fill_digits(c, values);
    fill_gaps(c, gaps);
    for (size_t i = 0; i < c->row_count; i++) {
        if (isnan(c->approx[i]))
            continue;
        c->low = c->has_values ? fmin(c->low, c->approx[i]) : c->approx[i];
        c->high = c->has_values ? fmax(c->high, c->approx[i]) : c->approx[i];
        c->has_values = true;
    }
}

void exactness_case_free(exactness_case *c)
{
    free(c->times);
    free(c->values);
    free(c->scales);
    free(c->validity);
    free(c->approx);
}

/* ---- views ---- */

static void set_range(gch_view *view, __int128 t0, __int128 t1)
{
    view->t0 = clamp_i64(t0);
    view->t1 = clamp_i64(t1);
    if (view->t0 == INT64_MAX)
        view->t0--;
    if (view->t1 <= view->t0)
        view->t1 = view->t0 + 1;
}

static void choose_range(exactness_case *c, gch_view *view)
{
    __int128 first = c->times[0];
    __int128 last = c->times[c->row_count - 1];
    __int128 duration = last - first;
    size_t row = below(c, c->row_count);
    __int128 at = c->times[row];
    view_kind kind = (view_kind)((c->number / VALUES_KIND_COUNT + below(c, 2) * below(c, 100)) %
                                 VIEW_KIND_COUNT);
    c->view_kind = view_kind_names[kind];
    switch (kind) {
    case VIEW_PART: {
        __int128 length = (__int128)((double)duration * pow(unit(c), 4)) + 1;
        set_range(view, at - length / 2, at - length / 2 + length);
        break;
    }
    case VIEW_BEFORE:
        set_range(view, first - duration - 10, first - (__int128)below(c, 2));
        break;
    case VIEW_AFTER:
        set_range(view, last + (__int128)below(c, 2), last + duration + 10);
        break;
    case VIEW_IN_SEGMENT: {
        __int128 next = row + 1 < c->row_count ? c->times[row + 1] : at + 3;
        __int128 third = (next - at) / 3;
        set_range(view, at + third, next - third);
        break;
    }
    case VIEW_BELOW_TICK:
        set_range(view, at - (__int128)below(c, 3), at + 1 + (__int128)below(c, 5));
        break;
    case VIEW_WIDE:
        set_range(view, first - duration * 3 - 1, last + duration * 2 + 1);
        break;
    case VIEW_ALIGNED:
        set_range(view, at, at + (__int128)view->width_px * (__int128)(1 + below(c, 4)));
        break;
    case VIEW_LAST_TICK:
        set_range(view, last, last + 1);
        break;
    case VIEW_LIMITS:
        set_range(view, INT64_MIN, INT64_MAX);
        break;
    case VIEW_EDGE_ON_POINT:
        set_range(view, at, c->times[row + below(c, c->row_count - row)]);
        break;
    default:
        set_range(view, first, last + 1);
        break;
    }
}

static bool is_below(gch_decimal a, gch_decimal b)
{
    if (a.exp10 == b.exp10)
        return a.digits < b.digits;
    return gch_decimal_to_double(a) < gch_decimal_to_double(b);
}

/* Row edges on the decimals of the data: `top` is a number of whole digits above some value, and a
 * row is a whole number of digits high, or whole rows make one. */
static bool set_edges_on_values(exactness_case *c, gch_view *view)
{
    size_t row = below(c, c->row_count);
    if (c->type == GCH_TYPE_F32 || c->type == GCH_TYPE_F64 || isnan(c->approx[row]))
        return false;
    int64_t digits =
        c->type == GCH_TYPE_I16 ? ((int16_t *)c->values)[row] : ((int64_t *)c->values)[row];
    int32_t exp10 = c->scales != NULL ? -c->scales[row] : 0;
    int64_t height = view->height_px;
    double range = (c->high - c->low) / pow(10, exp10);
    int64_t per_row = 1;
    if (one_in(c, 2) && range / (double)height < 1e12)
        per_row = (int64_t)ceil(range / (double)height);
    per_row = per_row < 1 ? 1 : per_row;
    __int128 top = digits + (__int128)per_row * (__int128)below(c, (uint64_t)height);
    __int128 bottom = top - (__int128)per_row * height;
    if (one_in(c, 3) && height % 4 == 0)
        bottom = top - height / 4;
    const __int128 limit = 999999999999999999;
    if (top > limit || top < -limit || bottom > limit || bottom < -limit)
        return false;
    view->top = (gch_decimal){(int64_t)top, exp10};
    view->bottom = (gch_decimal){(int64_t)bottom, exp10};
    c->bounds_kind = "edges on values";
    return true;
}

static void choose_bounds(exactness_case *c, gch_view *view)
{
    double low = c->has_values ? c->low : 0;
    double high = c->has_values ? c->high : 1;
    double size = high / 2 - low / 2;
    uint64_t kind = below(c, 6);
    view->bottom = (gch_decimal){-179, 306};
    view->top = (gch_decimal){179, 306};
    c->bounds_kind = "everything";
    if (kind < 3 && set_edges_on_values(c, view))
        return;
    double bottom = low - size * 0.1;
    double top = high + size * 0.1;
    const char *name = "fitted";
    switch (kind) {
    case 0:
        bottom = low;
        top = high;
        name = "tight";
        break;
    case 1: {
        /* A thousandth of the range about some point. */
        double middle = c->approx[below(c, c->row_count)];
        if (isnan(middle))
            middle = low;
        bottom = middle - size * 0.0005;
        top = middle + size * 0.0004;
        name = "narrow";
        break;
    }
    case 2:
        bottom = high + size * 0.01;
        top = high + size;
        name = "above the data";
        break;
    case 3:
        bottom = low - size * 500;
        top = high + size * 300;
        name = "wide";
        break;
    default:
        break;
    }
    if (!isfinite(bottom) || !isfinite(top))
        return;
    gch_decimal exact_bottom = gch_decimal_from_double(bottom);
    gch_decimal exact_top = gch_decimal_from_double(top);
    if (!is_below(exact_bottom, exact_top)) { /* constant data */
        exact_bottom = gch_decimal_from_double(low - fabs(low) * 0.25 - 1);
        exact_top = gch_decimal_from_double(high + fabs(high) * 0.25 + 1);
        name = "constant";
    }
    if (!is_below(exact_bottom, exact_top))
        return;
    view->bottom = exact_bottom;
    view->top = exact_top;
    c->bounds_kind = name;
}

gch_view exactness_case_view(exactness_case *c, uint32_t width_px, uint32_t height_px)
{
    gch_view view = {.width_px = width_px, .height_px = height_px};
    choose_range(c, &view);
    choose_bounds(c, &view);
    return view;
}

/* ---- bars ---- */

static gch_bar_width choose_ticks(exactness_case *c, const gch_view *view)
{
    static const int64_t odd[] = {1, 2, 3, 7, 60, 1000, 3600, INT64_MAX / 7, INT64_MAX};
    uint64_t span = (uint64_t)view->t1 - (uint64_t)view->t0;
    uint64_t column = span / view->width_px;
    uint64_t count;
    switch (below(c, 4)) {
    case 0: /* whole columns, or nearly */
        count = (column + below(c, 2)) * (1 + below(c, 12));
        break;
    case 1:
        count = (uint64_t)odd[below(c, sizeof odd / sizeof odd[0])];
        break;
    default: /* from a 16th of a column to 8 views */
        count = (uint64_t)fmin((double)span / view->width_px * exp2(unit(c) * 17) / 16,
                               fmin((double)span * 8, 0x1p62));
        break;
    }
    count = count < 1 ? 1 : count > INT64_MAX ? INT64_MAX : count;
    return (gch_bar_width){.unit = GCH_BAR_TICKS, .count = (int64_t)count};
}

gch_bar_width exactness_case_bars(exactness_case *c, const gch_view *view, const char **out_zone)
{
    /* St. John's put its clocks back at a minute past midnight until 2011. */
    static const char *const zones[] = {"UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia",
                                        "Asia/Kolkata"};
    *out_zone = zones[below(c, sizeof zones / sizeof zones[0])];
    if (!one_in(c, 3))
        return choose_ticks(c, view);
    return (gch_bar_width){.unit = (gch_bar_unit)(GCH_BAR_DAY + below(c, 4)),
                           .count = 1 + (int64_t)(below(c, 3) * below(c, 6))};
}
