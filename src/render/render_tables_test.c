/* Frames as tables against the CPU executor's pictures, without anybody who draws them: strips are
 * filled here, and outside of rectangles with lists a picture has to be the ground and the plain
 * ones. (That lists give the processor's pixels is seen where they are drawn: web/test.) */
#include "paint_cases.h"
#include "render_paint.h"
#include "render_tables.h"
#include "test.h"
#include "test_memory.h"

#include <inttypes.h>

#define CASES 240u

static gch_error err;

static void fill(uint32_t *pixels, uint32_t width, gch__paint_rect r, uint32_t color)
{
    for (uint32_t y = r.top; y < r.bottom; y++)
        for (uint32_t x = r.left; x < r.right; x++)
            pixels[(size_t)y * width + x] = color;
}

static bool meets(const gch__gpu_command *c, gch__paint_rect r)
{
    return c->left < r.right && c->right > r.left && c->top < r.bottom && c->bottom > r.top;
}

/* All that meets the rectangle is in its list, each once, unless something covers it. */
static bool check_list(const gch__chart_tables *tables, const gch__paint_quad *quad)
{
    const gch__gpu_command *commands =
        (const gch__gpu_command *)(const void *)tables->commands.words;
    size_t count = tables->commands.count * sizeof(uint32_t) / sizeof *commands, met = 0;
    if (quad->first >= quad->end || quad->end > tables->lists.count)
        return false;
    for (uint32_t i = quad->first; i < quad->end; i++) {
        uint32_t index = tables->lists.words[i];
        if (index >= count || !meets(&commands[index], quad->rect))
            return false;
        for (uint32_t k = quad->first; k < i; k++)
            if (tables->lists.words[k] == index)
                return false;
    }
    for (size_t i = 1; i < count; i++)
        met += meets(&commands[i], quad->rect);
    const gch__gpu_command *first = &commands[tables->lists.words[quad->first]];
    bool is_covered = first->left <= quad->rect.left && first->right >= quad->rect.right &&
                      first->top <= quad->rect.top && first->bottom >= quad->rect.bottom;
    return met == quad->end - quad->first || is_covered;
}

/* Draws what is plain; pixels of lists become 0, which no opaque pixel is. */
static bool draw_plain(const gch__chart_tables *tables, gch_image *out)
{
    const gch__gpu_command *ground = (const gch__gpu_command *)(const void *)tables->commands.words;
    const gch__paint_quad *quads = (const gch__paint_quad *)(const void *)tables->quads.words;
    size_t count = tables->quads.count * sizeof(uint32_t) / sizeof *quads;
    gch__paint_rect all = {0, 0, (uint16_t)out->width_px, (uint16_t)out->height_px};
    fill(out->pixels, out->width_px, all, ground->color);
    for (size_t i = 0; i < count; i++) {
        bool is_plain = quads[i].end == GCH__PAINT_PLAIN;
        if (quads[i].rect.right > out->width_px || quads[i].rect.bottom > out->height_px)
            return false;
        if (!is_plain && !check_list(tables, &quads[i]))
            return false;
        fill(out->pixels, out->width_px, quads[i].rect, is_plain ? quads[i].first : 0);
    }
    return true;
}

static void outside_of_lists_a_picture_is_plain(void **state)
{
    (void)state;
    gch_chart *listed = NULL, *cpu = NULL;
    uint64_t with_tables = 0, plain = 0, pixels = 0;
    assert_ok(gch_chart_make(NULL, &listed, &err));
    assert_ok(gch_chart_make(NULL, &cpu, &err));
    for (uint64_t number = 0; number < CASES; number++) {
        const gch_image *expected, *image;
        gch__chart_tables tables;
        gch_image drawn;
        paint_case c;
        paint_case_make(&c, number);
        gch_status status = gch_chart_frame(cpu, &c.desc, &expected, NULL, &err);
        assert_int_equal(gch__chart_frame_tables(listed, &c.desc, &tables, &image, NULL, &err),
                         status);
        if (status != GCH_OK)
            continue; /* a view that no executor draws */
        bool has_density = false;
        for (uint32_t i = 0; i < c.desc.series_count; i++)
            has_density = has_density || (c.series[i].mark == GCH_MARK_DENSITY &&
                                          c.series[i].study.kind == GCH_STUDY_NONE);
        assert_int_equal(tables.kind, has_density ? GCH__TABLES_NONE : GCH__TABLES_COMMANDS);
        if (has_density) {
            size_t at;
            assert_int_equal(paint_largest_difference(image, expected, &at), 0);
            continue;
        }
        assert_null(image->pixels);
        assert_ok(gch_image_make(image->width_px, image->height_px, NULL, &drawn, &err));
        assert_true(draw_plain(&tables, &drawn));
        for (size_t i = 0; i < (size_t)drawn.width_px * drawn.height_px; i++) {
            if (drawn.pixels[i] != 0 && drawn.pixels[i] != expected->pixels[i])
                fail_msg("case %" PRIu64 ": x %zu, y %zu is %08x, not %08x", number,
                         i % drawn.width_px, i / drawn.width_px, drawn.pixels[i],
                         expected->pixels[i]);
            plain += drawn.pixels[i] != 0;
        }
        pixels += (uint64_t)drawn.width_px * drawn.height_px;
        with_tables++;
        gch_image_destroy(&drawn, NULL);
    }
    print_message("%" PRIu64 " pictures, %" PRIu64 " %% of their pixels plain\n", with_tables,
                  plain * 100 / pixels);
    assert_true(with_tables > 100 && plain > pixels / 4);
    gch_chart_destroy(listed);
    gch_chart_destroy(cpu);
}

static void strips_make_the_bare_picture(void **state)
{
    (void)state;
    static const gch_mark marks[] = {GCH_MARK_LINE,    GCH_MARK_STEP, GCH_MARK_AREA,
                                     GCH_MARK_CANDLES, GCH_MARK_OHLC, GCH_MARK_SCATTER,
                                     GCH_MARK_BARS};
    gch_chart *listed = NULL, *cpu = NULL;
    uint64_t seed = 3;
    assert_ok(gch_chart_make(NULL, &listed, &err));
    assert_ok(gch_chart_make(NULL, &cpu, &err));
    for (uint32_t number = 0; number < 70; number++) {
        gch_chart_series series[2];
        for (uint32_t i = 0; i < 2; i++)
            series[i] = (gch_chart_series){.file = paint_files[(number + i) % 3],
                                           .mark = marks[(number + i) % GCH_COUNT_OF(marks)],
                                           .panel = i};
        int64_t from = (int64_t)(test_random(&seed) % 100000000);
        gch_panel_desc panels[2] = {{.height = 2}, {.height = 1}};
        gch_chart_desc desc = {.series = series,
                               .series_count = 2,
                               .panels = panels,
                               .panel_count = 2,
                               .is_bare = true,
                               .width_px = 40 + number * 7,
                               .height_px = 90 + number,
                               .has_time_range = true,
                               .from = from,
                               .to = from + 100000 + (int64_t)(test_random(&seed) % 90000000)};
        const gch_image *expected, *image;
        gch__chart_tables tables;
        gch_image drawn;
        gch_status status = gch_chart_frame(cpu, &desc, &expected, NULL, &err);
        assert_int_equal(gch__chart_frame_tables(listed, &desc, &tables, &image, NULL, &err),
                         status);
        if (status != GCH_OK)
            continue;
        assert_int_equal(tables.kind, GCH__TABLES_STRIPS);
        assert_ok(gch_image_make(image->width_px, image->height_px, NULL, &drawn, &err));
        gch__paint_rect all = {0, 0, (uint16_t)drawn.width_px, (uint16_t)drawn.height_px};
        fill(drawn.pixels, drawn.width_px, all, 0xFF000000u);
        const gch__strip *strips = (const gch__strip *)(const void *)tables.commands.words;
        for (size_t i = 0; i < tables.commands.count / 2; i++) {
            gch__paint_rect rect = {(uint16_t)strips[i].x, strips[i].top,
                                    (uint16_t)(strips[i].x + 1), (uint16_t)(strips[i].bottom + 1)};
            assert_true(strips[i].x < drawn.width_px && rect.bottom <= drawn.height_px);
            fill(drawn.pixels, drawn.width_px, rect, 0xFFFFFFFFu);
        }
        size_t at;
        assert_int_equal(paint_largest_difference(&drawn, expected, &at), 0);
        gch_image_destroy(&drawn, NULL);
    }
    gch_chart_destroy(listed);
    gch_chart_destroy(cpu);
}

static gch_status draw_with(const gch_allocator *allocator, bool is_bare, uint64_t *out_warm,
                            test_memory *memory)
{
    gch_chart_series series = {.file = paint_files[0], .mark = GCH_MARK_AREA};
    gch_chart_desc desc = {.series = &series,
                           .series_count = 1,
                           .width_px = 300,
                           .height_px = 200,
                           .is_bare = is_bare,
                           .title = "Tables",
                           .allocator = allocator};
    gch_chart *chart = NULL;
    const gch_image *image;
    gch__chart_tables tables;
    GCH_TRY(gch_chart_make(allocator, &chart, &err));
    gch_status status = gch__chart_frame_tables(chart, &desc, &tables, &image, NULL, &err);
    uint64_t served = memory->served;
    if (status == GCH_OK)
        status = gch__chart_frame_tables(chart, &desc, &tables, &image, NULL, &err);
    *out_warm = memory->served - served;
    gch_chart_destroy(chart);
    return status;
}

static void warm_tables_allocate_nothing_and_memory_may_run_out(void **state)
{
    (void)state;
    for (uint32_t is_bare = 0; is_bare < 2; is_bare++) {
        test_memory memory = {.left = UINT64_MAX};
        gch_allocator allocator = {.resize = test_memory_resize, .context = &memory};
        uint64_t warm;
        assert_ok(draw_with(&allocator, is_bare != 0, &warm, &memory));
        assert_int_equal(warm, 0);
        assert_int_equal(memory.live, 0);
        uint64_t needed = memory.served;
        for (uint64_t left = 0; left < needed; left++) {
            memory = (test_memory){.left = left};
            assert_int_equal(draw_with(&allocator, is_bare != 0, &warm, &memory), GCH_NO_MEMORY);
            assert_int_equal(memory.live, 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outside_of_lists_a_picture_is_plain),
        cmocka_unit_test(strips_make_the_bare_picture),
        cmocka_unit_test(warm_tables_allocate_nothing_and_memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, paint_cases_open, paint_cases_close);
}
