/* What a gch__raster keeps from frame to frame, and the marks that draw with it. */
#ifndef GCH_RASTER_STATE_H
#define GCH_RASTER_STATE_H

#include "raster.h"
#include "raster_bare_marks.h"
#include "raster_blend.h"
#include "raster_prims.h"

/* Scratch only grows; "per worker" arrays hold gch_workers_count() equal parts. */
struct gch__raster {
    const gch_allocator *allocator;
    gch__glyph_cache *glyphs;
    gch__text_curves curves;
    gch_point *path;
    size_t path_cap;
    gch_point *dashes;
    size_t dash_cap;
    gch_point *upper, *lower; /* edges of a band */
    size_t upper_cap, lower_cap;
    void *column_edges; /* raster_band.c */
    size_t column_edge_cap;
    uint8_t *masks; /* per worker: GCH__BAND_PX columns; all zero between series */
    size_t mask_cap;
    float *sums; /* per worker: rows + 2 */
    size_t sum_cap;
    uint16_t *bare_masks; /* per worker: gch__bare_scratch() */
    size_t bare_mask_cap;
    gch__strip *strips;
    size_t strip_cap;
    uint32_t *row_colors;
    size_t row_color_cap;
    gch_bar *bars; /* a copy, while the query answers something else */
    size_t bar_cap;
    float *spacings;
    size_t spacing_cap;
    struct gch__tone *tones; /* per worker (raster_tone.h) */
    size_t tone_cap;
    struct gch__disc *discs; /* raster_points.c */
    size_t disc_cap;
    gch_value *disc_values;
    size_t disc_value_cap;
    gch_columns bare_columns[GCH_SERIES_CAP];
    gch__bare_room bare_rooms[GCH_SERIES_CAP];
    int64_t query_ns; /* spent in queries in this frame */
};

/* Takes what marks consist of, in order, instead of the plot's pixels: for executors that draw
 * elsewhere. What is pointed to lives for the call. `box`: as gch__fill_pixels of the plot. */
struct gch__band_pass;
typedef struct gch__mark_painter {
    void *context;
    void (*pass)(void *context, const struct gch__band_pass *pass);
    void (*box)(void *context, int64_t x0, int64_t y0, int64_t x1, int64_t y1, uint32_t rgba);
    void (*counts)(
        void *context); /* gch__mark_draw_counts of points of a plane: it counts itself */
} gch__mark_painter;

/* One series being drawn. */
typedef struct gch__mark_job {
    gch__raster *raster;
    gch_workers *workers;
    gch__target plot; /* the plot's pixels: nothing is drawn outside of them */
    const gch_view *view;
    const gch_plane *plane; /* POINTS */
    const gch__plot_series *series;
    const gch_time_zone *zone;
    gch_query *query;
    float baseline_y, scale;
    const gch__mark_painter *painter; /* NULL: `plot` is drawn on */
} gch__mark_job;

/* GCH_CORRUPT, GCH_NO_MEMORY; GCH_INVALID from a query. */
GCH_CHECKED gch_status gch__mark_draw(const gch__mark_job *job, gch_error *err);
GCH_CHECKED gch_status gch__mark_draw_candles(const gch__mark_job *job, gch_error *err);
GCH_CHECKED gch_status gch__mark_draw_band(const gch__mark_job *job, gch_error *err);
GCH_CHECKED gch_status gch__mark_draw_volume(const gch__mark_job *job, gch_error *err);
GCH_CHECKED gch_status gch__mark_draw_histogram(const gch__mark_job *job, gch_error *err);
GCH_CHECKED gch_status gch__mark_draw_bars(const gch__mark_job *job, gch_error *err);
/* Without a painter: executors that draw elsewhere count for themselves. */
GCH_CHECKED gch_status gch__mark_draw_density(const gch__mark_job *job, gch_error *err);
/* Counts of the plot's pixels in the colours of the series' palette. */
GCH_CHECKED gch_status gch__mark_draw_counts(const gch__mark_job *job, const gch_density *density,
                                             gch_error *err);
/* Adds the counts to what a bare picture holds; white stays white. */
GCH_CHECKED gch_status gch__bare_add_density(gch__raster *raster, gch__target target,
                                             const gch__plot_series *series, const gch_view *view,
                                             gch_query *query, gch_error *err);
GCH_CHECKED gch_status gch__mark_draw_points(const gch__mark_job *job, gch_error *err);

/* series->study instead of the mark. */
GCH_CHECKED gch_status gch__mark_draw_study(const gch__mark_job *job, gch_error *err);
gch_study_desc gch__mark_study_desc(const gch__mark_job *job);

/* Of that many discs of the series. */
float gch__mark_disc_opacity(const gch__mark_job *job, size_t count);

/* Up to so many points a column a path goes through the points themselves. */
#define GCH__POINTS_PER_COLUMN 4u

/* The query's points; *out_points is NULL if there are more than cap. */
GCH_CHECKED gch_status gch__mark_points(const gch__mark_job *job, uint32_t cap,
                                        const gch_point **out_points, uint32_t *out_count,
                                        gch_error *err);
GCH_CHECKED gch_status gch__mark_columns(const gch__mark_job *job, gch_join join, gch_columns *out,
                                         gch_error *err);
/* The query's bars; *out_bars is NULL if there are more than cap. */
GCH_CHECKED gch_status gch__mark_bars(const gch__mark_job *job, uint32_t cap,
                                      const gch_bar **out_bars, uint32_t *out_count,
                                      gch_error *err);
/* Room for `per_piece` points for each of the columns' pieces in raster->path. */
GCH_CHECKED gch_status gch__mark_reserve_path(const gch__mark_job *job, size_t pieces,
                                              size_t per_piece, gch_error *err);

typedef enum gch__band_kind {
    GCH__BAND_STROKE = 1,
    GCH__BAND_DISCS = 2,
    GCH__BAND_AREA = 3,
    GCH__BAND_BETWEEN = 4,
} gch__band_kind;

/* One pass over the plot, band by band, on all workers. */
typedef struct gch__band_pass {
    gch__band_kind kind;
    const gch_point *points;
    const gch_point *lower; /* BETWEEN: as many, at the same x, not above `points` */
    size_t count;
    float width;   /* or diameter */
    float opacity; /* of one disc */
    const uint32_t *row_colors;
    size_t color_step;
} gch__band_pass;

/* Strokes a path with the series' colour, width and dashes. is_sparse: it goes through the points
 * themselves, at most one a column. The path is not raster->dashes. GCH_NO_MEMORY. */
GCH_CHECKED gch_status gch__mark_stroke(const gch__mark_job *job, const gch_point *points,
                                        size_t count, bool is_sparse, gch_error *err);
void gch__mark_pass(const gch__mark_job *job, const gch__band_pass *pass);
/* gch__fill_pixels of the plot. */
void gch__mark_box(const gch__mark_job *job, int64_t x0, int64_t y0, int64_t x1, int64_t y1,
                   uint32_t rgba);

#endif
