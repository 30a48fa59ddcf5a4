/* Charts end to end: descriptions, what is kept between frames, what is allocated, figures. */
#include "gch/chart.h"
#include "gch/writer.h"
#include "store_open.h"
#include "test.h"

#include <stdatomic.h>

#define ROWS 5000
#define BLACK 0xFF000000u

static gch_error err;

/* Two columns over one time: a saw, and the same saw far above it. Row 2500 of "low" is a gap. */
typedef struct fixture {
    void *bytes;
    gch_file *file;
} fixture;

static fixture fixture_make(int64_t first_time, int64_t step)
{
    static int64_t times[ROWS];
    static double low[ROWS];
    static double high[ROWS];
    for (int i = 0; i < ROWS; i++) {
        times[i] = first_time + step * i;
        low[i] = (i * 37) % 100;
        high[i] = low[i] + 1000;
    }
    uint8_t validity[(ROWS + 7) / 8];
    memset(validity, 0xFF, sizeof validity);
    validity[2500 / 8] &= (uint8_t) ~(1u << (2500 % 8));
    const gch_column_desc columns[] = {{.name = "low", .type = GCH_TYPE_F64},
                                       {.name = "high", .type = GCH_TYPE_F64}};
    gch_writer_desc desc = {.time_unit = GCH_TIME_MS, .columns = columns, .column_count = 2};
    const gch_column_data data[] = {{.values = low, .validity = validity}, {.values = high}};
    fixture f = {0};
    gch_writer *writer = NULL;
    size_t byte_count;
    assert_ok(gch_writer_create_memory(&desc, &writer, &err));
    assert_ok(gch_writer_append(writer, times, data, ROWS, &err));
    assert_ok(gch_writer_finish_memory(writer, &f.bytes, &byte_count, &err));
    assert_ok(gch__file_open_memory(f.bytes, byte_count, "saw", NULL, &f.file, &err));
    return f;
}

static void fixture_free(fixture *f)
{
    gch__file_close(f->file);
    gch_writer_free_memory(f->bytes, NULL);
}

/* An allocator that counts, and fails after `room` requests. Workers use it too. */
typedef struct heap {
    atomic_size_t requests, live;
    size_t room;
} heap;

static void *heap_resize(void *context, void *old, size_t bytes, const char *purpose)
{
    heap *h = context;
    assert_non_null(purpose);
    if (bytes == 0) {
        h->live -= old != NULL;
        free(old);
        return NULL;
    }
    if (h->requests++ >= h->room)
        return NULL;
    void *memory = realloc(old, bytes);
    assert_non_null(memory);
    h->live += old == NULL;
    return memory;
}

static gch_chart_desc bare(const gch_chart_series *series, uint32_t count, int64_t from, int64_t to)
{
    return (gch_chart_desc){
        .series = series,
        .series_count = count,
        .width_px = 200,
        .height_px = 100,
        .is_bare = true,
        .has_time_range = true,
        .from = from,
        .to = to,
        .has_bottom = true,
        .has_top = true,
        .bottom = {-100, 0},
        .top = {1200, 0},
    };
}

static void assert_same(const gch_image *a, const gch_image *b)
{
    assert_int_equal(a->width_px, b->width_px);
    assert_int_equal(a->height_px, b->height_px);
    assert_memory_equal(a->pixels, b->pixels,
                        (size_t)a->width_px * a->height_px * sizeof *a->pixels);
}

static size_t count_lit(const gch_image *image)
{
    size_t count = 0;
    for (size_t i = 0; i < (size_t)image->width_px * image->height_px; i++)
        count += image->pixels[i] != BLACK;
    return count;
}

static void names_are_read_and_others_refused(void **state)
{
    (void)state;
    gch_mark mark = GCH_MARK_DEFAULT;
    assert_true(gch_mark_parse("line", &mark) && mark == GCH_MARK_LINE);
    assert_true(gch_mark_parse("step", &mark) && mark == GCH_MARK_STEP);
    assert_true(gch_mark_parse("area", &mark) && mark == GCH_MARK_AREA);
    assert_true(gch_mark_parse("candles", &mark) && mark == GCH_MARK_CANDLES);
    assert_true(gch_mark_parse("ohlc", &mark) && mark == GCH_MARK_OHLC);
    assert_true(gch_mark_parse("scatter", &mark) && mark == GCH_MARK_SCATTER);
    assert_true(gch_mark_parse("bars", &mark) && mark == GCH_MARK_BARS);
    assert_false(gch_mark_parse("lines", &mark));
    assert_false(gch_mark_parse("", &mark));
    assert_int_equal(mark, GCH_MARK_BARS);
    assert_true(gch_mark_parse("density", &mark) && mark == GCH_MARK_DENSITY);
    gch_density_scale scale = GCH_DENSITY_DEFAULT;
    assert_true(gch_density_scale_parse("log", &scale) && scale == GCH_DENSITY_LOG);
    assert_true(gch_density_scale_parse("linear", &scale) && scale == GCH_DENSITY_LINEAR);
    assert_true(gch_density_scale_parse("equal", &scale) && scale == GCH_DENSITY_EQUAL);
    assert_false(gch_density_scale_parse("sqrt", &scale));
    gch_palette palette = GCH_PALETTE_DEFAULT;
    assert_true(gch_palette_parse("moss", &palette) && palette == GCH_PALETTE_MOSS);
    assert_true(gch_palette_parse("ember", &palette) && palette == GCH_PALETTE_EMBER);
    assert_true(gch_palette_parse("dusk", &palette) && palette == GCH_PALETTE_DUSK);
    assert_false(gch_palette_parse("", &palette));
    gch_backend backend = GCH_BACKEND_DEFAULT;
    assert_true(gch_backend_parse("cpu", &backend) && backend == GCH_BACKEND_CPU);
    assert_true(gch_backend_parse("reference", &backend) && backend == GCH_BACKEND_REFERENCE);
    assert_false(gch_backend_parse("CPU", &backend));
}

static void series_of_one_file_share_a_picture(void **state)
{
    (void)state;
    fixture f = fixture_make(0, 10);
    const gch_chart_series series[] = {{.file = f.file, .column = 0},
                                       {.file = f.file, .column = 1}};
    gch_image both = {0};
    gch_image reference = {0};
    gch_image low = {0};
    gch_image high = {0};
    gch_chart_desc desc = bare(series, 2, 0, 50000);
    assert_ok(gch_chart_render(&desc, &both, NULL, &err));
    desc.backend = GCH_BACKEND_REFERENCE;
    assert_ok(gch_chart_render(&desc, &reference, NULL, &err));
    assert_same(&both, &reference);
    desc = bare(&series[0], 1, 0, 50000);
    assert_ok(gch_chart_render(&desc, &low, NULL, &err));
    desc = bare(&series[1], 1, 0, 50000);
    assert_ok(gch_chart_render(&desc, &high, NULL, &err));
    assert_true(count_lit(&low) > 0);
    assert_int_equal(count_lit(&both), count_lit(&low) + count_lit(&high));
    for (size_t i = 0; i < (size_t)both.width_px * both.height_px; i++)
        assert_int_equal(both.pixels[i], low.pixels[i] | high.pixels[i]);
    gch_image_destroy(&both, NULL);
    gch_image_destroy(&reference, NULL);
    gch_image_destroy(&low, NULL);
    gch_image_destroy(&high, NULL);
    fixture_free(&f);
}

static void a_chart_draws_what_single_pictures_show(void **state)
{
    (void)state;
    fixture f = fixture_make(0, 10);
    fixture g = fixture_make(20000, 3);
    const gch_chart_series first[] = {{.file = f.file, .column = 0}, {.file = g.file, .column = 1}};
    const gch_chart_series second[] = {{.file = g.file, .column = 0}};
    gch_chart *chart = NULL;
    assert_ok(gch_chart_make(NULL, &chart, &err));
    for (int i = 0; i < 6; i++) {
        /* Series come, go and change their files; sizes change too. */
        gch_chart_desc desc =
            i % 2 == 0 ? bare(first, 2, i * 1000, 40000) : bare(second, 1, 20000 + i * 100, 31000);
        desc.width_px = 150 + (uint32_t)(i / 3) * 77;
        const gch_image *frame = NULL;
        gch_image single = {0};
        assert_ok(gch_chart_frame(chart, &desc, &frame, NULL, &err));
        assert_ok(gch_chart_render(&desc, &single, NULL, &err));
        assert_true(count_lit(frame) > 0);
        assert_same(frame, &single);
        gch_image_destroy(&single, NULL);
    }
    gch_chart_destroy(chart);
    fixture_free(&f);
    fixture_free(&g);
}

static void a_warm_frame_allocates_nothing(void **state)
{
    (void)state;
    fixture f = fixture_make(0, 10);
    heap h = {.room = SIZE_MAX};
    const gch_allocator allocator = {.resize = heap_resize, .context = &h};
    const gch_chart_series series[] = {{.file = f.file, .column = 0},
                                       {.file = f.file, .column = 1}};
    gch_workers *workers = NULL;
    assert_ok(gch_workers_make(2, NULL, &workers, &err));
    for (int kind = 0; kind < 3; kind++) {
        gch_chart *chart = NULL;
        assert_ok(gch_chart_make(&allocator, &chart, &err));
        gch_chart_desc desc = bare(series, 2, 0, 50000);
        desc.is_bare = kind == 0;
        desc.has_bottom = desc.has_top = kind != 1;
        desc.width_px = 640;
        desc.height_px = 360;
        desc.workers = workers;
        const gch_image *frame = NULL;
        for (int i = 0; i < 2; i++)
            assert_ok(gch_chart_frame(chart, &desc, &frame, NULL, &err));
        size_t before = h.requests;
        assert_true(before > 0);
        gch_chart_stats stats;
        for (int i = 0; i < 20; i++)
            assert_ok(gch_chart_frame(chart, &desc, &frame, &stats, &err));
        assert_int_equal(h.requests, before);
        gch_chart_destroy(chart);
        assert_int_equal(h.live, 0);
    }
    gch_workers_destroy(workers);
    fixture_free(&f);
}

static void running_out_of_memory_is_told_and_leaks_nothing(void **state)
{
    (void)state;
    fixture f = fixture_make(0, 10);
    gch_chart_series series[] = {{.file = f.file, .column = 0}};
    for (int kind = 0; kind < 5; kind++) {
        series->mark = kind < 3 ? GCH_MARK_LINE : kind == 3 ? GCH_MARK_AREA : GCH_MARK_CANDLES;
        gch_status status = GCH_NO_MEMORY;
        size_t room = 0;
        for (; status == GCH_NO_MEMORY; room++) {
            heap h = {.room = room};
            const gch_allocator allocator = {.resize = heap_resize, .context = &h};
            gch_chart_desc desc = bare(series, 1, 0, 50000);
            desc.is_bare = kind != 0;
            desc.backend = kind == 1 ? GCH_BACKEND_REFERENCE : GCH_BACKEND_CPU;
            desc.allocator = &allocator;
            gch_image image = {0};
            status = gch_chart_render(&desc, &image, NULL, &err);
            if (status == GCH_OK)
                gch_image_destroy(&image, &allocator);
            assert_int_equal(h.live, 0);
            assert_true(room < 10000);
        }
        assert_int_equal(status, GCH_OK);
        assert_true(room > 5);
    }
    fixture_free(&f);
}

static void faulty_descriptions_are_refused_by_field(void **state)
{
    (void)state;
    fixture f = fixture_make(0, 10);
    const gch_chart_series series[] = {{.file = f.file, .column = 0}};
    const gch_chart_series no_file[] = {{.column = 0}};
    const gch_chart_series no_column[] = {{.file = f.file, .column = 2}};
    gch_chart *chart = NULL;
    const gch_image *frame = NULL;
    assert_ok(gch_chart_make(NULL, &chart, &err));

    gch_chart_desc desc = bare(series, 0, 0, 10);
    assert_status(gch_chart_frame(chart, &desc, &frame, NULL, &err), GCH_INVALID);
    assert_non_null(strstr(err.message, "series_count"));
    desc = bare(series, GCH_SERIES_CAP + 1, 0, 10);
    assert_status(gch_chart_frame(chart, &desc, &frame, NULL, &err), GCH_INVALID);
    assert_non_null(strstr(err.message, "series_count"));
    desc = bare(no_file, 1, 0, 10);
    assert_status(gch_chart_frame(chart, &desc, &frame, NULL, &err), GCH_INVALID);
    assert_non_null(strstr(err.message, "series[0].file"));
    desc = bare(no_column, 1, 0, 10);
    assert_status(gch_chart_frame(chart, &desc, &frame, NULL, &err), GCH_INVALID);
    assert_non_null(strstr(err.message, "series[0].column"));
    desc = bare(series, 1, 10, 10);
    assert_status(gch_chart_frame(chart, &desc, &frame, NULL, &err), GCH_INVALID);
    desc = bare(series, 1, 0, 10);
    desc.backend = (gch_backend)5;
    assert_status(gch_chart_frame(chart, &desc, &frame, NULL, &err), GCH_INVALID);
    assert_non_null(strstr(err.message, "backend"));
    desc = bare(series, 1, 0, 10);
    desc.top = desc.bottom;
    assert_status(gch_chart_frame(chart, &desc, &frame, NULL, &err), GCH_INVALID);

    /* The chart is none the worse for it. */
    desc = bare(series, 1, 0, 50000);
    assert_ok(gch_chart_frame(chart, &desc, &frame, NULL, &err));
    assert_true(count_lit(frame) > 0);
    gch_chart_destroy(chart);
    fixture_free(&f);
}

static void the_reference_draws_bare_linear_charts_without_steps_and_points(void **state)
{
    (void)state;
    fixture f = fixture_make(0, 10);
    gch_chart_series series[] = {{.file = f.file, .column = 0}};
    gch_image image = {0};
    gch_chart_desc desc = bare(series, 1, 0, 50000);
    desc.backend = GCH_BACKEND_REFERENCE;
    desc.is_bare = false;
    assert_status(gch_chart_render(&desc, &image, NULL, &err), GCH_UNSUPPORTED);
    desc.is_bare = true;
    series[0].mark = GCH_MARK_STEP;
    assert_status(gch_chart_render(&desc, &image, NULL, &err), GCH_UNSUPPORTED);
    series[0].mark = GCH_MARK_SCATTER;
    assert_status(gch_chart_render(&desc, &image, NULL, &err), GCH_UNSUPPORTED);
    series[0].mark = GCH_MARK_LINE;
    desc.axis = GCH_AXIS_LOG;
    desc.bottom = (gch_decimal){1, 0};
    assert_status(gch_chart_render(&desc, &image, NULL, &err), GCH_UNSUPPORTED);
    assert_null(image.pixels);
    fixture_free(&f);
}

static void a_view_inside_a_segment_is_fitted_to_the_line(void **state)
{
    (void)state;
    fixture f = fixture_make(0, 1000);
    /* Between rows 10 and 11 (values 70 and 7 above 1000) the line falls from 1051.1 to 1025.9. */
    const gch_chart_series series[] = {{.file = f.file, .column = 1}};
    gch_chart_desc desc = bare(series, 1, 10300, 10700);
    desc.has_bottom = desc.has_top = false;
    gch_image image = {0};
    gch_chart_stats stats;
    assert_ok(gch_chart_render(&desc, &image, &stats, &err));
    double bottom = gch_decimal_to_double(stats.view.bottom);
    double top = gch_decimal_to_double(stats.view.top);
    assert_true(bottom <= 1025.9 && bottom > 1015);
    assert_true(top >= 1051.1 && top < 1060);
    assert_int_equal(stats.rows_visible, 0);
    /* Each of the columns is lit. */
    for (uint32_t x = 0; x < image.width_px; x++) {
        uint32_t lit = 0;
        for (uint32_t y = 0; y < image.height_px; y++)
            lit += image.pixels[y * image.width_px + x] != BLACK;
        assert_true(lit > 0);
    }
    gch_image_destroy(&image, NULL);
    fixture_free(&f);
}

/* A note says that there are no data only where there are none, whoever chose the bounds. */
static void bounds_that_are_given_draw_the_same_picture(void **state)
{
    (void)state;
    fixture f = fixture_make(0, 10);
    const gch_chart_series series[] = {{.file = f.file, .column = 0}};
    gch_chart_desc desc = {.series = series, .series_count = 1, .width_px = 400, .height_px = 300};
    gch_image fitted = {0}, given = {0};
    gch_chart_stats stats;
    assert_ok(gch_chart_render(&desc, &fitted, &stats, &err));
    desc.has_bottom = desc.has_top = true;
    desc.bottom = stats.view.bottom;
    desc.top = stats.view.top;
    assert_ok(gch_chart_render(&desc, &given, NULL, &err));
    assert_same(&fitted, &given);
    gch_image_destroy(&fitted, NULL);
    gch_image_destroy(&given, NULL);
    fixture_free(&f);
}

static void figures_tell_what_was_drawn(void **state)
{
    (void)state;
    fixture f = fixture_make(0, 10);
    const gch_chart_series series[] = {{.file = f.file, .column = 0},
                                       {.file = f.file, .column = 1}};
    gch_chart *chart = NULL;
    const gch_image *frame = NULL;
    gch_chart_stats first;
    gch_chart_stats second;
    assert_ok(gch_chart_make(NULL, &chart, &err));
    gch_chart_desc desc = bare(series, 2, 995, 21000);
    assert_ok(gch_chart_frame(chart, &desc, &frame, &first, &err));
    assert_int_equal(first.rows_visible, 2 * 2000);
    assert_int_equal(first.view.t0, 995);
    assert_int_equal(first.view.t1, 21000);
    assert_int_equal(first.view.width_px, 200);
    assert_int_equal(first.view.bottom.digits, -100);
    assert_int_equal(first.plot_x_px, 0);
    assert_true(first.bytes_read > 0);
    assert_true(first.layout_ms >= 0 && first.query_ms > 0 && first.raster_ms >= 0);
    assert_true(first.total_ms + 1e-6 >= first.layout_ms + first.query_ms + first.raster_ms);
    /* A frame counts for itself. */
    assert_ok(gch_chart_frame(chart, &desc, &frame, &second, &err));
    assert_int_equal(second.rows_visible, first.rows_visible);
    assert_int_equal(second.bytes_read, first.bytes_read);

    desc = (gch_chart_desc){.series = series, .series_count = 2};
    assert_ok(gch_chart_frame(chart, &desc, &frame, &first, &err));
    assert_int_equal(frame->width_px, 1280);
    assert_int_equal(frame->height_px, 720);
    assert_int_equal(first.rows_visible, 2 * ROWS);
    assert_true(first.view.width_px < 1280 && first.plot_x_px > 0);
    gch_chart_destroy(chart);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_read_and_others_refused),
        cmocka_unit_test(series_of_one_file_share_a_picture),
        cmocka_unit_test(a_chart_draws_what_single_pictures_show),
        cmocka_unit_test(a_warm_frame_allocates_nothing),
        cmocka_unit_test(running_out_of_memory_is_told_and_leaks_nothing),
        cmocka_unit_test(faulty_descriptions_are_refused_by_field),
        cmocka_unit_test(the_reference_draws_bare_linear_charts_without_steps_and_points),
        cmocka_unit_test(a_view_inside_a_segment_is_fitted_to_the_line),
        cmocka_unit_test(bounds_that_are_given_draw_the_same_picture),
        cmocka_unit_test(figures_tell_what_was_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
