/* Studies on the device against the processor's: sums, extremes and differences to the last bit,
 * exponential averages to a bound; and that charts use them.
 *
 * 300 random cases (GCH_STUDY_CASES for more). */
#include "query_study.h"
#include "raster_view.h"
#include "render_gpu_paint_state.h"
#include "test_series.h"

#include <math.h>

#define ROWS 20000u
#define FILE_COUNT 3u
#define DEFAULT_CASE_COUNT 300u
#define UNITS_PER_PX 1048576.0
/* An exponential average goes through a stretch of a thread, 8 steps of a scan and a seed; each
 * rounds floats no larger than the largest distance among the closes a few times. */
#define EMA_BOUND(length) ((24.0 * (length) / 256 + 16) * 0x1p-24)

static gch_error err;
static double largest_error; /* of those */
static test_series files[FILE_COUNT];

/* Decimals, floats, and decimals with long gaps; seconds, with pauses. */
static int make_files(void **state)
{
    (void)state;
    static int64_t times[ROWS];
    static double values[ROWS];
    static uint8_t validity[ROWS / 8 + 1];
    uint64_t seed = 3;
    for (uint32_t f = 0; f < FILE_COUNT; f++) {
        int64_t time = 0, walk = 0;
        memset(validity, 0xFF, sizeof validity);
        for (uint32_t i = 0; i < ROWS; i++) {
            time += 1 + (int64_t)(test_random(&seed) % 20) + (i % 3000 == 2999 ? 40000 : 0);
            walk += (int64_t)(test_random(&seed) % 201) - 100;
            times[i] = time;
            values[i] = f == 1 ? (double)walk * 0.0123456789 : (double)walk / 100;
            if (f == 2 && (i % 4000 > 2500 || test_random(&seed) % 3 == 0))
                validity[i / 8] &= (uint8_t) ~(1u << (i % 8));
        }
        files[f] = test_series_make(GCH_TIME_S, times, values, GCH_TYPE_F64, validity, ROWS);
    }
    return 0;
}

static int free_files(void **state)
{
    (void)state;
    for (uint32_t f = 0; f < FILE_COUNT; f++)
        test_series_free(&files[f]);
    return 0;
}

static uint32_t below(uint64_t *seed, uint32_t bound)
{
    return (uint32_t)(test_random(seed) % bound);
}

typedef struct study_case {
    gch_chart_series series;
    gch_chart_desc desc;
    gch__scene scene;
    gch_query *query, *with;
} study_case;

static void make_case(study_case *c, uint64_t *seed)
{
    static const uint32_t lengths[] = {1, 2, 5, 14, 50, 200, 999, 1000};
    *c = (study_case){.series = {.file = files[below(seed, FILE_COUNT)].file,
                                 .width_px = (float)below(seed, 4),
                                 .study = {.kind = (gch_study_kind)(1 + below(seed, 4)),
                                           .length = lengths[below(seed, GCH_COUNT_OF(lengths))],
                                           .with = files[below(seed, FILE_COUNT)].file}}};
    const gch_file_info *info = gch_file_get_info(c->series.file);
    int64_t span = 1 + (int64_t)(test_random(seed) % (1u << (4 + below(seed, 15))));
    c->desc =
        (gch_chart_desc){.series = &c->series,
                         .series_count = 1,
                         .width_px = 200 + below(seed, 400),
                         .height_px = 100 + below(seed, 300),
                         .has_time_range = true,
                         .from = (int64_t)(test_random(seed) % (uint64_t)info->last_time),
                         .has_bottom = true,
                         .has_top = true,
                         .bottom = {(int64_t)below(seed, 200) - 150, 0},
                         .bar_width = {.count = 1 + (int64_t)below(seed, 1u << below(seed, 12))}};
    c->desc.to = c->desc.from + span;
    c->desc.top = (gch_decimal){c->desc.bottom.digits * 10 + 1 + below(seed, 2000), -1};
    assert_ok(gch__scene_layout(&c->scene, &c->desc, c->desc.from, c->desc.to,
                                &(gch__extent){.is_too_fine = false}, &err));
    assert_ok(gch_query_make(c->series.file, NULL, &c->query, &err));
    assert_ok(gch_query_make(c->series.study.with, NULL, &c->with, &err));
    c->scene.series[0].study.with = c->with;
}

static void free_case(study_case *c)
{
    gch_query_destroy(c->with);
    gch_query_destroy(c->query);
    gch__scene_reset(&c->scene);
}

static int64_t units_of(double px)
{
    return llrint(px * UNITS_PER_PX);
}

/* One point's four words, against the bars; `expected` is what the query room says. */
static void check_point(const study_case *c, const gch__study_bar *bars, uint32_t i,
                        const gch_study_point *expected, const uint32_t words[4], double largest)
{
    const gch_series_study *study = &c->series.study;
    gch__value_map map = gch__value_map_make(&c->scene.plots[0].view);
    double middle = c->scene.plots[0].view.height_px * 0.5, per_px = map.rows_per_unit;
    int64_t low = (int64_t)((uint64_t)words[1] << 32 | words[0]), high = low;
    int64_t sum = 0, lowest = INT64_MIN, highest = INT64_MAX;
    double y = (map.top - expected->low) * per_px - middle;
    double upper_y = (map.top - expected->high) * per_px - middle, found = 0, upper = 0;
    float real;
    switch (study->kind) {
    case GCH_STUDY_SMA:
        for (uint32_t k = 0; k < study->length; k++)
            sum += units_of((map.top - gch_value_to_double(bars[i - k].close)) * per_px - middle);
        assert_true(low == sum);
        found = upper = (double)sum / UNITS_PER_PX / study->length;
        break;
    case GCH_STUDY_RANGE:
        high = (int64_t)((uint64_t)words[3] << 32 | words[2]);
        for (uint32_t k = 0; k < study->length; k++) {
            lowest = GCH_MAX(lowest, units_of((map.top - bars[i - k].low) * per_px - middle));
            highest = GCH_MIN(highest, units_of((map.top - bars[i - k].high) * per_px - middle));
        }
        assert_true(low == lowest && high == highest);
        found = (double)low / UNITS_PER_PX;
        upper = (double)high / UNITS_PER_PX;
        break;
    case GCH_STUDY_SPREAD:
        found = upper = (double)low / UNITS_PER_PX;
        break;
    default:
        memcpy(&real, words, sizeof real);
        found = upper = (double)real;
        if (!(fabs(found - y) <= EMA_BOUND(study->length) * largest))
            fail_msg("EMA %u: %.9g px instead of %.9g", study->length, found, y);
        largest_error = fmax(largest_error, fabs(found - y) / largest);
        return;
    }
    /* Half a unit for each rounded input, and the doubles' own. */
    double allowed = 1.6 / UNITS_PER_PX + largest * 1e-13;
    if (!(fabs(found - y) <= allowed && fabs(upper - upper_y) <= allowed))
        fail_msg("kind %d: %.9g, %.9g px instead of %.9g, %.9g", (int)study->kind, found, upper, y,
                 upper_y);
}

/* True if the device has computed the study. */
static bool check_case(study_case *c, gch__gpu_executor *executor, gch__gpu_painter *painter)
{
    gch__gpu *gpu = gch__gpu_executor_get_gpu(executor);
    gch__gpu_brush *brush;
    bool is_same;
    static uint32_t words[ROWS * 4];
    assert_ok(gch__gpu_painter_begin(painter, &c->scene, &is_same, &err));
    assert_ok(gch__gpu_painter_add_marks(painter, &c->scene, &c->query, &err));
    gch__gpu_study study = painter->studies.items[0];
    uint32_t count = painter->studies.count;
    if (count == 0)
        return false;
    assert_true(study.point_count <= ROWS);
    assert_ok(gch__gpu_begin(gpu, "test", &err));
    assert_ok(gch__gpu_painter_send(painter, &brush, &err));
    assert_ok(gch__gpu_download(gpu, painter->studies.values, 0, words,
                                (uint64_t)study.point_count * 16, &err));

    const gch_study_desc desc = {.kind = c->series.study.kind,
                                 .length = c->series.study.length,
                                 .width = c->scene.series[0].bar_width,
                                 .with = c->with};
    const gch_study_point *points;
    const gch__study_bar *bars;
    uint32_t point_count, bar_count, first;
    assert_ok(gch_query_study(c->query, 0, &desc, c->desc.from, c->desc.to, ROWS, &points,
                              &point_count, &err));
    assert_ok(gch__query_study_bars(c->query, 0, &desc, c->desc.from, c->desc.to, ROWS, &bars,
                                    &bar_count, &first, &err));
    assert_int_equal(point_count, study.point_count);
    double largest = 1;
    gch__value_map map = gch__value_map_make(&c->scene.plots[0].view);
    double middle = c->scene.plots[0].view.height_px * 0.5;
    for (uint32_t i = 0; i < bar_count && desc.kind != GCH_STUDY_RANGE; i++) {
        double y = (map.top - gch_value_to_double(bars[i].close)) * map.rows_per_unit;
        largest = fmax(largest, fabs(y - middle));
    }
    for (uint32_t i = 0; i < point_count; i++)
        check_point(c, bars, study.first_bar + i, &points[i], words + (size_t)i * 4, largest);
    return true;
}

static void the_device_finds_what_the_processor_does(void **state)
{
    (void)state;
    const char *text = getenv("GCH_STUDY_CASES");
    uint64_t count = text != NULL ? strtoull(text, NULL, 10) : DEFAULT_CASE_COUNT, seed = 17;
    int found[GCH_STUDY_SPREAD + 1] = {0};
    gch__gpu_executor *executor = NULL;
    gch__gpu_painter *painter = NULL;
    assert_ok(gch__gpu_executor_make(&(gch__gpu_executor_desc){0}, &executor, &err));
    assert_ok(gch__gpu_painter_make(executor, &painter, &err));
    for (uint64_t i = 0; i < count; i++) {
        study_case c;
        make_case(&c, &seed);
        found[c.series.study.kind] += check_case(&c, executor, painter) ? 1 : 0;
        free_case(&c);
    }
    gch__gpu_painter_destroy(painter);
    gch__gpu_executor_destroy(executor);
    print_message("%d averages, %d exponential (off by %.2g of the largest), %d channels, %d "
                  "spreads\n",
                  found[GCH_STUDY_SMA], found[GCH_STUDY_EMA], largest_error, found[GCH_STUDY_RANGE],
                  found[GCH_STUDY_SPREAD]);
    for (int kind = GCH_STUDY_SMA; kind <= GCH_STUDY_SPREAD && count >= DEFAULT_CASE_COUNT; kind++)
        assert_true(found[kind] > 30);
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

/* All four over candles, by an executor with its scene: what a chart does not tell. */
static void a_frame_has_its_studies_from_the_device_and_allocates_nothing(void **state)
{
    (void)state;
    size_t requests = 0;
    const gch_allocator allocator = {.resize = counted_resize, .context = &requests};
    gch_chart_series series[5] = {{.file = files[0].file, .mark = GCH_MARK_CANDLES}};
    gch_query *queries[5];
    for (uint32_t i = 0; i < 5; i++) {
        if (i > 0)
            series[i] = (gch_chart_series){.file = files[0].file,
                                           .study = {.kind = (gch_study_kind)i, .length = 20}};
        assert_ok(gch_query_make(series[i].file, NULL, &queries[i], &err));
    }
    gch__gpu_executor *executor = NULL;
    gch__gpu_frame_stats stats;
    gch__scene scene = {.allocator = &allocator};
    gch__extent extents[5] = {0};
    gch_image image = {0};
    int64_t query_ns;
    size_t before = 0;
    assert_ok(gch__gpu_executor_make(&(gch__gpu_executor_desc){.allocator = &allocator}, &executor,
                                     &err));
    assert_ok(gch_image_make(500, 300, NULL, &image, &err));
    for (int64_t frame = 0; frame < 12; frame++) {
        gch_chart_desc desc = {.series = series,
                               .series_count = 5,
                               .width_px = 500,
                               .height_px = 300,
                               .has_bottom = true,
                               .bottom = {-100, 0},
                               .has_top = true,
                               .top = {100, 0},
                               .bar_width = {.count = 100},
                               .axis = frame == 11 ? GCH_AXIS_LOG : GCH_AXIS_LINEAR};
        if (frame == 11)
            desc.bottom = (gch_decimal){1, 0};
        before = frame == 8 ? requests : before;
        /* The first few frames see the most bars. */
        int64_t from = frame < 4 ? 60000 : 61000 + frame * 100;
        assert_ok(gch__scene_layout(&scene, &desc, from, from + 4000, extents, &err));
        assert_ok(
            gch__gpu_executor_draw(executor, &scene, queries, &image, &stats, &query_ns, &err));
        if (frame == 0 || frame >= 4)
            assert_int_equal(stats.studies, frame == 11 ? 0 : 4); /* no means of logarithms */
        if (frame == 10)
            assert_int_equal(requests, before);
    }
    gch_image_destroy(&image, NULL);
    gch__gpu_executor_destroy(executor);
    gch__scene_reset(&scene);
    for (uint32_t i = 0; i < 5; i++)
        gch_query_destroy(queries[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_device_finds_what_the_processor_does),
        cmocka_unit_test(a_frame_has_its_studies_from_the_device_and_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, make_files, free_files);
}
