/* Row edges, rows of keys, and crossings: double arithmetic where its error bound decides, exact
 * integers where it does not.
 *
 * Invariants:
 *  1. thresholds[unbounded_count ..] descend (weakly): row(key) = max{r : key < thresholds[r]}.
 *  2. Every decision on a linear axis is either an integer comparison, a double comparison whose
 * two sides differ by more than the bound on their errors, or gch__exact_compare_edge.
 */
#include "query_scale.h"

#include <math.h>

#define Y_LIMIT 1e6f
#define GUESS_KEYS (uint64_t)64

static double double_of_key(const gch__key_map *map, uint64_t key)
{
    switch (map->kind) {
    case GCH_VALUE_DECIMAL:
        return (double)(int64_t)(map->base + key) / gch__pow10_f64[map->scale];
    case GCH_VALUE_F32:
        return (double)gch__f32_from_key((uint32_t)(map->base + key));
    default:
        return gch__f64_from_key(map->base + key);
    }
}

float gch__clamp_y(double y)
{
    return y > (double)Y_LIMIT ? Y_LIMIT : y < (double)-Y_LIMIT ? -Y_LIMIT : (float)y;
}

static double y_of_double(const gch__row_scale *scale, double value)
{
    if (scale->axis == GCH_AXIS_LOG)
        return value > 0 ? (scale->y_top - log(value)) * scale->px_per_value : (double)Y_LIMIT;
    if (scale->is_extreme)
        return (scale->y_top / 2 - value / 2) / scale->half_span * scale->height_px;
    return (scale->y_top - value) * scale->px_per_value;
}

double gch__y_of_key(const gch__row_scale *scale, uint64_t key)
{
    return y_of_double(scale, double_of_key(&scale->map, key));
}

/* Y(row) on a log axis, and an estimate of it on a linear one. */
static double edge_value(const gch__row_scale *scale, uint32_t row)
{
    double value = scale->y_top - (double)row / scale->px_per_value;
    return scale->axis == GCH_AXIS_LOG ? exp(value) : value;
}

/* Is the key's value above Y(row)? */
static bool is_above_edge(const gch__row_scale *scale, uint64_t key, uint32_t row)
{
    double value = double_of_key(&scale->map, key), edge = edge_value(scale, row);
    if (scale->axis == GCH_AXIS_LOG)
        return value > edge;
    /* value carries 2 roundings (int64 to double, division); edge carries those of top, bottom,
     * their difference, a product, a quotient and a sum, each relative to `magnitude` or less:
     * under 16 in all. 1e-320 keeps the bound above denormal steps. */
    double bound = 16 * 0x1p-53 * fmax(scale->magnitude, fabs(value)) + 1e-320;
    if (!scale->is_extreme && value - edge > bound)
        return true;
    if (!scale->is_extreme && edge - value > bound)
        return false;
    gch__exact exact = gch__exact_from_key(&scale->map, key);
    gch__exact_line number = {.a = exact, .b = exact, .part = 0, .whole = 1};
    return gch__exact_compare_edge(&number, row, scale->height_px,
                                   gch__exact_from_decimal(scale->top),
                                   gch__exact_from_decimal(scale->bottom)) > 0;
}

/* The smallest key above Y(row) in (low, high], given that `low` is not above and `high` is (either
 * may be a bound that is known without asking). Bisection over keys: values ascend with keys. */
static uint64_t bisect_threshold(const gch__row_scale *scale, uint32_t row, uint64_t low,
                                 uint64_t high)
{
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (is_above_edge(scale, middle, row))
            high = middle;
        else
            low = middle;
    }
    return high;
}

/* Keys that stand for drawn values: outside them a float key would be a NaN or an infinity, a
 * decimal key would leave int64. */
static void drawn_key_bounds(const gch__key_map *map, uint64_t *out_first, uint64_t *out_last)
{
    uint64_t first = 0, last = UINT64_MAX;
    switch (map->kind) {
    case GCH_VALUE_DECIMAL:
        /* base + key as int64 must not pass INT64_MAX. */
        last = (uint64_t)INT64_MAX - map->base;
        break;
    case GCH_VALUE_F32:
        first = (uint64_t)gch__key_from_f32(-0x1.fffffep127f);
        last = (uint64_t)gch__key_from_f32(0x1.fffffep127f);
        break;
    default:
        first = gch__key_from_f64(-0x1.fffffffffffffp1023);
        last = gch__key_from_f64(0x1.fffffffffffffp1023);
        break;
    }
    if (map->kind != GCH_VALUE_DECIMAL) {
        first = first > map->base ? first - map->base : 0;
        last = last > map->base ? last - map->base : 0;
    }
    *out_first = first;
    *out_last = last;
}

/* Thresholds by 128-bit division: Y(r) * 10^scale = N(r) / (height * 10^shift), all exact. Returns
 * false if the numbers are too large for that. */
static bool decimal_thresholds(gch__row_scale *scale)
{
    int32_t exponent =
        GCH_MIN(GCH_MIN(scale->top.exp10, scale->bottom.exp10), -(int32_t)scale->map.scale);
    int32_t shift = -(int32_t)scale->map.scale - exponent; /* >= 0 */
    int32_t top_shift = scale->top.exp10 - exponent, bottom_shift = scale->bottom.exp10 - exponent;
    if (shift > 18 || (scale->top.digits != 0 && top_shift > 18) ||
        (scale->bottom.digits != 0 && bottom_shift > 18))
        return false;
    __int128 top = scale->top.digits, bottom = scale->bottom.digits;
    if (top != 0)
        top *= gch__pow10_i64[top_shift];
    if (bottom != 0)
        bottom *= gch__pow10_i64[bottom_shift];
    const __int128 limit = (__int128)1 << 110; /* times height < 2^15 and a sum stays below 2^126 */
    if (top >= limit || top <= -limit || bottom >= limit || bottom <= -limit)
        return false;
    __int128 divisor = (__int128)scale->height_px * gch__pow10_i64[shift];
    int64_t base = (int64_t)scale->map.base;
    uint64_t first_key, last_key;
    drawn_key_bounds(&scale->map, &first_key, &last_key);
    for (uint32_t r = 0; r <= scale->height_px; r++) {
        __int128 numerator = top * (scale->height_px - r) + bottom * r;
        __int128 digits = numerator / divisor;
        if (numerator % divisor < 0)
            digits--; /* floor */
        __int128 key = digits + 1 - base;
        if (key <= 0) {
            scale->thresholds[r] = 0;
        } else if (key > last_key) {
            scale->thresholds[r] = UINT64_MAX;
            scale->unbounded_count = r + 1;
        } else {
            scale->thresholds[r] = (uint64_t)key;
        }
    }
    return true;
}

/* The key whose value is about `value`; any key will do. */
static uint64_t key_near(const gch__key_map *map, double value)
{
    uint64_t first, last, key = 0;
    drawn_key_bounds(map, &first, &last);
    if (map->kind == GCH_VALUE_F64)
        key = gch__key_from_f64(value);
    else if (map->kind == GCH_VALUE_F32)
        key = gch__key_from_f32((float)value);
    key = key > map->base ? key - map->base : 0;
    return key < first ? first : key > last ? last : key;
}

static void general_thresholds(gch__row_scale *scale)
{
    uint64_t first, last;
    drawn_key_bounds(&scale->map, &first, &last);
    uint64_t above = last; /* the threshold of the row before: thresholds descend */
    for (uint32_t r = 0; r <= scale->height_px; r++) {
        if (r == scale->unbounded_count && !is_above_edge(scale, last, r)) {
            scale->thresholds[r] = UINT64_MAX;
            scale->unbounded_count = r + 1;
        } else if (is_above_edge(scale, first, r)) {
            scale->thresholds[r] = 0;
        } else {
            /* Most often the answer is within a few keys of the double nearest to the edge. */
            uint64_t low = first, guess = key_near(&scale->map, edge_value(scale, r));
            uint64_t near = GCH_MAX(guess, first + GUESS_KEYS) - GUESS_KEYS;
            if (near < above && !is_above_edge(scale, near, r))
                low = near;
            if (guess < above - GCH_MIN(above, GUESS_KEYS) &&
                is_above_edge(scale, guess + GUESS_KEYS, r))
                above = guess + GUESS_KEYS;
            above = bisect_threshold(scale, r, low, above);
            scale->thresholds[r] = above;
        }
    }
}

static bool is_same_map(const gch__key_map *a, const gch__key_map *b)
{
    return a->kind == b->kind && a->scale == b->scale && a->base == b->base &&
           a->is_wide == b->is_wide;
}

static bool is_same_decimal(gch_decimal a, gch_decimal b)
{
    return a.digits == b.digits && a.exp10 == b.exp10;
}

gch_status gch__row_scale_set(gch__row_scale *scale, const gch__key_map *map, const gch_view *view,
                              const gch_allocator *allocator, gch_error *err)
{
    if (scale->thresholds != NULL && is_same_map(&scale->map, map) && scale->axis == view->axis &&
        scale->height_px == view->height_px && is_same_decimal(scale->bottom, view->bottom) &&
        is_same_decimal(scale->top, view->top))
        return GCH_OK;
    void *thresholds = scale->thresholds;
    gch_status status =
        gch__ensure(allocator, &thresholds, &scale->threshold_cap, (size_t)view->height_px + 1,
                    sizeof *scale->thresholds, "row edges", err);
    scale->thresholds = thresholds;
    GCH_TRY(status);

    scale->map = *map;
    scale->axis = view->axis;
    scale->height_px = view->height_px;
    scale->bottom = view->bottom;
    scale->top = view->top;
    scale->unbounded_count = 0;
    double bottom = gch_decimal_to_double(view->bottom), top = gch_decimal_to_double(view->top);
    scale->magnitude = fmax(fabs(bottom), fabs(top));
    if (view->axis == GCH_AXIS_LOG) {
        bottom = log(bottom);
        top = log(top);
    }
    scale->y_top = top;
    scale->px_per_value = (double)view->height_px / (top - bottom);
    scale->half_span = top / 2 - bottom / 2;
    scale->is_extreme = !(scale->magnitude < 1e300 && scale->half_span > 1e-290);
    if (view->axis == GCH_AXIS_LINEAR && map->kind == GCH_VALUE_DECIMAL &&
        decimal_thresholds(scale))
        return GCH_OK;
    general_thresholds(scale);
    return GCH_OK;
}

void gch__row_scale_reset(gch__row_scale *scale, const gch_allocator *allocator)
{
    gch__free(allocator, scale->thresholds, "row edges");
    *scale = (gch__row_scale){0};
}

/* key < thresholds[r], with r = -1 standing for the sky. */
static inline bool is_at_or_below(const gch__row_scale *scale, uint64_t key, int32_t r)
{
    return r < 0 || (uint32_t)r < scale->unbounded_count || key < scale->thresholds[r];
}

int32_t gch__row_of_key(const gch__row_scale *scale, uint64_t key)
{
    int32_t height = (int32_t)scale->height_px;
    /* A guess in doubles is nearly always right or one off. */
    double y = y_of_double(scale, double_of_key(&scale->map, key));
    int32_t row = y >= (double)height ? height : y > 0 ? (int32_t)y : y < 0 ? -1 : 0;
    if (is_at_or_below(scale, key, row)) {
        if (row == height || !is_at_or_below(scale, key, row + 1))
            return row;
        if (row + 1 == height || !is_at_or_below(scale, key, row + 2))
            return row + 1;
    } else if (is_at_or_below(scale, key, row - 1)) {
        return row - 1;
    }
    int32_t low = -1, high = height + 1; /* low holds, high does not */
    while (high - low > 1) {
        int32_t middle = low + (high - low) / 2;
        if (is_at_or_below(scale, key, middle))
            low = middle;
        else
            high = middle;
    }
    return low;
}

void gch__crossing(const gch__line_end *a, const gch__line_end *b, unsigned __int128 part,
                   unsigned __int128 whole, int32_t *out_row, float *out_y)
{
    const gch__row_scale *scale = b->scale;
    if (part == whole || (a->scale == b->scale && a->key == b->key)) {
        *out_row = gch__row_of_key(scale, b->key);
        *out_y = gch__clamp_y(gch__y_of_key(scale, b->key));
        return;
    }
    int32_t height = (int32_t)scale->height_px;
    double from = double_of_key(&a->scale->map, a->key);
    double to = double_of_key(&b->scale->map, b->key);
    double fraction = (double)part / (double)whole;
    if (scale->axis == GCH_AXIS_LOG) {
        double y_from = (double)gch__clamp_y(y_of_double(scale, from));
        double y = y_from + ((double)gch__clamp_y(y_of_double(scale, to)) - y_from) * fraction;
        *out_y = gch__clamp_y(y);
        *out_row = y >= height ? height : y < 0 ? -1 : (int32_t)y;
        return;
    }
    double value = from + (to - from) * fraction;
    double y = y_of_double(scale, value);
    *out_y = gch__clamp_y(y);
    /* Errors in units of 2^-53 relative to the largest number at hand: 2 for each end, 1 for their
     * difference, 3 for the fraction, 2 for product and sum; 2 for top, 1 for the subtraction:
     * under
     * 16. The factor px_per_value adds 5 relative to y and the cancellation in top - bottom. */
    double size = fmax(fmax(fabs(from), fabs(to)), scale->magnitude);
    double bound = 32 * 0x1p-53 * (size * scale->px_per_value) * (1 + fabs(y) / height) + 1e-9;
    double nearest = nearbyint(y);
    bool is_usable = !scale->is_extreme && bound < 0.25;
    if (is_usable && fabs(y - nearest) > bound) {
        *out_row = y >= height ? height : y < 0 ? -1 : (int32_t)y;
        return;
    }
    gch__exact_line line = {.a = gch__exact_from_key(&a->scale->map, a->key),
                            .b = gch__exact_from_key(&b->scale->map, b->key),
                            .part = part,
                            .whole = whole};
    gch__exact top = gch__exact_from_decimal(scale->top);
    gch__exact bottom = gch__exact_from_decimal(scale->bottom);
    /* The largest r with line <= Y(r); tried around the estimate first, by bisection if that is of
     * no use (an infinity, or a bound too wide). */
    int32_t low = -1, high = height + 1;
    if (is_usable) {
        low = nearest < 0 ? -1 : nearest > height ? height : (int32_t)nearest - 1;
        high = nearest < 0 ? 0 : nearest > height ? height + 1 : (int32_t)nearest + 1;
    }
    while (high - low > 1) {
        int32_t middle = low + (high - low) / 2;
        if (gch__exact_compare_edge(&line, (uint32_t)middle, scale->height_px, top, bottom) <= 0)
            low = middle;
        else
            high = middle;
    }
    *out_row = low;
}
