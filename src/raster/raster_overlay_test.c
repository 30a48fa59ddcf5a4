/* Overlays: items are drawn over what is there, within the picture, and faults are told. */
#include "gch/overlay.h"
#include "test.h"
#include "test_series.h"

#include <math.h>

#define WIDTH 80u
#define HEIGHT 50u
#define WHITE 0xFFFFFFFFu

static gch_error err;

static gch_image make_image(void)
{
    gch_image image;
    assert_ok(gch_image_make(WIDTH, HEIGHT, NULL, &image, &err));
    for (size_t i = 0; i < (size_t)WIDTH * HEIGHT; i++)
        image.pixels[i] = WHITE;
    return image;
}

static uint32_t pixel(const gch_image *image, uint32_t x, uint32_t y)
{
    return image->pixels[y * image->width_px + x];
}

static size_t count_drawn(const gch_image *image)
{
    size_t count = 0;
    for (size_t i = 0; i < (size_t)image->width_px * image->height_px; i++)
        count += image->pixels[i] != WHITE;
    return count;
}

static void draw_one(gch_overlay *overlay, gch_overlay_item item, gch_image *image)
{
    assert_ok(gch_overlay_draw(overlay, &item, 1, image, &err));
}

static void shapes_lie_where_they_are_put(void **unused)
{
    (void)unused;
    gch_overlay *overlay;
    assert_ok(gch_overlay_make(NULL, &overlay, &err));
    gch_image image = make_image();
    gch_overlay_item items[] = {
        {.kind = GCH_OVERLAY_RECT, .x0 = 10, .y0 = 5, .x1 = 20, .y1 = 15, .color_rgba = 0xFF0000FF},
        {.kind = GCH_OVERLAY_RECT, .x0 = 10, .y0 = 5, .x1 = 12, .y1 = 7, .color_rgba = 0x0000FF80},
        {.kind = GCH_OVERLAY_LINE,
         .x0 = 30.5f,
         .y0 = 0,
         .x1 = 30.5f,
         .y1 = HEIGHT,
         .width_px = 1,
         .color_rgba = 0x00FF00FF},
        {.kind = GCH_OVERLAY_CIRCLE,
         .x0 = 50.5f,
         .y0 = 20.5f,
         .radius_px = 4,
         .color_rgba = 0x000000FF},
    };
    assert_ok(gch_overlay_draw(overlay, items, 4, &image, &err));
    assert_int_equal(pixel(&image, 15, 10), 0xFF0000FF); /* bytes R, G, B, A in memory */
    assert_int_equal(pixel(&image, 10, 5), 0xFF80007F);  /* half of blue over red */
    assert_int_equal(pixel(&image, 20, 10), WHITE);
    assert_int_equal(pixel(&image, 30, 0), 0xFF00FF00);
    assert_int_equal(pixel(&image, 30, HEIGHT - 1), 0xFF00FF00);
    assert_int_equal(pixel(&image, 31, 20), WHITE);
    assert_int_equal(pixel(&image, 50, 20), 0xFF000000);
    assert_int_equal(pixel(&image, 50, 17), 0xFF000000);
    assert_int_equal(pixel(&image, 54, 24), WHITE);
    gch_image_destroy(&image, NULL);
    gch_overlay_destroy(overlay);
}

static void text_stands_in_the_middle_of_its_line(void **unused)
{
    (void)unused;
    gch_overlay *overlay;
    assert_ok(gch_overlay_make(NULL, &overlay, &err));
    gch_image image = make_image();
    gch_overlay_item item = {.kind = GCH_OVERLAY_TEXT,
                             .x0 = 10,
                             .y0 = 25,
                             .font_px = 16,
                             .color_rgba = 0x000000FF,
                             .text = "HEM"};
    draw_one(overlay, item, &image);
    uint32_t left = WIDTH, right = 0, top = HEIGHT, bottom = 0;
    for (uint32_t y = 0; y < HEIGHT; y++) {
        for (uint32_t x = 0; x < WIDTH; x++) {
            if (pixel(&image, x, y) == WHITE)
                continue;
            left = x < left ? x : left;
            right = x > right ? x : right;
            top = y < top ? y : top;
            bottom = y > bottom ? y : bottom;
        }
    }
    assert_true(left >= 10 && left <= 13);
    float width = gch_overlay_text_width("HEM", 16, false);
    assert_true(fabs((double)width - (right - 10.0)) < 3);
    assert_true(fabs((top + bottom + 1) / 2.0 - 25) <= 1);
    assert_true(gch_overlay_text_width("HEM", 16, true) != width);
    assert_true(gch_overlay_text_width("", 16, true) == 0);
    gch_image_destroy(&image, NULL);
    gch_overlay_destroy(overlay);
}

static void what_lies_outside_is_not_drawn(void **unused)
{
    (void)unused;
    static const float far[] = {-1e30f, -100, 1000, 1e30f, NAN, INFINITY};
    gch_overlay *overlay;
    assert_ok(gch_overlay_make(NULL, &overlay, &err));
    gch_image image = make_image();
    for (size_t i = 0; i < sizeof far / sizeof far[0]; i++) {
        for (int kind = GCH_OVERLAY_RECT; kind <= GCH_OVERLAY_TEXT; kind++) {
            gch_overlay_item item = {.kind = (gch_overlay_kind)kind,
                                     .x0 = far[i],
                                     .y0 = far[i],
                                     .x1 = far[i],
                                     .y1 = far[i],
                                     .width_px = 3,
                                     .radius_px = 3,
                                     .font_px = 12,
                                     .color_rgba = 0x000000FF,
                                     .text = "outside"};
            draw_one(overlay, item, &image);
        }
    }
    assert_int_equal(count_drawn(&image), 0);
    gch_image_destroy(&image, NULL);
    gch_overlay_destroy(overlay);
}

static void faulty_items_are_refused_by_number(void **unused)
{
    (void)unused;
    gch_overlay *overlay;
    assert_ok(gch_overlay_make(NULL, &overlay, &err));
    gch_image image = make_image();
    gch_overlay_item good = {.kind = GCH_OVERLAY_TEXT, .font_px = 12, .text = "x"};
    const struct {
        gch_overlay_item item;
        const char *told;
    } cases[] = {
        {{.kind = 0}, "items[1].kind"},
        {{.kind = (gch_overlay_kind)9}, "items[1].kind"},
        {{.kind = GCH_OVERLAY_TEXT, .font_px = 12}, "items[1].text"},
        {{.kind = GCH_OVERLAY_TEXT, .text = "x"}, "items[1].font_px"},
        {{.kind = GCH_OVERLAY_TEXT, .text = "x", .font_px = NAN}, "items[1].font_px"},
        {{.kind = GCH_OVERLAY_TEXT, .text = "x", .font_px = 1e9f}, "items[1].font_px"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gch_overlay_item items[] = {good, cases[i].item};
        assert_status(gch_overlay_draw(overlay, items, 2, &image, &err), GCH_INVALID);
        assert_non_null(strstr(err.message, cases[i].told));
    }
    assert_int_equal(count_drawn(&image), 0);
    gch_image_destroy(&image, NULL);
    gch_overlay_destroy(overlay);
}

static void a_second_time_allocates_nothing(void **unused)
{
    (void)unused;
    test_counter counter = {0};
    gch_allocator allocator = {.resize = test_counter_resize, .context = &counter};
    gch_overlay *overlay;
    assert_ok(gch_overlay_make(&allocator, &overlay, &err));
    gch_image image = make_image();
    gch_overlay_item items[] = {
        {.kind = GCH_OVERLAY_RECT, .x1 = 30, .y1 = 30, .radius_px = 4, .color_rgba = 0xFF},
        {.kind = GCH_OVERLAY_TEXT,
         .font_px = 12,
         .text = "12.5 \xC2\xB0"
                 "C",
         .color_rgba = ~0u},
    };
    assert_ok(gch_overlay_draw(overlay, items, 2, &image, &err));
    size_t before = counter.allocations;
    for (int i = 0; i < 10; i++)
        assert_ok(gch_overlay_draw(overlay, items, 2, &image, &err));
    assert_int_equal(counter.allocations, before);
    gch_image_destroy(&image, NULL);
    gch_overlay_destroy(overlay);
    gch_overlay_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_lie_where_they_are_put),
        cmocka_unit_test(text_stands_in_the_middle_of_its_line),
        cmocka_unit_test(what_lies_outside_is_not_drawn),
        cmocka_unit_test(faulty_items_are_refused_by_number),
        cmocka_unit_test(a_second_time_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
