/* What points of a plane have filled: see render_gpu_planes.h.
 *
 * Invariants:
 *  1. cells of a fill that is_there hold, of each pixel of its plane's view, exactly the points of
 *     the nodes that its reach says, and no others.
 *  2. A strip that a pan has uncovered is a view of its own with the same edges of pixels: the two
 *     views' bounds are its bounds.
 *  3. Estimates go to copies alone.
 */
#include "render_gpu_planes.h"

#include "query_plane.h"

#include <stdlib.h>
#include <string.h>

#define PURPOSE "gpu planes"
#define RUN_BINDINGS 8u
#define PASTE_GROUP 64u
#define PASSES 2u /* LEVEL, SPREAD */

extern const char gch__shader_planes_start[], gch__shader_planes_end[];
extern const char gch__shader_paste_start[], gch__shader_paste_end[];

static_assert(GCH__PLANE_STRATA == GCH__STRATA * GCH__STEP_MAX * GCH__STEP_MAX,
              "a share of a plan's strata is one of ours");

typedef enum paste_kind { PASTE_WORDS, PASTE_BITS, PASTE_RANKS, PASTE_KINDS } paste_kind;

/* From cells or scratch to another buffer. */
typedef enum route {
    WORDS_ASIDE,
    BITS_ASIDE,
    BITS_BACK,
    BITS_OUT,
    RANKS_OUT,
    RANKS_FROM_ASIDE,
    ROUTES
} route;
static const paste_kind route_kinds[ROUTES] = {
    [WORDS_ASIDE] = PASTE_WORDS, [BITS_ASIDE] = PASTE_BITS, [BITS_BACK] = PASTE_BITS,
    [BITS_OUT] = PASTE_BITS,     [RANKS_OUT] = PASTE_RANKS, [RANKS_FROM_ASIDE] = PASTE_RANKS};

typedef struct fill {
    gch_plane plane; /* of the last frame with the series, drawn as counts or not */
    const gch_file *file;
    uint64_t generation;
    gch_grid_kind kind;
    bool is_there, is_used; /* cells hold it; in this frame */
    uint64_t at;            /* word of cells */
    gch__points_reach reach;
    uint64_t rows, counted; /* of the view, if that was asked */
} fill;

struct gch__gpu_planes {
    const gch_allocator *allocator;
    gch__gpu *gpu;
    gch__gpu_pipeline pastes[PASTE_KINDS], passes[PASSES];
    uint32_t slab_shift;
    gch__gpu_buffer paste_frame, ranks;
    gch__gpu_buffer cells, scratch; /* of all fills, then a strip of bits; of one */
    uint64_t cells_bytes, scratch_bytes, strip_at;
    struct {
        gch__gpu_bindings bindings;
        gch__gpu_buffer from, to;
    } routes[ROUTES];
    struct {
        gch__gpu_bindings bindings;
        gch__gpu_buffer marks;
        uint64_t version, pages_version;
    } bound[GCH__GPU_POOLS][PASSES + 1]; /* SPREAD of counts, of levels */
    fill fills[GCH_SERIES_CAP];
    uint32_t count;
    struct levels_look {
        bool is_set; /* in this frame */
        gch_plane plane;
        uint16_t ranks[GCH_LEVELS + 1];
    } * looks; /* a series; NULL until one is set */
    gch__quality_plan plan;
};

/* ---- objects ---- */

static gch_status make_pastes(gch__gpu_executor *executor, struct gch__gpu_planes *planes,
                              gch_error *err)
{
    static const char *const entries[] = {"paste_words", "paste_bits", "paste_ranks"};
    gch__gpu_shader shader;
    GCH_TRY(gch__gpu_shader_make(executor->gpu, gch__shader_paste_start,
                                 (size_t)(gch__shader_paste_end - gch__shader_paste_start), "paste",
                                 &shader, err));
    for (uint32_t i = 0; i < PASTE_KINDS; i++) {
        gch__gpu_pipeline_desc desc = {.label = entries[i],
                                       .shader = shader,
                                       .compute = entries[i],
                                       .kinds = {GCH__GPU_BIND_UNIFORM, GCH__GPU_BIND_READ,
                                                 GCH__GPU_BIND_WRITE,
                                                 i == PASTE_RANKS ? GCH__GPU_BIND_READ : 0}};
        GCH_TRY(gch__gpu_pipeline_get(executor->gpu, &desc, &planes->pastes[i], err));
    }
    return GCH_OK;
}

static gch_status make_planes(gch__gpu_executor *executor, struct gch__gpu_planes **out,
                              gch_error *err)
{
    struct gch__gpu_planes *planes =
        gch__alloc_zero(executor->allocator, 1, sizeof *planes, PURPOSE);
    if (planes == NULL)
        return gch__no_memory(err, PURPOSE);
    planes->allocator = executor->allocator;
    planes->gpu = executor->gpu;
    gch_status status = gch__gpu_buffer_make(executor->gpu, sizeof(gch__gpu_paste),
                                             GCH__GPU_UNIFORM, "paste", &planes->paste_frame, err);
    if (status == GCH_OK)
        status = gch__gpu_buffer_make(executor->gpu, (GCH_LEVELS + 1) * sizeof(uint32_t),
                                      GCH__GPU_STORAGE, "ranks", &planes->ranks, err);
    if (status == GCH_OK)
        status = make_pastes(executor, planes, err);
    if (status != GCH_OK) {
        gch__gpu_planes_destroy(planes);
        return status;
    }
    *out = planes;
    return GCH_OK;
}

void gch__gpu_planes_unbind(struct gch__gpu_planes *planes, uint32_t pool)
{
    for (uint32_t k = 0; planes != NULL && k <= PASSES; k++) {
        gch__gpu_bindings_release(planes->gpu, planes->bound[pool][k].bindings);
        planes->bound[pool][k].bindings = (gch__gpu_bindings){0};
        planes->bound[pool][k].version = 0;
    }
}

void gch__gpu_planes_destroy(struct gch__gpu_planes *planes)
{
    if (planes == NULL)
        return;
    for (uint32_t i = 0; i < GCH__GPU_POOLS; i++)
        gch__gpu_planes_unbind(planes, i);
    for (uint32_t k = 0; k < ROUTES; k++)
        gch__gpu_bindings_release(planes->gpu, planes->routes[k].bindings);
    gch__gpu_buffer_release(planes->gpu, planes->cells);
    gch__gpu_buffer_release(planes->gpu, planes->paste_frame);
    gch__gpu_buffer_release(planes->gpu, planes->ranks);
    gch__gpu_buffer_release(planes->gpu, planes->scratch);
    gch__free(planes->allocator, planes->looks, PURPOSE);
    gch__free(planes->allocator, planes, PURPOSE);
}

void gch__gpu_planes_drop(struct gch__gpu_planes *planes)
{
    for (uint32_t i = 0; planes != NULL && i < GCH_SERIES_CAP; i++) {
        planes->fills[i].is_there = false;
        planes->fills[i].file = NULL;
    }
}

static gch_status grow(gch__gpu *gpu, uint64_t bytes, const char *label, gch__gpu_buffer *io,
                       uint64_t *io_bytes, bool *out_is_new, gch_error *err)
{
    gch__gpu_buffer larger;
    *out_is_new = bytes > *io_bytes;
    if (!*out_is_new)
        return GCH_OK;
    if (bytes > gch__gpu_get_info(gpu)->binding_bytes_max)
        return gch_fail(err, GCH_LIMIT, "the pixels of points are more than the device binds");
    GCH_TRY(gch__gpu_buffer_make(gpu, bytes, GCH__GPU_STORAGE, label, &larger, err));
    gch__gpu_buffer_release(gpu, *io);
    *io = larger;
    *io_bytes = bytes;
    return GCH_OK;
}

/* ---- tiles ---- */

static gch_status make_passes(gch__gpu_executor *executor, uint32_t slab_shift, gch_error *err)
{
    static const char *const entries[] = {"raise_levels", "spread"};
    gch__gpu_shader shader;
    GCH_TRY(gch__gpu_shader_make(executor->gpu, gch__shader_planes_start,
                                 (size_t)(gch__shader_planes_end - gch__shader_planes_start),
                                 "planes", &shader, err));
    gch__gpu_pipeline_desc desc = {
        .shader = shader,
        .kinds = {GCH__GPU_BIND_UNIFORM, GCH__GPU_BIND_READ, GCH__GPU_BIND_READ, GCH__GPU_BIND_READ,
                  GCH__GPU_BIND_READ, GCH__GPU_BIND_WRITE, GCH__GPU_BIND_READ, GCH__GPU_BIND_READ},
        .constants = {{"SLAB_SHIFT", slab_shift}}};
    for (uint32_t i = 0; i < PASSES; i++) {
        desc.label = desc.compute = entries[i];
        GCH_TRY(gch__gpu_pipeline_get(executor->gpu, &desc, &executor->planes->passes[i], err));
    }
    executor->planes->slab_shift = slab_shift;
    return GCH_OK;
}

gch_status gch__gpu_planes_run(gch__gpu_executor *executor, gch__points_pass pass,
                               const gch__gpu_planes_tile *tile, gch_error *err)
{
    struct gch__gpu_planes *planes = executor->planes;
    const uint32_t p = pass == GCH__POINTS_LEVEL ? 0 : 1;
    const uint32_t b = p + (tile->marks.id == planes->scratch.id ? 1 : 0);
    gch__gpu_pages_buffers pages = gch__gpu_pages_get_buffers(executor->pages);
    if (planes->slab_shift != pages.slab_shift)
        GCH_TRY(make_passes(executor, pages.slab_shift, err));
    if (planes->bound[executor->pool][b].version != executor->version ||
        planes->bound[executor->pool][b].pages_version != pages.version ||
        planes->bound[executor->pool][b].marks.id != tile->marks.id) {
        const gch__gpu_buffer buffers[RUN_BINDINGS] = {tile->frame,    executor->segments.buffer,
                                                       tile->slices,   executor->edges.buffer,
                                                       pages.table,    tile->marks,
                                                       pages.slabs[0], pages.slabs[1]};
        gch__gpu_bindings made;
        GCH_TRY(gch__gpu_bindings_make(executor->gpu, planes->passes[p], buffers, RUN_BINDINGS,
                                       "planes", &made, err));
        gch__gpu_bindings_release(executor->gpu, planes->bound[executor->pool][b].bindings);
        planes->bound[executor->pool][b].bindings = made;
        planes->bound[executor->pool][b].version = executor->version;
        planes->bound[executor->pool][b].pages_version = pages.version;
        planes->bound[executor->pool][b].marks = tile->marks;
    }
    GCH_TRY(gch__gpu_compute_begin(executor->gpu, "planes", err));
    GCH_TRY(gch__gpu_dispatch(executor->gpu, planes->passes[p],
                              planes->bound[executor->pool][b].bindings, tile->groups_x,
                              (tile->groups + tile->groups_x - 1) / tile->groups_x, 1, err));
    return gch__gpu_pass_end(executor->gpu, err);
}

/* ---- from one grid to another ---- */

static uint32_t stride_of(gch_grid_kind kind, uint32_t height)
{
    return kind == GCH_GRID_LIT ? (height + 31) / 32 : height;
}

static uint64_t bytes_of(gch_grid_kind kind, const gch_plane_view *view)
{
    return (uint64_t)view->width_px * stride_of(kind, view->height_px) * sizeof(uint32_t);
}

/* A view's pixels, from word `first` of one buffer, to those of the fill, from `to` of another. */
static gch__gpu_paste paste_of(const fill *its, const gch_plane_view *view)
{
    const gch_plane_view *whole = &its->plane.view;
    return (gch__gpu_paste){.width = view->width_px,
                            .height = view->height_px,
                            .stride = stride_of(its->kind, view->height_px),
                            .to_width = whole->width_px,
                            .to_height = whole->height_px,
                            .to_stride = stride_of(its->kind, whole->height_px)};
}

static gch_status run_paste(gch__gpu_executor *executor, route way, const gch__gpu_paste *frame,
                            gch_error *err)
{
    gch__gpu *gpu = executor->gpu;
    struct gch__gpu_planes *planes = executor->planes;
    const paste_kind kind = route_kinds[way];
    bool is_from_aside = way == BITS_BACK || way == RANKS_FROM_ASIDE;
    gch__gpu_buffer from = is_from_aside ? planes->scratch : planes->cells;
    gch__gpu_buffer to = way == BITS_BACK   ? planes->cells
                         : way == BITS_OUT  ? executor->marks
                         : way >= RANKS_OUT ? executor->counts.grids
                                            : planes->scratch;
    if (planes->routes[way].from.id != from.id || planes->routes[way].to.id != to.id) {
        const gch__gpu_buffer buffers[] = {planes->paste_frame, from, to, planes->ranks};
        gch__gpu_bindings made;
        GCH_TRY(gch__gpu_bindings_make(gpu, planes->pastes[kind], buffers,
                                       kind == PASTE_RANKS ? 4 : 3, "paste", &made, err));
        gch__gpu_bindings_release(gpu, planes->routes[way].bindings);
        planes->routes[way].bindings = made;
        planes->routes[way].from = from;
        planes->routes[way].to = to;
    }
    bool by_result = kind == PASTE_BITS;
    uint32_t words = by_result ? frame->to_stride : frame->height;
    GCH_TRY(gch__gpu_upload(gpu, planes->paste_frame, 0, frame, sizeof *frame, err));
    GCH_TRY(gch__gpu_compute_begin(gpu, "paste", err));
    GCH_TRY(gch__gpu_dispatch(gpu, planes->pastes[kind], planes->routes[way].bindings,
                              (words + PASTE_GROUP - 1) / PASTE_GROUP,
                              by_result ? frame->to_width : frame->width, 1, err));
    return gch__gpu_pass_end(gpu, err);
}

/* ---- pans ---- */

/* value / 10^exp10 in `out`, if it is a whole number that leaves room to multiply by pixels. */
static bool align(gch_decimal value, int32_t exp10, __int128 *out)
{
    const __int128 most = (__int128)1000000000000000 * 1000000000000000;
    *out = value.digits;
    if (value.digits == 0)
        return true;
    for (int64_t zeros = (int64_t)value.exp10 - exp10; zeros > 0; zeros--) {
        *out *= 10;
        if (*out > most || *out < -most)
            return false;
    }
    return true;
}

/* By how many pixels of `px` a side has moved towards its end, if that is a whole number. */
static bool side_shift(gch_decimal from, gch_decimal from_end, gch_decimal to, gch_decimal to_end,
                       uint32_t px, int64_t *out)
{
    const gch_decimal ends[] = {from, from_end, to, to_end};
    __int128 at[4];
    int32_t exp10 = INT32_MAX;
    for (int i = 0; i < 4; i++)
        if (ends[i].digits != 0)
            exp10 = GCH_MIN(exp10, ends[i].exp10);
    for (int i = 0; i < 4; i++)
        if (!align(ends[i], exp10, &at[i]))
            return false;
    __int128 span = at[1] - at[0], moved = (at[2] - at[0]) * px;
    if (at[3] - at[2] != span || span == 0 || moved % span != 0)
        return false;
    moved /= span;
    *out = moved > px ? px : moved < -(__int128)px ? -(int64_t)px : (int64_t)moved;
    return true;
}

typedef struct shift {
    int64_t x, y; /* pixels of the old view that the new one's corner lies at */
} shift;

static bool is_panned(const gch_plane_view *from, const gch_plane_view *to, shift *out)
{
    return from->width_px == to->width_px && from->height_px == to->height_px &&
           side_shift(from->left, from->right, to->left, to->right, to->width_px, &out->x) &&
           side_shift(from->top, from->bottom, to->top, to->bottom, to->height_px, &out->y) &&
           llabs(out->x) < to->width_px && llabs(out->y) < to->height_px;
}

static bool is_same_question(const fill *its, const gch__gpu_series *series, const gch_plane *plane,
                             gch_grid_kind kind)
{
    bool is_same = its->file == series->file &&
                   its->generation == gch__file_generation(series->file) && its->kind == kind &&
                   its->plane.x_column == plane->x_column && its->plane.y_column == plane->y_column;
    if (kind != GCH_GRID_LEVELS || !is_same)
        return is_same;
    return its->plane.value_column == plane->value_column &&
           its->plane.low.digits == plane->low.digits && its->plane.low.exp10 == plane->low.exp10 &&
           its->plane.high.digits == plane->high.digits &&
           its->plane.high.exp10 == plane->high.exp10;
}

/* ---- frames ---- */

static uint32_t strata_of(const gch__quality_plan *plan)
{
    return plan->strata * GCH__STRATA / (plan->step * plan->step);
}

/* How the frame's points relate to the last one's. */
static gch__motion find_motion(const struct gch__gpu_planes *planes, const gch__scene *scene)
{
    uint32_t kept = 0, panned = 0;
    for (uint32_t i = 0; i < scene->series_count; i++) {
        const gch_plane plane = gch__plane_of(scene, i);
        const gch_file *file = scene->series[i].file;
        const fill *its = &planes->fills[i];
        shift by;
        bool is_kept = its->file == file && its->generation == gch__file_generation(file) &&
                       is_panned(&its->plane.view, &plane.view, &by);
        kept += is_kept ? 1 : 0;
        panned += is_kept && (by.x != 0 || by.y != 0) ? 1 : 0;
    }
    if (kept == scene->series_count && panned == 0)
        return GCH__MOTION_REST;
    return kept > 0 && planes->plan.step <= 1 ? GCH__MOTION_PAN : GCH__MOTION_JUMP;
}

/* Where each series' cells lie; what has to move is not there any more. */
static gch_status place_fills(gch__gpu_executor *executor, const gch__scene *scene, gch_error *err)
{
    struct gch__gpu_planes *planes = executor->planes;
    const gch_grid_kind kind = scene->is_bare ? GCH_GRID_LIT : GCH_GRID_COUNTS;
    uint64_t words = 0, most = 0;
    bool is_new;
    for (uint32_t i = 0; i < scene->series_count; i++) {
        const gch_plane plane = gch__plane_of(scene, i);
        fill *its = &planes->fills[i];
        its->is_there = its->is_there && its->at == words &&
                        its->plane.view.width_px == plane.view.width_px &&
                        its->plane.view.height_px == plane.view.height_px;
        its->at = words;
        most = GCH_MAX(most, bytes_of(kind, &plane.view) / sizeof(uint32_t));
        words += bytes_of(kind, &plane.view) / sizeof(uint32_t);
    }
    planes->strip_at = words;
    words += scene->is_bare ? most : 0;
    GCH_TRY(grow(executor->gpu, most * sizeof(uint32_t), "points aside", &planes->scratch,
                 &planes->scratch_bytes, &is_new, err));
    GCH_TRY(grow(executor->gpu, words * sizeof(uint32_t), "points", &planes->cells,
                 &planes->cells_bytes, &is_new, err));
    for (uint32_t i = 0; i < scene->series_count && is_new; i++)
        planes->fills[i].is_there = false;
    return GCH_OK;
}

gch_status gch__gpu_planes_begin(gch__gpu_executor *executor, const gch__scene *scene,
                                 gch_error *err)
{
    gch__gpu_counts *counts = &executor->counts;
    if (executor->planes == NULL)
        GCH_TRY(make_planes(executor, &executor->planes, err));
    struct gch__gpu_planes *planes = executor->planes;
    gch__motion motion = find_motion(planes, scene);
    if (motion == GCH__MOTION_JUMP)
        counts->is_streamed = false;
    planes->plan = gch__quality_begin(&counts->quality, &counts->quality_desc, motion);
    if (executor->desc.by_blocks) /* which does not choose */
        planes->plan = gch__quality_target(&(gch__quality_desc){.quality = GCH_QUALITY_EXACT});
    planes->count = scene->series_count;
    for (uint32_t i = 0; i < GCH_SERIES_CAP; i++) {
        planes->fills[i].is_used = false;
        if (planes->looks != NULL)
            planes->looks[i].is_set = false;
        if (i >= scene->series_count) {
            planes->fills[i].is_there = false;
            planes->fills[i].file = NULL;
        }
    }
    return place_fills(executor, scene, err);
}

typedef struct fill_job {
    const gch__gpu_series *series;
    fill *its;
    gch__gpu_points_part part;
    gch__points_spent spent;
} fill_job;

/* Points of a view that covers pixels of the fill from (x, y) on. */
static gch_status add_points(fill_job *job, const gch_plane *plane, uint32_t x, uint32_t y,
                             gch_error *err)
{
    fill *its = job->its;
    gch__gpu_executor *executor = job->series->executor;
    struct gch__gpu_planes *planes = executor->planes;
    const gch_plane_view *view = &plane->view;
    const uint32_t stride = stride_of(its->kind, its->plane.view.height_px);
    gch__gpu_points_marks marks = {.buffer = planes->cells,
                                   .counts = its->kind == GCH_GRID_COUNTS,
                                   .cells = (uint32_t)its->at + x * stride + y,
                                   .stride = stride};
    if (its->kind != GCH_GRID_LIT || view->height_px == its->plane.view.height_px)
        return gch__gpu_points_add(executor, job->series->query, plane, &marks, &job->part, err);
    /* Bits do not begin in the middle of a word: they go there by way of scratch. */
    uint64_t bytes = bytes_of(GCH_GRID_LIT, view), at = planes->strip_at * sizeof(uint32_t);
    marks.cells = (uint32_t)planes->strip_at;
    marks.stride = stride_of(GCH_GRID_LIT, view->height_px);
    GCH_TRY(gch__gpu_clear(executor->gpu, planes->cells, at, bytes, err));
    GCH_TRY(gch__gpu_points_add(executor, job->series->query, plane, &marks, &job->part, err));
    GCH_TRY(gch__gpu_copy(executor->gpu, planes->cells, at, planes->scratch, 0, bytes, err));
    gch__gpu_paste frame = paste_of(its, view);
    frame.to = (uint32_t)its->at;
    frame.x = (int32_t)x;
    frame.y = (int32_t)y;
    return run_paste(executor, BITS_BACK, &frame, err);
}

/* The strips of the new view that the old one does not have: of all rows, then of the columns that
 * both have. */
static gch_status add_strips(fill_job *job, const gch_plane_view *old, shift by, gch_error *err)
{
    const gch_plane_view *view = &job->its->plane.view;
    gch_plane plane = job->its->plane;
    uint32_t x = by.x > 0 ? view->width_px - (uint32_t)by.x : 0;
    uint32_t y = by.y > 0 ? view->height_px - (uint32_t)by.y : 0;
    if (by.x != 0) {
        plane.view.left = by.x > 0 ? old->right : view->left;
        plane.view.right = by.x > 0 ? view->right : old->left;
        plane.view.width_px = (uint32_t)llabs(by.x);
        GCH_TRY(add_points(job, &plane, x, 0, err));
    }
    if (by.y == 0)
        return GCH_OK;
    plane.view = *view;
    plane.view.left = by.x < 0 ? old->left : view->left;
    plane.view.right = by.x > 0 ? old->right : view->right;
    plane.view.width_px = view->width_px - (uint32_t)llabs(by.x);
    plane.view.top = by.y > 0 ? old->bottom : view->top;
    plane.view.bottom = by.y > 0 ? view->bottom : old->top;
    plane.view.height_px = (uint32_t)llabs(by.y);
    return add_points(job, &plane, by.x < 0 ? (uint32_t)-by.x : 0, y, err);
}

/* What the old view has of the new one moves to its place, and the rest is added. */
static gch_status pan(fill_job *job, const gch_plane_view *old, shift by, gch_error *err)
{
    gch__gpu_executor *executor = job->series->executor;
    struct gch__gpu_planes *planes = executor->planes;
    fill *its = job->its;
    const gch_plane_view *view = &its->plane.view;
    uint64_t bytes = bytes_of(its->kind, view);
    gch__gpu_paste frame = paste_of(its, view);
    frame.first = (uint32_t)its->at;
    frame.x = (int32_t)-by.x;
    frame.y = (int32_t)-by.y;
    executor->stats.columns_kept = view->width_px - (uint32_t)llabs(by.x);
    GCH_TRY(gch__gpu_clear(executor->gpu, planes->scratch, 0, bytes, err));
    GCH_TRY(run_paste(executor, its->kind == GCH_GRID_LIT ? BITS_ASIDE : WORDS_ASIDE, &frame, err));
    GCH_TRY(gch__gpu_copy(executor->gpu, planes->scratch, 0, planes->cells,
                          its->at * sizeof(uint32_t), bytes, err));
    job->part.from = (gch__points_reach){0};
    job->part.to = its->reach;
    return its->reach.strata > 0 || its->reach.next > 0 || its->reach.whole > 0
               ? add_strips(job, old, by, err)
               : GCH_OK;
}

static uint32_t open_fills(const struct gch__gpu_planes *planes)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < planes->count; i++)
        count += gch__points_is_whole(&planes->fills[i].reach) ? 0 : 1;
    return GCH_MAX(count, 1);
}

/* From what is there to what this frame is to reach. */
static gch_status choose(fill_job *job, gch_error *err)
{
    gch__gpu_executor *executor = job->series->executor;
    const struct gch__gpu_planes *planes = executor->planes;
    const gch__quality_plan *plan = &planes->plan;
    fill *its = job->its;
    const gch__points_stretch *stretches;
    size_t count;
    gch__points_aim aim = {.strata = strata_of(plan),
                           .least = GCH__STRATA / (plan->step * plan->step),
                           .rows = UINT64_MAX,
                           .by_position = executor->counts.is_streamed};
    its->rows = its->counted = 0;
    job->part.from = job->part.to = its->reach;
    if (!plan->is_bounded && aim.strata == GCH__PLANE_STRATA) {
        job->part.to = (gch__points_reach){.strata = GCH__PLANE_STRATA};
        return GCH_OK;
    }
    GCH_TRY(
        gch__gpu_points_survey(executor, job->series->query, &its->plane, &stretches, &count, err));
    if (plan->is_bounded) {
        uint64_t rows = 0;
        for (size_t i = 0; i < count; i++)
            rows += gch__points_rows(&stretches[i], 0, GCH__PLANE_STRATA);
        aim.rows = GCH_MAX(plan->units / open_fills(planes), rows / GCH__REST_PARTS + 1);
    }
    gch__points_choose(stretches, count, &aim, &job->part.to, &job->spent);
    its->rows = job->spent.rows;
    its->counted = job->spent.counted;
    return GCH_OK;
}

/* A pinned picture holds what belongs to its level, and no more. */
static bool is_beyond(const gch__gpu_executor *executor, const fill *its)
{
    const gch__quality_plan *plan = &executor->planes->plan;
    uint32_t strata = strata_of(plan);
    return !plan->is_bounded && strata < GCH__PLANE_STRATA &&
           (its->reach.whole > 0 || its->reach.strata > strata ||
            (its->reach.strata == strata && its->reach.next > 0));
}

static gch_status fill_further(fill_job *job, const gch_plane *plane, gch_grid_kind kind,
                               gch_error *err)
{
    gch__gpu_executor *executor = job->series->executor;
    fill *its = job->its;
    const gch_plane_view old = its->plane.view;
    shift by;
    bool is_kept = its->is_there && is_same_question(its, job->series, plane, kind) &&
                   !is_beyond(executor, its) && is_panned(&old, &plane->view, &by);
    its->is_there = false;
    its->plane = *plane;
    its->file = job->series->file;
    its->generation = gch__file_generation(its->file);
    its->kind = kind;
    job->part = (gch__gpu_points_part){.pass = kind == GCH_GRID_LEVELS ? GCH__POINTS_LEVEL
                                                                       : GCH__POINTS_COUNT,
                                       .has_values = kind == GCH_GRID_LEVELS};
    if (!is_kept) {
        its->reach = (gch__points_reach){0};
        GCH_TRY(gch__gpu_clear(executor->gpu, executor->planes->cells, its->at * sizeof(uint32_t),
                               bytes_of(kind, &plane->view), err));
    } else if (by.x != 0 || by.y != 0) {
        GCH_TRY(pan(job, &old, by, err));
    }
    GCH_TRY(choose(job, err));
    if (!gch__points_is_same(&job->part.from, &job->part.to))
        GCH_TRY(add_points(job, &its->plane, 0, 0, err));
    its->reach = job->part.to;
    return GCH_OK;
}

/* Brings what series `index` has filled to where the frame is to get. GCH_UNSUPPORTED, GCH_PENDING:
 * the device cannot, and nothing is kept. */
static gch_status fill_up(const gch__gpu_series *series, uint32_t index, const gch_plane *plane,
                          gch_grid_kind kind, gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    fill_job job = {.series = series, .its = &executor->planes->fills[index]};
    int64_t start_ns = gch__clock_ns();
    uint64_t evicted = gch__gpu_pools_evicted(executor);
    GCH_TRY(fill_further(&job, plane, kind, err));
    job.its->is_there = job.its->is_used = true;
    if (gch__gpu_pools_evicted(executor) != evicted)
        executor->counts.is_streamed = true;
    return gch__gpu_counts_spent(executor, job.part.rows, job.spent.least, start_ns, err);
}

/* ---- what pictures get ---- */

gch_status gch__gpu_planes_light(const gch__gpu_series *series, uint32_t index,
                                 const gch_plane *plane, gch_error *err)
{
    const fill *its = &series->executor->planes->fills[index];
    GCH_TRY(fill_up(series, index, plane, GCH_GRID_LIT, err));
    gch__gpu_paste frame = paste_of(its, &its->plane.view);
    frame.first = (uint32_t)its->at;
    frame.to = series->executor->frame.lit;
    return run_paste(series->executor, BITS_OUT, &frame, err);
}

/* Nodes that are not counted, spread over their boxes. */
static gch_status spread(const gch__gpu_series *series, const fill *its, gch__gpu_buffer to,
                         uint32_t cells, gch_error *err)
{
    gch__gpu_points_part part = {.pass = GCH__POINTS_SPREAD,
                                 .has_values = its->kind == GCH_GRID_LEVELS,
                                 .from = its->reach,
                                 .to = {.strata = GCH__PLANE_STRATA}};
    const gch__gpu_points_marks marks = {.buffer = to,
                                         .counts = its->kind == GCH_GRID_COUNTS,
                                         .cells = cells,
                                         .stride = its->plane.view.height_px};
    if (gch__points_is_whole(&its->reach))
        return GCH_OK;
    return gch__gpu_points_add(series->executor, series->query, &its->plane, &marks, &part, err);
}

gch_status gch__gpu_planes_set_levels(gch__gpu_executor *executor, uint32_t index,
                                      const gch_plane *plane, const uint16_t ranks[GCH_LEVELS + 1],
                                      gch_error *err)
{
    struct gch__gpu_planes *planes = executor->planes;
    if (planes->looks == NULL)
        planes->looks =
            gch__alloc_zero(planes->allocator, GCH_SERIES_CAP, sizeof *planes->looks, PURPOSE);
    if (planes->looks == NULL)
        return gch__no_memory(err, PURPOSE);
    struct levels_look *look = &planes->looks[index];
    look->is_set = true;
    look->plane = *plane;
    memcpy(look->ranks, ranks, sizeof look->ranks);
    return GCH_OK;
}

static gch_status show_levels(const gch__gpu_series *series, const fill *its, uint32_t cells,
                              gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    struct gch__gpu_planes *planes = executor->planes;
    const uint16_t *ranks = planes->looks[its - planes->fills].ranks;
    uint32_t words[GCH_LEVELS + 1];
    for (uint32_t i = 0; i <= GCH_LEVELS; i++)
        words[i] = ranks[i];
    GCH_TRY(gch__gpu_upload(executor->gpu, planes->ranks, 0, words, sizeof words, err));
    gch__gpu_paste frame = paste_of(its, &its->plane.view);
    frame.first = (uint32_t)its->at;
    frame.to = cells;
    if (gch__points_is_whole(&its->reach))
        return run_paste(executor, RANKS_OUT, &frame, err);
    frame.first = 0;
    GCH_TRY(gch__gpu_copy(executor->gpu, planes->cells, its->at * sizeof(uint32_t), planes->scratch,
                          0, bytes_of(its->kind, &its->plane.view), err));
    GCH_TRY(spread(series, its, planes->scratch, 0, err));
    return run_paste(executor, RANKS_FROM_ASIDE, &frame, err);
}

/* What is filled, as counts of a grid. */
static gch_status show_fill(const gch__gpu_series *series, const fill *its, uint32_t cells,
                            gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    if (its->kind == GCH_GRID_LEVELS)
        return show_levels(series, its, cells, err);
    GCH_TRY(gch__gpu_copy(executor->gpu, executor->planes->cells, its->at * sizeof(uint32_t),
                          executor->counts.grids, (uint64_t)cells * sizeof(uint32_t),
                          bytes_of(its->kind, &its->plane.view), err));
    return spread(series, its, executor->counts.grids, cells, err);
}

static gch_status show_by_query(const gch__gpu_series *series, uint32_t index,
                                const gch_plane *plane, gch_grid_kind kind, uint32_t cells,
                                gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    fill *its = &executor->planes->fills[index];
    gch_grid grid;
    executor->stats.series_by_query++;
    executor->stats.is_pending = true;
    GCH_TRY(gch_query_grid(series->query, plane, kind, &grid, err));
    GCH_TRY(gch__gpu_upload(executor->gpu, executor->planes->cells, its->at * sizeof(uint32_t),
                            grid.cells, bytes_of(kind, &plane->view), err));
    its->reach = (gch__points_reach){.strata = GCH__PLANE_STRATA};
    return show_fill(series, its, cells, err);
}

gch_status gch__gpu_planes_show(const gch__gpu_series *series, uint32_t index,
                                const gch_plane *plane, uint32_t cells, bool *out_has_colors,
                                gch_error *err)
{
    gch__gpu_executor *executor = series->executor;
    struct gch__gpu_planes *planes = executor->planes;
    const struct levels_look *look = planes->looks != NULL ? &planes->looks[index] : NULL;
    gch_grid_kind kind = look != NULL && look->is_set ? GCH_GRID_LEVELS : GCH_GRID_COUNTS;
    /* A linear scale up to it has a level of its own for each rank from 1 to 256. */
    const uint32_t most = 257;
    *out_has_colors = kind == GCH_GRID_LEVELS;
    if (kind == GCH_GRID_LEVELS) {
        plane = &look->plane;
        GCH_TRY(gch__gpu_upload(executor->gpu, executor->counts.grids,
                                (uint64_t)(cells - GCH__GPU_TONE_HEAD) * sizeof most, &most,
                                sizeof most, err));
    }
    gch_status status = fill_up(series, index, plane, kind, err);
    if (status == GCH_OK)
        return show_fill(series, &planes->fills[index], cells, err);
    if (status != GCH_PENDING && status != GCH_UNSUPPORTED)
        return status;
    return show_by_query(series, index, plane, kind, cells, err);
}

/* ---- figures ---- */

bool gch__gpu_planes_is_settled(const gch__gpu_executor *executor)
{
    const struct gch__gpu_planes *planes = executor->planes;
    gch__quality_plan plan = gch__quality_target(&executor->counts.quality_desc);
    const gch__points_reach whole = {.strata = strata_of(&plan)};
    for (uint32_t i = 0; planes != NULL && i < planes->count; i++) {
        const fill *its = &planes->fills[i];
        if (its->is_used && !gch__points_is_same(&its->reach, &whole) && !executor->desc.by_blocks)
            return false;
    }
    return true;
}

static uint32_t level_of(uint32_t strata)
{
    if (strata >= GCH__STRATA)
        return gch__quality_level(1, strata / GCH__STRATA);
    return strata >= GCH__STRATA / 4 ? 2 : strata > 0 ? 1 : 0;
}

void gch__gpu_planes_report(gch__gpu_executor *executor)
{
    const struct gch__gpu_planes *planes = executor->planes;
    uint64_t rows = 0, counted = 0;
    uint32_t least = GCH__PLANE_STRATA;
    for (uint32_t i = 0; i < planes->count; i++) {
        const fill *its = &planes->fills[i];
        if (!its->is_used)
            continue;
        rows += its->rows;
        counted += its->counted;
        least = GCH_MIN(least, its->reach.strata);
    }
    bool is_complete = counted == rows;
    executor->stats.counted = is_complete ? 1 : (double)counted / (double)rows;
    executor->stats.quality_level = is_complete ? GCH_QUALITY_LEVELS : level_of(least);
}
