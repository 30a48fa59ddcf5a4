/* Row edges, rows of keys, and crossings: double arithmetic where its error bound decides, then
 * double-double arithmetic, exact integers where neither does.
 *
 * Invariants:
 *  1. thresholds[unbounded_count ..] descend (weakly): row(key) = max{r : key < thresholds[r]}.
 *     Across, thresholds[.. height_px - unbounded_count] ascend: max{r : key >= thresholds[r]}.
 *  2. Every decision on a linear axis is either an integer comparison, a comparison of doubles or
 *     pairs that differ by more than the bound on their errors, or gch__exact_compare_edge.
 */
#include "query_scale.h"

#include <math.h>

#define Y_LIMIT 1e6f
#define KIND_COUNT 21u /* decimals of 0 to 18 digits behind the point, both floats */

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

static double y_of_double(const gch__row_table *table, double value)
{
    if (table->axis == GCH_AXIS_LOG)
        return value > 0 ? (table->y_top - log(value)) * table->px_per_value : (double)Y_LIMIT;
    if (table->is_extreme)
        return (table->y_top / 2 - value / 2) / table->half_span * table->height_px;
    return (table->y_top - value) * table->px_per_value;
}

static double y_of_key(const gch__row_table *table, uint64_t key)
{
    return y_of_double(table, double_of_key(&table->map, key));
}

double gch__y_of_key(const gch__row_scale *scale, uint64_t key)
{
    return y_of_key(scale->table, key + scale->offset);
}

/* Y(row) on a log axis, and an estimate of it on a linear one. */
static double edge_value(const gch__row_table *table, uint32_t row)
{
    double value = table->y_top - (double)row / table->px_per_value;
    return table->axis == GCH_AXIS_LOG ? exp(value) : value;
}

static gch__pair edge_pair(const gch__row_table *table, uint32_t row)
{
    return gch__pair_minus(table->top_pair, gch__pair_times(table->step_pair, (double)row));
}

/* Is the key's value above Y(row), or across at it or above? */
static bool is_above_edge(const gch__row_table *table, uint64_t key, uint32_t row)
{
    double value = double_of_key(&table->map, key), edge = edge_value(table, row);
    if (table->axis == GCH_AXIS_LOG)
        return table->is_across ? value >= edge : value > edge;
    /* value carries 2 roundings (int64 to double, division); edge carries those of top, bottom,
     * their difference, a product, a quotient and a sum, each relative to `magnitude` or less:
     * under 16 in all. 1e-320 keeps the bound above denormal steps. */
    double bound = 16 * 0x1p-53 * fmax(table->magnitude, fabs(value)) + 1e-320;
    if (!table->is_extreme && value - edge > bound)
        return true;
    if (!table->is_extreme && edge - value > bound)
        return false;
    if (table->has_pairs) {
        gch__pair pair = edge_pair(table, row);
        double above = value - pair.high - pair.low;
        if (fabs(above) > 0x1p-96 * fmax(table->magnitude, fabs(value)))
            return above > 0;
    }
    gch__exact exact = gch__exact_from_key(&table->map, key);
    gch__exact_line number = {.a = exact, .b = exact, .part = 0, .whole = 1};
    int side =
        gch__exact_compare_edge(&number, row, table->height_px, gch__exact_from_decimal(table->top),
                                gch__exact_from_decimal(table->bottom));
    return table->is_across ? side >= 0 : side > 0;
}

/* The smallest key above Y(row) in (low, high], given that `low` is not above and `high` is (either
 * may be a bound that is known without asking). Bisection over keys: values ascend with keys. */
static uint64_t bisect_threshold(const gch__row_table *table, uint32_t row, uint64_t low,
                                 uint64_t high)
{
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (is_above_edge(table, middle, row))
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

/* The edges from the one with the largest value down. */
static uint32_t edge_number(const gch__row_table *table, uint32_t i)
{
    return table->is_across ? table->height_px - i : i;
}

/* Thresholds by 128-bit division: Y(r) * 10^scale = N(r) / (height * 10^shift), all exact. Returns
 * false if the numbers are too large for that. */
static bool decimal_thresholds(gch__row_table *table)
{
    int32_t exponent =
        GCH_MIN(GCH_MIN(table->top.exp10, table->bottom.exp10), -(int32_t)table->map.scale);
    int32_t shift = -(int32_t)table->map.scale - exponent; /* >= 0 */
    int32_t top_shift = table->top.exp10 - exponent, bottom_shift = table->bottom.exp10 - exponent;
    if (shift > 18 || (table->top.digits != 0 && top_shift > 18) ||
        (table->bottom.digits != 0 && bottom_shift > 18))
        return false;
    __int128 top = table->top.digits, bottom = table->bottom.digits;
    if (top != 0)
        top *= gch__pow10_i64[top_shift];
    if (bottom != 0)
        bottom *= gch__pow10_i64[bottom_shift];
    const __int128 limit = (__int128)1 << 110; /* times height < 2^15 and a sum stays below 2^126 */
    if (top >= limit || top <= -limit || bottom >= limit || bottom <= -limit)
        return false;
    __int128 divisor = (__int128)table->height_px * gch__pow10_i64[shift];
    /* From the largest value down; quotient and rest are divided out once and counted on from
     * there. */
    __int128 first = table->is_across ? bottom : top;
    __int128 step = table->is_across ? bottom - top : top - bottom;
    __int128 digits = first * table->height_px / divisor, rest = first * table->height_px % divisor;
    const __int128 step_digits = step / divisor, step_rest = step % divisor;
    if (rest < 0) { /* floor */
        digits--;
        rest += divisor;
    }
    int64_t base = (int64_t)table->map.base;
    uint64_t first_key, last_key;
    drawn_key_bounds(&table->map, &first_key, &last_key);
    for (uint32_t i = 0; i <= table->height_px; i++) {
        uint32_t r = edge_number(table, i);
        __int128 key = digits + (table->is_across && rest == 0 ? 0 : 1) - base;
        if (key <= 0) {
            table->thresholds[r] = 0;
        } else if (key > last_key) {
            table->thresholds[r] = UINT64_MAX;
            table->unbounded_count = i + 1;
        } else {
            table->thresholds[r] = (uint64_t)key;
        }
        digits -= step_digits;
        rest -= step_rest;
        if (rest < 0) {
            digits--;
            rest += divisor;
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

/* bisect_threshold, which first looks around the edge as doubles have it: the answer is next to
 * that or, where there are no pairs, a few keys away. */
static uint64_t threshold_near(const gch__row_table *table, uint32_t row, uint64_t low,
                               uint64_t high)
{
    static const uint64_t steps[] = {1, 64};
    double edge = table->has_pairs ? edge_pair(table, row).high : edge_value(table, row);
    uint64_t guess = GCH_MIN(GCH_MAX(key_near(&table->map, edge), low), high);
    for (size_t i = 0; i < GCH_COUNT_OF(steps); i++) {
        uint64_t before = guess - GCH_MIN(guess - low, steps[i]);
        uint64_t after = guess + GCH_MIN(high - guess, steps[i]);
        if (before > low && is_above_edge(table, before, row)) {
            high = guess = before;
        } else if (after < high && !is_above_edge(table, after, row)) {
            low = guess = after;
        } else {
            low = before;
            high = after;
            break;
        }
    }
    return bisect_threshold(table, row, low, high);
}

static void general_thresholds(gch__row_table *table)
{
    uint64_t first, last;
    drawn_key_bounds(&table->map, &first, &last);
    uint64_t above = last; /* the threshold of the row before: thresholds descend */
    for (uint32_t i = 0; i <= table->height_px; i++) {
        uint32_t r = edge_number(table, i);
        if (i == table->unbounded_count && !is_above_edge(table, last, r)) {
            table->thresholds[r] = UINT64_MAX;
            table->unbounded_count = i + 1;
        } else if (is_above_edge(table, first, r)) {
            table->thresholds[r] = 0;
        } else {
            above = threshold_near(table, r, first, above);
            table->thresholds[r] = above;
        }
    }
}

/* The least key of a kind. */
static uint64_t least_base(gch_value_kind kind)
{
    return kind == GCH_VALUE_DECIMAL ? (uint64_t)INT64_MIN : 0;
}

bool gch__row_table_serves(const gch__row_table *table, const gch__key_map *map)
{
    return table->thresholds != NULL && table->map.kind == map->kind &&
           table->map.scale == map->scale;
}

gch__row_scale gch__row_scale_make(const gch__row_table *table, const gch__key_map *map)
{
    return (gch__row_scale){.table = table, .offset = map->base - table->map.base};
}

/* False if the number is not sure to be one. */
static bool pair_of_decimal(gch_decimal value, gch__pair *out)
{
    const int64_t digits_max = (int64_t)1 << 62;
    if (value.digits > digits_max || value.digits < -digits_max || value.exp10 > 22 ||
        value.exp10 < -22)
        return false;
    double power =
        gch__pow10_f64[value.exp10 < 0 ? -value.exp10 : value.exp10]; /* exact to 10^22 */
    double high = (double)value.digits;
    gch__pair digits = {high, (double)(value.digits - (int64_t)high)};
    *out = value.exp10 < 0 ? gch__pair_over(digits, power) : gch__pair_times(digits, power);
    return true;
}

/* Of floats on a linear axis, which are what doubles leave most often undecided. */
static bool find_pairs(gch__row_table *table)
{
    gch__pair bottom;
    if (table->axis != GCH_AXIS_LINEAR || table->map.kind == GCH_VALUE_DECIMAL ||
        !pair_of_decimal(table->top, &table->top_pair) || !pair_of_decimal(table->bottom, &bottom))
        return false;
    table->step_pair =
        gch__pair_over(gch__pair_minus(table->top_pair, bottom), (double)table->height_px);
    return true;
}

gch_status gch__row_table_set(gch__row_table *table, const gch__key_map *map, const gch__side *side,
                              const gch_allocator *allocator, gch_error *err)
{
    if (gch__row_table_serves(table, map) && table->axis == side->axis &&
        table->is_across == side->is_across && table->height_px == side->height_px &&
        gch__is_same_decimal(table->bottom, side->bottom) &&
        gch__is_same_decimal(table->top, side->top))
        return GCH_OK;
    void *thresholds = table->thresholds;
    gch_status status =
        gch__ensure(allocator, &thresholds, &table->threshold_cap, (size_t)side->height_px + 1,
                    sizeof *table->thresholds, "row edges", err);
    table->thresholds = thresholds;
    GCH_TRY(status);

    table->map = (gch__key_map){
        .kind = map->kind, .scale = map->scale, .base = least_base(map->kind), .is_wide = true};
    table->axis = side->axis;
    table->is_across = side->is_across;
    table->height_px = side->height_px;
    table->bottom = side->bottom;
    table->top = side->top;
    table->unbounded_count = 0;
    double bottom = gch_decimal_to_double(side->bottom), top = gch_decimal_to_double(side->top);
    table->magnitude = fmax(fabs(bottom), fabs(top));
    if (side->axis == GCH_AXIS_LOG) {
        bottom = log(bottom);
        top = log(top);
    }
    table->y_top = top;
    table->px_per_value = (double)side->height_px / (top - bottom);
    table->half_span = top / 2 - bottom / 2;
    table->is_extreme = !(table->magnitude < 1e300 && fabs(table->half_span) > 1e-290);
    table->has_pairs = find_pairs(table);
    if (side->axis == GCH_AXIS_LINEAR && map->kind == GCH_VALUE_DECIMAL &&
        decimal_thresholds(table))
        return GCH_OK;
    general_thresholds(table);
    return GCH_OK;
}

void gch__row_table_reset(gch__row_table *table, const gch_allocator *allocator)
{
    gch__free(allocator, table->thresholds, "row edges");
    *table = (gch__row_table){0};
}

gch_status gch__row_tables_find(gch__row_tables *tables, const gch__key_map *map,
                                const gch__side *side, const gch_allocator *allocator,
                                const gch__row_table **out, gch_error *err)
{
    /* Room for all kinds from the start. */
    GCH_TRY(gch__ensure(allocator, (void **)&tables->items, &tables->cap, KIND_COUNT,
                        sizeof *tables->items, "row edges", err));
    uint32_t i = 0;
    while (i < tables->count && !gch__row_table_serves(&tables->items[i], map))
        i++;
    if (i == tables->count)
        tables->items[i] = (gch__row_table){0};
    GCH_TRY(gch__row_table_set(&tables->items[i], map, side, allocator, err));
    tables->count = GCH_MAX(tables->count, i + 1);
    *out = &tables->items[i];
    return GCH_OK;
}

void gch__row_tables_reset(gch__row_tables *tables, const gch_allocator *allocator)
{
    for (uint32_t i = 0; i < tables->count; i++)
        gch__row_table_reset(&tables->items[i], allocator);
    gch__free(allocator, tables->items, "row edges");
    *tables = (gch__row_tables){0};
}

/* Whether the key's row is r or one behind it; r = -1 stands for the sky. */
static inline bool is_at_or_below(const gch__row_table *table, uint64_t key, int32_t r)
{
    if (table->is_across)
        return r < 0 || ((uint32_t)r + table->unbounded_count <= table->height_px &&
                         key >= table->thresholds[r]);
    return r < 0 || (uint32_t)r < table->unbounded_count || key < table->thresholds[r];
}

static int32_t row_of_key(const gch__row_table *table, uint64_t key)
{
    int32_t height = (int32_t)table->height_px;
    /* A guess in doubles is nearly always right or one off. */
    double y = y_of_double(table, double_of_key(&table->map, key));
    int32_t row = y >= (double)height ? height : y > 0 ? (int32_t)y : y < 0 ? -1 : 0;
    if (is_at_or_below(table, key, row)) {
        if (row == height || !is_at_or_below(table, key, row + 1))
            return row;
        if (row + 1 == height || !is_at_or_below(table, key, row + 2))
            return row + 1;
    } else if (is_at_or_below(table, key, row - 1)) {
        return row - 1;
    }
    int32_t low = -1, high = height + 1; /* low holds, high does not */
    while (high - low > 1) {
        int32_t middle = low + (high - low) / 2;
        if (is_at_or_below(table, key, middle))
            low = middle;
        else
            high = middle;
    }
    return low;
}

int32_t gch__row_of_key(const gch__row_scale *scale, uint64_t key)
{
    return row_of_key(scale->table, key + scale->offset);
}

void gch__crossing(const gch__line_end *a, const gch__line_end *b, unsigned __int128 part,
                   unsigned __int128 whole, int32_t *out_row, float *out_y)
{
    const gch__row_table *table = b->scale.table;
    uint64_t key_a = a->key + a->scale.offset, key_b = b->key + b->scale.offset;
    if (part == whole || (a->scale.table == table && key_a == key_b)) {
        *out_row = row_of_key(table, key_b);
        *out_y = gch__clamp_y(y_of_key(table, key_b));
        return;
    }
    int32_t height = (int32_t)table->height_px;
    double from = double_of_key(&a->scale.table->map, key_a);
    double to = double_of_key(&table->map, key_b);
    double fraction = (double)part / (double)whole;
    if (table->axis == GCH_AXIS_LOG) {
        double y_from = (double)gch__clamp_y(y_of_double(table, from));
        double y = y_from + ((double)gch__clamp_y(y_of_double(table, to)) - y_from) * fraction;
        *out_y = gch__clamp_y(y);
        *out_row = y >= height ? height : y >= 0 ? (int32_t)y : -1;
        return;
    }
    double value = from + (to - from) * fraction;
    double y = y_of_double(table, value);
    *out_y = gch__clamp_y(y);
    /* Errors in units of 2^-53 relative to the largest number at hand: 2 for each end, 1 for their
     * difference, 3 for the fraction, 2 for product and sum; 2 for top, 1 for the subtraction:
     * under
     * 16. The factor px_per_value adds 5 relative to y and the cancellation in top - bottom. */
    double size = fmax(fmax(fabs(from), fabs(to)), table->magnitude);
    double bound = 32 * 0x1p-53 * (size * table->px_per_value) * (1 + fabs(y) / height) + 1e-9;
    double nearest = nearbyint(y);
    bool is_usable = !table->is_extreme && bound < 0.25;
    if (is_usable && fabs(y - nearest) > bound) {
        *out_row = y >= height ? height : y < 0 ? -1 : (int32_t)y;
        return;
    }
    gch__exact_line line = {.a = gch__exact_from_key(&a->scale.table->map, key_a),
                            .b = gch__exact_from_key(&table->map, key_b),
                            .part = part,
                            .whole = whole};
    gch__exact top = gch__exact_from_decimal(table->top);
    gch__exact bottom = gch__exact_from_decimal(table->bottom);
    /* The largest r with line <= Y(r); tried around the estimate first, by bisection if that is of
     * no use (an infinity, or a bound too wide). */
    int32_t low = -1, high = height + 1;
    if (is_usable) {
        low = nearest < 0 ? -1 : nearest > height ? height : (int32_t)nearest - 1;
        high = nearest < 0 ? 0 : nearest > height ? height + 1 : (int32_t)nearest + 1;
    }
    while (high - low > 1) {
        int32_t middle = low + (high - low) / 2;
        if (gch__exact_compare_edge(&line, (uint32_t)middle, table->height_px, top, bottom) <= 0)
            low = middle;
        else
            high = middle;
    }
    *out_row = low;
}
