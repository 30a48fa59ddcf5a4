#include "paint_cases.h"

#include "base.h"
#include "test_series.h"

#include <math.h>

gch_file *paint_files[PAINT_FILES];
static test_series files[PAINT_FILES];
static const int64_t rows[PAINT_FILES] = {200000, 3000, 40, 1};

/* Walks, two columns each, with gaps in the first two files and infinities and large steps in the
 * second. */
int paint_cases_open(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (size_t f = 0; f < PAINT_FILES; f++) {
        int64_t *times = calloc((size_t)rows[f], sizeof *times), time = 0;
        double *values = calloc((size_t)rows[f], sizeof *values), walk = 0;
        double *others = calloc((size_t)rows[f], sizeof *others), other = 3000;
        assert_true(times != NULL && values != NULL && others != NULL);
        for (int64_t i = 0; i < rows[f]; i++) {
            walk += (double)(test_random(&seed) % 201) - 100;
            time += f == 0 ? 1000 : (int64_t)(test_random(&seed) % 100000);
            times[i] = time;
            values[i] = walk / 10;
            if (f < 2 && test_random(&seed) % 900 == 0)
                values[i] = (double)NAN;
            if (f == 1 && test_random(&seed) % 300 == 0)
                values[i] *= 1e9;
            other += (double)(test_random(&seed) % 201) - 100;
            others[i] = f == 1 && test_random(&seed) % 500 == 0 ? (double)NAN : other / 10;
        }
        const gch_column_desc columns[] = {{.name = "low", .type = GCH_TYPE_F64},
                                           {.name = "high", .type = GCH_TYPE_F64}};
        const gch_column_data data[] = {{.values = values}, {.values = others}};
        gch_writer_desc desc = {.time_unit = GCH_TIME_MS, .columns = columns, .column_count = 2};
        files[f] = test_series_make_columns(&desc, times, data, (size_t)rows[f]);
        paint_files[f] = files[f].file;
        free(times);
        free(values);
        free(others);
    }
    return 0;
}

int paint_cases_close(void **state)
{
    (void)state;
    for (size_t f = 0; f < PAINT_FILES; f++)
        test_series_free(&files[f]);
    return 0;
}

static uint32_t below(uint64_t *seed, uint32_t bound)
{
    return (uint32_t)(test_random(seed) % bound);
}

static void make_series_of(gch_chart_series *out, uint64_t *seed)
{
    static const gch_mark marks[] = {GCH_MARK_LINE,    GCH_MARK_STEP,    GCH_MARK_AREA,
                                     GCH_MARK_LINE,    GCH_MARK_CANDLES, GCH_MARK_OHLC,
                                     GCH_MARK_BARS,    GCH_MARK_SCATTER, GCH_MARK_BAND,
                                     GCH_MARK_DENSITY, GCH_MARK_VOLUME};
    static const float widths[] = {0, 0.4f, 1, 2.5f, 7};
    *out = (gch_chart_series){.file = paint_files[below(seed, PAINT_FILES)],
                              .mark = marks[below(seed, GCH_COUNT_OF(marks))],
                              .column_high = 1,
                              .column_price = 1,
                              .has_price = below(seed, 2) == 0,
                              .width_px = widths[below(seed, GCH_COUNT_OF(widths))],
                              .density_scale = (gch_density_scale)below(seed, 4),
                              .palette = (gch_palette)below(seed, 4)};
    if (below(seed, 3) == 0)
        out->color_rgba = (uint32_t)test_random(seed) | 0x20;
    if (out->mark == GCH_MARK_LINE && below(seed, 2) == 0)
        out->study = (gch_series_study){.kind = (gch_study_kind)(1 + below(seed, 4)),
                                        .length = 1 + below(seed, 60),
                                        .with = paint_files[below(seed, PAINT_FILES)]};
    static const float dashes[][4] = {{6, 4}, {0, 4}, {9, 3, 0, 3}, {2.25f, 0.5f, 11}};
    if (below(seed, 3) == 0) {
        uint32_t which = below(seed, GCH_COUNT_OF(dashes));
        out->dash_count = which == 2 ? 4 : which == 3 ? 3 : 2;
        memcpy(out->dash_px, dashes[which], sizeof dashes[which]);
    }
    if (below(seed, 4) == 0)
        out->label = "Näheres: 2 °C (wet bulb)";
}

/* Some panels with one axis or two; the chart's own range becomes that of a left one. */
static void choose_panels(paint_case *out, uint64_t *seed)
{
    gch_chart_desc *desc = &out->desc;
    desc->panels = out->panels;
    desc->panel_count = 1 + below(seed, GCH_COUNT_OF(out->panels));
    gch_axis_desc range = {.has_bottom = desc->has_bottom,
                           .has_top = desc->has_top,
                           .bottom = desc->bottom,
                           .top = desc->top};
    desc->has_bottom = desc->has_top = false;
    for (uint32_t i = 0; i < desc->panel_count; i++) {
        out->panels[i].height = (float)below(seed, 3);
        out->panels[i].title = below(seed, 2) == 0 ? "Flow" : NULL;
        if (below(seed, 2) == 0)
            out->panels[i].left = range;
    }
    for (uint32_t i = 0; i < desc->series_count; i++) {
        out->series[i].panel = below(seed, desc->panel_count);
        out->series[i].axis = below(seed, 3) == 0 ? GCH_AXIS_RIGHT : GCH_AXIS_LEFT;
    }
}

void paint_case_make(paint_case *out, uint64_t number)
{
    static const float scales[] = {1, 1, 1.5f, 2, 3};
    uint64_t seed = number * 0xD1342543DE82EF95u + 77;
    *out = (paint_case){.desc = {.series_count = 1 + below(&seed, 4)}};
    gch_chart_desc *desc = &out->desc;
    for (uint32_t i = 0; i < desc->series_count; i++)
        make_series_of(&out->series[i], &seed);
    desc->series = out->series;
    desc->scale = scales[below(&seed, GCH_COUNT_OF(scales))];
    desc->width_px = 60 + below(&seed, 500);
    desc->height_px = 40 + below(&seed, 300);
    desc->theme = below(&seed, 2) == 0 ? GCH_THEME_LIGHT : GCH_THEME_DARK;
    desc->title = below(&seed, 2) == 0 ? "Pressure, by the hour" : NULL;
    desc->hide_legend = below(&seed, 4) == 0;
    desc->time_zone = below(&seed, 3) == 0 ? "Europe/Berlin" : NULL;
    if (below(&seed, 4) != 0) {
        desc->has_time_range = true;
        desc->from = (int64_t)(test_random(&seed) % 150000000);
        desc->to = desc->from + 1 + (int64_t)(test_random(&seed) % (1u << (8 + below(&seed, 20))));
    }
    if (below(&seed, 2) == 0) { /* much lies outside */
        desc->has_bottom = desc->has_top = true;
        desc->bottom = (gch_decimal){-(int64_t)below(&seed, 2000), 0};
        desc->top = (gch_decimal){1 + below(&seed, 900), 0};
    }
    if (number % 3 == 2)
        choose_panels(out, &seed);
}

uint32_t paint_largest_difference(const gch_image *a, const gch_image *b, size_t *out_at)
{
    uint32_t largest = 0;
    assert_int_equal(a->width_px, b->width_px);
    assert_int_equal(a->height_px, b->height_px);
    for (size_t i = 0; i < (size_t)a->width_px * a->height_px; i++) {
        for (uint32_t shift = 0; shift < 32; shift += 8) {
            uint32_t x = a->pixels[i] >> shift & 255, y = b->pixels[i] >> shift & 255;
            uint32_t difference = x > y ? x - y : y - x;
            if (difference > largest) {
                largest = difference;
                *out_at = i;
            }
        }
    }
    return largest;
}
