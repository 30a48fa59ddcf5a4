/* The GPU executor against the reference and the CPU executor: no pixel differs, on any of several
 * executors: one as charts use it, one whose pages hardly fit, one that reads every block.
 *
 * 200 random cases (GCH_EXACTNESS_CASES for more, GCH_EXACTNESS_FIRST to begin with another), each
 * at sizes that change, every mark against the CPU executor and all that the reference draws
 * against that. A bare density holds the counts themselves. The executors are kept from case to
 * case, as a viewer would keep them.
 */
#include "exactness_cases.h"
#include "raster.h"
#include "render_gpu.h"
#include "render_gpu_pages.h"
#include "test.h"

#include <inttypes.h>

#define DEFAULT_CASE_COUNT 200u

static gch_error err;

typedef struct rig {
    const char *name;
    gch__gpu_executor_desc desc;
    gch__gpu_executor *executor;
    uint64_t tiles, frames, by_query;
} rig;

enum { RIG_COUNT = 4 };
static rig rigs[RIG_COUNT] = {
    {.name = "as charts have it"},
    {.name = "pages that hardly fit",
     .desc = {.way = GCH__GPU_BY_DISPATCH,
              .budget_bytes = GCH__GPU_SLOTS_MIN * GCH__GPU_PAGE_BYTES,
              .slab_bytes = GCH__GPU_SLOTS_MIN * GCH__GPU_PAGE_BYTES / 2}},
    {.name = "pools of 512 rows", .desc = {.pool_shift = 9}},
    {.name = "every block", .desc = {.way = GCH__GPU_BY_DRAW, .by_blocks = true}},
};

/* A bare chart laid out, its query and the pictures of the processor. */
typedef struct stage {
    gch__scene scene;
    gch_query *queries[2];
    gch__raster *raster;
    gch_image cpu, reference, gpu;
} stage;

static gch_chart_desc chart_desc(const gch_chart_series *series, uint32_t count,
                                 const gch_view *view)
{
    return (gch_chart_desc){.series = series,
                            .series_count = count,
                            .width_px = view->width_px,
                            .height_px = view->height_px,
                            .is_bare = true,
                            .has_time_range = true,
                            .from = view->t0,
                            .to = view->t1,
                            .has_bottom = true,
                            .has_top = true,
                            .bottom = view->bottom,
                            .top = view->top,
                            .axis = view->axis};
}

/* In place: a scene points into itself. */
static void make_stage(stage *s, const gch_chart_series *series, uint32_t count,
                       const gch_view *view, gch_bar_width bars, const char *zone)
{
    *s = (stage){0};
    gch__extent extents[2] = {0};
    gch_chart_desc desc = chart_desc(series, count, view);
    desc.bar_width = bars;
    desc.time_zone = zone;
    assert_ok(gch__scene_layout(&s->scene, &desc, view->t0, view->t1, extents, &err));
    for (uint32_t i = 0; i < count; i++)
        assert_ok(gch_query_make(series[i].file, &(gch_query_desc){.keep_outside = true},
                                 &s->queries[i], &err));
    assert_ok(gch__raster_make(NULL, &s->raster, &err));
    assert_ok(gch_image_make(view->width_px, view->height_px, NULL, &s->cpu, &err));
    assert_ok(gch_image_make(view->width_px, view->height_px, NULL, &s->gpu, &err));
    int64_t query_ns;
    assert_ok(gch__raster_draw(s->raster, &s->scene, s->queries, NULL, &s->cpu, &query_ns, &err));
}

static void free_stage(stage *s)
{
    gch_image_destroy(&s->cpu, NULL);
    gch_image_destroy(&s->gpu, NULL);
    gch_image_destroy(&s->reference, NULL);
    gch__raster_destroy(s->raster);
    for (size_t i = 0; i < GCH_COUNT_OF(s->queries); i++)
        gch_query_destroy(s->queries[i]);
    gch__scene_reset(&s->scene);
}

static void assert_same(const gch_image *expected, const gch_image *drawn, const char *what,
                        uint64_t number, const char *rig_name)
{
    size_t count = (size_t)expected->width_px * expected->height_px, differing = 0, first = 0;
    for (size_t i = 0; i < count; i++) {
        if (expected->pixels[i] == drawn->pixels[i])
            continue;
        first = differing == 0 ? i : first;
        differing++;
    }
    if (differing > 0)
        fail_msg("case %" PRIu64 ", %ux%u, %s, %s: %zu px differ, the first at x %zu, y %zu, %08x",
                 number, expected->width_px, expected->height_px, what, rig_name, differing,
                 first % expected->width_px, first / expected->width_px, drawn->pixels[first]);
}

static void draw_on(rig *r, stage *s, uint64_t number)
{
    gch__gpu_frame_stats stats;
    int64_t query_ns;
    memset(s->gpu.pixels, 0x55, (size_t)s->gpu.width_px * s->gpu.height_px * 4);
    gch__gpu_executor_forget(r->executor);
    gch_status status = gch__gpu_executor_draw(r->executor, &s->scene, s->queries, &s->gpu, &stats,
                                               &query_ns, &err);
    if (status != GCH_OK)
        fail_msg("case %" PRIu64 ", %s: %s, %s", number, r->name, gch_status_name(status),
                 err.message);
    r->frames++;
    r->tiles += stats.tiles;
    r->by_query += stats.series_by_query;
}

static void compare_series(exactness_case *c, const gch_chart_series *series, uint32_t count,
                           const gch_view *view, gch_bar_width bars, const char *zone,
                           const char *name)
{
    stage s;
    make_stage(&s, series, count, view, bars, zone);
    bool has_reference = true;
    for (uint32_t i = 0; i < count; i++)
        has_reference =
            has_reference && series[i].mark != GCH_MARK_STEP && series[i].mark != GCH_MARK_SCATTER;
    if (has_reference) {
        assert_ok(gch_image_make(view->width_px, view->height_px, NULL, &s.reference, &err));
        assert_ok(gch__raster_reference(&s.scene, NULL, &s.reference, &err));
    }
    for (size_t i = 0; i < RIG_COUNT; i++) {
        draw_on(&rigs[i], &s, c->number);
        if (has_reference)
            assert_same(&s.reference, &s.gpu, name, c->number, rigs[i].name);
        assert_same(&s.cpu, &s.gpu, name, c->number, rigs[i].name);
    }
    free_stage(&s);
}

/* All three joins of a view, and how many points each pixel holds. */
static void compare_lines(exactness_case *c, const gch_file *file, uint32_t width, uint32_t height)
{
    static const gch_mark marks[] = {GCH_MARK_LINE, GCH_MARK_STEP, GCH_MARK_SCATTER,
                                     GCH_MARK_DENSITY};
    static const char *const names[] = {"line", "step", "points", "density"};
    gch_view view = exactness_case_view(c, width, height);
    for (size_t m = 0; m < GCH_COUNT_OF(marks); m++) {
        gch_chart_series series = {.file = file, .mark = marks[m]};
        compare_series(c, &series, 1, &view, (gch_bar_width){0}, NULL, names[m]);
    }
}

/* Any mark of the series before any other, which it hides in part. */
static void compare_hidden(exactness_case *c, const gch_file *file, const gch_view *view)
{
    const char *zone;
    gch_bar_width bars = exactness_case_bars(c, view, &zone);
    gch_chart_series series[2] = {{.file = file}, {.file = file}};
    for (size_t i = 0; i < GCH_COUNT_OF(series); i++)
        series[i].mark = (gch_mark)(GCH_MARK_LINE + test_random(&c->random) % GCH_MARK_BARS);
    compare_series(c, series, 2, view, bars, zone, "two series");
}

/* Areas, bars a point, and bars of a random width. */
static void compare_filled(exactness_case *c, const gch_file *file, uint32_t width, uint32_t height)
{
    static const gch_mark marks[] = {GCH_MARK_AREA, GCH_MARK_BARS, GCH_MARK_BARS, GCH_MARK_CANDLES,
                                     GCH_MARK_OHLC};
    static const char *const names[] = {"area", "bars a point", "bars", "candles", "OHLC"};
    gch_view view = exactness_case_view(c, width, height);
    for (size_t m = 0; m < GCH_COUNT_OF(marks); m++) {
        gch_chart_series series = {.file = file, .mark = marks[m]};
        const char *zone = NULL;
        gch_bar_width bars = {0};
        if (m >= 2)
            bars = exactness_case_bars(c, &view, &zone);
        compare_series(c, &series, 1, &view, bars, zone, names[m]);
    }
    compare_hidden(c, file, &view);
}

typedef void compare_fn(exactness_case *c, const gch_file *file, uint32_t width, uint32_t height);

static uint64_t number_from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static void compare_cases(compare_fn *compare)
{
    uint64_t first = number_from_environment("GCH_EXACTNESS_FIRST", 0);
    uint64_t count = number_from_environment("GCH_EXACTNESS_CASES", DEFAULT_CASE_COUNT);
    exactness_file last = {0}; /* borrowed until a frame without it has been drawn */
    for (uint64_t number = first; number < first + count; number++) {
        exactness_case c;
        exactness_case_make(&c, number);
        exactness_file file = exactness_case_open(&c, GPU_TEST_FOLDER);
        if (number % 4 == 0)
            compare(&c, file.file, 640, 360);
        compare(&c, file.file, 64, 48);
        uint32_t width = 1 + (uint32_t)(test_random(&c.random) % 700);
        uint32_t height = 1 + (uint32_t)(test_random(&c.random) % 300);
        if (number % 100 == 7) /* wider than one texture, and the widest there is */
            width = GCH_VIEW_PX_MAX, height = 3;
        compare(&c, file.file, width, height);
        if (last.file != NULL)
            exactness_file_close(&last);
        last = file;
        exactness_case_free(&c);
    }
    for (size_t i = 0; i < RIG_COUNT; i++) {
        print_message("%s: %" PRIu64 " frames, %" PRIu64 " tiles, %" PRIu64 " by query\n",
                      rigs[i].name, rigs[i].frames, rigs[i].tiles, rigs[i].by_query);
        assert_int_equal(rigs[i].by_query, 0);
        gch__gpu_executor_destroy(rigs[i].executor);
        rigs[i].executor = NULL;
    }
    if (count >= DEFAULT_CASE_COUNT) /* the little one did have to tile */
        assert_true(rigs[1].tiles > rigs[0].tiles);
    exactness_file_close(&last);
}

static void no_pixel_of_lines_differs_from_the_reference_or_the_processor(void **state)
{
    (void)state;
    compare_cases(compare_lines);
}

static void no_pixel_of_areas_and_bars_differs_from_the_reference_or_the_processor(void **state)
{
    (void)state;
    compare_cases(compare_filled);
}

static int make_rigs(void **state)
{
    (void)state;
    for (size_t i = 0; i < RIG_COUNT; i++) {
        rigs[i].tiles = rigs[i].frames = rigs[i].by_query = 0;
        assert_ok(gch__gpu_executor_make(&rigs[i].desc, &rigs[i].executor, &err));
    }
    return 0;
}

static int destroy_rigs(void **state)
{
    (void)state;
    for (size_t i = 0; i < RIG_COUNT; i++) {
        gch__gpu_executor_destroy(rigs[i].executor);
        rigs[i].executor = NULL;
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            no_pixel_of_lines_differs_from_the_reference_or_the_processor, make_rigs, destroy_rigs),
        cmocka_unit_test_setup_teardown(
            no_pixel_of_areas_and_bars_differs_from_the_reference_or_the_processor, make_rigs,
            destroy_rigs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
