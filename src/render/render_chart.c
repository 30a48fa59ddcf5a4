/* From a description to a picture: time range, visible extents, layout, executor, figures.
 *
 *   1. Everything that costs memory (queries, scene, executor, image) lives in the gch_chart and is
 *      kept from frame to frame, so that a frame of a kind seen before allocates nothing.
 *   2. Series i has a query of its own: the results of a query live until its next call, and an
 *      executor may hold those of all series at once. A query is kept while its series shows the
 *      same file with the same workers, and ended by the first frame where it does not.
 *   3. A failed frame leaves the chart as usable as before.
 */
#include "gch/chart.h"
#include "query_state.h"
#include "raster.h"
#include "render_gpu.h"
#include "render_paint.h"
#include "render_tables.h"
#include "scene_resolve.h"

#include <math.h>
#include <stdio.h>

typedef struct slot {
    gch_query *query; /* NULL: free */
    const gch_file *file;
    const gch_answers *answers;
    const gch_workers *workers;
    bool no_wait;
    gch_query_stats before; /* at the start of the frame */
} slot;

struct gch_chart {
    const gch_allocator *allocator;
    gch__scene scene;
    gch__raster *raster; /* made by the first frame that needs it */
    gch__gpu_executor *gpu;
    const gch_data *gpu_data; /* that `gpu` was made for ... */
    bool gpu_stays;           /* ... and whether its pictures stay on the device */
    gch_error no_gpu;         /* why there is none; GCH_OK: it was not asked for, or there is */
    gch_error no_auto;        /* why BACKEND_AUTO does not take the one that there is; or GCH_OK */
    gch_image image;
    gch_image left;   /* on the device, or not drawn: without pixels */
    gch__paint paint; /* made by the first frame of tables in the default look */
    gch__extent extents[GCH_SERIES_CAP];
    slot slots[GCH_SERIES_CAP];
    slot with_slots[GCH_SERIES_CAP];    /* what SPREAD takes away, if of another file */
    gch_query *queries[GCH_SERIES_CAP]; /* those of the slots, as the executor takes them */
};

gch_status gch_chart_make(const gch_allocator *allocator, gch_chart **out, gch_error *err)
{
    gch_chart *chart = gch__alloc_zero(allocator, 1, sizeof *chart, "chart");
    if (chart == NULL)
        return gch__no_memory(err, "chart");
    chart->allocator = allocator;
    chart->scene.allocator = allocator;
    *out = chart;
    return GCH_OK;
}

static void free_slot(slot *s)
{
    gch_query_destroy(s->query);
    *s = (slot){0};
}

void gch_chart_destroy(gch_chart *chart)
{
    if (chart == NULL)
        return;
    for (uint32_t i = 0; i < GCH_SERIES_CAP; i++) {
        free_slot(&chart->slots[i]);
        free_slot(&chart->with_slots[i]);
    }
    gch__gpu_executor_destroy(chart->gpu);
    gch__paint_reset(&chart->paint);
    gch__raster_destroy(chart->raster);
    gch__scene_reset(&chart->scene);
    gch_image_destroy(&chart->image, chart->allocator);
    gch__free(chart->allocator, chart, "chart");
}

/* What must hold before files and columns are touched; the layout checks the rest. */
static gch_status check_desc(const gch_chart_desc *desc, gch_error *err)
{
    if (desc->series_count == 0 || desc->series_count > GCH_SERIES_CAP || desc->series == NULL)
        return gch_fail(err, GCH_INVALID, "series_count: %u series, a chart has 1 to %u",
                        desc->series == NULL ? 0 : desc->series_count, GCH_SERIES_CAP);
    if ((uint32_t)desc->quality > GCH_QUALITY_PINNED)
        return gch_fail(err, GCH_INVALID, "quality: %u is none", (uint32_t)desc->quality);
    bool has_level = desc->quality_level >= 1 && desc->quality_level <= GCH_QUALITY_LEVELS;
    if (desc->quality == GCH_QUALITY_PINNED && !has_level)
        return gch_fail(err, GCH_INVALID, "quality_level: %u, there are 1 to %u",
                        desc->quality_level, GCH_QUALITY_LEVELS);
    if (!(desc->frame_budget_ms >= 0))
        return gch_fail(err, GCH_INVALID, "frame_budget_ms: %g", desc->frame_budget_ms);
    for (uint32_t i = 0; i < desc->series_count; i++) {
        const gch_chart_series *series = &desc->series[i];
        if (series->file == NULL)
            return gch_fail(err, GCH_INVALID, "series[%u].file: none given", i);
        const gch_file_info *info = gch_file_get_info(series->file);
        if (series->column >= info->column_count)
            return gch_fail(err, GCH_INVALID, "series[%u].column: %u, but %s has %u columns", i,
                            series->column, info->path, info->column_count);
    }
    return GCH_OK;
}

/* The slot's query is for this file (NULL: none) as the desc wants it. */
static gch_status prepare_slot(gch_chart *chart, slot *s, const gch_chart_desc *desc,
                               const gch_file *file, const gch_answers *answers, gch_error *err)
{
    if (s->query != NULL && (s->file != file || s->answers != answers ||
                             s->workers != desc->workers || s->no_wait != desc->no_wait))
        free_slot(s);
    if (file == NULL)
        return GCH_OK;
    if (s->query == NULL) {
        GCH_TRY(gch_query_make(file,
                               &(gch_query_desc){.workers = desc->workers,
                                                 .allocator = chart->allocator,
                                                 .keep_outside = true,
                                                 .no_wait = desc->no_wait,
                                                 .answers = answers},
                               &s->query, err));
        s->file = file;
        s->answers = answers;
        s->workers = desc->workers;
        s->no_wait = desc->no_wait;
    }
    s->before = gch_query_get_stats(s->query);
    return GCH_OK;
}

static gch_status prepare_queries(gch_chart *chart, const gch_chart_desc *desc, gch_error *err)
{
    for (uint32_t i = 0; i < GCH_SERIES_CAP; i++) {
        const gch_chart_series *series = i < desc->series_count ? &desc->series[i] : NULL;
        const gch_file *file = series != NULL ? series->file : NULL, *with = NULL;
        if (series != NULL && series->study.kind == GCH_STUDY_SPREAD && series->study.with != file)
            with = series->study.with;
        GCH_TRY(prepare_slot(chart, &chart->slots[i], desc, file,
                             file != NULL ? series->answers : NULL, err));
        GCH_TRY(prepare_slot(chart, &chart->with_slots[i], desc, with, NULL, err));
        chart->queries[i] = chart->slots[i].query;
    }
    return GCH_OK;
}

static gch_status prepare_image(gch_chart *chart, gch_error *err)
{
    const gch__scene *scene = &chart->scene;
    if (chart->image.width_px == scene->width_px && chart->image.height_px == scene->height_px)
        return GCH_OK;
    gch_image_destroy(&chart->image, chart->allocator);
    chart->image = (gch_image){0};
    return gch_image_make(scene->width_px, scene->height_px, chart->allocator, &chart->image, err);
}

/* ---- visible extents ---- */

static void include(gch__extent *extent, double value)
{
    gch_value as_value = {.kind = GCH_VALUE_F64, .as.f64 = value};
    if (!isfinite(value))
        return;
    if (extent->min.kind == GCH_VALUE_GAP || value < gch_value_to_double(extent->min))
        extent->min = as_value;
    if (extent->max.kind == GCH_VALUE_GAP || value > gch_value_to_double(extent->max))
        extent->max = as_value;
}

static bool is_joined(gch_mark mark)
{
    return mark == GCH_MARK_DEFAULT || mark == GCH_MARK_LINE || mark == GCH_MARK_STEP ||
           mark == GCH_MARK_AREA || mark == GCH_MARK_BAND;
}

static gch_status find_extent(gch_query *query, const gch_chart_series *series, uint32_t column,
                              int64_t from, int64_t to, gch__extent *out, gch_error *err)
{
    gch_join join = series->mark == GCH_MARK_STEP ? GCH_JOIN_STEP
                    : is_joined(series->mark)     ? GCH_JOIN_LINE
                                                  : GCH_JOIN_NONE;
    return gch_query_range(query, column, from, to, join, &out->min, &out->max, err);
}

/* A plane shows all of its points unless bounds are given. */
static void find_plane_extents(gch_chart *chart, const gch_chart_desc *desc)
{
    for (uint32_t i = 0; i < desc->series_count; i++) {
        const gch_file_info *info = gch_file_get_info(desc->series[i].file);
        const gch_column_info *x = &info->columns[info->x_column];
        const gch_column_info *y = &info->columns[info->y_column];
        chart->extents[i] =
            (gch__extent){.min = y->min, .max = y->max, .left = x->min, .right = x->max};
    }
}

/* Asked where the layout has a bound to fit, or says so if nothing is visible. */
static gch_status find_extents(gch_chart *chart, const gch_chart_desc *desc, int64_t from,
                               int64_t to, gch_error *err)
{
    for (uint32_t i = 0; i < desc->series_count; i++) {
        const gch_chart_series *series = &desc->series[i];
        gch__extent *extent = &chart->extents[i];
        gch_axis_desc axis = gch__chart_axis(desc, series->panel, series->axis);
        bool is_fixed = axis.has_bottom && axis.has_top;
        *extent = (gch__extent){0};
        if (series->study.kind != GCH_STUDY_NONE || (is_fixed && desc->is_bare))
            continue;
        GCH_TRY(find_extent(chart->queries[i], series, series->column, from, to, extent, err));
        if (series->mark == GCH_MARK_HISTOGRAM) {
            extent->left = extent->min;
            extent->right = extent->max;
            continue;
        }
        gch__extent high;
        if (series->mark != GCH_MARK_BAND)
            continue;
        GCH_TRY(find_extent(chart->queries[i], series, series->column_high, from, to, &high, err));
        include(extent, gch_value_to_double(high.min));
        include(extent, gch_value_to_double(high.max));
    }
    return GCH_OK;
}

/* ---- studies and volume ---- */

static double centre_of(const gch_study_point *p, int64_t from)
{
    return ((double)((__int128)p->t0 - from) + (double)((__int128)p->t1 - from)) / 2;
}

/* The values between two bars' middles a and b, b.x > a.x, within [0, width]. */
static void include_segment(gch__extent *extent, double ax, double ay, double bx, double by,
                            double width)
{
    double left = fmax(ax, 0), right = fmin(bx, width);
    if (!(left <= right) || !(bx > ax))
        return;
    include(extent, ay + (by - ay) * ((left - ax) / (bx - ax)));
    include(extent, ay + (by - ay) * ((right - ax) / (bx - ax)));
}

/* What is visible of a study whose bar width the layout has resolved. */
static gch_status find_study_extent(const gch__plot_series *series, const gch_view *view,
                                    gch_query *query, const gch_time_zone *zone,
                                    gch__extent *extent, gch_error *err)
{
    const gch_study_desc desc = {.kind = series->study.kind,
                                 .length = series->study.length,
                                 .width = series->bar_width,
                                 .zone = zone,
                                 .with = series->study.with,
                                 .with_column = series->study.with_column};
    const gch_study_point *points;
    uint32_t count;
    gch_status status =
        gch_query_study(query, series->column, &desc, view->t0, view->t1,
                        GCH__STUDY_BARS_PER_COLUMN * view->width_px, &points, &count, err);
    if (status == GCH_LIMIT || status == GCH_PENDING) {
        extent->is_too_fine = status == GCH_LIMIT;
        return GCH_OK;
    }
    GCH_TRY(status);
    double width = (double)((__int128)view->t1 - view->t0);
    for (uint32_t i = 0; i < count; i++) {
        double x = centre_of(&points[i], view->t0);
        if (x >= 0 && x <= width) {
            include(extent, points[i].low);
            include(extent, points[i].high);
        }
        if (i == 0)
            continue;
        double before = centre_of(&points[i - 1], view->t0);
        include_segment(extent, before, points[i - 1].low, x, points[i].low, width);
        include_segment(extent, before, points[i - 1].high, x, points[i].high, width);
    }
    return GCH_OK;
}

/* The sums that bars of volume show; what they are not known for stays as it is. */
static gch_status find_sum_extent(const gch__plot_series *series, const gch_view *view,
                                  gch_query *query, const gch_time_zone *zone, gch__extent *extent,
                                  gch_error *err)
{
    const gch_bar_sum *sums;
    uint32_t count;
    gch__extent known = {0};
    gch_status status = gch_query_sums(query, series->column, series->bar_width, zone, view->t0,
                                       view->t1, 2 * view->width_px, &sums, &count, err);
    if (status == GCH_LIMIT || status == GCH_PENDING)
        return GCH_OK;
    GCH_TRY(status);
    for (uint32_t i = 0; i < count; i++)
        if (!sums[i].is_pending)
            include(&known, sums[i].sum);
    if (known.min.kind != GCH_VALUE_GAP)
        *extent = known;
    return GCH_OK;
}

/* Of a histogram the horizontal axis shows the values, and the vertical one counts, which are known
 * when the bins are: extents come with their left and right first. */
static gch_status find_count_extent(const gch__plot_series *series, const gch__plot *plot,
                                    gch_query *query, gch__extent *io_extent, gch_error *err)
{
    gch_histogram histogram;
    uint64_t most = 0;
    GCH_TRY(gch_query_histogram(query, series->column, plot->view.t0, plot->view.t1,
                                plot->plane.left, plot->plane.right, series->bin_count, &histogram,
                                err));
    for (uint32_t i = 0; i < histogram.bin_count; i++)
        most = GCH_MAX(most, histogram.counts[i]);
    gch__extent counts = {.left = io_extent->left, .right = io_extent->right};
    if (most > 0) {
        include(&counts, 0);
        include(&counts, (double)most);
    }
    *io_extent = counts;
    return GCH_OK;
}

/* What is visible of a series whose values depend on its bars; *out_is_new is set for such. */
static gch_status find_bar_extent(gch_chart *chart, const gch_chart_desc *desc, uint32_t index,
                                  bool *out_is_new, gch_error *err)
{
    const gch__scene *scene = &chart->scene;
    const gch__plot_series *series = &scene->series[index];
    const gch_view *view = &scene->plots[series->plot].view;
    gch_axis_desc axis = gch__chart_axis(desc, desc->series[index].panel, desc->series[index].axis);
    bool is_study = series->study.kind != GCH_STUDY_NONE;
    bool is_sum = !is_study && series->mark == GCH_MARK_VOLUME && !desc->is_bare &&
                  !(axis.has_bottom && axis.has_top);
    bool is_count = series->mark == GCH_MARK_HISTOGRAM;
    *out_is_new = *out_is_new || is_study || is_sum || is_count;
    if (is_count)
        return find_count_extent(series, &scene->plots[series->plot], chart->queries[index],
                                 &chart->extents[index], err);
    if (is_study)
        return find_study_extent(series, view, chart->queries[index], scene->zone,
                                 &chart->extents[index], err);
    if (is_sum)
        return find_sum_extent(series, view, chart->queries[index], scene->zone,
                               &chart->extents[index], err);
    return GCH_OK;
}

/* Lays the chart out. What a histogram counts depends on its horizontal axis; which bars studies
 * and volume cover may depend on the plots' width, and that on the value labels: with such there is
 * a first layout without regard to their values, whose bars the second one keeps. */
static gch_status lay_out(gch_chart *chart, const gch_chart_desc *desc, int64_t from, int64_t to,
                          int64_t *io_query_ns, gch_error *err)
{
    gch__scene *scene = &chart->scene;
    gch_bar_width widths[GCH_SERIES_CAP];
    bool is_new = false;
    GCH_TRY(gch__scene_layout(scene, desc, from, to, chart->extents, err));
    int64_t start_ns = gch__clock_ns();
    for (uint32_t i = 0; i < desc->series_count; i++) {
        widths[i] = scene->series[i].bar_width;
        scene->series[i].study.with = chart->with_slots[i].query;
        GCH_TRY(find_bar_extent(chart, desc, i, &is_new, err));
    }
    *io_query_ns += gch__clock_ns() - start_ns;
    if (!is_new)
        return GCH_OK;
    GCH_TRY(gch__scene_layout(scene, desc, from, to, chart->extents, err));
    for (uint32_t i = 0; i < desc->series_count; i++) {
        scene->series[i].bar_width = widths[i];
        scene->series[i].study.with = chart->with_slots[i].query;
    }
    return GCH_OK;
}

/* ---- figures ---- */

static double ms_from_ns(int64_t ns)
{
    return (double)ns / 1e6;
}

/* What the slot's query has done in this frame. */
static void add_queries(const slot *s, gch_chart_stats *stats, uint64_t *asked, uint64_t *pending)
{
    if (s->query == NULL)
        return;
    gch_query_stats now = gch_query_get_stats(s->query);
    stats->blocks_decoded += now.blocks_decoded - s->before.blocks_decoded;
    stats->nodes_read += now.nodes_read - s->before.nodes_read;
    stats->bytes_read += now.bytes_read - s->before.bytes_read;
    *asked += now.columns_asked - s->before.columns_asked;
    *pending += now.columns_pending - s->before.columns_pending;
    /* A range or a list that awaited pages makes a picture of other bounds or another shape. */
    *asked += now.answers_pending - s->before.answers_pending;
    *pending += now.answers_pending - s->before.answers_pending;
}

static void fill_views(const gch__scene *scene, gch_chart_stats *stats)
{
    const gch__plot *first = &scene->plots[0];
    stats->view = first->view;
    stats->is_plane = scene->is_plane;
    stats->plane = first->plane;
    stats->plot_x_px = first->x_px;
    stats->plot_y_px = first->y_px;
    for (uint32_t i = 0; i < scene->plot_count; i++) {
        const gch__plot *plot = &scene->plots[i];
        gch_panel_stats *panel = &stats->panels[plot->panel];
        panel->x_px = plot->x_px;
        panel->y_px = plot->y_px;
        bool is_left = plot->side == GCH_AXIS_LEFT;
        *(is_left ? &panel->left : &panel->right) = plot->view;
        *(is_left ? &panel->has_left : &panel->has_right) = true;
        stats->panel_count = plot->panel + 1;
    }
}

/* Last, because counting rows is a search too. */
static gch_status fill_stats(gch_chart *chart, const gch_chart_desc *desc, gch_chart_stats *stats,
                             gch_error *err)
{
    const gch__scene *scene = &chart->scene;
    const gch_view *view = &scene->plots[0].view; /* all have the same times */
    fill_views(scene, stats);
    uint64_t asked = 0, pending = 0;
    for (uint32_t i = 0; i < desc->series_count; i++) {
        add_queries(&chart->slots[i], stats, &asked, &pending);
        add_queries(&chart->with_slots[i], stats, &asked, &pending);
        if (scene->is_plane) {
            gch_query_stats now = gch_query_get_stats(chart->queries[i]);
            stats->rows_visible += now.rows_visible - chart->slots[i].before.rows_visible;
            continue;
        }
        uint64_t rows;
        gch_status status =
            gch__query_rows_between(chart->queries[i], view->t0, view->t1, &rows, err);
        if (status == GCH_PENDING)
            continue;
        GCH_TRY(status);
        stats->rows_visible += rows;
    }
    double complete = asked > 0 ? 1 - (double)pending / (double)asked : 1;
    stats->complete = GCH_MIN(stats->complete, complete);
    return GCH_OK;
}

/* ---- executors ---- */

static void drop_gpu(gch_chart *chart)
{
    gch__gpu_executor_destroy(chart->gpu);
    chart->gpu = NULL;
}

static gch_status make_gpu(gch_chart *chart, const gch_chart_desc *desc, gch_error *err)
{
    /* What is shown by a device is drawn there in any case: as a draw it is so once. */
    gch__gpu_way way = desc->stays_on_device ? GCH__GPU_BY_DRAW : GCH__GPU_BY_MEASURE;
    gch__gpu_executor_desc its = {.allocator = chart->allocator, .data = desc->data, .way = way};
    chart->gpu_data = desc->data;
    chart->gpu_stays = desc->stays_on_device;
    return gch__gpu_executor_make(&its, &chart->gpu, err);
}

/* Sets drawn->adapter, texture, complete and quality_level. */
static gch_status draw_on_gpu(gch_chart *chart, const gch_chart_desc *desc, gch_chart_stats *drawn,
                              int64_t *out_query_ns, gch_error *err)
{
    if (chart->gpu_data != desc->data || chart->gpu_stays != desc->stays_on_device)
        drop_gpu(chart);
    if (chart->gpu == NULL)
        GCH_TRY(make_gpu(chart, desc, err));
    if (!desc->stays_on_device)
        GCH_TRY(prepare_image(chart, err));
    const char *software = gch__gpu_executor_get_software(chart->gpu);
    if (desc->backend == GCH_BACKEND_AUTO && software != NULL) {
        (void)!gch_fail(&chart->no_auto, GCH_UNSUPPORTED, "%s is an adapter in software", software);
        drop_gpu(chart);
        return gch_fail(err, GCH_UNSUPPORTED, "%s", chart->no_auto.message);
    }
    gch__gpu_executor_set_quality(chart->gpu,
                                  &(gch__quality_desc){.quality = desc->quality,
                                                       .level = desc->quality_level,
                                                       .budget_ms = desc->frame_budget_ms});
    gch__gpu_frame_stats stats;
    gch_status status = gch__gpu_executor_draw(chart->gpu, &chart->scene, chart->queries,
                                               desc->stays_on_device ? NULL : &chart->image, &stats,
                                               out_query_ns, err);
    if (status == GCH_OK) {
        if (desc->stays_on_device)
            drawn->texture = gch__gpu_executor_get_texture(chart->gpu);
        snprintf(drawn->adapter, sizeof drawn->adapter, "%s", stats.adapter);
        drawn->complete = stats.counted;
        drawn->quality_level = stats.quality_level;
    }
    if (status == GCH_DEVICE_LOST)
        drop_gpu(chart);
    return status;
}

/* What the processor can draw as well: there is no GPU, it is lost for good, its memory is too
 * small, or its pipelines are not there yet. */
static bool falls_back(gch_status status)
{
    return status == GCH_UNSUPPORTED || status == GCH_DEVICE_LOST || status == GCH_LIMIT ||
           status == GCH_PENDING;
}

static gch_status try_gpu(gch_chart *chart, const gch_chart_desc *desc, gch_chart_stats *drawn,
                          int64_t *out_query_ns, gch_error *err)
{
    if (chart->no_gpu.status != GCH_OK)
        return gch_fail(err, chart->no_gpu.status, "%s", chart->no_gpu.message);
    if (desc->backend == GCH_BACKEND_AUTO && chart->no_auto.status != GCH_OK)
        return gch_fail(err, chart->no_auto.status, "%s", chart->no_auto.message);
    gch_status status = draw_on_gpu(chart, desc, drawn, out_query_ns, err);
    if (status == GCH_DEVICE_LOST) /* a new device is given everything anew */
        status = draw_on_gpu(chart, desc, drawn, out_query_ns, err);
    bool is_refused = chart->no_auto.status != GCH_OK && desc->backend == GCH_BACKEND_AUTO;
    if ((status == GCH_UNSUPPORTED && !is_refused) || status == GCH_DEVICE_LOST) { /* not again */
        drop_gpu(chart);
        (void)!gch_fail(&chart->no_gpu, status, "%s", err->message);
    }
    return status;
}

static gch_status ensure_raster(gch_chart *chart, gch_error *err)
{
    return chart->raster != NULL ? GCH_OK : gch__raster_make(chart->allocator, &chart->raster, err);
}

/* Sets stats->backend, fallback, adapter, complete and quality_level. */
static gch_status draw(gch_chart *chart, const gch_chart_desc *desc, gch_chart_stats *stats,
                       int64_t *out_query_ns, gch_error *err)
{
    *out_query_ns = 0;
    stats->complete = 1;
    stats->quality_level = GCH_QUALITY_LEVELS;
    stats->backend = desc->backend == GCH_BACKEND_DEFAULT ? GCH_BACKEND_CPU : desc->backend;
    if (desc->backend == GCH_BACKEND_GPU || desc->backend == GCH_BACKEND_AUTO) {
        stats->backend = GCH_BACKEND_GPU;
        gch_error reason = {0};
        gch_status status = try_gpu(chart, desc, stats, out_query_ns, &reason);
        if (status == GCH_OK)
            return GCH_OK;
        if (!falls_back(status))
            return gch_fail(err, status, "%s", reason.message);
        stats->backend = GCH_BACKEND_CPU;
        snprintf(stats->fallback, sizeof stats->fallback, "%.*s", (int)sizeof stats->fallback - 1,
                 reason.message);
    }
    if (chart->gpu != NULL)
        gch__gpu_executor_forget(chart->gpu);
    GCH_TRY(prepare_image(chart, err));
    if (desc->backend == GCH_BACKEND_REFERENCE)
        return gch__raster_reference(&chart->scene, chart->allocator, &chart->image, err);
    GCH_TRY(ensure_raster(chart, err));
    return gch__raster_draw(chart->raster, &chart->scene, chart->queries, desc->workers,
                            &chart->image, out_query_ns, err);
}

/* ---- tables ---- */

static gch__words words_of(const gch__paint_table *table)
{
    return (gch__words){(const uint32_t *)(const void *)table->entries,
                        table->count * table->entry_bytes / sizeof(uint32_t)};
}

static gch_status make_strips(gch_chart *chart, gch__chart_tables *out, int64_t *out_query_ns,
                              gch_error *err)
{
    const gch__strip *strips;
    size_t count;
    GCH_TRY(gch__raster_strips(chart->raster, &chart->scene, chart->queries, &strips, &count,
                               out_query_ns, err));
    out->kind = GCH__TABLES_STRIPS;
    out->commands = (gch__words){(const uint32_t *)(const void *)strips,
                                 count * sizeof *strips / sizeof(uint32_t)};
    return GCH_OK;
}

static gch_status make_commands(gch_chart *chart, gch__chart_tables *out, int64_t *out_query_ns,
                                gch_error *err)
{
    gch__paint *paint = &chart->paint;
    bool is_same;
    if (paint->raster == NULL)
        GCH_TRY(gch__paint_init(paint, chart->allocator, chart->raster, NULL, err));
    GCH_TRY(gch__paint_begin(paint, &chart->scene, &is_same, err));
    GCH_TRY(gch__paint_add_marks(paint, &chart->scene, chart->queries, out_query_ns, err));
    GCH_TRY(gch__paint_list_quads(paint, err));
    *out = (gch__chart_tables){.kind = GCH__TABLES_COMMANDS,
                               .commands = words_of(&paint->commands),
                               .quads = words_of(&paint->quads),
                               .lists = words_of(&paint->lists),
                               .shapes = words_of(&paint->data),
                               .atlas = words_of(&paint->atlas)};
    return GCH_OK;
}

/* kind stays GCH__TABLES_NONE where only the processor draws. */
static gch_status make_tables(gch_chart *chart, gch__chart_tables *out, int64_t *out_query_ns,
                              gch_error *err)
{
    gch_error reason;
    *out = (gch__chart_tables){0};
    GCH_TRY(ensure_raster(chart, err));
    gch_status status =
        (chart->scene.is_bare ? make_strips : make_commands)(chart, out, out_query_ns, &reason);
    return status == GCH_OK || status == GCH_LIMIT ? GCH_OK
                                                   : gch_fail(err, status, "%s", reason.message);
}

/* ---- frames ---- */

/* Tables, if they are asked for and there are any; else the image. */
static gch_status draw_or_list(gch_chart *chart, const gch_chart_desc *desc,
                               gch__chart_tables *tables, gch_chart_stats *drawn,
                               int64_t *out_query_ns, gch_error *err)
{
    if (tables != NULL) {
        *drawn = (gch_chart_stats){
            .complete = 1, .quality_level = GCH_QUALITY_LEVELS, .backend = GCH_BACKEND_CPU};
        GCH_TRY(make_tables(chart, tables, out_query_ns, err));
        if (tables->kind != GCH__TABLES_NONE)
            return GCH_OK;
    }
    return draw(chart, desc, drawn, out_query_ns, err);
}

static gch_status make_frame(gch_chart *chart, const gch_chart_desc *desc,
                             gch__chart_tables *tables, const gch_image **out_image,
                             gch_chart_stats *stats, gch_error *err)
{
    int64_t start_ns = gch__clock_ns();
    GCH_TRY(check_desc(desc, err));
    int64_t from, to;
    GCH_TRY(gch__scene_time_range(desc, &from, &to, err));
    GCH_TRY(prepare_queries(chart, desc, err));

    int64_t extents_ns = gch__clock_ns();
    if (gch__chart_is_plane(desc))
        find_plane_extents(chart, desc);
    else
        GCH_TRY(find_extents(chart, desc, from, to, err));

    int64_t layout_ns = gch__clock_ns();
    int64_t lay_out_query_ns = 0;
    GCH_TRY(lay_out(chart, desc, from, to, &lay_out_query_ns, err));

    int64_t draw_ns = gch__clock_ns();
    int64_t query_ns = 0;
    gch_chart_stats drawn = {0};
    GCH_TRY(draw_or_list(chart, desc, tables, &drawn, &query_ns, err));

    int64_t end_ns = gch__clock_ns();
    if (stats != NULL) {
        *stats = drawn;
        stats->layout_ms =
            ms_from_ns(draw_ns - layout_ns - lay_out_query_ns + extents_ns - start_ns);
        stats->query_ms = ms_from_ns(layout_ns - extents_ns + lay_out_query_ns + query_ns);
        stats->raster_ms = ms_from_ns(end_ns - draw_ns - query_ns);
        stats->total_ms = ms_from_ns(end_ns - start_ns);
        GCH_TRY(fill_stats(chart, desc, stats, err));
    }
    bool has_pixels = drawn.texture == NULL && (tables == NULL || tables->kind == GCH__TABLES_NONE);
    chart->left =
        (gch_image){.width_px = chart->scene.width_px, .height_px = chart->scene.height_px};
    *out_image = has_pixels ? &chart->image : &chart->left;
    return GCH_OK;
}

gch_status gch_chart_frame(gch_chart *chart, const gch_chart_desc *desc,
                           const gch_image **out_image, gch_chart_stats *stats, gch_error *err)
{
    return make_frame(chart, desc, NULL, out_image, stats, err);
}

gch_status gch__chart_frame_tables(gch_chart *chart, const gch_chart_desc *desc,
                                   gch__chart_tables *out, const gch_image **out_image,
                                   gch_chart_stats *stats, gch_error *err)
{
    return make_frame(chart, desc, out, out_image, stats, err);
}

gch_status gch_chart_render(const gch_chart_desc *desc, gch_image *image, gch_chart_stats *stats,
                            gch_error *err)
{
    gch_chart *chart = NULL;
    const gch_image *frame = NULL;
    if (desc->stays_on_device)
        return gch_fail(err, GCH_INVALID, "stays_on_device: the picture is to be an image");
    GCH_TRY(gch_chart_make(desc->allocator, &chart, err));
    gch_status status = gch_chart_frame(chart, desc, &frame, stats, err);
    if (status == GCH_OK) {
        *image = chart->image;
        chart->image = (gch_image){0};
    }
    gch_chart_destroy(chart);
    return status;
}
