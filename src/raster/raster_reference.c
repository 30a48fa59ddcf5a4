/* The reference executor: every segment drawn on its own, strictly by docs/pixel-rule.md; bars are
 * in raster_reference_marks.c.
 *
 * What the other executors are compared with, so it is made to be read rather than to be quick: no
 * tree, no search, no keys, nothing of the query room. Rows are read in order and the part of each
 * segment inside each pixel column lights the rows between its two ends.
 *
 *   1. Within a column c the part of the segment a-b runs from a, or its crossing of E(c), to b, or
 *      its crossing of E(c + 1). Parts of consecutive segments share an end, so their union over a
 *      run is the interval from the smallest to the largest value of the rule's set.
 *   2. A column is an exact integer division: |t - t0| < 2^64 and W < 2^15, so 128 bits hold all
 *      products.
 *   3. A row is decided by `filter_row` in long double where its error bound cannot change the
 *      answer, else by `exact_row` in integers of any length (GMP, which allocates by itself).
 *   4. Rows and columns outside the view are -1 (above, before) or H and W (below, after).
 *
 * The filter's bound. Let e = 2^-63, twice the rounding error of a 64-bit significand, and m =
 * |top| + |v(a)| + |v(b)|. A value is off by at most e/2 of itself (a decimal is one division of
 * two exact numbers, a float is exact); the crossing's fraction, in (0, 1], by 1.5 e (two
 * conversions and a division). So v(b) - v(a) is off by e m, its product with the fraction by 3 e
 * m, v(a) plus that by 4 e m. `top` and `rows_per_value` come from exact ratios and are off by 2 e
 * of themselves; the difference top - v is then off by 4.5 e m, and the row coordinate x by 7 e m
 * rows_per_value; adding and taking away the bound itself rounds by less than e m rows_per_value.
 * Terms in e^2 are beyond notice. Twice the sum is used: 16 e m rows_per_value = 2^-59 m
 * rows_per_value. Nothing underflows or overflows: magnitudes lie between 10^-420 and 10^420 (value
 * and view), their products between 10^-900 and 10^900, and a 15-bit exponent reaches 10^+-4931.
 */
#include "raster.h"
#include "raster_reference_points.h"
#include "raster_reference_state.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define PURPOSE "reference"
#define BATCH_ROWS 65536u
#define ROW_UNDECIDED INT32_MIN
#define WHITE 0xFFFFFFFFu
#define BLACK 0xFF000000u

_Static_assert(sizeof(long) == 8, "mpz_set_si takes an int64");

/* Where long double is narrower the filter decides nothing and all is exact, only slower. */
static const bool filter_is_sound = LDBL_MANT_DIG >= 64 && LDBL_MAX_EXP >= 16384;

static const long double pow10_real[19] = {1e0L,  1e1L,  1e2L,  1e3L,  1e4L,  1e5L,  1e6L,
                                           1e7L,  1e8L,  1e9L,  1e10L, 1e11L, 1e12L, 1e13L,
                                           1e14L, 1e15L, 1e16L, 1e17L, 1e18L};

/* ---- exact numbers ---- */

static void set_i128(mpz_t out, __int128 value)
{
    unsigned __int128 size = value < 0 ? -(unsigned __int128)value : (unsigned __int128)value;
    mpz_set_ui(out, (unsigned long)(size >> 64));
    mpz_mul_2exp(out, out, 64);
    mpz_add_ui(out, out, (unsigned long)size);
    if (value < 0)
        mpz_neg(out, out);
}

static void set_float(gch__ratio *out, double value)
{
    int exponent;
    double fraction = frexp(value, &exponent);
    /* 53 bits of significand: the product is an integer. */
    mpz_set_si(out->num, (int64_t)ldexp(fraction, DBL_MANT_DIG));
    mpz_set_ui(out->den, 1);
    exponent -= DBL_MANT_DIG;
    if (exponent >= 0)
        mpz_mul_2exp(out->num, out->num, (mp_bitcnt_t)exponent);
    else
        mpz_mul_2exp(out->den, out->den, (mp_bitcnt_t)-exponent);
}

/* The value is drawn. */
static void set_value(gch__ratio *out, gch_value value)
{
    switch ((gch_value_kind)value.kind) {
    case GCH_VALUE_DECIMAL:
        mpz_set_si(out->num, value.as.digits);
        mpz_ui_pow_ui(out->den, 10, value.scale);
        break;
    case GCH_VALUE_F32:
        set_float(out, (double)value.as.f32);
        break;
    case GCH_VALUE_F64:
    case GCH_VALUE_GAP:
        set_float(out, value.as.f64);
        break;
    }
}

/* num / den to 62 bits: the relative error is below 2^-62. */
static long double real_from_ratio(const mpz_t num, const mpz_t den)
{
    if (mpz_sgn(num) == 0)
        return 0.0L;
    /* Shifted so that the quotient lies between 2^62 and 2^64. */
    long shift = 63 - ((long)mpz_sizeinbase(num, 2) - (long)mpz_sizeinbase(den, 2));
    mpz_t dividend, divisor;
    mpz_init(dividend);
    mpz_init(divisor);
    mpz_abs(dividend, num);
    mpz_set(divisor, den);
    if (shift >= 0)
        mpz_mul_2exp(dividend, dividend, (mp_bitcnt_t)shift);
    else
        mpz_mul_2exp(divisor, divisor, (mp_bitcnt_t)-shift);
    mpz_tdiv_q(dividend, dividend, divisor);
    long double size = ldexpl((long double)mpz_get_ui(dividend), (int)-shift);
    mpz_clear(dividend);
    mpz_clear(divisor);
    return mpz_sgn(num) < 0 ? -size : size;
}

/* floor((top - v) * H / (top - bottom)) for the ratio in reference->value. */
static int32_t exact_row(gch__reference *reference)
{
    const gch__ratio *value = &reference->value;
    mpz_t *scratch = reference->scratch;
    reference->exact_count++;
    mpz_mul(scratch[0], reference->top_scaled, value->den);
    mpz_submul(scratch[0], value->num, reference->pow10);
    mpz_mul_ui(scratch[0], scratch[0], (unsigned long)reference->height);
    mpz_mul(scratch[1], reference->span_scaled, value->den);
    mpz_fdiv_q(scratch[2], scratch[0], scratch[1]);
    if (mpz_sgn(scratch[2]) < 0)
        return -1;
    if (mpz_cmp_ui(scratch[2], (unsigned long)reference->height) >= 0)
        return reference->height;
    return (int32_t)mpz_get_ui(scratch[2]);
}

/* ---- rows and columns ---- */

/* The row of the value `real`, a number made from inputs of sizes that sum to `size` (without
 * top's); ROW_UNDECIDED if the bound spans the edge of a row. */
static int32_t filter_row(const gch__reference *reference, long double real, long double size)
{
    if (!filter_is_sound)
        return ROW_UNDECIDED;
    long double row = (reference->top - real) * reference->rows_per_value;
    long double error = (fabsl(reference->top) + size) * reference->error_per_value;
    long double low = row - error;
    long double high = row + error;
    if (high < 0)
        return -1;
    if (low >= (long double)reference->height)
        return reference->height;
    if (low >= 0 && high < (long double)reference->height && (int32_t)low == (int32_t)high)
        return (int32_t)low;
    return ROW_UNDECIDED;
}

int32_t gch__reference_row(gch__reference *reference, const gch__reference_point *p)
{
    int32_t row = filter_row(reference, p->real, fabsl(p->real));
    if (row != ROW_UNDECIDED)
        return row;
    set_value(&reference->value, p->value);
    return exact_row(reference);
}

/* The row where the line from a to b crosses the column edge E, t(a) < E <= t(b). */
static int32_t row_of_crossing(gch__reference *reference, const gch__reference_point *a,
                               const gch__reference_point *b, int32_t edge)
{
    /* (E - t(a)) / (t(b) - t(a)), both sides times W. */
    __int128 width = reference->width;
    __int128 from_a = (__int128)edge * (__int128)reference->duration -
                      ((__int128)a->time - reference->view.t0) * width;
    __int128 from_a_to_b = ((__int128)b->time - a->time) * width;

    long double fraction = (long double)from_a / (long double)from_a_to_b;
    long double real = a->real + (b->real - a->real) * fraction;
    int32_t row = filter_row(reference, real, fabsl(a->real) + fabsl(b->real));
    if (row != ROW_UNDECIDED)
        return row;

    /* v(a) + (v(b) - v(a)) * from_a / from_a_to_b, over one denominator. */
    gch__ratio *value = &reference->value;
    gch__ratio *from = &reference->from;
    gch__ratio *to = &reference->to;
    mpz_t *scratch = reference->scratch;
    set_value(from, a->value);
    set_value(to, b->value);
    mpz_mul(scratch[0], from->num, to->den); /* v(a) */
    mpz_mul(scratch[1], to->num, from->den); /* v(b) */
    mpz_mul(value->den, from->den, to->den);
    mpz_sub(scratch[1], scratch[1], scratch[0]);
    set_i128(scratch[2], from_a);
    mpz_mul(value->num, scratch[1], scratch[2]);
    set_i128(scratch[2], from_a_to_b);
    mpz_addmul(value->num, scratch[0], scratch[2]);
    mpz_mul(value->den, value->den, scratch[2]);
    return exact_row(reference);
}

/* The first tick of column c: E(c) rounded up. */
static __int128 first_tick(const gch__reference *reference, int32_t column)
{
    __int128 width = reference->width;
    return reference->view.t0 +
           ((__int128)column * (__int128)reference->duration + width - 1) / width;
}

static int32_t column_of_time(gch__reference *reference, int64_t time)
{
    if (time < reference->view.t0)
        return -1;
    if (time >= reference->view.t1)
        return reference->width;
    /* Most points share the column of the point before. */
    if (time >= reference->column_from && time <= reference->column_last)
        return reference->column;
    __int128 since = (__int128)time - reference->view.t0;
    reference->column = (int32_t)(since * reference->width / (__int128)reference->duration);
    reference->column_from = (int64_t)first_tick(reference, reference->column);
    reference->column_last = (int64_t)(first_tick(reference, reference->column + 1) - 1);
    return reference->column;
}

/* ---- drawing ---- */

void gch__reference_light(gch__reference *reference, int32_t column, int32_t row_a, int32_t row_b)
{
    int32_t base = reference->is_filled ? reference->baseline : row_a;
    int32_t first = GCH_MAX(GCH_MIN(GCH_MIN(row_a, row_b), base), 0);
    int32_t last = GCH_MIN(GCH_MAX(GCH_MAX(row_a, row_b), base), reference->height - 1);
    if (first > last)
        return;
    uint64_t *word = reference->lit + (size_t)(first >> 6) * (size_t)reference->width + column;
    uint64_t first_mask = ~(uint64_t)0 << (first & 63);
    uint64_t last_mask = ~(uint64_t)0 >> (63 - (last & 63));
    for (int32_t words = (last >> 6) - (first >> 6); words > 0; words--) {
        *word |= first_mask;
        first_mask = ~(uint64_t)0;
        word += reference->width;
    }
    *word |= first_mask & last_mask;
}

static void draw_segment(gch__reference *reference, const gch__reference_point *a,
                         const gch__reference_point *b)
{
    if (b->column < 0 || a->column >= reference->width)
        return;
    int32_t first = GCH_MAX(a->column, 0);
    int32_t last = GCH_MIN(b->column, reference->width - 1);
    int32_t row = a->column == first ? a->row : row_of_crossing(reference, a, b, first);
    for (int32_t column = first; column < last; column++) {
        int32_t next = row_of_crossing(reference, a, b, column + 1);
        gch__reference_light(reference, column, row, next);
        row = next;
    }
    int32_t end = b->column == last ? b->row : row_of_crossing(reference, a, b, last + 1);
    gch__reference_light(reference, last, row, end);
}

static void end_run(gch__reference *reference)
{
    const gch__reference_point *p = &reference->previous;
    bool is_visible = p->column >= 0 && p->column < reference->width;
    if (reference->has_previous && reference->is_alone && is_visible)
        gch__reference_light(reference, p->column, p->row, p->row);
    reference->has_previous = false;
}

/* False for what is not drawn. */
static bool real_from_value(gch_value value, long double *out)
{
    switch ((gch_value_kind)value.kind) {
    case GCH_VALUE_DECIMAL:
        *out = (long double)value.as.digits / pow10_real[value.scale];
        return true;
    case GCH_VALUE_F32:
        *out = (long double)value.as.f32;
        return isfinite(value.as.f32);
    case GCH_VALUE_F64:
        *out = (long double)value.as.f64;
        return isfinite(value.as.f64);
    case GCH_VALUE_GAP:
        break;
    }
    return false;
}

static void count_point(gch__reference *reference, const gch__reference_point *p)
{
    if (p->column >= 0 && p->column < reference->width && p->row >= 0 && p->row < reference->height)
        reference->counts[(size_t)p->row * (size_t)reference->width + (size_t)p->column]++;
}

static bool is_of_bars(gch_mark mark)
{
    return mark == GCH_MARK_CANDLES || mark == GCH_MARK_OHLC || mark == GCH_MARK_BARS;
}

void gch__reference_add(gch__reference *reference, const int64_t *times, const gch_value *values,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        gch__reference_point p = {.time = times[i], .value = values[i]};
        if (!real_from_value(p.value, &p.real)) {
            end_run(reference);
            continue;
        }
        if (is_of_bars(reference->series.mark)) {
            gch__reference_add_mark(reference, &p);
            continue;
        }
        p.column = column_of_time(reference, p.time);
        if (p.column >= 0 && p.column < reference->width)
            p.row = gch__reference_row(reference, &p);
        if (reference->series.mark == GCH_MARK_DENSITY) {
            count_point(reference, &p);
            continue;
        }
        if (reference->has_previous)
            draw_segment(reference, &reference->previous, &p);
        reference->is_alone = !reference->has_previous;
        reference->has_previous = true;
        reference->previous = p;
    }
}

gch_status gch__reference_begin_series(gch__reference *reference,
                                       const gch__reference_series *series, gch_error *err)
{
    gch_mark mark = series->mark;
    if (mark != GCH_MARK_LINE && mark != GCH_MARK_AREA && mark != GCH_MARK_DENSITY &&
        !is_of_bars(mark))
        return gch_fail(err, GCH_UNSUPPORTED,
                        "the reference executor draws lines, areas, candles, OHLC, bars and "
                        "densities only");
    reference->series = *series;
    reference->is_filled = mark == GCH_MARK_AREA || mark == GCH_MARK_BARS;
    mpz_set_ui(reference->value.num, 0);
    mpz_set_ui(reference->value.den, 1);
    reference->baseline = exact_row(reference);
    size_t width = (size_t)reference->width;
    if (reference->bars.columns == NULL)
        reference->bars.columns =
            gch__alloc_zero(reference->allocator, width, sizeof *reference->bars.columns, PURPOSE);
    if (reference->counts == NULL && mark == GCH_MARK_DENSITY)
        reference->counts = gch__alloc_zero(reference->allocator, width * (size_t)reference->height,
                                            sizeof *reference->counts, PURPOSE);
    bool has_room =
        reference->bars.columns != NULL && (reference->counts != NULL || mark != GCH_MARK_DENSITY);
    return has_room ? GCH_OK : gch__no_memory(err, PURPOSE);
}

void gch__reference_end_series(gch__reference *reference)
{
    end_run(reference);
    if (reference->bars.columns != NULL)
        gch__reference_end_marks(reference);
    reference->series = (gch__reference_series){.mark = GCH_MARK_LINE};
    reference->is_filled = false;
}

uint32_t gch__reference_get_count(const gch__reference *reference, uint32_t x, uint32_t y)
{
    return reference->counts != NULL ? reference->counts[(size_t)y * (size_t)reference->width + x]
                                     : 0;
}

bool gch__reference_is_lit(const gch__reference *reference, uint32_t x, uint32_t y)
{
    uint64_t word = reference->lit[(size_t)(y >> 6) * (size_t)reference->width + x];
    return ((word >> (y & 63)) & 1) != 0;
}

uint64_t gch__reference_exact_count(const gch__reference *reference)
{
    return reference->exact_count;
}

/* ---- making ---- */

static bool decimal_is_valid(gch_decimal value)
{
    return value.exp10 >= -GCH_DECIMAL_EXP10_MAX && value.exp10 <= GCH_DECIMAL_EXP10_MAX;
}

static gch_status check_view(const gch_view *view, gch_error *err)
{
    if (view->axis != GCH_AXIS_LINEAR)
        return gch_fail(err, GCH_UNSUPPORTED, "the reference executor draws linear axes only");
    if (view->t0 >= view->t1)
        return gch_fail(err, GCH_INVALID, "view: t0 %lld is not before t1 %lld",
                        (long long)view->t0, (long long)view->t1);
    if (view->width_px == 0 || view->width_px > GCH_VIEW_PX_MAX || view->height_px == 0 ||
        view->height_px > GCH_VIEW_PX_MAX)
        return gch_fail(err, GCH_INVALID, "view: %u x %u px, sides are 1 to %u", view->width_px,
                        view->height_px, GCH_VIEW_PX_MAX);
    if (!decimal_is_valid(view->bottom) || !decimal_is_valid(view->top))
        return gch_fail(err, GCH_INVALID, "view: an exponent of bottom or top is beyond +-%d",
                        GCH_DECIMAL_EXP10_MAX);
    return GCH_OK;
}

static void scale_decimal(mpz_t out, gch_decimal value, int32_t exp10)
{
    mpz_ui_pow_ui(out, 10, (unsigned long)(value.exp10 - exp10));
    mpz_mul_si(out, out, value.digits);
}

static void init_numbers(gch__reference *reference)
{
    mpz_inits(reference->top_scaled, reference->span_scaled, reference->pow10, reference->value.num,
              reference->value.den, reference->from.num, reference->from.den, reference->to.num,
              reference->to.den, reference->scratch[0], reference->scratch[1],
              reference->scratch[2], NULL);

    const gch_view *view = &reference->view;
    int32_t exp10 = GCH_MIN(GCH_MIN(view->top.exp10, view->bottom.exp10), 0);
    mpz_ui_pow_ui(reference->pow10, 10, (unsigned long)-exp10);
    scale_decimal(reference->top_scaled, view->top, exp10);
    scale_decimal(reference->scratch[0], view->bottom, exp10);
    mpz_sub(reference->span_scaled, reference->top_scaled, reference->scratch[0]);
}

gch_status gch__reference_make(const gch_view *view, const gch_allocator *allocator,
                               gch__reference **out, gch_error *err)
{
    *out = NULL;
    GCH_TRY(check_view(view, err));
    gch__reference *reference = gch__alloc_zero(allocator, 1, sizeof *reference, PURPOSE);
    if (reference == NULL)
        return gch__no_memory(err, PURPOSE);
    reference->allocator = allocator;
    reference->view = *view;
    reference->width = (int32_t)view->width_px;
    reference->height = (int32_t)view->height_px;
    reference->duration = (uint64_t)view->t1 - (uint64_t)view->t0;
    reference->series.mark = GCH_MARK_LINE;
    reference->column_from = 1; /* an empty range: no column known */
    init_numbers(reference);

    gch_status status = GCH_OK;
    if (mpz_sgn(reference->span_scaled) <= 0) {
        status = gch_fail(err, GCH_INVALID, "view: bottom is not below top");
        goto cleanup;
    }
    size_t words = ((size_t)view->height_px + 63) / 64 * view->width_px;
    reference->lit = gch__alloc_zero(allocator, words, sizeof *reference->lit, PURPOSE);
    if (reference->lit == NULL) {
        status = gch__no_memory(err, PURPOSE);
        goto cleanup;
    }
    mpz_mul_ui(reference->scratch[0], reference->pow10, view->height_px);
    reference->top = real_from_ratio(reference->top_scaled, reference->pow10);
    reference->rows_per_value = real_from_ratio(reference->scratch[0], reference->span_scaled);
    reference->error_per_value = ldexpl(reference->rows_per_value, -59);
    *out = reference;
    reference = NULL;
cleanup:
    gch__reference_destroy(reference);
    return status;
}

void gch__reference_destroy(gch__reference *reference)
{
    if (reference == NULL)
        return;
    mpz_clears(reference->top_scaled, reference->span_scaled, reference->pow10,
               reference->value.num, reference->value.den, reference->from.num, reference->from.den,
               reference->to.num, reference->to.den, reference->scratch[0], reference->scratch[1],
               reference->scratch[2], NULL);
    gch__free(reference->allocator, reference->bars.columns, PURPOSE);
    gch__free(reference->allocator, reference->lit, PURPOSE);
    gch__free(reference->allocator, reference->counts, PURPOSE);
    gch__free(reference->allocator, reference, PURPOSE);
}

/* ---- the executor ---- */

static gch_status check_scene(const gch__scene *scene, const gch_image *image, gch_error *err)
{
    if (!scene->is_bare)
        return gch_fail(err, GCH_UNSUPPORTED, "the reference executor draws bare charts only");
    if (image->width_px != scene->width_px || image->height_px != scene->height_px)
        return gch_fail(err, GCH_INVALID, "the image does not have the scene's size");
    for (uint32_t i = 0; i < scene->plot_count; i++) {
        const gch__plot *plot = &scene->plots[i];
        if (plot->x_px > image->width_px || plot->view.width_px > image->width_px - plot->x_px ||
            plot->y_px > image->height_px || plot->view.height_px > image->height_px - plot->y_px)
            return gch_fail(err, GCH_INVALID, "plot %u does not fit into the picture", i);
    }
    return GCH_OK;
}

static gch_status add_series(gch__reference *reference, const gch__plot_series *series,
                             const gch_time_zone *zone, int64_t *times, gch_value *values,
                             gch_error *err)
{
    const gch_file_info *info = gch_file_get_info(series->file);
    GCH_TRY(gch__reference_begin_series(reference,
                                        &(gch__reference_series){.mark = series->mark,
                                                                 .bar_width = series->bar_width,
                                                                 .unit = info->time_unit,
                                                                 .zone = zone},
                                        err));
    uint64_t row_count = info->row_count;
    for (uint64_t row = 0; row < row_count; row += BATCH_ROWS) {
        size_t count = (size_t)GCH_MIN(row_count - row, (uint64_t)BATCH_ROWS);
        GCH_TRY(gch_file_read_times(series->file, row, count, times, err));
        GCH_TRY(gch_file_read_values(series->file, series->column, row, count, values, err));
        gch__reference_add(reference, times, values, count);
    }
    gch__reference_end_series(reference);
    return GCH_OK;
}

/* Adds what is lit to the picture. */
static void paint(const gch__reference *reference, const gch__plot *plot, gch_image *image)
{
    for (uint32_t y = 0; y < plot->view.height_px; y++) {
        const uint64_t *words = reference->lit + (size_t)(y >> 6) * plot->view.width_px;
        uint32_t *pixels = image->pixels + (size_t)(plot->y_px + y) * image->width_px + plot->x_px;
        for (uint32_t x = 0; x < plot->view.width_px; x++) {
            uint32_t room = WHITE - pixels[x]; /* counts of both axes add up */
            uint32_t count = GCH_MIN(gch__reference_get_count(reference, x, y), room);
            pixels[x] = ((words[x] >> (y & 63)) & 1) != 0 ? WHITE : pixels[x] + count;
        }
    }
}

static gch_status draw_plot(const gch__scene *scene, uint32_t index, int64_t *times,
                            gch_value *values, const gch_allocator *allocator, gch_image *image,
                            gch_error *err)
{
    gch__reference *reference = NULL;
    GCH_TRY(gch__reference_make(&scene->plots[index].view, allocator, &reference, err));
    gch_status status = GCH_OK;
    for (uint32_t i = 0; status == GCH_OK && i < scene->series_count; i++)
        if (scene->series[i].plot == index)
            status = add_series(reference, &scene->series[i], scene->zone, times, values, err);
    if (status == GCH_OK)
        paint(reference, &scene->plots[index], image);
    gch__reference_destroy(reference);
    return status;
}

gch_status gch__raster_reference(const gch__scene *scene, const gch_allocator *allocator,
                                 gch_image *image, gch_error *err)
{
    int64_t *times = NULL;
    gch_value *values = NULL;
    gch_status status = check_scene(scene, image, err);
    if (status == GCH_OK && scene->is_plane)
        return gch__reference_points(scene, allocator, image, err);
    if (status != GCH_OK)
        goto cleanup;
    times = gch__alloc_array(allocator, BATCH_ROWS, sizeof *times, PURPOSE);
    values = gch__alloc_array(allocator, BATCH_ROWS, sizeof *values, PURPOSE);
    if (times == NULL || values == NULL) {
        status = gch__no_memory(err, PURPOSE);
        goto cleanup;
    }
    size_t pixel_count = (size_t)image->width_px * image->height_px;
    for (size_t i = 0; i < pixel_count; i++)
        image->pixels[i] = BLACK;
    for (uint32_t i = 0; i < scene->plot_count; i++)
        GCH_TRY_GOTO(draw_plot(scene, i, times, values, allocator, image, err), cleanup);
cleanup:
    gch__free(allocator, values, PURPOSE);
    gch__free(allocator, times, PURPOSE);
    return status;
}
