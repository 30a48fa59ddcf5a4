/* Tests of the layout: nothing is cut off or overlaps at any size, small pictures give things up in
 * the stated order, and warm layouts allocate nothing. */
#include "scene_fake_file.h"
#include "scene_resolve.h"
#include "test.h"

#include <math.h>

static gch_file file;
static gch_chart_series series[GCH_SERIES_CAP];
static gch__extent extents[GCH_SERIES_CAP];

static gch_chart_desc desc_init(void)
{
    fake_file_init(&file);
    for (uint32_t i = 0; i < GCH_SERIES_CAP; i++) {
        series[i] = (gch_chart_series){.file = &file, .column = i % 4};
        extents[i] = (gch__extent){.min = fake_value(987.5), .max = fake_value(1031)};
    }
    return (gch_chart_desc){.series = series, .series_count = 1, .title = "Pressure"};
}

static gch_status lay_out(gch__scene *scene, const gch_chart_desc *desc, gch_error *err)
{
    int64_t from, to;
    GCH_TRY(gch__scene_time_range(desc, &from, &to, err));
    return gch__scene_layout(scene, desc, from, to, extents, err);
}

static gch__rect text_box(const gch__prim *prim)
{
    gch__font_metrics metrics = gch__font_get_metrics(prim->font_px, prim->weight);
    float width = gch__text_width(prim->text, prim->text_bytes, prim->font_px, prim->weight);
    return (gch__rect){prim->box.x0, prim->box.y0 - metrics.cap_height, prim->box.x0 + width,
                       prim->box.y0 + metrics.descent};
}

static gch__rect prim_box(const gch__prim *prim)
{
    if (prim->kind == GCH__PRIM_TEXT)
        return text_box(prim);
    if (prim->kind == GCH__PRIM_CIRCLE)
        return (gch__rect){prim->box.x0 - prim->radius, prim->box.y0 - prim->radius,
                           prim->box.x0 + prim->radius, prim->box.y0 + prim->radius};
    return prim->box;
}

static bool overlap(gch__rect a, gch__rect b)
{
    return a.x0 < b.x1 && b.x0 < a.x1 && a.y0 < b.y1 && b.y0 < a.y1;
}

static gch__rect plot_box(const gch__plot *plot)
{
    return (gch__rect){(float)plot->x_px, (float)plot->y_px,
                       (float)(plot->x_px + plot->view.width_px),
                       (float)(plot->y_px + plot->view.height_px)};
}

/* Plots lie within the picture, one below the other, over the same columns, and have their share:
 * half of the width, two fifths of the height. */
static void assert_plots_sound(const gch__scene *scene, const char *what)
{
    uint32_t rows = 0, end = 0;
    const gch__plot *first = &scene->plots[0];
    assert_true(scene->plot_count > 0);
    for (uint32_t i = 0; i < scene->plot_count; i++) {
        const gch__plot *plot = &scene->plots[i];
        assert_in_range(plot->view.width_px, 1, scene->width_px - plot->x_px);
        assert_in_range(plot->view.height_px, 1, scene->height_px - plot->y_px);
        assert_int_equal(plot->x_px, first->x_px);
        assert_int_equal(plot->view.width_px, first->view.width_px);
        if (i > 0 && plot->panel == plot[-1].panel) {
            assert_true(plot[-1].side == GCH_AXIS_LEFT && plot->side == GCH_AXIS_RIGHT);
            assert_int_equal(plot->y_px, plot[-1].y_px);
            assert_int_equal(plot->view.height_px, plot[-1].view.height_px);
            continue;
        }
        assert_int_equal(plot->panel, i > 0 ? plot[-1].panel + 1 : 0);
        assert_true(plot->y_px >= end);
        end = plot->y_px + plot->view.height_px;
        rows += plot->view.height_px;
    }
    if (first->view.width_px * 2 < scene->width_px || rows * 5 < scene->height_px * 2)
        fail_msg("%s: the plots have only %ux%u", what, first->view.width_px, rows);
}

/* What every scene with axes promises, whatever its size. */
static void assert_sound(const gch__scene *scene, const char *what)
{
    const float slack = 0.01f;
    assert_plots_sound(scene, what);
    for (size_t i = 0; i < scene->under.count; i++) {
        const gch__prim *prim = &scene->under.items[i];
        gch__rect box = prim_box(prim);
        if (!(box.x0 >= -slack && box.y0 >= -slack && box.x1 <= (float)scene->width_px + slack &&
              box.y1 <= (float)scene->height_px + slack))
            fail_msg("%s: primitive %zu (%.*s) leaves the picture: %g,%g to %g,%g of %ux%u", what,
                     i, (int)prim->text_bytes, prim->text != NULL ? prim->text : "", (double)box.x0,
                     (double)box.y0, (double)box.x1, (double)box.y1, scene->width_px,
                     scene->height_px);
        if (prim->kind == GCH__PRIM_RECT)
            assert_true(box.x0 < box.x1 && box.y0 < box.y1);
        if (prim->kind != GCH__PRIM_TEXT)
            continue;
        for (uint32_t k = 0; k < scene->plot_count; k++)
            if (overlap(box, plot_box(&scene->plots[k])))
                fail_msg("%s: \"%.*s\" lies in plot %u", what, (int)prim->text_bytes, prim->text,
                         k);
        for (size_t k = 0; k < i; k++) {
            const gch__prim *other = &scene->under.items[k];
            if (other->kind == GCH__PRIM_TEXT && overlap(box, text_box(other)))
                fail_msg("%s: \"%.*s\" overlaps \"%.*s\"", what, (int)prim->text_bytes, prim->text,
                         (int)other->text_bytes, other->text);
        }
    }
}

static const gch__prim *find_text(const gch__scene *scene, const char *wanted)
{
    for (size_t i = 0; i < scene->under.count; i++) {
        const gch__prim *prim = &scene->under.items[i];
        if (prim->kind == GCH__PRIM_TEXT && prim->text_bytes == strlen(wanted) &&
            memcmp(prim->text, wanted, prim->text_bytes) == 0)
            return prim;
    }
    return NULL;
}

static void nothing_is_cut_off_at_any_size_and_scale(void **state)
{
    (void)state;
    gch_error err;
    gch__scene scene = {0};
    static const uint32_t sides[][2] = {{1, 1},       {2, 300},    {300, 2},     {17, 11},
                                        {160, 100},   {161, 100},  {200, 150},   {320, 200},
                                        {640, 120},   {120, 640},  {640, 480},   {1280, 720},
                                        {1920, 1080}, {3840, 600}, {7680, 4320}, {16384, 16384}};
    static const float scales[] = {0.5f, 0.77f, 1, 1.25f, 1.5f, 2, 3, 8};
    static const uint32_t counts[] = {1, 3, 64};
    for (size_t a = 0; a < GCH_COUNT_OF(sides); a++)
        for (size_t b = 0; b < GCH_COUNT_OF(scales); b++)
            for (size_t c = 0; c < GCH_COUNT_OF(counts); c++) {
                gch_chart_desc desc = desc_init();
                desc.width_px = sides[a][0];
                desc.height_px = sides[a][1];
                desc.scale = scales[b];
                desc.series_count = counts[c];
                desc.time_zone = b % 2 == 0 ? "UTC" : "Europe/Berlin";
                assert_ok(lay_out(&scene, &desc, &err));
                char what[64];
                snprintf(what, sizeof what, "%ux%u at %g, %u series", sides[a][0], sides[a][1],
                         (double)scales[b], counts[c]);
                assert_sound(&scene, what);
            }
    gch__scene_reset(&scene);
}

/* Panels, heights and axes for all series of a desc. */
static void choose_panels(gch_chart_desc *desc, gch_panel_desc *panels, uint64_t *random)
{
    static const char *const titles[] = {NULL, "Volume", "A panel's title that is rather long"};
    static const float heights[] = {0, 1, 3, 0.001f, 1000};
    desc->panels = panels;
    desc->panel_count = 1 + (uint32_t)(test_random(random) % GCH_PANEL_CAP);
    for (uint32_t i = 0; i < desc->panel_count; i++) {
        panels[i] =
            (gch_panel_desc){.title = titles[test_random(random) % GCH_COUNT_OF(titles)],
                             .height = heights[test_random(random) % GCH_COUNT_OF(heights)]};
        panels[i].left.title = titles[test_random(random) % GCH_COUNT_OF(titles)];
        panels[i].right.axis = (gch_value_axis)(test_random(random) % 2);
    }
    for (uint32_t i = 0; i < desc->series_count; i++) {
        series[i].panel = (uint32_t)(test_random(random) % desc->panel_count);
        series[i].axis = test_random(random) % 3 == 0 ? GCH_AXIS_RIGHT : GCH_AXIS_LEFT;
    }
}

static void nothing_is_cut_off_for_random_charts(void **state)
{
    (void)state;
    gch_error err;
    gch__scene scene = {0};
    static const char *const titles[] = {
        NULL,
        "",
        "T",
        "A title that is far too long for most of the pictures that it is put in",
        "\xC3\x9C"
        "bersicht \xE2\x80\x93 Str\xC3\xB6mung",
        "\xFF\xFE broken \xC3 bytes\n\tand\x01 controls"};
    static const char *const zones[] = {"UTC", "America/New_York", "Australia/Lord_Howe"};
    uint64_t random = 1;
    for (uint32_t i = 0; i < 900; i++) {
        gch_chart_desc desc = desc_init();
        desc.width_px = 160 + (uint32_t)(test_random(&random) % 1500);
        desc.height_px = 100 + (uint32_t)(test_random(&random) % 900);
        desc.scale = 0.5f + (float)(test_random(&random) % 500) / 100;
        desc.series_count = 1 + (uint32_t)(test_random(&random) % 9);
        desc.title = titles[test_random(&random) % GCH_COUNT_OF(titles)];
        desc.time_zone = zones[test_random(&random) % GCH_COUNT_OF(zones)];
        desc.theme = (gch_theme)(i % 2);
        desc.axis = i % 5 == 0 ? GCH_AXIS_LOG : GCH_AXIS_LINEAR;
        for (uint32_t k = 0; k < desc.series_count; k++) {
            series[k].mark = (gch_mark)(test_random(&random) % (GCH_MARK_BAND + 1));
            series[k].label = titles[test_random(&random) % GCH_COUNT_OF(titles)];
            double magnitude = pow(10, (double)(test_random(&random) % 40) - 20);
            extents[k].min = fake_value(-magnitude);
            extents[k].max = fake_value(magnitude * 3);
        }
        gch_panel_desc panels[GCH_PANEL_CAP];
        if (i % 3 == 1) {
            desc.axis = GCH_AXIS_LINEAR; /* the panels' */
            choose_panels(&desc, panels, &random);
        }
        file.info.time_unit = (gch_time_unit)(GCH_TIME_INDEX + test_random(&random) % 5);
        int64_t span = 1 + (int64_t)(test_random(&random) >> (1 + test_random(&random) % 62));
        desc.has_time_range = true;
        desc.from = (int64_t)(test_random(&random) >> (2 + test_random(&random) % 60));
        desc.to = desc.from + span > desc.from ? desc.from + span : INT64_MAX;
        assert_ok(lay_out(&scene, &desc, &err));
        char what[32];
        snprintf(what, sizeof what, "case %u", i);
        assert_sound(&scene, what);
    }
    gch__scene_reset(&scene);
}

/* What a scene shows, as bits: legend 1, title 2, axis title 4, time axis 8, value axis 16. */
static uint32_t parts_shown(const gch__scene *scene)
{
    uint32_t shown = 0;
    float bottom = (float)(scene->plots[0].y_px + scene->plots[0].view.height_px);
    for (size_t i = 0; i < scene->under.count; i++) {
        const gch__prim *prim = &scene->under.items[i];
        if (prim->kind != GCH__PRIM_TEXT)
            continue;
        char text[64];
        snprintf(text, sizeof text, "%.*s", (int)prim->text_bytes, prim->text);
        if (strcmp(text, "pressure") == 0)
            shown |= 1;
        else if (strcmp(text, "Pressure") == 0)
            shown |= 2;
        else if (strcmp(text, "hPa") == 0)
            shown |= 4;
        else if (text_box(prim).y0 > bottom)
            shown |= 8;
        else
            shown |= 16;
    }
    return shown;
}

static void small_pictures_give_up_the_legend_first_and_the_value_axis_last(void **state)
{
    (void)state;
    gch_error err;
    gch__scene scene = {0};
    static const uint32_t order[] = {31, 30, 28, 24, 16, 0};
    size_t stage = 0;
    bool seen[GCH_COUNT_OF(order)] = {true};
    for (uint32_t height = 400; height >= 10; height--) {
        gch_chart_desc desc = desc_init();
        desc.width_px = 170; /* the legend does not fit beside the title */
        desc.height_px = height;
        desc.series_count = 2;
        assert_ok(lay_out(&scene, &desc, &err));
        uint32_t shown = parts_shown(&scene);
        while (stage + 1 < GCH_COUNT_OF(order) && shown != order[stage])
            stage++;
        assert_int_equal(shown, order[stage]);
        seen[stage] = true;
    }
    for (size_t i = 0; i < GCH_COUNT_OF(order); i++)
        assert_true(seen[i]);
    gch__scene_reset(&scene);
}

static void low_pictures_put_the_legend_beside_the_title(void **state)
{
    (void)state;
    gch_error err;
    gch__scene scene = {0};
    gch_chart_desc desc = desc_init();
    desc.series_count = 2;
    desc.width_px = 640;
    desc.height_px = 240;
    assert_ok(lay_out(&scene, &desc, &err));
    const gch__prim *title = find_text(&scene, "Pressure"), *label = find_text(&scene, "inlet");
    assert_true(title != NULL && label != NULL);
    assert_true(fabsf(title->box.y0 - label->box.y0) < 4);
    assert_true(fabsf(text_box(label).x1 - (640 - 12)) < 2);
    desc.height_px = 720;
    assert_ok(lay_out(&scene, &desc, &err));
    title = find_text(&scene, "Pressure");
    label = find_text(&scene, "inlet");
    assert_true(title != NULL && label != NULL && label->box.y0 > title->box.y0 + 10);
    gch__scene_reset(&scene);
}

static void labels_say_name_and_unit_without_saying_the_unit_twice(void **state)
{
    (void)state;
    gch_error err;
    gch__scene scene = {0};
    gch_chart_desc desc = desc_init();
    assert_ok(lay_out(&scene, &desc, &err)); /* a title says what it is: the unit is left */
    assert_non_null(find_text(&scene, "hPa"));
    assert_null(find_text(&scene, "pressure"));
    desc.title = NULL;
    assert_ok(lay_out(&scene, &desc, &err));
    assert_non_null(find_text(&scene, "pressure (hPa)"));
    desc.series_count = 2;
    assert_ok(lay_out(&scene, &desc, &err));
    assert_non_null(find_text(&scene, "hPa"));
    assert_non_null(find_text(&scene, "pressure"));
    assert_non_null(find_text(&scene, "inlet"));
    file.columns[1].unit = "\xC2\xB0"
                           "C";
    assert_ok(lay_out(&scene, &desc, &err));
    assert_null(find_text(&scene, "hPa"));
    assert_non_null(find_text(&scene, "pressure (hPa)"));
    assert_non_null(find_text(&scene, "inlet (\xC2\xB0"
                                      "C)"));
    desc.hide_legend = true;
    assert_ok(lay_out(&scene, &desc, &err));
    assert_null(find_text(&scene, "pressure (hPa)"));
    desc = desc_init();
    series[0].label = "own words";
    assert_ok(lay_out(&scene, &desc, &err));
    assert_non_null(find_text(&scene, "own words"));
    assert_non_null(find_text(&scene, "hPa"));
    gch__scene_reset(&scene);
}

static void studies_are_named_and_say_why_there_is_nothing_to_see(void **state)
{
    (void)state;
    gch_error err;
    gch__scene scene = {0};
    gch_chart_desc desc = desc_init();
    series[0].study = (gch_series_study){.kind = GCH_STUDY_SMA, .length = 20};
    assert_ok(lay_out(&scene, &desc, &err)); /* one alone has a legend, too */
    assert_non_null(find_text(&scene, "SMA 20 of pressure"));
    desc.series_count = 4;
    series[1].study = (gch_series_study){.kind = GCH_STUDY_EMA, .length = 7};
    series[2].study = (gch_series_study){.kind = GCH_STUDY_RANGE, .length = 1000};
    series[3].study = (gch_series_study){.kind = GCH_STUDY_SPREAD, .with_column = 1};
    assert_ok(lay_out(&scene, &desc, &err));
    assert_non_null(find_text(&scene, "EMA 7 of inlet"));
    assert_non_null(find_text(&scene, "Range 1000 of outlet"));
    assert_non_null(find_text(&scene, "ambient \u2212 inlet"));
    assert_true(scene.series[0].bar_width.count >= 1);
    extents[1] = (gch__extent){.is_too_fine = true};
    series[2].label = "own words";
    assert_ok(lay_out(&scene, &desc, &err));
    assert_non_null(find_text(&scene, "EMA 7 of inlet (too many bars)"));
    assert_non_null(find_text(&scene, "own words"));
    file.columns[0].unit = "K";
    assert_ok(lay_out(&scene, &desc, &err));
    assert_non_null(find_text(&scene, "SMA 20 of pressure (K)"));
    gch__scene_reset(&scene);
}

static void a_legend_too_long_counts_what_is_left_out(void **state)
{
    (void)state;
    gch_error err;
    gch__scene scene = {0};
    gch_chart_desc desc = desc_init();
    desc.series_count = 64;
    desc.width_px = 500;
    assert_ok(lay_out(&scene, &desc, &err));
    uint32_t labels = 0, more = 0;
    for (size_t i = 0; i < scene.under.count; i++) {
        const gch__prim *prim = &scene.under.items[i];
        if (prim->kind != GCH__PRIM_TEXT)
            continue;
        char text[64];
        snprintf(text, sizeof text, "%.*s", (int)prim->text_bytes, prim->text);
        (void)sscanf(text, "+%u more", &more);
        for (uint32_t k = 0; k < 4; k++)
            labels += strcmp(text, file.columns[k].name) == 0;
    }
    assert_true(labels >= 8 && labels <= 16);
    assert_int_equal(labels + more, 64);
    gch__scene_reset(&scene);
}

static void long_text_ends_in_an_ellipsis_within_its_room(void **state)
{
    (void)state;
    gch_error err;
    gch__scene scene = {0};
    char title[3000];
    for (size_t i = 0; i + 3 < sizeof title; i += 3)
        memcpy(title + i, "\xE2\x82\xAC", 4); /* euro signs: a cut could fall within one */
    for (size_t length = 2970; length < 2976; length++) {
        gch_chart_desc desc = desc_init();
        title[length] = '\0';
        desc.title = title;
        for (desc.width_px = 200; desc.width_px < 9000; desc.width_px += 1700) {
            assert_ok(lay_out(&scene, &desc, &err));
            assert_sound(&scene, "a long title");
            const gch__prim *found = NULL;
            for (size_t i = 0; i < scene.under.count; i++)
                if (scene.under.items[i].font_px == 16)
                    found = &scene.under.items[i];
            assert_non_null(found);
            assert_memory_equal(found->text + found->text_bytes - 3, "\xE2\x80\xA6", 3);
            for (size_t at = 0; at < found->text_bytes;)
                assert_int_not_equal(gch__utf8_next(found->text, found->text_bytes, &at), 0xFFFD);
        }
    }
    gch__scene_reset(&scene);
}

static void hostile_text_is_cleaned(void **state)
{
    (void)state;
    gch_error err;
    gch__scene scene = {0};
    gch_chart_desc desc = desc_init();
    desc.title = "a\nb\x7F"
                 "c\xFF"
                 "d\xC2\x85"
                 "e";
    assert_ok(lay_out(&scene, &desc, &err));
    assert_non_null(find_text(&scene, "a b c\xEF\xBF\xBD"
                                      "d e"));
    gch__scene_reset(&scene);
}

static void a_zone_other_than_utc_is_named_and_kept(void **state)
{
    (void)state;
    gch_error err;
    gch__scene scene = {0};
    gch_chart_desc desc = desc_init();
    assert_ok(lay_out(&scene, &desc, &err));
    assert_null(scene.zone);
    file.info.time_zone = "Europe/Berlin";
    assert_ok(lay_out(&scene, &desc, &err));
    assert_non_null(find_text(&scene, "Europe/Berlin"));
    const gch_time_zone *kept = scene.zone;
    assert_ok(lay_out(&scene, &desc, &err));
    assert_ptr_equal(scene.zone, kept);
    desc.time_zone = "UTC";
    assert_ok(lay_out(&scene, &desc, &err));
    assert_null(find_text(&scene, "Europe/Berlin"));
    assert_null(scene.zone);
    desc.time_zone = "No/Such_Zone";
    assert_status(lay_out(&scene, &desc, &err), GCH_NOT_FOUND);
    desc.is_bare = true; /* needs none */
    assert_ok(lay_out(&scene, &desc, &err));
    desc.is_bare = false;
    file.info.time_unit = GCH_TIME_INDEX;
    assert_ok(lay_out(&scene, &desc, &err));
    gch__scene_reset(&scene);
}

static void a_bare_picture_is_all_plot(void **state)
{
    (void)state;
    gch_error err;
    gch__scene scene = {0};
    gch_chart_desc desc = desc_init();
    desc.is_bare = true;
    desc.width_px = 333;
    desc.height_px = 77;
    desc.has_bottom = true;
    desc.bottom = (gch_decimal){98750, -2};
    desc.series_count = 2;
    series[1].color_rgba = 0x123456FF;
    assert_ok(lay_out(&scene, &desc, &err));
    assert_int_equal(scene.under.count + scene.over.count, 0);
    assert_int_equal(scene.background, 0x000000FF);
    assert_int_equal(scene.plots[0].x_px + scene.plots[0].y_px, 0);
    const gch_view *view = &scene.plots[0].view;
    assert_int_equal(view->width_px, 333);
    assert_int_equal(view->height_px, 77);
    assert_int_equal(view->bottom.digits, 98750); /* as written, not normalised */
    assert_int_equal(view->bottom.exp10, -2);
    assert_int_equal(view->t0, file.info.first_time);
    assert_int_equal(view->t1, file.info.last_time + 1);
    assert_int_equal(scene.series[1].color, 0xFFFFFFFF);
    gch__scene_reset(&scene);
}

static void panels_stand_in_proportion_over_one_time_axis(void **state)
{
    (void)state;
    gch_error err;
    gch__scene scene = {0};
    gch_chart_desc desc = desc_init();
    const gch_panel_desc panels[] = {
        {.height = 2}, {.title = "Inlet", .right = {.axis = GCH_AXIS_LOG}}, {0}};
    desc.panels = panels;
    desc.panel_count = 3;
    desc.series_count = 4;
    series[1].panel = series[2].panel = 1;
    series[2].axis = GCH_AXIS_RIGHT;
    series[3].panel = 2;
    assert_ok(lay_out(&scene, &desc, &err));
    assert_sound(&scene, "three panels");
    assert_int_equal(scene.plot_count, 4);
    assert_int_equal(scene.series_count, 4);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(scene.series[i].plot, i);
    assert_int_equal(scene.plots[2].view.axis, GCH_AXIS_LOG);
    uint32_t high = scene.plots[0].view.height_px, low = scene.plots[1].view.height_px;
    assert_true(high >= 2 * low - 2 && high <= 2 * low + 2);
    /* Where two axes share a panel, their labels have the colours of their lines. */
    bool is_colored[2] = {false, false};
    for (size_t i = 0; i < scene.under.count; i++) {
        const gch__prim *prim = &scene.under.items[i];
        if (prim->kind != GCH__PRIM_TEXT || prim->box.y0 < (float)scene.plots[1].y_px ||
            prim->box.y0 > (float)(scene.plots[1].y_px + low))
            continue;
        bool is_right = prim->box.x0 > 640;
        assert_int_equal(prim->color, scene.series[is_right ? 2 : 1].color);
        is_colored[is_right] = true;
    }
    assert_true(is_colored[0] && is_colored[1]);
    assert_non_null(find_text(&scene, "Inlet"));
    gch__scene_reset(&scene);
}

static void bare_panels_fill_the_picture(void **state)
{
    (void)state;
    gch_error err;
    gch__scene scene = {0};
    gch_chart_desc desc = desc_init();
    gch_panel_desc panels[GCH_PANEL_CAP] = {{.height = 3}, {0}, {.height = 0.001f}};
    desc.is_bare = true;
    desc.panels = panels;
    for (desc.panel_count = 1; desc.panel_count <= GCH_PANEL_CAP; desc.panel_count++) {
        for (desc.height_px = desc.panel_count; desc.height_px < 120; desc.height_px += 7) {
            uint32_t row = 0;
            assert_ok(lay_out(&scene, &desc, &err));
            assert_int_equal(scene.plot_count, desc.panel_count);
            for (uint32_t i = 0; i < scene.plot_count; i++) {
                assert_int_equal(scene.plots[i].y_px, row);
                assert_true(scene.plots[i].view.height_px >= 1);
                row += scene.plots[i].view.height_px;
            }
            assert_int_equal(row, desc.height_px);
        }
    }
    desc.panel_count = 2;
    desc.height_px = 102;
    assert_ok(lay_out(&scene, &desc, &err));
    assert_int_equal(scene.plots[1].y_px, 76); /* floor(102 * 3 / 4) */
    gch__scene_reset(&scene);
}

static void the_baseline_is_where_zero_is(void **state)
{
    (void)state;
    gch_error err;
    gch__scene scene = {0};
    gch_chart_desc desc = desc_init();
    desc.is_bare = desc.has_bottom = desc.has_top = true;
    desc.width_px = desc.height_px = 100;
    static const struct {
        gch_decimal bottom, top;
        float y;
    } cases[] = {
        {{-1, 0}, {1, 0}, 50}, {{0, 0}, {5, 0}, 100},   {{-5, 0}, {0, 0}, 0},
        {{1, 0}, {2, 0}, 100}, {{-2, 0}, {-1, 0}, 100}, {{-1, 308}, {1, 308}, 50},
        {{-1, 0}, {3, 0}, 75},
    };
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        desc.bottom = cases[i].bottom;
        desc.top = cases[i].top;
        assert_ok(lay_out(&scene, &desc, &err));
        assert_true(fabsf(scene.plots[0].baseline_y - cases[i].y) < 1e-4f);
    }
    gch__scene_reset(&scene);
}

static void a_zero_line_is_drawn_inside_only_and_over_what_grows_from_it(void **state)
{
    (void)state;
    gch_error err;
    gch__scene scene = {0};
    gch_chart_desc desc = desc_init();
    const uint32_t zero = gch__theme_get(GCH_THEME_LIGHT)->zero;
    for (int mark = GCH_MARK_LINE; mark <= GCH_MARK_BARS; mark++)
        for (int is_inside = 0; is_inside < 2; is_inside++) {
            series[0].mark = (gch_mark)mark;
            extents[0].min = fake_value(is_inside == 1 ? -5 : 900);
            assert_ok(lay_out(&scene, &desc, &err));
            size_t under = 0, over = 0;
            for (size_t i = 0; i < scene.under.count; i++)
                under += scene.under.items[i].color == zero;
            for (size_t i = 0; i < scene.over.count; i++)
                over += scene.over.items[i].color == zero;
            bool is_filled = mark == GCH_MARK_AREA || mark == GCH_MARK_BARS;
            assert_int_equal(over, is_inside == 1 && is_filled);
            assert_int_equal(under, is_inside == 1 && !is_filled);
        }
    gch__scene_reset(&scene);
}

static void a_view_without_data_says_so(void **state)
{
    (void)state;
    gch_error err;
    gch__scene scene = {0};
    gch_chart_desc desc = desc_init();
    assert_ok(lay_out(&scene, &desc, &err));
    assert_int_equal(scene.over.count, 0);
    extents[0] = (gch__extent){0};
    assert_ok(lay_out(&scene, &desc, &err));
    assert_int_equal(scene.over.count, 1);
    assert_memory_equal(scene.over.items[0].text, "No data", 7);
    assert_sound(&scene, "no data");
    gch__scene_reset(&scene);
}

/* Allocation number `fail_at` (counted from 0) fails, and all after it. */
typedef struct counting {
    size_t calls, fail_at, live;
} counting;

static void *counting_resize(void *context, void *old, size_t bytes, const char *purpose)
{
    (void)purpose;
    counting *count = context;
    if (bytes == 0) {
        count->live -= old != NULL;
        free(old);
        return NULL;
    }
    if (count->calls++ >= count->fail_at)
        return NULL;
    void *memory = realloc(old, bytes);
    count->live += old == NULL;
    return memory;
}

static void warm_layouts_allocate_nothing(void **state)
{
    (void)state;
    gch_error err;
    counting count = {.fail_at = SIZE_MAX};
    gch_allocator allocator = {counting_resize, &count};
    gch__scene scene = {.allocator = &allocator};
    gch_chart_desc desc = desc_init();
    desc.time_zone = "Europe/Berlin";
    assert_ok(lay_out(&scene, &desc, &err));
    size_t calls = count.calls;
    assert_true(calls > 0);
    for (uint32_t i = 0; i < 300; i++) { /* a pan, a zoom, more series, other sizes */
        desc.has_time_range = true;
        desc.from = file.info.first_time + i * 60;
        desc.to = desc.from + 86400 / (1 + i % 97);
        desc.series_count = 1 + i % GCH_SERIES_CAP;
        desc.width_px = 160 + i * 50;
        desc.height_px = 100 + i * 11 % 2000;
        desc.is_bare = i % 7 == 3;
        assert_ok(gch__scene_layout(&scene, &desc, desc.from, desc.to, extents, &err));
    }
    assert_int_equal(count.calls, calls);
    gch__scene_reset(&scene);
    assert_int_equal(count.live, 0);
}

static void each_failing_allocation_gives_no_memory_and_leaks_nothing(void **state)
{
    (void)state;
    gch_error err;
    size_t fail_at = 0;
    for (bool is_done = false; !is_done; fail_at++) {
        assert_true(fail_at < 100);
        counting count = {.fail_at = fail_at};
        gch_allocator allocator = {counting_resize, &count};
        gch__scene scene = {.allocator = &allocator};
        gch_chart_desc desc = desc_init();
        desc.time_zone = "Europe/Berlin";
        gch_status status = lay_out(&scene, &desc, &err);
        is_done = status == GCH_OK;
        if (!is_done)
            assert_int_equal(status, GCH_NO_MEMORY);
        count.fail_at = SIZE_MAX; /* a scene that failed once is still usable */
        assert_ok(lay_out(&scene, &desc, &err));
        gch__scene_reset(&scene);
        assert_int_equal(count.live, 0);
    }
    assert_true(fail_at > 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_cut_off_at_any_size_and_scale),
        cmocka_unit_test(nothing_is_cut_off_for_random_charts),
        cmocka_unit_test(small_pictures_give_up_the_legend_first_and_the_value_axis_last),
        cmocka_unit_test(low_pictures_put_the_legend_beside_the_title),
        cmocka_unit_test(labels_say_name_and_unit_without_saying_the_unit_twice),
        cmocka_unit_test(studies_are_named_and_say_why_there_is_nothing_to_see),
        cmocka_unit_test(a_legend_too_long_counts_what_is_left_out),
        cmocka_unit_test(long_text_ends_in_an_ellipsis_within_its_room),
        cmocka_unit_test(hostile_text_is_cleaned),
        cmocka_unit_test(a_zone_other_than_utc_is_named_and_kept),
        cmocka_unit_test(a_bare_picture_is_all_plot),
        cmocka_unit_test(panels_stand_in_proportion_over_one_time_axis),
        cmocka_unit_test(bare_panels_fill_the_picture),
        cmocka_unit_test(the_baseline_is_where_zero_is),
        cmocka_unit_test(a_zero_line_is_drawn_inside_only_and_over_what_grows_from_it),
        cmocka_unit_test(a_view_without_data_says_so),
        cmocka_unit_test(warm_layouts_allocate_nothing),
        cmocka_unit_test(each_failing_allocation_gives_no_memory_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
