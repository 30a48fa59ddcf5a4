/* The keys by which the rows of a point set are sorted: places along a curve.
 *
 * Coordinates become whole numbers of 32 bits over their ranges, in doubles: the order is for speed
 * and has to be near to right, no more. Rows without a place (a gap, a NaN, an infinity) come last.
 */
#include "gch/decimal.h"
#include "ingest_curve.h"
#include "ingest_sink.h"

#include <math.h>
#include <string.h>

typedef struct axis {
    uint32_t column;
    double min, max; /* over what has a place on this axis; min > max: nothing has */
} axis;

typedef struct points_job {
    gch__ingest_sink *sink;
    gch__keyed_row *rows;
    gch_curve curve;
    axis axes[2];
} points_job;

static double double_of_decimal(const gch__batch_column *column, size_t row)
{
    int64_t digits = ((const int64_t *)column->values)[row];
    const int8_t scale = column->scales[row];
    if (scale == GCH_SCALE_F64) {
        double value;
        memcpy(&value, &digits, sizeof value);
        return value;
    }
    return gch_decimal_to_double((gch_decimal){.digits = digits, .exp10 = -(int32_t)scale});
}

/* NaN for a gap. */
static double coordinate(const gch__ingest_sink *sink, const gch__batch *batch, uint32_t index,
                         size_t row)
{
    const gch__batch_column *column = &batch->columns[index];
    if (column->has_gaps && (column->validity[row >> 3] >> (row & 7) & 1) == 0)
        return NAN;
    switch (sink->columns[index].type) {
    case GCH_TYPE_I8:
        return ((const int8_t *)column->values)[row];
    case GCH_TYPE_U8:
        return ((const uint8_t *)column->values)[row];
    case GCH_TYPE_I16:
        return ((const int16_t *)column->values)[row];
    case GCH_TYPE_U16:
        return ((const uint16_t *)column->values)[row];
    case GCH_TYPE_I32:
        return ((const int32_t *)column->values)[row];
    case GCH_TYPE_U32:
        return ((const uint32_t *)column->values)[row];
    case GCH_TYPE_I64:
        return (double)((const int64_t *)column->values)[row];
    case GCH_TYPE_F32:
        return (double)((const float *)column->values)[row];
    case GCH_TYPE_F64:
        return ((const double *)column->values)[row];
    case GCH_TYPE_DECIMAL:
        return double_of_decimal(column, row);
    case GCH_TYPE_DEFAULT:
        break;
    }
    return NAN;
}

static void find_range(const gch__ingest_sink *sink, axis *a)
{
    a->min = INFINITY;
    a->max = -INFINITY;
    for (size_t k = 0; k < sink->kept_count; k++) {
        const gch__batch *batch = &sink->kept[k];
        for (size_t i = 0; i < batch->row_count; i++) {
            double value = coordinate(sink, batch, a->column, i);
            if (isfinite(value)) {
                a->min = fmin(a->min, value);
                a->max = fmax(a->max, value);
            }
        }
    }
}

/* In halves, so that +-1e308 have a distance. */
static uint32_t quantise(const axis *a, double value)
{
    double span = a->max / 2 - a->min / 2;
    double place = span > 0 ? (value / 2 - a->min / 2) / span * UINT32_MAX : 0;
    return place >= UINT32_MAX ? UINT32_MAX : (uint32_t)place;
}

static void fill_keys(void *context, size_t task, uint32_t worker)
{
    (void)worker;
    const points_job *job = context;
    const gch__ingest_sink *sink = job->sink;
    const gch__batch *batch = &sink->kept[task];
    const size_t first = task * sink->row_cap;
    for (size_t i = 0; i < batch->row_count; i++) {
        double x = coordinate(sink, batch, job->axes[0].column, i);
        double y = coordinate(sink, batch, job->axes[1].column, i);
        int64_t key = INT64_MAX;
        if (isfinite(x) && isfinite(y))
            key = (int64_t)(gch__curve_of(job->curve, quantise(&job->axes[0], x),
                                          quantise(&job->axes[1], y)) ^
                            (uint64_t)1 << 63);
        job->rows[first + i] = (gch__keyed_row){key, first + i};
    }
}

void gch__ingest_fill_curve_keys(gch__ingest_sink *sink, gch__keyed_row *rows)
{
    points_job job = {.sink = sink,
                      .rows = rows,
                      .curve = sink->curve,
                      .axes = {{.column = sink->x_column}, {.column = sink->y_column}}};
    find_range(sink, &job.axes[0]);
    find_range(sink, &job.axes[1]);
    gch__parallel_for(sink->job->desc->workers, sink->kept_count, fill_keys, &job);
}
