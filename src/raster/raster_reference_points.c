/* The reference for points of a plane: see raster_reference_points.h.
 *
 * Like raster_reference.c it shares nothing with the query room: rows are read in order, and each
 * column and row is one division of integers of any length (GMP, which allocates by itself),
 * rounded down.
 */
#include "raster_reference_points.h"

#include <float.h>
#include <gmp.h>
#include <math.h>
#include <string.h>

#define PURPOSE "reference"
#define BATCH_ROWS 65536u

/* Pixels along one side: floor(sign * (v - start) * px / span), start and span as integers over
 * `pow10`. */
typedef struct side {
    mpz_t start, span, pow10;
    uint32_t px;
    int sign;
} side;

typedef struct reference {
    side x, y, value;
    mpz_t num, den, scratch; /* the number at hand is num / den, den > 0 */
} reference;

static void set_scaled(mpz_t out, gch_decimal value, int32_t exp10)
{
    mpz_ui_pow_ui(out, 10, (unsigned long)(value.exp10 - exp10));
    mpz_mul_si(out, out, value.digits);
}

static gch_status set_side(side *s, gch_decimal start, gch_decimal end, uint32_t px, gch_error *err)
{
    const int32_t most = GCH_DECIMAL_EXP10_MAX;
    if (px == 0 || px > GCH_VIEW_PX_MAX || start.exp10 > most || start.exp10 < -most ||
        end.exp10 > most || end.exp10 < -most)
        return gch_fail(err, GCH_INVALID, "a side of %u px from %llde%d to %llde%d", px,
                        (long long)start.digits, start.exp10, (long long)end.digits, end.exp10);
    int32_t exp10 = GCH_MIN(GCH_MIN(start.exp10, end.exp10), 0);
    mpz_ui_pow_ui(s->pow10, 10, (unsigned long)-exp10);
    set_scaled(s->start, start, exp10);
    set_scaled(s->span, end, exp10);
    mpz_sub(s->span, s->span, s->start);
    s->sign = mpz_sgn(s->span);
    mpz_abs(s->span, s->span);
    s->px = px;
    return s->sign != 0 ? GCH_OK : gch_fail(err, GCH_INVALID, "a side without extent");
}

/* False for what is not drawn. */
static bool set_number(reference *r, gch_value value)
{
    double real = value.kind == GCH_VALUE_F32 ? (double)value.as.f32 : value.as.f64;
    if (value.kind == GCH_VALUE_GAP || (value.kind != GCH_VALUE_DECIMAL && !isfinite(real)))
        return false;
    if (value.kind == GCH_VALUE_DECIMAL) {
        mpz_set_si(r->num, value.as.digits);
        mpz_ui_pow_ui(r->den, 10, value.scale);
        return true;
    }
    int exponent;
    double fraction = frexp(real, &exponent);
    mpz_set_si(r->num, (int64_t)ldexp(fraction, DBL_MANT_DIG));
    mpz_set_ui(r->den, 1);
    exponent -= DBL_MANT_DIG;
    if (exponent >= 0)
        mpz_mul_2exp(r->num, r->num, (mp_bitcnt_t)exponent);
    else
        mpz_mul_2exp(r->den, r->den, (mp_bitcnt_t)-exponent);
    return true;
}

/* -1 in front of the side, px behind it. */
static int32_t pixel_of_number(reference *r, const side *s)
{
    /* sign * (num / den - start / pow10) * px / (span / pow10) */
    mpz_mul(r->scratch, s->start, r->den);
    mpz_mul(r->num, r->num, s->pow10);
    mpz_sub(r->num, r->num, r->scratch);
    mpz_mul_si(r->num, r->num, s->sign * (long)s->px);
    mpz_mul(r->den, r->den, s->span);
    mpz_fdiv_q(r->num, r->num, r->den);
    if (mpz_sgn(r->num) < 0)
        return -1;
    return mpz_cmp_ui(r->num, s->px) >= 0 ? (int32_t)s->px : (int32_t)mpz_get_ui(r->num);
}

/* The step that a value reaches into, counted from 1; steps go down from `high`. */
static uint32_t level_of_number(reference *r)
{
    int32_t row = pixel_of_number(r, &r->value);
    return GCH_LEVELS - (uint32_t)GCH_MIN(GCH_MAX(row, 0), (int32_t)GCH_LEVELS - 1);
}

static void add_row(reference *r, const gch_plane_view *view, gch_grid_kind kind,
                    const gch_value row[3], uint32_t *cells)
{
    if (!set_number(r, row[0]))
        return;
    int32_t column = pixel_of_number(r, &r->x);
    if (!set_number(r, row[1]))
        return;
    int32_t line = pixel_of_number(r, &r->y);
    if ((uint32_t)column >= view->width_px || (uint32_t)line >= view->height_px)
        return;
    uint32_t *cell = &cells[(size_t)column * view->height_px + (size_t)line];
    if (kind != GCH_GRID_LEVELS) {
        *cell = kind == GCH_GRID_COUNTS ? *cell + 1 : 1;
    } else if (set_number(r, row[2])) {
        uint32_t level = level_of_number(r);
        *cell = GCH_MAX(*cell, level);
    }
}

static gch_status add_file(reference *r, const gch_file *file, const gch_plane *plane,
                           gch_grid_kind kind, gch_value *values, uint32_t *cells, gch_error *err)
{
    uint64_t row_count = gch_file_get_info(file)->row_count;
    gch_value *x = values, *y = values + BATCH_ROWS, *value = values + 2 * (size_t)BATCH_ROWS;
    for (uint64_t row = 0; row < row_count; row += BATCH_ROWS) {
        size_t count = (size_t)GCH_MIN(row_count - row, (uint64_t)BATCH_ROWS);
        GCH_TRY(gch_file_read_values(file, plane->x_column, row, count, x, err));
        GCH_TRY(gch_file_read_values(file, plane->y_column, row, count, y, err));
        if (kind == GCH_GRID_LEVELS)
            GCH_TRY(gch_file_read_values(file, plane->value_column, row, count, value, err));
        for (size_t i = 0; i < count; i++)
            add_row(r, &plane->view, kind, (gch_value[3]){x[i], y[i], value[i]}, cells);
    }
    return GCH_OK;
}

static void init_side(side *s)
{
    mpz_inits(s->start, s->span, s->pow10, NULL);
}

static void clear_side(side *s)
{
    mpz_clears(s->start, s->span, s->pow10, NULL);
}

gch_status gch__reference_grid(const gch_file *file, const gch_plane *plane, gch_grid_kind kind,
                               const gch_allocator *allocator, uint32_t *cells, gch_error *err)
{
    const gch_plane_view *view = &plane->view;
    reference r;
    gch_status status = GCH_OK;
    gch_value *values = gch__alloc_zero(allocator, 3 * (size_t)BATCH_ROWS, sizeof *values, PURPOSE);
    if (values == NULL)
        return gch__no_memory(err, PURPOSE);
    init_side(&r.x);
    init_side(&r.y);
    init_side(&r.value);
    mpz_inits(r.num, r.den, r.scratch, NULL);
    memset(cells, 0, (size_t)view->width_px * view->height_px * sizeof *cells);
    GCH_TRY_GOTO(set_side(&r.x, view->left, view->right, view->width_px, err), cleanup);
    GCH_TRY_GOTO(set_side(&r.y, view->top, view->bottom, view->height_px, err), cleanup);
    if (kind == GCH_GRID_LEVELS)
        GCH_TRY_GOTO(set_side(&r.value, plane->high, plane->low, GCH_LEVELS, err), cleanup);
    GCH_TRY_GOTO(add_file(&r, file, plane, kind, values, cells, err), cleanup);
cleanup:
    mpz_clears(r.num, r.den, r.scratch, NULL);
    clear_side(&r.value);
    clear_side(&r.y);
    clear_side(&r.x);
    gch__free(allocator, values, PURPOSE);
    return status;
}

/* Adds what is lit of a plot to the picture. */
static void paint(const uint32_t *cells, const gch__plot *plot, gch_image *image)
{
    size_t height = plot->view.height_px;
    for (size_t y = 0; y < height; y++) {
        uint32_t *pixels = image->pixels + (plot->y_px + y) * image->width_px + plot->x_px;
        for (size_t x = 0; x < plot->view.width_px; x++)
            pixels[x] |= cells[x * height + y] != 0 ? 0xFFFFFFFFu : 0;
    }
}

gch_status gch__reference_points(const gch__scene *scene, const gch_allocator *allocator,
                                 gch_image *image, gch_error *err)
{
    size_t count = (size_t)image->width_px * image->height_px;
    uint32_t *cells = gch__alloc_array(allocator, count, sizeof *cells, PURPOSE);
    if (cells == NULL)
        return gch__no_memory(err, PURPOSE);
    for (size_t i = 0; i < count; i++)
        image->pixels[i] = 0xFF000000u;
    gch_status status = GCH_OK;
    for (uint32_t i = 0; i < scene->series_count && status == GCH_OK; i++) {
        const gch__plot_series *series = &scene->series[i];
        gch_plane plane = gch__plane_of(scene, i);
        status = gch__reference_grid(series->file, &plane, GCH_GRID_LIT, allocator, cells, err);
        if (status == GCH_OK)
            paint(cells, &scene->plots[series->plot], image);
    }
    gch__free(allocator, cells, PURPOSE);
    return status;
}
