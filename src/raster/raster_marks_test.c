/* What each mark draws, in the default look and bare, on scenes made by hand. */
#include "raster_blend.h"
#include "raster_stage.h"

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
