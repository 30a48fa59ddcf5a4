/* Studies in charts: the axis shows them, they stay where they are when the view pans, every
 * executor draws what the description asks for now, and warm frames allocate nothing. */
#include "base.h"
#include "gch/chart.h"
#include "gch/writer.h"
#include "store_open.h"
#include "test.h"

#include <math.h>

#define ROWS 40000
#define SECOND 1000

static gch_error err;

/* Two columns, a walk around 1000 and one around 990, one row a second, nights left out. */
typedef struct fixture {
    void *bytes;
    gch_file *file;
} fixture;

static fixture fixture_make(gch_time_unit unit, uint64_t seed)
{
    static int64_t times[ROWS];
    static double values[2][ROWS];
    int64_t time = 0, walk[2] = {100000, 99000};
    for (int i = 0; i < ROWS; i++) {
        time += i % 5000 == 4999 ? 7200 * SECOND : SECOND;
        times[i] = time;
        for (int c = 0; c < 2; c++) {
            walk[c] += (int64_t)(test_random(&seed) % 21) - 10;
            values[c][i] = (double)walk[c] / 100;
        }
    }
    const gch_column_desc columns[] = {{.name = "a", .type = GCH_TYPE_F64},
                                       {.name = "b", .type = GCH_TYPE_F64}};
    gch_writer_desc desc = {.time_unit = unit, .columns = columns, .column_count = 2};
    const gch_column_data data[] = {{.values = values[0]}, {.values = values[1]}};
    fixture f = {0};
    gch_writer *writer = NULL;
    size_t byte_count;
    assert_ok(gch_writer_create_memory(&desc, &writer, &err));
    assert_ok(gch_writer_append(writer, times, data, ROWS, &err));
    assert_ok(gch_writer_finish_memory(writer, &f.bytes, &byte_count, &err));
    assert_ok(gch__file_open_memory(f.bytes, byte_count, "walks", NULL, &f.file, &err));
    return f;
}

static void fixture_free(fixture *f)
{
    gch__file_close(f->file);
    gch_writer_free_memory(f->bytes, NULL);
}

static gch_chart_desc chart_of(const gch_chart_series *series, uint32_t count)
{
    return (gch_chart_desc){.series = series,
                            .series_count = count,
                            .width_px = 640,
                            .height_px = 360,
                            .bar_width = {.count = 60 * SECOND}};
}

static gch_chart_series study_of(const gch_file *file, gch_study_kind kind, uint32_t length)
{
    return (gch_chart_series){
        .file = file, .color_rgba = 0x0000FFFF, .study = {.kind = kind, .length = length}};
}

/* Pixels of the plot that differ between two pictures of one layout, `shift` columns apart. */
static size_t count_differences(const gch_image *a, const gch_image *b,
                                const gch_chart_stats *stats, uint32_t shift)
{
    size_t count = 0;
    for (uint32_t y = 0; y < stats->view.height_px; y++) {
        size_t row = (size_t)(stats->plot_y_px + y) * a->width_px + stats->plot_x_px;
        for (uint32_t x = 0; x + shift < stats->view.width_px; x++)
            count += a->pixels[row + x + shift] != b->pixels[row + x];
    }
    return count;
}

static void the_axis_is_fitted_to_studies_as_well(void **state)
{
    (void)state;
    fixture f = fixture_make(GCH_TIME_MS, 1);
    gch_query *query = NULL;
    assert_ok(gch_query_make(f.file, NULL, &query, &err));
    for (int kind = GCH_STUDY_SMA; kind <= GCH_STUDY_SPREAD; kind++) {
        gch_chart_series series = study_of(f.file, (gch_study_kind)kind, 30);
        series.study.with_column = 1;
        gch_chart_desc desc = chart_of(&series, 1);
        desc.has_time_range = true;
        desc.from = 9000 * SECOND;
        desc.to = 30000 * SECOND;
        gch_image image = {0};
        gch_chart_stats stats;
        assert_ok(gch_chart_render(&desc, &image, &stats, &err));
        gch_study_desc study = {
            .kind = (gch_study_kind)kind, .length = 30, .width = desc.bar_width, .with_column = 1};
        const gch_study_point *points;
        uint32_t count;
        assert_ok(
            gch_query_study(query, 0, &study, desc.from, desc.to, 1000, &points, &count, &err));
        double bottom = gch_decimal_to_double(stats.view.bottom), low = INFINITY;
        double top = gch_decimal_to_double(stats.view.top), high = -INFINITY;
        for (uint32_t i = 1; i + 1 < count; i++) {
            low = fmin(low, points[i].low);
            high = fmax(high, points[i].high);
        }
        assert_true(bottom <= low && high <= top);
        assert_true(top - bottom < 2 * (high - low)); /* not wider than it needs to be */
        gch_image_destroy(&image, NULL);
    }
    gch_query_destroy(query);
    fixture_free(&f);
}

/* By whole pixels: what both views show is the same to the last pixel, bars that reach beyond the
 * edges and the start of an average included. */
static void a_panned_study_does_not_shimmer(void **state)
{
    (void)state;
    fixture f = fixture_make(GCH_TIME_MS, 2);
    gch_chart *chart = NULL;
    gch_image first = {0};
    assert_ok(gch_chart_make(NULL, &chart, &err));
    for (int kind = GCH_STUDY_SMA; kind <= GCH_STUDY_SPREAD; kind++) {
        gch_chart_series series = study_of(f.file, (gch_study_kind)kind, 7);
        series.study.with_column = 1;
        gch_chart_desc desc = chart_of(&series, 1);
        desc.has_time_range = desc.has_bottom = desc.has_top = true;
        desc.bottom = (gch_decimal){kind == GCH_STUDY_SPREAD ? -40 : 950, 0};
        desc.top = (gch_decimal){kind == GCH_STUDY_SPREAD ? 60 : 1050, 0};
        gch_chart_stats stats;
        const gch_image *frame;
        desc.from = 20000 * SECOND;
        desc.to = desc.from + 1;
        assert_ok(gch_chart_frame(chart, &desc, &frame, &stats, &err));
        const int64_t pixel = 10 * SECOND, width = stats.view.width_px * pixel;
        for (uint32_t shift = 0; shift < 300; shift += 59) {
            desc.from = 20000 * SECOND + shift * pixel;
            desc.to = desc.from + width;
            assert_ok(gch_chart_frame(chart, &desc, &frame, &stats, &err));
            assert_int_equal(stats.view.width_px * pixel, width);
            if (shift == 0) {
                assert_ok(gch_image_make(frame->width_px, frame->height_px, NULL, &first, &err));
                memcpy(first.pixels, frame->pixels,
                       (size_t)frame->width_px * frame->height_px * sizeof *frame->pixels);
            }
            assert_int_equal(count_differences(&first, frame, &stats, shift), 0);
        }
        gch_image_destroy(&first, NULL);
    }
    gch_chart_destroy(chart);
    fixture_free(&f);
}

/* What changes in the description changes the picture, on either executor, and the GPU's differs
 * from the processor's by at most 1 a channel. */
static void a_changed_study_is_drawn_anew(void **state)
{
    (void)state;
    fixture f = fixture_make(GCH_TIME_MS, 3), other = fixture_make(GCH_TIME_MS, 4);
    gch_chart_series kinds[] = {
        study_of(f.file, GCH_STUDY_SMA, 5),    study_of(f.file, GCH_STUDY_SMA, 50),
        study_of(f.file, GCH_STUDY_EMA, 50),   study_of(f.file, GCH_STUDY_RANGE, 50),
        study_of(f.file, GCH_STUDY_SPREAD, 0), study_of(f.file, GCH_STUDY_SPREAD, 0),
        study_of(f.file, GCH_STUDY_SPREAD, 0)};
    kinds[4].study.with_column = 1;
    kinds[5].study.with = other.file;
    kinds[6].study.with = other.file;
    kinds[6].study.with_column = 1;
    gch_chart *cpu = NULL, *gpu = NULL;
    gch_image last = {0};
    assert_ok(gch_chart_make(NULL, &cpu, &err));
    assert_ok(gch_chart_make(NULL, &gpu, &err));
    for (size_t i = 0; i < GCH_COUNT_OF(kinds); i++) {
        gch_chart_desc desc = chart_of(&kinds[i], 1);
        desc.hide_legend = true;
        desc.has_bottom = desc.has_top = true;
        desc.bottom = (gch_decimal){i < 4 ? 900 : -100, 0};
        desc.top = (gch_decimal){i < 4 ? 1100 : 100, 0};
        const gch_image *drawn, *expected;
        gch_chart_stats stats;
        assert_ok(gch_chart_frame(cpu, &desc, &expected, &stats, &err));
        desc.backend = GCH_BACKEND_GPU; /* a machine without one draws the same */
        assert_ok(gch_chart_frame(gpu, &desc, &drawn, NULL, &err));
        size_t bytes = (size_t)drawn->width_px * drawn->height_px * sizeof *drawn->pixels;
        for (size_t k = 0; k < bytes; k++) {
            int a = ((const uint8_t *)drawn->pixels)[k], b = ((const uint8_t *)expected->pixels)[k];
            assert_true(abs(a - b) <= 1);
        }
        if (last.pixels != NULL)
            assert_true(count_differences(&last, expected, &stats, 0) > 300);
        gch_image_destroy(&last, NULL);
        assert_ok(gch_image_make(drawn->width_px, drawn->height_px, NULL, &last, &err));
        memcpy(last.pixels, expected->pixels, bytes);
    }
    gch_image_destroy(&last, NULL);
    gch_chart_destroy(gpu);
    gch_chart_destroy(cpu);
    fixture_free(&other);
    fixture_free(&f);
}

/* More bars than the plot has room for: the legend says so, and the chart is drawn without. */
static void a_study_of_too_many_bars_is_left_out(void **state)
{
    (void)state;
    fixture f = fixture_make(GCH_TIME_MS, 5);
    gch_chart_series series[] = {{.file = f.file}, study_of(f.file, GCH_STUDY_SMA, 20)};
    gch_chart_desc desc = chart_of(series, 2);
    desc.title = "Walk"; /* or a lone series would be named where several are not */
    desc.hide_legend = true;
    desc.bar_width.count = SECOND; /* 40000 bars, some 60 a column */
    gch_image with = {0}, without = {0};
    gch_chart_stats stats;
    assert_ok(gch_chart_render(&desc, &with, &stats, &err));
    desc.series_count = 1;
    assert_ok(gch_chart_render(&desc, &without, &stats, &err));
    assert_int_equal(count_differences(&with, &without, &stats, 0), 0);
    gch_image_destroy(&with, NULL);
    gch_image_destroy(&without, NULL);
    /* Up to 16 a column they are drawn, thinned out: the line is that of every bar. */
    desc.series_count = 2;
    desc.has_time_range = true;
    desc.from = 0;
    desc.to = 4500 * SECOND;
    assert_ok(gch_chart_render(&desc, &with, &stats, &err));
    size_t columns = 0;
    for (uint32_t x = 0; x < stats.view.width_px; x++) {
        bool is_lit = false;
        for (uint32_t y = 0; y < stats.view.height_px; y++)
            is_lit =
                is_lit ||
                with.pixels[(size_t)(stats.plot_y_px + y) * with.width_px + stats.plot_x_px + x] ==
                    0xFFFF0000u;
        columns += is_lit;
    }
    assert_true(columns > stats.view.width_px / 2);
    gch_image_destroy(&with, NULL);
    fixture_free(&f);
}

static void *counted_resize(void *context, void *old, size_t bytes, const char *purpose)
{
    (void)purpose;
    if (bytes == 0) {
        free(old);
        return NULL;
    }
    ++*(size_t *)context;
    return realloc(old, bytes);
}

static void warm_frames_with_studies_allocate_nothing(void **state)
{
    (void)state;
    fixture f = fixture_make(GCH_TIME_MS, 6), other = fixture_make(GCH_TIME_MS, 7);
    size_t requests = 0;
    const gch_allocator allocator = {.resize = counted_resize, .context = &requests};
    gch_chart_series series[] = {{.file = f.file, .mark = GCH_MARK_CANDLES},
                                 study_of(f.file, GCH_STUDY_SMA, 20),
                                 study_of(f.file, GCH_STUDY_EMA, 50),
                                 study_of(f.file, GCH_STUDY_RANGE, 20),
                                 study_of(f.file, GCH_STUDY_SPREAD, 0)};
    series[4].study.with = other.file;
    gch_chart *chart = NULL;
    const gch_image *frame;
    assert_ok(gch_chart_make(&allocator, &chart, &err));
    gch_chart_desc desc = chart_of(series, 5);
    desc.bar_width.count = 0;
    for (int i = 0; i < 2; i++)
        assert_ok(gch_chart_frame(chart, &desc, &frame, NULL, &err));
    size_t before = requests;
    for (int i = 0; i < 5; i++)
        assert_ok(gch_chart_frame(chart, &desc, &frame, NULL, &err));
    assert_int_equal(requests, before);
    gch_chart_destroy(chart);
    fixture_free(&other);
    fixture_free(&f);
}

static void a_spread_of_two_units_is_refused(void **state)
{
    (void)state;
    fixture f = fixture_make(GCH_TIME_MS, 8), other = fixture_make(GCH_TIME_S, 9);
    gch_chart_series series = study_of(f.file, GCH_STUDY_SPREAD, 0);
    series.study.with = other.file;
    gch_chart_desc desc = chart_of(&series, 1);
    gch_image image = {0};
    assert_status(gch_chart_render(&desc, &image, NULL, &err), GCH_INVALID);
    assert_non_null(strstr(err.message, "series[0].study.with"));
    fixture_free(&other);
    fixture_free(&f);
}

static void names_of_studies_are_read(void **state)
{
    (void)state;
    gch_study_kind kind = GCH_STUDY_NONE;
    assert_true(gch_study_parse("sma", &kind) && kind == GCH_STUDY_SMA);
    assert_true(gch_study_parse("ema", &kind) && kind == GCH_STUDY_EMA);
    assert_true(gch_study_parse("range", &kind) && kind == GCH_STUDY_RANGE);
    assert_true(gch_study_parse("spread", &kind) && kind == GCH_STUDY_SPREAD);
    assert_false(gch_study_parse("SMA", &kind) || gch_study_parse("", &kind));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_axis_is_fitted_to_studies_as_well),
        cmocka_unit_test(a_panned_study_does_not_shimmer),
        cmocka_unit_test(a_changed_study_is_drawn_anew),
        cmocka_unit_test(a_study_of_too_many_bars_is_left_out),
        cmocka_unit_test(warm_frames_with_studies_allocate_nothing),
        cmocka_unit_test(a_spread_of_two_units_is_refused),
        cmocka_unit_test(names_of_studies_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
