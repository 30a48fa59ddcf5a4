/* The exports as a host calls them, with memory that runs out at every allocation too.
 *
 * Built with data_loader_none.c: as in a browser, nobody but the host takes pages off the queue. */
#include "test.h"

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
static gch_status draw(uint32_t chart, uint32_t source, uint32_t *out_frames)
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
                               .title = "T"};
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
            assert_int_equal(wants[i].is_prefetch, 0);
            GCH_TRY(stage(wants[i].source, wants[i].offset, wants[i].byte_count));
        }
    }
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
        assert_int_equal(wants[0].is_prefetch, 1);
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
    assert_ok(gch_web_source_close(id));
    assert_status(gch_web_source_close(id), GCH_INVALID);
    assert_status(gch_web_nearest(id, 0, 0, &sample), GCH_INVALID);
    assert_null(gch_web_source_info(id));
    assert_ok(gch_web_chart_destroy(chart));
    assert_status(gch_web_chart_destroy(chart), GCH_INVALID);
    assert_ok(gch_web_stop());
    assert_null(gch_web_stats());
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
    GCH_TRY(gch_web_chart_frame(chart, &desc, &frame)); /* another takes its place */
    GCH_TRY(gch_web_take_question(&question));
    assert_int_equal(question.cancelled, ticket);
    assert_status(gch_web_answer(id, ticket, GCH_OK, garbage, 200), GCH_NOT_FOUND);
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
static gch_status use_everything(void)
{
    static const char csv[] = "time,v\n100000000,1.5\n100000400,2.5\n";
    uint32_t file, live, text, whole, chart, count;
    gch_column_desc column = {.name = "v", .type = GCH_TYPE_F64};
    gch_web_sample sample;
    gch_web_bar bar;
    GCH_TRY(gch_web_start(64));
    GCH_TRY(open_by_wants(&file, &count));
    GCH_TRY(ask_and_refuse(file));
    GCH_TRY(gch_web_source_open_live("rows", GCH_TIME_MS, "UTC", &column, 1, 0, &live));
    GCH_TRY(append_rows(live));
    GCH_TRY(gch_web_csv_start("t.csv", NULL));
    GCH_TRY(gch_web_csv_push(csv, sizeof csv - 1));
    GCH_TRY(gch_web_csv_finish(&text));
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
    GCH_TRY(draw(chart, whole, &count));
    GCH_TRY(gch_web_nearest(live, 0, 100400000, &sample));
    assert_int_equal(sample.time, 100500000);
    assert_string_equal(sample.value.text, "2");
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
        cmocka_unit_test(an_unsound_answer_leaves_the_pages_to_serve),
        cmocka_unit_test(doubles_become_the_nearest_ticks),
        cmocka_unit_test(every_allocation_that_fails_is_reported_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, make_image, free_image);
}
