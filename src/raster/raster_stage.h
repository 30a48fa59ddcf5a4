/* Scenes made by hand, for tests of the CPU executor. The query room is played by this file: its
 * functions hand out what the test has put into a gch_query. One test includes it once. */
#ifndef GCH_RASTER_STAGE_H
#define GCH_RASTER_STAGE_H

#include "query_spans.h"
#include "raster.h"
#include "test.h"

#include <math.h>

/* ---- the query room's part ---- */

struct gch_query {
    const gch_point *points;
    uint32_t point_count;
    const gch_bar *bars;
    uint32_t bar_count;
    const gch_study_point *study_points;
    uint32_t study_count;
    const gch_bar_sum *sums;
    uint32_t sum_count;
    gch_columns columns;
    const gch__bar_span *spans;
    const gch__hull *hulls; /* of the spans, or of the columns */
    uint32_t span_count;
    gch_join asked_join;
    gch_status failure; /* given by every call */
};

static inline gch_status answer(const gch_query *query, gch_error *err)
{
    if (query->failure != GCH_OK)
        return gch_fail(err, query->failure, "page 7 is damaged");
    return GCH_OK;
}

gch_status gch_query_points(gch_query *query, uint32_t column, const gch_view *view,
                            uint32_t point_cap, const gch_point **out_points, uint32_t *out_count,
                            gch_error *err)
{
    (void)column;
    (void)view;
    GCH_TRY(answer(query, err));
    if (query->points == NULL || query->point_count > point_cap)
        return gch_fail(err, GCH_LIMIT, "too many points");
    *out_points = query->points;
    *out_count = query->point_count;
    return GCH_OK;
}

gch_status gch_query_columns(gch_query *query, uint32_t column, const gch_view *view, gch_join join,
                             gch_columns *out, gch_error *err)
{
    (void)column;
    GCH_TRY(answer(query, err));
    assert_int_equal(query->columns.width_px, view->width_px);
    query->asked_join = join;
    *out = query->columns;
    return GCH_OK;
}

gch_status gch_query_bars(gch_query *query, uint32_t column, gch_bar_width width,
                          const gch_time_zone *zone, int64_t t0, int64_t t1, uint32_t bar_cap,
                          const gch_bar **out_bars, uint32_t *out_count, gch_error *err)
{
    (void)column;
    (void)width;
    (void)zone;
    (void)t0;
    (void)t1;
    GCH_TRY(answer(query, err));
    if (query->bars == NULL || query->bar_count > bar_cap)
        return gch_fail(err, GCH_LIMIT, "too many bars");
    *out_bars = query->bars;
    *out_count = query->bar_count;
    return GCH_OK;
}

gch_status gch__query_span_hulls(gch_query *query, uint32_t column, const gch_view *view,
                                 gch_bar_width width, const gch_time_zone *zone,
                                 const gch__bar_span **out_spans, const gch__hull **out_hulls,
                                 uint32_t *out_count, gch_error *err)
{
    (void)column, (void)view, (void)width, (void)zone;
    GCH_TRY(answer(query, err));
    *out_spans = query->spans;
    *out_hulls = query->hulls;
    *out_count = query->span_count;
    return GCH_OK;
}

gch_status gch__query_column_hulls(gch_query *query, uint32_t column, const gch_view *view,
                                   gch_join join, const gch__hull **out_hulls, gch_error *err)
{
    (void)column, (void)view;
    GCH_TRY(answer(query, err));
    query->asked_join = join;
    *out_hulls = query->hulls;
    return GCH_OK;
}

int32_t gch__baseline_row(const gch_view *view)
{
    return (int32_t)view->height_px / 2;
}

gch_status gch_query_study(gch_query *query, uint32_t column, const gch_study_desc *study,
                           int64_t t0, int64_t t1, uint32_t point_cap,
                           const gch_study_point **out_points, uint32_t *out_count, gch_error *err)
{
    (void)column;
    (void)study;
    (void)t0;
    (void)t1;
    GCH_TRY(answer(query, err));
    if (query->study_count > point_cap)
        return gch_fail(err, GCH_LIMIT, "too many bars");
    *out_points = query->study_points;
    *out_count = query->study_count;
    return GCH_OK;
}

gch_status gch_query_sums(gch_query *query, uint32_t column, gch_bar_width width,
                          const gch_time_zone *zone, int64_t t0, int64_t t1, uint32_t bar_cap,
                          const gch_bar_sum **out_sums, uint32_t *out_count, gch_error *err)
{
    (void)column;
    (void)width;
    (void)zone;
    (void)t0;
    (void)t1;
    GCH_TRY(answer(query, err));
    if (query->sums == NULL || query->sum_count > bar_cap)
        return gch_fail(err, GCH_LIMIT, "too many bars");
    *out_sums = query->sums;
    *out_count = query->sum_count;
    return GCH_OK;
}

/* ---- scenes ---- */

#define WIDTH 200u
#define HEIGHT 120u
#define PLOT_X 20u
#define PLOT_Y 10u
#define PLOT_WIDTH 160u
#define PLOT_HEIGHT 100u
#define WHITE 0xFFFFFFFFu
#define COLUMN_PIECES 2u

typedef struct counted_heap {
    size_t alive, made, made_cap;
} counted_heap;

static inline void *counted_resize(void *context, void *old, size_t bytes, const char *purpose)
{
    counted_heap *heap = context;
    (void)purpose;
    if (bytes == 0) {
        heap->alive -= old != NULL;
        free(old);
        return NULL;
    }
    if (heap->made >= heap->made_cap)
        return NULL;
    heap->made++;
    heap->alive += old == NULL;
    return realloc(old, bytes);
}

/* A plot of times 0-160 and values 0-100, so that a pixel is a tick wide and a value high. */
typedef struct stage {
    gch__scene scene;
    gch__plot_series *series; /* the scene's */
    gch_query query;
    gch_image image;
    uint32_t first[PLOT_WIDTH + 1];
    gch_piece pieces[PLOT_WIDTH * COLUMN_PIECES];
    gch__hull hulls[PLOT_WIDTH];
} stage;

static inline stage *make_stage(gch_mark mark)
{
    gch_error err;
    stage *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->scene = (gch__scene){.width_px = WIDTH,
                            .height_px = HEIGHT,
                            .scale = 1,
                            .background = WHITE,
                            .plots = {{.x_px = PLOT_X,
                                       .y_px = PLOT_Y,
                                       .view = {.t0 = 0,
                                                .t1 = PLOT_WIDTH,
                                                .bottom = {0, 0},
                                                .top = {PLOT_HEIGHT, 0},
                                                .width_px = PLOT_WIDTH,
                                                .height_px = PLOT_HEIGHT},
                                       .baseline_y = PLOT_HEIGHT}},
                            .plot_count = 1,
                            .series_count = 1};
    s->series = &s->scene.series[0];
    *s->series = (gch__plot_series){.mark = mark,
                                    .color = 0x0000FFFFu,
                                    .up_color = 0x00FF00FFu,
                                    .down_color = 0xFF0000FFu,
                                    .fill_color = 0x0000FF80u,
                                    .fill_base_color = 0x0000FF00u,
                                    .width = 2};
    assert_ok(gch_image_make(WIDTH, HEIGHT, NULL, &s->image, &err));
    /* Every column: a tall piece and, above the view, one that is not seen. */
    for (uint32_t c = 0; c < PLOT_WIDTH; c++) {
        float top = (float)(10 + c % 7), bottom = (float)(60 + c % 11);
        s->first[c] = c * COLUMN_PIECES;
        s->pieces[c * COLUMN_PIECES] = (gch_piece){.row_top = (int32_t)top,
                                                   .row_bottom = (int32_t)bottom,
                                                   .y_top = top,
                                                   .y_bottom = bottom,
                                                   .y_left = 30,
                                                   .y_right = 30};
        s->pieces[c * COLUMN_PIECES + 1] = (gch_piece){.row_top = 1,
                                                       .row_bottom = 0,
                                                       .y_top = -90,
                                                       .y_bottom = -80,
                                                       .y_left = NAN,
                                                       .y_right = NAN};
        s->hulls[c] = (gch__hull){.top = -1, .bottom = (int32_t)bottom};
    }
    s->query.hulls = s->hulls;
    s->first[PLOT_WIDTH] = PLOT_WIDTH * COLUMN_PIECES;
    s->query.columns =
        (gch_columns){.width_px = PLOT_WIDTH, .first = s->first, .pieces = s->pieces};
    return s;
}

static inline void free_stage(stage *s)
{
    gch_image_destroy(&s->image, NULL);
    free(s);
}

static inline gch_status draw_with(stage *s, gch__raster *raster, gch_workers *workers,
                                   gch_error *err)
{
    int64_t query_ns;
    return gch__raster_draw(raster, &s->scene, (gch_query *const[]){&s->query}, workers, &s->image,
                            &query_ns, err);
}

static inline void draw(stage *s)
{
    gch_error err;
    gch__raster *raster = NULL;
    assert_ok(gch__raster_make(NULL, &raster, &err));
    memset(s->image.pixels, 0x77, (size_t)WIDTH * HEIGHT * 4);
    assert_ok(draw_with(s, raster, NULL, &err));
    gch__raster_destroy(raster);
}

/* A pixel of the plot. */
static inline uint32_t plot_pixel(const stage *s, uint32_t x, uint32_t y)
{
    return s->image.pixels[(PLOT_Y + y) * WIDTH + PLOT_X + x];
}

static inline void assert_pixel(const stage *s, uint32_t x, uint32_t y, uint32_t expected)
{
    if (plot_pixel(s, x, y) != expected)
        fail_msg("plot pixel (%u, %u): %08x, expected %08x", x, y, plot_pixel(s, x, y), expected);
}

static inline void assert_nothing_outside_of_the_plot(const stage *s)
{
    for (uint32_t y = 0; y < HEIGHT; y++)
        for (uint32_t x = 0; x < WIDTH; x++)
            if ((x < PLOT_X || x >= PLOT_X + PLOT_WIDTH || y < PLOT_Y ||
                 y >= PLOT_Y + PLOT_HEIGHT) &&
                s->image.pixels[y * WIDTH + x] != WHITE)
                fail_msg("pixel (%u, %u) is %08x", x, y, s->image.pixels[y * WIDTH + x]);
}

static const gch_mark marks[] = {GCH_MARK_LINE, GCH_MARK_STEP, GCH_MARK_AREA,   GCH_MARK_CANDLES,
                                 GCH_MARK_OHLC, GCH_MARK_BARS, GCH_MARK_SCATTER};

#define BLUE 0xFFFF0000u
#define GREEN 0xFF00FF00u
#define RED 0xFF0000FFu

/* Points, and bars, that reach beyond the plot on all sides. */
static const gch_point wild_points[] = {{-1e9f, 50, true}, {-3, -40, false},    {20, 150, false},
                                        {40, -40, false},  {40, 120, false},    {80, 50, true},
                                        {120, 50, true},   {158, -1e6f, false}, {1e9f, 50, false}};

static inline gch_value number(int64_t digits)
{
    return (gch_value){.as.digits = digits, .kind = GCH_VALUE_DECIMAL};
}

static inline gch_bar make_bar(int64_t t0, int64_t width, int64_t open, int64_t high, int64_t low,
                               int64_t close)
{
    return (gch_bar){.t0 = t0,
                     .t1 = t0 + width,
                     .row_count = 4,
                     .open = number(open),
                     .high = number(high),
                     .low = number(low),
                     .close = number(close)};
}

#endif
