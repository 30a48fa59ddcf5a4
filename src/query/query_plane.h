/* What the files about points of a plane share: the tables of edges of both sides, and the walk
 * over the tree of boxes.
 *
 * A node of the tree of x and the node of the same number of the tree of y are a box that holds the
 * points of its rows, as far as both coordinates are drawn.
 */
#ifndef GCH_QUERY_PLANE_H
#define GCH_QUERY_PLANE_H

#include "gch/plane.h"
#include "query_state.h"

#include <stdatomic.h>

typedef enum gch__plane_axis { GCH__PLANE_X, GCH__PLANE_Y, GCH__PLANE_VALUE } gch__plane_axis;
#define GCH__PLANE_AXES 3u

typedef struct gch__plane {
    gch__row_tables tables[GCH__PLANE_AXES];
    gch__row_scale *scales[GCH__PLANE_AXES]; /* a segment */
    size_t scale_caps[GCH__PLANE_AXES];
    _Atomic uint32_t *cells;
    size_t cell_cap;
    gch_plane_point *points;
    size_t point_cap;
    struct gch__plane_list *lists; /* a task of the walk */
    size_t list_cap;
} gch__plane;

void gch__plane_lists_free(gch__plane *plane, const gch_allocator *allocator);
void gch__plane_destroy(gch__plane *plane, const gch_allocator *allocator); /* NULL is allowed */

/* Checks the plane and sets query->plane's scales for it, those of values if with_values. */
GCH_CHECKED gch_status gch__query_prepare_plane(gch_query *query, const gch_plane *plane,
                                                bool with_values, gch_error *err);

/* Pixels along one side that a node or block may touch: -1 in front of the view, the side's length
 * behind it. */
typedef struct gch__pixel_span {
    int32_t first, last;
} gch__pixel_span;

static inline gch__pixel_span gch__span_of_keys(const gch__row_scale *scale, uint64_t min,
                                                uint64_t max)
{
    int32_t a = gch__row_of_key(scale, min), b = gch__row_of_key(scale, max);
    return (gch__pixel_span){GCH_MIN(a, b), GCH_MAX(a, b)};
}

/* A box of rows on the way down the tree. */
typedef struct gch__plane_node {
    uint32_t segment, level, index; /* level 0: a block */
    uint32_t first, last;           /* rows */
    gch__pair64 x, y;               /* neither is empty */
} gch__plane_node;

/* Looks at a node: *out_descends: its children are wanted (of a block there are none). */
typedef gch_status gch__plane_visit_fn(void *context, const gch__plane_node *node,
                                       gch__column_task *task, bool *out_descends, gch_error *err);

typedef struct gch__plane_walk {
    gch_query *query;
    uint32_t x_column, y_column;
    gch__plane_visit_fn *visit; /* called on many threads */
    void *context;
} gch__plane_walk;

/* Tasks that a walk has: boxes of neighbouring rows, in the order of their rows. */
size_t gch__plane_task_count(const gch_query *query);
/* Visits all nodes that visits descend to, on all workers; the tasks' counts go to query->stats. A
 * block whose pages are not there (GCH_PENDING) counts in *out_pending and is left out. */
GCH_CHECKED gch_status gch__plane_walk_all(const gch__plane_walk *walk, uint32_t *out_pending,
                                           gch_error *err);

/* Bit i of words[i >> 6]: row i of the block has both coordinates. */
GCH_CHECKED gch_status gch__plane_drawn_bits(const gch_query *query, const gch__plane_node *node,
                                             uint32_t x_column, uint32_t y_column,
                                             uint64_t words[GCH_BLOCK_ROWS / 64], gch_error *err);

#endif
