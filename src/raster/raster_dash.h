/* Dashed strokes: a path into the runs that its dashes are. */
#ifndef GCH_RASTER_DASH_H
#define GCH_RASTER_DASH_H

#include "scene.h"

/* A pattern over a plot, ready to be laid on paths. */
typedef struct gch__dash {
    struct {
        double from, to; /* px from the pattern's start */
    } dashes[GCH_DASH_CAP];
    uint32_t dash_count;
    double period;
    double x_phase, y_phase;            /* where in the pattern the plot's left and top edge lie */
    double width_px, height_px, margin; /* what lies beyond the plot and this is left out */
    bool is_flat;                       /* measured along x only */
} gch__dash;

/* The pattern of a series, dash_count > 0, over a view. Lengths are taken to 1/64 px, so that the
 * phase is exact wherever the view lies: the pattern starts at time 0 and value 0 (1 on a log axis)
 * and a pan by whole pixels moves it by as many. */
gch__dash gch__dash_make(const gch__plot_series *series, const gch_view *view);

/* Lays the pattern on a path: the runs of `out` are its dashes, in the path's order of x (up to
 * GCH__PATH_SLACK_PX). A part of the path is measured along x; one steeper than 45 degrees along y,
 * if it is at least a pixel wide or `is_sparse`. Points that stand alone stay. Returns how many
 * points there are; if they are more than `cap`, the first of them have been written. */
size_t gch__path_dash(const gch_point *points, size_t count, const gch__dash *dash, bool is_sparse,
                      gch_point *out, size_t cap);

#endif
