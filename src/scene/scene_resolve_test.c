/* Tests of checks and defaults: every field's message, ranges that are always in order, bar widths.
 */
#include "scene_fake_file.h"
#include "scene_resolve.h"
#include "test.h"

#include <math.h>

static gch_file file;
static gch_chart_series series[GCH_SERIES_CAP];

/* A sound desc of one series over a fresh file. */
static gch_chart_desc desc_init(void)
{
    fake_file_init(&file);
    for (uint32_t i = 0; i < GCH_SERIES_CAP; i++)
        series[i] = (gch_chart_series){.file = &file, .column = i % 4};
    return (gch_chart_desc){.series = series, .series_count = 1};
}

static void assert_refused(const gch_chart_desc *desc, const char *field)
{
    gch_error err = {.message = ""};
    assert_status(gch__chart_check(desc, &err), GCH_INVALID);
    if (strncmp(err.message, field, strlen(field)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", err.message, field);
}

static void a_plain_desc_is_sound(void **state)
{
    (void)state;
    gch_error err;
    gch_chart_desc desc = desc_init();
    assert_ok(gch__chart_check(&desc, &err));
    gch__picture picture = gch__chart_picture(&desc);
    assert_int_equal(picture.width_px, 1280);
    assert_int_equal(picture.height_px, 720);
    assert_true(picture.scale == 1);
}

static void each_wrong_field_is_named(void **state)
{
    (void)state;
    gch_chart_desc desc = desc_init();
    desc.series_count = 0;
    assert_refused(&desc, "series:");
    desc = desc_init();
    desc.series = NULL;
    assert_refused(&desc, "series:");
    desc = desc_init();
    desc.series_count = GCH_SERIES_CAP + 1;
    assert_refused(&desc, "series_count:");
    desc = desc_init();
    desc.width_px = GCH_VIEW_PX_MAX + 1;
    assert_refused(&desc, "width_px:");
    desc = desc_init();
    desc.height_px = UINT32_MAX;
    assert_refused(&desc, "height_px:");
    const float scales[] = {0.49f, 8.01f, -1, NAN, INFINITY};
    for (size_t i = 0; i < GCH_COUNT_OF(scales); i++) {
        desc = desc_init();
        desc.scale = scales[i];
        assert_refused(&desc, "scale:");
    }
    desc = desc_init();
    desc.backend = (gch_backend)5;
    assert_refused(&desc, "backend:");
    desc = desc_init();
    desc.theme = (gch_theme)3;
    assert_refused(&desc, "theme:");
    desc = desc_init();
    desc.axis = (gch_value_axis)2;
    assert_refused(&desc, "axis:");
    desc = desc_init();
    desc.has_time_range = true;
    desc.from = desc.to = 5;
    assert_refused(&desc, "from:");
    desc = desc_init();
    desc.bar_width.unit = (gch_bar_unit)5;
    assert_refused(&desc, "bar_width.unit:");
    desc = desc_init();
    desc.bar_width.count = -1;
    assert_refused(&desc, "bar_width.count:");
    desc = desc_init();
    desc.bar_width = (gch_bar_width){.unit = GCH_BAR_DAY, .count = 1};
    file.info.time_unit = GCH_TIME_INDEX;
    assert_refused(&desc, "bar_width.unit:");
}

static void each_wrong_field_of_a_series_is_named_with_its_number(void **state)
{
    (void)state;
    gch_chart_desc desc = desc_init();
    desc.series_count = 3;
    series[2].file = NULL;
    assert_refused(&desc, "series[2].file:");
    desc_init();
    series[1].column = 4;
    assert_refused(&desc, "series[1].column:");
    desc_init();
    series[0].mark = (gch_mark)99;
    assert_refused(&desc, "series[0].mark:");
    desc_init();
    series[0].mark = (gch_mark)(GCH_MARK_DENSITY + 1000);
    assert_refused(&desc, "series[0].mark:");
    desc_init();
    series[1].density_scale = (gch_density_scale)4;
    assert_refused(&desc, "series[1].density_scale:");
    desc_init();
    series[1].palette = (gch_palette)4;
    assert_refused(&desc, "series[1].palette:");
    const float widths[] = {-1, 257, NAN, INFINITY};
    for (size_t i = 0; i < GCH_COUNT_OF(widths); i++) {
        desc_init();
        series[2].width_px = widths[i];
        assert_refused(&desc, "series[2].width_px:");
    }
    desc_init();
    gch_file other;
    fake_file_init(&other);
    other.info.time_unit = GCH_TIME_NS;
    series[1].file = &other;
    assert_refused(&desc, "series[1].file:");
    desc_init();
    series[1].study = (gch_series_study){.kind = GCH_STUDY_SPREAD, .with = &other};
    assert_refused(&desc, "series[1].study.with:");
}

static void histograms_stand_in_a_chart_of_their_own(void **state)
{
    (void)state;
    gch_error err;
    gch_chart_desc desc = desc_init();
    desc.series_count = 2;
    series[1].mark = GCH_MARK_HISTOGRAM;
    assert_refused(&desc, "series[1].mark:");
    for (uint32_t i = 0; i < desc.series_count; i++)
        series[i].mark = GCH_MARK_HISTOGRAM;
    desc.has_left = true;
    assert_ok(gch__chart_check(&desc, &err));
    series[0].bin_count = GCH_BIN_COUNT_MAX + 1;
    assert_refused(&desc, "series[0].bin_count:");
    series[0].bin_count = GCH_BIN_COUNT_MAX;
    desc.is_bare = true;
    assert_status(gch__chart_check(&desc, &err), GCH_UNSUPPORTED);
    desc = desc_init();
    series[0].bin_count = 5;
    assert_refused(&desc, "series[0].bin_count:");
    desc = desc_init();
    desc.has_right = true;
    assert_refused(&desc, "right:");
}

static void each_wrong_field_of_a_study_is_named(void **state)
{
    (void)state;
    gch_error err;
    gch_chart_desc desc = desc_init();
    series[0].study = (gch_series_study){.kind = GCH_STUDY_EMA, .length = GCH_STUDY_LENGTH_MAX};
    assert_ok(gch__chart_check(&desc, &err));
    series[0].mark = GCH_MARK_LINE;
    assert_ok(gch__chart_check(&desc, &err));
    series[0].mark = GCH_MARK_CANDLES;
    assert_refused(&desc, "series[0].mark:");
    series[0].mark = GCH_MARK_DEFAULT;
    desc.is_bare = true;
    assert_refused(&desc, "series[0].study:");
    desc.is_bare = false;
    series[0].study.length = 0;
    assert_refused(&desc, "series[0].study.length:");
    series[0].study.length = GCH_STUDY_LENGTH_MAX + 1;
    assert_refused(&desc, "series[0].study.length:");
    series[0].study.kind = (gch_study_kind)5;
    assert_refused(&desc, "series[0].study.kind:");
    series[0].study = (gch_series_study){.kind = GCH_STUDY_SPREAD, .with_column = 3};
    assert_ok(gch__chart_check(&desc, &err));
    series[0].study.with_column = 4;
    assert_refused(&desc, "series[0].study.with_column:");
}

static void bounds_are_checked(void **state)
{
    (void)state;
    gch_chart_desc desc = desc_init();
    desc.has_bottom = desc.has_top = true;
    desc.bottom = desc.top = (gch_decimal){108, -1};
    assert_refused(&desc, "bottom:");
    desc.bottom = (gch_decimal){1081, -2};
    assert_refused(&desc, "bottom:");
    desc = desc_init();
    desc.has_bottom = true;
    desc.bottom = (gch_decimal){1, 401};
    assert_refused(&desc, "bottom:");
    desc.bottom = (gch_decimal){1, 309}; /* no double */
    assert_refused(&desc, "bottom:");
    desc = desc_init();
    desc.has_top = true;
    desc.top = (gch_decimal){1, -401};
    assert_refused(&desc, "top:");
    desc = desc_init();
    desc.axis = GCH_AXIS_LOG;
    desc.has_bottom = true;
    assert_refused(&desc, "bottom:");
    desc.has_bottom = false;
    desc.has_top = true;
    desc.top = (gch_decimal){-1, 0};
    assert_refused(&desc, "top:");
}

/* A desc of one point set. */
static gch_chart_desc plane_init(void)
{
    gch_chart_desc desc = desc_init();
    file.info.time_unit = GCH_TIME_INDEX;
    file.info.is_point_set = true;
    file.info.curve = GCH_CURVE_MORTON;
    file.info.x_column = 2;
    file.info.y_column = 1;
    return desc;
}

static void a_point_set_is_drawn_as_points_by_itself(void **state)
{
    (void)state;
    gch_error err;
    int64_t from, to;
    gch_chart_desc desc = plane_init();
    assert_int_equal(gch__chart_mark(&series[0]), GCH_MARK_POINTS);
    assert_true(gch__chart_is_plane(&desc));
    assert_string_equal(gch__chart_column(&series[0])->name, "inlet");
    assert_ok(gch__scene_time_range(&desc, &from, &to, &err));
    assert_true(from == 0 && to == 1);
    series[0].mark = GCH_MARK_LINE;
    assert_false(gch__chart_is_plane(&desc));
    assert_string_equal(gch__chart_column(&series[0])->name, "pressure");
    assert_ok(gch__chart_check(&desc, &err));
}

static void wrong_fields_of_a_plane_are_named(void **state)
{
    (void)state;
    gch_chart_desc desc = desc_init();
    series[0].mark = GCH_MARK_POINTS;
    assert_refused(&desc, "series[0].mark:"); /* no point set */
    desc = desc_init();
    desc.has_left = true;
    assert_refused(&desc, "left:");
    desc = desc_init();
    series[0].size_by = 1;
    assert_refused(&desc, "series[0].size_by:");
    desc = plane_init();
    desc.series_count = 2;
    series[1].mark = GCH_MARK_LINE;
    assert_refused(&desc, "series[1].mark:");
    desc = plane_init();
    series[0].color_by = 5;
    assert_refused(&desc, "series[0].color_by:");
    series[0].color_by = series[0].category_by = 4;
    assert_refused(&desc, "series[0].color_by:");
    desc = plane_init();
    desc.has_time_range = true;
    desc.to = 1;
    assert_refused(&desc, "from:");
    desc = plane_init();
    desc.has_left = desc.has_right = true;
    desc.left = desc.right = (gch_decimal){5, 0};
    assert_refused(&desc, "left:");
    desc.right = (gch_decimal){1, 401};
    assert_refused(&desc, "right:");
    gch_error err;
    desc = plane_init();
    desc.axis = GCH_AXIS_LOG;
    assert_status(gch__chart_check(&desc, &err), GCH_UNSUPPORTED);
    const gch_panel_desc panels[2] = {[1] = {.right = {.axis = GCH_AXIS_LOG}}};
    desc = plane_init();
    desc.panels = panels;
    desc.panel_count = 2;
    series[0].panel = 1;
    assert_ok(gch__chart_check(&desc, &err)); /* nothing is read against the other */
    series[0].axis = GCH_AXIS_RIGHT;
    assert_status(gch__chart_check(&desc, &err), GCH_UNSUPPORTED);
    assert_memory_equal(err.message, "panels[1].right.axis:", 21);
}

static void a_plane_shows_all_unless_it_is_told(void **state)
{
    (void)state;
    gch_error err;
    gch_decimal left, right;
    gch_chart_desc desc = plane_init();
    gch__extent extents[1] = {{.left = fake_value(-3), .right = fake_value(9)}};
    assert_ok(gch__chart_across_range(&desc, extents, &left, &right, &err));
    assert_true(gch_decimal_to_double(left) <= -3 && gch_decimal_to_double(left) > -6);
    assert_true(gch_decimal_to_double(right) > 9 && gch_decimal_to_double(right) < 12);
    desc.has_left = true;
    desc.left = (gch_decimal){20, 0};
    assert_ok(gch__chart_across_range(&desc, extents, &left, &right, &err));
    assert_true(left.digits == 20 && gch__decimal_compare(left, right) < 0);
    extents[0] = (gch__extent){0};
    desc = plane_init();
    assert_ok(gch__chart_across_range(&desc, extents, &left, &right, &err));
    assert_true(gch__decimal_compare(left, right) < 0);
}

static void decimals_compare_exactly(void **state)
{
    (void)state;
    static const gch_decimal ascending[] = {
        {INT64_MIN, 400}, {INT64_MIN, 0}, {INT64_MIN + 1, 0},
        {-1, 18},         {-1, 0},        {-1, -400},
        {0, 400},         {1, -400},      {108, -1},
        {1081, -2},       {11, 0},        {INT64_MAX, -1},
        {1, 18},          {92, 17},       {INT64_MAX, 0},
        {1, 19},          {INT64_MAX, 1}, {1, 400},
        {2, 400},
    };
    for (size_t a = 0; a < GCH_COUNT_OF(ascending); a++)
        for (size_t b = 0; b < GCH_COUNT_OF(ascending); b++)
            assert_int_equal(gch__decimal_compare(ascending[a], ascending[b]), a == b  ? 0
                                                                               : a < b ? -1
                                                                                       : 1);
    assert_int_equal(gch__decimal_compare((gch_decimal){10, 0}, (gch_decimal){1, 1}), 0);
    assert_int_equal(gch__decimal_compare((gch_decimal){-100, -2}, (gch_decimal){-1, 0}), 0);
    assert_int_equal(gch__decimal_compare((gch_decimal){0, -3}, (gch_decimal){0, 300}), 0);
}

static void time_range_is_the_desc_s_or_all_data(void **state)
{
    (void)state;
    gch_error err;
    gch_chart_desc desc = desc_init();
    gch_file early, empty;
    fake_file_init(&early);
    early.info.first_time = -100;
    early.info.last_time = 7;
    fake_file_init(&empty);
    empty.info.row_count = 0;
    empty.info.first_time = empty.info.last_time = INT64_MIN;
    series[1].file = &early;
    series[2].file = &empty;
    desc.series_count = 3;
    int64_t from, to;
    assert_ok(gch__scene_time_range(&desc, &from, &to, &err));
    assert_int_equal(from, -100);
    assert_int_equal(to, file.info.last_time + 1);
    desc.has_time_range = true;
    desc.from = 3;
    desc.to = 4;
    assert_ok(gch__scene_time_range(&desc, &from, &to, &err));
    assert_int_equal(from, 3);
    assert_int_equal(to, 4);
    desc.to = 3;
    assert_status(gch__scene_time_range(&desc, &from, &to, &err), GCH_INVALID);
}

static void time_range_leaves_air_for_marks_that_reach_beyond_their_times(void **state)
{
    (void)state;
    gch_error err;
    gch_chart_desc desc = desc_init();
    int64_t from, to, first = file.info.first_time, end = first + 1001;
    file.info.row_count = 11;
    file.info.last_time = end - 1;
    static const struct {
        gch_mark mark;
        int64_t air;
    } cases[] = {{GCH_MARK_LINE, 0},    {GCH_MARK_BARS, 50}, {GCH_MARK_CANDLES, 10},
                 {GCH_MARK_SCATTER, 4}, {GCH_MARK_AREA, 0},  {GCH_MARK_OHLC, 10}};
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        series[0].mark = cases[i].mark;
        desc.is_bare = false;
        assert_ok(gch__scene_time_range(&desc, &from, &to, &err));
        assert_int_equal(from, first - cases[i].air);
        assert_int_equal(to, end + cases[i].air);
        desc.is_bare = true; /* the pixel rule knows no air */
        assert_ok(gch__scene_time_range(&desc, &from, &to, &err));
        assert_int_equal(from, first);
        assert_int_equal(to, end);
    }
}

static void time_range_is_in_order_for_any_data(void **state)
{
    (void)state;
    gch_error err;
    static const int64_t times[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX};
    for (size_t a = 0; a < GCH_COUNT_OF(times); a++)
        for (size_t b = a; b < GCH_COUNT_OF(times); b++)
            for (int i = 0; i < 16; i++) {
                bool is_bare = i >= 8;
                gch_chart_desc desc = desc_init();
                desc.is_bare = is_bare;
                series[0].mark = (gch_mark)(i % 8);
                file.info.first_time = times[a];
                file.info.last_time = times[b];
                int64_t from, to;
                assert_ok(gch__scene_time_range(&desc, &from, &to, &err));
                assert_true(from < to);
                assert_true(from <= times[a]);
                assert_true(to > times[b] || times[b] == INT64_MAX);
                if (is_bare && times[b] < INT64_MAX) {
                    assert_int_equal(from, times[a]);
                    assert_int_equal(to, times[b] + 1);
                }
            }
    gch_chart_desc desc = desc_init();
    file.info.row_count = 0;
    file.info.first_time = file.info.last_time = 0;
    int64_t from, to;
    assert_ok(gch__scene_time_range(&desc, &from, &to, &err));
    assert_true(from < to);
}

static void resolve_range(const gch_chart_desc *desc, double min, double max, double *out_bottom,
                          double *out_top)
{
    gch_error err;
    gch__extent extents[GCH_SERIES_CAP];
    for (uint32_t i = 0; i < desc->series_count; i++)
        extents[i] = (gch__extent){.min = fake_value(min), .max = fake_value(max)};
    gch_decimal bottom, top;
    assert_ok(gch__chart_value_range(desc, 0, GCH_AXIS_LEFT, extents, &bottom, &top, &err));
    assert_true(gch__decimal_compare(bottom, top) < 0);
    *out_bottom = gch_decimal_to_double(bottom);
    *out_top = gch_decimal_to_double(top);
}

static void fitted_range_shows_every_series(void **state)
{
    (void)state;
    gch_error err;
    gch_chart_desc desc = desc_init();
    desc.series_count = 3;
    gch__extent extents[3] = {{.min = fake_value(10), .max = fake_value(12)},
                              {.min = {.kind = GCH_VALUE_GAP}, .max = {.kind = GCH_VALUE_GAP}},
                              {.min = {.as.digits = 105, .kind = GCH_VALUE_DECIMAL, .scale = 1},
                               .max = {.as.digits = 995, .kind = GCH_VALUE_DECIMAL, .scale = 1}}};
    gch_decimal bottom, top;
    assert_ok(gch__chart_value_range(&desc, 0, GCH_AXIS_LEFT, extents, &bottom, &top, &err));
    assert_true(gch_decimal_to_double(bottom) < 10 && gch_decimal_to_double(bottom) > -10);
    assert_true(gch_decimal_to_double(top) > 99.5 && gch_decimal_to_double(top) < 120);
}

static void areas_start_at_zero_only_near_it_and_bars_always(void **state)
{
    (void)state;
    double bottom, top;
    gch_chart_desc desc = desc_init();
    resolve_range(&desc, 2, 10, &bottom, &top);
    assert_true(bottom > 0 && bottom < 2); /* a line does not */
    series[0].mark = GCH_MARK_AREA;
    resolve_range(&desc, 2, 10, &bottom, &top);
    assert_true(bottom == 0 && top >= 10);
    resolve_range(&desc, 1000, 1010, &bottom, &top);
    assert_true(bottom > 990);
    resolve_range(&desc, -2, 10, &bottom, &top);
    assert_true(bottom < -2);
    series[0].mark = GCH_MARK_BARS;
    resolve_range(&desc, 1000, 1010, &bottom, &top);
    assert_true(bottom == 0 && top >= 1010);
    resolve_range(&desc, -1010, -1000, &bottom, &top);
    assert_true(bottom <= -1010 && top == 0);
    resolve_range(&desc, -5, 7, &bottom, &top);
    assert_true(bottom <= -5 && top >= 7);
    desc.axis = GCH_AXIS_LOG;
    resolve_range(&desc, 10, 1000, &bottom, &top);
    assert_true(bottom > 0 && bottom <= 10 && top >= 1000);
}

static void one_given_bound_is_kept_and_the_other_stays_beyond_it(void **state)
{
    (void)state;
    for (int axis = GCH_AXIS_LINEAR; axis <= GCH_AXIS_LOG; axis++) {
        double bottom, top;
        gch_chart_desc desc = desc_init();
        desc.axis = (gch_value_axis)axis;
        desc.has_bottom = true;
        desc.bottom = (gch_decimal){5, 2};
        resolve_range(&desc, 1, 10, &bottom, &top);
        assert_true(bottom == 500 && top > 500);
        desc.bottom = (gch_decimal){1, 308};
        resolve_range(&desc, 1, 10, &bottom, &top);
        assert_true(bottom == 1e308 && top > 1e308);
        desc.has_bottom = false;
        desc.has_top = true;
        desc.top = (gch_decimal){5, -1};
        resolve_range(&desc, 1, 10, &bottom, &top);
        assert_true(top == 0.5 && bottom < 0.5);
        resolve_range(&desc, 0.01, 0.02, &bottom, &top);
        assert_true(top == 0.5 && bottom < 0.02);
        resolve_range(&desc, NAN, NAN, &bottom, &top);
        assert_true(top == 0.5 && bottom < 0.5);
        assert_true(axis == GCH_AXIS_LINEAR || bottom > 0);
    }
}

static void range_without_room_is_refused(void **state)
{
    (void)state;
    gch_error err;
    gch_chart_desc desc = desc_init();
    desc.has_bottom = true;
    desc.bottom = gch_decimal_from_double(1.7976931348623157e308);
    gch__extent extent = {.min = fake_value(0), .max = fake_value(1)};
    gch_decimal bottom, top;
    assert_status(gch__chart_value_range(&desc, 0, GCH_AXIS_LEFT, &extent, &bottom, &top, &err),
                  GCH_INVALID);
    assert_memory_equal(err.message, "bottom:", 7);
}

static void range_is_in_order_for_any_data(void **state)
{
    (void)state;
    static const double values[] = {-1.7e308, -1e300, -1,        -1e-300, 0,      5e-324,
                                    1e-300,   1,      1 + 1e-15, 1e300,   1.7e308};
    for (int axis = GCH_AXIS_LINEAR; axis <= GCH_AXIS_LOG; axis++)
        for (int mark = GCH_MARK_LINE; mark <= GCH_MARK_BARS; mark++)
            for (size_t a = 0; a < GCH_COUNT_OF(values); a++)
                for (size_t b = a; b < GCH_COUNT_OF(values); b++) {
                    gch_chart_desc desc = desc_init();
                    desc.axis = (gch_value_axis)axis;
                    series[0].mark = (gch_mark)mark;
                    double bottom, top;
                    resolve_range(&desc, values[a], values[b], &bottom, &top);
                    assert_true(axis == GCH_AXIS_LINEAR || bottom > 0);
                    if (axis == GCH_AXIS_LINEAR)
                        assert_true(bottom <= values[a] && values[b] <= top);
                }
}

static void bar_widths_come_from_the_ladder(void **state)
{
    (void)state;
    static const struct {
        gch_time_unit unit;
        int64_t span_s; /* ticks for INDEX and below a second */
        gch_bar_width expected;
    } cases[] = {
        {GCH_TIME_S, 3600, {GCH_BAR_TICKS, 60}},
        {GCH_TIME_S, 100, {GCH_BAR_TICKS, 1}},
        {GCH_TIME_MS, 86400, {GCH_BAR_TICKS, 900000}},
        {GCH_TIME_NS, 300, {GCH_BAR_TICKS, 5000000000}},
        {GCH_TIME_S, 7776000, {GCH_BAR_DAY, 1}},
        {GCH_TIME_MS, 86400 * 700, {GCH_BAR_WEEK, 1}},
        {GCH_TIME_S, 315569520, {GCH_BAR_MONTH, 1}},
        {GCH_TIME_S, 3155695200, {GCH_BAR_YEAR, 1}},
        {GCH_TIME_S, 31556952000, {GCH_BAR_YEAR, 10}},
        {GCH_TIME_INDEX, 1000000, {GCH_BAR_TICKS, 10000}},
        {GCH_TIME_INDEX, 10, {GCH_BAR_TICKS, 1}},
    };
    for (size_t i = 0; i < GCH_COUNT_OF(cases); i++) {
        int64_t ticks = cases[i].span_s;
        if (cases[i].unit != GCH_TIME_INDEX)
            ticks *= gch_time_unit_per_second(cases[i].unit);
        gch_bar_width width = gch__bar_width_choose(cases[i].unit, 0, ticks, 800, 8);
        assert_int_equal(width.unit, cases[i].expected.unit);
        assert_int_equal(width.count, cases[i].expected.count);
    }
    gch_bar_width width = gch__bar_width_choose(GCH_TIME_MS, 0, 500, 800, 8);
    assert_int_equal(width.count, 5); /* 5 ms, 8 px each */
}

static void bars_keep_near_the_wanted_width(void **state)
{
    (void)state;
    static const double ticks_each[] = {1, 86400, 604800, 2629746, 31556952};
    for (int unit = GCH_TIME_INDEX; unit <= GCH_TIME_NS; unit++)
        for (double span = 1; span < 9e18; span *= 1.37) {
            gch_bar_width width =
                gch__bar_width_choose((gch_time_unit)unit, 0, (int64_t)span, 1000, 8);
            assert_true(width.count >= 1);
            double ticks = (double)width.count * ticks_each[width.unit];
            if (width.unit != GCH_BAR_TICKS)
                ticks *= (double)gch_time_unit_per_second((gch_time_unit)unit);
            double px = ticks * 1000 / floor(span);
            assert_true(px >= 3.99); /* half of 8; the widest step, day to week, is 7 times that */
            assert_true(px <= 28 || (width.unit == GCH_BAR_TICKS && width.count == 1));
        }
    gch_bar_width width = gch__bar_width_choose(GCH_TIME_S, INT64_MIN, INT64_MAX, 1, 8);
    assert_true(width.unit == GCH_BAR_YEAR && width.count > 0);
}

static void series_get_colours_widths_and_marks(void **state)
{
    (void)state;
    const gch__theme *theme = gch__theme_get(GCH_THEME_DARK);
    gch_chart_desc desc = desc_init();
    desc.scale = 2;
    desc.series_count = 12;
    series[1].mark = GCH_MARK_SCATTER;
    series[2].color_rgba = 0x11223380;
    series[2].width_px = 3;
    series[2].mark = GCH_MARK_AREA;
    gch__plot_series plain = gch__chart_series(&desc, 0, theme, 0, 100, 800);
    assert_int_equal(plain.mark, GCH_MARK_LINE);
    assert_int_equal(plain.color, theme->palette[0]);
    assert_true(plain.width == 3);
    gch__plot_series dots = gch__chart_series(&desc, 1, theme, 0, 100, 800);
    assert_true(dots.width == 8);
    gch__plot_series own = gch__chart_series(&desc, 2, theme, 0, 100, 800);
    assert_int_equal(own.color, 0x11223380);
    assert_true(own.width == 6);
    assert_int_equal(own.fill_color >> 8, 0x112233);
    assert_true((own.fill_color & 255) < 0x80 && (own.fill_base_color & 255) < 16);
    gch__plot_series again = gch__chart_series(&desc, 11, theme, 0, 100, 800);
    assert_int_equal(again.color, theme->palette[1]);
    desc.is_bare = true;
    own = gch__chart_series(&desc, 2, theme, 0, 100, 800);
    assert_int_equal(own.color, 0xFFFFFFFF);
    assert_true(own.width == 1);
}

static void bars_stand_for_points_while_there_is_room(void **state)
{
    (void)state;
    const gch__theme *theme = gch__theme_get(GCH_THEME_LIGHT);
    gch_chart_desc desc = desc_init();
    series[0].mark = GCH_MARK_BARS;
    int64_t first = file.info.first_time;
    assert_int_equal(gch__chart_series(&desc, 0, theme, first, first + 100, 800).bar_width.count,
                     0);
    gch__plot_series many = gch__chart_series(&desc, 0, theme, first, first + 86400, 800);
    assert_int_equal(many.bar_width.unit, GCH_BAR_TICKS);
    assert_int_equal(many.bar_width.count, 900);
    desc.bar_width = (gch_bar_width){.unit = GCH_BAR_TICKS, .count = 7};
    assert_int_equal(gch__chart_series(&desc, 0, theme, first, first + 100, 800).bar_width.count,
                     7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_desc_is_sound),
        cmocka_unit_test(each_wrong_field_is_named),
        cmocka_unit_test(each_wrong_field_of_a_series_is_named_with_its_number),
        cmocka_unit_test(histograms_stand_in_a_chart_of_their_own),
        cmocka_unit_test(each_wrong_field_of_a_study_is_named),
        cmocka_unit_test(bounds_are_checked),
        cmocka_unit_test(a_point_set_is_drawn_as_points_by_itself),
        cmocka_unit_test(wrong_fields_of_a_plane_are_named),
        cmocka_unit_test(a_plane_shows_all_unless_it_is_told),
        cmocka_unit_test(decimals_compare_exactly),
        cmocka_unit_test(time_range_is_the_desc_s_or_all_data),
        cmocka_unit_test(time_range_leaves_air_for_marks_that_reach_beyond_their_times),
        cmocka_unit_test(time_range_is_in_order_for_any_data),
        cmocka_unit_test(fitted_range_shows_every_series),
        cmocka_unit_test(areas_start_at_zero_only_near_it_and_bars_always),
        cmocka_unit_test(one_given_bound_is_kept_and_the_other_stays_beyond_it),
        cmocka_unit_test(range_without_room_is_refused),
        cmocka_unit_test(range_is_in_order_for_any_data),
        cmocka_unit_test(bar_widths_come_from_the_ladder),
        cmocka_unit_test(bars_keep_near_the_wanted_width),
        cmocka_unit_test(series_get_colours_widths_and_marks),
        cmocka_unit_test(bars_stand_for_points_while_there_is_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
