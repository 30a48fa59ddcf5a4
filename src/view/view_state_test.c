/* The view's state: gestures come back to the tick, stay within bounds, and come to rest. */
#include "view_state.h"

#include "test.h"

#include <math.h>

#define WIDTH 1000u
#define HEIGHT 500u

/* What a window does after each change: the chart's frame shows what was asked for. */
static void draw(view_state *state)
{
    gch_chart_desc desc = {0};
    view_state_describe(state, &desc);
    gch_view frame = {.t0 = desc.has_time_range ? desc.from : state->data.from,
                      .t1 = desc.has_time_range ? desc.to : state->data.to,
                      .bottom = desc.has_bottom ? desc.bottom : (gch_decimal){-10, 0},
                      .top = desc.has_top ? desc.top : (gch_decimal){10, 0},
                      .width_px = WIDTH,
                      .height_px = HEIGHT,
                      .axis = desc.axis};
    if (desc.axis == GCH_AXIS_LOG && !desc.has_bottom)
        frame.bottom = (gch_decimal){1, -2};
    assert_true(frame.t0 < frame.t1);
    assert_true(gch_decimal_to_double(frame.bottom) < gch_decimal_to_double(frame.top));
    view_state_take_frame(state, &frame);
}

static view_state make(int64_t from, int64_t to)
{
    view_state state;
    view_state_init(&state, (view_range){from, to});
    draw(&state);
    return state;
}

static uint32_t settle(view_state *state)
{
    uint32_t frames = 0;
    while (view_state_advance(state, 16)) {
        draw(state);
        assert_true(++frames < 1000);
    }
    draw(state);
    return frames;
}

static void assert_range(const view_state *state, int64_t from, int64_t to)
{
    assert_int_equal(state->range.from, from);
    assert_int_equal(state->range.to, to);
}

static void a_drag_brought_back_shows_the_same_ticks(void **unused)
{
    (void)unused;
    view_state state = make(0, 1000000007);
    view_state_show(&state, 123456789, 987654321);
    draw(&state);
    view_state_drag_begin(&state);
    uint64_t seed = 1;
    for (int i = 0; i < 1000; i++) {
        view_state_drag_to(&state, (double)(test_random(&seed) % 4000) / 7 - 285, 0);
        draw(&state);
        assert_int_equal(state.range.to - state.range.from, 987654321 - 123456789);
    }
    view_state_drag_to(&state, 0, 0);
    assert_range(&state, 123456789, 987654321);
}

static void the_point_under_the_pointer_goes_along(void **unused)
{
    (void)unused;
    view_state state = make(0, 1000000);
    view_state_show(&state, 400000, 500000);
    draw(&state);
    int64_t grabbed = view_state_time_at(&state, 300);
    view_state_drag_begin(&state);
    view_state_drag_to(&state, 250, 0);
    draw(&state);
    assert_int_equal(view_state_time_at(&state, 550), grabbed);
    assert_true(fabs(view_state_x_of(&state, grabbed) - 550) < 1e-9);
}

static void zooming_out_as_far_as_in_shows_the_same_ticks(void **unused)
{
    (void)unused;
    view_state state = make(-77777777777, 99999999999);
    view_state_show(&state, -5000000001, 7000000013);
    draw(&state);
    int64_t at = view_state_time_at(&state, 123.4);
    for (int i = 0; i < 60; i++)
        view_state_zoom(&state, 123.4, 0.25);
    assert_true(settle(&state) > 3);
    assert_true(state.range.to - state.range.from < 400000);
    assert_true(llabs(view_state_time_at(&state, 123.4) - at) <= 1);
    for (int i = 0; i < 60; i++) {
        view_state_zoom(&state, 123.4, -0.25);
        (void)view_state_advance(&state, 5);
    }
    settle(&state);
    assert_range(&state, -5000000001, 7000000013);
}

static void zooming_ends_at_two_ticks_and_at_everything(void **unused)
{
    (void)unused;
    view_state state = make(0, 1000000);
    for (int i = 0; i < 100; i++)
        view_state_zoom(&state, 700, 1);
    settle(&state);
    assert_int_equal(state.range.to - state.range.from, 2);
    assert_true(state.range.from >= 699990 && state.range.to <= 700010);
    assert_false(state.is_all);
    for (int i = 0; i < 100; i++)
        view_state_zoom(&state, 200, -1);
    settle(&state);
    assert_true(state.is_all);
    assert_range(&state, 0, 1000000);
    /* No steps beyond the end are saved up. */
    view_state_zoom(&state, 500, 1);
    settle(&state);
    assert_range(&state, 250000, 750000);
}

static void zooming_out_at_an_edge_shows_nothing_beyond_it(void **unused)
{
    (void)unused;
    view_state state = make(0, 1000000);
    view_state_show(&state, 0, 1000);
    draw(&state);
    view_state_zoom(&state, 1000, -3);
    while (view_state_advance(&state, 16)) {
        draw(&state);
        assert_int_equal(state.range.from, 0);
    }
    assert_range(&state, 0, 8000);
}

static void a_pan_ends_with_the_middle_at_the_end_of_the_data(void **unused)
{
    (void)unused;
    view_state state = make(1000, 2000);
    view_state_show(&state, 1400, 1500);
    draw(&state);
    for (int i = 0; i < 20; i++)
        view_state_act(&state, VIEW_ACTION_PAGE_RIGHT, GCH_MARK_LINE);
    settle(&state);
    assert_range(&state, 1950, 2050);
    for (int i = 0; i < 40; i++)
        view_state_act(&state, VIEW_ACTION_PAGE_LEFT, GCH_MARK_LINE);
    settle(&state);
    assert_range(&state, 950, 1050);
}

static void a_drag_let_go_rolls_on_and_comes_to_rest(void **unused)
{
    (void)unused;
    view_state state = make(0, 100000000);
    view_state_show(&state, 50000000, 51000000);
    draw(&state);
    view_state_drag_begin(&state);
    view_state_drag_to(&state, -10, 0);
    view_state_drag_end(&state, -2000);
    int64_t before = state.range.from, step = INT32_MAX;
    uint32_t frames = 0;
    while (view_state_advance(&state, 16)) {
        draw(&state);
        assert_true(state.range.from >= before);
        assert_true(state.range.from - before <=
                    step + 400); /* ever slower, but for the last 0.4 px */
        step = state.range.from - before;
        before = state.range.from;
        frames++;
    }
    assert_true(frames > 30 && frames < 250);
    /* 10 px dragged and 2000 px/s * 0.325 s rolled, 1000 ticks a pixel. */
    assert_range(&state, 50660000, 51660000);
    /* One let go at rest stays there. */
    view_state_drag_begin(&state);
    view_state_drag_to(&state, 5, 0);
    view_state_drag_end(&state, 0);
    assert_false(view_state_advance(&state, 16));
    assert_range(&state, 50655000, 51655000);
}

static void a_roll_is_the_same_whatever_the_frame_rate(void **unused)
{
    (void)unused;
    int64_t at[2];
    for (int i = 0; i < 2; i++) {
        view_state state = make(0, 100000000);
        view_state_show(&state, 50000000, 51000000);
        draw(&state);
        view_state_drag_begin(&state);
        view_state_drag_end(&state, -1000);
        for (int step = 0; step < (i == 0 ? 20 : 5); step++)
            (void)view_state_advance(&state, i == 0 ? 10 : 40);
        at[i] = state.range.from;
    }
    assert_true(llabs(at[0] - at[1]) <= 1);
}

static void a_box_shows_its_times_and_values(void **unused)
{
    (void)unused;
    view_state state = make(0, 1000000);
    assert_false(view_state_box(&state, 100, 100, 103, 400));
    assert_true(state.is_all);
    assert_true(view_state_box(&state, 600, 400, 200, 100)); /* corners in any order */
    assert_range(&state, 200000, 600000);
    assert_true(state.is_fixed);
    /* 500 rows from 10 down to -10. */
    assert_true(fabs(gch_decimal_to_double(state.top) - 6) < 0.01);
    assert_true(fabs(gch_decimal_to_double(state.bottom) + 6) < 0.01);
    draw(&state);
    assert_true(fabs(view_state_y_of(&state, 0) - HEIGHT / 2.0) < 0.01);
    view_state_all(&state);
    draw(&state);
    assert_true(view_state_box(&state, 0, 200, 500, 205));
    assert_false(state.is_fixed);
    assert_range(&state, 0, 500000);
}

static void values_are_held_moved_and_fitted_again(void **unused)
{
    (void)unused;
    view_state state = make(0, 1000);
    view_state_act(&state, VIEW_ACTION_FIT, GCH_MARK_LINE);
    assert_true(state.is_fixed);
    assert_int_equal(state.bottom.digits, -10);
    view_state_drag_begin(&state);
    view_state_drag_to(&state, 0, 50);
    draw(&state);
    assert_true(fabs(gch_decimal_to_double(state.top) - 12) < 0.01);
    view_state_drag_to(&state, 0, 0);
    assert_int_equal(state.bottom.digits, -10);
    assert_int_equal(state.bottom.exp10, 0);
    view_state_act(&state, VIEW_ACTION_FIT, GCH_MARK_LINE);
    assert_false(state.is_fixed);
    draw(&state);
    view_state_act(&state, VIEW_ACTION_UP, GCH_MARK_LINE);
    settle(&state);
    assert_true(state.is_fixed);
    assert_true(fabs(gch_decimal_to_double(state.top) - 12) < 0.02);
}

static void a_log_axis_moves_by_factors(void **unused)
{
    (void)unused;
    view_state state = make(0, 1000);
    view_state_act(&state, VIEW_ACTION_LOG, GCH_MARK_LINE);
    draw(&state); /* 0.01 to 10 */
    assert_int_equal(state.frame.axis, GCH_AXIS_LOG);
    assert_true(fabs(view_state_y_of(&state, 1) - HEIGHT / 3.0) < 1e-6);
    view_state_act(&state, VIEW_ACTION_FIT, GCH_MARK_LINE);
    view_state_drag_begin(&state);
    view_state_drag_to(&state, 0, HEIGHT / 3.0);
    assert_true(fabs(gch_decimal_to_double(state.top) - 100) < 0.5);
    assert_true(fabs(gch_decimal_to_double(state.bottom) - 0.1) < 0.0005);
    view_state_drag_to(&state, 0, 1e9); /* beyond doubles: stays what it is */
    assert_true(state.bottom.digits > 0);
    draw(&state);
}

static void growing_data_are_followed_at_the_end_only(void **unused)
{
    (void)unused;
    view_state state = make(0, 1000);
    view_state_take_data(&state, (view_range){0, 1500});
    draw(&state);
    assert_true(state.is_all);
    assert_range(&state, 0, 1500);
    view_state_show(&state, 1400, 1500);
    draw(&state);
    view_state_take_data(&state, (view_range){0, 1600});
    assert_range(&state, 1500, 1600);
    view_state_show(&state, 300, 400);
    draw(&state);
    view_state_take_data(&state, (view_range){0, 1700});
    assert_range(&state, 300, 400);
}

static void data_made_anew_are_shown_from_their_beginning(void **unused)
{
    (void)unused;
    view_state state = make(0, 1000);
    view_state_show(&state, 800, 900);
    draw(&state);
    view_state_take_data(&state, (view_range){0, 950}); /* some of it is gone */
    assert_range(&state, 800, 900);
    view_state_take_data(&state, (view_range){0, 800});
    draw(&state);
    assert_range(&state, 0, 800);
    view_state_show(&state, 300, 400);
    draw(&state);
    view_state_take_data(&state, (view_range){0, 0}); /* no row has come yet */
    view_state_take_data(&state, (view_range){2000, 2100});
    draw(&state);
    assert_range(&state, 2000, 2100);
}

static void the_ends_of_time_are_reached_without_overflow(void **unused)
{
    (void)unused;
    view_state state = make(INT64_MIN, INT64_MAX);
    uint64_t seed = 9;
    for (int i = 0; i < 20000; i++) {
        double x = (double)(test_random(&seed) % 1400) - 200;
        double amount = (double)(test_random(&seed) % 2000) / 100 - 10;
        switch (test_random(&seed) % 8) {
        case 0:
        case 1:
            view_state_zoom(&state, x, amount);
            break;
        case 2:
            view_state_pan(&state, amount * 300, amount);
            break;
        case 3:
            view_state_drag_begin(&state);
            view_state_drag_to(&state, amount * 1e8, amount);
            view_state_drag_end(&state, amount * 1000);
            break;
        case 4:
            (void)view_state_box(&state, x, 50, x + amount * 50, 400);
            break;
        case 5:
            view_state_act(&state, (view_action)(test_random(&seed) % VIEW_ACTION_SAVE),
                           GCH_MARK_LINE);
            break;
        default:
            (void)view_state_advance(&state, amount * 30);
            break;
        }
        draw(&state);
        (void)view_state_time_at(&state, x);
    }
}

static void data_without_rows_have_a_view(void **unused)
{
    (void)unused;
    view_state state = make(0, 0);
    assert_true(state.data.from < state.data.to);
    view_state_zoom(&state, 10, 5);
    settle(&state);
    view_state_act(&state, VIEW_ACTION_RIGHT, GCH_MARK_LINE);
    settle(&state);
    state = make(INT64_MAX, INT64_MAX);
    assert_true(state.data.from < state.data.to);
}

static void every_key_and_action_is_known(void **unused)
{
    (void)unused;
    static const struct {
        uint32_t key;
        view_action action;
    } expected[] = {
        {'q', VIEW_ACTION_QUIT},     {VIEW_KEY_ESCAPE, VIEW_ACTION_QUIT},
        {'s', VIEW_ACTION_SAVE},     {VIEW_KEY_HOME, VIEW_ACTION_ALL},
        {'?', VIEW_ACTION_HELP},     {VIEW_KEY_PAGE_UP, VIEW_ACTION_PAGE_LEFT},
        {'h', VIEW_ACTION_HUD},      {'=', VIEW_ACTION_IN},
        {'x', VIEW_ACTION_NONE},     {'f', VIEW_ACTION_FIT},
        {'c', VIEW_ACTION_TYPE},     {'l', VIEW_ACTION_LOG},
        {'t', VIEW_ACTION_THEME},    {VIEW_KEY_UP, VIEW_ACTION_UP},
        {0x1F600, VIEW_ACTION_NONE},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_int_equal(view_key_action(expected[i].key), expected[i].action);
    size_t lines = 0;
    while (view_help_get(lines) != NULL)
        lines++;
    assert_true(lines >= 12);
}

static void types_go_round(void **unused)
{
    (void)unused;
    view_state state = make(0, 1000);
    view_state_act(&state, VIEW_ACTION_TYPE, GCH_MARK_CANDLES);
    assert_int_equal(state.mark, GCH_MARK_OHLC);
    uint32_t seen = 0;
    for (int i = 0; i < 8; i++) {
        seen |= 1u << state.mark;
        view_state_act(&state, VIEW_ACTION_TYPE, GCH_MARK_CANDLES);
    }
    assert_int_equal(state.mark, GCH_MARK_OHLC);
    assert_int_equal(seen, 0xFE | 1u << GCH_MARK_DENSITY);
    assert_string_equal(view_mark_name(GCH_MARK_BARS), "bars");
    state = make(0, 1000);
    view_state_act(&state, VIEW_ACTION_TYPE, GCH_MARK_DEFAULT);
    assert_int_equal(state.mark, GCH_MARK_STEP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_drag_brought_back_shows_the_same_ticks),
        cmocka_unit_test(the_point_under_the_pointer_goes_along),
        cmocka_unit_test(zooming_out_as_far_as_in_shows_the_same_ticks),
        cmocka_unit_test(zooming_ends_at_two_ticks_and_at_everything),
        cmocka_unit_test(zooming_out_at_an_edge_shows_nothing_beyond_it),
        cmocka_unit_test(a_pan_ends_with_the_middle_at_the_end_of_the_data),
        cmocka_unit_test(a_drag_let_go_rolls_on_and_comes_to_rest),
        cmocka_unit_test(a_roll_is_the_same_whatever_the_frame_rate),
        cmocka_unit_test(a_box_shows_its_times_and_values),
        cmocka_unit_test(values_are_held_moved_and_fitted_again),
        cmocka_unit_test(a_log_axis_moves_by_factors),
        cmocka_unit_test(growing_data_are_followed_at_the_end_only),
        cmocka_unit_test(data_made_anew_are_shown_from_their_beginning),
        cmocka_unit_test(the_ends_of_time_are_reached_without_overflow),
        cmocka_unit_test(data_without_rows_have_a_view),
        cmocka_unit_test(every_key_and_action_is_known),
        cmocka_unit_test(types_go_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
