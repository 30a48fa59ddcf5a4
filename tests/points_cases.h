/* Random point sets and views of them, for tests of exactness: all kinds of keys, gaps, points on
 * the edges of pixels, rows in order and not, one or several segments. */
#ifndef GCH_POINTS_CASES_H
#define GCH_POINTS_CASES_H

#include "gch/plane.h"

typedef struct points_case {
    uint64_t number, random;
    gch_file *file; /* columns x, y, value */
    char path[256];
} points_case;

/* Case `number` as a file in `folder`, open. */
void points_case_open(points_case *c, uint64_t number, const char *folder);
void points_case_close(points_case *c);

/* A random view of it. */
gch_plane points_case_plane(points_case *c, uint32_t width_px, uint32_t height_px);

#endif
