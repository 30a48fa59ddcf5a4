/* How much of a frame's work is done when all of it takes too long: the share of the points that
 * the next frame counts, and at which resolution. Logic alone: it is told what frames have cost and
 * never looks at a clock or a device.
 *
 *     gch__quality_plan plan = gch__quality_begin(&quality, &desc, GCH__MOTION_JUMP);
 *     ... count at least one share of plan.strata, and then up to plan.units points ...
 *     gch__quality_end(&quality, &desc, &(gch__quality_costs){...});
 *
 * A picture has a level (gch_chart_desc.quality_level): a resolution, and how many of its strata
 * are counted. EXACT and PINNED do all that belongs to their level in one frame. AUTO starts a new
 * view with the least share, and goes on by as many points a frame as the budget lets it, until the
 * frame is exact.
 *
 * Thread rule: none of its own.
 */
#ifndef GCH_RENDER_QUALITY_H
#define GCH_RENDER_QUALITY_H

#include "gch/chart.h"

/* Strata of a column at full resolution. With cells of s x s pixels there are s x s times as many,
 * so that a cell's least share holds about as many points. */
#define GCH__STRATA 16u
#define GCH__STEP_MAX 4u /* pixels a side of a cell */
/* A frame at full resolution counts at least one part in so many, so that a view is exact after as
 * many frames, whatever the budget. */
#define GCH__REST_PARTS 64u
/* Frames of one view, the first included, before its resolution is the full one. */
#define GCH__REST_FRAMES 3u

typedef struct gch__quality_desc {
    gch_quality quality;
    uint32_t level;   /* PINNED: 1 to GCH_QUALITY_LEVELS */
    double budget_ms; /* AUTO: of a frame; 0: 16 */
} gch__quality_desc;

typedef enum gch__motion {
    GCH__MOTION_REST, /* the view of the last frame */
    GCH__MOTION_PAN,  /* most of what the last frame has counted can stay */
    GCH__MOTION_JUMP, /* nothing can */
} gch__motion;

typedef struct gch__quality_plan {
    uint32_t step;   /* pixels a side of a cell: 1, 2, 4 */
    uint32_t strata; /* to be counted in the end, of GCH__STRATA * step * step */
    bool is_bounded; /* beyond the first stratum ... */
    uint64_t units;  /* ... about so many points in this frame */
} gch__quality_plan;

typedef struct gch__quality_costs {
    uint64_t units;       /* points counted */
    uint64_t least_units; /* of these, what a first share took */
    double work_ms;       /* for counting them */
    double rest_ms;       /* for the rest of the frame */
} gch__quality_costs;

/* Zero: nothing is known. */
typedef struct gch__quality {
    double unit_ms, rest_ms; /* smoothed; unit_ms 0: unknown */
    uint64_t units;          /* of the last plan */
    uint32_t step;           /* for views that jump; 0: 1 */
    uint32_t slow_frames, fast_frames, rest_frames;
    uint32_t plan_step; /* of the frame at hand */
    gch__motion motion;
} gch__quality;

gch__quality_plan gch__quality_begin(gch__quality *quality, const gch__quality_desc *desc,
                                     gch__motion motion);
/* For AUTO; frames that have counted nothing change nothing. */
void gch__quality_end(gch__quality *quality, const gch__quality_desc *desc,
                      const gch__quality_costs *costs);

/* What the frame of a view at rest comes to in the end. */
gch__quality_plan gch__quality_target(const gch__quality_desc *desc);

/* The level of a picture of which `strata` are counted everywhere; 0: not even the first. */
uint32_t gch__quality_level(uint32_t step, uint32_t strata);

#endif
