/* The exports as a host calls them, with memory that runs out at every allocation too.
 *
 * Built with data_loader_none.c: as in a browser, nobody but the host takes pages off the queue. */
#include "test.h"

#include "render_tables.h"
#include "test_series.h"
#include "web_state.h"

#include <math.h>

#define ROWS 300000u
#define PIECE_BYTES 50000u

static gch_error err;
static uint8_t *image;
static size_t image_bytes;

static int make_image(void **state)
{
    (void)state;
    static int64_t times[ROWS];
    static double values[ROWS];
    uint64_t random = 1;
    for (size_t i = 0; i < ROWS; i++) {
        times[i] = (int64_t)i * 1000 + (int64_t)(test_random(&random) % 900);
        values[i] = (double)(int64_t)(test_random(&random) % 100000) / 100;
    }
    gch_column_desc column = {.name = "v\"1\"", .unit = "V", .type = GCH_TYPE_F64};
    gch_writer_desc desc = {.time_unit = GCH_TIME_MS, .columns = &column, .column_count = 1};
    gch_writer *writer = NULL;
    void *bytes = NULL;
    assert_ok(gch_writer_create_memory(&desc, &writer, &err));
    assert_ok(gch_writer_append(writer, times, &(gch_column_data){.values = values}, ROWS, &err));
    assert_ok(gch_writer_finish_memory(writer, &bytes, &image_bytes, &err));
    image = bytes;
    return 0;
}

static int free_image(void **state)
{
    (void)state;
    gch_writer_free_memory(image, NULL);
    return 0;
}

/* Hands image[offset, offset + count) in. */
static gch_status stage(uint32_t id, double offset, double count)
{
    size_t first = (size_t)offset, bytes = (size_t)count;
    void *copy = gch_web_alloc(bytes);
    if (copy == NULL)
        return GCH_NO_MEMORY;
    memcpy(copy, image + first, bytes);
    return gch_web_source_stage(id, offset, copy, bytes);
}

static gch_status open_by_wants(uint32_t *out_id, uint32_t *out_rounds)
{
    gch_web_want want;
    gch_status status;
    *out_rounds = 0;
    GCH_TRY(gch_web_source_make("x.gch", (double)image_bytes, out_id));
    while ((status = gch_web_source_open(*out_id, &want)) == GCH_PENDING) {
        assert_int_equal(want.source, *out_id);
        assert_true(want.byte_count > 0);
        assert_true(++*out_rounds < 100);
        GCH_TRY(stage(*out_id, want.offset, want.byte_count));
    }
    return status;
}

/* Frames until one is complete, with what they want handed in between. */
static gch_status draw_by(gch_web_backend backend, uint32_t chart, uint32_t source,
                          uint32_t *out_frames)
{
    gch_web_series series = {.source = source, .mark = GCH_MARK_LINE};
    gch_web_chart_desc desc = {.from = 100000000,
                               .to = 101000000,
                               .width_px = 300,
                               .height_px = 200,
                               .flags = GCH__WEB_HAS_TIME_RANGE,
                               .series = &series,
                               .series_count = 1,
                               .bottom = "-0.5",
                               .top = "1000.25",
                               .title = "T",
                               .backend = backend};
    gch_web_frame frame = {0};
    for (*out_frames = 1;; ++*out_frames) {
        GCH_TRY(gch_web_chart_frame(chart, &desc, &frame));
        assert_int_equal(frame.width_px, 300);
        assert_int_equal(frame.t0, desc.from);
        assert_true(frame.top == 1000.25);
        gch_web_want wants[64];
        uint32_t count = gch_web_take_wants(wants, 64);
        if (frame.complete == 1)
            return GCH_OK;
        assert_true(count > 0);
        for (uint32_t i = 0; i < count; i++) {
            if (wants[i].flags == GCH__WEB_WANT_LOADED)
                continue;
            assert_int_equal(wants[i].flags & GCH__WEB_WANT_PREFETCH, 0);
            GCH_TRY(stage(wants[i].source, wants[i].offset, wants[i].byte_count));
        }
    }
}

static gch_status draw(uint32_t chart, uint32_t source, uint32_t *out_frames)
{
    return draw_by(GCH__WEB_CPU, chart, source, out_frames);
}

static void file_is_opened_and_drawn_from_the_ranges_it_wants(void **state)
{
    (void)state;
    uint32_t id, chart, rounds, frames;
    assert_ok(gch_web_start(64));
    assert_status(gch_web_start(64), GCH_EXISTS);
    assert_ok(open_by_wants(&id, &rounds));
    assert_true(rounds >= 2);
    assert_ok(gch_web_chart_make(&chart));
    assert_ok(draw(chart, id, &frames));
    assert_true(frames > 1);
    assert_ok(draw(chart, id, &frames));
    assert_int_equal(frames, 1);

    const char *info = gch_web_source_info(id);
    assert_non_null(strstr(info, "\"rows\":300000,"));
    assert_non_null(strstr(info, "{\"name\":\"v\\\"1\\\"\",\"unit\":\"V\",\"type\":\"f64\""));
    assert_non_null(
        strstr(gch_web_stats(), "{\"sources\":1,\"charts\":1,\"threads\":1,\"data\":{"));
    assert_ok(gch_web_stop());
}

static void neighbours_are_wanted_after_a_hint(void **state)
{
    (void)state;
    uint32_t id, rounds, hints = 0;
    gch_web_want wants[64];
    assert_ok(gch_web_start(64));
    assert_ok(open_by_wants(&id, &rounds));
    assert_int_equal(gch_web_take_wants(wants, 64), 0);
    assert_ok(gch_web_source_warm(id, 0, 100000000, 101000000, 300));
    for (uint32_t count; (count = gch_web_take_wants(wants, 64)) > 0; hints += count)
        assert_int_equal(wants[0].flags, GCH__WEB_WANT_PREFETCH);
    assert_true(hints > 0);
    assert_ok(gch_web_stop());
}

static void bytes_handed_in_before_anybody_asks_open_the_file_at_once(void **state)
{
    (void)state;
    uint32_t id, chart, frames;
    gch_web_want want;
    assert_ok(gch_web_start(64));
    assert_ok(gch_web_source_make("x.gch", (double)image_bytes, &id));
    for (size_t at = 0; at < image_bytes; at += PIECE_BYTES) /* no borders of pages */
        assert_ok(stage(id, (double)at, (double)GCH_MIN(image_bytes - at, (size_t)PIECE_BYTES)));
    assert_ok(gch_web_source_open(id, &want));
    assert_status(gch_web_source_open(id, &want), GCH_EXISTS);
    assert_ok(gch_web_chart_make(&chart));
    assert_ok(draw(chart, id, &frames));
    assert_ok(gch_web_stop());
}

static void ranges_outside_of_the_file_are_refused(void **state)
{
    (void)state;
    uint32_t id;
    assert_ok(gch_web_start(64));
    assert_status(gch_web_source_make("x.gch", 0, &id), GCH_CORRUPT);
    assert_status(gch_web_source_make("x.gch", -1, &id), GCH_INVALID);
    assert_status(gch_web_source_make("x.gch", 1e300, &id), GCH_INVALID);
    assert_ok(gch_web_source_make("x.gch", 1000, &id));
    static const struct {
        double offset;
        size_t count;
    } bad[] = {{-1, 10}, {991, 10}, {0, 1001}, {1e18, 1}, {0, 0}, {1000, 1}};
    for (size_t i = 0; i < GCH_COUNT_OF(bad); i++)
        assert_status(gch_web_source_stage(id, bad[i].offset, gch_web_alloc(16), bad[i].count),
                      GCH_INVALID);
    assert_status(gch_web_source_stage(id + 1, 0, gch_web_alloc(16), 16), GCH_INVALID);
    assert_non_null(strstr(gch_web_error(), "has been closed, or never was"));
    assert_null(gch_web_alloc(SIZE_MAX));
    assert_ok(gch_web_stop());
}

static void stale_numbers_and_wrong_descs_are_refused(void **state)
{
    (void)state;
    uint32_t id, chart, rounds;
    gch_web_frame frame;
    gch_web_sample sample;
    gch_web_bar bar;
    assert_ok(gch_web_start(64));
    assert_ok(open_by_wants(&id, &rounds));
    assert_ok(gch_web_chart_make(&chart));
    gch_web_series series = {.source = id, .mark = 99};
    gch_web_chart_desc desc = {.series = &series, .series_count = 1};
    assert_status(gch_web_chart_frame(chart, &desc, &frame), GCH_INVALID);
    assert_status(gch_web_chart_frame(chart + 1, &desc, &frame), GCH_INVALID);
    series = (gch_web_series){.source = id, .column = 1};
    assert_status(gch_web_chart_frame(chart, &desc, &frame), GCH_INVALID);
    series.column = 0;
    desc.bottom = "1.2.3";
    assert_status(gch_web_chart_frame(chart, &desc, &frame), GCH_INVALID);
    desc.bottom = NULL;
    desc.bar_width = "3 parsecs";
    assert_status(gch_web_chart_frame(chart, &desc, &frame), GCH_PARSE);
    desc.series_count = GCH_SERIES_CAP + 1;
    assert_status(gch_web_chart_frame(chart, &desc, &frame), GCH_INVALID);
    desc.series_count = 0;
    assert_status(gch_web_chart_frame(chart, &desc, &frame), GCH_INVALID);
    assert_status(gch_web_nearest(id, 9, 0, &sample), GCH_INVALID);
    assert_status(gch_web_bar_at(id, 0, "1m", NULL, INT64_MAX, &bar), GCH_INVALID);
    gch_web_bin bin;
    assert_status(gch_web_bin_at(id, 9, 0, 1, "0", "1", 5, 0, &bin), GCH_INVALID);
    assert_status(gch_web_bin_at(id, 0, 0, 1, NULL, "1", 5, 0, &bin), GCH_INVALID);
    assert_status(gch_web_bin_at(id, 0, 0, 1, "0", "1", GCH_BIN_COUNT_MAX + 1, 0, &bin),
                  GCH_INVALID);
    assert_ok(gch_web_source_close(id));
    assert_status(gch_web_source_close(id), GCH_INVALID);
    assert_status(gch_web_nearest(id, 0, 0, &sample), GCH_INVALID);
    assert_status(gch_web_bin_at(id, 0, 0, 1, "0", "1", 5, 0, &bin), GCH_INVALID);
    assert_null(gch_web_source_info(id));
    assert_ok(gch_web_chart_destroy(chart));
    assert_status(gch_web_chart_destroy(chart), GCH_INVALID);
    assert_ok(gch_web_stop());
    assert_null(gch_web_stats());
}

static void panels_have_places_and_values_of_their_own(void **state)
{
    (void)state;
    uint32_t id, chart, rounds;
    gch_web_frame frame;
    assert_ok(gch_web_start(64));
    assert_ok(open_by_wants(&id, &rounds));
    assert_ok(gch_web_source_stage(id, 0, memcpy(gch_web_alloc(image_bytes), image, image_bytes),
                                   image_bytes));
    assert_ok(gch_web_chart_make(&chart));
    gch_web_panel panels[] = {{.height = 3, .left = {.bottom = "-1", .top = "1000"}},
                              {.title = "Average",
                               .left = {.bottom = "2", .top = "3.5"},
                               .right = {.title = "V", .bottom = "1", .top = "900", .scale = 1}}};
    gch_web_series series[] = {
        {.source = id, .mark = GCH_MARK_LINE, .dash_count = 2, .dash_px = {4, 2}},
        {.source = id, .mark = GCH_MARK_AREA, .panel = 1},
        {.source = id, .panel = 1, .axis = 1, .study_kind = GCH_STUDY_SMA, .study_length = 3},
        {.source = id, .mark = GCH_MARK_BAND, .panel = 1, .axis = 1},
        {.source = id, .mark = GCH_MARK_VOLUME, .price_by = 1},
        {.source = id, .mark = GCH_MARK_DENSITY, .density_scale = 3, .palette = 2},
    };
    gch_web_chart_desc desc = {.from = 100000000,
                               .to = 101000000,
                               .width_px = 400,
                               .height_px = 400,
                               .flags = GCH__WEB_HAS_TIME_RANGE | GCH__WEB_WAIT,
                               .theme = GCH_THEME_CONTRAST,
                               .series = series,
                               .series_count = GCH_COUNT_OF(series),
                               .bar_width = "1m",
                               .panel_count = 2,
                               .panels = panels};
    assert_ok(gch_web_chart_frame(chart, &desc, &frame));
    assert_int_equal(frame.panel_count, 2);
    const gch_web_panel_frame *upper = &frame.panels[0], *lower = &frame.panels[1];
    assert_int_equal(upper->sides, GCH__WEB_HAS_LEFT);
    assert_int_equal(lower->sides, GCH__WEB_HAS_LEFT | GCH__WEB_HAS_RIGHT);
    assert_true(upper->left_bottom == -1 && upper->left_top == 1000);
    assert_true(lower->left_bottom == 2 && lower->left_top == 3.5);
    assert_true(lower->right_bottom == 1 && lower->right_top == 900);
    assert_int_equal(upper->x_px, lower->x_px);
    assert_int_equal(upper->width_px, lower->width_px);
    assert_true(lower->y_px >= upper->y_px + upper->height_px);
    assert_true(upper->height_px > 2 * lower->height_px);
    assert_true(frame.left == frame.right);
    assert_int_equal(frame.pixels[0], 0xFF000000);

    series[3].price_by = 2; /* a mark that does not look at it */
    series[4].price_by = 2;
    assert_status(gch_web_chart_frame(chart, &desc, &frame), GCH_INVALID);
    series[4].price_by = 0;
    series[2].study_source = id + 100;
    assert_status(gch_web_chart_frame(chart, &desc, &frame), GCH_INVALID);
    series[2].study_source = 0;
    series[0].dash_count = GCH_DASH_CAP + 1;
    assert_status(gch_web_chart_frame(chart, &desc, &frame), GCH_INVALID);
    series[0].dash_count = 0;
    desc.panel_count = GCH_PANEL_CAP + 1;
    assert_status(gch_web_chart_frame(chart, &desc, &frame), GCH_INVALID);
    desc.panel_count = 2;
    desc.theme = 3;
    assert_status(gch_web_chart_frame(chart, &desc, &frame), GCH_INVALID);
    desc.theme = 0;
    panels[1].right.top = "nine";
    assert_status(gch_web_chart_frame(chart, &desc, &frame), GCH_INVALID);
    assert_ok(gch_web_stop());
}

/* A grid of 100 x 100 points, one apart, with its number as the third column. */
static uint32_t open_points(void)
{
    enum { SIDE = 100 };
    static double columns[3][SIDE * SIDE];
    for (uint32_t i = 0; i < SIDE * SIDE; i++) {
        columns[0][i] = i % SIDE;
        columns[1][i] = (double)(i / SIDE);
        columns[2][i] = i;
    }
    uint32_t id;
    test_series points =
        test_points_make(GCH_TYPE_F64, columns[0], columns[1], columns[2], SIDE * SIDE);
    size_t count = points.image_bytes;
    void *copy = memcpy(gch_web_alloc(count), points.image, count);
    test_series_free(&points);
    assert_ok(gch_web_source_open_memory("points", copy, count, &id));
    return id;
}

static void the_point_at_a_place_is_the_nearest_one(void **state)
{
    (void)state;
    uint32_t chart, file, rounds;
    const char *json;
    gch_web_frame frame;
    assert_ok(gch_web_start(64));
    uint32_t id = open_points();
    assert_non_null(strstr(gch_web_source_info(id), "\"plane\":{\"x\":0,\"y\":1},\"columns\""));
    gch_web_want want;
    assert_status(gch_web_point_at(id, "16", "18.2", "41", "43.2", &json), GCH_PENDING);
    while (gch_web_take_wants(&want, 1) == 1) /* an image reads what it wants itself */
        assert_int_equal(want.flags, GCH__WEB_WANT_LOADED);
    assert_ok(gch_web_point_at(id, "16", "18.2", "41", "43.2", &json));
    assert_string_equal(json,
                        "{\"row\":4217,\"x\":17,\"y\":42,\"values\":[\"17\",\"42\",\"4217\"]}");
    assert_status(gch_web_point_at(id, "16.9", "17.9", "42.3", "42.8", &json), GCH_NOT_FOUND);
    assert_status(gch_web_point_at(id, "0", "99", "0", "99", &json), GCH_LIMIT);
    assert_status(gch_web_point_at(id, "0", "x", "0", "99", &json), GCH_INVALID);
    assert_status(gch_web_point_at(id, "0", NULL, "0", "99", &json), GCH_INVALID);
    assert_status(gch_web_point_at(id, "5", "1", "0", "99", &json), GCH_INVALID);
    assert_ok(open_by_wants(&file, &rounds));
    assert_status(gch_web_point_at(file, "0", "1", "0", "1", &json), GCH_INVALID);

    assert_ok(gch_web_chart_make(&chart));
    gch_web_series series = {
        .source = id, .mark = GCH_MARK_POINTS, .size_by = 3, .color_by = 3, .palette = 1};
    gch_web_chart_desc desc = {.width_px = 300,
                               .height_px = 200,
                               .flags = GCH__WEB_WAIT,
                               .series = &series,
                               .series_count = 1,
                               .left = "10.5",
                               .right = "40"};
    assert_ok(gch_web_chart_frame(chart, &desc, &frame));
    assert_true(frame.left == 10.5 && frame.right == 40);
    desc.left = "40";
    assert_status(gch_web_chart_frame(chart, &desc, &frame), GCH_INVALID);
    assert_ok(gch_web_stop());
}

/* A view of all rows over a slow line: asked of the server, whose answer is unsound. */
static gch_status ask_and_refuse(uint32_t id)
{
    uint32_t chart, ticket;
    gch_web_question question;
    gch_web_frame frame;
    gch_web_want want;
    uint8_t garbage[200] = "GCHA";
    gch_web_series series = {.source = id, .mark = GCH_MARK_LINE};
    gch_web_chart_desc desc = {.width_px = 300,
                               .height_px = 200,
                               .to = 300000000,
                               .flags = GCH__WEB_BARE | GCH__WEB_HAS_TIME_RANGE,
                               .series = &series,
                               .series_count = 1,
                               .bottom = "0",
                               .top = "1000"};
    gch_web_line(1e6, 1e5);
    GCH_TRY(gch_web_source_serve(id, "http://h/data/a/x.gch", "\"0123456789abcdef\""));
    GCH_TRY(gch_web_chart_make(&chart));
    GCH_TRY(gch_web_chart_frame(chart, &desc, &frame));
    assert_true(frame.complete < 1);
    gch_status status = gch_web_take_question(&question);
    if (status == GCH_NOT_FOUND) /* without memory for it, the pages are wanted */
        return GCH_NO_MEMORY;
    GCH_TRY(status);
    assert_int_equal(gch_web_take_wants(&want, 1), 0);
    assert_int_equal(question.source, id);
    assert_string_equal(question.url,
                        "http://h/v1/data/a/x/columns?width=300&height=200&column=v%221%22"
                        "&from=0&to=300000000&v=0123456789abcdef&ymin=0&ymax=1000&outside=1");
    ticket = question.ticket;
    GCH_TRY(gch_web_chart_frame(chart, &desc, &frame)); /* awaits the same */
    assert_status(gch_web_take_question(&question), GCH_NOT_FOUND);
    assert_status(gch_web_answer(id, ticket + 1, GCH_OK, garbage, 200), GCH_NOT_FOUND);
    desc.to--;
    GCH_TRY(gch_web_chart_frame(chart, &desc, &frame)); /* nearly the same: both are awaited */
    GCH_TRY(gch_web_take_question(&question));
    assert_int_equal(question.cancelled, 0);
    uint32_t between = question.ticket;
    desc.to--;
    GCH_TRY(gch_web_chart_frame(chart, &desc, &frame)); /* another takes its place */
    GCH_TRY(gch_web_take_question(&question));
    assert_int_equal(question.cancelled, between);
    assert_status(gch_web_answer(id, between, GCH_OK, garbage, 200), GCH_NOT_FOUND);
    GCH_TRY(gch_web_answer(id, ticket, GCH_UNAVAILABLE, NULL, 0));
    status = gch_web_answer(id, question.ticket, GCH_OK, garbage, sizeof garbage);
    if (status != GCH_CORRUPT)
        return status;
    GCH_TRY(gch_web_chart_frame(chart, &desc, &frame)); /* never asked again */
    assert_status(gch_web_take_question(&question), GCH_NOT_FOUND);
    gch_web_want wants[64];
    assert_true(gch_web_take_wants(wants, 64) > 0);
    return gch_web_chart_destroy(chart);
}

static void an_unsound_answer_leaves_the_pages_to_serve(void **state)
{
    (void)state;
    uint32_t id, rounds;
    assert_ok(gch_web_start(64));
    assert_ok(open_by_wants(&id, &rounds));
    assert_status(gch_web_source_serve(id, "http://h/x.gch", "\"0123456789abcdef\""),
                  GCH_UNSUPPORTED);
    assert_status(gch_web_source_serve(id, "http://h/data/x.gch", "\"v2\""), GCH_UNSUPPORTED);
    assert_ok(ask_and_refuse(id));
    assert_status(gch_web_source_serve(id, "http://h/data/x.gch", "\"0123456789abcdef\""),
                  GCH_INVALID);
    assert_ok(gch_web_stop());
}

static void a_host_that_draws_itself_gets_tables(void **state)
{
    (void)state;
    uint32_t id, rounds, chart, frames;
    assert_ok(gch_web_start(64));
    assert_ok(open_by_wants(&id, &rounds));
    assert_ok(gch_web_chart_make(&chart));
    assert_ok(draw_by(GCH__WEB_WEBGL2, chart, id, &frames));
    gch_web_series series = {.source = id, .mark = GCH_MARK_AREA};
    gch_web_chart_desc desc = {.width_px = 300,
                               .height_px = 200,
                               .series_count = 1,
                               .series = &series,
                               .backend = GCH__WEB_WEBGL2};
    for (uint32_t is_bare = 0; is_bare < 2; is_bare++) {
        gch_web_frame frame;
        desc.flags = is_bare != 0 ? GCH__WEB_BARE : 0;
        assert_ok(gch_web_chart_frame(chart, &desc, &frame));
        const gch__web_tables *tables = gch_web_chart_tables();
        assert_null(frame.pixels);
        assert_int_equal(frame.width_px, 300);
        assert_int_equal(frame.height_px, 200);
        assert_int_equal(frame.backend, GCH__WEB_WEBGL2);
        assert_string_equal(frame.fallback, "");
        assert_int_equal(frame.picture, is_bare != 0 ? GCH__TABLES_STRIPS : GCH__TABLES_COMMANDS);
        assert_int_equal(tables->quads.count == 0, is_bare != 0);
        assert_true(tables->commands.count > 0);
    }
    assert_ok(gch_web_stop());
}

static void doubles_become_the_nearest_ticks(void **state)
{
    (void)state;
    union {
        double doubles[4];
        int64_t ticks[4];
    } times = {.doubles = {1.25, -0.5004, 0.0015, 9e15}};
    assert_ok(gch_web_times_from_doubles(&times, 4, 1000, 0));
    assert_int_equal(times.ticks[0], 1250);
    assert_int_equal(times.ticks[1], -500);
    assert_int_equal(times.ticks[2], 2);
    assert_true(times.ticks[3] == 9000000000000000000);
    double bad[] = {1e19, (double)NAN, (double)INFINITY};
    for (size_t i = 0; i < GCH_COUNT_OF(bad); i++) {
        double one = bad[i];
        assert_status(gch_web_times_from_doubles(&one, 1, 1, 41), GCH_INVALID);
        assert_non_null(strstr(gch_web_error(), "the time of row 41 is "));
    }
}

/* ---- everything once ---- */

static gch_status append_rows(uint32_t id)
{
    static const int64_t times[] = {100000000, 100500000, 100900000};
    static const double values[] = {1, 2, 3};
    return gch_web_source_append(id, times, &(gch_column_data){.values = values}, 3);
}

/* Everything that allocates. Ends at the first failure; what is made then is stopped. */
/* ---- live series of a server ---- */

#define STREAM_ROWS 10u
#define STREAM_BYTES (56u + 8 * STREAM_ROWS + 8 + 8 * STREAM_ROWS)
#define STREAM_SUM_BYTES (56u + 16 + 40)

static void store(uint8_t *bytes, size_t at, uint64_t value, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes[at + i] = (uint8_t)(value >> (8 * i));
}

static void write_frame(uint8_t *bytes, uint32_t kind, uint32_t byte_count, uint64_t first_batch,
                        uint64_t last_batch, uint64_t first_row, uint64_t stands_for)
{
    memset(bytes, 0, byte_count);
    memcpy(bytes, "GCHL", 4);
    store(bytes, 4, 1, 2);
    store(bytes, 6, kind, 2);
    store(bytes, 8, byte_count, 4);
    store(bytes, 12, kind == 1 ? stands_for : 0, 4);
    store(bytes, 16, last_batch, 8);
    store(bytes, 24, first_row, 8);
    store(bytes, 32, first_batch, 8);
    store(bytes, 40, stands_for, 8);
    store(bytes, 48, 1, 4);
}

/* Row r has the time 1000 r and the value r. */
static gch_status take_rows(uint32_t id, uint64_t first_batch, uint64_t last_batch,
                            uint64_t first_row)
{
    uint8_t *bytes = gch_web_alloc(STREAM_BYTES);
    if (bytes == NULL)
        return GCH_NO_MEMORY;
    write_frame(bytes, 1, STREAM_BYTES, first_batch, last_batch, first_row, STREAM_ROWS);
    bytes[56 + 8 * STREAM_ROWS] = GCH_TYPE_F64;
    for (uint32_t i = 0; i < STREAM_ROWS; i++) {
        double value = (double)(first_row + i);
        store(bytes, 56 + 8 * i, 1000 * (first_row + i), 8);
        memcpy(bytes + 64 + 8 * STREAM_ROWS + 8 * i, &value, 8);
    }
    gch_status status = gch_web_stream_take(id, bytes, STREAM_BYTES);
    gch_web_free(bytes);
    return status;
}

static gch_status take_summary(uint32_t id, uint64_t first_batch, uint64_t first_row, uint64_t rows)
{
    const double sums[4] = {(double)first_row, (double)first_row, (double)(first_row + rows - 1),
                            (double)(first_row + rows - 1)};
    uint8_t *bytes = gch_web_alloc(STREAM_SUM_BYTES);
    if (bytes == NULL)
        return GCH_NO_MEMORY;
    write_frame(bytes, 2, STREAM_SUM_BYTES, first_batch, first_batch + 1, first_row, rows);
    store(bytes, 56, 1000 * first_row, 8);
    store(bytes, 64, 1000 * (first_row + rows - 1), 8);
    memcpy(bytes + 72, sums, sizeof sums);
    store(bytes, 104, rows, 8);
    gch_status status = gch_web_stream_take(id, bytes, STREAM_SUM_BYTES);
    gch_web_free(bytes);
    return status;
}

static gch_status open_stream(uint32_t *out_id)
{
    gch_column_desc column = {.name = "v", .type = GCH_TYPE_F64};
    GCH_TRY(gch_web_source_open_live("s", GCH_TIME_MS, NULL, &column, 1, 0, out_id));
    return gch_web_stream_start(*out_id, 0);
}

static bool has_rows(uint32_t id, uint32_t rows)
{
    char wanted[32];
    snprintf(wanted, sizeof wanted, "\"rows\":%u,", rows);
    return strstr(gch_web_source_info(id), wanted) != NULL;
}

static void frames_are_appended_each_row_once(void **state)
{
    (void)state;
    uint32_t id;
    gch_web_stream_place place;
    gch_web_sample sample;
    assert_ok(gch_web_start(64));
    assert_ok(open_stream(&id));
    assert_status(gch_web_stream_start(id, 0), GCH_EXISTS);
    assert_ok(gch_web_stream_greet(id, 1, 1, 0));
    assert_ok(take_rows(id, 1, 1, 0));
    assert_ok(take_rows(id, 2, 2, 10));
    /* Another connection, whose first frame begins before the place that was reached. */
    assert_ok(gch_web_stream_greet(id, 2, 4, 0));
    assert_ok(take_rows(id, 1, 3, 15));
    assert_ok(take_rows(id, 1, 2, 10)); /* old in whole */
    assert_ok(gch_web_stream_get_place(id, &place));
    assert_true(place.last_sequence == 3 && place.rows == 25 && place.repeated_rows == 15);
    assert_true(place.gap_count == 0 && place.is_final == 0);
    assert_true(has_rows(id, 25));
    /* Rows 25 to 124 are not to be had any more: a gap, and the last value. */
    assert_ok(take_summary(id, 4, 25, 100));
    assert_ok(take_rows(id, 6, 6, 125));
    assert_true(has_rows(id, 37));
    assert_ok(gch_web_nearest(id, 0, 124000, &sample));
    assert_string_equal(sample.value.text, "124");
    assert_ok(gch_web_nearest(id, 0, 26000, &sample)); /* the gap has no value */
    assert_int_equal(sample.time, 24000);
    assert_ok(gch_web_stream_get_place(id, &place));
    assert_true(place.missed_rows == 100 && place.gap_count == 1);
    assert_ok(gch_web_source_close(id));
    assert_ok(gch_web_stop());
}

static void series_that_was_made_anew_takes_the_place_of_the_old_one(void **state)
{
    (void)state;
    uint32_t id, chart, frames;
    gch_web_stream_place place;
    gch_web_sample sample;
    gch_web_frame frame;
    assert_ok(gch_web_start(64));
    assert_ok(gch_web_chart_make(&chart));
    assert_ok(open_stream(&id));
    gch_web_series series = {.source = id};
    gch_web_chart_desc desc = {
        .width_px = 300, .height_px = 100, .series = &series, .series_count = 1};
    for (uint32_t round = 0; round < 3; round++) {
        frames = round * 10; /* rows in front of those that the server keeps */
        assert_ok(gch_web_stream_greet(id, 1 + round, 4 + round, 0));
        assert_ok(take_rows(id, 1 + round, 2 + round, 20 - frames));
        assert_ok(take_rows(id, 3 + round, 3 + round, 30 - frames));
        assert_true(has_rows(id, 20));
        assert_ok(gch_web_chart_frame(chart, &desc, &frame));
        assert_true(frame.rows_visible == 20 && frame.t0 == 1000 * (20 - (int64_t)frames));
        assert_ok(gch_web_nearest(id, 0, 0, &sample));
        assert_true(sample.value.value == 20 - frames); /* the first that there is */
        assert_ok(gch_web_stream_get_place(id, &place));
        assert_true(place.last_sequence == 3 + round && place.rows == 20);
        assert_int_equal(place.restart_count, round);
        /* The number that was given last is to be given again; or it has another id. */
        gch_status anew =
            round == 0 ? gch_web_stream_greet(id, 2 + round, 3 + round, 0)
                       : gch_web_stream_greet(id, 2 + round, 9 + round, GCH__WEB_OTHER_SERIES);
        assert_status(anew, GCH_CANCELLED);
        assert_true(has_rows(id, 0));
        assert_ok(gch_web_stream_get_place(id, &place));
        assert_true(place.last_sequence == 1 + round && place.is_final == 0);
    }
    assert_ok(gch_web_stop());
}

static void unsound_frames_are_refused_and_ends_are_final(void **state)
{
    (void)state;
    uint32_t id, arrays;
    gch_web_stream_place place;
    gch_column_desc column = {.name = "v", .type = GCH_TYPE_F64};
    uint8_t nonsense[64] = {0};
    assert_ok(gch_web_start(64));
    assert_status(gch_web_stream_start(77, 0), GCH_INVALID);
    assert_ok(gch_web_source_open_live("a", GCH_TIME_MS, NULL, &column, 1, 0, &arrays));
    assert_status(gch_web_stream_take(arrays, nonsense, sizeof nonsense), GCH_INVALID);
    assert_status(gch_web_stream_start(arrays, 0.5), GCH_INVALID);
    assert_status(gch_web_stream_start(arrays, -1), GCH_INVALID);
    assert_ok(open_stream(&id));
    assert_ok(take_rows(id, 1, 1, 0));
    assert_status(gch_web_stream_take(id, nonsense, sizeof nonsense), GCH_CORRUPT);
    assert_status(gch_web_stream_take(id, nonsense, 0), GCH_CORRUPT);
    static const double numbers[][2] = {{NAN, 3}, {1, NAN}, {0, 3}, {4, 3}, {1.5, 3}, {1, 0x1p60}};
    for (size_t i = 0; i < GCH_COUNT_OF(numbers); i++)
        assert_status(gch_web_stream_greet(id, numbers[i][0], numbers[i][1], 0), GCH_CORRUPT);
    assert_ok(take_rows(id, 2, 2, 10)); /* and goes on */
    assert_true(has_rows(id, 20));
    /* Its server has another series by this name. */
    assert_status(gch_web_stream_greet(id, 1, 2, GCH__WEB_OTHER_COLUMNS), GCH_IO);
    assert_non_null(strstr(gch_web_error(), "made anew"));
    assert_non_null(strstr(gch_web_error(), "other columns"));
    assert_status(take_rows(id, 3, 3, 20), GCH_IO);
    assert_ok(gch_web_stream_get_place(id, &place));
    assert_int_equal(place.is_final, 1);
    assert_true(has_rows(id, 20));
    assert_ok(gch_web_source_close(id));
    /* Rows that cannot be appended, since they begin before the last one. */
    assert_ok(open_stream(&id));
    assert_ok(take_rows(id, 1, 1, 10));
    assert_ok(take_summary(id, 2, 0, 5)); /* known rows, which need not be */
    assert_status(take_summary(id, 4, 15, 10), GCH_UNSORTED);
    assert_status(take_rows(id, 6, 6, 25), GCH_UNSORTED);
    assert_ok(gch_web_stop());
}

static gch_status use_everything(void)
{
    static const char csv[] = "time,v\n100000000,1.5\n100000400,2.5\n";
    uint32_t file, live, text, stream, whole, chart, count;
    gch_column_desc column = {.name = "v", .type = GCH_TYPE_F64};
    gch_web_sample sample;
    gch_web_bar bar;
    gch_web_sum sum;
    GCH_TRY(gch_web_start(64));
    GCH_TRY(open_by_wants(&file, &count));
    GCH_TRY(ask_and_refuse(file));
    GCH_TRY(gch_web_source_open_live("rows", GCH_TIME_MS, "UTC", &column, 1, 0, &live));
    GCH_TRY(append_rows(live));
    GCH_TRY(gch_web_csv_start("t.csv", NULL));
    GCH_TRY(gch_web_csv_push(csv, sizeof csv - 1));
    GCH_TRY(gch_web_csv_finish(&text));
    GCH_TRY(open_stream(&stream));
    GCH_TRY(take_rows(stream, 1, 1, 0));
    GCH_TRY(take_summary(stream, 2, 10, 5));
    gch_status anew = gch_web_stream_greet(stream, 1, 2, 0);
    if (anew != GCH_CANCELLED)
        return anew;
    GCH_TRY(take_rows(stream, 1, 1, 0));
    void *copy = gch_web_alloc(image_bytes);
    if (copy == NULL)
        return GCH_NO_MEMORY;
    memcpy(copy, image, image_bytes);
    gch_status status = gch_web_source_open_memory("whole", copy, image_bytes, &whole);
    if (status != GCH_OK) {
        gch_web_free(copy);
        return status;
    }
    GCH_TRY(gch_web_chart_make(&chart));
    GCH_TRY(draw(chart, file, &count));
    GCH_TRY(draw(chart, live, &count));
    GCH_TRY(draw(chart, text, &count));
    GCH_TRY(draw_by(GCH__WEB_WEBGL2, chart, whole, &count));
    GCH_TRY(gch_web_nearest(live, 0, 100400000, &sample));
    assert_int_equal(sample.time, 100500000);
    assert_string_equal(sample.value.text, "2");
    GCH_TRY(gch_web_sum_at(live, 0, "1h", "UTC", 100400000, &sum));
    assert_string_equal(sum.sum.text, "3");
    assert_true(sum.row_count == 2 && sum.t0 == 100800000 - 3600000 && sum.t1 == 100800000);
    gch_web_study study;
    gch_web_series series = {.source = live, .study_kind = GCH_STUDY_SMA, .study_length = 1};
    GCH_TRY(gch_web_study_at(&series, "1h", "UTC", 100400000, &study));
    assert_true(study.low == 2 && study.high == 2 && study.t1 == 100800000);
    series.study_length = 2;
    gch_status none = gch_web_study_at(&series, "1h", "UTC", 100400000, &study);
    if (none != GCH_NOT_FOUND)
        return none;
    GCH_TRY(gch_web_bar_at(text, 0, "1h", "UTC", 100000000, &bar));
    assert_string_equal(bar.open.text, "1.5");
    assert_string_equal(bar.close.text, "2.5");
    return gch_web_source_info(file) != NULL && gch_web_stats() != NULL ? GCH_OK : GCH_NO_MEMORY;
}

typedef struct failing {
    int64_t left, live; /* allocations until one fails; blocks that are held */
    bool has_failed;
} failing;

static void *failing_resize(void *context, void *old, size_t bytes, const char *purpose)
{
    failing *f = context;
    (void)purpose;
    if (bytes == 0) {
        free(old);
        f->live--;
        return NULL;
    }
    if (f->left-- == 0) {
        f->has_failed = true;
        return NULL;
    }
    void *memory = realloc(old, bytes);
    if (old == NULL && memory != NULL)
        f->live++;
    return memory;
}

static void every_allocation_that_fails_is_reported_and_leaves_nothing(void **state)
{
    (void)state;
    failing f = {0};
    gch_allocator allocator = {.resize = failing_resize, .context = &f};
    gch__web_instance.allocator = &allocator;
    for (int64_t n = 0;; n++) {
        f = (failing){.left = n};
        gch_status status = use_everything();
        bool has_failed = f.has_failed;
        assert_true(status == GCH_OK || status == GCH_NO_MEMORY || status == GCH_PENDING);
        assert_true(has_failed || status == GCH_OK);
        f.left = INT64_MAX;
        assert_ok(gch_web_stop());
        assert_int_equal(f.live, 0);
        if (!has_failed)
            break;
        assert_true(n < 5000);
    }
    gch__web_instance.allocator = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_is_opened_and_drawn_from_the_ranges_it_wants),
        cmocka_unit_test(neighbours_are_wanted_after_a_hint),
        cmocka_unit_test(bytes_handed_in_before_anybody_asks_open_the_file_at_once),
        cmocka_unit_test(ranges_outside_of_the_file_are_refused),
        cmocka_unit_test(stale_numbers_and_wrong_descs_are_refused),
        cmocka_unit_test(panels_have_places_and_values_of_their_own),
        cmocka_unit_test(the_point_at_a_place_is_the_nearest_one),
        cmocka_unit_test(an_unsound_answer_leaves_the_pages_to_serve),
        cmocka_unit_test(a_host_that_draws_itself_gets_tables),
        cmocka_unit_test(doubles_become_the_nearest_ticks),
        cmocka_unit_test(frames_are_appended_each_row_once),
        cmocka_unit_test(series_that_was_made_anew_takes_the_place_of_the_old_one),
        cmocka_unit_test(unsound_frames_are_refused_and_ends_are_final),
        cmocka_unit_test(every_allocation_that_fails_is_reported_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, make_image, free_image);
}
