/* The CPU executor as a whole, on scenes made by hand: text and primitives, workers, memory, what
 * is refused. */
#include "raster_stage.h"

static gch__prim text_prim(float x, float y, uint32_t turns)
{
    return (gch__prim){.kind = GCH__PRIM_TEXT,
                       .box = {x, y, 0, 0},
                       .color = 0x000000FFu,
                       .text = "L1",
                       .text_bytes = 2,
                       .font_px = 20,
                       .quarter_turns = turns};
}

/* Text turned by quarter turns about (100, 60) is the unturned text turned pixel by pixel. */
static void turned_text_is_the_same_text(void **state)
{
    (void)state;
    static uint32_t pixels[4][HEIGHT][WIDTH];
    for (uint32_t turns = 0; turns < 4; turns++) {
        stage *s = make_stage(GCH_MARK_LINE);
        gch__prim prim = text_prim(100, 60, turns);
        s->scene.series_count = 0;
        s->scene.over = (gch__prims){&prim, 1, 1};
        draw(s);
        memcpy(pixels[turns], s->image.pixels, sizeof pixels[turns]);
        free_stage(s);
    }
    size_t inked = 0;
    for (int x = 100; x < 150; x++) {
        for (int y = 30; y < 80; y++) {
            int dx = x - 100, dy = y - 60;
            uint32_t pixel = pixels[0][y][x];
            inked += pixel != WHITE;
            assert_int_equal(pixels[1][60 - dx - 1][100 + dy], pixel);
            assert_int_equal(pixels[2][60 - dy - 1][100 - dx - 1], pixel);
            assert_int_equal(pixels[3][60 + dx][100 - dy - 1], pixel);
        }
    }
    assert_true(inked > 50);
}

static void primitives_have_the_area_of_their_shape(void **state)
{
    (void)state;
    gch__prim prims[] = {
        {.kind = GCH__PRIM_RECT, .box = {10.25f, 10, 30.5f, 20.5f}, .color = 0x000000FFu},
        {.kind = GCH__PRIM_LINE, .box = {50, 10.5f, 90, 10.5f}, .width = 1, .color = 0x000000FFu},
        {.kind = GCH__PRIM_LINE, .box = {50, 20, 90, 50}, .width = 3, .color = 0x000000FFu},
        {.kind = GCH__PRIM_CIRCLE, .box = {130, 40, 0, 0}, .radius = 12, .color = 0x000000FFu},
        {.kind = GCH__PRIM_RECT, .box = {150, 80, 190, 110}, .radius = 8, .color = 0x000000FFu}};
    /* Slanted and round shapes are sampled at pixel centres: 1 %. */
    double areas[] = {20.25 * 10.5, 40, 150, M_PI * 144, 40 * 30 - (4 - M_PI) * 64};
    double bounds[] = {0.5, 0.01, 1.5, 4.5, 12};
    for (size_t i = 0; i < GCH_COUNT_OF(prims); i++) {
        stage *s = make_stage(GCH_MARK_LINE);
        s->scene.series_count = 0;
        s->scene.under = (gch__prims){&prims[i], 1, 1};
        draw(s);
        double area = 0;
        for (size_t p = 0; p < WIDTH * HEIGHT; p++)
            area += 1 - (s->image.pixels[p] & 255) / 255.0;
        if (!(fabs(area - areas[i]) <= bounds[i]))
            fail_msg("primitive %zu: area %g, expected %g", i, area, areas[i]);
        free_stage(s);
    }
}

static void primitives_anywhere_are_harmless(void **state)
{
    (void)state;
    static const float places[] = {-INFINITY, -1e30f, -5, 195, 1e30f, INFINITY, NAN};
    static const gch__prim_kind kinds[] = {GCH__PRIM_RECT, GCH__PRIM_LINE, GCH__PRIM_CIRCLE,
                                           GCH__PRIM_TEXT};
    stage *s = make_stage(GCH_MARK_LINE);
    s->scene.series_count = 0;
    for (size_t k = 0; k < GCH_COUNT_OF(kinds); k++) {
        for (size_t i = 0; i < 7 * 7; i++) {
            gch__prim prim = text_prim(places[i % 7], places[i / 7], (uint32_t)i);
            prim.kind = kinds[k];
            prim.box.x1 = places[(i + 3) % 7];
            prim.box.y1 = places[i / 7];
            prim.width = 3;
            prim.radius = i % 2 == 0 ? 0 : 6;
            s->scene.under = (gch__prims){&prim, 1, 1};
            draw(s);
        }
    }
    free_stage(s);
}

static void two_workers_draw_the_same_picture(void **state)
{
    (void)state;
    gch_error err;
    gch_workers *workers = NULL;
    assert_ok(gch_workers_make(2, NULL, &workers, &err));
    for (size_t i = 0; i < GCH_COUNT_OF(marks); i++) {
        stage *s = make_stage(marks[i]);
        gch__raster *raster = NULL;
        draw(s);
        uint32_t *alone = malloc((size_t)WIDTH * HEIGHT * 4);
        assert_non_null(alone);
        memcpy(alone, s->image.pixels, (size_t)WIDTH * HEIGHT * 4);
        assert_ok(gch__raster_make(NULL, &raster, &err));
        for (int frame = 0; frame < 3; frame++) {
            memset(s->image.pixels, 0x31, (size_t)WIDTH * HEIGHT * 4);
            assert_ok(draw_with(s, raster, workers, &err));
            assert_memory_equal(s->image.pixels, alone, (size_t)WIDTH * HEIGHT * 4);
        }
        gch__raster_destroy(raster);
        free(alone);
        free_stage(s);
    }
    gch_workers_destroy(workers);
}

/* All marks, points and columns, text and bare, with one raster. */
static gch_status draw_everything(gch__raster *raster, gch_error *err)
{
    gch_bar bars[] = {make_bar(0, 10, 20, 90, 10, 60)};
    gch_status status = GCH_OK;
    for (size_t i = 0; i < GCH_COUNT_OF(marks) * 2 && status == GCH_OK; i++) {
        stage *s = make_stage(marks[i / 2]);
        gch__prim prim = text_prim(100, 60, 0);
        s->scene.over = (gch__prims){&prim, 1, 1};
        if (i % 2 == 0) {
            s->query.points = wild_points;
            s->query.point_count = GCH_COUNT_OF(wild_points);
            s->query.bars = bars;
            s->query.bar_count = 1;
        }
        status = draw_with(s, raster, NULL, err);
        free_stage(s);
    }
    return status;
}

static void warm_frames_allocate_nothing(void **state)
{
    (void)state;
    gch_error err;
    counted_heap heap = {.made_cap = SIZE_MAX};
    gch_allocator allocator = {counted_resize, &heap};
    gch__raster *raster = NULL;
    assert_ok(gch__raster_make(&allocator, &raster, &err));
    assert_ok(draw_everything(raster, &err));
    size_t made = heap.made;
    assert_true(made > 0);
    for (int frame = 0; frame < 3; frame++)
        assert_ok(draw_everything(raster, &err));
    assert_int_equal(heap.made, made);
    gch__raster_destroy(raster);
    assert_int_equal(heap.alive, 0);
}

static void every_failed_allocation_is_told(void **state)
{
    (void)state;
    gch_error err;
    gch_status status = GCH_NO_MEMORY;
    size_t cap = 0;
    for (; status != GCH_OK; cap++) {
        counted_heap heap = {.made_cap = cap};
        gch_allocator allocator = {counted_resize, &heap};
        gch__raster *raster = NULL;
        status = gch__raster_make(&allocator, &raster, &err);
        if (status == GCH_OK)
            status = draw_everything(raster, &err);
        assert_true(status == GCH_OK || status == GCH_NO_MEMORY);
        gch__raster_destroy(raster);
        assert_int_equal(heap.alive, 0);
    }
    assert_true(cap > 5);
}

static void a_failing_query_is_told_in_its_own_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < GCH_COUNT_OF(marks) * 2; i++) {
        gch_error err;
        stage *s = make_stage(marks[i / 2]);
        gch__raster *raster = NULL;
        assert_ok(gch__raster_make(NULL, &raster, &err));
        s->query.failure = GCH_CORRUPT;
        s->series->study.kind =
            marks[i / 2] == GCH_MARK_LINE && i % 2 != 0 ? GCH_STUDY_RANGE : GCH_STUDY_NONE;
        assert_status(draw_with(s, raster, NULL, &err), GCH_CORRUPT);
        assert_string_equal(err.message, "page 7 is damaged");
        assert_status(draw_with(s, raster, NULL, NULL), GCH_CORRUPT);
        gch__raster_destroy(raster);
        free_stage(s);
    }
}

static void success_leaves_the_error_untouched(void **state)
{
    (void)state;
    gch_error err = {.status = GCH_EXISTS};
    stage *s = make_stage(GCH_MARK_LINE); /* too many points: columns are asked for instead */
    gch__raster *raster = NULL;
    assert_ok(gch__raster_make(NULL, &raster, &err));
    assert_ok(draw_with(s, raster, NULL, &err));
    assert_int_equal(err.status, GCH_EXISTS);
    gch__raster_destroy(raster);
    free_stage(s);
}

static void a_scene_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    gch_error err;
    gch__raster *raster = NULL;
    assert_ok(gch__raster_make(NULL, &raster, &err));
    stage *s = make_stage(GCH_MARK_LINE);
    s->scene.width_px++;
    assert_status(draw_with(s, raster, NULL, &err), GCH_INVALID);
    s->scene.width_px--;
    s->scene.plots[0].x_px = UINT32_MAX;
    assert_status(draw_with(s, raster, NULL, &err), GCH_INVALID);
    s->scene.plots[0].x_px = PLOT_X;
    s->scene.is_bare = true;
    assert_status(draw_with(s, raster, NULL, &err), GCH_INVALID);
    free_stage(s);
    gch__raster_destroy(raster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turned_text_is_the_same_text),
        cmocka_unit_test(primitives_have_the_area_of_their_shape),
        cmocka_unit_test(primitives_anywhere_are_harmless),
        cmocka_unit_test(two_workers_draw_the_same_picture),
        cmocka_unit_test(warm_frames_allocate_nothing),
        cmocka_unit_test(every_failed_allocation_is_told),
        cmocka_unit_test(a_failing_query_is_told_in_its_own_words),
        cmocka_unit_test(success_leaves_the_error_untouched),
        cmocka_unit_test(a_scene_that_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
