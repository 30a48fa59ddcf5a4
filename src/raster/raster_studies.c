/* Studies: a stroke through their values, a band between the two edges of a channel.
 *
 * Invariants:
 *  1. Bars far outside the plot are drawn as far as just outside of it: their segments are cut in
 *     doubles, so that floats keep the line's direction.
 *  2. A path has at most GCH__PATH_THIN_POINTS points a column, however many bars there are.
 *  3. The edges of a channel have the same x, point by point.
 */
#include "raster_state.h"
#include "raster_stroke.h"
#include "raster_view.h"

static gch_point point_at(double x, double y)
{
    return (gch_point){.x = (float)x, .y = (float)y};
}

/* The line through the values as a path of at most `count` points. */
static size_t make_path(const gch_view *view, const gch_study_point *points, uint32_t count,
                        bool is_high, gch_point *out)
{
    gch__value_map map = gch__value_map_make(view);
    size_t used = 0;
    double from = 0, from_y = 0;
    for (uint32_t i = 0; i < count; i++) {
        double to = gch__bar_x(view, points[i].t0, points[i].t1), shares[2];
        double to_y = gch__value_y(&map, is_high ? points[i].high : points[i].low);
        if (count == 1)
            out[used++] = point_at(fmin(fmax(to, -1e6), 1e6), to_y);
        if (i > 0 && gch__study_stretch(view, from, to, shares)) {
            double way = to - from, way_y = to_y - from_y;
            if (used == 0)
                out[used++] = point_at(from + way * shares[0], from_y + way_y * shares[0]);
            out[used++] = point_at(shares[1] < 1 ? from + way * shares[1] : to,
                                   shares[1] < 1 ? from_y + way_y * shares[1] : to_y);
        }
        from = to;
        from_y = to_y;
    }
    if (used > 0)
        out[0].starts_run = true;
    return used;
}

static void stroke(const gch__mark_job *job, const gch_point *points, size_t count)
{
    gch__mark_pass(job, &(gch__band_pass){.kind = GCH__BAND_STROKE,
                                          .points = points,
                                          .count = count,
                                          .width = job->series->width,
                                          .row_colors = &job->series->color});
}

gch_study_desc gch__mark_study_desc(const gch__mark_job *job)
{
    const gch__plot_study *study = &job->series->study;
    return (gch_study_desc){.kind = study->kind,
                            .length = study->length,
                            .width = job->series->bar_width,
                            .zone = job->zone,
                            .with = study->with,
                            .with_column = study->with_column};
}

static gch_status find_points(const gch__mark_job *job, const gch_study_point **out_points,
                              uint32_t *out_count, gch_error *err)
{
    const gch_study_desc desc = gch__mark_study_desc(job);
    gch_error detail;
    int64_t start = gch__clock_ns();
    gch_status status = gch_query_study(
        job->query, job->series->column, &desc, job->view->t0, job->view->t1,
        GCH__STUDY_BARS_PER_COLUMN * job->view->width_px, out_points, out_count, &detail);
    job->raster->query_ns += gch__clock_ns() - start;
    if (status == GCH_LIMIT || status == GCH_PENDING) { /* the legend, or the figures, say so */
        *out_count = 0;
        return GCH_OK;
    }
    if (status != GCH_OK && err != NULL)
        *err = detail;
    return status;
}

gch_status gch__mark_draw_study(const gch__mark_job *job, gch_error *err)
{
    const gch_study_point *points;
    uint32_t count;
    GCH_TRY(find_points(job, &points, &count, err));
    if (count == 0)
        return GCH_OK;
    GCH_TRY(gch__mark_reserve_path(job, count, 2, err));
    gch_point *path = job->raster->path, *lower = path + count;
    bool is_range = job->series->study.kind == GCH_STUDY_RANGE;
    size_t used = make_path(job->view, points, count, true, path);
    if (is_range)
        (void)make_path(job->view, points, count, false, lower);
    if (used > (size_t)job->view->width_px * GCH__STUDY_POINTS_PER_COLUMN)
        used = gch__path_thin(path, is_range ? lower : NULL, used);
    if (is_range) {
        gch__mark_pass(job, &(gch__band_pass){.kind = GCH__BAND_BETWEEN,
                                              .points = path,
                                              .lower = lower,
                                              .count = used,
                                              .row_colors = &job->series->fill_color});
        stroke(job, lower, used);
    }
    stroke(job, path, used);
    return GCH_OK;
}
