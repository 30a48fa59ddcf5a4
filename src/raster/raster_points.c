/* Points of a plane: discs while they are few, sized and coloured by their values; when they are
 * many, pixels by how many they hold, as those of a density, or by the largest value among them.
 *
 * Discs are drawn in stretches of one size and colour, the largest first, so that none hides behind
 * another for the order of its row. Which look a picture has depends on the view alone.
 */
#include "raster_state.h"
#include "scene_palette.h"

#include <math.h>
#include <stdlib.h>

#define DISC_CAP 20000u
#define SIZES 8u
#define SHADES 32u         /* of the ramp of values */
#define GREATEST_AREA 12.0 /* of a disc, over that of the smallest */
#define GRID_ROWS 16u

/* ---- colours ---- */

/* `way` 0 to 1. */
static uint32_t ramp_color(const gch__plot_series *series, double way)
{
    return gch__palette_color(series->palette, series->is_palette_reversed,
                              (uint32_t)(way * 255 + 0.5));
}

static uint32_t category_color(const gch__plot_series *series, double value)
{
    double index = fmod(floor(value), series->category_count);
    return series->categories[(uint32_t)(index < 0 ? index + series->category_count : index)];
}

/* ---- values ---- */

/* The range of a column, 1 wide at least; false if it has no values. */
static bool column_range(const gch__plot_series *series, uint32_t column, double *out_low,
                         double *out_span)
{
    const gch_column_info *info = &gch_file_get_info(series->file)->columns[column];
    if (!gch_value_is_drawn(info->min) || !gch_value_is_drawn(info->max))
        return false;
    *out_low = gch_value_to_double(info->min);
    double span = gch_value_to_double(info->max) - *out_low;
    *out_span = span > 0 && isfinite(span) ? span : 1;
    return true;
}

static gch_decimal decimal_of(gch_value value)
{
    if (value.kind == GCH_VALUE_DECIMAL)
        return (gch_decimal){value.as.digits, -(int32_t)value.scale};
    return gch_decimal_from_double(gch_value_to_double(value));
}

/* ---- discs ---- */

typedef struct gch__disc {
    float x, y;
    uint32_t size; /* 0 to SIZES - 1 */
    uint32_t color;
} gch__disc;

typedef gch__disc disc;

static int compare_discs(const void *a, const void *b)
{
    const disc *p = a, *q = b;
    if (p->size != q->size)
        return p->size < q->size ? 1 : -1;
    if (p->color != q->color)
        return p->color < q->color ? -1 : 1;
    if (p->x != q->x)
        return p->x < q->x ? -1 : 1;
    return (p->y > q->y) - (p->y < q->y);
}

static float diameter_of(const gch__plot_series *series, uint32_t size)
{
    return series->width * (float)sqrt(1 + (GREATEST_AREA - 1) * size / (SIZES - 1));
}

static gch_status read_values(const gch__mark_job *job, uint32_t by, const gch_plane_point *points,
                              uint32_t count, gch_value *out, gch_error *err)
{
    int64_t start = gch__clock_ns();
    gch_status status = gch_query_plane_values(job->query, by - 1, points, count, out, err);
    job->raster->query_ns += gch__clock_ns() - start;
    return status;
}

/* What lacks a value is small, and has the series' own colour. */
static gch_status set_looks(const gch__mark_job *job, const gch_plane_point *points, uint32_t count,
                            disc *discs, gch_value *values, gch_error *err)
{
    const gch__plot_series *series = job->series;
    double low, span;
    if (series->size_by != 0 && column_range(series, series->size_by - 1, &low, &span)) {
        GCH_TRY(read_values(job, series->size_by, points, count, values, err));
        for (uint32_t i = 0; i < count; i++) {
            double way = (gch_value_to_double(values[i]) - low) / span;
            discs[i].size = way > 0 ? (uint32_t)fmin(way * SIZES, SIZES - 1) : 0;
        }
    }
    if (series->color_by != 0 && column_range(series, series->color_by - 1, &low, &span)) {
        GCH_TRY(read_values(job, series->color_by, points, count, values, err));
        for (uint32_t i = 0; i < count; i++) {
            double way = (gch_value_to_double(values[i]) - low) / span;
            if (way >= 0)
                discs[i].color =
                    ramp_color(series, floor(fmin(way, 1) * (SHADES - 1) + 0.5) / (SHADES - 1));
        }
    }
    if (series->category_by != 0) {
        GCH_TRY(read_values(job, series->category_by, points, count, values, err));
        for (uint32_t i = 0; i < count; i++)
            if (gch_value_is_drawn(values[i]))
                discs[i].color = category_color(series, gch_value_to_double(values[i]));
    }
    return GCH_OK;
}

static void draw_stretches(const gch__mark_job *job, const disc *discs, uint32_t count)
{
    gch_point *path = job->raster->path;
    float opacity = gch__mark_disc_opacity(job, count);
    for (uint32_t i = 0; i < count; i++)
        path[i] = (gch_point){.x = discs[i].x, .y = discs[i].y, .starts_run = true};
    for (uint32_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && discs[end].size == discs[first].size &&
                              discs[end].color == discs[first].color;)
            end++;
        gch__mark_pass(job, &(gch__band_pass){.kind = GCH__BAND_DISCS,
                                              .points = path + first,
                                              .count = end - first,
                                              .width = diameter_of(job->series, discs[first].size),
                                              .opacity = opacity,
                                              .row_colors = &discs[first].color});
    }
}

static gch_status draw_discs(const gch__mark_job *job, const gch_plane_point *points,
                             uint32_t count, gch_error *err)
{
    gch__raster *raster = job->raster;
    GCH_TRY(gch__mark_reserve_path(job, count, 1, err));
    GCH_TRY(gch__ensure(raster->allocator, (void **)&raster->discs, &raster->disc_cap, count,
                        sizeof *raster->discs, "discs", err));
    GCH_TRY(gch__ensure(raster->allocator, (void **)&raster->disc_values, &raster->disc_value_cap,
                        count, sizeof *raster->disc_values, "discs", err));
    disc *discs = raster->discs;
    for (uint32_t i = 0; i < count; i++)
        discs[i] = (disc){points[i].x, points[i].y, 0, job->series->color};
    GCH_TRY(set_looks(job, points, count, discs, raster->disc_values, err));
    qsort(discs, count, sizeof *discs, compare_discs);
    draw_stretches(job, discs, count);
    return GCH_OK;
}

/* ---- pixels ---- */

typedef struct level_paint {
    const gch__target *plot;
    const uint32_t *cells;
    const uint32_t *pixels; /* of the levels */
} level_paint;

static void paint_rows(void *context, size_t task, uint32_t worker)
{
    (void)worker;
    const level_paint *p = context;
    size_t height = p->plot->height_px, end = GCH_MIN((task + 1) * GRID_ROWS, height);
    for (size_t y = task * GRID_ROWS; y < end; y++) {
        uint32_t *pixels = p->plot->pixels + y * p->plot->stride_px;
        for (size_t x = 0; x < p->plot->width_px; x++) {
            uint32_t level = p->cells[x * height + y];
            pixels[x] = level != 0 ? p->pixels[level] : pixels[x];
        }
    }
}

/* Values from the column's smallest to its largest; a lone one has the ramp's high end. */
static void set_ramp(const gch__plot_series *series, const gch_column_info *info, gch_plane *plane,
                     uint32_t *colors)
{
    double low = gch_value_to_double(info->min);
    plane->low = decimal_of(info->min);
    plane->high = decimal_of(info->max);
    if (low >= gch_value_to_double(info->max))
        plane->low = gch_decimal_from_double(low - fmax(fabs(low), 1));
    for (uint32_t level = 1; level <= GCH_LEVELS; level++)
        colors[level] = ramp_color(series, (level - 1.0) / (GCH_LEVELS - 1));
}

/* A step a category, from the least on. */
static void set_categories(const gch__plot_series *series, const gch_column_info *info,
                           gch_plane *plane, uint32_t *colors)
{
    double least = fmin(fmax(floor(gch_value_to_double(info->min)), -9e15), 9e15);
    plane->low = (gch_decimal){(int64_t)least - 1, 0};
    plane->high = (gch_decimal){(int64_t)least - 1 + GCH_LEVELS, 0};
    for (uint32_t level = 1; level <= GCH_LEVELS; level++)
        colors[level] = category_color(series, least + level - 1);
}

static gch_status ask(const gch__mark_job *job, const gch_plane *plane, gch_grid_kind kind,
                      gch_grid *out, gch_error *err)
{
    int64_t start = gch__clock_ns();
    gch_status status = gch_query_grid(job->query, plane, kind, out, err);
    job->raster->query_ns += gch__clock_ns() - start;
    return status;
}

static gch_status draw_levels(const gch__mark_job *job, uint32_t by, gch_error *err)
{
    const gch__plot_series *series = job->series;
    const gch_column_info *info = &gch_file_get_info(series->file)->columns[by - 1];
    gch_plane plane = *job->plane;
    uint32_t colors[GCH_LEVELS + 1];
    gch_grid grid;
    plane.value_column = by - 1;
    if (series->category_by != 0)
        set_categories(series, info, &plane, colors);
    else
        set_ramp(series, info, &plane, colors);
    for (uint32_t level = 1; level <= GCH_LEVELS; level++)
        colors[level] = gch__pixel_from_rgba(colors[level]) | 0xFF000000u;
    if (job->painter != NULL && job->painter->levels == NULL)
        return gch_fail(err, GCH_LIMIT, "more points in view than are coloured one by one");
    if (job->painter != NULL)
        return job->painter->levels(job->painter->context, &plane, colors, err);
    GCH_TRY(ask(job, &plane, GCH_GRID_LEVELS, &grid, err));
    level_paint p = {&job->plot, grid.cells, colors};
    gch__parallel_for(job->workers, (job->plot.height_px + GRID_ROWS - 1) / GRID_ROWS, paint_rows,
                      &p);
    return GCH_OK;
}

static gch_status draw_counts(const gch__mark_job *job, gch_error *err)
{
    gch_grid grid;
    if (job->painter != NULL) {
        job->painter->counts(job->painter->context);
        return GCH_OK;
    }
    GCH_TRY(ask(job, job->plane, GCH_GRID_COUNTS, &grid, err));
    gch_density density = {
        .width_px = grid.width_px, .height_px = grid.height_px, .counts = grid.cells};
    return gch__mark_draw_counts(job, &density, err);
}

static gch_status draw_grid(const gch__mark_job *job, gch_error *err)
{
    const gch__plot_series *series = job->series;
    uint32_t by = series->category_by != 0 ? series->category_by : series->color_by;
    double low, span;
    if (by != 0 && column_range(series, by - 1, &low, &span))
        return draw_levels(job, by, err);
    return draw_counts(job, err);
}

gch_status gch__mark_draw_points(const gch__mark_job *job, gch_error *err)
{
    const gch_plane_point *points;
    uint32_t count;
    float reach = diameter_of(job->series, job->series->size_by != 0 ? SIZES - 1 : 0) / 2 + 1;
    int64_t start = gch__clock_ns();
    gch_status status =
        gch_query_plane_points(job->query, job->plane, reach, DISC_CAP, &points, &count, err);
    job->raster->query_ns += gch__clock_ns() - start;
    if (status == GCH_OK)
        return draw_discs(job, points, count, err);
    return status == GCH_LIMIT || status == GCH_PENDING ? draw_grid(job, err) : status;
}
