/* Points of a plane that fill over frames and stay on pans: every picture that says that it is
 * complete is that of the processor, bit for bit, whatever was there before; what is not counted is
 * told, and made up for in pictures of counts.
 */
#include "gch/chart.h"
#include "render_gpu_reach.h"
#include "render_gpu_stage_test.h"
#include "test_series.h"

#include <math.h>
#include <stdlib.h>

static gch_error err;

enum { ROWS = 600000, SIDE = 60000, TALL = 40000 };

typedef enum kind { INTEGERS, DOUBLES, GAPS, KIND_COUNT } kind;
static test_series files[KIND_COUNT];

/* Three crowds on a thin ground. */
static void make_point(uint64_t *seed, double *x, double *y, double *value)
{
    uint64_t crowd = test_random(seed) % 4;
    double spread = crowd == 3 ? SIDE : 4000.0 * (double)(crowd + 1);
    *x = *y = 0;
    for (int i = 0; i < 3; i++) {
        *x += (double)(test_random(seed) % 10000) / 10000 * spread / 3;
        *y += (double)(test_random(seed) % 10000) / 10000 * spread / 3;
    }
    *x = floor(crowd == 3 ? *x : *x + 9000.0 * (double)crowd);
    *y = floor(crowd == 3 ? *y * TALL / SIDE : *y + 7000.0 * (double)crowd);
    *value = floor(*x / 100 + (double)(test_random(seed) % 50));
}

typedef struct point {
    double x, y, value;
    uint64_t place; /* in the curve's order */
} point;

static int compare_places(const void *a, const void *b)
{
    const point *p = a, *q = b;
    return (p->place > q->place) - (p->place < q->place);
}

static uint64_t place_of(double x, double y)
{
    uint64_t place = 0;
    for (int bit = 0; bit < 17; bit++)
        place |= ((uint64_t)x >> bit & 1) << 2 * bit | ((uint64_t)y >> bit & 1) << (2 * bit + 1);
    return place;
}

/* In Morton order, but for GAPS: boxes that are as large as the view have to do as well. */
static void make_points(kind k, point *points)
{
    uint64_t seed = 40 + (uint64_t)k;
    for (int i = 0; i < ROWS; i++) {
        point *p = &points[i];
        make_point(&seed, &p->x, &p->y, &p->value);
        p->place = place_of(p->x, p->y);
        if (k != DOUBLES)
            continue; /* all their digits: keys beyond 32 bits */
        p->x += (double)(test_random(&seed) >> 11) * 0x1p-54;
        p->y += (double)(test_random(&seed) >> 11) * 0x1p-54;
        p->value += (double)(test_random(&seed) >> 11) * 0x1p-54;
    }
    if (k != GAPS)
        qsort(points, ROWS, sizeof *points, compare_places);
}

static void make_file(kind k)
{
    double *values[3];
    uint64_t seed = 50;
    for (int i = 0; i < 3; i++) {
        values[i] = malloc(ROWS * sizeof *values[i]);
        assert_non_null(values[i]);
    }
    point *points = malloc(ROWS * sizeof *points);
    assert_non_null(points);
    make_points(k, points);
    for (int i = 0; i < ROWS; i++) {
        values[0][i] = points[i].x;
        values[1][i] = points[i].y;
        values[2][i] = points[i].value;
        if (k == GAPS && test_random(&seed) % 500 == 0)
            values[test_random(&seed) % 3][i] = (double)NAN;
    }
    free(points);
    files[k] = test_points_make(GCH_TYPE_F64, values[0], values[1], values[2], ROWS);
    for (int i = 0; i < 3; i++)
        free(values[i]);
}

static int make_files(void **state)
{
    (void)state;
    for (int k = 0; k < KIND_COUNT; k++)
        make_file((kind)k);
    return 0;
}

static int free_files(void **state)
{
    (void)state;
    for (int k = 0; k < KIND_COUNT; k++)
        test_series_free(&files[k]);
    return 0;
}

/* ---- an executor, and what it is to draw ---- */

typedef enum look { BARE, COUNTS, LEVELS, CATEGORIES, LOOK_COUNT } look;

typedef struct plane {
    stage on;
    int64_t x, y, column, row; /* the view's corner, and its pixels' sides */
    uint64_t rows_before;
} plane;

/* In units of a pixel's sides. */
static void lay_out(plane *s)
{
    gch_chart_desc *desc = &s->on.desc;
    for (int i = 0; i < 2; i++) { /* the plot's size is known after the first */
        const gch_view *view = &s->on.scene.plots[0].view;
        bool is_known = i == 1 || s->on.scene.plot_count > 0;
        int64_t width = is_known ? view->width_px : 1, height = is_known ? view->height_px : 1;
        desc->left = (gch_decimal){s->x, 0};
        desc->right = (gch_decimal){s->x + width * s->column, 0};
        desc->top = (gch_decimal){s->y, 0};
        desc->bottom = (gch_decimal){s->y - height * s->row, 0};
        assert_ok(stage_lay_out(&s->on, &err));
    }
}

static void make_plane(plane *s, const gch__gpu_executor_desc *executor, look its,
                       const kind *kinds, uint32_t count)
{
    gch_chart_series series[STAGE_SERIES_MAX];
    for (uint32_t i = 0; i < count; i++)
        series[i] = (gch_chart_series){.file = files[kinds[i]].file,
                                       .mark = GCH_MARK_POINTS,
                                       .color_by = its == LEVELS ? 3 : 0,
                                       .category_by = its == CATEGORIES ? 3 : 0};
    const gch_chart_desc chart = {.series = series,
                                  .series_count = count,
                                  .width_px = its == BARE ? 120 : 220,
                                  .height_px = its == BARE ? 100 : 190,
                                  .is_bare = its == BARE,
                                  .has_left = true,
                                  .has_right = true,
                                  .has_bottom = true,
                                  .has_top = true,
                                  .to = 1};
    *s = (plane){.y = TALL, .column = 500, .row = 400};
    assert_ok(stage_make(&s->on, executor, &chart, false, &err));
}

static void draw(plane *s, gch_quality quality, uint32_t level)
{
    s->rows_before = gch_query_get_stats(s->on.queries[0]).rows_visible;
    lay_out(s);
    stage_refine(&s->on, quality, level);
    assert_int_equal(s->on.stats.series_by_query, 0);
}

/* Rows that the last frame has gone through, of the first series. */
static uint64_t rows_of(const plane *s)
{
    return gch_query_get_stats(s->on.queries[0]).rows_visible - s->rows_before;
}

static bool is_exact(plane *s)
{
    lay_out(s);
    return stage_is_exact(&s->on);
}

static uint64_t lit_pixels(const gch_image *image)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < (size_t)image->width_px * image->height_px; i++)
        sum += image->pixels[i] & 1;
    return sum;
}

/* The points that the last picture shows, of its first series. */
static uint64_t points_shown(plane *s)
{
    const gch_view *view = &s->on.scene.plots[0].view;
    size_t count = (size_t)view->width_px * view->height_px;
    uint32_t *cells = malloc(count * sizeof *cells);
    uint64_t sum = 0, at = gch__gpu_counts_grid(s->on.executor, 0, 0);
    assert_ok(gch__gpu_begin(s->on.executor->gpu, "look", &err));
    assert_ok(gch__gpu_download(s->on.executor->gpu, s->on.executor->counts.grids,
                                at * sizeof *cells, cells, count * sizeof *cells, &err));
    for (size_t i = 0; i < count; i++)
        sum += cells[i];
    free(cells);
    return sum;
}

/* Frames of a view at rest until it is complete. */
static uint32_t refine(plane *s)
{
    uint32_t frames = 0;
    while (s->on.stats.counted < 1) {
        double before = s->on.stats.counted;
        draw(s, GCH_QUALITY_AUTO, 0);
        assert_true(s->on.stats.counted > before || s->on.executor->counts.quality.plan_step > 1);
        frames++;
        assert_true(frames < GCH__REST_PARTS + GCH__REST_FRAMES);
    }
    assert_int_equal(s->on.stats.quality_level, GCH_QUALITY_LEVELS);
    assert_true(is_exact(s));
    return frames;
}

/* ---- tests ---- */

static void a_view_at_rest_becomes_exact_and_then_nothing_is_submitted(void **state)
{
    (void)state;
    for (int k = 0; k < KIND_COUNT; k++)
        for (look its = BARE; its < LOOK_COUNT; its++) {
            plane s;
            kind of = (kind)k;
            if (k != (its == COUNTS ? k : its == LEVELS ? GAPS : INTEGERS))
                continue;
            make_plane(&s, &(gch__gpu_executor_desc){0}, its, &of, 1);
            draw(&s, GCH_QUALITY_AUTO, 0);
            assert_true(s.on.stats.counted >= 1.0 / 32 && s.on.stats.counted < 0.2);
            assert_int_equal(s.on.stats.quality_level, 3);
            assert_false(is_exact(&s));
            uint64_t first = its == BARE ? lit_pixels(&s.on.image) : points_shown(&s);
            uint32_t frames = refine(&s);
            assert_true(frames > 20 && frames < GCH__REST_PARTS);
            /* Counts are about as high from the first frame on; of a bitmap a part is there. */
            uint64_t last = its == BARE ? lit_pixels(&s.on.image) : points_shown(&s);
            if (its == BARE)
                assert_true(first > last / 32 && first < last);
            else if (its == COUNTS)
                assert_true(fabs((double)first / (double)last - 1) < 0.05);
            else if (its == LEVELS) /* nothing is dark, as boxes have their largest level */
                assert_true(first > last);
            gch__gpu_stats before = gch__gpu_get_stats(s.on.executor->gpu);
            draw(&s, GCH_QUALITY_AUTO, 0);
            assert_true(s.on.stats.is_unchanged && s.on.stats.counted == 1);
            draw(&s, GCH_QUALITY_EXACT, 0);
            assert_true(s.on.stats.is_unchanged && s.on.stats.counted == 1);
            gch__gpu_stats after = gch__gpu_get_stats(s.on.executor->gpu);
            assert_memory_equal(&before, &after, sizeof after);
            stage_free(&s.on);
        }
}

static void exact_frames_are_exact_at_once_also_in_the_middle_of_refining(void **state)
{
    (void)state;
    for (look its = BARE; its <= LEVELS; its++) {
        plane s;
        const kind kinds[] = {DOUBLES, INTEGERS};
        make_plane(&s, &(gch__gpu_executor_desc){0}, its, kinds, 2);
        for (int i = 0; i < 7; i++)
            draw(&s, GCH_QUALITY_AUTO, 0);
        assert_true(s.on.stats.counted < 0.5);
        draw(&s, GCH_QUALITY_DEFAULT, 0);
        assert_true(s.on.stats.counted == 1 && is_exact(&s));
        s.column += 37;
        draw(&s, GCH_QUALITY_EXACT, 0);
        assert_true(s.on.stats.counted == 1 && is_exact(&s));
        stage_free(&s.on);
    }
}

/* Pans by whole pixels of all sizes, and moves that are none. */
static void a_panned_picture_is_exact_and_only_what_is_new_is_gone_through(void **state)
{
    (void)state;
    static const struct {
        int64_t x, y; /* pixels */
        bool is_far;  /* nothing stays */
    } pans[] = {{3, 0, false},   {-1, 0, false},    {0, 5, false},   {0, -2, false}, {7, -9, false},
                {-6, 33, false}, {-31, -64, false}, {32, 31, false}, {170, 0, true}, {170, 1, true},
                {1, 1, false},   {0, 150, true},    {2, 150, true},  {60, 40, false}};
    static const gch__gpu_executor_desc descs[] = {{0},
                                                   {.budget_bytes = 2 << 20, .slab_bytes = 1 << 20},
                                                   {.by_blocks = true},
                                                   {.pool_shift = 17}};
    for (size_t d = 0; d < GCH_COUNT_OF(descs); d++)
        for (look its = BARE; its < LOOK_COUNT; its += d == 0 ? 1 : 2) {
            plane s;
            const kind kinds[] = {(kind)(d % KIND_COUNT), INTEGERS};
            make_plane(&s, &descs[d], its, kinds, d % 2 == 0 ? 1 : 2);
            s.x = -3000;
            draw(&s, GCH_QUALITY_EXACT, 0);
            uint64_t whole = rows_of(&s);
            s.x += 3 * s.column; /* few boxes reach into the new strip */
            draw(&s, GCH_QUALITY_EXACT, 0);
            assert_true(is_exact(&s));
            if (!descs[d].by_blocks && kinds[0] != GAPS)
                assert_true(rows_of(&s) < whole / 2);
            s.column = s.row = 150;
            s.x = 5000;
            s.y = 17000;
            draw(&s, GCH_QUALITY_EXACT, 0);
            assert_true(is_exact(&s));
            for (size_t i = 0; i < (d == 0 ? GCH_COUNT_OF(pans) : 8); i++) {
                uint32_t width = s.on.scene.plots[0].view.width_px;
                s.x += pans[i].x * s.column;
                s.y += pans[i].y * s.row;
                draw(&s, GCH_QUALITY_EXACT, 0);
                assert_true(s.on.stats.counted == 1 && is_exact(&s));
                /* Other labels of an axis may leave the plot another width. */
                bool is_same_plot = s.on.scene.plots[0].view.width_px == width;
                assert_int_equal(s.on.stats.columns_kept > 0, !pans[i].is_far && is_same_plot);
                s.x -= pans[i].is_far ? pans[i].x * s.column : 0;
                s.y -= pans[i].is_far ? pans[i].y * s.row : 0;
                if (pans[i].is_far)
                    draw(&s, GCH_QUALITY_EXACT, 0);
                assert_true(is_exact(&s));
            }
            s.x += s.column / 2; /* between pixels */
            draw(&s, GCH_QUALITY_EXACT, 0);
            assert_true(s.on.stats.columns_kept == 0 && is_exact(&s));
            s.row++;
            draw(&s, GCH_QUALITY_EXACT, 0);
            assert_true(s.on.stats.columns_kept == 0 && is_exact(&s));
            stage_free(&s.on);
        }
}

static void a_pan_in_the_middle_of_refining_keeps_what_is_counted(void **state)
{
    (void)state;
    static const int pans[][2] = {{1, 0}, {3, -2}, {-2, 5}, {0, 0}, {5, 5}, {-6, 1}, {0, -7}};
    for (look its = BARE; its <= LEVELS; its++) {
        plane s;
        const kind kinds[] = {GAPS, DOUBLES};
        make_plane(&s, &(gch__gpu_executor_desc){0}, its, kinds, 2);
        draw(&s, GCH_QUALITY_AUTO, 0);
        for (size_t i = 0; i < GCH_COUNT_OF(pans); i++) {
            for (int frame = 0; frame < 4; frame++)
                draw(&s, GCH_QUALITY_AUTO, 0);
            double before = s.on.stats.counted;
            s.x += pans[i][0] * s.column;
            s.y += pans[i][1] * s.row;
            draw(&s, GCH_QUALITY_AUTO, 0);
            assert_true(s.on.stats.counted > before * 0.95);
        }
        (void)refine(&s);
        s.x += 3 * s.column;
        draw(&s, GCH_QUALITY_AUTO, 0); /* of a strip everything that the rest has */
        assert_true(s.on.stats.counted == 1 && is_exact(&s));
        stage_free(&s.on);
    }
}

static void other_views_begin_anew_and_other_colours_do_not(void **state)
{
    (void)state;
    plane s;
    const kind kinds[] = {INTEGERS, GAPS};
    make_plane(&s, &(gch__gpu_executor_desc){0}, COUNTS, kinds, 2);
    s.on.desc.series_count = 1;
    draw(&s, GCH_QUALITY_AUTO, 0);
    double first = s.on.stats.counted;
    for (int i = 0; i < 10; i++)
        draw(&s, GCH_QUALITY_AUTO, 0);
    double before = s.on.stats.counted;
    s.on.series[0].palette = GCH_PALETTE_EMBER;
    s.on.series[0].density_scale = GCH_DENSITY_EQUAL;
    draw(&s, GCH_QUALITY_AUTO, 0);
    assert_true(s.on.stats.counted > before);
    s.row -= 10;
    draw(&s, GCH_QUALITY_AUTO, 0);
    assert_true(s.on.stats.counted < before && s.on.stats.counted < first * 1.5);
    (void)refine(&s);
    stage_free(&s.on);
    make_plane(&s, &(gch__gpu_executor_desc){0}, BARE, kinds, 2);
    draw(&s, GCH_QUALITY_EXACT, 0);
    assert_ok(stage_open(&s.on, 1, files[DOUBLES].file, &err));
    draw(&s, GCH_QUALITY_AUTO, 0);
    assert_true(s.on.stats.counted > 0.5 && s.on.stats.counted < 0.6); /* the first stays */
    (void)refine(&s);
    stage_free(&s.on);
}

static void pinned_pictures_are_the_same_whatever_was_there_before(void **state)
{
    (void)state;
    for (look its = BARE; its < LOOK_COUNT; its++)
        for (uint32_t level = 1; level <= GCH_QUALITY_LEVELS; level += its <= COUNTS ? 1 : 3) {
            plane s, other;
            const kind kinds[] = {INTEGERS, DOUBLES};
            gch__gpu_executor_desc drawn = {.way = GCH__GPU_BY_DRAW};
            gch__gpu_executor_desc dispatched = {.way = GCH__GPU_BY_DISPATCH};
            make_plane(&s, &drawn, its, kinds, 2);
            make_plane(&other, &dispatched, its, kinds, 2);
            draw(&s, GCH_QUALITY_PINNED, level);
            assert_int_equal(s.on.stats.quality_level, level);
            double counted = s.on.stats.counted;
            assert_true(level == GCH_QUALITY_LEVELS ? counted == 1 : counted < 0.6);
            draw(&s, GCH_QUALITY_PINNED, level);
            assert_true(s.on.stats.is_unchanged && s.on.stats.counted == counted);
            assert_int_equal(s.on.stats.quality_level, level);
            other.x -= 5 * other.column;
            other.y += 4 * other.row;
            for (int i = 0; i < 6; i++)
                draw(&other, GCH_QUALITY_AUTO, 0);
            draw(&other, GCH_QUALITY_PINNED, level);
            other.x += 5 * other.column; /* it stays, but for the strips */
            other.y -= 4 * other.row;
            draw(&other, GCH_QUALITY_PINNED, level);
            size_t bytes = (size_t)s.on.image.width_px * s.on.image.height_px * 4;
            assert_memory_equal(s.on.image.pixels, other.on.image.pixels, bytes);
            draw(&other, GCH_QUALITY_EXACT, 0);
            uint64_t exact = its == COUNTS ? points_shown(&other) : 0;
            draw(&other, GCH_QUALITY_PINNED, level);
            assert_memory_equal(s.on.image.pixels, other.on.image.pixels, bytes);
            if (its == COUNTS)
                assert_true(fabs((double)points_shown(&other) / (double)exact - 1) < 0.05);
            draw(&other, GCH_QUALITY_EXACT, 0);
            assert_true(is_exact(&other));
            stage_free(&s.on);
            stage_free(&other.on);
        }
}

/* What a device does whose least share takes too long: views that move count less. */
static void a_moving_view_counts_less_and_becomes_exact_once_it_rests(void **state)
{
    (void)state;
    for (look its = BARE; its <= COUNTS; its++) {
        plane s;
        const kind of = GAPS;
        make_plane(&s, &(gch__gpu_executor_desc){0}, its, &of, 1);
        for (int i = 0; i < 6; i++) {
            s.x = i * 77;
            draw(&s, GCH_QUALITY_AUTO, 0);
        }
        assert_int_equal(s.on.stats.quality_level, 1);
        assert_true(s.on.stats.counted < 1.0 / 32);
        assert_true(refine(&s) > GCH__REST_FRAMES);
        stage_free(&s.on);
    }
}

/* Pages that do not fit together are read once a refinement, not once a frame. */
static void data_beyond_the_device_memory_is_refined_by_position(void **state)
{
    (void)state;
    plane s;
    const kind of = DOUBLES;
    gch__gpu_executor_desc desc = {.budget_bytes = 2 << 20, .slab_bytes = 1 << 20};
    make_plane(&s, &desc, BARE, &of, 1);
    draw(&s, GCH_QUALITY_AUTO, 0);
    assert_true(s.on.stats.pages_loaded > 50);
    uint64_t refined = 0;
    while (s.on.stats.counted < 1) {
        draw(&s, GCH_QUALITY_AUTO, 0);
        refined += s.on.stats.pages_loaded;
    }
    assert_true(is_exact(&s));
    s.column++;
    draw(&s, GCH_QUALITY_EXACT, 0);
    assert_true(s.on.stats.tiles > 1);
    assert_true(refined < s.on.stats.pages_loaded * 2);
    stage_free(&s.on);
}

static void a_warm_refining_frame_allocates_nothing(void **state)
{
    (void)state;
    for (look its = BARE; its <= LEVELS; its += 2) {
        plane s;
        test_counter counter = {0};
        gch_allocator allocator = {.resize = test_counter_resize, .context = &counter};
        const kind kinds[] = {GAPS, DOUBLES};
        size_t before = 0;
        make_plane(&s, &(gch__gpu_executor_desc){.allocator = &allocator}, its, kinds, 2);
        for (int round = 0; round < 3; round++) {
            before = counter.allocations;
            for (int i = 0; i < 4; i++) {
                s.x = i * 4321;
                for (int frame = 0; frame < 6; frame++) {
                    s.y += frame % 3 == 1 ? s.row : 0;
                    draw(&s, GCH_QUALITY_AUTO, 0);
                }
            }
            draw(&s, GCH_QUALITY_EXACT, 0);
            s.y -= 8 * s.row;
        }
        assert_int_equal(counter.allocations, before);
        stage_free(&s.on);
    }
}

/* ---- reach ---- */

static uint64_t reached_rows(const gch__points_stretch *stretches, size_t count,
                             const gch__points_reach *reach)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < count; i++)
        rows +=
            gch__points_rows(&stretches[i], 0, gch__points_reached(reach, stretches[i].position));
    return rows;
}

static void choices_take_what_they_say_and_end(void **state)
{
    (void)state;
    gch__points_stretch stretches[60];
    uint64_t seed = 5;
    for (int number = 0; number < 300; number++) {
        size_t count = 0;
        uint32_t rows = (uint32_t)(test_random(&seed) % 8000000) + 1;
        for (uint32_t node = 0; node < (rows + 4095) / 4096 && count < 60;) {
            uint32_t end = GCH_MIN(node + 1 + (uint32_t)(test_random(&seed) % 64),
                                   GCH_MIN((node | 63) + 1, (rows + 4095) / 4096));
            if (test_random(&seed) % 4 != 0)
                stretches[count++] =
                    (gch__points_stretch){.position = (uint64_t)(node & ~63u) * 4096,
                                          .segment_rows = rows,
                                          .first_node = node,
                                          .last_node = end};
            node = end;
        }
        gch__points_reach reach = {0};
        for (int frame = 0; !gch__points_is_whole(&reach); frame++) {
            const gch__points_aim aim = {.least = 16,
                                         .strata = GCH__PLANE_STRATA,
                                         .rows = test_random(&seed) % 400000 + rows / 64 + 1,
                                         .by_position = test_random(&seed) % 8 == 0};
            uint64_t before = reached_rows(stretches, count, &reach);
            gch__points_spent spent;
            gch__points_choose(stretches, count, &aim, &reach, &spent);
            assert_int_equal(reached_rows(stretches, count, &reach), before + spent.now);
            assert_int_equal(before + spent.now, spent.counted);
            assert_true(spent.least <= spent.now && spent.counted <= spent.rows);
            assert_true(spent.now >= GCH_MIN(aim.rows, spent.rows - before));
            assert_true(frame < 64);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(choices_take_what_they_say_and_end),
        cmocka_unit_test(a_view_at_rest_becomes_exact_and_then_nothing_is_submitted),
        cmocka_unit_test(exact_frames_are_exact_at_once_also_in_the_middle_of_refining),
        cmocka_unit_test(a_panned_picture_is_exact_and_only_what_is_new_is_gone_through),
        cmocka_unit_test(a_pan_in_the_middle_of_refining_keeps_what_is_counted),
        cmocka_unit_test(other_views_begin_anew_and_other_colours_do_not),
        cmocka_unit_test(pinned_pictures_are_the_same_whatever_was_there_before),
        cmocka_unit_test(a_moving_view_counts_less_and_becomes_exact_once_it_rests),
        cmocka_unit_test(data_beyond_the_device_memory_is_refined_by_position),
        cmocka_unit_test(a_warm_refining_frame_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, make_files, free_files);
}
