/* The chart of a window, without one: what is drawn when, the stored values at the pointer, files
 * that grow, and charts that cannot be drawn as asked for. */
#include "view_script.h"
#include "view_session.h"

#include "test.h"

#include <math.h>
#include <unistd.h>

#define ROWS 5000
#define WIDTH 900u
#define HEIGHT 500u

static gch_error err;

/* Prices with two decimals, a second apart; sometimes below zero. */
static int64_t price_of(int64_t row)
{
    return (row * 37) % 1000 - 200;
}

static void write_file(const char *path, int64_t rows)
{
    gch_column_desc column = {.name = "price", .unit = "EUR", .type = GCH_TYPE_DECIMAL};
    gch_writer_desc desc = {.time_unit = GCH_TIME_S, .columns = &column, .column_count = 1};
    gch_writer *writer;
    unlink(path);
    assert_ok(gch_writer_create(path, &desc, &writer, &err));
    static int64_t times[4096], digits[4096];
    static int8_t scales[4096];
    for (int64_t row = 0; row < rows;) {
        size_t count = 0;
        for (; count < 4096 && row < rows; count++, row++) {
            times[count] = 1700000000 + row;
            digits[count] = price_of(row);
            scales[count] = 2;
        }
        gch_column_data data = {.values = digits, .scales = scales};
        assert_ok(gch_writer_append(writer, times, &data, count, &err));
    }
    assert_ok(gch_writer_finish(writer, &err));
}

/* A file that may be opened again when it has grown. */
typedef struct fixture {
    gch_data *data;
    gch_source source, retired;
    gch_chart_series series;
    gch_chart_desc chart;
    view_desc desc;
    view_session *session;
    const char *path;
    bool has_grown;
    gch_io io;
    int saves;
} fixture;

static const gch_file *open_file(fixture *f)
{
    const gch_file *file;
    const gch_source_desc desc = {.io = f->io};
    assert_ok(gch_source_open_file(f->data, f->path, &desc, &f->source, &err));
    assert_ok(gch_source_get_file(f->data, f->source, &file, &err));
    return file;
}

static bool refresh(void *context, gch_chart_series *series, uint32_t series_count)
{
    fixture *f = context;
    if (f->retired.id != 0)
        assert_ok(gch_source_close(f->data, f->retired, &err));
    f->retired = (gch_source){0};
    if (!f->has_grown)
        return false;
    f->has_grown = false;
    f->retired = f->source;
    assert_int_equal(series_count, 1);
    series[0].file = open_file(f);
    return true;
}

static bool save(void *context, const gch_image *image, char *out_text, size_t text_cap)
{
    fixture *f = context;
    assert_int_equal(image->width_px, WIDTH);
    snprintf(out_text, text_cap, "picture %d", ++f->saves);
    return f->saves == 1;
}

static void fixture_make_rows(fixture *f, const char *path, int64_t rows)
{
    *f = (fixture){.path = path};
    write_file(path, rows);
    assert_ok(gch_data_make(NULL, &f->data, &err));
    f->series = (gch_chart_series){.file = open_file(f)};
    f->chart = (gch_chart_desc){
        .series = &f->series, .series_count = 1, .data = f->data, .backend = GCH_BACKEND_CPU};
    f->desc = (view_desc){.chart = &f->chart,
                          .title = "test",
                          .context = f,
                          .refresh = refresh,
                          .refresh_ms = 100,
                          .save = save};
    f->session = calloc(1, sizeof *f->session);
    assert_non_null(f->session);
    assert_ok(view_session_init(f->session, &f->desc, &err));
    view_session_resize(f->session, WIDTH, HEIGHT, 1);
}

static void fixture_make(fixture *f, const char *path)
{
    fixture_make_rows(f, path, ROWS);
}

static void fixture_free(fixture *f)
{
    view_session_reset(f->session);
    free(f->session);
    if (f->retired.id != 0)
        assert_ok(gch_source_close(f->data, f->retired, &err));
    assert_ok(gch_source_close(f->data, f->source, &err));
    assert_ok(gch_data_destroy(f->data, &err));
    unlink(f->path);
}

/* Draws until the picture is whole; how many pictures that took. */
static int draw(fixture *f, double now_ms)
{
    int pictures = 0;
    for (int i = 0; i < 10000; i++) {
        bool has_changed;
        assert_ok(view_session_draw(f->session, now_ms, &has_changed, &err));
        pictures += has_changed;
        if (view_session_wait_ms(f->session, now_ms) != 0)
            return pictures;
        usleep(1000);
    }
    fail_msg("the picture never comes to rest");
    return 0;
}

/* A text that is on the picture. */
static bool shows(const fixture *f, const char *text)
{
    const view_paint *paint = &f->session->paint;
    for (size_t i = 0; i < paint->item_count; i++) {
        const gch_overlay_item *item = &paint->items[i];
        if (item->kind == GCH_OVERLAY_TEXT && strstr(item->text, text) != NULL)
            return true;
    }
    return false;
}

static void point_at_row(fixture *f, int64_t row)
{
    const view_state *state = &f->session->state;
    double x = view_state_x_of(state, 1700000000 + row) + f->session->stats.plot_x_px;
    view_session_point(f->session, (float)x, HEIGHT / 2.0f);
}

static void nothing_is_drawn_when_nothing_has_changed(void **unused)
{
    (void)unused;
    fixture f;
    fixture_make(&f, "view_rest_test.gch");
    assert_true(draw(&f, 0) > 0);
    assert_int_equal(draw(&f, 1), 0);
    assert_true(view_session_wait_ms(f.session, 1) == 100); /* until files are looked at */
    uint64_t frames = f.session->frame_count;
    view_session_point(f.session, 300, 200);
    assert_int_equal(draw(&f, 2), 1);
    assert_int_equal(f.session->frame_count, frames); /* the pointer moved, not the chart */
    view_session_leave(f.session);
    assert_int_equal(draw(&f, 3), 1);
    view_session_leave(f.session);
    assert_int_equal(draw(&f, 4), 0);
    view_session_resize(f.session, WIDTH, HEIGHT, 1);
    assert_int_equal(draw(&f, 5), 0);
    view_session_resize(f.session, WIDTH + 1, HEIGHT, 1);
    assert_true(draw(&f, 6) > 0);
    assert_true(f.session->frame_count > frames);
    fixture_free(&f);
}

/* Where there is no GPU the processor counts all of it at once. */
static void a_density_is_refined_until_it_is_exact(void **unused)
{
    (void)unused;
    fixture f;
    fixture_make_rows(&f, "view_density_test.gch", 2400000);
    f.session->chart_desc.backend = GCH_BACKEND_GPU;
    f.session->chart_desc.frame_budget_ms = 1e-6;
    f.session->state.mark = GCH_MARK_DENSITY;
    view_session_resize(f.session, 600, 300, 1);
    bool has_changed, has_shown_level = false;
    uint32_t refined = 0;
    do {
        assert_ok(view_session_draw(f.session, 0, &has_changed, &err));
        const gch_chart_stats *stats = &f.session->stats;
        refined += stats->complete < 1 && stats->quality_level < GCH_QUALITY_LEVELS;
        has_shown_level = has_shown_level || shows(&f, "level 5 of 7");
        assert_true(refined <= 66);
    } while (view_session_wait_ms(f.session, 0) == 0);
    assert_true(f.session->stats.complete == 1);
    assert_true(shows(&f, "100 % exact") && shows(&f, "all points"));
    if (f.session->stats.backend == GCH_BACKEND_GPU)
        assert_true(refined > 10 && has_shown_level);
    fixture_free(&f);
}

static void the_pointer_shows_stored_values_to_the_digit(void **unused)
{
    (void)unused;
    fixture f;
    fixture_make(&f, "view_pointer_test.gch");
    view_state_show(&f.session->state, 1700000000 + 1000, 1700000000 + 1200);
    draw(&f, 0);
    for (int64_t row = 1001; row < 1199; row += 7) {
        point_at_row(&f, row);
        draw(&f, 1);
        char value[64], time[64];
        gch_value_format(
            (gch_value){.kind = GCH_VALUE_DECIMAL, .scale = 2, .as.digits = price_of(row)}, 2,
            value, sizeof value);
        gch_time_format(1700000000 + row, GCH_TIME_S, NULL, time, sizeof time);
        assert_int_equal(f.session->cursor.row_count, 1);
        assert_string_equal(f.session->cursor.rows[0].value, value);
        assert_string_equal(f.session->cursor.time, time);
        assert_true(shows(&f, value) && shows(&f, time) && shows(&f, "price"));
        /* The dot lies on the point. */
        const view_row *shown = &f.session->cursor.rows[0];
        assert_true(shown->has_dot);
        assert_true(fabs((double)shown->dot_x - (double)f.session->pointer_x) < 1);
    }
    /* Beside the plot there are no values. */
    view_session_point(f.session, 1, 1);
    draw(&f, 2);
    assert_false(shows(&f, "price"));
    fixture_free(&f);
}

static void figures_help_and_notes_come_and_go(void **unused)
{
    (void)unused;
    fixture f;
    fixture_make(&f, "view_figures_test.gch");
    draw(&f, 0);
    assert_true(shows(&f, "5,000 points, 100 % exact"));
    assert_true(shows(&f, "mapped"));
    assert_true(shows(&f, "values fitted"));
    view_session_act(f.session, VIEW_ACTION_FIT);
    draw(&f, 1);
    assert_true(shows(&f, "values held"));
    view_session_act(f.session, VIEW_ACTION_HUD);
    view_session_act(f.session, VIEW_ACTION_HELP);
    draw(&f, 2);
    assert_false(shows(&f, "exact"));
    assert_true(shows(&f, "zoom to a box"));
    view_session_act(f.session, VIEW_ACTION_HELP);
    view_session_save(f.session, 3);
    draw(&f, 3);
    assert_true(shows(&f, "saved picture 1"));
    assert_false(shows(&f, "zoom to a box"));
    double wait = view_session_wait_ms(f.session, 3);
    assert_true(wait > 0 && wait <= 100);
    assert_true(draw(&f, 60000) > 0);
    assert_false(shows(&f, "saved"));
    view_session_save(f.session, 60001); /* the second one fails */
    draw(&f, 60001);
    assert_true(shows(&f, "picture 2"));
    assert_false(shows(&f, "saved"));
    fixture_free(&f);
}

static void a_file_that_grows_is_followed(void **unused)
{
    (void)unused;
    fixture f;
    fixture_make(&f, "view_grows_test.gch");
    draw(&f, 0);
    point_at_row(&f, 100);
    draw(&f, 0);
    view_session_refresh(f.session);
    assert_int_equal(draw(&f, 1), 0);
    char next[] = "view_grows_next_test.gch";
    write_file(next, 2 * ROWS);
    assert_int_equal(rename(next, f.path), 0);
    f.has_grown = true;
    view_session_refresh(f.session);
    draw(&f, 2);
    assert_true(shows(&f, "10,000 points"));
    assert_int_equal(f.session->state.range.to, 1700000000 + 2 * ROWS);
    view_session_refresh(f.session); /* closes the old file: nobody may use it any more */
    view_session_act(f.session, VIEW_ACTION_IN);
    while (view_state_advance(&f.session->state, 16)) {
    }
    point_at_row(&f, ROWS + 100);
    draw(&f, 3);
    assert_int_equal(f.session->cursor.row_count, 1);
    fixture_free(&f);
}

static void a_chart_that_cannot_be_drawn_goes_back(void **unused)
{
    (void)unused;
    fixture f;
    fixture_make(&f, "view_back_test.gch");
    draw(&f, 0);
    /* Bounds that are none; a window never asks for them. */
    f.session->state.is_fixed = true;
    f.session->state.bottom = (gch_decimal){5, 0};
    f.session->state.top = (gch_decimal){5, 0};
    f.session->wants_frame = true;
    draw(&f, 1);
    assert_false(f.session->state.is_fixed);
    assert_true(shows(&f, "bottom"));
    view_session_note(f.session, 2, "a note");
    view_session_save(f.session, 2); /* notes are not saved with the picture */
    assert_false(shows(&f, "a note"));
    draw(&f, 2);
    assert_true(shows(&f, "saved"));
    draw(&f, 9000);
    /* Types, axes and themes can all be drawn. */
    for (int i = 0; i < 40; i++) {
        static const view_action actions[] = {VIEW_ACTION_TYPE, VIEW_ACTION_LOG, VIEW_ACTION_THEME,
                                              VIEW_ACTION_TYPE, VIEW_ACTION_FIT, VIEW_ACTION_UP};
        view_session_act(f.session, actions[i % 6]);
        (void)view_state_advance(&f.session->state, 30);
        draw(&f, 10000 + i);
        assert_true(f.session->note_until == 0);
    }
    fixture_free(&f);
}

static void a_chart_that_never_could_be_drawn_is_a_failure(void **unused)
{
    (void)unused;
    fixture f;
    fixture_make(&f, "view_never_test.gch");
    bool has_changed;
    f.session->series[0].column = 7;
    assert_status(view_session_draw(f.session, 0, &has_changed, &err), GCH_INVALID);
    assert_false(has_changed);
    fixture_free(&f);
}

static void scripts_show_views_within_the_data(void **unused)
{
    (void)unused;
    for (int kind = VIEW_SCRIPT_MIXED; kind <= VIEW_SCRIPT_ZOOM; kind++) {
        view_state state;
        view_script script;
        view_state_init(&state, (view_range){1000, 50001000});
        view_script_init(&script, (view_script_kind)kind, 50000000);
        int64_t narrowest = INT64_MAX, widest = 0;
        for (int i = 0; i < 1200; i++) {
            gch_view frame = {.t0 = state.range.from,
                              .t1 = state.range.to,
                              .top = {1, 0},
                              .width_px = 1000,
                              .height_px = 500};
            view_state_take_frame(&state, &frame);
            view_script_next(&script, &state);
            int64_t span = state.range.to - state.range.from;
            assert_true(span > 0 && span <= 50000000);
            assert_true(state.range.from >= 1000 - span / 2);
            assert_true(state.range.to <= 50001000 + span / 2);
            narrowest = span < narrowest ? span : narrowest;
            widest = span > widest ? span : widest;
        }
        if (kind == VIEW_SCRIPT_PAN)
            assert_int_equal(narrowest, widest);
        else
            assert_true(narrowest < 40000 && widest > 40000000);
    }
}

static bool find_source(void *context, const gch_file *file, gch_source *out)
{
    const fixture *f = context;
    *out = f->source;
    return file == f->series.file;
}

static uint64_t misses(const fixture *f)
{
    gch_data_stats stats;
    gch_data_get_stats(f->data, &stats);
    return stats.misses;
}

/* Until loaders have nothing to do. */
static void settle(const fixture *f)
{
    gch_data_stats stats, before = {0};
    for (int i = 0; i < 1000; i++) {
        usleep(20000);
        gch_data_get_stats(f->data, &stats);
        if (stats.loads == before.loads && stats.queue_depth[2] == 0 && i > 5)
            return;
        before = stats;
    }
    fail_msg("loading never ends");
}

/* Pages of the views beside it are there before they are asked for, if there was time. */
static void a_view_at_rest_has_its_neighbours_loaded(void **unused)
{
    (void)unused;
    enum { MANY = 600000 };
    uint64_t missed[2];
    for (int warms = 0; warms < 2; warms++) {
        fixture f;
        fixture_make_rows(&f, "view_warm_test.gch", MANY);
        view_session_reset(f.session);
        assert_ok(gch_source_close(f.data, f.source, &err));
        f.io = GCH_IO_READ; /* or all of it would be there */
        f.series.file = open_file(&f);
        f.chart.has_time_range = true;
        f.chart.from = 1700000000 + MANY / 2;
        f.chart.to = f.chart.from + MANY / 20;
        f.desc.find_source = warms ? find_source : NULL;
        assert_ok(view_session_init(f.session, &f.desc, &err));
        view_session_resize(f.session, WIDTH, HEIGHT, 1);
        (void)draw(&f, 0);
        assert_int_equal(f.session->warm.due_at > 0, warms);
        assert_true(view_session_wait_ms(f.session, 0) <= (warms ? VIEW_WARM_MS : 100));
        (void)draw(&f, VIEW_WARM_MS + 1);
        assert_true(f.session->warm.due_at == 0); /* once a view */
        settle(&f);
        uint64_t before = misses(&f);
        view_session_act(f.session, VIEW_ACTION_PAGE_RIGHT);
        (void)view_state_advance(&f.session->state, 1e6);
        (void)draw(&f, 1000);
        missed[warms] = misses(&f) - before;
        assert_int_equal(f.session->warm.due_at > 0, warms);
        fixture_free(&f);
    }
    assert_true(missed[0] > 0);
    assert_int_equal(missed[1], 0);
}

/* Two series in one panel, then in two: the pointer says which one keys are about. */
static void panels_are_held_and_fitted_one_by_one(void **unused)
{
    (void)unused;
    fixture f;
    fixture_make(&f, "view_panels_test.gch");
    gch_chart_series series[] = {f.series, f.series, f.series};
    series[2].study = (gch_series_study){.kind = GCH_STUDY_SMA, .length = 20};
    f.chart.series = series;
    f.chart.series_count = 3;
    f.desc.refresh = NULL;
    view_session_reset(f.session);
    assert_ok(view_session_init(f.session, &f.desc, &err));
    view_session_resize(f.session, WIDTH, HEIGHT, 1);
    view_session *s = f.session;
    (void)draw(&f, 0);
    assert_int_equal(s->stats.panel_count, 1);
    view_session_act(s, VIEW_ACTION_FIT);
    view_session_act(s, VIEW_ACTION_PANELS);
    (void)draw(&f, 1);
    assert_int_equal(s->stats.panel_count, 2);
    assert_false(s->state.is_fixed);
    assert_true(s->series[0].panel == 0 && s->series[1].panel == 1 && s->series[2].panel == 0);

    /* The lower one is moved, and the upper one stays fitted. */
    const gch_panel_stats upper = s->stats.panels[0], lower = s->stats.panels[1];
    view_session_point(s, 300, (float)lower.y_px + 20);
    assert_int_equal(s->state.panel, 1);
    assert_true(view_session_plot_y(s, (float)lower.y_px + 20) == 20);
    view_session_act(s, VIEW_ACTION_UP);
    (void)view_state_advance(&s->state, 1e6);
    (void)draw(&f, 2);
    assert_true(s->state.is_fixed);
    assert_memory_equal(&upper.left, &s->stats.panels[0].left, sizeof upper.left);
    assert_true(gch_decimal_to_double(s->stats.panels[1].left.top) >
                gch_decimal_to_double(lower.left.top));
    uint32_t dots = 0; /* in the panel of its series each */
    for (uint32_t i = 0; i < s->cursor.row_count; i++) {
        const view_row *row = &s->cursor.rows[i];
        dots += row->has_dot;
        assert_true(!row->has_dot || view_panels_at(&s->stats, row->dot_y) == i);
    }
    assert_int_equal(s->cursor.row_count, 2);
    assert_true(dots > 0);
    view_session_point(s, 300, (float)upper.y_px + 20);
    assert_false(s->state.is_fixed);
    view_session_act(s, VIEW_ACTION_FIT);
    (void)draw(&f, 3);
    view_session_act(s, VIEW_ACTION_ALL); /* both are fitted again */
    (void)draw(&f, 4);
    assert_memory_equal(&lower.left, &s->stats.panels[1].left, sizeof lower.left);
    view_session_act(s, VIEW_ACTION_PANELS);
    (void)draw(&f, 5);
    assert_int_equal(s->stats.panel_count, 1);
    fixture_free(&f);
}

/* As the options of a command have them, bounds and all. */
static void panels_that_are_given_are_kept(void **unused)
{
    (void)unused;
    fixture f;
    fixture_make(&f, "view_given_test.gch");
    gch_chart_series series[] = {f.series, f.series};
    const gch_panel_desc panels[] = {
        {.height = 3, .left = {.has_bottom = true, .bottom = {-5, 0}}},
        {.height = 1,
         .right = {.has_bottom = true, .has_top = true, .bottom = {-4, 0}, .top = {20, 0}}}};
    series[1].panel = 1;
    series[1].axis = GCH_AXIS_RIGHT;
    f.chart.series = series;
    f.chart.series_count = 2;
    f.chart.panels = panels;
    f.chart.panel_count = 2;
    f.desc.refresh = NULL;
    view_session_reset(f.session);
    assert_ok(view_session_init(f.session, &f.desc, &err));
    view_session_resize(f.session, WIDTH, HEIGHT, 1);
    view_session *s = f.session;
    (void)draw(&f, 0);
    const gch_panel_stats *its = s->stats.panels;
    assert_int_equal(s->stats.panel_count, 2);
    assert_true(its[0].left.height_px > 2 * its[1].right.height_px);
    assert_true(gch_decimal_to_double(its[0].left.bottom) == -5);
    assert_true(gch_decimal_to_double(its[1].right.top) == 20);
    assert_false(s->state.is_fixed);
    view_session_point(s, 300, (float)its[1].y_px + 5);
    assert_true(s->state.is_fixed);
    view_session_act(s, VIEW_ACTION_FIT);
    (void)draw(&f, 1);
    assert_true(gch_decimal_to_double(its[1].right.top) < 20);
    assert_true(gch_decimal_to_double(its[0].left.bottom) == -5);
    fixture_free(&f);
}

static void percentiles_are_of_the_nearest_rank(void **unused)
{
    (void)unused;
    double samples[] = {5, 1, 4, 2, 3};
    assert_true(view_percentile(samples, 5, 0.5) == 3);
    assert_true(view_percentile(samples, 5, 0.99) == 5);
    assert_true(view_percentile(samples, 5, 1) == 5);
    assert_true(view_percentile(samples, 5, 0) == 1);
    assert_true(view_percentile(samples, 1, 0.5) == 1);
}

static void numbers_are_short(void **unused)
{
    (void)unused;
    char text[VIEW_NUMBER_CAP];
    view_format_count(0, text);
    assert_string_equal(text, "0");
    view_format_count(UINT64_MAX, text);
    assert_string_equal(text, "18,446,744,073,709,551,615");
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {{0, "0 B"},         {999, "999 B"},      {1000, "1.00 kB"},
                 {12345, "12.3 kB"}, {999600, "1.00 MB"}, {UINT64_MAX, "18.4 EB"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        view_format_bytes(cases[i].bytes, text);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_drawn_when_nothing_has_changed),
        cmocka_unit_test(a_density_is_refined_until_it_is_exact),
        cmocka_unit_test(the_pointer_shows_stored_values_to_the_digit),
        cmocka_unit_test(figures_help_and_notes_come_and_go),
        cmocka_unit_test(a_file_that_grows_is_followed),
        cmocka_unit_test(a_chart_that_cannot_be_drawn_goes_back),
        cmocka_unit_test(a_chart_that_never_could_be_drawn_is_a_failure),
        cmocka_unit_test(scripts_show_views_within_the_data),
        cmocka_unit_test(a_view_at_rest_has_its_neighbours_loaded),
        cmocka_unit_test(panels_are_held_and_fitted_one_by_one),
        cmocka_unit_test(panels_that_are_given_are_kept),
        cmocka_unit_test(percentiles_are_of_the_nearest_rank),
        cmocka_unit_test(numbers_are_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
