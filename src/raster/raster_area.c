/* Areas: the exact coverage of what lies between a path and a baseline, or between two paths.
 *
 * Column by column, each segment adds to every row the part of the pixel that lies below it; the
 * sums are kept as differences from row to row, so that a segment costs the rows it crosses and not
 * the rows below it (the accumulation buffer of font rasterisers, turned by a quarter). The area is
 * the difference to the same sums of the baseline or of the other path.
 *
 * Invariants:
 *  1. After a column is done `sums` is zero again in [0, rows + 1].
 *  2. Within a column the runs of a path do not overlap in x, so a sum stays within [0, 1].
 */
#include "raster_stroke.h"

#include <math.h>
#include <string.h>

/* How much of the pixels above z a line from y = low to high leaves below itself: the integral of
 * its share up to z. */
static double share_below(double z, double low, double high)
{
    if (z <= low)
        return 0;
    if (z >= high)
        return z - (low + high) * 0.5;
    return (z - low) * (z - low) / (2 * (high - low));
}

typedef struct column_sums {
    float *sums;
    uint32_t rows;
    uint32_t first, end; /* rows with differences */
    double width;        /* of the path within the column */
} column_sums;

static void add_segment(column_sums *column, double y0, double y1, double width)
{
    double low = GCH_MIN(y0, y1), high = GCH_MAX(y0, y1), bottom = column->rows;
    column->width += width;
    if (low >= bottom) { /* all rows from the baseline down are above it */
        column->end = column->rows;
        return;
    }
    uint32_t row = low > 0 ? (uint32_t)low : 0;
    uint32_t last = high < bottom ? (uint32_t)GCH_MAX(high, 0.0) : column->rows - 1;
    last = GCH_MIN(last, column->rows - 1);
    column->first = GCH_MIN(column->first, row);
    double before = 0;
    for (; row <= last; row++) {
        double share = width * (share_below(row + 1.0, low, high) - share_below(row, low, high));
        column->sums[row] += (float)(share - before);
        before = share;
    }
    column->sums[row] += (float)(width - before);
    column->end = GCH_MAX(column->end, row + 1);
}

/* Adds what the path covers of [x, x + 1), or takes it away; returns the point to begin with in the
 * next column. */
static size_t add_column(column_sums *column, const gch_point *points, size_t count, size_t at,
                         double x, bool is_taken)
{
    size_t next = at;
    for (size_t i = at; i + 1 < count; i++) {
        gch_point a = points[i], b = points[i + 1];
        if (a.x > x + 1 + GCH__PATH_SLACK_PX)
            break;
        if (b.x < x - GCH__PATH_SLACK_PX)
            next = i;
        if (b.starts_run || !isfinite(a.y) || !isfinite(b.y))
            continue;
        double from = GCH_MAX((double)a.x, x), to = GCH_MIN((double)b.x, x + 1);
        if (!(to > from))
            continue;
        double slope = ((double)b.y - a.y) / ((double)b.x - a.x);
        add_segment(column, a.y + slope * (from - a.x), a.y + slope * (to - a.x),
                    is_taken ? from - to : to - from);
    }
    return next;
}

static void clear_sums(column_sums *column)
{
    if (column->first < column->end)
        memset(column->sums + column->first, 0,
               (column->end - column->first) * sizeof *column->sums);
}

static void finish_column(column_sums *column, gch__mask *mask, uint8_t *bytes, double baseline)
{
    uint32_t rows = column->rows;
    double base = GCH_MIN(GCH_MAX(baseline, 0.0), (double)rows);
    if (column->width > 0) {
        uint32_t first = GCH_MIN(column->first, (uint32_t)base);
        uint32_t end = GCH_MAX(GCH_MIN(column->end, rows), (uint32_t)ceil(base));
        float sum = 0, width = (float)column->width, from_base = (float)(1.0 - base);
        for (uint32_t row = first; row < end; row++) {
            sum += column->sums[row];
            float below = (float)row + from_base;
            below = below < 0 ? 0 : below > 1 ? 1 : below;
            float cover = fabsf(sum - width * below);
            bytes[row] = (uint8_t)(GCH_MIN(cover, 1.0f) * 255.0f + 0.5f);
        }
        if (first < end)
            gch__mask_touch(mask, first, end);
    }
    clear_sums(column);
}

static void finish_between(column_sums *column, gch__mask *mask, uint8_t *bytes)
{
    uint32_t end = GCH_MIN(column->end, column->rows);
    float sum = 0;
    for (uint32_t row = column->first; row < end; row++) {
        sum += column->sums[row];
        float cover = sum < 0 ? 0 : sum;
        bytes[row] = (uint8_t)(GCH_MIN(cover, 1.0f) * 255.0f + 0.5f);
    }
    if (column->first < end)
        gch__mask_touch(mask, column->first, end);
    clear_sums(column);
}

void gch__mask_area(gch__mask *mask, const gch_point *points, size_t count, float baseline,
                    float *sums)
{
    memset(sums, 0, (mask->rows + 2u) * sizeof *sums);
    size_t at = gch__path_first(points, count, (float)mask->x0);
    for (uint32_t c = 0; c < mask->columns; c++) {
        column_sums column = {.sums = sums, .rows = mask->rows, .first = mask->rows};
        at = add_column(&column, points, count, at, (double)mask->x0 + c, false);
        finish_column(&column, mask, mask->bytes + c * mask->stride, baseline);
    }
}

void gch__mask_between(gch__mask *mask, const gch_point *upper, const gch_point *lower,
                       size_t count, float *sums)
{
    memset(sums, 0, (mask->rows + 2u) * sizeof *sums);
    size_t at = gch__path_first(upper, count, (float)mask->x0);
    for (uint32_t c = 0; c < mask->columns; c++) {
        column_sums column = {.sums = sums, .rows = mask->rows, .first = mask->rows};
        double x = (double)mask->x0 + c;
        (void)add_column(&column, lower, count, at, x, true);
        at = add_column(&column, upper, count, at, x, false);
        finish_between(&column, mask, mask->bytes + c * mask->stride);
    }
}
