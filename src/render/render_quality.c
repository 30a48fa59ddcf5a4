/* The quality controller: see render_quality.h.
 *
 * Invariants:
 *  1. A budget becomes a number of points through one smoothed cost a point; what the rest of a
 *     frame takes is set aside first, but for a quarter of the budget.
 *  2. The number stays as it is until it is off by more than a share (DEAD_BAND).
 *  3. Resolution falls after frames in a row that were too slow for its least share, and rises only
 *     once the next one's least share, which has four times the points, would fit with room to
 *     spare: RISE_BELOW < 1 < FALL_ABOVE, so that neither is the cause of the other.
 */
#include "render_quality.h"

#include "base.h"

#include <math.h>

#define DEFAULT_BUDGET_MS 16.0
#define LEAST_SHARE 0.25 /* of the budget, for counting */
#define MARGIN 0.9
#define SMOOTHING 0.5
#define LEAST_COST 1e-15 /* what a clock may take for nothing */
#define DEAD_BAND 0.15
#define FALL_ABOVE 1.25 /* of what is there for counting */
#define FALL_FRAMES 2u
#define RISE_BELOW 0.75
#define RISE_FRAMES 8u

/* ---- levels ---- */

static const struct {
    uint32_t step, strata;
} levels[GCH_QUALITY_LEVELS] = {{4, 1}, {2, 1}, {1, 1}, {1, 2}, {1, 4}, {1, 8}, {1, GCH__STRATA}};

uint32_t gch__quality_level(uint32_t step, uint32_t strata)
{
    uint32_t level = 0;
    for (uint32_t i = 0; i < GCH_QUALITY_LEVELS; i++)
        if (levels[i].step == step && levels[i].strata <= strata)
            level = i + 1;
    return level;
}

/* ---- plans ---- */

gch__quality_plan gch__quality_target(const gch__quality_desc *desc)
{
    uint32_t level = desc->quality == GCH_QUALITY_PINNED ? desc->level : GCH_QUALITY_LEVELS;
    return (gch__quality_plan){.step = levels[level - 1].step, .strata = levels[level - 1].strata};
}

static double counting_ms(const gch__quality *quality, const gch__quality_desc *desc)
{
    double budget = desc->budget_ms > 0 ? desc->budget_ms : DEFAULT_BUDGET_MS;
    return fmax(budget - quality->rest_ms, budget * LEAST_SHARE) * MARGIN;
}

static uint32_t step_for(gch__quality *quality, gch__motion motion)
{
    if (motion == GCH__MOTION_JUMP || quality->plan_step == 0) { /* its first frame */
        quality->rest_frames = 0;
        return quality->step;
    }
    if (quality->plan_step == 1)
        return 1;
    quality->rest_frames++;
    return quality->rest_frames < GCH__REST_FRAMES ? quality->plan_step : 1;
}

gch__quality_plan gch__quality_begin(gch__quality *quality, const gch__quality_desc *desc,
                                     gch__motion motion)
{
    if (desc->quality != GCH_QUALITY_AUTO)
        return gch__quality_target(desc);
    quality->step = GCH_MAX(quality->step, 1);
    quality->motion = motion;
    quality->plan_step = step_for(quality, motion);
    gch__quality_plan plan = {.step = quality->plan_step, .strata = 1, .is_bounded = true};
    if (plan.step > 1) /* it has to be counted anew at full resolution: nothing is gained by more */
        return plan;
    plan.strata = GCH__STRATA;
    if (quality->unit_ms > 0) {
        double units = fmin(counting_ms(quality, desc) / quality->unit_ms, 1e18);
        if (fabs(units - (double)quality->units) > DEAD_BAND * (double)quality->units)
            quality->units = (uint64_t)units;
    }
    plan.units = quality->units;
    return plan;
}

/* ---- costs ---- */

/* By ratios: a first frame that loads pages and compiles may cost a hundred times the next one. */
static void smooth(double *io_mean, double sample, double weight)
{
    sample = fmax(sample, LEAST_COST);
    *io_mean = *io_mean > 0 ? *io_mean * pow(sample / *io_mean, weight) : sample;
}

/* A view that jumps shows its least share at once: whether that is too slow, or at twice the
 * resolution would not be. */
static void judge_step(gch__quality *quality, const gch__quality_costs *costs, double available_ms)
{
    double share = (double)costs->least_units / (double)costs->units;
    double now_ms = costs->work_ms * share,
           usual_ms = quality->unit_ms * (double)costs->least_units;
    bool is_slow = now_ms > available_ms * FALL_ABOVE && quality->step < GCH__STEP_MAX;
    bool is_fast = usual_ms * 4 < available_ms * RISE_BELOW && quality->step > 1;
    quality->slow_frames = is_slow ? quality->slow_frames + 1 : 0;
    quality->fast_frames = is_fast ? quality->fast_frames + 1 : 0;
    if (quality->slow_frames < FALL_FRAMES && quality->fast_frames < RISE_FRAMES)
        return;
    quality->step = is_slow ? quality->step * 2 : quality->step / 2;
    quality->slow_frames = quality->fast_frames = 0;
}

void gch__quality_end(gch__quality *quality, const gch__quality_desc *desc,
                      const gch__quality_costs *costs)
{
    if (desc->quality != GCH_QUALITY_AUTO || costs->units == 0)
        return;
    /* A few points say little: with them it is the dispatch that costs. */
    double share = quality->units > 0 ? (double)costs->units / (double)quality->units : 1;
    smooth(&quality->unit_ms, costs->work_ms / (double)costs->units, SMOOTHING * fmin(share, 1));
    smooth(&quality->rest_ms, costs->rest_ms, SMOOTHING);
    if (quality->motion == GCH__MOTION_JUMP)
        judge_step(quality, costs, counting_ms(quality, desc));
}
