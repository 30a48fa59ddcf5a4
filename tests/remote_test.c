/* Our client against our server: columns are those that a query gives here, a file at a URL draws
 * the same picture. */
#include "net_test.h"
#include "test_server.h"

#include <math.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "remote_test.tmp"
#define ROWS 300000u

static gch_error err;

/* ---- the server ---- */

static void start_server(test_server *s)
{
    static const char *const folder = FOLDER;
    gch_server_desc desc = {.paths = &folder, .path_count = 1, .drain_timeout_ms = 200};
    *s = (test_server){0};
    test_server_start(s, desc, 256u << 20);
}

static const char *url_of(const test_server *s, const char *scheme, const char *path)
{
    static char url[256];
    snprintf(url, sizeof url, "%s://127.0.0.1:%u%s", scheme, s->port, path);
    return url;
}

/* ---- files and columns ---- */

static void write_file(const char *path, bool is_walk)
{
    static int64_t times[ROWS];
    static double values[ROWS];
    uint64_t random = 9;
    double walk = 0;
    for (uint32_t i = 0; i < ROWS; i++) {
        times[i] = (i == 0 ? 0 : times[i - 1]) + (int64_t)(test_random(&random) % 50);
        values[i] = 1 + (double)(test_random(&random) % 100000) / 100;
        walk += values[i] - 501;
        if (is_walk) {
            times[i] = (int64_t)i * 25;
            values[i] = walk;
        }
        if (i % 1000 == 7)
            values[i] = __builtin_nan("");
    }
    gch_writer *writer = NULL;
    gch_column_desc column = {.name = "v", .type = GCH_TYPE_F64};
    gch_writer_desc desc = {.time_unit = GCH_TIME_MS, .columns = &column, .column_count = 1};
    gch_column_data data = {.values = values};
    assert_ok(gch_writer_create(path, &desc, &writer, &err));
    assert_ok(gch_writer_append(writer, times, &data, ROWS, &err));
    assert_ok(gch_writer_finish(writer, &err));
}

static int write_files(void **state)
{
    (void)state;
    mkdir(FOLDER, 0777);
    write_file(FOLDER "/a.gch", false);
    write_file(FOLDER "/walk.gch", true);
    return 0;
}

static const gch_file *open_local(gch_data *data)
{
    gch_source source;
    const gch_file *file = NULL;
    assert_ok(gch_source_open_file(data, FOLDER "/a.gch", NULL, &source, &err));
    assert_ok(gch_source_get_file(data, source, &file, &err));
    return file;
}

static void expect_same(gch_query *query, const gch_columns_answer *answer, gch_view *view,
                        const gch_columns_ask *ask)
{
    gch_columns columns;
    gch_value min, max;
    view->bottom = answer->bottom;
    view->top = answer->top;
    view->t0 = answer->t0;
    view->t1 = answer->t1;
    assert_ok(gch_query_columns(query, 0, view, (gch_join)ask->join, &columns, &err));
    assert_int_equal(columns.first[view->width_px], answer->piece_count);
    assert_memory_equal(columns.first, answer->first, (view->width_px + 1) * sizeof *columns.first);
    _Static_assert(sizeof(gch_piece) == sizeof(gch_columns_piece), "one layout");
    assert_memory_equal(columns.pieces, answer->pieces,
                        answer->piece_count * sizeof *columns.pieces);
    assert_int_equal(columns.row_count, answer->end_row - answer->first_row);
    assert_ok(gch_query_range(query, 0, view->t0, view->t1, GCH_JOIN_NONE, &min, &max, &err));
    assert_true(gch_value_to_double(min) == gch_value_to_double(answer->min));
    assert_true(gch_value_to_double(max) == gch_value_to_double(answer->max));
}

static void columns_are_those_of_a_query_here(void **state)
{
    (void)state;
    test_server r;
    gch_http *http = NULL;
    gch_data *data = NULL;
    gch_query *queries[2];
    uint64_t random = 4;
    start_server(&r);
    assert_ok(gch_http_make(NULL, &http, &err));
    assert_ok(gch_data_make(NULL, &data, &err));
    const gch_file *file = open_local(data);
    int64_t last = gch_file_get_info(file)->last_time;
    for (int i = 0; i < 2; i++)
        assert_ok(
            gch_query_make(file, &(gch_query_desc){.keep_outside = i == 1}, &queries[i], &err));
    for (int i = 0; i < 60; i++) {
        gch_columns_ask ask = {.url = url_of(&r, "http", "/v1/data/a"),
                               .column = i % 2 ? "v" : NULL,
                               .width_px = 1 + (uint32_t)(test_random(&random) % 2000),
                               .height_px = 1 + (uint32_t)(test_random(&random) % 1000),
                               .join = (uint32_t)(i % 3),
                               .axis = (uint32_t)(i % 5 == 0),
                               .keep_outside = i % 4 == 0};
        if (i >= 10) {
            ask.has_times = true;
            ask.t0 = (int64_t)(test_random(&random) % (uint64_t)last);
            ask.t1 = ask.t0 + 1 + (int64_t)(test_random(&random) % (uint64_t)last);
        }
        if (i % 4 < 2) {
            ask.has_bounds = true;
            ask.bottom = (gch_decimal){.digits = 1055, .exp10 = -1};
            ask.top = (gch_decimal){.digits = 9, .exp10 = 2};
        }
        gch_columns_answer answer;
        assert_ok(gch_columns_fetch(http, &ask, NULL, &answer, &err));
        gch_view view = {
            .width_px = ask.width_px, .height_px = ask.height_px, .axis = (gch_value_axis)ask.axis};
        expect_same(queries[ask.keep_outside], &answer, &view, &ask);
        ask.version = answer.version + 1;
        gch_columns_answer_reset(http, &answer);
        assert_status(gch_columns_fetch(http, &ask, NULL, &answer, &err), GCH_CANCELLED);
    }
    for (int i = 0; i < 2; i++)
        gch_query_destroy(queries[i]);
    gch_columns_answer none;
    gch_columns_ask ask = {
        .url = url_of(&r, "http", "/v1/data/none"), .width_px = 1, .height_px = 1};
    assert_status(gch_columns_fetch(http, &ask, NULL, &none, &err), GCH_NOT_FOUND);
    assert_ok(gch_data_destroy(data, &err));
    gch_http_destroy(http);
    test_server_stop(&r);
}

static void a_file_at_the_server_draws_the_same_picture(void **state)
{
    (void)state;
    test_server r;
    gch_http *http = NULL;
    gch_data *data = NULL;
    gch_source source;
    gch_image images[2];
    start_server(&r);
    assert_ok(gch_http_make(NULL, &http, &err));
    assert_ok(gch_data_make(&(gch_data_desc){.loader_count = 64}, &data, &err));
    gch_chart_series series[2] = {{.file = open_local(data)}, {0}};
    assert_ok(
        gch_source_open_url(data, http, url_of(&r, "http", "/data/a.gch"), NULL, &source, &err));
    assert_ok(gch_source_get_file(data, source, &series[1].file, &err));
    for (int i = 0; i < 2; i++) {
        gch_chart_stats stats = {0};
        gch_chart_desc chart = {
            .series = &series[i], .series_count = 1, .hide_legend = true, .no_wait = i == 1};
        for (int frame = 0; frame < 5000 && stats.complete < 1; frame++) {
            if (frame > 0) {
                gch_image_destroy(&images[i], NULL);
                usleep(1000);
            }
            assert_ok(gch_chart_render(&chart, &images[i], &stats, &err));
        }
        assert_true(stats.complete == 1);
    }
    assert_int_equal(images[0].width_px, images[1].width_px);
    assert_memory_equal(images[0].pixels, images[1].pixels,
                        (size_t)images[0].width_px * images[0].height_px * 4);
    gch_image_destroy(&images[0], NULL);
    gch_image_destroy(&images[1], NULL);
    assert_ok(gch_data_destroy(data, &err));
    gch_http_destroy(http);
    test_server_stop(&r);
}

/* ---- finished answers ---- */

/* Draws without waiting until the picture is complete. */
static uint32_t draw_complete(gch_chart *chart, const gch_chart_desc *desc, const gch_image **image)
{
    gch_chart_stats stats = {0};
    uint32_t frames = 0;
    while (stats.complete < 1) {
        assert_ok(gch_chart_frame(chart, desc, image, &stats, &err));
        assert_true(++frames < 10000);
        usleep(500);
    }
    return frames;
}

/* A file of the server with what asks for answers about it. */
typedef struct asked_file {
    gch_http *http;
    gch_data *data;
    gch_source source;
    gch_remote_answers *answers;
    const gch_answers *ask;
} asked_file;

static void open_asked(asked_file *f, const test_server *r, const char *path)
{
    gch_http_desc desc = test_http_desc(NULL);
    assert_ok(gch_http_make(&desc, &f->http, &err));
    assert_ok(gch_data_make(NULL, &f->data, &err));
    assert_ok(
        gch_source_open_url(f->data, f->http, url_of(r, "http", path), NULL, &f->source, &err));
    assert_ok(gch_remote_answers_make(f->data, f->http, f->source, &f->answers, &err));
    f->ask = gch_remote_answers_get(f->answers);
}

static void close_asked(asked_file *f)
{
    gch_remote_answers_destroy(f->answers);
    assert_ok(gch_data_destroy(f->data, &err));
    gch_http_destroy(f->http);
}

typedef struct counted {
    gch_answers answers;
    const gch_answers *inner;
    uint32_t columns_given, ranges_given, bars_given, too_many, pending;
} counted;

static gch_status count_columns(void *context, const gch_answers_ask *ask, gch_columns *out,
                                gch_view *out_view, gch_error *answer_err)
{
    counted *c = context;
    /* As of a file so large that its pages are not worth fetching. */
    gch_answers_ask large = *ask;
    large.missing_bytes = 1u << 30;
    gch_status status = c->inner->columns(c->inner->context, &large, out, out_view, answer_err);
    c->columns_given += status == GCH_OK;
    c->pending += status == GCH_PENDING;
    return status;
}

static gch_status count_range(void *context, uint32_t column, int64_t t0, int64_t t1, gch_join join,
                              gch_value *min, gch_value *max, gch_error *answer_err)
{
    counted *c = context;
    gch_status status =
        c->inner->range(c->inner->context, column, t0, t1, join, min, max, answer_err);
    c->ranges_given += status == GCH_OK;
    return status;
}

static gch_status count_bars(void *context, const gch_bars_ask *ask, const gch_bar **out_bars,
                             uint32_t *out_count, gch_error *answer_err)
{
    counted *c = context;
    gch_status status = c->inner->bars(c->inner->context, ask, out_bars, out_count, answer_err);
    c->bars_given += status == GCH_OK;
    c->too_many += status == GCH_LIMIT;
    return status;
}

static void a_chart_draws_bars_of_the_server(void **state)
{
    (void)state;
    test_server r;
    asked_file f;
    gch_chart *charts[2];
    start_server(&r);
    open_asked(&f, &r, "/data/a.gch");
    const gch_file *local = open_local(f.data);
    counted c = {.answers = {count_columns, count_range, &c, count_bars}, .inner = f.ask};
    gch_chart_series series[2] = {{.file = local}, {.answers = &c.answers}};
    assert_ok(gch_source_get_file(f.data, f.source, &series[1].file, &err));
    for (int i = 0; i < 2; i++)
        assert_ok(gch_chart_make(NULL, &charts[i], &err));
    gch_source_info before, after;
    assert_ok(gch_source_get_info(f.data, f.source, &before, &err));
    int64_t last = gch_file_get_info(local)->last_time;
    const gch_bar_width widths[] = {
        {0}, {.count = last / 40000}, {.count = last / 700}, {.unit = GCH_BAR_DAY, .count = 1}};
    static const gch_mark marks[] = {GCH_MARK_CANDLES, GCH_MARK_OHLC, GCH_MARK_BARS};
    for (int view = 0; view < 36; view++) {
        const gch_image *images[2];
        gch_chart_desc chart = {.series_count = 1,
                                .has_time_range = true,
                                .from = last / 40 * (view % 5 * 3) - 5,
                                .to = last / 40 * (view % 5 * 3 + 11),
                                .time_zone = "America/New_York",
                                .bar_width = widths[view % 4]};
        if (view % 4 == 1 && marks[view / 4 % 3] == GCH_MARK_BARS)
            continue; /* bars narrower than pixels are hulls of columns, from pages */
        for (int i = 0; i < 2; i++) {
            series[i].mark = marks[view / 4 % 3];
            chart.series = &series[i];
            chart.no_wait = i == 1;
            (void)draw_complete(charts[i], &chart, &images[i]);
        }
        assert_memory_equal(images[0]->pixels, images[1]->pixels,
                            (size_t)images[0]->width_px * images[0]->height_px * 4);
    }
    assert_true(c.bars_given >= 10 && c.too_many > 0 && c.ranges_given > 0);
    assert_ok(gch_source_get_info(f.data, f.source, &after, &err));
    assert_int_equal(after.resident_pages, before.resident_pages);
    gch_chart_destroy(charts[0]);
    gch_chart_destroy(charts[1]);
    close_asked(&f);
    test_server_stop(&r);
}

static void a_chart_draws_finished_answers(void **state)
{
    (void)state;
    test_server r;
    gch_http *http = NULL;
    gch_data *data = NULL;
    gch_source source;
    gch_remote_answers *answers = NULL;
    gch_chart *charts[2];
    start_server(&r);
    assert_ok(gch_http_make(NULL, &http, &err));
    assert_ok(gch_data_make(&(gch_data_desc){.loader_count = 8}, &data, &err));
    const gch_file *local = open_local(data);
    gch_source_info before, after;
    assert_ok(
        gch_source_open_url(data, http, url_of(&r, "http", "/data/a.gch"), NULL, &source, &err));
    assert_ok(gch_source_get_info(data, source, &before, &err));
    assert_ok(gch_remote_answers_make(data, http, source, &answers, &err));
    counted c = {.answers = {.columns = count_columns, .range = count_range, .context = &c},
                 .inner = gch_remote_answers_get(answers)};
    gch_chart_series series[2] = {{.file = local}, {.answers = &c.answers}};
    assert_ok(gch_source_get_file(data, source, &series[1].file, &err));
    for (int i = 0; i < 2; i++)
        assert_ok(gch_chart_make(NULL, &charts[i], &err));
    int64_t last = gch_file_get_info(local)->last_time;
    for (int view = 0; view < 12; view++) {
        const gch_image *images[2];
        gch_chart_desc chart = {.series_count = 1,
                                .hide_legend = true,
                                .is_bare = view % 3 == 2,
                                .has_time_range = true,
                                .from = last / 40 * (view % 6),
                                .to = last / 40 * (view % 6 + 9)};
        for (int i = 0; i < 2; i++) {
            chart.series = &series[i];
            chart.no_wait = i == 1;
            (void)draw_complete(charts[i], &chart, &images[i]);
        }
        assert_memory_equal(images[0]->pixels, images[1]->pixels,
                            (size_t)images[0]->width_px * images[0]->height_px * 4);
    }
    assert_true(c.columns_given >= 12 && c.pending > 0);
    assert_ok(gch_source_get_info(data, source, &after, &err));
    assert_int_equal(after.resident_pages, before.resident_pages);
    gch_chart_destroy(charts[0]);
    gch_chart_destroy(charts[1]);
    gch_remote_answers_destroy(answers);
    assert_ok(gch_data_destroy(data, &err));
    gch_http_destroy(http);
    test_server_stop(&r);
}

static gch_view view_of(int64_t t0)
{
    return (gch_view){.t0 = t0,
                      .t1 = t0 + 3000000,
                      .bottom = {0, 0},
                      .top = {1000, 0},
                      .width_px = 300,
                      .height_px = 200};
}

static gch_status ask_moving(const gch_answers *answers, const gch_view *view, gch_columns *out,
                             gch_view *out_view)
{
    gch_answers_ask ask = {.view = view, .missing_bytes = 1u << 30};
    *out_view = (gch_view){0};
    return answers->columns(answers->context, &ask, out, out_view, &err);
}

static gch_status ask_columns(const gch_answers *answers, const gch_view *view, gch_columns *out)
{
    gch_view earlier;
    return ask_moving(answers, view, out, &earlier);
}

static gch_status await_columns(const gch_answers *answers, const gch_view *view, gch_columns *out)
{
    gch_status status = GCH_PENDING;
    for (int i = 0; i < 10000 && status == GCH_PENDING; i++) {
        status = ask_columns(answers, view, out);
        if (status == GCH_PENDING)
            usleep(500);
    }
    return status;
}

static void the_last_question_is_answered_and_kept(void **state)
{
    (void)state;
    test_server r;
    asked_file f;
    gch_columns columns, expected;
    gch_http_stats before, after;
    gch_query *query = NULL;
    start_server(&r);
    open_asked(&f, &r, "/data/a.gch");
    assert_ok(gch_query_make(open_local(f.data), NULL, &query, &err));
    for (int64_t t0 = 0; t0 < 40; t0++) { /* each supersedes the one before */
        gch_view view = view_of(t0);
        assert_status(ask_columns(f.ask, &view, &columns), GCH_PENDING);
    }
    gch_view view = view_of(39);
    assert_ok(await_columns(f.ask, &view, &columns));
    assert_ok(gch_query_columns(query, 0, &view, GCH_JOIN_LINE, &expected, &err));
    assert_int_equal(columns.row_count, expected.row_count);
    assert_memory_equal(columns.first, expected.first, 301 * sizeof *columns.first);
    assert_memory_equal(columns.pieces, expected.pieces,
                        expected.first[300] * sizeof *columns.pieces);
    gch_view other = view_of(1000);
    assert_ok(await_columns(f.ask, &other, &columns));

    /* Both are kept, for other askers too. */
    gch_remote_answers *second = NULL;
    assert_ok(gch_remote_answers_make(f.data, f.http, f.source, &second, &err));
    gch_http_get_stats(f.http, &before);
    assert_ok(ask_columns(f.ask, &view, &columns));
    assert_ok(ask_columns(gch_remote_answers_get(second), &other, &columns));
    gch_http_get_stats(f.http, &after);
    assert_int_equal(before.started, after.started);
    assert_true(after.cancelled > 0);
    gch_remote_answers_destroy(second);

    /* Few missing bytes are fetched as pages. */
    gch_view small = view_of(5000);
    gch_answers_ask ask = {.view = &small, .missing_bytes = 1, .knows_rows = true};
    assert_status(f.ask->columns(f.ask->context, &ask, &columns, &small, &err), GCH_UNSUPPORTED);
    gch_query_destroy(query);
    close_asked(&f);
    test_server_stop(&r);
}

static void a_view_that_never_rests_is_answered_too(void **state)
{
    (void)state;
    test_server r;
    asked_file f;
    gch_columns columns, expected;
    gch_query *query = NULL;
    start_server(&r);
    open_asked(&f, &r, "/data/a.gch");
    assert_ok(gch_query_make(open_local(f.data), NULL, &query, &err));
    uint32_t shown_count = 0;
    for (int64_t t0 = 0; t0 < 20000 && shown_count < 5; t0++) {
        gch_view view = view_of(t0 * 10), shown;
        gch_value low = {.kind = GCH_VALUE_GAP}, high = low;
        assert_status(ask_moving(f.ask, &view, &columns, &shown), GCH_PENDING);
        assert_status(
            f.ask->range(f.ask->context, 0, view.t0, view.t1, GCH_JOIN_LINE, &low, &high, &err),
            GCH_PENDING);
        if (shown.width_px > 0) {
            shown_count++;
            assert_true(shown.t0 < view.t0);
            assert_ok(gch_query_columns(query, 0, &shown, GCH_JOIN_LINE, &expected, &err));
            assert_int_equal(columns.row_count, expected.row_count);
            assert_memory_equal(columns.first, expected.first, 301 * sizeof *columns.first);
            assert_memory_equal(columns.pieces, expected.pieces,
                                expected.first[300] * sizeof *columns.pieces);
        }
        usleep(1000);
    }
    assert_int_equal(shown_count, 5);
    gch_query_destroy(query);
    close_asked(&f);
    test_server_stop(&r);
}

/* Draws a view as a chart does, with bounds that hold the range; whether all of it was known. */
static bool draw_within_range(gch_query *query, gch_view *view)
{
    gch_value low, high;
    gch_columns columns;
    uint64_t before = gch_query_get_stats(query).answers_pending;
    assert_ok(gch_query_range(query, 0, view->t0, view->t1, GCH_JOIN_LINE, &low, &high, &err));
    bool is_known = gch_query_get_stats(query).answers_pending == before;
    view->bottom = (gch_decimal){(int64_t)floor(gch_value_to_double(low)), 0};
    view->top = (gch_decimal){(int64_t)ceil(gch_value_to_double(high)), 0};
    assert_ok(gch_query_columns(query, 0, view, GCH_JOIN_LINE, &columns, &err));
    /* In a range that is known, what is drawn in place of columns may say too much. */
    for (uint32_t k = 0; !is_known && k < columns.first[view->width_px]; k++) {
        assert_true(columns.pieces[k].y_top > -0.1f);
        assert_true(columns.pieces[k].y_bottom < (float)view->height_px + 0.1f);
    }
    return is_known && columns.pending_count == 0;
}

/* Whatever comes in between, and when. */
static void what_is_drawn_of_a_view_that_moves_is_within_its_range(void **state)
{
    (void)state;
    test_server r;
    uint32_t pending_count = 0;
    start_server(&r);
    for (int64_t round = 0; round < 10; round++) {
        asked_file f;
        const gch_file *file = NULL;
        gch_query *query = NULL;
        gch_view view = view_of(round * 400000);
        open_asked(&f, &r, "/data/walk.gch");
        assert_ok(gch_source_get_file(f.data, f.source, &file, &err));
        gch_query_desc desc = {.no_wait = true, .answers = f.ask};
        assert_ok(gch_query_make(file, &desc, &query, &err));
        for (int tries = 0; !draw_within_range(query, &view); tries++) {
            assert_true(tries < 10000);
            usleep(500);
        }
        for (int frame = 0; frame < 30; frame++, usleep(200)) {
            view.t0 += 20000;
            view.t1 += 20000;
            pending_count += draw_within_range(query, &view) ? 0 : 1;
        }
        gch_query_destroy(query);
        close_asked(&f);
    }
    assert_true(pending_count > 20);
    test_server_stop(&r);
}

static void a_server_that_is_gone_leaves_the_pages(void **state)
{
    (void)state;
    test_server r;
    asked_file f;
    gch_columns columns;
    gch_http_stats before, after;
    gch_view view = view_of(7);
    start_server(&r);
    open_asked(&f, &r, "/data/a.gch");
    test_server_stop(&r);
    assert_status(await_columns(f.ask, &view, &columns), GCH_UNAVAILABLE);
    gch_http_get_stats(f.http, &before);
    assert_status(ask_columns(f.ask, &view, &columns), GCH_UNAVAILABLE);
    gch_http_get_stats(f.http, &after);
    assert_int_equal(before.started, after.started);
    close_asked(&f);
}

static void a_version_that_is_gone_is_not_asked_for_again(void **state)
{
    (void)state;
    test_server r;
    asked_file f;
    gch_columns columns;
    gch_status status = GCH_OK;
    gch_http_stats before, after;
    assert_int_equal(system("cp " FOLDER "/a.gch " FOLDER "/b.gch"), 0);
    start_server(&r);
    open_asked(&f, &r, "/data/b.gch");
    assert_int_equal(unlink(FOLDER "/b.gch"), 0);
    for (int64_t t0 = 0; t0 < 1000 && status == GCH_OK; t0++) { /* until the server has noticed */
        gch_view view = view_of(t0);
        status = await_columns(f.ask, &view, &columns);
        usleep(10000);
    }
    assert_true(status != GCH_OK && status != GCH_UNAVAILABLE);
    gch_view view = view_of(99999);
    gch_http_get_stats(f.http, &before);
    assert_status(ask_columns(f.ask, &view, &columns), GCH_UNSUPPORTED);
    gch_http_get_stats(f.http, &after);
    assert_int_equal(before.started, after.started);
    close_asked(&f);
    test_server_stop(&r);
}

static void answers_are_for_files_at_data_servers(void **state)
{
    (void)state;
    test_server r;
    asked_file f;
    gch_source source;
    gch_remote_answers *none = NULL;
    start_server(&r);
    open_asked(&f, &r, "/data/a.gch");
    assert_ok(gch_source_open_url(f.data, f.http, url_of(&r, "http", "/data/a.gch?token=x"), NULL,
                                  &source, &err));
    assert_status(gch_remote_answers_make(f.data, f.http, source, &none, &err), GCH_UNSUPPORTED);
    assert_ok(gch_source_open_file(f.data, FOLDER "/a.gch", NULL, &source, &err));
    assert_status(gch_remote_answers_make(f.data, f.http, source, &none, &err), GCH_UNSUPPORTED);
    assert_ok(gch_source_close(f.data, source, &err));
    assert_status(gch_remote_answers_make(f.data, f.http, source, &none, &err), GCH_INVALID);
    assert_null(none);
    close_asked(&f);
    test_server_stop(&r);
}

static void answers_survive_want_of_memory(void **state)
{
    (void)state;
    test_server r;
    start_server(&r);
    uint32_t failures = 0;
    for (int64_t n = 0; n < 60; n++) {
        test_failing memory = {.left = -1};
        gch_allocator allocator = {.resize = test_failing_resize, .context = &memory};
        gch_http_desc desc = test_http_desc(NULL);
        asked_file f = {0};
        gch_columns columns;
        desc.allocator = &allocator;
        assert_ok(gch_http_make(&desc, &f.http, &err));
        assert_ok(gch_data_make(NULL, &f.data, &err));
        assert_ok(gch_source_open_url(f.data, f.http, url_of(&r, "http", "/data/a.gch"), NULL,
                                      &f.source, &err));
        atomic_store(&memory.left, n);
        gch_status status = gch_remote_answers_make(f.data, f.http, f.source, &f.answers, &err);
        if (status == GCH_OK) {
            gch_value low, high;
            gch_view view = view_of(n);
            f.ask = gch_remote_answers_get(f.answers);
            status = f.ask->range(f.ask->context, 0, 5, 500000, GCH_JOIN_LINE, &low, &high, &err);
            assert_true(status == GCH_PENDING || status == GCH_NO_MEMORY);
            status = await_columns(f.ask, &view, &columns);
            atomic_store(&memory.left, -1);
            if (status != GCH_OK) { /* another question is answered */
                failures++;
                assert_true(memory.has_failed);
                view = view_of(n + 1);
                assert_ok(await_columns(f.ask, &view, &columns));
            }
        } else {
            failures++;
            assert_int_equal(status, GCH_NO_MEMORY);
            atomic_store(&memory.left, -1);
        }
        close_asked(&f);
        assert_int_equal(memory.live, 0);
    }
    assert_true(failures >= 8);
    test_server_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_those_of_a_query_here),
        cmocka_unit_test(a_file_at_the_server_draws_the_same_picture),
        cmocka_unit_test(a_chart_draws_finished_answers),
        cmocka_unit_test(a_chart_draws_bars_of_the_server),
        cmocka_unit_test(the_last_question_is_answered_and_kept),
        cmocka_unit_test(a_view_that_never_rests_is_answered_too),
        cmocka_unit_test(what_is_drawn_of_a_view_that_moves_is_within_its_range),
        cmocka_unit_test(a_server_that_is_gone_leaves_the_pages),
        cmocka_unit_test(a_version_that_is_gone_is_not_asked_for_again),
        cmocka_unit_test(answers_are_for_files_at_data_servers),
        cmocka_unit_test(answers_survive_want_of_memory),
    };
    return cmocka_run_group_tests(tests, write_files, NULL);
}
