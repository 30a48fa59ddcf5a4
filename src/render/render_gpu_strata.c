/* Strata of densities: see render_gpu_strata.h.
 *
 * Invariants:
 *  1. A slot's `counted` is what its strata [0, wanted) hold; a column of few rows has them all in
 *     the first.
 *  2. A stratum's first round is laid so that stratum 0 has the super-block in the middle of the
 *     rows: it is never empty, and those at the ends, which may hold a row or two, come later.
 */
#include "render_gpu_strata.h"

#include "query_lit.h"

#include <string.h>

#define PURPOSE "gpu strata"
#define FEW_ROWS (2u * GCH_SUPER_ROWS)
#define SCALE_ONE 256u
#define SCALE_MAX 65535u
/* A picture of cells is never said to be nearer to exact than the first one of pixels. */
#define COARSE_COMPLETE (1.0 / (2 * GCH__STRATA))

/* ---- strata of rows ---- */

static uint32_t phase_of(uint32_t begin, uint32_t end, uint32_t count)
{
    uint32_t first = begin / GCH_SUPER_ROWS, last = (end - 1) / GCH_SUPER_ROWS;
    return (first + (last - first + 1) / 2) % count;
}

/* Where stratum s is in a round: its bits in reverse. */
static uint32_t place_of(uint32_t count, uint32_t s)
{
    uint32_t place = 0;
    for (; count > 1; count /= 2, s /= 2)
        place = place * 2 + s % 2;
    return place;
}

uint64_t gch__stratum_rows(uint32_t begin, uint32_t end, uint32_t count, uint32_t s)
{
    if (begin >= end)
        return 0;
    uint32_t first = begin / GCH_SUPER_ROWS, last = (end - 1) / GCH_SUPER_ROWS;
    uint32_t place = (place_of(count, s) + phase_of(begin, end, count)) % count;
    uint64_t nearest = first + (place + count - first % count) % count; /* the first at `place` */
    if (nearest > last)
        return 0;
    uint64_t supers = (last - nearest) / count + 1;
    uint64_t rows = supers * GCH_SUPER_ROWS;
    if (nearest == first)
        rows -= begin % GCH_SUPER_ROWS;
    if (nearest + (supers - 1) * count == last)
        rows -= ((uint64_t)last + 1) * GCH_SUPER_ROWS - end;
    return rows;
}

uint32_t gch__strata_code(const gch__strata *strata, uint32_t begin, uint32_t end, uint32_t first,
                          uint32_t last)
{
    return phase_of(begin, end, strata->count) | first << 10 | last << 20;
}

/* Of rows [begin, end) of the file, those of strata [first, last). */
static uint64_t rows_of(const gch__strata *strata, const gch_query *query, uint64_t begin,
                        uint64_t end, uint32_t first, uint32_t last)
{
    if (end - begin <= FEW_ROWS)
        return first == 0 && last > 0 ? end - begin : 0;
    if (first == 0 && last == strata->count)
        return end - begin;
    uint64_t rows = 0;
    gch__slice slice;
    for (uint64_t row = begin; row < end; row += slice.last - slice.first) {
        slice = gch__slice_at(query, row, end);
        for (uint32_t s = first; s < last; s++)
            rows += gch__stratum_rows(slice.first, slice.last, strata->count, s);
    }
    return rows;
}

/* ---- frames ---- */

static bool is_its_grid(const gch__strata_grid *grid, const gch__strata_item *item)
{
    return grid->its.file == item->file && grid->its.column == item->column &&
           grid->its.at == item->at && grid->generation == gch__file_generation(item->file);
}

/* How many of the next frame's grids are there, if only panned; *out_shift: by how many columns.
 * Those that are counted whole each time do not count. */
static void compare(const gch__strata *strata, const gch__strata_item *items, uint32_t count,
                    uint32_t *out_same, uint32_t *out_other, int64_t *out_shift)
{
    *out_same = *out_other = 0;
    *out_shift = 0;
    for (uint32_t i = 0; i < count; i++) {
        const gch__strata_grid *grid = &strata->grids[i];
        int64_t shift;
        bool is_there = i < strata->grid_count;
        if (is_there && grid->its.file == NULL)
            continue;
        bool is_same = is_there && is_its_grid(grid, &items[i]) &&
                       gch__view_shift(&grid->its.view, &items[i].view, &shift) &&
                       (*out_same == 0 || shift == *out_shift);
        if (is_same)
            *out_shift = shift;
        *(is_same ? out_same : out_other) += 1;
    }
}

gch__motion gch__strata_motion(const gch__strata *strata, const gch__strata_item *items,
                               uint32_t count)
{
    int64_t shift;
    uint32_t same, other;
    if (!strata->is_valid)
        return GCH__MOTION_JUMP;
    compare(strata, items, count, &same, &other, &shift);
    if (shift == 0 && other == 0)
        return GCH__MOTION_REST;
    if (same == 0 || strata->plan.step > 1)
        return GCH__MOTION_JUMP;
    int64_t half = strata->width_px / 2;
    return -half <= shift && shift <= half ? GCH__MOTION_PAN : GCH__MOTION_JUMP;
}

bool gch__strata_is_settled(const gch__strata *strata, const gch__quality_desc *desc)
{
    gch__quality_plan plan = gch__quality_target(desc);
    bool is_settled =
        strata->is_valid && strata->plan.step == plan.step && strata->plan.strata == plan.strata;
    for (uint32_t i = 0; i < strata->grid_count; i++)
        is_settled = is_settled && strata->grids[i].is_finished;
    return strata->grid_count == 0 || is_settled;
}

/* The grids hold more than the plan wants to be seen. */
static bool is_beyond(const gch__strata *strata, const gch__quality_plan *plan)
{
    if (plan->strata == strata->count)
        return false;
    size_t slot_count = (size_t)strata->grid_count * strata->width;
    for (size_t i = 0; i < slot_count; i++)
        if (strata->slots[i].done > plan->strata)
            return true;
    return false;
}

static gch__stratum_slot *slots_of(const gch__strata *strata, uint32_t grid)
{
    return strata->slots + (size_t)grid * strata->width;
}

static void empty_fresh(gch__strata *strata, uint32_t grid)
{
    gch__stratum_slot *slots = slots_of(strata, grid);
    for (uint32_t c = strata->fresh_first; c < strata->fresh_last; c++)
        slots[gch__strata_slot(strata, c)] = (gch__stratum_slot){0};
}

gch_status gch__strata_begin(gch__strata *strata, const gch__strata_item *items, uint32_t count,
                             const gch__quality_plan *plan, gch_error *err)
{
    int64_t shift;
    uint32_t same, other, width_px = count > 0 ? items[0].view.width_px : 1;
    compare(strata, items, count, &same, &other, &shift);
    bool is_kept = strata->is_valid && same > 0 && strata->plan.step == plan->step &&
                   (shift == 0 || plan->step == 1) && !is_beyond(strata, plan);
    strata->is_valid = false;
    strata->plan = *plan;
    strata->width_px = width_px;
    strata->width = (width_px + plan->step - 1) / plan->step;
    strata->count = GCH__STRATA * plan->step * plan->step;
    GCH_TRY(gch__ensure(strata->allocator, (void **)&strata->slots, &strata->slot_cap,
                        (size_t)count * strata->width, sizeof *strata->slots, PURPOSE, err));
    GCH_TRY(gch__ensure(strata->allocator, (void **)&strata->scales, &strata->scale_cap,
                        count > 0 ? strata->width : 0, sizeof *strata->scales, PURPOSE, err));
    strata->fresh_first = 0;
    strata->fresh_last = strata->width;
    strata->origin =
        is_kept ? (uint32_t)((strata->origin + strata->width + shift) % strata->width) : 0;
    if (is_kept && shift >= 0)
        strata->fresh_first = strata->width - (uint32_t)shift;
    else if (is_kept)
        strata->fresh_last = (uint32_t)-shift;
    for (uint32_t i = 0; i < count; i++) {
        gch__strata_grid *grid = &strata->grids[i];
        int64_t its_shift;
        bool is_its = is_kept && i < strata->grid_count && is_its_grid(grid, &items[i]) &&
                      gch__view_shift(&grid->its.view, &items[i].view, &its_shift) &&
                      its_shift == shift;
        if (is_its)
            empty_fresh(strata, i);
        else
            memset(slots_of(strata, i), 0, strata->width * sizeof *strata->slots);
        *grid = (gch__strata_grid){
            .its = items[i], .generation = gch__file_generation(items[i].file), .is_kept = is_its};
    }
    strata->grid_count = count;
    return GCH_OK;
}

void gch__strata_reset(gch__strata *strata)
{
    gch__free(strata->allocator, strata->slots, PURPOSE);
    gch__free(strata->allocator, strata->scales, PURPOSE);
    *strata = (gch__strata){.allocator = strata->allocator};
}

/* ---- what is next ---- */

/* The columns of one grid, being chosen. */
typedef struct choice {
    gch__strata *strata;
    const gch__strata_job *job;
    gch__stratum_slot *slots;
    uint64_t limit; /* rows of this frame */
    gch__strata_spent spent;
} choice;

static void find_rows(const choice *c, uint32_t column, uint64_t *out_first, uint64_t *out_last)
{
    uint32_t step = c->strata->plan.step;
    uint32_t end = GCH_MIN((column + 1) * step, c->strata->width_px);
    *out_first = c->job->edges[column * step].row;
    *out_last = c->job->edges[end].row;
}

/* Strata up to `wanted` of a column. */
static void want(choice *c, uint32_t column, uint32_t wanted)
{
    gch__stratum_slot *slot = &c->slots[gch__strata_slot(c->strata, column)];
    uint64_t first, last;
    find_rows(c, column, &first, &last);
    uint64_t rows = rows_of(c->strata, c->job->query, first, last, slot->wanted, wanted);
    if (slot->wanted == 0)
        c->spent.least_rows += rows;
    c->spent.rows += rows;
    slot->counted += rows;
    slot->wanted = (uint16_t)wanted;
    if (slot->counted == slot->rows) /* the others are empty */
        slot->wanted = (uint16_t)GCH_MAX(c->strata->plan.strata, wanted);
}

static gch_status begin_slots(choice *c, gch_error *err)
{
    gch__strata_grid *grid = &c->strata->grids[c->job->grid];
    for (uint32_t column = 0; column < c->strata->width; column++) {
        gch__stratum_slot *slot = &c->slots[gch__strata_slot(c->strata, column)];
        uint64_t first, last;
        find_rows(c, column, &first, &last);
        if (last - first > UINT32_MAX)
            return gch_fail(err, GCH_LIMIT,
                            "view: more points in a pixel column than a count holds");
        slot->rows = last - first;
        slot->wanted = slot->done;
        grid->rows += slot->rows;
    }
    return GCH_OK;
}

static void choose_by_columns(choice *c)
{
    uint32_t goal = c->strata->plan.strata;
    for (uint32_t column = 0; column < c->strata->width && c->spent.rows < c->limit; column++)
        if (c->slots[gch__strata_slot(c->strata, column)].wanted < goal)
            want(c, column, goal);
}

static void choose_by_strata(choice *c)
{
    for (uint32_t s = 1; s < c->strata->plan.strata; s++)
        for (uint32_t column = 0; column < c->strata->width && c->spent.rows < c->limit; column++)
            if (c->slots[gch__strata_slot(c->strata, column)].wanted == s)
                want(c, column, s + 1);
}

static void sum_up(choice *c)
{
    gch__strata *strata = c->strata;
    gch__strata_grid *grid = &strata->grids[c->job->grid];
    grid->strata = strata->plan.strata;
    for (uint32_t i = 0; i < strata->width; i++) {
        const gch__stratum_slot *slot = &c->slots[i];
        grid->counted += slot->counted;
        grid->strata = GCH_MIN(grid->strata, slot->wanted);
        strata->scales[i] = 0;
        if (slot->counted < slot->rows)
            strata->scales[i] =
                (uint32_t)GCH_MIN(slot->rows * SCALE_ONE / slot->counted, SCALE_MAX);
    }
    grid->is_finished = grid->strata == strata->plan.strata;
}

static uint32_t open_grids(const gch__strata *strata)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < strata->grid_count; i++)
        count += strata->grids[i].is_finished ? 0 : 1;
    return GCH_MAX(count, 1);
}

gch_status gch__strata_choose(gch__strata *strata, const gch__strata_job *job, bool by_columns,
                              gch__strata_spent *out, gch_error *err)
{
    const gch__quality_plan *plan = &strata->plan;
    choice c = {.strata = strata, .job = job, .slots = slots_of(strata, job->grid)};
    GCH_TRY(begin_slots(&c, err));
    c.limit = UINT64_MAX;
    if (plan->is_bounded)
        c.limit = GCH_MAX(plan->units / open_grids(strata),
                          strata->grids[job->grid].rows / GCH__REST_PARTS + 1);
    for (uint32_t column = 0; column < strata->width; column++) {
        const gch__stratum_slot *slot = &c.slots[gch__strata_slot(strata, column)];
        if (!plan->is_bounded && slot->wanted < plan->strata)
            want(&c, column, plan->strata);
        else if (slot->wanted == 0)
            want(&c, column, 1);
    }
    if (by_columns)
        choose_by_columns(&c);
    else
        choose_by_strata(&c);
    sum_up(&c);
    *out = c.spent;
    return GCH_OK;
}

bool gch__strata_find(const gch__strata *strata, uint32_t grid, uint32_t column,
                      gch__strata_range *out)
{
    const gch__stratum_slot *slot = &slots_of(strata, grid)[gch__strata_slot(strata, column)];
    bool is_all = slot->done == 0 && slot->counted == slot->rows;
    *out = (gch__strata_range){.is_all = is_all, .first = slot->done, .last = slot->wanted};
    return slot->rows > 0 && slot->done < slot->wanted && (is_all || slot->rows > FEW_ROWS);
}

void gch__strata_finish(gch__strata *strata, uint32_t grid)
{
    gch__stratum_slot *slots = slots_of(strata, grid);
    for (uint32_t i = 0; i < strata->width; i++)
        slots[i].done = slots[i].wanted;
}

void gch__strata_finish_all(gch__strata *strata, uint32_t grid)
{
    strata->grids[grid] = (gch__strata_grid){.is_finished = true, .strata = strata->plan.strata};
    memset(slots_of(strata, grid), 0, strata->width * sizeof *strata->slots);
}

/* ---- figures ---- */

double gch__strata_complete(const gch__strata *strata)
{
    uint64_t rows = 0, counted = 0;
    for (uint32_t i = 0; i < strata->grid_count; i++) {
        rows += strata->grids[i].rows;
        counted += strata->grids[i].counted;
    }
    double complete = rows > 0 ? (double)counted / (double)rows : 1;
    if (strata->grid_count > 0 && strata->plan.step > 1)
        complete = GCH_MIN(complete, COARSE_COMPLETE);
    return complete;
}

uint32_t gch__strata_level(const gch__strata *strata)
{
    if (strata->grid_count == 0 || gch__strata_complete(strata) >= 1)
        return GCH_QUALITY_LEVELS;
    uint32_t least = strata->plan.strata;
    for (uint32_t i = 0; i < strata->grid_count; i++)
        least = GCH_MIN(least, strata->grids[i].strata);
    return gch__quality_level(strata->plan.step, least);
}
