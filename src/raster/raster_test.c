/* The CPU executor on scenes made by hand. The query room is played by this file: its functions
 * hand out what the test has put into a gch_query. */
#include "query_spans.h"
#include "raster.h"
#include "raster_blend.h"
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

static gch_status answer(const gch_query *query, gch_error *err)
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

static void *counted_resize(void *context, void *old, size_t bytes, const char *purpose)
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

static stage *make_stage(gch_mark mark)
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

static void free_stage(stage *s)
{
    gch_image_destroy(&s->image, NULL);
    free(s);
}

static gch_status draw_with(stage *s, gch__raster *raster, gch_workers *workers, gch_error *err)
{
    int64_t query_ns;
    return gch__raster_draw(raster, &s->scene, (gch_query *const[]){&s->query}, workers, &s->image,
                            &query_ns, err);
}

static void draw(stage *s)
{
    gch_error err;
    gch__raster *raster = NULL;
    assert_ok(gch__raster_make(NULL, &raster, &err));
    memset(s->image.pixels, 0x77, (size_t)WIDTH * HEIGHT * 4);
    assert_ok(draw_with(s, raster, NULL, &err));
    gch__raster_destroy(raster);
}

/* A pixel of the plot. */
static uint32_t plot_pixel(const stage *s, uint32_t x, uint32_t y)
{
    return s->image.pixels[(PLOT_Y + y) * WIDTH + PLOT_X + x];
}

static void assert_pixel(const stage *s, uint32_t x, uint32_t y, uint32_t expected)
{
    if (plot_pixel(s, x, y) != expected)
        fail_msg("plot pixel (%u, %u): %08x, expected %08x", x, y, plot_pixel(s, x, y), expected);
}

static void assert_nothing_outside_of_the_plot(const stage *s)
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

static gch_value number(int64_t digits)
{
    return (gch_value){.as.digits = digits, .kind = GCH_VALUE_DECIMAL};
}

static gch_bar make_bar(int64_t t0, int64_t width, int64_t open, int64_t high, int64_t low,
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

static void no_mark_draws_outside_of_the_plot(void **state)
{
    (void)state;
    gch_bar bars[] = {make_bar(-10, 20, 300, 500, -900, -300),
                      make_bar(150, 20, -50, 400, -60, 300)};
    for (size_t i = 0; i < GCH_COUNT_OF(marks); i++) {
        for (int is_dense = 0; is_dense < 2; is_dense++) {
            stage *s = make_stage(marks[i]);
            s->series->width = 15;
            s->series->bar_width.count = marks[i] == GCH_MARK_BARS ? 0 : 1;
            if (!is_dense) {
                s->query.points = wild_points;
                s->query.point_count = GCH_COUNT_OF(wild_points);
                s->query.bars = bars;
                s->query.bar_count = GCH_COUNT_OF(bars);
            }
            draw(s);
            assert_nothing_outside_of_the_plot(s);
            size_t drawn = 0;
            for (uint32_t y = 0; y < PLOT_HEIGHT; y++)
                for (uint32_t x = 0; x < PLOT_WIDTH; x++)
                    drawn += plot_pixel(s, x, y) != WHITE;
            if (drawn < 100)
                fail_msg("mark %d draws %zu pixels", (int)marks[i], drawn);
            free_stage(s);
        }
    }
}

static void candles_are_crisp_boxes_with_wicks(void **state)
{
    (void)state;
    gch_bar bars[] = {make_bar(0, 10, 20, 90, 10, 60), make_bar(10, 10, 60, 80, 30, 40),
                      make_bar(20, 10, 50, 70, 30, 50)};
    stage *s = make_stage(GCH_MARK_CANDLES);
    s->query.bars = bars;
    s->query.bar_count = 3;
    draw(s);
    /* 10 px a candle: 8, and 7 so that a wick of 1 has its middle; centred at 5, rounded up. */
    for (uint32_t x = 0; x < 10; x++) {
        bool is_body = x >= 2 && x < 9, is_wick = x == 5;
        assert_pixel(s, x, 39, is_wick ? GREEN : WHITE);
        assert_pixel(s, x, 40, is_body ? GREEN : WHITE);
        assert_pixel(s, x, 79, is_body ? GREEN : WHITE);
        assert_pixel(s, x, 80, is_wick ? GREEN : WHITE);
        assert_pixel(s, x, 89, is_wick ? GREEN : WHITE);
        assert_pixel(s, x, 90, WHITE);
        assert_pixel(s, x, 9, WHITE);
        assert_pixel(s, x, 10, is_wick ? GREEN : WHITE);
        assert_pixel(s, x + 10, 59, is_body ? RED : WHITE);
        /* Open equals close: still a pixel high. */
        assert_pixel(s, x + 20, 50, is_body ? GREEN : WHITE);
        assert_pixel(s, x + 20, 51, is_wick ? GREEN : WHITE);
    }
    free_stage(s);
}

static void translucent_candles_are_not_blended_twice(void **state)
{
    (void)state;
    gch_bar bars[] = {make_bar(0, 10, 20, 90, 10, 60)};
    stage *s = make_stage(GCH_MARK_CANDLES);
    s->series->up_color = 0x00FF0080u;
    s->query.bars = bars;
    s->query.bar_count = 1;
    draw(s);
    uint32_t once = gch__blend(WHITE, 0x0000FF00u, 0x80);
    for (uint32_t y = 10; y < 90; y++)
        assert_pixel(s, 5, y, once);
    free_stage(s);
}

static void ohlc_ticks_open_left_and_close_right(void **state)
{
    (void)state;
    gch_bar bars[] = {make_bar(0, 10, 20, 90, 10, 60)};
    stage *s = make_stage(GCH_MARK_OHLC);
    s->query.bars = bars;
    s->query.bar_count = 1;
    draw(s);
    for (uint32_t x = 0; x < 10; x++) {
        assert_pixel(s, x, 80, x >= 2 && x <= 5 ? GREEN : WHITE);
        assert_pixel(s, x, 40, x >= 5 && x < 9 ? GREEN : WHITE);
        assert_pixel(s, x, 60, x == 5 ? GREEN : WHITE);
    }
    free_stage(s);
}

/* The stage has one answer for both columns: what their columns span is filled. */
static void a_dense_band_spans_the_extents_of_both_columns(void **state)
{
    (void)state;
    stage *s = make_stage(GCH_MARK_BAND);
    s->series->width = 0;
    for (uint32_t c = 0; c < PLOT_WIDTH; c++)
        s->first[c + 1] = s->first[c] + (c < 50 ? 0 : 1); /* nothing in the first columns */
    for (uint32_t c = 50; c < PLOT_WIDTH; c++)
        s->pieces[c - 50] = (gch_piece){.y_top = (float)(10 + c % 7),
                                        .y_bottom = (float)(60 + c % 11),
                                        .y_left = 30,
                                        .y_right = 30};
    draw(s);
    uint32_t once = gch__blend(WHITE, 0x00FF0000u, 0x80);
    for (uint32_t c = 0; c < PLOT_WIDTH; c++) {
        assert_pixel(s, c, 9 + c % 7, WHITE);
        assert_pixel(s, c, 10 + c % 7, c < 50 ? WHITE : once);
        assert_pixel(s, c, 59 + c % 11, c < 50 ? WHITE : once);
        assert_pixel(s, c, 60 + c % 11, WHITE);
    }
    free_stage(s);
}

/* Both edges are one line here, so that there is nothing between them but what strokes draw. */
static void a_band_of_few_points_has_strokes_if_wanted(void **state)
{
    (void)state;
    gch_point points[] = {
        {10, 20.5f, true}, {60, 20.5f, false}, {80, 20.5f, true}, {90, 20.5f, false}};
    for (int width = 0; width < 2; width++) {
        stage *s = make_stage(GCH_MARK_BAND);
        s->series->width = (float)width;
        s->query.points = points;
        s->query.point_count = 4;
        draw(s);
        assert_pixel(s, 30, 20, width == 1 ? BLUE : WHITE);
        assert_pixel(s, 70, 20, WHITE);
        assert_pixel(s, 85, 20, width == 1 ? BLUE : WHITE);
        free_stage(s);
    }
}

static void volume_is_coloured_by_what_the_price_did_in_its_bar(void **state)
{
    (void)state;
    gch_bar bars[] = {make_bar(0, 10, 20, 90, 10, 60), make_bar(20, 30, 60, 90, 10, 20)};
    gch_bar_sum sums[] = {{.t0 = 0, .t1 = 10, .sum = 30},
                          {.t0 = 10, .t1 = 20, .sum = 50}, /* no price in this one */
                          {.t0 = 20, .t1 = 30, .sum = 20},
                          {.t0 = 30, .t1 = 40, .sum = 90, .is_pending = true}};
    stage *s = make_stage(GCH_MARK_VOLUME);
    s->query.bars = bars;
    s->query.bar_count = 2;
    s->query.sums = sums;
    s->query.sum_count = 4;
    for (int priced = 0; priced < 2; priced++) {
        static const uint32_t tops[] = {70, 50, 80, 100};
        const uint32_t colors[] = {priced ? GREEN : BLUE, priced ? GREEN : BLUE,
                                   priced ? RED : BLUE, BLUE};
        s->series->has_price = priced == 1;
        draw(s);
        for (uint32_t bar = 0; bar < 4; bar++) {
            uint32_t x = bar * 10 + 5;
            assert_pixel(s, x, tops[bar] - 1, WHITE);
            if (bar < 3)
                assert_pixel(s, x, tops[bar], colors[bar]);
            assert_pixel(s, bar * 10 + 9, 99, WHITE);
        }
    }
    free_stage(s);
}

static void bars_stand_on_the_baseline_with_gaps(void **state)
{
    (void)state;
    gch_point points[] = {{10, 20, true}, {20, 70, true}, {30, 50, true}, {40, 30, true}};
    stage *s = make_stage(GCH_MARK_BARS);
    s->scene.plots[0].baseline_y = 50;
    s->query.points = points;
    s->query.point_count = 4;
    draw(s);
    for (uint32_t x = 5; x < 45; x++) {
        bool is_body = (x + 4) % 10 < 8; /* 80 % of the spacing */
        uint32_t bar = (x - 5) / 10;
        assert_pixel(s, x, 19, WHITE);
        assert_pixel(s, x, 20, is_body && bar == 0 ? BLUE : WHITE);
        assert_pixel(s, x, 49, is_body && (bar == 0 || bar == 3) ? BLUE : WHITE);
        assert_pixel(s, x, 50, is_body && bar == 1 ? BLUE : WHITE);
        assert_pixel(s, x, 69, is_body && bar == 1 ? BLUE : WHITE);
        assert_pixel(s, x, 70, WHITE);
    }
    free_stage(s);
}

static void dense_bars_reach_from_the_baseline_to_the_extremes(void **state)
{
    (void)state;
    stage *s = make_stage(GCH_MARK_BARS);
    draw(s);
    assert_int_equal(s->query.asked_join, GCH_JOIN_NONE);
    for (uint32_t x = 0; x < PLOT_WIDTH; x++)
        for (uint32_t y = 0; y < PLOT_HEIGHT; y++)
            assert_pixel(s, x, y, BLUE); /* the largest values lie above the view */
    free_stage(s);
}

static void steps_hold_their_value_until_the_next_point(void **state)
{
    (void)state;
    gch_point points[] = {{10, 80.5f, true}, {50.5f, 20.5f, false}, {90, 20.5f, false}};
    stage *s = make_stage(GCH_MARK_STEP);
    s->series->width = 1;
    s->query.points = points;
    s->query.point_count = 3;
    draw(s);
    assert_pixel(s, 40, 80, BLUE);
    assert_pixel(s, 40, 81, WHITE);
    assert_pixel(s, 50, 50, BLUE);
    assert_pixel(s, 49, 50, WHITE);
    assert_pixel(s, 70, 20, BLUE);
    free_stage(s);
}

static void areas_fade_towards_the_baseline(void **state)
{
    (void)state;
    gch_point points[] = {{-10, 20, true}, {200, 20, false}};
    stage *s = make_stage(GCH_MARK_AREA);
    s->query.points = points;
    s->query.point_count = 2;
    draw(s);
    assert_pixel(s, 80, 10, WHITE);
    assert_pixel(s, 80, 20, BLUE);
    uint32_t before = 0;
    for (uint32_t y = 25; y < PLOT_HEIGHT; y++) {
        uint32_t red = plot_pixel(s, 80, y) & 255; /* white ground shows through more and more */
        assert_true(red >= before);
        before = red;
    }
    assert_true(before > 250);
    assert_true((plot_pixel(s, 80, 25) & 255) < 140);
    free_stage(s);
}

static void studies_join_the_middles_of_their_bars(void **state)
{
    (void)state;
    /* A pixel a tick, y = 100 - value; the first bar lies far outside. */
    const gch_study_point points[] = {{-2000000000, -1999999980, 50.5, 50.5},
                                      {20, 40, 50.5, 50.5},
                                      {40, 60, 50.5, 50.5},
                                      {60, 80, 90.5, 90.5},
                                      {400, 420, -900, -900}};
    stage *s = make_stage(GCH_MARK_LINE);
    s->series->study.kind = GCH_STUDY_SMA;
    s->series->width = 1;
    s->query.study_points = points;
    s->query.study_count = GCH_COUNT_OF(points);
    draw(s);
    for (uint32_t x = 0; x < 48; x++) {
        assert_pixel(s, x, 48, WHITE);
        assert_pixel(s, x, 49, BLUE);
        assert_pixel(s, x, 50, WHITE);
    }
    assert_pixel(s, 70, 20, WHITE);
    assert_true(plot_pixel(s, 69, 10) != WHITE && plot_pixel(s, 60, 29) != WHITE);
    assert_nothing_outside_of_the_plot(s);
    s->query.study_count = 0;
    draw(s);
    assert_pixel(s, 20, 49, WHITE);
    free_stage(s);
}

static void a_channel_is_filled_between_its_edges(void **state)
{
    (void)state;
    const gch_study_point points[] = {
        {-100, 0, 20, 60}, {0, 100, 20, 60}, {100, 200, 20, 60}, {200, 300, -5000, 4000}};
    stage *s = make_stage(GCH_MARK_LINE);
    s->series->study.kind = GCH_STUDY_RANGE;
    s->series->fill_color = 0xFF000080u;
    s->query.study_points = points;
    s->query.study_count = GCH_COUNT_OF(points);
    draw(s);
    uint32_t filled = gch__blend(WHITE, RED, 0x80);
    for (uint32_t x = 0; x < 148; x++) {
        assert_pixel(s, x, 38, WHITE);
        assert_pixel(s, x, 39, BLUE); /* strokes of two pixels on 40 and 80 */
        assert_pixel(s, x, 40, BLUE);
        for (uint32_t y = 41; y < 79; y++)
            assert_pixel(s, x, y, filled);
        assert_pixel(s, x, 80, BLUE);
        assert_pixel(s, x, 81, WHITE);
    }
    assert_pixel(s, 159, 2, filled);
    assert_pixel(s, 159, 98, filled);
    assert_nothing_outside_of_the_plot(s);
    free_stage(s);
}

static void a_dense_scatter_is_one_colour(void **state)
{
    (void)state;
    stage *s = make_stage(GCH_MARK_SCATTER);
    s->series->color = 0x0000FF80u;
    draw(s);
    uint32_t once = gch__blend(WHITE, 0x00FF0000u, 0x80);
    for (uint32_t x = 0; x < PLOT_WIDTH; x++)
        for (uint32_t y = 20; y < 55; y++)
            assert_pixel(s, x, y, once);
    free_stage(s);
}

static void make_bare(stage *s)
{
    gch_error err;
    s->scene.is_bare = true;
    s->scene.plots[0].x_px = s->scene.plots[0].y_px = 0;
    s->scene.width_px = PLOT_WIDTH;
    s->scene.height_px = PLOT_HEIGHT;
    gch_image_destroy(&s->image, NULL);
    assert_ok(gch_image_make(PLOT_WIDTH, PLOT_HEIGHT, NULL, &s->image, &err));
}

static void assert_bare(stage *s, bool (*is_lit)(const stage *s, int32_t x, int32_t y))
{
    gch_error err;
    gch__raster *raster = NULL;
    assert_ok(gch__raster_make(NULL, &raster, &err));
    assert_ok(draw_with(s, raster, NULL, &err));
    for (uint32_t y = 0; y < PLOT_HEIGHT; y++)
        for (uint32_t x = 0; x < PLOT_WIDTH; x++)
            assert_int_equal(s->image.pixels[y * PLOT_WIDTH + x],
                             is_lit(s, (int32_t)x, (int32_t)y) ? 0xFFFFFFFFu : 0xFF000000u);
    gch__raster_destroy(raster);
}

static bool is_in_piece(const stage *s, int32_t x, int32_t y)
{
    const gch_piece *piece = &s->pieces[x * (int32_t)COLUMN_PIECES];
    return y >= piece->row_top && y <= piece->row_bottom;
}

static void bare_scenes_are_white_on_black_and_ask_for_the_marks_join(void **state)
{
    (void)state;
    static const gch_mark joined[] = {GCH_MARK_LINE, GCH_MARK_STEP, GCH_MARK_SCATTER};
    static const gch_join joins[] = {GCH_JOIN_LINE, GCH_JOIN_STEP, GCH_JOIN_NONE};
    for (size_t i = 0; i < GCH_COUNT_OF(joined); i++) {
        stage *s = make_stage(joined[i]);
        make_bare(s);
        assert_bare(s, is_in_piece);
        assert_int_equal(s->query.asked_join, joins[i]);
        free_stage(s);
    }
}

/* Two bars: one whose wick is left of the view, one that is cut by its right edge. */
static const gch__bar_span two_spans[] = {
    {.is_known = true, .left = 0, .right = 4, .middle = -1},
    {.is_known = true, .left = 150, .right = PLOT_WIDTH - 1, .middle = 157},
};
static const gch__hull two_hulls[] = {
    {.top = -1, .bottom = 90, .open = 80, .close = 10, .has_ends = true},
    {.top = 20, .bottom = 40, .open = 30, .close = 35, .has_ends = true},
};

static bool is_in_candles(const stage *s, int32_t x, int32_t y)
{
    (void)s;
    return (x <= 4 && y >= 10 && y <= 80) || (x >= 150 && y >= 30 && y <= 35) ||
           (x == 157 && y >= 20 && y <= 40);
}

static bool is_in_ohlc(const stage *s, int32_t x, int32_t y)
{
    (void)s;
    return (x <= 4 && y == 10) || (x >= 150 && x < 157 && y == 30) || (x > 157 && y == 35) ||
           (x == 157 && y >= 20 && y <= 40);
}

static bool is_in_bars(const stage *s, int32_t x, int32_t y)
{
    (void)s;
    return (x <= 4 && y <= 90) || (x >= 150 && y >= 20 && y <= 50);
}

static void bare_bars_are_lit_column_by_column(void **state)
{
    (void)state;
    static const struct {
        gch_mark mark;
        bool (*is_lit)(const stage *s, int32_t x, int32_t y);
    } cases[] = {{GCH_MARK_CANDLES, is_in_candles},
                 {GCH_MARK_OHLC, is_in_ohlc},
                 {GCH_MARK_BARS, is_in_bars}};
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        stage *s = make_stage(cases[i].mark);
        make_bare(s);
        s->series->bar_width.count = 60;
        s->query.spans = two_spans;
        s->query.hulls = two_hulls;
        s->query.span_count = GCH_COUNT_OF(two_spans);
        assert_bare(s, cases[i].is_lit);
        free_stage(s);
    }
}

/* Column x shows a value in row x, every fifth none; the baseline is in the middle. */
static bool is_in_area(const stage *s, int32_t x, int32_t y)
{
    (void)s;
    int32_t base = (int32_t)PLOT_HEIGHT / 2;
    return x % 5 != 0 && y >= GCH_MIN(x, base) && y <= GCH_MAX(x, base);
}

static void bare_areas_and_bars_a_point_reach_the_baseline(void **state)
{
    (void)state;
    static const gch_mark filled[] = {GCH_MARK_AREA, GCH_MARK_BARS};
    static const gch_join joins[] = {GCH_JOIN_LINE, GCH_JOIN_NONE};
    gch__hull hulls[PLOT_WIDTH];
    for (int32_t x = 0; x < (int32_t)PLOT_WIDTH; x++)
        hulls[x] = x % 5 != 0 ? (gch__hull){.top = x, .bottom = x}
                              : (gch__hull){.top = INT32_MAX, .bottom = INT32_MIN};
    for (size_t i = 0; i < GCH_COUNT_OF(filled); i++) {
        stage *s = make_stage(filled[i]);
        make_bare(s);
        s->series->bar_width.count = 0;
        s->query.hulls = hulls;
        assert_bare(s, is_in_area);
        assert_int_equal(s->query.asked_join, joins[i]);
        free_stage(s);
    }
}

static gch__prim text_prim(float x, float y, uint32_t turns)
{
    return (gch__prim){.kind = GCH__PRIM_TEXT,
                       .box = {x, y, 0, 0},
                       .color = 0x000000FFu,
                       .text = "L1",
                       .text_bytes = 2,
                       .font_px = 20,
                       .quarter_turns = turns};
}

/* Text turned by quarter turns about (100, 60) is the unturned text turned pixel by pixel. */
static void turned_text_is_the_same_text(void **state)
{
    (void)state;
    static uint32_t pixels[4][HEIGHT][WIDTH];
    for (uint32_t turns = 0; turns < 4; turns++) {
        stage *s = make_stage(GCH_MARK_LINE);
        gch__prim prim = text_prim(100, 60, turns);
        s->scene.series_count = 0;
        s->scene.over = (gch__prims){&prim, 1, 1};
        draw(s);
        memcpy(pixels[turns], s->image.pixels, sizeof pixels[turns]);
        free_stage(s);
    }
    size_t inked = 0;
    for (int x = 100; x < 150; x++) {
        for (int y = 30; y < 80; y++) {
            int dx = x - 100, dy = y - 60;
            uint32_t pixel = pixels[0][y][x];
            inked += pixel != WHITE;
            assert_int_equal(pixels[1][60 - dx - 1][100 + dy], pixel);
            assert_int_equal(pixels[2][60 - dy - 1][100 - dx - 1], pixel);
            assert_int_equal(pixels[3][60 + dx][100 - dy - 1], pixel);
        }
    }
    assert_true(inked > 50);
}

static void primitives_have_the_area_of_their_shape(void **state)
{
    (void)state;
    gch__prim prims[] = {
        {.kind = GCH__PRIM_RECT, .box = {10.25f, 10, 30.5f, 20.5f}, .color = 0x000000FFu},
        {.kind = GCH__PRIM_LINE, .box = {50, 10.5f, 90, 10.5f}, .width = 1, .color = 0x000000FFu},
        {.kind = GCH__PRIM_LINE, .box = {50, 20, 90, 50}, .width = 3, .color = 0x000000FFu},
        {.kind = GCH__PRIM_CIRCLE, .box = {130, 40, 0, 0}, .radius = 12, .color = 0x000000FFu},
        {.kind = GCH__PRIM_RECT, .box = {150, 80, 190, 110}, .radius = 8, .color = 0x000000FFu}};
    /* Slanted and round shapes are sampled at pixel centres: 1 %. */
    double areas[] = {20.25 * 10.5, 40, 150, M_PI * 144, 40 * 30 - (4 - M_PI) * 64};
    double bounds[] = {0.5, 0.01, 1.5, 4.5, 12};
    for (size_t i = 0; i < GCH_COUNT_OF(prims); i++) {
        stage *s = make_stage(GCH_MARK_LINE);
        s->scene.series_count = 0;
        s->scene.under = (gch__prims){&prims[i], 1, 1};
        draw(s);
        double area = 0;
        for (size_t p = 0; p < WIDTH * HEIGHT; p++)
            area += 1 - (s->image.pixels[p] & 255) / 255.0;
        if (!(fabs(area - areas[i]) <= bounds[i]))
            fail_msg("primitive %zu: area %g, expected %g", i, area, areas[i]);
        free_stage(s);
    }
}

static void primitives_anywhere_are_harmless(void **state)
{
    (void)state;
    static const float places[] = {-INFINITY, -1e30f, -5, 195, 1e30f, INFINITY, NAN};
    static const gch__prim_kind kinds[] = {GCH__PRIM_RECT, GCH__PRIM_LINE, GCH__PRIM_CIRCLE,
                                           GCH__PRIM_TEXT};
    stage *s = make_stage(GCH_MARK_LINE);
    s->scene.series_count = 0;
    for (size_t k = 0; k < GCH_COUNT_OF(kinds); k++) {
        for (size_t i = 0; i < 7 * 7; i++) {
            gch__prim prim = text_prim(places[i % 7], places[i / 7], (uint32_t)i);
            prim.kind = kinds[k];
            prim.box.x1 = places[(i + 3) % 7];
            prim.box.y1 = places[i / 7];
            prim.width = 3;
            prim.radius = i % 2 == 0 ? 0 : 6;
            s->scene.under = (gch__prims){&prim, 1, 1};
            draw(s);
        }
    }
    free_stage(s);
}

static void two_workers_draw_the_same_picture(void **state)
{
    (void)state;
    gch_error err;
    gch_workers *workers = NULL;
    assert_ok(gch_workers_make(2, NULL, &workers, &err));
    for (size_t i = 0; i < GCH_COUNT_OF(marks); i++) {
        stage *s = make_stage(marks[i]);
        gch__raster *raster = NULL;
        draw(s);
        uint32_t *alone = malloc((size_t)WIDTH * HEIGHT * 4);
        assert_non_null(alone);
        memcpy(alone, s->image.pixels, (size_t)WIDTH * HEIGHT * 4);
        assert_ok(gch__raster_make(NULL, &raster, &err));
        for (int frame = 0; frame < 3; frame++) {
            memset(s->image.pixels, 0x31, (size_t)WIDTH * HEIGHT * 4);
            assert_ok(draw_with(s, raster, workers, &err));
            assert_memory_equal(s->image.pixels, alone, (size_t)WIDTH * HEIGHT * 4);
        }
        gch__raster_destroy(raster);
        free(alone);
        free_stage(s);
    }
    gch_workers_destroy(workers);
}

/* All marks, points and columns, text and bare, with one raster. */
static gch_status draw_everything(gch__raster *raster, gch_error *err)
{
    gch_bar bars[] = {make_bar(0, 10, 20, 90, 10, 60)};
    gch_status status = GCH_OK;
    for (size_t i = 0; i < GCH_COUNT_OF(marks) * 2 && status == GCH_OK; i++) {
        stage *s = make_stage(marks[i / 2]);
        gch__prim prim = text_prim(100, 60, 0);
        s->scene.over = (gch__prims){&prim, 1, 1};
        if (i % 2 == 0) {
            s->query.points = wild_points;
            s->query.point_count = GCH_COUNT_OF(wild_points);
            s->query.bars = bars;
            s->query.bar_count = 1;
        }
        status = draw_with(s, raster, NULL, err);
        free_stage(s);
    }
    return status;
}

static void warm_frames_allocate_nothing(void **state)
{
    (void)state;
    gch_error err;
    counted_heap heap = {.made_cap = SIZE_MAX};
    gch_allocator allocator = {counted_resize, &heap};
    gch__raster *raster = NULL;
    assert_ok(gch__raster_make(&allocator, &raster, &err));
    assert_ok(draw_everything(raster, &err));
    size_t made = heap.made;
    assert_true(made > 0);
    for (int frame = 0; frame < 3; frame++)
        assert_ok(draw_everything(raster, &err));
    assert_int_equal(heap.made, made);
    gch__raster_destroy(raster);
    assert_int_equal(heap.alive, 0);
}

static void every_failed_allocation_is_told(void **state)
{
    (void)state;
    gch_error err;
    gch_status status = GCH_NO_MEMORY;
    size_t cap = 0;
    for (; status != GCH_OK; cap++) {
        counted_heap heap = {.made_cap = cap};
        gch_allocator allocator = {counted_resize, &heap};
        gch__raster *raster = NULL;
        status = gch__raster_make(&allocator, &raster, &err);
        if (status == GCH_OK)
            status = draw_everything(raster, &err);
        assert_true(status == GCH_OK || status == GCH_NO_MEMORY);
        gch__raster_destroy(raster);
        assert_int_equal(heap.alive, 0);
    }
    assert_true(cap > 5);
}

static void a_failing_query_is_told_in_its_own_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < GCH_COUNT_OF(marks) * 2; i++) {
        gch_error err;
        stage *s = make_stage(marks[i / 2]);
        gch__raster *raster = NULL;
        assert_ok(gch__raster_make(NULL, &raster, &err));
        s->query.failure = GCH_CORRUPT;
        s->series->study.kind =
            marks[i / 2] == GCH_MARK_LINE && i % 2 != 0 ? GCH_STUDY_RANGE : GCH_STUDY_NONE;
        assert_status(draw_with(s, raster, NULL, &err), GCH_CORRUPT);
        assert_string_equal(err.message, "page 7 is damaged");
        assert_status(draw_with(s, raster, NULL, NULL), GCH_CORRUPT);
        gch__raster_destroy(raster);
        free_stage(s);
    }
}

static void success_leaves_the_error_untouched(void **state)
{
    (void)state;
    gch_error err = {.status = GCH_EXISTS};
    stage *s = make_stage(GCH_MARK_LINE); /* too many points: columns are asked for instead */
    gch__raster *raster = NULL;
    assert_ok(gch__raster_make(NULL, &raster, &err));
    assert_ok(draw_with(s, raster, NULL, &err));
    assert_int_equal(err.status, GCH_EXISTS);
    gch__raster_destroy(raster);
    free_stage(s);
}

static void a_scene_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    gch_error err;
    gch__raster *raster = NULL;
    assert_ok(gch__raster_make(NULL, &raster, &err));
    stage *s = make_stage(GCH_MARK_LINE);
    s->scene.width_px++;
    assert_status(draw_with(s, raster, NULL, &err), GCH_INVALID);
    s->scene.width_px--;
    s->scene.plots[0].x_px = UINT32_MAX;
    assert_status(draw_with(s, raster, NULL, &err), GCH_INVALID);
    s->scene.plots[0].x_px = PLOT_X;
    s->scene.is_bare = true;
    assert_status(draw_with(s, raster, NULL, &err), GCH_INVALID);
    free_stage(s);
    gch__raster_destroy(raster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_mark_draws_outside_of_the_plot),
        cmocka_unit_test(candles_are_crisp_boxes_with_wicks),
        cmocka_unit_test(translucent_candles_are_not_blended_twice),
        cmocka_unit_test(ohlc_ticks_open_left_and_close_right),
        cmocka_unit_test(a_dense_band_spans_the_extents_of_both_columns),
        cmocka_unit_test(a_band_of_few_points_has_strokes_if_wanted),
        cmocka_unit_test(volume_is_coloured_by_what_the_price_did_in_its_bar),
        cmocka_unit_test(bars_stand_on_the_baseline_with_gaps),
        cmocka_unit_test(dense_bars_reach_from_the_baseline_to_the_extremes),
        cmocka_unit_test(steps_hold_their_value_until_the_next_point),
        cmocka_unit_test(areas_fade_towards_the_baseline),
        cmocka_unit_test(studies_join_the_middles_of_their_bars),
        cmocka_unit_test(a_channel_is_filled_between_its_edges),
        cmocka_unit_test(a_dense_scatter_is_one_colour),
        cmocka_unit_test(bare_scenes_are_white_on_black_and_ask_for_the_marks_join),
        cmocka_unit_test(bare_bars_are_lit_column_by_column),
        cmocka_unit_test(bare_areas_and_bars_a_point_reach_the_baseline),
        cmocka_unit_test(turned_text_is_the_same_text),
        cmocka_unit_test(primitives_have_the_area_of_their_shape),
        cmocka_unit_test(primitives_anywhere_are_harmless),
        cmocka_unit_test(two_workers_draw_the_same_picture),
        cmocka_unit_test(warm_frames_allocate_nothing),
        cmocka_unit_test(every_failed_allocation_is_told),
        cmocka_unit_test(a_failing_query_is_told_in_its_own_words),
        cmocka_unit_test(success_leaves_the_error_untouched),
        cmocka_unit_test(a_scene_that_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
