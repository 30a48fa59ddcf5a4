/* How far the points of a plane are counted: a picture of them fills over several frames, stratum
 * by stratum, and every frame takes as many as it has time for.
 *
 * The unit is a node, 4096 neighbouring rows. A stratum is every 256th node of a segment; their
 * order is that of the node's number with its bits in reverse, so that the first 16 strata are
 * every 16th node, and points that lie in a curve's order are thinned out evenly. What is counted
 * is decided by a node's place in the file alone, so that it stays true when the view moves.
 *
 * Thread rule: none of its own.
 */
#ifndef GCH_RENDER_GPU_REACH_H
#define GCH_RENDER_GPU_REACH_H

#include "base.h"

#define GCH__PLANE_STRATA 256u     /* shaders/common/places.wgsl */
#define GCH__PLANE_NODE_ROWS 4096u /* shaders/common/places.wgsl */

/* Strata that are counted: all of those whose position is below `whole`, `strata` + 1 of those
 * below `next`, `strata` of the others. Zero: nothing; .strata = GCH__PLANE_STRATA: everything. */
typedef struct gch__points_reach {
    uint64_t whole, next;
    uint32_t strata;
} gch__points_reach;

/* Neighbouring nodes of a segment. */
typedef struct gch__points_stretch {
    uint64_t position;     /* of all nodes of 64 aligned ones, in rows of the file; never falls */
    uint32_t segment_rows; /* of the whole segment */
    uint32_t first_node, last_node;
} gch__points_stretch;

static inline uint32_t gch__points_reached(const gch__points_reach *reach, uint64_t position)
{
    if (position < reach->whole)
        return GCH__PLANE_STRATA;
    return GCH_MIN(reach->strata + (position < reach->next ? 1u : 0u), GCH__PLANE_STRATA);
}

static inline bool gch__points_is_whole(const gch__points_reach *reach)
{
    return reach->strata == GCH__PLANE_STRATA;
}

static inline bool gch__points_is_same(const gch__points_reach *a, const gch__points_reach *b)
{
    return a->whole == b->whole && a->next == b->next && a->strata == b->strata;
}

/* Rows of the nodes that are of strata [first, last). */
uint64_t gch__points_rows(const gch__points_stretch *stretch, uint32_t first, uint32_t last);

/* What a frame is to reach. */
typedef struct gch__points_aim {
    uint32_t least, strata; /* in any case; in the end */
    uint64_t rows;          /* beyond `least` about so many, UINT64_MAX: all */
    bool
        by_position; /* all strata of a position before the next one, so that pages are read once */
} gch__points_aim;

typedef struct gch__points_spent {
    uint64_t rows, counted; /* of the stretches; of them, once this frame has counted */
    uint64_t now, least;    /* by this frame; of them, for aim->least */
} gch__points_spent;

/* Moves `io` on over a view's stretches, which come by position. */
void gch__points_choose(const gch__points_stretch *stretches, size_t count,
                        const gch__points_aim *aim, gch__points_reach *io, gch__points_spent *out);

#endif
