/* Times and values as plot pixels, in doubles, for marks that place bars themselves. */
#ifndef GCH_RASTER_VIEW_H
#define GCH_RASTER_VIEW_H

#include "gch/query.h"

#include <math.h>

typedef struct gch__value_map {
    double top, rows_per_unit;
    bool is_log;
} gch__value_map;

static inline gch__value_map gch__value_map_make(const gch_view *view)
{
    double top = gch_decimal_to_double(view->top), bottom = gch_decimal_to_double(view->bottom);
    bool is_log = view->axis == GCH_AXIS_LOG;
    if (is_log) {
        top = log(top);
        bottom = log(bottom);
    }
    return (gch__value_map){top, view->height_px / (top - bottom), is_log};
}

/* Clamped to +-1e6. */
static inline double gch__value_y(const gch__value_map *map, double value)
{
    if (map->is_log)
        value = value > 0 ? log(value) : -INFINITY;
    return fmin(fmax((map->top - value) * map->rows_per_unit, -1e6), 1e6);
}

static inline double gch__time_x(const gch_view *view, int64_t time)
{
    double span = (double)((__int128)view->t1 - view->t0);
    return (double)((__int128)time - view->t0) * view->width_px / span;
}

/* Up to so many bars a column, all of a study's points are drawn. */
#define GCH__STUDY_POINTS_PER_COLUMN 4u

/* The straight part from x = from to x = to of a study's line: false if none of it is near the
 * plot, else the shares of the way at which it begins and ends to be. What lies far outside is cut
 * off in doubles, so that floats keep the direction. */
static inline bool gch__study_stretch(const gch_view *view, double from, double to,
                                      double out_shares[2])
{
    const double edge = 64; /* farther out than any stroke's join reaches */
    double left = -edge, right = view->width_px + edge;
    if (!(to > left) || !(from < right) || !(to > from))
        return false;
    out_shares[0] = from < left ? (left - from) / (to - from) : 0;
    out_shares[1] = to > right ? (right - from) / (to - from) : 1;
    return true;
}

/* The middle of a bar. */
static inline double gch__bar_x(const gch_view *view, int64_t t0, int64_t t1)
{
    return (gch__time_x(view, t0) + gch__time_x(view, t1)) * 0.5;
}

#endif
