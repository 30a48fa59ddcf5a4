/* Points of a plane: the query room's grids against the reference's, and bare pictures and counts
 * of all executors against each other. No pixel and no count differs, over 240 random cases
 * (GCH_EXACTNESS_CASES for more, GCH_EXACTNESS_FIRST to begin with another).
 *
 * GPU executors are of four kinds: as charts use them, one whose pages hardly fit, one that decodes
 * every block, one with many small pools of pages.
 */
#include "points_cases.h"
#include "raster_reference_points.h"
#include "render_gpu_points.h"
#include "test.h"

#include "gch/chart.h"
#include "gch/live.h"
#include "test_series.h"

#include <inttypes.h>

#define DEFAULT_CASE_COUNT 240u

static gch_error err;

static uint64_t number_from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static void assert_same(const uint32_t *expected, const uint32_t *found, uint32_t width,
                        uint32_t height, const char *what, uint64_t number)
{
    size_t count = (size_t)width * height, differing = 0, first = 0;
    for (size_t i = 0; i < count; i++) {
        if (expected[i] == found[i])
            continue;
        first = differing == 0 ? i : first;
        differing++;
    }
    if (differing > 0)
        fail_msg("case %" PRIu64 ", %ux%u, %s: %zu differ, the first is %zu: %u, not %u", number,
                 width, height, what, differing, first, found[first], expected[first]);
}

typedef struct rig {
    gch_workers *workers;
    uint32_t *expected;
} rig;

typedef struct gpu_rig {
    const char *name;
    gch__gpu_executor_desc desc;
    gch__gpu_executor *executor;
    uint64_t tiles, by_query;
} gpu_rig;

static gpu_rig gpu_rigs[] = {
    {.name = "as charts have it"},
    {.name = "pages that hardly fit",
     .desc = {.budget_bytes = GCH__GPU_SLOTS_MIN * GCH__GPU_PAGE_BYTES,
              .slab_bytes = GCH__GPU_SLOTS_MIN * GCH__GPU_PAGE_BYTES / 2}},
    {.name = "every block", .desc = {.by_blocks = true}},
    {.name = "many pools", .desc = {.pool_shift = 12}},
};

static uint64_t sum_of(const uint32_t *cells, const gch_plane_view *view)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < (size_t)view->width_px * view->height_px; i++)
        sum += cells[i];
    return sum;
}

/* All kinds of grids; the points, of which there are as many as counted. */
static uint64_t compare_grids(rig *r, points_case *c, const gch_plane *plane)
{
    static const char *const names[] = {"lit", "counts", "levels"};
    const gch_plane_view *view = &plane->view;
    uint64_t visible = 0;
    gch_query *query;
    assert_ok(gch_query_make(c->file, &(gch_query_desc){.workers = r->workers}, &query, &err));
    for (gch_grid_kind kind = GCH_GRID_LIT; kind <= GCH_GRID_LEVELS; kind++) {
        gch_grid grid;
        assert_ok(gch_query_grid(query, plane, kind, &grid, &err));
        assert_ok(gch__reference_grid(c->file, plane, kind, NULL, r->expected, &err));
        assert_same(r->expected, grid.cells, view->width_px, view->height_px, names[kind],
                    c->number);
        if (kind != GCH_GRID_COUNTS)
            continue;
        visible = sum_of(grid.cells, view);
        const gch_plane_point *points;
        uint32_t count = 0, inside = 0;
        assert_ok(gch_query_plane_points(query, plane, 5, UINT32_MAX, &points, &count, &err));
        for (uint32_t i = 0; i < count; i++)
            inside += points[i].x >= 0.001f && points[i].x < (float)view->width_px - 0.001f &&
                      points[i].y >= 0.001f && points[i].y < (float)view->height_px - 0.001f;
        assert_true(count >= visible && inside <= visible);
        if (count > 0)
            assert_status(
                gch_query_plane_points(query, plane, 5, count - 1, &points, &inside, &err),
                GCH_LIMIT);
    }
    gch_query_destroy(query);
    return visible;
}

static gch_chart_desc bare_desc(const gch_chart_series *series, const gch_plane_view *view)
{
    return (gch_chart_desc){.series = series,
                            .series_count = 1,
                            .width_px = view->width_px,
                            .height_px = view->height_px,
                            .is_bare = true,
                            .has_left = true,
                            .has_right = true,
                            .has_bottom = true,
                            .has_top = true,
                            .left = view->left,
                            .right = view->right,
                            .bottom = view->bottom,
                            .top = view->top};
}

static void draw(gch_chart *chart, points_case *c, const gch_plane_view *view, gch_backend backend,
                 uint32_t *out)
{
    gch_chart_series series = {.file = c->file};
    const gch_image *image;
    gch_chart_stats stats;
    gch_chart_desc desc = bare_desc(&series, view);
    desc.backend = backend;
    assert_ok(gch_chart_frame(chart, &desc, &image, &stats, &err));
    assert_true(stats.is_plane);
    assert_string_equal(stats.fallback, "");
    memcpy(out, image->pixels, (size_t)view->width_px * view->height_px * sizeof *out);
}

/* Counts and the picture of every GPU executor. */
static void compare_gpu(rig *r, points_case *c, const gch_plane *plane, const uint32_t *picture)
{
    const gch_plane_view *view = &plane->view;
    gch_chart_series series = {.file = c->file};
    gch_chart_desc desc = bare_desc(&series, view);
    gch__scene scene = {0};
    gch__extent extent = {0};
    gch_image image;
    gch_query *query;
    uint32_t *counts = malloc((size_t)view->width_px * view->height_px * sizeof *counts);
    assert_ok(gch__scene_layout(&scene, &desc, 0, 1, &extent, &err));
    assert_ok(gch_query_make(c->file, NULL, &query, &err));
    assert_ok(gch_image_make(view->width_px, view->height_px, NULL, &image, &err));
    assert_ok(gch__reference_grid(c->file, plane, GCH_GRID_COUNTS, NULL, r->expected, &err));
    for (size_t i = 0; i < GCH_COUNT_OF(gpu_rigs); i++) {
        gpu_rig *g = &gpu_rigs[i];
        gch__gpu_frame_stats stats;
        int64_t query_ns;
        gch_status status =
            gch__gpu_executor_draw(g->executor, &scene, &query, &image, &stats, &query_ns, &err);
        if (status != GCH_OK)
            fail_msg("case %" PRIu64 ", %s: %s", c->number, g->name, err.message);
        assert_same(picture, image.pixels, view->width_px, view->height_px, g->name, c->number);
        g->tiles += stats.tiles;
        g->by_query += stats.series_by_query;
        status = gch__gpu_points_count(g->executor, query, plane, counts, &err);
        if (status != GCH_OK)
            fail_msg("case %" PRIu64 ", counts, %s: %s", c->number, g->name, err.message);
        assert_same(r->expected, counts, view->width_px, view->height_px, g->name, c->number);
    }
    gch_image_destroy(&image, NULL);
    gch_query_destroy(query);
    gch__scene_reset(&scene);
    free(counts);
}

static void no_pixel_and_no_count_differs(void **state)
{
    (void)state;
    uint64_t first = number_from_environment("GCH_EXACTNESS_FIRST", 0);
    uint64_t count = number_from_environment("GCH_EXACTNESS_CASES", DEFAULT_CASE_COUNT);
    uint64_t visible = 0;
    rig r = {.expected = malloc((size_t)1 << 20)};
    uint32_t *cpu = malloc((size_t)1 << 20);
    gch_chart *chart;
    assert_ok(gch_workers_make(3, NULL, &r.workers, &err));
    assert_ok(gch_chart_make(NULL, &chart, &err));
    points_case last = {0}; /* borrowed until a frame without it has been drawn */
    for (uint64_t number = first; number < first + count; number++) {
        points_case c;
        points_case_open(&c, number, GPU_TEST_FOLDER);
        for (int views = 0; views < 2; views++) {
            uint32_t width = 1 + (uint32_t)(test_random(&c.random) % 300);
            uint32_t height = 1 + (uint32_t)(test_random(&c.random) % 300);
            gch_plane plane = points_case_plane(&c, width, height);
            visible += compare_grids(&r, &c, &plane);
            draw(chart, &c, &plane.view, GCH_BACKEND_REFERENCE, r.expected);
            draw(chart, &c, &plane.view, GCH_BACKEND_CPU, cpu);
            assert_same(r.expected, cpu, width, height, "picture", number);
            compare_gpu(&r, &c, &plane, cpu);
        }
        points_case_close(&last);
        last = c;
    }
    print_message("%" PRIu64 " cases, %" PRIu64 " points in view\n", count, visible);
    for (size_t i = 0; i < GCH_COUNT_OF(gpu_rigs); i++) {
        print_message("%s: %" PRIu64 " tiles, %" PRIu64 " by query\n", gpu_rigs[i].name,
                      gpu_rigs[i].tiles, gpu_rigs[i].by_query);
        assert_int_equal(gpu_rigs[i].by_query, 0);
        gch__gpu_executor_destroy(gpu_rigs[i].executor);
        gpu_rigs[i].executor = NULL;
    }
    assert_true(gpu_rigs[3].tiles > gpu_rigs[0].tiles);
    gch_chart_destroy(chart);
    points_case_close(&last);
    gch_workers_destroy(r.workers);
    free(cpu);
    free(r.expected);
}

/* ---- frames ---- */

/* A point set of some size. */
static void open_cloud(points_case *c)
{
    *c = (points_case){0};
    points_case_open(c, 4, GPU_TEST_FOLDER);
    while (gch_file_get_info(c->file)->row_count < 3000) {
        uint64_t next = c->number + 1;
        points_case_close(c);
        points_case_open(c, next, GPU_TEST_FOLDER);
    }
}

static void a_frame_is_drawn_anew_when_either_side_moves(void **state)
{
    (void)state;
    points_case c;
    gch__gpu_executor *executor = NULL;
    gch__scene scene = {0};
    gch_image image;
    gch_query *query;
    open_cloud(&c);
    gch_plane_view view = points_case_plane(&c, 120, 90).view;
    assert_ok(gch__gpu_executor_make(&(gch__gpu_executor_desc){0}, &executor, &err));
    assert_ok(gch_query_make(c.file, NULL, &query, &err));
    assert_ok(gch_image_make(view.width_px, view.height_px, NULL, &image, &err));
    gch_chart_series series = {.file = c.file};
    for (int step = 0; step < 6; step++) {
        gch__extent extent = {0};
        gch__gpu_frame_stats stats;
        int64_t query_ns;
        if (step == 2)
            view.right.digits++;
        if (step == 4)
            view.bottom.digits--;
        gch_chart_desc desc = bare_desc(&series, &view);
        assert_ok(gch__scene_layout(&scene, &desc, 0, 1, &extent, &err));
        assert_ok(
            gch__gpu_executor_draw(executor, &scene, &query, &image, &stats, &query_ns, &err));
        assert_int_equal(stats.is_unchanged, step % 2 == 1);
        assert_int_equal(stats.pages_loaded > 0, step == 0);
    }
    gch_image_destroy(&image, NULL);
    gch_query_destroy(query);
    gch__gpu_executor_destroy(executor);
    gch__scene_reset(&scene);
    points_case_close(&c);
}

static void a_warm_frame_allocates_nothing(void **state)
{
    (void)state;
    static const gch_backend backends[] = {GCH_BACKEND_CPU, GCH_BACKEND_GPU};
    points_case c;
    open_cloud(&c);
    const gch_plane_view view = points_case_plane(&c, 200, 150).view;
    for (size_t b = 0; b < GCH_COUNT_OF(backends); b++) {
        for (int is_bare = 0; is_bare < 2; is_bare++) {
            test_counter counter = {0};
            gch_allocator allocator = {.resize = test_counter_resize, .context = &counter};
            gch_chart *chart;
            size_t warm = 0;
            assert_ok(gch_chart_make(&allocator, &chart, &err));
            for (uint32_t i = 0; i < 8; i++) {
                const gch_image *image;
                gch_chart_stats stats;
                gch_chart_series series = {.file = c.file, .size_by = 3, .color_by = 3};
                gch_chart_desc desc = bare_desc(&series, &view);
                desc.is_bare = is_bare == 1;
                desc.backend = backends[b];
                desc.top.digits += i % 2; /* there and back */
                assert_ok(gch_chart_frame(chart, &desc, &image, &stats, &err));
                assert_int_equal(stats.backend, backends[b]);
                warm = i == 3 ? counter.allocations : warm;
            }
            assert_int_equal(counter.allocations, warm);
            gch_chart_destroy(chart);
        }
    }
    points_case_close(&c);
}

static uint32_t largest_difference(const uint32_t *a, const uint32_t *b, size_t count)
{
    uint32_t largest = 0;
    for (size_t i = 0; i < count; i++) {
        for (uint32_t shift = 0; shift < 32; shift += 8) {
            int32_t x = (int32_t)(a[i] >> shift & 255), y = (int32_t)(b[i] >> shift & 255);
            largest = GCH_MAX(largest, (uint32_t)abs(x - y));
        }
    }
    return largest;
}

/* Many points in the plane, few in a part of it. */
static void both_looks_are_the_same_on_the_gpu(void **state)
{
    (void)state;
    enum { ROWS = 60000, WIDTH = 400, HEIGHT = 300 };
    static int32_t x[ROWS], y[ROWS], size[ROWS];
    uint64_t seed = 8;
    for (int i = 0; i < ROWS; i++) {
        x[i] = (int32_t)(test_random(&seed) % 500 + test_random(&seed) % 500);
        y[i] = (int32_t)(test_random(&seed) % 1000);
        size[i] = (int32_t)(test_random(&seed) % 20);
    }
    test_series many = test_points_make(GCH_TYPE_I32, x, y, size, ROWS);
    gch_chart *chart;
    assert_ok(gch_chart_make(NULL, &chart, &err));
    uint32_t *cpu = malloc((size_t)WIDTH * HEIGHT * 4);
    for (uint32_t i = 0; i < 16; i++) {
        gch_chart_series series = {.file = many.file,
                                   .size_by = i % 4 == 1 ? 3 : 0,
                                   .color_by = i % 4 == 2 ? 3 : 0,
                                   .category_by = i % 4 == 3 ? 3 : 0,
                                   .palette = (gch_palette)(i % 3),
                                   .density_scale = (gch_density_scale)(i / 4)};
        bool is_part = i % 2 == 1 && i > 4;
        gch_chart_desc desc = {.series = &series,
                               .series_count = 1,
                               .width_px = WIDTH,
                               .height_px = HEIGHT,
                               .theme = i % 5 == 0 ? GCH_THEME_DARK : GCH_THEME_LIGHT,
                               .has_left = is_part,
                               .left = {480, 0},
                               .has_top = is_part,
                               .top = {300, 0}};
        const gch_image *image;
        gch_chart_stats stats;
        assert_ok(gch_chart_frame(chart, &desc, &image, &stats, &err));
        memcpy(cpu, image->pixels, (size_t)WIDTH * HEIGHT * 4);
        desc.backend = GCH_BACKEND_GPU;
        assert_ok(gch_chart_frame(chart, &desc, &image, &stats, &err));
        assert_int_equal(stats.backend, GCH_BACKEND_GPU);
        uint32_t difference = largest_difference(cpu, image->pixels, (size_t)WIDTH * HEIGHT);
        if (difference > 1)
            fail_msg("look %u: a channel differs by %u", i, difference);
    }
    free(cpu);
    gch_chart_destroy(chart);
    test_series_free(&many);
}

/* Two point sets in two panels, one of them against both axes of the second. */
static void point_sets_in_panels_share_the_range_of_x(void **state)
{
    (void)state;
    enum { WIDTH = 260, HEIGHT = 230 };
    static const gch_backend backends[] = {GCH_BACKEND_REFERENCE, GCH_BACKEND_CPU, GCH_BACKEND_GPU};
    const size_t count = (size_t)WIDTH * HEIGHT;
    points_case a, b;
    open_cloud(&a);
    points_case_open(&b, a.number + 5, GPU_TEST_FOLDER);
    const gch_plane_view upper = points_case_plane(&a, WIDTH, HEIGHT).view;
    const gch_plane_view lower = points_case_plane(&b, WIDTH, HEIGHT).view;
    const gch_panel_desc panels[] = {
        {.height = 2,
         .left = {.has_bottom = true, .has_top = true, .bottom = upper.bottom, .top = upper.top}},
        {.left = {.has_bottom = true, .has_top = true, .bottom = lower.bottom, .top = lower.top}}};
    const gch_chart_series series[] = {{.file = a.file},
                                       {.file = b.file, .panel = 1},
                                       {.file = a.file, .panel = 1, .axis = GCH_AXIS_RIGHT}};
    uint32_t *pictures[GCH_COUNT_OF(backends)];
    for (size_t i = 0; i < GCH_COUNT_OF(backends); i++)
        pictures[i] = malloc(count * sizeof **pictures);
    for (uint32_t is_bare = 0; is_bare < 2; is_bare++) {
        for (size_t i = is_bare == 1 ? 0 : 1; i < GCH_COUNT_OF(backends); i++) {
            gch_image image;
            gch_chart_stats stats;
            gch_chart_desc desc = {.series = series,
                                   .series_count = GCH_COUNT_OF(series),
                                   .panels = panels,
                                   .panel_count = GCH_COUNT_OF(panels),
                                   .width_px = WIDTH,
                                   .height_px = HEIGHT,
                                   .has_left = true,
                                   .has_right = true,
                                   .left = upper.left,
                                   .right = upper.right,
                                   .is_bare = is_bare == 1,
                                   .backend = backends[i]};
            assert_ok(gch_chart_render(&desc, &image, &stats, &err));
            assert_string_equal(stats.fallback, "");
            assert_true(stats.is_plane && stats.panels[1].has_left && stats.panels[1].has_right);
            assert_int_equal(stats.plane.right.digits, upper.right.digits);
            assert_int_equal(stats.panels[1].left.top.digits, lower.top.digits);
            memcpy(pictures[i], image.pixels, count * sizeof **pictures);
            gch_image_destroy(&image, NULL);
        }
        if (is_bare == 1)
            assert_same(pictures[0], pictures[1], WIDTH, HEIGHT, "panels", a.number);
        assert_true(largest_difference(pictures[1], pictures[2], count) <= 1 - is_bare);
    }
    for (size_t i = 0; i < GCH_COUNT_OF(backends); i++)
        free(pictures[i]);
    points_case_close(&a);
    points_case_close(&b);
}

/* The processor reduces what grows, the GPU only lights it. */
static void a_growing_point_set_is_drawn_exactly(void **state)
{
    (void)state;
    enum { STEPS = 14, BATCH = 391 };
    const gch_column_desc columns[] = {{.name = "x", .type = GCH_TYPE_I32},
                                       {.name = "y", .type = GCH_TYPE_I32}};
    const gch_writer_desc rows = {.time_unit = GCH_TIME_INDEX,
                                  .columns = columns,
                                  .column_count = 2,
                                  .curve = GCH_CURVE_MORTON,
                                  .x_column = 0,
                                  .y_column = 1};
    const gch_plane_view view = {.left = {-20, 0},
                                 .right = {220, 0},
                                 .bottom = {0, 0},
                                 .top = {180, 0},
                                 .width_px = 97,
                                 .height_px = 61};
    const gch_plane plane = {.x_column = 0, .y_column = 1, .view = view};
    static uint32_t expected[97 * 61];
    gch_data *data;
    gch_source source;
    gch_file *file;
    gch_chart *chart;
    gch_query *query;
    uint64_t seed = 3;
    assert_ok(gch_data_make(&(gch_data_desc){.host_budget_bytes = 64u << 20}, &data, &err));
    assert_ok(
        gch_live_open(data, &(gch_live_desc){.rows = &rows, .segment_rows = 2048}, &source, &err));
    assert_ok(gch_live_acquire_file(data, source, &file, &err));
    assert_true(gch_file_get_info(file)->is_point_set);
    assert_ok(gch_chart_make(NULL, &chart, &err));
    assert_ok(gch_query_make(file, NULL, &query, &err));
    for (int step = 0; step < STEPS; step++) {
        int32_t x[BATCH], y[BATCH];
        for (int i = 0; i < BATCH; i++) {
            x[i] = (int32_t)(test_random(&seed) % 50) + step * 10;
            y[i] = (int32_t)(test_random(&seed) % 200);
        }
        const gch_column_data batch[] = {{.values = x}, {.values = y}};
        assert_ok(gch_live_append(data, source, NULL, batch, BATCH, &err));
        assert_ok(gch_live_refresh_file(file, NULL, &err));
        gch_grid grid;
        assert_ok(gch_query_grid(query, &plane, GCH_GRID_COUNTS, &grid, &err));
        assert_ok(gch__reference_grid(file, &plane, GCH_GRID_COUNTS, NULL, expected, &err));
        assert_memory_equal(grid.cells, expected, sizeof expected);
        points_case c = {.file = file};
        uint32_t cpu[97 * 61], gpu[97 * 61];
        draw(chart, &c, &view, GCH_BACKEND_CPU, cpu);
        draw(chart, &c, &view, GCH_BACKEND_GPU, gpu);
        assert_memory_equal(cpu, gpu, sizeof cpu);
    }
    gch_chart_destroy(chart);
    gch_query_destroy(query);
    gch_live_release_file(data, file);
    assert_ok(gch_live_close(data, source, &err));
    assert_ok(gch_data_destroy(data, &err));
}

static int make_rigs(void **state)
{
    (void)state;
    for (size_t i = 0; i < GCH_COUNT_OF(gpu_rigs); i++)
        assert_ok(gch__gpu_executor_make(&gpu_rigs[i].desc, &gpu_rigs[i].executor, &err));
    return 0;
}

static int destroy_rigs(void **state)
{
    (void)state;
    for (size_t i = 0; i < GCH_COUNT_OF(gpu_rigs); i++)
        gch__gpu_executor_destroy(gpu_rigs[i].executor);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_pixel_and_no_count_differs),
        cmocka_unit_test(a_frame_is_drawn_anew_when_either_side_moves),
        cmocka_unit_test(a_warm_frame_allocates_nothing),
        cmocka_unit_test(both_looks_are_the_same_on_the_gpu),
        cmocka_unit_test(point_sets_in_panels_share_the_range_of_x),
        cmocka_unit_test(a_growing_point_set_is_drawn_exactly),
    };
    return cmocka_run_group_tests(tests, make_rigs, destroy_rigs);
}
